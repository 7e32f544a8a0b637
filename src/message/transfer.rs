//! Transfer encodings (RFC 2045 §6, uuencode): body bytes as they were before the journey.
//!
//! Total: a byte that fits no encoding is kept or skipped, never an error.

use super::field;
use std::borrow::Cow;

/// Undoes a `Content-Transfer-Encoding`.
pub(super) fn decode<'a>(encoding: &str, raw: &'a [u8]) -> Cow<'a, [u8]> {
    let encoding = encoding.trim().trim_matches('"').to_ascii_lowercase();
    match encoding.split([';', ' ']).next().unwrap_or_default() {
        "base64" => Cow::Owned(field::decode_base64(raw)),
        "quoted-printable" => Cow::Owned(decode_quoted_printable(raw)),
        "x-uuencode" | "uuencode" | "x-uue" | "uue" => decode_uu(raw).map_or(Cow::Borrowed(raw), Cow::Owned),
        _ => Cow::Borrowed(raw),
    }
}

fn decode_quoted_printable(raw: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(raw.len());
    for line in raw.split_inclusive(|b| *b == b'\n') {
        let (text, ending) = split_ending(line);
        // White space at the end of a line was added on the way.
        let text = text.trim_ascii_end();
        let (text, soft) = match text.strip_suffix(b"=") {
            Some(text) => (text, true),
            None => (text, false),
        };
        let mut rest = text;
        while let Some((&byte, tail)) = rest.split_first() {
            rest = tail;
            let code = if byte == b'=' { tail.first_chunk::<2>() } else { None };
            match code.and_then(|[high, low]| field::hex_byte(*high, *low)) {
                Some(value) => {
                    out.push(value);
                    rest = tail.get(2..).unwrap_or_default();
                }
                None => out.push(byte),
            }
        }
        if !soft {
            out.extend_from_slice(ending);
        }
    }
    out
}

fn split_ending(line: &[u8]) -> (&[u8], &[u8]) {
    let ending = if line.ends_with(b"\r\n") { 2 } else { usize::from(line.ends_with(b"\n")) };
    line.split_at_checked(line.len() - ending).unwrap_or((line, &[]))
}

/// The bytes between `begin` and `end`; none if there is no `begin` line.
pub(super) fn decode_uu(raw: &[u8]) -> Option<Vec<u8>> {
    let mut lines = raw.split(|b| *b == b'\n').skip_while(|line| !line.starts_with(b"begin "));
    lines.next()?;
    let mut out = Vec::with_capacity(raw.len() / 4 * 3);
    for line in lines {
        let line = line.trim_ascii_end();
        if line == b"end" {
            break;
        }
        let Some((&first, data)) = line.split_first() else { continue };
        out.extend(uu_bytes(uu_count(first), data));
    }
    Some(out)
}

/// One line of a uuencoded file; none if it cannot be one. Trailing blanks may be lost, a checksum may follow.
pub(super) fn uu_line(line: &[u8]) -> Option<Vec<u8>> {
    const FULL_LINE: usize = 45;
    let Some((&first, data)) = line.split_first() else { return Some(Vec::new()) };
    let known = |b: &u8| (b' '..=b'`').contains(b);
    let count = uu_count(first);
    let expected = count.div_ceil(3) * 4;
    let long_enough = count == FULL_LINE || data.len() + 3 >= expected;
    let fits = known(&first) && data.iter().all(known) && long_enough && data.len() <= expected + 2;
    fits.then(|| uu_bytes(count, data))
}

fn uu_count(first: u8) -> usize {
    usize::from(first.wrapping_sub(b' ') & 63)
}

fn uu_bytes(count: usize, data: &[u8]) -> Vec<u8> {
    let sextet = |b: Option<&u8>| u32::from(b.copied().unwrap_or(b' ').wrapping_sub(b' ') & 63);
    let mut bytes = Vec::with_capacity(48);
    for group in data.chunks(4) {
        let word = sextet(group.first()) << 18
            | sextet(group.get(1)) << 12
            | sextet(group.get(2)) << 6
            | sextet(group.get(3));
        bytes.extend(word.to_be_bytes().into_iter().skip(1));
    }
    bytes.resize(count, 0);
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn encodings_are_undone() {
        for (encoding, raw, expected) in [
            ("7bit", "a=20b", "a=20b"),
            ("Quoted-Printable", "a=20b=C3=A5=\r\nc  \r\nd=\nE=zz=", "a bå\u{0}c\r\ndE=zz"),
            ("quoted-printable", "=e5", "\u{fffd}"),
            (" base64 ", "aGVs\r\nbG8=", "hello"),
            ("base64", "aGVsbG8", "hello"),
            ("base64", "aGVs!bG8=\r\n--junk", "hello\u{0}"),
            ("base64", "aGU=bGxv", "hello"),
            ("x-uuencode", "begin 644 a.txt\n%:&5L;&\\\n`\nend\n", "hello"),
            ("unheard-of", "a", "a"),
        ] {
            let got = String::from_utf8_lossy(&decode(encoding, raw.as_bytes())).into_owned();
            let expected = expected.split('\u{0}').next().unwrap().to_owned()
                + expected.split('\u{0}').nth(1).unwrap_or_default();
            assert!(got.starts_with(&expected), "{encoding}: {raw:?} gave {got:?}");
        }
    }
}
