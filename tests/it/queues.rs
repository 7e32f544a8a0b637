//! Moving a ticket teaches where messages like it belong.

use crate::support::site::TestSite;
use mailroom::{
    model::ticket::{Queue, Ticket},
    pipeline::conversation::{self, Change},
};

#[tokio::test(flavor = "multi_thread")]
async fn a_moved_ticket_teaches_and_one_moved_to_triage_is_forgotten() {
    let site = TestSite::open().await;
    // delivers a question, and answers with its ticket
    let ask = async |from: &str, text: &str| -> Ticket {
        let number = site.deliver(&format!(
            "From: {from}\nTo: orders@site.example\nSubject: Question\nMessage-ID: <{}@test.example>\n\n{text}\n",
            from.replace('@', ".")
        ));
        site.settle().await;
        let mut db = site.app.store.read().await.unwrap();
        db.find_ticket_by_number(1000 + number).await.unwrap().unwrap()
    };
    let first = ask("ann@buyer.example", "Do you keep the conformity papers of lot 7781?").await;
    let put = async |queue| {
        let ids = std::slice::from_ref(&first.id);
        conversation::change(&site.app, ids, &Change::Queue(queue), "eva").await.unwrap();
    };
    put(Queue::Documents).await;
    let second = ask("bob@works.example", "do you keep conformity papers of lot 12, too?").await;
    assert_eq!(second.queue, Queue::Documents, "{}", second.queue_reason);
    assert!(second.queue_reason.contains("MR-1001, put here by eva"), "{}", second.queue_reason);

    put(Queue::Triage).await;
    let third = ask("cid@yard.example", "do you keep conformity papers of lot 13, too?").await;
    assert!(!third.queue_reason.contains("MR-1001"), "{}", third.queue_reason);
}
