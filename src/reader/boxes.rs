//! Check boxes: found among the pixels of a straight page and taken away, so that OCR reads no letters into them, or
//! among the shapes that a PDF draws; and set among the words as `☐` and `☒`.
//!
//! A box is a small square whose four sides are ink and whose corners are closed, so that no letter is one. It is ticked
//! if there is ink inside. Boxes in a row that touch one another are cells for letters; they stay as they are.
//! Cost: a fixed number of looks at each short dark run.

use crate::model::page::{Rect, Word};
use image::{GrayImage, Luma};
use std::ops::{Range, RangeInclusive};

/// A check box.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct CheckBox<T> {
    /// Left, top, right, bottom.
    pub(super) bounds: T,
    pub(super) ticked: bool,
}

/// Sides of a box, in inches.
pub(super) const SIDE_IN: RangeInclusive<f32> = 0.078..=0.25;
/// How much longer one side of a box may be than another.
const OBLONG: f32 = 1.3;
/// Darker than this is ink; the paper is white. Thin lines of a scan of few dots an inch are paler.
const INK_BELOW: [u8; 2] = [176, 208];
/// Share of a side that is ink.
const CLOSED: f32 = 0.9;
/// Share of a side beyond which strokes of a pen go on at most.
const CROSSED: f32 = 0.4;
/// Share of each side that is ink where a pen went across it.
const CROSSED_SIDES: f32 = 0.8;
/// How far from a box the others of its set may stand, in its sides: in its line, and above and below.
const BESIDE: u32 = 30;
const BELOW: u32 = 5;
/// Room before a box and behind it, in shares of its side.
const ROOM_BEFORE: f32 = 0.4;
const ROOM_BEHIND: f32 = 0.25;
/// No pen goes so far: where there is more ink than this share of the height before a box, it is a letter of a word.
const PEN_REACH: f32 = 0.3;
const WORD_REACH: f32 = 0.7;
const IN_WORD_FROM: f32 = 0.15;
/// Share of the inside of a box that is ink from which it is ticked.
const TICKED_FROM: f32 = 0.07;
/// Share of the inside from which a square is solid.
const SOLID_FROM: f32 = 0.9;
/// Share of a side that the way to the next box must have; what is nearer is a cell for the next letter.
const APART: f32 = 0.3;
/// Signs that tick a box.
const CROSSES: [char; 12] = ['x', 'X', '×', '✓', '✔', '✗', '✘', '✕', '✖', '●', '■', '√'];
/// Boxes of one page.
const BOXES_MAX: usize = 500;
/// How far from a box its option may stand, in inches.
const OPTION_IN: f32 = 0.4;
/// Points in an inch.
const POINTS: f32 = 72.0;

/// Left, top, right and bottom of a square, in pixels of the page.
type Square = [u32; 4];

/// Finds the check boxes and paints them over with paper.
pub(super) fn take_boxes(gray: &mut GrayImage, dpi: f32) -> Vec<CheckBox<Square>> {
    let mut found = INK_BELOW.iter().map(|below| Ink { gray, below: *below }.find_boxes(dpi));
    let boxes = found.find(|boxes| !boxes.is_empty()).unwrap_or_default();
    for CheckBox { bounds: [x0, y0, x1, y1], ticked } in &boxes {
        // a pen goes beyond the sides
        let beyond = if *ticked { (x1 - x0) / 4 } else { 1 };
        for y in y0.saturating_sub(beyond)..(y1 + beyond).min(gray.height()) {
            for x in x0.saturating_sub(beyond)..(x1 + beyond).min(gray.width()) {
                gray.put_pixel(x, y, Luma([255]));
            }
        }
    }
    boxes
}

/// The boxes that touch none beside them: those are cells for letters. `place` gives left, top, right and bottom.
pub(super) fn without_cells<T>(boxes: Vec<CheckBox<T>>, place: impl Fn(&T) -> [f32; 4]) -> Vec<CheckBox<T>> {
    let places: Vec<[f32; 4]> = boxes.iter().map(|found| place(&found.bounds)).collect();
    let alone = |own: usize, [x0, y0, x1, y1]: [f32; 4]| {
        !places.iter().enumerate().any(|(at, other)| {
            let level = other[1] < y1 && y0 < other[3];
            let gap = (other[0] - x1).max(x0 - other[2]);
            at != own && level && gap < APART * (x1 - x0)
        })
    };
    let kept = boxes.into_iter().zip(&places).enumerate().filter(|(at, (_, place))| alone(*at, **place));
    kept.map(|(_, (found, _))| found).collect()
}

/// Whether two boxes are those of two options: of one size, beside or below one another.
fn is_set(one: Square, other: Square) -> bool {
    let [side, its_side] = [one, other].map(|[x0, _, x1, _]| x1 - x0);
    let in_line = |from: u32, to: u32| from.abs_diff(to) * 3 <= side;
    one != other
        && side.abs_diff(its_side) * 5 <= side
        && (in_line(one[0], other[0]) || in_line(one[1], other[1]))
}

fn overlap(one: Square, other: Square) -> bool {
    one[0] < other[2] && other[0] < one[2] && one[1] < other[3] && other[1] < one[3]
}

fn around(middle: u32, far: u32) -> RangeInclusive<u32> {
    middle.saturating_sub(far)..=middle + far
}

/// A dark run of one row.
#[derive(Clone, Copy)]
struct Run {
    start: u32,
    end: u32,
}

/// A page whose ink is what is darker than a level.
struct Ink<'a> {
    gray: &'a GrayImage,
    below: u8,
}

impl Ink<'_> {
    fn at(&self, x: u32, y: u32) -> bool {
        self.gray.get_pixel_checked(x, y).is_some_and(|pixel| pixel.0 < [self.below])
    }

    /// The share of the rows of a part that hold ink.
    fn rows(&self, columns: Range<u32>, rows: Range<u32>) -> f32 {
        let inked = rows.clone().filter(|y| columns.clone().any(|x| self.at(x, *y)));
        inked.count() as f32 / rows.len().max(1) as f32
    }

    /// The share of the columns of a part that hold ink.
    fn columns(&self, columns: Range<u32>, rows: Range<u32>) -> f32 {
        let inked = columns.clone().filter(|x| rows.clone().any(|y| self.at(*x, y)));
        inked.count() as f32 / columns.len().max(1) as f32
    }

    /// Check boxes in sets of two or more.
    fn find_boxes(&self, dpi: f32) -> Vec<CheckBox<Square>> {
        let mut found = self.find_squares(dpi);
        found.truncate(BOXES_MAX);
        let full: Vec<f32> = found.iter().map(|bounds| self.inside(*bounds)).collect();
        let boxes = found.iter().zip(&full);
        let boxes = boxes.map(|(bounds, ink)| CheckBox { bounds: *bounds, ticked: *ink >= TICKED_FROM });
        let mut boxes = without_cells(boxes.collect(), |bounds| bounds.map(|v| v as f32));
        let empty: Vec<_> = boxes.iter().filter(|found| !found.ticked).copied().collect();
        let crossed = self.find_crossed(&empty, &boxes);
        boxes.extend(crossed);
        // an empty box beside it tells a ticked one from a letter or a bullet
        let is_option = |one: &&CheckBox<Square>| {
            boxes.iter().any(|other| !(one.ticked && other.ticked) && is_set(one.bounds, other.bounds))
        };
        boxes.iter().filter(is_option).copied().collect()
    }

    /// Squares drawn with four sides, the outermost where several stand in one another.
    fn find_squares(&self, dpi: f32) -> Vec<Square> {
        let (short, long) = ((SIDE_IN.start() * dpi) as u32, (SIDE_IN.end() * dpi * OBLONG) as u32);
        let gap = (dpi / 150.0).round().max(1.0) as u32;
        let rows: Vec<Vec<Run>> = self.gray.rows().map(|row| self.runs(row, short..=long, gap)).collect();
        let mut found: Vec<Square> = Vec::new();
        for (y, tops) in (0_u32..).zip(&rows) {
            for top in tops {
                let side = top.end - top.start;
                let covered = |b: &Square| {
                    b[0] <= top.start + side / 3 && top.end <= b[2] + side / 3 && (b[1]..b[3]).contains(&y)
                };
                if found.iter().rev().take(64).any(covered) {
                    continue;
                }
                let (least, most) = ((side as f32 / OBLONG) as u32, (side as f32 * OBLONG) as u32);
                // the lowest row that closes it: a thick side has several
                let bottoms = (y + least..=y + most).rev().filter_map(|below| {
                    let slack = (side as f32 * 0.15).max(2.0) as u32;
                    let fits = |run: &&Run| {
                        run.start.abs_diff(top.start) <= slack && run.end.abs_diff(top.end) <= slack
                    };
                    let bottom = rows.get(below as usize)?.iter().find(fits)?;
                    Some([top.start.min(bottom.start), y, top.end.max(bottom.end), below + 1])
                });
                if let Some(square) = bottoms.take(8).find(|square| self.is_closed(*square)) {
                    found.push(square);
                }
            }
        }
        found
    }

    /// Dark runs of a row that may be a side of a box.
    fn runs<'p>(
        &self,
        row: impl Iterator<Item = &'p Luma<u8>>,
        length: RangeInclusive<u32>,
        gap: u32,
    ) -> Vec<Run> {
        let mut runs = Vec::new();
        let mut at: Option<Run> = None;
        let mut close = |at: Option<Run>| {
            runs.extend(at.filter(|run| length.contains(&(run.end - run.start))));
        };
        for (x, pixel) in (0_u32..).zip(row) {
            if pixel.0 >= [self.below] {
                continue;
            }
            at = match at {
                Some(run) if x <= run.end + gap => Some(Run { start: run.start, end: x + 1 }),
                before => {
                    close(before);
                    Some(Run { start: x, end: x + 1 })
                }
            };
        }
        close(at);
        runs
    }

    /// Whether a square has ink on all of its sides, to the very corners, and stands apart from letters. Strokes of a pen
    /// may cross its sides.
    fn is_closed(&self, [x0, y0, x1, y1]: Square) -> bool {
        let side = (x1 - x0) as f32;
        let share = |part: f32, least: f32| (side * part).max(least) as u32;
        let (strip, end) = (share(0.1, 2.0), share(0.16, 2.0));
        let upright = [x0..x0 + strip, x1.saturating_sub(strip)..x1].iter().all(|strip| {
            [y0..y1, y0..y0 + end, y1.saturating_sub(end)..y1]
                .iter()
                .all(|part| self.rows(strip.clone(), part.clone()) >= CLOSED)
        });
        let level = [y0..y0 + strip, y1.saturating_sub(strip)..y1].iter().all(|strip| {
            [x0..x1, x0..x0 + end, x1.saturating_sub(end)..x1]
                .iter()
                .all(|part| self.columns(part.clone(), strip.clone()) >= CLOSED)
        });
        if !(upright && level) {
            return false;
        }
        let (near, left, behind) = (share(0.08, 2.0), share(ROOM_BEFORE, 3.0), share(ROOM_BEHIND, 3.0));
        let above = y0.saturating_sub(2 * near)..y0.saturating_sub(near);
        let free = [
            self.rows(x0.saturating_sub(left)..x0.saturating_sub(near), y0..y1),
            self.rows(x1 + near..x1 + behind, y0..y1),
            self.columns(x0..x1, above),
            self.columns(x0..x1, y1 + near..y1 + 2 * near),
        ];
        let apart =
            free.iter().all(|ink| *ink < CROSSED) && free.iter().filter(|ink| **ink > 0.0).count() < 4;
        apart && !self.is_in_word([x0, y0, x1, y1])
    }

    /// The boxes in line with empty ones whose sides are hard to make out, because a pen went across them.
    fn find_crossed(&self, empty: &[CheckBox<Square>], known: &[CheckBox<Square>]) -> Vec<CheckBox<Square>> {
        let mut found: Vec<CheckBox<Square>> = Vec::new();
        for CheckBox { bounds: [x0, y0, x1, y1], .. } in empty {
            let (wide, high) = (x1 - x0, y1 - y0);
            let slack = (wide / 10).max(1);
            let places = |xs: RangeInclusive<u32>, ys: RangeInclusive<u32>| {
                xs.flat_map(move |x| ys.clone().map(move |y| [x, y, x + wide, y + high]))
            };
            let beside = places(around(*x0, BESIDE * wide), around(*y0, slack));
            let below = places(around(*x0, slack), around(*y0, BELOW * high));
            for place in beside.chain(below) {
                let is_taken = |other: &CheckBox<Square>| overlap(other.bounds, place);
                if self.sides(place) < CROSSED_SIDES || known.iter().chain(&found).any(is_taken) {
                    continue;
                }
                // the best of the places around
                let near = places(around(place[0], slack), around(place[1], slack));
                let best = near.max_by(|one, other| self.sides(*one).total_cmp(&self.sides(*other)));
                let best = best.unwrap_or(place);
                if (TICKED_FROM..SOLID_FROM).contains(&self.inside(best)) && self.has_room_before(best) {
                    found.push(CheckBox { bounds: best, ticked: true });
                }
            }
        }
        found
    }

    /// The share of the least inked of the four sides of a square.
    fn sides(&self, [x0, y0, x1, y1]: Square) -> f32 {
        let strip = ((x1 - x0) as f32 * 0.1).max(2.0) as u32;
        let middle = u32::midpoint(y0, y1);
        // most places are empty
        if !(x0..x0 + strip).any(|x| self.at(x, middle)) {
            return 0.0;
        }
        let upright = [x0, x1.saturating_sub(strip)].map(|x| self.rows(x..x + strip, y0..y1));
        let level = [y0, y1.saturating_sub(strip)].map(|y| self.columns(x0..x1, y..y + strip));
        upright.into_iter().chain(level).fold(1.0, f32::min)
    }

    /// Whether there is room before a square, as no letter of a word has.
    fn has_room_before(&self, [x0, y0, x1, y1]: Square) -> bool {
        let side = (x1 - x0) as f32;
        let (near, left) = ((side * 0.12).max(2.0) as u32, (side * ROOM_BEFORE).max(3.0) as u32);
        self.rows(x0.saturating_sub(left)..x0.saturating_sub(near), y0..y1) <= CROSSED
            && !self.is_in_word([x0, y0, x1, y1])
    }

    /// Whether a letter stands before a square, further off than a pen goes beyond a box.
    fn is_in_word(&self, [x0, y0, x1, y1]: Square) -> bool {
        let far = |share: f32| x0.saturating_sub(((x1 - x0) as f32 * share) as u32);
        self.rows(far(WORD_REACH)..far(PEN_REACH), y0..y1) >= IN_WORD_FROM
    }

    /// The share of the inside of a box that is ink.
    fn inside(&self, [x0, y0, x1, y1]: Square) -> f32 {
        let inset = |from: u32, to: u32| {
            let by = ((to - from) as f32 * 0.24).ceil() as u32;
            from + by..to.saturating_sub(by)
        };
        let (rows, columns) = (inset(y0, y1), inset(x0, x1));
        let all = rows.len() * columns.len();
        // sides that are pale at their edges make no ink inside
        let ink = Self { gray: self.gray, below: INK_BELOW[0] };
        let dark = rows.flat_map(|y| columns.clone().map(move |x| (x, y))).filter(|(x, y)| ink.at(*x, *y));
        dark.count() as f32 / all.max(1) as f32
    }
}

/// Sets check boxes that have an option beside them among words, each before the word that follows it. A mark that a box
/// already holds as a word gives way. Places of both are in one unit, of which `inch` says how many there are in an inch.
pub(super) fn add_boxes(words: &mut Vec<Word>, boxes: &[CheckBox<Rect>], inch: (f32, f32)) {
    for CheckBox { bounds, ticked } in boxes {
        let inside = |w: &Word| {
            let (x, y) = middle(&w.bbox);
            (bounds.x0..=bounds.x1).contains(&x) && (bounds.y0..=bounds.y1).contains(&y)
        };
        let (mut drawn, mut ticked) = (false, *ticked);
        for word in words.iter().filter(|w| inside(w)) {
            let mark = word.text.chars().count() == 1;
            drawn |= !mark || word.text.contains(['☐', '☒', '☑', '□', '■']);
            ticked |= mark;
        }
        // a cross that touches its option
        let glued = |w: &Word| {
            let (x, y) = (w.bbox.x0, middle(&w.bbox).1);
            !inside(w)
                && w.text.starts_with(CROSSES)
                && (bounds.x0 - 0.5 * bounds.width()..=bounds.x1).contains(&x)
                && (bounds.y0..=bounds.y1).contains(&y)
        };
        if let Some(word) = words.iter_mut().find(|w| glued(w)) {
            word.text.remove(0);
            word.bbox.x0 = bounds.x1.min(word.bbox.x1);
            ticked = true;
        }
        let gap = |w: &Word| (w.bbox.x0 - bounds.x1).max(bounds.x0 - w.bbox.x1) / inch.0;
        let level = |w: &Word| {
            let slack = 0.2 * w.bbox.height();
            (w.bbox.y0 - slack..=w.bbox.y1 + slack).contains(&middle(bounds).1)
        };
        let beside = |w: &Word| !inside(w) && level(w) && gap(w) < OPTION_IN;
        if drawn || !words.iter().any(beside) {
            continue;
        }
        words.retain(|w| !inside(w));
        let behind = |w: &Word| level(w) && w.bbox.x0 >= middle(bounds).0;
        let following = words.iter().enumerate().filter(|(_, w)| behind(w));
        let next = following.min_by(|(_, one), (_, other)| one.bbox.x0.total_cmp(&other.bbox.x0));
        let at = next.map_or(words.len(), |(at, _)| at);
        let text = if ticked { "☒" } else { "☐" }.to_owned();
        let size_pt = bounds.height() / inch.1 * POINTS;
        words.insert(at, Word { text, bbox: *bounds, confidence: 1.0, size_pt, bold: false });
    }
}

/// Words of an option that is ringed, at most.
const RINGED_MAX: usize = 5;

/// Sets what was written by hand among words as `✍`, and before the words of an option that is ringed `☒`.
pub(super) fn add_pen(words: &mut Vec<Word>, hands: &[Rect], rings: &[Rect], inch: (f32, f32)) {
    let inside = |place: &Rect, w: &Word| {
        let (x, y) = middle(&w.bbox);
        (place.x0..=place.x1).contains(&x) && (place.y0..=place.y1).contains(&y)
    };
    let sign = |text: &str, bbox: Rect| {
        let size_pt = bbox.height() / inch.1 * POINTS;
        Word { text: text.to_owned(), bbox, confidence: 1.0, size_pt, bold: false }
    };
    for ring in rings {
        let held: Vec<usize> =
            words.iter().enumerate().filter(|(_, w)| inside(ring, w)).map(|(at, _)| at).collect();
        let Some(first) = held.first().copied().filter(|_| held.len() <= RINGED_MAX) else { continue };
        let Some(option) = words.get(first).map(|w| w.bbox) else { continue };
        let high = held.iter().filter_map(|at| words.get(*at)).all(|w| ring.height() < 4.0 * w.bbox.height());
        if high {
            let wide = option.height() * inch.0 / inch.1;
            words.insert(
                first,
                sign("☒", Rect { x0: option.x0 - 1.2 * wide, x1: option.x0 - 0.2 * wide, ..option }),
            );
        }
    }
    for hand in hands.iter().filter(|hand| !words.iter().any(|w| inside(hand, w))).collect::<Vec<_>>() {
        words.push(sign("✍", *hand));
    }
}

fn middle(place: &Rect) -> (f32, f32) {
    (f32::midpoint(place.x0, place.x1), f32::midpoint(place.y0, place.y1))
}

#[cfg(test)]
mod tests {
    use super::*;

    const DPI: f32 = 200.0;

    /// A page with squares of 24 pixels: their places, and what is in them.
    fn drawn(squares: &[(u32, u32, &str)]) -> GrayImage {
        let mut gray = GrayImage::from_pixel(600, 200, Luma([255]));
        for (left, top, what) in squares {
            for a in 0..24 {
                for t in 0..2 {
                    for (x, y) in [(a, t), (a, 23 - t), (t, a), (23 - t, a)] {
                        let open = *what == "U" && y < 2 && (3..21).contains(&x);
                        let round = *what == "O"
                            && [(a, t), (a, 23 - t), (t, a), (23 - t, a)].contains(&(x, y))
                            && !(7..17).contains(&a);
                        if !open && !round {
                            gray.put_pixel(left + x, top + y, Luma([0]));
                        }
                    }
                }
                for x in 0..24 {
                    let ink = match *what {
                        "x" => x == a || x + a == 23,
                        "solid" => true,
                        _ => false,
                    };
                    if ink {
                        gray.put_pixel(left + x, top + a, Luma([0]));
                    }
                }
            }
        }
        gray
    }

    #[test]
    fn boxes_are_found_told_and_taken_away() {
        let mut gray =
            drawn(&[(20, 40, ""), (120, 40, "x"), (220, 40, "solid"), (320, 40, "U"), (420, 40, "O")]);
        let found = take_boxes(&mut gray, DPI);
        let told: Vec<_> = found.iter().map(|b| (b.bounds[0], b.ticked)).collect();
        assert_eq!(told, [(20, false), (120, true), (220, true)]);
        assert!(gray.view_is_white(20, 40) && gray.view_is_white(120, 40));
        assert!(!gray.view_is_white(320, 40));
    }

    #[test]
    fn squares_that_are_no_boxes_stay() {
        // bullets, and cells for letters
        for squares in
            [&[(20, 40, "solid"), (20, 100, "solid")][..], &[(20, 40, ""), (44, 40, "x"), (68, 40, "")]]
        {
            let mut gray = drawn(squares);
            assert_eq!(take_boxes(&mut gray, DPI), [], "{squares:?}");
        }
    }

    trait White {
        fn view_is_white(&self, left: u32, top: u32) -> bool;
    }

    impl White for GrayImage {
        fn view_is_white(&self, left: u32, top: u32) -> bool {
            (left..left + 24).all(|x| (top..top + 24).all(|y| self.get_pixel(x, y).0 == [255]))
        }
    }

    #[test]
    fn boxes_stand_before_their_options() {
        let word = |text: &str, x0: f32| Word {
            text: text.to_owned(),
            bbox: Rect { x0, y0: 0.1, x1: x0 + 0.05, y1: 0.115 },
            confidence: 1.0,
            size_pt: 10.0,
            bold: false,
        };
        let mut words = vec![word("Credit", 0.13), word("Repair", 0.33), word("alone", 0.7)];
        let check = |x0: f32, y0: f32, ticked| CheckBox {
            bounds: Rect { x0, y0, x1: x0 + 0.02, y1: y0 + 0.014 },
            ticked,
        };
        add_boxes(
            &mut words,
            &[check(0.1, 0.1, false), check(0.3, 0.1, true), check(0.3, 0.5, true)],
            (0.12, 0.09),
        );
        let texts: Vec<_> = words.iter().map(|w| w.text.as_str()).collect();
        assert_eq!(texts, ["☐", "Credit", "☒", "Repair", "alone"]);
    }
}
