//! Which tickets a message may belong to: looks up what [`follow_up`] asks for, and lets it decide.

use crate::{
    app::App,
    message::subject,
    model::{
        ids::{MessageId, TicketId},
        message::Message,
        ticket::TicketState,
    },
    screen::{
        bounce,
        follow_up::{self, Candidate, Joining},
    },
};
use anyhow::Context as _;
use std::collections::BTreeSet;

/// Finds the tickets that a message's ids and subject point at, and decides.
pub async fn join(app: &App, id: &MessageId, message: &Message) -> anyhow::Result<Joining> {
    let mut keys = follow_up::keys(message, &app.site);
    if let Some(original) = bounce::parse(message).and_then(|bounce| bounce.original_message_id) {
        keys.rfc_ids.push(original);
    }
    let mut candidates = Vec::new();
    let mut seen = BTreeSet::new();
    for outbox in &keys.own_outbox {
        if let Some(ticket) = app.store.read().await?.find_ticket_of_outbox(outbox).await? {
            add(app, &mut candidates, &mut seen, ticket, follow_up::OWN_MESSAGE_ID).await?;
        }
    }
    let referenced = app.store.read().await?.list_tickets_of_rfc_ids(&keys.rfc_ids, Some(id)).await;
    for ticket in referenced.context("failed to look up references")? {
        add(app, &mut candidates, &mut seen, ticket, follow_up::REFERENCES).await?;
    }
    let number = keys.ticket_number.or_else(|| subject::ticket_number(&message.subject));
    if let Some(number) = number
        && let Some(ticket) = app.store.read().await?.find_ticket_by_number(number).await?
    {
        add(app, &mut candidates, &mut seen, ticket.id, follow_up::SUBJECT_TOKEN).await?;
    }
    Ok(follow_up::decide(message, &candidates))
}

async fn add(
    app: &App,
    candidates: &mut Vec<Candidate>,
    seen: &mut BTreeSet<TicketId>,
    ticket_id: TicketId,
    rule: &'static str,
) -> anyhow::Result<()> {
    if !seen.insert(ticket_id.clone()) {
        return Ok(());
    }
    let mut db = app.store.read().await?;
    let Some(ticket) = db.find_ticket(&ticket_id).await.context("failed to find a ticket")? else {
        return Ok(());
    };
    let participants = db.list_participants(&ticket_id).await.context("failed to list participants")?;
    let mut organisation_domains = Vec::new();
    if let Some(account) = &ticket.account_id
        && let Some(row) = db.find_account(account).await?
    {
        organisation_domains.push(row.account.email_domain);
    }
    let closed = ticket.state == TicketState::Closed;
    candidates.push(Candidate { ticket_id, rule, participants, organisation_domains, closed });
    Ok(())
}
