//! Documents of every kind through real reader processes.

use crate::support::files::{assemble, ods, packed, pdf, png, sheet_xml, tiff, xlsx, zip};
use image::{GrayImage, ImageFormat, imageops};
use mailroom::{
    model::page::{FormValue, How, Page, Pages},
    reader::{Config, Options, Reader},
};
use std::process::Command;

pub(crate) fn config() -> Config {
    Config { program: Some(env!("CARGO_BIN_EXE_mailroom").into()), processes: 1, ..Config::default() }
}

async fn read(bytes: &[u8]) -> Pages {
    read_with(&Reader::start(config()), bytes).await
}

async fn read_with(reader: &Reader, bytes: &[u8]) -> Pages {
    reader.read(bytes, &Options::default()).await.unwrap()
}

fn texts(page: &Page) -> Vec<&str> {
    page.words.iter().map(|w| w.text.as_str()).collect()
}

fn order() -> Vec<u8> {
    pdf(&[&[
        (60, 80, 20, "Purchase Order"),
        (60, 120, 12, "Order number 4500123456 of 12 May 2026"),
        (60, 160, 12, "Please deliver the following goods to our warehouse"),
        (60, 200, 12, "Hexagon bolts with washers"),
        (400, 200, 12, "250 pieces"),
        (60, 220, 12, "Hydraulic hose complete"),
        (400, 220, 12, "18 metres"),
        (60, 260, 12, "Total amount without tax 1,284.50"),
    ]])
}

/// The order as a picture of 200 dots per inch.
async fn scan() -> GrayImage {
    let png = Reader::start(config()).picture(&order(), 1, 1654, &[]).await.unwrap();
    image::load_from_memory_with_format(&png, ImageFormat::Png).unwrap().into_luma8()
}

#[tokio::test]
async fn a_text_layer_gives_words_with_places() {
    let pages = read(&order()).await;
    let page = &pages.pages[0];
    assert_eq!((pages.format.as_str(), pages.pages.len(), page.how), ("pdf", 1, How::TextLayer));
    let number = page.words.iter().find(|w| w.text == "4500123456").unwrap();
    assert!((number.bbox.y0..number.bbox.y1).contains(&(118.0 / 842.0)), "{number:?}");
    assert!((number.size_pt - 12.0).abs() < 0.1);
    assert!(pages.findings.is_empty(), "{:?}", pages.findings);
}

/// Our own run of the models' networks beside Tesseract's, on lines in tight and in wide type.
#[tokio::test]
async fn networks_read_what_tesseract_reads() {
    const DIFFERENT_MAX: f32 = 0.05;
    let page = pdf(&[&[
        (60, 100, 11, "Item 40 Stainless bolt M12x80, 25 pcs 1,284.50"),
        (60, 130, 8, "Delivery week 49 2026, PO 4711-20 Net 30 days"),
        (60, 160, 16, "Hydraulic oil 205 L"),
    ]]);
    let mut words = Vec::new();
    for fast_ocr in [false, true] {
        let reader = Reader::start(Config { fast_ocr, ..config() });
        let options = Options { force_ocr: true, ..Options::default() };
        let pages = reader.read(&page, &options).await.unwrap();
        assert_eq!(pages.pages[0].how, How::Ocr);
        words.push(texts(&pages.pages[0]).join(" "));
    }
    let (long, short) = (words[0].chars().count(), words[1].chars().count());
    let alike = words[0].chars().zip(words[1].chars()).filter(|(a, b)| a == b).count();
    let different = 1.0 - alike as f32 / long.max(short) as f32;
    assert!(different <= DIFFERENT_MAX, "{words:#?}");
}

#[tokio::test]
async fn a_scan_reads_like_its_original() {
    let pages = read(&png(&scan().await)).await;
    let page = &pages.pages[0];
    assert_eq!((page.how, page.turned), (How::Ocr, 0));
    let words = texts(page);
    for expected in ["4500123456", "250", "18", "1,284.50"] {
        assert!(words.contains(&expected), "{expected} not in {words:?}");
    }
    let number = page.words.iter().find(|w| w.text == "250").unwrap();
    assert!((number.bbox.x0 - 400.0 / 595.0).abs() < 0.01 && number.confidence > 0.8, "{number:?}");
}

#[tokio::test]
async fn a_page_that_lies_on_its_side_is_read_and_says_so() {
    let scan = scan().await;
    let pages = read(&tiff(&[imageops::rotate90(&scan), imageops::rotate180(&scan)])).await;
    let turns: Vec<u16> = pages.pages.iter().map(|p| p.turned).collect();
    assert_eq!(turns, [90, 180]);
    for page in &pages.pages {
        let upright = page.upright();
        let number = upright.words.iter().find(|w| w.text == "4500123456").unwrap();
        assert!((number.bbox.y0 - 110.0 / 842.0).abs() < 0.02, "{number:?}");
        assert!(upright.height_pt > upright.width_pt);
    }
}

#[tokio::test]
async fn form_fields_come_with_name_value_and_place() {
    let form = [
        "<< /Type /Catalog /Pages 2 0 R /AcroForm << /Fields [4 0 R 5 0 R] >> >>",
        "<< /Type /Pages /Count 1 /Kids [3 0 R] >>",
        "<< /Type /Page /Parent 2 0 R /MediaBox [0 0 600 800] /Annots [6 0 R 5 0 R] >>",
        "<< /T (order) /Kids [6 0 R] >>",
        "<< /Type /Annot /Subtype /Widget /FT /Btn /T (express) /V /Yes /AS /Yes /Rect [100 600 110 610] >>",
        "<< /Type /Annot /Subtype /Widget /Parent 4 0 R /FT /Tx /T (number) /V (PO 4711) /Rect [60 700 160 720] >>",
    ];
    let pages = read(&assemble(&form.map(String::from))).await;
    let page = &pages.pages[0];
    let fields: Vec<_> = page.fields.iter().map(|f| (f.name.as_str(), &f.value)).collect();
    assert_eq!(
        fields,
        [
            ("order.number", &FormValue::Text("PO 4711".into())),
            ("express", &FormValue::Choice { option: "Yes".into(), on: true }),
        ]
    );
    assert!((page.fields[0].bbox.y0 - 0.1).abs() < 1e-4);
    assert_eq!(texts(page), ["PO", "4711"], "values that are not drawn are words");
}

#[tokio::test]
async fn sheets_become_cells_and_words() {
    let pages = read(&xlsx(&[&["Item", "", "Qty"], &["KS-20138 bolt", "", "12.5"]])).await;
    assert_eq!(pages.format, "xlsx");
    let page = &pages.pages[0];
    let cells: Vec<_> = page.cells.iter().map(|c| (c.row, c.column, c.text.as_str())).collect();
    assert_eq!(cells, [(0, 0, "Item"), (0, 2, "Qty"), (1, 0, "KS-20138 bolt"), (1, 2, "12.5")]);
    assert_eq!(texts(page), ["Item", "Qty", "KS-20138", "bolt", "12.5"]);
}

#[tokio::test]
async fn what_is_hidden_in_a_sheet_is_left_out_and_said() {
    let columns = "<cols><col min=\"2\" max=\"2\" width=\"9\" hidden=\"1\"/></cols>";
    let cell =
        |place: &str, text: &str| format!("<c r=\"{place}\" t=\"inlineStr\"><is><t>{text}</t></is></c>");
    let rows = format!(
        "<row r=\"1\">{}{}</row><row r=\"2\" hidden=\"1\">{}</row><row r=\"3\">{}</row>",
        cell("A1", "Item"),
        cell("B1", "secret"),
        cell("A2", "filtered"),
        cell("A3", "bolt")
    );
    let text = |text: &str| {
        format!("<table:table-cell office:value-type=\"string\"><text:p>{text}</text:p></table:table-cell>")
    };
    let share = "<table:table-cell office:value-type=\"percentage\" office:value=\"0.05\"><text:p>5 %</text:p></table:table-cell>";
    let table = format!(
        "<table:table table:name=\"a\"><table:table-column/><table:table-column table:visibility=\"collapse\"/>\
         <table:table-column/><table:table-row>{}{}</table:table-row>\
         <table:table-row table:visibility=\"filter\" table:number-rows-repeated=\"2\">{}</table:table-row>\
         <table:table-row>{}<table:table-cell/>{share}</table:table-row></table:table>",
        text("Item"),
        text("secret"),
        text("filtered"),
        text("bolt")
    );
    let reader = Reader::start(config());
    for (bytes, expected) in [
        (sheet_xml(&format!("{columns}<sheetData>{rows}</sheetData>")), "Item bolt"),
        (ods(&table), "Item bolt 5%"),
    ] {
        let pages = read_with(&reader, &bytes).await;
        assert_eq!(texts(&pages.pages[0]).join(" "), expected);
        let codes: Vec<&str> = pages.findings.iter().map(|f| f.code.as_str()).collect();
        assert_eq!(codes, ["hidden_cells"], "{:?}", pages.findings);
    }
}

#[tokio::test]
async fn tables_of_html_have_cells() {
    let html = "<!DOCTYPE html><html><table><tr><th>Item<th>Qty</tr><tr><td>A-1<td>250</tr></table></html>";
    let pages = read(html.as_bytes()).await;
    let cells: Vec<_> = pages.pages[0].cells.iter().map(|c| (c.row, c.column, c.text.as_str())).collect();
    assert_eq!(cells, [(0, 0, "Item"), (0, 1, "Qty"), (1, 0, "A-1"), (1, 1, "250")]);
}

#[tokio::test]
async fn archives_of_all_packings_are_opened() {
    use ::zip::CompressionMethod as Method;
    let reader = Reader::start(config());
    for method in [Method::STORE, Method::DEFLATE, Method::BZIP2, Method::LZMA, Method::XZ, Method::ZSTD] {
        if let Some(archive) = packed(method, None) {
            let pages = read_with(&reader, &archive).await;
            assert_eq!(pages.embedded[0].bytes, b"Order 4711", "{method}: {:?}", pages.findings);
        }
    }
    let locked = packed(Method::DEFLATE, Some("4711")).unwrap();
    let pages = read_with(&reader, &locked).await;
    assert_eq!(pages.findings[0].code, "password_needed");
    let options = Options { passwords: vec!["1".into(), "4711".into()], ..Options::default() };
    let pages = reader.read(&locked, &options).await.unwrap();
    assert_eq!(pages.embedded[0].bytes, b"Order 4711");
}

/// Small files of the kinds that hold text, each saying "Order 4711 two bolts".
pub(crate) fn samples() -> Vec<(&'static str, Vec<u8>)> {
    let paragraphs = "<w:p><w:t>Order 4711</w:t></w:p><w:p><w:t>two bolts</w:t></w:p>";
    let content = "<text:p>Order 4711</text:p><text:p>two bolts</text:p>";
    let mail = "From: a@example.com\nMessage-ID: <1@example.com>\nSubject: Order\n\nOrder 4711\ntwo bolts\n";
    let utf16: Vec<u8> = "Order 4711\ntwo bolts\n".encode_utf16().flat_map(u16::to_le_bytes).collect();
    vec![
        ("docx", zip(&[("word/document.xml", format!("<w:d>{paragraphs}</w:d>").as_bytes())])),
        (
            "odt",
            zip(&[
                ("mimetype", b"application/vnd.oasis.opendocument.text"),
                ("content.xml", format!("<o:b>{content}</o:b>").as_bytes()),
            ]),
        ),
        ("rtf", br"{\rtf1 Order 4711\par two bolts\par}".to_vec()),
        ("html", b"<!DOCTYPE html><html><body><p>Order 4711</p><p>two bolts</p></body></html>".to_vec()),
        ("xlsx", xlsx(&[&["Order", "4711"], &["two", "bolts"]])),
        ("csv", b"Order;4711;two\nbolts;;\n".to_vec()),
        ("mail", mail.into()),
        ("text", b"Order 4711\ntwo bolts\n".to_vec()),
        ("text", utf16),
    ]
}

#[tokio::test]
async fn text_documents_become_lines() {
    let reader = Reader::start(config());
    for (format, bytes) in samples() {
        let pages = read_with(&reader, &bytes).await;
        assert_eq!(
            (pages.format.as_str(), texts(&pages.pages[0]).join(" ").as_str()),
            (format, "Order 4711 two bolts")
        );
        assert!(pages.findings.is_empty(), "{format}: {:?}", pages.findings);
    }
}

#[tokio::test]
async fn what_cannot_be_read_is_named() {
    let reader = Reader::start(config());
    for (bytes, format) in [
        (&b"7z\xbc\xaf\x27\x1c\0\x04"[..], "7z"),
        (b"Rar!\x1a\x07\x01\0", "rar"),
        (b"\0\0\0\x18ftypheic\0\0\0\0mif1heic", "heif"),
        (b"\x1f\x8b\x08\0\0\0\0\0", "packed"),
        (b"%!PS-Adobe-3.0\n", "postscript"),
    ] {
        let pages = read_with(&reader, bytes).await;
        let codes: Vec<&str> = pages.findings.iter().map(|f| f.code.as_str()).collect();
        assert_eq!((pages.format.as_str(), codes), (format, vec!["unsupported_format"]));
        assert!(pages.findings[0].message.contains("ask the sender for"), "{:?}", pages.findings);
    }
}

#[tokio::test]
async fn archives_and_messages_hand_out_what_they_hold() {
    let inner = order();
    let pages = read(&zip(&[("a/order.pdf", &inner), ("note.txt", b"hello")])).await;
    let names: Vec<&str> = pages.embedded.iter().map(|e| e.name.as_str()).collect();
    assert_eq!((pages.format.as_str(), names), ("zip", vec!["a/order.pdf", "note.txt"]));
    assert_eq!(pages.embedded[0].bytes, inner);
}

#[test]
fn the_sandbox_denies() {
    for what in ["net", "unix", "file", "read", "write", "exec", "memory"] {
        let output =
            Command::new(env!("CARGO_BIN_EXE_mailroom")).args(["reader", "--probe", what]).output().unwrap();
        let said = String::from_utf8_lossy(&output.stdout);
        assert!(output.status.success() && said.starts_with("denied"), "{what}: {said}");
    }
}

#[cfg(target_os = "linux")]
#[test]
fn a_reader_out_of_time_is_ended_by_the_system() {
    use std::os::unix::process::ExitStatusExt as _;
    const OUT_OF_CPU_TIME: i32 = 24; // SIGXCPU
    let status =
        Command::new(env!("CARGO_BIN_EXE_mailroom")).args(["reader", "--probe", "cpu"]).status().unwrap();
    assert_eq!(status.signal(), Some(OUT_OF_CPU_TIME));
}

#[tokio::test]
async fn small_documents_do_not_wait_behind_large_ones() {
    let reader = Reader::start(config());
    let line = "Please deliver the following goods to our warehouse";
    let page: &[(i32, i32, i32, &str)] = &[(60, 80, 12, line), (60, 100, 12, line), (60, 120, 12, line)];
    let large = pdf(&vec![page; 60]);
    let done = std::sync::Mutex::new(Vec::new());
    let read = async |name: &'static str, bytes: &[u8]| {
        let pages = reader.read(bytes, &Options::default()).await.unwrap();
        done.lock().unwrap().push(name);
        pages.pages.len()
    };
    let counts =
        tokio::join!(read("large", &large), read("small", b"Order 4711"), read("next", b"Order 4712"));
    assert_eq!(counts, (60, 1, 1));
    assert_eq!(*done.lock().unwrap(), ["small", "next", "large"]);
}

#[tokio::test]
async fn protections_are_told() {
    let protections = Reader::start(config()).protections().await.unwrap();
    assert!(protections.iter().any(|p| p.starts_with("seccomp: only")), "{protections:?}");
}
