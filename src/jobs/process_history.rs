//! Leases stored history, many messages together, and puts them through the pipeline in one transaction.
//!
//! While one batch is written, the next is understood on the other threads.
//!
//! What cannot go with the others goes alone, as a job of [`super::PROCESS_MESSAGE`]: messages with files or drafts, those
//! that refer to a message which still waits, all of a batch that failed, and every message at its second try, because
//! the program may have died of one of them. So one bad message costs itself.
//!
//! Limits: [`BATCH_MESSAGES`], [`BATCHES_MAX`], and `limits.message_seconds` of wall time for each half of a batch.

use super::{Done, PROCESS_HISTORY, PROCESS_MESSAGE};
use crate::{
    app::App,
    clock,
    model::ids::JobId,
    pipeline::history::{self, Batch},
    store::job::Job,
};
use anyhow::Context as _;
use std::{future::Future, sync::Arc, time::Duration};
use tokio::task::JoinHandle;

/// Messages of one transaction.
const BATCH_MESSAGES: u32 = 200;

/// Batches of one run.
const BATCHES_MAX: usize = 10;

/// Messages that are being understood.
struct Ahead {
    /// At their first try.
    first: Vec<Job>,
    /// The others.
    alone: Vec<Job>,
    batch: JoinHandle<anyhow::Result<Batch>>,
}

/// Processes some batches of history, if any is due.
pub async fn run_due(app: &Arc<App>) -> anyhow::Result<Done> {
    let mut done = Done::default();
    let mut ahead = begin(app).await?;
    for count in 1..=BATCHES_MAX {
        let Some(batch) = ahead.take() else { break };
        // Leased one after the other, so that they are written in the order in which they came.
        let next = if count < BATCHES_MAX { begin(app).await } else { Ok(None) };
        finish(app, batch, &mut done).await?;
        ahead = next?;
    }
    Ok(done)
}

/// Leases a batch, if one is due, and begins to understand it.
async fn begin(app: &Arc<App>) -> anyhow::Result<Option<Ahead>> {
    let limit = app.settings().await?.config.limits.message_seconds;
    // One half of the time for this batch, and one for the batch before it.
    let lease_ms = (limit as i64 * 4 + 60) * 1000;
    let jobs = app
        .store
        .lease_jobs(PROCESS_HISTORY, &app.node.name, clock::now_ms(), lease_ms, BATCH_MESSAGES)
        .await
        .context("failed to lease jobs of history")?;
    if jobs.is_empty() {
        return Ok(None);
    }
    let (first, alone): (Vec<Job>, Vec<Job>) = jobs.into_iter().partition(|job| job.attempts <= 1);
    let (taken, jobs) = (Arc::clone(app), first.clone());
    let batch = tokio::spawn(in_time(limit, async move { history::understand_batch(&taken, jobs).await }));
    Ok(Some(Ahead { first, alone, batch }))
}

/// Writes a batch once it is understood; what cannot go with the others gets a job of its own.
async fn finish(app: &Arc<App>, ahead: Ahead, done: &mut Done) -> anyhow::Result<()> {
    let Ahead { first, mut alone, batch } = ahead;
    let together = first.len();
    done.leased += together + alone.len();
    // A panic is caught at the boundary of a task.
    let written = match batch.await.context("a defect in the program").flatten() {
        Ok(batch) => {
            let (taken, limit) = (Arc::clone(app), app.settings().await?.config.limits.message_seconds);
            let task = tokio::spawn(in_time(limit, async move { history::write_batch(&taken, batch).await }));
            task.await.context("a defect in the program").flatten()
        }
        Err(error) => Err(error),
    };
    let left = written.unwrap_or_else(|error| {
        tracing::warn!(error = format!("{error:#}"), "a batch of history failed; its messages go one by one");
        first
    });
    done.processed += together - left.len();
    alone.extend(left);
    hand_over(app, &alone).await
}

/// One half of a batch within its wall time.
async fn in_time<T>(limit_seconds: u64, work: impl Future<Output = anyhow::Result<T>>) -> anyhow::Result<T> {
    tokio::time::timeout(Duration::from_secs(limit_seconds), work).await.context("it took too long")?
}

/// Makes jobs of their own for messages that go alone.
async fn hand_over(app: &App, jobs: &[Job]) -> anyhow::Result<()> {
    if jobs.is_empty() {
        return Ok(());
    }
    let now_ms = clock::now_ms();
    let subjects: Vec<&str> = jobs.iter().map(|job| job.subject_id.as_str()).collect();
    let ids: Vec<&JobId> = jobs.iter().map(|job| &job.id).collect();
    let mut tx = app.store.begin().await?;
    tx.enqueue_all(PROCESS_MESSAGE, &subjects, now_ms, now_ms).await?;
    if !tx.finish_jobs(&ids, &app.node.name).await? {
        // Another worker has them by now, and does the same.
        return tx.rollback().await.context("failed to leave history to another worker");
    }
    tx.commit().await.context("failed to queue history one by one")?;
    app.announce_work();
    Ok(())
}
