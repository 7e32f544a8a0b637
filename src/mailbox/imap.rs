//! A server that speaks IMAP4rev1 (RFC 3501), with IDLE (2177), MOVE (6851) and UIDPLUS (4315) where it can.
//!
//! Does: connect when a call needs it, one command at a time. A session that is in the middle of a command is never used
//! again: if a call fails or is given up, the next one connects anew. An answer counts only with its tagged end, so that a
//! connection that breaks never looks like an empty folder.
//!
//! Does not: use sequence numbers, set `\Seen` on what came in, or expunge anything but the one message that it has moved.
//!
//! Limits: one time limit for each verb below, [`ANSWER_BYTES_MAX`] for answers without content.

mod answer;
mod fetch;
mod idle;
mod probe;
mod sent;
mod sign_in;

use super::{
    After, Config, FolderState, Listed, MailboxError, Tls,
    tls::{self, Meter, Metered},
    utf7,
};
use crate::model::secret::Secret;
use answer::{broken, denied, in_time, is_news, protocol, quoted, server_words, size_of, uid_of};
use async_imap::{
    Session,
    error::Error as ClientError,
    imap_proto::{MailboxDatum, NameAttribute, Outcome, Response, ResponseCode, Status},
};
pub(super) use fetch::Incoming;
pub(super) use probe::probe;
use rustls::ClientConfig;
use std::{
    collections::{BTreeSet, HashMap},
    io,
    sync::Arc,
    time::Duration,
};
use tokio::time::timeout;

/// Until the greeting has come, TLS included.
const CONNECT_SECONDS: u64 = 30;
const LOGIN_SECONDS: u64 = 60;
const SELECT_SECONDS: u64 = 60;
const LIST_SECONDS: u64 = 120;
const SEARCH_SECONDS: u64 = 360;
const ACT_SECONDS: u64 = 60;
const LOGOUT_SECONDS: u64 = 5;

/// The most that a server may send for one command without message content: a search over some millions of messages.
const ANSWER_BYTES_MAX: u64 = 64 * 1024 * 1024;

/// A session that connects when it is needed.
#[derive(Debug)]
pub struct Imap {
    config: Config,
    password: Option<Secret>,
    tls_settings: Option<Arc<ClientConfig>>,
    meter: Meter,
    session: Option<Session<Metered>>,
    capabilities: BTreeSet<String>,
    opened: Option<Opened>,
    /// How each folder stood when the caller selected it.
    told: HashMap<String, FolderState>,
    /// The open folder has changes that the caller has not heard of.
    has_news: bool,
}

#[derive(Clone, Debug)]
struct Opened {
    folder: String,
    writable: bool,
    state: FolderState,
}

impl Imap {
    pub(super) async fn connect(config: &Config, password: Option<&Secret>) -> Result<Self, MailboxError> {
        let tls_settings = match config.tls {
            Tls::Plain => None,
            Tls::Implicit | Tls::Starttls => Some(tls::settings(config)?),
        };
        let mut imap = Self {
            config: config.clone(),
            password: password.cloned(),
            tls_settings,
            meter: Meter::default(),
            session: None,
            capabilities: BTreeSet::new(),
            opened: None,
            told: HashMap::new(),
            has_news: false,
        };
        imap.sign_in().await?;
        Ok(imap)
    }

    /// The password or token to sign in with from now on.
    pub(super) fn renew(&mut self, secret: &Secret) {
        self.password = Some(secret.clone());
    }

    pub(super) async fn folders(&mut self) -> Result<Vec<String>, MailboxError> {
        self.sign_in().await?;
        let mut names = BTreeSet::new();
        self.run("list folders", LIST_SECONDS, "LIST \"\" \"*\"", |response| {
            if let Response::MailboxData(MailboxDatum::List(list)) = response
                && !list.name_attributes.contains(&NameAttribute::NoSelect)
            {
                names.insert(utf7::decode(&list.name));
            }
        })
        .await?;
        Ok(names.into_iter().collect())
    }

    pub(super) async fn select(&mut self, folder: &str) -> Result<FolderState, MailboxError> {
        self.sign_in().await?;
        let state = self.open(folder, false).await?;
        self.told.insert(folder.to_owned(), state);
        Ok(state)
    }

    pub(super) async fn list(
        &mut self,
        folder: &str,
        after_uid: i64,
        limit: usize,
    ) -> Result<Vec<Listed>, MailboxError> {
        let state = self.ensure(folder, false).await?;
        let last = state.uid_next.map(|next| next - 1);
        let mut found = Vec::new();
        let mut low = after_uid.max(0) + 1;
        while found.len() < limit && last.is_none_or(|last| low <= last) {
            let window = (limit - found.len()) as i64;
            let high = low.saturating_add(window - 1).min(last.unwrap_or(i64::from(u32::MAX)));
            let count_before = found.len();
            self.list_sizes(low, high, &mut found).await?;
            low = high + 1;
            if found.len() == count_before && last.is_none_or(|last| low <= last) {
                // A gap: ask where it ends rather than walk through it.
                match self.find_uids(low).await?.first() {
                    Some(next) => low = *next,
                    None => break,
                }
            }
        }
        Ok(found)
    }

    pub(super) async fn all_uids(&mut self, folder: &str) -> Result<Vec<i64>, MailboxError> {
        self.ensure(folder, false).await?;
        Ok(self.find_uids(1).await?.into_iter().collect())
    }

    pub(super) async fn act(&mut self, folder: &str, uid: i64, after: &After) -> Result<(), MailboxError> {
        match after {
            After::Nothing => Ok(()),
            After::Flag(flag) => {
                self.ensure(folder, true).await?;
                self.run(
                    "set a flag",
                    ACT_SECONDS,
                    &format!("UID STORE {uid} +FLAGS.SILENT ({flag})"),
                    |_| {},
                )
                .await
            }
            After::Move(to) => {
                self.ensure(folder, true).await?;
                match self.move_message(uid, to).await {
                    // The folder may not be there yet.
                    Err(MailboxError::Denied { .. }) => {
                        let made = self
                            .run("make a folder", ACT_SECONDS, &format!("CREATE {}", quoted(to)), |_| {})
                            .await;
                        match made {
                            Ok(()) | Err(MailboxError::Denied { .. }) => self.move_message(uid, to).await,
                            Err(error) => Err(error),
                        }
                    }
                    other => other,
                }
            }
        }
    }

    pub(super) async fn close(self) {
        if let Some(mut session) = self.session {
            let _goodbye = timeout(Duration::from_secs(LOGOUT_SECONDS), session.logout()).await;
        }
    }

    /// Makes sure that the folder is open and still numbered as the caller knows it.
    async fn ensure(&mut self, folder: &str, writable: bool) -> Result<FolderState, MailboxError> {
        self.sign_in().await?;
        let state = match &self.opened {
            Some(opened) if opened.folder == folder && (opened.writable || !writable) => opened.state,
            _ => self.open(folder, writable).await?,
        };
        match self.told.get(folder) {
            Some(told) if told.uidvalidity != state.uidvalidity => {
                Err(MailboxError::UidValidityChanged { folder: folder.to_owned() })
            }
            Some(told) => {
                self.has_news |= *told != state;
                Ok(state)
            }
            None => {
                self.told.insert(folder.to_owned(), state);
                Ok(state)
            }
        }
    }

    async fn open(&mut self, folder: &str, writable: bool) -> Result<FolderState, MailboxError> {
        let verb = if writable { "SELECT" } else { "EXAMINE" };
        let (mut uidvalidity, mut uid_next, mut exists) = (None, None, 0);
        self.opened = None;
        let done = self
            .run("open the folder", SELECT_SECONDS, &format!("{verb} {}", quoted(folder)), |response| {
                match response {
                    Response::MailboxData(MailboxDatum::Exists(count)) => exists = i64::from(*count),
                    Response::Data {
                        outcome: Outcome { code: Some(ResponseCode::UidValidity(value)), .. },
                        ..
                    } => {
                        uidvalidity = Some(i64::from(*value));
                    }
                    Response::Data {
                        outcome: Outcome { code: Some(ResponseCode::UidNext(value)), .. },
                        ..
                    } => {
                        uid_next = Some(i64::from(*value));
                    }
                    _ => {}
                }
            })
            .await;
        match done {
            Ok(()) => {}
            Err(MailboxError::Denied { text, .. }) => {
                return Err(MailboxError::NoFolder { folder: folder.to_owned(), text });
            }
            Err(error) => return Err(error),
        }
        let uidvalidity = uidvalidity.ok_or_else(|| protocol("open the folder", "no UIDVALIDITY"))?;
        let state = FolderState { uidvalidity, exists, uid_next, ascending: true };
        self.has_news = false;
        self.opened = Some(Opened { folder: folder.to_owned(), writable, state });
        Ok(state)
    }

    async fn list_sizes(&mut self, low: i64, high: i64, found: &mut Vec<Listed>) -> Result<(), MailboxError> {
        let mut sizes = Vec::new();
        let command = format!("UID FETCH {low}:{high} (UID RFC822.SIZE)");
        self.run("list messages", LIST_SECONDS, &command, |response| {
            if let Response::Fetch(_, attributes) = response
                && let (Some(uid), Some(size)) = (uid_of(attributes), size_of(attributes))
                && (low..=high).contains(&uid)
            {
                sizes.push(Listed { uid, size_bytes: size, place: String::new() });
            }
        })
        .await?;
        sizes.sort_by_key(|listed| listed.uid);
        sizes.dedup_by_key(|listed| listed.uid);
        found.append(&mut sizes);
        Ok(())
    }

    /// The UIDs from here on. A server answers `9:*` with its last message even if that is 8 (RFC 3501, 6.4.8).
    async fn find_uids(&mut self, low: i64) -> Result<BTreeSet<i64>, MailboxError> {
        let mut uids = BTreeSet::new();
        self.run("list messages", SEARCH_SECONDS, &format!("UID SEARCH UID {low}:*"), |response| {
            if let Response::MailboxData(MailboxDatum::Search(list)) = response {
                uids.extend(list.iter().map(|uid| i64::from(*uid)).filter(|uid| *uid >= low));
            }
        })
        .await?;
        Ok(uids)
    }

    async fn move_message(&mut self, uid: i64, to: &str) -> Result<(), MailboxError> {
        let target = quoted(to);
        if self.capabilities.contains("MOVE") {
            return self
                .run("move a message", ACT_SECONDS, &format!("UID MOVE {uid} {target}"), |_| {})
                .await;
        }
        if !self.capabilities.contains("UIDPLUS") {
            return Err(MailboxError::unsupported(
                "the server can neither MOVE nor expunge one message alone (UIDPLUS): set `after` to \"nothing\" or \"flag\"",
            ));
        }
        self.run("copy a message", ACT_SECONDS, &format!("UID COPY {uid} {target}"), |_| {}).await?;
        let delete = format!("UID STORE {uid} +FLAGS.SILENT (\\Deleted)");
        self.run("mark a message as deleted", ACT_SECONDS, &delete, |_| {}).await?;
        self.run("expunge a message", ACT_SECONDS, &format!("UID EXPUNGE {uid}"), |_| {}).await
    }

    /// Runs one command to its tagged end. Whatever stops it before costs the session.
    async fn run(
        &mut self,
        verb: &'static str,
        seconds: u64,
        command: &str,
        mut each: impl FnMut(&Response<'_>) + Send,
    ) -> Result<(), MailboxError> {
        let mut session = self.session.take().ok_or_else(|| broken(verb))?;
        self.meter.allow(ANSWER_BYTES_MAX);
        let mut has_news = false;
        let conversation = async {
            let tag = session.run_command(command).await?;
            loop {
                let response = session.read_response().await?.ok_or(ClientError::ConnectionLost)?;
                if let Response::Done { tag: ended, .. } = response.parsed()
                    && *ended == tag
                {
                    return Ok(response);
                }
                has_news |= is_news(response.parsed());
                each(response.parsed());
            }
        };
        let ended = in_time(verb, seconds, timeout(Duration::from_secs(seconds), conversation)).await?;
        let ended = ended.map_err(|error| self.failed(verb, error))?;
        self.has_news |= has_news;
        match ended.parsed() {
            Response::Done { status: Status::Ok, .. } => {
                self.session = Some(session);
                Ok(())
            }
            Response::Done { status: Status::No, outcome, .. } => {
                self.session = Some(session);
                Err(denied(verb, outcome))
            }
            Response::Done { outcome, .. } => {
                Err(protocol(verb, outcome.information.as_deref().unwrap_or_default()))
            }
            _ => Err(protocol(verb, "the answer has no end")),
        }
    }

    fn failed(&self, verb: &'static str, error: ClientError) -> MailboxError {
        match error {
            ClientError::Io(source) if source.kind() == io::ErrorKind::FileTooLarge => {
                MailboxError::Flooded { bytes_max: self.config.bytes_max }
            }
            // The client reports what it cannot parse with the whole text: that stays out of logs.
            ClientError::Io(source)
                if source.kind() == io::ErrorKind::Other && source.raw_os_error().is_none() =>
            {
                protocol(verb, "the answer cannot be parsed")
            }
            ClientError::Io(source) => MailboxError::Broken { verb, source: Some(source) },
            ClientError::ConnectionLost => broken(verb),
            ClientError::No(text) => MailboxError::Denied { verb, text: server_words(&text) },
            ClientError::Bad(text) => MailboxError::Protocol { verb, text: server_words(&text) },
            _ => protocol(verb, "the answer is not the one that belongs there"),
        }
    }
}
