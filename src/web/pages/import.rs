//! Import of customers and goods in two steps: a file is shown as what it would change, and the same file is then loaded.

use crate::{
    pipeline::master_data,
    web::{
        Desk,
        error::PageError,
        frame::Frame,
        session::{Files, Posted, Visit},
        views,
    },
};
use axum::{
    http::{StatusCode, header},
    response::{IntoResponse as _, Redirect, Response},
};
use serde_json::json;

/// Rows of a plan shown at most of each kind.
const ROWS_SHOWN: usize = 200;

/// What is imported.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Way {
    /// Customers.
    Accounts,
    /// Goods.
    Catalogue,
}

impl Way {
    fn name(self) -> &'static str {
        match self {
            Self::Accounts => "accounts",
            Self::Catalogue => "catalogue",
        }
    }
}

/// A file shows its plan; the form under the plan, which names the file by its hash, loads it.
pub(super) async fn run(
    desk: &Desk,
    visit: &Visit,
    way: Way,
    posted: &Posted,
    files: &Files,
) -> Result<Response, PageError> {
    let app = &desk.app;
    if let Some(file) = files.find("file") {
        let mut db = app.store.read().await?;
        let plan = match way {
            Way::Accounts => master_data::plan_accounts(&mut db, &file.bytes).await?.0,
            Way::Catalogue => master_data::plan_catalogue(&mut db, &file.bytes).await?.0,
        };
        drop(db);
        let sha256 = app.blob.put(&file.bytes).await?;
        let version = app.store.read().await?.find_known_version().await?;
        let frame = Frame::load(desk, visit, "accounts").await?;
        let context = json!({
            "frame": frame, "way": way.name(), "file": file.name, "sha256": sha256, "version": version,
            "empty": plan.is_empty(), "added": plan.added.len(), "changed": plan.changed.len(),
            "removed": plan.removed.len(), "same": plan.same, "findings": plan.findings,
            "emptied": plan.emptied(), "absent": plan.absent.join(", "), "unread": plan.unread.join(", "),
            "added_rows": plan.added.iter().take(ROWS_SHOWN).collect::<Vec<_>>(),
            "changed_rows": plan.changed.iter().take(ROWS_SHOWN).collect::<Vec<_>>(),
            "removed_rows": plan.removed.iter().take(ROWS_SHOWN).collect::<Vec<_>>(),
        });
        return views::page("import.html", context);
    }
    let sha256 = posted.text("sha256");
    let bad = || PageError::refused(StatusCode::UNPROCESSABLE_ENTITY, "error.no_file");
    if sha256.len() != 64 || !sha256.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return Err(bad());
    }
    if posted.number("version") != Some(app.store.read().await?.find_known_version().await?) {
        return Err(PageError::refused(StatusCode::CONFLICT, "error.import_stale"));
    }
    let csv = app.blob.get(sha256).await.map_err(|_unknown| bad())?;
    match way {
        Way::Accounts => drop(master_data::import_accounts(app, &csv, &visit.name).await?),
        Way::Catalogue => drop(master_data::import_catalogue(app, &csv, &visit.name).await?),
    }
    Ok(Redirect::to(&format!("/{}?done=imported", way.name())).into_response())
}

/// A CSV file that leaves.
pub(super) fn download(name: &str, bytes: Vec<u8>) -> Response {
    let headers = [
        (header::CONTENT_TYPE, "text/csv; charset=utf-8".to_owned()),
        (header::CONTENT_DISPOSITION, format!("attachment; filename=\"{name}\"")),
    ];
    (headers, bytes).into_response()
}
