//! Numbers as people write them: with a comma or a dot before decimals, and marks between thousands or none.
//!
//! Does not: guess. `25.000` is twenty-five to some and twenty-five thousand to others; who reads it without knowing
//! whom it is from gets both.

use rust_decimal::Decimal;

/// What is known of how a number was written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Marks {
    /// The mark between thousands.
    pub thousands: Option<char>,
    /// The mark before decimals.
    pub decimal: Option<char>,
}

/// What was read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Read {
    /// One number.
    Number(Decimal),
    /// The mark in it stands between thousands or before decimals.
    Either(Decimal, Decimal),
    /// No number.
    No,
}

/// Reads a number. Of two marks the last is the decimal one; a mark that stands several times parts thousands.
pub fn read(text: &str, marks: Marks) -> Read {
    let packed: String = text.chars().filter(|c| !c.is_whitespace() && !matches!(c, '\'' | '’')).collect();
    let (sign, figures) = match packed.strip_prefix(['-', '\u{2212}']) {
        Some(rest) => ("-", rest),
        None => ("", packed.strip_prefix('+').unwrap_or(&packed)),
    };
    let is_figure = |c: char| c.is_ascii_digit() || matches!(c, '.' | ',');
    if !figures.chars().all(is_figure) {
        return Read::No;
    }
    let number = |whole: &str, fraction: &str| {
        let plain = if fraction.is_empty() {
            format!("{sign}{whole}")
        } else {
            format!("{sign}{}.{fraction}", if whole.is_empty() { "0" } else { whole })
        };
        plain.parse::<Decimal>().map_or(Read::No, Read::Number)
    };
    let Some(last) = figures.chars().rev().find(|c| !c.is_ascii_digit()) else { return number(figures, "") };
    let Some((whole, fraction)) = figures.rsplit_once(last) else { return Read::No };
    if fraction.is_empty() {
        return Read::No;
    }
    if whole.contains(last) {
        // the same mark several times: thousands, and nothing else beside them
        return grouped(figures, last).map_or(Read::No, |whole| number(&whole, ""));
    }
    let other = if last == '.' { ',' } else { '.' };
    if whole.contains(other) {
        return grouped(whole, other).map_or(Read::No, |whole| number(&whole, fraction));
    }
    let Some(joined) = grouped(figures, last) else { return number(whole, fraction) };
    if marks.thousands == Some(last) {
        return number(&joined, "");
    }
    if marks.decimal == Some(last) {
        return number(whole, fraction);
    }
    match (number(&joined, ""), number(whole, fraction)) {
        (Read::Number(thousands), Read::Number(decimals)) => Read::Either(thousands, decimals.normalize()),
        _ => Read::No,
    }
}

/// The digits of a whole number whose thousands stand apart by `mark`; none if they do not.
fn grouped(figures: &str, mark: char) -> Option<String> {
    let mut groups = figures.split(mark);
    let first = groups.next().unwrap_or_default();
    let shaped = (1..=3).contains(&first.len())
        && !first.starts_with('0')
        && groups.all(|group| group.len() == 3 && group.chars().all(|c| c.is_ascii_digit()));
    shaped.then(|| figures.replace(mark, ""))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_is_never_silently_another() {
        let number = |text: &str| Read::Number(text.parse().unwrap());
        let either = |a: &str, b: &str| Read::Either(a.parse().unwrap(), b.parse().unwrap());
        let none = Marks::default();
        let dot = Marks { decimal: Some('.'), ..none };
        let german = Marks { thousands: Some('.'), ..none };
        for (text, marks, expected) in [
            ("25000", none, number("25000")),
            ("25.000", none, either("25000", "25")),
            ("25,000", none, either("25000", "25")),
            ("25.000", dot, number("25.000")),
            ("25,000", dot, either("25000", "25")),
            ("25.000", german, number("25000")),
            ("25,000", german, either("25000", "25")),
            ("1.234,50", none, number("1234.50")),
            ("1,234.50", none, number("1234.50")),
            ("1.234.567", none, number("1234567")),
            ("1.234.567,8", none, number("1234567.8")),
            ("12,5", none, number("12.5")),
            ("0,125", none, number("0.125")),
            ("1234,567", none, number("1234.567")),
            (",5", none, number("0.5")),
            ("1\u{a0}234,50", none, number("1234.50")),
            ("1’234.50", none, number("1234.50")),
            ("-12,50", none, number("-12.50")),
            ("12.34,50", none, Read::No),
            ("1.2.3", none, Read::No),
            ("12,", none, Read::No),
            ("1E+05", none, Read::No),
            ("ten", none, Read::No),
            ("", none, Read::No),
            (".", none, Read::No),
        ] {
            assert_eq!(read(text, marks), expected, "{text:?} {marks:?}");
        }
    }
}
