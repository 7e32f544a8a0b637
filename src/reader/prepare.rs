//! A page of pixels made ready for OCR: cut out of its photo, turned upright, straightened, evenly lit, scaled.
//!
//! Everything that moves pixels is one [`Projection`], so that boxes find their way back to the page as it came.

use super::{
    light::{even_light, lift_tints, turn_dark_bands},
    raster::Frame,
    warp::warp,
};
use image::{GrayImage, Luma, imageops};
use imageproc::{contrast::otsu_level, geometric_transformations::Projection};

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
/// What is scaled up by more than this is kept sharp.
const SHARP_FROM: f32 = 1.2;
/// A working page has at most so many pixels.
const WORKING_PIXELS_MAX: f32 = 36_000_000.0;

/// A page ready for OCR, and the way back.
pub(super) struct Ready {
    pub(super) gray: GrayImage,
    pub(super) dpi: f32,
    /// Cut out, tilted or bent, not only turned by quarters.
    pub(super) askew: bool,
    /// From pixels of the original to pixels of `gray`.
    projection: Projection,
}

/// What the pixels look like.
#[derive(Debug)]
pub(super) struct Look {
    /// Corners of the sheet in a photo: top left, top right, bottom right, bottom left, in pixels of the original.
    sheet: Option<[(f32, f32); 4]>,
    /// Ink gathers in columns rather than in rows; a hint only, for tables do so too.
    pub(super) sideways: bool,
    /// Skew of rows if the page is level, in degrees.
    level_skew: f32,
    /// Skew of rows if the page lies sideways, in degrees.
    side_skew: f32,
    /// Nothing but black and white, as from a fax.
    bilevel: bool,
}

/// Makes a frame ready, undoing a clockwise turn of 0, 90, 180 or 270 degrees.
pub(super) fn prepare(frame: &Frame, look: &Look, turned: u16) -> Option<Ready> {
    let (width, height) = (frame.gray.width() as f32, frame.gray.height() as f32);
    // to a straight sheet, in inches times the working resolution
    let dpi = frame.dpi_x.max(frame.dpi_y);
    let target_dpi = match dpi {
        d if d < ENOUGH_DPI => WORKING_DPI.min(d * 2.0),
        d if look.bilevel && d < WORKING_DPI => WORKING_DPI,
        d if d > PLENTY_DPI => WORKING_DPI,
        d => d,
    };
    let (scale_x, scale_y) = (target_dpi / frame.dpi_x, target_dpi / frame.dpi_y);
    let (flat, flat_width, flat_height) = match look.sheet {
        Some(corners) => flatten_sheet(corners, scale_x, scale_y)?,
        None => (Projection::scale(scale_x, scale_y), width * scale_x, height * scale_y),
    };
    let skew = if turned % 180 == 90 { look.side_skew } else { look.level_skew };
    let (turn, out_width, out_height) = turn_back(turned, flat_width, flat_height);
    let (cx, cy) = (out_width / 2.0, out_height / 2.0);
    let straighten = Projection::translate(cx, cy)
        * Projection::rotate(-skew.to_radians())
        * Projection::translate(-cx, -cy);
    let projection = straighten * turn * flat;
    if !(out_width * out_height < WORKING_PIXELS_MAX && out_width >= 1.0 && out_height >= 1.0) {
        return None;
    }
    let (out_width, out_height) = (out_width as u32, out_height as u32);
    let plain = look.sheet.is_none() && turned == 0 && skew == 0.0;
    let mut gray = if plain && target_dpi <= dpi {
        scale_only(&frame.gray, out_width, out_height)
    } else {
        let sharp = target_dpi > dpi * SHARP_FROM;
        warp(&frame.gray, projection.invert(), out_width, out_height, sharp)
    };
    turn_dark_bands(&mut gray, target_dpi);
    let steps = if turned % 180 == 90 { (scale_y, scale_x) } else { (scale_x, scale_y) };
    let gray = if look.bilevel { smooth(&gray, steps) } else { lift_tints(even_light(gray), target_dpi) };
    Some(Ready { gray, dpi: target_dpi, askew: look.sheet.is_some() || skew != 0.0, projection })
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

/// Takes specks away from a page of pure black and white, as fax lines leave them: dots of one or two pixels that
/// touch nothing, and holes of one pixel.
fn despeckle(gray: &GrayImage) -> GrayImage {
    let (width, height) = gray.dimensions();
    let around = |x: u32, y: u32| {
        let (rows, columns) =
            (y.saturating_sub(1)..(y + 2).min(height), x.saturating_sub(1)..(x + 2).min(width));
        rows.flat_map(move |y| columns.clone().map(move |x| (x, y))).filter(move |place| *place != (x, y))
    };
    let ink = |(x, y): &(u32, u32)| gray.get_pixel(*x, *y).0 == [0];
    let is_speck = |x: u32, y: u32| {
        let mut near = around(x, y).filter(|p| ink(p));
        match (near.next(), near.next()) {
            (None, _) => true,
            (Some((a, b)), None) => around(a, b).filter(|p| ink(p)).count() == 1,
            _ => false,
        }
    };
    let mut clean = gray.clone();
    for (x, y) in (0..height).flat_map(|y| (0..width).map(move |x| (x, y))) {
        if ink(&(x, y)) {
            if is_speck(x, y) {
                clean.put_pixel(x, y, Luma([255]));
            }
        } else if x > 0 && ink(&(x - 1, y)) && around(x, y).filter(|p| ink(p)).count() == 8 {
            clean.put_pixel(x, y, Luma([0]));
        }
    }
    clean
}

/// Rounds the stairs at the edges of letters that were black and white before they were scaled. The steps are how
/// many pixels one pixel of the original became, across and down.
fn smooth(gray: &GrayImage, steps: (f32, f32)) -> GrayImage {
    const COARSE_STEP: f32 = 2.2;
    const DARK: u32 = 51;
    const LIGHT: u32 = 204;
    let radius = |step: f32| if step > COARSE_STEP { 2 } else { 1 };
    let (x, y) = (radius(steps.0), radius(steps.1));
    let mut soft = imageproc::filter::box_filter(gray, x, y);
    for pixel in soft.pixels_mut() {
        let value = u32::from(pixel.0[0]).clamp(DARK, LIGHT);
        pixel.0 = [((value - DARK) * 255 / (LIGHT - DARK)) as u8];
    }
    soft
}

/// Cleans a frame before it is moved.
pub(super) fn clean(frame: Frame) -> Frame {
    if frame.is_bilevel() { Frame { gray: despeckle(&frame.gray), ..frame } } else { frame }
}

/// Judges a frame on a small copy.
pub(super) fn look_at(frame: &Frame) -> Look {
    let (width, height) = frame.gray.dimensions();
    // pixels that are not square would bend angles
    let wide = width as f32 / frame.dpi_x * 100.0;
    let high = height as f32 / frame.dpi_y * 100.0;
    let ratio = SMALL_SIDE as f32 / wide.max(high);
    let (small_width, small_height) = (((wide * ratio) as u32).max(8), ((high * ratio) as u32).max(8));
    let small = shrink(&frame.gray, small_width, small_height);
    let (back_x, back_y) = (width as f32 / small_width as f32, height as f32 / small_height as f32);
    let sheet = find_sheet(&small);
    let flat = sheet.and_then(|corners| {
        let (projection, w, h) = flatten_sheet(corners, 1.0, 1.0)?;
        Some(warp(&small, projection.invert(), (w as u32).max(8), (h as u32).max(8), false))
    });
    let flat = even_light(flat.unwrap_or(small));
    let ink = find_ink(&flat);
    let (level_score, level_skew) = best_skew(&ink, flat.height(), |(x, y)| (x, y));
    let (side_score, side_skew) = best_skew(&ink, flat.width(), |(x, y)| (-y, x));
    let worthwhile = |skew: f32| if skew.abs() < SKEW_MIN { 0.0 } else { skew };
    Look {
        sheet: sheet.map(|corners| corners.map(|(x, y)| (x * back_x, y * back_y))),
        sideways: side_score > level_score * 1.3,
        level_skew: worthwhile(level_skew),
        side_skew: worthwhile(side_skew),
        bilevel: frame.is_bilevel(),
    }
}

/// A small copy: each pixel is the mean of a few that it stands for.
fn shrink(gray: &GrayImage, width: u32, height: u32) -> GrayImage {
    let (from_width, from_height) = gray.dimensions();
    let (step_x, step_y) = (from_width as f32 / width as f32, from_height as f32 / height as f32);
    let taps = |step: f32| (step.ceil() as u32).clamp(1, 4);
    let (taps_x, taps_y) = (taps(step_x), taps(step_y));
    let at = |place: u32, step: f32, tap: u32, taps: u32, end: u32| {
        (((place as f32 + (tap as f32 + 0.5) / taps as f32) * step) as u32).min(end - 1)
    };
    GrayImage::from_fn(width, height, |x, y| {
        let mut sum = 0;
        for tap_y in 0..taps_y {
            let from_y = at(y, step_y, tap_y, taps_y, from_height);
            for tap_x in 0..taps_x {
                sum += u32::from(gray.get_pixel(at(x, step_x, tap_x, taps_x, from_width), from_y).0[0]);
            }
        }
        Luma([(sum / (taps_x * taps_y)) as u8])
    })
}

/// Places of dark pixels that are letters rather than lines: long runs across and down are left out.
fn find_ink(gray: &GrayImage) -> Vec<(f32, f32)> {
    const RUN_MAX: u32 = 30;
    const DARK: u8 = 160;
    let (width, height) = gray.dimensions();
    let dark = |x: u32, y: u32| gray.get_pixel(x, y).0 < [DARK];
    let mut line = vec![false; width as usize * height as usize];
    let mut mark = |places: &mut Vec<(u32, u32)>| {
        if places.len() as u32 > RUN_MAX {
            for (x, y) in places.iter() {
                if let Some(cell) = line.get_mut((y * width + x) as usize) {
                    *cell = true;
                }
            }
        }
        places.clear();
    };
    let mut run = Vec::new();
    for y in 0..height {
        for x in 0..width {
            if dark(x, y) { run.push((x, y)) } else { mark(&mut run) }
        }
        mark(&mut run);
    }
    for x in 0..width {
        for y in 0..height {
            if dark(x, y) { run.push((x, y)) } else { mark(&mut run) }
        }
        mark(&mut run);
    }
    let places = (0..height).flat_map(|y| (0..width).map(move |x| (x, y)));
    places
        .zip(&line)
        .filter(|((x, y), is_line)| !**is_line && dark(*x, *y))
        .map(|((x, y), _)| (x as f32, y as f32))
        .collect()
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
    const GROUND_CONTRAST_MIN: f32 = 50.0;
    let (width, height) = small.dimensions();
    let blurred = imageproc::filter::box_filter(small, 3, 3);
    let level = otsu_level(&blurred);
    let bright = |x: u32, y: u32| blurred.get_pixel_checked(x, y).is_some_and(|p| p.0 > [level]);
    let border = (0..width).flat_map(|x| [(x, 1), (x, height.saturating_sub(2))]);
    let border = border.chain((0..height).flat_map(|y| [(1, y), (width.saturating_sub(2), y)]));
    let (dark, all) = border.fold((0, 0), |(d, n), (x, y)| (d + u32::from(!bright(x, y)), n + 1));
    if (dark as f32) < DARK_BORDER_SHARE * all as f32 || contrast(&blurred, level) < GROUND_CONTRAST_MIN {
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

/// How far apart the means of the pixels above and below a level are.
fn contrast(gray: &GrayImage, level: u8) -> f32 {
    let mut sums = [(0.0_f32, 0.0_f32); 2];
    for Luma([value]) in gray.pixels() {
        let [below, above] = &mut sums;
        let side = if *value > level { above } else { below };
        *side = (side.0 + f32::from(*value), side.1 + 1.0);
    }
    let [below, above] = sums.map(|(sum, count)| sum / count.max(1.0));
    above - below
}

fn quad_area(corners: [(f32, f32); 4]) -> f32 {
    let [a, b, c, d] = corners;
    let cross = |p: (f32, f32), q: (f32, f32)| p.0 * q.1 - q.0 * p.1;
    (cross(a, b) + cross(b, c) + cross(c, d) + cross(d, a)).abs() / 2.0
}

impl Ready {
    /// The same page upside down.
    pub(super) fn turn_over(&mut self) {
        imageops::rotate180_in_place(&mut self.gray);
        let (turn, ..) = turn_back(180, self.gray.width() as f32, self.gray.height() as f32);
        self.projection = turn * self.projection;
    }

    /// A point of the ready page, in its pixels, as a point of the original, in that one's pixels.
    pub(super) fn to_original(&self, point: (f32, f32)) -> (f32, f32) {
        self.projection.invert() * point
    }
}
