//! What a person typed, put over a draft. What was not touched keeps its proof.

use super::{
    super::locale,
    schema::{FLAGS, NUMBERS},
    shown,
    teach::place,
};
use crate::model::draft::{Content, Draft, Kind, Line, Proposal, Source};
use rust_decimal::Decimal;
use std::collections::BTreeMap;

/// Lines taken from a form at most.
pub const LINES_MAX: usize = 2_000;

/// Puts what `who` typed over a draft. Gives the new draft and the paths that changed.
pub fn apply(draft: &Draft, posted: &[(String, String)], who: &str) -> (Draft, Vec<String>) {
    let mut changed = Vec::new();
    let mut kind = draft.kind;
    let mut fields = draft.fields.clone();
    let mut lines: BTreeMap<usize, BTreeMap<&str, &str>> = BTreeMap::new();
    let places: BTreeMap<&str, Source> = posted
        .iter()
        .filter_map(|(key, value)| Some((key.strip_prefix("p.")?, place(value, draft)?)))
        .collect();
    let source = |input: &str| places.get(input).cloned();
    for (key, value) in posted {
        if key == "kind" {
            kind = Kind::parse(value).unwrap_or(kind);
        } else if let Some(name) = key.strip_prefix("f.").filter(|name| is_name(name)) {
            if put(&mut fields, name, value, source(key), who) {
                changed.push(name.to_owned());
            }
        } else if let Some((number, column)) = key.strip_prefix("l.").and_then(|rest| rest.split_once('.'))
            && let Ok(number) = number.parse::<usize>()
            && (column == "-" || is_name(column))
            && number < LINES_MAX
        {
            lines.entry(number).or_default().insert(column, value);
        }
    }
    let mut kept = Vec::new();
    for (number, old) in draft.lines.iter().enumerate() {
        let cells = lines.remove(&number).unwrap_or_default();
        let mut line = old.clone();
        if cells.contains_key("-") {
            changed.push(format!("lines.{number}"));
            continue;
        }
        for (column, value) in cells {
            if put(&mut line, column, value, source(&format!("l.{number}.{column}")), who) {
                changed.push(format!("lines.{number}.{column}"));
            }
        }
        kept.push(line);
    }
    for (number, cells) in lines {
        let mut line = Line::new();
        for (column, value) in cells.iter().filter(|_| !cells.contains_key("-")) {
            put(&mut line, column, value, source(&format!("l.{number}.{column}")), who);
        }
        if !line.is_empty() {
            changed.push(format!("lines.{number}"));
            kept.push(line);
        }
    }
    let mut edited = Draft { fields, lines: kept, ..draft.clone() };
    if kind != draft.kind {
        (edited.kind, edited.kind_confidence) = (kind, 1.0);
        changed.push("kind".to_owned());
    }
    (edited, changed)
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
    let typed = typed.replace("\r\n", "\n");
    let typed = &plain(name, typed.trim());
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
    let value = match typed.as_str() {
        "true" | "false" if FLAGS.contains(&name) => Content::Flag(typed == "true"),
        _ => Content::Text(typed.clone()),
    };
    let source = place.unwrap_or_else(|| Source::Person(who.to_owned()));
    let proposal = Proposal { value, confidence: 1.0, source, printed: None };
    let changed = values.get(name).is_none_or(|old| old.value != proposal.value);
    if changed {
        values.insert(name.to_owned(), proposal);
    }
    changed
}

/// What a person typed, as a value: numbers with a dot and no thousands marks.
fn plain(name: &str, typed: &str) -> String {
    let number = if NUMBERS.contains(&name) { locale::plain(typed) } else { None };
    number.unwrap_or_else(|| typed.to_owned())
}

/// Whether two values are the same, numbers however they are written.
fn same(name: &str, one: &str, other: &str) -> bool {
    let number = |text: &str| text.parse::<Decimal>().ok().filter(|_| NUMBERS.contains(&name));
    one == other || number(one).zip(number(other)).is_some_and(|(one, other)| one == other)
}

#[cfg(test)]
mod tests {
    use super::*;

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
            let (edited, paths) = apply(&draft, &[("kind".to_owned(), typed.to_owned())], "ann");
            assert_eq!((edited.kind, edited.kind_confidence, paths), (kind, confidence, changed), "{typed}");
        }
    }
}
