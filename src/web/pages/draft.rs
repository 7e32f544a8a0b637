//! Drafts: the list, and the review page with everything that a person may decide.

use super::{document, lesson, undo};
use crate::{
    model::{
        draft::{Draft, DraftState, Kind},
        finding::{Finding, Severity},
        ids::{DraftId, LessonId},
    },
    pipeline::{
        decision::{self, Decided, Edited},
        effort,
    },
    store::{
        Db,
        draft::{DraftRow, Whose},
        effort::Effort,
        record::RecordRow,
    },
    validate::remedy::{Remedy, Take},
    web::{
        Desk,
        error::PageError,
        finding,
        frame::Frame,
        paging,
        review::{self, Level, Taught},
        rights::Right,
        session::{Posted, Visit},
        text, views,
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

/// Drafts on one page of the list.
const DRAFTS_PER_PAGE: u32 = 50;
/// Earlier orders of the customer within reach.
const EARLIER_ORDERS_SHOWN: u32 = 5;
/// Pages of a document shown beside the form at most.
const PAGES_SHOWN_MAX: usize = 40;

/// Which part of the list.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Part {
    state: String,
    after: String,
    /// `me`: only what was handed to whoever asks.
    of: String,
    /// The draft that was decided just before.
    was: String,
}

/// Where one comes from.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Trail {
    /// The draft that was decided just before.
    was: String,
}

/// `GET /drafts`
pub async fn list(
    State(desk): State<Arc<Desk>>,
    Extension(visit): Extension<Visit>,
    Query(part): Query<Part>,
) -> Result<Response, PageError> {
    let frame = Frame::load(&desk, &visit, "drafts").await?;
    let mut db = desk.app.store.read().await?;
    let state = DraftState::parse(&part.state).unwrap_or(DraftState::Proposed);
    let after = Some(DraftId::new(part.after)).filter(|id| !id.as_str().is_empty());
    let found = match state {
        DraftState::Proposed => {
            let whose = if part.of == "me" { Whose::Of(&visit.name) } else { Whose::All };
            db.list_draft_queue(whose, after.as_ref(), paging::ask(DRAFTS_PER_PAGE)).await?
        }
        _ => db.list_drafts_by_state(state, after.as_ref(), paging::ask(DRAFTS_PER_PAGE)).await?,
    };
    let found = paging::Part::cut(found, DRAFTS_PER_PAGE);
    let was = find_was(&mut db, &part.was).await?;
    let mut drafts = Vec::new();
    for row in &found.rows {
        let number = db.find_ticket(&row.ticket_id).await?.map_or(0, |ticket| ticket.number);
        drafts.push(summary(row, number));
    }
    let of = if part.of == "me" { "&of=me" } else { "" };
    let next = found.next(|row| format!("/drafts?state={}{of}&after={}", state.as_str(), row.id));
    let states: Vec<&str> = DraftState::ALL.iter().map(|state| state.as_str()).collect();
    let context = json!({
        "frame": frame, "states": states, "state": state, "drafts": drafts, "next": next, "was": was,
        "of": part.of,
    });
    views::page("drafts.html", context)
}

/// What was done just before, for the line above the next draft.
async fn find_was(db: &mut Db, id: &str) -> Result<Option<Value>, PageError> {
    if id.is_empty() {
        return Ok(None);
    }
    let Some(row) = db.find_draft(&DraftId::new(id)).await? else { return Ok(None) };
    if row.state == DraftState::Proposed {
        return Ok(None);
    }
    let record = db.find_record_of_draft(&row.id).await?.map(|record| record.id);
    let kind = text::choice("kind", row.kind.as_str());
    let what = format!("{kind} {}", row.po_number);
    let undo = undo::offer(db, &row).await?;
    Ok(Some(json!({
        "id": row.id, "state": row.state, "what": what.trim(), "record": record, "revision": row.revision, "undo": undo,
    })))
}

/// To what is to be reviewed after a draft that was decided.
async fn go_on(desk: &Desk, visit: &Visit, row: &DraftRow) -> Result<Response, PageError> {
    let next = desk.app.store.read().await?.find_next_draft(&row.id, &visit.name).await?;
    let address = next.map_or_else(|| "/drafts".to_owned(), |next| format!("/drafts/{next}"));
    Ok(Redirect::to(&format!("{address}?was={}", row.id)).into_response())
}

fn summary(row: &DraftRow, ticket_number: i64) -> Value {
    let count = |severity| row.content.findings.iter().filter(|f| f.severity == severity).count();
    json!({
        "id": row.id, "kind": row.kind, "po_number": row.po_number, "buyer_name": row.buyer_name,
        "ticket_number": ticket_number, "lines": row.content.lines.len(),
        "least_confidence": row.least_confidence, "level": review::level(row.least_confidence),
        "problems": count(Severity::Problem), "checks": count(Severity::Check), "created_ms": row.created_ms,
        "assignee": row.assignee, "wanted_on": row.content.wanted_on().map(|day| day.to_string()),
    })
}

pub(super) async fn find(desk: &Desk, id: &str) -> Result<DraftRow, PageError> {
    let row = desk.app.store.read().await?.find_draft(&DraftId::new(id)).await?;
    row.ok_or(PageError::NotFound)
}

fn is_editable(row: &DraftRow) -> bool {
    matches!(row.state, DraftState::Proposed | DraftState::Asked)
}

/// `GET /drafts/{id}`
pub async fn show(
    State(desk): State<Arc<Desk>>,
    Extension(visit): Extension<Visit>,
    Path(id): Path<String>,
    Query(trail): Query<Trail>,
) -> Result<Response, PageError> {
    let row = find(&desk, &id).await?;
    let content = row.content.clone();
    let spare_lines = usize::from(is_editable(&row) && content.lines.is_empty());
    page(&desk, &visit, &row, &content, spare_lines, &trail.was).await
}

/// The review page of a draft, with what may have been typed but not saved.
async fn page(
    desk: &Desk,
    visit: &Visit,
    row: &DraftRow,
    content: &Draft,
    spare_lines: usize,
    was: &str,
) -> Result<Response, PageError> {
    let frame = Frame::load(desk, visit, "drafts").await?;
    let mut db = desk.app.store.read().await?;
    let ticket = db.find_ticket(&row.ticket_id).await?.ok_or(PageError::NotFound)?;
    let document = db.find_document(&row.document_id).await?.ok_or(PageError::NotFound)?;
    let account = match &row.account_id {
        Some(id) => db.find_account(id).await?.map(|found| found.account),
        None => None,
    };
    let earlier = match &row.account_id {
        Some(id) => db.list_records_of_account(id, EARLIER_ORDERS_SHOWN + 1).await?,
        None => Vec::new(),
    };
    let earlier = earlier.iter().filter(|record| record.draft_id != row.id);
    let earlier: Vec<Value> = earlier.take(EARLIER_ORDERS_SHOWN as usize).map(earlier_order).collect();
    let was = find_was(&mut db, was).await?;
    let undo = undo::offer(&mut db, row).await?;
    let people = undo::reviewers(&mut db).await?;
    let place = db.find_place_in_queue(&row.id).await?;
    let conversation = db.list_conversation(&ticket.id, 500).await?;
    let mail = conversation.iter().find(|(message, _)| message.id == row.message_id);
    let mail = mail.and_then(|(_, parsed)| parsed.as_ref()).map(|parsed| {
        let from = parsed.from.as_ref().map(|from| match &from.name {
            Some(name) => format!("{name} <{}>", from.email),
            None => from.email.clone(),
        });
        json!({ "subject": parsed.subject, "text": parsed.new_text, "from": from })
    });
    let mut precedents = Vec::new();
    for precedent in content.precedents.iter().filter(|p| !p.fields.is_empty()) {
        if let Some(row) = db.find_lesson(&LessonId::new(precedent.lesson.clone())).await? {
            let mut shown = lesson::summary(&mut db, &row).await?;
            if let Some(shown) = shown.as_object_mut() {
                shown.insert("found".to_owned(), json!(precedent.fields.len()));
            }
            precedents.push(shown);
        }
    }
    drop(db);
    let pages = document::read_pages(desk, &document.document).await?;
    let [first, last] = content.page_range;
    let shown: Vec<_> = pages
        .pages
        .iter()
        .filter(|page| (first..=last).contains(&page.number))
        .take(PAGES_SHOWN_MAX)
        .map(|page| {
            let address = format!("/documents/{}/pages/{}.png", document.id, page.number);
            review::show_page(page, content, Some(address))
        })
        .collect();
    let remedies = if is_editable(row) { decision::remedies(&desk.app, row).await? } else { Vec::new() };
    let remedies: Vec<Value> = remedies
        .iter()
        .map(|r| json!({ "code": r.code, "field": r.field, "take": r.take, "value": remedy_value(r), "key": remedy_key(r) }))
        .collect();
    let form = review::sheet(content, spare_lines);
    let how = if document.document.how.is_empty() { "unread" } else { &document.document.how };
    let ask_to = decision::answer_address(&conversation).map(|a| a.email).unwrap_or_default();
    let context = json!({
        "frame": frame, "ticket": { "number": ticket.number, "reference": ticket.reference() },
        "draft": {
            "id": row.id, "kind": content.kind, "state": row.state, "revision": row.revision,
            "po_number": content.text("po_number").unwrap_or_default(),
            "kind_confidence": content.kind_confidence, "kind_level": review::level(content.kind_confidence),
            "account_reason": row.account_reason, "decided_by": row.decided_by, "decided_ms": row.decided_ms,
            "decision_note": row.decision_note, "assignee": row.assignee,
        },
        "document": {
            "id": document.id, "name": document.document.name, "how": how, "findings": document.document.findings,
        },
        "account": account, "pages": shown, "editable": is_editable(row) && visit.may(Right::Review), "test": content.is_test(),
        "remedies": remedies, "was": was, "mail": mail, "earlier": earlier,
        "place": place.map(|p| json!({ "number": p.number, "of": p.of, "previous": p.previous, "next": p.next })),
        "fields": form.fields, "spare": form.spare, "columns": form.columns, "lines": form.lines,
        "line_count": content.lines.len(), "sum": form.sum, "findings": form.findings,
        "precedents": precedents, "undo": undo, "people": people, "question": text::in_language(&ticket.language, || question(content)), "ask_to": ask_to,
        "kinds": Kind::ALL.iter().map(|kind| kind.as_str()).collect::<Vec<_>>(),
    });
    views::page("draft.html", context)
}

fn earlier_order(record: &RecordRow) -> Value {
    let field = |name: &str| record.content.text(name).unwrap_or_default().to_owned();
    json!({
        "id": record.id, "kind": record.kind, "po_number": record.po_number, "approved_ms": record.approved_ms,
        "total": review::printed("total", &field("total")), "currency": field("currency"), "lines": record.content.lines.len(),
    })
}

/// What a remedy takes, as the reader writes it.
fn remedy_value(remedy: &Remedy) -> String {
    match remedy.take {
        Take::Price => review::written("unit_price", &remedy.value),
        Take::Address | Take::Item => remedy.value.clone(),
    }
}

/// A remedy as its button names it.
fn remedy_key(remedy: &Remedy) -> String {
    format!("{} {} {}", remedy.take.as_str(), remedy.field, remedy.value.trim())
}

/// The name of the input for a path: `f.total` for `total`, `l.2.sku` for `lines.2.sku`.
fn input_name(path: &str) -> String {
    path.strip_prefix("lines.").map_or_else(|| format!("f.{path}"), |cell| format!("l.{cell}"))
}

/// Where a person drew a box, and for which field.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Drawing {
    page: u32,
    field: String,
    /// Left, top, right, bottom in fractions of the page, with commas.
    corners: String,
}

/// `GET /drafts/{id}/words`: what stands in a box on a page, as the value of a field.
pub async fn words(
    State(desk): State<Arc<Desk>>,
    Path(id): Path<String>,
    Query(drawing): Query<Drawing>,
) -> Result<Response, PageError> {
    let row = find(&desk, &id).await?;
    let Some(drawn) = review::corners_of(&drawing.corners, ',') else {
        return Err(PageError::refused(StatusCode::UNPROCESSABLE_ENTITY, "error.bad_form"));
    };
    let document = desk.app.store.read().await?.find_document(&row.document_id).await?;
    let document = document.ok_or(PageError::NotFound)?.document;
    let pages = document::read_pages(&desk, &document).await?;
    let page = pages.pages.iter().find(|page| page.number == drawing.page);
    let taught = page.and_then(|page| review::teach(page, &row.content, &drawing.field, &drawn));
    let taught =
        taught.map(|taught| Taught { value: review::written(&drawing.field, &taught.value), ..taught });
    Ok(Json(json!({ "taught": taught })).into_response())
}

/// What one would ask the customer, in the language of the page or letter under way, from what is missing and what is a problem: one sentence a line.
fn question(content: &Draft) -> String {
    let form = review::sheet(content, 0);
    let missing = form.fields.iter().filter(|f| matches!(f.level, Level::Missing));
    let missing = missing.map(|f| text::filled("draft.ask_field", &[("label", f.label.clone())]));
    let problems = content.findings.iter().filter(|f: &&Finding| f.severity == Severity::Problem);
    missing.chain(problems.map(|f| finding::said(&f.message))).collect::<Vec<_>>().join("\n")
}

/// `POST /drafts/{id}`: save, approve, or add a line.
pub async fn change(
    State(desk): State<Arc<Desk>>,
    Extension(visit): Extension<Visit>,
    Path(id): Path<String>,
    Extension(posted): Extension<Posted>,
) -> Result<Response, PageError> {
    let row = find(&desk, &id).await?;
    let Some(revision) = posted.number("revision") else {
        return Err(PageError::refused(StatusCode::UNPROCESSABLE_ENTITY, "error.bad_form"));
    };
    let wish = posted.text("remedy");
    let mut typed = posted.0.clone();
    let mut taken = None;
    if !wish.is_empty() && revision == row.revision {
        let remedies = decision::remedies(&desk.app, &row).await?;
        let Some(remedy) = remedies.into_iter().find(|remedy| remedy_key(remedy) == wish) else {
            return Err(PageError::refused(StatusCode::UNPROCESSABLE_ENTITY, "error.bad_form"));
        };
        taken = Some(format!("took the {} on file: {}", remedy.take.as_str(), remedy.value));
        typed.extend(remedy.sets.into_iter().map(|(path, value)| {
            let name = path.rsplit('.').next().unwrap_or_default();
            (input_name(&path), review::written(name, &value))
        }));
    }
    let (content, mut changed) = review::apply(&row.content, &typed, &visit.name);
    changed.extend(taken);
    if revision != row.revision {
        return conflict(&desk, &visit, &row, &content).await;
    }
    measure(&desk, &row, &posted, changed.len()).await;
    let edited = Edited { id: row.id.clone(), revision, content: content.clone(), changed };
    let address = match posted.text("do") {
        "approve" => match decision::approve(&desk.app, edited, &visit.name).await? {
            Decided::Done(_) => return go_on(&desk, &visit, &row).await,
            Decided::Test => return Err(PageError::refused(StatusCode::CONFLICT, "error.test")),
            Decided::Conflict | Decided::NoRecipient => return conflict(&desk, &visit, &row, &content).await,
        },
        "add-line" => return page(&desk, &visit, &row, &content, 1, "").await,
        _ => match decision::save(&desk.app, edited, &visit.name).await? {
            Decided::Done(()) => format!("/drafts/{id}?done=saved"),
            _ => return conflict(&desk, &visit, &row, &content).await,
        },
    };
    Ok(Redirect::to(&address).into_response())
}

/// Keeps what this visit cost, if the page measured it. Nothing depends on it.
async fn measure(desk: &Desk, row: &DraftRow, posted: &Posted, edits: usize) {
    let (Some(focus_ms), Some(keystrokes)) = (posted.number("effort_ms"), posted.number("effort_keys"))
    else {
        return;
    };
    let visit = Effort { focus_ms, keystrokes, edits: i64::try_from(edits).unwrap_or(i64::MAX) };
    if let Err(error) = effort::add(&desk.app, &row.id, visit).await {
        tracing::warn!(draft = %row.id, "the effort for a draft was not kept: {error:#}");
    }
}

/// Says that somebody was quicker, and where the values differ.
async fn conflict(desk: &Desk, visit: &Visit, row: &DraftRow, mine: &Draft) -> Result<Response, PageError> {
    let frame = Frame::load(desk, visit, "drafts").await?;
    let theirs = find(desk, row.id.as_str()).await?.content;
    let value = |draft: &Draft, name: &str| {
        draft.fields.get(name).map(|p| review::written(name, &review::shown(&p.value)))
    };
    let mut names: Vec<&String> = mine.fields.keys().chain(theirs.fields.keys()).collect();
    names.sort();
    names.dedup();
    let differing: Vec<Value> = names
        .into_iter()
        .filter(|name| value(mine, name) != value(&theirs, name))
        .map(|name| {
            json!({ "label": text::label(name), "theirs": value(&theirs, name).unwrap_or_default(),
                    "mine": value(mine, name).unwrap_or_default() })
        })
        .collect();
    let context = json!({ "frame": frame, "id": row.id, "mine": differing });
    views::page_with(StatusCode::CONFLICT, "draft_conflict.html", context)
}

/// `POST /drafts/{id}/reject`
pub async fn reject(
    State(desk): State<Arc<Desk>>,
    Extension(visit): Extension<Visit>,
    Path(id): Path<String>,
    Extension(posted): Extension<Posted>,
) -> Result<Response, PageError> {
    let row = find(&desk, &id).await?;
    let revision = posted.number("revision").unwrap_or(-1);
    let reason = posted.text("reason");
    if reason.is_empty() {
        return Err(PageError::refused(StatusCode::UNPROCESSABLE_ENTITY, "error.bad_form"));
    }
    measure(&desk, &row, &posted, 0).await;
    let tell = posted.text("tell") == "yes";
    match decision::reject(&desk.app, &row.id, revision, reason, tell, &visit.name).await? {
        Decided::Done(()) => go_on(&desk, &visit, &row).await,
        Decided::NoRecipient => Err(PageError::refused(StatusCode::CONFLICT, "error.no_recipient")),
        Decided::Conflict | Decided::Test => conflict(&desk, &visit, &row, &row.content).await,
    }
}

/// `POST /drafts/{id}/ask`
pub async fn ask(
    State(desk): State<Arc<Desk>>,
    Extension(visit): Extension<Visit>,
    Path(id): Path<String>,
    Extension(posted): Extension<Posted>,
) -> Result<Response, PageError> {
    let row = find(&desk, &id).await?;
    let revision = posted.number("revision").unwrap_or(-1);
    let question = posted.text("text").replace("\r\n", "\n");
    if question.is_empty() {
        return Err(PageError::refused(StatusCode::UNPROCESSABLE_ENTITY, "error.bad_form"));
    }
    measure(&desk, &row, &posted, 0).await;
    match decision::ask(&desk.app, &row.id, revision, &question, &visit.name).await? {
        Decided::Done(()) => go_on(&desk, &visit, &row).await,
        Decided::NoRecipient => Err(PageError::refused(StatusCode::CONFLICT, "error.no_recipient")),
        Decided::Conflict | Decided::Test => conflict(&desk, &visit, &row, &row.content).await,
    }
}
