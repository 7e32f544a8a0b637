//! Whether every value is what its field holds: a number, a day, a currency. What is none of these is no order.

use crate::model::{
    draft::{Draft, Kind, Line, Proposal},
    field::{Form, TEXT_MAX},
    finding::{Finding, Severity},
};
use rust_decimal::Decimal;

/// Codes of findings on values that no record can hold.
const MALFORMED: [&str; 4] = ["bad_number", "bad_day", "bad_currency", "text_too_long"];

/// What reading may have found before: a line that wants nothing.
pub(super) const MISSING_QUANTITY: &str = "missing_quantity";

/// Whether a finding is about a value that no record can hold.
pub fn is_malformed(finding: &Finding) -> bool {
    MALFORMED.contains(&finding.code.as_str())
}

/// Values that are not what their fields hold, and lines of an order that want nothing.
pub fn check(draft: &Draft) -> Vec<Finding> {
    let fields = draft.fields.iter().filter_map(|(name, value)| malformed(name, value, name.clone()));
    let mut findings: Vec<Finding> = fields.collect();
    for (index, line) in draft.lines.iter().enumerate() {
        let cells = line.iter();
        findings.extend(
            cells.filter_map(|(name, value)| malformed(name, value, format!("lines.{index}.{name}"))),
        );
        let wanted = ["quantity", "ordered_quantity"].iter().any(|name| line.contains_key(*name));
        if draft.kind == Kind::PurchaseOrder {
            findings.extend(empty_line(line, index));
        }
        let path = format!("lines.{index}.quantity");
        let told = |f: &Finding| f.code == MISSING_QUANTITY && f.field.as_ref() == Some(&path);
        if draft.kind == Kind::PurchaseOrder && !wanted && !draft.findings.iter().any(told) {
            let number = index + 1;
            let message = format!("Line {number} has no quantity: enter it, or remove the line.");
            findings.push(Finding::new(MISSING_QUANTITY, Severity::Problem, message).about(path));
        }
    }
    findings
}

/// A line that names no item, or wants less than something of it.
fn empty_line(line: &Line, index: usize) -> Option<Finding> {
    let number = index + 1;
    if !["sku", "customer_sku", "description"].iter().any(|name| line.contains_key(*name)) {
        let message = format!("Line {number} names no item: enter it, or remove the line.");
        return Some(
            Finding::new("missing_item", Severity::Problem, message).about(format!("lines.{index}.sku")),
        );
    }
    let quantity = super::sums::number(line, "quantity").filter(|quantity| *quantity <= Decimal::ZERO)?;
    let message = format!("Line {number} wants a quantity of {quantity}: ask what is meant.");
    let path = format!("lines.{index}.quantity");
    Some(Finding::new("quantity_not_positive", Severity::Problem, message).about(path))
}

fn malformed(name: &str, proposal: &Proposal, path: String) -> Option<Finding> {
    let value = proposal.value.as_text()?;
    let form = Form::of(name);
    if form.fits(value) {
        return None;
    }
    let (code, message) = match form {
        Form::Number => {
            ("bad_number", format!("{value} is no number: write it in figures, as in 12 or 12.50."))
        }
        Form::Day => (
            "bad_day",
            format!("{value} is no day: write the year, the month and the day, as in 2026-09-07."),
        ),
        Form::Currency => {
            ("bad_currency", format!("{value} is no currency: write its three letters, as in EUR."))
        }
        Form::Text => (
            "text_too_long",
            format!("This text has {} characters: shorten it to {TEXT_MAX}.", value.chars().count()),
        ),
        Form::Flag => return None,
    };
    Some(Finding::new(code, Severity::Problem, message).about(path))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::draft::{Content, Source};

    #[test]
    fn values_that_no_record_can_hold_are_told_where_they_stand() {
        let typed = |value: &str| Proposal {
            value: Content::Text(value.to_owned()),
            confidence: 1.0,
            source: Source::Person("ann".to_owned()),
            printed: None,
        };
        let line = |pairs: &[(&str, &str)]| pairs.iter().map(|(k, v)| ((*k).to_owned(), typed(v))).collect();
        let long = "x".repeat(TEXT_MAX + 1);
        let draft = Draft {
            kind: Kind::PurchaseOrder,
            kind_confidence: 1.0,
            language: "en".to_owned(),
            page_range: [1, 1],
            fields: line(&[
                ("order_date", "31/31/2026"),
                ("currency", "XXX1"),
                ("notes", &long),
                ("total", "12.50"),
            ]),
            lines: vec![
                line(&[("sku", "A"), ("quantity", "2")]),
                line(&[("sku", "B"), ("quantity", "abc"), ("delivery_date", "2026-W37")]),
                line(&[("sku", "C")]),
                line(&[("quantity", "10")]),
                line(&[("sku", "D"), ("quantity", "-10")]),
            ],
            findings: Vec::new(),
            standard: None,
            precedents: Vec::new(),
        };
        let found = check(&draft);
        let told: Vec<(&str, &str)> =
            found.iter().map(|f| (f.code.as_str(), f.field.as_deref().unwrap_or_default())).collect();
        assert_eq!(
            told,
            [
                ("bad_currency", "currency"),
                ("text_too_long", "notes"),
                ("bad_day", "order_date"),
                ("bad_number", "lines.1.quantity"),
                ("missing_quantity", "lines.2.quantity"),
                ("missing_item", "lines.3.sku"),
                ("quantity_not_positive", "lines.4.quantity"),
            ]
        );
    }
}
