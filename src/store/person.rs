//! People who sign in. Passwords are kept as hashes only (see `cli::user`).

use super::{
    Db, Result, Tx,
    row::{Ask as _, Columns as _, fresh, key, text},
};
use crate::model::{draft::named, ids::UserId};
use sqlx::any::AnyRow;

/// People listed at most.
const PEOPLE_MAX: i64 = 10_000;

named! {
    /// What a person may do.
    Role {
        /// Everything.
        Administrator = "administrator",
        /// Tickets, drafts and search.
        Staff = "staff",
    }
}

/// A person who signs in.
#[derive(Clone, PartialEq, Eq)]
pub struct Person {
    /// Row id.
    pub id: UserId,
    /// What is typed to sign in.
    pub name: String,
    /// PHC string of the password (argon2id).
    pub password_hash: String,
    /// What he or she may do.
    pub role: Role,
    /// May not sign in.
    pub disabled: bool,
    /// Milliseconds UTC.
    pub created_ms: i64,
}

impl std::fmt::Debug for Person {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Person").field("id", &self.id).field("name", &self.name).finish_non_exhaustive()
    }
}

pub(super) fn person(row: &AnyRow) -> Result<Person> {
    Ok(Person {
        id: row.id("id")?,
        name: row.text("name")?,
        password_hash: row.text("password_hash")?,
        role: row.named("role", Role::parse)?,
        disabled: row.flag("disabled")?,
        created_ms: row.int("created_ms")?,
    })
}

impl Db {
    /// A person by row id.
    pub async fn find_person(&mut self, id: &UserId) -> Result<Option<Person>> {
        sqlx::query("SELECT * FROM person WHERE id = $1")
            .bind(text(id.as_str()))
            .find(self.connection(), person)
            .await
    }

    /// A person by name, as typed to sign in.
    pub async fn find_person_by_name(&mut self, name: &str) -> Result<Option<Person>> {
        sqlx::query("SELECT * FROM person WHERE name = $1")
            .bind(key(name))
            .find(self.connection(), person)
            .await
    }

    /// Everyone, by name.
    pub async fn list_people(&mut self) -> Result<Vec<Person>> {
        sqlx::query("SELECT * FROM person ORDER BY name LIMIT $1")
            .bind(PEOPLE_MAX)
            .all(self.connection(), person)
            .await
    }
}

impl Tx {
    /// Adds a person. `None` if the name is taken.
    pub async fn insert_person(
        &mut self,
        name: &str,
        password_hash: &str,
        role: Role,
        now_ms: i64,
    ) -> Result<Option<UserId>> {
        let id: UserId = fresh();
        let done = sqlx::query(
            "INSERT INTO person (id, name, password_hash, role, disabled, created_ms) VALUES ($1, $2, $3, $4, 0, $5)
             ON CONFLICT (name) DO NOTHING",
        )
        .bind(id.as_str())
        .bind(key(name))
        .bind(password_hash)
        .bind(role.as_str())
        .bind(now_ms)
        .run(self.connection())
        .await?;
        Ok((done == 1).then_some(id))
    }

    /// Lets a person sign in or not. Ends all sessions if not.
    pub async fn save_person_disabled(&mut self, id: &UserId, disabled: bool) -> Result<()> {
        sqlx::query("UPDATE person SET disabled = $1 WHERE id = $2")
            .bind(i64::from(disabled))
            .bind(id.as_str())
            .run(self.connection())
            .await?;
        if disabled { self.delete_sessions_of(id).await } else { Ok(()) }
    }

    /// Changes a password, and ends all sessions.
    pub async fn save_password_hash(&mut self, id: &UserId, password_hash: &str) -> Result<()> {
        sqlx::query("UPDATE person SET password_hash = $1 WHERE id = $2")
            .bind(password_hash)
            .bind(id.as_str())
            .run(self.connection())
            .await?;
        self.delete_sessions_of(id).await
    }
}
