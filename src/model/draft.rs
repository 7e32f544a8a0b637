//! A draft: what the program proposes for one business document. A person turns it into a record.
//!
//! Field and column names are those of the evaluation scheme: `po_number`, `order_date`, `buyer_name`, `ship_to`,
//! `total`…; of a line: `line_no`, `sku`, `customer_sku`, `description`, `quantity`, `unit`, `unit_price`,
//! `price_per`, `discount` (percent), `charge` (a sum on top of quantity times price), `amount`, `delivery_date`… Values are normalised: dates ISO, numbers decimal with a dot.

use super::{finding::Finding, page::Rect};
use jiff::{ToSpan as _, civil::Date};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

macro_rules! named {
    ($(#[$doc:meta])* $name:ident { $($(#[$vdoc:meta])* $variant:ident = $text:literal),+ $(,)? }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize)]
        pub enum $name {
            $($(#[$vdoc])* #[serde(rename = $text)] $variant),+
        }

        impl $name {
            /// Every value, in the order of declaration.
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];

            /// The name in the database, in JSON and in addresses of pages.
            pub fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $text),+ }
            }

            /// The value of that name.
            pub fn parse(text: &str) -> Option<Self> {
                match text { $($text => Some(Self::$variant),)+ _ => None }
            }
        }
    };
}
pub(crate) use named;

named! {
    /// What a business document is.
    Kind {
        /// A new order.
        PurchaseOrder = "purchase_order",
        /// A changed order.
        PurchaseOrderChange = "purchase_order_change",
        /// An order called off.
        PurchaseOrderCancellation = "purchase_order_cancellation",
        /// A wish to return goods.
        ReturnRequest = "return_request",
        /// An application for credit terms.
        CreditApplication = "credit_application",
        /// An application for an account.
        AccountApplication = "account_application",
        /// Somebody wants money.
        Invoice = "invoice",
        /// Somebody gives money back.
        CreditNote = "credit_note",
        /// Goods came along with this.
        DeliveryNote = "delivery_note",
        /// A request for a quotation.
        Quotation = "quotation",
        /// What a payment was for.
        RemittanceAdvice = "remittance_advice",
        /// What two companies agreed on.
        Contract = "contract",
        /// Somebody enrols, as a member or for a course.
        EnrolmentForm = "enrolment_form",
        /// Letters, flyers, terms: nothing to take out.
        Other = "other",
    }
}

impl Kind {
    /// Whether a draft of it holds values that a person approves; letters, contracts and credit notes are only sorted.
    pub fn is_record(self) -> bool {
        !matches!(self, Self::CreditNote | Self::Contract | Self::Other)
    }
}

named! {
    /// Where a draft stands.
    DraftState {
        /// Waits for a person.
        Proposed = "proposed",
        /// The customer was asked for something.
        Asked = "asked",
        /// A person approved it; a record exists.
        Approved = "approved",
        /// A person rejected it.
        Rejected = "rejected",
    }
}

/// Where a value came from.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Source {
    /// It stands on a page.
    Page {
        /// Page, from 1.
        page: u32,
        /// Where on it.
        #[serde(rename = "box")]
        bbox: Rect,
    },
    /// A rule gave it: `message body`, `structured order`…
    Rule(String),
    /// A person typed it.
    Person(String),
}

/// A trade reference in an application.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reference {
    /// Company.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Telephone number as printed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub phone: Option<String>,
    /// Mail address.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub email: Option<String>,
}

/// A normalised value: text for nearly everything.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Content {
    /// A chosen option or a presence.
    Flag(bool),
    /// Text, ISO date, decimal number.
    Text(String),
    /// Trade references.
    References(Vec<Reference>),
}

impl Content {
    /// The text, if it is one.
    pub fn as_text(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text),
            Self::Flag(_) | Self::References(_) => None,
        }
    }
}

/// One proposed value with its proof.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Proposal {
    /// Normalised.
    pub value: Content,
    /// Probability that it is right: 0 to 1.
    pub confidence: f32,
    /// Where it came from.
    pub source: Source,
    /// As printed, where that differs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub printed: Option<String>,
}

/// The cells of one line by column name.
pub type Line = BTreeMap<String, Proposal>;

/// What the program proposes for one business document.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Draft {
    /// What the document is.
    pub kind: Kind,
    /// How sure that is: 0 to 1.
    pub kind_confidence: f32,
    /// ISO 639-1 code of the document's language.
    pub language: String,
    /// The standard of a structured message, with the message's name: `UBL Order`, `X12 850`; none for a page that was
    /// read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub standard: Option<String>,
    /// First and last page in the file, from 1.
    pub page_range: [u32; 2],
    /// Header fields by name.
    pub fields: BTreeMap<String, Proposal>,
    /// Lines in the order of the document.
    pub lines: Vec<Line>,
    /// What is wrong with it.
    pub findings: Vec<Finding>,
    /// Confirmed documents of the same layout that helped to read it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub precedents: Vec<Precedent>,
}

/// A confirmed document of the same layout, and what was found in the places where its values stand.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Precedent {
    /// Its lesson.
    pub lesson: String,
    /// Fields that were found there.
    pub fields: Vec<String>,
}

fn value<'a>((name, proposal): (&'a String, &'a Proposal)) -> (&'a str, &'a Content) {
    (name, &proposal.value)
}

/// A document that names no day is due this long after it came.
const DAYS_WITHOUT_DATE: i64 = 7;
/// Header fields that name the day on which goods or an answer are wanted.
const DUE_FIELDS: [&str; 2] = ["requested_date", "response_due"];

/// Code of the finding that its sender marked an order as a test.
pub const TEST_MESSAGE: &str = "test_message";

impl Draft {
    /// Whether two drafts are of one kind and hold the same values, however sure and wherever they come from.
    pub fn says_the_same(&self, other: &Self) -> bool {
        let values = |one: &Line, other: &Line| one.iter().map(value).eq(other.iter().map(value));
        self.kind == other.kind
            && self.fields.iter().map(value).eq(other.fields.iter().map(value))
            && self.lines.len() == other.lines.len()
            && self.lines.iter().zip(&other.lines).all(|(one, other)| values(one, other))
    }

    /// The text of a header field.
    pub fn text(&self, field: &str) -> Option<&str> {
        self.fields.get(field).and_then(|p| p.value.as_text())
    }

    /// Whether its sender marked it as a test: then it never becomes an order.
    pub fn is_test(&self) -> bool {
        self.findings.iter().any(|finding| finding.code == TEST_MESSAGE)
    }

    /// The earliest day on which goods or an answer are wanted, if it names one.
    pub fn wanted_on(&self) -> Option<Date> {
        let heads = DUE_FIELDS.iter().filter_map(|field| self.text(field));
        let cells = self.lines.iter().filter_map(|line| line.get("delivery_date")?.value.as_text());
        heads.chain(cells).filter_map(|day| day.parse().ok()).min()
    }

    /// The day that it is due in the queue of one that came on `arrived`: never before it came.
    pub fn due_on(&self, arrived: Date) -> Date {
        let patient = || arrived.saturating_add(DAYS_WITHOUT_DATE.days());
        self.wanted_on().map_or_else(patient, |day| day.max(arrived))
    }

    /// The lowest confidence among all values, 1 if there are none.
    pub fn least_confidence(&self) -> f32 {
        self.fields
            .values()
            .chain(self.lines.iter().flat_map(BTreeMap::values))
            .fold(1.0, |least, p| least.min(p.confidence))
    }
}
