//! Several labels with their values in one run of words: `Requested by: L. Quist  Freight: FOB  Pay: Net 45`.
//!
//! Such a row has no blanks that part its segments. It is cut before each label that a colon closes, if it begins with
//! such a label and its value. Does not: cut where no colon stands, or text that begins with no label.

use super::{
    label::{field_of, label_at},
    layout::{Layout, Segment, Word},
};

/// Words of one label that are looked at.
const LABEL_WORDS_MAX: usize = 4;
/// Words of one segment that are looked at.
const WORDS_MAX: usize = 60;

/// Cuts the segments of every row.
pub fn part(layout: &mut Layout) {
    for row in &mut layout.rows {
        if !row.segments.iter().any(|s| s.words.len() <= WORDS_MAX && cut_at(&s.words).is_some()) {
            continue;
        }
        let mut parted = Vec::new();
        for mut segment in std::mem::take(&mut row.segments) {
            while let Some(at) = cut_at(&segment.words).filter(|_| segment.words.len() <= WORDS_MAX) {
                let rest = segment.words.split_off(at);
                let next = Segment { words: rest, page: segment.page, row: segment.row };
                parted.push(std::mem::replace(&mut segment, next));
            }
            parted.push(segment);
        }
        row.segments = parted;
    }
}

/// Where the second label of these words begins.
fn cut_at(words: &[Word]) -> Option<usize> {
    let first = closed_label(words)?;
    // the first colon after the first label's value
    let colon = (first + 1..words.len()).find(|at| words.get(*at).is_some_and(|w| w.text.ends_with(':')))?;
    let least = colon.saturating_sub(LABEL_WORDS_MAX).max(first + 1);
    let fits = |at: &usize| {
        words.get(*at..=colon).is_some_and(|label| {
            closed_label(label) == Some(label.len())
                && label.first().is_some_and(|w| w.text.starts_with(char::is_uppercase))
        })
    };
    let gap = |at: usize| match (at.checked_sub(1).and_then(|i| words.get(i)), words.get(at)) {
        (Some(a), Some(b)) => b.x0 - a.x1,
        _ => 0.0,
    };
    // the widest blank parts them; the longest label if all blanks are alike
    let mut starts: Vec<usize> = (least..=colon).filter(fits).collect();
    starts.sort_by(|a, b| (gap(*b) * 2.0).round().total_cmp(&(gap(*a) * 2.0).round()).then(a.cmp(b)));
    starts.first().copied()
}

/// Words of the label at the start, if a colon closes it and it asks for something.
fn closed_label(words: &[Word]) -> Option<usize> {
    let label = label_at(words.iter().map(|w| w.text.as_str()))?;
    let asks = field_of(&label).is_some() || label.any(&["contact", "reason", "remarks", "number", "ref"]);
    (label.closed && asks && label.words <= LABEL_WORDS_MAX + 1).then_some(label.words)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::extract::{layout::lay_out, text::text_pages};

    fn check(text: &str, parts: &[&str]) {
        let mut layout = lay_out(&text_pages(text).pages);
        part(&mut layout);
        let got: Vec<String> = layout.rows.iter().flat_map(|r| &r.segments).map(Segment::text).collect();
        assert_eq!(got, parts, "{text}");
    }

    #[test]
    fn rows_of_labels_are_cut_before_each_label() {
        check(
            "Liefertermin: KW 26/2026 Lieferbedingung: frei Haus",
            &["Liefertermin: KW 26/2026", "Lieferbedingung: frei Haus"],
        );
        check(
            "Payment terms: Net 45 Delivery date: 5 May 2026",
            &["Payment terms: Net 45", "Delivery date: 5 May 2026"],
        );
        check("Order no: 4711", &["Order no: 4711"]);
        check("Please note that the delivery date: 5 May", &["Please note that the delivery date: 5 May"]);
    }
}
