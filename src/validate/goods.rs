//! Item numbers and prices against the catalogue.

use super::{account::strsim_ratio, check_digit, sums::money};
use crate::model::{
    account::{Account, CatalogueItem, Known},
    draft::{Draft, Line},
    finding::{Finding, Severity},
    text::{fold, squeeze},
};
use rust_decimal::Decimal;

/// A price may differ by this share of the price on file before it is told.
const PRICE_TOLERANCE: Decimal = Decimal::from_parts(5, 0, 0, false, 3);
/// Likeness from which an item number is called a near match.
const NEAR_MATCH: f64 = 0.8;

/// Items that we do not sell, quantities that we do not sell them in, and prices that differ.
pub fn check(draft: &Draft, known: &Known, account: Option<&Account>) -> Vec<Finding> {
    if known.catalogue.is_empty() {
        return Vec::new();
    }
    let check_one = |(index, line): (usize, &Line)| {
        let Some(item) = find_item(line, known, account) else {
            let sku = line.get("sku").and_then(|p| p.value.as_text());
            return sku.map(|sku| unknown(index, sku, known)).into_iter().collect();
        };
        let price = check_price(index, line, item, draft, account);
        discontinued(index, item)
            .into_iter()
            .chain(check_quantity(index, line, item))
            .chain(price)
            .collect::<Vec<_>>()
    };
    draft.lines.iter().enumerate().flat_map(check_one).collect()
}

fn discontinued(index: usize, item: &CatalogueItem) -> Option<Finding> {
    let instead = match item.replaced_by.as_str() {
        "" => "offer another item or refuse the line".to_owned(),
        sku => format!("{sku} takes its place, ask the customer whether it will do"),
    };
    let message = format!("Line {}: {} is no longer sold: {instead}.", index + 1, item.sku);
    item.discontinued.then(|| {
        Finding::new("item_discontinued", Severity::Problem, message).about(format!("lines.{index}.sku"))
    })
}

/// Units of sale in one unit of the line.
fn pack(line: &Line, item: &CatalogueItem) -> Decimal {
    let unit = line.get("unit").and_then(|p| p.value.as_text()).map(squeeze).unwrap_or_default();
    let named = item.packs.iter().find(|(name, size)| squeeze(name) == unit && !size.is_zero());
    named.map_or(Decimal::ONE, |(_, size)| *size)
}

fn check_quantity(index: usize, line: &Line, item: &CatalogueItem) -> Vec<Finding> {
    let Some(quantity) = super::sums::number(line, "quantity").and_then(|q| q.checked_mul(pack(line, item)))
    else {
        return Vec::new();
    };
    let (number, sku, unit) = (index + 1, &item.sku, &item.unit);
    let finding = |code: &str, message: String| {
        Finding::new(code, Severity::Check, message).about(format!("lines.{index}.quantity"))
    };
    let least = item.min_quantity.filter(|least| quantity < *least).map(|least| {
        let message = format!(
            "Line {number}: {quantity} {unit} of {sku} are ordered, it is sold from {least} {unit} up: agree on the quantity before confirming."
        );
        finding("below_minimum_quantity", message)
    });
    let broken = item.pack_size.filter(|size| *size > Decimal::ZERO).and_then(|size| {
        let packs = quantity.checked_div(size)?.ceil();
        let whole = packs.checked_mul(size)?;
        let message = format!(
            "Line {number}: {quantity} {unit} of {sku} are ordered, it is sold in packs of {size}: {} {unit} would be {packs} packs; agree on the quantity before confirming.",
            whole.normalize()
        );
        (whole != quantity).then(|| finding("not_in_whole_packs", message))
    });
    least.into_iter().chain(broken).collect()
}

fn check_price(
    index: usize,
    line: &Line,
    item: &CatalogueItem,
    draft: &Draft,
    account: Option<&Account>,
) -> Option<Finding> {
    let currency = draft.text("currency")?;
    let own = agreed_price(item, currency, account);
    let on_file = own.or_else(|| item.prices.get(currency).copied())?;
    let price = super::sums::number(line, "unit_price")?.checked_div(priced_units(line, item)?)?;
    let off = (price - on_file).abs();
    if off <= on_file * PRICE_TOLERANCE || off <= Decimal::new(5, 3) {
        return None;
    }
    let list = item.prices.get(currency).copied().unwrap_or(on_file);
    let (number, sku) = (index + 1, &item.sku);
    let is_list_price = (price - list).abs() <= list * PRICE_TOLERANCE;
    let [price, on_file] = [price.round_dp(4), on_file].map(|price| money(price, draft));
    let (code, severity, message) = if own.is_some() && is_list_price {
        let message = format!(
            "Line {number}: {sku} is ordered at the list price {price} {currency}, the agreed price is {on_file}: confirm at the agreed price."
        );
        ("list_price_ordered", Severity::Note, message)
    } else {
        let message = format!(
            "Line {number}: {sku} is ordered at {price} {currency}, our price is {on_file}: agree on the price before confirming."
        );
        ("price_differs_from_catalogue", Severity::Check, message)
    };
    Some(Finding::new(code, severity, message).about(format!("lines.{index}.unit_price")))
}

/// Units of sale that the price of a line is for.
fn priced_units(line: &Line, item: &CatalogueItem) -> Option<Decimal> {
    let per = super::sums::number(line, "price_per").filter(|per| !per.is_zero()).unwrap_or(Decimal::ONE);
    per.checked_mul(pack(line, item))
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

/// Our price for what the price of a line is for, in the currency of the draft: as agreed, or else as listed.
pub(super) fn price_on_file(
    line: &Line,
    draft: &Draft,
    known: &Known,
    account: Option<&Account>,
) -> Option<Decimal> {
    let item = find_item(line, known, account)?;
    let currency = draft.text("currency")?;
    let price = agreed_price(item, currency, account).or_else(|| item.prices.get(currency).copied())?;
    price.checked_mul(priced_units(line, item)?)
}

/// The item that takes the place of the one that a line orders.
pub(super) fn replacement<'a>(line: &Line, known: &'a Known, account: Option<&Account>) -> Option<&'a str> {
    let item = find_item(line, known, account)?;
    Some(item.replaced_by.as_str()).filter(|sku| !sku.is_empty())
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
    let mut hint = near.map_or_else(String::new, |sku| format!("; the nearest one is {sku}"));
    if check_digit::is_gtin(sku) == Some(false) {
        hint.push_str("; as a GTIN its check digit is wrong, perhaps it was misread");
    }
    let message = format!(
        "Line {}: item {sku} is not in our catalogue{hint}: find the right item or ask the customer.",
        index + 1
    );
    Finding::new("unknown_sku", Severity::Problem, message).about(format!("lines.{index}.sku"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::draft::{Content, Kind, Proposal, Source};

    fn values(cells: &[(&str, &str)]) -> Line {
        let proposal = |value: &str| Proposal {
            value: Content::Text(value.to_owned()),
            confidence: 0.9,
            source: Source::Rule("test".to_owned()),
            printed: None,
        };
        cells.iter().map(|(name, value)| ((*name).to_owned(), proposal(value))).collect()
    }

    #[test]
    fn quantities_prices_and_items_are_looked_up() {
        let item = CatalogueItem {
            sku: "A-1".to_owned(),
            unit: "pcs".to_owned(),
            prices: [("EUR".to_owned(), Decimal::new(50, 2))].into(),
            packs: [("box".to_owned(), Decimal::ONE_HUNDRED)].into(),
            min_quantity: Some(Decimal::new(50, 0)),
            pack_size: Some(Decimal::new(25, 0)),
            ..CatalogueItem::default()
        };
        let old = CatalogueItem {
            sku: "B-2".to_owned(),
            discontinued: true,
            replaced_by: "A-1".to_owned(),
            ..CatalogueItem::default()
        };
        let known = Known { catalogue: [item, old].into(), ..Known::default() };
        for (cells, expected) in [
            (&[("sku", "A-1"), ("quantity", "75"), ("unit", "pcs"), ("unit_price", "0.50")][..], &[][..]),
            (&[("sku", "A-1"), ("quantity", "2"), ("unit", "Box"), ("unit_price", "50.00")], &[]),
            (&[("sku", "A-1"), ("quantity", "75"), ("unit_price", "50.00"), ("price_per", "100")], &[]),
            (
                &[("sku", "A-1"), ("quantity", "2"), ("unit", "box"), ("unit_price", "0.50")],
                &["price_differs_from_catalogue"],
            ),
            (&[("sku", "A-1"), ("quantity", "25")], &["below_minimum_quantity"]),
            (&[("sku", "A-1"), ("quantity", "60")], &["not_in_whole_packs"]),
            (&[("sku", "B-2"), ("quantity", "60")], &["item_discontinued"]),
            (&[("sku", "4006381333932")], &["unknown_sku"]),
        ] {
            let draft = Draft {
                kind: Kind::PurchaseOrder,
                kind_confidence: 1.0,
                language: "en".to_owned(),
                standard: None,
                page_range: [1, 1],
                fields: values(&[("currency", "EUR")]),
                lines: vec![values(cells)],
                findings: Vec::new(),
                precedents: Vec::new(),
            };
            let codes: Vec<String> = check(&draft, &known, None).into_iter().map(|f| f.code).collect();
            assert_eq!(codes, expected, "{cells:?}");
        }
    }
}
