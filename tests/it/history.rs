//! Years of mail taken in at once: the same outcome as one by one, whole after a kill at any moment, nothing sent.

use crate::support::{files::pdf, site::TestSite};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use mailroom::{
    clock, jobs,
    jobs::intake::{self, Manner},
    mailbox::Mailbox,
    model::ids::{JobId, MessageId},
    store::{Store, message::MessageState},
};
use std::{
    collections::BTreeMap,
    fmt::Write as _,
    path::Path,
    process::{Command, Stdio},
    time::{Duration, Instant},
};

const HISTORY: Manner = Manner { historic: true, history_before_ms: None };

/// Messages of the crash test.
const MESSAGES: usize = 120;

/// Kills before the program is left to finish.
const KILLS: u64 = 16;

/// The longest that a process lives before it is killed.
const LIFE_MAX_MS: u64 = 2_500;

fn mail(number: usize, from: &str, subject: &str, more: &str, body: &str) -> Vec<u8> {
    format!(
        "From: {from}\nTo: orders@site.example\nSubject: {subject}\nMessage-ID: <{number}@test.example>\n{more}\
         Date: Mon, 2 Feb 2015 10:00:00 +0000\nContent-Type: text/plain; charset=utf-8\n\n{body}\n"
    )
    .replace('\n', "\r\n")
    .into_bytes()
}

fn with_file(number: usize, from: &str, subject: &str, bytes: &[u8]) -> Vec<u8> {
    let mut file = String::new();
    for line in STANDARD.encode(bytes).as_bytes().chunks(76) {
        writeln!(file, "{}\r", std::str::from_utf8(line).unwrap()).unwrap();
    }
    format!(
        "From: {from}\r\nTo: orders@site.example\r\nSubject: {subject}\r\nMessage-ID: <{number}@test.example>\r\n\
         MIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n\r\nPlease see the file.\r\n--b\r\n\
         Content-Type: application/pdf\r\nContent-Disposition: attachment; filename=\"a.pdf\"\r\n\
         Content-Transfer-Encoding: base64\r\n\r\n{file}--b--\r\n"
    )
    .into_bytes()
}

/// Mail of all kinds that a batch must not treat otherwise than one message at a time.
fn correspondence() -> Vec<Vec<u8>> {
    let ann = "Ann Lee <ann@buyer.example>";
    let page: &[(i32, i32, i32, &str)] =
        &[(60, 60, 20, "Delivery terms"), (60, 120, 10, "Nothing to order here")];
    let mut all = vec![
        mail(1, ann, "Where is my order", "", "Hello, where is order 4711?"),
        mail(2, ann, "Re: Where is my order", "In-Reply-To: <1@test.example>\n", "It should be here by now."),
        mail(
            3,
            "Bob <bob@buyer.example>",
            "Re: Where is my order",
            "References: <1@test.example> <2@test.example>\n",
            "We wait too.",
        ),
        mail(
            4,
            "Eve <eve@elsewhere.example>",
            "Re: Where is my order",
            "In-Reply-To: <2@test.example>\n",
            "Me too!",
        ),
        mail(
            5,
            "News <news@shop.example>",
            "Offers",
            "List-Id: <offers.shop.example>\nPrecedence: bulk\n",
            "Buy now.",
        ),
        mail(
            6,
            ann,
            "Out of office",
            "Auto-Submitted: auto-replied\nIn-Reply-To: <1@test.example>\n",
            "I am away.",
        ),
        mail(7, "orders@site.example", "Our own words", "", "Sent by ourselves."),
        mail(1, "Carl <carl@other.example>", "The same id", "", "With other bytes."),
        with_file(8, "Dora <dora@files.example>", "A file", &pdf(&[page])),
        mail(
            9,
            "Dora <dora@files.example>",
            "Re: A file",
            "In-Reply-To: <8@test.example>\n",
            "Did you get the file?",
        ),
        mail(10, "Dora <dora@files.example>", "Re: A file", "In-Reply-To: <9@test.example>\n", "And this?"),
        mail(
            11,
            "Fay <fay@prose.example>",
            "Purchase order 5512",
            "",
            "Please supply the following, our purchase order 5512:\n\n20 pcs item 4711-A hex bolt M8 at 1.50 EUR\n5 pcs item 4712-B washer M8 at 0.20 EUR\n",
        ),
        mail(12, "Gus <gus@noise.example>", "=?x-unknown?Q?a=FF?=", "", "b\u{0}roken \u{fffd}"),
        b"no header at all, only words".to_vec(),
        Vec::new(),
        mail(13, ann, "Unhappy about [MR-1001]", "", "This is the third time that I ask!"),
    ];
    all.push(all[0].clone());
    all
}

/// All that was understood of every message and ticket, without ids and times; tickets by their order of appearance.
async fn understood(site: &TestSite) -> Vec<String> {
    let mut db = site.app.store.read().await.unwrap();
    let mut tickets: BTreeMap<String, usize> = BTreeMap::new();
    let mut lines = Vec::new();
    for row in db.list_messages(None, 1_000).await.unwrap() {
        let mut named = |id: &Option<_>| {
            id.as_ref().map(|id: &mailroom::model::ids::TicketId| {
                let next = tickets.len();
                *tickets.entry(id.to_string()).or_insert(next)
            })
        };
        let (joined, possible) = (named(&row.ticket_id), named(&row.possible_ticket_id));
        let parsed = db.find_parsed(&row.id).await.unwrap();
        let ticket = match &row.ticket_id {
            Some(id) => {
                let ticket = db.find_ticket(id).await.unwrap().unwrap();
                let participants = db.list_participants(id).await.unwrap();
                format!(
                    "{:?} {:?} {:?} {:?} {} {:?} {:?} {participants:?}",
                    ticket.subject,
                    ticket.queue,
                    ticket.state,
                    ticket.priority,
                    ticket.language,
                    ticket.queue_reason,
                    ticket.account_id.is_some()
                )
            }
            None => String::new(),
        };
        let sightings = db.list_sightings_of_message(&row.id).await.unwrap();
        let seen: Vec<String> =
            sightings.iter().map(|s| format!("{} {:?} {:?}", s.uid, s.outcome, s.reason)).collect();
        let drafts = db.list_drafts_of_message(&row.id).await.unwrap();
        let documents = db.list_documents(&row.id).await.unwrap();
        let audited = db.list_audit_of("message", row.id.as_str(), 10).await.unwrap();
        lines.push(format!(
            "{} {:?} {} {:?} {:?} {:?} {:?} {} {:?} {:?} {:?} in {joined:?} perhaps {possible:?} by {:?}, {:?} {} {:?}; \
             {ticket}; {seen:?}; {} drafts, {:?}, audit {:?}, {parsed:?}",
            row.sha256,
            row.state,
            row.historic,
            row.rfc_message_id,
            row.from_email,
            row.date_ms,
            row.origin,
            row.muted,
            row.screened_by,
            row.screened_reason,
            row.subject,
            row.thread_rule,
            row.queue,
            row.queue_confidence,
            row.queue_reasons,
            drafts.len(),
            documents.iter().map(|d| (&d.document.name, d.document.state)).collect::<Vec<_>>(),
            audited.iter().map(|row| row.entry.action.as_str()).collect::<Vec<_>>(),
        ));
    }
    lines
}

async fn take(site: &TestSite) {
    for message in correspondence() {
        site.mailbox.append("INBOX", &message);
    }
    let mut mailbox = Mailbox::Memory(site.mailbox.clone());
    intake::take(&site.app, &site.mailbox_config, &mut mailbox, HISTORY, |_| {}).await.unwrap();
}

/// Makes jobs of their own for all messages, so that each goes through the pipeline alone.
async fn part(site: &TestSite) {
    let (store, node) = (&site.app.store, site.app.node.name.as_str());
    let now_ms = clock::now_ms();
    let jobs = store.lease_jobs(jobs::PROCESS_HISTORY, node, now_ms, 60_000, 1_000).await.unwrap();
    let mut tx = store.begin().await.unwrap();
    let mut subjects: Vec<&str> = jobs.iter().map(|job| job.subject_id.as_str()).collect();
    subjects.sort_unstable();
    tx.enqueue_all(jobs::PROCESS_MESSAGE, &subjects, now_ms, now_ms).await.unwrap();
    assert!(tx.finish_jobs(&jobs.iter().map(|job| &job.id).collect::<Vec<&JobId>>(), node).await.unwrap());
    tx.commit().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn many_together_come_to_the_same_as_one_by_one() {
    let (together, alone) = (TestSite::open().await, TestSite::open().await);
    take(&together).await;
    take(&alone).await;
    part(&alone).await;
    let processed = jobs::run_until_idle(&together.app, |_| {}).await.unwrap();
    while jobs::process_message::run_due(&alone.app).await.unwrap() > 0 {}
    jobs::run_until_idle(&alone.app, |_| {}).await.unwrap();
    let distinct = correspondence().len() - 1;
    assert_eq!((processed, together.count(MessageState::Processed).await), (distinct, distinct as i64));
    let (ours, theirs) = (understood(&together).await, understood(&alone).await);
    assert_eq!(ours.len(), theirs.len());
    for (ours, theirs) in ours.iter().zip(&theirs) {
        assert_eq!(ours, theirs);
    }
    for site in [&together, &alone] {
        assert_eq!(site.outgoing.sent().len(), 0, "history is never answered");
        assert_eq!(site.app.index.count(), distinct as u64);
        assert!(site.app.store.check_audit().await.unwrap().broken.is_none());
        assert!(site.app.store.read().await.unwrap().count_jobs().await.unwrap().is_empty());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn one_bad_message_costs_itself_and_not_its_batch() {
    let site = TestSite::open().await;
    take(&site).await;
    // The bytes of one are damaged after they were kept: nobody can process it.
    let store = &site.app.store;
    let victim = store.read().await.unwrap().list_messages(None, 10).await.unwrap().swap_remove(4);
    let path = site.app.config.site.data_dir.join("blob").join(&victim.sha256[..2]).join(&victim.sha256);
    std::fs::write(path, "other bytes").unwrap();
    let processed = jobs::process_history::run_due(&site.app).await.unwrap();
    assert!(processed.processed > 8, "{processed:?}");
    let mut db = store.read().await.unwrap();
    let alone: Vec<MessageId> = db
        .list_messages_by_state(MessageState::Stored, None, 100)
        .await
        .unwrap()
        .into_iter()
        .map(|row| row.id)
        .collect();
    assert!(alone.contains(&victim.id));
    for id in &alone {
        assert!(db.find_job(jobs::PROCESS_MESSAGE, id.as_str()).await.unwrap().is_some());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn mail_from_before_a_mailbox_was_connected_is_history() {
    let site = TestSite::open().await;
    site.mailbox.append("INBOX", &mail(1, "Ann <ann@buyer.example>", "Old", "", "Where is it?"));
    site.deliver(
        "From: Ann <ann@buyer.example>\nTo: orders@site.example\nSubject: New\nMessage-ID: <2@x.example>\n\
         Date: Mon, 2 Nov 2026 10:00:00 +0000\n\nWhere is it?\n",
    );
    let mut mailbox = Mailbox::Memory(site.mailbox.clone());
    let day = mailroom::mailbox::Config {
        history_before: Some("2026-11-01".to_owned()),
        ..site.mailbox_config.clone()
    };
    let manner = Manner { history_before_ms: day.history_before_ms(), ..Manner::default() };
    intake::take(&site.app, &day, &mut mailbox, manner, |_| {}).await.unwrap();
    jobs::run_until_idle(&site.app, |_| {}).await.unwrap();
    let rows = site.app.store.read().await.unwrap().list_messages(None, 10).await.unwrap();
    let seen: Vec<(&str, bool)> = rows.iter().map(|row| (row.subject.as_str(), row.historic)).collect();
    assert_eq!(seen, [("Old", true), ("New", false)]);
    assert_eq!(site.outgoing.sent().len(), 1, "only the new one is answered");
}

fn mailroom(config: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_mailroom"));
    command.arg("--config").arg(config).stdin(Stdio::null());
    command
}

#[test]
fn killed_while_history_comes_in_it_loses_nothing_and_keeps_nothing_twice() {
    let folder = tempfile::tempdir().unwrap();
    let (config, mbox) = (folder.path().join("mailroom.toml"), folder.path().join("old.mbox"));
    let data = folder.path().join("data");
    std::fs::write(&config, format!("[site]\ndata_dir = '{}'\n[limits]\nattempts = 100\n", data.display()))
        .unwrap();
    let mut text = String::new();
    for number in 0..MESSAGES {
        let refers = if number % 3 == 2 {
            format!("In-Reply-To: <{}@test.example>\n", number - 1)
        } else {
            String::new()
        };
        let message =
            mail(number, "Ann <ann@buyer.example>", &format!("Question {number}"), &refers, "Where is it?");
        write!(text, "From ann Mon Feb  2 10:00:00 2015\n{}\n", String::from_utf8(message).unwrap()).unwrap();
    }
    std::fs::write(&mbox, text).unwrap();
    let mut dice = 20_261_122_u64;
    for _ in 0..KILLS {
        dice = dice.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let end = Instant::now() + Duration::from_millis((dice >> 33) % LIFE_MAX_MS);
        let mut child = mailroom(&config)
            .args(["ingest", "--mute"])
            .arg(&mbox)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        while Instant::now() < end && child.try_wait().unwrap().is_none() {
            std::thread::sleep(Duration::from_millis(2));
        }
        child.kill().unwrap();
        child.wait().unwrap();
    }
    let done = mailroom(&config).args(["ingest", "--mute"]).arg(&mbox).output().unwrap();
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    let verified = mailroom(&config).arg("verify").output().unwrap();
    assert!(verified.status.success(), "{}", String::from_utf8_lossy(&verified.stdout));
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(async {
        let store = Store::open(&format!("sqlite:{}", data.join("mailroom.db").display())).await.unwrap();
        let mut db = store.read().await.unwrap();
        let all = MESSAGES as i64;
        assert_eq!(db.count_messages().await.unwrap(), [(MessageState::Processed, all)]);
        let outcomes = db.count_all_outcomes().await.unwrap();
        assert_eq!(outcomes, [(mailroom::model::ledger::Outcome::Processed, all)]);
        assert!(db.count_jobs().await.unwrap().is_empty() && db.count_outbox().await.unwrap().is_empty());
        let tickets: i64 = db.count_tickets().await.unwrap().iter().map(|(_, _, count)| count).sum();
        assert_eq!(tickets, all - all / 3, "each reply is in the ticket of what it answers");
        for row in db.list_messages(None, 1_000).await.unwrap() {
            let audited = db.list_audit_of("message", row.id.as_str(), 10).await.unwrap();
            assert_eq!(audited.len(), 1, "{} was processed once", row.subject);
        }
    });
}
