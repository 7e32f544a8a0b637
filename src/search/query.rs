//! The language of searches: text as people type it into a tree of conditions.
//!
//! | typed | finds |
//! |---|---|
//! | `pump HEX1025` | both words, anywhere; a word with a digit also inside codes, with or without separators |
//! | `"delivery date"` | the words side by side |
//! | `pump*` | words that begin so |
//! | `-draft`, `NOT draft` | not this |
//! | `pump OR valve`, `(a OR b) c` | either |
//! | `from:` `to:` `subject:` `file:` | in the sender, recipients, subject, names of attachments |
//! | `account:1001`, `account:"Acme AB"` | messages of a customer, by number or name |
//! | `ticket:MR-1001` | messages of a ticket |
//! | `queue:orders` | messages whose ticket stands there |
//! | `has:attachment` `pdf` `image` `sheet` `draft` `order` | messages with one |
//! | `after:2025`, `before:2025-03`, `on:2025-03-14` | dates in UTC: from its start on, before its start, within |
//! | `sort:newest` `oldest` `relevance` | the order of the hits |
//!
//! Does not: search (see [`super::Index`]), nor guess: an operator that does not exist is a [`QueryError`] with a
//! sentence for the person who typed it, never a search for something else. Unbalanced quotes and parentheses are
//! closed at the end. Every text is a valid or a refused query; none panics.

use crate::model::ticket::Queue;
use jiff::civil::{Date, date};

/// Longest query in characters.
pub const QUERY_CHARS_MAX: usize = 1000;

/// Most words, phrases and conditions in one query.
pub const QUERY_CLAUSES_MAX: usize = 32;

/// Deepest nesting of parentheses.
pub const QUERY_DEPTH_MAX: usize = 8;

const DAY_MS: i64 = 86_400_000;

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
    pub(super) fn order(&self) -> Order {
        self.order.unwrap_or(if self.condition.has_text() { Order::Relevance } else { Order::Newest })
    }
}

/// The order of hits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Order {
    /// The best match first.
    Relevance,
    /// The latest message first.
    Newest,
    /// The earliest message first.
    Oldest,
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
    /// Not before, and before: milliseconds UTC.
    Dates(Option<i64>, Option<i64>),
    /// It has such a thing.
    Has(Has),
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
            | Self::Dates(..)
            | Self::Has(_)
            | Self::Ticket(_)
            | Self::Queue(_) => false,
        }
    }
}

/// Fields that can be asked for by name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum TextField {
    From,
    To,
    Subject,
    File,
    Account,
}

/// What a message may have.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Has {
    /// A file that is not merely a picture within the body.
    Attachment,
    /// A PDF.
    Pdf,
    /// A picture or scan.
    Image,
    /// A sheet of a spreadsheet program.
    Sheet,
    /// A draft made of one of its documents.
    Draft,
    /// An order: a draft or record of that kind.
    Order,
}

impl Has {
    /// Every value.
    pub const ALL: &'static [Self] =
        &[Self::Attachment, Self::Pdf, Self::Image, Self::Sheet, Self::Draft, Self::Order];

    /// The word after `has:`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Attachment => "attachment",
            Self::Pdf => "pdf",
            Self::Image => "image",
            Self::Sheet => "sheet",
            Self::Draft => "draft",
            Self::Order => "order",
        }
    }
}

/// Why a query cannot be answered, for the person who typed it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct QueryError {
    /// Stable name in `snake_case`: a key for translations.
    pub code: &'static str,
    /// What is the matter and what to do, in English.
    pub message: String,
}

fn refuse(code: &'static str, message: impl Into<String>) -> QueryError {
    QueryError { code, message: message.into() }
}

/// Understands a query, or says in a sentence why not.
pub fn parse(text: &str) -> Result<Query, QueryError> {
    if text.chars().count() > QUERY_CHARS_MAX {
        let message =
            format!("The search is longer than {QUERY_CHARS_MAX} characters; search for fewer words.");
        return Err(refuse("query_too_long", message));
    }
    let tokens = tokens(text);
    let clauses =
        tokens.iter().filter(|t| matches!(t, Token::Word(_) | Token::Quoted(_) | Token::Operator(..)));
    if clauses.count() > QUERY_CLAUSES_MAX {
        let message = format!("The search has more than {QUERY_CLAUSES_MAX} words; search for fewer.");
        return Err(refuse("too_many_words", message));
    }
    let mut parser = Parser { tokens: tokens.into_iter().peekable(), order: None, depth: 0 };
    let mut alternatives = Vec::new();
    // A closing parenthesis without an opening one ends nothing.
    loop {
        alternatives.push(parser.either()?);
        if parser.tokens.next().is_none() {
            break;
        }
    }
    Ok(Query { condition: all(alternatives), order: parser.order })
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Token {
    Word(String),
    Quoted(String),
    /// Name and value of `name:value`.
    Operator(String, String),
    Minus,
    Or,
    Open,
    Close,
}

fn tokens(text: &str) -> Vec<Token> {
    let mut tokens = Vec::new();
    let mut chars = text.chars().peekable();
    let mut after_blank = true;
    while let Some(c) = chars.next() {
        let at_start = std::mem::replace(&mut after_blank, false);
        match c {
            _ if c.is_whitespace() || c.is_control() => after_blank = true,
            '"' | '“' | '”' | '„' => tokens.push(Token::Quoted(quoted(&mut chars))),
            '(' => (tokens.push(Token::Open), after_blank = true).1,
            ')' => tokens.push(Token::Close),
            '|' => (tokens.push(Token::Or), after_blank = true).1,
            '-' if at_start && chars.peek().is_some_and(|n| !n.is_whitespace() && *n != '-') => {
                tokens.push(Token::Minus);
                after_blank = true;
            }
            _ => tokens.push(word(c, &mut chars)),
        }
    }
    tokens
}

type Chars<'a> = std::iter::Peekable<std::str::Chars<'a>>;

fn quoted(chars: &mut Chars<'_>) -> String {
    chars.by_ref().take_while(|c| !matches!(c, '"' | '“' | '”')).collect()
}

fn word(first: char, chars: &mut Chars<'_>) -> Token {
    let mut word = String::from(first);
    loop {
        if let Some(name) = word.strip_suffix(':').filter(|n| is_operator_name(n)) {
            let value = match chars.peek() {
                Some('"' | '“' | '„') => {
                    chars.next();
                    quoted(chars)
                }
                _ => bare(chars),
            };
            // An address of a page is no operator, nor is `Re:` alone.
            if value.starts_with("//") || value.is_empty() {
                return Token::Word(word + &value);
            }
            return Token::Operator(name.to_lowercase(), value);
        }
        match chars.next_if(|c| !ends_word(*c)) {
            Some(c) => word.push(c),
            None => break,
        }
    }
    match word.as_str() {
        "OR" => Token::Or,
        "NOT" => Token::Minus,
        _ => Token::Word(word),
    }
}

fn ends_word(c: char) -> bool {
    c.is_whitespace() || c.is_control() || matches!(c, '"' | '“' | '”' | '„' | '(' | ')' | '|')
}

fn is_operator_name(name: &str) -> bool {
    name.len() >= 2 && name.bytes().all(|b| b.is_ascii_alphabetic())
}

fn bare(chars: &mut Chars<'_>) -> String {
    let mut value = String::new();
    while let Some(c) = chars.next_if(|c| !ends_word(*c)) {
        value.push(c);
    }
    value
}

struct Parser {
    tokens: std::iter::Peekable<std::vec::IntoIter<Token>>,
    order: Option<Order>,
    depth: usize,
}

impl Parser {
    fn either(&mut self) -> Result<Condition, QueryError> {
        let mut alternatives = vec![self.together()?];
        while self.tokens.next_if_eq(&Token::Or).is_some() {
            alternatives.push(self.together()?);
        }
        // `OR` with nothing on one side is a slip, not a search for everything.
        if alternatives.iter().any(|a| *a != Condition::Everything) {
            alternatives.retain(|a| *a != Condition::Everything);
        }
        Ok(if alternatives.len() > 1 { Condition::Any(alternatives) } else { all(alternatives) })
    }

    fn together(&mut self) -> Result<Condition, QueryError> {
        let mut parts = Vec::new();
        while let Some(token) = self.tokens.next_if(|t| !matches!(t, Token::Or | Token::Close)) {
            match self.one(token)? {
                Condition::Everything => {}
                Condition::Words(more) => match parts.last_mut() {
                    Some(Condition::Words(words)) => words.extend(more),
                    _ => parts.push(Condition::Words(more)),
                },
                part => parts.push(part),
            }
        }
        Ok(all(parts))
    }

    fn one(&mut self, token: Token) -> Result<Condition, QueryError> {
        match token {
            Token::Word(word) if word == "AND" || word == "&" => Ok(Condition::Everything),
            Token::Word(word) => Ok(plain_word(word)),
            Token::Quoted(text) => Ok(phrase(text)),
            Token::Operator(name, value) => self.operator(&name, &value),
            Token::Minus => self.negated(),
            Token::Open => self.nested(),
            Token::Or | Token::Close => Ok(Condition::Everything),
        }
    }

    fn negated(&mut self) -> Result<Condition, QueryError> {
        let mut negative = true;
        while self.tokens.next_if_eq(&Token::Minus).is_some() {
            negative = !negative;
        }
        let Some(token) = self.tokens.next_if(|t| !matches!(t, Token::Or | Token::Close)) else {
            return Ok(Condition::Everything);
        };
        let condition = self.one(token)?;
        Ok(match condition {
            Condition::Everything => Condition::Everything,
            condition if negative => Condition::Not(Box::new(condition)),
            condition => condition,
        })
    }

    fn nested(&mut self) -> Result<Condition, QueryError> {
        if self.depth >= QUERY_DEPTH_MAX {
            let message =
                format!("The search has more than {QUERY_DEPTH_MAX} parentheses within one another.");
            return Err(refuse("too_deep", message));
        }
        self.depth += 1;
        let condition = self.either();
        self.depth -= 1;
        self.tokens.next_if_eq(&Token::Close);
        // Words of a group do not run on into the words beside it.
        condition.map(|c| if matches!(c, Condition::Words(_)) { Condition::All(vec![c]) } else { c })
    }

    fn operator(&mut self, name: &str, value: &str) -> Result<Condition, QueryError> {
        let field = |field| {
            if has_words(value) { Condition::In(field, value.to_owned()) } else { Condition::Everything }
        };
        Ok(match name {
            "from" => field(TextField::From),
            "to" | "cc" => field(TextField::To),
            "subject" => field(TextField::Subject),
            "file" | "filename" => field(TextField::File),
            "account" => field(TextField::Account),
            "after" | "since" => Condition::Dates(Some(period(name, value)?.0), None),
            "before" => Condition::Dates(None, Some(period(name, value)?.0)),
            "on" => {
                let (start, end) = period(name, value)?;
                Condition::Dates(Some(start), Some(end))
            }
            "has" => Condition::Has(has(value)?),
            "ticket" => Condition::Ticket(ticket(value)?),
            "queue" => Condition::Queue(queue(value)?),
            "sort" => {
                self.order = Some(order(value)?);
                Condition::Everything
            }
            _ => {
                let message = format!(
                    "There is no “{name}:” in searches. There are from: to: subject: file: account: ticket: queue: \
                     has: after: before: on: and sort:. To find these words as they are, put them in quotes."
                );
                return Err(refuse("unknown_operator", message));
            }
        })
    }
}

/// All of these, as simply as can be said.
fn all(mut parts: Vec<Condition>) -> Condition {
    parts.retain(|part| *part != Condition::Everything);
    match parts.len() {
        0 => Condition::Everything,
        1 => parts.pop().unwrap_or_default(),
        _ => Condition::All(parts),
    }
}

fn has_words(text: &str) -> bool {
    super::tokenizer::words(text).next().is_some()
}

fn plain_word(word: String) -> Condition {
    if !has_words(&word) {
        return Condition::Everything;
    }
    match word.strip_suffix('*') {
        Some(stem) if super::tokenizer::code_form(stem).chars().count() >= 2 => {
            Condition::Prefix(stem.to_owned())
        }
        _ => Condition::Words(vec![word]),
    }
}

fn phrase(text: String) -> Condition {
    if has_words(&text) { Condition::Phrase(text) } else { Condition::Everything }
}

/// First millisecond of a year, month or day, and the first one after it.
fn period(name: &str, value: &str) -> Result<(i64, i64), QueryError> {
    civil_period(value).map(|(from, to)| (first_ms(from), first_ms(to))).ok_or_else(|| {
        let message =
            format!("“{name}:{value}” is no date; write {name}:2025, {name}:2025-03 or {name}:2025-03-14.");
        refuse("bad_date", message)
    })
}

fn first_ms(day: Date) -> i64 {
    day.duration_since(date(1970, 1, 1)).as_hours() / 24 * DAY_MS
}

fn civil_period(value: &str) -> Option<(Date, Date)> {
    let parts: Vec<&str> = value.split('-').collect();
    let number = |text: &str, digits: usize| {
        (text.len() == digits && text.bytes().all(|b| b.is_ascii_digit()))
            .then(|| text.parse::<i16>().ok())
            .flatten()
    };
    let year = number(parts.first()?, 4)?;
    let month = parts.get(1).map_or(Some(1), |m| number(m, 2))?;
    let day = parts.get(2).map_or(Some(1), |d| number(d, 2))?;
    let from = Date::new(year, i8::try_from(month).ok()?, i8::try_from(day).ok()?).ok()?;
    let span = match parts.len() {
        1 => jiff::Span::new().years(1),
        2 => jiff::Span::new().months(1),
        3 => jiff::Span::new().days(1),
        _ => return None,
    };
    Some((from, from.checked_add(span).ok()?))
}

fn has(value: &str) -> Result<Has, QueryError> {
    let value = value.to_lowercase();
    let found =
        Has::ALL.iter().copied().find(|has| value == has.as_str() || value == format!("{}s", has.as_str()));
    found.ok_or_else(|| {
        let known: Vec<_> = Has::ALL.iter().map(|h| h.as_str()).collect();
        refuse("unknown_has", format!("“has:{value}” is not known; there are {}.", known.join(", ")))
    })
}

fn ticket(value: &str) -> Result<i64, QueryError> {
    let digits = value.trim_matches(['[', ']', '#']).to_lowercase();
    let digits = digits.strip_prefix("mr-").unwrap_or(&digits);
    digits.parse().ok().filter(|number| *number > 0).ok_or_else(|| {
        refuse(
            "bad_ticket",
            format!("“ticket:{value}” is no ticket number; write ticket:MR-1001 or ticket:1001."),
        )
    })
}

fn queue(value: &str) -> Result<Queue, QueryError> {
    let name = value.to_lowercase().replace([' ', '-'], "_");
    Queue::parse(&name).ok_or_else(|| {
        let known: Vec<_> = Queue::ALL.iter().map(|q| q.as_str()).collect();
        refuse("unknown_queue", format!("There is no queue “{value}”; there are {}.", known.join(", ")))
    })
}

fn order(value: &str) -> Result<Order, QueryError> {
    match value.to_lowercase().as_str() {
        "relevance" => Ok(Order::Relevance),
        "newest" | "date" => Ok(Order::Newest),
        "oldest" => Ok(Order::Oldest),
        _ => {
            let message =
                format!("“sort:{value}” is not known; there are sort:newest, sort:oldest, sort:relevance.");
            Err(refuse("unknown_sort", message))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use Condition::{All, Any, Dates, Everything, In, Not, Phrase, Prefix, Ticket, Words};

    fn words(text: &str) -> Condition {
        Words(text.split(' ').map(str::to_owned).collect())
    }

    fn not(condition: Condition) -> Condition {
        Not(Box::new(condition))
    }

    #[test]
    fn queries_become_conditions() {
        let day = |d: i64| d * DAY_MS;
        for (text, expected) in [
            ("", Everything),
            ("  -  \t", Everything),
            ("pump valve", words("pump valve")),
            ("HEX1025-B 4500 123", words("HEX1025-B 4500 123")),
            ("\"delivery date\" pump", All(vec![Phrase("delivery date".into()), words("pump")])),
            ("\"not closed", Phrase("not closed".into())),
            ("pump -valve", All(vec![words("pump"), not(words("valve"))])),
            ("NOT valve", not(words("valve"))),
            ("a OR b", Any(vec![words("a"), words("b")])),
            ("OR b", words("b")),
            ("(a OR b) c", All(vec![Any(vec![words("a"), words("b")]), words("c")])),
            ("a) b", All(vec![words("a"), words("b")])),
            ("pump*", Prefix("pump".into())),
            ("p*", words("p*")),
            ("from:erik@acme.se", In(TextField::From, "erik@acme.se".into())),
            ("FROM:\"Erik S\" x", All(vec![In(TextField::From, "Erik S".into()), words("x")])),
            ("-from:erik", not(In(TextField::From, "erik".into()))),
            ("after:1970-01-02", Dates(Some(day(1)), None)),
            ("before:1970-02", Dates(None, Some(day(31)))),
            ("on:1970", Dates(Some(0), Some(day(365)))),
            ("has:PDF", Condition::Has(Has::Pdf)),
            ("has:attachments", Condition::Has(Has::Attachment)),
            ("ticket:MR-1001", Ticket(1001)),
            ("ticket:1001", Ticket(1001)),
            ("queue:order-status", Condition::Queue(Queue::OrderStatus)),
            ("https://example.com/x", words("https://example.com/x")),
            ("12:30", words("12:30")),
            ("Re: pump", words("Re: pump")),
            ("sort:newest", Everything),
        ] {
            assert_eq!(parse(text).map(|q| q.condition), Ok(expected), "{text:?}");
        }
        assert_eq!(parse("x sort:oldest").unwrap().order, Some(Order::Oldest));
    }

    #[test]
    fn what_cannot_be_understood_is_refused_with_a_sentence() {
        let many = "a ".repeat(QUERY_CLAUSES_MAX + 1);
        let long = "a".repeat(QUERY_CHARS_MAX + 1);
        let deep = "(".repeat(QUERY_DEPTH_MAX + 1) + "a";
        for (text, code) in [
            ("color:red", "unknown_operator"),
            ("before:yesterday", "bad_date"),
            ("after:2025-13", "bad_date"),
            ("on:2025-02-30", "bad_date"),
            ("after:9999-12-31-1", "bad_date"),
            ("on:9999", "bad_date"),
            ("has:wings", "unknown_has"),
            ("ticket:abc", "bad_ticket"),
            ("ticket:-5", "bad_ticket"),
            ("queue:nowhere", "unknown_queue"),
            ("sort:random", "unknown_sort"),
            (many.as_str(), "too_many_words"),
            (long.as_str(), "query_too_long"),
            (deep.as_str(), "too_deep"),
        ] {
            let error = parse(text).expect_err(text);
            assert_eq!(error.code, code, "{text:?}");
            assert!(error.message.ends_with('.'), "{}", error.message);
        }
    }

    #[test]
    fn odd_input_never_panics() {
        let pieces = [
            "\"", "(", ")", "-", "OR", ":", "from:", "a", "*", "|", "\u{0}", "👍", "NOT", "é", "“", "--",
            "::",
        ];
        // Every sequence of three pieces, glued and spaced.
        for a in pieces {
            for b in pieces {
                for c in pieces {
                    for glue in ["", " "] {
                        let text = [a, b, c].join(glue);
                        assert!(
                            parse(&text).is_ok_and(|q| !format!("{q:?}").is_empty()) || text.contains(':'),
                            "{text:?}"
                        );
                    }
                }
            }
        }
    }
}
