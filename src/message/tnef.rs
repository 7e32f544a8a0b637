//! TNEF ([MS-OXTNEF]): the files, embedded messages and body that Outlook packs into `winmail.dat`.
//!
//! Why our own reader: the crates for it refuse a whole stream for one odd attribute, and know no MAPI properties, in which
//! Outlook keeps the long names, embedded messages and bodies.
//! Total and linear: lengths are checked against what is there; a stream that breaks off gives what came before.
//! Does not: check the checksums, which many writers get wrong; the metafiles with icons are passed over.
//! Limits: [`FILES_MAX`], [`EMBEDDED_DEPTH_MAX`], [`property::PROPERTIES_MAX`], [`rtf::RTF_BYTES_MAX`].

mod mail;
mod property;

use super::{charset, cursor::Cursor, rtf};
use property::{Properties, id};

/// Files beyond this number are left in the stream.
pub(super) const FILES_MAX: usize = 1_000;
/// Messages embedded deeper are kept as their own streams.
const EMBEDDED_DEPTH_MAX: usize = 4;

const SIGNATURE: [u8; 4] = [0x78, 0x9f, 0x3e, 0x22];
const LEVEL_MESSAGE: u8 = 1;
const LEVEL_ATTACHMENT: u8 = 2;

/// Attribute ids ([MS-OXTNEF] 2.1.3.3).
mod attribute {
    pub(super) const SUBJECT: u32 = 0x0001_8004;
    pub(super) const BODY: u32 = 0x0002_800c;
    pub(super) const MESSAGE_PROPERTIES: u32 = 0x0006_9003;
    pub(super) const OEM_CODE_PAGE: u32 = 0x0006_9007;
    pub(super) const ATTACH_REND_DATA: u32 = 0x0006_9002;
    pub(super) const ATTACH_TRANSPORT_FILENAME: u32 = 0x0006_9001;
    pub(super) const ATTACH_PROPERTIES: u32 = 0x0006_9005;
    pub(super) const ATTACH_DATA: u32 = 0x0006_800f;
    pub(super) const ATTACH_TITLE: u32 = 0x0001_8010;
}

/// What a stream holds.
#[derive(Debug, Default)]
pub struct Contents {
    /// The body as text.
    pub plain: Option<String>,
    /// The body as HTML.
    pub html: Option<String>,
    /// The files in order.
    pub files: Vec<File>,
    /// The stream broke off, or holds more than was read.
    pub broken: bool,
}

/// One file of a stream.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct File {
    /// Its name, if it has one.
    pub name: Option<String>,
    /// Its media type in lower case, if it has one.
    pub media_type: Option<String>,
    /// Its content id.
    pub content_id: Option<String>,
    /// It is shown within the body.
    pub in_body: bool,
    /// Its bytes; an embedded message is made into a mail.
    pub bytes: Vec<u8>,
}

/// Whether the bytes begin as a stream does.
pub fn is_tnef(bytes: &[u8]) -> bool {
    bytes.starts_with(&SIGNATURE)
}

/// Reads a stream.
pub fn open(bytes: &[u8]) -> Contents {
    let stream = Stream::read(bytes);
    let files: Vec<File> = stream.files(0);
    let body = stream.body();
    Contents { plain: body.plain, html: body.html, files, broken: stream.broken }
}

/// A body in the forms that a stream has of it.
struct Body {
    plain: Option<String>,
    html: Option<String>,
}

/// The attributes that matter, still as bytes.
#[derive(Default)]
struct Stream<'a> {
    charset: String,
    subject: &'a [u8],
    body: &'a [u8],
    properties: Properties<'a>,
    attachments: Vec<Attached<'a>>,
    broken: bool,
}

#[derive(Default)]
struct Attached<'a> {
    title: &'a [u8],
    transport_name: &'a [u8],
    data: Option<&'a [u8]>,
    properties: Properties<'a>,
}

impl<'a> Stream<'a> {
    fn read(bytes: &'a [u8]) -> Self {
        let mut stream = Self { charset: "windows-1252".to_owned(), ..Self::default() };
        let mut cursor = Cursor::new(bytes);
        stream.broken = cursor.take(SIGNATURE.len() + 2).is_none();
        while !cursor.rest.trim_ascii().is_empty() && !stream.broken {
            if stream.read_attribute(&mut cursor).is_none() {
                stream.broken = true;
            }
        }
        stream.broken |= stream.properties.broken || stream.attachments.iter().any(|a| a.properties.broken);
        stream
    }

    /// Takes one attribute in; none if the stream breaks off, with what is there of it kept.
    fn read_attribute(&mut self, cursor: &mut Cursor<'a>) -> Option<()> {
        let level = cursor.u8()?;
        if level != LEVEL_MESSAGE && level != LEVEL_ATTACHMENT {
            return None;
        }
        let attribute = cursor.u32()?;
        let length = cursor.length()?;
        let whole = length <= cursor.rest.len();
        let data = cursor.take_up_to(length);
        match level {
            LEVEL_MESSAGE => self.message_attribute(attribute, data),
            _ => self.attachment_attribute(attribute, data)?,
        }
        // The checksum; streams cut right before it are whole.
        whole.then(|| cursor.take_up_to(2))?;
        Some(())
    }

    fn message_attribute(&mut self, attribute: u32, data: &'a [u8]) {
        match attribute {
            attribute::OEM_CODE_PAGE => {
                let label = Cursor::new(data).u32().and_then(charset::of_code_page);
                self.charset = label.unwrap_or_else(|| std::mem::take(&mut self.charset));
            }
            attribute::SUBJECT => self.subject = data,
            attribute::BODY => self.body = data,
            attribute::MESSAGE_PROPERTIES => self.properties = Properties::read(data),
            _ => {}
        }
    }

    fn attachment_attribute(&mut self, attribute: u32, data: &'a [u8]) -> Option<()> {
        if attribute == attribute::ATTACH_REND_DATA || self.attachments.is_empty() {
            if self.attachments.len() >= FILES_MAX {
                return None;
            }
            self.attachments.push(Attached::default());
        }
        let last = self.attachments.last_mut()?;
        match attribute {
            attribute::ATTACH_TITLE => last.title = data,
            attribute::ATTACH_TRANSPORT_FILENAME => last.transport_name = data,
            attribute::ATTACH_DATA => last.data = Some(data),
            attribute::ATTACH_PROPERTIES => last.properties = Properties::read(data),
            _ => {}
        }
        Some(())
    }

    fn text(&self, bytes: &[u8]) -> Option<String> {
        let text = charset::decode_as(&self.charset, bytes);
        let text = text.split('\0').next().unwrap_or_default();
        (!text.trim().is_empty()).then(|| text.to_owned())
    }

    fn body(&self) -> Body {
        let properties = &self.properties;
        let mut body = Body {
            plain: properties.text(id::BODY, &self.charset).or_else(|| self.text(self.body)),
            html: properties.bytes(id::HTML).map(|bytes| self.html(bytes)).filter(|h| !h.trim().is_empty()),
        };
        let rtf = properties.bytes(id::RTF_COMPRESSED).and_then(rtf::decompress);
        if let (None, Some(rtf)) = (&body.html, rtf) {
            match rtf::read(&rtf) {
                rtf::Text::Html(html) => body.html = Some(html),
                rtf::Text::Plain(plain) => body.plain = body.plain.or(Some(plain)),
            }
        }
        body.plain = body.plain.filter(|text| !text.trim().is_empty());
        body
    }

    fn html(&self, bytes: &[u8]) -> String {
        let label = self
            .properties
            .number(id::INTERNET_CODEPAGE)
            .and_then(charset::of_code_page)
            .or_else(|| charset::declared_in_html(bytes));
        let text = charset::decode(label.as_deref(), bytes).text;
        text.trim_end_matches('\0').to_owned()
    }

    fn files(&self, depth: usize) -> Vec<File> {
        self.attachments.iter().map(|attached| self.file(attached, depth)).collect()
    }

    fn file(&self, attached: &Attached<'a>, depth: usize) -> File {
        let properties = &attached.properties;
        let charset = self.charset.as_str();
        // Where there is an object, the plain data only say that this program cannot show it.
        let object = properties.bytes(id::ATTACH_DATA).filter(|bytes| !bytes.is_empty());
        let bytes = object.or(attached.data).unwrap_or_default();
        if is_tnef(bytes) && depth < EMBEDDED_DEPTH_MAX {
            let embedded = Stream::read(bytes);
            let subject = properties.text(id::DISPLAY_NAME, charset).or_else(|| embedded.subject());
            return File {
                name: subject.map(|s| s.replace(['/', '\\', ':'], " ") + ".eml"),
                media_type: Some("message/rfc822".to_owned()),
                bytes: mail::write(&embedded, depth + 1),
                ..File::default()
            };
        }
        let flag = |id, bit| properties.number(id).is_some_and(|n| n & bit != 0);
        File {
            name: self.name(attached),
            media_type: properties
                .text(id::ATTACH_MIME_TAG, charset)
                .map(|t| t.trim().to_ascii_lowercase())
                .filter(|t| t.contains('/')),
            content_id: properties
                .text(id::ATTACH_CONTENT_ID, charset)
                .map(|c| c.trim().trim_matches(['<', '>']).to_owned()),
            in_body: flag(id::ATTACHMENT_HIDDEN, 1) || flag(id::ATTACH_FLAGS, 4),
            bytes: bytes.to_vec(),
        }
    }

    /// The longest name that is a file's: the others are cut to eight letters, or are captions.
    fn name(&self, attached: &Attached<'a>) -> Option<String> {
        let text = |id| attached.properties.text(id, &self.charset);
        let extension = text(id::ATTACH_EXTENSION).unwrap_or_default().to_lowercase();
        let caption = text(id::DISPLAY_NAME);
        let is_name = |c: &String| !extension.is_empty() && c.to_lowercase().ends_with(&extension);
        text(id::ATTACH_LONG_FILENAME)
            .or_else(|| self.text(attached.transport_name))
            .or_else(|| caption.clone().filter(is_name))
            .or_else(|| self.text(attached.title))
            .or_else(|| text(id::ATTACH_FILENAME))
            .or(caption)
    }

    fn subject(&self) -> Option<String> {
        self.properties.text(id::SUBJECT, &self.charset).or_else(|| self.text(self.subject))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn attribute(level: u8, id: u32, data: &[u8]) -> Vec<u8> {
        let sum: u16 = data.iter().fold(0, |sum, b| sum.wrapping_add(u16::from(*b)));
        let length = u32::try_from(data.len()).unwrap().to_le_bytes();
        [&[level][..], &id.to_le_bytes(), &length, data, &sum.to_le_bytes()].concat()
    }

    fn stream(attributes: &[Vec<u8>]) -> Vec<u8> {
        [&SIGNATURE[..], &[1, 0], &attributes.concat()].concat()
    }

    /// Text, binary and object properties; the others in four bytes.
    fn properties(list: &[(u16, u16, &[u8])]) -> Vec<u8> {
        let mut out = u32::try_from(list.len()).unwrap().to_le_bytes().to_vec();
        for (kind, id, value) in list {
            out.extend(kind.to_le_bytes());
            out.extend(id.to_le_bytes());
            if matches!(kind, 0x0d | 0x1e | 0x1f | 0x102) {
                out.extend([1, 0, 0, 0]);
                out.extend(u32::try_from(value.len()).unwrap().to_le_bytes());
            }
            out.extend(*value);
            out.resize(out.len().next_multiple_of(4), 0);
        }
        out
    }

    fn seen(bytes: &[u8]) -> String {
        let contents = open(bytes);
        let body = [contents.plain, contents.html].map(Option::unwrap_or_default).join("|");
        let files = contents.files.iter().map(|file| {
            let name = file.name.as_deref().unwrap_or("none");
            let shown = if file.in_body { " in body" } else { "" };
            format!(" [{name}={}{shown}]", String::from_utf8_lossy(&file.bytes))
        });
        let broken = if contents.broken { " broken" } else { "" };
        body + &files.collect::<String>() + broken
    }

    #[test]
    fn streams_give_their_body_and_files() {
        let code_page = attribute(1, attribute::OEM_CODE_PAGE, &[0xe3, 4, 0, 0, 0, 0, 0, 0]);
        let body = attribute(1, attribute::BODY, b"\xcf\xf0\0");
        let start = attribute(2, attribute::ATTACH_REND_DATA, &[0; 14]);
        let data = attribute(2, attribute::ATTACH_DATA, b"%PDF");
        let title = attribute(2, attribute::ATTACH_TITLE, b"ORDER~1.PDF\0");
        let long_name = properties(&[(0x1e, id::ATTACH_LONG_FILENAME, b"order 4711.pdf\0")]);
        let long_name = attribute(2, attribute::ATTACH_PROPERTIES, &long_name);
        let wide = properties(&[
            (0x1f, id::DISPLAY_NAME, b"\xe5\0.\0p\0d\0f\0\0\0"),
            (0x1f, id::ATTACH_EXTENSION, b".\0p\0d\0f\0\0\0"),
            (0x0b, id::ATTACHMENT_HIDDEN, &[1, 0, 0, 0]),
        ]);
        let wide = attribute(2, attribute::ATTACH_PROPERTIES, &wide);
        let html = properties(&[
            (0x03, id::INTERNET_CODEPAGE, &65_001_u32.to_le_bytes()),
            (0x102, id::HTML, "<p>å".as_bytes()),
        ]);
        let html = attribute(1, attribute::MESSAGE_PROPERTIES, &html);
        let object = properties(&[(0x0d, id::ATTACH_DATA, b"0123456789abcdefOLE")]);
        let object = attribute(2, attribute::ATTACH_PROPERTIES, &object);
        for (name, bytes, expected) in [
            ("empty", stream(&[]), "|"),
            ("code page", stream(&[code_page, body.clone()]), "Пр|"),
            ("HTML", stream(&[html]), "|<p>å"),
            (
                "a file",
                stream(&[start.clone(), title.clone(), data.clone(), long_name.clone()]),
                "| [order 4711.pdf=%PDF]",
            ),
            (
                "data before its name",
                stream(&[start.clone(), data.clone(), title.clone()]),
                "| [ORDER~1.PDF=%PDF]",
            ),
            (
                "two files",
                stream(&[start.clone(), data.clone(), wide, start.clone(), title.clone()]),
                "| [å.pdf=%PDF in body] [ORDER~1.PDF=]",
            ),
            ("no beginning of a file", stream(std::slice::from_ref(&data)), "| [none=%PDF]"),
            ("an object", stream(&[start.clone(), object]), "| [none=OLE]"),
            (
                "blanks at the end",
                [stream(&[start.clone(), data.clone()]), b"\r\n".to_vec()].concat(),
                "| [none=%PDF]",
            ),
            (
                "rubbish at the end",
                [stream(&[start.clone(), data.clone()]), b"xyz".to_vec()].concat(),
                "| [none=%PDF] broken",
            ),
            ("cut off", stream(&[start.clone(), data[..11].to_vec()]), "| [none=%P] broken"),
            ("huge length", stream(&[start, vec![2, 15, 128, 6, 0, 255, 255, 255, 255]]), "| [none=] broken"),
            ("only a signature", SIGNATURE.to_vec(), "| broken"),
        ] {
            assert_eq!(seen(&bytes), expected, "{name}");
        }
    }

    #[test]
    fn an_embedded_message_becomes_a_mail() {
        let start = attribute(2, attribute::ATTACH_REND_DATA, &[0; 14]);
        let inner = stream(&[
            attribute(
                1,
                attribute::MESSAGE_PROPERTIES,
                &properties(&[
                    (0x1e, id::SUBJECT, b"Order 7\0"),
                    (0x1e, id::SENDER_NAME, b"Lena\0"),
                    (0x1e, id::SENDER_SMTP_ADDRESS, b"l@b.example\0"),
                    (0x40, id::CLIENT_SUBMIT_TIME, &133_934_085_000_000_000_i64.to_le_bytes()),
                    (0x1e, id::BODY, b"Ten pallets\0"),
                ]),
            ),
            start.clone(),
            attribute(2, attribute::ATTACH_TITLE, b"list.csv\0"),
            attribute(2, attribute::ATTACH_DATA, b"a;b"),
        ]);
        let object = [&[7; 16][..], &inner].concat();
        let outer = stream(&[
            start,
            attribute(2, attribute::ATTACH_DATA, b"This attachment is a MAPI 1.0 embedded message"),
            attribute(2, attribute::ATTACH_PROPERTIES, &properties(&[(0x0d, id::ATTACH_DATA, &object)])),
        ]);
        let file = open(&outer).files.remove(0);
        assert_eq!(file.name.as_deref(), Some("Order 7.eml"));
        let mail = crate::message::parse(&file.bytes);
        assert_eq!(mail.subject, "Order 7");
        assert_eq!(mail.from.unwrap().email, "l@b.example");
        assert_eq!(mail.date_ms, Some(1_748_934_900_000));
        assert_eq!(mail.text, "Ten pallets");
        assert_eq!(mail.attachments.len(), 1);
        assert_eq!(
            (mail.attachments[0].name.as_str(), mail.attachments[0].bytes.as_slice()),
            ("list.csv", &b"a;b"[..])
        );
        // Each level in the next: the innermost stays as it is.
        let deep = (0..20).fold(inner, |inner, _| {
            let object = [&[7; 16][..], &inner].concat();
            stream(&[attribute(
                2,
                attribute::ATTACH_PROPERTIES,
                &properties(&[(0x0d, id::ATTACH_DATA, &object)]),
            )])
        });
        assert_eq!(open(&deep).files.len(), 1);
    }
}
