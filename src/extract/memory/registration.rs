//! How a page lies on another of the same layout: found by the words that both have.

use crate::extract::{
    label::{fold_word, label_at},
    layout::{Layout, Word},
};
use crate::model::page::Rect;
use serde::{Deserialize, Serialize};
use std::collections::HashMap;

/// Words that a lesson keeps at most.
const FIXED_MAX: usize = 240;
/// Words without which a layout is not told from another.
pub(super) const FIXED_MIN: usize = 6;
/// Words of one page that are compared at most.
const WORDS_MAX: usize = 4_000;
/// Share of the page's width by which a word may stand off its place.
const OFF_X: f32 = 0.025;
/// Words near a height by which the page's shift there is judged.
const NEAR: usize = 5;
/// How much more a word counts that labels values.
const LABEL_WEIGHT: f32 = 4.0;
/// Pairs of words by which the width is compared at most.
const PAIRS_MAX: usize = 60;

/// A word that belongs to the layout, in points from the left and the top of the first page.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Fixed {
    /// In lower case, without accents.
    #[serde(rename = "t")]
    pub text: String,
    /// Left edge.
    pub x: f32,
    /// Top edge.
    pub y: f32,
}

/// The words of the first page that hold letters alone and lie in no value.
pub(super) fn fixed_words(layout: &Layout, values: &[(u32, Rect)]) -> Vec<Fixed> {
    let first = layout.rows.first().map_or(1, |r| r.page);
    let free =
        |w: &&Word| !values.iter().any(|(page, rect)| *page == w.page && *rect == w.rect) && is_word(&w.text);
    words_of(layout, first)
        .filter(free)
        .take(FIXED_MAX)
        .map(|w| Fixed { text: fold_word(&w.text), x: tenth(w.x0), y: tenth(w.y0) })
        .collect()
}

fn tenth(points: f32) -> f32 {
    (points * 10.0).round() / 10.0
}

/// Two letters or more, no digit: what a form has printed on it.
pub(super) fn is_word(text: &str) -> bool {
    text.chars().filter(|c| c.is_alphabetic()).count() >= 2 && !text.chars().any(|c| c.is_ascii_digit())
}

fn words_of(layout: &Layout, page: u32) -> impl Iterator<Item = &Word> {
    layout.rows.iter().filter(move |r| r.page == page).flat_map(|r| &r.segments).flat_map(|s| &s.words)
}

/// Where each word of the first page stands.
pub(super) fn index(layout: &Layout) -> HashMap<String, Vec<(f32, f32)>> {
    let first = layout.rows.first().map_or(1, |r| r.page);
    let mut index: HashMap<String, Vec<(f32, f32)>> = HashMap::new();
    for word in words_of(layout, first).filter(|w| is_word(&w.text)).take(WORDS_MAX) {
        index.entry(fold_word(&word.text)).or_default().push((word.x0, word.y0));
    }
    index
}

/// Where what stood at a place of the lesson's page stands on the page at hand, both in points.
#[derive(Clone, Debug)]
pub(super) struct Registration {
    /// Share of the lesson's words that stand in their places: 0 to 1.
    pub(super) alike: f32,
    scale: f32,
    shift: f32,
    /// Heights of the lesson's page with what is to be added there, from top to bottom.
    drops: Vec<(f32, f32)>,
}

impl Registration {
    /// A page on itself.
    pub(super) fn identity() -> Self {
        Self { alike: 1.0, scale: 1.0, shift: 0.0, drops: Vec::new() }
    }

    /// Lays a page on a lesson's; none if they have too few words together.
    pub(super) fn of(
        fixed: &[Fixed],
        words: &HashMap<String, Vec<(f32, f32)>>,
        layout: &Layout,
    ) -> Option<Self> {
        let mut count: HashMap<&str, usize> = HashMap::new();
        for word in fixed {
            *count.entry(word.text.as_str()).or_default() += 1;
        }
        let places = |word: &Fixed| words.get(&word.text).map_or(&[][..], Vec::as_slice);
        // words that stand once on either page say how the pages lie
        let once: Vec<(&Fixed, (f32, f32))> = fixed
            .iter()
            .filter(|word| count.get(word.text.as_str()) == Some(&1))
            .filter_map(|word| match places(word) {
                [place] => Some((word, *place)),
                _ => None,
            })
            .collect();
        if once.len() < FIXED_MIN / 2 {
            return None;
        }
        let mut slopes = Vec::new();
        for (at, (a, pa)) in once.iter().take(PAIRS_MAX).enumerate() {
            for (b, pb) in once.iter().take(PAIRS_MAX).skip(at + 1) {
                if (b.x - a.x).abs() > 0.2 * layout.width {
                    slopes.push((pb.0 - pa.0) / (b.x - a.x));
                }
            }
        }
        let scale =
            Some(median(&mut slopes)).filter(|_| slopes.len() >= 10).filter(|s| (0.8..1.25).contains(s));
        let scale = scale.unwrap_or(1.0);
        let mut shifts: Vec<f32> = once.iter().map(|(word, place)| place.0 - scale * word.x).collect();
        let shift = median(&mut shifts);
        let off = OFF_X * layout.width.max(1.0);
        let mut drops: Vec<(f32, f32)> = once
            .iter()
            .filter(|(word, place)| (place.0 - scale * word.x - shift).abs() <= off)
            .map(|(word, place)| (word.y, place.1 - word.y))
            .collect();
        drops.sort_by(|a, b| a.0.total_cmp(&b.0));
        let mut found = Self { alike: 0.0, scale, shift, drops };
        let mut hits = 0.0;
        let mut all = 0.0;
        for word in fixed {
            let label = label_at(std::iter::once(word.text.as_str())).is_some();
            let weight = word.text.chars().count().min(8) as f32 * if label { LABEL_WEIGHT } else { 1.0 };
            all += weight;
            let x = found.x(word.x);
            let y = found.y(word.y);
            let at = places(word).iter().filter(|p| (p.0 - x).abs() <= off);
            let down = at.map(|p| (p.1 - y).abs()).fold(f32::MAX, f32::min);
            if down <= off {
                hits += weight;
            } else if down < f32::MAX {
                hits += 0.4 * weight;
            }
        }
        found.alike = hits / f32::max(all, 1.0);
        Some(found)
    }

    /// A place from the left.
    pub(super) fn x(&self, x: f32) -> f32 {
        self.scale * x + self.shift
    }

    /// A place from the top: moved as the words near it are.
    pub(super) fn y(&self, y: f32) -> f32 {
        let at = self.drops.partition_point(|(height, _)| *height < y);
        let from = at.saturating_sub(NEAR);
        let mut near: Vec<(f32, f32)> = self
            .drops
            .iter()
            .skip(from)
            .take(2 * NEAR)
            .map(|(height, drop)| ((height - y).abs(), *drop))
            .collect();
        near.sort_by(|a, b| a.0.total_cmp(&b.0));
        let mut drops: Vec<f32> = near.into_iter().take(NEAR).map(|(_, drop)| drop).collect();
        y + median(&mut drops)
    }
}

fn median(values: &mut [f32]) -> f32 {
    values.sort_by(f32::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(0.0)
}
