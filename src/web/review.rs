//! A draft as a form, and a form back into a draft: the pure half of the review page.
//!
//! [`sheet`] says for each value how sure it is, where it came from and whether a person should look; [`apply()`] puts
//! what a person typed over what stood there and leaves everything else with its proof. Inputs are named
//! `f.<field>` and `l.<line>.<column>`; lines count from 0. `p.` before such a name says where on a page the value
//! stands, if a person drew a box around it.
//!
//! Does not: check values (that is [`crate::validate`]), nor decide anything.

mod apply;
mod choose;
mod conflict;
mod page;
mod schema;
mod teach;

pub use apply::{Applied, LINES_MAX, apply};
pub use choose::{CHOICES_MAX, Choice, choices};
pub use conflict::{Difference, differences};
pub use page::{Drawn, Placed, Shown, WORDS_DRAWN_MAX, show_page};
pub use teach::{Taught, WORDS_IN_BOX_MAX, corners_of, teach};

use super::{locale, text, views};
use crate::model::{
    draft::{Content, Draft, Line, Proposal, Source},
    field::Form,
    finding::{Finding, Severity},
};
use rust_decimal::Decimal;
use schema::{COLUMN_ORDER, LONG, SUMS, column_names, field_names};
use serde::Serialize;
use std::collections::BTreeSet;

/// Values below this confidence ask for a look.
pub const LOOK_BELOW: f32 = 0.9;
/// Values below this confidence are unsure.
pub const UNSURE_BELOW: f32 = 0.6;

/// How a value stands: the name of a style, an icon and a word.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Level {
    /// At or above [`LOOK_BELOW`].
    Sure,
    /// Below it.
    Check,
    /// Below [`UNSURE_BELOW`].
    Low,
    /// A person typed it.
    Typed,
    /// Not there, but it must be.
    Missing,
    /// Not there.
    Empty,
}

/// The level of a confidence.
pub fn level(confidence: f32) -> Level {
    if confidence < UNSURE_BELOW {
        Level::Low
    } else if confidence < LOOK_BELOW {
        Level::Check
    } else {
        Level::Sure
    }
}

/// One input.
#[derive(Clone, Debug, Serialize)]
#[expect(clippy::struct_excessive_bools, reason = "each is one fact for the template")]
pub struct Input {
    /// Field or column.
    pub name: String,
    /// Its label.
    pub label: String,
    /// What stands in it.
    pub value: String,
    /// How it stands.
    pub level: Level,
    /// Probability that it is right.
    pub confidence: f32,
    /// Its turn among those that ask for a look.
    pub attention: Option<usize>,
    /// Findings about it.
    pub notes: Vec<Finding>,
    /// Has a box on a page.
    pub place: bool,
    /// Wants a whole row.
    pub long: bool,
    /// Yes or no.
    pub flag: bool,
    /// Cannot be edited as text.
    pub locked: bool,
    /// Where it came from, in words.
    pub origin: String,
    /// All that is known about it, in one line: for cells.
    pub title: String,
}

/// One line of the grid.
#[derive(Clone, Debug, Serialize)]
pub struct Row {
    /// From 0.
    pub number: usize,
    /// One for each column.
    pub cells: Vec<Input>,
    /// Findings about the line or its cells.
    pub notes: Vec<Finding>,
    /// Waits to be filled.
    pub spare: bool,
}

/// A column of the grid.
#[derive(Clone, Debug, Serialize)]
pub struct Column {
    /// Name.
    pub name: String,
    /// Label.
    pub label: String,
}

/// The whole form.
#[derive(Clone, Debug, Serialize)]
pub struct Sheet {
    /// Fields that are there or should be.
    pub fields: Vec<Input>,
    /// Further fields of the kind, empty.
    pub spare: Vec<Input>,
    /// Columns of the grid; none if the kind has no lines.
    pub columns: Vec<Column>,
    /// Lines.
    pub lines: Vec<Row>,
    /// Findings about the whole.
    pub findings: Vec<Finding>,
    /// Sum of the lines' amounts, if all are numbers.
    pub sum: Option<String>,
}

/// Makes the form of a draft, with `spare_lines` empty lines at the end.
pub fn sheet(draft: &Draft, spare_lines: usize) -> Sheet {
    let [required, shown, possible] = field_names(draft.kind);
    let mut names: Vec<&str> = [required, shown].concat();
    let known = possible.iter().copied().filter(|name| draft.fields.contains_key(*name));
    names.extend(known);
    let others: Vec<&str> =
        draft.fields.keys().map(String::as_str).filter(|name| !names.contains(name)).collect();
    names.extend(others);
    let about = |path: &str| -> Vec<Finding> {
        draft.findings.iter().filter(|f| f.field.as_deref() == Some(path)).cloned().collect()
    };
    let one = |name: &str| {
        let missing = required.contains(&name);
        input(name, draft.fields.get(name), missing, about(name))
    };
    let mut fields: Vec<Input> = names.iter().map(|name| one(name)).collect();
    let rest = possible.iter().filter(|name| !names.contains(name));
    let (noted, spare): (Vec<Input>, Vec<Input>) =
        rest.map(|name| one(name)).partition(|input| !input.notes.is_empty());
    fields.extend(noted);
    // short ones first: long ones take a row each
    fields.sort_by_key(|field| field.long);
    let columns = columns(draft);
    let mut lines = rows(draft, &columns);
    let blank = Line::new();
    for extra in 0..if columns.is_empty() { 0 } else { spare_lines } {
        let cells = columns.iter().map(|c| input(&c.name, blank.get(&c.name), false, Vec::new())).collect();
        lines.push(Row { number: draft.lines.len() + extra, cells, notes: Vec::new(), spare: true });
    }
    let shown: BTreeSet<String> = fields.iter().map(|f| f.name.clone()).collect();
    let findings = draft
        .findings
        .iter()
        .filter(|f| match &f.field {
            None => true,
            Some(path) => !shown.contains(path) && line_of(path).is_none_or(|n| n >= draft.lines.len()),
        })
        .cloned()
        .collect();
    rank(&mut fields, &mut lines);
    Sheet { fields, spare, columns, lines, findings, sum: sum(draft) }
}

fn columns(draft: &Draft) -> Vec<Column> {
    let mut names: BTreeSet<&str> = column_names(draft.kind).iter().copied().collect();
    names.extend(draft.lines.iter().flat_map(|line| line.keys().map(String::as_str)));
    let place = |name: &str| COLUMN_ORDER.iter().position(|n| *n == name).unwrap_or(usize::MAX);
    let mut names: Vec<&str> = names.into_iter().collect();
    names.sort_by_key(|name| (place(name), *name));
    names.into_iter().map(|name| Column { name: name.to_owned(), label: text::label(name) }).collect()
}

fn rows(draft: &Draft, columns: &[Column]) -> Vec<Row> {
    let row = |(number, line): (usize, &Line)| {
        let notes: Vec<Finding> = draft
            .findings
            .iter()
            .filter(|f| f.field.as_deref().and_then(line_of) == Some(number))
            .cloned()
            .collect();
        let cells = columns
            .iter()
            .map(|c| {
                let path = format!("lines.{number}.{}", c.name);
                let mine = notes.iter().filter(|f| f.field.as_deref() == Some(path.as_str())).cloned();
                input(&c.name, line.get(&c.name), false, mine.collect())
            })
            .collect();
        Row { number, cells, notes, spare: false }
    };
    draft.lines.iter().enumerate().map(row).collect()
}

/// The line that a path such as `lines.3.sku` is in.
fn line_of(path: &str) -> Option<usize> {
    path.strip_prefix("lines.")?.split('.').next()?.parse().ok()
}

fn input(name: &str, proposal: Option<&Proposal>, required: bool, notes: Vec<Finding>) -> Input {
    let standing = match proposal {
        None if required => Level::Missing,
        None => Level::Empty,
        Some(Proposal { source: Source::Person(_), .. }) => Level::Typed,
        Some(proposal) => level(proposal.confidence),
    };
    let confidence = proposal.map_or(0.0, |p| p.confidence);
    let telling = |p: &&Proposal| p.printed.is_some() || !matches!(p.source, Source::Page { page: 1, .. });
    let title_origin = proposal.map_or_else(String::new, origin);
    let origin = proposal.filter(telling).map_or_else(String::new, origin);
    let sure = match standing {
        Level::Sure | Level::Check | Level::Low => {
            let word = serde_json::to_value(standing).ok();
            let word = word.as_ref().and_then(|w| w.as_str()).unwrap_or_default();
            format!("{} {} %", text::choice("sure", word), views::percent(f64::from(confidence)))
        }
        _ => String::new(),
    };
    let title = [sure, title_origin].into_iter().filter(|s| !s.is_empty()).collect::<Vec<_>>().join(", ");
    Input {
        name: name.to_owned(),
        label: text::label(name),
        value: proposal.map_or_else(String::new, |p| written(name, &shown(&p.value))),
        level: standing,
        confidence,
        attention: None,
        notes,
        place: matches!(proposal.map(|p| &p.source), Some(Source::Page { .. })),
        long: LONG.contains(&name),
        flag: Form::of(name) == Form::Flag,
        locked: matches!(proposal.map(|p| &p.value), Some(Content::References(_))),
        origin,
        title,
    }
}

fn origin(proposal: &Proposal) -> String {
    let from = match &proposal.source {
        Source::Page { page, .. } => text::filled("draft.from_page", &[("page", page.to_string())]),
        Source::Rule(rule) => text::filled("draft.from_rule", &[("rule", rule.clone())]),
        Source::Person(who) => text::filled("draft.from_person", &[("who", who.clone())]),
    };
    match &proposal.printed {
        Some(printed) => {
            format!("{from}, {}", text::filled("draft.printed", &[("printed", printed.clone())]))
        }
        None => from,
    }
}

/// A value as it stands in an input.
pub fn shown(content: &Content) -> String {
    match content {
        Content::Text(text) => text.clone(),
        Content::Flag(flag) => flag.to_string(),
        Content::References(list) => list
            .iter()
            .map(|r| {
                [&r.name, &r.phone, &r.email].into_iter().flatten().cloned().collect::<Vec<_>>().join(" ")
            })
            .collect::<Vec<_>>()
            .join("; "),
    }
}

/// A value as its reader writes it, where it is not to be edited.
pub fn printed(name: &str, value: &str) -> String {
    if Form::of(name) == Form::Day { locale::iso_day(value) } else { written(name, value) }
}

/// A value as its reader writes it in an input: numbers and days in his form, sums of money with cents.
pub fn written(name: &str, value: &str) -> String {
    match (Form::of(name), value.parse::<Decimal>()) {
        (Form::Day, _) => locale::typed_day(value),
        (Form::Number, Ok(mut number)) if SUMS.contains(&name) && number.scale() < 2 => {
            number.rescale(2);
            locale::number(&number.to_string())
        }
        (Form::Number, Ok(_)) => locale::number(value),
        _ => value.to_owned(),
    }
}

/// Numbers what asks for a look: problems, missing and unsure values first, then those to check.
fn rank(fields: &mut [Input], lines: &mut [Row]) {
    let cells = lines.iter_mut().flat_map(|row| row.cells.iter_mut());
    let mut asking: Vec<(u8, usize, &mut Input)> = fields
        .iter_mut()
        .chain(cells)
        .enumerate()
        .filter_map(|(place, input)| urgency(input).map(|urgency| (urgency, place, input)))
        .collect();
    asking.sort_by_key(|(urgency, place, _)| (*urgency, *place));
    for (turn, (_, _, input)) in asking.into_iter().enumerate() {
        input.attention = Some(turn);
    }
}

fn urgency(input: &Input) -> Option<u8> {
    let worst = input.notes.iter().map(|f| f.severity).max();
    match (input.level, worst) {
        (Level::Missing | Level::Low, _) | (_, Some(Severity::Problem)) => Some(0),
        (Level::Check, _) | (_, Some(Severity::Check)) => Some(1),
        _ => None,
    }
}

fn sum(draft: &Draft) -> Option<String> {
    let amounts: Vec<Decimal> = draft
        .lines
        .iter()
        .filter_map(|line| line.get("amount").and_then(|p| p.value.as_text()))
        .map(|amount| amount.parse().ok())
        .collect::<Option<_>>()?;
    if amounts.is_empty() {
        return None;
    }
    let mut sum = amounts.into_iter().try_fold(Decimal::ZERO, Decimal::checked_add)?;
    sum = sum.normalize();
    if sum.scale() < 2 {
        sum.rescale(2);
    }
    Some(sum.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{
        draft::Kind,
        page::{How, Page, Rect},
    };

    fn proposal(value: &str, confidence: f32) -> Proposal {
        let bbox = Rect { x0: 0.1, y0: 0.1, x1: 0.2, y1: 0.12 };
        let source = Source::Page { page: 1, bbox };
        Proposal { value: Content::Text(value.into()), confidence, source, printed: None }
    }

    fn draft() -> Draft {
        Draft {
            kind: Kind::PurchaseOrder,
            kind_confidence: 0.98,
            language: "en".into(),
            standard: None,
            page_range: [1, 1],
            fields: [
                ("po_number".to_owned(), proposal("4711", 0.95)),
                ("total".to_owned(), proposal("30", 0.7)),
                ("currency".to_owned(), proposal("EUR", 0.3)),
            ]
            .into(),
            lines: vec![
                [("sku".to_owned(), proposal("A-1", 0.99)), ("amount".to_owned(), proposal("10", 0.99))]
                    .into(),
                [("sku".to_owned(), proposal("A-2", 0.99)), ("amount".to_owned(), proposal("20.5", 0.5))]
                    .into(),
            ],
            findings: vec![
                Finding::new("unknown_sku", Severity::Problem, "No such item.").about("lines.0.sku"),
                Finding::new("unknown_customer", Severity::Check, "Not on file."),
            ],
            precedents: Vec::new(),
        }
    }

    fn posted(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
        pairs.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect()
    }

    #[test]
    fn the_least_sure_values_come_first() {
        let sheet = sheet(&draft(), 0);
        let mut turns: Vec<(usize, &str)> = sheet
            .fields
            .iter()
            .chain(sheet.lines.iter().flat_map(|l| &l.cells))
            .filter_map(|i| i.attention.map(|turn| (turn, i.name.as_str())))
            .collect();
        turns.sort_unstable();
        let names: Vec<&str> = turns.iter().map(|(_, name)| *name).collect();
        assert_eq!(names, ["buyer_name", "currency", "sku", "amount", "total"]);
        assert_eq!(sheet.sum.as_deref(), Some("30.50"));
        assert_eq!(sheet.findings.len(), 1);
        assert_eq!(sheet.lines[0].notes.len(), 1);
    }

    #[test]
    fn untouched_values_keep_their_proof() {
        let posted = posted(&[("f.po_number", " 4711 "), ("l.0.sku", "A-1"), ("order", "0,1")]);
        let Applied { content, changed, places } = apply(&draft(), &posted, "ann");
        assert_eq!(content, draft());
        assert!(changed.is_empty());
        assert_eq!(places, [Some(0), Some(1)]);
    }

    #[test]
    fn typed_values_say_who_typed_them() {
        let form =
            [("f.total", "1.234,50"), ("f.currency", ""), ("f.order_date", "2026-05-06"), ("f.Bad", "x")];
        let Applied { content: new, changed, .. } = apply(&draft(), &posted(&form), "ann");
        assert_eq!(changed, ["total", "currency", "order_date"]);
        assert_eq!(new.text("total"), Some("1234.50"));
        assert_eq!(new.fields["total"].source, Source::Person("ann".into()));
        assert!(!new.fields.contains_key("currency"));
        assert_eq!(new.fields.len(), 3);
    }

    #[test]
    fn taught_values_keep_their_place() {
        let form = [
            ("f.total", "40"),
            ("p.f.total", "1 0.5 0.5 0.6 0.6"),
            ("f.po_number", "4711"),
            ("l.1.sku", "A-2"),
        ];
        let again = [("p.f.po_number", "1 0.3 0.3 0.4 0.4"), ("p.l.1.sku", "9 0 0 1 1")];
        let Applied { content: new, changed, .. } =
            apply(&draft(), &posted(&[&form[..], &again].concat()), "ann");
        assert_eq!(changed, ["total", "po_number"]);
        let bbox = Rect { x0: 0.5, y0: 0.5, x1: 0.6, y1: 0.6 };
        assert_eq!(new.fields["total"].source, Source::Page { page: 1, bbox });
        assert!(new.fields["total"].confidence > 0.99);
        assert_eq!(new.lines[1], draft().lines[1], "a place on no page of the draft counts nothing");
    }

    #[test]
    fn lines_are_added_and_removed() {
        let form = [
            ("l.0.-", "gone"),
            ("l.1.sku", "A-2"),
            ("l.2.sku", "A-3"),
            ("l.2.quantity", "4"),
            ("l.3.sku", ""),
            ("l.4.sku", "x"),
            ("l.4.-", "gone"),
            ("l.99999999.sku", "x"),
        ];
        let Applied { content: new, changed, .. } = apply(&draft(), &posted(&form), "ann");
        let skus: Vec<_> = new.lines.iter().map(|l| shown(&l["sku"].value)).collect();
        assert_eq!(skus, ["A-2", "A-3"]);
        assert_eq!(changed, ["lines.0", "lines.2"]);
    }

    #[test]
    fn lines_stand_in_the_order_of_the_page() {
        let form = [("order", "2,1,0"), ("l.2.sku", "A-3"), ("l.3.sku", "A-4")];
        let edited = apply(&draft(), &posted(&form), "ann");
        let skus: Vec<_> = edited.content.lines.iter().map(|l| shown(&l["sku"].value)).collect();
        assert_eq!(skus, ["A-3", "A-2", "A-1", "A-4"]);
        assert_eq!(edited.places, [Some(2), Some(1)]);
        assert_eq!(edited.changed, ["lines.2", "lines.3", "lines"]);
        let emptied = apply(&draft(), &posted(&[("l.0.sku", ""), ("l.0.amount", " ")]), "ann");
        assert_eq!((emptied.content.lines.len(), emptied.places), (1, vec![None, Some(0)]));
    }

    #[test]
    fn days_and_codes_are_kept_as_records_want_them() {
        let form = [("f.order_date", "7 September 2026"), ("f.currency", "sek"), ("l.0.quantity", "abc")];
        let new = apply(&draft(), &posted(&form), "ann").content;
        assert_eq!((new.text("order_date"), new.text("currency")), (Some("2026-09-07"), Some("SEK")));
        assert_eq!(shown(&new.lines[0]["quantity"].value), "abc", "for a check to tell");
    }

    #[test]
    fn boxes_lie_on_their_page() {
        let page = Page::empty(1, 600.0, 800.0, How::TextLayer);
        let shown = show_page(&page, &draft(), Some("/x.png".into()));
        assert_eq!(shown.boxes.len(), 7);
        assert!((shown.boxes[0].x - 58.5).abs() < 0.01, "{:?}", shown.boxes[0]);
        assert!(show_page(&Page { number: 2, ..page }, &draft(), None).boxes.is_empty());
    }
}
