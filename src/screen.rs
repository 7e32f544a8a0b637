//! Who or what wrote a message, and which ticket it belongs to: one question a file, in one visible order.
//!
//! Does: asks each check in [`CHECKS`], in this order; the first that answers decides, and says why with the header that
//! it read. Signs of machine mail only mute our own answers: an ERP order with `Auto-Submitted` is muted, yet an order.
//! Does not: drop anything, nor read the database, the clock or the configuration; the caller passes the [`Site`].
//! Follows RFC 3834 (automatic replies), RFC 3464 (delivery status), RFC 2919 and 2369 (lists), RFC 8601
//! (authentication results).

pub mod auto_reply;
pub mod bounce;
pub mod duplicate;
pub mod follow_up;
pub mod forged_sender;
pub mod free_mail;
pub mod list;
pub mod own_mail;
pub mod unanswerable;

use crate::model::message::{Message, Origin, Screened};

/// What a check must know about us.
#[derive(Clone, Debug, Default)]
pub struct Site {
    /// Our own addresses: mailboxes that are read, and senders of our answers.
    pub addresses: Vec<String>,
    /// Our own domains.
    pub domains: Vec<String>,
    /// Key of our signed Message-IDs.
    pub signing_key: Vec<u8>,
}

impl Site {
    /// Whether the address is one of ours.
    pub fn owns(&self, email: &str) -> bool {
        self.addresses.iter().any(|a| a.eq_ignore_ascii_case(email))
    }

    /// Whether the domain is one of ours.
    pub fn owns_domain(&self, domain: &str) -> bool {
        self.domains.iter().any(|d| d.eq_ignore_ascii_case(domain))
    }
}

/// What one check found out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verdict {
    /// Who or what wrote it.
    pub origin: Origin,
    /// Automatic answers are held back.
    pub muted: bool,
    /// Why, with the evidence.
    pub reason: String,
}

impl Verdict {
    /// A verdict that holds automatic answers back.
    pub fn muted(origin: Origin, reason: impl Into<String>) -> Self {
        Self { origin, muted: true, reason: reason.into() }
    }
}

/// One question about a message.
pub type Check = fn(&Message, &Site) -> Option<Verdict>;

/// The whole policy, in order.
pub const CHECKS: &[(&str, Check)] = &[
    ("own mail", own_mail::check),
    ("bounce", bounce::check),
    ("list", list::check),
    ("auto reply", auto_reply::check),
    ("forged sender", forged_sender::check),
    ("unanswerable sender", unanswerable::check),
];

/// Asks each check; a message that none objects to was written by a person.
pub fn screen(message: &Message, site: &Site) -> Screened {
    for (name, check) in CHECKS {
        if let Some(verdict) = check(message, site) {
            return Screened {
                origin: verdict.origin,
                muted: verdict.muted,
                decided_by: (*name).to_owned(),
                reason: verdict.reason,
            };
        }
    }
    Screened {
        origin: Origin::Person,
        muted: false,
        decided_by: "no check objected".to_owned(),
        reason: "no sign of a machine".to_owned(),
    }
}

/// A header as evidence: `header Precedence says bulk`.
fn says(name: &str, value: &str) -> String {
    let short: String = value.chars().take(80).collect();
    let more = if value.chars().count() > 80 { "…" } else { "" };
    format!("header {name} says {short}{more}")
}
