//! Sign-in of mailboxes by OAuth 2.0. All tokens here are sealed.
//!
//! A refresh token may be good for one use only: one process at a time asks for the next, under a lease, and what it was
//! given is committed before anything else is done with it.

use super::{
    Db, Result, Store, Tx,
    row::{Ask as _, Columns as _, text},
};
use sqlx::any::AnyRow;

/// Mailboxes listed at most.
const CREDENTIALS_MAX: i64 = 1_000;

/// Tokens as they are kept.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tokens {
    /// Sealed.
    pub access_token: String,
    /// The end of its life, milliseconds UTC.
    pub access_ms: i64,
    /// Sealed; empty: the provider gave none.
    pub refresh_token: String,
    /// The end of its life, milliseconds UTC, if anybody says.
    pub refresh_ms: Option<i64>,
}

/// The sign-in of one mailbox.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CredentialRow {
    /// Configured name of the mailbox.
    pub mailbox: String,
    /// Its tokens.
    pub tokens: Tokens,
    /// Who signed in.
    pub granted_by: String,
    /// When, milliseconds UTC.
    pub granted_ms: i64,
    /// When the access token was had, milliseconds UTC.
    pub refreshed_ms: i64,
    /// Why the next token could not be had; empty if all is well.
    pub last_error: String,
    /// Since when, milliseconds UTC.
    pub error_since_ms: Option<i64>,
    /// Only a new sign-in mends the error.
    pub needs_person: bool,
}

fn credential(row: &AnyRow) -> Result<CredentialRow> {
    Ok(CredentialRow {
        mailbox: row.text("mailbox")?,
        tokens: Tokens {
            access_token: row.text("access_token")?,
            access_ms: row.int("access_ms")?,
            refresh_token: row.text("refresh_token")?,
            refresh_ms: row.find_int("refresh_ms")?,
        },
        granted_by: row.text("granted_by")?,
        granted_ms: row.int("granted_ms")?,
        refreshed_ms: row.int("refreshed_ms")?,
        last_error: row.text("last_error")?,
        error_since_ms: row.find_int("error_since_ms")?,
        needs_person: row.flag("needs_person")?,
    })
}

impl Db {
    /// The sign-in of a mailbox.
    pub async fn find_credential(&mut self, mailbox: &str) -> Result<Option<CredentialRow>> {
        sqlx::query("SELECT * FROM credential WHERE mailbox = $1")
            .bind(text(mailbox))
            .find(self.connection(), credential)
            .await
    }

    /// All sign-ins, by mailbox.
    pub async fn list_credentials(&mut self) -> Result<Vec<CredentialRow>> {
        sqlx::query("SELECT * FROM credential ORDER BY mailbox LIMIT $1")
            .bind(CREDENTIALS_MAX)
            .all(self.connection(), credential)
            .await
    }
}

impl Store {
    /// Takes the right to ask for the token after `seen`, until `now_ms + lease_ms`. `false` if another has it, or the
    /// tokens are no longer those that were seen: a refresh token that was used must not be used again.
    pub async fn lease_credential(
        &self,
        mailbox: &str,
        seen: &Tokens,
        worker: &str,
        now_ms: i64,
        lease_ms: i64,
    ) -> Result<bool> {
        let mut tx = self.begin().await?;
        let done = sqlx::query(
            "UPDATE credential SET leased_until_ms = $1, leased_by = $2
             WHERE mailbox = $3 AND leased_until_ms <= $4 AND access_token = $5 AND refresh_token = $6",
        )
        .bind(now_ms.saturating_add(lease_ms))
        .bind(text(worker))
        .bind(text(mailbox))
        .bind(now_ms)
        .bind(seen.access_token.as_str())
        .bind(seen.refresh_token.as_str())
        .run(tx.connection())
        .await?;
        tx.commit().await?;
        Ok(done == 1)
    }
}

impl Tx {
    /// A person signed in: these tokens replace all that was there.
    pub async fn save_credential(
        &mut self,
        mailbox: &str,
        tokens: &Tokens,
        who: &str,
        now_ms: i64,
    ) -> Result<()> {
        sqlx::query(
            "INSERT INTO credential (mailbox, access_token, access_ms, refresh_token, refresh_ms, granted_by, granted_ms,
                 refreshed_ms, last_error, needs_person, leased_until_ms, leased_by)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $7, '', 0, 0, '')
             ON CONFLICT (mailbox) DO UPDATE SET access_token = excluded.access_token, access_ms = excluded.access_ms,
                 refresh_token = excluded.refresh_token, refresh_ms = excluded.refresh_ms,
                 granted_by = excluded.granted_by, granted_ms = excluded.granted_ms,
                 refreshed_ms = excluded.refreshed_ms, last_error = '', error_since_ms = NULL, needs_person = 0,
                 leased_until_ms = 0, leased_by = ''",
        )
        .bind(text(mailbox))
        .bind(tokens.access_token.as_str())
        .bind(tokens.access_ms)
        .bind(tokens.refresh_token.as_str())
        .bind(tokens.refresh_ms)
        .bind(text(who))
        .bind(now_ms)
        .run(self.connection())
        .await?;
        Ok(())
    }

    /// Forgets the sign-in of a mailbox.
    pub async fn delete_credential(&mut self, mailbox: &str) -> Result<()> {
        sqlx::query("DELETE FROM credential WHERE mailbox = $1")
            .bind(text(mailbox))
            .run(self.connection())
            .await?;
        Ok(())
    }

    /// The next tokens came; an empty refresh token leaves the one that is there. Ends the lease and the error. `false`
    /// if a person signed in meanwhile, or the lease was lost: then those tokens count.
    pub async fn save_refreshed(
        &mut self,
        mailbox: &str,
        worker: &str,
        tokens: &Tokens,
        now_ms: i64,
    ) -> Result<bool> {
        let done = sqlx::query(
            "UPDATE credential SET access_token = $1, access_ms = $2,
                 refresh_token = CASE WHEN $3 = '' THEN refresh_token ELSE $3 END, refresh_ms = $4, refreshed_ms = $5,
                 last_error = '', error_since_ms = NULL, needs_person = 0, leased_until_ms = 0, leased_by = ''
             WHERE mailbox = $6 AND leased_by = $7",
        )
        .bind(tokens.access_token.as_str())
        .bind(tokens.access_ms)
        .bind(tokens.refresh_token.as_str())
        .bind(tokens.refresh_ms)
        .bind(now_ms)
        .bind(text(mailbox))
        .bind(text(worker))
        .run(self.connection())
        .await?;
        Ok(done == 1)
    }

    /// The next token could not be had: shown on the mailbox page, no secrets in it. Ends the lease.
    pub async fn record_credential_error(
        &mut self,
        mailbox: &str,
        worker: &str,
        error: &str,
        needs_person: bool,
        now_ms: i64,
    ) -> Result<()> {
        sqlx::query(
            "UPDATE credential SET last_error = $1, needs_person = $2, error_since_ms = COALESCE(error_since_ms, $3),
                 leased_until_ms = 0, leased_by = ''
             WHERE mailbox = $4 AND leased_by = $5",
        )
        .bind(text(error))
        .bind(i64::from(needs_person))
        .bind(now_ms)
        .bind(text(mailbox))
        .bind(text(worker))
        .run(self.connection())
        .await?;
        Ok(())
    }
}
