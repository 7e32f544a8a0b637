//! UN/EDIFACT: ORDERS and ORDCHG (D.96A, D.01B and later, EANCOM too), and the messages that are not orders.
//!
//! The service string (`UNA`) may change the characters that part it (ISO 9735). Each message between `UNH` and `UNT` is
//! a document. Counts and references are checked.

use super::{
    record::{CHOSEN, COMPOSED, CUSTOM, PLAIN, Record, beside, decimal, join},
    segments::{Marks, Segment, split},
    xml::Found,
};
use crate::model::{
    draft::{Draft, Kind},
    finding::{Finding, Severity},
};
use rust_decimal::Decimal;

/// Which element of `UNB` is the test indicator, from 0.
const TEST_INDICATOR: usize = 10;

/// Whether the text is an interchange of EDIFACT.
pub(super) fn is_interchange(text: &str) -> bool {
    let text = text.trim_start_matches(['\u{feff}', ' ', '\t', '\r', '\n']);
    text.starts_with("UNB+UNO")
        || text.starts_with("UNA")
            && una(text).is_some_and(|(_, rest)| {
                let rest = rest.trim_start();
                rest.starts_with("UNB") || rest.starts_with("UNG") || rest.starts_with("UNH")
            })
        || text.starts_with("UNH+") && text.contains(":UN")
}

/// The service string advice: six characters after `UNA`.
fn una(text: &str) -> Option<(Marks, &str)> {
    let text = text.trim_start_matches(['\u{feff}', ' ', '\t', '\r', '\n']).strip_prefix("UNA")?;
    let mut chars = text.chars();
    let (component, element, decimal, release, _, end) =
        (chars.next()?, chars.next()?, chars.next()?, chars.next()?, chars.next()?, chars.next()?);
    if element.is_alphanumeric() || end.is_alphanumeric() || component == element {
        return None;
    }
    let release = (!release.is_whitespace()).then_some(release);
    Some((Marks { component, element, tag: element, release, end, decimal }, chars.as_str()))
}

/// The documents of the interchange.
pub(super) fn read(text: &str) -> Vec<Draft> {
    let standard =
        Marks { component: ':', element: '+', tag: '+', release: Some('?'), end: '\'', decimal: '.' };
    let (marks, text) = una(text).unwrap_or((standard, text.trim_start_matches('\u{feff}')));
    let segments = split(text, marks);
    let mut drafts = Vec::new();
    let mut test = None;
    let mut open: Option<Vec<&Segment>> = None;
    for segment in &segments {
        match segment.tag.as_str() {
            "UNB" => test = segment.found(TEST_INDICATOR, 0).filter(|found| found.text == "1"),
            "UNH" => {
                if let Some(body) = open.replace(vec![segment]) {
                    drafts.push(document(&body, test.as_ref(), marks));
                }
            }
            "UNT" | "UNE" | "UNZ" => {
                if let Some(mut body) = open.take() {
                    if segment.tag == "UNT" {
                        body.push(segment);
                    }
                    drafts.push(document(&body, test.as_ref(), marks));
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
        drafts.push(document(&body, test.as_ref(), marks));
    }
    let said = segments.iter().find(|s| s.tag == "UNZ").and_then(|unz| unz.get(0, 0)?.parse::<usize>().ok());
    let there = drafts.len();
    if let Some(said) = said.filter(|said| *said != there)
        && let Some(first) = drafts.iter_mut().find(|draft| draft.kind != Kind::Other)
    {
        let message = format!(
            "The interchange says that it holds {said} messages, but {there} are there: ask the sender whether some were lost."
        );
        first.findings.push(Finding::new("message_count_differs", Severity::Check, message));
    }
    if drafts.is_empty() {
        drafts.push(Record::header("EDIFACT").finish(Kind::Other, Vec::new(), None));
    }
    drafts
}

fn document(body: &[&Segment], test: Option<&Found>, marks: Marks) -> Draft {
    let name = body.first().map_or("", |unh| unh.code(1));
    let bgm = body.iter().find(|s| s.tag == "BGM");
    let function = bgm.map_or("", |bgm| bgm.code(2));
    let kind = match (name, function) {
        ("ORDERS" | "ORDCHG", "1" | "3") => Kind::PurchaseOrderCancellation,
        ("ORDCHG", _) | ("ORDERS", "4" | "5") => Kind::PurchaseOrderChange,
        ("ORDERS", _) if bgm.is_some_and(|bgm| bgm.code(0) == "231") => Kind::Other,
        ("ORDERS", _) => Kind::PurchaseOrder,
        ("INVOIC", _) => Kind::Invoice,
        ("DESADV", _) => Kind::DeliveryNote,
        ("REQOTE", _) => Kind::Quotation,
        ("REMADV", _) => Kind::RemittanceAdvice,
        _ => Kind::Other,
    };
    let release = body.first().and_then(|unh| unh.get(1, 2)).unwrap_or_default();
    let standard = format!("EDIFACT {name} {release}").trim_end().to_owned();
    let mut record = Record::header(&standard);
    if let Some(test) = test {
        record.mark_test(&format!("UNB test indicator, {}", test.place));
    }
    if matches!(function, "7" | "31" | "43") {
        record.mark_copy(&format!("message function {function}"));
    }
    let lines = Walk { kind, marks, standard: &standard, record: &mut record, lines: Vec::new() }.run(body);
    check_counts(body, lines.len(), &mut record);
    record.finish(kind, lines, None)
}

/// Reading one message segment by segment.
struct Walk<'a> {
    kind: Kind,
    marks: Marks,
    standard: &'a str,
    record: &'a mut Record,
    lines: Vec<Record>,
}

/// Where the segments at hand belong.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Group {
    Head,
    Party,
    Line,
    /// A party or allowance of a line, or anything else that is not the line itself.
    Inner,
    Summary,
}

impl Walk<'_> {
    fn run(mut self, body: &[&Segment]) -> Vec<Record> {
        let mut group = Group::Head;
        let mut party = "";
        for segment in body {
            let tag = segment.tag.as_str();
            group = match (tag, group) {
                ("LIN", _) => Group::Line,
                ("UNS", _) if segment.code(0) == "S" => Group::Summary,
                ("NAD" | "ALC" | "TDT", Group::Line | Group::Inner) => Group::Inner,
                ("NAD", _) => Group::Party,
                ("CUX" | "PAT" | "PYT" | "TOD" | "ALC" | "TDT" | "TAX" | "RFF" | "DTM", Group::Party)
                    if !(tag == "RFF" || tag == "DTM") =>
                {
                    Group::Head
                }
                (_, group) => group,
            };
            match group {
                Group::Party => {
                    if tag == "NAD" {
                        party = segment.code(0);
                        self.name_party(segment);
                    } else {
                        self.in_party(segment, party);
                    }
                }
                Group::Line => {
                    if tag == "LIN" {
                        self.open_line(segment);
                    } else {
                        self.in_line(segment);
                    }
                }
                Group::Inner => {}
                Group::Head => self.in_head(segment),
                Group::Summary => self.in_summary(segment),
            }
        }
        self.lines
    }

    /// A number with the decimal mark of the interchange.
    fn number(&self, found: Option<Found>) -> Option<Found> {
        let found = found?;
        let text = if self.marks.decimal == ',' { found.text.replace(',', ".") } else { found.text };
        // ISO 9735 lets both marks stand
        let text =
            if text.matches(',').count() == 1 && !text.contains('.') { text.replace(',', ".") } else { text };
        Some(Found { text, ..found })
    }

    fn in_head(&mut self, segment: &Segment) {
        match segment.tag.as_str() {
            "BGM" => {
                let number = segment.found(1, 0);
                if matches!(self.kind, Kind::PurchaseOrderChange | Kind::PurchaseOrderCancellation) {
                    // the order that it changes is named by a reference, else the number is its own
                    self.record.text("number_of_message", number);
                } else {
                    self.record.text("po_number", number);
                }
                if segment.code(0) == "221" {
                    let message = "This is a blanket order: goods are called off later.";
                    self.record.find("blanket_order", Severity::Check, message);
                }
            }
            "DTM" => self.date(segment, None),
            "RFF" => self.reference(segment),
            "CUX" => self.record.currency(segment.found(0, 1), PLAIN),
            "PAT" | "PYT" => self.terms(segment),
            "TOD" => self.record.text("incoterms", segment.found(2, 0)),
            "LOC" if segment.code(0) == "1" && self.record.has("incoterms") => {
                self.record.doubt("incoterms", CHOSEN);
            }
            "FTX" => {
                let words: Vec<&str> = (0..5).filter_map(|at| segment.get(3, at)).collect();
                self.record.note(&words.join(" "));
            }
            "MOA" => self.in_summary(segment),
            _ => {}
        }
    }

    fn reference(&mut self, segment: &Segment) {
        let number = segment.found(0, 1);
        match segment.code(0) {
            "ON" if matches!(self.kind, Kind::PurchaseOrderChange | Kind::PurchaseOrderCancellation) => {
                self.record.text("po_number", number);
                self.record.rename("number_of_message", "revision");
            }
            "ON" if self.kind != Kind::PurchaseOrder => self.record.text("po_number_of_order", number),
            "AAG" | "PR" => self.record.text("quote_ref", number),
            "IT" | "ADE" => self.record.put("account_no", number, COMPOSED),
            "IA" | "VN" if segment.code(0) == "IA" => self.record.text("supplier_no", number),
            _ => {}
        }
    }

    fn date(&mut self, segment: &Segment, line: Option<usize>) {
        let code = segment.code(0);
        let Some(found) = segment.found(0, 1) else { return };
        let found = Found { text: day(&found.text, segment.get(0, 2).unwrap_or_default()), ..found };
        let week = found.text.contains("-W");
        let (name, sure) = match (code, self.kind) {
            ("137" | "4", Kind::PurchaseOrder) if line.is_none() => ("order_date", PLAIN),
            ("137", Kind::PurchaseOrderChange) if line.is_none() => ("change_date", PLAIN),
            ("137", Kind::PurchaseOrderCancellation) if line.is_none() => ("cancellation_date", PLAIN),
            ("4", _) if line.is_none() => ("order_date", PLAIN),
            ("137" | "3", Kind::Invoice) => ("invoice_date", PLAIN),
            ("13" | "140", Kind::Invoice) => ("due_date", PLAIN),
            ("137", Kind::Quotation) => ("rfq_date", PLAIN),
            ("137", Kind::RemittanceAdvice) => ("payment_date", CHOSEN),
            ("11" | "137", Kind::DeliveryNote) => ("shipped_date", CHOSEN),
            ("2", _) => (if line.is_some() { "delivery_date" } else { "requested_date" }, PLAIN),
            ("63" | "69" | "61" | "17" | "74", _) => {
                (if line.is_some() { "delivery_date" } else { "requested_date" }, CHOSEN)
            }
            ("10" | "64" | "200", _) => {
                (if line.is_some() { "delivery_date" } else { "requested_date" }, CUSTOM)
            }
            _ => return,
        };
        let record = match line {
            Some(at) => match self.lines.get_mut(at) {
                Some(line) => line,
                None => return,
            },
            None => &mut *self.record,
        };
        if line.is_some() && record.has(name) {
            record.doubt(name, CUSTOM);
        } else if week {
            record.put(name, Some(found), COMPOSED);
        } else {
            record.date(name, Some(found), sure);
        }
    }

    fn terms(&mut self, segment: &Segment) {
        let words: Vec<&str> = [1, 2, 3, 4].into_iter().filter_map(|at| segment.get(1, at)).collect();
        let words = words.into_iter().filter(|w| w.chars().filter(|c| c.is_alphabetic()).count() >= 3);
        let words = words.collect::<Vec<_>>().join(" ");
        if !words.is_empty() {
            let found = Found { text: words, place: segment.place(1) };
            self.record.put("payment_terms", Some(found), COMPOSED);
        } else if let (Some(days), Some("D")) = (segment.get(2, 3), segment.get(2, 2)) {
            let found = Found { text: format!("{days} days"), place: segment.place(2) };
            self.record.put("payment_terms", Some(found), CUSTOM);
        }
    }

    fn name_party(&mut self, segment: &Segment) {
        let function = segment.code(0);
        let unstructured: Vec<Option<Found>> = (0..5).map(|at| segment.found(2, at)).collect();
        let named: Vec<Found> = (0..5).filter_map(|at| segment.found(3, at)).collect();
        let name = named.first().cloned().or_else(|| unstructured.iter().flatten().next().cloned());
        let streets = (0..4).map(|at| segment.found(4, at));
        let town = beside(segment.found(7, 0), segment.found(5, 0));
        let country = segment.found(8, 0);
        let structured = segment.get(4, 0).is_some() || segment.get(5, 0).is_some();
        let parts: Vec<Option<Found>> =
            named.into_iter().map(Some).chain(unstructured).chain(streets).chain([town, country]).collect();
        let address = (structured || parts.iter().flatten().count() > 2).then(|| join(parts)).flatten();
        let (id, owner) = (segment.found(1, 0), segment.get(1, 2).unwrap_or_default());
        match function {
            "BY" | "OB" => {
                if owner == "91" {
                    self.record.put("account_no", id.clone(), COMPOSED);
                }
                match (&name, &id) {
                    (None, Some(id)) => {
                        let message = format!(
                            "The buyer is named only by the number {}: find the account that has it.",
                            id.text
                        );
                        self.record.find("buyer_only_by_number", Severity::Check, message);
                    }
                    _ => self.record.text("buyer_name", name),
                }
            }
            "SU" | "SE" | "SR" => {
                if owner == "92" {
                    self.record.put("supplier_no", id, COMPOSED);
                }
                self.record.text("vendor_name", name);
            }
            "DP" | "ST" | "CN" | "UC" => {
                if address.is_none()
                    && let Some(id) = id
                {
                    let message =
                        format!("The place of delivery is named only by the number {}: look it up.", id.text);
                    self.record.find("ship_to_only_by_number", Severity::Note, message);
                }
                self.record.put("ship_to", address, if function == "UC" { CUSTOM } else { COMPOSED });
            }
            "IV" | "BT" | "PR" => self.record.put("bill_to", address, COMPOSED),
            _ => {}
        }
    }

    fn in_party(&mut self, segment: &Segment, party: &str) {
        match (segment.tag.as_str(), party) {
            ("CTA", "BY" | "OB") => {
                let name = segment.found(1, 1).or_else(|| segment.found(1, 0));
                self.record.put("buyer_contact", name, COMPOSED);
            }
            ("COM", "BY" | "OB") => {
                for at in 0..segment.elements.len() {
                    if segment.get(at, 1) == Some("EM") {
                        self.record.text("buyer_email", segment.found(at, 0));
                    }
                }
            }
            ("RFF", "BY") if matches!(segment.code(0), "IT" | "ADE") => {
                self.record.put("account_no", segment.found(0, 1), COMPOSED);
            }
            ("RFF", "SU") if segment.code(0) == "IA" || segment.code(0) == "YC1" => {
                self.record.put("supplier_no", segment.found(0, 1), COMPOSED);
            }
            ("RFF", _) if matches!(segment.code(0), "ON" | "AAG" | "PR") => self.reference(segment),
            _ => {}
        }
    }

    fn open_line(&mut self, segment: &Segment) {
        let mut line = Record::line(self.standard, self.lines.len());
        line.text("line_no", segment.found(0, 0));
        if self.kind == Kind::PurchaseOrderChange {
            let action = super::line_action(segment.code(1));
            line.put("action", action.map(|a| Found { text: a.to_owned(), place: segment.place(1) }), PLAIN);
        }
        item_number(segment, 2, &mut line);
        self.lines.push(line);
    }

    fn in_line(&mut self, segment: &Segment) {
        let Some(at) = self.lines.len().checked_sub(1) else { return };
        if segment.tag == "DTM" {
            return self.date(segment, Some(at));
        }
        let money = self.number(segment.found(0, 1));
        let per = self.number(segment.found(0, 4));
        let Some(line) = self.lines.get_mut(at) else { return };
        match segment.tag.as_str() {
            "PIA" => (1..segment.elements.len()).for_each(|at| item_number(segment, at, line)),
            "IMD" => {
                let words: Vec<&str> = [3, 4].into_iter().filter_map(|at| segment.get(2, at)).collect();
                if !words.is_empty() {
                    let found = Found { text: words.join(" "), place: segment.place(2) };
                    line.text("description", Some(found));
                }
            }
            "QTY" => {
                let sure = match segment.code(0) {
                    "21" | "47" | "12" => PLAIN,
                    "1" => COMPOSED,
                    _ => return,
                };
                if !line.has("quantity") {
                    line.number_sure("quantity", money, sure);
                    line.text("unit", segment.found(0, 2));
                }
            }
            "PRI" => {
                let sure = match segment.code(0) {
                    "AAA" | "CAL" | "INV" => PLAIN,
                    "AAB" | "AAE" => CHOSEN,
                    _ => return,
                };
                if !line.has("unit_price") {
                    line.number_sure("unit_price", money, sure);
                    line.number("price_per", per.filter(|p| decimal(&p.text) != Some(Decimal::ONE)));
                }
            }
            "MOA" if matches!(segment.code(0), "203" | "66") => {
                line.number_sure("amount", money, if segment.code(0) == "203" { PLAIN } else { CHOSEN });
            }
            "FTX" => {
                let words: Vec<&str> = (0..5).filter_map(|at| segment.get(3, at)).collect();
                let words = words.join(" ");
                if line.has("description") {
                    line.note(&format!("line {}: {words}", at + 1));
                } else if !words.is_empty() {
                    let found = Found { text: words, place: segment.place(3) };
                    line.put("description", Some(found), CHOSEN);
                }
            }
            _ => {}
        }
    }

    fn in_summary(&mut self, segment: &Segment) {
        if segment.tag != "MOA" {
            return;
        }
        let money = self.number(segment.found(0, 1));
        let (name, sure) = match segment.code(0) {
            "79" => ("subtotal", PLAIN),
            "86" | "77" | "39" => ("total", PLAIN),
            "128" | "9" => ("total", CHOSEN),
            "124" | "176" => ("tax", PLAIN),
            "260" => ("discount", COMPOSED),
            "259" => ("shipping", CHOSEN),
            _ => return,
        };
        self.record.number_sure(name, money, sure);
        self.record.currency(segment.found(0, 2), COMPOSED);
    }
}

/// An item number with its type: ours, the customer's, or a standard one.
fn item_number(segment: &Segment, at: usize, line: &mut Record) {
    let number = segment.found(at, 0);
    match segment.get(at, 1).unwrap_or_default() {
        "SA" | "VN" | "VP" => {
            line.drop_if_below("sku", COMPOSED);
            line.text("sku", number);
        }
        "IN" | "BP" | "BO" => line.text("customer_sku", number),
        "NB" => line.text("lot", number),
        "EN" | "SRV" | "UP" | "GTIN" | "IB" | "UA" | "MF" | "MN" => line.put("sku", number, CHOSEN),
        _ => {}
    }
}

/// A day in the given format (UNCL 2379), ISO where it is understood.
fn day(text: &str, format: &str) -> String {
    let part = |range: std::ops::Range<usize>| text.get(range).unwrap_or_default();
    match format {
        "101" => format!("20{text}"),
        "2" | "3" if text.len() == 6 => {
            let (day, month) =
                if format == "2" { (part(0..2), part(2..4)) } else { (part(2..4), part(0..2)) };
            format!("20{}{month}{day}", part(4..6))
        }
        "4" if text.len() == 8 => format!("{}{}{}", part(4..8), part(2..4), part(0..2)),
        "616" if text.len() == 6 => format!("{}-W{}", part(0..4), part(4..6)),
        "718" if text.len() >= 16 => part(8..16).to_owned(),
        _ => text.to_owned(),
    }
}

/// `CNT+2` counts lines; `UNT` counts segments and repeats the reference of `UNH`.
fn check_counts(body: &[&Segment], lines: usize, record: &mut Record) {
    let number = |segment: &Segment, at, part| segment.get(at, part).and_then(|t| t.parse::<usize>().ok());
    let said = body.iter().find(|s| s.tag == "CNT" && s.code(0) == "2").and_then(|cnt| number(cnt, 0, 1));
    if let Some(said) = said.filter(|said| *said != lines) {
        record.find("line_count_differs", Severity::Check, super::line_count(said, lines));
    }
    let Some(trailer) = body.last().filter(|s| s.tag == "UNT") else {
        record.find("message_cut", Severity::Problem, super::CUT);
        return;
    };
    if let Some(said) = number(trailer, 0, 0).filter(|said| *said != body.len()) {
        record.find("segment_count_differs", Severity::Check, super::segment_count(said, body.len()));
    }
    let opened = body.first().map_or("", |unh| unh.code(0));
    if trailer.code(1) != opened {
        record.find(
            "control_number_differs",
            Severity::Note,
            super::control_numbers(opened, trailer.code(1)),
        );
    }
}
