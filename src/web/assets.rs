//! Style sheet, scripts and icon, built in. Their addresses hold a hash of their bytes, so browsers may keep them.

use super::error::PageError;
use axum::{
    extract::Path,
    http::header,
    response::{IntoResponse, Response},
};
use sha2::{Digest as _, Sha256};
use std::sync::LazyLock;

struct Asset {
    name: &'static str,
    media_type: &'static str,
    bytes: &'static [u8],
}

macro_rules! assets {
    ($($name:literal: $media:literal),+ $(,)?) => {
        &[$(Asset {
            name: $name,
            media_type: $media,
            bytes: include_bytes!(concat!("../../templates/pages/assets/", $name)),
        }),+]
    };
}

const ASSETS: &[Asset] = assets![
    "style.css": "text/css; charset=utf-8",
    "page.js": "text/javascript; charset=utf-8",
    "search.css": "text/css; charset=utf-8",
    "search.js": "text/javascript; charset=utf-8",
    "ticket.css": "text/css; charset=utf-8",
    "ticket.js": "text/javascript; charset=utf-8",
    "review.js": "text/javascript; charset=utf-8",
    "grid.js": "text/javascript; charset=utf-8",
    "teach.js": "text/javascript; charset=utf-8",
    "choose.js": "text/javascript; charset=utf-8",
    "icon.svg": "image/svg+xml",
];

/// One version for all: scripts may import one another.
static VERSION: LazyLock<String> = LazyLock::new(|| {
    let mut hash = Sha256::new();
    for asset in ASSETS {
        hash.update(asset.bytes);
    }
    hex::encode(hash.finalize()).chars().take(12).collect()
});

/// The address of an asset.
pub(super) fn address(name: &str) -> String {
    format!("/assets/{}/{name}", *VERSION)
}

/// `GET /assets/{version}/{name}`
pub(super) async fn show(Path((_, name)): Path<(String, String)>) -> Result<Response, PageError> {
    let asset = ASSETS.iter().find(|asset| asset.name == name).ok_or(PageError::NotFound)?;
    let headers = [
        (header::CONTENT_TYPE, asset.media_type),
        (header::CACHE_CONTROL, "public, max-age=31536000, immutable"),
    ];
    Ok((headers, asset.bytes).into_response())
}
