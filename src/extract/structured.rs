//! Orders that say themselves what their parts are: XML and EDI messages into drafts, exactly and without a picture.
//!
//! What a text is shows in its content: the namespace of the root, or the service segments. Each message in it gives a
//! draft; messages of these families that are not orders get their own kind. Faults of form become findings.
//! Does not: fetch or expand anything the text refers to; correct what is wrong. Limits: [`DRAFTS_MAX`], and those of
//! the tree and the segments.

mod cii;
mod cxml;
mod edifact;
mod opentrans;
pub mod picture;
mod record;
mod segments;
mod tradacoms;
mod ubl;
mod x12;
mod xml;

use crate::model::{
    draft::{Draft, Kind},
    finding::{Finding, Severity},
};
use record::Record;
use rust_decimal::Decimal;
use xml::{Element, Fault, Tree};

/// Messages of one file that become drafts.
const DRAFTS_MAX: usize = 500;
/// How deep documents may stand in envelopes such as the Standard Business Document Header.
const ENVELOPE_DEPTH_MAX: usize = 4;

/// Whether the text is a message that is read here.
pub fn is_structured(text: &str) -> bool {
    x12::is_interchange(text)
        || edifact::is_interchange(text)
        || tradacoms::is_transmission(text)
        || looks_like_xml(text) && Tree::parse(text).root().is_some_and(|root| !documents(root).is_empty())
}

/// The documents in the text; empty if it is none of the known families.
pub fn read(text: &str) -> Vec<Draft> {
    let mut drafts = if x12::is_interchange(text) {
        x12::read(text)
    } else if edifact::is_interchange(text) {
        edifact::read(text)
    } else if tradacoms::is_transmission(text) {
        tradacoms::read(text)
    } else if looks_like_xml(text) {
        read_xml(text)
    } else {
        Vec::new()
    };
    if drafts.len() > DRAFTS_MAX {
        let message = format!(
            "The file holds {} messages, of which {DRAFTS_MAX} were read: ask the sender to send fewer at a time.",
            drafts.len()
        );
        drafts.truncate(DRAFTS_MAX);
        if let Some(last) = drafts.last_mut() {
            last.findings.push(Finding::new("message_limit", Severity::Problem, message));
        }
    }
    drafts
}

fn looks_like_xml(text: &str) -> bool {
    text.trim_start_matches('\u{feff}').trim_start().starts_with('<')
}

fn read_xml(text: &str) -> Vec<Draft> {
    let tree = Tree::parse(text);
    let Some(root) = tree.root() else { return Vec::new() };
    let mut drafts: Vec<Draft> = Vec::new();
    for document in documents(root).into_iter().take(DRAFTS_MAX + 1) {
        if cxml::is_document(document) {
            drafts.extend(cxml::read(document));
        } else if cii::is_document(document) {
            drafts.push(cii::read(document));
        } else if opentrans::is_document(document) {
            drafts.push(opentrans::read(document));
        } else {
            drafts.push(ubl::read(document));
        }
    }
    for draft in drafts.iter_mut().filter(|draft| draft.kind != Kind::Other) {
        draft.findings.extend(tree.faults.iter().map(|fault| said(*fault)));
    }
    drafts
}

fn said(fault: Fault) -> Finding {
    let (code, severity, message) = match fault {
        Fault::Broken => (
            "broken_file",
            Severity::Problem,
            "The XML file breaks off or is not well-formed; what stands before the fault was read: ask the sender for it again.",
        ),
        Fault::TooLarge => (
            "file_too_large",
            Severity::Problem,
            "The XML file is larger or deeper than is read; the rest was left out: ask the sender for smaller orders.",
        ),
        Fault::Entity => (
            "entity_not_read",
            Severity::Check,
            "The XML file refers to entities outside of itself, which are never loaded: compare the draft with the customer's paper.",
        ),
    };
    Finding::new(code, severity, message)
}

/// The documents at or below an element, those in envelopes included.
fn documents(root: Element<'_>) -> Vec<Element<'_>> {
    let is_document = |element: Element<'_>| {
        cxml::is_document(element)
            || cii::is_document(element)
            || ubl::is_document(element)
            || opentrans::is_document(element)
    };
    let mut found = Vec::new();
    let mut level = vec![root];
    for _ in 0..ENVELOPE_DEPTH_MAX {
        let (here, rest): (Vec<_>, Vec<_>) = level.into_iter().partition(|element| is_document(*element));
        found.extend(here);
        level = rest.into_iter().flat_map(Element::children).collect();
    }
    found
}

/// What is done to a line of a changed order (UNCL 1229).
fn line_action(code: &str) -> Option<&'static str> {
    Some(match code {
        "1" => "add",
        "2" => "cancel",
        "3" | "6" => "change",
        "4" | "5" | "42" => "unchanged",
        _ => return None,
    })
}

/// Quantity times price of a line.
fn full_amount(line: &Record) -> Option<Decimal> {
    let per = line.decimal("price_per").filter(|per| !per.is_zero()).unwrap_or(Decimal::ONE);
    line.decimal("quantity")?.checked_mul(line.decimal("unit_price")?)?.checked_div(per)
}

/// A message without its end.
const CUT: &str = "The message breaks off before its end; lines may be missing: ask the sender for it again.";

fn line_count(said: usize, lines: usize) -> String {
    format!(
        "The message says that it has {said} lines, but {lines} are there: ask the sender whether some were lost."
    )
}

fn segment_count(said: usize, segments: usize) -> String {
    format!(
        "The message says that it has {said} segments, but {segments} are there: ask the sender whether it is complete."
    )
}

fn control_numbers(first: &str, last: &str) -> String {
    format!(
        "The message starts with the control number {first} and ends with {last}: it may be put together of two."
    )
}
