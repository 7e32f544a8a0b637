//! What the words of one cell say, by the type of its column.

use crate::{
    extract::{
        confidence,
        date::{self, parse_date},
        draft::{Reading, propose},
        label::{column_of, label_at},
        layout::{Word, join},
        number::{parse_number, split_currency},
        prose::is_usual_unit,
    },
    model::draft::{Line, Proposal},
};

/// Letters of a unit that stands at its number without a blank at most.
const UNIT_LETTERS_MAX: usize = 8;

/// Number and unit of `12pcs`, as a cell of quantities holds them.
pub(crate) fn glued(text: &str) -> Option<(&str, &str)> {
    let at = text.find(|c: char| !(c.is_ascii_digit() || matches!(c, '.' | ',')))?;
    let (number, unit) = text.split_at_checked(at)?;
    let letters = unit.chars().filter(|c| c.is_alphabetic()).count();
    let fits = number.ends_with(|c: char| c.is_ascii_digit())
        && (1..=UNIT_LETTERS_MAX).contains(&letters)
        && unit.trim_end_matches(['2', '3', '²', '³']).chars().all(|c| c.is_alphabetic() || c == '.')
        && !unit.starts_with('.')
        // a misread digit is no unit
        && (is_usual_unit(unit)
            || letters >= 2 && !unit.chars().all(|c| matches!(c, 'l' | 'I' | 'i' | 'O' | 'o' | 'S' | 'B')));
    fits.then_some((number, unit))
}

/// Whether a text that stands where a unit should heads a column of something else: `Quantity`, `Due Date`.
fn heads_other(text: &str) -> bool {
    let label = label_at(text.split_whitespace())
        .filter(|l| !l.forgiven && l.words == text.split_whitespace().count());
    let column = label.as_ref().and_then(column_of);
    !is_usual_unit(text)
        && matches!(column, Some("quantity" | "delivery_date" | "unit_price" | "amount" | "sku" | "discount"))
}

/// What the words of one cell say, by the type of their column.
pub(crate) fn cell(name: &str, words: &[Word], reading: &Reading) -> Option<Proposal> {
    let name = crate::extract::draft::column_name(name)?;
    let mut line = Line::new();
    put(&mut line, name, words, reading);
    line.remove(name)
}

/// Reads one cell by the type of its column.
pub(super) fn put(line: &mut Line, name: &'static str, words: &[Word], reading: &Reading) {
    let text = join(words);
    let base = confidence::cell(name, words, reading);
    let value = match name {
        "quantity" | "ordered_quantity" | "previous_quantity" | "unit_price" | "amount" | "gross"
        | "tax_rate" | "discount" | "price_per" => {
            let number = parse_number(&text, reading.style)
                .or_else(|| words.iter().find_map(|w| parse_number(&w.text, reading.style)))
                .or_else(|| parse_number(split_currency(&text.replace(' ', "")).0, reading.style));
            // `(100)` is how many are in a pack
            let packed = matches!(name, "quantity" | "ordered_quantity") && text.starts_with('(');
            let share = matches!(name, "discount" | "tax_rate");
            // `VAT 20% (purchases)`
            let rate = || words.iter().find_map(|w| parse_number(w.text.strip_suffix('%')?, reading.style));
            let number = if name == "tax_rate" { number.or_else(rate) } else { number };
            let number = number.filter(|n| !share || n.abs() <= rust_decimal::Decimal::ONE_HUNDRED);
            number.filter(|_| !packed).map(|n| n.normalize().to_string())
        }
        "delivery_date" | "invoice_date" => (0..words.len().min(3)).find_map(|from| {
            let text = join(words.get(from..).unwrap_or_default());
            parse_date(&text, reading.order).map(|d| d.iso)
        }),
        "sku" | "customer_sku" | "lot" | "serial_no" | "invoice_number" => {
            let code = text.trim_matches(|c| matches!(c, '[' | ']' | '(' | ')' | ',' | ';' | ':')).to_owned();
            (code.chars().any(char::is_alphanumeric) && words.len() <= 4).then_some(code)
        }
        "line_no" => (text.len() <= 8 && text.chars().any(|c| c.is_ascii_digit()))
            .then(|| text.trim_end_matches(['.', ')']).to_owned()),
        "action" => crate::extract::draft::action_of(&text),
        // the head of a smaller table within a line
        "unit" if heads_other(&text) => None,
        // `pcs ........`: a place to write
        _ => {
            let dots = words.last().is_some_and(|w| !w.text.contains(char::is_alphanumeric));
            let said = if dots { text.trim_end_matches(['.', '_', '…', ' ']) } else { &text };
            said.chars().any(char::is_alphanumeric).then(|| said.to_owned())
        }
    };
    let Some(value) = value else { return };
    if name == "price_per" && value == "1" {
        return;
    }
    let ambiguous = name.ends_with("_date")
        && parse_date(&text, reading.order).is_some_and(|d| d.ambiguous)
        && reading.order == date::Order::Unknown;
    let sure = if ambiguous { base.min(0.5) } else { base };
    line.insert(name.to_owned(), propose(value, words, sure));
}
