//! Tickets: the lists of the queues, and one conversation with what can be done about it.

use super::document;
use crate::{
    model::{
        ids::{DraftId, TicketId},
        message::Message,
        ticket::{Queue, Ticket, TicketState},
    },
    pipeline::decision,
    store::{
        Db,
        message::MessageRow,
        ticket::{TicketCursor, TicketFilter},
    },
    web::{
        Desk,
        error::PageError,
        frame::Frame,
        paging, review,
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

/// Tickets on one page.
const TICKETS_PER_PAGE: u32 = 50;
/// Messages of a conversation shown at most.
const MESSAGES_MAX: u32 = 500;
/// Outgoing mails of a ticket shown at most.
const OUTBOX_MAX: u32 = 200;

/// Which part of a list.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Part {
    state: String,
    after: String,
}

/// `GET /queues/{queue}`: a queue's name, `all`, or `follow_ups`.
pub async fn list(
    State(desk): State<Arc<Desk>>,
    Extension(visit): Extension<Visit>,
    Path(queue): Path<String>,
    Query(part): Query<Part>,
) -> Result<Response, PageError> {
    let frame = Frame::load(&desk, &visit, "tickets").await?;
    let mut db = desk.app.store.read().await?;
    let states: Vec<Value> =
        ["open", "waiting", "closed"].iter().map(|name| json!({ "name": name })).collect();
    if queue == "follow_ups" {
        let tickets = follow_ups(&mut db).await?;
        let context = json!({
            "frame": frame, "title": text::choice("queue", &queue), "queue": "all", "states": [], "state": "",
            "tickets": tickets, "next": null,
        });
        return views::page("queue.html", context);
    }
    let chosen = Queue::parse(&queue);
    if chosen.is_none() && queue != "all" {
        return Err(PageError::NotFound);
    }
    let state = TicketState::parse(&part.state).unwrap_or(TicketState::Open);
    let filter = TicketFilter { queue: chosen, state: Some(state), account_id: None };
    let after = cursor(&part.after);
    let found = db.list_ticket_summaries(&filter, after.as_ref(), paging::ask(TICKETS_PER_PAGE)).await?;
    let found = paging::Part::cut(found, TICKETS_PER_PAGE);
    let next = found.next(|last| {
        let (ms, id) = (last.ticket.updated_ms, &last.ticket.id);
        format!("/queues/{queue}?state={}&after={ms}.{id}", state.as_str())
    });
    let tickets: Vec<Value> = found.rows.iter().map(|s| summary(&s.ticket, &s.from, s.drafts)).collect();
    let context = json!({
        "frame": frame, "title": text::choice("queue", &queue), "queue": queue, "states": states,
        "state": state.as_str(), "tickets": tickets, "next": next,
    });
    views::page("queue.html", context)
}

fn summary(ticket: &Ticket, from: &str, drafts: i64) -> Value {
    json!({
        "number": ticket.number, "reference": ticket.reference(), "subject": ticket.subject, "from": from,
        "queue": ticket.queue.as_str(), "state": ticket.state.as_str(), "priority": ticket.priority.as_str(),
        "drafts": drafts, "updated_ms": ticket.updated_ms,
    })
}

/// Tickets with a message that may belong to another ticket.
async fn follow_ups(db: &mut Db) -> Result<Vec<Value>, PageError> {
    let mut tickets = Vec::new();
    for message in db.list_undecided_follow_ups(TICKETS_PER_PAGE).await? {
        let Some(id) = &message.ticket_id else { continue };
        if let Some(ticket) = db.find_ticket(id).await? {
            tickets.push(summary(&ticket, sender(&message), 0));
        }
    }
    Ok(tickets)
}

fn cursor(after: &str) -> Option<TicketCursor> {
    let (ms, id) = after.split_once('.')?;
    Some(TicketCursor { updated_ms: ms.parse().ok()?, id: TicketId::new(id) })
}

fn sender(message: &MessageRow) -> &str {
    if message.from_name.is_empty() { &message.from_email } else { &message.from_name }
}

/// A ticket by the number in an address.
pub(super) async fn find(db: &mut Db, number: i64) -> Result<Ticket, PageError> {
    db.find_ticket_by_number(number).await?.ok_or(PageError::NotFound)
}

/// `GET /tickets/{number}`
pub async fn show(
    State(desk): State<Arc<Desk>>,
    Extension(visit): Extension<Visit>,
    Path(number): Path<i64>,
) -> Result<Response, PageError> {
    let frame = Frame::load(&desk, &visit, "tickets").await?;
    let mut db = desk.app.store.read().await?;
    let ticket = find(&mut db, number).await?;
    let conversation = db.list_conversation(&ticket.id, MESSAGES_MAX).await?;
    let answer_to = decision::answer_address(&conversation);
    let mut messages = Vec::new();
    for (row, parsed) in &conversation {
        messages.push(message(&mut db, row, parsed.as_ref()).await?);
    }
    let account = match &ticket.account_id {
        Some(id) => db.find_account(id).await?.map(|row| row.account),
        None => None,
    };
    let outbox: Vec<_> = db.list_outbox_of_ticket(&ticket.id, OUTBOX_MAX).await?;
    let drafts = drafts(&mut db, &ticket.id).await?;
    let participants = db.list_participants(&ticket.id).await?;
    let queues: Vec<&str> = Queue::ALL.iter().map(|queue| queue.as_str()).collect();
    let mut shown = json!(ticket);
    if let Some(fields) = shown.as_object_mut() {
        fields.insert("reference".to_owned(), json!(ticket.reference()));
    }
    let context = json!({
        "frame": frame, "ticket": shown, "messages": messages, "drafts": drafts, "queues": queues,
        "account": account, "participants": participants, "outbox": outbox,
        "answer_to": answer_to.map(|address| address.email),
    });
    views::page("ticket.html", context)
}

async fn drafts(db: &mut Db, ticket: &TicketId) -> Result<Vec<Value>, PageError> {
    let mut drafts = Vec::new();
    for draft in db.list_drafts_of_ticket(ticket).await? {
        let record = db.find_record_of_draft(&DraftId::new(draft.id.as_str())).await?;
        drafts.push(json!({
            "id": draft.id, "kind": draft.kind, "po_number": draft.po_number, "state": draft.state,
            "least_confidence": draft.least_confidence, "level": review::level(draft.least_confidence),
            "record_id": record.map(|record| record.id),
        }));
    }
    Ok(drafts)
}

async fn message(db: &mut Db, row: &MessageRow, parsed: Option<&Message>) -> Result<Value, PageError> {
    let possible = match &row.possible_ticket_id {
        Some(id) => db.find_ticket(id).await?,
        None => None,
    };
    let documents = db.list_documents(&row.id).await?;
    let names = |list: &[crate::model::message::Address]| {
        list.iter().map(|a| a.email.clone()).collect::<Vec<_>>().join(", ")
    };
    let attachments: Vec<Value> = parsed.map_or_else(Vec::new, |message| {
        let list = message.attachments.iter().enumerate();
        list.map(|(position, a)| {
            let read = documents.iter().find(|d| d.document.sha256 == a.sha256);
            json!({
                "position": position, "name": a.name, "size_bytes": a.size_bytes,
                "said": read.map(document::reading_in_words), "document": read.map(|d| &d.id),
                "drawn": read.is_some_and(document::has_pictures),
            })
        })
        .collect()
    });
    Ok(json!({
        "id": row.id, "direction": row.direction, "state": row.state, "historic": row.historic,
        "from": sender(row), "from_email": row.from_email, "at_ms": row.date_ms.unwrap_or(row.stored_ms),
        "to": parsed.map(|m| names(&m.to)), "cc": parsed.map(|m| names(&m.cc)), "origin": row.origin,
        "new_text": parsed.map(|m| m.new_text.trim()), "signature": parsed.map(|m| m.signature.trim()),
        "quoted_text": parsed.map(|m| m.quoted_text.trim()), "has_html": parsed.is_some_and(|m| m.html.is_some()),
        "attachments": attachments, "findings": parsed.map_or_else(Vec::new, |m| m.findings.clone()),
        "screened_reason": row.screened_reason, "muted": row.muted, "thread_rule": row.thread_rule,
        "queue": row.queue, "queue_reasons": row.queue_reasons, "queue_confidence": row.queue_confidence,
        "size_bytes": row.size_bytes, "sha256": row.sha256,
        "possible": possible.map(|t| json!({ "number": t.number, "reference": t.reference(), "subject": t.subject })),
    }))
}

fn back(number: i64, done: &str) -> Response {
    Redirect::to(&format!("/tickets/{number}?done={done}")).into_response()
}

/// `POST /tickets/{number}/answer`
pub async fn answer(
    State(desk): State<Arc<Desk>>,
    Extension(visit): Extension<Visit>,
    Path(number): Path<i64>,
    Extension(posted): Extension<Posted>,
) -> Result<Response, PageError> {
    let body = posted.text("text").replace("\r\n", "\n");
    let then = TicketState::parse(posted.text("then")).unwrap_or(TicketState::Waiting);
    if body.is_empty() {
        return Err(PageError::refused(StatusCode::UNPROCESSABLE_ENTITY, "error.bad_form"));
    }
    let ticket = find(&mut desk.app.store.read().await?, number).await?;
    if !decision::answer(&desk.app, &ticket, &body, then, &visit.name).await? {
        return Err(PageError::refused(StatusCode::CONFLICT, "error.no_recipient"));
    }
    Ok(back(number, "answered"))
}

/// `POST /tickets/{number}/state`
pub async fn set_state(
    State(desk): State<Arc<Desk>>,
    Extension(visit): Extension<Visit>,
    Path(number): Path<i64>,
    Extension(posted): Extension<Posted>,
) -> Result<Response, PageError> {
    let Some(state) = TicketState::parse(posted.text("state")) else {
        return Err(PageError::refused(StatusCode::UNPROCESSABLE_ENTITY, "error.bad_form"));
    };
    let ticket = find(&mut desk.app.store.read().await?, number).await?;
    decision::set_state(&desk.app, &ticket.id, state, &visit.name).await?;
    let done = match state {
        TicketState::Closed => "closed",
        TicketState::Open => "opened",
        TicketState::Waiting => "waiting",
    };
    Ok(back(number, done))
}

/// `POST /tickets/{number}/queue`
pub async fn set_queue(
    State(desk): State<Arc<Desk>>,
    Extension(visit): Extension<Visit>,
    Path(number): Path<i64>,
    Extension(posted): Extension<Posted>,
) -> Result<Response, PageError> {
    let Some(queue) = Queue::parse(posted.text("queue")) else {
        return Err(PageError::refused(StatusCode::UNPROCESSABLE_ENTITY, "error.bad_form"));
    };
    let ticket = find(&mut desk.app.store.read().await?, number).await?;
    decision::set_queue(&desk.app, &ticket.id, queue, &visit.name).await?;
    Ok(back(number, "moved"))
}
