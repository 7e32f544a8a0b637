//! Leases stored history, many messages together, and puts it through the pipeline in one transaction.
//!
//! What cannot go with the others goes alone, as a job of [`super::PROCESS_MESSAGE`]: messages with files or drafts, those
//! that refer to a message which still waits, all of a batch that failed, and every message at its second try, because
//! the program may have died of one of them. So one bad message costs itself.
//!
//! Limits: [`BATCH_MESSAGES`], and `limits.message_seconds` of wall time for all of a batch.

use super::{Done, PROCESS_HISTORY, PROCESS_MESSAGE};
use crate::{app::App, clock, model::ids::JobId, pipeline::history, store::job::Job};
use anyhow::Context as _;
use std::{sync::Arc, time::Duration};

/// Messages of one transaction.
const BATCH_MESSAGES: u32 = 200;

/// Processes one batch of history, if any is due.
pub async fn run_due(app: &Arc<App>) -> anyhow::Result<Done> {
    let now_ms = clock::now_ms();
    let lease_ms = (app.config.limits.message_seconds as i64 + 60) * 1000;
    let jobs = app
        .store
        .lease_jobs(PROCESS_HISTORY, &app.node.name, now_ms, lease_ms, BATCH_MESSAGES)
        .await
        .context("failed to lease jobs of history")?;
    let leased = jobs.len();
    if leased == 0 {
        return Ok(Done::default());
    }
    let (first, mut alone): (Vec<Job>, Vec<Job>) = jobs.into_iter().partition(|job| job.attempts <= 1);
    let together = first.len();
    let left = match attempt(app, &first).await {
        Ok(left) => left,
        Err(error) => {
            tracing::warn!(
                error = format!("{error:#}"),
                "a batch of history failed; its messages go one by one"
            );
            first
        }
    };
    let processed = together - left.len();
    alone.extend(left);
    hand_over(app, &alone).await?;
    Ok(Done { leased, processed })
}

/// One try within its wall time; a panic is caught at this boundary. Gives back what goes alone.
async fn attempt(app: &Arc<App>, jobs: &[Job]) -> anyhow::Result<Vec<Job>> {
    let limit = Duration::from_secs(app.config.limits.message_seconds);
    let task = {
        let (app, jobs) = (Arc::clone(app), jobs.to_vec());
        tokio::spawn(async move { tokio::time::timeout(limit, history::process(&app, &jobs)).await })
    };
    task.await.context("a defect in the program")?.context("it took too long")?
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
