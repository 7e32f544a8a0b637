//! Dates that no known label claims, given to the fields of dates that are still open.
//!
//! A document of trade has few dates. When all but one have found their field, and one field is open, the labels need
//! not be understood: goods are wanted after they are ordered, answers after they are asked for.

use super::mark::{Marked, marked_at};
use crate::{
    extract::{
        date::{Order, is_clock, parse_date},
        draft::{Reading, propose},
        layout::{Layout, Segment, Word, join},
    },
    model::{
        draft::{Kind, Proposal, Source},
        page::Rect,
    },
};
use jiff::civil::Date;
use std::collections::{BTreeMap, HashSet};

/// Share of a page below which dates belong to its foot.
const FOOT: f32 = 0.88;
/// How sure a date is that nothing but its place among the others names.
const SURE: f32 = 0.7;

/// How sure the date right after the number of an order is that of the order.
const OF_ORDER: f32 = 0.85;

/// The field of a date that a document of this kind has, and the one that is always earlier.
fn open_field(kind: Kind) -> Option<(&'static str, Option<&'static str>)> {
    match kind {
        Kind::PurchaseOrder => Some(("requested_date", Some("order_date"))),
        Kind::Quotation => Some(("response_due", Some("rfq_date"))),
        Kind::DeliveryNote => Some(("shipped_date", None)),
        Kind::RemittanceAdvice => Some(("payment_date", None)),
        _ => None,
    }
}

/// The date that is left when all others have found their field, for the field of a date that is still open.
pub fn find_date(
    layout: &Layout,
    marks: &[Vec<Option<Marked>>],
    table_rows: &HashSet<usize>,
    fields: &BTreeMap<String, Proposal>,
    reading: &Reading,
) -> Option<(&'static str, Proposal)> {
    let (open, earlier) = open_field(reading.kind).filter(|(open, _)| !fields.contains_key(*open))?;
    let first = match earlier {
        Some(name) => Some(fields.get(name)?.value.as_text()?.to_owned()),
        None => None,
    };
    let taken: Vec<Rect> = fields
        .values()
        .filter_map(|p| match &p.source {
            Source::Page { bbox, .. } => Some(*bbox),
            _ => None,
        })
        .collect();
    let stamps = stamps(layout, marks);
    let mut left: BTreeMap<String, Vec<Word>> = BTreeMap::new();
    let page = layout.rows.first()?.page;
    for (index, row) in layout.rows.iter().enumerate() {
        if row.page != page || row.y0() > FOOT * layout.height || table_rows.contains(&index) {
            continue;
        }
        for (at, segment) in row.segments.iter().enumerate() {
            // a label that is known has another meaning
            let known = marked_at(marks, index, at).is_some_and(|m| m.field.is_some());
            let beside =
                at > 0 && marked_at(marks, index, at - 1).is_some_and(|m| m.field.is_some() && m.whole);
            if beside || known && !follows_number(&segment.words, reading) || is_moment(&segment.words) {
                continue;
            }
            for (iso, words) in dates_in(&segment.words, reading) {
                let used = words.first().is_some_and(|w| {
                    taken.iter().any(|r| {
                        r.x0 <= w.rect.x1 && w.rect.x0 <= r.x1 && r.y0 <= w.rect.y1 && w.rect.y0 <= r.y1
                    })
                });
                let stamped = words.first().is_some_and(|w| stamps.iter().any(|s| is_of_stamp(s, w)));
                if !used && !stamped {
                    left.entry(iso).or_insert(words);
                }
            }
        }
    }
    left.retain(|iso, _| first.as_ref().is_none_or(|first| follows(first, iso)));
    let (iso, words) = left.pop_first().filter(|_| left.is_empty())?;
    let unsure = reading.order == Order::Unknown
        && parse_date(&join(&words), reading.order).is_some_and(|d| d.ambiguous);
    Some((open, propose(iso, &words, if unsure { 0.5 } else { SURE })))
}

/// Where a stamp says that the document was received.
fn stamps<'a>(layout: &'a Layout, marks: &[Vec<Option<Marked>>]) -> Vec<&'a Segment> {
    let rows = layout.rows.iter().enumerate();
    let all =
        rows.flat_map(|(index, row)| row.segments.iter().enumerate().map(move |(at, s)| (index, at, s)));
    all.filter(|(index, at, _)| marked_at(marks, *index, *at).is_some_and(|m| m.field == Some("stamp")))
        .map(|(_, _, segment)| segment)
        .collect()
}

/// How far below its words the date of a stamp ends at most, in heights of the letters.
const STAMP_HEIGHTS: f32 = 4.0;

/// Whether a word stands below the words of a stamp, or beside them.
fn is_of_stamp(stamp: &Segment, word: &Word) -> bool {
    let apart = (word.x0 - stamp.x1()).max(stamp.x0() - word.x1);
    let down = word.y0 - stamp.y1();
    word.page == stamp.page
        && apart < 2.0 * stamp.height()
        && down > -1.5 * stamp.height()
        && down < STAMP_HEIGHTS * stamp.height()
}

/// `Amendment of 30 Oct … to order PO-2483 dated 13 Oct`: the date after the number of the order is the order's, another
/// one that was taken for it is that of the change.
pub fn part_dates(layout: &Layout, reading: &Reading, fields: &mut BTreeMap<String, Proposal>) {
    let own = match reading.kind {
        Kind::PurchaseOrderChange => "change_date",
        Kind::PurchaseOrderCancellation => "cancellation_date",
        _ => return,
    };
    let Some(number) = fields.get("po_number").and_then(|p| p.value.as_text()).map(str::to_owned) else {
        return;
    };
    let bare = |w: &Word| w.text.trim_matches(|c: char| !c.is_alphanumeric()) == number;
    let after = layout.rows.iter().flat_map(|r| &r.segments).find_map(|segment| {
        let at = segment.words.iter().position(bare)?;
        dates_in(segment.words.get(at + 1..)?, reading).into_iter().next()
    });
    let Some((iso, words)) = after else { return };
    let text = |fields: &BTreeMap<String, Proposal>, name: &str| {
        fields.get(name).and_then(|p| p.value.as_text()).map(str::to_owned)
    };
    let date = propose(iso.clone(), &words, OF_ORDER);
    // the same day may well stand elsewhere, too
    if fields.get(own).is_some_and(|p| is_within(&p.source, &date.source)) {
        fields.remove(own);
    }
    if text(fields, "order_date").as_deref() == Some(iso.as_str()) {
        return;
    }
    if let Some(other) = fields.insert("order_date".to_owned(), date) {
        fields.entry(own.to_owned()).or_insert(other);
    }
}

/// Whether the middle of one place lies in another.
fn is_within(one: &Source, other: &Source) -> bool {
    let (Source::Page { page, bbox }, Source::Page { page: number, bbox: all }) = (one, other) else {
        return false;
    };
    let (x, y) = (f32::midpoint(bbox.x0, bbox.x1), f32::midpoint(bbox.y0, bbox.y1));
    page == number && (all.x0..=all.x1).contains(&x) && (all.y0..=all.y1).contains(&y)
}

/// `N° AE260771 du 27/03/2026`: a number, then a date.
fn follows_number(words: &[Word], reading: &Reading) -> bool {
    let code = words.iter().position(|w| w.text.chars().filter(char::is_ascii_digit).count() >= 3);
    code.and_then(|at| words.get(at..)).is_some_and(|rest| {
        dates_in(rest.get(..1).unwrap_or_default(), reading).is_empty() && !dates_in(rest, reading).is_empty()
    })
}

/// `11/22/26, 7:05 PM`: when a page was printed, or a record written.
fn is_moment(words: &[Word]) -> bool {
    words.iter().any(|w| is_clock(&w.text))
}

/// Days after an order within which its goods are wanted.
const WANTED_DAYS: i32 = 200;

/// Whether one ISO date follows another within the days in which goods are wanted.
fn follows(first: &str, then: &str) -> bool {
    let days = |a: &str, b: &str| -> Option<i32> {
        let (a, b): (Date, Date) = (a.parse().ok()?, b.parse().ok()?);
        Some(a.until(b).ok()?.get_days())
    };
    days(first, then).is_some_and(|days| (1..=WANTED_DAYS).contains(&days))
}

/// The dates among these words.
fn dates_in(words: &[Word], reading: &Reading) -> Vec<(String, Vec<Word>)> {
    let mut out = Vec::new();
    let mut at = 0;
    while at < words.len() {
        let rest = words.get(at..words.len().min(at + 4)).unwrap_or_default();
        match parse_date(&join(rest), reading.order) {
            Some(date) if date.words > 0 => {
                out.push((date.iso, rest.get(..date.words).unwrap_or(rest).to_vec()));
                at += date.words;
            }
            _ => at += 1,
        }
    }
    out
}
