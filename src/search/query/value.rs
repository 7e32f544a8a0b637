//! The values behind fields: dates, sums, ticket numbers. Each function says what a text means, or nothing.

use crate::model::number::{self, Marks, Read};
use jiff::{
    Span, ToSpan as _, Zoned,
    civil::{Date, Weekday},
};

/// First millisecond of a time, and the first one after it.
pub(super) type Period = (i64, i64);

/// `2025`, `2025-03`, `2025-03-14`, `today`, `yesterday`, `monday`, `thisweek`, `lastmonth`…, and `7d`, `2w`, `3m`, `1y` for
/// the day so long ago; `12h` for that hour. Days begin and end where the person is.
pub(super) fn period(value: &str, now: &Zoned) -> Option<Period> {
    let value = value.to_lowercase();
    if let Some(hours) = value.strip_suffix('h').and_then(count) {
        let from = now.checked_sub(i64::from(hours).hours()).ok()?.timestamp().as_millisecond();
        return Some((from, from + 3_600_000));
    }
    let (from, to) = civil_period(&value, now.date())?;
    let first_ms = |day: Date| Some(day.to_zoned(now.time_zone().clone()).ok()?.timestamp().as_millisecond());
    Some((first_ms(from)?, first_ms(to)?))
}

fn civil_period(value: &str, today: Date) -> Option<(Date, Date)> {
    let day = |day: Date| Some((day, day.tomorrow().ok()?));
    match value {
        "today" => return day(today),
        "yesterday" => return day(today.yesterday().ok()?),
        _ => {}
    }
    if let Some(weekday) = weekday(value) {
        return day(today.checked_sub(i64::from(today.weekday().since(weekday)).days()).ok()?);
    }
    if let Some(name) = value.strip_prefix("this") {
        return named_period(name, today);
    }
    if let Some(name) = value.strip_prefix("last") {
        let (from, _) = named_period(name, today)?;
        return named_period(name, from.yesterday().ok()?);
    }
    ago(value).map_or_else(|| written(value), |span| day(today.checked_sub(span).ok()?))
}

/// `monday`, `mon`: the latest day of that name, today among them.
fn weekday(name: &str) -> Option<Weekday> {
    let days = ["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"];
    let at = days.iter().position(|day| *day == name || (name.len() == 3 && day.starts_with(name)))?;
    Weekday::from_monday_zero_offset(i8::try_from(at).ok()?).ok()
}

fn named_period(name: &str, within: Date) -> Option<(Date, Date)> {
    let (from, length) = match name {
        "week" => {
            let since = within.weekday().since(Weekday::Monday);
            (within.checked_sub(i64::from(since).days()).ok()?, 1.week())
        }
        "month" => (within.first_of_month(), 1.month()),
        "year" => (within.first_of_year(), 1.year()),
        _ => return None,
    };
    Some((from, from.checked_add(length).ok()?))
}

fn count(digits: &str) -> Option<u16> {
    ((1..=4).contains(&digits.len()) && digits.bytes().all(|b| b.is_ascii_digit()))
        .then(|| digits.parse().ok())
        .flatten()
}

fn ago(value: &str) -> Option<Span> {
    let unit = value.chars().last()?;
    let n = i64::from(count(value.strip_suffix(unit)?)?);
    match unit {
        'd' => Some(n.days()),
        'w' => Some(n.weeks()),
        'm' => Some(n.months()),
        'y' => Some(n.years()),
        _ => None,
    }
}

fn written(value: &str) -> Option<(Date, Date)> {
    let parts: Vec<&str> = value.split('-').collect();
    let number = |text: &str, digits: usize| count(text).filter(|_| text.len() == digits);
    let year = number(parts.first()?, 4)?;
    let month = parts.get(1).map_or(Some(1), |m| number(m, 2))?;
    let day = parts.get(2).map_or(Some(1), |d| number(d, 2))?;
    let from =
        Date::new(i16::try_from(year).ok()?, i8::try_from(month).ok()?, i8::try_from(day).ok()?).ok()?;
    let length = match parts.len() {
        1 => 1.year(),
        2 => 1.month(),
        3 => 1.day(),
        _ => return None,
    };
    Some((from, from.checked_add(length).ok()?))
}

/// `14.3.2025` as `2025-03-14`: a day that was perhaps meant.
pub(super) fn likely_date(value: &str) -> Option<String> {
    let mut parts = value.split(['.', '/']);
    let mut next = || count(parts.next()?);
    let (a, b, c) = (next()?, next()?, next()?);
    if parts.next().is_some() {
        return None;
    }
    let (year, month, day) = if a > 999 { (a, b, c) } else { (c, b, a) };
    // With a slash nobody knows which one is the month.
    if value.contains('/') && a <= 12 && b <= 12 {
        return None;
    }
    let date = |m: u16, d: u16| {
        Date::new(i16::try_from(year).ok()?, i8::try_from(m).ok()?, i8::try_from(d).ok()?).ok()
    };
    date(month, day).or_else(|| date(day, month)).map(|date| date.to_string())
}

/// Hundredths of `1000`, `99.5`, `99,50`, and of `1.234,50` with both marks; a mark alone that may stand between
/// thousands is refused.
pub(super) fn amount(value: &str) -> Option<i64> {
    if let Some(plain) = without_thousands(value) {
        return amount(&plain);
    }
    let (whole, part) = value.split_once(['.', ',']).unwrap_or((value, ""));
    let digits = |text: &str| text.bytes().all(|b| b.is_ascii_digit());
    let complete = !value.ends_with(['.', ',']);
    if whole.is_empty() || whole.len() > 12 || part.len() > 2 || !digits(whole) || !digits(part) || !complete
    {
        return None;
    }
    format!("{whole}{part:0<2}").parse().ok()
}

/// `1.234,50` as `1234.50`, where both marks stand and say which is which.
fn without_thousands(value: &str) -> Option<String> {
    match number::read(value, Marks::default()) {
        Read::Number(sum) if value.contains('.') && value.contains(',') => Some(sum.to_string()),
        _ => None,
    }
}

/// `1.000` as `1000`: a sum that was perhaps meant.
pub(super) fn likely_amount(value: &str) -> Option<String> {
    let digits: String = value.chars().filter(char::is_ascii_digit).collect();
    (digits.len() != value.len() && amount(&digits).is_some()).then_some(digits)
}

/// `MR-1001`, `[MR-1001]`, `#1001`, `1001`.
pub(super) fn ticket(value: &str) -> Option<i64> {
    let digits = value.trim_matches(['[', ']', '#']).to_lowercase();
    let digits = digits.strip_prefix("mr-").unwrap_or(&digits);
    digits.parse().ok().filter(|number| *number > 0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::civil::date;

    #[test]
    fn times_begin_and_end_where_the_person_is() {
        // A Wednesday, in the week in which Stockholm turns its clocks.
        let now = date(2025, 4, 2).at(0, 30, 0, 0).in_tz("Europe/Stockholm").unwrap();
        for (text, expected) in [
            ("2025", Some(("2024-12-31T23:00:00Z", "2025-12-31T23:00:00Z"))),
            ("2025-03", Some(("2025-02-28T23:00:00Z", "2025-03-31T22:00:00Z"))),
            ("2025-03-30", Some(("2025-03-29T23:00:00Z", "2025-03-30T22:00:00Z"))),
            ("today", Some(("2025-04-01T22:00:00Z", "2025-04-02T22:00:00Z"))),
            ("Yesterday", Some(("2025-03-31T22:00:00Z", "2025-04-01T22:00:00Z"))),
            ("monday", Some(("2025-03-30T22:00:00Z", "2025-03-31T22:00:00Z"))),
            ("wed", Some(("2025-04-01T22:00:00Z", "2025-04-02T22:00:00Z"))),
            ("3d", Some(("2025-03-29T23:00:00Z", "2025-03-30T22:00:00Z"))),
            ("1w", Some(("2025-03-25T23:00:00Z", "2025-03-26T23:00:00Z"))),
            ("1m", Some(("2025-03-01T23:00:00Z", "2025-03-02T23:00:00Z"))),
            ("2h", Some(("2025-04-01T20:30:00Z", "2025-04-01T21:30:00Z"))),
            ("thisweek", Some(("2025-03-30T22:00:00Z", "2025-04-06T22:00:00Z"))),
            ("lastweek", Some(("2025-03-23T23:00:00Z", "2025-03-30T22:00:00Z"))),
            ("lastmonth", Some(("2025-02-28T23:00:00Z", "2025-03-31T22:00:00Z"))),
            ("lastyear", Some(("2023-12-31T23:00:00Z", "2024-12-31T23:00:00Z"))),
            ("2025-13", None),
            ("2025-02-30", None),
            ("9999", None),
            ("0000-00-00-00", None),
            ("last", None),
            ("d", None),
            ("١٢d", None),
            ("", None),
        ] {
            let said = period(text, &now);
            let expected = expected.map(|(a, b)| {
                let ms = |t: &str| t.parse::<jiff::Timestamp>().unwrap().as_millisecond();
                (ms(a), ms(b))
            });
            assert_eq!(said, expected, "{text}");
        }
    }

    #[test]
    fn dates_that_were_perhaps_meant() {
        for (text, expected) in [
            ("14.3.2025", Some("2025-03-14")),
            ("2025/03/14", Some("2025-03-14")),
            ("3/14/2025", Some("2025-03-14")),
            ("3/4/2025", None),
            ("1.2.3.4", None),
            ("yes", None),
        ] {
            assert_eq!(likely_date(text).as_deref(), expected, "{text}");
        }
    }

    #[test]
    fn sums_are_exact_or_refused() {
        for (text, expected) in [
            ("1000", Some(100_000)),
            ("99.5", Some(9_950)),
            ("99,50", Some(9_950)),
            ("0", Some(0)),
            ("1.000", None),
            ("1,000.00", Some(100_000)),
            ("1.000,00", Some(100_000)),
            ("12.345.678,9", Some(1_234_567_890)),
            ("1.00,00", None),
            ("1.000.00", None),
            ("-5", None),
            ("5.", None),
            (".5", None),
            ("1000000000000000", None),
            ("", None),
        ] {
            assert_eq!(amount(text), expected, "{text}");
        }
        assert_eq!(likely_amount("1.000").as_deref(), Some("1000"));
        assert_eq!(likely_amount("many"), None);
    }
}
