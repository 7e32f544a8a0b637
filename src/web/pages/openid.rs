//! Signing in with an account at a provider of OpenID Connect, and out there.
//!
//! What was begun travels in a cookie, sealed, so an answer counts only in the browser that asked. Who comes back is known by
//! the provider's account, or by a verified mail address the first time ([`people::find_by_identity`]); the second factor is
//! the provider's business. Whatever fails is told on the sign-in page, and what the provider answered is in the audit log.

use super::sign_in::{From, Said, Wish, agent, begin_session, client, form, log_entry, own_path};
use crate::{
    clock, config,
    model::openid::Config,
    oauth::{self, Error, openid::Provider},
    pipeline::people::{self, Stranger},
    web::{
        Desk,
        error::PageError,
        session::{cookie_header, set_cookie},
        text,
    },
};
use axum::{
    Extension,
    extract::{ConnectInfo, Query, State},
    http::{HeaderMap, StatusCode, header},
    response::{AppendHeaders, IntoResponse as _, Redirect, Response},
};
use serde::{Deserialize, Serialize};
use std::{net::SocketAddr, sync::Arc};

/// Where a provider sends a person back to.
const BACK_PATH: &str = "/sign-in/openid/back";
/// How long a person may take at the provider.
const BEGUN_MS: i64 = 15 * 60_000;
/// Longest path that is remembered meanwhile: the cookie has room for it.
const NEXT_BYTES_MAX: usize = 1_000;
/// What the cookie is sealed for.
const BEGUN: &str = "openid sign-in";

/// A sign-in under way.
#[derive(Debug, Serialize, Deserialize)]
struct Begun {
    state: String,
    nonce: String,
    verifier: String,
    next: String,
    ends_ms: i64,
}

fn cookie_name(desk: &Desk) -> &'static str {
    if desk.is_secure() { "__Host-mailroom-openid" } else { "mailroom-openid" }
}

fn own_address(desk: &Desk, path: &str) -> String {
    format!("{}{path}", desk.base_url().trim_end_matches('/'))
}

fn configured(desk: &Desk) -> Result<&Config, PageError> {
    desk.app.config.sign_in.openid.as_ref().ok_or(PageError::NotFound)
}

async fn discover(config: &Config) -> Result<Provider, Error> {
    let secret = config.client_secret.as_ref().map(config::resolve).transpose();
    let secret = secret.map_err(|error| Error::Settings(format!("{error:#}")))?;
    Provider::discover(config, secret.as_ref()).await
}

type Peer = Option<Extension<ConnectInfo<SocketAddr>>>;

/// The sign-in page with what went wrong, by the key of its text.
async fn tell(
    desk: &Desk,
    status: StatusCode,
    key: &str,
    next: &str,
    email: &str,
) -> Result<Response, PageError> {
    let label = desk.app.config.sign_in.openid.as_ref().map_or("", |config| config.label.as_str());
    let values = [("provider", label.to_owned()), ("email", email.to_owned())];
    let said = Said { wrong: Some(text::filled(key, &values)), ..Said::default() };
    let page = form(desk, status, "", next, said).await?;
    let over = cookie_header(desk, cookie_name(desk), None, 0);
    Ok((AppendHeaders([(header::SET_COOKIE, over)]), page).into_response())
}

fn told_as(error: &Error) -> (StatusCode, &'static str) {
    match error {
        Error::Unreachable(_) => (StatusCode::BAD_GATEWAY, "sign_in.openid_unreachable"),
        _ => (StatusCode::BAD_GATEWAY, "sign_in.openid_failed"),
    }
}

/// `GET /sign-in/openid`: leads to the provider.
pub async fn begin(
    State(desk): State<Arc<Desk>>,
    peer: Peer,
    headers: HeaderMap,
    Query(wish): Query<Wish>,
) -> Result<Response, PageError> {
    let config = configured(&desk)?;
    let next = Some(own_path(&wish.next)).filter(|next| next.len() <= NEXT_BYTES_MAX).unwrap_or("/");
    let (address, now_ms) = (client(&desk, peer, &headers), clock::now_ms());
    let begun = Begun {
        state: oauth::verifier(),
        nonce: oauth::verifier(),
        verifier: oauth::verifier(),
        next: next.to_owned(),
        ends_ms: now_ms + BEGUN_MS,
    };
    // each one asks the provider; one that succeeds is taken back
    if !desk.attempts.may_try(&begun.state, address, now_ms) {
        return tell(&desk, StatusCode::TOO_MANY_REQUESTS, "sign_in.throttled", next, "").await;
    }
    desk.attempts.count(&begun.state, address, now_ms);
    let redirect = own_address(&desk, BACK_PATH);
    let leads = match discover(config).await {
        Ok(provider) => provider.authorise_address(&redirect, &begun.state, &begun.verifier, &begun.nonce),
        Err(error) => Err(error),
    };
    match leads {
        Ok(leads) => {
            let json = serde_json::to_string(&begun).map_err(|error| PageError::Internal(error.into()))?;
            let sealed = desk.app.vault.seal(&json, BEGUN);
            let cookie = cookie_header(&desk, cookie_name(&desk), Some(&sealed), BEGUN_MS / 1000);
            Ok(([(header::SET_COOKIE, cookie)], Redirect::to(&leads)).into_response())
        }
        Err(error) => {
            tracing::warn!(error = %error, "a sign-in at the provider could not be begun");
            let (status, key) = told_as(&error);
            tell(&desk, status, key, next, "").await
        }
    }
}

/// What a provider sends back.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Answer {
    code: String,
    state: String,
    error: String,
    /// Who answers (RFC 9207); empty: it does not say.
    iss: String,
}

/// `GET /sign-in/openid/back`: a person comes back from the provider.
pub async fn back(
    State(desk): State<Arc<Desk>>,
    peer: Peer,
    headers: HeaderMap,
    Query(answer): Query<Answer>,
) -> Result<Response, PageError> {
    let config = configured(&desk)?;
    let (address, now_ms) = (client(&desk, peer, &headers), clock::now_ms());
    let sealed = text::cookie(&headers, cookie_name(&desk)).unwrap_or_default();
    let begun = desk.app.vault.open(sealed, BEGUN);
    let begun = begun.and_then(|begun| serde_json::from_str::<Begun>(begun.reveal()).ok());
    let begun = begun.filter(|begun| begun.state == answer.state && begun.ends_ms > now_ms);
    let Some(begun) = begun else {
        return tell(&desk, StatusCode::BAD_REQUEST, "sign_in.openid_over", "/", "").await;
    };
    let next = own_path(&begun.next);
    if !desk.attempts.may_try(&begun.state, address, now_ms) {
        return tell(&desk, StatusCode::TOO_MANY_REQUESTS, "sign_in.throttled", next, "").await;
    }
    let refuse = async |status, key: &str, email: &str, reason: &str| {
        desk.attempts.count(&begun.state, address, now_ms);
        tracing::warn!(reason, "a sign-in at the provider came to nothing");
        let mut tx = desk.app.store.begin().await?;
        let detail = if email.is_empty() { reason.to_owned() } else { format!("{email}: {reason}") };
        tx.audit(log_entry(&config.label, "refuse_openid", "", &detail, now_ms));
        tx.commit().await?;
        tell(&desk, status, key, next, email).await
    };
    if answer.error == "access_denied" {
        return refuse(StatusCode::FORBIDDEN, "sign_in.openid_declined", "", "access_denied").await;
    }
    let identified = match (answer.error.as_str(), answer.iss.as_str()) {
        ("", iss) if iss.is_empty() || iss == config.issuer => identify(&desk, config, &begun, &answer).await,
        ("", _) => Err(Error::Untrusted("another provider answered".to_owned())),
        (error, _) => Err(Error::Refused(error.chars().take(100).collect())),
    };
    let identity = match identified {
        Ok(identity) => identity,
        Err(error) => {
            let (status, key) = told_as(&error);
            return refuse(status, key, "", &error.to_string()).await;
        }
    };
    let rules = &desk.app.config.sign_in;
    let person = match people::find_by_identity(&desk.app.store, rules, &config.issuer, &identity).await? {
        Ok(person) => person,
        Err(stranger) => {
            let key = match stranger {
                Stranger::Unknown => "sign_in.openid_unknown",
                Stranger::Unverified => "sign_in.openid_unverified",
                Stranger::OtherAccount => "sign_in.openid_other",
                Stranger::Disabled => "sign_in.openid_disabled",
            };
            return refuse(StatusCode::FORBIDDEN, key, &identity.email, &stranger.to_string()).await;
        }
    };
    desk.attempts.forgive(&begun.state, address);
    let from = From { address, agent: agent(&headers), with: &config.label };
    let mut tx = desk.app.store.begin().await?;
    let key = begin_session(&desk, &mut tx, &person, from, false).await?;
    tx.commit().await?;
    let cookies = AppendHeaders([
        (header::SET_COOKIE, set_cookie(&desk, Some(&key))),
        (header::SET_COOKIE, cookie_header(&desk, cookie_name(&desk), None, 0)),
    ]);
    Ok((cookies, Redirect::to(next)).into_response())
}

async fn identify(
    desk: &Desk,
    config: &Config,
    begun: &Begun,
    answer: &Answer,
) -> Result<crate::model::openid::Identity, Error> {
    let provider = discover(config).await?;
    let redirect = own_address(desk, BACK_PATH);
    provider.identify(&answer.code, &redirect, &begun.verifier, &begun.nonce).await
}

/// `GET /sign-in/openid/out`: leads to where a person signs out at the provider.
pub async fn leave(
    State(desk): State<Arc<Desk>>,
    peer: Peer,
    headers: HeaderMap,
) -> Result<Response, PageError> {
    let config = configured(&desk)?;
    let (address, now_ms) = (client(&desk, peer, &headers), clock::now_ms());
    let once = oauth::verifier();
    if !desk.attempts.may_try(&once, address, now_ms) {
        return tell(&desk, StatusCode::TOO_MANY_REQUESTS, "sign_in.throttled", "/", "").await;
    }
    desk.attempts.count(&once, address, now_ms);
    match discover(config).await {
        Ok(provider) => match provider.sign_out_address(&own_address(&desk, "/sign-in")) {
            Some(leads) => Ok(Redirect::to(&leads).into_response()),
            None => tell(&desk, StatusCode::OK, "sign_in.openid_no_out", "/", "").await,
        },
        Err(error) => {
            let (status, key) = told_as(&error);
            tell(&desk, status, key, "/", "").await
        }
    }
}
