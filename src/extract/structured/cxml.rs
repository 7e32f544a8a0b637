//! cXML order requests (new, update, delete; cXML 1.2), and the messages around them that are not orders.

use super::{
    record::{CHOSEN, COMPOSED, CUSTOM, PLAIN, Record, beside, decimal, join},
    xml::{Element, Found},
};
use crate::model::draft::{Draft, Kind};
use rust_decimal::Decimal;

/// Whether this is the root of a cXML document.
pub(super) fn is_document(root: Element<'_>) -> bool {
    root.name() == "cXML"
}

/// The orders in the document, or what else it is.
pub(super) fn read(root: Element<'_>) -> Vec<Draft> {
    let mut drafts = Vec::new();
    for request in root.all("Request").chain(root.all("Message")) {
        let test = request.attribute("deploymentMode").filter(|mode| mode.text.eq_ignore_ascii_case("test"));
        for body in request.children() {
            drafts.push(match body.name() {
                "OrderRequest" => order(body, test.as_ref()),
                "InvoiceDetailRequest" => invoice(body),
                "ShipNoticeRequest" => ship_notice(body),
                _ => Record::header("cXML").finish(Kind::Other, Vec::new(), None),
            });
        }
    }
    if drafts.is_empty() {
        drafts.push(Record::header("cXML").finish(Kind::Other, Vec::new(), None));
    }
    drafts
}

fn order(order: Element<'_>, test: Option<&Found>) -> Draft {
    let mut record = Record::header("cXML OrderRequest");
    let head = order.at("OrderRequestHeader").unwrap_or(order);
    let kind = match head.attribute("type").map(|t| t.text.to_lowercase()).as_deref() {
        Some("update") => Kind::PurchaseOrderChange,
        Some("delete") => Kind::PurchaseOrderCancellation,
        _ => Kind::PurchaseOrder,
    };
    if let Some(test) = test {
        record.mark_test(&test.place);
    }
    record.text("po_number", head.attribute("orderID"));
    let day = head.attribute("orderDate");
    match kind {
        Kind::PurchaseOrderChange => record.date("change_date", day, CHOSEN),
        Kind::PurchaseOrderCancellation => record.date("cancellation_date", day, CHOSEN),
        _ => record.date("order_date", day, PLAIN),
    }
    record.text("revision", head.attribute("orderVersion"));
    record.date("requested_date", head.attribute("requestedDeliveryDate"), PLAIN);
    parties(head, &mut record);
    money(head, &mut record);
    for comments in head.all("Comments").filter_map(Element::found) {
        record.note(&comments.text);
    }
    let terms = head.at("PaymentTerm");
    record.text("payment_terms", terms.and_then(|t| t.text("Extrinsic")));
    if let Some(days) = terms.and_then(|t| t.attribute("payInNumberOfDays")) {
        let text = format!("{} days", days.text);
        record.put("payment_terms", Some(Found { text, ..days }), CUSTOM);
    }
    let delivery = head.at("TermsOfDelivery");
    record.put("incoterms", delivery.and_then(|t| t.at("TransportTerms")?.attribute("value")), COMPOSED);
    let lines: Vec<Record> =
        order.all("ItemOut").enumerate().map(|(index, item)| line(item, index)).collect();
    let language = order.all("ItemOut").find_map(|item| {
        let language = item.at("ItemDetail/Description")?.attribute("lang")?.text.to_lowercase();
        language.get(..2).map(str::to_owned)
    });
    let language = language.filter(|l| matches!(l.as_str(), "en" | "de" | "sv" | "fr"));
    record.finish(kind, lines, language.as_deref())
}

/// A party with its address on one line, in the order in which it would be printed.
fn address(holder: Element<'_>) -> Option<Found> {
    let address = holder.at("Address")?;
    let post = address.at("PostalAddress")?;
    let delivered: Vec<Option<Found>> = post.all("DeliverTo").map(Element::found).collect();
    let streets: Vec<Option<Found>> = post.all("Street").map(Element::found).collect();
    let american = post.at("Country").and_then(|c| c.attribute("isoCountryCode"));
    let town = if american.is_some_and(|c| matches!(c.text.as_str(), "US" | "CA")) {
        let state = beside(post.text("State"), post.text("PostalCode"));
        join([post.text("City"), state])
    } else {
        join([beside(post.text("PostalCode"), post.text("City")), post.text("State")])
    };
    let parts = std::iter::once(address.text("Name"))
        .chain(delivered)
        .chain(streets)
        .chain([town, post.text("Country")]);
    join(parts)
}

fn parties(head: Element<'_>, record: &mut Record) {
    record.put("ship_to", head.at("ShipTo").and_then(address), COMPOSED);
    record.put("bill_to", head.at("BillTo").and_then(address), COMPOSED);
    for contact in head.all("Contact") {
        let role = contact.attribute("role").map(|r| r.text.to_lowercase()).unwrap_or_default();
        let (name, mail) = (contact.text("Name"), contact.text("Email"));
        match role.as_str() {
            "buyer" | "buyermasteraccount" | "buyercorporate" | "buyeraccount" => {
                record.put("buyer_name", name, CHOSEN);
                record.put("buyer_email", mail, CHOSEN);
            }
            "purchasingagent" | "customerservice" | "enduser" | "requester" => {
                record.put("buyer_contact", name, CHOSEN);
                record.put("buyer_email", mail, CHOSEN);
            }
            "supplier" | "suppliercorporate" | "supplieraccount" => record.put("vendor_name", name, CHOSEN),
            _ => {}
        }
    }
    record.put("buyer_name", head.text("BillTo/Address/Name"), CUSTOM);
    record.put("buyer_email", head.text("BillTo/Address/Email"), CUSTOM);
}

fn money(head: Element<'_>, record: &mut Record) {
    let sum = |path: &'static str| head.at(path);
    let total = sum("Total/Money");
    record.currency(total.and_then(|m| m.attribute("currency")), PLAIN);
    let (shipping, tax) = (sum("Shipping/Money"), sum("Tax/Money"));
    record.number("shipping", shipping.and_then(Element::found));
    record.number("tax", tax.and_then(Element::found));
    // the standard's total is that of the items, without shipping and tax
    if shipping.is_none() && tax.is_none() {
        record.number("total", total.and_then(Element::found));
    } else {
        record.number_sure("subtotal", total.and_then(Element::found), CHOSEN);
    }
}

fn line(item: Element<'_>, index: usize) -> Record {
    let mut record = Record::line("cXML OrderRequest", index);
    record.text("line_no", item.attribute("lineNumber"));
    record.number("quantity", item.attribute("quantity"));
    record.text("sku", item.text("ItemID/SupplierPartID"));
    record.text("customer_sku", item.text("ItemID/BuyerPartID"));
    record.date("delivery_date", item.attribute("requestedDeliveryDate"), PLAIN);
    if let Some(detail) = item.at("ItemDetail").or_else(|| item.at("BlanketItemDetail")) {
        record.text("description", detail.text("Description"));
        record.text("unit", detail.text("UnitOfMeasure"));
        record.number("unit_price", detail.text("UnitPrice/Money"));
        let per = detail.at("PriceBasisQuantity").and_then(|p| p.attribute("quantity"));
        record.number("price_per", per.filter(|p| decimal(&p.text) != Some(Decimal::ONE)));
    }
    for comments in item.all("Comments").filter_map(Element::found) {
        record.note(&format!("line {}: {}", index + 1, comments.text));
    }
    record
}

fn invoice(body: Element<'_>) -> Draft {
    let mut record = Record::header("cXML InvoiceDetailRequest");
    if let Some(head) = body.at("InvoiceDetailRequestHeader") {
        record.text("invoice_number", head.attribute("invoiceID"));
        record.date("invoice_date", head.attribute("invoiceDate"), PLAIN);
    }
    if let Some(sums) = body.at("InvoiceDetailSummary") {
        record.number("subtotal", sums.text("SubtotalAmount/Money"));
        record.number("tax", sums.text("Tax/Money"));
        record.number("total", sums.text("GrossAmount/Money"));
        record.number_sure("total", sums.text("DueAmount/Money"), CHOSEN);
        record.currency(sums.at("DueAmount/Money").and_then(|m| m.attribute("currency")), PLAIN);
    }
    record.finish(Kind::Invoice, Vec::new(), None)
}

fn ship_notice(body: Element<'_>) -> Draft {
    let mut record = Record::header("cXML ShipNoticeRequest");
    if let Some(head) = body.at("ShipNoticeHeader") {
        record.text("delivery_note_number", head.attribute("shipmentID"));
        record.date("shipped_date", head.attribute("shipmentDate"), PLAIN);
    }
    record.finish(Kind::DeliveryNote, Vec::new(), None)
}
