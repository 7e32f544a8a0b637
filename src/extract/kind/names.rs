//! Names of papers in a text, with one letter of a long word forgiven, found without a look at every name.
//!
//! One letter put in, left out or changed leaves the first three letters of a long word as they are, or its last
//! three: so few words are near enough to be compared. A name is looked at where its first word stands.

use super::{super::label::distance_at_most, Paper};
use std::collections::HashMap;

/// Shorter words must be written right.
const FORGIVEN_BYTES_MIN: usize = 6;
/// Letters at either end by which near words are found: half of the shortest that is forgiven a letter.
const END_BYTES: usize = 3;

/// Names, and where to look for them. Their words are plain ASCII, lower case.
#[derive(Debug, Default)]
pub(super) struct Names {
    /// In the order in which they were added.
    names: Vec<(Paper, Vec<&'static str>)>,
    /// The names that begin with a word.
    starts: HashMap<&'static str, Vec<usize>>,
    /// Those of these words that are forgiven a letter, by their first and by their last letters.
    by_end: HashMap<&'static [u8], Vec<&'static str>>,
}

impl Names {
    /// Adds a name of a paper.
    pub(super) fn add(&mut self, paper: Paper, name: &'static str) {
        let words: Vec<&'static str> = name.split(' ').collect();
        let Some(first) = words.first().copied() else { return };
        let starts = self.starts.entry(first).or_default();
        if starts.is_empty() && first.len() >= FORGIVEN_BYTES_MIN {
            for end in ends(first).into_iter().flatten() {
                self.by_end.entry(end).or_default().push(first);
            }
        }
        starts.push(self.names.len());
        self.names.push((paper, words));
    }

    /// The names that stand in a text of words, each once, in the order in which they were added.
    pub(super) fn find(&self, words: &[&str]) -> impl Iterator<Item = (Paper, &[&'static str])> {
        let mut found: Vec<usize> = Vec::new();
        for (at, word) in words.iter().enumerate() {
            let near = ends(word).into_iter().flatten().filter_map(|end| self.by_end.get(end)).flatten();
            let first = std::iter::once(word).chain(near.filter(|near| *near != word && is_near(word, near)));
            let starts = first.filter_map(|first| self.starts.get(first)).flatten();
            found.extend(starts.filter(|name| self.stands_at(**name, words, at)));
        }
        found.sort_unstable();
        found.dedup();
        found
            .into_iter()
            .filter_map(|name| self.names.get(name))
            .map(|(paper, name)| (*paper, name.as_slice()))
    }

    /// Whether the words from `at` on are those of the name.
    fn stands_at(&self, name: usize, words: &[&str], at: usize) -> bool {
        let Some(((_, name), text)) = self.names.get(name).zip(words.get(at..)) else { return false };
        text.len() >= name.len() && text.iter().zip(name).all(|(word, known)| is_near(word, known))
    }
}

/// The first and the last letters of a word that is long enough.
fn ends(word: &str) -> [Option<&[u8]>; 2] {
    let bytes = word.as_bytes();
    [
        bytes.first_chunk::<END_BYTES>().map(<[u8; END_BYTES]>::as_slice),
        bytes.last_chunk::<END_BYTES>().map(<[u8; END_BYTES]>::as_slice),
    ]
}

fn is_near(word: &str, known: &str) -> bool {
    word == known || known.len() >= FORGIVEN_BYTES_MIN && distance_at_most(word, known, 1)
}

#[cfg(test)]
mod tests {
    use super::{super::LEXICON, *};

    #[test]
    fn every_name_is_plain_and_found_as_by_a_look_at_each() {
        let names = &LEXICON.names.names;
        assert!(names.len() > 50 && names.iter().flat_map(|(_, name)| name).all(|word| word.is_ascii()));
        // each long word with a letter changed, put in and left out at every place
        for (_, name) in names {
            let first = name.first().unwrap();
            let mut texts = vec![(*first).to_owned()];
            for at in 0..first.len() {
                let (before, after) = first.split_at(at);
                let rest = &after[1..];
                texts.extend([
                    format!("{before}{rest}"),
                    format!("{before}#{rest}"),
                    format!("{before}\u{e4}{after}"),
                ]);
            }
            for text in texts {
                let text =
                    [text.as_str()].into_iter().chain(name.iter().skip(1).copied()).collect::<Vec<_>>();
                let slow = names.iter().filter(|(_, known)| {
                    text.windows(known.len()).any(|w| w.iter().zip(known).all(|(a, b)| is_near(a, b)))
                });
                let slow: Vec<_> = slow.map(|(paper, name)| (*paper, name.as_slice())).collect();
                let found: Vec<_> = LEXICON.names.find(&text).collect();
                assert_eq!(found, slow, "{text:?}");
            }
        }
    }
}
