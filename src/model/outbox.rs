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
