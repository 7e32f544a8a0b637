//! What stands around a quantity: goods, prices, and a date.

use super::{
    intent::is_wish,
    quantity::{Anchor, bare, glued_unit, is_code, is_joined_digits},
    unit::{AND, AT, OF},
};
use crate::{
    extract::{
        confidence::from_words,
        draft::{Reading, mend_line, propose},
        layout::{Word, join},
        number::{parse_number, split_currency},
    },
    model::draft::Line,
};

/// One line around its quantity.
pub(super) fn read_line(
    words: &[Word],
    anchor: &Anchor,
    previous: Option<&Anchor>,
    next: Option<&Anchor>,
    reading: &Reading,
) -> Option<Line> {
    let limit = next.map_or(words.len(), |n| n.at);
    let (goods_range, tail_range) = if anchor.trails {
        (previous.map_or(0, |p| p.end)..anchor.at, anchor.end..limit)
    } else {
        (anchor.end..limit, anchor.end..limit)
    };
    let mut goods: &[Word] = words.get(goods_range)?;
    let tail: &[Word] = words.get(tail_range)?;
    if anchor.trails {
        // prices of the line before stand in front of it
        let start = goods.iter().rposition(|w| is_price(w, reading)).map_or(0, |i| i + 1);
        goods = goods.get(start..)?;
    }
    // `9,90 €` is a price, its number too
    let before_currency = |at: usize| {
        tail.get(at + 1).is_some_and(|n| crate::extract::number::parse_currency(&n.text).is_some())
            && tail.get(at).is_some_and(|w| parse_number(&w.text, reading.style).is_some())
    };
    let price_from = tail.iter().enumerate().position(|(at, w)| is_price(w, reading) || before_currency(at));
    if !anchor.trails {
        let end = sentence_end(goods, reading).unwrap_or(goods.len()).min(price_from.unwrap_or(usize::MAX));
        goods = goods.get(..end)?;
    }
    let mut line = Line::new();
    let number = words.get(anchor.at..=anchor.at)?;
    line.insert(
        "quantity".to_owned(),
        propose(anchor.value.normalize().to_string(), number, sure(0.9, number, reading)),
    );
    if let Some(unit) = anchor.unit.and_then(|u| words.get(u..=u)) {
        let text = join(unit).trim_end_matches([',', ';', '.', ':']).to_owned();
        line.insert("unit".to_owned(), propose(text, unit, sure(0.9, unit, reading)));
    } else if let Some(unit) = glued_unit(number) {
        line.insert("unit".to_owned(), propose(unit, number, sure(0.88, number, reading)));
    }
    name_goods(goods, anchor.trails, &mut line, reading);
    if !line.contains_key("sku") && !line.contains_key("description") {
        return None;
    }
    prices(tail, &mut line, reading);
    mend_line(&mut line, reading);
    Some(line)
}

pub(super) fn sure(base: f32, words: &[Word], reading: &Reading) -> f32 {
    from_words(base, words, reading.trusted)
}

fn is_price(word: &Word, reading: &Reading) -> bool {
    let text = word.text.trim_end_matches([',', ';', '.', ')']).trim_start_matches('(');
    matches!(text, "@" | "=" | "à" | "á")
        || split_currency(text).1.is_some() && parse_number(text, reading.style).is_some()
}

/// Where the goods of a line end: at the end of a sentence, or where the writer goes on to something else.
fn sentence_end(words: &[Word], reading: &Reading) -> Option<usize> {
    for (at, word) in words.iter().enumerate() {
        let next = words.get(at + 1);
        let full = word.text.ends_with(['.', '!', '?', ';'])
            && !word.text.trim_end_matches('.').contains('.')
            && word.text.chars().filter(|c| c.is_alphanumeric()).count() > 2
            && next.is_none_or(|n| n.text.starts_with(char::is_uppercase));
        if full {
            return Some(at + 1);
        }
        if next.is_some_and(|n| STOPS.contains(&bare(n).as_str()) && !is_code(n, reading))
            && (at > 0 || is_code(word, reading))
        {
            return Some(at + 1);
        }
    }
    None
}

/// Words after which the text speaks of something else than the goods.
const STOPS: &[&str] = &[
    "please",
    "bitte",
    "tack",
    "merci",
    "thanks",
    "asap",
    "deliver",
    "delivery",
    "delivered",
    "lieferung",
    "liefern",
    "leverans",
    "levereras",
    "livraison",
    "needed",
    "bis",
    "senast",
    "avant",
    "before",
    "to",
    "nach",
    "till",
    "an",
    "by",
    "would",
    "will",
    "be",
    "is",
    "are",
    "can",
    "could",
    "then",
    "dann",
];

/// Item number and description.
fn name_goods(words: &[Word], trails: bool, line: &mut Line, reading: &Reading) {
    let is_mark = |w: &Word| w.text.chars().all(|c| !c.is_alphanumeric());
    let joins = |w: &Word| {
        let text = bare(w);
        AND.contains(&text.as_str()) || OF.contains(&text.as_str()) || is_mark(w)
    };
    let mut words: Vec<Word> = words.to_vec();
    if let Some(first) = words.first().filter(|w| {
        let digits = w.text.trim_end_matches(['.', ')']);
        trails && (1..=3).contains(&digits.len()) && digits.chars().all(|c| c.is_ascii_digit())
    }) {
        let number = std::slice::from_ref(first);
        let text = join(number).trim_end_matches(['.', ')']).to_owned();
        line.insert("line_no".to_owned(), propose(text, number, sure(0.9, number, reading)));
        words.remove(0);
    }
    let start = words.iter().take_while(|w| joins(w)).count();
    words.drain(..start);
    if trails {
        // what leads up to the goods in a sentence: "please send us A-1312, 20 pcs"
        if let Some(wish) = words.iter().rposition(is_wish) {
            words.drain(..=wish);
        }
    }
    while words.last().is_some_and(|w| joins(w) || AT.contains(&bare(w).as_str())) {
        words.pop();
    }
    join_parted_code(&mut words);
    let code = words.iter().position(|w| {
        let text = w.text.trim_matches(|c: char| !c.is_alphanumeric());
        reading.catalogue.has_sku(text)
    });
    let code = code
        .or_else(|| words.iter().position(|w| is_code(w, reading)))
        .or_else(|| words.first().filter(|w| is_joined_digits(w)).map(|_| 0));
    if let Some(at) = code {
        let word = words.remove(at);
        let text = word.text.trim_matches(|c: char| !c.is_alphanumeric()).to_owned();
        let own = std::slice::from_ref(&word);
        let theirs = reading.catalogue.has_customer_sku(&text) && !reading.catalogue.has_sku(&text);
        let name = if theirs { "customer_sku" } else { "sku" };
        line.insert(name.to_owned(), propose(text, own, sure(0.86, own, reading)));
        // "art. no. A-1312"
        if let Some(named) = at.checked_sub(1).filter(|i| words.get(*i).is_some_and(is_number_word)) {
            words.remove(named);
        }
    }
    for elided in ["d'", "d’", "l'", "l’"] {
        if let Some(first) = words.first_mut()
            && let Some(rest) = first.text.strip_prefix(elided)
        {
            first.text = rest.to_owned();
        }
    }
    words.retain(|w| !is_mark(w) || matches!(w.text.as_str(), "&" | "+"));
    let text = join(&words);
    let text =
        text.trim_matches(|c: char| matches!(c, ',' | ';' | ':' | '-' | '–' | '(' | ' ' | '.')).to_owned();
    let text = if text.contains('(') { text } else { text.trim_end_matches(')').to_owned() };
    if text.chars().filter(|c| c.is_alphabetic()).count() >= 3 && text.len() <= 140 {
        let base = if line.contains_key("sku") || line.contains_key("customer_sku") { 0.8 } else { 0.7 };
        line.insert("description".to_owned(), propose(text, &words, sure(base, &words, reading)));
    }
}

/// `FQ 5521` at the start is one item number.
fn join_parted_code(words: &mut Vec<Word>) {
    let letters = |w: &Word| w.text.len() <= 4 && w.text.chars().all(|c| c.is_ascii_uppercase());
    let digits = |w: &Word| w.text.len() >= 3 && w.text.chars().all(|c| c.is_ascii_digit());
    if let [first, second, ..] = words.as_mut_slice()
        && letters(first)
        && digits(second)
    {
        first.text = format!("{} {}", first.text, second.text);
        first.x1 = second.x1;
        first.rect = first.rect.union(&second.rect);
        words.remove(1);
    }
}

fn is_number_word(word: &Word) -> bool {
    matches!(
        bare(word).as_str(),
        "art"
            | "art.nr"
            | "art.-nr"
            | "artnr"
            | "no"
            | "nr"
            | "item"
            | "sku"
            | "ref"
            | "reference"
            | "artikel"
            | "article"
            | "part"
            | "number"
            | "nummer"
    )
}

/// A price for one, and an amount after an equals sign.
pub(super) fn prices(tail: &[Word], line: &mut Line, reading: &Reading) {
    let mut amount_next = false;
    for (at, word) in tail.iter().enumerate().take(12) {
        let text = word.text.trim_matches(|c: char| matches!(c, ',' | ';' | '(' | ')')).trim_end_matches('.');
        if matches!(text, "=" | "total" | "summa" | "gesamt" | "totalt") {
            amount_next = true;
            continue;
        }
        let (figure, currency) = split_currency(text.trim_start_matches('@').trim_start_matches('='));
        let Some(number) = parse_number(figure, reading.style) else { continue };
        let before = at.checked_sub(1).and_then(|i| tail.get(i));
        let next = tail.get(at + 1);
        let money = currency.is_some()
            || next.is_some_and(|n| crate::extract::number::parse_currency(&n.text).is_some())
            || before.is_some_and(|b| crate::extract::number::parse_currency(&b.text).is_some())
            || text.starts_with('@')
            || before.is_some_and(|b| matches!(b.text.as_str(), "@" | "à" | "á" | "="));
        if !money {
            continue;
        }
        let name = if amount_next || text.starts_with('=') || line.contains_key("unit_price") {
            "amount"
        } else {
            "unit_price"
        };
        let own = std::slice::from_ref(word);
        let value = propose(number.normalize().to_string(), own, sure(0.85, own, reading));
        line.entry(name.to_owned()).or_insert(value);
        amount_next = false;
    }
}
