//! Chances of characters, step by step, into words.
//!
//! The likeliest output of each step, repetitions and the output that means nothing left out: connectionist temporal
//! classification. The chance of a blank is often spread over several steps, none of them likely, and is found by
//! their sum; networks miss blanks between tightly set words far more often than they see one inside of a word, so
//! that what they think of it is raised, and more so where the ink has a gap that is wide for its line. A word is as
//! sure as its least sure character, the blanks beside it included.

use std::ops::Range;

/// How many times likelier a blank is than a network says, by its odds, and where the gap is wide. Chosen on the lines
/// of 13 scans: of 79 blanks that Tesseract saw and the network did not, 11 are left; 67 are new, some inside of a word.
const BLANK_ODDS: f32 = 9.0;
const BLANK_ODDS_IN_GAP: f32 = 99.0;
/// A gap is wide from so many times the width of the usual one of its line, and from so many steps.
const WIDE_GAP: f32 = 2.5;
const WIDE_GAP_STEPS: f32 = 2.0;
/// The least chance that is told: logarithms stay finite.
const LEAST: f32 = 1e-6;

/// A word of a line.
#[derive(Clone, Debug, PartialEq)]
pub(in crate::reader) struct Spoken {
    pub(in crate::reader) text: String,
    /// Where it begins and ends, in pixels of the picture.
    pub(in crate::reader) start: f32,
    pub(in crate::reader) end: f32,
    /// The chance of its least sure character.
    pub(in crate::reader) chance: f32,
}

/// A character of the likeliest path and the steps that it is read at.
#[derive(Clone, Copy, Debug)]
struct Glyph {
    output: usize,
    start: usize,
    end: usize,
    /// As far as it is known.
    chance: f32,
}

/// Chances of one line.
pub(super) struct Chances<'a> {
    /// Step after step, that of each output.
    pub(super) rows: &'a [f32],
    /// What the outputs stand for.
    pub(super) texts: &'a [String],
    /// The output that means nothing.
    pub(super) nothing: usize,
    /// Where no ink stands between letters, in steps, from left to right.
    pub(super) gaps: &'a [Range<f32>],
}

impl Chances<'_> {
    /// The words, with places in steps.
    pub(super) fn words(&self) -> Vec<Spoken> {
        let glyphs = self.judge(self.find_blanks(self.find_likeliest()));
        let text = |glyph: &Glyph| self.texts.get(glyph.output).map_or("", String::as_str);
        let is_blank = |glyph: &&Glyph| text(glyph).trim().is_empty();
        let mut words: Vec<Spoken> = Vec::new();
        let mut before: Option<Glyph> = None;
        for (number, glyph) in glyphs.iter().enumerate() {
            let after = glyphs.get(number + 1);
            let start =
                before.map_or(glyph.start as f32, |b| f32::midpoint(b.end as f32, glyph.start as f32));
            let end = after.map_or(glyph.end as f32, |a| f32::midpoint(glyph.end as f32, a.start as f32));
            let blanks = before.as_ref().into_iter().chain(after).filter(|g| is_blank(g));
            let chance = blanks.map(|g| g.chance).fold(glyph.chance, f32::min);
            match words.last_mut().filter(|_| before.is_some_and(|b| !is_blank(&&b))) {
                _ if is_blank(&glyph) => {}
                Some(word) => {
                    word.text.push_str(text(glyph));
                    word.end = end;
                    word.chance = word.chance.min(chance);
                }
                None => words.push(Spoken { text: text(glyph).to_owned(), start, end, chance }),
            }
            before = Some(*glyph);
        }
        words
    }

    fn steps(&self) -> impl DoubleEndedIterator<Item = &[f32]> + ExactSizeIterator {
        self.rows.chunks_exact(self.texts.len().max(1))
    }

    fn at(&self, step: usize, output: usize) -> f32 {
        self.rows.get(step * self.texts.len() + output).copied().unwrap_or(0.0)
    }

    /// The likeliest output of each step, without repetitions.
    fn find_likeliest(&self) -> Vec<Glyph> {
        let mut glyphs: Vec<Glyph> = Vec::new();
        let mut before = self.nothing;
        for (step, row) in self.steps().enumerate() {
            let best = row.iter().enumerate().max_by(|a, b| a.1.total_cmp(b.1));
            let output = best.map_or(self.nothing, |(output, _)| output);
            match glyphs.last_mut().filter(|_| output == before) {
                _ if output == self.nothing => {}
                Some(glyph) => glyph.end = step + 1,
                None => glyphs.push(Glyph { output, start: step, end: step + 1, chance: 0.0 }),
            }
            before = output;
        }
        glyphs
    }

    /// Adds blanks that are likely to stand somewhere between two characters, though likely at no step of their own.
    fn find_blanks(&self, glyphs: Vec<Glyph>) -> Vec<Glyph> {
        let Some(blank) = self.texts.iter().position(|text| text == " ") else { return glyphs };
        let wide = self.wide_gaps();
        let mut all: Vec<Glyph> = Vec::with_capacity(glyphs.len());
        for glyph in glyphs {
            let before = all.last().filter(|before| before.output != blank && glyph.output != blank);
            let between = before.map_or(0..0, |before| before.end..glyph.start);
            let absent = |step: usize| {
                let (own, nothing) = (self.at(step, blank), self.at(step, self.nothing).max(LEAST));
                nothing / (nothing + own)
            };
            let in_gap = before.is_some_and(|before| has_middle(&wide, before.start..glyph.end));
            let raise = if in_gap { BLANK_ODDS_IN_GAP } else { BLANK_ODDS };
            let missing: f32 = between.clone().map(absent).product();
            let chance = raise * (1.0 - missing) / (raise * (1.0 - missing) + missing);
            if chance > 0.5
                && let Some(step) = between.min_by(|a, b| absent(*a).total_cmp(&absent(*b)))
            {
                all.push(Glyph { output: blank, start: step, end: step + 1, chance });
            }
            all.push(glyph);
        }
        all
    }

    /// The gaps that are wide for this line.
    fn wide_gaps(&self) -> Vec<Range<f32>> {
        let width = |gap: &Range<f32>| gap.end - gap.start;
        let mut widths: Vec<f32> = self.gaps.iter().map(width).collect();
        widths.sort_by(f32::total_cmp);
        let usual = widths.get(widths.len() / 2).copied().unwrap_or_default();
        let is_wide = |gap: &&Range<f32>| width(gap) >= (usual * WIDE_GAP).max(WIDE_GAP_STEPS);
        self.gaps.iter().filter(is_wide).cloned().collect()
    }

    /// How sure each character is: that it stands there at all, and that nothing else does up to the next one.
    fn judge(&self, mut glyphs: Vec<Glyph>) -> Vec<Glyph> {
        let steps = self.steps().len();
        let neighbours: Vec<(usize, usize, usize)> = (0..glyphs.len())
            .map(|number| {
                let before = number.checked_sub(1).and_then(|b| glyphs.get(b)).map_or(0, |b| b.end);
                let after = glyphs.get(number + 1).map_or((steps, self.nothing), |a| (a.start, a.output));
                (before, after.0, after.1)
            })
            .collect();
        for (glyph, (from, to, next)) in glyphs.iter_mut().zip(neighbours) {
            let absent: f32 = (from..to).map(|step| 1.0 - self.at(step, glyph.output)).product();
            let with_next = |step| if next == self.nothing { 0.0 } else { self.at(step, next) };
            let own = |step| self.at(step, glyph.output) + self.at(step, self.nothing) + with_next(step);
            let there = (1.0 - absent).max(glyph.chance);
            glyph.chance = (glyph.start..to).map(own).fold(there, f32::min).clamp(LEAST, 1.0);
        }
        glyphs
    }
}

/// Whether the middle of a gap is in a range of steps.
fn has_middle(gaps: &[Range<f32>], steps: Range<usize>) -> bool {
    let middle = |gap: &Range<f32>| f32::midpoint(gap.start, gap.end);
    let first = gaps.partition_point(|gap| middle(gap) < steps.start as f32);
    gaps.get(first).is_some_and(|gap| middle(gap) < steps.end as f32)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Outputs: blank, a, b, nothing.
    fn check(what: &str, rows: &[[f32; 4]], gaps: &[Range<f32>], expected: &[(&str, f32)]) {
        let texts = [" ", "a", "b", ""].map(str::to_owned);
        let chances = Chances { rows: rows.as_flattened(), texts: &texts, nothing: 3, gaps };
        let words = chances.words();
        let found: Vec<(&str, f32)> =
            words.iter().map(|w| (w.text.as_str(), (w.chance * 100.0).round() / 100.0)).collect();
        assert_eq!(found, expected, "{what}");
    }

    #[test]
    fn steps_become_words() {
        let (a, b) = ([0.0, 1.0, 0.0, 0.0], [0.0, 0.0, 1.0, 0.0]);
        let (blank, nothing) = ([1.0, 0.0, 0.0, 0.0], [0.0, 0.0, 0.0, 1.0]);
        let (maybe_blank, hardly) = ([0.4, 0.0, 0.0, 0.6], [0.05, 0.0, 0.0, 0.95]);
        check("nothing", &[nothing, nothing], &[], &[]);
        check("a repetition", &[a, a, nothing, b], &[], &[("ab", 1.0)]);
        check("a letter twice", &[a, nothing, a], &[], &[("aa", 1.0)]);
        check("two words", &[a, blank, b], &[], &[("a", 1.0), ("b", 1.0)]);
        check("a blank here or there", &[a, maybe_blank, maybe_blank, b], &[], &[("a", 0.94), ("b", 0.94)]);
        check("a blank that is all but seen", &[a, maybe_blank, b], &[], &[("a", 0.86), ("b", 0.86)]);
        check("hardly a blank", &[a, hardly, b], &[], &[("ab", 0.95)]);
        let (usual, wide) = ([1.0..1.5, 5.0..5.5, 6.0..6.5], [0.5..2.5, 5.0..5.5, 6.0..6.5]);
        check("hardly a blank in a gap", &[a, hardly, b], &usual, &[("ab", 0.95)]);
        check("hardly a blank in a wide gap", &[a, hardly, b], &wide, &[("a", 0.84), ("b", 0.84)]);
        check("a or b", &[[0.0, 0.7, 0.3, 0.0], nothing], &[], &[("a", 0.7)]);
    }
}
