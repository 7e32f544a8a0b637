//! Bytes into text by their declared charset, or by what they most likely are.
//!
//! Does not: fail. What no charset explains becomes U+FFFD, and the caller is told.

use mail_parser::decoders::charsets::map::charset_decoder;

/// Text, and whether the declared charset did not explain the bytes.
pub(super) struct Decoded {
    /// The text.
    pub(super) text: String,
    /// The label was unknown, or the bytes do not fit it.
    pub(super) doubtful: bool,
}

/// Header bytes: UTF-8 if they are that, else Windows-1252.
pub(super) fn decode_header(bytes: &[u8]) -> String {
    match std::str::from_utf8(bytes) {
        Ok(text) => text.to_owned(),
        Err(_) => windows_1252(bytes),
    }
}

/// Bytes with a charset label.
pub(super) fn decode_as(label: &str, bytes: &[u8]) -> String {
    decode(Some(label), bytes).text
}

/// Bytes with the label of their part, if it has one.
pub(super) fn decode(label: Option<&str>, bytes: &[u8]) -> Decoded {
    let label = label.map(|l| l.trim().trim_matches(['"', '\'']).to_ascii_lowercase()).unwrap_or_default();
    let is_utf8 = matches!(label.as_str(), "utf-8" | "utf8" | "unicode-1-1-utf-8" | "utf-8-mac" | "utf8mb4");
    let is_vague = matches!(
        label.as_str(),
        "" | "us-ascii" | "ascii" | "unknown-8bit" | "x-unknown" | "default" | "iso-8859-8-i" | "none"
    );
    if is_utf8 || is_vague {
        return match std::str::from_utf8(bytes) {
            Ok(text) => Decoded { text: without_mark(text), doubtful: false },
            Err(_) if is_utf8 && mostly_utf8(bytes) => {
                Decoded { text: without_mark(&String::from_utf8_lossy(bytes)), doubtful: true }
            }
            Err(_) => Decoded { text: windows_1252(bytes), doubtful: true },
        };
    }
    match charset_decoder(label.as_bytes()) {
        // UTF-8 under a false flag: text of a single-byte charset is never valid UTF-8 with accents by chance.
        Some(_) if is_single_byte(&label) && is_utf8_with_accents(bytes) => {
            Decoded { text: without_mark(&String::from_utf8_lossy(bytes)), doubtful: true }
        }
        Some(decoder) => {
            let text = decoder(bytes);
            let doubtful = text.contains('\u{fffd}');
            // The same for a charset of several bytes, which then hits a sequence that it does not have.
            if doubtful && is_utf8_with_accents(bytes) {
                return Decoded { text: without_mark(&String::from_utf8_lossy(bytes)), doubtful };
            }
            Decoded { text: without_mark(&text), doubtful }
        }
        None => Decoded { doubtful: true, ..decode(None, bytes) },
    }
}

/// Bytes of a Windows code page; Windows-1252 if that is unknown.
pub fn decode_code_page(number: u32, bytes: &[u8]) -> String {
    match of_code_page(number) {
        Some(label) => decode_as(&label, bytes),
        None => windows_1252(bytes),
    }
}

/// The charset that a Windows code page number stands for.
pub(super) fn of_code_page(number: u32) -> Option<String> {
    Some(match number {
        437 | 850 => "ibm850".to_owned(),
        866 => "ibm866".to_owned(),
        874 => "windows-874".to_owned(),
        932 => "shift_jis".to_owned(),
        936 => "gbk".to_owned(),
        949 | 51_949 => "euc-kr".to_owned(),
        950 => "big5".to_owned(),
        1_250..=1_258 => format!("windows-{number}"),
        10_000 => "macintosh".to_owned(),
        20_127 => "us-ascii".to_owned(),
        20_866 => "koi8-r".to_owned(),
        21_866 => "koi8-u".to_owned(),
        28_591..=28_606 => format!("iso-8859-{}", number - 28_590),
        50_220..=50_222 => "iso-2022-jp".to_owned(),
        51_932 => "euc-jp".to_owned(),
        54_936 => "gb18030".to_owned(),
        65_000 => "utf-7".to_owned(),
        65_001 => "utf-8".to_owned(),
        _ => return None,
    })
}

/// `<meta charset=…>` within the first bytes of HTML.
pub(super) fn declared_in_html(bytes: &[u8]) -> Option<String> {
    let head = String::from_utf8_lossy(bytes.get(..2_048).unwrap_or(bytes)).to_ascii_lowercase();
    let after = head.split("charset=").nth(1)?;
    let label: String = after
        .trim_start_matches(['"', '\''])
        .chars()
        .take_while(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_'))
        .collect();
    (!label.is_empty()).then_some(label)
}

fn is_single_byte(label: &str) -> bool {
    label.starts_with("iso-8859")
        || label.starts_with("windows-125")
        || label.starts_with("latin")
        || label.starts_with("cp125")
}

fn is_utf8_with_accents(bytes: &[u8]) -> bool {
    let high = bytes.iter().filter(|b| **b >= 0x80).count();
    high >= 4 && std::str::from_utf8(bytes).is_ok()
}

/// More than half of the bytes above ASCII belong to valid sequences.
fn mostly_utf8(bytes: &[u8]) -> bool {
    let high = bytes.iter().filter(|b| **b >= 0x80).count();
    let valid: usize =
        bytes.utf8_chunks().map(|chunk| chunk.valid().bytes().filter(|b| *b >= 0x80).count()).sum();
    valid * 2 > high
}

fn without_mark(text: &str) -> String {
    text.strip_prefix('\u{feff}').unwrap_or(text).to_owned()
}

fn windows_1252(bytes: &[u8]) -> String {
    encoding_rs::WINDOWS_1252.decode_without_bom_handling(bytes).0.into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_are_read_by_what_they_are() {
        let bytes = |text: &str| text.as_bytes().to_vec();
        for (label, raw, expected, doubtful) in [
            (Some("iso-8859-1"), b"gr\xf6n".to_vec(), "grön", false),
            (Some("\"UTF-8\""), bytes("grön"), "grön", false),
            (Some("utf-8"), b"gr\xf6n".to_vec(), "grön", true),
            (None, b"gr\xf6n".to_vec(), "grön", true),
            (Some("iso-8859-1"), bytes("grön åkerö"), "grön åkerö", true),
            (Some("gb2312"), bytes("您好，我司"), "您好，我司", true),
            (Some("gb2312"), b"\xc4\xfa\xba\xc3".to_vec(), "您好", false),
            (Some("x-unheard-of"), bytes("grön"), "grön", true),
            (Some("utf-8"), bytes("\u{feff}a"), "a", false),
        ] {
            let decoded = decode(label, &raw);
            assert_eq!((decoded.text.as_str(), decoded.doubtful), (expected, doubtful), "{label:?} {raw:?}");
        }
    }
}
