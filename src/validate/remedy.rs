//! What cures a finding for certain, because we hold it on file: a price, an address, an item.
//!
//! Does not: choose between figures of the customer (which of two sums holds, only the customer knows).

use super::{
    account::{fold, strsim_ratio},
    goods, sums,
};
use crate::model::{
    account::{Account, Known},
    draft::{Content, Draft, Line, named},
    finding::Finding,
};
use rust_decimal::Decimal;

/// Addresses offered for one finding at most.
const ADDRESSES_MAX: usize = 4;

named! {
    /// What a remedy takes from our files.
    Take {
        /// The price of an item.
        Price = "price",
        /// A delivery address.
        Address = "address",
        /// The nearest item number, or that of the item that takes its place.
        Item = "item",
    }
}

/// A cure for one finding.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Remedy {
    /// Code of the finding.
    pub code: String,
    /// Path of the field that the finding is about.
    pub field: String,
    /// What it takes.
    pub take: Take,
    /// What is taken, for people and as a value.
    pub value: String,
    /// Paths and the values that they get.
    pub sets: Vec<(String, String)>,
}

/// The remedies for a draft's findings, in their order.
pub fn remedies(draft: &Draft, known: &Known, account: Option<&Account>) -> Vec<Remedy> {
    draft.findings.iter().flat_map(|finding| for_finding(finding, draft, known, account)).collect()
}

fn for_finding(finding: &Finding, draft: &Draft, known: &Known, account: Option<&Account>) -> Vec<Remedy> {
    let Some(field) = &finding.field else { return Vec::new() };
    let remedy = |take: Take, value: String, sets: Vec<(String, String)>| Remedy {
        code: finding.code.clone(),
        field: field.clone(),
        take,
        value,
        sets,
    };
    let line = || {
        let number: usize = field.strip_prefix("lines.")?.split('.').next()?.parse().ok()?;
        Some((number, draft.lines.get(number)?))
    };
    match finding.code.as_str() {
        "price_differs_from_catalogue" | "list_price_ordered" => line()
            .and_then(|(number, line)| {
                let price = goods::price_on_file(line, draft, known, account)?;
                Some(remedy(Take::Price, price.to_string(), at_price(number, line, price)))
            })
            .into_iter()
            .collect(),
        "unknown_sku" => line()
            .and_then(|(_, line)| goods::nearest(line.get("sku")?.value.as_text()?, known))
            .map(|sku| remedy(Take::Item, sku.to_owned(), vec![(field.clone(), sku.to_owned())]))
            .into_iter()
            .collect(),
        "item_discontinued" => line()
            .and_then(|(_, line)| goods::replacement(line, known, account))
            .map(|sku| remedy(Take::Item, sku.to_owned(), vec![(field.clone(), sku.to_owned())]))
            .into_iter()
            .collect(),
        "ship_to_not_on_file" => addresses(draft, account)
            .into_iter()
            .map(|address| remedy(Take::Address, address.clone(), vec![(field.clone(), address)]))
            .collect(),
        _ => Vec::new(),
    }
}

/// The price of a line, and its amount if that followed from the price before.
fn at_price(number: usize, line: &Line, price: Decimal) -> Vec<(String, String)> {
    let mut sets = vec![(format!("lines.{number}.unit_price"), price.to_string())];
    // figures that agree with one another prove each other, however unsure each is
    let mut line = line.clone();
    for cell in line.values_mut() {
        cell.confidence = 1.0;
    }
    let agreed = || {
        let off = sums::wanted_amount(&line)?.checked_sub(sums::number(&line, "amount")?)?.abs();
        let mut new = line.clone();
        new.get_mut("unit_price")?.value = Content::Text(price.to_string());
        (off <= Decimal::new(15, 3)).then(|| sums::wanted_amount(&new))?
    };
    if let Some(amount) = agreed() {
        let mut amount = amount.round_dp(2);
        amount.rescale(2);
        sets.push((format!("lines.{number}.amount"), amount.to_string()));
    }
    sets
}

/// Addresses on file, the likest first.
fn addresses(draft: &Draft, account: Option<&Account>) -> Vec<String> {
    let Some(account) = account else { return Vec::new() };
    let place = fold(draft.text("ship_to").unwrap_or_default());
    let mut found: Vec<(f64, &String)> = account
        .ship_to
        .iter()
        .chain([&account.bill_to])
        .filter(|address| !address.is_empty())
        .map(|address| (strsim_ratio(&fold(address), &place), address))
        .collect();
    found.sort_by(|a, b| b.0.total_cmp(&a.0));
    let mut addresses: Vec<String> = Vec::new();
    for (_, address) in found {
        if !addresses.contains(address) {
            addresses.push(address.clone());
        }
    }
    addresses.truncate(ADDRESSES_MAX);
    addresses
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{
        account::CatalogueItem,
        draft::{Kind, Proposal, Source},
        finding::Severity,
    };
    use std::collections::BTreeMap;

    fn value(text: &str) -> Proposal {
        let source = Source::Rule("test".to_owned());
        Proposal { value: Content::Text(text.to_owned()), confidence: 1.0, source, printed: None }
    }

    fn values(pairs: &[(&str, &str)]) -> BTreeMap<String, Proposal> {
        pairs.iter().map(|(name, text)| ((*name).to_owned(), value(text))).collect()
    }

    fn draft(code: &str, field: &str) -> Draft {
        let line = [("sku", "AB-1004"), ("quantity", "4"), ("unit_price", "2.00"), ("amount", "8.00")];
        let unknown = [("sku", "AB-10O4"), ("quantity", "4"), ("unit_price", "2.00"), ("amount", "9.00")];
        Draft {
            kind: Kind::PurchaseOrder,
            kind_confidence: 1.0,
            language: "en".to_owned(),
            page_range: [1, 1],
            fields: values(&[("currency", "EUR"), ("ship_to", "2 Fen Road, Ely")]),
            lines: vec![values(&line), values(&unknown)],
            findings: vec![Finding::new(code, Severity::Check, "x").about(field)],
            standard: None,
            precedents: Vec::new(),
        }
    }

    #[test]
    fn what_we_hold_on_file_cures() {
        let account = Account {
            account_no: "C1".to_owned(),
            currency: "EUR".to_owned(),
            bill_to: "1 Mill Lane, Ely".to_owned(),
            ship_to: vec!["1 Mill Lane, Ely".to_owned(), "2 Fen Road, Ely CB7".to_owned()],
            ..Account::default()
        };
        let item = CatalogueItem {
            sku: "AB-1004".to_owned(),
            prices: [("EUR".to_owned(), Decimal::new(225, 2))].into(),
            ..CatalogueItem::default()
        };
        let known =
            Known { accounts: [account.clone()].into(), catalogue: [item].into(), ..Known::default() };
        for (code, field, expected) in [
            (
                "price_differs_from_catalogue",
                "lines.0.unit_price",
                &[&["lines.0.unit_price=2.25", "lines.0.amount=9.00"][..]][..],
            ),
            ("unknown_sku", "lines.1.sku", &[&["lines.1.sku=AB-1004"]]),
            (
                "ship_to_not_on_file",
                "ship_to",
                &[&["ship_to=2 Fen Road, Ely CB7"], &["ship_to=1 Mill Lane, Ely"]],
            ),
            ("total_mismatch", "total", &[]),
            ("price_differs_from_catalogue", "lines.7.unit_price", &[]),
        ] {
            let found = remedies(&draft(code, field), &known, Some(&account));
            let sets: Vec<Vec<String>> = found
                .iter()
                .map(|remedy| remedy.sets.iter().map(|(path, value)| format!("{path}={value}")).collect())
                .collect();
            assert_eq!(sets, expected, "{code}");
        }
    }
}
