//! Customers: the list, one of them with everything that it ever wrote and ordered, import and export, and merges.

use super::{
    account_form,
    import::{self, Way},
};
use crate::{
    model::{
        account::{Account, AccountRow},
        ids::AccountId,
        text::fold,
    },
    pipeline::master_data,
    store::Db,
    validate::master_data::{account_cells, write_csv},
    web::{
        Desk,
        error::{PageError, percent_encode},
        frame::Frame,
        paging::{Part, ask},
        review,
        session::{Files, Posted, Visit},
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

/// Customers on one page.
const ACCOUNTS_PER_PAGE: u32 = 50;
/// Rows of each kind on a page of one customer.
const ROWS_MAX: u32 = 20;
/// Rows of a kind that can be gone back.
const SKIP_MAX: u32 = 1_000_000;
/// What customers call our items, shown at most.
const REFERENCES_MAX: u32 = 200;
/// Longest note.
const NOTE_CHARS_MAX: usize = 4_000;

/// What was typed, and which part of the list.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Asked {
    q: String,
    after: String,
}

/// Whether every word that was asked for stands in one of the texts.
pub(super) fn matches<'a>(words: &[String], texts: impl Iterator<Item = &'a String>) -> bool {
    let text = texts.map(|text| fold(text)).collect::<Vec<_>>().join(" ");
    words.iter().all(|word| text.contains(word.as_str()))
}

/// The words of a question.
pub(super) fn words(question: &str) -> Vec<String> {
    fold(question).split(' ').filter(|word| !word.is_empty()).map(str::to_owned).collect()
}

fn found<'a>(words: &'a [String], accounts: &'a [AccountRow]) -> impl Iterator<Item = &'a AccountRow> {
    accounts.iter().filter(move |row| {
        let account = &row.account;
        let texts =
            [&account.account_no, &account.name, &account.email_domain, &account.tax_id, &account.bill_to];
        matches(words, texts.into_iter().chain(&account.aliases).chain(&account.contacts))
    })
}

/// `GET /accounts`
pub async fn list(
    State(desk): State<Arc<Desk>>,
    Extension(visit): Extension<Visit>,
    Query(asked): Query<Asked>,
) -> Result<Response, PageError> {
    let frame = Frame::load(&desk, &visit, "accounts").await?;
    let known = desk.app.store.read().await?.list_all_accounts().await?;
    let words = words(&asked.q);
    let total = found(&words, &known).count();
    let rows: Vec<&AccountRow> = found(&words, &known)
        .filter(|row| row.account.account_no.as_str() > asked.after.as_str())
        .take(ask(ACCOUNTS_PER_PAGE) as usize)
        .collect();
    let part = Part::cut(rows, ACCOUNTS_PER_PAGE);
    let next = part.next(|last| {
        format!("/accounts?q={}&after={}", percent_encode(&asked.q), percent_encode(&last.account.account_no))
    });
    let accounts: Vec<Value> =
        part.rows.iter().map(|row| json!({ "id": row.id, "account": row.account })).collect();
    let duplicates = master_data::duplicates(&known).len();
    let context = json!({
        "frame": frame, "accounts": accounts, "next": next, "q": asked.q, "total": total, "duplicates": duplicates,
        "form": account_form::kept(&Account::default()),
    });
    views::page("accounts.html", context)
}

/// `GET /accounts/{id}`
pub async fn show(
    State(desk): State<Arc<Desk>>,
    Extension(visit): Extension<Visit>,
    Path(id): Path<String>,
    Query(window): Query<Window>,
) -> Result<Response, PageError> {
    let frame = Frame::load(&desk, &visit, "accounts").await?;
    let id = AccountId::new(id);
    let mut db = desk.app.store.read().await?;
    if let Some(standing) = db.find_standing_account(&id).await? {
        return Ok(Redirect::to(&format!("/accounts/{standing}")).into_response());
    }
    let row = db.find_account(&id).await?.ok_or(PageError::NotFound)?;
    let mut context = written_and_ordered(&mut db, &id, &window).await?;
    let account_no = &row.account.account_no;
    let prices: Vec<Value> = db
        .list_all_catalogue_items()
        .await?
        .iter()
        .filter_map(|item| {
            let (price, theirs) = (item.customer_prices.get(account_no), item.customer_skus.get(account_no));
            (price.is_some() || theirs.is_some())
                .then(|| json!({ "sku": item.sku, "price": price, "theirs": theirs }))
        })
        .take(REFERENCES_MAX as usize)
        .collect();
    let merges: Vec<Value> = db
        .list_merges(&id)
        .await?
        .iter()
        .map(|merge| json!({ "id": merge.id, "no": merge.merged_no, "who": merge.merged_by, "at_ms": merge.merged_ms }))
        .collect();
    if let Some(fields) = context.as_object_mut() {
        fields.insert("frame".to_owned(), json!(frame));
        fields.insert("id".to_owned(), json!(id));
        fields.insert("account".to_owned(), json!(row.account));
        fields.insert("form".to_owned(), account_form::kept(&row.account));
        fields.insert("prices".to_owned(), json!(prices));
        fields.insert("merges".to_owned(), json!(merges));
    }
    views::page("account.html", context)
}

/// Which rows of which list are shown; the other lists begin at their newest row.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Window {
    part: String,
    from: u32,
}

impl Window {
    fn skip(&self, part: &str) -> u32 {
        if self.part == part { self.from.min(SKIP_MAX) } else { 0 }
    }

    /// The rows of a list, with the addresses of those before and after them.
    fn list<T>(
        &self,
        id: &AccountId,
        part: &str,
        found: Vec<T>,
        shown: impl FnMut(&T) -> Value,
    ) -> (Vec<Value>, Value) {
        let skip = self.skip(part);
        let found = Part::cut(found, ROWS_MAX);
        let address = |from: u32| format!("/accounts/{id}?part={part}&from={from}#{part}");
        let newer = (skip > 0).then(|| address(skip.saturating_sub(ROWS_MAX)));
        let older = found.next(|_| address(skip.saturating_add(ROWS_MAX)));
        (found.rows.iter().map(shown).collect(), json!({ "newer": newer, "older": older }))
    }
}

/// Tickets, messages, documents, drafts, records, notes and item numbers of a customer.
async fn written_and_ordered(db: &mut Db, id: &AccountId, window: &Window) -> Result<Value, PageError> {
    let most = ask(ROWS_MAX);
    let found = db.list_tickets_of_account(id, window.skip("tickets"), most).await?;
    let (tickets, ticket_pages) = window.list(id, "tickets", found, |t| {
        json!({
            "number": t.number, "reference": t.reference(), "subject": t.subject, "queue": t.queue,
            "state": t.state, "updated_ms": t.updated_ms,
        })
    });
    let mut found = Vec::new();
    for message_id in &db.list_message_ids_of_account(id, window.skip("messages"), most).await? {
        let Some(message) = db.find_message(message_id).await? else { continue };
        let ticket = match &message.ticket_id {
            Some(ticket) => db.find_ticket(ticket).await?.map(|ticket| ticket.number),
            None => None,
        };
        found.push((message, ticket));
    }
    let (messages, message_pages) = window.list(id, "messages", found, |(message, ticket)| {
        json!({
            "id": message.id, "subject": message.subject, "from": message.from_email, "ticket": ticket,
            "at_ms": message.date_ms.unwrap_or(message.stored_ms),
        })
    });
    let mut found = Vec::new();
    for document in db.list_documents_of_account(id, window.skip("documents"), most).await? {
        let message = db.find_message(&document.document.message_id).await?;
        found.push((document, message.map(|message| message.date_ms.unwrap_or(message.stored_ms))));
    }
    let (documents, document_pages) = window.list(id, "documents", found, |(document, at_ms)| {
        json!({
            "id": document.id, "name": document.document.name, "size_bytes": document.document.size_bytes,
            "at_ms": at_ms.unwrap_or_default(),
        })
    });
    let found = db.list_drafts_of_account(id, window.skip("drafts"), most).await?;
    let (drafts, draft_pages) = window.list(id, "drafts", found, |d| {
        json!({
            "id": d.id, "kind": d.kind, "po_number": d.po_number, "state": d.state, "created_ms": d.created_ms,
            "level": review::level(d.least_confidence), "least_confidence": d.least_confidence,
        })
    });
    let found = db.list_records_of_account_from(id, window.skip("records"), most).await?;
    let (records, record_pages) = window.list(id, "records", found, |r| {
        json!({
            "id": r.id, "kind": r.kind, "po_number": r.po_number, "approved_ms": r.approved_ms,
            "approved_by": r.approved_by, "lines": r.content.lines.len(), "total": r.content.text("total"),
            "currency": r.content.text("currency"),
        })
    });
    let found = db.list_account_notes(id, window.skip("notes"), most).await?;
    let (notes, note_pages) = window.list(id, "notes", found, |note| json!(note));
    let references: Vec<Value> = db
        .list_item_references_of(id, REFERENCES_MAX)
        .await?
        .iter()
        .map(|r| {
            json!({
                "theirs": r.reference.customer_sku, "sku": r.reference.sku, "draft_id": r.reference.draft_id,
                "learnt_by": r.learnt_by, "learnt_ms": r.learnt_ms,
            })
        })
        .collect();
    Ok(json!({
        "tickets": tickets, "messages": messages, "documents": documents, "drafts": drafts, "records": records,
        "notes": notes, "references": references,
        "pages": {
            "tickets": ticket_pages, "messages": message_pages, "documents": document_pages, "drafts": draft_pages,
            "records": record_pages, "notes": note_pages,
        },
    }))
}

pub(super) fn back(id: &AccountId, done: &str) -> Response {
    Redirect::to(&format!("/accounts/{id}?done={done}")).into_response()
}

pub(super) async fn find(desk: &Desk, id: String) -> Result<AccountId, PageError> {
    let row = desk.app.store.read().await?.find_account(&AccountId::new(id)).await?;
    Ok(row.ok_or(PageError::NotFound)?.id)
}

/// `POST /accounts/{id}/notes`
pub async fn note(
    State(desk): State<Arc<Desk>>,
    Extension(visit): Extension<Visit>,
    Path(id): Path<String>,
    Extension(posted): Extension<Posted>,
) -> Result<Response, PageError> {
    let id = find(&desk, id).await?;
    let body = posted.text("body");
    if body.is_empty() || body.chars().count() > NOTE_CHARS_MAX {
        return Err(PageError::refused(StatusCode::UNPROCESSABLE_ENTITY, "error.bad_form"));
    }
    master_data::note_account(&desk.app, &id, body, &visit.name).await?;
    Ok(back(&id, "note_saved"))
}

/// `GET /accounts/duplicates`
pub async fn duplicates(
    State(desk): State<Arc<Desk>>,
    Extension(visit): Extension<Visit>,
) -> Result<Response, PageError> {
    let frame = Frame::load(&desk, &visit, "accounts").await?;
    let known = desk.app.store.read().await?.list_all_accounts().await?;
    let shown = |row: &AccountRow| {
        let account = &row.account;
        json!({
            "id": row.id, "no": account.account_no, "name": account.name, "bill_to": account.bill_to,
            "email_domain": account.email_domain, "tax_id": account.tax_id,
        })
    };
    let pairs: Vec<Value> = master_data::duplicates(&known)
        .iter()
        .map(|pair| json!({ "one": shown(pair.one), "other": shown(pair.other), "shared": pair.shared }))
        .collect();
    views::page("account_duplicates.html", json!({ "frame": frame, "pairs": pairs }))
}

/// `POST /accounts/{id}/merge`: the customer stands for the one named in the form from now on.
pub async fn merge(
    State(desk): State<Arc<Desk>>,
    Extension(visit): Extension<Visit>,
    Path(id): Path<String>,
    Extension(posted): Extension<Posted>,
) -> Result<Response, PageError> {
    let id = find(&desk, id).await?;
    let mut db = desk.app.store.read().await?;
    let other = match posted.text("account_no") {
        "" => AccountId::new(posted.text("other")),
        number => db.find_account_by_no(number).await?.ok_or(PageError::NotFound)?.id,
    };
    drop(db);
    if !master_data::merge_accounts(&desk.app, &id, &other, &visit.name).await? {
        return Err(PageError::refused(StatusCode::CONFLICT, "error.merge"));
    }
    Ok(back(&id, "accounts_merged"))
}

/// `POST /account-merges/{id}`: takes a merge back.
pub async fn undo_merge(
    State(desk): State<Arc<Desk>>,
    Extension(visit): Extension<Visit>,
    Path(id): Path<String>,
) -> Result<Response, PageError> {
    match master_data::undo_merge(&desk.app, &id, &visit.name).await? {
        Some(row) => Ok(back(&row.kept_id, "merge_undone")),
        None => Err(PageError::refused(StatusCode::CONFLICT, "error.gone")),
    }
}

/// `GET /accounts.csv`
pub async fn export(State(desk): State<Arc<Desk>>) -> Result<Response, PageError> {
    let rows = desk.app.store.read().await?.list_all_accounts().await?;
    let cells: Vec<_> = rows.iter().map(|row| account_cells(&row.account)).collect();
    Ok(import::download("accounts.csv", write_csv(&cells)))
}

/// `POST /accounts/import`
pub async fn load(
    State(desk): State<Arc<Desk>>,
    Extension(visit): Extension<Visit>,
    Extension(posted): Extension<Posted>,
    Extension(files): Extension<Files>,
) -> Result<Response, PageError> {
    import::run(&desk, &visit, Way::Accounts, &posted, &files).await
}
