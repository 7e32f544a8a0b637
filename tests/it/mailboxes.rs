//! Mailboxes set on the pages: tried on a real server, kept sealed, read within seconds, paused, removed.

use crate::support::{
    desk::Desk,
    dovecot::{Dovecot, HOST, PASSWORD, USER},
    server::PATIENCE,
    visitor::Visitor,
};
use axum::http::StatusCode;
use mailroom::{
    app::App,
    jobs::Service,
    model::ledger::Outcome,
    pipeline::{self, mailbox::Refused},
};
use std::time::Instant;

/// The form as an administrator fills it in, with some fields of its own.
fn form<'a>(port: &'a str, own: &[(&'a str, &'a str)]) -> Vec<(&'a str, &'a str)> {
    let mut fields = vec![
        ("name", "incoming"),
        ("host", HOST),
        ("tls", "plain"),
        ("port", port),
        ("user", USER),
        ("sign_in", "password"),
        ("folders", "INBOX"),
        ("do", "save"),
    ];
    fields.retain(|(name, _)| own.iter().all(|(other, _)| other != name));
    fields.extend(own);
    fields
}

/// Messages of the mailbox that were taken in. One that was only seen is still to be fetched, by whoever looks next.
async fn taken(app: &App) -> i64 {
    let mut db = app.store.read().await.unwrap();
    let outcomes = db.count_outcomes("incoming", "INBOX").await.unwrap();
    outcomes.iter().filter(|(outcome, _)| *outcome != Outcome::Seen).map(|(_, count)| count).sum()
}

async fn until_taken(app: &App, count: i64) {
    let start = Instant::now();
    while taken(app).await != count {
        assert!(start.elapsed() < PATIENCE, "{} of {count} messages came", taken(app).await);
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
}

fn mail(subject: &str) -> Vec<u8> {
    format!("From: anna@customer.example\r\nTo: orders@nordkomp.example\r\nSubject: {subject}\r\nMessage-ID: <{subject}@customer.example>\r\n\r\nIs {subject} in stock?\r\n").into_bytes()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_mailbox_of_the_pages_is_tried_kept_sealed_and_read_while_the_service_runs() {
    let dovecot = Dovecot::start();
    dovecot.append("INBOX", &mail("first"));
    let port = dovecot.port.to_string();
    let desk = Desk::open().await;
    let service = Service::start(&desk.app);
    let ann = Visitor::sign_in(&desk, "ann").await;

    // the server says no: its steps are shown, nothing is kept
    let refused = ann.post("/mailboxes", &form(&port, &[("password", "wrong")])).await;
    assert_eq!(refused.status(), StatusCode::UNPROCESSABLE_ENTITY);
    let text = refused.text().await;
    assert!(text.contains("nothing was saved") && text.contains("Save although the test fails"), "{text}");
    assert!(!text.contains("wrong\""), "a password is never shown again");
    assert!(desk.app.store.read().await.unwrap().list_mailboxes().await.unwrap().is_empty());

    // a test shows the folders, and keeps what was typed for the same server only
    let tested = ann.post("/mailboxes", &form(&port, &[("password", PASSWORD), ("do", "test")])).await;
    assert_eq!(tested.status(), StatusCode::OK);
    let text = tested.text().await;
    assert!(text.contains("The connection works") && text.contains("<q>INBOX</q>"), "{text}");
    assert!(!text.contains("correct horse"));
    let sealed = text.split("name=\"sealed\" value=\"").nth(1).unwrap().split('"').next().unwrap();
    let sealed = sealed.replace("&#x2f;", "/").replace("&#x2b;", "+");
    let elsewhere = form(&port, &[("sealed", &sealed), ("host", "127.0.0.1")]);
    let refused = ann.post("/mailboxes", &elsewhere).await;
    assert_eq!(refused.status(), StatusCode::UNPROCESSABLE_ENTITY);
    assert!(refused.text().await.contains("Type the password"));
    let kept = ann.post("/mailboxes", &form(&port, &[("sealed", &sealed)])).await;
    assert_eq!(kept.status(), StatusCode::SEE_OTHER);
    until_taken(&desk.app, 1).await;
    let row = desk.app.store.read().await.unwrap().list_mailboxes().await.unwrap().remove(0);
    assert!(!format!("{row:?}").contains("correct horse"), "{row:?}");
    let list = ann.get("/mailboxes").await.text().await;
    assert!(list.contains("Here, by ann") && list.contains(&format!("{HOST}:{port}")), "{list}");
    assert!(
        desk.app.settings().await.unwrap().site.addresses.contains(&"orders@nordkomp.example".to_owned())
    );

    // another mailbox cannot have the name, nor the name another account
    let twice = ann.post("/mailboxes", &form(&port, &[("password", PASSWORD)])).await;
    assert!(twice.text().await.contains("There is a mailbox of this name already"));
    let was = ("was", "incoming");
    let other = form(&port, &[was, ("user", "sales"), ("password", "x"), ("do", "anyway")]);
    assert!(ann.post("/mailboxes", &other).await.text().await.contains("belongs to the mail of orders"));

    // paused, it is read no longer; going on needs no password again
    let saved = |fields: Vec<(&'static str, String)>| {
        let ann = &ann;
        let port = &port;
        async move {
            let own: Vec<(&str, &str)> = fields.iter().map(|(name, value)| (*name, value.as_str())).collect();
            assert_eq!(ann.post("/mailboxes", &form(port, &own)).await.status(), StatusCode::SEE_OTHER);
        }
    };
    saved(vec![("was", "incoming".into()), ("paused", "true".into())]).await;
    tokio::time::sleep(std::time::Duration::from_secs(3)).await;
    dovecot.append("INBOX", &mail("second"));
    tokio::time::sleep(std::time::Duration::from_secs(3)).await;
    assert_eq!(taken(&desk.app).await, 1);
    assert!(ann.get("/mailboxes").await.text().await.contains("paused"));
    saved(vec![("was", "incoming".into())]).await;
    until_taken(&desk.app, 2).await;
    service.stop().await;

    // another process goes by it, too, and a mailbox that was removed is read by none
    let again = App::open(desk.app.config.clone()).await.unwrap();
    let settings = again.settings().await.unwrap();
    let config = settings.config.mailbox("incoming").unwrap();
    dovecot.append("INBOX", &mail("third"));
    assert_eq!(mailroom::jobs::intake::poll_once(&again, config).await.unwrap().stored, 1);
    assert_eq!(ann.post("/mailboxes/incoming/remove", &[]).await.status(), StatusCode::SEE_OTHER);
    assert!(again.settings().await.unwrap().config.mailbox("incoming").is_none());
    let row = again.store.read().await.unwrap().list_mailboxes().await.unwrap().remove(0);
    assert!(row.removed_ms.is_some() && row.secret.is_empty(), "{row:?}");
    assert_eq!(ann.get("/mailboxes/incoming/edit").await.status(), StatusCode::NOT_FOUND);
    let stolen = form(&port, &[("user", "sales"), ("password", "x"), ("do", "anyway")]);
    let stolen = ann.post("/mailboxes", &stolen).await.text().await;
    assert!(
        stolen.contains("belongs to the mail of orders"),
        "the ledger still numbers by that name: {stolen}"
    );
    let log = ann.get("/audit?kind=mailbox&id=incoming").await.text().await;
    for action in ["added a mailbox", "changed a mailbox", "removed a mailbox", "paused from true to false"] {
        assert!(log.contains(action), "{action}: {log}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_page_sets_no_mailbox_of_the_file_and_nothing_that_sends_a_password_readably() {
    let desk = Desk::open_with(|config| {
        config.mailbox = vec![mailroom::mailbox::Config {
            name: "of_file".to_owned(),
            host: "mail.nordkomp.example".to_owned(),
            user: "orders@nordkomp.example".to_owned(),
            ..Default::default()
        }];
    })
    .await;
    let ann = Visitor::sign_in(&desk, "ann").await;
    for (own, expected) in [
        (
            vec![("name", "of_file"), ("password", "x"), ("do", "anyway")],
            "There is a mailbox of this name already",
        ),
        (vec![("host", "mail.nordkomp.example"), ("password", "x")], "readably over the network"),
        (vec![("tls", "implicit"), ("history_before", "soon"), ("password", "x")], "not a day"),
        (vec![("port", "70000"), ("password", "x")], "port must lie between"),
        (vec![("name", "a/b"), ("password", "x")], "none of /"),
        (vec![("sign_in", "google"), ("client_id", "")], "client_id"),
        (vec![("sign_in", "microsoft"), ("client_id", "id"), ("do", "test")], "sign in on the mailbox page"),
    ] {
        let text = ann.post("/mailboxes", &form("143", &own)).await.text().await;
        let text = text.replace("&#x2f;", "/");
        assert!(text.contains(expected), "{own:?}: {text}");
    }
    assert!(desk.app.store.read().await.unwrap().list_mailboxes().await.unwrap().is_empty());
    let google = [
        ("sign_in", "google"),
        ("client_id", "id.apps.example"),
        ("client_secret", "geheim"),
        ("tls", "implicit"),
    ];
    assert_eq!(ann.post("/mailboxes", &form("", &google)).await.status(), StatusCode::SEE_OTHER);
    let list = ann.get("/mailboxes").await.text().await;
    assert!(
        list.contains("/mailboxes/incoming/sign-in") && !list.contains("/mailboxes/of_file/edit"),
        "{list}"
    );
    let begun = ann.get("/mailboxes/incoming/sign-in").await;
    assert!(begun.header(axum::http::header::LOCATION).starts_with("https://accounts.google.com/"));
    // outgoing mail may go by a mailbox of the pages, which then stays
    let mut config = desk.app.config.clone();
    "incoming".clone_into(&mut config.mail_out.sign_in_of);
    let app = App::open(config.clone()).await.unwrap();
    assert!(matches!(
        pipeline::mailbox::remove(&app, "incoming", "ann").await.unwrap(),
        Err(Refused::Wrong(_))
    ));
    "elsewhere".clone_into(&mut config.mail_out.sign_in_of);
    assert!(App::open(config).await.unwrap_err().to_string().contains("sign_in_of names no mailbox"));
    // one that cannot count any more is told where people look first, and can be mended
    let mut row = desk.app.store.read().await.unwrap().list_mailboxes().await.unwrap().remove(0);
    row.config = row.config.replace("\"host\":\"localhost\"", "\"host\":\"\"");
    let mut tx = desk.app.store.begin().await.unwrap();
    tx.save_mailbox(&row).await.unwrap();
    tx.commit().await.unwrap();
    assert!(ann.get("/").await.text().await.contains("Mailbox incoming is not read"));
    assert!(ann.get("/mailboxes").await.text().await.contains("`host` is empty"));
    assert_eq!(ann.get("/mailboxes/incoming/edit").await.status(), StatusCode::OK);
    let eve = Visitor::sign_in(&desk, "eve").await;
    assert!(!eve.get("/mailboxes").await.text().await.contains("/mailboxes/new"), "an auditor only looks");
}
