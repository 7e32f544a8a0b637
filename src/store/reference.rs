//! Which bytes the rows refer to, for `mailroom verify`: every one of them must be kept.

use super::{
    Db, Result,
    row::{Ask as _, Columns as _},
};
use crate::model::draft::named;

named! {
    /// What refers to bytes.
    Referrer {
        /// A message: its raw bytes.
        Message = "message",
        /// A document: the file.
        Document = "document",
        /// A document: its pages as a reader made them.
        Pages = "pages",
        /// Outgoing mail: its exact bytes.
        Outbox = "outbox",
        /// A quarantine entry.
        Quarantine = "quarantine",
    }
}

impl Db {
    /// The next `limit` hashes behind `after` that rows of a kind refer to, each once, in order.
    pub async fn list_references(
        &mut self,
        referrer: Referrer,
        after: &str,
        limit: u32,
    ) -> Result<Vec<String>> {
        let sql = match referrer {
            Referrer::Message => "SELECT sha256 FROM message WHERE sha256 > $1 ORDER BY sha256 LIMIT $2",
            Referrer::Document => {
                "SELECT DISTINCT sha256 FROM document WHERE sha256 > $1 ORDER BY sha256 LIMIT $2"
            }
            Referrer::Pages => {
                "SELECT DISTINCT pages_sha256 AS sha256 FROM document WHERE pages_sha256 > $1
                 ORDER BY pages_sha256 LIMIT $2"
            }
            Referrer::Outbox => {
                "SELECT DISTINCT sha256 FROM outbox WHERE sha256 > $1 ORDER BY sha256 LIMIT $2"
            }
            Referrer::Quarantine => {
                "SELECT DISTINCT sha256 FROM quarantine WHERE sha256 > $1 ORDER BY sha256 LIMIT $2"
            }
        };
        sqlx::query(sql)
            .bind(after)
            .bind(i64::from(limit))
            .all(self.connection(), |row| row.text("sha256"))
            .await
    }
}
