//! The text layer of a PDF page: glyphs with places into words, thin shapes into ruling lines.
//!
//! Order in the file means nothing here: glyphs are put together by where they stand. Handles glyphs in odd order,
//! letters set apart, ligatures, doubled strokes, text in four directions. Does not judge whether the layer says
//! what the page shows; it only counts what a judge wants to know ([`Layer`]).

use super::drawing::{Drawing, is_ink};
use crate::{
    model::page::{Rect, Ruling, Word},
    reader::boxes::CheckBox,
};
use hayro::hayro_interpret::{
    BlendMode, ClipPath, Context, Device, DrawMode, DrawProps, Image, ImageDrawProps, InterpreterCache,
    InterpreterSettings, Paint, SoftMask, TransformExt as _,
    font::{Glyph, GlyphRun},
    hayro_cmap::BfString,
    hayro_syntax::page::Page as PdfPage,
    interpret_page,
};
use hayro::kurbo::{Affine, BezPath, PathEl, Point, Rect as Box2, Shape as _};

/// Glyphs of one page that are looked at.
const GLYPHS_MAX: usize = 200_000;
/// Ruling lines of one page that are kept.
const RULINGS_MAX: usize = 20_000;
/// A shape is a line if it is at most so thick, in points.
const RULING_THICKNESS_PT: f64 = 3.0;
/// A line shorter than this is a dash or a dot, in points.
const RULING_LENGTH_PT: f64 = 6.0;
/// Ascent and descent of a word's box in sizes of the font.
const ASCENT: f64 = 0.75;
const DESCENT: f64 = 0.22;
/// Glyphs whose baselines differ by less than this share of the size stand in one line.
const BASELINE_TOLERANCE: f64 = 0.25;
/// A gap above this share of the size ends a word.
const WORD_GAP: f64 = 0.16;
/// A gap above this share of the size ends a stretch of text that is judged as one for letters set apart.
const STRETCH_GAP: f64 = 1.6;

/// What the text layer of a page says.
#[derive(Default)]
pub(super) struct Layer {
    pub(super) words: Vec<Word>,
    pub(super) rulings: Vec<Ruling>,
    /// Glyphs that are drawn.
    pub(super) visible: usize,
    /// Glyphs in render mode 3: an OCR layer, mostly.
    pub(super) invisible: usize,
    /// Glyphs without a known character, or with one for private use.
    pub(super) unmapped: usize,
    /// The largest share of the page that one image covers.
    pub(super) image_share: f64,
    /// Filled or stroked shapes that are no ruling lines.
    pub(super) shapes: usize,
    /// Check boxes that are drawn as shapes.
    pub(super) boxes: Vec<CheckBox<Rect>>,
    /// What was written by hand.
    pub(super) hands: Vec<Rect>,
    /// Rings that were drawn around something.
    pub(super) rings: Vec<Rect>,
}

#[derive(Clone, Debug)]
struct Letter {
    text: String,
    /// Origin and end of the advance, in points on the page as shown.
    start: Point,
    end: Point,
    size: f64,
    bold: bool,
    invisible: bool,
}

struct Collector {
    page: Box2,
    letters: Vec<Letter>,
    drawing: Drawing,
    layer: Layer,
}

/// Reads the glyphs and lines of a page.
pub(super) fn read_layer<'a>(page: &'a PdfPage<'a>, cache: &InterpreterCache<'a>) -> Layer {
    let (width, height) = page.render_dimensions();
    let bounds = Box2::new(0.0, 0.0, f64::from(width), f64::from(height));
    let transform = page.initial_transform(true).to_kurbo();
    let mut context = Context::new(transform, bounds, cache, page.xref(), InterpreterSettings::default());
    let mut collector =
        Collector { page: bounds, letters: Vec::new(), drawing: Drawing::default(), layer: Layer::default() };
    interpret_page(page, &mut context, &mut collector);
    let Collector { letters, mut drawing, mut layer, .. } = collector;
    let (hands, rings) = drawing.pen();
    layer.hands = hands.into_iter().map(|hand| fractions(hand, bounds)).collect();
    layer.rings = rings.into_iter().map(|ring| fractions(ring, bounds)).collect();
    layer.boxes = drawing
        .boxes()
        .iter()
        .map(|found| CheckBox { bounds: fractions(found.bounds, bounds), ticked: found.ticked })
        .collect();
    layer.words = find_words(letters, bounds);
    layer
}

impl<'a> Device<'a> for Collector {
    fn draw_path(&mut self, path: &BezPath, props: DrawProps<'a>, mode: &DrawMode) {
        match mode {
            DrawMode::Fill(_) => self.add_filled(path, props.transform),
            DrawMode::Stroke(stroke) => self.add_stroked(path, props.transform, stroke.line_width),
            DrawMode::FillAndStroke(_, stroke) => self.add_stroked(path, props.transform, stroke.line_width),
            DrawMode::Invisible => {}
        }
        let ink = match (&props.paint, mode) {
            (_, DrawMode::Invisible) => return,
            (Paint::Color(color), _) => is_ink(color.to_rgba().to_rgba8()),
            (Paint::Pattern(_), _) => true,
        };
        let stroked = !matches!(mode, DrawMode::Fill(_));
        self.drawing.add(path, props.transform, stroked, ink);
    }

    fn draw_glyph_run(&mut self, run: &GlyphRun<'_, 'a>, props: DrawProps<'a>, mode: &DrawMode) {
        let invisible = matches!(mode, DrawMode::Invisible);
        let bold = run.glyphs().first().is_some_and(|g| is_bold(g));
        for glyph in run.glyphs() {
            if self.letters.len() >= GLYPHS_MAX {
                return;
            }
            self.add_glyph(glyph, props.transform * glyph.transform(), bold, invisible);
        }
    }

    fn draw_image(&mut self, image: Image<'a, '_>, props: ImageDrawProps<'a>) {
        let corner = props.transform * Point::ZERO;
        // Images are drawn in their own pixels; only the area on the page matters.
        let area = props.transform.determinant().abs() * f64::from(image.width()) * f64::from(image.height());
        if self.page.inflate(1.0, 1.0).contains(corner) || area > 0.0 {
            self.layer.image_share = self.layer.image_share.max((area / self.page.area()).min(1.0));
        }
    }

    fn push_clip_path(&mut self, _: &ClipPath) {}
    fn push_transparency_group(&mut self, _: f32, _: Option<SoftMask<'a>>, _: BlendMode) {}
    fn pop_clip(&mut self) {}
    fn pop_transparency_group(&mut self) {}
}

fn is_bold(glyph: &Glyph<'_>) -> bool {
    let Glyph::Outline(outline) = glyph else { return false };
    outline.font_data().is_some_and(|font| {
        let name = font.postscript_name.unwrap_or_default().to_ascii_lowercase();
        font.weight.is_some_and(|w| w >= 600)
            || ["bold", "black", "heavy", "semibd"].iter().any(|n| name.contains(n))
    })
}

impl Collector {
    fn add_glyph(&mut self, glyph: &Glyph<'_>, transform: Affine, bold: bool, invisible: bool) {
        let text = match glyph.as_unicode() {
            Some(BfString::Char(c)) => plain_characters(c),
            Some(BfString::String(s)) => s.chars().map(plain_characters).collect(),
            None => "\u{fffd}".to_owned(),
        };
        let advance = match glyph {
            Glyph::Outline(g) => g.advance_width(),
            Glyph::Type3(g) => g.advance_width(),
        };
        let advance = f64::from(advance.unwrap_or(500.0));
        let start = transform * Point::ZERO;
        let end = transform * Point::new(advance, 0.0);
        let size = (transform * Point::new(0.0, 1000.0) - start).hypot();
        if !(size.is_finite() && start.is_finite() && end.is_finite()) || size < 0.5 {
            return;
        }
        let blank = text.chars().all(char::is_whitespace);
        if !blank {
            if invisible {
                self.layer.invisible += 1;
            } else {
                self.layer.visible += 1;
            }
            if text.chars().any(|c| c == '\u{fffd}' || is_private(c) || c.is_control()) {
                self.layer.unmapped += 1;
            }
        }
        self.letters.push(Letter { text, start, end, size, bold, invisible });
    }

    fn add_filled(&mut self, path: &BezPath, transform: Affine) {
        for part in subpaths(path) {
            let bounds = (transform * part).bounding_box();
            if !self.add_ruling(bounds) {
                self.layer.shapes += 1;
            }
        }
    }

    fn add_stroked(&mut self, path: &BezPath, transform: Affine, line_width: f32) {
        let scale = transform.determinant().abs().sqrt();
        let half = (f64::from(line_width) * scale / 2.0).clamp(0.05, RULING_THICKNESS_PT / 2.0);
        let mut start = Point::ZERO;
        let mut at = Point::ZERO;
        for element in path.elements() {
            let next = match *element {
                PathEl::MoveTo(p) => {
                    start = transform * p;
                    at = start;
                    continue;
                }
                PathEl::LineTo(p) => transform * p,
                PathEl::ClosePath => start,
                PathEl::QuadTo(_, p) | PathEl::CurveTo(_, _, p) => {
                    self.layer.shapes += 1;
                    at = transform * p;
                    continue;
                }
            };
            if !self.add_ruling(Box2::from_points(at, next).inflate(half, half)) {
                self.layer.shapes += 1;
            }
            at = next;
        }
    }

    /// Keeps a box as a ruling line if it is one.
    fn add_ruling(&mut self, bounds: Box2) -> bool {
        let bounds = bounds.intersect(self.page);
        let (width, height) = (bounds.width(), bounds.height());
        let horizontal = width >= height;
        let (long, thin) = if horizontal { (width, height) } else { (height, width) };
        if thin > RULING_THICKNESS_PT || long < RULING_LENGTH_PT || self.layer.rulings.len() >= RULINGS_MAX {
            return false;
        }
        self.layer.rulings.push(Ruling { bbox: fractions(bounds, self.page), horizontal });
        true
    }
}

pub(super) fn subpaths(path: &BezPath) -> Vec<BezPath> {
    let mut parts: Vec<BezPath> = Vec::new();
    for element in path.elements() {
        match (element, parts.last_mut()) {
            (PathEl::MoveTo(_), _) | (_, None) => {
                let start = match element {
                    PathEl::MoveTo(p) | PathEl::LineTo(p) => *p,
                    _ => Point::ZERO,
                };
                let mut part = BezPath::new();
                part.move_to(start);
                parts.push(part);
            }
            (other, Some(part)) => part.push(*other),
        }
    }
    parts
}

fn is_private(c: char) -> bool {
    matches!(u32::from(c), 0xe000..=0xf8ff | 0xf_0000..=0x10_ffff)
}

/// Ligatures apart, blanks as plain blanks, invisible marks away.
fn plain_characters(c: char) -> String {
    match c {
        '\u{fb00}' => "ff".to_owned(),
        '\u{fb01}' => "fi".to_owned(),
        '\u{fb02}' => "fl".to_owned(),
        '\u{fb03}' => "ffi".to_owned(),
        '\u{fb04}' => "ffl".to_owned(),
        '\u{fb05}' | '\u{fb06}' => "st".to_owned(),
        '\u{ad}' => "-".to_owned(),
        '\u{200b}'..='\u{200f}' | '\u{feff}' | '\u{2060}' => String::new(),
        c if c.is_whitespace() => " ".to_owned(),
        c => c.to_string(),
    }
}

pub(super) fn fractions(bounds: Box2, page: Box2) -> Rect {
    let (width, height) = (page.width().max(1.0), page.height().max(1.0));
    Rect {
        x0: (bounds.x0 / width).clamp(0.0, 1.0) as f32,
        y0: (bounds.y0 / height).clamp(0.0, 1.0) as f32,
        x1: (bounds.x1 / width).clamp(0.0, 1.0) as f32,
        y1: (bounds.y1 / height).clamp(0.0, 1.0) as f32,
    }
}

/// A letter in a frame of its own direction: along the line and across it.
struct Placed {
    letter: Letter,
    along: f64,
    along_end: f64,
    across: f64,
}

/// Puts letters together to words: by direction, then by baseline, then along the line.
fn find_words(letters: Vec<Letter>, page: Box2) -> Vec<Word> {
    let mut directions: Vec<(i32, Vec<Placed>)> = Vec::new();
    for letter in letters {
        let along = letter.end - letter.start;
        // One degree is enough to tell directions apart; letters without width go with the text before them.
        let degrees = if along.hypot() < 1e-6 {
            directions.last().map_or(0, |(d, _)| *d)
        } else {
            (along.atan2().to_degrees().round() as i32).rem_euclid(360)
        };
        let degrees =
            if degrees % 90 <= 1 || degrees % 90 >= 89 { (degrees + 1) / 90 * 90 % 360 } else { degrees };
        let (sin, cos) = f64::from(degrees).to_radians().sin_cos();
        let turn = |p: Point| (p.x * cos + p.y * sin, p.y * cos - p.x * sin);
        let ((start, across), (end, _)) = (turn(letter.start), turn(letter.end));
        let placed = Placed { along: start, along_end: end.max(start), across, letter };
        match directions.iter_mut().find(|(d, _)| *d == degrees) {
            Some((_, group)) => group.push(placed),
            None => directions.push((degrees, vec![placed])),
        }
    }
    directions.sort_by_key(|(degrees, group)| (std::cmp::Reverse(group.len()), *degrees));
    let mut words = Vec::new();
    for (degrees, group) in directions {
        let (sin, cos) = f64::from(degrees).to_radians().sin_cos();
        let stretches: Vec<Vec<Placed>> = find_lines(group).into_iter().flat_map(split_stretches).collect();
        let usual = usual_tracking(&stretches);
        for stretch in stretches {
            for word in split_stretch(stretch, usual) {
                words.extend(make_word(&word, sin, cos, page));
            }
        }
    }
    words
}

fn find_lines(mut letters: Vec<Placed>) -> Vec<Vec<Placed>> {
    letters.sort_by(|a, b| a.across.total_cmp(&b.across));
    let mut lines: Vec<Vec<Placed>> = Vec::new();
    let mut baseline = f64::NEG_INFINITY;
    let mut size = 0.0;
    for letter in letters {
        let tolerance = BASELINE_TOLERANCE * letter.letter.size.min(if size > 0.0 { size } else { f64::MAX });
        if (letter.across - baseline).abs() <= tolerance
            && let Some(line) = lines.last_mut()
        {
            line.push(letter);
            continue;
        }
        baseline = letter.across;
        size = letter.letter.size;
        lines.push(vec![letter]);
    }
    for line in &mut lines {
        line.sort_by(|a, b| a.along.total_cmp(&b.along));
    }
    lines
}

/// Cuts a stretch of a line into words: at blanks and at gaps, except that letters set apart evenly stay together.
fn split_stretch(stretch: Vec<Placed>, usual_tracking: f64) -> Vec<Vec<Placed>> {
    let mut words: Vec<Vec<Placed>> = Vec::new();
    let tracking = find_tracking(&stretch, usual_tracking);
    let mut word: Vec<Placed> = Vec::new();
    let mut blank = false;
    for letter in stretch {
        if is_blank(&letter) {
            blank = true;
            continue;
        }
        if let Some(last) = word.last() {
            let size = last.letter.size.min(letter.letter.size);
            let gap = letter.along - last.along_end;
            if last.letter.text == letter.letter.text && (letter.along - last.along).abs() < 0.12 * size {
                continue; // the same letter drawn twice to look bold
            }
            let wide = gap > (tracking + WORD_GAP) * size;
            if wide || blank && tracking <= 0.0 {
                words.push(std::mem::take(&mut word));
            }
        }
        blank = false;
        word.push(letter);
    }
    if !word.is_empty() {
        words.push(word);
    }
    words
}

fn is_blank(letter: &Placed) -> bool {
    letter.letter.text.chars().all(char::is_whitespace)
}

fn split_stretches(line: Vec<Placed>) -> Vec<Vec<Placed>> {
    let mut stretches: Vec<Vec<Placed>> = Vec::new();
    let mut end = f64::NEG_INFINITY;
    for letter in line {
        let far = letter.along - end > STRETCH_GAP * letter.letter.size;
        if !is_blank(&letter) {
            end = letter.along_end.max(end);
        }
        match stretches.last_mut() {
            Some(stretch) if !far => stretch.push(letter),
            _ => stretches.push(vec![letter]),
        }
    }
    stretches
}

/// Gaps between letters in sizes of the font, in ascending order.
fn gaps(stretch: &[Placed]) -> Vec<f64> {
    let letters: Vec<&Placed> = stretch.iter().filter(|l| !is_blank(l)).collect();
    let pairs = letters.iter().zip(letters.iter().skip(1));
    let mut gaps: Vec<f64> =
        pairs.map(|(a, b)| (b.along - a.along_end) / a.letter.size.min(b.letter.size)).collect();
    gaps.sort_by(f64::total_cmp);
    gaps
}

fn middle(sorted: &[f64]) -> f64 {
    sorted.get(sorted.len() / 2).copied().unwrap_or(0.0)
}

/// A stretch with fewer gaps cannot tell by itself whether its letters are set apart.
const TELLING_GAPS: usize = 4;
/// Letters with gaps above this share of the size are set apart.
const SET_APART: f64 = 0.1;

/// The gap between letters that is usual on a page where most text is set apart; else 0.
fn usual_tracking(stretches: &[Vec<Placed>]) -> f64 {
    let mut middles: Vec<f64> =
        stretches.iter().map(|s| gaps(s)).filter(|g| g.len() >= TELLING_GAPS).map(|g| middle(&g)).collect();
    middles.sort_by(f64::total_cmp);
    let usual = middle(&middles);
    if usual > SET_APART { usual } else { 0.0 }
}

/// The gap between the letters of a stretch in sizes of the font, if they are set apart; else 0.
fn find_tracking(stretch: &[Placed], usual: f64) -> f64 {
    let gaps = gaps(stretch);
    if gaps.len() >= TELLING_GAPS {
        let middle = middle(&gaps);
        return if middle > SET_APART { middle } else { 0.0 };
    }
    let least = gaps.first().copied().unwrap_or(0.0);
    if least > SET_APART { usual } else { 0.0 }
}

fn make_word(letters: &[Placed], sin: f64, cos: f64, page: Box2) -> Option<Word> {
    let text: String = letters.iter().map(|l| l.letter.text.as_str()).collect();
    let text: String = text.chars().filter(|c| !c.is_whitespace() && !c.is_control()).collect();
    let first = letters.first()?;
    let size = letters.iter().map(|l| l.letter.size).fold(0.0, f64::max);
    let end = letters.iter().map(|l| l.along_end).fold(first.along, f64::max);
    let back = |along: f64, across: f64| Point::new(along * cos - across * sin, along * sin + across * cos);
    let top = first.across - ASCENT * size;
    let bottom = first.across + DESCENT * size;
    let bounds = Box2::from_points(back(first.along, top), back(end, bottom))
        .union(Box2::from_points(back(first.along, bottom), back(end, top)));
    if text.is_empty() || !page.contains(bounds.center()) {
        return None;
    }
    let invisible = letters.iter().all(|l| l.letter.invisible);
    Some(Word {
        text,
        bbox: fractions(bounds, page),
        confidence: if invisible { 0.9 } else { 1.0 },
        size_pt: size as f32,
        bold: letters.iter().filter(|l| l.letter.bold).count() * 2 > letters.len(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(text: &[(&str, f64, f64)]) -> Vec<String> {
        let letters = text
            .iter()
            .map(|(t, x, end)| Letter {
                text: (*t).to_owned(),
                start: Point::new(*x, 100.0),
                end: Point::new(*end, 100.0),
                size: 10.0,
                bold: false,
                invisible: false,
            })
            .collect();
        find_words(letters, Box2::new(0.0, 0.0, 600.0, 800.0)).into_iter().map(|w| w.text).collect()
    }

    #[test]
    fn letters_become_words_by_place() {
        // in odd order
        assert_eq!(line(&[("b", 15.0, 20.0), ("a", 10.0, 15.0), ("c", 40.0, 45.0)]), ["ab", "c"]);
        // a blank ends a word even where the gap is small
        assert_eq!(line(&[("a", 10.0, 15.0), (" ", 15.0, 16.0), ("b", 16.0, 21.0)]), ["a", "b"]);
        // letters set apart stay together, wider gaps part them
        let places = [0., 7., 14., 27., 34., 41., 48.];
        let spaced: Vec<_> = ["N", "e", "t", "3", "0", "1", "2"]
            .iter()
            .zip(places)
            .map(|(t, x)| (*t, x + 10.0, x + 15.0))
            .collect();
        assert_eq!(line(&spaced), ["Net", "3012"]);
        // drawn twice
        assert_eq!(line(&[("a", 10.0, 15.0), ("a", 10.3, 15.3), ("b", 15.3, 20.0)]), ["ab"]);
    }
}
