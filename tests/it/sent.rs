//! Copies of sent mail in the mailbox of a real Dovecot: one each, whatever dies, and never at the cost of the mail.

use crate::support::{
    dovecot::{self, Dovecot},
    site::TestSite,
};
use mailroom::{
    clock,
    jobs::{self, save_sent},
    mailbox,
    model::{ids::OutboxId, outbox::OutboxState, secret::SecretRef},
};
use std::path::Path;

/// A site that keeps copies in the mailbox of this server.
async fn site(dovecot: &Dovecot, folder: &Path, sent_folder: &str) -> TestSite {
    let password = folder.join("password");
    std::fs::write(&password, dovecot::PASSWORD).unwrap();
    TestSite::open_with(|config| {
        "orders".clone_into(&mut config.mail_out.sent_mailbox);
        sent_folder.clone_into(&mut config.mail_out.sent_folder);
        for mailbox in &mut config.mailbox {
            *mailbox = mailbox::Config {
                host: "localhost".to_owned(),
                port: Some(dovecot.port),
                tls: mailbox::Tls::Plain,
                user: dovecot::USER.to_owned(),
                password: Some(SecretRef::File(password.clone())),
                ..mailbox.clone()
            };
        }
    })
    .await
}

fn ask(site: &TestSite, number: usize) {
    site.deliver(&format!(
        "From: Ann <ann{number}@buyer{number}.example>\nTo: orders@site.example\nSubject: Where is order {number}\n\
         Message-ID: <{number}@buyer.example>\nContent-Type: text/plain; charset=utf-8\n\nWo bleibt sie? Grüße\n"
    ));
}

/// Messages in a folder, and the bytes of the last one.
fn kept(dovecot: &Dovecot, folder: &str) -> (usize, String) {
    let mut client = dovecot.client();
    if !client.try_command(&format!("EXAMINE \"{folder}\"")).1 {
        return (0, String::new());
    }
    let found = client.command("UID SEARCH ALL");
    let uids: Vec<&str> = found
        .lines()
        .find_map(|line| line.strip_prefix("* SEARCH"))
        .unwrap_or("")
        .split_whitespace()
        .collect();
    let bytes = uids.last().map(|uid| client.command(&format!("UID FETCH {uid} (FLAGS BODY.PEEK[])")));
    (uids.len(), bytes.unwrap_or_default())
}

/// Makes what waits due now.
async fn hurry(site: &TestSite) {
    let (store, node) = (&site.app.store, site.app.node.name.as_str());
    let later = clock::now_ms() + 24 * 3_600_000;
    for job in store.lease_jobs(save_sent::SAVE_SENT, node, later, 1, 10).await.unwrap() {
        let mut tx = store.begin().await.unwrap();
        assert!(tx.retry_job(&job.id, node, "", 0).await.unwrap());
        tx.commit().await.unwrap();
    }
}

async fn sent(site: &TestSite) -> Vec<OutboxId> {
    let mut db = site.app.store.read().await.unwrap();
    let rows = db.list_outbox(OutboxState::Sent, None, 10).await.unwrap();
    rows.into_iter().map(|row| row.id).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn each_sent_mail_has_one_copy_where_the_server_keeps_sent_mail() {
    let mut dovecot = Dovecot::start();
    dovecot.client().command("CREATE \"Sent Items\"");
    let folder = tempfile::tempdir().unwrap();
    let site = site(&dovecot, folder.path(), "").await;
    ask(&site, 1);
    site.settle().await;
    let (count, bytes) = kept(&dovecot, "Sent Items");
    assert_eq!(count, 1, "the folder that the server names for sent mail");
    assert!(bytes.contains("\\Seen"), "{bytes}");
    let (_, outgoing) = site.outgoing.sent().remove(0);
    assert!(bytes.contains(&*String::from_utf8_lossy(&outgoing)), "the very bytes that were sent");

    // As after a crash between the copy and the end of the job.
    let id = sent(&site).await.remove(0);
    let mut tx = site.app.store.begin().await.unwrap();
    assert!(tx.enqueue(save_sent::SAVE_SENT, id.as_str(), 0, 0).await.unwrap());
    tx.commit().await.unwrap();
    jobs::run_until_idle(&site.app, |_| {}).await.unwrap();
    assert_eq!(kept(&dovecot, "Sent Items").0, 1, "twice is once");

    dovecot.stop();
    ask(&site, 2);
    site.settle().await;
    assert_eq!(sent(&site).await.len(), 2, "the mail leaves without its copy");
    let failing = site.app.store.read().await.unwrap().list_failing_jobs(5).await.unwrap();
    assert_eq!(failing.len(), 1, "{failing:?}");
    dovecot.start_again();
    hurry(&site).await;
    jobs::run_until_idle(&site.app, |_| {}).await.unwrap();
    assert_eq!(kept(&dovecot, "Sent Items").0, 2);
    assert!(site.app.store.read().await.unwrap().list_failing_jobs(5).await.unwrap().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_named_folder_is_made_and_copies_that_come_back_are_known() {
    let dovecot = Dovecot::start();
    let folder = tempfile::tempdir().unwrap();
    let site = site(&dovecot, folder.path(), "Från orderdesken").await;
    ask(&site, 1);
    site.settle().await;
    assert_eq!(kept(&dovecot, "Fr&AOU-n orderdesken").0, 1);

    let (_, outgoing) = site.outgoing.sent().remove(0);
    site.mailbox.append("INBOX", &outgoing);
    // Somebody who has our mail takes its id.
    let forged = String::from_utf8_lossy(&outgoing).replace("Kind regards", "Send money");
    let forged = forged.replace("From: orders@site.example", "From: eve@elsewhere.example");
    site.mailbox.append("INBOX", forged.as_bytes());
    let state = site.settle().await;
    assert_eq!(site.outgoing.sent().len(), 1, "nothing answers itself: {state}");
    assert_eq!(state.matches("-> MR-1001").count(), 2, "what was asked, and the copy of the answer: {state}");
    assert_eq!(state.matches("own copy: these are the bytes that we sent").count(), 1, "{state}");
}
