//! Keys of the JSON API. Only the SHA-256 of a key is kept: who reads the database cannot use it.

use super::{
    Db, Result, Tx,
    person::{Person, person},
    row::{Ask as _, Columns as _, fresh, json, text},
};
use crate::model::ids::UserId;

/// Keys of one person listed at most.
const TOKENS_MAX: i64 = 200;

/// A key as its owner sees it.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct TokenRow {
    /// Row id.
    pub id: String,
    /// What it is for, in the owner's words.
    pub name: String,
    /// Names of its scopes.
    pub scopes: Vec<String>,
    /// Milliseconds UTC.
    pub created_ms: i64,
    /// Milliseconds UTC.
    pub expires_ms: i64,
    /// To the hour; milliseconds UTC.
    pub last_used_ms: Option<i64>,
}

fn token(row: &sqlx::any::AnyRow) -> Result<TokenRow> {
    Ok(TokenRow {
        id: row.text("id")?,
        name: row.text("name")?,
        scopes: row.json("scopes")?,
        created_ms: row.int("created_ms")?,
        expires_ms: row.int("expires_ms")?,
        last_used_ms: row.find_int("last_used_ms")?,
    })
}

impl Db {
    /// The key with that hash, if it has not expired, and its owner, if he or she may sign in.
    pub async fn find_api_token(
        &mut self,
        key_hash: &str,
        now_ms: i64,
    ) -> Result<Option<(TokenRow, Person)>> {
        let found = sqlx::query("SELECT * FROM api_token WHERE key_hash = $1 AND expires_ms > $2")
            .bind(text(key_hash))
            .bind(now_ms)
            .find(self.connection(), |row| Ok((token(row)?, row.id::<UserId>("person_id")?)))
            .await?;
        let Some((token, owner)) = found else { return Ok(None) };
        let owner = sqlx::query("SELECT * FROM person WHERE id = $1 AND disabled = 0")
            .bind(owner.as_str())
            .find(self.connection(), person)
            .await?;
        Ok(owner.map(|owner| (token, owner)))
    }

    /// The keys of a person, newest first.
    pub async fn list_api_tokens_of(&mut self, person_id: &UserId) -> Result<Vec<TokenRow>> {
        sqlx::query("SELECT * FROM api_token WHERE person_id = $1 ORDER BY id DESC LIMIT $2")
            .bind(person_id.as_str())
            .bind(TOKENS_MAX)
            .all(self.connection(), token)
            .await
    }
}

impl Tx {
    /// Keeps a new key.
    pub async fn insert_api_token(
        &mut self,
        person_id: &UserId,
        name: &str,
        key_hash: &str,
        scopes: &[&str],
        expires_ms: i64,
        now_ms: i64,
    ) -> Result<String> {
        let id: String = fresh();
        sqlx::query(
            "INSERT INTO api_token (id, person_id, name, key_hash, scopes, created_ms, expires_ms)
             VALUES ($1, $2, $3, $4, $5, $6, $7)",
        )
        .bind(id.as_str())
        .bind(person_id.as_str())
        .bind(text(name))
        .bind(key_hash)
        .bind(json(&scopes)?)
        .bind(now_ms)
        .bind(expires_ms)
        .run(self.connection())
        .await?;
        Ok(id)
    }

    /// Takes a key away from its owner; `false` if there is no such key.
    pub async fn delete_api_token(&mut self, person_id: &UserId, id: &str) -> Result<bool> {
        let done = sqlx::query("DELETE FROM api_token WHERE person_id = $1 AND id = $2")
            .bind(person_id.as_str())
            .bind(text(id))
            .run(self.connection())
            .await?;
        Ok(done == 1)
    }

    /// Takes all keys away from their owner.
    pub async fn delete_api_tokens_of(&mut self, person_id: &UserId) -> Result<()> {
        sqlx::query("DELETE FROM api_token WHERE person_id = $1")
            .bind(person_id.as_str())
            .run(self.connection())
            .await?;
        Ok(())
    }

    /// Notes that a key is in use.
    pub async fn touch_api_token(&mut self, id: &str, now_ms: i64) -> Result<()> {
        sqlx::query("UPDATE api_token SET last_used_ms = $1 WHERE id = $2")
            .bind(now_ms)
            .bind(text(id))
            .run(self.connection())
            .await?;
        Ok(())
    }
}
