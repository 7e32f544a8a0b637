//! Line items: the head row of a table, its columns, its rows, and what the cells say.
//!
//! Columns are named by their heads, and by what stands in them where a head says nothing known; where one column ends
//! and the next begins is where the fewest words of the body stand, or what lines heads and body up best. A line starts at each row that fills the anchor column; other rows go on with the line above. Does not:
//! read tables without a head row.

mod align;
mod below;
mod body;
mod cell;
mod chunk;
pub(super) mod code;
mod columns;
mod edge;
mod head;
mod item;
mod note;

use super::{
    draft::Reading,
    label::{column_of, label_at},
    layout::{Layout, Row, Word, join},
};
use crate::model::draft::Line;
use body::is_line_number;
pub(super) use body::read_body;
use cell::put;
pub(super) use cell::{cell, glued};
pub(super) use edge::ends_table;
pub(super) use head::head_at;
use std::collections::HashSet;

/// Lines of one document at most.
const LINES_MAX: usize = 5_000;

/// Ruling lines between two heads that are looked at at most.
const RULINGS_MAX: usize = 200;

/// How far a cell stands beside its head at most, in points.
const COLUMN_OFF_PT: f32 = 40.0;

/// Length of a section's text that may stand between lines without being part of one.
const SECTION_GAP_PT: f32 = 6.0;

/// A named column.
#[derive(Clone, Debug)]
pub(super) struct Column {
    name: &'static str,
    x0: f32,
    x1: f32,
    /// The head's words.
    text: String,
    /// 0, or 1 in the lower row of a layout that gives each line two rows.
    level: u8,
}

impl Column {
    /// A column by its name, its edges in points and its row within a line.
    pub(super) fn new(name: &'static str, x0: f32, x1: f32, level: u8) -> Self {
        Self { name, x0, x1, text: String::new(), level }
    }

    /// Left edge of the head in points.
    pub(super) fn left(&self) -> f32 {
        self.x0
    }
}

/// A table that was found.
#[derive(Debug, Default)]
pub struct Table {
    /// The lines.
    pub lines: Vec<Line>,
    /// Rows of the layout that belong to the table, head included.
    pub rows: HashSet<usize>,
    /// Text under the heads in which a currency stands.
    pub head_text: String,
}

/// Finds the lines of a document.
pub fn find_lines(layout: &Layout, reading: &Reading) -> Table {
    let mut table = Table::default();
    let mut at = 0;
    let mut columns: Option<Vec<Column>> = None;
    let mut body: Vec<usize> = Vec::new();
    let mut ended = false;
    let mut titles: Vec<Title> = Vec::new();
    while at < layout.rows.len() {
        if let Some((found, head, next)) = head_at(layout, at) {
            let same = columns.as_ref().is_some_and(|c| same_head(c, &found));
            if let Some(old) = columns.take() {
                if same {
                    columns = Some(old);
                } else if !body.is_empty() {
                    read_body(layout, reading, &old, &std::mem::take(&mut body), &mut table);
                }
            }
            if columns.is_none() {
                columns = Some(found);
            }
            table.head_text.push_str(&head);
            table.rows.extend(at..next);
            ended = false;
            at = next;
            continue;
        }
        if let Some(title) = title_of(layout, at) {
            table.rows.insert(at);
            titles.push(title);
            ended = true;
        }
        // sums of a section, or of one line, end neither those of the next
        if ended && let (Some(columns), Some(row)) = (&columns, layout.rows.get(at)) {
            let counts = counts_on(layout, row, columns, &body);
            if counts || goes_on(row, columns, reading) {
                let since = body.last().map_or(at, |last| last + 1);
                if counts && at - since <= OWN_SUMS_MAX {
                    body.extend(since..at);
                }
                ended = false;
            }
        }
        if let (Some(_), Some(row), false) = (&columns, layout.rows.get(at), ended) {
            if ends_table(row) {
                ended = true;
            } else {
                body.push(at);
            }
        }
        at += 1;
    }
    if let Some(columns) = columns {
        read_body(layout, reading, &columns, &body, &mut table);
    }
    for line in &mut table.lines {
        give_title(line, &titles, reading);
    }
    table.lines.truncate(LINES_MAX);
    table
}

/// Rows of sums that belong to one line at most.
const OWN_SUMS_MAX: usize = 2;

/// Whether a row is numbered as the line after those read so far.
fn counts_on(layout: &Layout, row: &Row, columns: &[Column], body: &[usize]) -> bool {
    let Some(column) = columns.iter().find(|c| c.name == "line_no") else { return false };
    let number = |row: &Row| -> Option<u32> {
        let first = row.segments.first()?;
        let word = first.words.first()?;
        let below = word.x0 < column.x1 + SECTION_GAP_PT && word.x1 > column.x0 - SECTION_GAP_PT;
        (below && row.segments.len() >= 3).then(|| word.text.trim_end_matches('.').parse().ok())?
    };
    let mut before = body.iter().rev().filter_map(|at| number(layout.rows.get(*at)?));
    let (Some(last), Some(now)) = (before.next(), number(row)) else { return false };
    let step = before.next().and_then(|other| last.checked_sub(other)).unwrap_or(last);
    matches!(step, 1 | 10 | 100) && now == last + step
}

/// Whether a row behind the end of a table is a line under its heads: its figures prove one another, and the last one
/// stands in the last column of figures.
fn goes_on(row: &Row, columns: &[Column], reading: &Reading) -> bool {
    let (Some(first), Some(last)) = (row.segments.first(), row.segments.last()) else { return false };
    let left = columns.iter().map(Column::left).fold(f32::MAX, f32::min);
    let amount = columns.iter().find(|c| c.name == "amount");
    let below = amount.is_some_and(|c| c.x0 - COLUMN_OFF_PT < last.x1() && last.x0() < c.x1 + COLUMN_OFF_PT);
    below && (first.x0() - left).abs() < COLUMN_OFF_PT && super::headless::read_row(row, reading).is_some()
}

/// `Line 2 Wall paint` over a table of one line.
struct Title {
    number: Word,
    text: Vec<Word>,
}

/// Rows between the title of a line and the heads of its table at most.
const TITLE_REACH: usize = 3;

/// The title of a line, if its heads follow.
fn title_of(layout: &Layout, at: usize) -> Option<Title> {
    let row = layout.rows.get(at)?;
    let words = row.words();
    let label = label_at(words.iter().take(1).map(|w| w.text.as_str()))?;
    let number =
        words.get(1).filter(|w| w.text.len() <= 4 && is_line_number(w.text.trim_end_matches(':')))?;
    let text = words.get(2..).filter(|t| join(t).chars().filter(|c| c.is_alphabetic()).count() >= 3)?;
    let heads = || (at + 1..=at + TITLE_REACH).any(|next| head_at(layout, next).is_some());
    (column_of(&label) == Some("line_no") && heads())
        .then(|| Title { number: number.clone(), text: text.to_vec() })
}

/// What the nearest title above a line says of it.
fn give_title(line: &mut Line, titles: &[Title], reading: &Reading) {
    let place = line.values().find_map(|p| match &p.source {
        crate::model::draft::Source::Page { page, bbox } => Some((*page, bbox.y0)),
        _ => None,
    });
    let Some((page, y)) = place else { return };
    let above = titles.iter().rev().find(|t| t.number.page == page && t.number.rect.y0 < y);
    let Some(title) = above else { return };
    if !line.contains_key("line_no") {
        put(line, "line_no", std::slice::from_ref(&title.number), reading);
    }
    if !line.contains_key("description") {
        put(line, "description", &title.text, reading);
    }
}

fn same_head(a: &[Column], b: &[Column]) -> bool {
    let names = |c: &[Column]| c.iter().map(|c| c.name).collect::<Vec<_>>();
    names(a) == names(b)
}
