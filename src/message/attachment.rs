//! A file of a message into an [`Attachment`]: its exact bytes, its name, and whether it is a picture within the body.
//!
//! Does not: open archives or nested messages; those are read as documents later.

use super::{
    field::{self, Parameters},
    mime::Part,
    transfer,
};
use crate::model::message::Attachment;
use sha2::{Digest, Sha256};

/// Longest file name; a longer one is cut before its extension.
const NAME_CHARS_MAX: usize = 200;

/// A file before it is numbered and its name made harmless.
#[derive(Debug, Default)]
pub(super) struct File {
    /// The MIME part that it is, or in which it was found.
    pub(super) part: usize,
    /// It was found within the part: in its text, in a TNEF stream, behind a signature.
    pub(super) inner: bool,
    /// Name as given, decoded.
    pub(super) name: Option<String>,
    /// Media type in lower case.
    pub(super) media_type: String,
    /// `Content-ID` without angle brackets.
    pub(super) content_id: Option<String>,
    /// It stands beside markup that is meant to show it.
    pub(super) related: bool,
    /// Decoded bytes.
    pub(super) bytes: Vec<u8>,
}

impl File {
    /// A leaf of the MIME tree as a file.
    pub(super) fn of_part(index: usize, part: &Part, raw: &[u8], in_related: bool) -> Self {
        let encoding = field::find(&part.fields, "Content-Transfer-Encoding").unwrap_or_default();
        let body = raw.get(part.body.clone()).unwrap_or_default();
        let content_id = field::find(&part.fields, "Content-ID")
            .and_then(|v| field::ids(v).into_iter().next().or_else(|| bare_id(v)));
        Self {
            part: index,
            inner: false,
            name: given_name(part),
            media_type: part.content_type.value.clone(),
            content_id,
            related: in_related && part.disposition.value != "attachment",
            bytes: transfer::decode(encoding, body).into_owned(),
        }
    }

    /// Gives it a number. `shown` holds the content ids that the HTML body refers to.
    pub(super) fn into_attachment(self, number: usize, shown: &[String]) -> Attachment {
        let is_picture = self.media_type.starts_with("image/");
        let is_shown = self.content_id.as_ref().is_some_and(|id| shown.contains(id));
        let is_related = self.related && self.content_id.is_some();
        let name = self.name.as_deref().map(clean_name).filter(|name| !name.is_empty());
        Attachment {
            part: u32::try_from(number).unwrap_or(u32::MAX),
            name: name.unwrap_or_else(|| default_name(number, &self.media_type, &self.bytes)),
            media_type: self.media_type,
            inline: is_picture && (is_shown || is_related),
            content_id: self.content_id,
            sha256: hex::encode(Sha256::digest(&self.bytes)),
            size_bytes: self.bytes.len() as u64,
            bytes: self.bytes,
        }
    }
}

/// The media type that a file name speaks of, for files that come without one.
pub(super) fn type_of_name(name: &str) -> &'static str {
    let extension = name.rsplit_once('.').map(|(_, e)| e.to_ascii_lowercase()).unwrap_or_default();
    match extension.as_str() {
        "pdf" => "application/pdf",
        "jpg" | "jpeg" => "image/jpeg",
        "png" => "image/png",
        "gif" => "image/gif",
        "tif" | "tiff" => "image/tiff",
        "bmp" => "image/bmp",
        "txt" => "text/plain",
        "htm" | "html" => "text/html",
        "csv" => "text/csv",
        "xml" => "application/xml",
        "ics" => "text/calendar",
        "vcf" => "text/vcard",
        "eml" => "message/rfc822",
        "zip" => "application/zip",
        "rtf" => "application/rtf",
        "doc" => "application/msword",
        "xls" => "application/vnd.ms-excel",
        "docx" => "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
        "xlsx" => "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
        _ => "application/octet-stream",
    }
}

fn bare_id(value: &str) -> Option<String> {
    let id = value.trim().trim_matches(['<', '>']).to_owned();
    (!id.is_empty()).then_some(id)
}

fn given_name(part: &Part) -> Option<String> {
    let given = |parameters: &Parameters, name| {
        parameters.get(name).filter(|n| !clean_name(n).is_empty()).map(str::to_owned)
    };
    given(&part.disposition, "filename")
        .or_else(|| given(&part.content_type, "name"))
        .or_else(|| given(&part.disposition, "name"))
        .or_else(|| given(&part.content_type, "filename"))
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

fn default_name(number: usize, media_type: &str, bytes: &[u8]) -> String {
    if matches!(media_type, "message/rfc822" | "message/global") {
        let head = bytes.get(..16_384).unwrap_or(bytes);
        let subject = super::mime::split(head)
            .parts
            .first()
            .and_then(|p| field::find(&p.fields, "Subject"))
            .map(field::decode_words);
        let subject =
            subject.map(|s| clean_name(&s.replace(['/', '\\', ':'], " "))).filter(|s| !s.is_empty());
        return subject.map_or_else(|| format!("message-{number}.eml"), |s| format!("{s}.eml"));
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
    format!("part-{number}.{extension}")
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
