//! Leases one stored message, puts it through the pipeline; what fails too often goes to quarantine.
//!
//! Limits: `limits.message_seconds` of wall time, `limits.attempts` tries; waiting doubles after each.

use crate::{app::App, clock, model::ids::MessageId, pipeline, store::job::Job};
use anyhow::Context as _;
use std::{sync::Arc, time::Duration};

/// Wait before the second try, doubled for each further one.
const RETRY_FIRST_MS: i64 = 5_000;

/// Why a try came to nothing.
struct Failure {
    /// Stable name for the quarantine.
    cause: &'static str,
    /// What happened, for a person.
    detail: String,
}

/// Processes one message, if one is due. Returns how many were leased.
pub async fn run_due(app: &Arc<App>) -> anyhow::Result<usize> {
    let now_ms = clock::now_ms();
    let lease_ms = (app.settings().await?.config.limits.message_seconds as i64 + 60) * 1000;
    let jobs = app
        .store
        .lease_jobs(super::PROCESS_MESSAGE, &app.node.name, now_ms, lease_ms, 1)
        .await
        .context("failed to lease a job")?;
    let count = jobs.len();
    for job in jobs {
        run(app, &job).await?;
    }
    Ok(count)
}

async fn run(app: &Arc<App>, job: &Job) -> anyhow::Result<()> {
    let id = MessageId::new(&*job.subject_id);
    let limits = app.settings().await?.config.limits.clone();
    let attempts = limits.attempts;
    let outcome = if job.attempts > attempts {
        // Leased that often without an end: the process died each time, perhaps of this message.
        Err(Failure {
            cause: "process_died",
            detail: "the program ended while it processed this message".to_owned(),
        })
    } else {
        attempt(app, job, Duration::from_secs(limits.message_seconds)).await
    };
    match outcome {
        Ok(()) => {
            // a draft that this fails for waits for a person
            if let Err(error) = pipeline::straight_through::pass(app, &id).await {
                tracing::warn!(message.id = %id, "no draft was approved without a person: {error:#}");
            }
            Ok(())
        }
        Err(failure) if job.attempts < attempts => {
            tracing::warn!(message.id = %id, attempt = job.attempts, cause = failure.cause, detail = failure.detail, "processing failed; it will be tried again");
            let wait_ms = RETRY_FIRST_MS << job.attempts.clamp(0, 10);
            let mut tx = app.store.begin().await?;
            tx.retry_job(&job.id, &app.node.name, &failure.detail, clock::now_ms() + wait_ms).await?;
            tx.commit().await.context("failed to put a job back")
        }
        Err(failure) => {
            tracing::error!(message.id = %id, cause = failure.cause, detail = failure.detail, "message goes to quarantine");
            pipeline::quarantine_message(app, job, &id, failure.cause, &failure.detail).await
        }
    }
}

/// One try within its wall time; a panic is caught at this boundary.
async fn attempt(app: &Arc<App>, job: &Job, limit: Duration) -> Result<(), Failure> {
    let task = {
        let app = Arc::clone(app);
        let job = job.clone();
        tokio::spawn(async move { tokio::time::timeout(limit, pipeline::process(&app, &job)).await })
    };
    match task.await {
        Ok(Ok(Ok(()))) => Ok(()),
        Ok(Ok(Err(error))) => Err(Failure { cause: "failed", detail: format!("{error:#}") }),
        Ok(Err(_)) => Err(Failure {
            cause: "too_slow",
            detail: format!(
                "processing took longer than {} seconds (limits.message_seconds)",
                limit.as_secs()
            ),
        }),
        Err(error) => Err(Failure { cause: "panicked", detail: format!("a defect in the program: {error}") }),
    }
}
