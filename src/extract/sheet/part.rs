//! One order of a sheet: joined with what goes on in the next sheet, and made a draft.

use super::{BELOW, Part};
use crate::{
    extract::{Context, field::fields_of, kind, number::split_currency},
    model::draft::{Draft, Kind, Line, Proposal},
};
use std::collections::BTreeMap;

impl Part {
    pub(super) fn number(&self) -> Option<&str> {
        self.fields.get("po_number").and_then(|p| p.value.as_text())
    }

    /// Whether the next sheet goes on with this order.
    pub(super) fn takes(&self, next: &Self) -> bool {
        match (self.number(), next.number()) {
            (Some(a), Some(b)) => a == b,
            (_, None) => true,
            (None, Some(_)) => self.lines.is_empty() || next.lines.is_empty(),
        }
    }

    pub(super) fn join(&mut self, next: Self) {
        for (name, value) in next.fields {
            self.fields.entry(name).or_insert(value);
        }
        // a second sheet with the same goods (a copy, a print view) is not ordered twice
        if self.lines.is_empty() {
            self.lines = next.lines;
            self.layout = next.layout;
            self.reading = next.reading;
        } else if !same_goods(&self.lines, &next.lines) {
            self.lines.extend(next.lines);
        }
        self.pages = [self.pages[0], next.pages[1]];
    }

    /// What the cells say, with what the layout adds; none if nothing says that it is a document of trade.
    pub(super) fn draft(self, context: &Context<'_>) -> Option<Draft> {
        let (kind, sure) = kind::find_kind(&self.layout, context.subject, &kind::Goods::of(&self.lines));
        let has = |name: &str| self.fields.contains_key(name);
        let ordered = has("po_number") || has("requested_date") || has("ship_to");
        let (kind, kind_confidence) = match kind {
            Kind::Other if ordered => (Kind::PurchaseOrder, BELOW),
            kind => (kind, sure),
        };
        if kind == Kind::Other {
            return None;
        }
        let wanted = fields_of(kind);
        let mut fields: BTreeMap<String, Proposal> = self.fields;
        for (sum, code) in self
            .lines
            .iter()
            .filter_map(|line| line.get("amount").or(line.get("unit_price")))
            .filter_map(|p| Some((p, split_currency(p.printed.as_deref()?).1?)))
        {
            fields.entry("currency".to_owned()).or_insert_with(|| Proposal {
                value: crate::model::draft::Content::Text(code.to_owned()),
                confidence: BELOW,
                ..sum.clone()
            });
        }
        fields.retain(|name, _| wanted.contains(&name.as_str()));
        let mut lines = self.lines;
        for line in &mut lines {
            crate::extract::keep_columns(line, kind);
        }
        Some(Draft {
            kind,
            kind_confidence,
            language: self.reading.language.to_owned(),
            standard: None,
            page_range: self.pages,
            fields,
            lines,
            findings: Vec::new(),
            precedents: Vec::new(),
        })
    }
}

/// Whether two lists name the same goods in the same quantities.
fn same_goods(a: &[Line], b: &[Line]) -> bool {
    let cell = |line: &Line, name: &str| line.get(name).and_then(|p| p.value.as_text()).map(str::to_owned);
    a.len() == b.len()
        && a.iter().zip(b).all(|(x, y)| {
            ["sku", "description", "quantity"].iter().all(|name| cell(x, name) == cell(y, name))
        })
}
