//! The text of a query into tokens, each with its place.

use super::mistake::{Mistake, QueryError};
use std::{iter::Peekable, ops::Range, str::CharIndices};

/// One piece of a query.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Token {
    Word(String),
    Quoted(String),
    /// `name:value`, or `name>value` for sums.
    Field {
        name: String,
        relation: Relation,
        value: String,
        quoted: bool,
    },
    /// `-`, or the word in capitals.
    Not,
    And,
    Or,
    Open,
    Close,
}

/// What stands between a field and its value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Relation {
    Is,
    Less,
    LessOrEqual,
    More,
    MoreOrEqual,
}

/// A token and its place in bytes.
pub(super) type Placed = (Token, Range<usize>);

type Chars<'a> = Peekable<CharIndices<'a>>;

/// The tokens of a query; a quotation mark that is not closed is a mistake.
pub(super) fn tokens(text: &str) -> Result<Vec<Placed>, QueryError> {
    let mut tokens = Vec::new();
    let mut chars = text.char_indices().peekable();
    let mut after_blank = true;
    while let Some((start, c)) = chars.next() {
        let at_start = std::mem::replace(&mut after_blank, false);
        let token = match c {
            _ if c.is_whitespace() || c.is_control() => {
                after_blank = true;
                continue;
            }
            _ if is_quote(c) => Token::Quoted(quoted(text, start, &mut chars)?),
            '(' => Token::Open,
            ')' => Token::Close,
            '|' => Token::Or,
            '-' if at_start && chars.peek().is_some_and(|(_, n)| !n.is_whitespace() && *n != '-') => {
                Token::Not
            }
            _ => word(text, c, &mut chars)?,
        };
        after_blank = matches!(token, Token::Open | Token::Or | Token::Not);
        let end = chars.peek().map_or(text.len(), |(at, _)| *at);
        tokens.push((token, start..end));
    }
    Ok(tokens)
}

fn is_quote(c: char) -> bool {
    matches!(c, '"' | '“' | '”' | '„')
}

fn quoted(text: &str, start: usize, chars: &mut Chars<'_>) -> Result<String, QueryError> {
    let mut value = String::new();
    for (_, c) in chars.by_ref() {
        if is_quote(c) {
            return Ok(value);
        }
        value.push(c);
    }
    Err(QueryError {
        mistake: Mistake::UnclosedQuote,
        said: String::new(),
        known: String::new(),
        place: start..text.len(),
        suggestion: Some(format!("{}\"", text.trim_end())),
    })
}

fn word(text: &str, first: char, chars: &mut Chars<'_>) -> Result<Token, QueryError> {
    let mut word = String::from(first);
    loop {
        if let Some((name, relation)) = field(&word, chars) {
            let (quoted_value, value) = match chars.peek() {
                Some((start, c)) if is_quote(*c) => {
                    let start = *start;
                    chars.next();
                    (true, quoted(text, start, chars)?)
                }
                _ => (false, bare(chars)),
            };
            // An address of a page is no field.
            if relation == Relation::Is && value.starts_with("//") {
                return Ok(Token::Word(word + &value));
            }
            // `Re:` alone is a word; the name of a field without a value is a mistake that the parser tells.
            if value.is_empty() && !quoted_value && !super::is_field(&name) {
                return Ok(Token::Word(word));
            }
            return Ok(Token::Field { name, relation, value, quoted: quoted_value });
        }
        match chars.next_if(|(_, c)| !ends_word(*c)) {
            Some((_, c)) => word.push(c),
            None => break,
        }
    }
    Ok(match word.as_str() {
        "AND" => Token::And,
        "OR" => Token::Or,
        "NOT" => Token::Not,
        _ => Token::Word(word),
    })
}

/// The name of a field and its relation, if the word so far is one; takes the rest of the relation.
fn field(word: &str, chars: &mut Chars<'_>) -> Option<(String, Relation)> {
    let is_name = |name: &str| name.len() >= 2 && name.bytes().all(|b| b.is_ascii_alphabetic());
    // Only sums are compared: `a<b` is no field.
    let is_sum = |name: &str| name.eq_ignore_ascii_case("amount");
    if let Some(name) = word.strip_suffix(':').filter(|name| is_name(name)) {
        let sign = chars.next_if(|(_, c)| is_sum(name) && matches!(*c, '<' | '>'));
        let relation = sign.map_or(Relation::Is, |(_, sign)| relation(sign, chars));
        return Some((name.to_lowercase(), relation));
    }
    let name = word.strip_suffix(['<', '>', '=']).filter(|name| is_sum(name))?;
    Some((name.to_lowercase(), relation(word.chars().last()?, chars)))
}

/// What a sign of comparison says; takes the rest of it.
fn relation(sign: char, chars: &mut Chars<'_>) -> Relation {
    let or_equal = sign != '=' && chars.next_if(|(_, c)| *c == '=').is_some();
    match (sign, or_equal) {
        ('<', false) => Relation::Less,
        ('<', true) => Relation::LessOrEqual,
        ('>', false) => Relation::More,
        ('>', true) => Relation::MoreOrEqual,
        _ => Relation::Is,
    }
}

fn ends_word(c: char) -> bool {
    c.is_whitespace() || c.is_control() || is_quote(c) || matches!(c, '(' | ')' | '|')
}

fn bare(chars: &mut Chars<'_>) -> String {
    let mut value = String::new();
    while let Some((_, c)) = chars.next_if(|(_, c)| !ends_word(*c)) {
        value.push(c);
    }
    value
}
