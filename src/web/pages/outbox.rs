//! Outgoing mail by state, and what a person decides about mail in doubt, failed or withheld.

use super::message::download;
use crate::{
    model::{ids::OutboxId, outbox::OutboxState},
    pipeline::decision,
    web::{
        Desk,
        error::PageError,
        finding,
        frame::Frame,
        paging,
        session::{Posted, Visit},
        views,
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

/// Mails on one page.
const MAILS_PER_PAGE: u32 = 50;

/// Which part of the list.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Part {
    state: String,
    before: String,
}

/// What may be decided in a state.
fn acts(state: OutboxState) -> &'static [&'static str] {
    match state {
        OutboxState::InDoubt => &["send_again", "consider_sent", "give_up"],
        OutboxState::Failed => &["send_again"],
        OutboxState::Withheld => &["release", "give_up"],
        OutboxState::Queued | OutboxState::Sending | OutboxState::Sent => &[],
    }
}

/// `GET /outbox`
pub async fn list(
    State(desk): State<Arc<Desk>>,
    Extension(visit): Extension<Visit>,
    Query(part): Query<Part>,
) -> Result<Response, PageError> {
    let frame = Frame::load(&desk, &visit, "outbox").await?;
    let mut db = desk.app.store.read().await?;
    let counts = db.count_outbox().await?;
    let number = |state: OutboxState| counts.iter().find(|(s, _)| *s == state).map_or(0, |(_, n)| *n);
    let troubled = [OutboxState::InDoubt, OutboxState::Failed].into_iter().find(|state| number(*state) > 0);
    let state = OutboxState::parse(&part.state).or(troubled).unwrap_or(OutboxState::Sent);
    let before = Some(OutboxId::new(part.before)).filter(|id| !id.as_str().is_empty());
    let found = db.list_outbox(state, before.as_ref(), paging::ask(MAILS_PER_PAGE)).await?;
    let found = paging::Part::cut(found, MAILS_PER_PAGE);
    let mut rows = Vec::new();
    for mail in &found.rows {
        let ticket = match &mail.ticket_id {
            Some(id) => db.find_ticket(id).await?.map(|ticket| ticket.number),
            None => None,
        };
        let mut row = json!(mail);
        if let Some(fields) = row.as_object_mut() {
            fields.insert("ticket_number".to_owned(), json!(ticket));
            fields.insert("acts".to_owned(), json!(acts(mail.state)));
            fields.insert("why".to_owned(), json!(finding::reason(&mail.reason)));
        }
        rows.push(row);
    }
    let next = found.next(|mail| format!("/outbox?state={}&before={}", state.as_str(), mail.id));
    let states: Vec<Value> = OutboxState::ALL
        .iter()
        .map(|state| {
            let alarm = matches!(state, OutboxState::InDoubt | OutboxState::Failed);
            json!({ "name": state, "n": number(*state), "alarm": alarm })
        })
        .collect();
    let context = json!({ "frame": frame, "states": states, "state": state, "rows": rows, "next": next });
    views::page("outbox.html", context)
}

/// `GET /outbox/{id}/raw`
pub async fn raw(State(desk): State<Arc<Desk>>, Path(id): Path<String>) -> Result<Response, PageError> {
    let mail = desk.app.store.read().await?.find_outbox(&OutboxId::new(id)).await?;
    let mail = mail.ok_or(PageError::NotFound)?;
    download(&desk, &mail.sha256, &format!("mail-{}.eml", mail.id)).await
}

/// `POST /outbox/{id}`
pub async fn decide(
    State(desk): State<Arc<Desk>>,
    Extension(visit): Extension<Visit>,
    Path(id): Path<String>,
    Extension(posted): Extension<Posted>,
) -> Result<Response, PageError> {
    let id = OutboxId::new(id);
    let mail = desk.app.store.read().await?.find_outbox(&id).await?.ok_or(PageError::NotFound)?;
    let wish = posted.text("do");
    let (state, done) = match wish {
        "send_again" | "release" => (OutboxState::Queued, "sent_again"),
        "consider_sent" => (OutboxState::Sent, "considered_sent"),
        "give_up" => (OutboxState::Failed, "given_up"),
        _ => return Err(PageError::refused(StatusCode::UNPROCESSABLE_ENTITY, "error.bad_form")),
    };
    let allowed = acts(mail.state).contains(&wish);
    if allowed && decision::settle_outbox(&desk.app, &id, state, &visit.name).await? {
        Ok(Redirect::to(&format!("/outbox?state={}&done={done}", mail.state.as_str())).into_response())
    } else {
        Err(PageError::refused(StatusCode::CONFLICT, "error.gone"))
    }
}
