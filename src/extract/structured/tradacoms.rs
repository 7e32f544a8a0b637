//! TRADACOMS, the older standard of British retail: `ORDERS` messages. Its dates are `YYMMDD`.

use super::{
    record::{COMPOSED, PLAIN, Record, join},
    segments::{Marks, Segment, split},
    xml::Found,
};
use crate::model::{
    draft::{Draft, Kind},
    finding::Severity,
};

const MARKS: Marks =
    Marks { component: ':', element: '+', tag: '=', release: Some('?'), end: '\'', decimal: '.' };

/// Whether the text is a transmission of TRADACOMS.
pub(super) fn is_transmission(text: &str) -> bool {
    text.trim_start_matches(['\u{feff}', ' ', '\t', '\r', '\n']).starts_with("STX=ANA")
}

/// Each order message of the transmission; the file header names the parties.
pub(super) fn read(text: &str) -> Vec<Draft> {
    let segments = split(text.trim_start_matches('\u{feff}'), MARKS);
    let parties: Vec<&Segment> =
        segments.iter().filter(|s| matches!(s.tag.as_str(), "SDT" | "CDT" | "STX")).collect();
    let mut drafts = Vec::new();
    let mut open: Option<Vec<&Segment>> = None;
    for segment in &segments {
        match segment.tag.as_str() {
            "MHD" => open = (segment.code(1) == "ORDERS").then(|| vec![segment]),
            "MTR" => drafts.extend(open.take().map(|body| order(&body, &parties, Some(segment)))),
            "END" => drafts.extend(open.take().map(|body| order(&body, &parties, None))),
            _ => {
                if let Some(body) = &mut open {
                    body.push(segment);
                }
            }
        }
    }
    drafts.extend(open.map(|body| order(&body, &parties, None)));
    if drafts.is_empty() {
        drafts.push(Record::header("TRADACOMS").finish(Kind::Other, Vec::new(), None));
    }
    drafts
}

/// `YYMMDD` of this century or the last.
fn day(found: Option<Found>) -> Option<Found> {
    let found = found?;
    let late = found.text.get(..2).and_then(|year| year.parse::<u8>().ok()).is_some_and(|year| year >= 80);
    Some(Found { text: format!("{}{}", if late { "19" } else { "20" }, found.text), ..found })
}

fn order(body: &[&Segment], parties: &[&Segment], trailer: Option<&Segment>) -> Draft {
    const STANDARD: &str = "TRADACOMS ORDERS";
    let mut record = Record::header(STANDARD);
    let mut lines: Vec<Record> = Vec::new();
    for party in parties {
        match party.tag.as_str() {
            "SDT" => {
                record.text("vendor_name", party.found(1, 0));
                record.put("supplier_no", party.found(0, 1), COMPOSED);
            }
            "CDT" => record.text("buyer_name", party.found(1, 0)),
            _ => {}
        }
    }
    for segment in body {
        match segment.tag.as_str() {
            "ORD" => {
                record.text("po_number", segment.found(0, 0));
                record.date("order_date", day(segment.found(0, 2)), PLAIN);
            }
            "DIN" => {
                record.date("requested_date", day(segment.found(0, 0)), COMPOSED);
                let words: Vec<&str> = (0..4).filter_map(|at| segment.get(3, at)).collect();
                record.note(&words.join(" "));
            }
            "CLO" => {
                let address = (0..5).map(|at| segment.found(2, at));
                let place = join(std::iter::once(segment.found(1, 0)).chain(address));
                record.put("ship_to", place.filter(|p| p.text.contains(", ")), COMPOSED);
            }
            "OLD" => {
                let mut line = Record::line(STANDARD, lines.len());
                line.text("line_no", segment.found(0, 0));
                line.text("sku", segment.found(1, 1));
                line.put("sku", segment.found(1, 0), super::record::CHOSEN);
                line.text("customer_sku", segment.found(3, 0).or_else(|| segment.found(3, 1)));
                line.number("quantity", segment.found(5, 0));
                line.text("description", segment.found(9, 0).or_else(|| segment.found(10, 0)));
                lines.push(line);
            }
            "OTR" => {
                let said = segment.get(0, 0).and_then(|t| t.parse::<usize>().ok());
                if let Some(said) = said.filter(|said| *said != lines.len()) {
                    record.find("line_count_differs", Severity::Check, super::line_count(said, lines.len()));
                }
            }
            _ => {}
        }
    }
    match trailer.and_then(|mtr| mtr.get(0, 0)?.parse::<usize>().ok()) {
        Some(said) if said != body.len() + 1 => {
            record.find("segment_count_differs", Severity::Check, super::segment_count(said, body.len() + 1));
        }
        Some(_) => {}
        None => record.find("message_cut", Severity::Problem, super::CUT),
    }
    record.finish(Kind::PurchaseOrder, lines, None)
}
