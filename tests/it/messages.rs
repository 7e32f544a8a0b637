//! Mails into what the program sees: each folder in `fixtures/messages` holds a mail and what must come of it.
//!
//! Each mail is read with LF and with CRLF, and both must give the same. Where the result differs, `actual.json` is
//! written beside `expected.json`; if it is right, it takes its place.

use crate::support::dice::Dice;
use mailroom::{
    message,
    model::message::Message,
    screen::{self, Site},
};
use serde_json::{Value, json};
use std::{fs, path::Path};

/// What a fixture compares: all that does not depend on line ends.
fn seen(message: &Message) -> Value {
    let site = Site { addresses: vec!["orders@fernwood.example".to_owned()], ..Site::default() };
    let screened = screen::screen(message, &site);
    let bounce = screen::bounce::parse(message);
    let attachments: Vec<Value> = message
        .attachments
        .iter()
        .map(|a| {
            let as_written = ["message/", "text/", "application/pgp-"];
            let encoded = !as_written.iter().any(|kind| a.media_type.starts_with(kind));
            json!({
                "name": a.name,
                "media_type": a.media_type,
                "inline": a.inline,
                "sha256": encoded.then_some(&a.sha256),
            })
        })
        .collect();
    json!({
        "from": message.from,
        "reply_to": message.reply_to,
        "subject": message.subject,
        "date_ms": message.date_ms,
        "rfc_message_id": message.rfc_message_id,
        "in_reply_to": message.in_reply_to,
        "references": message.references,
        "language": message.language,
        "text": message.text,
        "new_text": message.new_text,
        "quoted_text": message.quoted_text,
        "signature": message.signature,
        "attachments": attachments,
        "findings": message.findings.iter().map(|f| f.code.as_str()).collect::<Vec<_>>(),
        "screened": screened,
        "bounce": bounce.map(|b| json!([b.recipient, b.status, b.permanent, b.original_message_id])),
        "follow_up": message::subject::ticket_number(&message.subject),
    })
}

fn with_crlf(raw: &[u8]) -> Vec<u8> {
    raw.split(|b| *b == b'\n').collect::<Vec<_>>().join(&b"\r\n"[..])
}

#[test]
fn every_mail_is_seen_as_its_fixture_says() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/messages");
    let mut cases: Vec<_> =
        fs::read_dir(&folder).unwrap().map(|e| e.unwrap().path()).filter(|p| p.is_dir()).collect();
    cases.sort();
    let mut differing = Vec::new();
    for case in &cases {
        assert!(case.join("about.toml").is_file(), "{} has no about.toml", case.display());
        let raw = fs::read(case.join("input.eml")).unwrap();
        let expected = fs::read_to_string(case.join("expected.json")).unwrap_or_default();
        let expected: Value = serde_json::from_str(&expected).unwrap_or_default();
        for (ending, raw) in [("LF", raw.clone()), ("CRLF", with_crlf(&raw))] {
            let actual = seen(&message::parse(&raw));
            if actual != expected {
                let text = serde_json::to_string_pretty(&actual).unwrap() + "\n";
                fs::write(case.join("actual.json"), text).unwrap();
                differing.push(format!("{} with {ending}", case.display()));
                break;
            }
        }
    }
    assert!(cases.len() >= 25, "only {} cases", cases.len());
    assert!(differing.is_empty(), "see actual.json beside expected.json:\n{}", differing.join("\n"));
}

#[test]
fn a_header_alone_gives_the_message_id_of_the_whole_message() {
    let check = |raw: &str, expected: Option<&str>| {
        assert_eq!(message::parse(raw.as_bytes()).rfc_message_id.as_deref(), expected, "whole: {raw:?}");
        assert_eq!(message::rfc_message_id(raw.as_bytes()).as_deref(), expected, "header: {raw:?}");
    };
    check("Message-ID: <a@b.example>\n\nText", Some("a@b.example"));
    check("Subject: x\r\nmessage-id: <a@b.example>\r\n", Some("a@b.example"));
    check(
        "From a@b.example Mon Nov  2 10:00:00 2026\nMessage-ID: <a@b.example>\n\nText",
        Some("a@b.example"),
    );
    // a line of blanks folds the subject on; it does not end the header
    check("Subject: x\n \n y\nMessage-ID: <a@b.example>\n\nText", Some("a@b.example"));
    check("Subject: x\n\nMessage-ID: <a@b.example>\n", None);
    check("", None);
    check(
        "Content-Type: multipart/mixed; boundary=b\n\n--b\nMessage-ID: <inner@b.example>\n\nText\n--b--\n",
        None,
    );
}

/// Pieces that matter to a parser of mail.
const PIECES: &[&[u8]] = &[
    b"\n",
    b"\r\n",
    b"\n\n",
    b"--",
    b"--m",
    b"--m--\n",
    b"\nContent-Type: multipart/mixed; boundary=m\n\n",
    b"Content-Type: text/html\n\n",
    b"=?utf-8?B?",
    b"?=",
    b"=?x?Q?=FF?=",
    b"Content-Transfer-Encoding: base64\n\n",
    b"Content-Type: message/rfc822\n\n",
    b"filename*0*=utf-8''%",
    b"\"",
    b"<",
    b">",
    b"<!--",
    b"<table><tr><td>",
    b"</td></table>",
    b"<blockquote>",
    b"&#",
    b"\0",
    b"\xff\xfe",
    b"> ",
    b"On 1 Jan 2024 a@b wrote:\n",
    b"From: ",
    b"\xc3",
    b"(",
    b"\\",
    b";",
    b"charset=utf-16",
    b"charset=iso-2022-jp\n\n\x1b$B",
    b"begin 644 a\n",
    b"%:&5L;&\\\n`\nend\n",
    b"=ybegin line=128 size=3 name=a\n",
    b"=yend size=3\n",
    b"-----BEGIN PGP SIGNED MESSAGE-----\n",
    b"-----BEGIN PGP SIGNATURE-----\n",
    b"-----END PGP SIGNATURE-----\n",
    b"Content-Type: application/pkcs7-mime\n\n0\x80",
    b"Content-Type: application/ms-tnef\n\nx\x9f>\"\x01\x00",
    b"BEGIN:VEVENT\n",
    b"-- \n",
];

#[test]
fn no_bytes_make_the_parser_panic_or_grow() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/messages");
    let mut seeds: Vec<_> =
        fs::read_dir(&folder).unwrap().map(|e| e.unwrap().path().join("input.eml")).collect();
    seeds.sort();
    let seeds: Vec<Vec<u8>> = seeds.iter().map(|p| fs::read(p).unwrap()).collect();
    let mut dice = Dice(0x9e37_79b9_7f4a_7c15);
    for round in 0..4_000 {
        let mut raw = seeds[dice.roll(seeds.len())].clone();
        if round % 10 == 0 {
            raw = (0..dice.roll(400)).map(|_| u8::try_from(dice.roll(256)).unwrap()).collect();
        }
        for _ in 0..dice.roll(12) {
            let at = dice.roll(raw.len() + 1);
            match dice.roll(4) {
                0 => raw.truncate(at),
                1 => {
                    let piece = PIECES[dice.roll(PIECES.len())];
                    raw.splice(at..at, piece.iter().copied());
                }
                2 => {
                    let end = (at + dice.roll(40)).min(raw.len());
                    raw.drain(at..end);
                }
                _ => {
                    if let Some(byte) = raw.get_mut(at) {
                        *byte = u8::try_from(dice.roll(256)).unwrap();
                    }
                }
            }
        }
        let message = message::parse(&raw);
        let files: usize = message.attachments.iter().map(|a| a.bytes.len()).sum();
        assert!(files <= raw.len() * 2, "round {round}: {files} bytes of files from {}", raw.len());
        assert!(message.text.len() <= raw.len() * 8 + 1_000, "round {round}: the text grew");
        screen::screen(&message, &Site::default());
        screen::bounce::parse(&message);
    }
}

#[test]
fn hostile_mails_cost_no_more_than_their_size() {
    let head = "From: a@b.example\nMIME-Version: 1.0\n";
    let repeat = |text: &str, times: usize| text.repeat(times);
    let nested: String =
        (0..5_000).map(|n| format!("Content-Type: multipart/mixed; boundary=b{n}\n\n--b{n}\n")).collect();
    let missing: String =
        (0..5_000).map(|n| format!("--m\nContent-Type: multipart/mixed; boundary=x{n}\n\ntext\n")).collect();
    let cases = [
        ("nested", format!("{head}{nested}")),
        (
            "missing boundaries",
            format!("{head}Content-Type: multipart/mixed; boundary=m\n\n{missing}--m--\n"),
        ),
        (
            "many parts",
            format!(
                "{head}Content-Type: multipart/mixed; boundary=m\n\n{}--m--\n",
                repeat("--m\n\nx\n", 20_000)
            ),
        ),
        ("long header", format!("{head}Subject: {}\n\nx", repeat("=?utf-8?B?", 200_000))),
        ("many headers", format!("{head}{}\nx", repeat("X-A: b\n", 100_000))),
        ("many recipients", format!("{head}To: {}\n\nx", repeat("a <b@c.example>, ", 100_000))),
        (
            "open comments",
            format!("{head}Content-Type: text/html\n\n{}", repeat("<!-- <style> <script>", 50_000)),
        ),
        (
            "deep html",
            format!(
                "{head}Content-Type: text/html\n\n{}x",
                repeat("<div><blockquote><table><tr><td>", 30_000)
            ),
        ),
        (
            "many links",
            format!("{head}Content-Type: text/html\n\n{}", repeat("<a href='http://x'>y</a>", 100_000)),
        ),
        ("quotes", format!("{head}\n{}", repeat("> > > > On 1 Jan 2024 a@b wrote\n", 50_000))),
        ("attributions", format!("{head}\n{}", repeat("On 12 Jan 2024 somebody\n", 50_000))),
        ("ampersands", format!("{head}Content-Type: text/html\n\n{}", repeat("&", 500_000))),
        ("open quotes", format!("{head}To: {}\n\nx", repeat("\"", 50_000))),
        ("uuencoded files", format!("{head}\n{}", repeat("begin 644 a\n%:&5L;&\\\n`\nend\n", 3_000))),
        ("uuencoded files without end", format!("{head}\n{}", repeat("begin 644 a\n`\n", 5_000))),
        ("yEnc without end", format!("{head}\n{}", repeat("=ybegin line=9 size=9 name=a\n", 5_000))),
        ("armour without end", format!("{head}\n{}", repeat("-----BEGIN PGP MESSAGE-----\nabc\n", 5_000))),
        ("signed and signed", format!("{head}\n{}", repeat("-----BEGIN PGP SIGNED MESSAGE-----\n", 5_000))),
        (
            "open octet strings",
            format!("{head}Content-Type: application/pkcs7-mime\n\n{}", repeat("0\u{1}$\u{1}", 100_000)),
        ),
        (
            "calendar",
            format!(
                "{head}Content-Type: text/calendar\n\n{}",
                repeat("BEGIN:VEVENT\nSUMMARY:a\n b\n", 50_000)
            ),
        ),
    ];
    for (name, raw) in cases {
        let message = message::parse(raw.as_bytes());
        assert!(message.text.len() <= raw.len() * 3, "{name}");
        assert!(message.attachments.len() <= 1_000 && message.headers.len() <= 1_000, "{name}");
    }
}
