//! Printed labels into what they ask for.
//!
//! A label is a short run of words that all stand for known concepts, as [`lexicon`] finds them. Which field it asks
//! for ([`fields`]) and which column it heads ([`columns`]) follows from the set of its concepts, so that wordings never
//! seen before are still understood. Does not: look at places.

mod columns;
mod fields;
mod lexicon;
mod phrases;

pub use columns::column_of;
pub use fields::field_of;
pub use lexicon::{distance_at_most, fold_word};

use super::number::parse_currency;
use lexicon::{Concept, Found};
use std::collections::BTreeSet;

/// Words in one label at most.
const LABEL_WORDS_MAX: usize = 7;
/// Words of a label in a second language at most.
const TRANSLATED_WORDS_MAX: usize = 3;
/// Letters of the end of a word that stands apart from it at most.
const TORN_OFF_MAX: usize = 2;

/// A label that was recognised.
#[derive(Clone, Debug, PartialEq)]
pub struct Label {
    /// Concepts of its words.
    pub concepts: BTreeSet<Concept>,
    /// How many words it took, a lone colon included.
    pub words: usize,
    /// It ended with a colon or dots.
    pub closed: bool,
    /// A misread letter was forgiven.
    pub forgiven: bool,
    /// The words, folded.
    pub text: String,
}

impl Label {
    /// Whether it has all these concepts.
    pub fn has(&self, wanted: &[&str]) -> bool {
        wanted.iter().all(|c| self.concepts.contains(c))
    }

    /// Whether it says this and nothing else: `Lieferung` asks for a day or for a place.
    pub fn asks_only(&self, concept: &str) -> bool {
        self.concepts.iter().all(|c| *c == concept || *c == "filler") && self.concepts.contains(concept)
    }

    /// Whether it has one of these concepts.
    pub fn any(&self, wanted: &[&str]) -> bool {
        wanted.iter().any(|c| self.concepts.contains(c))
    }
}

/// The longest label at the start of these words: a wording that is known as a whole, or words that all mean something.
/// The same in another language may follow: `Fournisseur / Leverancier`.
pub fn label_at<'a>(words: impl Iterator<Item = &'a str> + Clone) -> Option<Label> {
    let mut label = in_one_language(words.clone())?;
    let used = label.words;
    let slash = |word: Option<&str>| usize::from(word == Some("/"));
    let (before, after) = (slash(words.clone().nth(used.saturating_sub(1))), slash(words.clone().nth(used)));
    if !label.closed && before + after > 0 {
        let rest = words.skip(used + after);
        let of_word = |c: char| c.is_alphabetic() || matches!(c, '.' | '-' | '\'' | '’' | ':');
        let (count, letters) = rest.fold((0, true), |(n, all), w| (n + 1, all && w.chars().all(of_word)));
        if (1..=TRANSLATED_WORDS_MAX).contains(&count) && letters {
            label.words += after + count;
        }
    }
    Some(label)
}

fn in_one_language<'a>(words: impl Iterator<Item = &'a str> + Clone) -> Option<Label> {
    let label = by_words(words.clone());
    let Some(phrase) = phrases::phrase_at(words.clone()) else { return label };
    let longer = label
        .as_ref()
        .is_some_and(|l| l.words > phrase.words || l.words == phrase.words && l.text == phrase.text);
    if longer || phrase.words == 1 && !phrase.closed && label.is_none() && !stands_alone(words.clone()) {
        return label;
    }
    let known = words.take(phrase.words).filter_map(find_all).flatten().filter(|(_, found)| !found.forgiven);
    Some(Label {
        concepts: known.flat_map(|(_, found)| found.concepts).collect(),
        words: phrase.words,
        closed: phrase.closed,
        forgiven: false,
        text: phrase.text,
    })
}

/// Whether the first of these words may be a label by itself: `Framme 9 mars`, not `Store order ref` or `Le`.
fn stands_alone<'a>(mut words: impl Iterator<Item = &'a str>) -> bool {
    let known = words.next().and_then(find_all).is_some();
    let next = words.next();
    !known && next.is_none_or(|w| !w.starts_with(char::is_alphabetic) || parse_currency(w).is_some())
}

/// The longest run of words at the start that all mean something.
fn by_words<'a>(words: impl Iterator<Item = &'a str>) -> Option<Label> {
    let mut label =
        Label { concepts: BTreeSet::new(), words: 0, closed: false, forgiven: false, text: String::new() };
    let (mut read, mut meant): (Vec<String>, Vec<String>) = (Vec::new(), Vec::new());
    let mut words = words.take(LABEL_WORDS_MAX).peekable();
    while let Some(word) = words.next() {
        let bare = word.trim_matches(|c: char| !c.is_alphanumeric());
        if bare.is_empty() && word != "#" {
            let ends = word.starts_with([':', '.', ';']);
            if (ends || matches!(word, "/" | "&" | "-" | "–")) && label.words > 0 {
                label.words += 1;
                label.closed |= word.contains(':') || word.starts_with("..");
                if ends {
                    break;
                }
                continue;
            }
            // a speck of dirt before the label
            if label.words == 0 && matches!(word, "'" | "‘" | "’" | "," | "." | "»" | "|") {
                label.words += 1;
                continue;
            }
            break;
        }
        if bare.len() <= 2
            && label.words == 0
            && bare.chars().all(|c| c.is_ascii_digit())
            && word.ends_with('.')
        {
            label.words += 1;
            continue;
        }
        let mut last = word;
        let found = match words.peek().and_then(|next| torn(word, next)) {
            Some(found) => {
                last = words.next().unwrap_or(word);
                label.words += 1;
                vec![found]
            }
            None => match find_all(word) {
                Some(found) => found,
                None => break,
            },
        };
        for (text, found) in found {
            label.concepts.extend(found.concepts);
            label.forgiven |= found.forgiven;
            meant.push(found.known.map_or_else(|| text.clone(), str::to_owned));
            read.push(text);
        }
        label.words += 1;
        if last.ends_with(':') || last.ends_with("..") || last.ends_with(';') {
            label.closed = true;
            break;
        }
    }
    label.text = read.join(" ");
    if label.forgiven && phrases::field_of_phrase(&label.text).is_none() {
        label.text = meant.join(" ");
    }
    let meaning = label.concepts.iter().any(|c| *c != "filler");
    meaning.then_some(label)
}

/// A word of the lexicon whose last letters stand apart: `Contac t`.
fn torn(word: &str, next: &str) -> Option<(String, Found)> {
    let end = fold_word(next);
    let small = next.starts_with(char::is_lowercase) && end.chars().count() <= TORN_OFF_MAX;
    if !small || end.is_empty() || !word.ends_with(char::is_alphabetic) {
        return None;
    }
    let start = fold_word(word);
    let whole = format!("{start}{end}");
    if lexicon::is_known(&start) || !lexicon::is_known(&whole) {
        return None;
    }
    let found = lexicon::find(&whole)?;
    Some((whole, found))
}

/// What a word says, or the words that stand in it without a blank: `ShipTo`.
fn find_all(word: &str) -> Option<Vec<(String, Found)>> {
    if let Some(found) = lexicon::find(word) {
        return Some(vec![(fold_word(word), found)]);
    }
    let humps: Vec<usize> = word
        .char_indices()
        .zip(word.chars().skip(1))
        .filter(|((_, a), b)| a.is_lowercase() && b.is_uppercase())
        .map(|((at, a), _)| at + a.len_utf8())
        .collect();
    if humps.is_empty() || humps.len() > 3 {
        return None;
    }
    let starts = std::iter::once(0).chain(humps.iter().copied());
    let ends = humps.iter().copied().chain([word.len()]);
    starts
        .zip(ends)
        .map(|(from, to)| {
            let part = word.get(from..to)?;
            let found = lexicon::find(part).filter(|found| !found.forgiven)?;
            Some((fold_word(part), found))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(text: &str) -> Option<&'static str> {
        let label = label_at(text.split_whitespace())?;
        (label.words == text.split_whitespace().count()).then(|| field_of(&label)).flatten()
    }

    #[test]
    fn wordings_are_understood() {
        // what asks for the number, day or person of the paper itself asks an order for its own
        let of_order = |field| match field {
            "document_number" => "po_number",
            "date" => "order_date",
            "contact" => "buyer_contact",
            "account" => "account_no",
            field => field,
        };
        for line in include_str!("label/wordings.txt").lines().filter(|line| !line.starts_with('#')) {
            let (field, wordings) = line.split_once(": ").unwrap();
            for wording in wordings.split(" | ") {
                assert_eq!(asked(wording).map(of_order), Some(field), "{wording}");
            }
        }
    }

    #[test]
    fn misread_wordings_are_understood() {
        for (text, field) in [
            ("ShipTo:", "ship_to"),
            ("Purchasing Contac t", "buyer_contact"),
            ("E1ntrefftermin", "requested_date"),
            ("Bestelinr.", "po_number"),
            ("' Order Nurnber:", "po_number"),
        ] {
            assert_eq!(asked(text), Some(field), "{text}");
        }
    }

    #[test]
    fn a_wording_stands_alone_or_is_none() {
        assert_eq!(label_at(["Framme", "9"].into_iter()).map(|l| l.words), Some(1));
        assert_eq!(label_at(["Insgesamt", "EUR", "12,50"].into_iter()).map(|l| l.words), Some(1));
        assert_eq!(label_at(["Framme", "vid", "porten"].into_iter()), None);
        assert_eq!(label_at(["Le"].into_iter()), None);
    }
}
