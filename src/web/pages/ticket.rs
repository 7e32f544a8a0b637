//! Tickets: the lists of the queues, and one conversation with what can be done about it.

use super::{document, work};
use crate::{
    clock,
    config::Config,
    model::{
        ids::{DraftId, TicketId},
        message::Message,
        outbox::OutboxRow,
        ticket::{Priority, Queue, Ticket, TicketState},
    },
    pipeline::{conversation, decision, letter, reply},
    reply::template::Name,
    store::{
        Db,
        message::MessageRow,
        ticket::{TicketCursor, TicketFilter, TicketSummary},
        view::ViewPage,
        work::{Note, Typed},
    },
    web::{
        Desk,
        error::{PageError, UserMessage, percent_encode},
        frame::Frame,
        paging, review,
        rights::Right,
        session::Visit,
        text, views,
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
use std::{collections::BTreeSet, sync::Arc};

/// Tickets on one page.
const TICKETS_PER_PAGE: u32 = 50;
/// Messages of a conversation shown at most.
const MESSAGES_MAX: u32 = 500;
/// Outgoing mails of a ticket shown at most.
const OUTBOX_MAX: u32 = 200;

/// Milliseconds of an hour.
const HOUR_MS: i64 = 3_600_000;
/// Changes of a ticket shown at most.
const HISTORY_MAX: u32 = 200;
/// Somebody who looked at a page within this time is still at it.
pub(super) const PRESENT_MS: i64 = 45_000;
/// Somebody who typed within this time is still writing.
pub(super) const WRITING_MS: i64 = 90_000;

/// Which part of a list.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct Part {
    state: String,
    assignee: String,
    priority: String,
    tag: String,
    unread: String,
    /// `yes`: only what rests until a day.
    rests: String,
    after: String,
}

impl Part {
    /// What stands behind the `?` for the same list, but for one name with another value, and from its beginning.
    fn with(&self, name: &str, value: &str) -> String {
        let all = [
            ("state", &self.state),
            ("assignee", &self.assignee),
            ("priority", &self.priority),
            ("tag", &self.tag),
            ("unread", &self.unread),
            ("rests", &self.rests),
        ];
        let pairs = all.map(|(key, kept)| (key, if key == name { value } else { kept.as_str() }));
        let pairs = pairs.into_iter().filter(|(_, value)| !value.is_empty());
        pairs.map(|(key, value)| format!("{key}={}", percent_encode(value))).collect::<Vec<_>>().join("&")
    }

    fn filter(&self, queue: Option<Queue>, state: TicketState, person: &str) -> TicketFilter {
        TicketFilter {
            queue,
            // what rests waits, whatever part of the list is shown
            state: Some(state).filter(|_| self.rests != "yes"),
            account_id: None,
            assignee: match self.assignee.as_str() {
                "" => None,
                "me" => Some(person.to_owned()),
                "nobody" => Some(String::new()),
                name => Some(name.to_owned()),
            },
            priority: Priority::parse(&self.priority),
            tag: Some(self.tag.clone()).filter(|tag| !tag.is_empty()),
            unread_by: (self.unread == "yes").then(|| person.to_owned()),
            rests: self.rests == "yes",
        }
    }
}

/// `GET /queues/{queue}`: a queue's name, `all`, or `follow_ups`.
pub async fn list(
    State(desk): State<Arc<Desk>>,
    Extension(visit): Extension<Visit>,
    Path(queue): Path<String>,
    Query(part): Query<Part>,
) -> Result<Response, PageError> {
    let frame = Frame::load(&desk, &visit, "tickets").await?;
    let settings = desk.app.settings().await?;
    let mut db = desk.app.store.read().await?;
    let chosen = Queue::parse(&queue);
    let follows = queue == "follow_ups";
    if chosen.is_none() && queue != "all" && !follows {
        return Err(PageError::NotFound);
    }
    let state = TicketState::parse(&part.state).unwrap_or(TicketState::Open);
    let (tickets, next) = if follows {
        (follow_ups(&mut db, &settings.config, &visit.name).await?, None)
    } else {
        let filter = part.filter(chosen, state, &visit.name);
        let after = cursor(&part.after);
        let ask = paging::ask(TICKETS_PER_PAGE);
        let found = db.list_ticket_summaries(&filter, after.as_ref(), ask, &visit.name).await?;
        let found = paging::Part::cut(found, TICKETS_PER_PAGE);
        let next = found.next(|last| {
            let (ms, id) = (last.ticket.updated_ms, &last.ticket.id);
            format!("/queues/{queue}?{}&after={ms}.{id}", part.with("state", state.as_str()))
        });
        (found.rows.iter().map(|row| summary(&settings.config, row)).collect::<Vec<_>>(), next)
    };
    let states = ["open", "waiting", "closed"].map(
        |name| json!({ "name": name, "address": format!("/queues/{queue}?{}", part.with("state", name)) }),
    );
    let queues: Vec<Value> = std::iter::once("all")
        .chain(Queue::ALL.iter().map(|queue| queue.as_str()))
        .map(|name| json!({ "name": name, "address": format!("/queues/{name}?{}", part.with("", "")) }))
        .collect();
    let context = json!({
        "frame": frame, "title": text::choice("queue", &queue), "queue": if follows { "all" } else { &queue },
        "follows": follows, "states": states, "state": state.as_str(), "tickets": tickets, "next": next,
        "part": { "assignee": part.assignee, "priority": part.priority, "tag": part.tag, "unread": part.unread, "rests": part.rests },
        "queues": queues, "people": people(&mut db).await?, "tags": db.list_all_tags().await?,
        "priorities": Priority::ALL, "snoozes": work::SNOOZES, "query": part.with("state", state.as_str()),
        "saved": db.list_views(ViewPage::Tickets, &visit.name).await?, "here": format!("/queues/{queue}"),
        "change": db.find_last_change().await?,
    });
    views::page("queue.html", context)
}

/// Names of those who may work on tickets.
async fn people(db: &mut Db) -> Result<Vec<String>, PageError> {
    let people = db.list_people().await?.into_iter();
    let people = people.filter(|person| !person.disabled && person.role.may(Right::Answer));
    Ok(people.map(|person| person.name).collect())
}

fn summary(settings: &Config, summary: &TicketSummary) -> Value {
    let ticket = &summary.ticket;
    let hours = settings.queue(ticket.queue).map_or(0, |rules| rules.answer_hours);
    let waits = hours > 0 && ticket.state == TicketState::Open;
    let answer_due_ms = summary.unanswered_ms.filter(|_| waits).map(|ms| ms + hours * HOUR_MS);
    json!({
        "id": ticket.id, "number": ticket.number, "reference": ticket.reference(), "subject": ticket.subject,
        "from": summary.from, "queue": ticket.queue.as_str(), "state": ticket.state.as_str(),
        "priority": ticket.priority.as_str(), "drafts": summary.drafts, "updated_ms": ticket.updated_ms,
        "assignee": ticket.assignee, "snoozed_until_ms": ticket.snoozed_until_ms, "tags": summary.tags,
        "unread": summary.unread, "due_on": summary.due_on, "answer_due_ms": answer_due_ms,
        "answer_late": answer_due_ms.is_some_and(|due_ms| due_ms < clock::now_ms()),
    })
}

/// Tickets with a message that may belong to another ticket.
async fn follow_ups(db: &mut Db, settings: &Config, person: &str) -> Result<Vec<Value>, PageError> {
    let (mut tickets, mut senders) = (Vec::new(), Vec::new());
    for message in db.list_undecided_follow_ups(TICKETS_PER_PAGE).await? {
        let Some(id) = &message.ticket_id else { continue };
        if let Some(ticket) = db.find_ticket(id).await? {
            senders.push(sender(&message).to_owned());
            tickets.push(ticket);
        }
    }
    let found = db.summarise_tickets(tickets, person).await?.into_iter().zip(senders);
    Ok(found.map(|(found, from)| summary(settings, &TicketSummary { from, ..found })).collect())
}

fn cursor(after: &str) -> Option<TicketCursor> {
    let (ms, id) = after.split_once('.')?;
    Some(TicketCursor { updated_ms: ms.parse().ok()?, id: TicketId::new(id) })
}

fn sender(message: &MessageRow) -> &str {
    if message.from_name.is_empty() { &message.from_email } else { &message.from_name }
}

/// A ticket by the number in an address; where it was merged into, if it was.
pub(super) async fn find(db: &mut Db, number: i64) -> Result<Ticket, PageError> {
    let ticket = db.find_ticket_by_number(number).await?.ok_or(PageError::NotFound)?;
    match &ticket.merged_into {
        Some(target) => db.find_ticket(target).await?.ok_or(PageError::NotFound),
        None => Ok(ticket),
    }
}

/// How a conversation is shown.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Shown {
    order: String,
    /// `all`, `forward`, or `original` for who wrote what was forwarded to us; else an answer to the sender.
    reply: String,
    /// The message that is forwarded.
    message: String,
    /// The message whose pictures from elsewhere are shown.
    images: String,
    /// The letter that an answer begins with.
    letter: String,
}

impl Shown {
    /// The letter in the form: the one that is asked for, otherwise the one that was begun.
    fn letter<'a>(&'a self, typed: &'a Typed, refused: bool) -> &'a str {
        let forward = Name::Forward.as_str();
        match (self.letter.as_str(), self.reply.as_str()) {
            _ if refused => &typed.letter,
            ("", "forward") => forward,
            // what was begun as a forward is no answer
            ("", "all" | "sender" | "original") if typed.letter == forward => "",
            ("", _) => &typed.letter,
            (name, _) => name,
        }
    }
}

/// A form that was refused: it comes back as it was sent, with the reason.
#[derive(Debug)]
pub(super) struct Refused {
    /// Under which status.
    pub status: StatusCode,
    /// Key of the pair of texts that says why.
    pub key: &'static str,
    /// Name of the input that it is about.
    pub field: &'static str,
    /// What was typed.
    pub typed: Typed,
    /// Which files of the ticket were ticked.
    pub files: Vec<String>,
    /// Files from elsewhere were chosen: browsers forget which.
    pub uploads: bool,
}

/// `GET /tickets/{number}`
pub async fn show(
    State(desk): State<Arc<Desk>>,
    Extension(visit): Extension<Visit>,
    Path(number): Path<i64>,
    Query(how): Query<Shown>,
) -> Result<Response, PageError> {
    page(&desk, &visit, number, &how, None).await
}

/// The page of a ticket, perhaps with a form that was refused.
pub(super) async fn page(
    desk: &Desk,
    visit: &Visit,
    number: i64,
    how: &Shown,
    refused: Option<Refused>,
) -> Result<Response, PageError> {
    let frame = Frame::load(desk, visit, "tickets").await?;
    let settings = desk.app.settings().await?;
    let mut db = desk.app.store.read().await?;
    let ticket = find(&mut db, number).await?;
    if ticket.number != number && refused.is_none() {
        return Ok(Redirect::to(&format!("/tickets/{}", ticket.number)).into_response());
    }
    let conversation = db.list_conversation(&ticket.id, MESSAGES_MAX).await?;
    let answer_to = decision::answer_address(&conversation);
    let original = reply::original_sender(&desk.app, &conversation).await;
    let others = reply::others(&settings.site, &conversation).join(", ");
    let mut entries = Vec::new();
    for (row, parsed) in &conversation {
        entries.push(message(&mut db, row, parsed.as_ref()).await?);
    }
    let outbox: Vec<_> = db.list_outbox_of_ticket(&ticket.id, OUTBOX_MAX).await?;
    let taken_in: BTreeSet<&str> =
        conversation.iter().filter_map(|(row, _)| row.rfc_message_id.as_deref()).collect();
    for row in outbox.iter().filter(|row| !taken_in.contains(row.rfc_message_id.as_str())) {
        entries.push(sent_entry(desk, &settings.config.site.name, row).await);
    }
    entries.extend(db.list_notes(&ticket.id).await?.iter().map(note_entry));
    // Stable: what came at the same time stays as it was.
    entries.sort_by_key(|entry| entry["at_ms"].as_i64());
    let attention = db.find_attention(&ticket.id, &visit.name).await?;
    let kept = attention.map(|attention| attention.typed).unwrap_or_default();
    let typed = refused.as_ref().map_or(&kept, |refused| &refused.typed);
    let forward = Name::Forward.as_str();
    let letter = how.letter(typed, refused.is_some());
    let shown_as = if letter == forward { forward } else { &how.reply };
    let forwarded = letter::forwarded(&conversation, &how.message);
    let begun = begin(desk, &ticket, &conversation, letter, &how.message, typed).await?;
    let newest = how.order == "newest";
    if newest {
        entries.reverse();
    }
    let account = match &ticket.account_id {
        Some(id) => db.find_account(id).await?.map(|row| row.account),
        None => None,
    };
    let links = db.list_links(&ticket.id).await?;
    let links = all_named(&mut db, &links).await?;
    let merged = db.list_merged(&ticket.id).await?;
    let merged = all_named(&mut db, &merged).await?;
    let now_ms = clock::now_ms();
    let present = db.list_present(&ticket.id, &visit.name, now_ms - PRESENT_MS).await?;
    let answer_to = answer_to.map(|address| address.email);
    let (to, cc) = match shown_as {
        _ if refused.is_some() => (Some(typed.to.clone()), typed.cc.clone()),
        "" | "forward" if how.reply.is_empty() && !(typed.to.is_empty() && typed.cc.is_empty()) => {
            (Some(typed.to.clone()), typed.cc.clone())
        }
        "original" => (original.clone(), String::new()),
        "forward" => (None, String::new()),
        "all" => (answer_to.clone(), others.clone()),
        _ => (answer_to.clone(), String::new()),
    };
    let drafts = drafts(&mut db, &ticket.id).await?;
    let participants = db.list_participants(&ticket.id).await?;
    let said = db.count_said(&ticket.id).await?;
    let history = db.list_audit_of("ticket", ticket.id.as_str(), HISTORY_MAX).await?;
    let history: Vec<Value> = history
        .iter()
        .map(|row| &row.entry)
        .map(|e| json!({ "at_ms": e.at_ms, "actor": e.actor, "action": e.action, "detail": e.detail }))
        .collect();
    let queues: Vec<&str> = Queue::ALL.iter().map(|queue| queue.as_str()).collect();
    let mut shown = json!(ticket);
    if let Some(fields) = shown.as_object_mut() {
        fields.insert("reference".to_owned(), json!(ticket.reference()));
        fields.insert("tags".to_owned(), json!(db.list_tags(&ticket.id).await?));
    }
    let context = json!({
        "frame": frame, "ticket": shown, "entries": entries, "newest": newest, "drafts": drafts, "queues": queues,
        "account": account, "participants": participants, "links": links, "merged": merged,
        "history": history, "people": people(&mut db).await?,
        "priorities": Priority::ALL, "snoozes": work::SNOOZES, "answer_to": answer_to, "to": to, "cc": cc,
        "change": db.find_last_change().await?, "others": others, "images": how.images, "letter": begun, "letters": Name::BY_PERSON,
        "files_max": reply::FILES_BYTES_MAX, "original": original, "reply": shown_as, "forwarded": forwarded.map(|(row, _)| &row.id), "said": said, "files": files(&conversation),
        "present": present.iter().map(|who| json!({ "name": who.person, "writing": who.writing_ms > now_ms - WRITING_MS }))
            .collect::<Vec<_>>(),
        "draft": if typed.letter.is_empty() { typed.text.as_str() } else { "" }, "note": typed.note,
        "once": clock::fresh_id(), "note_once": clock::fresh_id(),
        "picked": refused.as_ref().map(|refused| &refused.files), "refused": refused.as_ref().map(told),
    });
    drop(db);
    conversation::attend(&desk.app, &ticket.id, &visit.name).await?;
    views::page_with(refused.map_or(StatusCode::OK, |refused| refused.status), "ticket.html", context)
}

/// The letter of that name, as it was left or as it begins; nothing for an answer without one.
async fn begin(
    desk: &Desk,
    ticket: &Ticket,
    conversation: &[(MessageRow, Option<Message>)],
    letter: &str,
    passed_on: &str,
    typed: &Typed,
) -> Result<Option<Value>, PageError> {
    let mut names = Name::BY_PERSON.iter().filter(|name| **name != Name::Answer);
    let Some(name) = names.find(|name| name.as_str() == letter) else { return Ok(None) };
    if typed.letter == letter && !typed.text.is_empty() && passed_on.is_empty() {
        return Ok(Some(json!({ "name": name, "text": typed.text, "missing": [] })));
    }
    let settings = desk.app.settings().await?;
    let known = letter::of_ticket(&desk.app, ticket, conversation).await?;
    let known = match letter::forwarded(conversation, passed_on) {
        Some(passed_on) if *name == Name::Forward => letter::with_forwarded(&desk.app, passed_on, known),
        _ => known,
    };
    let begun = letter::begin(&desk.app, &settings, &settings.templates, *name, &ticket.language, &known)?;
    Ok(Some(json!({ "name": name, "text": begun.rendered.body.trim(), "missing": begun.missing })))
}

fn told(refused: &Refused) -> Value {
    let UserMessage { text, hint } = UserMessage::of(refused.key);
    json!({ "text": text, "hint": hint, "field": refused.field, "uploads": refused.uploads })
}

async fn all_named(db: &mut Db, ids: &[TicketId]) -> Result<Vec<Value>, PageError> {
    let mut all = Vec::new();
    for id in ids {
        all.extend(db.find_ticket(id).await?.map(|ticket| named(&ticket)));
    }
    Ok(all)
}

fn named(ticket: &Ticket) -> Value {
    json!({ "number": ticket.number, "reference": ticket.reference(), "subject": ticket.subject, "state": ticket.state })
}

/// The files of a conversation that can go along with an answer.
fn files(conversation: &[(MessageRow, Option<Message>)]) -> Vec<Value> {
    let all = conversation.iter().filter_map(|(row, parsed)| Some((row, parsed.as_ref()?)));
    all.flat_map(|(row, parsed)| {
        let attached = parsed.attachments.iter().enumerate().filter(|(_, a)| !a.inline);
        attached
            .map(|(at, a)| json!({ "value": format!("{}/{at}", row.id), "message": row.id, "name": a.name }))
    })
    .collect()
}

/// What we wrote, from its exact bytes; without its text if they are lost.
async fn sent_entry(desk: &Desk, site_name: &str, row: &OutboxRow) -> Value {
    let bytes = desk.app.blob.get(&row.sha256).await.ok();
    let mail = bytes.map(|bytes| crate::message::parse(&bytes));
    let by_person = row.cause.starts_with("answer:");
    json!({
        "entry": "sent", "id": row.id, "from": site_name, "to": row.recipient,
        "copies": row.copies.join(", "), "template": row.template, "by_person": by_person, "state": row.state, "reason": row.reason,
        "subject": row.subject, "at_ms": row.sent_ms.unwrap_or(row.created_ms),
        "text": mail.as_ref().map(|mail| mail.text.trim()),
        "files": mail.as_ref().map(|mail| mail.attachments.iter()
            .map(|file| json!({ "name": file.name, "size_bytes": file.size_bytes })).collect::<Vec<_>>()),
    })
}

fn note_entry(note: &Note) -> Value {
    json!({ "entry": "note", "id": note.id, "from": note.author, "text": note.content, "at_ms": note.created_ms,
            "mentions": note.mentions })
}

async fn drafts(db: &mut Db, ticket: &TicketId) -> Result<Vec<Value>, PageError> {
    let mut drafts = Vec::new();
    for draft in db.list_drafts_of_ticket(ticket).await? {
        let record = db.find_record_of_draft(&DraftId::new(draft.id.as_str())).await?;
        drafts.push(json!({
            "id": draft.id, "kind": draft.kind, "po_number": draft.po_number, "state": draft.state,
            "least_confidence": draft.least_confidence, "level": review::level(draft.least_confidence),
            "record_id": record.map(|record| record.id),
        }));
    }
    Ok(drafts)
}

async fn message(db: &mut Db, row: &MessageRow, parsed: Option<&Message>) -> Result<Value, PageError> {
    let possible = match &row.possible_ticket_id {
        Some(id) => db.find_ticket(id).await?,
        None => None,
    };
    let documents = db.list_documents(&row.id).await?;
    let names = |list: &[crate::model::message::Address]| {
        list.iter().map(|a| a.email.clone()).collect::<Vec<_>>().join(", ")
    };
    let attachments: Vec<Value> = parsed.map_or_else(Vec::new, |message| {
        let list = message.attachments.iter().enumerate();
        list.map(|(position, a)| {
            let read = documents.iter().find(|d| d.document.sha256 == a.sha256);
            json!({
                "position": position, "name": a.name, "size_bytes": a.size_bytes,
                "said": read.map(document::reading_in_words), "document": read.map(|d| &d.id),
                "drawn": read.is_some_and(document::has_pictures),
            })
        })
        .collect()
    });
    Ok(json!({
        "entry": "mail", "id": row.id, "direction": row.direction, "state": row.state, "historic": row.historic,
        "from": sender(row), "from_email": row.from_email, "at_ms": row.date_ms.unwrap_or(row.stored_ms),
        "to": parsed.map(|m| names(&m.to)), "cc": parsed.map(|m| names(&m.cc)), "origin": row.origin,
        "new_text": parsed.map(|m| m.new_text.trim()), "signature": parsed.map(|m| m.signature.trim()),
        "quoted_text": parsed.map(|m| m.quoted_text.trim()), "has_html": parsed.is_some_and(|m| m.html.is_some()),
        "has_remote": parsed.and_then(|m| m.html.as_ref()).is_some_and(|html| html.contains("https://") && html.contains("<img")),
        "attachments": attachments, "findings": parsed.map_or_else(Vec::new, |m| m.findings.clone()),
        "screened_reason": row.screened_reason, "muted": row.muted, "thread_rule": row.thread_rule,
        "queue": row.queue, "queue_reasons": row.queue_reasons, "queue_confidence": row.queue_confidence,
        "size_bytes": row.size_bytes, "sha256": row.sha256,
        "possible": possible.map(|t| json!({ "number": t.number, "reference": t.reference(), "subject": t.subject })),
    }))
}

pub(super) fn back(number: i64, done: &str) -> Response {
    Redirect::to(&format!("/tickets/{number}?done={done}")).into_response()
}

pub(super) fn bad_form() -> PageError {
    PageError::refused(StatusCode::UNPROCESSABLE_ENTITY, "error.bad_form")
}
