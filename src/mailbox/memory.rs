//! Messages in memory, for tests: the same contract as a server, and stricter where servers are lax.
//!
//! A handle can be cloned; all clones see the same folders, so that a test can deliver while a [`super::Mailbox`] is open.
//! [`Memory::fail_at`] makes one future call fail, to try what a broken connection does at that point.

use super::{After, Body, FolderState, Listed, MailboxError, Wake};
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};
use tokio::sync::Notify;

/// The UIDVALIDITY that each folder starts with.
const FIRST_UIDVALIDITY: i64 = 1;

/// A mailbox in memory.
#[derive(Clone, Debug, Default)]
pub struct Memory {
    state: Arc<Mutex<State>>,
    changed: Arc<Notify>,
}

#[derive(Debug, Default)]
struct State {
    folders: BTreeMap<String, Folder>,
    selected: BTreeMap<String, i64>,
    bytes_max: Option<u64>,
    calls: u64,
    fail_at: BTreeSet<u64>,
}

#[derive(Debug)]
struct Folder {
    uidvalidity: i64,
    uid_next: i64,
    changes: u64,
    seen_changes: u64,
    messages: BTreeMap<i64, Message>,
}

#[derive(Debug, Default)]
struct Message {
    bytes: Vec<u8>,
    flags: BTreeSet<String>,
    refused: bool,
}

impl Default for Folder {
    fn default() -> Self {
        Self {
            uidvalidity: FIRST_UIDVALIDITY,
            uid_next: 1,
            changes: 0,
            seen_changes: 0,
            messages: BTreeMap::new(),
        }
    }
}

impl Memory {
    /// A mailbox with an empty `INBOX`.
    pub fn new() -> Self {
        let memory = Self::default();
        memory.lock().folders.insert("INBOX".to_owned(), Folder::default());
        memory
    }

    /// Delivers a message; the folder is made if it does not exist. Returns its UID.
    pub fn append(&self, folder: &str, bytes: &[u8]) -> i64 {
        let uid = self.lock().append(folder, Message { bytes: bytes.to_vec(), ..Message::default() });
        self.changed.notify_waiters();
        uid
    }

    /// Keeps a copy of a sent mail, as [`super::Mailbox::keep_sent`] says.
    pub(super) fn keep_sent(
        &self,
        folder: &str,
        rfc_message_id: &str,
        bytes: &[u8],
    ) -> Result<bool, MailboxError> {
        let folder = if folder.is_empty() { "Sent" } else { folder };
        let mut state = self.called("keep a copy")?;
        let id = format!("Message-ID: <{rfc_message_id}>").to_lowercase();
        let is_copy = |bytes: &[u8]| String::from_utf8_lossy(bytes).to_lowercase().contains(&id);
        if state.folders.get(folder).is_some_and(|folder| folder.messages.values().any(|m| is_copy(&m.bytes)))
        {
            return Ok(false);
        }
        let flags = BTreeSet::from(["\\Seen".to_owned()]);
        state.append(folder, Message { bytes: bytes.to_vec(), flags, refused: false });
        drop(state);
        self.changed.notify_waiters();
        Ok(true)
    }

    /// Removes a message, as another client would.
    pub fn remove(&self, folder: &str, uid: i64) {
        if let Some(folder) = self.lock().folders.get_mut(folder) {
            folder.messages.remove(&uid);
            folder.changes += 1;
        }
        self.changed.notify_waiters();
    }

    /// The server lists a message, yet will not hand it out (or will again), as one with a damaged store does.
    pub fn refuse(&self, folder: &str, uid: i64, refused: bool) {
        if let Some(message) = self.lock().folders.get_mut(folder).and_then(|f| f.messages.get_mut(&uid)) {
            message.refused = refused;
        }
    }

    /// Numbers a folder anew: other UIDVALIDITY, UIDs from 1.
    pub fn renumber(&self, folder: &str) {
        if let Some(folder) = self.lock().folders.get_mut(folder) {
            folder.uidvalidity += 1;
            let messages = std::mem::take(&mut folder.messages);
            folder.messages = (1..).zip(messages.into_values()).collect();
            folder.uid_next = folder.messages.len() as i64 + 1;
            folder.changes += 1;
        }
    }

    /// The flags of a message; none if it is not there.
    pub fn flags(&self, folder: &str, uid: i64) -> Option<Vec<String>> {
        let state = self.lock();
        let message = state.folders.get(folder)?.messages.get(&uid)?;
        Some(message.flags.iter().cloned().collect())
    }

    /// Messages larger than this come as [`Body::TooLarge`].
    pub fn set_bytes_max(&self, bytes_max: u64) {
        self.lock().bytes_max = Some(bytes_max);
    }

    /// How many calls a mailbox has made so far.
    pub fn calls(&self) -> u64 {
        self.lock().calls
    }

    /// Makes the call with this number (the first is 1) fail as a broken connection does, once.
    pub fn fail_at(&self, call: u64) {
        self.lock().fail_at.insert(call);
    }

    pub(super) fn folders(&self) -> Result<Vec<String>, MailboxError> {
        Ok(self.called("list folders")?.folders.keys().cloned().collect())
    }

    pub(super) fn select(&self, name: &str) -> Result<FolderState, MailboxError> {
        let mut state = self.called("select")?;
        let folder = state.folder(name)?;
        folder.seen_changes = folder.changes;
        let selected = FolderState {
            uidvalidity: folder.uidvalidity,
            exists: folder.messages.len() as i64,
            uid_next: Some(folder.uid_next),
            ascending: true,
        };
        state.selected.insert(name.to_owned(), selected.uidvalidity);
        Ok(selected)
    }

    pub(super) fn list(&self, name: &str, after: i64, limit: usize) -> Result<Vec<Listed>, MailboxError> {
        let mut state = self.called("list")?;
        let folder = state.same_folder(name)?;
        let listed = |(uid, message): (&i64, &Message)| Listed {
            uid: *uid,
            size_bytes: message.bytes.len() as i64,
            place: String::new(),
        };
        Ok(folder.messages.range(after.saturating_add(1)..).take(limit).map(listed).collect())
    }

    pub(super) fn all_uids(&self, name: &str) -> Result<Vec<i64>, MailboxError> {
        let mut state = self.called("list")?;
        Ok(state.same_folder(name)?.messages.keys().copied().collect())
    }

    pub(super) fn read(&self, name: &str, uid: i64) -> Result<Option<Body>, MailboxError> {
        let mut state = self.called("fetch")?;
        let bytes_max = state.bytes_max.unwrap_or(u64::MAX);
        let message = state.same_folder(name)?.messages.get(&uid);
        if message.is_some_and(|message| message.refused) {
            return Err(MailboxError::Denied { verb: "fetch", text: "internal error".to_owned() });
        }
        Ok(message.map(|message| {
            let too_large = message.bytes.len() as u64 > bytes_max;
            if too_large { Body::TooLarge } else { Body::Bytes(message.bytes.clone()) }
        }))
    }

    pub(super) fn act(&self, name: &str, uid: i64, after: &After) -> Result<(), MailboxError> {
        let mut state = self.called("act")?;
        let folder = state.same_folder(name)?;
        match after {
            After::Nothing => {}
            After::Flag(flag) => {
                if let Some(message) = folder.messages.get_mut(&uid) {
                    message.flags.insert(flag.clone());
                }
            }
            After::Move(to) => {
                if let Some(message) = folder.messages.remove(&uid) {
                    folder.changes += 1;
                    state.append(to, message);
                }
            }
        }
        Ok(())
    }

    pub(super) async fn wait(&self, name: &str, timeout: Duration) -> Result<Wake, MailboxError> {
        let end = tokio::time::Instant::now() + timeout;
        drop(self.called("wait")?);
        loop {
            let notified = self.changed.notified();
            tokio::pin!(notified);
            notified.as_mut().enable();
            let has_news = {
                let mut state = self.lock();
                let folder = state.folder(name)?;
                let has_news = folder.changes != folder.seen_changes;
                folder.seen_changes = folder.changes;
                has_news
            };
            if has_news {
                return Ok(Wake::News);
            }
            if tokio::time::timeout_at(end, notified).await.is_err() {
                return Ok(Wake::Timeout);
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Counts the call, and fails it if a test wants so.
    fn called(&self, verb: &'static str) -> Result<MutexGuard<'_, State>, MailboxError> {
        let mut state = self.lock();
        state.calls += 1;
        let call = state.calls;
        if state.fail_at.remove(&call) {
            return Err(MailboxError::Broken { verb, source: None });
        }
        Ok(state)
    }
}

impl State {
    fn append(&mut self, folder: &str, message: Message) -> i64 {
        let folder = self.folders.entry(folder.to_owned()).or_default();
        let uid = folder.uid_next;
        folder.messages.insert(uid, message);
        folder.uid_next += 1;
        folder.changes += 1;
        uid
    }

    fn folder(&mut self, name: &str) -> Result<&mut Folder, MailboxError> {
        self.folders.get_mut(name).ok_or_else(|| MailboxError::NoFolder {
            folder: name.to_owned(),
            text: "no such folder in memory".to_owned(),
        })
    }

    /// The folder, provided that it still has the UIDVALIDITY with which it was selected.
    fn same_folder(&mut self, name: &str) -> Result<&mut Folder, MailboxError> {
        let selected = self.selected.get(name).copied();
        let folder = self.folder(name)?;
        match selected {
            Some(uidvalidity) if uidvalidity != folder.uidvalidity => {
                Err(MailboxError::UidValidityChanged { folder: name.to_owned() })
            }
            _ => Ok(folder),
        }
    }
}
