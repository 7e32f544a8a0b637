//! The words of an upright page without ruling lines: one pass over the whole page, then second looks at what it
//! left out and at what it was unsure of.
//!
//! Tesseract's layout analysis drops lone digits in columns and, at times, whole blocks. Ink that no word covers is
//! therefore cut out and read by itself. Limits: second looks of one page.

use super::{
    ink::{Bounds, Index, find_shapes},
    mend::mend,
    ocr::{Engines, Mode, Seen},
    pack::{Line, pack},
};
use image::{GrayImage, Luma, imageops};

/// Darker than this is ink; the paper is white.
const INK_BELOW: u8 = 150;
/// Darker than this may be pale print.
const PALE_INK_BELOW: u8 = 180;
/// Parts of a page that get a look of their own.
const LOOKS_MAX: usize = 120;
/// White around a part, in inches.
const MARGIN_IN: f32 = 0.04;
/// A letter or digit is at least so high, in inches: capitals of 4 points.
const LETTER_HEIGHT_MIN_IN: f32 = 0.036;
/// What is higher is a picture, in inches.
const LETTER_HEIGHT_MAX_IN: f32 = 0.5;
/// Words below this are looked at again.
const UNSURE_BELOW: f32 = 80.0;
/// So few letters may be a figure.
const FEW_LETTERS: usize = 3;
/// What a second look finds must be at least so sure.
const SURE_ENOUGH: f32 = 40.0;

/// The lines of a page. Pale print counts.
pub(super) fn cut_lines(gray: &GrayImage, dpi: f32) -> Vec<Line> {
    let _span = tracing::debug_span!("cut").entered();
    pack(gray, &find_shapes(gray, PALE_INK_BELOW), dpi)
}

/// Packed lines, one by one.
pub(super) fn read_lines<'a>(
    engines: &mut Engines,
    models: &[&str],
    lines: impl Iterator<Item = &'a Line>,
) -> Vec<Seen> {
    let lines: Vec<&Line> = lines.collect();
    let pictures: Vec<(&GrayImage, f32)> = lines.iter().map(|line| (&line.image, line.dpi)).collect();
    let read = engines.recognise_lines(models, &pictures);
    let mut words: Vec<Seen> = lines.iter().zip(read).flat_map(|(line, words)| line.place(words)).collect();
    words.retain(has_ink);
    words
}

/// Packed lines upside down; the places of the words mean nothing.
pub(super) fn read_flipped<'a>(
    engines: &mut Engines,
    models: &[&str],
    lines: impl Iterator<Item = &'a Line>,
) -> Vec<Seen> {
    let flipped: Vec<(GrayImage, f32)> =
        lines.map(|line| (imageops::rotate180(&line.image), line.dpi)).collect();
    let pictures: Vec<(&GrayImage, f32)> = flipped.iter().map(|(image, dpi)| (image, *dpi)).collect();
    engines.recognise_lines(models, &pictures).into_iter().flatten().collect()
}

/// The whole page, as Tesseract cuts it.
pub(super) fn read_whole(engines: &mut Engines, models: &[&str], gray: &GrayImage, dpi: f32) -> Vec<Seen> {
    let _span = tracing::debug_span!("whole").entered();
    let mut words = engines.recognise(models, gray, dpi, Mode::Column).unwrap_or_default();
    words.retain(has_ink);
    words
}

/// Reads again what the first pass left out or was unsure of, and mends what ink and sense show to be wrong.
pub(super) fn second_looks(
    engines: &mut Engines,
    models: &[&str],
    gray: &GrayImage,
    dpi: f32,
    mut words: Vec<Seen>,
) -> Vec<Seen> {
    let shapes = tracing::debug_span!("ink").in_scope(|| find_shapes(gray, INK_BELOW));
    let mut parts = unread_parts(&shapes, &words, dpi);
    parts.truncate(LOOKS_MAX);
    let found = look(engines, models, gray, dpi, &parts);
    words.extend(found.into_iter().flatten().filter(|w| w.raw_confidence >= SURE_ENOUGH && has_ink(w)));
    let english = engines.models(&["en"]);
    look_again(engines, models, gray, dpi, &mut words, |_| true);
    if models != english {
        look_again(engines, &english, gray, dpi, &mut words, may_be_figure);
    }
    mend(words, &shapes, dpi)
}

/// Reads unsure words again, each by itself, and keeps what is surer.
fn look_again(
    engines: &mut Engines,
    models: &[&str],
    gray: &GrayImage,
    dpi: f32,
    words: &mut [Seen],
    wanted: impl Fn(&Seen) -> bool,
) {
    let is_unsure = |w: &&mut Seen| w.raw_confidence < UNSURE_BELOW && wanted(w);
    let unsure: Vec<&mut Seen> = words.iter_mut().filter(is_unsure).take(LOOKS_MAX).collect();
    let parts: Vec<Bounds> = unsure.iter().map(|w| w.bounds).collect();
    for (word, again) in unsure.into_iter().zip(look(engines, models, gray, dpi, &parts)) {
        if let [better] = again.as_slice()
            && better.raw_confidence > word.raw_confidence
        {
            word.text.clone_from(&better.text);
            word.raw_confidence = better.raw_confidence;
            word.by = better.by;
        }
    }
}

/// Figures are of no language, and the model of another may know the face better; few letters may be a figure.
fn may_be_figure(word: &Seen) -> bool {
    word.text.chars().any(|c| c.is_ascii_digit()) || word.text.chars().count() <= FEW_LETTERS
}

/// Marks that are left of lines are no words.
fn has_ink(word: &Seen) -> bool {
    word.text.chars().any(char::is_alphanumeric) || word.raw_confidence > 50.0
}

/// Reads parts of the page by themselves, each a line with white around it.
fn look(
    engines: &mut Engines,
    models: &[&str],
    gray: &GrayImage,
    dpi: f32,
    parts: &[Bounds],
) -> Vec<Vec<Seen>> {
    let _span = tracing::debug_span!("again").entered();
    let cut: Vec<(GrayImage, f32)> = parts.iter().map(|part| cut_out(gray, dpi, *part)).collect();
    let pictures: Vec<(&GrayImage, f32)> = cut.iter().map(|(image, _)| (image, dpi)).collect();
    let mut read = engines.recognise_lines(models, &pictures);
    for ((words, [x0, y0, x1, y1]), (_, dx)) in read.iter_mut().zip(parts).zip(&cut) {
        for word in words.iter_mut() {
            let [left, _, right, _] = word.bounds;
            word.bounds = [(left + dx).max(*x0), *y0, (right + dx).min(*x1), *y1];
        }
        words.retain(|w| w.bounds[0] < w.bounds[2]);
    }
    read
}

/// A part of the page with white around it, and how far left of its place it stands.
fn cut_out(gray: &GrayImage, dpi: f32, [x0, y0, x1, y1]: Bounds) -> (GrayImage, f32) {
    let margin = (MARGIN_IN * dpi).round() as u32;
    let inner = (margin / 3).max(2);
    let left = (x0 as u32).saturating_sub(inner).min(gray.width());
    let top = (y0 as u32).saturating_sub(inner).min(gray.height());
    let right = (x1.ceil() as u32 + inner).min(gray.width()).max(left);
    let bottom = (y1.ceil() as u32 + inner).min(gray.height()).max(top);
    let part = imageops::crop_imm(gray, left, top, right - left, bottom - top);
    let mut padded = GrayImage::from_pixel(right - left + 2 * margin, bottom - top + 2 * margin, Luma([255]));
    imageops::replace(&mut padded, &*part, i64::from(margin), i64::from(margin));
    (padded, left as f32 - margin as f32)
}

/// Whether a shape may be a letter or a digit.
fn may_be_letter([x0, y0, x1, y1]: &Bounds, dpi: f32) -> bool {
    let (width, height) = ((x1 - x0) / dpi, (y1 - y0) / dpi);
    (LETTER_HEIGHT_MIN_IN..LETTER_HEIGHT_MAX_IN).contains(&height)
        && (0.01..LETTER_HEIGHT_MAX_IN * 2.0).contains(&width)
}

/// Ink that no word covers, put together to stretches of text.
fn unread_parts(ink: &[Bounds], words: &[Seen], dpi: f32) -> Vec<Bounds> {
    let cell = dpi.max(1.0) * 0.5;
    let index = Index::new(words.iter().map(|w| w.bounds), cell);
    let mut free: Vec<Bounds> = ink
        .iter()
        .copied()
        .filter(|shape| may_be_letter(shape, dpi))
        .filter(|[x0, y0, x1, y1]| {
            let middle = (f32::midpoint(*x0, *x1), f32::midpoint(*y0, *y1));
            !index.near(middle).any(|(_, [a, b, c, d])| {
                let slack = 0.15 * (d - b);
                (a - slack..c + slack).contains(&middle.0) && (b - slack..d + slack).contains(&middle.1)
            })
        })
        .collect();
    free.sort_by(|a, b| a[0].total_cmp(&b[0]));
    let mut parts: Vec<Bounds> = Vec::new();
    for [x0, y0, x1, y1] in free {
        // the next letter of a stretch stands to its right, at its height
        let joins = |p: &&mut Bounds| {
            let height = (p[3] - p[1]).max(y1 - y0);
            let shared = p[3].min(y1) - p[1].max(y0);
            x0 - p[2] < 0.7 * height && shared > 0.4 * (p[3] - p[1]).min(y1 - y0)
        };
        match parts.iter_mut().rev().take(LOOKS_MAX).find(joins) {
            Some(part) => *part = [part[0], part[1].min(y0), part[2].max(x1), part[3].max(y1)],
            None => parts.push([x0, y0, x1, y1]),
        }
    }
    parts
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ink_without_a_word_is_found_as_stretches() {
        let letter = |x: f32, y: f32| [x, y, x + 20.0, y + 30.0];
        let ink = [letter(10.0, 10.0), letter(300.0, 10.0), letter(325.0, 10.0), letter(300.0, 200.0)];
        let read = Seen {
            text: "a".into(),
            bounds: [8.0, 8.0, 32.0, 42.0],
            raw_confidence: 90.0,
            by: crate::reader::ocr::Reader::Tesseract,
        };
        let parts = unread_parts(&ink, &[read], 300.0);
        assert_eq!(parts, [[300.0, 10.0, 345.0, 40.0], [300.0, 200.0, 320.0, 230.0]]);
    }
}
