//! Search: one box over all mail and documents, with how much of it is indexed.

use crate::{
    jobs::index_search,
    search::{Hit, Snippet, query},
    web::{
        Desk,
        error::{PageError, percent_encode},
        frame::Frame,
        session::Visit,
        text, views,
    },
};
use axum::{
    Extension,
    extract::{Query, State},
    response::Response,
};
use serde::Deserialize;
use serde_json::{Value, json};
use std::sync::Arc;

/// Hits on one page.
const HITS_PER_PAGE: usize = 20;

/// Examples in the help: what to type, and the key of what it finds.
const HELP: &[(&str, &str)] = &[
    ("gasket DN50", "search.help_words"),
    ("\"late delivery\"", "search.help_phrase"),
    ("from:example.com", "search.help_from"),
    ("to:orders", "search.help_to"),
    ("subject:invoice", "search.help_subject"),
    ("after:2026-01-31 before:2026-03-01", "search.help_dates"),
    ("has:attachment", "search.help_has"),
    ("ticket:1001", "search.help_ticket"),
    ("-newsletter", "search.help_not"),
];

/// What was typed, and which page of the hits.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Asked {
    q: String,
    page: usize,
}

/// `GET /search`
pub async fn show(
    State(desk): State<Arc<Desk>>,
    Extension(visit): Extension<Visit>,
    Query(asked): Query<Asked>,
) -> Result<Response, PageError> {
    let mut frame = Frame::load(&desk, &visit, "search").await?;
    frame.query = asked.q.trim().to_owned();
    let page = asked.page.clamp(1, 500);
    let offset = (page - 1) * HITS_PER_PAGE;
    let mut mistake = None;
    let mut found = None;
    if !frame.query.is_empty() {
        match query::parse(&frame.query) {
            Ok(query) => {
                let app = Arc::clone(&desk.app);
                let search = move || app.index.search(&query, HITS_PER_PAGE, offset);
                found = Some(tokio::task::spawn_blocking(search).await??);
            }
            Err(error) => mistake = Some(error.message),
        }
    }
    let coverage = index_search::coverage(&desk.app.store, &desk.app.index).await?;
    let key = if coverage.is_complete() { "search.coverage_all" } else { "search.coverage" };
    let figures = [("indexed", coverage.indexed.to_string()), ("total", coverage.stored.to_string())];
    let coverage = text::filled(key, &figures);
    let (total, hits) = found.as_ref().map_or((0, &[][..]), |found| (found.total, &found.hits[..]));
    let next = (offset + hits.len() < total && !hits.is_empty())
        .then(|| format!("/search?q={}&page={}", percent_encode(&frame.query), page + 1));
    let help: Vec<Value> =
        HELP.iter().map(|(example, key)| json!({ "example": example, "text": text::text(key) })).collect();
    let context = json!({
        "frame": frame, "coverage": coverage, "mistake": mistake, "searched": found.is_some(), "total": total,
        "first": offset + 1, "hits": hits.iter().map(hit).collect::<Vec<_>>(), "next": next, "help": help,
    });
    views::page("search.html", context)
}

fn hit(hit: &Hit) -> Value {
    let reference = hit.ticket_number.map(|number| format!("MR-{number}"));
    let address = hit.ticket_number.map(|number| format!("/tickets/{number}#message-{}", hit.message_id));
    json!({
        "reference": reference, "address": address, "title": parts(&hit.subject), "from": hit.from.text,
        "at_ms": hit.date_ms, "snippet": parts(&hit.body), "file": hit.file.as_ref().map(parts),
    })
}

fn parts(snippet: &Snippet) -> Vec<Value> {
    snippet.parts().map(|(text, hit)| json!({ "text": text, "hit": hit })).collect()
}
