//! Confidence learnt from documents with known truth.
//!
//! Every document is read as it would be in service, blind and with master data; each value becomes an example: its
//! [features](super::confidence::features) and whether it was right. A boosted ensemble of trees learns to tell, and
//! its answers are calibrated on documents of layout families that it had not seen. Nothing is random: the same
//! documents give the same model, byte for byte.

pub mod boost;
pub mod truth;

use super::{
    Context,
    confidence::{
        features::{GROUPS, NAMES, Place, Sample, group},
        settle,
        trees::Model,
    },
    extract_weighed,
};
use crate::model::{account::Known, draft::Draft, page::Pages};
use std::collections::{BTreeMap, BTreeSet};
use truth::{Truth, judge};

/// A document with its truths, one for each order in the file.
#[derive(Clone, Debug)]
pub struct Document {
    /// The file's name.
    pub file: String,
    /// Its pages.
    pub pages: Pages,
    /// What it says.
    pub truths: Vec<Truth>,
}

impl Document {
    fn family(&self) -> &str {
        self.truths.first().map_or("", |t| t.family.as_str())
    }
}

/// A document as it was read.
#[derive(Clone, Debug)]
pub struct Read {
    /// The file's name.
    pub file: String,
    /// Layout family.
    pub family: String,
    /// Drafts with the features of their values, and which of them are right.
    pub drafts: Vec<(Draft, Vec<Sample>, BTreeMap<Place, bool>)>,
}

/// Place of the feature that is the share of right values of a field.
const PRIOR_AT: usize = 5;
/// Right examples that every field is given before it was seen, and how many of how many.
const PRIOR_SEEN: (f32, f32) = (8.5, 10.0);

/// Reads the documents with what is known.
pub fn read(documents: &[Document], known: &Known) -> Vec<Read> {
    documents
        .iter()
        .map(|document| {
            let context = Context { known, subject: None, sender_domain: None };
            let drafts = extract_weighed(&document.pages, &context);
            let drafts = drafts.into_iter().map(|(draft, samples)| {
                let right = best_truth(&draft, &document.truths);
                (draft, samples, right)
            });
            Read {
                file: document.file.clone(),
                family: document.family().to_owned(),
                drafts: drafts.collect(),
            }
        })
        .collect()
}

/// Which values are right by the truth that fits best.
fn best_truth(draft: &Draft, truths: &[Truth]) -> BTreeMap<Place, bool> {
    let judged = truths.iter().map(|t| judge(draft, t));
    judged.max_by_key(|right| right.values().filter(|r| **r).count()).unwrap_or_default()
}

fn name_of(place: &Place) -> String {
    match place {
        Place::Field(name) => name.clone(),
        Place::Cell(_, name) => format!("line.{name}"),
    }
}

/// One value of one document.
struct Example {
    features: [f32; NAMES.len()],
    right: bool,
    name: String,
    group: usize,
    family: String,
}

fn examples(reads: &[Read]) -> Vec<Example> {
    let mut all = Vec::new();
    for read in reads {
        for (_, samples, right) in &read.drafts {
            for (place, features) in samples {
                let own_letters = features.get(4).is_some_and(|own| *own > 0.5);
                all.push(Example {
                    features: *features,
                    right: right.get(place).copied().unwrap_or(false),
                    name: name_of(place),
                    group: group(place, own_letters),
                    family: read.family.clone(),
                });
            }
        }
    }
    all
}

/// Learns from the examples of all families but one, without calibration.
fn learn(examples: &[Example], without: Option<&str>) -> Model {
    let used: Vec<&Example> = examples.iter().filter(|e| without != Some(e.family.as_str())).collect();
    let mut seen: BTreeMap<String, (f32, f32)> = BTreeMap::new();
    for example in &used {
        let (right, all) = seen.entry(example.name.clone()).or_insert(PRIOR_SEEN);
        *right += f32::from(example.right);
        *all += 1.0;
    }
    let priors: BTreeMap<String, f32> =
        seen.into_iter().map(|(name, (right, all))| (name, right / all)).collect();
    let mut model =
        Model { features: NAMES.iter().map(|n| (*n).to_owned()).collect(), priors, ..Model::default() };
    let rows: Vec<[f32; NAMES.len()]> = used.iter().map(|e| with_prior(e, &model)).collect();
    let table = boost::Table {
        rows: rows.iter().map(<[f32; NAMES.len()]>::as_slice).collect(),
        right: used.iter().map(|e| e.right).collect(),
    };
    (model.base, model.trees) = boost::learn(&table);
    model
}

fn with_prior(example: &Example, model: &Model) -> [f32; NAMES.len()] {
    let mut features = example.features;
    if let Some(prior) = features.get_mut(PRIOR_AT) {
        *prior = model.prior(&example.name);
    }
    features
}

/// What was learnt: the model for service, and one for each family that has not seen it.
#[derive(Debug)]
pub struct Learnt {
    /// From all documents.
    pub model: Model,
    /// By family, from the documents of the others.
    pub held_out: BTreeMap<String, Model>,
}

/// Learns from documents that were read, perhaps in several ways.
pub fn train(reads: &[Read]) -> Learnt {
    let examples = examples(reads);
    let families: BTreeSet<&str> = examples.iter().map(|e| e.family.as_str()).collect();
    let mut held_out: BTreeMap<String, Model> =
        families.iter().map(|f| ((*f).to_owned(), learn(&examples, Some(f)))).collect();
    // what each model answers on the family that it has not seen
    let answers: Vec<(&Example, f32)> = examples
        .iter()
        .filter_map(|e| {
            let model = held_out.get(&e.family)?;
            Some((e, model.raw(&with_prior(e, model))))
        })
        .collect();
    let steps = |without: Option<&str>| {
        (0..GROUPS)
            .map(|group| {
                let of_group =
                    answers.iter().filter(|(e, _)| e.group == group && without != Some(e.family.as_str()));
                boost::calibrate(&of_group.map(|(e, raw)| (*raw, e.right)).collect::<Vec<_>>())
            })
            .collect::<Vec<_>>()
    };
    let mut model = learn(&examples, None);
    model.steps = steps(None);
    let calibrations: Vec<_> = families.iter().map(|f| ((*f).to_owned(), steps(Some(f)))).collect();
    for (family, steps) in calibrations {
        if let Some(model) = held_out.get_mut(&family) {
            model.steps = steps;
        }
    }
    Learnt { model, held_out }
}

/// The drafts of a document with the confidence that a model gives.
pub fn with_model(read: &Read, model: &Model) -> Vec<Draft> {
    let weighed = |(draft, samples, _): &(Draft, Vec<Sample>, BTreeMap<Place, bool>)| {
        let mut draft = draft.clone();
        let mut samples = samples.clone();
        for (place, features) in &mut samples {
            if let Some(prior) = features.get_mut(PRIOR_AT) {
                *prior = model.prior(&name_of(place));
            }
        }
        settle(&mut draft, &samples, model);
        draft
    };
    read.drafts.iter().map(weighed).collect()
}
