//! Mailboxes that administrators add, change and remove on the pages: checked with everything else that counts.
//!
//! Does not: ask the server; that was done before, with no transaction open.

use super::decision::entry;
use crate::{
    app::App,
    clock,
    config::{
        mailboxes::{self, purpose},
        settings,
    },
    mailbox::Config,
    model::secret::{Secret, SecretRef},
    store::{Tx, mailbox::MailboxRow},
};
use anyhow::Context as _;

/// Why nothing was changed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Refused {
    /// It was removed meanwhile.
    Gone,
    /// Another mailbox has the name.
    Taken,
    /// The ledger numbers the mail of this account by the name.
    OfAccount(String),
    /// No password is kept for this server and user.
    NoPassword,
    /// A setting is wrong, or does not go together with others: in words.
    Wrong(String),
}

/// The mailbox that was typed, with its secret: the typed one, else the one that is kept for the same server and account.
///
/// What is kept for another is not taken: it would be sent where it does not belong.
pub async fn with_secret(app: &App, typed: Config, secret: Option<&Secret>) -> anyhow::Result<Config> {
    let purpose = purpose(&typed);
    let text = if let Some(secret) = secret {
        Some(app.vault.seal(secret.reveal(), &purpose))
    } else {
        let rows = app.store.read().await?.list_mailboxes().await?;
        let kept = rows.into_iter().find(|row| row.name == typed.name).map(|row| row.secret);
        kept.filter(|sealed| app.vault.open(sealed, &purpose).is_some())
    };
    Ok(typed.with_secret(text.map(|text| SecretRef::Sealed { text, purpose })))
}

/// Adds a mailbox, or changes the one of that name if `was` says so.
pub async fn save(
    app: &App,
    config: &Config,
    was: Option<&str>,
    who: &str,
) -> anyhow::Result<Result<(), Refused>> {
    if let Err(error) = mailboxes::check(config) {
        return Ok(Err(Refused::Wrong(format!("{error:#}"))));
    }
    let secret = match config.secret() {
        Some(SecretRef::Sealed { text, .. }) => text.clone(),
        None if config.oauth.is_some() => String::new(),
        _ => return Ok(Err(Refused::NoPassword)),
    };
    let now_ms = clock::now_ms();
    let mut tx = app.store.begin().await?;
    let rows = tx.list_mailboxes().await?;
    let before = rows.iter().find(|row| row.name == config.name);
    let in_use = before.filter(|row| row.removed_ms.is_none());
    if was.is_some_and(|was| was != config.name) || (was.is_some() && in_use.is_none()) {
        return Ok(Err(Refused::Gone));
    }
    if app.config.mailbox(&config.name).is_some() || (was.is_none() && in_use.is_some()) {
        return Ok(Err(Refused::Taken));
    }
    if let Some(row) = before.filter(|row| !row.account.eq_ignore_ascii_case(&config.user))
        && tx.list_folders().await?.iter().any(|folder| folder.mailbox == config.name)
    {
        return Ok(Err(Refused::OfAccount(row.account.clone())));
    }
    let row = MailboxRow {
        name: config.name.clone(),
        account: config.user.clone(),
        config: serde_json::to_string(config).context("failed to write a mailbox")?,
        secret,
        removed_ms: None,
        changed_by: who.to_owned(),
        changed_ms: now_ms,
    };
    let kept = before.and_then(|row| mailboxes::read(row).ok());
    if kept.is_some_and(|kept| is_elsewhere(&kept, config)) {
        tx.delete_credential(&config.name).await?;
    }
    let action = if in_use.is_some() { "change_mailbox" } else { "add_mailbox" };
    let detail = changes(before, config);
    keep(app, tx, rows, row, action, detail).await
}

/// Reads a mailbox no longer. What came from it stays, and so does its name for its account.
pub async fn remove(app: &App, name: &str, who: &str) -> anyhow::Result<Result<(), Refused>> {
    let mut tx = app.store.begin().await?;
    let rows = tx.list_mailboxes().await?;
    let in_use = rows.iter().find(|row| row.name == name && row.removed_ms.is_none());
    let Some(mut row) = in_use.cloned() else {
        return Ok(Err(Refused::Gone));
    };
    (row.removed_ms, row.secret) = (Some(clock::now_ms()), String::new());
    (row.changed_by, row.changed_ms) = (who.to_owned(), clock::now_ms());
    tx.delete_credential(name).await?;
    keep(app, tx, rows, row, "remove_mailbox", String::new()).await
}

/// Keeps a row in place of the one of its name, if all that counts goes together with it.
async fn keep(
    app: &App,
    mut tx: Tx,
    mut rows: Vec<MailboxRow>,
    row: MailboxRow,
    action: &str,
    detail: String,
) -> anyhow::Result<Result<(), Refused>> {
    let settings = tx.list_settings().await?;
    rows.retain(|other| other.name != row.name);
    rows.push(row.clone());
    let (config, wrong) = settings::effective(&app.config, &settings, &rows);
    if let Err(error) = config.check_mail_out() {
        return Ok(Err(Refused::Wrong(format!("{error:#}"))));
    }
    if let Some((_, reason)) = wrong.into_iter().find(|(name, _)| *name == format!("mailbox {}", row.name)) {
        return Ok(Err(Refused::Wrong(reason)));
    }
    tx.save_mailbox(&row).await?;
    tx.audit(entry(&row.changed_by, action, "mailbox", &row.name, detail));
    tx.commit().await.context("failed to keep a mailbox")?;
    app.announce_work();
    Ok(Ok(()))
}

/// Whether tokens of the one must not be used for the other.
fn is_elsewhere(before: &Config, after: &Config) -> bool {
    let way = |config: &Config| (config.host.to_lowercase(), config.port(), config.tls, config.user.clone());
    let of =
        |config: &Config| config.oauth.as_ref().map(|oauth| (oauth.endpoints(), oauth.client_id.clone()));
    way(before) != way(after) || of(before) != of(after)
}

/// Which keys have other values than before, for the log; of secrets, none.
fn changes(before: Option<&MailboxRow>, after: &Config) -> String {
    let keys = |text: &str| serde_json::from_str::<serde_json::Value>(text).unwrap_or_default();
    let before = before.map(|row| keys(&row.config)).unwrap_or_default();
    let after = serde_json::to_value(after).unwrap_or_default();
    let changed = after.as_object().into_iter().flatten().filter_map(|(key, value)| {
        let was = before.get(key).filter(|was| *was != value);
        let is_new = before.is_null() && ["host", "user", "folders"].contains(&key.as_str());
        match was {
            Some(was) => Some(format!("{key} from {was} to {value}")),
            None if is_new => Some(format!("{key} {value}")),
            None => None,
        }
    });
    changed.collect::<Vec<_>>().join(", ")
}
