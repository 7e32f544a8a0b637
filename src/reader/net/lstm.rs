//! Long short-term memory over many lines at once, and the squashing functions.
//!
//! The step of a layer is `LSTM::Forward` in `src/lstm/lstm.cpp` of tesseract-ocr/tesseract.

#![expect(clippy::inline_always, reason = "what is not inlined into `dispatch` is compiled without vectors")]

use super::{
    layers::Lstm,
    matrix::{Matrix, Scratch},
};
use pulp::{Arch, Simd, WithSimd};

/// What a layer remembers is kept within this.
const STATE_MAX: f32 = 100.0;

/// What a layer remembers of each line and what it told last, a row a line.
pub(super) struct Memory {
    state: Vec<f32>,
    pub(super) told: Vec<f32>,
}

impl Memory {
    pub(super) fn new(lines: usize, units: usize) -> Self {
        Self { state: vec![0.0; lines * units], told: vec![0.0; lines * units] }
    }
}

impl Lstm {
    /// One step of the first lines, as many as `gates` has rows: these hold what comes from the inputs.
    pub(super) fn step(&self, gates: &mut [f32], memory: &mut Memory, scratch: &mut Scratch) {
        let length = gates.len() / 4;
        let (Some(state), Some(told)) = (memory.state.get_mut(..length), memory.told.get_mut(..length))
        else {
            return;
        };
        self.from_itself.add_product(told, gates, scratch);
        Arch::new().dispatch(Update { units: self.units, gates, state, told });
    }
}

/// What rows of gates make of what is remembered.
struct Update<'a> {
    units: usize,
    gates: &'a [f32],
    state: &'a mut [f32],
    told: &'a mut [f32],
}

impl WithSimd for Update<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) {
        let Self { units, gates, state, told } = self;
        let rows = gates.chunks_exact(4 * units).zip(state.chunks_exact_mut(units));
        for ((gates, state), told) in rows.zip(told.chunks_exact_mut(units)) {
            let (take, rest) = gates.split_at(units);
            let (take_gate, rest) = rest.split_at(units);
            let (keep_gate, tell_gate) = rest.split_at(units);
            let gates = take.iter().zip(take_gate).zip(keep_gate).zip(tell_gate);
            for ((((take, take_gate), keep_gate), tell_gate), (state, told)) in
                gates.zip(state.iter_mut().zip(told))
            {
                let kept = *state * logistic(*keep_gate) + tanh(*take) * logistic(*take_gate);
                *state = kept.clamp(-STATE_MAX, STATE_MAX);
                *told = tanh(*state) * logistic(*tell_gate);
            }
        }
    }
}

/// Rows of a bias, plus the product of rows with weights.
pub(super) fn project(
    weights: &Matrix,
    bias: &[f32],
    rows: &[f32],
    sums: &mut Vec<f32>,
    scratch: &mut Scratch,
) {
    sums.clear();
    for _ in 0..rows.len() / weights.inputs() {
        sums.extend_from_slice(bias);
    }
    weights.add_product(rows, sums, scratch);
}

/// Squashes all values.
pub(super) fn tanh_all(values: &mut [f32]) {
    Arch::new().dispatch(Squash(values));
}

struct Squash<'a>(&'a mut [f32]);

impl WithSimd for Squash<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) {
        for value in self.0 {
            *value = tanh(*value);
        }
    }
}

#[inline(always)]
fn logistic(x: f32) -> f32 {
    0.5 * tanh(0.5 * x) + 0.5
}

/// The hyperbolic tangent as a quotient of polynomials, which vectors can compute; off by less than a millionth.
#[inline(always)]
fn tanh(x: f32) -> f32 {
    const FLAT: f32 = 7.905_311;
    let x = x.clamp(-FLAT, FLAT);
    let square = x * x;
    let over = -2.760_768_5e-16_f32 * square + 2.000_188e-13;
    let over = over * square - 8.604_672e-11;
    let over = over * square + 5.122_297e-8;
    let over = over * square + 1.485_722_4e-5;
    let over = over * square + 6.372_619e-4;
    let over = over * square + 4.893_524_6e-3;
    let under = 1.198_258_4e-6_f32 * square + 1.185_347_1e-4;
    let under = under * square + 2.268_434_6e-3;
    let under = under * square + 4.893_525e-3;
    x * over / under
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn squashing_is_the_hyperbolic_tangent() {
        for x in (-1000..=1000).map(|i| i as f32 / 80.0) {
            assert!((tanh(x) - x.tanh()).abs() < 2e-6, "{x}");
        }
    }
}
