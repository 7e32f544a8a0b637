//! Decisions on drafts taken back, as long as nothing left: approvals, rejections, questions and changes.
//!
//! Mail of a decision waits a short while in the outbox ([`crate::reply::Config::undo_seconds`]) so that there is time.
//! What left, to a customer or to another program, cannot be taken back, and [`obstacle`] says what it was.
//!
//! Invariant: taking back is one transaction: the draft waits again, and everything that the decision caused is gone
//! but for its lines in the log.

use super::{decision::Decided, decision::entry, straight_through::PROGRAM};
use crate::{
    app::App,
    clock,
    model::{
        draft::DraftState,
        ids::{DraftId, LessonId},
        outbox::OutboxState,
        ticket::TicketState,
    },
    store::{
        Db, Tx,
        change::ChangeKind,
        draft::{DraftRow, Saved},
        undo::CausedMail,
        webhook::DeliveryState,
    },
};
use anyhow::Context as _;

/// Why a decision cannot be taken back.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Obstacle {
    /// Its mail left, or may have.
    Sent,
    /// Another program was told.
    Announced,
    /// There is nothing to take back.
    Nothing,
}

/// The mail that the decision on a draft caused, if it caused one.
async fn mail_of(db: &mut Db, row: &DraftRow) -> anyhow::Result<Option<CausedMail>> {
    let cause = match row.state {
        DraftState::Approved => format!("confirm:{}", row.id),
        DraftState::Rejected => format!("refuse:{}", row.id),
        DraftState::Asked => format!("ask:{}:", row.id),
        DraftState::Proposed => return Ok(None),
    };
    // newest first: of several questions the last one counts
    let mails = db.list_mails_of_draft(&row.id).await?;
    Ok(mails.into_iter().find(|mail| mail.cause.starts_with(&cause)))
}

/// What stands against taking back the decision on a draft; nothing if it can be taken back.
pub async fn obstacle(db: &mut Db, row: &DraftRow) -> anyhow::Result<Option<Obstacle>> {
    if row.state == DraftState::Proposed {
        return Ok(Some(Obstacle::Nothing));
    }
    let left = |state| matches!(state, OutboxState::Sending | OutboxState::Sent | OutboxState::InDoubt);
    if mail_of(db, row).await?.is_some_and(|mail| left(mail.state)) {
        return Ok(Some(Obstacle::Sent));
    }
    let told = row.state == DraftState::Approved
        && db.list_announcements(&row.id).await?.iter().any(|state| *state != DeliveryState::Waiting);
    Ok(told.then_some(Obstacle::Announced))
}

/// Takes back the decision on a draft: it waits for a person again.
pub async fn decision(
    app: &App,
    id: &DraftId,
    revision: i64,
    who: &str,
) -> anyhow::Result<Result<Decided<()>, Obstacle>> {
    let mut tx = app.store.begin().await?;
    let row = tx.find_draft(id).await?.with_context(|| format!("there is no draft {id}"))?;
    if row.revision != revision {
        return Ok(Ok(Decided::Conflict));
    }
    if let Some(obstacle) = obstacle(&mut tx, &row).await? {
        return Ok(Err(obstacle));
    }
    if let Some(mail) = mail_of(&mut tx, &row).await?
        && !tx.delete_unsent(&mail.id).await?
    {
        // it began to leave just now
        return Ok(Err(Obstacle::Sent));
    }
    if tx.reopen_draft(id, revision).await? == Saved::Conflict {
        return Ok(Ok(Decided::Conflict));
    }
    if row.state == DraftState::Approved {
        unlearn(&mut tx, &row).await?;
        if !tx.delete_consequences(id).await? {
            return Ok(Err(Obstacle::Announced));
        }
    }
    let now_ms = clock::now_ms();
    tx.touch_ticket(&row.ticket_id, Some(TicketState::Open), now_ms).await?;
    let detail = format!("it was {} by {}", row.state.as_str(), row.decided_by);
    tx.audit(entry(who, "undo_decision", "draft", id.as_str(), detail));
    note(&mut tx, &row);
    tx.commit().await.context("failed to take a decision back")?;
    app.announce_work();
    Ok(Ok(Decided::Done(())))
}

/// Takes back that the approval confirmed or contradicted what had helped to read the draft.
async fn unlearn(tx: &mut Tx, row: &DraftRow) -> anyhow::Result<()> {
    if row.decided_by == PROGRAM {
        return Ok(());
    }
    for precedent in &row.proposed.precedents {
        let contradicted = super::lesson::is_contradicted(precedent, &row.proposed, &row.content);
        tx.uncount_lesson(&LessonId::new(precedent.lesson.clone()), contradicted).await?;
    }
    Ok(())
}

/// Takes back the last change of a draft that waits: its values are those of before.
pub async fn edit(app: &App, id: &DraftId, revision: i64, who: &str) -> anyhow::Result<Decided<()>> {
    let mut tx = app.store.begin().await?;
    let row = tx.find_draft(id).await?.with_context(|| format!("there is no draft {id}"))?;
    let Some(edit) = tx.find_last_edit(id).await? else { return Ok(Decided::Conflict) };
    let saved =
        tx.update_draft(id, revision, &edit.content, edit.account_id.as_ref(), &edit.account_reason).await?;
    if saved == Saved::Conflict {
        return Ok(Decided::Conflict);
    }
    tx.delete_edit(id, edit.revision).await?;
    let detail = format!("the change by {} to revision {}", edit.edited_by, edit.revision);
    tx.audit(entry(who, "undo_edit", "draft", id.as_str(), detail));
    note(&mut tx, &row);
    tx.commit().await.context("failed to take a change back")?;
    Ok(Decided::Done(()))
}

/// Gives a draft to a colleague to review, or with an empty name to anybody, with a word that becomes a note on its
/// ticket. `false` if it is decided, or is that person's already.
pub async fn hand_over(app: &App, id: &DraftId, to: &str, word: &str, who: &str) -> anyhow::Result<bool> {
    let mut tx = app.store.begin().await?;
    let row = tx.find_draft(id).await?.with_context(|| format!("there is no draft {id}"))?;
    if !tx.assign_draft(id, to).await? {
        return Ok(false);
    }
    let detail = if to.is_empty() { "to anybody".to_owned() } else { format!("to {to}") };
    tx.audit(entry(who, "hand_over_draft", "draft", id.as_str(), detail));
    note(&mut tx, &row);
    tx.commit().await.context("failed to hand a draft over")?;
    if !word.is_empty() {
        let call = if to.is_empty() { String::new() } else { format!("@{to} ") };
        super::conversation::note(app, &row.ticket_id, &format!("{call}{word}"), None, who).await?;
    }
    Ok(true)
}

fn note(tx: &mut Tx, row: &DraftRow) {
    tx.note_change(ChangeKind::Draft, row.id.as_str());
    tx.note_change(ChangeKind::Message, row.message_id.as_str());
    tx.note_change(ChangeKind::Ticket, row.ticket_id.as_str());
}
