//! A fresh database for a test, and `contract!`, which runs a test on both kinds.

use super::postgres;
use mailroom::store::Store;
use sqlx::{AssertSqlSafe, Connection as _};

/// A fresh database.
pub(crate) struct Database {
    pub(crate) store: Store,
    pub(crate) url: String,
    /// Where SQLite's file is.
    _folder: Option<tempfile::TempDir>,
}

impl Database {
    pub(crate) async fn sqlite() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let url = format!("sqlite:{}", folder.path().join("a new folder/mailroom.db").display());
        Self { store: Store::open(&url).await.unwrap(), url, _folder: Some(folder) }
    }

    pub(crate) async fn postgres() -> Self {
        let url = tokio::task::spawn_blocking(postgres::fresh_database).await.unwrap();
        Self { store: Store::open(&url).await.unwrap(), url, _folder: None }
    }

    /// Changes the database behind the program's back.
    pub(crate) async fn tamper(&self, sql: &str) {
        let mut connection = sqlx::AnyConnection::connect(&self.url.replace(' ', "%20")).await.unwrap();
        sqlx::query(AssertSqlSafe(sql.to_owned())).execute(&mut connection).await.unwrap();
        connection.close().await.unwrap();
    }
}

/// A test on each kind of database.
macro_rules! contract {
    ($name:ident, $test:expr) => {
        mod $name {
            use super::*;

            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn on_sqlite() {
                let test = $test;
                test(Database::sqlite().await).await;
            }

            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn on_postgres() {
                let test = $test;
                test(Database::postgres().await).await;
            }
        }
    };
}
pub(crate) use contract;
