//! How oneself signs in: password, second factor, sessions.

use crate::{
    clock,
    pipeline::people,
    store::person::Person,
    web::{
        Desk,
        error::PageError,
        factor,
        frame::Frame,
        password,
        session::{Posted, Visit},
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

async fn person(desk: &Desk, visit: &Visit) -> Result<Person, PageError> {
    desk.app.store.read().await?.find_person(&visit.person).await?.ok_or(PageError::NotFound)
}

/// `GET /me`
pub async fn show(
    State(desk): State<Arc<Desk>>,
    Extension(visit): Extension<Visit>,
) -> Result<Response, PageError> {
    page(&desk, &visit, None).await
}

/// The page; recovery codes are shown once.
async fn page(desk: &Desk, visit: &Visit, fresh_codes: Option<Vec<String>>) -> Result<Response, PageError> {
    let frame = Frame::load(desk, visit, "me").await?;
    let person = person(desk, visit).await?;
    let mut db = desk.app.store.read().await?;
    let kept = db.find_factor(&person.id).await?.unwrap_or_default();
    let offered: Option<Value> = desk.app.vault.open(&kept.pending, person.id.as_str()).map(|secret| {
        let address = factor::address(&desk.app.config.site.name, &person.name, &secret);
        let picture = factor::picture(&address);
        json!({
            "secret": secret.reveal(), "path": picture.as_ref().map(|(path, _)| path),
            "width": picture.as_ref().map(|(_, width)| width),
        })
    });
    let sessions = db.list_sessions_of(&person.id, clock::now_ms()).await?;
    let context = json!({
        "frame": frame, "role": person.role, "has_factor": person.has_factor, "offered": offered,
        "codes_left": db.count_recovery_codes(&person.id).await?, "fresh_codes": fresh_codes,
        "sessions": sessions, "current": visit.key_hash, "chars_min": password::PASSWORD_CHARS_MIN,
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
            page(&desk, &visit, Some(codes)).await
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
    page(desk, visit, Some(codes)).await
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
