//! The sums below the lines: subtotal, discount, shipping, tax and total, joined by arithmetic.

use super::{
    confidence::from_words,
    draft::{Reading, propose},
    label::{field_of, label_at},
    layout::{Layout, Segment, Word},
    number::{Style, parse_currency, parse_number, split_currency},
};
use crate::{
    model::draft::{Line, Proposal},
    validate::account::fold,
};
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
    if !text.contains(|c: char| c.is_ascii_digit()) {
        return None;
    }
    let (bare, currency) = split_currency(text);
    let marked = bare.chars().rev().position(|c| matches!(c, ',' | '.')).is_some_and(|at| at == 2);
    if currency.is_none() && !marked {
        return None;
    }
    [Style::Dot, Style::Comma].into_iter().find_map(|style| parse_number(bare, style))
}

/// The money at the end of these words.
fn amount_in(words: &[Word], strict: bool, reading: &Reading) -> Option<(Decimal, Vec<Word>)> {
    for start in 0..words.len() {
        let part = words.get(start..)?;
        if part.len() > 4 {
            continue;
        }
        let text = super::layout::join(part);
        if text.ends_with('%') {
            continue;
        }
        let bare = !strict && part.len() == 1;
        if let Some(value) = parse_number(&text, reading.style).filter(|_| money(&text).is_some() || bare) {
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
    let mut unnamed = Vec::new();
    let mut whole = false;
    for (index, row) in layout.rows.iter().enumerate().filter(|(i, _)| !table_rows.contains(i)) {
        for (at, segment) in row.segments.iter().enumerate() {
            let Some((name, used)) = sum_name(segment) else {
                unnamed.extend(amount_at_end(segment, reading));
                continue;
            };
            let label = fold(&segment.text());
            whole |= name == "subtotal"
                && ["total", "order", "summa", "summe", "somme", "gesamt", "auftrag"]
                    .iter()
                    .any(|w| label.contains(w))
                && !["sub", "s total", "sous", "zwischen", "del"].iter().any(|w| label.starts_with(w));
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
            let strict = matches!(name, "shipping" | "tax" | "discount");
            let found = amount_in(&words, strict, reading).or_else(|| below(layout, index, segment, reading));
            match found {
                Some(found) => candidates.entry(name).or_default().push(found),
                None => unnamed.extend(amount_at_end(segment, reading)),
            }
        }
    }
    // a sum with tax or a greater one beside it is no total
    let greatest = candidates.get("subtotal").and_then(|sums| sums.iter().map(|(value, _)| *value).max());
    let taxed = candidates.get("tax").is_some_and(|sums| sums.iter().any(|(value, _)| !value.is_zero()));
    let greater = |sum: Decimal| unnamed.iter().any(|(value, _): &(Decimal, _)| *value > sum);
    let part = greatest.is_some_and(|sum| taxed || greater(sum));
    // a sum without tax that is the only one is the total, where its label does not say that it is a part
    if !part
        && candidates.len() == 1
        && let Some(only) = candidates.remove("subtotal")
    {
        candidates.insert(if whole { "total" } else { "subtotal" }, only);
    }
    if !candidates.contains_key("total") {
        // whatever their labels say: arithmetic tells which of the other sums is the total
        let mut others = candidates.get("subtotal").filter(|_| !part).cloned().unwrap_or_default();
        others.extend(unnamed);
        let subtotal = candidates.get("subtotal").cloned();
        others.retain(|(value, _)| value.is_sign_positive() && !value.is_zero());
        candidates.insert("total", others);
        let proved = decide(&candidates, lines, reading, true);
        if !proved.is_empty() {
            return proved;
        }
        candidates.remove("total");
        candidates.remove("subtotal");
        if let Some(subtotal) = subtotal {
            candidates.insert("subtotal", subtotal);
        }
    }
    // `Summe 742,36` over `MwSt 141,05` and `Gesamt 883,41`: of two totals, the one before tax is the subtotal
    if !candidates.contains_key("subtotal")
        && let Some(totals) = candidates.get("total").filter(|totals| totals.len() >= 2).cloned()
    {
        let mut parted = candidates.clone();
        parted.insert("subtotal", totals);
        let proved = decide(&parted, lines, reading, true);
        if proved.len() >= 3 {
            return proved;
        }
    }
    decide(&candidates, lines, reading, false)
}

/// Unnamed sums of one document that are looked at at most.
const UNNAMED_MAX: usize = 12;

/// The money that a segment ends with or holds, perhaps with a full stop behind it.
fn amount_at_end(segment: &Segment, reading: &Reading) -> Option<(Decimal, Vec<Word>)> {
    let mut words = segment.words.clone();
    if let Some(last) = words.last_mut() {
        let bare = last.text.trim_end_matches('.').len();
        last.text.truncate(bare);
    }
    let from = words.len().saturating_sub(4);
    amount_in(words.get(from..)?, true, reading)
}

/// Which sum a segment's label asks for, and how many of its words that takes.
pub(super) fn sum_name(segment: &Segment) -> Option<(&'static str, usize)> {
    // `20 % VAT`, `Total GBP Excl. VAT`: rates and currencies say nothing here
    let skipped = |text: &str| {
        parse_currency(text).is_some()
            || text == "%"
            || text.ends_with('%') && text.starts_with(|c: char| c.is_ascii_digit())
    };
    let rate = segment.words.windows(2).take(1).any(|w| {
        matches!(w, [a, b] if b.text == "%" && a.text.chars().all(|c| c.is_ascii_digit() || matches!(c, ',' | '.')))
    });
    let start = if rate { 2 } else { 0 };
    let end = segment
        .words
        .iter()
        .skip(start)
        .position(|w| money(&w.text).is_some())
        .map_or(segment.words.len(), |n| n + start);
    let head = segment.words.get(start..end)?;
    let percent = |at: usize| head.get(at + 1).is_some_and(|w| w.text == "%");
    let figure = |t: &str| t.chars().all(|c| c.is_ascii_digit() || matches!(c, ',' | '.'));
    let skips = |at: usize, t: &str| skipped(t) || t == "@" || figure(t) && percent(at);
    let texts: Vec<&str> = head
        .iter()
        .enumerate()
        .filter(|(at, w)| !skips(*at, &w.text))
        .map(|(_, w)| w.text.as_str())
        .collect();
    let label = label_at(texts.iter().copied())?;
    let field = field_of(&label);
    // among sums, `Delivery` is what it costs
    let delivery = label.asks_only("delivery") && matches!(field, None | Some("requested_date" | "ship_to"));
    let name = NAMES.iter().find(|n| field == Some(**n) || delivery && **n == "shipping")?;
    // what follows the label must be figures, not prose
    let used = label.words;
    let figures = texts
        .iter()
        .skip(used)
        .all(|t| t.chars().any(|c| c.is_ascii_digit()) || t.chars().count() <= 3 || t.starts_with('('));
    let mut left = used;
    let taken = head.iter().enumerate().position(|(at, w)| {
        if !skips(at, &w.text) {
            if left == 0 {
                return true;
            }
            left -= 1;
        }
        false
    });
    figures.then_some((*name, start + taken.unwrap_or(head.len())))
}

fn below(layout: &Layout, index: usize, label: &Segment, reading: &Reading) -> Option<(Decimal, Vec<Word>)> {
    let row = layout.rows.get(index + 1)?;
    if row.page != label.page || row.y0() - label.y1() > 1.5 * label.height() {
        return None;
    }
    let under = row.segments.iter().find(|s| s.x0() < label.x1() + 3.0 && label.x0() < s.x1() + 3.0);
    // the only figure of the row may stand at the right end of the label's cell
    let lone = row.segments.first().filter(|s| row.segments.len() == 1 && s.x0() > label.x0());
    let hit = under.or(lone)?;
    let text = hit.text();
    money(&text)?;
    amount_in(&hit.words, true, reading)
}

/// The combination in which subtotal − discount + shipping + tax is the total, else the last of each, unless only
/// what is `proved` is wanted.
fn decide(
    candidates: &BTreeMap<&'static str, Vec<(Decimal, Vec<Word>)>>,
    lines: &[Line],
    reading: &Reading,
    only_proved: bool,
) -> BTreeMap<String, Proposal> {
    let none: Vec<(Decimal, Vec<Word>)> = Vec::new();
    let of = |name: &str| candidates.get(name).unwrap_or(&none);
    let line_sum = sum_of_lines(lines);
    let mut out = BTreeMap::new();
    let options = |name: &str| -> Vec<Amount> {
        let mut all: Vec<_> = of(name)
            .iter()
            .rev()
            .take(if only_proved && name == "total" { UNNAMED_MAX } else { 4 })
            .cloned()
            .map(Some)
            .collect();
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
                        // one place on the page is one sum
                        if only_proved
                            && let (Some((_, a)), Some((_, b))) = (&subtotal, &total)
                            && a.first().map(|w| w.rect) == b.first().map(|w| w.rect)
                        {
                            continue;
                        }
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
    if only_proved && !proved {
        return out;
    }
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
