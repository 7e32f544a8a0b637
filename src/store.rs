//! The database: one file for each aggregate holds all SQL of it.
//!
//! [`Store::open`] connects to SQLite or PostgreSQL and brings the schema up to date; the same SQL text serves both.
//! [`Store::read`] gives a connection that can only read ([`Db`]); [`Store::begin`] gives a transaction ([`Tx`]) that
//! can also write. Writes that belong to one decision share one [`Tx`]; dropping it without [`Tx::commit`] undoes it.
//!
//! Does not: ask for the time (callers pass `now_ms`), keep bytes (see [`crate::blob`]), nor let any type of the
//! database crate out.
//!
//! A limit that is bound makes SQLite prepare its statement again at each use (3.47 and later look at the value): what
//! is asked for every message has its limit in the text.
//!
//! Limits: every list takes a limit or has a named maximum. On SQLite one writer works at a time and the others queue
//! for it in order; on PostgreSQL audit rows and changes are numbered in the last moment before the commit, always in
//! the same order, so that writers neither wait long for each other nor block each other for ever.

pub mod account;
pub mod api_token;
pub mod audit;
pub mod backup;
pub mod change;
pub mod credential;
pub mod document;
pub mod draft;
pub mod figures;
pub mod folder;
pub mod effort;
pub mod item_reference;
pub mod job;
pub mod lesson;
pub mod mailbox;
pub mod merge;
pub mod message;
pub mod once;
pub mod openid;
pub mod outbox;
pub mod person;
pub mod quarantine;
pub mod queue_example;
pub mod reading;
pub mod record;
pub mod reference;
mod row;
pub mod session;
pub mod setting;
pub mod sighting;
pub mod ticket;
pub mod undo;
pub mod view;
pub mod webhook;
pub mod work;

use crate::model::secret::{Secret, SecretRef};
use serde::Deserialize;
use sqlx::{Any, AnyConnection, AnyPool, any::AnyPoolOptions, pool::PoolConnection};
use std::{
    collections::BTreeSet,
    ops::{Deref, DerefMut},
    path::Path,
    sync::Arc,
    time::Duration,
};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

static MIGRATIONS: sqlx::migrate::Migrator = sqlx::migrate!();

/// How long a connection is waited for.
const ACQUIRE_TIMEOUT_MS: u64 = 30_000;
/// How long SQLite waits for another process that writes.
const SQLITE_BUSY_TIMEOUT_MS: u64 = 20_000;
/// Pages that one SQLite connection holds, in KiB.
const SQLITE_CACHE_KIB: u64 = 8 * 1024;
/// Pages of SQLite's journal after which they are moved into the file: 32 MiB. Pages that change often move once.
const SQLITE_CHECKPOINT_PAGES: u64 = 8 * 1024;
/// How often a fresh schema is tried again when another process makes it at the same time.
const MIGRATE_ATTEMPTS_MAX: u32 = 5;

/// Settings of `[database]`.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// `sqlite:PATH` for the embedded database, or `postgres://USER@HOST/NAME`; empty for a file in `site.data_dir`.
    pub url: String,
    /// Where the password of the PostgreSQL user is found; keep it out of the address.
    pub password: Option<SecretRef>,
    /// Connections kept open at most.
    pub connections_max: u32,
}

impl Default for Config {
    fn default() -> Self {
        Self { url: String::new(), password: None, connections_max: 10 }
    }
}

/// The database could not do what was asked.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The address is not one that this program knows.
    #[error("the database address must be sqlite:PATH or postgres://USER@HOST/NAME")]
    Address,
    /// Busy, unreachable, restarted or deadlocked: the same work may succeed later.
    #[error("the database is busy or out of reach")]
    Unavailable(#[source] Source),
    /// The schema could not be brought up to date.
    #[error(
        "the database schema could not be brought up to date; was this database made by a newer version?"
    )]
    Schema(#[source] Source),
    /// A statement failed: a full disk, a broken constraint or a defect of this program.
    #[error("the database refused a statement")]
    Refused(#[source] Source),
    /// A stored value is not what this program writes.
    #[error("unexpected content in the database column {column}")]
    Content {
        /// The column.
        column: String,
        /// What was wrong with it.
        #[source]
        source: Option<Source>,
    },
}

/// The error beneath.
pub type Source = Box<dyn std::error::Error + Send + Sync>;

/// Result of every function here.
pub type Result<T> = std::result::Result<T, StoreError>;

impl StoreError {
    /// Whether the same work may succeed if it is tried again later.
    pub fn is_transient(&self) -> bool {
        match self {
            Self::Unavailable(_) => true,
            Self::Address | Self::Schema(_) | Self::Refused(_) | Self::Content { .. } => false,
        }
    }
}

impl From<sqlx::Error> for StoreError {
    fn from(error: sqlx::Error) -> Self {
        let transient = match &error {
            sqlx::Error::Io(_)
            | sqlx::Error::Tls(_)
            | sqlx::Error::PoolTimedOut
            | sqlx::Error::PoolClosed
            | sqlx::Error::WorkerCrashed
            | sqlx::Error::BeginFailed => true,
            sqlx::Error::Database(source) => source.code().is_some_and(|code| is_transient_code(&code)),
            _ => false,
        };
        match error {
            error if transient => Self::Unavailable(error.into()),
            sqlx::Error::ColumnDecode { index, source } => {
                Self::Content { column: index, source: Some(source) }
            }
            error => Self::Refused(error.into()),
        }
    }
}

/// SQLite's result codes are numbers (the low byte is the primary one), PostgreSQL's have five characters.
fn is_transient_code(code: &str) -> bool {
    if code.len() == 5 {
        // connection trouble, deadlock and its kin, too many connections, operator intervention, lock not available
        return ["08", "40", "53", "57"].iter().any(|class| code.starts_with(class)) || code == "55P03";
    }
    // SQLITE_BUSY, SQLITE_LOCKED
    code.parse::<u32>().is_ok_and(|code| matches!(code & 0xff, 5 | 6))
}

/// The database. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Store {
    pool: AnyPool,
    /// Where only one writer can work at a time (SQLite): the turn to write, handed out in order.
    turn: Option<Arc<Semaphore>>,
}

impl Store {
    /// Opens the database at `url` with default settings, and brings its schema up to date.
    pub async fn open(url: &str) -> Result<Self> {
        Self::open_with(&Config { url: url.to_owned(), ..Config::default() }, None).await
    }

    /// Opens the database, and brings its schema up to date. `password` is the secret that `config.password` names.
    pub async fn open_with(config: &Config, password: Option<&Secret>) -> Result<Self> {
        sqlx::any::install_default_drivers();
        let url = config.url.as_str();
        let (url, sqlite) = if let Some(path) = url.strip_prefix("sqlite:") {
            (sqlite_url(path)?, true)
        } else if url.starts_with("postgres:") || url.starts_with("postgresql:") {
            (postgres_url(url, password.map(Secret::reveal)), false)
        } else {
            return Err(StoreError::Address);
        };
        let pool = AnyPoolOptions::new()
            .max_connections(config.connections_max.max(2))
            .acquire_timeout(Duration::from_millis(ACQUIRE_TIMEOUT_MS))
            // A server may have gone since; a file has not.
            .test_before_acquire(!sqlite)
            .after_connect(move |connection, _| {
                Box::pin(async move { if sqlite { prepare_sqlite(connection).await } else { Ok(()) } })
            })
            .connect(&url)
            .await?;
        let store = Self { pool, turn: sqlite.then(|| Arc::new(Semaphore::new(1))) };
        store.migrate().await?;
        Ok(store)
    }

    async fn migrate(&self) -> Result<()> {
        let mut attempt = 1;
        loop {
            match MIGRATIONS.run(&self.pool).await {
                Ok(()) => return Ok(()),
                Err(
                    sqlx::migrate::MigrateError::Execute(_)
                    | sqlx::migrate::MigrateError::ExecuteMigration(..),
                ) if attempt < MIGRATE_ATTEMPTS_MAX => {
                    attempt += 1;
                    tokio::time::sleep(Duration::from_millis(50 << attempt)).await;
                }
                Err(error) => return Err(StoreError::Schema(error.into())),
            }
        }
    }

    /// A connection that only reads. Each statement sees what is committed when it starts.
    pub async fn read(&self) -> Result<Db> {
        Ok(Db { held: Held::Connection(self.pool.acquire().await?) })
    }

    /// A transaction. Keep it short: no network, no OCR, no other lock inside.
    pub async fn begin(&self) -> Result<Tx> {
        let (turn, statement) = match &self.turn {
            // BEGIN IMMEDIATE: a transaction that starts by reading could not become a writer later.
            Some(turn) => (Arc::clone(turn).acquire_owned().await.ok(), "BEGIN IMMEDIATE"),
            None => (None, "BEGIN"),
        };
        let transaction = self.pool.begin_with(statement).await?;
        Ok(Tx {
            db: Db { held: Held::Transaction(transaction) },
            changes: Vec::new(),
            noted: BTreeSet::new(),
            audit: Vec::new(),
            ticket_numbers: None,
            _turn: turn,
        })
    }

    /// Closes all connections after their work; SQLite's journal is folded into its file.
    pub async fn close(&self) {
        self.pool.close().await;
    }
}

async fn prepare_sqlite(connection: &mut AnyConnection) -> sqlx::Result<()> {
    // FULL: raw mail is evidence, a commit has reached the disk when it returns.
    // What a statement may have to undo stays in memory: it is let go with the statement, a file with the transaction.
    // Each connection has a cache of its own; the system keeps the pages of the file for all of them.
    let statements = format!(
        "PRAGMA busy_timeout = {SQLITE_BUSY_TIMEOUT_MS}; PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; \
         PRAGMA foreign_keys = ON; PRAGMA journal_size_limit = 67108864; PRAGMA cache_size = -{SQLITE_CACHE_KIB}; \
         PRAGMA wal_autocheckpoint = {SQLITE_CHECKPOINT_PAGES}; PRAGMA temp_store = MEMORY;"
    );
    sqlx::raw_sql(sqlx::AssertSqlSafe(statements)).execute(connection).await?;
    Ok(())
}

fn sqlite_url(path: &str) -> Result<String> {
    let path = path.strip_prefix("//").unwrap_or(path);
    // each connection would see a database of its own
    if path.is_empty() || path.starts_with(":memory:") || path.contains('?') {
        return Err(StoreError::Address);
    }
    if let Some(parent) = Path::new(path).parent() {
        std::fs::create_dir_all(parent).map_err(|error| StoreError::Unavailable(error.into()))?;
    }
    Ok(format!("sqlite:{}?mode=rwc", percent_encode(path)))
}

fn postgres_url(url: &str, password: Option<&str>) -> String {
    match password {
        Some(password) => {
            let joint = if url.contains('?') { '&' } else { '?' };
            format!("{url}{joint}password={}", percent_encode(password))
        }
        None => url.to_owned(),
    }
}

fn percent_encode(text: &str) -> String {
    use std::fmt::Write as _;
    let mut encoded = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'/' | b'-' | b'_' | b'.' | b'~') {
            encoded.push(char::from(byte));
        } else {
            write!(encoded, "%{byte:02X}").expect("writing to a string cannot fail");
        }
    }
    encoded
}

#[derive(Debug)]
enum Held {
    Connection(PoolConnection<Any>),
    Transaction(sqlx::Transaction<'static, Any>),
}

/// A connection that reads. Methods are in the file of their aggregate.
#[derive(Debug)]
pub struct Db {
    held: Held,
}

impl Db {
    fn connection(&mut self) -> &mut AnyConnection {
        match &mut self.held {
            Held::Connection(connection) => connection,
            Held::Transaction(transaction) => transaction,
        }
    }

    /// The value of a counter.
    async fn find_counter(&mut self, name: &'static str) -> Result<i64> {
        let (value,): (i64,) = sqlx::query_as("SELECT value FROM counter WHERE name = $1")
            .bind(name)
            .fetch_one(self.connection())
            .await?;
        Ok(value)
    }
}

/// A transaction: reads like [`Db`] and writes. Undone unless [`Tx::commit`] returns `Ok`.
#[derive(Debug)]
pub struct Tx {
    db: Db,
    /// Written at the commit, see [`change`].
    changes: Vec<change::Pending>,
    /// The same: each is written once.
    noted: BTreeSet<change::Pending>,
    /// Written at the commit, see [`audit`].
    audit: Vec<audit::Entry>,
    /// The last ticket number that was given, and how many were since the counter was asked: it is raised by so many at
    /// the commit. Until then it stays locked.
    ticket_numbers: Option<(i64, i64)>,
    /// Dropped after `db`, so that the next writer finds the database free.
    _turn: Option<OwnedSemaphorePermit>,
}

impl Deref for Tx {
    type Target = Db;
    fn deref(&self) -> &Db {
        &self.db
    }
}

impl DerefMut for Tx {
    fn deref_mut(&mut self) -> &mut Db {
        &mut self.db
    }
}

impl Tx {
    /// Numbers the changes and chains the audit rows, then makes everything durable.
    pub async fn commit(mut self) -> Result<()> {
        // always in this order, after everything else: see the module's header
        if let Some((_, given @ 1..)) = self.ticket_numbers.take() {
            self.raise_counter("ticket", given).await?;
        }
        self.write_changes().await?;
        self.write_audit().await?;
        match self.db.held {
            Held::Transaction(transaction) => Ok(transaction.commit().await?),
            Held::Connection(_) => Ok(()),
        }
    }

    /// Undoes everything. Dropping does the same a little later.
    pub async fn rollback(self) -> Result<()> {
        match self.db.held {
            Held::Transaction(transaction) => Ok(transaction.rollback().await?),
            Held::Connection(_) => Ok(()),
        }
    }

    /// A ticket number of its own; the counter is asked once in a transaction.
    async fn next_ticket_number(&mut self) -> Result<i64> {
        let (last, given) = match self.ticket_numbers {
            Some((last, given)) => (last + 1, given + 1),
            None => (self.raise_counter("ticket", 1).await?, 0),
        };
        self.ticket_numbers = Some((last, given));
        Ok(last)
    }

    /// Raises a counter by `step` and gives its new value. The counter stays locked until the end.
    async fn raise_counter(&mut self, name: &'static str, step: i64) -> Result<i64> {
        let (value,): (i64,) =
            sqlx::query_as("UPDATE counter SET value = value + $1 WHERE name = $2 RETURNING value")
                .bind(step)
                .bind(name)
                .fetch_one(self.connection())
                .await?;
        Ok(value)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn result_codes_tell_whether_to_try_again() {
        for (code, transient) in
            [("5", true), ("261", true), ("6", true), ("2067", false), ("13", false), ("40P01", true)]
        {
            assert_eq!(is_transient_code(code), transient, "{code}");
        }
        for (code, transient) in [("40001", true), ("57P01", true), ("08006", true), ("23505", false)] {
            assert_eq!(is_transient_code(code), transient, "{code}");
        }
    }

    #[test]
    fn addresses_are_encoded() {
        assert_eq!(postgres_url("postgres://u@h/d", Some("a b&c")), "postgres://u@h/d?password=a%20b%26c");
        assert!(sqlite_url(":memory:").is_err());
    }
}
