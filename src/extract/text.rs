//! Plain text on a page: a grid of characters, so that columns made of blanks stay columns.

use super::{
    layout::{Layout, Row},
    structured,
};
use crate::model::{
    message::Message,
    page::{How, Page, Pages, Rect, Word},
};

/// Characters across the page, at least.
const MIN_COLUMNS: usize = 80;
/// Rows that are read at most; the rest is left out.
const MAX_ROWS: usize = 5_000;
/// Size of one character cell in points.
const CELL_PT: (f32, f32) = (6.0, 12.0);

/// A cell of a pasted table is padded to at most so many characters.
const CELL_CHARS_MAX: usize = 60;
/// Blanks between the columns of a pasted table.
const CELL_GAP: usize = 4;

/// The own text of a mail with who wrote it and when: an order may stand there. Of a forwarded mail the whole text.
pub fn message_pages(message: &Message) -> Pages {
    let from = message.from.as_ref();
    let from =
        from.map_or_else(String::new, |f| format!("{} <{}>", f.name.clone().unwrap_or_default(), f.email));
    let date = message.header("Date").unwrap_or_default();
    let subject = message.subject.trim_start().to_lowercase();
    let forwarded = ["fwd:", "fw:", "wg:", "vb:", "tr:"].iter().any(|mark| subject.starts_with(mark));
    let text = if forwarded {
        message.text.clone()
    } else {
        format!("{}\n\n{}", message.new_text, message.signature)
    };
    let mut pages = text_pages(&format!("From: {from}\nDate: {date}\n\n{text}"));
    if structured::is_structured(&message.new_text) {
        pages.structured.push(message.new_text.clone());
    }
    pages
}

/// Rows with the columns of pasted tables (parted by tabs or bars) under one another.
fn align(text: &str) -> Vec<String> {
    let rows: Vec<&str> = text.lines().take(MAX_ROWS).collect();
    let mut out = Vec::with_capacity(rows.len());
    let mut at = 0;
    while let Some(row) = rows.get(at) {
        let mark = ['\t', '|'].into_iter().find(|mark| row.trim().matches(*mark).count() >= 1);
        let alike = |row: &&&str| mark.is_some_and(|mark| row.trim().contains(mark));
        let count = rows.get(at..).unwrap_or_default().iter().take_while(alike).count();
        match (mark, rows.get(at..at + count)) {
            (Some(mark), Some(table)) if count >= 2 => out.extend(align_table(table, mark)),
            _ => {
                out.push(row.replace('\t', "        "));
                at += 1;
                continue;
            }
        }
        at += count;
    }
    out
}

fn align_table(rows: &[&str], mark: char) -> Vec<String> {
    let is_rule =
        |row: &str| row.chars().all(|c| matches!(c, '|' | '-' | ':' | '+' | '=') || c.is_whitespace());
    let cells: Vec<Vec<&str>> = rows
        .iter()
        .map(|row| {
            let row = if mark == '|' { row.trim().trim_matches('|') } else { row.trim_end() };
            if is_rule(row) { Vec::new() } else { row.split(mark).map(str::trim).collect() }
        })
        .collect();
    let columns = cells.iter().map(Vec::len).max().unwrap_or(0);
    let mut widths = vec![0; columns];
    for row in &cells {
        for (cell, width) in row.iter().zip(&mut widths) {
            *width = cell.chars().count().min(CELL_CHARS_MAX).max(*width);
        }
    }
    let line = |row: &Vec<&str>| {
        let mut line = String::new();
        for (cell, width) in row.iter().zip(&widths) {
            line.push_str(cell);
            let missing = width.saturating_sub(cell.chars().count()) + CELL_GAP;
            line.extend(std::iter::repeat_n(' ', missing));
        }
        line.truncate(line.trim_end().len());
        line
    };
    cells.iter().map(line).collect()
}

/// Rows after the sender's in which a forwarded mail says when it was sent or what about.
const HEADER_ROWS: usize = 4;
/// Names of headers that follow the sender's in a forwarded mail.
#[rustfmt::skip]
const HEADERS: [&str; 14] = [
    "Date:", "Datum:", "Sent:", "Gesendet:", "Skickat:", "Envoyé", "Subject:", "Betreff:", "Ämne:", "Objet", "To:", "An:", "Till:", "À",
];

/// Rows at the top of a page among which the head of a printed mail begins, and rows of that head.
const PRINTED_WITHIN: usize = 8;
const PRINTED_HEAD_ROWS: usize = 8;

/// The subject of a mail that was printed onto a page: its head says who wrote when, to whom and about what.
pub fn printed_subject(layout: &Layout) -> Option<String> {
    const FROM: &[&str] = &["From:", "Von:", "Från:", "De :", "De:", "Expéditeur"];
    const SENT: &[&str] = &["Date", "Datum", "Sent:", "Gesendet:", "Skickat:", "Envoyé"];
    const TO: &[&str] = &["To:", "An:", "Till:", "À"];
    const ABOUT: &[&str] = &["Subject:", "Betreff:", "Ämne:", "Objet"];
    let starts = |text: &str, names: &[&str]| names.iter().any(|name| text.starts_with(name));
    let texts: Vec<String> =
        layout.rows.iter().take(PRINTED_WITHIN + PRINTED_HEAD_ROWS).map(Row::text).collect();
    let at = texts.iter().take(PRINTED_WITHIN).position(|text| starts(text, FROM))?;
    let head: Vec<&String> = texts.iter().skip(at).take(PRINTED_HEAD_ROWS).collect();
    let has = |names: &[&str]| head.iter().any(|text| starts(text, names));
    let mailed = head.iter().any(|text| text.contains('@'));
    let about = head.iter().find(|text| starts(text, ABOUT)).filter(|_| mailed && has(SENT) && has(TO))?;
    Some(about.split_once(':').map_or("", |(_, subject)| subject).trim().to_owned())
}

/// A mail that was passed on speaks for whom it came from: what stands above its own head goes.
pub fn keep_forwarded(layout: &mut Layout) {
    let heads = |row: &Row, names: &[&str]| {
        let text = row.text();
        names.iter().any(|name| text.trim_start_matches(['>', ' ']).starts_with(name))
    };
    let from = layout.rows.iter().enumerate().skip(1).rev().find(|(at, row)| {
        heads(row, &["From:", "Von:", "Från:", "De :", "De:"])
            && row.text().contains('@')
            && layout.rows.iter().skip(at + 1).take(HEADER_ROWS).any(|next| heads(next, &HEADERS))
    });
    let Some((at, _)) = from else { return };
    layout.rows.drain(..at);
    for (index, row) in layout.rows.iter_mut().enumerate() {
        for segment in &mut row.segments {
            segment.row = index;
        }
    }
}

/// One page on which every character has its cell.
pub fn text_pages(text: &str) -> Pages {
    let rows = align(text);
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
    let page = Page { words, ..Page::empty(1, columns * CELL_PT.0, height * CELL_PT.1, How::Text) };
    Pages { format: "text".to_owned(), pages: vec![page], ..Pages::default() }
}
