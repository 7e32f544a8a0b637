//! Matrices of weights, packed for the processor's vectors, and their product with many rows at once.
//!
//! Weights are kept in panels of 32 outputs; a product goes panel by panel, so that each weight is fetched once for
//! all rows. `pulp` picks the widest vectors that the processor has.

#![expect(clippy::inline_always, reason = "what is not inlined into `dispatch` is compiled without vectors")]

use pulp::{Arch, Simd, WithSimd};

/// Outputs of one panel.
const PANEL: usize = 32;

/// The weights from some inputs to some outputs.
#[derive(Clone, Debug)]
pub(super) struct Matrix {
    /// Panel after panel; in each, input after input, the weights to the panel's outputs.
    panels: Vec<[f32; PANEL]>,
    inputs: usize,
    outputs: usize,
}

impl Matrix {
    /// Packs weights given by `weight(output, input)`.
    pub(super) fn pack(outputs: usize, inputs: usize, weight: impl Fn(usize, usize) -> f32) -> Self {
        let panel =
            |first: usize| {
                let weight = &weight;
                (0..inputs).map(move |input| {
                    std::array::from_fn(|lane| {
                        if first + lane < outputs { weight(first + lane, input) } else { 0.0 }
                    })
                })
            };
        let panels = (0..outputs).step_by(PANEL).flat_map(panel).collect();
        Self { panels, inputs, outputs }
    }

    pub(super) fn inputs(&self) -> usize {
        self.inputs
    }

    pub(super) fn outputs(&self) -> usize {
        self.outputs
    }

    /// Adds the product with `rows`, one after the other, to the rows of `sums`.
    pub(super) fn add_product(&self, rows: &[f32], sums: &mut [f32], scratch: &mut Scratch) {
        if self.inputs > 0 && self.outputs > 0 {
            Arch::new().dispatch(Product { matrix: self, rows, sums, packed: &mut scratch.packed });
        }
    }
}

/// Room that products reuse.
#[derive(Default)]
pub(super) struct Scratch {
    packed: Vec<f32>,
}

struct Product<'a> {
    matrix: &'a Matrix,
    rows: &'a [f32],
    sums: &'a mut [f32],
    packed: &'a mut Vec<f32>,
}

impl WithSimd for Product<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        // as many sums at a time as the processor has registers for
        match S::F32_LANES {
            16 => self.run::<S, 8, 2>(simd),
            8 => self.run::<S, 3, 4>(simd),
            4 => self.run::<S, 1, 8>(simd),
            _ => self.run::<S, 1, 32>(simd),
        }
    }
}

impl Product<'_> {
    /// `ROWS` rows and `VECTORS` vectors of a panel at a time.
    #[inline(always)]
    fn run<S: Simd, const ROWS: usize, const VECTORS: usize>(self, simd: S) {
        let Matrix { panels, inputs, outputs } = self.matrix;
        // rows side by side, so that one input of each stands together
        self.packed.clear();
        for block in self.rows.chunks(ROWS * inputs) {
            let start = self.packed.len();
            self.packed.resize(start + ROWS * inputs, 0.0);
            let Some(place) = self.packed.get_mut(start..) else { return };
            for (lane, row) in block.chunks_exact(*inputs).enumerate() {
                for (to, from) in place.iter_mut().skip(lane).step_by(ROWS).zip(row) {
                    *to = *from;
                }
            }
        }
        for (number, panel) in panels.chunks_exact(*inputs).enumerate() {
            let first = number * PANEL;
            let blocks = self.packed.chunks_exact(ROWS * inputs);
            for (block, sums) in blocks.zip(self.sums.chunks_mut(ROWS * outputs)) {
                let found: [[S::f32s; VECTORS]; ROWS] = tile(simd, block, panel);
                for (row, found) in sums.chunks_exact_mut(*outputs).zip(&found) {
                    let Some(place) = row.get_mut(first..) else { continue };
                    for (vector, found) in place.chunks_mut(S::F32_LANES).zip(found) {
                        let found: &[f32] = pulp::bytemuck::cast_slice(std::slice::from_ref(found));
                        for (sum, found) in vector.iter_mut().zip(found) {
                            *sum += *found;
                        }
                    }
                }
            }
        }
    }
}

/// The sums of some rows, side by side, for the outputs of one panel.
#[inline(always)]
fn tile<S: Simd, const ROWS: usize, const VECTORS: usize>(
    simd: S,
    block: &[f32],
    panel: &[[f32; PANEL]],
) -> [[S::f32s; VECTORS]; ROWS] {
    let mut sums = [[simd.splat_f32s(0.0); VECTORS]; ROWS];
    let (inputs, _) = block.as_chunks::<ROWS>();
    for (inputs, weights) in inputs.iter().zip(panel) {
        let (weights, _) = S::as_simd_f32s(weights);
        let Some(weights) = weights.first_chunk::<VECTORS>() else { break };
        for (sums, input) in sums.iter_mut().zip(inputs) {
            let input = simd.splat_f32s(*input);
            for (sum, weights) in sums.iter_mut().zip(weights) {
                *sum = simd.mul_add_f32s(input, *weights, *sum);
            }
        }
    }
    sums
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn products_are_those_of_plain_loops() {
        for (rows, inputs, outputs) in [(1, 1, 1), (3, 9, 16), (17, 20, 33), (40, 7, 100)] {
            let weight = |output: usize, input: usize| ((output * 7 + input * 3) % 11) as f32 - 5.0;
            let matrix = Matrix::pack(outputs, inputs, weight);
            let values: Vec<f32> = (0..rows * inputs).map(|i| (i % 13) as f32 - 6.0).collect();
            let mut sums = vec![1.0; rows * outputs];
            matrix.add_product(&values, &mut sums, &mut Scratch::default());
            let row = |row: &[f32], output: usize| {
                row.iter().enumerate().map(|(input, v)| v * weight(output, input)).sum::<f32>() + 1.0
            };
            let plain: Vec<f32> =
                values.chunks(inputs).flat_map(|v| (0..outputs).map(move |o| row(v, o))).collect();
            assert_eq!(sums, plain, "{rows} rows, {inputs} inputs, {outputs} outputs");
        }
    }
}
