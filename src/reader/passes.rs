//! The words of an upright page without ruling lines: one pass over the whole page, then second looks at what it
//! left out and at what it was unsure of.
//!
//! Tesseract's layout analysis drops lone digits in columns and, at times, whole blocks. Ink that no word covers is
//! therefore cut out and read by itself. Limits: second looks of one page.

use super::ocr::{Cut, Engines, Seen};
use image::{GrayImage, Luma, imageops};
use imageproc::region_labelling::{Connectivity, connected_components};

/// Darker than this is ink; the paper is white.
const INK_BELOW: u8 = 150;
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
/// What a second look finds must be at least so sure.
const SURE_ENOUGH: f32 = 40.0;

/// Left, top, right, bottom in pixels.
type Bounds = [f32; 4];

/// Reads a page.
pub(super) fn read_words(engines: &mut Engines, models: &[&str], gray: &GrayImage, dpi: f32) -> Vec<Seen> {
    let mut words = engines.recognise(models, gray, dpi, Cut::Column).unwrap_or_default();
    words.retain(has_ink);
    let ink = find_ink(gray, dpi);
    let mut looks = 0;
    for part in unread_parts(&ink, &words, dpi) {
        if looks == LOOKS_MAX {
            break;
        }
        looks += 1;
        let found = look(engines, models, gray, dpi, part, Cut::Block);
        words.extend(found.into_iter().filter(|w| w.raw_confidence >= SURE_ENOUGH && has_ink(w)));
    }
    for word in &mut words {
        if word.raw_confidence >= UNSURE_BELOW || looks == LOOKS_MAX {
            continue;
        }
        looks += 1;
        let again = look(engines, models, gray, dpi, word.bounds, Cut::Line);
        if let Some(better) = joined(&again)
            && better.raw_confidence > word.raw_confidence
        {
            word.text = better.text;
            word.raw_confidence = better.raw_confidence;
        }
    }
    mend(&mut words, dpi);
    words
}

/// What Tesseract takes for its likes: the dotless i of Turkish for a one, the raised two of an area for a question
/// mark, the l of litres for a capital I or a bar. Mended words are never sure.
fn mend(words: &mut [Seen], dpi: f32) {
    const MENDED_AT_MOST: f32 = 88.0;
    const BLANK_IN: f32 = 0.1;
    // where a number ends: right edge, top, bottom
    let mut number: Option<(f32, f32, f32)> = None;
    for word in words {
        let [x0, y0, x1, y1] = word.bounds;
        let follows_number = number.is_some_and(|(end, top, bottom)| {
            (0.0..BLANK_IN * dpi).contains(&(x0 - end)) && y0 < bottom && y1 > top
        });
        let mended = mend_text(&word.text, follows_number);
        if mended != word.text {
            word.text = mended;
            word.raw_confidence = word.raw_confidence.min(MENDED_AT_MOST);
        }
        let is_number = word.text.chars().all(|c| c.is_ascii_digit() || ".,".contains(c));
        number = is_number.then_some((x1, y0, y1));
    }
}

fn mend_text(text: &str, follows_number: bool) -> String {
    if follows_number && matches!(text, "I" | "|") {
        return "l".to_owned();
    }
    if let Some(stem) = text.strip_suffix(['?', '’', '”'])
        && let unit = stem.trim_start_matches(|c: char| c.is_ascii_digit() || ".,".contains(c))
        && (matches!(unit, "mm" | "cm") || unit == "m" && text.ends_with('?'))
    {
        return format!("{stem}²");
    }
    if !text.contains('ı') {
        return text.to_owned();
    }
    let is_code = text.chars().any(|c| c.is_ascii_digit() || c.is_uppercase());
    let only_one = text.chars().filter(|c| c.is_alphanumeric()).all(|c| c == 'ı');
    text.replace('ı', if is_code || only_one { "1" } else { "i" })
}

/// Marks that are left of lines are no words.
fn has_ink(word: &Seen) -> bool {
    word.text.chars().any(char::is_alphanumeric) || word.raw_confidence > 50.0
}

/// Words that stand side by side as one; the least sure of them counts.
fn joined(words: &[Seen]) -> Option<Seen> {
    let [word] = words else { return None };
    Some(word.clone())
}

/// Reads a part of the page by itself, with white around it.
fn look(
    engines: &mut Engines,
    models: &[&str],
    gray: &GrayImage,
    dpi: f32,
    [x0, y0, x1, y1]: Bounds,
    cut: Cut,
) -> Vec<Seen> {
    let margin = (MARGIN_IN * dpi).round() as u32;
    let inner = (margin / 3).max(2);
    let left = (x0 as u32).saturating_sub(inner);
    let top = (y0 as u32).saturating_sub(inner);
    let right = (x1.ceil() as u32 + inner).min(gray.width());
    let bottom = (y1.ceil() as u32 + inner).min(gray.height());
    if right <= left || bottom <= top {
        return Vec::new();
    }
    let part = imageops::crop_imm(gray, left, top, right - left, bottom - top);
    let mut padded = GrayImage::from_pixel(right - left + 2 * margin, bottom - top + 2 * margin, Luma([255]));
    imageops::replace(&mut padded, &*part, i64::from(margin), i64::from(margin));
    let mut words = engines.recognise(models, &padded, dpi, cut).unwrap_or_default();
    let (dx, dy) = (left as f32 - margin as f32, top as f32 - margin as f32);
    for word in &mut words {
        let [a, b, c, d] = word.bounds;
        word.bounds = [a + dx, b + dy, c + dx, d + dy];
    }
    words
}

/// Boxes of connected ink that may be letters.
fn find_ink(gray: &GrayImage, dpi: f32) -> Vec<Bounds> {
    let mut mask = gray.clone();
    mask.pixels_mut().for_each(|p| p.0 = [if p.0 < [INK_BELOW] { 255 } else { 0 }]);
    let labels = connected_components(&mask, Connectivity::Eight, Luma([0_u8]));
    let mut boxes: Vec<Bounds> = Vec::new();
    for (x, y, Luma([label])) in labels.enumerate_pixels() {
        if *label == 0 {
            continue;
        }
        let at = *label as usize;
        if boxes.len() <= at {
            boxes.resize(at + 1, [f32::MAX, f32::MAX, 0.0, 0.0]);
        }
        if let Some([x0, y0, x1, y1]) = boxes.get_mut(at) {
            (*x0, *y0) = (x0.min(x as f32), y0.min(y as f32));
            (*x1, *y1) = (x1.max(x as f32 + 1.0), y1.max(y as f32 + 1.0));
        }
    }
    boxes.retain(|[x0, y0, x1, y1]| {
        let (width, height) = ((x1 - x0) / dpi, (y1 - y0) / dpi);
        (LETTER_HEIGHT_MIN_IN..LETTER_HEIGHT_MAX_IN).contains(&height)
            && (0.01..LETTER_HEIGHT_MAX_IN * 2.0).contains(&width)
    });
    boxes
}

/// Ink that no word covers, put together to stretches of text.
fn unread_parts(ink: &[Bounds], words: &[Seen], dpi: f32) -> Vec<Bounds> {
    let cell = dpi.max(1.0) * 0.5;
    let index = Index::new(words.iter().map(|w| w.bounds), cell);
    let mut free: Vec<Bounds> = ink
        .iter()
        .copied()
        .filter(|[x0, y0, x1, y1]| {
            let middle = (f32::midpoint(*x0, *x1), f32::midpoint(*y0, *y1));
            !index.near(middle).any(|[a, b, c, d]| {
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

/// Boxes by the places that they cover, on a coarse grid.
struct Index {
    cell: f32,
    cells: std::collections::BTreeMap<(i32, i32), Vec<Bounds>>,
}

impl Index {
    fn new(boxes: impl Iterator<Item = Bounds>, cell: f32) -> Self {
        let mut cells: std::collections::BTreeMap<(i32, i32), Vec<Bounds>> =
            std::collections::BTreeMap::new();
        for bounds in boxes {
            let at = |v: f32| (v / cell).floor() as i32;
            for row in at(bounds[1]) - 1..=at(bounds[3]) + 1 {
                for column in at(bounds[0]) - 1..=at(bounds[2]) + 1 {
                    cells.entry((row, column)).or_default().push(bounds);
                }
            }
        }
        Self { cell, cells }
    }

    fn near(&self, (x, y): (f32, f32)) -> impl Iterator<Item = Bounds> {
        let at = ((y / self.cell).floor() as i32, (x / self.cell).floor() as i32);
        self.cells.get(&at).into_iter().flatten().copied()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn likes_are_told_apart() {
        for (text, follows_number, expected) in [
            ("I", true, "l"),
            ("|", true, "l"),
            ("I", false, "I"),
            ("mm?", true, "mm²"),
            ("2.5mm’", false, "2.5mm²"),
            ("m’", true, "m’"),
            ("why?", false, "why?"),
            ("Mı6", false, "M16"),
            ("ı", true, "1"),
            ("mıt", false, "mit"),
        ] {
            assert_eq!(mend_text(text, follows_number), expected, "{text}");
        }
    }

    #[test]
    fn ink_without_a_word_is_found_as_stretches() {
        let letter = |x: f32, y: f32| [x, y, x + 20.0, y + 30.0];
        let ink = [letter(10.0, 10.0), letter(300.0, 10.0), letter(325.0, 10.0), letter(300.0, 200.0)];
        let read = Seen { text: "a".into(), bounds: [8.0, 8.0, 32.0, 42.0], raw_confidence: 90.0 };
        let parts = unread_parts(&ink, &[read], 300.0);
        assert_eq!(parts, [[300.0, 10.0, 345.0, 40.0], [300.0, 200.0, 320.0, 230.0]]);
    }
}
