//! The lexicon: weighted phrases for each queue in four languages, from `lexicon.toml`, and how a phrase matches words.
//!
//! Does not: weigh phrases against each other; see [`crate::classify`].

use super::tokens::{STOP, TYPO_BYTES_MIN, fold, is_near};
use crate::model::ticket::Queue;
use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    ops::Range,
    sync::{Arc, LazyLock, Mutex, PoisonError},
};

/// Words that `..` may stand for.
const GAP_WORDS_MAX: usize = 5;

/// Words whose atoms are remembered at most.
const SEEN_MAX: usize = 20_000;

/// The longest of them.
const SEEN_BYTES_MAX: usize = 40;

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
#[derive(Debug, Default)]
pub(super) struct Lexicon {
    /// The phrases.
    pub(super) phrases: Vec<Phrase>,
    /// The words of all phrases, each once: many phrases share their words.
    atoms: Vec<Atom>,
    /// For each of them, the phrases that can begin with it.
    begun: Vec<Vec<usize>>,
    index: Index,
    /// The atoms of words that came before: the words of one text come in the next one, too.
    seen: Mutex<HashMap<String, Arc<[usize]>>>,
}

/// Which atoms a word can match. All positions are those of `Lexicon::atoms`.
#[derive(Debug, Default)]
struct Index {
    /// Whole words.
    exact: HashMap<String, usize>,
    /// Whole words that are forgiven a letter, by first byte and length: a word that is near enough begins alike.
    near: BTreeMap<(u8, usize), Vec<usize>>,
    /// Beginnings of words, by first byte.
    prefixes: BTreeMap<u8, Vec<usize>>,
    /// Ends of words, and numbers.
    others: Vec<usize>,
}

/// A word of a text as the lexicon sees it.
#[derive(Debug)]
struct Word {
    /// The end of a sentence.
    stop: bool,
    /// Positions of the atoms that it matches.
    atoms: Arc<[usize]>,
}

/// A weighted pattern.
#[derive(Clone, Debug)]
pub(super) struct Phrase {
    /// What it speaks for.
    pub(super) topic: Topic,
    /// How strongly; below 0 against.
    pub(super) weight: f32,
    steps: Vec<Step>,
}

/// One place in a pattern.
#[derive(Clone, Debug)]
enum Step {
    /// Up to [`GAP_WORDS_MAX`] words.
    Gap,
    /// One out of these rows of words, each the position of an atom.
    Word(Vec<Vec<usize>>),
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
    let mut lexicon = Lexicon::default();
    for (name, languages) in &tables {
        let topic = match (Queue::parse(name), name.as_str()) {
            (Some(queue), _) => Topic::Queue(queue),
            (None, "anger") => Topic::Anger,
            (None, _) => Topic::Urgent,
        };
        languages.values().flatten().for_each(|line| lexicon.add(topic, line));
    }
    lexicon
}

impl Lexicon {
    /// Adds a phrase: its weight, a space, its pattern. A line that is none is left out.
    fn add(&mut self, topic: Topic, line: &str) {
        let Some((weight, pattern)) = line.split_once(' ') else { return };
        let Ok(weight) = weight.parse() else { return };
        let mut steps: Vec<Step> = pattern.split_whitespace().map(|step| self.step(step)).collect();
        while matches!(steps.last(), Some(Step::Gap)) {
            steps.pop();
        }
        if let Some(Step::Word(choices)) = steps.first() {
            let firsts: BTreeSet<usize> = choices.iter().filter_map(|atoms| atoms.first()).copied().collect();
            for first in firsts {
                if let Some(begun) = self.begun.get_mut(first) {
                    begun.push(self.phrases.len());
                }
            }
            self.phrases.push(Phrase { topic, weight, steps });
        }
    }

    fn step(&mut self, text: &str) -> Step {
        if text == ".." {
            return Step::Gap;
        }
        let choices = text.split('|').filter(|choice| !choice.is_empty());
        Step::Word(
            choices
                .map(|choice| choice.split('_').map(|word| self.position(parse_atom(word))).collect())
                .collect(),
        )
    }

    /// Where an atom stands; it is added if it is new.
    fn position(&mut self, atom: Atom) -> usize {
        if let Some(known) = self.atoms.iter().position(|known| *known == atom) {
            return known;
        }
        let at = self.atoms.len();
        match &atom {
            Atom::Exact(text) => {
                self.index.exact.insert(text.clone(), at);
                if let Some(first) = text.as_bytes().first().filter(|_| text.len() >= TYPO_BYTES_MIN) {
                    self.index.near.entry((*first, text.len())).or_default().push(at);
                }
            }
            Atom::Prefix(text) => {
                let first = text.as_bytes().first().copied().unwrap_or_default();
                self.index.prefixes.entry(first).or_default().push(at);
            }
            Atom::Suffix(_) | Atom::Number => self.index.others.push(at),
        }
        self.atoms.push(atom);
        self.begun.push(Vec::new());
        at
    }

    /// The phrases in a text, in their order, each with the range of words where it first occurs.
    pub(super) fn find(&self, words: &[String]) -> Vec<(&Phrase, Range<usize>)> {
        let words: Vec<Word> =
            words.iter().map(|word| Word { stop: word == STOP, atoms: self.seen_atoms_of(word) }).collect();
        let mut present = vec![false; self.atoms.len()];
        for atom in words.iter().flat_map(|word| word.atoms.iter()) {
            present.get_mut(*atom).into_iter().for_each(|present| *present = true);
        }
        let mut begun: Vec<(usize, usize)> = Vec::new();
        for (at, word) in words.iter().enumerate() {
            let phrases = word.atoms.iter().filter_map(|atom| self.begun.get(*atom)).flatten();
            begun.extend(phrases.map(|phrase| (*phrase, at)));
        }
        begun.sort_unstable();
        let mut found: Vec<(&Phrase, Range<usize>)> = Vec::new();
        for starts in begun.chunk_by(|(one, _), (next, _)| one == next) {
            let phrase = starts.first().and_then(|(number, _)| self.phrases.get(*number));
            let Some(phrase) = phrase.filter(|phrase| phrase.is_possible(&present)) else { continue };
            let at = |start: usize| Some(start..start + match_steps(&phrase.steps, words.get(start..)?)?);
            found.extend(starts.iter().find_map(|(_, start)| at(*start)).map(|range| (phrase, range)));
        }
        found
    }

    /// The atoms that a word matches, remembered.
    fn seen_atoms_of(&self, word: &str) -> Arc<[usize]> {
        if word.len() > SEEN_BYTES_MAX {
            return self.atoms_of(word).into();
        }
        let seen = || self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(atoms) = seen().get(word) {
            return Arc::clone(atoms);
        }
        let atoms: Arc<[usize]> = self.atoms_of(word).into();
        let mut seen = seen();
        if seen.len() >= SEEN_MAX {
            seen.clear();
        }
        seen.insert(word.to_owned(), Arc::clone(&atoms));
        atoms
    }

    /// The atoms that a word matches.
    fn atoms_of(&self, word: &str) -> Vec<usize> {
        let mut found: Vec<usize> = self.index.exact.get(word).copied().into_iter().collect();
        let Some(first) = word.as_bytes().first() else { return found };
        // One letter more or less is one byte of plain letters, and up to four of others.
        let reach = if word.is_ascii() { 1 } else { 4 };
        let lengths = (*first, word.len().saturating_sub(reach))..=(*first, word.len() + reach);
        let near = self.index.near.range(lengths).flat_map(|(_, atoms)| atoms);
        let prefixes = self.index.prefixes.get(first).into_iter().flatten();
        let matches = |at: &&usize| self.atoms.get(**at).is_some_and(|atom| atom.matches(word));
        found.extend(near.chain(prefixes).chain(&self.index.others).filter(matches));
        found.sort_unstable();
        found.dedup();
        found
    }
}

impl Phrase {
    /// Whether the words that it needs are there at all, in whatever order.
    fn is_possible(&self, present: &[bool]) -> bool {
        self.steps.iter().all(|step| match step {
            Step::Gap => true,
            Step::Word(choices) => choices
                .iter()
                .any(|atoms| atoms.iter().all(|atom| present.get(*atom).copied().unwrap_or_default())),
        })
    }
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
    fn matches(&self, word: &str) -> bool {
        match self {
            Self::Exact(text) => word == text || is_near(word, text),
            Self::Prefix(text) => word.starts_with(text.as_str()),
            Self::Suffix(text) => word.ends_with(text.as_str()),
            Self::Number => word.starts_with(|c: char| c.is_ascii_digit()),
        }
    }
}

/// How many words the steps take from the beginning of `words`. The depth is the number of gaps in a pattern.
fn match_steps(steps: &[Step], words: &[Word]) -> Option<usize> {
    match steps.split_first() {
        None => Some(0),
        Some((Step::Gap, rest)) => {
            // A full stop ends a thought: no gap reaches over it.
            let reach = words.iter().take(GAP_WORDS_MAX).take_while(|word| !word.stop).count();
            (0..=reach).find_map(|skip| Some(skip + match_steps(rest, words.get(skip..)?)?))
        }
        Some((Step::Word(choices), rest)) => choices.iter().find_map(|atoms| {
            let (found, after) = words.split_at_checked(atoms.len())?;
            let fits = atoms.iter().zip(found).all(|(atom, word)| word.atoms.contains(atom));
            if fits { Some(atoms.len() + match_steps(rest, after)?) } else { None }
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A lexicon of one phrase.
    fn phrase(line: &str) -> Lexicon {
        let mut lexicon = Lexicon::default();
        lexicon.add(Topic::Urgent, line);
        assert_eq!(lexicon.phrases.len(), 1, "{line}");
        lexicon
    }

    #[test]
    fn every_line_of_the_lexicon_is_a_phrase() {
        let tables: BTreeMap<String, BTreeMap<String, Vec<String>>> =
            toml::from_str(include_str!("lexicon.toml")).unwrap();
        for (name, languages) in &tables {
            assert!(name == "urgent" || name == "anger" || Queue::parse(name).is_some(), "{name}");
            for line in languages.values().flatten() {
                let phrase = phrase(line);
                assert!(!matches!(phrase.phrases[0].steps.first(), Some(Step::Gap)), "{line}");
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
            let (lexicon, words) = (phrase(&format!("1 {pattern}")), super::super::tokens::words(text));
            let found = lexicon.find(&words).pop().map(|(_, range)| range);
            assert_eq!(found, expected, "{pattern}: {text}");
        }
    }
}
