//! The words of a head row cut into chunks, each of which heads one column.

use crate::extract::{
    label::{Label, column_of, field_of, label_at},
    layout::{Row, Word},
};

/// Blank between two words of one head, in heights of the letters.
const HEAD_GAP_HEIGHTS: f32 = 0.7;

/// Head words that belong together, with where they stand.
#[derive(Clone, Debug)]
pub(super) struct Chunk {
    pub(super) words: Vec<Word>,
    pub(super) x0: f32,
    pub(super) x1: f32,
    pub(super) column: Option<&'static str>,
}

/// Cuts a row into chunks that name columns.
pub(super) fn chunks_of(row: &Row) -> Vec<Chunk> {
    let mut out: Vec<Chunk> = Vec::new();
    for segment in &row.segments {
        let mut apart = true;
        for chunk in chunks(&segment.words) {
            // words that say nothing belong to the head that they stand beside
            if let Some(last) = out.last_mut().filter(|_| !apart) {
                let near = chunk.x0 - last.x1 <= HEAD_GAP_HEIGHTS * segment.height();
                if near && (chunk.column.is_none() || last.column.is_none()) {
                    last.column = last.column.or(chunk.column);
                    last.x1 = chunk.x1;
                    last.words.extend(chunk.words);
                    continue;
                }
            }
            out.push(chunk);
            apart = false;
        }
    }
    out
}

/// Cuts the words of a row into chunks that name columns.
fn chunks(words: &[Word]) -> Vec<Chunk> {
    let mut out = Vec::new();
    let mut at = 0;
    while at < words.len() {
        let rest = words.get(at..).unwrap_or_default();
        // words that stand together
        let mut near = 1;
        while let (Some(a), Some(b)) = (rest.get(near - 1), rest.get(near)) {
            if b.x0 - a.x1 > HEAD_GAP_HEIGHTS * (a.y1 - a.y0).max(6.0) || near >= 5 {
                break;
            }
            near += 1;
        }
        let mut take = 1;
        let mut column = None;
        for n in (1..=near).rev() {
            let part = rest.get(..n).unwrap_or_default();
            if let Some(label) =
                label_at(part.iter().map(|w| w.text.as_str())).filter(|l| l.words == n || n == 1)
                && let Some(name) = head_of(&label)
                && (n == 1 || one_head(part, &label))
            {
                take = n;
                column = Some(name);
                break;
            }
        }
        column = column.or_else(|| rest.first().filter(|w| is_share(&w.text)).map(|_| "discount"));
        let part = rest.get(..take).unwrap_or_default().to_vec();
        let (x0, x1) = (part.first().map_or(0.0, |w| w.x0), part.last().map_or(0.0, |w| w.x1));
        out.push(Chunk { words: part, x0, x1, column });
        at += take;
    }
    out
}

/// `R%` or `D%`: a discount in percent.
fn is_share(text: &str) -> bool {
    matches!(text.strip_suffix('%').or_else(|| text.strip_prefix('%')), Some("R" | "D" | "r" | "d"))
}

/// Concepts that never head one column together.
const APART: &[(&str, &str)] = &[
    ("unit", "article"),
    ("unit", "description"),
    ("unit", "request"),
    ("unit", "date"),
    ("unit", "amount"),
    ("unit", "total"),
    ("unit", "discount"),
    ("quantity", "unit"),
    ("quantity", "description"),
    ("quantity", "price"),
    ("quantity", "date"),
    ("quantity", "our"),
    ("quantity", "article"),
    ("price", "discount"),
    ("price", "tax"),
    ("price", "date"),
    ("price", "description"),
    ("discount", "tax"),
    ("discount", "line"),
    ("discount", "article"),
    ("description", "date"),
    ("description", "request"),
    ("description", "delivery"),
    ("article", "date"),
    ("article", "request"),
    ("article", "our"),
    ("article", "line"),
    ("line", "ref"),
    ("line", "our"),
    ("our", "your"),
];

/// Whether several words are one head: no two of them head columns that exclude each other.
fn one_head(part: &[Word], label: &Label) -> bool {
    let alone: Vec<Label> = part.iter().filter_map(|w| label_at(std::iter::once(w.text.as_str()))).collect();
    let (Some(first), Some(last)) = (alone.first(), alone.last()) else { return true };
    if alone.iter().filter(|l| l.any(&["article"])).count() >= 2 && part.len() >= 3 {
        return false;
    }
    // `Our item` is one head, `Item our` is two
    if first.any(&["our", "your", "customer", "supplier"]) && last.any(&["article", "ref", "number"]) {
        return !label.any(&["unit", "quantity", "price", "date"]);
    }
    let between = |a: &str, b: &str| {
        alone.iter().any(|l| l.any(&[a]) && !l.any(&[b])) && alone.iter().any(|l| l.any(&[b]) && !l.any(&[a]))
    };
    if first.any(&["price"])
        && last.any(&["total", "amount", "unit"])
        && !first.any(&["total", "unit"])
        && !label.any(&["per"])
    {
        return false;
    }
    !APART.iter().any(|(a, b)| label.has(&[a, b]) && between(a, b))
}

/// The column that a head names: by `Bestellnummer` goods are ordered from a catalogue.
pub(super) fn head_of(label: &Label) -> Option<&'static str> {
    match column_of(label) {
        Some("line_no") if field_of(label) == Some("po_number") => Some("sku"),
        column => column,
    }
}
