//! What a document really says, and whether a value says the same.
//!
//! The form of the truth is that of the evaluation scheme: one JSON object a document with `fields` and `lines`,
//! `alternatives` for fields that may be read in several ways, `alt` in a line.

use crate::{
    extract::{confidence::features::Place, label::distance_at_most},
    model::{
        draft::{Content, Draft, Kind, Line, Proposal, Reference, Source},
        page::Rect,
    },
    validate::account::{fold, squeeze, strsim_ratio},
};
use rust_decimal::Decimal;
use serde::Deserialize;
use serde_json::{Map, Value};
use std::{collections::BTreeMap, str::FromStr as _};

/// Likeness from which two addresses or descriptions are the same, if their numbers are.
const ALIKE: f64 = 0.9;

/// The truth of one document.
#[derive(Clone, Debug, Deserialize)]
pub struct Truth {
    /// The file that holds it.
    pub file: String,
    /// What it is.
    pub kind: Kind,
    /// Layout family: what is left out together.
    pub family: String,
    /// First and last page, from 1.
    #[serde(default)]
    pub page_range: Option<[u32; 2]>,
    /// Header fields; null where there is none.
    #[serde(default)]
    pub fields: Map<String, Value>,
    /// Lines; `alt` holds other readings.
    #[serde(default)]
    pub lines: Vec<Map<String, Value>>,
    /// Other readings of fields.
    #[serde(default)]
    pub alternatives: Map<String, Value>,
    /// Places of values by `field` or `lines.<number>.<column>`: page, then left, top, right and bottom as fractions.
    #[serde(default)]
    pub boxes: BTreeMap<String, (u32, f32, f32, f32, f32)>,
    /// ISO 639-1 code of its language.
    #[serde(default)]
    pub language: String,
}

impl Truth {
    /// The draft that a person would have confirmed; values whose place is not told count as typed.
    pub fn confirmed(&self, pages: u32) -> Draft {
        let proposal = |path: &str, value: &Value| -> Option<Proposal> {
            let value = match value {
                Value::String(text) => Content::Text(text.clone()),
                Value::Bool(flag) => Content::Flag(*flag),
                _ => return None,
            };
            let source = match self.boxes.get(path) {
                Some(&(page, x0, y0, x1, y1)) => Source::Page { page, bbox: Rect { x0, y0, x1, y1 } },
                None => Source::Person(String::new()),
            };
            Some(Proposal { value, confidence: 1.0, source, printed: None })
        };
        let line = |(at, line): (usize, &Map<String, Value>)| -> Line {
            let cell = |(name, value): (&String, &Value)| {
                Some((name.clone(), proposal(&format!("lines.{at}.{name}"), value)?))
            };
            line.iter().filter_map(cell).collect()
        };
        Draft {
            kind: self.kind,
            kind_confidence: 1.0,
            language: self.language.clone(),
            standard: None,
            page_range: self.page_range.unwrap_or([1, pages.max(1)]),
            fields: self.fields.iter().filter_map(|(n, v)| Some((n.clone(), proposal(n, v)?))).collect(),
            lines: self.lines.iter().enumerate().map(line).collect(),
            findings: Vec::new(),
            precedents: Vec::new(),
        }
    }
}

/// Whether each value of a draft is right.
pub fn judge(draft: &Draft, truth: &Truth) -> BTreeMap<Place, bool> {
    let mut right = BTreeMap::new();
    for (name, proposal) in &draft.fields {
        let other = truth.alternatives.get(name);
        let fits = says(name, truth.fields.get(name), &proposal.value, other);
        right.insert(Place::Field(name.clone()), fits);
    }
    let pairs = pair_lines(draft, truth);
    for (index, line) in draft.lines.iter().enumerate() {
        let wanted = pairs.get(&index).and_then(|at| truth.lines.get(*at));
        for (name, proposal) in line {
            let cell = wanted.and_then(|l| l.get(name));
            let other = wanted.and_then(|l| l.get("alt")?.get(name));
            right.insert(Place::Cell(index, name.clone()), says(name, cell, &proposal.value, other));
        }
    }
    right
}

/// Lines of the draft with the lines of the truth that they fit best, the best fits first.
fn pair_lines(draft: &Draft, truth: &Truth) -> BTreeMap<usize, usize> {
    let mut fits: Vec<(f32, usize, usize)> = Vec::new();
    for (index, line) in draft.lines.iter().enumerate() {
        for (at, wanted) in truth.lines.iter().enumerate() {
            let gain = gain(line, wanted);
            if gain > 0.0 {
                fits.push((gain + 0.01 / (1.0 + index.abs_diff(at) as f32), index, at));
            }
        }
    }
    fits.sort_by(|a, b| b.0.total_cmp(&a.0).then((a.1, a.2).cmp(&(b.1, b.2))));
    let mut pairs = BTreeMap::new();
    let mut taken = std::collections::BTreeSet::new();
    for (_, index, at) in fits {
        if !pairs.contains_key(&index) && taken.insert(at) {
            pairs.insert(index, at);
        }
    }
    pairs
}

fn gain(line: &Line, wanted: &Map<String, Value>) -> f32 {
    let weight = |name: &str| match name {
        "sku" | "customer_sku" | "invoice_number" => 3.0,
        "description" => 2.0,
        "line_no" => 1.5,
        _ => 1.0,
    };
    let other = |name: &str| wanted.get("alt").and_then(|alt| alt.get(name));
    line.iter()
        .filter(|(name, cell)| says(name, wanted.get(*name), &cell.value, other(name)))
        .map(|(name, _)| weight(name))
        .sum()
}

/// Whether a value says what the truth says, or one of its other readings. Zero and absent are the same for sums.
fn says(name: &str, truth: Option<&Value>, value: &Content, other: Option<&Value>) -> bool {
    let others = other.and_then(Value::as_array).into_iter().flatten();
    match truth {
        None | Some(Value::Null) => {
            let nothing = matches!(name, "discount" | "tax" | "shipping" | "tax_rate");
            nothing && value.as_text().and_then(|t| Decimal::from_str(t).ok()).is_some_and(|n| n.is_zero())
        }
        Some(truth) => std::iter::once(truth).chain(others).any(|one| equal(name, one, value)),
    }
}

/// Whether two values of a field or column say the same.
pub fn same(name: &str, one: &Content, other: &Content) -> bool {
    match (one, other) {
        (Content::Text(one), Content::Text(other)) => equal_text(name, one, other),
        _ => one == other,
    }
}

fn equal(name: &str, truth: &Value, value: &Content) -> bool {
    match (truth, value) {
        (Value::Bool(truth), Content::Flag(flag)) => truth == flag,
        (Value::Array(truth), Content::References(list)) => {
            let same = |a: &Value, b: &Reference| {
                a.get("name").and_then(Value::as_str).map(fold) == b.name.as_deref().map(fold)
            };
            truth.len() == list.len() && truth.iter().zip(list).all(|(a, b)| same(a, b))
        }
        (Value::String(truth), Content::Text(text)) => equal_text(name, truth, text),
        _ => false,
    }
}

fn equal_text(name: &str, truth: &str, text: &str) -> bool {
    let plain = |text: &str| -> String {
        text.to_lowercase()
            .chars()
            .filter(|c| !c.is_whitespace())
            .map(|c| if matches!(c, '–' | '—' | '−') { '-' } else { c })
            .collect()
    };
    match name {
        _ if name.ends_with("date") || matches!(name, "response_due" | "date_signed") => truth == text,
        "subtotal"
        | "tax"
        | "shipping"
        | "discount"
        | "total"
        | "quantity"
        | "unit_price"
        | "price_per"
        | "amount"
        | "tax_rate"
        | "previous_quantity"
        | "ordered_quantity"
        | "gross"
        | "requested_credit_limit"
        | "annual_revenue" => {
            matches!((Decimal::from_str(truth), Decimal::from_str(text)), (Ok(a), Ok(b)) if a == b)
        }
        "line_no" => plain(truth).trim_start_matches('0') == plain(text).trim_start_matches('0'),
        "phone" => {
            let digits = |t: &str| t.chars().filter(char::is_ascii_digit).collect::<String>();
            digits(truth) == digits(text)
        }
        "ship_to" | "bill_to" | "address" | "description" => alike(truth, text),
        "po_number"
        | "account_no"
        | "supplier_no"
        | "quote_ref"
        | "invoice_number"
        | "delivery_note_number"
        | "rfq_number"
        | "payment_reference"
        | "rma_number"
        | "sku"
        | "customer_sku"
        | "lot"
        | "serial_no"
        | "tax_id"
        | "bank_account"
        | "revision"
        | "email"
        | "buyer_email"
        | "website" => {
            let ends = |c: char| matches!(c, '.' | ',' | ';' | ':' | '#');
            plain(truth).trim_matches(ends) == plain(text).trim_matches(ends)
        }
        // accents count here: a name without them was misread
        _ => {
            let letters =
                |t: &str| t.to_lowercase().chars().filter(|c| c.is_alphanumeric()).collect::<String>();
            letters(truth) == letters(text)
        }
    }
}

/// Much the same words with the very same numbers.
fn alike(truth: &str, text: &str) -> bool {
    let (a, b) = (fold(truth), fold(text));
    let numbers = |t: &str| {
        let mut all: Vec<String> =
            t.split(|c: char| !c.is_ascii_digit()).filter(|p| !p.is_empty()).map(str::to_owned).collect();
        all.sort();
        all
    };
    if numbers(&a) != numbers(&b) {
        return false;
    }
    let sorted = |t: &str| {
        let mut words: Vec<&str> = t.split(' ').collect();
        words.sort_unstable();
        words.join(" ")
    };
    squeeze(&a) == squeeze(&b)
        || strsim_ratio(&a, &b) >= ALIKE
        || strsim_ratio(&sorted(&a), &sorted(&b)) >= ALIKE
        || a.len() > 20 && distance_at_most(&a, &b, 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_compared_by_what_they_say() {
        for (name, truth, text, same) in [
            ("total", "12.50", "12.5", true),
            ("po_number", "PO-1", "po-1", true),
            ("po_number", "PO-1", "PO-7", false),
            ("line_no", "00010", "10", true),
            ("ship_to", "Mill Ln 7, Ely", "Mill Ln. 7 Ely", true),
            ("ship_to", "Mill Ln 7, Ely", "Mill Ln 1, Ely", false),
            ("unit", "pcs", "pes", false),
        ] {
            assert_eq!(equal_text(name, truth, text), same, "{name}: {truth} and {text}");
        }
    }
}
