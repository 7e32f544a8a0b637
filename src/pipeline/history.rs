//! Stored history through all stages, many messages in one transaction.
//!
//! The stages and what they write are those of [`super::process`]. They differ in this: messages are understood on several
//! threads before the transaction begins, and inside it each one finds what those before it have written, so that a
//! conversation becomes one ticket. A message with files, with a draft in its text, that refers to one which still
//! waits, whose Message-ID came before, or whose sender's layouts are known, is given back: it goes alone.

mod looked_up;

use super::{MasterData, Understood, commit, extract_all, known, queue_rules, thread};
use crate::{
    app::App,
    classify::{self, Experience},
    clock,
    config::Config,
    extract, message,
    model::{
        account::Known,
        draft::Kind,
        ids::{JobId, MessageId},
        message::{Message, Screened},
        ticket::Classified,
    },
    screen::{self, Site, follow_up::Keys},
    store::{
        Tx,
        job::Job,
        message::{MessageRow, MessageState},
    },
};
use anyhow::{Context as _, bail};
use looked_up::LookedUp;
use std::{collections::BTreeMap, sync::Arc};

/// What a message says by itself, before anything is looked up.
struct Plain {
    row: MessageRow,
    message: Message,
    screened: Screened,
    classified: Classified,
    keys: Keys,
}

/// A batch whose messages are understood as far as each says by itself.
pub struct Batch {
    jobs: Vec<Job>,
    /// Rows of messages that another worker was done with before.
    done: Vec<MessageRow>,
    plain: Vec<Plain>,
}

/// Reads and understands the messages of these jobs; writes nothing.
pub async fn understand_batch(app: &App, jobs: Vec<Job>) -> anyhow::Result<Batch> {
    let ids: Vec<MessageId> = jobs.iter().map(|job| MessageId::new(&*job.subject_id)).collect();
    let rows = app
        .store
        .read()
        .await?
        .list_messages_by_id(&ids.iter().collect::<Vec<_>>())
        .await
        .context("failed to find messages of history")?;
    let (stored, done): (Vec<MessageRow>, Vec<MessageRow>) =
        rows.into_iter().map(|(row, _)| row).partition(|row| row.state == MessageState::Stored);
    let plain = understand_all(app, stored).await?;
    Ok(Batch { jobs, done, plain })
}

/// Writes what the messages of a batch mean, in one transaction; gives back the jobs of those that go alone.
pub async fn write_batch(app: &App, batch: Batch) -> anyhow::Result<Vec<Job>> {
    let mut waiting: BTreeMap<MessageId, Job> =
        batch.jobs.into_iter().map(|job| (MessageId::new(&*job.subject_id), job)).collect();
    let mut finished: Vec<Job> = batch.done.iter().filter_map(|row| waiting.remove(&row.id)).collect();
    let now_ms = clock::now_ms();
    let mut tx = app.store.begin().await?;
    let mut looked_up = LookedUp::of(&mut tx, &batch.plain, waiting.keys()).await?;
    let mut outcomes = Vec::with_capacity(batch.plain.len());
    // Oldest first: each finds what those before it have written.
    for plain in batch.plain {
        let id = plain.row.id.clone();
        if let Some(reason) = write(&mut tx, plain, &looked_up, now_ms).await? {
            looked_up.no_longer_waits(&id);
            finished.extend(waiting.remove(&id));
            outcomes.push((id, reason));
        }
    }
    tx.save_all_processed_outcomes(&outcomes).await.context("failed to account for a batch of history")?;
    let ids: Vec<&JobId> = finished.iter().map(|job| &job.id).collect();
    if !tx.finish_jobs(&ids, &app.node.name).await? {
        bail!("another worker took messages of this batch over; its results count");
    }
    tx.commit().await.context("failed to commit a batch of history")?;
    Ok(waiting.into_values().collect())
}

/// Understands messages on as many threads as there are workers, each of which holds the bytes of one message at a time;
/// those that go alone are left out. In order.
async fn understand_all(app: &App, rows: Vec<MessageRow>) -> anyhow::Result<Vec<Plain>> {
    let master: Arc<MasterData> = app.master_data().await?;
    let settings = app.settings().await?;
    let site = Arc::new(settings.site.clone());
    let known = Arc::new(known(&settings, &master));
    let experience = app.experience().await?;
    let share = rows.len().div_ceil(app.config.workers()).max(1);
    let mut rows = rows.into_iter();
    let mut tasks = Vec::new();
    loop {
        let some: Vec<_> = rows.by_ref().take(share).collect();
        if some.is_empty() {
            break;
        }
        let (site, known, experience) = (Arc::clone(&site), Arc::clone(&known), Arc::clone(&experience));
        let (settings, blob) = (Arc::clone(&settings), app.blob.clone());
        tasks.push(tokio::task::spawn_blocking(move || {
            some.into_iter()
                .filter_map(|row| {
                    // Damaged bytes are that message's own trouble.
                    let raw = blob.get_waiting(&row.sha256).ok()?;
                    understand(row, &raw, &site, &known, &experience, &settings.config)
                })
                .collect::<Vec<Plain>>()
        }));
    }
    let mut all = Vec::new();
    for task in tasks {
        all.extend(task.await.context("a message of history made a stage panic")?);
    }
    Ok(all)
}

/// What a message says; none if it has files, or if its text holds more than words.
fn understand(
    row: MessageRow,
    raw: &[u8],
    site: &Site,
    known: &Known,
    experience: &Experience,
    config: &Config,
) -> Option<Plain> {
    let message = message::parse(raw);
    if !message.attachments.is_empty() {
        return None;
    }
    let pages = extract::message_pages(&message);
    let found = extract_all(&message, &[Some(&pages)], known, &[]);
    if found.iter().flatten().any(|draft| draft.kind != Kind::Other) {
        return None;
    }
    let screened = screen::screen(&message, site);
    let classified = classify::classify(&message, &[], experience, config.classify.threshold);
    let classified = queue_rules::apply(config, &message, classified);
    let keys = thread::keys(&message, site);
    Some(Plain { row, message, screened, classified, keys })
}

/// Writes what a message means, and gives the reason of its outcome; none if it goes alone.
async fn write(
    tx: &mut Tx,
    plain: Plain,
    looked_up: &LookedUp,
    now_ms: i64,
) -> anyhow::Result<Option<String>> {
    if looked_up.goes_alone(&plain) {
        return Ok(None);
    }
    let Plain { row, mut message, screened, classified, keys } = plain;
    message.findings.extend(screen::notes(&message, false));
    let joining = thread::look_up(tx, &row.id, &message, &keys).await?;
    let account = looked_up.account(&message);
    let understood = Understood {
        row,
        message,
        screened,
        documents: Vec::new(),
        drafts: Vec::new(),
        classified,
        joining,
        account,
    };
    commit::write_history(tx, &understood, now_ms).await.map(Some)
}
