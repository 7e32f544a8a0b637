//! Line items without a table: each is a card of labelled values, `Line 1 LED panel` over `Qty 24 pcs  Price 36.87`.
//!
//! A row is taken if it is made of labels that head columns, each with a value of its type. Rows that follow one another
//! make a card until a label comes again. Does not: take a card without a quantity and something to deliver.

use super::{
    confidence,
    date::parse_date,
    draft::{Reading, mend_line, propose},
    label::{Label, column_of, field_of, label_at},
    layout::{Layout, Row, Word, join},
    number::{parse_number, split_currency},
    prose::is_usual_unit,
};
use crate::model::draft::Line;
use std::collections::{BTreeMap, HashSet};

/// Words in one row of a card at most.
const ROW_WORDS_MAX: usize = 40;
/// Columns that a card must fill.
const COLUMNS_MIN: usize = 3;
/// Blank between two rows of one card, in heights of the letters.
const CARD_GAP_HEIGHTS: f32 = 1.8;

type Values = BTreeMap<&'static str, Vec<Word>>;

/// One card while its rows are gathered.
#[derive(Default)]
struct Card {
    values: Values,
    rows: Vec<usize>,
}

/// The lines that stand on cards, and their rows.
pub fn find_lines(layout: &Layout, reading: &Reading) -> (Vec<Line>, HashSet<usize>) {
    let mut cards: Vec<Card> = Vec::new();
    let mut open: Option<Card> = None;
    // a row of text may be what the card below it is about
    let mut text: Option<usize> = None;
    for (index, row) in layout.rows.iter().enumerate() {
        let near = |above: Option<usize>| {
            above.and_then(|i| layout.rows.get(i)).is_some_and(|above| {
                above.page == row.page && row.y0() - above.y1() < CARD_GAP_HEIGHTS * (row.y1() - row.y0())
            })
        };
        let mut values = figures_of(row, reading);
        if values.is_empty() {
            values = values_of(row, reading);
        }
        if values.is_empty() {
            if !near(open.as_ref().and_then(|c| c.rows.last().copied())) {
                cards.extend(open.take());
            }
            text = Some(index).filter(|_| is_text(row));
            // `Date: 5 May` over the first name is of no card
            let empty =
                |c: &Card| !["sku", "quantity", "description"].iter().any(|n| c.values.contains_key(n));
            if text.is_some() && open.as_ref().is_some_and(empty) {
                open = None;
            }
            continue;
        }
        let again = open.as_ref().is_some_and(|card| {
            values.keys().any(|name| card.values.contains_key(name))
                || values.contains_key("line_no")
                || card
                    .rows
                    .last()
                    .is_some_and(|last| layout.rows.get(*last).is_none_or(|r| r.page != row.page))
        });
        if again {
            cards.extend(open.take());
        }
        let card = open.get_or_insert_default();
        let above = text.take().filter(|at| near(Some(*at)) && *at + 1 == index);
        if let Some(above) = above.filter(|_| card.rows.is_empty() && !values.contains_key("description"))
            && let Some(row) = layout.rows.get(above)
        {
            let mut words = row.words();
            if words.first().is_some_and(|w| is_mark(&w.text)) {
                words.remove(0);
            }
            if let Some(amount) = amount_of(row, reading).filter(|_| !values.contains_key("amount")) {
                words.truncate(words.len() - amount.len());
                card.values.insert("amount", amount);
            }
            card.values.insert("description", words);
            card.rows.push(above);
        }
        card.values.extend(values);
        card.rows.push(index);
    }
    cards.extend(open);
    let mut rows = HashSet::new();
    let mut lines = Vec::new();
    for card in cards {
        let has = |name: &str| card.values.contains_key(name);
        let goods = has("sku") || has("customer_sku") || has("description");
        if !has("quantity") || !goods || card.values.len() < COLUMNS_MIN {
            continue;
        }
        let mut values = card.values;
        super::table::code::split(&mut values, reading);
        rows.extend(card.rows);
        lines.push(read(&values, reading));
    }
    (lines, rows)
}

/// What the goods cost, at the right end of the row that names them.
fn amount_of(row: &Row, reading: &Reading) -> Option<Vec<Word>> {
    let [first, .., last] = row.segments.as_slice() else { return None };
    let text = last.text();
    let cents = text.trim_end_matches(|c: char| !c.is_ascii_digit());
    let money = cents.get(cents.len().checked_sub(3)?..)?.starts_with(['.', ',']);
    let named = first.text().chars().any(char::is_alphabetic);
    let number = || parse_number(split_currency(&text).0, reading.style);
    (money && named && last.words.len() <= 3 && number().is_some()).then(|| last.words.clone())
}

/// `1.` or `2)` before an item of a list.
fn is_mark(text: &str) -> bool {
    let number = text.trim_end_matches(['.', ')']);
    number.len() < text.len() && (1..=3).contains(&number.len()) && number.chars().all(|c| c.is_ascii_digit())
}

fn is_text(row: &Row) -> bool {
    let count = row.each_word().count();
    let letters = row.each_word().flat_map(|w| w.text.chars()).filter(|c| c.is_alphabetic()).count();
    count <= 12
        && letters >= 4
        && label_at(row.each_word().map(|w| w.text.as_str())).is_none_or(|l| !l.closed && l.words < count)
}

/// The labelled values of a row; none if anything in it has no label or is not what its label asks for.
fn values_of(row: &Row, reading: &Reading) -> Values {
    let first = label_at(row.each_word().map(|w| w.text.as_str()));
    let Some(first) = first.filter(|_| row.each_word().count() <= ROW_WORDS_MAX) else {
        return Values::new();
    };
    let words = row.words();
    // `Details Solenoid coil 24 V`: a row of its own that names the goods
    if let ([_], label) = (row.segments.as_slice(), &first)
        && asked(label) == Some("description")
        && let Some(goods) = words.get(label.words..).filter(|rest| rest.len() >= 2)
    {
        return Values::from([("description", goods.to_vec())]);
    }
    let mut found: Vec<(&'static str, Vec<Word>)> = Vec::new();
    let mut at = 0;
    while let Some(rest) = words.get(at..).filter(|rest| !rest.is_empty()) {
        let after_value = found.last().is_none_or(|(name, value)| fits(name, value, reading));
        let label =
            label_at(rest.iter().map(|w| w.text.as_str())).filter(|l| after_value && l.words < rest.len());
        if let Some((name, label)) = label.and_then(|l| Some((asked(&l)?, l))) {
            // words of goods may sound like labels; a label that is one comes with a value
            let value = rest.get(label.words);
            let figure = value.is_some_and(|w| w.text.chars().any(|c| c.is_ascii_digit()));
            let counted = name == "unit" && value.is_some_and(|w| is_usual_unit(&w.text));
            if label.closed
                || counted
                || figure
                || value.is_some_and(|w| parse_date(&w.text, reading.order).is_some())
            {
                at += label.words;
                found.push((name, Vec::new()));
                continue;
            }
        }
        let (Some(word), Some((_, value))) = (rest.first(), found.last_mut()) else { return Values::new() };
        if word.text.chars().any(char::is_alphanumeric)
            || value.last().is_some_and(|w| w.y1 > word.y0 && word.text == "%")
        {
            value.push(word.clone());
        }
        at += 1;
    }
    let mut values = Values::new();
    for (name, value) in found {
        if !fits(name, &value, reading) || values.contains_key(name) {
            return Values::new();
        }
        // `Line 1 LED panel`: what follows the number is the goods
        if name == "line_no" && value.len() > 1 {
            values.insert("description", value.iter().skip(1).cloned().collect());
            values.insert(name, value.into_iter().take(1).collect());
        } else {
            values.insert(name, value);
        }
    }
    values
}

/// `6 st à 355,06 kr = 2.130,36 kr`, also behind a label, `Qty: 6 × 355,06`: quantity, unit, price and amount by the marks
/// between them.
fn figures_of(row: &Row, reading: &Reading) -> Values {
    let at =
        row.each_word().position(|w| matches!(w.text.as_str(), "à" | "á" | "@" | "x" | "×" | "je" | "at"));
    let Some(at) = at.filter(|_| row.each_word().count() <= 12) else { return Values::new() };
    let words = row.words();
    let (before, after) = words.split_at(at);
    let label = label_at(before.iter().map(|w| w.text.as_str()));
    let asked = label.filter(|l| l.words < before.len() && asked(l) == Some("quantity"));
    let before = asked.and_then(|l| before.get(l.words..)).unwrap_or(before);
    let after = after.get(1..).unwrap_or_default();
    let equals = after.iter().position(|w| w.text == "=").unwrap_or(after.len());
    let (price, amount) = after.split_at(equals);
    let number = |part: &[Word]| {
        // thousands may stand apart, a currency may follow
        let end = part.iter().position(|w| w.text.chars().all(|c| !c.is_ascii_digit())).unwrap_or(part.len());
        let part = part.get(..end).unwrap_or_default();
        parse_number(&join(part), reading.style).map(|_| part.to_vec())
    };
    let unit: Vec<Word> =
        before.iter().rev().take(1).filter(|w| w.text.chars().all(char::is_alphabetic)).cloned().collect();
    let count = before.get(..before.len() - unit.len()).unwrap_or_default();
    if !count.iter().all(|w| w.text.chars().any(|c| c.is_ascii_digit())) {
        return Values::new();
    }
    let mut values = Values::new();
    let found = [("quantity", number(count)), ("unit_price", number(price))];
    for (name, words) in found {
        let Some(words) = words.filter(|w| !w.is_empty()) else { return Values::new() };
        values.insert(name, words);
    }
    if !unit.is_empty() {
        values.insert("unit", unit);
    }
    if let Some(words) = amount.get(1..).and_then(number).filter(|w| !w.is_empty()) {
        values.insert("amount", words);
    }
    values
}

/// The column that a label asks for on a card.
fn asked(label: &Label) -> Option<&'static str> {
    if field_of(label) == Some("requested_date") {
        return Some("delivery_date");
    }
    let name = column_of(label)?;
    let known = matches!(
        name,
        "line_no"
            | "sku"
            | "customer_sku"
            | "description"
            | "quantity"
            | "unit"
            | "unit_price"
            | "price_per"
            | "discount"
            | "amount"
            | "delivery_date"
    );
    known.then_some(name)
}

/// Whether the words are what a column holds.
fn fits(name: &str, words: &[Word], reading: &Reading) -> bool {
    let number = |w: &Word| parse_number(&w.text, reading.style).is_some();
    let Some(first) = words.first() else { return false };
    match name {
        "line_no" => {
            first.text.len() <= 6
                && first.text.trim_matches(['.', ':', ')']).chars().all(|c| c.is_ascii_digit())
        }
        "quantity" | "unit_price" | "price_per" | "discount" | "amount" => {
            words.len() <= 5 && words.iter().any(number)
        }
        "delivery_date" => parse_date(&join(words), reading.order).is_some(),
        "sku" | "customer_sku" => {
            words.len() <= 2 && words.iter().any(|w| w.text.chars().any(|c| c.is_ascii_digit()))
        }
        _ => true,
    }
}

fn read(values: &Values, reading: &Reading) -> Line {
    let mut line = Line::new();
    for (name, words) in values {
        let mut put = |name: &str, value: String, words: &[Word]| {
            line.insert(name.to_owned(), propose(value, words, confidence::cell(name, words, reading)));
        };
        match *name {
            "quantity" | "unit_price" | "amount" | "discount" | "price_per" => {
                let at = (0..words.len()).find_map(|at| {
                    // `1 500` is one number of two words
                    (1..=2).rev().find_map(|n| {
                        let part = words.get(at..at + n)?;
                        parse_number(&join(part), reading.style).map(|number| (at, n, number))
                    })
                });
                let Some((at, n, number)) = at else { continue };
                put(name, number.normalize().to_string(), words.get(at..at + n).unwrap_or_default());
                let unit = words.get(at + n..).unwrap_or_default();
                let letters = unit.iter().all(|w| w.text.chars().all(|c| c.is_alphabetic() || c == '.'));
                if *name == "quantity" && unit.len() == 1 && letters && !values.contains_key("unit") {
                    put("unit", join(unit), unit);
                }
            }
            "delivery_date" => {
                if let Some(date) = parse_date(&join(words), reading.order) {
                    put(name, date.iso, words);
                }
            }
            "line_no" => put(name, join(words).trim_matches(['.', ':', ')']).to_owned(), words),
            _ => put(name, join(words), words),
        }
    }
    mend_line(&mut line, reading);
    line
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::extract::{testing::check_lines, text::text_pages};

    #[test]
    fn cards_of_a_shop_say_what_the_goods_cost_beside_their_name() {
        check_lines(
            "New web order 4711\n\nBottle crate                  £33.15\nSKU: B7420-27\nQty: 5 × £6.63\n\n\
             Ear plugs SNR 37              £120.00\nSKU: E4369-62\nQty: 12 × £10.00\n\n\
             Order total                   £153.15\n",
            &["sku", "description", "quantity", "unit_price", "amount"],
            &[
                &["B7420-27", "Bottle crate", "5", "6.63", "33.15"],
                &["E4369-62", "Ear plugs SNR 37", "12", "10", "120"],
            ],
        );
    }

    #[test]
    fn cards_are_read_and_headers_are_not() {
        let text = "Order date: 2026-05-06   Quantity of pages: 2\n\n\
            Line 1 LED panel 300x1200\nSupplier Part Number N1003.387   Need By 2026-06-08\n\
            Qty 24 ea.   Price 36.87 GBP   Total 884.88 GBP\n\n\
            Line 2 Copy paper A4\nSupplier Part Number 731683964   Need By 2026-06-08\n\
            Qty 6 BX   Price 22.08 GBP   Total 132.48 GBP\n";
        let pages = text_pages(text);
        let layout = crate::extract::layout::lay_out(&pages.pages);
        let reading = crate::extract::reading(&layout, "en", &crate::model::account::Known::default());
        let (lines, _) = find_lines(&layout, &reading);
        let cell = |line: usize, name: &str| {
            lines
                .get(line)
                .and_then(|l| l.get(name))
                .and_then(|p| p.value.as_text())
                .unwrap_or_default()
                .to_owned()
        };
        assert_eq!(lines.len(), 2);
        for (line, name, value) in [
            (0, "line_no", "1"),
            (0, "description", "LED panel 300x1200"),
            (0, "sku", "N1003.387"),
            (0, "unit", "ea."),
            (0, "amount", "884.88"),
            (1, "delivery_date", "2026-06-08"),
            (1, "quantity", "6"),
            (1, "unit_price", "22.08"),
        ] {
            assert_eq!(cell(line, name), value, "{name}");
        }
    }
}
