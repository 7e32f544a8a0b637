//! A document's own number where no label of the page names it.

use super::{
    Candidate, candidates,
    mark::{Marked, marked_at},
    value::accept,
};
use crate::{
    extract::{
        draft::Reading,
        label::label_at,
        layout::{Layout, Segment, Word},
    },
    model::draft::Kind,
};
use std::collections::HashSet;

/// Share of the first page in which the number of a document stands.
const NUMBER_ABOVE: f32 = 0.45;

/// How much less a label says that asks for some number, not for that of an order.
const SOME_NUMBER: f32 = 0.55;

/// The field that holds the number of a document of this kind.
pub(super) fn number_field(kind: Kind) -> Option<&'static str> {
    match kind {
        Kind::PurchaseOrder | Kind::PurchaseOrderChange | Kind::PurchaseOrderCancellation => {
            Some("po_number")
        }
        Kind::Quotation => Some("rfq_number"),
        Kind::DeliveryNote => Some("delivery_note_number"),
        Kind::Invoice => Some("invoice_number"),
        Kind::RemittanceAdvice => Some("payment_reference"),
        _ => None,
    }
}

/// Words before `No.` in the name of some number at most.
const NUMBER_AFTER: usize = 3;

/// `Authorization # TCT-417`, `N° AE260771 du 27/03/2026`: the code after a sign for numbers whose name says nothing
/// else.
fn after_number_sign(segment: &Segment) -> Option<&[Word]> {
    let number = |w: &Word| {
        label_at(std::iter::once(w.text.as_str())).is_some_and(|l| l.concepts.iter().all(|c| *c == "number"))
    };
    let at = segment.words.iter().take(NUMBER_AFTER + 1).position(number)?;
    let named = segment.words.get(..at)?.iter().any(|w| {
        let label = label_at(std::iter::once(w.text.as_str()));
        w.text.chars().any(|c| !c.is_alphabetic() && !matches!(c, '-' | '\'' | '’'))
            || label.is_some_and(|l| {
                l.concepts.iter().any(|c| !matches!(*c, "filler" | "our" | "document" | "ref"))
            })
    });
    let rest = segment.words.get(at + 1..).filter(|rest| !named && !rest.is_empty())?;
    Some(rest)
}

/// `Our ref: HS/4471`, `No. 5512`: the number of a document whose labels name nothing else.
pub(super) fn own_number(
    layout: &Layout,
    marks: &[Vec<Option<Marked>>],
    table_rows: &HashSet<usize>,
    field: &'static str,
    reading: &Reading,
) -> Option<Candidate> {
    let first = layout.rows.first()?.page;
    let own = |marked: &&Marked| {
        marked.field.is_none_or(|f| f == field || f == "po_number" && field != "invoice_number")
            && marked.label.any(&["number", "ref", "document"])
            && marked
                .label
                .concepts
                .iter()
                .all(|c| matches!(*c, "number" | "ref" | "document" | "our" | "filler" | "request"))
    };
    let mut best: Option<Candidate> = None;
    for (index, row) in layout.rows.iter().enumerate() {
        if table_rows.contains(&index) || row.page != first || row.y0() > NUMBER_ABOVE * layout.height {
            continue;
        }
        for (at, segment) in row.segments.iter().enumerate() {
            let labelled = marked_at(marks, index, at)
                .filter(own)
                .filter(|m| m.whole || segment.words.len() <= NUMBER_AFTER + 1)
                .map(|m| candidates(layout, marks, index, at, segment, m, field, reading))
                .unwrap_or_default();
            let signed = after_number_sign(segment).and_then(|rest| accept(field, rest, reading));
            let signed =
                signed.map(|(value, words, quality)| Candidate { value, words, score: 0.9 * quality });
            for found in labelled.into_iter().chain(signed) {
                let score = found.score * SOME_NUMBER;
                let digits = found.value.chars().filter(char::is_ascii_digit).count();
                if digits >= 2 && best.as_ref().is_none_or(|b| score > b.score) {
                    best = Some(Candidate { score, ..found });
                }
            }
        }
    }
    best
}
