//! Two people changed a draft at once: what the one who came second changed, beside what stands there now.
//!
//! Pure. What only the second changed can be put over the draft as it is; what both changed is for him to choose.

use super::{apply::Applied, shown, written};
use crate::{
    model::draft::{Draft, Line, Proposal},
    web::text,
};
use serde::Serialize;
use std::collections::BTreeMap;

/// A value that the second person changed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Difference {
    /// Its field, and its line where it stands in one.
    pub label: String,
    /// As it is now.
    pub theirs: String,
    /// As the second person has it.
    pub mine: String,
    /// The input that takes it over; none where its line is gone.
    pub input: Option<String>,
    /// The value of that input.
    pub value: String,
    /// Both changed it.
    pub both: bool,
}

/// Compares what a person made of `base` with what the draft is now; where both agree there is nothing to tell.
pub fn differences(base: &Draft, mine: &Applied, theirs: &Draft) -> Vec<Difference> {
    let mut found = Vec::new();
    if mine.content.kind != base.kind && mine.content.kind != theirs.kind {
        let name = |draft: &Draft| text::choice("kind", draft.kind.as_str());
        found.push(Difference {
            label: text::text("draft.kind").to_owned(),
            theirs: name(theirs),
            mine: name(&mine.content),
            input: Some("kind".to_owned()),
            value: mine.content.kind.as_str().to_owned(),
            both: theirs.kind != base.kind,
        });
    }
    let heads = compare(&base.fields, &mine.content.fields, Some(&theirs.fields), "f.", &text::label);
    found.extend(heads);
    for (number, old) in base.lines.iter().enumerate() {
        let now = place_now(base, theirs, number);
        let label = |name: &str| cell_label(number, name);
        let place = mine.places.get(number).copied().flatten();
        let there = now.and_then(|now| theirs.lines.get(now));
        if let Some(new) = place.and_then(|place| mine.content.lines.get(place)) {
            found.extend(compare(old, new, there, &format!("l.{}.", now.unwrap_or_default()), &label));
        } else if let Some(line) = there {
            found.push(Difference {
                label: text::filled("conflict.line", &[("n", (number + 1).to_string())]),
                theirs: in_words(line),
                mine: String::new(),
                input: now.map(|now| format!("l.{now}.-")),
                value: "gone".to_owned(),
                both: line != old,
            });
        }
    }
    let known: Vec<usize> = mine.places.iter().copied().flatten().collect();
    let added = mine.content.lines.iter().enumerate().filter(|(place, _)| !known.contains(place));
    for (turn, (place, line)) in added.enumerate() {
        let prefix = format!("l.{}.", theirs.lines.len() + turn);
        let label = |name: &str| cell_label(place, name);
        found.extend(compare(&Line::new(), line, Some(&Line::new()), &prefix, &label));
    }
    found
}

fn cell_label(line: usize, name: &str) -> String {
    let column = text::label(name);
    text::filled("draft.cell", &[("column", column), ("n", (line + 1).to_string())])
}

/// Where a line of `base` stands now: the line of the same number if none was added or taken away, else the same line,
/// else the only one of the same item.
fn place_now(base: &Draft, theirs: &Draft, number: usize) -> Option<usize> {
    if base.lines.len() == theirs.lines.len() {
        return Some(number);
    }
    let line = base.lines.get(number)?;
    let mut same = theirs.lines.iter().enumerate().filter(|(_, other)| *other == line);
    let found = same.next().map(|(place, _)| place);
    if found.is_some() {
        return found.filter(|_| same.next().is_none());
    }
    let item = |line: &Line| {
        ["sku", "customer_sku", "description"].iter().find_map(|name| Some(shown(&line.get(*name)?.value)))
    };
    let wanted = item(line)?;
    let mut like = theirs.lines.iter().enumerate().filter(|(_, other)| item(other).as_ref() == Some(&wanted));
    let found = like.next().map(|(place, _)| place);
    found.filter(|_| like.next().is_none())
}

type Values = BTreeMap<String, Proposal>;

/// Values that differ from `base` in `mine`, and from `mine` in `theirs`.
fn compare(
    base: &Values,
    mine: &Values,
    theirs: Option<&Values>,
    prefix: &str,
    label: &dyn Fn(&str) -> String,
) -> Vec<Difference> {
    let value = |values: &Values, name: &str| {
        values.get(name).map_or_else(String::new, |p| written(name, &shown(&p.value)))
    };
    let mut names: Vec<&String> = base.keys().chain(mine.keys()).collect();
    names.sort_unstable();
    names.dedup();
    let one = |name: &String| {
        let (old, new) = (value(base, name), value(mine, name));
        let now = theirs.map(|theirs| value(theirs, name));
        (old != new && now.as_ref() != Some(&new)).then(|| Difference {
            label: label(name),
            both: now.as_ref() != Some(&old),
            theirs: now.clone().unwrap_or_default(),
            input: now.map(|_| format!("{prefix}{name}")),
            value: new.clone(),
            mine: new,
        })
    };
    names.into_iter().filter_map(one).collect()
}

/// A line in a few words.
fn in_words(line: &Line) -> String {
    let value = |name: &str| Some(written(name, &shown(&line.get(name)?.value)));
    let words = ["sku", "description", "quantity", "unit", "amount"].iter().filter_map(|name| value(name));
    words.collect::<Vec<_>>().join(" · ")
}

#[cfg(test)]
mod tests {
    use super::{super::apply, *};
    use crate::model::draft::{Content, Kind, Source};

    fn draft(fields: &[(&str, &str)], lines: &[&[(&str, &str)]]) -> Draft {
        let typed = |value: &str| Proposal {
            value: Content::Text(value.to_owned()),
            confidence: 1.0,
            source: Source::Person("ann".to_owned()),
            printed: None,
        };
        let values =
            |pairs: &[(&str, &str)]| pairs.iter().map(|(k, v)| ((*k).to_owned(), typed(v))).collect();
        Draft {
            kind: Kind::PurchaseOrder,
            kind_confidence: 1.0,
            language: "en".to_owned(),
            page_range: [1, 1],
            fields: values(fields),
            lines: lines.iter().map(|line| values(line)).collect(),
            findings: Vec::new(),
            standard: None,
            precedents: Vec::new(),
        }
    }

    #[test]
    fn only_what_the_second_changed_is_told() {
        let lines: [&[(&str, &str)]; 3] =
            [&[("sku", "A"), ("quantity", "1")], &[("sku", "B"), ("quantity", "2")], &[("sku", "C")]];
        let base = draft(&[("po_number", "1"), ("currency", "EUR"), ("incoterms", "DAP")], &lines);
        let theirs = draft(
            &[("po_number", "7"), ("currency", "SEK"), ("incoterms", "DAP")],
            &[&[("sku", "A"), ("quantity", "9")], &[("sku", "C")]],
        );
        let posted = [
            ("f.po_number", "1"),
            ("f.currency", "USD"),
            ("f.incoterms", "EXW"),
            ("l.0.quantity", "5"),
            ("l.1.quantity", "6"),
            ("l.2.-", "gone"),
            ("l.3.sku", "D"),
        ];
        let posted: Vec<_> = posted.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect();
        let found = differences(&base, &apply(&base, &posted, "bob"), &theirs);
        let told: Vec<_> = found
            .iter()
            .map(|d| (d.input.as_deref().unwrap_or("none"), d.theirs.as_str(), d.mine.as_str(), d.both))
            .collect();
        assert_eq!(
            told,
            [
                ("f.currency", "SEK", "USD", true),
                ("f.incoterms", "DAP", "EXW", false),
                ("l.0.quantity", "9", "5", true),
                ("none", "", "6", true),
                ("l.1.-", "C", "", false),
                ("l.2.sku", "", "D", false),
            ]
        );
    }
}
