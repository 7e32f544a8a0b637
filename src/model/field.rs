//! What the values of fields and columns are, by name: numbers, days, currencies, yes or no, or plain text.
//!
//! Does not: say which fields a kind of document has (pages do), nor read what is printed (that is `extract`).

use super::codes;
use jiff::civil::Date;
use rust_decimal::Decimal;

/// What a value is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// Any text.
    Text,
    /// A decimal number with a dot and no thousands marks: `1234.50`.
    Number,
    /// A day as ISO 8601 writes it, `2026-09-07`, or a week, `2026-W37`.
    Day,
    /// A code of ISO 4217.
    Currency,
    /// Yes or no.
    Flag,
}

/// Characters of a text value at most; longer ones are no values of a record.
pub const TEXT_MAX: usize = 10_000;

/// Fields and columns that hold numbers.
const NUMBERS: [&str; 16] = [
    "amount",
    "annual_revenue",
    "charge",
    "discount",
    "gross",
    "ordered_quantity",
    "previous_quantity",
    "price_per",
    "quantity",
    "requested_credit_limit",
    "shipping",
    "subtotal",
    "tax",
    "tax_rate",
    "total",
    "unit_price",
];

impl Form {
    /// What the values of a field or column are.
    pub fn of(name: &str) -> Self {
        match name {
            _ if NUMBERS.contains(&name) => Self::Number,
            _ if is_day(name) => Self::Day,
            "currency" => Self::Currency,
            "signature_present" => Self::Flag,
            _ => Self::Text,
        }
    }

    /// Whether a text is such a value.
    pub fn fits(self, value: &str) -> bool {
        match self {
            Self::Text => value.chars().nth(TEXT_MAX).is_none(),
            Self::Number => value.parse::<Decimal>().is_ok(),
            Self::Day => (value.len() == 10 && value.parse::<Date>().is_ok()) || is_week(value),
            Self::Currency => codes::is_currency(value),
            Self::Flag => matches!(value, "true" | "false"),
        }
    }
}

/// Whether a field holds days.
pub fn is_day(name: &str) -> bool {
    name.contains("date") || name == "response_due"
}

/// `2026-W37`.
fn is_week(value: &str) -> bool {
    let Some((year, week)) = value.split_once("-W") else { return false };
    let number = |text: &str, len: usize| text.parse::<u32>().ok().filter(|_| text.len() == len);
    number(year, 4).is_some() && number(week, 2).is_some_and(|week| (1..=53).contains(&week))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_fit_their_fields() {
        for (name, value, fits) in [
            ("quantity", "12", true),
            ("quantity", "-12.50", true),
            ("quantity", "abc", false),
            ("quantity", "1,5", false),
            ("order_date", "2026-09-07", true),
            ("order_date", "2026-W37", true),
            ("order_date", "2026-W54", false),
            ("order_date", "2026-W5", false),
            ("order_date", "31/31/2026", false),
            ("order_date", "2026-02-30", false),
            ("response_due", "soon", false),
            ("currency", "EUR", true),
            ("currency", "XXX1", false),
            ("currency", "eur", false),
            ("currency", "ABX", false),
            ("signature_present", "true", true),
            ("signature_present", "perhaps", false),
            ("ship_to", "abc", true),
        ] {
            assert_eq!(Form::of(name).fits(value), fits, "{name} {value}");
        }
    }
}
