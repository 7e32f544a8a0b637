//! MAPI properties in a TNEF stream ([MS-OXTNEF] 2.1.3.4, types in [MS-OXCDATA] 2.11.1).
//!
//! Does not: resolve named properties; their ids are kept out of the way of the standard ones.
//! Limit: [`PROPERTIES_MAX`], [`VALUES_MAX`]; a list that is cut off gives what came before.

use crate::message::{charset, cursor::Cursor};

/// Properties of one list beyond this number are not read.
pub(super) const PROPERTIES_MAX: usize = 10_000;
/// Values of one multi-valued property beyond this number end the list.
const VALUES_MAX: usize = 10_000;

/// Property ids ([MS-OXPROPS]).
pub(super) mod id {
    pub(in super::super) const SUBJECT: u16 = 0x0037;
    pub(in super::super) const CLIENT_SUBMIT_TIME: u16 = 0x0039;
    pub(in super::super) const SENT_REPRESENTING_NAME: u16 = 0x0042;
    pub(in super::super) const SENDER_NAME: u16 = 0x0c1a;
    pub(in super::super) const SENDER_EMAIL: u16 = 0x0c1f;
    pub(in super::super) const DISPLAY_CC: u16 = 0x0e03;
    pub(in super::super) const DISPLAY_TO: u16 = 0x0e04;
    pub(in super::super) const DELIVERY_TIME: u16 = 0x0e06;
    pub(in super::super) const BODY: u16 = 0x1000;
    pub(in super::super) const RTF_COMPRESSED: u16 = 0x1009;
    pub(in super::super) const HTML: u16 = 0x1013;
    pub(in super::super) const DISPLAY_NAME: u16 = 0x3001;
    pub(in super::super) const ATTACH_DATA: u16 = 0x3701;
    pub(in super::super) const ATTACH_EXTENSION: u16 = 0x3703;
    pub(in super::super) const ATTACH_FILENAME: u16 = 0x3704;
    pub(in super::super) const ATTACH_LONG_FILENAME: u16 = 0x3707;
    pub(in super::super) const ATTACH_MIME_TAG: u16 = 0x370e;
    pub(in super::super) const ATTACH_CONTENT_ID: u16 = 0x3712;
    pub(in super::super) const ATTACH_FLAGS: u16 = 0x3714;
    pub(in super::super) const INTERNET_CODEPAGE: u16 = 0x3fde;
    pub(in super::super) const SENDER_SMTP_ADDRESS: u16 = 0x5d01;
    pub(in super::super) const ATTACHMENT_HIDDEN: u16 = 0x7ffe;
}

/// Stands for the id of a named property; no standard one has it.
const NAMED: u16 = 0;

const TYPE_MULTIPLE: u16 = 0x1000;
const TYPE_OBJECT: u16 = 0x000d;
const TYPE_STRING8: u16 = 0x001e;
const TYPE_UNICODE: u16 = 0x001f;
const TYPE_BINARY: u16 = 0x0102;

/// One property with its first value.
#[derive(Clone, Copy, Debug)]
struct Property<'a> {
    id: u16,
    kind: u16,
    value: &'a [u8],
}

/// The properties of a message or of an attachment.
#[derive(Clone, Debug, Default)]
pub(super) struct Properties<'a> {
    all: Vec<Property<'a>>,
    /// The list broke off.
    pub(super) broken: bool,
}

impl<'a> Properties<'a> {
    /// Reads a list.
    pub(super) fn read(bytes: &'a [u8]) -> Self {
        let mut cursor = Cursor::new(bytes);
        let mut list = Self::default();
        let count = cursor.length().unwrap_or_default();
        for _ in 0..count.min(PROPERTIES_MAX) {
            let Some(property) = read_property(&mut cursor) else {
                list.broken = true;
                break;
            };
            if property.id != NAMED {
                list.all.push(property);
            }
        }
        list
    }

    fn find(&self, id: u16) -> Option<Property<'a>> {
        self.all.iter().find(|p| p.id == id).copied()
    }

    /// A text, without its closing zero; none if it is empty.
    pub(super) fn text(&self, id: u16, charset: &str) -> Option<String> {
        let property = self.find(id)?;
        let text = match property.kind {
            TYPE_UNICODE => encoding_rs::UTF_16LE.decode_without_bom_handling(property.value).0.into_owned(),
            TYPE_STRING8 => charset::decode_as(charset, property.value),
            _ => return None,
        };
        let text = text.trim_end_matches('\0');
        (!text.trim().is_empty()).then(|| text.to_owned())
    }

    /// The bytes of a binary property, of an object without its interface id, or of a text.
    pub(super) fn bytes(&self, id: u16) -> Option<&'a [u8]> {
        let property = self.find(id)?;
        match property.kind {
            TYPE_OBJECT => property.value.get(16..),
            TYPE_BINARY | TYPE_STRING8 => Some(property.value),
            _ => None,
        }
    }

    /// A number or a flag.
    pub(super) fn number(&self, id: u16) -> Option<u32> {
        self.find(id).and_then(|p| Cursor::new(p.value).u32())
    }

    /// A time in milliseconds UTC, from tenths of microseconds since 1601.
    pub(super) fn time_ms(&self, id: u16) -> Option<i64> {
        const UNIX_EPOCH_MS: i64 = 11_644_473_600_000;
        let value = self.find(id)?.value.first_chunk::<8>()?;
        (i64::from_le_bytes(*value) / 10_000).checked_sub(UNIX_EPOCH_MS)
    }
}

/// The next property.
fn read_property<'a>(cursor: &mut Cursor<'a>) -> Option<Property<'a>> {
    let kind = cursor.u16()?;
    let id = cursor.u16()?;
    let named = id >= 0x8000;
    if named {
        cursor.take(16)?;
        let by_name = cursor.u32()? != 0;
        let length = cursor.length()?;
        if by_name {
            take_padded(cursor, length)?;
        }
    }
    let base = kind & !TYPE_MULTIPLE;
    let counted = kind != base || matches!(base, TYPE_OBJECT | TYPE_STRING8 | TYPE_UNICODE | TYPE_BINARY);
    let count = if counted { cursor.length()? } else { 1 };
    if count > VALUES_MAX {
        return None;
    }
    let mut first = None;
    for _ in 0..count {
        let value = read_value(cursor, base)?;
        first = first.or(Some(value));
    }
    Some(Property { id: if named { NAMED } else { id }, kind: base, value: first.unwrap_or_default() })
}

fn read_value<'a>(cursor: &mut Cursor<'a>, kind: u16) -> Option<&'a [u8]> {
    match kind {
        // Nothing; 16-bit, flag; 32-bit, float, error: each in four bytes.
        0x0001 => Some(&[]),
        0x0002 | 0x000b | 0x0003 | 0x0004 | 0x000a => cursor.take(4),
        // Double, currency, floating time, 64-bit, time.
        0x0005 | 0x0006 | 0x0007 | 0x0014 | 0x0040 => cursor.take(8),
        // GUID.
        0x0048 => cursor.take(16),
        TYPE_OBJECT | TYPE_STRING8 | TYPE_UNICODE | TYPE_BINARY => {
            let length = cursor.length()?;
            take_padded(cursor, length)
        }
        _ => None,
    }
}

/// Bytes that are filled up to a multiple of four.
fn take_padded<'a>(cursor: &mut Cursor<'a>, length: usize) -> Option<&'a [u8]> {
    let value = cursor.take(length)?;
    cursor.take_up_to(length.next_multiple_of(4) - length);
    Some(value)
}
