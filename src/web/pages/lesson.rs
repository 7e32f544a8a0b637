//! Lessons: what approved drafts taught about layouts, and how to take it back.

use crate::{
    model::ids::{ItemReferenceId, LessonId},
    pipeline,
    store::{
        Db,
        lesson::{LessonRow, LessonState},
    },
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
use std::sync::Arc;

/// Lessons on one page.
const LESSONS_PER_PAGE: u32 = 50;

/// Item numbers of customers that are shown, the newest.
const REFERENCES_SHOWN: u32 = 200;

/// Which part of the list.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Part {
    before: String,
}

/// `GET /lessons`
pub async fn list(
    State(desk): State<Arc<Desk>>,
    Extension(visit): Extension<Visit>,
    Query(part): Query<Part>,
) -> Result<Response, PageError> {
    let frame = Frame::load(&desk, &visit, "drafts").await?;
    let mut db = desk.app.store.read().await?;
    let before = Some(LessonId::new(part.before)).filter(|id| !id.as_str().is_empty());
    let found = db.list_lessons(before.as_ref(), paging::ask(LESSONS_PER_PAGE)).await?;
    let found = paging::Part::cut(found, LESSONS_PER_PAGE);
    let mut lessons = Vec::new();
    for row in &found.rows {
        lessons.push(summary(&mut db, row).await?);
    }
    let mut references = Vec::new();
    for row in db.list_item_references(REFERENCES_SHOWN).await? {
        let account = db.find_account(&row.reference.account_id).await?.map(|found| found.account.name);
        references.push(json!({
            "id": row.id, "account": account, "customer_sku": row.reference.customer_sku, "sku": row.reference.sku,
            "draft_id": row.reference.draft_id, "learnt_by": row.learnt_by, "learnt_ms": row.learnt_ms,
        }));
    }
    let next = found.next(|row| format!("/lessons?before={}", row.id));
    views::page(
        "lessons.html",
        json!({ "frame": frame, "lessons": lessons, "references": references, "next": next }),
    )
}

/// A lesson with the draft that taught it.
pub(super) async fn summary(db: &mut Db, row: &LessonRow) -> Result<Value, PageError> {
    let draft = db.find_draft(&row.draft_id).await?.ok_or(PageError::NotFound)?;
    Ok(json!({
        "id": row.id, "sender": row.sender, "kind": row.kind, "draft_id": row.draft_id, "po_number": draft.po_number,
        "fields": row.lesson.fields().collect::<Vec<_>>(), "lines": row.lesson.has_columns(), "state": row.state,
        "confirmed": row.confirmed, "contradicted": row.contradicted, "learnt_by": row.learnt_by,
        "learnt_ms": row.learnt_ms, "decided_by": row.decided_by,
    }))
}

/// `POST /lessons/{id}`
pub async fn decide(
    State(desk): State<Arc<Desk>>,
    Extension(visit): Extension<Visit>,
    Path(id): Path<String>,
    Extension(posted): Extension<Posted>,
) -> Result<Response, PageError> {
    let id = LessonId::new(id);
    desk.app.store.read().await?.find_lesson(&id).await?.ok_or(PageError::NotFound)?;
    let (state, key) = match posted.text("do") {
        "retire" => (LessonState::Retired, "lesson_retired"),
        "restore" => (LessonState::Active, "lesson_restored"),
        _ => return Err(PageError::refused(StatusCode::UNPROCESSABLE_ENTITY, "error.bad_form")),
    };
    if pipeline::lesson::set_state(&desk.app, &id, state, &visit.name).await? {
        Ok(Redirect::to(&format!("/lessons?done={key}")).into_response())
    } else {
        Err(PageError::refused(StatusCode::CONFLICT, "error.gone"))
    }
}

/// `POST /item-references/{id}`
pub async fn forget_reference(
    State(desk): State<Arc<Desk>>,
    Extension(visit): Extension<Visit>,
    Path(id): Path<String>,
) -> Result<Response, PageError> {
    if pipeline::lesson::forget_reference(&desk.app, &ItemReferenceId::new(id), &visit.name).await? {
        Ok(Redirect::to("/lessons?done=lesson_retired").into_response())
    } else {
        Err(PageError::refused(StatusCode::CONFLICT, "error.gone"))
    }
}
