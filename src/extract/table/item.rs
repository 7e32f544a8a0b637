//! A line of goods: its own row and the rows below that go on with it.

use super::{
    cell::{glued, put},
    code,
    edge::Cells,
    note::{is_sellers, note_column},
};
use crate::{
    extract::{
        draft::Reading,
        label::{Label, column_of, field_of},
        layout::{Word, join},
        number::{parse_number, split_currency},
    },
    model::draft::Line,
};

/// One line while its rows are gathered.
pub(super) struct Item {
    pub(super) cells: Cells,
    pub(super) notes: Vec<(Label, Vec<Word>)>,
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
        for (name, words) in self.cells.iter().filter(|(name, _)| !name.starts_with('?')) {
            put(&mut line, name, words, reading);
        }
        // what is taken off an invoice that is paid is money, not a share
        if !line.contains_key("discount")
            && let Some(words) = self.cells.get("discount")
            && (self.cells.contains_key("gross") || self.cells.contains_key("invoice_number"))
        {
            let mut taken = Line::new();
            put(&mut taken, "gross", words, reading);
            line.extend(taken.remove("gross").map(|off| ("discount".to_owned(), off)));
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
                && is_sellers(label)
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
        code::split(&mut self.cells, reading);
        self.split_price_unit();
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
                    parse_number(split_currency(price).0, reading.style),
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

    /// The unit that a price is for, in the column of units: `/ 100 pcs`.
    fn split_price_unit(&mut self) {
        let Some(words) = self.cells.get("unit") else { return };
        let words: Vec<Word> = words.iter().filter(|w| w.text != "/").cloned().collect();
        let [number, unit] = words.as_slice() else { return };
        let digits = number.text.trim_start_matches('/');
        let count = !digits.is_empty() && digits.chars().all(|c| c.is_ascii_digit());
        if count && self.cells.contains_key("quantity") && unit.text.chars().all(char::is_alphabetic) {
            let number = vec![Word { text: digits.to_owned(), ..number.clone() }];
            let unit = vec![unit.clone()];
            self.cells.insert("unit", unit);
            self.cells.entry("price_per").or_insert(number);
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::extract::testing::check_lines as check;

    #[test]
    fn a_unit_may_stand_at_its_number_without_a_blank() {
        check(
            "PURCHASE ORDER 4711\n\nPos  Article no.  Description            Quantity      Price     Amount\n\
             1    B7420-27     Bottle crate           5crates        6.63      33.15\n\
             2    436962       Ear plugs              12,5KG        10.00     125.00\n",
            &["quantity", "unit", "amount"],
            &[&["5", "crates", "33.15"], &["12.5", "KG", "125"]],
        );
    }

    #[test]
    fn two_labelled_values_may_stand_below_a_line() {
        check(
            "PURCHASE ORDER 4711\n\n\
             Pos  Your item no.  Description                                       Quantity      Price     Amount\n\
             1    B7420-27       Bottle crate                                       5 pcs         6.63      33.15\n\
             \x20                   Our item no.: 00003616 Delivery: 2026-07-09\n\
             2    436962         Ear plugs                                         12 pcs        10.00     120.00\n\
             \x20                   Our item no.: 00005894 Delivery: 2026-06-25\n",
            &["sku", "customer_sku", "delivery_date"],
            &[&["B7420-27", "00003616", "2026-07-09"], &["436962", "00005894", "2026-06-25"]],
        );
    }

    #[test]
    fn dots_to_write_on_are_no_unit() {
        check(
            "REQUEST FOR QUOTATION 4711\n\nPos  Article no.  Description            Quantity   Unit\n\
             1    B7420-27     Bottle crate            5         pcs ..........\n\
             2    436962       Ear plugs              12         box ..........\n",
            &["quantity", "unit"],
            &[&["5", "pcs"], &["12", "box"]],
        );
    }

    #[test]
    fn goods_may_stand_under_a_head_that_says_nothing_known() {
        check(
            "BESTÄLLNING 4711\n\n#    nr           vad                    antal       à-pris      summa\n\
             1    99/9039      Korrugerat rör         5         433,28    2 166,40\n\
             2    128794       Axeltätning           25         943,51   23 587,75\n",
            &["line_no", "sku", "description", "quantity"],
            &[&["1", "99/9039", "Korrugerat rör", "5"], &["2", "128794", "Axeltätning", "25"]],
        );
    }

    #[test]
    fn sums_of_a_section_do_not_end_the_table() {
        check(
            "PURCHASE ORDER 4711\n\nPos    Article no.  Description         Qty    Unit price     Amount\n\
             1.10   8268-466     Whiteboard            8         99.18     793.44\n\
             Total section 1                                               793.44\n\
             2      Shell\n\
             2.10   R4011-41     Ring binder          16          1.95      31.20\n\
             Total section 2                                                31.20\n\
             Total                                                         824.64\n",
            &["line_no", "sku", "amount"],
            &[&["1.10", "8268-466", "793.44"], &["2.10", "R4011-41", "31.2"]],
        );
    }
}
