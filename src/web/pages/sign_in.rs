//! Signing in and out.
//!
//! A wrong password and an unknown name cost the same time and read the same. Attempts are limited for each name and
//! each address. Who signs in, and whose name was tried with a wrong password, is in the audit log.

use crate::{
    clock,
    store::audit,
    web::{
        Desk,
        error::PageError,
        password,
        session::{Visit, check_origin, fresh_key, set_cookie},
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

/// Where to go afterwards.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Wish {
    next: String,
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
    form(&desk, StatusCode::OK, "", own_path(&wish.next), None)
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
        return form(&desk, StatusCode::FORBIDDEN, name, next, Some("sign_in.foreign"));
    }
    let address: Option<IpAddr> = address.map(|Extension(ConnectInfo(address))| address.ip());
    let now_ms = clock::now_ms();
    if !desk.attempts.may_try(name, address, now_ms) {
        return form(&desk, StatusCode::TOO_MANY_REQUESTS, name, next, Some("sign_in.throttled"));
    }
    desk.attempts.count(name, address, now_ms);
    let possible = (1..=NAME_CHARS_MAX).contains(&name.chars().count())
        && entry.password.len() <= password::PASSWORD_BYTES_MAX;
    let person = if possible { desk.app.store.read().await?.find_person_by_name(name).await? } else { None };
    let person = person.filter(|person| !person.disabled);
    let hash = person.as_ref().map(|person| person.password_hash.clone());
    let right = password::verify(entry.password, hash).await;
    let Some(person) = person.as_ref().filter(|_| right) else {
        if let Some(person) = person {
            let mut tx = desk.app.store.begin().await?;
            tx.audit(log_entry(&person.name, "refuse_sign_in", person.id.as_str(), now_ms));
            tx.commit().await?;
        }
        return form(&desk, StatusCode::UNAUTHORIZED, name, next, Some("sign_in.wrong"));
    };
    desk.attempts.forgive(name, address);
    let (key, key_hash) = fresh_key();
    let (csrf, _) = fresh_key();
    let now_ms = clock::now_ms();
    let mut tx = desk.app.store.begin().await?;
    tx.insert_session(&key_hash, &person.id, &csrf, now_ms + desk.session_ms(), now_ms).await?;
    tx.audit(log_entry(&person.name, "sign_in", person.id.as_str(), now_ms));
    tx.commit().await?;
    Ok(([(header::SET_COOKIE, set_cookie(&desk, Some(&key)))], Redirect::to(next)).into_response())
}

/// `POST /sign-out`
pub async fn leave(
    State(desk): State<Arc<Desk>>,
    Extension(visit): Extension<Visit>,
) -> Result<Response, PageError> {
    let mut tx = desk.app.store.begin().await?;
    tx.delete_session(&visit.key_hash).await?;
    tx.audit(log_entry(&visit.name, "sign_out", "", clock::now_ms()));
    tx.commit().await?;
    Ok(([(header::SET_COOKIE, set_cookie(&desk, None))], Redirect::to("/sign-in")).into_response())
}

fn log_entry(actor: &str, action: &str, subject_id: &str, at_ms: i64) -> audit::Entry {
    audit::Entry {
        at_ms,
        actor: actor.to_owned(),
        action: action.to_owned(),
        subject_kind: "person".to_owned(),
        subject_id: subject_id.to_owned(),
        detail: String::new(),
    }
}

fn form(
    desk: &Desk,
    status: StatusCode,
    name: &str,
    next: &str,
    message: Option<&str>,
) -> Result<Response, PageError> {
    let site = &desk.app.config.site.name;
    let context = json!({ "site": site, "name": name, "next": next, "message": message.map(text::text) });
    views::page_with(status, "sign_in.html", context)
}

/// A path of our own pages; anything else becomes the start page.
fn own_path(next: &str) -> &str {
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
