//! How oneself signs in: password, second factor, sessions.

use crate::{
    clock,
    model::ticket::reference,
    pipeline::people,
    store::person::Person,
    web::{
        Desk,
        error::PageError,
        factor,
        frame::Frame,
        password,
        rights::Scope,
        session::{Posted, Visit, fresh_key, hash},
        views,
    },
};
use axum::{
    Extension,
    extract::State,
    http::StatusCode,
    response::{IntoResponse as _, Redirect, Response},
};
use serde_json::{Value, json};
use std::sync::Arc;

/// Mentions shown.
const MENTIONS_MAX: u32 = 100;

async fn person(desk: &Desk, visit: &Visit) -> Result<Person, PageError> {
    desk.app.store.read().await?.find_person(&visit.person).await?.ok_or(PageError::NotFound)
}

/// `GET /me`
pub async fn show(
    State(desk): State<Arc<Desk>>,
    Extension(visit): Extension<Visit>,
) -> Result<Response, PageError> {
    page(&desk, &visit, Fresh::default()).await
}

/// What is shown once.
#[derive(Debug, Default)]
struct Fresh {
    codes: Option<Vec<String>>,
    token: Option<String>,
}

/// `GET /me/mentions`: the notes in which somebody called this person.
pub async fn mentions(
    State(desk): State<Arc<Desk>>,
    Extension(visit): Extension<Visit>,
) -> Result<Response, PageError> {
    let frame = Frame::load(&desk, &visit, "me").await?;
    let found = desk.app.store.read().await?.list_mentions(&visit.name, MENTIONS_MAX).await?;
    let notes: Vec<Value> = found
        .into_iter()
        .map(|(note, number, subject)| {
            json!({
                "id": note.id, "author": note.author, "text": note.content, "at_ms": note.created_ms,
                "number": number, "reference": reference(number), "subject": subject,
            })
        })
        .collect();
    views::page("mentions.html", json!({ "frame": frame, "notes": notes }))
}

async fn page(desk: &Desk, visit: &Visit, fresh: Fresh) -> Result<Response, PageError> {
    let frame = Frame::load(desk, visit, "me").await?;
    let person = person(desk, visit).await?;
    let settings = desk.app.settings().await?;
    let mut db = desk.app.store.read().await?;
    let kept = db.find_factor(&person.id).await?.unwrap_or_default();
    let offered: Option<Value> = desk.app.vault.open(&kept.pending, person.id.as_str()).map(|secret| {
        let address = factor::address(&settings.config.site.name, &person.name, &secret);
        let picture = factor::picture(&address);
        json!({
            "secret": secret.reveal(), "path": picture.as_ref().map(|(path, _)| path),
            "width": picture.as_ref().map(|(_, width)| width),
        })
    });
    let sessions = db.list_sessions_of(&person.id, clock::now_ms()).await?;
    let context = json!({
        "frame": frame, "role": person.role, "has_factor": person.has_factor, "offered": offered,
        "codes_left": db.count_recovery_codes(&person.id).await?, "fresh_codes": fresh.codes,
        "fresh_token": fresh.token, "tokens": db.list_api_tokens_of(&person.id).await?, "scopes": Scope::ALL,
        "sessions": sessions, "current": visit.key_hash, "chars_min": password::PASSWORD_CHARS_MIN,
        "passwords": desk.app.config.sign_in.passwords,
    });
    views::page("me.html", context)
}

fn back(done: &str) -> Response {
    Redirect::to(&format!("/me?done={done}")).into_response()
}

fn refused(key: &str) -> PageError {
    PageError::refused(StatusCode::UNPROCESSABLE_ENTITY, key)
}

/// Whether the password that came with a form is the person's own; wrong ones are counted.
async fn confirm(desk: &Desk, person: &Person, posted: &Posted) -> Result<(), PageError> {
    let name = format!("password of {}", person.name);
    let now_ms = clock::now_ms();
    if !desk.attempts.may_try(&name, None, now_ms) {
        return Err(PageError::refused(StatusCode::TOO_MANY_REQUESTS, "error.throttled"));
    }
    desk.attempts.count(&name, None, now_ms);
    let hash = Some(person.password_hash.clone());
    if !password::verify(posted.raw("password").to_owned(), hash).await {
        return Err(refused("error.wrong_password"));
    }
    desk.attempts.forgive(&name, None);
    Ok(())
}

/// `POST /me/password`
pub async fn set_password(
    State(desk): State<Arc<Desk>>,
    Extension(visit): Extension<Visit>,
    Extension(posted): Extension<Posted>,
) -> Result<Response, PageError> {
    let fresh = posted.raw("fresh");
    if password::check_fit(fresh).is_err() {
        return Err(refused("error.unfit_password"));
    }
    if fresh != posted.raw("again") {
        return Err(refused("error.passwords_differ"));
    }
    let person = person(&desk, &visit).await?;
    confirm(&desk, &person, &posted).await?;
    let hash = password::hash(fresh)?;
    people::set_password(&desk.app.store, &person, &hash, &visit.name).await?;
    // all sessions are over, this one too
    Ok(Redirect::to("/sign-in").into_response())
}

/// `POST /me/factor`: offers a secret, proves it by a code, makes fresh recovery codes, or takes the factor away.
pub async fn set_factor(
    State(desk): State<Arc<Desk>>,
    Extension(visit): Extension<Visit>,
    Extension(posted): Extension<Posted>,
) -> Result<Response, PageError> {
    let person = person(&desk, &visit).await?;
    match posted.text("do") {
        "offer" => {
            confirm(&desk, &person, &posted).await?;
            let sealed = desk.app.vault.seal(factor::fresh_secret().reveal(), person.id.as_str());
            let mut tx = desk.app.store.begin().await?;
            tx.save_pending_factor(&person.id, &sealed).await?;
            tx.audit(people::entry(&visit.name, "offer_factor", &person, ""));
            tx.commit().await?;
            Ok(Redirect::to("/me#factor").into_response())
        }
        "prove" => prove(&desk, &visit, &person, posted.text("code")).await,
        "codes" if person.has_factor => {
            confirm(&desk, &person, &posted).await?;
            let codes = factor::fresh_recovery_codes();
            let hashes: Vec<String> = codes.iter().map(|code| factor::recovery_hash(code)).collect();
            let mut tx = desk.app.store.begin().await?;
            tx.replace_recovery_codes(&person.id, &hashes).await?;
            tx.audit(people::entry(&visit.name, "make_recovery_codes", &person, ""));
            tx.commit().await?;
            page(&desk, &visit, Fresh { codes: Some(codes), ..Fresh::default() }).await
        }
        "remove" => {
            confirm(&desk, &person, &posted).await?;
            people::clear_factor(&desk.app.store, &person, &visit.name).await?;
            Ok(back("factor_removed"))
        }
        _ => Err(refused("error.bad_form")),
    }
}

async fn prove(desk: &Desk, visit: &Visit, person: &Person, code: &str) -> Result<Response, PageError> {
    let mut tx = desk.app.store.begin().await?;
    let kept = tx.find_factor(&person.id).await?.unwrap_or_default();
    let secret = desk.app.vault.open(&kept.pending, person.id.as_str());
    let step = secret.and_then(|secret| factor::check(&secret, code, clock::now_ms()));
    let Some(step) = step else { return Err(refused("error.wrong_code")) };
    let codes = factor::fresh_recovery_codes();
    let hashes: Vec<String> = codes.iter().map(|code| factor::recovery_hash(code)).collect();
    if !tx.confirm_factor(&person.id, &kept.pending, step).await? {
        return Err(PageError::refused(StatusCode::CONFLICT, "error.gone"));
    }
    tx.replace_recovery_codes(&person.id, &hashes).await?;
    tx.delete_other_sessions(&person.id, &visit.key_hash).await?;
    tx.audit(people::entry(&visit.name, "set_factor", person, ""));
    tx.commit().await?;
    page(desk, visit, Fresh { codes: Some(codes), ..Fresh::default() }).await
}

/// Longest name of a key.
const TOKEN_NAME_CHARS_MAX: usize = 100;
/// Longest life of a key, in days.
const TOKEN_DAYS_MAX: i64 = 366;
/// What keys begin with, so that a search for leaked secrets finds them.
const TOKEN_MARK: &str = "mailroom_";

/// `POST /me/tokens`: makes a key of the JSON API, which is shown once, or takes one away.
pub async fn set_token(
    State(desk): State<Arc<Desk>>,
    Extension(visit): Extension<Visit>,
    Extension(posted): Extension<Posted>,
) -> Result<Response, PageError> {
    let person = person(&desk, &visit).await?;
    if posted.text("do") == "delete" {
        if !people::delete_token(&desk.app.store, &person, posted.text("token"), &visit.name).await? {
            return Err(PageError::refused(StatusCode::CONFLICT, "error.gone"));
        }
        return Ok(back("token_deleted"));
    }
    let mut tx = desk.app.store.begin().await?;
    let name = posted.text("name");
    let scopes: Vec<&str> =
        Scope::ALL.iter().map(|scope| scope.as_str()).filter(|scope| posted.has("scope", scope)).collect();
    let days = posted.number("days").unwrap_or(90).clamp(1, TOKEN_DAYS_MAX);
    if name.is_empty() || name.chars().count() > TOKEN_NAME_CHARS_MAX || scopes.is_empty() {
        return Err(refused("error.bad_form"));
    }
    let key = format!("{TOKEN_MARK}{}", fresh_key().0);
    let now_ms = clock::now_ms();
    let until_ms = now_ms + days * clock::DAY_MS;
    tx.insert_api_token(&person.id, name, &hash(&key), &scopes, until_ms, now_ms).await?;
    tx.audit(people::entry(&visit.name, "make_token", &person, &format!("{name}: {}", scopes.join(", "))));
    tx.commit().await?;
    page(&desk, &visit, Fresh { token: Some(key), ..Fresh::default() }).await
}

/// `POST /me/sessions`: ends one of one's own sessions.
pub async fn end_session(
    State(desk): State<Arc<Desk>>,
    Extension(visit): Extension<Visit>,
    Extension(posted): Extension<Posted>,
) -> Result<Response, PageError> {
    let person = person(&desk, &visit).await?;
    if !people::end_session(&desk.app.store, &person, Some(posted.text("session")), &visit.name).await? {
        return Err(PageError::refused(StatusCode::CONFLICT, "error.gone"));
    }
    Ok(back("session_ended"))
}
