//! Tags and text into lines: blocks, lists, tables as aligned columns, and what the marks of mail programs say.

use super::{
    super::quote::{Line, Mark},
    markup::{Tag, decode_entities, is_void},
};

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
pub(super) struct Writer {
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

    pub(super) fn text(&mut self, text: &str) {
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

    pub(super) fn tag(&mut self, tag: &Tag) {
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
        if tag.is_closed() || self.open.len() >= OPEN_MAX {
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

    pub(super) fn finish(mut self) -> Vec<Line> {
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
