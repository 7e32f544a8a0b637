//! Orders in the running text of a mail: "please send 20 x A-1312 gasket 40 mm and 5 boxes of B-77".
//!
//! A quantity with a unit or a times sign anchors a line; what stands around it up to the next one names the goods and
//! the price. Verbs say what the writer wants. Does not: read tables ([`super::table`]) or labelled fields
//! ([`super::field`]); take a number for a quantity that nothing marks as one; guess a year.

mod goods;
mod intent;
mod order;
mod party;
mod quantity;
mod terms;
mod unit;

use super::{
    draft::Reading,
    layout::{Layout, Row, Word},
};
use crate::model::draft::Line;
use goods::read_line;
use intent::INTENTS;
pub use intent::find_kind;
pub use order::{find_order_date, find_order_number, find_wanted, from_subject};
pub use party::{find_company, find_sender, find_ship_to, first_name_first, is_machine};
use quantity::{anchors, without_price_unit};
pub use terms::{find_terms, find_total};
pub use unit::is_usual_unit;

/// Lines of one text at most.
const LINES_MAX: usize = 500;

/// A row of at least so many characters may go on in the next.
const FULL_ROW_CHARS: usize = 50;

/// The lines of goods in a text.
pub fn find_lines(layout: &Layout, reading: &Reading) -> Vec<Line> {
    let mut lines = Vec::new();
    for words in statements(layout) {
        let anchors = anchors(&words, reading);
        for (at, anchor) in anchors.iter().enumerate() {
            if lines.len() >= LINES_MAX {
                return lines;
            }
            let previous = at.checked_sub(1).and_then(|i| anchors.get(i));
            let next = anchors.get(at + 1);
            if let Some(line) = read_line(&words, anchor, previous, next, reading) {
                lines.push(line);
            }
        }
    }
    lines
}

/// Rows, joined where a row goes on in the next.
fn statements(layout: &Layout) -> Vec<Vec<Word>> {
    let mut out: Vec<Vec<Word>> = Vec::new();
    let mut previous: Option<&Row> = None;
    for row in &layout.rows {
        let words: Vec<Word> = row.words().into_iter().map(without_price_unit).collect();
        let starts_low = words.first().is_some_and(|w| w.text.starts_with(char::is_lowercase));
        let goes_on = previous.filter(|_| starts_low).is_some_and(|p| {
            let text = p.text();
            text.chars().count() >= FULL_ROW_CHARS
                && row.y0() - p.y1() < 0.9 * (p.y1() - p.y0())
                && !text.ends_with([':', '.', ';'])
        });
        match out.last_mut() {
            Some(last) if goes_on => last.extend(words),
            _ => out.push(words),
        }
        previous = Some(row);
    }
    out
}

/// Whether a text is what somebody says rather than a name.
pub fn is_sentence(text: &str) -> bool {
    let text = crate::validate::account::fold(text);
    let says = INTENTS.iter().flat_map(|(_, _, phrases)| *phrases).any(|phrase| text.contains(*phrase));
    says || text.split(' ').count() > 8
}
