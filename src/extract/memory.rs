//! Layouts that were seen before: what a person confirmed of one document helps to read the next of its kind.
//!
//! A [`Lesson`] is a confirmed document reduced to where things stand: words that belong to the layout, the words
//! beside each value, the columns of its lines. [`mod@learn`] makes one and keeps only what reads the document itself
//! rightly and better than reading without it; [`mod@recall`] finds the lesson of a layout by its words and lays the two
//! pages on each other, though one be scanned askew; [`Recalled`] reads with it. One lesson is enough.
//!
//! Does not: keep values (but for the words of the layout), or decide which lessons are given to it.

mod anchor;
mod grid;
mod learn;
mod recall;
mod registration;

use super::{
    date::Order,
    layout::{Layout, Word},
    number::Style,
};
use crate::model::{draft::Kind, page::Rect};
use anchor::Anchor;
use grid::Grid;
pub use learn::learn;
pub use recall::{Recalled, recall};
pub use registration::Fixed;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

/// Lessons that one document is compared with at most.
pub const LESSONS_MAX: usize = 2_000;
/// How sure a value is that only the lesson finds.
const FOUND: f32 = 0.86;

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

/// Words whose middle lies in a box.
pub(super) fn words_in(layout: &Layout, page: u32, bbox: &Rect) -> Vec<Word> {
    let inside = |w: &&Word| {
        let (x, y) = (f32::midpoint(w.rect.x0, w.rect.x1), f32::midpoint(w.rect.y0, w.rect.y1));
        w.page == page && x >= bbox.x0 && x <= bbox.x1 && y >= bbox.y0 && y <= bbox.y1
    };
    layout.rows.iter().flat_map(|r| &r.segments).flat_map(|s| &s.words).filter(inside).cloned().collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        extract::{Context, extract, text_pages},
        model::{
            account::Known,
            draft::{Content, Draft, Proposal, Source},
        },
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
        let context =
            Context { known: &known, subject: None, sender_domain: None, lessons: &[], alone: false };
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
        let context =
            Context { known: &known, subject: None, sender_domain: None, lessons: &[&lesson], alone: false };
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
        let context =
            Context { known: &known, subject: None, sender_domain: None, lessons: &[&lesson], alone: false };
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
