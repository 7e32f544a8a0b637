//! Which parts are the body and which are files; `format=flowed` (RFC 3676).
//!
//! The body is made of segments, each with a plain and an HTML form; a mail that shows text, a file, and more text has two.
//! Plain text is preferred, unless it is empty or only says that the program cannot show HTML.
//! Does not: split quotes (see [`quote`]) nor name files (see [`attachment`](super::attachment)).

use super::{
    charset, html,
    mime::{Part, Shape, Tree},
    quote::{self, Line},
    transfer,
};
use crate::model::finding::{Finding, Severity};

/// Characters of a body part beyond this are left to the raw message.
pub(super) const BODY_CHARS_MAX: usize = 2_000_000;

/// Body and files of a message.
#[derive(Default)]
pub(super) struct Body {
    /// Lines of the whole body.
    pub(super) lines: Vec<Line>,
    /// The HTML form, if any segment has one.
    pub(super) html: Option<String>,
    /// Parts that are files, in order.
    pub(super) files: Vec<usize>,
    /// Doubtful charsets, cut text.
    pub(super) findings: Vec<Finding>,
}

/// One stretch of the body.
#[derive(Default)]
struct Segment {
    plain: Option<String>,
    html: Option<String>,
}

/// Sorts the parts.
pub(super) fn assemble(tree: &Tree, raw: &[u8]) -> Body {
    let mut children: Vec<Vec<usize>> = vec![Vec::new(); tree.parts.len()];
    for (index, part) in tree.parts.iter().enumerate() {
        if let Some(list) = part.parent.and_then(|p| children.get_mut(p)) {
            list.push(index);
        }
    }
    let mut sorter = Sorter { tree, raw, children: &children, body: Body::default() };
    let segments = sorter.segments(0, false);
    let mut body = sorter.body;
    body.files.sort_unstable();
    body.html = join_html(&segments);
    for segment in &segments {
        if !body.lines.is_empty() {
            body.lines.push(Line { text: String::new(), mark: quote::Mark::Plain });
        }
        body.lines.extend(segment.lines());
    }
    body
}

impl Segment {
    fn lines(&self) -> Vec<Line> {
        match (&self.plain, &self.html) {
            (Some(plain), Some(html)) if is_placeholder(plain) => html::to_lines(html),
            (Some(plain), _) => quote::lines_of(plain),
            (None, Some(html)) => html::to_lines(html),
            (None, None) => Vec::new(),
        }
    }
}

/// Plain text that only stands in for the HTML form.
fn is_placeholder(plain: &str) -> bool {
    const WORDS: &[&str] = &[
        "html",
        "view this email in",
        "view this message",
        "your browser",
        "im browser",
        "webbläsare",
        "navigateur",
        "e-mail client",
        "email client",
        "mail client",
        "e-postprogram",
        "messagerie",
    ];
    let text = plain.trim();
    if text.is_empty() {
        return true;
    }
    let lower = text.to_lowercase();
    let looks_like_html = lower.starts_with("<!doctype") || lower.starts_with("<html");
    looks_like_html
        || (text.chars().count() <= 300
            && WORDS.iter().any(|w| lower.contains(w))
            && text.lines().count() <= 6)
}

fn join_html(segments: &[Segment]) -> Option<String> {
    if segments.iter().all(|s| s.html.is_none()) {
        return None;
    }
    let pieces: Vec<String> = segments
        .iter()
        .filter_map(|segment| match (&segment.html, &segment.plain) {
            (Some(html), _) => Some(html.clone()),
            (None, Some(plain)) => Some(format!("<pre>{}</pre>", escape(plain))),
            (None, None) => None,
        })
        .collect();
    Some(pieces.join("\n<hr>\n"))
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

struct Sorter<'a> {
    tree: &'a Tree,
    raw: &'a [u8],
    children: &'a [Vec<usize>],
    body: Body,
}

impl Sorter<'_> {
    /// The segments below a part; the depth is bounded by [`super::mime::DEPTH_MAX`].
    fn segments(&mut self, index: usize, in_related: bool) -> Vec<Segment> {
        let Some(part) = self.tree.parts.get(index) else { return Vec::new() };
        if part.shape == Shape::Leaf {
            return if let Some(segment) = self.leaf(part, in_related) {
                vec![segment]
            } else {
                self.body.files.push(index);
                Vec::new()
            };
        }
        let children = self.children.get(index).cloned().unwrap_or_default();
        match part.content_type.value.as_str() {
            "multipart/alternative" => self.alternative(&children),
            "multipart/related" => {
                let mut segments = Vec::new();
                for (at, child) in children.into_iter().enumerate() {
                    segments.extend(self.segments(child, at > 0));
                }
                segments
            }
            _ => children.into_iter().flat_map(|child| self.segments(child, false)).collect(),
        }
    }

    /// One segment with the best plain and the best HTML form.
    fn alternative(&mut self, children: &[usize]) -> Vec<Segment> {
        let mut merged = Segment::default();
        for child in children {
            let segments = self.segments(*child, false);
            if segments.is_empty() {
                continue;
            }
            if segments.iter().any(|s| s.html.is_some()) {
                merged.html = join_html(&segments);
                if merged.plain.is_none() && segments.iter().all(|s| s.plain.is_some()) {
                    merged.plain = join_plain(&segments);
                }
            } else if merged.plain.as_deref().is_none_or(|p| p.trim().is_empty()) {
                merged.plain = join_plain(&segments);
            }
        }
        if merged.plain.is_none() && merged.html.is_none() { Vec::new() } else { vec![merged] }
    }

    /// The text of a leaf that belongs to the body; none if it is a file.
    fn leaf(&mut self, part: &Part, in_related: bool) -> Option<Segment> {
        let kind = part.content_type.value.as_str();
        let is_html = matches!(kind, "text/html" | "application/xhtml+xml");
        let is_plain = matches!(kind, "text/plain" | "text/enriched" | "text/richtext" | "text/markdown");
        let declared_file = part.disposition.value == "attachment";
        let named = part.disposition.get("filename").is_some() || part.content_type.get("name").is_some();
        let alone = part.parent.is_none();
        if !(is_html || is_plain) || (declared_file && !(alone && !named)) || (named && !alone) || in_related
        {
            return None;
        }
        let encoding = super::field::find(&part.fields, "Content-Transfer-Encoding").unwrap_or_default();
        let bytes = transfer::decode(encoding, self.raw.get(part.body.clone()).unwrap_or_default());
        let mut label = part.content_type.get("charset").map(str::to_owned);
        if label.is_none() && is_html {
            label = declared_in_html(&bytes);
        }
        let decoded = charset::decode(label.as_deref(), &bytes);
        if decoded.doubtful && !self.body.findings.iter().any(|f| f.code == "charset_doubtful") {
            let label = label.unwrap_or_else(|| "none".to_owned());
            let message = format!(
                "The text does not fit its declared charset ({label}); some characters may be wrong."
            );
            self.body.findings.push(Finding::new("charset_doubtful", Severity::Note, message));
        }
        let text = self.limited(decoded.text).replace("\r\n", "\n").replace('\r', "\n").replace('\0', "");
        if is_html {
            return Some(Segment { plain: None, html: Some(text) });
        }
        let flowed = part.content_type.get("format").is_some_and(|f| f.eq_ignore_ascii_case("flowed"));
        let delete_space = part.content_type.get("delsp").is_some_and(|d| d.eq_ignore_ascii_case("yes"));
        let text = if flowed { unflow(&text, delete_space) } else { text };
        Some(Segment { plain: Some(text), html: None })
    }

    fn limited(&mut self, text: String) -> String {
        let Some((end, _)) = text.char_indices().nth(BODY_CHARS_MAX) else { return text };
        if !self.body.findings.iter().any(|f| f.code == "body_too_long") {
            let message = format!(
                "The body is longer than {BODY_CHARS_MAX} characters; the rest is only in the raw message."
            );
            self.body.findings.push(Finding::new("body_too_long", Severity::Check, message));
        }
        text.get(..end).unwrap_or_default().to_owned()
    }
}

fn join_plain(segments: &[Segment]) -> Option<String> {
    let pieces: Vec<&str> = segments.iter().filter_map(|s| s.plain.as_deref()).collect();
    (!pieces.is_empty()).then(|| pieces.join("\n\n"))
}

/// `<meta charset=…>` within the first bytes.
fn declared_in_html(bytes: &[u8]) -> Option<String> {
    let head = String::from_utf8_lossy(bytes.get(..2_048).unwrap_or(bytes)).to_ascii_lowercase();
    let after = head.split("charset=").nth(1)?;
    let label: String = after
        .trim_start_matches(['"', '\''])
        .chars()
        .take_while(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_'))
        .collect();
    (!label.is_empty()).then_some(label)
}

/// Joins lines that were only broken for the journey.
fn unflow(text: &str, delete_space: bool) -> String {
    let mut out = String::with_capacity(text.len());
    let mut open: Option<usize> = None;
    for line in text.lines() {
        let depth = line.bytes().take_while(|b| *b == b'>').count();
        let content = line.get(depth..).unwrap_or_default();
        let content = content.strip_prefix(' ').unwrap_or(content);
        let is_delimiter = content == "-- ";
        if open != Some(depth) || is_delimiter {
            if open.is_some() {
                out.push('\n');
            }
            out.push_str(&">".repeat(depth));
            if depth > 0 && !content.is_empty() {
                out.push(' ');
            }
        }
        let soft = content.ends_with(' ') && !is_delimiter;
        let kept = if soft && delete_space { content.strip_suffix(' ').unwrap_or(content) } else { content };
        out.push_str(kept);
        open = soft.then_some(depth);
        if !soft {
            out.push('\n');
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn flowed_lines_are_joined() {
        for (text, delete_space, expected) in [
            ("a \nb\nc\n", false, "a b\nc\n"),
            ("> a \n> b\n>> c \n> d\n", false, "> a b\n>> c \n> d\n"),
            (" From x\n", false, "From x\n"),
            ("a \n-- \nname\n", false, "a \n-- \nname\n"),
            ("a \nb\n", true, "ab\n"),
            ("", false, ""),
        ] {
            assert_eq!(unflow(text, delete_space), expected, "{text:?}");
        }
    }
}
