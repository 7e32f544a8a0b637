//! Search: one box over all mail and documents, what the hits have in common, and how much of it is indexed.

use super::document;
use crate::{
    model::ids::ViewId,
    pipeline::view,
    search::{
        Facet, Has, Hit, Hits, Order, QueryError, Snippet, Wanted,
        query::{self, FIELDS},
        table,
    },
    store::{Db, message::MessageState, view::ViewPage},
    web::{
        Desk,
        error::{PageError, percent_encode},
        frame::Frame,
        session::{Posted, Visit},
        text, views,
    },
};
use axum::{
    Extension,
    body::Body,
    extract::{Path, Query, State},
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse as _, Redirect, Response},
};
use jiff::civil::Date;
use serde::Deserialize;
use serde_json::{Value, json};
use std::{io, sync::Arc};
use tokio::sync::mpsc;

/// Hits on one page.
const HITS_PER_PAGE: usize = 20;
/// Values shown of one facet.
const FACET_VALUES_MAX: usize = 8;
/// The first year that has a facet of its own; older mail counts as of this year.
const YEAR_FIRST: i16 = 1990;
/// Lines of a CSV file that are sent at once.
const CSV_LINES: usize = 200;

/// Examples in the help: what to type, and the key of what it finds.
const HELP: &[(&str, &str)] = &[
    ("gasket DN50", "search.help_words"),
    ("\"late delivery\"", "search.help_phrase"),
    ("gask*", "search.help_prefix"),
    ("A1312B", "search.help_code"),
    ("pump OR valve", "search.help_or"),
    ("-newsletter", "search.help_not"),
    ("from:example.com", "search.help_from"),
    ("to:orders", "search.help_to"),
    ("subject:invoice", "search.help_subject"),
    ("account:10023", "search.help_account"),
    ("queue:returns", "search.help_queue"),
    ("ticket:1001", "search.help_ticket"),
    ("po:4500-12*", "search.help_po"),
    ("sku:HEX1025", "search.help_sku"),
    ("amount>1000", "search.help_amount"),
    ("kind:invoice", "search.help_kind"),
    ("has:attachment", "search.help_has"),
    ("is:open", "search.help_is"),
    ("lang:sv", "search.help_lang"),
    ("after:7d before:yesterday", "search.help_ago"),
    ("on:2026-03", "search.help_dates"),
    ("filename:drawing", "search.help_file"),
];

/// What was typed, and which part of the hits in which form.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct Asked {
    q: String,
    page: usize,
    sort: String,
    group: String,
}

impl Asked {
    /// The address of the same search with another text, order or grouping; the first page of it.
    fn address(path: &str, text: &str, sort: &str, group: &str) -> String {
        let mut address = format!("{path}?q={}", percent_encode(text));
        for (name, value) in [("sort", sort), ("group", group)] {
            if !value.is_empty() {
                address.extend(["&", name, "=", &percent_encode(value)]);
            }
        }
        address
    }

    fn here(&self, path: &str) -> String {
        Self::address(path, self.q.trim(), &self.sort, &self.group)
    }

    fn with_text(&self, text: &str) -> String {
        Self::address("/search", text, &self.sort, &self.group)
    }

    /// The query in the order that was chosen beside it.
    fn parse(&self, now: &jiff::Zoned) -> Result<query::Query, QueryError> {
        let query = query::parse(self.q.trim(), now)?;
        Ok(match Order::parse(&self.sort) {
            Some(order) => query.sorted(order),
            None => query,
        })
    }
}

/// `GET /search`
pub async fn show(
    State(desk): State<Arc<Desk>>,
    Extension(visit): Extension<Visit>,
    Query(asked): Query<Asked>,
) -> Result<Response, PageError> {
    let mut frame = Frame::load(&desk, &visit, "search").await?;
    frame.query = asked.q.trim().to_owned();
    let by_ticket = asked.group != "flat";
    let page = asked.page.clamp(1, 500);
    let offset = (page - 1) * HITS_PER_PAGE;
    let now = desk.app.now();
    let (mut mistake, mut found, mut order) = (None, None, Order::Newest);
    if !frame.query.is_empty() {
        match asked.parse(&now) {
            Ok(query) => {
                order = query.order();
                let facets = Some(years(&now));
                let wanted = Wanted { limit: HITS_PER_PAGE, offset, by_ticket, facets };
                let app = Arc::clone(&desk.app);
                let search = move || app.index.search_for(&query, &wanted);
                found = Some(tokio::task::spawn_blocking(search).await??);
            }
            Err(error) => mistake = Some(told(&asked, &error)),
        }
    }
    let answer = found.as_ref();
    let groups = answer.map_or(0, |found| found.groups);
    let mut db = desk.app.store.read().await?;
    let saved = db.list_views(ViewPage::Search, &visit.name).await?;
    let mut hits = Vec::new();
    for found in answer.map_or(&[][..], |found| &found.hits) {
        hits.push(hit(&mut db, &asked, found).await?);
    }
    let coverage = coverage(&desk, &mut db).await?;
    drop(db);
    let next = (offset + hits.len() < groups && !hits.is_empty())
        .then(|| format!("{}&page={}", asked.here("/search"), page + 1));
    let sorts: Vec<Value> = Order::ALL
        .iter()
        .map(|o| {
            let address = Asked::address("/search", &frame.query, o.as_str(), &asked.group);
            json!({ "name": o.as_str(), "address": address, "chosen": *o == order })
        })
        .collect();
    let forms: Vec<Value> = [("ticket", by_ticket), ("flat", !by_ticket)]
        .into_iter()
        .map(|(name, chosen)| {
            let address = Asked::address("/search", &frame.query, &asked.sort, name);
            json!({ "name": name, "address": address, "chosen": chosen })
        })
        .collect();
    let help: Vec<Value> =
        HELP.iter().map(|(example, key)| json!({ "example": example, "text": text::text(key) })).collect();
    let fields: Vec<Value> =
        FIELDS.iter().map(|name| json!({ "name": name, "values": query::values(name) })).collect();
    let facets = match answer {
        Some(found) => facets(&desk, &asked, found).await?,
        None => Vec::new(),
    };
    let context = json!({
        "frame": frame, "coverage": coverage, "mistake": mistake, "searched": answer.is_some(),
        "total": answer.map_or(0, |found| found.total), "groups": groups, "by_ticket": by_ticket,
        "first": offset + 1, "hits": hits, "next": next, "help": help, "sorts": sorts, "forms": forms,
        "facets": facets, "csv": asked.here("/search.csv"), "saved": saved, "here": asked.here(""),
        "fields": serde_json::to_string(&fields)?, "sort": asked.sort, "group": asked.group,
        "narrowed": facets.iter().any(|facet| facet["active"] == true),
    });
    views::page("search.html", context)
}

/// The beginnings of the years in the site's time zone.
fn years(now: &jiff::Zoned) -> Vec<(i64, String)> {
    let years = YEAR_FIRST..=now.year().saturating_add(1);
    let begins = years.filter_map(|year| {
        let first = Date::new(year, 1, 1).ok()?.to_zoned(now.time_zone().clone()).ok()?;
        Some((first.timestamp().as_millisecond(), year.to_string()))
    });
    begins.collect()
}

/// A mistake in words, with its place marked and the way out as a link.
fn told(asked: &Asked, error: &QueryError) -> Value {
    let typed = asked.q.trim();
    let part = |range: std::ops::Range<usize>| typed.get(range).unwrap_or_default();
    let place = error.place.clone();
    let parts: Vec<Value> = [
        (part(0..place.start), false),
        (part(place.clone()), true),
        (part(place.end.min(typed.len())..typed.len()), false),
    ]
    .into_iter()
    .filter(|(text, _)| !text.is_empty())
    .map(|(text, hit)| json!({ "text": text, "hit": hit }))
    .collect();
    let key = format!("mistake.{}", error.mistake.as_str());
    let said = text::filled(&key, &[("said", error.said.clone()), ("known", error.known.clone())]);
    let suggestion = error.suggestion.as_ref().filter(|text| !text.is_empty());
    json!({
        "said": said, "parts": parts, "suggestion": suggestion,
        "address": suggestion.map(|text| asked.with_text(text)),
    })
}

async fn hit(db: &mut Db, asked: &Asked, hit: &Hit) -> Result<Value, PageError> {
    let row = match &hit.file_id {
        Some(id) => db.find_document(id).await?,
        None => None,
    };
    let page = hit.page.unwrap_or(1);
    let read = row.as_ref().filter(|row| row.document.page_count > 0);
    let picture = read.filter(|row| document::has_pictures(row) && hit.page.is_some());
    let ticket = hit.ticket_number.map(|number| format!("/tickets/{number}#message-{}", hit.message_id));
    let more = hit.ticket_number.filter(|_| hit.in_group > 1).map(|number| {
        let text = query::narrowed(asked.q.trim(), &format!("ticket:{number}"));
        json!({ "count": hit.in_group - 1, "address": Asked::address("/search", &text, &asked.sort, "flat") })
    });
    let document = row.as_ref().map(|row| match hit.page.filter(|_| read.is_some()) {
        Some(page) => format!("/documents/{}#page-{page}", row.id),
        None => format!("/documents/{}", row.id),
    });
    Ok(json!({
        "reference": hit.ticket_number.map(|number| format!("MR-{number}")), "address": ticket,
        "title": parts(&hit.subject), "from": parts(&hit.from), "at_ms": hit.date_ms, "snippet": parts(&hit.body),
        "file": hit.file.as_ref().map(parts), "document": document, "page": hit.page, "more": more,
        "picture": picture.map(|row| format!("/documents/{}/pages/{page}.png?small=true", row.id)),
        "raw": format!("/messages/{}/raw", hit.message_id),
    }))
}

fn parts(snippet: &Snippet) -> Vec<Value> {
    snippet.parts().map(|(text, hit)| json!({ "text": text, "hit": hit })).collect()
}

/// The facets that tell hits apart, each value with the address of the search that it narrows, or widens again.
async fn facets(desk: &Desk, asked: &Asked, found: &Hits) -> Result<Vec<Value>, PageError> {
    let known = desk.app.master_data().await?;
    let typed = asked.q.trim();
    let mut shown = Vec::new();
    for name in ["queue", "account", "kind", "on", "has", "lang"] {
        let Some(Facet { values, .. }) = found.facets.iter().find(|facet| facet.field == name) else {
            continue;
        };
        let mut active = false;
        let mut rows = Vec::new();
        for (value, count) in values.iter().take(FACET_VALUES_MAX) {
            let clause =
                if name == "account" { format!("account:\"{value}\"") } else { format!("{name}:{value}") };
            let wider = query::widened(typed, &clause);
            active |= wider.is_some();
            let address = wider.clone().unwrap_or_else(|| query::narrowed(typed, &clause));
            let label = match name {
                "queue" => text::choice("queue", value),
                "kind" => text::choice("kind", value),
                "has" => text::choice("has", value),
                "lang" => text::choice("language", value),
                "account" => known
                    .accounts
                    .iter()
                    .find(|account| account.account_no == *value)
                    .map_or_else(|| value.clone(), |account| account.name.clone()),
                _ => value.clone(),
            };
            rows.push(json!({
                "label": label, "count": count, "address": asked.with_text(&address), "active": wider.is_some(),
            }));
        }
        if !rows.is_empty() {
            shown.push(json!({
                "name": name, "values": rows, "active": active,
                "left": values.len().saturating_sub(FACET_VALUES_MAX),
            }));
        }
    }
    Ok(shown)
}

/// How much can be found, and what cannot.
async fn coverage(desk: &Desk, db: &mut Db) -> Result<Value, PageError> {
    let counts = db.count_messages().await?;
    let of = |wanted: MessageState| counts.iter().filter(|(s, _)| *s == wanted).map(|(_, n)| n).sum::<i64>();
    let stored: i64 = counts.iter().map(|(_, n)| n).sum();
    let index = desk.app.index.clone();
    let (indexed, unread) = tokio::task::spawn_blocking(move || {
        let unread = query::parse(&format!("has:{}", Has::Unread.as_str()), &jiff::Zoned::default())
            .map(|query| index.search(&query, 0, 0).map(|hits| hits.total));
        (index.count(), unread)
    })
    .await?;
    let unread = unread.unwrap_or(Ok(0))?;
    let complete = i64::try_from(indexed).is_ok_and(|indexed| indexed >= stored);
    let key = if complete { "search.coverage_all" } else { "search.coverage" };
    let said = text::filled(key, &[("indexed", indexed.to_string()), ("total", stored.to_string())]);
    Ok(json!({
        "said": said, "waiting": if complete { 0 } else { of(MessageState::Stored) },
        "quarantined": of(MessageState::Quarantined), "unread": unread,
    }))
}

/// `GET /search.csv`: all hits, however many, as they are found.
pub async fn csv(State(desk): State<Arc<Desk>>, Query(asked): Query<Asked>) -> Result<Response, PageError> {
    let now = desk.app.now();
    let Ok(query) = asked.parse(&now) else {
        return Ok(Redirect::to(&asked.here("/search")).into_response());
    };
    let app = Arc::clone(&desk.app);
    let zone = now.time_zone().clone();
    let mut all = tokio::task::spawn_blocking(move || app.index.all(&query)).await??;
    let (sender, receiver) = mpsc::channel::<Result<Vec<u8>, io::Error>>(2);
    tokio::task::spawn_blocking(move || {
        // The mark tells spreadsheet programs that it is UTF-8.
        let mut writer = csv::Writer::from_writer("\u{feff}".as_bytes().to_vec());
        let mut head = Some(table::HEAD.map(str::to_owned));
        loop {
            let mut last = true;
            for line in head
                .take()
                .map(Ok)
                .into_iter()
                .chain(all.by_ref().take(CSV_LINES).map(|hit| hit.map(|hit| table::cells(&hit, &zone))))
            {
                last = false;
                let written = line.map_err(io::Error::other).and_then(|line| Ok(writer.write_record(line)?));
                if let Err(error) = written {
                    drop(sender.blocking_send(Err(error)));
                    return;
                }
            }
            let sent = writer.into_inner().map_err(|error| io::Error::other(error.to_string()));
            if sender.blocking_send(sent).is_err() || last {
                return;
            }
            writer = csv::Writer::from_writer(Vec::new());
        }
    });
    let stream = futures::stream::unfold(receiver, |mut receiver| async move {
        receiver.recv().await.map(|piece| (piece, receiver))
    });
    let headers = [
        (header::CONTENT_TYPE, HeaderValue::from_static("text/csv; charset=utf-8")),
        (header::CONTENT_DISPOSITION, HeaderValue::from_static("attachment; filename=\"search.csv\"")),
    ];
    Ok((headers, Body::from_stream(stream)).into_response())
}

/// `POST /search/saved`: keeps a search under a name, or removes one.
pub async fn save(
    State(desk): State<Arc<Desk>>,
    Extension(visit): Extension<Visit>,
    Extension(posted): Extension<Posted>,
) -> Result<Response, PageError> {
    let asked = Asked {
        q: posted.text("q").to_owned(),
        page: 1,
        sort: posted.text("sort").to_owned(),
        group: posted.text("group").to_owned(),
    };
    let (name, here) = (posted.text("name"), asked.here("/search"));
    if name.is_empty() || asked.parse(&desk.app.now()).is_err() {
        return Err(PageError::refused(StatusCode::UNPROCESSABLE_ENTITY, "error.bad_form"));
    }
    let query = here.split_once('?').map_or("", |(_, query)| query);
    view::save(&desk.app, ViewPage::Search, posted.text("shared") == "yes", name, query, &visit.name).await?;
    Ok(Redirect::to(&format!("{here}&done=view_saved")).into_response())
}

/// `POST /search/saved/{id}/remove`
pub async fn forget(
    State(desk): State<Arc<Desk>>,
    Extension(visit): Extension<Visit>,
    Path(id): Path<String>,
) -> Result<Response, PageError> {
    if !view::remove(&desk.app, &ViewId::new(id), &visit.name).await? {
        return Err(PageError::NotFound);
    }
    Ok(Redirect::to("/search?done=view_removed").into_response())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_example_of_the_help_is_understood() {
        for (example, _) in HELP {
            assert!(query::parse(example, &jiff::Zoned::default()).is_ok(), "{example}");
        }
    }

    #[test]
    fn every_mistake_and_value_has_words() {
        for mistake in query::Mistake::ALL {
            assert!(text::find(&format!("mistake.{}", mistake.as_str())).is_some(), "{mistake:?}");
        }
        for has in Has::ALL {
            assert!(text::find(&format!("has.{}", has.as_str())).is_some(), "{has:?}");
        }
    }
}
