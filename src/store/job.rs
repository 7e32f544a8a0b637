//! The work queue: leased in a short transaction, finished in the transaction that commits the results.
//!
//! A lease that runs out is given to another worker; who finishes late finds out, and must undo his transaction.

use super::{
    Db, Result, Store, Tx,
    row::{Ask as _, Columns as _, ROWS_AT_ONCE, key, places, text},
    webhook::Event,
};
use crate::model::ids::JobId;
use sqlx::{AssertSqlSafe, any::AnyRow};

/// How often a lease is tried again when other workers were faster.
const LEASE_ROUNDS_MAX: u32 = 20;

/// One unit of work.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Job {
    /// Row id.
    pub id: JobId,
    /// What to do: `process_message`…
    pub kind: String,
    /// With what: a row id.
    pub subject_id: String,
    /// Attempts, this one included.
    pub attempts: i64,
    /// Due since, milliseconds UTC.
    pub due_ms: i64,
    /// Ours until, milliseconds UTC.
    pub leased_until_ms: i64,
    /// Why the last attempt failed; empty before.
    pub last_error: String,
    /// Milliseconds UTC.
    pub created_ms: i64,
}

fn job(row: &AnyRow) -> Result<Job> {
    Ok(Job {
        id: row.id("id")?,
        kind: row.text("kind")?,
        subject_id: row.text("subject_id")?,
        attempts: row.int("attempts")?,
        due_ms: row.int("due_ms")?,
        leased_until_ms: row.int("leased_until_ms")?,
        last_error: row.text("last_error")?,
        created_ms: row.int("created_ms")?,
    })
}

impl Db {
    /// How many jobs of each kind there are, due or not.
    pub async fn count_jobs(&mut self) -> Result<Vec<(String, i64)>> {
        sqlx::query("SELECT kind, COUNT(*) AS rows_of_it FROM job GROUP BY kind ORDER BY kind")
            .all(self.connection(), |row| Ok((row.text("kind")?, row.int("rows_of_it")?)))
            .await
    }

    /// When the next job of a kind is free: due, or its lease run out. In the past if one is waiting.
    pub async fn find_next_due(&mut self, kind: &str) -> Result<Option<i64>> {
        let row = sqlx::query(
            "SELECT MIN(CASE WHEN due_ms > leased_until_ms THEN due_ms ELSE leased_until_ms END) AS free_ms
             FROM job WHERE kind = $1",
        )
        .bind(text(kind))
        .fetch_one(self.connection())
        .await?;
        row.find_int("free_ms")
    }

    /// The job of a kind for a subject.
    pub async fn find_job(&mut self, kind: &str, subject_id: &str) -> Result<Option<Job>> {
        sqlx::query("SELECT * FROM job WHERE kind = $1 AND subject_id = $2")
            .bind(text(kind))
            .bind(key(subject_id))
            .find(self.connection(), job)
            .await
    }

    /// Jobs that failed at least once, oldest first.
    pub async fn list_failing_jobs(&mut self, limit: u32) -> Result<Vec<Job>> {
        sqlx::query("SELECT * FROM job WHERE last_error <> '' ORDER BY id LIMIT $1")
            .bind(i64::from(limit))
            .all(self.connection(), job)
            .await
    }
}

impl Tx {
    /// Removes jobs that nobody works at, of deliveries of an event that wait and whose text is like `pattern`.
    pub(super) async fn delete_idle_jobs_of_deliveries(&mut self, event: Event, pattern: &str) -> Result<()> {
        sqlx::query(
            "DELETE FROM job WHERE leased_by = '' AND subject_id IN
                 (SELECT id FROM webhook_delivery WHERE event = $1 AND state = 'waiting' AND body LIKE $2)",
        )
        .bind(event.as_str())
        .bind(pattern)
        .run(self.connection())
        .await?;
        Ok(())
    }

    /// Queues work, due at `due_ms`. `false` if the same work is queued already.
    pub async fn enqueue(&mut self, kind: &str, subject_id: &str, due_ms: i64, now_ms: i64) -> Result<bool> {
        Ok(self.enqueue_all(kind, &[subject_id], due_ms, now_ms).await? == 1)
    }

    /// Queues the same work for many subjects. How many are new.
    pub async fn enqueue_all(
        &mut self,
        kind: &str,
        subject_ids: &[&str],
        due_ms: i64,
        now_ms: i64,
    ) -> Result<u64> {
        let mut queued = 0;
        for rows in subject_ids.chunks(ROWS_AT_ONCE) {
            // only places are joined; values are bound
            let sql = format!(
                "INSERT INTO job (id, kind, subject_id, attempts, due_ms, leased_until_ms, leased_by, last_error,
                     created_ms)
                 VALUES {} ON CONFLICT (kind, subject_id) DO NOTHING",
                places(rows.len(), 9)
            );
            let mut query = sqlx::query(AssertSqlSafe(sql));
            for subject_id in rows {
                query = query
                    .bind(super::row::fresh::<String>())
                    .bind(text(kind))
                    .bind(key(subject_id))
                    .bind(0_i64)
                    .bind(due_ms)
                    .bind(0_i64)
                    .bind("")
                    .bind("")
                    .bind(now_ms);
            }
            queued += query.run(self.connection()).await?;
        }
        Ok(queued)
    }

    /// Ends many jobs, in the transaction of their results. `false` if a lease was lost to another worker: then this
    /// transaction must be undone.
    pub async fn finish_jobs(&mut self, ids: &[&JobId], worker: &str) -> Result<bool> {
        let mut done = 0;
        for rows in ids.chunks(ROWS_AT_ONCE) {
            // only places are joined; values are bound
            let sql = format!(
                "DELETE FROM job WHERE id IN {} AND leased_by = ${}",
                places(1, rows.len()),
                rows.len() + 1
            );
            let mut query = sqlx::query(AssertSqlSafe(sql));
            for id in rows {
                query = query.bind(id.as_str());
            }
            done += query.bind(text(worker)).run(self.connection()).await?;
        }
        Ok(done == ids.len() as u64)
    }

    /// Ends a job, in the transaction of its results. `false` if the lease was lost to another worker: then the
    /// results are his, and this transaction must be undone.
    pub async fn finish_job(&mut self, id: &JobId, worker: &str) -> Result<bool> {
        let done = sqlx::query("DELETE FROM job WHERE id = $1 AND leased_by = $2")
            .bind(id.as_str())
            .bind(text(worker))
            .run(self.connection())
            .await?;
        Ok(done == 1)
    }

    /// Gives a job back after a failure, to be tried again at `due_ms`. `false` if the lease was lost.
    pub async fn retry_job(&mut self, id: &JobId, worker: &str, error: &str, due_ms: i64) -> Result<bool> {
        let done = sqlx::query(
            "UPDATE job SET leased_until_ms = 0, leased_by = '', last_error = $1, due_ms = $2
             WHERE id = $3 AND leased_by = $4",
        )
        .bind(text(error))
        .bind(due_ms)
        .bind(id.as_str())
        .bind(text(worker))
        .run(self.connection())
        .await?;
        Ok(done == 1)
    }
}

impl Store {
    /// Takes up to `limit` due jobs of a kind, oldest first, until `now_ms + lease_ms`. `worker` names this node: the
    /// same after a restart, different from every other.
    pub async fn lease_jobs(
        &self,
        kind: &str,
        worker: &str,
        now_ms: i64,
        lease_ms: i64,
        limit: u32,
    ) -> Result<Vec<Job>> {
        for _ in 0..LEASE_ROUNDS_MAX {
            let mut tx = self.begin().await?;
            // The outer conditions are checked again once another worker has let go of a row: he may have taken it.
            let mut jobs: Vec<Job> = sqlx::query(
                "UPDATE job SET leased_until_ms = $1, leased_by = $2, attempts = attempts + 1
                 WHERE id IN (SELECT id FROM job WHERE kind = $3 AND due_ms <= $4 AND leased_until_ms <= $4
                              ORDER BY due_ms, id LIMIT $5)
                     AND due_ms <= $4 AND leased_until_ms <= $4
                 RETURNING *",
            )
            .bind(now_ms.saturating_add(lease_ms))
            .bind(text(worker))
            .bind(text(kind))
            .bind(now_ms)
            .bind(i64::from(limit))
            .fetch_all(tx.connection())
            .await?
            .iter()
            .map(job)
            .collect::<Result<_>>()?;
            tx.commit().await?;
            jobs.sort_by(|a, b| (a.due_ms, &a.id).cmp(&(b.due_ms, &b.id)));
            if !jobs.is_empty() || !self.read().await?.is_job_waiting(kind, now_ms).await? {
                return Ok(jobs);
            }
        }
        Ok(Vec::new())
    }

    /// Frees what this `worker` held when it died. Call it before the first [`Store::lease_jobs`]. The attempt counts.
    pub async fn free_jobs(&self, worker: &str) -> Result<u64> {
        let mut tx = self.begin().await?;
        let done = sqlx::query("UPDATE job SET leased_until_ms = 0, leased_by = '' WHERE leased_by = $1")
            .bind(text(worker))
            .execute(tx.connection())
            .await?;
        tx.commit().await?;
        Ok(done.rows_affected())
    }

    /// Keeps a job for longer. `false` if the lease was lost.
    pub async fn extend_lease(&self, id: &JobId, worker: &str, until_ms: i64) -> Result<bool> {
        let mut tx = self.begin().await?;
        let done = sqlx::query("UPDATE job SET leased_until_ms = $1 WHERE id = $2 AND leased_by = $3")
            .bind(until_ms)
            .bind(id.as_str())
            .bind(text(worker))
            .execute(tx.connection())
            .await?;
        tx.commit().await?;
        Ok(done.rows_affected() == 1)
    }
}

impl Db {
    async fn is_job_waiting(&mut self, kind: &str, now_ms: i64) -> Result<bool> {
        let row = sqlx::query(
            "SELECT id FROM job WHERE kind = $1 AND due_ms <= $2 AND leased_until_ms <= $2 LIMIT 1",
        )
        .bind(text(kind))
        .bind(now_ms)
        .fetch_optional(self.connection())
        .await?;
        Ok(row.is_some())
    }
}
