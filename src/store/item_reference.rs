//! Item numbers of customers, learnt from approved drafts.

use super::{
    Db, Result, Tx,
    row::{Ask as _, Columns as _, fresh, key, text},
};
use crate::model::ids::{AccountId, DraftId, ItemReferenceId};
use sqlx::any::AnyRow;

/// References loaded at most.
const REFERENCES_MAX: i64 = 1_000_000;

/// What a customer calls one of our items.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewItemReference {
    /// The customer.
    pub account_id: AccountId,
    /// As the customer writes it.
    pub customer_sku: String,
    /// Our item number.
    pub sku: String,
    /// The approved draft that says so.
    pub draft_id: DraftId,
}

/// A reference.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ItemReferenceRow {
    /// Row id.
    pub id: ItemReferenceId,
    /// What it says.
    pub reference: NewItemReference,
    /// Who approved the draft.
    pub learnt_by: String,
    /// Milliseconds UTC.
    pub learnt_ms: i64,
}

fn reference(row: &AnyRow) -> Result<ItemReferenceRow> {
    Ok(ItemReferenceRow {
        id: row.id("id")?,
        reference: NewItemReference {
            account_id: row.id("account_id")?,
            customer_sku: row.text("customer_sku")?,
            sku: row.text("sku")?,
            draft_id: row.id("draft_id")?,
        },
        learnt_by: row.text("learnt_by")?,
        learnt_ms: row.int("learnt_ms")?,
    })
}

impl Db {
    /// All references, oldest first.
    pub async fn list_all_item_references(&mut self) -> Result<Vec<ItemReferenceRow>> {
        sqlx::query("SELECT * FROM item_reference ORDER BY id LIMIT $1")
            .bind(REFERENCES_MAX)
            .all(self.connection(), reference)
            .await
    }

    /// What a customer, and those that it stands for, calls our items, newest first.
    pub async fn list_item_references_of(
        &mut self,
        id: &AccountId,
        limit: u32,
    ) -> Result<Vec<ItemReferenceRow>> {
        sqlx::query(
            "SELECT * FROM item_reference WHERE account_id IN
                 (SELECT id FROM account WHERE id = $1 OR merged_into = $1) ORDER BY id DESC LIMIT $2",
        )
        .bind(id.as_str())
        .bind(i64::from(limit))
        .all(self.connection(), reference)
        .await
    }

    /// References, newest first, at most `limit`.
    pub async fn list_item_references(&mut self, limit: u32) -> Result<Vec<ItemReferenceRow>> {
        sqlx::query("SELECT * FROM item_reference ORDER BY id DESC LIMIT $1")
            .bind(i64::from(limit))
            .all(self.connection(), reference)
            .await
    }
}

impl Tx {
    /// Forgets the item numbers that a draft taught.
    pub(super) async fn delete_item_references_of_draft(&mut self, id: &DraftId) -> Result<()> {
        sqlx::query("DELETE FROM item_reference WHERE draft_id = $1")
            .bind(id.as_str())
            .run(self.connection())
            .await?;
        Ok(())
    }

    /// Keeps what a customer calls an item; the latest draft counts.
    pub async fn save_item_reference(
        &mut self,
        new: &NewItemReference,
        who: &str,
        now_ms: i64,
    ) -> Result<()> {
        sqlx::query(
            "INSERT INTO item_reference (id, account_id, customer_sku, sku, draft_id, learnt_by, learnt_ms)
             VALUES ($1, $2, $3, $4, $5, $6, $7)
             ON CONFLICT (account_id, customer_sku) DO UPDATE SET sku = excluded.sku, draft_id = excluded.draft_id,
                 learnt_by = excluded.learnt_by, learnt_ms = excluded.learnt_ms",
        )
        .bind(fresh::<String>())
        .bind(new.account_id.as_str())
        .bind(key(&new.customer_sku))
        .bind(text(&new.sku))
        .bind(new.draft_id.as_str())
        .bind(text(who))
        .bind(now_ms)
        .run(self.connection())
        .await?;
        self.raise_counter("known", 1).await?;
        Ok(())
    }

    /// Forgets a reference; false if it is gone already.
    pub async fn delete_item_reference(&mut self, id: &ItemReferenceId) -> Result<bool> {
        let done = sqlx::query("DELETE FROM item_reference WHERE id = $1")
            .bind(text(id.as_str()))
            .run(self.connection())
            .await?;
        self.raise_counter("known", 1).await?;
        Ok(done == 1)
    }
}
