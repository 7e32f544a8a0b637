//! Header fields: labels and the values that stand in, right of or below them.
//!
//! Every label proposes a value of the type that its field needs; the best proposal of each field wins. Does not:
//! address blocks ([`super::party`]), sums ([`super::totals`]) and check boxes ([`super::form`]).

mod leftover;
mod mark;
mod number;
mod person;
mod schema;
mod signing;
mod value;

use super::{
    confidence::from_words,
    date::{Order, parse_date},
    draft::{Reading, propose},
    label::{Label, field_of, label_at},
    layout::{Layout, Row, Segment, Word, join},
    number::{parse_currency, split_currency},
    party::looks_like_company,
};
use crate::{
    model::{
        draft::{Kind, Proposal},
        field::is_day,
    },
    validate::account::fold,
};
pub use leftover::{find_date, part_dates};
pub use mark::{Marked, mark};
use mark::{marked_at, next_row_of_cell};
use number::{number_field, own_number};
pub use person::find_person;
pub use schema::{fields_of, is_form, rename};
use std::collections::{BTreeMap, HashSet};
pub(super) use value::accept;
pub use value::email;
use value::is_incoterm;
pub(super) use value::terms_of_payment;
pub(super) use value::typed;

/// Blank between the words of a value that was typed into a form, in heights of the letters.
const TYPED_GAP_HEIGHTS: f32 = 1.6;
/// Heights that a value may stand below its label.
const BELOW_HEIGHTS: f32 = 2.3;

/// Fields whose values may be broken over two rows.
fn may_wrap(field: &str) -> bool {
    matches!(
        field,
        "payment_terms"
            | "incoterms"
            | "reason"
            | "carrier_name"
            | "email"
            | "buyer_email"
            | "legal_name"
            | "trade_name"
            | "customer_name"
            | "address"
            | "bank_name"
            | "bill_to"
            | "ship_to"
    )
}

/// A value with the rows of its cell below it.
fn with_rest_of_cell(
    layout: &Layout,
    marks: &[Vec<Option<Marked>>],
    index: usize,
    label_x: f32,
    field: &str,
    words: Vec<Word>,
) -> Vec<Word> {
    let mut words = words;
    // a person's first name may fill a narrow cell
    let name = matches!(field, "buyer_contact" | "contact_name") && words.len() == 1;
    if !may_wrap(field) && !name {
        return words;
    }
    let mut at = index;
    let rows = if name {
        1
    } else if matches!(field, "address" | "bill_to" | "ship_to") {
        5
    } else {
        2
    };
    for _ in 0..rows {
        let (Some(first), Some(last)) = (words.first(), words.last()) else { break };
        let height = (last.y1 - last.y0).max(4.0);
        let Some((below, under, next)) = next_row_of_cell(layout, at, first.x0, last.y1, height) else {
            break;
        };
        let other_label = layout.rows.get(below).is_some_and(|r| {
            r.segments.iter().enumerate().any(|(s, left)| {
                let named = marked_at(marks, below, s).is_some_and(|m| m.field.is_some());
                // a label that is not known; the rest of a label begins with a small letter
                let capital = left.words.first().is_some_and(|w| w.text.starts_with(char::is_uppercase));
                left.x1() < next.x0() && (left.x0() - label_x).abs() < 6.0 && (named || capital)
            })
        });
        let labelled =
            marked_at(marks, below, under).is_some_and(|m| m.whole && (m.field.is_some() || m.label.closed));
        let capital =
            |w: &Word| w.text.starts_with(char::is_uppercase) && w.text.chars().all(char::is_alphabetic);
        if name && !matches!(next.words.as_slice(), [last] if capital(last)) {
            break;
        }
        if other_label || labelled || next.words.len() > 8 || next.text().ends_with(':') {
            break;
        }
        let mail_tail = |w: &Word| w.text.chars().all(|c| c.is_ascii_lowercase() || matches!(c, '.' | '-'));
        if field.contains("email") {
            let whole_before = words.last().is_some_and(|w| w.text.contains('@'));
            match (next.words.first().filter(|w| next.words.len() == 1 && mail_tail(w)), words.last_mut()) {
                (Some(tail), Some(last)) if whole_before => {
                    last.text.push_str(&tail.text);
                    last.rect = last.rect.union(&tail.rect);
                }
                _ => break,
            }
        } else {
            words.extend(next.words.iter().cloned());
        }
        at = below;
    }
    words
}

struct Candidate {
    value: String,
    words: Vec<Word>,
    score: f32,
}

/// How much less a label says that names a party, not its number.
const BARE_NUMBER: f32 = 0.8;

/// `Vendor 000026608`: the number that may stand where a party is asked for.
fn number_of_party(field: &str) -> Option<&'static str> {
    match field {
        "vendor" | "vendor_name" => Some("supplier_no"),
        "customer_name" => Some("account_no"),
        _ => None,
    }
}

/// One word, most of it figures: no name, no date, no sum.
fn is_plain_code(words: &[Word]) -> bool {
    let [word] = words else { return false };
    let digits = word.text.chars().filter(char::is_ascii_digit).count();
    let plain =
        word.text.chars().all(|c| c.is_ascii_digit() || c.is_ascii_uppercase() || matches!(c, '-' | '.'));
    plain && digits >= 4 && digits * 2 >= word.text.len()
}

/// How much less a label says that asks for the number of some paper, not for that of an order.
const SOME_PAPER: f32 = 0.8;

/// All header fields that stand beside labels.
pub fn find_fields(
    layout: &Layout,
    marks: &[Vec<Option<Marked>>],
    table_rows: &HashSet<usize>,
    reading: &Reading,
) -> BTreeMap<String, Proposal> {
    let mut best: BTreeMap<&'static str, Candidate> = BTreeMap::new();
    let wanted = fields_of(reading.kind);
    for (index, row) in layout.rows.iter().enumerate().filter(|(i, _)| !table_rows.contains(i)) {
        for (at, segment) in row.segments.iter().enumerate() {
            let Some(marked) = marks.get(index).and_then(|r| r.get(at)).and_then(Option::as_ref) else {
                continue;
            };
            let early = index * 2 < layout.rows.len();
            let field = match marked.field {
                None if marked.whole && person::is_asked_by(&marked.label, row.segments.get(at + 1)) => {
                    Some("buyer_contact")
                }
                Some("date_signed") if reading.kind == Kind::ReturnRequest && early => Some("request_date"),
                // `Livraison` asks for a day or for a place
                Some("ship_to") | None
                    if marked.whole
                        && marked.label.asks_only("delivery")
                        && wanted.contains(&"requested_date") =>
                {
                    Some("requested_date")
                }
                field => field,
            };
            let number =
                field.and_then(number_of_party).filter(|f| wanted.contains(f) && marked.label.words == 1);
            if let Some(number) = number
                && let Some(found) = candidates(layout, marks, index, at, segment, marked, number, reading)
                    .into_iter()
                    .find(|c| is_plain_code(&c.words))
                && !best.contains_key(number)
            {
                best.insert(number, Candidate { score: found.score * BARE_NUMBER, ..found });
            }
            let Some(field) = field.filter(|f| wanted.contains(f)) else { continue };
            if matches!(
                field,
                "subtotal" | "discount" | "shipping" | "tax" | "total" | "references" | "signature_present"
            ) {
                continue;
            }
            if matches!(field, "bill_to" | "ship_to" | "vendor_name" | "buyer_name") && !is_form(reading.kind)
            {
                continue;
            }
            let some_paper = field_of(&marked.label) == Some("document_number");
            for candidate in candidates(layout, marks, index, at, segment, marked, field, reading) {
                let candidate = if some_paper {
                    Candidate { score: candidate.score * SOME_PAPER, ..candidate }
                } else {
                    candidate
                };
                let place = row.y0() / layout.height.max(1.0);
                let first = row.page == layout.rows.first().map_or(1, |r| r.page);
                let score =
                    candidate.score + if first { 0.1 } else { 0.0 } - if place > 0.9 { 0.15 } else { 0.0 };
                if best.get(field).is_none_or(|b| score > b.score + 0.01) {
                    best.insert(field, Candidate { score, ..candidate });
                }
            }
        }
    }
    for (index, row) in layout.rows.iter().enumerate().filter(|(i, _)| !table_rows.contains(i)) {
        for segment in &row.segments {
            let Some(pair) = pair_of(segment) else { continue };
            let Some((_, words)) = below(layout, index, segment, &|_, _| false) else { continue };
            for (second, label) in [(false, &pair[0]), (true, &pair[1])] {
                let Some(field) = field_of(label).map(|f| rename(f, label, reading.kind)) else { continue };
                let mut parts = parts_of_pair(&words, second).filter(|_| wanted.contains(&field));
                if let Some((value, words, quality)) = parts.find_map(|p| accept(field, &p, reading)) {
                    let score = 0.93 * quality;
                    if best.get(field).is_none_or(|b| score > b.score) {
                        best.insert(field, Candidate { value, words, score });
                    }
                }
            }
        }
    }
    best.retain(|field, found| *field != "requested_date" || !is_of_lines(layout, marks, found, reading));
    if let Some(field) = number_field(reading.kind).filter(|field| !best.contains_key(field))
        && let Some(own) = own_number(layout, marks, table_rows, field, reading)
    {
        best.insert(field, own);
    }
    add_unlabelled(&mut best, layout, marks, table_rows, reading);
    best.into_iter()
        .map(|(field, c)| {
            let ambiguous = is_day(field)
                && reading.order == Order::Unknown
                && parse_date(&join(&c.words), reading.order).is_some_and(|d| d.ambiguous);
            let base = if ambiguous { 0.5 } else { (0.55 + 0.42 * c.score).min(0.965) };
            (field.to_owned(), propose(c.value, &c.words, from_words(base, &c.words, reading.trusted)))
        })
        .collect()
}

/// Adds what is known by where it stands or how it is written, without a label of its own.
fn add_unlabelled(
    best: &mut BTreeMap<&'static str, Candidate>,
    layout: &Layout,
    marks: &[Vec<Option<Marked>>],
    table_rows: &HashSet<usize>,
    reading: &Reading,
) {
    let wanted = fields_of(reading.kind);
    if wanted.contains(&"date_signed")
        && !best.contains_key("date_signed")
        && let Some((value, words)) = signing::find_day(layout, reading)
    {
        best.insert("date_signed", Candidate { value, words, score: 0.6 });
    }
    for field in ["incoterms", "payment_terms"] {
        if wanted.contains(&field)
            && !best.contains_key(field)
            && let Some((value, words, _)) =
                by_pattern(layout, marks, table_rows, field).and_then(|w| accept(field, &w, reading))
        {
            best.insert(field, Candidate { value, words, score: 0.4 });
        }
    }
}

#[expect(clippy::too_many_arguments, reason = "one place, its label and the document around it")]
fn candidates(
    layout: &Layout,
    marks: &[Vec<Option<Marked>>],
    index: usize,
    at: usize,
    segment: &Segment,
    marked: &Marked,
    field: &'static str,
    reading: &Reading,
) -> Vec<Candidate> {
    let mut out = Vec::new();
    let soft = if marked.label.forgiven { 0.08 } else { 0.0 };
    let mut push = |words: &[Word], score: f32| {
        if let Some((value, used, quality)) = accept(field, words, reading) {
            out.push(Candidate { value, words: used, score: score * quality - soft });
        }
    };
    // `net` belongs to the terms: `Payment terms net 30 days`
    let net = !marked.label.closed
        && field == "payment_terms"
        && segment
            .words
            .get(marked.label.words - 1)
            .is_some_and(|w| matches!(fold(&w.text).as_str(), "net" | "netto"))
        && marked.label.words >= 2;
    let label_words = marked.label.words - usize::from(net && marked.label.words < segment.words.len());
    let inside = until_next_label(segment.words.get(label_words..).unwrap_or_default());
    let hint = inside.first().is_some_and(|w| w.text.starts_with('('))
        && inside.last().is_some_and(|w| w.text.ends_with(')'));
    let inside = if hint { &[] } else { inside };
    let row = layout.rows.get(index);
    let is_label = |r: usize, s: usize| {
        marks
            .get(r)
            .and_then(|m| m.get(s))
            .and_then(Option::as_ref)
            .is_some_and(|m| m.whole && (m.field.is_some() || m.label.closed))
    };
    if !inside.is_empty() {
        let strong = marked.label.closed || typed(field) || may_follow(field, &marked.label, inside);
        let gap = inside.first().map_or(0.0, |w| w.x0)
            - segment.words.get(marked.label.words.saturating_sub(1)).map_or(0.0, |w| w.x1);
        if strong || gap > 0.4 * segment.height() {
            let mut words = inside.to_vec();
            words = with_rest_of_cell(layout, marks, index, segment.x0(), field, words);
            // a value that goes on after a wider blank
            if marked.label.closed
                && inside.len() <= 2
                && let Some(next) = row.and_then(|r| r.segments.get(at + 1)).filter(|n| {
                    n.x0() - segment.x1() < TYPED_GAP_HEIGHTS * segment.height() && !is_label(index, at + 1)
                })
            {
                words.extend(next.words.clone());
            }
            push(&words, if marked.label.closed { 1.0 } else { 0.9 });
        }
        return out;
    }
    let right = row.and_then(|r| r.segments.get(at + 1)).filter(|_| !is_label(index, at + 1));
    let grid = row.is_some_and(|r| (0..r.segments.len()).filter(|s| is_label(index, *s)).count() >= 2) && {
        let next = is_label(index, at + 1);
        let previous = at > 0 && is_label(index, at - 1);
        // a row of heads without a figure in it
        let heads = row.is_some_and(|r| {
            r.segments.len() >= 3
                && r.segments
                    .iter()
                    .flat_map(|s| &s.words)
                    .all(|w| !w.text.chars().any(|c| c.is_ascii_digit()))
        });
        next || previous || heads || at == 0 && right.is_none()
    };
    if let Some(right) = &right {
        let far = (right.x0() - segment.x1()) / layout.width.max(1.0);
        let mut words = right.words.clone();
        if marked.label.closed {
            // typed into the form: blanks are as wide as letters
            let rest = row.map_or(&[][..], |r| r.segments.get(at + 2..).unwrap_or_default());
            for (next, segment) in rest.iter().enumerate() {
                let gap = segment.x0() - words.last().map_or(0.0, |w| w.x1);
                if gap > TYPED_GAP_HEIGHTS * segment.height() || is_label(index, at + 2 + next) {
                    break;
                }
                words.extend(segment.words.iter().cloned());
            }
        }
        let words = with_rest_of_cell(layout, marks, index, segment.x0(), field, words);
        push(&words, if grid { 0.7 } else { 0.97 } - if far > 0.35 { 0.25 } else { 0.0 });
    }
    let (end, last) = marked.tail.map_or((index, segment), |(r, s)| {
        (r, layout.rows.get(r).and_then(|row| row.segments.get(s)).unwrap_or(segment))
    });
    if let Some((at, below)) = below(layout, end, last, &is_label) {
        let words = with_rest_of_cell(layout, marks, at, f32::MIN, field, below);
        push(&words, if right.is_none() || grid { 0.95 } else { 0.72 });
    }
    out
}

/// Whether the label of a day comes again below itself with another day: each line of goods has its own.
fn is_of_lines(layout: &Layout, marks: &[Vec<Option<Marked>>], found: &Candidate, reading: &Reading) -> bool {
    let mut asked: Vec<(&Segment, &str, Option<String>)> = Vec::new();
    for (index, row) in layout.rows.iter().enumerate() {
        for (at, segment) in row.segments.iter().enumerate() {
            if let Some(marked) = marked_at(marks, index, at).filter(|m| m.field == Some("requested_date")) {
                let inside = segment.words.get(marked.label.words..).unwrap_or_default();
                let day = accept("requested_date", inside, reading).map(|(day, ..)| day);
                asked.push((segment, &marked.label.text, day));
            }
        }
    }
    let own = |s: &&Segment| found.words.iter().any(|w| s.words.iter().any(|o| o.rect == w.rect));
    let Some((label, text, _)) = asked.iter().find(|(s, ..)| own(s)) else { return false };
    asked.iter().any(|(s, other, day)| {
        let day = day.as_ref().is_some_and(|day| *day != found.value);
        day && other == text && (s.x0() - label.x0()).abs() < 3.0
    })
}

/// The words before a further label that ends with a colon.
fn until_next_label(words: &[Word]) -> &[Word] {
    let next = (1..words.len()).find(|at| {
        let texts = words.iter().skip(*at).map(|w| w.text.as_str());
        label_at(texts).is_some_and(|l| l.closed && l.words <= 4 && field_of(&l).is_some())
    });
    let end = next.unwrap_or(words.len());
    let dash = end
        .checked_sub(1)
        .and_then(|i| words.get(i))
        .is_some_and(|w| next.is_some() && w.text.chars().all(|c| !c.is_alphanumeric()));
    words.get(..end - usize::from(dash)).unwrap_or_default()
}

/// Whether these words may be the value of a label that they follow without a colon or a gap.
fn may_follow(field: &str, label: &Label, words: &[Word]) -> bool {
    match field {
        "payment_terms" => terms_of_payment(words),
        "incoterms" => words.first().is_some_and(|w| is_incoterm(&w.text)),
        "buyer_contact" | "contact_name" => person::follows(label, words),
        "customer_name" | "legal_name" | "vendor" => {
            label.words == 1 && !label.forgiven && words.len() <= 7 && looks_like_company(&join(words))
        }
        _ => false,
    }
}

/// Incoterms and terms of payment that stand alone, without a label that is known.
fn by_pattern(
    layout: &Layout,
    marks: &[Vec<Option<Marked>>],
    table_rows: &HashSet<usize>,
    field: &str,
) -> Option<Vec<Word>> {
    let first = layout.rows.first()?.page;
    let rows = layout.rows.iter().enumerate().filter(|(i, r)| r.page == first && !table_rows.contains(i));
    for (index, row) in rows {
        for (at, segment) in row.segments.iter().enumerate() {
            if marked_at(marks, index, at)
                .is_some_and(|m| m.field.is_some() && m.label.words < segment.words.len())
            {
                continue;
            }
            let fits = match field {
                "incoterms" => {
                    segment.words.len() <= 6 && segment.words.first().is_some_and(|w| is_incoterm(&w.text))
                }
                _ => segment.words.len() <= 8 && terms_of_payment(&segment.words),
            };
            if fits {
                // `Zahlungsart: 30 Tage netto`: a label that is not known
                let label = segment.words.iter().take(3).position(|w| w.text.ends_with(':'));
                let rest = label.and_then(|at| segment.words.get(at + 1..)).filter(|rest| !rest.is_empty());
                return Some(rest.unwrap_or(&segment.words).to_vec());
            }
        }
    }
    None
}

/// The part of a value that belongs to one of two fields whose labels share a cell: `Number / Date` over `4711 / 5.1.2026`.
fn part_of_pair(words: &[Word], second: bool) -> Option<Vec<Word>> {
    let slash = words.iter().position(|w| w.text == "/")?;
    let part = if second { words.get(slash + 1..)? } else { words.get(..slash)? };
    (!part.is_empty() && !part.iter().any(|w| w.text == "/")).then(|| part.to_vec())
}

/// The same, and where no blank stands beside the mark.
fn parts_of_pair(words: &[Word], second: bool) -> impl Iterator<Item = Vec<Word>> {
    part_of_pair(words, second).into_iter().chain(glued_part(words, second))
}

/// The same where no blank stands beside the mark: `Anna Berg/0751 41614`.
fn glued_part(words: &[Word], second: bool) -> Option<Vec<Word>> {
    let at = words.iter().position(|w| w.text.trim_matches('/').contains('/'))?;
    let word = words.get(at)?;
    let (head, tail) = word.text.split_once('/')?;
    let with = |text: &str| Word { text: text.to_owned(), ..word.clone() };
    Some(if second {
        std::iter::once(with(tail)).chain(words.iter().skip(at + 1).cloned()).collect()
    } else {
        words.iter().take(at).cloned().chain([with(head)]).collect()
    })
}

/// The two labels of a cell that asks for two things, apart.
fn pair_of(segment: &Segment) -> Option<[Label; 2]> {
    let text = segment.text();
    let (first, second) = text.split_once('/')?;
    let label = |t: &str| label_at(t.split_whitespace()).filter(|l| l.words == t.split_whitespace().count());
    let pair = [label(first.trim())?, label(second.trim())?];
    let fields = pair.each_ref().map(field_of);
    (fields.iter().any(Option::is_some) && fields.first() != fields.last()).then_some(pair)
}

/// Heads of a strip of cells at least.
const STRIP_MIN: usize = 3;

/// The value below a head of a strip whose heads and values are not set to the same edge: each is nearest to the other.
fn in_same_cell<'a>(heads: &Row, values: &'a Row, head: &Segment) -> Option<(usize, &'a Segment)> {
    if heads.segments.len() < STRIP_MIN
        || values.segments.len() < 2
        || values.segments.len() > heads.segments.len()
    {
        return None;
    }
    let middle = |s: &Segment| f32::midpoint(s.x0(), s.x1());
    let apart = |a: &Segment, b: &Segment| (middle(a) - middle(b)).abs();
    let (at, value) = values
        .segments
        .iter()
        .enumerate()
        .min_by(|(_, a), (_, b)| apart(a, head).total_cmp(&apart(b, head)))?;
    let back = heads.segments.iter().min_by(|a, b| apart(a, value).total_cmp(&apart(b, value)))?;
    std::ptr::eq(back, head).then_some((at, value))
}

/// The segment that stands below a label, if it is no label itself.
fn below(
    layout: &Layout,
    index: usize,
    segment: &Segment,
    is_label: &dyn Fn(usize, usize) -> bool,
) -> Option<(usize, Vec<Word>)> {
    for step in 1..=4 {
        let row = layout.rows.get(index + step).filter(|r| r.page == segment.page)?;
        let down = row.y0() - segment.y1();
        if down > BELOW_HEIGHTS * segment.height() {
            return None;
        }
        let hit = row.segments.iter().enumerate().find(|(_, s)| {
            let left = (s.x0() - segment.x0()).abs() < 14.0;
            let over = s.x0() < segment.x1() && segment.x0() < s.x1() && s.x0() > segment.x0() - 14.0;
            left || over
        });
        if let Some((at, hit)) = hit {
            return (!is_label(index + step, at)).then(|| (index + step, hit.words.clone()));
        }
        if let Some((at, hit)) = in_same_cell(layout.rows.get(index)?, row, segment) {
            return (!is_label(index + step, at)).then(|| (index + step, hit.words.clone()));
        }
    }
    None
}

/// The currency that the document writes its money in, where no label says it.
pub fn vote_currency(layout: &Layout, country_dollar: &'static str) -> Option<(&'static str, Vec<Word>)> {
    let mut votes: BTreeMap<&'static str, (usize, Word)> = BTreeMap::new();
    for word in layout.rows.iter().flat_map(|r| &r.segments).flat_map(|s| &s.words) {
        let mut found = split_currency(&word.text).1.or_else(|| parse_currency(&word.text));
        if word.text == "KR" {
            continue;
        }
        if word.text.eq_ignore_ascii_case("kr")
            || word.text.chars().count() == 2
                && !word.text.chars().all(char::is_uppercase)
                && !word.text.eq_ignore_ascii_case("kr")
        {
            found = parse_currency(&word.text).filter(|_| word.text.eq_ignore_ascii_case("kr"));
        }
        let Some(mut code) = found else { continue };
        if code == "USD" && word.text.contains('$') && !word.text.to_uppercase().contains("US") {
            code = country_dollar;
        }
        votes.entry(code).or_insert_with(|| (0, word.clone())).0 += 1;
    }
    votes.into_iter().max_by_key(|(_, (n, _))| *n).map(|(code, (_, word))| (code, vec![word]))
}
