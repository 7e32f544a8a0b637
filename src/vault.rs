//! Secrets at rest: sealed with a key that lies outside the database.
//!
//! A sealed secret is Base64 of a nonce (12 bytes), the ciphertext, and its tag: ChaCha20-Poly1305 (RFC 8439), keyed by
//! HKDF-SHA-256 (RFC 5869) of the site's signing key. It opens only for the purpose that it was sealed for.
//! Does not: keep anything. Who loses the signing key loses the sealed secrets, and is asked for them again.

use crate::{clock, model::secret::Secret};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use ring::{
    aead::{Aad, CHACHA20_POLY1305, LessSafeKey, NONCE_LEN, Nonce, UnboundKey},
    hkdf::{HKDF_SHA256, Salt},
};

/// Seals and opens secrets.
pub struct Vault {
    key: LessSafeKey,
}

impl std::fmt::Debug for Vault {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Vault").finish_non_exhaustive()
    }
}

impl Vault {
    /// Keyed by the site's signing key.
    pub fn new(signing_key: &[u8]) -> Self {
        let secret = Salt::new(HKDF_SHA256, b"mailroom").extract(signing_key);
        let key = secret.expand(&[b"secrets at rest"], &CHACHA20_POLY1305).map(UnboundKey::from);
        Self { key: LessSafeKey::new(key.expect("HKDF gives the 32 bytes that the cipher asks for")) }
    }

    /// A secret as text for the database. `purpose` is not secret: where it belongs, so that it is of no use elsewhere.
    pub fn seal(&self, secret: &str, purpose: &str) -> String {
        let nonce = clock::random_bytes::<NONCE_LEN>();
        let mut bytes = secret.as_bytes().to_vec();
        self.key
            .seal_in_place_append_tag(
                Nonce::assume_unique_for_key(nonce),
                Aad::from(purpose.as_bytes()),
                &mut bytes,
            )
            .expect("a secret is far shorter than the cipher's limit");
        STANDARD.encode([&nonce[..], &bytes].concat())
    }

    /// The secret again; none if it was sealed with another key or for another purpose, or was changed.
    pub fn open(&self, sealed: &str, purpose: &str) -> Option<Secret> {
        let bytes = STANDARD.decode(sealed).ok()?;
        let (nonce, ciphertext) = bytes.split_first_chunk::<NONCE_LEN>()?;
        let mut ciphertext = ciphertext.to_vec();
        let nonce = Nonce::assume_unique_for_key(*nonce);
        let plain = self.key.open_in_place(nonce, Aad::from(purpose.as_bytes()), &mut ciphertext).ok()?;
        String::from_utf8(plain.to_vec()).ok().map(Secret::new)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_opens_with_its_key_for_its_purpose_only() {
        let vault = Vault::new(b"one key");
        let sealed = vault.seal("geheim", "a@b.example");
        let open = |vault: &Vault, sealed: &str, purpose: &str| {
            vault.open(sealed, purpose).map(|secret| secret.reveal().to_owned())
        };
        assert_eq!(open(&vault, &sealed, "a@b.example").as_deref(), Some("geheim"));
        assert_eq!(open(&Vault::new(b"other key"), &sealed, "a@b.example"), None);
        assert_eq!(open(&vault, &sealed, "c@d.example"), None);
        for broken in ["", "AAAA", "no base64!", &sealed[4..]] {
            assert_eq!(open(&vault, broken, "a@b.example"), None, "{broken:?}");
        }
        assert_ne!(sealed, vault.seal("geheim", "a@b.example"), "each sealing has a nonce of its own");
    }
}
