//! Values in the sentences of a letter: `our order 4711 of 3 March 2026`, `Grund: Fehlbestellung.`
//!
//! A letter has no labels in cells. What it says is found by the words around a value, sentence by sentence; its date
//! and its writer by where they stand. Fills only fields that nothing else filled. Does not: lines of goods.

use super::{
    confidence::from_words,
    date::parse_date,
    draft::{Reading, propose},
    field::fields_of,
    form::lone_option_of,
    label::label_at,
    layout::{Layout, Word, join},
    party::has_postcode,
};
use crate::{
    model::draft::{Kind, Proposal},
    validate::account::fold,
};
use std::collections::BTreeMap;

/// Words of a letter looked at.
const WORDS_MAX: usize = 1_500;
/// Words of a reason at most.
const REASON_WORDS_MAX: usize = 15;
/// Words between what a number is of and the number.
const REACH_WORDS: usize = 4;

/// How much less a sentence says in what is no letter.
const OTHERWISE: f32 = 0.75;

/// Ends of letters before the name of the writer, folded.
const CLOSINGS: [&str; 14] = [
    "kind regards",
    "best regards",
    "regards",
    "yours faithfully",
    "yours sincerely",
    "yours truly",
    "sincerely",
    "mit freundlichen grussen",
    "mit freundlichem gruss",
    "freundliche grusse",
    "med vanlig halsning",
    "vanliga halsningar",
    "cordialement",
    "salutations",
];

/// Beginnings of letters, folded.
const SALUTATIONS: [&str; 13] = [
    "dear ",
    "hello ",
    "hi ",
    "to whom it may",
    "sehr geehrte",
    "guten tag",
    "hallo ",
    "hej",
    "till er",
    "bonjour",
    "madame",
    "monsieur",
    "messieurs",
];

/// Whether a folded text speaks to somebody.
pub fn is_salutation(text: &str) -> bool {
    let text = format!("{text} ");
    text.split(' ').count() <= 6 && SALUTATIONS.iter().any(|s| text.starts_with(s))
}

/// Whether somebody is spoken to, or somebody signs.
pub fn is_letter(layout: &Layout) -> bool {
    layout.rows.iter().any(|row| {
        let text = format!("{} ", fold(&row.text()));
        text.split(' ').count() <= 9
            && (SALUTATIONS.iter().any(|s| text.starts_with(s))
                || CLOSINGS.iter().any(|c| text.trim_end() == *c))
    })
}

/// Fields of a document that are found in its sentences; much less sure if it is no letter.
pub fn find_fields(layout: &Layout, reading: &Reading) -> BTreeMap<String, Proposal> {
    let letter = is_letter(layout);
    let wanted = fields_of(reading.kind);
    let words: Vec<&Word> =
        layout.rows.iter().flat_map(|r| &r.segments).flat_map(|s| &s.words).take(WORDS_MAX).collect();
    let mut found: BTreeMap<String, Proposal> = BTreeMap::new();
    let mut put = |field: &str, value: String, words: &[Word], base: f32| {
        if wanted.contains(&field) && !found.contains_key(field) {
            let base = if letter { base } else { base * OTHERWISE };
            let sure = from_words(base, words, reading.trusted);
            found.insert(field.to_owned(), propose(value, words, sure));
        }
    };
    for at in 0..words.len() {
        if let Some((field, value, used, date)) = number_in_sentence(&words, at, reading) {
            if letter || field == "po_number" {
                put(field, value, &used, 0.85);
            }
            if let Some((iso, used)) = date.filter(|_| field == "po_number") {
                put("order_date", iso, &used, 0.8);
            }
        }
        if let Some((field, text, used)) = explained(&words, at) {
            match field {
                "reason" if wanted.contains(&"return_reason") => {
                    if let Some((value, _)) = lone_option_of("return_reason", &text) {
                        put("return_reason", value.to_owned(), &used, 0.8);
                    }
                }
                "resolution" => {
                    if let Some((value, _)) = lone_option_of("resolution", &text) {
                        put("resolution", value.to_owned(), &used, 0.8);
                    }
                }
                _ => put("reason", text, &used, 0.8),
            }
        }
    }
    if letter && !matches!(reading.kind, Kind::Invoice | Kind::DeliveryNote) {
        let plain: Vec<Word> = words.iter().map(|w| (*w).clone()).collect();
        if let Some((sum, used)) = super::prose::find_total(&plain, reading) {
            put("total", sum.normalize().to_string(), &used, 0.8);
        }
        if let Some((terms, used)) = super::prose::find_terms(&plain) {
            put("payment_terms", terms, &used, 0.8);
        }
        if let Some((iso, used, unsure)) = super::prose::find_wanted(&plain, reading) {
            let field = if reading.kind == Kind::Quotation { "response_due" } else { "requested_date" };
            put(field, iso, &used, if unsure { 0.5 } else { 0.75 });
        }
    }
    if let Some((iso, used)) = date_of_letter(layout, reading) {
        let field = match reading.kind {
            Kind::PurchaseOrderCancellation => "cancellation_date",
            Kind::PurchaseOrderChange => "change_date",
            Kind::ReturnRequest => "request_date",
            Kind::Quotation => "rfq_date",
            _ => "order_date",
        };
        put(field, iso, &used, 0.75);
    }
    if let Some((name, used)) = writer(layout) {
        let field = if wanted.contains(&"contact_name") { "contact_name" } else { "buyer_contact" };
        put(field, name, &used, 0.8);
    }
    found
}

type Dated = Option<(String, Vec<Word>)>;

/// `our order 4711 of 3 March`: the number, and the date that belongs to it.
fn number_in_sentence(
    words: &[&Word],
    at: usize,
    reading: &Reading,
) -> Option<(&'static str, String, Vec<Word>, Dated)> {
    let word = words.get(at)?;
    let label = label_at(std::iter::once(word.text.as_str())).filter(|l| !l.forgiven)?;
    let field = if label.has(&["invoice"]) {
        "invoice_number"
    } else if label.has(&["quote"]) && !label.any(&["response", "request"]) {
        "quote_ref"
    } else if label.has(&["order"]) && !label.any(&["line", "date", "delivery"]) {
        "po_number"
    } else {
        return None;
    };
    let mut next = at + 1;
    while next <= at + REACH_WORDS {
        let text = &words.get(next)?.text;
        if text.chars().any(|c| c.is_ascii_digit()) {
            break;
        }
        let between = label_at(std::iter::once(text.as_str()));
        let fits = between
            .is_some_and(|l| !l.forgiven && l.any(&["number", "order", "filler", "ref", "your", "our"]));
        if !fits && text.chars().any(char::is_alphanumeric)
            || text.ends_with(['.', '!', '?']) && text.len() > 3
        {
            return None;
        }
        next += 1;
    }
    let number = words.get(next).filter(|_| next <= at + REACH_WORDS)?;
    let value = number.text.trim_matches(|c: char| !c.is_alphanumeric()).to_owned();
    let digits = value.chars().filter(char::is_ascii_digit).count();
    if digits < 3 || value.len() > 25 || parse_date(&value, reading.order).is_some() {
        return None;
    }
    let date = (next + 1..=next + 3).find_map(|start| {
        let tail: Vec<Word> =
            words.get(start..(start + 4).min(words.len()))?.iter().map(|w| (*w).clone()).collect();
        let read = parse_date(&join(&tail), reading.order).filter(|date| !date.ambiguous)?;
        Some((read.iso, tail.into_iter().take(read.words).collect()))
    });
    Some((field, value, vec![(*number).clone()], date))
}

/// `Reason: ordered twice.`: a word that asks, a colon, and the rest of the sentence.
fn explained(words: &[&Word], at: usize) -> Option<(&'static str, String, Vec<Word>)> {
    let word = words.get(at).filter(|w| w.text.ends_with(':'))?;
    let label = label_at(std::iter::once(word.text.as_str()))?;
    let before =
        at.checked_sub(1).and_then(|i| words.get(i)).and_then(|w| label_at(std::iter::once(w.text.as_str())));
    let has = |concept| label.has(&[concept]) || before.as_ref().is_some_and(|l| l.has(&[concept]));
    let field = if label.has(&["reason"]) {
        "reason"
    } else if has("resolution") || has("request") && label.any(&["pay", "resolution"]) {
        "resolution"
    } else {
        return None;
    };
    let mut used: Vec<Word> = Vec::new();
    for next in words.iter().skip(at + 1).take(REASON_WORDS_MAX) {
        used.push((*next).clone());
        if next.text.ends_with(['.', ';', '!']) && next.text.chars().count() > 2 {
            break;
        }
    }
    let text = join(&used).trim_end_matches(['.', ';', '!']).trim().to_owned();
    (text.chars().filter(|c| c.is_alphabetic()).count() >= 4).then_some((field, text, used))
}

/// The date that stands alone, or after a place, near the top of the first page.
fn date_of_letter(layout: &Layout, reading: &Reading) -> Dated {
    let first = layout.rows.first()?.page;
    layout.rows.iter().filter(|r| r.page == first && r.y0() < 0.45 * layout.height).find_map(|row| {
        row.segments.iter().find_map(|segment| {
            (0..=3.min(segment.words.len().checked_sub(1)?)).find_map(|start| {
                let tail: Vec<Word> = segment.words.get(start..)?.to_vec();
                let read = parse_date(&join(&tail), reading.order).filter(|d| !d.ambiguous)?;
                (read.words == tail.len()).then_some((read.iso, tail))
            })
        })
    })
}

/// The row in which a letter ends: `Yours faithfully`.
pub(super) fn closing(layout: &Layout) -> Option<usize> {
    layout.rows.iter().rposition(|row| {
        let text = fold(&row.text());
        text.split(' ').count() <= 9
            && CLOSINGS.iter().any(|closing| text.starts_with(closing) || text.ends_with(closing))
    })
}

/// Blank between two blocks of text, in heights of a row.
const BLOCK_GAP_HEIGHTS: f32 = 0.8;
/// Places from the left edge of a block at which its rows begin, in points.
const BLOCK_EDGE_PT: f32 = 4.0;

/// Name and address of whom a letter is for: the nearest block of rows above its salutation that ends in a place.
pub(super) fn addressee(layout: &Layout) -> Option<Vec<Vec<Word>>> {
    let greeting = layout.rows.iter().position(|row| is_salutation(&fold(&row.text())))?;
    let edge = layout.rows.get(greeting)?.segments.first()?.x0();
    let mut block: Vec<Vec<Word>> = Vec::new();
    let mut below: Option<f32> = None;
    let place = |block: &[Vec<Word>]| {
        let plain = block.iter().all(|words| !join(words).contains(['@', ':']));
        block.len() >= 3 && plain && block.iter().skip(1).any(|words| has_postcode(&join(words)))
    };
    for row in layout.rows.get(..greeting)?.iter().rev() {
        let Some(segment) = row.segments.first().filter(|s| (s.x0() - edge).abs() < BLOCK_EDGE_PT) else {
            continue;
        };
        let apart = below.is_some_and(|y| y - segment.y1() > BLOCK_GAP_HEIGHTS * segment.height());
        if apart {
            if place(&block) {
                break;
            }
            block.clear();
        }
        block.insert(0, segment.words.clone());
        below = Some(segment.y0());
    }
    place(&block).then_some(block)
}

/// The name under the closing of a letter.
fn writer(layout: &Layout) -> Option<(String, Vec<Word>)> {
    let closing = closing(layout)?;
    layout.rows.iter().skip(closing + 1).take(4).find_map(|row| {
        let words = &row.segments.first()?.words;
        let name = |w: &Word| {
            w.text.chars().next().is_some_and(char::is_uppercase)
                && w.text.chars().all(|c| c.is_alphabetic() || "-'’.".contains(c))
        };
        ((2..=4).contains(&words.len())
            && words.iter().all(name)
            && !super::party::looks_like_company(&join(words)))
        .then(|| (join(words), words.clone()))
    })
}
