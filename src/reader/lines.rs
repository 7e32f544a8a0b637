//! Stretches of text on an upright page: connected shapes that stand side by side on one baseline.
//!
//! Tesseract's layout analysis is slow, and drops lone digits in columns; this needs no more than the boxes of shapes.
//! Limits: letters of one page, stretches that are open at a time.

use super::ink::{Bounds, Index};

/// A letter or digit is at least so high, in inches: small letters of 5 points.
const LETTER_HEIGHT_MIN_IN: f32 = 0.03;
/// What is higher is a picture, in inches.
const LETTER_HEIGHT_MAX_IN: f32 = 0.5;
/// What stands alone and is higher is a logo, in inches.
const LONE_HEIGHT_MAX_IN: f32 = 0.25;
/// Letters that touch are at most so wide, in their height.
const LETTERS_JOINED_MAX: f32 = 15.0;
/// Smaller shapes are noise, in inches.
const MARK_MIN_IN: f32 = 0.006;
/// Pages with more letters are pictures or noise.
const LETTERS_MAX: usize = 15_000;
/// So many stretches are open to further letters at a time.
const OPEN_MAX: usize = 500;
/// A gap that is wider ends a stretch, in heights of its letters.
const GAP_MAX: f32 = 1.3;
/// How much higher capitals are than small letters.
const SMALL_LETTERS: f32 = 1.6;
/// Letters of one size differ in height at most so much.
const ONE_SIZE: f32 = 2.4;
/// What is narrower than this share of its height, and stands out above and below the letters next to it by so much
/// of theirs, is what was left of a ruling line.
const SLIM: f32 = 0.2;
const STANDS_OUT: f32 = 0.12;
/// What is smaller than this share of the letters next to it, and has at most so many letters, is a mark of theirs.
const SMALL_PRINT: f32 = 0.6;
const SMALL_PRINT_LETTERS_MAX: usize = 2;
/// How far marks may stand beside, above and below letters, in heights of these.
const MARKS_BESIDE: f32 = 0.7;
const MARKS_ABOVE: f32 = 0.4;
const MARKS_BELOW: f32 = 0.3;

/// Neighbouring letters on one baseline, with what belongs to them: dots, accents, commas, hyphens.
pub(super) struct Stretch {
    pub(super) shapes: Vec<Bounds>,
    pub(super) letters: usize,
    pub(super) bounds: Bounds,
    /// Height of capitals and digits, as far as can be told.
    pub(super) height: f32,
    pub(super) baseline: f32,
}

/// The stretches of a page, row by row, each from left to right. None if letters cannot be told from noise.
pub(super) fn find_stretches(shapes: &[Bounds], dpi: f32) -> Vec<Stretch> {
    let is_letter = |b: &&Bounds| {
        (LETTER_HEIGHT_MIN_IN * dpi..LETTER_HEIGHT_MAX_IN * dpi).contains(&height(b))
            && (MARK_MIN_IN * dpi..LETTERS_JOINED_MAX * height(b)).contains(&(b[2] - b[0]))
    };
    let (mut letters, marks): (Vec<&Bounds>, Vec<&Bounds>) = shapes.iter().partition(is_letter);
    if letters.len() > LETTERS_MAX {
        return Vec::new();
    }
    letters.sort_by(|a, b| a[0].total_cmp(&b[0]));
    let mut stretches = take_in_small_print(join_letters(&letters, dpi), dpi);
    add_marks(&mut stretches, &marks, dpi);
    in_reading_order(stretches)
}

/// Puts letters together that are sorted from left to right.
fn join_letters(letters: &[&Bounds], dpi: f32) -> Vec<Stretch> {
    let mut done: Vec<Stretch> = Vec::new();
    let mut open: Vec<Stretch> = Vec::new();
    for letter in letters {
        let [left, ..] = **letter;
        done.extend(open.extract_if(.., |s| s.bounds[2] + s.height * GAP_MAX * ONE_SIZE < left));
        // what is left of a ruling line parts what stands on either side
        let before = done.len();
        done.extend(open.extract_if(.., |s| is_bar(letter, s.level())));
        if done.len() > before {
            continue;
        }
        let gap = |s: &Stretch| left - s.bounds[2];
        let near = open.iter_mut().filter(|s| s.takes(letter)).min_by(|a, b| gap(a).total_cmp(&gap(b)));
        match near {
            Some(stretch) => stretch.add(letter),
            None => open.push(Stretch::new(letter)),
        }
        if open.len() > OPEN_MAX {
            done.push(open.remove(0));
        }
    }
    done.extend(open);
    done.retain(|s| s.letters > 1 || s.height < LONE_HEIGHT_MAX_IN * dpi);
    for stretch in &mut done {
        stretch.measure();
    }
    done
}

pub(super) fn height([_, top, _, bottom]: &Bounds) -> f32 {
    bottom - top
}

pub(super) fn unite(a: Bounds, b: Bounds) -> Bounds {
    [a[0].min(b[0]), a[1].min(b[1]), a[2].max(b[2]), a[3].max(b[3])]
}

impl Stretch {
    fn new(letter: &Bounds) -> Self {
        Self {
            shapes: vec![*letter],
            letters: 1,
            bounds: *letter,
            height: height(letter),
            baseline: letter[3],
        }
    }

    /// Where marks of it may stand.
    fn reach(&self) -> Bounds {
        let [x0, y0, x1, y1] = self.bounds;
        let h = self.height;
        [x0 - MARKS_BESIDE * h, y0 - MARKS_ABOVE * h, x1 + MARKS_BESIDE * h, y1 + MARKS_BELOW * h]
    }

    /// Top and bottom of its last letters: it may climb a little. One that stands out does not count.
    fn level(&self) -> (f32, f32) {
        const RECENT: usize = 5;
        let recent = || self.shapes.iter().rev().take(RECENT);
        let mut tops: Vec<f32> = recent().map(|[_, top, ..]| *top).collect();
        let mut bottoms: Vec<f32> = recent().map(|[.., bottom]| *bottom).collect();
        tops.sort_by(f32::total_cmp);
        bottoms.sort_by(|a, b| b.total_cmp(a));
        let second = |edges: Vec<f32>| edges.get(usize::from(edges.len() > 2)).copied().unwrap_or_default();
        (second(tops), second(bottoms))
    }

    /// Whether a letter right of it goes on with it.
    fn takes(&self, letter: &Bounds) -> bool {
        let (own, other) = (self.height, height(letter));
        let (tall, short) = (own.max(other), own.min(other));
        let (top, bottom) = self.level();
        let gap = letter[0] - self.bounds[2];
        let hangs = letter[1] > bottom - 0.4 * own && letter[1] < bottom;
        let is_raised = letter[3] < bottom - 0.4 * own && letter[3] > top;
        if self.letters > 1 && other < SMALL_PRINT * own && (hangs || is_raised) {
            // a comma, a raised figure
            return gap < 0.5 * own;
        }
        let overlap = bottom.min(letter[3]) - top.max(letter[1]);
        // what comes first may be a logo: if it is much larger or smaller, it stands on the same line at least
        let is_level = self.letters > 1
            || tall < short * SMALL_LETTERS
            || tall < short * SMALL_LETTERS * 1.25 && (bottom - letter[3]).abs() < 0.35 * short;
        is_level
            && tall <= short * ONE_SIZE
            && gap <= GAP_MAX * tall.min(short * 2.0)
            && overlap >= 0.5 * other.min(bottom - top)
            && !(self.letters == 1 && is_bar(&self.bounds, (letter[1], letter[3])))
    }

    fn add(&mut self, letter: &Bounds) {
        self.shapes.push(*letter);
        self.letters += 1;
        self.bounds = unite(self.bounds, *letter);
        // mostly the height of its letters, and that of capitals where there are some
        self.height = self.height.max(height(letter)).min(self.height * 1.3);
    }

    /// Finds the baseline and the height of its capitals.
    fn measure(&mut self) {
        let mut feet: Vec<f32> = self.shapes.iter().map(|s| s[3]).collect();
        feet.sort_by(f32::total_cmp);
        self.baseline = feet.get(feet.len() / 2).copied().unwrap_or(self.bounds[3]);
        let mut heights: Vec<f32> = self.shapes.iter().map(|s| self.baseline - s[1]).collect();
        heights.sort_by(f32::total_cmp);
        self.height = heights.get(heights.len() * 9 / 10).copied().unwrap_or(1.0).max(1.0);
    }
}

/// Whether a shape is what was left of a ruling line next to letters that reach from top to bottom.
fn is_bar(shape: &Bounds, (top, bottom): (f32, f32)) -> bool {
    let out = STANDS_OUT * (bottom - top);
    shape[2] - shape[0] < SLIM * height(shape) && shape[1] < top - out && shape[3] > bottom + out
}

/// Commas and raised figures of large print are as large as letters of small print: gives them to the stretch that
/// they stand next to.
fn take_in_small_print(stretches: Vec<Stretch>, dpi: f32) -> Vec<Stretch> {
    let index = Index::new(stretches.iter().map(Stretch::reach), dpi.max(1.0) * 0.5);
    let larger = |number: usize, stretch: &Stretch| {
        let [x0, y0, x1, y1] = stretch.bounds;
        let (x, y) = (f32::midpoint(x0, x1), f32::midpoint(y0, y1));
        index
            .near((x, y))
            .filter(|(other, [a, b, c, d])| {
                *other != number && (*a..*c).contains(&x) && (*b..*d).contains(&y)
            })
            .map(|(other, _)| other)
            .find(|other| stretches.get(*other).is_some_and(|other| y1 - y0 < SMALL_PRINT * other.height))
    };
    let small = |s: &Stretch| s.letters <= SMALL_PRINT_LETTERS_MAX;
    let homes: Vec<Option<usize>> =
        (0..).zip(&stretches).map(|(at, s)| if small(s) { larger(at, s) } else { None }).collect();
    let mut kept: Vec<Option<Stretch>> = stretches.into_iter().map(Some).collect();
    for (at, home) in homes.iter().enumerate() {
        let Some(mut end) = *home else { continue };
        // a home is larger than its guest, so this ends
        while let Some(next) = homes.get(end).copied().flatten() {
            end = next;
        }
        let Some(guest) = kept.get_mut(at).and_then(Option::take) else { continue };
        if let Some(Some(host)) = kept.get_mut(end) {
            host.bounds = unite(host.bounds, guest.bounds);
            host.shapes.extend(guest.shapes);
        }
    }
    kept.into_iter().flatten().collect()
}

/// Gives dots, accents, commas and hyphens to the stretch that they stand in or next to.
fn add_marks(stretches: &mut [Stretch], marks: &[&Bounds], dpi: f32) {
    let index = Index::new(stretches.iter().map(Stretch::reach), dpi.max(1.0) * 0.5);
    for mark in marks {
        let (width, tall) = (mark[2] - mark[0], height(mark));
        if width.min(tall) < MARK_MIN_IN * dpi * 0.5 || width.max(tall) < MARK_MIN_IN * dpi {
            continue;
        }
        let (x, y) = (f32::midpoint(mark[0], mark[2]), f32::midpoint(mark[1], mark[3]));
        let middle = |b: &Bounds| (f32::midpoint(b[1], b[3]) - y).abs();
        let inside = index
            .near((x, y))
            .filter(|(_, [a, b, c, d])| (*a..*c).contains(&x) && (*b..*d).contains(&y))
            .min_by(|(_, a), (_, b)| middle(a).total_cmp(&middle(b)));
        if let Some((number, _)) = inside
            && let Some(stretch) = stretches.get_mut(number)
            && width < 2.0 * stretch.height.max(1.0)
            && tall < 1.2 * stretch.height
        {
            stretch.shapes.push(**mark);
            stretch.bounds = unite(stretch.bounds, **mark);
        }
    }
}

/// Row by row, each from left to right.
fn in_reading_order(mut stretches: Vec<Stretch>) -> Vec<Stretch> {
    stretches.sort_by(|a, b| a.baseline.total_cmp(&b.baseline));
    let mut rows: Vec<Vec<Stretch>> = Vec::new();
    for stretch in stretches {
        match rows.last_mut() {
            Some(row)
                if row.first().is_some_and(|first| {
                    stretch.baseline - first.baseline < 0.5 * first.height.min(stretch.height)
                }) =>
            {
                row.push(stretch);
            }
            _ => rows.push(vec![stretch]),
        }
    }
    for row in &mut rows {
        row.sort_by(|a, b| a.bounds[0].total_cmp(&b.bounds[0]));
    }
    rows.into_iter().flatten().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Letters 20 high and 12 wide, one after the other from `x` on; the gaps before them.
    fn word(x: f32, baseline: f32, gaps: &[f32]) -> Vec<Bounds> {
        let mut x = x;
        let letter = |gap: &f32| {
            x += gap + 12.0;
            [x - 12.0, baseline - 20.0, x, baseline]
        };
        gaps.iter().map(letter).collect()
    }

    #[test]
    fn letters_side_by_side_are_a_stretch() {
        for (what, shapes, expected) in [
            ("two words", word(10.0, 50.0, &[0.0, 3.0, 10.0, 3.0]), vec![4]),
            ("two columns", word(10.0, 50.0, &[0.0, 3.0, 60.0, 3.0]), vec![2, 2]),
            ("two rows", [word(10.0, 50.0, &[0.0, 3.0]), word(12.0, 80.0, &[0.0])].concat(), vec![2, 1]),
            ("a lone digit", word(300.0, 50.0, &[0.0]), vec![1]),
            ("a comma", [word(10.0, 50.0, &[0.0, 9.0]), vec![[24.0, 45.0, 29.0, 55.0]]].concat(), vec![3]),
            ("a bar", [word(10.0, 50.0, &[0.0, 16.0]), vec![[28.0, 20.0, 31.0, 70.0]]].concat(), vec![1, 1]),
            ("a speck", [word(10.0, 50.0, &[0.0]), vec![[200.0, 40.0, 204.0, 44.0]]].concat(), vec![1]),
        ] {
            let found: Vec<usize> = find_stretches(&shapes, 300.0).iter().map(|s| s.shapes.len()).collect();
            assert_eq!(found, expected, "{what}");
        }
    }

    #[test]
    fn noise_is_no_text() {
        let noise: Vec<Bounds> = (0..=LETTERS_MAX).map(|i| [i as f32, 0.0, i as f32 + 10.0, 20.0]).collect();
        assert!(find_stretches(&noise, 300.0).is_empty());
    }
}
