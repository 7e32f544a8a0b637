//! Sheets into drafts: cells instead of places on a page.
//!
//! A row whose cells name columns heads the lines below it; cells beside and below labels are the fields. A column may
//! also hold what belongs to the order as a whole (order number, address): then its values part the orders. Several
//! orders in a sheet, and several sheets of one order, are told by the order number.
//! Does not: calculate; a cell says what it says. Limits: rows and columns of the reader.

mod cell;
mod part;
mod reader;

use super::{
    Context,
    draft::Reading,
    field::fields_of,
    kind,
    layout::{Layout, Word, join, lay_out},
    number::Style,
};
use crate::model::{
    draft::{Draft, Kind, Line, Proposal},
    page::{How, Page},
};
use reader::SheetReader;
use std::{
    collections::{BTreeMap, BTreeSet},
    rc::Rc,
};

/// Orders of one sheet; rows of further ones go to the last.
const ORDERS_MAX: usize = 500;

/// Rows below a head that tell what a column holds.
const ROWS_ASKED_MAX: usize = 50;

/// Columns that are looked at.
const COLUMNS_MAX: u32 = 256;

/// Rows of an address below its label.
const ADDRESS_ROWS_MAX: u32 = 6;

/// Columns between a label and its value.
const VALUE_COLUMNS_MAX: u32 = 6;

/// Sure of a value beside a label of its own.
const BESIDE: f32 = 0.95;

/// Sure of a value below a label.
const BELOW: f32 = 0.85;

/// What the layout alone proposes is worth at most this much here.
const FROM_LAYOUT_MAX: f32 = 0.8;

/// Fields of the order that may stand in a column of its lines.
const ORDER_COLUMNS: [&str; 11] = [
    "po_number",
    "order_date",
    "ship_to",
    "bill_to",
    "currency",
    "payment_terms",
    "incoterms",
    "buyer_name",
    "account_no",
    "quote_ref",
    "requested_date",
];

/// Sums below the lines.
const SUMS: [&str; 5] = ["subtotal", "discount", "shipping", "tax", "total"];

/// Whether these pages are sheets with cells.
pub fn is_sheet(pages: &[Page]) -> bool {
    pages.iter().any(|page| page.how == How::Sheet && !page.cells.is_empty())
}

/// The orders in the sheets of one file; empty if no lines of goods were found.
pub fn read(pages: &[Page], format: &str, context: &Context<'_>) -> Vec<Draft> {
    let mut parts: Vec<Part> = Vec::new();
    for page in pages.iter().filter(|page| page.how == How::Sheet) {
        let layout = lay_out(std::slice::from_ref(page));
        let language = kind::find_language(&layout);
        let mut reading = super::reading(&layout, language, context.known);
        if format != "csv" {
            // cells hold numbers, not what a country makes of them
            reading.style = Style::Dot;
        }
        let sheet = Sheet::new(page);
        for part in sheet.parts(reading, layout) {
            match parts.last_mut().filter(|last| last.takes(&part)) {
                Some(last) => last.join(part),
                None => parts.push(part),
            }
        }
    }
    parts.retain(|part| !part.lines.is_empty());
    parts.into_iter().filter_map(|part| part.draft(context)).collect()
}

/// One cell with its words.
#[derive(Debug)]
struct Cell {
    column: u32,
    words: Vec<Word>,
}

impl Cell {
    fn text(&self) -> String {
        join(&self.words)
    }
}

/// The cells of one page by row.
struct Sheet {
    rows: BTreeMap<u32, Vec<Cell>>,
    page: u32,
}

/// What one order of a sheet is made of.
struct Part {
    fields: BTreeMap<String, Proposal>,
    lines: Vec<Line>,
    pages: [u32; 2],
    reading: Rc<Reading>,
    layout: Rc<Layout>,
}

/// A named column of a table.
struct Column {
    at: u32,
    /// Name of a cell of a line, or of a field of the order.
    name: &'static str,
    of_order: bool,
}

impl Sheet {
    /// Each cell's words stand in the page's words in the order of the cells.
    fn new(page: &Page) -> Self {
        let mut words = page.words.iter();
        let mut rows: BTreeMap<u32, Vec<Cell>> = BTreeMap::new();
        for cell in &page.cells {
            let count = cell.text.split_whitespace().count();
            let words = words.by_ref().take(count).map(|w| Word {
                text: w.text.clone(),
                page: page.number,
                x0: w.bbox.x0 * page.width_pt,
                y0: w.bbox.y0 * page.height_pt,
                x1: w.bbox.x1 * page.width_pt,
                y1: w.bbox.y1 * page.height_pt,
                confidence: w.confidence,
                size: w.size_pt,
                bold: w.bold,
                rect: w.bbox,
            });
            let words: Vec<Word> = words.collect();
            if !words.is_empty() && cell.column < COLUMNS_MAX {
                rows.entry(cell.row).or_default().push(Cell { column: cell.column, words });
            }
        }
        for cells in rows.values_mut() {
            cells.sort_by_key(|cell| cell.column);
        }
        Self { rows, page: page.number }
    }

    /// The orders of this sheet, in their order.
    fn parts(&self, reading: Reading, layout: Layout) -> Vec<Part> {
        let (reading, layout) = (Rc::new(reading), Rc::new(layout));
        let mut reader = SheetReader {
            sheet: self,
            reading: &reading,
            heads: BTreeSet::new(),
            done: Vec::new(),
            open: Found::default(),
        };
        reader.run();
        let found = reader.done;
        let copies = found.into_iter().map(|found| Part {
            fields: found.fields,
            lines: found.lines,
            pages: [self.page, self.page],
            reading: Rc::clone(&reading),
            layout: Rc::clone(&layout),
        });
        copies.collect()
    }
}

/// Fields and lines of one order.
#[derive(Default)]
struct Found {
    fields: BTreeMap<String, Proposal>,
    lines: Vec<Line>,
}

impl Found {
    fn number(&self) -> Option<&str> {
        self.fields.get("po_number").and_then(|p| p.value.as_text())
    }

    fn put(&mut self, name: &str, proposal: Proposal) {
        let known = self.fields.get(name).map_or(0.0, |p| p.confidence);
        if proposal.confidence > known {
            self.fields.insert(name.to_owned(), proposal);
        }
    }
}

/// Adds what the layout of the page proposes where the cells say nothing.
pub fn complete(drafts: &mut [Draft], shown: &Draft) {
    let [draft] = drafts else { return };
    if shown.kind == Kind::Other {
        return;
    }
    let wanted = fields_of(draft.kind);
    for (name, value) in &shown.fields {
        if wanted.contains(&name.as_str())
            && !draft.fields.contains_key(name)
            && !SUMS.contains(&name.as_str())
        {
            let confidence = value.confidence.min(FROM_LAYOUT_MAX);
            draft.fields.insert(name.clone(), Proposal { confidence, ..value.clone() });
        }
    }
}
