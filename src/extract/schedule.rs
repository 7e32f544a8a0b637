//! Call-off schedules: per article a block of deliveries, each with its day or week and its quantity.
//!
//! A title names the article, `Part: X5474 Bottle crate   Your no.: B7420-27`; rows below it are a date, a quantity and a
//! unit, whatever their heads are called. Several may stand side by side. Each of them is a line of goods. Does not: read a grid
//! of weeks over quantities.

use super::{
    date::parse_date,
    draft::{Reading, mend_line},
    label::{Label, column_of, label_at},
    layout::{Layout, Row, Word, join},
    number::parse_number,
};
use crate::model::draft::Line;
use std::collections::{BTreeMap, HashSet};

/// Deliveries that make a schedule at least.
const DELIVERIES_MIN: usize = 2;
/// Rows between a title, or a delivery, and the next delivery at most.
const REACH_ROWS: usize = 4;
/// Words of a row of deliveries at most.
const ROW_WORDS_MAX: usize = 40;
/// Words of a title at most.
const TITLE_WORDS_MAX: usize = 30;

type Values = BTreeMap<&'static str, Vec<Word>>;

/// One day's delivery: date, quantity, unit.
struct Delivery {
    date: Vec<Word>,
    quantity: Vec<Word>,
    unit: Vec<Word>,
}

/// The lines of a schedule, and their rows.
pub fn find_lines(layout: &Layout, reading: &Reading) -> (Vec<Line>, HashSet<usize>) {
    let (mut lines, mut rows) = (Vec::new(), HashSet::new());
    let mut title: Option<(Values, usize)> = None;
    let mut last = 0;
    for (index, row) in layout.rows.iter().enumerate() {
        let values = title_of(row);
        // a title may have several rows
        if let (Some((title, at)), Some(more)) = (&mut title, &values)
            && last == *at
            && index == last + 1
        {
            for (name, words) in more {
                title.entry(name).or_insert_with(|| words.clone());
            }
            (*at, last) = (index, index);
            continue;
        }
        if let Some(values) = values.filter(|v| v.contains_key("sku") || v.contains_key("customer_sku")) {
            title = Some((values, index));
            last = index;
            continue;
        }
        let Some((values, at)) = &title else { continue };
        let deliveries = deliveries_of(&row.words(), reading);
        if deliveries.is_empty() || index - last > REACH_ROWS {
            continue;
        }
        rows.extend([*at, index]);
        last = index;
        lines.extend(deliveries.iter().map(|delivery| read(values, delivery, reading)));
    }
    if lines.len() < DELIVERIES_MIN { (Vec::new(), HashSet::new()) } else { (lines, rows) }
}

/// The article that a row names with labels; none if it names none.
fn title_of(row: &Row) -> Option<Values> {
    let may_close = |w: &Word| w.text.contains([':', ';']) || w.text.contains("..");
    if !row.each_word().any(may_close) {
        return None; // no label ends here
    }
    let words = row.words();
    if words.len() > TITLE_WORDS_MAX {
        return None;
    }
    let mut values = Values::new();
    let mut yours = false;
    for (label, rest) in row.segments.iter().flat_map(|s| labelled(&s.words)) {
        if label.closed && column_of(&label) == Some("unit") && rest.len() == 1 {
            values.insert("unit", rest.to_vec());
            continue;
        }
        let Some(name) = named(&label).filter(|_| label.closed && !rest.is_empty()) else { continue };
        let coded = |w: &Word| w.text.len() >= 4 && w.text.chars().any(|c| c.is_ascii_digit());
        let (code, text) = match rest {
            [code, text @ ..] if coded(code) => (Some(code), text),
            text => (None, text),
        };
        if let Some(code) = code {
            let ours = name == "sku" && label.any(&["your", "supplier"]);
            let column = match name {
                "description" | "sku" if yours => "customer_sku",
                "description" => "sku",
                name => name,
            };
            // where another label says what the seller calls it, the number before is the buyer's
            if let Some(own) = values.insert(column, vec![code.clone()]).filter(|_| ours && !yours) {
                values.insert("customer_sku", own);
            }
            yours |= ours;
        }
        if text.iter().flat_map(|w| w.text.chars()).filter(|c| c.is_alphabetic()).count() >= 3 {
            values.entry("description").or_insert_with(|| text.to_vec());
        }
    }
    (!values.is_empty()).then_some(values)
}

/// Labels of a run of words, each with the words up to the next label that ends with a colon.
fn labelled(words: &[Word]) -> Vec<(Label, &[Word])> {
    let mut starts: Vec<(usize, Label)> = Vec::new();
    for at in 0..words.len().min(TITLE_WORDS_MAX) {
        let open = starts.last().is_none_or(|(from, label)| at >= from + label.words);
        let label = words.get(at..).and_then(|rest| label_at(rest.iter().map(|w| w.text.as_str())));
        if let Some(label) = label.filter(|l| open && (at == 0 || l.closed)) {
            starts.push((at, label));
        }
    }
    let ends: Vec<usize> = starts.iter().skip(1).map(|(at, _)| *at).chain([words.len()]).collect();
    starts
        .into_iter()
        .zip(ends)
        .filter_map(|((at, label), end)| Some((words.get(at + label.words..end)?, label)))
        .map(|(rest, label)| (label, rest))
        .collect()
}

/// Which side's item number, or the goods, a label in a title names.
fn named(label: &Label) -> Option<&'static str> {
    if label.any(&["your", "supplier"]) && label.any(&["number", "article"]) && !label.any(&["order", "date"])
    {
        return Some("sku");
    }
    column_of(label)
        .map(|name| if name == "line_no" && label.any(&["article"]) { "sku" } else { name })
        .filter(|name| matches!(*name, "sku" | "customer_sku" | "description"))
}

/// The deliveries of a row; several may stand side by side. None if anything else stands there.
fn deliveries_of(words: &[Word], reading: &Reading) -> Vec<Delivery> {
    let mut starts: Vec<usize> = Vec::new();
    let mut at = 0;
    while let Some(rest) = words.get(at..ROW_WORDS_MAX.min(words.len())).filter(|rest| !rest.is_empty()) {
        match parse_date(&join(rest), reading.order) {
            Some(date) => {
                starts.push(at);
                at += date.words.max(1);
            }
            None => at += 1,
        }
    }
    if starts.len() < 2 {
        return delivery_of(words, reading).into_iter().collect();
    }
    let ends: Vec<usize> = starts.iter().skip(1).copied().chain([words.len()]).collect();
    // a number may count the row
    let firsts = std::iter::once(0).chain(starts.iter().skip(1).copied());
    let parts = firsts.zip(ends).map(|(from, to)| delivery_of(words.get(from..to)?, reading));
    parts.collect::<Option<Vec<Delivery>>>().unwrap_or_default()
}

/// A date and a quantity, perhaps with a number before them and a unit behind.
fn delivery_of(words: &[Word], reading: &Reading) -> Option<Delivery> {
    let (at, date) = (0..words.len().min(2)).find_map(|at| {
        let text = join(words.get(at..)?);
        parse_date(&text, reading.order).map(|date| (at, date))
    })?;
    let counts = |w: &Word| w.text.trim_end_matches('.').chars().all(|c| c.is_ascii_digit());
    if !words.get(..at)?.iter().all(counts) {
        return None;
    }
    let (date, rest) = words.get(at..)?.split_at_checked(date.words)?;
    let [quantity, unit @ ..] = rest else { return None };
    let number = |text: &str| parse_number(text, reading.style);
    let (quantity, unit) = match super::table::glued(&quantity.text) {
        Some((number, unit)) => {
            let part = |text: &str| Word { text: text.to_owned(), ..quantity.clone() };
            (part(number), vec![part(unit)])
        }
        None => (quantity.clone(), unit.iter().take(1).cloned().collect()),
    };
    let lettered = |w: &Word| w.text.chars().count() <= 8 && number(&w.text).is_none();
    let whole = number(&quantity.text).is_some_and(|n| n > rust_decimal::Decimal::ZERO);
    // behind the unit a running sum may stand, and nothing else
    let rest_is_figures = rest.iter().skip(2).all(|w| number(&w.text).is_some());
    (whole && rest.len() <= 4 && unit.iter().all(lettered) && rest_is_figures).then(|| Delivery {
        date: date.to_vec(),
        quantity: vec![quantity],
        unit,
    })
}

fn read(title: &Values, delivery: &Delivery, reading: &Reading) -> Line {
    let mut line = Line::new();
    let mut put = |name: &'static str, words: &[Word]| {
        if !words.is_empty()
            && let Some(proposal) = super::table::cell(name, words, reading)
        {
            line.insert(name.to_owned(), proposal);
        }
    };
    for (name, words) in title {
        put(name, words);
    }
    put("delivery_date", &delivery.date);
    put("quantity", &delivery.quantity);
    if !delivery.unit.is_empty() {
        put("unit", &delivery.unit);
    }
    mend_line(&mut line, reading);
    line
}

#[cfg(test)]
mod tests {
    use crate::extract::testing::lines_of;

    fn check(text: &str, wanted: &[[&str; 4]]) {
        let got = lines_of(text, &["sku", "delivery_date", "quantity", "unit"]);
        assert_eq!(got, wanted, "{text}");
    }

    #[test]
    fn each_delivery_of_an_article_is_a_line() {
        check(
            "LIEFERABRUF 033-04347\n\nBestellnummer: 4711\n\n\
             Sachnummer: X5474.20 Flaschenkasten       Ihre Nr.: B7420-27\n\
             Eingangs-FZ: 2.713 letzter WE: 770814\n\
             Woche               Abrufmenge\n\
             KW 34/2026          1.000 Stck.\n\
             KW 35/2026            480 Stck.\n\n\
             Sachnummer: X4808.71 Plotterpapier        Ihre Nr.: 40.6036.2\n\
             KW 36/2026            240 Rolle\n",
            &[
                ["B7420-27", "2026-W34", "1000", "Stck."],
                ["B7420-27", "2026-W35", "480", "Stck."],
                ["40.6036.2", "2026-W36", "240", "Rolle"],
            ],
        );
        check(
            "LIEFERABRUF\n\nBestellnummer: 4711\n\n\
             Teilenummer Kunde: X1294.72 Teilenummer Lieferant: 8268-466\n\
             Bezeichnung: Whiteboard ME: Stück\n\n\
             Liefertermin       Menge    Liefertermin      Menge\n\
             28.9.2026            240    19.10.2026           80\n\
             5.10.2026            160    26.10.2026          640\n",
            &[
                ["8268-466", "2026-09-28", "240", "Stück"],
                ["8268-466", "2026-10-19", "80", "Stück"],
                ["8268-466", "2026-10-05", "160", "Stück"],
                ["8268-466", "2026-10-26", "640", "Stück"],
            ],
        );
        check(
            "CALL-OFF ORDER\nPurchase order no.: 4711\n\n\
             Part no.: B7420-27   Bottle crate\n\
             1   2026-05-04    50 pcs\n\
             2   2026-05-11    40 pcs\n",
            &[["B7420-27", "2026-05-04", "50", "pcs"], ["B7420-27", "2026-05-11", "40", "pcs"]],
        );
    }
}
