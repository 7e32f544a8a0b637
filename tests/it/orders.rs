//! Orders that need no picture (structured standards, sheets, the text of a mail): each file in `fixtures/orders` with
//! what must come of it.
//!
//! Where the result differs, `NAME.actual.json` is written beside `NAME.json`; if it is right, it takes its place.

use crate::support::dice::Dice;
use mailroom::{
    extract::{Context, bundle, extract, message_pages},
    message,
    model::{
        account::Known,
        draft::{Draft, Line},
    },
    reader::{Limits, Options, decode},
    validate,
};
use serde_json::{Map, Value, json};
use std::{fs, path::Path};

/// Values below this are marked in what a fixture compares.
const SURE: f32 = 0.9;

fn values(line: &Line) -> Value {
    let value = |p: &mailroom::model::draft::Proposal| {
        let text = p.value.as_text().unwrap_or_default().to_owned();
        if p.confidence < SURE { json!({ "unsure": text }) } else { json!(text) }
    };
    Value::Object(line.iter().map(|(name, p)| (name.clone(), value(p))).collect::<Map<_, _>>())
}

fn seen(draft: &Draft) -> Value {
    let mut findings: Vec<String> = draft.findings.iter().map(|f| f.code.clone()).collect();
    findings.extend(validate::check(draft, &Known::default()).into_iter().map(|f| f.code));
    json!({
        "kind": draft.kind,
        "language": draft.language,
        "standard": draft.standard,
        "fields": values(&draft.fields),
        "lines": draft.lines.iter().map(values).collect::<Vec<_>>(),
        "findings": findings,
    })
}

/// Pieces that matter to those who read messages.
const PIECES: &[&str] = &[
    "'",
    "+",
    ":",
    "?",
    "~",
    "*",
    "<",
    ">",
    "</",
    "&a;",
    "&#0;",
    "\n",
    "\u{e4}",
    "-",
    "99999999999999999999",
    "0",
    ".",
    ",",
    "UNA:+.? '",
    "LIN+",
    "PO1*",
    "<!DOCTYPE x [",
    "]]>",
    "\u{feff}",
    ";;;",
    "\"",
];

#[test]
fn broken_messages_are_read_without_a_panic() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/orders");
    let known = Known::default();
    let context = Context { known: &known, subject: None, sender_domain: None, lessons: &[], alone: false };
    let mut dice = Dice(20_260_301);
    for case in fs::read_dir(&folder).unwrap().map(|e| e.unwrap().path()) {
        if case.extension().is_some_and(|e| e == "json") {
            continue;
        }
        let text = String::from_utf8(fs::read(&case).unwrap()).unwrap();
        for _ in 0..12 {
            let mut letters: Vec<char> = text.chars().collect();
            for _ in 0..=dice.roll(6) {
                let at = dice.roll(letters.len());
                match dice.roll(3) {
                    0 => letters.truncate(at.max(1)),
                    1 => drop(letters.drain(at..(at + dice.roll(20)).min(letters.len()))),
                    _ => drop(letters.splice(at..at, PIECES[dice.roll(PIECES.len())].chars())),
                }
                if letters.is_empty() {
                    break;
                }
            }
            let broken: String = letters.into_iter().collect();
            let pages = decode(broken.into_bytes(), &Options::default(), &Limits::default());
            for draft in extract(&pages, &context) {
                validate::check(&draft, &known);
            }
        }
    }
}

#[test]
fn every_order_without_a_picture_is_read_as_its_fixture_says() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/orders");
    let mut cases: Vec<_> = fs::read_dir(&folder)
        .unwrap()
        .map(|e| e.unwrap().path())
        .filter(|p| p.extension().is_some_and(|e| e != "json"))
        .collect();
    cases.sort();
    let known = Known::default();
    let context = Context { known: &known, subject: None, sender_domain: None, lessons: &[], alone: false };
    let mut differing = Vec::new();
    for case in &cases {
        let bytes = fs::read(case).unwrap();
        let drafts = if case.extension().is_some_and(|e| e == "eml") {
            let message = message::parse(&bytes);
            let context = Context { subject: Some(&message.subject), ..context };
            let mut found = vec![extract(&message_pages(&message), &context)];
            bundle::settle(&mut found, Some(0));
            found.remove(0)
        } else {
            extract(&decode(bytes, &Options::default(), &Limits::default()), &context)
        };
        let actual: Vec<Value> = drafts.iter().map(seen).collect();
        let expected = fs::read_to_string(case.with_extension("json")).unwrap_or_default();
        let expected: Value = serde_json::from_str(&expected).unwrap_or_default();
        if json!(actual) != expected {
            let text = serde_json::to_string_pretty(&actual).unwrap() + "\n";
            fs::write(case.with_extension("actual.json"), text).unwrap();
            differing.push(case.display().to_string());
        }
    }
    assert!(cases.len() >= 15, "only {} cases", cases.len());
    assert!(differing.is_empty(), "see NAME.actual.json beside NAME.json:\n{}", differing.join("\n"));
}
