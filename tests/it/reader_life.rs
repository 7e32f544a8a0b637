//! The life of reader processes, watched from outside: who is started, who is stopped, and what becomes of the documents.
#![cfg(target_os = "linux")]

use crate::{
    reader::config,
    support::{
        dice::Dice,
        files::{pdf, png},
        site::TestSite,
    },
};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use image::{GrayImage, Luma};
use mailroom::reader::{Config, Limits, Options, Reader};
use std::{
    collections::BTreeSet,
    fs,
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
};

/// A program that writes its process number down, and then is the real reader.
fn noted(folder: &Path) -> PathBuf {
    let program = folder.join("reader");
    let script = format!(
        "#!/bin/sh\necho $$ >> '{}'\nexec '{}' \"$@\"\n",
        folder.join("started").display(),
        env!("CARGO_BIN_EXE_mailroom")
    );
    fs::write(&program, script).unwrap();
    fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).unwrap();
    program
}

/// The numbers of the processes started so far, in their order.
fn started(folder: &Path) -> Vec<u32> {
    let text = fs::read_to_string(folder.join("started")).unwrap_or_default();
    text.lines().map(|line| line.parse().unwrap()).collect()
}

/// The most memory that a process has held so far, in kilobytes.
fn peak_kb(process: u32) -> u64 {
    let status = fs::read_to_string(format!("/proc/{process}/status")).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
    line.trim().trim_end_matches(" kB").parse().unwrap()
}

#[tokio::test]
async fn a_worn_out_reader_is_replaced_and_its_memory_comes_back() {
    let folder = tempfile::tempdir().unwrap();
    let limits = Limits { pages: 2, ..Limits::default() };
    let program = Some(noted(folder.path()));
    let reader = Reader::start(Config { program, recycle_after_pages: 3, limits, ..config() });
    let read = async |bytes: &[u8]| {
        let pages = reader.read(bytes, &Options::default()).await.unwrap().pages.len();
        (pages, *started(folder.path()).last().unwrap())
    };
    let large = "x\n".repeat(4 << 20);
    let (pages, first) = read(large.as_bytes()).await;
    assert_eq!(pages, 2);
    let worn = peak_kb(first);
    assert_eq!(read(b"Order 4711").await, (1, first));
    let (_, second) = read(b"Order 4712").await;
    let fresh = peak_kb(second);
    for _ in 0..3 {
        read(b"Order 4713").await;
    }
    let all = started(folder.path());
    assert_eq!((all.len(), all.iter().collect::<BTreeSet<_>>().len()), (3, 3), "{all:?}");
    assert_ne!(first, second);
    assert!(fresh < worn, "{fresh} kB after {worn} kB");
}

fn mail(number: u32, name: &str, file: &[u8]) -> String {
    format!(
        "From: Ann Lee <ann@buyer.example>\nTo: orders@site.example\nSubject: Order {number}\n\
         Message-ID: <{number}@test.example>\nDate: Mon, 2 Nov 2026 10:00:00 +0000\nMIME-Version: 1.0\n\
         Content-Type: multipart/mixed; boundary=b\n\n--b\nContent-Type: text/plain\n\nSee the file.\n\
         --b\nContent-Type: application/octet-stream; name=\"{name}\"\nContent-Transfer-Encoding: base64\n\n{}\n--b--\n",
        STANDARD.encode(file)
    )
}

/// Nothing but dots: OCR thinks about them for many seconds.
fn endless() -> Vec<u8> {
    let mut dice = Dice(0x5eed_0005);
    png(&GrayImage::from_fn(2480, 3508, |_, _| Luma([if dice.roll(4) == 0 { 0 } else { 255 }])))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_document_whose_reader_dies_twice_goes_to_quarantine_and_the_queue_goes_on() {
    let folder = tempfile::tempdir().unwrap();
    let program = noted(folder.path());
    let site = TestSite::open_with(|config| {
        config.reader.program = Some(program);
        config.reader.processes = 1;
        config.reader.limits.page_seconds = 1;
    })
    .await;
    let order = pdf(&[&[(60, 80, 12, "Please deliver two bolts to our warehouse")]]);
    site.deliver(&mail(1, "dots.png", &endless()));
    site.deliver(&mail(2, "order.pdf", &order));
    let state = site.settle().await;
    for expected in
        ["file \"dots.png\" failed reader_killed", "quarantine reader_killed", "file \"order.pdf\" read"]
    {
        assert!(state.contains(expected), "{expected} not in\n{state}");
    }
    assert_eq!(state.matches("processed \"Order").count(), 2, "{state}");
    let number = started(folder.path()).len();
    site.deliver(&mail(3, "next.pdf", &pdf(&[&[(60, 80, 12, "Please deliver three bolts")]])));
    let state = site.settle().await;
    assert!(state.contains("file \"next.pdf\" read"), "{state}");
    assert_eq!(
        started(folder.path()).len(),
        3,
        "one for each try, and one for the others; {number} before the last"
    );
    let mut db = site.app.store.read().await.unwrap();
    let [entry] = &db.list_quarantine(None, 9).await.unwrap()[..] else { panic!("one entry") };
    assert!(entry.entry.detail.contains("processor time"), "{}", entry.entry.detail);
}
