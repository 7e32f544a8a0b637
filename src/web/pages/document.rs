//! One document: how it was read and how surely, its pages as pictures that a reader process drew, its file as a
//! download, and reading it again in another way.
//!
//! The original never reaches the browser's own viewers. Pictures are kept in memory, up to [`PICTURES_BYTES_MAX`].

use super::message::download;
use crate::{
    model::{
        ids::DocumentId,
        page::{How, Page, Pages, Word},
    },
    pipeline::reading::{self, Wish},
    reader,
    store::document::{DocumentRow, DocumentState, NewDocument},
    web::{
        Desk,
        error::PageError,
        frame::Frame,
        session::{Posted, Visit},
        text, views,
    },
};
use axum::{
    Extension,
    extract::{Path, Query, State},
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse as _, Redirect, Response},
};
use serde::Deserialize;
use serde_json::{Value, json};
use std::{
    collections::{BTreeMap, BTreeSet, VecDeque},
    sync::{Arc, Mutex, PoisonError},
};

/// Width of a page's picture.
pub const PICTURE_WIDTH_PX: u32 = 1_400;
/// Width of a page's small picture, as it stands in a list.
pub const SMALL_PICTURE_WIDTH_PX: u32 = 240;
/// Pages whose words are shown at most.
const PAGES_SHOWN_MAX: usize = 40;
/// Words of a page shown at most.
const WORDS_SHOWN_MAX: usize = 5_000;
/// Rows of a sheet shown at most.
const ROWS_SHOWN_MAX: usize = 300;
/// Words below this confidence are marked.
const DOUBTFUL_BELOW: f32 = 0.8;
/// Pictures kept in memory.
pub const PICTURES_BYTES_MAX: usize = 64 * 1024 * 1024;

/// Pictures of pages, the latest last.
#[derive(Debug, Default)]
pub struct Pictures {
    kept: Mutex<VecDeque<(String, Arc<[u8]>)>>,
}

impl Pictures {
    fn find(&self, key: &str) -> Option<Arc<[u8]>> {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        let place = kept.iter().position(|(k, _)| k == key)?;
        let found = kept.remove(place)?;
        let picture = Arc::clone(&found.1);
        kept.push_back(found);
        Some(picture)
    }

    fn keep(&self, key: String, picture: Arc<[u8]>) {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        kept.push_back((key, picture));
        let mut bytes: usize = kept.iter().map(|(_, p)| p.len()).sum();
        while bytes > PICTURES_BYTES_MAX {
            match kept.pop_front() {
                Some((_, oldest)) => bytes -= oldest.len(),
                None => break,
            }
        }
    }
}

/// What became of a file, in words.
pub(super) fn reading_in_words(row: &DocumentRow) -> String {
    let document = &row.document;
    match document.state {
        DocumentState::Read => {
            let how = text::choice("how", if document.how.is_empty() { "unread" } else { &document.how });
            format!("{}, {how}", text::filled("count.pages", &[("n", document.page_count.to_string())]))
        }
        DocumentState::Waiting => text::choice("document", "waiting"),
        DocumentState::Failed | DocumentState::Skipped => {
            let state = text::choice("document", document.state.as_str());
            if document.cause.is_empty() {
                state
            } else {
                format!("{state}: {}", text::choice("cause", &document.cause))
            }
        }
    }
}

/// Whether there are pictures of its pages.
pub(super) fn has_pictures(row: &DocumentRow) -> bool {
    row.document.page_count > 0 && matches!(row.document.how.as_str(), "text_layer" | "ocr" | "mixed")
}

/// The pages that were read; none if it was not.
pub(super) async fn read_pages(desk: &Desk, document: &NewDocument) -> Result<Pages, PageError> {
    let Some(sha256) = &document.pages_sha256 else { return Ok(Pages::default()) };
    let bytes = desk.app.blob.get(sha256).await?;
    Ok(tokio::task::spawn_blocking(move || serde_json::from_slice(&bytes)).await??)
}

async fn find(desk: &Desk, id: &str) -> Result<DocumentRow, PageError> {
    let row = desk.app.store.read().await?.find_document(&DocumentId::new(id)).await?;
    row.ok_or(PageError::NotFound)
}

/// `GET /documents/{id}`
pub async fn show(
    State(desk): State<Arc<Desk>>,
    Extension(visit): Extension<Visit>,
    Path(id): Path<String>,
) -> Result<Response, PageError> {
    let frame = Frame::load(&desk, &visit, "tickets").await?;
    let row = find(&desk, &id).await?;
    let document = &row.document;
    let mut db = desk.app.store.read().await?;
    let message = db.find_message(&document.message_id).await?.ok_or(PageError::NotFound)?;
    let (mut ticket, mut drafts) = (None, Vec::new());
    if let Some(ticket_id) = &message.ticket_id {
        ticket = db.find_ticket(ticket_id).await?;
        drafts = db.list_drafts_of_ticket(ticket_id).await?;
        drafts.retain(|draft| draft.document_id == row.id);
    }
    let family = db.list_documents(&document.message_id).await?;
    let named = |d: &DocumentRow| json!({ "id": d.id, "name": d.document.name, "said": reading_in_words(d) });
    let chosen = db.find_reading(&document.sha256).await?.unwrap_or_default();
    let passwords = db.list_document_passwords(&message.from_email).await?.len();
    drop(db);
    let pages = read_pages(&desk, document).await?.pages;
    let shown: Vec<Value> = pages.iter().take(PAGES_SHOWN_MAX).map(|page| show_page(&row, page)).collect();
    let context = json!({
        "frame": frame,
        "document": {
            "id": row.id, "name": document.name, "format": document.format, "size_bytes": document.size_bytes,
            "sha256": document.sha256, "said": reading_in_words(&row), "findings": document.findings,
        },
        "ticket": ticket.map(|ticket| json!({ "number": ticket.number, "reference": ticket.reference() })),
        "parent": family.iter().find(|d| Some(&d.id) == document.parent_id.as_ref()).map(named),
        "inside": family.iter().filter(|d| d.document.parent_id.as_ref() == Some(&row.id)).map(named).collect::<Vec<_>>(),
        "drafts": drafts.iter().map(|d| json!({ "id": d.id, "kind": d.kind, "po_number": d.po_number })).collect::<Vec<_>>(),
        "pages": shown, "more_pages": pages.len().saturating_sub(PAGES_SHOWN_MAX),
        "languages": reader::languages().collect::<Vec<_>>(), "language": chosen.language,
        "force_ocr": chosen.force_ocr, "sender": message.from_email, "passwords": passwords,
    });
    views::page("document.html", context)
}

/// A page with its picture, its words line by line, and how sure they are.
fn show_page(row: &DocumentRow, page: &Page) -> Value {
    let words = page.words.len();
    let doubtful = page.words.iter().filter(|word| word.confidence < DOUBTFUL_BELOW).count();
    let mean = page.words.iter().map(|word| word.confidence).sum::<f32>() / words.max(1) as f32;
    let drawn = matches!(page.how, How::TextLayer | How::Ocr);
    json!({
        "number": page.number, "how": page.how, "words": words, "doubtful": doubtful, "mean": mean,
        "picture": drawn.then(|| format!("/documents/{}/pages/{}.png", row.id, page.number)),
        "lines": if page.cells.is_empty() { lines(&page.words) } else { Vec::new() },
        "rows": rows(page),
    })
}

/// Words in reading order, parted where the next one stands further down or further left.
fn lines(words: &[Word]) -> Vec<Vec<Value>> {
    let mut lines: Vec<Vec<Value>> = Vec::new();
    let mut last: Option<&Word> = None;
    for word in words.iter().take(WORDS_SHOWN_MAX) {
        let goes_on = last.is_some_and(|last| {
            word.bbox.x0 >= last.bbox.x0 && word.bbox.y0 < last.bbox.y1 && last.bbox.y0 < word.bbox.y1
        });
        let doubtful = word.confidence < DOUBTFUL_BELOW;
        let shown = json!({ "text": word.text, "doubtful": doubtful, "confidence": word.confidence });
        match lines.last_mut() {
            Some(line) if goes_on => line.push(shown),
            _ => lines.push(vec![shown]),
        }
        last = Some(word);
    }
    lines
}

/// The cells of a sheet, row by row.
fn rows(page: &Page) -> Vec<Vec<&str>> {
    let mut rows: BTreeMap<u32, BTreeMap<u32, &str>> = BTreeMap::new();
    for cell in &page.cells {
        rows.entry(cell.row).or_default().insert(cell.column, &cell.text);
    }
    let columns: BTreeSet<u32> = page.cells.iter().map(|cell| cell.column).collect();
    rows.into_values()
        .take(ROWS_SHOWN_MAX)
        .map(|cells| columns.iter().map(|column| cells.get(column).copied().unwrap_or_default()).collect())
        .collect()
}

/// `POST /documents/{id}/read`
pub async fn read_again(
    State(desk): State<Arc<Desk>>,
    Extension(visit): Extension<Visit>,
    Path(id): Path<String>,
    Extension(posted): Extension<Posted>,
) -> Result<Response, PageError> {
    let row = find(&desk, &id).await?;
    let language = posted.text("language");
    if !language.is_empty() && !reader::languages().any(|code| code == language) {
        return Err(PageError::refused(StatusCode::UNPROCESSABLE_ENTITY, "error.bad_form"));
    }
    let wish = Wish {
        language: language.to_owned(),
        force_ocr: posted.text("force_ocr") == "yes",
        password: posted.text("password").to_owned(),
        for_sender: posted.text("for_sender") == "yes",
    };
    let ticket = reading::read_again(&desk.app, &row.id, &wish, &visit.name).await?;
    let address = ticket.map_or_else(|| "/".to_owned(), |number| format!("/tickets/{number}"));
    Ok(Redirect::to(&format!("{address}?done=read_again")).into_response())
}

/// `POST /documents/{id}/forget-passwords`
pub async fn forget_passwords(
    State(desk): State<Arc<Desk>>,
    Extension(visit): Extension<Visit>,
    Path(id): Path<String>,
) -> Result<Response, PageError> {
    let row = find(&desk, &id).await?;
    reading::forget_passwords(&desk.app, &row.id, &visit.name).await?;
    Ok(Redirect::to(&format!("/documents/{id}?done=forgotten")).into_response())
}

/// `GET /documents/{id}/file`
pub async fn file(State(desk): State<Arc<Desk>>, Path(id): Path<String>) -> Result<Response, PageError> {
    let document = find(&desk, &id).await?.document;
    download(&desk, &document.sha256, &document.name).await
}

/// Which picture of a page.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Size {
    small: bool,
}

/// `GET /documents/{id}/pages/{page}`: `1.png`, or `1.png?small=true`.
pub async fn picture(
    State(desk): State<Arc<Desk>>,
    Path((id, page)): Path<(String, String)>,
    Query(size): Query<Size>,
) -> Result<Response, PageError> {
    let page: u32 = page.strip_suffix(".png").and_then(|n| n.parse().ok()).ok_or(PageError::NotFound)?;
    let document = find(&desk, &id).await?.document;
    if page == 0 || i64::from(page) > document.page_count {
        return Err(PageError::NotFound);
    }
    let width_px = if size.small { SMALL_PICTURE_WIDTH_PX } else { PICTURE_WIDTH_PX };
    let key = format!("{} {page} {width_px}", document.sha256);
    let picture = if let Some(picture) = desk.pictures.find(&key) {
        picture
    } else {
        let picture = draw(&desk, &document, page, width_px).await?;
        desk.pictures.keep(key, Arc::clone(&picture));
        picture
    };
    let headers = [
        (header::CONTENT_TYPE, HeaderValue::from_static("image/png")),
        (header::CACHE_CONTROL, HeaderValue::from_static("private, max-age=3600")),
    ];
    Ok((headers, picture.to_vec()).into_response())
}

async fn draw(desk: &Desk, document: &NewDocument, page: u32, width_px: u32) -> Result<Arc<[u8]>, PageError> {
    let bytes = desk.app.blob.get(&document.sha256).await?;
    let message = desk.app.store.read().await?.find_message(&document.message_id).await?;
    let sender = message.map(|message| message.from_email).unwrap_or_default();
    let passwords = reading::passwords(&desk.app, &document.sha256, &sender).await?;
    match desk.app.reader.picture(&bytes, page, width_px, &passwords).await {
        Ok(picture) => Ok(Arc::from(picture)),
        Err(error) if error.is_transient() => Err(error.into()),
        Err(error) => {
            tracing::warn!(error = %error, "a page could not be drawn");
            Err(PageError::NotFound)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_oldest_pictures_make_room() {
        let pictures = Pictures::default();
        for n in 0..5 {
            pictures.keep(n.to_string(), Arc::from(vec![0; PICTURES_BYTES_MAX / 4]));
            assert!(pictures.find("0").is_some());
        }
        assert!(pictures.find("1").is_none());
        assert!(pictures.find("4").is_some());
    }
}
