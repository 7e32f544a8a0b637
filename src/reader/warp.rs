//! Moves the pixels of a grey page through a projection, row by row.
//!
//! Cost: a fixed number of reads for each pixel that comes out. Places between two reckoned ones, [`STRIDE`] apart,
//! are taken to lie on a line, which holds for any photo of a sheet to within a tenth of a pixel.

use image::GrayImage;
use imageproc::geometric_transformations::Projection;

/// How many pixels lie between two places that are reckoned exactly.
const STRIDE: u32 = 16;
/// Places are counted in so many parts of a pixel.
const ONE: i64 = 1 << 16;
/// Weights of four neighbours are known for so many places between two pixels.
const PHASES: usize = 64;
/// Weights add up to this.
const WEIGHT_SUM: i32 = 1 << 10;

/// An image of the given size; `back` leads from its pixels to those of `from`. Beyond the edge of
/// `from` its outermost pixels go on. With `sharp` each pixel is made of sixteen (Catmull and Rom), else of four.
pub(super) fn warp(from: &GrayImage, back: Projection, width: u32, height: u32, sharp: bool) -> GrayImage {
    let mut out = GrayImage::new(width, height);
    if from.width() == 0 || from.height() == 0 {
        return out;
    }
    let weights = sharp.then(catmull_rom);
    let source =
        Source { pixels: from.as_raw(), width: i64::from(from.width()), height: i64::from(from.height()) };
    for (y, row) in (0..height).zip(out.chunks_exact_mut(width.max(1) as usize)) {
        let mut left = back * (0.0, y as f32);
        for (part, start) in row.chunks_mut(STRIDE as usize).zip((0..width).step_by(STRIDE as usize)) {
            let right = back * ((start + STRIDE) as f32, y as f32);
            let fixed = |v: f32| (v * ONE as f32) as i64;
            let (mut fx, mut fy) = (fixed(left.0), fixed(left.1));
            let step_x = (fixed(right.0) - fx) / i64::from(STRIDE);
            let step_y = (fixed(right.1) - fy) / i64::from(STRIDE);
            for pixel in part {
                *pixel = match &weights {
                    Some(weights) => source.sharp(fx, fy, weights),
                    None => source.plain(fx, fy),
                };
                fx += step_x;
                fy += step_y;
            }
            left = right;
        }
    }
    out
}

struct Source<'a> {
    pixels: &'a [u8],
    width: i64,
    height: i64,
}

impl Source<'_> {
    fn at(&self, x: i64, y: i64) -> i32 {
        let (x, y) = (x.clamp(0, self.width - 1), y.clamp(0, self.height - 1));
        self.pixels.get((y * self.width + x) as usize).map_or(255, |p| i32::from(*p))
    }

    /// Some pixels side by side; none if one of them lies beyond the edge.
    fn side_by_side<const N: usize>(&self, x: i64, y: i64) -> Option<[i32; N]> {
        if x < 0 || y < 0 || x + N as i64 > self.width || y >= self.height {
            return None;
        }
        let start = (y * self.width + x) as usize;
        self.pixels.get(start..)?.first_chunk::<N>().map(|pixels| pixels.map(i32::from))
    }

    /// Between four pixels.
    fn plain(&self, fx: i64, fy: i64) -> u8 {
        let (x, y) = (fx.div_euclid(ONE), fy.div_euclid(ONE));
        let (across, down) = ((fx.rem_euclid(ONE) >> 8) as i32, (fy.rem_euclid(ONE) >> 8) as i32);
        let pair = |y| self.side_by_side(x, y).unwrap_or_else(|| [self.at(x, y), self.at(x + 1, y)]);
        let ([a, b], [c, d]) = (pair(y), pair(y + 1));
        let top = a * (256 - across) + b * across;
        let bottom = c * (256 - across) + d * across;
        ((top * (256 - down) + bottom * down + (1 << 15)) >> 16) as u8
    }

    /// Between sixteen pixels.
    fn sharp(&self, fx: i64, fy: i64, weights: &[[i32; 4]]) -> u8 {
        let (x, y) = (fx.div_euclid(ONE), fy.div_euclid(ONE));
        let phase = |f: i64| (f.rem_euclid(ONE) as usize * PHASES) >> 16;
        let weights_at = |f: i64| weights.get(phase(f)).copied().unwrap_or_default();
        let (across, down) = (weights_at(fx), weights_at(fy));
        let mut sum = 0;
        for (row, weight) in (y - 1..y + 3).zip(down) {
            let four: [i32; 4] = self
                .side_by_side(x - 1, row)
                .unwrap_or_else(|| [x - 1, x, x + 1, x + 2].map(|x| self.at(x, row)));
            sum += weight * four.iter().zip(across).map(|(p, w)| p * w).sum::<i32>();
        }
        ((sum + WEIGHT_SUM * WEIGHT_SUM / 2) / (WEIGHT_SUM * WEIGHT_SUM)).clamp(0, 255) as u8
    }
}

/// The weights of four pixels in a row for places between the second and the third (E. Catmull, R. Rom, A Class of
/// Local Interpolating Splines, 1974).
fn catmull_rom() -> Vec<[i32; 4]> {
    let weights = |phase: usize| {
        let t = phase as f32 / PHASES as f32;
        let (t2, t3) = (t * t, t * t * t);
        let [a, b, d] = [-t3 + 2.0 * t2 - t, 3.0 * t3 - 5.0 * t2 + 2.0, t3 - t2]
            .map(|w| (w / 2.0 * WEIGHT_SUM as f32).round() as i32);
        [a, b, WEIGHT_SUM - a - b - d, d]
    };
    (0..PHASES).map(weights).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use image::Luma;

    #[test]
    fn pixels_find_their_places() {
        let from = GrayImage::from_fn(40, 30, |x, y| Luma([(x * 3 + y * 2) as u8]));
        for sharp in [false, true] {
            let same = warp(&from, Projection::scale(1.0, 1.0), 40, 30, sharp);
            assert_eq!(same, from);
            let half = warp(&from, Projection::scale(0.5, 0.5), 80, 40, sharp);
            assert_eq!(half.dimensions(), (80, 40));
            assert_eq!(half.get_pixel(20, 20).0, from.get_pixel(10, 10).0);
            let between = i32::from(half.get_pixel(21, 21).0[0]);
            let [a, b] = [(10, 10), (11, 11)].map(|(x, y)| i32::from(from.get_pixel(x, y).0[0]));
            assert!((between * 2 - a - b).abs() <= 2, "{between} is not between {a} and {b}");
        }
    }
}
