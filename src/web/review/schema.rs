//! Which fields and columns each kind of document has, in the order in which a clerk reads them.
//!
//! Does not: refuse others; what a document has beyond these is shown after them.

use crate::model::draft::Kind;

/// Header fields by kind: first those that must be there, then those that are always shown, then those that may be.
const FIELDS: &[(Kind, [&[&str]; 3])] = &[
    (
        Kind::PurchaseOrder,
        [
            &["po_number", "buyer_name"],
            &["order_date", "requested_date", "ship_to", "bill_to", "currency", "total"],
            &[
                "buyer_contact",
                "buyer_email",
                "account_no",
                "payment_terms",
                "incoterms",
                "subtotal",
                "discount",
                "shipping",
                "tax",
                "vendor_name",
                "supplier_no",
                "quote_ref",
            ],
        ],
    ),
    (
        Kind::PurchaseOrderChange,
        [
            &["po_number", "buyer_name"],
            &["revision", "change_date", "reason", "requested_date", "ship_to", "currency", "total"],
            &[
                "order_date",
                "buyer_contact",
                "buyer_email",
                "account_no",
                "bill_to",
                "payment_terms",
                "incoterms",
                "subtotal",
                "discount",
                "shipping",
                "tax",
                "vendor_name",
                "supplier_no",
                "quote_ref",
            ],
        ],
    ),
    (
        Kind::PurchaseOrderCancellation,
        [
            &["po_number", "buyer_name"],
            &["cancellation_date", "reason", "order_date"],
            &["buyer_contact", "buyer_email", "account_no", "ship_to", "bill_to", "currency", "total"],
        ],
    ),
    (
        Kind::ReturnRequest,
        [
            &["customer_name", "return_reason"],
            &["po_number", "invoice_number", "rma_number", "request_date", "resolution"],
            &["contact_name", "email", "phone", "account_no", "signature_present", "date_signed"],
        ],
    ),
    (
        Kind::CreditApplication,
        [
            &["legal_name", "address", "requested_credit_limit"],
            &["tax_id", "currency", "email", "phone", "entity_type", "references", "signature_present"],
            &[
                "trade_name",
                "website",
                "year_established",
                "employees",
                "annual_revenue",
                "bank_name",
                "bank_account",
                "signatory_name",
                "signatory_title",
                "date_signed",
            ],
        ],
    ),
    (
        Kind::AccountApplication,
        [
            &["legal_name", "bill_to"],
            &["ship_to", "contact_name", "email", "phone", "tax_id", "tax_exempt", "signature_present"],
            &[
                "trade_name",
                "ap_contact",
                "industry",
                "payment_terms",
                "requested_credit_limit",
                "currency",
                "signatory_name",
                "signatory_title",
                "date_signed",
            ],
        ],
    ),
    (
        Kind::Invoice,
        [
            &["invoice_number", "vendor_name"],
            &["invoice_date", "due_date", "po_number", "currency", "total"],
            &[
                "buyer_name",
                "bill_to",
                "ship_to",
                "payment_terms",
                "account_no",
                "subtotal",
                "shipping",
                "tax",
            ],
        ],
    ),
    (
        Kind::DeliveryNote,
        [
            &["delivery_note_number"],
            &["shipped_date", "po_number", "buyer_name", "ship_to"],
            &["vendor_name", "carrier_name", "account_no"],
        ],
    ),
    (
        Kind::Quotation,
        [
            &["buyer_name"],
            &["rfq_number", "rfq_date", "response_due", "requested_date", "buyer_email", "currency"],
            &["buyer_contact", "ship_to", "payment_terms", "incoterms", "vendor_name", "supplier_no"],
        ],
    ),
    (
        Kind::RemittanceAdvice,
        [
            &["payment_reference"],
            &["payment_date", "buyer_name", "currency", "total"],
            &["vendor_name", "supplier_no"],
        ],
    ),
    (
        Kind::EnrolmentForm,
        [
            &["legal_name"],
            &["contact_name", "address", "email", "phone", "signature_present"],
            &["trade_name", "signatory_name", "signatory_title", "date_signed"],
        ],
    ),
    (Kind::CreditNote, [&[], &[], &[]]),
    (Kind::Contract, [&[], &[], &[]]),
    (Kind::Other, [&[], &[], &[]]),
];

/// Header fields of a kind: those that must be there, those that are always shown, those that may be.
pub(super) fn field_names(kind: Kind) -> [&'static [&'static str]; 3] {
    FIELDS.iter().find(|(k, _)| *k == kind).map_or([&[], &[], &[]], |(_, names)| *names)
}

/// Columns that the grid always shows, by kind.
pub(super) fn column_names(kind: Kind) -> &'static [&'static str] {
    match kind {
        Kind::PurchaseOrder | Kind::PurchaseOrderCancellation | Kind::Invoice => {
            &["sku", "description", "quantity", "unit", "unit_price", "amount"]
        }
        Kind::PurchaseOrderChange => {
            &["action", "sku", "description", "quantity", "unit", "unit_price", "amount"]
        }
        Kind::ReturnRequest => &["sku", "description", "quantity", "reason"],
        Kind::DeliveryNote => &["sku", "description", "quantity", "unit"],
        Kind::Quotation => &["sku", "description", "quantity", "unit", "delivery_date"],
        Kind::RemittanceAdvice => &["invoice_number", "invoice_date", "gross", "discount", "amount"],
        Kind::CreditApplication
        | Kind::AccountApplication
        | Kind::EnrolmentForm
        | Kind::CreditNote
        | Kind::Contract
        | Kind::Other => &[],
    }
}

/// Columns from left to right; unknown ones follow.
pub(super) const COLUMN_ORDER: &[&str] = &[
    "line_no",
    "action",
    "invoice_number",
    "invoice_date",
    "sku",
    "customer_sku",
    "description",
    "serial_no",
    "lot",
    "previous_quantity",
    "ordered_quantity",
    "quantity",
    "unit",
    "unit_price",
    "price_per",
    "gross",
    "discount",
    "charge",
    "tax_rate",
    "amount",
    "delivery_date",
    "reason",
];

/// Numbers that are sums of money, written with cents.
pub(super) const SUMS: &[&str] = &[
    "amount",
    "annual_revenue",
    "charge",
    "gross",
    "requested_credit_limit",
    "shipping",
    "subtotal",
    "tax",
    "total",
    "unit_price",
];

/// Fields that want a row of their own.
pub(super) const LONG: &[&str] = &["address", "bill_to", "ship_to", "reason"];
