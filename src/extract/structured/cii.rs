//! Cross Industry messages of UN/CEFACT: Order-X 1.0 (orders, changes, responses) and Factur-X / ZUGFeRD invoices.
//!
//! The type code decides what it is (UNCL 1001), not the name of the file that it came in.

use super::{
    record::{CHOSEN, COMPOSED, CUSTOM, PLAIN, Record, beside, decimal, join},
    xml::{Element, Found},
};
use crate::model::{
    draft::{Draft, Kind},
    finding::Severity,
};
use rust_decimal::Decimal;

/// Order type codes: order, blanket, spot, lease, rush, repair, call-off, consignment, sample, swap, hire, spare parts.
const ORDERS: [&str; 13] =
    ["105", "220", "221", "222", "223", "224", "225", "226", "227", "228", "229", "258", "402"];

/// Whether this is the root of a cross-industry order or invoice.
pub(super) fn is_document(root: Element<'_>) -> bool {
    matches!(root.name(), "SCRDMCCBDACIOMessageStructure" | "CrossIndustryInvoice" | "CrossIndustryOrder")
        || root.name() == "CrossIndustryDocument" && root.namespace().contains("CrossIndustryDocument")
        || root.namespace().starts_with("urn:un:unece:uncefact:data:SCRDM")
}

/// The document as a draft.
pub(super) fn read(root: Element<'_>) -> Draft {
    let invoice = !matches!(root.name(), "SCRDMCCBDACIOMessageStructure" | "CrossIndustryOrder");
    let standard = if invoice { "Factur-X/ZUGFeRD" } else { "Order-X" };
    let head = root.at("ExchangedDocument").or_else(|| root.at("HeaderExchangedDocument"));
    let said = |path| head.and_then(|head| head.text(path));
    let code = said("TypeCode").map_or_else(String::new, |code| code.text);
    let purpose = said("PurposeCode").map_or_else(String::new, |code| code.text);
    let kind = match code.as_str() {
        _ if invoice => Kind::Invoice,
        "230" | "220" if purpose == "1" => Kind::PurchaseOrderCancellation,
        "230" => Kind::PurchaseOrderChange,
        "320" | "231" => Kind::Other,
        code if ORDERS.contains(&code) => Kind::PurchaseOrder,
        _ => Kind::Other,
    };
    let mut record = Record::header(standard);
    let context =
        root.at("ExchangedDocumentContext").or_else(|| root.at("SpecifiedExchangedDocumentContext"));
    if let Some(test) = context.and_then(|c| indicator(c, "TestIndicator")).filter(|t| t.text == "true") {
        record.mark_test(&test.place);
    }
    let copy = head.and_then(|h| indicator(h, "CopyIndicator")).filter(|c| c.text == "true");
    if let Some(copy) = copy {
        record.mark_copy(&copy.place);
    } else if matches!(purpose.as_str(), "7" | "31") {
        record.mark_copy("PurposeCode");
    }
    if code == "381" {
        record.find("credit_note", Severity::Check, "This is a credit note: book it the other way round.");
    }
    for note in head.into_iter().flat_map(|h| h.all("IncludedNote")).filter_map(|n| n.text("Content")) {
        record.note(&note.text);
    }
    let deal = root
        .at("SupplyChainTradeTransaction")
        .or_else(|| root.at("SpecifiedSupplyChainTradeTransaction"))
        .unwrap_or(root);
    numbers(head, deal, kind, &mut record);
    agreement(deal, &mut record);
    delivery(deal, kind, &mut record);
    settlement(deal, &mut record);
    let lines = deal
        .all("IncludedSupplyChainTradeLineItem")
        .enumerate()
        .map(|(index, item)| line(item, index, kind, standard))
        .collect();
    let language = said("LanguageID").map(|l| l.text.to_lowercase()).filter(|l| l.len() == 2);
    record.finish(kind, lines, language.as_deref())
}

fn indicator(holder: Element<'_>, name: &'static str) -> Option<Found> {
    holder.at(name)?.text("Indicator")
}

/// A moment in one of the formats of UN/CEFACT: 102 is a day, 203 and 204 have a time behind it.
fn moment(holder: Element<'_>) -> Option<Found> {
    ["DateTimeString", "DateString", "DateTime", "Date"].into_iter().find_map(|name| holder.text(name))
}

fn numbers(head: Option<Element<'_>>, deal: Element<'_>, kind: Kind, record: &mut Record) {
    let id = head.and_then(|head| head.text("ID"));
    let issued = head.and_then(|head| head.at("IssueDateTime")).and_then(moment);
    let agreement = deal.at("ApplicableHeaderTradeAgreement");
    let order = agreement.and_then(|a| a.at("BuyerOrderReferencedDocument"));
    let order_id = order.and_then(|o| o.text("IssuerAssignedID"));
    let ordered = order.and_then(|o| o.at("FormattedIssueDateTime")).and_then(moment);
    match kind {
        Kind::PurchaseOrderChange | Kind::PurchaseOrderCancellation => {
            if order_id.is_some() {
                record.text("revision", id.clone());
            }
            record.text("po_number", order_id);
            record.put("po_number", id, CHOSEN);
            record.date("order_date", ordered, PLAIN);
            let day = if kind == Kind::PurchaseOrderChange { "change_date" } else { "cancellation_date" };
            record.date(day, issued, PLAIN);
        }
        Kind::Invoice => {
            record.text("invoice_number", id);
            record.date("invoice_date", issued, PLAIN);
            record.text("po_number_of_order", order_id);
        }
        _ => {
            record.text("po_number", id);
            record.date("order_date", issued, PLAIN);
        }
    }
}

fn agreement(deal: Element<'_>, record: &mut Record) {
    let Some(agreement) =
        deal.at("ApplicableHeaderTradeAgreement").or_else(|| deal.at("ApplicableSupplyChainTradeAgreement"))
    else {
        return;
    };
    if let Some(buyer) = agreement.at("BuyerTradeParty") {
        record.text("buyer_name", buyer.text("Name"));
        record.put("account_no", buyer.text("ID"), CHOSEN);
        record.text("buyer_contact", buyer.text("DefinedTradeContact/PersonName"));
        record.put("buyer_contact", buyer.text("DefinedTradeContact/DepartmentName"), CUSTOM);
        record.text("buyer_email", buyer.text("DefinedTradeContact/EmailURIUniversalCommunication/URIID"));
        let mail = buyer.at("URIUniversalCommunication/URIID");
        let mail = mail.filter(|m| m.attribute("schemeID").is_some_and(|s| s.text == "EM"));
        record.put("buyer_email", mail.and_then(Element::found), CHOSEN);
    }
    if let Some(seller) = agreement.at("SellerTradeParty") {
        record.text("vendor_name", seller.text("Name"));
        record.put("supplier_no", seller.text("ID"), CHOSEN);
    }
    record.text("quote_ref", agreement.text("QuotationReferencedDocument/IssuerAssignedID"));
    if let Some(terms) = agreement.at("ApplicableTradeDeliveryTerms") {
        let code = terms.text("DeliveryTypeCode");
        match terms.text("RelevantTradeLocation/Name") {
            place @ Some(_) => record.put("incoterms", beside(code, place), CHOSEN),
            None => record.text("incoterms", code),
        }
    }
}

/// A party with its address on one line, in the order in which it would be printed.
fn party(party: Element<'_>) -> Option<Found> {
    let address = party.at("PostalTradeAddress")?;
    let town = beside(address.text("PostcodeCode"), address.text("CityName"));
    let parts = [
        address.text("LineOne"),
        address.text("LineTwo"),
        address.text("LineThree"),
        town,
        address.text("CountrySubDivisionName"),
        address.text("CountryID"),
    ];
    if parts.iter().flatten().count() < 2 {
        return None;
    }
    join([party.text("Name"), join(parts)])
}

fn delivery(deal: Element<'_>, kind: Kind, record: &mut Record) {
    let Some(delivery) =
        deal.at("ApplicableHeaderTradeDelivery").or_else(|| deal.at("ApplicableSupplyChainTradeDelivery"))
    else {
        return;
    };
    record.put("ship_to", delivery.at("ShipToTradeParty").and_then(party), COMPOSED);
    if kind != Kind::Invoice {
        wanted(delivery, "requested_date", record);
    }
}

/// The day until which delivery is wished: the end of a period, else the day; the day of dispatch says it less surely.
fn wanted(holder: Element<'_>, name: &str, record: &mut Record) {
    for (event, sure) in
        [("RequestedDeliverySupplyChainEvent", PLAIN), ("RequestedDespatchSupplyChainEvent", CUSTOM)]
    {
        let Some(event) = holder.at(event) else { continue };
        let day = event.at("OccurrenceDateTime").and_then(moment);
        let start = event.at("OccurrenceSpecifiedPeriod/StartDateTime").and_then(moment);
        let end = event.at("OccurrenceSpecifiedPeriod/EndDateTime").and_then(moment);
        let same = |a: &Option<Found>, b: &Option<Found>| {
            a.as_ref().zip(b.as_ref()).is_some_and(|(a, b)| a.text.get(..8) == b.text.get(..8))
        };
        let open =
            end.is_some() && (day.is_some() && !same(&day, &end) || start.is_some() && !same(&start, &end));
        record.date(name, day, if open { sure.min(CHOSEN) } else { sure });
        record.date(name, end, if open { sure.min(CHOSEN) } else { sure });
        record.date(name, start, sure);
    }
}

fn settlement(deal: Element<'_>, record: &mut Record) {
    let Some(settlement) = deal
        .at("ApplicableHeaderTradeSettlement")
        .or_else(|| deal.at("ApplicableSupplyChainTradeSettlement"))
    else {
        return;
    };
    record.currency(
        settlement.text("OrderCurrencyCode").or_else(|| settlement.text("InvoiceCurrencyCode")),
        PLAIN,
    );
    record.put("bill_to", settlement.at("InvoiceeTradeParty").and_then(party), COMPOSED);
    let terms: Vec<Option<Found>> =
        settlement.all("SpecifiedTradePaymentTerms").map(|terms| terms.text("Description")).collect();
    record.text("payment_terms", join(terms));
    let due = settlement.at("SpecifiedTradePaymentTerms/DueDateDateTime").and_then(moment);
    record.date("due_date", due, PLAIN);
    let Some(sums) =
        ["SpecifiedTradeSettlementHeaderMonetarySummation", "SpecifiedTradeSettlementMonetarySummation"]
            .into_iter()
            .find_map(|name| settlement.at(name))
    else {
        return;
    };
    record.number("subtotal", sums.text("LineTotalAmount"));
    record.number("discount", sums.text("AllowanceTotalAmount"));
    let mut charges = settlement.all("SpecifiedTradeAllowanceCharge").filter(|charge| is_charge(*charge));
    let freight = charges.all(|charge| {
        let code = charge.text("ReasonCode").map(|code| code.text);
        code.is_some_and(|code| matches!(code.as_str(), "FC" | "DL" | "SAA" | "FAA" | "SH" | "TX"))
    });
    record.number_sure("shipping", sums.text("ChargeTotalAmount"), if freight { PLAIN } else { CHOSEN });
    record.number("tax", sums.text("TaxTotalAmount"));
    record.number("total", sums.text("GrandTotalAmount"));
}

fn is_charge(charge: Element<'_>) -> bool {
    charge.text("ChargeIndicator/Indicator").is_some_and(|found| found.text == "true")
}

fn line(item: Element<'_>, index: usize, kind: Kind, standard: &str) -> Record {
    let mut record = Record::line(standard, index);
    if let Some(document) = item.at("AssociatedDocumentLineDocument") {
        record.text("line_no", document.text("LineID"));
        if kind == Kind::PurchaseOrderChange
            && let Some(status) = document.text("LineStatusCode")
        {
            let action = super::line_action(&status.text);
            record.put("action", action.map(|a| Found { text: a.to_owned(), ..status }), PLAIN);
        }
        for note in document.all("IncludedNote").filter_map(|note| note.text("Content")) {
            let id = document.text("LineID").map_or_else(|| (index + 1).to_string(), |id| id.text);
            record.note(&format!("line {id}: {}", note.text));
        }
    }
    let product = item.at("SpecifiedTradeProduct");
    let said = |path| product.and_then(|product| product.text(path));
    record.text("sku", said("SellerAssignedID"));
    record.text("customer_sku", said("BuyerAssignedID"));
    record.put("sku", said("GlobalID"), CUSTOM);
    record.text("description", said("Name"));
    record.put("description", said("Description"), PLAIN);
    record.text("lot", said("BatchID"));
    let (agreement, delivery, settlement) = (
        item.at("SpecifiedLineTradeAgreement").or_else(|| item.at("SpecifiedSupplyChainTradeAgreement")),
        item.at("SpecifiedLineTradeDelivery").or_else(|| item.at("SpecifiedSupplyChainTradeDelivery")),
        item.at("SpecifiedLineTradeSettlement").or_else(|| item.at("SpecifiedSupplyChainTradeSettlement")),
    );
    if let Some(price) = agreement.and_then(|a| a.at("NetPriceProductTradePrice")) {
        record.number("unit_price", price.text("ChargeAmount"));
        let base = price.text("BasisQuantity").filter(|b| decimal(&b.text) != Some(Decimal::ONE));
        record.number("price_per", base);
    }
    if let Some(delivery) = delivery {
        let quantity = ["RequestedQuantity", "BilledQuantity"].into_iter().find_map(|name| delivery.at(name));
        if let Some(quantity) = quantity {
            record.number("quantity", quantity.found());
            record.text("unit", quantity.attribute("unitCode"));
        }
        wanted(delivery, "delivery_date", &mut record);
    }
    if let Some(settlement) = settlement {
        record.number("tax_rate", settlement.text("ApplicableTradeTax/RateApplicablePercent"));
        record.number("tax_rate", settlement.text("ApplicableTradeTax/ApplicablePercent"));
        for sums in [
            "SpecifiedTradeSettlementLineMonetarySummation/LineTotalAmount",
            "SpecifiedTradeSettlementMonetarySummation/LineTotalAmount",
        ] {
            record.number("amount", settlement.text(sums));
        }
        allowances(settlement, &mut record);
    }
    record
}

/// One allowance in percent is the line's discount; sums come on top of quantity times price.
fn allowances(settlement: Element<'_>, record: &mut Record) {
    let full = super::full_amount(record);
    let mut charge = Decimal::ZERO;
    let mut place = None;
    for allowance in settlement.all("SpecifiedTradeAllowanceCharge") {
        let amount = allowance.text("ActualAmount");
        let Some(sum) = amount.as_ref().and_then(|a| decimal(&a.text)) else { continue };
        let up = is_charge(allowance);
        let percent = allowance.text("CalculationPercent").filter(|percent| {
            let share = decimal(&percent.text).zip(full).and_then(|(p, full)| full.checked_mul(p));
            share.is_some_and(|s| (s / Decimal::ONE_HUNDRED - sum).abs() < Decimal::new(6, 3))
        });
        match percent {
            Some(percent) if !up && !record.has("discount") => record.number("discount", Some(percent)),
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
