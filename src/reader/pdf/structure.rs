//! What a PDF holds besides what it draws: form fields with their values, notes, the data of XFA forms, files inside.
//!
//! Fields are found by their widgets on the pages, and get type, name and value from their ancestors (PDF 32000-1,
//! 12.7). Annotations that draw their text are words of the page already; those that do not are added as words if they
//! are text on the page (FreeText), and told as findings if they are remarks on it.
//! Limits: ancestors, entries of trees, so that loops end; notes, values of XFA.

use super::text::fractions;
use crate::model::{
    finding::{Finding, Severity},
    page::{FormField, FormValue, Page, Rect, Word},
};
use hayro::{
    hayro_interpret::{TransformExt as _, hayro_syntax::page::Page as PdfPage},
    hayro_syntax::{
        Pdf,
        object::{Array, Dict, Name, Object, Rect as PdfRect, Stream, String as PdfString},
    },
    kurbo,
};
use quick_xml::{escape::resolve_xml_entity, events::Event};

/// Ancestors of a field, levels of a name tree.
const DEPTH_MAX: usize = 32;
/// Widgets of one page, files of one document.
const ENTRIES_MAX: usize = 5000;
/// Annotation flag: not shown.
const HIDDEN: i64 = 1 << 1;
/// Annotation flag: only printed.
const NO_VIEW: i64 = 1 << 5;
/// Notes of one page.
const REMARKS_MAX: usize = 50;
/// Characters of a note, or of a value of XFA.
const REMARK_CHARACTERS_MAX: usize = 2000;
/// Field flag: a button that does something rather than holds a value.
const PUSH_BUTTON: i64 = 1 << 16;

/// The form fields of a page.
pub(super) fn read_fields(page: &PdfPage<'_>) -> Vec<FormField> {
    let Some(annotations) = page.raw().get::<Array<'_>>("Annots") else { return Vec::new() };
    let placed = Placed::new(page);
    let widgets = annotations.iter::<Dict<'_>>().take(ENTRIES_MAX);
    widgets
        .filter(|w| name_of(w, "Subtype").as_deref() == Some("Widget"))
        .filter(|w| w.get::<i64>("F").unwrap_or(0) & HIDDEN == 0)
        .filter_map(|widget| read_field(&widget, placed.place(&widget)?))
        .collect()
}

/// Where annotations stand on the page as shown.
struct Placed {
    bounds: kurbo::Rect,
    transform: kurbo::Affine,
}

impl Placed {
    fn new(page: &PdfPage<'_>) -> Self {
        let (width, height) = page.render_dimensions();
        let bounds = kurbo::Rect::new(0.0, 0.0, f64::from(width), f64::from(height));
        Self { bounds, transform: page.initial_transform(true).to_kurbo() }
    }

    fn place(&self, annotation: &Dict<'_>) -> Option<Rect> {
        let rect = annotation.get::<PdfRect>("Rect")?;
        let rect = kurbo::Rect::new(rect.x0, rect.y0, rect.x1, rect.y1);
        Some(fractions(self.transform.transform_rect_bbox(rect), self.bounds))
    }
}

fn read_field(widget: &Dict<'_>, bbox: Rect) -> Option<FormField> {
    let line = ancestors(widget);
    let names: Vec<String> = line.iter().rev().filter_map(|d| text_of(d, "T")).collect();
    let kind = line.iter().find_map(|d| name_of(d, "FT"))?;
    let flags = line.iter().find_map(|d| d.get::<i64>("Ff")).unwrap_or(0);
    let value = match kind.as_str() {
        "Tx" | "Ch" => FormValue::Text(line.iter().find_map(|d| value_text(d)).unwrap_or_default()),
        "Btn" if flags & PUSH_BUTTON != 0 => return None,
        "Btn" => read_button(widget, &line),
        "Sig" => FormValue::Signature { signed: line.iter().any(|d| d.get::<Dict<'_>>("V").is_some()) },
        _ => return None,
    };
    Some(FormField { name: names.join("."), value, bbox })
}

/// The widget and the fields above it.
fn ancestors<'a>(widget: &Dict<'a>) -> Vec<Dict<'a>> {
    let mut line = vec![widget.clone()];
    while line.len() < DEPTH_MAX {
        let Some(parent) = line.last().and_then(|d| d.get::<Dict<'_>>("Parent")) else { break };
        line.push(parent);
    }
    line
}

/// A check box or radio button: which option it stands for, and whether it is on.
fn read_button(widget: &Dict<'_>, line: &[Dict<'_>]) -> FormValue {
    let states = widget.get::<Dict<'_>>("AP").and_then(|ap| ap.get::<Dict<'_>>("N"));
    let own = states.and_then(|n| n.keys().map(|k| k.as_str().to_owned()).find(|k| k != "Off"));
    let state = name_of(widget, "AS");
    let chosen = line.iter().find_map(|d| name_of(d, "V"));
    let option = own.or_else(|| state.clone().filter(|s| s != "Off")).unwrap_or_default();
    let on = match state {
        Some(state) => state != "Off",
        None => chosen.is_some_and(|v| v == option && v != "Off"),
    };
    // Export names may stand in a list, with its index as the name of the state.
    let export = line.iter().find_map(|d| d.get::<Array<'_>>("Opt")).and_then(|options| {
        let index = option.parse::<usize>().ok()?;
        options.iter::<PdfString<'_>>().nth(index).map(|s| decode_text(s.as_bytes()))
    });
    FormValue::Choice { option: export.unwrap_or(option), on }
}

fn name_of(dict: &Dict<'_>, key: &str) -> Option<String> {
    dict.get::<Name<'_>>(key).map(|n| n.as_str().to_owned())
}

fn text_of(dict: &Dict<'_>, key: &str) -> Option<String> {
    dict.get::<PdfString<'_>>(key).map(|s| decode_text(s.as_bytes()))
}

/// A value that is text, a name, a list of texts, or a stream.
fn value_text(dict: &Dict<'_>) -> Option<String> {
    match dict.get::<Object<'_>>("V")? {
        Object::String(text) => Some(decode_text(text.as_bytes())),
        Object::Name(name) => Some(name.as_str().to_owned()),
        Object::Array(list) => {
            let texts: Vec<String> =
                list.iter::<PdfString<'_>>().map(|s| decode_text(s.as_bytes())).collect();
            Some(texts.join(", "))
        }
        Object::Stream(stream) => stream.decoded_data().ok().map(|bytes| decode_text(&bytes)),
        _ => None,
    }
}

/// Text strings are UTF-16 or UTF-8 with a mark, else of PDF's own charset, which is nearly Windows-1252.
fn decode_text(bytes: &[u8]) -> String {
    crate::reader::text::read_marked(bytes)
        .unwrap_or_else(|| encoding_rs::WINDOWS_1252.decode_without_bom_handling(bytes).0.into_owned())
}

/// Values that the file does not draw become words in their fields.
pub(super) fn add_values_not_drawn(page: &mut Page) {
    for field in page.fields.clone() {
        let FormValue::Text(value) = &field.value else { continue };
        let inside = |w: &Word| {
            let (x, y) = (f32::midpoint(w.bbox.x0, w.bbox.x1), f32::midpoint(w.bbox.y0, w.bbox.y1));
            (field.bbox.x0..=field.bbox.x1).contains(&x) && (field.bbox.y0..=field.bbox.y1).contains(&y)
        };
        let drawn = page.words.iter().any(|w| inside(w) && value.contains(w.text.trim()));
        if value.trim().is_empty() || drawn {
            continue;
        }
        add_words(page, field.bbox, value);
    }
}

/// Sets text into a box, as large as usual and as small as it must be.
fn add_words(page: &mut Page, place: Rect, text: &str) {
    const SIZE_PT: f32 = 9.0;
    const LETTER_SHARE: f32 = 0.5;
    let lines: Vec<&str> = text.lines().collect();
    let down = place.height() / lines.len().max(1) as f32;
    let longest = lines.iter().map(|l| l.chars().count()).max().unwrap_or(1).max(1);
    let letter = (SIZE_PT * LETTER_SHARE / page.width_pt.max(1.0)).min(place.width() / longest as f32);
    for (row, line) in lines.iter().enumerate() {
        let y0 = place.y0 + row as f32 * down;
        let mut at = place.x0;
        for word in line.split_whitespace() {
            let x1 = at + word.chars().count() as f32 * letter;
            let bbox = Rect { x0: at, y0, x1, y1: y0 + down };
            page.words.push(Word {
                text: word.to_owned(),
                bbox,
                confidence: 1.0,
                size_pt: SIZE_PT,
                bold: false,
            });
            at = x1 + letter;
        }
    }
}

/// Text that an annotation holds without drawing it.
pub(super) struct Remark {
    /// Where it is fixed.
    bbox: Rect,
    text: String,
    /// It is text on the page, not a remark on it.
    is_text: bool,
}

/// The annotations of a page that say something and do not draw it.
pub(super) fn read_remarks(page: &PdfPage<'_>) -> Vec<Remark> {
    let Some(annotations) = page.raw().get::<Array<'_>>("Annots") else { return Vec::new() };
    let placed = Placed::new(page);
    let shown = annotations
        .iter::<Dict<'_>>()
        .take(ENTRIES_MAX)
        .filter(|a| a.get::<i64>("F").unwrap_or(0) & (HIDDEN | NO_VIEW) == 0);
    let said = shown.filter_map(|annotation| {
        let kind = name_of(&annotation, "Subtype")?;
        let draws = annotation.get::<Dict<'_>>("AP").is_some_and(|ap| ap.contains_key("N"));
        let struck = kind == "StrikeOut";
        let is_text = kind == "FreeText";
        if matches!(kind.as_str(), "Widget" | "Link" | "Popup" | "FileAttachment") || is_text && draws {
            return None;
        }
        let said = text_of(&annotation, "Contents").unwrap_or_default();
        let said = said.trim();
        let text = match (struck, said.is_empty()) {
            (true, true) => "text is struck out".to_owned(),
            (true, false) => format!("text is struck out: {said}"),
            (false, true) if kind == "Stamp" && !draws => name_of(&annotation, "Name")?,
            (false, true) => return None,
            (false, false) => said.to_owned(),
        };
        let text = text.chars().take(REMARK_CHARACTERS_MAX).collect();
        Some(Remark { bbox: placed.place(&annotation)?, text, is_text })
    });
    said.take(REMARKS_MAX).collect()
}

/// Text annotations become words; remarks on the page become findings.
pub(super) fn add_remarks(page: &mut Page, remarks: Vec<Remark>) -> Vec<Finding> {
    let mut findings = Vec::new();
    for remark in remarks {
        if remark.is_text {
            add_words(page, remark.bbox, &remark.text);
        } else if !page_says(page, &remark.text) {
            let message = format!("A note on page {} says: {}", page.number, remark.text);
            findings.push(Finding::new("note_on_page", Severity::Check, message));
        }
    }
    findings
}

/// Stamps and drawn notes often hold their own text once more.
fn page_says(page: &Page, text: &str) -> bool {
    text.split_whitespace().all(|word| page.words.iter().any(|w| w.text == word))
}

/// Names and values of an XFA form that keeps nothing as fields (XML Forms Architecture 3.3), in the order of the form.
pub(super) fn read_xfa(pdf: &Pdf) -> Vec<(String, String)> {
    let xref = pdf.xref();
    let catalog = xref.get::<Dict<'_>>(xref.root_id());
    let Some(form) = catalog.and_then(|c| c.get::<Dict<'_>>("AcroForm")) else { return Vec::new() };
    if form.get::<Array<'_>>("Fields").is_some_and(|fields| fields.iter::<Dict<'_>>().next().is_some()) {
        return Vec::new();
    }
    let packets: Vec<Stream<'_>> = match form.get::<Object<'_>>("XFA") {
        Some(Object::Stream(stream)) => vec![stream],
        Some(Object::Array(parts)) => {
            parts.iter::<Object<'_>>().take(ENTRIES_MAX).filter_map(as_stream).collect()
        }
        _ => return Vec::new(),
    };
    let mut values = Vec::new();
    for packet in packets {
        if let Ok(bytes) = packet.decoded() {
            xfa_values(&decode_text(&bytes), &mut values);
        }
    }
    values
}

fn as_stream(object: Object<'_>) -> Option<Stream<'_>> {
    if let Object::Stream(stream) = object { Some(stream) } else { None }
}

/// The elements with text below `data`, each with its name.
fn xfa_values(xml: &str, values: &mut Vec<(String, String)>) {
    let mut reader = quick_xml::Reader::from_str(xml);
    let (mut data_depth, mut depth) = (None, 0_usize);
    let (mut name, mut text) = (String::new(), String::new());
    while values.len() < ENTRIES_MAX {
        match reader.read_event() {
            Ok(Event::Start(element)) => {
                depth += 1;
                element.local_name().as_ref().clone_into(&mut name);
                text.clear();
                if name == "data" {
                    data_depth = data_depth.or(Some(depth));
                }
            }
            Ok(Event::Text(characters)) if data_depth.is_some() => {
                text.push_str(&characters.xml10_content());
            }
            Ok(Event::GeneralRef(reference)) if data_depth.is_some() => match reference.resolve_char_ref() {
                Ok(Some(character)) => text.push(character),
                _ => text.push_str(resolve_xml_entity(&reference).unwrap_or_default()),
            },
            Ok(Event::End(_)) => {
                let value = text.trim();
                if data_depth.is_some() && !value.is_empty() {
                    values.push((name.clone(), value.chars().take(REMARK_CHARACTERS_MAX).collect()));
                }
                text.clear();
                data_depth = data_depth.filter(|start| *start < depth);
                depth = depth.saturating_sub(1);
            }
            Ok(Event::Eof) | Err(_) => return,
            Ok(_) => {}
        }
    }
}

/// The files inside: of the document's name tree, its associated files, and file annotations.
pub(super) fn read_files(pdf: &Pdf) -> Vec<(String, Vec<u8>)> {
    let xref = pdf.xref();
    let Some(catalog) = xref.get::<Dict<'_>>(xref.root_id()) else { return Vec::new() };
    let mut specifications: Vec<Dict<'_>> = Vec::new();
    if let Some(tree) = catalog.get::<Dict<'_>>("Names").and_then(|n| n.get::<Dict<'_>>("EmbeddedFiles")) {
        walk_names(&tree, 0, &mut specifications);
    }
    if let Some(associated) = catalog.get::<Array<'_>>("AF") {
        specifications.extend(associated.iter::<Dict<'_>>().take(ENTRIES_MAX));
    }
    for page in pdf.pages().iter() {
        if let Some(annotations) = page.raw().get::<Array<'_>>("Annots") {
            let files = annotations.iter::<Dict<'_>>().take(ENTRIES_MAX);
            let files = files.filter(|a| name_of(a, "Subtype").as_deref() == Some("FileAttachment"));
            specifications.extend(files.filter_map(|a| a.get::<Dict<'_>>("FS")));
        }
    }
    let mut seen = Vec::new();
    let mut files = Vec::new();
    for specification in specifications.into_iter().take(ENTRIES_MAX) {
        let Some(holder) = specification.get::<Dict<'_>>("EF") else { continue };
        let Some(stream) = holder.get::<Stream<'_>>("UF").or_else(|| holder.get::<Stream<'_>>("F")) else {
            continue;
        };
        if seen.contains(&stream.obj_id()) {
            continue;
        }
        seen.push(stream.obj_id());
        let name = text_of(&specification, "UF").or_else(|| text_of(&specification, "F"));
        if let Ok(bytes) = stream.decoded() {
            files.push((name.unwrap_or_else(|| "attachment".to_owned()), bytes.into_owned()));
        }
    }
    files
}

fn walk_names<'a>(node: &Dict<'a>, depth: usize, found: &mut Vec<Dict<'a>>) {
    if depth > DEPTH_MAX || found.len() > ENTRIES_MAX {
        return;
    }
    if let Some(names) = node.get::<Array<'_>>("Names") {
        found.extend(
            names.iter::<Object<'_>>().filter_map(|o| if let Object::Dict(d) = o { Some(d) } else { None }),
        );
    }
    if let Some(kids) = node.get::<Array<'_>>("Kids") {
        for kid in kids.iter::<Dict<'_>>().take(ENTRIES_MAX) {
            walk_names(&kid, depth + 1, found);
        }
    }
}
