//! The second factor: codes of a device by time (TOTP, RFC 6238: SHA-1, 6 digits, 30 seconds), and recovery codes.
//!
//! Does not: keep anything. Secrets are sealed by whoever keeps them, recovery codes are kept as hashes, and that a code is
//! good only once is the store's work ([`crate::store::Tx::take_factor_step`]).

use super::error::percent_encode;
use crate::{clock, model::secret::Secret};
use sha2::{Digest as _, Sha256};
use std::fmt::Write as _;
use totp_rs::{Builder, Secret as Shared, Totp};

/// Bytes of a shared secret: 160 bits, as RFC 4226 recommends.
const SECRET_BYTES: usize = 20;
/// Recovery codes that a person gets.
pub const RECOVERY_CODES: usize = 10;
/// Bytes of a recovery code: 80 bits.
const RECOVERY_BYTES: usize = 10;

/// A fresh shared secret in Base32, as devices take it.
pub fn fresh_secret() -> Secret {
    Secret::new(Shared::from(clock::random_bytes::<SECRET_BYTES>()).to_base32())
}

fn totp(secret: &Secret) -> Option<Totp> {
    let shared = Shared::try_from_base32(secret.reveal()).ok()?;
    Builder::new().with_secret(shared).build().ok()
}

/// The time step of a code that is good now, give or take one step for clocks that differ.
pub fn check(secret: &Secret, code: &str, now_ms: i64) -> Option<i64> {
    let code: String = code.chars().filter(|c| !c.is_whitespace()).collect();
    let step = totp(secret)?.check(&code, u64::try_from(now_ms / 1000).ok()?)?;
    i64::try_from(step).ok()
}

/// The code of a secret at a time: what a device shows.
pub fn code(secret: &Secret, now_ms: i64) -> Option<String> {
    Some(totp(secret)?.generate(u64::try_from(now_ms / 1000).ok()?).to_string())
}

/// The address that a device reads from a picture (Key URI format).
pub fn address(site: &str, name: &str, secret: &Secret) -> String {
    let (site, name) = (percent_encode(site), percent_encode(name));
    format!("otpauth://totp/{site}:{name}?secret={}&issuer={site}", secret.reveal())
}

/// The path of an SVG that draws a text as QR code in unit squares, and its width; none for a text that is too long.
pub fn picture(text: &str) -> Option<(String, usize)> {
    let code = qrcode::QrCode::new(text).ok()?;
    let width = code.width();
    let mut path = String::new();
    for (at, color) in code.to_colors().into_iter().enumerate() {
        if color == qrcode::Color::Dark {
            // a square in its column and row
            write!(path, "M{} {}h1v1h-1z", at % width, at / width).ok()?;
        }
    }
    Some((path, width))
}

/// Fresh recovery codes, to be shown once.
pub fn fresh_recovery_codes() -> Vec<String> {
    let code = || {
        let text = Shared::from(clock::random_bytes::<RECOVERY_BYTES>()).to_base32().to_lowercase();
        let letters: Vec<char> = text.chars().filter(|c| *c != '=').collect();
        letters.chunks(4).map(|part| part.iter().collect::<String>()).collect::<Vec<_>>().join("-")
    };
    (0..RECOVERY_CODES).map(|_| code()).collect()
}

/// What is kept of a recovery code, however it is typed.
pub fn recovery_hash(code: &str) -> String {
    let plain: String = code.chars().filter(char::is_ascii_alphanumeric).collect();
    hex::encode(Sha256::digest(plain.to_ascii_lowercase()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_those_of_the_standard() {
        // RFC 6238, appendix B: the ASCII secret "12345678901234567890", the last six digits
        let secret = Secret::new("GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ");
        for (seconds, expected) in [(59, "287082"), (1_111_111_109, "081804"), (20_000_000_000, "353130")] {
            assert_eq!(code(&secret, seconds * 1000).as_deref(), Some(expected));
            assert_eq!(check(&secret, expected, seconds * 1000), Some(seconds / 30));
            assert_eq!(check(&secret, expected, (seconds + 30) * 1000), Some(seconds / 30), "one step late");
            assert_eq!(check(&secret, expected, (seconds + 90) * 1000), None, "too late");
        }
        for wrong in ["", "000000", "28708", "2870822", "abcdef", "２８７０８２"] {
            assert_eq!(check(&secret, wrong, 59_000), None, "{wrong:?}");
        }
    }

    #[test]
    fn recovery_codes_differ_and_forgive_how_they_are_typed() {
        let codes = fresh_recovery_codes();
        assert_eq!(codes.len(), RECOVERY_CODES);
        assert!(codes.iter().all(|code| code.len() == 19), "{codes:?}");
        let typed = codes[0].to_uppercase().replace('-', " ");
        assert_eq!(recovery_hash(&typed), recovery_hash(&codes[0]));
        assert_ne!(recovery_hash(&codes[1]), recovery_hash(&codes[0]));
    }

    #[test]
    fn a_device_reads_the_address() {
        let address = address("Order Desk", "anna", &Secret::new("ABC"));
        assert_eq!(address, "otpauth://totp/Order%20Desk:anna?secret=ABC&issuer=Order%20Desk");
        let (path, width) = picture(&address).unwrap();
        assert!(width >= 21 && path.starts_with("M0 0h1v1h-1z"));
    }
}
