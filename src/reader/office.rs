//! Word-processor files into text: DOCX and ODT. Paragraphs become lines, tables rows with their cells in columns.
//!
//! Does not: lay out pages, follow styles, read pictures inside. Entities other than the five of XML stay unread, so
//! nothing expands. Limits: bytes of an unpacked part, depth of elements.

use super::{archive::read_entry, decode::Output, text};
use crate::model::finding::{Finding, Severity};
use quick_xml::{Reader, escape::resolve_xml_entity, events::Event};
use std::io::{self, Cursor};
use zip::ZipArchive;

/// Elements inside elements.
const DEPTH_MAX: usize = 256;
/// Bytes of one part of the file, unpacked.
const PART_BYTES_MAX: u64 = 64 << 20;
/// A column of a table is padded to at most so many characters.
const COLUMN_CHARACTERS_MAX: usize = 48;
/// Blanks between columns.
const COLUMN_GAP: usize = 3;

/// Which parts hold the text, in reading order.
const DOCX_PARTS: &[&str] =
    &["word/header1.xml", "word/header2.xml", "word/header3.xml", "word/document.xml", "word/footer1.xml"];
const ODT_PARTS: &[&str] = &["content.xml"];

/// Reads a DOCX (`docx`) or ODT file.
pub(super) fn read(bytes: &[u8], docx: bool, out: &mut Output<'_>) -> io::Result<()> {
    let broken = || {
        Finding::new(
            "broken_file",
            Severity::Problem,
            "The document is damaged; ask the sender for it again.",
        )
    };
    let Ok(mut archive) = ZipArchive::new(Cursor::new(bytes)) else { return out.finding(broken()) };
    let mut lines = String::new();
    for part in if docx { DOCX_PARTS } else { ODT_PARTS } {
        let Some(index) = archive.index_for_name(part) else { continue };
        match read_entry(&mut archive, index, PART_BYTES_MAX, out.limits.archive_ratio) {
            Ok(xml) => lines.push_str(&read_xml(&text::read_charset(&xml), docx)),
            Err(finding) => out.finding(finding)?,
        }
    }
    text::put_pages(&lines, out)
}

/// What has been read of the document so far.
#[derive(Default)]
struct Writer {
    text: String,
    line: String,
    /// Rows of the table that is open.
    rows: Vec<Vec<String>>,
    /// Tables inside tables.
    tables: usize,
    in_text: bool,
}

fn read_xml(xml: &str, docx: bool) -> String {
    let mut reader = Reader::from_str(xml);
    let mut writer = Writer { in_text: !docx, ..Writer::default() };
    let mut depth = 0_usize;
    loop {
        match reader.read_event() {
            Ok(Event::Start(element)) => {
                depth += 1;
                if depth > DEPTH_MAX {
                    break;
                }
                writer.open(element.local_name().as_ref(), docx);
            }
            Ok(Event::Empty(element)) => writer.single(element.local_name().as_ref()),
            Ok(Event::End(element)) => {
                depth = depth.saturating_sub(1);
                writer.close(element.local_name().as_ref(), docx);
            }
            Ok(Event::Text(characters)) if writer.in_text => {
                writer.line.push_str(&characters.xml10_content());
            }
            Ok(Event::CData(characters)) if writer.in_text => {
                writer.line.push_str(&characters.xml10_content());
            }
            // entities other than the five of XML are nothing
            Ok(Event::GeneralRef(reference)) if writer.in_text => match reference.resolve_char_ref() {
                Ok(Some(character)) => writer.line.push(character),
                _ => writer.line.push_str(resolve_xml_entity(&reference).unwrap_or_default()),
            },
            Ok(Event::Eof) | Err(_) => break,
            Ok(_) => {}
        }
    }
    writer.end_line();
    writer.end_table();
    writer.text
}

impl Writer {
    fn open(&mut self, name: &str, docx: bool) {
        match name {
            "t" if docx => self.in_text = true,
            "tbl" | "table" => {
                self.end_line();
                self.tables += 1;
            }
            "tr" | "table-row" if self.tables == 1 => self.rows.push(Vec::new()),
            "tc" | "table-cell" if self.tables == 1 => {
                if let Some(row) = self.rows.last_mut() {
                    row.push(String::new());
                }
            }
            other => self.single(other),
        }
    }

    fn single(&mut self, name: &str) {
        match name {
            "tab" => self.line.push_str("    "),
            "br" | "line-break" | "cr" => self.end_line(),
            "s" => self.line.push(' '),
            _ => {}
        }
    }

    fn close(&mut self, name: &str, docx: bool) {
        match name {
            "t" if docx => self.in_text = false,
            "p" | "h" => self.end_line(),
            "tbl" | "table" => {
                self.tables = self.tables.saturating_sub(1);
                if self.tables == 0 {
                    self.end_table();
                }
            }
            _ => {}
        }
    }

    /// A finished paragraph goes into the cell that is open, or becomes a line.
    fn end_line(&mut self) {
        let line = std::mem::take(&mut self.line);
        match self.rows.last_mut().and_then(|row| row.last_mut()) {
            Some(cell) if self.tables > 0 => {
                let text = line.trim();
                if !cell.is_empty() && !text.is_empty() {
                    cell.push(' ');
                }
                cell.push_str(text);
            }
            _ => {
                self.text.push_str(line.trim_end());
                self.text.push('\n');
            }
        }
    }

    fn end_table(&mut self) {
        let rows = std::mem::take(&mut self.rows);
        let columns = rows.iter().map(Vec::len).max().unwrap_or(0);
        let width = |column: usize| {
            let cells = rows.iter().filter_map(|row| row.get(column));
            cells.map(|cell| cell.chars().count()).max().unwrap_or(0).min(COLUMN_CHARACTERS_MAX)
        };
        let widths: Vec<usize> = (0..columns).map(width).collect();
        for row in &rows {
            let mut line = String::new();
            for (cell, width) in row.iter().zip(&widths) {
                line.push_str(cell);
                let missing = width.saturating_sub(cell.chars().count()) + COLUMN_GAP;
                line.extend(std::iter::repeat_n(' ', missing));
            }
            self.text.push_str(line.trim_end());
            self.text.push('\n');
        }
    }
}

/// The text of Rich Text Format: groups of settings left out, tables as lines.
pub(super) fn rtf_text(bytes: &[u8]) -> String {
    const SILENT: &[&str] =
        &["fonttbl", "colortbl", "stylesheet", "info", "pict", "object", "themedata", "header", "footer"];
    let mut text = String::new();
    let mut silent_from: Option<usize> = None;
    let mut depth = 0_usize;
    let mut rest = bytes.iter().copied().peekable();
    while let Some(byte) = rest.next() {
        match byte {
            b'{' => depth += 1,
            b'}' => {
                depth = depth.saturating_sub(1);
                silent_from = silent_from.filter(|from| depth >= *from);
            }
            b'\\' => {
                let mut word = String::new();
                while let Some(letter) = rest.next_if(u8::is_ascii_alphabetic) {
                    word.push(char::from(letter));
                }
                if word.is_empty() {
                    match rest.next() {
                        Some(b'\'') => {
                            let digits: Vec<u8> = rest.by_ref().take(2).collect();
                            let code = std::str::from_utf8(&digits)
                                .ok()
                                .and_then(|d| u8::from_str_radix(d, 16).ok());
                            if let (Some(code), None) = (code, silent_from) {
                                text.push_str(
                                    &encoding_rs::WINDOWS_1252.decode_without_bom_handling(&[code]).0,
                                );
                            }
                        }
                        Some(b'*') => silent_from = silent_from.or(Some(depth)),
                        Some(b'~') if silent_from.is_none() => text.push(' '),
                        Some(c @ (b'\\' | b'{' | b'}')) if silent_from.is_none() => text.push(char::from(c)),
                        _ => {}
                    }
                    continue;
                }
                let mut number = String::new();
                while let Some(digit) = rest.next_if(|b| b.is_ascii_digit() || *b == b'-') {
                    number.push(char::from(digit));
                }
                rest.next_if_eq(&b' ');
                if SILENT.contains(&word.as_str()) {
                    silent_from = silent_from.or(Some(depth));
                }
                if silent_from.is_none() {
                    match word.as_str() {
                        "par" | "line" | "row" => text.push('\n'),
                        "tab" | "cell" => text.push_str("    "),
                        "u" => {
                            let code = number.parse::<i32>().unwrap_or(0).rem_euclid(0x1_0000) as u32;
                            text.extend(char::from_u32(code));
                            rest.next_if(|b| *b == b'?');
                        }
                        _ => {}
                    }
                }
            }
            b'\r' | b'\n' => {}
            other if silent_from.is_none() => text.push(char::from(other)),
            _ => {}
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paragraphs_are_lines_and_tables_have_columns() {
        let xml = "<w:document><w:p><w:r><w:t>Order &amp; more</w:t></w:r></w:p><w:tbl><w:tr><w:tc><w:p><w:t>Item</w:t></w:p></w:tc>\
                   <w:tc><w:p><w:t>Qty</w:t></w:p></w:tc></w:tr><w:tr><w:tc><w:p><w:t>Hex bolt</w:t></w:p></w:tc>\
                   <w:tc><w:p><w:t>12</w:t></w:p></w:tc></w:tr></w:tbl></w:document>";
        assert_eq!(read_xml(xml, true), "Order & more\n\nItem       Qty\nHex bolt   12\n\n");
    }

    #[test]
    fn entities_of_a_document_type_stay_unread() {
        let xml = "<!DOCTYPE x [<!ENTITY a \"aaaa\"><!ENTITY b \"&a;&a;\">]><x><p>&b;&#65;&lt;</p></x>";
        assert_eq!(read_xml(xml, false).trim(), "A<");
    }

    #[test]
    fn rtf_gives_its_text() {
        let rtf = br"{\rtf1\ansi{\fonttbl{\f0 Arial;}}\f0 Best\'e4llning 12\par Antal\tab 5\par}";
        assert_eq!(rtf_text(rtf), "Best\u{e4}llning 12\nAntal    5\n");
    }
}
