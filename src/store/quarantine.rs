//! Quarantine: what failed or exceeded a limit, and waits for a person.

use super::{
    Db, Result, Tx,
    row::{Ask as _, Columns as _, fresh, text},
};
use crate::model::{
    draft::named,
    ids::{DocumentId, MessageId, QuarantineId, SightingId},
};
use sqlx::any::AnyRow;

named! {
    /// What a person (or a later success) made of it.
    Resolution {
        /// It was processed again.
        Reprocessed = "reprocessed",
        /// It needs nothing more.
        Dismissed = "dismissed",
    }
}

/// Something that failed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewQuarantine {
    /// The message, if its row exists.
    pub message_id: Option<MessageId>,
    /// The document, if only that failed.
    pub document_id: Option<DocumentId>,
    /// The ledger row, if the message was never fetched.
    pub sighting_id: Option<SightingId>,
    /// Content address of the bytes.
    pub sha256: String,
    /// Stable name: `reader_killed`, `too_large`, `panicked`…
    pub cause: String,
    /// What happened, for a person.
    pub detail: String,
}

/// An entry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct QuarantineRow {
    /// Row id.
    pub id: QuarantineId,
    /// What failed.
    pub entry: NewQuarantine,
    /// Milliseconds UTC.
    pub created_ms: i64,
    /// Milliseconds UTC, once resolved.
    pub resolved_ms: Option<i64>,
    /// By whom; empty until then.
    pub resolved_by: String,
    /// How.
    pub resolution: Option<Resolution>,
}

fn quarantine(row: &AnyRow) -> Result<QuarantineRow> {
    Ok(QuarantineRow {
        id: row.id("id")?,
        entry: NewQuarantine {
            message_id: row.find_id("message_id")?,
            document_id: row.find_id("document_id")?,
            sighting_id: row.find_id("sighting_id")?,
            sha256: row.text("sha256")?,
            cause: row.text("cause")?,
            detail: row.text("detail")?,
        },
        created_ms: row.int("created_ms")?,
        resolved_ms: row.find_int("resolved_ms")?,
        resolved_by: row.text("resolved_by")?,
        resolution: Resolution::parse(&row.text("resolution")?),
    })
}

impl Db {
    /// An entry by its row id.
    pub async fn find_quarantine(&mut self, id: &QuarantineId) -> Result<Option<QuarantineRow>> {
        sqlx::query("SELECT * FROM quarantine WHERE id = $1")
            .bind(text(id.as_str()))
            .find(self.connection(), quarantine)
            .await
    }

    /// What waits for a person, newest first; the next `limit` before `before`.
    pub async fn list_quarantine(
        &mut self,
        before: Option<&QuarantineId>,
        limit: u32,
    ) -> Result<Vec<QuarantineRow>> {
        sqlx::query(
            "SELECT * FROM quarantine WHERE resolved_ms IS NULL AND id < $1 ORDER BY id DESC LIMIT $2",
        )
        .bind(before.map_or("~", QuarantineId::as_str))
        .bind(i64::from(limit))
        .all(self.connection(), quarantine)
        .await
    }

    /// What was resolved, newest first; the next `limit` before `before`.
    pub async fn list_resolved_quarantine(
        &mut self,
        before: Option<&QuarantineId>,
        limit: u32,
    ) -> Result<Vec<QuarantineRow>> {
        sqlx::query(
            "SELECT * FROM quarantine WHERE resolved_ms IS NOT NULL AND id < $1 ORDER BY id DESC LIMIT $2",
        )
        .bind(before.map_or("~", QuarantineId::as_str))
        .bind(i64::from(limit))
        .all(self.connection(), quarantine)
        .await
    }

    /// Everything that ever happened to a message, oldest first.
    pub async fn list_quarantine_of_message(
        &mut self,
        message_id: &MessageId,
        limit: u32,
    ) -> Result<Vec<QuarantineRow>> {
        sqlx::query("SELECT * FROM quarantine WHERE message_id = $1 ORDER BY id LIMIT $2")
            .bind(message_id.as_str())
            .bind(i64::from(limit))
            .all(self.connection(), quarantine)
            .await
    }

    /// How many entries wait for a person.
    pub async fn count_quarantine(&mut self) -> Result<i64> {
        let (count,) = sqlx::query_as("SELECT COUNT(*) FROM quarantine WHERE resolved_ms IS NULL")
            .fetch_one(self.connection())
            .await?;
        Ok(count)
    }
}

impl Tx {
    /// Puts something into quarantine. The same thing with the same cause waits only once.
    pub async fn insert_quarantine(&mut self, new: &NewQuarantine, now_ms: i64) -> Result<QuarantineId> {
        let known = sqlx::query(
            "SELECT id FROM quarantine WHERE resolved_ms IS NULL AND sha256 = $1 AND cause = $2
                 AND COALESCE(message_id, '') = $3 AND COALESCE(document_id, '') = $4 AND COALESCE(sighting_id, '') = $5
             LIMIT 1",
        )
        .bind(new.sha256.as_str())
        .bind(text(&new.cause))
        .bind(new.message_id.as_ref().map_or("", MessageId::as_str))
        .bind(new.document_id.as_ref().map_or("", DocumentId::as_str))
        .bind(new.sighting_id.as_ref().map_or("", SightingId::as_str))
        .fetch_optional(self.connection())
        .await?;
        if let Some(row) = known {
            return row.id("id");
        }
        let id: QuarantineId = fresh();
        sqlx::query(
            "INSERT INTO quarantine (id, message_id, document_id, sha256, cause, detail, created_ms, resolved_by,
                 resolution, sighting_id)
             VALUES ($1, $2, $3, $4, $5, $6, $7, '', '', $8)",
        )
        .bind(id.as_str())
        .bind(new.message_id.as_ref().map(MessageId::as_str))
        .bind(new.document_id.as_ref().map(DocumentId::as_str))
        .bind(new.sha256.as_str())
        .bind(text(&new.cause))
        .bind(text(&new.detail))
        .bind(now_ms)
        .bind(new.sighting_id.as_ref().map(SightingId::as_str))
        .run(self.connection())
        .await?;
        Ok(id)
    }

    /// Ends an entry. `false` if it was ended before.
    pub async fn resolve_quarantine(
        &mut self,
        id: &QuarantineId,
        resolution: Resolution,
        by: &str,
        now_ms: i64,
    ) -> Result<bool> {
        let done = sqlx::query(
            "UPDATE quarantine SET resolved_ms = $1, resolved_by = $2, resolution = $3
             WHERE id = $4 AND resolved_ms IS NULL",
        )
        .bind(now_ms)
        .bind(text(by))
        .bind(resolution.as_str())
        .bind(text(id.as_str()))
        .run(self.connection())
        .await?;
        Ok(done == 1)
    }

    /// Ends all entries of a message, because it is processed again or was processed well.
    pub async fn resolve_quarantine_of_message(
        &mut self,
        message_id: &MessageId,
        resolution: Resolution,
        by: &str,
        now_ms: i64,
    ) -> Result<u64> {
        let done = sqlx::query(
            "UPDATE quarantine SET resolved_ms = $1, resolved_by = $2, resolution = $3
             WHERE message_id = $4 AND resolved_ms IS NULL",
        )
        .bind(now_ms)
        .bind(text(by))
        .bind(resolution.as_str())
        .bind(message_id.as_str())
        .run(self.connection())
        .await?;
        Ok(done)
    }
}
