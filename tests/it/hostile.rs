//! Documents that mean harm, or are merely broken: each costs itself only.

use crate::{
    reader::config,
    support::files::{assemble, pdf, zip},
};
use mailroom::reader::{Config, Limits, Options, ReadError, Reader};

const GOOD: &[u8] = b"Order 4711\n";

async fn next_document_is_read(reader: &Reader) {
    assert_eq!(reader.read(GOOD, &Options::default()).await.unwrap().pages.len(), 1);
}

fn nested(open: &str, close: &str, depth: usize) -> Vec<u8> {
    let object = format!("{}{}", open.repeat(depth), close.repeat(depth));
    assemble(&[
        "<< /Type /Catalog /Pages 2 0 R /X 3 0 R >>".into(),
        "<< /Type /Pages /Count 0 /Kids [3 0 R] >>".into(),
        object,
    ])
}

fn cases() -> Vec<(&'static str, Vec<u8>)> {
    let cycle = [
        "<< /Type /Catalog /Pages 2 0 R >>",
        "<< /Type /Pages /Count 9 /Kids [2 0 R 3 0 R] /Parent 3 0 R >>",
        "<< /Type /Pages /Count 9 /Kids [2 0 R] /Parent 2 0 R >>",
    ];
    let huge_image = [
        "<< /Type /Catalog /Pages 2 0 R >>",
        "<< /Type /Pages /Count 1 /Kids [3 0 R] >>",
        "<< /Type /Page /Parent 2 0 R /MediaBox [0 0 600 800] /Contents 4 0 R /Resources << /XObject << /I 5 0 R >> >> >>",
        "<< /Length 22 >>\nstream\n600 0 0 800 0 0 cm /I Do\nendstream",
        "<< /Type /XObject /Subtype /Image /Width 60000 /Height 60000 /BitsPerComponent 8 /ColorSpace /DeviceGray /Length 2 >>\nstream\nxx\nendstream",
    ];
    let mut huge_png =
        b"\x89PNG\r\n\x1a\n\0\0\0\x0dIHDR\0\0\xea\x60\0\0\xea\x60\x08\0\0\0\0\xa5\xb9\x2a\x9e\0\0\0\0IDAT\x35\xaf\x06\x1e".to_vec();
    huge_png.extend([0; 64]);
    let bomb = zip(&[("zeros.txt", &vec![b'0'; 40 << 20])]);
    let laughs =
        br#"<?xml version="1.0"?><!DOCTYPE l [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;&a;">]><l>&b;</l>"#;
    vec![
        ("empty", Vec::new()),
        ("arrays in arrays", nested("[", "]", 10_000)),
        ("dictionaries in dictionaries", nested("<</A", ">>", 10_000)),
        ("page tree cycle", assemble(&cycle.map(String::from))),
        ("image of 60,000 x 60,000 in a PDF", assemble(&huge_image.map(String::from))),
        ("more pages than are read", pdf(&[&[(60, 80, 12, "Order")][..]; 1100])),
        ("PNG of 60,000 x 60,000", huge_png),
        ("zip bomb", bomb),
        ("docx with entities", zip(&[("word/document.xml", laughs)])),
        ("a program", b"\x7fELF\x02\x01\x01\0\0\0\0".to_vec()),
        ("a page named PDF", b"<html><body>%PDF-</body></html>".to_vec()),
    ]
}

#[tokio::test]
async fn hostile_files_cost_only_themselves() {
    let reader = Reader::start(config());
    for (name, bytes) in cases() {
        match reader.read(&bytes, &Options::default()).await {
            Ok(pages) => {
                let size: usize = pages.embedded.iter().map(|e| e.bytes.len()).sum();
                assert!(size < 1 << 20, "{name}");
            }
            Err(ReadError::Killed { .. } | ReadError::Crashed { .. }) => {}
            Err(other) => panic!("{name}: {other}"),
        }
        next_document_is_read(&reader).await;
    }
}

#[tokio::test]
async fn limits_are_said() {
    let reader = Reader::start(config());
    for (name, code) in [
        ("more pages than are read", "page_limit"),
        ("PNG of 60,000 x 60,000", "pixel_limit"),
        ("zip bomb", "archive_limit"),
        ("a program", "unsupported_format"),
        ("empty", "empty_file"),
    ] {
        let bytes = cases().into_iter().find(|(n, _)| *n == name).unwrap().1;
        let pages = reader.read(&bytes, &Options::default()).await.unwrap();
        assert!(pages.findings.iter().any(|f| f.code == code), "{name}: {:?}", pages.findings);
    }
}

#[tokio::test]
async fn a_file_cut_anywhere_is_survived() {
    let whole = pdf(&[&[(60, 80, 12, "Purchase order 4711")], &[(60, 80, 12, "page two")]]);
    let reader = Reader::start(config());
    for tenth in 0..10 {
        let cut = &whole[..whole.len() * tenth / 10];
        reader.read(cut, &Options::default()).await.unwrap();
    }
    next_document_is_read(&reader).await;
}

#[tokio::test]
async fn a_slow_reader_is_killed_and_replaced() {
    let limits = Limits { document_seconds: 0, ..Limits::default() };
    let reader = Reader::start(Config { limits, ..config() });
    let page: &[(i32, i32, i32, &str)] = &[(60, 80, 12, "text")];
    let long = pdf(&vec![page; 500]);
    let lost = reader.read(&long, &Options::default()).await;
    assert!(matches!(lost, Err(ReadError::Killed { .. })), "{:?}", lost.map(|pages| pages.pages.len()));
}

#[tokio::test]
async fn a_reader_without_memory_dies_alone() {
    let reader = Reader::start(Config { memory_mb: 400, ..config() });
    let hungry = pdf(&[&[(60, 80, 12, "text")]]);
    let lost = reader.picture(&hungry, 1, 32_000, &[]).await;
    assert!(matches!(lost, Ok(_) | Err(ReadError::Crashed { .. })), "{lost:?}");
    next_document_is_read(&reader).await;
}

#[tokio::test]
async fn a_file_beyond_the_limit_is_not_even_sent() {
    let reader = Reader::start(Config { limits: Limits { bytes: 4, ..Limits::default() }, ..config() });
    assert!(matches!(reader.read(GOOD, &Options::default()).await, Err(ReadError::Limit { limit: 4, .. })));
}
