//! Is there nobody who would read an answer?
//!
//! `no-reply` addresses, system accounts, an empty envelope sender, no address at all. What they send may be an order;
//! only automatic answers are held back.

use super::{Site, Verdict, says};
use crate::model::message::{Message, Origin};

/// Local parts that nobody reads, without hyphens, dots and underscores.
const NOBODY: &[&str] = &[
    "noreply",
    "donotreply",
    "dontreply",
    "neverreply",
    "nepasrepondre",
    "nichtantworten",
    "keineantwort",
    "svaraej",
    "svarainte",
    "inteesvara",
    "noresponder",
    "mailerdaemon",
    "postmaster",
    "root",
    "abuse",
    "daemon",
    "nobody",
    "bounce",
    "bounces",
    "autoresponder",
    "autoreply",
    "noreplies",
    "notreply",
    "mailer",
];

/// Whether nobody reads what is sent to this address.
pub fn is_unread(email: &str) -> bool {
    let local = email.split('@').next().unwrap_or_default().to_lowercase();
    let core: String =
        local.split('+').next().unwrap_or_default().chars().filter(|c| c.is_alphanumeric()).collect();
    NOBODY.contains(&core.as_str())
        || ["noreply", "donotreply", "nepasrepondre", "mailerdaemon"]
            .iter()
            .any(|n| core.starts_with(n) || core.ends_with(n))
}

/// The address to which an answer would go.
pub fn check(message: &Message, _site: &Site) -> Option<Verdict> {
    let verdict = |reason: String| Some(Verdict::muted(Origin::AutoReply, reason));
    let Some(to) = message.reply_address().filter(|a| a.email.contains('@')) else {
        return Some(Verdict::muted(Origin::Person, "header From holds no address"));
    };
    if is_unread(&to.email) {
        return verdict(format!("nobody reads answers to {}", to.email));
    }
    let envelope = message.header("Return-Path")?;
    if envelope.trim() == "<>" {
        return verdict(says("Return-Path", envelope));
    }
    None
}
