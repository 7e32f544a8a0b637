//! What is wrong with a query, where, and what was perhaps meant.

use crate::model::draft::named;
use std::{fmt, ops::Range};

named! {
    /// What kind of mistake it is: a key for translations.
    Mistake {
        /// Too many characters.
        TooLong = "too_long",
        /// Too many words and conditions.
        TooManyWords = "too_many_words",
        /// Too many parentheses within one another.
        TooDeep = "too_deep",
        /// No field of that name.
        UnknownField = "unknown_field",
        /// Signs, and not one word.
        NoWords = "no_words",
        /// A field without a value.
        EmptyValue = "empty_value",
        /// A value that is not one of the few that the field has.
        UnknownValue = "unknown_value",
        /// No date.
        BadDate = "bad_date",
        /// No sum.
        BadAmount = "bad_amount",
        /// No ticket number.
        BadTicket = "bad_ticket",
        /// No code of a language.
        BadLanguage = "bad_language",
        /// A quotation mark that nothing answers.
        UnclosedQuote = "unclosed_quote",
        /// `(` without `)`.
        UnclosedParenthesis = "unclosed_parenthesis",
        /// `)` without `(`.
        UnopenedParenthesis = "unopened_parenthesis",
        /// AND, OR or NOT with nothing beside it.
        LonelyWord = "lonely_word",
        /// Too little before the `*`.
        ShortPrefix = "short_prefix",
        /// `*` in front.
        LeadingStar = "leading_star",
    }
}

/// Why a query cannot be answered, for the person who typed it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct QueryError {
    /// What is wrong.
    pub mistake: Mistake,
    /// What was typed there.
    pub said: String,
    /// What could stand there: names, or a limit; empty if that is no list.
    pub known: String,
    /// The place in the query, in bytes on character boundaries.
    pub place: Range<usize>,
    /// The whole query as it was perhaps meant.
    pub suggestion: Option<String>,
}

impl std::error::Error for QueryError {}

impl fmt::Display for QueryError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { said, known, .. } = self;
        match self.mistake {
            Mistake::TooLong => {
                write!(f, "The search is longer than {known} characters; search for fewer words.")
            }
            Mistake::TooManyWords => write!(f, "The search has more than {known} words; search for fewer."),
            Mistake::TooDeep => {
                write!(f, "The search has more than {known} parentheses within one another.")
            }
            Mistake::UnknownField => write!(
                f,
                "There is no field “{said}” in searches. There are {known}. To find the words as they are, put them in quotes."
            ),
            Mistake::NoWords => write!(f, "“{said}” holds no word to look for; write at least one."),
            Mistake::EmptyValue => {
                write!(f, "Nothing stands behind “{said}”; write the value right behind it, without a blank.")
            }
            Mistake::UnknownValue => write!(f, "“{said}” is not known here; there are {known}."),
            Mistake::BadDate => write!(
                f,
                "“{said}” is no date; write 2025, 2025-03, 2025-03-14, today, yesterday, lastmonth, or 7d, 2w, 3m, 1y for so long ago."
            ),
            Mistake::BadAmount => {
                write!(f, "“{said}” is no sum; write amount>1000, amount<99.50 or amount:100..200.")
            }
            Mistake::BadTicket => {
                write!(f, "“{said}” is no ticket number; write ticket:MR-1001 or ticket:1001.")
            }
            Mistake::BadLanguage => {
                write!(f, "“{said}” is no code of a language; write two letters, such as {known}.")
            }
            Mistake::UnclosedQuote => write!(f, "The quotation mark is not closed."),
            Mistake::UnclosedParenthesis => write!(f, "The parenthesis is not closed."),
            Mistake::UnopenedParenthesis => write!(f, "The parenthesis was not opened."),
            Mistake::LonelyWord => {
                write!(
                    f,
                    "Something is missing beside {said}. To find the word itself, write it in small letters."
                )
            }
            Mistake::ShortPrefix => write!(f, "Write at least two letters before the *."),
            Mistake::LeadingStar => {
                write!(f, "The * can only stand at the end of a word: it stands for any ending.")
            }
        }
    }
}

/// The name that was perhaps meant: it begins like the typed one, holds it, or differs by a slip of the finger.
pub(super) fn nearest<'a>(said: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    /// Longer texts are no slips.
    const CHARS_MAX: usize = 40;
    let said = said.to_lowercase();
    if said.is_empty() || said.chars().count() > CHARS_MAX {
        return None;
    }
    let rank = |name: &str| {
        let slips = distance(&said, name);
        if name.starts_with(said.as_str()) {
            Some(0)
        } else if slips <= 1 + said.chars().count() / 4 {
            Some(slips)
        } else if said.chars().count() > 2 && name.contains(said.as_str()) {
            Some(CHARS_MAX)
        } else {
            None
        }
    };
    known
        .into_iter()
        .filter_map(|name| Some((rank(name)?, name)))
        .min_by_key(|(rank, _)| *rank)
        .map(|(_, n)| n)
}

/// Letters to add, drop or change (Levenshtein).
fn distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.chars().enumerate() {
        let mut next = Vec::with_capacity(row.len());
        next.push(i + 1);
        for ((above, left_above), y) in row.iter().skip(1).zip(&row).zip(&b) {
            let left = next.last().copied().unwrap_or_default();
            next.push((left + 1).min(above + 1).min(left_above + usize::from(x != *y)));
        }
        row = next;
    }
    row.last().copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::nearest;

    #[test]
    fn slips_find_what_was_meant() {
        let known = ["from", "to", "subject", "queue", "purchase_order", "order_status"];
        for (said, expected) in [
            ("form", Some("from")),
            ("frmo", Some("from")),
            ("fron", Some("from")),
            ("subjekt", Some("subject")),
            ("sub", Some("subject")),
            ("que", Some("queue")),
            ("purchase-order", Some("purchase_order")),
            ("status", Some("order_status")),
            ("colour", None),
            ("", None),
        ] {
            assert_eq!(nearest(said, known), expected, "{said}");
        }
    }
}
