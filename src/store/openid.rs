//! Which account at a provider of OpenID Connect belongs to which person.

use super::{
    Db, Result, Tx,
    person::{Person, person},
    row::{Ask as _, key},
};
use crate::model::ids::UserId;

impl Db {
    /// The person whose account that is.
    pub async fn find_person_of_subject(&mut self, issuer: &str, subject: &str) -> Result<Option<Person>> {
        sqlx::query(
            "SELECT person.* FROM openid_subject JOIN person ON person.id = openid_subject.person_id
             WHERE openid_subject.issuer = $1 AND openid_subject.subject = $2",
        )
        .bind(key(issuer))
        .bind(key(subject))
        .find(self.connection(), person)
        .await
    }

    /// Whether a person has an account anywhere.
    pub async fn has_subject(&mut self, person_id: &UserId) -> Result<bool> {
        let (count,): (i64,) = sqlx::query_as("SELECT COUNT(*) FROM openid_subject WHERE person_id = $1")
            .bind(person_id.as_str())
            .fetch_one(self.connection())
            .await?;
        Ok(count > 0)
    }
}

impl Tx {
    /// Says that an account belongs to a person. `false` if it belongs to somebody, or the person has another one there.
    pub async fn insert_subject(
        &mut self,
        issuer: &str,
        subject: &str,
        person_id: &UserId,
        now_ms: i64,
    ) -> Result<bool> {
        let done = sqlx::query(
            "INSERT INTO openid_subject (issuer, subject, person_id, bound_ms) VALUES ($1, $2, $3, $4)
             ON CONFLICT DO NOTHING",
        )
        .bind(key(issuer))
        .bind(key(subject))
        .bind(person_id.as_str())
        .bind(now_ms)
        .run(self.connection())
        .await?;
        Ok(done == 1)
    }

    /// Forgets the accounts of a person elsewhere, and ends all sessions.
    pub async fn delete_subjects_of(&mut self, person_id: &UserId) -> Result<()> {
        sqlx::query("DELETE FROM openid_subject WHERE person_id = $1")
            .bind(person_id.as_str())
            .run(self.connection())
            .await?;
        self.delete_sessions_of(person_id).await
    }
}
