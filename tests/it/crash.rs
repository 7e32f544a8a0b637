//! The process is killed with SIGKILL at many points of a running intake, against a real Dovecot and a real SMTP
//! server. Afterwards every message is accounted for, none twice, and no mail has gone out twice.

use crate::support::{
    dovecot::{self, Dovecot},
    smtp_server::SmtpServer,
};
use std::{
    collections::BTreeMap,
    path::Path,
    process::{Command, Stdio},
    time::{Duration, Instant},
};

/// Messages that wait in the mailbox, and kills before the program is left to finish: one kill for each message.
const KILLS: usize = 24;

/// The same for the long test.
const MANY_KILLS: usize = 200;

/// The longest that a process lives before it is killed.
const LIFE_MAX_MS: u64 = 900;

fn write_config(folder: &Path, dovecot: &Dovecot, smtp: &SmtpServer) -> std::path::PathBuf {
    let password = folder.join("password");
    std::fs::write(&password, dovecot::PASSWORD).unwrap();
    let path = folder.join("mailroom.toml");
    // On a slow machine the same message may be under way at many of the kills: none of them is its fault.
    let text = format!(
        "[site]\nname = 'Site'\ndata_dir = '{data}'\n[limits]\nattempts = 100\n\
         [[mailbox]]\nname = 'orders'\nhost = 'localhost'\nport = {imap}\ntls = 'plain'\nuser = '{user}'\n\
         password = {{ file = '{password}' }}\nfetch_batch = 5\nafter = 'flag'\n\
         [mail_out]\nkind = 'smtp'\nhost = '127.0.0.1'\nport = {smtp}\ntls = 'plain'\nfrom = 'orders@site.example'\n",
        data = folder.join("data").display(),
        password = password.display(),
        imap = dovecot.port,
        user = dovecot::USER,
        smtp = smtp.port,
    );
    std::fs::write(&path, text).unwrap();
    path
}

fn mailroom(config: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_mailroom"));
    command.arg("--config").arg(config).args(arguments).stdin(Stdio::null());
    command
}

/// Numbers that look random and are the same each time.
fn next(seed: &mut u64) -> u64 {
    *seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
    *seed >> 33
}

#[test]
fn killed_at_many_points_it_loses_nothing_and_sends_nothing_twice() {
    kill(KILLS);
}

#[test]
#[ignore = "takes minutes: make test-long"]
fn killed_at_two_hundred_points_it_loses_nothing_and_sends_nothing_twice() {
    kill(MANY_KILLS);
}

/// As many kills as there are messages.
fn kill(messages: usize) {
    let dovecot = Dovecot::start();
    let smtp = SmtpServer::start();
    let folder = tempfile::tempdir().unwrap();
    for number in 0..messages {
        let message = format!(
            "From: Customer {number} <customer{number}@example.net>\r\nTo: orders@site.example\r\n\
             Subject: Where is order {number}\r\nMessage-ID: <{number}@example.net>\r\n\r\nHello, where is it?\r\n"
        );
        dovecot.append("INBOX", message.as_bytes());
    }
    let config = write_config(folder.path(), &dovecot, &smtp);

    let mut seed = 20_261_122;
    for _ in 0..messages {
        let mut child = mailroom(&config, &["serve", "--once"])
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let end = Instant::now() + Duration::from_millis(next(&mut seed) % LIFE_MAX_MS);
        while Instant::now() < end && child.try_wait().unwrap().is_none() {
            std::thread::sleep(Duration::from_millis(2));
        }
        child.kill().unwrap();
        child.wait().unwrap();
    }
    finish(&config);

    let reconciled = mailroom(&config, &["reconcile", "--json"]).output().unwrap();
    let text = String::from_utf8_lossy(&reconciled.stdout).into_owned();
    assert!(reconciled.status.success(), "{text}{}", String::from_utf8_lossy(&reconciled.stderr));
    let found: serde_json::Value = serde_json::from_str(text.trim()).unwrap();
    assert_eq!(
        (found["on_server"].as_u64(), found["accounted"].as_u64()),
        (Some(messages as u64), Some(messages as u64)),
        "{text}"
    );
    let verified = mailroom(&config, &["verify"]).output().unwrap();
    assert!(verified.status.success(), "{}", String::from_utf8_lossy(&verified.stdout));
    check_answers(folder.path(), &smtp, messages);
}

/// Lets the program do all that is left, however often it takes.
fn finish(config: &Path) {
    for _ in 0..20 {
        let done = mailroom(config, &["serve", "--once"]).output().unwrap();
        assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
        let reconciled = mailroom(config, &["reconcile"]).output().unwrap();
        if reconciled.status.success() {
            return;
        }
    }
    panic!("the program does not come to an end");
}

/// Each customer got one answer, or an answer of theirs is visibly in doubt.
fn check_answers(folder: &Path, smtp: &SmtpServer, messages: usize) {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let (sent, doubtful, waiting) = runtime.block_on(async {
        use mailroom::{model::outbox::OutboxState as State, store::Store};
        let url = format!("sqlite:{}", folder.join("data/mailroom.db").display());
        let store = Store::open(&url).await.unwrap();
        let mut counts: BTreeMap<State, i64> = BTreeMap::new();
        counts.extend(store.read().await.unwrap().count_outbox().await.unwrap());
        let count = |state| counts.get(&state).copied().unwrap_or_default();
        (count(State::Sent), count(State::InDoubt), count(State::Queued) + count(State::Sending))
    });
    assert_eq!((sent + doubtful, waiting), (messages as i64, 0), "each message has one answer in the outbox");
    let delivered = smtp.delivered(usize::try_from(sent).unwrap());
    assert!(delivered.len() <= messages, "{} were delivered", delivered.len());
    let mut by_id: BTreeMap<String, usize> = BTreeMap::new();
    for mail in &delivered {
        let line = mail.lines().find(|line| line.to_lowercase().starts_with("in-reply-to:")).unwrap();
        *by_id.entry(line.to_owned()).or_default() += 1;
    }
    assert!(by_id.values().all(|count| *count == 1), "a mail went out twice: {by_id:?}");
}
