//! Numbers as they are printed in four languages, into exact decimals.
//!
//! Handles thousands marks (blank, dot, comma, apostrophe), decimal comma and dot, currency signs and codes around
//! the number, percent signs and accountants' minus signs. A group of three after a single mark is read by [`Style`].

use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};
use std::str::FromStr as _;

/// Which mark parts whole numbers from fractions in this document.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Style {
    /// 1,234.50
    Dot,
    /// 1.234,50 or 1 234,50
    Comma,
}

/// Currency signs and codes with their ISO 4217 codes.
const CURRENCIES: &[(&str, &str)] = &[
    ("€", "EUR"),
    ("EUR", "EUR"),
    ("EURO", "EUR"),
    ("£", "GBP"),
    ("GBP", "GBP"),
    ("US$", "USD"),
    ("USD", "USD"),
    ("CA$", "CAD"),
    ("CAD", "CAD"),
    ("C$", "CAD"),
    ("$", "USD"),
    ("SEK", "SEK"),
    ("KR", "SEK"),
    ("KR.", "SEK"),
    ("CHF", "CHF"),
    ("SFR", "CHF"),
    ("NOK", "NOK"),
    ("DKK", "DKK"),
    ("PLN", "PLN"),
    ("INR", "INR"),
    ("₹", "INR"),
    ("AUD", "AUD"),
    ("JPY", "JPY"),
    ("¥", "JPY"),
    ("CZK", "CZK"),
    ("CNY", "CNY"),
    ("NZD", "NZD"),
    ("SGD", "SGD"),
    ("ZAR", "ZAR"),
    ("MXN", "MXN"),
    ("BRL", "BRL"),
    ("HUF", "HUF"),
    ("RM", "MYR"),
];

/// The ISO code of a currency sign or code that stands alone.
pub fn parse_currency(text: &str) -> Option<&'static str> {
    let text = text.trim_matches(|c: char| matches!(c, '(' | ')' | ':' | ',' | '[' | ']')).to_uppercase();
    CURRENCIES.iter().find(|(sign, _)| *sign == text).map(|(_, code)| *code)
}

/// The text without a currency sign or code at either end, and that currency.
pub fn split_currency(text: &str) -> (&str, Option<&'static str>) {
    let text = text.trim();
    // A word without any of these stands beside no amount.
    if !text.bytes().any(|b| b.is_ascii_digit() || matches!(b, b'-' | b'.' | b',' | b'(' | b')')) {
        return (text, None);
    }
    for (sign, code) in CURRENCIES {
        let Some(head) = text.get(..sign.len()) else { continue };
        if head.eq_ignore_ascii_case(sign) {
            let rest = text.get(sign.len()..).unwrap_or_default().trim_start();
            let figure =
                rest.chars().all(|c| !c.is_alphabetic()) && !rest.trim_start_matches('-').contains('-');
            if rest.starts_with(|c: char| c.is_ascii_digit() || matches!(c, '-' | '.' | '('))
                && (figure || rest.ends_with('-') || !rest.starts_with('-'))
            {
                return (rest, Some(code));
            }
        }
    }
    for (sign, code) in CURRENCIES {
        let Some(at) = text.len().checked_sub(sign.len()) else { continue };
        if text.get(at..).is_some_and(|tail| tail.eq_ignore_ascii_case(sign)) {
            let rest = text.get(..at).unwrap_or_default().trim_end();
            if rest.ends_with(|c: char| c.is_ascii_digit() || matches!(c, '-' | ',' | '.' | ')')) {
                return (rest, Some(code));
            }
        }
    }
    (text, None)
}

/// A number with nothing but a currency, percent sign or blanks around it.
pub fn parse_number(text: &str, style: Style) -> Option<Decimal> {
    if !text.contains(|c: char| c.is_ascii_digit()) {
        return None;
    }
    let (text, _) = split_currency(text);
    let text = text.trim().trim_end_matches('%').trim();
    let (text, negative) = sign(text);
    let digits = text.chars().filter(char::is_ascii_digit).count();
    if digits == 0 || digits > 15 || !text.starts_with(|c: char| c.is_ascii_digit() || matches!(c, ',' | '.'))
    {
        return None;
    }
    let compact: String = text
        .chars()
        .filter(|c| !c.is_whitespace() && !matches!(c, '\'' | '’' | '\u{a0}' | '\u{202f}'))
        .collect();
    if text.contains(char::is_whitespace) && !blank_groups(text) {
        return None;
    }
    if !compact.chars().all(|c| c.is_ascii_digit() || matches!(c, ',' | '.')) {
        return None;
    }
    let compact = compact.strip_suffix(",-").unwrap_or(&compact).trim_end_matches(['.', ',']).to_owned();
    let plain = plain_digits(&compact, style)?;
    let value = Decimal::from_str(&plain).ok()?.normalize();
    Some(if negative { -value } else { value })
}

fn sign(text: &str) -> (&str, bool) {
    if let Some(inner) = text.strip_prefix('(').and_then(|t| t.strip_suffix(')')) {
        return (inner, true);
    }
    for minus in ['-', '−', '–'] {
        if let Some(rest) = text.strip_prefix(minus).or_else(|| text.strip_suffix(minus)) {
            return (rest.trim(), true);
        }
    }
    (text.strip_prefix('+').unwrap_or(text), false)
}

/// `12 500,00` yes, `12 5` no.
fn blank_groups(text: &str) -> bool {
    let mut parts = text.split(char::is_whitespace).filter(|p| !p.is_empty());
    let first = parts.next().unwrap_or_default();
    let rest: Vec<&str> = parts.collect();
    first.len() <= 3
        && first.chars().all(|c| c.is_ascii_digit())
        && rest.iter().enumerate().all(|(i, part)| {
            let whole = part.split([',', '.']).next().unwrap_or_default();
            whole.len() == 3
                && whole.chars().all(|c| c.is_ascii_digit())
                && (i + 1 == rest.len() || whole.len() == part.len())
        })
}

/// Removes thousands marks and makes the decimal mark a dot.
fn plain_digits(text: &str, style: Style) -> Option<String> {
    let commas = text.matches(',').count();
    let dots = text.matches('.').count();
    let groups_of_three = |mark: char| {
        let mut parts = text.split(mark);
        let first = parts.next().unwrap_or_default();
        (1..=3).contains(&first.len()) && parts.all(|p| p.len() == 3)
    };
    let decimal = match (commas, dots) {
        (0, 0) => None,
        (1.., 1..) => {
            let (comma, dot) = (text.rfind(',')?, text.rfind('.')?);
            let mark = if comma > dot { ',' } else { '.' };
            if text.matches(mark).count() > 1 {
                return None;
            }
            Some(mark)
        }
        (2.., 0) => return groups_of_three(',').then(|| text.replace(',', "")),
        (0, 2..) => return groups_of_three('.').then(|| text.replace('.', "")),
        (1, 0) => match style {
            Style::Dot if groups_of_three(',') && !text.starts_with('0') => None,
            _ => Some(','),
        },
        (0, 1) => match style {
            Style::Comma if groups_of_three('.') && !text.starts_with('0') => None,
            _ => Some('.'),
        },
    };
    let mut plain = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            ',' | '.' if Some(c) == decimal => plain.push('.'),
            ',' | '.' => {}
            c => plain.push(c),
        }
    }
    if plain.starts_with('.') {
        plain.insert(0, '0');
    }
    Some(plain)
}

/// Which decimal mark the numbers of a document vote for; `fallback` if they do not say.
pub fn vote_style<'a>(texts: impl Iterator<Item = &'a str>, fallback: Style) -> Style {
    let (mut dot, mut comma) = (0, 0);
    for text in texts {
        let text = split_currency(text).0;
        if !text.chars().all(|c| c.is_ascii_digit() || matches!(c, ',' | '.')) {
            continue;
        }
        let Some(at) = text.rfind([',', '.']) else { continue };
        let tail = text.len() - at - 1;
        let marks = text.matches([',', '.']).count();
        if tail == 2 && marks <= 3 {
            let before = text.get(..at).unwrap_or_default();
            let same = text.get(at..=at).is_some_and(|mark| before.contains(mark));
            if !same {
                if text.get(at..=at) == Some(".") { dot += 1 } else { comma += 1 }
            }
        }
    }
    match dot.cmp(&comma) {
        std::cmp::Ordering::Greater => Style::Dot,
        std::cmp::Ordering::Less => Style::Comma,
        std::cmp::Ordering::Equal => fallback,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_read_as_printed() {
        for (text, style, wanted) in [
            ("1,234.50", Style::Dot, Some("1234.5")),
            ("1.234,50", Style::Comma, Some("1234.5")),
            ("1 234,50", Style::Comma, Some("1234.5")),
            ("1'234.50", Style::Dot, Some("1234.5")),
            ("1,000.000", Style::Dot, Some("1000")),
            ("150,000", Style::Comma, Some("150")),
            ("150,000", Style::Dot, Some("150000")),
            ("0,3438", Style::Comma, Some("0.3438")),
            ("€ 12.50", Style::Dot, Some("12.5")),
            ("12,50 EUR", Style::Comma, Some("12.5")),
            ("GBP 12290.95", Style::Dot, Some("12290.95")),
            ("(12.00)", Style::Dot, Some("-12")),
            ("20 %", Style::Dot, Some("20")),
            ("12 5", Style::Dot, None),
            ("KS-20138", Style::Dot, None),
            ("2026-03-01", Style::Dot, None),
        ] {
            let got = parse_number(text, style).map(|d| d.to_string());
            assert_eq!(got.as_deref(), wanted, "{text}");
        }
    }
}
