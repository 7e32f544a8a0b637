//! The pages: who may see what, what every answer carries, and the day of a clerk in a real browser.

use crate::support::{
    browser::Browser,
    desk::{Desk, PASSWORD},
    visitor::Visitor,
};
use axum::{
    body::Body,
    http::{Method, Request, StatusCode, header},
};
use fantoccini::key::Key;
use mailroom::{
    clock,
    model::{
        draft::{DraftState, Source},
        ids::OutboxId,
        outbox::OutboxState,
        ticket::TicketState,
    },
    pipeline::edit,
    reply::limits,
    store::{audit::AuditRow, outbox::NewOutbox, quarantine::Resolution},
    web,
};

#[tokio::test(flavor = "multi_thread")]
async fn pages_speak_the_language_of_the_browser() {
    let desk = Desk::open().await;
    let ann = Visitor::sign_in(&desk, "ann").await;
    for (wish, language, title) in
        [("sv-SE,sv;q=0.9,en;q=0.8", "sv", "Utkast"), ("fr", "fr", "Brouillons"), ("ja", "en", "Drafts")]
    {
        let request = Request::builder()
            .uri("/drafts")
            .header(header::COOKIE, &ann.cookie)
            .header(header::ACCEPT_LANGUAGE, wish);
        let page = ann.send(request.body(Body::empty()).unwrap()).await.text().await;
        assert!(page.contains(&format!("<html lang=\"{language}\" ")), "{wish}: {page}");
        assert!(page.contains(&format!("<h1>{title}")), "{wish}: {page}");
    }
}

/// Every page that can be read, and whether it is for administrators only.
fn pages(desk: &Desk) -> Vec<(String, bool)> {
    let (ticket, draft, message, document) = (desk.ticket, &desk.draft, &desk.message, &desk.document);
    let (doubtful, quarantine) = (&desk.doubtful, &desk.quarantine);
    let staff = [
        "/".to_owned(),
        "/queues/all".to_owned(),
        "/queues/orders?state=open".to_owned(),
        "/queues/follow_ups".to_owned(),
        format!("/tickets/{ticket}"),
        format!("/messages/{message}/html"),
        format!("/messages/{message}/raw"),
        "/drafts".to_owned(),
        "/lessons".to_owned(),
        format!("/drafts/{draft}"),
        "/lessons".to_owned(),
        "/search".to_owned(),
        "/search?q=gasket".to_owned(),
        format!("/outbox/{doubtful}/raw"),
        format!("/documents/{document}"),
        format!("/documents/{document}/file"),
        format!("/documents/{document}/pages/1.png?small=true"),
    ];
    let administrator = [
        "/audit".to_owned(),
        format!("/audit?kind=draft&id={draft}"),
        "/automation?days=90".to_owned(),
        "/mailboxes".to_owned(),
        "/mailboxes/new".to_owned(),
        "/quarantine".to_owned(),
        "/quarantine?state=resolved".to_owned(),
        format!("/quarantine/{quarantine}/raw"),
        "/outbox?state=in_doubt".to_owned(),
    ];
    staff.map(|path| (path, false)).into_iter().chain(administrator.map(|path| (path, true))).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn every_page_asks_who_is_there() {
    let desk = Desk::open().await;
    let stranger = Visitor::stranger(&desk);
    let (ann, sam) = (Visitor::sign_in(&desk, "ann").await, Visitor::sign_in(&desk, "sam").await);
    for (path, administrators_only) in pages(&desk) {
        let answer = stranger.get(&path).await;
        assert_eq!(answer.status(), StatusCode::SEE_OTHER, "{path}");
        assert!(answer.header(header::LOCATION).starts_with("/sign-in?next="), "{path}");
        let answer = ann.get(&path).await;
        let status = answer.status();
        assert_eq!(status, StatusCode::OK, "{path}: {}", answer.text().await);
        let expected = if administrators_only { StatusCode::FORBIDDEN } else { StatusCode::OK };
        assert_eq!(sam.get(&path).await.status(), expected, "{path}");
    }
    assert_eq!(ann.get("/tickets/999999").await.status(), StatusCode::NOT_FOUND);
    assert_eq!(ann.get("/drafts/nonsense").await.status(), StatusCode::NOT_FOUND);
    assert_eq!(ann.get("/nowhere").await.status(), StatusCode::NOT_FOUND);
}

#[tokio::test(flavor = "multi_thread")]
async fn every_answer_carries_the_headers_that_protect() {
    let desk = Desk::open().await;
    let ann = Visitor::sign_in(&desk, "ann").await;
    let paths =
        pages(&desk).into_iter().map(|(path, _)| path).chain(["/sign-in".to_owned(), "/nowhere".to_owned()]);
    for path in paths {
        let answer = ann.get(&path).await;
        assert_eq!(answer.header(header::X_CONTENT_TYPE_OPTIONS), "nosniff", "{path}");
        assert_eq!(answer.header(header::REFERRER_POLICY), "same-origin", "{path}");
        let cached = if path.contains(".png") { "private, max-age=3600" } else { "no-store" };
        assert_eq!(answer.header(header::CACHE_CONTROL), cached, "{path}");
        let policy = answer.header(header::CONTENT_SECURITY_POLICY);
        assert!(
            policy.contains("default-src 'none'") && policy.contains("frame-ancestors"),
            "{path}: {policy}"
        );
        if path.contains(".png") {
            assert_eq!(answer.header(header::CONTENT_TYPE), "image/png", "{path}");
        } else if path.ends_with("/raw") || path.ends_with("/file") {
            assert_eq!(answer.header(header::CONTENT_TYPE), "application/octet-stream", "{path}");
            assert!(answer.header(header::CONTENT_DISPOSITION).starts_with("attachment"), "{path}");
        } else if path.ends_with("/html") {
            assert!(policy.contains("sandbox") && !policy.contains("allow-scripts"), "{policy}");
            let html = answer.text().await;
            assert!(html.contains("<b>order</b>"), "{html}");
            assert!(!html.contains("alert") && !html.contains("tracker"), "{html}");
        } else {
            assert!(!policy.contains("unsafe"), "{path}: {policy}");
            let html = answer.text().await;
            assert!(
                !html.contains(" style=") && !html.contains("<script>") && !html.contains(" onclick"),
                "{path}"
            );
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_changes_without_our_own_form() {
    let desk = Desk::open().await;
    let ann = Visitor::sign_in(&desk, "ann").await;
    let path = format!("/tickets/{}/change", desk.ticket);
    let form = |origin: &str, csrf: &str| {
        Request::builder()
            .method(Method::POST)
            .uri(&path)
            .header(header::COOKIE, &ann.cookie)
            .header(header::HOST, &ann.host)
            .header(header::ORIGIN, origin)
            .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
            .body(Body::from(format!("do=close&csrf={csrf}")))
            .unwrap()
    };
    for (origin, csrf) in
        [("https://evil.example", ann.csrf.as_str()), (&desk.address, ""), (&desk.address, "x")]
    {
        assert_eq!(ann.send(form(origin, csrf)).await.status(), StatusCode::FORBIDDEN, "{origin} {csrf}");
    }
    let ticket = || async {
        let mut db = desk.app.store.read().await.unwrap();
        db.find_ticket_by_number(desk.ticket).await.unwrap().unwrap()
    };
    assert_eq!(ticket().await.state, TicketState::Open);
    assert_eq!(ann.send(form(&desk.address, &ann.csrf)).await.status(), StatusCode::SEE_OTHER);
    assert_eq!(ticket().await.state, TicketState::Closed);

    let sam = Visitor::sign_in(&desk, "sam").await;
    let path = format!("/quarantine/{}", desk.quarantine);
    assert_eq!(sam.post(&path, &[("do", "dismiss")]).await.status(), StatusCode::FORBIDDEN);

    assert_eq!(ann.post("/sign-out", &[]).await.status(), StatusCode::SEE_OTHER);
    assert_eq!(ann.get("/").await.status(), StatusCode::SEE_OTHER, "the session is over");
}

#[tokio::test(flavor = "multi_thread")]
async fn home_says_what_is_read_and_that_the_breaker_is_open() {
    let desk = Desk::open().await;
    let ann = Visitor::sign_in(&desk, "ann").await;
    let mut tx = desk.app.store.begin().await.unwrap();
    tx.record_folder_error("removed-one", "INBOX", "no such host", 1).await.unwrap();
    tx.commit().await.unwrap();
    let page = ann.get("/").await.text().await;
    assert!(!page.contains("removed-one") && !page.contains("role=\"alert\""), "{page}");
    let page = ann.get("/mailboxes").await.text().await;
    assert!(page.contains("not read any more") && !page.contains("no such host"), "{page}");

    let mut tx = desk.app.store.begin().await.unwrap();
    let held = NewOutbox {
        id: OutboxId::new(clock::fresh_id()),
        cause: "held:1".to_owned(),
        ticket_id: None,
        message_id: None,
        draft_id: None,
        recipient: "x@brook.example".to_owned(),
        copies: Vec::new(),
        template: "acknowledgement".to_owned(),
        language: "en".to_owned(),
        subject: "Re: Loop".to_owned(),
        rfc_message_id: "held.1@nordkomp.example".to_owned(),
        sha256: desk.app.blob.put(b"x").await.unwrap(),
        withheld: Some(format!("{}: 500 left within an hour, the limit is 500", limits::BREAKER_REASON)),
        due_ms: 1,
    };
    assert!(tx.insert_outbox(&held, clock::now_ms()).await.unwrap());
    tx.commit().await.unwrap();
    let page = ann.get("/").await.text().await;
    assert!(
        page.contains("The breaker held back automatic mail.") && page.contains("1 mail waits"),
        "{page}"
    );
    let mut ann = ann;
    ann.cookie.push_str("; language=sv");
    let page = ann.get("/outbox?state=withheld").await.text().await;
    assert!(page.contains("spärren håller inne automatisk e-post: 500 gick ut"), "{page}");
    let sam = Visitor::sign_in(&desk, "sam").await;
    assert!(!sam.get("/").await.text().await.contains("breaker"), "it is for those who oversee");
}

#[tokio::test(flavor = "multi_thread")]
async fn guessing_passwords_is_slowed_down() {
    let desk = Desk::open().await;
    let stranger = Visitor::stranger(&desk);
    let wrong = [("name", "ann"), ("password", "guess")];
    for _ in 0..web::session::ATTEMPTS_MAX {
        assert_eq!(stranger.post("/sign-in", &wrong).await.status(), StatusCode::UNAUTHORIZED);
    }
    assert_eq!(stranger.post("/sign-in", &wrong).await.status(), StatusCode::TOO_MANY_REQUESTS);
    let right = [("name", "ann"), ("password", PASSWORD)];
    assert_eq!(stranger.post("/sign-in", &right).await.status(), StatusCode::TOO_MANY_REQUESTS);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_slower_of_two_clerks_is_told() {
    let desk = Desk::open().await;
    let (ann, sam) = (Visitor::sign_in(&desk, "ann").await, Visitor::sign_in(&desk, "sam").await);
    let path = format!("/drafts/{}", desk.draft);
    let save = [("revision", "0"), ("do", "save"), ("f.total", "750.00")];
    assert_eq!(ann.post(&path, &save).await.status(), StatusCode::SEE_OTHER);
    let answer = sam.post(&path, &[("revision", "0"), ("do", "approve"), ("f.total", "751.00")]).await;
    assert_eq!(answer.status(), StatusCode::CONFLICT);
    let text = answer.text().await;
    assert!(text.contains("750.00") && text.contains("751.00"), "{text}");

    // what the first did not touch can be put over his work at once, lines as well; other fields are not told
    let typed = [
        ("revision", "0"),
        ("do", "save"),
        ("f.incoterms", "DAP"),
        ("l.1.quantity", "61"),
        ("f.total", "746"),
    ];
    let text = sam.post(&path, &typed).await.text().await;
    assert!(
        text.contains("name=\"f.incoterms\" value=\"DAP\"")
            && text.contains("name=\"l.1.quantity\" value=\"61\""),
        "{text}"
    );
    assert!(!text.contains("f.total") && !text.contains("f.po_number"), "{text}");
    let over = [("revision", "1"), ("f.incoterms", "DAP"), ("l.1.quantity", "61")];
    assert_eq!(sam.post(&path, &over).await.status(), StatusCode::SEE_OTHER);
    let mut db = desk.app.store.read().await.unwrap();
    let draft = db.find_draft(&desk.draft).await.unwrap().unwrap();
    assert_eq!((draft.state, draft.revision), (DraftState::Proposed, 2));
    assert_eq!((draft.content.text("total"), draft.content.text("incoterms")), (Some("750.00"), Some("DAP")));
    assert!(db.find_record_of_draft(&desk.draft).await.unwrap().is_none());
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_order_is_not_approved() {
    let desk = Desk::open().await;
    let ann = Visitor::sign_in(&desk, "ann").await;
    let path = format!("/drafts/{}", desk.draft);
    let state = async || desk.app.store.read().await.unwrap().find_draft(&desk.draft).await.unwrap().unwrap();

    // values that no record can hold are kept for the clerk, and refused however often he asks
    let wrong = [("f.order_date", "31/31/2026"), ("f.currency", "XXX1"), ("l.0.quantity", "abc")];
    let approve = [("revision", "0"), ("do", "approve")];
    let answer = ann.post(&path, &[&wrong[..], &approve].concat()).await;
    assert_eq!(answer.header("location"), format!("{path}?ask=approve"));
    let page = ann.get(&format!("{path}?ask=approve")).await.text().await;
    for said in ["2026 is no day", "XXX1 is no currency", "abc is no number", "href=\"#l-0-quantity\""] {
        assert!(page.contains(said), "{said}: {page}");
    }
    assert!(!page.contains("data-held"), "{page}");
    let accept = [("revision", "1"), ("do", "approve"), ("accept", "bad_number lines.0.quantity")];
    assert_eq!(ann.post(&path, &accept).await.status(), StatusCode::SEE_OTHER);
    assert_eq!(state().await.state, DraftState::Proposed);

    // an order without a number and lines is asked about, and approved only with the very problems that were told
    let revision = state().await.revision.to_string();
    let gone = [("l.0.-", "gone"), ("l.1.-", "gone"), ("l.2.-", "gone"), ("l.3.-", "gone")];
    let rest = [("f.order_date", ""), ("f.currency", "eur"), ("f.po_number", ""), ("do", "approve")];
    let revision = [("revision", revision.as_str()), ("accept", "missing_lines lines")];
    ann.post(&path, &[&gone[..], &rest, &revision].concat()).await;
    let row = state().await;
    assert_eq!((row.state, row.content.text("currency")), (DraftState::Proposed, Some("EUR")));
    let page = ann.get(&format!("{path}?ask=approve")).await.text().await;
    assert!(page.contains("value=\"missing_po_number po_number\"") && page.contains("data-held"), "{page}");
    let problems = edit::unsettled(&row.content.findings, &row.content.findings, &[]);
    let keys: Vec<String> = problems.iter().map(edit::key).collect();
    let revision = row.revision.to_string();
    let mut accept = vec![("revision", revision.as_str()), ("do", "approve")];
    accept.extend(keys.iter().map(|key| ("accept", key.as_str())));
    ann.post(&path, &accept).await;
    assert_eq!(state().await.state, DraftState::Approved);
    let log = desk.app.store.read().await.unwrap().list_recent_audit(i64::MAX, 9).await.unwrap();
    let told = |row: &&AuditRow| {
        row.entry.detail.contains("although:") && row.entry.detail.contains("missing_lines")
    };
    assert!(log.iter().any(|row| told(&row)), "{log:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_correction_brings_about_is_asked_about_once() {
    let desk = Desk::open().await;
    let ann = Visitor::sign_in(&desk, "ann").await;
    let path = format!("/drafts/{}", desk.draft);
    let state = async || desk.app.store.read().await.unwrap().find_draft(&desk.draft).await.unwrap().unwrap();
    let typed = [("revision", "0"), ("do", "approve"), ("f.order_date", "2062-03-02")];
    let answer = ann.post(&path, &typed).await;
    assert_eq!(answer.header("location"), format!("{path}?ask=approve"));
    let page = ann.get(&format!("{path}?ask=approve")).await.text().await;
    assert!(
        page.contains("value=\"order_date_unlikely order_date\"") && page.contains("data-held"),
        "{page}"
    );
    let row = state().await;
    assert_eq!((row.state, row.content.text("order_date")), (DraftState::Proposed, Some("2062-03-02")));
    // seen is settled, problems apart
    let problems = edit::unsettled(&row.content.findings, &row.content.findings, &[]);
    let keys: Vec<String> = problems.iter().map(edit::key).collect();
    let mut accept = vec![("revision", "1"), ("do", "approve")];
    accept.extend(keys.iter().map(|key| ("accept", key.as_str())));
    ann.post(&path, &accept).await;
    assert_eq!(state().await.state, DraftState::Approved);
}

#[tokio::test(flavor = "multi_thread")]
async fn people_settle_what_waits_for_them() {
    let desk = Desk::open().await;
    let ann = Visitor::sign_in(&desk, "ann").await;
    let done = StatusCode::SEE_OTHER;
    let ticket = format!("/tickets/{}", desk.ticket);
    assert_eq!(
        ann.post(&format!("{ticket}/change"), &[("do", "queue"), ("queue", "complaints")]).await.status(),
        done
    );
    let answer = [("text", "It leaves us\r\ntomorrow."), ("then", "waiting")];
    assert_eq!(ann.post(&format!("{ticket}/answer"), &answer).await.status(), done);
    let path = format!("/messages/{}/follow-up", desk.stranger);
    assert_eq!(ann.post(&path, &[("decision", "join")]).await.status(), done);
    assert_eq!(ann.post(&path, &[("decision", "join")]).await.status(), StatusCode::CONFLICT);
    let path = format!("/outbox/{}", desk.doubtful);
    assert_eq!(ann.post(&path, &[("do", "consider_sent")]).await.status(), done);
    assert_eq!(ann.post(&path, &[("do", "send_again")]).await.status(), StatusCode::CONFLICT);
    let path = format!("/quarantine/{}", desk.quarantine);
    assert_eq!(ann.post(&path, &[("do", "reprocess")]).await.status(), done);
    let path = format!("/drafts/{}/ask", desk.draft);
    assert_eq!(ann.post(&path, &[("revision", "0"), ("text", "Which price applies?")]).await.status(), done);
    let path = format!("/drafts/{}/reject", desk.draft);
    assert_eq!(
        ann.post(&path, &[("revision", "1"), ("reason", "ordered twice"), ("tell", "yes")]).await.status(),
        done
    );

    let mut db = desk.app.store.read().await.unwrap();
    let row = db.find_ticket_by_number(desk.ticket).await.unwrap().unwrap();
    assert_eq!((row.queue.as_str(), row.queue_reason.as_str()), ("complaints", "moved by ann"));
    assert_eq!(db.list_conversation(&row.id, 10).await.unwrap().len(), 2, "the follow-up was joined");
    let templates: Vec<_> = db
        .list_outbox_of_ticket(&row.id, 10)
        .await
        .unwrap()
        .into_iter()
        .map(|o| (o.template, o.state))
        .collect();
    let expected = [
        ("acknowledgement", OutboxState::Sent),
        ("answer", OutboxState::Queued),
        ("missing_information", OutboxState::Queued),
        ("refusal", OutboxState::Queued),
    ];
    for (template, state) in expected {
        assert!(templates.contains(&(template.to_owned(), state)), "{templates:?}");
    }
    let entry = db.find_quarantine(&desk.quarantine).await.unwrap().unwrap();
    assert_eq!((entry.resolution, entry.resolved_by.as_str()), (Some(Resolution::Reprocessed), "ann"));
    assert!(db.find_job("process_message", desk.message.as_str()).await.unwrap().is_some());
    let draft = db.find_draft(&desk.draft).await.unwrap().unwrap();
    assert_eq!((draft.state, draft.decision_note.as_str()), (DraftState::Rejected, "ordered twice"));
    let actions: Vec<String> = db
        .list_recent_audit(i64::MAX, 50)
        .await
        .unwrap()
        .into_iter()
        .rev()
        .map(|row| row.entry.action)
        .collect();
    let expected = [
        "sign_in",
        "move_ticket",
        "answer_ticket",
        "join_message",
        "close_ticket",
        "settle_mail",
        "reprocess_message",
        "ask_customer",
        "reject_draft",
    ];
    assert_eq!(actions, expected);
    assert!(desk.app.store.check_audit().await.unwrap().broken.is_none());
}

async fn enter(browser: &Browser) {
    browser.open("/").await;
    browser.fill("#name", "ann").await;
    browser.fill("#password", PASSWORD).await;
    browser.screenshot("sign-in").await;
    browser.click("button.primary").await;
    browser.find("#queues").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_clerk_approves_an_order_by_keyboard() {
    let desk = Desk::open().await;
    let browser = Browser::start(&desk.address, true).await;
    enter(&browser).await;
    browser.screenshot("home").await;
    browser.follow("Orders").await;
    browser.screenshot("queue").await;
    browser.follow("Purchase order 45-20817").await;
    browser.find(".message").await;
    browser.screenshot("ticket").await;
    browser.follow("Purchase order 45-20817").await;

    // the least sure value has the focus, and Enter leads from one doubt to the next
    browser.find("#review .bar [role=status]").await;
    assert_eq!(browser.focus().await, "f-total");
    browser.find("a.box[data-lit]").await;
    browser.screenshot("draft").await;
    browser.fill("#f-total", "746.00").await;
    let mut visited = Vec::new();
    for _ in 0..8 {
        browser.press(Key::Enter).await;
        visited.push(browser.focus().await);
        if visited.last().is_some_and(|id| id == "approve") {
            break;
        }
    }
    assert_eq!(visited, ["l-2-quantity", "f-ship_to", "l-2-unit_price", "approve"]);
    browser.fill("#f-requested_date", "2026-12-03").await;
    browser.click("a.box[href='#l-3-quantity']").await;
    assert_eq!(browser.focus().await, "l-3-quantity");
    browser.screenshot("draft-lit").await;
    browser.click("#approve").await;

    // it was the last one: the list says what was done
    browser.find(".was").await;
    browser.screenshot("drafts-done").await;
    browser.follow("Record").await;
    browser.find(".state-approved").await;
    browser.screenshot("record").await;
    let text = browser.text().await;
    assert!(text.contains("3 Dec 2026") && text.contains("Order confirmation"), "{text}");
    let mut db = desk.app.store.read().await.unwrap();
    let record = db.find_record_of_draft(&desk.draft).await.unwrap().unwrap();
    assert_eq!(record.content.text("requested_date"), Some("2026-12-03"));
    let mail = db.find_outbox_by_cause(&format!("confirm:{}", desk.draft)).await.unwrap().unwrap();
    assert_eq!(
        (mail.state, mail.recipient.as_str()),
        (OutboxState::Queued, "ingrid.holm@vastkustmarin.example")
    );
    let bytes = String::from_utf8(desk.app.blob.get(&mail.sha256).await.unwrap()).unwrap();
    assert!(bytes.contains("NK-40912"), "{bytes}");
    drop(db);

    for (path, name) in [
        ("/search?q=gasket", "search"),
        ("/quarantine", "quarantine"),
        ("/outbox", "outbox"),
        ("/mailboxes", "mailboxes"),
        ("/mailboxes/new", "mailbox"),
        ("/audit", "log"),
        ("/automation", "automation"),
        ("/lessons", "lessons"),
        ("/drafts?state=approved", "drafts"),
    ] {
        browser.open(path).await;
        browser.find("main h1").await;
        browser.screenshot(name).await;
    }
    browser.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_clerk_cures_teaches_and_pastes() {
    let desk = Desk::open().await;
    let browser = Browser::start(&desk.address, true).await;
    enter(&browser).await;
    let path = format!("/drafts/{}", desk.draft);
    browser.open(&path).await;

    // one click takes our price, and the amount follows
    browser.find("#f-total").await;
    browser.screenshot("draft-remedies").await;
    browser.click("button.remedy[value^='price lines.2']").await;
    browser.find(".done").await;
    assert_eq!(browser.value("#l-2-unit_price").await, "61.50");
    assert_eq!(browser.value("#l-2-amount").await, "246.00");

    // a box around words on the page teaches the field in hand
    browser.click("#f-bill_to").await;
    let place = "const b = document.querySelector('.sheet svg').getBoundingClientRect();
                 const at = (x, y) => [b.left + x / 595 * b.width, b.top + (842 - y) / 842 * b.height];
                 document.querySelector('.sheets').scrollTop = 0;
                 return [...at(52, 778), ...at(270, 760)].map(Math.round);";
    let corners = browser.run(place).await;
    let corner = |n: usize| corners[n].as_f64().unwrap();
    browser.drag((corner(0), corner(1)), (corner(2), corner(3))).await;
    browser.find("a[href=\"#f-bill_to\"][data-lit]").await;
    browser.screenshot("draft-taught").await;
    assert_eq!(browser.value("#f-bill_to").await, "Varvsgatan 12, 414 59 Goteborg, Sweden");

    // cells of a spreadsheet fill the grid, and lines are added and split
    browser.click("#l-3-quantity").await;
    let paste = "const cells = new DataTransfer();
                 cells.setData('text/plain', '10\\tpcs\\t1,50\\t15,00\\n4\\tpcs\\t2,25\\t9,00\\n');
                 document.activeElement.dispatchEvent(
                     new ClipboardEvent('paste', { clipboardData: cells, bubbles: true, cancelable: true }));
                 return document.querySelector('[data-sum]').textContent;";
    assert_eq!(browser.run(paste).await, "460.80");
    browser.press(Key::Down).await;
    assert_eq!(browser.focus().await, "l-4-quantity");
    // Ctrl+Z takes back what was typed into a cell that was left
    browser.fill("#l-4-quantity", "7").await;
    browser.click("#l-3-quantity").await;
    let undo = "document.activeElement.dispatchEvent(new KeyboardEvent('keydown', { key: 'z', ctrlKey: true, bubbles: true }));
                return document.activeElement.id + ' ' + document.activeElement.value";
    // emptied, then filled
    browser.run(undo).await;
    assert_eq!(browser.run(undo).await, "l-4-quantity 4");
    browser.click("[data-split-line]").await;
    assert_eq!(browser.value("#l-5-amount").await, "4.50");
    browser.screenshot("draft-grid").await;
    // the split is taken back and done again; what does not fit beside the last column changes nothing
    let lines = "return [...document.querySelectorAll('.c-quantity input')].map((i) => i.value).join(' ')
                 + ' / ' + document.querySelector('[data-count]').textContent";
    browser.click("[data-undo-line]").await;
    assert_eq!(browser.run(lines).await, "24 60 4 10 4 / 5 lines");
    browser.click("#l-4-quantity").await;
    browser.click("[data-split-line]").await;
    browser.click("#l-3-amount").await;
    browser.run(paste).await;
    assert_eq!(browser.run(lines).await, "24 60 4 10 2 2 / 6 lines");
    let said = browser.run("return document.querySelector('[data-said]').textContent").await;
    assert!(said.as_str().unwrap().contains("4 columns"), "{said}");
    // a line is moved up, and goes out where it stands
    browser.click("#l-3-quantity").await;
    browser.click("[data-up-line]").await;
    browser.click("[data-help]").await;
    browser.find("dialog[open]").await;
    browser.screenshot("draft-keys").await;
    browser.click("dialog button").await;
    browser.click(".bar button[value=save]").await;
    browser.find("#l-5-quantity[title*=ann]").await;

    let mut db = desk.app.store.read().await.unwrap();
    let draft = db.find_draft(&desk.draft).await.unwrap().unwrap().content;
    assert!(matches!(draft.fields["bill_to"].source, Source::Page { page: 1, .. }));
    let quantities: Vec<_> =
        draft.lines.iter().map(|line| line["quantity"].value.as_text().unwrap_or_default()).collect();
    assert_eq!(quantities, ["24", "60", "10", "4", "2", "2"]);
    let log = db.list_recent_audit(i64::MAX, 9).await.unwrap();
    assert!(log.iter().any(|row| row.entry.detail.contains("took the price on file: 61.50")));
    drop(db);
    browser.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn everything_works_without_scripts() {
    let desk = Desk::open().await;
    let browser = Browser::start(&desk.address, false).await;
    enter(&browser).await;
    browser.open(&format!("/drafts/{}", desk.draft)).await;
    browser.click("button[value=add-line]").await;
    browser.find("#l-4-sku").await;
    browser.click("button[value=add-line]").await;
    browser.find("#l-5-sku").await;
    browser.fill("#l-4-sku", "NK-50001").await;
    browser.fill("#l-4-quantity", "2").await;
    browser.click(".bar button[value=save]").await;
    browser.find(".done").await;
    // an item that is in no catalogue is asked about once
    browser.click("#approve").await;
    browser.find(".held").await;
    browser.screenshot("draft-held").await;
    browser.click("[data-held]").await;
    browser.find(".was").await;
    let mut db = desk.app.store.read().await.unwrap();
    let record = db.find_record_of_draft(&desk.draft).await.unwrap().unwrap();
    assert_eq!(record.content.lines.len(), 5);
    drop(db);
    browser.close().await;
}
