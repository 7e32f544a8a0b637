//! Whether the figures of a draft agree with one another.

use crate::model::{
    codes,
    draft::{Draft, Kind, Line},
    finding::{Finding, Severity},
};
use rust_decimal::Decimal;
use std::str::FromStr as _;

/// Below this confidence a figure is not trusted to contradict another.
const TRUSTED_FROM: f32 = 0.5;

/// A number of a line.
pub fn number(line: &Line, name: &str) -> Option<Decimal> {
    let proposal = line.get(name).filter(|p| p.confidence >= TRUSTED_FROM)?;
    Decimal::from_str(proposal.value.as_text()?).ok()
}

fn field(draft: &Draft, name: &str) -> Option<Decimal> {
    Decimal::from_str(draft.text(name)?).ok()
}

/// A sum of a draft as findings write it: with the decimals of its currency at least.
pub(super) fn money(sum: Decimal, draft: &Draft) -> String {
    let decimals = draft.text("currency").and_then(codes::decimals).unwrap_or(2);
    let mut sum = sum.normalize();
    if sum.scale() < decimals {
        sum.rescale(decimals);
    }
    sum.to_string()
}

/// The amount that quantity, price, discount and charge of a line make.
pub fn wanted_amount(line: &Line) -> Option<Decimal> {
    let per = number(line, "price_per").filter(|p| !p.is_zero()).unwrap_or(Decimal::ONE);
    let off = number(line, "discount").unwrap_or_default();
    let full = number(line, "quantity")?.checked_mul(number(line, "unit_price")?)?.checked_div(per)?;
    let reduced = full.checked_mul(Decimal::ONE_HUNDRED - off)?.checked_div(Decimal::ONE_HUNDRED)?;
    reduced.checked_add(number(line, "charge").unwrap_or_default())
}

/// Line amounts, and the sums below them.
pub fn check(draft: &Draft) -> Vec<Finding> {
    let mut findings = Vec::new();
    if matches!(draft.kind, Kind::RemittanceAdvice | Kind::ReturnRequest) {
        return findings;
    }
    let sums: Vec<(usize, Decimal, Decimal)> = draft
        .lines
        .iter()
        .enumerate()
        .filter_map(|(index, line)| Some((index, wanted_amount(line)?, number(line, "amount")?)))
        .collect();
    let differs =
        |(_, wanted, amount): &&(usize, Decimal, Decimal)| (wanted - amount).abs() > Decimal::new(15, 3);
    let wrong = sums.iter().filter(differs).count();
    // lines that nearly all contradict themselves were misread, or are counted otherwise
    let misread = wrong * 2 > sums.len() && sums.len() > 1;
    for (index, wanted, amount) in sums.iter().filter(differs) {
        let unsure = misread || draft.lines.get(*index).is_some_and(is_unsure);
        let place = format!("lines.{index}.amount");
        let [wanted, amount] = [wanted.round_dp(2), *amount].map(|sum| money(sum, draft));
        let number = index + 1;
        findings.push(if unsure {
            let message = format!(
                "Line {number}: quantity times price is {wanted}, but {amount} was read: look whether its figures were read right."
            );
            Finding::new("amount_unproved", Severity::Check, message).about(place)
        } else {
            let message = format!(
                "Line {number}: quantity times price is {wanted}, but the line says {amount}: ask which of them holds."
            );
            Finding::new("amount_mismatch", Severity::Problem, message).about(place)
        });
    }
    let lines_hold = wrong == 0 && !sums.is_empty() && sums.len() == draft.lines.len();
    findings.extend(check_total(draft, lines_hold));
    findings
}

/// What the highest tax makes of a sum.
const TAX_MAX: Decimal = Decimal::from_parts(128, 0, 0, false, 2);
/// Confidence below which a figure was perhaps misread.
const UNSURE: f32 = 0.6;

/// Whether one of the figures of a line was perhaps misread.
fn is_unsure(line: &Line) -> bool {
    let of = |name: &&str| line.get(*name).is_some_and(|p| p.confidence < UNSURE);
    ["quantity", "unit_price", "amount"].iter().any(of)
}

/// `lines_hold`: every line has an amount that is its quantity times its price.
fn check_total(draft: &Draft, lines_hold: bool) -> Option<Finding> {
    let total = field(draft, "total")?;
    let lines: Option<Decimal> = draft.lines.iter().map(|l| number(l, "amount")).sum();
    let lines = lines.filter(|_| !draft.lines.is_empty());
    let base = field(draft, "subtotal").or(lines)?;
    let part = |name: &str| field(draft, name).unwrap_or_default();
    let wanted = base - part("discount") + part("shipping") + part("tax");
    let cent = Decimal::new(3, 2);
    // a structured order may leave the tax out, which its total holds
    if draft.standard.is_some() && field(draft, "tax").is_none() && wanted < total {
        return None;
    }
    // only parts that were proved make a total wrong; else one of them may have been misread or overlooked
    let proved = match (lines, field(draft, "subtotal")) {
        (Some(lines), Some(subtotal)) => (lines - subtotal).abs() <= cent,
        (_, None) => lines_hold,
        (None, Some(_)) => draft.lines.is_empty(),
    };
    // a tax that was overlooked makes a total higher than its parts
    let taxed = field(draft, "tax").is_none()
        && wanted < total
        && wanted.checked_mul(TAX_MAX).is_some_and(|most| total < most);
    if (wanted - total).abs() > cent && (!proved || taxed) && draft.standard.is_none() {
        let [wanted, total] = [wanted, total].map(|sum| money(sum, draft));
        let message = format!(
            "The parts of the order that were read add up to {wanted}, its total is {total}: look whether a line, the tax or a charge is missing or misread."
        );
        return Some(Finding::new("total_unproved", Severity::Check, message).about("total"));
    }
    if (wanted - total).abs() > cent {
        let [wanted, total] = [wanted, total].map(|sum| money(sum, draft));
        let message = format!(
            "The parts of the order add up to {wanted}, but its total says {total}: ask which of them holds."
        );
        return Some(Finding::new("total_mismatch", Severity::Problem, message).about("total"));
    }
    let (lines, subtotal) = (lines?, field(draft, "subtotal")?);
    ((lines - subtotal).abs() > cent).then(|| {
        let [lines, subtotal] = [lines, subtotal].map(|sum| money(sum, draft));
        let message = format!(
            "The lines add up to {lines}, but the subtotal says {subtotal}: look whether a line is missing or misread."
        );
        Finding::new("subtotal_mismatch", Severity::Check, message).about("subtotal")
    })
}
