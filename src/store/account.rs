//! Accounts and catalogue: what a site knows about its customers and goods.
//!
//! The whole is small enough to be held in memory: callers load it once and again whenever [`Db::find_known_version`]
//! says that it changed.

use super::{
    Db, Result, Tx,
    row::{Ask as _, Columns as _, fresh, json, key, text},
};
use crate::model::{
    account::{Account, AccountRow, CatalogueItem},
    ids::AccountId,
};
use sqlx::any::AnyRow;

/// Accounts loaded at most.
const ACCOUNTS_MAX: i64 = 500_000;
/// Catalogue items loaded at most.
const CATALOGUE_MAX: i64 = 1_000_000;

fn account(row: &AnyRow) -> Result<AccountRow> {
    Ok(AccountRow { id: row.id("id")?, account: row.json("content")? })
}

impl Db {
    /// Rises with each change of accounts or catalogue.
    pub async fn find_known_version(&mut self) -> Result<i64> {
        self.find_counter("known").await
    }

    /// All accounts, by number.
    pub async fn list_all_accounts(&mut self) -> Result<Vec<AccountRow>> {
        sqlx::query("SELECT id, content FROM account ORDER BY account_no LIMIT $1")
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
        sqlx::query(
            "SELECT id, content FROM account WHERE email_domain = $1 AND email_domain <> '' ORDER BY account_no LIMIT $2",
        )
        .bind(key(&domain.to_lowercase()))
        .bind(i64::from(limit))
        .all(self.connection(), account)
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
