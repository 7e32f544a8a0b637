//! What every aggregate of the store promises, on SQLite and on PostgreSQL.

use crate::support::database::{Database, contract};
use mailroom::{
    model::{
        account::{Account, CatalogueItem},
        draft::{Content, Draft, DraftState, Kind, Proposal, Source},
        finding::{Finding, Severity},
        ids::{DocumentId, MessageId, OutboxId, TicketId},
        ledger::Outcome,
        message::{Address, Message, Origin, Screened},
        outbox::OutboxState,
        ticket::{Classified, Priority, Queue, TicketState},
    },
    store::{
        Store, Tx,
        audit::Entry,
        change::ChangeKind,
        document::{DocumentState, NewDocument},
        draft::{NewDraft, Saved},
        message::{Direction, Inserted, MessageState, NewMessage, Processed},
        outbox::NewOutbox,
        person::Role,
        quarantine::{NewQuarantine, Resolution},
        session::NewSession,
        sighting::{NewSighting, Place},
        ticket::{NewTicket, TicketCursor, TicketFilter},
    },
};
use std::{collections::BTreeMap, slice::from_ref};

/// The tests' time.
pub(crate) const NOW: i64 = 1_800_000_000_000;
const INBOX: Place<'_> = Place { mailbox: "orders", folder: "INBOX", uidvalidity: 7 };

fn sha(text: &str) -> String {
    mailroom::blob::sha256_hex(text.as_bytes())
}

fn seen(uid: i64) -> NewSighting {
    NewSighting {
        mailbox: "orders".into(),
        folder: "INBOX".into(),
        uidvalidity: 7,
        uid,
        size_bytes: 100,
        ..NewSighting::default()
    }
}

fn new_ticket() -> NewTicket {
    NewTicket {
        subject: "Order 4711".into(),
        queue: Queue::Orders,
        queue_reason: "an order is attached".into(),
        priority: Priority::Normal,
        account_id: None,
        language: "en".into(),
    }
}

async fn insert_message(tx: &mut Tx, bytes: &str) -> MessageId {
    let new = NewMessage {
        sha256: sha(bytes),
        size_bytes: bytes.len() as i64,
        direction: Direction::In,
        historic: false,
        rfc_message_id: None,
    };
    tx.insert_message(&new, NOW).await.unwrap().id().clone()
}

fn parsed() -> Message {
    Message {
        rfc_message_id: Some("a@b.example".into()),
        from: Some(Address { email: "eva@kund.example".into(), name: Some("Eva Å".into()) }),
        subject: "Beställning \0 4711".into(),
        date_ms: Some(NOW - 5),
        text: "Hej".into(),
        ..Message::default()
    }
}

async fn process(tx: &mut Tx, id: &MessageId, message: &Message, ticket: Option<&TicketId>) {
    let screened = Screened {
        origin: Origin::Person,
        muted: false,
        decided_by: "person".into(),
        reason: "no mark of a machine".into(),
    };
    let classified = Classified {
        queue: Queue::Orders,
        best: Queue::Orders,
        confidence: 0.75,
        priority: Priority::Normal,
        reasons: vec!["an order is attached".into()],
    };
    let found = Processed {
        message,
        screened: &screened,
        ticket_id: ticket,
        thread_rule: "new",
        possible_ticket_id: None,
        classified: &classified,
    };
    tx.save_processed(id, &found, NOW + 1).await.unwrap();
}

pub(crate) fn order(po_number: &str) -> Draft {
    let value = |text: &str| Proposal {
        value: Content::Text(text.into()),
        confidence: 0.5,
        source: Source::Rule("test".into()),
        printed: None,
    };
    Draft {
        kind: Kind::PurchaseOrder,
        kind_confidence: 1.0,
        language: "en".into(),
        standard: None,
        page_range: [1, 1],
        fields: BTreeMap::from([
            ("po_number".into(), value(po_number)),
            ("buyer_name".into(), value("Brook Ltd")),
        ]),
        lines: vec![BTreeMap::from([("sku".into(), value("A-1"))])],
        findings: vec![Finding::new("unknown_sku", Severity::Check, "look")],
        precedents: Vec::new(),
    }
}

fn document(message_id: &MessageId, position: i64, bytes: &str) -> NewDocument {
    NewDocument {
        message_id: message_id.clone(),
        parent_id: None,
        position,
        name: "po.pdf".into(),
        media_type: "application/pdf".into(),
        format: "pdf".into(),
        size_bytes: 9,
        sha256: sha(bytes),
        state: DocumentState::Read,
        cause: String::new(),
        page_count: 2,
        how: "text_layer".into(),
        pages_sha256: Some(sha("pages")),
        findings: vec![Finding::new("truncated", Severity::Note, "cut")],
    }
}

/// A ticket with a message, a document and a draft in it.
pub(crate) async fn a_draft(
    store: &Store,
    po_number: &str,
) -> (TicketId, MessageId, DocumentId, mailroom::model::ids::DraftId) {
    let mut tx = store.begin().await.unwrap();
    let ticket = tx.insert_ticket(&new_ticket(), None, NOW).await.unwrap();
    let message = insert_message(&mut tx, po_number).await;
    process(&mut tx, &message, &parsed(), Some(&ticket.id)).await;
    let document = tx.save_document(&document(&message, 0, po_number), NOW).await.unwrap();
    let proposal = order(po_number);
    let new = NewDraft {
        ticket_id: &ticket.id,
        message_id: &message,
        document_id: &document,
        position: 0,
        account_id: None,
        account_reason: "",
        draft: &proposal,
    };
    let draft = tx.insert_draft(&new, NOW).await.unwrap();
    assert_eq!(tx.insert_draft(&new, NOW).await.unwrap(), draft, "twice is once");
    tx.commit().await.unwrap();
    (ticket.id, message, document, draft)
}

pub(crate) fn mail(id: &str, cause: &str, ticket: Option<TicketId>) -> NewOutbox {
    NewOutbox {
        id: OutboxId::new(id),
        cause: cause.into(),
        ticket_id: ticket,
        message_id: None,
        draft_id: None,
        recipient: "Eva@Kund.example".into(),
        copies: Vec::new(),
        template: "acknowledge".into(),
        language: "sv".into(),
        subject: "Tack".into(),
        rfc_message_id: format!("{id}@us.example"),
        sha256: sha(id),
        withheld: None,
        due_ms: NOW,
    }
}

contract!(the_ledger_has_one_row_for_each_uid, async |db: Database| {
    let mut tx = db.store.begin().await.unwrap();
    let first = tx.insert_seen(&seen(1), NOW).await.unwrap();
    assert_eq!(tx.insert_seen(&seen(1), NOW + 9).await.unwrap(), first);
    let second = tx.insert_seen(&seen(2), NOW).await.unwrap();
    let third = tx.insert_seen(&seen(3), NOW).await.unwrap();
    let message = insert_message(&mut tx, "bytes").await;
    let bytes = sha("bytes");
    tx.mark_stored(&first.id, &bytes, &message, Outcome::Stored, NOW + 1).await.unwrap();
    tx.mark_stored(&second.id, &bytes, &message, Outcome::Duplicate, NOW + 1).await.unwrap();
    // a row that has its bytes keeps them
    tx.mark_stored(&second.id, &sha("other"), &message, Outcome::Stored, NOW + 2).await.unwrap();
    tx.mark_vanished(&first.id, "no").await.unwrap();
    assert_eq!(tx.list_unstored(INBOX, 10).await.unwrap(), from_ref(&third));
    assert_eq!(tx.list_unacted(INBOX, 0, 10).await.unwrap().len(), 2);
    tx.mark_acted(&first.id, NOW + 3).await.unwrap();
    assert_eq!(tx.list_unacted(INBOX, 0, 10).await.unwrap().len(), 1);
    tx.mark_vanished(&third.id, "expunged").await.unwrap();
    tx.save_outcome(&message, Outcome::Processed, "").await.unwrap();
    tx.commit().await.unwrap();

    let mut read = db.store.read().await.unwrap();
    let uids: Vec<i64> = read.list_sightings(INBOX, 1, 10).await.unwrap().iter().map(|s| s.uid).collect();
    assert_eq!(uids, [2, 3]);
    let row = read.find_sighting(INBOX, 1).await.unwrap().unwrap();
    assert_eq!(
        (row.outcome, row.sha256, row.stored_ms, row.acted_ms),
        (Outcome::Processed, Some(bytes), Some(NOW + 1), Some(NOW + 3))
    );
    let counts = read.count_outcomes("orders", "INBOX").await.unwrap();
    assert_eq!(counts, [(Outcome::Duplicate, 1), (Outcome::Processed, 1), (Outcome::Vanished, 1)]);
    assert_eq!(read.count_all_outcomes().await.unwrap(), counts);
    assert_eq!(read.list_sightings_of_message(&message).await.unwrap().len(), 2);
});

contract!(a_folder_remembers_where_intake_stands, async |db: Database| {
    let mut tx = db.store.begin().await.unwrap();
    tx.record_folder_error("orders", "INBOX", "cannot sign in", NOW).await.unwrap();
    tx.save_folder_cursor("orders", "INBOX", 7, 42, NOW).await.unwrap();
    tx.commit().await.unwrap();
    let mut tx = db.store.begin().await.unwrap();
    let row = tx.find_folder("orders", "INBOX").await.unwrap().unwrap();
    assert_eq!((row.uidvalidity, row.last_uid, row.last_error.as_str()), (7, 42, "cannot sign in"));
    tx.record_folder_contact("orders", "INBOX", 50, NOW + 1).await.unwrap();
    tx.commit().await.unwrap();
    let folders = db.store.read().await.unwrap().list_folders().await.unwrap();
    assert_eq!(folders.len(), 1);
    assert_eq!((folders[0].last_uid, folders[0].server_count, folders[0].last_error.as_str()), (42, 50, ""));
    assert_eq!(folders[0].last_error_ms, None);
});

contract!(a_message_is_known_by_its_bytes, async |db: Database| {
    let mut tx = db.store.begin().await.unwrap();
    let ticket = tx.insert_ticket(&new_ticket(), None, NOW).await.unwrap();
    let new = NewMessage {
        sha256: sha("m"),
        size_bytes: 1,
        direction: Direction::In,
        historic: true,
        rfc_message_id: None,
    };
    let Inserted::New(id) = tx.insert_message(&new, NOW).await.unwrap() else { panic!("it is new") };
    assert_eq!(tx.insert_message(&new, NOW).await.unwrap(), Inserted::Known(id.clone()));
    let row = tx.find_message(&id).await.unwrap().unwrap();
    assert_eq!((row.state, row.origin, row.queue, row.historic), (MessageState::Stored, None, None, true));
    assert_eq!(tx.find_parsed(&id).await.unwrap(), None);
    process(&mut tx, &id, &parsed(), Some(&ticket.id)).await;
    tx.commit().await.unwrap();

    let mut read = db.store.read().await.unwrap();
    let row = read.find_message_by_sha(&sha("m")).await.unwrap().unwrap();
    assert_eq!(row.subject, "Beställning \u{fffd} 4711", "PostgreSQL knows no NUL");
    assert_eq!(
        (row.origin, row.queue, row.queue_confidence),
        (Some(Origin::Person), Some(Queue::Orders), 0.75)
    );
    assert_eq!((row.date_ms, row.processed_ms), (Some(NOW - 5), Some(NOW + 1)));
    assert_eq!(row.queue_reasons, ["an order is attached"]);
    assert_eq!(read.find_parsed(&id).await.unwrap(), Some(parsed()));
    assert_eq!(read.list_messages_by_rfc_id("a@b.example", 10).await.unwrap(), from_ref(&row));
    assert_eq!(read.list_conversation(&ticket.id, 10).await.unwrap(), [(row, Some(parsed()))]);
    assert_eq!(read.count_messages().await.unwrap(), [(MessageState::Processed, 1)]);
});

contract!(hostile_headers_fit_the_columns, async |db: Database| {
    let mut tx = db.store.begin().await.unwrap();
    let id = insert_message(&mut tx, "hostile").await;
    let long = "x".repeat(100_000);
    let message = Message { rfc_message_id: Some(long.clone()), subject: long.clone(), ..Message::default() };
    process(&mut tx, &id, &message, None).await;
    let ticket =
        tx.insert_ticket(&NewTicket { subject: long.clone(), ..new_ticket() }, None, NOW).await.unwrap();
    assert!(tx.add_participant(&ticket.id, &format!("{long}@x.example")).await.unwrap());
    tx.commit().await.unwrap();
    let mut read = db.store.read().await.unwrap();
    assert_eq!(read.list_messages_by_rfc_id(&long, 10).await.unwrap().len(), 1);
    assert_eq!(read.find_message_by_sha("no\0where").await.unwrap(), None);
});

contract!(messages_are_walked_page_by_page, async |db: Database| {
    let mut tx = db.store.begin().await.unwrap();
    for n in 0..25 {
        insert_message(&mut tx, &n.to_string()).await;
    }
    let mut walked = Vec::new();
    loop {
        let page = tx.list_messages_by_state(MessageState::Stored, walked.last(), 10).await.unwrap();
        if page.is_empty() {
            break;
        }
        walked.extend(page.into_iter().map(|row| row.id));
    }
    assert_eq!(walked.len(), 25);
    assert!(walked.is_sorted());
    tx.save_message_state(&walked[0], MessageState::Quarantined).await.unwrap();
    assert_eq!(
        tx.count_messages().await.unwrap(),
        [(MessageState::Quarantined, 1), (MessageState::Stored, 24)]
    );
    assert_eq!(tx.list_messages(Some(&walked[19]), 10).await.unwrap().len(), 5);
});

contract!(accounts_and_goods_are_replaced_by_their_keys, async |db: Database| {
    let account = |no: &str, name: &str, domain: &str| Account {
        account_no: no.into(),
        name: name.into(),
        email_domain: domain.into(),
        ..Account::default()
    };
    let item = |sku: &str| CatalogueItem { sku: sku.into(), ..CatalogueItem::default() };
    let mut tx = db.store.begin().await.unwrap();
    tx.save_accounts(&[account("C1", "Brook", "Brook.example"), account("C2", "Fen", "")], NOW)
        .await
        .unwrap();
    tx.replace_catalogue(&[item("A"), item("B")], NOW).await.unwrap();
    tx.commit().await.unwrap();
    let mut read = db.store.read().await.unwrap();
    let version = read.find_known_version().await.unwrap();
    let id = read.find_account_by_no("C1").await.unwrap().unwrap().id;
    drop(read);

    let mut tx = db.store.begin().await.unwrap();
    tx.save_accounts(&[account("C1", "Brook Ltd", "brook.example")], NOW).await.unwrap();
    tx.replace_catalogue(&[item("B"), item("C")], NOW).await.unwrap();
    tx.commit().await.unwrap();
    let mut read = db.store.read().await.unwrap();
    assert!(read.find_known_version().await.unwrap() > version);
    assert_eq!(read.find_account(&id).await.unwrap().unwrap().account.name, "Brook Ltd");
    assert_eq!(read.list_all_accounts().await.unwrap().len(), 2);
    assert_eq!(read.list_accounts("C1", 9).await.unwrap().len(), 1);
    assert_eq!(read.list_accounts_by_domain("BROOK.example", 9).await.unwrap().len(), 1);
    assert!(read.list_accounts_by_domain("", 9).await.unwrap().is_empty());
    let skus: Vec<_> = read.list_all_catalogue_items().await.unwrap().into_iter().map(|i| i.sku).collect();
    assert_eq!(skus, ["B", "C"]);
    assert_eq!(read.count_known().await.unwrap(), (2, 2));
});

contract!(tickets_are_numbered_and_listed_by_queue, async |db: Database| {
    let mut tx = db.store.begin().await.unwrap();
    let mut numbers = Vec::new();
    for n in 0..7 {
        let queue = if n % 2 == 0 { Queue::Orders } else { Queue::Billing };
        // several in the same millisecond
        let ticket = tx.insert_ticket(&NewTicket { queue, ..new_ticket() }, None, NOW + n / 3).await.unwrap();
        numbers.push(ticket.number);
    }
    tx.commit().await.unwrap();
    assert_eq!(numbers, [1001, 1002, 1003, 1004, 1005, 1006, 1007]);

    let mut tx = db.store.begin().await.unwrap();
    let orders = TicketFilter {
        queue: Some(Queue::Orders),
        state: Some(TicketState::Open),
        ..TicketFilter::default()
    };
    for (filter, expected) in
        [(orders, vec![1007, 1005, 1003, 1001]), (TicketFilter::default(), (1001..=1007).rev().collect())]
    {
        let (mut listed, mut after) = (Vec::new(), None);
        loop {
            let page = tx.list_tickets(&filter, after.as_ref(), 3).await.unwrap();
            let Some(last) = page.last() else { break };
            after = Some(TicketCursor::from(last));
            listed.extend(page.iter().map(|ticket| ticket.number));
        }
        assert_eq!(listed, expected);
    }
    let mut ticket = tx.find_ticket_by_number(1003).await.unwrap().unwrap();
    ticket.state = TicketState::Closed;
    ticket.priority = Priority::High;
    tx.update_ticket(&ticket, NOW + 99).await.unwrap();
    tx.touch_ticket(&ticket.id, None, NOW + 100).await.unwrap();
    assert_eq!(tx.find_ticket(&ticket.id).await.unwrap().unwrap().state, TicketState::Closed);
    tx.touch_ticket(&ticket.id, Some(TicketState::Open), NOW + 101).await.unwrap();
    let ticket = tx.find_ticket(&ticket.id).await.unwrap().unwrap();
    assert_eq!(
        (ticket.state, ticket.priority, ticket.updated_ms),
        (TicketState::Open, Priority::High, NOW + 101)
    );
    assert_eq!(
        tx.count_tickets().await.unwrap(),
        [(Queue::Billing, TicketState::Open, 3), (Queue::Orders, TicketState::Open, 4)]
    );
});

contract!(a_ticket_is_found_by_what_was_said_in_it, async |db: Database| {
    let (ticket, message, ..) = a_draft(&db.store, "4711").await;
    let mut tx = db.store.begin().await.unwrap();
    assert!(tx.insert_outbox(&mail("o1", "acknowledge:1", Some(ticket.clone())), NOW).await.unwrap());
    assert!(tx.add_participant(&ticket, "Eva@Kund.example").await.unwrap());
    assert!(tx.add_participant(&ticket, "eva@kund.example").await.unwrap());
    assert_eq!(tx.list_participants(&ticket).await.unwrap(), ["eva@kund.example"]);
    assert_eq!(tx.find_ticket_of_outbox(&OutboxId::new("o1")).await.unwrap(), Some(ticket.clone()));
    assert_eq!(tx.find_ticket_of_outbox(&OutboxId::new("forged")).await.unwrap(), None);
    let ids = |ids: &[&str]| -> Vec<String> { ids.iter().map(ToString::to_string).collect() };
    let found =
        tx.list_tickets_of_rfc_ids(&ids(&["x@y", "a@b.example", "o1@us.example"]), None).await.unwrap();
    assert_eq!(found, from_ref(&ticket));
    let own = tx.list_tickets_of_rfc_ids(&ids(&["a@b.example"]), Some(&message)).await.unwrap();
    assert!(own.is_empty());
    let stranger = insert_message(&mut tx, "stranger").await;
    tx.move_message(&stranger, &ticket, "a person").await.unwrap();
    assert_eq!(tx.list_conversation(&ticket, 10).await.unwrap().len(), 2);
    assert!(tx.list_possible_follow_ups(&ticket, 10).await.unwrap().is_empty());
});

contract!(a_draft_is_not_overwritten_by_the_slower_of_two, async |db: Database| {
    let (ticket, message, _, id) = a_draft(&db.store, "4711").await;
    let mut tx = db.store.begin().await.unwrap();
    let row = tx.find_draft(&id).await.unwrap().unwrap();
    assert_eq!((row.revision, row.po_number.as_str(), row.buyer_name.as_str()), (0, "4711", "Brook Ltd"));
    assert_eq!((row.proposed, row.least_confidence), (order("4711"), 0.5));
    assert_eq!(tx.update_draft(&id, 0, &order("4712"), None, "").await.unwrap(), Saved::Yes(1));
    assert_eq!(tx.update_draft(&id, 0, &order("4713"), None, "").await.unwrap(), Saved::Conflict);
    let slower = tx.decide_draft(&id, 0, DraftState::Rejected, "bo", "", NOW).await.unwrap();
    assert_eq!(slower, Saved::Conflict);
    let decided = tx.decide_draft(&id, 1, DraftState::Approved, "anna", "fine", NOW + 5).await.unwrap();
    assert_eq!(decided, Saved::Yes(2));
    assert_eq!(tx.update_draft(&id, 2, &order("4713"), None, "").await.unwrap(), Saved::Conflict);
    let row = tx.find_draft(&id).await.unwrap().unwrap();
    assert_eq!((row.po_number.as_str(), row.proposed.text("po_number")), ("4712", Some("4711")));
    tx.insert_record(&row, "anna", NOW + 5).await.unwrap();
    tx.commit().await.unwrap();

    let mut read = db.store.read().await.unwrap();
    let record = read.find_record_of_draft(&id).await.unwrap().unwrap();
    assert_eq!((record.po_number.as_str(), record.approved_by.as_str()), ("4712", "anna"));
    assert_eq!(read.list_records_by_po("4712", 9).await.unwrap(), from_ref(&record));
    assert_eq!(read.list_records_of_ticket(&ticket, 9).await.unwrap(), from_ref(&record));
    assert_eq!(read.list_records(None, 9).await.unwrap(), [record]);
    assert_eq!(read.list_drafts_of_ticket(&ticket).await.unwrap().len(), 1);
    assert_eq!(read.list_drafts_of_message(&message).await.unwrap().len(), 1);
    assert_eq!(read.list_drafts_by_state(DraftState::Approved, None, 9).await.unwrap().len(), 1);
    assert_eq!(read.count_drafts().await.unwrap(), [(DraftState::Approved, 1)]);
});

contract!(earlier_orders_are_found_by_their_number, async |db: Database| {
    let (_, first, _, id) = a_draft(&db.store, "PO-1").await;
    let mut tx = db.store.begin().await.unwrap();
    let other = insert_message(&mut tx, "other").await;
    let earlier = tx.list_earlier_orders("PO-1", &other, 9).await.unwrap();
    assert_eq!(earlier.len(), 1);
    assert_eq!((earlier[0].place.as_str(), earlier[0].buyer_name.as_deref()), ("MR-1001", Some("Brook Ltd")));
    assert!(tx.list_earlier_orders("PO-1", &first, 9).await.unwrap().is_empty(), "not its own");
    assert!(tx.list_earlier_orders("", &other, 9).await.unwrap().is_empty());
    tx.decide_draft(&id, 0, DraftState::Rejected, "anna", "", NOW).await.unwrap();
    assert!(tx.list_earlier_orders("PO-1", &other, 9).await.unwrap().is_empty(), "not a rejected one");
});

contract!(processing_again_keeps_what_people_decided, async |db: Database| {
    let (_, message, kept, _) = a_draft(&db.store, "PO-1").await;
    let mut tx = db.store.begin().await.unwrap();
    let archive = tx.save_document(&document(&message, 1, "zip"), NOW).await.unwrap();
    let entry = NewDocument { parent_id: Some(archive.clone()), ..document(&message, 2, "entry") };
    let entry = tx.save_document(&entry, NOW).await.unwrap();
    let again = NewDocument { state: DocumentState::Failed, ..document(&message, 1, "zip") };
    assert_eq!(tx.save_document(&again, NOW).await.unwrap(), archive, "the same bytes at the same place");
    assert_eq!(tx.find_document(&archive).await.unwrap().unwrap().document, again);
    assert_eq!(tx.list_documents(&message).await.unwrap().len(), 3);
    assert_eq!(tx.list_documents_by_sha(&sha("entry"), 9).await.unwrap()[0].id, entry);

    let draft = tx.list_drafts_of_message(&message).await.unwrap().remove(0);
    tx.decide_draft(&draft.id, 0, DraftState::Rejected, "anna", "", NOW).await.unwrap();
    tx.delete_undecided_drafts(&message).await.unwrap();
    tx.delete_documents_except(&message, &[]).await.unwrap();
    let left: Vec<_> = tx.list_documents(&message).await.unwrap().into_iter().map(|d| d.id).collect();
    assert_eq!(left, [kept]);
    assert_eq!(tx.list_drafts_of_message(&message).await.unwrap().len(), 1);
});

contract!(mail_leaves_once, async |db: Database| {
    let mut tx = db.store.begin().await.unwrap();
    assert!(tx.insert_outbox(&mail("o1", "acknowledge:1", None), NOW).await.unwrap());
    assert!(!tx.insert_outbox(&mail("o2", "acknowledge:1", None), NOW).await.unwrap(), "one cause, one mail");
    let later = NewOutbox { due_ms: NOW + 500, ..mail("o3", "acknowledge:3", None) };
    assert!(tx.insert_outbox(&later, NOW).await.unwrap());
    let muted = NewOutbox { withheld: Some("muted".into()), ..mail("o4", "acknowledge:4", None) };
    assert!(tx.insert_outbox(&muted, NOW).await.unwrap());
    tx.commit().await.unwrap();

    let row = db.store.lease_outbox("node1", NOW).await.unwrap().unwrap();
    assert_eq!((row.id.as_str(), row.state, row.attempts), ("o1", OutboxState::Sending, 1));
    assert_eq!(row.recipient, "eva@kund.example");
    assert_eq!(db.store.lease_outbox("node1", NOW).await.unwrap(), None, "nothing else is due");
    let mut tx = db.store.begin().await.unwrap();
    tx.end_attempt(&row.id, OutboxState::Queued, "451 later", NOW + 100).await.unwrap();
    tx.commit().await.unwrap();
    assert_eq!(db.store.lease_outbox("node1", NOW).await.unwrap(), None);
    let row = db.store.lease_outbox("node1", NOW + 100).await.unwrap().unwrap();
    assert_eq!((row.attempts, row.reason.as_str()), (2, "451 later"));
    let mut tx = db.store.begin().await.unwrap();
    tx.mark_sent(&row.id, NOW + 101).await.unwrap();
    tx.commit().await.unwrap();
    let mut read = db.store.read().await.unwrap();
    let row = read.find_outbox_by_cause("acknowledge:1").await.unwrap().unwrap();
    assert_eq!((row.state, row.sent_ms), (OutboxState::Sent, Some(NOW + 101)));
    assert_eq!(read.count_sends(NOW).await.unwrap(), 1);
    assert_eq!(read.list_recent_sends("EVA@kund.example", NOW).await.unwrap()[0].id, row.id);
    assert!(read.list_recent_sends("eva@kund.example", NOW + 1).await.unwrap().is_empty());
    assert_eq!(read.list_outbox(OutboxState::Withheld, None, 9).await.unwrap()[0].reason, "muted");
    assert_eq!(
        read.count_outbox().await.unwrap(),
        [(OutboxState::Queued, 1), (OutboxState::Sent, 1), (OutboxState::Withheld, 1)]
    );
});

contract!(mail_that_a_crash_interrupted_is_in_doubt, async |db: Database| {
    let mut tx = db.store.begin().await.unwrap();
    tx.insert_outbox(&mail("o1", "1", None), NOW).await.unwrap();
    tx.insert_outbox(&mail("o2", "2", None), NOW).await.unwrap();
    tx.commit().await.unwrap();
    let mine = db.store.lease_outbox("node1", NOW).await.unwrap().unwrap();
    let other = db.store.lease_outbox("node2", NOW).await.unwrap().unwrap();
    assert_eq!(db.store.doubt_interrupted_outbox(Some("node1"), NOW).await.unwrap(), 1);
    assert_eq!(db.store.doubt_interrupted_outbox(Some("node1"), NOW).await.unwrap(), 0);
    assert_eq!(
        db.store.doubt_interrupted_outbox(None, NOW + 3_600_000).await.unwrap(),
        1,
        "node2 never came back"
    );
    assert_eq!(db.store.lease_outbox("node1", NOW + 3_600_000).await.unwrap(), None, "nobody sends it again");
    let mut tx = db.store.begin().await.unwrap();
    tx.mark_sent(&mine.id, NOW).await.unwrap();
    assert_eq!(tx.find_outbox(&mine.id).await.unwrap().unwrap().state, OutboxState::InDoubt);
    assert!(tx.resolve_outbox(&mine.id, OutboxState::Queued, "anna: send it", NOW).await.unwrap());
    assert!(!tx.resolve_outbox(&mine.id, OutboxState::Queued, "again", NOW).await.unwrap());
    assert!(tx.resolve_outbox(&other.id, OutboxState::Sent, "anna: it arrived", NOW).await.unwrap());
    tx.commit().await.unwrap();
    assert_eq!(db.store.lease_outbox("node1", NOW).await.unwrap().unwrap().id, mine.id);
});

contract!(a_job_is_leased_retried_and_finished, async |db: Database| {
    let mut tx = db.store.begin().await.unwrap();
    assert!(tx.enqueue("process", "m1", NOW, NOW).await.unwrap());
    assert!(!tx.enqueue("process", "m1", NOW, NOW).await.unwrap());
    assert!(tx.enqueue("process", "m2", NOW + 50, NOW).await.unwrap());
    assert!(tx.enqueue("other", "m1", NOW, NOW).await.unwrap());
    tx.commit().await.unwrap();
    let lease =
        async |worker: &str, now_ms| db.store.lease_jobs("process", worker, now_ms, 1000, 9).await.unwrap();

    let job = lease("a", NOW).await.remove(0);
    assert_eq!((job.subject_id.as_str(), job.attempts), ("m1", 1));
    assert!(lease("b", NOW).await.is_empty());
    let mut tx = db.store.begin().await.unwrap();
    assert!(tx.retry_job(&job.id, "a", "no space left", NOW + 10).await.unwrap());
    tx.commit().await.unwrap();
    assert!(lease("b", NOW).await.is_empty());
    assert_eq!(db.store.read().await.unwrap().find_next_due("process").await.unwrap(), Some(NOW + 10));
    let job = lease("b", NOW + 10).await.remove(0);
    assert_eq!((job.attempts, job.last_error.as_str()), (2, "no space left"));
    // the lease runs out, and another worker takes it
    let taken = lease("c", NOW + 2000).await;
    assert_eq!(taken.len(), 2, "and m2 is due");
    let mut tx = db.store.begin().await.unwrap();
    assert!(!tx.finish_job(&job.id, "b").await.unwrap(), "too late");
    assert!(tx.finish_job(&job.id, "c").await.unwrap());
    tx.commit().await.unwrap();
    assert!(db.store.extend_lease(&taken[1].id, "c", NOW + 90_000).await.unwrap());
    assert!(lease("d", NOW + 10_000).await.is_empty());
    assert_eq!(db.store.free_jobs("c").await.unwrap(), 1);
    assert_eq!(lease("d", NOW + 10_000).await.len(), 1);
    let mut read = db.store.read().await.unwrap();
    assert_eq!(read.count_jobs().await.unwrap(), [("other".to_owned(), 1), ("process".to_owned(), 1)]);
    assert_eq!(read.find_next_due("none").await.unwrap(), None);
    assert!(read.find_job("other", "m1").await.unwrap().is_some());
    assert!(read.list_failing_jobs(9).await.unwrap().is_empty());
});

contract!(quarantine_holds_each_thing_once_until_resolved, async |db: Database| {
    let mut tx = db.store.begin().await.unwrap();
    let message = insert_message(&mut tx, "bad").await;
    let new = NewQuarantine {
        message_id: Some(message.clone()),
        document_id: None,
        sighting_id: None,
        sha256: sha("bad"),
        cause: "panicked".into(),
        detail: "\0".into(),
    };
    let id = tx.insert_quarantine(&new, NOW).await.unwrap();
    assert_eq!(tx.insert_quarantine(&new, NOW).await.unwrap(), id);
    assert_eq!(tx.count_quarantine().await.unwrap(), 1);
    assert_eq!(tx.list_quarantine(None, 9).await.unwrap()[0].entry.message_id, Some(message.clone()));
    assert!(tx.resolve_quarantine(&id, Resolution::Dismissed, "anna", NOW + 1).await.unwrap());
    assert!(!tx.resolve_quarantine(&id, Resolution::Dismissed, "bo", NOW + 1).await.unwrap());
    let again = tx.insert_quarantine(&new, NOW).await.unwrap();
    assert_ne!(again, id);
    assert_eq!(tx.list_quarantine(Some(&again), 9).await.unwrap(), []);
    let done =
        tx.resolve_quarantine_of_message(&message, Resolution::Reprocessed, "bo", NOW + 2).await.unwrap();
    assert_eq!((done, tx.count_quarantine().await.unwrap()), (1, 0));
    let row = tx.find_quarantine(&id).await.unwrap().unwrap();
    assert_eq!((row.resolution, row.resolved_by.as_str()), (Some(Resolution::Dismissed), "anna"));
    assert_eq!(tx.list_quarantine_of_message(&message, 9).await.unwrap().len(), 2);
});

contract!(changes_are_followed_in_order_and_each_thing_once, async |db: Database| {
    for ids in [["m1", "m2"], ["m2", "m2"], ["m3", "m1"]] {
        let mut tx = db.store.begin().await.unwrap();
        for id in ids {
            tx.note_change(ChangeKind::Message, id);
        }
        tx.commit().await.unwrap();
    }
    let mut read = db.store.read().await.unwrap();
    let all = read.list_changes(0, 9).await.unwrap();
    let ids: Vec<_> = all.iter().map(|change| (change.seq, change.subject_id.as_str())).collect();
    assert_eq!(ids, [(3, "m2"), (4, "m3"), (5, "m1")]);
    assert_eq!(read.find_last_change().await.unwrap(), 5);
    assert_eq!(read.count_changes(3).await.unwrap(), 2);
    assert_eq!(read.list_changes(4, 9).await.unwrap().len(), 1);
});

contract!(sessions_end_with_time_password_and_leave, async |db: Database| {
    let mut tx = db.store.begin().await.unwrap();
    let anna = tx.insert_person("anna", "$hash", Role::Administrator, NOW).await.unwrap().unwrap();
    assert_eq!(tx.insert_person("anna", "$other", Role::Reviewer, NOW).await.unwrap(), None);
    let new = NewSession { key_hash: "k1", csrf: "csrf", expires_ms: NOW + 100, ..NewSession::default() };
    tx.insert_session(&anna, &new, NOW).await.unwrap();
    tx.commit().await.unwrap();
    let session =
        async |now_ms| db.store.read().await.unwrap().find_session("k1", false, now_ms).await.unwrap();
    let found = session(NOW + 99).await.unwrap();
    assert_eq!((found.person.name.as_str(), found.csrf.as_str()), ("anna", "csrf"));
    assert!(!format!("{found:?}").contains("$hash"));
    assert!(session(NOW + 100).await.is_none());
    for end in ["password", "disabled", "sign out"] {
        let mut tx = db.store.begin().await.unwrap();
        match end {
            "password" => tx.save_password_hash(&anna, "$new").await.unwrap(),
            "disabled" => tx.save_person_disabled(&anna, true).await.unwrap(),
            _ => tx.delete_session("k1").await.unwrap(),
        }
        tx.commit().await.unwrap();
        assert!(session(NOW).await.is_none(), "{end}");
        let mut tx = db.store.begin().await.unwrap();
        tx.insert_session(&anna, &new, NOW).await.unwrap();
        tx.save_person_disabled(&anna, false).await.unwrap();
        tx.commit().await.unwrap();
        assert!(session(NOW).await.is_some(), "{end}");
    }
    let mut read = db.store.read().await.unwrap();
    assert_eq!(read.find_person_by_name("anna").await.unwrap().unwrap().password_hash, "$new");
    assert_eq!(read.find_person(&anna).await.unwrap().unwrap().role, Role::Administrator);
    assert_eq!(read.list_people().await.unwrap().len(), 1);
});

async fn log(store: &Store, action: &str) {
    let mut tx = store.begin().await.unwrap();
    tx.audit(Entry {
        at_ms: NOW,
        actor: "anna".into(),
        action: action.into(),
        subject_kind: "draft".into(),
        subject_id: "d1".into(),
        detail: "{\"a\":\"b\"}".into(),
    });
    tx.commit().await.unwrap();
}

contract!(tampering_with_the_audit_log_shows, async |db: Database| {
    for action in ["one", "two", "three", "four"] {
        log(&db.store, action).await;
    }
    let check = db.store.check_audit().await.unwrap();
    assert_eq!((check.rows, check.broken), (4, None));
    let rows = db.store.read().await.unwrap().list_audit_of("draft", "d1", 9).await.unwrap();
    assert_eq!((rows[0].seq, rows[0].entry.action.as_str()), (4, "four"));
    assert_eq!(check.last_hash, rows[0].hash);

    // each change is undone by the one after it
    for (change, broken) in [
        ("UPDATE audit SET detail = '' WHERE seq = 2", Some(2)),
        ("UPDATE audit SET detail = '{\"a\":\"b\"}' WHERE seq = 2", None),
        ("UPDATE audit SET at_ms = at_ms + 1 WHERE seq = 3", Some(3)),
        ("UPDATE audit SET at_ms = at_ms - 1 WHERE seq = 3", None),
        ("DELETE FROM audit WHERE seq = 4", Some(4)),
    ] {
        db.tamper(change).await;
        let check = db.store.check_audit().await.unwrap();
        assert_eq!(check.broken.map(|(seq, _)| seq), broken, "{change}");
    }
    db.tamper("DELETE FROM audit WHERE seq = 1").await;
    assert_eq!(db.store.check_audit().await.unwrap().broken, Some((1, "row 1 is gone".to_owned())));
});

contract!(what_is_not_committed_leaves_nothing, async |db: Database| {
    for end in ["drop", "rollback"] {
        let mut tx = db.store.begin().await.unwrap();
        tx.insert_ticket(&new_ticket(), None, NOW).await.unwrap();
        insert_message(&mut tx, "lost").await;
        tx.insert_seen(&seen(1), NOW).await.unwrap();
        tx.insert_outbox(&mail("o1", "1", None), NOW).await.unwrap();
        tx.enqueue("process", "m1", NOW, NOW).await.unwrap();
        tx.note_change(ChangeKind::Message, "m1");
        tx.audit(Entry::default());
        if end == "rollback" {
            tx.rollback().await.unwrap();
        }
    }
    log(&db.store, "after").await;
    let mut tx = db.store.begin().await.unwrap();
    assert!(tx.list_messages(None, 9).await.unwrap().is_empty());
    assert!(tx.list_sightings(INBOX, 0, 9).await.unwrap().is_empty());
    assert!(tx.count_jobs().await.unwrap().is_empty());
    assert!(tx.count_outbox().await.unwrap().is_empty());
    assert_eq!(tx.find_last_change().await.unwrap(), 0);
    assert_eq!(tx.insert_ticket(&new_ticket(), None, NOW).await.unwrap().number, 1001);
    drop(tx);
    assert_eq!(db.store.check_audit().await.unwrap().rows, 1);
});

contract!(the_database_can_be_opened_again_and_by_many_at_once, async |db: Database| {
    log(&db.store, "before").await;
    let opened = futures::future::join_all((0..4).map(|_| Store::open(&db.url))).await;
    for store in opened {
        assert_eq!(store.unwrap().check_audit().await.unwrap().rows, 1);
    }
});
