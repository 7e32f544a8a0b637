//! Our own Message-IDs, signed, so that a follow-up proves that it answers a mail that we sent.
//!
//! Form: `mr.<outbox id>.<24 hex digits>@<host>`: the digits are a truncated HMAC-SHA256 over the outbox id.
//! Does not: say whether that outbox row still exists; the store knows.

use crate::model::ids::OutboxId;
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

/// Marks our ids, so that no other kind of text is ever signed with the same key.
const PURPOSE: &[u8] = b"mailroom message-id v1\0";
/// How much of the HMAC stands in the id: 96 bits.
const MAC_BYTES: usize = 12;

/// The `Message-ID` of an outgoing mail, without angle brackets.
pub fn make(key: &[u8], outbox: &OutboxId, host: &str) -> String {
    let full = mac(key, outbox.as_str()).finalize().into_bytes();
    let short: Vec<u8> = full.into_iter().take(MAC_BYTES).collect();
    format!("mr.{}.{}@{host}", outbox.as_str(), hex::encode(short))
}

/// The outbox row that an id names, if we signed it. Angle brackets and the host do not matter; no key, no signature.
pub fn verify(key: &[u8], rfc_id: &str) -> Option<OutboxId> {
    if key.is_empty() {
        return None;
    }
    let id = rfc_id.trim().trim_start_matches('<');
    let local = id.split_once('@').map_or(id, |(local, _)| local);
    let (outbox, digits) = local.strip_prefix("mr.")?.rsplit_once('.')?;
    let given = hex::decode(digits).ok().filter(|bytes| bytes.len() == MAC_BYTES)?;
    mac(key, outbox).verify_truncated_left(&given).ok()?;
    Some(OutboxId::new(outbox))
}

fn mac(key: &[u8], outbox: &str) -> Hmac<Sha256> {
    let mut mac = Hmac::<Sha256>::new_from_slice(key).expect("HMAC takes keys of any length");
    mac.update(PURPOSE);
    mac.update(outbox.as_bytes());
    mac
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_signed_id_names_its_outbox_row() {
        let outbox = OutboxId::new("0197c5a2-7a5e-7000-8000-000000000001");
        let id = make(b"key", &outbox, "mail.example");
        assert!(
            id.starts_with("mr.0197c5a2-7a5e-7000-8000-000000000001.") && id.ends_with("@mail.example"),
            "{id}"
        );
        assert_eq!(verify(b"key", &id), Some(outbox.clone()));
        assert_eq!(verify(b"key", &format!(" <{id}>")), Some(outbox));
    }

    #[test]
    fn others_cannot_make_one() {
        let id = make(b"key", &OutboxId::new("a"), "h");
        let short = id.replace(['@', 'h'], "");
        for forged in
            ["", "mr.a@h", "mr.a.00@h", "mr.b.0123456789abcdef01234567@h", "x@y", &short[..short.len() - 2]]
        {
            assert_eq!(verify(b"key", forged), None, "{forged}");
        }
        assert_eq!(verify(b"other key", &id), None);
        assert_eq!(verify(b"key", &id.replace("mr.a.", "mr.b.")), None);
    }
}
