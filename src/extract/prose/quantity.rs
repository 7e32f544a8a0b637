//! Quantities in running text: numbers that a unit, a times sign or their place marks.

use super::{
    intent::is_wish,
    unit::{AND, AT, MEASURES, OF, UNITS, is_measure, is_size, is_times, is_unit},
};
use crate::extract::{
    draft::Reading,
    label::fold_word,
    layout::{Word, join},
    number::{parse_number, split_currency},
};
use rust_decimal::Decimal;

/// A quantity is below this.
const QUANTITY_MAX: Decimal = Decimal::from_parts(10_000_000, 0, 0, false, 0);

/// A quantity among the words.
#[derive(Clone, Copy, Debug)]
pub(super) struct Anchor {
    /// The word with the number.
    pub(super) at: usize,
    /// The first word after number, unit and times sign.
    pub(super) end: usize,
    /// The word with the unit.
    pub(super) unit: Option<usize>,
    pub(super) value: Decimal,
    /// The number stands behind its goods rather than before them.
    pub(super) trails: bool,
}

pub(super) fn bare(word: &Word) -> String {
    fold_word(&word.text)
}

/// Every quantity that is marked as one.
pub(super) fn anchors(words: &[Word], reading: &Reading) -> Vec<Anchor> {
    let mut out: Vec<Anchor> = Vec::new();
    let mut at = 0;
    while let Some(word) = words.get(at) {
        let found = anchor_at(words, at, word, reading)
            .filter(|a| out.is_empty() || !a.unit.and_then(|u| words.get(u)).is_some_and(is_size))
            .or_else(|| opening(words, at, reading).filter(|_| out.is_empty()));
        if let Some(anchor) = found {
            at = anchor.end.max(at + 1);
            out.push(anchor);
        } else {
            at += 1;
        }
    }
    if out.is_empty()
        && let Some(anchor) = bare_number(words, reading)
    {
        out.push(anchor);
    }
    if out.is_empty() {
        return out;
    }
    // "A-1312: 20 pcs": all quantities of a statement stand on the same side of their goods
    let first_goods = words.iter().position(|w| is_code(w, reading));
    let trails = match (first_goods, out.first()) {
        (Some(goods), Some(first)) => {
            goods < first.at
                && words.get(..goods).unwrap_or_default().iter().all(|w| {
                    w.text.chars().all(|c| !c.is_alphabetic()) || bare(w).len() <= 4 || w.text.ends_with(':')
                })
        }
        (None, Some(first)) => first.at > 0 && first.end >= words.len(),
        _ => false,
    };
    for anchor in &mut out {
        anchor.trails |= trails;
    }
    out
}

/// `€/Stk` is the currency of a price.
pub(super) fn without_price_unit(mut word: Word) -> Word {
    if let Some((head, tail)) = word.text.split_once('/')
        && tail.chars().any(char::is_alphabetic)
        && (matches!(head, "€" | "$" | "£") || crate::extract::number::parse_currency(head).is_some())
    {
        word.text = head.to_owned();
    }
    word
}

/// A row that opens with a number, one word and an item number: `36 Kit 405816752`, `1 500 pce TR.5953574`.
fn opening(words: &[Word], at: usize, reading: &Reading) -> Option<Anchor> {
    let before = words.get(..at)?;
    if !before.iter().all(|w| w.text.chars().all(|c| !c.is_alphanumeric())) {
        return None;
    }
    (1..=2).rev().find_map(|n| {
        let number = words.get(at..at + n)?;
        let value =
            parse_number(&join(number), reading.style).filter(|v| *v > Decimal::ZERO && *v < QUANTITY_MAX)?;
        let unit = words.get(at + n)?;
        let letters =
            unit.text.chars().all(|c| c.is_alphabetic() || c == '.') && unit.text.chars().count() <= 9;
        let code = words.get(at + n + 1).is_some_and(|w| is_code(w, reading) || is_joined_digits(w));
        let thousands = n == 1 || number.iter().skip(1).all(|w| w.text.len() >= 3);
        (letters && code && thousands).then_some(Anchor {
            at,
            end: at + n + 1,
            unit: Some(at + n),
            value,
            trails: false,
        })
    })
}

/// `6418-0371`
pub(super) fn is_joined_digits(word: &Word) -> bool {
    let parts: Vec<&str> = word.text.split('-').collect();
    parts.len() == 2
        && word.text.len() >= 7
        && parts.iter().all(|p| p.len() >= 3 && p.chars().all(|c| c.is_ascii_digit()))
}

fn anchor_at(words: &[Word], at: usize, word: &Word, reading: &Reading) -> Option<Anchor> {
    let quantity = |text: &str| {
        let text = text.trim_start_matches(['(', '-', '•', '*']).trim_end_matches([',', ';', ')', ':']);
        parse_number(text, reading.style).filter(|n| *n > Decimal::ZERO && *n < QUANTITY_MAX)
    };
    if split_currency(&word.text).1.is_some() || word.text.contains(['€', '$', '£', '%']) {
        return None;
    }
    // "20x", "20pcs"
    let digits: String =
        word.text.chars().take_while(|c| c.is_ascii_digit() || matches!(c, '.' | ',')).collect();
    let tail = word.text.get(digits.len()..).unwrap_or_default();
    if !digits.is_empty() && !tail.is_empty() {
        let unit = fold_word(tail);
        let value = quantity(&digits)?;
        if matches!(tail, "x" | "×" | "X") {
            let unit = words.get(at + 1).filter(|w| is_unit(w)).map(|_| at + 1);
            return Some(Anchor { at, end: unit.map_or(at + 1, |u| u + 1), unit, value, trails: false });
        }
        let glued =
            unit.len() > 1 && UNITS.contains(&unit.as_str()) && !matches!(unit.as_str(), "m" | "l" | "kg");
        return glued.then_some(Anchor { at, end: at + 1, unit: None, value, trails: false });
    }
    let value = quantity(&word.text)?;
    let next = words.get(at + 1)?;
    let ends = word.text.ends_with([',', ';', '.']);
    if is_times(next) && !ends {
        // "M8 x 40" and "25 x 50 mm" are measures
        let goods = words.get(at + 2)?;
        if parse_number(&goods.text, reading.style).is_some()
            || at > 0 && words.get(at - 1).is_some_and(is_times)
        {
            return None;
        }
        let unit = is_unit(goods).then_some(at + 2);
        return Some(Anchor { at, end: unit.map_or(at + 2, |u| u + 1), unit, value, trails: false });
    }
    if is_unit(next) && !ends {
        let measure = matches!(
            bare(next).as_str(),
            "m" | "l" | "kg" | "meter" | "liter" | "litre" | "metre" | "par" | "can" | "lot" | "case" | "a"
        );
        let opens = at == 0
            || words.get(at - 1).is_some_and(|w| {
                AND.contains(&bare(w).as_str())
                    || w.text.ends_with([':', ',', ';'])
                    || matches!(w.text.as_str(), "-" | "•" | "*" | "–")
                    || is_wish(w)
            });
        let closes =
            at + 2 >= words.len() || words.get(at + 1).is_some_and(|w| w.text.ends_with([',', ';', '.']));
        // "pack of 50 pcs" says how goods are packed
        let packed = at > 0
            && words.get(at - 1).is_some_and(|w| {
                OF.contains(&bare(w).as_str())
                    || matches!(bare(w).as_str(), "per" | "pro" | "per:" | "par" | "om")
            });
        let price = words.get(at + 2).is_some_and(|w| AT.contains(&w.text.as_str()));
        let fits = !packed && (!measure || opens || closes || price);
        return fits.then_some(Anchor { at, end: at + 2, unit: Some(at + 1), value, trails: false });
    }
    // "Qty: 20", "x 20"
    let before = at.checked_sub(1).and_then(|i| words.get(i));
    let marked = before.is_some_and(|w| {
        let named = matches!(
            bare(w).as_str(),
            "qty" | "quantity" | "menge" | "anzahl" | "antal" | "quantite" | "qte"
        );
        named
    });
    marked.then_some(Anchor { at, end: at + 1, unit: None, value, trails: true })
}

/// A row that begins or ends with a whole number beside an item number: `20 A-1312 gasket`, `A-1312 - 20`.
fn bare_number(words: &[Word], reading: &Reading) -> Option<Anchor> {
    let is_bullet = |w: &Word| matches!(w.text.as_str(), "-" | "•" | "*" | "–" | "·");
    let start = words.iter().take_while(|w| is_bullet(w)).count();
    let whole = |at: usize| {
        let word = words.get(at)?;
        let digits = word.text.chars().all(|c| c.is_ascii_digit()) && word.text.len() <= 5;
        digits.then(|| parse_number(&word.text, reading.style)).flatten().filter(|n| !n.is_zero())
    };
    let last = words.len().checked_sub(1)?;
    if last <= start || words.len() > 16 {
        return None;
    }
    if let Some(value) = whole(start).filter(|_| words.get(start + 1).is_some_and(|w| is_code(w, reading))) {
        return Some(Anchor { at: start, end: start + 1, unit: None, value, trails: false });
    }
    let first_code = words.get(start).is_some_and(|w| is_code(w, reading));
    let second_code = words.get(start + 1).is_some_and(|w| is_code(w, reading)) && whole(start).is_some();
    let tail = if words.get(last).is_some_and(is_times) { last.checked_sub(1)? } else { last };
    // "FP-1001  200  0.12"
    let second = start + 1;
    if let Some(value) = whole(second).filter(|_| first_code && second < last) {
        let figures = words.get(second + 1..).unwrap_or_default();
        if figures.iter().all(|w| parse_number(&w.text, reading.style).is_some() || is_unit(w)) {
            let unit = Some(second + 1).filter(|at| words.get(*at).is_some_and(is_unit));
            return Some(Anchor {
                at: second,
                end: unit.map_or(second + 1, |u| u + 1),
                unit,
                value,
                trails: true,
            });
        }
    }
    let value =
        whole(tail).filter(|_| (first_code || second_code) && tail > start + usize::from(second_code));
    let measured = tail.checked_sub(1).and_then(|i| words.get(i)).is_some_and(|w| {
        MEASURES.contains(&bare(w).as_str()) || OF.contains(&bare(w).as_str()) && !is_times(w)
    });
    value.filter(|_| !measured).map(|value| Anchor {
        at: tail,
        end: last + 1,
        unit: None,
        value,
        trails: true,
    })
}

/// Whether a word looks like an item number.
pub(super) fn is_code(word: &Word, reading: &Reading) -> bool {
    let text = word.text.trim_matches(|c: char| !c.is_alphanumeric());
    if reading.catalogue.has_sku(text) || reading.catalogue.has_customer_sku(text) {
        return text.len() >= 3;
    }
    let digits = text.chars().filter(char::is_ascii_digit).count();
    let letters = text.chars().filter(char::is_ascii_uppercase).count();
    let parted = text.split_once(' ').is_some_and(|(a, b)| {
        a.chars().all(|c| c.is_ascii_uppercase()) && b.chars().all(|c| c.is_ascii_digit())
    });
    if parted {
        return true;
    }
    let clean = text.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '.' | '/' | '_'));
    if !clean || digits == 0 || text.len() < 4 || split_currency(text).1.is_some() || is_measure(text) {
        return false;
    }
    let joined = text.contains(['-', '/', '_']);
    letters >= 1 && (joined || digits >= 3)
        || digits >= 6 && !joined && text.chars().all(|c| c.is_ascii_digit())
}

/// The unit in `20pcs`.
pub(super) fn glued_unit(number: &[Word]) -> Option<String> {
    let text = &number.first()?.text;
    let unit = text.trim_start_matches(|c: char| c.is_ascii_digit() || matches!(c, '.' | ','));
    let unit = unit.trim_end_matches([',', ';', ':']);
    (unit.len() > 1 && UNITS.contains(&fold_word(unit).as_str())).then(|| unit.to_owned())
}
