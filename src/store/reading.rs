//! How people had documents read again, and the passwords that senders use. All passwords here are sealed.

use super::{
    Db, Result, Tx,
    row::{Ask as _, Columns as _, fresh, key, text},
};
use sqlx::any::AnyRow;

/// Passwords of one sender kept at most; the oldest make room.
pub const PASSWORDS_OF_SENDER_MAX: i64 = 20;

/// What a person chose for a file.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Reading {
    /// ISO 639-1; empty: by the message.
    pub language: String,
    /// Whether its pixels are read even where a text layer looks sound.
    pub force_ocr: bool,
    /// Sealed; empty: none.
    pub password: String,
}

fn reading(row: &AnyRow) -> Result<Reading> {
    Ok(Reading {
        language: row.text("language")?,
        force_ocr: row.flag("force_ocr")?,
        password: row.text("password")?,
    })
}

impl Db {
    /// What a person chose for the file with this hash.
    pub async fn find_reading(&mut self, sha256: &str) -> Result<Option<Reading>> {
        sqlx::query("SELECT * FROM reading WHERE sha256 = $1")
            .bind(text(sha256))
            .find(self.connection(), reading)
            .await
    }

    /// The sealed passwords of a sender, newest first.
    pub async fn list_document_passwords(&mut self, sender: &str) -> Result<Vec<String>> {
        sqlx::query("SELECT password FROM document_password WHERE sender = $1 ORDER BY id DESC LIMIT $2")
            .bind(key(sender))
            .bind(PASSWORDS_OF_SENDER_MAX)
            .all(self.connection(), |row| row.text("password"))
            .await
    }
}

impl Tx {
    /// Keeps what a person chose for a file; the latest choice counts.
    pub async fn save_reading(
        &mut self,
        sha256: &str,
        reading: &Reading,
        who: &str,
        now_ms: i64,
    ) -> Result<()> {
        sqlx::query(
            "INSERT INTO reading (sha256, language, force_ocr, password, chosen_by, chosen_ms)
             VALUES ($1, $2, $3, $4, $5, $6)
             ON CONFLICT (sha256) DO UPDATE SET language = excluded.language, force_ocr = excluded.force_ocr,
                 password = excluded.password, chosen_by = excluded.chosen_by, chosen_ms = excluded.chosen_ms",
        )
        .bind(text(sha256))
        .bind(text(&reading.language))
        .bind(i64::from(reading.force_ocr))
        .bind(text(&reading.password))
        .bind(text(who))
        .bind(now_ms)
        .run(self.connection())
        .await?;
        Ok(())
    }

    /// Keeps a sealed password of a sender.
    pub async fn insert_document_password(
        &mut self,
        sender: &str,
        password: &str,
        who: &str,
        now_ms: i64,
    ) -> Result<()> {
        sqlx::query(
            "INSERT INTO document_password (id, sender, password, created_by, created_ms)
             VALUES ($1, $2, $3, $4, $5)",
        )
        .bind(fresh::<String>())
        .bind(key(sender))
        .bind(text(password))
        .bind(text(who))
        .bind(now_ms)
        .run(self.connection())
        .await?;
        sqlx::query(
            "DELETE FROM document_password WHERE sender = $1 AND id NOT IN
                 (SELECT id FROM document_password WHERE sender = $1 ORDER BY id DESC LIMIT $2)",
        )
        .bind(key(sender))
        .bind(PASSWORDS_OF_SENDER_MAX)
        .run(self.connection())
        .await?;
        Ok(())
    }

    /// Forgets all passwords of a sender; how many there were.
    pub async fn delete_document_passwords(&mut self, sender: &str) -> Result<u64> {
        sqlx::query("DELETE FROM document_password WHERE sender = $1")
            .bind(key(sender))
            .run(self.connection())
            .await
    }
}
