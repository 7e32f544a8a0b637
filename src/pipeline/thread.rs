//! Which tickets a message may belong to: looks up what [`follow_up`] asks for, and lets it decide.

use crate::{
    app::App,
    message::{copy::is_same_mail, subject},
    model::{
        ids::{MessageId, TicketId},
        message::Message,
        ticket::TicketState,
    },
    screen::{
        Site, bounce,
        follow_up::{self, Candidate, Joining, Keys},
    },
    store::Db,
};
use anyhow::Context as _;
use std::{collections::BTreeSet, time::Duration};

/// Messages with one `Message-ID` that are compared.
const COPIES_MAX: u32 = 8;

/// How soon an answer looks again whether the message that it answers is processed: usually that is nearly done.
const ORIGINAL_POLL_FIRST: Duration = Duration::from_millis(4);

/// How often it looks at last; each wait is twice as long as the one before.
const ORIGINAL_POLL_MAX: Duration = Duration::from_millis(64);

/// Waits until the messages that this one refers to are processed, so that it finds their ticket: several workers take
/// a conversation at once. Only earlier messages are waited for, so that nobody waits in a circle; half the time that a
/// message may take is waited at most, then it goes on without.
async fn wait_for_originals(app: &App, id: &MessageId, rfc_ids: &[String]) -> anyhow::Result<()> {
    let limit = app.settings().await?.config.limits.message_seconds;
    let end = tokio::time::Instant::now() + Duration::from_secs(limit / 2);
    let mut pause = ORIGINAL_POLL_FIRST;
    while app
        .store
        .read()
        .await?
        .is_original_waiting(rfc_ids, id)
        .await
        .context("failed to look for originals")?
    {
        if tokio::time::Instant::now() >= end {
            tracing::warn!(message.id = %id, "what this message refers to is still not processed; going on without");
            break;
        }
        tokio::time::sleep(pause).await;
        pause = (pause * 2).min(ORIGINAL_POLL_MAX);
    }
    Ok(())
}

/// Whether an earlier message, of other bytes, has the same `Message-ID`.
pub async fn is_id_used(db: &mut Db, id: &MessageId, message: &Message) -> anyhow::Result<bool> {
    let Some(rfc_id) = &message.rfc_message_id else { return Ok(false) };
    let same =
        db.list_messages_by_rfc_id(rfc_id, 1).await.context("failed to look for the same Message-ID")?;
    Ok(same.first().is_some_and(|first| first.id < *id))
}

/// The ticket of the same mail that came before by another way, if it did; waits until that one is processed.
pub async fn ticket_of_other_way(
    app: &App,
    id: &MessageId,
    message: &Message,
    raw: &[u8],
) -> anyhow::Result<Option<TicketId>> {
    let Some(rfc_id) = &message.rfc_message_id else { return Ok(None) };
    if !is_id_used(&mut app.store.read().await?, id, message).await? {
        return Ok(None);
    }
    wait_for_originals(app, id, std::slice::from_ref(rfc_id)).await?;
    let same = app.store.read().await?.list_messages_by_rfc_id(rfc_id, COPIES_MAX).await;
    for earlier in
        same.context("failed to look for the same mail")?.into_iter().take_while(|row| row.id < *id)
    {
        let Some(ticket) = earlier.ticket_id else { continue };
        let Ok(bytes) = app.blob.get(&earlier.sha256).await else { continue };
        if is_same_mail(&bytes, raw) {
            return Ok(Some(ticket));
        }
    }
    Ok(None)
}

/// What of a message points at tickets.
pub fn keys(message: &Message, site: &Site) -> Keys {
    let mut keys = follow_up::keys(message, site);
    if let Some(original) = bounce::parse(message).and_then(|bounce| bounce.original_message_id) {
        keys.rfc_ids.push(original);
    }
    keys
}

/// Finds the tickets that a message's ids and subject point at, and decides; waits for what it answers.
pub async fn join(app: &App, site: &Site, id: &MessageId, message: &Message) -> anyhow::Result<Joining> {
    let keys = keys(message, site);
    wait_for_originals(app, id, &keys.rfc_ids).await?;
    look_up(&mut app.store.read().await?, id, message, &keys).await
}

/// Finds the tickets that the keys of a message point at, and decides.
pub async fn look_up(db: &mut Db, id: &MessageId, message: &Message, keys: &Keys) -> anyhow::Result<Joining> {
    if let Some(ticket_id) = ticket_of_copy(db, id, keys).await? {
        let rule = "own copy: these are the bytes that we sent".to_owned();
        return Ok(Joining { joins: Some(ticket_id), possible: None, rule });
    }
    let mut candidates = Vec::new();
    let mut seen = BTreeSet::new();
    for outbox in &keys.own_outbox {
        if let Some(ticket) = db.find_ticket_of_outbox(outbox).await? {
            add(db, &mut candidates, &mut seen, ticket, follow_up::OWN_MESSAGE_ID).await?;
        }
    }
    let referenced = db.list_tickets_of_rfc_ids(&keys.rfc_ids, Some(id)).await;
    for ticket in referenced.context("failed to look up references")? {
        add(db, &mut candidates, &mut seen, ticket, follow_up::REFERENCES).await?;
    }
    let number = keys.ticket_number.or_else(|| subject::ticket_number(&message.subject));
    if let Some(number) = number
        && let Some(ticket) = db.find_ticket_by_number(number).await?
    {
        add(db, &mut candidates, &mut seen, ticket.id, follow_up::SUBJECT_TOKEN).await?;
    }
    Ok(follow_up::decide(message, &candidates))
}

/// The ticket of the outgoing mail that a message is a copy of. Whoever has our mail knows its id, so the bytes must be
/// the same.
async fn ticket_of_copy(db: &mut Db, id: &MessageId, keys: &Keys) -> anyhow::Result<Option<TicketId>> {
    let Some(outbox) = &keys.copy_of else { return Ok(None) };
    let Some(sent) = db.find_outbox(outbox).await.context("failed to find a sent mail")? else {
        return Ok(None);
    };
    let message = db.find_message(id).await.context("failed to find a message")?;
    Ok(sent.ticket_id.filter(|_| message.is_some_and(|message| message.sha256 == sent.sha256)))
}

async fn add(
    db: &mut Db,
    candidates: &mut Vec<Candidate>,
    seen: &mut BTreeSet<TicketId>,
    ticket_id: TicketId,
    rule: &'static str,
) -> anyhow::Result<()> {
    let find = "failed to find a ticket";
    let Some(mut ticket) = db.find_ticket(&ticket_id).await.context(find)? else { return Ok(()) };
    // What was merged goes on where it went.
    if let Some(target) = &ticket.merged_into {
        ticket = db.find_ticket(target).await.context(find)?.unwrap_or(ticket);
    }
    let ticket_id = ticket.id.clone();
    if !seen.insert(ticket_id.clone()) {
        return Ok(());
    }
    let listing = "failed to list participants";
    let mut participants = db.list_participants_by(&ticket_id, false).await.context(listing)?;
    let mut organisation_domains: Vec<String> =
        participants.iter().filter_map(|email| Some(email.rsplit_once('@')?.1.to_owned())).collect();
    participants.extend(db.list_participants_by(&ticket_id, true).await.context(listing)?);
    organisation_domains.dedup();
    if let Some(account) = &ticket.account_id
        && let Some(row) = db.find_account(account).await?
    {
        organisation_domains.push(row.account.email_domain);
    }
    let closed = ticket.state == TicketState::Closed;
    candidates.push(Candidate { ticket_id, rule, participants, organisation_domains, closed });
    Ok(())
}
