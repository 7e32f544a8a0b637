//! The bytes of attachments, the same everywhere.

use super::with_file;
use crate::support::{desk::Desk, files::zip, site::TestSite, visitor::Visitor};
use mailroom::{
    app::App,
    blob::sha256_hex,
    evidence,
    jobs::{
        self,
        intake::{self, Manner},
    },
    mailbox::{self, Mailbox},
    store::message::MessageState,
};
use std::collections::BTreeMap;

#[tokio::test(flavor = "multi_thread")]
async fn a13_attachments_stay_byte_for_byte() {
    let site = TestSite::open().await;
    let bytes: Vec<u8> = (0..70_000_u32).map(|n| (n.wrapping_mul(2_654_435_761) >> 13) as u8).collect();
    let packed = zip(&[("inner.bin", &bytes)]);
    site.deliver(&with_file(1, "all bytes.bin", &bytes));
    site.deliver(&with_file(2, "packed.zip", &packed));
    site.settle().await;
    let mut db = site.app.store.read().await.unwrap();
    let mut found = BTreeMap::new();
    for row in db.list_messages(None, 10).await.unwrap() {
        for document in db.list_documents(&row.id).await.unwrap() {
            let kept = site.app.blob.get(&document.document.sha256).await.unwrap();
            found.insert(document.document.name.clone(), (document.document.sha256, sha256_hex(&kept)));
        }
    }
    for (name, bytes) in [("all bytes.bin", &bytes), ("packed.zip", &packed), ("inner.bin", &bytes)] {
        let sha = sha256_hex(bytes);
        assert_eq!(found.get(name), Some(&(sha.clone(), sha)), "{name}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a13_a_download_and_a_bundle_hold_the_bytes_that_were_sent() {
    let desk = Desk::open().await;
    let bytes: Vec<u8> = (0..70_000_u32).map(|n| (n.wrapping_mul(2_654_435_761) >> 13) as u8).collect();
    let raw = with_file(1, "all bytes.bin", &bytes).replace('\n', "\r\n");
    let memory = mailbox::Memory::new();
    memory.append("INBOX", raw.as_bytes());
    let config = mailbox::Config { name: "files".to_owned(), ..mailbox::Config::default() };
    let mut open = Mailbox::Memory(memory);
    intake::take(&desk.app, &config, &mut open, Manner::default(), |_| {}).await.unwrap();
    jobs::run_until_idle(&desk.app, |_| {}).await.unwrap();
    let mut db = desk.app.store.read().await.unwrap();
    let rows = db.list_messages_by_state(MessageState::Processed, None, 100).await.unwrap();
    let row = rows.into_iter().find(|row| row.rfc_message_id.as_deref() == Some("1@test.example")).unwrap();
    let document = db.list_documents(&row.id).await.unwrap().swap_remove(0);
    let ticket = db.find_ticket(row.ticket_id.as_ref().unwrap()).await.unwrap().unwrap();
    drop(db);
    let visitor = Visitor::sign_in(&desk, "ann").await;
    for (path, expected) in [
        (format!("/messages/{}/attachments/0", row.id), bytes.as_slice()),
        (format!("/documents/{}/file", document.id), &bytes),
        (format!("/messages/{}/raw", row.id), raw.as_bytes()),
    ] {
        let got = visitor.get(&path).await.bytes().await;
        assert_eq!(sha256_hex(&got), sha256_hex(expected), "{path}");
    }
    let (folder, now) = (tempfile::tempdir().unwrap(), jiff::Zoned::default());
    let App { store, blob, index, .. } = &*desk.app;
    let bundle = folder.path().join("a.zip");
    let sources = evidence::Sources { store, blob, index, now: &now };
    evidence::make(sources, &evidence::Scope::Ticket(ticket.number), "ann", 1, &bundle).await.unwrap();
    let mut archive = zip::ZipArchive::new(std::fs::File::open(bundle).unwrap()).unwrap();
    let held: Vec<String> = (0..archive.len())
        .map(|at| {
            let mut bytes = Vec::new();
            std::io::Read::read_to_end(&mut archive.by_index(at).unwrap(), &mut bytes).unwrap();
            sha256_hex(&bytes)
        })
        .collect();
    assert!(held.contains(&sha256_hex(&bytes)) && held.contains(&sha256_hex(raw.as_bytes())));
}
