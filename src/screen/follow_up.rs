//! Which ticket does a message belong to?
//!
//! Three keys, in this order: our own signed Message-ID in `In-Reply-To` or `References`, the id of any stored message
//! there, the token `[MR-1001]` in the subject. Each joins only if the sender takes part in the ticket or belongs to the
//! organisation of one who does (invariant 9); a domain of a free-mail provider is no organisation. Otherwise the ticket
//! is a possible one, and a person decides. The rule is recorded.
//! Does not: compare subjects; equal subjects never join.

use super::{Site, free_mail::is_free_mail};
use crate::{
    message::{own_id, subject},
    model::{
        ids::{OutboxId, TicketId},
        message::Message,
    },
};

/// A key that joins by our signature.
pub const OWN_MESSAGE_ID: &str = "own message id";
/// A key that joins by the id of a stored message.
pub const REFERENCES: &str = "references";
/// A key that joins by the token in the subject.
pub const SUBJECT_TOKEN: &str = "subject token";

/// Rules in the order in which they are tried.
const RULES: [&str; 3] = [OWN_MESSAGE_ID, REFERENCES, SUBJECT_TOKEN];

/// Ids that are looked up at most: the newest.
const IDS_MAX: usize = 50;

/// What the store is asked for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Keys {
    /// Outbox rows whose signed Message-IDs the message refers to, the nearest first.
    pub own_outbox: Vec<OutboxId>,
    /// All ids that it refers to, the nearest first.
    pub rfc_ids: Vec<String>,
    /// The outbox row that the message itself names as its own: it is a copy of it, if its bytes are the same.
    pub copy_of: Option<OutboxId>,
    /// The number in its subject token.
    pub ticket_number: Option<i64>,
}

/// A ticket that the store found by one of the keys.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Candidate {
    /// The ticket.
    pub ticket_id: TicketId,
    /// By which key: [`OWN_MESSAGE_ID`], [`REFERENCES`] or [`SUBJECT_TOKEN`].
    pub rule: &'static str,
    /// Addresses that take part in it.
    pub participants: Vec<String>,
    /// Domains of those who wrote in it, and of the customer: not of those whom we only wrote to.
    pub organisation_domains: Vec<String>,
    /// The ticket is finished; a follow-up opens it again.
    pub closed: bool,
}

/// Where a message belongs.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Joining {
    /// It joins this ticket.
    pub joins: Option<TicketId>,
    /// It may belong to this ticket; a person decides.
    pub possible: Option<TicketId>,
    /// Which rule decided and why.
    pub rule: String,
}

/// The keys of a message.
pub fn keys(message: &Message, site: &Site) -> Keys {
    let mut rfc_ids: Vec<String> = Vec::new();
    for id in message.in_reply_to.iter().chain(message.references.iter().rev()) {
        if rfc_ids.len() < IDS_MAX && !rfc_ids.contains(id) {
            rfc_ids.push(id.clone());
        }
    }
    let own_outbox = rfc_ids.iter().filter_map(|id| own_id::verify(&site.signing_key, id)).collect();
    let own_id = message.rfc_message_id.as_deref();
    let copy_of = own_id.and_then(|id| own_id::verify(&site.signing_key, id));
    Keys { own_outbox, rfc_ids, copy_of, ticket_number: subject::ticket_number(&message.subject) }
}

/// Decides among the tickets that the keys found.
pub fn decide(message: &Message, candidates: &[Candidate]) -> Joining {
    let sender = message.from.as_ref().map(|a| a.email.to_lowercase()).unwrap_or_default();
    let ranked = || RULES.iter().flat_map(|rule| candidates.iter().filter(move |c| c.rule == *rule));
    for candidate in ranked() {
        if let Some(why) = belongs(&sender, candidate) {
            return Joining {
                joins: Some(candidate.ticket_id.clone()),
                possible: None,
                rule: format!("{}: {why}", candidate.rule),
            };
        }
    }
    match ranked().next() {
        Some(candidate) => Joining {
            joins: None,
            possible: Some(candidate.ticket_id.clone()),
            rule: format!(
                "{}: but the sender has no part in the ticket, so a person decides",
                candidate.rule
            ),
        },
        None => Joining { rule: "new: it refers to nothing that we know".to_owned(), ..Joining::default() },
    }
}

/// Why the sender may write into the ticket.
fn belongs(sender: &str, candidate: &Candidate) -> Option<&'static str> {
    let (_, domain) = sender.rsplit_once('@')?;
    if candidate.participants.iter().any(|p| p.eq_ignore_ascii_case(sender)) {
        return Some("the sender takes part in the ticket");
    }
    if is_free_mail(domain) {
        return None;
    }
    let mut domains = candidate.organisation_domains.iter();
    domains
        .any(|d| d.eq_ignore_ascii_case(domain))
        .then_some("the sender belongs to the organisation of a participant")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::message::Address;

    fn from(email: &str) -> Message {
        Message { from: Some(Address { email: email.to_owned(), name: None }), ..Message::default() }
    }

    fn candidate(ticket: &str, rule: &'static str, participants: &[&str], domains: &[&str]) -> Candidate {
        Candidate {
            ticket_id: TicketId::new(ticket),
            rule,
            participants: participants.iter().map(|p| (*p).to_owned()).collect(),
            organisation_domains: domains.iter().map(|d| (*d).to_owned()).collect(),
            closed: false,
        }
    }

    #[test]
    fn a_signed_id_goes_before_references_and_token() {
        let outbox = OutboxId::new("o1");
        let own = own_id::make(b"k", &outbox, "us.example");
        let message = Message {
            subject: "Re: [MR-1001] order".to_owned(),
            in_reply_to: vec![own.clone()],
            references: vec!["first@x".to_owned(), own.clone()],
            ..from("a@x.example")
        };
        let site = Site { signing_key: b"k".to_vec(), ..Site::default() };
        let found = keys(&message, &site);
        let expected = Keys {
            own_outbox: vec![outbox],
            rfc_ids: vec![own, "first@x".to_owned()],
            copy_of: None,
            ticket_number: Some(1001),
        };
        assert_eq!(found, expected);
        let candidates = [
            candidate("by token", SUBJECT_TOKEN, &["a@x.example"], &[]),
            candidate("by id", OWN_MESSAGE_ID, &["a@x.example"], &[]),
        ];
        assert_eq!(decide(&message, &candidates).joins, Some(TicketId::new("by id")));
    }

    #[test]
    fn only_participants_and_their_organisation_join() {
        for (sender, participants, domains, joins) in [
            ("a@x.example", vec!["a@x.example"], vec!["x.example"], true),
            ("A@X.example", vec!["a@x.example"], vec!["x.example"], true),
            ("b@x.example", vec!["a@x.example"], vec!["x.example"], true),
            ("b@x-group.example", vec!["a@x.example"], vec!["x.example", "x-group.example"], true),
            ("b@y.example", vec!["a@x.example"], vec!["x.example"], false),
            ("b@sub.x.example", vec!["a@x.example"], vec!["x.example"], false),
            // whom we wrote to may answer, colleagues may not
            ("c@y.example", vec!["a@x.example", "c@y.example"], vec!["x.example"], true),
            ("d@y.example", vec!["a@x.example", "c@y.example"], vec!["x.example"], false),
            ("b@gmail.com", vec!["a@gmail.com"], vec!["gmail.com"], false),
            ("b@gmail.com", vec!["a@x.example"], vec!["gmail.com"], false),
            ("a@gmail.com", vec!["a@gmail.com"], vec!["gmail.com"], true),
            ("", vec!["a@x.example"], vec!["x.example"], false),
        ] {
            for rule in RULES {
                let joining = decide(&from(sender), &[candidate("t", rule, &participants, &domains)]);
                assert_eq!(joining.joins.is_some(), joins, "{sender} {rule}");
                assert_eq!(joining.possible.is_some(), !joins, "{sender} {rule}");
                assert!(joining.rule.starts_with(rule), "{}", joining.rule);
            }
        }
    }

    #[test]
    fn nothing_known_makes_a_new_ticket() {
        let joining = decide(&from("a@x.example"), &[]);
        assert_eq!((joining.joins, joining.possible), (None, None));
    }
}
