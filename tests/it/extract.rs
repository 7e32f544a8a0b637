//! Documents of our own as plain text through the whole of extraction and validation.

use mailroom::{
    extract::{Context, extract, text_pages},
    model::{
        account::{Account, CatalogueItem, Known},
        draft::{Draft, Kind},
    },
    validate,
};
use std::collections::BTreeMap;

const ORDER: &str = "\
Brightwater Pumps Ltd                                        PURCHASE ORDER
14 Quay Lane
Falmouth
TR11 3XA

Order No.:        BW-20417
Order Date:       3 March 2026
Required By:      17 March 2026
Payment Terms:    30 days net
Currency:         GBP

Supplier:                          Deliver To:
Northgate Fixings Ltd              Brightwater Pumps Ltd
8 Mill Road                        Unit 3, Harbour Estate
Leeds                              Falmouth
LS1 4AB                            TR11 3XB

Line   Item No.     Description                Qty    Unit    Unit Price      Amount
1      NF-1001      Hex bolt M8x40              200   pcs           0.12       24.00
2      NF-2040      Rubber seal 40 mm            15   pcs           3.20       48.00

                                               Subtotal                        72.00
                                               VAT 20%                         14.40
                                               Total                           86.40
";

fn known() -> Known {
    let account = Account {
        account_no: "A100".to_owned(),
        name: "Brightwater Pumps Ltd".to_owned(),
        currency: "GBP".to_owned(),
        ship_to: vec!["Unit 3, Harbour Estate, Falmouth, TR11 3XB".to_owned()],
        ..Account::default()
    };
    let item = |sku: &str, price: &str| CatalogueItem {
        sku: sku.to_owned(),
        prices: BTreeMap::from([("GBP".to_owned(), price.parse().unwrap())]),
        ..CatalogueItem::default()
    };
    Known {
        accounts: vec![account].into(),
        catalogue: vec![item("NF-1001", "0.12"), item("NF-2040", "2.80")].into(),
        site_names: vec!["Northgate Fixings Ltd".to_owned()],
        ..Known::default()
    }
}

fn read(text: &str, known: &Known) -> Draft {
    let context = Context { known, subject: None, sender_domain: None, lessons: &[], alone: false };
    let mut drafts = extract(&text_pages(text), &context);
    assert_eq!(drafts.len(), 1);
    drafts.remove(0)
}

fn cell<'a>(draft: &'a Draft, line: usize, name: &str) -> Option<&'a str> {
    draft.lines[line].get(name).and_then(|p| p.value.as_text())
}

#[test]
fn an_order_gives_its_fields_and_lines() {
    let draft = read(ORDER, &Known::default());
    assert_eq!(draft.kind, Kind::PurchaseOrder);
    assert_eq!(draft.language, "en");
    for (field, value) in [
        ("po_number", "BW-20417"),
        ("order_date", "2026-03-03"),
        ("requested_date", "2026-03-17"),
        ("currency", "GBP"),
        ("payment_terms", "30 days net"),
        ("vendor_name", "Northgate Fixings Ltd"),
        ("buyer_name", "Brightwater Pumps Ltd"),
        ("ship_to", "Brightwater Pumps Ltd, Unit 3, Harbour Estate, Falmouth, TR11 3XB"),
        ("subtotal", "72"),
        ("tax", "14.4"),
        ("total", "86.4"),
    ] {
        assert_eq!(draft.text(field), Some(value), "{field}");
    }
    assert_eq!(draft.lines.len(), 2);
    assert_eq!(cell(&draft, 1, "sku"), Some("NF-2040"));
    assert_eq!(cell(&draft, 1, "quantity"), Some("15"));
    assert_eq!(cell(&draft, 1, "unit_price"), Some("3.2"));
    assert_eq!(cell(&draft, 1, "description"), Some("Rubber seal 40 mm"));
}

#[test]
fn figures_proved_by_arithmetic_are_sure_and_contradicted_ones_are_not() {
    let sure = read(ORDER, &Known::default());
    assert!(sure.lines[0]["amount"].confidence > 0.98);
    let wrong = ORDER.replace("24.00", "25.00");
    let draft = read(&wrong, &Known::default());
    assert!(draft.lines[0]["amount"].confidence < 0.9);
    let codes: Vec<String> = validate::check(&draft, &Known::default()).into_iter().map(|f| f.code).collect();
    assert!(codes.contains(&"amount_mismatch".to_owned()), "{codes:?}");
}

#[test]
fn what_the_site_knows_finds_the_customer_and_other_prices() {
    let known = known();
    let draft = read(ORDER, &known);
    let matched = validate::match_account(&draft, &known, None).unwrap();
    assert_eq!(matched.index, 0);
    let codes: Vec<String> = validate::check(&draft, &known).into_iter().map(|f| f.code).collect();
    assert_eq!(codes, ["price_differs_from_catalogue"]);
}

#[test]
fn an_empty_file_has_no_document() {
    let known = Known::default();
    let context = Context { known: &known, subject: None, sender_domain: None, lessons: &[], alone: false };
    assert!(extract(&mailroom::model::page::Pages::default(), &context).is_empty());
    assert_eq!(extract(&text_pages(""), &context)[0].kind, Kind::Other);
}
