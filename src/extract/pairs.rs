//! Several labels with their values in one run of words: `Requested by: L. Quist  Freight: FOB  Pay: Net 45`.
//!
//! Such a row has no blanks that part its segments. It is cut before each label that a colon closes, if it begins with
//! such a label and its value. Sums that follow each other, and pairs that dashes part, are cut too. Does not: cut other
//! text where no colon stands, or text that begins with no label.

use super::{
    label::{field_of, label_at},
    layout::{Layout, Segment, Word},
    number::parse_currency,
    totals::{money, sum_name},
};

/// Words of one label that are looked at.
const LABEL_WORDS_MAX: usize = 4;
/// Words of one segment that are looked at.
const WORDS_MAX: usize = 60;

/// Cuts the segments of every row.
pub fn part(layout: &mut Layout) {
    for row in &mut layout.rows {
        if !row.segments.iter().any(|s| s.words.len() <= WORDS_MAX && cut(&s.words).is_some()) {
            continue;
        }
        let mut parted = Vec::new();
        for mut segment in std::mem::take(&mut row.segments) {
            while let Some(at) = cut(&segment.words).filter(|_| segment.words.len() <= WORDS_MAX) {
                let rest = segment.words.split_off(at);
                let next = Segment { words: rest, page: segment.page, row: segment.row };
                parted.push(std::mem::replace(&mut segment, next));
            }
            parted.push(segment);
        }
        row.segments = parted;
    }
}

fn cut(words: &[Word]) -> Option<usize> {
    cut_at(words).or_else(|| cut_sums(words)).or_else(|| cut_dashes(words))
}

/// `Net 4,602.39 VAT 20 % 920.48 TOTAL 5,522.87`: where the name of the second sum begins.
fn cut_sums(words: &[Word]) -> Option<usize> {
    if words.iter().filter(|w| money(&w.text).is_some()).count() < 2 {
        return None;
    }
    let named = |words: &[Word]| {
        let segment = Segment { words: words.to_vec(), page: 1, row: 0 };
        sum_name(&segment).map(|(_, used)| used)
    };
    let first = named(words)?;
    let sum = (first..words.len()).find(|at| words.get(*at).is_some_and(|w| money(&w.text).is_some()))?;
    // a currency may follow its sum
    let currency = words.get(sum + 1).is_some_and(|w| parse_currency(&w.text).is_some());
    let next = sum + 1 + usize::from(currency);
    named(words.get(next..)?)?;
    words.iter().skip(next).any(|w| money(&w.text).is_some()).then_some(next)
}

/// `Enquiry 4711 – Raised 18 May 2026 – Reply before 28 May 2026`: the word after the first dash, where the words on both
/// sides begin with labels and hold figures.
fn cut_dashes(words: &[Word]) -> Option<usize> {
    let is_dash = |w: &Word| matches!(w.text.as_str(), "–" | "—" | "-" | "|" | "·" | "•" | "//");
    let pair = |words: &[Word]| {
        let part: Vec<&Word> = words.iter().take_while(|w| !is_dash(w)).collect();
        let label = label_at(part.iter().map(|w| w.text.as_str())).filter(|l| !l.forgiven);
        label.is_some_and(|l| {
            field_of(&l).is_some()
                && part.iter().skip(l.words).take(4).any(|w| w.text.chars().any(|c| c.is_ascii_digit()))
        })
    };
    let at = words.iter().position(is_dash)?;
    (pair(words) && words.get(at + 1..).is_some_and(pair)).then_some(at + 1)
}

/// Where the second label of these words begins.
fn cut_at(words: &[Word]) -> Option<usize> {
    if !words.iter().skip(2).any(|w| w.text.ends_with(':')) {
        return None;
    }
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
        check(
            "Net 4,602.39 VAT 20 % 920.48 TOTAL 5,522.87",
            &["Net 4,602.39", "VAT 20 % 920.48", "TOTAL 5,522.87"],
        );
        check("Netto 12,50 EUR MwSt 2,38 EUR", &["Netto 12,50 EUR", "MwSt 2,38 EUR"]);
        check(
            "Anfrage 4711 – Ausgestellt 18.05.2026 – Antwort bis 28.05.2026",
            &["Anfrage 4711 –", "Ausgestellt 18.05.2026 –", "Antwort bis 28.05.2026"],
        );
        check("Order 4711 – Mill Ltd", &["Order 4711 – Mill Ltd"]);
        check("Please note that the delivery date: 5 May", &["Please note that the delivery date: 5 May"]);
    }
}
