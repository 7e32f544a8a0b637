//! Sign-in by OAuth 2.0: asks a provider's token endpoint, and says in words what it refuses.
//!
//! Device authorisation (RFC 8628), authorisation code with PKCE (RFC 6749, 7636, 8252), refreshing: for mailboxes, and for
//! people in [`openid`]. Does not: keep tokens (see [`crate::store::credential`]), speak IMAP or SMTP, or verify the tokens
//! of mail servers: they are the server's business.
//!
//! Limits: [`ANSWER_BYTES_MAX`], [`ANSWER_SECONDS`].

pub mod openid;
mod signature;

use crate::{
    clock,
    model::{
        oauth::{Config, Endpoints, Provider},
        secret::Secret,
    },
};
use base64::{
    Engine as _,
    engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD},
};
use serde::Deserialize;
use sha2::{Digest as _, Sha256};
use std::time::Duration;

/// The most that is read of an answer.
const ANSWER_BYTES_MAX: usize = 256 * 1024;
/// How long an answer is waited for.
const ANSWER_SECONDS: u64 = 30;
/// Seconds between two questions of a device, if the provider does not say (RFC 8628, 3.2).
const DEVICE_INTERVAL_SECONDS: u64 = 5;
/// How much of a provider's own words is kept.
const WORDS_CHARS_MAX: usize = 300;

/// Why there is no token.
#[derive(Clone, Debug, thiserror::Error, PartialEq, Eq)]
pub enum Error {
    /// The configuration cannot work.
    #[error("{0}")]
    Settings(String),
    /// No answer, or none that is one: the same may succeed later.
    #[error("the sign-in service cannot be reached ({0})")]
    Unreachable(String),
    /// The provider no longer accepts what a person once granted: consent was withdrawn, a password was changed, or
    /// the token was replaced or grew too old.
    #[error(
        "the sign-in of this mailbox is no longer accepted (the provider says: {0}): sign in again on the mailbox page or \
         with `mailroom mailbox authorise`"
    )]
    Ended(String),
    /// The provider refused for another reason.
    #[error(
        "the sign-in service refused (it says: {0}): check `client_id`, `client_secret`, `tenant` and `scope`"
    )]
    Refused(String),
    /// What a provider says of a person does not hold.
    #[error("what the sign-in service says is not to be believed: {0}")]
    Untrusted(String),
}

impl Error {
    /// Whether the same may succeed later without anybody doing anything.
    pub fn is_transient(&self) -> bool {
        matches!(self, Self::Unreachable(_))
    }
}

/// Tokens that a provider gave.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Grant {
    /// Opens the mailbox for a while.
    pub access_token: Secret,
    /// How long, in seconds.
    pub access_seconds: i64,
    /// Gets the next access token; if there is none, the one before stays good.
    pub refresh_token: Option<Secret>,
    /// How long that lives, in seconds, if the provider says.
    pub refresh_seconds: Option<i64>,
    /// Who consented, signed by the provider, if that was asked for.
    pub id_token: Option<Secret>,
}

/// A device that waits for a person to type its code elsewhere.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Device {
    /// What the person types.
    pub user_code: String,
    /// Where.
    pub address: String,
    /// How long the code is good, in seconds.
    pub seconds: u64,
    /// Wait between two questions.
    pub interval: Duration,
    code: Secret,
}

/// What came of a question about a device.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Asked {
    /// The person has not decided yet; ask again after this time.
    Pending(Duration),
    /// The person consented.
    Granted(Grant),
}

/// A question to a provider on behalf of one mailbox, or of one person.
#[derive(Debug)]
pub struct Client {
    http: reqwest::Client,
    client_id: String,
    client_secret: Option<Secret>,
    endpoints: Endpoints,
    is_google: bool,
    /// Shows who it is in a header instead of the form.
    in_header: bool,
}

impl Client {
    /// Prepares; asks nothing yet.
    pub fn new(config: &Config, client_secret: Option<&Secret>) -> Result<Self, Error> {
        config.check().map_err(Error::Settings)?;
        Ok(Self {
            http: http()?,
            client_id: config.client_id.clone(),
            client_secret: client_secret.cloned(),
            endpoints: config.endpoints(),
            is_google: config.provider == Provider::Google,
            in_header: false,
        })
    }

    /// The address where a person consents. It comes back to `redirect` with `state` and a code. `more`: what else the
    /// provider is told, by name.
    pub fn authorise_address(
        &self,
        redirect: &str,
        state: &str,
        verifier: &str,
        more: (&str, &str),
    ) -> Result<String, Error> {
        if self.endpoints.authorise.is_empty() {
            return Err(Error::Settings(
                "oauth: `authorise_url` is empty: write it, or use a device code".to_owned(),
            ));
        }
        let challenge = URL_SAFE_NO_PAD.encode(Sha256::digest(verifier));
        let mut fields = vec![
            ("client_id", self.client_id.as_str()),
            ("response_type", "code"),
            ("redirect_uri", redirect),
            ("scope", &self.endpoints.scope),
            ("state", state),
            ("code_challenge", &challenge),
            ("code_challenge_method", "S256"),
            more,
        ];
        if self.is_google {
            // Without these Google gives no refresh token, or only the first time.
            fields.extend([("access_type", "offline"), ("prompt", "consent")]);
        }
        let joint = if self.endpoints.authorise.contains('?') { '&' } else { '?' };
        Ok(format!("{}{joint}{}", self.endpoints.authorise, form(&fields)))
    }

    /// Tokens for the code that the provider sent back.
    pub async fn exchange(&self, code: &str, redirect: &str, verifier: &str) -> Result<Grant, Error> {
        let fields = [
            ("grant_type", "authorization_code"),
            ("code", code),
            ("redirect_uri", redirect),
            ("code_verifier", verifier),
        ];
        granted(&self.ask(&self.endpoints.token, &fields).await?)
    }

    /// Begins a sign-in that a person completes on another device.
    pub async fn begin_device(&self) -> Result<Device, Error> {
        if self.endpoints.device.is_empty() {
            return Err(Error::Settings(
                "this provider gives devices no access to mail: sign in with a browser instead".to_owned(),
            ));
        }
        let answer = self.ask(&self.endpoints.device, &[("scope", &self.endpoints.scope)]).await?;
        // Google's name for the address was there before the standard.
        let address = answer.verification_uri.or(answer.verification_url);
        match (answer.device_code, answer.user_code, address) {
            (Some(code), Some(user_code), Some(address)) => Ok(Device {
                user_code,
                address,
                seconds: answer.expires_in.and_then(|seconds| seconds.try_into().ok()).unwrap_or(900),
                interval: Duration::from_secs(
                    answer.interval.unwrap_or(DEVICE_INTERVAL_SECONDS).clamp(1, 60),
                ),
                code: Secret::new(code),
            }),
            _ => Err(Error::Unreachable("it gives no device code".to_owned())),
        }
    }

    /// Asks whether the person has consented.
    pub async fn ask_device(&self, device: &Device) -> Result<Asked, Error> {
        let fields = [
            ("grant_type", "urn:ietf:params:oauth:grant-type:device_code"),
            ("device_code", device.code.reveal()),
        ];
        let answer = self.answer(&self.endpoints.token, &fields).await?;
        match answer.error.as_deref() {
            Some("authorization_pending") => Ok(Asked::Pending(device.interval)),
            Some("slow_down") => {
                Ok(Asked::Pending(device.interval + Duration::from_secs(DEVICE_INTERVAL_SECONDS)))
            }
            _ => granted(&judged(answer)?).map(Asked::Granted),
        }
    }

    /// The next access token. A refresh token in the answer replaces the one that was shown.
    pub async fn refresh(&self, refresh_token: &Secret) -> Result<Grant, Error> {
        let mut fields = vec![("grant_type", "refresh_token"), ("refresh_token", refresh_token.reveal())];
        if !self.endpoints.scope.is_empty() && !self.is_google {
            fields.push(("scope", &self.endpoints.scope));
        }
        granted(&self.ask(&self.endpoints.token, &fields).await?)
    }

    async fn ask(&self, address: &str, fields: &[(&str, &str)]) -> Result<Answer, Error> {
        judged(self.answer(address, fields).await?)
    }

    /// One question; the client shows who it is (RFC 6749, 2.3.1).
    async fn answer(&self, address: &str, fields: &[(&str, &str)]) -> Result<Answer, Error> {
        let mut question = self
            .http
            .post(address)
            .header("content-type", "application/x-www-form-urlencoded")
            .header("accept", "application/json");
        let mut all = Vec::new();
        match &self.client_secret {
            Some(secret) if self.in_header => {
                let both = format!("{}:{}", encoded(&self.client_id), encoded(secret.reveal()));
                question = question.header("authorization", format!("Basic {}", STANDARD.encode(both)));
            }
            secret => {
                all.push(("client_id", self.client_id.as_str()));
                all.extend(secret.as_ref().map(|secret| ("client_secret", secret.reveal())));
            }
        }
        all.extend(fields);
        let (status, body) = read(question.body(form(&all))).await?;
        if status.is_server_error() || status.as_u16() == 429 {
            return Err(Error::Unreachable(format!("it answers {status}")));
        }
        match serde_json::from_slice::<Answer>(&body) {
            Ok(answer) if status.is_success() || answer.error.is_some() => Ok(answer),
            _ => {
                Err(Error::Unreachable(format!("it answers {status} without a word that this program knows")))
            }
        }
    }
}

/// What asks over HTTP.
fn http() -> Result<reqwest::Client, Error> {
    if rustls::crypto::CryptoProvider::get_default().is_none() {
        // somebody else may be faster, with the same provider
        drop(rustls::crypto::ring::default_provider().install_default());
    }
    reqwest::Client::builder()
        .timeout(Duration::from_secs(ANSWER_SECONDS))
        .redirect(reqwest::redirect::Policy::none())
        .build()
        .map_err(|error| Error::Settings(chain(&error)))
}

/// Asks, and reads the answer up to its limit.
async fn read(question: reqwest::RequestBuilder) -> Result<(reqwest::StatusCode, Vec<u8>), Error> {
    let unreachable = |error: reqwest::Error| Error::Unreachable(chain(&error));
    let mut response = question.send().await.map_err(unreachable)?;
    let mut body = Vec::new();
    while let Some(piece) = response.chunk().await.map_err(unreachable)? {
        if body.len() + piece.len() > ANSWER_BYTES_MAX {
            return Err(Error::Unreachable(format!("its answer is longer than {ANSWER_BYTES_MAX} bytes")));
        }
        body.extend_from_slice(&piece);
    }
    Ok((response.status(), body))
}

/// All that an endpoint may say (RFC 6749, 5; RFC 8628, 3.2).
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Answer {
    access_token: Option<String>,
    refresh_token: Option<String>,
    expires_in: Option<i64>,
    refresh_token_expires_in: Option<i64>,
    id_token: Option<String>,
    error: Option<String>,
    error_description: Option<String>,
    device_code: Option<String>,
    user_code: Option<String>,
    verification_uri: Option<String>,
    verification_url: Option<String>,
    interval: Option<u64>,
}

fn judged(answer: Answer) -> Result<Answer, Error> {
    let Some(error) = &answer.error else { return Ok(answer) };
    let description = answer.error_description.as_deref().unwrap_or_default();
    let words = words(&format!("{error} {description}"));
    Err(match error.as_str() {
        "invalid_grant"
        | "interaction_required"
        | "consent_required"
        | "login_required"
        | "expired_token"
        | "access_denied" => Error::Ended(words),
        "temporarily_unavailable" | "server_error" => Error::Unreachable(words),
        _ => Error::Refused(words),
    })
}

fn granted(answer: &Answer) -> Result<Grant, Error> {
    let Some(access_token) = answer.access_token.as_ref().filter(|token| !token.is_empty()) else {
        return Err(Error::Unreachable("it gives no token".to_owned()));
    };
    Ok(Grant {
        access_token: Secret::new(access_token.as_str()),
        // An hour is what nearly all give, and what is asked for again costs nothing.
        access_seconds: answer.expires_in.unwrap_or(3_600).clamp(0, 30 * 86_400),
        refresh_token: answer.refresh_token.as_deref().filter(|token| !token.is_empty()).map(Secret::new),
        refresh_seconds: answer.refresh_token_expires_in.filter(|seconds| *seconds > 0),
        id_token: answer.id_token.as_deref().map(Secret::new),
    })
}

/// A fresh secret for one authorisation (RFC 7636, 4.1).
pub fn verifier() -> String {
    URL_SAFE_NO_PAD.encode(clock::random_bytes::<32>())
}

/// `application/x-www-form-urlencoded`.
fn form(fields: &[(&str, &str)]) -> String {
    fields.iter().map(|(name, value)| format!("{name}={}", encoded(value))).collect::<Vec<_>>().join("&")
}

fn encoded(text: &str) -> String {
    text.bytes()
        .map(|byte| {
            if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.' | b'~') {
                char::from(byte).to_string()
            } else {
                format!("%{byte:02X}")
            }
        })
        .collect()
}

/// An error and its causes on one line. Addresses stay out: they could carry secrets.
fn chain(error: &reqwest::Error) -> String {
    let mut text =
        if error.is_timeout() { format!("no answer within {ANSWER_SECONDS} s") } else { String::new() };
    let mut source = std::error::Error::source(error);
    while let Some(cause) = source {
        if !text.is_empty() {
            text.push_str(": ");
        }
        text.push_str(&cause.to_string());
        source = cause.source();
    }
    if text.is_empty() { "the connection failed".to_owned() } else { words(&text) }
}

fn words(text: &str) -> String {
    let plain = text.trim().chars().map(|c| if c.is_control() { ' ' } else { c });
    plain.take(WORDS_CHARS_MAX).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config(provider: Provider) -> Config {
        Config { provider, client_id: "id".to_owned(), ..Config::default() }
    }

    #[test]
    fn consent_is_asked_for_with_a_proof_key() {
        let client = Client::new(&config(Provider::Google), None).unwrap();
        // The pair of RFC 7636, appendix B.
        let verifier = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
        let address = client
            .authorise_address("http://127.0.0.1:9/", "s t", verifier, ("login_hint", "a@b.example"))
            .unwrap();
        for part in [
            "https://accounts.google.com/o/oauth2/v2/auth?client_id=id&response_type=code",
            "code_challenge=E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM&code_challenge_method=S256",
            "redirect_uri=http%3A%2F%2F127.0.0.1%3A9%2F",
            "state=s%20t",
            "scope=https%3A%2F%2Fmail.google.com%2F",
            "access_type=offline&prompt=consent",
        ] {
            assert!(address.contains(part), "{address} lacks {part}");
        }
    }

    #[test]
    fn refusals_are_told_apart() {
        let judge =
            |error: &str| judged(Answer { error: Some(error.to_owned()), ..Answer::default() }).unwrap_err();
        assert!(matches!(judge("invalid_grant"), Error::Ended(_)));
        assert!(matches!(judge("invalid_client"), Error::Refused(_)));
        assert!(judge("temporarily_unavailable").is_transient());
        assert!(granted(&Answer::default()).unwrap_err().is_transient());
    }
}
