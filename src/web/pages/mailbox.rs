//! How each polled folder fares.

use crate::{
    model::ledger::Outcome,
    web::{Desk, error::PageError, frame::Frame, session::Visit, views},
};
use axum::{Extension, extract::State, response::Response};
use serde_json::{Value, json};
use std::sync::Arc;

/// `GET /mailboxes`
pub async fn list(
    State(desk): State<Arc<Desk>>,
    Extension(visit): Extension<Visit>,
) -> Result<Response, PageError> {
    let frame = Frame::load(&desk, &visit, "mailboxes").await?;
    let mut db = desk.app.store.read().await?;
    let mut folders: Vec<Value> = Vec::new();
    for folder in db.list_folders().await? {
        let outcomes = db.count_outcomes(&folder.mailbox, &folder.name).await?;
        let counts: Vec<i64> = Outcome::ALL
            .iter()
            .map(|outcome| outcomes.iter().find(|(o, _)| o == outcome).map_or(0, |(_, n)| *n))
            .collect();
        folders.push(json!({
            "mailbox": folder.mailbox, "name": folder.name, "last_contact_ms": folder.last_contact_ms,
            "last_message_ms": folder.last_message_ms, "server_count": folder.server_count, "counts": counts,
            "last_error": folder.last_error, "last_error_ms": folder.last_error_ms,
        }));
    }
    views::page("mailboxes.html", json!({ "frame": frame, "folders": folders, "outcomes": Outcome::ALL }))
}
