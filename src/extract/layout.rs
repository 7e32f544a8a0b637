//! Words on pages into visual rows and the segments of words in them that stand together.
//!
//! Places are in points from here on, so that distances mean the same in both directions. Form fields become words
//! where the page does not already show them.

mod ink;

use crate::model::page::{FormValue, How, Page, Rect};

/// Blank between two words of one segment, in heights of the letters.
const WORD_GAP_HEIGHTS: f32 = 1.0;
/// Words that are read of one page at most.
const WORDS_MAX: usize = 20_000;
/// Ruling lines that are looked at on one page at most.
const RULINGS_MAX: usize = 5_000;
/// Height from which a vertical ruling line parts cells, in points.
const UPRIGHT_MIN_PT: f32 = 7.0;
/// Slope of a row of words below which the page counts as level.
const SLOPE_MIN: f32 = 0.002;

/// One word with its place in points.
#[derive(Clone, Debug)]
pub struct Word {
    /// The characters.
    pub text: String,
    /// Page number, from 1.
    pub page: u32,
    /// Left, top, right, bottom in points.
    pub x0: f32,
    /// Top.
    pub y0: f32,
    /// Right.
    pub x1: f32,
    /// Bottom.
    pub y1: f32,
    /// How likely it is read right.
    pub confidence: f32,
    /// Letter size in points.
    pub size: f32,
    /// Bold face.
    pub bold: bool,
    /// The place as fractions of the page.
    pub rect: Rect,
}

/// Neighbouring words of one row.
#[derive(Clone, Debug)]
pub struct Segment {
    /// The words from left to right.
    pub words: Vec<Word>,
    /// Page number, from 1.
    pub page: u32,
    /// Its row in [`Layout::rows`].
    pub row: usize,
}

impl Segment {
    /// The words with single blanks.
    pub fn text(&self) -> String {
        join(&self.words)
    }

    /// Left edge in points.
    pub fn x0(&self) -> f32 {
        self.words.first().map_or(0.0, |w| w.x0)
    }

    /// Right edge in points.
    pub fn x1(&self) -> f32 {
        self.words.last().map_or(0.0, |w| w.x1)
    }

    /// Top edge in points.
    pub fn y0(&self) -> f32 {
        self.words.iter().map(|w| w.y0).fold(f32::MAX, f32::min)
    }

    /// Bottom edge in points.
    pub fn y1(&self) -> f32 {
        self.words.iter().map(|w| w.y1).fold(0.0, f32::max)
    }

    /// Height of its letters in points.
    pub fn height(&self) -> f32 {
        (self.y1() - self.y0()).max(1.0)
    }
}

/// The words of a row or cell with single blanks.
pub fn join(words: &[Word]) -> String {
    words.iter().map(|w| w.text.as_str()).collect::<Vec<_>>().join(" ")
}

/// The smallest box around the words.
pub fn bounds(words: &[Word]) -> Rect {
    let mut all = words.iter().map(|w| w.rect);
    let first = all.next().unwrap_or_default();
    all.fold(first, |a, b| a.union(&b))
}

/// The lowest confidence of the words.
pub fn read_confidence(words: &[Word]) -> f32 {
    words.iter().map(|w| w.confidence).fold(1.0, f32::min)
}

/// Segments of one visual row, from left to right.
#[derive(Clone, Debug, Default)]
pub struct Row {
    /// Page number, from 1.
    pub page: u32,
    /// The segments.
    pub segments: Vec<Segment>,
}

impl Row {
    /// All words from left to right.
    pub fn words(&self) -> Vec<Word> {
        self.segments.iter().flat_map(|s| s.words.iter().cloned()).collect()
    }

    /// The same, where they stand.
    pub fn each_word(&self) -> impl Iterator<Item = &Word> + Clone {
        self.segments.iter().flat_map(|s| &s.words)
    }

    /// The whole row as text.
    pub fn text(&self) -> String {
        self.segments.iter().map(Segment::text).collect::<Vec<_>>().join("  ")
    }

    /// Top edge.
    pub fn y0(&self) -> f32 {
        self.segments.iter().map(Segment::y0).fold(f32::MAX, f32::min)
    }

    /// Bottom edge.
    pub fn y1(&self) -> f32 {
        self.segments.iter().map(Segment::y1).fold(0.0, f32::max)
    }
}

/// A vertical ruling line in points.
#[derive(Clone, Copy, Debug)]
pub struct Upright {
    /// Page number, from 1.
    pub page: u32,
    /// Where it stands from the left.
    pub x: f32,
    /// Upper end.
    pub y0: f32,
    /// Lower end.
    pub y1: f32,
}

/// The rows of some pages.
#[derive(Clone, Debug, Default)]
pub struct Layout {
    /// Rows from top to bottom, page after page.
    pub rows: Vec<Row>,
    /// Vertical ruling lines, page after page.
    pub uprights: Vec<Upright>,
    /// Every page came with letters of its own (no OCR).
    pub trusted: bool,
    /// Width of the first page in points.
    pub width: f32,
    /// Height of the first page in points.
    pub height: f32,
}

/// Puts the words of the pages into rows.
pub fn lay_out(pages: &[Page]) -> Layout {
    let pages: Vec<Page> = pages.iter().map(with_way_up).collect();
    let upright: Vec<Page> = pages.iter().map(Page::upright).collect();
    let mut layout = Layout {
        trusted: pages.iter().all(|p| p.how != How::Ocr),
        width: upright.first().map_or(0.0, |p| p.width_pt),
        height: upright.first().map_or(0.0, |p| p.height_pt),
        ..Layout::default()
    };
    for (page, shown) in upright.iter().zip(&pages) {
        let mut words = page_words(page);
        drop_holes(&mut words, page.width_pt);
        for word in &mut words {
            word.rect = shown.place_as_shown(word.rect);
        }
        if page.how == How::Ocr {
            ink::fit_lines(&mut words);
            straighten(&mut words);
        }
        let uprights = uprights(page);
        let blank = pitch(&words).map_or(0.0, |pitch| BLANK_PITCHES * pitch);
        words.sort_by(|a, b| (a.y0 + a.y1).total_cmp(&(b.y0 + b.y1)));
        for mut row in visual_rows(words) {
            row.sort_by(|a, b| a.x0.total_cmp(&b.x0));
            let at = layout.rows.len();
            layout
                .rows
                .push(Row { page: page.number, segments: segments(row, page.number, at, &uprights, blank) });
        }
        layout.uprights.extend(uprights);
    }
    layout
}

/// Share of the page's width at either side in which holes of the paper stand.
const MARGIN_SHARE: f32 = 0.06;
/// Equal marks in one margin that are holes rather than text.
const HOLES_MIN: usize = 5;

/// Holes of tractor-fed paper, read as letters, are no text.
fn drop_holes(words: &mut Vec<Word>, width: f32) {
    let hole = |w: &Word| {
        matches!(w.text.as_str(), "o" | "O" | "0" | "○" | "◯" | "●" | "•" | "°")
            && (w.x1 < MARGIN_SHARE * width || w.x0 > (1.0 - MARGIN_SHARE) * width)
    };
    for left in [true, false] {
        let here = |w: &Word| hole(w) && (w.x0 < width / 2.0) == left;
        if words.iter().filter(|w| here(w)).count() >= HOLES_MIN {
            words.retain(|w| !here(w));
        }
    }
}

/// The page with its way up found from its words, where the reader did not say: words of several letters that are
/// higher than wide stand on their side.
fn with_way_up(page: &Page) -> Page {
    let mut page = page.clone();
    let long: Vec<(f32, f32)> = page
        .words
        .iter()
        .filter(|w| w.text.chars().count() >= 4)
        .map(|w| (w.bbox.width() * page.width_pt, w.bbox.height() * page.height_pt))
        .collect();
    let tall = long.iter().filter(|(width, height)| height > width).count();
    if page.turned == 0 && page.how == How::TextLayer && long.len() >= 10 && tall * 10 > long.len() * 8 {
        // text that runs up or down: its words come in reading order
        let down = page.words.windows(2).filter(|w| matches!(w, [a, b] if b.bbox.y0 > a.bbox.y0)).count();
        page.turned = if down * 2 > page.words.len() { 90 } else { 270 };
    }
    page
}

/// Vertical ruling lines that are higher than a letter.
fn uprights(page: &Page) -> Vec<Upright> {
    let mut found: Vec<Upright> = page
        .rulings
        .iter()
        .take(RULINGS_MAX)
        .filter(|r| !r.horizontal)
        .map(|r| Upright {
            page: page.number,
            x: f32::midpoint(r.bbox.x0, r.bbox.x1) * page.width_pt,
            y0: r.bbox.y0 * page.height_pt,
            y1: r.bbox.y1 * page.height_pt,
        })
        .filter(|u| u.y1 - u.y0 > UPRIGHT_MIN_PT)
        .collect();
    found.sort_by(|a, b| a.x.total_cmp(&b.x));
    found
}

/// Levels rows of words that run slightly up or down, as on photos: the usual slope from word to word is taken out.
fn straighten(words: &mut [Word]) {
    let mut slopes: Vec<f32> = words
        .windows(2)
        .filter_map(|pair| {
            let [a, b] = pair else { return None };
            let height = (a.y1 - a.y0).min(b.y1 - b.y0);
            let (dx, dy) = (
                f32::midpoint(b.x0, b.x1) - f32::midpoint(a.x0, a.x1),
                f32::midpoint(b.y0, b.y1) - f32::midpoint(a.y0, a.y1),
            );
            (dx > 3.0 * height && dy.abs() < 0.25 * dx && dy.abs() < height).then_some(dy / dx)
        })
        .collect();
    if slopes.len() < 12 {
        return;
    }
    slopes.sort_by(f32::total_cmp);
    let slope = slopes.get(slopes.len() / 2).copied().unwrap_or(0.0);
    if slope.abs() < SLOPE_MIN {
        return;
    }
    for word in words {
        let drop = slope * f32::midpoint(word.x0, word.x1);
        word.y0 -= drop;
        word.y1 -= drop;
    }
}

fn page_words(page: &Page) -> Vec<Word> {
    let make = |text: String, rect: Rect, confidence: f32, size: f32, bold: bool| Word {
        text,
        page: page.number,
        x0: rect.x0 * page.width_pt,
        y0: rect.y0 * page.height_pt,
        x1: rect.x1 * page.width_pt,
        y1: rect.y1 * page.height_pt,
        confidence,
        size,
        bold,
        rect,
    };
    let mut words: Vec<Word> = page
        .words
        .iter()
        .take(WORDS_MAX)
        .filter(|w| w.bbox.height() * page.height_pt < 60.0 && w.bbox.width() > 0.0)
        .flat_map(|w| {
            let text = unligate(&w.text);
            let text = text.trim_matches(['|', '¦', '_', '\u{a0}']).to_owned();
            let parts = if text.is_empty() { Vec::new() } else { unglue(text, w.bbox) };
            parts.into_iter().map(|(text, bbox)| make(text, bbox, w.confidence, w.size_pt, w.bold))
        })
        .collect();
    for field in &page.fields {
        let r = field.bbox;
        let shown = words.iter().any(|w| {
            let (x, y) = (f32::midpoint(w.rect.x0, w.rect.x1), f32::midpoint(w.rect.y0, w.rect.y1));
            x > r.x0 && x < r.x1 && y > r.y0 && y < r.y1
        });
        match &field.value {
            FormValue::Text(text) if !shown => words.extend(typed_in(text, r, page, &make)),
            FormValue::Choice { on, .. } => {
                words.push(make(if *on { "☒" } else { "☐" }.to_owned(), r, 1.0, 10.0, false));
            }
            FormValue::Signature { signed: true } if !shown => {
                words.push(make("✍".to_owned(), r, 1.0, 10.0, false));
            }
            FormValue::Text(_) | FormValue::Signature { .. } => {}
        }
    }
    words
}

/// A name and its rate that were read as one word, `VAT20%`, apart again.
fn unglue(text: String, bbox: Rect) -> Vec<(String, Rect)> {
    let at = text.find(|c: char| c.is_ascii_digit()).unwrap_or(0);
    let (name, rate) = text.split_at_checked(at).unwrap_or((&text, ""));
    let is_name = name.chars().filter(|c| c.is_alphabetic()).count() >= 2
        && name.chars().all(|c| c.is_alphabetic() || c == '.');
    let is_rate = rate.strip_suffix('%').is_some_and(|figures| {
        figures.len() <= RATE_LENGTH_MAX
            && figures.chars().all(|c| c.is_ascii_digit() || matches!(c, '.' | ','))
    });
    if !is_name || !is_rate {
        return vec![(text, bbox)];
    }
    let x = bbox.x0 + bbox.width() * name.chars().count() as f32 / text.chars().count() as f32;
    vec![(name.to_owned(), Rect { x1: x, ..bbox }), (rate.to_owned(), Rect { x0: x, ..bbox })]
}

/// Figures of a rate in percent at most, with their point.
const RATE_LENGTH_MAX: usize = 6;

/// Letters that a font joined into one sign, apart again.
fn unligate(text: &str) -> String {
    if text.chars().any(|c| ('\u{fb00}'..='\u{fb06}').contains(&c)) {
        text.replace('ﬀ', "ff")
            .replace('ﬁ', "fi")
            .replace('ﬂ', "fl")
            .replace('ﬃ', "ffi")
            .replace('ﬄ', "ffl")
            .replace(['ﬅ', 'ﬆ'], "st")
    } else {
        text.to_owned()
    }
}

/// The words of a form field's value, spread over its box.
fn typed_in(
    text: &str,
    r: Rect,
    page: &Page,
    make: &dyn Fn(String, Rect, f32, f32, bool) -> Word,
) -> Vec<Word> {
    let rows: Vec<&str> = text.lines().filter(|l| !l.trim().is_empty()).take(20).collect();
    let step = (r.height() / rows.len().max(1) as f32).min(14.0 / page.height_pt);
    let char_width = 5.0 / page.width_pt;
    let mut words = Vec::new();
    for (y, row) in rows.iter().enumerate() {
        let top = r.y0 + step * y as f32 + step * 0.1;
        let mut x = r.x0 + char_width / 2.0;
        let squeeze = (r.width() / (char_width * (row.chars().count() as f32 + 1.0))).min(1.0);
        for word in row.split_whitespace() {
            let width = char_width * squeeze * word.chars().count() as f32;
            let rect = Rect { x0: x, y0: top, x1: x + width, y1: top + step * 0.8 };
            words.push(make(word.to_owned(), rect, 1.0, 10.0, false));
            x += width + char_width * squeeze;
        }
    }
    words
}

/// Groups words whose middles lie at the same height.
fn visual_rows(words: Vec<Word>) -> Vec<Vec<Word>> {
    let mut rows: Vec<(f32, f32, Vec<Word>)> = Vec::new();
    for word in words {
        let middle = f32::midpoint(word.y0, word.y1);
        let height = word.y1 - word.y0;
        let fits = rows.iter_mut().rev().take(6).find(|(at, tall, members)| {
            let reach = 0.45 * height.min(*tall).max(4.0);
            (middle - *at).abs() < reach
                && !members.iter().any(|m| {
                    m.x0 < word.x1 - 1.5
                        && word.x0 < m.x1 - 1.5
                        && (f32::midpoint(m.y0, m.y1) - middle).abs() > 0.3 * height
                })
        });
        match fits {
            Some((at, tall, members)) => {
                let n = members.len() as f32;
                *at = (*at * n + middle) / (n + 1.0);
                *tall = (*tall * n + height) / (n + 1.0);
                members.push(word);
            }
            None => rows.push((middle, height, vec![word])),
        }
    }
    rows.sort_by(|a, b| a.0.total_cmp(&b.0));
    rows.into_iter().map(|r| r.2).collect()
}

/// Words of some length that tell whether a page is set in one width, at least.
const PITCH_WORDS_MIN: usize = 20;
/// Share of them, in tenths, whose letters are as wide as the others'.
const PITCH_TENTHS: usize = 8;
/// How far the width of a letter may be off, as a share of it.
const PITCH_OFF: f32 = 0.08;
/// Blanks in letters of one width below which words stand together: one blank with the edges of its letters, not two.
const BLANK_PITCHES: f32 = 1.75;

/// Width of a letter in points, where all letters are as wide, as in Courier: there words stand further apart than
/// their letters are high.
fn pitch(words: &[Word]) -> Option<f32> {
    let mut widths: Vec<f32> = words
        .iter()
        .filter_map(|w| {
            let letters = w.text.chars().count();
            (letters >= 4).then(|| (w.x1 - w.x0) / (letters as f32 - 0.2))
        })
        .collect();
    widths.sort_by(f32::total_cmp);
    let median = widths.get(widths.len() / 2).copied()?;
    let same = widths.iter().filter(|w| (**w - median).abs() < PITCH_OFF * median).count();
    (widths.len() >= PITCH_WORDS_MIN && same * 10 >= widths.len() * PITCH_TENTHS).then_some(median)
}

/// The words of a row that stand together. `blank` is how wide a gap within a text may be at least, in points.
fn segments(words: Vec<Word>, page: u32, row: usize, uprights: &[Upright], blank: f32) -> Vec<Segment> {
    let mut out: Vec<Segment> = Vec::new();
    for word in words {
        if let Some(last) = out.last_mut() {
            let height = (word.y1 - word.y0).min(last.height()).max(5.0);
            let middle = f32::midpoint(word.y0, word.y1);
            let from = uprights.partition_point(|u| u.x < last.x1() - 1.5);
            let parted = uprights
                .iter()
                .skip(from)
                .take_while(|u| u.x <= word.x0 + 1.5)
                .any(|u| u.y0 < middle && u.y1 > middle);
            if !parted && word.x0 - last.x1() < (WORD_GAP_HEIGHTS * height * 0.9).max(blank) {
                last.words.push(word);
                continue;
            }
        }
        out.push(Segment { words: vec![word], page, row });
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rate_read_with_its_name_comes_apart() {
        let check = |text: &str, wanted: &[&str]| {
            let bbox = Rect { x0: 0.0, y0: 0.0, x1: 0.6, y1: 0.1 };
            let parts = unglue(text.to_owned(), bbox);
            assert_eq!(parts.iter().map(|(text, _)| text.as_str()).collect::<Vec<_>>(), wanted);
        };
        check("VAT20%", &["VAT", "20%"]);
        check("USt.8,1%", &["USt.", "8,1%"]);
        for whole in ["M8x40", "20%", "A4711", "PO4500123", "5%"] {
            check(whole, &[whole]);
        }
    }
}
