//! What the cells of a sheet say: labels, currencies, first lines.

use super::Cell;
use crate::extract::{
    label::{Label, field_of, label_at},
    layout::{Word, join},
    number::{Style, parse_currency, parse_number},
};

/// Up to where the next row of a block begins.
pub(super) fn first_line(words: &[Word]) -> String {
    let row = words.first().map_or(0.0, |w| w.y0);
    let line: Vec<Word> = words.iter().take_while(|w| (w.y0 - row).abs() < 1.0).cloned().collect();
    join(&line).trim_end_matches(',').to_owned()
}

pub(super) fn is_block(field: &str) -> bool {
    matches!(field, "ship_to" | "bill_to" | "buyer_name" | "vendor_name")
}

/// `12 pcs` gives 12.
pub(super) fn leading_number(text: &str, style: Style) -> Option<rust_decimal::Decimal> {
    let (first, rest) = text.split_once(' ')?;
    rest.chars().all(|c| c.is_alphabetic() || c == '.').then(|| parse_number(first, style)).flatten()
}

/// A cell that is a label and nothing else; what stands in brackets and currencies are left out.
pub(super) fn head_label(cell: &Cell) -> Option<Label> {
    let mut depth = 0_usize;
    let mut words: Vec<String> = Vec::new();
    for word in &cell.words {
        let opens = word.text.matches(['(', '[']).count();
        let bare = word.text.split(['(', '[']).next().unwrap_or_default();
        if depth == 0 && !bare.is_empty() && parse_currency(bare).is_none() {
            words.push(bare.to_owned());
        }
        depth = (depth + opens).saturating_sub(word.text.matches([')', ']']).count());
    }
    let words: Vec<String> = words
        .into_iter()
        .filter(|w| {
            !(w.ends_with('%') && w.len() <= 5)
                && !w.chars().all(|c| c.is_ascii_digit() || matches!(c, '.' | ','))
        })
        .collect();
    let label = label_at(words.iter().map(String::as_str))?;
    (label.words == words.len()).then_some(label)
}

/// A currency named in a label: `Total USD`, `Unit price (EUR)`.
pub(super) fn currency_in(cell: &Cell) -> Option<(&'static str, Vec<Word>)> {
    cell.words.iter().find_map(|word| {
        let code = parse_currency(word.text.trim_matches(['(', ')', '[', ']']))?;
        (word.text.len() >= 3).then(|| (code, vec![word.clone()]))
    })
}

/// Whether a cell is a label of a field or of a column.
pub(super) fn is_label(cell: &Cell) -> bool {
    let label = label_at(cell.words.iter().map(|w| w.text.as_str()));
    label.is_some_and(|label| {
        let whole = label.words == cell.words.len();
        label.closed || whole && !label.forgiven && (field_of(&label).is_some() && label.words <= 4)
    })
}
