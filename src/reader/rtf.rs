//! Rich Text Format (Microsoft, version 1.9.1) into paragraphs and tables.
//!
//! Heads and feet of pages and text boxes count; settings, pictures, fields' instructions and hidden text do not.
//! Limits: groups inside groups, and those of [`super::flow`].

use super::{decode::Output, flow, flow::Builder};
use crate::{
    message,
    model::finding::{Finding, Severity},
};
use std::io;

/// Groups inside groups.
const DEPTH_MAX: usize = 10_000;
/// Longest control word and number.
const WORD_MAX: usize = 32;
/// Groups that hold no text.
const SILENT: &[&str] = &[
    "fonttbl",
    "colortbl",
    "stylesheet",
    "info",
    "pict",
    "object",
    "themedata",
    "datastore",
    "listtable",
    "listoverridetable",
    "revtbl",
    "rsidtbl",
    "fldinst",
    "bkmkstart",
    "bkmkend",
    "annotation",
    "xe",
    "tc",
];

/// Reads a file of Rich Text.
pub(super) fn read(bytes: &[u8], out: &mut Output<'_>) -> io::Result<()> {
    let mut reader = Reader { code_page: 1252, ..Reader::default() };
    if !reader.run(bytes) {
        let message = format!(
            "The file nests more than {DEPTH_MAX} groups; what comes after was not read. Ask the sender for a PDF."
        );
        out.finding(Finding::new("too_deep", Severity::Check, message))?;
    }
    flow::put(reader.builder.finish(), out)
}

/// What holds for a group and the groups inside it.
#[derive(Clone, Copy, Default)]
struct Group {
    silent: bool,
    hidden: bool,
    /// Characters after a `\u` that stand for it in older programs.
    stand_ins: usize,
    /// The group is a paragraph of its own.
    apart: bool,
}

#[derive(Default)]
struct Reader {
    builder: Builder,
    groups: Vec<Group>,
    group: Group,
    code_page: u32,
    /// Bytes of the code page that are not yet text.
    pending: Vec<u8>,
    /// Half of a character beyond the first plane.
    high: Option<u16>,
    /// Characters still to be skipped after a `\u`.
    skip: usize,
    /// The paragraph belongs to a table.
    in_table: bool,
    /// What of a table is open.
    open: Open,
}

#[derive(Clone, Copy, Default, PartialEq, PartialOrd)]
enum Open {
    #[default]
    Nothing,
    Table,
    Row,
    Cell,
}

impl Reader {
    /// Reads all; false if groups nest too deep.
    fn run(&mut self, bytes: &[u8]) -> bool {
        self.group.stand_ins = 1;
        let mut rest = bytes;
        while let Some((byte, tail)) = rest.split_first() {
            rest = tail;
            match byte {
                b'{' => {
                    if self.groups.len() >= DEPTH_MAX {
                        return false;
                    }
                    self.flush();
                    self.groups.push(self.group);
                    self.group.apart = false;
                }
                b'}' => {
                    self.flush();
                    if self.group.apart {
                        self.builder.end_paragraph();
                    }
                    self.group = self.groups.pop().unwrap_or(Group { stand_ins: 1, ..Group::default() });
                }
                b'\\' => rest = self.control(rest),
                b'\r' | b'\n' => {}
                other => self.byte(*other),
            }
        }
        self.flush();
        true
    }

    /// Reads a control word or symbol and says what follows it.
    fn control<'a>(&mut self, rest: &'a [u8]) -> &'a [u8] {
        let length = rest.iter().take(WORD_MAX).take_while(|b| b.is_ascii_alphabetic()).count();
        let (word, rest) = rest.split_at(length.min(rest.len()));
        if word.is_empty() {
            return self.symbol(rest);
        }
        let digits = rest
            .iter()
            .take(WORD_MAX)
            .enumerate()
            .take_while(|(at, b)| b.is_ascii_digit() || *at == 0 && **b == b'-')
            .count();
        let (number, rest) = rest.split_at(digits.min(rest.len()));
        let rest = rest.strip_prefix(b" ").unwrap_or(rest);
        let number: Option<i64> = std::str::from_utf8(number).ok().and_then(|n| n.parse().ok());
        let word = std::str::from_utf8(word).unwrap_or_default();
        if word == "bin" {
            let skipped = usize::try_from(number.unwrap_or(0)).unwrap_or(0).min(rest.len());
            return rest.get(skipped..).unwrap_or_default();
        }
        if word != "u" {
            self.flush();
        }
        self.word(word, number);
        rest
    }

    fn symbol<'a>(&mut self, rest: &'a [u8]) -> &'a [u8] {
        let Some((symbol, rest)) = rest.split_first() else { return rest };
        match symbol {
            b'\'' => {
                let (digits, rest) = rest.split_at(rest.len().min(2));
                let code = std::str::from_utf8(digits).ok().and_then(|d| u8::from_str_radix(d, 16).ok());
                if let Some(code) = code {
                    self.byte(code);
                }
                return rest;
            }
            b'*' => self.group.silent = true,
            b'~' => self.text(" "),
            b'_' => self.text("-"),
            b'\r' | b'\n' => self.word("par", None),
            c @ (b'\\' | b'{' | b'}') => self.byte(*c),
            _ => {}
        }
        rest
    }

    fn word(&mut self, word: &str, number: Option<i64>) {
        if SILENT.contains(&word) {
            self.group.silent = true;
        }
        match word {
            "shptxt" => (self.group.silent, self.group.apart) = (false, true),
            "ansicpg" => self.code_page = number.and_then(|n| u32::try_from(n).ok()).unwrap_or(1252),
            "pc" => self.code_page = 437,
            "pca" => self.code_page = 850,
            "mac" => self.code_page = 10_000,
            "uc" => self.group.stand_ins = usize::try_from(number.unwrap_or(1)).unwrap_or(1).min(WORD_MAX),
            "u" => self.unicode(number.unwrap_or(0)),
            "v" | "deleted" => self.group.hidden = number != Some(0),
            "plain" => self.group.hidden = false,
            _ if self.group.silent || self.group.hidden => {}
            "header" | "headerl" | "headerr" | "headerf" | "footer" | "footerl" | "footerr" | "footerf"
            | "footnote" => self.group.apart = true,
            "par" | "sect" => {
                self.place();
                self.builder.end_paragraph();
            }
            "line" => self.text("\n"),
            "page" => self.builder.page_break(),
            "tab" => self.text("\t"),
            "pard" => self.in_table = false,
            "intbl" | "trowd" => self.in_table = true,
            "cell" => {
                self.in_table = true;
                self.place();
                self.builder.end_paragraph();
                self.open = Open::Row;
            }
            "row" if self.open > Open::Table => self.open = Open::Table,
            "nestcell" => self.text("   "),
            "nestrow" => self.text("\n"),
            "emdash" => self.text("\u{2014}"),
            "endash" => self.text("\u{2013}"),
            "bullet" => self.text("\u{2022}"),
            "lquote" => self.text("\u{2018}"),
            "rquote" => self.text("\u{2019}"),
            "ldblquote" => self.text("\u{201c}"),
            "rdblquote" => self.text("\u{201d}"),
            _ => {}
        }
    }

    /// A UTF-16 code unit; numbers above 32767 are written as negative ones.
    fn unicode(&mut self, number: i64) {
        self.flush();
        let unit = u16::try_from(number.rem_euclid(0x1_0000)).unwrap_or(0);
        let pair: Vec<u16> = self.high.take().into_iter().chain([unit]).collect();
        if (0xd800..0xdc00).contains(&unit) {
            self.high = Some(unit);
        } else {
            self.text(&String::from_utf16_lossy(&pair));
        }
        self.skip = self.group.stand_ins;
    }

    fn byte(&mut self, byte: u8) {
        if self.skip > 0 {
            self.skip -= 1;
        } else if !self.group.silent && !self.group.hidden {
            self.pending.push(byte);
        }
    }

    /// Turns bytes of the code page into text.
    fn flush(&mut self) {
        self.skip = 0;
        if !self.pending.is_empty() {
            let bytes = std::mem::take(&mut self.pending);
            let text = message::decode_code_page(self.code_page, &bytes);
            self.text(&text);
        }
    }

    fn text(&mut self, text: &str) {
        if !self.pending.is_empty() {
            self.flush();
        }
        if !self.group.silent && !self.group.hidden {
            self.place();
            self.builder.text(text);
        }
    }

    /// Opens what the next text belongs to, or closes the table before it.
    fn place(&mut self) {
        if !self.in_table {
            if self.open > Open::Nothing {
                self.builder.close_table();
            }
            self.open = Open::Nothing;
            return;
        }
        if self.open < Open::Table {
            self.builder.open_table();
        }
        if self.open < Open::Row {
            self.builder.open_row();
        }
        if self.open < Open::Cell {
            self.builder.open_cell(1);
        }
        self.open = Open::Cell;
    }
}

#[cfg(test)]
mod tests {
    use crate::reader::{Limits, Options, decode};

    fn check(rtf: &[u8], expected: &[&str]) {
        let pages = decode(rtf.to_vec(), &Options::default(), &Limits::default());
        let words: Vec<&str> = pages.pages.iter().flat_map(|p| &p.words).map(|w| w.text.as_str()).collect();
        assert_eq!(words, expected, "{}", String::from_utf8_lossy(rtf));
    }

    #[test]
    fn text_is_read_and_settings_are_not() {
        for (rtf, expected) in [
            (
                &br"{\rtf1\ansi{\fonttbl{\f0 Arial;}}\f0\fs24 Best\'e4llning 12\par Antal\tab 5\par}"[..],
                &["Best\u{e4}llning", "12", "Antal", "5"][..],
            ),
            (br"{\rtf1\ansi\ansicpg850 Gr\'94\'e1e}", &["Größe"]),
            (br"{\rtf1 \u8364? 5 \u-10179?\u-8704?}", &["€", "5", "😀"]),
            (
                br"{\rtf1{\header Letterhead}{\*\generator Word;}{\v hidden}\v this, too\v0 Order \bin3 {{{4711}",
                &["Letterhead", "Order", "4711"],
            ),
            (br"{\rtf1{\field{\*\fldinst HYPERLINK x}{\fldrslt link}}\~{\pict 0102}}", &["link"]),
        ] {
            check(rtf, expected);
        }
    }

    #[test]
    fn tables_have_cells() {
        let rtf = br"{\rtf1 Order\par\trowd\cellx1\cellx2\intbl Item\cell Qty\cell\row\trowd\intbl Bolt\cell\cell\row\pard Total\par}";
        let pages = decode(rtf.to_vec(), &Options::default(), &Limits::default());
        let cells: Vec<_> = pages.pages[0].cells.iter().map(|c| (c.row, c.column, c.text.as_str())).collect();
        assert_eq!(cells, [(0, 0, "Item"), (0, 1, "Qty"), (1, 0, "Bolt")]);
        assert_eq!(pages.pages[0].words.last().map(|w| w.text.as_str()), Some("Total"));
    }
}
