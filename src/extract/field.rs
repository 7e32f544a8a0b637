//! Header fields: labels and the values that stand in, right of or below them.
//!
//! Every label proposes a value of the type that its field needs; the best proposal of each field wins. Does not:
//! address blocks ([`super::party`]), sums ([`super::totals`]) and check boxes ([`super::form`]).

use super::{
    confidence::from_words,
    date::{Order, parse_date},
    draft::{Reading, propose},
    label::{Label, field_of, label_at},
    layout::{Layout, Segment, Word, join},
    number::{parse_currency, parse_number, split_currency},
};
use crate::{
    model::draft::{Kind, Proposal},
    validate::account::fold,
};
use std::collections::{BTreeMap, HashSet};

/// Blank between two rows of one cell, in heights of the letters.
const CELL_GAP_HEIGHTS: f32 = 0.5;
/// Heights that a value may stand below its label.
const BELOW_HEIGHTS: f32 = 2.3;

/// Which fields a kind of document has.
#[expect(clippy::too_many_lines, reason = "a table")]
pub fn fields_of(kind: Kind) -> &'static [&'static str] {
    match kind {
        Kind::PurchaseOrder => &[
            "po_number",
            "order_date",
            "requested_date",
            "buyer_name",
            "buyer_contact",
            "buyer_email",
            "vendor_name",
            "bill_to",
            "ship_to",
            "currency",
            "payment_terms",
            "incoterms",
            "account_no",
            "supplier_no",
            "quote_ref",
            "subtotal",
            "discount",
            "shipping",
            "tax",
            "total",
        ],
        Kind::PurchaseOrderChange => &[
            "po_number",
            "order_date",
            "requested_date",
            "buyer_name",
            "buyer_contact",
            "buyer_email",
            "vendor_name",
            "bill_to",
            "ship_to",
            "currency",
            "payment_terms",
            "incoterms",
            "account_no",
            "supplier_no",
            "quote_ref",
            "subtotal",
            "discount",
            "shipping",
            "tax",
            "total",
            "revision",
            "change_date",
            "reason",
        ],
        Kind::PurchaseOrderCancellation => &[
            "po_number",
            "order_date",
            "buyer_name",
            "buyer_contact",
            "buyer_email",
            "vendor_name",
            "bill_to",
            "ship_to",
            "currency",
            "account_no",
            "supplier_no",
            "subtotal",
            "discount",
            "shipping",
            "tax",
            "total",
            "cancellation_date",
            "reason",
        ],
        Kind::Invoice => &[
            "invoice_number",
            "invoice_date",
            "due_date",
            "po_number",
            "vendor_name",
            "buyer_name",
            "bill_to",
            "ship_to",
            "currency",
            "payment_terms",
            "account_no",
            "subtotal",
            "discount",
            "shipping",
            "tax",
            "total",
        ],
        Kind::DeliveryNote => &[
            "delivery_note_number",
            "shipped_date",
            "po_number",
            "vendor_name",
            "buyer_name",
            "ship_to",
            "carrier_name",
            "account_no",
        ],
        Kind::Quotation => &[
            "rfq_number",
            "rfq_date",
            "response_due",
            "buyer_name",
            "buyer_contact",
            "buyer_email",
            "vendor_name",
            "ship_to",
            "currency",
            "payment_terms",
            "incoterms",
            "requested_date",
            "supplier_no",
        ],
        Kind::RemittanceAdvice => &[
            "payment_reference",
            "payment_date",
            "buyer_name",
            "vendor_name",
            "currency",
            "total",
            "supplier_no",
        ],
        Kind::ReturnRequest => &[
            "request_date",
            "customer_name",
            "contact_name",
            "phone",
            "email",
            "account_no",
            "po_number",
            "invoice_number",
            "rma_number",
            "return_reason",
            "resolution",
            "signature_present",
            "date_signed",
        ],
        Kind::CreditApplication => &[
            "legal_name",
            "trade_name",
            "address",
            "phone",
            "email",
            "website",
            "tax_id",
            "entity_type",
            "year_established",
            "employees",
            "annual_revenue",
            "requested_credit_limit",
            "currency",
            "bank_name",
            "bank_account",
            "references",
            "signatory_name",
            "signatory_title",
            "signature_present",
            "date_signed",
        ],
        Kind::AccountApplication => &[
            "legal_name",
            "trade_name",
            "bill_to",
            "ship_to",
            "contact_name",
            "email",
            "phone",
            "ap_contact",
            "tax_id",
            "tax_exempt",
            "industry",
            "payment_terms",
            "requested_credit_limit",
            "currency",
            "signatory_name",
            "signatory_title",
            "signature_present",
            "date_signed",
        ],
        Kind::EnrolmentForm => &[
            "legal_name",
            "trade_name",
            "address",
            "contact_name",
            "email",
            "phone",
            "signatory_name",
            "signatory_title",
            "signature_present",
            "date_signed",
        ],
        Kind::CreditNote | Kind::Contract | Kind::Other => &[],
    }
}

/// Whether a kind is a form that people fill in.
pub fn is_form(kind: Kind) -> bool {
    matches!(
        kind,
        Kind::ReturnRequest | Kind::CreditApplication | Kind::AccountApplication | Kind::EnrolmentForm
    )
}

/// A label's meaning in a document of this kind.
pub fn rename(field: &'static str, label: &Label, kind: Kind) -> &'static str {
    let form = is_form(kind);
    match (field, kind) {
        ("date", Kind::PurchaseOrder | Kind::PurchaseOrderChange | Kind::PurchaseOrderCancellation) => {
            "order_date"
        }
        ("date" | "order_date", Kind::Invoice) => "invoice_date",
        ("requested_date", Kind::Invoice) if label.any(&["request"]) => "due_date",
        ("date" | "order_date" | "requested_date", Kind::DeliveryNote) => "shipped_date",
        ("date" | "order_date", Kind::Quotation) => "rfq_date",
        ("requested_date", Kind::Quotation) if !label.any(&["delivery", "ship"]) && label.any(&["date"]) => {
            "rfq_date"
        }
        ("requested_date" | "quote_ref", Kind::Quotation)
            if label.any(&["response"]) && !label.any(&["delivery", "ship", "number"]) =>
        {
            "response_due"
        }
        ("po_number" | "quote_ref" | "document_number", Kind::Quotation) => "rfq_number",
        ("date" | "order_date" | "invoice_date" | "requested_date", Kind::RemittanceAdvice) => "payment_date",
        ("document_number", Kind::RemittanceAdvice) => "payment_reference",
        ("requested_date" | "order_date", Kind::ReturnRequest) => "request_date",
        ("date", _) if form => "date_signed",
        ("document_number", Kind::Invoice) => "invoice_number",
        ("document_number", Kind::DeliveryNote) => "delivery_note_number",
        ("document_number", Kind::ReturnRequest) => "rma_number",
        ("document_number", _) => "po_number",
        ("shipped_date", Kind::PurchaseOrder | Kind::PurchaseOrderChange) => "requested_date",
        ("contact" | "buyer_contact", _) if form => "contact_name",
        ("contact", _) => "buyer_contact",
        ("email", _) if !form => "buyer_email",
        ("customer_name", Kind::CreditApplication | Kind::AccountApplication) => "legal_name",
        ("bill_to" | "ship_to", Kind::CreditApplication) => "address",
        ("address", _) if !form => "ship_to",
        ("remarks", Kind::PurchaseOrderChange | Kind::PurchaseOrderCancellation) => "reason",
        ("reason", Kind::ReturnRequest) => "return_reason",
        ("legal_name", Kind::ReturnRequest) => "customer_name",
        ("due_date", Kind::RemittanceAdvice) => "payment_date",
        (field, _) => field,
    }
}

/// A segment seen as a label.
#[derive(Clone, Debug)]
pub struct Marked {
    /// The label.
    pub label: Label,
    /// Its field, if it has one in this document.
    pub field: Option<&'static str>,
    /// The label is the whole segment, or closed by a colon.
    pub whole: bool,
    /// Row and segment in which a label of two rows ends.
    pub tail: Option<(usize, usize)>,
}

impl Marked {
    /// The head of a numbered box of a form, whatever it asks for.
    pub fn is_numbered(&self) -> bool {
        self.label.closed && self.label.concepts.is_empty()
    }
}

/// Numbered boxes that make a document a form of such boxes.
const NUMBERED_MIN: usize = 5;

/// `8. TYPE OF ORDER`
fn is_numbered(segment: &Segment) -> bool {
    let [first, second, ..] = segment.words.as_slice() else { return false };
    let number = first.text.strip_suffix('.').is_some_and(|n| {
        n.len() <= 2 && (n.parse::<u8>().is_ok() || n.len() == 1 && n.chars().all(|c| c.is_ascii_lowercase()))
    });
    number && second.text.starts_with(char::is_uppercase) && segment.words.len() <= 9
}

/// Every segment of the layout as a label, row by row.
pub fn mark(layout: &Layout, kind: Kind) -> Vec<Vec<Option<Marked>>> {
    let mark_one = |segment: &Segment| -> Option<Marked> {
        let label = label_at(segment.words.iter().map(|w| w.text.as_str()))?;
        let all = label.words == segment.words.len();
        if !all && !label.closed && label.words > 5 {
            return None;
        }
        let field = field_of(&label).map(|f| rename(f, &label, kind));
        Some(Marked { whole: all || label.closed, field, label, tail: None })
    };
    let mut marks: Vec<Vec<Option<Marked>>> =
        layout.rows.iter().map(|row| row.segments.iter().map(mark_one).collect()).collect();
    let numbered = || layout.rows.iter().flat_map(|r| &r.segments).filter(|s| is_numbered(s));
    if numbered().count() >= NUMBERED_MIN {
        for (row, marks) in layout.rows.iter().zip(&mut marks) {
            for (segment, mark) in row.segments.iter().zip(marks) {
                if is_numbered(segment) && mark.as_ref().is_none_or(|m| m.field.is_none()) {
                    let label = Label {
                        concepts: std::collections::BTreeSet::new(),
                        words: segment.words.len(),
                        closed: true,
                        forgiven: false,
                        text: String::new(),
                    };
                    *mark = Some(Marked { label, field: None, whole: true, tail: None });
                }
            }
        }
    }
    for index in 0..layout.rows.len() {
        join_wrapped(layout, &mut marks, index, kind);
    }
    marks
}

fn marked_at(marks: &[Vec<Option<Marked>>], row: usize, at: usize) -> Option<&Marked> {
    marks.get(row).and_then(|r| r.get(at)).and_then(Option::as_ref)
}

/// A segment close below another that starts at the same place: the next row of one cell.
fn next_row_of_cell(
    layout: &Layout,
    index: usize,
    x0: f32,
    y1: f32,
    height: f32,
) -> Option<(usize, usize, &Segment)> {
    let page = layout.rows.get(index)?.page;
    for below in index + 1..=index + 2 {
        let row = layout.rows.get(below).filter(|r| r.page == page)?;
        let found = row.segments.iter().enumerate().find(|(_, s)| (s.x0() - x0).abs() < 3.0);
        if let Some((at, segment)) = found {
            let gap = segment.y0() - y1;
            return (gap > -0.3 * height && gap < CELL_GAP_HEIGHTS * height).then_some((below, at, segment));
        }
    }
    None
}

/// Labels that go on in the next row of their cell: `Conditions de` over `paiement`.
fn join_wrapped(layout: &Layout, marks: &mut [Vec<Option<Marked>>], index: usize, kind: Kind) {
    let Some(row) = layout.rows.get(index) else { return };
    for (at, segment) in row.segments.iter().enumerate() {
        let Some(upper) = marked_at(marks, index, at) else { continue };
        if upper.label.closed || upper.label.words != segment.words.len() || upper.tail.is_some() {
            continue;
        }
        let found = next_row_of_cell(layout, index, segment.x0(), segment.y1(), segment.height());
        let Some((below, under, lower)) = found else { continue };
        let Some(second) =
            marked_at(marks, below, under).filter(|m| m.whole && m.label.words == lower.words.len())
        else {
            continue;
        };
        let texts = segment.words.iter().chain(&lower.words).map(|w| w.text.as_str());
        let Some(label) = label_at(texts).filter(|l| l.words == segment.words.len() + lower.words.len())
        else {
            continue;
        };
        let Some(field) = field_of(&label).map(|f| rename(f, &label, kind)) else { continue };
        let beside = layout.rows.get(below).and_then(|r| r.segments.get(under + 1));
        let own_value = beside.is_some_and(|s| {
            let label = marked_at(marks, below, under + 1).is_some_and(|m| m.whole && m.field.is_some());
            !label && s.x0() - lower.x1() < 0.3 * layout.width
        });
        let changes = upper.field != Some(field) || second.field.is_none();
        if own_value && upper.field.is_some() || !changes {
            continue;
        }
        let whole = Marked {
            label: Label { words: segment.words.len(), ..label },
            field: Some(field),
            whole: true,
            tail: Some((below, under)),
        };
        if let Some(place) = marks.get_mut(index).and_then(|r| r.get_mut(at)) {
            *place = Some(whole);
        }
        if let Some(tail) = marks.get_mut(below).and_then(|r| r.get_mut(under)).and_then(Option::as_mut) {
            tail.field = None;
            tail.label.closed = true;
        }
    }
}

/// Fields whose values may be broken over two rows.
fn may_wrap(field: &str) -> bool {
    matches!(
        field,
        "payment_terms"
            | "incoterms"
            | "reason"
            | "carrier_name"
            | "email"
            | "buyer_email"
            | "legal_name"
            | "trade_name"
            | "customer_name"
            | "address"
            | "bank_name"
            | "bill_to"
            | "ship_to"
    )
}

/// A value with the rows of its cell below it.
fn with_rest_of_cell(
    layout: &Layout,
    marks: &[Vec<Option<Marked>>],
    index: usize,
    label_x: f32,
    field: &str,
    words: Vec<Word>,
) -> Vec<Word> {
    let mut words = words;
    if !may_wrap(field) {
        return words;
    }
    let mut at = index;
    let rows = if matches!(field, "address" | "bill_to" | "ship_to") { 5 } else { 2 };
    for _ in 0..rows {
        let (Some(first), Some(last)) = (words.first(), words.last()) else { break };
        let height = (last.y1 - last.y0).max(4.0);
        let Some((below, under, next)) = next_row_of_cell(layout, at, first.x0, last.y1, height) else {
            break;
        };
        let other_label = layout.rows.get(below).is_some_and(|r| {
            r.segments.iter().enumerate().any(|(s, left)| {
                left.x1() < next.x0()
                    && (left.x0() - label_x).abs() < 6.0
                    && marked_at(marks, below, s).is_some_and(|m| m.field.is_some())
            })
        });
        let labelled =
            marked_at(marks, below, under).is_some_and(|m| m.whole && (m.field.is_some() || m.label.closed));
        if other_label || labelled || next.words.len() > 8 || next.text().ends_with(':') {
            break;
        }
        let mail_tail = |w: &Word| w.text.chars().all(|c| c.is_ascii_lowercase() || matches!(c, '.' | '-'));
        if field.contains("email") {
            let whole_before = words.last().is_some_and(|w| w.text.contains('@'));
            match (next.words.first().filter(|w| next.words.len() == 1 && mail_tail(w)), words.last_mut()) {
                (Some(tail), Some(last)) if whole_before => {
                    last.text.push_str(&tail.text);
                    last.rect = last.rect.union(&tail.rect);
                }
                _ => break,
            }
        } else {
            words.extend(next.words.iter().cloned());
        }
        at = below;
    }
    words
}

struct Candidate {
    value: String,
    words: Vec<Word>,
    score: f32,
}

/// All header fields that stand beside labels.
pub fn find_fields(
    layout: &Layout,
    marks: &[Vec<Option<Marked>>],
    table_rows: &HashSet<usize>,
    reading: &Reading,
) -> BTreeMap<String, Proposal> {
    let mut best: BTreeMap<&'static str, Candidate> = BTreeMap::new();
    let wanted = fields_of(reading.kind);
    for (index, row) in layout.rows.iter().enumerate().filter(|(i, _)| !table_rows.contains(i)) {
        for (at, segment) in row.segments.iter().enumerate() {
            let Some(marked) = marks.get(index).and_then(|r| r.get(at)).and_then(Option::as_ref) else {
                continue;
            };
            let early = index * 2 < layout.rows.len();
            let field = match marked.field {
                Some("date_signed") if reading.kind == Kind::ReturnRequest && early => Some("request_date"),
                field => field,
            };
            let Some(field) = field.filter(|f| wanted.contains(f)) else { continue };
            if matches!(
                field,
                "subtotal" | "discount" | "shipping" | "tax" | "total" | "references" | "signature_present"
            ) {
                continue;
            }
            if matches!(field, "bill_to" | "ship_to" | "vendor_name" | "buyer_name") && !is_form(reading.kind)
            {
                continue;
            }
            for candidate in candidates(layout, marks, index, at, segment, marked, field, reading) {
                let place = row.y0() / layout.height.max(1.0);
                let first = row.page == layout.rows.first().map_or(1, |r| r.page);
                let score =
                    candidate.score + if first { 0.1 } else { 0.0 } - if place > 0.9 { 0.15 } else { 0.0 };
                if best.get(field).is_none_or(|b| score > b.score + 0.01) {
                    best.insert(field, Candidate { score, ..candidate });
                }
            }
        }
    }
    for (index, row) in layout.rows.iter().enumerate().filter(|(i, _)| !table_rows.contains(i)) {
        for segment in &row.segments {
            let Some(pair) = pair_of(segment) else { continue };
            let Some((_, words)) = below(layout, index, segment, &|_, _| false) else { continue };
            for (second, label) in [(false, &pair[0]), (true, &pair[1])] {
                let Some(field) = field_of(label).map(|f| rename(f, label, reading.kind)) else { continue };
                let part = part_of_pair(&words, second).filter(|_| wanted.contains(&field));
                if let Some((value, words, quality)) = part.and_then(|p| accept(field, &p, reading)) {
                    let score = 0.93 * quality;
                    if best.get(field).is_none_or(|b| score > b.score) {
                        best.insert(field, Candidate { value, words, score });
                    }
                }
            }
        }
    }
    if let Some(field) = number_field(reading.kind).filter(|field| !best.contains_key(field))
        && let Some(own) = own_number(layout, marks, table_rows, field, reading)
    {
        best.insert(field, own);
    }
    for field in ["incoterms", "payment_terms"] {
        if wanted.contains(&field)
            && !best.contains_key(field)
            && let Some((value, words, _)) =
                by_pattern(layout, marks, table_rows, field).and_then(|w| accept(field, &w, reading))
        {
            best.insert(field, Candidate { value, words, score: 0.4 });
        }
    }
    best.into_iter()
        .map(|(field, c)| {
            let ambiguous = is_date(field)
                && reading.order == Order::Unknown
                && parse_date(&join(&c.words), reading.order).is_some_and(|d| d.ambiguous);
            let base = if ambiguous { 0.5 } else { (0.55 + 0.42 * c.score).min(0.965) };
            (field.to_owned(), propose(c.value, &c.words, from_words(base, &c.words, reading.trusted)))
        })
        .collect()
}

/// Share of the first page in which the number of a document stands.
const NUMBER_ABOVE: f32 = 0.45;
/// How much less a label says that asks for some number, not for that of an order.
const SOME_NUMBER: f32 = 0.55;

/// The field that holds the number of a document of this kind.
fn number_field(kind: Kind) -> Option<&'static str> {
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
fn own_number(
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

#[expect(clippy::too_many_arguments, reason = "one place, its label and the document around it")]
fn candidates(
    layout: &Layout,
    marks: &[Vec<Option<Marked>>],
    index: usize,
    at: usize,
    segment: &Segment,
    marked: &Marked,
    field: &'static str,
    reading: &Reading,
) -> Vec<Candidate> {
    let mut out = Vec::new();
    let soft = if marked.label.forgiven { 0.08 } else { 0.0 };
    let mut push = |words: &[Word], score: f32| {
        if let Some((value, used, quality)) = accept(field, words, reading) {
            out.push(Candidate { value, words: used, score: score * quality - soft });
        }
    };
    // `net` belongs to the terms: `Payment terms net 30 days`
    let net = !marked.label.closed
        && field == "payment_terms"
        && segment
            .words
            .get(marked.label.words - 1)
            .is_some_and(|w| matches!(fold(&w.text).as_str(), "net" | "netto"))
        && marked.label.words >= 2;
    let label_words = marked.label.words - usize::from(net && marked.label.words < segment.words.len());
    let inside = until_next_label(segment.words.get(label_words..).unwrap_or_default());
    let hint = inside.first().is_some_and(|w| w.text.starts_with('('))
        && inside.last().is_some_and(|w| w.text.ends_with(')'));
    let inside = if hint { &[] } else { inside };
    let row = layout.rows.get(index);
    let is_label = |r: usize, s: usize| {
        marks
            .get(r)
            .and_then(|m| m.get(s))
            .and_then(Option::as_ref)
            .is_some_and(|m| m.whole && (m.field.is_some() || m.label.closed))
    };
    if !inside.is_empty() {
        let strong = marked.label.closed || typed(field) || may_follow(field, &marked.label, inside);
        let gap = inside.first().map_or(0.0, |w| w.x0)
            - segment.words.get(marked.label.words.saturating_sub(1)).map_or(0.0, |w| w.x1);
        if strong || gap > 0.4 * segment.height() {
            let mut words = inside.to_vec();
            words = with_rest_of_cell(layout, marks, index, segment.x0(), field, words);
            // a value that goes on after a wider blank
            if marked.label.closed
                && inside.len() <= 2
                && let Some(next) = row
                    .and_then(|r| r.segments.get(at + 1))
                    .filter(|n| n.x0() - segment.x1() < 1.6 * segment.height() && !is_label(index, at + 1))
            {
                words.extend(next.words.clone());
            }
            push(&words, if marked.label.closed { 1.0 } else { 0.9 });
        }
        return out;
    }
    let right = row.and_then(|r| r.segments.get(at + 1)).filter(|_| !is_label(index, at + 1));
    let grid = row.is_some_and(|r| (0..r.segments.len()).filter(|s| is_label(index, *s)).count() >= 2) && {
        let next = is_label(index, at + 1);
        let previous = at > 0 && is_label(index, at - 1);
        // a row of heads without a figure in it
        let heads = row.is_some_and(|r| {
            r.segments.len() >= 3
                && r.segments
                    .iter()
                    .flat_map(|s| &s.words)
                    .all(|w| !w.text.chars().any(|c| c.is_ascii_digit()))
        });
        next || previous || heads || at == 0 && right.is_none()
    };
    if let Some(right) = &right {
        let far = (right.x0() - segment.x1()) / layout.width.max(1.0);
        let words = with_rest_of_cell(layout, marks, index, segment.x0(), field, right.words.clone());
        push(&words, if grid { 0.7 } else { 0.97 } - if far > 0.35 { 0.25 } else { 0.0 });
    }
    let (end, last) = marked.tail.map_or((index, segment), |(r, s)| {
        (r, layout.rows.get(r).and_then(|row| row.segments.get(s)).unwrap_or(segment))
    });
    if let Some((at, below)) = below(layout, end, last, &is_label) {
        let words = with_rest_of_cell(layout, marks, at, f32::MIN, field, below);
        push(&words, if right.is_none() || grid { 0.95 } else { 0.72 });
    }
    out
}

/// The words before a further label that ends with a colon.
fn until_next_label(words: &[Word]) -> &[Word] {
    let next = (1..words.len()).find(|at| {
        let texts = words.iter().skip(*at).map(|w| w.text.as_str());
        label_at(texts).is_some_and(|l| l.closed && l.words <= 4 && field_of(&l).is_some())
    });
    let end = next.unwrap_or(words.len());
    let dash = end
        .checked_sub(1)
        .and_then(|i| words.get(i))
        .is_some_and(|w| next.is_some() && w.text.chars().all(|c| !c.is_alphanumeric()));
    words.get(..end - usize::from(dash)).unwrap_or_default()
}

/// Whether these words may be the value of a label that they follow without a colon or a gap.
fn may_follow(field: &str, label: &Label, words: &[Word]) -> bool {
    match field {
        "payment_terms" => terms_of_payment(words),
        "incoterms" => words.first().is_some_and(|w| is_incoterm(&w.text)),
        "buyer_contact" | "contact_name" => {
            let name = |w: &Word| w.text.chars().next().is_some_and(char::is_uppercase);
            label.words >= 2 && (2..=3).contains(&words.len()) && words.iter().all(name)
        }
        _ => false,
    }
}

/// One of the three-letter codes of the Incoterms rules (ICC, 1990 to 2020).
fn is_incoterm(text: &str) -> bool {
    let bare = text.trim_matches(|c: char| !c.is_alphanumeric());
    matches!(
        bare,
        "EXW"
            | "FCA"
            | "FAS"
            | "FOB"
            | "CFR"
            | "CIF"
            | "CPT"
            | "CIP"
            | "DAT"
            | "DAP"
            | "DPU"
            | "DDP"
            | "DDU"
            | "DAF"
    ) || matches!(text, "F.O.B." | "F.O.B" | "C.I.F.")
}

/// Whether the words say when to pay: `Net 30`, `30 Tage netto`, `45 jours fin de mois`, `2/10 N30`.
fn terms_of_payment(words: &[Word]) -> bool {
    let text = fold(&join(words));
    let tokens: Vec<&str> = text.split(' ').collect();
    let number =
        tokens.iter().any(|t| t.chars().all(|c| c.is_ascii_digit()) && !t.is_empty() && t.len() <= 3);
    let days = tokens.iter().any(|t| {
        matches!(
            *t,
            "days"
                | "day"
                | "tage"
                | "tagen"
                | "dagar"
                | "dgr"
                | "dag"
                | "jours"
                | "net"
                | "netto"
                | "eom"
                | "mois"
        )
    });
    let short_form =
        tokens.iter().any(|t| t.len() <= 4 && t.strip_prefix('n').is_some_and(|n| n.parse::<u8>().is_ok()));
    let at_once = [
        "due on receipt",
        "upon receipt",
        "sofort",
        "comptant",
        "kontant",
        "prepaid",
        "vorkasse",
        "immediate",
    ];
    tokens.len() <= 12 && (number && days || number && short_form || at_once.iter().any(|a| text.contains(a)))
}

/// Incoterms and terms of payment that stand alone, without a label that is known.
fn by_pattern(
    layout: &Layout,
    marks: &[Vec<Option<Marked>>],
    table_rows: &HashSet<usize>,
    field: &str,
) -> Option<Vec<Word>> {
    let first = layout.rows.first()?.page;
    let rows = layout.rows.iter().enumerate().filter(|(i, r)| r.page == first && !table_rows.contains(i));
    for (index, row) in rows {
        for (at, segment) in row.segments.iter().enumerate() {
            if marked_at(marks, index, at)
                .is_some_and(|m| m.field.is_some() && m.label.words < segment.words.len())
            {
                continue;
            }
            let fits = match field {
                "incoterms" => {
                    segment.words.len() <= 6 && segment.words.first().is_some_and(|w| is_incoterm(&w.text))
                }
                _ => segment.words.len() <= 8 && terms_of_payment(&segment.words),
            };
            if fits {
                // `Zahlungsart: 30 Tage netto`: a label that is not known
                let label = segment.words.iter().take(3).position(|w| w.text.ends_with(':'));
                let rest = label.and_then(|at| segment.words.get(at + 1..)).filter(|rest| !rest.is_empty());
                return Some(rest.unwrap_or(&segment.words).to_vec());
            }
        }
    }
    None
}

/// The part of a value that belongs to one of two fields whose labels share a cell: `Number / Date` over `4711 / 5.1.2026`.
fn part_of_pair(words: &[Word], second: bool) -> Option<Vec<Word>> {
    let slash = words.iter().position(|w| w.text == "/")?;
    let part = if second { words.get(slash + 1..)? } else { words.get(..slash)? };
    (!part.is_empty() && !part.iter().any(|w| w.text == "/")).then(|| part.to_vec())
}

/// The two labels of a cell that asks for two things, apart.
fn pair_of(segment: &Segment) -> Option<[Label; 2]> {
    let text = segment.text();
    let (first, second) = text.split_once('/')?;
    let label = |t: &str| label_at(t.split_whitespace()).filter(|l| l.words == t.split_whitespace().count());
    let pair = [label(first.trim())?, label(second.trim())?];
    let fields = pair.each_ref().map(field_of);
    (fields.iter().any(Option::is_some) && fields.first() != fields.last()).then_some(pair)
}

/// The segment that stands below a label, if it is no label itself.
fn below(
    layout: &Layout,
    index: usize,
    segment: &Segment,
    is_label: &dyn Fn(usize, usize) -> bool,
) -> Option<(usize, Vec<Word>)> {
    for step in 1..=4 {
        let row = layout.rows.get(index + step).filter(|r| r.page == segment.page)?;
        let down = row.y0() - segment.y1();
        if down > BELOW_HEIGHTS * segment.height() {
            return None;
        }
        let hit = row.segments.iter().enumerate().find(|(_, s)| {
            let left = (s.x0() - segment.x0()).abs() < 14.0;
            let over = s.x0() < segment.x1() && segment.x0() < s.x1() && s.x0() > segment.x0() - 14.0;
            left || over
        });
        if let Some((at, hit)) = hit {
            return (!is_label(index + step, at)).then(|| (index + step, hit.words.clone()));
        }
    }
    None
}

fn is_date(field: &str) -> bool {
    field.contains("date") || field == "response_due"
}

/// Fields whose values have a form of their own.
fn typed(field: &str) -> bool {
    is_date(field)
        || matches!(
            field,
            "currency"
                | "buyer_email"
                | "email"
                | "phone"
                | "po_number"
                | "invoice_number"
                | "delivery_note_number"
                | "rfq_number"
                | "account_no"
                | "supplier_no"
                | "quote_ref"
                | "revision"
                | "payment_reference"
                | "rma_number"
                | "tax_id"
                | "requested_credit_limit"
                | "annual_revenue"
                | "employees"
                | "year_established"
        )
}

/// The value of these words if they fit the field: normalised, the words used, and how well they fit.
pub(super) fn accept(field: &str, words: &[Word], reading: &Reading) -> Option<(String, Vec<Word>, f32)> {
    let trimmed: Vec<Word> = words
        .iter()
        .skip_while(|w| {
            !w.text.chars().any(|c| c.is_alphanumeric() || matches!(c, '€' | '$' | '£' | '+' | '('))
        })
        .cloned()
        .collect();
    let text = join(&trimmed);
    if text.is_empty() || trimmed.iter().all(|w| matches!(w.text.as_str(), "☐" | "☒")) {
        return None;
    }
    if is_date(field) {
        let read = parse_date(&text, reading.order)?;
        let used: Vec<Word> = trimmed.iter().take(read.words).cloned().collect();
        return Some((read.iso, used, 1.0));
    }
    match field {
        "currency" => {
            trimmed.iter().find_map(|w| parse_currency(&w.text).map(|c| (c.to_owned(), vec![w.clone()], 1.0)))
        }
        "buyer_email" | "email" => email(&trimmed).map(|(t, w)| (t, w, 1.0)),
        "website" => (text.contains('.') && !text.contains('@') && trimmed.len() <= 2)
            .then(|| (text.replace(' ', ""), trimmed.clone(), 1.0)),
        "phone" => {
            let digits = text.chars().filter(char::is_ascii_digit).count();
            let fits = (6..=16).contains(&digits)
                && text.chars().all(|c| c.is_ascii_digit() || c.is_whitespace() || "+()-/.–xext".contains(c));
            fits.then(|| (text.clone(), trimmed.clone(), 1.0))
        }
        "requested_credit_limit" | "annual_revenue" => {
            let number = parse_number(&text, reading.style)
                .or_else(|| trimmed.iter().find_map(|w| parse_number(&w.text, reading.style)))?;
            Some((number.to_string(), trimmed.clone(), 1.0))
        }
        "employees" | "year_established" => {
            let number: String = text.chars().filter(char::is_ascii_digit).collect();
            (!number.is_empty() && number.len() <= 7 && trimmed.len() <= 3)
                .then(|| (number, trimmed.clone(), 1.0))
        }
        "tax_id" | "bank_account" => (text.chars().filter(char::is_ascii_digit).count() >= 4
            && text.len() <= 45)
            .then(|| (text.clone(), trimmed.clone(), 1.0)),
        "po_number"
        | "invoice_number"
        | "delivery_note_number"
        | "rfq_number"
        | "account_no"
        | "supplier_no"
        | "quote_ref"
        | "revision"
        | "payment_reference"
        | "rma_number" => code(field, &trimmed),
        "return_reason" | "resolution" | "entity_type" | "tax_exempt" | "industry" => None,
        "bill_to" | "ship_to" | "address" => {
            (text.chars().any(|c| c.is_ascii_digit())).then(|| (join_rows(&trimmed), trimmed.clone(), 0.95))
        }
        "buyer_contact" | "contact_name" | "signatory_name" | "ap_contact" => {
            let name: Vec<Word> = trimmed
                .iter()
                .take_while(|w| !w.text.contains('@') && !w.text.starts_with(['/', ',', '(', '|']))
                .cloned()
                .collect();
            let name_text = join(&name).trim_end_matches([',', ';']).to_owned();
            let fits = (1..=5).contains(&name.len())
                && !name_text.chars().any(|c| c.is_ascii_digit() || matches!(c, ':' | '#'));
            let label_words = name.iter().any(|w| {
                label_at(std::iter::once(w.text.as_str())).is_some_and(|l| !l.forgiven && !l.has(&["filler"]))
            });
            let quality = if name.len() >= 2 { 1.0 } else { 0.6 } * if label_words { 0.5 } else { 1.0 };
            fits.then(|| (name_text, name.clone(), quality))
        }
        _ => {
            let letters = text.chars().filter(|c| c.is_alphabetic()).count();
            if field == "incoterms"
                && trimmed.iter().filter(|w| w.text.chars().any(char::is_alphabetic)).all(|w| {
                    label_at(std::iter::once(w.text.as_str())).is_some_and(|l| !l.has(&["incoterm"]))
                })
            {
                return None;
            }
            let quality = if text.contains(": ") || text.ends_with(':') { 0.5 } else { 0.97 };
            (letters >= 2 && text.len() <= 140).then(|| (text.clone(), trimmed.clone(), quality))
        }
    }
}

/// The words of an address as one line, its rows apart by commas.
fn join_rows(words: &[Word]) -> String {
    let mut text = String::new();
    for (at, word) in words.iter().enumerate() {
        let below = at
            .checked_sub(1)
            .and_then(|i| words.get(i))
            .is_some_and(|w| word.y0 > w.y0 + 0.6 * (w.y1 - w.y0));
        if below {
            text.truncate(text.trim_end_matches([',', ' ']).len());
            text.push(',');
        }
        if at > 0 {
            text.push(' ');
        }
        text.push_str(&word.text);
    }
    text
}

/// A number or code: the words from the start that hold digits.
fn code(field: &str, words: &[Word]) -> Option<(String, Vec<Word>, f32)> {
    let start = words.iter().position(|w| w.text.chars().any(|c| c.is_ascii_digit()))?;
    let led = words.first().is_some_and(|w| {
        let bare = w.text.trim_matches(|c: char| !c.is_alphanumeric());
        bare.len() <= 3 && bare.chars().all(char::is_uppercase)
            || label_at(std::iter::once(w.text.as_str())).is_some_and(|l| l.any(&["number"]))
    });
    if start > 1 || start == 1 && !led {
        return None;
    }
    let mut used: Vec<Word> = words
        .iter()
        .skip(start)
        .take_while(|w| w.text.chars().any(|c| c.is_ascii_digit()) || w.text == "-")
        .take(3)
        .cloned()
        .collect();
    if start == 1
        && words.first().is_some_and(|w| w.text.len() <= 3 && w.text.chars().all(char::is_uppercase))
    {
        used.insert(0, words.first()?.clone());
    }
    let text = join(&used);
    let text = text.trim_matches(|c: char| !c.is_alphanumeric()).to_owned();
    let date = parse_date(&text, Order::DayFirst).is_some() && (text.matches(['/', '.', '-']).count() == 2);
    let small = field != "revision" && text.len() < 3;
    if date || small || is_postcode(&used) || text.len() > 32 || (split_currency(&text).1.is_some()) {
        return None;
    }
    let quality = if words.len() <= used.len() + 1 { 1.0 } else { 0.75 };
    Some((text, used, quality))
}

/// `SY1 2DX`, `K1A 0B1`: letters and digits of an address.
fn is_postcode(words: &[Word]) -> bool {
    let [first, second] = words else { return false };
    let shape = |w: &Word| -> String {
        w.text
            .chars()
            .map(|c| {
                if c.is_ascii_digit() {
                    '9'
                } else if c.is_ascii_uppercase() {
                    'A'
                } else {
                    c
                }
            })
            .collect()
    };
    matches!(shape(first).as_str(), "A9" | "A99" | "AA9" | "AA99" | "A9A" | "AA9A")
        && matches!(shape(second).as_str(), "9AA" | "9A9")
}

/// A mail address; OCR may have put blanks into it.
pub fn email(words: &[Word]) -> Option<(String, Vec<Word>)> {
    let at = words.iter().position(|w| w.text.contains('@'))?;
    let word = words.get(at)?;
    let text = word.text.trim_matches(|c: char| !c.is_alphanumeric()).to_lowercase();
    let (local, domain) = text.split_once('@')?;
    let good = !local.is_empty() && domain.contains('.') && domain.len() >= 4 && !domain.contains('@');
    if good {
        return Some((text.clone(), vec![word.clone()]));
    }
    let joined = words.get(at..(at + 2).min(words.len()))?;
    let text = joined.iter().map(|w| w.text.as_str()).collect::<String>().to_lowercase();
    text.split_once('@')
        .is_some_and(|(l, d)| !l.is_empty() && d.contains('.'))
        .then(|| (text, joined.to_vec()))
}

/// The currency that the document writes its money in, where no label says it.
pub fn vote_currency(layout: &Layout, country_dollar: &'static str) -> Option<(&'static str, Vec<Word>)> {
    let mut votes: BTreeMap<&'static str, (usize, Word)> = BTreeMap::new();
    for word in layout.rows.iter().flat_map(|r| &r.segments).flat_map(|s| &s.words) {
        let mut found = split_currency(&word.text).1.or_else(|| parse_currency(&word.text));
        if word.text.eq_ignore_ascii_case("kr")
            || word.text.chars().count() == 2
                && !word.text.chars().all(char::is_uppercase)
                && !word.text.eq_ignore_ascii_case("kr")
        {
            found = parse_currency(&word.text).filter(|_| word.text.eq_ignore_ascii_case("kr"));
        }
        let Some(mut code) = found else { continue };
        if code == "USD" && word.text.contains('$') && !word.text.to_uppercase().contains("US") {
            code = country_dollar;
        }
        votes.entry(code).or_insert_with(|| (0, word.clone())).0 += 1;
    }
    votes.into_iter().max_by_key(|(_, (n, _))| *n).map(|(code, (_, word))| (code, vec![word]))
}
