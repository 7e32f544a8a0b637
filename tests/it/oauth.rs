//! Sign-in by OAuth 2.0 against a real Dovecot and a sign-in service on this machine, with its failures.

use crate::support::{
    desk::Desk,
    dovecot::{Dovecot, USER},
    http::{browse, redirected},
    smtp_server::SmtpServer,
    token_server::{Mood, TokenServer},
    visitor::Visitor,
};
use axum::http::{StatusCode, header};
use mailroom::{
    app::App,
    clock,
    config::Config,
    jobs::{self, credential, health, intake},
    mailbox,
    reply::{self, Envelope},
};
use std::{
    io::{BufRead as _, BufReader},
    path::{Path, PathBuf},
    process::{Command, Stdio},
    sync::Arc,
};

const MESSAGE: &[u8] =
    b"From: Ann <ann@buyer.example>\r\nSubject: Hello\r\nMessage-ID: <1@buyer.example>\r\n\r\nHello\r\n";

/// Seconds after which a token counts as ending soon.
const SOON: i64 = 300;

fn mailbox_config(folder: &Path, dovecot: &Dovecot, server: &TokenServer) -> PathBuf {
    let path = folder.join("mailroom.toml");
    let text = format!(
        "[site]\nname = 'Site'\ndata_dir = '{}'\n[[mailbox]]\nname = 'orders'\nhost = 'localhost'\nport = {}\n\
         tls = 'plain'\nuser = '{USER}'\n{}",
        folder.join("data").display(),
        dovecot.port,
        server.section(),
    );
    std::fs::write(&path, text).unwrap();
    path
}

struct Site {
    app: Arc<App>,
    server: TokenServer,
    dovecot: Dovecot,
    _folder: tempfile::TempDir,
}

impl Site {
    /// A site whose mailbox is signed in.
    async fn open() -> Self {
        let server = TokenServer::start();
        let dovecot = Dovecot::start_with_tokens(server.port);
        dovecot.append("INBOX", MESSAGE);
        let folder = tempfile::tempdir().unwrap();
        let path = mailbox_config(folder.path(), &dovecot, &server);
        let app = Arc::new(App::open(Config::load(Some(&path)).unwrap()).await.unwrap());
        let site = Self { app, server, dovecot, _folder: folder };
        site.consent().await;
        site
    }

    fn config(&self) -> &mailbox::Config {
        &self.app.config.mailbox[0]
    }

    /// A person consents.
    async fn consent(&self) {
        let client = credential::client(&self.app, self.config()).unwrap();
        let device = client.begin_device().await.unwrap();
        let grant = loop {
            match client.ask_device(&device).await {
                Ok(mailroom::oauth::Asked::Granted(grant)) => break grant,
                Ok(mailroom::oauth::Asked::Pending(_)) => {}
                Err(error) => assert!(error.is_transient(), "{error}"),
            }
        };
        credential::keep(&self.app, self.config(), &grant, "ann").await.unwrap();
    }

    async fn trouble(&self) -> Option<health::Trouble> {
        health::health(&self.app, clock::now_ms()).await.unwrap().sign_ins[0].trouble
    }

    /// Asks for a token; as text, or the error in words.
    async fn token(&self) -> Result<String, String> {
        let token = credential::token(&self.app, self.config(), None).await;
        token.map(|token| token.reveal().to_owned()).map_err(|error| format!("{error:#}"))
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a10_failures_of_the_sign_in_service_are_survived_or_told() {
    let site = Site::open().await;
    assert_eq!(site.token().await.as_deref(), Ok("access-1"));
    // Replaced early, each time with a new refresh token; the old one is of no more use.
    site.server.give_for(SOON);
    site.consent().await;
    for expected in ["access-3", "access-4", "access-5"] {
        assert_eq!(site.token().await.as_deref(), Ok(expected));
    }
    assert_eq!(site.trouble().await, None);
    // What passes by itself is told while the token in use is still good, and ends by itself.
    for mood in [Mood::ServerError, Mood::Silence, Mood::Nonsense] {
        site.server.expect(&[mood]);
        let before = site.token().await.unwrap();
        assert_eq!(site.trouble().await, Some(health::Trouble::SignInFails), "{mood:?}");
        assert_ne!(site.token().await.unwrap(), before, "{mood:?}");
        assert_eq!(site.trouble().await, None, "{mood:?}");
    }
    // The answer with the next token is lost: a service with grace gives another one.
    site.server.allow_grace();
    site.server.expect(&[Mood::Lost]);
    assert!(site.token().await.is_ok());
    assert!(site.token().await.is_ok());
    assert_eq!(site.trouble().await, None);
    // Settings that are wrong.
    site.server.expect(&[Mood::UnknownClient]);
    assert!(site.token().await.is_ok(), "the one in use is still good");
    assert_eq!(site.trouble().await, Some(health::Trouble::SignInEnded));
    let health = health::health(&site.app, clock::now_ms()).await.unwrap();
    let words = &health.sign_ins[0].row.as_ref().unwrap().last_error;
    assert!(words.contains("invalid_client") && words.contains("`client_id`"), "{words}");
    assert_eq!(health.alarms(), 1);
    // Consent withdrawn: only a person can mend it, and then all is well.
    site.server.withdraw_consent();
    assert!(site.token().await.is_ok(), "by its own time the token is good");
    let error = intake::poll_once(&site.app, site.config()).await.unwrap_err();
    let words = format!("{error:#}");
    assert!(words.contains("sign in again") && words.contains("invalid_grant"), "{words}");
    assert_eq!(site.trouble().await, Some(health::Trouble::SignInEnded));
    site.consent().await;
    assert_eq!(site.trouble().await, None);
    assert_eq!(intake::poll_once(&site.app, site.config()).await.unwrap().stored, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a10_a_lost_answer_without_grace_and_a_service_that_is_gone_are_told() {
    let site = Site::open().await;
    site.server.give_for(0);
    site.consent().await;
    site.server.expect(&[Mood::Lost]);
    assert!(site.token().await.unwrap_err().contains("cannot be reached"));
    assert_eq!(site.trouble().await, Some(health::Trouble::SignInFails));
    assert!(site.token().await.unwrap_err().contains("no longer accepted"));
    assert_eq!(site.trouble().await, Some(health::Trouble::SignInEnded));
    assert!(site.app.store.check_audit().await.unwrap().broken.is_none());
}

#[tokio::test(flavor = "multi_thread")]
async fn a10_a_token_that_the_server_refuses_before_its_time_is_replaced_at_once() {
    let site = Site::open().await;
    assert_eq!(intake::poll_once(&site.app, site.config()).await.unwrap().stored, 1);
    // By our clock the token is good for an hour.
    site.server.withdraw_access();
    site.dovecot.append("INBOX", &[MESSAGE, b"more\r\n"].concat());
    assert_eq!(intake::poll_once(&site.app, site.config()).await.unwrap().stored, 1);
    assert_eq!(site.token().await.as_deref(), Ok("access-2"));
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "takes half a minute: make test-long"]
async fn a10_a_service_that_never_answers_is_told_and_asked_again() {
    let site = Site::open().await;
    site.server.give_for(0);
    site.consent().await;
    site.server.give_for(3_600);
    site.server.expect(&[Mood::Hang(600)]);
    let words = site.token().await.unwrap_err();
    assert!(words.contains("no answer within 30 s"), "{words}");
    assert_eq!(site.trouble().await, Some(health::Trouble::SignInFails));
    site.token().await.unwrap();
    assert_eq!(site.trouble().await, None, "it went on alone");
}

#[tokio::test(flavor = "multi_thread")]
async fn only_one_asks_for_the_next_token() {
    let site = Site::open().await;
    site.server.give_for(0);
    site.consent().await;
    site.server.give_for(3_600);
    let before = site.server.asked();
    let tokens = futures::future::join_all((0..8).map(|_| site.token())).await;
    assert!(tokens.iter().all(|token| token == &tokens[0] && token.is_ok()), "{tokens:?}");
    assert_eq!(site.server.asked(), before + 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn tokens_are_sealed_and_ends_are_foretold() {
    let site = Site::open().await;
    let row = site.app.store.read().await.unwrap().find_credential("orders").await.unwrap().unwrap();
    let kept = format!("{row:?}");
    assert!(!kept.contains("access-1") && !kept.contains("refresh-1"), "{kept}");
    let mut config = site.config().clone();
    config.oauth.as_mut().unwrap().refresh_days = 90;
    config.oauth.as_mut().unwrap().client_secret_expires = Some("1970-01-11".to_owned());
    assert_eq!(credential::days_left(&config, Some(&row), 0), Some(10));
    // A consent that nobody here asked for is none, nor is another person's.
    for state in ["", "AAAA"] {
        assert!(credential::consented(&site.app, state, "code", "http://x/", "ann").await.is_err());
    }
    let address =
        credential::consent_address(&site.app, site.config(), "http://127.0.0.1:1/", "ann").unwrap();
    let state = address.split("state=").nth(1).unwrap().split('&').next().unwrap();
    let state = state.replace("%2B", "+").replace("%2F", "/").replace("%3D", "=");
    let error =
        credential::consented(&site.app, &state, "code", "http://127.0.0.1:1/", "bob").await.unwrap_err();
    assert!(error.to_string().contains("somebody else"), "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn mail_leaves_with_the_token_of_a_mailbox() {
    let (server, smtp) = (TokenServer::start(), SmtpServer::start());
    let dovecot = Dovecot::start_with(Some(smtp.port), Some(server.port));
    let folder = tempfile::tempdir().unwrap();
    let path = mailbox_config(folder.path(), &dovecot, &server);
    let mut config = Config::load(Some(&path)).unwrap();
    config.mail_out = reply::Config {
        kind: reply::Kind::Smtp,
        host: "localhost".to_owned(),
        port: Some(dovecot.submission_port),
        tls: reply::Tls::Starttls,
        ca_file: Some(dovecot.ca.clone()),
        user: USER.to_owned(),
        sign_in_of: "orders".to_owned(),
        from: "orders@site.example".to_owned(),
        ..reply::Config::default()
    };
    let app = Arc::new(App::open(config).await.unwrap());
    let site = Site { app, server, dovecot, _folder: folder };
    site.consent().await;
    jobs::send_outbox::sign_in(&site.app).await.unwrap();
    let envelope =
        Envelope { sender: None, recipient: "ann@customer.example".to_owned(), copies: Vec::new() };
    site.app.mailer.send(&envelope, b"Subject: Hello\r\n\r\nHello\r\n").await.unwrap();
    assert!(smtp.delivered(1)[0].contains("Subject: Hello"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_mailbox_is_signed_in_on_its_page() {
    let server = TokenServer::start();
    let dovecot = Dovecot::start_with_tokens(server.port);
    let folder = tempfile::tempdir().unwrap();
    let path = mailbox_config(folder.path(), &dovecot, &server);
    let mailboxes = Config::load(Some(&path)).unwrap().mailbox;
    let desk = Desk::open_with(|config| config.mailbox = mailboxes).await;
    let (ann, sam) = (Visitor::sign_in(&desk, "ann").await, Visitor::sign_in(&desk, "sam").await);
    assert_eq!(ann.get("/mailboxes/nobody/sign-in").await.status(), StatusCode::NOT_FOUND);
    let begun = ann.get("/mailboxes/orders/sign-in").await;
    assert!(begun.status().is_redirection());
    let provider = begun.header(header::LOCATION).to_owned();
    let back = tokio::task::spawn_blocking(move || redirected(&provider)).await.unwrap();
    let back = back.strip_prefix(&desk.address).unwrap();
    let credentials = async || desk.app.store.read().await.unwrap().list_credentials().await.unwrap();
    for (visitor, path) in [(&sam, back), (&ann, "/mailboxes/consent?error=access_denied")] {
        assert!(visitor.get(path).await.status().is_client_error(), "{path}");
        assert!(credentials().await.is_empty(), "{path}");
    }
    let again = ann.get("/mailboxes/orders/sign-in").await;
    let provider = again.header(header::LOCATION).to_owned();
    let back = tokio::task::spawn_blocking(move || redirected(&provider)).await.unwrap();
    let back = back.strip_prefix(&desk.address).unwrap();
    let done = ann.get(back).await;
    assert_eq!(done.header(header::LOCATION), "/mailboxes?done=signed_in");
    let kept = credentials().await;
    assert_eq!((kept.len(), kept[0].granted_by.as_str()), (1, "ann"));
    assert_eq!(ann.get(back).await.status(), StatusCode::CONFLICT, "a consent counts once");
    assert_eq!(intake::poll_once(&desk.app, &desk.app.config.mailbox[0]).await.unwrap().stored, 0);
}

fn mailroom(config: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_mailroom"));
    command.arg("--config").arg(config).args(arguments).stdin(Stdio::null());
    command
}

#[test]
fn a_mailbox_is_signed_in_from_the_command_line() {
    let server = TokenServer::start();
    let dovecot = Dovecot::start_with_tokens(server.port);
    dovecot.append("INBOX", MESSAGE);
    let folder = tempfile::tempdir().unwrap();
    let config = mailbox_config(folder.path(), &dovecot, &server);
    let before = mailroom(&config, &["mailbox", "list"]).output().unwrap();
    assert!(!before.status.success() && String::from_utf8_lossy(&before.stdout).contains("not signed in"));
    let by_code = mailroom(&config, &["mailbox", "authorise", "orders"]).output().unwrap();
    let said = String::from_utf8_lossy(&by_code.stdout).into_owned();
    assert!(by_code.status.success(), "{said}{}", String::from_utf8_lossy(&by_code.stderr));
    assert!(said.contains("ABCD-EFGH") && said.contains("INBOX holds 1 messages"), "{said}");
    let mut child = mailroom(&config, &["mailbox", "authorise", "orders", "--browser"])
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines().map(Result::unwrap);
    let address = lines.find(|line| line.starts_with("http://127.0.0.1:")).unwrap();
    assert!(browse(&address).contains("Thank you"));
    assert!(lines.any(|line| line.contains("is signed in")));
    assert!(child.wait().unwrap().success());
    let after = mailroom(&config, &["mailbox", "list", "--json"]).output().unwrap();
    assert!(after.status.success(), "{}", String::from_utf8_lossy(&after.stdout));
}
