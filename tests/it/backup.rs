//! Backup into a folder, and a restored site that equals the one that was saved.

use crate::support::rows::{NOW_MS, Site};
use mailroom::{
    backup::{restore, save},
    blob::Blob,
    store::{Store, audit::Entry},
};
use std::{
    fs,
    path::{Path, PathBuf},
};

struct Case {
    folder: tempfile::TempDir,
    site: Site,
}

impl Case {
    async fn open() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let site = Site::open(folder.path()).await;
        site.receive("First order", "Please send it.", "Item HEX-1025").await;
        let mut tx = site.store.begin().await.unwrap();
        tx.audit(Entry { at_ms: NOW_MS, actor: "anna".into(), action: "start".into(), ..Entry::default() });
        tx.commit().await.unwrap();
        fs::write(folder.path().join("signing.key"), "5ec7e7").unwrap();
        Self { folder, site }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    async fn save(&self) -> mailroom::backup::Done {
        let key = self.path("signing.key");
        let gone = self.path("no such mailroom.toml");
        let extra = [key.as_path(), gone.as_path()];
        save(&self.site.store, &self.site.blob, &extra, &self.path("saved"), NOW_MS, |_| ()).await.unwrap()
    }

    async fn restore(&self, name: &str) -> anyhow::Result<mailroom::backup::Done> {
        let data = self.path(name);
        let database = data.join("mailroom.db");
        restore(&self.path("saved"), Some(&database), &blobs(&data), &data, |_| ()).await
    }
}

fn blobs(data: &Path) -> Blob {
    let url = format!("file:{}", data.join("blob").display());
    Blob::open(&mailroom::blob::Config { url, ..Default::default() }).unwrap()
}

async fn messages(store: &Store) -> Vec<String> {
    let rows = store.read().await.unwrap().list_messages(None, 100).await.unwrap();
    rows.iter().map(|row| format!("{row:?}")).collect()
}

fn walk(folder: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() { files.extend(walk(&path)) } else { files.push(path) }
    }
    files.sort();
    files
}

#[tokio::test]
async fn a_restored_site_equals_the_saved_one() {
    let case = Case::open().await;
    let first = case.save().await;
    assert_eq!((first.manifest.messages, first.manifest.audit_rows, first.damaged.len()), (1, 1, 0));
    case.site.receive("Second order", "More.", "Item AB-12").await;
    let second = case.save().await;
    assert_eq!(second.manifest.messages, 2, "a later backup into the same folder is brought up to date");
    assert!(second.manifest.blobs > first.manifest.blobs);

    let done = case.restore("restored").await.unwrap();
    assert_eq!(done.manifest, second.manifest);
    let data = case.path("restored");
    let restored = Store::open(&format!("sqlite:{}", data.join("mailroom.db").display())).await.unwrap();
    assert_eq!(messages(&restored).await, messages(&case.site.store).await);
    assert_eq!(restored.check_audit().await.unwrap(), case.site.store.check_audit().await.unwrap());
    let names =
        |folder: &Path| walk(folder).iter().map(|p| p.file_name().unwrap().to_owned()).collect::<Vec<_>>();
    assert_eq!(names(&data.join("blob")), names(&case.path("blob")));
    assert_eq!(fs::read_to_string(data.join("signing.key")).unwrap(), "5ec7e7");

    let refused = case.restore("restored").await.unwrap_err().to_string();
    assert!(refused.contains("into an empty site only"), "{refused}");
}

#[tokio::test]
async fn a_damaged_or_unfinished_backup_is_refused() {
    let case = Case::open().await;
    case.save().await;
    let saved = case.path("saved");

    let manifest = fs::read(saved.join("backup.json")).unwrap();
    fs::remove_file(saved.join("backup.json")).unwrap();
    let error = case.restore("a").await.unwrap_err();
    assert!(error.to_string().contains("is this a finished backup?"), "{error:#}");
    fs::write(saved.join("backup.json"), manifest).unwrap();

    let database = fs::read(saved.join("mailroom.db")).unwrap();
    let mut changed = database.clone();
    let middle = changed.len() / 2;
    changed[middle] ^= 1;
    fs::write(saved.join("mailroom.db"), changed).unwrap();
    let error = case.restore("b").await.unwrap_err();
    assert!(error.to_string().contains("the backup is damaged"), "{error:#}");
    assert!(!case.path("b/mailroom.db").exists());
    fs::write(saved.join("mailroom.db"), database).unwrap();

    // A byte of the copy, not of the site: the files may be one.
    let victim = walk(&saved.join("blob")).pop().unwrap();
    let mut bytes = fs::read(&victim).unwrap();
    fs::remove_file(&victim).unwrap();
    bytes[0] ^= 1;
    fs::write(&victim, &bytes).unwrap();
    let done = case.restore("c").await.unwrap();
    assert_eq!(done.damaged, [victim.file_name().unwrap().to_str().unwrap()]);

    fs::remove_file(&victim).unwrap();
    let error = case.restore("d").await.unwrap_err();
    assert!(error.to_string().contains("blobs, but has"), "{error:#}");
    assert!(!case.path("d/mailroom.db").exists(), "an incomplete backup makes no site");
}

#[tokio::test]
async fn damage_in_the_site_is_told_and_a_foreign_folder_is_left_alone() {
    let case = Case::open().await;
    let victim = walk(&case.path("blob")).pop().unwrap();
    fs::write(&victim, "changed").unwrap();
    let done = case.save().await;
    assert_eq!(done.damaged, [victim.file_name().unwrap().to_str().unwrap()]);

    let foreign = case.path("foreign");
    fs::create_dir(&foreign).unwrap();
    fs::write(foreign.join("letter.txt"), "mine").unwrap();
    let refused = save(&case.site.store, &case.site.blob, &[], &foreign, NOW_MS, |_| ()).await.unwrap_err();
    assert!(refused.to_string().contains("holds something else"), "{refused}");
    assert_eq!(walk(&foreign).len(), 1);
}
