//! Wordings of labels that mean one thing, whatever their words mean elsewhere: `labels.txt`.

use super::{LABEL_WORDS_MAX, lexicon::fold_word};
use std::{
    collections::{HashMap, HashSet},
    sync::LazyLock,
};

struct Phrases {
    /// Folded wording to the field that it asks for.
    fields: HashMap<&'static str, &'static str>,
    /// The words that a wording begins with.
    firsts: HashSet<&'static str>,
}

static PHRASES: LazyLock<Phrases> = LazyLock::new(|| {
    let mut phrases = Phrases { fields: HashMap::new(), firsts: HashSet::new() };
    for line in include_str!("../labels.txt").lines().filter(|line| !line.starts_with('#')) {
        let Some((field, wordings)) = line.split_once(": ") else { continue };
        for wording in wordings.split(" | ") {
            phrases.fields.insert(wording, field);
            phrases.firsts.extend(wording.split(' ').next());
        }
    }
    phrases
});

/// The field that a folded wording asks for.
pub(super) fn field_of_phrase(text: &str) -> Option<&'static str> {
    PHRASES.fields.get(text).copied()
}

/// A wording at the start of a text.
pub(super) struct Phrase {
    /// How many words it took, marks between them included.
    pub(super) words: usize,
    /// A colon ends it.
    pub(super) closed: bool,
    /// Folded.
    pub(super) text: String,
}

/// The longest wording at the start of these words, however little the lexicon knows of them.
pub(super) fn phrase_at<'a>(words: impl Iterator<Item = &'a str>) -> Option<Phrase> {
    let mut best: Option<Phrase> = None;
    let mut text = String::new();
    for (before, word) in words.take(LABEL_WORDS_MAX).enumerate() {
        let folded = fold_word(word);
        if folded.is_empty() {
            // `Total :`
            if let Some(phrase) = best.as_mut().filter(|p| p.words == before && word.starts_with(':')) {
                phrase.words += 1;
                phrase.closed = true;
            }
            if text.is_empty() || word.contains(':') {
                break;
            }
            continue;
        }
        if text.is_empty() && !PHRASES.firsts.contains(folded.as_str()) {
            return None;
        }
        if !text.is_empty() {
            text.push(' ');
        }
        text.push_str(&folded);
        let closed = word.ends_with([':', ';']) || word.ends_with("..");
        if PHRASES.fields.contains_key(text.as_str()) {
            best = Some(Phrase { words: before + 1, closed, text: text.clone() });
        }
        if closed {
            break;
        }
    }
    best
}
