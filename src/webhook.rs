//! Tells another service what happened: one signed POST, as the Standard Webhooks specification has it.
//!
//! `webhook-id` names the delivery (repeated if it is sent again), `webhook-timestamp` is the time of the attempt in seconds,
//! `webhook-signature` is `v1,` and Base64 of HMAC-SHA-256 over `id.timestamp.body`, keyed by the 32 bytes behind `whsec_`.
//!
//! Does not: follow redirects, read what the other side answers beyond its status, or try twice.

use crate::model::secret::Secret;
use base64::{Engine as _, engine::general_purpose::STANDARD};
use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::Sha256;
use std::time::Duration;
use thiserror::Error;

/// How long the other side may take.
const ANSWER_SECONDS: u64 = 15;

/// What secrets begin with.
const SECRET_MARK: &str = "whsec_";

/// Why a delivery did not arrive.
#[derive(Debug, Error)]
pub enum Error {
    /// The secret is not one of ours.
    #[error("its secret cannot be used: make the webhook anew")]
    Secret,
    /// The connection came to nothing.
    #[error("no answer: {0}")]
    Unreachable(String),
    /// The other side did not take it.
    #[error("it answers {0}")]
    Refused(u16),
}

/// The secret of a key, as receivers configure it.
pub fn secret(key: [u8; 32]) -> Secret {
    Secret::new(format!("{SECRET_MARK}{}", STANDARD.encode(key)))
}

/// Whether an address can be told: `https`, or `http` within the house, without credentials in it.
pub fn is_address(address: &str) -> bool {
    reqwest::Url::parse(address).is_ok_and(|url| {
        matches!(url.scheme(), "http" | "https") && url.username().is_empty() && url.password().is_none()
    })
}

/// The signature of a delivery at a time, seconds UTC.
pub fn sign(secret: &Secret, id: &str, seconds: i64, body: &str) -> Result<String, Error> {
    let key = secret.reveal().strip_prefix(SECRET_MARK).and_then(|key| STANDARD.decode(key).ok());
    let key = key.ok_or(Error::Secret)?;
    let mut mac = Hmac::<Sha256>::new_from_slice(&key).map_err(|_any_length_will_do| Error::Secret)?;
    mac.update(format!("{id}.{seconds}.{body}").as_bytes());
    Ok(format!("v1,{}", STANDARD.encode(mac.finalize().into_bytes())))
}

/// Sends one delivery.
pub async fn send(address: &str, secret: &Secret, id: &str, seconds: i64, body: &str) -> Result<(), Error> {
    if rustls::crypto::CryptoProvider::get_default().is_none() {
        // somebody else may be faster, with the same provider
        drop(rustls::crypto::ring::default_provider().install_default());
    }
    let unreachable = |error: reqwest::Error| Error::Unreachable(error.without_url().to_string());
    let client = reqwest::Client::builder()
        .timeout(Duration::from_secs(ANSWER_SECONDS))
        .redirect(reqwest::redirect::Policy::none())
        .build()
        .map_err(unreachable)?;
    let answer = client
        .post(address)
        .header("content-type", "application/json")
        .header("user-agent", "mailroom")
        .header("webhook-id", id)
        .header("webhook-timestamp", seconds.to_string())
        .header("webhook-signature", sign(secret, id, seconds, body)?)
        .body(body.to_owned())
        .send()
        .await
        .map_err(unreachable)?;
    let status = answer.status();
    if status.is_success() { Ok(()) } else { Err(Error::Refused(status.as_u16())) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn signatures_are_those_of_the_specification() {
        let secret = Secret::new("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw");
        let signed =
            sign(&secret, "msg_p5jXN8AQM9LWM0D4loKWxJek", 1_614_265_330, "{\"test\": 2432232314}").unwrap();
        assert_eq!(signed, "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
        assert!(sign(&Secret::new("other"), "a", 1, "{}").is_err());
        assert_ne!(secret, super::secret([7; 32]));
    }

    #[test]
    fn addresses_are_of_the_web() {
        for (address, fits) in [
            ("https://hooks.example/in?x=1", true),
            ("http://10.0.0.7:8080/", true),
            ("ftp://hooks.example/", false),
            ("https://user:secret@hooks.example/", false),
            ("hooks.example", false),
        ] {
            assert_eq!(is_address(address), fits, "{address}");
        }
    }
}
