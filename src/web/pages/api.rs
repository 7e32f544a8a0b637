//! The JSON API under `/api/v1`: the same store, decisions and rights as the pages, for programs.
//!
//! `openapi.json` describes it, and a test compares it with the routes. Lists go on behind `next`, which is the query of the
//! next part. Times are milliseconds UTC. Errors are problems of RFC 9457, with `error` beside them for programs of before.

use crate::{
    model::{
        account::Account,
        draft::DraftState,
        finding::Finding,
        ids::{AccountId, DraftId, MessageId, RecordId, TicketId},
        ticket::{Queue, Ticket, TicketState},
    },
    pipeline::{
        conversation::{self, Change},
        decision::{self, Decided},
        edit::{self, Edited},
        master_data,
        reply::{self, Replied, Reply},
    },
    reply::template::Name,
    search::{Wanted, query},
    store::{
        draft::{DraftRow, Whose},
        message::MessageRow,
        once::Once,
        record::RecordRow,
        ticket::{TicketCursor, TicketFilter},
    },
    validate::value::is_malformed,
    web::{
        Desk,
        error::{ApiError, PageError, UserMessage, percent_encode},
        paging::{Part, ask},
        session::Visit,
    },
};
use axum::{
    Extension, Json,
    extract::{Path, Query, State, rejection::JsonRejection},
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse as _, Response},
};
use serde::Deserialize;
use serde_json::{Value, json};
use std::sync::Arc;

/// Rows of one answer.
const ROWS: u32 = 100;
/// Messages of one ticket.
const MESSAGES_MAX: u32 = 500;
/// Parts of one search.
const PAGES_MAX: usize = 100;

type Answer = Result<Json<Value>, ApiError>;

/// Which part of a list.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Asked {
    after: String,
    queue: String,
    state: String,
    account: String,
}

/// The description of the API.
pub const OPENAPI: &str = include_str!("../../../templates/api/openapi.json");

/// `GET /api/v1/openapi.json`
pub fn describe() -> Response {
    ([(header::CONTENT_TYPE, "application/json")], OPENAPI).into_response()
}

fn bad(message: &str) -> ApiError {
    ApiError::said(StatusCode::UNPROCESSABLE_ENTITY, message)
}

fn body<T>(body: Result<Json<T>, JsonRejection>) -> Result<T, ApiError> {
    body.map(|Json(body)| body).map_err(|error| ApiError::said(error.status(), &error.body_text()))
}

fn list<T>(part: &Part<T>, shown: impl Fn(&T) -> Value, next: impl FnOnce(&T) -> String) -> Json<Value> {
    Json(json!({ "data": part.rows.iter().map(shown).collect::<Vec<_>>(), "next": part.next(next) }))
}

fn ticket(ticket: &Ticket) -> Value {
    json!({
        "id": ticket.id, "number": ticket.number, "reference": ticket.reference(), "subject": ticket.subject,
        "queue": ticket.queue, "queue_reason": ticket.queue_reason, "state": ticket.state,
        "priority": ticket.priority, "account_id": ticket.account_id, "language": ticket.language,
        "created_ms": ticket.created_ms, "updated_ms": ticket.updated_ms,
    })
}

fn message(row: &MessageRow) -> Value {
    json!({
        "id": row.id, "sha256": row.sha256, "size_bytes": row.size_bytes, "direction": row.direction,
        "state": row.state, "historic": row.historic, "rfc_message_id": row.rfc_message_id,
        "from_email": row.from_email, "from_name": row.from_name, "subject": row.subject, "date_ms": row.date_ms,
        "stored_ms": row.stored_ms, "origin": row.origin, "muted": row.muted, "ticket_id": row.ticket_id,
        "thread_rule": row.thread_rule, "queue": row.queue, "queue_confidence": row.queue_confidence,
        "queue_reasons": row.queue_reasons,
    })
}

fn draft(row: &DraftRow) -> Value {
    json!({
        "id": row.id, "ticket_id": row.ticket_id, "message_id": row.message_id, "document_id": row.document_id,
        "kind": row.kind, "state": row.state, "account_id": row.account_id, "po_number": row.po_number,
        "least_confidence": row.least_confidence, "due_on": row.due_on, "revision": row.revision,
        "created_ms": row.created_ms, "decided_ms": row.decided_ms, "decided_by": row.decided_by,
    })
}

fn record(row: &RecordRow) -> Value {
    json!({
        "id": row.id, "draft_id": row.draft_id, "ticket_id": row.ticket_id, "account_id": row.account_id,
        "kind": row.kind, "po_number": row.po_number, "approved_ms": row.approved_ms,
        "approved_by": row.approved_by, "content": row.content,
    })
}

/// `GET /api/v1/tickets`
pub async fn list_tickets(State(desk): State<Arc<Desk>>, Query(asked): Query<Asked>) -> Answer {
    let queue =
        (!asked.queue.is_empty()).then(|| Queue::parse(&asked.queue).ok_or_else(|| bad("no such queue")));
    let state = (!asked.state.is_empty())
        .then(|| TicketState::parse(&asked.state).ok_or_else(|| bad("no such state")));
    let account_id = (!asked.account.is_empty()).then(|| AccountId::new(&asked.account));
    let filter = TicketFilter {
        queue: queue.transpose()?,
        state: state.transpose()?,
        account_id,
        ..TicketFilter::default()
    };
    let cursor = asked
        .after
        .split_once('.')
        .and_then(|(ms, id)| Some(TicketCursor { updated_ms: ms.parse().ok()?, id: TicketId::new(id) }));
    let found = desk.app.store.read().await?.list_tickets(&filter, cursor.as_ref(), ask(ROWS)).await?;
    let part = Part::cut(found, ROWS);
    Ok(list(&part, ticket, |last| {
        let (queue, state, account) = (&asked.queue, &asked.state, &asked.account);
        format!("queue={queue}&state={state}&account={account}&after={}.{}", last.updated_ms, last.id)
    }))
}

/// `GET /api/v1/tickets/{number}`: with its messages, drafts and participants.
pub async fn show_ticket(State(desk): State<Arc<Desk>>, Path(number): Path<i64>) -> Answer {
    let mut db = desk.app.store.read().await?;
    let found = super::ticket::find(&mut db, number).await?;
    let messages: Vec<Value> =
        db.list_conversation(&found.id, MESSAGES_MAX).await?.iter().map(|(row, _)| message(row)).collect();
    let drafts: Vec<Value> = db.list_drafts_of_ticket(&found.id).await?.iter().map(draft).collect();
    let participants = db.list_participants(&found.id).await?;
    let mut shown = ticket(&found);
    if let Some(fields) = shown.as_object_mut() {
        fields.insert("messages".to_owned(), json!(messages));
        fields.insert("drafts".to_owned(), json!(drafts));
        fields.insert("participants".to_owned(), json!(participants));
    }
    Ok(Json(shown))
}

async fn find_ticket(desk: &Desk, number: i64) -> Result<Ticket, ApiError> {
    // a ticket that was merged is the one that took it in
    Ok(super::ticket::find(&mut desk.app.store.read().await?, number).await?)
}

/// What is done to a ticket.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct TicketChange {
    state: Option<TicketState>,
    queue: Option<Queue>,
}

/// `POST /api/v1/tickets/{number}`
pub async fn change_ticket(
    State(desk): State<Arc<Desk>>,
    Extension(visit): Extension<Visit>,
    Path(number): Path<i64>,
    change: Result<Json<TicketChange>, JsonRejection>,
) -> Answer {
    let change = body(change)?;
    let found = find_ticket(&desk, number).await?;
    if let Some(queue) = change.queue {
        conversation::change(&desk.app, std::slice::from_ref(&found.id), &Change::Queue(queue), &visit.name)
            .await?;
    }
    if let Some(state) = change.state {
        conversation::change(&desk.app, &[found.id], &Change::State(state), &visit.name).await?;
    }
    Ok(Json(ticket(&find_ticket(&desk, number).await?)))
}

/// An answer to the customer.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Said {
    text: String,
    #[serde(default = "waiting")]
    then: TicketState,
}

fn waiting() -> TicketState {
    TicketState::Waiting
}

/// The key of `Idempotency-Key` with what is asked under it, for each access key on its own.
///
/// It may stand in quotes, as in the draft of the standard, or without, as most clients send it.
fn once(headers: &HeaderMap, visit: &Visit, number: i64, said: &Said) -> Result<Option<Once>, ApiError> {
    let Some(header) = headers.get("idempotency-key") else { return Ok(None) };
    let (number, then) = (number.to_string(), said.then.as_str());
    let content = [number.as_bytes(), said.text.trim().as_bytes(), then.as_bytes()];
    let who = format!("program:{}:{}", visit.person, visit.key_hash);
    let key = header.to_str().unwrap_or_default().trim();
    let key = key.strip_prefix('"').and_then(|key| key.strip_suffix('"')).unwrap_or(key);
    Once::new(&who, key, content).map(Some).ok_or_else(|| {
        ApiError::said(StatusCode::BAD_REQUEST, "Idempotency-Key: 1 to 255 visible characters")
    })
}

/// `POST /api/v1/tickets/{number}/answer`: once for each `Idempotency-Key`.
pub async fn answer_ticket(
    State(desk): State<Arc<Desk>>,
    Extension(visit): Extension<Visit>,
    Path(number): Path<i64>,
    headers: HeaderMap,
    said: Result<Json<Said>, JsonRejection>,
) -> Answer {
    let said = body(said)?;
    if said.text.trim().is_empty() {
        return Err(bad("text: an answer needs words"));
    }
    let once = once(&headers, &visit, number, &said)?;
    let found = find_ticket(&desk, number).await?;
    let reply = Reply {
        to: None,
        copies: Vec::new(),
        letter: Name::Answer,
        text: said.text.trim().to_owned(),
        whole: false,
        uploads: Vec::new(),
        files: Vec::new(),
        then: Some(said.then),
        seen: None,
    };
    match reply::send(&desk.app, &found, reply, once.as_ref(), &visit.name).await? {
        Replied::Done(id) => Ok(Json(json!({ "queued": true, "mail_id": id }))),
        Replied::Other => Err(bad("this Idempotency-Key was used for another request: choose a new one")),
        Replied::NoRecipient | Replied::BadFiles | Replied::Overtaken => Err(ApiError::said(
            StatusCode::CONFLICT,
            "no message of this ticket names an address to answer to",
        )),
    }
}

/// `GET /api/v1/messages/{id}`: with its parsed content.
pub async fn show_message(State(desk): State<Arc<Desk>>, Path(id): Path<String>) -> Answer {
    let mut db = desk.app.store.read().await?;
    let id = MessageId::new(id);
    let row = db.find_message(&id).await?.ok_or(PageError::NotFound)?;
    let parsed = db.find_parsed(&id).await?;
    let documents: Vec<Value> = db
        .list_documents(&id)
        .await?
        .iter()
        .map(|d| {
            json!({
                "id": d.id, "name": d.document.name, "media_type": d.document.media_type, "sha256": d.document.sha256,
                "size_bytes": d.document.size_bytes, "state": d.document.state, "page_count": d.document.page_count,
            })
        })
        .collect();
    let mut shown = message(&row);
    if let Some(fields) = shown.as_object_mut() {
        fields.insert("new_text".to_owned(), json!(parsed.as_ref().map(|m| &m.new_text)));
        fields.insert("quoted_text".to_owned(), json!(parsed.as_ref().map(|m| &m.quoted_text)));
        fields.insert("documents".to_owned(), json!(documents));
    }
    Ok(Json(shown))
}

/// `GET /api/v1/messages/{id}/raw`: the mail as it came, byte for byte.
pub async fn raw_message(
    State(desk): State<Arc<Desk>>,
    Path(id): Path<String>,
) -> Result<Response, ApiError> {
    let row = desk.app.store.read().await?.find_message(&MessageId::new(id)).await?;
    let bytes = desk.app.blob.get(&row.ok_or(PageError::NotFound)?.sha256).await?;
    Ok(([(header::CONTENT_TYPE, "message/rfc822"), (header::CONTENT_DISPOSITION, "attachment")], bytes)
        .into_response())
}

/// `GET /api/v1/drafts`: those in a state, by default those to review in the order in which they are reviewed.
pub async fn list_drafts(State(desk): State<Arc<Desk>>, Query(asked): Query<Asked>) -> Answer {
    let after = (!asked.after.is_empty()).then(|| DraftId::new(&asked.after));
    let mut db = desk.app.store.read().await?;
    let found = match asked.state.as_str() {
        "" | "proposed" => db.list_draft_queue(Whose::All, after.as_ref(), ask(ROWS)).await?,
        state => {
            let state = DraftState::parse(state).ok_or_else(|| bad("no such state"))?;
            db.list_drafts_by_state(state, after.as_ref(), ask(ROWS)).await?
        }
    };
    Ok(list(&Part::cut(found, ROWS), draft, |last| format!("state={}&after={}", asked.state, last.id)))
}

async fn find_draft(desk: &Desk, id: String) -> Result<DraftRow, ApiError> {
    Ok(desk.app.store.read().await?.find_draft(&DraftId::new(id)).await?.ok_or(PageError::NotFound)?)
}

/// `GET /api/v1/drafts/{id}`: with fields and lines, each with its confidence and its place.
pub async fn show_draft(State(desk): State<Arc<Desk>>, Path(id): Path<String>) -> Answer {
    let row = find_draft(&desk, id).await?;
    let mut shown = draft(&row);
    if let Some(fields) = shown.as_object_mut() {
        fields.insert("content".to_owned(), json!(row.content));
    }
    Ok(Json(shown))
}

/// What is decided about a draft, as it was seen.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Verdict {
    revision: i64,
    #[serde(default)]
    reason: String,
    #[serde(default)]
    tell: bool,
    /// Problems that are approved all the same, as a refusal names them: `missing_po_number po_number`.
    #[serde(default)]
    accept: Vec<String>,
}

fn decided<T>(decided: Decided<T>) -> Result<T, ApiError> {
    let refused = |text| Err(ApiError::said(StatusCode::CONFLICT, text));
    match decided {
        Decided::Done(done) => Ok(done),
        Decided::Conflict => refused("the draft was changed or decided meanwhile: read it again"),
        Decided::NoRecipient => refused("there is nobody to write to"),
        Decided::Test => refused("its sender marked it as a test"),
        Decided::Unsettled(findings) => {
            let told = |f: &Finding| format!("{}: {}", edit::key(f), f.message);
            let told: Vec<String> = findings.iter().map(told).collect();
            let hint = if findings.iter().any(is_malformed) {
                "these values cannot be recorded: correct them first"
            } else {
                "name what is approved all the same in `accept`"
            };
            let message = UserMessage { text: told.join(" "), hint: hint.to_owned() };
            Err(ApiError(PageError::Refused(StatusCode::UNPROCESSABLE_ENTITY, message)))
        }
    }
}

/// `POST /api/v1/drafts/{id}/approve`: as it stands.
pub async fn approve_draft(
    State(desk): State<Arc<Desk>>,
    Extension(visit): Extension<Visit>,
    Path(id): Path<String>,
    verdict: Result<Json<Verdict>, JsonRejection>,
) -> Answer {
    let verdict = body(verdict)?;
    let row = find_draft(&desk, id).await?;
    let edited = Edited::untouched(row.id, verdict.revision, row.content);
    let record = decided(decision::approve(&desk.app, edited, &verdict.accept, &visit.name).await?)?;
    Ok(Json(json!({ "record_id": record })))
}

/// `POST /api/v1/drafts/{id}/reject`
pub async fn reject_draft(
    State(desk): State<Arc<Desk>>,
    Extension(visit): Extension<Visit>,
    Path(id): Path<String>,
    verdict: Result<Json<Verdict>, JsonRejection>,
) -> Answer {
    let Verdict { revision, reason, tell, .. } = body(verdict)?;
    let row = find_draft(&desk, id).await?;
    let edited = Edited::untouched(row.id, revision, row.content);
    decided(decision::reject(&desk.app, edited, &reason, tell, &visit.name).await?)?;
    Ok(Json(json!({ "rejected": true })))
}

/// `GET /api/v1/records`: oldest first, so that a program that keeps `next` sees each once.
pub async fn list_records(State(desk): State<Arc<Desk>>, Query(asked): Query<Asked>) -> Answer {
    let after = (!asked.after.is_empty()).then(|| RecordId::new(&asked.after));
    let found = desk.app.store.read().await?.list_records(after.as_ref(), ask(ROWS)).await?;
    Ok(list(&Part::cut(found, ROWS), record, |last| format!("after={}", last.id)))
}

/// `GET /api/v1/records/{id}`
pub async fn show_record(State(desk): State<Arc<Desk>>, Path(id): Path<String>) -> Answer {
    let found = desk.app.store.read().await?.find_record(&RecordId::new(id)).await?;
    Ok(Json(record(&found.ok_or(PageError::NotFound)?)))
}

/// What is searched for, in the query language of the search page.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Question {
    q: String,
    page: usize,
}

/// `GET /api/v1/search`: messages, the best or the latest first, as the query says.
pub async fn search(State(desk): State<Arc<Desk>>, Query(question): Query<Question>) -> Answer {
    let query = query::parse(question.q.trim(), &desk.app.now()).map_err(|error| bad(&error.to_string()))?;
    let page = question.page.clamp(1, PAGES_MAX);
    let limit = ROWS as usize;
    let wanted = Wanted { limit, offset: (page - 1) * limit, by_ticket: false, facets: None };
    let app = Arc::clone(&desk.app);
    let found = tokio::task::spawn_blocking(move || app.index.search_for(&query, &wanted)).await??;
    let hits: Vec<Value> = found
        .hits
        .iter()
        .map(|hit| {
            json!({
                "message_id": hit.message_id, "ticket_number": hit.ticket_number, "date_ms": hit.date_ms,
                "from": hit.from.text, "subject": hit.subject.text, "text": hit.body.text,
                "file": hit.file.as_ref().map(|file| &file.text),
            })
        })
        .collect();
    let more = page * limit < found.total && !hits.is_empty() && page < PAGES_MAX;
    let next = more.then(|| format!("q={}&page={}", percent_encode(&question.q), page + 1));
    Ok(Json(json!({ "data": hits, "total": found.total, "next": next })))
}

/// `GET /api/v1/accounts`
pub async fn list_accounts(State(desk): State<Arc<Desk>>, Query(asked): Query<Asked>) -> Answer {
    let found = desk.app.store.read().await?.list_accounts(&asked.after, ask(ROWS)).await?;
    Ok(list(&Part::cut(found, ROWS), |row| json!(row), |last| format!("after={}", last.account.account_no)))
}

/// `GET /api/v1/accounts/{id}`
pub async fn show_account(State(desk): State<Arc<Desk>>, Path(id): Path<String>) -> Answer {
    let found = desk.app.store.read().await?.find_account(&AccountId::new(id)).await?;
    Ok(Json(json!(found.ok_or(PageError::NotFound)?)))
}

/// `POST /api/v1/accounts/{id}`: replaces what is on file; the number stays.
pub async fn change_account(
    State(desk): State<Arc<Desk>>,
    Extension(visit): Extension<Visit>,
    Path(id): Path<String>,
    account: Result<Json<Account>, JsonRejection>,
) -> Answer {
    let account = body(account)?;
    let id = AccountId::new(id);
    desk.app.store.read().await?.find_account(&id).await?.ok_or(PageError::NotFound)?;
    match master_data::edit_account(&desk.app, &id, &account, None, &visit.name).await? {
        master_data::Edited::Kept(changed) => Ok(Json(json!({ "changed": changed }))),
        master_data::Edited::Changed(_) => Err(PageError::refused(StatusCode::CONFLICT, "error.gone").into()),
        master_data::Edited::Wrong(findings) => {
            let messages: Vec<_> = findings.into_iter().map(|finding| finding.message).collect();
            Err(ApiError::said(StatusCode::UNPROCESSABLE_ENTITY, &messages.join(" ")))
        }
    }
}
