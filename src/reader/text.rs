//! Plain text of any charset into pages on a grid of characters.

use super::decode::Output;
use crate::extract::{structured, text_pages};
use std::io;

/// Lines of one page of text.
const PAGE_LINES: usize = 2000;

/// Bytes of a structured order that are handed over; a larger file is read as words only.
const STRUCTURED_BYTES_MAX: usize = 16 << 20;
/// A line longer than this is broken where segments or elements end.
const LINE_CHARS_MAX: usize = 400;

/// Reads a text file of any charset; orders that need no picture are handed over as they are, too.
pub(super) fn read(bytes: &[u8], out: &mut Output<'_>) -> io::Result<()> {
    let text = read_declared(bytes);
    if !put_structured(&text, out)? {
        return put_pages(&text, out);
    }
    put_pages(&broken(&text), out)
}

/// Hands over the text if it is an order that needs no picture, and says whether it is.
pub(super) fn put_structured(text: &str, out: &mut Output<'_>) -> io::Result<bool> {
    if text.len() > STRUCTURED_BYTES_MAX || !structured::is_structured(text) {
        return Ok(false);
    }
    out.structured(text)?;
    Ok(true)
}

/// Line breaks behind elements or segments, where the file has none, so that people can read it.
fn broken(text: &str) -> String {
    if text.lines().all(|line| line.len() <= LINE_CHARS_MAX) {
        return text.to_owned();
    }
    let text = text.trim_start_matches('\u{feff}').trim_start();
    if text.starts_with('<') {
        return text.replace("><", ">\n<");
    }
    let end = if text.starts_with("ISA") { text.chars().nth(105).unwrap_or('~') } else { '\'' };
    text.split_inclusive(end).map(|segment| format!("{}\n", segment.trim())).collect()
}

/// As [`read_charset`], with the charset that the text itself names where it is not UTF-8: in the declaration of XML,
/// or as the syntax of EDIFACT (ISO 9735).
pub(super) fn read_declared(bytes: &[u8]) -> String {
    const HEAD_BYTES: usize = 200;
    if std::str::from_utf8(bytes).is_ok() || encoding_rs::Encoding::for_bom(bytes).is_some() {
        return read_charset(bytes);
    }
    let head = String::from_utf8_lossy(bytes.get(..HEAD_BYTES).unwrap_or(bytes)).into_owned();
    let xml = head.split_once("encoding=").and_then(|(_, rest)| rest.split(['"', '\'']).nth(1));
    let edi =
        head.split_once("UNO").and_then(|(_, rest)| rest.chars().next()).and_then(|level| match level {
            'D' => Some("iso-8859-2"),
            'E' => Some("iso-8859-5"),
            'F' => Some("iso-8859-7"),
            _ => None,
        });
    let encoding = xml.or(edi).and_then(|label| encoding_rs::Encoding::for_label(label.as_bytes()));
    match encoding.filter(|encoding| encoding.is_single_byte()) {
        Some(encoding) => encoding.decode_without_bom_handling(bytes).0.into_owned(),
        None => read_charset(bytes),
    }
}

/// UTF-8 or UTF-16 by their marks, UTF-8 if it is valid, else Windows-1252, which knows every byte.
pub(super) fn read_charset(bytes: &[u8]) -> String {
    if let Some(text) = read_marked(bytes) {
        return text;
    }
    match std::str::from_utf8(bytes) {
        Ok(text) => text.to_owned(),
        Err(_) => encoding_rs::WINDOWS_1252.decode_without_bom_handling(bytes).0.into_owned(),
    }
}

/// Text that starts with a byte-order mark.
pub(super) fn read_marked(bytes: &[u8]) -> Option<String> {
    let (encoding, mark) = encoding_rs::Encoding::for_bom(bytes)?;
    Some(encoding.decode_without_bom_handling(bytes.get(mark..)?).0.into_owned())
}

/// Lays text out in pages and puts them out, as many as the limit allows.
pub(super) fn put_pages(text: &str, out: &mut Output<'_>) -> io::Result<()> {
    let lines: Vec<&str> = text.lines().collect();
    for chunk in lines.chunks(PAGE_LINES) {
        for mut page in text_pages(&chunk.join("\n")).pages {
            if !out.may_have_page()? {
                return Ok(());
            }
            page.number = out.pages + 1;
            out.page(page)?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn charsets_are_told_apart() {
        for (bytes, expected) in [
            (&b"\xff\xfeh\0\xe9\0"[..], "hé"),
            (b"\xef\xbb\xbfh\xc3\xa9", "hé"),
            (b"h\xc3\xa9", "hé"),
            (b"h\xe9 \x80", "hé €"),
        ] {
            assert_eq!(read_charset(bytes), expected);
        }
    }
}
