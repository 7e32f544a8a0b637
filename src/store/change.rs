//! When each thing changed last, numbered in commit order: what search indexes follow.
//!
//! A follower asks for what changed since the number that it has seen. There is one row for each thing, with its
//! latest number: following from 0 visits everything once, which is how an index is rebuilt.

use super::{
    Db, Result, Tx,
    row::{Ask as _, Columns as _, ROWS_AT_ONCE, places},
};
use crate::model::{draft::named, ids::TicketId};
use sqlx::AssertSqlSafe;

named! {
    /// What changed.
    ChangeKind {
        /// A message and its documents.
        Message = "message",
        /// A ticket.
        Ticket = "ticket",
        /// A draft.
        Draft = "draft",
    }
}

/// One thing and the number of its latest change.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    /// Number in commit order.
    pub seq: i64,
    /// What changed.
    pub kind: ChangeKind,
    /// Its row id.
    pub subject_id: String,
}

/// A change that is numbered at the commit.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Pending {
    kind: ChangeKind,
    subject_id: String,
}

impl Db {
    /// What changed after number `since`, in order.
    pub async fn list_changes(&mut self, since: i64, limit: u32) -> Result<Vec<Change>> {
        sqlx::query("SELECT seq, kind, subject_id FROM change WHERE seq > $1 ORDER BY seq LIMIT $2")
            .bind(since)
            .bind(i64::from(limit))
            .all(self.connection(), |row| {
                Ok(Change {
                    seq: row.int("seq")?,
                    kind: row.named("kind", ChangeKind::parse)?,
                    subject_id: row.text("subject_id")?,
                })
            })
            .await
    }

    /// The latest number.
    pub async fn find_last_change(&mut self) -> Result<i64> {
        self.find_counter("change").await
    }

    /// Whether a ticket, that one if it is named, has changed after number `since`.
    pub async fn has_ticket_changed(&mut self, ticket: Option<&TicketId>, since: i64) -> Result<bool> {
        let row = sqlx::query(
            "SELECT 1 FROM change WHERE kind = 'ticket' AND seq > $1 AND ($2 = '' OR subject_id = $2) LIMIT 1",
        )
        .bind(since)
        .bind(ticket.map_or("", TicketId::as_str))
        .fetch_optional(self.connection())
        .await?;
        Ok(row.is_some())
    }

    /// How many things have changed after number `since`: what an index has still to do.
    pub async fn count_changes(&mut self, since: i64) -> Result<i64> {
        let (count,) = sqlx::query_as("SELECT COUNT(*) FROM change WHERE seq > $1")
            .bind(since)
            .fetch_one(self.connection())
            .await?;
        Ok(count)
    }
}

impl Tx {
    /// Notes that something changes with this transaction.
    pub fn note_change(&mut self, kind: ChangeKind, subject_id: &str) {
        let pending = Pending { kind, subject_id: subject_id.to_owned() };
        if self.noted.insert(pending.clone()) {
            self.changes.push(pending);
        }
    }

    pub(super) async fn write_changes(&mut self) -> Result<()> {
        let changes = std::mem::take(&mut self.changes);
        if changes.is_empty() {
            return Ok(());
        }
        let count = i64::try_from(changes.len()).unwrap_or(i64::MAX);
        let last = self.raise_counter("change", count).await?;
        let numbered: Vec<(i64, Pending)> = (last - count + 1..).zip(changes).collect();
        for rows in numbered.chunks(ROWS_AT_ONCE) {
            // only places are joined; values are bound
            let sql = format!(
                "INSERT INTO change (kind, subject_id, seq) VALUES {}
                 ON CONFLICT (kind, subject_id) DO UPDATE SET seq = excluded.seq",
                places(rows.len(), 3)
            );
            let mut query = sqlx::query(AssertSqlSafe(sql));
            for (seq, change) in rows {
                query = query.bind(change.kind.as_str()).bind(change.subject_id.as_str()).bind(*seq);
            }
            query.run(self.connection()).await?;
        }
        Ok(())
    }
}
