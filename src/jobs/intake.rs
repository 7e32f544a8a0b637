//! Takes mail in: lists a folder, keeps the bytes, commits the ledger; only then touches the server.
//!
//! One pass over a folder does four things, each of which can be repeated after a crash:
//! 1. every UID that the ledger does not have yet becomes a row `seen`;
//! 2. the bytes of each row `seen` are fetched and made durable, then message, ledger row and job are committed;
//! 3. a row `seen` whose message the server no longer has becomes `vanished`, one that is too large or that the server
//!    does not hand out in [`FETCHES_MAX`] tries `quarantined`;
//! 4. what is to be done on the server (flag, move) is done for stored rows, and noted.
//!
//! Limits: `mailbox.bytes_max`, `mailbox.list_batch`, `mailbox.fetch_batch`, and [`COMMIT_BYTES`] in memory at once.

use super::credential;
use crate::{
    app::App,
    clock,
    mailbox::{self, After, Body, FolderState, Mailbox, MailboxError, Wake},
    message,
    model::{
        ids::SightingId,
        ledger::{Outcome, Sighting},
    },
    store::{
        message::{Direction, Inserted, NewMessage},
        quarantine::NewQuarantine,
        sighting::{Kept, NewSighting, Place},
    },
};
use anyhow::Context as _;
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
    time::Duration,
};
use tokio::sync::watch;

/// Bytes of fetched messages that wait in memory for their common commit.
const COMMIT_BYTES: usize = 8 * 1024 * 1024;

/// Messages in one commit.
const COMMIT_MESSAGES: usize = 1_000;

/// Failed fetches after which a message is given up: the first in its batch, all others alone.
const FETCHES_MAX: i64 = 4;

/// Rows read from the ledger at once.
const LEDGER_ROWS: u32 = 1_000;

/// First wait after a failed look at a mailbox; doubled up to [`RETRY_MAX`].
const RETRY_FIRST: Duration = Duration::from_secs(5);

/// Longest wait after a failed look.
const RETRY_MAX: Duration = Duration::from_mins(10);

/// What one pass over a mailbox did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Taken {
    /// New rows in the ledger.
    pub seen: u64,
    /// Messages kept, duplicates among them.
    pub stored: u64,
    /// Of these, messages whose bytes had come before.
    pub duplicates: u64,
    /// Gone before they could be fetched.
    pub vanished: u64,
    /// Larger than the limit: in quarantine.
    pub too_large: u64,
    /// Not handed out by the server however often it was asked: in quarantine.
    pub refused: u64,
}

/// How mail is taken in.
#[derive(Clone, Copy, Debug, Default)]
pub struct Manner {
    /// As history: original dates, nothing sent.
    pub historic: bool,
    /// Mail that was sent before this time, milliseconds UTC, is history.
    pub history_before_ms: Option<i64>,
}

impl Manner {
    /// As the configuration of a mailbox says.
    fn of(config: &mailbox::Config) -> Self {
        Self { historic: false, history_before_ms: config.history_before_ms() }
    }

    /// Whether a message is history. One that does not say when it was sent is not.
    fn is_history(self, raw: &[u8]) -> bool {
        let before = self.history_before_ms;
        self.historic || before.is_some_and(|before| message::date_ms(raw).is_some_and(|date| date < before))
    }
}

/// Polls one mailbox until told to stop; failures are recorded, shown on its page, and tried again.
pub async fn poll(app: Arc<App>, config: mailbox::Config, mut stopped: watch::Receiver<bool>) {
    let mut open: Option<Mailbox> = None;
    let mut retry = RETRY_FIRST;
    while !*stopped.borrow() {
        let wait = match look(&app, &config, &mut open, &mut stopped).await {
            Ok(()) => {
                retry = RETRY_FIRST;
                None
            }
            Err(error) => {
                tracing::warn!(
                    mailbox = config.name,
                    error = format!("{error:#}"),
                    "a look at the mailbox failed"
                );
                record_error(&app, &config, &error).await;
                open = None;
                let wait = retry;
                retry = (retry * 2).min(RETRY_MAX);
                Some(wait)
            }
        };
        tokio::select! {
            () = rest(&config, open.as_mut(), wait) => {}
            _ = stopped.wait_for(|stop| *stop) => {}
        }
    }
}

/// Waits for news where the server tells, else for the time to look again.
async fn rest(config: &mailbox::Config, open: Option<&mut Mailbox>, wait: Option<Duration>) {
    match (wait, open, config.folders().first()) {
        (None, Some(mailbox), Some(folder)) => match mailbox.wait(folder, config.poll()).await {
            Ok(Wake::News | Wake::Timeout) => {}
            Err(error) => {
                tracing::info!(mailbox = config.name, error = %error, "waiting for news failed; looking instead");
                tokio::time::sleep(RETRY_FIRST).await;
            }
        },
        (wait, _, _) => tokio::time::sleep(wait.unwrap_or_else(|| config.poll())).await,
    }
}

/// One look. Asked to stop, it is left where it stands, as after a crash: what is committed counts, the rest is done anew.
async fn look(
    app: &App,
    config: &mailbox::Config,
    open: &mut Option<Mailbox>,
    stopped: &mut watch::Receiver<bool>,
) -> anyhow::Result<()> {
    if open.is_none() {
        *open = Some(connect(app, config).await?);
    }
    if let Some(mailbox) = open {
        if config.oauth.is_some() {
            mailbox.renew(&credential::token(app, config, None).await?);
        }
        tokio::select! {
            taken = take(app, config, mailbox, Manner::of(config), |_| {}) => { taken?; }
            _ = stopped.wait_for(|stop| *stop) => {}
        }
    }
    Ok(())
}

async fn record_error(app: &App, config: &mailbox::Config, error: &anyhow::Error) {
    let text = format!("{error:#}");
    for folder in config.folders() {
        let recorded = async {
            let mut tx = app.store.begin().await?;
            tx.record_folder_error(&config.name, &folder, &text, clock::now_ms()).await?;
            tx.commit().await
        };
        if let Err(error) = recorded.await {
            tracing::error!(mailbox = config.name, error = %error, "failed to record a mailbox error");
        }
    }
}

/// Opens a configured mailbox with its password or token.
pub async fn connect(app: &App, config: &mailbox::Config) -> anyhow::Result<Mailbox> {
    let opened = if config.oauth.is_some() {
        let token = credential::token(app, config, None).await?;
        match Mailbox::connect(config, Some(&token)).await {
            // Withdrawn before its time, or the clocks differ: once more with a fresh one.
            Err(MailboxError::TokenRejected { .. }) => {
                let token = credential::token(app, config, Some(&token)).await?;
                Mailbox::connect(config, Some(&token)).await
            }
            opened => opened,
        }
    } else {
        let password = config.password.as_ref().map(|secret| app.secret(secret)).transpose()?;
        Mailbox::connect(config, password.as_ref()).await
    };
    opened.with_context(|| format!("failed to open mailbox {}", config.name))
}

/// Tries the way to a configured mailbox, step by step, and changes nothing there.
pub async fn probe(app: &App, config: &mailbox::Config) -> Vec<mailbox::Step> {
    let secret = if config.oauth.is_some() {
        credential::token(app, config, None).await.map(Some)
    } else {
        config.password.as_ref().map(|secret| app.secret(secret)).transpose()
    };
    match secret {
        Ok(secret) => mailbox::probe(config, secret.as_ref()).await,
        Err(error) => vec![mailbox::Step {
            name: mailbox::StepName::SignIn,
            probed: mailbox::Probed::Fails,
            text: format!("{error:#}"),
        }],
    }
}

/// One pass over all folders of a configured mailbox.
pub async fn poll_once(app: &App, config: &mailbox::Config) -> anyhow::Result<Taken> {
    let mut mailbox = connect(app, config).await?;
    take(app, config, &mut mailbox, Manner::of(config), |_| {}).await
}

/// One pass over all folders of an open mailbox. `progress` hears of each commit.
pub async fn take(
    app: &App,
    config: &mailbox::Config,
    mailbox: &mut Mailbox,
    manner: Manner,
    progress: impl Fn(Taken),
) -> anyhow::Result<Taken> {
    let mut taken = Taken::default();
    for folder in config.folders() {
        let mut pass = Pass { app, config, mailbox, folder: &folder, manner, taken, progress: &progress };
        taken = pass.run().await.with_context(|| format!("mailbox {} folder {folder:?}", config.name))?;
    }
    if taken.stored > 0 {
        app.announce_work();
    }
    Ok(taken)
}

/// One pass over one folder.
struct Pass<'a, P: Fn(Taken)> {
    app: &'a App,
    config: &'a mailbox::Config,
    mailbox: &'a mut Mailbox,
    folder: &'a str,
    manner: Manner,
    taken: Taken,
    progress: &'a P,
}

impl<P: Fn(Taken)> Pass<'_, P> {
    async fn run(&mut self) -> anyhow::Result<Taken> {
        let state = self.mailbox.select(self.folder).await?;
        // A first look at a large folder takes hours: the watchdog hears that it has begun.
        self.note_contact(state).await?;
        self.list(state).await?;
        self.fetch(state.uidvalidity).await?;
        self.act(state.uidvalidity).await?;
        self.note_contact(state).await?;
        Ok(self.taken)
    }

    async fn note_contact(&self, state: FolderState) -> anyhow::Result<()> {
        let mut tx = self.app.store.begin().await?;
        tx.record_folder_contact(&self.config.name, self.folder, state.exists, clock::now_ms()).await?;
        tx.commit().await.context("failed to note the contact with a folder")
    }

    fn place(&self, uidvalidity: i64) -> Place<'_> {
        Place { mailbox: &self.config.name, folder: self.folder, uidvalidity }
    }

    /// Writes down every UID that the ledger does not have yet, batch by batch.
    async fn list(&mut self, state: FolderState) -> anyhow::Result<()> {
        let known = self.app.store.read().await?.find_folder(&self.config.name, self.folder).await?;
        let mut after = match known {
            Some(row) if row.uidvalidity == state.uidvalidity && state.ascending => row.last_uid,
            Some(row) if row.uidvalidity != state.uidvalidity && row.uidvalidity != 0 => {
                tracing::warn!(
                    mailbox = self.config.name,
                    folder = self.folder,
                    "UIDVALIDITY changed: the folder is listed anew"
                );
                0
            }
            _ => 0,
        };
        // A source that does not number its messages by age is listed whole each time: skip what the ledger has.
        let known =
            if state.ascending { BTreeSet::new() } else { self.known_uids(state.uidvalidity).await? };
        loop {
            let listed = self.mailbox.list(self.folder, after, self.config.list_batch).await?;
            let Some(last) = listed.last() else { return Ok(()) };
            after = last.uid;
            let now_ms = clock::now_ms();
            let mut tx = self.app.store.begin().await?;
            let seen: Vec<NewSighting> = listed
                .iter()
                .filter(|message| !known.contains(&message.uid))
                .map(|message| NewSighting {
                    mailbox: self.config.name.clone(),
                    folder: self.folder.to_owned(),
                    uidvalidity: state.uidvalidity,
                    uid: message.uid,
                    place: message.place.clone(),
                    size_bytes: message.size_bytes,
                })
                .collect();
            let fresh = tx.insert_all_seen(&seen, now_ms).await?;
            if fresh > 0 {
                tx.save_folder_cursor(&self.config.name, self.folder, state.uidvalidity, after, now_ms)
                    .await?;
            }
            tx.commit().await?;
            self.taken.seen += fresh;
        }
    }

    /// Every UID of the folder that the ledger has.
    async fn known_uids(&self, uidvalidity: i64) -> anyhow::Result<BTreeSet<i64>> {
        let mut known = BTreeSet::new();
        let mut after = -1;
        loop {
            let mut db = self.app.store.read().await?;
            let rows = db.list_sightings(self.place(uidvalidity), after, LEDGER_ROWS).await?;
            let Some(last) = rows.last() else { return Ok(known) };
            after = last.uid;
            known.extend(rows.iter().map(|row| row.uid));
        }
    }

    /// Fetches and keeps every message that is listed but not stored: in batches, and one by one those of a batch that
    /// failed, so that a message which the server cannot hand out costs itself alone.
    async fn fetch(&mut self, uidvalidity: i64) -> anyhow::Result<()> {
        let mut failed = BTreeSet::new();
        loop {
            let mut db = self.app.store.read().await?;
            let mut rows = db.list_unstored(self.place(uidvalidity), self.config.fetch_batch as u32).await?;
            drop(db);
            let Some(first) = rows.first() else { return Ok(()) };
            if failed.contains(&first.id) {
                return Ok(()); // Every row left was tried in this pass.
            }
            if first.fetches_failed > 0 {
                failed.insert(first.id.clone());
                rows.truncate(1);
            } else {
                rows.retain(|row| row.fetches_failed == 0);
            }
            match self.fetch_batch(&rows).await {
                Ok(()) => {}
                // The server answers, but not for these: the others need not wait.
                Err(Unfetched::Refused(error)) => {
                    tracing::warn!(mailbox = self.config.name, error = %error, "the server did not hand out a message");
                }
                Err(Unfetched::Broken(error)) => return Err(error.into()),
                Err(Unfetched::Ours(error)) => return Err(error),
            }
        }
    }

    /// Fetches these rows; each one left after a failure has it noted, and is given up after [`FETCHES_MAX`].
    async fn fetch_batch(&mut self, rows: &[Sighting]) -> Result<(), Unfetched> {
        let mut waiting: BTreeMap<i64, &Sighting> = rows.iter().map(|row| (row.uid, row)).collect();
        let uids: Vec<i64> = rows.iter().map(|row| row.uid).collect();
        let fetched = self.keep(&uids, &mut waiting).await;
        let app = self.app;
        let account = async {
            for row in waiting.into_values() {
                match &fetched {
                    Ok(()) => {
                        let mut tx = app.store.begin().await?;
                        let reason = "gone from the server before its bytes could be fetched";
                        tx.mark_vanished(&row.id, reason).await?;
                        tx.commit().await?;
                        self.taken.vanished += 1;
                    }
                    Err(Unfetched::Refused(error) | Unfetched::Broken(error)) => {
                        self.taken.refused += u64::from(note_failure(app, row, error).await?);
                    }
                    Err(Unfetched::Ours(_)) => {}
                }
            }
            (self.progress)(self.taken);
            anyhow::Ok(())
        };
        account.await.map_err(Unfetched::Ours)?;
        fetched
    }

    /// Fetches what waits, in the order of `uids`, and keeps it; what is left waiting was not there, or not fetched.
    async fn keep(&mut self, uids: &[i64], waiting: &mut BTreeMap<i64, &Sighting>) -> Result<(), Unfetched> {
        let mut kept: Vec<Held> = Vec::new();
        let mut bytes = 0;
        // The connection is lent to the incoming stream; what is kept is committed by the app alone.
        let (app, manner) = (self.app, self.manner);
        let mut taken = self.taken;
        let mut incoming = self.mailbox.fetch(self.folder, uids).await?;
        let ended = loop {
            let fetched = match incoming.next().await {
                Ok(Some(fetched)) => fetched,
                Ok(None) => break Ok(()),
                Err(error) => break Err(error.into()),
            };
            let Some(row) = waiting.remove(&fetched.uid) else { continue };
            match fetched.body {
                Body::Bytes(raw) => {
                    bytes += raw.len();
                    kept.push(Held { id: row.id.clone(), raw });
                }
                Body::TooLarge => {
                    let detail = too_large(self.config.bytes_max);
                    refuse(app, &row.id, "too_large", &detail).await.map_err(Unfetched::Ours)?;
                    taken.too_large += 1;
                }
            }
            if kept.len() >= COMMIT_MESSAGES || bytes >= COMMIT_BYTES {
                commit(app, &mut kept, manner, &mut taken).await.map_err(Unfetched::Ours)?;
                bytes = 0;
                (self.progress)(taken);
            }
        };
        drop(incoming);
        // What came before a failure is kept all the same.
        commit(app, &mut kept, manner, &mut taken).await.map_err(Unfetched::Ours)?;
        self.taken = taken;
        ended
    }

    /// Flags or moves the server's copies of what is stored, as configured.
    async fn act(&mut self, uidvalidity: i64) -> anyhow::Result<()> {
        let after = self.config.after();
        if after == After::Nothing {
            return Ok(());
        }
        let mut last_uid = 0;
        loop {
            let mut db = self.app.store.read().await?;
            let rows = db.list_unacted(self.place(uidvalidity), last_uid, LEDGER_ROWS).await?;
            drop(db);
            let Some(last) = rows.last() else { return Ok(()) };
            last_uid = last.uid;
            for row in &rows {
                self.mailbox.act(self.folder, row.uid, &after).await?;
                let mut tx = self.app.store.begin().await?;
                tx.mark_acted(&row.id, clock::now_ms()).await?;
                tx.commit().await?;
            }
        }
    }
}

/// Why messages were not fetched.
enum Unfetched {
    /// The server is there, but would not hand them out.
    Refused(MailboxError),
    /// The connection is of no more use.
    Broken(MailboxError),
    /// They came, and could not be kept.
    Ours(anyhow::Error),
}

impl From<MailboxError> for Unfetched {
    fn from(error: MailboxError) -> Self {
        if matches!(error, MailboxError::Denied { .. } | MailboxError::File { .. }) {
            Self::Refused(error)
        } else {
            Self::Broken(error)
        }
    }
}

/// Notes that a message could not be fetched; gives it up, and says so in quarantine, after [`FETCHES_MAX`] failures.
/// Says whether it was given up.
async fn note_failure(app: &App, row: &Sighting, error: &MailboxError) -> anyhow::Result<bool> {
    if row.fetches_failed + 1 < FETCHES_MAX {
        let mut tx = app.store.begin().await?;
        tx.note_failed_fetch(&row.id, &error.to_string()).await?;
        tx.commit().await.context("failed to note that a message could not be fetched")?;
        return Ok(false);
    }
    let detail = format!(
        "message {} of folder {} in mailbox {} could not be fetched in {FETCHES_MAX} tries: {error}; it is still on \
         the server, and can be fetched again from the quarantine",
        row.uid, row.folder, row.mailbox
    );
    refuse(app, &row.id, "not_fetched", &detail).await?;
    Ok(true)
}

/// A fetched message in memory.
struct Held {
    id: SightingId,
    raw: Vec<u8>,
}

/// Makes the bytes durable, then commits messages, ledger rows and jobs together.
async fn commit(app: &App, held: &mut Vec<Held>, manner: Manner, taken: &mut Taken) -> anyhow::Result<()> {
    if held.is_empty() {
        return Ok(());
    }
    let raws: Vec<&[u8]> = held.iter().map(|message| message.raw.as_slice()).collect();
    let hashes = app.blob.put_all(&raws).await.context("failed to keep the bytes of messages")?;
    let new: Vec<NewMessage> = held
        .iter()
        .zip(&hashes)
        .map(|(kept, sha256)| NewMessage {
            sha256: sha256.clone(),
            size_bytes: kept.raw.len() as i64,
            direction: Direction::In,
            historic: manner.is_history(&kept.raw),
            rfc_message_id: message::rfc_message_id(&kept.raw),
        })
        .collect();
    let now_ms = clock::now_ms();
    let mut tx = app.store.begin().await?;
    let inserted = tx.insert_messages(&new, now_ms).await?;
    let mut rows = Vec::with_capacity(held.len());
    let (mut history, mut mail) = (Vec::new(), Vec::new());
    let mut duplicates = 0;
    for ((kept, new), inserted) in held.iter().zip(new).zip(&inserted) {
        let outcome = match inserted {
            Inserted::New(id) => {
                if new.historic { &mut history } else { &mut mail }.push(id.as_str());
                Outcome::Stored
            }
            Inserted::Known(_) => {
                duplicates += 1;
                Outcome::Duplicate
            }
        };
        let message_id = inserted.id().clone();
        rows.push(Kept { id: kept.id.clone(), sha256: new.sha256, message_id, outcome });
    }
    tx.enqueue_all(super::PROCESS_HISTORY, &history, now_ms, now_ms).await?;
    tx.enqueue_all(super::PROCESS_MESSAGE, &mail, now_ms, now_ms).await?;
    tx.mark_all_stored(&rows, now_ms).await?;
    tx.commit().await.context("failed to commit stored messages")?;
    taken.stored += held.len() as u64;
    taken.duplicates += duplicates;
    held.clear();
    app.announce_work();
    Ok(())
}

/// A message that is not fetched is accounted for in quarantine; it stays on the server.
async fn refuse(app: &App, id: &SightingId, cause: &str, detail: &str) -> anyhow::Result<()> {
    let mut tx = app.store.begin().await?;
    tx.mark_refused(id, detail).await?;
    let entry = NewQuarantine {
        message_id: None,
        document_id: None,
        sighting_id: Some(id.clone()),
        sha256: String::new(),
        cause: cause.to_owned(),
        detail: detail.to_owned(),
    };
    tx.insert_quarantine(&entry, clock::now_ms()).await?;
    tx.commit().await.context("failed to account for a message that is not fetched")
}

fn too_large(bytes_max: u64) -> String {
    format!(
        "the message is larger than {bytes_max} bytes (mailbox.bytes_max); it is still on the server: raise the limit, then fetch it again from the quarantine"
    )
}

/// The difference between a folder on its server and the ledger.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Serialize)]
pub struct Reconciled {
    /// Configured name of the mailbox.
    pub mailbox: String,
    /// Folder.
    pub folder: String,
    /// Messages on the server.
    pub on_server: u64,
    /// Of these, with an outcome in the ledger.
    pub accounted: u64,
    /// Of these, still under way: seen or stored, not yet processed.
    pub under_way: u64,
    /// UIDs on the server without a row in the ledger.
    pub missing: Vec<i64>,
}

/// Compares one folder with the ledger.
pub async fn reconcile(
    app: &App,
    config: &mailbox::Config,
    mailbox: &mut Mailbox,
    folder: &str,
) -> anyhow::Result<Reconciled> {
    let state = mailbox.select(folder).await?;
    let uids = mailbox.all_uids(folder).await?;
    let place = Place { mailbox: &config.name, folder, uidvalidity: state.uidvalidity };
    let mut outcomes = BTreeMap::new();
    let mut after = -1;
    loop {
        let rows = app.store.read().await?.list_sightings(place, after, LEDGER_ROWS).await?;
        let Some(last) = rows.last() else { break };
        after = last.uid;
        outcomes.extend(rows.iter().map(|row| (row.uid, row.outcome)));
    }
    let mut found = Reconciled {
        mailbox: config.name.clone(),
        folder: folder.to_owned(),
        on_server: uids.len() as u64,
        ..Reconciled::default()
    };
    for uid in uids {
        match outcomes.get(&uid) {
            None | Some(Outcome::Vanished) => found.missing.push(uid),
            Some(Outcome::Seen | Outcome::Stored) => found.under_way += 1,
            Some(Outcome::Processed | Outcome::Duplicate | Outcome::Quarantined) => found.accounted += 1,
        }
    }
    Ok(found)
}
