//! What people do all day, in a real browser: second thoughts about a draft, tickets, search, accounts, and signing in
//! with a second factor; each with scripts and without. Pictures go to `target/screenshots`.

use crate::support::{
    browser::Browser,
    desk::{Desk, PASSWORD},
    dovecot::{self, Dovecot},
};
use fantoccini::{Locator, key::Key};
use mailroom::{
    clock, jobs::intake, mailbox::After, model::draft::DraftState, model::ticket::Queue, web::factor,
};

async fn enter(browser: &Browser, name: &str) {
    browser.open("/").await;
    browser.fill("#name", name).await;
    browser.fill("#password", PASSWORD).await;
    browser.click("button.primary").await;
}

/// Chooses in a list, by the words that it shows.
async fn choose(browser: &Browser, css: &str, words: &str) {
    browser.find(css).await.select_by_label(words).await.unwrap();
}

/// Opens a folded part.
async fn unfold(browser: &Browser, css: &str) {
    let script = format!("document.querySelector({css:?}).closest('details').open = true");
    browser.find(css).await;
    browser.run(&script).await;
}

async fn state(desk: &Desk) -> (DraftState, bool) {
    let mut db = desk.app.store.read().await.unwrap();
    let draft = db.find_draft(&desk.draft).await.unwrap().unwrap();
    (draft.state, db.find_record_of_draft(&desk.draft).await.unwrap().is_some())
}

#[tokio::test(flavor = "multi_thread")]
async fn second_thoughts_about_a_draft() {
    for scripts in [true, false] {
        let desk = Desk::open().await;
        let browser = Browser::start(&desk.address, scripts).await;
        enter(&browser, "ann").await;
        browser.find("#queues").await;
        let path = format!("/drafts/{}", desk.draft);

        // an approval is taken back: the record is gone, and so is the letter
        browser.open(&path).await;
        browser.click("#approve").await;
        browser.find("#undo").await;
        assert_eq!(state(&desk).await, (DraftState::Approved, true));
        browser.click("#undo").await;
        browser.find("#approve").await;
        assert_eq!(state(&desk).await, (DraftState::Proposed, false));
        let mut db = desk.app.store.read().await.unwrap();
        let cause = format!("confirm:{}", desk.draft);
        assert_eq!(db.find_outbox_by_cause(&cause).await.unwrap(), None);
        drop(db);

        // a change is taken back
        browser.fill("#f-total", "751.00").await;
        browser.click(".bar button[value=save]").await;
        browser.find("form[action$=undo] button").await;
        assert_eq!(browser.value("#f-total").await, "751.00");
        browser.send("form[action$=undo] button").await;
        browser.find(".done").await;
        assert_eq!(browser.value("#f-total").await, "746.00");

        // a question is prepared from what is missing; it is taken back as well
        browser.fill("#f-buyer_name", "").await;
        browser.send(".bar button[value=save]").await;
        browser.find(".done").await;
        unfold(&browser, "#question").await;
        assert!(browser.value("#question").await.contains("Buyer: it is missing"));
        browser.fill("#f-bill_to", "Kajen 4, Lund").await;
        browser.click("button[formaction$=ask]").await;
        browser.find("#undo").await;
        assert_eq!(state(&desk).await.0, DraftState::Asked);
        browser.click("#undo").await;
        browser.find("#approve").await;
        assert_eq!(state(&desk).await.0, DraftState::Proposed);

        // what was typed went with the question, and goes with what is handed over, a word beside it, which becomes a note
        assert_eq!(browser.value("#f-bill_to").await, "Kajen 4, Lund");
        browser.fill("#f-bill_to", "Kajen 5, Lund").await;
        unfold(&browser, "#to").await;
        choose(&browser, "#to", "sam").await;
        browser.fill("#word", "You know this customer").await;
        browser.send("button[formaction$=hand-over]").await;
        browser.find(".done").await;
        let kept = desk.app.store.read().await.unwrap().find_draft(&desk.draft).await.unwrap().unwrap();
        assert_eq!(kept.content.text("bill_to"), Some("Kajen 5, Lund"));
        browser.open("/drafts").await;
        assert!(browser.text().await.contains("sam"));
        browser.open("/drafts?of=me").await;
        browser.find(".empty").await;
        browser.open(&format!("/tickets/{}", desk.ticket)).await;
        assert!(browser.text().await.contains("@sam You know this customer"));

        // what has left cannot be taken back, and the page says so
        browser.open(&path).await;
        browser.click("#approve").await;
        browser.find("[data-held]").await;
        // at once it would be the second half of a double click
        tokio::time::sleep(std::time::Duration::from_millis(1100)).await;
        browser.click("[data-held]").await;
        browser.find("#undo").await;
        desk.app.store.lease_outbox("a worker", clock::now_ms() + 1).await.unwrap().unwrap();
        browser.click("#undo").await;
        browser.find("main h1").await;
        assert_eq!(state(&desk).await, (DraftState::Approved, true));
        browser.open(&path).await;
        assert!(browser.text().await.contains("It cannot be taken back"), "{}", browser.text().await);
        browser.screenshot(&format!("draft-decided-{scripts}")).await;
        browser.close().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn other_values_are_one_key_away() {
    let desk = Desk::open().await;
    let browser = Browser::start(&desk.address, true).await;
    enter(&browser, "ann").await;
    browser.find("#queues").await;
    browser.open(&format!("/drafts/{}", desk.draft)).await;
    browser.find("#review .bar [role=status]").await;
    // Tab goes from field to field
    browser.click("#f-po_number").await;
    browser.press(Key::Tab).await;
    let field = "return document.activeElement.name ?? ''";
    assert!(
        browser.run(field).await.as_str().is_some_and(|name| name.starts_with("f.") && name != "f.po_number")
    );
    browser.click("#f-total").await;
    let keys: String = [Key::Alt, Key::Down, Key::Null].into_iter().map(char::from).collect();
    browser.find("#f-total").await.send_keys(&keys).await.unwrap();
    let first = browser.find(".choices button").await.text().await.unwrap();
    browser.screenshot("draft-choices").await;
    browser.find("#f-total").await.send_keys("1").await.unwrap();
    let value = browser.value("#f-total").await;
    assert!(first.contains(&value) && value != "746.00", "{first}: {value}");
    browser.find(".field .sure-typed").await;

    // findings, figures and the question are in the language of the reader; figures read back as they were
    browser.run("document.cookie = 'language=de; path=/'").await;
    browser.open(&format!("/drafts/{}", desk.draft)).await;
    browser.find("html[lang=de]").await;
    assert_eq!(browser.value("#f-total").await, "746,00");
    let text = browser.text().await;
    assert!(text.contains("Einigen Sie sich vor der Bestätigung über den Preis"), "{text}");
    browser.send(".bar button[value=save]").await;
    browser.find(".done").await;
    let mut db = desk.app.store.read().await.unwrap();
    let draft = db.find_draft(&desk.draft).await.unwrap().unwrap();
    assert_eq!((draft.content.text("total"), draft.revision), (Some("746.00"), 0), "nothing changed");
    drop(db);
    browser.screenshot("draft-de").await;
    browser.client.set_window_size(390, 844).await.unwrap();
    browser.open(&format!("/drafts/{}", desk.draft)).await;
    browser.screenshot("draft-phone").await;
    browser.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_day_at_the_tickets() {
    for scripts in [true, false] {
        let desk = Desk::open().await;
        let browser = Browser::start(&desk.address, scripts).await;
        enter(&browser, "ann").await;
        browser.find("#queues").await;

        // several at once
        browser.open("/queues/all").await;
        let picks = browser.client.find_all(Locator::Css("input[name=ticket]")).await.unwrap();
        assert!(picks.len() >= 2, "{}", browser.text().await);
        for pick in &picks {
            pick.click().await.unwrap();
        }
        browser.send("button[value=take]").await;
        browser.find(".done").await;
        browser.screenshot(&format!("queue-{scripts}")).await;

        // one of them: a note, a colleague, a tag, another queue, which teaches
        let ticket = format!("/tickets/{}", desk.ticket);
        browser.open(&ticket).await;
        unfold_all(&browser).await;
        browser.fill("#note", "Ask @sam about the slipway").await;
        browser.send("form[action$=notes] button").await;
        browser.find(".done").await;
        unfold_all(&browser).await;
        choose(&browser, "#assign", "sam").await;
        browser.send("button[value=assign]").await;
        browser.find(".done").await;
        unfold_all(&browser).await;
        browser.fill("#tag", "slipway").await;
        browser.send("button[value=tag]").await;
        browser.find(".tag").await;
        unfold_all(&browser).await;
        choose(&browser, "#queue", "Order changes").await;
        browser.send("button[value=queue]").await;
        browser.find(".done").await;
        let mut db = desk.app.store.read().await.unwrap();
        let row = db.find_ticket_by_number(desk.ticket).await.unwrap().unwrap();
        assert_eq!((row.assignee.as_str(), row.queue), ("sam", Queue::OrderChanges));
        let examples = db.list_queue_examples().await.unwrap();
        assert!(examples.iter().any(|e| e.ticket_number == desk.ticket && e.queue == Queue::OrderChanges));
        drop(db);

        // an answer goes into the outbox
        unfold_all(&browser).await;
        browser.fill("#answer", "The gaskets leave us on Tuesday.").await;
        browser.send("button[name=then][value=waiting]").await;
        browser.find(".done").await;
        assert!(browser.text().await.contains("The gaskets leave us on Tuesday."));
        browser.screenshot(&format!("ticket-{scripts}")).await;

        // two become one
        browser.open("/queues/all").await;
        let links = browser.client.find_all(Locator::Css("td.reference a")).await.unwrap();
        let mut other = None;
        for link in &links {
            let href = link.attr("href").await.unwrap().unwrap();
            if href != ticket {
                other = Some(href);
            }
        }
        let other = other.unwrap();
        browser.open(&other).await;
        unfold_all(&browser).await;
        browser.fill("#other", &format!("MR-{}", desk.ticket)).await;
        browser.send("button[value=merge]").await;
        browser.find(".done").await;
        assert_eq!(browser.path().await, ticket);
        browser.open(&other).await;
        assert_eq!(browser.path().await, ticket, "its address leads to where it went");
        browser.close().await;
    }
}

/// Opens every folded part of a page.
async fn unfold_all(browser: &Browser) {
    browser.find("main h1").await;
    browser.run("document.querySelectorAll('details').forEach((d) => (d.open = true))").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn finding_what_was_written() {
    for scripts in [true, false] {
        let desk = Desk::open().await;
        let browser = Browser::start(&desk.address, scripts).await;
        enter(&browser, "ann").await;
        browser.find("#queues").await;
        if scripts {
            browser.client.active_element().await.unwrap().send_keys("/").await.unwrap();
            assert_eq!(browser.focus().await, "find");
        }
        browser.fill("#find", "gasket subjekt:x").await;
        browser.press(Key::Enter).await;
        browser.find("main mark").await;
        assert!(browser.text().await.contains("There is no field “subjekt”"));
        browser.screenshot(&format!("search-mistake-{scripts}")).await;

        browser.open("/search?q=gasket").await;
        browser.find(".hits mark").await;
        browser.screenshot(&format!("search-{scripts}")).await;
        browser.click("aside a[href*='queue']").await;
        browser.find("aside a[aria-current]").await;
        let csv = browser.find("a[href*='search.csv']").await.attr("download").await.unwrap();
        assert!(csv.is_some(), "all hits come as a file");
        browser.fill("form[action='/search/saved'] input[name=name]", "Gaskets").await;
        browser.send("form[action='/search/saved'] button").await;
        browser.find(".done").await;
        browser.open("/search").await;
        browser.follow("Gaskets").await;
        browser.find(".hits mark").await;
        browser.close().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_customer() {
    for scripts in [true, false] {
        let desk = Desk::open().await;
        let browser = Browser::start(&desk.address, scripts).await;
        enter(&browser, "ann").await;
        browser.find("#queues").await;
        browser.open("/accounts").await;
        unfold_all(&browser).await;
        browser.fill("#account_no", "C-2001").await;
        browser.fill("form[action='/accounts'].panel #name", "Bergmek AB").await;
        browser.fill("#email_domain", "bergmek.example").await;
        browser.click("form[action='/accounts'].panel button").await;
        browser.find("main h1").await;
        browser.open("/accounts?q=bergmek").await;
        browser.screenshot(&format!("accounts-{scripts}")).await;
        browser.follow("Bergmek AB").await;
        unfold_all(&browser).await;
        browser.fill("form[action$=notes] textarea", "Wants goods by rail").await;
        browser.send("form[action$=notes] button").await;
        browser.find(".done").await;
        assert!(browser.text().await.contains("Wants goods by rail"));
        browser.screenshot(&format!("account-{scripts}")).await;
        browser.open("/catalogue").await;
        browser.screenshot(&format!("catalogue-{scripts}")).await;
        browser.close().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_factor_is_asked_for() {
    for scripts in [true, false] {
        let desk = Desk::open().await;
        let browser = Browser::start(&desk.address, scripts).await;
        enter(&browser, "sam").await;
        browser.find("#queues").await;
        browser.open("/me").await;
        browser.fill("#factor-password", PASSWORD).await;
        browser.click("#factor button[value=offer]").await;
        browser.find(".qr").await;
        browser.screenshot(&format!("factor-{scripts}")).await;
        let mut db = desk.app.store.read().await.unwrap();
        let id = db.find_person_by_name("sam").await.unwrap().unwrap().id;
        let kept = db.find_factor(&id).await.unwrap().unwrap();
        drop(db);
        let secret = desk.app.vault.open(&kept.pending, id.as_str()).unwrap();
        browser.fill("#factor #code", &factor::code(&secret, clock::now_ms() - 30_000).unwrap()).await;
        browser.click("#factor button[value=prove]").await;
        browser.find("li code").await;

        browser.click(".leave button").await;
        enter(&browser, "sam").await;
        browser.find("#code").await;
        browser.screenshot(&format!("sign-in-code-{scripts}")).await;
        browser.fill("#code", "000000").await;
        browser.click("main button").await;
        browser.find("[role=alert]").await;
        browser.fill("#code", &factor::code(&secret, clock::now_ms()).unwrap()).await;
        browser.click("main button").await;
        browser.find("#queues").await;
        browser.close().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_mailbox_is_connected_on_its_page() {
    let dovecot = Dovecot::start();
    for scripts in [true, false] {
        let desk = Desk::open().await;
        let browser = Browser::start(&desk.address, scripts).await;
        enter(&browser, "ann").await;
        browser.open("/mailboxes").await;
        browser.follow("Add a mailbox").await;
        // only what the chosen way to sign in needs is there
        let shown = async |css: &str| browser.find(css).await.is_displayed().await.unwrap();
        assert!(shown("#mailbox-password").await && !shown("#client_id").await && !shown("#flag").await);
        choose(&browser, "#sign_in", "Google (OAuth 2.0)").await;
        assert!(!shown("#mailbox-password").await && shown("#client_id").await && !shown("#tenant").await);
        choose(&browser, "#sign_in", "Password").await;
        choose(&browser, "#after", "flag it on the server").await;
        assert!(shown("#flag").await && !shown("#move_to").await);
        browser.fill("#mailbox-name", "incoming").await;
        browser.fill("#host", dovecot::HOST).await;
        choose(&browser, "#tls", "None (this machine only)").await;
        browser.fill("#port", &dovecot.port.to_string()).await;
        browser.fill("#user", dovecot::USER).await;
        browser.fill("#mailbox-password", "wrong").await;
        browser.send("button[value=save].primary").await;
        browser.find("button[value=anyway]").await;
        assert!(browser.text().await.contains("nothing was saved"));
        browser.screenshot(&format!("mailbox-refused-{scripts}")).await;
        browser.fill("#mailbox-password", dovecot::PASSWORD).await;
        browser.send("button[value=test]").await;
        assert!(browser.text().await.contains("The connection works"));
        browser.screenshot(&format!("mailbox-tested-{scripts}")).await;
        // what was typed before the test need not be typed again
        browser.send("button[value=save].primary").await;
        browser.find(".done").await;
        assert!(browser.text().await.contains("is read from now on"));
        browser.screenshot(&format!("mailbox-saved-{scripts}")).await;
        let config = desk.app.settings().await.unwrap().config.mailbox("incoming").cloned().unwrap();
        assert_eq!(config.after(), After::Flag("\\Flagged".to_owned()));
        assert_eq!(intake::poll_once(&desk.app, &config).await.unwrap().stored, 0);
        browser.open("/mailboxes/incoming/edit").await;
        browser.send("form[action$=remove] button").await;
        browser.find(".done").await;
        assert!(desk.app.settings().await.unwrap().config.mailbox("incoming").is_none());
        browser.close().await;
    }
}
