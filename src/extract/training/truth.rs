//! What a document really says, and whether the values of a draft say the same.
//!
//! The form of the truth is that of the evaluation scheme: one JSON object a document with `fields` and `lines`,
//! `alternatives` for fields that may be read in several ways, `alt` in a line.

use crate::{
    extract::{confidence::features::Place, same::same_text},
    model::{
        draft::{Content, Draft, Kind, Line, Proposal, Reference, Source},
        page::Rect,
        text::fold,
    },
};
use rust_decimal::Decimal;
use serde::Deserialize;
use serde_json::{Map, Value};
use std::{collections::BTreeMap, str::FromStr as _};

/// The truth of one document.
#[derive(Clone, Debug, Deserialize)]
pub struct Truth {
    /// The file that holds it.
    pub file: String,
    /// What it is.
    pub kind: Kind,
    /// Layout family: what is left out together.
    pub family: String,
    /// How it came: `digital_pdf`, `scan_tiff`, `fax_pdf`, `photo_jpg`, `email_txt`…
    #[serde(default)]
    pub carrier: String,
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

fn equal(name: &str, truth: &Value, value: &Content) -> bool {
    match (truth, value) {
        (Value::Bool(truth), Content::Flag(flag)) => truth == flag,
        (Value::Array(truth), Content::References(list)) => {
            let same = |a: &Value, b: &Reference| {
                a.get("name").and_then(Value::as_str).map(fold) == b.name.as_deref().map(fold)
            };
            truth.len() == list.len() && truth.iter().zip(list).all(|(a, b)| same(a, b))
        }
        (Value::String(truth), Content::Text(text)) => same_text(name, truth, text),
        _ => false,
    }
}
