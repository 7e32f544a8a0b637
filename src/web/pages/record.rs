//! A record: what was approved, what left the house for it, and where to go on.

use crate::{
    model::{draft::DraftState, ids::RecordId},
    store::draft::Whose,
    web::{Desk, error::PageError, frame::Frame, locale, review, session::Visit, text, views},
};
use axum::{
    Extension,
    extract::{Path, State},
    response::Response,
};
use serde_json::{Value, json};
use std::sync::Arc;

/// Outgoing mails of a ticket looked at.
const OUTBOX_MAX: u32 = 200;

/// `GET /records/{id}`
pub async fn show(
    State(desk): State<Arc<Desk>>,
    Extension(visit): Extension<Visit>,
    Path(id): Path<String>,
) -> Result<Response, PageError> {
    let frame = Frame::load(&desk, &visit, "drafts").await?;
    let mut db = desk.app.store.read().await?;
    let record = db.find_record(&RecordId::new(id)).await?.ok_or(PageError::NotFound)?;
    let ticket = db.find_ticket(&record.ticket_id).await?.ok_or(PageError::NotFound)?;
    let outbox = db.list_outbox_of_ticket(&ticket.id, OUTBOX_MAX).await?;
    let outbox: Vec<_> =
        outbox.into_iter().filter(|o| o.draft_id.as_ref() == Some(&record.draft_id)).collect();
    let next = db.list_draft_queue(Whose::For(&visit.name), None, 1).await?;
    let drafts = db.count_drafts().await?;
    let waiting = drafts.iter().find(|(state, _)| *state == DraftState::Proposed).map_or(0, |(_, n)| *n);
    let form = review::sheet(&record.content, 0);
    let fields: Vec<Value> = form
        .fields
        .iter()
        .filter(|field| !field.value.is_empty())
        .map(|field| json!({ "label": field.label, "value": locale::iso_day(&field.value) }))
        .collect();
    let filled = |column: usize| {
        form.lines.iter().any(|line| line.cells.get(column).is_some_and(|cell| !cell.value.is_empty()))
    };
    let kept: Vec<usize> = (0..form.columns.len()).filter(|column| filled(*column)).collect();
    let columns: Vec<String> =
        kept.iter().filter_map(|c| form.columns.get(*c)).map(|c| text::label(&c.name)).collect();
    let lines: Vec<Vec<String>> = form
        .lines
        .iter()
        .map(|line| {
            let cells = kept.iter().filter_map(|c| line.cells.get(*c));
            cells.map(|cell| locale::iso_day(&cell.value)).collect()
        })
        .collect();
    let context = json!({
        "frame": frame, "ticket": { "number": ticket.number, "reference": ticket.reference() },
        "record": {
            "kind": record.kind, "po_number": record.po_number, "draft_id": record.draft_id,
            "approved_by": record.approved_by, "approved_ms": record.approved_ms,
        },
        "fields": fields, "columns": columns, "lines": lines, "outbox": outbox,
        "next_draft": next.first().map(|draft| &draft.id), "waiting": waiting,
    });
    views::page("record.html", context)
}
