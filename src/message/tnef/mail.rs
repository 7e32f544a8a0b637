//! A message embedded in a TNEF stream, written as a mail (RFC 5322) that any program opens.
//!
//! Does not: keep what a mail has no place for (categories, voting buttons, the RTF form of a body).

use super::{
    Stream,
    property::{Properties, id},
};
use base64::Engine as _;
use sha2::{Digest, Sha256};

/// Bytes of a base64 line before encoding; 76 characters after.
const LINE_BYTES: usize = 57;

/// Writes the message with its body and files.
pub(super) fn write(stream: &Stream<'_>, depth: usize) -> Vec<u8> {
    let properties = &stream.properties;
    let text = |id| properties.text(id, &stream.charset);
    let mut out = Vec::new();
    let mut field = |name: &str, value: Option<String>| {
        if let Some(value) = value.map(|v| one_line(&v)).filter(|v| !v.is_empty()) {
            out.extend_from_slice(format!("{name}: {value}\r\n").as_bytes());
        }
    };
    field("From", sender(stream));
    field("To", text(id::DISPLAY_TO));
    field("Cc", text(id::DISPLAY_CC));
    field("Subject", stream.subject());
    field("Date", date(properties));
    field("MIME-Version", Some("1.0".to_owned()));
    let body = stream.body();
    let files = stream.files(depth);
    let boundary = boundary(&files);
    field("Content-Type", Some(format!("multipart/mixed; boundary=\"{boundary}\"")));
    out.extend_from_slice(b"\r\n");
    let bodies = [("text/plain", body.plain.filter(|_| body.html.is_none())), ("text/html", body.html)];
    for (media_type, text) in bodies.into_iter().filter_map(|(t, text)| Some((t, text?))) {
        let head = format!("--{boundary}\r\nContent-Type: {media_type}; charset=utf-8\r\n");
        out.extend_from_slice(head.as_bytes());
        write_base64(&mut out, text.as_bytes());
    }
    for file in &files {
        let media_type = file.media_type.as_deref().unwrap_or("application/octet-stream");
        let name = one_line(file.name.as_deref().unwrap_or_default()).replace(['"', '\\'], "_");
        let disposition = if file.in_body { "inline" } else { "attachment" };
        out.extend_from_slice(
            format!("--{boundary}\r\nContent-Type: {}\r\n", one_line(media_type)).as_bytes(),
        );
        let head = format!("Content-Disposition: {disposition}; filename=\"{name}\"\r\n");
        out.extend_from_slice(head.as_bytes());
        if let Some(content_id) = &file.content_id {
            out.extend_from_slice(format!("Content-ID: <{}>\r\n", one_line(content_id)).as_bytes());
        }
        if media_type == "message/rfc822" {
            out.extend_from_slice(b"\r\n");
            out.extend_from_slice(&file.bytes);
        } else {
            write_base64(&mut out, &file.bytes);
        }
    }
    out.extend_from_slice(format!("--{boundary}--\r\n").as_bytes());
    out
}

/// A line that stands in no file, since no embedded mail can hold the hash of itself.
fn boundary(files: &[super::File]) -> String {
    let mut hasher = Sha256::new();
    for file in files {
        hasher.update(&file.bytes);
    }
    hex::encode(hasher.finalize()).chars().take(40).collect()
}

fn sender(stream: &Stream<'_>) -> Option<String> {
    let text = |id| stream.properties.text(id, &stream.charset);
    let email = [id::SENDER_SMTP_ADDRESS, id::SENDER_EMAIL]
        .into_iter()
        .find_map(|id| text(id).filter(|email| email.contains('@')));
    let name = text(id::SENDER_NAME).or_else(|| text(id::SENT_REPRESENTING_NAME));
    let name = name.map(|name| format!("\"{}\"", name.replace(['"', '\\'], "")));
    match (name, email) {
        (Some(name), Some(email)) => Some(format!("{name} <{email}>")),
        (name, email) => name.or(email),
    }
}

fn date(properties: &Properties<'_>) -> Option<String> {
    let ms = [id::CLIENT_SUBMIT_TIME, id::DELIVERY_TIME].into_iter().find_map(|id| properties.time_ms(id))?;
    let time = jiff::Timestamp::from_millisecond(ms).ok()?;
    jiff::fmt::rfc2822::to_string(&time.to_zoned(jiff::tz::TimeZone::UTC)).ok()
}

fn one_line(text: &str) -> String {
    text.chars().filter(|c| !c.is_control()).collect::<String>().trim().to_owned()
}

fn write_base64(out: &mut Vec<u8>, bytes: &[u8]) {
    out.extend_from_slice(b"Content-Transfer-Encoding: base64\r\n\r\n");
    for line in bytes.chunks(LINE_BYTES) {
        out.extend_from_slice(base64::engine::general_purpose::STANDARD.encode(line).as_bytes());
        out.extend_from_slice(b"\r\n");
    }
}
