//! Makes a lesson of a confirmed draft, and keeps of it only what reads the draft's own pages rightly.

use super::{
    Lesson, anchor,
    grid::{self, Grid},
    registration::{self, Registration},
    words_in,
};
use crate::{
    extract::{
        Context,
        date::Order,
        draft::Reading,
        layout::{Layout, Word},
        number::Style,
        same::same,
        table::Table,
    },
    model::{
        draft::{Draft, Line, Proposal, Source},
        page::{Page, Rect},
    },
};
use std::collections::{BTreeMap, BTreeSet};

/// By how much lines must be read better with the columns of a lesson for them to be kept.
const BETTER: f32 = 0.05;

/// What a confirmed draft teaches about the pages that it was read from; none if they hold too few words of a layout.
pub fn learn(pages: &[Page], confirmed: &Draft, context: &Context<'_>) -> Option<Lesson> {
    let blind = Context { lessons: &[], ..*context };
    let part: Vec<Page> = pages
        .iter()
        .filter(|p| (confirmed.page_range[0]..=confirmed.page_range[1]).contains(&p.number))
        .cloned()
        .collect();
    let layout = crate::extract::lay_out_document(&part);
    let mut reading =
        crate::extract::reading(&layout, crate::extract::kind::find_language(&layout), context.known);
    reading.kind = confirmed.kind;
    let order = order_of(&layout, confirmed);
    let style = style_of(&layout, confirmed);
    reading.order = order.unwrap_or(reading.order);
    reading.style = style.unwrap_or(reading.style);

    let mut places: BTreeMap<String, Vec<Word>> = BTreeMap::new();
    for (name, proposal) in &confirmed.fields {
        if let Some(words) = locate(&layout, name, proposal, &reading) {
            places.insert(name.clone(), words);
        }
    }
    let cells = grid::locate(&layout, confirmed, &reading);
    let values: Vec<(u32, Rect)> = places
        .values()
        .flatten()
        .chain(cells.iter().flat_map(BTreeMap::values).flatten())
        .map(|w| (w.page, w.rect))
        .collect();
    let fixed = registration::fixed_words(&layout, &values);
    if fixed.len() < registration::FIXED_MIN {
        return None;
    }
    let mut lesson = Lesson {
        id: String::new(),
        kind: confirmed.kind,
        language: confirmed.language.clone(),
        fixed,
        style,
        order,
        anchors: BTreeMap::new(),
        misread: BTreeSet::new(),
        grid: None,
    };
    let itself = Registration::identity();
    let draft = crate::extract::weigh_document(&part, &blind).draft;
    for (name, words) in &places {
        let Some(wanted) = confirmed.fields.get(name) else { continue };
        let anchor = anchor::candidates(&layout, words, &values).into_iter().find(|anchor| {
            let found = anchor.read(name, &layout, &itself, &reading, &lesson.fixed);
            found.is_some_and(|found| same(name, &wanted.value, &found.value))
        });
        if let Some(anchor) = anchor {
            lesson.anchors.insert(name.clone(), anchor);
        }
    }
    let of_kind = draft.kind == confirmed.kind;
    for (name, found) in draft.fields.iter().filter(|_| of_kind) {
        if !confirmed.fields.get(name).is_some_and(|wanted| same(name, &wanted.value, &found.value)) {
            lesson.misread.insert(name.clone());
        }
    }
    lesson.grid = Grid::learn(&layout, &cells).filter(|grid| {
        let mut table = Table::default();
        grid.read(&layout, &itself, &reading, &mut table);
        let with = score(&table.lines, confirmed);
        let without = if of_kind { score(&draft.lines, confirmed) } else { 0.0 };
        with > without + BETTER
    });
    Some(lesson)
}

/// Share of the cells of both that are right, twice over: the F1 of the lines.
fn score(lines: &[Line], confirmed: &Draft) -> f32 {
    let hits: usize = lines
        .iter()
        .zip(&confirmed.lines)
        .map(|(line, wanted)| {
            line.iter()
                .filter(|(name, cell)| wanted.get(*name).is_some_and(|w| same(name, &w.value, &cell.value)))
                .count()
        })
        .sum();
    let cells: usize = lines.iter().chain(&confirmed.lines).map(BTreeMap::len).sum();
    if cells == 0 { 0.0 } else { 2.0 * hits as f32 / cells as f32 }
}

/// The words of a value: those in its box, or those that say it.
fn locate(layout: &Layout, name: &str, proposal: &Proposal, reading: &Reading) -> Option<Vec<Word>> {
    let words = match &proposal.source {
        Source::Page { page, bbox } => words_in(layout, *page, bbox),
        Source::Rule(_) | Source::Person(_) => anchor::find_value(layout, name, proposal, reading)?,
    };
    (!words.is_empty()).then_some(words)
}

/// The order of day and month by which the printed dates say what was confirmed.
fn order_of(layout: &Layout, confirmed: &Draft) -> Option<Order> {
    let says = |order: Order| {
        dates(layout, confirmed)
            .filter(|(text, iso)| {
                crate::extract::date::parse_date(text, order).is_some_and(|d| d.iso == *iso)
            })
            .count()
    };
    let (day, month) = (says(Order::DayFirst), says(Order::MonthFirst));
    match day.cmp(&month) {
        std::cmp::Ordering::Greater => Some(Order::DayFirst),
        std::cmp::Ordering::Less => Some(Order::MonthFirst),
        std::cmp::Ordering::Equal => None,
    }
}

fn dates<'a>(layout: &'a Layout, confirmed: &'a Draft) -> impl Iterator<Item = (String, String)> + 'a {
    on_page(confirmed).filter(|(name, ..)| name.ends_with("date") || *name == "response_due").map(
        |(_, value, page, bbox)| {
            (crate::extract::layout::join(&words_in(layout, page, bbox)), value.to_owned())
        },
    )
}

/// The decimal mark by which the printed numbers say what was confirmed.
fn style_of(layout: &Layout, confirmed: &Draft) -> Option<Style> {
    let says = |style: Style| {
        on_page(confirmed)
            .filter(|(name, ..)| matches!(*name, "unit_price" | "amount" | "total" | "subtotal"))
            .filter(|(_, value, page, bbox)| {
                let text = crate::extract::layout::join(&words_in(layout, *page, bbox));
                let read = crate::extract::number::parse_number(
                    crate::extract::number::split_currency(&text).0,
                    style,
                );
                read.is_some_and(|n| value.parse().is_ok_and(|v: rust_decimal::Decimal| v == n))
            })
            .count()
    };
    let (dot, comma) = (says(Style::Dot), says(Style::Comma));
    match dot.cmp(&comma) {
        std::cmp::Ordering::Greater => Some(Style::Dot),
        std::cmp::Ordering::Less => Some(Style::Comma),
        std::cmp::Ordering::Equal => None,
    }
}

/// Values with their names and places on pages.
fn on_page(draft: &Draft) -> impl Iterator<Item = (&str, &str, u32, &Rect)> {
    let cells = draft.lines.iter().flatten();
    draft.fields.iter().chain(cells).filter_map(|(name, proposal)| match &proposal.source {
        Source::Page { page, bbox } => Some((name.as_str(), proposal.value.as_text()?, *page, bbox)),
        Source::Rule(_) | Source::Person(_) => None,
    })
}
