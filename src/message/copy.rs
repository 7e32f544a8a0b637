//! One mail that reached us by several ways: to two of our addresses, or by a rule that redirects.
//!
//! Such copies differ only in what servers write on the way (trace and verdict lines, RFC 5322, 3.6.7). All that the sender
//! wrote is the same, to the byte; a mail without `Message-ID` and `Date` is never a copy.

use super::{field, mime};

/// The fields that the sender wrote and that tell who, to whom, where to answer, and how to read it.
const FIELDS: &[&str] = &[
    "From",
    "Sender",
    "Reply-To",
    "To",
    "Cc",
    "Subject",
    "In-Reply-To",
    "References",
    "Content-Type",
    "Content-Transfer-Encoding",
];

/// Without these there is no telling.
const NEEDED: &[&str] = &["Message-ID", "Date"];

/// Whether two messages are one mail that took two ways.
pub fn is_same_mail(one: &[u8], other: &[u8]) -> bool {
    if body(one) != body(other) {
        return false;
    }
    let (one, other) = (mime::header(one), mime::header(other));
    let (of_one, of_other) = (|name: &&str| field::find(&one, name), |name: &&str| field::find(&other, name));
    NEEDED.iter().all(|name| of_one(name).is_some())
        && NEEDED.iter().chain(FIELDS).all(|name| of_one(name) == of_other(name))
}

/// What stands below the first empty line.
fn body(raw: &[u8]) -> &[u8] {
    let mut rest = raw;
    while let Some(end) = rest.iter().position(|byte| *byte == b'\n') {
        let (line, below) = rest.split_at_checked(end + 1).unwrap_or((rest, &[]));
        rest = below;
        if line.trim_ascii().is_empty() {
            break;
        }
    }
    rest.trim_ascii_end()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_lines_of_the_way_may_differ() {
        let mail = "From: a@b.example\nTo: x@us.example\nMessage-ID: <1@b.example>\nDate: Mon, 2 Nov 2026 10:00:00 +0000\nSubject: Hi\n\nText\n";
        for (other, same) in [
            (mail.to_owned(), true),
            (format!("Received: by mx2\nDelivered-To: sales@us.example\n{mail}"), true),
            (mail.replace('\n', "\r\n").replace("Text\r\n", "Text\r\n\r\n"), true),
            (mail.replace("Text", "Other"), false),
            (mail.replace("Subject", "Reply-To: e@evil.example\nSubject"), false),
            (mail.replace("10:00:00", "10:00:01"), false),
            (mail.replace("<1@", "<2@"), false),
        ] {
            assert_eq!(is_same_mail(mail.as_bytes(), other.as_bytes()), same, "{other}");
        }
        let bare = mail.replace("Date", "X-Date");
        assert!(!is_same_mail(bare.as_bytes(), bare.as_bytes()));
        assert!(!is_same_mail(b"", b""));
    }
}
