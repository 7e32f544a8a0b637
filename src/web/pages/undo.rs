//! Second thoughts about a draft: a decision or a change taken back, the draft given to somebody else, and what else a
//! value could be.

use super::{decide, document, draft::find};
use crate::{
    model::draft::DraftState,
    pipeline::{
        decision::{self, Decided},
        undo::{self, Obstacle},
    },
    store::{Db, draft::DraftRow},
    web::{
        Desk,
        error::PageError,
        review,
        session::{Posted, Visit},
    },
};
use axum::{
    Extension, Json,
    extract::{Path, Query, State},
    http::StatusCode,
    response::{IntoResponse as _, Redirect, Response},
};
use serde::Deserialize;
use serde_json::{Value, json};
use std::sync::Arc;

/// Letters of a word to a colleague at most.
const WORD_CHARS_MAX: usize = 2_000;

/// What of a draft can be taken back, for its page: a decision, or why not; else the last change.
pub(super) async fn offer(db: &mut Db, row: &DraftRow) -> Result<Value, PageError> {
    let decided = row.state != DraftState::Proposed;
    let obstacle = if decided { undo::obstacle(db, row).await? } else { None };
    let edit = if decided { None } else { db.find_last_edit(&row.id).await? };
    Ok(json!({
        "decision": decided && obstacle.is_none(), "obstacle": obstacle,
        "edit": edit.map(|edit| json!({ "by": edit.edited_by, "at_ms": edit.edited_ms })),
    }))
}

/// `POST /drafts/{id}/undo`: the decision, or of a draft that waits the last change.
pub async fn undo(
    State(desk): State<Arc<Desk>>,
    Extension(visit): Extension<Visit>,
    Path(id): Path<String>,
    Extension(posted): Extension<Posted>,
) -> Result<Response, PageError> {
    let row = find(&desk, &id).await?;
    let revision = posted.number("revision").unwrap_or(-1);
    let done = if row.state == DraftState::Proposed {
        Ok(undo::edit(&desk.app, &row.id, revision, &visit.name).await?)
    } else {
        undo::decision(&desk.app, &row.id, revision, &visit.name).await?
    };
    let refusal = match done {
        Ok(Decided::Done(())) => {
            return Ok(Redirect::to(&format!("/drafts/{id}?done=undone")).into_response());
        }
        Ok(_) | Err(Obstacle::Nothing) => "error.undo_changed",
        Err(Obstacle::Sent) => "error.undo_sent",
        Err(Obstacle::Announced) => "error.undo_announced",
    };
    Err(PageError::refused(StatusCode::CONFLICT, refusal))
}

/// `POST /drafts/{id}/hand-over`
pub async fn hand_over(
    State(desk): State<Arc<Desk>>,
    Extension(visit): Extension<Visit>,
    Path(id): Path<String>,
    Extension(posted): Extension<Posted>,
) -> Result<Response, PageError> {
    let row = find(&desk, &id).await?;
    let to = posted.text("to");
    let people = reviewers(&mut desk.app.store.read().await?).await?;
    if !to.is_empty() && !people.iter().any(|name| name == to) {
        return Err(PageError::refused(StatusCode::UNPROCESSABLE_ENTITY, "error.bad_form"));
    }
    // what was typed into the draft goes with it
    match decide::edited(&row, &posted.0, &posted, &visit) {
        Some(edited) if edited.changed.is_empty() => {}
        Some(edited) => match decision::save(&desk.app, edited, &visit.name).await? {
            Decided::Done(()) => {}
            _ => return decide::conflict(&desk, &visit, &row, &posted, "word").await,
        },
        None => return decide::conflict(&desk, &visit, &row, &posted, "word").await,
    }
    let word: String = posted.text("word").chars().take(WORD_CHARS_MAX).collect();
    if !undo::hand_over(&desk.app, &row.id, to, &word, &visit.name).await?
        || to.is_empty()
        || to == visit.name
    {
        return Ok(Redirect::to(&format!("/drafts/{id}?done=handed_over")).into_response());
    }
    let address = decide::next_address(&desk, &visit, &row).await?;
    Ok(Redirect::to(&format!("{address}?done=handed_over")).into_response())
}

/// Names of those who may decide drafts.
pub(super) async fn reviewers(db: &mut Db) -> Result<Vec<String>, PageError> {
    let people = db.list_people().await?.into_iter();
    let people = people.filter(|p| !p.disabled && p.role.may(crate::web::rights::Right::Review));
    Ok(people.map(|person| person.name).collect())
}

/// Which value.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Wanted {
    /// Name of the input: `f.total`, `l.3.quantity`.
    input: String,
}

/// `GET /drafts/{id}/choices`: what else a value could be.
pub async fn choices(
    State(desk): State<Arc<Desk>>,
    Path(id): Path<String>,
    Query(wanted): Query<Wanted>,
) -> Result<Response, PageError> {
    let row = find(&desk, &id).await?;
    let mut db = desk.app.store.read().await?;
    let document = db.find_document(&row.document_id).await?.ok_or(PageError::NotFound)?.document;
    let account = match &row.account_id {
        Some(id) => db.find_account(id).await?.map(|found| found.account),
        None => None,
    };
    drop(db);
    let pages = document::read_pages(&desk, &document).await?;
    let input = wanted.input.strip_prefix("f.").or_else(|| wanted.input.strip_prefix("l."));
    let input = input.unwrap_or_default();
    let found = review::choices(&pages.pages, &row.content, input, &row.proposed, account.as_ref());
    Ok(Json(json!({ "choices": found })).into_response())
}
