//! Mailboxes that administrators set on the pages.

use super::{
    Db, Result, Tx,
    row::{Ask as _, Columns as _, key, text},
};

/// Mailboxes read at most.
const MAILBOXES_MAX: i64 = 1_000;

/// One mailbox of the pages.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MailboxRow {
    /// What the ledger calls it.
    pub name: String,
    /// Its user.
    pub account: String,
    /// JSON: the keys of a `[[mailbox]]` section.
    pub config: String,
    /// Sealed: the password, or the secret of the application; empty: none.
    pub secret: String,
    /// No longer read since then, milliseconds UTC.
    pub removed_ms: Option<i64>,
    /// Who changed it last.
    pub changed_by: String,
    /// When, milliseconds UTC.
    pub changed_ms: i64,
}

impl Db {
    /// All of them, those that were removed among them, by name.
    pub async fn list_mailboxes(&mut self) -> Result<Vec<MailboxRow>> {
        sqlx::query("SELECT * FROM mailbox ORDER BY name LIMIT $1")
            .bind(MAILBOXES_MAX)
            .all(self.connection(), |row| {
                Ok(MailboxRow {
                    name: row.text("name")?,
                    account: row.text("account")?,
                    config: row.text("config")?,
                    secret: row.text("secret")?,
                    removed_ms: row.find_int("removed_ms")?,
                    changed_by: row.text("changed_by")?,
                    changed_ms: row.int("changed_ms")?,
                })
            })
            .await
    }
}

impl Tx {
    /// Keeps a mailbox in place of the one of that name.
    pub async fn save_mailbox(&mut self, mailbox: &MailboxRow) -> Result<()> {
        sqlx::query(
            "INSERT INTO mailbox (name, account, config, secret, removed_ms, changed_by, changed_ms)
             VALUES ($1, $2, $3, $4, $5, $6, $7)
             ON CONFLICT (name) DO UPDATE SET account = excluded.account, config = excluded.config,
                 secret = excluded.secret, removed_ms = excluded.removed_ms, changed_by = excluded.changed_by,
                 changed_ms = excluded.changed_ms",
        )
        .bind(key(&mailbox.name))
        .bind(text(&mailbox.account))
        .bind(text(&mailbox.config))
        .bind(mailbox.secret.as_str())
        .bind(mailbox.removed_ms)
        .bind(text(&mailbox.changed_by))
        .bind(mailbox.changed_ms)
        .run(self.connection())
        .await?;
        self.raise_counter("setting", 1).await?;
        Ok(())
    }
}
