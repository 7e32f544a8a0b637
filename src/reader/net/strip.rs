//! The picture of a line as the network wants it: of its height, sharpened, black and white at the ends of the scale.
//!
//! As `pixScale` of Leptonica does it, and `NetworkIO::FromPixes` in `src/lstm/networkio.cpp` of
//! tesseract-ocr/tesseract. Limits: width.

use super::layers::SQUARE;
use image::{GrayImage, Luma, imageops};
use std::ops::Range;

/// Reduced by more than this, each pixel is the mean of those that it stands for.
const MUCH_SMALLER: f32 = 0.7;
/// Enlarged by more than this, it is not sharpened.
const MUCH_LARGER: f32 = 1.4;
/// Darker than this is ink.
const INK_BELOW: u8 = 150;
/// Darker than this is ink, in a strip.
const MIDDLE: f32 = 0.0;
/// White that is left on either side of the ink, in heights of the picture.
const MARGIN_BESIDE: f32 = 0.1;
/// White that is left above and below the ink, in heights of it: as much as makes letters of the size that networks
/// read best, which is about that of Tesseract's own lines.
const MARGIN_ABOVE: f32 = 0.33;
/// Strips are at most so wide, in pixels.
const WIDTH_MAX: u32 = 12_000;
/// Neighbours of a pixel on a side of the square, itself included.
const AROUND: isize = 1;

/// A line of text, ready for the network.
pub(super) struct Strip {
    pub(super) width: usize,
    /// Row after row; 1 is white, -1 is black.
    pixels: Vec<f32>,
    /// Pixels of it in a pixel of the picture.
    pub(super) scale: f32,
    /// Where it begins in the picture.
    pub(super) left: f32,
}

impl Strip {
    /// None if the line is too long or too thin.
    pub(super) fn new(line: &GrayImage, height: usize) -> Option<Self> {
        let (left, line) = trim(line)?;
        let tall = u32::try_from(height).ok()?;
        let scale = height as f32 / line.height().max(1) as f32;
        let width = (line.width() as f32 * scale).round() as u32;
        if !(SQUARE as u32..=WIDTH_MAX).contains(&width) || line.height() < SQUARE as u32 {
            return None;
        }
        let scaled = if line.height() == tall {
            line
        } else if scale < MUCH_SMALLER {
            sharpen(&imageops::thumbnail(&line, width, tall), 1, 0.2)
        } else if scale < MUCH_LARGER {
            sharpen(&stretch(&line, width, tall), 2, 0.4)
        } else {
            stretch(&line, width, tall)
        };
        let (black, white) = find_ends(&scaled);
        let half = if white > black { (white - black) / 2.0 } else { 1.0 };
        let pixels =
            scaled.pixels().map(|p| ((f32::from(p.0[0]) - black) / half - 1.0).clamp(-1.0, 1.0)).collect();
        Some(Self { width: width as usize, pixels, scale, left })
    }

    /// Where no ink stands between letters, in steps, from left to right.
    pub(super) fn find_gaps(&self) -> Vec<Range<f32>> {
        let mut has_ink = vec![false; self.width];
        for row in self.pixels.chunks_exact(self.width) {
            has_ink.iter_mut().zip(row).for_each(|(ink, pixel)| *ink |= *pixel < MIDDLE);
        }
        let ink: Vec<usize> = (0..).zip(has_ink).filter_map(|(x, ink)| ink.then_some(x)).collect();
        let step = |x: usize| x as f32 / SQUARE as f32;
        let gap = |(left, right): (&usize, &usize)| (right - left > 1).then(|| step(left + 1)..step(*right));
        ink.iter().zip(ink.iter().skip(1)).filter_map(gap).collect()
    }

    /// Adds a pixel and its neighbours, column by column; beyond the edges is noise, as networks were trained.
    pub(super) fn push_around(&self, x: usize, y: usize, noise: &mut Noise, seen: &mut Vec<f32>) {
        for dx in -AROUND..=AROUND {
            for dy in -AROUND..=AROUND {
                let place = x.checked_add_signed(dx).zip(y.checked_add_signed(dy));
                let inside = place.filter(|(x, _)| *x < self.width);
                let pixel = inside.and_then(|(x, y)| self.pixels.get(y * self.width + x));
                seen.push(pixel.copied().unwrap_or_else(|| noise.next()));
            }
        }
    }
}

/// Cuts white off that is more than a margin around the ink, and tells where the rest begins. None without ink.
fn trim(line: &GrayImage) -> Option<(f32, GrayImage)> {
    let (width, height) = line.dimensions();
    let is_ink = |x: u32, y: u32| line.get_pixel(x, y).0[0] < INK_BELOW;
    let column_has_ink = |x: &u32| (0..height).any(|y| is_ink(*x, y));
    let margin = (MARGIN_BESIDE * height as f32).round() as u32;
    let left = (0..width).find(column_has_ink)?.saturating_sub(margin);
    let right = ((0..width).rev().find(column_has_ink)? + 1 + margin).min(width);
    let row_has_ink = |y: &u32| (left..right).any(|x| is_ink(x, *y));
    let (first, last) = (0..height).find(row_has_ink).zip((0..height).rev().find(row_has_ink))?;
    let margin = (MARGIN_ABOVE * (last + 1 - first) as f32) as u32;
    let (top, bottom) = (first.saturating_sub(margin), (last + 1 + margin).min(height));
    let ink = imageops::crop_imm(line, left, top, right - left, bottom - top);
    Some((left as f32, ink.to_image()))
}

/// Bilinear.
fn stretch(image: &GrayImage, width: u32, height: u32) -> GrayImage {
    let (across, down) = (image.width() as f32 / width as f32, image.height() as f32 / height as f32);
    let at =
        |x: u32, y: u32| f32::from(image.get_pixel(x.min(image.width() - 1), y.min(image.height() - 1)).0[0]);
    GrayImage::from_fn(width, height, |x, y| {
        let (x, y) = (x as f32 * across, y as f32 * down);
        let (left, top) = (x as u32, y as u32);
        let (fx, fy) = (x.fract(), y.fract());
        let upper = at(left, top) * (1.0 - fx) + at(left + 1, top) * fx;
        let lower = at(left, top + 1) * (1.0 - fx) + at(left + 1, top + 1) * fx;
        Luma([(upper * (1.0 - fy) + lower * fy).round() as u8])
    })
}

/// Takes a share of the mean around each pixel away from it; the edges stay.
fn sharpen(image: &GrayImage, reach: u32, share: f32) -> GrayImage {
    let (width, height) = image.dimensions();
    let side = 2 * reach + 1;
    let means = imageproc::filter::box_filter(image, reach, reach);
    let mut sharp = image.clone();
    if width < side || height < side {
        return sharp;
    }
    for y in reach..height - reach {
        for x in reach..width - reach {
            let own = f32::from(image.get_pixel(x, y).0[0]);
            let mean = f32::from(means.get_pixel(x, y).0[0]);
            sharp.put_pixel(x, y, Luma([(own + share * (own - mean)).round().clamp(0.0, 255.0) as u8]));
        }
    }
    sharp
}

/// Black and white of a line: quartiles of the darkest and lightest places on the way through its middle.
fn find_ends(image: &GrayImage) -> (f32, f32) {
    let middle = image.height() / 2;
    let row: Vec<u8> = (0..image.width()).map(|x| image.get_pixel(x, middle).0[0]).collect();
    let (mut dark, mut light) = (Vec::new(), Vec::new());
    for three in row.windows(3) {
        let &[before, own, after] = three else { continue };
        if own < before && own <= after || own <= before && own < after {
            dark.push(own);
        }
        if own > before && own >= after || own >= before && own > after {
            light.push(own);
        }
    }
    dark.sort_unstable();
    light.sort_unstable();
    let black = dark.get(dark.len() / 4).copied().unwrap_or(0);
    let white = light.get(light.len() * 3 / 4).copied().unwrap_or(255);
    (f32::from(black), f32::from(white))
}

/// Evenly spread values between -1 and 1, the same ones each time.
pub(super) struct Noise(u64);

impl Noise {
    pub(super) fn new() -> Self {
        Self(1)
    }

    /// A step of Knuth's linear congruential generator MMIX.
    fn next(&mut self) -> f32 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 40) as f32 / (1 << 23) as f32 - 1.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_strip_is_the_ink_on_the_whole_scale() {
        let mut line = GrayImage::from_pixel(400, 100, Luma([200]));
        for (x, y) in (30..40).flat_map(|y| (100..300).map(move |x| (x, y))).filter(|(x, _)| x / 10 % 2 == 0)
        {
            line.put_pixel(x, y, Luma([60]));
        }
        let strip = Strip::new(&line, 36).unwrap();
        assert_eq!((strip.left as u32, strip.width), (90, (210.0 * strip.scale).round() as usize));
        let (gaps, width) = (strip.find_gaps(), 10.0 * strip.scale / SQUARE as f32);
        assert_eq!(gaps.len(), 9);
        assert!(gaps.iter().all(|gap| (gap.end - gap.start - width).abs() < 1.0), "{gaps:?}, not {width}");
        assert!(strip.pixels.contains(&1.0) && strip.pixels.contains(&-1.0));
        assert!(Strip::new(&GrayImage::from_pixel(400, 100, Luma([255])), 36).is_none(), "no ink");
    }
}
