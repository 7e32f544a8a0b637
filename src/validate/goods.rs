//! Item numbers and prices against the catalogue.

use super::account::{fold, squeeze, strsim_ratio};
use crate::model::{
    account::{Account, CatalogueItem, Known},
    draft::{Draft, Line},
    finding::{Finding, Severity},
};
use rust_decimal::Decimal;

/// A price may differ by this share of the price on file before it is told.
const PRICE_TOLERANCE: Decimal = Decimal::from_parts(5, 0, 0, false, 3);
/// Likeness from which an item number is called a near match.
const NEAR_MATCH: f64 = 0.8;

/// Unknown items and prices that differ.
pub fn check(draft: &Draft, known: &Known, account: Option<&Account>) -> Vec<Finding> {
    if known.catalogue.is_empty() {
        return Vec::new();
    }
    let check_one = |(index, line): (usize, &Line)| check_line(index, line, draft, known, account);
    draft.lines.iter().enumerate().filter_map(check_one).collect()
}

fn check_line(
    index: usize,
    line: &Line,
    draft: &Draft,
    known: &Known,
    account: Option<&Account>,
) -> Option<Finding> {
    let text = |name: &str| line.get(name).and_then(|p| p.value.as_text());
    let item = match (text("sku"), text("customer_sku")) {
        (Some(sku), _) => {
            let found = known.catalogue.iter().find(|i| squeeze(&i.sku) == squeeze(sku));
            let found = found.or_else(|| by_customer_number(sku, known, account));
            if found.is_none() {
                return Some(unknown(index, sku, known));
            }
            found
        }
        (None, Some(number)) => by_customer_number(number, known, account),
        (None, None) => None,
    }?;
    let currency = draft.text("currency")?;
    let own =
        account.filter(|a| a.currency == currency).and_then(|a| item.customer_prices.get(&a.account_no));
    let on_file = own.or_else(|| item.prices.get(currency)).copied()?;
    let per = super::sums::number(line, "price_per").filter(|p| !p.is_zero()).unwrap_or(Decimal::ONE);
    let price = super::sums::number(line, "unit_price")?.checked_div(per)?;
    let off = (price - on_file).abs();
    if off <= on_file * PRICE_TOLERANCE || off <= Decimal::new(5, 3) {
        return None;
    }
    let list = item.prices.get(currency).copied().unwrap_or(on_file);
    if own.is_some() && (price - list).abs() <= list * PRICE_TOLERANCE {
        let message = format!(
            "Line {}: {} is ordered at the list price {price} {currency}, the agreed price is {on_file}: confirm at the agreed price.",
            index + 1,
            item.sku
        );
        return Some(
            Finding::new("list_price_ordered", Severity::Note, message)
                .about(format!("lines.{index}.unit_price")),
        );
    }
    let message = format!(
        "Line {}: {} is ordered at {price} {currency}, our price is {on_file}: agree on the price before confirming.",
        index + 1,
        item.sku
    );
    Some(
        Finding::new("price_differs_from_catalogue", Severity::Check, message)
            .about(format!("lines.{index}.unit_price")),
    )
}

fn by_customer_number<'a>(
    number: &str,
    known: &'a Known,
    account: Option<&Account>,
) -> Option<&'a CatalogueItem> {
    let wanted = squeeze(number);
    let account = account?;
    known
        .catalogue
        .iter()
        .find(|i| i.customer_skus.get(&account.account_no).is_some_and(|n| squeeze(n) == wanted))
}

fn unknown(index: usize, sku: &str, known: &Known) -> Finding {
    let wanted = fold(sku);
    let near = known
        .catalogue
        .iter()
        .map(|i| (strsim_ratio(&fold(&i.sku), &wanted), &i.sku))
        .filter(|(alike, _)| *alike >= NEAR_MATCH)
        .max_by(|a, b| a.0.total_cmp(&b.0));
    let hint = near.map_or_else(String::new, |(_, sku)| format!("; the nearest one is {sku}"));
    let message = format!(
        "Line {}: item {sku} is not in our catalogue{hint}: find the right item or ask the customer.",
        index + 1
    );
    Finding::new("unknown_sku", Severity::Problem, message).about(format!("lines.{index}.sku"))
}
