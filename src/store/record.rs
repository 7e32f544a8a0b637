//! Records: what people approved.

use super::{
    Db, Result, Tx,
    draft::DraftRow,
    row::{Ask as _, Columns as _, fresh, json, key, text},
};
use crate::model::{
    draft::{Draft, Kind},
    ids::{AccountId, DraftId, RecordId, TicketId},
};
use sqlx::any::AnyRow;

/// An approved draft.
#[derive(Clone, Debug, PartialEq)]
pub struct RecordRow {
    /// Row id.
    pub id: RecordId,
    /// The draft that was approved.
    pub draft_id: DraftId,
    /// The conversation.
    pub ticket_id: TicketId,
    /// The customer.
    pub account_id: Option<AccountId>,
    /// What it is.
    pub kind: Kind,
    /// The customer's order number; empty if there is none.
    pub po_number: String,
    /// As approved.
    pub content: Draft,
    /// Milliseconds UTC.
    pub approved_ms: i64,
    /// By whom.
    pub approved_by: String,
}

fn record(row: &AnyRow) -> Result<RecordRow> {
    Ok(RecordRow {
        id: row.id("id")?,
        draft_id: row.id("draft_id")?,
        ticket_id: row.id("ticket_id")?,
        account_id: row.find_id("account_id")?,
        kind: row.named("kind", Kind::parse)?,
        po_number: row.text("po_number")?,
        content: row.json("content")?,
        approved_ms: row.int("approved_ms")?,
        approved_by: row.text("approved_by")?,
    })
}

impl Db {
    /// A record by its row id.
    pub async fn find_record(&mut self, id: &RecordId) -> Result<Option<RecordRow>> {
        sqlx::query("SELECT * FROM record WHERE id = $1")
            .bind(text(id.as_str()))
            .find(self.connection(), record)
            .await
    }

    /// The record that a draft became.
    pub async fn find_record_of_draft(&mut self, draft_id: &DraftId) -> Result<Option<RecordRow>> {
        sqlx::query("SELECT * FROM record WHERE draft_id = $1")
            .bind(draft_id.as_str())
            .find(self.connection(), record)
            .await
    }

    /// The records of a ticket, oldest first.
    pub async fn list_records_of_ticket(
        &mut self,
        ticket_id: &TicketId,
        limit: u32,
    ) -> Result<Vec<RecordRow>> {
        sqlx::query("SELECT * FROM record WHERE ticket_id = $1 ORDER BY id LIMIT $2")
            .bind(ticket_id.as_str())
            .bind(i64::from(limit))
            .all(self.connection(), record)
            .await
    }

    /// The records with an order number, newest first.
    pub async fn list_records_by_po(&mut self, po_number: &str, limit: u32) -> Result<Vec<RecordRow>> {
        sqlx::query("SELECT * FROM record WHERE po_number = $1 ORDER BY id DESC LIMIT $2")
            .bind(key(po_number))
            .bind(i64::from(limit))
            .all(self.connection(), record)
            .await
    }

    /// The records of a customer and of those that it stands for, newest first.
    pub async fn list_records_of_account(
        &mut self,
        account_id: &AccountId,
        limit: u32,
    ) -> Result<Vec<RecordRow>> {
        self.list_records_of_account_from(account_id, 0, limit).await
    }

    /// The same without the `skip` newest.
    pub async fn list_records_of_account_from(
        &mut self,
        account_id: &AccountId,
        skip: u32,
        limit: u32,
    ) -> Result<Vec<RecordRow>> {
        sqlx::query(
            "SELECT * FROM record WHERE account_id IN (SELECT id FROM account WHERE id = $1 OR merged_into = $1)
             ORDER BY id DESC LIMIT $2 OFFSET $3",
        )
        .bind(account_id.as_str())
        .bind(i64::from(limit))
        .bind(i64::from(skip))
        .all(self.connection(), record)
        .await
    }

    /// All records, oldest first, the next `limit` after `after`.
    pub async fn list_records(&mut self, after: Option<&RecordId>, limit: u32) -> Result<Vec<RecordRow>> {
        sqlx::query("SELECT * FROM record WHERE id > $1 ORDER BY id LIMIT $2")
            .bind(after.map_or("", RecordId::as_str))
            .bind(i64::from(limit))
            .all(self.connection(), record)
            .await
    }
}

impl Tx {
    /// Removes the record of a draft whose approval is taken back.
    pub(super) async fn delete_record_of_draft(&mut self, id: &DraftId) -> Result<()> {
        sqlx::query("DELETE FROM record WHERE draft_id = $1")
            .bind(id.as_str())
            .run(self.connection())
            .await?;
        Ok(())
    }

    /// Makes the record of a draft that was just approved with [`Tx::decide_draft`].
    pub async fn insert_record(&mut self, draft: &DraftRow, by: &str, now_ms: i64) -> Result<RecordId> {
        let id: RecordId = fresh();
        sqlx::query(
            "INSERT INTO record (id, draft_id, ticket_id, account_id, kind, po_number, content, approved_ms, approved_by)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
        )
        .bind(id.as_str())
        .bind(draft.id.as_str())
        .bind(draft.ticket_id.as_str())
        .bind(draft.account_id.as_ref().map(AccountId::as_str))
        .bind(draft.content.kind.as_str())
        .bind(key(draft.content.text("po_number").unwrap_or_default()))
        .bind(json(&draft.content)?)
        .bind(now_ms)
        .bind(text(by))
        .run(self.connection())
        .await?;
        Ok(id)
    }
}
