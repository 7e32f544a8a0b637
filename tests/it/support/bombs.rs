//! Documents that mean harm, made on the spot: a name and the bytes.

use super::files::{assemble, pdf, zip};
use image::{Delay, Frame, RgbaImage, codecs::gif::GifEncoder};
use std::io::{Cursor, Read as _};

/// A catalog without pages, and further objects from number 3 on.
fn catalog(rest: &[String]) -> Vec<u8> {
    let mut objects = vec![
        "<< /Type /Catalog /Pages 2 0 R /X 3 0 R >>".to_owned(),
        "<< /Type /Pages /Count 0 /Kids [3 0 R] >>".to_owned(),
    ];
    objects.extend_from_slice(rest);
    assemble(&objects)
}

/// One page with these contents and resources, and further objects from number 5 on.
fn page(contents: &str, resources: &str, rest: &[String]) -> Vec<u8> {
    let mut objects = vec![
        "<< /Type /Catalog /Pages 2 0 R >>".to_owned(),
        "<< /Type /Pages /Count 1 /Kids [3 0 R] >>".to_owned(),
        format!(
            "<< /Type /Page /Parent 2 0 R /MediaBox [0 0 600 800] /Contents 4 0 R /Resources << {resources} >> >>"
        ),
        format!("<< /Length {} >>\nstream\n{contents}\nendstream", contents.len()),
    ];
    objects.extend_from_slice(rest);
    assemble(&objects)
}

fn nested(open: &str, close: &str, depth: usize) -> Vec<u8> {
    catalog(&[format!("{}{}", open.repeat(depth), close.repeat(depth))])
}

/// So many zeros, packed as PDF's FlateDecode expects (RFC 1950).
fn packed_zeros(count: usize) -> Vec<u8> {
    let archive = zip(&[("zeros", &vec![0; count])]);
    let mut archive = ::zip::ZipArchive::new(Cursor::new(archive)).unwrap();
    let mut bytes = vec![0x78, 0x9c];
    archive.by_index_raw(0).unwrap().read_to_end(&mut bytes).unwrap();
    let sum = u32::try_from(count % 65_521).unwrap() << 16 | 1;
    bytes.extend(sum.to_be_bytes());
    bytes
}

/// Packed zeros as a stream in hexadecimal, so that the file stays text.
fn bomb(dictionary: &str, megabytes: usize) -> String {
    let data = hex::encode(packed_zeros(megabytes << 20));
    let length = data.len() + 1;
    format!(
        "<< {dictionary} /Filter [/ASCIIHexDecode /FlateDecode] /Length {length} >>\nstream\n{data}>\nendstream"
    )
}

fn stream(dictionary: &str, data: &str) -> String {
    format!("<< {dictionary} /Length {} >>\nstream\n{data}\nendstream", data.len())
}

fn pdfs() -> Vec<(&'static str, Vec<u8>)> {
    let image = "/Type /XObject /Subtype /Image /BitsPerComponent 8 /ColorSpace /DeviceGray";
    let draw = "600 0 0 800 0 0 cm /I Do";
    let resources = "/XObject << /I 5 0 R >>";
    let cycle = [
        "<< /Type /Catalog /Pages 2 0 R >>",
        "<< /Type /Pages /Count 9 /Kids [2 0 R 3 0 R] /Parent 3 0 R >>",
        "<< /Type /Pages /Count 9 /Kids [2 0 R] /Parent 2 0 R >>",
    ];
    let mut many_pages = vec![
        "<< /Type /Catalog /Pages 2 0 R >>".to_owned(),
        format!(
            "<< /Type /Pages /Count 100000 /Kids [{}] >>",
            (3..100_003).map(|number| format!("{number} 0 R ")).collect::<String>()
        ),
    ];
    many_pages.resize(100_002, "<< /Type /Page /Parent 2 0 R /MediaBox [0 0 600 800] >>".to_owned());
    let field_cycle = [
        "<< /Type /Catalog /Pages 2 0 R /AcroForm << /Fields [4 0 R] >> >>",
        "<< /Type /Pages /Count 1 /Kids [3 0 R] >>",
        "<< /Type /Page /Parent 2 0 R /MediaBox [0 0 600 800] /Annots [4 0 R] >>",
        "<< /Type /Annot /Subtype /Widget /Rect [0 0 9 9] /T (a) /FT /Tx /Parent 4 0 R /Kids [4 0 R] >>",
    ];
    let name_cycle = [
        "<< /Type /Catalog /Pages 2 0 R /Names << /EmbeddedFiles 3 0 R >> >>",
        "<< /Type /Pages /Count 0 /Kids [] >>",
        "<< /Kids [3 0 R 3 0 R 3 0 R] >>",
    ];
    let file_bomb = [
        "<< /Type /Catalog /Pages 2 0 R /Names << /EmbeddedFiles << /Names [(a) 3 0 R] >> >> >>".to_owned(),
        "<< /Type /Pages /Count 0 /Kids [] >>".to_owned(),
        "<< /Type /Filespec /F (zeros) /EF << /F 4 0 R >> >>".to_owned(),
        bomb("/Type /EmbeddedFile", 64),
    ];
    let xref_loop = b"%PDF-1.7\nxref\n0 1\n0000000000 65535 f \ntrailer << /Size 1 /Root 1 0 R /Prev 9 >>\nstartxref\n9\n%%EOF".to_vec();
    let whole = pdf(&[&[(60, 80, 12, "Order 4711")]]);
    vec![
        ("arrays in arrays", nested("[", "]", 10_000)),
        ("dictionaries in dictionaries", nested("<</A", ">>", 10_000)),
        ("page tree cycle", assemble(&cycle.map(String::from))),
        ("field cycle", assemble(&field_cycle.map(String::from))),
        ("name tree cycle", assemble(&name_cycle.map(String::from))),
        ("cross-reference loop", xref_loop),
        ("100,000 pages", assemble(&many_pages)),
        ("more pages than are read", pdf(&[&[(60, 80, 12, "Order")][..]; 1100])),
        ("object stream bomb", catalog(&[bomb("/Type /ObjStm /N 1000000 /First 9000000", 64)])),
        ("content bomb", page(draw, resources, &[bomb("/Type /XObject /Subtype /Form /BBox [0 0 9 9]", 64)])),
        ("embedded file bomb", assemble(&file_bomb)),
        (
            "predictor bomb",
            page(
                draw,
                resources,
                &[stream(
                    &format!(
                        "{image} /Width 9 /Height 9 /Filter /FlateDecode /DecodeParms << /Predictor 15 /Columns 2000000000 /Colors 32 >>"
                    ),
                    "xx",
                )],
            ),
        ),
        (
            "image of 60,000 x 60,000 in a PDF",
            page(draw, resources, &[stream(&format!("{image} /Width 60000 /Height 60000"), "xx")]),
        ),
        (
            "broken JBIG2",
            page(
                draw,
                resources,
                &[stream(&format!("{image} /Width 99 /Height 99 /Filter /JBIG2Decode"), "\x01\x02\x03")],
            ),
        ),
        (
            "broken JPEG 2000",
            page(
                draw,
                resources,
                &[stream(&format!("{image} /Width 99 /Height 99 /Filter /JPXDecode"), "\0\0\0\x0cjP  ")],
            ),
        ),
        (
            "a form that draws itself",
            page(
                "/I Do",
                resources,
                &[stream(
                    "/Type /XObject /Subtype /Form /BBox [0 0 9 9] /Resources << /XObject << /I 5 0 R >> >>",
                    "/I Do /I Do",
                )],
            ),
        ),
        ("many saved states", page(&"q ".repeat(200_000), "", &[])),
        ("PDF and ZIP at once", [whole, zip(&[("a.txt", b"hello")])].concat()),
    ]
}

fn pictures() -> Vec<(&'static str, Vec<u8>)> {
    let mut huge_png =
        b"\x89PNG\r\n\x1a\n\0\0\0\x0dIHDR\0\0\xea\x60\0\0\xea\x60\x08\0\0\0\0\xa5\xb9\x2a\x9e\0\0\0\0IDAT\x35\xaf\x06\x1e".to_vec();
    huge_png.extend([0; 64]);
    let mut huge_bmp = b"BM\0\0\0\0\0\0\0\0\x36\0\0\0\x28\0\0\0".to_vec();
    huge_bmp.extend(60_000_u32.to_le_bytes().into_iter().chain(60_000_u32.to_le_bytes()));
    huge_bmp.extend(b"\x01\0\x18\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0");
    vec![
        ("PNG of 60,000 x 60,000", huge_png),
        ("BMP of 60,000 x 60,000", huge_bmp),
        ("TIFF whose pages lead back", tiff(&[(256, 3, 8), (257, 3, 8)], true)),
        (
            "TIFF of 60,000 x 60,000",
            tiff(
                &[(256, 3, 60_000), (257, 3, 60_000), (259, 3, 4), (262, 3, 0), (273, 4, 8), (279, 4, 4)],
                false,
            ),
        ),
        (
            "TIFF whose strips lie outside",
            tiff(
                &[
                    (256, 3, 99),
                    (257, 3, 99),
                    (259, 3, 4),
                    (262, 3, 0),
                    (273, 4, 0xffff_fff0),
                    (279, 4, 0xffff_ffff),
                ],
                false,
            ),
        ),
        ("GIF of 3,000 frames", gif(3000)),
        ("JPEG that ends at once", b"\xff\xd8\xff\xe0".to_vec()),
    ]
}

/// A little-endian TIFF with entries of tag, type and value; its only page may name itself as the next.
fn tiff(entries: &[(u16, u16, u32)], looped: bool) -> Vec<u8> {
    let mut bytes = b"II*\0\x08\0\0\0".to_vec();
    bytes.extend(u16::try_from(entries.len()).unwrap().to_le_bytes());
    for (tag, kind, value) in entries {
        bytes.extend(tag.to_le_bytes().into_iter().chain(kind.to_le_bytes()).chain(1_u32.to_le_bytes()));
        bytes.extend(value.to_le_bytes());
    }
    bytes.extend(if looped { 8_u32 } else { 0 }.to_le_bytes());
    bytes
}

fn gif(frames: usize) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut encoder = GifEncoder::new(&mut bytes);
    for _ in 0..frames {
        let frame = Frame::from_parts(RgbaImage::new(4, 4), 0, 0, Delay::from_numer_denom_ms(1, 1));
        encoder.encode_frame(frame).unwrap();
    }
    drop(encoder);
    bytes
}

fn office() -> Vec<(&'static str, Vec<u8>)> {
    let laughs =
        br#"<?xml version="1.0"?><!DOCTYPE l [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;&a;">]><l>&b;</l>"#;
    let deep = "<w:tbl><w:tr><w:tc>".repeat(50_000);
    let wide = format!("<w:tbl><w:tr>{}", "<w:tc><w:p><w:t>x</w:t></w:p></w:tc>".repeat(50_000));
    let repeated = r#"<office:document-content xmlns:office="o" xmlns:table="t" xmlns:text="x"><office:body><office:spreadsheet><table:table table:name="a"><table:table-row table:number-rows-repeated="1048576"><table:table-cell office:value-type="string" table:number-columns-repeated="16384"><text:p>x</text:p></table:table-cell></table:table-row></table:table></office:spreadsheet></office:body></office:document-content>"#;
    vec![
        ("zip bomb", zip(&[("zeros.txt", &vec![b'0'; 40 << 20])])),
        ("archive of 5,000 entries", archive_of_many(5000)),
        ("docx with entities", zip(&[("word/document.xml", laughs)])),
        ("docx of deep tables", zip(&[("word/document.xml", deep.as_bytes())])),
        ("docx of wide tables", zip(&[("word/document.xml", wide.as_bytes())])),
        ("xlsx with cells in far corners", far_corners()),
        (
            "ods of repeated cells",
            zip(&[
                ("mimetype", b"application/vnd.oasis.opendocument.spreadsheet"),
                ("content.xml", repeated.as_bytes()),
            ]),
        ),
        ("rtf of deep groups", format!("{{\\rtf1 {}", "{".repeat(1_000_000)).into_bytes()),
        ("rtf of binary data that is not there", b"{\\rtf1 \\bin2000000000 x".to_vec()),
    ]
}

fn archive_of_many(count: usize) -> Vec<u8> {
    let names: Vec<String> = (0..count).map(|number| format!("{number}.txt")).collect();
    let entries: Vec<(&str, &[u8])> = names.iter().map(|name| (name.as_str(), &b"x"[..])).collect();
    zip(&entries)
}

/// A workbook with one cell in each far corner.
pub(crate) fn far_corners() -> Vec<u8> {
    let main = "http://schemas.openxmlformats.org/spreadsheetml/2006/main";
    let relations = "http://schemas.openxmlformats.org/officeDocument/2006/relationships";
    let package = "http://schemas.openxmlformats.org/package/2006/relationships";
    let sheet = r#"<dimension ref="A1:XFD1048576"/><sheetData><row r="1"><c r="A1"><v>1</v></c></row><row r="1048576"><c r="XFD1048576"><v>2</v></c></row></sheetData>"#;
    zip(&[
        (
            "_rels/.rels",
            format!("<Relationships xmlns=\"{package}\"><Relationship Id=\"rId1\" Type=\"{relations}/officeDocument\" Target=\"xl/workbook.xml\"/></Relationships>").as_bytes(),
        ),
        (
            "xl/workbook.xml",
            format!("<workbook xmlns=\"{main}\" xmlns:r=\"{relations}\"><sheets><sheet name=\"a\" sheetId=\"1\" r:id=\"rId1\"/></sheets></workbook>").as_bytes(),
        ),
        (
            "xl/_rels/workbook.xml.rels",
            format!("<Relationships xmlns=\"{package}\"><Relationship Id=\"rId1\" Type=\"{relations}/worksheet\" Target=\"worksheets/sheet1.xml\"/></Relationships>").as_bytes(),
        ),
        ("xl/worksheets/sheet1.xml", format!("<worksheet xmlns=\"{main}\">{sheet}</worksheet>").as_bytes()),
    ])
}

fn texts() -> Vec<(&'static str, Vec<u8>)> {
    let mut parts = String::from("From: a@example.com\r\nMessage-ID: <1@x>\r\n");
    for depth in 0..2000 {
        parts.push_str(&format!("Content-Type: multipart/mixed; boundary=b{depth}\r\n\r\n--b{depth}\r\n"));
    }
    vec![
        ("empty", Vec::new()),
        ("zeros", vec![0; 100_000]),
        ("a program", b"\x7fELF\x02\x01\x01\0\0\0\0".to_vec()),
        ("a page named PDF", b"<html><body>%PDF-</body></html>".to_vec()),
        ("html of deep tables", format!("<html>{}", "<table><tr><td>x".repeat(50_000)).into_bytes()),
        ("html with open quotes", format!("<html>{}", "<a href=\"".repeat(100_000)).into_bytes()),
        ("xml in xml", format!("<?xml version=\"1.0\"?>{}", "<a>".repeat(200_000)).into_bytes()),
        ("csv of one line", format!("{}{}", "a,b,c\n".repeat(9), "x,".repeat(2_000_000)).into_bytes()),
        ("csv of one cell", format!("{}1,2,{}", "a,b,c\n".repeat(9), "x".repeat(8 << 20)).into_bytes()),
        ("text of one line", "x".repeat(8 << 20).into_bytes()),
        ("text of one word a line", "x\n".repeat(4 << 20).into_bytes()),
        ("mail of nested parts", parts.into_bytes()),
    ]
}

/// All of them.
pub(crate) fn all() -> Vec<(&'static str, Vec<u8>)> {
    [pdfs(), pictures(), office(), texts()].concat()
}
