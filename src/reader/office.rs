//! Word-processor files into paragraphs and tables: DOCX (ECMA-376, WordprocessingML) and ODT (OpenDocument 1.3).
//!
//! Heads and feet of pages, text boxes, merged cells and page breaks count; deleted and hidden text does not. Files
//! inside are handed out; pictures inside only if there is hardly any text, because then they are the document.
//! Does not: follow styles or numbering. Entities other than the five of XML stay unread, so nothing expands.
//! Limits: bytes of an unpacked part, depth of elements, and those of [`super::flow`].

use super::{
    archive::read_entry,
    decode::Output,
    flow::{self, Builder},
    text,
};
use crate::model::finding::{Finding, Severity};
use quick_xml::{
    Reader,
    escape::resolve_xml_entity,
    events::{BytesStart, Event},
};
use std::{
    borrow::Cow,
    io::{self, Cursor},
};
use zip::ZipArchive;

/// Elements inside elements.
const DEPTH_MAX: usize = 256;
/// Bytes of one part of the file, unpacked.
const PART_BYTES_MAX: u64 = 64 << 20;
/// Parts that are read, and files inside that are handed out.
const PARTS_MAX: usize = 64;
/// Blanks that one element may stand for.
const BLANKS_MAX: usize = 100;
/// With less text than this, the pictures inside are what was sent.
const TEXT_CHARACTERS_MIN: usize = 120;

/// The two families of formats.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Family {
    Docx,
    Odt,
}

/// Reads a DOCX or ODT file.
pub(super) fn read(bytes: &[u8], family: Family, out: &mut Output<'_>) -> io::Result<()> {
    let Ok(mut archive) = ZipArchive::new(Cursor::new(bytes)) else {
        let message = "The document is damaged; ask the sender for it again.";
        return out.finding(Finding::new("broken_file", Severity::Problem, message));
    };
    let names: Vec<String> = archive.file_names().flatten().map(Cow::into_owned).collect();
    let mut builder = Builder::default();
    let mut characters = 0;
    let mut left = PART_BYTES_MAX;
    for part in parts(&names, family).into_iter().take(PARTS_MAX) {
        let Some(index) = archive.index_for_name(part) else { continue };
        match read_entry(&mut archive, index, left, out.limits.archive_ratio, &[]) {
            Ok(xml) => {
                left = left.saturating_sub(xml.len() as u64);
                characters += read_part(&text::read_charset(&xml), part, family, &mut builder);
            }
            Err(finding) => out.finding(finding)?,
        }
    }
    flow::put(builder.finish(), out)?;
    let inside = |name: &&String| {
        let is = |folder: &str| name.contains(folder);
        is("word/embeddings/") || characters < TEXT_CHARACTERS_MIN && (is("word/media/") || is("Pictures/"))
    };
    for name in names.iter().filter(inside).take(PARTS_MAX) {
        let Some(index) = archive.index_for_name(name) else { continue };
        match read_entry(&mut archive, index, out.limits.archive_bytes, out.limits.archive_ratio, &[]) {
            Ok(file) => out.embedded(name.rsplit('/').next().unwrap_or(name), &file)?,
            Err(finding) => out.finding(finding)?,
        }
    }
    Ok(())
}

/// The parts that hold text, in reading order: heads, body, feet.
fn parts(names: &[String], family: Family) -> Vec<&str> {
    let order: &[&str] = match family {
        Family::Docx => &["word/header", "word/document", "word/footnotes", "word/footer"],
        Family::Odt => &["styles.xml", "content.xml"],
    };
    let of = |start: &&str| {
        let mut found: Vec<&str> = names
            .iter()
            .map(String::as_str)
            .filter(|name| name.strip_prefix(start).is_some_and(|rest| !rest.contains('/')))
            .collect();
        found.sort_unstable();
        found
    };
    order.iter().flat_map(of).collect()
}

/// What is known while a part is read.
struct Part<'a> {
    builder: &'a mut Builder,
    family: Family,
    depth: usize,
    /// From which depth on nothing counts; 0 for all but heads and feet of pages.
    silent_from: Option<usize>,
    /// Of the styles of OpenDocument only heads and feet of pages count.
    styles: bool,
    /// Text counts: always in OpenDocument, inside of `t` in Word.
    in_text: bool,
    /// Text of the paragraphs around the text boxes that are open.
    around: Vec<String>,
    /// Characters so far, blanks apart.
    characters: usize,
}

/// Reads a part into the builder and says how many characters it had.
fn read_part(xml: &str, name: &str, family: Family, builder: &mut Builder) -> usize {
    let mut reader = Reader::from_str(xml);
    let styles = name == "styles.xml";
    let mut part = Part {
        builder,
        family,
        depth: 0,
        silent_from: styles.then_some(0),
        styles,
        in_text: family == Family::Odt,
        around: Vec::new(),
        characters: 0,
    };
    loop {
        match reader.read_event() {
            Ok(Event::Start(element)) => {
                part.depth += 1;
                if part.depth > DEPTH_MAX {
                    break;
                }
                part.open(&element);
            }
            Ok(Event::Empty(element)) => {
                part.depth += 1;
                part.open(&element);
                part.close(element.local_name().as_ref());
                part.depth -= 1;
            }
            Ok(Event::End(element)) => {
                part.close(element.local_name().as_ref());
                part.depth = part.depth.saturating_sub(1);
            }
            Ok(Event::Text(text)) => part.text(&text.xml10_content()),
            Ok(Event::CData(text)) => part.text(&text.xml10_content()),
            // entities other than the five of XML are nothing
            Ok(Event::GeneralRef(reference)) => match reference.resolve_char_ref() {
                Ok(Some(character)) => part.text(character.encode_utf8(&mut [0; 4])),
                _ => part.text(resolve_xml_entity(&reference).unwrap_or_default()),
            },
            Ok(Event::Eof) | Err(_) => break,
            Ok(_) => {}
        }
    }
    part.builder.end_paragraph();
    part.characters
}

/// The value of an attribute, by its name without prefix.
fn attribute(element: &BytesStart<'_>, name: &str) -> Option<String> {
    let mut attributes = element.attributes();
    let found = attributes.with_checks(false).flatten().find(|a| a.key.local_name().as_ref() == name)?;
    Some(found.value.as_ref().to_owned())
}

/// A number in an attribute; 1 without.
fn count(element: &BytesStart<'_>, name: &str) -> usize {
    attribute(element, name).and_then(|value| value.parse().ok()).unwrap_or(1)
}

/// A switch of Word is on unless it says otherwise.
fn is_on(element: &BytesStart<'_>) -> bool {
    !matches!(attribute(element, "val").as_deref(), Some("0" | "false" | "off"))
}

impl Part<'_> {
    fn text(&mut self, text: &str) {
        if !self.in_text || self.silent_from.is_some() {
            return;
        }
        self.characters += text.chars().filter(|c| !c.is_whitespace()).count();
        if self.family == Family::Odt {
            // line feeds and runs of blanks are those of the XML
            let lead = text.starts_with(char::is_whitespace);
            let words: Vec<&str> = text.split_whitespace().collect();
            let trail = !words.is_empty() && text.ends_with(char::is_whitespace);
            let (before, after) = (if lead { " " } else { "" }, if trail { " " } else { "" });
            self.builder.text(&format!("{before}{}{after}", words.join(" ")));
        } else {
            self.builder.text(text);
        }
    }

    fn silence(&mut self) {
        self.silent_from = self.silent_from.or(Some(self.depth));
    }

    fn open(&mut self, element: &BytesStart<'_>) {
        let name = element.local_name();
        let name = name.as_ref();
        if self.styles && matches!(name, "header" | "footer") {
            self.silent_from = None;
        }
        if self.silent_from.is_some() {
            return;
        }
        match self.family {
            Family::Docx => self.open_docx(name, element),
            Family::Odt => self.open_odt(name, element),
        }
    }

    fn open_docx(&mut self, name: &str, element: &BytesStart<'_>) {
        match name {
            "t" => self.in_text = true,
            "tab" if attribute(element, "pos").is_none() => self.builder.text("\t"),
            "br" if attribute(element, "type").as_deref() == Some("page") => self.builder.page_break(),
            "br" | "cr" => self.builder.text("\n"),
            "noBreakHyphen" => self.builder.text("-"),
            "pStyle" if attribute(element, "val").is_some_and(|style| is_heading(&style)) => {
                self.builder.heading();
            }
            "tbl" => self.builder.open_table(),
            "tr" => self.builder.open_row(),
            "tc" => self.builder.open_cell(1),
            "gridSpan" => self.builder.widen_cell(count(element, "val")),
            // deleted, moved away, and the second telling of what older programs cannot show
            "del" | "moveFrom" | "Fallback" | "instrText" | "footnotePr" => self.silence(),
            // stands in the properties of a run, which then is silent as a whole
            "vanish" if is_on(element) => self.silent_from = Some(self.depth.saturating_sub(2).max(1)),
            "txbxContent" => {
                let around = self.builder.set_aside();
                self.around.push(around);
            }
            // the state of a check box of old forms
            "checkBox" => self.builder.text("☐"),
            "checked" if is_on(element) => self.builder.tick(),
            _ => {}
        }
    }

    fn open_odt(&mut self, name: &str, element: &BytesStart<'_>) {
        match name {
            "tab" => self.builder.text("\t"),
            "line-break" => self.builder.text("\n"),
            "s" => self.builder.text(&" ".repeat(count(element, "c").min(BLANKS_MAX))),
            "h" => self.builder.heading(),
            "table" => self.builder.open_table(),
            "table-row" => self.builder.open_row(),
            "table-cell" => {
                for _ in 0..count(element, "number-columns-repeated").clamp(1, BLANKS_MAX) {
                    self.builder.open_cell(count(element, "number-columns-spanned"));
                }
            }
            "text-box" => {
                let around = self.builder.set_aside();
                self.around.push(around);
            }
            "tracked-changes" | "annotation" | "sequence-decls" | "forms" | "covered-table-cell" => {
                self.silence();
            }
            _ => {}
        }
    }

    fn close(&mut self, name: &str) {
        if let Some(from) = self.silent_from {
            if from >= self.depth {
                self.silent_from = None;
            }
            return;
        }
        if self.styles && matches!(name, "header" | "footer") {
            self.silent_from = Some(0);
        }
        match (self.family, name) {
            (Family::Docx, "t") => self.in_text = false,
            (Family::Docx, "p") | (Family::Odt, "p" | "h") => self.builder.end_paragraph(),
            (Family::Docx, "tbl") | (Family::Odt, "table") => self.builder.close_table(),
            (Family::Docx, "txbxContent") | (Family::Odt, "text-box") => {
                self.builder.end_paragraph();
                let around = self.around.pop().unwrap_or_default();
                self.builder.text(&around);
            }
            _ => {}
        }
    }
}

/// Names of paragraph styles are those of the language of the program.
fn is_heading(style: &str) -> bool {
    let style = style.to_lowercase();
    ["heading", "title", "berschrift", "titel", "rubrik", "titre"].iter().any(|name| style.contains(name))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        model::page::Page,
        reader::{Limits, protocol::Part as Answer},
    };

    fn check(family: Family, xml: &str, expected: &[&str]) {
        let mut builder = Builder::default();
        read_part(xml, "content.xml", family, &mut builder);
        let mut pages: Vec<Page> = Vec::new();
        let mut collect = |part: Answer, _: &[u8]| {
            if let Answer::Page(page) = part {
                pages.push(page);
            }
            Ok(())
        };
        flow::put(builder.finish(), &mut Output::new(&Limits::default(), &mut collect)).unwrap();
        let words: Vec<&str> = pages.iter().flat_map(|p| &p.words).map(|w| w.text.as_str()).collect();
        assert_eq!(words, expected, "{xml}");
    }

    #[test]
    fn words_of_word_documents() {
        for (xml, expected) in [
            ("<w:p><w:r><w:t>Order &amp; more</w:t></w:r></w:p>", &["Order", "&", "more"][..]),
            ("<w:p><w:r><w:t>KS-</w:t></w:r><w:r><w:t>20138</w:t></w:r></w:p>", &["KS-20138"]),
            (
                "<w:tbl><w:tr><w:tc><w:tcPr><w:gridSpan w:val=\"2\"/></w:tcPr><w:p><w:t>Total</w:t></w:p></w:tc>\
                 <w:tc><w:p><w:t>12</w:t></w:p></w:tc></w:tr></w:tbl>",
                &["Total", "12"],
            ),
            (
                "<w:p><w:del><w:r><w:t>old</w:t></w:r></w:del><w:ins><w:r><w:t>new</w:t></w:r></w:ins></w:p>",
                &["new"],
            ),
            (
                "<w:p><w:r><w:rPr><w:vanish/></w:rPr><w:t>unseen</w:t></w:r><w:r><w:t>seen</w:t></w:r></w:p>",
                &["seen"],
            ),
            (
                "<w:p><w:r><w:t>around</w:t><mc:Choice><w:txbxContent><w:p><w:t>box</w:t></w:p></w:txbxContent></mc:Choice>\
                 <mc:Fallback><w:p><w:t>box</w:t></w:p></mc:Fallback></w:r></w:p>",
                &["box", "around"],
            ),
            (
                "<w:p><w:checkBox><w:checked/></w:checkBox><w:t>yes</w:t><w:checkBox/><w:t>no</w:t></w:p>",
                &["☒yes☐no"],
            ),
        ] {
            check(Family::Docx, xml, expected);
        }
    }

    #[test]
    fn words_of_open_documents() {
        for (xml, expected) in [
            (
                "<text:p>two<text:s text:c=\"3\"/>bolts<text:span>!</text:span></text:p>",
                &["two", "bolts!"][..],
            ),
            (
                "<text:tracked-changes><text:p>old</text:p></text:tracked-changes><text:p>new</text:p>",
                &["new"],
            ),
            (
                "<table:table><table:table-row><table:table-cell><text:p>a\n   b</text:p></table:table-cell></table:table-row></table:table>",
                &["a", "b"],
            ),
        ] {
            check(Family::Odt, xml, expected);
        }
    }

    #[test]
    fn entities_of_a_document_type_stay_unread() {
        let xml = "<!DOCTYPE x [<!ENTITY a \"aaaa\"><!ENTITY b \"&a;&a;\">]><x><p>&b;&#65;&lt;</p></x>";
        check(Family::Odt, xml, &["A<"]);
    }
}
