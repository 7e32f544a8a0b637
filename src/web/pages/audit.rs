//! The log: everything, newest first, or what was done to one thing.

use crate::{
    model::ids::TicketId,
    store::{Db, audit::AuditRow},
    web::{Desk, error::PageError, frame::Frame, session::Visit, text, views},
};
use axum::{
    Extension,
    extract::{Query, State},
    response::Response,
};
use serde::Deserialize;
use serde_json::{Value, json};
use std::sync::Arc;

/// Rows on one page.
const ROWS_PER_PAGE: u32 = 100;

/// About what, or which part of everything.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Part {
    kind: String,
    id: String,
    before: Option<i64>,
}

/// `GET /audit`
pub async fn list(
    State(desk): State<Arc<Desk>>,
    Extension(visit): Extension<Visit>,
    Query(part): Query<Part>,
) -> Result<Response, PageError> {
    let frame = Frame::load(&desk, &visit, "audit").await?;
    let mut db = desk.app.store.read().await?;
    let of_one = !part.kind.is_empty();
    let found = if of_one {
        db.list_audit_of(&part.kind, &part.id, ROWS_PER_PAGE).await?
    } else {
        db.list_recent_audit(part.before.unwrap_or(i64::MAX), ROWS_PER_PAGE).await?
    };
    let full = found.len() >= ROWS_PER_PAGE as usize;
    let next = found.last().filter(|_| full && !of_one).map(|row| format!("/audit?before={}", row.seq));
    let mut rows = Vec::new();
    for row in &found {
        rows.push(line(&mut db, row).await?);
    }
    let title = match part.kind.as_str() {
        "ticket" => text::text("audit.of_ticket"),
        "draft" => text::text("audit.of_draft"),
        _ => text::text("audit.title"),
    };
    views::page("audit.html", json!({ "frame": frame, "title": title, "rows": rows, "next": next }))
}

async fn line(db: &mut Db, row: &AuditRow) -> Result<Value, PageError> {
    let entry = &row.entry;
    let address = match entry.subject_kind.as_str() {
        "draft" => Some(format!("/drafts/{}", entry.subject_id)),
        "ticket" => {
            let ticket = db.find_ticket(&TicketId::new(&entry.subject_id)).await?;
            ticket.map(|ticket| format!("/tickets/{}", ticket.number))
        }
        _ => None,
    };
    Ok(json!({
        "seq": row.seq, "hash": row.hash, "at_ms": entry.at_ms, "actor": entry.actor, "action": entry.action,
        "subject_kind": entry.subject_kind, "detail": entry.detail, "address": address,
    }))
}
