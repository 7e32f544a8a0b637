//! Known names looked for in a document.

use crate::{
    extract::layout::{Layout, Segment, Word},
    validate::account::fold,
};
use std::collections::HashSet;

/// The segments of a document, folded once, so that many names can be looked for.
pub(super) struct Searched<'a> {
    pub(super) segments: Vec<(&'a Segment, Vec<String>)>,
    /// Every folded word.
    pub(super) words: HashSet<String>,
}

impl<'a> Searched<'a> {
    pub(super) fn new(layout: &'a Layout) -> Self {
        let segments: Vec<(&Segment, Vec<String>)> = layout
            .rows
            .iter()
            .flat_map(|r| &r.segments)
            .map(|s| (s, s.words.iter().map(|w| fold(&w.text)).collect()))
            .collect();
        let words =
            segments.iter().flat_map(|(_, words)| words).flat_map(|w| w.split(' ')).map(str::to_owned);
        Self { words: words.collect(), segments }
    }

    /// The places of a name. One of its words must stand there without a fault.
    pub(super) fn find(&self, name: &str) -> Vec<Vec<Word>> {
        let wanted: Vec<String> = fold(name).split(' ').map(str::to_owned).collect();
        if !wanted.iter().any(|w| self.words.contains(w)) {
            return Vec::new();
        }
        self.segments.iter().filter_map(|(segment, have)| name_in(segment, have, &wanted)).collect()
    }
}

/// The words of a segment that say this name.
fn name_in(segment: &Segment, have: &[String], wanted: &[String]) -> Option<Vec<Word>> {
    let compact: String = wanted.concat();
    for start in 0..have.len() {
        let mut text = String::new();
        for end in start..have.len().min(start + wanted.len() + 2) {
            text.push_str(&have.get(end)?.replace(' ', ""));
            if text.len() > compact.len() + 2 {
                break;
            }
            let close = text == compact
                || (compact.len() >= 10
                    && text.len() + 1 >= compact.len()
                    && crate::extract::label::distance_at_most(&text, &compact, 1));
            if close {
                return segment.words.get(start..=end).map(<[Word]>::to_vec);
            }
        }
    }
    None
}
