//! A server that speaks IMAP4rev1 (RFC 3501), with IDLE (2177), MOVE (6851) and UIDPLUS (4315) where it can.
//!
//! Does: connect when a call needs it, one command at a time. A session that is in the middle of a command is never used
//! again: if a call fails or is given up, the next one connects anew. An answer counts only with its tagged end, so that a
//! connection that breaks never looks like an empty folder.
//!
//! Does not: use sequence numbers, set `\Seen`, or expunge anything but the one message that it has moved.
//!
//! Limits: one time limit for each verb below, [`ANSWER_BYTES_MAX`] for answers without content.

use super::{
    After, Body, Config, Fetched, FolderState, Listed, MailboxError, Tls, Wake,
    error::server_text,
    tls::{self, Meter, Metered, Wire},
    utf7,
};
use crate::model::secret::Secret;
use async_imap::{
    Client, Session,
    error::Error as ClientError,
    imap_proto::{
        AttributeValue, Capability, MailboxDatum, NameAttribute, Outcome, RequestId, Response, ResponseCode,
        Status,
    },
};
use rustls::ClientConfig;
use std::{
    collections::{BTreeSet, HashMap},
    fmt::Write as _,
    io,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};
use tokio::{
    io::AsyncWriteExt as _,
    time::{Instant, timeout, timeout_at},
};

/// Until the greeting has come, TLS included.
const CONNECT_SECONDS: u64 = 30;
const LOGIN_SECONDS: u64 = 60;
const SELECT_SECONDS: u64 = 60;
const LIST_SECONDS: u64 = 120;
const SEARCH_SECONDS: u64 = 360;
/// For each message.
const FETCH_SECONDS: u64 = 240;
const ACT_SECONDS: u64 = 60;
const IDLE_START_SECONDS: u64 = 30;
const LOGOUT_SECONDS: u64 = 5;
/// One IDLE lasts no longer: routers forget quiet connections (RFC 2177 allows 29 minutes).
const IDLE_SECONDS_MAX: u64 = 9 * 60;

/// The most that a server may send for one command without message content: a search over some millions of messages.
const ANSWER_BYTES_MAX: u64 = 64 * 1024 * 1024;

/// What an answer may be longer than its message.
const ANSWER_SLACK_BYTES: u64 = 1024 * 1024;

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

/// Messages on their way in. Dropped early, it costs the connection.
#[derive(Debug)]
pub(super) struct Incoming<'a> {
    imap: &'a mut Imap,
    /// None once the answer has ended.
    running: Option<(Session<Metered>, RequestId)>,
    wanted: BTreeSet<i64>,
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

    pub(super) async fn fetch<'a>(
        &'a mut self,
        folder: &str,
        uids: &[i64],
    ) -> Result<Incoming<'a>, MailboxError> {
        let wanted: BTreeSet<i64> =
            uids.iter().copied().filter(|uid| u32::try_from(*uid).is_ok_and(|uid| uid > 0)).collect();
        if wanted.is_empty() {
            return Ok(Incoming { imap: self, running: None, wanted });
        }
        self.ensure(folder, false).await?;
        let mut session = self.session.take().ok_or_else(|| broken("fetch"))?;
        // One byte more than allowed is asked for, so that what is too large can be told from what just fits.
        let bytes = self.config.bytes_max.saturating_add(1).min(u64::from(u32::MAX));
        let command = format!("UID FETCH {} (UID BODY.PEEK[]<0.{bytes}>)", uid_set(&wanted));
        let start = timeout(Duration::from_secs(FETCH_SECONDS), session.run_command(&command));
        let tag =
            in_time("fetch", FETCH_SECONDS, start).await?.map_err(|error| self.failed("fetch", error))?;
        Ok(Incoming { imap: self, running: Some((session, tag)), wanted })
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

    pub(super) async fn wait(&mut self, folder: &str, limit: Duration) -> Result<Wake, MailboxError> {
        self.ensure(folder, false).await?;
        if self.has_news {
            return Ok(Wake::News);
        }
        let end = Instant::now() + limit.min(Duration::from_secs(IDLE_SECONDS_MAX));
        if !self.config.idle || !self.capabilities.contains("IDLE") {
            tokio::time::sleep_until(end).await;
            return Ok(Wake::Timeout);
        }
        let mut session = self.session.take().ok_or_else(|| broken("wait"))?;
        self.meter.allow(ANSWER_BYTES_MAX);
        let start = timeout(Duration::from_secs(IDLE_START_SECONDS), start_idle(&mut session));
        let (tag, mut has_news) = match in_time("start to wait", IDLE_START_SECONDS, start).await? {
            Ok(Idle::Started { tag, has_news }) => (tag, has_news),
            Ok(Idle::Refused) => {
                self.session = Some(session);
                self.capabilities.remove("IDLE");
                tokio::time::sleep_until(end).await;
                return Ok(Wake::Timeout);
            }
            Err(error) => return Err(self.failed("wait", error)),
        };
        while !has_news {
            match timeout_at(end, session.read_response()).await {
                Ok(Ok(Some(response))) => has_news = is_news(response.parsed()),
                Ok(Ok(None)) => return Err(broken("wait")),
                Ok(Err(error)) => return Err(self.failed("wait", ClientError::Io(error))),
                Err(_elapsed) => break,
            }
        }
        let stop = timeout(Duration::from_secs(IDLE_START_SECONDS), stop_idle(&mut session, &tag));
        has_news |= in_time("stop to wait", IDLE_START_SECONDS, stop)
            .await?
            .map_err(|error| self.failed("wait", error))?;
        self.session = Some(session);
        Ok(if has_news { Wake::News } else { Wake::Timeout })
    }

    pub(super) async fn close(self) {
        if let Some(mut session) = self.session {
            let _goodbye = timeout(Duration::from_secs(LOGOUT_SECONDS), session.logout()).await;
        }
    }

    /// Connects and signs in, unless that is done.
    async fn sign_in(&mut self) -> Result<(), MailboxError> {
        if self.session.is_some() {
            return Ok(());
        }
        self.opened = None;
        self.meter.allow(ANSWER_BYTES_MAX);
        let greeted = timeout(Duration::from_secs(CONNECT_SECONDS), self.greet());
        let client = in_time("connect", CONNECT_SECONDS, greeted).await??;
        let login = timeout(Duration::from_secs(LOGIN_SECONDS), self.login(client));
        self.session = Some(in_time("log in", LOGIN_SECONDS, login).await??);
        let mut capabilities = BTreeSet::new();
        self.run("ask for capabilities", LOGIN_SECONDS, "CAPABILITY", |response| {
            if let Response::Capabilities(list) = response {
                capabilities.extend(list.iter().filter_map(|capability| match capability {
                    Capability::Atom(atom) => Some(atom.to_ascii_uppercase()),
                    _ => None,
                }));
            }
        })
        .await?;
        self.capabilities = capabilities;
        Ok(())
    }

    /// A connection whose server has said hello, protected as configured.
    async fn greet(&self) -> Result<Client<Metered>, MailboxError> {
        let mut wire: Box<dyn Wire> = Box::new(tls::dial(&self.config).await?);
        if let (Tls::Implicit, Some(settings)) = (self.config.tls, &self.tls_settings) {
            wire = tls::secure(&self.config, settings, wire).await?;
        }
        let mut client = Client::new(Metered::new(wire, &self.meter));
        let greeting = client.read_response().await.map_err(|error| self.not_imap(error))?;
        match greeting.as_ref().map(|response| response.parsed()) {
            Some(Response::Data { status: Status::Ok, .. }) => {}
            Some(Response::Data { status: Status::Bye, outcome, .. }) => {
                return Err(denied("connect", outcome));
            }
            Some(_) => return Err(protocol("connect", "the greeting is not one")),
            None => return Err(broken("connect")),
        }
        let (Tls::Starttls, Some(settings)) = (self.config.tls, &self.tls_settings) else {
            return Ok(client);
        };
        match client.run_command_and_check_ok("STARTTLS", None).await {
            Ok(()) => {}
            Err(ClientError::No(_) | ClientError::Bad(_)) => {
                return Err(MailboxError::NoStarttls {
                    host: self.config.host.clone(),
                    port: self.config.port(),
                });
            }
            Err(error) => return Err(self.failed("connect", error)),
        }
        // Whatever came unprotected after the answer is thrown away with the old client.
        let wire = tls::secure(&self.config, settings, client.into_inner().into_wire()).await?;
        Ok(Client::new(Metered::new(wire, &self.meter)))
    }

    async fn login(&self, client: Client<Metered>) -> Result<Session<Metered>, MailboxError> {
        let user = &self.config.user;
        let password = self.password.as_ref().map_or("", Secret::reveal);
        if self.config.oauth.is_some() {
            return self.login_by_token(client, user, password).await;
        }
        let signed_in = if user.is_ascii() && password.is_ascii() {
            client.login(user, password).await
        } else {
            let plain = Plain(format!("\0{user}\0{password}"));
            client.authenticate("PLAIN", plain).await
        };
        signed_in.map_err(|(error, _client)| match error {
            ClientError::No(text) if text.contains("UNAVAILABLE") => {
                MailboxError::Denied { verb: "log in", text: server_words(&text) }
            }
            ClientError::No(text) | ClientError::Bad(text) => {
                MailboxError::LoginRejected { host: self.config.host.clone(), text: server_words(&text) }
            }
            other => self.failed("log in", other),
        })
    }

    /// OAUTHBEARER (RFC 7628), or XOAUTH2 where the server has only that.
    async fn login_by_token(
        &self,
        mut client: Client<Metered>,
        user: &str,
        token: &str,
    ) -> Result<Session<Metered>, MailboxError> {
        let (mut standard, mut elder) = (false, false);
        let asked = async {
            client.get_mut().write_all(b"c CAPABILITY\r\n").await?;
            client.get_mut().flush().await
        };
        asked.await.map_err(|error| self.failed("log in", ClientError::Io(error)))?;
        loop {
            let answer = client.read_response().await;
            let answer = answer.map_err(|error| self.failed("log in", ClientError::Io(error)))?;
            let answer = answer.ok_or_else(|| broken("log in"))?;
            match answer.parsed() {
                Response::Capabilities(list) => {
                    let has = |name: &str| {
                        list.iter().any(|capability| {
                            matches!(capability, Capability::Auth(auth) if auth.eq_ignore_ascii_case(name))
                        })
                    };
                    (standard, elder) = (has("OAUTHBEARER"), has("XOAUTH2"));
                }
                Response::Done { tag, .. } if tag.0 == "c" => break,
                _ => {}
            }
        }
        let host = self.config.host.clone();
        let (mechanism, answer) = match (standard, elder) {
            (true, _) => {
                let name = user.replace('=', "=3D").replace(',', "=2C");
                ("OAUTHBEARER", format!("n,a={name},\x01auth=Bearer {token}\x01\x01"))
            }
            (false, true) => ("XOAUTH2", format!("user={user}\x01auth=Bearer {token}\x01\x01")),
            (false, false) => {
                let text =
                    "it offers neither OAUTHBEARER nor XOAUTH2: set `password` instead of `oauth`".to_owned();
                return Err(MailboxError::LoginRejected { host, text });
            }
        };
        let said = Arc::new(Mutex::new(String::new()));
        let bearer = Bearer { answer: Some(answer), said: Arc::clone(&said) };
        client.authenticate(mechanism, bearer).await.map_err(|(error, _client)| match error {
            ClientError::No(text) | ClientError::Bad(text) => {
                let said = said.lock().unwrap_or_else(PoisonError::into_inner);
                MailboxError::TokenRejected {
                    host,
                    text: server_text(&format!("{} {said}", server_words(&text))),
                }
            }
            other => self.failed("log in", other),
        })
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

    /// Nothing sensible came as a greeting: most likely TLS is spoken at one end only.
    fn not_imap(&self, error: io::Error) -> MailboxError {
        match self.failed("connect", ClientError::Io(error)) {
            MailboxError::Protocol { .. } => MailboxError::Tls {
                host: self.config.host.clone(),
                port: self.config.port(),
                source: io::ErrorKind::InvalidData.into(),
            },
            other => other,
        }
    }
}

impl Incoming<'_> {
    pub(super) async fn next(&mut self) -> Result<Option<Fetched>, MailboxError> {
        let allowed = self.imap.config.bytes_max.saturating_add(ANSWER_SLACK_BYTES);
        loop {
            let Some((mut session, tag)) = self.running.take() else { return Ok(None) };
            self.imap.meter.allow(allowed);
            let read = timeout(Duration::from_secs(FETCH_SECONDS), session.read_response());
            let response = match in_time("fetch", FETCH_SECONDS, read).await? {
                Ok(Some(response)) => response,
                Ok(None) => return Err(broken("fetch")),
                Err(error) => return Err(self.imap.failed("fetch", ClientError::Io(error))),
            };
            match response.parsed() {
                Response::Done { tag: ended, status, outcome } if *ended == tag => {
                    return match status {
                        Status::Ok => {
                            self.imap.session = Some(session);
                            Ok(None)
                        }
                        Status::No => {
                            self.imap.session = Some(session);
                            Err(denied("fetch", outcome))
                        }
                        _ => Err(protocol("fetch", outcome.information.as_deref().unwrap_or_default())),
                    };
                }
                Response::Fetch(_, attributes) => {
                    let fetched = self.take(attributes)?;
                    self.running = Some((session, tag));
                    if fetched.is_some() {
                        return Ok(fetched);
                    }
                }
                other => {
                    self.imap.has_news |= is_news(other);
                    self.running = Some((session, tag));
                }
            }
        }
    }

    /// The message in an answer, if it is one that was asked for; servers also tell of flags in between.
    fn take(&mut self, attributes: &[AttributeValue<'_>]) -> Result<Option<Fetched>, MailboxError> {
        let content = attributes.iter().find_map(|attribute| match attribute {
            AttributeValue::BodySection { section: None, data, .. } => Some(data),
            _ => None,
        });
        let (Some(uid), Some(data)) = (uid_of(attributes), content) else { return Ok(None) };
        if !self.wanted.remove(&uid) {
            return Ok(None);
        }
        let Some(data) = data else {
            let text = format!("there is no content for message {uid}");
            return Err(MailboxError::Denied { verb: "fetch", text });
        };
        let too_large = data.len() as u64 > self.imap.config.bytes_max;
        let body = if too_large { Body::TooLarge } else { Body::Bytes(data.to_vec()) };
        Ok(Some(Fetched { uid, body }))
    }
}

/// The one answer of SASL PLAIN (RFC 4616).
struct Plain(String);

impl async_imap::Authenticator for Plain {
    type Response = String;

    fn process(&mut self, _challenge: &[u8]) -> String {
        self.0.clone()
    }
}

/// The answer of OAUTHBEARER and XOAUTH2, then an empty one to a refusal that comes with its reason.
struct Bearer {
    answer: Option<String>,
    /// The server's reason, in JSON.
    said: Arc<Mutex<String>>,
}

impl async_imap::Authenticator for Bearer {
    type Response = String;

    fn process(&mut self, challenge: &[u8]) -> String {
        self.answer.take().unwrap_or_else(|| {
            *self.said.lock().unwrap_or_else(PoisonError::into_inner) =
                String::from_utf8_lossy(challenge).into_owned();
            "\x01".to_owned()
        })
    }
}

enum Idle {
    Started { tag: RequestId, has_news: bool },
    Refused,
}

async fn start_idle(session: &mut Session<Metered>) -> Result<Idle, ClientError> {
    let tag = session.run_command("IDLE").await?;
    let mut has_news = false;
    loop {
        let response = session.read_response().await?.ok_or(ClientError::ConnectionLost)?;
        match response.parsed() {
            Response::Continue(_) => return Ok(Idle::Started { tag, has_news }),
            Response::Done { tag: ended, .. } if *ended == tag => return Ok(Idle::Refused),
            other => has_news |= is_news(other),
        }
    }
}

async fn stop_idle(session: &mut Session<Metered>, tag: &RequestId) -> Result<bool, ClientError> {
    session.run_command_untagged("DONE").await?;
    let mut has_news = false;
    loop {
        let response = session.read_response().await?.ok_or(ClientError::ConnectionLost)?;
        match response.parsed() {
            Response::Done { tag: ended, .. } if ended == tag => return Ok(has_news),
            other => has_news |= is_news(other),
        }
    }
}

/// Whether messages came or went. Flags do not count.
fn is_news(response: &Response<'_>) -> bool {
    matches!(
        response,
        Response::Expunge(_) | Response::Vanished { .. } | Response::MailboxData(MailboxDatum::Exists(_))
    )
}

fn uid_of(attributes: &[AttributeValue<'_>]) -> Option<i64> {
    attributes.iter().find_map(|attribute| match attribute {
        AttributeValue::Uid(uid) => Some(i64::from(*uid)),
        _ => None,
    })
}

fn size_of(attributes: &[AttributeValue<'_>]) -> Option<i64> {
    attributes.iter().find_map(|attribute| match attribute {
        AttributeValue::Rfc822Size(size) => Some(i64::from(*size)),
        _ => None,
    })
}

/// `1:3,7` for 1, 2, 3, 7.
fn uid_set(uids: &BTreeSet<i64>) -> String {
    let mut runs: Vec<(i64, i64)> = Vec::new();
    for uid in uids {
        match runs.last_mut() {
            Some((_, last)) if *last + 1 == *uid => *last = *uid,
            _ => runs.push((*uid, *uid)),
        }
    }
    let mut set = String::new();
    for (first, last) in runs {
        let comma = if set.is_empty() { "" } else { "," };
        let _infallible =
            if first == last { write!(set, "{comma}{first}") } else { write!(set, "{comma}{first}:{last}") };
    }
    set
}

/// A folder name as a quoted string. Control characters were refused with the configuration.
fn quoted(folder: &str) -> String {
    format!("\"{}\"", utf7::encode(folder).replace('\\', "\\\\").replace('"', "\\\""))
}

async fn in_time<T>(
    verb: &'static str,
    seconds: u64,
    limited: impl Future<Output = Result<T, tokio::time::error::Elapsed>>,
) -> Result<T, MailboxError> {
    limited.await.map_err(|_elapsed| MailboxError::Timeout { verb, seconds })
}

fn broken(verb: &'static str) -> MailboxError {
    MailboxError::Broken { verb, source: None }
}

fn protocol(verb: &'static str, text: &str) -> MailboxError {
    MailboxError::Protocol { verb, text: server_text(text) }
}

fn denied(verb: &'static str, outcome: &Outcome<'_>) -> MailboxError {
    MailboxError::Denied { verb, text: server_text(outcome.information.as_deref().unwrap_or_default()) }
}

/// The server's own words in what the client makes of them: `code: None, info: Some("…")`.
fn server_words(text: &str) -> String {
    let words = text.split_once("info: Some(\"").and_then(|(_, rest)| rest.rsplit_once("\")"));
    server_text(words.map_or(text, |(words, _)| words))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn uid_sets_are_short() {
        for (uids, expected) in [(vec![], ""), (vec![7], "7"), (vec![3, 1, 2, 7, 9, 8, 20], "1:3,7:9,20")] {
            assert_eq!(uid_set(&uids.into_iter().collect()), expected);
        }
    }

    #[test]
    fn folder_names_are_quoted_and_encoded() {
        assert_eq!(quoted("Best\"ä\\llt"), "\"Best\\\"&AOQ-\\\\llt\"");
    }

    #[test]
    fn the_server_is_quoted_without_the_clients_wrapping() {
        let wrapped = "code: None, info: Some(\"[AUTHENTICATIONFAILED] Authentication failed.\")";
        assert_eq!(server_words(wrapped), "[AUTHENTICATIONFAILED] Authentication failed.");
        assert_eq!(server_words("plain"), "plain");
    }
}
