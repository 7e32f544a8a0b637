//! Whether the figures of a draft agree with one another.

use crate::model::{
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
    for (index, line) in draft.lines.iter().enumerate() {
        let (Some(wanted), Some(amount)) = (wanted_amount(line), number(line, "amount")) else { continue };
        if (wanted - amount).abs() > Decimal::new(15, 3) {
            let message = format!(
                "Line {}: quantity times price is {}, but the line says {amount}: ask which of them holds.",
                index + 1,
                wanted.round_dp(2)
            );
            let place = format!("lines.{index}.amount");
            findings.push(Finding::new("amount_mismatch", Severity::Problem, message).about(place));
        }
    }
    findings.extend(check_total(draft));
    findings
}

fn check_total(draft: &Draft) -> Option<Finding> {
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
    if (wanted - total).abs() > cent {
        let message = format!(
            "The parts of the order add up to {wanted}, but its total says {total}: ask which of them holds."
        );
        return Some(Finding::new("total_mismatch", Severity::Problem, message).about("total"));
    }
    let (lines, subtotal) = (lines?, field(draft, "subtotal")?);
    ((lines - subtotal).abs() > cent).then(|| {
        let message = format!(
            "The lines add up to {lines}, but the subtotal says {subtotal}: look whether a line is missing or misread."
        );
        Finding::new("subtotal_mismatch", Severity::Check, message).about("subtotal")
    })
}
