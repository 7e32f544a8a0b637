//! Several documents in one file: a page that starts with a title and a number of its own starts a document.
//!
//! Pages of terms and conditions stay with the document before them.

use super::{field, kind, layout::lay_out};
use crate::{
    model::{draft::Kind, page::Page},
    validate::account::squeeze,
};

/// The pages of each document.
pub fn split(pages: &[Page]) -> Vec<&[Page]> {
    if pages.len() <= 1 {
        return if pages.is_empty() { Vec::new() } else { vec![pages] };
    }
    let mut starts = vec![0];
    let mut current = pages.first().and_then(number_of);
    for (at, page) in pages.iter().enumerate().skip(1) {
        let Some(number) = number_of(page) else { continue };
        let before = pages.get(starts.last().copied().unwrap_or_default()..at).unwrap_or_default();
        let goes_on = current.as_ref().is_none_or(|current| {
            number == *current || mentions(page, current) || before.iter().any(|p| mentions(p, &number))
        });
        if !goes_on && !says_later_page(page) {
            starts.push(at);
        }
        current = Some(number);
    }
    let ends = starts.iter().skip(1).copied().chain([pages.len()]);
    starts.iter().zip(ends).filter_map(|(a, b)| pages.get(*a..b)).collect()
}

/// Whether a number stands on a page: the later pages of a document repeat its number, another document does not.
fn mentions(page: &Page, number: &str) -> bool {
    page.words.iter().any(|word| squeeze(&word.text) == number)
}

/// The number that a page carries as a first page: only if it has a title and a labelled number.
fn number_of(page: &Page) -> Option<String> {
    let one = std::slice::from_ref(page);
    let layout = lay_out(one);
    let (kind, sure) = kind::find_kind(&layout, None, &kind::Goods { lines: 1, ..kind::Goods::default() });
    if kind == Kind::Other || sure < 0.6 {
        return None;
    }
    let reading = super::reading(&layout, "en", &crate::model::account::Known::default());
    let reading = super::draft::Reading { kind, ..reading };
    let marks = field::mark(&layout, kind);
    let fields = field::find_fields(&layout, &marks, &std::collections::HashSet::new(), &reading);
    ["po_number", "invoice_number", "delivery_note_number", "rfq_number", "payment_reference", "rma_number"]
        .iter()
        .find_map(|name| {
            fields.get(*name).filter(|p| p.confidence > 0.5).and_then(|p| p.value.as_text()).map(squeeze)
        })
}

/// `Page 2 of 3`, `Seite 2`, `2/3`.
fn says_later_page(page: &Page) -> bool {
    let layout = lay_out(std::slice::from_ref(page));
    layout.rows.iter().flat_map(|r| &r.segments).any(|s| {
        let text = s.text().to_lowercase();
        let named = ["page", "seite", "sida", "sid", "blatt"].iter().any(|p| text.starts_with(p));
        let bare = text.len() <= 5 && text.contains('/');
        let first = text.chars().find(char::is_ascii_digit);
        (named && s.words.len() <= 4 || bare && s.words.len() == 1) && first.is_some_and(|d| d != '1')
    })
}
