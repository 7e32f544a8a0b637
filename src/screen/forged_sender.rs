//! Does the receiving server say that the sender is forged?
//!
//! Reads `Authentication-Results` (RFC 8601): a failed DMARC check mutes automatic answers, so that they do not go to a
//! victim. Only the topmost field counts: those below it may come from the sender.
//! Does not: check signatures or DNS itself, nor call a mail forged for a failed SPF check alone: forwarding breaks SPF.

use super::{Site, Verdict};
use crate::model::{
    finding::{Finding, Severity},
    message::{Message, Origin},
};

/// A failed DMARC check mutes.
pub fn check(message: &Message, _site: &Site) -> Option<Verdict> {
    let reason = failed(message)?;
    Some(Verdict::muted(Origin::Person, reason))
}

/// The same as a finding, for the people who read the message.
pub fn note(message: &Message) -> Option<Finding> {
    let reason = failed(message)?;
    let text = format!(
        "The sender may be forged: {reason}. Do not act on changed bank or delivery data without calling back."
    );
    Some(Finding::new("sender_not_authenticated", Severity::Problem, text))
}

fn failed(message: &Message) -> Option<String> {
    let results = message.header("Authentication-Results")?.to_lowercase();
    let result = |method: &str| -> Option<String> {
        results
            .split([';', ' '])
            .find_map(|word| word.trim().strip_prefix(method)?.strip_prefix('=').map(str::to_owned))
    };
    let is_fail =
        |value: Option<String>| value.is_some_and(|v| matches!(v.trim(), "fail" | "permerror" | "hardfail"));
    if is_fail(result("dmarc")) {
        return Some("header Authentication-Results says dmarc=fail".to_owned());
    }
    if result("dmarc").is_none() && is_fail(result("spf")) && is_fail(result("dkim")) {
        return Some("header Authentication-Results says spf=fail and dkim=fail".to_owned());
    }
    None
}
