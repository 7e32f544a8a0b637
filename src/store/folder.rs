//! Polled folders: where intake stands, and how each fares.

use super::{
    Db, Result, Tx,
    row::{Ask as _, Columns as _, text},
};
use sqlx::any::AnyRow;

/// Folders listed at most.
const FOLDERS_MAX: i64 = 1_000;

/// One polled folder.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FolderRow {
    /// Configured name of the mailbox.
    pub mailbox: String,
    /// Folder.
    pub name: String,
    /// UIDVALIDITY that `last_uid` belongs to; 0 before the first listing.
    pub uidvalidity: i64,
    /// Every UID up to this one has a row in the ledger.
    pub last_uid: i64,
    /// Messages in the folder, as the server said last.
    pub server_count: i64,
    /// When the server last answered, milliseconds UTC.
    pub last_contact_ms: Option<i64>,
    /// When something new was last found, milliseconds UTC.
    pub last_message_ms: Option<i64>,
    /// The last error since the last contact; empty if all is well.
    pub last_error: String,
    /// When, milliseconds UTC.
    pub last_error_ms: Option<i64>,
}

fn folder(row: &AnyRow) -> Result<FolderRow> {
    Ok(FolderRow {
        mailbox: row.text("mailbox")?,
        name: row.text("name")?,
        uidvalidity: row.int("uidvalidity")?,
        last_uid: row.int("last_uid")?,
        server_count: row.int("server_count")?,
        last_contact_ms: row.find_int("last_contact_ms")?,
        last_message_ms: row.find_int("last_message_ms")?,
        last_error: row.text("last_error")?,
        last_error_ms: row.find_int("last_error_ms")?,
    })
}

impl Db {
    /// Where intake of a folder stands.
    pub async fn find_folder(&mut self, mailbox: &str, name: &str) -> Result<Option<FolderRow>> {
        sqlx::query("SELECT * FROM folder WHERE mailbox = $1 AND name = $2")
            .bind(text(mailbox))
            .bind(text(name))
            .find(self.connection(), folder)
            .await
    }

    /// All folders, by mailbox and name.
    pub async fn list_folders(&mut self) -> Result<Vec<FolderRow>> {
        sqlx::query("SELECT * FROM folder ORDER BY mailbox, name LIMIT $1")
            .bind(FOLDERS_MAX)
            .all(self.connection(), folder)
            .await
    }
}

impl Tx {
    /// Moves the cursor: every UID up to `last_uid` of this `uidvalidity` has a row in the ledger.
    pub async fn save_folder_cursor(
        &mut self,
        mailbox: &str,
        name: &str,
        uidvalidity: i64,
        last_uid: i64,
        now_ms: i64,
    ) -> Result<()> {
        sqlx::query(
            "INSERT INTO folder (mailbox, name, uidvalidity, last_uid, server_count, last_contact_ms,
                 last_message_ms, last_error)
             VALUES ($1, $2, $3, $4, 0, $5, $5, '')
             ON CONFLICT (mailbox, name) DO UPDATE SET uidvalidity = excluded.uidvalidity,
                 last_uid = excluded.last_uid, last_message_ms = excluded.last_message_ms",
        )
        .bind(text(mailbox))
        .bind(text(name))
        .bind(uidvalidity)
        .bind(last_uid)
        .bind(now_ms)
        .run(self.connection())
        .await?;
        Ok(())
    }

    /// The server answered and has `server_count` messages in the folder: clears the error.
    pub async fn record_folder_contact(
        &mut self,
        mailbox: &str,
        name: &str,
        server_count: i64,
        now_ms: i64,
    ) -> Result<()> {
        sqlx::query(
            "INSERT INTO folder (mailbox, name, uidvalidity, last_uid, server_count, last_contact_ms, last_error)
             VALUES ($1, $2, 0, 0, $3, $4, '')
             ON CONFLICT (mailbox, name) DO UPDATE SET server_count = excluded.server_count,
                 last_contact_ms = excluded.last_contact_ms, last_error = '', last_error_ms = NULL",
        )
        .bind(text(mailbox))
        .bind(text(name))
        .bind(server_count)
        .bind(now_ms)
        .run(self.connection())
        .await?;
        Ok(())
    }

    /// The folder could not be polled. `error` is shown on the health page: no secrets in it.
    pub async fn record_folder_error(
        &mut self,
        mailbox: &str,
        name: &str,
        error: &str,
        now_ms: i64,
    ) -> Result<()> {
        sqlx::query(
            "INSERT INTO folder (mailbox, name, uidvalidity, last_uid, server_count, last_error, last_error_ms)
             VALUES ($1, $2, 0, 0, 0, $3, $4)
             ON CONFLICT (mailbox, name) DO UPDATE SET last_error = excluded.last_error,
                 last_error_ms = excluded.last_error_ms",
        )
        .bind(text(mailbox))
        .bind(text(name))
        .bind(text(error))
        .bind(now_ms)
        .run(self.connection())
        .await?;
        Ok(())
    }
}
