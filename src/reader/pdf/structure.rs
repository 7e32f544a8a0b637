//! What a PDF holds besides what it shows: form fields with their values, and files inside.
//!
//! Fields are found by their widgets on the pages, and get type, name and value from their ancestors (PDF 32000-1,
//! 12.7). Limits: ancestors, entries of trees, so that loops end.

use super::text::fractions;
use crate::model::page::{FormField, FormValue, Page, Rect, Word};
use hayro::{
    hayro_interpret::{TransformExt as _, hayro_syntax::page::Page as PdfPage},
    hayro_syntax::{
        Pdf,
        object::{Array, Dict, Name, Object, Rect as PdfRect, Stream, String as PdfString},
    },
    kurbo,
};

/// Ancestors of a field, levels of a name tree.
const DEPTH_MAX: usize = 32;
/// Widgets of one page, files of one document.
const ENTRIES_MAX: usize = 5000;
/// Annotation flag: not shown.
const HIDDEN: i64 = 1 << 1;
/// Field flag: a button that does something rather than holds a value.
const PUSH_BUTTON: i64 = 1 << 16;

/// The form fields of a page.
pub(super) fn read_fields(page: &PdfPage<'_>) -> Vec<FormField> {
    let Some(annotations) = page.raw().get::<Array<'_>>("Annots") else { return Vec::new() };
    let (width, height) = page.render_dimensions();
    let bounds = kurbo::Rect::new(0.0, 0.0, f64::from(width), f64::from(height));
    let transform = page.initial_transform(true).to_kurbo();
    let widgets = annotations.iter::<Dict<'_>>().take(ENTRIES_MAX);
    widgets
        .filter(|w| name_of(w, "Subtype").as_deref() == Some("Widget"))
        .filter(|w| w.get::<i64>("F").unwrap_or(0) & HIDDEN == 0)
        .filter_map(|widget| {
            let place = widget.get::<PdfRect>("Rect")?;
            let place =
                transform.transform_rect_bbox(kurbo::Rect::new(place.x0, place.y0, place.x1, place.y1));
            read_field(&widget, fractions(place, bounds))
        })
        .collect()
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
    const SIZE_PT: f32 = 9.0;
    const LETTER_SHARE: f32 = 0.5;
    for field in &page.fields {
        let FormValue::Text(value) = &field.value else { continue };
        let inside = |w: &Word| {
            let (x, y) = (f32::midpoint(w.bbox.x0, w.bbox.x1), f32::midpoint(w.bbox.y0, w.bbox.y1));
            (field.bbox.x0..=field.bbox.x1).contains(&x) && (field.bbox.y0..=field.bbox.y1).contains(&y)
        };
        let drawn = page.words.iter().any(|w| inside(w) && value.contains(w.text.trim()));
        if value.trim().is_empty() || drawn {
            continue;
        }
        let lines: Vec<&str> = value.lines().collect();
        let down = field.bbox.height() / lines.len().max(1) as f32;
        let letter = (SIZE_PT * LETTER_SHARE / page.width_pt.max(1.0)).min(
            field.bbox.width() / lines.iter().map(|l| l.chars().count()).max().unwrap_or(1).max(1) as f32,
        );
        for (row, line) in lines.iter().enumerate() {
            let y0 = field.bbox.y0 + row as f32 * down;
            let mut at = field.bbox.x0;
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
