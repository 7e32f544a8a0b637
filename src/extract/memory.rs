//! Layouts that were seen before: what a person confirmed of one document helps to read the next of its kind.
//!
//! A [`Lesson`] is a confirmed document reduced to where things stand: words that belong to the layout, the words
//! beside each value, the columns of its lines. [`learn`] makes one and keeps only what reads the document itself
//! rightly and better than reading without it; [`recall`] finds the lesson of a layout by its words and lays the two
//! pages on each other, though one be scanned askew; [`Recalled`] reads with it. One lesson is enough.
//!
//! Does not: keep values (but for the words of the layout), or decide which lessons are given to it.

mod anchor;
mod grid;
mod registration;

use super::{
    Context,
    date::Order,
    draft::Reading,
    layout::{Layout, Word},
    number::Style,
    table::Table,
};
use crate::model::{
    draft::{Draft, Kind, Line, Precedent, Proposal, Source},
    page::{Page, Rect},
};
use anchor::Anchor;
use grid::Grid;
pub use registration::Fixed;
use registration::Registration;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

/// Lessons that one document is compared with at most.
pub const LESSONS_MAX: usize = 2_000;
/// A document must share this much of a lesson's words, in their places, to be of its layout.
const ALIKE: f32 = 0.48;
/// By how much lines must be read better with the columns of a lesson for them to be kept.
const BETTER: f32 = 0.05;
/// How sure a value is that only the lesson finds.
const FOUND: f32 = 0.86;
/// How sure a value is that is found with the lesson and without it.
const AGREED: f32 = 0.97;
/// Lessons of one layout that are used together.
const TOGETHER_MAX: usize = 3;
/// How sure the kind is of a document whose layout was confirmed before.
const KIND_SURE: f32 = 0.97;

/// What one confirmed document teaches about its layout.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Lesson {
    /// Its name: what keeps lessons gives them theirs.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub id: String,
    /// What it was.
    pub kind: Kind,
    /// ISO 639-1 code of its language.
    pub language: String,
    /// Words of the first page that are no values.
    pub fixed: Vec<Fixed>,
    /// Decimal mark, where the numbers told it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    style: Option<Style>,
    /// Day or month first, where the dates told it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    order: Option<Order>,
    /// Where the values of header fields stand.
    #[serde(default)]
    anchors: BTreeMap<String, Anchor>,
    /// Fields that reading without the lesson gets wrong: it finds them where nothing is, or finds another value.
    #[serde(default)]
    misread: BTreeSet<String>,
    /// The columns of its lines, where reading without them does less well.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    grid: Option<Grid>,
}

impl Lesson {
    /// The fields whose places it knows.
    pub fn fields(&self) -> impl Iterator<Item = &str> {
        self.anchors.keys().map(String::as_str)
    }

    /// Whether it knows the columns of the lines.
    pub fn has_columns(&self) -> bool {
        self.grid.is_some()
    }
}

/// The words of a value on its page.
#[derive(Clone, Debug)]
pub(super) struct Located {
    words: Vec<Word>,
}

/// What a confirmed draft teaches about the pages that it was read from; none if they hold too few words of a layout.
pub fn learn(pages: &[Page], confirmed: &Draft, context: &Context<'_>) -> Option<Lesson> {
    let blind = Context { lessons: &[], ..*context };
    let part: Vec<Page> = pages
        .iter()
        .filter(|p| (confirmed.page_range[0]..=confirmed.page_range[1]).contains(&p.number))
        .cloned()
        .collect();
    let layout = super::lay_out_document(&part);
    let mut reading = super::reading(&layout, super::kind::find_language(&layout), context.known);
    reading.kind = confirmed.kind;
    let order = order_of(&layout, confirmed);
    let style = style_of(&layout, confirmed);
    reading.order = order.unwrap_or(reading.order);
    reading.style = style.unwrap_or(reading.style);

    let mut places: BTreeMap<String, Located> = BTreeMap::new();
    for (name, proposal) in &confirmed.fields {
        if let Some(located) = locate(&layout, name, proposal, &reading) {
            places.insert(name.clone(), located);
        }
    }
    let cells = grid::locate(&layout, confirmed, &reading);
    let values: Vec<(u32, Rect)> = places
        .values()
        .flat_map(|l| &l.words)
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
    let draft = super::weigh_document(&part, &blind).draft;
    for (name, located) in &places {
        let Some(wanted) = confirmed.fields.get(name) else { continue };
        let anchor = anchor::candidates(&layout, &located.words, &values).into_iter().find(|anchor| {
            let found = anchor.read(name, &layout, &itself, &reading, &lesson.fixed);
            found.is_some_and(|found| same(name, wanted, &found))
        });
        if let Some(anchor) = anchor {
            lesson.anchors.insert(name.clone(), anchor);
        }
    }
    let of_kind = draft.kind == confirmed.kind;
    for (name, found) in draft.fields.iter().filter(|_| of_kind) {
        if !confirmed.fields.get(name).is_some_and(|wanted| same(name, wanted, found)) {
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

/// Whether two proposals say the same.
fn same(name: &str, wanted: &Proposal, found: &Proposal) -> bool {
    super::training::truth::same(name, &wanted.value, &found.value)
}

/// Share of the cells of both that are right, twice over: the F1 of the lines.
fn score(lines: &[Line], confirmed: &Draft) -> f32 {
    let hits: usize = lines
        .iter()
        .zip(&confirmed.lines)
        .map(|(line, wanted)| {
            line.iter().filter(|(name, cell)| wanted.get(*name).is_some_and(|w| same(name, w, cell))).count()
        })
        .sum();
    let cells: usize = lines.iter().chain(&confirmed.lines).map(BTreeMap::len).sum();
    if cells == 0 { 0.0 } else { 2.0 * hits as f32 / cells as f32 }
}

/// The words of a value: those in its box, or those that say it.
fn locate(layout: &Layout, name: &str, proposal: &Proposal, reading: &Reading) -> Option<Located> {
    let words = match &proposal.source {
        Source::Page { page, bbox } => words_in(layout, *page, bbox),
        Source::Rule(_) | Source::Person(_) => anchor::find_value(layout, name, proposal, reading)?,
    };
    (!words.is_empty()).then_some(Located { words })
}

/// Words whose middle lies in a box.
pub(super) fn words_in(layout: &Layout, page: u32, bbox: &Rect) -> Vec<Word> {
    let inside = |w: &&Word| {
        let (x, y) = (f32::midpoint(w.rect.x0, w.rect.x1), f32::midpoint(w.rect.y0, w.rect.y1));
        w.page == page && x >= bbox.x0 && x <= bbox.x1 && y >= bbox.y0 && y <= bbox.y1
    };
    layout.rows.iter().flat_map(|r| &r.segments).flat_map(|s| &s.words).filter(inside).cloned().collect()
}

/// The order of day and month by which the printed dates say what was confirmed.
fn order_of(layout: &Layout, confirmed: &Draft) -> Option<Order> {
    let says = |order: Order| {
        dates(layout, confirmed)
            .filter(|(text, iso)| super::date::parse_date(text, order).is_some_and(|d| d.iso == *iso))
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
    on_page(confirmed)
        .filter(|(name, ..)| name.ends_with("date") || *name == "response_due")
        .map(|(_, value, page, bbox)| (super::layout::join(&words_in(layout, page, bbox)), value.to_owned()))
}

/// The decimal mark by which the printed numbers say what was confirmed.
fn style_of(layout: &Layout, confirmed: &Draft) -> Option<Style> {
    let says = |style: Style| {
        on_page(confirmed)
            .filter(|(name, ..)| matches!(*name, "unit_price" | "amount" | "total" | "subtotal"))
            .filter(|(_, value, page, bbox)| {
                let text = super::layout::join(&words_in(layout, *page, bbox));
                let read = super::number::parse_number(super::number::split_currency(&text).0, style);
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

/// What speaks for lines: every cell, and twice over the arithmetic of every line.
fn evidence(table: &Table) -> i32 {
    let one = |line: &Line| {
        let cells = i32::try_from(line.len()).unwrap_or(i32::MAX);
        let sums = super::draft::arithmetic(line).map_or(0, |fits| if fits { 2 } else { -2 });
        cells.saturating_add(sums)
    };
    table.lines.iter().map(one).fold(0, i32::saturating_add)
}

/// Lessons whose layout a document has, and how the pages lie on each other.
#[derive(Debug)]
pub struct Recalled<'a> {
    /// The best first, never none.
    best: (&'a Lesson, Registration),
    others: Vec<(&'a Lesson, Registration)>,
}

/// The lessons whose layout these pages have; none if there is none.
pub fn recall<'a>(lessons: &[&'a Lesson], layout: &Layout) -> Option<Recalled<'a>> {
    if lessons.is_empty() {
        return None;
    }
    let words = registration::index(layout);
    let mut alike: Vec<(&Lesson, Registration)> = lessons
        .iter()
        .take(LESSONS_MAX)
        .filter_map(|lesson| Some((*lesson, Registration::of(&lesson.fixed, &words, layout)?)))
        .filter(|(_, registration)| registration.alike >= ALIKE)
        .collect();
    alike.sort_by(|a, b| b.1.alike.total_cmp(&a.1.alike));
    alike.truncate(TOGETHER_MAX);
    let mut alike = alike.into_iter();
    let best = alike.next()?;
    Some(Recalled { others: alike.filter(|(lesson, _)| lesson.kind == best.0.kind).collect(), best })
}

impl Recalled<'_> {
    fn all(&self) -> impl Iterator<Item = &(&Lesson, Registration)> {
        std::iter::once(&self.best).chain(&self.others)
    }

    /// How alike the best is: 0 to 1.
    pub fn alike(&self) -> f32 {
        self.best.1.alike
    }

    /// What the document is, and how sure that is.
    pub fn kind(&self) -> (Kind, f32) {
        (self.best.0.kind, KIND_SURE)
    }

    /// Decimal mark and order of dates, where a lesson knows them.
    pub fn teach(&self, reading: &mut Reading) {
        reading.kind = self.best.0.kind;
        reading.style = self.all().find_map(|(lesson, _)| lesson.style).unwrap_or(reading.style);
        reading.order = self.all().find_map(|(lesson, _)| lesson.order).unwrap_or(reading.order);
    }

    /// The lines by the columns of a lesson, where they tell more than those that were found without it.
    pub fn read_lines(&self, layout: &Layout, reading: &Reading, table: &mut Table) {
        for (lesson, registration) in self.all() {
            let Some(grid) = &lesson.grid else { continue };
            let mut learnt = Table::default();
            grid.read(layout, registration, reading, &mut learnt);
            if !learnt.lines.is_empty() && evidence(&learnt) >= evidence(table) {
                *table = learnt;
            }
        }
    }

    /// Puts what stands in the places of the lessons over what was found without them; answers how sure each is, and
    /// which lessons had it.
    pub fn read_fields(
        &self,
        layout: &Layout,
        reading: &Reading,
        fields: &mut BTreeMap<String, Proposal>,
    ) -> (BTreeMap<String, f32>, Vec<Precedent>) {
        let mut sure: BTreeMap<String, f32> = BTreeMap::new();
        let mut precedents = Vec::new();
        for (lesson, registration) in self.all() {
            let mut precedent = Precedent { lesson: lesson.id.clone(), fields: Vec::new() };
            for (name, anchor) in &lesson.anchors {
                if sure.contains_key(name) {
                    continue;
                }
                let Some(found) = anchor.read(name, layout, registration, reading, &lesson.fixed) else {
                    continue;
                };
                let misread = lesson.misread.contains(name);
                match fields.get(name) {
                    // the place is proved; letters out of pixels are as sure as before
                    Some(old) if same(name, old, &found) => {
                        sure.insert(name.clone(), if reading.trusted { AGREED } else { FOUND });
                    }
                    Some(old) if !misread && old.confidence > FOUND => continue,
                    _ => {
                        sure.insert(name.clone(), FOUND);
                        fields.insert(name.clone(), found);
                    }
                }
                precedent.fields.push(name.clone());
            }
            precedents.push(precedent);
        }
        (sure, precedents)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        extract::{extract, text_pages},
        model::{account::Known, draft::Content},
    };

    /// An order form of a house that words everything its own way.
    fn form(number: &str, wanted: &str, who: &str, goods: &[[&str; 4]]) -> String {
        let mut text = format!(
            "Northgate Fittings Works\n\nBestellung\n\n\
             Zeichen unserer Akte      {number}\n\
             Herzustellen bis          {wanted}\n\
             Sachbearbeitung Einkauf   {who}\n\n\
             Gegenstand       Bezeichnung des Teils         Anz.    Je        Summe\n"
        );
        for [code, name, count, price] in goods {
            let sum = count.parse::<f32>().unwrap() * price.replace(',', ".").parse::<f32>().unwrap();
            let sum = format!("{sum:.2}").replace('.', ",");
            text.push_str(&format!("{code:<17}{name:<30}{count:<8}{price:<10}{sum}\n"));
        }
        text.push_str("\nBitte liefern Sie frei Rampe an das Lager hinter dem Werkhof.\n");
        text
    }

    fn typed(value: &str) -> Proposal {
        Proposal {
            value: Content::Text(value.to_owned()),
            confidence: 1.0,
            source: Source::Person("ann".to_owned()),
            printed: None,
        }
    }

    fn confirmed(number: &str, wanted: &str, who: &str) -> Draft {
        Draft {
            kind: Kind::PurchaseOrder,
            kind_confidence: 1.0,
            language: "de".to_owned(),
            standard: None,
            page_range: [1, 1],
            fields: [("po_number", number), ("requested_date", wanted), ("buyer_contact", who)]
                .into_iter()
                .map(|(name, value)| (name.to_owned(), typed(value)))
                .collect(),
            lines: Vec::new(),
            findings: Vec::new(),
            precedents: Vec::new(),
        }
    }

    fn lesson() -> Lesson {
        let known = Known::default();
        let context = Context { known: &known, subject: None, sender_domain: None, lessons: &[] };
        let text = form("7781/26", "14.09.2026", "Ute Brandt", &[["K-1001", "Winkel", "4", "2,50"]]);
        let pages = text_pages(&text).pages;
        learn(&pages, &confirmed("7781/26", "2026-09-14", "Ute Brandt"), &context).unwrap()
    }

    #[test]
    fn one_confirmed_document_lifts_the_next_of_its_layout() {
        let (known, lesson) = (Known::default(), lesson());
        let text = form(
            "8020/26",
            "02.10.2026",
            "Kai Lorenz",
            &[["K-2040", "Muffe", "10", "1,20"], ["K-3300", "Bogen lang", "3", "7,00"]],
        );
        let context = Context { known: &known, subject: None, sender_domain: None, lessons: &[&lesson] };
        let found = extract(&text_pages(&text), &context).remove(0);
        assert_eq!(found.text("po_number"), Some("8020/26"));
        assert_eq!(found.text("requested_date"), Some("2026-10-02"));
        assert_eq!(found.text("buyer_contact"), Some("Kai Lorenz"));
        assert_eq!(found.precedents.len(), 1);
    }

    #[test]
    fn other_layouts_are_not_taken_for_it() {
        let (known, lesson) = (Known::default(), lesson());
        let text = "Purchase order\n\nOrder number   PO-1\nDate   2026-05-06\n\nItem   Description   Qty   Price   Amount\n\
                    A-1    Bearing       2     5.00    10.00\n";
        let context = Context { known: &known, subject: None, sender_domain: None, lessons: &[&lesson] };
        let found = extract(&text_pages(text), &context).remove(0);
        assert_eq!(found.precedents, []);
        assert_eq!(found.text("po_number"), Some("PO-1"));
    }

    #[test]
    fn a_lesson_keeps_no_values() {
        let kept = serde_json::to_string(&lesson()).unwrap();
        for value in ["7781", "2026-09-14", "brandt"] {
            assert!(!kept.to_lowercase().contains(value), "{value} in {kept}");
        }
    }
}
