//! Databases of earlier versions.

use mailroom::{
    model::ledger::Outcome,
    store::{Store, sighting::Place},
};
use std::path::Path;

/// Puts the first migrations into a folder of their own.
fn first_migrations(count: usize, folder: &Path) -> usize {
    let all = Path::new(env!("CARGO_MANIFEST_DIR")).join("migrations");
    let mut files: Vec<_> = std::fs::read_dir(all).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    for file in files.iter().take(count) {
        std::fs::copy(file, folder.join(file.file_name().unwrap())).unwrap();
    }
    files.len()
}

#[tokio::test(flavor = "multi_thread")]
async fn a17_every_earlier_schema_is_brought_up_to_date_with_what_is_in_it() {
    let mut count = 1;
    loop {
        let folder = tempfile::tempdir().unwrap();
        let all = first_migrations(count, folder.path());
        let path = folder.path().join("mailroom.db");
        let url = format!("sqlite:{}?mode=rwc", path.display());
        let pool = sqlx::SqlitePool::connect(&url).await.unwrap();
        let migrator = sqlx::migrate::Migrator::new(folder.path().to_owned()).await.unwrap();
        migrator.run(&pool).await.unwrap();
        for sql in [
            "INSERT INTO ticket (id, number, subject, queue, state, priority, account_id, language, queue_reason, \
             created_ms, updated_ms) VALUES ('t1', 1001, 'Order', 'orders', 'open', 'normal', NULL, 'en', '', 1, 1)",
            "INSERT INTO message VALUES ('m1', 'aa', 3, 'in', 'stored', 0, 'id@x', '', '', '', NULL, 1, NULL, '', 0, '', \
             '', NULL, '', NULL, '', 0.0, '[]', '')",
            "INSERT INTO sighting VALUES ('s1', 'orders', 'INBOX', 1, 7, '', 3, 'aa', 'm1', 'stored', '', 0, 1, 1, NULL)",
            "INSERT INTO job VALUES ('j1', 'process_message', 'm1', 0, 1, 0, '', '', 1)",
        ] {
            sqlx::query(sql).execute(&pool).await.unwrap();
        }
        pool.close().await;
        // Opened by two at once, as a service and a command would; then again: nothing is left to do.
        let url = format!("sqlite:{}", path.display());
        let (one, two) = tokio::join!(Store::open(&url), Store::open(&url));
        let (one, _two) = (one.unwrap(), two.unwrap());
        let store = Store::open(&url).await.unwrap();
        let mut db = store.read().await.unwrap();
        let place = Place { mailbox: "orders", folder: "INBOX", uidvalidity: 1 };
        assert_eq!(db.find_sighting(place, 7).await.unwrap().unwrap().outcome, Outcome::Stored);
        assert_eq!(db.find_ticket_by_number(1001).await.unwrap().unwrap().subject, "Order");
        assert!(db.find_job("process_message", "m1").await.unwrap().is_some());
        assert!(
            db.list_credentials().await.unwrap().is_empty()
                && db.list_quarantine(None, 5).await.unwrap().is_empty()
        );
        drop(db);
        one.close().await;
        count += 1;
        if count > all {
            assert!(all > 3);
            return;
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a17_a_migration_that_is_killed_goes_on_at_the_next_start() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    std::fs::create_dir(&data).unwrap();
    let earlier = tempfile::tempdir().unwrap();
    first_migrations(1, earlier.path());
    let url = format!("sqlite:{}?mode=rwc", data.join("mailroom.db").display());
    let pool = sqlx::SqlitePool::connect(&url).await.unwrap();
    sqlx::migrate::Migrator::new(earlier.path().to_owned()).await.unwrap().run(&pool).await.unwrap();
    sqlx::query(
        "INSERT INTO ticket (id, number, subject, queue, state, priority, account_id, language, queue_reason, \
             created_ms, updated_ms) VALUES ('t1', 1001, 'Order', 'orders', 'open', 'normal', NULL, 'en', '', 1, 1)",
    )
    .execute(&pool)
    .await
    .unwrap();
    pool.close().await;
    let settings = folder.path().join("mailroom.toml");
    std::fs::write(&settings, format!("[site]\ndata_dir = '{}'\n", data.display())).unwrap();
    let start = || {
        let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_mailroom"));
        command.arg("--config").arg(&settings).args(["search", "nothing"]);
        command.stdout(std::process::Stdio::null()).stderr(std::process::Stdio::null());
        command
    };
    for life_ms in (0..60).step_by(4) {
        let mut child = start().spawn().unwrap();
        std::thread::sleep(std::time::Duration::from_millis(life_ms));
        child.kill().unwrap();
        child.wait().unwrap();
    }
    let store = Store::open(&format!("sqlite:{}", data.join("mailroom.db").display())).await.unwrap();
    let mut db = store.read().await.unwrap();
    assert_eq!(db.find_ticket_by_number(1001).await.unwrap().unwrap().subject, "Order");
    assert!(db.list_credentials().await.unwrap().is_empty());
}
