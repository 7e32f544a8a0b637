//! HTML files into paragraphs and tables, as a browser shows them: ticked boxes and what stands in fields, too.
//!
//! Does not: follow style sheets, run scripts, or load anything. What is hidden by its own style is left out.
//! Limits: [`OPEN_MAX`], and those of [`super::flow`].

use super::{
    decode::Output,
    flow::{self, Builder},
};
use crate::message::html::{Piece, Tag, decode_entities, is_void, pieces};
use std::io;

/// Open elements that are remembered, and how far back an end tag looks for its start.
const OPEN_MAX: usize = 512;

/// Puts an HTML file out as pages.
pub(super) fn read(html: &str, out: &mut Output<'_>) -> io::Result<()> {
    flow::put(blocks(html), out)
}

fn blocks(html: &str) -> Vec<flow::Block> {
    let mut writer = Writer::default();
    for piece in pieces(html) {
        match piece {
            Piece::Text(text) => writer.text(text),
            Piece::Tag(tag) => writer.tag(&tag),
        }
    }
    writer.builder.finish()
}

#[derive(Default)]
struct Writer {
    builder: Builder,
    /// Names of open elements.
    open: Vec<String>,
    /// How many elements were open when the outermost hidden one came.
    hidden_from: Option<usize>,
    /// A blank is due before the next word.
    blank: bool,
    /// The line has text.
    begun: bool,
    lists: Vec<Option<u32>>,
    /// Inside of `option`: whether it is the chosen one.
    options: Option<bool>,
}

impl Writer {
    fn text(&mut self, text: &str) {
        if self.hidden_from.is_some() || self.options == Some(false) {
            return;
        }
        let text = decode_entities(text);
        let preformatted = self.open.iter().rev().take(OPEN_MAX).any(|name| name == "pre");
        for c in text.chars() {
            match c {
                '\n' if preformatted => self.end_line(),
                ' ' if preformatted => self.put(' '),
                ' ' | '\t' | '\r' | '\n' | '\u{a0}' | '\u{2007}' | '\u{202f}' => self.blank = true,
                // soft hyphens, joiners and marks that only steer layout
                '\u{ad}' | '\u{200b}' | '\u{200c}' | '\u{feff}' | '\u{34f}' | '\u{2060}' => {}
                c => {
                    if self.blank && self.begun {
                        self.put(' ');
                    }
                    self.blank = false;
                    self.put(c);
                }
            }
        }
    }

    fn put(&mut self, c: char) {
        self.begun = true;
        self.builder.text(c.encode_utf8(&mut [0; 4]));
    }

    fn end_line(&mut self) {
        self.builder.end_paragraph();
        (self.begun, self.blank) = (false, false);
    }

    /// Ends the line if there is one.
    fn end_block(&mut self) {
        if self.begun {
            self.end_line();
        }
        self.blank = false;
    }

    fn tag(&mut self, tag: &Tag) {
        self.track(tag);
        if self.hidden_from.is_some() {
            return;
        }
        match (tag.name.as_str(), tag.closing) {
            ("br" | "hr", _) => self.end_line(),
            ("h1" | "h2" | "h3", false) => {
                self.end_block();
                self.builder.heading();
            }
            ("table", false) => {
                self.end_block();
                self.builder.open_table();
            }
            ("table", true) => {
                self.end_block();
                self.builder.close_table();
            }
            ("tr", false) => {
                self.end_block();
                self.builder.open_row();
            }
            ("td" | "th", false) => {
                self.end_block();
                self.builder.open_cell(tag.attribute("colspan").parse().unwrap_or(1));
            }
            ("ul", closing) => self.list(closing, None),
            ("ol", closing) => self.list(closing, Some(0)),
            ("li", false) => self.item(),
            ("input", _) => self.field(tag),
            ("option", closing) => self.options = (!closing).then(|| tag.has("selected")),
            ("select", true) => self.options = None,
            (
                "p" | "h1" | "h2" | "h3" | "h4" | "h5" | "h6" | "div" | "blockquote" | "li" | "dt" | "dd"
                | "dl" | "tr" | "td" | "th" | "caption" | "section" | "article" | "header" | "footer"
                | "center" | "address" | "form" | "pre" | "fieldset" | "textarea",
                _,
            ) => self.end_block(),
            _ => {}
        }
    }

    fn list(&mut self, closing: bool, number: Option<u32>) {
        self.end_block();
        if closing {
            self.lists.pop();
        } else if self.lists.len() < OPEN_MAX {
            self.lists.push(number);
        }
    }

    fn item(&mut self) {
        self.end_block();
        let bullet = match self.lists.last_mut() {
            Some(Some(number)) => {
                *number += 1;
                format!("{number}. ")
            }
            _ => "- ".to_owned(),
        };
        self.builder.text(&bullet);
    }

    /// What a person sees in a field of a form.
    fn field(&mut self, tag: &Tag) {
        let value = match tag.attribute("type") {
            "hidden" | "password" | "submit" | "button" | "image" | "reset" | "file" => return,
            "checkbox" | "radio" if tag.has("checked") => "\u{2612}",
            "checkbox" | "radio" => "\u{2610}",
            _ => tag.written("value"),
        };
        self.blank = true;
        self.text(value);
        self.blank = true;
    }

    /// Remembers what is open, as far as that matters.
    fn track(&mut self, tag: &Tag) {
        if is_void(&tag.name) {
            return;
        }
        if !tag.closing {
            if self.open.len() < OPEN_MAX {
                if tag.is_hidden() {
                    self.hidden_from = self.hidden_from.or(Some(self.open.len()));
                }
                self.open.push(tag.name.clone());
            }
        } else if let Some(at) = self.open.iter().rposition(|name| *name == tag.name) {
            self.open.truncate(at);
            if self.hidden_from.is_some_and(|from| from >= at) {
                self.hidden_from = None;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        model::page::Page,
        reader::{Limits, protocol::Part},
    };

    fn page(html: &str) -> Page {
        let mut pages = Vec::new();
        let mut collect = |part: Part, _: &[u8]| {
            if let Part::Page(page) = part {
                pages.push(page);
            }
            Ok(())
        };
        read(html, &mut Output::new(&Limits::default(), &mut collect)).unwrap();
        pages.pop().unwrap()
    }

    #[test]
    fn words_as_a_browser_shows_them() {
        for (html, expected) in [
            ("<p>Order&nbsp;4711</p><p>of <b>12</b>\nMay</p>", &["Order", "4711", "of", "12", "May"][..]),
            ("a<div style='display:none'>b<p>c</div>d<script>e</script><p hidden>f</p>g", &["a", "d", "g"]),
            ("<ul><li>one<li>two</ul>", &["-", "one", "-", "two"]),
            (
                "Name <input value='A &amp; B'> <input type=checkbox checked> yes <input type=checkbox> no",
                &["Name", "A", "&", "B", "\u{2612}", "yes", "\u{2610}", "no"],
            ),
            ("<select><option>red<option selected>Blue</select> end", &["Blue", "end"]),
            ("<pre>a  b\nc</pre>", &["a", "b", "c"]),
        ] {
            let words: Vec<String> = page(html).words.into_iter().map(|w| w.text).collect();
            assert_eq!(words, expected, "{html}");
        }
    }

    #[test]
    fn tables_have_cells_and_those_of_layout_have_none() {
        let html =
            "<table><tr><td><table><tr><th>Item<th>Qty</tr><tr><td>A-1<td>10</tr></table></td></tr></table>";
        let page = page(html);
        let cells: Vec<_> = page.cells.iter().map(|c| (c.row, c.column, c.text.as_str())).collect();
        assert_eq!(cells, [(0, 0, "Item"), (0, 1, "Qty"), (1, 0, "A-1"), (1, 1, "10")]);
        assert!(page.rulings.iter().any(|r| !r.horizontal));
    }
}
