//! A line of goods: its own row and the rows below that go on with it.

use super::{
    SECTION_GAP_PT,
    body::plausible,
    cell::{glued, put},
    edge::Cells,
    note::{note_column, note_in, notes_in, wraps_on},
};
use crate::{
    extract::{
        draft::Reading,
        label::{Label, column_of, field_of, label_at},
        layout::{Row, Word, join},
        number::parse_number,
    },
    model::draft::Line,
};

/// One line while its rows are gathered.
pub(super) struct Item {
    pub(super) cells: Cells,
    pub(super) notes: Vec<(Label, Vec<Word>)>,
}

/// Takes in a further row of a line; false if the row does not belong to it.
pub(super) fn continues(
    item: &mut Item,
    row: &Row,
    cells: Cells,
    (description_x, right_edge): (Option<f32>, f32),
    lower_code: Option<&str>,
    reading: &Reading,
) -> bool {
    let words = row.words();
    if row.segments.iter().all(|s| note_in(&s.words).is_some()) {
        item.notes.extend(row.segments.iter().filter_map(|s| note_in(&s.words)));
        return true;
    }
    let several = notes_in(&words);
    if several.len() >= 2 {
        item.notes.extend(several);
        return true;
    }
    if let Some(note) = note_in(&words) {
        item.notes.push(note);
        return true;
    }
    let only_description = cells.keys().all(|k| *k == "description");
    if !only_description && row.segments.len() == 1 && cells.values().map(Vec::len).sum::<usize>() > 0 {
        let x = row.segments.first().map_or(0.0, crate::extract::layout::Segment::x0);
        let lone = cells.keys().next().copied().unwrap_or_default();
        let wraps = matches!(lone, "sku" | "customer_sku" | "unit" | "delivery_date" | "quantity")
            && cells.len() == 1
            && !plausible("description", &words, reading);
        if description_x.is_some_and(|d| x + SECTION_GAP_PT < d) && !wraps {
            return false;
        }
    }
    let has_unit = item.cells.contains_key("unit");
    for (name, more) in cells {
        match item.cells.get_mut(name) {
            Some(words) if name == "description" => {
                if wraps_on(words, &more, right_edge) {
                    words.extend(more);
                }
            }
            Some(_)
                if name == "quantity"
                    && more.len() == 1
                    && !has_unit
                    && more.iter().all(|w| w.text.chars().all(|c| c.is_alphabetic() || c == '.')) =>
            {
                item.cells.insert("unit", more);
            }
            Some(words) if name == "sku" && join(words).ends_with('-') => words.extend(more),
            // two item numbers in one column: its head says whose the lower one is
            Some(upper) if name == "sku" && lower_code.is_some() && plausible("sku", &more, reading) => {
                let upper = std::mem::replace(upper, more.clone());
                if lower_code == Some("sku") {
                    item.cells.entry("customer_sku").or_insert(upper);
                } else {
                    item.cells.insert("sku", upper);
                    item.cells.entry("customer_sku").or_insert(more);
                }
            }
            Some(_) => {}
            None => {
                item.cells.insert(name, more);
            }
        }
    }
    true
}

impl Item {
    /// Price, discount and amount that stand in a row of their own.
    pub(super) fn take_condition(&mut self, label: &Label, words: &[Word], reading: &Reading) {
        let number = |w: &&Word| parse_number(w.text.trim_end_matches('-'), reading.style).is_some();
        let bare = |w: &Word| Word { text: w.text.trim_end_matches('-').to_owned(), ..w.clone() };
        let Some(first) = words.first() else { return };
        let last = words.iter().rev().find(number).filter(|w| w.x0 > first.x1);
        let slash = words.iter().position(|w| w.text == "/");
        match column_of(label) {
            Some("unit_price" | "gross") => {
                self.cells.insert("unit_price", vec![bare(first)]);
                if let Some(per) = slash.and_then(|at| words.get(at + 1)).filter(number) {
                    self.cells.insert("price_per", vec![bare(per)]);
                }
                let per_at = slash.map_or(0.0, |at| words.get(at + 1).map_or(0.0, |w| w.x1));
                if let Some(amount) = last.filter(|w| w.x0 > per_at) {
                    self.cells.entry("amount").or_insert_with(|| vec![amount.clone()]);
                }
            }
            Some("discount") => {
                if words.iter().any(|w| w.text.contains('%')) {
                    self.cells.insert("discount", vec![bare(first)]);
                }
            }
            // the net value comes after what makes it
            _ => {
                self.cells.insert("amount", vec![last.unwrap_or(first).clone()]);
            }
        }
    }

    pub(super) fn read(mut self, reading: &Reading) -> Line {
        let mut line = Line::new();
        self.split_joined(reading);
        for (name, words) in &self.cells {
            put(&mut line, name, words, reading);
        }
        for (label, words) in &self.notes {
            let name = match note_column(label).or_else(|| field_of(label)) {
                Some("requested_date") => "delivery_date",
                Some("quantity") if line.contains_key("quantity") && !label.any(&["previous"]) => {
                    "ordered_quantity"
                }
                Some("quantity") if label.any(&["previous"]) => "previous_quantity",
                Some(name) => name,
                None => continue,
            };
            // the buyer's own number heads the column where a note names the seller's
            if name == "sku"
                && label.any(&["your", "supplier"])
                && !line.contains_key("customer_sku")
                && let Some(own) = line.remove("sku")
            {
                line.insert("customer_sku".to_owned(), own);
            }
            if !line.contains_key(name) && crate::extract::draft::column_name(name).is_some() {
                put(&mut line, name, words, reading);
            }
        }
        crate::extract::draft::mend_line(&mut line, reading);
        line
    }

    /// Cells that hold two things: `[SKU] text`, `12 pcs`, `1.20 / 100`.
    fn split_joined(&mut self, reading: &Reading) {
        if let Some(words) = self.cells.get("description")
            && !self.cells.contains_key("sku")
            && let Some(first) = words.first()
            && first.text.starts_with('[')
            && let Some(end) = words.iter().position(|w| w.text.ends_with(']'))
        {
            let sku: Vec<Word> = words.iter().take(end + 1).cloned().collect();
            let rest: Vec<Word> = words.iter().skip(end + 1).cloned().collect();
            self.cells.insert("sku", sku);
            self.cells.insert("description", rest);
        }
        self.split_code();
        self.split_labelled_code();
        if let Some([word]) = self.cells.get("quantity").map(Vec::as_slice)
            && let Some((number, unit)) = word.text.split_once('/')
            && parse_number(number, reading.style).is_some()
            && unit.chars().all(|c| c.is_alphabetic() || c == '.')
            && !unit.is_empty()
            && !self.cells.contains_key("unit")
        {
            let with = |text: &str| vec![Word { text: text.to_owned(), ..word.clone() }];
            let (number, unit) = (with(number), with(unit));
            self.cells.insert("quantity", number);
            self.cells.insert("unit", unit);
        }
        if let Some([word]) = self.cells.get("quantity").map(Vec::as_slice)
            && !self.cells.contains_key("unit")
            && let Some((number, unit)) = glued(&word.text)
        {
            let with = |text: &str| vec![Word { text: text.to_owned(), ..word.clone() }];
            let (number, unit) = (with(number), with(unit));
            self.cells.insert("quantity", number);
            self.cells.insert("unit", unit);
        }
        if let Some(words) = self.cells.get("quantity").cloned()
            && words.len() >= 2
        {
            let (numbers, others): (Vec<Word>, Vec<Word>) =
                words.into_iter().partition(|w| parse_number(&w.text, reading.style).is_some());
            if !numbers.is_empty()
                && !others.is_empty()
                && others.len() <= 2
                && others.iter().all(|w| w.text.chars().any(char::is_alphabetic))
            {
                self.cells.insert("quantity", numbers);
                self.cells.entry("unit").or_insert(others);
            }
        }
        if let Some(words) = self.cells.get("unit").cloned()
            && words.len() >= 2
            && let Some(first) = words.first()
            && parse_number(&first.text, reading.style).is_some()
            && !self.cells.contains_key("quantity")
        {
            self.cells.insert("quantity", words.iter().take(1).cloned().collect());
            self.cells.insert("unit", words.iter().skip(1).cloned().collect());
        }
        if let Some(words) = self.cells.get("unit_price").cloned() {
            let text = join(&words);
            if let Some((price, per)) =
                text.split_once('/').or_else(|| text.split_once(" per ")).or_else(|| text.split_once(" je "))
                && let (Some(_), Some(per_words)) = (
                    parse_number(price.trim(), reading.style),
                    (!per.trim().is_empty()).then_some(per.trim()),
                )
            {
                let number: String =
                    per_words.chars().take_while(|c| c.is_ascii_digit() || matches!(c, '.' | ',')).collect();
                let mut head = words.first().cloned();
                if let Some(word) = head.as_mut() {
                    word.text = price.trim().to_owned();
                }
                let mut tail = words.last().cloned();
                if let Some(word) = tail.as_mut() {
                    word.text = number.clone();
                }
                self.cells.insert("unit_price", head.into_iter().collect());
                if !number.is_empty() && number != "1" {
                    self.cells.entry("price_per").or_insert(tail.into_iter().collect());
                }
            }
        }
    }
}

impl Item {
    /// An item number with its label at the start of the description: `Catalog No. 4711`.
    fn split_labelled_code(&mut self) {
        let Some(words) = self.cells.get("description") else { return };
        let Some(label) = label_at(words.iter().map(|w| w.text.as_str())) else { return };
        let Some(name) = column_of(&label).filter(|n| matches!(*n, "sku" | "customer_sku")) else { return };
        let Some(code) = words.get(label.words) else { return };
        let own_row = words.get(label.words + 1).is_none_or(|w| w.y0 > f32::midpoint(code.y0, code.y1));
        let digits = code.text.chars().any(|c| c.is_ascii_digit());
        if own_row && digits && label.any(&["article", "number"]) && !self.cells.contains_key(name) {
            let rest: Vec<Word> = words.iter().skip(label.words + 1).cloned().collect();
            let code = vec![code.clone()];
            self.cells.insert(name, code);
            if rest.is_empty() {
                self.cells.remove("description");
            } else {
                self.cells.insert("description", rest);
            }
        }
    }

    /// An item number that stands alone in the first row of the description's cell.
    fn split_code(&mut self) {
        if self.cells.contains_key("sku") || self.cells.contains_key("customer_sku") {
            return;
        }
        let Some(words) = self.cells.get("description") else { return };
        let Some(first) = words.first() else { return };
        let alone = words.get(1).is_none_or(|w| w.y0 > f32::midpoint(first.y0, first.y1));
        let code = first.text.len() >= 4
            && first.text.chars().any(|c| c.is_ascii_digit())
            && first.text.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '.' | '/'));
        if alone && code && words.len() >= 2 {
            let (head, rest) = (vec![first.clone()], words.iter().skip(1).cloned().collect());
            self.cells.insert("sku", head);
            self.cells.insert("description", rest);
        }
    }
}
