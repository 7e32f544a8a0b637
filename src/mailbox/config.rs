//! One `[[mailbox]]` of the configuration, as typed by the administrator, and its checks.

use super::{MailboxError, utf7};
use crate::model::{oauth, secret::SecretRef};
use serde::{Deserialize, Serialize};
use std::{
    path::{Path, PathBuf},
    time::Duration,
};

/// One mailbox.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// What the ledger and the pages call this mailbox; never change it later. Default: `inbox`.
    pub name: String,
    /// `imap`, `maildir`, `mbox` or `eml`. Default: `imap`.
    pub kind: Kind,
    /// Maildir, mbox, eml: the folder or file.
    pub path: PathBuf,
    /// IMAP: name of the server, as it stands in its certificate.
    pub host: String,
    /// IMAP: port. Default: 993 with implicit TLS, else 143.
    pub port: Option<u16>,
    /// IMAP: `implicit` (TLS from the first byte), `starttls`, or `plain`. Default: `implicit`.
    pub tls: Tls,
    /// IMAP: allows `tls = "plain"` to a server that is not on this machine. Passwords and mail can then be read on
    /// the way. Default: false.
    pub allow_plain: bool,
    /// IMAP: PEM file with the authorities to trust instead of the system's, for a server with a certificate of its own.
    pub ca_file: Option<PathBuf>,
    /// IMAP: user name.
    pub user: String,
    /// IMAP: where the password is found: `{ env = "NAME" }` or `{ file = "/path" }`.
    #[serde(skip_serializing)]
    pub password: Option<SecretRef>,
    /// IMAP: sign-in by OAuth 2.0, as Microsoft 365 and Google want it; counts before `password`.
    pub oauth: Option<oauth::Config>,
    /// Folders to take mail from, as people write them (`Beställningar`, `INBOX/Orders`). Default: `["INBOX"]`.
    pub folders: Vec<String>,
    /// What to do with the server's copy once a message is kept: `nothing`, `flag` or `move`. Default: `nothing`.
    pub after: AfterKind,
    /// With `after = "flag"`: the flag to set, e.g. `\\Seen`, `\\Flagged`, or a keyword. Default: `\\Flagged`.
    pub flag: String,
    /// With `after = "move"`: the folder to move to; made if it does not exist.
    pub move_to: String,
    /// Seconds between two looks where the server does not tell by itself. Default: 30.
    pub poll_seconds: u64,
    /// IMAP: let the server tell of new mail (RFC 2177) where it can. Default: true.
    pub idle: bool,
    /// Messages that are larger than this many bytes are listed and put in quarantine, not fetched. Default: 52428800.
    pub bytes_max: u64,
    /// Mail that was sent before this day (UTC, e.g. `2026-12-01`) is history: kept, threaded and found, but never
    /// answered. Set it when a mailbox with old mail is connected. Default: none.
    pub history_before: Option<String>,
    /// No mail is taken in for now; what came stays. Default: false.
    pub paused: bool,
    /// Messages listed at a time. Default: 500, at most 1000.
    pub list_batch: usize,
    /// Messages fetched with one command. Default: 50, at most 1000.
    pub fetch_batch: usize,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            name: "inbox".to_owned(),
            kind: Kind::Imap,
            path: PathBuf::new(),
            host: String::new(),
            port: None,
            tls: Tls::Implicit,
            allow_plain: false,
            ca_file: None,
            user: String::new(),
            password: None,
            oauth: None,
            folders: vec!["INBOX".to_owned()],
            after: AfterKind::Nothing,
            flag: "\\Flagged".to_owned(),
            move_to: String::new(),
            poll_seconds: 30,
            idle: true,
            bytes_max: 50 * 1024 * 1024,
            history_before: None,
            paused: false,
            list_batch: 500,
            fetch_batch: 50,
        }
    }
}

/// What kind of mailbox it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// A server that speaks IMAP4rev1.
    Imap,
    /// A folder with `cur`, `new` and `tmp`, and Maildir++ subfolders.
    Maildir,
    /// One file with a `From ` line before each message.
    Mbox,
    /// One file with one message, or a folder of `.eml` files.
    Eml,
}

/// How the connection is protected.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Tls {
    /// TLS from the first byte.
    Implicit,
    /// TLS after a word in the open; never without.
    Starttls,
    /// No protection.
    Plain,
}

/// What to do with the server's copy, as configured.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AfterKind {
    /// Leave it alone.
    Nothing,
    /// Set a flag.
    Flag,
    /// Move it to a folder.
    Move,
}

/// What to do with the server's copy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum After {
    /// Leave it alone.
    Nothing,
    /// Set this flag.
    Flag(String),
    /// Move it to this folder.
    Move(String),
}

impl Config {
    /// The mailbox that a path on the command line is: a Maildir, a folder of `.eml` files, an mbox, or one message.
    pub fn of_path(path: &Path) -> Result<Self, MailboxError> {
        let kind = if path.is_dir() {
            if path.join("cur").is_dir() || path.join("new").is_dir() { Kind::Maildir } else { Kind::Eml }
        } else if super::mbox::is_mbox(path)
            .map_err(|source| MailboxError::File { path: path.to_owned(), source })?
        {
            Kind::Mbox
        } else {
            Kind::Eml
        };
        let folders = if kind == Kind::Maildir { vec!["INBOX".to_owned()] } else { vec![String::new()] };
        let (list_batch, fetch_batch) = (super::BATCH_MAX, 1_000);
        let name = "import".to_owned();
        Ok(Self { name, kind, path: path.to_owned(), folders, list_batch, fetch_batch, ..Self::default() })
    }

    /// What is secret of the sign-in: the secret of the application where a provider gives tokens, else the password.
    pub fn secret(&self) -> Option<&SecretRef> {
        match &self.oauth {
            Some(oauth) => oauth.client_secret.as_ref(),
            None => self.password.as_ref(),
        }
    }

    /// The same mailbox with this secret.
    #[must_use]
    pub fn with_secret(mut self, secret: Option<SecretRef>) -> Self {
        match &mut self.oauth {
            Some(oauth) => oauth.client_secret = secret,
            None => self.password = secret,
        }
        self
    }

    /// The port that is dialled.
    pub fn port(&self) -> u16 {
        self.port.unwrap_or(if self.tls == Tls::Implicit { 993 } else { 143 })
    }

    /// What is done with the server's copy once a message is kept.
    pub fn after(&self) -> After {
        match self.after {
            AfterKind::Nothing => After::Nothing,
            AfterKind::Flag => After::Flag(self.flag.clone()),
            AfterKind::Move => After::Move(self.move_to.clone()),
        }
    }

    /// The folders to take mail from; one without a name for sources that have none.
    pub fn folders(&self) -> Vec<String> {
        match self.kind {
            Kind::Imap | Kind::Maildir => self.folders.clone(),
            Kind::Mbox | Kind::Eml => vec![String::new()],
        }
    }

    /// Time between two looks.
    pub fn poll(&self) -> Duration {
        Duration::from_secs(self.poll_seconds.max(1))
    }

    /// The beginning of the day before which mail is history, milliseconds UTC.
    pub fn history_before_ms(&self) -> Option<i64> {
        let day: jiff::civil::Date = self.history_before.as_ref()?.parse().ok()?;
        Some(day.to_zoned(jiff::tz::TimeZone::UTC).ok()?.timestamp().as_millisecond())
    }

    /// Says which key is wrong and what to write there.
    pub fn check(&self) -> Result<(), MailboxError> {
        let name = &self.name;
        let wrong = |text: &str| Err(MailboxError::settings(format!("mailbox {name}: {text}")));
        if name.is_empty() {
            return wrong("`name` is empty: the ledger needs a name for each mailbox");
        }
        if self.history_before.is_some() && self.history_before_ms().is_none() {
            return wrong("`history_before` is not a day: write one such as \"2026-12-01\"");
        }
        if self.kind == Kind::Imap {
            if self.host.is_empty() {
                return wrong("`host` is empty: write the name of the IMAP server");
            }
            if self.user.is_empty() {
                return wrong("`user` is empty: write the user name of the mailbox");
            }
            if let Some(oauth) = &self.oauth {
                oauth.check().or_else(|text| wrong(&text))?;
            }
            if self.tls == Tls::Plain && !self.allow_plain && !is_loopback(&self.host) {
                return wrong(
                    "`tls = \"plain\"` would send the password readably over the network: use \"implicit\" or \"starttls\", or set `allow_plain = true` if you accept that",
                );
            }
        } else if self.path.as_os_str().is_empty() {
            return wrong("`path` is empty: write the folder or file");
        }
        if matches!(self.kind, Kind::Imap | Kind::Maildir) {
            if self.folders.is_empty() {
                return wrong("`folders` is empty: write at least [\"INBOX\"]");
            }
            if let Some(folder) = self.folders.iter().find(|folder| !is_folder_name(folder)) {
                return wrong(&format!("`folders` has {folder:?}, which is not a folder name"));
            }
        }
        self.check_after(&wrong)
    }

    fn check_after(&self, wrong: &dyn Fn(&str) -> Result<(), MailboxError>) -> Result<(), MailboxError> {
        match (self.after, self.kind) {
            (AfterKind::Nothing, _) => Ok(()),
            (_, Kind::Mbox) => wrong("an mbox file is never changed: set `after = \"nothing\"`"),
            (AfterKind::Flag, Kind::Eml) => {
                wrong("files have no flags: set `after` to \"nothing\" or \"move\"")
            }
            (AfterKind::Flag, Kind::Maildir) if super::maildir::letter(&self.flag).is_none() => {
                wrong("`flag` must be \\Seen, \\Answered, \\Flagged, \\Draft or \\Deleted for a Maildir")
            }
            (AfterKind::Flag, _) if !is_flag(&self.flag) => {
                wrong("`flag` is not a flag: write one such as \"\\\\Flagged\" or a keyword without blanks")
            }
            (AfterKind::Move, _) if !is_folder_name(&self.move_to) => {
                wrong("`move_to` is empty or not a folder name: write the folder to move messages to")
            }
            (AfterKind::Move, Kind::Imap | Kind::Maildir) if self.folders.contains(&self.move_to) => {
                wrong("`move_to` is one of `folders`: messages would come in again and again")
            }
            (AfterKind::Flag | AfterKind::Move, _) => Ok(()),
        }
    }
}

/// Whether a host is this machine by its form: no lookup.
pub(super) fn is_loopback(host: &str) -> bool {
    host.eq_ignore_ascii_case("localhost")
        || host.parse::<std::net::IpAddr>().is_ok_and(|address| address.is_loopback())
}

fn is_folder_name(name: &str) -> bool {
    !name.is_empty()
        && name.len() <= 255
        && !name.chars().any(char::is_control)
        && !utf7::encode(name).is_empty()
}

/// `\Seen` or a keyword: an atom of RFC 3501 with an optional backslash before it.
fn is_flag(flag: &str) -> bool {
    let atom = flag.strip_prefix('\\').unwrap_or(flag);
    !atom.is_empty() && atom.chars().all(|c| c.is_ascii_graphic() && !"(){%*\"\\]".contains(c))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wrong_settings_are_named_with_what_to_write() {
        let imap = Config { host: "mail.example.com".into(), user: "orders".into(), ..Config::default() };
        assert!(imap.check().is_ok());
        let cases: &[(Config, &str)] = &[
            (Config { name: String::new(), ..imap.clone() }, "`name` is empty"),
            (Config { host: String::new(), ..imap.clone() }, "`host` is empty"),
            (Config { user: String::new(), ..imap.clone() }, "`user` is empty"),
            (Config { tls: Tls::Plain, ..imap.clone() }, "`allow_plain = true`"),
            (Config { folders: vec![], ..imap.clone() }, "`folders` is empty"),
            (Config { folders: vec!["a\r\nb".into()], ..imap.clone() }, "not a folder name"),
            (Config { after: AfterKind::Move, ..imap.clone() }, "`move_to` is empty"),
            (Config { after: AfterKind::Move, move_to: "INBOX".into(), ..imap.clone() }, "again and again"),
            (
                Config { after: AfterKind::Flag, flag: "two words".into(), ..imap.clone() },
                "`flag` is not a flag",
            ),
            (Config { history_before: Some("1.12.2026".into()), ..imap.clone() }, "not a day"),
            (Config { kind: Kind::Maildir, ..imap.clone() }, "`path` is empty"),
            (
                Config { kind: Kind::Mbox, path: "a".into(), after: AfterKind::Flag, ..imap.clone() },
                "never changed",
            ),
            (
                Config {
                    kind: Kind::Maildir,
                    path: "a".into(),
                    after: AfterKind::Flag,
                    flag: "x".into(),
                    ..imap.clone()
                },
                "for a Maildir",
            ),
        ];
        for (config, expected) in cases {
            let text = config.check().unwrap_err().to_string();
            assert!(text.contains(expected), "{text}");
        }
    }

    #[test]
    fn plain_is_allowed_on_this_machine_only() {
        for (host, allowed) in [
            ("localhost", true),
            ("127.0.0.1", true),
            ("::1", true),
            ("127.0.0.1.example.com", false),
            ("10.0.0.1", false),
        ] {
            let config = Config { tls: Tls::Plain, host: host.into(), user: "u".into(), ..Config::default() };
            assert_eq!(config.check().is_ok(), allowed, "{host}");
        }
    }

    #[test]
    fn unknown_keys_are_errors() {
        assert!(toml::from_str::<Config>("name = 'a'\nhots = 'b'").is_err());
        let config: Config =
            toml::from_str("tls = 'starttls'\npassword = { env = 'X' }\nafter = 'move'\nmove_to = 'Done'")
                .unwrap();
        assert_eq!((config.port(), config.after()), (143, After::Move("Done".into())));
    }
}
