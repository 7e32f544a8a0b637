//! Plain text of any charset into pages on a grid of characters.

use super::decode::Output;
use crate::{
    extract::{structured, text_pages},
    message,
};
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

/// As [`read_charset`], with the charset that the text itself names where it is not UTF-8: in the declaration of XML or
/// HTML, or as the syntax of EDIFACT (ISO 9735).
pub(super) fn read_declared(bytes: &[u8]) -> String {
    const HEAD_BYTES: usize = 1024;
    if std::str::from_utf8(bytes).is_ok() || read_wide(bytes).is_some() {
        return read_charset(bytes);
    }
    let head = String::from_utf8_lossy(bytes.get(..HEAD_BYTES).unwrap_or(bytes)).into_owned();
    let xml = head.split_once("encoding=").and_then(|(_, rest)| rest.split(['"', '\'']).nth(1));
    let html = head.split_once("charset=").and_then(|(_, rest)| {
        rest.trim_start_matches(['"', '\'']).split(['"', '\'', '>', ' ', ';', '/']).next()
    });
    let edi =
        head.split_once("UNO").and_then(|(_, rest)| rest.chars().next()).and_then(|level| match level {
            'D' => Some("iso-8859-2"),
            'E' => Some("iso-8859-5"),
            'F' => Some("iso-8859-7"),
            _ => None,
        });
    let encoding = xml.or(html).or(edi).and_then(|label| encoding_rs::Encoding::for_label(label.as_bytes()));
    match encoding.filter(|encoding| encoding.is_single_byte()) {
        Some(encoding) => encoding.decode_without_bom_handling(bytes).0.into_owned(),
        None => read_charset(bytes),
    }
}

/// UTF-8, UTF-16 or UTF-32 by their marks or their zeros, UTF-8 if it is valid, else the code page of DOS (IBM 850) if
/// words then look better, else Windows-1252, which knows every byte.
pub(super) fn read_charset(bytes: &[u8]) -> String {
    if let Some(text) = read_wide(bytes) {
        return text;
    }
    match std::str::from_utf8(bytes) {
        Ok(text) => text.to_owned(),
        Err(_) if is_dos(bytes) => message::decode_code_page(850, bytes),
        Err(_) => encoding_rs::WINDOWS_1252.decode_without_bom_handling(bytes).0.into_owned(),
    }
}

/// Text with a byte-order mark, or with the zeros that Latin letters have in UTF-16.
pub(super) fn read_wide(bytes: &[u8]) -> Option<String> {
    const SAMPLE_BYTES: usize = 4096;
    let four = |big: bool| {
        let unit = |b: &[u8; 4]| if big { u32::from_be_bytes(*b) } else { u32::from_le_bytes(*b) };
        let characters = bytes.as_chunks::<4>().0.iter().skip(1);
        characters.map(|b| char::from_u32(unit(b)).unwrap_or(char::REPLACEMENT_CHARACTER)).collect()
    };
    if bytes.starts_with(b"\xff\xfe\0\0") {
        return Some(four(false));
    }
    if bytes.starts_with(b"\0\0\xfe\xff") {
        return Some(four(true));
    }
    if let Some(text) = read_marked(bytes) {
        return Some(text);
    }
    let sample = bytes.get(..SAMPLE_BYTES).unwrap_or(bytes).as_chunks::<2>().0;
    let share = |zero: fn(&[u8; 2]) -> bool| sample.iter().filter(|pair| zero(pair)).count() * 10;
    let high_first = share(|pair| matches!(pair, [0, low] if *low > 0));
    let low_first = share(|pair| matches!(pair, [high, 0] if *high > 0));
    let most = sample.len() * 8;
    let encoding = match (low_first > most, high_first > most) {
        (true, _) => encoding_rs::UTF_16LE,
        (_, true) => encoding_rs::UTF_16BE,
        _ => return None,
    };
    Some(encoding.decode_without_bom_handling(bytes).0.into_owned())
}

/// Whether bytes above ASCII stand inside words where IBM 850 has its letters (ü, é, ä, à, å, ç, ê, è, Ä, Å, ö, Ö, Ü),
/// rather than where Windows-1252 has them.
fn is_dos(bytes: &[u8]) -> bool {
    let is_letter = |b: u8| b.is_ascii_alphabetic() || b >= 0x80;
    let (mut dos, mut windows) = (0, 0);
    for triple in bytes.windows(3) {
        let [before, letter, after] = *triple else { continue };
        if letter >= 0x80 && is_letter(before) && is_letter(after) {
            match letter {
                0x81 | 0x82 | 0x84..=0x88 | 0x8a | 0x8e | 0x8f | 0x94 | 0x99 | 0x9a => dos += 1,
                0xc0..=0xe0 | 0xe2.. => windows += 1,
                _ => {}
            }
        }
    }
    dos > windows
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
            (b"h\0i\0!\0", "hi!"),
            (b"\0h\0i\0!", "hi!"),
            (b"\xff\xfe\0\0h\0\0\0", "h"),
            (b"Gr\x94\xe1e S\x81d", "Größe Süd"),
            (b"\x84Gr\xf6\xdfe\x94 l\x92ordre", "„Größe” l’ordre"),
        ] {
            assert_eq!(read_charset(bytes), expected);
        }
    }
}
