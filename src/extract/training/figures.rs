//! What confidence is worth, carrier by carrier, on layouts that its model has not seen.

use super::{Learnt, Read, with_model};
use crate::{extract::confidence::features::Place, model::draft::Draft};
use std::{collections::BTreeMap, fmt};

/// Steps of confidence in which expected calibration error is counted.
const BINS: usize = 10;
/// Confidences from which a value counts as sure.
const SURE: [f32; 2] = [0.9, 0.99];

/// Figures of the values of one kind of carrier.
#[derive(Clone, Copy, Debug, Default)]
pub struct Figures {
    /// Values that were proposed.
    pub values: usize,
    /// For confidence of at least 0.9 and 0.99: values, and how many of them are wrong.
    pub sure: [(usize, usize); 2],
    /// Values, sum of their confidence and right ones by tenths of confidence.
    bins: [(usize, f64, usize); BINS],
}

impl Figures {
    fn add(&mut self, confidence: f32, right: bool) {
        self.values += 1;
        for (sure, least) in self.sure.iter_mut().zip(SURE) {
            if confidence >= least {
                sure.0 += 1;
                sure.1 += usize::from(!right);
            }
        }
        let at = ((confidence * BINS as f32) as usize).min(BINS - 1);
        if let Some(bin) = self.bins.get_mut(at) {
            *bin = (bin.0 + 1, bin.1 + f64::from(confidence), bin.2 + usize::from(right));
        }
    }

    /// Expected calibration error: how far confidence is from the share of right values, on average over the values.
    pub fn calibration_error(&self) -> f64 {
        let off: f64 = self.bins.iter().map(|(_, sum, right)| (sum - *right as f64).abs()).sum();
        off / self.values.max(1) as f64
    }
}

impl fmt::Display for Figures {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [(nine, nine_wrong), (most, most_wrong)] = self.sure;
        let share = |wrong: usize, all: usize| 100.0 * wrong as f64 / all.max(1) as f64;
        write!(
            f,
            "{:>7} values, calibration error {:.3}; at 0.90 {nine:>6} with {:>5.2} % wrong, at 0.99 {most:>6} with {:>5.2} % wrong",
            self.values,
            self.calibration_error(),
            share(nine_wrong, nine),
            share(most_wrong, most),
        )
    }
}

/// The class of a carrier whose documents are read alike.
fn class_of(carrier: &str) -> &'static str {
    if carrier.starts_with("scan") {
        "scan"
    } else if carrier.starts_with("fax") || carrier.starts_with("photo") {
        "fax and photo"
    } else if carrier.starts_with("email") {
        "mail"
    } else {
        "digital"
    }
}

/// The figures of documents by carrier, each read with the model that has not seen its layout family.
pub fn held_out(reads: &[Read], learnt: &Learnt) -> BTreeMap<&'static str, Figures> {
    let mut out: BTreeMap<&'static str, Figures> = BTreeMap::new();
    for read in reads.iter().filter(|r| r.drafts.len() == r.parts) {
        let figures = out.entry(class_of(&read.carrier)).or_default();
        let drafts = with_model(read, learnt.without(&read.family));
        for (draft, (_, _, right)) in drafts.iter().zip(&read.drafts) {
            for (place, confidence) in confidences(draft) {
                figures.add(confidence, right.get(&place).copied().unwrap_or(false));
            }
        }
    }
    out
}

fn confidences(draft: &Draft) -> impl Iterator<Item = (Place, f32)> {
    let fields = draft.fields.iter().map(|(name, p)| (Place::Field(name.clone()), p.confidence));
    let cells = draft.lines.iter().enumerate().flat_map(|(at, line)| {
        line.iter().map(move |(name, p)| (Place::Cell(at, name.clone()), p.confidence))
    });
    fields.chain(cells)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn calibration_error_is_the_mean_distance_of_confidence_from_what_is_right() {
        let mut figures = Figures::default();
        for at in 0..10 {
            figures.add(0.95, at < 9);
            figures.add(0.55, at < 5);
        }
        assert!((figures.calibration_error() - 0.05).abs() < 1e-6);
        assert_eq!(figures.sure, [(10, 1), (0, 0)]);
    }
}
