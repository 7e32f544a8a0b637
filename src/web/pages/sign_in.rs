//! Signing in and out, by name and password; [`super::openid`] signs in with an account elsewhere.
//!
//! A wrong password and an unknown name cost the same time and read the same. Attempts are limited for each name and
//! each address. Who has a second factor signs in in two steps: the password begins a session that is good for nothing but
//! the code, the code replaces it. Who signs in, and whose name was tried with a wrong password, is in the audit log.

use crate::{
    clock,
    store::{Tx, audit, person::Person, session::NewSession},
    web::{
        Desk,
        error::{PageError, percent_encode},
        factor, password,
        session::{Visit, check_origin, client_address, cookie, fresh_key, hash, set_cookie},
        text, views,
    },
};
use axum::{
    Extension,
    extract::{ConnectInfo, Form, Query, State},
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse as _, Redirect, Response},
};
use serde::Deserialize;
use serde_json::json;
use std::{
    net::{IpAddr, SocketAddr},
    sync::Arc,
};

/// Longest name that is tried.
const NAME_CHARS_MAX: usize = 200;

/// How long the second factor is waited for.
const CODE_MS: i64 = 10 * 60 * 1000;

/// Where to go afterwards.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Wish {
    pub(super) next: String,
    /// Not empty: who comes has just signed out.
    out: String,
}

/// The form.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Entry {
    name: String,
    password: String,
    next: String,
}

/// `GET /sign-in`
pub async fn show(State(desk): State<Arc<Desk>>, Query(wish): Query<Wish>) -> Result<Response, PageError> {
    let out = (!wish.out.is_empty()).then(|| text::text("sign_in.signed_out").to_owned());
    form(&desk, StatusCode::OK, "", own_path(&wish.next), Said { done: out, ..Said::default() }).await
}

/// `POST /sign-in`
pub async fn enter(
    State(desk): State<Arc<Desk>>,
    address: Option<Extension<ConnectInfo<SocketAddr>>>,
    headers: HeaderMap,
    Form(entry): Form<Entry>,
) -> Result<Response, PageError> {
    let name = entry.name.trim();
    let next = own_path(&entry.next);
    if check_origin(&desk, &headers).is_err() {
        return form(&desk, StatusCode::FORBIDDEN, name, next, Said::wrong("sign_in.foreign")).await;
    }
    if !desk.app.config.sign_in.passwords {
        return form(&desk, StatusCode::FORBIDDEN, name, next, Said::wrong("sign_in.no_passwords")).await;
    }
    let address = client(&desk, address, &headers);
    let now_ms = clock::now_ms();
    if !desk.attempts.may_try(name, address, now_ms) {
        return form(&desk, StatusCode::TOO_MANY_REQUESTS, name, next, Said::wrong("sign_in.throttled"))
            .await;
    }
    desk.attempts.count(name, address, now_ms);
    let possible = (1..=NAME_CHARS_MAX).contains(&name.chars().count())
        && entry.password.len() <= password::PASSWORD_BYTES_MAX;
    let person = if possible { desk.app.store.read().await?.find_person_by_name(name).await? } else { None };
    let person = person.filter(|person| !person.disabled);
    let kept = person.as_ref().map(|person| person.password_hash.clone());
    let right = password::verify(entry.password, kept).await;
    let Some(person) = person.as_ref().filter(|_| right) else {
        if let Some(person) = person {
            let mut tx = desk.app.store.begin().await?;
            tx.audit(log_entry(&person.name, "refuse_sign_in", person.id.as_str(), "", now_ms));
            tx.commit().await?;
        }
        return form(&desk, StatusCode::UNAUTHORIZED, name, next, Said::wrong("sign_in.wrong")).await;
    };
    desk.attempts.forgive(name, address);
    let from = From { address, agent: agent(&headers), with: "" };
    let mut tx = desk.app.store.begin().await?;
    let key = begin_session(&desk, &mut tx, person, from, person.has_factor).await?;
    tx.commit().await?;
    let next = if person.has_factor {
        format!("/sign-in/code?next={}", percent_encode(next))
    } else {
        next.to_owned()
    };
    Ok(([(header::SET_COOKIE, set_cookie(&desk, Some(&key)))], Redirect::to(&next)).into_response())
}

/// Where whoever asks comes from.
pub(super) fn client(
    desk: &Desk,
    peer: Option<Extension<ConnectInfo<SocketAddr>>>,
    headers: &HeaderMap,
) -> Option<IpAddr> {
    let peer = peer.map(|Extension(ConnectInfo(address))| address.ip());
    client_address(peer, headers, &desk.app.config.web.proxies)
}

/// Where and how a session begins.
pub(super) struct From<'a> {
    pub(super) address: Option<IpAddr>,
    pub(super) agent: &'a str,
    /// With what, if not with a password.
    pub(super) with: &'a str,
}

/// The browser, as it calls itself.
pub(super) fn agent(headers: &HeaderMap) -> &str {
    headers.get(header::USER_AGENT).and_then(|value| value.to_str().ok()).unwrap_or_default()
}

/// Begins a session and gives the value of its cookie; one that awaits the code of a second factor ends soon.
pub(super) async fn begin_session(
    desk: &Desk,
    tx: &mut Tx,
    person: &Person,
    from: From<'_>,
    awaits_code: bool,
) -> Result<String, PageError> {
    let (key, key_hash) = fresh_key();
    let (csrf, _) = fresh_key();
    let now_ms = clock::now_ms();
    let address = from.address.map_or_else(String::new, |address| address.to_string());
    let new = NewSession {
        key_hash: &key_hash,
        csrf: &csrf,
        awaits_code,
        address: &address,
        agent: from.agent,
        expires_ms: now_ms + if awaits_code { CODE_MS } else { desk.session_ms() },
    };
    tx.insert_session(&person.id, &new, now_ms).await?;
    if !awaits_code {
        tx.audit(log_entry(&person.name, "sign_in", person.id.as_str(), from.with, now_ms));
    }
    Ok(key)
}

/// The form for the second factor.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct CodeEntry {
    code: String,
    next: String,
}

/// `GET /sign-in/code`
pub async fn show_code(
    State(desk): State<Arc<Desk>>,
    Query(wish): Query<Wish>,
) -> Result<Response, PageError> {
    code_form(&desk, StatusCode::OK, own_path(&wish.next), None).await
}

/// `POST /sign-in/code`: a code of the device, or a recovery code, completes the session that the password began.
pub async fn enter_code(
    State(desk): State<Arc<Desk>>,
    address: Option<Extension<ConnectInfo<SocketAddr>>>,
    headers: HeaderMap,
    Form(entry): Form<CodeEntry>,
) -> Result<Response, PageError> {
    let next = own_path(&entry.next);
    if check_origin(&desk, &headers).is_err() {
        return code_form(&desk, StatusCode::FORBIDDEN, next, Some("sign_in.foreign")).await;
    }
    let now_ms = clock::now_ms();
    let Some(key_hash) = cookie(&desk, &headers).map(|key| hash(&key)) else {
        return Err(PageError::SignIn { next: next.to_owned() });
    };
    let Some(half) = desk.app.store.read().await?.find_session(&key_hash, true, now_ms).await? else {
        return Err(PageError::SignIn { next: next.to_owned() });
    };
    let person = half.person;
    let address = client(&desk, address, &headers);
    // codes are guessed apart from passwords: a right password must not forgive wrong codes
    let name = format!("code of {}", person.name);
    if !desk.attempts.may_try(&name, address, now_ms) {
        return code_form(&desk, StatusCode::TOO_MANY_REQUESTS, next, Some("sign_in.throttled")).await;
    }
    desk.attempts.count(&name, address, now_ms);
    let mut tx = desk.app.store.begin().await?;
    if !take_code(&desk, &mut tx, &person, &entry.code, now_ms).await? {
        tx.audit(log_entry(&person.name, "refuse_code", person.id.as_str(), "", now_ms));
        tx.commit().await?;
        return code_form(&desk, StatusCode::UNAUTHORIZED, next, Some("sign_in.wrong_code")).await;
    }
    tx.delete_session(&key_hash).await?;
    let from = From { address, agent: agent(&headers), with: "" };
    let key = begin_session(&desk, &mut tx, &person, from, false).await?;
    tx.commit().await?;
    desk.attempts.forgive(&name, address);
    Ok(([(header::SET_COOKIE, set_cookie(&desk, Some(&key)))], Redirect::to(next)).into_response())
}

/// Takes a code of the device or a recovery code, once.
async fn take_code(
    desk: &Desk,
    tx: &mut Tx,
    person: &Person,
    code: &str,
    now_ms: i64,
) -> Result<bool, PageError> {
    let kept = tx.find_factor(&person.id).await?.unwrap_or_default();
    let secret = desk.app.vault.open(&kept.secret, person.id.as_str());
    if let Some(step) = secret.and_then(|secret| factor::check(&secret, code, now_ms)) {
        return Ok(tx.take_factor_step(&person.id, step).await?);
    }
    if !tx.take_recovery_code(&person.id, &factor::recovery_hash(code)).await? {
        return Ok(false);
    }
    tx.audit(log_entry(&person.name, "use_recovery_code", person.id.as_str(), "", now_ms));
    Ok(true)
}

async fn code_form(
    desk: &Desk,
    status: StatusCode,
    next: &str,
    message: Option<&str>,
) -> Result<Response, PageError> {
    let settings = desk.app.settings().await?;
    let site = &settings.config.site.name;
    let context = json!({ "site": site, "next": next, "message": message.map(text::text) });
    views::page_with(status, "sign_in_code.html", context)
}

/// `POST /sign-out`
pub async fn leave(
    State(desk): State<Arc<Desk>>,
    Extension(visit): Extension<Visit>,
) -> Result<Response, PageError> {
    let mut tx = desk.app.store.begin().await?;
    tx.delete_session(&visit.key_hash).await?;
    tx.audit(log_entry(&visit.name, "sign_out", "", "", clock::now_ms()));
    tx.commit().await?;
    let next = if desk.app.config.sign_in.openid.is_some() { "/sign-in?out=1" } else { "/sign-in" };
    Ok(([(header::SET_COOKIE, set_cookie(&desk, None))], Redirect::to(next)).into_response())
}

pub(super) fn log_entry(
    actor: &str,
    action: &str,
    subject_id: &str,
    detail: &str,
    at_ms: i64,
) -> audit::Entry {
    audit::Entry {
        at_ms,
        actor: actor.to_owned(),
        action: action.to_owned(),
        subject_kind: "person".to_owned(),
        subject_id: subject_id.to_owned(),
        detail: detail.to_owned(),
    }
}

/// What the sign-in page says first.
#[derive(Debug, Default)]
pub(super) struct Said {
    /// What went wrong.
    pub(super) wrong: Option<String>,
    /// What was done.
    pub(super) done: Option<String>,
}

impl Said {
    /// Something went wrong, by the key of its text.
    fn wrong(key: &str) -> Self {
        Self { wrong: Some(text::text(key).to_owned()), done: None }
    }
}

/// The sign-in page.
pub(super) async fn form(
    desk: &Desk,
    status: StatusCode,
    name: &str,
    next: &str,
    said: Said,
) -> Result<Response, PageError> {
    let settings = desk.app.settings().await?;
    let ways = &desk.app.config.sign_in;
    let context = json!({
        "site": settings.config.site.name, "name": name, "next": next, "wrong": said.wrong, "done": said.done,
        "passwords": ways.passwords, "provider": ways.openid.as_ref().map(|openid| &openid.label),
    });
    views::page_with(status, "sign_in.html", context)
}

/// A path of our own pages; anything else becomes the start page.
pub(super) fn own_path(next: &str) -> &str {
    let own = next.starts_with('/')
        && !next.starts_with("//")
        && !next.contains(['\\', '\r', '\n', '\t'])
        && !next.starts_with("/sign-");
    if own { next } else { "/" }
}

#[cfg(test)]
mod tests {
    use super::own_path;

    #[test]
    fn nobody_is_led_away() {
        for (next, path) in [
            ("/tickets/1001?x=1", "/tickets/1001?x=1"),
            ("//evil.example", "/"),
            ("/\\evil.example", "/"),
            ("https://evil.example", "/"),
            ("", "/"),
        ] {
            assert_eq!(own_path(next), path);
        }
    }
}
