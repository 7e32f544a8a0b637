//! How mailboxes fare: what of them needs a person, told before it bites.
//!
//! A watchdog over intake itself: it goes by what the database says, so that it notices a poller that stands still, an IDLE
//! that died without a word, and a service that does not run at all.

use super::credential;
use crate::{
    app::App,
    mailbox::Config,
    model::ledger::Outcome,
    store::{credential::CredentialRow, folder::FolderRow},
};
use anyhow::Context as _;
use std::collections::BTreeMap;

/// A folder that was not heard of for so many looks is silent.
const SILENT_LOOKS: i64 = 10;

/// And for at least so long.
const SILENT_MS_MIN: i64 = 15 * 60_000;

/// What is wrong with a mailbox.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trouble {
    /// The last look failed.
    Failed,
    /// Nobody has looked for too long.
    Silent,
    /// Nobody has signed it in yet.
    NotSignedIn,
    /// A person has to sign it in again.
    SignInEnded,
    /// The next token cannot be had; the one in use is still good.
    SignInFails,
    /// The sign-in ends within [`credential::SOON_DAYS`] days.
    SignInEndsSoon,
}

impl Trouble {
    /// Stable name.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Failed => "failed",
            Self::Silent => "silent",
            Self::NotSignedIn => "not_signed_in",
            Self::SignInEnded => "sign_in_ended",
            Self::SignInFails => "sign_in_fails",
            Self::SignInEndsSoon => "sign_in_ends_soon",
        }
    }
}

/// Whether a folder is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reading {
    /// It is.
    Polled,
    /// Its mailbox is paused.
    Paused,
    /// No mailbox names it: a file that was taken in, a mailbox or a folder that was removed.
    Gone,
}

impl Reading {
    fn of(config: Option<&Config>, folder: &str) -> Self {
        match config.filter(|config| config.folders().iter().any(|name| name == folder)) {
            Some(config) if config.paused => Self::Paused,
            Some(_) => Self::Polled,
            None => Self::Gone,
        }
    }

    /// Stable name.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Polled => "polled",
            Self::Paused => "paused",
            Self::Gone => "gone",
        }
    }
}

/// A folder and how it fares.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Folder {
    /// What intake noted of it.
    pub row: FolderRow,
    /// Whether it is read.
    pub reading: Reading,
    /// Rows of the ledger by outcome.
    pub outcomes: Vec<(Outcome, i64)>,
    /// What is wrong.
    pub trouble: Option<Trouble>,
}

impl Folder {
    /// Messages that are seen or kept, but not yet processed.
    pub fn backlog(&self) -> i64 {
        let under_way = |outcome: &Outcome| matches!(outcome, Outcome::Seen | Outcome::Stored);
        self.outcomes.iter().filter(|(outcome, _)| under_way(outcome)).map(|(_, count)| count).sum()
    }
}

/// A mailbox that signs in by OAuth 2.0.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SignIn {
    /// Configured name.
    pub mailbox: String,
    /// What is known of it.
    pub row: Option<CredentialRow>,
    /// Days until it ends if nobody does anything.
    pub days_left: Option<i64>,
    /// What is wrong.
    pub trouble: Option<Trouble>,
}

/// All mailboxes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Health {
    /// Their folders.
    pub folders: Vec<Folder>,
    /// Their sign-ins.
    pub sign_ins: Vec<SignIn>,
    /// Those of the pages that cannot count any more, and are not read: their names.
    pub not_counting: Vec<String>,
    /// Whether any mailbox is configured.
    pub any: bool,
}

impl Health {
    /// How many things need a person.
    pub fn alarms(&self) -> usize {
        let folders = self.folders.iter().filter(|folder| folder.trouble.is_some()).count();
        let sign_ins = self.sign_ins.iter().filter(|sign_in| sign_in.trouble.is_some()).count();
        folders + sign_ins + self.not_counting.len()
    }
}

/// How all mailboxes fare at this time.
pub async fn health(app: &App, now_ms: i64) -> anyhow::Result<Health> {
    let settings = app.settings().await?;
    let mut db = app.store.read().await?;
    let configs: BTreeMap<&str, &Config> =
        settings.config.mailbox.iter().map(|config| (config.name.as_str(), config)).collect();
    let wrong = settings.wrong.iter().filter_map(|(name, _)| name.strip_prefix("mailbox "));
    let mut health = Health {
        not_counting: wrong.map(str::to_owned).collect(),
        any: !settings.config.mailbox.is_empty(),
        ..Health::default()
    };
    for row in db.list_folders().await.context("failed to list folders")? {
        let outcomes = db.count_outcomes(&row.mailbox, &row.name).await?;
        let config = configs.get(row.mailbox.as_str()).copied();
        let reading = Reading::of(config, &row.name);
        let trouble = folder_trouble(config, &row, now_ms);
        health.folders.push(Folder { row, reading, outcomes, trouble });
    }
    for config in settings.config.mailbox.iter().filter(|config| config.oauth.is_some()) {
        let row = db.find_credential(&config.name).await?;
        let days_left = credential::days_left(config, row.as_ref(), now_ms);
        // a paused mailbox needs its sign-in only where mail is sent by it
        let in_use = !config.paused || settings.config.mail_out.sign_in_of == config.name;
        let trouble = sign_in_trouble(row.as_ref(), days_left).filter(|_| in_use);
        health.sign_ins.push(SignIn { mailbox: config.name.clone(), row, days_left, trouble });
    }
    Ok(health)
}

/// A folder that is not polled (a file that was taken in, a mailbox that was removed or is paused) is not missed.
fn folder_trouble(config: Option<&Config>, row: &FolderRow, now_ms: i64) -> Option<Trouble> {
    let config = config.filter(|_| Reading::of(config, &row.name) == Reading::Polled)?;
    if !row.last_error.is_empty() {
        return Some(Trouble::Failed);
    }
    let patience_ms = (config.poll().as_millis() as i64).saturating_mul(SILENT_LOOKS).max(SILENT_MS_MIN);
    (now_ms - row.last_contact_ms? > patience_ms).then_some(Trouble::Silent)
}

fn sign_in_trouble(row: Option<&CredentialRow>, days_left: Option<i64>) -> Option<Trouble> {
    let Some(row) = row else { return Some(Trouble::NotSignedIn) };
    if row.needs_person {
        Some(Trouble::SignInEnded)
    } else if !row.last_error.is_empty() {
        Some(Trouble::SignInFails)
    } else {
        days_left.filter(|days| *days < credential::SOON_DAYS).map(|_| Trouble::SignInEndsSoon)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_that_nobody_looks_at_is_noticed() {
        let row = |last_contact_ms: Option<i64>, last_error: &str| FolderRow {
            mailbox: "orders".to_owned(),
            name: "INBOX".to_owned(),
            uidvalidity: 1,
            last_uid: 1,
            server_count: 1,
            last_contact_ms,
            last_message_ms: None,
            last_error: last_error.to_owned(),
            last_error_ms: None,
        };
        let polled = Config { poll_seconds: 600, ..Config::default() };
        let paused = Config { paused: true, ..Config::default() };
        let now_ms = 1_800_000_000_000;
        let hour_ms = 3_600_000;
        for (config, row, expected) in [
            (Some(&polled), row(Some(now_ms - hour_ms), ""), None),
            (Some(&polled), row(Some(now_ms - 2 * hour_ms), ""), Some(Trouble::Silent)),
            (Some(&Config::default()), row(Some(now_ms - hour_ms), ""), Some(Trouble::Silent)),
            (Some(&polled), row(Some(now_ms), "no such host"), Some(Trouble::Failed)),
            (None, row(Some(0), "no such host"), None),
            (Some(&paused), row(Some(0), "no such host"), None),
        ] {
            assert_eq!(folder_trouble(config, &row, now_ms), expected, "{row:?}");
        }
        for (config, folder, reading) in [
            (Some(&polled), "INBOX", Reading::Polled),
            (Some(&paused), "INBOX", Reading::Paused),
            (Some(&polled), "Archive", Reading::Gone),
            (None, "INBOX", Reading::Gone),
        ] {
            assert_eq!(Reading::of(config, folder), reading);
        }
    }
}
