//! RTF bodies: decompression ([MS-OXRTFCP]), and their text, or the HTML that they were made of ([MS-OXRTFEX]).
//!
//! Total, in one pass. Does not: keep formats, pictures, headers or footers.
//! Limits: [`RTF_BYTES_MAX`], [`GROUPS_MAX`], [`FONTS_MAX`].

use super::{charset, cursor::Cursor, field::hex_byte};
use std::collections::BTreeMap;

/// Decompressed bytes beyond this are dropped.
pub(super) const RTF_BYTES_MAX: usize = 16 * 1024 * 1024;
/// Groups nested deeper share the state of this one.
const GROUPS_MAX: usize = 1_000;
/// Fonts beyond this number count as written in the default charset.
const FONTS_MAX: usize = 1_000;

const COMPRESSED: u32 = 0x7546_5a4c;
const UNCOMPRESSED: u32 = 0x414c_454d;
const DICTIONARY_BYTES: usize = 4_096;
/// What the dictionary holds at first ([MS-OXRTFCP] 2.1.2.1).
const DICTIONARY: &[u8] = b"{\\rtf1\\ansi\\mac\\deff0\\deftab720{\\fonttbl;}\
{\\f0\\fnil \\froman \\fswiss \\fmodern \\fscript \\fdecor MS Sans SerifSymbolArialTimes New RomanCourier\
{\\colortbl\\red0\\green0\\blue0\r\n\\par \\pard\\plain\\f0\\fs20\\b\\i\\u\\tab\\tx";

/// The RTF in a compressed property; none if it is no such thing.
pub(super) fn decompress(data: &[u8]) -> Option<Vec<u8>> {
    let mut cursor = Cursor::new(data);
    let _compressed_size = cursor.u32()?;
    let size = cursor.length()?.min(RTF_BYTES_MAX);
    let kind = cursor.u32()?;
    let _checksum = cursor.u32()?;
    match kind {
        UNCOMPRESSED => Some(cursor.take_up_to(size).to_vec()),
        COMPRESSED => Some(expand(cursor, size)),
        _ => None,
    }
}

/// LZ77 with a ring of 4,096 bytes: eight flags, then for each a byte or a place and length in the ring.
fn expand(mut cursor: Cursor<'_>, size: usize) -> Vec<u8> {
    let mut ring = [0_u8; DICTIONARY_BYTES];
    let mut at = DICTIONARY.len();
    for (slot, byte) in ring.iter_mut().zip(DICTIONARY) {
        *slot = *byte;
    }
    let mut out = Vec::new();
    let mut put = |byte: u8, ring: &mut [u8; DICTIONARY_BYTES], at: &mut usize| {
        if let Some(slot) = ring.get_mut(*at) {
            *slot = byte;
        }
        *at = (*at + 1) % DICTIONARY_BYTES;
        if out.len() < size {
            out.push(byte);
        }
        out.len() < size
    };
    'runs: while let Some(flags) = cursor.u8() {
        for bit in 0..8 {
            if flags >> bit & 1 == 0 {
                let Some(byte) = cursor.u8() else { break 'runs };
                if !put(byte, &mut ring, &mut at) {
                    break 'runs;
                }
                continue;
            }
            let Some(code) = cursor.u16().map(u16::swap_bytes) else { break 'runs };
            let (place, count) = (usize::from(code >> 4), usize::from(code & 15) + 2);
            if place == at {
                break 'runs;
            }
            for step in 0..count {
                let byte = ring.get((place + step) % DICTIONARY_BYTES).copied().unwrap_or_default();
                if !put(byte, &mut ring, &mut at) {
                    break 'runs;
                }
            }
        }
    }
    out
}

/// What an RTF body says.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Text {
    /// It was made of HTML, and here that is again.
    Html(String),
    /// Its text.
    Plain(String),
}

/// Reads RTF.
pub(super) fn read(rtf: &[u8]) -> Text {
    let mut reader = Reader { groups: vec![Group::default()], ..Reader::default() };
    reader.run(rtf);
    reader.flush();
    if reader.from_html { Text::Html(reader.out) } else { Text::Plain(reader.out.trim().to_owned()) }
}

/// What a group inherits.
#[derive(Clone, Debug)]
struct Group {
    /// Its text is not the body's.
    skipped: bool,
    /// `\htmlrtf`: RTF that stands in for markup.
    stands_in: bool,
    /// Within the font table.
    fonts: bool,
    /// Characters to pass over after `\u`.
    fallback: usize,
    /// The font's number.
    font: i32,
}

impl Default for Group {
    fn default() -> Self {
        Self { skipped: false, stands_in: false, fonts: false, fallback: 1, font: -1 }
    }
}

#[derive(Default)]
struct Reader {
    from_html: bool,
    /// `\*` came: skip the group if the next word is not known.
    optional: bool,
    groups: Vec<Group>,
    /// Groups beyond [`GROUPS_MAX`].
    deeper: usize,
    default_charset: Option<String>,
    charsets: BTreeMap<i32, &'static str>,
    /// Bytes and UTF-16 units that are not decoded yet; at most one of them is not empty.
    bytes: Vec<u8>,
    units: Vec<u16>,
    /// Characters still to pass over.
    passing: usize,
    out: String,
}

impl Reader {
    fn run(&mut self, rtf: &[u8]) {
        let mut cursor = Cursor::new(rtf);
        while let Some(byte) = cursor.u8() {
            match byte {
                b'{' => self.open(),
                b'}' => self.close(),
                b'\\' => self.control(&mut cursor),
                b'\r' | b'\n' | 0 => {}
                _ => self.byte(byte),
            }
        }
    }

    fn group(&mut self) -> Option<&mut Group> {
        self.groups.last_mut()
    }

    fn open(&mut self) {
        self.flush();
        (self.passing, self.optional) = (0, false);
        match self.groups.last().cloned() {
            Some(group) if self.groups.len() < GROUPS_MAX => self.groups.push(group),
            _ => self.deeper += 1,
        }
    }

    fn close(&mut self) {
        self.flush();
        (self.passing, self.optional) = (0, false);
        if self.deeper > 0 {
            self.deeper -= 1;
        } else if self.groups.len() > 1 {
            self.groups.pop();
        }
    }

    fn control(&mut self, cursor: &mut Cursor<'_>) {
        let letters = cursor.rest.iter().take(32).take_while(|b| b.is_ascii_alphabetic()).count();
        if letters == 0 {
            let Some(symbol) = cursor.u8() else { return };
            self.symbol(symbol, cursor);
            return;
        }
        let word = cursor.take_up_to(letters);
        let signed = cursor.rest.first() == Some(&b'-');
        let digits = cursor.rest.iter().skip(usize::from(signed)).take(10).take_while(|b| b.is_ascii_digit());
        let digits = digits.count();
        let mut number = None;
        if digits > 0 {
            let text = cursor.take_up_to(digits + usize::from(signed));
            number = std::str::from_utf8(text).ok().and_then(|t| t.parse::<i32>().ok());
        }
        if cursor.rest.first() == Some(&b' ') {
            cursor.take_up_to(1);
        }
        self.word(word, number, cursor);
    }

    fn symbol(&mut self, symbol: u8, cursor: &mut Cursor<'_>) {
        match symbol {
            b'\'' => {
                let code = cursor.rest.first_chunk::<2>().and_then(|[high, low]| hex_byte(*high, *low));
                if let Some(byte) = code {
                    cursor.take_up_to(2);
                    self.byte(byte);
                }
            }
            b'*' => self.optional = true,
            b'~' => self.text("\u{a0}"),
            b'_' => self.text("-"),
            b'\r' | b'\n' => self.text("\n"),
            b'\\' | b'{' | b'}' => self.byte(symbol),
            _ => {}
        }
    }

    fn word(&mut self, word: &[u8], number: Option<i32>, cursor: &mut Cursor<'_>) {
        let optional = std::mem::take(&mut self.optional);
        let value = number.unwrap_or_default();
        match word {
            b"htmltag" => {}
            b"fromhtml" => self.from_html = value != 0,
            b"htmlrtf" => {
                self.flush();
                if let Some(group) = self.group() {
                    group.stands_in = number != Some(0);
                }
            }
            b"par" | b"line" | b"sect" | b"page" | b"row" => self.text("\n"),
            b"tab" | b"cell" => self.text("\t"),
            b"lquote" => self.text("\u{2018}"),
            b"rquote" => self.text("\u{2019}"),
            b"ldblquote" => self.text("\u{201c}"),
            b"rdblquote" => self.text("\u{201d}"),
            b"bullet" => self.text("\u{2022}"),
            b"endash" => self.text("\u{2013}"),
            b"emdash" => self.text("\u{2014}"),
            b"ansicpg" => self.default_charset = u32::try_from(value).ok().and_then(charset::of_code_page),
            b"u" => self.unit(value),
            b"uc" => {
                if let Some(group) = self.group() {
                    group.fallback = usize::try_from(value).unwrap_or_default();
                }
            }
            b"f" => {
                self.flush();
                if let Some(group) = self.group() {
                    group.font = value;
                }
            }
            b"fcharset" => self.font_charset(value),
            b"fonttbl" => {
                if let Some(group) = self.group() {
                    (group.fonts, group.skipped) = (true, true);
                }
            }
            b"bin" => {
                cursor.take_up_to(usize::try_from(value).unwrap_or_default());
            }
            _ if optional || is_no_body(word) => {
                if let Some(group) = self.group() {
                    group.skipped = true;
                }
            }
            _ => {}
        }
    }

    fn font_charset(&mut self, number: i32) {
        let Some(group) = self.groups.last() else { return };
        if let (true, true, Some(label)) =
            (group.fonts, self.charsets.len() < FONTS_MAX, charset_of_font(number))
        {
            self.charsets.insert(group.font, label);
        }
    }

    /// Whether text counts now; takes fallback characters off.
    fn is_shown(&mut self) -> bool {
        if self.passing > 0 {
            self.passing -= 1;
            return false;
        }
        self.groups.last().is_some_and(|g| !g.skipped && !(g.stands_in && self.from_html))
    }

    fn byte(&mut self, byte: u8) {
        if self.is_shown() {
            if !self.units.is_empty() {
                self.flush();
            }
            self.bytes.push(byte);
        }
    }

    fn unit(&mut self, value: i32) {
        self.passing = 0;
        if self.is_shown() {
            if !self.bytes.is_empty() {
                self.flush();
            }
            // Units above 32767 are written as negative numbers.
            self.units.push(value as u16);
        }
        self.passing = self.groups.last().map_or(1, |g| g.fallback);
    }

    fn text(&mut self, text: &str) {
        if self.is_shown() {
            self.flush();
            self.out.push_str(text);
        }
    }

    fn flush(&mut self) {
        if !self.units.is_empty() {
            self.out.push_str(&String::from_utf16_lossy(&self.units));
            self.units.clear();
        }
        if !self.bytes.is_empty() {
            let font = self.groups.last().map_or(-1, |g| g.font);
            let label = self.charsets.get(&font).copied().or(self.default_charset.as_deref());
            self.out.push_str(&charset::decode_as(label.unwrap_or("windows-1252"), &self.bytes));
            self.bytes.clear();
        }
    }
}

/// Destinations that hold no text of the body.
fn is_no_body(word: &[u8]) -> bool {
    matches!(
        word,
        b"colortbl"
            | b"stylesheet"
            | b"info"
            | b"pict"
            | b"objdata"
            | b"header"
            | b"headerl"
            | b"headerr"
            | b"headerf"
            | b"footer"
            | b"footerl"
            | b"footerr"
            | b"footerf"
            | b"filetbl"
            | b"fldinst"
            | b"mhtmltag"
    )
}

/// The charset of a font by its `\fcharset` number, where it is not the document's own.
fn charset_of_font(number: i32) -> Option<&'static str> {
    Some(match number {
        77 => "macintosh",
        128 => "shift_jis",
        129 => "euc-kr",
        134 => "gbk",
        136 => "big5",
        161 => "windows-1253",
        162 => "windows-1254",
        163 => "windows-1258",
        177 => "windows-1255",
        178 => "windows-1256",
        186 => "windows-1257",
        204 => "windows-1251",
        222 => "windows-874",
        238 => "windows-1250",
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plain(rtf: &[u8]) -> String {
        match read(rtf) {
            Text::Plain(text) => text,
            Text::Html(html) => format!("HTML {html}"),
        }
    }

    #[test]
    fn rtf_gives_its_text_or_its_html() {
        for (rtf, expected) in [
            (&br"{\rtf1\ansi\ansicpg1252{\fonttbl{\f0 Arial;}}\f0 Tv\'e5 p\u229 ?r\par{\*\x hidden}{\pict 00}{\b so}}"[..], "Två pår\nso"),
            (br"{\rtf1\ansi{\fonttbl{\f0\fcharset204 A;}{\f1\fcharset0 B;}}\f0\'ef\f1\'e5}", "пå"),
            (br"{\rtf1\uc2 \u8364 ab\u-10179 ab\u-8704 ab!}", "€😀!"),
            (b"{\\rtf1 a\\\\b\\{c\\}\\~d\\tab e\\bin3 }}}f}", "a\\b{c}\u{a0}d\tef"),
            (
                br"{\rtf1\ansi\fromhtml1{\*\htmltag64 <p>}\htmlrtf \par \htmlrtf0 Hi {\*\htmltag84 &amp;}\htmlrtf &\htmlrtf0  co{\*\mhtmltag1 no}{\*\htmltag72 </p>}}",
                "HTML <p>Hi &amp; co</p>",
            ),
            (b"}}}}text", "text"),
            (br"{\rtf1 cut \'4", "cut 4"),
            (b"", ""),
        ] {
            assert_eq!(plain(rtf), expected, "{}", String::from_utf8_lossy(rtf));
        }
        assert_eq!(plain(&b"{".repeat(5_000)), "");
    }

    /// The two examples of [MS-OXRTFCP] 4.1, and what is no compressed RTF.
    #[test]
    fn compressed_rtf_is_expanded() {
        let simple = "2d0000002b0000004c5a4675f1c5c7a703000a007263706731323542320af80b65208048\
                      6c6c20776f726c6407b07d0a800fa0";
        let crossing = "1a0000001c0000004c5a4675e2d44b51410004205758595a0d6e7d010eb0";
        let hex_bytes = |text: &str| hex::decode(text.replace(' ', "")).unwrap();
        let expand = |bytes: &[u8]| decompress(bytes).map(|b| String::from_utf8_lossy(&b).into_owned());
        let hello = expand(&hex_bytes(simple)).unwrap();
        assert!(hello.starts_with("{\\rtf1\\ansi\\ansicpg1252\\pard"), "{hello}");
        let crossing = expand(&hex_bytes(crossing)).unwrap();
        assert_eq!(crossing, "{\\rtf1 WXYZWXYZWXYZWXYZWXYZ}");
        let stored = [&[0; 4][..], &[2, 0, 0, 0], b"MELA", &[0; 4], b"ab!"].concat();
        assert_eq!(expand(&stored).as_deref(), Some("ab"));
        assert_eq!(expand(b"no such thing at all"), None);
        assert_eq!(expand(b""), None);
    }
}
