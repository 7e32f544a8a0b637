//! Whether two values of a field or column say the same, however they are written.

use super::label::distance_at_most;
use crate::{
    model::{
        draft::Content,
        text::{fold, squeeze},
    },
    validate::account::strsim_ratio,
};
use rust_decimal::Decimal;
use std::str::FromStr as _;

/// Likeness from which two addresses or descriptions are the same, if their numbers are.
const ALIKE: f64 = 0.9;

/// Whether two values of a field or column say the same.
pub fn same(name: &str, one: &Content, other: &Content) -> bool {
    match (one, other) {
        (Content::Text(one), Content::Text(other)) => same_text(name, one, other),
        _ => one == other,
    }
}

/// Whether two texts of a field or column say the same; the first is the one that is right.
pub(super) fn same_text(name: &str, truth: &str, text: &str) -> bool {
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
            assert_eq!(same_text(name, truth, text), same, "{name}: {truth} and {text}");
        }
    }
}
