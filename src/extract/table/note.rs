//! What stands between the lines of a table and belongs to one: notes, conditions, a second code.

use super::{Column, body::plausible, edge::Cells};
use crate::extract::{
    draft::Reading,
    label::{Label, column_of, field_of, label_at},
    layout::{Row, Word},
    prose::is_usual_unit,
};

/// Several labels with their values in one row: `yours 4711 · ours M-12`; none if the row holds anything else.
pub(super) fn notes_in(words: &[Word]) -> Vec<(Label, Vec<Word>)> {
    let mut notes: Vec<(Label, Vec<Word>)> = Vec::new();
    let mut at = 0;
    while let Some(rest) = words.get(at..).filter(|rest| !rest.is_empty()) {
        let unit = rest.first().is_some_and(|w| is_usual_unit(&w.text));
        let label = label_at(rest.iter().map(|w| w.text.as_str()))
            .filter(|l| note_column(l).is_some() && (l.closed || !unit));
        if let Some(label) = label.filter(|l| l.words < rest.len()) {
            at += label.words;
            notes.push((label, Vec::new()));
            continue;
        }
        let Some(word) = rest.first() else { break };
        let Some((_, value)) = notes.last_mut() else { return Vec::new() };
        if word.text.chars().any(char::is_alphanumeric) {
            value.push(word.clone());
        }
        at += 1;
    }
    let whole = notes.iter().all(|(_, value)| {
        (1..=4).contains(&value.len()) && value.iter().any(|w| w.text.chars().any(|c| c.is_ascii_digit()))
    });
    if whole { notes } else { Vec::new() }
}

/// The column of a note below a line. `Yours` and `ours` alone name item numbers.
pub(super) fn note_column(label: &Label) -> Option<&'static str> {
    let alone = label.concepts.len() == 1 && label.words == 1;
    // `Bestellnr.` below goods is what they are ordered by
    if label.has(&["order", "number"]) && !label.any(&["our", "date", "line", "customer"]) {
        return Some("sku");
    }
    column_of(label)
        .or_else(|| (alone && label.any(&["your"])).then_some("sku"))
        .or_else(|| (alone && label.any(&["our"])).then_some("customer_sku"))
        .or_else(|| field_of(label).filter(|f| *f == "requested_date").map(|_| "delivery_date"))
        .or_else(|| label.asks_only("delivery").then_some("delivery_date"))
}

/// Whether a label names the seller's item number: `your`, `supplier's`, and `Lev. artikelnr`, which is short for it.
pub(super) fn is_sellers(label: &Label) -> bool {
    label.any(&["your", "supplier"]) || label.has(&["delivery", "article"]) && !label.any(&["our", "date"])
}

/// Whether a text goes on in the next row because its next word did not fit, and is not another remark.
pub(super) fn wraps_on(words: &[Word], more: &[Word], right_edge: f32) -> bool {
    let (Some(last), Some(next)) = (words.last(), more.first()) else { return true };
    if words.len() == 1 && last.text.chars().any(|c| c.is_ascii_digit()) {
        // an item number in the first row of the description's cell
        return true;
    }
    let height = (last.y1 - last.y0).max(4.0);
    last.x1 + 0.25 * height + (next.x1 - next.x0) > right_edge - 0.5 * height
}

/// A label and its value below a line: `Your item no. 4711`, `Delivery: 5 May`, `Price per 100`.
pub(super) fn note_in(words: &[Word]) -> Option<(Label, Vec<Word>)> {
    let label = label_at(words.iter().map(|w| w.text.as_str())).filter(|l| l.words < words.len())?;
    let rest = words.get(label.words..)?;
    let column = note_column(&label);
    let figure = rest.len() <= 3 && rest.iter().any(|w| w.text.chars().any(|c| c.is_ascii_digit()));
    let known = match column {
        Some("delivery_date" | "price_per") => true,
        Some("sku" | "customer_sku") => {
            let sided = label.any(&["supplier", "your", "our", "customer", "buyer"]);
            figure && (label.any(&["article", "order"]) || sided && label.any(&["ref", "number"]))
        }
        Some("lot" | "serial_no" | "discount") => figure,
        _ => false,
    };
    (label.closed && column != Some("sku") || known).then(|| (label, rest.to_vec()))
}

/// A condition of the price below a line, as SAP prints them: `Gross price 9,42 EUR / 100 PCE 141,30`.
pub(super) fn condition_in(row: &Row, cells: &Cells, reading: &Reading) -> Option<(Label, Vec<Word>)> {
    if ["line_no", "sku"].iter().any(|name| cells.get(name).is_some_and(|w| plausible(name, w, reading))) {
        return None;
    }
    let words = row.words();
    // `2,50- % Rabatt 0,27-`: the share may stand before its name
    let share = words.iter().position(|w| w.text == "%" && row.segments.len() >= 2).filter(|at| *at == 1);
    let from = share.map_or(0, |at| at + 1);
    let label = label_at(words.get(from..)?.iter().map(|w| w.text.as_str()))?;
    let mut rest: Vec<Word> = words.get(..from)?.to_vec();
    rest.extend(words.iter().skip(from + label.words).cloned());
    let figure = rest.first().is_some_and(|w| w.text.starts_with(|c: char| c.is_ascii_digit()));
    let column = column_of(&label)?;
    let fits = matches!(column, "unit_price" | "discount" | "amount" | "gross")
        && !label.any(&["total", "tax", "pay", "quantity"])
        && row.segments.len() >= 2;
    (figure && fits).then_some((label, rest))
}

/// Whose item number stands lower in a column with a head like `Item Number / Vendor Item Number`.
pub(super) fn lower_code(column: &Column) -> Option<&'static str> {
    let words: Vec<&str> = column.text.split_whitespace().collect();
    let lower = words.get(words.len() / 2..).filter(|_| words.len() >= 3)?;
    let says = |concepts: &[&str]| {
        lower.iter().any(|w| label_at(std::iter::once(*w)).is_some_and(|l| l.any(concepts)))
    };
    if says(&["supplier", "your"]) {
        Some("sku")
    } else if says(&["our", "customer", "buyer"]) {
        Some("customer_sku")
    } else {
        None
    }
}
