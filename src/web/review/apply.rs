//! What a person typed, put over a draft. What was not touched keeps its proof.

use super::{super::locale, shown, teach::place};
use crate::{
    extract::number::{parse_currency, split_currency},
    model::{
        draft::{Content, Draft, Kind, Line, Proposal, Source},
        field::Form,
    },
};
use rust_decimal::Decimal;
use std::collections::BTreeMap;

/// Lines taken from a form at most.
pub const LINES_MAX: usize = 2_000;

/// A draft with what a person typed.
#[derive(Clone, Debug, PartialEq)]
pub struct Applied {
    /// The new draft.
    pub content: Draft,
    /// Paths of what changed.
    pub changed: Vec<String>,
    /// For each line of the old draft its place in the new one, if it is still there.
    pub places: Vec<Option<usize>>,
}

/// Puts what `who` typed over a draft.
pub fn apply(draft: &Draft, posted: &[(String, String)], who: &str) -> Applied {
    let mut changed = Vec::new();
    let mut kind = draft.kind;
    let mut fields = draft.fields.clone();
    let mut cells_of: BTreeMap<usize, BTreeMap<&str, &str>> = BTreeMap::new();
    let mut order: Vec<usize> = Vec::new();
    let places: BTreeMap<&str, Source> = posted
        .iter()
        .filter_map(|(key, value)| Some((key.strip_prefix("p.")?, place(value, draft)?)))
        .collect();
    let source = |input: &str| places.get(input).cloned();
    let currency =
        posted.iter().rfind(|(key, _)| key == "f.currency").map(|(_, typed)| plain("currency", typed, ""));
    let currency = currency.or_else(|| draft.text("currency").map(str::to_owned)).unwrap_or_default();
    for (key, value) in posted {
        if key == "kind" {
            kind = Kind::parse(value).unwrap_or(kind);
        } else if key == "order" {
            order = value.split(',').take(LINES_MAX).filter_map(|number| number.parse().ok()).collect();
        } else if let Some(name) = key.strip_prefix("f.").filter(|name| is_name(name)) {
            if put(&mut fields, name, &plain(name, value, &currency), source(key), who) {
                changed.push(name.to_owned());
            }
        } else if let Some((number, column)) = key.strip_prefix("l.").and_then(|rest| rest.split_once('.'))
            && let Ok(number) = number.parse::<usize>()
            && (column == "-" || is_name(column))
            && number < LINES_MAX
        {
            cells_of.entry(number).or_default().insert(column, value);
        }
    }
    let mut kept: Vec<(usize, Line)> = Vec::new();
    for number in 0..draft.lines.len().max(cells_of.last_key_value().map_or(0, |(last, _)| last + 1)) {
        let old = draft.lines.get(number);
        let cells = cells_of.remove(&number).unwrap_or_default();
        let mut line = old.cloned().unwrap_or_default();
        let mut touched = Vec::new();
        for (column, value) in cells.iter().filter(|(column, _)| **column != "-") {
            let place = source(&format!("l.{number}.{column}"));
            if put(&mut line, column, &plain(column, value, &currency), place, who) {
                touched.push(format!("lines.{number}.{column}"));
            }
        }
        let gone = cells.contains_key("-") || (line.is_empty() && old.is_none_or(|old| !old.is_empty()));
        match (old, gone) {
            (None, true) => {}
            (_, true) => changed.push(format!("lines.{number}")),
            (None, false) => {
                changed.push(format!("lines.{number}"));
                kept.push((number, line));
            }
            (Some(_), false) => {
                changed.append(&mut touched);
                kept.push((number, line));
            }
        }
    }
    let turns: BTreeMap<usize, usize> =
        order.iter().enumerate().map(|(turn, number)| (*number, turn)).collect();
    kept.sort_by_key(|(number, _)| (turns.get(number).copied().unwrap_or(usize::MAX), *number));
    if kept.windows(2).any(|pair| matches!(pair, [one, next] if one.0 > next.0)) {
        changed.push("lines".to_owned());
    }
    let place_of: BTreeMap<usize, usize> =
        kept.iter().enumerate().map(|(place, (number, _))| (*number, place)).collect();
    let places = (0..draft.lines.len()).map(|number| place_of.get(&number).copied()).collect();
    let lines = kept.into_iter().map(|(_, line)| line).collect();
    let mut content = Draft { fields, lines, ..draft.clone() };
    if kind != draft.kind {
        (content.kind, content.kind_confidence) = (kind, 1.0);
        changed.push("kind".to_owned());
    }
    Applied { content, changed, places }
}

fn is_name(name: &str) -> bool {
    (1..=60).contains(&name.len())
        && name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_')
}

/// Sets one value, typed or taught by its place on a page; whether that changed anything.
fn put(
    values: &mut BTreeMap<String, Proposal>,
    name: &str,
    typed: &str,
    place: Option<Source>,
    who: &str,
) -> bool {
    match values.get_mut(name) {
        Some(old) if same(name, shown(&old.value).trim(), typed) && !typed.is_empty() && place.is_some() => {
            let source = place.unwrap_or_else(|| old.source.clone());
            let changed = old.source != source;
            (old.source, old.confidence) = (source, 1.0);
            return changed;
        }
        Some(old)
            if same(name, shown(&old.value).trim(), typed) || matches!(old.value, Content::References(_)) =>
        {
            return false;
        }
        None if typed.is_empty() => return false,
        _ => {}
    }
    if typed.is_empty() {
        values.remove(name);
        return true;
    }
    let value = match typed {
        "true" | "false" if Form::of(name) == Form::Flag => Content::Flag(typed == "true"),
        _ => Content::Text(typed.to_owned()),
    };
    let source = place.unwrap_or_else(|| Source::Person(who.to_owned()));
    let proposal = Proposal { value, confidence: 1.0, source, printed: None };
    let changed = values.get(name).is_none_or(|old| old.value != proposal.value);
    if changed {
        values.insert(name.to_owned(), proposal);
    }
    changed
}

/// What a person typed, as a value: numbers with a dot and neither thousands marks nor percent sign nor the currency of
/// the document, days as ISO writes them, currencies by their codes. What is none of these stays as it was typed, for a
/// check to tell.
fn plain(name: &str, typed: &str, currency: &str) -> String {
    let typed = typed.replace("\r\n", "\n");
    let typed = typed.trim();
    let value = match Form::of(name) {
        Form::Number => {
            let (figures, unit) = split_currency(typed.trim_end_matches('%'));
            let fits = unit.is_none_or(|unit| currency.is_empty() || unit == currency || is_shared(typed));
            locale::plain(figures).filter(|_| fits)
        }
        Form::Day => locale::plain_day(typed),
        Form::Currency => parse_currency(typed)
            .filter(|_| !is_shared(typed))
            .map(str::to_owned)
            .or_else(|| Some(typed.to_uppercase())),
        Form::Text | Form::Flag => None,
    };
    value.unwrap_or_else(|| typed.to_owned())
}

/// Whether the sign of a currency is that of several.
fn is_shared(typed: &str) -> bool {
    let folded = typed.to_lowercase();
    ["$", "kr", "¥"].iter().any(|sign| folded.contains(sign))
}

/// Whether two values are the same, numbers however they are written.
fn same(name: &str, one: &str, other: &str) -> bool {
    let number = |text: &str| text.parse::<Decimal>().ok().filter(|_| Form::of(name) == Form::Number);
    one == other || number(one).zip(number(other)).is_some_and(|(one, other)| one == other)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sums_and_currencies_as_people_type_them() {
        for (name, typed, currency, value) in [
            ("total", "1797.27 EUR", "EUR", "1797.27"),
            ("total", "1,797.27 EUR", "USD", "1,797.27 EUR"),
            ("total", "€ 12.50", "", "12.50"),
            ("total", "$12.50", "CAD", "12.50"),
            ("discount", "5 %", "EUR", "5"),
            ("total", "12 crates", "EUR", "12 crates"),
            ("currency", "Euro", "", "EUR"),
            ("currency", "€", "", "EUR"),
            ("currency", "sek", "", "SEK"),
            ("currency", "$", "", "$"),
            ("notes", " 5 % \r\noff ", "", "5 % \noff"),
        ] {
            assert_eq!(plain(name, typed, currency), value, "{name} {typed}");
        }
    }

    #[test]
    fn the_kind_changes_only_to_one_that_there_is() {
        let draft = Draft {
            kind: Kind::PurchaseOrder,
            kind_confidence: 0.6,
            language: "en".to_owned(),
            page_range: [1, 1],
            fields: BTreeMap::new(),
            lines: Vec::new(),
            findings: Vec::new(),
            standard: None,
            precedents: Vec::new(),
        };
        for (typed, kind, confidence, changed) in [
            ("purchase_order", Kind::PurchaseOrder, 0.6, vec![]),
            ("poem", Kind::PurchaseOrder, 0.6, vec![]),
            ("quotation", Kind::Quotation, 1.0, vec!["kind".to_owned()]),
        ] {
            let edited = apply(&draft, &[("kind".to_owned(), typed.to_owned())], "ann");
            let found = (edited.content.kind, edited.content.kind_confidence, edited.changed);
            assert_eq!(found, (kind, confidence, changed), "{typed}");
        }
    }
}
