//! Accounts and catalogue: what a site knows about its customers and goods.
//!
//! The whole is small enough to be held in memory: callers load it once and again whenever [`Db::find_known_version`]
//! says that it changed.

use super::{
    Db, Result, Tx,
    row::{Ask as _, Columns as _, ROWS_AT_ONCE, fresh, json, key, places, text},
};
use crate::model::{
    account::{Account, AccountRow, CatalogueItem},
    ids::{AccountId, MessageId},
};
use sqlx::{AssertSqlSafe, any::AnyRow};
use std::collections::{BTreeMap, BTreeSet};

/// Accounts loaded at most.
const ACCOUNTS_MAX: i64 = 500_000;
/// Catalogue items loaded at most.
const CATALOGUE_MAX: i64 = 1_000_000;

/// Merges into one account listed at most.
const MERGES_MAX: i64 = 100;

/// One customer that stands for another.
#[derive(Clone, Debug, PartialEq)]
pub struct MergeRow {
    /// Row id.
    pub id: String,
    /// The account that stands for the other.
    pub kept_id: AccountId,
    /// The other.
    pub merged_id: AccountId,
    /// Our number for the other.
    pub merged_no: String,
    /// The kept account before.
    pub kept_before: Account,
    /// The kept account with what the other brought.
    pub kept_after: Account,
    /// Who said so.
    pub merged_by: String,
    /// Milliseconds UTC.
    pub merged_ms: i64,
}

/// What a person noted of a customer.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct NoteRow {
    /// The text.
    pub body: String,
    /// By whom.
    pub written_by: String,
    /// Milliseconds UTC.
    pub written_ms: i64,
}

fn merge(row: &AnyRow) -> Result<MergeRow> {
    Ok(MergeRow {
        id: row.text("id")?,
        kept_id: row.id("kept_id")?,
        merged_id: row.id("merged_id")?,
        merged_no: row.text("account_no")?,
        kept_before: row.json("kept_before")?,
        kept_after: row.json("kept_after")?,
        merged_by: row.text("merged_by")?,
        merged_ms: row.int("merged_ms")?,
    })
}

fn account(row: &AnyRow) -> Result<AccountRow> {
    Ok(AccountRow { id: row.id("id")?, account: row.json("content")? })
}

impl Db {
    /// Rises with each change of accounts or catalogue.
    pub async fn find_known_version(&mut self) -> Result<i64> {
        self.find_counter("known").await
    }

    /// All accounts but those that another stands for, by number.
    pub async fn list_all_accounts(&mut self) -> Result<Vec<AccountRow>> {
        sqlx::query("SELECT id, content FROM account WHERE merged_into = '' ORDER BY account_no LIMIT $1")
            .bind(ACCOUNTS_MAX)
            .all(self.connection(), account)
            .await
    }

    /// The whole catalogue, by item number.
    pub async fn list_all_catalogue_items(&mut self) -> Result<Vec<CatalogueItem>> {
        sqlx::query("SELECT content FROM catalogue_item ORDER BY sku LIMIT $1")
            .bind(CATALOGUE_MAX)
            .all(self.connection(), |row| row.json("content"))
            .await
    }

    /// The next `limit` accounts after number `after`.
    pub async fn list_accounts(&mut self, after: &str, limit: u32) -> Result<Vec<AccountRow>> {
        sqlx::query("SELECT id, content FROM account WHERE account_no > $1 ORDER BY account_no LIMIT $2")
            .bind(key(after))
            .bind(i64::from(limit))
            .all(self.connection(), account)
            .await
    }

    /// An account by its row id.
    pub async fn find_account(&mut self, id: &AccountId) -> Result<Option<AccountRow>> {
        sqlx::query("SELECT id, content FROM account WHERE id = $1")
            .bind(id.as_str())
            .find(self.connection(), account)
            .await
    }

    /// An account by our number for the customer.
    pub async fn find_account_by_no(&mut self, account_no: &str) -> Result<Option<AccountRow>> {
        sqlx::query("SELECT id, content FROM account WHERE account_no = $1")
            .bind(key(account_no))
            .find(self.connection(), account)
            .await
    }

    /// Accounts whose mail comes from `domain`, by number.
    pub async fn list_accounts_by_domain(&mut self, domain: &str, limit: u32) -> Result<Vec<AccountRow>> {
        // only the limit is joined; see the header of `store`
        let sql = format!(
            "SELECT id, content FROM account WHERE email_domain = $1 AND email_domain <> '' AND merged_into = ''
                 ORDER BY account_no LIMIT {limit}"
        );
        sqlx::query(AssertSqlSafe(sql))
            .bind(key(&domain.to_lowercase()))
            .all(self.connection(), account)
            .await
    }

    /// The account of each of these domains, in lower case, that is one account's alone.
    pub async fn list_only_accounts_of_domains(
        &mut self,
        domains: &BTreeSet<String>,
    ) -> Result<BTreeMap<String, AccountId>> {
        let mut found = BTreeMap::new();
        let domains: Vec<&String> = domains.iter().filter(|domain| !domain.is_empty()).collect();
        for some in domains.chunks(ROWS_AT_ONCE) {
            // only places are joined; values are bound
            let sql = format!(
                "SELECT email_domain, MIN(id) AS id FROM account WHERE email_domain IN {} AND merged_into = ''
                 GROUP BY email_domain HAVING COUNT(*) = 1",
                places(1, some.len())
            );
            let mut query = sqlx::query(AssertSqlSafe(sql));
            for domain in some {
                query = query.bind(key(domain));
            }
            let rows = query.all(self.connection(), |row| Ok((row.text("email_domain")?, row.id("id")?)));
            found.extend(rows.await?);
        }
        Ok(found)
    }

    /// The account that stands for this one; none if it stands for itself.
    pub async fn find_standing_account(&mut self, id: &AccountId) -> Result<Option<AccountId>> {
        let found = sqlx::query("SELECT merged_into FROM account WHERE id = $1 AND merged_into <> ''")
            .bind(text(id.as_str()))
            .find(self.connection(), |row| row.id("merged_into"))
            .await?;
        Ok(found)
    }

    /// Accounts that others stand for: row id, number, and row id of the other.
    pub async fn list_merged_accounts(&mut self) -> Result<Vec<(AccountId, String, AccountId)>> {
        sqlx::query(
            "SELECT id, account_no, merged_into FROM account WHERE merged_into <> '' ORDER BY id LIMIT $1",
        )
        .bind(ACCOUNTS_MAX)
        .all(self.connection(), |row| Ok((row.id("id")?, row.text("account_no")?, row.id("merged_into")?)))
        .await
    }

    /// The merges into an account that were not taken back, newest first.
    pub async fn list_merges(&mut self, kept: &AccountId) -> Result<Vec<MergeRow>> {
        sqlx::query(
            "SELECT account_merge.*, account.account_no FROM account_merge
             JOIN account ON account.id = account_merge.merged_id
             WHERE kept_id = $1 AND undone_ms IS NULL ORDER BY account_merge.id DESC LIMIT $2",
        )
        .bind(kept.as_str())
        .bind(MERGES_MAX)
        .all(self.connection(), merge)
        .await
    }

    /// What people noted of a customer, newest first.
    pub async fn list_account_notes(
        &mut self,
        id: &AccountId,
        skip: u32,
        limit: u32,
    ) -> Result<Vec<NoteRow>> {
        sqlx::query(
            "SELECT * FROM account_note WHERE account_id IN
                 (SELECT id FROM account WHERE id = $1 OR merged_into = $1) ORDER BY id DESC LIMIT $2 OFFSET $3",
        )
        .bind(id.as_str())
        .bind(i64::from(limit))
        .bind(i64::from(skip))
        .all(self.connection(), |row| {
            Ok(NoteRow {
                body: row.text("body")?,
                written_by: row.text("written_by")?,
                written_ms: row.int("written_ms")?,
            })
        })
        .await
    }

    /// What a customer wrote, newest first.
    pub async fn list_message_ids_of_account(
        &mut self,
        id: &AccountId,
        skip: u32,
        limit: u32,
    ) -> Result<Vec<MessageId>> {
        sqlx::query(
            "SELECT message.id FROM ticket JOIN message ON message.ticket_id = ticket.id
             WHERE ticket.account_id IN (SELECT id FROM account WHERE id = $1 OR merged_into = $1)
                 AND message.direction = 'in'
             ORDER BY message.id DESC LIMIT $2 OFFSET $3",
        )
        .bind(id.as_str())
        .bind(i64::from(limit))
        .bind(i64::from(skip))
        .all(self.connection(), |row| row.id("id"))
        .await
    }

    /// How many accounts and catalogue items there are.
    pub async fn count_known(&mut self) -> Result<(i64, i64)> {
        Ok(sqlx::query_as(
            "SELECT (SELECT COUNT(*) FROM account) AS accounts, (SELECT COUNT(*) FROM catalogue_item) AS items",
        )
        .fetch_one(self.connection())
        .await?)
    }
}

impl Tx {
    /// Lets nobody else change accounts or catalogue until the end.
    pub async fn lock_known(&mut self) -> Result<()> {
        self.raise_counter("known", 1).await.map(drop)
    }

    /// Adds an account. `None` if its number is taken.
    pub async fn insert_account(&mut self, account: &Account, now_ms: i64) -> Result<Option<AccountId>> {
        if self.find_account_by_no(&account.account_no).await?.is_some() {
            return Ok(None);
        }
        self.save_accounts(std::slice::from_ref(account), now_ms).await?;
        Ok(self.find_account_by_no(&account.account_no).await?.map(|row| row.id))
    }

    /// Notes something of a customer.
    pub async fn insert_account_note(
        &mut self,
        id: &AccountId,
        body: &str,
        who: &str,
        now_ms: i64,
    ) -> Result<()> {
        sqlx::query(
            "INSERT INTO account_note (id, account_id, body, written_by, written_ms) VALUES ($1, $2, $3, $4, $5)",
        )
        .bind(fresh::<String>())
        .bind(id.as_str())
        .bind(text(body))
        .bind(text(who))
        .bind(now_ms)
        .run(self.connection())
        .await?;
        Ok(())
    }

    /// Lets `kept` stand for `merged`, and keeps what is needed to take it back. `false` if one of them is part of another
    /// merge in a way that would make a chain.
    pub async fn merge_accounts(
        &mut self,
        kept: &AccountRow,
        merged: &AccountRow,
        after: &Account,
        who: &str,
        now_ms: i64,
    ) -> Result<bool> {
        let done = sqlx::query(
            "UPDATE account SET merged_into = $1, updated_ms = $2 WHERE id = $3 AND merged_into = ''
                 AND NOT EXISTS (SELECT 1 FROM account AS other WHERE other.merged_into = $3)
                 AND NOT EXISTS (SELECT 1 FROM account AS other WHERE other.id = $1 AND other.merged_into <> '')",
        )
        .bind(kept.id.as_str())
        .bind(now_ms)
        .bind(merged.id.as_str())
        .run(self.connection())
        .await?;
        if done != 1 {
            return Ok(false);
        }
        sqlx::query(
            "INSERT INTO account_merge (id, kept_id, merged_id, kept_before, kept_after, merged_by, merged_ms, undone_by)
             VALUES ($1, $2, $3, $4, $5, $6, $7, '')",
        )
        .bind(fresh::<String>())
        .bind(kept.id.as_str())
        .bind(merged.id.as_str())
        .bind(json(&kept.account)?)
        .bind(json(after)?)
        .bind(text(who))
        .bind(now_ms)
        .run(self.connection())
        .await?;
        self.save_accounts(std::slice::from_ref(after), now_ms).await?;
        Ok(true)
    }

    /// Takes a merge back: both are what they were, unless the kept one was changed since, which stays as it is.
    /// `None` if it was taken back already.
    pub async fn undo_merge(&mut self, id: &str, who: &str, now_ms: i64) -> Result<Option<MergeRow>> {
        let found = sqlx::query(
            "SELECT account_merge.*, account.account_no FROM account_merge
             JOIN account ON account.id = account_merge.merged_id
             WHERE account_merge.id = $1 AND undone_ms IS NULL",
        )
        .bind(text(id))
        .find(self.connection(), merge)
        .await?;
        let Some(row) = found else { return Ok(None) };
        sqlx::query("UPDATE account_merge SET undone_by = $1, undone_ms = $2 WHERE id = $3")
            .bind(text(who))
            .bind(now_ms)
            .bind(text(id))
            .run(self.connection())
            .await?;
        sqlx::query("UPDATE account SET merged_into = '', updated_ms = $1 WHERE id = $2")
            .bind(now_ms)
            .bind(row.merged_id.as_str())
            .run(self.connection())
            .await?;
        let kept = self.find_account(&row.kept_id).await?.map(|kept| kept.account);
        if kept.as_ref() == Some(&row.kept_after) {
            self.save_accounts(std::slice::from_ref(&row.kept_before), now_ms).await?;
        } else {
            self.raise_counter("known", 1).await?;
        }
        Ok(Some(row))
    }

    /// Adds or replaces accounts by their number. Others stay: tickets and drafts may refer to them.
    pub async fn save_accounts(&mut self, accounts: &[Account], now_ms: i64) -> Result<()> {
        for account in accounts {
            sqlx::query(
                "INSERT INTO account (id, account_no, name, email_domain, content, updated_ms)
                 VALUES ($1, $2, $3, $4, $5, $6)
                 ON CONFLICT (account_no) DO UPDATE SET name = excluded.name, email_domain = excluded.email_domain,
                     content = excluded.content, updated_ms = excluded.updated_ms",
            )
            .bind(fresh::<String>())
            .bind(key(&account.account_no))
            .bind(text(&account.name))
            .bind(key(&account.email_domain.to_lowercase()))
            .bind(json(account)?)
            .bind(now_ms)
            .run(self.connection())
            .await?;
        }
        self.raise_counter("known", 1).await?;
        Ok(())
    }

    /// Makes the catalogue exactly these items.
    pub async fn replace_catalogue(&mut self, items: &[CatalogueItem], now_ms: i64) -> Result<()> {
        sqlx::query("DELETE FROM catalogue_item").run(self.connection()).await?;
        for item in items {
            sqlx::query(
                "INSERT INTO catalogue_item (sku, content, updated_ms) VALUES ($1, $2, $3)
                 ON CONFLICT (sku) DO UPDATE SET content = excluded.content",
            )
            .bind(key(&item.sku))
            .bind(json(item)?)
            .bind(now_ms)
            .run(self.connection())
            .await?;
        }
        self.raise_counter("known", 1).await?;
        Ok(())
    }
}
