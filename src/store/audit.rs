//! The audit log: append-only and hash-chained. Who changes, removes or reorders a row breaks the chain.
//!
//! `hash` = lower-case hex of SHA-256 over these byte strings, each preceded by its length in bytes as a 64-bit
//! big-endian number, in this order: `previous_hash`, `seq`, `at_ms` (both as decimal text), `actor`, `action`,
//! `subject_kind`, `subject_id`, `detail`. The lengths make the encoding unambiguous. The first row's `previous_hash`
//! is 64 zeros, and `seq` counts from 1 without gaps up to the counter `audit`. So a cut-off tail shows too, unless
//! the counter was turned back with it: who must exclude that keeps the last hash elsewhere (`mailroom verify` prints
//! it).
//!
//! Rows are written in the last moment before a commit, so that writers hold the chain as briefly as possible.

use super::{
    Db, Result, Store, Tx,
    row::{Ask as _, Columns as _, ROWS_AT_ONCE, key, places, text},
};
use sha2::{Digest as _, Sha256};
use sqlx::{AssertSqlSafe, any::AnyRow};

/// Rows checked at a time.
const PAGE_ROWS: u32 = 1_000;

/// What somebody did.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Entry {
    /// Milliseconds UTC.
    pub at_ms: i64,
    /// Name of the person, or `mailroom` for the program itself.
    pub actor: String,
    /// What was done, in snake_case: `approve_draft`, `sign_in`…
    pub action: String,
    /// To what: `draft`, `ticket`, `message`…
    pub subject_kind: String,
    /// Which one.
    pub subject_id: String,
    /// Particulars: plain words or JSON. No secrets.
    pub detail: String,
}

/// A row of the chain.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AuditRow {
    /// Number in the chain, from 1.
    pub seq: i64,
    /// What was done.
    pub entry: Entry,
    /// Hash of the row before.
    pub previous_hash: String,
    /// Hash over everything above.
    pub hash: String,
}

/// What a walk over the chain found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChainCheck {
    /// Sound rows.
    pub rows: i64,
    /// Hash of the last sound row: keep it elsewhere to notice a cut-off tail.
    pub last_hash: String,
    /// The first row that is not sound, and why.
    pub broken: Option<(i64, String)>,
}

fn audit(row: &AnyRow) -> Result<AuditRow> {
    Ok(AuditRow {
        seq: row.int("seq")?,
        entry: Entry {
            at_ms: row.int("at_ms")?,
            actor: row.text("actor")?,
            action: row.text("action")?,
            subject_kind: row.text("subject_kind")?,
            subject_id: row.text("subject_id")?,
            detail: row.text("detail")?,
        },
        previous_hash: row.text("previous_hash")?,
        hash: row.text("hash")?,
    })
}

/// What the first row names as its predecessor.
fn no_hash() -> String {
    "0".repeat(64)
}

/// The hash of a row: see the module's header.
pub fn chain_hash(previous_hash: &str, seq: i64, entry: &Entry) -> String {
    let mut hasher = Sha256::new();
    let (seq, at_ms) = (seq.to_string(), entry.at_ms.to_string());
    for part in [
        previous_hash,
        &seq,
        &at_ms,
        &entry.actor,
        &entry.action,
        &entry.subject_kind,
        &entry.subject_id,
        &entry.detail,
    ] {
        hasher.update((part.len() as u64).to_be_bytes());
        hasher.update(part);
    }
    hex::encode(hasher.finalize())
}

impl Db {
    /// The chain from row `after` on, oldest first.
    pub async fn list_audit(&mut self, after: i64, limit: u32) -> Result<Vec<AuditRow>> {
        sqlx::query("SELECT * FROM audit WHERE seq > $1 ORDER BY seq LIMIT $2")
            .bind(after)
            .bind(i64::from(limit))
            .all(self.connection(), audit)
            .await
    }

    /// The chain, newest first: the next `limit` rows before row `before`.
    pub async fn list_recent_audit(&mut self, before: i64, limit: u32) -> Result<Vec<AuditRow>> {
        sqlx::query("SELECT * FROM audit WHERE seq < $1 ORDER BY seq DESC LIMIT $2")
            .bind(before)
            .bind(i64::from(limit))
            .all(self.connection(), audit)
            .await
    }

    /// What was done to one thing, newest first.
    pub async fn list_audit_of(
        &mut self,
        subject_kind: &str,
        subject_id: &str,
        limit: u32,
    ) -> Result<Vec<AuditRow>> {
        sqlx::query(
            "SELECT * FROM audit WHERE subject_kind = $1 AND subject_id = $2 ORDER BY seq DESC LIMIT $3",
        )
        .bind(text(subject_kind))
        .bind(key(subject_id))
        .bind(i64::from(limit))
        .all(self.connection(), audit)
        .await
    }
}

impl Tx {
    /// Appends to the log at the commit of this transaction.
    pub fn audit(&mut self, entry: Entry) {
        let Entry { at_ms, actor, action, subject_kind, subject_id, detail } = entry;
        self.audit.push(Entry {
            at_ms,
            actor: text(&actor),
            action: text(&action),
            subject_kind: text(&subject_kind),
            subject_id: key(&subject_id),
            detail: text(&detail),
        });
    }

    pub(super) async fn write_audit(&mut self) -> Result<()> {
        let entries = std::mem::take(&mut self.audit);
        if entries.is_empty() {
            return Ok(());
        }
        let count = i64::try_from(entries.len()).unwrap_or(i64::MAX);
        let last = self.raise_counter("audit", count).await?;
        let first = last - count + 1;
        let mut previous_hash = match first {
            1 => no_hash(),
            _ => sqlx::query("SELECT hash FROM audit WHERE seq = $1")
                .bind(first - 1)
                .fetch_one(self.connection())
                .await?
                .text("hash")?,
        };
        let mut chained = Vec::with_capacity(entries.len());
        for (seq, entry) in (first..).zip(entries) {
            let hash = chain_hash(&previous_hash, seq, &entry);
            chained.push((seq, entry, previous_hash, hash.clone()));
            previous_hash = hash;
        }
        for rows in chained.chunks(ROWS_AT_ONCE) {
            // only places are joined; values are bound
            let sql = format!(
                "INSERT INTO audit (seq, at_ms, actor, action, subject_kind, subject_id, detail, previous_hash, hash)
                 VALUES {}",
                places(rows.len(), 9)
            );
            let mut query = sqlx::query(AssertSqlSafe(sql));
            for (seq, entry, previous, hash) in rows {
                query = query
                    .bind(*seq)
                    .bind(entry.at_ms)
                    .bind(entry.actor.as_str())
                    .bind(entry.action.as_str())
                    .bind(entry.subject_kind.as_str())
                    .bind(entry.subject_id.as_str())
                    .bind(entry.detail.as_str())
                    .bind(previous.as_str())
                    .bind(hash.as_str());
            }
            query.run(self.connection()).await?;
        }
        Ok(())
    }
}

impl Store {
    /// Walks the chain from its first row and names the first one that is not sound.
    pub async fn check_audit(&self) -> Result<ChainCheck> {
        let mut check = ChainCheck { rows: 0, last_hash: no_hash(), broken: None };
        let mut db = self.read().await?;
        // read first: rows that are added meanwhile do not matter
        let expected = db.find_counter("audit").await?;
        loop {
            let rows = db.list_audit(check.rows, PAGE_ROWS).await?;
            for row in &rows {
                if let Err(why) = check_link(row, check.rows + 1, &check.last_hash) {
                    check.broken = Some((check.rows + 1, why));
                    return Ok(check);
                }
                check.rows = row.seq;
                check.last_hash.clone_from(&row.hash);
            }
            if rows.len() < PAGE_ROWS as usize {
                break;
            }
        }
        if check.rows < expected {
            let why = format!("the rows {} to {expected} are gone", check.rows + 1);
            check.broken = Some((check.rows + 1, why));
        }
        Ok(check)
    }
}

fn check_link(row: &AuditRow, seq: i64, previous_hash: &str) -> std::result::Result<(), String> {
    if row.seq != seq {
        return Err(format!("row {seq} is gone"));
    }
    if row.previous_hash != previous_hash {
        return Err(format!("row {seq} does not continue the row before it"));
    }
    if row.hash != chain_hash(previous_hash, seq, &row.entry) {
        return Err(format!("row {seq} was changed"));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_encoding_is_unambiguous() {
        let entry = |actor: &str, action: &str| Entry {
            actor: actor.to_owned(),
            action: action.to_owned(),
            ..Entry::default()
        };
        let hash = |entry: &Entry| chain_hash(&no_hash(), 1, entry);
        assert_ne!(hash(&entry("ab", "c")), hash(&entry("a", "bc")));
        assert_eq!(
            hash(&entry("mailroom", "start")),
            "cf5132c9826035d25c73c9afa95be48637515f4387d04ec90d58e705d5ae2889",
            "the chain's encoding must never change"
        );
    }
}
