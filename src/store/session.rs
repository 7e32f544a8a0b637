//! Sessions of people. Only the SHA-256 of the cookie's value is kept: who reads the database cannot sign in with it.

use super::{
    Db, Result, Tx,
    person::{Person, person},
    row::{Ask as _, Columns as _, key, text},
};
use crate::model::ids::UserId;
use sqlx::any::AnyRow;

/// Sessions of one person listed at most.
const SESSIONS_MAX: i64 = 200;

/// What is known of a session when it begins.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct NewSession<'a> {
    /// SHA-256 of the cookie's value, in hex.
    pub key_hash: &'a str,
    /// What forms must send back.
    pub csrf: &'a str,
    /// The password was right, the second factor is still missing: nothing but that can be done with it.
    pub awaits_code: bool,
    /// Where it began.
    pub address: &'a str,
    /// The browser, as it calls itself.
    pub agent: &'a str,
    /// Milliseconds UTC.
    pub expires_ms: i64,
}

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

/// A session as its owner sees it in a list.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct SessionRow {
    /// What it is known by.
    pub key_hash: String,
    /// Where it began.
    pub address: String,
    /// The browser, as it calls itself.
    pub agent: String,
    /// Milliseconds UTC.
    pub created_ms: i64,
    /// Milliseconds UTC.
    pub expires_ms: i64,
}

fn session(row: &AnyRow) -> Result<Session> {
    Ok(Session { person: person(row)?, csrf: row.text("csrf")?, expires_ms: row.int("expires_ms")? })
}

impl Db {
    /// The session with that key, by its SHA-256 in hex. One that `awaits_code` is another kind of session.
    pub async fn find_session(
        &mut self,
        key_hash: &str,
        awaits_code: bool,
        now_ms: i64,
    ) -> Result<Option<Session>> {
        sqlx::query(
            "SELECT person.*, session.csrf, session.expires_ms
             FROM session JOIN person ON person.id = session.person_id
             WHERE session.key_hash = $1 AND session.awaits_code = $2 AND session.expires_ms > $3
                 AND person.disabled = 0",
        )
        .bind(text(key_hash))
        .bind(i64::from(awaits_code))
        .bind(now_ms)
        .find(self.connection(), session)
        .await
    }

    /// The sessions of a person that have not expired, newest first.
    pub async fn list_sessions_of(&mut self, person_id: &UserId, now_ms: i64) -> Result<Vec<SessionRow>> {
        sqlx::query(
            "SELECT key_hash, address, agent, created_ms, expires_ms FROM session
             WHERE person_id = $1 AND awaits_code = 0 AND expires_ms > $2 ORDER BY created_ms DESC LIMIT $3",
        )
        .bind(person_id.as_str())
        .bind(now_ms)
        .bind(SESSIONS_MAX)
        .all(self.connection(), |row| {
            Ok(SessionRow {
                key_hash: row.text("key_hash")?,
                address: row.text("address")?,
                agent: row.text("agent")?,
                created_ms: row.int("created_ms")?,
                expires_ms: row.int("expires_ms")?,
            })
        })
        .await
    }
}

impl Tx {
    /// Begins a session; clears away those that have expired.
    pub async fn insert_session(
        &mut self,
        person_id: &UserId,
        new: &NewSession<'_>,
        now_ms: i64,
    ) -> Result<()> {
        sqlx::query("DELETE FROM session WHERE expires_ms <= $1").bind(now_ms).run(self.connection()).await?;
        sqlx::query(
            "INSERT INTO session (key_hash, person_id, csrf, created_ms, expires_ms, address, agent, awaits_code)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
        )
        .bind(new.key_hash)
        .bind(person_id.as_str())
        .bind(new.csrf)
        .bind(now_ms)
        .bind(new.expires_ms)
        .bind(key(new.address))
        .bind(key(new.agent))
        .bind(i64::from(new.awaits_code))
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

    /// Ends one session of a person; `false` if he or she has no such session.
    pub async fn delete_session_of(&mut self, person_id: &UserId, key_hash: &str) -> Result<bool> {
        let done = sqlx::query("DELETE FROM session WHERE person_id = $1 AND key_hash = $2")
            .bind(person_id.as_str())
            .bind(text(key_hash))
            .run(self.connection())
            .await?;
        Ok(done == 1)
    }

    /// Ends all sessions of a person.
    pub async fn delete_sessions_of(&mut self, person_id: &UserId) -> Result<()> {
        self.delete_other_sessions(person_id, "").await
    }

    /// Ends all sessions of a person but one.
    pub async fn delete_other_sessions(&mut self, person_id: &UserId, kept_key_hash: &str) -> Result<()> {
        sqlx::query("DELETE FROM session WHERE person_id = $1 AND key_hash <> $2")
            .bind(person_id.as_str())
            .bind(text(kept_key_hash))
            .run(self.connection())
            .await?;
        Ok(())
    }
}
