//! The lexicon: weighted phrases for each queue in four languages, from `lexicon.toml`, and how a phrase matches words.
//!
//! Does not: weigh phrases against each other; see [`crate::classify`].

use super::tokens::{STOP, fold, is_near};
use crate::model::ticket::Queue;
use std::{
    collections::{BTreeMap, HashMap},
    sync::LazyLock,
};

/// Words that `..` may stand for.
const GAP_WORDS_MAX: usize = 5;

/// What a phrase speaks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Topic {
    /// A queue.
    Queue(Queue),
    /// A complaint if it is about nothing else; high priority in any case.
    Anger,
    /// High priority.
    Urgent,
}

/// All phrases, and where to look for them.
#[derive(Debug)]
pub(super) struct Lexicon {
    /// The phrases.
    pub(super) phrases: Vec<Phrase>,
    /// The words with which a phrase can begin, each once: many phrases begin alike.
    firsts: Vec<Atom>,
    /// Those of them that a word with this first byte can match.
    by_byte: Vec<Vec<usize>>,
}

/// Where in a text each of the lexicon's first words occurs, in order.
#[derive(Debug)]
pub(super) struct Starts(Vec<Vec<usize>>);

/// A weighted pattern.
#[derive(Clone, Debug)]
pub(super) struct Phrase {
    /// What it speaks for.
    pub(super) topic: Topic,
    /// How strongly; below 0 against.
    pub(super) weight: f32,
    steps: Vec<Step>,
    /// Indexes of the words with which it can begin.
    firsts: Vec<usize>,
}

/// One place in a pattern.
#[derive(Clone, Debug)]
enum Step {
    /// Up to [`GAP_WORDS_MAX`] words.
    Gap,
    /// One out of these rows of words.
    Word(Vec<Vec<Atom>>),
}

/// How one word matches.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
enum Atom {
    Exact(String),
    Prefix(String),
    Suffix(String),
    Number,
}

/// All phrases.
pub(super) static LEXICON: LazyLock<Lexicon> = LazyLock::new(|| parse(include_str!("lexicon.toml")));

fn parse(text: &str) -> Lexicon {
    let tables: BTreeMap<String, BTreeMap<String, Vec<String>>> =
        toml::from_str(text).expect("the lexicon is part of the program and tested");
    let mut phrases = Vec::new();
    for (name, languages) in &tables {
        let topic = match (Queue::parse(name), name.as_str()) {
            (Some(queue), _) => Topic::Queue(queue),
            (None, "anger") => Topic::Anger,
            (None, _) => Topic::Urgent,
        };
        phrases.extend(languages.values().flatten().filter_map(|line| parse_phrase(topic, line)));
    }
    Lexicon::of(phrases)
}

fn parse_phrase(topic: Topic, line: &str) -> Option<Phrase> {
    let (weight, pattern) = line.split_once(' ')?;
    let mut steps: Vec<Step> = pattern.split_whitespace().map(parse_step).collect();
    while matches!(steps.last(), Some(Step::Gap)) {
        steps.pop();
    }
    if steps.is_empty() {
        return None;
    }
    Some(Phrase { topic, weight: weight.parse().ok()?, steps, firsts: Vec::new() })
}

impl Lexicon {
    fn of(mut phrases: Vec<Phrase>) -> Self {
        let mut known: HashMap<Atom, usize> = HashMap::new();
        let mut firsts = Vec::new();
        for phrase in &mut phrases {
            let Some(Step::Word(choices)) = phrase.steps.first() else { continue };
            for atom in choices.iter().filter_map(|atoms| atoms.first()) {
                let index = *known.entry(atom.clone()).or_insert_with(|| {
                    firsts.push(atom.clone());
                    firsts.len() - 1
                });
                phrase.firsts.push(index);
            }
        }
        let mut by_byte = vec![Vec::new(); 256];
        for (byte, indexes) in by_byte.iter_mut().enumerate() {
            indexes
                .extend(firsts.iter().enumerate().filter(|(_, atom)| atom.may_begin(byte)).map(|(at, _)| at));
        }
        Self { phrases, firsts, by_byte }
    }

    /// Where phrases can begin in these words.
    pub(super) fn starts(&self, words: &[String]) -> Starts {
        let mut starts = vec![Vec::new(); self.firsts.len()];
        for (at, word) in words.iter().enumerate() {
            let first = word.as_bytes().first().map_or(0, |byte| usize::from(*byte));
            for index in self.by_byte.get(first).into_iter().flatten() {
                let matches = self.firsts.get(*index).is_some_and(|atom| atom.matches(word));
                if let Some(places) = starts.get_mut(*index).filter(|_| matches) {
                    places.push(at);
                }
            }
        }
        Starts(starts)
    }
}

fn parse_step(text: &str) -> Step {
    if text == ".." {
        return Step::Gap;
    }
    let choices = text.split('|').filter(|choice| !choice.is_empty());
    Step::Word(choices.map(|choice| choice.split('_').map(parse_atom).collect()).collect())
}

fn parse_atom(word: &str) -> Atom {
    let folded = fold(word.trim_matches('*'));
    match (word.starts_with('*'), word.ends_with('*')) {
        _ if word == "#" => Atom::Number,
        (true, _) => Atom::Suffix(folded),
        (false, true) => Atom::Prefix(folded),
        (false, false) => Atom::Exact(folded),
    }
}

impl Atom {
    /// Whether a word with this first byte can match. A word that is near enough begins like the right one.
    fn may_begin(&self, byte: usize) -> bool {
        match self {
            Self::Exact(text) | Self::Prefix(text) => {
                text.as_bytes().first().is_none_or(|first| usize::from(*first) == byte)
            }
            Self::Suffix(_) => true,
            Self::Number => (usize::from(b'0')..=usize::from(b'9')).contains(&byte),
        }
    }

    fn matches(&self, word: &str) -> bool {
        match self {
            Self::Exact(text) => word == text || is_near(word, text),
            Self::Prefix(text) => word.starts_with(text.as_str()),
            Self::Suffix(text) => word.ends_with(text.as_str()),
            Self::Number => word.starts_with(|c: char| c.is_ascii_digit()),
        }
    }
}

impl Phrase {
    /// Where the phrase first occurs, as a range of words. `starts` is of the same words.
    pub(super) fn find(&self, words: &[String], starts: &Starts) -> Option<std::ops::Range<usize>> {
        let places = self.firsts.iter().filter_map(|index| starts.0.get(*index)).flatten();
        let mut places: Vec<usize> = places.copied().collect();
        places.sort_unstable();
        places.into_iter().find_map(|start| {
            let length = match_steps(&self.steps, words.get(start..)?)?;
            Some(start..start + length)
        })
    }
}

/// How many words the steps take from the beginning of `words`. The depth is the number of gaps in a pattern.
fn match_steps(steps: &[Step], words: &[String]) -> Option<usize> {
    match steps.split_first() {
        None => Some(0),
        Some((Step::Gap, rest)) => {
            // A full stop ends a thought: no gap reaches over it.
            let reach = words.iter().take(GAP_WORDS_MAX).take_while(|word| *word != STOP).count();
            (0..=reach).find_map(|skip| Some(skip + match_steps(rest, words.get(skip..)?)?))
        }
        Some((Step::Word(choices), rest)) => choices.iter().find_map(|atoms| {
            let (found, after) = words.split_at_checked(atoms.len())?;
            let fits = atoms.iter().zip(found).all(|(atom, word)| atom.matches(word));
            if fits { Some(atoms.len() + match_steps(rest, after)?) } else { None }
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_line_of_the_lexicon_is_a_phrase() {
        let tables: BTreeMap<String, BTreeMap<String, Vec<String>>> =
            toml::from_str(include_str!("lexicon.toml")).unwrap();
        for (name, languages) in &tables {
            assert!(name == "urgent" || name == "anger" || Queue::parse(name).is_some(), "{name}");
            for line in languages.values().flatten() {
                let phrase = parse_phrase(Topic::Urgent, line).unwrap_or_else(|| panic!("{line}"));
                assert!(!matches!(phrase.steps.first(), Some(Step::Gap)), "{line}");
            }
        }
    }

    #[test]
    fn patterns_match_words() {
        for (pattern, text, expected) in [
            ("where .. order", "where is my order", Some(0..4)),
            ("where .. order", "where is my very big and old and late order", None),
            ("retour*", "eine Retoure", Some(1..2)),
            ("*faktura", "en kreditfaktura", Some(1..2)),
            ("need #", "we need 20 pcs", Some(1..3)),
            ("retour|rma x|y", "rma y", Some(0..2)),
            ("stornieren", "bitte stornierren", Some(1..2)),
            ("facture", "la facturé", Some(1..2)),
        ] {
            let phrase = parse_phrase(Topic::Urgent, &format!("1 {pattern}")).unwrap();
            let (lexicon, words) = (Lexicon::of(vec![phrase]), super::super::tokens::words(text));
            let found = lexicon.phrases[0].find(&words, &lexicon.starts(&words));
            assert_eq!(found, expected, "{pattern}: {text}");
        }
    }
}
