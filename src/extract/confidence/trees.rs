//! A boosted ensemble of small decision trees with a calibration on top: features in, probability out.
//!
//! Friedman, "Greedy function approximation: a gradient boosting machine" (2001); calibration by isotonic regression
//! (Zadrozny and Elkan, 2002). Does not: learn, see [`crate::extract::training`].

use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// A node of a tree, by its place in the list: an inner one asks, a leaf answers.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Node {
    /// Goes left if the feature is at most the threshold.
    Split(u16, f32, u16, u16),
    /// What it adds to the log-odds.
    Leaf(f32),
}

/// Steps from raw probability to calibrated probability.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Steps {
    /// Lower ends of the steps, rising.
    pub from: Vec<f32>,
    /// What was right in each.
    pub right: Vec<f32>,
}

impl Steps {
    /// The calibrated probability.
    pub fn at(&self, raw: f32) -> f32 {
        let step = self.from.partition_point(|from| *from <= raw).saturating_sub(1);
        self.right.get(step).copied().unwrap_or(raw)
    }
}

/// Everything that was learnt.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Model {
    /// Names of the features, in order.
    pub features: Vec<String>,
    /// Share of right values by field or column; see [`Model::prior`].
    pub priors: BTreeMap<String, f32>,
    /// Log-odds before the first tree.
    pub base: f32,
    /// The trees; the first node of each is its root.
    pub trees: Vec<Vec<Node>>,
    /// Calibration by [`super::features::group`].
    pub steps: Vec<Steps>,
    /// Calibration of the kinds of documents.
    #[serde(default)]
    pub kinds: Steps,
}

/// Depth at which a walk down a broken tree ends.
const DEPTH_MAX: usize = 16;
/// Share of right values of a field that was never seen.
const PRIOR_UNSEEN: f32 = 0.85;

impl Model {
    /// Share of right values of a field or column of that name.
    pub fn prior(&self, name: &str) -> f32 {
        self.priors.get(name).copied().unwrap_or(PRIOR_UNSEEN)
    }

    /// Probability before calibration.
    pub fn raw(&self, features: &[f32]) -> f32 {
        let odds = self.trees.iter().fold(self.base, |sum, tree| sum + leaf(tree, features));
        1.0 / (1.0 + (-odds).exp())
    }

    /// Calibrated probability.
    pub fn probability(&self, features: &[f32], group: usize) -> f32 {
        let raw = self.raw(features);
        self.steps.get(group).map_or(raw, |steps| steps.at(raw))
    }
}

/// What a tree says about these features.
pub fn leaf(tree: &[Node], features: &[f32]) -> f32 {
    let mut at = 0usize;
    for _ in 0..DEPTH_MAX {
        match tree.get(at) {
            Some(Node::Split(feature, threshold, left, right)) => {
                let value = features.get(usize::from(*feature)).copied().unwrap_or(0.0);
                at = usize::from(if value <= *threshold { *left } else { *right });
            }
            Some(Node::Leaf(value)) => return *value,
            None => break,
        }
    }
    0.0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn trees_add_up_and_steps_calibrate() {
        let tree = vec![Node::Split(0, 0.5, 1, 2), Node::Leaf(-2.0), Node::Leaf(2.0)];
        let steps = Steps { from: vec![0.0, 0.5], right: vec![0.25, 0.75] };
        let model = Model { trees: vec![tree], steps: vec![steps], ..Model::default() };
        assert!(model.raw(&[0.0]) < 0.2 && model.raw(&[1.0]) > 0.8);
        assert_eq!((model.probability(&[0.0], 0), model.probability(&[1.0], 0)), (0.25, 0.75));
    }
}
