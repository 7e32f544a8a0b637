//! A PDF that shows one thing and carries another in its XML: what differs becomes findings of the draft.

use crate::{
    extract::draft::arithmetic,
    model::{
        draft::{Draft, Line},
        finding::{Finding, Severity},
        page::Page,
    },
    validate::account::squeeze,
};
use rust_decimal::Decimal;
use std::{collections::HashSet, str::FromStr as _};

/// Words of the pages, and lines of the file, that are compared.
const WORDS_MAX: usize = 20_000;
const LINES_MAX: usize = 500;

/// Compares what the pages show with the draft of the XML inside; `shown` are the lines that were read on the pages.
pub fn compare(draft: &mut Draft, pages: &[Page], shown: &[Line]) {
    let words = pages.iter().flat_map(|page| &page.words).take(WORDS_MAX);
    let text: String = words.map(|word| word.text.as_str()).collect();
    if text.is_empty() {
        return;
    }
    let (letters, digits) = (squeeze(&text), digits(&text));
    let mut findings = Vec::new();
    let mut differs = |field: &str, message: String| {
        findings.push(Finding::new("picture_differs", Severity::Check, message).about(field));
    };
    for field in ["po_number", "invoice_number"] {
        if let Some(number) = draft.text(field).filter(|number| !letters.contains(&squeeze(number))) {
            let message = format!(
                "The file inside the PDF says {} {number}, which the page does not show: ask the sender which one counts.",
                field.replace('_', " ")
            );
            differs(field, message);
        }
    }
    if let Some(total) = draft.text("total").and_then(|total| Decimal::from_str(total).ok()) {
        let cents = self::digits(&format!("{:.2}", total.round_dp(2)));
        let whole = self::digits(&total.normalize().to_string());
        if !digits.contains(&cents) && !(total.fract().is_zero() && digits.contains(&whole)) {
            let message = format!(
                "The file inside the PDF says a total of {total}, which the page does not show: ask the sender which one counts."
            );
            differs("total", message);
        }
    }
    let own: HashSet<String> = numbers(&draft.lines).collect();
    let absent = draft
        .lines
        .iter()
        .take(LINES_MAX)
        .filter(|line| {
            let mut numbers = numbers(std::slice::from_ref(*line)).peekable();
            numbers.peek().is_some() && !numbers.any(|number| letters.contains(&number))
        })
        .count();
    let more = shown
        .iter()
        .filter(|line| {
            let mut numbers = numbers(std::slice::from_ref(*line)).peekable();
            let new = numbers.peek().is_some() && !numbers.any(|number| own.contains(&number));
            new && arithmetic(line) == Some(true)
        })
        .count();
    if absent > 0 && !letters.is_empty() {
        let message = format!(
            "The file inside the PDF has {absent} of its {} lines that the page does not show: ask the sender which one counts.",
            draft.lines.len()
        );
        differs("lines", message);
    } else if more > 0 && shown.len() > draft.lines.len() {
        let message = format!(
            "The page shows {} lines, the file inside the PDF has {}: ask the sender which one counts.",
            shown.len(),
            draft.lines.len()
        );
        differs("lines", message);
    }
    draft.findings.extend(findings);
}

fn digits(text: &str) -> String {
    text.chars().filter(char::is_ascii_digit).collect()
}

/// The item numbers of lines, squeezed.
fn numbers(lines: &[Line]) -> impl Iterator<Item = String> {
    let cells = lines.iter().flat_map(|line| [line.get("sku"), line.get("customer_sku")]).flatten();
    cells.filter_map(|p| p.value.as_text()).map(squeeze).filter(|number| !number.is_empty())
}
