//! What an `application/pkcs7-mime` part holds (CMS, RFC 5652; S/MIME, RFC 8551): signed content is opened.
//!
//! Why not the crates for CMS: they read DER, and mail programs write BER with lengths that are told at the end.
//! One pass over the bytes; a structure that breaks off gives the content that came before.
//! Does not: verify signatures, decrypt, or inflate.
//! Limit: [`NESTING_MAX`].

/// Strings and skipped values nested deeper are not read.
const NESTING_MAX: usize = 16;

/// What the structure holds.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Cms {
    /// The content within a signature, and whether all of it is there.
    Signed(Vec<u8>, bool),
    /// Only certificates or a signature of something else.
    Detached,
    /// Encrypted content.
    Encrypted,
    /// Anything else: compressed or unheard of.
    Other,
}

const SIGNED_DATA: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x07, 0x02];
const ENVELOPED_DATA: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x07, 0x03];
const ENCRYPTED_DATA: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x07, 0x06];
const AUTH_ENVELOPED_DATA: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x09, 0x10, 0x01, 0x17];

const OBJECT_IDENTIFIER: u8 = 0x06;
const OCTET_STRING: u8 = 0x04;
const OCTET_STRING_IN_PIECES: u8 = 0x24;
const SEQUENCE: u8 = 0x30;
const EXPLICIT_0: u8 = 0xa0;
const CONSTRUCTED: u8 = 0x20;

/// Reads a structure; none if the bytes are no CMS.
pub(super) fn read(bytes: &[u8]) -> Option<Cms> {
    let mut ber = Ber { rest: bytes };
    // ContentInfo ::= SEQUENCE { contentType, [0] EXPLICIT content }
    ber.enter(SEQUENCE)?;
    let content_type = ber.primitive(OBJECT_IDENTIFIER)?;
    if [ENVELOPED_DATA, ENCRYPTED_DATA, AUTH_ENVELOPED_DATA].contains(&content_type) {
        return Some(Cms::Encrypted);
    }
    if content_type != SIGNED_DATA {
        return Some(Cms::Other);
    }
    Some(ber.signed_content().map_or(Cms::Detached, |(content, whole)| Cms::Signed(content, whole)))
}

/// A tag and the length of what follows; none if that is told at the end.
struct Head {
    tag: u8,
    length: Option<usize>,
}

/// What is left to read (X.690).
struct Ber<'a> {
    rest: &'a [u8],
}

impl<'a> Ber<'a> {
    fn byte(&mut self) -> Option<u8> {
        let (first, rest) = self.rest.split_first()?;
        self.rest = rest;
        Some(*first)
    }

    fn head(&mut self) -> Option<Head> {
        let tag = self.byte()?;
        // Tags of several bytes do not occur in CMS.
        if tag & 0x1f == 0x1f {
            return None;
        }
        let first = self.byte()?;
        let length = match first {
            0x80 => None,
            0..0x80 => Some(usize::from(first)),
            _ => {
                let mut length = 0_usize;
                for _ in 0..first & 0x7f {
                    length = length.checked_mul(256)?.checked_add(usize::from(self.byte()?))?;
                }
                Some(length)
            }
        };
        (length.is_some() || tag & CONSTRUCTED != 0).then_some(Head { tag, length })
    }

    fn expect(&mut self, tag: u8) -> Option<Head> {
        self.head().filter(|head| head.tag == tag)
    }

    /// Steps into a value; what follows it is not looked at.
    fn enter(&mut self, tag: u8) -> Option<()> {
        self.expect(tag).map(|_| ())
    }

    fn primitive(&mut self, tag: u8) -> Option<&'a [u8]> {
        let length = self.expect(tag)?.length?;
        let (value, rest) = self.rest.split_at_checked(length)?;
        self.rest = rest;
        Some(value)
    }

    fn at_end_mark(&mut self) -> bool {
        let rest = self.rest.strip_prefix(&[0, 0]);
        self.rest = rest.unwrap_or(self.rest);
        rest.is_some()
    }

    fn skip(&mut self, levels: usize) -> Option<()> {
        let head = self.head()?;
        if let Some(length) = head.length {
            self.rest = self.rest.get(length..)?;
            return Some(());
        }
        let levels = levels.checked_sub(1)?;
        while !self.at_end_mark() {
            self.skip(levels)?;
        }
        Some(())
    }

    /// `SignedData ::= SEQUENCE { version, digestAlgorithms, SEQUENCE { type, [0] EXPLICIT OCTET STRING }, … }`
    fn signed_content(&mut self) -> Option<(Vec<u8>, bool)> {
        self.enter(EXPLICIT_0)?;
        self.enter(SEQUENCE)?;
        self.skip(NESTING_MAX)?;
        self.skip(NESTING_MAX)?;
        let outer = self.expect(SEQUENCE)?.length.and_then(|length| self.rest.get(..length));
        let mut inner = Ber { rest: outer.unwrap_or(self.rest) };
        inner.primitive(OBJECT_IDENTIFIER)?;
        inner.enter(EXPLICIT_0)?;
        let mut content = Vec::new();
        let whole = inner.octets(&mut content, NESTING_MAX).is_some();
        (whole || !content.is_empty()).then_some((content, whole))
    }

    /// An octet string, which may come in pieces; none if it breaks off, with what is there kept.
    fn octets(&mut self, out: &mut Vec<u8>, levels: usize) -> Option<()> {
        let head = self.head()?;
        match (head.tag, head.length) {
            (OCTET_STRING, Some(length)) => {
                let (value, rest) = self.rest.split_at_checked(length).unwrap_or((self.rest, &[]));
                self.rest = rest;
                out.extend_from_slice(value);
                (value.len() == length).then_some(())
            }
            (OCTET_STRING_IN_PIECES, Some(length)) => {
                let (value, rest) = self.rest.split_at_checked(length).unwrap_or((self.rest, &[]));
                self.rest = rest;
                let levels = levels.checked_sub(1)?;
                let mut pieces = Ber { rest: value };
                while !pieces.rest.is_empty() {
                    pieces.octets(out, levels)?;
                }
                (value.len() == length).then_some(())
            }
            (OCTET_STRING_IN_PIECES, None) => {
                let levels = levels.checked_sub(1)?;
                while !self.at_end_mark() {
                    self.octets(out, levels)?;
                }
                Some(())
            }
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn value(tag: u8, parts: &[&[u8]]) -> Vec<u8> {
        let content = parts.concat();
        let length = u16::try_from(content.len()).unwrap().to_be_bytes();
        [&[tag, 0x82][..], &length, &content].concat()
    }

    /// The same with the length told at the end.
    fn open_value(tag: u8, parts: &[&[u8]]) -> Vec<u8> {
        [&[tag, 0x80][..], &parts.concat(), &[0, 0]].concat()
    }

    fn signed(write: fn(u8, &[&[u8]]) -> Vec<u8>, content: &[u8]) -> Vec<u8> {
        let info = write(SEQUENCE, &[&value(OBJECT_IDENTIFIER, &[&[42]]), content]);
        let version = value(2, &[&[1]]);
        let data = write(SEQUENCE, &[&version, &write(0x31, &[&version]), &info, &write(0x31, &[])]);
        write(SEQUENCE, &[&value(OBJECT_IDENTIFIER, &[SIGNED_DATA]), &write(EXPLICIT_0, &[&data])])
    }

    #[test]
    fn signed_content_is_found_and_encryption_is_known() {
        let whole = value(OCTET_STRING, &[b"Hello, world"]);
        let pieces = open_value(
            OCTET_STRING_IN_PIECES,
            &[&value(OCTET_STRING, &[b"Hello, "]), &value(OCTET_STRING, &[b"world"])],
        );
        let in_closed = value(OCTET_STRING_IN_PIECES, &[&whole]);
        let hello = || Some(Cms::Signed(b"Hello, world".to_vec(), true));
        let mut cut = signed(value, &value(EXPLICIT_0, &[&whole]));
        cut.truncate(cut.windows(5).position(|w| w == b"Hello").unwrap() + 5);
        let deep = [&[OCTET_STRING_IN_PIECES, 0x80].repeat(40)[..], &whole].concat();
        let enveloped = value(SEQUENCE, &[&value(OBJECT_IDENTIFIER, &[ENVELOPED_DATA])]);
        for (name, bytes, expected) in [
            ("DER", signed(value, &value(EXPLICIT_0, &[&whole])), hello()),
            ("BER in pieces", signed(open_value, &open_value(EXPLICIT_0, &[&pieces])), hello()),
            (
                "BER around a known length",
                signed(open_value, &open_value(EXPLICIT_0, &[&in_closed])),
                hello(),
            ),
            ("cut off", cut, Some(Cms::Signed(b"Hello".to_vec(), false))),
            ("detached", signed(value, &[]), Some(Cms::Detached)),
            ("too deep", signed(value, &value(EXPLICIT_0, &[&deep])), Some(Cms::Detached)),
            ("enveloped", enveloped, Some(Cms::Encrypted)),
            ("another type", value(SEQUENCE, &[&value(OBJECT_IDENTIFIER, &[&[42]])]), Some(Cms::Other)),
            ("huge length", vec![SEQUENCE, 0xff, 0xff, 0xff], None),
            ("text", b"Hello".to_vec(), None),
            ("nothing", Vec::new(), None),
        ] {
            assert_eq!(read(&bytes), expected, "{name}");
        }
    }
}
