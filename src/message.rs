//! Raw bytes into a [`Message`]: headers, bodies, new text, attachments. Total: never fails, never panics.
//!
//! Follows RFC 5322, 2045–2047, 2231, 3676 and what programs really send. Charsets and dates come from `mail-parser`,
//! the MIME structure from our own [`mime`], which is linear in time and keeps attachments byte for byte.
//! What only wraps content is opened: TNEF ([`tnef`]), signatures around it ([`cms`]), files within text ([`enclosure`]).
//! Does not: judge the sender (see [`crate::screen`]), open attachments (see [`crate::reader`]), make HTML safe, verify
//! signatures, or decrypt.
//! Limits: [`mime::PARTS_MAX`], [`mime::DEPTH_MAX`], [`mime::HEADER_BYTES_MAX`], [`field::FIELD_BYTES_MAX`],
//! [`body::BODY_CHARS_MAX`], [`body::WRAPPERS_MAX`], [`body::INNER_FILES_MAX`]. Hitting one is a finding.

mod attachment;
mod body;
mod calendar;
mod charset;
mod cms;
pub mod copy;
mod cursor;
mod enclosure;
mod field;
pub mod forward;
pub mod html;
pub(crate) mod language;
pub mod mbox;
mod mime;
pub mod own_id;
mod quote;
mod rtf;
mod signature;
pub mod subject;
pub mod tnef;
mod transfer;
mod words;

use crate::model::{
    finding::{Finding, Severity},
    message::{Address, Message},
};
pub use charset::decode_code_page;
use field::Field;
use mime::Tree;
use sha2::{Digest, Sha256};

/// Parses a message. Whatever is wrong with the bytes becomes a finding.
pub fn parse(raw: &[u8]) -> Message {
    let tree = mime::split(raw);
    let empty = Vec::new();
    let fields = tree.parts.first().map_or(&empty, |part| &part.fields);
    let body = body::assemble(&tree, raw);
    let shown = body.html.as_deref().map(html::content_ids).unwrap_or_default();
    let mut inner_number = tree.parts.len();
    let attachments = body
        .files
        .into_iter()
        .map(|file| {
            let number = if file.inner { inner_number } else { file.part };
            inner_number += usize::from(file.inner);
            file.into_attachment(number, &shown)
        })
        .collect();
    let mut message = Message {
        sha256: hex::encode(Sha256::digest(raw)),
        size_bytes: raw.len() as u64,
        text: text_of(&body.lines),
        html: body.html,
        attachments,
        ..read_fields(fields)
    };
    let sender = message.from.as_ref().map(|a| {
        let local = a.email.split('@').next().unwrap_or_default();
        format!("{} {local}", a.name.as_deref().unwrap_or_default())
    });
    let sender = sender.unwrap_or_default();
    let split = quote::split(&body.lines, &sender);
    message.language = language::detect(&split.new)
        .or_else(|| language::detect(&format!("{} {}", subject::bare(&message.subject), split.new)))
        .or_else(|| language::detect(&message.text));
    (message.new_text, message.quoted_text, message.signature) = (split.new, split.quoted, split.signature);
    message.findings = findings(&message, fields, &tree, body.findings);
    message
}

/// The text of a body that Outlook keeps as compressed RTF ([MS-OXRTFCP]); none if it is no such thing.
pub fn outlook_rtf_text(compressed: &[u8]) -> Option<String> {
    Some(match rtf::read(&rtf::decompress(compressed)?) {
        rtf::Text::Html(html) => html::to_text(&html),
        rtf::Text::Plain(plain) => plain,
    })
}

/// The `Message-ID` of raw bytes as [`parse`] finds it, from the header alone.
pub fn rfc_message_id(raw: &[u8]) -> Option<String> {
    read_message_id(&mime::header(raw))
}

/// The sender of raw bytes as [`parse`] finds it, from the header alone.
pub fn sender_of(raw: &[u8]) -> Option<Address> {
    sender(&mime::header(raw))
}

/// The `Date` of raw bytes as [`parse`] finds it, from the header alone: milliseconds UTC.
pub fn date_ms(raw: &[u8]) -> Option<i64> {
    let fields = mime::header(raw);
    field::date_ms(field::find(&fields, "Date").unwrap_or_default())
}

fn read_message_id(fields: &[Field]) -> Option<String> {
    let value = field::find(fields, "Message-ID").unwrap_or_default();
    field::ids(value).into_iter().next().or_else(|| {
        let bare = value.trim();
        (!bare.is_empty()).then(|| bare.trim_matches(['<', '>']).to_owned())
    })
}

fn text_of(lines: &[quote::Line]) -> String {
    let joined = lines.iter().map(|l| l.text.trim_end()).collect::<Vec<_>>().join("\n");
    joined.trim_end().trim_start_matches('\n').to_owned()
}

fn read_fields(fields: &[Field]) -> Message {
    let value = |name: &str| field::find(fields, name).unwrap_or_default();
    let all = |name: &str| -> Vec<Address> {
        let same = fields.iter().filter(|f| f.name.eq_ignore_ascii_case(name));
        let mut list: Vec<Address> =
            same.flat_map(|f| field::mailboxes(&f.value)).filter(|a| !a.email.is_empty()).collect();
        list.truncate(field::MAILBOXES_MAX);
        list
    };
    Message {
        rfc_message_id: read_message_id(fields),
        in_reply_to: field::ids(value("In-Reply-To")),
        references: field::ids(value("References")),
        from: sender(fields),
        reply_to: all("Reply-To"),
        to: all("To"),
        cc: all("Cc"),
        subject: collapse(&field::decode_words(value("Subject"))),
        date_ms: field::date_ms(value("Date")),
        headers: fields.iter().map(Field::decoded).collect(),
        ..Message::default()
    }
}

/// The first mailbox of `From`; if it holds no address, the name with the address of `Sender` or `Return-Path`.
fn sender(fields: &[Field]) -> Option<Address> {
    let first = |name: &str| {
        fields
            .iter()
            .filter(|f| f.name.eq_ignore_ascii_case(name))
            .flat_map(|f| field::mailboxes(&f.value))
            .collect::<Vec<_>>()
    };
    let from = first("From");
    let complete = from.iter().find(|a| a.email.contains('@')).cloned();
    if complete.is_some() {
        return complete;
    }
    let named = from.into_iter().next();
    let other = ["Sender", "Reply-To", "Return-Path", "X-Envelope-From"]
        .iter()
        .find_map(|name| first(name).into_iter().find(|a| a.email.contains('@')));
    match (named, other) {
        (Some(named), Some(other)) => Some(Address { email: other.email, name: named.name.or(other.name) }),
        (named, other) => named.or(other),
    }
}

fn collapse(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

fn findings(message: &Message, fields: &[Field], tree: &Tree, body: Vec<Finding>) -> Vec<Finding> {
    let mut all = tree.findings.clone();
    all.extend(body);
    let mut note = |code: &str, text: &str| all.push(Finding::new(code, Severity::Note, text));
    if fields.is_empty() {
        note("no_header", "The message has no header: sender, date and subject are unknown.");
    } else {
        if message.from.as_ref().is_none_or(|a| !a.email.contains('@')) {
            note(
                "no_sender_address",
                "The message does not say from which address it comes; it cannot be answered.",
            );
        }
        if field::find(fields, "Date").is_some() && message.date_ms.is_none() {
            note("date_unreadable", "The date of the message cannot be read.");
        }
    }
    if fields.iter().any(|f| f.cut) {
        note("header_field_too_long", "A header field was too long and was cut.");
    }
    all
}
