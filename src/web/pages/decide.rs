//! What a person does with a draft in review: save, approve, ask the customer, reject.
//!
//! Whatever is done, what was typed into the draft goes with it; where somebody else was quicker, it comes back to be
//! taken over.

use super::draft::{find, is_editable, remedy_key};
use crate::{
    pipeline::{
        decision::{self, Decided},
        edit::{self, Edited},
        effort,
    },
    store::{draft::DraftRow, effort::Effort},
    web::{
        Desk,
        error::PageError,
        frame::Frame,
        review::{self, Applied},
        session::{Posted, Visit},
        text, views,
    },
};
use axum::{
    Extension,
    extract::{Path, State},
    http::StatusCode,
    response::{IntoResponse as _, Redirect, Response},
};
use serde_json::json;
use std::sync::Arc;

/// The address of what is to be reviewed after a draft: the next one, or the list.
pub(super) async fn next_address(desk: &Desk, visit: &Visit, row: &DraftRow) -> Result<String, PageError> {
    let next = desk.app.store.read().await?.find_next_draft(&row.id, &visit.name).await?;
    Ok(next.map_or_else(|| "/drafts".to_owned(), |next| format!("/drafts/{next}")))
}

/// To what is to be reviewed after a draft that was decided.
async fn go_on(desk: &Desk, visit: &Visit, row: &DraftRow) -> Result<Response, PageError> {
    let address = next_address(desk, visit, row).await?;
    Ok(Redirect::to(&format!("{address}?was={}", row.id)).into_response())
}

/// The name of the input for a path: `f.total` for `total`, `l.2.sku` for `lines.2.sku`.
fn input_name(path: &str) -> String {
    path.strip_prefix("lines.").map_or_else(|| format!("f.{path}"), |cell| format!("l.{cell}"))
}

/// The draft as the form has it. None if somebody changed it since the person saw it.
pub(super) fn edited(
    row: &DraftRow,
    typed: &[(String, String)],
    posted: &Posted,
    visit: &Visit,
) -> Option<Edited> {
    let revision = posted.number("revision").filter(|revision| *revision == row.revision)?;
    let Applied { content, changed, places } = review::apply(&row.content, typed, &visit.name);
    Some(Edited { id: row.id.clone(), revision, content, changed, places })
}

/// `POST /drafts/{id}`: save, approve, or add a line.
pub async fn change(
    State(desk): State<Arc<Desk>>,
    Extension(visit): Extension<Visit>,
    Path(id): Path<String>,
    Extension(posted): Extension<Posted>,
) -> Result<Response, PageError> {
    let row = find(&desk, &id).await?;
    let wish = posted.text("remedy");
    let mut typed = posted.0.clone();
    let mut taken = None;
    if !wish.is_empty() && posted.number("revision") == Some(row.revision) {
        let remedies = edit::remedies(&desk.app, &row).await?;
        let Some(remedy) = remedies.into_iter().find(|remedy| remedy_key(remedy) == wish) else {
            return Err(PageError::refused(StatusCode::UNPROCESSABLE_ENTITY, "error.bad_form"));
        };
        taken = Some(format!("took the {} on file: {}", remedy.take.as_str(), remedy.value));
        typed.extend(remedy.sets.into_iter().map(|(path, value)| {
            let name = path.rsplit('.').next().unwrap_or_default();
            (input_name(&path), review::written(name, &value))
        }));
    }
    let Some(mut edited) = edited(&row, &typed, &posted, &visit) else {
        return conflict(&desk, &visit, &row, &posted, "").await;
    };
    edited.changed.extend(taken);
    measure(&desk, &row, &posted, edited.changed.len()).await;
    let mut address = format!("/drafts/{id}?done=saved");
    match posted.text("do") {
        "approve" => {
            let accepted: Vec<String> = posted.all("accept").map(str::to_owned).collect();
            match decision::approve(&desk.app, edited.clone(), &accepted, &visit.name).await? {
                Decided::Done(_) => return go_on(&desk, &visit, &row).await,
                Decided::Test => return Err(PageError::refused(StatusCode::CONFLICT, "error.test")),
                Decided::Conflict | Decided::NoRecipient => {
                    return conflict(&desk, &visit, &row, &posted, "").await;
                }
                // what was typed is kept while the person thinks about it
                Decided::Unsettled(_) => address = format!("/drafts/{id}?ask=approve"),
            }
        }
        "add-line" => {
            let spare = posted.number("spare").unwrap_or_default().clamp(0, 100) + 1;
            let filled = edited.content.lines.len().saturating_sub(row.content.lines.len());
            let spare = spare - i64::try_from(filled).unwrap_or_default();
            address = format!("/drafts/{id}?lines={}#lines", spare.max(1));
        }
        _ => {}
    }
    match decision::save(&desk.app, edited, &visit.name).await? {
        Decided::Done(()) => Ok(Redirect::to(&address).into_response()),
        _ => conflict(&desk, &visit, &row, &posted, "").await,
    }
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

/// Says that somebody was quicker, and gives back what the person typed: what of it differs from what is there now, to
/// be taken over, and what was written in the input named by `words`.
pub(super) async fn conflict(
    desk: &Desk,
    visit: &Visit,
    row: &DraftRow,
    posted: &Posted,
    words: &str,
) -> Result<Response, PageError> {
    let frame = Frame::load(desk, visit, "drafts").await?;
    let now = find(desk, row.id.as_str()).await?;
    let seen = posted.number("revision").unwrap_or(-1);
    let base = desk.app.store.read().await?.find_edit(&row.id, seen).await?;
    let base = base.map_or_else(|| now.content.clone(), |edit| edit.content);
    let mine = review::apply(&base, &posted.0, &visit.name);
    let differences = review::differences(&base, &mine, &now.content);
    let open = is_editable(&now);
    let context = json!({
        "frame": frame, "id": now.id, "revision": now.revision, "differences": differences, "open": open,
        "written": posted.text(words), "decided_by": now.decided_by, "decided_ms": now.decided_ms, "state": now.state,
    });
    views::page_with(StatusCode::CONFLICT, "draft_conflict.html", context)
}

/// A draft as the form has it, with the words that a decision on it takes: a reason, or a question.
struct Worded {
    row: DraftRow,
    edited: Edited,
    words: String,
}

/// Takes the words of the input `name` and the draft of a form; otherwise the answer that the person gets instead: a
/// conflict, or the draft again, with what was typed into it kept, where there are no words.
async fn worded(
    desk: &Desk,
    visit: &Visit,
    id: &str,
    posted: &Posted,
    name: &str,
) -> Result<Result<Worded, Response>, PageError> {
    let row = find(desk, id).await?;
    let Some(edited) = edited(&row, &posted.0, posted, visit) else {
        return Ok(Err(conflict(desk, visit, &row, posted, name).await?));
    };
    let words = match (name, posted.text("duplicate_of")) {
        (_, "") | ("text", _) => posted.text(name).replace("\r\n", "\n"),
        (_, place) => text::filled("draft.duplicate_of", &[("place", place.to_owned())]),
    };
    if words.is_empty() {
        let answer = match decision::save(&desk.app, edited, &visit.name).await? {
            Decided::Done(()) => Redirect::to(&format!("/drafts/{id}?ask={name}")).into_response(),
            _ => conflict(desk, visit, &row, posted, name).await?,
        };
        return Ok(Err(answer));
    }
    measure(desk, &row, posted, edited.changed.len()).await;
    Ok(Ok(Worded { row, edited, words }))
}

/// What a person sees after a decision that took the words of the input `name`.
async fn after(
    desk: &Desk,
    visit: &Visit,
    row: &DraftRow,
    posted: &Posted,
    name: &str,
    decided: Decided<()>,
) -> Result<Response, PageError> {
    match decided {
        Decided::Done(()) => go_on(desk, visit, row).await,
        Decided::NoRecipient => Err(PageError::refused(StatusCode::CONFLICT, "error.no_recipient")),
        _ => conflict(desk, visit, row, posted, name).await,
    }
}

/// `POST /drafts/{id}/reject`
pub async fn reject(
    State(desk): State<Arc<Desk>>,
    Extension(visit): Extension<Visit>,
    Path(id): Path<String>,
    Extension(posted): Extension<Posted>,
) -> Result<Response, PageError> {
    let Worded { row, edited, words } = match worded(&desk, &visit, &id, &posted, "reason").await? {
        Ok(worded) => worded,
        Err(answer) => return Ok(answer),
    };
    let tell = posted.text("tell") == "yes";
    let decided = decision::reject(&desk.app, edited, &words, tell, &visit.name).await?;
    after(&desk, &visit, &row, &posted, "reason", decided).await
}

/// `POST /drafts/{id}/ask`
pub async fn ask(
    State(desk): State<Arc<Desk>>,
    Extension(visit): Extension<Visit>,
    Path(id): Path<String>,
    Extension(posted): Extension<Posted>,
) -> Result<Response, PageError> {
    let Worded { row, edited, words } = match worded(&desk, &visit, &id, &posted, "text").await? {
        Ok(worded) => worded,
        Err(answer) => return Ok(answer),
    };
    let decided = decision::ask(&desk.app, edited, &words, &visit.name).await?;
    after(&desk, &visit, &row, &posted, "text", decided).await
}
