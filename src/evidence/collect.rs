//! Which rows belong to a scope, and how they stand in the JSON and CSV files of a bundle.

use super::{Audit, MESSAGES_MAX, Scope, Sources, bundle::timestamp, search_ids};
use crate::{
    model::{
        ids::{MessageId, TicketId},
        ledger::Sighting,
        message::Message,
        outbox::OutboxRow,
        ticket::Ticket,
    },
    store::{
        Db,
        audit::AuditRow,
        document::DocumentRow,
        draft::DraftRow,
        message::MessageRow,
        record::RecordRow,
        ticket::{TicketCursor, TicketFilter},
    },
};
use anyhow::{Context as _, bail};
use serde::Serialize;
use serde_json::{Value, json};
use std::collections::BTreeSet;

/// Rows that are listed at once.
const PAGE_ROWS: u32 = 500;

/// Most records, mails or audit rows of one thing.
const OF_ONE_MAX: u32 = 10_000;

/// Everything that a bundle is made of, without bytes and texts.
pub(super) struct Found {
    pub(super) tickets: Vec<TicketFile>,
    /// Oldest first.
    pub(super) messages: BTreeSet<MessageId>,
    /// In the order of the chain.
    pub(super) audit: Vec<AuditRow>,
    /// Number and hash of the newest row of the site's chain.
    pub(super) chain_end: (i64, String),
}

/// A ticket with what hangs on it.
pub(super) struct TicketFile {
    pub(super) ticket: Ticket,
    pub(super) participants: Vec<String>,
    pub(super) drafts: Vec<DraftRow>,
    pub(super) records: Vec<RecordRow>,
    pub(super) outbox: Vec<OutboxRow>,
}

/// Looks up what belongs to a scope.
pub(super) async fn find(sources: Sources<'_>, scope: &Scope) -> anyhow::Result<Found> {
    let check = sources.store.check_audit().await.context("failed to check the audit log")?;
    if let Some((seq, why)) = check.broken {
        bail!("the audit log is broken at row {seq}: {why}; run `mailroom verify` before making evidence");
    }
    let mut db = sources.store.read().await?;
    let (tickets, messages) = match scope {
        Scope::Ticket(number) => {
            let ticket = db.find_ticket_by_number(*number).await?;
            let ticket = ticket.with_context(|| format!("there is no ticket MR-{number}"))?;
            let messages = messages_of(&mut db, std::slice::from_ref(&ticket)).await?;
            (vec![ticket], messages)
        }
        Scope::Account(account_no) => {
            let tickets = tickets_of_account(&mut db, account_no).await?;
            let messages = messages_of(&mut db, &tickets).await?;
            (tickets, messages)
        }
        Scope::Query(text) => {
            let messages: BTreeSet<_> = search_ids(sources.index, text, sources.now)?.into_iter().collect();
            (tickets_of_messages(&mut db, &messages).await?, messages)
        }
    };
    let mut files = Vec::with_capacity(tickets.len());
    for ticket in tickets {
        files
            .push(ticket_file(&mut db, ticket, matches!(scope, Scope::Query(_)).then_some(&messages)).await?);
    }
    let audit = audit_of(&mut db, &files, &messages).await?;
    Ok(Found { tickets: files, messages, audit, chain_end: (check.rows, check.last_hash) })
}

async fn messages_of(db: &mut Db, tickets: &[Ticket]) -> anyhow::Result<BTreeSet<MessageId>> {
    let mut all = BTreeSet::new();
    for ticket in tickets {
        let mut after: Option<MessageId> = None;
        loop {
            let page = db.list_message_ids(&ticket.id, after.as_ref(), PAGE_ROWS).await?;
            let Some(last) = page.last().cloned() else { break };
            all.extend(page);
            if all.len() > MESSAGES_MAX {
                bail!(
                    "there are more than {MESSAGES_MAX} messages; ask for a search with after: and before:"
                );
            }
            after = Some(last);
        }
    }
    Ok(all)
}

async fn tickets_of_account(db: &mut Db, account_no: &str) -> anyhow::Result<Vec<Ticket>> {
    let account = db.find_account_by_no(account_no).await?;
    let account = account.with_context(|| format!("there is no account {account_no}"))?;
    let filter = TicketFilter { account_id: Some(account.id), ..TicketFilter::default() };
    let mut tickets: Vec<Ticket> = Vec::new();
    let mut after: Option<TicketCursor> = None;
    loop {
        let page = db.list_tickets(&filter, after.as_ref(), PAGE_ROWS).await?;
        let Some(last) = page.last() else { break };
        after = Some(TicketCursor { updated_ms: last.updated_ms, id: last.id.clone() });
        tickets.extend(page);
    }
    tickets.sort_by_key(|ticket| ticket.number);
    Ok(tickets)
}

async fn tickets_of_messages(db: &mut Db, messages: &BTreeSet<MessageId>) -> anyhow::Result<Vec<Ticket>> {
    let mut ids: BTreeSet<TicketId> = BTreeSet::new();
    for id in messages {
        ids.extend(db.find_message(id).await?.and_then(|row| row.ticket_id));
    }
    let mut tickets = Vec::with_capacity(ids.len());
    for id in &ids {
        tickets.extend(db.find_ticket(id).await?);
    }
    tickets.sort_by_key(|ticket| ticket.number);
    Ok(tickets)
}

/// What hangs on a ticket; for a search, only what came with the messages that were found.
async fn ticket_file(
    db: &mut Db,
    ticket: Ticket,
    only: Option<&BTreeSet<MessageId>>,
) -> anyhow::Result<TicketFile> {
    let participants = db.list_participants(&ticket.id).await?;
    let mut drafts = db.list_drafts_of_ticket(&ticket.id).await?;
    let mut records = db.list_records_of_ticket(&ticket.id, OF_ONE_MAX).await?;
    let mut outbox = db.list_outbox_of_ticket(&ticket.id, OF_ONE_MAX).await?;
    if let Some(only) = only {
        drafts.retain(|draft| only.contains(&draft.message_id));
        records.retain(|record| drafts.iter().any(|draft| draft.id == record.draft_id));
        outbox.retain(|mail| mail.message_id.as_ref().is_some_and(|id| only.contains(id)));
    }
    Ok(TicketFile { ticket, participants, drafts, records, outbox })
}

async fn audit_of(
    db: &mut Db,
    tickets: &[TicketFile],
    messages: &BTreeSet<MessageId>,
) -> anyhow::Result<Vec<AuditRow>> {
    let mut subjects: Vec<(&str, String)> = Vec::new();
    for file in tickets {
        subjects.push(("ticket", file.ticket.id.to_string()));
        subjects.extend(file.drafts.iter().map(|draft| ("draft", draft.id.to_string())));
        subjects.extend(file.records.iter().map(|record| ("record", record.id.to_string())));
        subjects.extend(file.outbox.iter().map(|mail| ("outbox", mail.id.to_string())));
    }
    for id in messages {
        subjects.push(("message", id.to_string()));
        let documents = db.list_documents(id).await?;
        subjects.extend(documents.iter().map(|document| ("document", document.id.to_string())));
    }
    let mut audit = Audit::new();
    for (kind, id) in &subjects {
        let rows = db.list_audit_of(kind, id, OF_ONE_MAX).await?;
        audit.extend(rows.into_iter().map(|row| (row.seq, row)));
    }
    Ok(audit.into_values().collect())
}

/// `message.json`.
pub(super) fn message_json(row: &MessageRow, parsed: Option<&Message>, documents: &[Value]) -> Value {
    json!({
        "id": row.id,
        "sha256": row.sha256,
        "size_bytes": row.size_bytes,
        "direction": row.direction.as_str(),
        "state": row.state.as_str(),
        "historic": row.historic,
        "stored": timestamp(row.stored_ms),
        "processed": row.processed_ms.map(timestamp),
        "rfc_message_id": row.rfc_message_id,
        "from": { "email": row.from_email, "name": row.from_name },
        "to": parsed.map(|message| &message.to),
        "cc": parsed.map(|message| &message.cc),
        "date": row.date_ms.map(timestamp),
        "subject": row.subject,
        "origin": row.origin.map(super::super::model::message::Origin::as_str),
        "muted": row.muted,
        "screened_by": row.screened_by,
        "screened_reason": row.screened_reason,
        "ticket_id": row.ticket_id,
        "thread_rule": row.thread_rule,
        "possible_ticket_id": row.possible_ticket_id,
        "queue": row.queue.map(super::super::model::ticket::Queue::as_str),
        "queue_confidence": row.queue_confidence,
        "queue_reasons": row.queue_reasons,
        "findings": parsed.map(|message| &message.findings),
        "documents": documents,
    })
}

/// What `message.json` says of a file.
pub(super) fn document_json(row: &DocumentRow, path: &str) -> Value {
    let document = &row.document;
    json!({
        "path": path,
        "id": row.id,
        "sha256": document.sha256,
        "size_bytes": document.size_bytes,
        "name": document.name,
        "media_type": document.media_type,
        "format": document.format,
        "parent_id": document.parent_id,
        "state": document.state.as_str(),
        "cause": document.cause,
        "page_count": document.page_count,
        "how": document.how,
        "pages_sha256": document.pages_sha256,
        "findings": document.findings,
    })
}

/// A draft with what was proposed, what people made of it, and where each value came from.
pub(super) fn draft_json(row: &DraftRow) -> Value {
    json!({
        "id": row.id,
        "message_id": row.message_id,
        "document_id": row.document_id,
        "position": row.position,
        "kind": row.kind.as_str(),
        "state": row.state.as_str(),
        "account_id": row.account_id,
        "account_reason": row.account_reason,
        "proposed": row.proposed,
        "content": row.content,
        "revision": row.revision,
        "created": timestamp(row.created_ms),
        "decided": row.decided_ms.map(timestamp),
        "decided_by": row.decided_by,
        "decision_note": row.decision_note,
    })
}

/// What was approved.
pub(super) fn record_json(row: &RecordRow) -> Value {
    json!({
        "id": row.id,
        "draft_id": row.draft_id,
        "account_id": row.account_id,
        "kind": row.kind.as_str(),
        "po_number": row.po_number,
        "content": row.content,
        "approved": timestamp(row.approved_ms),
        "approved_by": row.approved_by,
    })
}

/// A line of `ledger.csv`.
#[derive(Serialize)]
pub(super) struct LedgerLine<'a> {
    message: &'a str,
    mailbox: &'a str,
    folder: &'a str,
    uidvalidity: i64,
    uid: i64,
    place: &'a str,
    outcome: &'static str,
    reason: &'a str,
    seen: String,
    stored: Option<String>,
    acted: Option<String>,
    sha256: Option<&'a str>,
}

impl<'a> LedgerLine<'a> {
    pub(super) fn new(folder: &'a str, sighting: &'a Sighting) -> Self {
        Self {
            message: folder,
            mailbox: &sighting.mailbox,
            folder: &sighting.folder,
            uidvalidity: sighting.uidvalidity,
            uid: sighting.uid,
            place: &sighting.place,
            outcome: sighting.outcome.as_str(),
            reason: &sighting.reason,
            seen: timestamp(sighting.seen_ms),
            stored: sighting.stored_ms.map(timestamp),
            acted: sighting.acted_ms.map(timestamp),
            sha256: sighting.sha256.as_deref(),
        }
    }
}
