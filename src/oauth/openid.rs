//! Who a person is, by OpenID Connect: asks a provider, and believes nothing that the provider's keys did not sign.
//!
//! Discovery (OpenID Connect Discovery 1.0, 4), authorisation code with PKCE by [`Client`], and the ID token verified (OpenID
//! Connect Core 1.0, 3.1.3.7): signature, issuer, audience, time, nonce. Addresses and keys are asked for at each sign-in, so
//! a provider may change its keys at any time. Does not: know who works here (see [`crate::pipeline::people`]).

use super::{Client, Error, form, http, read, signature, words};
use crate::model::{
    oauth::{self, Provider as Preset, is_protected},
    openid::{Config, Identity},
    secret::Secret,
};
use jsonwebtoken::{
    DecodingKey, Header, Validation, decode, decode_header,
    jwk::{Jwk, PublicKeyUse},
};
use serde::{Deserialize, de::DeserializeOwned};
use serde_json::{Map, Value};

/// Seconds by which clocks may differ.
const LEEWAY_SECONDS: u64 = 60;
/// Longest subject (OpenID Connect Core 1.0, 2).
const SUBJECT_BYTES_MAX: usize = 255;

/// A provider, as it describes itself.
#[derive(Debug)]
pub struct Provider {
    config: Config,
    client: Client,
    keys_address: String,
    sign_out_address: Option<String>,
}

/// What a provider says of itself (OpenID Connect Discovery 1.0, 3).
#[derive(Debug, Deserialize)]
struct Description {
    issuer: String,
    authorization_endpoint: String,
    token_endpoint: String,
    jwks_uri: String,
    #[serde(default)]
    end_session_endpoint: Option<String>,
    #[serde(default)]
    token_endpoint_auth_methods_supported: Option<Vec<String>>,
}

/// The keys of a provider (RFC 7517, 5). One that this program does not know spoils no other.
#[derive(Debug, Deserialize)]
struct Keys {
    keys: Vec<Value>,
}

impl Provider {
    /// Asks a provider for its addresses.
    pub async fn discover(config: &Config, client_secret: Option<&Secret>) -> Result<Self, Error> {
        config.check().map_err(Error::Settings)?;
        let issuer = config.issuer.trim_end_matches('/');
        let described: Description = get(&format!("{issuer}/.well-known/openid-configuration")).await?;
        if described.issuer != config.issuer {
            return Err(Error::Untrusted(format!(
                "it calls itself {:?}: if that is right, write it as `issuer`",
                words(&described.issuer)
            )));
        }
        let addresses = [&described.authorization_endpoint, &described.token_endpoint, &described.jwks_uri];
        if let Some(address) = addresses.iter().find(|address| !is_protected(address)) {
            return Err(Error::Untrusted(format!("{} is not protected", words(address))));
        }
        let mut client = Client::new(
            &oauth::Config {
                provider: Preset::Other,
                client_id: config.client_id.clone(),
                authorise_url: described.authorization_endpoint,
                token_url: described.token_endpoint,
                scope: config.scope.clone(),
                ..oauth::Config::default()
            },
            client_secret,
        )?;
        // Without a word, it is the header (OpenID Connect Discovery 1.0, 3).
        let methods = described.token_endpoint_auth_methods_supported;
        client.in_header =
            methods.is_none_or(|methods| !methods.iter().any(|method| method == "client_secret_post"));
        let sign_out_address = described.end_session_endpoint.filter(|address| is_protected(address));
        Ok(Self { config: config.clone(), client, keys_address: described.jwks_uri, sign_out_address })
    }

    /// The address where a person signs in, who comes back to `redirect` with `state` and a code.
    pub fn authorise_address(
        &self,
        redirect: &str,
        state: &str,
        verifier: &str,
        nonce: &str,
    ) -> Result<String, Error> {
        self.client.authorise_address(redirect, state, verifier, ("nonce", nonce))
    }

    /// The address where a person signs out there, who comes back to `redirect` (OpenID Connect RP-Initiated Logout 1.0);
    /// none if the provider has no such page.
    pub fn sign_out_address(&self, redirect: &str) -> Option<String> {
        let address = self.sign_out_address.as_deref()?;
        let joint = if address.contains('?') { '&' } else { '?' };
        let fields = [("client_id", self.config.client_id.as_str()), ("post_logout_redirect_uri", redirect)];
        Some(format!("{address}{joint}{}", form(&fields)))
    }

    /// Who came back with a code.
    pub async fn identify(
        &self,
        code: &str,
        redirect: &str,
        verifier: &str,
        nonce: &str,
    ) -> Result<Identity, Error> {
        let grant = self.client.exchange(code, redirect, verifier).await.map_err(|error| match error {
            Error::Ended(words) => Error::Refused(words),
            other => other,
        })?;
        let token =
            grant.id_token.ok_or_else(|| Error::Untrusted("it does not say who signed in".to_owned()))?;
        let keys: Keys = get(&self.keys_address).await?;
        let keys: Vec<Jwk> =
            keys.keys.into_iter().filter_map(|key| serde_json::from_value(key).ok()).collect();
        verify(&self.config, &keys, token.reveal(), nonce).map_err(Error::Untrusted)
    }
}

/// Asks for a document in JSON.
async fn get<T: DeserializeOwned>(address: &str) -> Result<T, Error> {
    let (status, body) = read(http()?.get(address).header("accept", "application/json")).await?;
    if !status.is_success() {
        return Err(Error::Unreachable(format!("{} answers {status}", words(address))));
    }
    serde_json::from_slice(&body).map_err(|error| {
        Error::Unreachable(format!("{} answers what it should not: {error}", words(address)))
    })
}

/// Who an ID token speaks of, or why it is not to be believed.
fn verify(config: &Config, keys: &[Jwk], token: &str, nonce: &str) -> Result<Identity, String> {
    signature::install();
    let told = |error: jsonwebtoken::errors::Error| words(&format!("the token does not hold ({error})"));
    let header = decode_header(token).map_err(told)?;
    let key = key(keys, &header)?;
    let mut rules = Validation::new(header.alg);
    rules.set_issuer(&[&config.issuer]);
    rules.set_audience(&[&config.client_id]);
    rules.set_required_spec_claims(&["exp", "iss", "aud", "sub"]);
    rules.leeway = LEEWAY_SECONDS;
    rules.validate_nbf = true;
    let claims: Map<String, Value> = decode(token, &key, &rules).map_err(told)?.claims;
    let text = |name: &str| claims.get(name).and_then(Value::as_str).unwrap_or_default();
    if text("nonce") != nonce || nonce.is_empty() {
        return Err("the token answers another question (nonce)".to_owned());
    }
    let for_others = claims.get("aud").and_then(Value::as_array).is_some_and(|audiences| audiences.len() > 1);
    if (for_others || claims.contains_key("azp")) && text("azp") != config.client_id {
        return Err("the token was made for another program (azp)".to_owned());
    }
    let subject = text("sub");
    if subject.is_empty() || subject.len() > SUBJECT_BYTES_MAX {
        return Err("the token names nobody (sub)".to_owned());
    }
    let email_verified = match claims.get("email_verified") {
        Some(Value::Bool(verified)) => *verified,
        // Some providers write it as text.
        Some(other) => other.as_str() == Some("true"),
        None => config.emails_are_verified,
    };
    let email = text(&config.email_claim).trim().to_lowercase();
    Ok(Identity { subject: subject.to_owned(), email, email_verified })
}

/// The key that a token says it was signed with; without a word, the only one that could be it.
fn key(keys: &[Jwk], header: &Header) -> Result<DecodingKey, String> {
    if !signature::ALGORITHMS.contains(&header.alg) {
        return Err(format!("the token is signed by {:?}: RS256 and ES256 are taken", header.alg));
    }
    let signs = keys.iter().filter(|key| {
        let common = &key.common;
        !matches!(common.public_key_use, Some(PublicKeyUse::Encryption))
            && common.key_algorithm.is_none_or(|of| of.to_string() == format!("{:?}", header.alg))
    });
    let named = signs.filter(|key| header.kid.is_none() || key.common.key_id == header.kid);
    let mut fit = named
        .filter_map(|key| DecodingKey::from_jwk(key).ok())
        .filter(|key| key.family() == signature::family(header.alg));
    match (fit.next(), fit.next()) {
        (Some(key), None) => Ok(key),
        (None, _) => Err("the token is signed with a key that the provider does not show".to_owned()),
        _ => Err("the token does not say which of several keys it is signed with".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock;
    use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
    use ring::{
        rand::SystemRandom,
        signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair as _},
    };
    use serde_json::json;

    /// A key that signs, and what its provider shows of it.
    fn fresh_key(id: &str) -> (EcdsaKeyPair, Jwk) {
        let random = SystemRandom::new();
        let secret = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &random).unwrap();
        let pair =
            EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, secret.as_ref(), &random).unwrap();
        let (x, y) = pair.public_key().as_ref()[1..].split_at(32);
        let shown = json!({
            "kty": "EC", "crv": "P-256", "kid": id, "use": "sig", "alg": "ES256",
            "x": URL_SAFE_NO_PAD.encode(x), "y": URL_SAFE_NO_PAD.encode(y),
        });
        (pair, serde_json::from_value(shown).unwrap())
    }

    fn signed(key: &EcdsaKeyPair, header: &Value, claims: &Value) -> String {
        let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
        let message = format!("{}.{}", part(header), part(claims));
        let signature = key.sign(&SystemRandom::new(), message.as_bytes()).unwrap();
        format!("{message}.{}", URL_SAFE_NO_PAD.encode(signature))
    }

    fn with(base: &Value, changes: &Value) -> Value {
        let mut changed = base.as_object().unwrap().clone();
        for (name, value) in changes.as_object().unwrap() {
            changed.insert(name.clone(), value.clone());
        }
        changed.retain(|_, value| !value.is_null());
        Value::Object(changed)
    }

    #[test]
    fn only_what_the_provider_signed_for_us_and_for_this_sign_in_is_believed() {
        let config =
            Config { issuer: "https://id.example".into(), client_id: "mailroom".into(), ..Config::default() };
        let ((key, shown), (foreign, _)) = (fresh_key("a"), fresh_key("a"));
        let now = clock::now_ms() / 1000;
        let head = json!({ "alg": "ES256", "kid": "a" });
        let claims = json!({
            "iss": "https://id.example", "aud": "mailroom", "sub": "s-1", "exp": now + 600, "iat": now, "nonce": "n",
            "email": "Ann@Site.example", "email_verified": true,
        });
        let judge = |token: &str| verify(&config, std::slice::from_ref(&shown), token, "n");
        let good = judge(&signed(&key, &head, &claims)).unwrap();
        let expected =
            Identity { subject: "s-1".into(), email: "ann@site.example".into(), email_verified: true };
        assert_eq!(good, expected);
        for (what, changes) in [
            ("another provider", json!({ "iss": "https://evil.example" })),
            ("another program", json!({ "aud": "other" })),
            ("several programs", json!({ "aud": ["mailroom", "other"] })),
            ("made for another", json!({ "aud": ["mailroom"], "azp": "other" })),
            ("no audience", json!({ "aud": null })),
            ("expired", json!({ "exp": now - 120 })),
            ("without an end", json!({ "exp": null })),
            ("not yet", json!({ "nbf": now + 600 })),
            ("another question", json!({ "nonce": "m" })),
            ("no question", json!({ "nonce": null })),
            ("nobody", json!({ "sub": "" })),
        ] {
            assert!(judge(&signed(&key, &head, &with(&claims, &changes))).is_err(), "{what}");
        }
        for (what, header) in [
            ("unsigned", json!({ "alg": "none" })),
            ("by a secret that is public", json!({ "alg": "HS256", "kid": "a" })),
            ("by another kind of key", json!({ "alg": "RS256", "kid": "a" })),
            ("by an unknown key", json!({ "alg": "ES256", "kid": "b" })),
        ] {
            assert!(judge(&signed(&key, &header, &claims)).is_err(), "{what}");
        }
        assert!(judge(&signed(&foreign, &head, &claims)).is_err(), "by a key that only has the name");
        for broken in ["", ".", "a.b.c", "...."] {
            assert!(judge(broken).is_err(), "{broken:?}");
        }
        let verified =
            |changes: &Value| judge(&signed(&key, &head, &with(&claims, changes))).unwrap().email_verified;
        assert!(verified(&json!({ "email_verified": "true" })));
        assert!(
            !verified(&json!({ "email_verified": "false" })) && !verified(&json!({ "email_verified": null }))
        );
    }
}
