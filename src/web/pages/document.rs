//! One document: its file as a download, and its pages as pictures that a reader process drew.
//!
//! The original never reaches the browser's own viewers. Pictures are kept in memory, up to [`PICTURES_BYTES_MAX`].

use super::message::download;
use crate::{
    model::ids::DocumentId,
    web::{Desk, error::PageError},
};
use axum::{
    extract::{Path, State},
    http::{HeaderValue, header},
    response::{IntoResponse as _, Response},
};
use std::{
    collections::VecDeque,
    sync::{Arc, Mutex, PoisonError},
};

/// Width of a page's picture.
pub const PICTURE_WIDTH_PX: u32 = 1_400;
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

/// `GET /documents/{id}/file`
pub async fn file(State(desk): State<Arc<Desk>>, Path(id): Path<String>) -> Result<Response, PageError> {
    let row = desk.app.store.read().await?.find_document(&DocumentId::new(id)).await?;
    let document = row.ok_or(PageError::NotFound)?.document;
    download(&desk, &document.sha256, &document.name).await
}

/// `GET /documents/{id}/pages/{page}`: `1.png`.
pub async fn picture(
    State(desk): State<Arc<Desk>>,
    Path((id, page)): Path<(String, String)>,
) -> Result<Response, PageError> {
    let page: u32 = page.strip_suffix(".png").and_then(|n| n.parse().ok()).ok_or(PageError::NotFound)?;
    let row = desk.app.store.read().await?.find_document(&DocumentId::new(id)).await?;
    let document = row.ok_or(PageError::NotFound)?.document;
    if page == 0 || i64::from(page) > document.page_count {
        return Err(PageError::NotFound);
    }
    let key = format!("{} {page}", document.sha256);
    let picture = if let Some(picture) = desk.pictures.find(&key) {
        picture
    } else {
        let picture = draw(&desk, &document.sha256, page).await?;
        desk.pictures.keep(key, Arc::clone(&picture));
        picture
    };
    let headers = [
        (header::CONTENT_TYPE, HeaderValue::from_static("image/png")),
        (header::CACHE_CONTROL, HeaderValue::from_static("private, max-age=3600")),
    ];
    Ok((headers, picture.to_vec()).into_response())
}

async fn draw(desk: &Desk, sha256: &str, page: u32) -> Result<Arc<[u8]>, PageError> {
    let bytes = desk.app.blob.get(sha256).await?;
    match desk.app.reader.picture(&bytes, page, PICTURE_WIDTH_PX).await {
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
