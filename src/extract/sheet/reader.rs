//! The rows of a sheet, one after another: heads, lines, sums, labels.

use super::{
    ADDRESS_ROWS_MAX, BELOW, BESIDE, Cell, Column, Found, ORDER_COLUMNS, ORDERS_MAX, ROWS_ASKED_MAX, SUMS,
    Sheet, VALUE_COLUMNS_MAX,
    cell::{currency_in, first_line, head_label, is_block, is_label, leading_number},
};
use crate::{
    extract::{
        confidence,
        date::parse_date,
        draft::{Reading, mend_line, propose},
        field::{accept, fields_of, rename},
        label::{column_of, field_of, label_at},
        layout::{Word, join},
        number::parse_number,
    },
    model::draft::{Kind, Line},
};
use std::collections::{BTreeMap, BTreeSet};

pub(super) struct SheetReader<'a> {
    pub(super) sheet: &'a Sheet,
    pub(super) reading: &'a Reading,
    /// Rows that head a table.
    pub(super) heads: BTreeSet<u32>,
    pub(super) done: Vec<Found>,
    pub(super) open: Found,
}

impl SheetReader<'_> {
    pub(super) fn run(&mut self) {
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
                let unsure = read.ambiguous && self.reading.order == crate::extract::date::Order::Unknown;
                Some((read.iso, if unsure { 0.5 } else { sure }))
            }
            "action" => crate::extract::draft::action_of(&text).map(|action| (action, sure)),
            "sku" | "customer_sku" => {
                let label = label_at(cell.words.iter().map(|w| w.text.as_str()));
                let closed = label.is_some_and(|label| label.closed);
                (!closed && text.len() <= 40).then_some((text, sure))
            }
            _ => Some((text, sure)),
        }
    }

    /// Takes a sum below the lines; false if the row has none.
    pub(super) fn sum(&mut self, cells: &[Cell]) -> bool {
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
            && self.reading.order == crate::extract::date::Order::Unknown
            && parse_date(&join(&used), self.reading.order).is_some_and(|d| d.ambiguous);
        let sure = if unsure { 0.5 } else { sure * quality };
        self.open.put(field, propose(value, &used, sure));
    }
}
