//! What a server's answers say, and how a command ended that has none.

use super::MailboxError;
use crate::mailbox::{error::server_text, utf7};
use async_imap::imap_proto::{AttributeValue, MailboxDatum, Outcome, Response};
use std::{collections::BTreeSet, fmt::Write as _};

/// Whether messages came or went. Flags do not count.
pub(super) fn is_news(response: &Response<'_>) -> bool {
    matches!(
        response,
        Response::Expunge(_) | Response::Vanished { .. } | Response::MailboxData(MailboxDatum::Exists(_))
    )
}

pub(super) fn uid_of(attributes: &[AttributeValue<'_>]) -> Option<i64> {
    attributes.iter().find_map(|attribute| match attribute {
        AttributeValue::Uid(uid) => Some(i64::from(*uid)),
        _ => None,
    })
}

pub(super) fn size_of(attributes: &[AttributeValue<'_>]) -> Option<i64> {
    attributes.iter().find_map(|attribute| match attribute {
        AttributeValue::Rfc822Size(size) => Some(i64::from(*size)),
        _ => None,
    })
}

/// `1:3,7` for 1, 2, 3, 7.
pub(super) fn uid_set(uids: &BTreeSet<i64>) -> String {
    let mut runs: Vec<(i64, i64)> = Vec::new();
    for uid in uids {
        match runs.last_mut() {
            Some((_, last)) if *last + 1 == *uid => *last = *uid,
            _ => runs.push((*uid, *uid)),
        }
    }
    let mut set = String::new();
    for (first, last) in runs {
        let comma = if set.is_empty() { "" } else { "," };
        let _infallible =
            if first == last { write!(set, "{comma}{first}") } else { write!(set, "{comma}{first}:{last}") };
    }
    set
}

/// A folder name as a quoted string. Control characters were refused with the configuration.
pub(super) fn quoted(folder: &str) -> String {
    format!("\"{}\"", utf7::encode(folder).replace('\\', "\\\\").replace('"', "\\\""))
}

pub(super) async fn in_time<T>(
    verb: &'static str,
    seconds: u64,
    limited: impl Future<Output = Result<T, tokio::time::error::Elapsed>>,
) -> Result<T, MailboxError> {
    limited.await.map_err(|_elapsed| MailboxError::Timeout { verb, seconds })
}

pub(super) fn broken(verb: &'static str) -> MailboxError {
    MailboxError::Broken { verb, source: None }
}

pub(super) fn protocol(verb: &'static str, text: &str) -> MailboxError {
    MailboxError::Protocol { verb, text: server_text(text) }
}

pub(super) fn denied(verb: &'static str, outcome: &Outcome<'_>) -> MailboxError {
    MailboxError::Denied { verb, text: server_text(outcome.information.as_deref().unwrap_or_default()) }
}

/// The server's own words in what the client makes of them: `code: None, info: Some("…")`.
pub(super) fn server_words(text: &str) -> String {
    let words = text.split_once("info: Some(\"").and_then(|(_, rest)| rest.rsplit_once("\")"));
    server_text(words.map_or(text, |(words, _)| words))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn uid_sets_are_short() {
        for (uids, expected) in [(vec![], ""), (vec![7], "7"), (vec![3, 1, 2, 7, 9, 8, 20], "1:3,7:9,20")] {
            assert_eq!(uid_set(&uids.into_iter().collect()), expected);
        }
    }

    #[test]
    fn folder_names_are_quoted_and_encoded() {
        assert_eq!(quoted("Best\"ä\\llt"), "\"Best\\\"&AOQ-\\\\llt\"");
    }

    #[test]
    fn the_server_is_quoted_without_the_clients_wrapping() {
        let wrapped = "code: None, info: Some(\"[AUTHENTICATIONFAILED] Authentication failed.\")";
        assert_eq!(server_words(wrapped), "[AUTHENTICATIONFAILED] Authentication failed.");
        assert_eq!(server_words("plain"), "plain");
    }
}
