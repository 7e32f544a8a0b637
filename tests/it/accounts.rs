//! Customers and goods: the pages, import with a dry run, and merges that can be taken back.

use crate::support::{
    browser::Browser,
    desk::{Desk, PASSWORD},
    visitor::{Answer, Visitor},
};
use axum::{
    body::Body,
    http::{Method, Request, StatusCode, header},
};
use mailroom::{
    model::{account::Account, ids::AccountId},
    pipeline::master_data,
    validate::master_data::{account_cells, parse_accounts_csv, write_csv},
};

async fn account_id(desk: &Desk, number: &str) -> AccountId {
    desk.app.store.read().await.unwrap().find_account_by_no(number).await.unwrap().unwrap().id
}

async fn account(desk: &Desk, number: &str) -> Account {
    desk.app.store.read().await.unwrap().find_account_by_no(number).await.unwrap().unwrap().account
}

/// Sends a file as the import form does.
async fn upload(visitor: &Visitor, path: &str, csv: impl AsRef<[u8]>) -> Answer {
    let head = format!(
        "--b\r\nContent-Disposition: form-data; name=\"csrf\"\r\n\r\n{}\r\n--b\r\nContent-Disposition: form-data; \
         name=\"file\"; filename=\"a.csv\"\r\nContent-Type: text/csv\r\n\r\n",
        visitor.csrf
    );
    let body = [head.as_bytes(), csv.as_ref(), b"\r\n--b--\r\n"].concat();
    let request = Request::builder()
        .method(Method::POST)
        .uri(path)
        .header(header::COOKIE, &visitor.cookie)
        .header(header::HOST, &visitor.host)
        .header(header::CONTENT_TYPE, "multipart/form-data; boundary=b");
    visitor.send(request.body(Body::from(body)).unwrap()).await
}

fn hidden(page: &str, name: &str) -> String {
    let (_, rest) = page.split_once(&format!("name=\"{name}\" value=\"")).expect("a hidden field");
    rest.split('"').next().unwrap().to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_customer_shows_all_that_it_wrote_and_ordered() {
    let desk = Desk::open().await;
    let sam = Visitor::sign_in(&desk, "sam").await;
    let id = account_id(&desk, "C-1042").await;
    for (question, found) in
        [("", true), ("vastkust", true), ("1042 marin", true), ("uddevalla nobody", false)]
    {
        let page = sam.get(&format!("/accounts?q={}", question.replace(' ', "%20"))).await.text().await;
        assert_eq!(page.contains(id.as_str()), found, "{question:?}");
    }
    sam.post(&format!("/drafts/{}", desk.draft), &[("revision", "0"), ("do", "approve")]).await;
    let page = sam.get(&format!("/accounts/{id}")).await.text().await;
    for part in ["Kajen 9", "45-20817", "/records/", &format!("/drafts/{}", desk.draft)] {
        assert!(page.contains(part), "{part} is missing: {page}");
    }
    let edit = [("name", "Västkust Marin AB"), ("ship_to", "Kajen 9\r\nSlipway 3"), ("currency", "sek")];
    assert_eq!(sam.post(&format!("/accounts/{id}"), &edit).await.status(), StatusCode::SEE_OTHER);
    sam.post(&format!("/accounts/{id}/notes"), &[("body", "closed in July")]).await;
    let page = sam.get(&format!("/accounts/{id}")).await.text().await;
    assert!(page.contains("closed in July") && page.contains("Slipway 3"), "{page}");
    let mut db = desk.app.store.read().await.unwrap();
    let account = db.find_account(&id).await.unwrap().unwrap().account;
    assert_eq!((account.account_no.as_str(), account.currency.as_str()), ("C-1042", "SEK"));
    let log = db.list_audit_of("account", id.as_str(), 9).await.unwrap();
    assert!(
        log.iter().any(|row| row.entry.action == "edit_account" && row.entry.detail.contains("Slipway 3"))
    );
    let eve = Visitor::sign_in(&desk, "eve").await;
    let page = eve.get(&format!("/accounts/{id}")).await.text().await;
    assert!(!page.contains("id=\"edit\""), "who may not change it sees no form");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_import_says_first_what_would_change() {
    let desk = Desk::open().await;
    let sam = Visitor::sign_in(&desk, "sam").await;
    let exported = sam.get("/accounts.csv").await;
    assert!(exported.header(header::CONTENT_DISPOSITION).starts_with("attachment"));
    let csv = exported.text().await;
    let page = upload(&sam, "/accounts/import", &csv).await.text().await;
    assert!(!page.contains("name=\"sha256\""), "what was exported changes nothing: {page}");

    let changed = csv.replace("EUR", "SEK") + "C-7,New One,,,,,,,,,,\n";
    let page = upload(&sam, "/accounts/import", &changed).await.text().await;
    assert!(
        page.contains("<del>EUR</del>") && page.contains("<ins>SEK</ins>") && page.contains("C-7"),
        "{page}"
    );
    let before = desk.app.store.read().await.unwrap().find_account_by_no("C-7").await.unwrap();
    assert!(before.is_none(), "a dry run writes nothing");
    let (sha256, version) = (hidden(&page, "sha256"), hidden(&page, "version"));
    let confirm = [("sha256", sha256.as_str()), ("version", version.as_str())];
    assert_eq!(sam.post("/accounts/import", &confirm).await.status(), StatusCode::SEE_OTHER);
    account_id(&desk, "C-7").await;
    let again = sam.post("/accounts/import", &confirm).await.status();
    assert_eq!(again, StatusCode::CONFLICT, "what was shown is no longer what would happen");

    let items = sam.get("/catalogue.csv").await.text().await;
    let fewer: String = items.lines().take(3).map(|line| format!("{line}\n")).collect();
    let page = upload(&sam, "/catalogue/import", &fewer).await.text().await;
    assert!(page.contains("NK-40912"), "what goes is named: {page}");
    let (sha256, version) = (hidden(&page, "sha256"), hidden(&page, "version"));
    sam.post("/catalogue/import", &[("sha256", &sha256), ("version", &version)]).await;
    let left = desk.app.store.read().await.unwrap().list_all_catalogue_items().await.unwrap();
    assert_eq!(left.len(), 2);
    let page = upload(&sam, "/catalogue/import", "nonsense\n1\n").await.text().await;
    assert!(!page.contains("name=\"sha256\""), "a file that cannot be read empties nothing");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_import_from_excel_changes_only_what_it_says() {
    let desk = Desk::open().await;
    let sam = Visitor::sign_in(&desk, "sam").await;
    let before = account(&desk, "C-1042").await;
    assert!(!before.ship_to.is_empty() && !before.email_domain.is_empty());
    // as Excel saves it in Sweden: semicolons, the old charset, and a column that nobody asked for
    let csv =
        "account_no;name;credit_limit;Färg\r\nC-1042;Västkust Åland AB;1.234,50;blå\r\nC-8;;25.000;\r\n";
    let latin: Vec<u8> = csv.chars().map(|c| u8::try_from(u32::from(c)).unwrap()).collect();
    let page = upload(&sam, "/accounts/import", &latin).await.text().await;
    for part in ["Västkust Åland AB", "1234.5", "Färg", "ship_to", "Line 3 has no name"] {
        assert!(page.contains(part), "{part} is missing: {page}");
    }
    assert!(!page.contains("id=\"emptied\""), "{page}");
    let (sha256, version) = (hidden(&page, "sha256"), hidden(&page, "version"));
    sam.post("/accounts/import", &[("sha256", &sha256), ("version", &version)]).await;
    let after = account(&desk, "C-1042").await;
    assert_eq!(after.credit_limit, Some("1234.50".parse().unwrap()));
    assert_eq!((&after.ship_to, &after.email_domain), (&before.ship_to, &before.email_domain));
    let page = upload(&sam, "/accounts/import", "account_no,ship_to\nC-1042,\n").await.text().await;
    assert!(page.contains("id=\"emptied\"") && page.contains("ship_to: 1 row"), "{page}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_wrong_with_a_customer_stands_beside_its_field() {
    let desk = Desk::open().await;
    let mut sam = Visitor::sign_in(&desk, "sam").await;
    let id = account_id(&desk, "C-1042").await;
    let path = format!("/accounts/{id}");
    let page = sam.get(&path).await.text().await;
    let seen = hidden(&page, "seen");
    let bad = [
        ("seen", seen.as_str()),
        ("name", "Västkust Marin AB"),
        ("country", "Sverige"),
        ("currency", "kr"),
        ("email_domain", "ann@vastkust.example"),
        ("tax_id", "DE123456780"),
        ("credit_limit", "25.000"),
        ("payment_terms", "what was typed"),
    ];
    let answer = sam.post(&path, &bad).await;
    assert_eq!(answer.status(), StatusCode::UNPROCESSABLE_ENTITY);
    let page = answer.text().await;
    for field in ["country", "currency", "email_domain", "tax_id", "credit_limit"] {
        assert!(page.contains(&format!("id=\"{field}-wrong\"")), "{field} is silent: {page}");
    }
    for part in ["what was typed", "value=\"25.000\"", "may be 25000 or 25", "name=\"sure\" value=\"tax_id\""]
    {
        assert!(page.contains(part), "{part} is missing: {page}");
    }
    // a German types twenty-five thousand, and says that the tax number is right
    let good = [
        ("seen", seen.as_str()),
        ("name", "Västkust Marin AB"),
        ("tax_id", "DE123456780"),
        ("sure", "tax_id"),
        ("credit_limit", "25.000"),
    ];
    let cookie = sam.cookie.clone();
    sam.cookie.push_str("; language=de");
    assert_eq!(sam.post(&path, &good).await.status(), StatusCode::SEE_OTHER);
    sam.cookie = cookie;
    assert_eq!(account(&desk, "C-1042").await.credit_limit, Some(25_000.into()));
    // somebody who opened the page before that is told, and nothing is lost
    let late = [("seen", seen.as_str()), ("name", "Late AB"), ("credit_limit", "7")];
    let answer = sam.post(&path, &late).await;
    assert_eq!(answer.status(), StatusCode::CONFLICT);
    let page = answer.text().await;
    assert!(page.contains("Late AB") && page.contains("<td>25000</td><td>7</td>"), "{page}");
    let again = [("seen", hidden(&page, "seen")), ("name", "Late AB".to_owned()), ("tax_id", String::new())];
    let again: Vec<(&str, &str)> = again.iter().map(|(name, value)| (*name, value.as_str())).collect();
    assert_eq!(sam.post(&path, &again).await.status(), StatusCode::SEE_OTHER, "now it is meant");
    let taken = sam.post("/accounts", &[("account_no", "C-1042"), ("name", "Other")]).await;
    assert_eq!(taken.status(), StatusCode::CONFLICT);
    assert!(taken.text().await.contains("value=\"Other\""));
}

#[tokio::test(flavor = "multi_thread")]
async fn every_row_of_a_customer_can_be_reached() {
    let desk = Desk::open().await;
    let sam = Visitor::sign_in(&desk, "sam").await;
    let id = account_id(&desk, "C-1042").await;
    for number in 0..45 {
        master_data::note_account(&desk.app, &id, &format!("note no. {number}."), "sam").await.unwrap();
    }
    let (mut address, mut seen, mut pages) = (format!("/accounts/{id}"), String::new(), 0);
    loop {
        let page = sam.get(address.split('#').next().unwrap()).await.text().await;
        seen.push_str(&page);
        pages += 1;
        let Some((_, rest)) = page.split_once("rel=\"next\" href=\"") else { break };
        address = rest.split('"').next().unwrap().replace("&amp;", "&").replace("&#x2f;", "/");
    }
    assert_eq!(pages, 3);
    for number in 0..45 {
        assert!(seen.contains(&format!("note no. {number}.")), "{number} cannot be reached");
    }
    assert!(seen.contains("rel=\"prev\""));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_merge_can_be_taken_back() {
    let desk = Desk::open().await;
    let csv = "account_no,name,aliases,email_domain,ship_to\nC-9,Vastkust Marin A.B.,VKM,,Slipway 3\n";
    master_data::import_accounts(&desk.app, csv.as_bytes(), "test").await.unwrap();
    let sam = Visitor::sign_in(&desk, "sam").await;
    let (kept, other) = (account_id(&desk, "C-9").await, account_id(&desk, "C-1042").await);
    let page = sam.get("/accounts/duplicates").await.text().await;
    assert!(page.contains(kept.as_str()) && page.contains("Keep C-9"), "{page}");
    let before = desk.app.store.read().await.unwrap().list_all_accounts().await.unwrap();
    let merge = format!("/accounts/{kept}/merge");
    assert_eq!(sam.post(&merge, &[("account_no", "C-1042")]).await.status(), StatusCode::SEE_OTHER);
    assert_eq!(sam.post(&merge, &[("account_no", "C-1042")]).await.status(), StatusCode::CONFLICT);
    let chain = sam.post(&format!("/accounts/{other}/merge"), &[("other", kept.as_str())]).await.status();
    assert_eq!(chain, StatusCode::CONFLICT);

    let away = sam.get(&format!("/accounts/{other}")).await;
    assert_eq!(away.header(header::LOCATION), format!("/accounts/{kept}"));
    let page = sam.get(&format!("/accounts/{kept}")).await.text().await;
    assert!(page.contains("Kajen 9") && page.contains(&format!("/drafts/{}", desk.draft)), "{page}");
    let master = desk.app.master_data().await.unwrap();
    assert_eq!(master.accounts.len(), 1, "one customer is matched from now on");
    let plan =
        master_data::plan_accounts(&mut desk.app.store.read().await.unwrap(), b"account_no,name\nC-1042,x\n")
            .await
            .unwrap()
            .0;
    assert!(plan.is_empty() && plan.findings[0].code == "merged_account", "{plan:?}");

    let undo = format!(
        "/account-merges/{}",
        page.split("/account-merges/").nth(1).unwrap().split('"').next().unwrap()
    );
    assert_eq!(sam.post(&undo, &[]).await.status(), StatusCode::SEE_OTHER);
    assert_eq!(sam.post(&undo, &[]).await.status(), StatusCode::CONFLICT);
    assert_eq!(desk.app.store.read().await.unwrap().list_all_accounts().await.unwrap(), before);
}

/// Whether no page is wider than the window: nothing but a wide table scrolls, within itself.
async fn fits(browser: &Browser, path: &str, name: &str) {
    browser.open(path).await;
    browser.find("main h1").await;
    browser.screenshot(name).await;
    let overflow = browser.run("return document.documentElement.scrollWidth - window.innerWidth").await;
    assert!(overflow.as_i64().unwrap() <= 0, "{path} is {overflow} pixels too wide");
}

#[tokio::test(flavor = "multi_thread")]
async fn pages_fit_a_desk_and_a_telephone() {
    let desk = Desk::open().await;
    let id = account_id(&desk, "C-1042").await;
    let browser = Browser::start(&desk.address, true).await;
    browser.open("/").await;
    browser.fill("#name", "ann").await;
    browser.fill("#password", PASSWORD).await;
    browser.click("button.primary").await;
    browser.find("#queues").await;
    let account = format!("/accounts/{id}");
    let ticket = format!("/tickets/{}", desk.ticket);
    let draft = format!("/drafts/{}", desk.draft);
    let document = format!("/documents/{}", desk.document);
    let paths = [
        ("/", "home"),
        ("/queues/all", "queue"),
        (ticket.as_str(), "ticket"),
        ("/drafts", "drafts"),
        (draft.as_str(), "draft"),
        (document.as_str(), "document"),
        ("/search?q=gasket", "search"),
        ("/quarantine", "quarantine"),
        ("/outbox", "outbox"),
        ("/audit", "log"),
        ("/accounts", "accounts"),
        (account.as_str(), "account"),
        ("/catalogue", "catalogue"),
        ("/users", "users"),
        ("/settings/queues", "queues"),
        ("/templates", "letters"),
        ("/templates/order_confirmation/en", "letter"),
        ("/me", "me"),
        ("/webhooks", "webhooks"),
    ];
    for (path, name) in paths {
        fits(&browser, path, name).await;
    }
    browser.client.set_window_size(390, 844).await.unwrap();
    // the longest words
    browser.run("document.cookie = 'language=de; path=/'").await;
    for (path, name) in paths {
        fits(&browser, path, &format!("{name}-phone")).await;
        let head = browser.run("return document.querySelector('header.top').offsetHeight").await;
        assert!(
            head.as_i64().unwrap() <= 100,
            "the head of {path} is {head} pixels high: more than two rows"
        );
    }
    browser.close().await;
}

#[test]
fn the_sample_survives_a_round_trip() {
    let csv = std::fs::read(concat!(env!("CARGO_MANIFEST_DIR"), "/fixtures/demo/accounts.csv")).unwrap();
    let (accounts, findings) = parse_accounts_csv(&csv);
    assert!(findings.is_empty() && accounts.len() > 5);
    let written = write_csv(&accounts.iter().map(account_cells).collect::<Vec<_>>());
    assert_eq!(parse_accounts_csv(&written).0, accounts);
}
