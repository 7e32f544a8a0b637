//! The pages of a document with the boxes of a draft's values, to be drawn beside the form.
//!
//! Pages that have no picture (sheets, plain text) are drawn from their words.

use super::{Level, level};
use crate::{
    model::{
        draft::{Draft, Source},
        page::{How, Page},
    },
    web::text,
};
use serde::Serialize;

/// Words drawn on a page without a picture at most.
pub const WORDS_DRAWN_MAX: usize = 5_000;

/// A value's box on a page.
#[derive(Clone, Debug, Serialize)]
pub struct Placed {
    /// Unique on the page: `po_number`, `3-sku`.
    pub name: String,
    /// Id of the input.
    pub input: String,
    /// Label of the field.
    pub label: String,
    /// How it stands.
    pub level: Level,
    /// Left edge in points.
    pub x: f64,
    /// Top edge in points.
    pub y: f64,
    /// In points.
    pub width: f64,
    /// In points.
    pub height: f64,
}

/// A word drawn where there is no picture.
#[derive(Clone, Debug, Serialize)]
pub struct Drawn {
    /// The word.
    pub text: String,
    /// Left edge in points.
    pub x: f64,
    /// Base line in points.
    pub y: f64,
    /// Width to fill in points.
    pub width: f64,
    /// Size of the letters in points.
    pub size: f64,
}

/// A page to show beside the form.
#[derive(Clone, Debug, Serialize)]
pub struct Shown {
    /// From 1.
    pub number: u32,
    /// In points.
    pub width: f64,
    /// In points.
    pub height: f64,
    /// Address of its picture, if it has one.
    pub picture: Option<String>,
    /// Its words, if it has no picture.
    pub words: Vec<Drawn>,
    /// Where the values stand.
    pub boxes: Vec<Placed>,
}

/// Space around a box, in points.
const BOX_MARGIN_PT: f32 = 1.5;

/// Makes a page with the boxes of a draft; `picture` is the address of its picture.
pub fn show_page(page: &Page, draft: &Draft, picture: Option<String>) -> Shown {
    let picture = picture.filter(|_| matches!(page.how, How::TextLayer | How::Ocr));
    let (width, height) = (page.width_pt.max(1.0), page.height_pt.max(1.0));
    let words = if picture.is_some() {
        Vec::new()
    } else {
        page.words
            .iter()
            .take(WORDS_DRAWN_MAX)
            .map(|word| Drawn {
                text: word.text.clone(),
                x: tenth(word.bbox.x0 * width),
                y: tenth((word.bbox.y1 - 0.22 * word.bbox.height()) * height),
                width: tenth(word.bbox.width() * width),
                size: tenth((word.bbox.height() * height * 0.8).clamp(3.0, 40.0)),
            })
            .collect()
    };
    let heads = draft.fields.iter().map(|(name, p)| (name.clone(), format!("f-{name}"), name, p));
    let cells = draft.lines.iter().enumerate().flat_map(|(n, line)| {
        line.iter().map(move |(name, p)| (format!("{n}-{name}"), format!("l-{n}-{name}"), name, p))
    });
    let boxes = heads
        .chain(cells)
        .filter_map(|(unique, input, name, p)| match &p.source {
            Source::Page { page: number, bbox } if *number == page.number => Some(Placed {
                name: unique,
                input,
                label: text::label(name),
                level: level(p.confidence),
                x: tenth(bbox.x0 * width - BOX_MARGIN_PT),
                y: tenth(bbox.y0 * height - BOX_MARGIN_PT),
                width: tenth(bbox.width().max(0.0) * width + 2.0 * BOX_MARGIN_PT),
                height: tenth(bbox.height().max(0.0) * height + 2.0 * BOX_MARGIN_PT),
            }),
            _ => None,
        })
        .collect();
    Shown { number: page.number, width: tenth(width), height: tenth(height), picture, words, boxes }
}

/// Rounded to a tenth; as `f32` it would be written with all the digits of the nearest `f64`.
fn tenth(value: f32) -> f64 {
    if value.is_finite() { (f64::from(value) * 10.0).round() / 10.0 } else { 0.0 }
}
