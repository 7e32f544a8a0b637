//! Many writers at once, on SQLite and on PostgreSQL: nothing is done twice, and every chain and number stays whole.

use crate::support::database::{Database, contract};
use futures::future::join_all;
use mailroom::{
    model::{
        ids::OutboxId,
        ticket::{Priority, Queue},
    },
    store::{
        Store,
        audit::Entry,
        change::ChangeKind,
        message::{Direction, Inserted, NewMessage},
        outbox::NewOutbox,
        ticket::NewTicket,
    },
};
use std::collections::BTreeSet;

const NOW: i64 = 1_800_000_000_000;
const WRITERS: usize = 8;

/// Runs `WRITERS` tasks at once, each with a number.
async fn together<T: Send + 'static, F: Future<Output = T> + Send + 'static>(
    store: &Store,
    work: impl Fn(Store, usize) -> F,
) -> Vec<T> {
    let tasks = (0..WRITERS).map(|writer| tokio::spawn(work(store.clone(), writer)));
    join_all(tasks).await.into_iter().map(Result::unwrap).collect()
}

contract!(no_job_is_leased_twice, async |db: Database| {
    const JOBS: usize = 200;
    let mut tx = db.store.begin().await.unwrap();
    for n in 0..JOBS {
        tx.enqueue("process", &n.to_string(), NOW, NOW).await.unwrap();
    }
    tx.commit().await.unwrap();
    let done = together(&db.store, |store, worker| async move {
        let (mut done, worker) = (Vec::new(), worker.to_string());
        loop {
            let jobs = store.lease_jobs("process", &worker, NOW, 60_000, 3).await.unwrap();
            if jobs.is_empty() {
                return done;
            }
            for job in jobs {
                let mut tx = store.begin().await.unwrap();
                assert!(tx.finish_job(&job.id, &worker).await.unwrap());
                tx.commit().await.unwrap();
                done.push(job.subject_id);
            }
        }
    })
    .await
    .concat();
    assert_eq!((done.len(), done.iter().collect::<BTreeSet<_>>().len()), (JOBS, JOBS));
    assert!(db.store.read().await.unwrap().count_jobs().await.unwrap().is_empty());
});

contract!(no_mail_is_taken_twice, async |db: Database| {
    const MAILS: usize = 60;
    let mut tx = db.store.begin().await.unwrap();
    for n in 0..MAILS {
        let mail = NewOutbox {
            id: OutboxId::new(n.to_string()),
            cause: n.to_string(),
            ticket_id: None,
            message_id: None,
            draft_id: None,
            recipient: "eva@kund.example".into(),
            copies: Vec::new(),
            template: "acknowledge".into(),
            language: "sv".into(),
            subject: String::new(),
            rfc_message_id: n.to_string(),
            sha256: String::new(),
            withheld: None,
            due_ms: NOW,
        };
        assert!(tx.insert_outbox(&mail, NOW).await.unwrap());
    }
    tx.commit().await.unwrap();
    let mut taken = Vec::new();
    // a worker that meets others may come back with nothing: go on until all are taken
    while taken.len() < MAILS {
        let round = together(&db.store, |store, worker| async move {
            let row = store.lease_outbox(&worker.to_string(), NOW).await.unwrap();
            row.map(|row| row.id)
        });
        let round: Vec<_> = round.await.into_iter().flatten().collect();
        assert!(!round.is_empty(), "somebody is always served");
        taken.extend(round);
    }
    assert_eq!(taken.iter().collect::<BTreeSet<_>>().len(), MAILS);
});

contract!(numbers_and_chains_stay_whole_under_many_writers, async |db: Database| {
    const ROUNDS: usize = 25;
    let numbers = together(&db.store, |store, writer| async move {
        let mut numbers = Vec::new();
        for round in 0..ROUNDS {
            let mut tx = store.begin().await.unwrap();
            let new = NewTicket {
                subject: String::new(),
                queue: Queue::Orders,
                queue_reason: String::new(),
                priority: Priority::Normal,
                account_id: None,
                language: "en".into(),
            };
            let ticket = tx.insert_ticket(&new, None, NOW).await.unwrap();
            // the order in which a writer notes things must not matter
            let audit = |action: &str| Entry { action: action.into(), at_ms: NOW, ..Entry::default() };
            if writer % 2 == 0 {
                tx.audit(audit("before"));
            }
            tx.note_change(ChangeKind::Ticket, ticket.id.as_str());
            tx.note_change(ChangeKind::Message, "everybody's");
            tx.audit(audit("after"));
            if round % 5 == 4 {
                drop(tx);
                continue;
            }
            tx.commit().await.unwrap();
            numbers.push(ticket.number);
        }
        numbers
    })
    .await
    .concat();
    let kept = WRITERS * ROUNDS / 5 * 4;
    let distinct: BTreeSet<_> = numbers.iter().copied().collect();
    assert_eq!((numbers.len(), distinct.len()), (kept, kept));
    assert_eq!((distinct.first(), distinct.last()), (Some(&1001), Some(&(1000 + kept as i64))), "no gaps");
    let check = db.store.check_audit().await.unwrap();
    assert_eq!((check.rows, check.broken), ((kept + kept / 2) as i64, None));
    let mut read = db.store.read().await.unwrap();
    assert_eq!(read.find_last_change().await.unwrap(), 2 * kept as i64);
    assert_eq!(read.list_changes(0, 10_000).await.unwrap().len(), kept + 1);
});

contract!(a_follower_of_changes_misses_none, async |db: Database| {
    const ROUNDS: usize = 40;
    let follow = async |done: &std::sync::atomic::AtomicBool| {
        let (mut since, mut seen) = (0, BTreeSet::new());
        loop {
            let last_round = done.load(std::sync::atomic::Ordering::SeqCst);
            for change in db.store.read().await.unwrap().list_changes(since, 7).await.unwrap() {
                assert!(change.seq > since);
                since = change.seq;
                seen.insert(change.subject_id);
            }
            if last_round && since == db.store.read().await.unwrap().find_last_change().await.unwrap() {
                return seen;
            }
            tokio::task::yield_now().await;
        }
    };
    let done = std::sync::atomic::AtomicBool::new(false);
    let write = async {
        together(&db.store, |store, writer| async move {
            for round in 0..ROUNDS {
                let mut tx = store.begin().await.unwrap();
                tx.note_change(ChangeKind::Message, &format!("{writer} {round}"));
                tx.commit().await.unwrap();
            }
        })
        .await;
        done.store(true, std::sync::atomic::Ordering::SeqCst);
    };
    let (seen, ()) = tokio::join!(follow(&done), write);
    assert_eq!(seen.len(), WRITERS * ROUNDS);
});

contract!(the_same_bytes_from_many_sides_are_one_message, async |db: Database| {
    let ids = together(&db.store, |store, _| async move {
        let new = NewMessage {
            sha256: mailroom::blob::sha256_hex(b"same"),
            size_bytes: 4,
            direction: Direction::In,
            historic: false,
            rfc_message_id: None,
        };
        let mut tx = store.begin().await.unwrap();
        let inserted = tx.insert_message(&new, NOW).await.unwrap();
        tx.commit().await.unwrap();
        inserted
    })
    .await;
    let distinct: BTreeSet<_> = ids.iter().map(Inserted::id).collect();
    assert_eq!(distinct.len(), 1);
    let new = ids.iter().filter(|inserted| matches!(inserted, Inserted::New(_)));
    assert_eq!(new.count(), 1);
});

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_new_database_may_be_made_by_many_at_once() {
    let folder = tempfile::tempdir().unwrap();
    let sqlite = format!("sqlite:{}", folder.path().join("new.db").display());
    let postgres = tokio::task::spawn_blocking(crate::support::postgres::fresh_database).await.unwrap();
    for url in [sqlite, postgres] {
        for store in join_all((0..4).map(|_| Store::open(&url))).await {
            assert_eq!(store.unwrap().read().await.unwrap().find_last_change().await.unwrap(), 0);
        }
    }
}
