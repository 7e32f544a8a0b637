//! Small documents made on the spot.

use image::{GrayImage, ImageFormat};
use std::io::{Cursor, Write as _};
use zip::{CompressionMethod, write::SimpleFileOptions};

/// A PDF of A4 pages with lines of Helvetica: (x, y from the top, size, text), all in points.
pub(crate) fn pdf(pages: &[&[(i32, i32, i32, &str)]]) -> Vec<u8> {
    let mut objects: Vec<String> = vec![
        "<< /Type /Catalog /Pages 2 0 R >>".into(),
        String::new(),
        "<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica /Encoding /WinAnsiEncoding >>".into(),
    ];
    let mut kids = String::new();
    for lines in pages {
        let content: String = lines
            .iter()
            .map(|(x, y, size, text)| format!("BT /F1 {size} Tf {x} {} Td ({text}) Tj ET\n", 842 - y))
            .collect();
        let number = objects.len() + 1;
        kids.push_str(&format!("{number} 0 R "));
        objects.push(format!(
            "<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Contents {} 0 R \
             /Resources << /Font << /F1 3 0 R >> >> >>",
            number + 1
        ));
        objects.push(format!("<< /Length {} >>\nstream\n{content}endstream", content.len()));
    }
    objects[1] = format!("<< /Type /Pages /Count {} /Kids [{kids}] >>", pages.len());
    assemble(&objects)
}

/// Objects 1, 2… as a PDF with a cross-reference table.
pub(crate) fn assemble(objects: &[String]) -> Vec<u8> {
    let mut file = String::from("%PDF-1.7\n");
    let mut offsets = Vec::new();
    for (index, object) in objects.iter().enumerate() {
        offsets.push(file.len());
        file.push_str(&format!("{} 0 obj\n{object}\nendobj\n", index + 1));
    }
    let start = file.len();
    file.push_str(&format!("xref\n0 {}\n0000000000 65535 f \n", objects.len() + 1));
    for offset in &offsets {
        file.push_str(&format!("{offset:010} 00000 n \n"));
    }
    file.push_str(&format!(
        "trailer << /Size {} /Root 1 0 R >>\nstartxref\n{start}\n%%EOF\n",
        objects.len() + 1
    ));
    file.into_bytes()
}

/// An archive of named entries. As OpenDocument asks, `mimetype` is not packed.
pub(crate) fn zip(entries: &[(&str, &[u8])]) -> Vec<u8> {
    let mut writer = zip::ZipWriter::new(Cursor::new(Vec::new()));
    for (name, bytes) in entries {
        let packed =
            if *name == "mimetype" { CompressionMethod::Stored } else { CompressionMethod::Deflated };
        writer.start_file(*name, SimpleFileOptions::default().compression_method(packed)).unwrap();
        writer.write_all(bytes).unwrap();
    }
    writer.finish().unwrap().into_inner()
}

/// A workbook with one sheet: `None` leaves a cell empty.
pub(crate) fn xlsx(rows: &[&[&str]]) -> Vec<u8> {
    let mut sheet = String::new();
    for (row, cells) in rows.iter().enumerate() {
        sheet.push_str(&format!("<row r=\"{}\">", row + 1));
        for (column, text) in cells.iter().enumerate().filter(|(_, t)| !t.is_empty()) {
            let place = format!("{}{}", char::from(b'A' + u8::try_from(column).unwrap()), row + 1);
            if text.parse::<f64>().is_ok() {
                sheet.push_str(&format!("<c r=\"{place}\"><v>{text}</v></c>"));
            } else {
                sheet.push_str(&format!("<c r=\"{place}\" t=\"inlineStr\"><is><t>{text}</t></is></c>"));
            }
        }
        sheet.push_str("</row>");
    }
    sheet_xml(&format!("<sheetData>{sheet}</sheetData>"))
}

/// A workbook with one sheet of this XML.
pub(crate) fn sheet_xml(sheet: &str) -> Vec<u8> {
    let main = "http://schemas.openxmlformats.org/spreadsheetml/2006/main";
    let relations = "http://schemas.openxmlformats.org/officeDocument/2006/relationships";
    let package = "http://schemas.openxmlformats.org/package/2006/relationships";
    zip(&[
        ("[Content_Types].xml", b"<Types xmlns=\"http://schemas.openxmlformats.org/package/2006/content-types\"/>"),
        (
            "_rels/.rels",
            format!("<Relationships xmlns=\"{package}\"><Relationship Id=\"rId1\" Type=\"{relations}/officeDocument\" Target=\"xl/workbook.xml\"/></Relationships>").as_bytes(),
        ),
        (
            "xl/workbook.xml",
            format!("<workbook xmlns=\"{main}\" xmlns:r=\"{relations}\"><sheets><sheet name=\"Order\" sheetId=\"1\" r:id=\"rId1\"/></sheets></workbook>").as_bytes(),
        ),
        (
            "xl/_rels/workbook.xml.rels",
            format!("<Relationships xmlns=\"{package}\"><Relationship Id=\"rId1\" Type=\"{relations}/worksheet\" Target=\"worksheets/sheet1.xml\"/></Relationships>").as_bytes(),
        ),
        (
            "xl/worksheets/sheet1.xml",
            format!("<worksheet xmlns=\"{main}\">{sheet}</worksheet>").as_bytes(),
        ),
    ])
}

/// An OpenDocument sheet with these tables.
pub(crate) fn ods(tables: &str) -> Vec<u8> {
    let spaces = [("office", "office"), ("table", "table"), ("text", "text")]
        .map(|(prefix, name)| format!(" xmlns:{prefix}=\"urn:oasis:names:tc:opendocument:xmlns:{name}:1.0\""))
        .concat();
    let content = format!(
        "<office:document-content{spaces}><office:body><office:spreadsheet>{tables}</office:spreadsheet></office:body></office:document-content>"
    );
    zip(&[
        ("mimetype", b"application/vnd.oasis.opendocument.spreadsheet"),
        (
            "META-INF/manifest.xml",
            b"<manifest:manifest xmlns:manifest=\"urn:oasis:names:tc:opendocument:xmlns:manifest:1.0\"/>",
        ),
        ("content.xml", content.as_bytes()),
    ])
}

/// An archive of one entry, "Order 4711", packed in some way; none if packing in it is not known, only unpacking.
pub(crate) fn packed(method: CompressionMethod, password: Option<&str>) -> Option<Vec<u8>> {
    let mut writer = zip::ZipWriter::new(Cursor::new(Vec::new()));
    let options = SimpleFileOptions::default().compression_method(method);
    let started = match password {
        Some(password) => {
            writer.start_file("a.txt", options.with_aes_encryption(zip::AesMode::Aes256, password))
        }
        None => writer.start_file("a.txt", options),
    };
    started.ok()?;
    writer.write_all(b"Order 4711").unwrap();
    Some(writer.finish().unwrap().into_inner())
}

/// An Outlook message with a text and a file.
pub(crate) fn msg() -> Vec<u8> {
    let mut file = cfb::CompoundFile::create(Cursor::new(Vec::new())).unwrap();
    let wide = |text: &str| text.encode_utf16().flat_map(u16::to_le_bytes).collect::<Vec<u8>>();
    file.create_storage("/__attach_version1.0_#00000000").unwrap();
    for (path, value) in [
        ("/__properties_version1.0", vec![0; 32]),
        ("/__substg1.0_1000001F", wide("Order 4711 two bolts")),
        ("/__attach_version1.0_#00000000/__substg1.0_3707001F", wide("order.txt")),
        ("/__attach_version1.0_#00000000/__substg1.0_37010102", b"two bolts".to_vec()),
    ] {
        file.create_stream(path).unwrap().write_all(&value).unwrap();
    }
    file.into_inner().into_inner()
}

/// A `winmail.dat` with a text and a file.
pub(crate) fn tnef() -> Vec<u8> {
    let mut bytes = b"\x78\x9f\x3e\x22\x01\0".to_vec();
    for (level, id, value) in [
        (1, 0x0002_800c_u32, &b"Order 4711 two bolts\0"[..]),
        (2, 0x0006_9002, &[0; 14]),
        (2, 0x0001_8010, b"order.txt\0"),
        (2, 0x0006_800f, b"two bolts"),
    ] {
        let sum = value.iter().fold(0_u16, |sum, byte| sum.wrapping_add(u16::from(*byte)));
        bytes.push(level);
        bytes.extend(id.to_le_bytes());
        bytes.extend(u32::try_from(value.len()).unwrap().to_le_bytes());
        bytes.extend(value);
        bytes.extend(sum.to_le_bytes());
    }
    bytes
}

/// A picture as PNG.
pub(crate) fn png(picture: &GrayImage) -> Vec<u8> {
    let mut bytes = Vec::new();
    picture.write_to(&mut Cursor::new(&mut bytes), ImageFormat::Png).unwrap();
    bytes
}

/// Pictures as the pages of a TIFF of 200 dots per inch.
pub(crate) fn tiff(pictures: &[GrayImage]) -> Vec<u8> {
    use tiff::encoder::{Rational, TiffEncoder, colortype::Gray8};
    let mut bytes = Cursor::new(Vec::new());
    let mut encoder = TiffEncoder::new(&mut bytes).unwrap();
    for picture in pictures {
        let mut page = encoder.new_image::<Gray8>(picture.width(), picture.height()).unwrap();
        page.resolution(tiff::tags::ResolutionUnit::Inch, Rational { n: 200, d: 1 });
        page.write_data(picture.as_raw()).unwrap();
    }
    bytes.into_inner()
}
