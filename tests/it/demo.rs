//! The sample mailbox through the program itself: what became of each message, compared with what should have.

use serde_json::Value;
use std::{collections::BTreeMap, path::Path, process::Command};

/// Share of the expected drafts that must be there, with their kind, in percent.
const DRAFTS_MIN_PERCENT: usize = 80;

/// Share of the messages that must stand in a defensible queue or, honestly, in triage, in percent.
const QUEUES_MIN_PERCENT: usize = 90;

fn lines(bytes: &[u8]) -> Vec<Value> {
    String::from_utf8_lossy(bytes).lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

fn text<'a>(value: &'a Value, key: &str) -> &'a str {
    value[key].as_str().unwrap_or_default()
}

#[test]
fn the_sample_mailbox_comes_out_as_it_should() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let folder = tempfile::tempdir().unwrap();
    let done = Command::new(env!("CARGO_BIN_EXE_mailroom"))
        .args(["demo", "--exit", "--json", "--data"])
        .arg(folder.path().join("data"))
        .current_dir(root)
        .output()
        .unwrap();
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    let number = |fate: &Value| text(fate, "place").rsplit('/').next().unwrap()[..2].to_owned();
    let fates: BTreeMap<String, Value> =
        lines(&done.stdout).into_iter().map(|fate| (number(&fate), fate)).collect();
    let expected: Vec<Value> =
        serde_json::from_slice(&std::fs::read(root.join("fixtures/demo/expected.json")).unwrap()).unwrap();
    assert_eq!(fates.len(), expected.len(), "every message has its row");

    let mut faults = Vec::new();
    let (mut drafts, mut found, mut well_sorted) = (0, 0, 0);
    for expected in &expected {
        let number = text(expected, "message");
        let fate = &fates[number];
        if let Some(fault) = check(expected, fate, &fates) {
            faults.push(format!("{number} {}: {fault}", text(fate, "subject")));
        }
        let queue = text(fate, "queue");
        let also = expected["queue_also"].as_array().unwrap();
        let fine =
            queue == "triage" || queue == text(expected, "queue") || also.iter().any(|also| also == queue);
        well_sorted += usize::from(fine);
        for draft in expected["drafts"].as_array().unwrap() {
            drafts += 1;
            let kind = text(draft, "kind");
            let is_there = fate["drafts"]
                .as_array()
                .unwrap()
                .iter()
                .any(|draft| draft.as_str().unwrap().split(' ').next() == Some(kind));
            found += usize::from(is_there);
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
    assert!(found * 100 >= drafts * DRAFTS_MIN_PERCENT, "{found} of {drafts} drafts");
    assert!(well_sorted * 100 >= expected.len() * QUEUES_MIN_PERCENT, "{well_sorted} well sorted");
    check_proof(&folder.path().join("data"));
}

/// What must hold for each message, whatever was read in its documents.
fn check(expected: &Value, fate: &Value, fates: &BTreeMap<String, Value>) -> Option<String> {
    for key in ["outcome", "origin"] {
        if expected.get(key).is_some_and(|value| !value.is_null()) && text(expected, key) != text(fate, key) {
            return Some(format!("{key} is {}, not {}", text(fate, key), text(expected, key)));
        }
    }
    if expected["muted"].as_bool().is_some_and(|muted| Some(muted) != fate["muted"].as_bool()) {
        return Some("is muted, or not, against expectation".to_owned());
    }
    if let Some(other) = text(expected, "ticket").strip_prefix("joins:")
        && text(&fates[other], "ticket") != text(fate, "ticket")
    {
        return Some(format!("did not join the ticket of message {other}"));
    }
    if text(expected, "ticket") == "new" && !text(fate, "rule").starts_with("new ticket") {
        return Some(format!("joined a ticket by {}", text(fate, "rule")));
    }
    let replied = !fate["replies"].as_array().unwrap().is_empty();
    (fate["muted"] == true && replied).then(|| "was answered although it is muted".to_owned())
}

/// The demonstration's own data prove themselves.
fn check_proof(data: &Path) {
    let done = Command::new(env!("CARGO_BIN_EXE_mailroom"))
        .arg("verify")
        .env("MAILROOM__SITE__DATA_DIR", data)
        .current_dir(data)
        .output()
        .unwrap();
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stdout));
}
