//! Webhooks: who is told what happens here, and how that went.

use crate::{
    clock,
    store::{audit::Entry, webhook::Event},
    web::{
        Desk,
        error::PageError,
        frame::Frame,
        session::{Posted, Visit},
        views,
    },
    webhook,
};
use axum::{
    Extension,
    extract::{Path, State},
    http::StatusCode,
    response::{IntoResponse as _, Redirect, Response},
};
use serde_json::{Value, json};
use std::sync::Arc;

/// Deliveries shown of each.
const DELIVERIES_SHOWN: u32 = 10;

/// `GET /webhooks`
pub async fn list(
    State(desk): State<Arc<Desk>>,
    Extension(visit): Extension<Visit>,
) -> Result<Response, PageError> {
    page(&desk, &visit, None).await
}

/// The page; the secret of a new webhook is shown once.
async fn page(desk: &Desk, visit: &Visit, secret: Option<&str>) -> Result<Response, PageError> {
    let frame = Frame::load(desk, visit, "webhooks").await?;
    let mut db = desk.app.store.read().await?;
    let mut shown: Vec<Value> = Vec::new();
    for row in db.list_webhooks().await? {
        let deliveries: Vec<Value> = db
            .list_deliveries(&row.id, DELIVERIES_SHOWN)
            .await?
            .iter()
            .map(|d| {
                json!({
                    "id": d.id, "event": d.event, "state": d.state, "attempts": d.attempts,
                    "last_error": d.last_error, "created_ms": d.created_ms,
                })
            })
            .collect();
        shown.push(json!({
            "id": row.id, "address": row.address, "events": row.events, "active": row.active,
            "created_by": row.created_by, "created_ms": row.created_ms, "deliveries": deliveries,
        }));
    }
    let context = json!({ "frame": frame, "webhooks": shown, "events": Event::ALL, "secret": secret });
    views::page("webhooks.html", context)
}

fn entry(who: &str, action: &str, id: &str, detail: &str) -> Entry {
    Entry {
        at_ms: clock::now_ms(),
        actor: who.to_owned(),
        action: action.to_owned(),
        subject_kind: "webhook".to_owned(),
        subject_id: id.to_owned(),
        detail: detail.to_owned(),
    }
}

/// Address and events of a form; none if one of them cannot be.
fn typed(posted: &Posted) -> Result<(&str, Vec<Event>), PageError> {
    let address = posted.text("address");
    let events: Vec<Event> =
        Event::ALL.iter().copied().filter(|event| posted.has("event", event.as_str())).collect();
    if events.is_empty() || !webhook::is_address(address) {
        return Err(PageError::refused(StatusCode::UNPROCESSABLE_ENTITY, "error.webhook"));
    }
    Ok((address, events))
}

/// `POST /webhooks`: sets one up.
pub async fn add(
    State(desk): State<Arc<Desk>>,
    Extension(visit): Extension<Visit>,
    Extension(posted): Extension<Posted>,
) -> Result<Response, PageError> {
    let (address, events) = typed(&posted)?;
    let secret = webhook::secret(clock::random_bytes());
    let sealed = desk.app.vault.seal(secret.reveal(), address);
    let mut tx = desk.app.store.begin().await?;
    let id = tx.insert_webhook(address, &events, &sealed, &visit.name, clock::now_ms()).await?;
    tx.audit(entry(&visit.name, "add_webhook", &id, address));
    tx.commit().await?;
    page(&desk, &visit, Some(secret.reveal())).await
}

/// `POST /webhooks/{id}`: changes one, pauses it, lets it go on, gives it another secret, removes it, or sends a
/// delivery again.
pub async fn change(
    State(desk): State<Arc<Desk>>,
    Extension(visit): Extension<Visit>,
    Path(id): Path<String>,
    Extension(posted): Extension<Posted>,
) -> Result<Response, PageError> {
    let app = &desk.app;
    let row = app.store.read().await?.find_webhook(&id).await?.ok_or(PageError::NotFound)?;
    let bad = || PageError::refused(StatusCode::UNPROCESSABLE_ENTITY, "error.bad_form");
    let (mut fresh, mut detail) = (None, row.address.clone());
    let mut tx = app.store.begin().await?;
    let (changed, action) = match posted.text("do") {
        "pause" => (tx.save_webhook_active(&id, false).await?, "pause_webhook"),
        "resume" => (tx.save_webhook_active(&id, true).await?, "resume_webhook"),
        "again" => (tx.redeliver(&id, posted.text("delivery"), clock::now_ms()).await?, "redeliver_webhook"),
        "save" => {
            let (address, events) = typed(&posted)?;
            // the secret is sealed for its address; one that cannot be opened any more is made anew
            let secret = app
                .vault
                .open(&row.secret, &row.address)
                .unwrap_or_else(|| fresh.insert(webhook::secret(clock::random_bytes())).clone());
            let sealed = app.vault.seal(secret.reveal(), address);
            let names =
                |events: &[Event]| events.iter().map(|event| event.as_str()).collect::<Vec<_>>().join(", ");
            detail = format!("{} ({}) → {address} ({})", row.address, names(&row.events), names(&events));
            (tx.save_webhook(&id, address, &events, &sealed).await?, "edit_webhook")
        }
        "secret" => {
            let secret = fresh.insert(webhook::secret(clock::random_bytes()));
            let sealed = app.vault.seal(secret.reveal(), &row.address);
            (tx.save_webhook(&id, &row.address, &row.events, &sealed).await?, "rotate_webhook")
        }
        "delete" if posted.has("sure", "yes") => (tx.delete_webhook(&id).await?, "delete_webhook"),
        _ => return Err(bad()),
    };
    if !changed {
        return Err(PageError::refused(StatusCode::CONFLICT, "error.gone"));
    }
    tx.audit(entry(&visit.name, action, &id, &detail));
    tx.commit().await?;
    app.announce_work();
    match fresh {
        Some(secret) => page(&desk, &visit, Some(secret.reveal())).await,
        None => Ok(Redirect::to("/webhooks?done=person_saved").into_response()),
    }
}
