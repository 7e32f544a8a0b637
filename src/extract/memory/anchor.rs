//! Where the value of one field stands: right of or below words of the layout, or by its place alone.

use super::{
    FOUND,
    registration::{Fixed, Registration, is_word},
};
use crate::{
    extract::{
        draft::{Reading, propose},
        field,
        label::{distance_at_most, fold_word},
        layout::{Layout, Row, Segment, Word, join},
        number::{parse_number, split_currency},
        same::same,
    },
    model::{draft::Proposal, page::Rect},
    validate::account::fold,
};
use serde::{Deserialize, Serialize};

/// Words of one label at most.
const LABEL_MAX: usize = 4;
/// Share of the page's width that may lie between a label and its value.
const REACH: f32 = 0.5;
/// Heights of a letter that may lie between a label and the value below it.
const BELOW_HEIGHTS: f32 = 4.0;
/// How far a value may start off its place, in points.
const OFF_PT: f32 = 14.0;
/// Rows of one value at most.
const ROWS_MAX: usize = 10;
/// Words that a typed value is looked for in.
const WINDOW_MAX: usize = 9;

/// On which side of its label a value stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Side {
    /// In the same row.
    Right,
    /// In a row below.
    Below,
    /// There is no label: the place on the page counts.
    Alone,
}

/// Where a value stands. All places are those of the lesson's page, in points.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Anchor {
    side: Side,
    /// The label's words, folded.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    label: Vec<String>,
    /// Left and top of the label.
    #[serde(default)]
    label_at: [f32; 2],
    /// Left, top and right of the value's first row.
    value_at: [f32; 3],
    /// Where the next words of that row begin.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    until: Option<f32>,
    /// Rows of the value.
    rows: usize,
    /// Groups of words that its first row goes over.
    segments: usize,
    /// On the first page.
    first_page: bool,
}

/// Fields of several rows, told apart by commas.
fn is_address(name: &str) -> bool {
    matches!(name, "ship_to" | "bill_to" | "address")
}

/// The ways to find a value again, the best first.
pub(super) fn candidates(layout: &Layout, words: &[Word], values: &[(u32, Rect)]) -> Vec<Anchor> {
    let Some(first) = words.first() else { return Vec::new() };
    let Some(index) = layout.rows.iter().position(|r| holds(r, first)) else { return Vec::new() };
    let Some(row) = layout.rows.get(index) else { return Vec::new() };
    let own = |w: &Word| words.iter().any(|v| v.page == w.page && v.rect == w.rect);
    let value = |w: &Word| values.iter().any(|(page, rect)| *page == w.page && *rect == w.rect);
    let in_row: Vec<Word> = row.words();
    let mine: Vec<&Word> = in_row.iter().filter(|w| own(w)).collect();
    let (Some(left), Some(right)) = (mine.first(), mine.last()) else { return Vec::new() };
    let until = in_row.iter().find(|w| w.x0 >= right.x1 && !own(w)).map(|w| w.x0);
    let rows = layout.rows.iter().filter(|r| r.segments.iter().flat_map(|s| &s.words).any(own)).count();
    let base = Anchor {
        side: Side::Alone,
        label: Vec::new(),
        label_at: [0.0; 2],
        value_at: [left.x0, left.y0, right.x1],
        until,
        rows: rows.clamp(1, ROWS_MAX),
        segments: row.segments.iter().filter(|s| s.words.iter().any(own)).count().max(1),
        first_page: layout.rows.first().is_some_and(|r| r.page == first.page),
    };
    let with = |side: Side, label: &[Word]| {
        let start = label.first()?;
        Some(Anchor {
            side,
            label: label.iter().map(|w| fold_word(&w.text)).collect(),
            label_at: [start.x0, start.y0],
            ..base.clone()
        })
    };
    let height = (left.y1 - left.y0).max(4.0);
    // the words before it, back to the first that is a value or far off
    let mut beside: Vec<Word> = Vec::new();
    for word in in_row.iter().rev().skip_while(|w| w.x0 >= left.x0 || own(w)) {
        let next = beside.last().map_or(left.x0, |w| w.x0);
        let reach = if beside.is_empty() { REACH * layout.width } else { 1.5 * height };
        if beside.len() == LABEL_MAX || value(word) || next - word.x1 > reach {
            break;
        }
        if fold_word(&word.text).is_empty() && beside.is_empty() {
            continue;
        }
        if !is_word(&word.text) && beside.is_empty() && !word.text.ends_with(['.', ':', '#']) {
            break;
        }
        beside.push(word.clone());
    }
    beside.reverse();
    let mut above: Vec<Word> = Vec::new();
    for upper in layout.rows.iter().take(index).rev().take(6).filter(|r| r.page == row.page) {
        if left.y0 - upper.y1() > BELOW_HEIGHTS * height {
            break;
        }
        let over = |s: &&Segment| s.x0() < right.x1 + 2.0 && s.x1() > left.x0 - OFF_PT;
        let Some(segment) = upper.segments.iter().find(over) else { continue };
        let words: Vec<Word> =
            segment.words.iter().filter(|w| w.x1 > left.x0 - 4.0 * OFF_PT).take(LABEL_MAX).cloned().collect();
        if words.iter().any(value) {
            break;
        }
        if words.iter().any(|w| is_word(&w.text)) {
            above = words;
        }
        break;
    }
    let closed = beside.last().is_some_and(|w| w.text.ends_with(':'));
    let right = with(Side::Right, &beside);
    let below = with(Side::Below, &above);
    let order = if closed { [right, below] } else { [below, right] };
    order.into_iter().flatten().chain(std::iter::once(base)).collect()
}

fn holds(row: &Row, word: &Word) -> bool {
    row.page == word.page && row.segments.iter().flat_map(|s| &s.words).any(|w| w.rect == word.rect)
}

/// A label's words on the page at hand: its row, and from which word to which.
struct Spot {
    row: usize,
    x0: f32,
    y0: f32,
    x1: f32,
}

impl Anchor {
    /// The value that stands in this place on the page at hand.
    pub(super) fn read(
        &self,
        name: &str,
        layout: &Layout,
        registration: &Registration,
        reading: &Reading,
        fixed: &[Fixed],
    ) -> Option<Proposal> {
        let [x0, y0, x1] = self.value_at;
        let [label_x, label_y] = self.label_at;
        let spot = match self.side {
            Side::Alone => None,
            Side::Right | Side::Below => Some(self.find_label(layout, registration)?),
        };
        // by how much the label stands off the place where it was expected
        let (aside, down) = spot
            .as_ref()
            .map_or((0.0, 0.0), |s| (s.x0 - registration.x(label_x), s.y0 - registration.y(label_y)));
        let left = registration.x(x0) + aside;
        let right = registration.x(x1) + aside;
        let until = self.until.map_or(f32::MAX, |x| registration.x(x) + aside - 3.0);
        let (index, from) = match (&spot, self.side) {
            (Some(spot), Side::Right) => (spot.row, spot.x1 - 1.0),
            (Some(spot), _) => {
                let wanted = spot.y0 + (y0 - label_y);
                (row_at(layout, spot.row + 1, wanted, left - OFF_PT, until)?, left - OFF_PT)
            }
            (None, _) => {
                let first = layout.rows.first()?.page;
                let start =
                    if self.first_page { 0 } else { layout.rows.iter().position(|r| r.page != first)? };
                (row_at(layout, start, registration.y(y0) + down, left - OFF_PT, until)?, left - OFF_PT)
            }
        };
        let row = layout.rows.get(index)?;
        // a longer value may start further left
        let slack = if self.side == Side::Right { 0.0 } else { 4.0 * OFF_PT };
        let start = |s: &Segment| if s.x0() >= from - slack { s.x0() - 1.0 } else { from };
        let mut words: Vec<Word> = row
            .segments
            .iter()
            .map(|s| {
                s.words.iter().filter(|w| w.x0 >= start(s) && w.x1 > from && w.x0 < until).cloned().collect()
            })
            .filter(|words: &Vec<Word>| !words.is_empty())
            .take(self.segments)
            .flatten()
            .collect();
        if words.is_empty() && self.side != Side::Right {
            // a shorter value that ends in the same place
            let over = row.segments.iter().find(|s| s.x0() < right && s.x1() > left)?;
            words = over.words.iter().filter(|w| w.x0 < until).cloned().collect();
        }
        if is_address(name) || self.rows > 1 {
            self.take_rows(layout, index, until, registration, fixed, &mut words);
        }
        value(name, &words, reading)
    }

    /// The rows below that belong to the value.
    fn take_rows(
        &self,
        layout: &Layout,
        index: usize,
        until: f32,
        registration: &Registration,
        fixed: &[Fixed],
        words: &mut Vec<Word>,
    ) {
        let Some(first) = words.first().cloned() else { return };
        let mut bottom = first.y1;
        let mut rows = 1;
        for row in layout.rows.iter().skip(index + 1) {
            let height = (first.y1 - first.y0).max(4.0);
            if row.page != first.page || row.y0() - bottom > 1.3 * height || rows >= ROWS_MAX {
                break;
            }
            let Some(start) = row.words().iter().position(|w| (w.x0 - first.x0).abs() < 8.0) else {
                continue;
            };
            let next: Vec<Word> = row.words().into_iter().skip(start).take_while(|w| w.x0 < until).collect();
            let Some(head) = next.first() else { continue };
            let printed = |w: &Word| {
                let text = fold_word(&w.text);
                fixed.iter().any(|f| {
                    f.text == text
                        && (registration.x(f.x) - w.x0).abs() < OFF_PT
                        && (registration.y(f.y) - w.y0).abs() < OFF_PT
                })
            };
            if printed(head) || rows > self.rows || !is_multiline(&next) {
                break;
            }
            bottom = head.y1;
            rows += 1;
            words.extend(next);
        }
    }

    /// The label on the page at hand: the one nearest to where it is expected.
    fn find_label(&self, layout: &Layout, registration: &Registration) -> Option<Spot> {
        let first = layout.rows.first()?.page;
        let (x, y) = (registration.x(self.label_at[0]), registration.y(self.label_at[1]));
        let mut best: Option<(f32, Spot)> = None;
        for (index, row) in layout.rows.iter().enumerate() {
            let words = row.words();
            for at in 0..words.len() {
                let Some(part) = words.get(at..at + self.label.len()) else { break };
                if !part.iter().zip(&self.label).all(|(w, label)| reads(&w.text, label)) {
                    continue;
                }
                let (Some(start), Some(end)) = (part.first(), part.last()) else { continue };
                let page = if (row.page == first) == self.first_page { 0.0 } else { 400.0 };
                let off = (start.x0 - x).abs() + 0.5 * (start.y0 - y).abs() + page;
                if best.as_ref().is_none_or(|(least, _)| off < *least) {
                    best = Some((off, Spot { row: index, x0: start.x0, y0: start.y0, x1: end.x1 }));
                }
            }
        }
        best.map(|(_, spot)| spot)
    }
}

/// Whether a row of an address may go on: it holds more than a single sign.
fn is_multiline(words: &[Word]) -> bool {
    words.iter().any(|w| w.text.chars().filter(|c| c.is_alphanumeric()).count() >= 2)
}

/// Whether a word is this one of a label; one letter may be misread.
fn reads(text: &str, label: &str) -> bool {
    let text = fold_word(text);
    text == label || label.chars().count() >= 5 && distance_at_most(&text, label, 1)
}

/// The row nearest to a height that has words between two places.
fn row_at(layout: &Layout, from: usize, y: f32, left: f32, until: f32) -> Option<usize> {
    let page = layout.rows.get(from)?.page;
    let rows = layout.rows.iter().enumerate().skip(from).take_while(|(_, r)| r.page == page);
    let near = rows.filter_map(|(index, row)| {
        let here = row.segments.iter().any(|s| s.x0() < until && s.x1() > left);
        let first = row.segments.iter().flat_map(|s| &s.words).find(|w| w.x1 > left)?;
        let off = (first.y0 - y).abs();
        (here && off <= OFF_PT).then_some((off, index))
    });
    near.min_by(|a, b| a.0.total_cmp(&b.0)).map(|(_, index)| index)
}

/// What words say as the value of a field.
fn value(name: &str, words: &[Word], reading: &Reading) -> Option<Proposal> {
    match name {
        "subtotal" | "discount" | "shipping" | "tax" | "total" => (0..words.len()).find_map(|start| {
            let part = words.get(start..).filter(|part| part.len() <= 4)?;
            let text = join(part);
            let number = parse_number(split_currency(&text).0, reading.style)?;
            (!text.ends_with('%')).then(|| propose(number.normalize().to_string(), part, FOUND))
        }),
        _ if is_address(name) => {
            let mut lines: Vec<Vec<Word>> = Vec::new();
            for word in words {
                match lines.last_mut().filter(|l| l.last().is_some_and(|p| word.x0 >= p.x0)) {
                    Some(line) => line.push(word.clone()),
                    None => lines.push(vec![word.clone()]),
                }
            }
            let rows: Vec<String> =
                lines.iter().map(|l| join(l).trim_end_matches([',', ';']).to_owned()).collect();
            let text = rows.join(", ");
            (text.chars().filter(|c| c.is_alphabetic()).count() >= 3).then(|| propose(text, words, FOUND))
        }
        _ => {
            let (text, used, _) = field::accept(name, words, reading)?;
            Some(propose(text, &used, FOUND))
        }
    }
}

/// The words that say a value which a person typed.
pub(super) fn find_value(
    layout: &Layout,
    name: &str,
    wanted: &Proposal,
    reading: &Reading,
) -> Option<Vec<Word>> {
    let text = wanted.value.as_text()?;
    if is_address(name) {
        return find_address(layout, text);
    }
    for row in &layout.rows {
        let words = row.words();
        for start in 0..words.len() {
            for end in (start + 1..=words.len().min(start + WINDOW_MAX)).rev() {
                let Some(part) = words.get(start..end) else { continue };
                let found = value(name, part, reading);
                let whole = found.filter(|f| same(name, &wanted.value, &f.value));
                if whole.is_some() {
                    return Some(shortest(name, part, wanted, reading));
                }
            }
        }
    }
    None
}

/// The fewest words at the end of these that still say the value.
fn shortest(name: &str, words: &[Word], wanted: &Proposal, reading: &Reading) -> Vec<Word> {
    let says =
        |part: &[Word]| value(name, part, reading).is_some_and(|f| same(name, &wanted.value, &f.value));
    let mut part = words;
    while let Some((_, rest)) = part.split_first().filter(|(_, rest)| says(rest)) {
        part = rest;
    }
    while let Some((_, rest)) = part.split_last().filter(|(_, rest)| says(rest)) {
        part = rest;
    }
    part.to_vec()
}

/// Rows below one another that together say an address.
fn find_address(layout: &Layout, text: &str) -> Option<Vec<Word>> {
    let wanted = fold(text);
    for (index, row) in layout.rows.iter().enumerate() {
        for segment in &row.segments {
            let mut words = segment.words.clone();
            let mut said = fold(&segment.text());
            if said.is_empty() || !wanted.starts_with(&said) {
                continue;
            }
            for below in layout.rows.iter().skip(index + 1).take(3 * ROWS_MAX).filter(|r| r.page == row.page)
            {
                if said == wanted {
                    break;
                }
                let Some(next) = below.segments.iter().find(|s| (s.x0() - segment.x0()).abs() < 8.0) else {
                    continue;
                };
                let longer = format!("{said} {}", fold(&next.text()));
                if !wanted.starts_with(&longer) {
                    break;
                }
                words.extend(next.words.iter().cloned());
                said = longer;
            }
            if said == wanted {
                return Some(words);
            }
        }
    }
    None
}
