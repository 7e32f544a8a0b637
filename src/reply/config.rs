//! `[mail_out]` of the configuration, as typed by the administrator, and its checks.

use super::{dkim, mailer::SendError};
use crate::model::{message::Address, secret::SecretRef};
use serde::Deserialize;
use std::{path::PathBuf, time::Duration};

/// How mail leaves.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// `smtp`, or `directory` (each mail becomes a file, nothing leaves the machine). Default: `directory`.
    pub kind: Kind,
    /// Directory: where the files go; empty means `outgoing` in `site.data_dir`.
    pub directory: PathBuf,
    /// SMTP: name of the server, as it stands in its certificate.
    pub host: String,
    /// SMTP: port. Default: 465 with implicit TLS, 587 with starttls, 25 with plain.
    pub port: Option<u16>,
    /// SMTP: `implicit` (TLS from the first byte), `starttls`, or `plain`. Default: `starttls`.
    pub tls: Tls,
    /// SMTP: allows `tls = "plain"` to a server that is not on this machine. Default: false.
    pub allow_plain: bool,
    /// SMTP: PEM file with the authorities to trust instead of the system's, for a server with a certificate of its own.
    pub ca_file: Option<PathBuf>,
    /// SMTP: user name; empty if the server wants none.
    pub user: String,
    /// SMTP: where the password is found: `{ env = "NAME" }` or `{ file = "/path" }`.
    pub password: Option<SecretRef>,
    /// SMTP: name of the mailbox whose OAuth sign-in is used instead of a password.
    pub sign_in_of: String,
    /// Name of the mailbox that gets a copy of each sent mail; empty means none.
    pub sent_mailbox: String,
    /// Folder of that mailbox for the copies; empty means the one that the server has for sent mail.
    pub sent_folder: String,
    /// SMTP: seconds for each step of the conversation. Default: 60.
    pub timeout_seconds: u64,
    /// SMTP: the name that we say hello with. Default: the domain of `from`.
    pub hello_name: String,
    /// Address that our mail comes from, and that answers go to. Default: `mailroom@localhost`.
    pub from: String,
    /// Name beside that address, e.g. `Acme Order Desk`.
    pub from_name: String,
    /// Folder with templates that replace the built-in ones, e.g. `acknowledgement/en.txt`. Default: none.
    pub templates: Option<PathBuf>,
    /// Page that asks whether a customer is satisfied; `{ticket}` becomes the reference of the ticket. Empty: none.
    pub survey_link: String,
    /// How mail is signed (DKIM), for each domain that `from` may be in. Empty: not at all.
    pub dkim: Vec<dkim::Config>,
    /// Automatic mails in one hour after which the breaker holds back all further ones. Default: 500.
    pub breaker_per_hour: u32,
    /// Seconds that the mail of a person's decision waits, so that the decision can be taken back.
    pub undo_seconds: u32,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            kind: Kind::Directory,
            directory: PathBuf::new(),
            host: String::new(),
            port: None,
            tls: Tls::Starttls,
            allow_plain: false,
            ca_file: None,
            user: String::new(),
            password: None,
            sign_in_of: String::new(),
            sent_mailbox: String::new(),
            sent_folder: String::new(),
            timeout_seconds: 60,
            hello_name: String::new(),
            from: "mailroom@localhost".to_owned(),
            from_name: String::new(),
            templates: None,
            survey_link: String::new(),
            dkim: Vec::new(),
            breaker_per_hour: 500,
            undo_seconds: 30,
        }
    }
}

/// Where mail goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// To a server.
    Smtp,
    /// Into a folder.
    Directory,
}

/// How the connection is protected.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Tls {
    /// TLS from the first byte.
    Implicit,
    /// TLS after a word in the open; never without.
    Starttls,
    /// No protection.
    Plain,
}

impl Config {
    /// The port that is dialled.
    pub fn port(&self) -> u16 {
        self.port.unwrap_or(match self.tls {
            Tls::Implicit => 465,
            Tls::Starttls => 587,
            Tls::Plain => 25,
        })
    }

    /// Who our mail comes from.
    pub fn sender(&self) -> Address {
        let name = Some(self.from_name.clone()).filter(|name| !name.is_empty());
        Address { email: self.from.clone(), name }
    }

    /// The name that we say hello with, and that our Message-IDs end in.
    pub fn host_name(&self) -> String {
        if self.hello_name.is_empty() { self.sender().domain() } else { self.hello_name.clone() }
    }

    /// Time for each step of the conversation.
    pub(super) fn timeout(&self) -> Duration {
        Duration::from_secs(self.timeout_seconds.max(1))
    }

    /// Says which key is wrong and what to write there.
    pub fn check(&self) -> Result<(), SendError> {
        let wrong = |text: &str| Err(SendError::Settings { text: format!("mail_out: {text}") });
        if self.from.parse::<lettre::Address>().is_err() {
            return wrong("`from` is not a mail address: write the address that our mail comes from");
        }
        match self.kind {
            Kind::Directory if self.directory.as_os_str().is_empty() => {
                wrong("`directory` is empty: write the folder that mail is put into")
            }
            Kind::Smtp if self.host.is_empty() => wrong("`host` is empty: write the name of the SMTP server"),
            Kind::Smtp if self.tls == Tls::Plain && !self.allow_plain && !is_loopback(&self.host) => wrong(
                "`tls = \"plain\"` would send mail readably over the network: use \"implicit\" or \"starttls\", or set `allow_plain = true` if you accept that",
            ),
            Kind::Smtp | Kind::Directory => Ok(()),
        }
    }
}

/// Whether a host is this machine by its form: no lookup.
fn is_loopback(host: &str) -> bool {
    host.eq_ignore_ascii_case("localhost")
        || host.parse::<std::net::IpAddr>().is_ok_and(|address| address.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wrong_settings_are_named_with_what_to_write() {
        let smtp = Config {
            kind: Kind::Smtp,
            host: "mail.example.com".into(),
            from: "orders@example.com".into(),
            ..Config::default()
        };
        assert!(smtp.check().is_ok());
        assert_eq!((smtp.port(), smtp.host_name().as_str()), (587, "example.com"));
        for (config, expected) in [
            (Config { from: "orders".into(), ..smtp.clone() }, "`from` is not a mail address"),
            (Config { from: "a@b.c\r\nBcc: d@e.f".into(), ..smtp.clone() }, "`from` is not a mail address"),
            (Config { host: String::new(), ..smtp.clone() }, "`host` is empty"),
            (Config { tls: Tls::Plain, ..smtp.clone() }, "`allow_plain = true`"),
        ] {
            let text = config.check().unwrap_err().to_string();
            assert!(text.contains(expected), "{text}");
        }
        assert!(toml::from_str::<Config>("hots = 'b'").is_err());
    }
}
