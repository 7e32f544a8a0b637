//! Documents that mean harm, or are merely broken, and readers that misbehave: each costs its own document only.

use crate::{
    reader::{config, samples},
    support::{
        bombs,
        dice::Dice,
        files::{msg, pdf, tiff, tnef},
    },
};
use image::GrayImage;
use mailroom::{
    model::page::Pages,
    reader::{Config, Limits, Options, ReadError, Reader, decode, protocol},
};
use std::path::Path;

const GOOD: &[u8] = b"Order 4711\n";
/// Bytes that an answer to any of these files may hold, the files inside it apart.
const ANSWER_BYTES_MAX: usize = 48 << 20;

/// Few pages, so that the tests are quick.
fn few_pages() -> Config {
    Config { limits: Limits { pages: 50, ocr_pages: 2, ..Limits::default() }, ..config() }
}

async fn next_document_is_read(reader: &Reader) {
    assert_eq!(reader.read(GOOD, &Options::default()).await.unwrap().pages.len(), 1);
}

/// What becomes of a file, in the words of the table.
fn outcome(answer: Result<Pages, ReadError>) -> String {
    let pages = match answer {
        Ok(pages) => pages,
        Err(ReadError::Killed { .. } | ReadError::Crashed { .. }) => {
            return "its reader is stopped".to_owned();
        }
        Err(other) => panic!("{other}"),
    };
    let count = |number: usize, what: &str| match number {
        0 => None,
        1 => Some(format!("1 {what}")),
        more => Some(format!("{more} {what}s")),
    };
    let mut codes: Vec<String> = pages.findings.into_iter().map(|f| f.code).collect();
    codes.sort_unstable();
    codes.dedup();
    let found = [count(pages.pages.len(), "page"), count(pages.embedded.len(), "file")];
    let words: Vec<String> =
        [pages.format].into_iter().chain(found.into_iter().flatten()).chain(codes).collect();
    words.join(", ")
}

#[tokio::test]
async fn hostile_files_end_as_the_table_says() {
    let reader = Reader::start(few_pages());
    let mut table = String::from("| threat | file | what becomes of it |\n|---|---|---|\n");
    for (threat, name, bytes) in bombs::all() {
        let answer = reader.read(&bytes, &Options::default()).await;
        if let Ok(pages) = &answer {
            let words = serde_json::to_vec(&pages.pages).unwrap().len();
            assert!(words < ANSWER_BYTES_MAX, "{name}: {words} bytes");
        }
        table.push_str(&format!("| {threat} | {name} | {} |\n", outcome(answer)));
        next_document_is_read(&reader).await;
    }
    assert_eq!(table, include_str!("hostile.md"), "what becomes of them has changed: is it better?\n{table}");
}

#[tokio::test]
async fn a_sheet_with_far_corners_has_two_cells() {
    let pages = Reader::start(config()).read(&bombs::far_corners(), &Options::default()).await.unwrap();
    let cells: Vec<_> = pages.pages[0].cells.iter().map(|c| (c.row, c.column, c.text.as_str())).collect();
    assert_eq!(cells, [(0, 0, "1"), (1_048_575, 16_383, "2")]);
}

#[tokio::test]
async fn a_file_cut_anywhere_is_survived() {
    let reader = Reader::start(config());
    let two_pages = pdf(&[&[(60, 80, 12, "Purchase order 4711")], &[(60, 80, 12, "page two")]]);
    let fax = tiff(&[GrayImage::from_pixel(64, 64, image::Luma([255]))]);
    let archive = bombs::archives_in_archives(2);
    let more = [("pdf", two_pages), ("tiff", fax), ("zip", archive), ("msg", msg()), ("tnef", tnef())];
    for (_, whole) in samples().into_iter().chain(more) {
        for tenth in 0..10 {
            let cut = &whole[..whole.len() * tenth / 10];
            reader.read(cut, &Options::default()).await.unwrap();
        }
    }
    next_document_is_read(&reader).await;
}

#[test]
fn mutated_files_are_survived() {
    const ROUNDS: usize = 60;
    let mut dice = Dice(0x5eed_0003);
    let fax = tiff(&[GrayImage::from_pixel(64, 64, image::Luma([255]))]);
    let limits = Limits { ocr_pages: 0, ..Limits::default() };
    let more = [("tiff", fax), ("zip", bombs::archives_in_archives(2)), ("msg", msg()), ("tnef", tnef())];
    for (_, whole) in samples().into_iter().chain(more) {
        for _ in 0..ROUNDS {
            let mut bytes = whole.clone();
            for _ in 0..=dice.roll(8) {
                mutate(&mut bytes, &mut dice);
            }
            // whatever comes of it, it comes back
            decode(bytes, &Options::default(), &limits);
        }
    }
}

/// Changes a byte, or takes out, doubles or moves a stretch.
pub(crate) fn mutate(bytes: &mut Vec<u8>, dice: &mut Dice) {
    let at = dice.roll(bytes.len());
    let stretch = at..(at + dice.roll(32)).min(bytes.len());
    match dice.roll(5) {
        0 => bytes.iter_mut().skip(at).take(1).for_each(|b| *b = dice.roll(256) as u8),
        1 => bytes.iter_mut().skip(at).take(1).for_each(|b| *b ^= 1 << dice.roll(8)),
        2 => drop(bytes.drain(stretch)),
        3 => {
            let copy = bytes[stretch].to_vec();
            let to = dice.roll(bytes.len());
            bytes.splice(to..to, copy);
        }
        _ => bytes.iter_mut().skip(at).take(4).for_each(|b| *b = 0xff),
    }
}

#[test]
fn mutated_frames_are_survived() {
    let mut wire = Vec::new();
    let hello = protocol::Hello { version: protocol::VERSION, protections: vec!["none".into()] };
    protocol::write_frame(&mut wire, &hello, b"body").unwrap();
    let mut dice = Dice(0x5eed_0004);
    for _ in 0..2000 {
        let mut bytes = wire.clone();
        // the lengths stay small: what they may claim at most is tested with the frames
        let at = 8 + dice.roll(bytes.len() - 8);
        bytes[at] = dice.roll(256) as u8;
        bytes.truncate(dice.roll(bytes.len() + 1));
        drop(protocol::read_frame::<protocol::Hello>(&mut bytes.as_slice()));
    }
}

#[tokio::test]
async fn a_slow_reader_is_killed_and_replaced() {
    let limits = Limits { document_seconds: 0, ..Limits::default() };
    let reader = Reader::start(Config { limits, ..config() });
    let page: &[(i32, i32, i32, &str)] = &[(60, 80, 12, "text")];
    let long = pdf(&vec![page; 500]);
    let lost = reader.read(&long, &Options::default()).await;
    assert!(matches!(lost, Err(ReadError::Killed { .. })), "{:?}", lost.map(|pages| pages.pages.len()));
}

#[tokio::test]
async fn a_reader_without_memory_dies_alone() {
    let reader = Reader::start(Config { memory_mb: 400, ..config() });
    let hungry = pdf(&[&[(60, 80, 12, "text")]]);
    let lost = reader.picture(&hungry, 1, 32_000, &[]).await;
    assert!(matches!(lost, Ok(_) | Err(ReadError::Crashed { .. })), "{lost:?}");
    next_document_is_read(&reader).await;
}

#[tokio::test]
async fn a_file_beyond_the_limit_is_not_even_sent() {
    let reader = Reader::start(Config { limits: Limits { bytes: 4, ..Limits::default() }, ..config() });
    assert!(matches!(reader.read(GOOD, &Options::default()).await, Err(ReadError::Limit { limit: 4, .. })));
}

/// A reader that does what a shell script says, and may work, and do nothing, for so many seconds.
#[cfg(unix)]
fn impostor(folder: &Path, script: &str, seconds: u64) -> Reader {
    use std::os::unix::fs::PermissionsExt as _;
    let program = folder.join("reader");
    std::fs::write(&program, format!("#!/bin/sh\n{script}\n")).unwrap();
    std::fs::set_permissions(&program, std::fs::Permissions::from_mode(0o755)).unwrap();
    let limits =
        Limits { output_bytes: 1 << 20, page_seconds: seconds, idle_seconds: seconds, ..Limits::default() };
    Reader::start(Config { program: Some(program), limits, ..config() })
}

/// A frame as an octal argument of `printf`.
#[cfg(unix)]
fn octal(header: &str, body_length: u32) -> String {
    let lengths =
        u32::try_from(header.len()).unwrap().to_le_bytes().into_iter().chain(body_length.to_le_bytes());
    lengths.chain(header.bytes()).map(|b| format!("\\{b:03o}")).collect()
}

#[cfg(unix)]
#[tokio::test]
async fn readers_that_misbehave_cost_their_document_only() {
    let hello = octal(&format!("{{\"version\":{},\"protections\":[]}}", protocol::VERSION), 0);
    let old = octal("{\"version\":1,\"protections\":[]}", 0);
    let finding = octal("{\"finding\":{\"code\":\"x\",\"severity\":\"note\",\"message\":\"x\"}}", 0);
    for (name, script, expected) in [
        ("does not start", "exit 3".to_owned(), "start"),
        ("speaks an old version", format!("printf '{old}'; cat > /dev/null"), "start"),
        ("dies at once", format!("printf '{hello}'; exit 3"), "crashed"),
        ("dies of a signal", format!("printf '{hello}'; kill -11 $$"), "crashed"),
        (
            "says nonsense",
            format!("printf '{hello}'; head -c 99 /dev/zero | tr '\\0' '\\377'; cat > /dev/null"),
            "crashed",
        ),
        (
            "claims a huge frame",
            format!("printf '{hello}\\377\\377\\377\\377\\377\\377\\377\\377'; cat > /dev/null"),
            "crashed",
        ),
        ("never answers", format!("printf '{hello}'; sleep 60"), "killed"),
        ("never stops thinking", format!("printf '{hello}'; while :; do :; done"), "killed"),
        ("never ends", format!("printf '{hello}'; while printf '{finding}'; do :; done"), "killed"),
    ] {
        let folder = tempfile::tempdir().unwrap();
        // only those that never answer are waited for
        let reader = impostor(folder.path(), &script, if expected == "killed" { 1 } else { 60 });
        let outcome = match reader.read(GOOD, &Options::default()).await {
            Err(ReadError::Start(_)) => "start",
            Err(ReadError::Crashed { .. }) => "crashed",
            Err(ReadError::Killed { .. }) => "killed",
            other => panic!("{name}: {other:?}"),
        };
        assert_eq!(outcome, expected, "{name}");
    }
}
