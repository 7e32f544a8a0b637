//! A [`Query`](super::Query) into what tantivy runs.
//!
//! A typed word with a digit matches whole words and, with less weight, any part of a code. Words typed side by side
//! may be one code that was written with blanks (`HEX 1025 B`): each word is also satisfied by a code that holds it
//! together with its neighbours. The cost of a query is bounded by its number of words, which is bounded by the parser.

use super::{
    query::{CodeField, Condition, TextField},
    schema::{Fields, has_term, is_term},
    tokenizer::{CODE_CHARS_MAX, CODE_GROUP_CHARS, code_form, code_groups, query_words},
};
use std::ops::Bound;
use tantivy::{
    Term,
    query::{
        AllQuery, BooleanQuery, BoostQuery, ConstScoreQuery, DisjunctionMaxQuery, EmptyQuery, Occur,
        PhraseQuery, Query as IndexQuery, RangeQuery, RegexQuery, TermQuery,
    },
    schema::{Field, IndexRecordOption},
};

type Boxed = Box<dyn IndexQuery>;

/// Weight of a match inside a code beside one of a whole word.
const CODE_WEIGHT: f32 = 0.6;

/// Most neighbouring words that may be one code.
const CODE_WORDS_MAX: usize = 4;

/// Longest word without a digit that may be a part of a code with blanks.
const CODE_LETTERS_MAX: usize = 4;

/// Fewest characters of a code that neighbouring words make.
const JOINED_CHARS_MIN: usize = 5;

/// What finds the messages of a condition.
pub(super) fn compile(fields: &Fields, condition: &Condition) -> Boxed {
    match condition {
        Condition::Everything => Box::new(AllQuery),
        Condition::All(parts) => all(fields, parts),
        Condition::Any(parts) => any(parts.iter().map(|part| compile(fields, part)).collect()),
        Condition::Not(part) => all(fields, std::slice::from_ref(&Condition::Not(part.clone()))),
        Condition::Words(words) => neighbours(fields, words),
        Condition::Phrase(text) => everywhere(fields, text),
        Condition::Prefix(stem) => prefix(fields, stem),
        Condition::In(field, text) => phrase(text_field(fields, *field), text),
        Condition::Code(field, code, goes_on) => number(fields, *field, code, *goes_on),
        Condition::Dates(from, to) => range(fields.date, *from, to.map(|ms| ms - 1)),
        Condition::Amount(low, high) => range(fields.amount, *low, *high),
        Condition::Has(has) => flag(has_term(fields, *has)),
        Condition::Is(is) => flag(is_term(fields, *is)),
        Condition::Kind(kind) => flag(Term::from_field_text(fields.kind, kind.as_str())),
        Condition::Language(code) => flag(Term::from_field_text(fields.language, code)),
        Condition::Ticket(number) => flag(Term::from_field_i64(fields.ticket, *number)),
        Condition::Queue(queue) => flag(Term::from_field_text(fields.queue, queue.as_str())),
    }
}

fn text_field(fields: &Fields, field: TextField) -> Field {
    match field {
        TextField::From => fields.from,
        TextField::To => fields.to,
        TextField::Subject => fields.subject,
        TextField::File => fields.file,
        TextField::Account => fields.account,
    }
}

/// A condition that has nothing to do with relevance.
fn flag(term: Term) -> Boxed {
    unscored(Box::new(TermQuery::new(term, IndexRecordOption::Basic)))
}

fn unscored(query: Boxed) -> Boxed {
    Box::new(ConstScoreQuery::new(query, 0.0))
}

fn all(fields: &Fields, parts: &[Condition]) -> Boxed {
    let mut clauses: Vec<(Occur, Boxed)> = Vec::with_capacity(parts.len() + 1);
    for part in parts {
        clauses.push(match part {
            Condition::Not(part) => (Occur::MustNot, compile(fields, part)),
            part => (Occur::Must, compile(fields, part)),
        });
    }
    // Exclusions alone exclude from everything.
    if clauses.iter().all(|(occur, _)| *occur == Occur::MustNot) {
        clauses.push((Occur::Must, unscored(Box::new(AllQuery))));
    }
    Box::new(BooleanQuery::new(clauses))
}

fn must(mut parts: Vec<Boxed>) -> Boxed {
    match parts.len() {
        1 => parts.pop().unwrap_or_else(|| Box::new(EmptyQuery)),
        _ => Box::new(BooleanQuery::intersection(parts)),
    }
}

fn any(mut parts: Vec<Boxed>) -> Boxed {
    match parts.len() {
        0 => Box::new(EmptyQuery),
        1 => parts.pop().unwrap_or_else(|| Box::new(EmptyQuery)),
        _ => Box::new(BooleanQuery::union(parts)),
    }
}

/// Matches any, is worth as much as the best.
fn best(mut parts: Vec<Boxed>) -> Boxed {
    match parts.len() {
        0 => Box::new(EmptyQuery),
        1 => parts.pop().unwrap_or_else(|| Box::new(EmptyQuery)),
        _ => Box::new(DisjunctionMaxQuery::new(parts)),
    }
}

/// Words typed side by side: each must be there, by itself or within a code together with its neighbours.
fn neighbours(fields: &Fields, words: &[String]) -> Boxed {
    let forms: Vec<String> = words.iter().map(|word| code_form(word)).collect();
    let mut ways: Vec<Vec<Boxed>> = words.iter().map(|word| vec![everywhere(fields, word)]).collect();
    for length in 2..=CODE_WORDS_MAX {
        for (start, window) in forms.windows(length).enumerate() {
            let joined: String = window.concat();
            if !window.iter().all(|form| may_be_code_part(form))
                || joined.chars().count() < JOINED_CHARS_MIN
                || !joined.chars().any(char::is_numeric)
            {
                continue;
            }
            if let Some(query) = within_codes(fields, &joined) {
                for way in ways.iter_mut().skip(start).take(length) {
                    way.push(query.box_clone());
                }
            }
        }
    }
    must(ways.into_iter().map(best).collect())
}

fn may_be_code_part(form: &str) -> bool {
    !form.is_empty() && (form.chars().any(char::is_numeric) || form.chars().count() <= CODE_LETTERS_MAX)
}

/// Words side by side in any field, or within a code if there is a digit.
fn everywhere(fields: &Fields, text: &str) -> Boxed {
    let mut ways: Vec<Boxed> =
        fields.searched().iter().map(|(field, weight)| boosted(phrase(*field, text), *weight)).collect();
    let blank = text.contains(char::is_whitespace);
    let code = code_form(text);
    if !blank && code.chars().any(char::is_numeric) {
        ways.extend(within_codes(fields, &code));
        if let Some(parts) = letters_apart_from_digits(&code) {
            ways.extend(
                fields.searched().iter().map(|(field, _)| boosted(phrase(*field, &parts), CODE_WEIGHT)),
            );
        }
    }
    best(ways)
}

fn boosted(query: Boxed, weight: f32) -> Boxed {
    Box::new(BoostQuery::new(query, weight))
}

/// `hex1025b` as `hex 1025 b`, if it has letters and digits.
fn letters_apart_from_digits(code: &str) -> Option<String> {
    let mut apart = String::with_capacity(code.len() + 4);
    let mut before: Option<bool> = None;
    for c in code.chars() {
        let digit = c.is_numeric();
        if before.is_some_and(|before| before != digit) {
            apart.push(' ');
        }
        before = Some(digit);
        apart.push(c);
    }
    (apart.len() > code.len()).then_some(apart)
}

/// Any part of a code; none if the text is too short or too long for it.
fn within_codes(fields: &Fields, code: &str) -> Option<Boxed> {
    let chars = code.chars().count();
    if !(CODE_GROUP_CHARS..=CODE_CHARS_MAX).contains(&chars) {
        return None;
    }
    let groups = code_groups(code);
    let last = groups.len().checked_sub(1)?;
    // Every third group and the last one hold each character; the ones between would add only work.
    let terms: Vec<(usize, Term)> = groups
        .iter()
        .enumerate()
        .filter(|(at, _)| at % CODE_GROUP_CHARS == 0 || *at == last)
        .map(|(at, group)| (at, Term::from_field_text(fields.code, group)))
        .collect();
    Some(boosted(in_sequence(terms), CODE_WEIGHT))
}

fn in_sequence(mut terms: Vec<(usize, Term)>) -> Boxed {
    match terms.len() {
        0 => Box::new(EmptyQuery),
        1 => terms.pop().map_or_else(
            || Box::new(EmptyQuery) as Boxed,
            |(_, term)| Box::new(TermQuery::new(term, IndexRecordOption::WithFreqs)),
        ),
        _ => Box::new(PhraseQuery::new_with_offset(terms)),
    }
}

/// The words of a text side by side in one field, in each of their spellings.
fn phrase(field: Field, text: &str) -> Boxed {
    let places = query_words(text);
    if let [only] = places.as_slice()
        && let [word] = only.as_slice()
        && let mut chars = word.chars()
        && chars.next().is_some_and(super::tokenizer::is_cjk)
        && chars.next().is_none()
    {
        return starting_with(field, word);
    }
    let spellings = places.iter().map(Vec::len).max().unwrap_or(0);
    let sequences = (0..spellings).map(|spelling| {
        let word =
            |place: &Vec<String>| place.get(spelling).or_else(|| place.first()).cloned().unwrap_or_default();
        let terms = places.iter().map(|place| Term::from_field_text(field, &word(place)));
        in_sequence(terms.enumerate().collect())
    });
    best(sequences.collect())
}

/// Words that begin so, or codes that hold it.
fn prefix(fields: &Fields, stem: &str) -> Boxed {
    let mut places = query_words(stem);
    let last = places.pop().and_then(|place| place.into_iter().next()).unwrap_or_default();
    let mut ways: Vec<Boxed> = Vec::new();
    for (field, weight) in fields.searched() {
        let beginning = starting_with(field, &last);
        let query = if places.is_empty() {
            beginning
        } else {
            let before =
                places.iter().filter_map(|place| place.first()).cloned().collect::<Vec<_>>().join(" ");
            must(vec![phrase(field, &before), beginning])
        };
        ways.push(boosted(query, weight));
    }
    ways.extend(within_codes(fields, &code_form(stem)));
    best(ways)
}

fn starting_with(field: Field, word: &str) -> Boxed {
    // Folded words hold letters, digits and marks only: nothing that means something in a pattern.
    match RegexQuery::from_pattern(&format!("{word}.*"), field) {
        Ok(query) => Box::new(query),
        Err(_) => Box::new(EmptyQuery),
    }
}

fn number(fields: &Fields, field: CodeField, code: &str, goes_on: bool) -> Boxed {
    let field = match field {
        CodeField::Po => fields.po,
        CodeField::Sku => fields.sku,
    };
    if goes_on { unscored(starting_with(field, code)) } else { flag(Term::from_field_text(field, code)) }
}

/// Both bounds belong to it.
fn range(field: Field, low: Option<i64>, high: Option<i64>) -> Boxed {
    let bound = |value: Option<i64>| {
        value.map_or(Bound::Unbounded, |v| Bound::Included(Term::from_field_i64(field, v)))
    };
    if low.is_none() && high.is_none() {
        return Box::new(AllQuery);
    }
    unscored(Box::new(RangeQuery::new(bound(low), bound(high))))
}
