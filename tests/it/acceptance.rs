//! What users of other helpdesks lost mail, patience or customers by, each as a test. Those that stand elsewhere:
//!
//! | | test |
//! |---|---|
//! | A1 | here (a thousand messages: `make test-long`), and `hostile` for each bomb |
//! | A2 | `crash` (kills while mail comes in and answers leave; 200 of them: `make test-long`), `history` (kills within batches) |
//! | A9 | here (50,000 mails: `make test-long`), and `history`: a day before which all is history |
//! | A10 | `oauth` (a service that does not answer: `make test-long`) |
//! | A12 | `messages`: every fixture, every cut of it, mutated bytes, and hostile mails |
//! | A14 | `make bench`: peak memory with a mail of 50 MB and a document of 500 pages |
//! | A15 | `search`; A16 | `evidence`, `verify` |

use crate::support::{
    bombs, desk::Desk, dovecot, dovecot::Dovecot, files::zip, site::TestSite, visitor::Visitor,
};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use mailroom::{
    app::App,
    blob::sha256_hex,
    clock,
    config::Config,
    evidence,
    jobs::{
        self,
        intake::{self, Manner},
    },
    mailbox::{self, Mailbox},
    model::{ids::OutboxId, ledger::Outcome, outbox::OutboxState},
    pipeline::decision,
    reply::{Refusal, SendError, limits},
    store::{Store, message::MessageState, outbox::NewOutbox, sighting::Place},
};
use std::{collections::BTreeMap, path::Path};

fn mail(number: usize, from: &str, subject: &str, more: &str, body: &str) -> String {
    format!(
        "From: {from}\nTo: orders@site.example\nSubject: {subject}\nMessage-ID: <{number}@test.example>\n{more}\
         Date: Mon, 2 Nov 2026 10:00:00 +0000\nContent-Type: text/plain; charset=utf-8\n\n{body}\n"
    )
}

fn with_file(number: usize, name: &str, bytes: &[u8]) -> String {
    let lines: Vec<String> = STANDARD
        .encode(bytes)
        .as_bytes()
        .chunks(76)
        .map(|line| String::from_utf8(line.to_vec()).unwrap())
        .collect();
    format!(
        "From: Ann <ann@buyer.example>\nTo: orders@site.example\nSubject: File {number}\nMessage-ID: <{number}@test.example>\n\
         MIME-Version: 1.0\nContent-Type: multipart/mixed; boundary=b\n\n--b\n\nPlease see the file.\n--b\n\
         Content-Type: application/octet-stream\nContent-Disposition: attachment; filename=\"{name}\"\n\
         Content-Transfer-Encoding: base64\n\n{}\n--b--\n",
        lines.join("\n")
    )
}

#[tokio::test(flavor = "multi_thread")]
async fn a01_poison_among_good_mail_costs_itself() {
    a01(10, 12, None).await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "takes minutes: make test-long"]
async fn a01_twenty_poisonous_among_a_thousand() {
    // What its name says: larger than a message may be.
    let huge = with_file(990, "huge.bin", &vec![b'x'; 150_000_000]);
    a01(196, 16, Some(huge)).await;
}

/// So many good ones before, between and after poison: bombs, what breaks parsers, and one more if it is given.
async fn a01(good_each: usize, bombs: usize, more: Option<String>) {
    let site = TestSite::open().await;
    site.mailbox.set_bytes_max(50_000_000);
    let mut number = 0;
    let mut good = |site: &TestSite| {
        for _ in 0..good_each {
            number += 1;
            site.deliver(&mail(
                number,
                "Ann <ann@buyer.example>",
                &format!("Good {number}"),
                "",
                "Where is it?",
            ));
        }
    };
    let mut poison: Vec<String> = bombs::all()
        .into_iter()
        .filter(|(_, _, bytes)| bytes.len() < 1_000_000)
        .take(bombs)
        .enumerate()
        .map(|(at, (_, name, bytes))| with_file(900 + at, name, &bytes))
        .collect();
    let nested: String = (0..5_000)
        .map(|at| format!("--b{at}\nContent-Type: multipart/mixed; boundary=b{}\n\n", at + 1))
        .collect();
    poison.push(format!(
        "From: a@b.example\nSubject: Nested\nContent-Type: multipart/mixed; boundary=b0\n\n{nested}"
    ));
    let links = "<a href=\"http://x.example/\">x</a>".repeat(100_000);
    poison.push(format!("From: a@b.example\nSubject: Links\nContent-Type: text/html\n\n{links}"));
    poison.push(
        "From: a@b.example\nSubject: =?x?Q?=FF=FE?=\nContent-Type: text/plain; charset=\"\u{1}\"\n\nx"
            .to_owned(),
    );
    poison.extend(more);
    for some in poison.chunks(5) {
        good(&site);
        for bytes in some {
            site.deliver(bytes);
        }
    }
    good(&site);
    let delivered = site.mailbox_count().await;
    let state = site.settle().await;
    let goods = state.lines().filter(|line| line.starts_with("processed \"Good")).count();
    assert_eq!(goods, state.matches("Good ").count().min(goods), "{state}");
    let (processed, quarantined) =
        (site.count(MessageState::Processed).await, site.count(MessageState::Quarantined).await);
    let too_large = state.matches("quarantine too_large").count() as i64;
    assert_eq!(processed + quarantined + too_large, delivered, "every one is accounted for");
    assert_eq!(goods, good_each * (poison.len().div_ceil(5) + 1), "no good one pays for a bad one");
    assert!(!state.contains("job "), "{state}");
    site.deliver(&mail(999, "Ann <ann@buyer.example>", "Afterwards", "", "And now?"));
    assert!(site.settle().await.contains("processed \"Afterwards\""), "the next look is not affected");
}

#[tokio::test(flavor = "multi_thread")]
async fn a03_others_flag_move_and_expunge_meanwhile() {
    const MESSAGES: usize = 150;
    let dovecot = Dovecot::start();
    let mut client = dovecot.client();
    client.command("CREATE Done");
    for number in 0..MESSAGES {
        client.append(
            "INBOX",
            mail(number, "ann@buyer.example", "Order", "", "x").replace('\n', "\r\n").as_bytes(),
        );
    }
    let folder = tempfile::tempdir().unwrap();
    let password = folder.path().join("password");
    std::fs::write(&password, dovecot::PASSWORD).unwrap();
    let mut config = Config::default();
    config.site.data_dir = folder.path().join("data");
    config.mailbox = vec![mailbox::Config {
        name: "orders".to_owned(),
        host: "localhost".to_owned(),
        port: Some(dovecot.port),
        tls: mailbox::Tls::Plain,
        user: dovecot::USER.to_owned(),
        password: Some(mailroom::model::secret::SecretRef::File(password)),
        fetch_batch: 5,
        ..mailbox::Config::default()
    }];
    let app = App::open(config).await.unwrap();
    let config = &app.config.mailbox[0];
    let others = tokio::task::spawn_blocking(move || {
        client.command("SELECT INBOX");
        for uid in (1..=MESSAGES).rev() {
            client.command(&format!("UID STORE {uid} +FLAGS (\\Seen)"));
            if uid % 5 == 0 {
                client.command(&format!("UID MOVE {uid} Done"));
            } else if uid % 7 == 0 {
                client.command(&format!("UID STORE {uid} +FLAGS (\\Deleted)"));
                client.command(&format!("UID EXPUNGE {uid}"));
            }
        }
    });
    intake::poll_once(&app, config).await.unwrap();
    others.await.unwrap();
    intake::poll_once(&app, config).await.unwrap();
    let mut mailbox = intake::connect(&app, config).await.unwrap();
    let found = intake::reconcile(&app, config, &mut mailbox, "INBOX").await.unwrap();
    assert!(found.missing.is_empty(), "{found:?}");
    let state = mailbox.select("INBOX").await.unwrap();
    let place = Place { mailbox: "orders", folder: "INBOX", uidvalidity: state.uidvalidity };
    let still_there = mailbox.all_uids("INBOX").await.unwrap();
    for row in app.store.read().await.unwrap().list_sightings(place, -1, 1_000).await.unwrap() {
        match row.outcome {
            Outcome::Stored => {}
            // Gone before it could be fetched: said so, and only of what is really gone.
            Outcome::Vanished => assert!(!still_there.contains(&row.uid) && !row.reason.is_empty()),
            other => panic!("{other:?}: {row:?}"),
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a04_a_folder_numbered_anew_makes_nothing_twice() {
    let site = TestSite::open().await;
    for number in 0..4 {
        site.deliver(&mail(
            number,
            "Ann <ann@buyer.example>",
            &format!("Order {number}"),
            "",
            "Where is it?",
        ));
    }
    site.settle().await;
    site.mailbox.renumber("INBOX");
    let state = site.settle().await;
    assert_eq!(state.matches("processed \"Order").count(), 4, "{state}");
    assert_eq!(state.matches(": duplicate").count(), 4, "matched by their bytes: {state}");
    assert!(state.contains("outbox sent 4"), "{state}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a05_mail_of_ten_days_comes_oldest_first() {
    const MESSAGES: usize = 5_000;
    let site = TestSite::open().await;
    for number in 0..MESSAGES {
        site.deliver(&mail(number, "ann@buyer.example", &format!("Order {number:05}"), "", "x"));
    }
    assert_eq!(site.take().await.stored, MESSAGES as u64);
    let mut db = site.app.store.read().await.unwrap();
    let rows = db.list_messages(None, 10_000).await.unwrap();
    let ids: Vec<_> = rows.iter().map(|row| row.rfc_message_id.clone().unwrap()).collect();
    let expected: Vec<_> = (0..MESSAGES).map(|number| format!("{number}@test.example")).collect();
    assert_eq!(ids, expected);
}

#[tokio::test(flavor = "multi_thread")]
async fn a06_one_id_with_two_texts_is_two_messages_and_one_mail_in_three_mailboxes_is_one() {
    let site = TestSite::open().await;
    let raw = mail(1, "Ann <ann@buyer.example>", "Order", "", "Please send 4.");
    for name in ["sales", "returns", "office"] {
        let mailbox = mailbox::Memory::new();
        mailbox.append("INBOX", raw.replace('\n', "\r\n").as_bytes());
        let config = mailbox::Config { name: name.to_owned(), ..site.mailbox_config.clone() };
        let mut open = Mailbox::Memory(mailbox);
        intake::take(&site.app, &config, &mut open, Manner::default(), |_| {}).await.unwrap();
    }
    site.deliver(&raw.replace("send 4", "send 5"));
    let state = site.settle().await;
    assert_eq!(state.matches("processed \"Order\"").count(), 2, "{state}");
    assert_eq!(state.matches("  seen as").count(), 4, "{state}");
    let mut db = site.app.store.read().await.unwrap();
    let rows = db.list_messages(None, 10).await.unwrap();
    assert_eq!(db.list_sightings_of_message(&rows[0].id).await.unwrap().len(), 3);
    let second = db.find_parsed(&rows[1].id).await.unwrap().unwrap();
    assert!(!second.findings.is_empty(), "the used id is told");
}

#[tokio::test(flavor = "multi_thread")]
async fn a06_one_mail_to_two_of_our_addresses_is_one_case() {
    let site = TestSite::open().await;
    let order = "Purchase order 4500017788\n\nPlease supply the following:\n\n\
                 Pos  Item      Description      Qty  Unit price  Amount\n\
                 1    4711-A    Hex bolt M8      20   1.50        30.00\n\nTotal EUR 30.00\n";
    let raw = mail(1, "Ann <ann@buyer.example>", "Purchase order 4500017788", "", order);
    for (name, way) in [("sales", "mx1"), ("returns", "mx2")] {
        let mailbox = mailbox::Memory::new();
        let traced = format!("Received: by {way}\nDelivered-To: {name}@site.example\n{raw}");
        mailbox.append("INBOX", traced.replace('\n', "\r\n").as_bytes());
        let config = mailbox::Config { name: name.to_owned(), ..site.mailbox_config.clone() };
        let mut open = Mailbox::Memory(mailbox);
        intake::take(&site.app, &config, &mut open, Manner::default(), |_| {}).await.unwrap();
    }
    let state = site.settle().await;
    assert_eq!(state.matches("processed \"Purchase order").count(), 2, "both are kept: {state}");
    assert_eq!(state.matches("-> MR-1001").count(), 2, "{state}");
    assert_eq!((state.matches("  draft ").count(), site.outgoing.sent().len()), (1, 1), "{state}");
}

/// Hands on what one site has sent since last time, to the mailbox of the other.
fn hand_on(from: &TestSite, to: &TestSite, from_address: &str, handed: &mut usize) {
    for (_, bytes) in from.outgoing.sent().into_iter().skip(*handed) {
        *handed += 1;
        let head = format!("Return-Path: <>\r\nX-Was-From: {from_address}\r\n");
        to.mailbox.append("INBOX", &[head.as_bytes(), &bytes].concat());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a07_two_sites_that_answer_each_other_stop_by_themselves() {
    let ours = TestSite::open().await;
    let theirs = TestSite::open_as("desk@other.example").await;
    ours.deliver(&mail(1, "Desk <desk@other.example>", "Where is it", "", "Where is our order?"));
    let (mut by_us, mut by_them) = (0, 0);
    for _ in 0..10 {
        ours.settle().await;
        hand_on(&ours, &theirs, "orders@site.example", &mut by_us);
        theirs.settle().await;
        hand_on(&theirs, &ours, "desk@other.example", &mut by_them);
    }
    assert_eq!((by_us, by_them), (1, 0), "an automatic answer is not answered");
}

#[tokio::test(flavor = "multi_thread")]
async fn a07_a_vacation_responder_without_marks_runs_into_the_limit() {
    let site = TestSite::open().await;
    let mut answered = 0;
    for round in 0..40 {
        site.deliver(&mail(
            round,
            "Vic <vic@holiday.example>",
            "I am on holiday",
            "",
            &format!("Back soon. {round}"),
        ));
        site.settle().await;
        let sent = site.outgoing.sent().len();
        if sent == answered {
            break;
        }
        answered = sent;
    }
    let limit = limits::PER_RECIPIENT.iter().map(|window| window.count).min().unwrap();
    assert_eq!(answered, limit, "no more answers to a machine than to one recipient in the shortest window");
    let counts: BTreeMap<OutboxState, i64> =
        site.app.store.read().await.unwrap().count_outbox().await.unwrap().into_iter().collect();
    assert!(counts[&OutboxState::Withheld] > 0, "what was held back can be seen: {counts:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a08_a_stranger_who_quotes_a_ticket_is_offered_and_not_let_in() {
    let site = TestSite::open().await;
    site.deliver(&mail(1, "Ann <ann@buyer.example>", "Where is it", "", "Where is my order?"));
    site.settle().await;
    site.deliver(&mail(
        2,
        "Eve <eve@elsewhere.example>",
        "Re: Where is it [MR-1001]",
        "",
        "Send it to me instead.",
    ));
    let state = site.settle().await;
    let stranger = state.lines().find(|line| line.contains("Re: Where is it")).unwrap();
    assert!(stranger.contains("-> MR-1002") && stranger.contains("perhaps MR-1001"), "{state}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a09_old_mail_of_a_new_mailbox_keeps_its_dates_and_is_not_answered() {
    a09(300).await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "takes minutes: make test-long"]
async fn a09_fifty_thousand_old_mails_keep_their_dates_and_are_not_answered() {
    a09(50_000).await;
}

/// A mailbox with so many mails of earlier years, one an hour.
async fn a09(old: usize) {
    const FIRST_MS: i64 = 1_000_000_000_000;
    let site = TestSite::open().await;
    let config =
        mailbox::Config { history_before: Some("2140-01-01".to_owned()), ..site.mailbox_config.clone() };
    let date_ms = |number: usize| FIRST_MS + number as i64 * 3_600_000;
    for number in 0..old {
        let date = jiff::Timestamp::from_millisecond(date_ms(number)).unwrap();
        let date = jiff::fmt::rfc2822::to_string(&date.to_zoned(jiff::tz::TimeZone::UTC)).unwrap();
        let from = format!("Buyer <buyer{}@buyer{}.example>", number % 5_000, number % 500);
        let text = mail(number, &from, &format!("Question {number}"), "", "Where is it?");
        site.deliver(&text.replace("Mon, 2 Nov 2026 10:00:00 +0000", &date));
    }
    let mut open = Mailbox::Memory(site.mailbox.clone());
    let manner = Manner { history_before_ms: config.history_before_ms(), ..Manner::default() };
    let taken = intake::take(&site.app, &config, &mut open, manner, |_| {}).await.unwrap();
    assert_eq!(taken.stored, old as u64);
    jobs::run_until_idle(&site.app, |_| {}).await.unwrap();
    assert_eq!(site.count(MessageState::Processed).await, old as i64);
    let mut db = site.app.store.read().await.unwrap();
    assert!(db.count_outbox().await.unwrap().is_empty(), "nothing is as much as queued");
    let (mut after, mut number) = (None, 0);
    loop {
        let rows = db.list_messages(after.as_ref(), 1_000).await.unwrap();
        let Some(last) = rows.last() else { break };
        after = Some(last.id.clone());
        for row in rows {
            assert!(row.historic && row.date_ms == Some(date_ms(number)), "{number}: {row:?}");
            number += 1;
        }
    }
    assert_eq!(number, old);
}

#[tokio::test(flavor = "multi_thread")]
async fn a11_each_mail_leaves_once_or_is_shown_as_failed() {
    let site = TestSite::open().await;
    let words = |text: &str| text.to_owned();
    site.outgoing.fail_next(SendError::Transient { text: words("451 try later") });
    site.outgoing.fail_next(SendError::Permanent { text: words("550 no such user") });
    site.outgoing.fail_next(SendError::InDoubt { text: words("no answer to the content") });
    for number in 0..4 {
        site.deliver(&mail(number, &format!("a{number}@buyer{number}.example"), "Where is it", "", "Hello?"));
    }
    site.settle().await;
    let mut db = site.app.store.read().await.unwrap();
    let counts: BTreeMap<OutboxState, i64> = db.count_outbox().await.unwrap().into_iter().collect();
    let expected = [
        (OutboxState::Queued, 1),
        (OutboxState::Sent, 1),
        (OutboxState::Failed, 1),
        (OutboxState::InDoubt, 1),
    ];
    assert_eq!(counts, expected.into());
    // A person decides about what failed; what is in doubt is not sent by itself, however often it is due.
    let failed = db.list_outbox(OutboxState::Failed, None, 10).await.unwrap();
    assert!(failed[0].reason.contains("550"), "{failed:?}");
    drop(db);
    assert!(decision::settle_outbox(&site.app, &failed[0].id, OutboxState::Queued, "ann").await.unwrap());
    jobs::run_until_idle(&site.app, |_| {}).await.unwrap();
    let mut recipients: Vec<String> = site.outgoing.sent().into_iter().map(|(to, _)| to.recipient).collect();
    let all = recipients.len();
    recipients.sort();
    recipients.dedup();
    assert_eq!((recipients.len(), all), (3, 3), "nobody got it twice");
}

#[tokio::test(flavor = "multi_thread")]
async fn a11_one_recipient_who_is_refused_costs_the_others_nothing() {
    let site = TestSite::open().await;
    let now_ms = clock::now_ms();
    let id = OutboxId::new(clock::fresh_id());
    let new = NewOutbox {
        id: id.clone(),
        cause: format!("answer:{id}"),
        ticket_id: None,
        message_id: None,
        draft_id: None,
        recipient: "ann@buyer.example".to_owned(),
        copies: ["bo@buyer.example", "cy@buyer.example", "Ann@buyer.example"].map(str::to_owned).to_vec(),
        template: "answer".to_owned(),
        language: "en".to_owned(),
        subject: "Your order".to_owned(),
        rfc_message_id: format!("{id}@site.example"),
        sha256: site.app.blob.put(b"Subject: Your order\r\n\r\nHello\r\n").await.unwrap(),
        withheld: None,
        due_ms: now_ms,
    };
    let mut tx = site.app.store.begin().await.unwrap();
    tx.insert_outbox(&new, now_ms).await.unwrap();
    tx.commit().await.unwrap();
    let refuse = |email: &str, is_final| Refusal {
        email: email.to_owned(),
        is_final,
        text: format!("RCPT TO <{email}>: {}", if is_final { "550 no such user" } else { "450 later" }),
    };
    let look = async || {
        let row = site.app.store.read().await.unwrap().find_outbox(&id).await.unwrap().unwrap();
        let became: Vec<String> =
            row.deliveries.iter().map(|d| format!("{} {}", d.email, d.delivery.as_str())).collect();
        (row.state, became.join(", "), row.reason)
    };
    site.outgoing.set_refusals(vec![refuse("bo@buyer.example", true), refuse("cy@buyer.example", false)]);
    assert_eq!(jobs::send_outbox::run_due_at(&site.app, now_ms).await.unwrap(), 1);
    let (state, became, reason) = look().await;
    assert_eq!(state, OutboxState::Queued);
    assert_eq!(became, "ann@buyer.example sent, bo@buyer.example refused, cy@buyer.example deferred");
    assert!(reason.contains("550") && reason.contains("450"), "{reason}");
    let mut tx = site.app.store.begin().await.unwrap();
    assert!(!tx.delete_unsent(&id).await.unwrap(), "what somebody has is not taken back");
    tx.rollback().await.unwrap();

    // The one who is deferred is tried alone.
    site.outgoing.set_refusals(vec![refuse("bo@buyer.example", true)]);
    assert_eq!(jobs::send_outbox::run_due_at(&site.app, now_ms + 60_000_000).await.unwrap(), 1);
    let (state, became, reason) = look().await;
    assert_eq!((state, became.matches("sent").count()), (OutboxState::Failed, 2), "{became}");
    assert!(reason.contains("550") && !reason.contains("450"), "{reason}");

    // A person has it sent again: to the one who was refused, and to nobody else.
    site.outgoing.set_refusals(Vec::new());
    assert!(decision::settle_outbox(&site.app, &id, OutboxState::Queued, "ann").await.unwrap());
    assert_eq!(jobs::send_outbox::run_due_at(&site.app, now_ms + 120_000_000).await.unwrap(), 1);
    assert_eq!(look().await.0, OutboxState::Sent);
    let asked: Vec<Vec<String>> = site
        .outgoing
        .sent()
        .into_iter()
        .map(|(to, _)| std::iter::once(to.recipient).chain(to.copies).collect())
        .collect();
    let alone = |email: &str| vec![email.to_owned()];
    assert_eq!(asked[1..], [alone("cy@buyer.example"), alone("bo@buyer.example")], "nobody got it twice");
}

#[tokio::test(flavor = "multi_thread")]
async fn a11_a_server_that_is_down_for_a_day_costs_no_mail_and_doubles_none() {
    const MAILS: usize = 5;
    const HOUR_MS: i64 = 3_600_000;
    for outage_hours in [1, 6, 24] {
        let site = TestSite::open().await;
        for number in 0..MAILS {
            site.deliver(&mail(
                number,
                &format!("a{number}@buyer{number}.example"),
                "Hello",
                "",
                "Where is it?",
            ));
        }
        site.outgoing.set_down(true);
        site.settle().await;
        let begin_ms = clock::now_ms();
        let mut back_ms = None;
        // The clock moves on by five minutes at a time, and three hours beyond the end of the outage.
        for now_ms in (begin_ms..begin_ms + (outage_hours + 3) * HOUR_MS).step_by(300_000) {
            if now_ms - begin_ms >= outage_hours * HOUR_MS && back_ms.is_none() {
                back_ms = Some(now_ms);
                site.outgoing.set_down(false);
            }
            while jobs::send_outbox::run_due_at(&site.app, now_ms).await.unwrap() > 0 {}
            if back_ms.is_none() {
                assert_eq!(site.outgoing.sent().len(), 0);
            }
        }
        let mut recipients: Vec<String> =
            site.outgoing.sent().into_iter().map(|(to, _)| to.recipient).collect();
        recipients.sort();
        recipients.dedup();
        assert_eq!((site.outgoing.sent().len(), recipients.len()), (MAILS, MAILS), "{outage_hours} hours");
        let counts = site.app.store.read().await.unwrap().count_outbox().await.unwrap();
        assert_eq!(counts, [(OutboxState::Sent, MAILS as i64)], "{outage_hours} hours");
    }
}

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

#[tokio::test(flavor = "multi_thread")]
async fn a19_an_absence_note_reaches_nobody() {
    let site = TestSite::open().await;
    site.deliver(&mail(1, "Ann <ann@buyer.example>", "Where is it", "", "Where is my order?"));
    site.settle().await;
    let sent = site.outgoing.sent().len();
    let absence = "Auto-Submitted: auto-replied\nReferences: <1@test.example>\n";
    for (number, from) in ["Clerk <orders@site.example>", "Bob <bob@buyer.example>"].into_iter().enumerate() {
        site.deliver(&mail(
            10 + number,
            from,
            "Automatic reply: Where is it [MR-1001]",
            absence,
            "I am away.",
        ));
    }
    let state = site.settle().await;
    assert_eq!(site.outgoing.sent().len(), sent, "{state}");
    assert_eq!(state.matches("muted by").count(), 2, "{state}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a20_an_order_of_a_machine_becomes_a_draft_and_gets_no_answer() {
    let site = TestSite::open().await;
    let order = "Purchase order 4500017788\n\nPlease supply the following:\n\n\
                 Pos  Item      Description      Qty  Unit price  Amount\n\
                 1    4711-A    Hex bolt M8      20   1.50        30.00\n\
                 2    4712-B    Washer M8        50   0.20        10.00\n\nTotal EUR 40.00\n";
    let marks = "Precedence: bulk\nAuto-Submitted: auto-generated\n";
    site.deliver(&mail(1, "ERP <erp@buyer.example>", "Purchase order 4500017788", marks, order));
    let state = site.settle().await;
    assert!(state.contains("  draft purchase_order proposed"), "{state}");
    assert!(state.contains("muted by") && site.outgoing.sent().is_empty(), "{state}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_refused_can_be_fetched_again() {
    let site = TestSite::open().await;
    let large = site.deliver(&mail(1, "ann@buyer.example", "Large", "", &"x".repeat(4_000)));
    let other = site.deliver(&mail(2, "ann@buyer.example", "Large too", "", &"x".repeat(4_000)));
    site.mailbox.set_bytes_max(1_000);
    site.settle().await;
    let entries = site.app.store.read().await.unwrap().list_quarantine(None, 10).await.unwrap();
    assert_eq!(entries.len(), 2, "each has an entry of its own, {large} and {other}");
    site.mailbox.set_bytes_max(1_000_000);
    let all = async |cause| decision::reprocess_all(&site.app, cause, "ann").await.unwrap();
    assert_eq!(all(Some("reader_killed")).await, 0, "another cause");
    assert_eq!((all(Some("too_large")).await, all(None).await), (2, 0));
    let state = site.settle().await;
    assert_eq!(state.matches("processed \"Large").count(), 2, "{state}");
    assert!(!state.contains("quarantine"), "{state}");
}
