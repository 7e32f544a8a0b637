//! Days, times and numbers as the reader of a page writes them; what the program works with stays ISO and decimal.

use super::text;
use jiff::{Zoned, civil::Date};
use rust_decimal::Decimal;

/// How a language writes days, and the marks between thousands and before decimals.
struct Form {
    language: &'static str,
    day: &'static str,
    thousands: char,
    decimal: char,
}

/// English first: what is not listed is written so. English days name the month, because 9/7 is read in two ways.
const FORMS: [Form; 4] = [
    Form { language: "en", day: "%-d %b %Y", thousands: ',', decimal: '.' },
    Form { language: "de", day: "%d.%m.%Y", thousands: '.', decimal: ',' },
    Form { language: "fr", day: "%d/%m/%Y", thousands: '\u{202f}', decimal: ',' },
    Form { language: "sv", day: "%Y-%m-%d", thousands: '\u{a0}', decimal: ',' },
];

fn form(language: &str) -> &'static Form {
    let [english, ..] = &FORMS;
    FORMS.iter().find(|form| form.language == language).unwrap_or(english)
}

/// A day, in the language of the page under way.
pub(super) fn day(at: &Zoned) -> String {
    at.strftime(form(text::language()).day).to_string()
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

#[cfg(test)]
mod tests {
    use super::*;

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
