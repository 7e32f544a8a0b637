//! Strips of boxes whose captions stand below their values: `4711   12 May 2026   J. Berg` over `No.   Date   Buyer`.
//!
//! A caption belongs to what it is nearest to. Where a row of labels hangs close under a row of values and stands apart from
//! what is below, the two rows change their places, so that everything else reads labels above values. The place on the
//! page that a value shows stays the same. Does not: address boxes ([`super::party`] looks above such a label itself).

use super::{
    label::label_at,
    layout::{Layout, Row, Segment},
};

/// Boxes in one strip at least.
const BOXES_MIN: usize = 3;
/// Distance between the left edges of a caption and its value at most, in points.
const EDGE_PT: f32 = 4.0;
/// Blank between a value and its caption at most, in heights of the caption.
const NEAR_HEIGHTS: f32 = 1.0;
/// How many times farther the next row must be than the values.
const APART: f32 = 1.4;

/// Puts captions above their values.
pub fn part(layout: &mut Layout) {
    let mut at = 1;
    while at < layout.rows.len() {
        if is_below(layout, at) {
            swap(layout, at);
            at += 1;
        }
        at += 1;
    }
}

fn top(row: &Row) -> f32 {
    row.segments.iter().map(Segment::y0).fold(f32::MAX, f32::min)
}

fn bottom(row: &Row) -> f32 {
    row.segments.iter().map(Segment::y1).fold(0.0, f32::max)
}

/// Whether every word of a segment belongs to one label without a figure.
fn is_label(segment: &Segment) -> bool {
    !has_figures(segment)
        && label_at(segment.words.iter().map(|w| w.text.as_str()))
            .is_some_and(|l| l.words == segment.words.len() && !l.forgiven)
}

fn has_figures(segment: &Segment) -> bool {
    segment.words.iter().any(|w| w.text.chars().any(|c| c.is_ascii_digit()))
}

fn aligned(a: &Row, b: &Row) -> usize {
    let beside = |s: &Segment| b.segments.iter().any(|o| (o.x0() - s.x0()).abs() < EDGE_PT);
    a.segments.iter().filter(|s| beside(s)).count()
}

fn labels(row: &Row) -> usize {
    row.segments.iter().filter(|s| is_label(s)).count()
}

/// Whether the labels of a row are captions of the values in the row above.
fn is_below(layout: &Layout, at: usize) -> bool {
    let (Some(values), Some(captions)) = (layout.rows.get(at - 1), layout.rows.get(at)) else { return false };
    let boxes = captions.segments.len();
    let strip = values.page == captions.page
        && boxes >= BOXES_MIN
        && (BOXES_MIN..=boxes).contains(&values.segments.len())
        && captions.segments.iter().all(|s| !has_figures(s) && s.words.len() <= 4)
        && 3 * labels(captions) >= 2 * boxes
        && aligned(values, captions) == values.segments.len()
        && 4 * labels(values) <= values.segments.len()
        && values.segments.iter().filter(|s| has_figures(s)).count() >= 2;
    if !strip {
        return false;
    }
    let height = captions.segments.iter().map(Segment::height).fold(1.0, f32::max);
    let near = top(captions) - bottom(values);
    let other = |row: Option<&Row>, gap: &dyn Fn(&Row) -> f32| {
        row.filter(|r| r.page == captions.page).is_some_and(|r| gap(r) < APART * near.max(0.2 * height))
    };
    let below = other(layout.rows.get(at + 1), &|r| top(r) - bottom(captions));
    // a strip above with its labels on top of these values
    let heads = at
        .checked_sub(2)
        .and_then(|i| layout.rows.get(i))
        .is_some_and(|r| r.page == captions.page && 2 * labels(r) >= values.segments.len());
    near < NEAR_HEIGHTS * height && !below && !heads
}

fn swap(layout: &mut Layout, at: usize) {
    let Some([values, captions]) = layout.rows.get_mut(at - 1..=at) else { return };
    let up = top(captions) - top(values);
    let down = bottom(captions) - bottom(values);
    for (row, by) in [(&mut *values, down), (&mut *captions, -up)] {
        for word in row.segments.iter_mut().flat_map(|s| &mut s.words) {
            word.y0 += by;
            word.y1 += by;
        }
    }
    std::mem::swap(values, captions);
    for (row, index) in [(values, at - 1), (captions, at)] {
        for segment in &mut row.segments {
            segment.row = index;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        extract::layout::lay_out,
        model::page::{How, Page, Rect, Word},
    };

    /// A page of 600 by 800 points with segments at places in points.
    fn layout(rows: &[(f32, &[(f32, &str)])]) -> Layout {
        let mut page = Page::empty(1, 600.0, 800.0, How::Text);
        for (y, segments) in rows {
            for (x, text) in *segments {
                let mut x = *x;
                for word in text.split(' ') {
                    let wide = 5.0 * word.chars().count() as f32;
                    let bbox =
                        Rect { x0: x / 600.0, y0: y / 800.0, x1: (x + wide) / 600.0, y1: (y + 9.0) / 800.0 };
                    let text = word.to_owned();
                    page.words.push(Word { text, bbox, confidence: 1.0, size_pt: 9.0, bold: false });
                    x += wide + 3.0;
                }
            }
        }
        lay_out(&[page])
    }

    fn check(rows: &[(f32, &[(f32, &str)])], first: &str) {
        let mut layout = layout(rows);
        part(&mut layout);
        let got = layout.rows.first().map(Row::words).unwrap_or_default();
        assert_eq!(crate::extract::layout::join(&got), first);
    }

    #[test]
    fn a_caption_belongs_to_what_it_is_nearest_to() {
        let values: &[(f32, &str)] = &[(40.0, "E8114"), (130.0, "13/04/2026"), (230.0, "Anna Berg")];
        let labels: &[(f32, &str)] = &[(40.0, "N°"), (130.0, "Date"), (230.0, "Contact")];
        let other: &[(f32, &str)] = &[(40.0, "Mill Ltd"), (300.0, "Mill Lane 7")];
        check(&[(100.0, values), (112.0, labels), (140.0, other)], "N° Date Contact");
        // labels over values stay
        check(&[(100.0, labels), (112.0, values), (140.0, other)], "N° Date Contact");
        // the row below is as near: these are heads of what is below
        check(&[(100.0, values), (112.0, labels), (124.0, values)], "E8114 13/04/2026 Anna Berg");
        // two labels are no strip
        let pair = values.get(..2).unwrap_or_default();
        check(
            &[(100.0, pair), (112.0, labels.get(..2).unwrap_or_default()), (140.0, other)],
            "E8114 13/04/2026",
        );
    }
}
