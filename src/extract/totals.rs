//! The sums below the lines: subtotal, discount, shipping, tax and total, joined by arithmetic.

use super::{
    confidence::from_words,
    draft::{Reading, propose},
    label::{field_of, label_at},
    layout::{Layout, Segment, Word},
    number::{Style, parse_number, split_currency},
};
use crate::model::draft::{Line, Proposal};
use rust_decimal::Decimal;
use std::{
    collections::{BTreeMap, HashSet},
    str::FromStr as _,
};

const NAMES: [&str; 5] = ["subtotal", "discount", "shipping", "tax", "total"];

/// A sum of money with the words that it was read from.
type Amount = Option<(Decimal, Vec<Word>)>;

/// Text that is an amount of money: a number with two decimals or a currency.
pub fn money(text: &str) -> Option<Decimal> {
    let (bare, currency) = split_currency(text);
    let marked = bare.chars().rev().position(|c| matches!(c, ',' | '.')).is_some_and(|at| at == 2);
    if currency.is_none() && !marked {
        return None;
    }
    [Style::Dot, Style::Comma].into_iter().find_map(|style| parse_number(bare, style))
}

/// The money at the end of these words.
fn amount_in(words: &[Word], reading: &Reading) -> Option<(Decimal, Vec<Word>)> {
    for start in 0..words.len() {
        let part = words.get(start..)?;
        if part.len() > 4 {
            continue;
        }
        let text = super::layout::join(part);
        if text.ends_with('%') {
            continue;
        }
        if let Some(value) =
            parse_number(&text, reading.style).filter(|_| money(&text).is_some() || part.len() == 1)
        {
            return Some((value, part.to_vec()));
        }
    }
    None
}

/// Finds the sums, outside the rows of the table.
pub fn find_totals(
    layout: &Layout,
    table_rows: &HashSet<usize>,
    lines: &[Line],
    reading: &Reading,
) -> BTreeMap<String, Proposal> {
    let mut candidates: BTreeMap<&'static str, Vec<(Decimal, Vec<Word>)>> = BTreeMap::new();
    for (index, row) in layout.rows.iter().enumerate().filter(|(i, _)| !table_rows.contains(i)) {
        for (at, segment) in row.segments.iter().enumerate() {
            let Some((name, used)) = sum_name(segment) else { continue };
            let inside = segment.words.get(used..).unwrap_or_default();
            let right: Vec<Word> = row
                .segments
                .iter()
                .skip(at + 1)
                .take_while(|s| sum_name(s).is_none())
                .flat_map(|s| s.words.clone())
                .collect();
            let mut words = inside.to_vec();
            words.extend(right);
            let found = amount_in(&words, reading).or_else(|| below(layout, index, segment, reading));
            if let Some(found) = found {
                candidates.entry(name).or_default().push(found);
            }
        }
    }
    decide(&candidates, lines, reading)
}

fn sum_name(segment: &Segment) -> Option<(&'static str, usize)> {
    let label = label_at(segment.words.iter().map(|w| w.text.as_str()))?;
    let name = NAMES.iter().find(|n| field_of(&label) == Some(**n))?;
    let rest = segment.words.get(label.words..).unwrap_or_default();
    // what follows the label must be figures, not prose
    let figures = rest.iter().all(|w| {
        w.text.chars().any(|c| c.is_ascii_digit()) || w.text.chars().count() <= 3 || w.text.starts_with('(')
    });
    figures.then_some((*name, label.words))
}

fn below(layout: &Layout, index: usize, label: &Segment, reading: &Reading) -> Option<(Decimal, Vec<Word>)> {
    let row = layout.rows.get(index + 1)?;
    if row.page != label.page || row.y0() - label.y1() > 1.5 * label.height() {
        return None;
    }
    let hit = row.segments.iter().find(|s| s.x0() < label.x1() + 3.0 && label.x0() < s.x1() + 3.0)?;
    let text = hit.text();
    money(&text)?;
    amount_in(&hit.words, reading)
}

/// The combination in which subtotal − discount + shipping + tax is the total, else the last of each.
fn decide(
    candidates: &BTreeMap<&'static str, Vec<(Decimal, Vec<Word>)>>,
    lines: &[Line],
    reading: &Reading,
) -> BTreeMap<String, Proposal> {
    let none: Vec<(Decimal, Vec<Word>)> = Vec::new();
    let of = |name: &str| candidates.get(name).unwrap_or(&none);
    let line_sum = sum_of_lines(lines);
    let mut out = BTreeMap::new();
    let options = |name: &str| -> Vec<Amount> {
        let mut all: Vec<_> = of(name).iter().rev().take(4).cloned().map(Some).collect();
        all.push(None);
        all
    };
    let cent = Decimal::new(2, 2);
    let mut best: Option<(usize, [Amount; 5])> = None;
    for total in options("total") {
        let Some((sum, _)) = &total else { continue };
        for subtotal in options("subtotal") {
            for tax in options("tax") {
                for shipping in options("shipping") {
                    for discount in options("discount") {
                        let value =
                            |o: &Option<(Decimal, Vec<Word>)>| o.as_ref().map_or(Decimal::ZERO, |v| v.0);
                        let Some(start) = subtotal.as_ref().map(|s| s.0).or(line_sum) else { continue };
                        let made = start - value(&discount).abs() + value(&shipping) + value(&tax);
                        if (made - sum).abs() > cent {
                            continue;
                        }
                        let given =
                            [&subtotal, &discount, &shipping, &tax].iter().filter(|o| o.is_some()).count();
                        let lines_agree = usize::from(
                            subtotal
                                .as_ref()
                                .map(|s| s.0)
                                .is_some_and(|s| line_sum.is_some_and(|l| (l - s).abs() <= cent)),
                        );
                        let score = given * 2 + lines_agree + 1;
                        if best.as_ref().is_none_or(|(b, _)| score > *b) {
                            best = Some((
                                score,
                                [
                                    subtotal.clone(),
                                    discount.clone(),
                                    shipping.clone(),
                                    tax.clone(),
                                    total.clone(),
                                ],
                            ));
                        }
                    }
                }
            }
        }
    }
    let proved = best.is_some();
    let chosen = best.map(|b| b.1);
    for (i, name) in NAMES.iter().enumerate() {
        let from_best = chosen.as_ref().and_then(|c| c.get(i)).cloned().flatten();
        let parts = chosen.as_ref().map_or(0, |c| c.iter().flatten().count());
        let value = if proved { from_best.clone() } else { of(name).last().cloned() };
        let Some((value, words)) = value.or_else(|| if proved { None } else { of(name).last().cloned() })
        else {
            continue;
        };
        let sure = if proved && (parts >= 3 || line_sum.is_some()) { 0.985 } else { 0.88 };
        let sure = if proved {
            if reading.trusted { sure } else { sure - 0.01 }
        } else {
            from_words(0.8, &words, reading.trusted)
        };
        out.insert((*name).to_owned(), propose(value.abs().normalize().to_string(), &words, sure));
    }
    out
}

/// The sum of the amounts, if every line has one.
pub fn sum_of_lines(lines: &[Line]) -> Option<Decimal> {
    if lines.is_empty() {
        return None;
    }
    lines
        .iter()
        .map(|l| l.get("amount").and_then(|p| p.value.as_text()).and_then(|t| Decimal::from_str(t).ok()))
        .sum()
}
