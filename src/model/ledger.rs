//! The ledger: one row for each (mailbox, folder, UIDVALIDITY, UID), with one outcome.

use super::{draft::named, ids::*};
use serde::{Deserialize, Serialize};

named! {
    /// What became of a message on a server.
    Outcome {
        /// Listed on the server, bytes not yet kept.
        Seen = "seen",
        /// Bytes durable; waits for processing.
        Stored = "stored",
        /// Went through the pipeline: it has a ticket, or is muted machine mail with a reason.
        Processed = "processed",
        /// The same bytes had come before: a further sighting of that message.
        Duplicate = "duplicate",
        /// Failed or exceeded a limit: in quarantine with its cause.
        Quarantined = "quarantined",
        /// Was gone from the server before its bytes could be fetched.
        Vanished = "vanished",
    }
}

/// One row of the ledger.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sighting {
    /// Row id.
    pub id: SightingId,
    /// Configured name of the mailbox.
    pub mailbox: String,
    /// Folder; empty for sources without folders.
    pub folder: String,
    /// UIDVALIDITY, or a stable number made of the path for files.
    pub uidvalidity: i64,
    /// UID, or a stable number made of the file name for files.
    pub uid: i64,
    /// Readable place for files: the file name. Empty for IMAP.
    pub place: String,
    /// Size in bytes as the server says, if it did.
    pub size_bytes: i64,
    /// Content address, once stored.
    pub sha256: Option<String>,
    /// The message, once stored.
    pub message_id: Option<MessageId>,
    /// What became of it.
    pub outcome: Outcome,
    /// Why.
    pub reason: String,
    /// How often fetching its bytes came to nothing.
    pub fetches_failed: i64,
    /// Milliseconds UTC.
    pub seen_ms: i64,
    /// Milliseconds UTC.
    pub stored_ms: Option<i64>,
    /// When the server's copy was flagged or moved, milliseconds UTC.
    pub acted_ms: Option<i64>,
}
