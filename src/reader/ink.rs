//! Connected ink: boxes around the dark shapes of a page.
//!
//! Works on runs of dark pixels, row upon row, so that white paper costs one look at each pixel.

use image::{GrayImage, Luma};
use std::collections::BTreeMap;

/// Left, top, right, bottom in pixels, ends excluded.
pub(super) type Bounds = [f32; 4];

/// Shapes of one page; what comes after is noise.
const SHAPES_MAX: usize = 400_000;

/// A dark run of the row above, and the shape that it belongs to.
#[derive(Clone, Copy)]
struct Run {
    start: u32,
    end: u32,
    shape: usize,
}

/// Shapes that were found to be one lead to the same shape.
struct Shapes {
    parent: Vec<usize>,
    bounds: Vec<[u32; 4]>,
}

impl Shapes {
    fn root(&mut self, mut shape: usize) -> usize {
        while let Some(&parent) = self.parent.get(shape)
            && parent != shape
        {
            let above = self.parent.get(parent).copied().unwrap_or(parent);
            if let Some(own) = self.parent.get_mut(shape) {
                *own = above;
            }
            shape = above;
        }
        shape
    }

    fn start(&mut self, bounds: [u32; 4]) -> usize {
        self.parent.push(self.parent.len());
        self.bounds.push(bounds);
        self.parent.len() - 1
    }

    fn grow(&mut self, shape: usize, [a, b, c, d]: [u32; 4]) {
        if let Some([x0, y0, x1, y1]) = self.bounds.get_mut(shape) {
            (*x0, *y0, *x1, *y1) = ((*x0).min(a), (*y0).min(b), (*x1).max(c), (*y1).max(d));
        }
    }

    fn join(&mut self, a: usize, b: usize) -> usize {
        let (a, b) = (self.root(a), self.root(b));
        if a == b {
            return a;
        }
        let (keep, lose) = (a.min(b), a.max(b));
        if let Some(parent) = self.parent.get_mut(lose) {
            *parent = keep;
        }
        if let Some(bounds) = self.bounds.get(lose).copied() {
            self.grow(keep, bounds);
        }
        keep
    }
}

/// Boxes of the shapes that are darker than `below`; pixels touch at edges and at corners.
pub(super) fn find_shapes(gray: &GrayImage, below: u8) -> Vec<Bounds> {
    let mut shapes = Shapes { parent: Vec::new(), bounds: Vec::new() };
    let mut above: Vec<Run> = Vec::new();
    for (y, row) in (0_u32..).zip(gray.rows()) {
        let mut runs: Vec<Run> = Vec::new();
        let mut next_above = above.iter().peekable();
        for (start, end) in dark_runs(row, below) {
            let bounds = [start, y, end, y + 1];
            let mut shape = None;
            // what ends left of here touches nothing further
            while next_above.next_if(|run| run.end < start).is_some() {}
            let mut touching = next_above.clone();
            while let Some(run) = touching.next_if(|run| run.start <= end) {
                shape = Some(shape.map_or(run.shape, |found| shapes.join(found, run.shape)));
            }
            if shape.is_none() && shapes.parent.len() >= SHAPES_MAX {
                continue;
            }
            let shape = match shape {
                Some(shape) => shapes.root(shape),
                None => shapes.start(bounds),
            };
            shapes.grow(shape, bounds);
            runs.push(Run { start, end, shape });
        }
        above = runs;
    }
    let roots = shapes.parent.iter().zip(&shapes.bounds).enumerate();
    roots.filter(|(at, (parent, _))| at == *parent).map(|(_, (_, b))| b.map(|v| v as f32)).collect()
}

fn dark_runs<'a>(row: impl Iterator<Item = &'a Luma<u8>>, below: u8) -> impl Iterator<Item = (u32, u32)> {
    let mut pixels = (0_u32..).zip(row).peekable();
    std::iter::from_fn(move || {
        let (start, _) = pixels.find(|(_, p)| p.0 < [below])?;
        let mut end = start + 1;
        while pixels.next_if(|(_, p)| p.0 < [below]).is_some() {
            end += 1;
        }
        Some((start, end))
    })
}

/// Boxes by the places that they cover, on a coarse grid; each is known by its number.
pub(super) struct Index {
    cell: f32,
    cells: BTreeMap<(i32, i32), Vec<(usize, Bounds)>>,
}

impl Index {
    pub(super) fn new(boxes: impl Iterator<Item = Bounds>, cell: f32) -> Self {
        let mut cells: BTreeMap<(i32, i32), Vec<(usize, Bounds)>> = BTreeMap::new();
        for (number, bounds) in boxes.enumerate() {
            let at = |v: f32| (v / cell).floor() as i32;
            for row in at(bounds[1]) - 1..=at(bounds[3]) + 1 {
                for column in at(bounds[0]) - 1..=at(bounds[2]) + 1 {
                    cells.entry((row, column)).or_default().push((number, bounds));
                }
            }
        }
        Self { cell, cells }
    }

    /// The boxes that may cover a place.
    pub(super) fn near(&self, (x, y): (f32, f32)) -> impl Iterator<Item = (usize, Bounds)> {
        let at = ((y / self.cell).floor() as i32, (x / self.cell).floor() as i32);
        self.cells.get(&at).into_iter().flatten().copied()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shapes_are_whole() {
        let picture = [
            "#..#....", //
            "#..#..#.", // a U and a dot
            "####....", "........", "...#.#..", // a V that meets at its foot
            "....#...",
        ];
        let gray = GrayImage::from_fn(8, 6, |x, y| {
            let ink = picture[y as usize].as_bytes()[x as usize] == b'#';
            Luma([if ink { 0 } else { 255 }])
        });
        let found = find_shapes(&gray, 128);
        assert_eq!(found, [[0., 0., 4., 3.], [6., 1., 7., 2.], [3., 4., 6., 6.]]);
    }
}
