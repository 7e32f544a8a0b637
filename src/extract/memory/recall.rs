//! Finds the lessons of a layout, and reads with them.

use super::{
    FOUND, LESSONS_MAX, Lesson,
    registration::{self, Registration},
};
use crate::{
    extract::{draft::Reading, layout::Layout, same::same, table::Table},
    model::draft::{Kind, Line, Precedent, Proposal},
};
use std::collections::BTreeMap;

/// A document must share this much of a lesson's words, in their places, to be of its layout.
const ALIKE: f32 = 0.48;
/// How sure a value is that is found with the lesson and without it.
const AGREED: f32 = 0.97;
/// Lessons of one layout that are used together.
const TOGETHER_MAX: usize = 3;
/// How sure the kind is of a document whose layout was confirmed before.
const KIND_SURE: f32 = 0.97;

/// What speaks for lines: every cell, and twice over the arithmetic of every line.
fn evidence(table: &Table) -> i32 {
    let one = |line: &Line| {
        let cells = i32::try_from(line.len()).unwrap_or(i32::MAX);
        let sums = crate::extract::draft::arithmetic(line).map_or(0, |fits| if fits { 2 } else { -2 });
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
                    Some(old) if same(name, &old.value, &found.value) => {
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
