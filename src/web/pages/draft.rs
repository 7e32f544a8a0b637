//! Drafts: the list, and the review page with everything that a person may decide.

use super::{document, lesson, undo};
use crate::{
    model::{
        draft::{Draft, DraftState, Kind},
        finding::{Finding, Severity},
        ids::{DraftId, LessonId},
    },
    pipeline::{decision, edit},
    store::{
        Db,
        draft::{DraftRow, Whose},
        record::RecordRow,
    },
    validate::{
        remedy::{Remedy, Take},
        value::is_malformed,
    },
    web::{
        Desk,
        error::PageError,
        finding,
        frame::Frame,
        paging,
        review::{self, Level, Taught},
        rights::Right,
        session::Visit,
        text, views,
    },
};
use axum::{
    Extension, Json,
    extract::{Path, Query, State},
    http::StatusCode,
    response::{IntoResponse as _, Response},
};
use serde::Deserialize;
use serde_json::{Value, json};
use std::sync::Arc;

/// Drafts on one page of the list.
const DRAFTS_PER_PAGE: u32 = 50;
/// Earlier orders of the customer within reach.
const EARLIER_ORDERS_SHOWN: u32 = 5;
/// Empty lines shown at once at most.
const SPARE_LINES_MAX: usize = 20;
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
    /// `approve`: an approval was held up.
    ask: String,
    /// Empty lines to fill in.
    lines: String,
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

pub(super) fn is_editable(row: &DraftRow) -> bool {
    matches!(row.state, DraftState::Proposed | DraftState::Asked)
}

/// `GET /drafts/{id}`
pub async fn show(
    State(desk): State<Arc<Desk>>,
    Extension(visit): Extension<Visit>,
    Path(id): Path<String>,
    Query(trail): Query<Trail>,
) -> Result<Response, PageError> {
    let row = &find(&desk, &id).await?;
    let content =
        &if is_editable(row) { edit::checked_today(&desk.app, row).await? } else { row.content.clone() };
    let spare_lines = trail.lines.parse().unwrap_or(0).min(SPARE_LINES_MAX);
    let spare_lines =
        if is_editable(row) { spare_lines.max(usize::from(content.lines.is_empty())) } else { 0 };
    let frame = Frame::load(&desk, &visit, "drafts").await?;
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
    let was = find_was(&mut db, &trail.was).await?;
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
    let others = other_files(&mut db, row).await?;
    drop(db);
    let pages = document::read_pages(&desk, &document.document).await?;
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
    let remedies = if is_editable(row) { edit::remedies(&desk.app, row).await? } else { Vec::new() };
    let remedies: Vec<Value> = remedies
        .iter()
        .map(|r| json!({ "code": r.code, "field": r.field, "take": r.take, "value": remedy_value(r), "key": remedy_key(r) }))
        .collect();
    let form = review::sheet(content, spare_lines);
    let asked = is_editable(row) && trail.ask == "approve";
    let held = if asked { held(content) } else { Vec::new() };
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
        "ask": trail.ask, "held": held, "malformed": content.findings.iter().any(is_malformed), "spare_lines": spare_lines, "others": others,
        "precedents": precedents, "undo": undo, "people": people, "question": text::in_language(&ticket.language, || question(content)), "ask_to": ask_to,
        "kinds": Kind::ALL.iter().map(|kind| kind.as_str()).collect::<Vec<_>>(),
    });
    views::page("draft.html", context)
}

/// What holds an approval up, each with the input that it is about.
fn held(content: &Draft) -> Vec<Value> {
    let one = |finding: &Finding| {
        let field = finding.field.as_deref().unwrap_or_default();
        let (input, label) = match field.strip_prefix("lines.").and_then(|cell| cell.split_once('.')) {
            Some((line, column)) => (format!("l-{line}-{column}"), text::label(column)),
            None if field.is_empty() || field == "lines" => (String::new(), String::new()),
            None => (format!("f-{field}"), text::label(field)),
        };
        json!({ "key": edit::key(finding), "message": finding.message, "input": input, "label": label })
    };
    edit::unsettled(&content.findings, &[], &[]).iter().map(one).collect()
}

/// The other drafts and documents of the same mail.
async fn other_files(db: &mut Db, row: &DraftRow) -> Result<Vec<Value>, PageError> {
    let drafts = db.list_drafts_of_message(&row.message_id).await?;
    let mut found = Vec::new();
    for document in db.list_documents(&row.message_id).await? {
        let mut made = drafts.iter().filter(|draft| draft.document_id == document.id).peekable();
        if made.peek().is_none() {
            let name = document.document.name.clone();
            found.push(json!({ "address": format!("/documents/{}", document.id), "name": name }));
        }
        for draft in made.filter(|draft| draft.id != row.id) {
            found.push(json!({
                "address": format!("/drafts/{}", draft.id), "name": document.document.name,
                "kind": draft.kind, "po_number": draft.po_number, "state": draft.state,
            }));
        }
    }
    Ok(found)
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
pub(super) fn remedy_key(remedy: &Remedy) -> String {
    format!("{} {} {}", remedy.take.as_str(), remedy.field, remedy.value.trim())
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

/// What one would ask the customer, in the language of the page or letter under way, from what is missing and what is a
/// problem that a customer can solve: one sentence a line.
fn question(content: &Draft) -> String {
    let form = review::sheet(content, 0);
    let missing = form.fields.iter().filter(|f| matches!(f.level, Level::Missing));
    let missing = missing.map(|f| text::filled("draft.ask_field", &[("label", f.label.clone())]));
    let problems = content.findings.iter().filter(|f| f.severity == Severity::Problem && !is_malformed(f));
    missing.chain(problems.filter_map(|f| finding::asked(&f.message))).collect::<Vec<_>>().join("\n")
}
