//! What is tried with bytes from outside: each decoder of our own writing, as a function that must come back.
//!
//! The fuzzer's targets and the test `tests/it/fuzz.rs` call the same functions.

use mailroom::{
    extract::structured,
    message,
    reader::{Limits, Options, decode},
    search,
};

/// Takes any bytes and comes back.
pub type Target = fn(&[u8]);

/// Each by the name of its file in `fuzz_targets`.
pub const TARGETS: &[(&str, Target)] = &[
    ("csv", document),
    ("edi", edi),
    ("html", html),
    ("message", mail),
    ("msg", document),
    ("query", query),
    ("rtf", document),
    ("sheet", document),
    ("tiff", document),
    ("tnef", tnef),
];

/// MIME parts, headers, charsets, uuencode and yEnc in the text, new text apart from quotes and signature.
pub fn mail(bytes: &[u8]) {
    drop(message::parse(bytes));
}

/// `winmail.dat`, and compressed Rich Text in it.
pub fn tnef(bytes: &[u8]) {
    drop(message::tnef::open(bytes));
}

/// HTML into text.
pub fn html(bytes: &[u8]) {
    drop(message::html::to_text(&String::from_utf8_lossy(bytes)));
}

/// EDIFACT, X12, TRADACOMS and orders in XML.
pub fn edi(bytes: &[u8]) {
    drop(structured::read(&String::from_utf8_lossy(bytes)));
}

/// What a person types into the search box.
#[expect(clippy::default_trait_access, reason = "the fuzzer has no crate of times to name")]
pub fn query(bytes: &[u8]) {
    drop(search::query::parse(&String::from_utf8_lossy(bytes), &Default::default()));
}

/// A file of any kind, without OCR: sheets, CSV, Rich Text, Outlook messages, TIFF, HTML, archives.
pub fn document(bytes: &[u8]) {
    let limits = Limits { ocr_pages: 0, pages: 20, ..Limits::default() };
    drop(decode(bytes.to_vec(), &Options::default(), &limits));
}
