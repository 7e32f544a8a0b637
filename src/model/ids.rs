//! Row ids: UUIDv7 as text, made by [`crate::clock`], one type for each aggregate.
//!
//! Does not: make ids (that needs randomness) nor check their form (the database only compares them).

use serde::{Deserialize, Serialize};
use std::fmt;

macro_rules! ids {
    ($($(#[$doc:meta])* $name:ident),+ $(,)?) => {$(
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(String);

        impl $name {
            /// Wraps an id that the database or [`crate::clock`] gave.
            pub fn new(text: impl Into<String>) -> Self {
                Self(text.into())
            }

            /// The id as it stands in the database and in addresses of pages.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl From<String> for $name {
            fn from(text: String) -> Self {
                Self(text)
            }
        }
    )+};
}

ids! {
    /// A customer on file.
    AccountId,
    /// One message, known by the hash of its bytes. Not the `Message-ID` header.
    MessageId,
    /// One row of the ledger: a message seen at one place on a server.
    SightingId,
    /// A conversation.
    TicketId,
    /// One file: an attachment, an entry of an archive, or a message body that holds an order.
    DocumentId,
    /// Proposals of the program for one business document, waiting for a person.
    DraftId,
    /// What a person approved: an order, a change, an application…
    RecordId,
    /// What an approved draft taught about a layout.
    LessonId,
    /// What a customer calls one of our items.
    ItemReferenceId,
    /// One outgoing mail.
    OutboxId,
    /// One unit of queued work.
    JobId,
    /// Something that failed or exceeded a limit and waits for a person.
    QuarantineId,
    /// What a colleague wrote for colleagues in a ticket.
    NoteId,
    /// A search or list that a person keeps under a name.
    ViewId,
    /// A person who signs in.
    UserId,
}
