//! Confidence learnt from documents with known truth.
//!
//! Every document is read as it would be in service, blind and with master data; each value becomes an example: its
//! [features](super::confidence::features) and whether it was right. A boosted ensemble of trees learns to tell, and
//! its answers are calibrated on documents of layout families that it had not seen. Nothing is random: the same
//! documents give the same model, byte for byte.

pub mod boost;
pub mod figures;
pub mod truth;

use super::{
    Context,
    confidence::{
        features::{GROUPS, NAMES, Place, Sample, group, rising},
        settle,
        trees::Model,
    },
    extract_weighed,
    memory::{self, Lesson},
};
use crate::model::{account::Known, draft::Draft, page::Pages};
use boost::Answer;
use std::collections::{BTreeMap, BTreeSet};
use truth::{Truth, judge};

/// A document with its truths, one for each order in the file.
#[derive(Clone, Debug)]
pub struct Document {
    /// The file's name.
    pub file: String,
    /// Its pages.
    pub pages: Pages,
    /// Subject of the mail that brought it.
    pub subject: Option<String>,
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
    /// How it came, as [`Truth::carrier`] says.
    pub carrier: String,
    /// Drafts with the features of their values, and which of them are right.
    pub drafts: Vec<(Draft, Vec<Sample>, BTreeMap<Place, bool>)>,
    /// How many documents there are in the file.
    pub parts: usize,
    /// For each draft how sure its kind was by the rules, and whether it is right.
    kinds: Vec<(f32, bool)>,
}

/// Place of the feature that is the share of right values of a field.
const PRIOR_AT: usize = 5;
/// Right examples that every field is given before it was seen, and how many of how many.
const PRIOR_SEEN: (f32, f32) = (8.5, 10.0);

/// Reads the documents with what is known.
pub fn read(documents: &[Document], known: &Known) -> Vec<Read> {
    in_parallel(documents, |document| {
        let context = Context {
            known,
            subject: document.subject.as_deref(),
            sender_domain: None,
            lessons: &[],
            alone: false,
        };
        let mut kinds = Vec::new();
        let drafts = extract_weighed(&document.pages, &context).into_iter().map(|weighed| {
            let truth = best_truth(&weighed.draft, &document.truths);
            let right = truth.map(|t| judge(&weighed.draft, t)).unwrap_or_default();
            kinds.push((weighed.kind_rule, truth.is_some_and(|t| t.kind == weighed.draft.kind)));
            let draft = Draft { kind_confidence: weighed.kind_rule, ..weighed.draft };
            (draft, weighed.samples, right)
        });
        let drafts = drafts.collect();
        Read {
            file: document.file.clone(),
            family: document.family().to_owned(),
            carrier: document.truths.first().map_or_else(String::new, |t| t.carrier.clone()),
            drafts,
            parts: document.truths.len(),
            kinds,
        }
    })
}

/// Every document as it is read once so many others of its layout were confirmed.
///
/// A layout is a family in one language for one kind. Documents without another of their layout are left out, so that the figures for each
/// number of examples tell of the same documents.
pub fn after_examples(documents: &[Document], examples: usize) -> Vec<(String, Vec<Draft>)> {
    let known = Known::default();
    let blind = Context { known: &known, subject: None, sender_domain: None, lessons: &[], alone: false };
    let lessons: Vec<Option<Lesson>> = in_parallel(documents, |document| {
        let [truth] = document.truths.as_slice() else { return None };
        let pages = &document.pages.pages;
        memory::learn(pages, &truth.confirmed(u32::try_from(pages.len()).unwrap_or(u32::MAX)), &blind)
    });
    let layout = |document: &Document| {
        document.truths.first().map(|t| (t.family.clone(), t.language.clone(), t.kind.as_str()))
    };
    let numbers: Vec<usize> = (0..documents.len()).collect();
    let read = in_parallel(&numbers, |at| {
        let document = documents.get(*at)?;
        // those that follow in the family, as if they had come before
        let others: Vec<usize> = (1..documents.len())
            .map(|step| (at + step) % documents.len())
            .filter(|other| documents.get(*other).and_then(layout) == layout(document))
            .collect();
        let lessons: Vec<&Lesson> =
            others.iter().filter_map(|other| lessons.get(*other)?.as_ref()).take(examples).collect();
        let context = Context { subject: document.subject.as_deref(), lessons: &lessons, ..blind };
        (!others.is_empty()).then(|| (document.file.clone(), super::extract(&document.pages, &context)))
    });
    read.into_iter().flatten().collect()
}

/// The truth that fits best.
fn best_truth<'a>(draft: &Draft, truths: &'a [Truth]) -> Option<&'a Truth> {
    truths.iter().max_by_key(|truth| judge(draft, truth).values().filter(|right| **right).count())
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
    fold: usize,
    /// Number of its document: the same, however it was read.
    document: usize,
    weight: f32,
}

/// Parts into which the families are dealt: each part is held out once.
const FOLDS: usize = 8;

/// The part of each family. Families of one set follow one another by name, so that each part has some of each set.
fn deal(reads: &[Read]) -> BTreeMap<String, usize> {
    let families: BTreeSet<&str> = reads.iter().map(|r| r.family.as_str()).collect();
    families.into_iter().enumerate().map(|(at, family)| (family.to_owned(), at % FOLDS)).collect()
}

fn examples(reads: &[Read], folds: &BTreeMap<String, usize>) -> Vec<Example> {
    let mut all = Vec::new();
    let mut documents: BTreeMap<&str, usize> = BTreeMap::new();
    // where orders were parted wrongly, values are judged by the truth of another
    for read in reads.iter().filter(|r| r.drafts.len() == r.parts) {
        let fold = folds.get(&read.family).copied().unwrap_or(0);
        let next = documents.len();
        let document = *documents.entry(&read.file).or_insert(next);
        for (_, samples, right) in &read.drafts {
            // the cells of one column stand and fall together: a long table counts more than a short one, but not as
            // often as it is long
            let mut cells: BTreeMap<String, f32> = BTreeMap::new();
            for (place, _) in samples {
                *cells.entry(name_of(place)).or_default() += 1.0;
            }
            for (place, features) in samples {
                let own_letters = features.get(4).is_some_and(|own| *own > 0.5);
                let name = name_of(place);
                all.push(Example {
                    features: *features,
                    right: right.get(place).copied().unwrap_or(false),
                    weight: cells.get(&name).map_or(1.0, |n| n.sqrt().recip()),
                    group: group(place, own_letters),
                    name,
                    fold,
                    document,
                });
            }
        }
    }
    all
}

/// Learns from the examples of all folds but one, without calibration.
fn learn(examples: &[Example], without: Option<usize>) -> Model {
    let used: Vec<&Example> = examples.iter().filter(|e| without != Some(e.fold)).collect();
    let mut seen: BTreeMap<String, (f32, f32)> = BTreeMap::new();
    for example in &used {
        let (right, all) = seen.entry(example.name.clone()).or_insert(PRIOR_SEEN);
        *right += f32::from(example.right) * example.weight;
        *all += example.weight;
    }
    let priors: BTreeMap<String, f32> =
        seen.into_iter().map(|(name, (right, all))| (name, right / all)).collect();
    let mut model =
        Model { features: NAMES.iter().map(|n| (*n).to_owned()).collect(), priors, ..Model::default() };
    let rows: Vec<[f32; NAMES.len()]> = used.iter().map(|e| with_prior(e, &model)).collect();
    let table = boost::Table {
        rows: rows.iter().map(<[f32; NAMES.len()]>::as_slice).collect(),
        right: used.iter().map(|e| e.right).collect(),
        weights: used.iter().map(|e| e.weight).collect(),
        rising: &rising(),
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

/// What was learnt: the model for service, and for each part of the families one that has not seen it.
#[derive(Debug)]
pub struct Learnt {
    /// From all documents.
    pub model: Model,
    held_out: Vec<Model>,
    folds: BTreeMap<String, usize>,
}

impl Learnt {
    /// The model that has not seen a family.
    pub fn without(&self, family: &str) -> &Model {
        self.folds.get(family).and_then(|fold| self.held_out.get(*fold)).unwrap_or(&self.model)
    }
}

/// Learns from documents that were read, perhaps in several ways.
pub fn train(reads: &[Read]) -> Learnt {
    let folds = deal(reads);
    let examples = examples(reads, &folds);
    let parts: Vec<Option<usize>> = (0..FOLDS).map(Some).chain([None]).collect();
    let mut held_out = in_parallel(&parts, |part| learn(&examples, *part));
    let mut model = held_out.pop().unwrap_or_default();
    // what each model answers on the families that it has not seen
    let answers: Vec<(&Example, f32)> = examples
        .iter()
        .filter_map(|e| {
            let model = held_out.get(e.fold)?;
            Some((e, model.raw(&with_prior(e, model))))
        })
        .collect();
    let steps = |without: Option<usize>| {
        (0..GROUPS)
            .map(|group| {
                let of_group = answers.iter().filter(|(e, _)| e.group == group && without != Some(e.fold));
                let answer =
                    |(e, raw): &(&Example, f32)| Answer { raw: *raw, right: e.right, document: e.document };
                boost::calibrate_sure(&of_group.map(answer).collect::<Vec<_>>())
            })
            .collect::<Vec<_>>()
    };
    let kinds = |without: Option<usize>| {
        let read = reads.iter().filter(|r| without.is_none() || folds.get(&r.family).copied() != without);
        boost::calibrate(&read.flat_map(|r| r.kinds.iter().copied()).collect::<Vec<_>>())
    };
    (model.steps, model.kinds) = (steps(None), kinds(None));
    for (fold, model) in held_out.iter_mut().enumerate() {
        (model.steps, model.kinds) = (steps(Some(fold)), kinds(Some(fold)));
    }
    Learnt { model, held_out, folds }
}

/// The answer to each question, worked out on all cores; which core does which has no influence on the answers.
pub fn in_parallel<Q: Sync, A: Send>(questions: &[Q], answer: impl Fn(&Q) -> A + Sync) -> Vec<A> {
    let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    let next = std::sync::atomic::AtomicUsize::new(0);
    let mut answers: Vec<(usize, A)> = std::thread::scope(|scope| {
        let work = || {
            let mut own = Vec::new();
            loop {
                let at = next.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
                let Some(question) = questions.get(at) else { return own };
                own.push((at, answer(question)));
            }
        };
        let threads: Vec<_> = (0..cores).map(|_| scope.spawn(work)).collect();
        threads.into_iter().filter_map(|thread| thread.join().ok()).flatten().collect()
    });
    answers.sort_by_key(|(at, _)| *at);
    answers.into_iter().map(|(_, answer)| answer).collect()
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
