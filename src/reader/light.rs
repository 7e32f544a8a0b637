//! Even light: paper becomes white, whatever shadow or tint lies on it, and light letters on dark bands become dark
//! letters on white.

use super::ink::{Bounds, Index, find_shapes};
use image::{GrayImage, Luma};
use imageproc::morphology::{Mask, grayscale_dilate, grayscale_erode};
use std::ops::Range;

/// A band of dark ground is at least so high, in inches.
const BAND_HEIGHT_MIN_IN: f32 = 0.11;
/// A band of dark ground is at least so wide, in inches.
const BAND_WIDTH_MIN_IN: f32 = 0.3;
/// What is darker than this share of the paper may be dark ground.
const DARK_GROUND: f32 = 0.55;
/// A band is filled with dark ground to at least this share; the rest is its letters.
const FILLED_MIN: f32 = 0.55;
/// Less than this share of light pixels is no print.
const LETTERS_MIN: f32 = 0.008;
/// Bands of one page.
const BANDS_MAX: usize = 400;
/// Tints and print are told apart by blocks of this size, in inches.
const BLOCK_IN: f32 = 0.014;
/// Strokes of letters and ruling lines are no wider, in inches; a tint is.
const STROKE_WIDTH_MAX_IN: f32 = 0.085;
/// What is darker is no tint but a dark band, what is lighter is paper.
const TINT: Range<u8> = 120..235;
/// How dark pale letters are: what is darker reads well, what is lighter is dirt, or shines through from the other side.
const PALE: Range<u8> = 90..195;
/// A letter, a part of one or a stretch of letters that touch is so high, in inches.
const PALE_HEIGHT_IN: Range<f32> = 0.015..0.3;
/// What is wider is no stretch of letters, in inches.
const PALE_WIDTH_MAX_IN: f32 = 1.0;
/// How many times higher than wide a bar is.
const BAR_SLENDER: f32 = 4.0;
/// The next letter of a word is so near, in inches.
const NEIGHBOUR_IN: f32 = 0.06;
/// A page of which more letters are pale is faint as a whole, or blurred.
const PALE_SHARE_MAX: f32 = 0.5;
/// Letters end so far beyond what is surely theirs, in pixels.
const EDGE: u32 = 2;
/// Pale print becomes so dark.
const PALE_BECOMES: u32 = 50;

/// Turns light letters on dark bands, as heads of tables have them, into dark letters on paper.
pub(super) fn turn_dark_bands(gray: &mut GrayImage, dpi: f32) {
    let paper = paper_level(gray);
    let dark = (f32::from(paper) * DARK_GROUND) as u8;
    let is_band =
        |[x0, y0, x1, y1]: &Bounds| y1 - y0 >= BAND_HEIGHT_MIN_IN * dpi && x1 - x0 >= BAND_WIDTH_MIN_IN * dpi;
    let shapes = find_shapes(gray, dark);
    for [x0, y0, x1, y1] in shapes.into_iter().filter(is_band).take(BANDS_MAX) {
        turn_band(gray, [x0, y0, x1, y1].map(|v| v as u32), dark, paper);
    }
}

/// The level that the paper has on most of a page.
fn paper_level(gray: &GrayImage) -> u8 {
    const STEP: usize = 7;
    let mut levels: Vec<u8> = gray.as_raw().iter().copied().step_by(STEP).collect();
    let at = levels.len() * 7 / 10;
    if at < levels.len() { *levels.select_nth_unstable(at).1 } else { u8::MAX }
}

/// Turns one band, if it is dark ground with letters rather than a picture or a frame.
fn turn_band(gray: &mut GrayImage, [x0, y0, x1, y1]: [u32; 4], dark: u8, paper: u8) {
    let row_is_dark = |gray: &GrayImage, y: u32| {
        let count = (x0..x1).step_by(2).filter(|x| gray.get_pixel(*x, y).0 < [dark]).count();
        count as f32 > FILLED_MIN * (x1 - x0).div_ceil(2) as f32
    };
    let rows: Vec<u32> = (y0..y1).filter(|y| row_is_dark(gray, *y)).collect();
    let (Some(first), Some(last)) = (rows.first().copied(), rows.last().copied()) else { return };
    let (height, inside) = (last - first + 1, rows.len() as u32);
    // light rows inside belong to a frame around white paper
    if height * 10 < (y1 - y0) * 7 || inside * 10 < height * 8 {
        return;
    }
    let mut histogram = [0_u32; 256];
    for y in first..=last {
        for x in x0..x1 {
            if let Some(bin) = histogram.get_mut(usize::from(gray.get_pixel(x, y).0[0])) {
                *bin += 1;
            }
        }
    }
    let all = (height * (x1 - x0)) as f32;
    let light_from = u32::from(paper).midpoint(u32::from(dark));
    let light = histogram.iter().skip(light_from as usize).sum::<u32>() as f32 / all;
    let mut below = 0;
    let ground = histogram.iter().position(|n| {
        below += n;
        below as f32 > 0.4 * all
    });
    let ground = ground.unwrap_or(0) as u32;
    if !(LETTERS_MIN..=1.0 - FILLED_MIN).contains(&light) || ground >= u32::from(paper) {
        return;
    }
    let reach = u32::from(paper) - ground;
    for y in first..=last {
        for x in x0..x1 {
            let Luma([value]) = *gray.get_pixel(x, y);
            let above = u32::from(value).saturating_sub(ground).min(reach);
            gray.put_pixel(x, y, Luma([((reach - above) * u32::from(paper) / reach) as u8]));
        }
    }
}

/// Divides the page by its paper, so that shadows and tinted grounds become white.
pub(super) fn even_light(gray: GrayImage) -> GrayImage {
    const BLOCK: u32 = 24;
    const PAPER_MIN: u8 = 40;
    const EVEN: u8 = 12;
    let (width, height) = gray.dimensions();
    let (columns, rows) = (width.div_ceil(BLOCK), height.div_ceil(BLOCK));
    let paper = GrayImage::from_fn(columns, rows, |bx, by| {
        let mut histogram = [0_u32; 256];
        let mut count = 0;
        for y in (by * BLOCK..(by * BLOCK + BLOCK).min(height)).step_by(2) {
            for x in (bx * BLOCK..(bx * BLOCK + BLOCK).min(width)).step_by(2) {
                let Luma([value]) = *gray.get_pixel(x, y);
                if let Some(bin) = histogram.get_mut(usize::from(value)) {
                    *bin += 1;
                }
                count += 1;
            }
        }
        let mut above = 0;
        let level = histogram.iter().enumerate().rev().find(|(_, n)| {
            above += **n;
            above * 5 > count
        });
        Luma([level.map_or(255, |(value, _)| value as u8)])
    });
    let (low, high) = paper.pixels().fold((255, 0), |(low, high), p| (p.0[0].min(low), p.0[0].max(high)));
    if low >= 255 - EVEN && high - low <= EVEN {
        return gray;
    }
    // letters on dark bands keep their ground: look at the brightest paper around
    let paper = grayscale_dilate(&paper, &Mask::square(2));
    let paper = imageproc::filter::box_filter(&paper, 2, 2);
    divide(gray, &paper, BLOCK, PAPER_MIN)
}

/// Makes tinted fields white, as the heads of tables and the cells of labels have them. Expects a page that is evenly
/// lit. A tint is what stays when strokes are wiped away.
pub(super) fn lift_tints(gray: GrayImage, dpi: f32) -> GrayImage {
    let block = ((BLOCK_IN * dpi).round() as u32).max(2);
    let lightest = lightest_levels(&gray, block);
    let strokes = Mask::square((STROKE_WIDTH_MAX_IN / BLOCK_IN / 2.0).ceil() as u8);
    let mut ground = grayscale_erode(&grayscale_dilate(&lightest, &strokes), &strokes);
    for Luma([level]) in ground.pixels_mut().filter(|p| !TINT.contains(&p.0[0])) {
        *level = u8::MAX;
    }
    divide(gray, &ground, block, TINT.start)
}

/// Makes pale letters dark where most of the page is darker, each by itself; ruling lines and pictures stay as they
/// are. Expects white paper.
pub(super) fn darken_letters(gray: &mut GrayImage, dpi: f32) {
    let is_letter = |[x0, y0, x1, y1]: &Bounds| {
        (x1 - x0) / dpi < PALE_WIDTH_MAX_IN && PALE_HEIGHT_IN.contains(&((y1 - y0) / dpi))
    };
    let is_bar = |[x0, y0, x1, y1]: &Bounds| y1 - y0 > BAR_SLENDER * (x1 - x0);
    let shapes = find_shapes(gray, PALE.end).into_iter().filter(is_letter);
    let letters: Vec<(u8, Bounds)> = shapes.map(|bounds| (darkest(gray, bounds), bounds)).collect();
    let pale: Vec<(u8, Bounds)> = letters.iter().filter(|(level, _)| PALE.contains(level)).copied().collect();
    if pale.len() as f32 > PALE_SHARE_MAX * letters.len() as f32 {
        return;
    }
    // a lone bar is a piece of a ruling line, one beside letters is a letter
    let sure = Index::new(pale.iter().map(|(_, b)| *b).filter(|b| !is_bar(b)), NEIGHBOUR_IN * dpi);
    let before = gray.clone();
    for (level, bounds) in pale {
        let middle = (f32::midpoint(bounds[0], bounds[2]), f32::midpoint(bounds[1], bounds[3]));
        if is_bar(&bounds) && !sure.near(middle).any(|(_, b)| (b[1]..b[3]).contains(&middle.1)) {
            continue;
        }
        let reach = u32::from(u8::MAX - level);
        for (x, y) in pixels(gray, bounds) {
            let above = u32::from(before.get_pixel(x, y).0[0].saturating_sub(level));
            let dark = (PALE_BECOMES + above * (255 - PALE_BECOMES) / reach) as u8;
            let Luma([level]) = gray.get_pixel_mut(x, y);
            *level = (*level).min(dark);
        }
    }
}

/// The places of a shape's pixels and of those at its edge.
fn pixels(gray: &GrayImage, bounds: Bounds) -> impl Iterator<Item = (u32, u32)> + use<> {
    let [x0, y0, x1, y1] = bounds.map(|v| v as u32);
    let (x1, y1) = ((x1 + EDGE).min(gray.width()), (y1 + EDGE).min(gray.height()));
    (y0.saturating_sub(EDGE)..y1).flat_map(move |y| (x0.saturating_sub(EDGE)..x1).map(move |x| (x, y)))
}

fn darkest(gray: &GrayImage, bounds: Bounds) -> u8 {
    pixels(gray, bounds).map(|(x, y)| gray.get_pixel(x, y).0[0]).min().unwrap_or(u8::MAX)
}

/// The lightest level of each block, noise of single pixels smoothed away.
fn lightest_levels(gray: &GrayImage, block: u32) -> GrayImage {
    let soft = imageproc::filter::box_filter(gray, 1, 1);
    let mut levels = GrayImage::new(gray.width().div_ceil(block), gray.height().div_ceil(block));
    for (x, y, Luma([level])) in soft.enumerate_pixels() {
        if let Some(Luma([lightest])) = levels.get_pixel_mut_checked(x / block, y / block) {
            *lightest = (*lightest).max(*level);
        }
    }
    levels
}

/// Divides each pixel by the paper around it, which is known for each block.
fn divide(mut gray: GrayImage, paper: &GrayImage, block: u32, paper_min: u8) -> GrayImage {
    const ONE: u32 = 256;
    let (last_column, last_row) = (paper.width() - 1, paper.height() - 1);
    // between the middles of four blocks
    let between = |place: u32, last: u32| {
        let at = (place * ONE / block).saturating_sub(ONE / 2);
        ((at / ONE).min(last), (at / ONE + 1).min(last), at % ONE)
    };
    let columns: Vec<(u32, u32, u32)> = (0..gray.width()).map(|x| between(x, last_column)).collect();
    let mut grounds = vec![0_u32; paper.width() as usize];
    for (y, row) in (0_u32..).zip(gray.rows_mut()) {
        let (above, below, weight) = between(y, last_row);
        for (x, ground) in (0_u32..).zip(grounds.iter_mut()) {
            let [top, bottom] = [above, below].map(|y| u32::from(paper.get_pixel(x, y).0[0]));
            *ground = (top * (ONE - weight) + bottom * weight) / ONE;
        }
        let ground_of = |column: u32| grounds.get(column as usize).copied().unwrap_or(255);
        for (pixel, (left, right, weight)) in row.zip(&columns) {
            let ground = (ground_of(*left) * (ONE - weight) + ground_of(*right) * weight) / ONE;
            pixel.0 = [(u32::from(pixel.0[0]) * 255 / ground.max(u32::from(paper_min))).min(255) as u8];
        }
    }
    gray
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A page with some rectangles of a level each: left, top, right, bottom, level.
    fn page(paper: u8, painted: &[[u32; 5]]) -> GrayImage {
        let mut page = GrayImage::from_pixel(600, 400, Luma([paper]));
        for [x0, y0, x1, y1, level] in painted.iter().copied() {
            for (x, y) in (y0..y1).flat_map(|y| (x0..x1).map(move |x| (x, y))) {
                page.put_pixel(x, y, Luma([level as u8]));
            }
        }
        page
    }

    #[test]
    fn a_tinted_cell_becomes_paper_and_its_letters_stay() {
        let tinted = page(255, &[[50, 50, 550, 130, 190], [100, 70, 106, 110, 20], [300, 250, 306, 290, 20]]);
        let flat = lift_tints(tinted, 300.0);
        let level = |x: u32, y: u32| flat.get_pixel(x, y).0[0];
        assert!(level(300, 90) > 240, "the tint is gone: {}", level(300, 90));
        assert!(level(102, 90) < 60 && level(302, 270) < 60, "letters stay");
        assert_eq!(level(500, 300), 255);
    }

    #[test]
    fn pale_letters_become_dark_and_pale_lines_do_not() {
        let letter = |x: u32, y: u32, level: u32| [x, y, x + 18, y + 30, level];
        let mut painted: Vec<[u32; 5]> = (0..4).map(|n| letter(60 + 24 * n, 300, 20)).collect();
        painted.extend([letter(60, 100, 160), [84, 100, 88, 130, 160]]); // a letter and an l beside it
        painted.extend([[20, 60, 580, 64, 160], [400, 90, 404, 130, 160]]); // a line and a piece of one
        let mut gray = page(255, &painted);
        darken_letters(&mut gray, 300.0);
        let level = |x: u32, y: u32| gray.get_pixel(x, y).0[0];
        assert!(level(70, 115) < 60 && level(86, 115) < 60, "letters: {} {}", level(70, 115), level(86, 115));
        assert!(level(300, 62) == 160 && level(402, 110) == 160, "lines stay");
        assert!(level(70, 315) == 20, "dark letters stay");
    }

    #[test]
    fn light_letters_on_a_dark_band_become_dark_letters_on_paper() {
        let painted = [
            [50, 50, 550, 110, 40],   // a band
            [100, 60, 108, 100, 250], // a letter on it
            [50, 200, 550, 300, 10],  // a frame
            [60, 210, 540, 290, 240], // and what it holds
            [300, 230, 305, 260, 10], // a letter in it
        ];
        let mut page = page(240, &painted);
        turn_dark_bands(&mut page, 300.0);
        let level = |x: u32, y: u32| page.get_pixel(x, y).0[0];
        assert!(level(70, 80) > 230 && level(104, 80) < 10, "the band is turned");
        assert!(level(100, 250) == 240 && level(302, 240) == 10, "the frame is not");
    }
}
