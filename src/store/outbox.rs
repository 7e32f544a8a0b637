//! The outbox: outgoing mail, written in the transaction of the decision that caused it, sent once.
//!
//! `queued` → `sending` (committed before the network call) → `sent`, `failed`, or `queued` again after a transient
//! error. What is found in `sending` after a crash becomes `in_doubt`: a person decides.

use super::{
    Db, Result, Store, Tx,
    row::{Ask as _, Columns as _, json, key, text},
};
use crate::model::{
    ids::{DraftId, MessageId, OutboxId, TicketId},
    outbox::{Delivered, OutboxRow, OutboxState},
};
use sqlx::any::AnyRow;

/// Mails to one recipient that the limits look at; more than any of their windows allows.
const RECENT_SENDS_MAX: i64 = 1_000;

/// An attempt that takes longer counts as interrupted, even if its process did not come back to say so.
const SENDING_MAX_MS: i64 = 15 * 60 * 1000;

/// A mail that is due. Its bytes are durable already; the id is part of its `Message-ID`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewOutbox {
    /// Row id.
    pub id: OutboxId,
    /// The decision that caused it, e.g. `acknowledge:<message id>`.
    pub cause: String,
    /// The ticket that it belongs to.
    pub ticket_id: Option<TicketId>,
    /// The message that it answers.
    pub message_id: Option<MessageId>,
    /// The draft that it is about.
    pub draft_id: Option<DraftId>,
    /// The one recipient whom it is written to.
    pub recipient: String,
    /// Who else gets it, openly: only of mail that a person writes.
    pub copies: Vec<String>,
    /// Name of the template.
    pub template: String,
    /// ISO 639-1 code.
    pub language: String,
    /// Rendered subject.
    pub subject: String,
    /// Our own signed `Message-ID` without angle brackets.
    pub rfc_message_id: String,
    /// Content address of the exact bytes.
    pub sha256: String,
    /// Held back, and why: it is kept as `withheld`.
    pub withheld: Option<String>,
    /// Not before this time, milliseconds UTC.
    pub due_ms: i64,
}

fn outbox(row: &AnyRow) -> Result<OutboxRow> {
    Ok(OutboxRow {
        id: row.id("id")?,
        cause: row.text("cause")?,
        ticket_id: row.find_id("ticket_id")?,
        message_id: row.find_id("message_id")?,
        draft_id: row.find_id("draft_id")?,
        recipient: row.text("recipient")?,
        copies: row.json("copies")?,
        deliveries: row.json("deliveries")?,
        template: row.text("template")?,
        language: row.text("language")?,
        subject: row.text("subject")?,
        rfc_message_id: row.text("rfc_message_id")?,
        sha256: row.text("sha256")?,
        state: row.named("state", OutboxState::parse)?,
        reason: row.text("reason")?,
        attempts: row.int("attempts")?,
        due_ms: row.int("due_ms")?,
        created_ms: row.int("created_ms")?,
        sent_ms: row.find_int("sent_ms")?,
    })
}

/// A mail that went to a recipient lately.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RecentSend {
    /// Row id.
    pub id: OutboxId,
    /// The ticket that it belonged to.
    pub ticket_id: Option<TicketId>,
    /// When it was put into the outbox, milliseconds UTC.
    pub at_ms: i64,
}

impl Db {
    /// A mail by its row id.
    pub async fn find_outbox(&mut self, id: &OutboxId) -> Result<Option<OutboxRow>> {
        sqlx::query("SELECT * FROM outbox WHERE id = $1")
            .bind(text(id.as_str()))
            .find(self.connection(), outbox)
            .await
    }

    /// The mail that a decision caused.
    pub async fn find_outbox_by_cause(&mut self, cause: &str) -> Result<Option<OutboxRow>> {
        sqlx::query("SELECT * FROM outbox WHERE cause = $1")
            .bind(key(cause))
            .find(self.connection(), outbox)
            .await
    }

    /// Mail in a state, newest first; the next `limit` before `before`.
    pub async fn list_outbox(
        &mut self,
        state: OutboxState,
        before: Option<&OutboxId>,
        limit: u32,
    ) -> Result<Vec<OutboxRow>> {
        sqlx::query("SELECT * FROM outbox WHERE state = $1 AND id < $2 ORDER BY id DESC LIMIT $3")
            .bind(state.as_str())
            .bind(before.map_or("~", OutboxId::as_str))
            .bind(i64::from(limit))
            .all(self.connection(), outbox)
            .await
    }

    /// Mail of a ticket, oldest first.
    pub async fn list_outbox_of_ticket(&mut self, id: &TicketId, limit: u32) -> Result<Vec<OutboxRow>> {
        sqlx::query("SELECT * FROM outbox WHERE ticket_id = $1 ORDER BY created_ms, id LIMIT $2")
            .bind(id.as_str())
            .bind(i64::from(limit))
            .all(self.connection(), outbox)
            .await
    }

    /// How many mails are in each state.
    pub async fn count_outbox(&mut self) -> Result<Vec<(OutboxState, i64)>> {
        sqlx::query("SELECT state, COUNT(*) AS rows_of_it FROM outbox GROUP BY state ORDER BY state")
            .all(self.connection(), |row| {
                Ok((row.named("state", OutboxState::parse)?, row.int("rows_of_it")?))
            })
            .await
    }

    /// What went, or may have gone, to a recipient since `since_ms`: what the limits against loops look at.
    pub async fn list_recent_sends(&mut self, recipient: &str, since_ms: i64) -> Result<Vec<RecentSend>> {
        sqlx::query(
            "SELECT id, ticket_id, created_ms FROM outbox WHERE recipient = $1 AND created_ms >= $2
                 AND state IN ('sending', 'sent', 'in_doubt') ORDER BY created_ms DESC LIMIT $3",
        )
        .bind(key(&recipient.to_lowercase()))
        .bind(since_ms)
        .bind(RECENT_SENDS_MAX)
        .all(self.connection(), |row| {
            Ok(RecentSend {
                id: row.id("id")?,
                ticket_id: row.find_id("ticket_id")?,
                at_ms: row.int("created_ms")?,
            })
        })
        .await
    }

    /// How many mails are withheld for a reason that begins so.
    pub async fn count_held_back(&mut self, reason: &str) -> Result<i64> {
        let (count,) =
            sqlx::query_as("SELECT COUNT(*) FROM outbox WHERE state = 'withheld' AND reason LIKE $1")
                .bind(text(&format!("{reason}%")))
                .fetch_one(self.connection())
                .await?;
        Ok(count)
    }

    /// How many mails went, or may have gone, to anybody since `since_ms`: what the breaker looks at.
    pub async fn count_sends(&mut self, since_ms: i64) -> Result<i64> {
        let (count,) = sqlx::query_as(
            "SELECT COUNT(*) FROM outbox WHERE created_ms >= $1 AND state IN ('sending', 'sent', 'in_doubt')",
        )
        .bind(since_ms)
        .fetch_one(self.connection())
        .await?;
        Ok(count)
    }
}

impl Tx {
    /// Takes a mail out of the outbox that never left; `false` if it is being sent, or was, be it to one only.
    pub async fn delete_unsent(&mut self, id: &OutboxId) -> Result<bool> {
        let done =
            sqlx::query("DELETE FROM outbox WHERE id = $1 AND sent_ms IS NULL AND state IN ('queued', 'withheld', 'failed')")
                .bind(id.as_str())
                .run(self.connection())
                .await?;
        Ok(done == 1)
    }

    /// Puts a mail into the outbox. `false` if the same decision has caused one already: twice is once.
    pub async fn insert_outbox(&mut self, new: &NewOutbox, now_ms: i64) -> Result<bool> {
        let state = if new.withheld.is_some() { OutboxState::Withheld } else { OutboxState::Queued };
        let done = sqlx::query(
            "INSERT INTO outbox (id, cause, ticket_id, message_id, draft_id, recipient, template, language, subject,
                 rfc_message_id, sha256, state, reason, attempts, due_ms, worker, created_ms, copies)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, 0, $14, '', $15, $16)
             ON CONFLICT (cause) DO NOTHING",
        )
        .bind(new.id.as_str())
        .bind(key(&new.cause))
        .bind(new.ticket_id.as_ref().map(TicketId::as_str))
        .bind(new.message_id.as_ref().map(MessageId::as_str))
        .bind(new.draft_id.as_ref().map(DraftId::as_str))
        .bind(key(&new.recipient.to_lowercase()))
        .bind(text(&new.template))
        .bind(text(&new.language))
        .bind(text(&new.subject))
        .bind(key(&new.rfc_message_id))
        .bind(new.sha256.as_str())
        .bind(state.as_str())
        .bind(text(new.withheld.as_deref().unwrap_or_default()))
        .bind(new.due_ms)
        .bind(now_ms)
        .bind(json(&new.copies)?)
        .run(self.connection())
        .await?;
        Ok(done == 1)
    }

    /// What became of a mail under way for each recipient. `sent_ms` is the time, if the server took it for somebody.
    pub async fn save_deliveries(
        &mut self,
        id: &OutboxId,
        deliveries: &[Delivered],
        sent_ms: Option<i64>,
    ) -> Result<()> {
        sqlx::query(
            "UPDATE outbox SET deliveries = $1, sent_ms = COALESCE(sent_ms, $2) WHERE id = $3 AND state = 'sending'",
        )
        .bind(json(&deliveries)?)
        .bind(sent_ms)
        .bind(id.as_str())
        .run(self.connection())
        .await?;
        Ok(())
    }

    /// The server took it.
    pub async fn mark_sent(&mut self, id: &OutboxId, now_ms: i64) -> Result<()> {
        sqlx::query(
            "UPDATE outbox SET state = 'sent', reason = '', sent_ms = $1 WHERE id = $2 AND state = 'sending'",
        )
        .bind(now_ms)
        .bind(id.as_str())
        .run(self.connection())
        .await?;
        Ok(())
    }

    /// The attempt ended otherwise: `queued` to try again at `due_ms`, or `failed`, `in_doubt`, `withheld` for good.
    pub async fn end_attempt(
        &mut self,
        id: &OutboxId,
        state: OutboxState,
        reason: &str,
        due_ms: i64,
    ) -> Result<()> {
        sqlx::query(
            "UPDATE outbox SET state = $1, reason = $2, due_ms = $3 WHERE id = $4 AND state = 'sending'",
        )
        .bind(state.as_str())
        .bind(text(reason))
        .bind(due_ms)
        .bind(id.as_str())
        .run(self.connection())
        .await?;
        Ok(())
    }

    /// A person decides about a mail that is in doubt, withheld or failed: `queued` sends it (again) at once, `sent`
    /// says that it arrived, `failed` gives it up. `false` if it is in none of these states any more.
    pub async fn resolve_outbox(
        &mut self,
        id: &OutboxId,
        state: OutboxState,
        reason: &str,
        now_ms: i64,
    ) -> Result<bool> {
        let done = sqlx::query(
            "UPDATE outbox SET state = $1, reason = $2, due_ms = $3
             WHERE id = $4 AND state IN ('in_doubt', 'withheld', 'failed')",
        )
        .bind(state.as_str())
        .bind(text(reason))
        .bind(now_ms)
        .bind(text(id.as_str()))
        .run(self.connection())
        .await?;
        Ok(done == 1)
    }
}

impl Store {
    /// Takes the mail that is due longest and marks it `sending`, in a transaction of its own. `worker` names this
    /// node: the same after a restart, different from every other.
    pub async fn lease_outbox(&self, worker: &str, now_ms: i64) -> Result<Option<OutboxRow>> {
        let mut tx = self.begin().await?;
        // the outer conditions are checked again once another worker has let go of the row
        let row = sqlx::query(
            "UPDATE outbox SET state = 'sending', attempts = attempts + 1, worker = $1, due_ms = $2
             WHERE id IN (SELECT id FROM outbox WHERE state = 'queued' AND due_ms <= $3 ORDER BY due_ms, id LIMIT 1)
                 AND state = 'queued'
             RETURNING *",
        )
        .bind(text(worker))
        .bind(now_ms.saturating_add(SENDING_MAX_MS))
        .bind(now_ms)
        .fetch_optional(tx.connection())
        .await?;
        let row = row.as_ref().map(outbox).transpose()?;
        tx.commit().await?;
        Ok(row)
    }

    /// Puts in doubt what a crash interrupted: everything that this `worker` was sending, and what any worker has
    /// been sending for too long. Call it before the first [`Store::lease_outbox`], and now and then.
    pub async fn doubt_interrupted_outbox(&self, worker: Option<&str>, now_ms: i64) -> Result<u64> {
        let mut tx = self.begin().await?;
        let done = sqlx::query(
            "UPDATE outbox SET state = 'in_doubt', reason = 'interrupted while it was being sent'
             WHERE state = 'sending' AND (worker = $1 OR due_ms < $2)",
        )
        .bind(worker.map(text))
        .bind(now_ms)
        .execute(tx.connection())
        .await?;
        tx.commit().await?;
        Ok(done.rows_affected())
    }
}
