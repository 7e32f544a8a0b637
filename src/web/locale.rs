//! Days, times and numbers as the reader of a page writes them; what the program works with stays ISO and decimal.

use super::text;
use crate::{
    extract::date::{self, Order},
    model::number::{Marks, Read, read},
};
use jiff::{Zoned, civil::Date};
use rust_decimal::Decimal;

/// How a language writes days, in full and without the year, and the marks between thousands and before decimals.
struct Form {
    language: &'static str,
    day: &'static str,
    short: &'static str,
    thousands: char,
    decimal: char,
}

/// English first: what is not listed is written so. English days name the month, because 9/7 is read in two ways.
const FORMS: [Form; 4] = [
    Form { language: "en", day: "%-d %b %Y", short: "%-d %b", thousands: ',', decimal: '.' },
    Form { language: "de", day: "%d.%m.%Y", short: "%d.%m.", thousands: '.', decimal: ',' },
    Form { language: "fr", day: "%d/%m/%Y", short: "%d/%m", thousands: '\u{202f}', decimal: ',' },
    Form { language: "sv", day: "%Y-%m-%d", short: "%-d/%-m", thousands: '\u{a0}', decimal: ',' },
];

fn form(language: &str) -> &'static Form {
    let [english, ..] = &FORMS;
    FORMS.iter().find(|form| form.language == language).unwrap_or(english)
}

/// A day, in the language of the page under way.
pub(super) fn day(at: &Zoned) -> String {
    at.strftime(form(text::language()).day).to_string()
}

/// A day of a year that goes without saying.
pub(super) fn short_day(at: &Zoned) -> String {
    short_day_in(at, text::language())
}

fn short_day_in(at: &Zoned, language: &str) -> String {
    at.strftime(form(language).short).to_string()
}

/// A day and the time of day.
pub(super) fn time(at: &Zoned) -> String {
    format!("{} {}", day(at), at.strftime("%H:%M"))
}

/// An ISO date as the reader writes it; anything else stays as it is.
pub(super) fn iso_day(value: &str) -> String {
    iso_day_in(value, text::language())
}

fn iso_day_in(value: &str, language: &str) -> String {
    match value.parse::<Date>() {
        Ok(date) if value.len() == 10 => date.strftime(form(language).day).to_string(),
        _ => value.to_owned(),
    }
}

/// An ISO date as the reader types it. English readers type ISO: their forms can be read in two ways.
pub(super) fn typed_day(value: &str) -> String {
    typed_day_in(value, text::language())
}

fn typed_day_in(value: &str, language: &str) -> String {
    if language == "en" { value.to_owned() } else { iso_day_in(value, language) }
}

/// A day as the reader types it, in ISO; none if it is no day, or could be two.
pub(super) fn plain_day(typed: &str) -> Option<String> {
    plain_day_in(typed, text::language())
}

fn plain_day_in(typed: &str, language: &str) -> Option<String> {
    let dotted = typed.contains('.');
    let read = date::parse_date(typed, Order::DayFirst)?;
    let whole = read.words == typed.split_whitespace().count();
    (whole && (!read.ambiguous || dotted || language != "en")).then_some(read.iso)
}

/// A decimal number with a dot as the reader writes it; anything else stays as it is.
pub(super) fn number(value: &str) -> String {
    number_in(value, text::language())
}

fn number_in(value: &str, language: &str) -> String {
    let Ok(decimal) = value.parse::<Decimal>() else { return value.to_owned() };
    let form = form(language);
    let plain = decimal.abs().to_string();
    let (whole, fraction) = plain.split_once('.').unwrap_or((&plain, ""));
    let mut text = String::from(if decimal.is_sign_negative() && !decimal.is_zero() { "-" } else { "" });
    for (place, digit) in whole.chars().enumerate() {
        if place > 0 && (whole.len() - place).is_multiple_of(3) {
            text.push(form.thousands);
        }
        text.push(digit);
    }
    if !fraction.is_empty() {
        text.push(form.decimal);
        text.push_str(fraction);
    }
    text
}

/// A number as the reader types it, with a dot and no thousands marks; none if it is no number.
///
/// Of two marks the last is the decimal one. A mark alone is a thousands mark where it stands several times, or where
/// the reader's language writes thousands with it and three digits follow.
pub(super) fn plain(typed: &str) -> Option<String> {
    plain_in(typed, text::language())
}

fn plain_in(typed: &str, language: &str) -> Option<String> {
    let packed: String = typed.chars().filter(|c| !c.is_whitespace() && *c != '\'').collect();
    let decimal = match (packed.rfind('.'), packed.rfind(',')) {
        (Some(dot), Some(comma)) => Some(if comma > dot { ',' } else { '.' }),
        (None, None) => None,
        (dot, _) => {
            Some(if dot.is_some() { '.' } else { ',' }).filter(|mark| !is_grouped(&packed, *mark, language))
        }
    };
    let plain = packed.chars().filter(|c| !matches!(c, '.' | ',') || Some(*c) == decimal);
    let plain: String = plain.map(|c| if Some(c) == decimal { '.' } else { c }).collect();
    plain.parse::<Decimal>().is_ok().then_some(plain)
}

/// An amount as the reader types it, with the mark between thousands of the page's language; one that can be read in
/// two ways is asked about. `three` says that its currency has three decimals.
pub(super) fn amount(typed: &str, three: bool) -> Read {
    let form = form(text::language());
    read(typed, Marks { thousands: Some(form.thousands), decimal: three.then_some(form.decimal) })
}

/// Whether the only mark in a number stands between thousands.
fn is_grouped(packed: &str, mark: char, language: &str) -> bool {
    let mut groups = packed.trim_start_matches(['-', '+']).split(mark);
    let first = groups.next().unwrap_or_default();
    let rest: Vec<&str> = groups.collect();
    let thousands = mark == form(language).thousands
        && (1..=3).contains(&first.len())
        && !first.starts_with('0')
        && rest.iter().all(|group| group.len() == 3);
    rest.len() > 1 || thousands
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_as_people_type_them() {
        for (language, typed, plain) in [
            ("en", "12,5", Some("12.5")),
            ("en", "1 234.50", Some("1234.50")),
            ("en", "1,234.50", Some("1234.50")),
            ("en", "1.234,50", Some("1234.50")),
            ("en", "1,234", Some("1234")),
            ("en", "1,234,567", Some("1234567")),
            ("en", "0,125", Some("0.125")),
            ("de", "1.234", Some("1234")),
            ("de", "0.125", Some("0.125")),
            ("de", "1,234", Some("1.234")),
            ("de", "1.234.567", Some("1234567")),
            ("sv", "1\u{a0}234,5", Some("1234.5")),
            ("fr", "-1\u{202f}234,50", Some("-1234.50")),
            ("en", "ten", None),
            ("en", "", None),
        ] {
            assert_eq!(plain_in(typed, language).as_deref(), plain, "{language} {typed}");
        }
    }

    #[test]
    fn days_as_people_type_them() {
        for (language, typed, iso) in [
            ("de", "07.09.2026", Some("2026-09-07")),
            ("de", "7.9.26", Some("2026-09-07")),
            ("fr", "07/09/2026", Some("2026-09-07")),
            ("sv", "2026-09-07", Some("2026-09-07")),
            ("en", "2026-09-07", Some("2026-09-07")),
            ("en", "7 September 2026", Some("2026-09-07")),
            ("en", "09/07/2026", None),
            ("en", "31/12/2026", Some("2026-12-31")),
            ("en", "31/31/2026", None),
            ("de", "30.02.2026", None),
            ("en", "next week", None),
            ("en", "2026-09-07 or later", None),
            ("en", "2026-W37", Some("2026-W37")),
        ] {
            assert_eq!(plain_day_in(typed, language).as_deref(), iso, "{language} {typed}");
        }
        for language in ["en", "de", "fr", "sv"] {
            let written = typed_day_in("2026-09-07", language);
            assert_eq!(plain_day_in(&written, language).as_deref(), Some("2026-09-07"), "{written}");
        }
    }

    #[test]
    fn what_is_written_reads_back() {
        for language in ["en", "de", "fr", "sv"] {
            for value in ["1234.50", "1.234", "0.125", "-7", "1234567", "12", "123456.789"] {
                let written = number_in(value, language);
                assert_eq!(plain_in(&written, language).as_deref(), Some(value), "{language} {written}");
            }
        }
    }

    #[test]
    fn days_without_a_year() {
        let at = jiff::civil::date(2026, 9, 7).to_zoned(jiff::tz::TimeZone::UTC).unwrap();
        for (language, day) in [("en", "7 Sep"), ("de", "07.09."), ("fr", "07/09"), ("sv", "7/9")] {
            assert_eq!(short_day_in(&at, language), day);
        }
    }

    #[test]
    fn every_reader_sees_figures_in_his_own_form() {
        for (language, value, number, iso, day) in [
            ("en", "1234567.50", "1,234,567.50", "2026-09-07", "7 Sep 2026"),
            ("de", "1234.5", "1.234,5", "2026-09-07", "07.09.2026"),
            ("fr", "-1234", "-1\u{202f}234", "2026-09-07", "07/09/2026"),
            ("sv", "999.00", "999,00", "2026-09-07", "2026-09-07"),
            ("en", "to be agreed", "to be agreed", "next week", "next week"),
            ("de", "", "", "", ""),
        ] {
            assert_eq!(number_in(value, language), number);
            assert_eq!(iso_day_in(iso, language), day);
        }
    }
}
