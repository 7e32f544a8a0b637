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

use crate::model::{
    finding::Finding,
    message::{Message, Origin, Screened},
};

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

/// What people should know of a message beyond who wrote it: is the sender forged, was its id used before?
pub fn notes(message: &Message, is_id_used: bool) -> Vec<Finding> {
    forged_sender::note(message).into_iter().chain(duplicate::note(is_id_used)).collect()
}

/// A header as evidence: `header Precedence says bulk`.
fn says(name: &str, value: &str) -> String {
    let short: String = value.chars().take(80).collect();
    let more = if value.chars().count() > 80 { "…" } else { "" };
    format!("header {name} says {short}{more}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        message::{self, own_id},
        model::ids::OutboxId,
    };

    fn site() -> Site {
        Site {
            addresses: vec!["orders@us.example".to_owned()],
            domains: vec!["us.example".to_owned()],
            signing_key: b"key".to_vec(),
        }
    }

    #[test]
    fn the_first_check_that_answers_decides_and_quotes_its_evidence() {
        for (header, origin, decided_by, reason) in [
            ("X-Nothing: 1", Origin::Person, "no check objected", "no sign of a machine"),
            ("Auto-Submitted: no", Origin::Person, "no check objected", "no sign of a machine"),
            (
                "Auto-Submitted: auto-replied",
                Origin::AutoReply,
                "auto reply",
                "header Auto-Submitted says auto-replied",
            ),
            (
                "Auto-Submitted: auto-generated (ERP)",
                Origin::AutoReply,
                "auto reply",
                "header Auto-Submitted says auto-generated (ERP)",
            ),
            ("Precedence: bulk", Origin::AutoReply, "auto reply", "header Precedence says bulk"),
            ("X-Precedence: junk", Origin::AutoReply, "auto reply", "header X-Precedence says junk"),
            ("Precedence: first-class", Origin::Person, "no check objected", "no sign of a machine"),
            ("X-Auto-Response-Suppress: OOF", Origin::Person, "no check objected", "no sign of a machine"),
            (
                "X-Auto-Response-Suppress: DR, AutoReply",
                Origin::AutoReply,
                "auto reply",
                "header X-Auto-Response-Suppress says DR, AutoReply",
            ),
            ("X-Autoreply: yes", Origin::AutoReply, "auto reply", "header X-Autoreply says yes"),
            (
                "Subject: Abwesenheitsnotiz: Urlaub",
                Origin::AutoReply,
                "auto reply",
                "subject begins with \"abwesenheitsnotiz\"",
            ),
            (
                "Subject: Automatiskt svar: order",
                Origin::AutoReply,
                "auto reply",
                "subject begins with \"automatiskt svar\"",
            ),
            ("Precedence: list", Origin::List, "list", "header Precedence says list"),
            (
                "List-Id: <a.b.example>\nAuto-Submitted: auto-generated",
                Origin::List,
                "list",
                "header List-Id says <a.b.example>",
            ),
            (
                "X-Failed-Recipients: a@b.example",
                Origin::Bounce,
                "bounce",
                "header X-Failed-Recipients says a@b.example",
            ),
            (
                "Return-Path: <>\nSubject: Undelivered Mail Returned to Sender",
                Origin::Bounce,
                "bounce",
                "subject says \"undeliver\"",
            ),
            ("Return-Path: <>", Origin::AutoReply, "unanswerable sender", "header Return-Path says <>"),
            (
                "Reply-To: no-reply@x.example",
                Origin::AutoReply,
                "unanswerable sender",
                "nobody reads answers to no-reply@x.example",
            ),
            (
                "Authentication-Results: mx; dkim=none; dmarc=fail header.from=x",
                Origin::Person,
                "forged sender",
                "header Authentication-Results says dmarc=fail",
            ),
        ] {
            let message =
                message::parse(format!("From: Anna <anna@x.example>\n{header}\n\ntext\n").as_bytes());
            let screened = screen(&message, &site());
            assert_eq!((screened.origin, screened.decided_by.as_str()), (origin, decided_by), "{header}");
            assert_eq!(screened.reason, reason, "{header}");
            assert_eq!(screened.muted, decided_by != "no check objected", "{header}");
        }
    }

    #[test]
    fn our_own_mail_is_known_by_its_signature_and_by_our_mailboxes() {
        let id = own_id::make(b"key", &OutboxId::new("o"), "us.example");
        for (head, own) in [
            (format!("From: orders@us.example\nMessage-ID: <{id}>"), true),
            (format!("From: someone@else.example\nMessage-ID: <{id}>"), true),
            ("From: Orders@US.example".to_owned(), true),
            ("From: colleague@us.example".to_owned(), false),
            ("From: a@x.example\nMessage-ID: <mr.o.000000000000000000000000@us.example>".to_owned(), false),
        ] {
            let screened = screen(&message::parse(format!("{head}\n\ntext").as_bytes()), &site());
            assert_eq!(screened.origin == Origin::Own, own, "{head}: {}", screened.reason);
        }
    }

    #[test]
    fn unread_addresses_are_known_in_many_spellings() {
        for (email, unread) in [
            ("no-reply@x.example", true),
            ("noreply+123@x.example", true),
            ("do_not_reply@x.example", true),
            ("orders-noreply@x.example", true),
            ("ne-pas-repondre@x.example", true),
            ("Postmaster@x.example", true),
            ("MAILER-DAEMON@x.example", true),
            ("reply@x.example", false),
            ("noreen@x.example", false),
            ("anna@noreply.example", false),
        ] {
            assert_eq!(unanswerable::is_unread(email), unread, "{email}");
        }
    }
}
