//! The day on which a form was signed: it stands beside, over or under the label of the signature, and its own label,
//! if it has one, may stand anywhere near: `Signature … Le`, `Ort, Datum: Bremen, 07.05.2026`.

use super::value::accept;
use crate::extract::{
    draft::Reading,
    label::{field_of, label_at},
    layout::{Layout, Segment, Word},
};

/// How far over and under the label of the signature the day may stand, in heights of it.
const REACH_HEIGHTS: f32 = 3.2;
/// Words of a heading at least, such as `Declaration and signature`, which asks for nothing.
const HEADING_WORDS_MIN: usize = 3;

/// The day, and its words. None if several stand there.
pub(super) fn find_day(layout: &Layout, reading: &Reading) -> Option<(String, Vec<Word>)> {
    let rows = || layout.rows.iter().rev().flat_map(|row| &row.segments);
    let mut days: Vec<(String, Vec<Word>)> = Vec::new();
    for label in rows().filter(|segment| asks_to_sign(segment)) {
        let reach = REACH_HEIGHTS * label.height();
        let near = |s: &&Segment| {
            s.page == label.page
                && s.y0() < label.y1() + reach
                && s.y1() > label.y0() - reach
                && s.x1() > label.x0()
        };
        days.extend(rows().filter(near).filter_map(|segment| day_in(segment, reading)));
        if !days.is_empty() {
            break;
        }
    }
    let found = days.pop()?;
    days.iter().all(|(day, _)| *day == found.0).then_some(found)
}

/// Whether a label for a signature stands in a segment.
fn asks_to_sign(segment: &Segment) -> bool {
    (0..segment.words.len()).any(|at| {
        let rest = segment.words.get(at..).unwrap_or_default();
        label_at(rest.iter().map(|w| w.text.as_str())).is_some_and(|label| {
            let heading = label.text.split(' ').count() >= HEADING_WORDS_MIN && !label.closed;
            let whole = label.closed || at == 0 && label.words == segment.words.len();
            field_of(&label) == Some("signature") && whole && !heading
        })
    })
}

/// The only day in a segment.
fn day_in(segment: &Segment, reading: &Reading) -> Option<(String, Vec<Word>)> {
    let days = (0..segment.words.len()).filter_map(|at| segment.words.get(at..));
    days.filter_map(|words| accept("date_signed", words, reading)).map(|(day, words, _)| (day, words)).next()
}
