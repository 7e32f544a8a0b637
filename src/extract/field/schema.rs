//! Which fields each kind of document has, and what a label means in it.

use crate::{extract::label::Label, model::draft::Kind};

/// Which fields a kind of document has.
#[expect(clippy::too_many_lines, reason = "a table")]
pub fn fields_of(kind: Kind) -> &'static [&'static str] {
    match kind {
        Kind::PurchaseOrder => &[
            "po_number",
            "order_date",
            "requested_date",
            "buyer_name",
            "buyer_contact",
            "buyer_email",
            "vendor_name",
            "bill_to",
            "ship_to",
            "currency",
            "payment_terms",
            "incoterms",
            "account_no",
            "supplier_no",
            "quote_ref",
            "subtotal",
            "discount",
            "shipping",
            "tax",
            "total",
        ],
        Kind::PurchaseOrderChange => &[
            "po_number",
            "order_date",
            "requested_date",
            "buyer_name",
            "buyer_contact",
            "buyer_email",
            "vendor_name",
            "bill_to",
            "ship_to",
            "currency",
            "payment_terms",
            "incoterms",
            "account_no",
            "supplier_no",
            "quote_ref",
            "subtotal",
            "discount",
            "shipping",
            "tax",
            "total",
            "revision",
            "change_date",
            "reason",
        ],
        Kind::PurchaseOrderCancellation => &[
            "po_number",
            "order_date",
            "buyer_name",
            "buyer_contact",
            "buyer_email",
            "vendor_name",
            "bill_to",
            "ship_to",
            "currency",
            "account_no",
            "supplier_no",
            "subtotal",
            "discount",
            "shipping",
            "tax",
            "total",
            "cancellation_date",
            "reason",
        ],
        Kind::Invoice => &[
            "invoice_number",
            "invoice_date",
            "due_date",
            "po_number",
            "vendor_name",
            "buyer_name",
            "bill_to",
            "ship_to",
            "currency",
            "payment_terms",
            "account_no",
            "subtotal",
            "discount",
            "shipping",
            "tax",
            "total",
        ],
        Kind::DeliveryNote => &[
            "delivery_note_number",
            "shipped_date",
            "po_number",
            "vendor_name",
            "buyer_name",
            "ship_to",
            "carrier_name",
            "account_no",
        ],
        Kind::Quotation => &[
            "rfq_number",
            "rfq_date",
            "response_due",
            "buyer_name",
            "buyer_contact",
            "buyer_email",
            "vendor_name",
            "ship_to",
            "currency",
            "payment_terms",
            "incoterms",
            "requested_date",
            "supplier_no",
        ],
        Kind::RemittanceAdvice => &[
            "payment_reference",
            "payment_date",
            "buyer_name",
            "vendor_name",
            "currency",
            "total",
            "supplier_no",
        ],
        Kind::ReturnRequest => &[
            "request_date",
            "customer_name",
            "contact_name",
            "phone",
            "email",
            "account_no",
            "po_number",
            "invoice_number",
            "rma_number",
            "return_reason",
            "resolution",
            "signature_present",
            "date_signed",
        ],
        Kind::CreditApplication => &[
            "legal_name",
            "trade_name",
            "address",
            "phone",
            "email",
            "website",
            "tax_id",
            "entity_type",
            "year_established",
            "employees",
            "annual_revenue",
            "requested_credit_limit",
            "currency",
            "bank_name",
            "bank_account",
            "references",
            "signatory_name",
            "signatory_title",
            "signature_present",
            "date_signed",
        ],
        Kind::AccountApplication => &[
            "legal_name",
            "trade_name",
            "bill_to",
            "ship_to",
            "contact_name",
            "email",
            "phone",
            "ap_contact",
            "tax_id",
            "tax_exempt",
            "industry",
            "payment_terms",
            "requested_credit_limit",
            "currency",
            "signatory_name",
            "signatory_title",
            "signature_present",
            "date_signed",
        ],
        Kind::EnrolmentForm => &[
            "legal_name",
            "trade_name",
            "address",
            "contact_name",
            "email",
            "phone",
            "signatory_name",
            "signatory_title",
            "signature_present",
            "date_signed",
        ],
        Kind::CreditNote | Kind::Contract | Kind::Other => &[],
    }
}

/// Whether a kind is a form that people fill in.
pub fn is_form(kind: Kind) -> bool {
    matches!(
        kind,
        Kind::ReturnRequest | Kind::CreditApplication | Kind::AccountApplication | Kind::EnrolmentForm
    )
}

/// A label's meaning in a document of this kind.
pub fn rename(field: &'static str, label: &Label, kind: Kind) -> &'static str {
    let form = is_form(kind);
    match (field, kind) {
        ("date", Kind::PurchaseOrder | Kind::PurchaseOrderChange | Kind::PurchaseOrderCancellation) => {
            "order_date"
        }
        ("date" | "order_date", Kind::Invoice) => "invoice_date",
        ("requested_date", Kind::Invoice) if label.any(&["request"]) => "due_date",
        ("date" | "order_date" | "requested_date", Kind::DeliveryNote) => "shipped_date",
        ("date" | "order_date", Kind::Quotation) => "rfq_date",
        ("requested_date", Kind::Quotation) if !label.any(&["delivery", "ship"]) && label.any(&["date"]) => {
            "rfq_date"
        }
        ("requested_date" | "quote_ref", Kind::Quotation)
            if label.any(&["response"]) && !label.any(&["delivery", "ship", "number"]) =>
        {
            "response_due"
        }
        ("po_number" | "quote_ref" | "document_number", Kind::Quotation) => "rfq_number",
        ("date" | "order_date" | "invoice_date" | "requested_date", Kind::RemittanceAdvice) => "payment_date",
        ("document_number", Kind::RemittanceAdvice) => "payment_reference",
        ("requested_date" | "order_date", Kind::ReturnRequest) => "request_date",
        ("date", _) if form => "date_signed",
        ("document_number", Kind::Invoice) => "invoice_number",
        ("document_number", Kind::DeliveryNote) => "delivery_note_number",
        ("document_number", Kind::ReturnRequest) => "rma_number",
        ("document_number", _) => "po_number",
        ("shipped_date", Kind::PurchaseOrder | Kind::PurchaseOrderChange) => "requested_date",
        ("contact" | "buyer_contact", _) if form => "contact_name",
        ("contact", _) => "buyer_contact",
        ("email", _) if !form => "buyer_email",
        ("customer_name", Kind::CreditApplication | Kind::AccountApplication) => "legal_name",
        ("bill_to" | "ship_to", Kind::CreditApplication) => "address",
        ("address", _) if !form => "ship_to",
        ("remarks", Kind::PurchaseOrderChange | Kind::PurchaseOrderCancellation) => "reason",
        ("bill_to", Kind::ReturnRequest)
            if label.has(&["invoice"])
                && label.concepts.iter().all(|c| matches!(*c, "invoice" | "your" | "filler")) =>
        {
            "invoice_number"
        }
        ("reason", Kind::ReturnRequest) => "return_reason",
        ("account", Kind::CreditApplication) => "bank_account",
        ("legal_name", Kind::ReturnRequest) => "customer_name",
        ("due_date", Kind::RemittanceAdvice) => "payment_date",
        ("due_date", kind) if kind != Kind::Invoice && is_term(&label.text) => "payment_terms",
        (field, _) => field,
    }
}

/// Labels of the day on which an invoice is due, which ask an order for its terms of payment.
fn is_term(label: &str) -> bool {
    matches!(label, "betalas senast" | "zahlungstermin" | "echeance" | "echeance de paiement" | "payment due")
}
