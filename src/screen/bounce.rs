//! Is this a report that one of our mails could not be delivered?
//!
//! RFC 3464 delivery status, `X-Failed-Recipients`, and the texts of mail servers that send neither.
//! Also reads what the report says: which recipient, which status, which of our messages; see [`parse`].
//! Does not: act on it; the pipeline marks the outbox row.

use super::{Site, Verdict, says};
use crate::model::message::{Attachment, Message, Origin};

/// What a report says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Bounce {
    /// The address that could not be reached.
    pub recipient: Option<String>,
    /// Enhanced status code (RFC 3463), e.g. `5.1.1`.
    pub status: Option<String>,
    /// Retrying is of no use.
    pub permanent: bool,
    /// `Message-ID` of the mail that came back.
    pub original_message_id: Option<String>,
}

/// Local parts of mail servers.
const SYSTEM_SENDERS: &[&str] = &[
    "mailer-daemon",
    "postmaster",
    "mail-daemon",
    "mdaemon",
    "mailerdaemon",
    "mailer_daemon",
    "mail.daemon",
    "maildeliverysubsystem",
];

/// Subjects of reports, lower case.
const SUBJECTS: &[&str] = &[
    "undeliver",
    "undelivered mail",
    "delivery status notification",
    "mail delivery fail",
    "mail delivery system",
    "returned mail",
    "delivery failure",
    "failure notice",
    "delivery failed",
    "message delivery failure",
    "delivery has failed",
    "unzustellbar",
    "nicht zustellbar",
    "zustellung fehlgeschlagen",
    "olevererbart",
    "kan inte levereras",
    "non remis",
    "échec de la remise",
    "non délivré",
    "message non distribuable",
    "mail system error",
    "could not be delivered",
    "not delivered",
    "rejected:",
    "warning: could not send message",
    "delivery notification",
    "returned to sender",
    "nondeliverable",
    "user unknown",
    "mail could not be delivered",
    "message undeliverable",
    "delivery report",
    "delayed mail",
    "delivery delayed",
    "delivery problem",
];

/// A report by its structure, its sender or its subject.
pub fn check(message: &Message, _site: &Site) -> Option<Verdict> {
    let verdict = |reason: String| Some(Verdict::muted(Origin::Bounce, reason));
    let content_type = message.header("Content-Type").unwrap_or_default();
    let lower = content_type.to_lowercase();
    if lower.contains("report-type=delivery-status") || lower.contains("report-type=\"delivery-status\"") {
        return verdict(says("Content-Type", content_type));
    }
    if lower.contains("feedback-report") {
        return verdict(says("Content-Type", content_type));
    }
    if status_part(message).is_some() {
        return verdict("the message holds a delivery status".to_owned());
    }
    if let Some(value) = message.header("X-Failed-Recipients") {
        return verdict(says("X-Failed-Recipients", value));
    }
    let local = message
        .from
        .as_ref()
        .map(|a| a.email.split('@').next().unwrap_or_default().to_lowercase())
        .unwrap_or_default();
    let subject = message.subject.to_lowercase();
    let by_subject = SUBJECTS.iter().find(|s| subject.contains(**s));
    if SYSTEM_SENDERS.contains(&local.as_str()) {
        return verdict(format!("header From is the mail system {local}"));
    }
    let envelope_empty = message.header("Return-Path").is_some_and(|v| v.trim() == "<>");
    let no_sender = message.from.as_ref().is_none_or(|a| !a.email.contains('@'));
    match by_subject {
        Some(subject) if envelope_empty || no_sender || find_status(&message.text).is_some() => {
            verdict(format!("subject says \"{subject}\""))
        }
        _ => None,
    }
}

/// What the report says; none if the message is no report.
pub fn parse(message: &Message) -> Option<Bounce> {
    check(message, &Site::default())?;
    let mut bounce = status_part(message).map(|part| from_status(&lossy(part))).unwrap_or_default();
    if bounce.recipient.is_none() {
        bounce.recipient = message.header("X-Failed-Recipients").and_then(|v| find_address(v, &[]));
    }
    if bounce.status.is_none() {
        bounce.status = find_status(&message.text);
    }
    if bounce.recipient.is_none() {
        let own: Vec<&str> = message.from.iter().chain(&message.to).map(|a| a.email.as_str()).collect();
        bounce.recipient = find_address(&message.text, &own);
    }
    bounce.permanent = match bounce.status.as_deref().and_then(|s| s.chars().next()) {
        Some('5') => true,
        Some(_) => bounce.permanent,
        None => bounce.permanent || !sounds_temporary(message),
    };
    bounce.original_message_id = original_message_id(message);
    Some(bounce)
}

/// A report without a status: does it say that the server tries again?
fn sounds_temporary(message: &Message) -> bool {
    const WORDS: &[&str] = &[
        "delayed",
        "temporar",
        "will retry",
        "will be retried",
        "keep trying",
        "still trying",
        "warning message only",
        "do not need to resend",
        "greylist",
        "wird weiter versucht",
        "verzögert",
        "fördröj",
        "sera réessay",
        "try again later",
        "quota",
        "mailbox full",
        "mailbox is full",
        " 421 ",
        " 450 ",
        " 451 ",
        " 452 ",
    ];
    let text: String = format!("{}\n{}", message.subject, message.text).chars().take(8_192).collect();
    let lower = text.to_lowercase();
    WORDS.iter().any(|w| lower.contains(w))
}

fn status_part(message: &Message) -> Option<&Attachment> {
    message.attachments.iter().find(|a| {
        matches!(a.media_type.as_str(), "message/delivery-status" | "message/global-delivery-status")
    })
}

fn lossy(attachment: &Attachment) -> String {
    let bytes = attachment.bytes.get(..REPORT_BYTES_MAX).unwrap_or(&attachment.bytes);
    String::from_utf8_lossy(bytes).into_owned()
}

/// How much of a report is read.
const REPORT_BYTES_MAX: usize = 64 * 1024;

fn from_status(text: &str) -> Bounce {
    let field = |name: &str| -> Option<String> {
        text.lines().find_map(|line| {
            let (key, value) = line.split_once(':')?;
            key.trim().eq_ignore_ascii_case(name).then(|| value.trim().to_owned())
        })
    };
    let recipient = field("Final-Recipient").or_else(|| field("Original-Recipient"));
    let recipient = recipient
        .map(|r| r.rsplit(';').next().unwrap_or_default().trim().trim_matches(['<', '>']).to_owned());
    let status = field("Status").and_then(|s| find_status(&s));
    let from_diagnosis = field("Diagnostic-Code").and_then(|d| find_status(&d));
    // `5.0.0` says nothing; the diagnosis often says more.
    let vague = status.as_deref().is_none_or(|s| s.ends_with(".0.0"));
    let status = if vague { from_diagnosis.or(status) } else { status };
    let failed = field("Action").is_some_and(|a| a.eq_ignore_ascii_case("failed"));
    let transient = status.as_deref().is_some_and(|s| s.starts_with('4'));
    Bounce {
        recipient: recipient.filter(|r| r.contains('@')),
        status,
        permanent: failed && !transient,
        original_message_id: None,
    }
}

/// The first enhanced status code `4.x.y` or `5.x.y` in a text.
fn find_status(text: &str) -> Option<String> {
    text.chars()
        .take(REPORT_BYTES_MAX)
        .collect::<String>()
        .split(|c: char| !(c.is_ascii_digit() || c == '.'))
        .map(|word| word.trim_matches('.'))
        .find(|word| {
            let parts: Vec<&str> = word.split('.').collect();
            match parts.as_slice() {
                [class, subject, detail] => {
                    matches!(*class, "4" | "5")
                        && (1..=1).contains(&subject.len())
                        && (1..=3).contains(&detail.len())
                }
                _ => false,
            }
        })
        .map(str::to_owned)
}

/// The first address in a text that is none of `own` nor of a mail system.
fn find_address(text: &str, own: &[&str]) -> Option<String> {
    text.split(|c: char| {
        c.is_whitespace() || matches!(c, '<' | '>' | '(' | ')' | ',' | ';' | '"' | '\'' | '[' | ']')
    })
    .map(|word| word.trim_matches([':', '.', '*']).trim_start_matches("mailto:"))
    .filter(|word| {
        word.rsplit_once('@').is_some_and(|(local, domain)| !local.is_empty() && domain.contains('.'))
    })
    .find(|word| {
        let local = word.split('@').next().unwrap_or_default().to_lowercase();
        !own.iter().any(|o| o.eq_ignore_ascii_case(word)) && !SYSTEM_SENDERS.contains(&local.as_str())
    })
    .map(str::to_owned)
}

/// From the returned message or its header, as a part or below the report's text.
fn original_message_id(message: &Message) -> Option<String> {
    let parts = message
        .attachments
        .iter()
        .filter(|a| {
            matches!(
                a.media_type.as_str(),
                "message/rfc822" | "text/rfc822-headers" | "message/global" | "message/global-headers"
            )
        })
        .map(lossy);
    parts
        .chain(std::iter::once(message.text.chars().take(REPORT_BYTES_MAX).collect()))
        .find_map(|text| {
            let lines: Vec<&str> = text.lines().collect();
            lines.iter().enumerate().find_map(|(at, line)| {
                let (name, value) = line.trim_start_matches(['>', ' ', '|']).split_once(':')?;
                if !name.trim().eq_ignore_ascii_case("message-id") {
                    return None;
                }
                let next = lines.get(at + 1).copied().unwrap_or_default();
                let joined = if value.trim().is_empty() { next } else { value };
                let id = joined.trim().trim_start_matches('<').split(['>', ' ']).next().unwrap_or_default();
                id.contains('@').then(|| id.to_owned())
            })
        })
        .or_else(|| message.references.last().cloned())
        .or_else(|| message.in_reply_to.last().cloned())
}
