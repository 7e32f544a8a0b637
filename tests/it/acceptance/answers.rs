//! Mail that goes out: to whom it should, once, and never round in a loop.

use super::mail;
use crate::support::site::TestSite;
use mailroom::{
    clock, jobs,
    model::{ids::OutboxId, outbox::OutboxState},
    pipeline::decision,
    reply::{Refusal, SendError, limits},
    store::outbox::NewOutbox,
};
use std::collections::BTreeMap;

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
async fn a07_the_breaker_holds_back_all_automatic_mail_and_says_so() {
    const PER_HOUR: u32 = 3;
    let site = TestSite::open_with(|config| config.mail_out.breaker_per_hour = PER_HOUR).await;
    for number in 0..8 {
        site.deliver(&mail(number, &format!("a@buyer{number}.example"), "Where is it", "", "Hello?"));
        site.settle().await;
    }
    assert_eq!(
        site.outgoing.sent().len(),
        PER_HOUR as usize,
        "each has written once, so no other limit counts"
    );
    let held =
        site.app.store.read().await.unwrap().list_outbox(OutboxState::Withheld, None, 10).await.unwrap();
    assert_eq!(held.len(), 8 - PER_HOUR as usize);
    assert!(held.iter().all(|row| row.reason.contains("breaker")), "{held:?}");
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
