//! A provider of OpenID Connect on a loopback port that answers falsely on demand.

use super::http::{self, Fields};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use mailroom::{clock, model::openid};
use ring::{
    rand::SystemRandom,
    signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair as _},
};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use std::{
    collections::HashMap,
    sync::{Arc, Mutex},
};

/// What is wrong with the next answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Flaw {
    /// Nothing.
    None,
    /// The token answers another question.
    Nonce,
    /// The token is for another program.
    Audience,
    /// The token is another provider's.
    Issuer,
    /// The token has ended.
    Expired,
    /// The token is not signed.
    Unsigned,
    /// The token is signed with a key that is not shown.
    UnknownKey,
    /// There is no token.
    NoToken,
    /// The person declines.
    Declined,
    /// The provider does not vouch for the address.
    Unverified,
    /// No answer that is one.
    Broken,
}

#[derive(Debug)]
struct State {
    flaw: Flaw,
    subject: String,
    email: String,
    /// Challenge and nonce, by code.
    codes: HashMap<String, (String, String)>,
}

/// A running provider. Clones are the same one.
#[derive(Clone)]
pub(crate) struct OpenIdServer {
    port: u16,
    state: Arc<Mutex<State>>,
    key: Arc<EcdsaKeyPair>,
}

fn key() -> EcdsaKeyPair {
    let (kind, random) = (&ECDSA_P256_SHA256_FIXED_SIGNING, SystemRandom::new());
    let secret = EcdsaKeyPair::generate_pkcs8(kind, &random).unwrap();
    EcdsaKeyPair::from_pkcs8(kind, secret.as_ref(), &random).unwrap()
}

impl OpenIdServer {
    /// Starts a provider that knows one person.
    pub(crate) fn start() -> Self {
        let state = State {
            flaw: Flaw::None,
            subject: "subject-1".to_owned(),
            email: "sam@nordkomp.example".to_owned(),
            codes: HashMap::new(),
        };
        let mut server = Self { port: 0, state: Arc::new(Mutex::new(state)), key: Arc::new(key()) };
        let known = Arc::new(Mutex::new(0));
        let (own, at) = (server.clone(), Arc::clone(&known));
        let port = http::listen(move |path, fields| own.answer(*at.lock().unwrap(), path, fields));
        *known.lock().unwrap() = port;
        server.port = port;
        server
    }

    /// As mailroom is configured for it.
    pub(crate) fn config(&self) -> openid::Config {
        openid::Config {
            issuer: format!("http://127.0.0.1:{}", self.port),
            label: "Example ID".to_owned(),
            client_id: "mailroom".to_owned(),
            ..openid::Config::default()
        }
    }

    /// What is wrong from now on.
    pub(crate) fn expect(&self, flaw: Flaw) {
        self.state.lock().unwrap().flaw = flaw;
    }

    /// Who signs in from now on.
    pub(crate) fn know(&self, subject: &str, email: &str) {
        let mut state = self.state.lock().unwrap();
        (state.subject, state.email) = (subject.to_owned(), email.to_owned());
    }

    fn answer(&self, port: u16, path: &str, fields: &Fields) -> Option<(u16, String)> {
        let flaw = self.state.lock().unwrap().flaw;
        let base = format!("http://127.0.0.1:{port}");
        if flaw == Flaw::Broken {
            return Some((503, "maintenance".to_owned()));
        }
        let json = |value: Value| Some((200, value.to_string()));
        match path {
            "/.well-known/openid-configuration" => json(json!({
                "issuer": base, "authorization_endpoint": format!("{base}/authorise"),
                "token_endpoint": format!("{base}/token"), "jwks_uri": format!("{base}/keys"),
                "end_session_endpoint": format!("{base}/out"),
                "token_endpoint_auth_methods_supported": ["client_secret_post"],
            })),
            "/authorise" => Some((302, self.authorise(flaw, fields))),
            "/token" => json(self.token(flaw, &base, fields)),
            "/keys" => {
                let (x, y) = self.key.public_key().as_ref()[1..].split_at(32);
                let part = |bytes: &[u8]| URL_SAFE_NO_PAD.encode(bytes);
                json(json!({ "keys": [
                    { "kty": "EC", "crv": "P-256", "kid": "1", "use": "sig", "x": part(x), "y": part(y) },
                    { "kty": "unheard of", "kid": "2" },
                ] }))
            }
            _ => Some((404, String::new())),
        }
    }

    fn authorise(&self, flaw: Flaw, fields: &Fields) -> String {
        assert_eq!(
            (fields["code_challenge_method"].as_str(), fields["response_type"].as_str()),
            ("S256", "code")
        );
        let (back, state) = (&fields["redirect_uri"], &fields["state"]);
        if flaw == Flaw::Declined {
            return format!("{back}?error=access_denied&error_description=no&state={state}");
        }
        let mut kept = self.state.lock().unwrap();
        let code = format!("code-{}", kept.codes.len());
        let question = (fields["code_challenge"].clone(), fields["nonce"].clone());
        kept.codes.insert(code.clone(), question);
        format!("{back}?code={code}&state={state}")
    }

    fn token(&self, flaw: Flaw, base: &str, fields: &Fields) -> Value {
        let mut state = self.state.lock().unwrap();
        let question = state.codes.insert(fields["code"].clone(), Default::default()).unwrap_or_default();
        let challenge = URL_SAFE_NO_PAD.encode(Sha256::digest(&fields["code_verifier"]));
        if question.0 != challenge || fields["client_id"] != "mailroom" {
            return json!({ "error": "invalid_grant" });
        }
        let (now, or) =
            (
                clock::now_ms() / 1000,
                |of: Flaw, wrong: &str, right: &str| {
                    if flaw == of { wrong.to_owned() } else { right.to_owned() }
                },
            );
        let claims = json!({
            "iss": or(Flaw::Issuer, "http://127.0.0.1:1", base), "aud": or(Flaw::Audience, "other", "mailroom"),
            "sub": state.subject, "exp": if flaw == Flaw::Expired { now - 600 } else { now + 600 }, "iat": now,
            "nonce": or(Flaw::Nonce, "another", &question.1), "email": state.email,
            "email_verified": flaw != Flaw::Unverified,
        });
        let algorithm = if flaw == Flaw::Unsigned { "none" } else { "ES256" };
        let part = |value: Value| URL_SAFE_NO_PAD.encode(value.to_string());
        let message = format!("{}.{}", part(json!({ "alg": algorithm, "kid": "1" })), part(claims));
        let key = if flaw == Flaw::UnknownKey { Arc::new(key()) } else { Arc::clone(&self.key) };
        let signature = key.sign(&SystemRandom::new(), message.as_bytes()).unwrap();
        let signature =
            if flaw == Flaw::Unsigned { String::new() } else { URL_SAFE_NO_PAD.encode(signature) };
        let token = (flaw != Flaw::NoToken).then(|| format!("{message}.{signature}"));
        json!({ "access_token": "a", "token_type": "Bearer", "expires_in": 60, "id_token": token })
    }
}
