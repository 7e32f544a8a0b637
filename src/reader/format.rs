//! What a file is, by its content alone: names and declared types lie.

use super::{outlook, text};

/// Kinds of files that are told apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// No bytes at all.
    Empty,
    /// PDF 1.0 to 2.0.
    Pdf,
    /// TIFF, fax pages included.
    Tiff,
    /// PNG.
    Png,
    /// JPEG.
    Jpeg,
    /// GIF.
    Gif,
    /// BMP.
    Bmp,
    /// WebP.
    Webp,
    /// Office Open XML sheet.
    Xlsx,
    /// Office Open XML binary sheet.
    Xlsb,
    /// OpenDocument sheet.
    Ods,
    /// Office Open XML text.
    Docx,
    /// OpenDocument text.
    Odt,
    /// Any other ZIP archive.
    Zip,
    /// The old compound file of Excel.
    Xls,
    /// An Outlook message in a compound file.
    Msg,
    /// Outlook's `winmail.dat`.
    Tnef,
    /// The old compound file of Word.
    Doc,
    /// The old compound file of PowerPoint.
    Ppt,
    /// Office Open XML presentation.
    Pptx,
    /// An Office file that opens only with a password (MS-OFFCRYPTO).
    EncryptedOffice,
    /// Any other compound file.
    Compound,
    /// 7z archive.
    SevenZip,
    /// RAR archive.
    Rar,
    /// Gzip, bzip2, xz, Zstandard: one file, packed.
    Packed,
    /// HEIC or AVIF, as phones make them.
    Heif,
    /// PostScript.
    PostScript,
    /// S/MIME or another container of cryptography.
    Cms,
    /// Rich Text Format.
    Rtf,
    /// HTML.
    Html,
    /// XML.
    Xml,
    /// An interchange of X12, EDIFACT or TRADACOMS.
    Edi,
    /// A mail message.
    Mail,
    /// Comma- or semicolon-separated values.
    Csv,
    /// Plain text of any charset.
    Text,
    /// A program, or something else without text.
    Unknown,
}

impl Format {
    /// The name in [`crate::model::page::Pages::format`].
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Empty => "empty",
            Self::Pdf => "pdf",
            Self::Tiff => "tiff",
            Self::Png => "png",
            Self::Jpeg => "jpeg",
            Self::Gif => "gif",
            Self::Bmp => "bmp",
            Self::Webp => "webp",
            Self::Xlsx => "xlsx",
            Self::Xlsb => "xlsb",
            Self::Ods => "ods",
            Self::Docx => "docx",
            Self::Odt => "odt",
            Self::Zip => "zip",
            Self::Xls => "xls",
            Self::Msg => "msg",
            Self::Tnef => "tnef",
            Self::Doc => "doc",
            Self::Ppt => "ppt",
            Self::Pptx => "pptx",
            Self::EncryptedOffice => "encrypted_office",
            Self::Compound => "compound",
            Self::SevenZip => "7z",
            Self::Rar => "rar",
            Self::Packed => "packed",
            Self::Heif => "heif",
            Self::PostScript => "postscript",
            Self::Cms => "cms",
            Self::Rtf => "rtf",
            Self::Html => "html",
            Self::Xml => "xml",
            Self::Edi => "edi",
            Self::Mail => "mail",
            Self::Csv => "csv",
            Self::Text => "text",
            Self::Unknown => "unknown",
        }
    }
}

/// PDF readers look for the header in the first kilobyte (PDF 32000-1, annex H).
const PDF_HEADER_BYTES: usize = 1024;
/// How much of a file is looked at to tell kinds of text apart.
const TEXT_SAMPLE_BYTES: usize = 8192;

/// Object identifiers of PKCS #7 (RFC 2315) start so: 1.2.840.113549.1.7.
const PKCS7_OID: &[u8] = b"\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x07";

/// Says what a file is.
pub fn find_format(bytes: &[u8]) -> Format {
    if bytes.is_empty() {
        return Format::Empty;
    }
    const SIGNATURES: &[(&[u8], Format)] = &[
        (b"%PDF-", Format::Pdf),
        (b"\x89PNG\r\n\x1a\n", Format::Png),
        (b"\xff\xd8\xff", Format::Jpeg),
        (b"GIF87a", Format::Gif),
        (b"GIF89a", Format::Gif),
        (b"II*\0", Format::Tiff),
        (b"MM\0*", Format::Tiff),
        (b"II+\0", Format::Tiff),
        (b"MM\0+", Format::Tiff),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", Format::Compound),
        (outlook::TNEF_SIGNATURE, Format::Tnef),
        (b"{\\rtf", Format::Rtf),
        (b"7z\xbc\xaf\x27\x1c", Format::SevenZip),
        (b"Rar!\x1a\x07", Format::Rar),
        (b"\x1f\x8b\x08", Format::Packed),
        (b"BZh", Format::Packed),
        (b"\xfd7zXZ\0", Format::Packed),
        (b"\x28\xb5\x2f\xfd", Format::Packed),
        (b"%!PS", Format::PostScript),
        (b"-----BEGIN PKCS7", Format::Cms),
        (b"-----BEGIN PGP MESSAGE", Format::Cms),
        (b"MZ", Format::Unknown),
        (b"\x7fELF", Format::Unknown),
    ];
    if let Some((_, format)) = SIGNATURES.iter().find(|(signature, _)| bytes.starts_with(signature)) {
        return match format {
            Format::Compound => compound_format(bytes),
            other => *other,
        };
    }
    if bytes.starts_with(b"BM")
        && bytes.get(14..16).is_some_and(|n| n == [40, 0] || n == [108, 0] || n == [124, 0] || n == [12, 0])
    {
        return Format::Bmp;
    }
    if bytes.starts_with(b"RIFF") && bytes.get(8..12) == Some(b"WEBP") {
        return Format::Webp;
    }
    if bytes.get(4..8) == Some(b"ftyp")
        && bytes
            .get(8..11)
            .is_some_and(|brand| [b"hei", b"hev", b"mif", b"msf", b"avi"].iter().any(|b| brand == *b))
    {
        return Format::Heif;
    }
    if bytes.first() == Some(&0x30) && contains(bytes.get(..32).unwrap_or(bytes), PKCS7_OID) {
        return Format::Cms;
    }
    if bytes.starts_with(b"PK\x03\x04") || bytes.starts_with(b"PK\x05\x06") {
        return zip_format(bytes);
    }
    if contains(bytes.get(..PDF_HEADER_BYTES).unwrap_or(bytes), b"%PDF-") {
        return Format::Pdf;
    }
    text_format(bytes.get(..TEXT_SAMPLE_BYTES).unwrap_or(bytes))
}

/// Whether the needle occurs.
pub(super) fn contains(bytes: &[u8], needle: &[u8]) -> bool {
    bytes.windows(needle.len()).any(|w| w == needle)
}

fn compound_format(bytes: &[u8]) -> Format {
    let name = |s: &str| s.encode_utf16().flat_map(u16::to_le_bytes).collect::<Vec<u8>>();
    if outlook::is_msg(bytes) {
        return Format::Msg;
    }
    const STREAMS: &[(&str, Format)] = &[
        ("EncryptedPackage", Format::EncryptedOffice),
        ("WordDocument", Format::Doc),
        ("PowerPoint Document", Format::Ppt),
        ("Workbook", Format::Xls),
        ("Book", Format::Xls),
    ];
    let found = STREAMS.iter().find(|(stream, _)| contains(bytes, &name(stream)));
    found.map_or(Format::Compound, |(_, format)| *format)
}

/// By the names of the entries: office files put theirs anywhere, so both ends of the archive are looked at.
fn zip_format(bytes: &[u8]) -> Format {
    const NAMES: &[(&[u8], Format)] = &[
        (b"xl/workbook.bin", Format::Xlsb),
        (b"xl/workbook.xml", Format::Xlsx),
        (b"xl/worksheets/", Format::Xlsx),
        (b"word/document", Format::Docx),
        (b"ppt/presentation.xml", Format::Pptx),
        (b"mimetypeapplication/vnd.oasis.opendocument.spreadsheet", Format::Ods),
        (b"mimetypeapplication/vnd.oasis.opendocument.text", Format::Odt),
    ];
    const TAIL_BYTES: usize = 64 << 10;
    let tail = bytes.get(bytes.len().saturating_sub(TAIL_BYTES)..).unwrap_or(bytes);
    let head = bytes.get(..4096).unwrap_or(bytes);
    let found = NAMES.iter().find(|(name, _)| contains(tail, name) || contains(head, name));
    found.map_or(Format::Zip, |(_, format)| *format)
}

fn text_format(sample: &[u8]) -> Format {
    let text = text::read_wide(sample).unwrap_or_else(|| String::from_utf8_lossy(sample).into_owned());
    let control = text.bytes().filter(|b| *b < 9 || (14..32).contains(b) && *b != 27).count();
    if control * 100 > text.len() {
        return Format::Unknown;
    }
    let text = text.to_ascii_lowercase();
    let start = text.trim_start_matches(['\u{feff}', ' ', '\t', '\r', '\n']);
    if start.starts_with("<!doctype html")
        || start.starts_with("<html")
        || start.contains("<html") && start.starts_with('<')
    {
        return Format::Html;
    }
    if start.starts_with("<?xml")
        || start.starts_with('<') && (start.contains("xmlns") || start.contains("<cxml"))
    {
        return Format::Xml;
    }
    if is_edi(start) {
        return Format::Edi;
    }
    if is_mail(start) {
        return Format::Mail;
    }
    if is_csv(&text) { Format::Csv } else { Format::Text }
}

/// The service segments that open an interchange; `start` is in lower case.
fn is_edi(start: &str) -> bool {
    let isa = start.strip_prefix("isa").and_then(|rest| rest.chars().next());
    start.starts_with("una") && start.get(9..).is_some_and(|rest| rest.trim_start().starts_with("un"))
        || start.starts_with("unb+uno")
        || start.starts_with("unh+")
        || start.starts_with("stx=ana")
        || isa.is_some_and(|mark| start.matches(mark).count() > 15 && mark.is_ascii_punctuation())
}

/// Header lines first, and among them some that every mail has.
fn is_mail(start: &str) -> bool {
    let headers: Vec<&str> = start.lines().take_while(|l| !l.trim().is_empty()).collect();
    let is_header = |l: &&str| {
        l.starts_with([' ', '\t'])
            || l.split_once(':').is_some_and(|(n, _)| !n.is_empty() && !n.contains(' '))
    };
    let has = |name: &str| headers.iter().any(|l| l.starts_with(name));
    headers.iter().skip(1).all(is_header)
        && (has("received:") || has("mime-version:") || has("message-id:") || has("return-path:"))
        && (has("from:") || has("to:") || has("subject:") || has("date:"))
}

/// The same separator the same number of times in nearly each of several lines.
fn is_csv(text: &str) -> bool {
    let text = without_breaks_in_quotes(text);
    let lines: Vec<&str> = text.lines().filter(|l| !l.trim().is_empty()).collect();
    let lines =
        if lines.len() > 3 { lines.split_last().map_or(&[][..], |(_, rest)| rest) } else { &lines[..] };
    if lines.len() < 2 {
        return false;
    }
    [',', ';', '\t', '|'].into_iter().any(|separator| {
        let counts: Vec<usize> = lines.iter().map(|l| count_unquoted(l, separator)).collect();
        let first = counts.first().copied().unwrap_or(0);
        let alike = counts.iter().filter(|c| **c == first).count();
        first >= 2 && alike * 10 >= counts.len() * 9 || is_table_below_pairs(lines, &counts, separator)
    })
}

/// A value in double quotes that begins behind a separator may go on over several lines.
fn without_breaks_in_quotes(text: &str) -> String {
    let mut quoted = false;
    let mut before = '\n';
    text.chars()
        .map(|c| {
            let shown = if quoted && matches!(c, '\r' | '\n') { ' ' } else { c };
            if c == '"' && (quoted || matches!(before, '\n' | ',' | ';' | '\t' | '|')) {
                quoted = !quoted;
            }
            before = c;
            shown
        })
        .collect()
}

/// How often a separator stands in a line outside of double quotes.
fn count_unquoted(line: &str, separator: char) -> usize {
    line.split('"').step_by(2).map(|part| part.matches(separator).count()).sum()
}

/// Pairs of label and value first, a table below them: the separator in nearly each line, and as often in most.
fn is_table_below_pairs(lines: &[&str], counts: &[usize], separator: char) -> bool {
    let most = counts.iter().copied().max().unwrap_or(0);
    let with = counts.iter().filter(|count| **count > 0).count();
    let wide = counts.iter().filter(|count| **count == most).count();
    let spoken = lines.iter().filter(|line| line.contains(&format!("{separator} "))).count();
    most >= 2 && wide >= 3 && with * 10 >= counts.len() * 9 && spoken * 10 <= lines.len() * 3
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kinds_are_told_by_content() {
        for (bytes, expected) in [
            (&b""[..], Format::Empty),
            (b"%PDF-1.4\n", Format::Pdf),
            (b"\n\n junk %PDF-1.4\n", Format::Pdf),
            (b"II*\0\x08\0\0\0", Format::Tiff),
            (b"<!DOCTYPE html><p>hi", Format::Html),
            (b"<?xml version=\"1.0\"?><Order/>", Format::Xml),
            (b"<!DOCTYPE cXML SYSTEM \"x.dtd\"><cXML/>", Format::Xml),
            (b"UNA:+.? '\r\nUNB+UNOC:3+A+B'", Format::Edi),
            (b"ISA*00* *00* *ZZ*A *ZZ*B *260101*1200*U*00401*1*0*P*>~GS*PO*", Format::Edi),
            (b"From: a@example.com\r\nMessage-ID: <1@x>\r\n\r\nhi", Format::Mail),
            (b"Dear all,\nplease send: 3 bolts\n", Format::Text),
            (b"sku;name;price\n1;a;2\n2;b;3\n", Format::Csv),
            (b"Order;A-1\nDate;1.2.2026\n\nItem;Qty;Price\nA;1;2,5\nB;2;3\nC;3;4\n", Format::Csv),
            (b"a;b;c\n\"A\";\"one\ntwo; three\";5\n\"B\";\"x\";2\n", Format::Csv),
            (b"Hello, dear, friend\nHow are you\n", Format::Text),
            (b"a\0;\0b\0;\0c\0\n\0x\0;\0y\0;\0z\0\n\0", Format::Csv),
            (b"7z\xbc\xaf\x27\x1c\0\x04", Format::SevenZip),
            (b"\0\0\0\x18ftypheic\0\0\0\0", Format::Heif),
            (b"\x7fELF\x02\x01", Format::Unknown),
            (b"\x00\x01\x02\x03\x04\x05\x06", Format::Unknown),
        ] {
            assert_eq!(find_format(bytes), expected, "{:?}", String::from_utf8_lossy(bytes));
        }
    }
}
