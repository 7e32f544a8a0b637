//! Outgoing mail and its states.

use super::{draft::named, ids::*};
use serde::{Deserialize, Serialize};

named! {
    /// Where an outgoing mail stands.
    OutboxState {
        /// Waits for its turn.
        Queued = "queued",
        /// The network call is under way, or was when the process died.
        Sending = "sending",
        /// The server took it.
        Sent = "sent",
        /// The server refused it for good, or retries ran out.
        Failed = "failed",
        /// Found in `sending` after a crash: a person decides.
        InDoubt = "in_doubt",
        /// Held back by a limit, the breaker or a mute, with its reason.
        Withheld = "withheld",
    }
}

named! {
    /// What became of a mail for one of its recipients.
    Delivery {
        /// The server took it for this one.
        Sent = "sent",
        /// The server wants to be asked again.
        Deferred = "deferred",
        /// The server refused this one for good.
        Refused = "refused",
    }
}

/// One recipient of a mail after an attempt.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Delivered {
    /// The address.
    pub email: String,
    /// What became of it.
    pub delivery: Delivery,
    /// The server's words, where it did not take it.
    pub text: String,
}

/// One outgoing mail. Its exact bytes lie in the blob store.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OutboxRow {
    /// Row id.
    pub id: OutboxId,
    /// The decision that caused it, e.g. `acknowledge:<message id>`: unique, so that twice is once.
    pub cause: String,
    /// The ticket that it belongs to.
    pub ticket_id: Option<TicketId>,
    /// The message that it answers.
    pub message_id: Option<MessageId>,
    /// The draft that it is about.
    pub draft_id: Option<DraftId>,
    /// The one recipient whom it is written to.
    pub recipient: String,
    /// Who else gets it, openly.
    #[serde(default)]
    pub copies: Vec<String>,
    /// What became of it for each recipient, once the server took it for one of them.
    #[serde(default)]
    pub deliveries: Vec<Delivered>,
    /// Name of the template.
    pub template: String,
    /// ISO 639-1 code.
    pub language: String,
    /// Rendered subject.
    pub subject: String,
    /// Our own signed `Message-ID`, fixed before the first attempt.
    pub rfc_message_id: String,
    /// Content address of the exact bytes.
    pub sha256: String,
    /// Where it stands.
    pub state: OutboxState,
    /// Why it is failed, withheld or in doubt; the last error while it waits.
    pub reason: String,
    /// Attempts so far.
    pub attempts: i64,
    /// Not before this time, milliseconds UTC.
    pub due_ms: i64,
    /// Milliseconds UTC.
    pub created_ms: i64,
    /// Milliseconds UTC, once sent.
    pub sent_ms: Option<i64>,
}

impl OutboxRow {
    /// Whom the next attempt is for: nobody who has it, and who was refused only when nobody else is left and a person
    /// wants it sent again.
    pub fn open_recipients(&self) -> Vec<String> {
        let became = |email: &str| {
            self.deliveries.iter().find(|d| d.email.eq_ignore_ascii_case(email)).map(|d| d.delivery)
        };
        let mut all: Vec<&String> = Vec::new();
        for email in std::iter::once(&self.recipient).chain(&self.copies) {
            if !all.iter().any(|known| known.eq_ignore_ascii_case(email)) {
                all.push(email);
            }
        }
        let those = |wanted: &[Option<Delivery>]| -> Vec<String> {
            all.iter().filter(|email| wanted.contains(&became(email))).map(|email| (*email).clone()).collect()
        };
        let open = those(&[None, Some(Delivery::Deferred)]);
        if open.is_empty() { those(&[Some(Delivery::Refused)]) } else { open }
    }
}
