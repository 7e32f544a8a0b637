//! Puts a copy of each sent mail into the mailbox where people look for it.
//!
//! The job is queued in the transaction that says that the mail was sent, so that no crash loses it; the folder is asked
//! for the mail's `Message-ID` before a copy is appended, so that no crash doubles it. Whatever goes wrong here changes
//! nothing about the mail: the copy is tried again, later and later, and for [`ATTEMPTS_MAX`] times.
//!
//! Limits: [`ATTEMPTS_MAX`], the time limits of [`crate::mailbox`].

use super::intake;
use crate::{app::App, clock, config::Config, mailbox, model::ids::OutboxId, store::job::Job};
use anyhow::Context as _;

/// Kind of these jobs; their subject is the outgoing mail.
pub const SAVE_SENT: &str = "save_sent";

/// Tries of one copy: with the waits below, some four days.
const ATTEMPTS_MAX: i64 = 40;

/// Wait before the second try, doubled for each further one up to [`RETRY_MAX_MS`].
const RETRY_FIRST_MS: i64 = 10_000;
const RETRY_MAX_MS: i64 = 3 * 3_600_000;

/// How long one try may take before another worker takes it over.
const LEASE_MS: i64 = 20 * 60_000;

/// The mailbox that gets the copies, if there is one.
pub fn mailbox(config: &Config) -> Option<&mailbox::Config> {
    config.mailbox(&config.mail_out.sent_mailbox)
}

/// Keeps one copy, if one is due. Returns how many were taken up.
pub async fn run_due(app: &App) -> anyhow::Result<usize> {
    let settings = app.settings().await?;
    let Some(config) = mailbox(&settings.config) else { return Ok(0) };
    let jobs = app.store.lease_jobs(SAVE_SENT, &app.node.name, clock::now_ms(), LEASE_MS, 1).await;
    let jobs = jobs.context("failed to lease a copy of a sent mail")?;
    for job in &jobs {
        let kept = keep(app, config, job).await;
        let mut tx = app.store.begin().await?;
        match kept {
            Ok(()) => {
                tx.finish_job(&job.id, &app.node.name).await?;
            }
            Err(error) if job.attempts < ATTEMPTS_MAX => {
                let wait_ms = (RETRY_FIRST_MS << job.attempts.clamp(0, 20)).min(RETRY_MAX_MS);
                let error = format!("{error:#}");
                tracing::warn!(
                    outbox.id = job.subject_id,
                    error,
                    "the copy of a sent mail was not kept; it will be tried again"
                );
                tx.retry_job(&job.id, &app.node.name, &error, clock::now_ms() + wait_ms).await?;
            }
            Err(error) => {
                tracing::error!(
                    outbox.id = job.subject_id,
                    error = format!("{error:#}"),
                    "the copy of a sent mail is given up"
                );
                tx.finish_job(&job.id, &app.node.name).await?;
            }
        }
        tx.commit().await.context("failed to note what became of the copy of a sent mail")?;
    }
    Ok(jobs.len())
}

async fn keep(app: &App, config: &mailbox::Config, job: &Job) -> anyhow::Result<()> {
    let id = OutboxId::new(&*job.subject_id);
    let row = app.store.read().await?.find_outbox(&id).await?.context("the sent mail is gone")?;
    let bytes = app.blob.get(&row.sha256).await.context("failed to read a sent mail")?;
    let mut mailbox = intake::connect(app, config).await?;
    let kept = mailbox.keep_sent(&app.config.mail_out.sent_folder, &row.rfc_message_id, &bytes).await;
    mailbox.close().await;
    kept.map(drop).context("failed to keep a copy")
}
