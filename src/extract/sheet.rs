//! Sheets into drafts: cells instead of places on a page.
//!
//! A row whose cells name columns heads the lines below it; cells beside and below labels are the fields. A column may
//! also hold what belongs to the order as a whole (order number, address): then its values part the orders. Several
//! orders in a sheet, and several sheets of one order, are told by the order number.
//! Does not: calculate; a cell says what it says. Limits: rows and columns of the reader.

use super::{
    Context, confidence,
    date::parse_date,
    draft::{Reading, mend_line, propose},
    field::{accept, fields_of, rename},
    kind,
    label::{Label, column_of, field_of, label_at},
    layout::{Layout, Word, join, lay_out},
    number::{Style, parse_currency, parse_number, split_currency},
};
use crate::model::{
    draft::{Draft, Kind, Line, Proposal},
    page::{How, Page},
};
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

struct SheetReader<'a> {
    sheet: &'a Sheet,
    reading: &'a Reading,
    /// Rows that head a table.
    heads: BTreeSet<u32>,
    done: Vec<Found>,
    open: Found,
}

impl SheetReader<'_> {
    fn run(&mut self) {
        let heads = self.sheet.rows.iter().filter_map(|(&row, cells)| Some((row, self.head(row, cells)?)));
        let mut heads: BTreeMap<u32, Vec<Column>> = heads.collect();
        self.heads = heads.keys().copied().collect();
        let mut columns: Vec<Column> = Vec::new();
        let mut taken: BTreeSet<(u32, u32)> = BTreeSet::new();
        for (&row, cells) in &self.sheet.rows {
            if let Some(head) = heads.remove(&row) {
                columns = head;
                continue;
            }
            if self.line(cells, &columns) || self.sum(cells) {
                continue;
            }
            self.labels(row, cells, &mut taken);
        }
        self.close();
    }

    fn close(&mut self) {
        self.done.push(std::mem::take(&mut self.open));
    }

    /// The columns that the cells of a row name, if it is the head of a table of goods.
    fn head(&self, row: u32, cells: &[Cell]) -> Option<Vec<Column>> {
        let mut columns: Vec<Column> = Vec::new();
        for cell in cells {
            if parse_number(&cell.text(), self.reading.style).is_some() {
                return None;
            }
            let Some(label) = head_label(cell) else { continue };
            let field = field_of(&label).filter(|f| ORDER_COLUMNS.contains(f));
            let column = column_of(&label);
            let goods = label.any(&["article", "line", "price", "quantity", "unit"]);
            let wanted = field == Some("requested_date") && column == Some("delivery_date");
            let of_order = field.is_some() && !goods && !wanted;
            let name = if of_order { field } else { column };
            if let Some(name) = name.filter(|name| columns.iter().all(|c| c.name != *name)) {
                columns.push(Column { at: cell.column, name, of_order });
            }
        }
        let has = |name: &str| columns.iter().any(|c| c.name == name);
        let what = has("sku") || has("description") || has("customer_sku");
        let figures = has("quantity") || has("ordered_quantity");
        (what && figures && columns.len() * 2 >= cells.len()).then(|| self.settle(row, columns))
    }

    /// A column of numbers that name goods is no column of line numbers.
    fn settle(&self, row: u32, mut columns: Vec<Column>) -> Vec<Column> {
        if columns.iter().any(|c| c.name == "sku") {
            return columns;
        }
        let Some(at) = columns.iter().position(|c| c.name == "line_no") else { return columns };
        let Some(column) = columns.get(at).map(|c| c.at) else { return columns };
        let values: Vec<String> = self
            .sheet
            .rows
            .range(row + 1..)
            .take(ROWS_ASKED_MAX)
            .filter_map(|(_, cells)| cells.iter().find(|c| c.column == column))
            .map(Cell::text)
            .collect();
        let codes = values.iter().filter(|v| {
            v.len() >= 4 && v.chars().any(|c| c.is_ascii_digit()) && v.split_whitespace().count() == 1
        });
        let small = values.iter().filter(|v| v.len() <= 3 && v.chars().all(|c| c.is_ascii_digit())).count();
        if codes.count() > small
            && let Some(column) = columns.get_mut(at)
        {
            column.name = "sku";
        }
        columns
    }

    /// Takes a row of goods; false if it is none.
    fn line(&mut self, cells: &[Cell], columns: &[Column]) -> bool {
        let at = |column: &Column| cells.iter().find(|cell| cell.column == column.at);
        let mut line = Line::new();
        for column in columns.iter().filter(|c| !c.of_order) {
            let Some(cell) = at(column) else { continue };
            if let Some((value, sure)) = self.cell(column.name, cell) {
                line.insert(column.name.to_owned(), propose(value, &cell.words, sure));
            }
        }
        let has = |name: &str| line.contains_key(name);
        let what = has("sku") || has("customer_sku") || has("description");
        if !what || !(has("quantity") || has("ordered_quantity")) {
            return false;
        }
        let own: Vec<(&Column, &Cell)> =
            columns.iter().filter(|c| c.of_order).filter_map(|c| at(c).map(|cell| (c, cell))).collect();
        let number = own.iter().find(|(c, _)| c.name == "po_number").map(|(_, cell)| cell.text());
        if let (Some(number), Some(open)) = (&number, self.open.number())
            && open != number
            && !self.open.lines.is_empty()
            && self.done.len() < ORDERS_MAX
        {
            let known = self.done.iter().position(|found| found.number() == Some(number));
            self.close();
            // rows of one order need not stand together
            if let Some(known) = known.filter(|known| *known < self.done.len()) {
                self.open = self.done.remove(known);
            }
        }
        for (column, cell) in own {
            if let Some((value, words, quality)) = accept(column.name, &cell.words, self.reading) {
                self.open.put(column.name, propose(value, &words, BESIDE * quality));
            } else if matches!(column.name, "ship_to" | "bill_to" | "buyer_name" | "po_number") {
                self.open.put(column.name, propose(cell.text(), &cell.words, BELOW));
            }
        }
        mend_line(&mut line, self.reading);
        self.open.lines.push(line);
        true
    }

    /// The value of a cell, if it is what its column asks for.
    fn cell(&self, name: &str, cell: &Cell) -> Option<(String, f32)> {
        let text = cell.text();
        let sure = confidence::cell(name, &cell.words, self.reading).max(BESIDE);
        match name {
            "quantity" | "ordered_quantity" | "previous_quantity" | "unit_price" | "amount" | "price_per"
            | "discount" | "tax_rate" | "gross" => {
                let number = parse_number(&text, self.reading.style)
                    .or_else(|| leading_number(&text, self.reading.style))?;
                Some((number.to_string(), sure))
            }
            "delivery_date" | "invoice_date" => {
                let read = parse_date(&text, self.reading.order)?;
                let unsure = read.ambiguous && self.reading.order == super::date::Order::Unknown;
                Some((read.iso, if unsure { 0.5 } else { sure }))
            }
            "action" => super::draft::action_of(&text).map(|action| (action, sure)),
            "sku" | "customer_sku" => {
                let label = label_at(cell.words.iter().map(|w| w.text.as_str()));
                let closed = label.is_some_and(|label| label.closed);
                (!closed && text.len() <= 40).then_some((text, sure))
            }
            _ => Some((text, sure)),
        }
    }

    /// Takes a sum below the lines; false if the row has none.
    fn sum(&mut self, cells: &[Cell]) -> bool {
        let mut taken = false;
        for (index, cell) in cells.iter().enumerate() {
            let Some(label) = head_label(cell) else { continue };
            let Some(field) = field_of(&label).filter(|field| SUMS.contains(field)) else { continue };
            let value = cells.iter().skip(index + 1).find_map(|value| {
                let text = value.text();
                let number = parse_number(&text, self.reading.style)
                    .filter(|_| !text.ends_with('%'))
                    .filter(|_| head_label(value).is_none())?;
                Some((number, value))
            });
            if let Some((number, value)) = value {
                if let Some((code, words)) = currency_in(cell) {
                    self.open.put("currency", propose(code.to_owned(), &words, BESIDE));
                }
                self.open.put(field, propose(number.abs().to_string(), &value.words, BESIDE));
                taken = true;
            }
        }
        taken
    }

    /// Fields beside and below labels.
    fn labels(&mut self, row: u32, cells: &[Cell], taken: &mut BTreeSet<(u32, u32)>) {
        for (index, cell) in cells.iter().enumerate() {
            if taken.contains(&(row, cell.column)) {
                continue;
            }
            let Some(label) = label_at(cell.words.iter().map(|w| w.text.as_str())) else { continue };
            let whole = label.words == cell.words.len();
            let Some(field) = field_of(&label).map(|f| rename(f, &label, Kind::PurchaseOrder)) else {
                continue;
            };
            let field = match field {
                "customer_name" | "legal_name" => "buyer_name",
                "vendor" => "vendor_name",
                field => field,
            };
            if SUMS.contains(&field) || !(whole || label.closed) {
                continue;
            }
            if !whole {
                let rest = cell.words.get(label.words..).unwrap_or_default();
                self.put(field, rest.to_vec(), BESIDE);
                continue;
            }
            let next = cells
                .get(index + 1)
                .filter(|next| next.column - cell.column <= VALUE_COLUMNS_MAX && !is_label(next));
            if let Some(next) = next {
                taken.insert((row, next.column));
                let mut words = next.words.clone();
                if is_block(field) {
                    words = self.block(row, next.column, cell.column, words, taken);
                }
                self.put(field, words, BESIDE);
            } else {
                self.below(row, cell.column, field, taken);
            }
        }
    }

    /// A value below its label; addresses go on over several rows.
    fn below(&mut self, row: u32, column: u32, field: &'static str, taken: &mut BTreeSet<(u32, u32)>) {
        let at = |row: u32| self.sheet.rows.get(&row)?.iter().find(|cell| cell.column == column);
        let Some(first) = at(row + 1).filter(|cell| !is_label(cell)) else { return };
        taken.insert((row + 1, column));
        let mut words = first.words.clone();
        if is_block(field) {
            words = self.block(row + 1, column, column, words, taken);
        }
        self.put(field, words, BELOW);
    }

    /// The rows of a block of text that starts in this cell; a label in `label_column` ends it.
    fn block(
        &self,
        row: u32,
        column: u32,
        label_column: u32,
        mut words: Vec<Word>,
        taken: &mut BTreeSet<(u32, u32)>,
    ) -> Vec<Word> {
        for row in row + 1..=row + ADDRESS_ROWS_MAX {
            let Some(cells) = self.sheet.rows.get(&row) else { break };
            let labelled = column != label_column && cells.iter().any(|c| c.column == label_column);
            let Some(cell) = cells.iter().find(|c| c.column == column) else { break };
            if labelled || is_label(cell) || self.heads.contains(&row) {
                break;
            }
            taken.insert((row, column));
            if let Some(last) = words.last_mut().filter(|w| !w.text.ends_with(',')) {
                last.text.push(',');
            }
            words.extend(cell.words.iter().cloned());
        }
        words
    }

    fn put(&mut self, field: &str, words: Vec<Word>, sure: f32) {
        if words.is_empty() || !fields_of(Kind::PurchaseOrderChange).contains(&field) {
            return;
        }
        if field == "po_number"
            && !self.open.lines.is_empty()
            && self.open.number().is_some_and(|number| number != join(&words))
            && self.done.len() < ORDERS_MAX
        {
            self.close();
        }
        let accepted = match field {
            "buyer_name" | "vendor_name" => Some((first_line(&words), words.clone(), 1.0)),
            _ => accept(field, &words, self.reading),
        };
        let Some((value, used, quality)) = accepted else { return };
        let unsure = (field.contains("date"))
            && self.reading.order == super::date::Order::Unknown
            && parse_date(&join(&used), self.reading.order).is_some_and(|d| d.ambiguous);
        let sure = if unsure { 0.5 } else { sure * quality };
        self.open.put(field, propose(value, &used, sure));
    }
}

/// Up to where the next row of a block begins.
fn first_line(words: &[Word]) -> String {
    let row = words.first().map_or(0.0, |w| w.y0);
    let line: Vec<Word> = words.iter().take_while(|w| (w.y0 - row).abs() < 1.0).cloned().collect();
    join(&line).trim_end_matches(',').to_owned()
}

fn is_block(field: &str) -> bool {
    matches!(field, "ship_to" | "bill_to" | "buyer_name" | "vendor_name")
}

/// `12 pcs` gives 12.
fn leading_number(text: &str, style: Style) -> Option<rust_decimal::Decimal> {
    let (first, rest) = text.split_once(' ')?;
    rest.chars().all(|c| c.is_alphabetic() || c == '.').then(|| parse_number(first, style)).flatten()
}

/// A cell that is a label and nothing else; what stands in brackets and currencies are left out.
fn head_label(cell: &Cell) -> Option<Label> {
    let mut depth = 0_usize;
    let mut words: Vec<String> = Vec::new();
    for word in &cell.words {
        let opens = word.text.matches(['(', '[']).count();
        let bare = word.text.split(['(', '[']).next().unwrap_or_default();
        if depth == 0 && !bare.is_empty() && parse_currency(bare).is_none() {
            words.push(bare.to_owned());
        }
        depth = (depth + opens).saturating_sub(word.text.matches([')', ']']).count());
    }
    let words: Vec<String> = words
        .into_iter()
        .filter(|w| {
            !(w.ends_with('%') && w.len() <= 5)
                && !w.chars().all(|c| c.is_ascii_digit() || matches!(c, '.' | ','))
        })
        .collect();
    let label = label_at(words.iter().map(String::as_str))?;
    (label.words == words.len()).then_some(label)
}

/// A currency named in a label: `Total USD`, `Unit price (EUR)`.
fn currency_in(cell: &Cell) -> Option<(&'static str, Vec<Word>)> {
    cell.words.iter().find_map(|word| {
        let code = parse_currency(word.text.trim_matches(['(', ')', '[', ']']))?;
        (word.text.len() >= 3).then(|| (code, vec![word.clone()]))
    })
}

/// Whether a cell is a label of a field or of a column.
fn is_label(cell: &Cell) -> bool {
    let label = label_at(cell.words.iter().map(|w| w.text.as_str()));
    label.is_some_and(|label| {
        let whole = label.words == cell.words.len();
        label.closed || whole && !label.forgiven && (field_of(&label).is_some() && label.words <= 4)
    })
}

impl Part {
    fn number(&self) -> Option<&str> {
        self.fields.get("po_number").and_then(|p| p.value.as_text())
    }

    /// Whether the next sheet goes on with this order.
    fn takes(&self, next: &Self) -> bool {
        match (self.number(), next.number()) {
            (Some(a), Some(b)) => a == b,
            (_, None) => true,
            (None, Some(_)) => self.lines.is_empty() || next.lines.is_empty(),
        }
    }

    fn join(&mut self, next: Self) {
        for (name, value) in next.fields {
            self.fields.entry(name).or_insert(value);
        }
        // a second sheet with the same goods (a copy, a print view) is not ordered twice
        if self.lines.is_empty() {
            self.lines = next.lines;
            self.layout = next.layout;
            self.reading = next.reading;
        } else if !same_goods(&self.lines, &next.lines) {
            self.lines.extend(next.lines);
        }
        self.pages = [self.pages[0], next.pages[1]];
    }

    /// What the cells say, with what the layout adds; none if nothing says that it is a document of trade.
    fn draft(self, context: &Context<'_>) -> Option<Draft> {
        let (kind, sure) = kind::find_kind(&self.layout, context.subject, &kind::Goods::of(&self.lines));
        let has = |name: &str| self.fields.contains_key(name);
        let ordered = has("po_number") || has("requested_date") || has("ship_to");
        let (kind, kind_confidence) = match kind {
            Kind::Other if ordered => (Kind::PurchaseOrder, BELOW),
            kind => (kind, sure),
        };
        if kind == Kind::Other {
            return None;
        }
        let wanted = fields_of(kind);
        let mut fields: BTreeMap<String, Proposal> = self.fields;
        for (sum, code) in self
            .lines
            .iter()
            .filter_map(|line| line.get("amount").or(line.get("unit_price")))
            .filter_map(|p| Some((p, split_currency(p.printed.as_deref()?).1?)))
        {
            fields.entry("currency".to_owned()).or_insert_with(|| Proposal {
                value: crate::model::draft::Content::Text(code.to_owned()),
                confidence: BELOW,
                ..sum.clone()
            });
        }
        fields.retain(|name, _| wanted.contains(&name.as_str()));
        let mut lines = self.lines;
        for line in &mut lines {
            super::keep_columns(line, kind);
        }
        Some(Draft {
            kind,
            kind_confidence,
            language: self.reading.language.to_owned(),
            standard: None,
            page_range: self.pages,
            fields,
            lines,
            findings: Vec::new(),
            precedents: Vec::new(),
        })
    }
}

/// Whether two lists name the same goods in the same quantities.
fn same_goods(a: &[Line], b: &[Line]) -> bool {
    let cell = |line: &Line, name: &str| line.get(name).and_then(|p| p.value.as_text()).map(str::to_owned);
    a.len() == b.len()
        && a.iter().zip(b).all(|(x, y)| {
            ["sku", "description", "quantity"].iter().all(|name| cell(x, name) == cell(y, name))
        })
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
