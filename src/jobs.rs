//! Work that is due: queue, lease, retry, quarantine; one file for each job.
//!
//! The database says what is due. Any process may die anywhere; a lease that ran out is taken by the next one.
//! [`Service::start`] runs everything until told to stop; [`run_until_idle`] does what is due and returns.
//!
//! Does not: know how a message is understood (that is [`crate::pipeline`]).

pub mod index_search;
pub mod intake;
pub mod process_message;
pub mod send_outbox;

use crate::{app::App, clock};
use anyhow::Context as _;
use std::{future::Future, sync::Arc, time::Duration};
use tokio::{sync::watch, task::JoinSet};

/// Kind of the jobs that put a stored message through the pipeline; their subject is the message.
pub const PROCESS_MESSAGE: &str = "process_message";

/// How long a worker waits before it asks again whether work is due, if nothing wakes it.
const IDLE_WAIT: Duration = Duration::from_secs(2);

/// At start: frees what this node's last process held when it died; mail that it was sending is in doubt.
pub async fn recover(app: &App) -> anyhow::Result<()> {
    let node = app.node.is_sole.then_some(app.node.name.as_str());
    if let Some(name) = node {
        app.store.free_jobs(name).await.context("failed to free the jobs of the last process")?;
    }
    let doubtful = app.store.doubt_interrupted_outbox(node, clock::now_ms()).await;
    let doubtful = doubtful.context("failed to look for mail whose sending was interrupted")?;
    if doubtful > 0 {
        tracing::warn!(
            count = doubtful,
            "mail is in doubt: the process ended while it was being sent; a person decides"
        );
    }
    Ok(())
}

/// All background work of one process.
#[derive(Debug)]
pub struct Service {
    stop: watch::Sender<bool>,
    tasks: JoinSet<()>,
}

impl Service {
    /// Starts workers, one poller for each mailbox, the sender and the indexer.
    pub fn start(app: &Arc<App>) -> Self {
        let (stop, stopped) = watch::channel(false);
        let mut tasks = JoinSet::new();
        for _ in 0..app.config.workers() {
            tasks.spawn(repeat(Arc::clone(app), stopped.clone(), "process message", |app| async move {
                process_message::run_due(&app).await
            }));
        }
        tasks.spawn(repeat(Arc::clone(app), stopped.clone(), "send outbox", |app| async move {
            send_outbox::run_due(&app).await
        }));
        tasks.spawn(repeat(Arc::clone(app), stopped.clone(), "index search", |app| async move {
            index_search::follow(&app.store, &app.blob, &app.index).await
        }));
        for mailbox in app.config.mailbox.clone() {
            tasks.spawn(intake::poll(Arc::clone(app), mailbox, stopped.clone()));
        }
        Self { stop, tasks }
    }

    /// Stops taking new work, and waits for what runs.
    pub async fn stop(mut self) {
        self.stop.send_replace(true);
        while let Some(ended) = self.tasks.join_next().await {
            if let Err(error) = ended {
                tracing::error!(error = %error, "a background task died");
            }
        }
    }
}

/// Repeats a job until told to stop: at once while it finds work, else when woken or after [`IDLE_WAIT`].
async fn repeat<F, R>(app: Arc<App>, mut stopped: watch::Receiver<bool>, name: &'static str, job: F)
where
    F: Fn(Arc<App>) -> R,
    R: Future<Output = anyhow::Result<usize>>,
{
    while !*stopped.borrow() {
        let done = match job(Arc::clone(&app)).await {
            Ok(done) => done,
            Err(error) => {
                tracing::error!(
                    error = format!("{error:#}"),
                    job = name,
                    "a job failed; it will be tried again"
                );
                0
            }
        };
        if done == 0 {
            tokio::select! {
                () = app.work_is_due() => {}
                () = tokio::time::sleep(IDLE_WAIT) => {}
                _ = stopped.changed() => {}
            }
        }
    }
}

/// Does all that is due now, with as many workers as configured, then returns how many messages were processed.
///
/// `progress` hears of each message that was processed.
pub async fn run_until_idle(app: &Arc<App>, progress: impl Fn(u64)) -> anyhow::Result<usize> {
    let mut total = 0;
    let mut workers = JoinSet::new();
    let (sender, mut counts) = tokio::sync::mpsc::unbounded_channel();
    for _ in 0..app.config.workers() {
        let app = Arc::clone(app);
        let sender = sender.clone();
        workers.spawn(async move {
            loop {
                let done = process_message::run_due(&app).await?;
                if done == 0 {
                    return anyhow::Ok(());
                }
                if sender.send(done).is_err() {
                    return Ok(());
                }
            }
        });
    }
    drop(sender);
    while let Some(done) = counts.recv().await {
        total += done;
        progress(done as u64);
    }
    while let Some(ended) = workers.join_next().await {
        ended??;
    }
    while send_outbox::run_due(app).await? > 0 {}
    while index_search::follow(&app.store, &app.blob, &app.index).await? > 0 {}
    Ok(total)
}
