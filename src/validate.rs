//! A draft against what we know into findings. Never edits the draft.
//!
//! Arithmetic is three-valued: proved, contradicted, or not applicable; only a contradiction is a finding. Every
//! finding is a sentence with its figures that a clerk can act on. Each question has a file of its own.

pub mod account;
pub mod check_digit;
pub mod customer;
pub mod goods;
pub mod history;
pub mod master_data;
pub mod remedy;
pub mod sheet;
pub mod sums;
pub mod terms;
pub mod value;

use crate::model::{
    account::Known,
    draft::{Draft, Kind},
    finding::{Finding, Severity},
};
pub use account::{Matched, match_account};

/// Codes of the findings that [`check`] makes anew each time; what else a draft's findings say is of its reading.
const MADE_HERE: [&str; 39] = [
    "account_on_file",
    "amount_mismatch",
    "amount_unproved",
    "bad_currency",
    "bad_day",
    "bad_number",
    "below_minimum_quantity",
    "cancels_order",
    "currency_differs_from_account",
    "duplicate_order",
    "iban_invalid",
    "item_discontinued",
    "line_changed",
    "line_not_in_order",
    "list_price_ordered",
    "missing_item",
    "missing_lines",
    "missing_po_number",
    "missing_signature",
    "not_in_whole_packs",
    "order_cancelled",
    "order_changed",
    "order_date_unlikely",
    "over_credit_limit",
    "payment_terms_differ",
    "price_differs_from_catalogue",
    "quantity_not_positive",
    "requested_before_order",
    "requested_in_past",
    "requested_on_closed_day",
    "same_content",
    "ship_to_not_on_file",
    "subtotal_mismatch",
    "tax_id_invalid",
    "text_too_long",
    "total_mismatch",
    "total_unproved",
    "unknown_customer",
    "unknown_sku",
];

/// Whether a check made a finding, so that it no longer holds where the check does not make it again.
pub fn is_made_here(finding: &Finding) -> bool {
    MADE_HERE.contains(&finding.code.as_str())
}

/// Everything about the draft that a person should look at before approving it.
pub fn check(draft: &Draft, known: &Known) -> Vec<Finding> {
    let mut findings = value::check(draft);
    findings.extend(sums::check(draft));
    if is_order(draft.kind) {
        findings.extend(missing(draft));
    }
    findings.extend(history::check(draft, known));
    if is_order(draft.kind) && !known.accounts.is_empty() {
        let matched = match_account(draft, known, None);
        let account = matched.and_then(|m| known.accounts.get(m.index));
        findings.extend(account::check(draft, account));
        findings.extend(terms::check_order(draft, known, account));
        findings.extend(goods::check(draft, known, account));
    }
    if !is_order(draft.kind) {
        findings.extend(terms::check_form(draft, known));
    } else if known.accounts.is_empty() {
        findings.extend(terms::check_order(draft, known, None));
    }
    debug_assert!(
        findings.iter().all(|f| f.code == value::MISSING_QUANTITY || is_made_here(f)),
        "{findings:?}"
    );
    findings
}

fn is_order(kind: Kind) -> bool {
    matches!(kind, Kind::PurchaseOrder | Kind::PurchaseOrderChange)
}

fn missing(draft: &Draft) -> Vec<Finding> {
    let mut findings = Vec::new();
    if draft.text("po_number").is_none() {
        let message = "The order has no number: ask the customer for it, or give it one before approving.";
        findings.push(Finding::new("missing_po_number", Severity::Problem, message).about("po_number"));
    }
    if draft.lines.is_empty() {
        let message = "No line items were found: enter them from the picture of the document.";
        findings.push(Finding::new("missing_lines", Severity::Problem, message).about("lines"));
    }
    findings
}

/// The codes of the findings that say something is wrong with the order itself, each once.
pub fn defects(draft: &Draft) -> Vec<String> {
    const CODES: [&str; 8] = [
        "amount_mismatch",
        "total_mismatch",
        "missing_po_number",
        "unknown_sku",
        "price_differs_from_catalogue",
        "ship_to_not_on_file",
        "currency_differs_from_account",
        "unknown_customer",
    ];
    let mut defects: Vec<String> = Vec::new();
    for finding in &draft.findings {
        let code = match finding.code.as_str() {
            "duplicate_order" => finding.message.rsplit_once(" in ").map(|(_, place)| {
                format!("duplicate_of:{}", place.trim_end_matches('.').trim_end_matches(": keep one of them"))
            }),
            code => CODES.contains(&code).then(|| code.to_owned()),
        };
        if let Some(code) = code.filter(|c| !defects.contains(c)) {
            defects.push(code);
        }
    }
    defects
}
