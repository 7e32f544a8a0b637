//! Which parts are the body and which are files; `format=flowed` (RFC 3676); what is wrapped in TNEF, a signature or text.
//!
//! The body is made of segments, each with a plain and an HTML form; a mail that shows text, a file, and more text has two.
//! Plain text is preferred, unless it is empty or only says that the program cannot show HTML.
//! The body of a TNEF stream and the summary of an invitation are shown if there is no other text.
//! Does not: split quotes (see [`quote`]) nor make names harmless (see [`super::attachment`]).

use super::{
    attachment::{self, File},
    calendar, charset, cms, enclosure, html,
    mime::{self, Part, Shape, Tree},
    quote::{self, Line},
    tnef, transfer,
};
use crate::model::finding::{Finding, Severity};
use std::borrow::Cow;

/// Characters of a body part beyond this are left to the raw message.
pub(super) const BODY_CHARS_MAX: usize = 2_000_000;
/// Signatures within signatures beyond this number are kept as files.
pub(super) const WRAPPERS_MAX: usize = 4;
/// Files within text, TNEF and signatures beyond this number are left where they are.
pub(super) const INNER_FILES_MAX: usize = 1_000;

/// Body and files of a message.
pub(super) struct Body {
    /// Lines of the whole body.
    pub(super) lines: Vec<Line>,
    /// The HTML form, if any segment has one.
    pub(super) html: Option<String>,
    /// Files in the order of the message.
    pub(super) files: Vec<File>,
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
    let Contents { mut segments, mut files, stand_ins, findings } = contents(tree, raw, 0);
    let mut lines = lines_of(&segments);
    if lines.iter().all(|line| line.text.trim().is_empty()) {
        for segment in stand_ins {
            let other = segment.lines();
            if other.iter().any(|line| !line.text.trim().is_empty()) {
                (segments, lines) = (vec![segment], other);
                break;
            }
        }
    }
    files.sort_by_key(|file| file.part);
    Body { lines, html: join_html(&segments), files, findings }
}

fn lines_of(segments: &[Segment]) -> Vec<Line> {
    let mut lines = Vec::new();
    for segment in segments {
        if !lines.is_empty() {
            lines.push(Line { text: String::new(), mark: quote::Mark::Plain });
        }
        lines.extend(segment.lines());
    }
    lines
}

/// What a MIME tree holds.
#[derive(Default)]
struct Contents {
    segments: Vec<Segment>,
    files: Vec<File>,
    /// Shown if there is no other text.
    stand_ins: Vec<Segment>,
    findings: Vec<Finding>,
}

/// Sorts the parts of a tree that lies within so many wrappers.
fn contents(tree: &Tree, raw: &[u8], wrappers: usize) -> Contents {
    let mut children: Vec<Vec<usize>> = vec![Vec::new(); tree.parts.len()];
    for (index, part) in tree.parts.iter().enumerate() {
        if let Some(list) = part.parent.and_then(|p| children.get_mut(p)) {
            list.push(index);
        }
    }
    let mut sorter = Sorter { tree, raw, children: &children, wrappers, found: Contents::default() };
    let segments = sorter.segments(0, false);
    Contents { segments, ..sorter.found }
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
    wrappers: usize,
    found: Contents,
}

impl Sorter<'_> {
    /// The segments below a part; the depth is bounded by [`super::mime::DEPTH_MAX`].
    fn segments(&mut self, index: usize, in_related: bool) -> Vec<Segment> {
        let Some(part) = self.tree.parts.get(index) else { return Vec::new() };
        if part.shape == Shape::Leaf {
            return match self.leaf(index, part, in_related) {
                Some(segment) => vec![segment],
                None => self.file(File::of_part(index, part, self.raw, in_related)),
            };
        }
        if part.content_type.value == "multipart/encrypted" {
            self.note_encrypted();
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
    fn leaf(&mut self, index: usize, part: &Part, in_related: bool) -> Option<Segment> {
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
        let bytes = if is_html { bytes } else { self.without_enclosures(index, bytes) };
        let mut label = part.content_type.get("charset").map(str::to_owned);
        if label.is_none() && is_html {
            label = charset::declared_in_html(&bytes);
        }
        let decoded = charset::decode(label.as_deref(), &bytes);
        if decoded.doubtful {
            let label = label.unwrap_or_else(|| "none".to_owned());
            let message = format!(
                "The text does not fit its declared charset ({label}); some characters may be wrong."
            );
            self.note("charset_doubtful", Severity::Note, &message);
        }
        let text = self.tidy(decoded.text);
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
        let message = format!(
            "The body is longer than {BODY_CHARS_MAX} characters; the rest is only in the raw message."
        );
        self.note("body_too_long", Severity::Check, &message);
        text.get(..end).unwrap_or_default().to_owned()
    }

    /// Adds a finding unless it is there already.
    fn note(&mut self, code: &str, severity: Severity, message: &str) {
        if !self.found.findings.iter().any(|f| f.code == code) {
            self.found.findings.push(Finding::new(code, severity, message));
        }
    }

    fn note_encrypted(&mut self) {
        self.note(
            "encrypted_content",
            Severity::Check,
            "Content of this message is encrypted and cannot be read here. Open the attachment with a program that \
             has the key, or ask the sender to send it unencrypted.",
        );
    }

    fn note_damaged(&mut self, code: &str, what: &str) {
        let message = format!(
            "{what} is damaged or incomplete. What could be read is shown; ask the sender to send it again."
        );
        self.note(code, Severity::Check, &message);
    }

    /// How many more files may be taken out of others.
    fn room(&self) -> usize {
        INNER_FILES_MAX.saturating_sub(self.found.files.iter().filter(|file| file.inner).count())
    }

    /// Whether so many files may be taken out of another; if not, that is kept whole.
    fn has_room(&mut self, count: usize) -> bool {
        let fits = count <= self.room();
        if !fits {
            let message = format!(
                "The message holds more than {INNER_FILES_MAX} files within others; some were not taken out."
            );
            self.note("too_many_inner_files", Severity::Check, &message);
        }
        fits
    }

    /// Text without the files and the armour that stand in it.
    fn without_enclosures<'b>(&mut self, index: usize, bytes: Cow<'b, [u8]>) -> Cow<'b, [u8]> {
        let Some(split) = enclosure::take_out(&bytes, self.room()) else { return bytes };
        for enclosed in split.files {
            if enclosed.broken {
                self.note_damaged("enclosed_file_damaged", "A file within the text");
            }
            let name = charset::decode_header(&enclosed.name);
            let media_type = match enclosed.media_type {
                enclosure::OCTETS => attachment::type_of_name(&name),
                known => known,
            };
            let stand_in = self.file(File {
                part: index,
                inner: true,
                media_type: media_type.to_owned(),
                name: Some(name),
                bytes: enclosed.bytes,
                ..File::default()
            });
            self.found.stand_ins.extend(stand_in);
        }
        Cow::Owned(split.text)
    }

    /// Keeps a file, or opens what only wraps content; the segments are those of the content.
    fn file(&mut self, file: File) -> Vec<Segment> {
        if tnef::is_tnef(&file.bytes) {
            self.open_tnef(file);
            return Vec::new();
        }
        match file.media_type.as_str() {
            "application/pkcs7-mime" | "application/x-pkcs7-mime" => return self.open_cms(file),
            "application/octet-stream" if has_extension(&file, "p7m") => return self.open_cms(file),
            "application/pgp-encrypted" | "application/pgp" => self.note_encrypted(),
            "text/calendar" => self.found.stand_ins.extend(invitation(&file)),
            "message/partial" => self.note(
                "partial_message",
                Severity::Check,
                "The message is one piece of a larger one that was split on its way; it cannot be read alone. \
                 Ask the sender to send it in one piece.",
            ),
            "message/external-body" => self.note(
                "external_body",
                Severity::Check,
                "An attachment is not in the message, but only a reference to where it lies. Ask the sender to attach it.",
            ),
            _ => {}
        }
        self.found.files.push(file);
        Vec::new()
    }

    /// The files of a TNEF stream become files of the message; its body stands in for a missing one.
    fn open_tnef(&mut self, stream: File) {
        let opened = tnef::open(&stream.bytes);
        let part = stream.part;
        if !self.has_room(opened.files.len()) {
            self.found.files.push(stream);
            return;
        }
        if opened.broken {
            self.note_damaged("tnef_damaged", "An Outlook attachment (winmail.dat)");
            self.found.files.push(stream);
        }
        for file in opened.files {
            let named = file.name.as_deref().map_or("application/octet-stream", attachment::type_of_name);
            self.found.files.push(File {
                part,
                inner: true,
                media_type: file.media_type.unwrap_or_else(|| named.to_owned()),
                name: file.name,
                content_id: file.content_id,
                related: file.in_body,
                bytes: file.bytes,
            });
        }
        let (plain, html) = (opened.plain.map(|t| self.tidy(t)), opened.html.map(|t| self.tidy(t)));
        self.found.stand_ins.push(Segment { plain, html });
    }

    /// The entity within a signature is part of the message; what is encrypted stays a file.
    fn open_cms(&mut self, file: File) -> Vec<Segment> {
        let signed = match cms::read(&file.bytes) {
            Some(cms::Cms::Signed(content, whole)) if self.wrappers < WRAPPERS_MAX => Some((content, whole)),
            Some(cms::Cms::Encrypted) => {
                self.note_encrypted();
                None
            }
            _ => None,
        };
        let Some((content, whole)) = signed else {
            self.found.files.push(file);
            return Vec::new();
        };
        let part = file.part;
        let tree = mime::split(&content);
        let mut inner = contents(&tree, &content, self.wrappers + 1);
        if !self.has_room(inner.files.len()) {
            self.found.files.push(file);
            return Vec::new();
        }
        if !whole {
            self.note_damaged("signed_content_damaged", "The signed content");
            self.found.files.push(file);
        }
        inner.files.sort_by_key(|file| file.part);
        self.found.files.extend(inner.files.into_iter().map(|file| File { part, inner: true, ..file }));
        self.found.stand_ins.extend(inner.stand_ins);
        for finding in tree.findings.into_iter().chain(inner.findings) {
            self.note(&finding.code, finding.severity, &finding.message);
        }
        inner.segments
    }

    /// Within the limit, with plain line ends.
    fn tidy(&mut self, text: String) -> String {
        self.limited(text).replace("\r\n", "\n").replace('\r', "\n").replace('\0', "")
    }
}

fn has_extension(file: &File, extension: &str) -> bool {
    let found = file.name.as_deref().and_then(|name| name.rsplit_once('.'));
    found.is_some_and(|(_, e)| e.eq_ignore_ascii_case(extension))
}

fn invitation(file: &File) -> Option<Segment> {
    let text = calendar::summary(&charset::decode(None, &file.bytes).text)?;
    Some(Segment { plain: Some(text), html: None })
}

fn join_plain(segments: &[Segment]) -> Option<String> {
    let pieces: Vec<&str> = segments.iter().filter_map(|s| s.plain.as_deref()).collect();
    (!pieces.is_empty()).then(|| pieces.join("\n\n"))
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
