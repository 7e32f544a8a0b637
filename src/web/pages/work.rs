//! What is done to tickets: answers, notes, changes of one or of many, merging, linking, and who is at it.

use super::ticket::{self, PRESENT_MS, Refused, Shown, WRITING_MS, back, bad_form, find};
use crate::{
    clock,
    model::{
        ids::{MessageId, TicketId, ViewId},
        ticket::{Priority, Queue, TicketState},
    },
    pipeline::{
        conversation::{self, Change, Joined},
        reply::{self, Replied, Reply},
        view,
    },
    reply::{File, template::Name},
    store::{
        once::{Claim, Once},
        view::ViewPage,
        work::Typed,
    },
    web::{
        Desk,
        error::PageError,
        rights::Right,
        session::{Files, Posted, Visit},
    },
};
use axum::{
    Extension,
    extract::{Path, Query, State},
    http::StatusCode,
    response::{
        IntoResponse as _, Redirect, Response,
        sse::{Event, KeepAlive, Sse},
    },
};
use jiff::{ToSpan as _, Zoned, civil::Date};
use serde::Deserialize;
use serde_json::json;
use std::{convert::Infallible, sync::Arc, time::Duration};

/// How often a live page asks whether something changed.
const LIVE_INTERVAL: Duration = Duration::from_secs(4);
/// A live page asks anew after this many looks, so that a session that ended ends it too.
const LIVE_LOOKS_MAX: u32 = 150;
/// The hour of the day at which rested tickets ask for work again.
const WAKE_HOUR: i8 = 7;
/// Most characters of an answer that is being written.
const DRAFT_CHARS_MAX: usize = 50_000;

/// How long a ticket can rest, by name; a day as `2026-12-01` too.
pub(super) const SNOOZES: &[&str] = &["tomorrow", "three_days", "week", "month"];

fn snooze_until(value: &str, now: &Zoned) -> Option<i64> {
    let today = now.date();
    let day = match value {
        "tomorrow" => today.checked_add(1.day()),
        "three_days" => today.checked_add(3.days()),
        "week" => today.checked_add(1.week()),
        "month" => today.checked_add(1.month()),
        day => day.parse::<Date>(),
    };
    let until = day.ok()?.at(WAKE_HOUR, 0, 0, 0).to_zoned(now.time_zone().clone()).ok()?;
    (until > *now).then(|| until.timestamp().as_millisecond())
}

/// The change that a form asks for, and what is said when it is done: the button says which one, a field of the
/// button's name the value.
async fn asked(desk: &Desk, visit: &Visit, posted: &Posted) -> Result<(Change, &'static str), PageError> {
    let kind = posted.text("do");
    let value = posted.text(kind);
    let change = match kind {
        "take" => Some((Change::Assign(visit.name.clone()), "assigned")),
        "assign" if value.is_empty() => Some((Change::Assign(String::new()), "assigned")),
        "assign" => {
            let person = desk.app.store.read().await?.find_person_by_name(value).await?;
            let person = person.filter(|person| !person.disabled && person.role.may(Right::Answer));
            person.map(|person| (Change::Assign(person.name), "assigned"))
        }
        "queue" => Queue::parse(value).map(|queue| (Change::Queue(queue), "moved")),
        "priority" => Priority::parse(value).map(|priority| (Change::Priority(priority), "prioritised")),
        "snooze" | "snooze_day" => {
            snooze_until(value, &desk.app.now()).map(|until| (Change::Snooze(until), "snoozed"))
        }
        "tag" => conversation::tag(value).map(|tag| (Change::Tag(tag), "tagged")),
        "untag" => conversation::tag(value).map(|tag| (Change::Untag(tag), "tagged")),
        "close" => Some((Change::State(TicketState::Closed), "closed")),
        "open" => Some((Change::State(TicketState::Open), "opened")),
        "wait" => Some((Change::State(TicketState::Waiting), "waiting")),
        _ => None,
    };
    change.ok_or_else(bad_form)
}

/// `POST /tickets/{number}/change`
pub async fn change(
    State(desk): State<Arc<Desk>>,
    Extension(visit): Extension<Visit>,
    Path(number): Path<i64>,
    Extension(posted): Extension<Posted>,
) -> Result<Response, PageError> {
    let (change, done) = asked(&desk, &visit, &posted).await?;
    let ticket = find(&mut desk.app.store.read().await?, number).await?;
    conversation::change(&desk.app, &[ticket.id], &change, &visit.name).await?;
    Ok(back(number, done))
}

/// `POST /queues/{queue}/change`: the same in all tickets that were ticked.
pub async fn change_many(
    State(desk): State<Arc<Desk>>,
    Extension(visit): Extension<Visit>,
    Path(queue): Path<String>,
    Extension(posted): Extension<Posted>,
) -> Result<Response, PageError> {
    let (change, done) = asked(&desk, &visit, &posted).await?;
    let ids: Vec<TicketId> = posted.all("ticket").map(TicketId::new).collect();
    if queue != "all" && Queue::parse(&queue).is_none() {
        return Err(PageError::NotFound);
    }
    let done = match conversation::change(&desk.app, &ids, &change, &visit.name).await? {
        0 => "none_ticked",
        1 => done,
        _ => "changed_many",
    };
    let query: String = posted.text("query").chars().filter(|c| !c.is_control()).collect();
    Ok(Redirect::to(&format!("/queues/{queue}?{query}&done={done}")).into_response())
}

/// `POST /queues/{queue}/save`: keeps the list under a name.
pub async fn save_view(
    State(desk): State<Arc<Desk>>,
    Extension(visit): Extension<Visit>,
    Path(queue): Path<String>,
    Extension(posted): Extension<Posted>,
) -> Result<Response, PageError> {
    let name = posted.text("name").split_whitespace().collect::<Vec<_>>().join(" ");
    let query: String = posted.text("query").chars().filter(|c| !c.is_control()).collect();
    if name.is_empty() || (queue != "all" && Queue::parse(&queue).is_none()) {
        return Err(bad_form());
    }
    let kept = format!("{queue}?{query}");
    view::save(&desk.app, ViewPage::Tickets, posted.text("shared") == "yes", &name, &kept, &visit.name)
        .await?;
    Ok(Redirect::to(&format!("/queues/{kept}&done=view_saved")).into_response())
}

/// `POST /views/{id}/remove`
pub async fn remove_view(
    State(desk): State<Arc<Desk>>,
    Extension(visit): Extension<Visit>,
    Path(id): Path<String>,
) -> Result<Response, PageError> {
    if !view::remove(&desk.app, &ViewId::new(id), &visit.name).await? {
        return Err(PageError::NotFound);
    }
    Ok(Redirect::to("/queues/all?done=view_removed").into_response())
}

/// The key of a form and what was sent with it: the same, sent twice, does its work once. Other words are another answer,
/// also from a form that was gone back to.
fn once(visit: &Visit, kind: &str, number: i64, key: &str, posted: &Posted, files: &Files) -> Option<Once> {
    let number = number.to_string();
    let fields = posted.0.iter().filter(|(key, _)| key != "csrf");
    let fields = fields.flat_map(|(key, value)| [key.as_bytes(), value.as_bytes()]);
    let files = files.0.iter().flat_map(|file| [file.name.as_bytes(), file.bytes.as_slice()]);
    let content = std::iter::once(number.as_bytes()).chain(fields).chain(files);
    Once::new(&format!("{kind}:{}", visit.person), key, content).map(Once::lenient)
}

/// What a form says that is refused.
fn typed(posted: &Posted) -> Typed {
    let text = |name| posted.raw(name).replace("\r\n", "\n");
    let letter = Name::parse(posted.text("letter")).filter(|letter| *letter != Name::Answer);
    Typed {
        to: text("to"),
        cc: text("cc"),
        text: text("text"),
        letter: letter.map_or_else(String::new, |letter| letter.as_str().to_owned()),
        note: text("note"),
    }
}

/// `POST /tickets/{number}/answer`: to the sender or to the addresses in the form, with the files that were ticked.
///
/// What is refused comes back as it was typed.
pub async fn answer(
    State(desk): State<Arc<Desk>>,
    Extension(visit): Extension<Visit>,
    Path(number): Path<i64>,
    Extension(posted): Extension<Posted>,
    Extension(uploads): Extension<Files>,
) -> Result<Response, PageError> {
    let once = once(&visit, "answer", number, posted.text("once"), &posted, &uploads);
    let ticket = find(&mut desk.app.store.read().await?, number).await?;
    let has_uploads = !uploads.0.is_empty();
    let (status, key, field) = match reply_in(&posted, uploads) {
        Err((key, field)) => (StatusCode::UNPROCESSABLE_ENTITY, key, field),
        Ok(reply) => match reply::send(&desk.app, &ticket, reply, once.as_ref(), &visit.name).await? {
            Replied::Done(_) => return Ok(back(ticket.number, "answered")),
            Replied::Overtaken => (StatusCode::CONFLICT, "error.overtaken", "text"),
            Replied::NoRecipient => (StatusCode::CONFLICT, "error.no_recipient", "to"),
            Replied::BadFiles => (StatusCode::UNPROCESSABLE_ENTITY, "error.bad_files", "upload"),
            Replied::Other => return Err(PageError::refused(StatusCode::CONFLICT, "error.gone")),
        },
    };
    let files = posted.all("file").map(str::to_owned).collect();
    let kept = desk.app.store.read().await?.find_attention(&ticket.id, &visit.name).await?;
    let note = kept.map(|kept| kept.typed.note).unwrap_or_default();
    let typed = Typed { note, ..typed(&posted) };
    let refused = Refused { status, key, field, typed, files, uploads: has_uploads };
    ticket::page(&desk, &visit, ticket.number, &Shown::default(), Some(refused)).await
}

/// The answer in a form; otherwise the key of the text that says what is wrong, and the input that it is about.
fn reply_in(posted: &Posted, uploads: Files) -> Result<Reply, (&'static str, &'static str)> {
    let to = reply::addresses(posted.text("to")).ok_or(("error.bad_address", "to"))?;
    let mut copies = reply::addresses(posted.text("cc")).ok_or(("error.bad_address", "cc"))?;
    let mut to = to.into_iter();
    let first = to.next();
    copies.splice(0..0, to);
    let files = posted.all("file").map(|value| {
        let (id, position) = value.split_once('/').unwrap_or((value, ""));
        (MessageId::new(id), position.parse().ok())
    });
    let files = files.collect();
    let text = posted.text("text").replace("\r\n", "\n");
    let letter = match posted.text("letter") {
        "" => Name::Answer,
        name => Name::parse(name).filter(|name| Name::BY_PERSON.contains(name)).ok_or(BAD_TEXT)?,
    };
    let whole = posted.text("whole") == "yes";
    if text.is_empty() && (whole || !letter.is_whole()) {
        return Err(BAD_TEXT);
    }
    let then = match posted.text("then") {
        "as_is" => None,
        name => Some(TicketState::parse(name).unwrap_or(TicketState::Waiting)),
    };
    let seen = posted.text("seen").parse().ok();
    let uploads = uploads.0.into_iter().filter(|file| file.field == "upload");
    let uploads = uploads.map(|file| File { name: file.name, bytes: file.bytes }).collect();
    Ok(Reply { to: first, copies, letter, whole, text, files, uploads, then, seen })
}

const BAD_TEXT: (&str, &str) = ("error.no_text", "text");

/// `POST /tickets/{number}/notes`
pub async fn note(
    State(desk): State<Arc<Desk>>,
    Extension(visit): Extension<Visit>,
    Path(number): Path<i64>,
    Extension(posted): Extension<Posted>,
) -> Result<Response, PageError> {
    let text = posted.text("note").replace("\r\n", "\n");
    let once = once(&visit, "note", number, posted.text("note_once"), &posted, &Files::default());
    let ticket = find(&mut desk.app.store.read().await?, number).await?;
    let (status, key) = if text.is_empty() {
        (StatusCode::UNPROCESSABLE_ENTITY, "error.no_text")
    } else {
        match conversation::note(&desk.app, &ticket.id, &text, once.as_ref(), &visit.name).await? {
            Claim::New | Claim::Done(_) => return Ok(back(ticket.number, "noted")),
            Claim::Other => return Err(PageError::refused(StatusCode::CONFLICT, "error.gone")),
        }
    };
    let kept = desk.app.store.read().await?.find_attention(&ticket.id, &visit.name).await?;
    let kept = kept.map(|kept| kept.typed).unwrap_or_default();
    let typed = Typed { note: typed(&posted).note, ..kept };
    let refused = Refused { status, key, field: "note", typed, files: Vec::new(), uploads: false };
    ticket::page(&desk, &visit, ticket.number, &Shown::default(), Some(refused)).await
}

/// `GET /tickets/{number}/answer` and `/notes`: where a form that was refused came back.
pub async fn to_ticket(Path(number): Path<i64>) -> Redirect {
    Redirect::to(&format!("/tickets/{number}"))
}

/// The number in `1001`, `MR-1001` or `[MR-1001]`.
pub(super) fn number_in(text: &str) -> Option<i64> {
    let text = text.trim_matches(['[', ']', '#', ' ']);
    text.get(..3)
        .filter(|start| start.eq_ignore_ascii_case("mr-"))
        .map_or(text, |_| text.get(3..).unwrap_or_default())
        .parse()
        .ok()
}

fn no_other() -> PageError {
    PageError::refused(StatusCode::UNPROCESSABLE_ENTITY, "error.no_other_ticket")
}

/// `POST /tickets/{number}/join`: merges it into another one, links the two, or parts them again.
pub async fn join(
    State(desk): State<Arc<Desk>>,
    Extension(visit): Extension<Visit>,
    Path(number): Path<i64>,
    Extension(posted): Extension<Posted>,
) -> Result<Response, PageError> {
    let other = number_in(posted.text("other")).ok_or_else(no_other)?;
    let ticket = find(&mut desk.app.store.read().await?, number).await?;
    let (joined, place, done) = match posted.text("do") {
        "merge" => (conversation::merge(&desk.app, &ticket, other, &visit.name).await?, other, "merged"),
        "unmerge" => {
            (conversation::unmerge(&desk.app, &ticket, other, &visit.name).await?, other, "unmerged")
        }
        "unlink" => (conversation::unlink(&desk.app, &ticket, other, &visit.name).await?, number, "unlinked"),
        _ => (conversation::link(&desk.app, &ticket, other, &visit.name).await?, number, "linked"),
    };
    match joined {
        Joined::Done => Ok(back(place, done)),
        Joined::NoOther => Err(no_other()),
    }
}

/// `POST /messages/{id}/move`: to the ticket of a number, or, without one, to a ticket of its own.
pub async fn move_message(
    State(desk): State<Arc<Desk>>,
    Extension(visit): Extension<Visit>,
    Path(id): Path<String>,
    Extension(posted): Extension<Posted>,
) -> Result<Response, PageError> {
    let to = match posted.text("other") {
        "" => None,
        text => Some(number_in(text).ok_or_else(no_other)?),
    };
    let id = MessageId::new(id);
    desk.app.store.read().await?.find_message(&id).await?.ok_or(PageError::NotFound)?;
    let number = conversation::move_message(&desk.app, &id, to, &visit.name).await?.ok_or_else(no_other)?;
    Ok(back(number, "message_moved"))
}

/// `POST /tickets/{number}/draft`: what is being written, kept while it is written. Fields that are missing stay.
pub async fn keep_draft(
    State(desk): State<Arc<Desk>>,
    Extension(visit): Extension<Visit>,
    Path(number): Path<i64>,
    Extension(posted): Extension<Posted>,
) -> Result<StatusCode, PageError> {
    let ticket = find(&mut desk.app.store.read().await?, number).await?;
    let none = Files::default();
    let answer = once(&visit, "answer", number, posted.text("once"), &posted, &none);
    let note = once(&visit, "note", number, posted.text("note_once"), &posted, &none);
    let change = |before: Typed| {
        let part = |name: &str, before: String| match posted.all(name).next() {
            Some(now) => now.chars().take(DRAFT_CHARS_MAX).collect(),
            None => before,
        };
        Typed {
            to: part("to", before.to),
            cc: part("cc", before.cc),
            text: part("text", before.text),
            letter: part("letter", before.letter),
            note: part("note", before.note),
        }
    };
    conversation::keep(&desk.app, &ticket.id, change, [answer.as_ref(), note.as_ref()], &visit.name).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// What a live page shows.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Watched {
    ticket: Option<i64>,
    /// The change that the page has seen.
    since: Option<i64>,
}

/// `GET /live`: server-sent events. `change` when a ticket changed (that one, if it is named); `others` with who else is
/// at it.
pub async fn live(
    State(desk): State<Arc<Desk>>,
    Extension(visit): Extension<Visit>,
    Query(watched): Query<Watched>,
) -> Result<Response, PageError> {
    let mut db = desk.app.store.read().await?;
    let ticket = match watched.ticket {
        Some(number) => Some(find(&mut db, number).await?.id),
        None => None,
    };
    let last = db.find_last_change().await?;
    let seen = Seen { change: watched.since.unwrap_or(last), others: String::new(), looks: 0 };
    drop(db);
    let stream =
        futures::stream::unfold((desk, visit, ticket, seen), |(desk, visit, ticket, mut seen)| async move {
            loop {
                if seen.looks >= LIVE_LOOKS_MAX {
                    return None;
                }
                if seen.looks > 0 {
                    tokio::time::sleep(LIVE_INTERVAL).await;
                }
                seen.looks += 1;
                match look(&desk, &visit, ticket.as_ref(), &mut seen).await {
                    Ok(Some(event)) => {
                        return Some((Ok::<_, Infallible>(event), (desk, visit, ticket, seen)));
                    }
                    Ok(None) => {}
                    // The browser asks again by itself.
                    Err(_) => return None,
                }
            }
        });
    Ok(Sse::new(stream).keep_alive(KeepAlive::default()).into_response())
}

struct Seen {
    change: i64,
    others: String,
    looks: u32,
}

/// What is new since the last look, if anything.
async fn look(
    desk: &Desk,
    visit: &Visit,
    ticket: Option<&TicketId>,
    seen: &mut Seen,
) -> Result<Option<Event>, PageError> {
    if let Some(id) = ticket {
        conversation::attend_quietly(&desk.app, id, &visit.name).await?;
    }
    let now_ms = clock::now_ms();
    let mut db = desk.app.store.read().await?;
    if let Some(id) = ticket {
        let present = db.list_present(id, &visit.name, now_ms - PRESENT_MS).await?;
        let others: Vec<_> = present
            .iter()
            .map(|who| json!({ "name": who.person, "writing": who.writing_ms > now_ms - WRITING_MS }))
            .collect();
        let others = json!(others).to_string();
        if others != seen.others && !(others == "[]" && seen.others.is_empty()) {
            seen.others.clone_from(&others);
            return Ok(Some(Event::default().event("others").data(others)));
        }
    }
    let last = db.find_last_change().await?;
    let changed = last > seen.change && db.has_ticket_changed(ticket, seen.change).await?;
    seen.change = last;
    Ok(changed.then(|| Event::default().event("change").data(last.to_string())))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tickets_rest_until_the_morning() {
        let now = jiff::civil::date(2026, 3, 28).at(9, 0, 0, 0).in_tz("Europe/Stockholm").unwrap();
        for (value, expected) in [
            ("tomorrow", Some("2026-03-29T05:00:00Z")),
            ("three_days", Some("2026-03-31T05:00:00Z")),
            ("2026-12-01", Some("2026-12-01T06:00:00Z")),
            ("2026-03-28", None),
            ("2020-01-01", None),
            ("never", None),
            ("", None),
        ] {
            let until = snooze_until(value, &now);
            let expected = expected.map(|t| t.parse::<jiff::Timestamp>().unwrap().as_millisecond());
            assert_eq!(until, expected, "{value}");
        }
    }

    #[test]
    fn numbers_are_found_as_people_write_them() {
        for (text, expected) in [
            ("1001", Some(1001)),
            ("mr-1001", Some(1001)),
            ("[MR-1001]", Some(1001)),
            ("x", None),
            ("ää1", None),
        ] {
            assert_eq!(number_in(text), expected, "{text}");
        }
    }
}
