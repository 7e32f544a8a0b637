//! What people teach by moving tickets: a message much like those that they put into a queue goes there, too.
//!
//! A message is a vector of its words, pairs of words and pieces of words, rare ones weighing more (TF-IDF, of length
//! one). A queue is the mean of its messages (Rocchio's classifier, which learns from few examples); a message is as
//! like a queue as it is like that mean, or like the one message of the queue that it is most like.
//! Does not: know the lexicon, or decide.
//! Limits: the first words of a message; who loads the examples bounds their number.

use super::{Evidence, tokens};
use crate::{
    message::subject,
    model::{message::Message, ticket::Queue},
};
use std::{
    collections::{BTreeMap, HashMap},
    hash::{DefaultHasher, Hash as _, Hasher as _},
};

/// Words of a message that are compared.
const WORDS_MAX: usize = 150;
/// Letters of the pieces that words are cut into, so that forms of one word are alike.
const PIECE_CHARS: usize = 4;
/// Likeness that speaks for nothing: any two messages share some words.
const LIKE_ANY: f32 = 0.1;
/// Evidence of a message that is the very same. This and the next were chosen on 253 questions of a real shop's
/// customers, with 10, 30, 100 and 328 examples: the right queue for 66, 68, 83 and 86 % (lexicon alone: 66 %).
const SAME_WEIGHT: f32 = 12.0;
/// How evidence grows with likeness: already some of it says much.
const GROWTH: f32 = 0.7;

/// A message that a person put into a queue.
#[derive(Clone, Debug)]
pub struct Example<'a> {
    /// The queue.
    pub queue: Queue,
    /// The message.
    pub message: &'a Message,
    /// How people know it: its ticket, and who put it there.
    pub place: String,
}

/// Everything that was taught, ready to be compared with.
#[derive(Debug, Default)]
pub struct Experience {
    /// Queue and name of each example.
    examples: Vec<(Queue, String)>,
    /// For each feature the examples that have it, and how much it weighs there.
    postings: HashMap<u64, Vec<(usize, f32)>>,
    /// How much each feature says: the rarer the more.
    rarity: HashMap<u64, f32>,
    /// Length of the sum of each queue's vectors.
    lengths: BTreeMap<Queue, f32>,
}

/// The text by which messages are compared.
fn words(message: &Message) -> Vec<String> {
    let mut words = tokens::words(&subject::bare(&message.subject));
    words.extend(tokens::words(&message.new_text));
    words.retain(|word| word != tokens::STOP);
    words.truncate(WORDS_MAX);
    words
}

/// How often each word, pair of words and piece of a word occurs.
fn features(words: &[String]) -> BTreeMap<u64, f32> {
    let mut found: BTreeMap<u64, f32> = BTreeMap::new();
    let mut add = |kind: u8, parts: &[&str]| {
        let mut hasher = DefaultHasher::new();
        (kind, parts).hash(&mut hasher);
        *found.entry(hasher.finish()).or_default() += 1.0;
    };
    for word in words {
        add(0, &[word]);
        let marked: Vec<char> = format!("<{word}>").chars().collect();
        for piece in marked.windows(PIECE_CHARS.min(marked.len())) {
            add(1, &[&piece.iter().collect::<String>()]);
        }
    }
    for pair in words.windows(2) {
        let [one, next] = pair else { continue };
        add(2, &[one, next]);
    }
    found
}

/// Counts weighed and brought to length one.
fn weigh(counts: BTreeMap<u64, f32>, rarity: impl Fn(u64) -> f32) -> Vec<(u64, f32)> {
    let weighed = counts.into_iter().map(|(feature, count)| (feature, (1.0 + count.ln()) * rarity(feature)));
    let mut weighed: Vec<(u64, f32)> = weighed.collect();
    let length = weighed.iter().map(|(_, weight)| weight * weight).sum::<f32>().sqrt().max(f32::MIN_POSITIVE);
    for (_, weight) in &mut weighed {
        *weight /= length;
    }
    weighed
}

impl Experience {
    /// Learns from all examples.
    pub fn learn<'a>(examples: impl IntoIterator<Item = Example<'a>>) -> Self {
        let mut learnt = Self::default();
        let mut counts = Vec::new();
        let mut often: BTreeMap<u64, f32> = BTreeMap::new();
        for Example { queue, message, place } in examples {
            let found = features(&words(message));
            for feature in found.keys() {
                *often.entry(*feature).or_default() += 1.0;
            }
            counts.push(found);
            learnt.examples.push((queue, place));
        }
        let all = counts.len() as f32;
        let rarity = |(feature, often): (u64, f32)| (feature, ((all + 1.0) / (often + 1.0)).ln() + 1.0);
        learnt.rarity = often.into_iter().map(rarity).collect();
        let mut sums: BTreeMap<Queue, HashMap<u64, f32>> = BTreeMap::new();
        for (at, (found, (queue, _))) in counts.into_iter().zip(&learnt.examples).enumerate() {
            let sum = sums.entry(*queue).or_default();
            for (feature, weight) in weigh(found, |f| learnt.rarity.get(&f).copied().unwrap_or(1.0)) {
                *sum.entry(feature).or_default() += weight;
                learnt.postings.entry(feature).or_default().push((at, weight));
            }
        }
        let length = |sum: &HashMap<u64, f32>| sum.values().map(|w| w * w).sum::<f32>().sqrt();
        learnt.lengths = sums.iter().map(|(queue, sum)| (*queue, length(sum))).collect();
        learnt
    }

    /// What speaks for each queue that a message is like.
    pub(super) fn evidence(&self, message: &Message) -> Vec<Evidence> {
        if self.examples.is_empty() {
            return Vec::new();
        }
        let unseen = (self.examples.len() as f32 + 1.0).ln() + 1.0;
        let mut alike = vec![0.0_f32; self.examples.len()];
        let rarity = |feature: u64| self.rarity.get(&feature).copied().unwrap_or(unseen);
        for (feature, weight) in weigh(features(&words(message)), rarity) {
            for (at, other) in self.postings.get(&feature).into_iter().flatten() {
                if let Some(alike) = alike.get_mut(*at) {
                    *alike += weight * other;
                }
            }
        }
        // for each queue: the sum of all likenesses, and the most like
        let mut queues: BTreeMap<Queue, (f32, f32, &str)> = BTreeMap::new();
        for ((queue, place), alike) in self.examples.iter().zip(&alike) {
            let (sum, best, name) = queues.entry(*queue).or_insert((0.0, 0.0, place));
            *sum += alike;
            if *alike > *best {
                (*best, *name) = (*alike, place);
            }
        }
        let evidence = |(queue, (sum, best, place)): (Queue, (f32, f32, &str))| {
            let mean = sum / self.lengths.get(&queue).copied().unwrap_or(1.0).max(f32::MIN_POSITIVE);
            let like = (mean.max(best) - LIKE_ANY) / (1.0 - LIKE_ANY);
            (like > 0.0).then(|| Evidence {
                queue,
                weight: like.powf(GROWTH) * SAME_WEIGHT,
                reason: format!("like {place} ({:.0} % alike)", best * 100.0),
            })
        };
        queues.into_iter().filter_map(evidence).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{classify::classify, message};

    #[test]
    fn messages_like_those_that_people_moved_go_where_they_moved_them() {
        let mail = |text: &str| message::parse(format!("\n\n{text}\n").as_bytes());
        let taught = [
            (Queue::Documents, "Please send the conformity papers of lot 7781 for our auditor"),
            (Queue::Documents, "We need conformity papers for lots 90 and 91"),
            (Queue::AccountChanges, "Our warehouse moves to Mill Lane on the first of May"),
        ]
        .map(|(queue, text)| (queue, mail(text)));
        let example = |(at, (queue, message)): (usize, &'_ (Queue, Message))| (at, *queue, message.clone());
        let kept: Vec<_> = taught.iter().enumerate().map(example).collect();
        let experience = Experience::learn(kept.iter().map(|(at, queue, message)| Example {
            queue: *queue,
            message,
            place: format!("T-{at}"),
        }));
        for (text, wanted) in [
            ("could I have the conformity papers of lot 12?", Queue::Documents),
            ("the warehouse moves to Dock Street on the third of June", Queue::AccountChanges),
        ] {
            let classified = classify(&mail(text), &[], &experience, 0.5);
            assert_eq!(classified.queue, wanted, "{text}: {classified:?}");
            assert!(classified.reasons.iter().any(|r| r.starts_with("like T-")), "{:?}", classified.reasons);
        }
        let other = classify(&mail("Our kettle is blue"), &[], &experience, 0.5);
        assert_eq!(other.queue, Queue::Triage, "{other:?}");
    }
}
