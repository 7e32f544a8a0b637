//! Gradient boosting of small trees for a yes-or-no question, and the calibration of its answers.
//!
//! Second-order boosting with histograms (Chen and Guestrin, "XGBoost", 2016) without anything random: the same
//! examples in the same order give the same trees, bit for bit.

use crate::extract::confidence::trees::{Node, Steps, leaf};

/// Trees.
const ROUNDS: usize = 120;
/// Questions from the root to a leaf.
const DEPTH: usize = 4;
/// Share of each tree's answer that is taken.
const RATE: f64 = 0.12;
/// Keeps leaves of few examples small.
const RIDGE: f64 = 6.0;
/// Least sum of the second derivatives in a leaf.
const LEAF_MIN: f64 = 4.0;
/// Least gain of a question.
const GAIN_MIN: f64 = 0.5;
/// Thresholds tried for one feature.
const BINS: usize = 40;
/// Confidence from which a value is called sure.
const SURE: f32 = 0.9;
/// Share of sure values that may be wrong.
const SURE_WRONG_MAX: f64 = 0.009;
/// Least number of examples in a step of the calibration.
const STEP_MIN: usize = 40;

/// Examples in columns.
pub struct Table<'a> {
    /// Feature vectors.
    pub rows: Vec<&'a [f32]>,
    /// What is true of each.
    pub right: Vec<bool>,
}

/// Log-odds before the first tree, and the trees.
pub fn learn(table: &Table<'_>) -> (f32, Vec<Vec<Node>>) {
    let count = table.rows.len();
    let yes = table.right.iter().filter(|r| **r).count() as f64;
    let share = ((yes + 1.0) / (count as f64 + 2.0)).clamp(0.01, 0.99);
    let base = (share / (1.0 - share)).ln();
    let width = table.rows.first().map_or(0, |r| r.len());
    let thresholds: Vec<Vec<f32>> = (0..width).map(|f| thresholds(&table.rows, f)).collect();
    let binned: Vec<Vec<u8>> = table
        .rows
        .iter()
        .map(|row| {
            row.iter().zip(&thresholds).map(|(v, t)| t.partition_point(|limit| limit < v) as u8).collect()
        })
        .collect();
    let mut odds = vec![base; count];
    let mut trees = Vec::new();
    for _ in 0..ROUNDS {
        let slopes: Vec<(f64, f64)> = odds
            .iter()
            .zip(&table.right)
            .map(|(o, r)| {
                let p = 1.0 / (1.0 + (-o).exp());
                (f64::from(u8::from(*r)) - p, (p * (1.0 - p)).max(1e-6))
            })
            .collect();
        let mut tree = Vec::new();
        let all: Vec<usize> = (0..count).collect();
        grow(&mut tree, &all, &binned, &thresholds, &slopes, DEPTH);
        for (o, row) in odds.iter_mut().zip(&table.rows) {
            *o += f64::from(leaf(&tree, row));
        }
        trees.push(tree);
    }
    (base as f32, trees)
}

/// Values between which a feature is asked about.
fn thresholds(rows: &[&[f32]], feature: usize) -> Vec<f32> {
    let mut values: Vec<f32> = rows.iter().filter_map(|r| r.get(feature)).copied().collect();
    values.sort_by(f32::total_cmp);
    let mut limits: Vec<f32> = (1..BINS)
        .filter_map(|i| values.get(i * values.len() / BINS).copied())
        .chain(values.first().copied())
        .collect();
    limits.sort_by(f32::total_cmp);
    limits.dedup();
    limits
}

/// Adds the subtree of these examples; gives its root's place.
fn grow(
    tree: &mut Vec<Node>,
    members: &[usize],
    binned: &[Vec<u8>],
    thresholds: &[Vec<f32>],
    slopes: &[(f64, f64)],
    depth: usize,
) -> u16 {
    let at = tree.len();
    let (g, h) =
        members.iter().filter_map(|i| slopes.get(*i)).fold((0.0, 0.0), |(g, h), s| (g + s.0, h + s.1));
    tree.push(Node::Leaf((RATE * g / (h + RIDGE)) as f32));
    if depth == 0 {
        return at as u16;
    }
    let score = |g: f64, h: f64| g * g / (h + RIDGE);
    let mut best: Option<(f64, usize, usize)> = None;
    for (feature, limits) in thresholds.iter().enumerate() {
        let mut bins = [(0.0f64, 0.0f64); BINS + 1];
        for i in members {
            let (Some(bin), Some(slope)) = (binned.get(*i).and_then(|b| b.get(feature)), slopes.get(*i))
            else {
                continue;
            };
            if let Some(sum) = bins.get_mut(usize::from(*bin)) {
                sum.0 += slope.0;
                sum.1 += slope.1;
            }
        }
        let (mut left_g, mut left_h) = (0.0, 0.0);
        for (bin, sum) in bins.iter().enumerate().take(limits.len()) {
            left_g += sum.0;
            left_h += sum.1;
            if left_h < LEAF_MIN || h - left_h < LEAF_MIN {
                continue;
            }
            let gain = score(left_g, left_h) + score(g - left_g, h - left_h) - score(g, h);
            if gain > GAIN_MIN && best.is_none_or(|(b, _, _)| gain > b + 1e-9) {
                best = Some((gain, feature, bin));
            }
        }
    }
    let Some((_, feature, bin)) = best else { return at as u16 };
    let goes_left =
        |i: &&usize| binned.get(**i).and_then(|b| b.get(feature)).is_some_and(|b| usize::from(*b) <= bin);
    let left: Vec<usize> = members.iter().filter(goes_left).copied().collect();
    let right: Vec<usize> = members.iter().filter(|i| !goes_left(i)).copied().collect();
    let threshold = thresholds.get(feature).and_then(|t| t.get(bin)).copied().unwrap_or(0.0);
    let low = grow(tree, &left, binned, thresholds, slopes, depth - 1);
    let high = grow(tree, &right, binned, thresholds, slopes, depth - 1);
    if let Some(node) = tree.get_mut(at) {
        *node = Node::Split(feature as u16, threshold, low, high);
    }
    at as u16
}

/// Isotonic regression (pool adjacent violators) of what was right on what was answered.
///
/// Each step holds at least [`STEP_MIN`] examples and counts one more wrong example than there was, so that a few right ones prove little.
pub fn calibrate(answers: &[(f32, bool)]) -> Steps {
    let mut sorted = answers.to_vec();
    sorted.sort_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
    let mut pools: Vec<(f32, usize, usize)> = Vec::new();
    for chunk in sorted.chunks(STEP_MIN) {
        let from = chunk.first().map_or(0.0, |c| c.0);
        pools.push((from, chunk.iter().filter(|c| c.1).count(), chunk.len()));
        while let [.., a, b] = pools.as_slice() {
            let rate = |p: &(f32, usize, usize)| p.1 as f64 / p.2 as f64;
            if rate(a) < rate(b) {
                break;
            }
            let merged = (a.0, a.1 + b.1, a.2 + b.2);
            pools.truncate(pools.len() - 2);
            pools.push(merged);
        }
    }
    let mut right: Vec<f32> = pools.iter().map(|p| p.1 as f32 / (p.2 as f32 + 1.0)).collect();
    let mut highest = 0.0f32;
    for step in &mut right {
        highest = highest.max(*step);
        *step = highest;
    }
    // of all values that are called sure, nearly all must be right: steps that spoil that stay below
    let (mut wrong, mut all) = (0.0f64, 0.0f64);
    let mut spoilt = false;
    for (step, pool) in right.iter_mut().zip(&pools).rev() {
        wrong += (pool.2 - pool.1) as f64;
        all += pool.2 as f64;
        spoilt |= wrong + 1.0 > SURE_WRONG_MAX * all;
        if spoilt {
            *step = step.min(SURE - 0.001);
        }
    }
    Steps { from: pools.iter().map(|p| p.0).collect(), right }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_simple_rule_is_learnt_and_calibrated() {
        let data: Vec<[f32; 2]> = (0..400).map(|i| [(i % 20) as f32, (i % 7) as f32]).collect();
        let right: Vec<bool> = data.iter().map(|d| d[0] > 9.0).collect();
        let table = Table { rows: data.iter().map(<[f32; 2]>::as_slice).collect(), right: right.clone() };
        let (base, trees) = learn(&table);
        let odds = |row: &[f32]| trees.iter().fold(base, |sum, t| sum + leaf(t, row));
        assert!(odds(&[15.0, 3.0]) > 1.0 && odds(&[2.0, 3.0]) < -1.0);
        let answers: Vec<(f32, bool)> = data.iter().zip(&right).map(|(d, r)| (odds(d), *r)).collect();
        let steps = calibrate(&answers);
        assert!(steps.at(odds(&[15.0, 3.0])) > 0.95 && steps.at(odds(&[2.0, 3.0])) < 0.05);
    }
}
