//! Plain text on a page: a grid of characters, so that columns made of blanks stay columns.

use crate::model::page::{How, Page, Pages, Rect, Word};

/// Characters across the page, at least.
const MIN_COLUMNS: usize = 80;
/// Rows that are read at most; the rest is left out.
const MAX_ROWS: usize = 5_000;
/// Size of one character cell in points.
const CELL_PT: (f32, f32) = (6.0, 12.0);

/// One page on which every character has its cell.
pub fn text_pages(text: &str) -> Pages {
    let rows: Vec<String> = text.lines().take(MAX_ROWS).map(|row| row.replace('\t', "        ")).collect();
    let columns = rows.iter().map(|row| row.chars().count()).max().unwrap_or(0).max(MIN_COLUMNS) as f32;
    let height = rows.len().max(1) as f32;
    let mut words = Vec::new();
    for (y, row) in rows.iter().enumerate() {
        let mut word = String::new();
        let mut start = 0usize;
        for (x, c) in row.chars().chain([' ']).enumerate() {
            if !c.is_whitespace() {
                if word.is_empty() {
                    start = x;
                }
                word.push(c);
            } else if !word.is_empty() {
                let bbox = Rect {
                    x0: start as f32 / columns,
                    y0: (y as f32 + 0.1) / height,
                    x1: x as f32 / columns,
                    y1: (y as f32 + 0.9) / height,
                };
                words.push(Word {
                    text: std::mem::take(&mut word),
                    bbox,
                    confidence: 1.0,
                    size_pt: 10.0,
                    bold: false,
                });
            }
        }
    }
    let page = Page {
        number: 1,
        width_pt: columns * CELL_PT.0,
        height_pt: height * CELL_PT.1,
        how: How::Text,
        turned: 0,
        words,
        rulings: Vec::new(),
        fields: Vec::new(),
        cells: Vec::new(),
    };
    Pages { format: "text".to_owned(), pages: vec![page], ..Pages::default() }
}
