//! Dates as they are printed in four languages, into ISO texts; calendar weeks stay `2026-W23`.
//!
//! A day and a month that could change places are read by the [`Order`] of the document; the reading says so.

use super::label::fold_word;
use jiff::civil::Date;
use serde::{Deserialize, Serialize};
use std::cmp::Ordering;

/// Which comes first in `03/04/2026`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Order {
    /// The day, as nearly everywhere.
    DayFirst,
    /// The month, as in the United States.
    MonthFirst,
    /// The document does not say.
    Unknown,
}

/// A date and how sure its reading is.
#[derive(Clone, Debug, PartialEq)]
pub struct Reading {
    /// `2026-05-06` or `2026-W23`.
    pub iso: String,
    /// Day and month could change places, and only the document's order says which is which.
    pub ambiguous: bool,
    /// How many words of the text it took.
    pub words: usize,
}

const MONTHS: [&[&str]; 12] = [
    &["january", "januar", "januari", "janvier", "jan", "janv", "janner"],
    &["february", "februar", "februari", "fevrier", "feb", "fev", "fevr", "febr"],
    &["march", "marz", "mars", "mar", "maerz", "mrz"],
    &["april", "avril", "apr", "avr"],
    &["may", "mai", "maj"],
    &["june", "juni", "juin", "jun"],
    &["july", "juli", "juillet", "jul", "juil"],
    &["august", "augusti", "aout", "aug"],
    &["september", "septembre", "sep", "sept"],
    &["october", "oktober", "octobre", "oct", "okt"],
    &["november", "novembre", "nov"],
    &["december", "dezember", "decembre", "dec", "dez"],
];

fn month(word: &str) -> Option<u32> {
    let word = fold_word(word);
    MONTHS.iter().position(|names| names.contains(&word.as_str())).map(|i| i as u32 + 1)
}

fn iso(year: u32, month: u32, day: u32) -> Option<String> {
    let year = if year < 100 { year + 2000 } else { year };
    if !(1990..=2099).contains(&year) {
        return None;
    }
    Date::new(i16::try_from(year).ok()?, i8::try_from(month).ok()?, i8::try_from(day).ok()?)
        .ok()
        .map(|d| d.to_string())
}

/// The date at the start of the text, if there is one.
pub fn parse_date(text: &str, order: Order) -> Option<Reading> {
    let words: Vec<&str> = text.split_whitespace().collect();
    let skip = words
        .iter()
        .take_while(|w| {
            matches!(
                fold_word(w).as_str(),
                "den"
                    | "le"
                    | "du"
                    | "am"
                    | "the"
                    | "on"
                    | "ma"
                    | "mo"
                    | "di"
                    | "mi"
                    | "do"
                    | "fr"
                    | "mon"
                    | "tue"
                    | "wed"
                    | "thu"
                    | "fri"
            )
        })
        .count();
    let at = |i: usize| words.get(skip + i).copied().unwrap_or_default();
    if let Some((text, used)) = week(at(0), at(1), at(2)) {
        return Some(Reading { iso: text, ambiguous: false, words: skip + used });
    }
    numeric(at(0), order).map(|(iso, ambiguous)| Reading { iso, ambiguous, words: skip + 1 }).or_else(|| {
        worded(&[at(0), at(1), at(2), at(3)]).map(|(iso, used)| Reading {
            iso,
            ambiguous: false,
            words: skip + used,
        })
    })
}

fn digits(text: &str) -> Option<u32> {
    (!text.is_empty() && text.len() <= 8 && text.bytes().all(|b| b.is_ascii_digit()))
        .then(|| text.parse().ok())
        .flatten()
}

/// `W23 2026`, `KW 23/2026`, `Semaine 19/2026`, `v.23 2026`, `2026-W23`.
fn week(first: &str, second: &str, third: &str) -> Option<(String, usize)> {
    let lower = fold_word(first);
    let name = |w: &str| {
        matches!(w, "kw" | "week" | "wk" | "semaine" | "sem" | "vecka" | "v" | "w" | "woche" | "s" | "cw")
    };
    let build = |week: u32, year: u32| {
        let year = if year < 100 { year + 2000 } else { year };
        ((1..=53).contains(&week) && (2000..=2099).contains(&year)).then(|| format!("{year}-W{week:02}"))
    };
    let pair = |text: &str| {
        let mut parts = text.split(['/', '-', '.']).filter(|p| !p.is_empty());
        let (a, b) = (digits(parts.next()?)?, digits(parts.next()?)?);
        if a > 53 { build(b, a) } else { build(a, b) }
    };
    if let Some((year, week)) = first.split_once(['-', ' ']).filter(|(y, _)| y.len() == 4)
        && let Some(week) = week.to_lowercase().strip_prefix('w').and_then(digits)
    {
        return build(week, digits(year)?).map(|t| (t, 1));
    }
    if name(&lower) {
        if let Some(text) = pair(second) {
            return Some((text, 2));
        }
        let week = digits(second.trim_end_matches(','))?;
        return build(week, digits(third)?).map(|t| (t, 3));
    }
    for prefix in ["kw", "week", "wk", "v", "w", "s"] {
        let Some(rest) =
            first.to_lowercase().strip_prefix(prefix).map(|r| r.trim_start_matches('.').to_owned())
        else {
            continue;
        };
        if !rest.starts_with(|c: char| c.is_ascii_digit()) {
            continue;
        }
        if let Some(text) = pair(&rest) {
            return Some((text, 1));
        }
        if let (Some(week), Some(year)) = (digits(rest.trim_end_matches(',')), digits(second)) {
            return build(week, year).map(|t| (t, 2));
        }
    }
    None
}

fn numeric(word: &str, order: Order) -> Option<(String, bool)> {
    let word = word.trim_matches(|c: char| !c.is_alphanumeric());
    let plain = word.bytes().all(|b| b.is_ascii_digit());
    if plain && word.len() == 8 && word.starts_with("20") {
        let all = digits(word)?;
        return iso(all / 10_000, all / 100 % 100, all % 100).map(|t| (t, false));
    }
    if plain && word.len() == 6 && order != Order::MonthFirst {
        let all = digits(word)?;
        return (all / 10_000 >= 20)
            .then(|| iso(all / 10_000, all / 100 % 100, all % 100))
            .flatten()
            .map(|t| (t, true));
    }
    let mark = word.chars().find(|c| !c.is_alphanumeric())?;
    let parts: Vec<&str> = word.split(mark).collect();
    let &[a, b, c] = parts.as_slice() else { return None };
    if let Some(m) = month(b) {
        let (day, year) = (digits(a)?, digits(c)?);
        return (c.len() == 4 || c.len() == 2).then(|| iso(year, m, day)).flatten().map(|t| (t, false));
    }
    let (x, y, z) = (digits(a)?, digits(b)?, digits(c)?);
    if a.len() == 4 {
        return iso(x, y, z).map(|t| (t, false));
    }
    if !(c.len() == 2 || c.len() == 4) || a.len() > 2 || b.len() > 2 {
        return None;
    }
    let (day_first, month_first) = (iso(z, y, x), iso(z, x, y));
    if mark == '.' {
        return day_first.map(|t| (t, false));
    }
    match (day_first, month_first) {
        (Some(d), Some(m)) if d == m => Some((d, false)),
        (Some(d), Some(m)) => Some((if order == Order::MonthFirst { m } else { d }, true)),
        (Some(t), None) | (None, Some(t)) => Some((t, false)),
        (None, None) => None,
    }
}

fn worded(words: &[&str; 4]) -> Option<(String, usize)> {
    let ordinal = |w: &str| {
        let w = w.trim_end_matches([',', '.']);
        let w = ["st", "nd", "rd", "th", "er", "e"].iter().find_map(|s| w.strip_suffix(s)).unwrap_or(w);
        digits(w).filter(|d| (1..=31).contains(d))
    };
    let year = |w: &str| {
        let w = w.trim_matches(|c: char| !c.is_alphanumeric());
        (w.len() == 4).then(|| digits(w)).flatten()
    };
    let [a, b, c, d] = *words;
    if let (Some(day), Some(m)) = (ordinal(a), month(b)) {
        return year(c).and_then(|y| iso(y, m, day)).map(|t| (t, 3));
    }
    if let (Some(m), Some(day)) = (month(a), ordinal(b)) {
        return year(c).and_then(|y| iso(y, m, day)).map(|t| (t, 3));
    }
    // `6 . May 2026` as OCR sometimes parts it
    if let (Some(day), Some(m)) = (ordinal(a), month(c)) {
        return (b.len() == 1).then(|| year(d)).flatten().and_then(|y| iso(y, m, day)).map(|t| (t, 4));
    }
    None
}

/// The order that unambiguous dates with slashes or dashes in the document show; `fallback` if none does.
pub fn vote_order<'a>(words: impl Iterator<Item = &'a str>, fallback: Order) -> Order {
    let (mut day_first, mut month_first) = (0, 0);
    let mut words = words.peekable();
    while let Some(word) = words.next() {
        // when a browser printed the page, in its own order
        if words.peek().is_some_and(|next| is_clock(next)) {
            continue;
        }
        let word = word.trim_matches(|c: char| !c.is_alphanumeric());
        let mut parts = word.split(['/', '-']);
        let (Some(a), Some(b), Some(c), None) = (parts.next(), parts.next(), parts.next(), parts.next())
        else {
            continue;
        };
        let (Some(x), Some(y), Some(_)) = (digits(a), digits(b), digits(c)) else { continue };
        if a.len() > 2 || b.len() > 2 || !matches!(c.len(), 2 | 4) {
            continue;
        }
        if (13..=31).contains(&x) && (1..=12).contains(&y) {
            day_first += 1;
        }
        if (13..=31).contains(&y) && (1..=12).contains(&x) {
            month_first += 1;
        }
    }
    match day_first.cmp(&month_first) {
        Ordering::Greater => Order::DayFirst,
        Ordering::Less => Order::MonthFirst,
        Ordering::Equal => fallback,
    }
}

/// `7:05`, `19:05:11`: a time of day.
pub fn is_clock(word: &str) -> bool {
    let figures = |t: &str| t.len() == 2 && t.bytes().all(|b| b.is_ascii_digit());
    let mut parts = word.trim_end_matches([',', '.', ')']).split(':');
    let hour =
        parts.next().is_some_and(|h| (1..=2).contains(&h.len()) && h.bytes().all(|b| b.is_ascii_digit()));
    hour && parts.next().is_some_and(figures) && parts.all(figures)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_read_as_printed() {
        for (text, order, wanted) in [
            ("2026-05-06", Order::Unknown, "2026-05-06"),
            ("6. Mai 2026", Order::DayFirst, "2026-05-06"),
            ("May 6, 2026", Order::MonthFirst, "2026-05-06"),
            ("15th July 2026", Order::DayFirst, "2026-07-15"),
            ("11-SEP-2026", Order::DayFirst, "2026-09-11"),
            ("05/06/2026", Order::MonthFirst, "2026-05-06"),
            ("05/06/26", Order::DayFirst, "2026-06-05"),
            ("260724", Order::DayFirst, "2026-07-24"),
            ("20/07/26", Order::DayFirst, "2026-07-20"),
            ("1/2/26", Order::DayFirst, "2026-02-01"),
            ("20260213", Order::Unknown, "2026-02-13"),
            ("Semaine 19/2026", Order::DayFirst, "2026-W19"),
            ("KW 23 2026", Order::DayFirst, "2026-W23"),
            ("le 1er mars 2026", Order::DayFirst, "2026-03-01"),
        ] {
            assert_eq!(parse_date(text, order).map(|r| r.iso).as_deref(), Some(wanted), "{text}");
        }
        assert_eq!(parse_date("4500148195", Order::DayFirst), None);
    }
}
