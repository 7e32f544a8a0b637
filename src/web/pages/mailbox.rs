//! How each polled folder fares, and the sign-in of mailboxes.

use crate::{
    clock,
    jobs::{credential, health, intake},
    mailbox::{Kind, Probed, Step},
    model::ledger::Outcome,
    store::audit::Entry,
    web::{Desk, error::PageError, frame::Frame, session::Visit, views},
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

/// Where a provider sends a person back to.
const CONSENT_PATH: &str = "/mailboxes/consent";

/// `GET /mailboxes`
pub async fn list(
    State(desk): State<Arc<Desk>>,
    Extension(visit): Extension<Visit>,
) -> Result<Response, PageError> {
    page(&desk, &visit, None).await
}

/// `POST /mailboxes/{name}/test`: the whole way to the server, step by step.
pub async fn test(
    State(desk): State<Arc<Desk>>,
    Extension(visit): Extension<Visit>,
    Path(name): Path<String>,
) -> Result<Response, PageError> {
    let settings = desk.app.settings().await?;
    let config = settings.config.mailbox(&name).ok_or(PageError::NotFound)?;
    let steps = intake::probe(&desk.app, config).await;
    let failed = steps.iter().find(|step| step.probed == Probed::Fails);
    let detail =
        failed.map_or_else(|| "all steps work".to_owned(), |step| format!("{} fails", step.name.as_str()));
    let mut tx = desk.app.store.begin().await?;
    tx.audit(Entry {
        at_ms: clock::now_ms(),
        actor: visit.name.clone(),
        action: "test_mailbox".to_owned(),
        subject_kind: "mailbox".to_owned(),
        subject_id: name.clone(),
        detail,
    });
    tx.commit().await?;
    page(&desk, &visit, Some((&name, &steps))).await
}

/// The page, with what a test found.
async fn page(desk: &Desk, visit: &Visit, tested: Option<(&str, &[Step])>) -> Result<Response, PageError> {
    let frame = Frame::load(desk, visit, "mailboxes").await?;
    let health = health::health(&desk.app, clock::now_ms()).await?;
    let folders: Vec<Value> = health
        .folders
        .iter()
        .map(|folder| {
            let counts: Vec<i64> = Outcome::ALL
                .iter()
                .map(|outcome| folder.outcomes.iter().find(|(o, _)| o == outcome).map_or(0, |(_, n)| *n))
                .collect();
            let row = &folder.row;
            json!({
                "mailbox": row.mailbox, "name": row.name, "last_contact_ms": row.last_contact_ms,
                "last_message_ms": row.last_message_ms, "server_count": row.server_count, "counts": counts,
                "backlog": folder.backlog(), "reading": folder.reading.as_str(), "trouble": folder.trouble.map(health::Trouble::as_str),
                "last_error": row.last_error, "last_error_ms": row.last_error_ms,
            })
        })
        .collect();
    let sign_ins: Vec<Value> = health
        .sign_ins
        .iter()
        .map(|sign_in| {
            let row = sign_in.row.as_ref();
            json!({
                "mailbox": sign_in.mailbox, "days_left": sign_in.days_left,
                "trouble": sign_in.trouble.map(health::Trouble::as_str),
                "granted_by": row.map(|row| &row.granted_by), "granted_ms": row.map(|row| row.granted_ms),
                "refreshed_ms": row.map(|row| row.refreshed_ms), "last_error": row.map(|row| &row.last_error),
                "error_since_ms": row.and_then(|row| row.error_since_ms),
            })
        })
        .collect();
    let configured = configured(desk).await?;
    views::page(
        "mailboxes.html",
        json!({ "frame": frame, "folders": folders, "sign_ins": sign_ins, "outcomes": Outcome::ALL,
                "configured": configured,
                "tested": tested.map(|(name, steps)| json!({ "name": name, "steps": steps })) }),
    )
}

/// What is read, and what cannot count: of the file, and of the pages.
async fn configured(desk: &Desk) -> Result<Vec<Value>, PageError> {
    let settings = desk.app.settings().await?;
    let rows = desk.app.store.read().await?.list_mailboxes().await?;
    let row = |name: &str| rows.iter().find(|row| row.name == name && row.removed_ms.is_none());
    let counting = settings.config.mailbox.iter().map(|config| {
        let row = row(&config.name).filter(|_| desk.app.config.mailbox(&config.name).is_none());
        let server = match config.kind {
            Kind::Imap => format!("{}:{}", config.host, config.port()),
            _ => config.path.display().to_string(),
        };
        json!({
            "name": config.name, "server": server, "user": config.user, "folders": config.folders(),
            "paused": config.paused, "wrong": null, "changed_by": row.map(|row| &row.changed_by), "changed_ms": row.map(|row| row.changed_ms),
        })
    });
    let wrong = settings.wrong.iter().filter_map(|(name, reason)| {
        let row = row(name.strip_prefix("mailbox ")?)?;
        Some(json!({
            "name": row.name, "server": "", "user": row.account, "folders": [], "paused": false, "wrong": reason,
            "changed_by": row.changed_by, "changed_ms": row.changed_ms,
        }))
    });
    Ok(counting.chain(wrong).collect())
}

/// `GET /mailboxes/{name}/sign-in`: leads to the provider, where a person consents.
pub async fn sign_in(
    State(desk): State<Arc<Desk>>,
    Extension(visit): Extension<Visit>,
    Path(name): Path<String>,
) -> Result<Response, PageError> {
    let settings = desk.app.settings().await?;
    let config = settings.config.mailbox(&name).filter(|config| config.oauth.is_some());
    let config = config.ok_or(PageError::NotFound)?;
    match credential::consent_address(&desk.app, config, &redirect(&desk), &visit.name) {
        Ok(address) => Ok(Redirect::to(&address).into_response()),
        Err(error) => {
            tracing::warn!(mailbox = name, error = format!("{error:#}"), "a sign-in could not be begun");
            Err(PageError::refused(StatusCode::CONFLICT, "error.sign_in"))
        }
    }
}

/// What a provider sends back.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Consent {
    code: String,
    state: String,
    error: String,
}

/// `GET /mailboxes/consent`
pub async fn consent(
    State(desk): State<Arc<Desk>>,
    Extension(visit): Extension<Visit>,
    Query(consent): Query<Consent>,
) -> Result<Response, PageError> {
    let Consent { code, state, error } = consent;
    if !error.is_empty() {
        tracing::warn!(error, "a provider refused a sign-in");
        return Err(PageError::refused(StatusCode::CONFLICT, "error.sign_in"));
    }
    match credential::consented(&desk.app, &state, &code, &redirect(&desk), &visit.name).await {
        Ok(_mailbox) => Ok(Redirect::to("/mailboxes?done=signed_in").into_response()),
        Err(error) => {
            tracing::warn!(error = format!("{error:#}"), "a sign-in came to nothing");
            Err(PageError::refused(StatusCode::CONFLICT, "error.sign_in"))
        }
    }
}

pub(super) fn redirect(desk: &Desk) -> String {
    format!("{}{CONSENT_PATH}", desk.base_url().trim_end_matches('/'))
}
