//! ANSI X12: purchase orders (850, 875), changes (860), and the transaction sets that are not orders.
//!
//! The interchange header says which characters part it (ISA, 106 characters; blanks lost on the way are forgiven). Each
//! transaction set between `ST` and `SE` is a document. Counts and control numbers are checked.

use super::{
    record::{CHOSEN, COMPOSED, CUSTOM, PLAIN, Record, beside, decimal, join},
    segments::{Marks, Segment, split},
    xml::Found,
};
use crate::model::{
    draft::{Draft, Kind},
    finding::Severity,
};
use rust_decimal::Decimal;

/// Elements of an interchange header.
const HEADER_ELEMENTS: usize = 16;
/// Which element of the header is the usage indicator, from 0.
const USAGE: usize = 14;

/// Whether the text is an interchange of X12.
pub(super) fn is_interchange(text: &str) -> bool {
    marks(text).is_some()
}

/// The characters that part the interchange.
fn marks(text: &str) -> Option<Marks> {
    let text = text.trim_start_matches(['\u{feff}', ' ', '\t', '\r', '\n']);
    let element = text.strip_prefix("ISA")?.chars().next()?;
    if element.is_alphanumeric() || element.is_whitespace() {
        return None;
    }
    let mut at = text.char_indices().filter(|(_, c)| *c == element).skip(HEADER_ELEMENTS - 1);
    let (last, _) = at.next()?;
    let mut tail = text.get(last..)?.chars().skip(1);
    let (component, mut end) = (tail.next()?, tail.next()?);
    if end == '\r' {
        end = '\n';
    }
    if component.is_alphanumeric() || end.is_alphanumeric() {
        return None;
    }
    Some(Marks { component, element, tag: element, release: None, end, decimal: '.' })
}

/// The documents of the interchange.
pub(super) fn read(text: &str) -> Vec<Draft> {
    let Some(marks) = marks(text) else { return Vec::new() };
    let (mended, lost) = mend(text, marks);
    let segments = split(&mended, marks);
    let mut drafts = Vec::new();
    let mut test = None;
    let mut open: Option<Vec<&Segment>> = None;
    for segment in &segments {
        match segment.tag.as_str() {
            "ISA" => test = segment.found(USAGE, 0).filter(|usage| usage.text == "T"),
            "ST" => {
                if let Some(body) = open.replace(vec![segment]) {
                    drafts.push(document(&body, test.as_ref(), lost));
                }
            }
            "SE" | "GE" | "IEA" => {
                if let Some(mut body) = open.take() {
                    if segment.tag == "SE" {
                        body.push(segment);
                    }
                    drafts.push(document(&body, test.as_ref(), lost));
                }
            }
            _ => {
                if let Some(body) = &mut open {
                    body.push(segment);
                }
            }
        }
    }
    if let Some(body) = open {
        drafts.push(document(&body, test.as_ref(), lost));
    }
    if drafts.is_empty() {
        drafts.push(Record::header("X12").finish(Kind::Other, Vec::new(), None));
    }
    drafts
}

/// Puts back ends of segments that are missing before a line break, and says how many.
fn mend(text: &str, marks: Marks) -> (String, usize) {
    if matches!(marks.end, '\n' | '\r') {
        return (text.trim_start_matches(['\u{feff}', ' ', '\t', '\r', '\n']).to_owned(), 0);
    }
    let mut lost = 0;
    let mut out = String::with_capacity(text.len());
    let lines: Vec<&str> =
        text.trim_start_matches('\u{feff}').lines().map(str::trim).filter(|l| !l.is_empty()).collect();
    for (index, line) in lines.iter().enumerate() {
        out.push_str(line);
        let next_starts = lines.get(index + 1).is_some_and(|next| {
            let tag = next.split(marks.element).next().unwrap_or_default();
            next.contains(marks.element)
                && (2..=3).contains(&tag.len())
                && tag.starts_with(|c: char| c.is_ascii_uppercase())
                && tag.chars().all(|c| c.is_ascii_uppercase() || c.is_ascii_digit())
        });
        if next_starts && !line.ends_with(marks.end) && line.contains(marks.element) {
            out.push(marks.end);
            lost += 1;
        }
        out.push('\n');
    }
    (out, lost)
}

fn document(body: &[&Segment], test: Option<&Found>, lost: usize) -> Draft {
    let set = body.first().map_or("", |st| st.code(0));
    let purpose = body.iter().find(|s| matches!(s.tag.as_str(), "BEG" | "BCH")).map_or("", |s| s.code(0));
    let kind = match (set, purpose) {
        ("850" | "860", "01" | "03") => Kind::PurchaseOrderCancellation,
        ("850", "04" | "05") | ("860", _) => Kind::PurchaseOrderChange,
        ("850" | "875", _) => Kind::PurchaseOrder,
        ("876", _) => Kind::PurchaseOrderChange,
        ("810" | "880", _) => Kind::Invoice,
        ("856" | "857", _) => Kind::DeliveryNote,
        ("820", _) => Kind::RemittanceAdvice,
        ("840", _) => Kind::Quotation,
        _ => Kind::Other,
    };
    let standard = format!("X12 {set}");
    let mut record = Record::header(&standard);
    if let Some(test) = test {
        record.mark_test(&format!("ISA15 = T, {}", test.place));
    }
    if matches!(purpose, "07" | "22" | "12") {
        record.mark_copy(&format!("purpose {purpose} of the order"));
    }
    if lost > 0 {
        let message = format!(
            "{lost} segment{} of the file had no end mark; the line break was taken for it: compare with the customer's paper.",
            if lost == 1 { "" } else { "s" }
        );
        record.find("segment_end_missing", Severity::Check, message);
    }
    let lines = walk(body, kind, &standard, &mut record);
    check_counts(body, lines.len(), &mut record);
    record.finish(kind, lines, None)
}

/// Where the segments at hand belong.
#[derive(Clone, Copy, PartialEq)]
enum Loop {
    Head,
    Party,
    Line,
    Summary,
}

fn walk(body: &[&Segment], kind: Kind, standard: &str, record: &mut Record) -> Vec<Record> {
    let mut lines: Vec<Record> = Vec::new();
    let mut at = Loop::Head;
    let mut party: Vec<&Segment> = Vec::new();
    let mut note = String::new();
    for segment in body {
        let opens = match segment.tag.as_str() {
            "PO1" | "POC" | "IT1" | "LIN" => Some(Loop::Line),
            "N1" => Some(if matches!(at, Loop::Line) { Loop::Line } else { Loop::Party }),
            "CTT" | "SE" | "TDS" => Some(Loop::Summary),
            _ => None,
        };
        let stays = matches!(segment.tag.as_str(), "N1" | "N2" | "N3" | "N4" | "PER" | "REF");
        if (opens.is_some() || !stays) && !party.is_empty() && at != Loop::Line {
            take_party(&std::mem::take(&mut party), record);
            at = if at == Loop::Party { Loop::Head } else { at };
        }
        at = opens.unwrap_or(at);
        match (at, segment.tag.as_str()) {
            (Loop::Line, "PO1" | "POC" | "IT1" | "LIN") => {
                let mut line = Record::line(standard, lines.len());
                open_line(segment, &mut line);
                lines.push(line);
            }
            (Loop::Line, _) => {
                if let Some(line) = lines.last_mut() {
                    in_line(segment, line, record, &mut note);
                }
            }
            (Loop::Party, _) => party.push(segment),
            (_, tag) => in_head(segment, tag, kind, record, &mut note),
        }
    }
    if !party.is_empty() {
        take_party(&party, record);
    }
    record.note(&note);
    lines
}

fn in_head(segment: &Segment, tag: &str, kind: Kind, record: &mut Record, note: &mut String) {
    let found = |element| segment.found(element, 0);
    match tag {
        "BEG" => {
            record.text("po_number", found(2));
            record.text("revision", found(3));
            match kind {
                Kind::PurchaseOrderCancellation => record.date("cancellation_date", found(4), CHOSEN),
                Kind::PurchaseOrderChange => record.date("change_date", found(4), CHOSEN),
                _ => record.date("order_date", century(found(4)), PLAIN),
            }
            if segment.code(1) == "BK" {
                record.find(
                    "blanket_order",
                    Severity::Check,
                    "This is a blanket order: goods are called off later.",
                );
            }
        }
        "BCH" => {
            record.text("po_number", found(2));
            record.text("revision", found(4));
            record.date("order_date", century(found(5)), PLAIN);
            let day =
                if kind == Kind::PurchaseOrderCancellation { "cancellation_date" } else { "change_date" };
            record.date(day, century(found(10)), PLAIN);
        }
        "G50" => {
            record.text("po_number", found(2));
            record.date("order_date", century(found(1)), PLAIN);
        }
        "BIG" => {
            record.date("invoice_date", century(found(0)), PLAIN);
            record.text("invoice_number", found(1));
            record.text("po_number_of_order", found(3));
        }
        "BSN" => {
            record.text("delivery_note_number", found(1));
            record.date("shipped_date", century(found(2)), CHOSEN);
        }
        "BQT" => {
            record.text("rfq_number", found(1));
            record.date("rfq_date", century(found(2)), PLAIN);
        }
        "BPR" => {
            record.number("total", found(1));
            record.date("payment_date", century(found(15)), PLAIN);
        }
        "TRN" => record.text("payment_reference", found(1)),
        "CUR" => record.currency(found(1), PLAIN),
        "REF" => match segment.code(0) {
            "IA" | "VR" => record.text("supplier_no", found(1)),
            "11" | "12" | "AC" => record.put("account_no", found(1), CHOSEN),
            "Q1" | "PR" => record.text("quote_ref", found(1)),
            _ => {}
        },
        "PER" if matches!(segment.code(0), "BD" | "OC" | "BY" | "PD" | "") => contact(segment, record),
        "ITD" => terms(segment, record),
        "FOB" => {
            if let Some(code) = found(4) {
                let place = found(6);
                let sure = if place.is_some() || segment.code(3) != "01" { CHOSEN } else { PLAIN };
                record.put("incoterms", beside(Some(code), place), sure);
            }
        }
        "DTM" => wanted(segment, "requested_date", record),
        "SAC" => {
            let sum = segment.get(4, 0).and_then(decimal).map(|cents| cents / Decimal::ONE_HUNDRED);
            let sum = sum.map(|sum| Found { text: sum.to_string(), place: segment.place(4) });
            let freight = matches!(segment.code(1), "D240" | "D500" | "G830" | "D200");
            match segment.code(0) {
                "C" => record.number_sure("shipping", sum, if freight { PLAIN } else { CUSTOM }),
                "A" => record.number_sure("discount", sum, COMPOSED),
                _ => {}
            }
        }
        "AMT" if matches!(segment.code(0), "TT" | "GV") => {
            record.number_sure("total", found(1), if segment.code(0) == "TT" { PLAIN } else { CHOSEN });
        }
        "TDS" => {
            let total = segment.get(0, 0).and_then(decimal).map(|cents| cents / Decimal::ONE_HUNDRED);
            record.number("total", total.map(|t| Found { text: t.to_string(), place: segment.place(0) }));
        }
        "MSG" | "NTE" => add_note(note, segment.get(usize::from(tag == "NTE"), 0)),
        _ => {}
    }
}

fn add_note(note: &mut String, words: Option<&str>) {
    const NOTE_BYTES_MAX: usize = 4_000;
    if let Some(words) = words.filter(|_| note.len() < NOTE_BYTES_MAX) {
        if !note.is_empty() {
            note.push_str("; ");
        }
        note.push_str(words);
    }
}

/// Older versions write years in two digits.
fn century(found: Option<Found>) -> Option<Found> {
    let found = found?;
    let short = found.text.len() == 6 && found.text.bytes().all(|b| b.is_ascii_digit());
    Some(if short { Found { text: format!("20{}", found.text), ..found } } else { found })
}

fn contact(segment: &Segment, record: &mut Record) {
    let name = segment.found(1, 0).filter(|name| name.text.chars().any(char::is_alphabetic));
    record.text("buyer_contact", name);
    for at in [2, 4, 6] {
        if segment.code(at) == "EM" {
            record.text("buyer_email", segment.found(at + 1, 0));
        }
    }
}

fn terms(segment: &Segment, record: &mut Record) {
    record.text("payment_terms", segment.found(11, 0));
    if let Some(days) = segment.found(6, 0) {
        let text = format!("Net {}", days.text);
        record.put("payment_terms", Some(Found { text, ..days }), CUSTOM);
    }
}

/// Days that say when goods are wished: delivery requested, required by, requested for, do not deliver after; ship dates
/// say it less surely.
fn wanted(segment: &Segment, name: &str, record: &mut Record) {
    let sure = match segment.code(0) {
        "002" => PLAIN,
        "106" | "074" | "071" => COMPOSED,
        "063" | "067" | "017" => CHOSEN,
        "010" | "038" | "118" => CUSTOM,
        _ => return,
    };
    record.date(name, century(segment.found(1, 0)), sure);
}

/// `N1` with what follows it.
fn take_party(party: &[&Segment], record: &mut Record) {
    let Some(head) = party.first() else { return };
    let name = head.found(1, 0);
    match (head.code(0), head.code(2)) {
        ("BY" | "BT" | "ST", "91") => record.put("account_no", head.found(3, 0), COMPOSED),
        ("SU" | "VN" | "SE", "92") => record.put("supplier_no", head.found(3, 0), COMPOSED),
        _ => {}
    }
    let mut parts = vec![name.clone()];
    let mut has_address = false;
    for segment in party.iter().skip(1) {
        match segment.tag.as_str() {
            "N2" => parts.extend([segment.found(0, 0), segment.found(1, 0)]),
            "N3" => {
                has_address = true;
                parts.extend([segment.found(0, 0), segment.found(1, 0)]);
            }
            "N4" => {
                has_address = true;
                let postcode_first = !matches!(segment.code(3), "" | "US" | "USA" | "CA" | "CAN")
                    || segment.code(1).is_empty();
                if postcode_first {
                    parts.push(beside(segment.found(2, 0), segment.found(0, 0)));
                    parts.push(segment.found(1, 0));
                } else {
                    parts.push(segment.found(0, 0));
                    parts.push(beside(segment.found(1, 0), segment.found(2, 0)));
                }
                parts.push(segment.found(3, 0));
            }
            "PER" if head.code(0) == "BY" => contact(segment, record),
            "REF" if matches!(segment.code(0), "IA" | "VR") => {
                record.text("supplier_no", segment.found(1, 0));
            }
            _ => {}
        }
    }
    let address = join(parts).filter(|_| has_address);
    match head.code(0) {
        "BY" => record.text("buyer_name", name),
        "BT" => {
            record.put("bill_to", address, COMPOSED);
            record.put("buyer_name", name, CUSTOM);
        }
        "ST" => record.put("ship_to", address, COMPOSED),
        "SU" | "VN" | "SE" => record.text("vendor_name", name),
        _ => {}
    }
}

/// `PO1`, `IT1`, or `POC` of a change.
fn open_line(segment: &Segment, line: &mut Record) {
    let change = segment.tag == "POC";
    line.text("line_no", segment.found(0, 0));
    let (quantity, unit, price, basis, pairs) = match segment.tag.as_str() {
        "POC" => (2, 4, 5, 6, 7),
        "LIN" => (usize::MAX, usize::MAX, usize::MAX, usize::MAX, 1),
        _ => (1, 2, 3, 4, 5),
    };
    if change {
        let action = match segment.code(1) {
            "AI" => Some("add"),
            "DI" => Some("cancel"),
            "NC" | "OA" => Some("unchanged"),
            "" => None,
            _ => Some("change"),
        };
        line.put("action", action.map(|a| Found { text: a.to_owned(), place: segment.place(1) }), PLAIN);
    }
    line.number("quantity", segment.found(quantity, 0));
    line.text("unit", segment.found(unit, 0));
    line.number("unit_price", segment.found(price, 0));
    let per = match segment.code(basis) {
        "HP" | "HF" => Some("100"),
        "TP" | "TF" => Some("1000"),
        _ => None,
    };
    line.put("price_per", per.map(|p| Found { text: p.to_owned(), place: segment.place(basis) }), CHOSEN);
    let mut standard_number = None;
    for at in (pairs..segment.elements.len()).step_by(2) {
        let number = segment.found(at + 1, 0);
        match segment.code(at) {
            "VN" | "VP" | "VC" | "VA" => line.text("sku", number),
            "BP" | "IN" | "PI" | "CB" => line.text("customer_sku", number),
            "PD" => line.put("description", number, COMPOSED),
            "SK" | "MG" | "MN" | "EN" | "UP" | "UK" | "UA" | "UI" | "ST" | "EO" => {
                standard_number = standard_number.or(number);
            }
            "LT" | "B8" => line.text("lot", number),
            _ => {}
        }
    }
    line.put("sku", standard_number, CUSTOM);
}

fn in_line(segment: &Segment, line: &mut Record, record: &mut Record, note: &mut String) {
    match segment.tag.as_str() {
        "PID" if matches!(segment.code(0), "F" | "X" | "S" | "") => {
            line.text("description", segment.found(4, 0));
        }
        "DTM" => wanted(segment, "delivery_date", line),
        "SCH" => {
            let named = matches!(segment.code(4), "002" | "106" | "010");
            if line.has("delivery_date") {
                line.doubt("delivery_date", CUSTOM);
            } else if named {
                line.date("delivery_date", century(segment.found(5, 0)), COMPOSED);
            }
        }
        "AMT" if segment.code(0) == "1" => line.number("amount", segment.found(1, 0)),
        "CUR" => record.currency(segment.found(1, 0), COMPOSED),
        "MSG" => add_note(note, segment.get(0, 0)),
        "SN1" => {
            line.number("quantity", segment.found(1, 0));
            line.text("unit", segment.found(2, 0));
        }
        "SAC" => {
            let sum = segment.get(4, 0).and_then(decimal).map(|cents| cents / Decimal::ONE_HUNDRED);
            let sum = sum.map(|sum| if segment.code(0) == "A" { -sum } else { sum });
            line.number("charge", sum.map(|s| Found { text: s.to_string(), place: segment.place(4) }));
        }
        _ => {}
    }
}

/// The number of lines in `CTT`, the number of segments and the control number in `SE`.
fn check_counts(body: &[&Segment], lines: usize, record: &mut Record) {
    let number = |segment: &Segment, element| segment.get(element, 0).and_then(|t| t.parse::<usize>().ok());
    let said_lines = body.iter().find(|s| s.tag == "CTT").and_then(|ctt| number(ctt, 0));
    if let Some(said) = said_lines.filter(|said| *said != lines) {
        record.find("line_count_differs", Severity::Check, super::line_count(said, lines));
    }
    let Some(trailer) = body.last().filter(|s| s.tag == "SE") else {
        record.find("message_cut", Severity::Problem, super::CUT);
        return;
    };
    if let Some(said) = number(trailer, 0).filter(|said| *said != body.len()) {
        record.find("segment_count_differs", Severity::Check, super::segment_count(said, body.len()));
    }
    let opened = body.first().map_or("", |st| st.code(1));
    if trailer.code(1) != opened {
        record.find(
            "control_number_differs",
            Severity::Note,
            super::control_numbers(opened, trailer.code(1)),
        );
    }
}
