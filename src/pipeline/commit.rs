//! What was understood, into rows: one transaction with the end of the job.
//!
//! Machine mail that belongs to no conversation gets a closed ticket, so that it is found and accounted for without
//! asking for work. Everything here is decided by [`Understood`]; nothing is read again.

use super::{
    Drafted, Understood, answer,
    answer::Letter,
    documents::{BODY_NAME, ReadDocument},
};
use crate::{
    app::App,
    clock,
    message::subject,
    model::{
        ids::{DocumentId, MessageId, TicketId},
        ledger::Outcome,
        message::Origin,
        page::{How, Pages},
        ticket::{Priority, Queue, TicketState},
    },
    reply::{
        limits,
        template::{Context, Name},
    },
    screen::duplicate,
    store::{
        Tx,
        audit::Entry,
        change::ChangeKind,
        document::{DocumentState, NewDocument},
        draft::NewDraft,
        job::Job,
        message::Processed,
        outbox::NewOutbox,
        quarantine::NewQuarantine,
        ticket::NewTicket,
        webhook::Event,
    },
};
use anyhow::{Context as _, bail};
use std::collections::BTreeMap;

/// Language of tickets whose mail does not tell.
const DEFAULT_LANGUAGE: &str = "en";

/// The ticket that the message goes into.
struct Destination {
    /// An earlier ticket, or none for a new one.
    earlier: Option<TicketId>,
    /// Number of the new ticket, if it is reserved because an acknowledgement names it.
    number: Option<i64>,
    /// What is new about it.
    new: NewTicket,
    /// The state that this message puts it in; none leaves it.
    state: Option<TicketState>,
    /// Which rule joined or made it.
    rule: String,
}

/// Writes everything that one message means, with the end of its job.
pub async fn commit(app: &App, job: &Job, understood: Understood) -> anyhow::Result<()> {
    let mut destination = destination(&understood);
    let acknowledgement = acknowledge(app, &understood, &mut destination).await?;
    let id = &understood.row.id;
    let mut tx = app.store.begin().await?;
    tx.delete_undecided_drafts(id).await?;
    let documents = write(&mut tx, &understood, &destination, acknowledgement, clock::now_ms()).await?;
    tx.delete_documents_except(id, &documents).await?;
    tx.save_outcome(id, Outcome::Processed, &outcome_reason(&understood)).await?;
    if !tx.finish_job(&job.id, &app.node.name).await? {
        bail!("another worker took this message over; its results count");
    }
    tx.commit().await.with_context(|| format!("failed to commit message {id}"))?;
    app.announce_work();
    Ok(())
}

/// Writes what one message of history means, which nothing answers, into the transaction of its batch. Gives the
/// reason of its outcome, which is not written.
pub(super) async fn write_history(
    tx: &mut Tx,
    understood: &Understood,
    now_ms: i64,
) -> anyhow::Result<String> {
    write(tx, understood, &destination(understood), None, now_ms).await?;
    Ok(outcome_reason(understood))
}

/// Writes what a message means; gives its documents.
async fn write(
    tx: &mut Tx,
    understood: &Understood,
    destination: &Destination,
    acknowledgement: Option<NewOutbox>,
    now_ms: i64,
) -> anyhow::Result<Vec<DocumentId>> {
    let id = &understood.row.id;
    let ticket_id = save_ticket(tx, destination, understood, now_ms).await?;
    tx.save_processed(
        id,
        &Processed {
            message: &understood.message,
            screened: &understood.screened,
            ticket_id: Some(&ticket_id),
            thread_rule: &destination.rule,
            possible_ticket_id: understood.joining.possible.as_ref(),
            classified: &understood.classified,
        },
        now_ms,
    )
    .await?;
    let documents = save_documents(tx, id, &understood.documents, now_ms).await?;
    save_drafts(tx, id, &ticket_id, &understood.drafts, &documents, now_ms).await?;
    if let Some(mut outbox) = acknowledgement {
        outbox.ticket_id = Some(ticket_id.clone());
        tx.insert_outbox(&outbox, now_ms).await?;
    }
    if !understood.row.historic && understood.row.ticket_id.is_none() {
        announce(tx, understood, destination, &ticket_id, now_ms).await?;
    }
    // Nothing that is found of a ticket's other messages changes with one more.
    tx.note_change(ChangeKind::Message, id.as_str());
    tx.audit(Entry {
        at_ms: now_ms,
        actor: "mailroom".to_owned(),
        action: "process message".to_owned(),
        subject_kind: "message".to_owned(),
        subject_id: id.to_string(),
        detail: serde_json::json!({
            "ticket": ticket_id,
            "rule": destination.rule,
            "origin": understood.screened.origin,
            "muted": understood.screened.muted,
            "queue": understood.classified.queue,
            "drafts": understood.drafts.len(),
            "sha256": understood.row.sha256,
        })
        .to_string(),
    });
    Ok(documents)
}

/// Tells webhooks what came: once, also if it is processed again. History happened before anybody wanted to be told.
async fn announce(
    tx: &mut Tx,
    understood: &Understood,
    destination: &Destination,
    ticket_id: &TicketId,
    now_ms: i64,
) -> anyhow::Result<()> {
    let (row, message) = (&understood.row, &understood.message);
    let from = message.from.as_ref().map(|from| &from.email);
    let data = serde_json::json!({
        "message_id": row.id, "ticket_id": ticket_id, "from": from, "subject": message.subject,
        "queue": understood.classified.queue, "drafts": understood.drafts.len(),
    });
    tx.announce(Event::MessageReceived, &data, now_ms).await?;
    // a message that is processed again keeps its ticket
    if destination.earlier.is_none() {
        let ticket = tx.find_ticket(ticket_id).await?.context("the ticket that was just made is gone")?;
        let data = serde_json::json!({
            "ticket_id": ticket_id, "number": ticket.number, "reference": ticket.reference(),
            "subject": ticket.subject, "queue": ticket.queue, "account_id": ticket.account_id,
        });
        tx.announce(Event::TicketCreated, &data, now_ms).await?;
    }
    Ok(())
}

/// One line for the ledger: what became of it, and why nothing was answered if so.
fn outcome_reason(understood: &Understood) -> String {
    let screened = &understood.screened;
    if screened.muted { format!("{}: {}", screened.decided_by, screened.reason) } else { String::new() }
}

/// Decides which ticket the message goes into.
fn destination(understood: &Understood) -> Destination {
    let machine = matches!(understood.screened.origin, Origin::AutoReply | Origin::List | Origin::Own);
    let asks = !machine || understood.drafts.iter().any(|drafted| drafted.draft.kind.is_record());
    let new = NewTicket {
        subject: title(understood),
        queue: understood.classified.queue,
        queue_reason: understood.classified.reasons.join("; "),
        priority: if asks { understood.classified.priority } else { Priority::Low },
        account_id: understood.account.clone(),
        language: understood.message.language.clone().unwrap_or_else(|| DEFAULT_LANGUAGE.to_owned()),
    };
    let earlier = understood.row.ticket_id.clone().or_else(|| understood.joining.joins.clone());
    if earlier.is_some() {
        let rule = if understood.row.ticket_id.is_some() {
            &understood.row.thread_rule
        } else {
            &understood.joining.rule
        };
        // An absence note must not open a closed ticket again, nor must what was answered before.
        let asks = asks && understood.screened.decided_by != duplicate::COPY;
        let state = asks.then_some(TicketState::Open);
        return Destination { earlier, number: None, new, state, rule: rule.clone() };
    }
    let rule = match &understood.joining.possible {
        Some(_) => format!("new ticket; {}", understood.joining.rule),
        None => "new ticket".to_owned(),
    };
    let state = Some(if asks { TicketState::Open } else { TicketState::Closed });
    let queue = if asks { new.queue } else { Queue::Other };
    Destination { earlier: None, number: None, new: NewTicket { queue, ..new }, state, rule }
}

fn title(understood: &Understood) -> String {
    let bare = subject::bare(&understood.message.subject);
    if bare.is_empty() { "(no subject)".to_owned() } else { bare }
}

/// The acknowledgement of a new ticket, unless the message is muted or history; reserves the number that it names.
async fn acknowledge(
    app: &App,
    understood: &Understood,
    destination: &mut Destination,
) -> anyhow::Result<Option<NewOutbox>> {
    if destination.earlier.is_some() || understood.screened.muted || understood.row.historic {
        return Ok(None);
    }
    let recipient = understood.message.reply_address().filter(|to| limits::is_address(&to.email));
    let Some(recipient) = recipient else { return Ok(None) };
    let number = app.store.reserve_ticket_number().await.context("failed to reserve a ticket number")?;
    destination.number = Some(number);
    let order = understood.drafts.iter().find_map(|drafted| drafted.draft.text("po_number"));
    let letter = Letter {
        template: Name::Acknowledgement,
        cause: format!("acknowledge:{}", understood.row.id),
        language: destination.new.language.clone(),
        recipient: recipient.clone(),
        copies: Vec::new(),
        files: Vec::new(),
        answers: Some(&understood.message),
        message_id: Some(understood.row.id.clone()),
        draft_id: None,
        whole: None,
        automatic: true,
        context: Context {
            ticket: format!("MR-{number}"),
            subject: destination.new.subject.clone(),
            po_number: order.unwrap_or_default().to_owned(),
            ..Context::default()
        },
    };
    answer::prepare(app, letter).await.map(Some)
}

async fn save_ticket(
    tx: &mut Tx,
    destination: &Destination,
    understood: &Understood,
    now_ms: i64,
) -> anyhow::Result<TicketId> {
    let id = match (&destination.earlier, destination.number) {
        (Some(id), _) => {
            tx.touch_ticket(id, destination.state, now_ms).await?;
            id.clone()
        }
        (None, number) => {
            let ticket = tx.insert_ticket(&destination.new, number, now_ms).await?;
            if destination.state == Some(TicketState::Closed) {
                tx.touch_ticket(&ticket.id, destination.state, now_ms).await?;
            }
            ticket.id
        }
    };
    // Whoever writes a ticket's first message, or was let in by the sender check, takes part from now on.
    if let Some(from) =
        understood.message.from.as_ref().filter(|_| understood.screened.origin == Origin::Person)
    {
        tx.add_participant(&id, &from.email).await?;
    }
    Ok(id)
}

async fn save_documents(
    tx: &mut Tx,
    message_id: &MessageId,
    documents: &[ReadDocument],
    now_ms: i64,
) -> anyhow::Result<Vec<DocumentId>> {
    let mut ids: Vec<DocumentId> = Vec::with_capacity(documents.len());
    let mut by_made_id: BTreeMap<&DocumentId, DocumentId> = BTreeMap::new();
    for (position, document) in documents.iter().enumerate() {
        let (state, cause) = match (&document.failure, document.skipped) {
            (Some((cause, _)), _) => (DocumentState::Failed, (*cause).to_owned()),
            (None, Some(reason)) => (DocumentState::Skipped, reason.to_owned()),
            (None, None) => (DocumentState::Read, String::new()),
        };
        let pages = document.pages.as_ref();
        let new = NewDocument {
            message_id: message_id.clone(),
            parent_id: document.parent.as_ref().and_then(|parent| by_made_id.get(parent).cloned()),
            position: position as i64,
            name: document.name.clone(),
            media_type: document.media_type.clone(),
            format: pages.map_or_else(String::new, |pages| pages.format.clone()),
            size_bytes: document.size_bytes as i64,
            sha256: document.sha256.clone(),
            state,
            cause,
            page_count: pages.map_or(0, |pages| pages.pages.len() as i64),
            how: pages.map_or_else(String::new, |pages| how(pages).to_owned()),
            pages_sha256: document.pages_sha256.clone(),
            findings: pages.map_or_else(Vec::new, |pages| pages.findings.clone()),
        };
        let id = tx.save_document(&new, now_ms).await?;
        if let Some((cause, detail)) = &document.failure {
            let entry = NewQuarantine {
                message_id: Some(message_id.clone()),
                document_id: Some(id.clone()),
                sighting_id: None,
                sha256: document.sha256.clone(),
                cause: (*cause).to_owned(),
                detail: format!("{}: {detail}", document.name),
            };
            tx.insert_quarantine(&entry, now_ms).await?;
        }
        by_made_id.insert(&document.id, id.clone());
        ids.push(id);
    }
    Ok(ids)
}

/// How the words of a document were come by, in one word.
fn how(pages: &Pages) -> &'static str {
    let mut all = pages.pages.iter().map(|page| page.how);
    let Some(first) = all.next() else { return "" };
    if !all.all(|how| how == first) {
        return "mixed";
    }
    match first {
        How::TextLayer => "text_layer",
        How::Ocr => "ocr",
        How::Sheet => "sheet",
        How::Text => "text",
    }
}

async fn save_drafts(
    tx: &mut Tx,
    message_id: &MessageId,
    ticket_id: &TicketId,
    drafts: &[Drafted],
    documents: &[DocumentId],
    now_ms: i64,
) -> anyhow::Result<()> {
    for drafted in drafts {
        let document_id = documents
            .get(drafted.document)
            .with_context(|| format!("a draft without its document, {BODY_NAME}?"))?;
        let new = NewDraft {
            ticket_id,
            message_id,
            document_id,
            position: drafted.position,
            account_id: drafted.account.as_ref(),
            account_reason: &drafted.account_reason,
            draft: &drafted.draft,
        };
        let id = tx.insert_draft(&new, now_ms).await?;
        tx.note_change(ChangeKind::Draft, id.as_str());
    }
    Ok(())
}
