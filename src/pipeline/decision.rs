//! What people decide, each decision in one transaction: its rows, the mail that it causes, and its line in the log.
//!
//! Drafts are saved, approved, rejected or asked about; tickets are answered, moved, closed; a possible follow-up is
//! joined or kept; quarantine and outbox are settled. A mail is rendered, composed and its bytes kept before the
//! transaction begins; if somebody else was quicker, nothing is written and the bytes lie there unused.
//!
//! Invariant: whoever decides on a draft says which revision he saw; a draft that changed since is not decided.
//! Does not: send (that is `jobs::send_outbox`), or check who may decide (that is `web::session`).

use super::{
    answer::{self, Letter},
    edit::{Edited, check, checked_today, key, unsettled, write},
    lesson,
    straight_through::PROGRAM,
};
use crate::{
    app::App,
    clock,
    model::{
        draft::{Draft, DraftState, Kind},
        finding::{Finding, Severity},
        ids::{DraftId, MessageId, OutboxId, QuarantineId, RecordId, TicketId},
        message::{Address, Message, Origin},
        outbox::OutboxState,
        ticket::{Ticket, TicketState},
    },
    reply::template::{Context, Name},
    store::{
        Tx,
        audit::Entry,
        change::ChangeKind,
        draft::{DraftRow, Saved},
        message::{Direction, MessageRow},
        outbox::NewOutbox,
        quarantine::Resolution,
        webhook::Event,
    },
};
use anyhow::Context as _;

/// Messages of a conversation looked at for an address to answer to.
const CONVERSATION_MAX: u32 = 500;
/// Quarantine entries read at once.
const QUARANTINE_PAGE: u32 = 200;

/// What became of a decision on a draft.
#[derive(Debug, PartialEq)]
pub enum Decided<T> {
    /// It is done.
    Done(T),
    /// Somebody else changed or decided the draft since; nothing was written.
    Conflict,
    /// There is nobody to write to; nothing was written.
    NoRecipient,
    /// Its sender marked it as a test; nothing was written.
    Test,
    /// These findings stand against an approval; nothing was written. What [`crate::validate::value::is_malformed`] has to
    /// be put right; other problems may be accepted by their [`super::edit::key`].
    Unsettled(Vec<Finding>),
}

/// What became of a decision on a follow-up.
#[derive(Debug, PartialEq, Eq)]
pub enum FollowUp {
    /// The message now stands in the ticket of this number.
    In(i64),
    /// Somebody had decided before.
    DecidedBefore,
}

/// A line for the log, of now.
pub(super) fn entry(who: &str, action: &str, kind: &str, id: &str, detail: impl Into<String>) -> Entry {
    Entry {
        at_ms: clock::now_ms(),
        actor: who.to_owned(),
        action: action.to_owned(),
        subject_kind: kind.to_owned(),
        subject_id: id.to_owned(),
        detail: detail.into(),
    }
}

async fn find_draft(app: &App, id: &DraftId) -> anyhow::Result<DraftRow> {
    app.store.read().await?.find_draft(id).await?.with_context(|| format!("there is no draft {id}"))
}

async fn find_ticket(app: &App, id: &TicketId) -> anyhow::Result<Ticket> {
    app.store.read().await?.find_ticket(id).await?.with_context(|| format!("there is no ticket {id}"))
}

/// Saves a person's corrections.
pub async fn save(app: &App, edited: Edited, who: &str) -> anyhow::Result<Decided<()>> {
    let row = find_draft(app, &edited.id).await?;
    if row.revision != edited.revision {
        return Ok(Decided::Conflict);
    }
    let checked = check(app, &row, &edited).await?;
    let mut tx = app.store.begin().await?;
    if write(&mut tx, &row, &edited, &checked, who).await?.is_none() {
        return Ok(Decided::Conflict);
    }
    tx.commit().await.context("failed to save a draft")?;
    Ok(Decided::Done(()))
}

/// Approves a draft with its corrections: record, confirmation to the customer, ticket and log, all or nothing.
///
/// `accepted`: keys of the findings that the person saw and approves all the same. Where others stand, nothing is
/// written.
pub async fn approve(
    app: &App,
    edited: Edited,
    accepted: &[String],
    who: &str,
) -> anyhow::Result<Decided<RecordId>> {
    let row = find_draft(app, &edited.id).await?;
    if row.revision != edited.revision {
        return Ok(Decided::Conflict);
    }
    if row.content.is_test() {
        return Ok(Decided::Test);
    }
    let checked = check(app, &row, &edited).await?;
    // what a person typed may bring about what nobody has seen
    let before = if edited.changed.is_empty() {
        checked.content.findings.clone()
    } else {
        checked_today(app, &row).await?.findings
    };
    let unsettled = unsettled(&checked.content.findings, &before, accepted);
    if !unsettled.is_empty() {
        return Ok(Decided::Unsettled(unsettled));
    }
    let ticket = find_ticket(app, &row.ticket_id).await?;
    let letter = confirmation(app, &row, &ticket, &checked.content).await?;
    // people teach; what cannot be learnt holds no approval up
    let lesson = if who == PROGRAM {
        None
    } else {
        lesson::learn(app, &row, &checked.content).await.unwrap_or_else(|error| {
            tracing::warn!(draft = %row.id, "nothing was learnt from an approved draft: {error:#}");
            None
        })
    };
    let references = match &checked.account_id {
        Some(account_id) if who != PROGRAM => {
            lesson::references(app, &row, &checked.content, account_id).await?
        }
        _ => Vec::new(),
    };
    let now_ms = clock::now_ms();
    let mut tx = app.store.begin().await?;
    let Some(revision) = write(&mut tx, &row, &edited, &checked, who).await? else {
        return Ok(Decided::Conflict);
    };
    if tx.decide_draft(&row.id, revision, DraftState::Approved, who, "", now_ms).await? == Saved::Conflict {
        return Ok(Decided::Conflict);
    }
    let approved = tx.find_draft(&row.id).await?.context("the draft that was just approved is gone")?;
    let record = tx.insert_record(&approved, who, now_ms).await?;
    if who != PROGRAM {
        for reference in &references {
            tx.save_item_reference(reference, who, now_ms).await?;
        }
        lesson::keep(&mut tx, &row, &checked.content, lesson.as_ref(), who, now_ms).await?;
    }
    if let Some(letter) = &letter {
        tx.insert_outbox(letter, now_ms).await?;
    }
    let open = tx.list_drafts_of_ticket(&row.ticket_id).await?;
    let finished = !open.iter().any(|d| matches!(d.state, DraftState::Proposed | DraftState::Asked));
    tx.touch_ticket(&row.ticket_id, finished.then_some(TicketState::Closed), now_ms).await?;
    let problems = checked.content.findings.iter().filter(|f| f.severity == Severity::Problem);
    let problems: Vec<String> = problems.map(key).collect();
    let detail = match problems.join(", ") {
        none if none.is_empty() => format!("record {record}"),
        accepted => format!("record {record}, although: {accepted}"),
    };
    tx.audit(entry(who, "approve_draft", "draft", row.id.as_str(), detail));
    let data = serde_json::json!({
        "draft_id": row.id, "record_id": record, "ticket_id": row.ticket_id, "kind": approved.kind,
        "po_number": approved.po_number, "account_id": approved.account_id, "approved_by": who,
    });
    let due_ms = now_ms.saturating_add(if who == PROGRAM { 0 } else { undo_ms(app) });
    tx.announce_later(Event::DraftApproved, &data, now_ms, due_ms).await?;
    if finished {
        let detail = "all drafts are decided";
        tx.audit(entry(who, "close_ticket", "ticket", row.ticket_id.as_str(), detail));
    }
    note(&mut tx, &row);
    tx.commit().await.context("failed to approve a draft")?;
    app.announce_work();
    Ok(Decided::Done(record))
}

/// Rejects a draft with its corrections, with a reason for the log; `tell` writes it to the customer, too.
pub async fn reject(
    app: &App,
    edited: Edited,
    reason: &str,
    tell: bool,
    who: &str,
) -> anyhow::Result<Decided<()>> {
    let id = &edited.id;
    let row = find_draft(app, id).await?;
    if row.revision != edited.revision {
        return Ok(Decided::Conflict);
    }
    let checked = check(app, &row, &edited).await?;
    let refusal = if tell {
        let ticket = find_ticket(app, &row.ticket_id).await?;
        let context = Context {
            reason: reason.to_owned(),
            po_number: checked.content.text("po_number").unwrap_or_default().to_owned(),
            ..Context::default()
        };
        let cause = format!("refuse:{id}");
        let letter =
            letter(app, &ticket, Some(&row.message_id), Some(id), Name::Refusal, cause, context).await?;
        if letter.is_none() {
            return Ok(Decided::NoRecipient);
        }
        letter
    } else {
        None
    };
    let now_ms = clock::now_ms();
    let mut tx = app.store.begin().await?;
    let Some(revision) = write(&mut tx, &row, &edited, &checked, who).await? else {
        return Ok(Decided::Conflict);
    };
    if tx.decide_draft(id, revision, DraftState::Rejected, who, reason, now_ms).await? == Saved::Conflict {
        return Ok(Decided::Conflict);
    }
    if let Some(refusal) = &refusal {
        tx.insert_outbox(refusal, now_ms).await?;
    }
    tx.touch_ticket(&row.ticket_id, None, now_ms).await?;
    tx.audit(entry(who, "reject_draft", "draft", id.as_str(), reason));
    note(&mut tx, &row);
    tx.commit().await.context("failed to reject a draft")?;
    app.announce_work();
    Ok(Decided::Done(()))
}

/// Keeps the corrections of a draft and asks the customer for what it lacks; one sentence a line.
pub async fn ask(app: &App, edited: Edited, question: &str, who: &str) -> anyhow::Result<Decided<()>> {
    let Edited { id, revision, .. } = &edited;
    let row = find_draft(app, id).await?;
    if row.revision != *revision {
        return Ok(Decided::Conflict);
    }
    let checked = check(app, &row, &edited).await?;
    let ticket = find_ticket(app, &row.ticket_id).await?;
    let missing = question.lines().map(|line| line.trim_start_matches(['-', '•', ' ']).trim());
    let context = Context {
        missing: missing.filter(|line| !line.is_empty()).map(str::to_owned).collect(),
        po_number: checked.content.text("po_number").unwrap_or_default().to_owned(),
        ..Context::default()
    };
    let cause = format!("ask:{id}:{revision}");
    let letter =
        letter(app, &ticket, Some(&row.message_id), Some(&row.id), Name::MissingInformation, cause, context)
            .await?;
    let Some(letter) = letter else { return Ok(Decided::NoRecipient) };
    let now_ms = clock::now_ms();
    let mut tx = app.store.begin().await?;
    let Some(revision) = write(&mut tx, &row, &edited, &checked, who).await? else {
        return Ok(Decided::Conflict);
    };
    if tx.decide_draft(id, revision, DraftState::Asked, who, question, now_ms).await? == Saved::Conflict {
        return Ok(Decided::Conflict);
    }
    tx.insert_outbox(&letter, now_ms).await?;
    tx.touch_ticket(&row.ticket_id, Some(TicketState::Waiting), now_ms).await?;
    tx.audit(entry(who, "ask_customer", "draft", id.as_str(), question));
    note(&mut tx, &row);
    tx.commit().await.context("failed to put a question into the outbox")?;
    app.announce_work();
    Ok(Decided::Done(()))
}

fn note(tx: &mut Tx, row: &DraftRow) {
    tx.note_change(ChangeKind::Draft, row.id.as_str());
    tx.note_change(ChangeKind::Message, row.message_id.as_str());
    tx.note_change(ChangeKind::Ticket, row.ticket_id.as_str());
}

/// The confirmation of an approved order; other kinds and unknown recipients get none.
async fn confirmation(
    app: &App,
    row: &DraftRow,
    ticket: &Ticket,
    content: &Draft,
) -> anyhow::Result<Option<NewOutbox>> {
    if !matches!(content.kind, Kind::PurchaseOrder | Kind::PurchaseOrderChange) {
        return Ok(None);
    }
    let historic = app.store.read().await?.find_message(&row.message_id).await?.is_some_and(|m| m.historic);
    if historic {
        return Ok(None);
    }
    let cause = format!("confirm:{}", row.id);
    letter(
        app,
        ticket,
        Some(&row.message_id),
        Some(&row.id),
        Name::OrderConfirmation,
        cause,
        super::letter::of_order(content),
    )
    .await
}

/// A letter in a ticket, in answer to a message: the given one, or the latest that came in.
async fn letter(
    app: &App,
    ticket: &Ticket,
    message_id: Option<&MessageId>,
    draft_id: Option<&DraftId>,
    name: Name,
    cause: String,
    context: Context,
) -> anyhow::Result<Option<NewOutbox>> {
    let conversation = app.store.read().await?.list_conversation(&ticket.id, CONVERSATION_MAX).await?;
    let incoming = conversation.iter().rev().filter_map(|(row, parsed)| {
        parsed.as_ref().filter(|_| is_from_others(row)).map(|parsed| (row, parsed))
    });
    let mut incoming = incoming.filter(|(row, _)| message_id.is_none_or(|id| *id == row.id));
    let Some((row, parsed)) = incoming.find(|(_, parsed)| parsed.reply_address().is_some()) else {
        return Ok(None);
    };
    let Some(recipient) = parsed.reply_address() else { return Ok(None) };
    let context = Context { ticket: ticket.reference(), subject: ticket.subject.clone(), ..context };
    let letter = Letter {
        template: name,
        cause,
        language: ticket.language.clone(),
        recipient: recipient.clone(),
        copies: Vec::new(),
        files: Vec::new(),
        answers: Some(parsed),
        message_id: Some(row.id.clone()),
        draft_id: draft_id.cloned(),
        whole: None,
        automatic: false,
        context,
    };
    let prepared = answer::prepare(app, letter).await?;
    // time to take the decision back
    let due_ms = prepared.due_ms.saturating_add(undo_ms(app));
    Ok(Some(NewOutbox { ticket_id: Some(ticket.id.clone()), due_ms, ..prepared }))
}

/// How long what a person's decision sends out waits, in milliseconds.
fn undo_ms(app: &App) -> i64 {
    1000 * i64::from(app.config.mail_out.undo_seconds)
}

/// Whether a message came in, and is no copy of what we sent.
pub(super) fn is_from_others(row: &MessageRow) -> bool {
    row.direction == Direction::In && row.origin != Some(Origin::Own)
}

/// Where an answer in a conversation would go: the sender of the latest message that came in.
pub fn answer_address(conversation: &[(MessageRow, Option<Message>)]) -> Option<Address> {
    conversation
        .iter()
        .rev()
        .filter(|(row, _)| is_from_others(row))
        .find_map(|(_, parsed)| parsed.as_ref().and_then(Message::reply_address).cloned())
}

/// A person says whether a message belongs to the ticket that it refers to.
pub async fn follow_up(app: &App, id: &MessageId, join: bool, who: &str) -> anyhow::Result<FollowUp> {
    let now_ms = clock::now_ms();
    let mut tx = app.store.begin().await?;
    let message = tx.find_message(id).await?.with_context(|| format!("there is no message {id}"))?;
    let Some(target) = message.possible_ticket_id.clone() else { return Ok(FollowUp::DecidedBefore) };
    let own = message.ticket_id.clone();
    let stays = if join {
        tx.move_message(id, &target, &format!("joined by {who}")).await?;
        tx.move_drafts(id, &target).await?;
        tx.add_participant(&target, &message.from_email).await?;
        tx.touch_ticket(&target, Some(TicketState::Open), now_ms).await?;
        tx.audit(entry(who, "join_message", "ticket", target.as_str(), format!("message {id}")));
        if let Some(own) = own.filter(|own| *own != target) {
            if tx.list_conversation(&own, 1).await?.is_empty() {
                tx.touch_ticket(&own, Some(TicketState::Closed), now_ms).await?;
                tx.audit(entry(
                    who,
                    "close_ticket",
                    "ticket",
                    own.as_str(),
                    "its message was joined elsewhere",
                ));
            }
            tx.note_change(ChangeKind::Ticket, own.as_str());
        }
        target
    } else {
        tx.clear_possible_follow_up(id).await?;
        let stays = own.unwrap_or_else(|| target.clone());
        tx.audit(entry(
            who,
            "keep_message",
            "ticket",
            stays.as_str(),
            format!("message {id} is no follow-up"),
        ));
        stays
    };
    let ticket = tx.find_ticket(&stays).await?.context("the ticket of a message is gone")?;
    tx.note_change(ChangeKind::Message, id.as_str());
    tx.note_change(ChangeKind::Ticket, stays.as_str());
    tx.commit().await.context("failed to decide on a follow-up")?;
    Ok(FollowUp::In(ticket.number))
}

/// Processes again what is in quarantine. `false` if it was settled before.
pub async fn reprocess(app: &App, id: &QuarantineId, who: &str) -> anyhow::Result<bool> {
    let mut db = app.store.read().await?;
    let row = db.find_quarantine(id).await?.with_context(|| format!("there is no quarantine entry {id}"))?;
    if row.resolved_ms.is_some() {
        return Ok(false);
    }
    let message = match (row.entry.message_id, &row.entry.document_id) {
        (Some(message), _) => Some(message),
        (None, Some(document)) => db.find_document(document).await?.map(|d| d.document.message_id),
        (None, None) => None,
    };
    drop(db);
    // this settles all entries of the message; what is left is an entry of a document alone
    if let Some(message) = message {
        super::reprocess(app, &message, who).await?;
    }
    let mut tx = app.store.begin().await?;
    if let Some(sighting) = &row.entry.sighting_id
        && tx.retry_refused(sighting).await?
    {
        // The next look at the mailbox fetches it.
        tx.audit(entry(who, "fetch again", "sighting", sighting.as_str(), &row.entry.cause));
    }
    tx.resolve_quarantine(id, Resolution::Reprocessed, who, clock::now_ms()).await?;
    tx.commit().await.context("failed to settle a quarantine entry")?;
    Ok(true)
}

/// The same for everything in quarantine, or for what has one cause; how many entries there were.
pub async fn reprocess_all(app: &App, cause: Option<&str>, who: &str) -> anyhow::Result<usize> {
    let (mut before, mut count) = (None, 0);
    loop {
        let rows = app.store.read().await?.list_quarantine(before.as_ref(), QUARANTINE_PAGE).await?;
        let Some(last) = rows.last() else { return Ok(count) };
        before = Some(last.id.clone());
        for row in rows.iter().filter(|row| cause.is_none_or(|cause| row.entry.cause == cause)) {
            count += usize::from(reprocess(app, &row.id, who).await?);
        }
    }
}

/// Settles a quarantine entry that needs nothing more. `false` if it was settled before.
pub async fn dismiss(app: &App, id: &QuarantineId, who: &str) -> anyhow::Result<bool> {
    let mut tx = app.store.begin().await?;
    if !tx.resolve_quarantine(id, Resolution::Dismissed, who, clock::now_ms()).await? {
        return Ok(false);
    }
    tx.audit(entry(who, "dismiss_quarantine", "quarantine", id.as_str(), ""));
    tx.commit().await.context("failed to dismiss a quarantine entry")?;
    Ok(true)
}

/// Decides about a mail in doubt, failed or withheld: `queued` sends it, `sent` believes that it arrived, `failed`
/// gives it up. `false` if it is in none of these states any more.
pub async fn settle_outbox(app: &App, id: &OutboxId, state: OutboxState, who: &str) -> anyhow::Result<bool> {
    let reason = match state {
        OutboxState::Queued => format!("sent again by {who}"),
        OutboxState::Sent => format!("considered sent by {who}"),
        _ => format!("given up by {who}"),
    };
    let mut tx = app.store.begin().await?;
    if !tx.resolve_outbox(id, state, &reason, clock::now_ms()).await? {
        return Ok(false);
    }
    tx.audit(entry(who, "settle_mail", "outbox", id.as_str(), state.as_str()));
    tx.commit().await.context("failed to settle an outgoing mail")?;
    app.announce_work();
    Ok(true)
}
