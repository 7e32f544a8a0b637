//! The drafts of one message taken together: which of them stand for business of their own.
//!
//! A covering letter names the order that comes along with it; it is no second order. The message's own text makes a
//! draft only if it carries an order or a form itself: lines, or enough fields. What it says differently from the
//! document that it brings becomes a finding there; nothing is copied from one to the other.

use crate::{
    model::{
        draft::{Draft, Kind, Line},
        finding::{Finding, Severity},
    },
    validate::account::squeeze,
};
use rust_decimal::Decimal;
use std::{
    collections::{BTreeMap, HashMap},
    str::FromStr as _,
};

/// Fields that a form in the text of a mail needs to be one.
const FORM_FIELDS_MIN: usize = 4;
/// Values below this are not held against what a document says.
const SURE: f32 = 0.8;
/// Fields that a covering letter may say differently from the document that it brings.
const COMPARED: [&str; 4] = ["po_number", "requested_date", "currency", "total"];

/// Keeps the drafts that stand for business of their own.
///
/// `documents` are the drafts of each document of the message, `body` is the index of the message's own text among them. Where nothing is left the text is of kind other.
pub fn settle(documents: &mut [Vec<Draft>], body: Option<usize>) {
    join_carriers(documents, body);
    let Some(own) = body.and_then(|at| documents.get_mut(at)) else { return };
    let own = std::mem::take(own);
    let letter = own.first().map(|draft| Draft {
        kind: Kind::Other,
        fields: BTreeMap::default(),
        lines: Vec::new(),
        findings: Vec::new(),
        ..draft.clone()
    });
    let mut kept = Vec::new();
    for draft in own {
        let others = || documents.iter().flatten().filter(|d| d.kind.is_record());
        let twin = others().any(|d| family(d.kind) == family(draft.kind) && !differs(&draft, d));
        if twin || !stands_alone(&draft) {
            let documents = documents.iter_mut().flatten();
            documents.for_each(|document| {
                compare(&draft, document, "The mail", "its attachment");
                name_goods(&draft, document);
            });
        } else {
            kept.push(draft);
        }
    }
    let nothing = kept.is_empty() && documents.iter().all(Vec::is_empty);
    if let Some(own) = body.and_then(|at| documents.get_mut(at)) {
        *own = kept;
        own.extend(letter.filter(|_| nothing));
    }
}

/// One order on two carriers, as XML and as a picture of it, or twice as XML, is one draft: the structured one.
fn join_carriers(documents: &mut [Vec<Draft>], body: Option<usize>) {
    let key = |draft: &Draft| {
        let number = ["po_number", "invoice_number"].into_iter().find_map(|name| draft.text(name))?;
        draft.kind.is_record().then(|| (family(draft.kind), squeeze(number)))
    };
    let mut structured: HashMap<(u8, String), (usize, Draft)> = HashMap::new();
    for (at, drafts) in documents.iter_mut().enumerate() {
        drafts.retain(|draft| {
            let Some(key) = key(draft).filter(|_| draft.standard.is_some()) else { return true };
            if let Some((first, known)) = structured.get(&key) {
                return *first == at || !same_content(known, draft);
            }
            structured.insert(key, (at, draft.clone()));
            true
        });
    }
    let mut shown: Vec<(usize, (u8, String), Draft)> = Vec::new();
    for (_, drafts) in documents.iter_mut().enumerate().filter(|(at, _)| Some(*at) != body) {
        drafts.retain(|draft| {
            let Some(key) = key(draft).filter(|_| draft.standard.is_none()) else { return true };
            let Some((first, _)) = structured.get(&key) else { return true };
            shown.push((*first, key, draft.clone()));
            false
        });
    }
    for (at, wanted, picture) in shown {
        let drafts = documents.get_mut(at).into_iter().flatten();
        for draft in drafts.filter(|draft| key(draft).as_ref() == Some(&wanted)) {
            compare(&picture, draft, "The other attachment", "the structured order");
        }
    }
}

fn same_number(a: &str, b: &str) -> bool {
    let number = |text: &str| Decimal::from_str(text).ok();
    number(a).is_some() && number(a) == number(b)
}

fn same_content(a: &Draft, b: &Draft) -> bool {
    (a.kind, &a.fields, &a.lines) == (b.kind, &b.fields, &b.lines)
}

/// Kinds that speak of the same business.
fn family(kind: Kind) -> u8 {
    match kind {
        Kind::PurchaseOrder | Kind::PurchaseOrderChange | Kind::PurchaseOrderCancellation => 0,
        Kind::Quotation => 1,
        Kind::CreditApplication | Kind::AccountApplication | Kind::EnrolmentForm => 2,
        Kind::ReturnRequest => 3,
        Kind::Invoice => 4,
        Kind::DeliveryNote => 5,
        Kind::RemittanceAdvice => 6,
        Kind::CreditNote | Kind::Contract | Kind::Other => 7,
    }
}

/// Another number, and goods of its own: another document.
fn differs(text: &Draft, document: &Draft) -> bool {
    let number = |draft: &Draft| draft.text("po_number").or_else(|| draft.text("rfq_number")).map(squeeze);
    let (a, b) = (number(text), number(document));
    a.is_some() && b.is_some() && a != b && text.lines.iter().any(is_whole)
}

/// Whether a text of this kind stands alone by its lines only.
pub(super) fn needs_lines(kind: Kind) -> bool {
    matches!(kind, Kind::PurchaseOrder | Kind::Quotation | Kind::DeliveryNote)
}

/// A line that says what and how much.
pub(super) fn is_whole(line: &Line) -> bool {
    let has = |name: &str| line.contains_key(name);
    has("quantity") && (has("sku") || has("customer_sku") || has("description"))
}

/// Whether a text carries business of its own rather than words about it.
pub fn stands_alone(draft: &Draft) -> bool {
    let has = |name: &str| draft.fields.contains_key(name);
    let lines = draft.lines.iter().any(is_whole);
    if needs_lines(draft.kind) && !lines {
        return false;
    }
    match draft.kind {
        Kind::PurchaseOrder | Kind::Quotation => true,
        Kind::PurchaseOrderChange | Kind::PurchaseOrderCancellation => lines || has("po_number"),
        Kind::ReturnRequest => !draft.lines.is_empty() || draft.fields.len() >= FORM_FIELDS_MIN,
        Kind::CreditApplication | Kind::AccountApplication | Kind::EnrolmentForm => {
            draft.fields.len() >= FORM_FIELDS_MIN
        }
        Kind::Invoice => has("invoice_number") && (lines || has("total")),
        Kind::DeliveryNote => has("delivery_note_number"),
        Kind::RemittanceAdvice => has("total") || !draft.lines.is_empty(),
        Kind::CreditNote | Kind::Contract | Kind::Other => false,
    }
}

/// What a covering text or another carrier says differently becomes a finding of the document.
fn compare(text: &Draft, document: &mut Draft, who: &str, other: &str) {
    if family(text.kind) != family(document.kind) || !document.kind.is_record() {
        return;
    }
    for field in COMPARED {
        let said = text.fields.get(field).filter(|p| p.confidence >= SURE).and_then(|p| p.value.as_text());
        let (Some(said), Some(stands)) = (said, document.text(field)) else { continue };
        if squeeze(said) == squeeze(stands) || same_number(said, stands) {
            continue;
        }
        let message = format!(
            "{who} says {said} for {}, {other} says {stands}: ask the customer which one counts.",
            field.replace('_', " ")
        );
        document.findings.push(Finding::new("message_differs", Severity::Check, message).about(field));
    }
}

/// Goods that the covering text names become a finding: they may come on top.
fn name_goods(text: &Draft, document: &mut Draft) {
    let goods = text.lines.iter().filter(|line| is_whole(line)).count();
    if goods > 0 && family(text.kind) == 0 && family(document.kind) == 0 {
        let message = format!(
            "The mail itself names goods too ({goods} line{}): see whether they are in the attachment or come on top.",
            if goods == 1 { "" } else { "s" }
        );
        document.findings.push(Finding::new("message_names_goods", Severity::Check, message).about("lines"));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{extract::draft::ruled, model::draft::Content};

    fn draft(kind: Kind, fields: &[(&str, &str)], lines: usize) -> Draft {
        let value = |v: &str| ruled(Content::Text(v.to_owned()), "test", 0.9);
        let line = || BTreeMap::from([("sku".to_owned(), value("A-1")), ("quantity".to_owned(), value("2"))]);
        Draft {
            kind,
            kind_confidence: 0.9,
            language: "en".to_owned(),
            standard: None,
            page_range: [1, 1],
            fields: fields.iter().map(|(n, v)| ((*n).to_owned(), value(v))).collect(),
            lines: (0..lines).map(|_| line()).collect(),
            findings: Vec::new(),
            precedents: Vec::new(),
        }
    }

    #[test]
    fn a_covering_letter_is_no_second_order() {
        let order = draft(Kind::PurchaseOrder, &[("po_number", "A-1"), ("requested_date", "2026-03-01")], 3);
        let letter = draft(Kind::PurchaseOrder, &[("po_number", "A-1"), ("requested_date", "2026-03-09")], 0);
        let mut documents = vec![vec![letter], vec![order]];
        settle(&mut documents, Some(0));
        assert!(documents[0].is_empty(), "{:?}", documents[0]);
        let codes: Vec<&str> = documents[1][0].findings.iter().map(|f| f.code.as_str()).collect();
        assert_eq!(codes, ["message_differs"]);
    }

    #[test]
    fn a_text_keeps_what_it_carries_itself() {
        for (own, other, kept) in [
            (draft(Kind::PurchaseOrder, &[], 2), None, 1),
            (draft(Kind::PurchaseOrder, &[("po_number", "A-1")], 0), None, 0),
            (draft(Kind::PurchaseOrderCancellation, &[("po_number", "A-1")], 0), None, 1),
            (draft(Kind::AccountApplication, &[("phone", "1")], 0), Some(Kind::PurchaseOrder), 0),
            (draft(Kind::ReturnRequest, &[], 1), Some(Kind::Invoice), 1),
            (draft(Kind::ReturnRequest, &[], 1), Some(Kind::ReturnRequest), 0),
            (draft(Kind::PurchaseOrder, &[("po_number", "B-2")], 1), Some(Kind::PurchaseOrder), 1),
        ] {
            let text = format!("{own:?} beside {other:?}");
            let other = other.map(|kind| draft(kind, &[("po_number", "A-1")], 1));
            let mut documents = vec![vec![own], other.into_iter().collect()];
            settle(&mut documents, Some(0));
            let left = documents[0].iter().filter(|d| d.kind != Kind::Other).count();
            assert_eq!(left, kept, "{text}");
        }
    }
}
