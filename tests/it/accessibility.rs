//! Every page through axe-core, light and dark; how much each page weighs; and a picture of each.
//!
//! axe-core comes from the npm registry into `target` and is no part of the project.

use crate::support::{
    browser::Browser,
    desk::{Desk, PASSWORD},
};
use serde_json::Value;
use std::{path::PathBuf, process::Command};

/// The version of axe-core.
const AXE: &str = "axe-core@4.14.1";

/// Bytes of a page with its style sheets and scripts, without pictures.
const WEIGHT: &str = "
    const parts = [...performance.getEntriesByType('navigation'), ...performance.getEntriesByType('resource')];
    return parts.filter((p) => ['navigation', 'link', 'script', 'css', 'other'].includes(p.initiatorType))
        .filter((p) => !/\\.(png|svg)$/.test(p.name)).reduce((sum, p) => sum + p.decodedBodySize, 0);";

/// What a page may weigh, in bytes.
pub(crate) const WEIGHT_MAX: u64 = 150_000;

/// Serious and critical violations of WCAG 2.2 AA, each with what breaks it.
const RUN: &str = "
    const done = arguments[arguments.length - 1];
    const rules = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'];
    axe.run(document, { runOnly: rules, resultTypes: ['violations'] }).then(({ violations }) => done(violations
        .filter((v) => ['serious', 'critical'].includes(v.impact))
        .flatMap((v) => v.nodes.slice(0, 4).map((n) => `${v.id}: ${n.html.slice(0, 200)} (${n.any[0]?.message ?? v.help})`))));";

/// The script of axe-core.
fn axe() -> String {
    let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("axe");
    let script = folder.join("package/axe.min.js");
    if !script.exists() {
        std::fs::create_dir_all(&folder).unwrap();
        let packed = Command::new("npm").args(["pack", AXE, "--silent"]).current_dir(&folder).output();
        let packed = packed.expect("npm is installed (apt-get install npm)");
        let name = String::from_utf8(packed.stdout).unwrap();
        let tar = Command::new("tar").args(["xzf", name.trim()]).current_dir(&folder).status().unwrap();
        assert!(tar.success(), "npm packed {AXE}: {}", String::from_utf8_lossy(&packed.stderr));
    }
    std::fs::read_to_string(script).unwrap()
}

async fn violations(browser: &Browser, axe: &str) -> Vec<String> {
    browser.run(axe).await;
    let found = browser.client.execute_async(RUN, Vec::new()).await.unwrap();
    found.as_array().unwrap().iter().filter_map(Value::as_str).map(str::to_owned).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn everybody_can_use_every_page() {
    let axe = axe();
    let desk = Desk::open().await;
    let browser = Browser::start(&desk.address, true).await;
    let mut faults = Vec::new();
    browser.open("/sign-in").await;
    browser.find("#password").await;
    faults.extend(violations(&browser, &axe).await.into_iter().map(|fault| format!("/sign-in {fault}")));
    // so tall that no bar that keeps to an edge lies over what is judged
    browser.client.set_window_size(1366, 3000).await.unwrap();
    browser.fill("#name", "ann").await;
    browser.fill("#password", PASSWORD).await;
    browser.click("button.primary").await;
    browser.find("#queues").await;
    let draft = format!("/drafts/{}", desk.draft);
    let pages = [
        ("home", "/".to_owned()),
        ("queue", "/queues/all".to_owned()),
        ("follow-ups", "/queues/follow_ups".to_owned()),
        ("ticket", format!("/tickets/{}", desk.ticket)),
        ("drafts", "/drafts".to_owned()),
        ("draft", draft.clone()),
        ("document", format!("/documents/{}", desk.document)),
        ("lessons", "/lessons".to_owned()),
        ("search", "/search?q=gasket".to_owned()),
        ("quarantine", "/quarantine".to_owned()),
        ("outbox", "/outbox".to_owned()),
        ("automation", "/automation".to_owned()),
        ("mailboxes", "/mailboxes".to_owned()),
        ("mailbox", "/mailboxes/new".to_owned()),
        ("log", "/audit".to_owned()),
        ("users", "/users".to_owned()),
        ("letterhead", "/settings/letterhead".to_owned()),
        ("rules", "/settings/rules".to_owned()),
        ("limits", "/settings/limits".to_owned()),
        ("queues", "/settings/queues".to_owned()),
        ("letters", "/templates".to_owned()),
        ("letter", "/templates/order_confirmation/en?ticket=1001".to_owned()),
        ("me", "/me".to_owned()),
        ("mentions", "/me/mentions".to_owned()),
        ("handed-to-me", "/drafts?of=me".to_owned()),
        ("accounts", "/accounts".to_owned()),
        ("catalogue", "/catalogue".to_owned()),
        ("webhooks", "/webhooks".to_owned()),
    ];
    for theme in ["light", "dark"] {
        // as a reader would choose it
        browser.open("/me").await;
        browser.find("#look-theme").await;
        browser.run(&format!("document.getElementById('look-theme').value = '{theme}'")).await;
        browser.click(".foot button").await;
        browser.find(&format!("html[data-theme={theme}]")).await;
        for (name, path) in &pages {
            browser.open(path).await;
            browser.find("main h1").await;
            browser.screenshot(&format!("{name}-{theme}")).await;
            let weight = browser.run(WEIGHT).await.as_u64().unwrap();
            assert!((1000..WEIGHT_MAX).contains(&weight), "{path} weighs {weight} bytes");
            let found = violations(&browser, &axe).await;
            faults.extend(found.into_iter().map(|fault| format!("{theme} {path} {fault}")));
        }
    }
    // the language is chosen the same way, and stays
    browser.open(&draft).await;
    browser.find("#look-language").await;
    browser.run("document.getElementById('look-language').value = 'sv'").await;
    browser.click(".foot button").await;
    browser.find("html[lang=sv] #review .bar [role=status]").await;
    assert_eq!(browser.path().await, draft, "back to where the reader was");
    assert!(browser.find("[data-sum]").await.text().await.unwrap().contains("596,80"));
    browser.close().await;
    assert!(faults.is_empty(), "{} serious or critical findings:\n{}", faults.len(), faults.join("\n"));
}
