//! Have we seen this message before?
//!
//! A message is known by the hash of its bytes: the store keeps the same bytes once, and notes each further sighting as
//! a duplicate. The same Message-ID with other bytes is another message: devices and shops use one id again and again,
//! and a later order must not vanish. It is processed like any other, and marked. One mail that took several ways to us is
//! told from that by [`is_same_mail`](crate::message::copy::is_same_mail).

use crate::model::{
    finding::{Finding, Severity},
    message::Screened,
};

/// The name of this check where it mutes.
pub const COPY: &str = "copy";

/// A mail that came before by another way: the first of them is answered and read, this one is only kept beside it.
pub fn copy(screened: Screened) -> Screened {
    let reason = "the same mail came before by another way".to_owned();
    Screened { muted: true, decided_by: COPY.to_owned(), reason, ..screened }
}

/// Marks a message whose `Message-ID` came before with other bytes.
pub fn note(is_id_used: bool) -> Option<Finding> {
    is_id_used.then(|| {
        Finding::new(
            "message_id_used_before",
            Severity::Check,
            "An earlier message has the same Message-ID but other content. Both are kept; check that this is not the same order sent again with changes.",
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_used_id_is_marked() {
        assert_eq!(note(false), None);
        assert_eq!(note(true).map(|finding| finding.code).as_deref(), Some("message_id_used_before"));
    }
}
