//! Plain text into a page on a grid of characters.

use super::decode::Output;
use crate::model::page::{How, Page, Rect, Word};
use std::io;

/// Columns of the grid, at least.
const GRID_COLUMNS: usize = 100;
/// Lines of one page of text.
const PAGE_LINES: usize = 66;
/// Width of a character in points.
const CHARACTER_PT: f32 = 6.0;
/// Height of a line in points.
const LINE_PT: f32 = 12.0;
/// A tab goes to the next multiple of this column.
const TAB_COLUMNS: usize = 8;

/// Reads a text file of any charset.
pub(super) fn read(bytes: &[u8], out: &mut Output<'_>) -> io::Result<()> {
    put_pages(&read_charset(bytes), out)
}

/// UTF-8 or UTF-16 by their marks, UTF-8 if it is valid, else Windows-1252, which knows every byte.
pub(super) fn read_charset(bytes: &[u8]) -> String {
    if let Some((encoding, mark)) = encoding_rs::Encoding::for_bom(bytes) {
        return encoding.decode_without_bom_handling(bytes.get(mark..).unwrap_or_default()).0.into_owned();
    }
    match std::str::from_utf8(bytes) {
        Ok(text) => text.to_owned(),
        Err(_) => encoding_rs::WINDOWS_1252.decode_without_bom_handling(bytes).0.into_owned(),
    }
}

/// Lays text out in pages and puts them out, as many as the limit allows.
pub(super) fn put_pages(text: &str, out: &mut Output<'_>) -> io::Result<()> {
    let lines: Vec<&str> = text.lines().collect();
    for chunk in lines.chunks(PAGE_LINES) {
        if !out.may_have_page()? {
            break;
        }
        let number = out.pages + 1;
        out.page(grid_page(chunk, number))?;
    }
    Ok(())
}

fn grid_page(lines: &[&str], number: u32) -> Page {
    let words: Vec<Vec<(usize, String)>> = lines.iter().map(|line| split_words(line)).collect();
    let widest =
        words.iter().flatten().map(|(column, word)| column + word.chars().count()).max().unwrap_or(0);
    let (columns, rows) = (widest.max(GRID_COLUMNS) as f32, lines.len().max(1) as f32);
    let mut page = Page {
        number,
        width_pt: columns * CHARACTER_PT,
        height_pt: rows * LINE_PT,
        how: How::Text,
        words: Vec::new(),
        rulings: Vec::new(),
        fields: Vec::new(),
        cells: Vec::new(),
    };
    for (row, line) in words.into_iter().enumerate() {
        for (column, text) in line {
            let end = column + text.chars().count();
            let bbox = Rect {
                x0: column as f32 / columns,
                y0: row as f32 / rows,
                x1: end as f32 / columns,
                y1: (row + 1) as f32 / rows,
            };
            page.words.push(Word { text, bbox, confidence: 1.0, size_pt: LINE_PT * 0.8, bold: false });
        }
    }
    page
}

/// The words of a line, each with its column; tabs are widened.
fn split_words(line: &str) -> Vec<(usize, String)> {
    let mut words: Vec<(usize, String)> = Vec::new();
    let mut column = 0;
    let mut inside = false;
    for c in line.chars() {
        if c == '\t' {
            column += TAB_COLUMNS - column % TAB_COLUMNS;
            inside = false;
        } else if c.is_whitespace() || c.is_control() {
            column += 1;
            inside = false;
        } else {
            match words.last_mut() {
                Some((_, word)) if inside => word.push(c),
                _ => words.push((column, c.to_string())),
            }
            inside = true;
            column += 1;
        }
    }
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_keep_their_columns() {
        assert_eq!(
            split_words("a\tbc  d"),
            [(0, "a".to_owned()), (8, "bc".to_owned()), (12, "d".to_owned())]
        );
    }

    #[test]
    fn charsets_are_told_apart() {
        for (bytes, expected) in [
            (&b"\xff\xfeh\0\xe9\0"[..], "hé"),
            (b"\xef\xbb\xbfh\xc3\xa9", "hé"),
            (b"h\xc3\xa9", "hé"),
            (b"h\xe9 \x80", "hé €"),
        ] {
            assert_eq!(read_charset(bytes), expected);
        }
    }
}
