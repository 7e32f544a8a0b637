//! HTML bodies into text: lines in reading order, tables as aligned columns, quotes and signatures marked by their markup.
//!
//! One pass without a tree, so that the time is linear and no nesting is too deep. Link text is kept, addresses of links
//! are not. What is hidden from the reader (`display:none`, comments, scripts, styles) is left out.
//! Does not: make HTML safe to show; the pages do that with a sanitiser.
//! Limits: [`OPEN_MAX`], [`TABLE_DEPTH_MAX`], [`GRID_CHARS_MAX`].

use super::quote::{Line, Mark};

/// Open elements that are remembered; deeper ones count as text only.
const OPEN_MAX: usize = 512;
/// How far back a closing tag looks for its partner.
const CLOSE_REACH: usize = 64;
/// Tables nested deeper are rendered cell after cell.
const TABLE_DEPTH_MAX: usize = 24;
/// A table is aligned in columns only if that makes no more than this many characters.
const GRID_CHARS_MAX: usize = 400_000;
/// A cell wider than this makes a table one of layout, not of data.
const CELL_CHARS_MAX: usize = 70;

/// The text of an HTML body.
pub fn to_text(html: &str) -> String {
    let mut text = String::with_capacity(html.len() / 2);
    for line in to_lines(html) {
        text.push_str(&line.text);
        text.push('\n');
    }
    text.truncate(text.trim_end().len());
    text
}

/// The lines of an HTML body with what their markup says of them.
pub(super) fn to_lines(html: &str) -> Vec<Line> {
    let mut writer = Writer::default();
    for piece in pieces(html) {
        match piece {
            Piece::Text(text) => writer.text(text),
            Piece::Tag(tag) => writer.tag(&tag),
        }
    }
    writer.finish()
}

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

/// Ids in `cid:` references of an HTML body.
pub(super) fn content_ids(html: &str) -> Vec<String> {
    let stop = |c: char| c.is_whitespace() || matches!(c, '"' | '\'' | '>' | ')' | '<' | '&');
    html.split("cid:").skip(1).filter_map(|rest| rest.split(stop).next()).map(str::to_owned).collect()
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

/// An element that is open.
struct Open {
    name: String,
    hidden: bool,
    /// A paragraph without margins.
    tight: bool,
    mark: Mark,
}

#[derive(Default)]
struct Table {
    rows: Vec<Vec<Vec<Line>>>,
}

#[derive(Default)]
struct Writer {
    open: Vec<Open>,
    /// Lines of the document and of each open cell.
    buffers: Vec<Vec<Line>>,
    lines: Vec<Line>,
    tables: Vec<Table>,
    /// Whether the innermost table has an open cell.
    cells: Vec<bool>,
    current: String,
    /// A space is due before the next word.
    space: bool,
    /// Everything from here on is quoted.
    cut: bool,
    /// Numbers of open lists; none for bullets.
    lists: Vec<Option<u32>>,
}

impl Writer {
    fn hidden(&self) -> bool {
        self.open.iter().rev().take(CLOSE_REACH).any(|o| o.hidden)
    }

    fn preformatted(&self) -> bool {
        self.open.iter().rev().take(CLOSE_REACH).any(|o| o.name == "pre")
    }

    fn quote_depth(&self) -> usize {
        self.open.iter().filter(|o| o.name == "blockquote" && o.mark == Mark::Quoted).take(8).count()
    }

    fn mark(&self) -> Mark {
        if self.cut {
            return Mark::Cut;
        }
        let marks = || self.open.iter().rev().map(|o| o.mark);
        if marks().any(|m| m == Mark::Quoted) {
            Mark::Quoted
        } else if marks().any(|m| m == Mark::Signature) {
            Mark::Signature
        } else {
            Mark::Plain
        }
    }

    fn text(&mut self, text: &str) {
        if text.is_empty() || self.hidden() {
            return;
        }
        let text = decode_entities(text);
        if self.preformatted() {
            for (at, line) in text.split('\n').enumerate() {
                if at > 0 {
                    self.flush(true);
                }
                self.current.push_str(line.trim_end_matches('\r'));
            }
            return;
        }
        for c in text.chars() {
            match c {
                ' ' | '\t' | '\r' | '\n' | '\u{a0}' | '\u{2007}' | '\u{202f}' => self.space = true,
                // Soft hyphens, joiners and marks that only steer layout.
                '\u{ad}' | '\u{200b}' | '\u{200c}' | '\u{feff}' | '\u{34f}' | '\u{2060}' => {}
                c => {
                    if self.space && !self.current.is_empty() {
                        self.current.push(' ');
                    }
                    self.space = false;
                    self.current.push(c);
                }
            }
        }
    }

    /// Ends the line; an empty one only if it is `forced`.
    fn flush(&mut self, forced: bool) {
        self.space = false;
        if self.current.is_empty() && !forced {
            return;
        }
        let mark = self.mark();
        let depth = self.quote_depth();
        let text = std::mem::take(&mut self.current);
        let text = text.trim_end();
        let text = if depth > 0 {
            format!("{} {text}", ">".repeat(depth)).trim_end().to_owned()
        } else {
            text.to_owned()
        };
        self.sink().push(Line { text, mark });
    }

    fn sink(&mut self) -> &mut Vec<Line> {
        self.buffers.last_mut().unwrap_or(&mut self.lines)
    }

    /// An empty line, unless one stands there already.
    fn gap(&mut self) {
        self.flush(false);
        let depth = self.quote_depth();
        let mark = self.mark();
        let sink = self.sink();
        if sink.last().is_some_and(|l| !l.text.trim_start_matches('>').is_empty()) {
            sink.push(Line { text: ">".repeat(depth), mark });
        }
    }

    fn tag(&mut self, tag: &Tag) {
        match (tag.name.as_str(), tag.closing) {
            ("br", _) => self.flush(true),
            ("hr", _) => {
                self.flush(false);
                self.cut |= tag.attribute("id") == "stopspelling";
                let mark = self.mark();
                self.sink().push(Line { text: "-".repeat(20), mark });
            }
            ("p" | "h1" | "h2" | "h3" | "h4" | "h5" | "h6", _) => {
                // Outlook writes each line as a paragraph without margins.
                let tight = if tag.closing {
                    self.open
                        .iter()
                        .rev()
                        .take(CLOSE_REACH)
                        .find(|o| o.name == tag.name)
                        .is_some_and(|o| o.tight)
                } else {
                    tag.attribute("class").contains("msonormal")
                };
                if tight { self.flush(false) } else { self.gap() }
            }
            ("ul", closing) => self.list(closing, None),
            ("ol", closing) => self.list(closing, Some(0)),
            ("li", false) => self.item(),
            ("table", false) => self.open_table(),
            ("table", true) => self.close_table(),
            ("tr", _) => {
                self.close_cell();
                if let (false, Some(table)) = (tag.closing, self.tables.last_mut()) {
                    table.rows.push(Vec::new());
                }
            }
            ("td" | "th", closing) => {
                self.close_cell();
                if !closing {
                    self.open_cell();
                }
            }
            (
                "div" | "blockquote" | "li" | "dt" | "dd" | "dl" | "section" | "article" | "header"
                | "footer" | "center" | "address" | "form" | "pre" | "fieldset" | "option",
                _,
            ) => self.flush(false),
            _ => {}
        }
        self.track(tag);
    }

    fn list(&mut self, closing: bool, number: Option<u32>) {
        self.flush(false);
        if closing {
            self.lists.pop();
        } else if self.lists.len() < OPEN_MAX {
            self.lists.push(number);
        }
    }

    fn item(&mut self) {
        self.flush(false);
        let bullet = match self.lists.last_mut() {
            Some(Some(number)) => {
                *number += 1;
                format!("{number}. ")
            }
            _ => "- ".to_owned(),
        };
        if !self.hidden() {
            self.current.push_str(&bullet);
        }
    }

    /// Remembers an element that says something of its content.
    fn track(&mut self, tag: &Tag) {
        if is_void(&tag.name) {
            return;
        }
        if tag.closing {
            let reach = self.open.len().saturating_sub(CLOSE_REACH);
            if let Some(at) = self.open.iter().skip(reach).rposition(|o| o.name == tag.name) {
                self.flush_at_end_of_mark(reach + at);
                self.open.truncate(reach + at);
            }
            return;
        }
        if tag.attributes.trim_end().ends_with('/') || self.open.len() >= OPEN_MAX {
            return;
        }
        let mark = mark_of(tag);
        if mark != Mark::Plain {
            self.flush(false);
        }
        if mark == Mark::Cut {
            self.cut = true;
        }
        let hidden = tag.is_hidden();
        let tight = tag.attribute("class").contains("msonormal");
        self.open.push(Open { name: tag.name.clone(), hidden, tight, mark });
    }

    fn flush_at_end_of_mark(&mut self, from: usize) {
        if self.open.iter().skip(from).any(|o| o.mark != Mark::Plain) {
            self.flush(false);
        }
    }

    fn open_table(&mut self) {
        self.flush(false);
        if self.tables.len() < TABLE_DEPTH_MAX {
            self.tables.push(Table::default());
            self.cells.push(false);
        }
    }

    fn open_cell(&mut self) {
        self.flush(false);
        let Some(open) = self.cells.last_mut() else { return };
        *open = true;
        self.buffers.push(Vec::new());
    }

    fn close_cell(&mut self) {
        if !self.cells.last().copied().unwrap_or(false) {
            self.flush(false);
            return;
        }
        self.flush(false);
        if let Some(open) = self.cells.last_mut() {
            *open = false;
        }
        let cell = self.buffers.pop().unwrap_or_default();
        if let Some(table) = self.tables.last_mut() {
            if table.rows.is_empty() {
                table.rows.push(Vec::new());
            }
            if let Some(row) = table.rows.last_mut() {
                row.push(cell);
            }
        }
    }

    fn close_table(&mut self) {
        self.close_cell();
        self.cells.pop();
        if let Some(table) = self.tables.pop() {
            let lines = table.into_lines();
            self.sink().extend(lines);
        }
    }

    fn finish(mut self) -> Vec<Line> {
        self.flush(false);
        while !self.tables.is_empty() {
            self.close_table();
        }
        let mut lines = self.lines;
        lines.dedup_by(|b, a| a.text.is_empty() && b.text.is_empty());
        lines
    }
}

impl Table {
    fn into_lines(self) -> Vec<Line> {
        let single = |cell: &Vec<Line>| cell.iter().filter(|l| !l.text.trim().is_empty()).count() <= 1;
        let rows = || self.rows.iter();
        let wide = rows().flatten().flatten().any(|l| l.text.chars().count() > CELL_CHARS_MAX);
        let columns = rows().map(Vec::len).max().unwrap_or(0);
        let is_data = columns > 1 && rows().flatten().all(single) && !wide;
        if is_data {
            let lines = self.aligned(columns);
            if let Some(lines) = lines {
                return lines;
            }
        }
        let mut lines = Vec::new();
        for row in self.rows {
            let small =
                row.len() > 1 && row.iter().all(|c| c.len() <= 1 && c.iter().all(|l| l.text.len() <= 200));
            if small {
                let mark = row.iter().flatten().map(|l| l.mark).next().unwrap_or(Mark::Plain);
                let cells: Vec<&str> =
                    row.iter().flatten().map(|l| l.text.as_str()).filter(|t| !t.is_empty()).collect();
                if !cells.is_empty() {
                    lines.push(Line { text: cells.join("  "), mark });
                }
            } else {
                lines.extend(row.into_iter().flatten());
            }
        }
        lines
    }

    /// The rows with columns that stand below one another; none if that would be too large.
    fn aligned(&self, columns: usize) -> Option<Vec<Line>> {
        let text = |cell: &Vec<Line>| -> String {
            cell.iter().map(|l| l.text.trim()).find(|t| !t.is_empty()).unwrap_or_default().to_owned()
        };
        let mut widths = vec![0_usize; columns];
        for row in &self.rows {
            for (width, cell) in widths.iter_mut().zip(row) {
                *width = (*width).max(text(cell).chars().count());
            }
        }
        let line_chars: usize = widths.iter().map(|w| w + 2).sum();
        if line_chars.saturating_mul(self.rows.len()) > GRID_CHARS_MAX {
            return None;
        }
        let mut lines = Vec::with_capacity(self.rows.len());
        for row in &self.rows {
            let mark = row.iter().flatten().map(|l| l.mark).next().unwrap_or(Mark::Plain);
            let mut line = String::with_capacity(line_chars);
            for (width, cell) in widths.iter().zip(row) {
                let text = text(cell);
                let padding = width.saturating_sub(text.chars().count()) + 2;
                line.push_str(&text);
                line.extend(std::iter::repeat_n(' ', if *width == 0 { 0 } else { padding }));
            }
            let line = line.trim_end();
            if !line.is_empty() {
                lines.push(Line { text: line.to_owned(), mark });
            }
        }
        Some(lines)
    }
}

/// Quotes and signatures by the marks of mail programs.
fn mark_of(tag: &Tag) -> Mark {
    let id = tag.attribute("id");
    let class = tag.attribute("class");
    // Programs put prefixes before the names in what they quote: `x_divRplyFwdMsg`, `m_123gmail_signature`.
    let is = |value: &str, name: &str| {
        value.strip_suffix(name).is_some_and(|before| {
            before.is_empty() || before.ends_with(|c: char| c == '_' || c.is_ascii_digit())
        })
    };
    let names =
        |list: &[&str]| list.iter().any(|name| is(id, name) || class.split_whitespace().any(|c| is(c, name)));
    if names(&[
        "divrplyfwdmsg",
        "appendonsend",
        "mail-editor-reference-message-container",
        "ms-outlook-mobile-reference-message",
        "isforwardcontent",
    ]) {
        return Mark::Cut;
    }
    if names(&[
        "olk_src_body_section",
        "yahoo_quoted",
        "yahooquoted",
        "protonmail_quote",
        "tutanota_quote",
        "zmail_extra",
        "moz-cite-prefix",
        "gmail_attr",
        "isreplycontent",
        "mailcontainerbody_quoted",
        "replybody",
        "aolmail_original",
    ]) {
        return Mark::Quoted;
    }
    if names(&[
        "gmail_signature",
        "moz-signature",
        "signature",
        "ms-outlook-mobile-signature",
        "applemailsignature",
        "protonmail_signature_block",
        "ymail_android_signature",
        "ymailandroid_signature",
        "gmail_signature_prefix",
    ]) {
        return Mark::Signature;
    }
    let style = tag.attribute("style").replace(' ', "");
    if tag.name == "blockquote" && !style.contains("border:none") && !style.contains("border:0") {
        return Mark::Quoted;
    }
    Mark::Plain
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn html_becomes_text() {
        for (html, expected) in [
            ("", ""),
            ("plain < text & more", "plain < text & more"),
            ("<p>Hello</p><p>you</p>", "Hello\n\nyou"),
            ("<div>a</div><div><br></div><div>b</div>", "a\n\nb"),
            ("a<br>b<br/>c", "a\nb\nc"),
            ("<p class=MsoNormal>a</p><p class=MsoNormal>b</p>", "a\nb"),
            ("<ul><li>one<li>two</ul><ol><li>x</li><li>y</li></ol>", "- one\n- two\n1. x\n2. y"),
            ("see <a href='http://x'>our   page</a>.", "see our page."),
            ("&aring;&#246;&#xe4;&#146;&nbsp;&unknown;&", "åöä\u{2019} &unknown;&"),
            ("<style>p{}</style><script>x<y</script>a<!-- <p>b -->c", "ac"),
            ("<style>never closed <b>text</b>", "never closed text"),
            ("a<div style='display: none'>hidden<b>more</b></div>b", "a\nb"),
            ("<pre>a\n  b</pre>", "a\n  b"),
            ("<blockquote>q<br>r</blockquote>n", "> q\n> r\nn"),
            ("<blockquote style='border: none'>indented</blockquote>", "indented"),
            (
                "<table><tr><th>Item</th><th>Qty</th></tr><tr><td>A-1</td><td>10</td></tr></table>",
                "Item  Qty\nA-1   10",
            ),
            ("<table><tr><td><p>long</p><p>text</p></td></tr></table>end", "long\n\ntext\n\nend"),
            ("<a title=\"1 > 0\">x</a>", "x"),
            ("<a title=\"open>x", "x"),
        ] {
            assert_eq!(to_text(html), expected, "{html}");
        }
    }

    #[test]
    fn markup_marks_quotes_and_signatures() {
        let html = "new<div class=\"gmail_signature\">Anna</div><div class='x_moz-cite-prefix'>On</div>\
                    <blockquote>old</blockquote>below<div id=divRplyFwdMsg>From</div>rest";
        let marks: Vec<(String, Mark)> = to_lines(html).into_iter().map(|l| (l.text, l.mark)).collect();
        let expected = [
            ("new", Mark::Plain),
            ("Anna", Mark::Signature),
            ("On", Mark::Quoted),
            ("> old", Mark::Quoted),
            ("below", Mark::Plain),
            ("From", Mark::Cut),
            ("rest", Mark::Cut),
        ];
        assert_eq!(marks, expected.map(|(t, m)| (t.to_owned(), m)));
    }
}
