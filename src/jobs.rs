//! Work that is due: queue, lease, retry, quarantine; one file for each job.
//!
//! The database says what is due. Any process may die anywhere; a lease that ran out is taken by the next one.
//! [`Service::start`] runs everything until told to stop; [`run_until_idle`] does what is due and returns.
//!
//! Does not: know how a message is understood (that is [`crate::pipeline`]).

pub mod credential;
pub mod health;
pub mod index_search;
pub mod intake;
mod polling;
pub mod process_history;
pub mod process_message;
pub mod save_sent;
pub mod send_outbox;
pub mod send_webhook;

use crate::{app::App, clock, pipeline::conversation};
use anyhow::Context as _;
use std::{future::Future, sync::Arc, time::Duration};
use tokio::{
    sync::{mpsc, watch},
    task::JoinSet,
};

/// Kind of the jobs that put a stored message through the pipeline; their subject is the message.
pub const PROCESS_MESSAGE: &str = "process_message";

/// Kind of the jobs that do so with history, many messages together; their subject is the message.
pub const PROCESS_HISTORY: &str = "process_history";

/// How often the index is brought up to date while much work is done: each time costs the same, however little is new.
const INDEX_INTERVAL: Duration = Duration::from_secs(3);

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
    /// Starts workers, the pollers of mailboxes, the senders and the indexer.
    pub fn start(app: &Arc<App>) -> Self {
        let (stop, stopped) = watch::channel(false);
        let mut tasks = JoinSet::new();
        for _ in 0..app.config.workers() {
            tasks.spawn(repeat(Arc::clone(app), stopped.clone(), "process message", |app| async move {
                process_message::run_due(&app).await
            }));
        }
        tasks.spawn(repeat(Arc::clone(app), stopped.clone(), "process history", |app| async move {
            Ok(process_history::run_due(&app).await?.leased)
        }));
        tasks.spawn(repeat(Arc::clone(app), stopped.clone(), "send outbox", |app| async move {
            send_outbox::run_due(&app).await
        }));
        tasks.spawn(repeat(Arc::clone(app), stopped.clone(), "send webhook", |app| async move {
            send_webhook::run_due(&app).await
        }));
        tasks.spawn(repeat(Arc::clone(app), stopped.clone(), "keep sent mail", |app| async move {
            save_sent::run_due(&app).await
        }));
        tasks.spawn(repeat(Arc::clone(app), stopped.clone(), "index search", |app| async move {
            index_search::follow(&app.store, &app.blob, &app.index).await
        }));
        tasks.spawn(repeat(Arc::clone(app), stopped.clone(), "wake tickets", |app| async move {
            conversation::wake(&app).await
        }));
        tasks.spawn(polling::keep(Arc::clone(app), stopped.clone()));
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
    let ((), total) = run_beside(app, async { Ok(()) }, progress).await?;
    Ok(total)
}

/// The same while `source` brings more work, and until all of it is done.
pub async fn run_beside<T>(
    app: &Arc<App>,
    source: impl Future<Output = anyhow::Result<T>>,
    progress: impl Fn(u64),
) -> anyhow::Result<(T, usize)> {
    let (closing, closed) = watch::channel(false);
    let (sender, mut counts) = mpsc::unbounded_channel();
    // What of history goes alone becomes work for the others: they stay until no more of it can come.
    let (ending, ended) = watch::channel(false);
    let mut workers = JoinSet::new();
    let history = work(Arc::clone(app), closed.clone(), sender.clone(), |app| async move {
        process_history::run_due(&app).await
    });
    workers.spawn(async move {
        let done = history.await;
        ending.send_replace(true);
        done
    });
    for _ in 0..app.config.workers() {
        workers.spawn(work(Arc::clone(app), ended.clone(), sender.clone(), |app| async move {
            let leased = process_message::run_due(&app).await?;
            Ok(Done { leased, processed: leased })
        }));
    }
    drop(sender);
    workers.spawn(keep_indexed(Arc::clone(app), closed));
    let count = async {
        let mut total = 0;
        while let Some(done) = counts.recv().await {
            total += done;
            progress(done as u64);
        }
        total
    };
    let source = async {
        let brought = source.await;
        closing.send_replace(true);
        app.announce_work();
        brought
    };
    let (brought, total) = tokio::join!(source, count);
    while let Some(ended) = workers.join_next().await {
        ended??;
    }
    while send_outbox::run_due(app).await? > 0 {}
    while send_webhook::run_due(app).await? > 0 {}
    while save_sent::run_due(app).await? > 0 {}
    while index_search::follow(&app.store, &app.blob, &app.index).await? > 0 {}
    Ok((brought?, total))
}

/// What one run of a worker did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Done {
    /// Jobs that it took.
    pub leased: usize,
    /// Messages that it processed.
    pub processed: usize,
}

/// One worker: works until nothing is due and nothing more comes.
async fn work<F, R>(
    app: Arc<App>,
    mut closed: watch::Receiver<bool>,
    sender: mpsc::UnboundedSender<usize>,
    job: F,
) -> anyhow::Result<()>
where
    F: Fn(Arc<App>) -> R,
    R: Future<Output = anyhow::Result<Done>>,
{
    loop {
        let last = *closed.borrow_and_update();
        let done = job(Arc::clone(&app)).await?;
        if done.processed > 0 && sender.send(done.processed).is_err() {
            return Ok(());
        }
        if done.leased > 0 {
            continue;
        }
        if last {
            return Ok(());
        }
        tokio::select! {
            () = app.work_is_due() => {}
            () = tokio::time::sleep(IDLE_WAIT) => {}
            _ = closed.changed() => {}
        }
    }
}

/// Brings the index up to date from time to time while work is done.
async fn keep_indexed(app: Arc<App>, mut closed: watch::Receiver<bool>) -> anyhow::Result<()> {
    while !*closed.borrow_and_update() {
        tokio::select! {
            () = tokio::time::sleep(INDEX_INTERVAL) => {}
            _ = closed.changed() => {}
        }
        while index_search::follow(&app.store, &app.blob, &app.index).await? > 0 {}
    }
    Ok(())
}
