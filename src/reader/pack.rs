//! Stretches of text packed into dense lines, so that OCR is given ink and little else.
//!
//! The cost of Tesseract's network goes with the length of a line, white gaps included. Stretches of like size are
//! painted side by side, baselines level, wide gaps closed, and each word finds its way back to the page.
//! Limits: length of one line.

use super::{
    ink::Bounds,
    lines::{Stretch, find_stretches, height, unite},
    ocr::Seen,
};
use image::{GrayImage, Luma, imageops};

/// White between two stretches of a packed line, in heights of letters.
const GAP_PACKED: f32 = 1.0;
/// Room above and below the letters of a line, in their height.
const ROOM_ABOVE: f32 = 0.25;
const ROOM_BELOW: f32 = 0.40;
/// What reaches further above or below the baseline is no part of a letter, in their height.
const REACH_ABOVE: f32 = 1.6;
const REACH_BELOW: f32 = 0.6;
/// So much around a letter belongs to it, in heights of letters.
const EDGE: f32 = 0.13;
/// Stretches whose letters differ more in height are not packed together.
const LIKE_HEIGHT: f32 = 1.2;
/// How much higher capitals are than small letters, and how many letters may all be small ones.
const SMALL_LETTERS: f32 = 1.6;
const FEW_LETTERS: usize = 6;
/// A packed line is at most so long, in heights of its letters.
const LINE_LENGTH_MAX: f32 = 90.0;
/// Ink belongs to a word if it is at most so far beyond its ends, in heights of letters.
const BEYOND: f32 = 0.7;

/// A line of stretches, ready for OCR.
pub(super) struct Line {
    pub(super) image: GrayImage,
    pub(super) dpi: f32,
    pieces: Vec<Piece>,
}

/// A stretch as it stands in a packed line.
struct Piece {
    stretch: Stretch,
    /// How far right of its place on the page it stands in the line.
    shift: f32,
}

/// Cuts a page with the given shapes into packed lines. None if letters cannot be told from noise.
pub(super) fn pack(gray: &GrayImage, shapes: &[Bounds], dpi: f32) -> Vec<Line> {
    let mut lines: Vec<Vec<Stretch>> = Vec::new();
    for stretch in find_stretches(shapes, dpi) {
        match lines.last_mut() {
            Some(line) if fits(line, &stretch) => line.push(stretch),
            _ => lines.push(vec![stretch]),
        }
    }
    lines.into_iter().map(|line| paint(gray, line, dpi)).collect()
}

fn fits(line: &[Stretch], stretch: &Stretch) -> bool {
    let tall = line.first().map_or(1.0, |s| s.height);
    let length = |s: &Stretch| s.bounds[2] - s.bounds[0] + tall * GAP_PACKED;
    // a few letters may all be small ones
    let most = if stretch.letters <= FEW_LETTERS { SMALL_LETTERS } else { LIKE_HEIGHT };
    (1.0 / LIKE_HEIGHT..most).contains(&(tall / stretch.height))
        && line.iter().map(length).sum::<f32>() + length(stretch) < LINE_LENGTH_MAX * tall
}

fn paint(gray: &GrayImage, mut stretches: Vec<Stretch>, dpi: f32) -> Line {
    for Stretch { bounds: [_, top, _, bottom], baseline, height, .. } in &mut stretches {
        *top = top.max(*baseline - *height * REACH_ABOVE);
        *bottom = bottom.min(*baseline + *height * REACH_BELOW);
    }
    let tall = stretches.iter().map(|s| s.height).fold(0.0, f32::max);
    let above =
        stretches.iter().map(|s| s.baseline - s.bounds[1] + 3.0).fold(tall * (1.0 + ROOM_ABOVE), f32::max);
    let below = stretches.iter().map(|s| s.bounds[3] - s.baseline + 3.0).fold(tall * ROOM_BELOW, f32::max);
    let gap = (tall * GAP_PACKED).round();
    let width = stretches.iter().map(|s| s.bounds[2] - s.bounds[0] + gap).sum::<f32>() + gap;
    let mut image = GrayImage::from_pixel(width.ceil() as u32, (above + below).ceil() as u32, Luma([255]));
    let mut line_x = gap;
    let mut pieces = Vec::with_capacity(stretches.len());
    for stretch in stretches {
        let [x0, y0, x1, y1] = stretch.bounds;
        let margin = (stretch.height * EDGE).max(2.0).round();
        let (left, top) = ((x0 - margin).max(0.0), (y0 - margin).max(0.0));
        let (right, bottom) =
            ((x1 + margin).min(gray.width() as f32), (y1 + margin).min(gray.height() as f32));
        let line_y = (above - (stretch.baseline - top)).round();
        // columns with ink only: what stands between the letters is no letter
        for (start, end) in columns(&stretch.shapes, margin) {
            let (start, end) = (start.max(left), end.min(right));
            let (width, tall) = ((end - start).max(1.0), (bottom - top).max(1.0));
            let part = imageops::crop_imm(gray, start as u32, top as u32, width as u32, tall as u32);
            imageops::replace(&mut image, &*part, (line_x + start - left) as i64, line_y as i64);
        }
        pieces.push(Piece { stretch, shift: line_x - left });
        line_x += (x1 - x0) + gap;
    }
    Line { image, dpi, pieces }
}

/// The columns that ink stands in, with a margin, from left to right.
fn columns(shapes: &[Bounds], margin: f32) -> Vec<(f32, f32)> {
    let mut spans: Vec<(f32, f32)> = shapes.iter().map(|s| (s[0] - margin, s[2] + margin)).collect();
    spans.sort_by(|a, b| a.0.total_cmp(&b.0));
    let mut columns: Vec<(f32, f32)> = Vec::new();
    for (start, end) in spans {
        match columns.last_mut() {
            Some(last) if start <= last.1 => last.1 = last.1.max(end),
            _ => columns.push((start.floor(), end.ceil())),
        }
    }
    columns
}

impl Line {
    /// How many letters stand in it.
    pub(super) fn letters(&self) -> usize {
        self.pieces.iter().map(|p| p.stretch.letters).sum()
    }

    /// Words of the packed line as words of the page. Tesseract tells only roughly where a word ends: it ends at the
    /// widest blank near there. Words without ink, and those that run over two stretches, are left out.
    pub(super) fn place(&self, mut words: Vec<Seen>) -> Vec<Seen> {
        words.sort_by(|a, b| a.bounds[0].total_cmp(&b.bounds[0]));
        let strokes = self.strokes();
        let height = self.pieces.first().map_or(1.0, |p| p.stretch.height);
        let pairs = words.iter().zip(words.iter().skip(1));
        let mut ends: Vec<f32> =
            pairs.map(|(a, b)| find_blank(&strokes, a.bounds, b.bounds, height)).collect();
        ends.push(f32::MAX);
        let mut strokes = strokes.into_iter().peekable();
        let mut placed = Vec::with_capacity(words.len());
        for (mut word, end) in words.into_iter().zip(ends) {
            let mut own: Vec<Stroke> = Vec::new();
            while let Some(stroke) = strokes.next_if(|s| s.middle() < end) {
                own.push(stroke);
            }
            // what Tesseract did not tell of is left to a second look
            let reach = height * BEYOND;
            own.retain(|s| s.end > word.bounds[0] - reach && s.start < word.bounds[2] + reach);
            let Some(home) = own.first().map(|s| s.piece) else { continue };
            let Some(piece) = self.pieces.get(home).filter(|_| own.iter().all(|s| s.piece == home)) else {
                continue;
            };
            let ink = own.iter().map(|s| s.ink).reduce(unite);
            word.bounds = piece.upright(ink.unwrap_or(piece.stretch.bounds));
            placed.push(word);
        }
        placed
    }

    /// The ink of the line from left to right; what stands above one another is one.
    fn strokes(&self) -> Vec<Stroke> {
        let mut strokes: Vec<Stroke> = Vec::new();
        for (number, piece) in self.pieces.iter().enumerate() {
            let mut shapes: Vec<&Bounds> = piece.stretch.shapes.iter().collect();
            shapes.sort_by(|a, b| a[0].total_cmp(&b[0]));
            for shape in shapes {
                let (start, end) = (shape[0] + piece.shift, shape[2] + piece.shift);
                match strokes.last_mut() {
                    Some(last) if last.piece == number && start < last.end => {
                        last.end = last.end.max(end);
                        last.ink = unite(last.ink, *shape);
                    }
                    _ => strokes.push(Stroke { start, end, ink: *shape, piece: number }),
                }
            }
        }
        strokes
    }
}

/// Ink of a packed line that stands in the same columns.
struct Stroke {
    start: f32,
    end: f32,
    /// On the page.
    ink: Bounds,
    piece: usize,
}

impl Stroke {
    fn middle(&self) -> f32 {
        f32::midpoint(self.start, self.end)
    }
}

/// Where a word ends and the next begins: in the widest blank near the place that Tesseract tells.
fn find_blank(strokes: &[Stroke], word: Bounds, next: Bounds, height: f32) -> f32 {
    // at times a word is said to end where the line does
    let end = word[2].min(next[0]);
    let told = f32::midpoint(end, next[0]);
    let (from, to) = (
        (told - height).max(f32::midpoint(word[0], end)),
        (told + height).min(f32::midpoint(next[0], next[2])),
    );
    let first = strokes.partition_point(|s| s.end < from);
    let near = strokes.iter().skip(first.saturating_sub(1)).take_while(|s| s.start < to + height);
    let pairs = near.clone().zip(near.skip(1));
    let blanks = pairs.map(|(a, b)| (f32::midpoint(a.end, b.start), b.start - a.end));
    let worth = |(middle, width): (f32, f32)| width - 0.4 * (middle - told).abs();
    blanks
        .filter(|(middle, _)| (from..to).contains(middle))
        .max_by(|a, b| worth(*a).total_cmp(&worth(*b)))
        .map_or(told, |(middle, _)| middle)
}

impl Piece {
    /// The box of a word whose ink may be a dash or a dot: as high as the letters around it.
    fn upright(&self, ink: Bounds) -> Bounds {
        let letter = 0.5 * self.stretch.height;
        if height(&ink) >= letter {
            return ink;
        }
        let reach = 4.0 * self.stretch.height;
        let around = |s: &&Bounds| s[2] > ink[0] - reach && s[0] < ink[2] + reach && height(s) >= letter;
        let near = self.stretch.shapes.iter().filter(around);
        let (top, bottom) = near.fold((ink[1], ink[3]), |(t, b), s| (t.min(s[1]), b.max(s[3])));
        [ink[0], top, ink[2], bottom]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A page with boxes of ink for letters.
    fn page(letters: &[Bounds]) -> GrayImage {
        let mut page = GrayImage::from_pixel(900, 200, Luma([255]));
        for letter in letters {
            let [x0, y0, x1, y1] = letter.map(|v| v as u32);
            for (x, y) in (y0..y1).flat_map(|y| (x0..x1).map(move |x| (x, y))) {
                page.put_pixel(x, y, Luma([0]));
            }
        }
        page
    }

    /// Two digits at the left, one far right of them, and two in the next row.
    const LETTERS: [Bounds; 5] = [
        [10.0, 30.0, 22.0, 50.0],
        [26.0, 30.0, 38.0, 50.0],
        [800.0, 30.0, 812.0, 50.0],
        [10.0, 70.0, 22.0, 90.0],
        [40.0, 70.0, 52.0, 90.0],
    ];

    fn seen(text: &str, x0: f32, x1: f32) -> Seen {
        Seen {
            text: text.into(),
            bounds: [x0, 0.0, x1, 30.0],
            raw_confidence: 90.0,
            by: crate::reader::ocr::Reader::Tesseract,
        }
    }

    #[test]
    fn gaps_are_closed_and_ink_is_kept() {
        let gray = page(&LETTERS);
        let lines = pack(&gray, &LETTERS, 300.0);
        let [line] = lines.as_slice() else { panic!("{} lines", lines.len()) };
        let ink = |image: &GrayImage| image.pixels().filter(|p| p.0 == [0]).count();
        assert_eq!((line.letters(), ink(&line.image)), (5, ink(&gray)));
        assert!(line.image.width() < 250, "{} pixels wide", line.image.width());
    }

    #[test]
    fn words_find_their_way_back() {
        let gray = page(&LETTERS);
        let lines = pack(&gray, &LETTERS, 300.0);
        // 28 digits of 20 and gaps of 20 between stretches: 23..51, 71..83, 103..145
        for (what, words, expected) in [
            ("a word each", vec![seen("12", 22.0, 50.0), seen("3", 73.0, 84.0)], vec![LETTERS[2]]),
            ("ends told roughly", vec![seen("12", 22.0, 60.0), seen("3", 55.0, 84.0)], vec![LETTERS[2]]),
            ("over two stretches", vec![seen("123", 22.0, 84.0)], vec![]),
            ("white", vec![seen("x", 300.0, 320.0)], vec![]),
        ] {
            let placed: Vec<Bounds> = lines[0].place(words).iter().map(|w| w.bounds).collect();
            let first = if expected.is_empty() { vec![] } else { vec![[10.0, 30.0, 38.0, 50.0]] };
            assert!(placed == [first, expected].concat(), "{what}: {placed:?}");
        }
    }

    #[test]
    fn a_dash_is_as_high_as_its_neighbours() {
        let shapes = vec![[0.0, 30.0, 12.0, 50.0], [20.0, 38.0, 30.0, 41.0], [38.0, 30.0, 50.0, 50.0]];
        let stretch =
            Stretch { shapes, letters: 3, bounds: [0.0, 30.0, 50.0, 50.0], height: 20.0, baseline: 50.0 };
        let piece = Piece { stretch, shift: 0.0 };
        let [_, top, _, bottom] = piece.upright([20.0, 38.0, 30.0, 41.0]).map(|v| v as u32);
        assert_eq!((top, bottom), (30, 50));
    }
}
