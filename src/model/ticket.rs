//! Conversations and the queues that they stand in.

use super::{draft::named, ids::*};
use serde::{Deserialize, Serialize};

named! {
    /// Where a ticket waits for its people.
    Queue {
        /// New orders.
        Orders = "orders",
        /// Changes and cancellations of orders.
        OrderChanges = "order_changes",
        /// "Where is my order?"
        OrderStatus = "order_status",
        /// Delivery dates, carriers, addresses, damage in transit.
        Delivery = "delivery",
        /// Goods coming back.
        Returns = "returns",
        /// Invoices, payments, billing.
        Billing = "billing",
        /// Changed addresses, contacts, bank details.
        AccountChanges = "account_changes",
        /// Credit and account applications.
        Applications = "applications",
        /// Complaints.
        Complaints = "complaints",
        /// Wishes for documents: certificates, copies, price lists.
        Documents = "documents",
        /// Clear, but none of the above.
        Other = "other",
        /// Not clear enough: a person sorts it.
        Triage = "triage",
    }
}

named! {
    /// Whether a ticket asks for work.
    TicketState {
        /// Asks for work.
        Open = "open",
        /// Waits for the customer.
        Waiting = "waiting",
        /// Finished; a new message opens it again.
        Closed = "closed",
    }
}

named! {
    /// How soon.
    Priority {
        /// Before others.
        High = "high",
        /// In turn.
        Normal = "normal",
        /// After others.
        Low = "low",
    }
}

/// What classification says of a message: queue, priority, how sure, and why.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Classified {
    /// Where it goes; [`Queue::Triage`] if the best guess is below the threshold.
    pub queue: Queue,
    /// The best guess even if below the threshold.
    pub best: Queue,
    /// Probability that `best` is right: 0 to 1.
    pub confidence: f32,
    /// How soon.
    pub priority: Priority,
    /// Evidence in words, strongest first: `subject says "where is my order"`.
    pub reasons: Vec<String>,
}

/// A conversation.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Ticket {
    /// Row id.
    pub id: TicketId,
    /// What people say on the telephone: counts from 1001; shown as `MR-1001`.
    pub number: i64,
    /// Subject of the first message, without reply prefixes.
    pub subject: String,
    /// Where it waits.
    pub queue: Queue,
    /// Whether it asks for work.
    pub state: TicketState,
    /// How soon.
    pub priority: Priority,
    /// The customer, if known.
    pub account_id: Option<AccountId>,
    /// Language of the customer's mail.
    pub language: String,
    /// Why it stands in this queue.
    pub queue_reason: String,
    /// Name of the person who takes care of it; empty if nobody does.
    #[serde(default)]
    pub assignee: String,
    /// Rests until then, milliseconds UTC.
    #[serde(default)]
    pub snoozed_until_ms: Option<i64>,
    /// Where everything of it went when it was merged.
    #[serde(default)]
    pub merged_into: Option<TicketId>,
    /// Milliseconds UTC.
    pub created_ms: i64,
    /// Milliseconds UTC of the last message or act.
    pub updated_ms: i64,
}

impl Ticket {
    /// The reference that customers see: `MR-1001`.
    pub fn reference(&self) -> String {
        reference(self.number)
    }
}

/// The reference of the ticket with that number.
pub fn reference(number: i64) -> String {
    format!("MR-{number}")
}
