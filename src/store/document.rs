//! Documents: attachments, entries of archives, bodies that hold an order.

use super::{
    Db, Result, Tx,
    row::{Ask as _, Columns as _, ROWS_AT_ONCE, fresh, json, places, text},
};
use crate::model::{
    draft::named,
    finding::Finding,
    ids::{AccountId, DocumentId, MessageId},
};
use sqlx::{AssertSqlSafe, any::AnyRow};

/// Documents of one message listed at most.
pub const DOCUMENTS_OF_MESSAGE_MAX: i64 = 2_000;

named! {
    /// Whether a document was read.
    DocumentState {
        /// Waits to be read.
        Waiting = "waiting",
        /// It has pages.
        Read = "read",
        /// It could not be read; the cause says why.
        Failed = "failed",
        /// Nothing to read: a logo, a signature.
        Skipped = "skipped",
    }
}

/// A document without an id.
#[derive(Clone, Debug, PartialEq)]
pub struct NewDocument {
    /// The message that it came with.
    pub message_id: MessageId,
    /// The archive or file that it was in.
    pub parent_id: Option<DocumentId>,
    /// Number within the message.
    pub position: i64,
    /// Name as given; never used as a path.
    pub name: String,
    /// Media type as declared.
    pub media_type: String,
    /// By content; empty until read.
    pub format: String,
    /// Size.
    pub size_bytes: i64,
    /// Content address.
    pub sha256: String,
    /// Whether it was read.
    pub state: DocumentState,
    /// Why failed or skipped.
    pub cause: String,
    /// Pages.
    pub page_count: i64,
    /// How its words were come by: `text_layer`, `ocr`, `sheet`, `text`, `mixed`; empty until read.
    pub how: String,
    /// Content address of the pages as JSON.
    pub pages_sha256: Option<String>,
    /// What is wrong with it.
    pub findings: Vec<Finding>,
}

/// A document.
#[derive(Clone, Debug, PartialEq)]
pub struct DocumentRow {
    /// Row id.
    pub id: DocumentId,
    /// What is known of it.
    pub document: NewDocument,
    /// Milliseconds UTC.
    pub created_ms: i64,
}

fn document(row: &AnyRow) -> Result<DocumentRow> {
    Ok(DocumentRow {
        id: row.id("id")?,
        created_ms: row.int("created_ms")?,
        document: NewDocument {
            message_id: row.id("message_id")?,
            parent_id: row.find_id("parent_id")?,
            position: row.int("position")?,
            name: row.text("name")?,
            media_type: row.text("media_type")?,
            format: row.text("format")?,
            size_bytes: row.int("size_bytes")?,
            sha256: row.text("sha256")?,
            state: row.named("state", DocumentState::parse)?,
            cause: row.text("cause")?,
            page_count: row.int("page_count")?,
            how: row.text("how")?,
            pages_sha256: row.find_id("pages_sha256")?,
            findings: row.json("findings")?,
        },
    })
}

impl Db {
    /// A document by its row id.
    pub async fn find_document(&mut self, id: &DocumentId) -> Result<Option<DocumentRow>> {
        sqlx::query("SELECT * FROM document WHERE id = $1")
            .bind(id.as_str())
            .find(self.connection(), document)
            .await
    }

    /// The documents of a message by position.
    pub async fn list_documents(&mut self, message_id: &MessageId) -> Result<Vec<DocumentRow>> {
        sqlx::query("SELECT * FROM document WHERE message_id = $1 ORDER BY position, id LIMIT $2")
            .bind(message_id.as_str())
            .bind(DOCUMENTS_OF_MESSAGE_MAX)
            .all(self.connection(), document)
            .await
    }

    /// The documents of many messages, by message and position.
    pub async fn list_documents_of(&mut self, message_ids: &[&MessageId]) -> Result<Vec<DocumentRow>> {
        let mut found = Vec::new();
        for ids in message_ids.chunks(ROWS_AT_ONCE) {
            // only places are joined; values are bound
            let sql = format!(
                "SELECT * FROM document WHERE message_id IN {} ORDER BY message_id, position, id",
                places(1, ids.len())
            );
            let mut query = sqlx::query(AssertSqlSafe(sql));
            for id in ids {
                query = query.bind(id.as_str());
            }
            found.extend(query.all(self.connection(), document).await?);
        }
        Ok(found)
    }

    /// What a customer sent, newest first, without the `skip` newest.
    pub async fn list_documents_of_account(
        &mut self,
        id: &AccountId,
        skip: u32,
        limit: u32,
    ) -> Result<Vec<DocumentRow>> {
        sqlx::query(
            "SELECT document.* FROM ticket JOIN message ON message.ticket_id = ticket.id
                 JOIN document ON document.message_id = message.id
             WHERE ticket.account_id IN (SELECT id FROM account WHERE id = $1 OR merged_into = $1)
                 AND message.direction = 'in'
             ORDER BY document.id DESC LIMIT $2 OFFSET $3",
        )
        .bind(id.as_str())
        .bind(i64::from(limit))
        .bind(i64::from(skip))
        .all(self.connection(), document)
        .await
    }

    /// Documents with these bytes, newest first.
    pub async fn list_documents_by_sha(&mut self, sha256: &str, limit: u32) -> Result<Vec<DocumentRow>> {
        sqlx::query("SELECT * FROM document WHERE sha256 = $1 ORDER BY id DESC LIMIT $2")
            .bind(text(sha256))
            .bind(i64::from(limit))
            .all(self.connection(), document)
            .await
    }
}

impl Tx {
    /// Keeps a document. The same bytes at the same position of the same message are the same document: what a
    /// repeated processing found replaces what was there, and the id stays.
    pub async fn save_document(&mut self, new: &NewDocument, now_ms: i64) -> Result<DocumentId> {
        let row = sqlx::query(
            "INSERT INTO document (id, message_id, parent_id, position, name, media_type, format, size_bytes, sha256,
                 state, cause, page_count, how, pages_sha256, findings, created_ms)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16)
             ON CONFLICT (message_id, position, sha256) DO UPDATE SET parent_id = excluded.parent_id,
                 name = excluded.name, media_type = excluded.media_type, format = excluded.format,
                 state = excluded.state, cause = excluded.cause, page_count = excluded.page_count,
                 how = excluded.how, pages_sha256 = excluded.pages_sha256, findings = excluded.findings
             RETURNING id",
        )
        .bind(fresh::<String>())
        .bind(new.message_id.as_str())
        .bind(new.parent_id.as_ref().map(DocumentId::as_str))
        .bind(new.position)
        .bind(text(&new.name))
        .bind(text(&new.media_type))
        .bind(text(&new.format))
        .bind(new.size_bytes)
        .bind(new.sha256.as_str())
        .bind(new.state.as_str())
        .bind(text(&new.cause))
        .bind(new.page_count)
        .bind(text(&new.how))
        .bind(new.pages_sha256.as_deref())
        .bind(json(&new.findings)?)
        .bind(now_ms)
        .fetch_one(self.connection())
        .await?;
        row.id("id")
    }

    /// After a message was processed again: removes the documents that were not found any more and that nothing refers to.
    pub async fn delete_documents_except(
        &mut self,
        message_id: &MessageId,
        kept: &[DocumentId],
    ) -> Result<()> {
        // only places are joined; values are bound
        let (listed, last) = (places(1, kept.len()), kept.len() + 1);
        let others = if kept.is_empty() { String::new() } else { format!("AND id NOT IN {listed}") };
        let sql = format!(
            "DELETE FROM document WHERE message_id = ${last} {others}
                 AND NOT EXISTS (SELECT 1 FROM draft WHERE draft.document_id = document.id)
                 AND NOT EXISTS (SELECT 1 FROM quarantine WHERE quarantine.document_id = document.id)
                 AND NOT EXISTS (SELECT 1 FROM document AS child WHERE child.parent_id = document.id)"
        );
        // children first, level by level: archives in archives
        loop {
            let mut query = sqlx::query(AssertSqlSafe(sql.as_str()));
            for id in kept {
                query = query.bind(id.as_str());
            }
            if query.bind(message_id.as_str()).run(self.connection()).await? == 0 {
                return Ok(());
            }
        }
    }
}
