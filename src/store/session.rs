//! Sessions of people. Only the SHA-256 of the cookie's value is kept: who reads the database cannot sign in with it.

use super::{
    Db, Result, Tx,
    person::{Person, person},
    row::{Ask as _, Columns as _, text},
};
use crate::model::ids::UserId;

/// A session that has not expired, of a person who may sign in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Session {
    /// Who.
    pub person: Person,
    /// What forms must send back.
    pub csrf: String,
    /// Milliseconds UTC.
    pub expires_ms: i64,
}

impl Db {
    /// The session with that key, by its SHA-256 in hex.
    pub async fn find_session(&mut self, key_hash: &str, now_ms: i64) -> Result<Option<Session>> {
        let row = sqlx::query(
            "SELECT person.id, person.name, person.password_hash, person.role, person.disabled, person.created_ms,
                 session.csrf, session.expires_ms
             FROM session JOIN person ON person.id = session.person_id
             WHERE session.key_hash = $1 AND session.expires_ms > $2 AND person.disabled = 0",
        )
        .bind(text(key_hash))
        .bind(now_ms)
        .fetch_optional(self.connection())
        .await?;
        row.map(|row| {
            Ok(Session { person: person(&row)?, csrf: row.text("csrf")?, expires_ms: row.int("expires_ms")? })
        })
        .transpose()
    }
}

impl Tx {
    /// Begins a session; clears away those that have expired.
    pub async fn insert_session(
        &mut self,
        key_hash: &str,
        person_id: &UserId,
        csrf: &str,
        expires_ms: i64,
        now_ms: i64,
    ) -> Result<()> {
        sqlx::query("DELETE FROM session WHERE expires_ms <= $1").bind(now_ms).run(self.connection()).await?;
        sqlx::query(
            "INSERT INTO session (key_hash, person_id, csrf, created_ms, expires_ms) VALUES ($1, $2, $3, $4, $5)",
        )
        .bind(key_hash)
        .bind(person_id.as_str())
        .bind(csrf)
        .bind(now_ms)
        .bind(expires_ms)
        .run(self.connection())
        .await?;
        Ok(())
    }

    /// Ends a session.
    pub async fn delete_session(&mut self, key_hash: &str) -> Result<()> {
        sqlx::query("DELETE FROM session WHERE key_hash = $1")
            .bind(text(key_hash))
            .run(self.connection())
            .await?;
        Ok(())
    }

    /// Ends all sessions of a person.
    pub async fn delete_sessions_of(&mut self, person_id: &UserId) -> Result<()> {
        sqlx::query("DELETE FROM session WHERE person_id = $1")
            .bind(person_id.as_str())
            .run(self.connection())
            .await?;
        Ok(())
    }
}
