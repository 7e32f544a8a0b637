//! Figures by day for the start page. Days are of UTC: milliseconds by [`DAY_MS`].

use super::{
    Db, Result,
    row::{Ask as _, Columns as _},
};
use crate::{clock::DAY_MS, model::ticket::Queue};

/// Tickets whose first answer is looked at.
const ANSWERED_MAX: i64 = 50_000;

/// How many of something on a day, in a queue.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DayCount {
    /// Days since 1970.
    pub day: i64,
    /// Where it waits or waited.
    pub queue: Queue,
    /// How many.
    pub count: i64,
}

/// How the drafts of a day were decided.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct DecidedDay {
    /// Days since 1970.
    pub day: i64,
    /// All.
    pub decided: i64,
    /// Approved without a person.
    pub passed: i64,
    /// Approved by a person who changed nothing.
    pub unchanged: i64,
}

/// Drafts that wait for a decision.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct WaitingDrafts {
    /// All.
    pub all: i64,
    /// Those that are due.
    pub due: i64,
    /// Those with a value that is hardly sure.
    pub doubtful: i64,
}

impl Db {
    /// How many drafts wait: all, those due on a day (ISO 8601) or earlier, those whose least sure value is below that.
    pub async fn count_waiting_drafts(&mut self, due_on: &str, below: f32) -> Result<WaitingDrafts> {
        sqlx::query(
            "SELECT COUNT(*) AS waiting, COUNT(CASE WHEN due_on <= $1 THEN 1 END) AS due,
                 COUNT(CASE WHEN least_confidence < $2 THEN 1 END) AS doubtful
             FROM draft WHERE state = 'proposed'",
        )
        .bind(due_on)
        .bind(f64::from(below))
        .find(self.connection(), |row| {
            Ok(WaitingDrafts {
                all: row.int("waiting")?,
                due: row.int("due")?,
                doubtful: row.int("doubtful")?,
            })
        })
        .await
        .map(Option::unwrap_or_default)
    }

    /// How many messages may be follow-ups of strangers, for a person to decide.
    pub async fn count_undecided_follow_ups(&mut self) -> Result<i64> {
        let (count,) = sqlx::query_as("SELECT COUNT(*) FROM message WHERE possible_ticket_id IS NOT NULL")
            .fetch_one(self.connection())
            .await?;
        Ok(count)
    }

    /// Messages of customers taken in since a time, by day and queue; history aside.
    pub async fn count_received(&mut self, since_ms: i64) -> Result<Vec<DayCount>> {
        sqlx::query(
            "SELECT stored_ms / $1 AS day, queue, COUNT(*) AS rows_of_it FROM message
             WHERE stored_ms >= $2 AND direction = 'in' AND historic = 0 AND queue <> ''
             GROUP BY 1, queue ORDER BY 1, queue",
        )
        .bind(DAY_MS)
        .bind(since_ms)
        .all(self.connection(), |row| {
            Ok(DayCount {
                day: row.int("day")?,
                queue: row.named("queue", Queue::parse)?,
                count: row.int("rows_of_it")?,
            })
        })
        .await
    }

    /// When tickets since a time were made, in which queue they stand, and when a person first wrote to the customer.
    pub async fn list_first_answers(&mut self, since_ms: i64) -> Result<Vec<(i64, Queue, i64)>> {
        sqlx::query(
            "SELECT ticket.created_ms, ticket.queue, MIN(outbox.created_ms) AS first_ms
             FROM outbox JOIN ticket ON ticket.id = outbox.ticket_id
             WHERE outbox.created_ms >= $1 AND ticket.created_ms >= $1 AND outbox.template <> 'acknowledgement'
             GROUP BY ticket.id, ticket.created_ms, ticket.queue ORDER BY ticket.created_ms LIMIT $2",
        )
        .bind(since_ms)
        .bind(ANSWERED_MAX)
        .all(self.connection(), |row| {
            Ok((row.int("created_ms")?, row.named("queue", Queue::parse)?, row.int("first_ms")?))
        })
        .await
    }

    /// How drafts were decided since a time, by day. `program` is who approves without a person.
    pub async fn count_decided(&mut self, program: &str, since_ms: i64) -> Result<Vec<DecidedDay>> {
        sqlx::query(
            "SELECT decided_ms / $1 AS day, COUNT(*) AS decided,
                 COUNT(CASE WHEN decided_by = $2 THEN 1 END) AS passed,
                 COUNT(CASE WHEN state = 'approved' AND decided_by <> $2 AND NOT EXISTS
                     (SELECT 1 FROM audit WHERE audit.subject_kind = 'draft' AND audit.subject_id = draft.id
                          AND audit.action = 'save_draft' AND audit.detail <> '') THEN 1 END) AS unchanged
             FROM draft WHERE decided_ms >= $3 AND state IN ('approved', 'rejected') GROUP BY 1 ORDER BY 1",
        )
        .bind(DAY_MS)
        .bind(program)
        .bind(since_ms)
        .all(self.connection(), |row| {
            Ok(DecidedDay {
                day: row.int("day")?,
                decided: row.int("decided")?,
                passed: row.int("passed")?,
                unchanged: row.int("unchanged")?,
            })
        })
        .await
    }
}
