//! Sends what webhooks are to be told, at least once: the delivery is settled only after the other side took it.
//!
//! Waiting doubles after each attempt that came to nothing; after [`ATTEMPTS_MAX`] it is given up, and a person may send it again.

use crate::{
    app::App,
    clock,
    store::{job::Job, webhook::SEND_WEBHOOK},
    webhook,
};
use anyhow::Context as _;

/// Attempts before a delivery is given up: with doubling waits, about a day.
const ATTEMPTS_MAX: i64 = 12;

/// Wait before the second attempt; doubled for each further one.
const RETRY_FIRST_MS: i64 = 20_000;

/// How long an attempt may take before another worker takes it up.
const LEASE_MS: i64 = 120_000;

/// Sends one delivery, if one is due. Returns how many were taken up.
pub async fn run_due(app: &App) -> anyhow::Result<usize> {
    let leased = app.store.lease_jobs(SEND_WEBHOOK, &app.node.name, clock::now_ms(), LEASE_MS, 1).await;
    let jobs = leased.context("failed to lease a webhook delivery")?;
    for job in &jobs {
        run(app, job)
            .await
            .with_context(|| format!("failed to settle webhook delivery {}", job.subject_id))?;
    }
    Ok(jobs.len())
}

async fn run(app: &App, job: &Job) -> anyhow::Result<()> {
    let mut db = app.store.read().await?;
    let delivery = db.find_delivery(&job.subject_id).await?;
    let to = match &delivery {
        Some(delivery) => db.find_webhook(&delivery.webhook_id).await?,
        None => None,
    };
    drop(db);
    let (Some(delivery), Some(to)) = (delivery, to) else {
        // the webhook was removed meanwhile: there is nobody to tell
        let mut tx = app.store.begin().await?;
        tx.finish_job(&job.id, &app.node.name).await?;
        return Ok(tx.commit().await?);
    };
    let sent = match app.vault.open(&to.secret, &to.address) {
        Some(secret) => {
            let seconds = clock::now_ms() / 1000;
            webhook::send(&to.address, &secret, &delivery.id, seconds, &delivery.body).await
        }
        None => Err(webhook::Error::Secret),
    };
    let now_ms = clock::now_ms();
    let mut tx = app.store.begin().await?;
    let ours = match sent {
        Ok(()) => {
            tx.mark_delivered(&delivery.id, now_ms).await?;
            tx.finish_job(&job.id, &app.node.name).await?
        }
        Err(error) => {
            let give_up = job.attempts >= ATTEMPTS_MAX || matches!(error, webhook::Error::Secret);
            tx.record_delivery_error(&delivery.id, &error.to_string(), give_up).await?;
            if give_up {
                tx.finish_job(&job.id, &app.node.name).await?
            } else {
                let wait_ms = RETRY_FIRST_MS << job.attempts.clamp(0, 11);
                tx.retry_job(&job.id, &app.node.name, &error.to_string(), now_ms + wait_ms).await?
            }
        }
    };
    // who lost the lease leaves the word to the worker who has it
    if ours {
        tx.commit().await?;
    }
    Ok(())
}
