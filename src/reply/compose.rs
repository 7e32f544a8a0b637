//! Subject and text into the exact bytes of a mail (RFC 5322, 2045), with threading headers and the marks of RFC 3834.
//!
//! The same input gives the same bytes: they are stored and hashed before the first attempt to send them.
//! Does not: choose words, sign, or send. Nothing that comes from a customer can add a header: values are cleaned and
//! encoded, ids that are not ids are left out.
//!
//! The text goes out twice, as it is and as HTML ([`super::html`]); files follow it.
//!
//! Limits: [`REFERENCES_MAX`] ids of at most [`ID_BYTES_MAX`] bytes.

use super::html;
use crate::model::message::Address;
use lettre::message::{
    Attachment, Body, Mailbox, Message, MultiPart, SinglePart,
    header::{ContentTransferEncoding, ContentType, HeaderName, HeaderValue},
};
use sha2::{Digest as _, Sha256};
use thiserror::Error;

/// How many ids `References` keeps: the first and the last ones (RFC 5537, 3.4.4).
const REFERENCES_MAX: usize = 20;

/// The longest id that is repeated.
const ID_BYTES_MAX: usize = 250;

/// The longest line that goes out without encoding.
const LINE_CHARS_MAX: usize = 76;

/// A file that goes along with a mail.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct File {
    /// Its name.
    pub name: String,
    /// Its bytes; what they are is told by themselves.
    pub bytes: Vec<u8>,
}

/// What goes into a mail.
#[derive(Clone, Debug)]
pub struct Composition<'a> {
    /// Who writes.
    pub from: &'a Address,
    /// To whom.
    pub to: &'a Address,
    /// Who else gets it, openly.
    pub copies: &'a [Address],
    /// What goes along.
    pub files: &'a [File],
    /// One line.
    pub subject: &'a str,
    /// Plain text.
    pub text: &'a str,
    /// Our own `Message-ID`, without angle brackets.
    pub rfc_message_id: &'a str,
    /// The message that it answers, without angle brackets.
    pub in_reply_to: Option<&'a str>,
    /// Ids of the conversation, oldest first, without angle brackets.
    pub references: &'a [String],
    /// `Date`, milliseconds UTC.
    pub date_ms: i64,
    /// No person wrote it: marked so that no machine answers it.
    pub automatic: bool,
}

/// Why a mail cannot be composed.
#[derive(Debug, Error, PartialEq, Eq)]
pub enum ComposeError {
    /// An address is none.
    #[error("the {whose} is not a mail address")]
    Address {
        /// Sender or recipient.
        whose: &'static str,
    },
    /// Our own id is no id.
    #[error("our own Message-ID is not one")]
    MessageId,
    /// The mail library refuses.
    #[error("the mail cannot be built ({text})")]
    Build {
        /// Its words.
        text: String,
    },
}

impl ComposeError {
    /// Never: the same input gives the same result.
    pub fn is_transient(&self) -> bool {
        match self {
            Self::Address { .. } | Self::MessageId | Self::Build { .. } => false,
        }
    }
}

/// Builds the bytes.
pub fn compose(mail: &Composition<'_>) -> Result<Vec<u8>, ComposeError> {
    let date = jiff::Timestamp::from_millisecond(mail.date_ms).unwrap_or(jiff::Timestamp::UNIX_EPOCH);
    let own_id = bracketed(mail.rfc_message_id).ok_or(ComposeError::MessageId)?;
    let mut builder = Message::builder()
        .from(mailbox(mail.from, "sender")?)
        .to(mailbox(mail.to, "recipient")?)
        .subject(one_line(mail.subject))
        .date(date.into())
        .message_id(Some(own_id));
    for copy in mail.copies {
        builder = builder.cc(mailbox(copy, "recipient of a copy")?);
    }
    if let Some(id) = mail.in_reply_to.and_then(bracketed) {
        builder = builder.in_reply_to(id);
    }
    let references = references(mail.references, mail.in_reply_to);
    if !references.is_empty() {
        builder = builder.references(references);
    }
    if mail.automatic {
        builder = builder
            .raw_header(raw("Auto-Submitted", "auto-replied"))
            .raw_header(raw("X-Auto-Response-Suppress", "All"));
    }
    builder = builder.raw_header(raw("MIME-Version", "1.0"));
    let texts = MultiPart::alternative()
        .boundary(boundary("texts", mail.rfc_message_id))
        .singlepart(SinglePart::builder().header(ContentType::TEXT_PLAIN).body(encoded(mail.text)?))
        .singlepart(
            SinglePart::builder().header(ContentType::TEXT_HTML).body(encoded(&html::of_text(mail.text))?),
        );
    let message = if mail.files.is_empty() {
        builder.multipart(texts)
    } else {
        let parts = MultiPart::mixed().boundary(boundary("files", mail.rfc_message_id)).multipart(texts);
        builder.multipart(mail.files.iter().fold(parts, |parts, file| parts.singlepart(attached(file))))
    };
    let message = message.map_err(|error| ComposeError::Build { text: error.to_string() })?;
    Ok(message.formatted())
}

/// What stands between the parts: the same for the same mail, and in no text.
fn boundary(name: &str, rfc_message_id: &str) -> String {
    hex::encode(Sha256::digest(format!("{name} {rfc_message_id}"))).chars().take(40).collect()
}

fn attached(file: &File) -> SinglePart {
    let kind = ContentType::parse(media_type(&file.bytes)).unwrap_or(ContentType::TEXT_PLAIN);
    Attachment::new(one_line(&file.name)).body(file.bytes.clone(), kind)
}

/// What a file is by its first bytes; nobody's word is taken for it.
fn media_type(bytes: &[u8]) -> &'static str {
    match bytes {
        [b'%', b'P', b'D', b'F', ..] => "application/pdf",
        [0x89, b'P', b'N', b'G', ..] => "image/png",
        [0xFF, 0xD8, 0xFF, ..] => "image/jpeg",
        [b'G', b'I', b'F', b'8', ..] => "image/gif",
        [b'P', b'K', 3, 4, ..] => "application/zip",
        _ => "application/octet-stream",
    }
}

fn raw(name: &'static str, value: &str) -> HeaderValue {
    HeaderValue::new(HeaderName::new_from_ascii_str(name), value.to_owned())
}

fn mailbox(address: &Address, whose: &'static str) -> Result<Mailbox, ComposeError> {
    let email = address.email.trim().parse().map_err(|_invalid| ComposeError::Address { whose })?;
    Ok(Mailbox::new(address.name.as_deref().map(one_line).filter(|name| !name.is_empty()), email))
}

/// The text in an encoding that passes every server: plain if it is ASCII with short lines, else quoted-printable.
fn encoded(text: &str) -> Result<Body, ComposeError> {
    let plain = text.lines().all(|line| line.is_ascii() && line.len() <= LINE_CHARS_MAX);
    let plain = plain && !text.chars().any(|c| c.is_control() && c != '\n' && c != '\t');
    let encoding =
        if plain { ContentTransferEncoding::SevenBit } else { ContentTransferEncoding::QuotedPrintable };
    let text = format!("{}\n", text.trim_end().replace("\r\n", "\n"));
    Body::new_with_encoding(text, encoding)
        .map_err(|_text| ComposeError::Build { text: "the text fits no encoding".to_owned() })
}

/// Without line ends and other controls, so that no header begins in the middle of another.
fn one_line(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect::<String>().trim().to_owned()
}

/// `<id>`, if it is one that can be repeated safely.
fn bracketed(id: &str) -> Option<String> {
    let id = id.trim().trim_start_matches('<').trim_end_matches('>');
    let fits = !id.is_empty() && id.len() <= ID_BYTES_MAX;
    let clean = id.chars().all(|c| c.is_ascii_graphic() && !"<>(),".contains(c));
    (fits && clean).then(|| format!("<{id}>"))
}

/// The conversation so far and the message that is answered, each once; the first and the last ones if there are many.
fn references(earlier: &[String], in_reply_to: Option<&str>) -> String {
    let mut ids: Vec<String> = Vec::new();
    for id in earlier.iter().map(String::as_str).chain(in_reply_to).filter_map(bracketed) {
        // The answered message goes last wherever it stood before.
        ids.retain(|other| *other != id);
        ids.push(id);
    }
    let surplus = ids.len().saturating_sub(REFERENCES_MAX);
    ids.drain(1.min(ids.len())..(1 + surplus).min(ids.len()));
    ids.join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(email: &str, name: &str) -> Address {
        Address { email: email.to_owned(), name: Some(name.to_owned()) }
    }

    fn check(mail: &Composition<'_>) -> Result<String, ComposeError> {
        let bytes = compose(mail)?;
        assert_eq!(compose(mail).unwrap(), bytes, "the same input gives the same bytes");
        Ok(String::from_utf8(bytes).unwrap())
    }

    /// An answer to try things with.
    fn answer<'a>(from: &'a Address, to: &'a Address, references: &'a [String]) -> Composition<'a> {
        Composition {
            from,
            to,
            copies: &[],
            files: &[],
            subject: "Re: Order 1 [MR-1001]",
            text: "Hello,\n\nthank you.\n",
            rfc_message_id: "own.1@example.com",
            in_reply_to: Some("b@x"),
            references,
            date_ms: 1_700_000_000_000,
            automatic: true,
        }
    }

    #[test]
    fn a_plain_answer_looks_like_this() {
        let (from, to) =
            (address("orders@example.com", "Order Desk"), address("anna@customer.se", "Anna Öberg"));
        let references = ["a@x".to_owned(), "b@x".to_owned()];
        let mail = check(&answer(&from, &to, &references)).unwrap();
        let (boundary, mail) = {
            let (_, rest) = mail.split_once("boundary=\"").unwrap();
            let (boundary, _) = rest.split_once('"').unwrap();
            (boundary.to_owned(), mail.replace(boundary, "B"))
        };
        assert_eq!(boundary.len(), 40);
        assert_eq!(
            mail,
            "From: \"Order Desk\" <orders@example.com>\r\n\
            To: =?utf-8?b?QW5uYSDDlmJlcmc=?= <anna@customer.se>\r\n\
            Subject: Re: Order 1 [MR-1001]\r\n\
            Date: Tue, 14 Nov 2023 22:13:20 +0000\r\n\
            Message-ID: <own.1@example.com>\r\n\
            In-Reply-To: <b@x>\r\n\
            References: <a@x> <b@x>\r\n\
            Auto-Submitted: auto-replied\r\n\
            X-Auto-Response-Suppress: All\r\n\
            MIME-Version: 1.0\r\n\
            Content-Type: multipart/alternative;\r\n boundary=\"B\"\r\n\r\n\
            --B\r\n\
            Content-Type: text/plain; charset=utf-8\r\n\
            Content-Transfer-Encoding: 7bit\r\n\r\n\
            Hello,\r\n\r\nthank you.\r\n\r\n\
            --B\r\n\
            Content-Type: text/html; charset=utf-8\r\n\
            Content-Transfer-Encoding: 7bit\r\n\r\n\
            <!DOCTYPE html>\r\n<html>\r\n<body>\r\n<p>Hello,</p>\r\n<p>thank you.</p>\r\n</body>\r\n</html>\r\n\r\n\
            --B--\r\n"
        );
    }

    #[test]
    fn what_people_write_is_not_marked_as_automatic() {
        let (from, to) =
            (address("orders@example.com", "Order Desk"), address("anna@customer.se", "Anna Öberg"));
        let mail = check(&Composition { automatic: false, ..answer(&from, &to, &[]) }).unwrap();
        assert!(!mail.contains("Auto-Submitted") && !mail.contains("Suppress"), "{mail}");
    }

    #[test]
    fn copies_and_files_go_along() {
        let (from, to) =
            (address("orders@example.com", "Order Desk"), address("anna@customer.se", "Anna Öberg"));
        let copies = [address("bo@customer.se", ""), address("eva@carrier.example", "Eva")];
        let files = [File { name: "Ritning\r\nX: y å.pdf".to_owned(), bytes: vec![0, 159, 146, 150] }];
        let mail = check(&Composition { copies: &copies, files: &files, ..answer(&from, &to, &[]) }).unwrap();
        let parsed = crate::message::parse(mail.as_bytes());
        let cc: Vec<&str> = parsed.cc.iter().map(|a| a.email.as_str()).collect();
        assert_eq!(cc, ["bo@customer.se", "eva@carrier.example"]);
        assert_eq!(parsed.text.trim(), "Hello,\n\nthank you.");
        assert_eq!(parsed.attachments.len(), 1, "{mail}");
        assert_eq!(parsed.attachments[0].bytes, [0, 159, 146, 150]);
        assert!(!mail.contains("\r\nX: y"), "{mail}");
    }

    #[test]
    fn other_letters_and_long_lines_stay_seven_bit() {
        let (from, to) =
            (address("orders@example.com", "Order Desk"), address("anna@customer.se", "Anna Öberg"));
        let text = "Grüße aus Malmö 📦. ".repeat(20);
        let subject = "Re: Beställning från Malmö, mycket lång rad som måste brytas någonstans [MR-1001]";
        let mail = check(&Composition { text: &text, subject, ..answer(&from, &to, &[]) }).unwrap();
        assert!(mail.is_ascii(), "{mail}");
        assert!(mail.contains("Content-Transfer-Encoding: quoted-printable"), "{mail}");
        assert!(mail.lines().all(|line| line.len() <= 78), "{mail}");
        let parsed = crate::message::parse(mail.as_bytes());
        assert_eq!(parsed.text.trim_end(), text.trim_end());
        assert!(parsed.subject.ends_with("brytas någonstans [MR-1001]"), "{}", parsed.subject);
    }

    #[test]
    fn no_value_can_add_a_header() {
        let evil = "x\r\nBcc: victim@example.org\r\n\r\nbody";
        let (from, to) = (address("orders@example.com", "Order Desk"), address("anna@customer.se", evil));
        let references = [evil.to_owned(), "a@x> <b@y".to_owned(), "c d@x".to_owned(), "ok@x".to_owned()];
        let plain = answer(&from, &to, &references);
        let mail = check(&Composition { subject: evil, in_reply_to: Some(evil), ..plain.clone() }).unwrap();
        let headers = mail.split_once("\r\n\r\n").unwrap().0;
        assert!(!headers.lines().any(|line| line.to_lowercase().starts_with("bcc")), "{mail}");
        assert!(headers.contains("References: <ok@x>\r\n"), "{mail}");
        assert!(!headers.contains("In-Reply-To"), "{mail}");
        let nobody = address("a@b.c\r\nBcc: d@e.f", "");
        let wrong = check(&Composition { to: &nobody, ..plain.clone() });
        assert_eq!(wrong, Err(ComposeError::Address { whose: "recipient" }));
        assert_eq!(check(&Composition { rfc_message_id: evil, ..plain }), Err(ComposeError::MessageId));
    }

    #[test]
    fn references_keep_the_first_and_the_last() {
        let ids: Vec<String> = (0..100).map(|n| format!("{n}@x")).collect();
        let kept = references(&ids, Some("50@x"));
        let kept: Vec<&str> = kept.split(' ').collect();
        assert_eq!(kept.len(), REFERENCES_MAX);
        assert_eq!((kept[0], kept[1], kept[REFERENCES_MAX - 1]), ("<0@x>", "<82@x>", "<50@x>"));
        assert_eq!(references(&[], None), "");
        assert_eq!(references(&[], Some("a@x")), "<a@x>");
    }
}
