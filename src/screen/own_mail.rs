//! Did we send this ourselves?
//!
//! Known by our signature in the Message-ID, not by the address: colleagues write from our address too. A mail from one
//! of our own mailboxes is muted all the same, so that two mailboxes cannot answer each other.

use super::{Site, Verdict};
use crate::{
    message::own_id,
    model::message::{Message, Origin},
};

/// Our signature, or one of our mailboxes as sender.
pub fn check(message: &Message, site: &Site) -> Option<Verdict> {
    if let Some(id) = &message.rfc_message_id
        && own_id::verify(&site.signing_key, id).is_some()
    {
        return Some(Verdict::muted(Origin::Own, format!("header Message-ID carries our signature: {id}")));
    }
    let from = message.from.as_ref()?;
    site.owns(&from.email)
        .then(|| Verdict::muted(Origin::Own, format!("header From is our own mailbox {}", from.email)))
}
