//! Settings on the pages: what counts, what the file says, letters with their versions, and a restart.

use crate::support::{desk::Desk, visitor::Visitor};
use axum::http::StatusCode;
use mailroom::{app::App, model::ticket::Queue};
use std::sync::Arc;

#[tokio::test(flavor = "multi_thread")]
async fn what_a_page_changes_counts_before_the_file_and_after_a_restart() {
    let desk = Desk::open().await;
    let ann = Visitor::sign_in(&desk, "ann").await;
    let page = "/settings/letterhead";
    let fields = [("site.name", "Nordkomp <Parts>"), ("site.address", "Hamngatan 1\r\n111 47 Stockholm")];
    assert_eq!(ann.post(page, &fields).await.status(), StatusCode::SEE_OTHER);
    let text = ann.get(page).await.text().await;
    assert!(text.contains("Nordkomp &lt;Parts&gt;") && text.contains("<q>Nordkomp Order Desk</q>"), "{text}");
    let again = App::open(desk.app.config.clone()).await.unwrap();
    assert_eq!(again.settings().await.unwrap().config.site.name, "Nordkomp <Parts>");
    assert_eq!(again.config.site.name, "Nordkomp Order Desk", "the file says what it said");
    // one bad value: nothing of the form is kept, what was typed stays, and the reason stands there
    let refused = ann.post(page, &[("site.names", "Other"), ("site.name", "")]).await;
    assert_eq!(refused.status(), StatusCode::UNPROCESSABLE_ENTITY);
    let text = refused.text().await;
    assert!(text.contains("a site needs a name") && text.contains(">Other</textarea>"), "{text}");
    assert_eq!(desk.app.settings().await.unwrap().config.site.names, ["Nordkomp Supply AB"]);
    assert_eq!(ann.post(page, &[("reset", "site.name")]).await.status(), StatusCode::SEE_OTHER);
    let counts = desk.app.settings().await.unwrap();
    assert_eq!(counts.config.site.name, "Nordkomp Order Desk");
    assert_eq!(counts.config.site.address, "Hamngatan 1\n111 47 Stockholm", "the others stay");
    let log = ann.get("/audit?kind=setting&id=site.name").await.text().await;
    assert!(log.contains("changed a setting") && log.contains("Nordkomp &lt;Parts&gt;"), "{log}");
}

#[tokio::test(flavor = "multi_thread")]
async fn queues_have_names_and_addresses_of_the_site() {
    let desk = Desk::open().await;
    let ann = Visitor::sign_in(&desk, "ann").await;
    let fields =
        [("queue.returns.label", "Goods back"), ("queue.returns.addresses", "returns@nordkomp.example")];
    assert_eq!(ann.post("/settings/queues", &fields).await.status(), StatusCode::SEE_OTHER);
    assert!(ann.get("/queues/all").await.text().await.contains("Goods back"));
    let settings = desk.app.settings().await.unwrap();
    assert_eq!(settings.config.queue(Queue::Returns).unwrap().addresses, ["returns@nordkomp.example"]);
    let orders = "/queues/orders";
    assert!(!ann.get(orders).await.text().await.contains("answer by"));
    ann.post("/settings/queues", &[("queue.orders.answer_hours", "4")]).await;
    assert!(
        ann.get(orders).await.text().await.contains("answer by"),
        "a time to answer is shown where it runs"
    );
    let twice = ann.post("/settings/queues", &[("queue.orders.addresses", "RETURNS@nordkomp.example")]).await;
    assert_eq!(twice.status(), StatusCode::UNPROCESSABLE_ENTITY);
    assert!(twice.text().await.contains("belongs to two queues"));
    let eve = Visitor::sign_in(&desk, "eve").await;
    let read = eve.get("/settings/queues").await.text().await;
    assert!(read.contains("disabled") && !read.contains(">Save<"), "an auditor sees and changes nothing");
}

#[tokio::test(flavor = "multi_thread")]
async fn letters_are_checked_previewed_kept_in_versions_and_tried_out() {
    let desk = Desk::open().await;
    let ann = Visitor::sign_in(&desk, "ann").await;
    let page = "/templates/order_status/en";
    let unknown = [("do", "save"), ("source", "Subject: x\n\n{{ po_nmber }}")];
    let refused = ann.post(page, &unknown).await;
    assert_eq!(refused.status(), StatusCode::UNPROCESSABLE_ENTITY);
    assert!(refused.text().await.contains("no letter knows po_nmber"));
    let ticket = desk.ticket.to_string();
    let first =
        "Subject: Re: {{ subject }}\n\nHello {{ name }}, order {{ po_number }}, parcel {{ rma_number }}.";
    let shown =
        ann.post(page, &[("do", "preview"), ("source", first), ("ticket", &ticket)]).await.text().await;
    assert!(shown.contains("Hello Ingrid Holm, order 45-20817, parcel ."), "{shown}");
    assert!(
        shown.contains("<code>rma_number</code>")
            && !shown.contains("<code>po_number</code> order number</span>")
    );
    let source = |app: Arc<App>| async move {
        let name = mailroom::reply::template::Name::OrderStatus;
        app.settings().await.unwrap().templates.source(name, "en").unwrap()
    };
    let built_in = source(Arc::clone(&desk.app)).await;
    for text in [first, "Subject: second\n\nSecond."] {
        assert_eq!(ann.post(page, &[("do", "save"), ("source", text)]).await.status(), StatusCode::SEE_OTHER);
        assert_eq!(source(Arc::clone(&desk.app)).await, text);
    }
    ann.post(page, &[("do", "restore"), ("version", "1")]).await;
    assert_eq!(source(Arc::clone(&desk.app)).await, first);
    // a test goes to one's own address, which an administrator states
    assert_eq!(ann.post(page, &[("do", "test")]).await.status(), StatusCode::CONFLICT);
    let me = desk.app.store.read().await.unwrap().find_person_by_name("ann").await.unwrap().unwrap();
    let stated =
        ann.post(&format!("/users/{}", me.id), &[("do", "email"), ("email", "Ann@nordkomp.example")]).await;
    assert_eq!(stated.status(), StatusCode::SEE_OTHER);
    assert_eq!(ann.post(page, &[("do", "test"), ("ticket", &ticket)]).await.status(), StatusCode::SEE_OTHER);
    let queued = mailroom::model::outbox::OutboxState::Queued;
    let mails = desk.app.store.read().await.unwrap().list_outbox(queued, None, 10).await.unwrap();
    assert!(
        mails
            .iter()
            .any(|mail| mail.recipient == "ann@nordkomp.example" && mail.subject.starts_with("Re: Test: ")),
        "{mails:?}"
    );
    ann.post(page, &[("do", "built_in")]).await;
    assert_eq!(source(Arc::clone(&desk.app)).await, built_in);
    let shown = ann.get(page).await.text().await;
    assert!(shown.contains("Version 3") && shown.contains("as delivered"), "{shown}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_connection_test_says_what_works_and_what_does_not() {
    let empty = tempfile::tempdir().unwrap();
    for folder in ["cur", "new", "tmp"] {
        std::fs::create_dir(empty.path().join(folder)).unwrap();
    }
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let desk = Desk::open_with(|config| {
        let local = mailroom::mailbox::Config {
            name: "local".to_owned(),
            kind: mailroom::mailbox::Kind::Maildir,
            path: empty.path().to_owned(),
            ..Default::default()
        };
        let remote = mailroom::mailbox::Config {
            name: "remote".to_owned(),
            host: "localhost".to_owned(),
            user: "orders".to_owned(),
            port: Some(port),
            ..Default::default()
        };
        config.mailbox = vec![local, remote];
    })
    .await;
    let ann = Visitor::sign_in(&desk, "ann").await;
    let works = ann.post("/mailboxes/local/test", &[]).await.text().await;
    assert!(works.contains("INBOX holds 0 messages"), "{works}");
    let fails = ann.post("/mailboxes/remote/test", &[]).await.text().await;
    assert!(fails.contains("localhost: ") && fails.contains("does not accept connections"), "{fails}");
    assert!(!fails.contains("Sign-in</th>"), "what comes after a failed step is not tried: {fails}");
    let log = ann.get("/audit?kind=mailbox&id=remote").await.text().await;
    assert!(log.contains("connect fails"), "{log}");
}
