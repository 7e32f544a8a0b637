//! Mailboxes that administrators set on the pages, and how they meet those of the configuration file.
//!
//! The file's count first: a name that it has is no longer the pages' to use. What is set on a page is an IMAP server on
//! the network and nothing of this machine: no path, no file of authorities, no secret that a variable or file holds.
//! A secret is sealed for the server and account that it was typed for ([`purpose`]): it is sent nowhere else.

use super::Config;
use crate::{
    mailbox::{self, Kind, Tls},
    model::{oauth::Provider, secret::SecretRef},
    store::mailbox::MailboxRow,
};
use anyhow::{Context as _, bail};

/// Most characters of a name.
const NAME_CHARS_MAX: usize = 60;

/// What the secret of a mailbox is sealed for.
pub fn purpose(mailbox: &mailbox::Config) -> String {
    let (name, user) = (&mailbox.name, &mailbox.user);
    let way = match mailbox.tls {
        Tls::Implicit => "implicit",
        Tls::Starttls => "starttls",
        Tls::Plain => "plain",
    };
    let server = format!("{way} {}:{}", mailbox.host.to_lowercase(), mailbox.port());
    match &mailbox.oauth {
        None => format!("mailbox {name:?} password of {user:?} at {server}"),
        Some(oauth) => {
            format!("mailbox {name:?} client secret of {:?} at {}", oauth.client_id, oauth.endpoints().token)
        }
    }
}

/// Says what a page may not set, or what the mailbox lacks.
pub fn check(mailbox: &mailbox::Config) -> anyhow::Result<()> {
    let name = &mailbox.name;
    if name.chars().count() > NAME_CHARS_MAX || name.chars().any(|c| c.is_control() || "/\\?#".contains(c)) {
        bail!("a name has at most {NAME_CHARS_MAX} characters, and none of / \\ ? #");
    }
    if mailbox.kind != Kind::Imap
        || !mailbox.path.as_os_str().is_empty()
        || mailbox.ca_file.is_some()
        || mailbox.allow_plain
        || mailbox.oauth.as_ref().is_some_and(|oauth| {
            oauth.provider == Provider::Other
                || !(oauth.authorise_url.is_empty()
                    && oauth.token_url.is_empty()
                    && oauth.device_url.is_empty())
        })
    {
        bail!("only whoever runs the machine can set that, in the configuration file");
    }
    mailbox.check().map_err(anyhow::Error::from)
}

/// The mailbox of a row, with its sealed secret.
pub fn read(row: &MailboxRow) -> anyhow::Result<mailbox::Config> {
    let mailbox: mailbox::Config =
        serde_json::from_str(&row.config).context("this version of the program cannot read it")?;
    let secret = (!row.secret.is_empty())
        .then(|| SecretRef::Sealed { text: row.secret.clone(), purpose: purpose(&mailbox) });
    let mailbox = mailbox.with_secret(secret);
    check(&mailbox)?;
    Ok(mailbox)
}

/// Adds what the pages keep to a configuration; returns what of it cannot count, with the reason.
pub(super) fn add(config: &mut Config, rows: &[MailboxRow]) -> Vec<(String, String)> {
    let mut wrong = Vec::new();
    for row in rows.iter().filter(|row| row.removed_ms.is_none()) {
        let added = read(row).and_then(|mailbox| {
            if config.mailbox(&mailbox.name).is_some() {
                bail!("the configuration file has a mailbox of this name, which counts");
            }
            config.mailbox.push(mailbox);
            Ok(())
        });
        if let Err(error) = added {
            wrong.push((format!("mailbox {}", row.name), format!("{error:#}")));
        }
    }
    wrong
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{config::settings::effective, model::oauth};

    fn typed() -> mailbox::Config {
        mailbox::Config {
            name: "orders".to_owned(),
            host: "mail.example.com".to_owned(),
            user: "orders@example.com".to_owned(),
            ..mailbox::Config::default()
        }
    }

    fn row(mailbox: &mailbox::Config) -> MailboxRow {
        MailboxRow {
            name: mailbox.name.clone(),
            account: mailbox.user.clone(),
            config: serde_json::to_string(mailbox).unwrap(),
            secret: "sealed".to_owned(),
            removed_ms: None,
            changed_by: "ann".to_owned(),
            changed_ms: 1,
        }
    }

    #[test]
    fn a_mailbox_is_read_as_it_was_kept_and_its_secret_is_apart() {
        let oauth =
            oauth::Config { provider: Provider::Google, client_id: "id".into(), ..Default::default() };
        for mut mailbox in [typed(), mailbox::Config { oauth: Some(oauth), ..typed() }] {
            mailbox.password = Some(SecretRef::Env("HOME".to_owned()));
            let row = row(&mailbox);
            assert!(!row.config.contains("HOME"), "{}", row.config);
            let sealed = SecretRef::Sealed { text: "sealed".to_owned(), purpose: purpose(&mailbox) };
            match &mut mailbox.oauth {
                Some(oauth) => {
                    oauth.client_secret = Some(sealed);
                    mailbox.password = None;
                }
                None => mailbox.password = Some(sealed),
            }
            assert_eq!(read(&row).unwrap(), mailbox);
        }
    }

    #[test]
    fn a_secret_is_for_one_server_and_account() {
        let of = purpose(&typed());
        assert_eq!(of, purpose(&mailbox::Config { port: Some(993), folders: vec!["A".into()], ..typed() }));
        for other in [
            mailbox::Config { host: "mail.example.org".into(), ..typed() },
            mailbox::Config { port: Some(143), ..typed() },
            mailbox::Config { user: "sales@example.com".into(), ..typed() },
            mailbox::Config { name: "sales".into(), ..typed() },
            mailbox::Config { tls: Tls::Starttls, port: Some(993), ..typed() },
        ] {
            assert_ne!(of, purpose(&other), "{other:?}");
        }
    }

    #[test]
    fn a_page_sets_nothing_of_this_machine() {
        let other = |url: &str| oauth::Config {
            client_id: "id".into(),
            provider: Provider::Google,
            token_url: url.into(),
            ..Default::default()
        };
        for refused in [
            mailbox::Config { kind: Kind::Maildir, path: "/var/mail".into(), ..typed() },
            mailbox::Config { ca_file: Some("/etc/shadow".into()), ..typed() },
            mailbox::Config { tls: Tls::Plain, allow_plain: true, ..typed() },
            mailbox::Config { oauth: Some(other("https://elsewhere.example")), ..typed() },
            mailbox::Config { name: "a/b".into(), ..typed() },
            mailbox::Config { tls: Tls::Plain, ..typed() },
        ] {
            assert!(check(&refused).is_err(), "{refused:?}");
        }
        assert!(check(&typed()).is_ok());
    }

    #[test]
    fn the_file_counts_first_and_what_was_removed_not_at_all() {
        let file = Config { mailbox: vec![typed()], ..Config::default() };
        let sales = mailbox::Config { name: "sales".into(), ..typed() };
        let gone =
            MailboxRow { removed_ms: Some(1), ..row(&mailbox::Config { name: "old".into(), ..typed() }) };
        let broken = MailboxRow { config: "{}".into(), name: "broken".into(), ..row(&typed()) };
        let (config, wrong) = effective(&file, &[], &[row(&typed()), row(&sales), gone, broken]);
        let names: Vec<&str> = config.mailbox.iter().map(|mailbox| mailbox.name.as_str()).collect();
        assert_eq!(names, ["orders", "sales"]);
        assert!(config.mailbox[0].password.is_none(), "the file's own");
        let wrong: Vec<&str> = wrong.iter().map(|(name, _)| name.as_str()).collect();
        assert_eq!(wrong, ["mailbox orders", "mailbox broken"]);
    }
}
