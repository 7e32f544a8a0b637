//! Item numbers and prices against the catalogue.

use super::account::{fold, strsim_ratio};
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
    let Some(item) = find_item(line, known, account) else {
        let sku = line.get("sku").and_then(|p| p.value.as_text())?;
        return Some(unknown(index, sku, known));
    };
    let currency = draft.text("currency")?;
    let own = agreed_price(item, currency, account);
    let on_file = price_on_file(line, draft, known, account)?;
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

/// The item that a line orders: by our number or the customer's.
fn find_item<'a>(line: &Line, known: &'a Known, account: Option<&Account>) -> Option<&'a CatalogueItem> {
    let text = |name: &str| line.get(name).and_then(|p| p.value.as_text());
    match (text("sku"), text("customer_sku")) {
        (Some(sku), _) => {
            let found = known.catalogue.find(sku);
            found.or_else(|| by_customer_number(sku, known, account))
        }
        (None, Some(number)) => by_customer_number(number, known, account),
        (None, None) => None,
    }
}

/// The price agreed with a customer in the currency of its account.
fn agreed_price(item: &CatalogueItem, currency: &str, account: Option<&Account>) -> Option<Decimal> {
    let account = account.filter(|a| a.currency == currency)?;
    item.customer_prices.get(&account.account_no).copied()
}

/// Our price for one unit of what a line orders, in the currency of the draft: as agreed, or else as listed.
pub(super) fn price_on_file(
    line: &Line,
    draft: &Draft,
    known: &Known,
    account: Option<&Account>,
) -> Option<Decimal> {
    let item = find_item(line, known, account)?;
    let currency = draft.text("currency")?;
    agreed_price(item, currency, account).or_else(|| item.prices.get(currency).copied())
}

fn by_customer_number<'a>(
    number: &str,
    known: &'a Known,
    account: Option<&Account>,
) -> Option<&'a CatalogueItem> {
    known.catalogue.find_for_customer(number, &account?.account_no)
}

/// The item number most like one that is unknown, if any is near.
pub(super) fn nearest<'a>(sku: &str, known: &'a Known) -> Option<&'a str> {
    let wanted = fold(sku);
    let alike = known.catalogue.iter().map(|i| (strsim_ratio(&fold(&i.sku), &wanted), i.sku.as_str()));
    let near = alike.filter(|(alike, _)| *alike >= NEAR_MATCH).max_by(|a, b| a.0.total_cmp(&b.0));
    near.map(|(_, sku)| sku)
}

fn unknown(index: usize, sku: &str, known: &Known) -> Finding {
    let near = nearest(sku, known);
    let hint = near.map_or_else(String::new, |sku| format!("; the nearest one is {sku}"));
    let message = format!(
        "Line {}: item {sku} is not in our catalogue{hint}: find the right item or ask the customer.",
        index + 1
    );
    Finding::new("unknown_sku", Severity::Problem, message).about(format!("lines.{index}.sku"))
}
