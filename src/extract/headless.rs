//! Line items without a head row: rows prove themselves by arithmetic.
//!
//! A row in which quantity × price (less a discount in percent) is the last number is a line; what stands around its
//! numbers are item number, description and unit. Does not: take a row whose figures prove nothing.

use super::{
    confidence,
    draft::{Reading, mend_line, propose},
    layout::{Layout, Row, Word, join},
    number::parse_number,
};
use crate::model::draft::Line;
use rust_decimal::Decimal;
use std::collections::HashSet;

/// Rows that must prove themselves before any is taken.
const PROVED_MIN: usize = 1;
/// Numbers of one row that are tried at most.
const NUMBERS_MAX: usize = 12;
/// Blank before thousands that stand apart, in heights of the letters.
const THOUSANDS_GAP_HEIGHTS: f32 = 0.8;

/// The lines that prove themselves, and their rows.
pub fn find_lines(layout: &Layout, reading: &Reading) -> (Vec<Line>, HashSet<usize>) {
    let mut lines = Vec::new();
    let mut rows = HashSet::new();
    for (index, row) in layout.rows.iter().enumerate() {
        if let Some(line) = read_row(row, reading) {
            lines.push(line);
            rows.insert(index);
        }
    }
    if lines.len() < PROVED_MIN { (Vec::new(), HashSet::new()) } else { (lines, rows) }
}

/// The line of a row whose figures prove one another.
pub(super) fn read_row(row: &Row, reading: &Reading) -> Option<Line> {
    // Quantity, price and amount; most rows have no such figures.
    if row.each_word().filter(|word| word.text.contains(char::is_numeric)).count() < 3 {
        return None;
    }
    read_words(&joined_thousands(row), reading).or_else(|| read_words(&row.words(), reading))
}

/// The words of a row, with the parts of a number whose thousands stand apart, `2 922,60`, as one.
fn joined_thousands(row: &Row) -> Vec<Word> {
    let mut words: Vec<Word> = Vec::new();
    for word in row.segments.iter().flat_map(|s| &s.words) {
        let tail = word.text.split([',', '.']).next().unwrap_or_default();
        let three =
            tail.len() == 3 && word.text.chars().all(|c| c.is_ascii_digit() || matches!(c, ',' | '.'));
        if let Some(last) = words.last_mut()
            && three
            && last.text.len() <= 7
            && last.text.starts_with(|c: char| ('1'..='9').contains(&c))
            && last.text.chars().all(|c| c.is_ascii_digit() || c == ' ')
            && last.text.split(' ').skip(1).all(|part| part.len() == 3)
            && (last.text.contains(' ') || last.text.len() <= 3)
            && word.x0 - last.x1 < THOUSANDS_GAP_HEIGHTS * (word.y1 - word.y0)
        {
            last.text = format!("{} {}", last.text, word.text);
            last.x1 = word.x1;
            last.rect = last.rect.union(&word.rect);
            last.confidence = last.confidence.min(word.confidence);
            continue;
        }
        words.push(word.clone());
    }
    words
}

fn read_words(words: &[Word], reading: &Reading) -> Option<Line> {
    let numbers: Vec<(usize, Decimal)> = words
        .iter()
        .enumerate()
        .filter_map(|(i, w)| parse_number(&w.text, reading.style).filter(|n| !n.is_zero()).map(|n| (i, n)))
        .take(NUMBERS_MAX)
        .collect();
    let (amount_at, amount) = *numbers.last()?;
    let marked = words.get(amount_at)?.text.contains([',', '.']);
    let letters = words.iter().filter(|w| w.text.chars().filter(|c| c.is_alphabetic()).count() >= 3).count();
    if !marked || letters == 0 {
        return None;
    }
    let (quantity_at, price_at, discount_at) = triple(&numbers, words, amount)?;
    let mut used: HashSet<usize> = HashSet::from([amount_at, quantity_at, price_at]);
    used.extend(discount_at);
    let mut line = Line::new();
    let mut put = |name: &str, at: usize| {
        if let Some(word) = words.get(at)
            && let Some(value) = parse_number(&word.text, reading.style)
        {
            let one = std::slice::from_ref(word);
            line.insert(
                name.to_owned(),
                propose(value.to_string(), one, confidence::cell(name, one, reading)),
            );
        }
    };
    put("amount", amount_at);
    put("quantity", quantity_at);
    put("unit_price", price_at);
    if let Some(at) = discount_at {
        put("discount", at);
    }
    name_rest(&mut line, words, &mut used, quantity_at, reading);
    mend_line(&mut line, reading);
    Some(line)
}

/// Quantity, price and discount that make the amount.
fn triple(
    numbers: &[(usize, Decimal)],
    words: &[Word],
    amount: Decimal,
) -> Option<(usize, usize, Option<usize>)> {
    let cent = Decimal::new(11, 3);
    let hundred = Decimal::ONE_HUNDRED;
    let before = numbers.get(..numbers.len().checked_sub(1)?)?;
    for (q, quantity) in before {
        for (p, price) in before.iter().filter(|(p, _)| p != q) {
            let money = words.get(*p).is_some_and(|w| w.text.contains([',', '.']));
            let full = quantity.checked_mul(*price)?;
            if !money || *quantity <= Decimal::ZERO {
                continue;
            }
            if (full - amount).abs() <= cent {
                return Some((*q, *p, None));
            }
            for (d, off) in before.iter().filter(|(d, off)| d != q && d != p && *off < hundred) {
                let reduced = full.checked_mul(hundred - off)?.checked_div(hundred)?;
                if (reduced - amount).abs() <= cent {
                    return Some((*q, *p, Some(*d)));
                }
            }
        }
    }
    None
}

/// Item number, unit, line number and description among the words that are no figures.
fn name_rest(
    line: &mut Line,
    words: &[Word],
    used: &mut HashSet<usize>,
    quantity_at: usize,
    reading: &Reading,
) {
    let mut put = |name: &str, range: &[Word]| {
        let sure = confidence::cell(name, range, reading) - 0.1;
        line.insert(name.to_owned(), propose(join(range), range, sure));
    };
    let unit = words.get(quantity_at + 1).filter(|w| {
        let letters = w.text.chars().all(|c| c.is_alphabetic() || c == '.');
        letters && w.text.chars().count() <= 8
    });
    if let Some(unit) = unit {
        put("unit", std::slice::from_ref(unit));
        used.insert(quantity_at + 1);
    }
    if let Some(first) = words.first().filter(|w| {
        !used.contains(&0)
            && w.text.len() <= 5
            && w.text.trim_end_matches('.').chars().all(|c| c.is_ascii_digit())
    }) {
        put("line_no", std::slice::from_ref(first));
        used.insert(0);
    }
    let code = words.iter().enumerate().find(|(i, w)| {
        let known = reading.catalogue.has_sku(&w.text);
        let digits = w.text.chars().filter(char::is_ascii_digit).count();
        let capitals = w.text.chars().filter(char::is_ascii_uppercase).count();
        known
            || !used.contains(i) && digits >= 3 && capitals >= 1 && w.text.contains(['-', '.'])
            || !used.contains(i) && digits >= 4 && capitals >= 2
    });
    // digits alone are a number of goods only where nothing else is
    let long = |w: &&Word| w.text.len() >= 5 && w.text.chars().all(|c| c.is_ascii_digit());
    let code = code.or_else(|| words.iter().enumerate().find(|(i, w)| !used.contains(i) && long(w)));
    if let Some((at, word)) = code {
        put("sku", std::slice::from_ref(word));
        used.insert(at);
    }
    // the longest run of words in between is the description
    let mut best: &[Word] = &[];
    let mut start = 0;
    for end in 0..=words.len() {
        if end == words.len() || used.contains(&end) {
            let run = words.get(start..end).unwrap_or_default();
            if join(run).len() > join(best).len() {
                best = run;
            }
            start = end + 1;
        }
    }
    if join(best).chars().filter(|c| c.is_alphabetic()).count() >= 3 {
        put("description", best);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::extract::text::text_pages;

    #[test]
    fn thousands_may_stand_apart() {
        let text = "BESTÄLLNING 4711\n\n\
                    2  ST   R2087-78   Pärm A4 50 mm black     à      19,93       39,86\n\
                    10 ST   SO803241Z  Magnetspole 230 VAC     à     292,26    2 922,60\n\
                    2  kart 666037     Öronproppar             à     307,57      615,14\n";
        let layout = crate::extract::layout::lay_out(&text_pages(text).pages);
        let reading = crate::extract::reading(&layout, "sv", &crate::model::account::Known::default());
        let (lines, _) = find_lines(&layout, &reading);
        let value = |line: &Line, name: &str| {
            line.get(name).and_then(|p| p.value.as_text()).unwrap_or_default().to_owned()
        };
        let got: Vec<_> = lines.iter().map(|l| (value(l, "sku"), value(l, "amount"))).collect();
        let wanted = [("R2087-78", "39.86"), ("SO803241Z", "2922.6"), ("666037", "615.14")];
        assert_eq!(got, wanted.map(|(a, b)| (a.to_owned(), b.to_owned())));
    }
}
