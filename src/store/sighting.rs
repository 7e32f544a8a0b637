//! The ledger: one row for each (mailbox, folder, UIDVALIDITY, UID), with one outcome.
//!
//! A row starts as `seen`, becomes `stored` or `duplicate` with its message, and ends as `processed` or `quarantined`
//! together with its message; a message that went before it could be fetched ends as `vanished`.

use super::{
    Db, Result, Tx,
    row::{Ask as _, Columns as _, ROWS_AT_ONCE, fresh, places, text},
};
use crate::model::{
    ids::{MessageId, SightingId},
    ledger::{Outcome, Sighting},
};
use sqlx::{AssertSqlSafe, any::AnyRow};

/// Sightings of one message listed at most.
const SIGHTINGS_OF_MESSAGE_MAX: i64 = 1_000;

/// A message as a folder lists it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct NewSighting {
    /// Configured name of the mailbox.
    pub mailbox: String,
    /// Folder; empty for sources without folders.
    pub folder: String,
    /// UIDVALIDITY, or a stable number made of the path.
    pub uidvalidity: i64,
    /// UID, or a stable number made of the file name.
    pub uid: i64,
    /// Readable place for files; empty for IMAP.
    pub place: String,
    /// Size in bytes as the server says, 0 if it does not.
    pub size_bytes: i64,
}

/// A ledger row whose bytes are kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Kept {
    /// The row.
    pub id: SightingId,
    /// Content address of the bytes.
    pub sha256: String,
    /// The message that they are.
    pub message_id: MessageId,
    /// `stored`, or `duplicate` if the message was there before.
    pub outcome: Outcome,
}

/// A folder in one of its lives: when UIDVALIDITY changes, all UIDs mean something else.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place<'a> {
    /// Configured name of the mailbox.
    pub mailbox: &'a str,
    /// Folder.
    pub folder: &'a str,
    /// UIDVALIDITY.
    pub uidvalidity: i64,
}

fn sighting(row: &AnyRow) -> Result<Sighting> {
    Ok(Sighting {
        id: row.id("id")?,
        mailbox: row.text("mailbox")?,
        folder: row.text("folder")?,
        uidvalidity: row.int("uidvalidity")?,
        uid: row.int("uid")?,
        place: row.text("place")?,
        size_bytes: row.int("size_bytes")?,
        sha256: row.find_id("sha256")?,
        message_id: row.find_id("message_id")?,
        outcome: row.named("outcome", Outcome::parse)?,
        reason: row.text("reason")?,
        fetches_failed: row.int("fetches_failed")?,
        seen_ms: row.int("seen_ms")?,
        stored_ms: row.find_int("stored_ms")?,
        acted_ms: row.find_int("acted_ms")?,
    })
}

impl Db {
    /// The ledger row of one UID.
    pub async fn find_sighting(&mut self, place: Place<'_>, uid: i64) -> Result<Option<Sighting>> {
        sqlx::query(
            "SELECT * FROM sighting WHERE mailbox = $1 AND folder = $2 AND uidvalidity = $3 AND uid = $4",
        )
        .bind(text(place.mailbox))
        .bind(text(place.folder))
        .bind(place.uidvalidity)
        .bind(uid)
        .find(self.connection(), sighting)
        .await
    }

    /// A ledger row by its id.
    pub async fn find_sighting_by_id(&mut self, id: &SightingId) -> Result<Option<Sighting>> {
        sqlx::query("SELECT * FROM sighting WHERE id = $1")
            .bind(id.as_str())
            .find(self.connection(), sighting)
            .await
    }

    /// The ledger of a folder by UID: the next `limit` rows after `after_uid`.
    pub async fn list_sightings(
        &mut self,
        place: Place<'_>,
        after_uid: i64,
        limit: u32,
    ) -> Result<Vec<Sighting>> {
        sqlx::query(
            "SELECT * FROM sighting WHERE mailbox = $1 AND folder = $2 AND uidvalidity = $3 AND uid > $4
             ORDER BY uid LIMIT $5",
        )
        .bind(text(place.mailbox))
        .bind(text(place.folder))
        .bind(place.uidvalidity)
        .bind(after_uid)
        .bind(i64::from(limit))
        .all(self.connection(), sighting)
        .await
    }

    /// Rows whose bytes are not yet kept: what intake fetches next. Those that failed least come first, then oldest mail.
    pub async fn list_unstored(&mut self, place: Place<'_>, limit: u32) -> Result<Vec<Sighting>> {
        sqlx::query(
            "SELECT * FROM sighting WHERE mailbox = $1 AND folder = $2 AND outcome = 'seen' AND uidvalidity = $3
             ORDER BY fetches_failed, id LIMIT $4",
        )
        .bind(text(place.mailbox))
        .bind(text(place.folder))
        .bind(place.uidvalidity)
        .bind(i64::from(limit))
        .all(self.connection(), sighting)
        .await
    }

    /// Rows whose bytes are kept but whose copy on the server is not yet flagged or moved, by UID.
    pub async fn list_unacted(
        &mut self,
        place: Place<'_>,
        after_uid: i64,
        limit: u32,
    ) -> Result<Vec<Sighting>> {
        sqlx::query(
            "SELECT * FROM sighting
             WHERE mailbox = $1 AND folder = $2 AND uidvalidity = $3 AND uid > $4
                 AND acted_ms IS NULL AND sha256 IS NOT NULL
             ORDER BY uid LIMIT $5",
        )
        .bind(text(place.mailbox))
        .bind(text(place.folder))
        .bind(place.uidvalidity)
        .bind(after_uid)
        .bind(i64::from(limit))
        .all(self.connection(), sighting)
        .await
    }

    /// Where a message was seen, oldest first.
    pub async fn list_sightings_of_message(&mut self, id: &MessageId) -> Result<Vec<Sighting>> {
        sqlx::query("SELECT * FROM sighting WHERE message_id = $1 ORDER BY id LIMIT $2")
            .bind(id.as_str())
            .bind(SIGHTINGS_OF_MESSAGE_MAX)
            .all(self.connection(), sighting)
            .await
    }

    /// How many rows of a folder, over all UIDVALIDITYs, have each outcome.
    pub async fn count_outcomes(&mut self, mailbox: &str, folder: &str) -> Result<Vec<(Outcome, i64)>> {
        sqlx::query(
            "SELECT outcome, COUNT(*) AS rows_of_it FROM sighting WHERE mailbox = $1 AND folder = $2
             GROUP BY outcome ORDER BY outcome",
        )
        .bind(text(mailbox))
        .bind(text(folder))
        .all(self.connection(), |row| Ok((row.named("outcome", Outcome::parse)?, row.int("rows_of_it")?)))
        .await
    }

    /// How many rows of the whole ledger have each outcome.
    pub async fn count_all_outcomes(&mut self) -> Result<Vec<(Outcome, i64)>> {
        sqlx::query("SELECT outcome, COUNT(*) AS rows_of_it FROM sighting GROUP BY outcome ORDER BY outcome")
            .all(self.connection(), |row| Ok((row.named("outcome", Outcome::parse)?, row.int("rows_of_it")?)))
            .await
    }
}

impl Tx {
    /// The ledger row of a listed message: made as `seen`, or the one that is there.
    pub async fn insert_seen(&mut self, new: &NewSighting, now_ms: i64) -> Result<Sighting> {
        let id: SightingId = fresh();
        sqlx::query(
            "INSERT INTO sighting (id, mailbox, folder, uidvalidity, uid, place, size_bytes, outcome, reason,
                 fetches_failed, seen_ms)
             VALUES ($1, $2, $3, $4, $5, $6, $7, 'seen', '', 0, $8)
             ON CONFLICT (mailbox, folder, uidvalidity, uid) DO NOTHING",
        )
        .bind(id.as_str())
        .bind(text(&new.mailbox))
        .bind(text(&new.folder))
        .bind(new.uidvalidity)
        .bind(new.uid)
        .bind(text(&new.place))
        .bind(new.size_bytes)
        .bind(now_ms)
        .run(self.connection())
        .await?;
        let place = Place { mailbox: &new.mailbox, folder: &new.folder, uidvalidity: new.uidvalidity };
        let row = self.find_sighting(place, new.uid).await?;
        row.ok_or_else(|| super::StoreError::Content { column: "sighting.uid".to_owned(), source: None })
    }

    /// Ledger rows of listed messages; those that are there already stay as they are. How many are new.
    pub async fn insert_all_seen(&mut self, all: &[NewSighting], now_ms: i64) -> Result<u64> {
        let mut fresh_rows = 0;
        for rows in all.chunks(ROWS_AT_ONCE) {
            // only places are joined; values are bound
            let sql = format!(
                "INSERT INTO sighting (id, mailbox, folder, uidvalidity, uid, place, size_bytes, outcome, reason,
                     fetches_failed, seen_ms)
                 VALUES {} ON CONFLICT (mailbox, folder, uidvalidity, uid) DO NOTHING",
                places(rows.len(), 11)
            );
            let mut query = sqlx::query(AssertSqlSafe(sql));
            for new in rows {
                query = query
                    .bind(fresh::<String>())
                    .bind(text(&new.mailbox))
                    .bind(text(&new.folder))
                    .bind(new.uidvalidity)
                    .bind(new.uid)
                    .bind(text(&new.place))
                    .bind(new.size_bytes)
                    .bind(Outcome::Seen.as_str())
                    .bind("")
                    .bind(0_i64)
                    .bind(now_ms);
            }
            fresh_rows += query.run(self.connection()).await?;
        }
        Ok(fresh_rows)
    }

    /// The bytes of these rows are kept.
    pub async fn mark_all_stored(&mut self, all: &[Kept], now_ms: i64) -> Result<()> {
        for rows in all.chunks(ROWS_AT_ONCE) {
            // only places are joined; values are bound
            let sql = format!(
                "UPDATE sighting SET sha256 = kept.column2, message_id = kept.column3, outcome = kept.column4,
                     reason = kept.column5, stored_ms = kept.column6
                 FROM (VALUES {}) AS kept WHERE sighting.id = kept.column1 AND sighting.sha256 IS NULL",
                places(rows.len(), 6)
            );
            let mut query = sqlx::query(AssertSqlSafe(sql));
            for kept in rows {
                let reason =
                    if kept.outcome == Outcome::Duplicate { "the same bytes came before" } else { "" };
                query = query
                    .bind(kept.id.as_str())
                    .bind(kept.sha256.as_str())
                    .bind(kept.message_id.as_str())
                    .bind(kept.outcome.as_str())
                    .bind(reason)
                    .bind(now_ms);
            }
            query.run(self.connection()).await?;
        }
        Ok(())
    }

    /// The bytes are kept as `message_id`. `outcome` is `stored`, or `duplicate` if the message was there before.
    pub async fn mark_stored(
        &mut self,
        id: &SightingId,
        sha256: &str,
        message_id: &MessageId,
        outcome: Outcome,
        now_ms: i64,
    ) -> Result<()> {
        let kept =
            Kept { id: id.clone(), sha256: sha256.to_owned(), message_id: message_id.clone(), outcome };
        self.mark_all_stored(&[kept], now_ms).await
    }

    /// The message was gone before its bytes could be fetched.
    pub async fn mark_vanished(&mut self, id: &SightingId, reason: &str) -> Result<()> {
        sqlx::query(
            "UPDATE sighting SET outcome = 'vanished', reason = $1 WHERE id = $2 AND outcome = 'seen'",
        )
        .bind(text(reason))
        .bind(id.as_str())
        .run(self.connection())
        .await?;
        Ok(())
    }

    /// Fetching the bytes came to nothing, for this reason; they are still to be fetched.
    pub async fn note_failed_fetch(&mut self, id: &SightingId, reason: &str) -> Result<()> {
        sqlx::query(
            "UPDATE sighting SET fetches_failed = fetches_failed + 1, reason = $1 WHERE id = $2 AND outcome = 'seen'",
        )
        .bind(text(reason))
        .bind(id.as_str())
        .run(self.connection())
        .await?;
        Ok(())
    }

    /// The bytes will not be fetched: too large, or the server refuses for good.
    pub async fn mark_refused(&mut self, id: &SightingId, reason: &str) -> Result<()> {
        sqlx::query(
            "UPDATE sighting SET outcome = 'quarantined', reason = $1 WHERE id = $2 AND outcome = 'seen'",
        )
        .bind(text(reason))
        .bind(id.as_str())
        .run(self.connection())
        .await?;
        Ok(())
    }

    /// A person wants the bytes fetched after all. `false` if that is not what the row waits for.
    pub async fn retry_refused(&mut self, id: &SightingId) -> Result<bool> {
        let done = sqlx::query(
            "UPDATE sighting SET outcome = 'seen', reason = '', fetches_failed = 0
             WHERE id = $1 AND outcome = 'quarantined' AND sha256 IS NULL",
        )
        .bind(id.as_str())
        .run(self.connection())
        .await?;
        Ok(done == 1)
    }

    /// The message of these rows is processed or quarantined (or waits again): duplicates stay duplicates.
    pub async fn save_outcome(
        &mut self,
        message_id: &MessageId,
        outcome: Outcome,
        reason: &str,
    ) -> Result<()> {
        sqlx::query(
            "UPDATE sighting SET outcome = $1, reason = $2 WHERE message_id = $3 AND outcome <> 'duplicate'",
        )
        .bind(outcome.as_str())
        .bind(text(reason))
        .bind(message_id.as_str())
        .run(self.connection())
        .await?;
        Ok(())
    }

    /// The messages of these rows are processed, for these reasons: duplicates stay duplicates.
    pub async fn save_all_processed_outcomes(&mut self, all: &[(MessageId, String)]) -> Result<()> {
        for rows in all.chunks(ROWS_AT_ONCE) {
            // only places are joined; values are bound
            let sql = format!(
                "UPDATE sighting SET outcome = 'processed', reason = new.column2
                 FROM (VALUES {}) AS new WHERE sighting.message_id = new.column1 AND sighting.outcome <> 'duplicate'",
                places(rows.len(), 2)
            );
            let mut query = sqlx::query(AssertSqlSafe(sql));
            for (id, reason) in rows {
                query = query.bind(id.as_str()).bind(text(reason));
            }
            query.run(self.connection()).await?;
        }
        Ok(())
    }

    /// The server's copy was flagged or moved, or needs nothing.
    pub async fn mark_acted(&mut self, id: &SightingId, now_ms: i64) -> Result<()> {
        sqlx::query("UPDATE sighting SET acted_ms = $1 WHERE id = $2")
            .bind(now_ms)
            .bind(id.as_str())
            .run(self.connection())
            .await?;
        Ok(())
    }
}
