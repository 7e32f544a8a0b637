//! Decisions on drafts taken back: what a draft was before each change, and the removal of what a decision caused.
//!
//! Does not: say whether a decision may be taken back (that is `pipeline::undo`).

use super::{
    Db, Result, Tx,
    draft::{DraftRow, Saved},
    row::{Ask as _, Columns as _, json, text},
    webhook::{DeliveryState, Event},
};
use crate::model::{
    draft::Draft,
    ids::{AccountId, DraftId, OutboxId},
    outbox::OutboxState,
};
use sqlx::any::AnyRow;

/// Mails about one draft looked at.
const MAILS_MAX: i64 = 100;

/// A draft as it was before a person changed it.
#[derive(Clone, Debug, PartialEq)]
pub struct EditRow {
    /// Its revision then.
    pub revision: i64,
    /// What it held.
    pub content: Draft,
    /// The customer, if known.
    pub account_id: Option<AccountId>,
    /// Which rule or person said so.
    pub account_reason: String,
    /// Who changed it.
    pub edited_by: String,
    /// When, milliseconds UTC.
    pub edited_ms: i64,
}

/// A mail that a decision on a draft caused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CausedMail {
    /// Row id.
    pub id: OutboxId,
    /// The decision.
    pub cause: String,
    /// Where it stands.
    pub state: OutboxState,
}

impl Db {
    /// The last change of a draft by a person that was not taken back.
    pub async fn find_last_edit(&mut self, id: &DraftId) -> Result<Option<EditRow>> {
        sqlx::query("SELECT * FROM draft_edit WHERE draft_id = $1 ORDER BY revision DESC LIMIT 1")
            .bind(id.as_str())
            .find(self.connection(), edit)
            .await
    }

    /// A draft as it was at a revision that a person changed.
    pub async fn find_edit(&mut self, id: &DraftId, revision: i64) -> Result<Option<EditRow>> {
        sqlx::query("SELECT * FROM draft_edit WHERE draft_id = $1 AND revision = $2")
            .bind(id.as_str())
            .bind(revision)
            .find(self.connection(), edit)
            .await
    }

    /// Mails about a draft, newest first.
    pub async fn list_mails_of_draft(&mut self, id: &DraftId) -> Result<Vec<CausedMail>> {
        sqlx::query("SELECT id, cause, state FROM outbox WHERE draft_id = $1 ORDER BY id DESC LIMIT $2")
            .bind(id.as_str())
            .bind(MAILS_MAX)
            .all(self.connection(), |row| {
                Ok(CausedMail {
                    id: row.id("id")?,
                    cause: row.text("cause")?,
                    state: row.named("state", OutboxState::parse)?,
                })
            })
            .await
    }

    /// Where the announcements of a draft's approval to other programs stand.
    pub async fn list_announcements(&mut self, id: &DraftId) -> Result<Vec<DeliveryState>> {
        sqlx::query("SELECT state FROM webhook_delivery WHERE event = $1 AND body LIKE $2 LIMIT $3")
            .bind(Event::DraftApproved.as_str())
            .bind(mentions(id))
            .bind(MAILS_MAX)
            .all(self.connection(), |row| row.named("state", DeliveryState::parse))
            .await
    }
}

fn edit(row: &AnyRow) -> Result<EditRow> {
    Ok(EditRow {
        revision: row.int("revision")?,
        content: row.json("content")?,
        account_id: row.find_id("account_id")?,
        account_reason: row.text("account_reason")?,
        edited_by: row.text("edited_by")?,
        edited_ms: row.int("edited_ms")?,
    })
}

/// What the text of a delivery about a draft holds. Ids are hexadecimal digits and hyphens.
fn mentions(id: &DraftId) -> String {
    format!("%\"draft_id\":\"{id}\"%")
}

impl Tx {
    /// Keeps what a draft is, before `who` changes it.
    pub async fn keep_edit(&mut self, before: &DraftRow, who: &str, now_ms: i64) -> Result<()> {
        sqlx::query(
            "INSERT INTO draft_edit (draft_id, revision, content, account_id, account_reason, edited_by, edited_ms)
             VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT (draft_id, revision) DO NOTHING",
        )
        .bind(before.id.as_str())
        .bind(before.revision)
        .bind(json(&before.content)?)
        .bind(before.account_id.as_ref().map(AccountId::as_str))
        .bind(text(&before.account_reason))
        .bind(text(who))
        .bind(now_ms)
        .run(self.connection())
        .await?;
        Ok(())
    }

    /// Forgets a change that was taken back.
    pub async fn delete_edit(&mut self, id: &DraftId, revision: i64) -> Result<()> {
        sqlx::query("DELETE FROM draft_edit WHERE draft_id = $1 AND revision = $2")
            .bind(id.as_str())
            .bind(revision)
            .run(self.connection())
            .await?;
        Ok(())
    }

    /// A decided draft waits for a person again.
    pub async fn reopen_draft(&mut self, id: &DraftId, revision: i64) -> Result<Saved> {
        let done = sqlx::query(
            "UPDATE draft SET state = 'proposed', decided_by = '', decision_note = '', decided_ms = NULL,
                 revision = revision + 1
             WHERE id = $1 AND revision = $2 AND state <> 'proposed'",
        )
        .bind(id.as_str())
        .bind(revision)
        .run(self.connection())
        .await?;
        Ok(if done == 1 { Saved::Yes(revision + 1) } else { Saved::Conflict })
    }

    /// Removes the record of a draft, what it taught, and announcements that wait; `false` if one went out meanwhile.
    pub async fn delete_consequences(&mut self, id: &DraftId) -> Result<bool> {
        self.delete_record_of_draft(id).await?;
        self.delete_lessons_of_draft(id).await?;
        self.delete_item_references_of_draft(id).await?;
        self.raise_counter("known", 1).await?;
        self.delete_idle_jobs_of_deliveries(Event::DraftApproved, &mentions(id)).await?;
        self.delete_unsent_deliveries(Event::DraftApproved, &mentions(id)).await?;
        Ok(self.list_announcements(id).await?.is_empty())
    }

    /// Gives a draft to a person to review, or with an empty name to anybody.
    pub async fn assign_draft(&mut self, id: &DraftId, person: &str) -> Result<bool> {
        let done = sqlx::query(
            "UPDATE draft SET assignee = $1 WHERE id = $2 AND state IN ('proposed', 'asked') AND assignee <> $1",
        )
        .bind(super::row::key(person))
        .bind(id.as_str())
        .run(self.connection())
        .await?;
        Ok(done == 1)
    }
}
