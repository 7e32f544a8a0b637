//! The days on which a site works.

use super::draft::named;
use jiff::{ToSpan as _, civil::Date};
use serde::{Deserialize, Deserializer, de};

/// Days looked through for one on which a site works.
const DAYS_MAX: i64 = 366;

named! {
    /// A day of the week.
    Weekday {
        /// Day 1 of ISO 8601.
        Monday = "monday",
        /// Day 2.
        Tuesday = "tuesday",
        /// Day 3.
        Wednesday = "wednesday",
        /// Day 4.
        Thursday = "thursday",
        /// Day 5.
        Friday = "friday",
        /// Day 6.
        Saturday = "saturday",
        /// Day 7.
        Sunday = "sunday",
    }
}

impl Weekday {
    /// That of a date.
    pub fn of(date: Date) -> Self {
        let place = date.weekday().to_monday_zero_offset();
        let found = usize::try_from(place).ok().and_then(|place| Self::ALL.get(place));
        found.copied().unwrap_or(Self::Monday)
    }
}

/// The `[calendar]` section: when nobody works, and nothing is delivered.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Calendar {
    /// Days of each week.
    pub closed: Vec<Weekday>,
    /// Dates, ISO.
    #[serde(deserialize_with = "dates")]
    pub holidays: Vec<Date>,
    /// Open days within which people answer, as letters promise; 0 promises nothing.
    pub answer_days: u16,
}

impl Default for Calendar {
    fn default() -> Self {
        Self { closed: vec![Weekday::Saturday, Weekday::Sunday], holidays: Vec::new(), answer_days: 0 }
    }
}

fn dates<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<Date>, D::Error> {
    let texts = Vec::<String>::deserialize(deserializer)?;
    let date = |text: &String| {
        text.parse().map_err(|error| {
            de::Error::custom(format!("{text:?} is no date ({error}); write it as 2026-12-25"))
        })
    };
    texts.iter().map(date).collect()
}

impl Calendar {
    /// Whether the site works on a day.
    pub fn is_open(&self, day: Date) -> bool {
        !self.holidays.contains(&day) && !self.closed.contains(&Weekday::of(day))
    }

    /// The first day from `day` on that is open; `day` itself if a year has none.
    pub fn next_open(&self, day: Date) -> Date {
        let mut days = (0..DAYS_MAX).map(|n| day.saturating_add(n.days()));
        days.find(|day| self.is_open(*day)).unwrap_or(day)
    }

    /// The day by which a letter of `day` is answered, if the site promises one.
    pub fn answer_by(&self, day: Date) -> Option<Date> {
        let next = |day: Date, _| self.next_open(day.saturating_add(1.days()));
        (self.answer_days > 0).then(|| (0..self.answer_days).fold(day, next))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn closed_days_and_holidays_are_passed_over() {
        let day = |text: &str| -> Date { text.parse().unwrap() };
        let calendar = Calendar { holidays: vec![day("2026-12-25")], ..Calendar::default() };
        for (from, expected) in
            [("2026-12-24", "2026-12-24"), ("2026-12-25", "2026-12-28"), ("2026-12-27", "2026-12-28")]
        {
            assert_eq!(calendar.next_open(day(from)), day(expected), "{from}");
        }
        for (days, from, expected) in [
            (0, "2026-12-23", None),
            (1, "2026-12-23", Some("2026-12-24")),
            (2, "2026-12-23", Some("2026-12-28")),
            (1, "2026-12-26", Some("2026-12-28")),
        ] {
            let calendar = Calendar { answer_days: days, ..calendar.clone() };
            assert_eq!(calendar.answer_by(day(from)), expected.map(day), "{days} from {from}");
        }
        let never = Calendar { closed: Weekday::ALL.to_vec(), holidays: Vec::new(), answer_days: 0 };
        assert_eq!(never.next_open(day("2026-12-24")), day("2026-12-24"));
    }
}
