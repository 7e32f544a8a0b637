//! Bytes of a table as programs for tables save them into text and the mark between its cells.
//!
//! Excel writes what the settings of the machine say: semicolons where commas stand before decimals, tabs as "Unicode
//! text", and the system's old charset where nobody chose UTF-8. Does not: open Excel's own files.

use encoding_rs::{Encoding, UTF_8, WINDOWS_1252};

/// A table as text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sheet {
    /// Its lines.
    pub text: String,
    /// The mark between cells.
    pub mark: u8,
}

/// Whether the bytes are a workbook, not text: a ZIP or a compound file.
pub fn is_workbook(bytes: &[u8]) -> bool {
    bytes.starts_with(b"PK\x03\x04") || bytes.starts_with(&[0xd0, 0xcf, 0x11, 0xe0])
}

/// Reads a table that has a column `key`.
pub fn read(bytes: &[u8], key: &str) -> Sheet {
    // the lines of a finding are those that a person counts
    let text = decode(bytes).replace("\r\n", "\n");
    // Excel's own way to name the mark
    let first = text.lines().next().unwrap_or_default().trim_matches('"');
    if let Some(&[mark]) = first.strip_prefix("sep=").map(str::as_bytes) {
        let rest = text.split_once('\n').map_or("", |(_, rest)| rest);
        return Sheet { text: rest.to_owned(), mark };
    }
    let head = text.lines().find(|line| !line.trim().is_empty()).unwrap_or_default();
    // of several that fit alike the last counts
    let marks = [b'\t', b';', b','];
    let named =
        |mark: &u8| head.split(char::from(*mark)).any(|name| name.trim().trim_matches('"').trim() == key);
    let count = |mark: &u8| head.matches(char::from(*mark)).count();
    let most = marks.into_iter().filter(|mark| named(mark)).max_by_key(count);
    Sheet { mark: most.unwrap_or(b','), text }
}

/// Text of bytes: as their mark says, else as UTF-8 if it is that, else as Windows wrote it in Western Europe.
fn decode(bytes: &[u8]) -> String {
    if let Some((encoding, length)) = Encoding::for_bom(bytes) {
        let rest = bytes.get(length..).unwrap_or_default();
        return encoding.decode_without_bom_handling(rest).0.into_owned();
    }
    let (text, broken) = UTF_8.decode_without_bom_handling(bytes);
    if broken { WINDOWS_1252.decode_without_bom_handling(bytes).0.into_owned() } else { text.into_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tables_as_excel_saves_them() {
        let plain = "nr;name\r\n1;Västkust, AB\r\n";
        let utf16: Vec<u8> = std::iter::once(0xfeff)
            .chain(plain.replace(';', "\t").encode_utf16())
            .flat_map(u16::to_le_bytes)
            .collect();
        let big: Vec<u8> =
            std::iter::once(0xfeff).chain(plain.encode_utf16()).flat_map(u16::to_be_bytes).collect();
        for (bytes, mark) in [
            (plain.as_bytes().to_vec(), b';'),
            (format!("\u{feff}{plain}").into_bytes(), b';'),
            (plain.replace('ä', "\u{1}").bytes().map(|b| if b == 1 { 0xe4 } else { b }).collect(), b';'),
            (utf16, b'\t'),
            (big, b';'),
            (format!("sep=;\r\n{plain}").into_bytes(), b';'),
        ] {
            let sheet = read(&bytes, "nr");
            assert_eq!((sheet.mark, sheet.text.contains("Västkust, AB")), (mark, true), "{sheet:?}");
            assert!(sheet.text.starts_with("nr"), "{sheet:?}");
        }
        assert_eq!(read(b"\"nr\",\"a;b\"\n", "nr").mark, b',');
        assert_eq!(read(b"nr\n1\n", "nr").mark, b',');
        assert!(is_workbook(b"PK\x03\x04xlsx") && !is_workbook(plain.as_bytes()));
    }
}
