//! Outlook's own containers into text and the files inside: `winmail.dat` (TNEF, MS-OXTNEF) and `.msg` (MS-OXMSG in a
//! compound file, MS-CFB). The caller reads the files in turn, within its own depth.
//!
//! Messages inside a `.msg` message are text of it, one below the other.
//! Limits: attachments, and bytes of all of them, as for archives; messages inside messages.

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

/// The storage of an attachment that is a message.
const MESSAGE_INSIDE: &str = "__substg1.0_3701000D";
/// Messages inside messages.
const MESSAGES_INSIDE_MAX: u32 = 8;

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
    let contents = message::tnef::open(bytes);
    let html = contents.html.as_deref().map(message::html::to_text);
    let body = contents.plain.or(html).unwrap_or_default();
    if contents.broken {
        out.finding(broken())?;
    } else if body.is_empty() && contents.files.is_empty() {
        let message =
            "The winmail.dat holds no file and no plain text; look at the message that it came with.";
        out.finding(Finding::new("nothing_inside", Severity::Note, message))?;
    }
    let files = contents.files.into_iter();
    put(&body, files.map(|f| Attachment { name: f.name.unwrap_or_default(), bytes: f.bytes }).collect(), out)
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

/// Text without the NUL that ends it.
fn plain(text: &str) -> String {
    text.trim_end_matches('\0').to_owned()
}

fn utf16(bytes: &[u8]) -> String {
    encoding_rs::UTF_16LE.decode_without_bom_handling(bytes).0.into_owned()
}

/// Whether a compound file is an Outlook message.
pub(super) fn is_msg(bytes: &[u8]) -> bool {
    let name: Vec<u8> = "__properties_version1.0".encode_utf16().flat_map(u16::to_le_bytes).collect();
    super::format::contains(bytes, &name)
}

/// Puts out the text and the attachments of a `.msg` file, those of messages inside among them.
pub(super) fn read_msg(bytes: &[u8], out: &mut Output<'_>) -> io::Result<()> {
    let Ok(mut file) = CompoundFile::open(Cursor::new(bytes)) else { return out.finding(broken()) };
    let most = usize::try_from(out.limits.archive_entries).unwrap_or(usize::MAX);
    let streams: BTreeMap<String, u64> = file
        .walk()
        .filter(cfb::Entry::is_stream)
        .map(|entry| (entry.path().to_string_lossy().into_owned(), entry.len()))
        .take(most.saturating_mul(STREAMS_OF_AN_ATTACHMENT))
        .collect();
    let mut storage = Storage { file: &mut file, streams: &streams, left: out.limits.archive_bytes };
    let mut text = String::new();
    let mut attachments = Vec::new();
    let mut waiting = vec![(String::new(), 0)];
    while let Some((message, depth)) = waiting.pop() {
        if depth > 0 {
            let subject = storage.string(&message, "0037").unwrap_or_default();
            text.push_str(&format!("\n\n{}\n\n", plain(&subject)));
        }
        text.push_str(&plain(&storage.body(&message)));
        for attachment in storage.attachments(&message, most) {
            let inside = format!("{attachment}/{MESSAGE_INSIDE}");
            if storage.holds(&inside) {
                if depth < MESSAGES_INSIDE_MAX {
                    waiting.push((inside, depth + 1));
                } else {
                    let message = "Messages inside messages nest too deep; open the file by hand.";
                    out.finding(Finding::new("archive_too_deep", Severity::Check, message))?;
                }
            } else if let Some(bytes) = storage.read(&format!("{attachment}/__substg1.0_37010102")) {
                let name =
                    storage.string(&attachment, "3707").or_else(|| storage.string(&attachment, "3704"));
                attachments.push(Attachment { name: plain(&name.unwrap_or_default()), bytes });
            }
        }
    }
    put(&text, attachments, out)
}

/// The streams of a `.msg` file, read as far as the limit on unpacked bytes goes.
struct Storage<'a, 'b> {
    file: &'a mut CompoundFile<Cursor<&'b [u8]>>,
    streams: &'a BTreeMap<String, u64>,
    left: u64,
}

impl Storage<'_, '_> {
    fn read(&mut self, path: &str) -> Option<Vec<u8>> {
        let length = *self.streams.get(path)?;
        self.left = self.left.checked_sub(length)?;
        let mut value = Vec::new();
        self.file.open_stream(path).ok()?.take(length).read_to_end(&mut value).ok()?;
        Some(value)
    }

    fn string(&mut self, storage: &str, id: &str) -> Option<String> {
        let wide = self.read(&format!("{storage}/__substg1.0_{id}001F")).map(|v| utf16(&v));
        wide.or_else(|| self.read(&format!("{storage}/__substg1.0_{id}001E")).map(|v| text::read_charset(&v)))
    }

    /// The body as text, else as HTML, else as compressed RTF.
    fn body(&mut self, message: &str) -> String {
        let said = |text: &String| !text.trim().is_empty();
        let text = self.string(message, "1000").filter(said);
        let html = |storage: &mut Self| {
            let html = storage.read(&format!("{message}/__substg1.0_10130102"))?;
            Some(message::html::to_text(&text::read_declared(&html)))
        };
        let rtf = |storage: &mut Self| {
            message::outlook_rtf_text(&storage.read(&format!("{message}/__substg1.0_10090102"))?)
        };
        text.or_else(|| html(self).filter(said)).or_else(|| rtf(self)).unwrap_or_default()
    }

    /// The storages of a message's attachments.
    fn attachments(&self, message: &str, most: usize) -> Vec<String> {
        let start = format!("{message}/__attach");
        let below = self.streams.range(start.clone()..).take_while(|(path, _)| path.starts_with(&start));
        let mut found: Vec<String> = below
            .filter_map(|(path, _)| {
                let end = path.get(start.len()..)?.find('/')?;
                path.get(..start.len() + end).map(str::to_owned)
            })
            .collect();
        found.dedup();
        found.truncate(most);
        found
    }

    fn holds(&self, storage: &str) -> bool {
        let start = format!("{storage}/");
        self.streams.range(start.clone()..).next().is_some_and(|(path, _)| path.starts_with(&start))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::reader::{Limits, Options, decode};
    use std::io::Write as _;

    fn attribute(id: u32, value: &[u8]) -> Vec<u8> {
        const BODY: u32 = 0x0002_800c;
        let mut bytes = vec![if id == BODY { 1 } else { 2 }]; // of the message, or of an attachment
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
        let pages = decode(bytes, &Options::default(), &Limits::default());
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
                decode(whole[..length].to_vec(), &Options::default(), &Limits::default());
            }
        }
    }
}
