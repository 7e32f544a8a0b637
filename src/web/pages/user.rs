//! People who sign in: who there is, what each may do, and their sessions.

use crate::{
    clock,
    model::ids::UserId,
    pipeline::people::{self, Refused},
    store::person::{Person, Role},
    web::{
        Desk,
        error::{PageError, UserMessage},
        frame::Frame,
        password,
        session::{Posted, Visit},
        views,
    },
};
use axum::{
    Extension,
    extract::{Path, State},
    http::StatusCode,
    response::{IntoResponse as _, Redirect, Response},
};
use serde_json::{Value, json};
use std::sync::Arc;

/// Lines of the log shown of a person.
const LOG_ROWS: u32 = 20;

/// `GET /users`
pub async fn list(
    State(desk): State<Arc<Desk>>,
    Extension(visit): Extension<Visit>,
) -> Result<Response, PageError> {
    people_page(&desk, &visit, None).await
}

/// Everybody, and the form to add one with what was typed there and why it was refused.
async fn people_page(
    desk: &Desk,
    visit: &Visit,
    refused: Option<(Refused, &Posted)>,
) -> Result<Response, PageError> {
    let frame = Frame::load(desk, visit, "users").await?;
    let mut db = desk.app.store.read().await?;
    let mut people = Vec::new();
    for person in db.list_people().await? {
        let sessions = db.list_sessions_of(&person.id, clock::now_ms()).await?.len();
        people.push(shown(&person, sessions));
    }
    let passwords = desk.app.config.sign_in.passwords;
    let typed = |field: &str| refused.map_or("", |(_, posted)| posted.text(field)).to_owned();
    let message = refused.map(|(refused, _)| UserMessage::of(key(refused)));
    let context = json!({
        "frame": frame, "people": people, "roles": Role::ALL, "passwords": passwords,
        "name": typed("name"), "email": typed("email"),
        "role": refused.map_or_else(|| Role::Reviewer.as_str().to_owned(), |_| typed("role")),
        "about": refused.map_or("", |(refused, _)| if refused == Refused::Email { "email" } else { "name" }),
        "wrong": message.as_ref().map(|message| format!("{}. {}", message.text, message.hint)),
    });
    let status = if refused.is_some() { StatusCode::CONFLICT } else { StatusCode::OK };
    views::page_with(status, "users.html", context)
}

fn shown(person: &Person, sessions: usize) -> Value {
    json!({
        "id": person.id, "name": person.name, "email": person.email, "role": person.role, "disabled": person.disabled,
        "has_factor": person.has_factor, "created_ms": person.created_ms, "sessions": sessions,
    })
}

async fn find(desk: &Desk, id: String) -> Result<Person, PageError> {
    desk.app.store.read().await?.find_person(&UserId::new(id)).await?.ok_or(PageError::NotFound)
}

/// `GET /users/{id}`
pub async fn show(
    State(desk): State<Arc<Desk>>,
    Extension(visit): Extension<Visit>,
    Path(id): Path<String>,
) -> Result<Response, PageError> {
    let person = find(&desk, id).await?;
    page(&desk, &visit, &person, None).await
}

/// One person; a password that was made is shown once.
async fn page(
    desk: &Desk,
    visit: &Visit,
    person: &Person,
    password: Option<&str>,
) -> Result<Response, PageError> {
    let frame = Frame::load(desk, visit, "users").await?;
    let mut db = desk.app.store.read().await?;
    let sessions = db.list_sessions_of(&person.id, clock::now_ms()).await?;
    let log: Vec<Value> = db
        .list_audit_of("person", &person.name, LOG_ROWS)
        .await?
        .iter()
        .map(|row| {
            let entry = &row.entry;
            json!({ "at_ms": entry.at_ms, "actor": entry.actor, "action": entry.action, "detail": entry.detail })
        })
        .collect();
    let context = json!({
        "frame": frame, "person": shown(person, sessions.len()), "sessions": sessions, "roles": Role::ALL,
        "password": password, "log": log, "has_account": db.has_subject(&person.id).await?,
        "passwords": desk.app.config.sign_in.passwords, "tokens": db.list_api_tokens_of(&person.id).await?,
    });
    views::page("user.html", context)
}

fn key(refused: Refused) -> &'static str {
    match refused {
        Refused::Name => "error.person_name",
        Refused::Taken => "error.person_taken",
        Refused::Email => "error.person_email",
        Refused::LastAdministrator => "error.last_administrator",
    }
}

fn refusal(refused: Refused) -> PageError {
    PageError::refused(StatusCode::CONFLICT, key(refused))
}

/// `POST /users`: adds a person with a fresh password, which is shown once, unless passwords are good for nothing.
pub async fn add(
    State(desk): State<Arc<Desk>>,
    Extension(visit): Extension<Visit>,
    Extension(posted): Extension<Posted>,
) -> Result<Response, PageError> {
    let role = Role::parse(posted.text("role"))
        .ok_or_else(|| PageError::refused(StatusCode::UNPROCESSABLE_ENTITY, "error.bad_form"))?;
    let fresh = password::fresh();
    let hash = password::hash(fresh.reveal())?;
    let (name, email) = (posted.text("name"), posted.text("email"));
    let added = people::add(&desk.app.store, name, role, email, &hash, &visit.name).await?;
    let id = match added {
        Ok(id) => id,
        // nobody was added; what was typed stays
        Err(refused) => return people_page(&desk, &visit, Some((refused, &posted))).await,
    };
    let person = find(&desk, id.to_string()).await?;
    let shown = desk.app.config.sign_in.passwords.then(|| fresh.reveal());
    page(&desk, &visit, &person, shown).await
}

/// `POST /users/{id}`
pub async fn change(
    State(desk): State<Arc<Desk>>,
    Extension(visit): Extension<Visit>,
    Path(id): Path<String>,
    Extension(posted): Extension<Posted>,
) -> Result<Response, PageError> {
    let person = find(&desk, id).await?;
    let (store, who) = (&desk.app.store, visit.name.as_str());
    let bad = || PageError::refused(StatusCode::UNPROCESSABLE_ENTITY, "error.bad_form");
    match posted.text("do") {
        "role" => {
            let role = Role::parse(posted.text("role")).ok_or_else(bad)?;
            people::set_role(store, &person, role, who).await?.map_err(refusal)?;
        }
        "email" => people::set_email(store, &person, posted.text("email"), who).await?.map_err(refusal)?,
        "disable" => people::set_disabled(store, &person, true, who).await?.map_err(refusal)?,
        "enable" => people::set_disabled(store, &person, false, who).await?.map_err(refusal)?,
        "forget_account" => people::forget_accounts(store, &person, who).await?,
        "no_factor" => people::clear_factor(store, &person, who).await?,
        "end_sessions" => drop(people::end_session(store, &person, None, who).await?),
        "delete_token" => {
            if !people::delete_token(store, &person, posted.text("token"), who).await? {
                return Err(PageError::refused(StatusCode::CONFLICT, "error.gone"));
            }
        }
        "end_session" => {
            if !people::end_session(store, &person, Some(posted.text("session")), who).await? {
                return Err(PageError::refused(StatusCode::CONFLICT, "error.gone"));
            }
        }
        "password" => {
            let fresh = password::fresh();
            people::set_password(store, &person, &password::hash(fresh.reveal())?, who).await?;
            return page(&desk, &visit, &person, Some(fresh.reveal())).await;
        }
        _ => return Err(bad()),
    }
    Ok(Redirect::to(&format!("/users/{}?done=person_saved", person.id)).into_response())
}
