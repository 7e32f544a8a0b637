//! What a letter says of money in its sentences: `The whole order comes to £660.00`, `We shall pay as agreed (30 days net)`.

use super::quantity::bare;
use crate::extract::{
    draft::Reading,
    field::terms_of_payment,
    layout::{Word, join},
    number::parse_number,
    totals::money,
};
use rust_decimal::Decimal;

/// Beginnings of words that announce the sum of an order, folded.
const SUMS: [&str; 18] = [
    "total",
    "comes",
    "amounts",
    "amounting",
    "insgesamt",
    "gesamt",
    "betragt",
    "belauft",
    "belaufen",
    "auftragswert",
    "bestellwert",
    "uppgar",
    "totalt",
    "ordervarde",
    "eleve",
    "montant",
    "value",
    "sammanlagt",
];
/// Words of what a sum is not of, folded.
const PARTS: [&str; 9] = ["line", "unit", "each", "zeile", "rad", "ligne", "discount", "tax", "limit"];
/// Words between the announcement of a sum and the sum at most.
const REACH_WORDS: usize = 5;
/// Beginnings of words after which a sentence tells when it is paid, folded.
const PAYS: [&str; 12] = [
    "pay",
    "terms",
    "zahl",
    "betal",
    "paiement",
    "regl",
    "paye",
    "begleich",
    "settle",
    "villkor",
    "konditionen",
    "invoice",
];
/// Words between them and the terms at most.
const TERMS_REACH_WORDS: usize = 7;
/// Words of terms of payment at most.
const TERMS_WORDS_MAX: usize = 9;

/// `30 days as always`: words after which a sentence tells nothing new, folded.
const LIKENESS: [&str; 6] = ["as", "wie", "som", "comme", "unless", "per"];

fn starts(word: &Word, with: &[&str]) -> bool {
    let text = bare(word);
    with.iter().any(|start| text.starts_with(start))
}

/// Beginnings of words that say that tax is in a sum, folded.
const WITH_TAX: [&str; 6] = ["brutto", "gross", "ttc", "inkl", "incl", "einschl"];

/// The sum of the whole order, if exactly one is announced; with tax, if there are two.
pub fn find_total(words: &[Word], reading: &Reading) -> Option<(Decimal, Vec<Word>)> {
    let gross =
        (0..words.len()).filter(|at| words.get(*at).is_some_and(|w| starts(w, &WITH_TAX))).find_map(|at| {
            (at + 1..=at + 2)
                .find_map(|from| (1..=3).rev().find_map(|n| sum_at(words.get(from..from + n)?, reading)))
        });
    if gross.is_some() {
        return gross;
    }
    let mut found: Option<(Decimal, Vec<Word>)> = None;
    for at in 0..words.len() {
        if !words.get(at).is_some_and(|w| starts(w, &SUMS)) {
            continue;
        }
        let reach = words.get(at + 1..words.len().min(at + 1 + REACH_WORDS)).unwrap_or_default();
        for (step, word) in reach.iter().enumerate() {
            if PARTS.contains(&bare(word).as_str()) {
                break;
            }
            let from = at + 1 + step;
            let read = (1..=3).rev().find_map(|count| sum_at(words.get(from..from + count)?, reading));
            if let Some((value, used)) = read {
                if found.as_ref().is_some_and(|(other, _)| *other != value) {
                    return None;
                }
                found = Some((value, used));
                break;
            }
            if word.text.ends_with(['.', ';', '!']) && word.text.chars().count() > 4 {
                break;
            }
        }
    }
    found
}

/// Money that these words are as a whole.
fn sum_at(words: &[Word], reading: &Reading) -> Option<(Decimal, Vec<Word>)> {
    let text = join(words);
    let text = text.trim_end_matches(['.', ',', ';', ')']);
    money(text)?;
    let value = parse_number(text, reading.style).filter(|v| v.is_sign_positive() && !v.is_zero())?;
    Some((value, words.to_vec()))
}

/// The terms of payment that a sentence names: the longest run of words up to its end that says when.
pub fn find_terms(words: &[Word]) -> Option<(String, Vec<Word>)> {
    for at in 0..words.len() {
        let Some(lead) = words.get(at).filter(|w| starts(w, &PAYS)) else { continue };
        let mut from = at + 1;
        // `Payment: 30 days`, `as agreed (30 days net)`, `wie vereinbart: 30 Tage netto`
        let reach = words.get(from..words.len().min(from + TERMS_REACH_WORDS)).unwrap_or_default();
        let marked = reach.iter().enumerate().find_map(|(step, w)| {
            if w.text.starts_with('(') {
                Some(from + step)
            } else {
                w.text.ends_with(':').then_some(from + step + 1)
            }
        });
        let ended = reach.iter().position(|w| w.text.ends_with(['.', '!']) && w.text.chars().count() > 4);
        let inside = marked.filter(|start| ended.is_none_or(|end| *start <= from + end));
        from = inside.unwrap_or(if lead.text.ends_with('.') { words.len() } else { from });
        let tail = words.get(from..words.len().min(from + TERMS_WORDS_MAX)).unwrap_or_default();
        let bracket = tail.first().is_some_and(|w| w.text.starts_with('('));
        let end = tail.iter().position(|w| {
            if bracket {
                w.text.contains(')')
            } else {
                w.text.ends_with(['.', ';', '!']) && w.text.chars().count() > 3
            }
        });
        let Some(end) = end else { continue };
        let run = tail.get(..=end).unwrap_or_default();
        // without a mark, only the number and what follows it are terms
        let figure = run.iter().position(|w| w.text.chars().any(|c| c.is_ascii_digit()));
        let first = match figure {
            _ if inside.is_some() => 0,
            Some(at) => {
                let net = at.checked_sub(1).and_then(|i| run.get(i)).is_some_and(|w| starts(w, &["net"]));
                at - usize::from(net)
            }
            None => continue,
        };
        let used: Vec<Word> =
            run.iter().skip(first).take_while(|w| !LIKENESS.contains(&bare(w).as_str())).cloned().collect();
        let text = join(&used);
        let text =
            text.trim_matches(|c: char| matches!(c, '(' | ')' | '.' | ',' | ';' | '!' | ' ')).to_owned();
        if terms_of_payment(&used) {
            return Some((text, used));
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::extract::{layout::lay_out, text::text_pages};

    fn words(text: &str) -> Vec<Word> {
        lay_out(&text_pages(text).pages).rows.iter().flat_map(crate::extract::layout::Row::words).collect()
    }

    #[test]
    fn sentences_tell_when_it_is_paid() {
        let check = |text: &str, terms: Option<&str>| {
            assert_eq!(find_terms(&words(text)).map(|(t, _)| t).as_deref(), terms, "{text}");
        };
        check("We shall pay as agreed (30 days net).", Some("30 days net"));
        check("Zahlung wie vereinbart: 30 Tage netto.", Some("30 Tage netto"));
        check("Betalning enligt avtal: 30 dagar netto.", Some("30 dagar netto"));
        check("Le paiement se fera à 45 jours fin de mois.", Some("45 jours fin de mois"));
        check("Please pay attention. We have 12 days.", None);
        check("Our terms are net 45 days as always.", Some("net 45 days"));
        check("The terms are as always.", None);
    }
}
