//! Gradient boosting of small trees for a yes-or-no question, and the calibration of its answers.
//!
//! Second-order boosting with histograms (Chen and Guestrin, "XGBoost", 2016) without anything random: the same
//! examples in the same order give the same trees, bit for bit.

use crate::extract::confidence::trees::{Node, Steps, leaf};
use std::collections::BTreeSet;

/// Trees.
const ROUNDS: usize = 120;
/// Questions from the root to a leaf.
const DEPTH: usize = 4;
/// Share of each tree's answer that is taken.
const RATE: f64 = 0.1;
/// Keeps leaves of few examples small.
const RIDGE: f64 = 6.0;
/// Least sum of the second derivatives in a leaf.
const LEAF_MIN: f64 = 4.0;
/// Least gain of a question.
const GAIN_MIN: f64 = 0.5;
/// Thresholds tried for one feature.
const BINS: usize = 40;
/// Confidences from which values are called sure, and the share of values above them that may be wrong on families
/// that were held out. On documents by another hand, on which no rule was ever tried, about four times as many are.
const SURE: [(f32, f64); 2] = [(0.99, 0.0006), (0.9, 0.0028)];
/// Documents without which no value is called sure: of none that went wrong as a whole among so many follows that at
/// most 1.5 % do (the rule of three, at 95 %).
const DOCUMENTS_MIN: usize = 200;
/// Least number of examples in a step of the calibration.
const STEP_MIN: usize = 40;

/// Examples in columns.
pub struct Table<'a> {
    /// Feature vectors.
    pub rows: Vec<&'a [f32]>,
    /// What is true of each.
    pub right: Vec<bool>,
    /// How much each counts.
    pub weights: Vec<f32>,
    /// Features that can only speak for a value the more, the higher they are.
    pub rising: &'a [bool],
}

/// First and second derivative of the loss, summed.
type Slope = (f64, f64);

/// What trees grow from: one column of bins a feature, and where the bins end.
struct Ground<'a> {
    bins: Vec<Vec<u8>>,
    limits: Vec<Vec<f32>>,
    rising: &'a [bool],
}

/// Log-odds before the first tree, and the trees.
pub fn learn(table: &Table<'_>) -> (f32, Vec<Vec<Node>>) {
    let count = table.rows.len();
    let weight = |i: usize| f64::from(table.weights.get(i).copied().unwrap_or(1.0));
    let all: f64 = (0..count).map(weight).sum();
    let yes: f64 = table.right.iter().enumerate().filter(|(_, r)| **r).map(|(i, _)| weight(i)).sum();
    let share = ((yes + 1.0) / (all + 2.0)).clamp(0.01, 0.99);
    let base = (share / (1.0 - share)).ln();
    let width = table.rows.first().map_or(0, |r| r.len());
    let limits: Vec<Vec<f32>> = (0..width).map(|f| thresholds(&table.rows, f)).collect();
    let bins = limits
        .iter()
        .enumerate()
        .map(|(f, limits)| {
            let bin =
                |row: &&[f32]| row.get(f).map_or(0, |v| limits.partition_point(|limit| limit < v) as u8);
            table.rows.iter().map(bin).collect()
        })
        .collect();
    let ground = Ground { bins, limits, rising: table.rising };
    let mut odds = vec![base; count];
    let mut trees = Vec::new();
    for _ in 0..ROUNDS {
        let slopes: Vec<Slope> = odds
            .iter()
            .zip(&table.right)
            .enumerate()
            .map(|(i, (o, r))| {
                let p = 1.0 / (1.0 + (-o).exp());
                (weight(i) * (f64::from(u8::from(*r)) - p), weight(i) * (p * (1.0 - p)).max(1e-6))
            })
            .collect();
        let mut tree = Vec::new();
        let members: Vec<u32> = (0..count as u32).collect();
        grow(&mut tree, members, &ground, &slopes, DEPTH);
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

/// The question that parts these examples best: its feature and bin.
fn best_question(members: &[u32], ground: &Ground<'_>, slopes: &[Slope], all: Slope) -> Option<(usize, u8)> {
    let score = |(g, h): Slope| g * g / (h + RIDGE);
    let value = |(g, h): Slope| g / (h + RIDGE);
    let own: Vec<Slope> = members.iter().filter_map(|i| slopes.get(*i as usize)).copied().collect();
    let mut best: Option<(f64, usize, u8)> = None;
    for (feature, (column, limits)) in ground.bins.iter().zip(&ground.limits).enumerate() {
        let mut sums = [(0.0f64, 0.0f64); BINS + 1];
        for (i, slope) in members.iter().zip(&own) {
            let bin = column.get(*i as usize).map_or(0, |bin| usize::from(*bin));
            if let Some(sum) = sums.get_mut(bin) {
                sum.0 += slope.0;
                sum.1 += slope.1;
            }
        }
        let rising = ground.rising.get(feature).copied().unwrap_or(false);
        let mut left = (0.0, 0.0);
        for (bin, sum) in sums.iter().enumerate().take(limits.len()) {
            left = (left.0 + sum.0, left.1 + sum.1);
            let right = (all.0 - left.0, all.1 - left.1);
            if left.1 < LEAF_MIN || right.1 < LEAF_MIN || rising && value(left) > value(right) {
                continue;
            }
            let gain = score(left) + score(right) - score(all);
            if gain > GAIN_MIN && best.is_none_or(|(b, _, _)| gain > b + 1e-9) {
                best = Some((gain, feature, bin as u8));
            }
        }
    }
    best.map(|(_, feature, bin)| (feature, bin))
}

/// Adds the subtree of these examples; gives its root's place.
fn grow(tree: &mut Vec<Node>, members: Vec<u32>, ground: &Ground<'_>, slopes: &[Slope], depth: usize) -> u16 {
    let at = tree.len();
    let all = members
        .iter()
        .filter_map(|i| slopes.get(*i as usize))
        .fold((0.0, 0.0), |(g, h), s| (g + s.0, h + s.1));
    tree.push(Node::Leaf((RATE * all.0 / (all.1 + RIDGE)) as f32));
    let question = if depth == 0 { None } else { best_question(&members, ground, slopes, all) };
    let Some((feature, bin)) = question else { return at as u16 };
    let column = ground.bins.get(feature).map_or(&[][..], Vec::as_slice);
    let (left, right): (Vec<u32>, Vec<u32>) =
        members.into_iter().partition(|i| column.get(*i as usize).is_some_and(|b| *b <= bin));
    let threshold = ground.limits.get(feature).and_then(|t| t.get(usize::from(bin))).copied();
    let low = grow(tree, left, ground, slopes, depth - 1);
    let high = grow(tree, right, ground, slopes, depth - 1);
    if let Some(node) = tree.get_mut(at) {
        *node = Node::Split(feature as u16, threshold.unwrap_or(0.0), low, high);
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
    Steps { from: pools.iter().map(|p| p.0).collect(), right }
}

/// What a model answered of one value.
#[derive(Clone, Copy, Debug)]
pub struct Answer {
    /// Before calibration.
    pub raw: f32,
    /// Whether the value is right.
    pub right: bool,
    /// Number of its document.
    pub document: usize,
}

/// The same for values that people may pass unseen: of all that are called sure, nearly all must be right, so that
/// steps that spoil that stay below.
///
/// The values of a document go wrong together where its layout is taken for another, and their arithmetic holds all the
/// same: nothing is called sure on the word of less than [`DOCUMENTS_MIN`] documents, however many values they have.
pub fn calibrate_sure(answers: &[Answer]) -> Steps {
    let mut steps = calibrate(&answers.iter().map(|a| (a.raw, a.right)).collect::<Vec<_>>());
    let mut counts: Vec<(f64, f64, BTreeSet<usize>)> = vec![<_>::default(); steps.right.len()];
    for answer in answers {
        let step = steps.from.partition_point(|from| *from <= answer.raw).saturating_sub(1);
        if let Some((wrong, all, documents)) = counts.get_mut(step) {
            *wrong += f64::from(u8::from(!answer.right));
            *all += 1.0;
            documents.insert(answer.document);
        }
    }
    for (sure, wrong_max) in SURE {
        let (mut wrong, mut all, mut documents) = (0.0f64, 0.0f64, BTreeSet::<usize>::new());
        let mut unspoilt = 0;
        for (at, (step_wrong, step_all, of_step)) in counts.iter().rev().enumerate() {
            wrong += step_wrong;
            all += step_all;
            if wrong + 1.0 > wrong_max * all {
                break;
            }
            documents.extend(of_step);
            unspoilt = at + 1;
        }
        let sure_steps = if documents.len() < DOCUMENTS_MIN { 0 } else { unspoilt };
        let rest = steps.right.len().saturating_sub(sure_steps);
        for step in steps.right.iter_mut().take(rest) {
            *step = step.min(sure - 0.001);
        }
    }
    steps
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_simple_rule_is_learnt_and_calibrated() {
        let data: Vec<[f32; 2]> = (0..400).map(|i| [(i % 20) as f32, (i % 7) as f32]).collect();
        let right: Vec<bool> = data.iter().map(|d| d[0] > 9.0).collect();
        let rows = data.iter().map(<[f32; 2]>::as_slice).collect();
        let table =
            Table { rows, right: right.clone(), weights: vec![1.0; data.len()], rising: &[true, false] };
        let (base, trees) = learn(&table);
        let odds = |row: &[f32]| trees.iter().fold(base, |sum, t| sum + leaf(t, row));
        assert!(odds(&[15.0, 3.0]) > 1.0 && odds(&[2.0, 3.0]) < -1.0);
        let answers: Vec<(f32, bool)> = data.iter().zip(&right).map(|(d, r)| (odds(d), *r)).collect();
        let steps = calibrate(&answers);
        assert!(steps.at(odds(&[15.0, 3.0])) > 0.95 && steps.at(odds(&[2.0, 3.0])) < 0.05);
    }
}
