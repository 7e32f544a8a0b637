//! What a site knows: customers and goods.

use super::{calendar::Calendar, catalogue::Catalogue, draft::Line, ids::AccountId};
use jiff::civil::Date;
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};
use std::{collections::BTreeMap, sync::Arc};

/// A customer on file.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Account {
    /// Our number for the customer: the key.
    pub account_no: String,
    /// Legal name.
    pub name: String,
    /// Other names that it goes by.
    pub aliases: Vec<String>,
    /// ISO 3166-1 alpha-2.
    pub country: String,
    /// ISO 639-1.
    pub language: String,
    /// ISO 4217.
    pub currency: String,
    /// As agreed, in words.
    pub payment_terms: String,
    /// Billing address on one line.
    pub bill_to: String,
    /// Delivery addresses, each on one line.
    pub ship_to: Vec<String>,
    /// Domain of its mail.
    pub email_domain: String,
    /// `Name <address>`.
    pub contacts: Vec<String>,
    /// VAT or tax number.
    pub tax_id: String,
    /// What one order may come to without a word with us, in the account's currency; none means no limit.
    #[serde(default)]
    pub credit_limit: Option<Decimal>,
}

/// A customer on file with its row id.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AccountRow {
    /// Row id.
    pub id: AccountId,
    /// The customer.
    pub account: Account,
}

/// One article that we sell.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct CatalogueItem {
    /// Our item number: the key.
    pub sku: String,
    /// Description by ISO 639-1 code; `en` is the plain one.
    pub descriptions: BTreeMap<String, String>,
    /// Unit of sale.
    pub unit: String,
    /// List price for one unit by ISO 4217 code.
    pub prices: BTreeMap<String, Decimal>,
    /// Agreed price by account number, in the account's currency.
    pub customer_prices: BTreeMap<String, Decimal>,
    /// The customer's own item number by account number.
    pub customer_skus: BTreeMap<String, String>,
    /// Units that hold several units of sale, and how many: `box` 100.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub packs: BTreeMap<String, Decimal>,
    /// Least quantity of one line, in units of sale.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub min_quantity: Option<Decimal>,
    /// Quantities are multiples of this, in units of sale.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pack_size: Option<Decimal>,
    /// Whether it is no longer sold.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub discontinued: bool,
    /// Our number of the item that takes its place; empty if none does.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub replaced_by: String,
}

/// Everything that reading and checking a document may look things up in. Cheap to clone.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Known {
    /// Customers.
    pub accounts: Arc<[Account]>,
    /// Goods.
    pub catalogue: Catalogue,
    /// Our own names: who is the vendor on an order.
    pub site_names: Vec<String>,
    /// Orders seen before with the same order number, or of the same customer.
    pub earlier_orders: Vec<EarlierOrder>,
    /// Changes and cancellations with the same order number that wait for a person.
    pub amendments: Vec<Amendment>,
    /// Days on which goods leave and arrive.
    pub calendar: Calendar,
    /// The day on which the document came, if that is known.
    pub arrived: Option<Date>,
}

/// A change or a cancellation that waits for a person.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Amendment {
    /// It calls the order off.
    pub cancels: bool,
    /// Name of the buyer as printed.
    pub buyer_name: Option<String>,
    /// The customer's order number.
    pub po_number: String,
    /// Where it can be found: the ticket's reference.
    pub place: String,
}

/// An order that came before.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct EarlierOrder {
    /// Our number for the customer, if it was matched.
    pub account_no: Option<String>,
    /// Name of the buyer as printed.
    pub buyer_name: Option<String>,
    /// The customer's order number.
    pub po_number: String,
    /// Where it can be found: a ticket reference or a file name.
    pub place: String,
    /// What was ordered, as a person left it.
    pub lines: Vec<Line>,
    /// The day on which it came.
    pub arrived: Option<Date>,
}
