//! Outlook's own containers into text and the files inside: `winmail.dat` (TNEF, MS-OXTNEF) and `.msg` (MS-OXMSG in a
//! compound file, MS-CFB). The caller reads the files in turn, within its own depth.
//!
//! Does not: read bodies that exist only as compressed RTF, nor messages inside a `.msg` message; both are said.
//! Limits: attachments, and bytes of all of them, as for archives.

use super::{decode::Output, text};
use crate::{
    message,
    model::finding::{Finding, Severity},
};
use cfb::CompoundFile;
use std::{
    collections::BTreeMap,
    io::{self, Cursor, Read as _},
};

/// An attachment of a `.msg` has a few dozen properties, each a stream.
const STREAMS_OF_AN_ATTACHMENT: usize = 64;

/// First bytes of a TNEF stream.
pub(super) const TNEF_SIGNATURE: &[u8] = b"\x78\x9f\x3e\x22";

/// An attachment, as far as it has been read.
#[derive(Debug, Default, PartialEq)]
struct Attachment {
    name: String,
    bytes: Vec<u8>,
}

fn broken() -> Finding {
    let message = "The Outlook file is damaged; ask the sender for it again, as PDF if possible.";
    Finding::new("broken_file", Severity::Problem, message)
}

/// Puts out what a `winmail.dat` holds.
pub(super) fn read_tnef(bytes: &[u8], out: &mut Output<'_>) -> io::Result<()> {
    let (body, attachments) = parse_tnef(bytes);
    if body.is_empty() && attachments.is_empty() {
        let message =
            "The winmail.dat holds no file and no plain text; look at the message that it came with.";
        out.finding(Finding::new("nothing_inside", Severity::Note, message))?;
    }
    put(&body, attachments, out)
}

fn put(body: &str, attachments: Vec<Attachment>, out: &mut Output<'_>) -> io::Result<()> {
    if !body.trim().is_empty() {
        text::put_pages(body, out)?;
    }
    let most = usize::try_from(out.limits.archive_entries).unwrap_or(usize::MAX);
    if attachments.len() > most {
        let message =
            format!("There are {} files inside; only the first {most} were read.", attachments.len());
        out.finding(Finding::new("archive_limit", Severity::Check, message))?;
    }
    for Attachment { name, bytes } in attachments.into_iter().take(most) {
        let name = if name.is_empty() { "attachment".to_owned() } else { name };
        out.embedded(&name, &bytes)?;
    }
    Ok(())
}

/// Little-endian numbers and slices, as far as the bytes reach.
struct Bytes<'a>(&'a [u8]);

impl<'a> Bytes<'a> {
    fn take(&mut self, count: usize) -> Option<&'a [u8]> {
        let (head, rest) = self.0.split_at_checked(count)?;
        self.0 = rest;
        Some(head)
    }

    fn u16(&mut self) -> Option<u16> {
        self.take(2)?.try_into().ok().map(u16::from_le_bytes)
    }

    fn u32(&mut self) -> Option<usize> {
        let bytes = self.take(4)?.try_into().ok()?;
        usize::try_from(u32::from_le_bytes(bytes)).ok()
    }

    /// A length, so many bytes, and what fills up to four.
    fn padded(&mut self) -> Option<&'a [u8]> {
        let length = self.u32()?;
        let value = self.take(length)?;
        self.take((4 - length % 4) % 4)?;
        Some(value)
    }
}

/// The text body and the attachments of a TNEF stream, as far as it is whole (MS-OXTNEF 2.1).
fn parse_tnef(bytes: &[u8]) -> (String, Vec<Attachment>) {
    const BODY: usize = 0x0002_800c;
    const ATTACHMENT_STARTS: usize = 0x0006_9002;
    const ATTACHMENT_TITLE: usize = 0x0001_8010;
    const ATTACHMENT_DATA: usize = 0x0006_800f;
    const ATTACHMENT_PROPERTIES: usize = 0x0006_9005;
    const KEY_BYTES: usize = 2;
    let mut body = String::new();
    let mut attachments: Vec<Attachment> = Vec::new();
    let mut rest = Bytes(bytes);
    if rest.take(TNEF_SIGNATURE.len()) != Some(TNEF_SIGNATURE) || rest.take(KEY_BYTES).is_none() {
        return (body, attachments);
    }
    loop {
        let mut attribute = || {
            rest.take(1)?;
            let id = rest.u32()?;
            let length = rest.u32()?;
            let value = rest.take(length)?;
            rest.u16()?;
            Some((id, value))
        };
        let Some((id, value)) = attribute() else { return (body, attachments) };
        match (id, attachments.last_mut()) {
            (BODY, _) => body = plain(&text::read_charset(value)),
            (ATTACHMENT_STARTS, _) => attachments.push(Attachment::default()),
            (ATTACHMENT_TITLE, Some(last)) if last.name.is_empty() => {
                last.name = plain(&text::read_charset(value));
            }
            (ATTACHMENT_DATA, Some(last)) => last.bytes = value.to_vec(),
            (ATTACHMENT_PROPERTIES, Some(last)) => {
                if let Some(name) = find_long_name(value) {
                    last.name = name;
                }
            }
            _ => {}
        }
    }
}

/// Text without the NUL that ends it.
fn plain(text: &str) -> String {
    text.trim_end_matches('\0').to_owned()
}

/// `PidTagAttachLongFilename` among MAPI properties (MS-OXTNEF 2.1.3.4): the short one is cut to eight letters.
fn find_long_name(properties: &[u8]) -> Option<String> {
    const LONG_NAME: u16 = 0x3707;
    const FIRST_NAMED: u16 = 0x8000;
    const GUID_BYTES: usize = 16;
    let mut rest = Bytes(properties);
    for _ in 0..rest.u32()? {
        let (kind, id) = (rest.u16()?, rest.u16()?);
        if id >= FIRST_NAMED {
            rest.take(GUID_BYTES)?;
            if rest.u32()? == 0 {
                rest.u32()?;
            } else {
                rest.padded()?;
            }
        }
        let many = kind & 0x1000 != 0;
        let fixed_bytes = match kind & 0x0fff {
            0x02 | 0x03 | 0x04 | 0x0a | 0x0b => 4,
            0x05 | 0x06 | 0x07 | 0x14 | 0x40 => 8,
            0x48 => 16,
            0x0d | 0x1e | 0x1f | 0x0102 => 0,
            _ => return None,
        };
        let count = if many || fixed_bytes == 0 { rest.u32()? } else { 1 };
        for _ in 0..count {
            let value = if fixed_bytes > 0 { rest.take(fixed_bytes)? } else { rest.padded()? };
            match (id, kind) {
                (LONG_NAME, 0x1e) => return Some(plain(&text::read_charset(value))),
                (LONG_NAME, 0x1f) => return Some(plain(&utf16(value))),
                _ => {}
            }
        }
    }
    None
}

fn utf16(bytes: &[u8]) -> String {
    encoding_rs::UTF_16LE.decode_without_bom_handling(bytes).0.into_owned()
}

/// Whether a compound file is an Outlook message.
pub(super) fn is_msg(bytes: &[u8]) -> bool {
    let name: Vec<u8> = "__properties_version1.0".encode_utf16().flat_map(u16::to_le_bytes).collect();
    super::format::contains(bytes, &name)
}

/// Puts out the text and the attachments of a `.msg` file.
pub(super) fn read_msg(bytes: &[u8], out: &mut Output<'_>) -> io::Result<()> {
    let Ok(mut file) = CompoundFile::open(Cursor::new(bytes)) else { return out.finding(broken()) };
    let most = usize::try_from(out.limits.archive_entries).unwrap_or(usize::MAX);
    let streams: BTreeMap<String, u64> = file
        .walk()
        .filter(cfb::Entry::is_stream)
        .map(|entry| (entry.path().to_string_lossy().into_owned(), entry.len()))
        .take(most.saturating_mul(STREAMS_OF_AN_ATTACHMENT))
        .collect();
    let mut left = out.limits.archive_bytes;
    let mut read = |path: &str| {
        let length = *streams.get(path)?;
        left = left.checked_sub(length)?;
        let mut value = Vec::new();
        file.open_stream(path).ok()?.take(length).read_to_end(&mut value).ok()?;
        Some(value)
    };
    let mut string = |storage: &str, id: &str| {
        let wide = read(&format!("{storage}/__substg1.0_{id}001F")).map(|v| utf16(&v));
        wide.or_else(|| read(&format!("{storage}/__substg1.0_{id}001E")).map(|v| text::read_charset(&v)))
    };
    let body = string("", "1000").unwrap_or_default();
    let mut names: BTreeMap<&str, String> = BTreeMap::new();
    let storages = streams.keys().filter_map(|path| path.strip_suffix("/__substg1.0_37010102"));
    for storage in storages.filter(|s| s.matches('/').count() == 1).take(most) {
        let name = string(storage, "3707").or_else(|| string(storage, "3704"));
        names.insert(storage, plain(&name.unwrap_or_default()));
    }
    let mut attachments = Vec::new();
    for (storage, name) in names {
        if let Some(bytes) = read(&format!("{storage}/__substg1.0_37010102")) {
            attachments.push(Attachment { name, bytes });
        }
    }
    let html = if body.trim().is_empty() { read("/__substg1.0_10130102") } else { None };
    let body = html.map_or(body, |html| message::html::to_text(&text::read_charset(&html)));
    if streams.keys().any(|path| path.contains("__substg1.0_3701000D/")) {
        let text = "The message holds another message inside, which was not read; open it by hand.";
        out.finding(Finding::new("message_inside", Severity::Check, text))?;
    }
    put(&plain(&body), attachments, out)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::reader::{Limits, decode};
    use std::io::Write as _;

    fn attribute(id: u32, value: &[u8]) -> Vec<u8> {
        let mut bytes = vec![2];
        bytes.extend(id.to_le_bytes());
        bytes.extend((value.len() as u32).to_le_bytes());
        bytes.extend(value);
        bytes.extend([0, 0]);
        bytes
    }

    fn tnef() -> Vec<u8> {
        let mut properties = 2_u32.to_le_bytes().to_vec();
        properties.extend(b"\x03\0\x05\x37\x01\0\0\0"); // a number
        properties.extend(b"\x1e\0\x07\x37\x01\0\0\0\x0f\0\0\0order 4711.txt\0\0");
        [
            [TNEF_SIGNATURE, &[1, 0]].concat(),
            attribute(0x0002_800c, b"See the order.\0"),
            attribute(0x0006_9002, &[0; 14]),
            attribute(0x0001_8010, b"ORDER4~1.TXT\0"),
            attribute(0x0006_800f, b"two bolts"),
            attribute(0x0006_9005, &properties),
        ]
        .concat()
    }

    fn msg() -> Vec<u8> {
        let mut file = CompoundFile::create(Cursor::new(Vec::new())).unwrap();
        let wide = |text: &str| text.encode_utf16().flat_map(u16::to_le_bytes).collect::<Vec<u8>>();
        file.create_storage("/__attach_version1.0_#00000000").unwrap();
        for (path, value) in [
            ("/__properties_version1.0", vec![0; 32]),
            ("/__substg1.0_1000001F", wide("See the order.")),
            ("/__attach_version1.0_#00000000/__substg1.0_3707001F", wide("order 4711.txt")),
            ("/__attach_version1.0_#00000000/__substg1.0_37010102", b"two bolts".to_vec()),
        ] {
            file.create_stream(path).unwrap().write_all(&value).unwrap();
        }
        file.into_inner().into_inner()
    }

    fn check(bytes: Vec<u8>, format: &str) {
        let pages = decode(bytes, "file", &[], &Limits::default());
        assert_eq!((pages.format.as_str(), &pages.findings), (format, &Vec::new()));
        let words: Vec<&str> = pages.pages[0].words.iter().map(|w| w.text.as_str()).collect();
        assert_eq!(words, ["See", "the", "order."]);
        let [inside] = pages.embedded.as_slice() else { panic!("{:?}", pages.embedded) };
        assert_eq!((inside.name.as_str(), inside.bytes.as_slice()), ("order 4711.txt", &b"two bolts"[..]));
    }

    #[test]
    fn both_containers_hand_out_what_they_hold() {
        check(tnef(), "tnef");
        check(msg(), "msg");
    }

    #[test]
    fn a_container_cut_anywhere_is_survived() {
        for whole in [tnef(), msg()] {
            for length in (0..whole.len()).step_by(7) {
                decode(whole[..length].to_vec(), "file", &[], &Limits::default());
            }
        }
    }
}
