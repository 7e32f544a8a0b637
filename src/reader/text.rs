//! Plain text of any charset into pages on a grid of characters.

use super::decode::Output;
use crate::extract::text_pages;
use std::io;

/// Lines of one page of text.
const PAGE_LINES: usize = 2000;

/// Reads a text file of any charset.
pub(super) fn read(bytes: &[u8], out: &mut Output<'_>) -> io::Result<()> {
    put_pages(&read_charset(bytes), out)
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
