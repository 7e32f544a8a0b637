//! Merges of tickets: what each of them moved, and the way back.
//!
//! A merge that is taken back moves what it had moved, as far as it is still there, with what came of it since: records
//! of its drafts and answers to its messages. What else came since stays.

use super::{
    Db, Result, Tx,
    row::{Ask as _, Columns as _, json, key},
};
use crate::model::{ids::TicketId, ticket::TicketState};
use serde::{Deserialize, Serialize};
use sqlx::AssertSqlSafe;

/// What moves with a ticket: the table, and the column that names the ticket.
const MOVING: &[(&str, &str)] = &[
    ("message", "ticket_id"),
    ("message", "possible_ticket_id"),
    ("draft", "ticket_id"),
    ("record", "ticket_id"),
    ("outbox", "ticket_id"),
    ("note", "ticket_id"),
    ("ticket", "merged_into"),
];
/// Merges into one ticket listed at most.
const MERGES_MAX: i64 = 100;

/// What a merge did.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Moved {
    /// How the ticket stood before.
    pub state: Option<TicketState>,
    /// For each place that names a ticket, as `table.column`: the ids of the rows that moved.
    pub rows: Vec<(String, Vec<String>)>,
    /// Who takes part in the other ticket since then.
    pub participants: Vec<String>,
    /// Tags that the other ticket has since then.
    pub tags: Vec<String>,
}

impl Moved {
    /// The ids of the messages that moved.
    pub fn messages(&self) -> impl Iterator<Item = &str> {
        let of = self.rows.iter().filter(|(place, _)| place == "message.ticket_id");
        of.flat_map(|(_, ids)| ids.iter().map(String::as_str))
    }
}

impl Db {
    /// The tickets that were merged into one and can be parted from it, the first merged first.
    pub async fn list_merged(&mut self, kept: &TicketId) -> Result<Vec<TicketId>> {
        sqlx::query(
            "SELECT merged_id FROM ticket_merge WHERE kept_id = $1 ORDER BY merged_ms, merged_id LIMIT $2",
        )
        .bind(kept.as_str())
        .bind(MERGES_MAX)
        .all(self.connection(), |row| row.id("merged_id"))
        .await
    }

    /// What the merge of a ticket into another one moved.
    pub async fn find_ticket_merge(&mut self, merged: &TicketId, kept: &TicketId) -> Result<Option<Moved>> {
        sqlx::query("SELECT moved FROM ticket_merge WHERE merged_id = $1 AND kept_id = $2")
            .bind(merged.as_str())
            .bind(kept.as_str())
            .find(self.connection(), |row| row.json("moved"))
            .await
    }
}

impl Tx {
    /// Notes what a merge is about to move, before it does.
    pub async fn insert_ticket_merge(
        &mut self,
        merged: &TicketId,
        state: TicketState,
        kept: &TicketId,
        who: &str,
        now_ms: i64,
    ) -> Result<()> {
        let mut moved = Moved { state: Some(state), ..Moved::default() };
        for (table, column) in MOVING {
            let ids =
                sqlx::query(AssertSqlSafe(format!("SELECT id FROM {table} WHERE {column} = $1 ORDER BY id")))
                    .bind(merged.as_str())
                    .all(self.connection(), |row| row.text("id"))
                    .await?;
            moved.rows.push((format!("{table}.{column}"), ids));
        }
        let there = self.list_participants(kept).await?;
        moved.participants = self.list_participants(merged).await?;
        moved.participants.retain(|email| !there.contains(email));
        let there = self.list_tags(kept).await?;
        moved.tags = self.list_tags(merged).await?;
        moved.tags.retain(|tag| !there.contains(tag));
        sqlx::query(
            "INSERT INTO ticket_merge (merged_id, kept_id, moved, merged_by, merged_ms) VALUES ($1, $2, $3, $4, $5)
             ON CONFLICT (merged_id) DO UPDATE SET kept_id = excluded.kept_id, moved = excluded.moved,
                 merged_by = excluded.merged_by, merged_ms = excluded.merged_ms",
        )
        .bind(merged.as_str())
        .bind(kept.as_str())
        .bind(json(&moved)?)
        .bind(key(who))
        .bind(now_ms)
        .run(self.connection())
        .await?;
        Ok(())
    }

    /// Moves back what a merge moved and is still there, with what came of it since, and forgets the merge.
    pub async fn undo_ticket_merge(
        &mut self,
        merged: &TicketId,
        kept: &TicketId,
        moved: &Moved,
    ) -> Result<()> {
        for (table, column) in MOVING {
            let place = format!("{table}.{column}");
            let ids = moved.rows.iter().filter(|(name, _)| *name == place).flat_map(|(_, ids)| ids);
            for id in ids {
                // only names from the list above are joined; see the header of `store`
                self.send_back(
                    format!("UPDATE {table} SET {column} = $1 WHERE id = $2 AND {column} = $3"),
                    merged,
                    id,
                    kept,
                )
                .await?;
                let follows = match *table {
                    "draft" => "UPDATE record SET ticket_id = $1 WHERE draft_id = $2 AND ticket_id = $3",
                    "message" if *column == "ticket_id" => {
                        "UPDATE outbox SET ticket_id = $1 WHERE message_id = $2 AND ticket_id = $3"
                    }
                    _ => continue,
                };
                self.send_back(follows.to_owned(), merged, id, kept).await?;
            }
        }
        for email in &moved.participants {
            self.remove_idle_participant(kept, email).await?;
        }
        for tag in &moved.tags {
            self.remove_tag(kept, tag).await?;
        }
        for sql in [
            "UPDATE ticket SET merged_into = NULL WHERE id = $1",
            "DELETE FROM ticket_merge WHERE merged_id = $1",
        ] {
            sqlx::query(sql).bind(merged.as_str()).run(self.connection()).await?;
        }
        Ok(())
    }

    async fn send_back(&mut self, sql: String, merged: &TicketId, id: &str, kept: &TicketId) -> Result<()> {
        sqlx::query(AssertSqlSafe(sql))
            .bind(merged.as_str())
            .bind(key(id))
            .bind(kept.as_str())
            .run(self.connection())
            .await?;
        Ok(())
    }
}
