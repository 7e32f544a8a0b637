//! The piece of a text that shows why it was found, with the places to highlight.
//!
//! Does not: hold markup. [`Snippet::to_html`] escapes; whoever shows it elsewhere uses [`Snippet::parts`].

use super::{
    query::Condition,
    schema::PAGE_END,
    tokenizer::{self, Codes, code_form, query_words},
};
use serde::Serialize;
use std::{collections::BTreeSet, ops::Range};

/// Characters of a snippet, about.
const SNIPPET_CHARS: usize = 220;

/// Characters before the first match that are shown with it.
const LEAD_CHARS: usize = 50;

/// Most bytes of a stored text that are looked through for a snippet.
const SCAN_BYTES_MAX: usize = 256 * 1024;

/// Most matches in one text that are looked at.
const MATCHES_MAX: usize = 2000;

/// A piece of text with the places that matched.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Snippet {
    /// On one line; `…` where it was cut.
    pub text: String,
    /// Bytes of `text` to highlight: in order, apart from one another, on character boundaries.
    pub highlights: Vec<Range<usize>>,
}

impl Snippet {
    /// The text in its order, and whether each piece is highlighted.
    pub fn parts(&self) -> impl Iterator<Item = (&str, bool)> {
        let bounds = self.highlights.iter().flat_map(|range| [(range.start, false), (range.end, true)]);
        let mut from = 0;
        bounds.chain([(self.text.len(), false)]).filter_map(move |(to, highlighted)| {
            let part = self.text.get(from..to).unwrap_or_default();
            from = to;
            (!part.is_empty()).then_some((part, highlighted))
        })
    }

    /// Escaped HTML with `<mark>` around what matched.
    pub fn to_html(&self) -> String {
        let mut html = String::with_capacity(self.text.len() + 32);
        for (part, highlighted) in self.parts() {
            html.push_str(if highlighted { "<mark>" } else { "" });
            for c in part.chars() {
                match c {
                    '&' => html.push_str("&amp;"),
                    '<' => html.push_str("&lt;"),
                    '>' => html.push_str("&gt;"),
                    '"' => html.push_str("&quot;"),
                    '\'' => html.push_str("&#39;"),
                    c => html.push(c),
                }
            }
            html.push_str(if highlighted { "</mark>" } else { "" });
        }
        html
    }
}

/// What to highlight for a query.
#[derive(Clone, Debug, Default)]
pub(super) struct Highlighter {
    words: BTreeSet<String>,
    prefixes: Vec<String>,
    codes: Vec<String>,
}

impl Highlighter {
    /// Everything that the condition asks to be there.
    pub(super) fn new(condition: &Condition) -> Self {
        let mut highlighter = Self::default();
        highlighter.collect(condition);
        highlighter
    }

    fn collect(&mut self, condition: &Condition) {
        match condition {
            Condition::All(parts) | Condition::Any(parts) => parts.iter().for_each(|part| self.collect(part)),
            Condition::Words(words) => {
                for word in words {
                    self.add(word);
                }
                let joined: String = words.iter().map(|word| code_form(word)).collect();
                if words.len() > 1 && joined.chars().any(char::is_numeric) {
                    self.codes.push(joined);
                }
            }
            Condition::Phrase(text) | Condition::In(_, text) => self.add(text),
            Condition::Prefix(stem) => self.prefixes.extend(query_words(stem).into_iter().flatten()),
            Condition::Everything
            | Condition::Not(_)
            | Condition::Dates(..)
            | Condition::Amount(..)
            | Condition::Has(_)
            | Condition::Is(_)
            | Condition::Kind(_)
            | Condition::Language(_)
            | Condition::Ticket(_)
            | Condition::Queue(_) => {}
            Condition::Code(_, code, _) => self.codes.push(code.clone()),
        }
    }

    fn add(&mut self, text: &str) {
        let places = query_words(text);
        if let [only] = places.as_slice() {
            let single = only.iter().filter(|word| word.chars().count() == 1);
            self.prefixes.extend(single.filter(|word| word.chars().all(tokenizer::is_cjk)).cloned());
        }
        self.words.extend(places.into_iter().flatten());
        let code = code_form(text);
        if code.chars().count() >= tokenizer::CODE_GROUP_CHARS && code.chars().any(char::is_numeric) {
            self.codes.push(code);
        }
    }

    fn is_empty(&self) -> bool {
        self.words.is_empty() && self.prefixes.is_empty() && self.codes.is_empty()
    }

    /// The places in a text that match, in order and apart from one another.
    fn matches(&self, text: &str) -> Vec<Range<usize>> {
        if self.is_empty() {
            return Vec::new();
        }
        let is_match = |word: &str| {
            self.words.contains(word) || self.prefixes.iter().any(|prefix| word.starts_with(prefix.as_str()))
        };
        let words =
            tokenizer::words(text).filter(|t| is_match(&t.text)).map(|t| t.start..t.end).take(MATCHES_MAX);
        let mut found: Vec<Range<usize>> = words.collect();
        if !self.codes.is_empty() {
            let is_code = |code: &str| self.codes.iter().any(|searched| code.contains(searched.as_str()));
            let codes = Codes::new(text).filter(|c| is_code(&c.text)).map(|c| c.start..c.end);
            found.extend(codes.take(MATCHES_MAX));
        }
        found.sort_by_key(|range| (range.start, range.end));
        let mut apart: Vec<Range<usize>> = Vec::with_capacity(found.len());
        for range in found {
            match apart.last_mut() {
                Some(last) if range.start < last.end => last.end = last.end.max(range.end),
                _ => apart.push(range),
            }
        }
        apart
    }

    /// The whole text on one line, highlighted, if it is short; else the piece with the most different matches.
    pub(super) fn snippet(&self, text: &str) -> Snippet {
        let text = text.get(..text.floor_char_boundary(SCAN_BYTES_MAX)).unwrap_or_default();
        let matches = self.matches(text);
        let start = best_start(text, &matches);
        cut(text, start, &matches)
    }

    /// The page that [`Highlighter::snippet`] shows of a file's text, from 1.
    pub(super) fn page(&self, text: &str) -> usize {
        let text = text.get(..text.floor_char_boundary(SCAN_BYTES_MAX)).unwrap_or_default();
        let matches = self.matches(text);
        let start = best_start(text, &matches);
        let shown = matches.iter().find(|m| m.start >= start).map_or(0, |m| m.start);
        1 + text.get(..shown).unwrap_or_default().matches(PAGE_END).count()
    }

    /// How many places of the text match; for choosing between texts.
    pub(super) fn count(&self, text: &str) -> usize {
        let text = text.get(..text.floor_char_boundary(SCAN_BYTES_MAX)).unwrap_or_default();
        self.matches(text).len()
    }
}

/// Where to begin so that the piece shows the most different matched words.
fn best_start(text: &str, matches: &[Range<usize>]) -> usize {
    let different = |from: usize| {
        let shown = matches.iter().filter(|m| m.start >= from && m.end <= from + SNIPPET_CHARS);
        let words: BTreeSet<String> =
            shown.filter_map(|m| text.get(m.clone())).map(tokenizer::fold).collect();
        words.len()
    };
    let mut best = (0, 0);
    for found in matches.iter().take(100) {
        let count = different(found.start);
        if count > best.0 {
            best = (count, found.start);
        }
    }
    let (_, first) = best;
    let before = text.get(..first).unwrap_or_default();
    let lead = before.char_indices().rev().take(LEAD_CHARS).last().map_or(0, |(at, _)| at);
    if lead == 0 {
        return 0;
    }
    // From the beginning of a word.
    let word = text.get(lead..first).and_then(|t| t.find(char::is_whitespace)).map_or(0, |blank| blank + 1);
    lead + word
}

/// About [`SNIPPET_CHARS`] characters from a place on, blanks drawn together.
fn cut(text: &str, start: usize, matches: &[Range<usize>]) -> Snippet {
    let mut snippet = Snippet::default();
    if start > 0 {
        snippet.text.push_str("… ");
    }
    let mut matches = matches.iter().filter(|m| m.start >= start).peekable();
    let mut open: Option<usize> = None;
    let (mut chars, mut blank) = (0, true);
    let mut whole = true;
    for (at, c) in text.char_indices().skip_while(|(at, _)| *at < start) {
        if let Some(from) = open
            && matches.peek().is_some_and(|m| m.end <= at)
        {
            matches.next();
            open = None;
            snippet.highlights.push(from..snippet.text.len());
        }
        if chars >= SNIPPET_CHARS && open.is_none() && c.is_whitespace() || chars >= SNIPPET_CHARS * 2 {
            whole = false;
            break;
        }
        if open.is_none() && matches.peek().is_some_and(|m| m.start <= at) {
            open = Some(snippet.text.len());
        }
        if c.is_whitespace() || c.is_control() {
            if !blank {
                snippet.text.push(' ');
                chars += 1;
            }
            blank = true;
            continue;
        }
        blank = false;
        snippet.text.push(c);
        chars += 1;
    }
    if let Some(from) = open {
        snippet.highlights.push(from..snippet.text.len());
    }
    snippet.highlights.retain(|range| !range.is_empty());
    if !whole && !snippet.text.is_empty() {
        snippet.text.push_str(" …");
    }
    snippet
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::search::query::parse;

    fn highlighter(query: &str) -> Highlighter {
        Highlighter::new(
            &parse(query, &jiff::Timestamp::UNIX_EPOCH.to_zoned(jiff::tz::TimeZone::UTC)).unwrap().condition,
        )
    }

    fn marked(query: &str, text: &str) -> String {
        let snippet = highlighter(query).snippet(text);
        snippet.parts().map(|(part, on)| if on { format!("[{part}]") } else { part.to_owned() }).collect()
    }

    #[test]
    fn what_matched_is_highlighted() {
        for (query, text, expected) in [
            ("pump", "Two PUMPS, one Pump.", "Two PUMPS, one [Pump]."),
            ("pump*", "Two PUMPS, one Pump.", "Two [PUMPS], one [Pump]."),
            ("fu", "x Fü\n\n  y", "x [Fü] y"),
            ("1025", "part HEX1025-B here", "part [HEX1025-B] here"),
            ("HEX 1025", "part HEX-1025 here", "part [HEX-1025] here"),
            ("4500123456", "PO 4500 123 456.", "PO [4500 123 456]."),
            ("東京", "住所は東京都です", "住所は[東京]都です"),
            ("🚚", "sent 🚚 today", "sent [🚚] today"),
            ("-pump valve", "pump valve", "pump [valve]"),
            ("", "plain text", "plain text"),
            ("from:erik", "Erik S <erik@x.se>", "[Erik] S <[erik]@x.se>"),
        ] {
            assert_eq!(marked(query, text), expected, "{query}");
        }
    }

    #[test]
    fn long_texts_are_cut_around_the_matches() {
        let text = "lorem ipsum ".repeat(100) + "the special pump and its valve " + &"dolor sit ".repeat(100);
        let snippet = marked("pump valve", &text);
        assert!(snippet.starts_with("… ") && snippet.ends_with(" …"), "{snippet}");
        assert!(snippet.contains("special [pump] and its [valve]"), "{snippet}");
        assert!(snippet.chars().count() < SNIPPET_CHARS + 60);
    }

    #[test]
    fn the_page_is_that_of_the_snippet() {
        let text = "one pump\u{c}two\u{c}three pump valve\u{c}";
        for (query, page) in [("pump", 1), ("two", 2), ("valve", 3), ("none", 1)] {
            assert_eq!(highlighter(query).page(text), page, "{query}");
        }
    }

    #[test]
    fn markup_in_mail_stays_text() {
        let snippet = highlighter("b").snippet("a <b onclick='x'>&\"");
        assert_eq!(snippet.to_html(), "a &lt;<mark>b</mark> onclick=&#39;x&#39;&gt;&amp;&quot;");
    }
}
