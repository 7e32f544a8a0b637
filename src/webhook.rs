//! Tells another service what happened: one signed POST, as the Standard Webhooks specification has it.
//!
//! `webhook-id` names the delivery (repeated if it is sent again), `webhook-timestamp` is the time of the attempt in seconds,
//! `webhook-signature` is `v1,` and Base64 of HMAC-SHA-256 over `id.timestamp.body`, keyed by the 32 bytes behind `whsec_`.
//!
//! Does not: follow redirects, read what the other side answers beyond its status, or try twice.

use crate::model::secret::Secret;
use base64::{Engine as _, engine::general_purpose::STANDARD};
use hmac::{Hmac, KeyInit as _, Mac as _};
use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use sha2::Sha256;
use std::{
    net::{IpAddr, SocketAddr},
    sync::Arc,
    time::Duration,
};
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
    /// It leads where nobody listens but the network itself.
    #[error("its name leads to a link-local address: give the receiver an address of its own")]
    Forbidden,
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
        !ip_of(&url).is_some_and(is_forbidden)
            && matches!(url.scheme(), "http" | "https")
            && url.username().is_empty()
            && url.password().is_none()
    })
}

/// The IP address that an address names instead of a host.
fn ip_of(url: &reqwest::Url) -> Option<IpAddr> {
    url.host_str()?.trim_matches(['[', ']']).parse().ok()
}

/// Whether nothing of the house lives at an IP address: link-local ones, where clouds keep the secrets of their machines,
/// and those of nobody or of many. This machine and the house are allowed: that is where the books are kept.
fn is_forbidden(ip: IpAddr) -> bool {
    match ip.to_canonical() {
        IpAddr::V4(ip) => ip.is_link_local() || ip.is_unspecified() || ip.is_multicast() || ip.is_broadcast(),
        IpAddr::V6(ip) => ip.is_unicast_link_local() || ip.is_unspecified() || ip.is_multicast(),
    }
}

/// Finds where a host is, and refuses a host that is nowhere but at forbidden addresses.
#[derive(Debug)]
struct AllowedOnly;

impl Resolve for AllowedOnly {
    fn resolve(&self, name: Name) -> Resolving {
        Box::pin(async move {
            // the port is that of the address
            let found = tokio::net::lookup_host((name.as_str(), 0)).await?;
            let allowed: Vec<SocketAddr> = found.filter(|place| !is_forbidden(place.ip())).collect();
            if allowed.is_empty() {
                return Err(Error::Forbidden.into());
            }
            Ok(Box::new(allowed.into_iter()) as Addrs)
        })
    }
}

/// Why a request came to nothing, without the address, which may hold a secret.
fn failure(error: reqwest::Error) -> Error {
    let mut cause = std::error::Error::source(&error);
    while let Some(inner) = cause {
        if matches!(inner.downcast_ref(), Some(Error::Forbidden)) {
            return Error::Forbidden;
        }
        cause = inner.source();
    }
    Error::Unreachable(error.without_url().to_string())
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
    if !is_address(address) {
        return Err(Error::Forbidden);
    }
    let client = reqwest::Client::builder()
        .dns_resolver(Arc::new(AllowedOnly))
        .timeout(Duration::from_secs(ANSWER_SECONDS))
        .redirect(reqwest::redirect::Policy::none())
        .build()
        .map_err(failure)?;
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
        .map_err(failure)?;
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

    #[tokio::test]
    async fn names_lead_only_where_deliveries_may_go() {
        let refused = AllowedOnly.resolve("169.254.169.254".parse().unwrap()).await.err().unwrap();
        assert!(matches!(refused.downcast_ref(), Some(Error::Forbidden)), "{refused}");
        assert!(AllowedOnly.resolve("localhost".parse().unwrap()).await.is_ok());
    }

    #[test]
    fn addresses_are_of_the_web() {
        for (address, fits) in [
            ("https://hooks.example/in?x=1", true),
            ("http://10.0.0.7:8080/", true),
            ("ftp://hooks.example/", false),
            ("http://169.254.169.254/latest", false),
            ("http://[fe80::1]/", false),
            ("http://[::ffff:169.254.169.254]/", false),
            ("http://0.0.0.0/", false),
            ("https://user:secret@hooks.example/", false),
            ("hooks.example", false),
        ] {
            assert_eq!(is_address(address), fits, "{address}");
        }
    }
}
