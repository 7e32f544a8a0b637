//! HTML into tags and stretches of text, without a tree.

/// A stretch of HTML.
#[derive(Debug)]
pub enum Piece<'a> {
    /// Text as written; [`decode_entities`] makes it readable.
    Text(&'a str),
    /// A start or end tag.
    Tag(Tag),
}

/// HTML in its order, without comments, scripts and styles. Total: what is no markup is text.
pub fn pieces(html: &str) -> impl Iterator<Item = Piece<'_>> {
    let mut rest = html;
    let mut hopeless: Vec<&'static str> = Vec::new();
    let mut waiting = None;
    std::iter::from_fn(move || {
        loop {
            if let Some(piece) = waiting.take() {
                return Some(piece);
            }
            let Some((text, after)) = rest.split_once('<') else {
                let last = std::mem::take(&mut rest);
                return (!last.is_empty()).then_some(Piece::Text(last));
            };
            (waiting, rest) = match read_markup(after, &mut hopeless) {
                Markup::Tag(tag, tail) => (Some(Piece::Tag(tag)), tail),
                Markup::Nothing(tail) => (None, tail),
                Markup::Text => (Some(Piece::Text("<")), after),
            };
            if !text.is_empty() {
                return Some(Piece::Text(text));
            }
        }
    })
}

/// A start or end tag.
#[derive(Debug)]
pub struct Tag {
    /// In lower case.
    pub name: String,
    /// Whether it ends an element.
    pub closing: bool,
    /// Attributes as written.
    written: String,
    /// The same in lower case.
    attributes: String,
}

impl Tag {
    /// The value of an attribute in lower case; empty without.
    pub fn attribute(&self, name: &str) -> &str {
        self.place(name).and_then(|place| self.attributes.get(place)).unwrap_or_default()
    }

    /// The value of an attribute as written; empty without.
    pub fn written(&self, name: &str) -> &str {
        self.place(name).and_then(|place| self.written.get(place)).unwrap_or_default()
    }

    /// Whether a word stands among the attributes: `checked`, `selected`.
    pub fn has(&self, name: &str) -> bool {
        let end = |c: char| c.is_whitespace() || c == '=' || c == '/';
        self.attributes.split_whitespace().any(|word| word.split(end).next() == Some(name))
    }

    /// Whether the element ends with its own tag: `<br/>`.
    pub fn is_closed(&self) -> bool {
        self.attributes.trim_end().ends_with('/')
    }

    /// Whether the element and all inside is not shown.
    pub fn is_hidden(&self) -> bool {
        let style = self.attribute("style");
        style.contains("display:none") || style.contains("display: none") || self.has("hidden")
    }

    fn place(&self, name: &str) -> Option<std::ops::Range<usize>> {
        let all = self.attributes.as_str();
        let mut rest = all;
        while let Some((before, after)) = rest.split_once(name) {
            let starts_word =
                before.chars().next_back().is_none_or(|c| c.is_whitespace() || c == '"' || c == '\'');
            let value = after.trim_start().strip_prefix('=').map(str::trim_start);
            if let (true, Some(value)) = (starts_word, value) {
                let (value, found) = match value.chars().next() {
                    Some(quote @ ('"' | '\'')) => {
                        let value = value.trim_start_matches(quote);
                        (value, value.split(quote).next().unwrap_or_default())
                    }
                    _ => (value, value.split(char::is_whitespace).next().unwrap_or_default()),
                };
                let start = all.len() - value.len();
                return Some(start..start + found.len());
            }
            rest = after;
        }
        None
    }
}

enum Markup<'a> {
    Tag(Tag, &'a str),
    Nothing(&'a str),
    Text,
}

/// Longest start tag that is looked at; a longer one is skipped without its attributes.
const TAG_CHARS_MAX: usize = 8_192;

/// Elements whose content is not text.
const RAW_ELEMENTS: &[(&str, &str)] = &[
    ("script", "</script"),
    ("style", "</style"),
    ("title", "</title"),
    ("template", "</template"),
    ("svg", "</svg"),
];

/// Reads what follows a `<`. `hopeless` holds the ends that do not occur in the rest, so that nobody searches twice.
fn read_markup<'a>(after: &'a str, hopeless: &mut Vec<&'static str>) -> Markup<'a> {
    if after.starts_with("!--") {
        return match find_end(after, "-->", hopeless) {
            Some(tail) => Markup::Nothing(tail),
            None => Markup::Nothing(after.split_once('>').map_or("", |(_, tail)| tail)),
        };
    }
    let first = after.chars().next();
    if matches!(first, Some('!' | '?')) {
        return Markup::Nothing(after.split_once('>').map_or("", |(_, tail)| tail));
    }
    let closing = first == Some('/');
    let body = if closing { after.strip_prefix('/').unwrap_or(after) } else { after };
    if !body.starts_with(|c: char| c.is_ascii_alphabetic()) {
        return Markup::Text;
    }
    let Some((inside, tail)) = split_tag(body) else { return Markup::Text };
    let end = inside.find(|c: char| c.is_whitespace() || c == '/').unwrap_or(inside.len());
    let (name, attributes) = inside.split_at_checked(end).unwrap_or((inside, ""));
    let written = if attributes.len() > TAG_CHARS_MAX { String::new() } else { attributes.to_owned() };
    let attributes = written.to_ascii_lowercase();
    let tag = Tag { name: name.to_ascii_lowercase(), closing, written, attributes };
    let raw_end = RAW_ELEMENTS.iter().find(|(name, _)| *name == tag.name && !closing).map(|(_, end)| *end);
    match raw_end.and_then(|end| find_end(tail, end, hopeless)) {
        Some(tail) => Markup::Nothing(tail.split_once('>').map_or("", |(_, tail)| tail)),
        None => Markup::Tag(tag, tail),
    }
}

/// Splits at the `>` that ends a tag; quotes may hold a `>`, but an unclosed quote does not swallow the mail.
fn split_tag(body: &str) -> Option<(&str, &str)> {
    let (mut quote, mut first_end) = (None, None);
    for (at, c) in body.char_indices().take(TAG_CHARS_MAX) {
        match (c, quote) {
            ('>', None) => {
                return body.split_at_checked(at).map(|(a, b)| (a, b.get(1..).unwrap_or_default()));
            }
            ('>', Some(_)) if first_end.is_none() => first_end = Some(at),
            ('"' | '\'', None) => quote = Some(c),
            (c, Some(q)) if c == q => quote = None,
            _ => {}
        }
    }
    let at = first_end?;
    body.split_at_checked(at).map(|(a, b)| (a, b.get(1..).unwrap_or_default()))
}

/// What follows the first occurrence of `end`, in any letter case.
fn find_end<'a>(text: &'a str, end: &'static str, hopeless: &mut Vec<&'static str>) -> Option<&'a str> {
    if hopeless.contains(&end) {
        return None;
    }
    let found = text.as_bytes().windows(end.len()).position(|w| w.eq_ignore_ascii_case(end.as_bytes()));
    if found.is_none() {
        hopeless.push(end);
    }
    text.get(found? + end.len()..)
}

/// Elements that have no end.
pub fn is_void(name: &str) -> bool {
    matches!(name, "br" | "hr" | "img" | "meta" | "link" | "input" | "col" | "wbr" | "base")
}

/// Text without entities.
pub fn decode_entities(text: &str) -> String {
    if !text.contains('&') {
        return text.to_owned();
    }
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('&') {
        out.push_str(before);
        let name: String =
            after.chars().take(32).take_while(|c| c.is_ascii_alphanumeric() || *c == '#').collect();
        let tail = after.get(name.len()..).unwrap_or_default();
        let ends = tail.starts_with(';');
        if let Some(c) = legacy_character(&name) {
            out.push(c);
            rest = if ends { tail.get(1..).unwrap_or_default() } else { tail };
        } else if ends && !name.is_empty() {
            mail_parser::decoders::html::add_html_token(&mut out, format!("&{name};").as_bytes(), false);
            rest = tail.get(1..).unwrap_or_default();
        } else {
            out.push('&');
            rest = after;
        }
    }
    out.push_str(rest);
    out
}

/// Entities that come without a semicolon, and numbers that mean Windows-1252.
fn legacy_character(name: &str) -> Option<char> {
    match name {
        "nbsp" => return Some('\u{a0}'),
        "amp" => return Some('&'),
        "lt" => return Some('<'),
        "gt" => return Some('>'),
        "quot" => return Some('"'),
        _ => {}
    }
    let number: u8 = name.strip_prefix('#')?.parse().ok()?;
    (0x80..=0x9f)
        .contains(&number)
        .then(|| encoding_rs::WINDOWS_1252.decode_without_bom_handling(&[number]).0.chars().next())?
}
