//! The language of searches: text as people type it into a tree of conditions.
//!
//! | typed | finds |
//! |---|---|
//! | `pump HEX1025` | both words, anywhere; a word with a digit also inside codes, with or without separators |
//! | `"delivery date"` | the words side by side |
//! | `pump*` | words that begin so |
//! | `-draft`, `NOT draft` | not this |
//! | `pump OR valve`, `(a OR b) AND c` | either; AND is the same as a blank |
//! | `from:` `to:` `subject:` `filename:` | in the sender, recipients, subject, names of attachments |
//! | `account:1001`, `account:"Acme AB"` | messages of a customer, by number or name |
//! | `ticket:MR-1001` | messages of a ticket |
//! | `po:4500-123456` `sku:A-1312*` | with an order of that number, of that item; `*` for any ending |
//! | `amount>1000` `amount:100..200` | with an order of that total, whatever its currency |
//! | `queue:orders` `kind:purchase_order` `lang:sv` | by queue of the ticket, kind of its drafts, language |
//! | `has:attachment` `pdf` `image` `sheet` `draft` `order` `unread` | messages with one; `unread`: a file that could not be read |
//! | `is:open` `waiting` `closed` `in` `out` `person` `machine` `historic` | by state of the ticket, direction, origin |
//! | `after:2025` `before:2025-03` `on:yesterday` `after:monday` `after:7d` | from its start on, before its start, within |
//! | `sort:newest` `oldest` `relevance` | the order of the hits |
//!
//! Does not: search (see [`super::Index`]), nor guess: a mistake is a [`QueryError`] with its place and what was perhaps
//! meant, never a search for something else. Dates are days of the time zone of the `now` that is handed over. Every
//! text is a valid or a refused query; none panics.

mod lexer;
mod mistake;
mod parser;
mod value;

pub use mistake::{Mistake, QueryError};
pub use parser::parse;

use crate::model::{
    draft::{Kind, named},
    ticket::Queue,
};
use lexer::{Token, tokens};

/// Longest query in characters.
pub const QUERY_CHARS_MAX: usize = 1000;

/// Most words, phrases and conditions in one query.
pub const QUERY_CLAUSES_MAX: usize = 32;

/// Deepest nesting of parentheses.
pub const QUERY_DEPTH_MAX: usize = 8;

/// Names of fields, in the order in which the help lists them.
pub const FIELDS: &[&str] = &[
    "from", "to", "subject", "account", "queue", "ticket", "po", "sku", "amount", "kind", "has", "is",
    "lang", "after", "before", "on", "filename", "sort",
];

/// Other names of fields, for those who try them.
const ALIASES: &[&str] = &["cc", "file", "since"];

fn is_field(name: &str) -> bool {
    FIELDS.contains(&name) || ALIASES.contains(&name)
}

/// The fields that have few values, each with all of them: for suggestions.
pub fn values(field: &str) -> Vec<&'static str> {
    match field {
        "queue" => Queue::ALL.iter().map(|v| v.as_str()).collect(),
        "kind" => Kind::ALL.iter().map(|v| v.as_str()).collect(),
        "has" => Has::ALL.iter().map(|v| v.as_str()).collect(),
        "is" => Is::ALL.iter().map(|v| v.as_str()).collect(),
        "sort" => Order::ALL.iter().map(|v| v.as_str()).collect(),
        "lang" => vec!["en", "sv", "de", "fr"],
        "after" | "before" | "on" => {
            vec!["today", "yesterday", "thisweek", "lastweek", "thismonth", "lastmonth", "7d", "1y"]
        }
        _ => Vec::new(),
    }
}

/// A query that was understood.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Query {
    /// What a message must fulfil.
    pub(super) condition: Condition,
    /// The order of the hits; none: by relevance, or newest first if there is nothing to be relevant to.
    pub(super) order: Option<Order>,
}

impl Query {
    /// By relevance if there are words, else the newest first.
    pub fn order(&self) -> Order {
        self.order.unwrap_or(if self.condition.has_text() { Order::Relevance } else { Order::Newest })
    }

    /// The same in another order.
    #[must_use]
    pub fn sorted(self, order: Order) -> Self {
        Self { order: Some(order), ..self }
    }
}

named! {
    /// The order of hits.
    Order {
        /// The best match first.
        Relevance = "relevance",
        /// The latest message first.
        Newest = "newest",
        /// The earliest message first.
        Oldest = "oldest",
    }
}

/// What a message must fulfil.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) enum Condition {
    /// Every message does.
    #[default]
    Everything,
    /// All of them.
    All(Vec<Condition>),
    /// At least one of them.
    Any(Vec<Condition>),
    /// Not this.
    Not(Box<Condition>),
    /// Words that were typed side by side, without quotes.
    Words(Vec<String>),
    /// Words in this order, side by side.
    Phrase(String),
    /// A word that begins so.
    Prefix(String),
    /// Words in one field, side by side.
    In(TextField, String),
    /// A number of an order or item as a code, and whether it may go on behind that.
    Code(CodeField, String, bool),
    /// Not before, and before: milliseconds UTC.
    Dates(Option<i64>, Option<i64>),
    /// A total not below, and not above: hundredths.
    Amount(Option<i64>, Option<i64>),
    /// It has such a thing.
    Has(Has),
    /// It is such a thing.
    Is(Is),
    /// A draft of that kind was made of it.
    Kind(Kind),
    /// It is written in this language.
    Language(String),
    /// It belongs to the ticket of this number.
    Ticket(i64),
    /// Its ticket stands in this queue.
    Queue(Queue),
}

impl Condition {
    fn has_text(&self) -> bool {
        match self {
            Self::All(parts) | Self::Any(parts) => parts.iter().any(Self::has_text),
            Self::Words(_) | Self::Phrase(_) | Self::Prefix(_) | Self::In(..) => true,
            Self::Everything
            | Self::Not(_)
            | Self::Code(..)
            | Self::Dates(..)
            | Self::Amount(..)
            | Self::Has(_)
            | Self::Is(_)
            | Self::Kind(_)
            | Self::Language(_)
            | Self::Ticket(_)
            | Self::Queue(_) => false,
        }
    }
}

/// Fields whose words can be asked for by name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum TextField {
    From,
    To,
    Subject,
    File,
    Account,
}

/// Numbers that are compared as codes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum CodeField {
    Po,
    Sku,
}

named! {
    /// What a message may have.
    Has {
        /// A file that is not merely a picture within the body.
        Attachment = "attachment",
        /// A PDF.
        Pdf = "pdf",
        /// A picture or scan.
        Image = "image",
        /// A sheet of a spreadsheet program.
        Sheet = "sheet",
        /// A draft made of one of its documents.
        Draft = "draft",
        /// An order: a draft or record of that kind.
        Order = "order",
        /// A file whose text could not be read, and is not found for that.
        Unread = "unread",
    }
}

named! {
    /// What a message may be.
    Is {
        /// Its ticket asks for work.
        Open = "open",
        /// Its ticket waits for the customer.
        Waiting = "waiting",
        /// Its ticket is finished.
        Closed = "closed",
        /// It came in.
        In = "in",
        /// We sent it.
        Out = "out",
        /// A person wrote it, as far as can be told.
        Person = "person",
        /// A program wrote it: automatic replies, bounces, lists.
        Machine = "machine",
        /// It was taken in as history.
        Historic = "historic",
    }
}

/// A query that asks for one more thing.
pub fn narrowed(text: &str, clause: &str) -> String {
    let text = text.trim();
    let alternatives = tokens(text).is_ok_and(|tokens| tokens.iter().any(|(t, _)| *t == Token::Or));
    match text.is_empty() {
        true => clause.to_owned(),
        // The new condition holds for every alternative.
        false if alternatives => format!("({text}) {clause}"),
        false => format!("{text} {clause}"),
    }
}

/// A query without a clause that stands in it by itself; nothing if it does not.
pub fn widened(text: &str, clause: &str) -> Option<String> {
    let wanted = match tokens(clause).ok()?.as_slice() {
        [(token, _)] => token.clone(),
        _ => return None,
    };
    let tokens = tokens(text).ok()?;
    let mut depth = 0_usize;
    for (at, (token, place)) in tokens.iter().enumerate() {
        match token {
            Token::Open => depth += 1,
            Token::Close => depth = depth.saturating_sub(1),
            Token::Or if depth == 0 => return None,
            _ => {}
        }
        let negated = at.checked_sub(1).and_then(|i| tokens.get(i)).is_some_and(|(t, _)| *t == Token::Not);
        if depth == 0 && *token == wanted && !negated {
            let rest = format!("{}{}", text.get(..place.start)?, text.get(place.end..)?);
            return Some(rest.split_whitespace().collect::<Vec<_>>().join(" "));
        }
    }
    None
}

#[cfg(test)]
mod tests;
