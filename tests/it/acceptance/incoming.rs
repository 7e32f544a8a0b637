//! Mail that comes in: none lost, none twice, none at the cost of another.

use super::{mail, with_file};
use crate::support::{
    bombs,
    dovecot::{self, Dovecot},
    site::TestSite,
};
use mailroom::{
    app::App,
    config::Config,
    jobs::{
        self,
        intake::{self, Manner},
    },
    mailbox::{self, Mailbox},
    model::ledger::Outcome,
    pipeline::decision,
    store::{message::MessageState, sighting::Place},
};

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
