//! What drafts cost the people who worked on them.

use super::{
    Db, Result, Tx,
    row::{Ask as _, Columns as _},
};
use crate::model::ids::DraftId;

/// What a draft cost, in one visit or in all.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Effort {
    /// Milliseconds that its page was in front and in use.
    pub focus_ms: i64,
    /// Keys pressed.
    pub keystrokes: i64,
    /// Values corrected.
    pub edits: i64,
}

impl Db {
    /// The efforts for drafts decided since a time, newest draft first, at most `limit`.
    pub async fn list_efforts(&mut self, since_ms: i64, limit: u32) -> Result<Vec<Effort>> {
        sqlx::query(
            "SELECT e.focus_ms, e.keystrokes, e.edits FROM effort e JOIN draft d ON d.id = e.draft_id
             WHERE d.decided_ms >= $1 AND d.state IN ('approved', 'rejected') ORDER BY d.id DESC LIMIT $2",
        )
        .bind(since_ms)
        .bind(i64::from(limit))
        .all(self.connection(), |row| {
            Ok(Effort {
                focus_ms: row.int("focus_ms")?,
                keystrokes: row.int("keystrokes")?,
                edits: row.int("edits")?,
            })
        })
        .await
    }
}

impl Tx {
    /// Adds what one visit cost to what a draft cost before.
    pub async fn add_effort(&mut self, draft_id: &DraftId, visit: Effort, now_ms: i64) -> Result<()> {
        sqlx::query(
            "INSERT INTO effort (draft_id, focus_ms, keystrokes, edits, updated_ms) VALUES ($1, $2, $3, $4, $5)
             ON CONFLICT (draft_id) DO UPDATE SET focus_ms = effort.focus_ms + excluded.focus_ms,
                 keystrokes = effort.keystrokes + excluded.keystrokes, edits = effort.edits + excluded.edits,
                 updated_ms = excluded.updated_ms",
        )
        .bind(draft_id.as_str())
        .bind(visit.focus_ms)
        .bind(visit.keystrokes)
        .bind(visit.edits)
        .bind(now_ms)
        .run(self.connection())
        .await?;
        Ok(())
    }
}
