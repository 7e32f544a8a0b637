//! What people do with tickets beside answering them, each in one transaction with its line in the log: one change for
//! one ticket or for many, notes, merging, moving a message out, linking.
//!
//! Does not: send anything, or check who may do it (that is `web::session`).

use super::decision::entry;
use crate::{
    app::App,
    clock,
    model::{
        draft::named,
        ids::{MessageId, TicketId},
        ticket::{Priority, Queue, Ticket, TicketState},
    },
    store::{
        Tx,
        change::ChangeKind,
        once::{Claim, Once},
        ticket::NewTicket,
        work::Typed,
    },
};
use anyhow::Context as _;
use std::collections::BTreeSet;

/// Most tickets that one change is made in.
pub const TICKETS_MAX: usize = 200;
/// Most characters of a tag.
pub const TAG_CHARS_MAX: usize = 40;
/// Most characters of a note.
pub const NOTE_CHARS_MAX: usize = 20_000;
/// Snoozed tickets woken at once.
const WAKE_MAX: u32 = 100;

/// One change.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Change {
    /// To a person by name; empty: to nobody.
    Assign(String),
    /// To another queue.
    Queue(Queue),
    /// To another priority.
    Priority(Priority),
    /// To another state; what was snoozed is not any more.
    State(TicketState),
    /// Rests until that time, milliseconds UTC.
    Snooze(i64),
    /// Has a tag.
    Tag(String),
    /// Has that tag no more.
    Untag(String),
}

named! {
    /// What became of a wish that concerns two tickets.
    Joined {
        /// It is done.
        Done = "done",
        /// There is no other ticket of that number, or it is the same, or it was merged itself.
        NoOther = "no_other",
    }
}

/// A tag as it is kept: small letters, no blanks or commas at its ends; nothing if nothing is left.
pub fn tag(text: &str) -> Option<String> {
    let tag: String = text
        .trim_matches(|c: char| c.is_whitespace() || c == ',' || c == '#')
        .to_lowercase()
        .chars()
        .filter(|c| !c.is_control())
        .take(TAG_CHARS_MAX)
        .collect();
    (!tag.is_empty()).then_some(tag)
}

/// Makes one change in some tickets; how many there were. Merged tickets stay as they are.
pub async fn change(app: &App, ids: &[TicketId], change: &Change, who: &str) -> anyhow::Result<usize> {
    let now_ms = clock::now_ms();
    let mut tx = app.store.begin().await?;
    let mut count = 0;
    for id in ids.iter().take(TICKETS_MAX) {
        let Some(ticket) = tx.find_ticket(id).await? else { continue };
        if ticket.merged_into.is_none() {
            apply(&mut tx, ticket, change, who, now_ms).await?;
            count += 1;
        }
    }
    tx.commit().await.context("failed to change tickets")?;
    app.announce_work();
    Ok(count)
}

async fn apply(
    tx: &mut Tx,
    mut ticket: Ticket,
    change: &Change,
    who: &str,
    now_ms: i64,
) -> anyhow::Result<()> {
    let (action, detail) = match change {
        Change::Assign(person) => {
            let detail = format!("from {} to {}", named(&ticket.assignee), named(person));
            ticket.assignee.clone_from(person);
            ("assign_ticket", detail)
        }
        Change::Queue(queue) => {
            let detail = format!("from {} to {}", ticket.queue.as_str(), queue.as_str());
            ticket.queue = *queue;
            ticket.queue_reason = format!("moved by {who}");
            let learnt = tx.save_queue_example(&ticket.id, *queue, who, now_ms).await;
            learnt.context("failed to keep what a move teaches")?;
            ("move_ticket", detail)
        }
        Change::Priority(priority) => {
            let detail = format!("from {} to {}", ticket.priority.as_str(), priority.as_str());
            ticket.priority = *priority;
            ("prioritise_ticket", detail)
        }
        Change::State(state) => {
            ticket.state = *state;
            ticket.snoozed_until_ms = None;
            let action = match state {
                TicketState::Closed => "close_ticket",
                TicketState::Open => "open_ticket",
                TicketState::Waiting => "park_ticket",
            };
            (action, String::new())
        }
        Change::Snooze(until_ms) => {
            ticket.state = TicketState::Waiting;
            ticket.snoozed_until_ms = Some(*until_ms);
            let until = jiff::Timestamp::from_millisecond(*until_ms).context("no such time")?;
            ("snooze_ticket", format!("until {until}"))
        }
        Change::Tag(tag) => {
            tx.add_tag(&ticket.id, tag).await?;
            ("tag_ticket", tag.clone())
        }
        Change::Untag(tag) => {
            tx.remove_tag(&ticket.id, tag).await?;
            ("untag_ticket", tag.clone())
        }
    };
    // One's own change is no news to oneself.
    let read_ms = tx.find_attention(&ticket.id, who).await?.map_or(0, |attention| attention.read_ms);
    if read_ms >= ticket.updated_ms {
        tx.attend(&ticket.id, who, true, None, now_ms).await?;
    }
    tx.update_ticket(&ticket, now_ms).await?;
    tx.audit(entry(who, action, "ticket", ticket.id.as_str(), detail));
    tx.note_change(ChangeKind::Ticket, ticket.id.as_str());
    Ok(())
}

fn named(person: &str) -> &str {
    if person.is_empty() { "nobody" } else { person }
}

/// Adds a note. Whom it calls by `@name` is kept with it. Anything but [`Claim::New`]: its key was used before, and
/// nothing was added.
pub async fn note(
    app: &App,
    ticket: &TicketId,
    text: &str,
    once: Option<&Once>,
    who: &str,
) -> anyhow::Result<Claim> {
    let content: String = text.chars().take(NOTE_CHARS_MAX).collect();
    let now_ms = clock::now_ms();
    let mut tx = app.store.begin().await?;
    let names: Vec<String> = tx.list_people().await?.into_iter().map(|person| person.name).collect();
    let mentions = mentions(&content, &names);
    let id = tx.insert_note(ticket, who, &content, &mentions, now_ms).await?;
    if let Some(once) = once {
        let claim = tx.claim(once, id.as_str(), now_ms).await?;
        if claim != Claim::New {
            return Ok(claim);
        }
    }
    if let Some(attention) = tx.find_attention(ticket, who).await? {
        let left = Typed { note: String::new(), ..attention.typed };
        tx.attend(ticket, who, false, Some(&left), now_ms).await?;
    }
    tx.touch_ticket(ticket, None, now_ms).await?;
    tx.audit(entry(who, "note_ticket", "ticket", ticket.as_str(), mentions.join(", ")));
    tx.note_change(ChangeKind::Ticket, ticket.as_str());
    tx.commit().await.context("failed to keep a note")?;
    Ok(Claim::New)
}

/// The names that stand behind an `@`, each once.
fn mentions(text: &str, names: &[String]) -> Vec<String> {
    let called: BTreeSet<String> = text
        .split('@')
        .skip(1)
        .filter_map(|rest| {
            let word = rest.split(|c: char| c.is_whitespace() || ",;:!?()".contains(c)).next()?;
            names.iter().find(|name| name.eq_ignore_ascii_case(word.trim_end_matches('.')))
        })
        .cloned()
        .collect();
    called.into_iter().collect()
}

/// Puts everything of a ticket into another one, and closes it: its number leads there from now on.
pub async fn merge(app: &App, from: &Ticket, into: i64, who: &str) -> anyhow::Result<Joined> {
    let now_ms = clock::now_ms();
    let mut tx = app.store.begin().await?;
    let Some(target) = tx.find_ticket_by_number(into).await? else { return Ok(Joined::NoOther) };
    if target.id == from.id || target.merged_into.is_some() || from.merged_into.is_some() {
        return Ok(Joined::NoOther);
    }
    tx.touch_ticket(&from.id, Some(TicketState::Closed), now_ms).await?;
    let state = (from.state == TicketState::Open).then_some(TicketState::Open);
    tx.touch_ticket(&target.id, state, now_ms).await?;
    // The index follows the messages to their new ticket.
    for id in tx.list_message_ids(&from.id, None, u32::MAX).await? {
        tx.note_change(ChangeKind::Message, id.as_str());
    }
    tx.insert_ticket_merge(&from.id, from.state, &target.id, who, now_ms).await?;
    tx.copy_participants(&from.id, &target.id).await?;
    tx.move_ticket_content(&from.id, &target.id).await?;
    tx.audit(entry(who, "merge_ticket", "ticket", from.id.as_str(), format!("into {}", target.reference())));
    tx.audit(entry(
        who,
        "merge_ticket",
        "ticket",
        target.id.as_str(),
        format!("took in {}", from.reference()),
    ));
    tx.note_change(ChangeKind::Ticket, from.id.as_str());
    tx.note_change(ChangeKind::Ticket, target.id.as_str());
    tx.commit().await.context("failed to merge tickets")?;
    Ok(Joined::Done)
}

/// Takes a merge back: what came from the other ticket goes there again, with what came of it since.
///
/// What else came since stays here. A ticket that was merged further itself has to be parted from there first.
pub async fn unmerge(app: &App, kept: &Ticket, other: i64, who: &str) -> anyhow::Result<Joined> {
    let now_ms = clock::now_ms();
    let mut tx = app.store.begin().await?;
    let Some(merged) = tx.find_ticket_by_number(other).await? else { return Ok(Joined::NoOther) };
    let moved = tx.find_ticket_merge(&merged.id, &kept.id).await?;
    let Some(moved) = moved.filter(|_| merged.merged_into.as_ref() == Some(&kept.id)) else {
        return Ok(Joined::NoOther);
    };
    tx.undo_ticket_merge(&merged.id, &kept.id, &moved).await?;
    tx.touch_ticket(&merged.id, moved.state, now_ms).await?;
    tx.touch_ticket(&kept.id, None, now_ms).await?;
    // The index follows the messages back.
    for id in moved.messages() {
        tx.note_change(ChangeKind::Message, id);
    }
    for (ticket, detail) in [
        (&merged, format!("parted from {}", kept.reference())),
        (kept, format!("gave {} back", merged.reference())),
    ] {
        tx.audit(entry(who, "unmerge_ticket", "ticket", ticket.id.as_str(), detail));
        tx.note_change(ChangeKind::Ticket, ticket.id.as_str());
    }
    tx.commit().await.context("failed to part merged tickets")?;
    Ok(Joined::Done)
}

/// Links two tickets.
pub async fn link(app: &App, one: &Ticket, other: i64, who: &str) -> anyhow::Result<Joined> {
    let mut tx = app.store.begin().await?;
    let Some(target) = tx.find_ticket_by_number(other).await?.filter(|target| target.id != one.id) else {
        return Ok(Joined::NoOther);
    };
    tx.link_tickets(&one.id, &target.id).await?;
    for (from, to) in [(one, &target), (&target, one)] {
        tx.audit(entry(who, "link_ticket", "ticket", from.id.as_str(), format!("with {}", to.reference())));
        tx.note_change(ChangeKind::Ticket, from.id.as_str());
    }
    tx.commit().await.context("failed to link tickets")?;
    Ok(Joined::Done)
}

/// Takes the link between two tickets away.
pub async fn unlink(app: &App, one: &Ticket, other: i64, who: &str) -> anyhow::Result<Joined> {
    let mut tx = app.store.begin().await?;
    let Some(target) = tx.find_ticket_by_number(other).await? else { return Ok(Joined::NoOther) };
    if !tx.unlink_tickets(&one.id, &target.id).await? {
        return Ok(Joined::NoOther);
    }
    for (from, to) in [(one, &target), (&target, one)] {
        tx.audit(entry(who, "unlink_ticket", "ticket", from.id.as_str(), format!("from {}", to.reference())));
        tx.note_change(ChangeKind::Ticket, from.id.as_str());
    }
    tx.commit().await.context("failed to part tickets")?;
    Ok(Joined::Done)
}

/// Moves a message, with its drafts, to the ticket of that number, or to one of its own.
///
/// Its sender takes part there from now on, so that what he or she writes next finds the way. Returns the number of the
/// ticket, or nothing if there is no such ticket.
pub async fn move_message(
    app: &App,
    id: &MessageId,
    to: Option<i64>,
    who: &str,
) -> anyhow::Result<Option<i64>> {
    let now_ms = clock::now_ms();
    let mut tx = app.store.begin().await?;
    let message = tx.find_message(id).await?.with_context(|| format!("there is no message {id}"))?;
    let own = match &message.ticket_id {
        Some(own) => tx.find_ticket(own).await?,
        None => None,
    };
    let target = if let Some(number) = to {
        let found = tx.find_ticket_by_number(number).await?;
        let found = found.filter(|t| t.merged_into.is_none() && Some(&t.id) != message.ticket_id.as_ref());
        let Some(found) = found else { return Ok(None) };
        tx.touch_ticket(&found.id, Some(TicketState::Open), now_ms).await?;
        found
    } else {
        let new = NewTicket {
            subject: message.subject.clone(),
            queue: message.queue.or(own.as_ref().map(|own| own.queue)).unwrap_or(Queue::Triage),
            queue_reason: format!("split off by {who}"),
            priority: own.as_ref().map_or(Priority::Normal, |own| own.priority),
            account_id: own.as_ref().and_then(|own| own.account_id.clone()),
            language: own.as_ref().map_or_else(|| "en".to_owned(), |own| own.language.clone()),
        };
        tx.insert_ticket(&new, None, now_ms).await?
    };
    tx.move_message(id, &target.id, &format!("moved by {who}")).await?;
    tx.move_drafts(id, &target.id).await?;
    if !message.from_email.is_empty() {
        tx.add_participant(&target.id, &message.from_email).await?;
    }
    tx.audit(entry(who, "move_message", "ticket", target.id.as_str(), format!("message {id} came here")));
    if let Some(own) = own {
        let detail = format!("message {id} went to {}", target.reference());
        tx.audit(entry(who, "move_message", "ticket", own.id.as_str(), detail));
        if tx.list_message_ids(&own.id, None, 1).await?.is_empty() {
            tx.touch_ticket(&own.id, Some(TicketState::Closed), now_ms).await?;
            tx.audit(entry(who, "close_ticket", "ticket", own.id.as_str(), "its last message was moved"));
        }
        tx.note_change(ChangeKind::Ticket, own.id.as_str());
    }
    tx.note_change(ChangeKind::Message, id.as_str());
    tx.note_change(ChangeKind::Ticket, target.id.as_str());
    tx.commit().await.context("failed to move a message")?;
    Ok(Some(target.number))
}

/// Opens the tickets that have rested long enough; how many.
pub async fn wake(app: &App) -> anyhow::Result<usize> {
    let now_ms = clock::now_ms();
    let due = app.store.read().await?.list_snoozed_until(now_ms, WAKE_MAX).await?;
    if due.is_empty() {
        return Ok(0);
    }
    let mut tx = app.store.begin().await?;
    for id in &due {
        let Some(mut ticket) = tx.find_ticket(id).await? else { continue };
        // Somebody may have decided otherwise since.
        if ticket.snoozed_until_ms.take().is_none_or(|until| until > now_ms) {
            continue;
        }
        if ticket.state == TicketState::Waiting {
            ticket.state = TicketState::Open;
        }
        tx.update_ticket(&ticket, now_ms).await?;
        tx.audit(entry(super::straight_through::PROGRAM, "wake_ticket", "ticket", id.as_str(), ""));
        tx.note_change(ChangeKind::Ticket, id.as_str());
    }
    tx.commit().await.context("failed to wake tickets")?;
    Ok(due.len())
}

/// A person has opened a ticket.
pub async fn attend(app: &App, ticket: &TicketId, who: &str) -> anyhow::Result<()> {
    let mut tx = app.store.begin().await?;
    tx.attend(ticket, who, true, None, clock::now_ms()).await?;
    Ok(tx.commit().await?)
}

/// Keeps what a person is writing. An answer or note whose form was sent meanwhile is not kept: it has gone.
pub async fn keep(
    app: &App,
    ticket: &TicketId,
    change: impl FnOnce(Typed) -> Typed,
    forms: [Option<&Once>; 2],
    who: &str,
) -> anyhow::Result<()> {
    let mut tx = app.store.begin().await?;
    let before = tx.find_attention(ticket, who).await?.unwrap_or_default().typed;
    let mut typed = change(before);
    let [answer, note] = forms;
    if let Some(once) = answer
        && tx.is_claimed(once).await?
    {
        typed = typed.without_answer();
    }
    if let Some(once) = note
        && tx.is_claimed(once).await?
    {
        typed.note.clear();
    }
    tx.attend(ticket, who, true, Some(&typed), clock::now_ms()).await?;
    Ok(tx.commit().await?)
}

/// A person's page of a ticket is still open; nobody knows whether he or she looks at it.
pub async fn attend_quietly(app: &App, ticket: &TicketId, who: &str) -> anyhow::Result<()> {
    let mut tx = app.store.begin().await?;
    tx.attend(ticket, who, false, None, clock::now_ms()).await?;
    Ok(tx.commit().await?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_behind_an_at_sign_are_called() {
        let names: Vec<String> = ["ann", "sam", "ann-marie"].map(str::to_owned).to_vec();
        for (text, expected) in [
            ("@ann please look", "ann"),
            ("@Sam, @ann: and @ann-marie.", "ann ann-marie sam"),
            ("mail to x@ann.example", ""),
            ("@nobody @", ""),
        ] {
            assert_eq!(mentions(text, &names).join(" "), expected, "{text}");
        }
    }

    #[test]
    fn tags_are_kept_in_one_spelling() {
        for (text, expected) in
            [(" #Urgent, ", Some("urgent")), ("Two Words", Some("two words")), (" , ", None)]
        {
            assert_eq!(tag(text).as_deref(), expected);
        }
    }
}
