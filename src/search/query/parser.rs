//! The tokens of a query into conditions, or into the mistake that comes first.

use super::{
    CodeField, Condition, FIELDS, Has, Is, Order, QUERY_CHARS_MAX, QUERY_CLAUSES_MAX, QUERY_DEPTH_MAX, Query,
    TextField, is_field,
    lexer::{Placed, Relation, Token, tokens},
    mistake::{self, Mistake, QueryError},
    value, values,
};
use crate::{
    message::language,
    model::{draft::Kind, ticket::Queue},
    search::tokenizer,
};
use jiff::Zoned;
use std::ops::Range;

/// Understands a query, or says where it is wrong. Relative dates count from `now`, in its time zone.
pub fn parse(text: &str, now: &Zoned) -> Result<Query, QueryError> {
    let limit = |mistake, limit: usize| QueryError {
        mistake,
        said: String::new(),
        known: limit.to_string(),
        place: 0..text.len(),
        suggestion: None,
    };
    if text.chars().count() > QUERY_CHARS_MAX {
        return Err(limit(Mistake::TooLong, QUERY_CHARS_MAX));
    }
    let tokens = tokens(text)?;
    let clauses =
        tokens.iter().filter(|(t, _)| matches!(t, Token::Word(_) | Token::Quoted(_) | Token::Field { .. }));
    if clauses.count() > QUERY_CLAUSES_MAX {
        return Err(limit(Mistake::TooManyWords, QUERY_CLAUSES_MAX));
    }
    let silent = |(token, place): &Placed| match token {
        Token::Word(word) => !has_words(word) && !word.contains('*'),
        Token::Quoted(_) => !has_words(text.get(place.clone()).unwrap_or_default()),
        _ => false,
    };
    if !tokens.is_empty() && tokens.iter().all(silent) {
        let said = text.trim().to_owned();
        let (place, known) = (0..text.len(), String::new());
        return Err(QueryError { mistake: Mistake::NoWords, said, known, place, suggestion: None });
    }
    let mut parser = Parser { text, now, tokens: tokens.into_iter().peekable(), order: None, depth: 0 };
    let condition = parser.either()?;
    match parser.tokens.next() {
        None => Ok(Query { condition: condition.unwrap_or_default(), order: parser.order }),
        Some((_, place)) => {
            let (before, after) = (text.get(..place.start), text.get(place.end..));
            let suggestion = format!("{}{}", before.unwrap_or_default(), after.unwrap_or_default());
            Err(parser.mistake(Mistake::UnopenedParenthesis, place, "", Some(suggestion)))
        }
    }
}

struct Parser<'a> {
    text: &'a str,
    now: &'a Zoned,
    tokens: std::iter::Peekable<std::vec::IntoIter<Placed>>,
    order: Option<Order>,
    depth: usize,
}

type Parsed = Result<Option<Condition>, QueryError>;

impl Parser<'_> {
    fn mistake(
        &self,
        mistake: Mistake,
        place: Range<usize>,
        known: &str,
        suggestion: Option<String>,
    ) -> QueryError {
        let said = self.text.get(place.clone()).unwrap_or_default().to_owned();
        QueryError { mistake, said, known: known.to_owned(), place, suggestion }
    }

    /// The whole query with one place of it written otherwise.
    fn instead(&self, place: &Range<usize>, with: &str) -> Option<String> {
        Some(format!("{}{with}{}", self.text.get(..place.start)?, self.text.get(place.end..)?))
    }

    /// Alternatives; nothing if there is nothing.
    fn either(&mut self) -> Parsed {
        let mut alternatives = Vec::new();
        let mut missing = None;
        loop {
            match self.together()? {
                Some(part) => alternatives.push(part),
                None => missing = missing.or(Some(())),
            }
            let next = self.tokens.next_if(|(t, _)| *t == Token::Or);
            match (next, missing) {
                (Some((_, place)), Some(())) => return Err(self.lonely(place)),
                (Some((_, place)), None) if !self.goes_on() => return Err(self.lonely(place)),
                (Some(_), None) => {}
                (None, _) => break,
            }
        }
        Ok(match alternatives.len() {
            0 => None,
            1 => alternatives.pop(),
            _ => {
                // What holds no word, such as a lone sign, is no alternative.
                alternatives.retain(|a| *a != Condition::Everything);
                Some(if alternatives.len() > 1 { Condition::Any(alternatives) } else { all(alternatives) })
            }
        })
    }

    fn lonely(&self, place: Range<usize>) -> QueryError {
        let suggestion =
            self.instead(&place, "").map(|text| text.split_whitespace().collect::<Vec<_>>().join(" "));
        self.mistake(Mistake::LonelyWord, place, "", suggestion)
    }

    /// Whether something to look for comes next.
    fn goes_on(&mut self) -> bool {
        self.tokens.peek().is_some_and(|(t, _)| !matches!(t, Token::And | Token::Or | Token::Close))
    }

    fn together(&mut self) -> Parsed {
        let mut parts = Vec::new();
        let mut any = false;
        while let Some((token, place)) = self.tokens.next_if(|(t, _)| !matches!(t, Token::Or | Token::Close))
        {
            if token == Token::And {
                if !any || !self.goes_on() {
                    return Err(self.lonely(place));
                }
                continue;
            }
            any = true;
            match self.one(token, place)? {
                Condition::Everything => {}
                Condition::Words(more) => match parts.last_mut() {
                    Some(Condition::Words(words)) => words.extend(more),
                    _ => parts.push(Condition::Words(more)),
                },
                part => parts.push(part),
            }
        }
        Ok(any.then(|| all(parts)))
    }

    fn one(&mut self, token: Token, place: Range<usize>) -> Result<Condition, QueryError> {
        match token {
            Token::Word(word) => self.plain_word(word, place),
            Token::Quoted(text) => Ok(phrase(text)),
            Token::Field { name, relation, value, quoted } => {
                self.field(&name, relation, &value, quoted, place)
            }
            Token::Not => self.negated(place),
            Token::Open => self.nested(place),
            Token::And | Token::Or | Token::Close => Ok(Condition::Everything),
        }
    }

    fn plain_word(&self, word: String, place: Range<usize>) -> Result<Condition, QueryError> {
        if word.starts_with('*') && has_words(&word) {
            let bare = word.trim_matches('*');
            let suggestion = self.instead(&place, &format!("{bare}*"));
            return Err(self.mistake(Mistake::LeadingStar, place, "", suggestion));
        }
        match word.strip_suffix('*') {
            Some(stem) if tokenizer::code_form(stem).chars().count() >= 2 => {
                Ok(Condition::Prefix(stem.to_owned()))
            }
            Some(_) => Err(self.mistake(Mistake::ShortPrefix, place, "", None)),
            None if has_words(&word) => Ok(Condition::Words(vec![word])),
            None => Ok(Condition::Everything),
        }
    }

    fn negated(&mut self, place: Range<usize>) -> Result<Condition, QueryError> {
        let mut negative = true;
        while self.tokens.next_if(|(t, _)| *t == Token::Not).is_some() {
            negative = !negative;
        }
        if !self.goes_on() {
            return Err(self.lonely(place));
        }
        let Some((token, place)) = self.tokens.next() else { return Ok(Condition::Everything) };
        Ok(match self.one(token, place)? {
            Condition::Everything => Condition::Everything,
            condition if negative => Condition::Not(Box::new(condition)),
            condition => condition,
        })
    }

    fn nested(&mut self, place: Range<usize>) -> Result<Condition, QueryError> {
        if self.depth >= QUERY_DEPTH_MAX {
            return Err(self.mistake(Mistake::TooDeep, place, &QUERY_DEPTH_MAX.to_string(), None));
        }
        self.depth += 1;
        let condition = self.either()?;
        self.depth -= 1;
        if self.tokens.next_if(|(t, _)| *t == Token::Close).is_none() {
            let suggestion = Some(format!("{})", self.text.trim_end()));
            return Err(self.mistake(Mistake::UnclosedParenthesis, place, "", suggestion));
        }
        // Words of a group do not run on into the words beside it.
        Ok(match condition.unwrap_or_default() {
            words @ Condition::Words(_) => Condition::All(vec![words]),
            condition => condition,
        })
    }

    fn field(
        &mut self,
        name: &str,
        relation: Relation,
        value: &str,
        quoted: bool,
        place: Range<usize>,
    ) -> Result<Condition, QueryError> {
        if !is_field(name) {
            let known = FIELDS.iter().map(|field| format!("{field}:")).collect::<Vec<_>>().join(" ");
            let meant = mistake::nearest(name, FIELDS.iter().copied());
            let said = self.text.get(place.clone()).unwrap_or_default();
            let suggestion = meant.map_or_else(
                || format!("\"{said}\""),
                |meant| format!("{meant}{}", said.get(name.len()..).unwrap_or_default()),
            );
            let suggestion = self.instead(&place, &suggestion);
            let place = place.start..place.start + name.len();
            return Err(self.mistake(Mistake::UnknownField, place, &known, suggestion));
        }
        if !has_words(value) {
            let rest = self.text.get(place.end..).unwrap_or_default();
            // `from: erik` as `from:erik`.
            let glued = rest.trim_start();
            let suggestion = (!quoted && value.is_empty() && !glued.is_empty() && glued.len() < rest.len())
                .then(|| format!("{}{glued}", self.text.get(..place.end).unwrap_or_default()));
            return Err(self.mistake(Mistake::EmptyValue, place, "", suggestion));
        }
        // The place of the value alone, with its quotes.
        let sign = if matches!(relation, Relation::LessOrEqual | Relation::MoreOrEqual) { 2 } else { 1 };
        let at = place.start + name.len() + sign..place.end;
        let text = |field| Ok(Condition::In(field, value.to_owned()));
        match name {
            "from" => text(TextField::From),
            "to" | "cc" => text(TextField::To),
            "subject" => text(TextField::Subject),
            "file" | "filename" => text(TextField::File),
            "account" => text(TextField::Account),
            "po" => self.code(CodeField::Po, value, at),
            "sku" => self.code(CodeField::Sku, value, at),
            "amount" => self.amount(relation, value, at),
            "after" | "since" => Ok(Condition::Dates(Some(self.period(value, at)?.0), None)),
            "before" => Ok(Condition::Dates(None, Some(self.period(value, at)?.0))),
            "on" => {
                let (start, end) = self.period(value, at)?;
                Ok(Condition::Dates(Some(start), Some(end)))
            }
            "ticket" => value::ticket(value)
                .map(Condition::Ticket)
                .ok_or_else(|| self.mistake(Mistake::BadTicket, at, "", None)),
            "lang" => self.language(value, at),
            "queue" => self.choice(name, value, at, Queue::parse).map(Condition::Queue),
            "kind" => self.choice(name, value, at, Kind::parse).map(Condition::Kind),
            "has" => self.choice(name, value, at, Has::parse).map(Condition::Has),
            "is" => self.choice(name, value, at, Is::parse).map(Condition::Is),
            _ => {
                self.order = Some(self.choice(name, value, at, Order::parse)?);
                Ok(Condition::Everything)
            }
        }
    }

    /// One of few values: with hyphens and blanks as people write them, and in the plural.
    fn choice<T>(
        &self,
        field: &str,
        value: &str,
        at: Range<usize>,
        parse: impl Fn(&str) -> Option<T>,
    ) -> Result<T, QueryError> {
        let name = value.to_lowercase().replace([' ', '-'], "_");
        let singular = name.strip_suffix('s').unwrap_or(&name);
        parse(&name).or_else(|| parse(singular)).ok_or_else(|| {
            let known = values(field);
            let meant = mistake::nearest(&name, known.iter().copied());
            let suggestion = meant.and_then(|meant| self.instead(&at, meant));
            self.mistake(Mistake::UnknownValue, at, &known.join(", "), suggestion)
        })
    }

    fn code(&self, field: CodeField, value: &str, at: Range<usize>) -> Result<Condition, QueryError> {
        let code = tokenizer::code_form(value);
        if value.ends_with('*') && code.chars().count() < 2 {
            return Err(self.mistake(Mistake::ShortPrefix, at, "", None));
        }
        Ok(Condition::Code(field, code, value.ends_with('*')))
    }

    fn amount(&self, relation: Relation, value: &str, at: Range<usize>) -> Result<Condition, QueryError> {
        let parsed = match (relation, value.split_once("..")) {
            (Relation::Is, Some((low, high))) => value::amount(low).zip(value::amount(high)),
            _ => value::amount(value).map(|sum| (sum, sum)),
        };
        let Some((low, high)) = parsed else {
            let suggestion = value::likely_amount(value).and_then(|sum| self.instead(&at, &sum));
            return Err(self.mistake(Mistake::BadAmount, at, "", suggestion));
        };
        Ok(match relation {
            Relation::Is => Condition::Amount(Some(low), Some(high)),
            Relation::Less => Condition::Amount(None, Some(high - 1)),
            Relation::LessOrEqual => Condition::Amount(None, Some(high)),
            Relation::More => Condition::Amount(Some(low + 1), None),
            Relation::MoreOrEqual => Condition::Amount(Some(low), None),
        })
    }

    fn period(&self, value: &str, at: Range<usize>) -> Result<value::Period, QueryError> {
        value::period(value, self.now).ok_or_else(|| {
            let meant = value::likely_date(value)
                .or_else(|| mistake::nearest(value, values("on")).map(str::to_owned));
            let suggestion = meant.and_then(|date| self.instead(&at, &date));
            self.mistake(Mistake::BadDate, at, "", suggestion)
        })
    }

    fn language(&self, value: &str, at: Range<usize>) -> Result<Condition, QueryError> {
        let code = value.to_lowercase();
        if language::is_known(&code) {
            return Ok(Condition::Language(code));
        }
        let known = values("lang");
        let meant = known.iter().find(|known| code.starts_with(*known)).and_then(|m| self.instead(&at, m));
        Err(self.mistake(Mistake::BadLanguage, at, &known.join(", "), meant))
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
    tokenizer::words(text).next().is_some()
}

fn phrase(text: String) -> Condition {
    if has_words(&text) { Condition::Phrase(text) } else { Condition::Everything }
}
