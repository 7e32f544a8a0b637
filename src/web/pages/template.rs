//! Letter templates: which there are, their text in each language, how it would look, its versions, and a test to oneself.

use super::{ticket, work};
use crate::{
    model::ids::TicketId,
    pipeline::{letter, setting},
    reply::template::{Context, LANGUAGES, Name, TEMPLATE_BYTES_MAX},
    web::{
        Desk,
        error::PageError,
        frame::Frame,
        session::{Posted, Visit},
        text, views,
    },
};
use axum::{
    Extension,
    extract::{Path, Query, State},
    http::StatusCode,
    response::{IntoResponse as _, Redirect, Response},
};
use serde::Deserialize;
use serde_json::{Value, json};
use std::sync::Arc;

/// Messages looked at for whom a letter would be written to.
const MESSAGES_MAX: u32 = 500;

/// `GET /templates`
pub async fn list(
    State(desk): State<Arc<Desk>>,
    Extension(visit): Extension<Visit>,
) -> Result<Response, PageError> {
    let frame = Frame::load(&desk, &visit, "templates").await?;
    let rows = desk.app.store.read().await?.list_templates().await?;
    let wrong = &desk.app.settings().await?.wrong;
    let templates: Vec<Value> = Name::ALL
        .iter()
        .map(|name| {
            let in_language = |language: &&str| {
                let id = format!("{}/{language}", name.as_str());
                let row = rows.iter().find(|row| row.name == name.as_str() && row.language == *language);
                json!({
                    "code": language, "version": row.filter(|row| !row.source.is_empty()).map(|row| row.version),
                    "wrong": wrong.iter().any(|(of, _)| *of == id),
                })
            };
            json!({ "name": name, "languages": LANGUAGES.iter().map(in_language).collect::<Vec<_>>() })
        })
        .collect();
    let context = json!({ "frame": frame, "templates": templates, "languages": LANGUAGES });
    views::page("templates.html", context)
}

/// What the preview is made of.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Wish {
    /// Number of a ticket; without one, something in every key.
    ticket: String,
    /// A version that is looked at.
    version: Option<i64>,
}

fn place(name: &str, language: &str) -> Result<(Name, &'static str), PageError> {
    let language = LANGUAGES.iter().find(|known| **known == language).ok_or(PageError::NotFound)?;
    Ok((Name::parse(name).ok_or(PageError::NotFound)?, language))
}

/// `GET /templates/{name}/{language}`
pub async fn show(
    State(desk): State<Arc<Desk>>,
    Extension(visit): Extension<Visit>,
    Path((name, language)): Path<(String, String)>,
    Query(wish): Query<Wish>,
) -> Result<Response, PageError> {
    let place = place(&name, &language)?;
    let version = match wish.version {
        Some(wanted) => {
            let rows = desk.app.store.read().await?.list_template_versions(&name, &language).await?;
            Some(rows.into_iter().find(|row| row.version == wanted).ok_or(PageError::NotFound)?.source)
        }
        None => None,
    };
    page(&desk, &visit, place, version, &wish.ticket, None).await
}

/// The context of a ticket by its number; none if there is no such ticket.
async fn context(desk: &Desk, number: &str) -> Result<Option<Context>, PageError> {
    let Some(number) = work::number_in(number) else { return Ok(None) };
    let mut db = desk.app.store.read().await?;
    let Some(found) = db.find_ticket_by_number(number).await? else { return Ok(None) };
    let conversation = db.list_conversation(&TicketId::new(found.id.as_str()), MESSAGES_MAX).await?;
    drop(db);
    Ok(Some(letter::of_ticket(&desk.app, &found, &conversation).await?))
}

/// The page of one text. `typed` is a text that is not in use; `reason` why it cannot be.
async fn page(
    desk: &Desk,
    visit: &Visit,
    (name, language): (Name, &'static str),
    typed: Option<String>,
    number: &str,
    reason: Option<String>,
) -> Result<Response, PageError> {
    let frame = Frame::load(desk, visit, "templates").await?;
    let settings = desk.app.settings().await?;
    let built_in = desk.app.built_in_templates();
    let in_use = settings.templates.source(name, language)?;
    let typed = typed.map(|text| if text.is_empty() { built_in.source(name, language) } else { Ok(text) });
    let source = typed.transpose()?.unwrap_or_else(|| in_use.clone());
    let known = context(desk, number).await?;
    let no_ticket = !number.is_empty() && known.is_none();
    let known = known.unwrap_or_else(Context::sample);
    let begun = built_in
        .with(name, language, &source)
        .and_then(|templates| letter::begin(&desk.app, &settings, &templates, name, language, &known));
    let (preview, wrong) = match &begun {
        Ok(begun) => (
            Some(json!({
                "subject": begun.rendered.subject, "body": begun.rendered.body, "missing": begun.missing,
            })),
            reason,
        ),
        Err(error) => (None, Some(reason.unwrap_or_else(|| error.to_string()))),
    };
    let id = format!("{}/{language}", name.as_str());
    let stale = settings.wrong.iter().find(|(of, _)| *of == id).map(|(_, reason)| reason);
    let mut db = desk.app.store.read().await?;
    let versions: Vec<Value> = db
        .list_template_versions(name.as_str(), language)
        .await?
        .iter()
        .map(|row| {
            json!({
                "version": row.version, "by": row.changed_by, "at_ms": row.changed_ms,
                "built_in": row.source.is_empty(),
            })
        })
        .collect();
    let email = db.find_person(&visit.person).await?.map(|person| person.email).unwrap_or_default();
    let status = if wrong.is_some() { StatusCode::UNPROCESSABLE_ENTITY } else { StatusCode::OK };
    let context = json!({
        "frame": frame, "name": name, "language": language, "languages": LANGUAGES, "source": source,
        "differs": source != in_use, "preview": preview, "wrong": wrong, "stale": stale, "ticket": number,
        "no_ticket": no_ticket, "versions": versions, "keys": Context::keys(), "email": email,
        "bytes_max": TEMPLATE_BYTES_MAX,
    });
    views::page_with(status, "template.html", context)
}

/// `POST /templates/{name}/{language}`: shows a text before it is kept, keeps it, takes an earlier one up, or sends a test.
pub async fn change(
    State(desk): State<Arc<Desk>>,
    Extension(visit): Extension<Visit>,
    Path((name, language)): Path<(String, String)>,
    Extension(posted): Extension<Posted>,
) -> Result<Response, PageError> {
    let place = place(&name, &language)?;
    let (name, language) = place;
    let source = posted.text("source").replace("\r\n", "\n");
    let number = posted.text("ticket");
    let kept = match posted.text("do") {
        "preview" => return page(&desk, &visit, place, Some(source), number, None).await,
        "test" => return test(&desk, &visit, place, number).await,
        "save" if !source.is_empty() => source.clone(),
        "built_in" => String::new(),
        "restore" => {
            let wanted = posted.number("version");
            let rows = desk.app.store.read().await?.list_template_versions(name.as_str(), language).await?;
            let row = rows.into_iter().find(|row| Some(row.version) == wanted);
            row.ok_or_else(ticket::bad_form)?.source
        }
        _ => return Err(ticket::bad_form()),
    };
    match setting::save_template(&desk.app, name, language, &kept, &visit.name).await? {
        Ok(_version) => Ok(back(place, number, "template_saved")),
        Err(refused) => page(&desk, &visit, place, Some(source), number, Some(refused.reason)).await,
    }
}

fn back((name, language): (Name, &str), number: &str, done: &str) -> Response {
    let number: String = number.chars().filter(|c| c.is_ascii_alphanumeric() || *c == '-').collect();
    let address = format!("/templates/{}/{language}?ticket={number}&done={done}", name.as_str());
    Redirect::to(&address).into_response()
}

async fn test(
    desk: &Desk,
    visit: &Visit,
    place: (Name, &'static str),
    number: &str,
) -> Result<Response, PageError> {
    let email = desk.app.store.read().await?.find_person(&visit.person).await?.map(|person| person.email);
    let email = email.filter(|email| !email.is_empty());
    let email = email.ok_or_else(|| PageError::refused(StatusCode::CONFLICT, "error.no_own_address"))?;
    let mut known = context(desk, number).await?.unwrap_or_else(Context::sample);
    known.subject = format!("{}: {}", text::text("templates.test_subject"), known.subject);
    letter::send_test(&desk.app, place.0, place.1, known, &email, &visit.name).await?;
    Ok(back(place, number, "template_sent"))
}
