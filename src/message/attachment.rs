//! A file part into an [`Attachment`]: its exact bytes, its name, and whether it is a picture within the body.
//!
//! Does not: open archives, TNEF or nested messages; those are read as documents later.

use super::{
    field::{self, Parameters},
    mime::Part,
    transfer,
};
use crate::model::message::Attachment;
use sha2::{Digest, Sha256};

/// Longest file name; a longer one is cut before its extension.
const NAME_CHARS_MAX: usize = 200;

/// Takes a file out of the message. `shown` holds the content ids that the HTML body refers to.
pub(super) fn take(index: usize, part: &Part, raw: &[u8], in_related: bool, shown: &[String]) -> Attachment {
    let encoding = field::find(&part.fields, "Content-Transfer-Encoding").unwrap_or_default();
    let body = raw.get(part.body.clone()).unwrap_or_default();
    let bytes = transfer::decode(encoding, body).into_owned();
    let content_id = field::find(&part.fields, "Content-ID")
        .and_then(|v| field::ids(v).into_iter().next().or_else(|| bare_id(v)));
    let media_type = part.content_type.value.clone();
    let is_picture = media_type.starts_with("image/");
    let is_shown = content_id.as_ref().is_some_and(|id| shown.contains(id));
    let is_related = in_related && content_id.is_some() && part.disposition.value != "attachment";
    Attachment {
        part: u32::try_from(index).unwrap_or(u32::MAX),
        name: name_of(index, part, &bytes),
        media_type,
        inline: is_picture && (is_shown || is_related),
        content_id,
        sha256: hex::encode(Sha256::digest(&bytes)),
        size_bytes: bytes.len() as u64,
        bytes,
    }
}

fn bare_id(value: &str) -> Option<String> {
    let id = value.trim().trim_matches(['<', '>']).to_owned();
    (!id.is_empty()).then_some(id)
}

fn name_of(index: usize, part: &Part, bytes: &[u8]) -> String {
    let given =
        |parameters: &Parameters, name| parameters.get(name).map(clean_name).filter(|n| !n.is_empty());
    given(&part.disposition, "filename")
        .or_else(|| given(&part.content_type, "name"))
        .or_else(|| given(&part.disposition, "name"))
        .or_else(|| given(&part.content_type, "filename"))
        .unwrap_or_else(|| default_name(index, part, bytes))
}

/// Without control characters, folders and excess length.
fn clean_name(name: &str) -> String {
    let last = name.rsplit(['/', '\\']).find(|piece| !piece.trim().is_empty()).unwrap_or_default();
    // Marks of writing direction can make `fdp.exe` look like `exe.pdf`.
    let hidden = |c: char| {
        c.is_control()
            || matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}')
    };
    let name: String = last.chars().filter(|c| !hidden(*c)).collect();
    let name = name.trim().to_owned();
    let count = name.chars().count();
    if count <= NAME_CHARS_MAX {
        return name;
    }
    let extension: String = name
        .rsplit_once('.')
        .map(|(_, e)| format!(".{e}"))
        .filter(|e| e.chars().count() <= 10)
        .unwrap_or_default();
    let room = NAME_CHARS_MAX - extension.chars().count();
    name.chars().take(room).collect::<String>() + &extension
}

fn default_name(index: usize, part: &Part, bytes: &[u8]) -> String {
    let media_type = part.content_type.value.as_str();
    if matches!(media_type, "message/rfc822" | "message/global") {
        let head = bytes.get(..16_384).unwrap_or(bytes);
        let subject = super::mime::split(head)
            .parts
            .first()
            .and_then(|p| field::find(&p.fields, "Subject"))
            .map(field::decode_words);
        let subject =
            subject.map(|s| clean_name(&s.replace(['/', '\\', ':'], " "))).filter(|s| !s.is_empty());
        return subject.map_or_else(|| format!("message-{index}.eml"), |s| format!("{s}.eml"));
    }
    let extension = match media_type {
        "application/pdf" => "pdf",
        "image/jpeg" | "image/jpg" | "image/pjpeg" => "jpg",
        "image/png" => "png",
        "image/gif" => "gif",
        "image/tiff" => "tiff",
        "image/bmp" => "bmp",
        "text/plain" => "txt",
        "text/html" => "html",
        "text/csv" => "csv",
        "text/calendar" => "ics",
        "text/vcard" | "text/x-vcard" | "text/directory" => "vcf",
        "text/xml" | "application/xml" => "xml",
        "text/rfc822-headers"
        | "message/delivery-status"
        | "message/disposition-notification"
        | "message/feedback-report" => "txt",
        "application/ms-tnef" => "dat",
        "application/zip" | "application/x-zip-compressed" => "zip",
        "application/pkcs7-signature" | "application/x-pkcs7-signature" => "p7s",
        "application/pkcs7-mime" | "application/x-pkcs7-mime" => "p7m",
        "application/pgp-signature" => "asc",
        _ => "bin",
    };
    format!("part-{index}.{extension}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_made_harmless() {
        for (given, expected) in [
            ("order.pdf", "order.pdf"),
            ("C:\\temp\\order 7.pdf", "order 7.pdf"),
            ("../../etc/passwd", "passwd"),
            ("a\r\nb\u{0}.pdf", "ab.pdf"),
            ("invoice\u{202e}fdp.exe", "invoicefdp.exe"),
            ("///", ""),
            ("Bestellung Nr. 4711 – Müller.pdf", "Bestellung Nr. 4711 – Müller.pdf"),
        ] {
            assert_eq!(clean_name(given), expected, "{given:?}");
        }
        let long = clean_name(&format!("{}.pdf", "å".repeat(500)));
        assert!(long.chars().count() == NAME_CHARS_MAX && long.rsplit('.').next() == Some("pdf"));
    }
}
