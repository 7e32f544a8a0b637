//! Mail out: a real server takes it, and whatever goes wrong says whether trying again is safe.

use crate::support::{
    certificates,
    dovecot::{Dovecot, HOST, PASSWORD, USER},
    server::free_port,
    smtp_server::{Does, Peer, SmtpServer},
};
use mailroom::{
    model::{message::Address, secret::Secret},
    reply::{
        Composition, Config, Envelope, Kind, Mailer, Memory, SendError, Tls, compose,
        template::{Context, Name, Templates},
    },
};

fn config(port: u16, tls: Tls) -> Config {
    Config {
        kind: Kind::Smtp,
        host: HOST.to_owned(),
        port: Some(port),
        tls,
        from: "orders@vendor.example".to_owned(),
        from_name: "Order Desk".to_owned(),
        timeout_seconds: 20,
        ..Config::default()
    }
}

fn mail(language: &str) -> Vec<u8> {
    let letter =
        Templates::open(None).unwrap().render(Name::OrderConfirmation, language, &Context::sample()).unwrap();
    compose(&Composition {
        from: &Address { email: "orders@vendor.example".to_owned(), name: Some("Order Desk".to_owned()) },
        to: &Address { email: "anna@customer.example".to_owned(), name: None },
        copies: &[],
        files: &[],
        subject: &letter.subject,
        text: &format!("{}\n.\n..two dots\n", letter.body),
        rfc_message_id: "1.abc@vendor.example",
        in_reply_to: Some("their@customer.example"),
        references: &[],
        date_ms: 1_795_323_602_000,
        automatic: true,
    })
    .unwrap()
}

fn envelope(recipient: &str) -> Envelope {
    Envelope { sender: None, recipient: recipient.to_owned(), copies: Vec::new() }
}

fn kind_of(result: Result<mailroom::reply::Sent, SendError>) -> String {
    match result {
        Ok(sent) => format!("sent: {}", sent.receipt),
        Err(SendError::Transient { text }) => format!("transient: {text}"),
        Err(SendError::Permanent { text }) => format!("permanent: {text}"),
        Err(SendError::InDoubt { text }) => format!("in doubt: {text}"),
        Err(SendError::Settings { text }) => format!("settings: {text}"),
    }
}

#[tokio::test]
async fn a_real_server_takes_our_mail_and_delivers_the_same_bytes() {
    let server = SmtpServer::start();
    let front = Dovecot::start_with_submission(server.port);
    let secret = Secret::new(PASSWORD);
    let signed_in =
        |port, tls| Config { user: USER.to_owned(), ca_file: Some(front.ca.clone()), ..config(port, tls) };
    let ways = [
        (signed_in(front.submission_port, Tls::Starttls), "sv"),
        (signed_in(front.submissions_port, Tls::Implicit), "de"),
        (config(server.port, Tls::Plain), "en"),
    ];
    for (count, (config, language)) in ways.iter().enumerate() {
        let mailer = Mailer::open(config, Some(&secret)).unwrap();
        mailer.check().await.unwrap();
        let bytes = mail(language);
        let answer = kind_of(mailer.send(&envelope("anna@customer.example"), &bytes).await);
        assert!(answer.starts_with("sent: 250 "), "{answer}");
        let sent = String::from_utf8(bytes).unwrap().replace("\r\n", "\n");
        let delivered = server.delivered(count + 1);
        assert!(
            delivered.iter().any(|mail| mail.replace("\r\n", "\n").ends_with(&sent)),
            "{delivered:?}\n{sent:?}"
        );
        assert!(delivered.iter().all(|mail| mail.contains("Auto-Submitted: auto-replied")));
        let refused = kind_of(mailer.send(&envelope("refused@customer.example"), &mail(language)).await);
        assert!(
            refused.starts_with("permanent: RCPT TO <") && refused.contains(">: permanent error (550)"),
            "{refused}"
        );
    }

    let other = tempfile::tempdir().unwrap();
    let stranger = certificates::make(other.path(), HOST);
    let good = signed_in(front.submissions_port, Tls::Implicit);
    for (config, password, expected) in [
        (good.clone(), "wrong", "localhost rejected the login: check `user` and `password`"),
        (signed_in(front.submission_port, Tls::Starttls), "wrong", "localhost rejected the login"),
        (
            Config { ca_file: Some(stranger.clone()), ..good.clone() },
            PASSWORD,
            "the certificate of localhost is not trusted",
        ),
        (
            Config { ca_file: Some(stranger), ..signed_in(front.submission_port, Tls::Starttls) },
            PASSWORD,
            "the certificate of localhost is not trusted",
        ),
        (
            Config { host: "127.0.0.1".to_owned(), ..good.clone() },
            PASSWORD,
            "the certificate of 127.0.0.1 is not trusted",
        ),
        (signed_in(server.port, Tls::Starttls), PASSWORD, "localhost does not offer STARTTLS on port"),
        (signed_in(server.port, Tls::Implicit), PASSWORD, "localhost does not speak TLS on port"),
    ] {
        let mailer = Mailer::open(&config, Some(&Secret::new(password))).unwrap();
        let answer = kind_of(mailer.check().await.map(|()| panic!("it worked: {config:?}")));
        assert!(
            answer.starts_with("settings: mail_out: ") && answer.contains(expected),
            "{answer}\nexpected: {expected}"
        );
    }
}

#[tokio::test]
async fn what_goes_wrong_before_the_content_has_left_can_be_tried_again_or_is_final() {
    for (at, does, expected) in [
        ("GREETING", Does::Says("421 too busy"), "transient: "),
        ("GREETING", Does::HangsUp, "transient: "),
        ("GREETING", Does::Sleeps, "transient: no greeting"),
        ("EHLO", Does::HangsUp, "transient: "),
        ("MAIL", Does::Says("451 later"), "transient: MAIL FROM: transient error (451)"),
        ("MAIL", Does::Says("550 never"), "permanent: MAIL FROM: permanent error (550)"),
        ("RCPT", Does::Says("450 greylisted"), "transient: RCPT TO <a@b.example>: transient error (450)"),
        (
            "RCPT",
            Does::Says("550 no such user"),
            "permanent: RCPT TO <a@b.example>: permanent error (550): no such user",
        ),
        ("RCPT", Does::HangsUp, "transient: RCPT TO"),
        ("DATA", Does::Says("452 full"), "transient: DATA"),
        ("DATA", Does::Says("554 no"), "permanent: DATA"),
        ("DATA", Does::HangsUp, "transient: DATA"),
        ("DATA", Does::Sleeps, "transient: no answer to DATA within 1 s"),
        ("CONTENT", Does::Says("250 taken as 4711"), "sent: 250 taken as 4711"),
        ("CONTENT", Does::Says("451 scanner is down"), "transient: "),
        ("CONTENT", Does::Says("554 looks like spam"), "permanent: "),
        ("CONTENT", Does::HangsUp, "in doubt: "),
        ("CONTENT", Does::Sleeps, "in doubt: no answer to the content within 1 s"),
        ("CONTENT", Does::Says("what?"), "in doubt: "),
        ("QUIT", Does::HangsUp, "sent: "),
        ("QUIT", Does::Sleeps, "sent: "),
    ] {
        let peer = Peer::start(at, does);
        let config = Config { timeout_seconds: 1, ..config(peer.port, Tls::Plain) };
        let answer =
            kind_of(Mailer::open(&config, None).unwrap().send(&envelope("a@b.example"), &mail("en")).await);
        assert!(answer.starts_with(expected), "{at} {does:?}: {answer}\nexpected: {expected}");
    }
    let nobody = Mailer::open(&config(free_port(), Tls::Plain), None).unwrap();
    let answer = kind_of(nobody.send(&envelope("a@b.example"), b"x").await);
    assert!(answer.starts_with("transient: cannot connect to localhost:"), "{answer}");
}

#[tokio::test]
async fn those_whom_the_server_refuses_are_named_and_the_others_get_the_mail() {
    for (says, is_final) in [("550 no such user", true), ("450 greylisted", false)] {
        let peer = Peer::start("RCPT TO:<bo@b.example>", Does::Says(says));
        let mailer = Mailer::open(&config(peer.port, Tls::Plain), None).unwrap();
        let copies = ["bo@b.example", "cy@b.example"].map(str::to_owned).to_vec();
        let sent = mailer.send(&Envelope { copies, ..envelope("a@b.example") }, &mail("en")).await.unwrap();
        let [refusal] = sent.refusals.as_slice() else { panic!("{sent:?}") };
        assert_eq!((refusal.email.as_str(), refusal.is_final), ("bo@b.example", is_final));
        assert!(refusal.text.contains(says.split_once(' ').unwrap().1), "{refusal:?}");
        assert!(
            peer.heard().iter().any(|line| line == "RCPT TO:<cy@b.example>"),
            "the next one is asked for"
        );
        let answer = kind_of(mailer.send(&envelope("bo@b.example"), &mail("en")).await);
        let expected = if is_final { "permanent: RCPT TO" } else { "transient: RCPT TO" };
        assert!(answer.starts_with(expected), "{answer}");
    }
}

#[tokio::test]
async fn automatic_mail_has_an_empty_sender_and_dots_are_kept() {
    let peer = Peer::start("NOWHERE", Does::HangsUp);
    let mailer = Mailer::open(&config(peer.port, Tls::Plain), None).unwrap();
    mailer.send(&envelope("a@b.example"), b"Subject: x\r\n\r\n.\r\n.x\r\nlast\r\n").await.unwrap();
    let person = Envelope {
        sender: Some("orders@vendor.example".to_owned()),
        recipient: "a@b.example".to_owned(),
        copies: Vec::new(),
    };
    mailer.send(&person, b"Subject: x\r\n\r\nhello\r\n").await.unwrap();
    let heard = peer.heard();
    let expected =
        ["MAIL FROM:<>", "RCPT TO:<a@b.example>", "DATA", "Subject: x", "", "..", "..x", "last", ".", "QUIT"];
    assert_eq!(heard[1..11], expected);
    assert_eq!(heard[12], "MAIL FROM:<orders@vendor.example>");
    let answer = kind_of(mailer.send(&envelope("a@b.example>\r\nRSET"), b"x").await);
    assert_eq!(answer, "permanent: the address is not one");
    let answer = kind_of(mailer.send(&envelope("åsa@b.example"), b"x").await);
    assert!(answer.starts_with("permanent: the address has letters"), "{answer}");
}

#[tokio::test]
async fn a_folder_holds_each_mail_once() {
    let folder = tempfile::tempdir().unwrap();
    let config = Config {
        directory: folder.path().join("out"),
        from: "orders@vendor.example".to_owned(),
        ..Config::default()
    };
    let mailer = Mailer::open(&config, None).unwrap();
    mailer.check().await.unwrap();
    let first = mailer.send(&envelope("a@b.example"), &mail("en")).await.unwrap();
    assert_eq!(mailer.send(&envelope("a@b.example"), &mail("en")).await.unwrap(), first);
    mailer.send(&envelope("a@b.example"), &mail("sv")).await.unwrap();
    let names: Vec<String> = std::fs::read_dir(&config.directory)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    assert_eq!(names.len(), 2, "{names:?}");
    assert!(first.receipt.starts_with("20261122T") && names.contains(&first.receipt), "{names:?}");
    assert_eq!(std::fs::read(config.directory.join(&first.receipt)).unwrap(), mail("en"));
}

#[tokio::test]
async fn memory_fails_when_a_test_wants_it() {
    let memory = Memory::new();
    let mailer = Mailer::Memory(memory.clone());
    memory.fail_next(SendError::Transient { text: "later".to_owned() });
    memory.fail_next(SendError::InDoubt { text: "cut".to_owned() });
    let send = || async { kind_of(mailer.send(&envelope("a@b.example"), b"x").await) };
    assert_eq!(send().await, "transient: later");
    assert_eq!(memory.sent().len(), 0);
    assert_eq!(send().await, "in doubt: cut");
    assert_eq!(send().await, "sent: memory 2");
    assert_eq!(memory.sent().len(), 2);
}
