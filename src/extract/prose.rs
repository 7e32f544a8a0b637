//! Orders in the running text of a mail: "please send 20 x A-1312 gasket 40 mm and 5 boxes of B-77".
//!
//! A quantity with a unit or a times sign anchors a line; what stands around it up to the next one names the goods and
//! the price. Verbs say what the writer wants. Does not: read tables ([`super::table`]) or labelled fields
//! ([`super::field`]); take a number for a quantity that nothing marks as one; guess a year.

use super::{
    confidence::from_words,
    date::parse_date,
    draft::{Reading, mend_line, propose},
    label::fold_word,
    layout::{Layout, Row, Word, join},
    number::{parse_number, split_currency},
};
use crate::{
    model::draft::{Kind, Line, Proposal},
    validate::account::squeeze,
};
use rust_decimal::Decimal;

/// Lines of one text at most.
const LINES_MAX: usize = 500;
/// A row of at least so many characters may go on in the next.
const FULL_ROW_CHARS: usize = 50;
/// A quantity is below this.
const QUANTITY_MAX: Decimal = Decimal::from_parts(10_000_000, 0, 0, false, 0);

/// Units that goods are counted in, folded.
#[rustfmt::skip]
const UNITS: &[&str] = &[
    "pcs", "pc", "piece", "pieces", "ea", "each", "unit", "units", "box", "boxes", "bx", "pack", "packs", "packet", "packets", "pkt", "pkts",
    "carton", "cartons", "ctn", "case", "cases", "bottle", "bottles", "btl", "roll", "rolls", "bag", "bags", "can", "cans", "drum", "drums",
    "pallet", "pallets", "set", "sets", "pair", "pairs", "tube", "tubes", "tub", "tubs", "sheet", "sheets", "length", "lengths", "metre",
    "metres", "meter", "meters", "m", "kg", "litre", "litres", "liter", "liters", "ltr", "l", "dozen", "spool", "spools", "jar", "jars",
    "stk", "stck", "stuck", "stucke", "packung", "packungen", "pck", "karton", "kartons", "kiste", "kisten", "flasche", "flaschen", "rolle",
    "rollen", "beutel", "dose", "dosen", "kanister", "palette", "paletten", "satz", "satze", "paar", "tuben", "dutzend", "eimer", "fass", "gebinde",
    "ve", "schachtel", "schachteln", "st", "styck", "stycken", "forp", "forpackning", "forpackningar", "lada", "lador", "kartong", "kartonger",
    "flaska", "flaskor", "rulle", "rullar", "pase", "pasar", "burk", "burkar", "dunk", "dunkar", "pall", "pallar", "sats", "satser", "par", "paket",
    "ask", "askar", "hink", "hinkar", "tuber", "boite", "boites", "paquet", "paquets", "bouteille", "bouteilles", "flacon", "flacons", "rouleau",
    "rouleaux", "sac", "sacs", "sachet", "sachets", "bidon", "bidons", "palettes", "jeu", "jeux", "paire", "paires", "unite", "unites", "lot",
    "lots", "caisse", "caisses", "fut", "futs", "seau", "seaux", "pot", "pots", "pce", "pces", "etui", "etuis",
];
/// Measures of goods, which are no quantities of them.
const MEASURES: &[&str] = &[
    "mm", "cm", "ml", "cl", "µm", "um", "g", "mg", "v", "w", "kw", "a", "bar", "inch", "in", "zoll", "tum",
    "%", "°c", "days", "tage", "dagar", "jours",
];
/// Words between a quantity and its goods.
const OF: &[&str] = &["of", "av", "de", "d", "von", "à", "x", "×", "*"];
/// Words that join two lines.
const AND: &[&str] = &["and", "und", "och", "samt", "et", "sowie", "plus", "&", "+", "also", "ainsi"];
/// Words before a price for one.
const AT: &[&str] =
    &["@", "à", "á", "je", "at", "zu", "for", "for:", "till", "pris", "preis", "price", "prix"];

/// The lines of goods in a text.
pub fn find_lines(layout: &Layout, reading: &Reading) -> Vec<Line> {
    let mut lines = Vec::new();
    for words in statements(layout) {
        let anchors = anchors(&words, reading);
        for (at, anchor) in anchors.iter().enumerate() {
            if lines.len() >= LINES_MAX {
                return lines;
            }
            let previous = at.checked_sub(1).and_then(|i| anchors.get(i));
            let next = anchors.get(at + 1);
            if let Some(line) = read_line(&words, anchor, previous, next, reading) {
                lines.push(line);
            }
        }
    }
    lines
}

/// Rows, joined where a row goes on in the next.
fn statements(layout: &Layout) -> Vec<Vec<Word>> {
    let mut out: Vec<Vec<Word>> = Vec::new();
    let mut previous: Option<&Row> = None;
    for row in &layout.rows {
        let words: Vec<Word> = row.words().into_iter().map(without_price_unit).collect();
        let starts_low = words.first().is_some_and(|w| w.text.starts_with(char::is_lowercase));
        let goes_on = previous.is_some_and(|p| {
            p.text().chars().count() >= FULL_ROW_CHARS
                && row.y0() - p.y1() < 0.9 * (p.y1() - p.y0())
                && !p.text().ends_with([':', '.', ';'])
        });
        match out.last_mut() {
            Some(last) if goes_on && starts_low => last.extend(words),
            _ => out.push(words),
        }
        previous = Some(row);
    }
    out
}

/// A quantity among the words.
#[derive(Clone, Copy, Debug)]
struct Anchor {
    /// The word with the number.
    at: usize,
    /// The first word after number, unit and times sign.
    end: usize,
    /// The word with the unit.
    unit: Option<usize>,
    value: Decimal,
    /// The number stands behind its goods rather than before them.
    trails: bool,
}

fn bare(word: &Word) -> String {
    fold_word(&word.text)
}

/// Whether the text is a unit that goods are often counted in.
pub fn is_usual_unit(text: &str) -> bool {
    UNITS.contains(&fold_word(text).as_str())
}

fn is_unit(word: &Word) -> bool {
    let text = bare(word);
    UNITS.contains(&text.as_str())
}

fn is_times(word: &Word) -> bool {
    matches!(word.text.as_str(), "x" | "X" | "×" | "*")
}

/// Every quantity that is marked as one.
fn anchors(words: &[Word], reading: &Reading) -> Vec<Anchor> {
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

/// Units that say rather how large goods are than how many, folded.
/// `€/Stk` is the currency of a price.
fn without_price_unit(mut word: Word) -> Word {
    if let Some((head, tail)) = word.text.split_once('/')
        && tail.chars().any(char::is_alphabetic)
        && (matches!(head, "€" | "$" | "£") || super::number::parse_currency(head).is_some())
    {
        word.text = head.to_owned();
    }
    word
}

fn is_size(word: &Word) -> bool {
    matches!(bare(word).as_str(), "m" | "l" | "kg" | "meter" | "liter" | "litre" | "metre" | "ltr")
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
fn is_joined_digits(word: &Word) -> bool {
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
fn is_code(word: &Word, reading: &Reading) -> bool {
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

/// `M8x40`, `DN25`, `500ml`, `IP68`, `24VDC`, `2026-03-01`.
fn is_measure(text: &str) -> bool {
    let folded = text.to_lowercase();
    let norms = ["dn", "ip", "pn", "iso", "din", "en", "rj"]
        .iter()
        .any(|norm| folded.strip_prefix(norm).is_some_and(|rest| rest.chars().all(|c| c.is_ascii_digit())));
    let thread = folded.strip_prefix('m').is_some_and(|rest| {
        !rest.is_empty() && rest.chars().all(|c| c.is_ascii_digit() || matches!(c, 'x' | '.' | ','))
    });
    let sized = folded.starts_with(|c: char| c.is_ascii_digit()) && {
        let tail =
            folded.trim_start_matches(|c: char| c.is_ascii_digit() || matches!(c, '.' | ',' | 'x' | '/'));
        tail.is_empty() && folded.contains('x')
            || MEASURES.contains(&tail)
            || matches!(tail, "m" | "l" | "kg" | "vdc" | "vac" | "x")
    };
    norms || thread || sized || parse_date(text, super::date::Order::DayFirst).is_some()
}

/// One line around its quantity.
fn read_line(
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
        tail.get(at + 1).is_some_and(|n| super::number::parse_currency(&n.text).is_some())
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

fn sure(base: f32, words: &[Word], reading: &Reading) -> f32 {
    from_words(base, words, reading.trusted)
}

/// The unit in `20pcs`.
fn glued_unit(number: &[Word]) -> Option<String> {
    let text = &number.first()?.text;
    let unit = text.trim_start_matches(|c: char| c.is_ascii_digit() || matches!(c, '.' | ','));
    let unit = unit.trim_end_matches([',', ';', ':']);
    (unit.len() > 1 && UNITS.contains(&fold_word(unit).as_str())).then(|| unit.to_owned())
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
fn prices(tail: &[Word], line: &mut Line, reading: &Reading) {
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
            || next.is_some_and(|n| super::number::parse_currency(&n.text).is_some())
            || before.is_some_and(|b| super::number::parse_currency(&b.text).is_some())
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

/// Words that say that somebody wants to have something.
fn is_wish(word: &Word) -> bool {
    const WISHES: &[&str] = &[
        "send",
        "order",
        "ship",
        "supply",
        "deliver",
        "need",
        "want",
        "require",
        "us",
        "me",
        "following",
        "bestellen",
        "bestelle",
        "liefern",
        "senden",
        "schicken",
        "benotigen",
        "brauchen",
        "uns",
        "bestaller",
        "bestalla",
        "skicka",
        "leverera",
        "behover",
        "onskar",
        "oss",
        "commandons",
        "commander",
        "livrer",
        "envoyer",
        "faut",
        "nous",
        "souhaitons",
        "commande",
        "like",
        "get",
        "have",
    ];
    WISHES.contains(&bare(word).as_str())
}

/// Phrases, folded, with what they say that the writer wants.
#[rustfmt::skip]
const INTENTS: &[(Kind, f32, &[&str])] = &[
    (Kind::PurchaseOrderCancellation, 4.0, &["cancel our order", "cancel the order", "cancel this order", "cancel order", "cancel po", "cancel purchase order", "cancel my order", "cancel our po", "order is cancelled", "stornieren", "stornierung", "stornieren sie", "auftrag storn", "bestellung zuruckziehen", "annullera", "avbestalla", "avbestaller", "makulera", "annulerar", "annuler notre commande", "annuler la commande", "annulons", "annulation de la commande", "annuler cette commande", "withdraw our order"]),
    (Kind::PurchaseOrderChange, 3.0, &["change our order", "change the order", "change order", "amend our order", "amend order", "change po", "amend po", "update our order", "update po", "anderung unserer bestellung", "bestellung andern", "bestellung anpassen", "andern wir", "bestellung wie folgt", "andra var bestallning", "andra bestallningen", "andra order", "modifier notre commande", "modifier la commande", "modification de notre commande"]),
    (Kind::Quotation, 3.0, &["quote for", "quote us", "quotation for", "your best price", "price for the following", "prices for", "how much", "what would", "request for quot", "send us a quote", "offer us", "angebot fur", "angebot uber", "um ein angebot", "bitte um angebot", "anfrage", "was kosten", "was kostet", "preis fur", "offert pa", "offert for", "offertforfragan", "vad kostar", "pris pa", "devis", "votre meilleur prix", "demande de prix", "quel est le prix", "combien"]),
    (Kind::ReturnRequest, 3.0, &["return the following", "want to return", "like to return", "return these", "send back", "zuruckschicken", "zurucksenden", "rucksendung", "retournieren", "returnera", "skicka tillbaka", "retourner", "renvoyer", "rma"]),
    (Kind::Other, 3.0, &["have received", "we received", "was damaged", "were damaged", "arrived damaged", "wrong item", "missing from", "in stock", "on stock", "lead time", "where is", "when will", "tracking", "haben erhalten", "beschadigt", "falsch geliefert", "fehlt", "fehlen", "auf lager", "lieferzeit", "wann kommt", "wo bleibt", "har fatt", "mottagit", "skadad", "skadade", "saknas", "i lager", "leveranstid", "nar kommer", "avons recu", "endommage", "manquant", "en stock", "delai", "ou en est", "invoice no", "credit note", "unsubscribe", "special offer"]),
    (Kind::PurchaseOrder, 3.0, &["please send", "please supply", "please deliver", "please ship", "please order", "please enter", "would like to order", "like to order", "want to order", "wish to order", "we order", "i order", "place an order", "place the following order", "please process", "purchase order", "new order", "our order", "we need", "i need", "we require", "can you send", "could you send", "following items", "following order", "order the following", "bitte liefern", "bitte senden", "bitte schicken", "bitte bestellen", "bestellen wir", "wir bestellen", "bestelle ich", "ich bestelle", "mochten bestellen", "mochte bestellen", "hiermit bestell", "wir benotigen", "wir brauchen", "benotigen wir", "brauchen wir", "unsere bestellung", "bestellung", "wir bitten um lieferung", "vi bestaller", "jag bestaller", "vill bestalla", "bestalla foljande", "onskar bestalla", "skicka oss", "skicka garna", "leverera foljande", "vi behover", "behover vi", "var bestallning", "bestallning", "vanligen leverera", "vanligen skicka", "bestaller harmed", "harmed bestall", "nous commandons", "je commande", "souhaitons commander", "souhaite commander", "voudrions commander", "passer commande", "passer la commande", "notre commande", "merci de nous livrer", "merci de nous envoyer", "merci de livrer", "merci d envoyer", "veuillez nous livrer", "veuillez livrer", "veuillez nous envoyer", "nous avons besoin", "il nous faut", "bon de commande"]),
];

/// What the writer of a text wants, by its verbs; none if nothing says so. `text` is folded.
pub fn find_kind(text: &str, lines: usize, has_number: bool) -> Option<(Kind, f32)> {
    let mut best: Option<(Kind, f32)> = None;
    for (kind, weight, phrases) in INTENTS {
        let hits = phrases.iter().filter(|phrase| text.contains(**phrase)).count();
        if hits == 0 {
            continue;
        }
        let mut score = weight + 0.4 * (hits.min(3) as f32 - 1.0);
        if matches!(kind, Kind::PurchaseOrder) {
            // a text that speaks of an order and something else rather is about the something else
            score -= 0.6;
        }
        let able = match kind {
            Kind::PurchaseOrder | Kind::Quotation => lines > 0,
            Kind::PurchaseOrderCancellation | Kind::PurchaseOrderChange => has_number,
            _ => true,
        };
        if able && best.is_none_or(|(_, b)| score > b) {
            best = Some((*kind, score));
        }
    }
    // goods and the number of an order, and nothing that speaks of something else
    let Some((kind, _)) = best else {
        let bare = lines > 1 && !text.contains('?');
        return match (lines, has_number) {
            (1.., true) => Some((Kind::PurchaseOrder, 0.8)),
            _ if bare => Some((Kind::PurchaseOrder, 0.6)),
            _ => None,
        };
    };
    let sure: f32 = match (kind, has_number) {
        (Kind::PurchaseOrder, true) => 0.92,
        (Kind::PurchaseOrder, false) => 0.85,
        (Kind::PurchaseOrderCancellation, _) => 0.88,
        _ => 0.75,
    };
    Some((kind, sure))
}

/// Words that name an order before its number.
const ORDER_WORDS: &[&str] = &[
    "order",
    "po",
    "p.o",
    "purchase",
    "bestellung",
    "auftrag",
    "bestellnummer",
    "auftragsnummer",
    "bestell-nr",
    "bestellnr",
    "bestallning",
    "bestallningen",
    "ordern",
    "ordernr",
    "ordernummer",
    "bestallningsnr",
    "bestallningsnummer",
    "inkopsorder",
    "commande",
    "cde",
    "bestellungsnummer",
];

/// The number of the order that the text names: `our PO 4500123`, `Bestellung VF-20933 vom 7.9.2026`.
pub fn find_order_number(words: &[Word], reading: &Reading) -> Option<(String, Vec<Word>)> {
    let filler = |w: &Word| {
        matches!(
            bare(w).as_str(),
            "no" | "nr"
                | "number"
                | "nummer"
                | "numero"
                | "n"
                | "#"
                | "order"
                | "po"
                | "is"
                | "ist"
                | "ar"
                | "est"
                | ""
                | "ref"
                | "reference"
                | "med"
                | "mit"
                | "id"
        )
    };
    for (at, word) in words.iter().enumerate() {
        let name = bare(word);
        let glued = name
            .strip_prefix("po#")
            .or_else(|| name.strip_prefix("po-"))
            .filter(|rest| rest.chars().filter(char::is_ascii_digit).count() >= 2);
        if glued.is_some() {
            let own = vec![word.clone()];
            let text = word.text.trim_matches(|c: char| !c.is_alphanumeric());
            let text = text.strip_prefix("PO#").or_else(|| text.strip_prefix("po#")).unwrap_or(text);
            return Some((text.to_owned(), own));
        }
        if !ORDER_WORDS.contains(&name.as_str()) {
            continue;
        }
        let rest = words.get(at + 1..)?;
        let skip = rest.iter().take(3).take_while(|w| filler(w)).count();
        let Some(code) = rest.get(skip) else { continue };
        let text = code.text.trim_matches(|c: char| !c.is_alphanumeric());
        let digits = text.chars().filter(char::is_ascii_digit).count();
        let counted = rest.get(skip + 1).is_some_and(|w| is_times(w) || is_unit(w)) && digits == text.len();
        let fits = digits >= 2
            && (3..=30).contains(&text.len())
            && text.chars().all(|c| c.is_alphanumeric() || matches!(c, '-' | '/' | '.' | '_'))
            && parse_date(text, reading.order).is_none()
            && !counted
            && !is_measure(text);
        if fits {
            return Some((text.to_owned(), vec![code.clone()]));
        }
    }
    None
}

/// The date behind the number of an order: `order VF-20933 of 7 Sep 2026`, `Bestellung … vom 07.09.2026`.
pub fn find_order_date(words: &[Word], reading: &Reading) -> Option<(String, Vec<Word>)> {
    let (_, number) = find_order_number(words, reading)?;
    let first = number.first()?;
    let at = words.iter().position(|w| w.rect == first.rect && w.page == first.page)?;
    let after = words.get(at + 1..)?;
    let joins = after.first().filter(|w| {
        matches!(bare(w).as_str(), "vom" | "of" | "dated" | "from" | "du" | "fran" | "av" | "den" | "le")
    });
    joins?;
    let near: Vec<Word> = after.iter().skip(1).take(5).cloned().collect();
    let read = parse_date(&join(&near), reading.order).filter(|read| !read.ambiguous)?;
    Some((read.iso, near.into_iter().take(read.words).collect()))
}

/// The name of the sender in the first row of a mail's text, if it is that of a person.
pub fn find_sender(layout: &Layout) -> Option<(String, Vec<Word>)> {
    let words = layout.rows.first()?.words();
    let (first, rest) = words.split_first()?;
    let from = matches!(first.text.as_str(), "From:" | "Von:" | "Från:" | "De:");
    if !from || rest.iter().any(|w| is_machine(&w.text)) {
        return None;
    }
    let name: Vec<Word> = rest.iter().take_while(|w| !w.text.contains('@')).cloned().collect();
    let letters = |c: char| c.is_alphabetic() || matches!(c, '.' | '-' | '\'' | '’' | ',' | '"');
    let person = (2..=4).contains(&name.len()) && name.iter().all(|w| w.text.chars().all(letters));
    person.then(|| (first_name_first(&join(&name)), name))
}

/// `Heidt, Tamara` is Tamara Heidt.
pub fn first_name_first(name: &str) -> String {
    let name = name.trim_matches('"');
    match name.split_once(", ") {
        Some((last, first)) if !first.contains(',') => format!("{first} {last}"),
        _ => name.to_owned(),
    }
}

/// Whether nobody reads what is sent to this address.
pub fn is_machine(mail: &str) -> bool {
    let local: String = mail.to_lowercase().chars().filter(|c| c.is_alphanumeric() || *c == '@').collect();
    ["noreply", "donotreply", "mailerdaemon"].iter().any(|machine| local.starts_with(machine))
}

/// Whether a text is what somebody says rather than a name.
pub fn is_sentence(text: &str) -> bool {
    let text = crate::validate::account::fold(text);
    let says = INTENTS.iter().flat_map(|(_, _, phrases)| *phrases).any(|phrase| text.contains(*phrase));
    says || text.split(' ').count() > 8
}

/// Rows of an address in a text at most.
const ADDRESS_ROWS_MAX: usize = 6;

/// The address that a sentence names: `Please ship to` over its rows, or `Lieferung an Werk 2, Weg 4, 74321 Ort.`
pub fn find_ship_to(layout: &Layout) -> Option<(String, Vec<Word>)> {
    ship_to_below(layout).or_else(|| {
        layout.rows.iter().enumerate().find_map(|(at, row)| {
            let next = layout.rows.get(at + 1).filter(|n| n.page == row.page && n.segments.len() == 1);
            let words = row.words().into_iter().chain(next.into_iter().flat_map(Row::words)).collect();
            ship_to_inside(words, row.words().len())
        })
    })
}

/// Words of an address in a sentence at most.
const ADDRESS_WORDS_MAX: usize = 22;

/// The address after `deliver to` in a sentence that begins within the first `own` words.
fn ship_to_inside(words: Vec<Word>, own: usize) -> Option<(String, Vec<Word>)> {
    let sends = |w: &Word| {
        let text = bare(w);
        ["ship", "deliver", "liefer", "anliefer", "livr", "lever"].iter().any(|s| text.starts_with(s))
    };
    let to = |w: &Word| matches!(bare(w).as_str(), "to" | "till" | "an" | "a" | "nach" | "at" | "chez");
    let verb = words.iter().take(own).position(sends)?;
    let start = verb + 1 + words.get(verb + 1..)?.iter().take(4).position(to)? + 1;
    let rest = words.get(start..)?;
    let opens = rest.first()?.text.chars().next()?;
    let stops = |w: &Word| {
        matches!(bare(w).as_str(), "by" | "before" | "bis" | "senast" | "avant" | "pour" | "am" | "on" | "no")
    };
    let ends = |w: &Word| w.text.ends_with(['.', ';', '!']) && w.text.chars().count() > 5;
    let mut used: Vec<Word> = Vec::new();
    for word in rest.iter().take(ADDRESS_WORDS_MAX) {
        if stops(word) {
            break;
        }
        used.push(word.clone());
        if ends(word) {
            break;
        }
    }
    let text = join(&used).trim_end_matches(['.', ',', ';', '!']).to_owned();
    let place = used.iter().any(|w| w.text.chars().filter(char::is_ascii_digit).count() >= 3);
    let fits = (opens.is_uppercase() || opens.is_ascii_digit()) && text.contains(", ") && place;
    fits.then_some((text, used))
}

/// The address that a sentence ends in: `Please ship to` over its rows.
fn ship_to_below(layout: &Layout) -> Option<(String, Vec<Word>)> {
    let leads = |row: &Row| {
        let text = crate::validate::account::fold(&row.text());
        let words: Vec<&str> = text.split(' ').collect();
        let tail = words.get(words.len().saturating_sub(6)..).unwrap_or_default();
        let sends = tail.iter().any(|w| {
            ["ship", "deliver", "liefer", "livr", "lever", "skick", "send"].iter().any(|s| w.starts_with(s))
        });
        let ends = words.last().is_some_and(|w| {
            matches!(*w, "to" | "till" | "an" | "a" | "nach" | "adresse" | "address" | "adress" | "at")
        });
        let called = row.text().trim_end().ends_with(':')
            && words.len() <= 9
            && words.windows(2).any(|w| {
                matches!(w, [a, b] if ["ship", "deliver", "send", "liefer", "livr", "lever"].iter().any(|s| a.starts_with(s))
                    && matches!(*b, "to" | "an" | "a" | "till" | "bitte" | "at"))
            });
        sends && ends || called
    };
    let at = layout.rows.iter().position(leads)?;
    let mut lines: Vec<Vec<Word>> = Vec::new();
    let mut above = layout.rows.get(at)?;
    for row in layout.rows.iter().skip(at + 1).take(ADDRESS_ROWS_MAX) {
        let height = (row.y1() - row.y0()).max(1.0);
        let gap = row.y0() - above.y1();
        let most = if lines.is_empty() { 2.5 } else { 0.9 };
        let words = row.words();
        if row.page != above.page || gap > most * height || words.len() > 8 {
            break;
        }
        lines.push(words);
        above = row;
    }
    let words: Vec<Word> = lines.iter().flatten().cloned().collect();
    let digits = words.iter().flat_map(|w| w.text.chars()).filter(char::is_ascii_digit).count();
    let text =
        lines.iter().map(|l| join(l).trim_end_matches([',', '.']).to_owned()).collect::<Vec<_>>().join(", ");
    (lines.len() >= 2 && digits >= 3).then_some((text, words))
}

/// Rows of a signature in which a company is looked for.
const SIGNATURE_ROWS: usize = 4;
/// Letters that a company's name and its domain must begin alike with.
const DOMAIN_LETTERS_MIN: usize = 5;

/// The company that signs below the name of the sender: the row that looks like a company or like the sender's domain,
/// else the first.
pub fn find_company(layout: &Layout) -> Option<(String, Vec<Word>)> {
    let (name, _) = find_sender(layout)?;
    let at = layout
        .rows
        .iter()
        .rposition(|row| row.text().trim() == name)
        .or_else(|| super::letter::closing(layout).map(|at| at + 1))?;
    let domain = layout.rows.first().map(Row::text).unwrap_or_default();
    let domain = squeeze(domain.split_once('@').map_or("", |(_, domain)| domain));
    let rows: Vec<Vec<Word>> = layout
        .rows
        .iter()
        .skip(at + 1)
        .take(SIGNATURE_ROWS)
        .map(Row::words)
        .filter(|words| {
            let text = join(words);
            (1..=7).contains(&words.len())
                && !text.chars().any(|c| c.is_ascii_digit() || matches!(c, '@' | ':'))
                && text.starts_with(char::is_uppercase)
        })
        .collect();
    let of_domain = |words: &&Vec<Word>| {
        let own = squeeze(&join(words));
        let alike = own.chars().zip(domain.chars()).take_while(|(a, b)| a == b).count();
        alike >= DOMAIN_LETTERS_MIN.min(own.chars().count()) && alike >= 3
    };
    let words = rows
        .iter()
        .find(of_domain)
        .or_else(|| rows.iter().find(|words| super::party::looks_like_company(&join(words))))
        .or_else(|| rows.first())?;
    Some((join(words), words.clone()))
}

/// `24 April` or `KW 27` in a text of 13 April 2026: the first such day after it.
fn day_after(words: &[Word], written: Option<&str>, reading: &Reading) -> Option<(String, Vec<Word>)> {
    let written = written.filter(|day| day.len() == 10)?;
    let year: i16 = written.get(..4)?.parse().ok()?;
    (1..=2).rev().find_map(|n| {
        let used = words.get(..n)?;
        let text = join(used);
        let text = text.trim_end_matches(['.', ',', '!', '?', ';', ')']);
        if !text.chars().any(|c| c.is_ascii_digit()) {
            return None;
        }
        [year, year + 1].into_iter().find_map(|year| {
            ["", " ", "/", "."].iter().find_map(|mark| {
                let whole = format!("{text}{mark}{year}");
                let read = parse_date(&whole, reading.order)?;
                let later = read.iso.contains('W') || read.iso.as_str() >= written;
                (later && read.words == whole.split(' ').count()).then(|| (read.iso, used.to_vec()))
            })
        })
    })
}

/// Words that open a day of delivery.
const WANTED: &[&[&str]] = &[
    &["needed", "by"],
    &["need", "by"],
    &["required", "by"],
    &["deliver", "by"],
    &["delivered", "by"],
    &["delivery", "by"],
    &["delivery", "on"],
    &["no", "later", "than"],
    &["delivery", "before"],
    &["deliver", "before"],
    &["arrive", "by"],
    &["us", "by"],
    &["here", "by"],
    &["bis", "zum"],
    &["bis", "spatestens"],
    &["spatestens"],
    &["lieferung", "bis"],
    &["lieferung", "am"],
    &["liefertermin"],
    &["bis"],
    &["leverans", "senast"],
    &["senast"],
    &["leverans", "den"],
    &["fore", "den"],
    &["avant", "le"],
    &["pour", "le"],
    &["au", "plus", "tard", "le"],
    &["livraison", "le"],
    &["livraison", "pour", "le"],
    &["d'ici", "le"],
    &["by"],
];

/// The day until which the writer wants the goods, if it is said with its year.
pub fn find_wanted(words: &[Word], reading: &Reading) -> Option<(String, Vec<Word>, bool)> {
    let written = words.iter().take(40).enumerate().find_map(|(at, _)| {
        let tail = words.get(at..(at + 4).min(words.len()))?;
        parse_date(&join(tail), reading.order).filter(|date| !date.ambiguous).map(|date| date.iso)
    });
    for at in 0..words.len() {
        for phrase in WANTED {
            let rest = words.get(at..).unwrap_or_default();
            let hit = rest.len() > phrase.len() && phrase.iter().zip(rest).all(|(p, w)| *p == bare(w));
            if !hit {
                continue;
            }
            let after = rest.get(phrase.len()..).unwrap_or_default();
            let near = after.get(..after.len().min(6)).unwrap_or_default();
            let near: Vec<Word> = near.iter().filter(|w| w.text != ":").cloned().collect();
            if let Some(read) = parse_date(&join(&near), reading.order) {
                let used: Vec<Word> = near.iter().take(read.words).cloned().collect();
                return Some((read.iso, used, read.ambiguous));
            }
            if let Some((iso, used)) = day_after(&near, written.as_deref(), reading) {
                return Some((iso, used, true));
            }
        }
    }
    None
}

/// A value that stands in the subject of the mail, not on its page.
pub fn from_subject(value: String, sure: f32) -> Proposal {
    super::draft::ruled(crate::model::draft::Content::Text(value), "subject of the mail", sure)
}
