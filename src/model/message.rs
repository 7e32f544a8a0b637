//! One mail as the program sees it, parsed from raw bytes by [`crate::message`].

use super::{draft::named, finding::Finding};
use serde::{Deserialize, Serialize};

/// A mail address with its display name.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Address {
    /// `local@domain`; the domain in lower case, the rest as written.
    pub email: String,
    /// Display name, decoded.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
}

impl Address {
    /// What follows the `@`, in lower case; empty if there is none.
    pub fn domain(&self) -> String {
        self.email.rsplit_once('@').map_or_else(String::new, |(_, domain)| domain.to_lowercase())
    }
}

/// A header field in the order of the message, decoded (RFC 2047) and unfolded.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Header {
    /// Field name as written.
    pub name: String,
    /// Decoded value.
    pub value: String,
}

/// A file in a message.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Attachment {
    /// Number of the MIME part, from 0, in the order of the message.
    pub part: u32,
    /// File name as given, decoded; never used as a path.
    pub name: String,
    /// Media type as declared, lower case.
    pub media_type: String,
    /// `Content-ID` without angle brackets.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub content_id: Option<String>,
    /// Shown within the body (a logo, a picture).
    pub inline: bool,
    /// SHA-256 of the decoded bytes, lower-case hex.
    pub sha256: String,
    /// Decoded size in bytes.
    pub size_bytes: u64,
    /// The decoded bytes. Not serialised: they live in the blob store under `sha256`.
    #[serde(skip)]
    pub bytes: Vec<u8>,
}

/// One mail. Every string is decoded; nothing is interpreted beyond that (see [`crate::screen`]).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Message {
    /// SHA-256 of the raw bytes, lower-case hex: what the message is known by.
    pub sha256: String,
    /// Size of the raw bytes.
    pub size_bytes: u64,
    /// `Message-ID` without angle brackets: a hint, not an identity.
    pub rfc_message_id: Option<String>,
    /// `In-Reply-To` ids.
    pub in_reply_to: Vec<String>,
    /// `References` ids, oldest first.
    pub references: Vec<String>,
    /// First `From` mailbox.
    pub from: Option<Address>,
    /// `Reply-To` mailboxes.
    pub reply_to: Vec<Address>,
    /// `To` mailboxes.
    pub to: Vec<Address>,
    /// `Cc` mailboxes.
    pub cc: Vec<Address>,
    /// Decoded subject, empty if there is none.
    pub subject: String,
    /// `Date`, milliseconds UTC.
    pub date_ms: Option<i64>,
    /// All header fields.
    pub headers: Vec<Header>,
    /// The whole body as text: the plain part, or the HTML part made into text.
    pub text: String,
    /// The HTML part as sent, hostile; only [`crate::web`] shows it, sanitised.
    pub html: Option<String>,
    /// The part of `text` that the sender wrote now.
    pub new_text: String,
    /// The part of `text` that is quoted from earlier mail.
    pub quoted_text: String,
    /// The sender's signature.
    pub signature: String,
    /// ISO 639-1 code guessed from the new text: `en`, `sv`, `de`, `fr` or another.
    pub language: Option<String>,
    /// Files, also those inside nested messages' own parts (as the nested `.eml`).
    pub attachments: Vec<Attachment>,
    /// What was wrong with the bytes, or cut by a limit.
    pub findings: Vec<Finding>,
}

impl Message {
    /// The first header of that name, without regard to case.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|h| h.name.eq_ignore_ascii_case(name)).map(|h| h.value.as_str())
    }

    /// Where an answer would go: `Reply-To` if given, else `From`.
    pub fn reply_address(&self) -> Option<&Address> {
        self.reply_to.first().or(self.from.as_ref())
    }
}

named! {
    /// Who or what wrote a message.
    Origin {
        /// A person, as far as can be told.
        Person = "person",
        /// Out of office, vacation, receipts, ERP systems: RFC 3834 marks and their kin.
        AutoReply = "auto_reply",
        /// A delivery status or its like.
        Bounce = "bounce",
        /// Newsletter or list.
        List = "list",
        /// We sent it ourselves.
        Own = "own",
    }
}

/// What screening found: decides only whether the program may answer by itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Screened {
    /// Who or what wrote it.
    pub origin: Origin,
    /// Automatic answers are held back.
    pub muted: bool,
    /// Name of the check that decided, e.g. `auto reply`.
    pub decided_by: String,
    /// Why, with the evidence: `header Auto-Submitted says auto-replied`.
    pub reason: String,
}
