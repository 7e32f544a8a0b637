//! Universal Business Language 2.x (OASIS; Peppol BIS 3 is a subset): orders, changes and cancellations, and the kinds
//! that are not orders. Elements are those of the UBL 2.1 schemas.

use super::{
    record::{CHOSEN, COMPOSED, CUSTOM, PLAIN, Record, beside, decimal, join},
    xml::{Element, Found},
};
use crate::model::{
    draft::{Draft, Kind},
    finding::Severity,
};
use rust_decimal::Decimal;

/// Start of the namespaces of UBL 2 documents.
const NAMESPACE: &str = "urn:oasis:names:specification:ubl:schema:xsd:";

/// Codes of charges for freight (UNCL 7161).
const FREIGHT_CODES: [&str; 6] = ["FC", "DL", "SAA", "FAA", "SH", "TX"];

/// Whether this is the root of a UBL document.
pub(super) fn is_document(root: Element<'_>) -> bool {
    root.namespace().strip_prefix(NAMESPACE).is_some_and(|name| !name.starts_with("Common"))
}

/// The document as a draft.
pub(super) fn read(root: Element<'_>) -> Draft {
    let kind = match root.name() {
        "Order" => Kind::PurchaseOrder,
        "OrderChange" => Kind::PurchaseOrderChange,
        "OrderCancellation" => Kind::PurchaseOrderCancellation,
        "Invoice" | "CreditNote" | "DebitNote" | "FreightInvoice" => Kind::Invoice,
        "DespatchAdvice" => Kind::DeliveryNote,
        "RequestForQuotation" => Kind::Quotation,
        "RemittanceAdvice" => Kind::RemittanceAdvice,
        _ => Kind::Other,
    };
    let standard = match root.text("CustomizationID") {
        Some(id) if id.text.contains("peppol") => format!("Peppol {}", root.name()),
        _ => format!("UBL {}", root.name()),
    };
    let mut record = Record::header(&standard);
    head(root, kind, &mut record);
    parties(root, &mut record);
    delivery(root, &mut record);
    sums(root, &mut record);
    for note in root.all("Note").filter_map(Element::found) {
        record.note(&note.text);
    }
    let lines = lines(root, kind, &standard);
    let language = root.at("Note").and_then(|note| note.attribute("languageID"));
    let language = language.map(|l| l.text.to_lowercase()).filter(|l| l.len() == 2);
    record.finish(kind, lines, language.as_deref())
}

fn head(root: Element<'_>, kind: Kind, record: &mut Record) {
    let id = root.text("ID");
    let issued = root.text("IssueDate");
    match kind {
        Kind::PurchaseOrderChange => {
            record.text("po_number", root.text("OrderReference/ID"));
            record.date("order_date", root.text("OrderReference/IssueDate"), PLAIN);
            record.text("revision", root.text("SequenceNumberID"));
            record.put("revision", id, CHOSEN);
            record.date("change_date", issued, PLAIN);
            record.put("reason", root.text("Note"), CHOSEN);
        }
        Kind::PurchaseOrderCancellation => {
            record.text("po_number", root.text("OrderReference/ID"));
            record.date("order_date", root.text("OrderReference/IssueDate"), PLAIN);
            record.date("cancellation_date", issued, PLAIN);
            record.text("reason", root.text("CancellationNote"));
        }
        Kind::Invoice => {
            record.text("invoice_number", id);
            record.date("invoice_date", issued, PLAIN);
            record.date("due_date", root.text("DueDate"), PLAIN);
            record.date("due_date", root.text("PaymentMeans/PaymentDueDate"), PLAIN);
            record.date("due_date", root.text("PaymentTerms/PaymentDueDate"), PLAIN);
            // a number of its own name: the invoice's own number must not become the order's
            record.text("po_number_of_order", root.text("OrderReference/ID"));
            if root.name() == "CreditNote" {
                record.find(
                    "credit_note",
                    Severity::Check,
                    "This is a credit note: book it the other way round.",
                );
            }
        }
        Kind::DeliveryNote => {
            record.text("delivery_note_number", id);
            record.date("shipped_date", root.text("Shipment/Delivery/ActualDeliveryDate"), CHOSEN);
            record.date("shipped_date", root.text("Shipment/Delivery/Despatch/ActualDespatchDate"), PLAIN);
            record.date("shipped_date", issued, CHOSEN);
            record.text("po_number_of_order", root.text("OrderReference/ID"));
        }
        Kind::Quotation => {
            record.text("rfq_number", id);
            record.date("rfq_date", issued, PLAIN);
            record.date("response_due", root.text("SubmissionDueDate"), PLAIN);
        }
        Kind::RemittanceAdvice => {
            record.text("payment_reference", id);
            record.date("payment_date", root.text("PaymentMeans/PaymentDueDate"), CHOSEN);
            record.date("payment_date", issued, CHOSEN);
        }
        _ => {
            record.text("po_number", id);
            record.date("order_date", issued, PLAIN);
        }
    }
    record.text("quote_ref", root.text("QuotationDocumentReference/ID"));
    let stated = root.text("DocumentCurrencyCode").or_else(|| root.text("PricingCurrencyCode"));
    record.currency(stated, PLAIN);
    let amount = |path| root.at(path).and_then(|amount| amount.attribute("currencyID"));
    for path in [
        "AnticipatedMonetaryTotal/PayableAmount",
        "LegalMonetaryTotal/PayableAmount",
        "OrderLine/LineItem/Price/PriceAmount",
        "OrderLine/LineItem/LineExtensionAmount",
    ] {
        record.currency(amount(path), COMPOSED);
    }
    if root.text("CopyIndicator").is_some_and(|copy| copy.text == "true" || copy.text == "1") {
        record.mark_copy("CopyIndicator");
    }
    if root.text("ProfileExecutionID").is_some_and(|id| id.text.to_lowercase().starts_with("test")) {
        record.mark_test("ProfileExecutionID");
    }
}

/// The name of a customer or supplier party.
fn name(holder: Element<'_>) -> Option<Found> {
    let party = holder.at("Party").unwrap_or(holder);
    party
        .text("PartyName/Name")
        .or_else(|| party.text("PartyLegalEntity/RegistrationName"))
        .or_else(|| party.text("PartyTaxScheme/RegistrationName"))
}

fn parties(root: Element<'_>, record: &mut Record) {
    if let Some(buyer) = root.at("BuyerCustomerParty") {
        record.text("buyer_name", name(buyer));
        record.text("account_no", buyer.text("SupplierAssignedAccountID"));
        for contact in ["Party/Contact", "BuyerContact"] {
            if let Some(contact) = buyer.at(contact) {
                record.text("buyer_contact", contact.text("Name"));
                record.text("buyer_email", contact.text("ElectronicMail"));
            }
        }
        record.put("buyer_contact", buyer.at("Party/Person").and_then(person), COMPOSED);
    }
    if let Some(seller) = root.at("SellerSupplierParty") {
        record.text("vendor_name", name(seller));
        record.text("supplier_no", seller.text("CustomerAssignedAccountID"));
    }
    if let Some(supplier) = root.at("AccountingSupplierParty").or_else(|| root.at("DespatchSupplierParty")) {
        record.text("vendor_name", name(supplier));
    }
    if let Some(customer) = root.at("AccountingCustomerParty") {
        record.text("account_no", customer.text("SupplierAssignedAccountID"));
        let party = customer.at("Party").unwrap_or(customer);
        let address = party.at("PostalAddress").and_then(address);
        if address.is_some() {
            record.put("bill_to", join([name(customer), address]), COMPOSED);
        }
        record.put("buyer_name", name(customer), COMPOSED);
    }
    if let Some(customer) = root.at("DeliveryCustomerParty") {
        record.put("buyer_name", name(customer), CHOSEN);
    }
}

fn person(person: Element<'_>) -> Option<Found> {
    beside(person.text("FirstName"), person.text("FamilyName"))
}

/// An address on one line, in the order in which it would be printed.
fn address(address: Element<'_>) -> Option<Found> {
    let street = beside(address.text("StreetName"), address.text("BuildingNumber"));
    let town = beside(address.text("PostalZone"), address.text("CityName"));
    let country = address.text("Country/Name").or_else(|| address.text("Country/IdentificationCode"));
    let lines: Vec<Option<Found>> = address.all("AddressLine").map(|line| line.text("Line")).collect();
    let first = [
        address.text("Department"),
        address.text("BuildingName"),
        street,
        address.text("AdditionalStreetName"),
        address.text("Postbox"),
    ];
    let last = [town, address.text("CountrySubentity"), country];
    let parts: Vec<Option<Found>> = first.into_iter().chain(lines).chain(last).collect();
    // a country alone is no address
    if parts.iter().flatten().count() < 2 {
        return None;
    }
    join(parts)
}

fn delivery(root: Element<'_>, record: &mut Record) {
    let deliveries = || root.all("Delivery");
    for delivery in deliveries() {
        let place = delivery
            .at("DeliveryLocation/Address")
            .or_else(|| delivery.at("DeliveryAddress"))
            .and_then(address);
        let party = delivery.at("DeliveryParty");
        let place = place.or_else(|| party.and_then(|p| p.at("PostalAddress")).and_then(address));
        let addressee = party.and_then(name).or_else(|| delivery.text("DeliveryLocation/Name"));
        if place.is_some() {
            record.put("ship_to", join([addressee, place]), COMPOSED);
        }
        period(delivery, "requested_date", record);
    }
    let customer = root.at("DeliveryCustomerParty");
    if let Some(place) = customer.and_then(|c| c.at("Party/PostalAddress")).and_then(address) {
        record.put("ship_to", join([customer.and_then(name), Some(place)]), COMPOSED);
    }
    let places: Vec<String> = deliveries()
        .filter_map(|d| {
            d.at("DeliveryLocation/Address").or_else(|| d.at("DeliveryAddress")).and_then(address)
        })
        .map(|found| found.text)
        .collect();
    if places.iter().any(|place| Some(place) != places.first()) {
        record.doubt("ship_to", CUSTOM);
        let message = "The order names more than one delivery address: see which goods go where.";
        record.find("several_ship_to", Severity::Check, message);
    }
    let terms: Vec<Option<Found>> = root.all("PaymentTerms").map(|terms| terms.text("Note")).collect();
    record.put("payment_terms", join(terms), PLAIN);
    if let Some(terms) = root.at("DeliveryTerms") {
        let code = terms.text("ID");
        let place = terms.text("DeliveryLocation/Name").or_else(|| terms.text("DeliveryLocation/ID"));
        match (code, place) {
            (Some(code), Some(place)) if place.text.starts_with(&code.text) => {
                record.put("incoterms", Some(place), CHOSEN);
            }
            (Some(code), place @ Some(_)) => record.put("incoterms", beside(Some(code), place), CHOSEN),
            (code, _) => record.text("incoterms", code),
        }
    }
}

/// The day until which delivery is wished: the end of the period, else its start.
fn period(delivery: Element<'_>, name: &str, record: &mut Record) {
    let period = delivery.at("RequestedDeliveryPeriod");
    let (start, end) = (
        period.and_then(|p| p.text("StartDate")),
        period.and_then(|p| p.text("EndDate")).or_else(|| delivery.text("LatestDeliveryDate")),
    );
    let open = start.as_ref().zip(end.as_ref()).is_some_and(|(a, b)| a.text != b.text);
    record.date(name, end, if open { CHOSEN } else { PLAIN });
    record.date(name, start, PLAIN);
    let ships = delivery.text("Despatch/RequestedDespatchDate");
    record.date(name, ships, CUSTOM);
}

fn sums(root: Element<'_>, record: &mut Record) {
    let Some(sums) = ["AnticipatedMonetaryTotal", "LegalMonetaryTotal", "RequestedMonetaryTotal"]
        .into_iter()
        .find_map(|name| root.at(name))
    else {
        record.number("total", root.text("TotalPaymentAmount"));
        tax(root, record);
        return;
    };
    record.number("subtotal", sums.text("LineExtensionAmount"));
    record.number("discount", sums.text("AllowanceTotalAmount"));
    if let Some(charges) = sums.text("ChargeTotalAmount") {
        let mut all = root.all("AllowanceCharge").filter(|charge| is_charge(*charge));
        let sure = if all.all(is_freight) { PLAIN } else { CHOSEN };
        record.number_sure("shipping", Some(charges), sure);
    }
    tax(root, record);
    let prepaid = sums.text("PrepaidAmount").and_then(|p| decimal(&p.text)).unwrap_or_default();
    if prepaid.is_zero() {
        record.number("total", sums.text("PayableAmount"));
    }
    record.number_sure("total", sums.text("TaxInclusiveAmount"), CHOSEN);
    record.number_sure("total", sums.text("PayableAmount"), CHOSEN);
}

/// The tax in the currency of the document, where it is also given in another.
fn tax(root: Element<'_>, record: &mut Record) {
    let currency = root.text("DocumentCurrencyCode").map(|c| c.text);
    let amounts: Vec<Element<'_>> = root.all("TaxTotal").filter_map(|t| t.at("TaxAmount")).collect();
    let own = amounts.iter().find(|amount| {
        amounts.len() == 1
            || amount.attribute("currencyID").is_some_and(|found| Some(&found.text) == currency.as_ref())
    });
    record.number("tax", own.and_then(|amount| amount.found()));
}

fn is_charge(charge: Element<'_>) -> bool {
    charge.text("ChargeIndicator").is_some_and(|found| found.text == "true" || found.text == "1")
}

fn is_freight(charge: Element<'_>) -> bool {
    let code = charge.text("AllowanceChargeReasonCode");
    let reason = charge.text("AllowanceChargeReason").map(|r| r.text.to_lowercase()).unwrap_or_default();
    code.is_some_and(|code| FREIGHT_CODES.contains(&code.text.as_str()))
        || ["freight", "shipping", "transport", "fracht", "versand", "frakt", "port", "livraison"]
            .iter()
            .any(|word| reason.contains(word))
}

fn lines(root: Element<'_>, kind: Kind, standard: &str) -> Vec<Record> {
    let holder = match kind {
        Kind::Invoice if root.name() == "CreditNote" => "CreditNoteLine",
        Kind::Invoice if root.name() == "DebitNote" => "DebitNoteLine",
        Kind::Invoice => "InvoiceLine",
        Kind::DeliveryNote => "DespatchLine",
        Kind::Quotation => "RequestForQuotationLine",
        Kind::RemittanceAdvice => "RemittanceAdviceLine",
        _ => "OrderLine",
    };
    root.all(holder)
        .enumerate()
        .map(|(index, holder)| {
            let item = holder.at("LineItem").unwrap_or(holder);
            let mut record = Record::line(standard, index);
            if kind == Kind::RemittanceAdvice {
                paid(item, &mut record);
            } else {
                line(item, kind, &mut record);
            }
            for note in holder.all("Note").chain(item.all("Note")).filter_map(Element::found) {
                let id = item.text("ID").map_or_else(|| (index + 1).to_string(), |id| id.text);
                record.note(&format!("line {id}: {}", note.text));
            }
            record
        })
        .collect()
}

fn paid(item: Element<'_>, record: &mut Record) {
    record.text("invoice_number", item.text("BillingReference/InvoiceDocumentReference/ID"));
    record.text("invoice_number", item.text("DocumentReference/ID"));
    record.date("invoice_date", item.text("BillingReference/InvoiceDocumentReference/IssueDate"), PLAIN);
    record.number("amount", item.text("PaidAmount"));
    record.number("amount", item.text("CreditLineAmount"));
    record.number_sure("amount", item.text("DebitLineAmount"), CHOSEN);
}

fn line(item: Element<'_>, kind: Kind, record: &mut Record) {
    record.text("line_no", item.text("ID"));
    let quantity =
        ["Quantity", "InvoicedQuantity", "CreditedQuantity", "DebitedQuantity", "DeliveredQuantity"]
            .into_iter()
            .find_map(|name| item.at(name));
    if let Some(quantity) = quantity {
        record.number("quantity", quantity.found());
        record.text("unit", quantity.attribute("unitCode"));
    }
    let goods = item.at("Item");
    let said = |path| goods.and_then(|goods| goods.text(path));
    record.text("sku", said("SellersItemIdentification/ID"));
    record.text("customer_sku", said("BuyersItemIdentification/ID"));
    record.put("sku", said("StandardItemIdentification/ID"), CUSTOM);
    record.text("description", said("Name"));
    record.put("description", said("Description"), PLAIN);
    record.number("tax_rate", said("ClassifiedTaxCategory/Percent"));
    let price = item.at("Price");
    record.number("unit_price", price.and_then(|p| p.text("PriceAmount")));
    let base = price.and_then(|p| p.text("BaseQuantity"));
    record.number("price_per", base.filter(|b| decimal(&b.text) != Some(Decimal::ONE)));
    record.number("amount", item.text("LineExtensionAmount"));
    allowances(item, record);
    if let Some(delivery) = item.at("Delivery") {
        period(delivery, "delivery_date", record);
        if item.all("Delivery").count() > 1 {
            record.doubt("delivery_date", CUSTOM);
        }
    }
    if kind == Kind::PurchaseOrderChange
        && let Some(status) = item.text("LineStatusCode")
    {
        let action = super::line_action(&status.text);
        record.put("action", action.map(|a| Found { text: a.to_owned(), ..status }), PLAIN);
    }
}

/// One allowance in percent is the line's discount; sums come on top of quantity times price.
fn allowances(item: Element<'_>, record: &mut Record) {
    let full = super::full_amount(record);
    let mut charge = Decimal::ZERO;
    let mut place = None;
    for allowance in item.all("AllowanceCharge") {
        let amount = allowance.text("Amount");
        let Some(sum) = amount.as_ref().and_then(|a| decimal(&a.text)) else { continue };
        let up = is_charge(allowance);
        let factor = allowance.text("MultiplierFactorNumeric");
        let percent = factor.as_ref().and_then(|f| decimal(&f.text)).and_then(|factor| {
            let of = |percent: Decimal| Some(full?.checked_mul(percent)? / Decimal::ONE_HUNDRED - sum);
            let near = |percent: Decimal| of(percent).is_some_and(|off| off.abs() < Decimal::new(6, 3));
            let whole = factor.checked_mul(Decimal::ONE_HUNDRED)?;
            [factor, whole].into_iter().find(|percent| near(*percent))
        });
        match (percent, factor) {
            (Some(percent), Some(factor)) if !up && !record.has("discount") => {
                record.number("discount", Some(Found { text: percent.normalize().to_string(), ..factor }));
            }
            _ => {
                charge += if up { sum } else { -sum };
                place = place.or(amount);
            }
        }
    }
    if let Some(place) = place.filter(|_| !charge.is_zero()) {
        record.number("charge", Some(Found { text: charge.to_string(), ..place }));
    }
}
