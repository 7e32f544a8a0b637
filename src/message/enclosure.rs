//! Files and armour that stand within plain text: uuencode, yEnc, OpenPGP blocks (RFC 9580 §6).
//!
//! A block is taken out only if it is well formed up to its end; of a broken one, what can be read becomes a file, and what
//! cannot stays in the text. One pass over the lines.
//! Does not: look into quoted lines; join yEnc files that were split over several mails; verify or decrypt.

use super::transfer;

/// Text without its enclosures.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Split {
    /// What is left of the text.
    pub(super) text: Vec<u8>,
    /// What was taken out, in order.
    pub(super) files: Vec<Enclosure>,
}

/// One thing taken out.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Enclosure {
    /// Name as given, undecoded.
    pub(super) name: Vec<u8>,
    /// Media type.
    pub(super) media_type: &'static str,
    /// Decoded bytes; armour stays as it is.
    pub(super) bytes: Vec<u8>,
    /// The end is missing, or the size is another than announced.
    pub(super) broken: bool,
}

/// Media type of a file that says nothing of itself.
pub(super) const OCTETS: &str = "application/octet-stream";

/// Takes at most `count` enclosures out of a text; none if there are none.
pub(super) fn take_out(text: &[u8], count: usize) -> Option<Split> {
    let mut lines = Lines { rest: text };
    let mut split = Split::default();
    let mut clear_signed = false;
    let mut found = false;
    while let Some(line) = lines.next() {
        let bare = line.trim_ascii_end();
        let room = split.files.len() < count;
        if clear_signed && (line.starts_with(b"- -") || line.starts_with(b"- From ")) {
            split.text.extend_from_slice(line.get(2..).unwrap_or_default());
            continue;
        }
        if room && bare == b"-----BEGIN PGP SIGNED MESSAGE-----" {
            (clear_signed, found) = (true, true);
            lines.skip_armour_fields();
            continue;
        }
        let block = if room { block_at(line, bare, &mut lines) } else { None };
        match block {
            Some(file) => {
                clear_signed = false;
                found = true;
                split.files.push(file);
            }
            None => split.text.extend_from_slice(line),
        }
    }
    found.then_some(split)
}

/// The block that begins with this line; the lines move behind it.
fn block_at<'a>(line: &'a [u8], bare: &'a [u8], lines: &mut Lines<'a>) -> Option<Enclosure> {
    if bare.starts_with(b"begin") {
        return uuencoded(bare, lines);
    }
    if bare.starts_with(b"=ybegin ") {
        return yenc(bare, lines);
    }
    if bare.starts_with(b"-----BEGIN PGP ") {
        return armour(line, bare, lines);
    }
    None
}

/// Lines with their ends.
#[derive(Clone, Copy)]
struct Lines<'a> {
    rest: &'a [u8],
}

impl<'a> Lines<'a> {
    fn next(&mut self) -> Option<&'a [u8]> {
        if self.rest.is_empty() {
            return None;
        }
        let end = self.rest.iter().position(|b| *b == b'\n').map_or(self.rest.len(), |at| at + 1);
        let (line, rest) = self.rest.split_at_checked(end)?;
        self.rest = rest;
        Some(line)
    }

    /// `Hash: SHA256` and its like, up to an empty line.
    fn skip_armour_fields(&mut self) {
        let mut ahead = *self;
        while let Some(line) = ahead.next() {
            if line.trim_ascii().is_empty() {
                *self = ahead;
                return;
            }
            if ![&b"Hash:"[..], b"Charset:", b"Comment:", b"Version:"].iter().any(|f| line.starts_with(f)) {
                return;
            }
            *self = ahead;
        }
    }
}

/// `begin 644 name`, lines with their own length first, `end`; or `begin-base64 644 name`, `====`.
fn uuencoded(bare: &[u8], lines: &mut Lines<'_>) -> Option<Enclosure> {
    let (is_base64, rest) = match bare.strip_prefix(b"begin-base64 ") {
        Some(rest) => (true, rest),
        None => (false, bare.strip_prefix(b"begin ")?),
    };
    let mode = rest.iter().position(|b| *b == b' ')?;
    let (mode, name) = rest.split_at_checked(mode)?;
    let name = name.trim_ascii();
    if !(3..=4).contains(&mode.len()) || !mode.iter().all(|b| (b'0'..=b'7').contains(b)) || name.is_empty() {
        return None;
    }
    let mut ahead = *lines;
    let mut bytes = Vec::new();
    let mut broken = true;
    loop {
        let before = ahead;
        let Some(line) = ahead.next() else { break };
        let line = line.strip_suffix(b"\n").unwrap_or(line);
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        let end: &[u8] = if is_base64 { b"====" } else { b"end" };
        if line.trim_ascii_end() == end {
            broken = false;
            break;
        }
        let decoded = if is_base64 { base64_line(line) } else { transfer::uu_line(line) };
        let Some(decoded) = decoded else {
            ahead = before;
            break;
        };
        bytes.extend(decoded);
    }
    if broken && bytes.is_empty() {
        return None;
    }
    *lines = ahead;
    Some(Enclosure { name: name.to_vec(), media_type: OCTETS, bytes, broken })
}

fn base64_line(line: &[u8]) -> Option<Vec<u8>> {
    use base64::Engine as _;
    let line = line.trim_ascii();
    (!line.is_empty()).then(|| base64::engine::general_purpose::STANDARD.decode(line).ok())?
}

/// `=ybegin line=128 size=123456 name=file`, lines of shifted bytes, `=yend size=123456`.
fn yenc(bare: &[u8], lines: &mut Lines<'_>) -> Option<Enclosure> {
    let name_at = bare.windows(6).position(|w| w == b" name=")?;
    let (parameters, name) = bare.split_at_checked(name_at)?;
    let name = name.get(6..)?.trim_ascii();
    let size = yenc_number(parameters, b"size=")?;
    let in_parts = yenc_number(parameters, b"part=").is_some();
    let mut ahead = *lines;
    let mut bytes = Vec::new();
    let mut end = None;
    while let Some(line) = ahead.next() {
        if line.starts_with(b"=ypart ") {
            continue;
        }
        if line.starts_with(b"=ybegin ") {
            return None;
        }
        if line.starts_with(b"=yend") {
            end = Some(line);
            break;
        }
        let mut data = line.iter().filter(|b| !matches!(b, b'\r' | b'\n'));
        while let Some(byte) = data.next() {
            let (byte, shift) = if *byte == b'=' { (data.next()?, 106) } else { (byte, 42) };
            bytes.push(byte.wrapping_sub(shift));
        }
    }
    // Without its end a block could be anything: it stays in the text.
    let end_size = yenc_number(end?, b"size=");
    *lines = ahead;
    let length = bytes.len();
    let broken = in_parts || length != size || end_size.is_some_and(|size| size != length);
    Some(Enclosure { name: name.to_vec(), media_type: OCTETS, bytes, broken })
}

fn yenc_number(parameters: &[u8], name: &[u8]) -> Option<usize> {
    let word = parameters.split(u8::is_ascii_whitespace).find_map(|word| word.strip_prefix(name))?;
    std::str::from_utf8(word).ok()?.parse().ok()
}

/// `-----BEGIN PGP …-----` to its `END`, kept as it is.
fn armour<'a>(line: &'a [u8], bare: &'a [u8], lines: &mut Lines<'a>) -> Option<Enclosure> {
    let kind = bare.strip_prefix(b"-----BEGIN PGP ")?.strip_suffix(b"-----")?;
    let (name, media_type) = match kind {
        b"MESSAGE" => ("encrypted.asc", "application/pgp-encrypted"),
        b"SIGNATURE" => ("signature.asc", "application/pgp-signature"),
        b"PUBLIC KEY BLOCK" => ("key.asc", "application/pgp-keys"),
        _ => return None,
    };
    let end = [b"-----END PGP ", kind, b"-----"].concat();
    let mut ahead = *lines;
    let mut bytes = line.to_vec();
    while let Some(next) = ahead.next() {
        bytes.extend_from_slice(next);
        if next.trim_ascii_end() == end {
            *lines = ahead;
            return Some(Enclosure { name: name.into(), media_type, bytes, broken: false });
        }
        // Armour is base64: anything else means that the end is missing.
        if next.starts_with(b"-----") {
            return None;
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What is left, then `name=bytes` for each file, with `!` if it is broken.
    fn seen(text: &[u8]) -> String {
        let Some(split) = take_out(text, 10) else { return "none".to_owned() };
        let mut out = String::from_utf8_lossy(&split.text).into_owned();
        for file in &split.files {
            let bytes = if file.media_type == OCTETS { file.bytes.as_slice() } else { b"\xe2\x80\xa6" };
            let mark = if file.broken { "!" } else { "" };
            let (name, bytes) = (String::from_utf8_lossy(&file.name), String::from_utf8_lossy(bytes));
            out.push_str(&format!("[{name}={bytes}{mark}]"));
        }
        out
    }

    #[test]
    fn enclosures_are_taken_out_and_nothing_is_lost() {
        for (text, expected) in [
            ("Hi\nbegin 644 a.txt\n%:&5L;&\\\n`\nend\nBye\n", "Hi\nBye\n[a.txt=hello]"),
            ("begin 0600 my file.txt\r\n%:&5L;&\\ \r\n \r\nend\r\n", "[my file.txt=hello]"),
            ("begin-base64 644 a\naGVsbG8=\n====\nx", "x[a=hello]"),
            ("begin 644 a\nend\n", "[a=]"),
            ("begin 644 a\n%:&5L;&\\\nmore text\n", "more text\n[a=hello!]"),
            ("begin 644 words\nare not a file\n", "none"),
            ("begin the day\n", "none"),
            ("> begin 644 a.txt\n> %:&5L;&\\\n> end\n", "none"),
            ("=ybegin line=128 size=2 name=a b\nr=n\n=yend size=2\nx", "x[a b=H\u{4}]"),
            ("=ybegin line=128 size=3 name=a b\nr=n\n=yend size=3\nx", "x[a b=H\u{4}!]"),
            ("=ybegin line=128 size=2 name=a b\nr=n\n", "none"),
            (
                "a\n-----BEGIN PGP SIGNED MESSAGE-----\nHash: SHA256\n\n- -- Hi\nx\n-----BEGIN PGP SIGNATURE-----\n\nabc=\n-----END PGP SIGNATURE-----\nb\n",
                "a\n-- Hi\nx\nb\n[signature.asc=…]",
            ),
            ("-----BEGIN PGP MESSAGE-----\n\nabc=\n-----END PGP MESSAGE-----\n", "[encrypted.asc=…]"),
            ("-----BEGIN PGP MESSAGE-----\n\nabc=\n", "none"),
            ("", "none"),
        ] {
            assert_eq!(seen(text.as_bytes()), expected, "{text:?}");
        }
    }

    #[test]
    fn yenc_is_undone_byte_for_byte() {
        let all: Vec<u8> = (0..=255).collect();
        let mut text = b"=ybegin line=128 size=256 name=all bytes.bin\r\n".to_vec();
        for (at, byte) in all.iter().enumerate() {
            match byte.wrapping_add(42) {
                code @ (0 | b'\n' | b'\r' | b'=') => text.extend([b'=', code.wrapping_add(64)]),
                code => text.push(code),
            }
            if at % 64 == 63 {
                text.extend(b"\r\n");
            }
        }
        text.extend(b"=yend size=256\r\n");
        let split = take_out(&text, 10).unwrap();
        assert_eq!(split.files.len(), 1);
        assert_eq!((split.files[0].bytes.as_slice(), split.files[0].broken), (all.as_slice(), false));
        assert!(split.text.is_empty());
    }
}
