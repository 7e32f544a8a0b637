//! The columns of a layout's lines, as a confirmed document shows them.

use super::registration::{Fixed, Registration, is_word};
use crate::{
    extract::{
        draft::{self, Reading},
        label::{distance_at_most, fold_word},
        layout::{Layout, Row, Word},
        same::same,
        table::{self, Column, Table},
    },
    model::draft::{Draft, Line, Proposal, Source},
};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Rows above the first line that may be heads.
const HEAD_ROWS_MAX: usize = 3;
/// Heights of a letter between the heads and the first line.
const HEAD_GAP: f32 = 3.0;
/// Share of the heads' words that must be found again.
const HEAD_SHARE: f32 = 0.6;
/// Words by which the row after the last line is known.
const END_MAX: usize = 3;
/// How far a head may stand off its place, in points.
const OFF_PT: f32 = 16.0;

/// Rows of one line at most.
const LINE_ROWS_MAX: usize = 3;
/// Words of one cell at most.
const CELL_WORDS_MAX: usize = 12;

/// The words of the cells of one line.
type Cells = BTreeMap<String, Vec<Word>>;

/// A column of the lines.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct GridColumn {
    name: String,
    /// Left and right edge of all that stands in it, in points of the lesson's page.
    x0: f32,
    x1: f32,
    /// 0, or 1 for cells that stand a row lower than the first of their line.
    level: u8,
}

/// Where the lines of a layout stand.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Grid {
    columns: Vec<GridColumn>,
    /// The heads, in points of the lesson's page.
    head: Vec<Fixed>,
    /// Words of the first row that is no line any more.
    end: Vec<Fixed>,
}

/// The words of each cell of a confirmed draft: those in its box, else those that say it in the rows of its line.
pub(super) fn locate(layout: &Layout, confirmed: &Draft, reading: &Reading) -> Vec<Cells> {
    let rows: Vec<Vec<Word>> = layout.rows.iter().map(Row::words).collect();
    let mut next = 0;
    let mut lines = Vec::new();
    for line in &confirmed.lines {
        let mut cells: Cells = line
            .iter()
            .filter_map(|(name, cell)| match &cell.source {
                Source::Page { page, bbox } => Some((name.clone(), super::words_in(layout, *page, bbox))),
                Source::Rule(_) | Source::Person(_) => None,
            })
            .filter(|(_, words)| !words.is_empty())
            .collect();
        let start =
            match cells.values().flatten().min_by(|a, b| {
                (a.page, a.y0).partial_cmp(&(b.page, b.y0)).unwrap_or(std::cmp::Ordering::Equal)
            }) {
                Some(top) => {
                    rows.iter().position(|row| row.iter().any(|w| w.page == top.page && w.rect == top.rect))
                }
                None => (next..rows.len()).find(|at| is_line(line, rows.get(*at), reading)),
            };
        if let Some(start) = start {
            for (name, cell) in line {
                let mut near = rows.iter().skip(start).take(LINE_ROWS_MAX);
                if !cells.contains_key(name)
                    && let Some(words) = near.find_map(|row| find_cell(name, cell, row, &cells, reading))
                {
                    cells.insert(name.clone(), words);
                }
            }
            next = start + 1;
        }
        lines.push(cells);
    }
    lines
}

/// Whether a line may start in a row: the row says its item number, or else its amount, quantity or text.
fn is_line(line: &Line, row: Option<&Vec<Word>>, reading: &Reading) -> bool {
    let tells = ["sku", "customer_sku", "invoice_number", "amount", "description", "quantity"];
    let Some((name, cell)) = tells.iter().find_map(|name| Some((*name, line.get(*name)?))) else {
        return false;
    };
    row.is_some_and(|row| find_cell(name, cell, row, &Cells::new(), reading).is_some())
}

/// The words of a row that say a cell and belong to no other.
fn find_cell(
    name: &str,
    wanted: &Proposal,
    row: &[Word],
    taken: &Cells,
    reading: &Reading,
) -> Option<Vec<Word>> {
    let free = |part: &[Word]| {
        !part.iter().any(|w| taken.values().flatten().any(|t| t.rect == w.rect && t.page == w.page))
    };
    for size in 1..=row.len().min(CELL_WORDS_MAX) {
        let says = |part: &&[Word]| {
            free(part)
                && table::cell(name, part, reading)
                    .is_some_and(|found| same(name, &wanted.value, &found.value))
        };
        if let Some(part) = row.windows(size).find(says) {
            return Some(part.to_vec());
        }
    }
    None
}

impl Grid {
    /// The columns that the cells of these lines show.
    pub(super) fn learn(layout: &Layout, lines: &[Cells]) -> Option<Self> {
        let first = lines.iter().find(|l| !l.is_empty())?;
        let top = first.values().flatten().map(|w| w.y0).fold(f32::MAX, f32::min);
        let page = first.values().flatten().next()?.page;
        let mut columns: BTreeMap<&str, (f32, f32, usize, usize)> = BTreeMap::new();
        for line in lines {
            let line_top = line.values().flatten().map(|w| w.y0).fold(f32::MAX, f32::min);
            for (name, words) in line {
                let column = columns.entry(name).or_insert((f32::MAX, 0.0, 0, 0));
                let start = words.iter().map(|w| w.y0).fold(f32::MAX, f32::min);
                let height = words.first().map_or(8.0, |w| (w.y1 - w.y0).max(4.0));
                column.0 = words.iter().map(|w| w.x0).fold(column.0, f32::min);
                column.1 = words.iter().map(|w| w.x1).fold(column.1, f32::max);
                column.2 += usize::from(start - line_top > 0.7 * height);
                column.3 += 1;
            }
        }
        let mut columns: Vec<GridColumn> = columns
            .into_iter()
            .map(|(name, (x0, x1, lower, all))| GridColumn {
                name: name.to_owned(),
                x0,
                x1,
                level: u8::from(lower * 2 > all),
            })
            .collect();
        columns.sort_by(|a, b| a.x0.total_cmp(&b.x0));
        let mut head = Vec::new();
        let mut bottom = top;
        let above = layout.rows.iter().rev().filter(|r| r.page == page && r.y1() <= top + 1.0);
        for row in above.take(HEAD_ROWS_MAX) {
            let height = (row.y1() - row.y0()).max(4.0);
            let words: Vec<Word> = row.words();
            let printed = words.iter().filter(|w| is_word(&w.text)).count();
            if bottom - row.y1() > HEAD_GAP * height || printed * 2 < words.len() || printed == 0 {
                break;
            }
            bottom = row.y0();
            head.extend(words.iter().filter(|w| is_word(&w.text)).map(|w| Fixed {
                text: fold_word(&w.text),
                x: w.x0,
                y: w.y0,
            }));
            widen(&mut columns, &words);
        }
        let last = lines.iter().flat_map(BTreeMap::values).flatten();
        let (last_page, last_bottom) =
            last.fold((0, 0.0), |at, w| if (w.page, w.y1) > at { (w.page, w.y1) } else { at });
        let after = layout.rows.iter().find(|r| {
            r.page == last_page && r.y0() >= last_bottom - 1.0 && r.words().iter().any(|w| is_word(&w.text))
        });
        let end = after.map_or_else(Vec::new, |row| {
            let words: Vec<Word> =
                row.words().into_iter().filter(|w| is_word(&w.text)).take(END_MAX).collect();
            words.iter().map(|w| Fixed { text: fold_word(&w.text), x: w.x0, y: w.y0 }).collect()
        });
        (columns.len() >= 2).then_some(Self { columns, head, end })
    }

    /// Reads the lines of the page at hand by these columns.
    pub(super) fn read(
        &self,
        layout: &Layout,
        registration: &Registration,
        reading: &Reading,
        table: &mut Table,
    ) {
        let columns: Vec<Column> = self
            .columns
            .iter()
            .filter_map(|c| {
                let name = draft::column_name(&c.name)?;
                Some(Column::new(name, registration.x(c.x0), registration.x(c.x1), c.level))
            })
            .collect();
        let mut body = Vec::new();
        let mut page = 0;
        let mut open = false;
        let mut at = 0;
        while let Some(row) = layout.rows.get(at) {
            if row.page != page {
                page = row.page;
                open = false;
            }
            if let Some(next) = self.head_at(layout, at, registration) {
                table.rows.extend(at..next);
                at = next;
                open = true;
                continue;
            }
            if open && self.ends(row, registration) {
                open = false;
            }
            if open {
                body.push(at);
            }
            at += 1;
        }
        table::read_body(layout, reading, &columns, &body, table);
    }

    /// The row after the heads, if they start here.
    fn head_at(&self, layout: &Layout, at: usize, registration: &Registration) -> Option<usize> {
        let row = layout.rows.get(at)?;
        let rows: Vec<&Row> =
            layout.rows.iter().skip(at).take(HEAD_ROWS_MAX).take_while(|r| r.page == row.page).collect();
        let first = row.words().iter().any(|w| self.is_head(w, registration));
        if !first || self.head.is_empty() {
            return None;
        }
        let words: Vec<Vec<Word>> = rows.iter().map(|r| r.words()).collect();
        let found = self
            .head
            .iter()
            .filter(|head| words.iter().flatten().any(|w| fits(head, w, registration)))
            .count();
        if (found as f32) < HEAD_SHARE * self.head.len() as f32 {
            return None;
        }
        let heads = |w: &&Vec<Word>| {
            let known = w.iter().filter(|w| self.is_head(w, registration)).count();
            known * 2 >= w.len()
        };
        Some(at + words.iter().take_while(heads).count().max(1))
    }

    fn is_head(&self, word: &Word, registration: &Registration) -> bool {
        self.head.iter().any(|head| fits(head, word, registration))
    }

    fn ends(&self, row: &Row, registration: &Registration) -> bool {
        if self.end.is_empty() {
            return table::ends_table(row);
        }
        let words = row.words();
        self.end.iter().all(|end| words.iter().any(|w| fits(end, w, registration))) || table::ends_table(row)
    }
}

fn fits(fixed: &Fixed, word: &Word, registration: &Registration) -> bool {
    let text = fold_word(&word.text);
    let same =
        text == fixed.text || fixed.text.chars().count() >= 5 && distance_at_most(&text, &fixed.text, 1);
    same && (word.x0 - registration.x(fixed.x)).abs() <= OFF_PT
}

/// Widens columns by the heads that stand over them alone.
fn widen(columns: &mut [GridColumn], heads: &[Word]) {
    for word in heads {
        let over: Vec<usize> = columns
            .iter()
            .enumerate()
            .filter(|(_, c)| c.level == 0 && c.x0 < word.x1 && word.x0 < c.x1)
            .map(|(at, _)| at)
            .collect();
        if let [at] = over[..]
            && let Some(column) = columns.get_mut(at)
        {
            column.x0 = column.x0.min(word.x0);
            column.x1 = column.x1.max(word.x1);
        }
    }
}
