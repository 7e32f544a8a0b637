//! openTRANS 1.0 and 2.1 (Fraunhofer IAO): `ORDER` and `ORDERCHANGE`; the other transactions are not orders.

use super::{
    record::{CHOSEN, COMPOSED, CUSTOM, PLAIN, Record, beside, decimal, join},
    xml::{Element, Found},
};
use crate::model::draft::{Draft, Kind};
use rust_decimal::Decimal;

/// Whether this is the root of an openTRANS document.
pub(super) fn is_document(root: Element<'_>) -> bool {
    root.namespace().to_ascii_lowercase().contains("opentrans.org")
        || matches!(root.name(), "ORDER" | "ORDERCHANGE") && root.attribute("version").is_some()
}

/// The document as a draft.
pub(super) fn read(root: Element<'_>) -> Draft {
    let (kind, info, item_info) = match root.name() {
        "ORDER" => (Kind::PurchaseOrder, "ORDER_HEADER/ORDER_INFO", "ORDER_ITEM_LIST/ORDER_ITEM"),
        "ORDERCHANGE" => (
            Kind::PurchaseOrderChange,
            "ORDERCHANGE_HEADER/ORDERCHANGE_INFO",
            "ORDERCHANGE_ITEM_LIST/ORDERCHANGE_ITEM",
        ),
        "INVOICE" => (Kind::Invoice, "INVOICE_HEADER/INVOICE_INFO", "INVOICE_ITEM_LIST/INVOICE_ITEM"),
        "RFQ" => (Kind::Quotation, "RFQ_HEADER/RFQ_INFO", "RFQ_ITEM_LIST/RFQ_ITEM"),
        _ => (Kind::Other, "", ""),
    };
    let standard = format!("openTRANS {}", root.name());
    let mut record = Record::header(&standard);
    let Some(info) = root.at(info) else { return record.finish(kind, Vec::new(), None) };
    match kind {
        Kind::Invoice => {
            record.text("invoice_number", info.text("INVOICE_ID"));
            record.date("invoice_date", info.text("INVOICE_DATE"), PLAIN);
        }
        Kind::Quotation => {
            record.text("rfq_number", info.text("RFQ_ID"));
            record.date("rfq_date", info.text("RFQ_DATE"), PLAIN);
        }
        _ => {
            record.text("po_number", info.text("ORDER_ID"));
            record.date("order_date", info.text("ORDER_DATE"), PLAIN);
            record.date("change_date", info.text("ORDERCHANGE_DATE"), PLAIN);
            record.text("revision", info.text("ORDERCHANGE_SEQUENCE_ID"));
        }
    }
    let end = info.text("DELIVERY_DATE/DELIVERY_END_DATE");
    let start = info.text("DELIVERY_DATE/DELIVERY_START_DATE");
    let open = start.as_ref().zip(end.as_ref()).is_some_and(|(a, b)| a.text != b.text);
    record.date("requested_date", end, if open { CHOSEN } else { PLAIN });
    record.date("requested_date", start, PLAIN);
    record.currency(info.text("CURRENCY").or_else(|| info.text("PRICE_CURRENCY")), PLAIN);
    parties(info, &mut record);
    record.put("payment_terms", info.text("PAYMENT/PAYMENT_TERMS/PAYMENT_TERM"), CHOSEN);
    record.put("incoterms", info.text("TERMS_OF_DELIVERY/INCOTERM"), PLAIN);
    for remark in info.all("REMARKS").chain(info.all("REMARK")).filter_map(Element::found) {
        record.note(&remark.text);
    }
    let summary = root.at(match kind {
        Kind::PurchaseOrderChange => "ORDERCHANGE_SUMMARY",
        Kind::Invoice => "INVOICE_SUMMARY",
        _ => "ORDER_SUMMARY",
    });
    // the standard's total is that of the items, before taxes
    record.number_sure("subtotal", summary.and_then(|s| s.text("TOTAL_AMOUNT")), CHOSEN);
    let (list, item) = item_info.split_once('/').unwrap_or_default();
    let items = root.all(list).flat_map(|l| l.all(item));
    let lines = items.enumerate().map(|(index, item)| line(item, index, &standard)).collect();
    let language = info.text("LANGUAGE").and_then(|l| match l.text.to_lowercase().as_str() {
        "deu" | "ger" | "de" => Some("de"),
        "eng" | "en" => Some("en"),
        "fra" | "fre" | "fr" => Some("fr"),
        "swe" | "sv" => Some("sv"),
        _ => None,
    });
    record.finish(kind, lines, language)
}

/// Version 2 lists parties with roles, version 1 has an element for each.
fn parties(info: Element<'_>, record: &mut Record) {
    let listed = info.at("PARTIES").into_iter().flat_map(|parties| parties.all("PARTY"));
    for party in listed {
        let roles: Vec<String> = party.all("PARTY_ROLE").filter_map(Element::found).map(|r| r.text).collect();
        for role in &roles {
            take(party, role, record);
        }
    }
    if let Some(parties) = info.at("ORDER_PARTIES") {
        for (element, role) in [
            ("BUYER_PARTY", "buyer"),
            ("SUPPLIER_PARTY", "supplier"),
            ("INVOICE_PARTY", "invoice_recipient"),
            ("SHIPMENT_PARTIES", "delivery"),
        ] {
            for holder in parties.all(element) {
                let party = holder.at("DELIVERY_PARTY").unwrap_or(holder);
                take(party.at("PARTY").unwrap_or(party), role, record);
            }
        }
    }
}

fn take(party: Element<'_>, role: &str, record: &mut Record) {
    let Some(address) = party.at("ADDRESS") else { return };
    let name = address.text("NAME");
    let person = beside(
        address.text("CONTACT_DETAILS/FIRST_NAME"),
        address.text("CONTACT_DETAILS/CONTACT_NAME").or_else(|| address.text("CONTACT/CONTACT_NAME")),
    );
    match role {
        "buyer" => {
            record.text("buyer_name", name);
            record.put("buyer_contact", person, COMPOSED);
            let mail = address.text("CONTACT_DETAILS/EMAILS/EMAIL").or_else(|| address.text("EMAIL"));
            record.put("buyer_email", mail, COMPOSED);
        }
        "supplier" => record.text("vendor_name", name),
        "delivery" | "ship_to" => record.put("ship_to", full(address), COMPOSED),
        "invoice_recipient" => record.put("bill_to", full(address), COMPOSED),
        _ => {}
    }
}

fn full(address: Element<'_>) -> Option<Found> {
    let town = beside(address.text("ZIP"), address.text("CITY"));
    let country = address.text("COUNTRY").or_else(|| address.text("COUNTRY_CODED"));
    let parts = [
        address.text("NAME"),
        address.text("NAME2"),
        address.text("NAME3"),
        address.text("DEPARTMENT"),
        address.text("STREET"),
        town,
        country,
    ];
    (parts.iter().flatten().count() > 1).then(|| join(parts)).flatten()
}

fn line(item: Element<'_>, index: usize, standard: &str) -> Record {
    let mut record = Record::line(standard, index);
    record.text("line_no", item.text("LINE_ITEM_ID"));
    if let Some(product) = item.at("PRODUCT_ID").or_else(|| item.at("ARTICLE_ID")) {
        record.text("sku", product.text("SUPPLIER_PID").or_else(|| product.text("SUPPLIER_AID")));
        record.text("customer_sku", product.text("BUYER_PID").or_else(|| product.text("BUYER_AID")));
        record.put(
            "sku",
            product.text("INTERNATIONAL_PID").or_else(|| product.text("INTERNATIONAL_AID")),
            CUSTOM,
        );
        record.text("description", product.text("DESCRIPTION_SHORT"));
        record.text("description", product.text("DESCRIPTION_LONG"));
    }
    record.number("quantity", item.text("QUANTITY"));
    record.text("unit", item.text("ORDER_UNIT"));
    if let Some(price) = item.at("PRODUCT_PRICE_FIX").or_else(|| item.at("ARTICLE_PRICE")) {
        record.number("unit_price", price.text("PRICE_AMOUNT"));
        let per = price.text("PRICE_QUANTITY").filter(|p| decimal(&p.text) != Some(Decimal::ONE));
        record.number("price_per", per);
        record.number("amount", price.text("PRICE_LINE_AMOUNT"));
    }
    record.number("amount", item.text("PRICE_LINE_AMOUNT"));
    let day = item
        .text("DELIVERY_DATE/DELIVERY_END_DATE")
        .or_else(|| item.text("DELIVERY_DATE/DELIVERY_START_DATE"));
    record.date("delivery_date", day, COMPOSED);
    record
}
