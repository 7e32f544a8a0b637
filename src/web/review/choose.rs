//! What else a value could be: other dates, figures and codes of the document, and what is on file of the customer.
//!
//! Pure. Does not: rank by likelihood; what stands on the page comes in reading order, sums of the whole from the end.

use super::{
    schema::{LONG, SUMS},
    shown, written,
};
use crate::{
    extract::{
        date::{self, Order},
        number::{self, Style},
    },
    model::{
        account::Account,
        draft::{Draft, Proposal, Source},
        field::{self, Form},
        page::{Page, Rect, Word},
    },
};
use serde::Serialize;
use std::collections::BTreeSet;

/// Choices offered at most: one for each digit key.
pub const CHOICES_MAX: usize = 9;
/// Words that one date may have: `20. November 2026`.
const WORDS_MAX: usize = 3;
/// Words of a document that are looked at.
const LOOKED_AT_MAX: usize = 20_000;

/// One value that may be chosen.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Choice {
    /// As it goes into the input.
    pub value: String,
    /// Its place on a page as a form sends it; empty for what is on file.
    pub place: String,
    /// Its page, from 1; none for what is on file.
    pub page: Option<u32>,
    /// The same place in fractions of the page.
    #[serde(rename = "box")]
    pub bbox: Option<Rect>,
}

/// What else the value of an input could be: `total`, or `3.quantity` for a cell of the line with index 3.
pub fn choices(
    pages: &[Page],
    draft: &Draft,
    input: &str,
    before: &Draft,
    account: Option<&Account>,
) -> Vec<Choice> {
    let (line, name) = match input.split_once('.') {
        Some((line, name)) => (line.parse::<usize>().ok(), name),
        None => (None, input),
    };
    let value_of = |draft: &Draft| {
        let values = line.map_or(Some(&draft.fields), |line| draft.lines.get(line));
        values.and_then(|values| values.get(name)).cloned()
    };
    let now = value_of(draft).map(|proposal| written(name, &shown(&proposal.value)));
    let on_file = |value: String| Choice { value, place: String::new(), page: None, bbox: None };
    let read = value_of(before).map(|proposal| as_choice(name, &proposal));
    let mut found: Vec<Choice> = read.into_iter().collect();
    if line.is_none() {
        found.extend(account.into_iter().flat_map(|account| of_account(account, name)).map(on_file));
    }
    if !LONG.contains(&name) {
        let band = line.and_then(|line| draft.lines.get(line)).and_then(|line| band(line.values()));
        let [first, last] = draft.page_range;
        let inside = pages.iter().filter(|page| (first..=last).contains(&page.number));
        let all =
            || pages.iter().flat_map(|page| page.words.iter()).take(LOOKED_AT_MAX).map(|w| w.text.as_str());
        let usual = if draft.language == "en" { Style::Dot } else { Style::Comma };
        let forms =
            Forms { order: date::vote_order(all(), Order::Unknown), style: number::vote_style(all(), usual) };
        let mut on_pages = Vec::new();
        for page in inside {
            let within = |word: &&Word| match band {
                Some((number, top, bottom)) => {
                    let middle = f32::midpoint(word.bbox.y0, word.bbox.y1);
                    number == page.number && (top..=bottom).contains(&middle)
                }
                None => line.is_none(),
            };
            let words: Vec<&Word> = page.words.iter().take(LOOKED_AT_MAX).filter(within).collect();
            on_pages.extend(on_page(page.number, &words, name, forms));
        }
        if line.is_none() && SUMS.contains(&name) {
            on_pages.reverse();
        }
        found.extend(on_pages);
    }
    let mut seen: BTreeSet<String> = now.into_iter().collect();
    found.retain(|choice| !choice.value.is_empty() && seen.insert(choice.value.clone()));
    found.truncate(CHOICES_MAX);
    found
}

/// How a document writes dates and numbers.
#[derive(Clone, Copy, Debug)]
struct Forms {
    order: Order,
    style: Style,
}

fn as_choice(name: &str, proposal: &Proposal) -> Choice {
    let value = written(name, &shown(&proposal.value));
    match &proposal.source {
        Source::Page { page, bbox } => at(value, *page, *bbox),
        _ => Choice { value, place: String::new(), page: None, bbox: None },
    }
}

fn at(value: String, page: u32, bbox: Rect) -> Choice {
    let [x0, y0, x1, y1] = <[f32; 4]>::from(bbox);
    Choice { value, place: format!("{page} {x0} {y0} {x1} {y1}"), page: Some(page), bbox: Some(bbox) }
}

/// What is on file for a field.
fn of_account(account: &Account, name: &str) -> Vec<String> {
    match name {
        "ship_to" | "bill_to" | "address" => {
            account.ship_to.iter().chain([&account.bill_to]).cloned().collect()
        }
        "buyer_name" | "customer_name" | "legal_name" => vec![account.name.clone()],
        "account_no" => vec![account.account_no.clone()],
        "currency" => vec![account.currency.clone()],
        "payment_terms" => vec![account.payment_terms.clone()],
        "tax_id" => vec![account.tax_id.clone()],
        _ => Vec::new(),
    }
}

/// The page and the height that a line takes, from the places of its cells.
fn band<'a>(cells: impl Iterator<Item = &'a Proposal>) -> Option<(u32, f32, f32)> {
    let places = cells.filter_map(|cell| match &cell.source {
        Source::Page { page, bbox } => Some((*page, bbox.y0, bbox.y1)),
        _ => None,
    });
    places.reduce(
        |(page, top, bottom), (other, y0, y1)| {
            if other == page { (page, top.min(y0), bottom.max(y1)) } else { (page, top, bottom) }
        },
    )
}

fn on_page(page: u32, words: &[&Word], name: &str, forms: Forms) -> Vec<Choice> {
    let mut found = Vec::new();
    let mut next = 0;
    while let Some(rest) = words.get(next..).filter(|rest| !rest.is_empty()) {
        let longest = if field::is_day(name) { WORDS_MAX } else { 1 };
        let read = (1..=longest.min(rest.len())).find_map(|length| {
            let part = rest.get(..length)?;
            let text: Vec<&str> = part.iter().map(|word| word.text.as_str()).collect();
            let text = text.join(" ");
            // figures in several words are no date, but with a month's name
            let whole = length == 1 || text.contains(char::is_alphabetic);
            let value = whole.then(|| value(&text, name, forms)).flatten()?;
            Some((length, value, part.iter().map(|word| word.bbox).reduce(|a, b| a.union(&b))?))
        });
        next += read.as_ref().map_or(1, |(length, ..)| *length);
        found.extend(read.map(|(_, value, bbox)| at(written(name, &value), page, bbox.on_page())));
    }
    found
}

/// Words as a value of a field's form, if they are one.
fn value(text: &str, name: &str, forms: Forms) -> Option<String> {
    let plain = text.trim_matches(|c: char| ",;:()".contains(c));
    let digits = plain.chars().filter(char::is_ascii_digit).count();
    if field::is_day(name) {
        return (digits >= 3)
            .then(|| date::parse_date(plain, forms.order))
            .flatten()
            .map(|reading| reading.iso);
    }
    if Form::of(name) == Form::Number {
        // sums have cents; whole numbers are numbers of something
        let fits = !SUMS.contains(&name) || plain.contains(['.', ',']);
        return fits
            .then(|| number::parse_number(plain, forms.style))
            .flatten()
            .map(|number| number.to_string());
    }
    let is_code =
        ["number", "_no", "_ref", "sku", "tax_id", "reference"].iter().any(|end| name.ends_with(end));
    let is_sum = || plain.contains(['.', ',']) && number::parse_number(plain, forms.style).is_some();
    let is_other = date::parse_date(plain, forms.order).is_some() || plain.contains('@') || is_sum();
    (is_code && digits >= 2 && plain.len() >= 3 && !is_other).then(|| plain.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{
        draft::{Content, Kind, Line},
        page::How,
    };
    use std::collections::BTreeMap;

    fn page(rows: &[&str]) -> Page {
        let mut page = Page::empty(1, 600.0, 800.0, How::TextLayer);
        for (row, text) in (0_u8..).zip(rows) {
            for (column, word) in (0_u8..).zip(text.split(' ')) {
                let (x0, y0) = (f32::from(column) * 0.1, f32::from(row) * 0.1);
                let bbox = Rect { x0, y0, x1: x0 + 0.09, y1: y0 + 0.05 };
                page.words.push(Word {
                    text: word.to_owned(),
                    bbox,
                    confidence: 1.0,
                    size_pt: 10.0,
                    bold: false,
                });
            }
        }
        page
    }

    fn draft(name: &str, value: &str) -> Draft {
        let proposal = Proposal {
            value: Content::Text(value.to_owned()),
            confidence: 0.5,
            source: Source::Page { page: 1, bbox: Rect { x0: 0.0, y0: 0.1, x1: 0.1, y1: 0.15 } },
            printed: None,
        };
        Draft {
            kind: Kind::PurchaseOrder,
            kind_confidence: 1.0,
            language: "en".to_owned(),
            page_range: [1, 1],
            fields: BTreeMap::from([(name.to_owned(), proposal.clone())]),
            lines: vec![Line::from([(name.to_owned(), proposal)])],
            findings: Vec::new(),
            standard: None,
            precedents: Vec::new(),
        }
    }

    #[test]
    fn other_values_of_the_same_form_are_offered() {
        let page =
            page(&["Order PO-4711 of 20.11.2026", "gasket 12 3.15 37.80", "Total 1,234.50 EUR 45-20817"]);
        for (input, value, expected) in [
            ("po_number", "4711", &["PO-4711", "45-20817"][..]),
            ("order_date", "2026-12-04", &["2026-11-20"][..]),
            ("total", "37.80", &["1,234.50", "3.15"][..]),
            ("0.quantity", "3", &["12", "3.15", "37.8"][..]),
            ("ship_to", "", &["Kajen 9"][..]),
        ] {
            let name = input.split('.').next_back().unwrap();
            let account = Account { ship_to: vec!["Kajen 9".to_owned()], ..Account::default() };
            let draft = draft(name, value);
            let found = choices(std::slice::from_ref(&page), &draft, input, &draft, Some(&account));
            let found: Vec<&str> = found.iter().map(|choice| choice.value.as_str()).collect();
            assert_eq!(found, expected, "{input}");
        }
    }

    #[test]
    fn what_was_read_can_be_had_back() {
        let (read, typed) = (draft("po_number", "A-1"), draft("po_number", "B-2"));
        let found = choices(&[], &typed, "po_number", &read, None);
        assert_eq!(found.iter().map(|c| c.value.as_str()).collect::<Vec<_>>(), ["A-1"]);
    }
}
