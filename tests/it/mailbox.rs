//! Mail in: one contract that memory, files and a real Dovecot keep, and what only a network can do wrong.

use crate::support::{
    cut::Line,
    cyrus::Cyrus,
    dovecot::{Dovecot, HOST, PASSWORD, USER},
    server::{PATIENCE, free_port},
};
use mailroom::{
    mailbox::{After, Body, Config, FolderState, Kind, Mailbox, MailboxError, Memory, Tls, Wake},
    model::secret::Secret,
};
use std::{path::Path, time::Duration};

fn message(subject: &str) -> Vec<u8> {
    format!("From: anna@customer.example\r\nSubject: {subject}\r\nMessage-ID: <{subject}@customer.example>\r\n\r\nbody\r\n")
        .into_bytes()
}

/// All kinds of bytes that may stand in a message, and which transports like to damage.
fn awkward_message() -> Vec<u8> {
    let mut bytes =
        b"Subject: awkward\r\n\r\n.\r\n..\r\nFrom here\r\n* 1 EXISTS\r\nx OK done\r\n{5}\r\n\ttab  \r\n"
            .to_vec();
    bytes.extend((128..=255_u8).chain([1, 27, 127]));
    bytes.extend(b"\r\n\r\n\r\nno line end");
    bytes
}

fn secret() -> Secret {
    Secret::new(PASSWORD)
}

fn config(dovecot: &Dovecot, tls: Tls) -> Config {
    Config {
        name: "orders".to_owned(),
        host: HOST.to_owned(),
        port: Some(if tls == Tls::Implicit { dovecot.tls_port } else { dovecot.port }),
        tls,
        ca_file: Some(dovecot.ca.clone()),
        user: USER.to_owned(),
        ..Config::default()
    }
}

async fn connect(config: &Config) -> Result<Mailbox, MailboxError> {
    Mailbox::connect(config, Some(&secret())).await
}

/// Everything in a folder, by listing and fetching in batches of two.
async fn take_all(mailbox: &mut Mailbox, folder: &str) -> Result<Vec<(i64, Body)>, MailboxError> {
    let mut all = Vec::new();
    let mut after = 0;
    loop {
        let batch: Vec<i64> = mailbox.list(folder, after, 2).await?.iter().map(|listed| listed.uid).collect();
        let Some(last) = batch.last() else { return Ok(all) };
        after = *last;
        let mut incoming = mailbox.fetch(folder, &batch).await?;
        while let Some(fetched) = incoming.next().await? {
            all.push((fetched.uid, fetched.body));
        }
    }
}

fn bodies(all: Vec<(i64, Body)>) -> Vec<Vec<u8>> {
    all.into_iter()
        .map(|(_, body)| match body {
            Body::Bytes(bytes) => bytes,
            Body::TooLarge => b"too large".to_vec(),
        })
        .collect()
}

/// What a mailbox must do for the ledger to be right, whatever is behind it.
async fn keeps_the_contract(
    mailbox: &mut Mailbox,
    mut deliver: impl FnMut(&str, &[u8]),
    mut renumber: impl FnMut(&str),
    mut flags: impl FnMut(&str, i64) -> Vec<String>,
) {
    assert_eq!(mailbox.folders().await.unwrap(), ["INBOX"]);
    let empty = mailbox.select("INBOX").await.unwrap();
    assert_eq!((empty.exists, empty.ascending), (0, true));
    assert!(mailbox.list("INBOX", 0, 10).await.unwrap().is_empty());
    assert!(mailbox.all_uids("INBOX").await.unwrap().is_empty());
    assert!(mailbox.fetch("INBOX", &[1]).await.unwrap().next().await.unwrap().is_none());
    assert!(mailbox.fetch("INBOX", &[]).await.unwrap().next().await.unwrap().is_none());

    let sent = [message("one"), awkward_message(), message("three"), message("four"), message("five")];
    for bytes in &sent {
        deliver("INBOX", bytes);
    }
    let state = mailbox.select("INBOX").await.unwrap();
    assert_eq!(state, FolderState { exists: 5, uid_next: Some(6), ..empty });
    let listed = mailbox.list("INBOX", 0, 3).await.unwrap();
    assert_eq!(listed.iter().map(|l| l.uid).collect::<Vec<_>>(), [1, 2, 3]);
    assert_eq!(listed[1].size_bytes, sent[1].len() as i64);
    let all = take_all(mailbox, "INBOX").await.unwrap();
    assert_eq!(all.iter().map(|(uid, _)| *uid).collect::<Vec<_>>(), [1, 2, 3, 4, 5]);
    assert_eq!(bodies(all), sent, "bytes come as they are");
    assert_eq!(flags("INBOX", 1), [] as [&str; 0], "looking leaves no trace");

    mailbox.act("INBOX", 2, &After::Nothing).await.unwrap();
    for _twice in 0..2 {
        mailbox.act("INBOX", 1, &After::Flag("\\Flagged".to_owned())).await.unwrap();
        mailbox.act("INBOX", 3, &After::Move("Done".to_owned())).await.unwrap();
        mailbox.act("INBOX", 4711, &After::Flag("\\Flagged".to_owned())).await.unwrap();
    }
    assert_eq!(flags("INBOX", 1), ["\\Flagged"]);
    assert_eq!(mailbox.all_uids("INBOX").await.unwrap(), [1, 2, 4, 5]);
    assert_eq!(mailbox.folders().await.unwrap(), ["Done", "INBOX"]);
    mailbox.select("Done").await.unwrap();
    assert_eq!(bodies(take_all(mailbox, "Done").await.unwrap()), [sent[2].clone()]);

    mailbox.select("INBOX").await.unwrap();
    let mut uids = Vec::new();
    let mut incoming = mailbox.fetch("INBOX", &[5, 3, 1]).await.unwrap();
    while let Some(fetched) = incoming.next().await.unwrap() {
        uids.push(fetched.uid);
    }
    uids.sort_unstable();
    assert_eq!(uids, [1, 5], "what is gone is not yielded");

    mailbox.select("INBOX").await.unwrap();
    mailbox.select("Done").await.unwrap();
    assert_eq!(mailbox.wait("INBOX", Duration::from_millis(50)).await.unwrap(), Wake::Timeout);
    deliver("INBOX", &message("six"));
    assert_eq!(mailbox.wait("INBOX", PATIENCE).await.unwrap(), Wake::News);
    mailbox.select("INBOX").await.unwrap();
    assert_eq!(mailbox.list("INBOX", 5, 10).await.unwrap()[0].uid, 6);
    assert!(mailbox.list("INBOX", 6, 10).await.unwrap().is_empty());

    let old = mailbox.select("Done").await.unwrap();
    mailbox.select("INBOX").await.unwrap();
    renumber("Done");
    let error = mailbox.list("Done", 0, 10).await.unwrap_err();
    assert!(matches!(error, MailboxError::UidValidityChanged { .. }) && error.is_transient(), "{error}");
    assert_ne!(mailbox.select("Done").await.unwrap().uidvalidity, old.uidvalidity);
    assert_eq!(mailbox.list("Done", 0, 10).await.unwrap().len(), 1);

    let error = mailbox.select("No such folder").await.unwrap_err();
    assert!(matches!(error, MailboxError::NoFolder { .. }), "{error}");
}

#[tokio::test]
async fn memory_keeps_the_contract() {
    let memory = Memory::new();
    let mut mailbox = Mailbox::Memory(memory.clone());
    let (deliver, renumber, flags) = (memory.clone(), memory.clone(), memory);
    keeps_the_contract(
        &mut mailbox,
        |folder, bytes| {
            deliver.append(folder, bytes);
        },
        |folder| renumber.renumber(folder),
        |folder, uid| flags.flags(folder, uid).unwrap(),
    )
    .await;
}

#[tokio::test]
async fn dovecot_keeps_the_contract() {
    let dovecot = Dovecot::start();
    let mut mailbox = connect(&config(&dovecot, Tls::Implicit)).await.unwrap();
    keeps_the_contract(
        &mut mailbox,
        |folder, bytes| dovecot.append(folder, bytes),
        |folder| {
            let mut client = dovecot.client();
            client.command(&format!("DELETE {folder}"));
            client.command(&format!("CREATE {folder}"));
            client.append(folder, &message("again"));
        },
        |folder, uid| {
            let flags = dovecot.client().flags(folder, uid);
            flags.split_whitespace().filter(|flag| *flag != "\\Recent").map(str::to_owned).collect()
        },
    )
    .await;
    mailbox.close().await;
}

#[tokio::test]
async fn cyrus_keeps_the_contract() {
    let cyrus = Cyrus::start();
    let config = Config {
        name: "orders".to_owned(),
        host: HOST.to_owned(),
        port: Some(cyrus.port),
        tls: Tls::Plain,
        user: USER.to_owned(),
        ..Config::default()
    };
    let mut mailbox = connect(&config).await.unwrap();
    keeps_the_contract(
        &mut mailbox,
        |folder, bytes| cyrus.client().deliver(folder, bytes),
        |folder| {
            let mut client = cyrus.client();
            client.command(&format!("DELETE {folder}"));
            client.command(&format!("CREATE {folder}"));
            client.append(folder, &message("again"));
        },
        |folder, uid| {
            let flags = cyrus.client().flags(folder, uid);
            flags.split_whitespace().filter(|flag| *flag != "\\Recent").map(str::to_owned).collect()
        },
    )
    .await;
    let mut client = cyrus.client();
    client.command("CREATE \"Gesendet\" (USE (\\Sent))");
    for first in [true, false] {
        let kept = mailbox.keep_sent("", "sent@customer.example", &message("sent")).await.unwrap();
        assert_eq!(kept, first, "a copy is kept once");
    }
    mailbox.select("Gesendet").await.unwrap();
    assert_eq!(bodies(take_all(&mut mailbox, "Gesendet").await.unwrap()), [message("sent")]);
    mailbox.close().await;
}

#[tokio::test]
async fn every_way_to_protect_the_connection_works_and_none_is_given_up() {
    let dovecot = Dovecot::start();
    dovecot.append("INBOX", &message("one"));
    for tls in [Tls::Implicit, Tls::Starttls, Tls::Plain] {
        let mut mailbox = connect(&config(&dovecot, tls)).await.unwrap();
        assert_eq!(bodies(take_all(&mut mailbox, "INBOX").await.unwrap()), [message("one")], "{tls:?}");
    }
    let other = tempfile::tempdir().unwrap();
    let stranger = crate::support::certificates::make(other.path(), HOST);
    let good = config(&dovecot, Tls::Implicit);
    let garbage = other.path().join("garbage.pem");
    std::fs::write(&garbage, "no certificate").unwrap();
    for (config, expected) in [
        (
            Config { ca_file: Some(stranger.clone()), ..good.clone() },
            "the certificate of localhost is not trusted (signed by an unknown authority): set `ca_file`",
        ),
        (
            Config { ca_file: Some(stranger), ..config(&dovecot, Tls::Starttls) },
            "the certificate of localhost is not trusted (signed by an unknown authority): set `ca_file`",
        ),
        (
            Config { ca_file: None, ..good.clone() },
            "the certificate of localhost is not trusted (signed by an unknown authority): set `ca_file`",
        ),
        (Config { host: "127.0.0.1".into(), ..good.clone() }, "(it is for another host name)"),
        (Config { ca_file: Some(garbage), ..good.clone() }, "there is no certificate in it"),
        (
            Config { ca_file: Some("/nowhere.pem".into()), ..good.clone() },
            "`ca_file` /nowhere.pem cannot be used",
        ),
        (Config { port: Some(dovecot.port), ..good.clone() }, "localhost does not speak TLS on port"),
        (Config { tls: Tls::Plain, host: "192.0.2.1".into(), ..good.clone() }, "`allow_plain = true`"),
        (Config { port: Some(free_port()), ..good.clone() }, "localhost does not accept connections on port"),
        (
            Config { host: "no.such.host.invalid".into(), ..good.clone() },
            "the host name no.such.host.invalid cannot be resolved",
        ),
    ] {
        let error = connect(&config).await.unwrap_err().to_string();
        assert!(error.contains(expected), "{error}\nexpected: {expected}");
    }
}

#[tokio::test]
async fn a_wrong_password_is_said_so() {
    let dovecot = Dovecot::start();
    for password in ["wrong", "", "lösenord \"x\""] {
        let error = Mailbox::connect(&config(&dovecot, Tls::Implicit), Some(&Secret::new(password)))
            .await
            .unwrap_err();
        assert_eq!(
            error.to_string(),
            "localhost rejected the login: check `user` and `password` (the server says: [AUTHENTICATIONFAILED] Authentication failed.)"
        );
        assert!(!error.is_transient());
    }
}

#[tokio::test]
async fn folders_have_the_names_that_people_gave_them() {
    let dovecot = Dovecot::start();
    dovecot.append("Best&AOQ-llningar 2026", &message("one"));
    let mut mailbox = connect(&config(&dovecot, Tls::Implicit)).await.unwrap();
    assert_eq!(mailbox.folders().await.unwrap(), ["Beställningar 2026", "INBOX"]);
    assert_eq!(mailbox.select("Beställningar 2026").await.unwrap().exists, 1);
    mailbox.act("Beställningar 2026", 1, &After::Move("Färdig & klar".to_owned())).await.unwrap();
    assert_eq!(mailbox.select("Färdig & klar").await.unwrap().exists, 1);
}

#[tokio::test]
async fn listing_leaps_over_gaps_between_uids() {
    let dovecot = Dovecot::start();
    let mut client = dovecot.client();
    for number in 0..60 {
        client.append("INBOX", &message(&number.to_string()));
    }
    client.command("SELECT INBOX");
    client.command("UID STORE 3:55 +FLAGS.SILENT (\\Deleted)");
    client.command("EXPUNGE");
    let mut mailbox = connect(&config(&dovecot, Tls::Implicit)).await.unwrap();
    mailbox.select("INBOX").await.unwrap();
    let mut after = 0;
    let mut uids = Vec::new();
    loop {
        let batch = mailbox.list("INBOX", after, 3).await.unwrap();
        let Some(last) = batch.last() else { break };
        assert!(batch.len() <= 3);
        after = last.uid;
        uids.extend(batch.iter().map(|listed| listed.uid));
    }
    assert_eq!(uids, [1, 2, 56, 57, 58, 59, 60]);
}

#[tokio::test]
async fn what_is_too_large_is_told_and_not_taken() {
    let dovecot = Dovecot::start();
    let fits = message(&"x".repeat(500));
    let too_large = message(&"x".repeat(501));
    for bytes in [&fits, &too_large, &message("one")] {
        dovecot.append("INBOX", bytes);
    }
    let config = Config { bytes_max: fits.len() as u64, ..config(&dovecot, Tls::Implicit) };
    let mut mailbox = connect(&config).await.unwrap();
    let all = take_all(&mut mailbox, "INBOX").await.unwrap();
    assert_eq!(all, [(1, Body::Bytes(fits)), (2, Body::TooLarge), (3, Body::Bytes(message("one")))]);
}

#[tokio::test]
async fn a_server_that_can_neither_idle_nor_move_is_served_too() {
    let dovecot = Dovecot::start();
    dovecot.append("INBOX", &message("one"));
    let mut mailbox = connect(&Config { idle: false, ..config(&dovecot, Tls::Plain) }).await.unwrap();
    mailbox.select("INBOX").await.unwrap();
    dovecot.append("INBOX", &message("two"));
    assert_eq!(mailbox.wait("INBOX", Duration::from_millis(10)).await.unwrap(), Wake::Timeout);
    assert_eq!(mailbox.select("INBOX").await.unwrap().exists, 2);
}

#[tokio::test]
async fn a_connection_that_breaks_anywhere_is_an_error_and_never_an_empty_folder() {
    let dovecot = Dovecot::start();
    let line = Line::to(dovecot.port);
    let sent: Vec<Vec<u8>> = (0..5).map(|number| message(&number.to_string())).collect();
    for bytes in &sent {
        dovecot.append("INBOX", bytes);
    }
    let config = Config { port: Some(line.port), ..config(&dovecot, Tls::Plain) };
    let mut mailbox = connect(&config).await.unwrap();
    let mut failures = 0;
    for cut_after in (0..).step_by(97) {
        line.cut_after(cut_after);
        let first = take_all(&mut mailbox, "INBOX").await;
        let uids = if first.is_ok() { mailbox.all_uids("INBOX").await } else { Ok(Vec::new()) };
        line.mend();
        if let Err(error) = first.as_ref().map(|_| ()).and(uids.as_ref().map(|_| ())) {
            assert!(error.is_transient(), "{cut_after}: {error}");
            assert!(matches!(error, MailboxError::Broken { .. } | MailboxError::Refused { .. }), "{error}");
            failures += 1;
        }
        if let Ok(all) = &first {
            assert_eq!(bodies(all.clone()), sent, "{cut_after}");
        }
        assert_eq!(
            bodies(take_all(&mut mailbox, "INBOX").await.unwrap()),
            sent,
            "the same handle connects anew"
        );
        if uids.as_ref().is_ok_and(|uids| *uids == [1, 2, 3, 4, 5]) {
            break;
        }
    }
    assert!(failures > 10, "{failures}");
}

#[tokio::test]
async fn a_server_that_goes_away_and_comes_back_is_found_again() {
    let mut dovecot = Dovecot::start();
    dovecot.append("INBOX", &message("one"));
    let mut mailbox = connect(&config(&dovecot, Tls::Implicit)).await.unwrap();
    mailbox.select("INBOX").await.unwrap();
    let waiting = tokio::spawn(async move {
        let result = mailbox.wait("INBOX", PATIENCE).await;
        (mailbox, result)
    });
    dovecot.stop();
    let (mut mailbox, result) = waiting.await.unwrap();
    // The server may say goodbye before or after the wait began.
    assert!(result.is_err_and(|error| error.is_transient()));
    let error = mailbox.select("INBOX").await.unwrap_err();
    assert!(error.is_transient(), "{error}");
    dovecot.start_again();
    assert_eq!(mailbox.select("INBOX").await.unwrap().exists, 1);
}

#[tokio::test]
async fn a_call_that_is_given_up_leaves_the_mailbox_usable() {
    let dovecot = Dovecot::start();
    for number in 0..20 {
        dovecot.append("INBOX", &message(&number.to_string()));
    }
    let mut mailbox = connect(&config(&dovecot, Tls::Implicit)).await.unwrap();
    let uids = mailbox.all_uids("INBOX").await.unwrap();
    let mut incoming = mailbox.fetch("INBOX", &uids).await.unwrap();
    assert!(incoming.next().await.unwrap().is_some());
    drop(incoming);
    assert_eq!(take_all(&mut mailbox, "INBOX").await.unwrap().len(), 20);
    mailbox.select("INBOX").await.unwrap();
    let waited = tokio::time::timeout(Duration::from_millis(1), mailbox.wait("INBOX", PATIENCE)).await;
    assert!(waited.is_err());
    assert_eq!(take_all(&mut mailbox, "INBOX").await.unwrap().len(), 20);
}

fn maildir(path: &Path) -> Config {
    Config { kind: Kind::Maildir, path: path.to_owned(), ..Config::default() }
}

#[tokio::test]
async fn a_maildir_is_read_in_order_and_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    for part in ["cur", "new", "tmp", ".Best&AOQ-llningar/cur", ".Best&AOQ-llningar/new"] {
        std::fs::create_dir_all(path(part)).unwrap();
    }
    std::fs::write(path("cur/999.b.host:2,S"), message("first")).unwrap();
    std::fs::write(path("new/1000.a.host"), message("second")).unwrap();
    std::fs::write(path("cur/1001.c.host:2,"), message("third")).unwrap();
    std::fs::write(path("tmp/1002.d.host"), message("unfinished")).unwrap();
    let mut mailbox = connect(&maildir(folder.path())).await.unwrap();
    assert_eq!(mailbox.folders().await.unwrap(), ["Beställningar", "INBOX"]);
    let state = mailbox.select("INBOX").await.unwrap();
    assert_eq!((state.exists, state.ascending), (3, false));
    let all = take_all(&mut mailbox, "INBOX").await.unwrap();
    assert_eq!(bodies(all.clone()), [message("first"), message("second"), message("third")]);
    assert!(path("new/1000.a.host").exists());

    // Another program marks it as read: the number stays, and a handle with the old name still finds it.
    std::fs::rename(path("new/1000.a.host"), path("cur/1000.a.host:2,S")).unwrap();
    let again = mailbox.fetch("INBOX", &[all[1].0]).await.unwrap().next().await.unwrap().unwrap();
    assert_eq!(again.body, Body::Bytes(message("second")));
    let mut other = connect(&maildir(folder.path())).await.unwrap();
    assert_eq!(take_all(&mut other, "INBOX").await.unwrap(), all);
    assert_eq!(other.select("INBOX").await.unwrap(), state);

    for _twice in 0..2 {
        mailbox.act("INBOX", all[1].0, &After::Flag("\\Flagged".to_owned())).await.unwrap();
        mailbox.act("INBOX", all[2].0, &After::Move("Done".to_owned())).await.unwrap();
    }
    assert!(path("cur/1000.a.host:2,FS").exists());
    assert_eq!(mailbox.select("Done").await.unwrap().exists, 1);
    assert_eq!(mailbox.all_uids("INBOX").await.unwrap().len(), 2);

    mailbox.select("INBOX").await.unwrap();
    assert_eq!(mailbox.wait("INBOX", Duration::from_millis(10)).await.unwrap(), Wake::Timeout);
    std::fs::write(path("new/1003.e.host"), message("fourth")).unwrap();
    assert_eq!(mailbox.wait("INBOX", PATIENCE).await.unwrap(), Wake::News);
    assert!(matches!(mailbox.select("../etc").await, Err(MailboxError::NoFolder { .. })));
}

#[tokio::test]
async fn paths_on_the_command_line_are_what_they_look_like() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    std::fs::create_dir_all(path("maildir/cur")).unwrap();
    std::fs::create_dir_all(path("files/2026")).unwrap();
    std::fs::write(path("maildir/cur/1.a:2,"), message("m")).unwrap();
    std::fs::write(path("files/b.eml"), message("b")).unwrap();
    std::fs::write(path("files/2026/a.EML"), message("a")).unwrap();
    std::fs::write(path("files/readme.txt"), "no mail").unwrap();
    std::fs::write(path("box"), "From x\nSubject: 1\n\none\n\nFrom y\nSubject: 2\n\n>From two\n").unwrap();
    for (name, kind, expected) in [
        ("maildir", Kind::Maildir, vec![message("m")]),
        ("files", Kind::Eml, vec![message("a"), message("b")]),
        ("files/b.eml", Kind::Eml, vec![message("b")]),
        ("box", Kind::Mbox, vec![b"Subject: 1\n\none\n".to_vec(), b"Subject: 2\n\nFrom two\n".to_vec()]),
    ] {
        let config = Config::of_path(&path(name)).unwrap();
        assert_eq!(config.kind, kind);
        let mut mailbox = connect(&config).await.unwrap();
        let folders = config.folders();
        let all = take_all(&mut mailbox, &folders[0]).await.unwrap();
        assert_eq!(mailbox.select(&folders[0]).await.unwrap().exists, expected.len() as i64);
        assert_eq!(mailbox.all_uids(&folders[0]).await.unwrap().len(), expected.len());
        assert_eq!(bodies(all), expected, "{name}");
    }
    let error = Config::of_path(&path("nothing")).unwrap_err();
    assert!(error.to_string().starts_with("cannot use "), "{error}");
}

#[tokio::test]
async fn an_mbox_that_another_program_rewrites_is_read_anew() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("box");
    let entry = |number: u32| format!("From x\nSubject: {number}\n\nbody\n\n");
    std::fs::write(&path, [entry(1), entry(2)].concat()).unwrap();
    let config = Config::of_path(&path).unwrap();
    let mut mailbox = connect(&config).await.unwrap();
    mailbox.select("").await.unwrap();
    let first = take_all(&mut mailbox, "").await.unwrap();
    std::fs::write(&path, [entry(2), entry(3), entry(4)].concat()).unwrap();
    assert_eq!(mailbox.wait("", PATIENCE).await.unwrap(), Wake::News);
    assert!(mailbox.fetch("", &[first[0].0]).await.unwrap().next().await.unwrap().is_none());
    let second = take_all(&mut mailbox, "").await.unwrap();
    assert_eq!(second[0], first[1]);
    assert_eq!(second.len(), 3);
}

#[tokio::test]
async fn memory_fails_when_a_test_wants_it() {
    let memory = Memory::new();
    memory.append("INBOX", &message("one"));
    let mut mailbox = Mailbox::Memory(memory.clone());
    memory.fail_at(2);
    mailbox.select("INBOX").await.unwrap();
    assert!(mailbox.list("INBOX", 0, 1).await.unwrap_err().is_transient());
    assert_eq!(mailbox.list("INBOX", 0, 1).await.unwrap().len(), 1);
    memory.set_bytes_max(1);
    assert_eq!(bodies(take_all(&mut mailbox, "INBOX").await.unwrap()), [b"too large".to_vec()]);
}
