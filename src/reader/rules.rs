//! Ruling lines among the pixels of a straight page: found, told, and taken away, so that OCR reads no bars and
//! brackets, and a table on a scan has its lines like one with a text layer.
//!
//! A line is a pile of long dark runs that is thin across. Strokes of letters that cross it stay. Works on rows; for
//! lines from top to bottom the page is laid on its side. Cost: a fixed number of looks at each pixel.

use image::{GrayImage, Luma};

/// A ruling line in pixels of the page, ends excluded.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Rule {
    pub(super) left: u32,
    pub(super) top: u32,
    pub(super) right: u32,
    pub(super) bottom: u32,
    /// Runs from left to right (else from top to bottom).
    pub(super) horizontal: bool,
}

/// Darker than this is ink; the paper is white.
const INK_BELOW: u8 = 176;
/// Darker than this may be a thin grey line.
const PALE_INK_BELOW: u8 = 218;
/// A line is at least so long, in inches, if it stands alone.
const LONG_IN: f32 = 0.4;
/// A line between two others is at least so long, in inches.
const SHORT_IN: f32 = 0.14;
/// A line is at most so thick, in inches.
const THICK_IN: f32 = 0.042;
/// A line is so many times longer than thick.
const SLENDER: u32 = 8;
/// Lines of one page.
const RULES_MAX: usize = 4000;

/// A dark run of one row.
#[derive(Clone, Copy)]
struct Run {
    row: u32,
    start: u32,
    end: u32,
}

/// Dark runs that touch, row upon row.
struct Pile {
    runs: Vec<Run>,
    start: u32,
    end: u32,
    ink: u32,
}

/// Finds the ruling lines and paints them over with paper.
pub(super) fn take_rules(gray: &mut GrayImage, dpi: f32) -> Vec<Rule> {
    let mut rules = Vec::new();
    for below in [INK_BELOW, PALE_INK_BELOW] {
        take_darker(gray, dpi, below, &mut rules);
    }
    rules
}

/// A line that is no darker than the soft edges of letters has paper on both sides for so much of its length.
const ON_PAPER_MIN: f32 = 0.85;
/// Paper beside a line begins so far from it, in inches.
const BESIDE_IN: f32 = 0.02;

/// Whether paper lies on both sides of a line from left to right.
fn lies_on_paper(gray: &GrayImage, pile: &Pile, dpi: f32, below: u8) -> bool {
    let beside = (BESIDE_IN * dpi).round().max(2.0) as u32;
    let is_paper = |x: u32, y: u32| y >= gray.height() || gray.get_pixel(x, y).0 >= [below];
    let (mut paper, mut seen) = (0_u32, 0_u32);
    for run in &pile.runs {
        for x in (run.start..run.end).step_by(3) {
            seen += 1;
            let above = run.row.checked_sub(beside).is_none_or(|y| is_paper(x, y));
            paper += u32::from(above && is_paper(x, run.row + beside));
        }
    }
    paper as f32 >= ON_PAPER_MIN * seen as f32
}

/// Takes the lines that are darker than a level.
fn take_darker(gray: &mut GrayImage, dpi: f32, below: u8, rules: &mut Vec<Rule>) {
    let long = (LONG_IN * dpi) as u32;
    let is_line = |gray: &GrayImage, pile: &Pile| below == INK_BELOW || lies_on_paper(gray, pile, dpi, below);
    let mut across = find_piles(gray, long, dpi, below);
    across.retain(|pile| is_line(gray, pile));
    across.truncate(RULES_MAX);
    rules.extend(across.iter().map(|p| rule_of(p, true)));
    erase(gray, &across, dpi, below);
    let mut side = transpose(gray);
    let mut down = find_piles(&side, (SHORT_IN * dpi) as u32, dpi, below);
    down.retain(|p| (p.end - p.start >= long || ends_meet(p, rules, dpi)) && is_line(&side, p));
    down.truncate(RULES_MAX);
    if down.is_empty() {
        return;
    }
    rules.extend(down.iter().map(|p| rule_of(p, false)));
    erase(&mut side, &down, dpi, below);
    *gray = transpose(&side);
}

fn rule_of(pile: &Pile, horizontal: bool) -> Rule {
    let first = pile.runs.iter().map(|r| r.row).min().unwrap_or(0);
    let last = pile.runs.iter().map(|r| r.row).max().unwrap_or(0) + 1;
    if horizontal {
        Rule { left: pile.start, top: first, right: pile.end, bottom: last, horizontal }
    } else {
        Rule { left: first, top: pile.start, right: last, bottom: pile.end, horizontal }
    }
}

/// Whether both ends of a line from top to bottom stand on lines from left to right.
fn ends_meet(pile: &Pile, rules: &[Rule], dpi: f32) -> bool {
    let near = (dpi * 0.02) as u32;
    let column = pile.runs.first().map_or(0, |r| r.row);
    let meets = |end: u32| {
        rules.iter().any(|r| {
            (r.left..=r.right + near).contains(&(column + near / 2))
                && (r.top..=r.bottom + 2 * near).contains(&(end + near))
        })
    };
    meets(pile.start) && meets(pile.end)
}

/// Lays a page on its side, square by square, so that what is read and what is written stay near.
fn transpose(gray: &GrayImage) -> GrayImage {
    const SQUARE: usize = 32;
    let (width, height) = (gray.width() as usize, gray.height() as usize);
    let mut side = GrayImage::new(gray.height(), gray.width());
    for (top, band) in (0..height).step_by(SQUARE).zip(gray.chunks(SQUARE * width.max(1))) {
        for left in (0..width).step_by(SQUARE) {
            for (y, row) in (top..).zip(band.chunks_exact(width)) {
                let part = row.iter().skip(left).take(SQUARE);
                let cells = side.iter_mut().skip(left * height + y).step_by(height);
                for (cell, pixel) in cells.zip(part) {
                    *cell = *pixel;
                }
            }
        }
    }
    side
}

/// Long dark runs, piled up; only thin piles are kept.
fn find_piles(gray: &GrayImage, long: u32, dpi: f32, below: u8) -> Vec<Pile> {
    let gap = (dpi / 200.0).round().max(1.0) as u32;
    let thick = THICK_IN * dpi;
    let mut open: Vec<Pile> = Vec::new();
    let mut done: Vec<Pile> = Vec::new();
    for (row, pixels) in (0_u32..).zip(gray.rows()) {
        let (still, ended): (Vec<Pile>, Vec<Pile>) =
            open.into_iter().partition(|p| p.runs.last().is_some_and(|r| r.row + 2 >= row));
        open = still;
        done.extend(ended);
        for run in long_runs(row, pixels, long, gap, below) {
            let touches = |p: &&mut Pile| {
                p.runs
                    .iter()
                    .rev()
                    .take_while(|r| r.row + 2 >= row)
                    .any(|r| r.start < run.end && run.start < r.end)
            };
            match open.iter_mut().find(touches) {
                Some(pile) => {
                    pile.start = pile.start.min(run.start);
                    pile.end = pile.end.max(run.end);
                    pile.ink += run.end - run.start;
                    pile.runs.push(run);
                }
                None => open.push(Pile {
                    start: run.start,
                    end: run.end,
                    ink: run.end - run.start,
                    runs: vec![run],
                }),
            }
        }
    }
    done.extend(open);
    done.retain(|pile| {
        let length = pile.end - pile.start;
        let thickness = pile.ink as f32 / length.max(1) as f32;
        thickness <= thick && length as f32 >= thickness * SLENDER as f32
    });
    done
}

fn long_runs<'a>(
    row: u32,
    pixels: impl Iterator<Item = &'a Luma<u8>>,
    long: u32,
    gap: u32,
    below: u8,
) -> Vec<Run> {
    let mut runs = Vec::new();
    // start and end of the run at hand
    let mut at: Option<(u32, u32)> = None;
    let mut close = |at: Option<(u32, u32)>| {
        if let Some((start, end)) = at
            && end - start >= long
        {
            runs.push(Run { row, start, end });
        }
    };
    for (x, pixel) in (0_u32..).zip(pixels) {
        if pixel.0 >= [below] {
            continue;
        }
        at = match at {
            Some((start, end)) if x <= end + gap => Some((start, x + 1)),
            before => {
                close(before);
                Some((x, x + 1))
            }
        };
    }
    close(at);
    runs
}

/// Paints lines over, except where strokes cross them.
fn erase(gray: &mut GrayImage, piles: &[Pile], dpi: f32, below: u8) {
    let slack = (dpi / 75.0).round().max(2.0) as u32;
    let (width, height) = gray.dimensions();
    let dark = |gray: &GrayImage, x: u32, y: u32| y < height && gray.get_pixel(x, y).0 < [below];
    for pile in piles {
        // first and last row of the line in each column
        let mut spans = vec![(u32::MAX, 0_u32); (pile.end - pile.start) as usize];
        for run in &pile.runs {
            let from = (run.start - pile.start) as usize;
            for span in spans.iter_mut().skip(from).take((run.end - run.start) as usize) {
                *span = (span.0.min(run.row), span.1.max(run.row));
            }
        }
        for (x, (top, bottom)) in (pile.start..width).zip(spans) {
            if top > bottom {
                continue;
            }
            let above = (1..=slack + 1).take_while(|n| *n <= top && dark(gray, x, top - n)).count() as u32;
            let below = (1..=slack + 1).take_while(|n| dark(gray, x, bottom + n)).count() as u32;
            if above > slack && below > slack {
                continue;
            }
            // the soft edge of the line goes with it
            let up = if above > slack { 0 } else { above + 2 };
            let down = if below > slack { 0 } else { below + 2 };
            for y in top.saturating_sub(up)..(bottom + down + 1).min(height) {
                gray.put_pixel(x, y, Luma([255]));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DPI: f32 = 200.0;

    fn paint(gray: &mut GrayImage, x: u32, y: u32, width: u32, height: u32) {
        for (x, y) in (y..y + height).flat_map(|y| (x..x + width).map(move |x| (x, y))) {
            gray.put_pixel(x, y, Luma([0]));
        }
    }

    #[test]
    fn lines_go_and_letters_that_cross_them_stay() {
        let mut page = GrayImage::from_pixel(400, 300, Luma([255]));
        paint(&mut page, 20, 100, 300, 3); // a line
        paint(&mut page, 20, 60, 3, 43); // a short one down to it from the next
        paint(&mut page, 20, 57, 300, 3);
        paint(&mut page, 100, 85, 4, 40); // a letter across
        paint(&mut page, 200, 200, 150, 40); // a black box
        let rules = take_rules(&mut page, DPI);
        assert_eq!(rules.iter().filter(|r| r.horizontal).count(), 2, "{rules:?}");
        assert_eq!(rules.iter().filter(|r| !r.horizontal).count(), 1, "{rules:?}");
        let ink = |x: u32, y: u32| page.get_pixel(x, y).0 < [INK_BELOW];
        assert!(!ink(60, 101) && !ink(21, 80) && !ink(300, 58), "lines are gone");
        assert!(ink(101, 90) && ink(101, 101) && ink(101, 120), "the letter is whole");
        assert!(ink(250, 220), "a box is no line");
    }
}
