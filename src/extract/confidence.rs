//! How sure a value is.
//!
//! Each rule gives its values a first figure by how it found them. Once the draft is whole, a model that was trained
//! on documents with known truth weighs that figure against everything else that speaks for or against the value, and
//! answers with a probability; [`features`] says what counts, `model.json` holds what was learnt, and
//! `mailroom train` makes it. A number that nothing proves stays below 0.99 where it was read from pixels.

pub mod features;
pub mod trees;

use super::{
    date::{Order, parse_date},
    draft::{Reading, number},
    field::Marked,
    layout::{Layout, Word, read_confidence},
};
use crate::model::{
    account::Known,
    draft::{Draft, Line, Proposal},
    field::is_day,
};
use features::{Place, Sample};
use rust_decimal::Decimal;
use std::sync::LazyLock;
use trees::Model;

/// Highest confidence of a number read from pixels that neither arithmetic nor master data prove.
const UNPROVED_MAX: f32 = 0.985;

/// Highest confidence of a day that could be two.
const AMBIGUOUS_MAX: f32 = 0.89;
/// Highest confidence of a figure that the arithmetic of its line contradicts.
const CONTRADICTED_MAX: f32 = 0.89;
/// Least confidence of a figure in letters of the file itself that the arithmetic of its line proves.
const PROVED_MIN: f32 = 0.985;

static MODEL: LazyLock<Model> =
    LazyLock::new(|| serde_json::from_str(include_str!("confidence/model.json")).unwrap_or_default());

/// A cell of a line before arithmetic and master data have been asked.
pub fn cell(name: &str, words: &[Word], reading: &Reading) -> f32 {
    let base = match name {
        "line_no" => 0.97,
        "unit" | "delivery_date" | "invoice_date" => 0.93,
        "sku" | "customer_sku" | "description" => 0.86,
        "reason" | "lot" | "serial_no" => 0.9,
        _ => 0.93,
    };
    from_words(base, words, reading.trusted)
}

/// Lowers a figure by how well the words were read.
pub fn from_words(base: f32, words: &[Word], trusted: bool) -> f32 {
    if trusted {
        return base;
    }
    let read = read_confidence(words);
    (base * (0.55 + 0.4 * read)).clamp(0.05, 0.92)
}

/// The features of every value, and the model's probability in place of the rules' figures.
pub fn weigh(
    draft: &mut Draft,
    page: (&Layout, &[Vec<Option<Marked>>]),
    reading: &Reading,
    known: &Known,
) -> Vec<Sample> {
    let model = &*MODEL;
    let samples = features::of_draft(draft, page, reading, known, &|name| model.prior(name));
    if !model.trees.is_empty() {
        settle(draft, &samples, model);
    }
    if reading.order == Order::Unknown {
        doubt_days(draft);
    }
    samples
}

/// Days that could be two are never sure where nothing in the document says which comes first, day or month.
fn doubt_days(draft: &mut Draft) {
    let values = draft.fields.iter_mut().chain(draft.lines.iter_mut().flatten());
    for (_, proposal) in values.filter(|(name, _)| is_day(name)) {
        let printed = proposal.printed.as_deref().and_then(|text| parse_date(text, Order::Unknown));
        if printed.is_some_and(|read| read.ambiguous) {
            proposal.confidence = proposal.confidence.min(AMBIGUOUS_MAX);
        }
    }
}

/// The probability that a kind is right of which the rules are this sure.
pub fn of_kind(rule: f32) -> f32 {
    if MODEL.kinds.from.is_empty() { rule } else { MODEL.kinds.at(rule) }
}

/// Kinds that are less sure than this limit what their values can be.
const KIND_SURE: f32 = 0.9;

/// Writes a model's probabilities into a draft whose kind is still as sure as the rules are.
pub fn settle(draft: &mut Draft, samples: &[Sample], model: &Model) {
    if !model.kinds.from.is_empty() {
        draft.kind_confidence = model.kinds.at(draft.kind_confidence);
    }
    let most = if draft.kind_confidence < KIND_SURE { draft.kind_confidence } else { 1.0 };
    for (place, values) in samples {
        let feature = |name: &str| {
            features::NAMES
                .iter()
                .position(|n| *n == name)
                .and_then(|at| values.get(at))
                .copied()
                .unwrap_or(0.0)
        };
        let own_letters = feature("own_letters") > 0.5;
        let mut sure = model.probability(values, features::group(place, own_letters));
        let proved =
            feature("line_adds_up") > 0.5 || feature("on_file") > 0.5 || feature("sums_add_up") > 0.5;
        let figure = is_number(place);
        if figure && !own_letters && !proved {
            sure = sure.min(UNPROVED_MAX);
        }
        if feature("line_adds_up") < -0.5 {
            sure = sure.min(CONTRADICTED_MAX);
        } else if feature("line_adds_up") > 0.5 && own_letters {
            sure = sure.max(PROVED_MIN);
        }
        if let Some(proposal) = proposal_at(draft, place) {
            proposal.confidence = sure.min(most);
        }
    }
}

/// Highest confidence of a line in the text of a mail whose lines no total proves.
const SAID_MAX: f32 = 0.89;

/// Whether the amounts of the lines add up to a sum that stands in the document.
fn lines_make_total(draft: &Draft) -> bool {
    let cent = Decimal::new(2, 2);
    let amounts: Option<Decimal> = draft.lines.iter().map(|line| number(line, "amount")).sum();
    let sums = ["subtotal", "total"].into_iter().filter_map(|name| draft.text(name)?.parse::<Decimal>().ok());
    amounts.is_some_and(|amounts| {
        !draft.lines.is_empty() && sums.into_iter().any(|sum| (sum - amounts).abs() <= cent)
    })
}

/// Sentences say goods in endless ways: lines that no total proves are never sure.
pub fn doubt_lines(draft: &mut Draft, is_text: bool) {
    if !is_text || lines_make_total(draft) {
        return;
    }
    for proposal in draft.lines.iter_mut().flat_map(|line| line.values_mut()) {
        proposal.confidence = proposal.confidence.min(SAID_MAX);
    }
}

/// Lines that must look so before quantities and prices count as exchanged.
const EXCHANGED_LINES_MIN: usize = 3;

/// Quantities and prices that have each other's form in most lines, `26.41 pcs at 12`, are not sure: their product
/// holds whichever is which.
pub fn doubt_exchanged(lines: &mut [Line]) {
    let exchanged = |line: &Line| {
        let (quantity, price) = (number(line, "quantity")?, number(line, "unit_price")?);
        Some(quantity.normalize().scale() >= 2 && price.is_integer())
    };
    let told: Vec<bool> = lines.iter().filter_map(exchanged).collect();
    let count = told.iter().filter(|exchanged| **exchanged).count();
    if count < EXCHANGED_LINES_MIN || count * 2 <= told.len() {
        return;
    }
    let cells = lines.iter_mut().flat_map(|line| line.iter_mut());
    for (_, proposal) in cells.filter(|(name, _)| matches!(name.as_str(), "quantity" | "unit_price")) {
        proposal.confidence = proposal.confidence.min(CONTRADICTED_MAX);
    }
}

fn is_number(place: &Place) -> bool {
    let (Place::Field(name) | Place::Cell(_, name)) = place;
    matches!(
        name.as_str(),
        "quantity"
            | "unit_price"
            | "amount"
            | "discount"
            | "price_per"
            | "tax_rate"
            | "gross"
            | "previous_quantity"
            | "ordered_quantity"
            | "subtotal"
            | "shipping"
            | "tax"
            | "total"
    )
}

fn proposal_at<'a>(draft: &'a mut Draft, place: &Place) -> Option<&'a mut Proposal> {
    match place {
        Place::Field(name) => draft.fields.get_mut(name),
        Place::Cell(line, name) => draft.lines.get_mut(*line)?.get_mut(name),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{extract::draft::ruled, model::draft::Content};

    #[test]
    fn exchanged_columns_are_not_sure() {
        let check = |cells: &[(&str, &str)], sure: bool| {
            let cell = |value: &str| ruled(Content::Text(value.to_owned()), "test", 0.99);
            let line = |(quantity, price): &(&str, &str)| {
                Line::from([("quantity".to_owned(), cell(quantity)), ("unit_price".to_owned(), cell(price))])
            };
            let mut lines: Vec<Line> = cells.iter().map(line).collect();
            doubt_exchanged(&mut lines);
            let all_sure = lines.iter().flat_map(Line::values).all(|p| p.confidence > CONTRADICTED_MAX);
            assert_eq!(all_sure, sure, "{cells:?}");
        };
        check(&[("26.41", "12"), ("0.4455", "5000"), ("4", "2"), ("10.71", "24")], false);
        check(&[("12", "26.41"), ("5000", "0.4455"), ("24", "10.71")], true);
        check(&[("2.25", "12"), ("7.5", "3"), ("12", "8.20"), ("1.75", "4")], true);
    }
}
