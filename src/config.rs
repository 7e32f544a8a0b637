//! The typed configuration: `mailroom.toml`, then the environment, then checks that concern several parts.
//!
//! A key `site.name` is overridden by the variable `MAILROOM__SITE__NAME` (two underscores between the levels).
//! Secrets never stand in the file: a [`SecretRef`] names a variable or a file. Unknown keys are errors.
//! `mailroom.example.toml` documents every key; a test parses it and compares it with the defaults.
//!
//! What administrators may change on the pages, and how that meets the file, is in [`settings`] and [`mailboxes`].
//! Does not: open anything (that is [`crate::app`]). No other module reads the environment.

pub mod mailboxes;
pub mod settings;

use crate::{
    blob, mailbox,
    model::{
        calendar::Calendar,
        draft::Kind,
        openid,
        secret::{Secret, SecretRef},
        ticket::Queue,
    },
    reader,
    reply::{self, limits},
    search,
    store::{self, person::Role},
};
use anyhow::{Context as _, bail};
use serde::Deserialize;
use std::{
    collections::BTreeSet,
    net::IpAddr,
    path::{Path, PathBuf},
};

/// The longest time that a queue may give for an answer: a year.
const ANSWER_HOURS_MAX: i64 = 24 * 366;

/// The commented example with every key; also printed by `mailroom check --example`.
pub const EXAMPLE: &str = include_str!("../mailroom.example.toml");

/// Everything that can be configured, checked.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// Who we are.
    pub site: Site,
    /// Where rows are kept.
    pub database: store::Config,
    /// Where bytes are kept.
    pub blob: blob::Config,
    /// The full-text index.
    pub search: search::Config,
    /// Reader processes.
    pub reader: reader::Config,
    /// Mailboxes to poll.
    pub mailbox: Vec<mailbox::Config>,
    /// Outgoing mail.
    pub mail_out: reply::Config,
    /// How much is done at once, and how much is too much.
    pub limits: Limits,
    /// The pages.
    pub web: Web,
    /// How people sign in.
    pub sign_in: SignIn,
    /// Sorting into queues.
    pub classify: Classify,
    /// What the site says of its queues; those that it does not name are as built in.
    pub queue: Vec<QueueRules>,
    /// Approval without a person.
    pub straight_through: StraightThrough,
    /// When nobody works.
    pub calendar: Calendar,
}

/// Who we are.
#[derive(Clone, Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Site {
    /// Name in replies and on pages.
    pub name: String,
    /// Names under which customers order from us: on an order, these are the vendor.
    pub names: Vec<String>,
    /// Postal address under letters, one line each; empty: none.
    pub address: String,
    /// What stands under letters besides name and address: telephone, register, opening hours; empty: nothing.
    pub signature: String,
    /// Our own mail addresses, besides the sender of replies: mail from them is our own.
    pub addresses: Vec<String>,
    /// Folder of the embedded defaults: database, bytes, index, signing key.
    pub data_dir: PathBuf,
    /// Key that signs our Message-IDs; without one, a key is made once in `data_dir`.
    pub signing_key: Option<SecretRef>,
}

impl Default for Site {
    fn default() -> Self {
        Self {
            name: "Mailroom".to_owned(),
            names: Vec::new(),
            address: String::new(),
            signature: String::new(),
            addresses: Vec::new(),
            data_dir: PathBuf::from("mailroom-data"),
            signing_key: None,
        }
    }
}

/// How much is done at once, and how much is too much.
#[derive(Clone, Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Limits {
    /// Messages processed at the same time; 0 means one for each core.
    pub workers: usize,
    /// A message that takes longer goes to quarantine after its tries, in seconds.
    pub message_seconds: u64,
    /// Tries of a message before quarantine.
    pub attempts: i64,
    /// Archive levels that are opened: a ZIP in a ZIP in a ZIP is 3.
    pub archive_depth: u32,
    /// Documents taken from one message.
    pub documents_per_message: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self { workers: 0, message_seconds: 1800, attempts: 3, archive_depth: 3, documents_per_message: 200 }
    }
}

/// The pages.
#[derive(Clone, Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Web {
    /// Address and port to listen on.
    pub listen: String,
    /// Address under which people reach the pages; `https` makes the session cookie `Secure`.
    pub base_url: String,
    /// A session ends after this many hours.
    pub session_hours: i64,
    /// Time zone that times are shown in, by its IANA name: `Europe/Stockholm`.
    pub time_zone: String,
    /// Addresses of the proxies in front of us: what they say in `X-Forwarded-For` is believed.
    pub proxies: Vec<IpAddr>,
}

impl Default for Web {
    fn default() -> Self {
        Self {
            listen: "127.0.0.1:8025".to_owned(),
            base_url: "http://127.0.0.1:8025".to_owned(),
            session_hours: 12,
            time_zone: "UTC".to_owned(),
            proxies: Vec::new(),
        }
    }
}

/// How people sign in.
#[derive(Clone, Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct SignIn {
    /// Whether a password, with its second factor, is good for signing in.
    pub passwords: bool,
    /// Role of people who sign in at the provider and whom nobody added; without one, nobody is added by signing in.
    pub new_people: Option<Role>,
    /// Domains of the mail addresses of people who may be added by signing in.
    pub new_people_domains: Vec<String>,
    /// Sign-in with an account at a provider.
    pub openid: Option<openid::Config>,
}

impl Default for SignIn {
    fn default() -> Self {
        Self { passwords: true, new_people: None, new_people_domains: Vec::new(), openid: None }
    }
}

impl SignIn {
    fn check(&self) -> anyhow::Result<()> {
        match &self.openid {
            Some(openid) => openid.check().map_err(anyhow::Error::msg)?,
            None if !self.passwords => bail!(
                "sign_in.passwords is false and there is no section [sign_in.openid]: nobody could sign in"
            ),
            None => {}
        }
        if self.new_people.is_some() && self.new_people_domains.is_empty() {
            bail!(
                "sign_in.new_people adds people by themselves: say with new_people_domains whose, e.g. [\"example.com\"]"
            );
        }
        Ok(())
    }
}

/// Sorting into queues.
#[derive(Clone, Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Classify {
    /// Below this confidence a message goes to the triage queue: 0 to 1.
    pub threshold: f32,
    /// Where what is not clear enough goes.
    pub unclear: Queue,
}

impl Default for Classify {
    fn default() -> Self {
        Self { threshold: 0.6, unclear: Queue::Triage }
    }
}

/// What a site says of one queue.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct QueueRules {
    /// Which.
    pub name: Queue,
    /// What people call it on the pages; empty: as the pages' language does.
    pub label: String,
    /// Mail to one of these addresses goes there, whatever it says.
    pub addresses: Vec<String>,
    /// A message is to be answered within so many hours; 0: no limit.
    pub answer_hours: i64,
}

impl Default for QueueRules {
    fn default() -> Self {
        Self { name: Queue::Triage, label: String::new(), addresses: Vec::new(), answer_hours: 0 }
    }
}

/// Approval without a person.
#[derive(Clone, Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct StraightThrough {
    /// Whether any draft is approved without a person.
    pub enabled: bool,
    /// Least confidence of the kind and of every value: 0 to 1.
    pub threshold: f32,
    /// Share of the drafts that could pass which a person decides anyway, so that the error is known: 0 to 1.
    pub audit_share: f64,
    /// What may pass.
    pub kinds: Vec<Kind>,
}

impl Default for StraightThrough {
    fn default() -> Self {
        Self { enabled: false, threshold: 0.99, audit_share: 0.05, kinds: vec![Kind::PurchaseOrder] }
    }
}

impl Config {
    /// The same with every place that is left empty filled in: within `site.data_dir`.
    #[must_use]
    pub fn with_places(mut self) -> Self {
        let data = &self.site.data_dir;
        if self.database.url.is_empty() {
            self.database.url = format!("sqlite:{}", data.join("mailroom.db").display());
        }
        if self.blob.url.is_empty() {
            self.blob.url = format!("file:{}", data.join("blob").display());
        }
        if self.search.folder.as_os_str().is_empty() {
            self.search.folder = data.join("index");
        }
        if self.mail_out.directory.as_os_str().is_empty() {
            self.mail_out.directory = data.join("outgoing");
        }
        self
    }

    /// Reads a file and the environment; without a file, the embedded defaults.
    pub fn load(path: Option<&Path>) -> anyhow::Result<Self> {
        let default = Path::new("mailroom.toml");
        let path = path.or_else(|| default.exists().then_some(default));
        let text = match path {
            Some(path) => std::fs::read_to_string(path)
                .with_context(|| format!("failed to read the configuration {}", path.display()))?,
            None => String::new(),
        };
        Self::parse(&text, config::Environment::with_prefix("MAILROOM"))
            .with_context(|| path.map_or_else(|| "environment".to_owned(), |p| p.display().to_string()))
    }

    /// The configuration in a TOML text, with what the environment overrides.
    fn parse(text: &str, environment: config::Environment) -> anyhow::Result<Self> {
        let config: Self = config::Config::builder()
            .add_source(config::File::from_str(text, config::FileFormat::Toml))
            .add_source(environment.prefix_separator("__").separator("__").try_parsing(true))
            .build()
            .and_then(config::Config::try_deserialize)
            .context("the configuration has an error; mailroom.example.toml documents every key")?;
        config.check()?;
        Ok(config)
    }

    /// A mailbox by its name.
    pub fn mailbox(&self, name: &str) -> Option<&mailbox::Config> {
        self.mailbox.iter().find(|mailbox| mailbox.name == name)
    }

    /// What the site says of a queue.
    pub fn queue(&self, name: Queue) -> Option<&QueueRules> {
        self.queue.iter().find(|rules| rules.name == name)
    }

    /// What no single part can see.
    fn check(&self) -> anyhow::Result<()> {
        self.check_queues()?;
        self.sign_in.check()?;
        let mut names = BTreeSet::new();
        for mailbox in &self.mailbox {
            mailbox.check()?;
            if !names.insert(mailbox.name.as_str()) {
                bail!("two mailboxes are named {:?}: give each a name of its own", mailbox.name);
            }
        }
        if !(0.0..=1.0).contains(&self.classify.threshold) {
            bail!("classify.threshold must lie between 0 and 1, not {}", self.classify.threshold);
        }
        let straight = &self.straight_through;
        if !(0.5..=1.0).contains(&straight.threshold) || !(0.0..=1.0).contains(&straight.audit_share) {
            bail!(
                "straight_through.threshold must lie between 0.5 and 1 and audit_share between 0 and 1, not {} and {}",
                straight.threshold,
                straight.audit_share
            );
        }
        if jiff::tz::TimeZone::get(&self.web.time_zone).is_err() {
            bail!(
                "web.time_zone must be the IANA name of a time zone such as Europe/Stockholm, not {:?}",
                self.web.time_zone
            );
        }
        if self.limits.attempts < 1 {
            bail!("limits.attempts must be at least 1");
        }
        Ok(())
    }

    /// Whether outgoing mail names mailboxes that there are, in the file or on the pages.
    pub fn check_mail_out(&self) -> anyhow::Result<()> {
        let (copies, of) = (self.mail_out.sent_mailbox.as_str(), self.mail_out.sign_in_of.as_str());
        let is_imap = |name: &str| self.mailbox(name).is_some_and(|m| m.kind == mailbox::Kind::Imap);
        if !copies.is_empty() && !is_imap(copies) {
            bail!(
                "mail_out.sent_mailbox names no IMAP mailbox: {copies:?}; write the `name` of one of them, or remove it"
            );
        }
        if !of.is_empty() && self.mailbox(of).is_none_or(|mailbox| mailbox.oauth.is_none()) {
            bail!("mail_out.sign_in_of names no mailbox that signs in by OAuth: {of:?}");
        }
        Ok(())
    }

    fn check_queues(&self) -> anyhow::Result<()> {
        let (mut names, mut addresses) = (BTreeSet::new(), BTreeSet::new());
        for rules in &self.queue {
            let name = rules.name.as_str();
            if !names.insert(name) {
                bail!("two sections [[queue]] are named {name:?}: put them together");
            }
            if !(0..=ANSWER_HOURS_MAX).contains(&rules.answer_hours) {
                bail!("queue {name}: answer_hours must lie between 0 and {ANSWER_HOURS_MAX}");
            }
            for address in &rules.addresses {
                if !limits::is_address(address) {
                    bail!("queue {name}: {address:?} is not a mail address");
                }
                if !addresses.insert(address.to_lowercase()) {
                    bail!("{address} belongs to two queues: mail to it can go to one only");
                }
            }
        }
        Ok(())
    }

    /// Every address that is ours: mail from them never gets an automatic answer.
    pub fn own_addresses(&self) -> Vec<String> {
        let mut addresses: Vec<String> = self.site.addresses.iter().map(|a| a.to_lowercase()).collect();
        addresses.push(self.mail_out.from.to_lowercase());
        addresses.extend(self.queue.iter().flat_map(|queue| &queue.addresses).map(|a| a.to_lowercase()));
        addresses
            .extend(self.mailbox.iter().map(|m| m.user.to_lowercase()).filter(|user| user.contains('@')));
        addresses.sort();
        addresses.dedup();
        addresses
    }

    /// Workers to start.
    pub fn workers(&self) -> usize {
        match self.limits.workers {
            0 => std::thread::available_parallelism().map_or(2, usize::from),
            n => n,
        }
    }
}

/// Fetches a secret from where the configuration says it is.
pub fn resolve(secret: &SecretRef) -> anyhow::Result<Secret> {
    match secret {
        SecretRef::Env(name) => {
            #[expect(clippy::disallowed_methods, reason = "this is the place that reads the environment")]
            let value = std::env::var(name)
                .with_context(|| format!("the secret in the environment variable {name} is missing"))?;
            Ok(Secret::new(value))
        }
        SecretRef::Sealed { .. } => bail!("a secret that was typed on a page is opened by the service only"),
        SecretRef::File(path) => {
            let text = std::fs::read_to_string(path)
                .with_context(|| format!("failed to read the secret in {}", path.display()))?;
            Ok(Secret::new(text.lines().next().unwrap_or_default()))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The example with every key switched on.
    fn full_example() -> String {
        let key = |line: &str| {
            line.strip_prefix('#').is_some_and(|rest| {
                rest.starts_with('[')
                    || rest.split(" = ").next().is_some_and(|key| rest.contains(" = ") && is_key(key))
            })
        };
        EXAMPLE.lines().map(|line| if key(line) { &line[1..] } else { line }).collect::<Vec<_>>().join("\n")
    }

    fn is_key(text: &str) -> bool {
        !text.is_empty() && text.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_')
    }

    fn parse(text: &str) -> anyhow::Result<Config> {
        Config::parse(text, config::Environment::with_prefix("MAILROOM_TEST_NOTHING"))
    }

    #[test]
    fn the_example_parses_as_it_is_and_with_every_key() {
        assert_eq!(parse(EXAMPLE).unwrap().web.listen, "127.0.0.1:8025");
        let full = parse(&full_example()).unwrap();
        assert_eq!(full.mailbox.len(), 1);
        assert_eq!(full.limits.archive_depth, Limits::default().archive_depth);
        assert_eq!(full.reader.limits, reader::Limits::default());
    }

    #[test]
    fn the_example_names_every_key() {
        let sources = [
            include_str!("config.rs"),
            include_str!("blob.rs"),
            include_str!("store.rs"),
            include_str!("search.rs"),
            include_str!("reader.rs"),
            include_str!("mailbox/config.rs"),
            include_str!("model/calendar.rs"),
            include_str!("model/oauth.rs"),
            include_str!("model/openid.rs"),
            include_str!("reply/config.rs"),
            include_str!("reply/dkim.rs"),
        ];
        for source in sources {
            for part in source.split("deny_unknown_fields)]\npub struct ").skip(1) {
                let body = part.split("\n}").next().unwrap();
                for line in body.lines().filter_map(|line| line.strip_prefix("    pub ")) {
                    let key = line.split(':').next().unwrap();
                    let named =
                        EXAMPLE.contains(&format!("\n#{key} = ")) || EXAMPLE.contains(&format!("[{key}]"));
                    assert!(named || EXAMPLE.contains(&format!(".{key}]")), "the example lacks {key}");
                }
            }
        }
    }

    #[test]
    fn unknown_keys_and_contradictions_are_errors() {
        for (text, expected) in [
            ("[site]\nnmae = 'x'", "nmae"),
            ("[sight]\nname = 'x'", "sight"),
            ("[classify]\nthreshold = 2.0", "between 0 and 1"),
            ("[limits]\nattempts = 0", "at least 1"),
            ("[sign_in]\npasswords = false", "nobody could sign in"),
            ("[sign_in]\nnew_people = 'agent'", "new_people_domains"),
            ("[sign_in.openid]\nissuer = 'https://a.example'", "`client_id`"),
            ("[calendar]\nholidays = ['Christmas']", "is no date"),
            ("[straight_through]\nthreshold = 0.2", "between 0.5 and 1"),
            (
                "[[mailbox]]\nname='a'\nkind='eml'\npath='x'\n[[mailbox]]\nname='a'\nkind='eml'\npath='y'",
                "two mailboxes",
            ),
        ] {
            let error = format!("{:#}", parse(text).unwrap_err());
            assert!(error.contains(expected), "{error}");
        }
    }

    #[test]
    fn the_environment_overrides_the_file() {
        let source = [("T__SITE__NAME".to_owned(), "From outside".to_owned())].into_iter().collect();
        let environment = config::Environment::with_prefix("T").source(Some(source));
        let config = Config::parse("[site]\nname = 'file'", environment).unwrap();
        assert_eq!(config.site.name, "From outside");
    }
}
