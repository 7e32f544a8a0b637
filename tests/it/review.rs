//! A day of reviewing: the sample mailbox worked through by keyboard alone, every key counted.

use crate::support::browser::Browser;
use fantoccini::{Locator, key::Key};
use serde_json::Value;
use std::{
    collections::BTreeMap,
    io::{BufRead as _, BufReader},
    net::TcpListener,
    path::Path,
    process::{Child, Command, Stdio},
};

/// Keys that an order may take, at the median.
const KEYSTROKES_MAX: usize = 20;
/// Stops in one draft at most, lest a test goes round in circles.
const STOPS_MAX: usize = 120;

/// How long an approval counts as meant for the draft before.
const UNSEEN: std::time::Duration = std::time::Duration::from_millis(1100);

/// The demonstration as its own process.
struct Demo {
    child: Child,
    address: String,
    password: String,
    _folder: tempfile::TempDir,
}

impl Drop for Demo {
    fn drop(&mut self) {
        let _already_gone = self.child.kill();
        drop(self.child.wait());
    }
}

fn demo() -> Demo {
    let folder = tempfile::tempdir().unwrap();
    let listen = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().to_string();
    let mut child = Command::new(env!("CARGO_BIN_EXE_mailroom"))
        .args(["demo", "--listen", &listen, "--data"])
        .arg(folder.path().join("data"))
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines().map_while(Result::ok);
    let password = lines
        .find_map(|line| line.strip_prefix("Sign in: demo / ").map(str::to_owned))
        .expect("the demonstration says how to sign in");
    Demo { child, address: format!("http://{listen}"), password, _folder: folder }
}

/// What the header fields of each order should say, by order number.
fn truth() -> BTreeMap<String, Value> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/demo/expected.json");
    let messages: Vec<Value> = serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap();
    let drafts = messages.iter().filter_map(|message| message["drafts"].as_array()).flatten();
    let fields = drafts.map(|draft| draft["fields"].clone());
    fields.filter_map(|f| Some((f["po_number"].as_str()?.to_owned(), f.clone()))).collect()
}

/// Works through the draft on the page and approves it; how many keys that took.
async fn review(browser: &Browser, truth: Option<&Value>) -> usize {
    let mut keys = 0;
    for _ in 0..STOPS_MAX {
        let focus = browser.focus().await;
        if focus == "approve" {
            break;
        }
        let wanted = focus.strip_prefix("f-").and_then(|name| truth?.get(name)?.as_str());
        if let Some(wanted) = wanted {
            let selector = format!("#{focus}");
            if browser.value(&selector).await != wanted {
                browser.fill(&selector, wanted).await;
                keys += wanted.chars().count();
            }
        }
        browser.press(Key::Enter).await;
        keys += 1;
    }
    assert_eq!(browser.focus().await, "approve", "{}", browser.text().await);
    // at once it would be the second half of a double click
    tokio::time::sleep(UNSEEN).await;
    browser.press(Key::Enter).await;
    let after = "return document.querySelector('[data-held]') ? 'held'
                 : document.getElementById('approve') === document.activeElement ? 'same' : 'next'";
    for _ in 0..200 {
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        let now = browser.client.execute(after, Vec::new()).await;
        match now.ok().as_ref().and_then(Value::as_str) {
            // problems stand: they are accepted with one more key
            Some("held") => {
                tokio::time::sleep(UNSEEN).await;
                browser.press(Key::Enter).await;
                return keys + 2;
            }
            Some("next") => break,
            _ => {}
        }
    }
    keys + 1
}

#[expect(clippy::print_stdout, reason = "the figures are what the test is for")]
#[tokio::test(flavor = "multi_thread")]
async fn an_order_takes_few_keys() {
    let (demo, truth) = (demo(), truth());
    let browser = Browser::start(&demo.address, true).await;
    browser.open("/drafts").await;
    browser.fill("#name", "demo").await;
    browser.fill("#password", &demo.password).await;
    browser.click("button.primary").await;
    browser.find(".rows").await;
    browser.click(".rows .wide a").await;
    let mut counts = Vec::new();
    loop {
        browser.find("#review .bar [role=status]").await;
        let path = browser.path().await;
        // the page alone: style sheet and scripts come once for all of them
        let heavy = "return performance.getEntriesByType('navigation')[0].decodedBodySize";
        let heavy = browser.run(heavy).await.as_u64().unwrap();
        assert!(heavy < crate::accessibility::WEIGHT_MAX, "{path} weighs {heavy} bytes");
        let is_order = browser.value("#kind").await == "purchase_order";
        if browser.client.find(Locator::Css("#approve")).await.is_err() {
            // a test order: nobody can approve it
            let Ok(next) = browser.client.find(Locator::Css(".place a[rel=next]")).await else { break };
            next.click().await.unwrap();
        } else {
            let number = if is_order { browser.value("#f-po_number").await } else { String::new() };
            let keys = review(&browser, truth.get(&number)).await;
            if is_order {
                counts.push((keys, number));
            }
        }
        for turn in 0.. {
            if browser.path().await != path {
                break;
            }
            assert!(turn < 400, "no way on from {path}: {}", browser.text().await);
            tokio::time::sleep(std::time::Duration::from_millis(50)).await;
        }
        if browser.path().await == "/drafts" {
            break;
        }
    }
    counts.sort();
    println!("keystrokes by order: {counts:?}");
    assert!(counts.len() >= 10, "the sample holds orders: {counts:?}");
    let (median, _) = &counts[counts.len() / 2];
    assert!(*median <= KEYSTROKES_MAX, "{median} keys at the median: {counts:?}");

    // the program counted the same keys, and says so
    browser.open("/automation").await;
    let text = browser.text().await;
    assert!(text.contains("Median keystrokes"), "{text}");
    browser.screenshot("automation-measured").await;
    browser.close().await;
}
