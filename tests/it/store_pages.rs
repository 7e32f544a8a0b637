//! What the store promises to pages, on SQLite and on PostgreSQL: settings, people elsewhere, decisions taken back, lists.

use crate::{
    store::{NOW, a_draft, mail, order},
    support::database::{Database, contract},
};
use mailroom::{
    model::{draft::DraftState, ticket::Queue},
    store::{draft::Saved, figures::WaitingDrafts, person::Role, ticket::TicketFilter},
};

contract!(settings_count_until_they_are_left_to_the_file, async |db: Database| {
    let version = async || db.store.read().await.unwrap().find_setting_version().await.unwrap();
    let before = version().await;
    for value in [Some("One"), Some("Two"), None, Some("Å \0")] {
        let mut tx = db.store.begin().await.unwrap();
        tx.save_setting("site.name", value, "ann", NOW).await.unwrap();
        tx.commit().await.unwrap();
        let rows = db.store.read().await.unwrap().list_settings().await.unwrap();
        let kept: Vec<_> = rows.iter().map(|row| row.value.replace('\u{fffd}', "\0")).collect();
        assert_eq!(kept, value.into_iter().collect::<Vec<_>>());
    }
    assert_eq!(version().await, before + 4);
    for (number, source) in [(1, "Dear {{ name }}"), (2, ""), (3, "Hej")] {
        let mut tx = db.store.begin().await.unwrap();
        let version = tx.insert_template_version("answer", "sv", source, "ann", NOW).await.unwrap();
        assert_eq!(version, number);
        tx.commit().await.unwrap();
    }
    let mut read = db.store.read().await.unwrap();
    let latest = read.list_templates().await.unwrap();
    assert_eq!((latest.len(), latest[0].version, latest[0].source.as_str()), (1, 3, "Hej"));
    let versions = read.list_template_versions("answer", "sv").await.unwrap();
    assert_eq!(versions.iter().map(|row| row.version).collect::<Vec<_>>(), [3, 2, 1]);
});

contract!(a_mail_address_and_an_account_elsewhere_belong_to_one_person, async |db: Database| {
    let mut tx = db.store.begin().await.unwrap();
    let ann = tx.insert_person("ann", "$hash", Role::Agent, NOW).await.unwrap().unwrap();
    let bo = tx.insert_person("bo", "$hash", Role::Agent, NOW).await.unwrap().unwrap();
    assert!(tx.save_person_email(&ann, "Ann@Site.example").await.unwrap());
    assert!(!tx.save_person_email(&bo, "ann@site.EXAMPLE").await.unwrap(), "somebody else gets it there");
    assert!(
        tx.save_person_email(&bo, "").await.unwrap()
            && tx.save_person_email(&ann, "ann@site.example").await.unwrap()
    );
    let found = tx.find_person_by_email("ANN@site.example").await.unwrap().unwrap();
    assert_eq!(found.id, ann);
    assert!(tx.find_person_by_email("").await.unwrap().is_none(), "nobody is found by no address");
    assert!(tx.insert_subject("https://id.example", "s-1", &ann, NOW).await.unwrap());
    for (issuer, subject, person, expected) in [
        ("https://id.example", "s-1", &bo, false),
        ("https://id.example", "s-2", &ann, false),
        ("https://id.example", "s-3", &bo, true),
        ("https://other.example", "s-1", &ann, true),
    ] {
        let bound = tx.insert_subject(issuer, subject, person, NOW).await.unwrap();
        assert_eq!(bound, expected, "{issuer} {subject}");
    }
    let found = tx.find_person_of_subject("https://id.example", "s-1").await.unwrap().unwrap();
    assert_eq!(found.name, "ann");
    tx.delete_subjects_of(&ann).await.unwrap();
    assert!(tx.find_person_of_subject("https://other.example", "s-1").await.unwrap().is_none());
    assert!(!tx.has_subject(&ann).await.unwrap() && tx.has_subject(&bo).await.unwrap());
    tx.commit().await.unwrap();
});

contract!(changes_and_decisions_on_drafts_are_taken_back, async |db: Database| {
    let (ticket, _, _, id) = a_draft(&db.store, "4711").await;
    let mut tx = db.store.begin().await.unwrap();
    let before = tx.find_draft(&id).await.unwrap().unwrap();
    tx.keep_edit(&before, "ann", NOW).await.unwrap();
    tx.keep_edit(&before, "bo", NOW).await.unwrap();
    assert_eq!(tx.update_draft(&id, 0, &order("4712"), None, "").await.unwrap(), Saved::Yes(1));
    let edit = tx.find_last_edit(&id).await.unwrap().unwrap();
    assert_eq!((edit.revision, edit.edited_by.as_str(), edit.content), (0, "ann", order("4711")));
    tx.delete_edit(&id, 0).await.unwrap();
    assert!(tx.find_last_edit(&id).await.unwrap().is_none());

    assert_eq!(tx.reopen_draft(&id, 1).await.unwrap(), Saved::Conflict, "it was not decided");
    assert_eq!(
        tx.decide_draft(&id, 1, DraftState::Approved, "ann", "fine", NOW).await.unwrap(),
        Saved::Yes(2)
    );
    let decided = tx.find_draft(&id).await.unwrap().unwrap();
    tx.insert_record(&decided, "ann", NOW).await.unwrap();
    let mut letter = mail("o1", "approve", Some(ticket));
    letter.draft_id = Some(id.clone());
    tx.insert_outbox(&letter, NOW).await.unwrap();
    let caused = tx.list_mails_of_draft(&id).await.unwrap();
    assert_eq!((caused.len(), caused[0].cause.as_str()), (1, "approve"));
    assert!(tx.delete_consequences(&id).await.unwrap(), "nothing went out");
    assert!(tx.find_record_of_draft(&id).await.unwrap().is_none());
    assert_eq!(tx.reopen_draft(&id, 1).await.unwrap(), Saved::Conflict, "somebody was faster");
    assert_eq!(tx.reopen_draft(&id, 2).await.unwrap(), Saved::Yes(3));
    let again = tx.find_draft(&id).await.unwrap().unwrap();
    assert_eq!((again.state, again.decided_by.as_str()), (DraftState::Proposed, ""));
    assert!(tx.assign_draft(&id, "bo").await.unwrap());
    assert_eq!(tx.find_draft(&id).await.unwrap().unwrap().assignee, "bo");
    tx.commit().await.unwrap();
});

contract!(the_start_page_and_the_lists_count_what_waits, async |db: Database| {
    let (ticket, ..) = a_draft(&db.store, "4711").await;
    let (_, _, _, decided) = a_draft(&db.store, "4712").await;
    let mut tx = db.store.begin().await.unwrap();
    tx.decide_draft(&decided, 0, DraftState::Approved, "ann", "", NOW).await.unwrap();
    tx.commit().await.unwrap();
    let mut read = db.store.read().await.unwrap();
    for (day, below, due, doubtful) in [("9999-12-31", 0.6, 1, 1), ("0000-01-01", 0.4, 0, 0)] {
        let waiting = read.count_waiting_drafts(day, below).await.unwrap();
        assert_eq!(waiting, WaitingDrafts { all: 1, due, doubtful }, "{day}");
    }
    assert_eq!(read.count_undecided_follow_ups().await.unwrap(), 0);
    let received = read.count_received(0).await.unwrap();
    assert_eq!(received.iter().map(|row| (row.queue, row.count)).collect::<Vec<_>>(), [(Queue::Orders, 2)]);
    let days = read.count_decided("program", 0).await.unwrap();
    assert_eq!((days.len(), days[0].decided, days[0].unchanged), (1, 1, 1));
    assert_eq!(read.list_oldest_open().await.unwrap().len(), 1);
    let found = read.list_ticket_summaries(&TicketFilter::default(), None, 9, "ann").await.unwrap();
    let of_first = found.iter().find(|row| row.ticket.id == ticket).unwrap();
    assert_eq!((found.len(), of_first.drafts, of_first.unread), (2, 1, true));
    assert!(of_first.unanswered_ms.is_some());
});
