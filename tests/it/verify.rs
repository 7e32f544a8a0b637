//! `mailroom verify` and `mailroom user`, on both kinds of database.

use crate::support::database::{Database, contract};
use mailroom::{
    blob::{Blob, Config},
    cli::{
        user,
        verify::{Problem, Summary, check_all},
    },
    model::secret::Secret,
    store::{
        message::{Direction, NewMessage},
        person::Role,
        reference::Referrer,
    },
    web::password,
};

const NOW: i64 = 1_800_000_000_000;

async fn check(db: &Database, blob: &Blob) -> (Summary, Vec<Problem>) {
    let mut problems = Vec::new();
    let summary = check_all(&db.store, blob, |problem| problems.push(problem.clone())).await.unwrap();
    assert_eq!((summary.problems, summary.sound), (problems.len() as u64, problems.is_empty()));
    (summary, problems)
}

contract!(verify_finds_what_is_missing_or_was_changed, async |db: Database| {
    let folder = tempfile::tempdir().unwrap();
    let url = format!("file:{}", folder.path().display());
    let blob = Blob::open(&Config { url, ..Config::default() }).unwrap();
    let mut shas = Vec::new();
    let mut tx = db.store.begin().await.unwrap();
    for bytes in ["first", "second", "third"] {
        let sha256 = blob.put(bytes.as_bytes()).await.unwrap();
        let new = NewMessage {
            sha256: sha256.clone(),
            size_bytes: 5,
            direction: Direction::In,
            historic: false,
            rfc_message_id: None,
        };
        tx.insert_message(&new, NOW).await.unwrap();
        shas.push(sha256);
    }
    tx.commit().await.unwrap();
    user::add(&db.store, "anna", Role::Reviewer, &password::fresh()).await.unwrap();
    let (summary, problems) = check(&db, &blob).await;
    assert_eq!(problems, []);
    assert_eq!((summary.audit_rows, summary.references, summary.blobs, summary.bytes), (1, 3, 3, 16));

    let path = |sha: &str| folder.path().join(&sha[..2]).join(sha);
    std::fs::remove_file(path(&shas[0])).unwrap();
    std::fs::write(path(&shas[1]), "Second").unwrap();
    db.tamper("UPDATE audit SET actor = 'nobody'").await;
    let (_, problems) = check(&db, &blob).await;
    assert_eq!(
        problems,
        [
            Problem::AuditBroken { row: 1, detail: "row 1 was changed".into() },
            Problem::Missing { sha256: shas[0].clone(), referrer: Referrer::Message },
            Problem::Damaged { sha256: shas[1].clone() },
        ]
    );
});

contract!(people_are_added_once_and_disabled, async |db: Database| {
    let add = async |name: &str, password: &str| {
        user::add(&db.store, name, Role::Reviewer, &Secret::new(password))
            .await
            .map_err(|error| error.to_string())
    };
    add("anna", "long enough 1").await.unwrap();
    assert!(add("anna", "long enough 2").await.unwrap_err().contains("exists already"));
    assert!(add("bo", "short").await.unwrap_err().contains("10 characters"));
    assert!(add(" bo", "long enough 1").await.is_err());
    assert!(add("", "long enough 1").await.is_err());
    user::change_password(&db.store, "anna", &Secret::new("long enough 3")).await.unwrap();
    assert!(user::change_password(&db.store, "bo", &Secret::new("long enough 3")).await.is_err());
    user::disable(&db.store, "anna", true).await.unwrap();
    let anna = db.store.read().await.unwrap().find_person_by_name("anna").await.unwrap().unwrap();
    assert!(anna.disabled);
    assert!(password::verify("long enough 3".into(), Some(anna.password_hash)).await);
    let check = db.store.check_audit().await.unwrap();
    assert_eq!((check.rows, check.broken), (3, None));
});
