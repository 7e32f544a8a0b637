//! Where mail comes from: IMAP, Maildir, mbox, single files, memory. All five through one door.
//!
//! Turns a configured mailbox into numbered messages and their exact bytes. The order of use is [`Mailbox::connect`],
//! [`Mailbox::select`], then [`Mailbox::list`] in batches, [`Mailbox::fetch`], and [`Mailbox::act`] once the bytes are kept.
//! [`Mailbox::wait`] sleeps until there may be news.
//!
//! Does not: parse mail, keep a checkpoint, or touch anything on the server except in [`Mailbox::act`]: folders are
//! opened read-only (`EXAMINE`), bytes are peeked at (`BODY.PEEK[]`), so that `\Seen` stays as people left it.
//!
//! A message is known by (folder, UIDVALIDITY, UID), never by sequence number or date (RFC 3501, 2.3.1.1). For files the
//! UID is a number made of the name, which no re-ordering or flag changes. Every number fits 63 bits.
//!
//! After an error that [`MailboxError::is_transient`] the same handle is used again: the next call connects anew.
//! A fetch that ends without an error is complete: asked-for messages that it did not yield are gone from the server.
//!
//! Limits: [`BATCH_MAX`] messages a listing, [`Config::bytes_max`] bytes a message, the timeouts in the modules.

mod config;
mod eml;
mod error;
mod imap;
mod maildir;
mod mbox;
mod memory;
mod probe;
mod tls;
mod utf7;

pub use config::{After, AfterKind, Config, Kind, Tls};
pub use error::MailboxError;
pub use memory::Memory;
pub use probe::{Probed, Step, StepName, probe};

use crate::model::secret::Secret;
use sha2::{Digest as _, Sha256};
use std::{
    path::{Path, PathBuf},
    time::{Duration, SystemTime},
};

/// The most messages that one call of [`Mailbox::list`] or [`Mailbox::fetch`] takes.
pub const BATCH_MAX: usize = 1_000;

/// How often a source of files is looked at while waiting for news.
const FILE_POLL: Duration = Duration::from_millis(500);

/// A mailbox that is open, or will be opened by the next call.
#[derive(Debug)]
pub enum Mailbox {
    /// A server.
    Imap(Box<imap::Imap>),
    /// A Maildir with its subfolders.
    Maildir(maildir::Maildir),
    /// One mbox file.
    Mbox(mbox::Mbox),
    /// One `.eml` file, or a folder of them.
    Eml(eml::Eml),
    /// Messages in memory: for tests.
    Memory(Memory),
}

/// What selecting a folder tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FolderState {
    /// UIDs are only comparable while this stays the same.
    pub uidvalidity: i64,
    /// Number of messages in the folder.
    pub exists: i64,
    /// A UID that is larger than all there are, if the source has such a thing.
    pub uid_next: Option<i64>,
    /// New messages have larger UIDs than old ones. If not (files), a checkpoint is of no use: start each listing at 0
    /// and skip what the ledger already has.
    pub ascending: bool,
}

/// One message in a listing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listed {
    /// Its UID.
    pub uid: i64,
    /// Size in bytes, as the source says.
    pub size_bytes: i64,
    /// Readable place for files: the file name. Empty for IMAP.
    pub place: String,
}

/// The content of a fetched message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Body {
    /// The exact bytes.
    Bytes(Vec<u8>),
    /// Larger than [`Config::bytes_max`]: to be accounted for, not fetched.
    TooLarge,
}

/// One fetched message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fetched {
    /// Its UID.
    pub uid: i64,
    /// Its content.
    pub body: Body,
}

/// Why [`Mailbox::wait`] came back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wake {
    /// Something changed in the folder.
    News,
    /// The time is over: look anyway, a quiet connection may have died unnoticed.
    Timeout,
}

impl Mailbox {
    /// Opens the mailbox and proves that it can be reached: signs in, or looks at the path. Where the configuration says
    /// `oauth`, the password is a token.
    pub async fn connect(config: &Config, password: Option<&Secret>) -> Result<Self, MailboxError> {
        config.check()?;
        match config.kind {
            Kind::Imap => imap::Imap::connect(config, password).await.map(|imap| Self::Imap(Box::new(imap))),
            Kind::Maildir => maildir::Maildir::open(config).await.map(Self::Maildir),
            Kind::Mbox => mbox::Mbox::open(config).await.map(Self::Mbox),
            Kind::Eml => eml::Eml::open(config).await.map(Self::Eml),
        }
    }

    /// The password or token to sign in with when the connection is next made.
    pub fn renew(&mut self, secret: &Secret) {
        if let Self::Imap(imap) = self {
            imap.renew(secret);
        }
    }

    /// All folders of the mailbox, in order. Sources without folders have one with an empty name.
    pub async fn folders(&mut self) -> Result<Vec<String>, MailboxError> {
        match self {
            Self::Imap(imap) => imap.folders().await,
            Self::Maildir(maildir) => maildir.folders().await,
            Self::Mbox(_) | Self::Eml(_) => Ok(vec![String::new()]),
            Self::Memory(memory) => memory.folders(),
        }
    }

    /// Opens a folder read-only and tells how it stands now.
    pub async fn select(&mut self, folder: &str) -> Result<FolderState, MailboxError> {
        match self {
            Self::Imap(imap) => imap.select(folder).await,
            Self::Maildir(maildir) => maildir.select(folder).await,
            Self::Mbox(mbox) => mbox.select().await,
            Self::Eml(eml) => eml.select().await,
            Self::Memory(memory) => memory.select(folder),
        }
    }

    /// Up to `limit` messages (at most [`BATCH_MAX`]) that follow `after_uid`, oldest first; an empty list is the end.
    ///
    /// `after_uid` is the UID of the last message of the previous batch, or 0 for the start. Where
    /// [`FolderState::ascending`] is false the order is that of age, not of UIDs.
    pub async fn list(
        &mut self,
        folder: &str,
        after_uid: i64,
        limit: usize,
    ) -> Result<Vec<Listed>, MailboxError> {
        let limit = limit.clamp(1, BATCH_MAX);
        match self {
            Self::Imap(imap) => imap.list(folder, after_uid, limit).await,
            Self::Maildir(maildir) => maildir.list(folder, after_uid, limit).await,
            Self::Mbox(mbox) => mbox.list(after_uid, limit).await,
            Self::Eml(eml) => eml.list(after_uid, limit).await,
            Self::Memory(memory) => memory.list(folder, after_uid, limit),
        }
    }

    /// Starts to fetch the exact bytes of these messages; take them with [`Incoming::next`], one at a time.
    pub async fn fetch<'a>(&'a mut self, folder: &str, uids: &[i64]) -> Result<Incoming<'a>, MailboxError> {
        let uids = uids.iter().copied().take(BATCH_MAX).collect::<Vec<_>>();
        Ok(Incoming(match self {
            Self::Imap(imap) => Source::Imap(imap.fetch(folder, &uids).await?),
            files => Source::One { mailbox: files, folder: folder.to_owned(), uids: uids.into_iter() },
        }))
    }

    /// Does to the server's copy what the site wants done once the bytes are kept. Twice is once; a message that is
    /// gone needs nothing.
    pub async fn act(&mut self, folder: &str, uid: i64, after: &After) -> Result<(), MailboxError> {
        if *after == After::Nothing {
            return Ok(());
        }
        match self {
            Self::Imap(imap) => imap.act(folder, uid, after).await,
            Self::Maildir(maildir) => maildir.act(folder, uid, after).await,
            Self::Mbox(_) => {
                Err(MailboxError::unsupported("an mbox file is never changed: set `after = \"nothing\"`"))
            }
            Self::Eml(eml) => eml.act(uid, after).await,
            Self::Memory(memory) => memory.act(folder, uid, after),
        }
    }

    /// Sees to it that a folder has a copy of a sent mail, known by its `Message-ID`; twice is once. An empty folder
    /// name means the one that the source has for sent mail. False if the copy was there.
    pub async fn keep_sent(
        &mut self,
        folder: &str,
        rfc_message_id: &str,
        bytes: &[u8],
    ) -> Result<bool, MailboxError> {
        match self {
            Self::Imap(imap) => imap.keep_sent(folder, rfc_message_id, bytes).await,
            Self::Memory(memory) => memory.keep_sent(folder, rfc_message_id, bytes),
            Self::Maildir(_) | Self::Mbox(_) | Self::Eml(_) => Err(MailboxError::unsupported(
                "copies of sent mail go into IMAP mailboxes only: remove `sent_mailbox`",
            )),
        }
    }

    /// Every UID in the folder, in ascending order: what the ledger is reconciled with.
    pub async fn all_uids(&mut self, folder: &str) -> Result<Vec<i64>, MailboxError> {
        let mut uids = match self {
            Self::Imap(imap) => imap.all_uids(folder).await?,
            Self::Maildir(maildir) => maildir.all_uids(folder).await?,
            Self::Mbox(mbox) => mbox.all_uids().await?,
            Self::Eml(eml) => eml.all_uids().await?,
            Self::Memory(memory) => memory.all_uids(folder)?,
        };
        uids.sort_unstable();
        Ok(uids)
    }

    /// Waits until something changes in the folder, or the time is over. Without IDLE it only lets the time pass.
    pub async fn wait(&mut self, folder: &str, timeout: Duration) -> Result<Wake, MailboxError> {
        match self {
            Self::Imap(imap) => imap.wait(folder, timeout).await,
            Self::Maildir(maildir) => maildir.wait(folder, timeout).await,
            Self::Mbox(mbox) => mbox.wait(timeout).await,
            Self::Eml(eml) => eml.wait(timeout).await,
            Self::Memory(memory) => memory.wait(folder, timeout).await,
        }
    }

    /// Says goodbye to the server. Dropping the mailbox is as good, only less polite.
    pub async fn close(self) {
        if let Self::Imap(imap) = self {
            imap.close().await;
        }
    }

    /// One message of a source that has no pipelining.
    async fn read_one(&mut self, folder: &str, uid: i64) -> Result<Option<Body>, MailboxError> {
        match self {
            Self::Imap(imap) => imap.fetch(folder, &[uid]).await?.next().await.map(|one| one.map(|f| f.body)),
            Self::Maildir(maildir) => maildir.read(folder, uid).await,
            Self::Mbox(mbox) => mbox.read(uid).await,
            Self::Eml(eml) => eml.read(uid).await,
            Self::Memory(memory) => memory.read(folder, uid),
        }
    }
}

/// Messages on their way in. Dropping it early is allowed.
#[derive(Debug)]
pub struct Incoming<'a>(Source<'a>);

#[derive(Debug)]
enum Source<'a> {
    Imap(imap::Incoming<'a>),
    One { mailbox: &'a mut Mailbox, folder: String, uids: std::vec::IntoIter<i64> },
}

impl Incoming<'_> {
    /// The next message that still exists, in no promised order; `None` at the end.
    pub async fn next(&mut self) -> Result<Option<Fetched>, MailboxError> {
        match &mut self.0 {
            Source::Imap(incoming) => incoming.next().await,
            Source::One { mailbox, folder, uids } => {
                for uid in uids.by_ref() {
                    if let Some(body) = mailbox.read_one(folder, uid).await? {
                        return Ok(Some(Fetched { uid, body }));
                    }
                }
                Ok(None)
            }
        }
    }
}

/// A positive 63-bit number that depends on nothing but these bytes.
fn stable_number(parts: &[&[u8]]) -> i64 {
    let mut hash = Sha256::new();
    for part in parts {
        hash.update((part.len() as u64).to_be_bytes());
        hash.update(part);
    }
    let first = hash.finalize().iter().take(8).fold(0_u64, |number, byte| number << 8 | u64::from(*byte));
    i64::try_from(first >> 1).unwrap_or(i64::MAX).max(1)
}

/// Runs file work away from the threads that serve connections.
async fn blocking<T: Send + 'static>(
    path: &Path,
    work: impl FnOnce(&Path) -> std::io::Result<T> + Send + 'static,
) -> Result<T, MailboxError> {
    let path = path.to_owned();
    let named = path.clone();
    match tokio::task::spawn_blocking(move || work(&path)).await {
        Ok(done) => done.map_err(|source| MailboxError::File { path: named, source }),
        Err(failed) => {
            Err(MailboxError::File { path: named, source: std::io::Error::other(failed.to_string()) })
        }
    }
}

/// When each of these paths was last changed; paths that are not there count as never.
fn changed_at(paths: &[PathBuf]) -> Vec<Option<(SystemTime, u64)>> {
    paths
        .iter()
        .map(|path| {
            let meta = path.metadata().ok()?;
            Some((meta.modified().ok()?, if meta.is_file() { meta.len() } else { 0 }))
        })
        .collect()
}

/// Waits until one of these paths has changed since `before`, or the time is over.
async fn wait_for_change(paths: &[PathBuf], before: &[Option<(SystemTime, u64)>], timeout: Duration) -> Wake {
    let end = tokio::time::Instant::now() + timeout;
    loop {
        if changed_at(paths) != before {
            return Wake::News;
        }
        if tokio::time::Instant::now() >= end {
            return Wake::Timeout;
        }
        tokio::time::sleep_until(end.min(tokio::time::Instant::now() + FILE_POLL)).await;
    }
}

/// Reads a whole file unless it is larger than allowed; none if it is gone.
fn read_bounded(path: &Path, bytes_max: u64) -> std::io::Result<Option<Body>> {
    use std::io::Read as _;
    let file = match std::fs::File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error),
    };
    let mut bytes = Vec::new();
    file.take(bytes_max.saturating_add(1)).read_to_end(&mut bytes)?;
    Ok(Some(if bytes.len() as u64 > bytes_max { Body::TooLarge } else { Body::Bytes(bytes) }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stable_numbers_are_positive_and_depend_on_where_parts_end() {
        assert!(stable_number(&[b""]) > 0);
        assert_eq!(stable_number(&[b"a", b"b"]), stable_number(&[b"a", b"b"]));
        assert_ne!(stable_number(&[b"ab"]), stable_number(&[b"a", b"b"]));
        // Written down, because ledgers keep these numbers.
        assert_eq!(stable_number(&[b"1700000000.M1P2.host"]), 3_382_592_756_564_293_889);
    }
}
