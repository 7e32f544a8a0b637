//! From lines of pixels to how likely each character is at each step, many lines at once.
//!
//! The rows of all lines stand step by step: first the first step of every line, then the second of all that have
//! one… Lines are sorted from long to short, so that the lines of a step are always the first ones.
//! Limits: steps of a batch.

use super::{
    layers::{Layers, Lstm, Reading, SQUARE},
    lstm::{Memory, project, tanh_all},
    matrix::Scratch,
    strip::{Noise, Strip},
};
use std::ops::Range;

/// Rows that are computed together before the next layer or step: they fit into the processor's cache.
const ROWS: usize = 256;
/// Pixels that one output of the convolution sees, and outputs that the maximum is taken of.
const PIXELS: usize = SQUARE * SQUARE;

/// How the steps of lines stand as rows.
pub(super) struct Batch {
    /// Where each step begins, and the end of the last one.
    starts: Vec<usize>,
    lengths: Vec<usize>,
}

impl Batch {
    /// Lines of so many steps, from long to short.
    fn new(lengths: Vec<usize>) -> Self {
        let steps = lengths.first().copied().unwrap_or(0);
        let mut lines = lengths.len();
        let mut starts = vec![0];
        let mut rows = 0;
        for step in 0..steps {
            while lines > 0 && lengths.get(lines - 1).is_some_and(|length| *length <= step) {
                lines -= 1;
            }
            rows += lines;
            starts.push(rows);
        }
        Self { starts, lengths }
    }

    fn steps(&self) -> usize {
        self.starts.len() - 1
    }

    fn rows(&self, steps: Range<usize>) -> Range<usize> {
        let start = |step: usize| self.starts.get(step).or(self.starts.last()).copied().unwrap_or(0);
        start(steps.start)..start(steps.end)
    }

    fn row(&self, step: usize, line: usize) -> usize {
        self.rows(step..step).start + line
    }

    fn all_rows(&self) -> usize {
        self.starts.last().copied().unwrap_or(0)
    }

    /// Rows of each line from its last step to its first. Done twice it is undone.
    fn reversed(&self, rows: &[f32], width: usize) -> Vec<f32> {
        let mut reversed = vec![0.0; rows.len()];
        for (line, length) in self.lengths.iter().enumerate() {
            for step in 0..*length {
                copy_row(&mut reversed, self.row(step, line), rows, self.row(length - 1 - step, line), width);
            }
        }
        reversed
    }
}

fn copy_row(to: &mut [f32], at: usize, from: &[f32], of: usize, width: usize) {
    if let Some(to) = to.get_mut(at * width..(at + 1) * width)
        && let Some(from) = from.get(of * width..(of + 1) * width)
    {
        to.copy_from_slice(from);
    }
}

fn rows_of(rows: &[f32], range: Range<usize>, width: usize) -> &[f32] {
    rows.get(range.start * width..range.end * width).unwrap_or_default()
}

impl Layers {
    /// How likely each output is, for each line, step by step. Lines go from long to short.
    pub(super) fn run(&self, strips: &[&Strip]) -> Vec<Vec<f32>> {
        let batch = Batch::new(strips.iter().map(|s| s.width / SQUARE).collect());
        let mut scratch = Scratch::default();
        let mut rows = self.read_columns(strips, &batch, &mut scratch);
        for Reading { lstm, backwards } in &self.readings {
            rows = if *backwards {
                let told = read(lstm, &batch, &batch.reversed(&rows, lstm.from_input.inputs()), &mut scratch);
                batch.reversed(&told, lstm.units)
            } else {
                read(lstm, &batch, &rows, &mut scratch)
            };
        }
        let mut chances = Vec::new();
        project(&self.choice.weights, &self.choice.bias, &rows, &mut chances, &mut scratch);
        let outputs = self.choice.weights.outputs();
        let line = |(line, length): (usize, &usize)| {
            let mut own = Vec::with_capacity(length * outputs);
            for step in 0..*length {
                let row = batch.row(step, line);
                own.extend_from_slice(rows_of(&chances, row..row + 1, outputs));
            }
            own.chunks_exact_mut(outputs).for_each(softmax);
            own
        };
        batch.lengths.iter().enumerate().map(line).collect()
    }

    /// What each column of squares tells, a row a step.
    fn read_columns(&self, strips: &[&Strip], batch: &Batch, scratch: &mut Scratch) -> Vec<f32> {
        let strokes = self.find_strokes(strips, batch, scratch);
        let (depth, tall, units) = (self.strokes.weights.outputs(), self.height / SQUARE, self.columns.units);
        let mut told = Vec::with_capacity(batch.all_rows() * units);
        let (mut level, mut gates) = (Vec::new(), Vec::new());
        for columns in strokes.chunks(ROWS * tall * depth) {
            let mut memory = Memory::new(columns.len() / (tall * depth), units);
            for y in 0..tall {
                level.clear();
                for column in columns.chunks_exact(tall * depth) {
                    level.extend_from_slice(rows_of(column, y..y + 1, depth));
                }
                project(&self.columns.from_input, &self.columns.bias, &level, &mut gates, scratch);
                self.columns.step(&mut gates, &mut memory, scratch);
            }
            told.append(&mut memory.told);
        }
        told
    }

    /// Strokes of each square, a row a step: square after square from top to bottom.
    fn find_strokes(&self, strips: &[&Strip], batch: &Batch, scratch: &mut Scratch) -> Vec<f32> {
        let (depth, tall) = (self.strokes.weights.outputs(), self.height / SQUARE);
        let mut strokes = vec![0.0; batch.all_rows() * tall * depth];
        let (mut seen, mut found) = (Vec::new(), Vec::new());
        for (line, strip) in strips.iter().enumerate() {
            let mut noise = Noise::new();
            for step in 0..strip.width / SQUARE {
                seen.clear();
                for y in 0..tall * SQUARE {
                    for x in step * SQUARE..(step + 1) * SQUARE {
                        strip.push_around(x, y, &mut noise, &mut seen);
                    }
                }
                project(&self.strokes.weights, &self.strokes.bias, &seen, &mut found, scratch);
                let start = batch.row(step, line) * tall * depth;
                let Some(place) = strokes.get_mut(start..start + tall * depth) else { continue };
                for (square, found) in place.chunks_exact_mut(depth).zip(found.chunks_exact(PIXELS * depth)) {
                    square.fill(f32::MIN);
                    for pixel in found.chunks_exact(depth) {
                        square.iter_mut().zip(pixel).for_each(|(most, own)| *most = most.max(*own));
                    }
                }
            }
        }
        // squashing keeps the order, so the maximum may be taken before
        tanh_all(&mut strokes);
        strokes
    }
}

/// What a layer tells of each step.
fn read(lstm: &Lstm, batch: &Batch, rows: &[f32], scratch: &mut Scratch) -> Vec<f32> {
    let lines = batch.lengths.len();
    let mut memory = Memory::new(lines, lstm.units);
    let mut told = Vec::with_capacity(batch.all_rows() * lstm.units);
    let mut gates = Vec::new();
    let together = (ROWS / lines.max(1)).max(1);
    for first in (0..batch.steps()).step_by(together) {
        let steps = first..(first + together).min(batch.steps());
        let block = batch.rows(steps.clone());
        let inputs = rows_of(rows, block.clone(), lstm.from_input.inputs());
        project(&lstm.from_input, &lstm.bias, inputs, &mut gates, scratch);
        for step in steps {
            let own = batch.rows(step..step + 1);
            let place = (own.start - block.start) * 4 * lstm.units..(own.end - block.start) * 4 * lstm.units;
            let Some(gates) = gates.get_mut(place) else { break };
            lstm.step(gates, &mut memory, scratch);
            told.extend_from_slice(rows_of(&memory.told, 0..own.len(), lstm.units));
        }
    }
    told
}

/// Outputs as shares of one.
fn softmax(row: &mut [f32]) {
    let most = row.iter().copied().fold(f32::MIN, f32::max);
    let mut sum = 0.0;
    for value in row.iter_mut() {
        *value = (*value - most).exp();
        sum += *value;
    }
    for value in row {
        *value /= sum;
    }
}
