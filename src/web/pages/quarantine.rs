//! Quarantine: what failed, why, its bytes, and what to do about it.

use super::message::download;
use crate::{
    model::ids::QuarantineId,
    pipeline::decision,
    store::{Db, quarantine::QuarantineRow},
    web::{
        Desk,
        error::PageError,
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
use std::{collections::BTreeSet, sync::Arc};

/// Entries on one page.
const ENTRIES_PER_PAGE: u32 = 50;

/// Which part of the list.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Part {
    state: String,
    before: String,
}

/// `GET /quarantine`
pub async fn list(
    State(desk): State<Arc<Desk>>,
    Extension(visit): Extension<Visit>,
    Query(part): Query<Part>,
) -> Result<Response, PageError> {
    let frame = Frame::load(&desk, &visit, "quarantine").await?;
    let mut db = desk.app.store.read().await?;
    let before = Some(QuarantineId::new(part.before)).filter(|id| !id.as_str().is_empty());
    let resolved = part.state == "resolved";
    let found = if resolved {
        db.list_resolved_quarantine(before.as_ref(), paging::ask(ENTRIES_PER_PAGE)).await?
    } else {
        db.list_quarantine(before.as_ref(), paging::ask(ENTRIES_PER_PAGE)).await?
    };
    let found = paging::Part::cut(found, ENTRIES_PER_PAGE);
    let state = if resolved { "resolved" } else { "waiting" };
    let mut rows = Vec::new();
    for row in &found.rows {
        rows.push(entry(&mut db, row).await?);
    }
    let next = found.next(|row| format!("/quarantine?state={state}&before={}", row.id));
    let causes: BTreeSet<&str> = found.rows.iter().map(|row| row.entry.cause.as_str()).collect();
    let context = json!({ "frame": frame, "rows": rows, "state": state, "next": next, "causes": causes });
    views::page("quarantine.html", context)
}

async fn entry(db: &mut Db, row: &QuarantineRow) -> Result<Value, PageError> {
    let document = match &row.entry.document_id {
        Some(id) => db.find_document(id).await?,
        None => None,
    };
    let message = match (&row.entry.message_id, &document) {
        (Some(id), _) => db.find_message(id).await?,
        (None, Some(document)) => db.find_message(&document.document.message_id).await?,
        (None, None) => None,
    };
    let ticket = match message.as_ref().and_then(|m| m.ticket_id.as_ref()) {
        Some(id) => db.find_ticket(id).await?,
        None => None,
    };
    let short: String = row.entry.sha256.chars().take(12).collect();
    let subject = message.as_ref().map(|m| m.subject.clone()).filter(|subject| !subject.is_empty());
    let place = match &row.entry.sighting_id {
        Some(id) => {
            db.find_sighting_by_id(id).await?.map(|s| format!("{} {} {}", s.mailbox, s.folder, s.uid))
        }
        None => None,
    };
    let name = document.as_ref().map(|d| d.document.name.clone()).or(subject).or(place).unwrap_or(short);
    Ok(json!({
        "id": row.id, "what": if document.is_some() { "document" } else { "message" }, "name": name,
        "from": message.map(|m| m.from_email), "ticket_number": ticket.map(|t| t.number),
        "has_bytes": !row.entry.sha256.is_empty(), "cause": row.entry.cause, "detail": row.entry.detail, "created_ms": row.created_ms,
        "resolved_ms": row.resolved_ms, "resolved_by": row.resolved_by, "resolution": row.resolution,
    }))
}

/// `GET /quarantine/{id}/raw`
pub async fn raw(State(desk): State<Arc<Desk>>, Path(id): Path<String>) -> Result<Response, PageError> {
    let mut db = desk.app.store.read().await?;
    let row = db.find_quarantine(&QuarantineId::new(id)).await?.ok_or(PageError::NotFound)?;
    let name = match &row.entry.document_id {
        Some(id) => db.find_document(id).await?.map(|d| d.document.name),
        None => None,
    };
    drop(db);
    let short: String = row.entry.sha256.chars().take(12).collect();
    download(&desk, &row.entry.sha256, &name.unwrap_or_else(|| format!("message-{short}.eml"))).await
}

/// `POST /quarantine/all`: processes everything again, or what has one cause, after what was wrong is mended.
pub async fn reprocess_all(
    State(desk): State<Arc<Desk>>,
    Extension(visit): Extension<Visit>,
    Extension(posted): Extension<Posted>,
) -> Result<Response, PageError> {
    let cause = Some(posted.text("cause")).filter(|cause| !cause.is_empty());
    decision::reprocess_all(&desk.app, cause, &visit.name).await?;
    Ok(Redirect::to("/quarantine?done=reprocessed").into_response())
}

/// `POST /quarantine/{id}`
pub async fn decide(
    State(desk): State<Arc<Desk>>,
    Extension(visit): Extension<Visit>,
    Path(id): Path<String>,
    Extension(posted): Extension<Posted>,
) -> Result<Response, PageError> {
    let id = QuarantineId::new(id);
    desk.app.store.read().await?.find_quarantine(&id).await?.ok_or(PageError::NotFound)?;
    let (done, key) = match posted.text("do") {
        "reprocess" => (decision::reprocess(&desk.app, &id, &visit.name).await?, "reprocessed"),
        "dismiss" => (decision::dismiss(&desk.app, &id, &visit.name).await?, "dismissed"),
        _ => return Err(PageError::refused(StatusCode::UNPROCESSABLE_ENTITY, "error.bad_form")),
    };
    if done {
        Ok(Redirect::to(&format!("/quarantine?done={key}")).into_response())
    } else {
        Err(PageError::refused(StatusCode::CONFLICT, "error.gone"))
    }
}
