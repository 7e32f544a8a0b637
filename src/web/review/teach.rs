//! A box that a person drew on a page into the value of a field: the words inside, in the field's form.

use super::schema::LONG;
use crate::{
    extract::{
        date::{self, Order},
        number::{self, Style},
    },
    model::{
        draft::{Draft, Source},
        field::Form,
        page::{Page, Rect, Word},
    },
};
use serde::Serialize;

/// Words taken from one box at most.
pub const WORDS_IN_BOX_MAX: usize = 200;

/// What stands in a box.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Taught {
    /// In the form of the field: an ISO date, a number with a dot, plain text.
    pub value: String,
    /// The tight box around its words, as a form sends it: `page x0 y0 x1 y1`.
    pub place: String,
    /// The same in fractions of the page.
    #[serde(rename = "box")]
    pub bbox: Rect,
}

/// Reads the words whose middle lies in a box as the value of a field or column; none if there are no words.
pub fn teach(page: &Page, draft: &Draft, name: &str, drawn: &Rect) -> Option<Taught> {
    let inside = |word: &&Word| {
        let (x, y) = (f32::midpoint(word.bbox.x0, word.bbox.x1), f32::midpoint(word.bbox.y0, word.bbox.y1));
        x >= drawn.x0 && x <= drawn.x1 && y >= drawn.y0 && y <= drawn.y1
    };
    let words: Vec<&Word> = page.words.iter().filter(inside).take(WORDS_IN_BOX_MAX).collect();
    let bbox = words.iter().map(|word| word.bbox).reduce(|a, b| a.union(&b))?.on_page();
    let printed = join(&words, if LONG.contains(&name) { ", " } else { " " });
    let all = || page.words.iter().map(|word| word.text.as_str());
    let value = match Form::of(name) {
        Form::Currency => number::parse_currency(&printed).map(str::to_owned),
        Form::Day => {
            date::parse_date(&printed, date::vote_order(all(), Order::Unknown)).map(|reading| reading.iso)
        }
        Form::Number => {
            let usual = if draft.language == "en" { Style::Dot } else { Style::Comma };
            number::parse_number(&printed, number::vote_style(all(), usual)).map(|number| number.to_string())
        }
        Form::Text | Form::Flag => None,
    };
    let [x0, y0, x1, y1] = <[f32; 4]>::from(bbox);
    let place = format!("{} {x0} {y0} {x1} {y1}", page.number);
    Some(Taught { value: value.unwrap_or(printed), place, bbox })
}

/// Words with blanks between them, and `parted` where a new line begins.
fn join(words: &[&Word], parted: &str) -> String {
    let mut text = String::new();
    let mut last: Option<&Word> = None;
    for word in words {
        if let Some(last) = last {
            let goes_on =
                word.bbox.x0 >= last.bbox.x0 && word.bbox.y0 < last.bbox.y1 && last.bbox.y0 < word.bbox.y1;
            let closed = text.ends_with([',', ';']);
            text.push_str(if goes_on || closed { " " } else { parted });
        }
        text.push_str(&word.text);
        last = Some(word);
    }
    text
}

/// Reads `page x0 y0 x1 y1`: a page of the draft, and a box on it in fractions.
pub(super) fn place(text: &str, draft: &Draft) -> Option<Source> {
    let (page, corners) = text.split_once(' ')?;
    let page: u32 = page.parse().ok()?;
    let [first, last] = draft.page_range;
    let bbox = corners_of(corners, ' ')?;
    (first..=last).contains(&page).then_some(Source::Page { page, bbox })
}

/// Four fractions of a page with a mark between them: left, top, right, bottom.
pub fn corners_of(text: &str, mark: char) -> Option<Rect> {
    let numbers: Vec<f32> = text.split(mark).map(|n| n.parse().ok()).collect::<Option<_>>()?;
    let corners = <[f32; 4]>::try_from(numbers).ok()?;
    let rect = Rect::from(corners);
    (corners.iter().all(|n| (0.0..=1.0).contains(n)) && rect.x0 < rect.x1 && rect.y0 < rect.y1)
        .then_some(rect)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{draft::Kind, page::How};
    use std::collections::BTreeMap;

    fn draft(language: &str) -> Draft {
        Draft {
            kind: Kind::PurchaseOrder,
            kind_confidence: 1.0,
            language: language.to_owned(),
            page_range: [1, 1],
            fields: BTreeMap::new(),
            lines: Vec::new(),
            findings: Vec::new(),
            standard: None,
            precedents: Vec::new(),
        }
    }

    /// A page with rows of words, each a tenth of the page wide and high.
    fn page(rows: &[&str]) -> Page {
        let mut page = Page::empty(1, 600.0, 800.0, How::TextLayer);
        for (row, text) in (0_u8..).zip(rows) {
            for (column, word) in (0_u8..).zip(text.split(' ')) {
                let (x0, y0) = (f32::from(column) * 0.1, f32::from(row) * 0.1);
                let bbox = Rect { x0, y0, x1: x0 + 0.09, y1: y0 + 0.05 };
                let text = word.to_owned();
                page.words.push(Word { text, bbox, confidence: 1.0, size_pt: 10.0, bold: false });
            }
        }
        page
    }

    #[test]
    fn words_become_the_value_of_the_field() {
        let everything = Rect { x0: 0.0, y0: 0.0, x1: 1.0, y1: 1.0 };
        for (language, name, rows, value) in [
            ("en", "po_number", &["PO 4711"][..], "PO 4711"),
            ("en", "total", &["1,234.50 EUR"][..], "1234.5"),
            ("de", "total", &["1.234,50"][..], "1234.5"),
            ("de", "order_date", &["20.11.2026"][..], "2026-11-20"),
            ("en", "currency", &["€"][..], "EUR"),
            ("sv", "ship_to", &["Slipway 3", "417 07 Ringo"][..], "Slipway 3, 417 07 Ringo"),
            ("en", "total", &["to be agreed"][..], "to be agreed"),
        ] {
            let taught = teach(&page(rows), &draft(language), name, &everything);
            assert_eq!(taught.map(|t| t.value).as_deref(), Some(value), "{name} {rows:?}");
        }
    }

    #[test]
    fn the_place_is_the_tight_box_and_reads_back() {
        let drawn = Rect { x0: 0.08, y0: 0.0, x1: 0.3, y1: 0.06 };
        let taught = teach(&page(&["a b c"]), &draft("en"), "po_number", &drawn).unwrap();
        assert_eq!(taught.value, "b c");
        let source = place(&taught.place, &draft("en"));
        assert_eq!(source, Some(Source::Page { page: 1, bbox: taught.bbox }));
        assert!(teach(&page(&["a"]), &draft("en"), "po_number", &Rect { x0: 0.5, ..drawn }).is_none());
    }

    #[test]
    fn places_off_the_page_are_refused() {
        for text in
            ["", "1", "1 0 0 1", "1 0 0 2 1", "2 0 0 1 1", "1 0 0 NaN 1", "1 0.5 0 0.5 1", "x 0 0 1 1"]
        {
            assert_eq!(place(text, &draft("en")), None, "{text}");
        }
    }
}
