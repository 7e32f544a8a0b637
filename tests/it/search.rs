//! The search index on a real folder: what is found, that updating equals rebuilding, and that damage is healed.

use mailroom::model::{ids::MessageId, ticket::Queue};
use mailroom::search::{Config, Entry, Error, Has, Index, Query, query};
use std::{fs, path::Path};

fn config(folder: &Path) -> Config {
    Config { folder: folder.to_owned(), writer_memory_bytes: 16_000_000 }
}

fn parse(text: &str) -> Result<Query, query::QueryError> {
    query::parse(text, &jiff::Zoned::default())
}

fn entry(id: &str, subject: &str, body: &str) -> Entry {
    let mut entry = Entry::new(MessageId::new(id));
    entry.subject = subject.to_owned();
    entry.body = body.to_owned();
    entry
}

const DAY_MS: i64 = 86_400_000;

/// 2025-03-01.
const MARCH_MS: i64 = 20_148 * DAY_MS;

fn sample() -> Vec<Entry> {
    let mut order = entry("m-order", "Order 4500123456", "Please deliver 20 pcs HEX1025-B and AB-12/34.");
    order.from = "Erik Müller <erik@acme.example>".into();
    order.to = "orders@site.example".into();
    order.account = "K-1001 Acme Verktyg AB".into();
    order.ticket_number = Some(1001);
    order.queue = Some(Queue::Orders);
    order.date_ms = MARCH_MS;
    order.has = vec![Has::Attachment, Has::Pdf, Has::Draft, Has::Order];
    order.file_names = vec!["PO_4500123456.pdf".into()];
    order.file_texts = vec!["Purchase Order 4500 123 456 Unterlegscheibe verzinkt 1.234,50 EUR".into()];
    let mut question =
        entry("m-question", "Where is my order?", "The pump valve has not come 👍🏽 🚚. > quoted fossil");
    question.from = "Anna Ek <anna@nord.example>".into();
    question.ticket_number = Some(1002);
    question.queue = Some(Queue::OrderStatus);
    question.date_ms = MARCH_MS + 31 * DAY_MS;
    let mut tokyo = entry("m-tokyo", "注文書", "住所は東京都千代田区です。HEX 1025 C をください");
    tokyo.date_ms = MARCH_MS - 1;
    tokyo.has = vec![Has::Attachment, Has::Image];
    let long = entry("m-long", "Key", &format!("begin {} end", "y".repeat(300)));
    vec![order, question, tokyo, long]
}

fn found(index: &Index, query: &str) -> Vec<String> {
    let hits = index.search(&parse(query).unwrap(), 50, 0).unwrap();
    assert_eq!(hits.total, hits.hits.len(), "{query}");
    let mut ids: Vec<String> =
        hits.hits.iter().map(|hit| hit.message_id.as_str().replace("m-", "")).collect();
    ids.sort();
    ids
}

#[test]
fn queries_find_what_they_should_and_nothing_else() {
    let folder = tempfile::tempdir().unwrap();
    let index = Index::open_with(&config(folder.path())).unwrap();
    index.apply(&sample(), &[], 4).unwrap();
    for (query, expected) in [
        ("", "long order question tokyo"),
        ("pump valve", "question"),
        ("pump missing", ""),
        ("\"pump valve\"", "question"),
        ("\"valve pump\"", ""),
        ("VALVE -fossil", ""),
        ("fossil", "question"),
        ("order", "order question"),
        ("order -pump", "order"),
        ("pump OR scheibe*", "question"),
        ("pump OR unterleg*", "order question"),
        ("-order", "long tokyo"),
        // A part number with and without its signs, in part, and across blanks.
        ("HEX1025-B", "order"),
        ("hex1025b", "order"),
        ("HEX 1025 B", "order"),
        ("1025-B", "order"),
        ("X1025", "order"),
        ("1025", "order tokyo"),
        ("HEX1025C", "tokyo"),
        ("hex 1025 c", "tokyo"),
        ("AB-12/34", "order"),
        ("ab1234", "order"),
        ("b12", "order"),
        ("B-12", "order"),
        ("4500 123 456", "order"),
        ("4500-123-456", "order"),
        ("00123", "order"),
        ("4500 123 457", ""),
        ("1234.50", "order"),
        ("1,234.50", "order"),
        // Spellings, pictographs, scripts without blanks, long words.
        ("mueller", "order"),
        ("MÜLLER", "order"),
        ("muller", "order"),
        ("👍", "question"),
        ("🚚", "question"),
        ("🚀", ""),
        ("東京", "tokyo"),
        ("東京都千代田区", "tokyo"),
        ("京都", "tokyo"),
        ("京", "tokyo"),
        ("大阪", ""),
        (&"y".repeat(300), "long"),
        (&"Y".repeat(64), "long"),
        // Operators.
        ("from:erik", "order"),
        ("from:acme.example", "order"),
        ("from:orders", ""),
        ("to:orders", "order"),
        ("subject:order", "order question"),
        ("subject:\"my order\"", "question"),
        ("file:4500123456", "order"),
        ("verzinkt", "order"),
        ("account:K-1001", "order"),
        ("account:\"acme verktyg\"", "order"),
        ("ticket:MR-1001", "order"),
        ("ticket:1002", "question"),
        ("ticket:9", ""),
        ("queue:orders", "order"),
        ("queue:order_status", "question"),
        ("has:pdf", "order"),
        ("has:attachment", "order tokyo"),
        ("has:image -has:pdf", "tokyo"),
        ("has:order", "order"),
        ("after:2025-03-01", "order question"),
        ("after:2025-03 before:2025-04", "order"),
        ("before:2025-03-01", "long tokyo"),
        ("on:2025-02-28", "tokyo"),
        ("on:2025 pump", "question"),
        ("(pump OR verzinkt) on:2025-03", "order"),
    ] {
        assert_eq!(found(&index, query).join(" "), expected, "{query}");
    }
}

#[test]
fn hits_come_with_their_reason_and_in_the_order_that_was_asked_for() {
    let folder = tempfile::tempdir().unwrap();
    let index = Index::open_with(&config(folder.path())).unwrap();
    index.apply(&sample(), &[], 4).unwrap();
    let hits = index.search(&parse("verzinkt").unwrap(), 10, 0).unwrap();
    let hit = &hits.hits[0];
    assert_eq!(hit.ticket_number, Some(1001));
    assert_eq!(hit.file.as_ref().unwrap().text, "PO_4500123456.pdf");
    assert!(hit.body.to_html().contains("Unterlegscheibe <mark>verzinkt</mark>"), "{:?}", hit.body);

    let ids = |query: &str, limit, offset| -> Vec<String> {
        let hits = index.search(&parse(query).unwrap(), limit, offset).unwrap();
        assert_eq!(hits.total, 4);
        hits.hits.into_iter().map(|hit| hit.message_id.to_string()).collect()
    };
    assert_eq!(ids("sort:oldest", 2, 0), ["m-long", "m-tokyo"]);
    assert_eq!(ids("", 2, 0), ["m-question", "m-order"], "without words the newest come first");
    assert_eq!(ids("", 2, 2), ["m-tokyo", "m-long"]);
    assert!(ids("", 0, 0).is_empty());
    assert!(ids("", usize::MAX, usize::MAX).is_empty());
}

/// Everything that tells two indexes apart.
fn state(index: &Index) -> String {
    let mut lines = vec![format!("{} messages, place {}", index.count(), index.position().unwrap())];
    lines.extend(index.list_ids().unwrap().iter().map(ToString::to_string));
    for query in
        ["order", "changed", "pump", "1025", "ticket:1001", "ticket:1003", "queue:billing", "has:pdf", "東京"]
    {
        lines.push(format!("{query}: {}", found(index, query).join(" ")));
    }
    lines.join("\n")
}

#[test]
fn an_updated_index_equals_a_rebuilt_one() {
    let (folder, other) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let updated = Index::open_with(&config(folder.path())).unwrap();
    for (place, entry) in (1..).zip(sample()) {
        updated.apply(&[entry], &[], place).unwrap();
    }
    let mut last = sample();
    last[0].body = "changed to HEX2000".into();
    last[0].queue = Some(Queue::Billing);
    last[0].ticket_number = Some(1003);
    updated.apply(&last[..1], &[MessageId::new("m-question")], 6).unwrap();
    updated.apply(&last[..1], &[MessageId::new("m-question"), MessageId::new("m-never")], 7).unwrap();

    last.remove(1);
    let rebuilt = Index::open_with(&config(other.path())).unwrap();
    rebuilt.apply(&last, &[], 7).unwrap();
    assert_eq!(state(&updated), state(&rebuilt));

    updated.clear().unwrap();
    assert_eq!((updated.count(), updated.position().unwrap()), (0, 0));
    updated.apply(&last, &[], 7).unwrap();
    assert_eq!(state(&updated), state(&rebuilt));
    drop(updated);
    let reopened = Index::open_with(&config(folder.path())).unwrap();
    assert_eq!(reopened.rebuilt(), None);
    assert_eq!(state(&reopened), state(&rebuilt));
    assert_eq!(reopened.check().unwrap(), Vec::<std::path::PathBuf>::new());
}

#[test]
fn another_reader_sees_new_messages_and_a_second_writer_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let writer = Index::open_with(&config(folder.path())).unwrap();
    writer.apply(&sample()[..1], &[], 1).unwrap();
    let reader = Index::open_with(&config(folder.path())).unwrap();
    writer.apply(&sample()[1..], &[], 4).unwrap();
    let deadline = std::time::Instant::now() + std::time::Duration::from_secs(30);
    while found(&reader, "pump").is_empty() {
        assert!(std::time::Instant::now() < deadline, "the reader never saw the commit");
        std::thread::yield_now();
    }
    assert_eq!(reader.position().unwrap(), 4);
    let refused = reader.apply(&sample(), &[], 9).unwrap_err();
    assert!(matches!(refused, Error::Busy) && refused.is_transient());
    drop(writer);
    reader.apply(&sample(), &[], 9).unwrap();
    assert_eq!(reader.position().unwrap(), 9);
}

#[test]
fn a_damaged_or_outdated_index_is_replaced_by_an_empty_one() {
    type Harm = fn(&Path);
    let harms: &[(&str, Harm)] = &[
        ("no meta", |folder| fs::remove_file(folder.join("index/meta.json")).unwrap()),
        ("garbled meta", |folder| fs::write(folder.join("index/meta.json"), b"{\0").unwrap()),
        ("empty meta", |folder| fs::write(folder.join("index/meta.json"), b"").unwrap()),
        ("segment gone", |folder| each_segment_file(folder, |path| fs::remove_file(path).unwrap())),
        ("segment cut", |folder| each_segment_file(folder, |path| fs::write(path, b"short").unwrap())),
        ("segment empty", |folder| each_segment_file(folder, |path| fs::write(path, b"").unwrap())),
        ("older version", |folder| fs::write(folder.join("version"), "0\n").unwrap()),
        ("newer version", |folder| fs::write(folder.join("version"), "999\n").unwrap()),
        ("half made", |folder| fs::remove_file(folder.join("version")).unwrap()),
        ("files gone", |folder| fs::remove_dir_all(folder.join("index")).unwrap()),
    ];
    for (name, harm) in harms {
        let folder = tempfile::tempdir().unwrap();
        let index = Index::open_with(&config(folder.path())).unwrap();
        assert_eq!(index.rebuilt(), None, "{name}");
        index.apply(&sample(), &[], 4).unwrap();
        drop(index);
        fs::write(folder.path().join("keep.txt"), "not ours").unwrap();
        harm(folder.path());
        let index = Index::open_with(&config(folder.path())).unwrap();
        assert!(index.rebuilt().is_some(), "{name}");
        assert_eq!((index.count(), index.position().unwrap()), (0, 0), "{name}");
        index.apply(&sample(), &[], 4).unwrap();
        assert_eq!(found(&index, "1025").join(" "), "order tokyo", "{name}");
        assert!(folder.path().join("keep.txt").exists(), "only the index itself is deleted");
    }
}

fn each_segment_file(folder: &Path, act: fn(&Path)) {
    let paths = fs::read_dir(folder.join("index")).unwrap().map(|e| e.unwrap().path());
    let of_segments = paths.filter(|p| {
        let name = p.file_name().unwrap().to_string_lossy();
        !name.ends_with(".json") && !name.starts_with('.')
    });
    of_segments.for_each(|path| act(&path));
}

#[test]
fn a_flipped_byte_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let index = Index::open_with(&config(folder.path())).unwrap();
    index.apply(&sample(), &[], 4).unwrap();
    assert!(index.check().unwrap().is_empty());
    drop(index);
    each_segment_file(folder.path(), |path| {
        let mut bytes = fs::read(path).unwrap();
        let middle = bytes.len() / 4;
        bytes[middle] ^= 1;
        fs::write(path, bytes).unwrap();
    });
    let index = Index::open_with(&config(folder.path())).unwrap();
    assert!(index.rebuilt().is_some() || !index.check().unwrap().is_empty());
}

#[test]
fn searching_goes_on_while_another_thread_writes() {
    let folder = tempfile::tempdir().unwrap();
    let index = Index::open_with(&config(folder.path())).unwrap();
    std::thread::scope(|scope| {
        let writing = scope.spawn(|| {
            for place in 1..=20 {
                index.apply(&[entry(&format!("m-{place}"), "pump", "text")], &[], place).unwrap();
            }
        });
        let mut before = 0;
        while !writing.is_finished() {
            let count = found(&index, "pump").len();
            assert!(count >= before, "a message was lost");
            before = count;
        }
    });
    assert_eq!(found(&index, "pump").len(), 20);
}

mod following {
    //! The job that follows the change log, on a real database and folder of bytes.

    use super::found;
    use crate::support::rows::{NOW_MS, Site};
    use mailroom::{
        jobs::index_search::{coverage, follow},
        model::ticket::Queue,
        search::{Coverage, Index},
        store::{
            change::ChangeKind,
            message::{Direction, NewMessage},
        },
    };

    fn state(index: &Index) -> String {
        let mut lines = vec![format!("{} at {}", index.count(), index.position().unwrap())];
        lines.extend(index.list_ids().unwrap().iter().map(ToString::to_string));
        for query in
            ["queue:orders", "queue:returns", "ticket:1001", "ticket:1002", "HEX1025", "from:erik", "has:pdf"]
        {
            lines.push(format!("{query}: {}", found(index, query).join(" ")));
        }
        lines.join("\n")
    }

    #[tokio::test]
    async fn the_index_follows_the_database_and_can_be_built_anew() {
        let folder = tempfile::tempdir().unwrap();
        let site = Site::open(folder.path()).await;
        let index = Index::open(&folder.path().join("index")).unwrap();
        site.follow_all(&index).await;
        assert_eq!(index.count(), 0);

        let mut ticket = site.receive("First order", "Please send it.", "Item HEX-1025 40 pcs").await.0;
        site.follow_all(&index).await;
        assert_eq!(found(&index, "HEX1025").len(), 1, "text of files is found");
        assert_eq!(found(&index, "has:pdf first from:erik ticket:1001").len(), 1);

        site.receive("Second order", "Something else.", "nothing").await;
        ticket.queue = Queue::Returns;
        let mut tx = site.store.begin().await.unwrap();
        tx.update_ticket(&ticket, NOW_MS).await.unwrap();
        tx.note_change(ChangeKind::Ticket, ticket.id.as_str());
        tx.commit().await.unwrap();
        site.follow_all(&index).await;
        assert_eq!(found(&index, "queue:returns").len(), 1, "a moved ticket is found in its new queue");
        assert_eq!(found(&index, "queue:orders").len(), 1);
        assert_eq!(follow(&site.store, &site.blob, &index).await.unwrap(), 0);

        let anew = Index::open(&folder.path().join("anew")).unwrap();
        site.follow_all(&anew).await;
        assert_eq!(state(&index), state(&anew));
        let complete = coverage(&site.store, &anew).await.unwrap();
        assert_eq!(complete, Coverage { indexed: 2, stored: 2 });
        assert!(complete.is_complete());
    }

    #[tokio::test]
    async fn messages_that_wait_show_in_the_coverage_only() {
        let folder = tempfile::tempdir().unwrap();
        let site = Site::open(folder.path()).await;
        let index = Index::open(&folder.path().join("index")).unwrap();
        let sha256 = site.blob.put(b"raw").await.unwrap();
        let mut tx = site.store.begin().await.unwrap();
        let new = NewMessage {
            sha256,
            size_bytes: 3,
            direction: Direction::In,
            historic: false,
            rfc_message_id: None,
        };
        let id = tx.insert_message(&new, NOW_MS).await.unwrap().id().clone();
        tx.note_change(ChangeKind::Message, id.as_str());
        tx.commit().await.unwrap();
        site.follow_all(&index).await;
        let partial = coverage(&site.store, &index).await.unwrap();
        assert_eq!(partial, Coverage { indexed: 0, stored: 1 });
        assert!(!partial.is_complete());
    }

    #[tokio::test]
    async fn an_index_ahead_of_a_restored_database_starts_over() {
        let folder = tempfile::tempdir().unwrap();
        let site = Site::open(folder.path()).await;
        site.receive("First order", "Please send it.", "text").await;
        let index = Index::open(&folder.path().join("index")).unwrap();
        index.apply(&[super::entry("m-gone", "of a lost future", "")], &[], 1_000).unwrap();
        site.follow_all(&index).await;
        assert_eq!(index.count(), 1);
        assert_eq!(found(&index, "future").len(), 0);
        assert_eq!(found(&index, "first").len(), 1);
    }
}
