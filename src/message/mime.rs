//! Raw bytes into MIME parts (RFC 2045, 2046), in one pass over the lines.
//!
//! Why not the parser of `mail-parser`: it finds a boundary anywhere in a line and by its prefix, and scans the rest of
//! the message again for each boundary that is missing. Here a boundary is a whole line, attachments keep their exact
//! bytes, and the time is linear in the size whatever the bytes are.
//!
//! Does not: open nested messages. `message/rfc822` is one part with its bytes as they are.
//! Limits: [`PARTS_MAX`], [`DEPTH_MAX`], [`HEADER_BYTES_MAX`]; each becomes a finding.

use super::field::{self, Field, Parameters};
use crate::model::finding::{Finding, Severity};
use std::ops::Range;

/// Parts beyond this number are not opened: the last one takes the rest of the message.
pub(super) const PARTS_MAX: usize = 1_000;
/// Multiparts nested deeper are kept as one file.
pub(super) const DEPTH_MAX: usize = 32;
/// Header bytes of one part beyond this are dropped.
pub(super) const HEADER_BYTES_MAX: usize = 512 * 1024;

/// What a part is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Shape {
    /// Holds parts.
    Multipart,
    /// Holds bytes.
    Leaf,
}

/// One node of the MIME tree.
#[derive(Clone, Debug)]
pub(super) struct Part {
    /// Index of the multipart around it.
    pub(super) parent: Option<usize>,
    /// What it is.
    pub(super) shape: Shape,
    /// Header fields.
    pub(super) fields: Vec<Field>,
    /// `Content-Type`; `text/plain` if there is none.
    pub(super) content_type: Parameters,
    /// `Content-Disposition`.
    pub(super) disposition: Parameters,
    /// The body's place in the raw bytes, still transfer-encoded.
    pub(super) body: Range<usize>,
}

/// The parts of a message in its order; the first is the message itself.
pub(super) struct Tree {
    /// At least one.
    pub(super) parts: Vec<Part>,
    /// Limits that were hit, and breaks in the structure.
    pub(super) findings: Vec<Finding>,
}

/// Splits a message.
pub(super) fn split(raw: &[u8]) -> Tree {
    let tree = Walk::new(raw, None).run();
    let hollow = |tree: &Tree| {
        tree.parts.first().is_some_and(|p| p.shape == Shape::Multipart) && tree.parts.len() == 1
    };
    if !hollow(&tree) {
        return tree;
    }
    // The declared boundary never comes: take the one that is there, else show the body as text.
    let guess = tree.parts.first().and_then(|p| raw.get(p.body.clone())).and_then(guess_boundary);
    let mut second = match guess {
        Some(boundary) => Walk::new(raw, Some(boundary)).run(),
        None => tree,
    };
    if hollow(&second)
        && let Some(part) = second.parts.first_mut()
    {
        part.shape = Shape::Leaf;
        part.content_type = Parameters { value: "text/plain".to_owned(), all: Vec::new() };
    }
    second.findings.push(Finding::new(
        "mime_boundary_missing",
        Severity::Note,
        "The boundary that the message announces does not occur in it; its parts were told apart by their look.",
    ));
    second
}

/// The fields of a message's own header, as [`split`] finds them; the body is not looked at.
pub(super) fn header(raw: &[u8]) -> Vec<Field> {
    let mut walk = Walk::new(raw, None);
    walk.go_on_while(|walk| walk.at == At::Fields);
    walk.parts.into_iter().next().map(|part| part.fields).unwrap_or_default()
}

/// The first line that looks like a boundary: it starts with two hyphens and a content field follows.
fn guess_boundary(body: &[u8]) -> Option<Vec<u8>> {
    let mut lines = body.split(|b| *b == b'\n').peekable();
    while let Some(line) = lines.next() {
        let Some(rest) = line.strip_prefix(b"--") else { continue };
        let boundary = rest.trim_ascii_end();
        let follows = lines.peek().is_some_and(|next| {
            next.get(..8).is_some_and(|start| start.eq_ignore_ascii_case(b"content-"))
                && field::name_end(next).is_some()
        });
        if !boundary.is_empty() && follows {
            return Some(boundary.to_vec());
        }
    }
    None
}

/// A multipart whose closing boundary has not come yet.
struct Open {
    part: usize,
    boundary: Vec<u8>,
}

/// Where the walk stands.
#[derive(Clone, Copy, PartialEq, Eq)]
enum At {
    /// In the fields of the last part.
    Fields,
    /// In the body of the last part, a leaf.
    Body,
    /// Before the first or behind the last boundary of a multipart.
    Between,
}

struct Walk<'a> {
    raw: &'a [u8],
    /// Boundary of the outermost multipart instead of the declared one.
    forced: Option<Vec<u8>>,
    parts: Vec<Part>,
    open: Vec<Open>,
    at: At,
    header_bytes: usize,
    findings: Vec<Finding>,
}

impl<'a> Walk<'a> {
    fn new(raw: &'a [u8], forced: Option<Vec<u8>>) -> Self {
        Self {
            raw,
            forced,
            parts: Vec::new(),
            open: Vec::new(),
            at: At::Fields,
            header_bytes: 0,
            findings: Vec::new(),
        }
    }

    fn run(mut self) -> Tree {
        let end = self.go_on_while(|_| true);
        self.finish(end)
    }

    /// Takes line by line from the beginning, while there is a next one that is wanted; where it stopped.
    fn go_on_while(&mut self, wanted: impl Fn(&Self) -> bool) -> usize {
        self.start_part(0);
        let mut offset = self.skip_envelope();
        let mut lines =
            self.raw.get(offset..).unwrap_or_default().split_inclusive(|b| *b == b'\n').peekable();
        while wanted(self)
            && let Some(line) = lines.next()
        {
            let start = offset;
            offset += line.len();
            if self.take_boundary(line, start, offset) {
                continue;
            }
            if self.at == At::Fields {
                self.take_field_line(line, start, offset, lines.peek().copied().unwrap_or_default());
            }
        }
        offset
    }

    /// Blank lines and an mbox separator before the first field.
    fn skip_envelope(&self) -> usize {
        let mut offset = 0;
        for line in self.raw.split_inclusive(|b| *b == b'\n') {
            let envelope = line.starts_with(b"From ") || line.starts_with(b">From ");
            if !line.trim_ascii().is_empty() && !(envelope && offset == 0) {
                break;
            }
            offset += line.len();
        }
        // Nothing but white space: leave it to the body.
        if offset == self.raw.len() && !self.raw.starts_with(b"From ") { 0 } else { offset }
    }

    fn start_part(&mut self, body_start: usize) {
        let parent = self.open.last().map(|o| o.part);
        self.parts.push(Part {
            parent,
            shape: Shape::Leaf,
            fields: Vec::new(),
            content_type: Parameters::default(),
            disposition: Parameters::default(),
            body: body_start..body_start,
        });
        self.header_bytes = 0;
        self.at = At::Fields;
    }

    /// Handles a line that is a boundary of an open multipart.
    fn take_boundary(&mut self, line: &[u8], start: usize, end: usize) -> bool {
        let Some(rest) = line.strip_prefix(b"--") else { return false };
        let rest = rest.trim_ascii_end();
        let matched = self.open.iter().rposition(|open| {
            rest.strip_prefix(open.boundary.as_slice()).is_some_and(|tail| tail.is_empty() || tail == b"--")
        });
        let Some(level) = matched else { return false };
        let closing = self.open.get(level).is_some_and(|o| rest.len() > o.boundary.len());
        self.close_body(start);
        if closing {
            self.open.truncate(level);
            self.at = At::Between;
        } else if self.parts.len() >= PARTS_MAX {
            self.note_once(
                "too_many_parts",
                format!("The message has more than {PARTS_MAX} parts; the others were not opened."),
            );
            self.open.clear();
            self.at = At::Between;
        } else {
            self.open.truncate(level + 1);
            self.start_part(end);
        }
        true
    }

    /// Ends the body of the last part before the line break that belongs to the boundary.
    fn close_body(&mut self, boundary_start: usize) {
        if self.at == At::Fields {
            self.end_fields(boundary_start);
        }
        if self.at != At::Body {
            return;
        }
        let before = self.raw.get(..boundary_start).unwrap_or_default();
        let before = before.strip_suffix(b"\n").unwrap_or(before);
        let before = before.strip_suffix(b"\r").unwrap_or(before);
        if let Some(part) = self.parts.last_mut() {
            part.body.end = before.len().max(part.body.start);
        }
    }

    fn take_field_line(&mut self, line: &[u8], start: usize, end: usize, next: &[u8]) {
        let text = line.trim_ascii_end();
        // A line of blanks within a folded field does not end the header (obs-FWS, RFC 5322 §4.2).
        let is_blank_fold = is_continuation(line) && is_continuation(next) && !next.trim_ascii().is_empty();
        if text.is_empty() && !is_blank_fold {
            self.end_fields(end);
            return;
        }
        self.header_bytes += line.len();
        let fits = self.header_bytes <= HEADER_BYTES_MAX;
        if !fits {
            self.note_once(
                "header_too_long",
                format!("The header is longer than {HEADER_BYTES_MAX} bytes; the rest was dropped."),
            );
        }
        let Some(part) = self.parts.last_mut() else { return };
        if is_continuation(line) {
            if let (true, Some(last)) = (fits, part.fields.last_mut()) {
                last.extend(line);
            }
        } else if let Some(field) = Field::start(line) {
            if fits && part.fields.len() < field::FIELDS_MAX {
                part.fields.push(field);
            }
        } else if !is_field_line(next) || part.fields.is_empty() {
            // The empty line before the body is missing.
            self.end_fields(start);
        }
    }

    /// The header is complete: decides what the part is.
    fn end_fields(&mut self, body_start: usize) {
        let in_digest = self
            .parts
            .last()
            .and_then(|p| p.parent)
            .and_then(|p| self.parts.get(p))
            .is_some_and(|p| p.content_type.value == "multipart/digest");
        let index = self.parts.len().saturating_sub(1);
        let forced = if index == 0 { self.forced.take() } else { None };
        let Some(part) = self.parts.last_mut() else { return };
        part.body = body_start..self.raw.len();
        part.content_type = Parameters::parse(field::find(&part.fields, "Content-Type").unwrap_or_default());
        part.disposition =
            Parameters::parse(field::find(&part.fields, "Content-Disposition").unwrap_or_default());
        if part.content_type.value.is_empty() || !part.content_type.value.contains('/') {
            let default = if in_digest { "message/rfc822" } else { default_type(&part.content_type.value) };
            default.clone_into(&mut part.content_type.value);
        }
        self.at = At::Body;
        if !part.content_type.value.starts_with("multipart/") {
            return;
        }
        let declared = part.content_type.get("boundary").map(|b| b.trim_end().as_bytes().to_vec());
        if self.open.len() >= DEPTH_MAX {
            self.note_once(
                "too_deeply_nested",
                format!(
                    "The message nests more than {DEPTH_MAX} levels; the inner ones were kept as one file."
                ),
            );
            return;
        }
        part.shape = Shape::Multipart;
        self.at = At::Between;
        if let Some(boundary) = forced.or(declared).filter(|b| !b.is_empty()) {
            self.open.push(Open { part: index, boundary });
        }
    }

    fn note_once(&mut self, code: &str, message: String) {
        if !self.findings.iter().any(|f| f.code == code) {
            self.findings.push(Finding::new(code, Severity::Check, message));
        }
    }

    fn finish(mut self, end: usize) -> Tree {
        if self.at == At::Fields {
            self.end_fields(end);
        }
        // A part that nothing closes takes what is left; text loses no line break that way.
        if !self.open.is_empty() && self.parts.len() > 1 {
            self.findings.push(Finding::new(
                "message_truncated",
                Severity::Note,
                "The message ends before its last boundary: its end may be missing.",
            ));
        }
        self.rescue_hollow_parts();
        Tree { parts: self.parts, findings: self.findings }
    }

    /// An inner multipart in which no boundary came is text.
    fn rescue_hollow_parts(&mut self) {
        let mut has_child = vec![false; self.parts.len()];
        for part in &self.parts {
            if let Some(flag) = part.parent.and_then(|p| has_child.get_mut(p)) {
                *flag = true;
            }
        }
        let starts: Vec<usize> = self.parts.iter().map(|p| p.body.start).collect();
        for (index, part) in self.parts.iter_mut().enumerate().skip(1) {
            if part.shape == Shape::Multipart && !has_child.get(index).copied().unwrap_or(true) {
                part.shape = Shape::Leaf;
                "text/plain".clone_into(&mut part.content_type.value);
                // Its end was not noted while it was thought to hold parts: the next part's header is close enough.
                let next = starts.get(index + 1).copied().unwrap_or(self.raw.len());
                part.body.end = part.body.end.min(next).max(part.body.start);
            }
        }
    }
}

fn is_field_line(line: &[u8]) -> bool {
    field::name_end(line).is_some() || is_continuation(line)
}

fn is_continuation(line: &[u8]) -> bool {
    line.starts_with(b" ") || line.starts_with(b"\t")
}

/// A broken `Content-Type` such as `text` or `html`.
fn default_type(value: &str) -> &'static str {
    match value {
        "" | "text" | "plain" => "text/plain",
        "html" => "text/html",
        _ => "application/octet-stream",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_header_ends_at_the_first_empty_line() {
        for (raw, expected) in [
            ("A: 1\nB: 2\n\nC: 3\n", "A=1 B=2"),
            ("A: 1\n \n\t2\nB: 2\n\nbody", "A=1 \t2 B=2"),
            ("A: 1\n \nB: no field\n", "A=1"),
            ("A: 1\n\t\n\n", "A=1"),
            ("A: 1\nno field\nnor this\n", "A=1"),
        ] {
            let tree = split(raw.as_bytes());
            let fields = tree.parts[0].fields.iter().map(|f| format!("{}={}", f.name, f.value));
            assert_eq!(fields.collect::<Vec<_>>().join(" "), expected, "{raw:?}");
        }
    }
}
