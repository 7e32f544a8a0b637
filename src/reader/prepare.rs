//! A page of pixels made ready for OCR: cut out of its photo, turned upright, straightened, evenly lit, scaled.
//!
//! Everything that moves pixels is one [`Projection`], so that boxes find their way back to the page as it came.

use super::raster::Frame;
use image::{GrayImage, Luma, imageops};
use imageproc::{
    contrast::otsu_level,
    geometric_transformations::{Border, Interpolation, Projection, warp_into},
};

/// Resolution that Tesseract likes; less is scaled up.
const WORKING_DPI: f32 = 300.0;
/// From here on pixels are left as they are.
const ENOUGH_DPI: f32 = 190.0;
/// More than this is scaled down.
const PLENTY_DPI: f32 = 400.0;
/// Long side of the small copy on which a page is judged.
const SMALL_SIDE: u32 = 1000;
/// Skew below this does not matter, in degrees.
const SKEW_MIN: f32 = 0.25;
/// Largest skew that is looked for, in degrees.
const SKEW_MAX: f32 = 6.0;
/// A working page has at most so many pixels.
const WORKING_PIXELS_MAX: f32 = 36_000_000.0;

/// A page ready for OCR, and the way back.
pub(super) struct Ready {
    pub(super) gray: GrayImage,
    pub(super) dpi: f32,
    /// From pixels of the original to pixels of `gray`.
    pub(super) projection: Projection,
    /// The text ran turned clockwise by so many degrees (0 or 90 so far; OCR tells 180 and 270).
    pub(super) turned: u16,
}

/// What the pixels look like.
struct Look {
    /// Corners of the sheet in a photo: top left, top right, bottom right, bottom left, in pixels of the original.
    sheet: Option<[(f32, f32); 4]>,
    sideways: bool,
    skew_degrees: f32,
}

/// Makes a frame ready. `extra_turn` is added to what is found: 180 to try the other way up.
pub(super) fn prepare(frame: &Frame, extra_turn: u16) -> Option<Ready> {
    let look = look_at(frame);
    let (width, height) = (frame.gray.width() as f32, frame.gray.height() as f32);
    // to a straight sheet, in inches times the working resolution
    let dpi = frame.dpi_x.max(frame.dpi_y);
    let target_dpi = match dpi {
        d if d < ENOUGH_DPI => WORKING_DPI.min(d * 2.0),
        d if d > PLENTY_DPI => WORKING_DPI,
        d => d,
    };
    let (scale_x, scale_y) = (target_dpi / frame.dpi_x, target_dpi / frame.dpi_y);
    let (flat, flat_width, flat_height) = match look.sheet {
        Some(corners) => flatten_sheet(corners, scale_x, scale_y)?,
        None => (Projection::scale(scale_x, scale_y), width * scale_x, height * scale_y),
    };
    let turned = (if look.sideways { 90 } else { 0 } + extra_turn) % 360;
    let (turn, out_width, out_height) = turn_back(turned, flat_width, flat_height);
    let (cx, cy) = (out_width / 2.0, out_height / 2.0);
    let straighten = Projection::translate(cx, cy)
        * Projection::rotate(-look.skew_degrees.to_radians())
        * Projection::translate(-cx, -cy);
    let projection = straighten * turn * flat;
    if !(out_width * out_height < WORKING_PIXELS_MAX && out_width >= 1.0 && out_height >= 1.0) {
        return None;
    }
    let plain = look.sheet.is_none() && turned == 0 && look.skew_degrees == 0.0;
    let moved = if plain {
        scale_only(&frame.gray, out_width as u32, out_height as u32)
    } else {
        let mut out = GrayImage::new(out_width as u32, out_height as u32);
        let way = if target_dpi > dpi * 1.2 { Interpolation::Bicubic } else { Interpolation::Bilinear };
        warp_into(&frame.gray, projection, way, Border::Replicate, &mut out);
        out
    };
    Some(Ready { gray: even_light(moved), dpi: target_dpi, projection, turned })
}

fn scale_only(gray: &GrayImage, width: u32, height: u32) -> GrayImage {
    if gray.dimensions() == (width, height) {
        return gray.clone();
    }
    imageops::resize(gray, width, height, imageops::FilterType::CatmullRom)
}

/// From the corners of a sheet to a rectangle of its size.
fn flatten_sheet(corners: [(f32, f32); 4], scale_x: f32, scale_y: f32) -> Option<(Projection, f32, f32)> {
    let [a, b, c, d] = corners;
    let length = |p: (f32, f32), q: (f32, f32)| ((q.0 - p.0) * scale_x).hypot((q.1 - p.1) * scale_y);
    let width = f32::midpoint(length(a, b), length(d, c));
    let height = f32::midpoint(length(a, d), length(b, c));
    let to = [(0.0, 0.0), (width, 0.0), (width, height), (0.0, height)];
    Some((Projection::from_control_points(corners, to)?, width, height))
}

/// Undoes a clockwise turn of a page; gives the size of the page after it.
fn turn_back(turned: u16, width: f32, height: f32) -> (Projection, f32, f32) {
    let quarter = std::f32::consts::FRAC_PI_2;
    match turned {
        90 => (Projection::translate(0.0, width) * Projection::rotate(-quarter), height, width),
        180 => (Projection::translate(width, height) * Projection::rotate(2.0 * quarter), width, height),
        270 => (Projection::translate(height, 0.0) * Projection::rotate(quarter), height, width),
        _ => (Projection::scale(1.0, 1.0), width, height),
    }
}

fn look_at(frame: &Frame) -> Look {
    let (width, height) = frame.gray.dimensions();
    // pixels that are not square would bend angles
    let wide = width as f32 / frame.dpi_x * 100.0;
    let high = height as f32 / frame.dpi_y * 100.0;
    let shrink = SMALL_SIDE as f32 / wide.max(high);
    let (small_width, small_height) = (((wide * shrink) as u32).max(8), ((high * shrink) as u32).max(8));
    let small = imageops::resize(&frame.gray, small_width, small_height, imageops::FilterType::Triangle);
    let (back_x, back_y) = (width as f32 / small_width as f32, height as f32 / small_height as f32);
    let sheet = find_sheet(&small);
    let flat = sheet.and_then(|corners| {
        let (projection, w, h) = flatten_sheet(corners, 1.0, 1.0)?;
        let mut out = GrayImage::new((w as u32).max(8), (h as u32).max(8));
        warp_into(&small, projection, Interpolation::Bilinear, Border::Replicate, &mut out);
        Some(out)
    });
    let flat = even_light(flat.unwrap_or(small));
    let ink = find_ink(&flat);
    let (level_score, level_skew) = best_skew(&ink, flat.height(), |(x, y)| (x, y));
    let (side_score, side_skew) = best_skew(&ink, flat.width(), |(x, y)| (-y, x));
    let sideways = side_score > level_score * 1.15;
    let skew = if sideways { side_skew } else { level_skew };
    Look {
        sheet: sheet.map(|corners| corners.map(|(x, y)| (x * back_x, y * back_y))),
        sideways,
        skew_degrees: if skew.abs() < SKEW_MIN { 0.0 } else { skew },
    }
}

/// Places of dark pixels that are letters rather than lines: long runs are left out.
fn find_ink(gray: &GrayImage) -> Vec<(f32, f32)> {
    const RUN_MAX: usize = 40;
    const DARK: u8 = 160;
    let mut ink = Vec::new();
    for (y, row) in gray.rows().enumerate() {
        let mut run: Vec<(f32, f32)> = Vec::new();
        for (x, pixel) in row.enumerate() {
            if pixel.0 < [DARK] {
                run.push((x as f32, y as f32));
            } else {
                if run.len() <= RUN_MAX {
                    ink.append(&mut run);
                }
                run.clear();
            }
        }
    }
    ink
}

/// How sharply ink gathers in rows, at the angle where it does so best, and that angle.
fn best_skew(ink: &[(f32, f32)], rows: u32, place: impl Fn((f32, f32)) -> (f32, f32)) -> (f32, f32) {
    let step = ink.len() / 60_000 + 1;
    let points: Vec<(f32, f32)> = ink.iter().step_by(step).map(|p| place(*p)).collect();
    let mut counts = vec![0_f32; rows as usize * 2 + 64];
    let offset = points.iter().map(|(_, y)| *y).fold(f32::MAX, f32::min);
    let mut score = |degrees: f32| {
        counts.fill(0.0);
        let slope = degrees.to_radians().tan();
        let lift = rows as f32 / 2.0;
        for (x, y) in &points {
            let row = y - offset - x * slope + lift;
            if let Some(count) = counts.get_mut(row.max(0.0) as usize) {
                *count += 1.0;
            }
        }
        let pairs = counts.iter().zip(counts.iter().skip(1));
        pairs.map(|(a, b)| (a - b) * (a - b)).sum::<f32>() / points.len().max(1) as f32
    };
    let mut best = (score(0.0), 0.0);
    for (reach, step) in [(SKEW_MAX, 0.5), (0.5, 0.1)] {
        let centre: f32 = best.1;
        let steps = (reach / step) as i32;
        for i in -steps..=steps {
            let degrees = centre + i as f32 * step;
            let found = score(degrees);
            if found > best.0 * 1.001 {
                best = (found, degrees);
            }
        }
    }
    best
}

/// The sheet of paper in a photo: a bright shape with four corners on a darker ground. None if the page fills the frame.
fn find_sheet(small: &GrayImage) -> Option<[(f32, f32); 4]> {
    const DARK_BORDER_SHARE: f32 = 0.5;
    const SHEET_SHARE_MIN: f32 = 0.2;
    let (width, height) = small.dimensions();
    let blurred = imageproc::filter::box_filter(small, 3, 3);
    let level = otsu_level(&blurred);
    let bright = |x: u32, y: u32| blurred.get_pixel_checked(x, y).is_some_and(|p| p.0 > [level]);
    let border = (0..width).flat_map(|x| [(x, 1), (x, height.saturating_sub(2))]);
    let border = border.chain((0..height).flat_map(|y| [(1, y), (width.saturating_sub(2), y)]));
    let (dark, all) = border.fold((0, 0), |(d, n), (x, y)| (d + u32::from(!bright(x, y)), n + 1));
    if (dark as f32) < DARK_BORDER_SHARE * all as f32 {
        return None;
    }
    let mask = GrayImage::from_fn(width, height, |x, y| Luma([if bright(x, y) { 255 } else { 0 }]));
    let regions = imageproc::region_labelling::connected_components(
        &mask,
        imageproc::region_labelling::Connectivity::Four,
        Luma([0_u8]),
    );
    let mut sizes: std::collections::BTreeMap<u32, u32> = std::collections::BTreeMap::new();
    for Luma([label]) in regions.pixels().filter(|p| p.0 != [0]) {
        *sizes.entry(*label).or_default() += 1;
    }
    let (label, size) = sizes.into_iter().max_by_key(|(_, size)| *size)?;
    if (size as f32) < SHEET_SHARE_MIN * (width * height) as f32 {
        return None;
    }
    let inside: Vec<(f32, f32)> = regions
        .enumerate_pixels()
        .filter(|(_, _, p)| p.0 == [label])
        .map(|(x, y, _)| (x as f32, y as f32))
        .collect();
    let extreme =
        |key: fn((f32, f32)) -> f32| inside.iter().copied().max_by(|a, b| key(*a).total_cmp(&key(*b)));
    let corners = [
        extreme(|(x, y)| -x - y)?,
        extreme(|(x, y)| x - y)?,
        extreme(|(x, y)| x + y)?,
        extreme(|(x, y)| y - x)?,
    ];
    let area = quad_area(corners);
    // print and shadows make holes, a shape that is no sheet does not fill its corners
    (area > SHEET_SHARE_MIN * (width * height) as f32
        && size as f32 > 0.6 * area
        && (size as f32) < 1.1 * area)
        .then_some(corners)
}

fn quad_area(corners: [(f32, f32); 4]) -> f32 {
    let [a, b, c, d] = corners;
    let cross = |p: (f32, f32), q: (f32, f32)| p.0 * q.1 - q.0 * p.1;
    (cross(a, b) + cross(b, c) + cross(c, d) + cross(d, a)).abs() / 2.0
}

/// Divides the page by its paper, so that shadows and tinted grounds become white.
fn even_light(gray: GrayImage) -> GrayImage {
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
    let paper = imageproc::morphology::grayscale_dilate(&paper, &imageproc::morphology::Mask::square(2));
    let paper = imageproc::filter::box_filter(&paper, 2, 2);
    let paper = imageops::resize(&paper, width, height, imageops::FilterType::Triangle);
    let mut even = gray;
    for (pixel, ground) in even.pixels_mut().zip(paper.pixels()) {
        let ground = u32::from(ground.0[0].max(PAPER_MIN));
        pixel.0 = [(u32::from(pixel.0[0]) * 255 / ground).min(255) as u8];
    }
    even
}

/// A box in pixels of the ready page, as a box in pixels of the original.
pub(super) fn back_to_original(ready: &Ready, [x0, y0, x1, y1]: [f32; 4]) -> [f32; 4] {
    let back = ready.projection.invert();
    let corners = [(x0, y0), (x1, y0), (x1, y1), (x0, y1)].map(|p| back * p);
    let fold = |pick: fn(&(f32, f32)) -> f32, better: fn(f32, f32) -> f32, start: f32| {
        corners.iter().map(pick).fold(start, better)
    };
    [
        fold(|p| p.0, f32::min, f32::MAX),
        fold(|p| p.1, f32::min, f32::MAX),
        fold(|p| p.0, f32::max, f32::MIN),
        fold(|p| p.1, f32::max, f32::MIN),
    ]
}
