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
        /// Drafts, accounts and tickets.
        Reviewer = "reviewer",
        /// Tickets; looks at the rest.
        Agent = "agent",
        /// Looks at everything, the log included, and changes nothing.
        Auditor = "auditor",
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
    /// Where he or she gets mail from us; empty if nobody said.
    pub email: String,
    /// What he or she may do.
    pub role: Role,
    /// May not sign in.
    pub disabled: bool,
    /// Signs in with a second factor.
    pub has_factor: bool,
    /// Milliseconds UTC.
    pub created_ms: i64,
}

/// The second factor of a person. Secrets are sealed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Factor {
    /// Shared with the person's device; empty if there is none.
    pub secret: String,
    /// Offered to a device, until its first code proves that it took it.
    pub pending: String,
    /// Time step of the last code that was taken.
    pub step: i64,
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
        email: row.text("email")?,
        role: row.named("role", Role::parse)?,
        disabled: row.flag("disabled")?,
        has_factor: !row.text("factor_secret")?.is_empty(),
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

    /// A person by the address that administrators know, whatever its case.
    pub async fn find_person_by_email(&mut self, email: &str) -> Result<Option<Person>> {
        sqlx::query("SELECT * FROM person WHERE email = $1 AND email <> ''")
            .bind(key(&email.to_lowercase()))
            .find(self.connection(), person)
            .await
    }

    /// The second factor of a person.
    pub async fn find_factor(&mut self, id: &UserId) -> Result<Option<Factor>> {
        sqlx::query("SELECT factor_secret, factor_pending, factor_step FROM person WHERE id = $1")
            .bind(text(id.as_str()))
            .find(self.connection(), |row| {
                Ok(Factor {
                    secret: row.text("factor_secret")?,
                    pending: row.text("factor_pending")?,
                    step: row.int("factor_step")?,
                })
            })
            .await
    }

    /// How many recovery codes of a person are left.
    pub async fn count_recovery_codes(&mut self, id: &UserId) -> Result<i64> {
        let (count,) = sqlx::query_as("SELECT COUNT(*) FROM recovery_code WHERE person_id = $1")
            .bind(id.as_str())
            .fetch_one(self.connection())
            .await?;
        Ok(count)
    }

    /// How many administrators may sign in.
    pub async fn count_administrators(&mut self) -> Result<i64> {
        let (count,) = sqlx::query_as("SELECT COUNT(*) FROM person WHERE role = $1 AND disabled = 0")
            .bind(Role::Administrator.as_str())
            .fetch_one(self.connection())
            .await?;
        Ok(count)
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

    /// Says where a person gets mail from us. `false` if somebody else gets it there.
    pub async fn save_person_email(&mut self, id: &UserId, email: &str) -> Result<bool> {
        let done = sqlx::query(
            "UPDATE person SET email = $1 WHERE id = $2
                 AND ($1 = '' OR NOT EXISTS (SELECT 1 FROM person WHERE email = $1 AND id <> $2))",
        )
        .bind(key(&email.to_lowercase()))
        .bind(id.as_str())
        .run(self.connection())
        .await?;
        Ok(done == 1)
    }

    /// Gives a person another role. It counts from the next request on.
    pub async fn save_role(&mut self, id: &UserId, role: Role) -> Result<()> {
        sqlx::query("UPDATE person SET role = $1 WHERE id = $2")
            .bind(role.as_str())
            .bind(id.as_str())
            .run(self.connection())
            .await?;
        Ok(())
    }

    /// Offers a sealed secret to a person's device.
    pub async fn save_pending_factor(&mut self, id: &UserId, sealed: &str) -> Result<()> {
        sqlx::query("UPDATE person SET factor_pending = $1 WHERE id = $2")
            .bind(sealed)
            .bind(id.as_str())
            .run(self.connection())
            .await?;
        Ok(())
    }

    /// The device took the secret, as its code of `step` proves. `false` if another was offered meanwhile.
    pub async fn confirm_factor(&mut self, id: &UserId, sealed: &str, step: i64) -> Result<bool> {
        let done = sqlx::query(
            "UPDATE person SET factor_secret = factor_pending, factor_pending = '', factor_step = $1
             WHERE id = $2 AND factor_pending = $3 AND factor_pending <> ''",
        )
        .bind(step)
        .bind(id.as_str())
        .bind(sealed)
        .run(self.connection())
        .await?;
        Ok(done == 1)
    }

    /// Takes the code of a time step. `false` if that or a later one was taken already: a code is good once.
    pub async fn take_factor_step(&mut self, id: &UserId, step: i64) -> Result<bool> {
        let done = sqlx::query("UPDATE person SET factor_step = $1 WHERE id = $2 AND factor_step < $1")
            .bind(step)
            .bind(id.as_str())
            .run(self.connection())
            .await?;
        Ok(done == 1)
    }

    /// Takes the second factor away, with its recovery codes.
    pub async fn clear_factor(&mut self, id: &UserId) -> Result<()> {
        sqlx::query(
            "UPDATE person SET factor_secret = '', factor_pending = '', factor_step = 0 WHERE id = $1",
        )
        .bind(id.as_str())
        .run(self.connection())
        .await?;
        self.replace_recovery_codes(id, &[]).await
    }

    /// Makes these the recovery codes of a person, by their hashes.
    pub async fn replace_recovery_codes(&mut self, id: &UserId, hashes: &[String]) -> Result<()> {
        sqlx::query("DELETE FROM recovery_code WHERE person_id = $1")
            .bind(id.as_str())
            .run(self.connection())
            .await?;
        for hash in hashes {
            sqlx::query("INSERT INTO recovery_code (person_id, code_hash) VALUES ($1, $2)")
                .bind(id.as_str())
                .bind(hash.as_str())
                .run(self.connection())
                .await?;
        }
        Ok(())
    }

    /// Uses a recovery code up. `false` if there is no such code.
    pub async fn take_recovery_code(&mut self, id: &UserId, hash: &str) -> Result<bool> {
        let done = sqlx::query("DELETE FROM recovery_code WHERE person_id = $1 AND code_hash = $2")
            .bind(id.as_str())
            .bind(hash)
            .run(self.connection())
            .await?;
        Ok(done == 1)
    }
}
