//! Documents that mean harm, made on the spot: a name and the bytes.

use super::files::{assemble, msg, ods, pdf, sheet_xml, tnef, zip};
use image::{Delay, Frame, RgbaImage, codecs::gif::GifEncoder};
use std::io::{Cursor, Read as _};

/// The threat, the name of the file, and its bytes.
pub(crate) type Bomb = (&'static str, &'static str, Vec<u8>);

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

fn pdfs() -> Vec<Bomb> {
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
        ("deep nesting", "arrays in arrays", nested("[", "]", 10_000)),
        ("deep nesting", "dictionaries in dictionaries", nested("<</A", ">>", 10_000)),
        ("loops", "page tree cycle", assemble(&cycle.map(String::from))),
        ("loops", "field cycle", assemble(&field_cycle.map(String::from))),
        ("loops", "name tree cycle", assemble(&name_cycle.map(String::from))),
        ("loops", "cross-reference loop", xref_loop),
        ("too much of it", "100,000 pages", assemble(&many_pages)),
        ("too much of it", "more pages than are read", pdf(&[&[(60, 80, 12, "Order")][..]; 1100])),
        (
            "decompression",
            "object stream bomb",
            catalog(&[bomb("/Type /ObjStm /N 1000000 /First 9000000", 64)]),
        ),
        ("decompression", "embedded file bomb", assemble(&file_bomb)),
        ("deep nesting", "many saved states", page(&"q ".repeat(200_000), "", &[])),
        ("two kinds at once", "PDF and ZIP at once", [whole, zip(&[("a.txt", b"hello")])].concat()),
    ]
}

/// What a page draws.
fn drawings() -> Vec<Bomb> {
    let image = "/Type /XObject /Subtype /Image /BitsPerComponent 8 /ColorSpace /DeviceGray";
    let draw = "600 0 0 800 0 0 cm /I Do";
    let resources = "/XObject << /I 5 0 R >>";
    vec![
        (
            "decompression",
            "content bomb",
            page(draw, resources, &[bomb("/Type /XObject /Subtype /Form /BBox [0 0 9 9]", 64)]),
        ),
        (
            "decompression",
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
            "large pictures",
            "image of 60,000 x 60,000 in a PDF",
            page(draw, resources, &[stream(&format!("{image} /Width 60000 /Height 60000"), "xx")]),
        ),
        (
            "broken inside",
            "broken JBIG2",
            page(
                draw,
                resources,
                &[stream(&format!("{image} /Width 99 /Height 99 /Filter /JBIG2Decode"), "\x01\x02\x03")],
            ),
        ),
        (
            "broken inside",
            "broken JPEG 2000",
            page(
                draw,
                resources,
                &[stream(&format!("{image} /Width 99 /Height 99 /Filter /JPXDecode"), "\0\0\0\x0cjP  ")],
            ),
        ),
        (
            "loops",
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
    ]
}

fn pictures() -> Vec<Bomb> {
    let mut huge_png =
        b"\x89PNG\r\n\x1a\n\0\0\0\x0dIHDR\0\0\xea\x60\0\0\xea\x60\x08\0\0\0\0\xa5\xb9\x2a\x9e\0\0\0\0IDAT\x35\xaf\x06\x1e".to_vec();
    huge_png.extend([0; 64]);
    let mut huge_bmp = b"BM\0\0\0\0\0\0\0\0\x36\0\0\0\x28\0\0\0".to_vec();
    huge_bmp.extend(60_000_u32.to_le_bytes().into_iter().chain(60_000_u32.to_le_bytes()));
    huge_bmp.extend(b"\x01\0\x18\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0");
    vec![
        ("large pictures", "PNG of 60,000 x 60,000", huge_png),
        ("large pictures", "BMP of 60,000 x 60,000", huge_bmp),
        ("loops", "TIFF whose pages lead back", tiff(&[(256, 3, 8), (257, 3, 8)], true)),
        (
            "large pictures",
            "TIFF of 60,000 x 60,000",
            tiff(
                &[(256, 3, 60_000), (257, 3, 60_000), (259, 3, 4), (262, 3, 0), (273, 4, 8), (279, 4, 4)],
                false,
            ),
        ),
        (
            "broken inside",
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
        ("too much of it", "GIF of 3,000 frames", gif(3000)),
        ("broken inside", "JPEG that ends at once", b"\xff\xd8\xff\xe0".to_vec()),
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

fn office() -> Vec<Bomb> {
    let laughs =
        br#"<?xml version="1.0"?><!DOCTYPE l [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;&a;">]><l>&b;</l>"#;
    let deep = "<w:tbl><w:tr><w:tc>".repeat(50_000);
    let wide = format!("<w:tbl><w:tr>{}", "<w:tc><w:p><w:t>x</w:t></w:p></w:tc>".repeat(50_000));
    let repeated = r#"<table:table table:name="a"><table:table-row table:number-rows-repeated="1048576"><table:table-cell office:value-type="string" table:number-columns-repeated="16384"><text:p>x</text:p></table:table-cell></table:table-row></table:table>"#;
    vec![
        ("decompression", "zip bomb", zip(&[("zeros.txt", &vec![b'0'; 40 << 20])])),
        ("too much of it", "archive of 5,000 entries", archive_of_many(5000)),
        ("XML entities", "docx with entities", zip(&[("word/document.xml", laughs)])),
        ("deep nesting", "docx of deep tables", zip(&[("word/document.xml", deep.as_bytes())])),
        ("too much of it", "docx of wide tables", zip(&[("word/document.xml", wide.as_bytes())])),
        ("too much of it", "xlsx with cells in far corners", far_corners()),
        ("too much of it", "ods of repeated cells", ods(repeated)),
        ("deep nesting", "rtf of deep groups", format!("{{\\rtf1 {}", "{".repeat(1_000_000)).into_bytes()),
        ("broken inside", "rtf of binary data that is not there", b"{\\rtf1 \\bin2000000000 x".to_vec()),
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

fn texts() -> Vec<Bomb> {
    let mut parts = String::from("From: a@example.com\r\nMessage-ID: <1@x>\r\n");
    for depth in 0..2000 {
        parts.push_str(&format!("Content-Type: multipart/mixed; boundary=b{depth}\r\n\r\n--b{depth}\r\n"));
    }
    vec![
        ("no document", "empty", Vec::new()),
        ("no document", "zeros", vec![0; 100_000]),
        ("no document", "a program", b"\x7fELF\x02\x01\x01\0\0\0\0".to_vec()),
        ("two kinds at once", "a page named PDF", b"<html><body>%PDF-</body></html>".to_vec()),
        (
            "deep nesting",
            "html of deep tables",
            format!("<html>{}", "<table><tr><td>x".repeat(50_000)).into_bytes(),
        ),
        (
            "too much of it",
            "html with open quotes",
            format!("<html>{}", "<a href=\"".repeat(100_000)).into_bytes(),
        ),
        (
            "deep nesting",
            "xml in xml",
            format!("<?xml version=\"1.0\"?>{}", "<a>".repeat(200_000)).into_bytes(),
        ),
        (
            "too much of it",
            "csv of one line",
            format!("{}{}", "a,b,c\n".repeat(9), "x,".repeat(2_000_000)).into_bytes(),
        ),
        (
            "too much of it",
            "csv of one cell",
            format!("{}1,2,{}", "a,b,c\n".repeat(9), "x".repeat(8 << 20)).into_bytes(),
        ),
        ("too much of it", "text of one line", "x".repeat(8 << 20).into_bytes()),
        ("too much of it", "text of one word a line", "x\n".repeat(4 << 20).into_bytes()),
        ("deep nesting", "mail of nested parts", parts.into_bytes()),
    ]
}

/// Archives in archives, one in the other.
pub(crate) fn archives_in_archives(levels: usize) -> Vec<u8> {
    (0..levels).fold(b"Order 4711".to_vec(), |inner, level| {
        let name = if level == 0 { "order.txt" } else { "inner.zip" };
        zip(&[(name, &inner)])
    })
}

/// An archive whose directory names the same packed zeros many times: small, and large when unpacked.
fn overlapping() -> Vec<u8> {
    const TIMES: u16 = 900;
    let one = zip(&[("zeros.txt", &vec![b'0'; 1 << 20])]);
    let find = |mark: &[u8]| one.windows(4).rposition(|w| w == mark).unwrap();
    let (directory, end) = (find(b"PK\x01\x02"), find(b"PK\x05\x06"));
    let mut bytes = one[..directory].to_vec();
    for number in 0..TIMES {
        // each name is another one of the same length
        let mut entry = one[directory..end].to_vec();
        entry[46..50].copy_from_slice(format!("{number:04}").as_bytes());
        bytes.extend(entry);
    }
    let size = u32::try_from(bytes.len() - directory).unwrap();
    bytes.extend([&b"PK\x05\x06\0\0\0\0"[..], &TIMES.to_le_bytes(), &TIMES.to_le_bytes()].concat());
    bytes.extend(
        [&size.to_le_bytes()[..], &u32::try_from(directory).unwrap().to_le_bytes(), &[0, 0]].concat(),
    );
    bytes
}

/// Compound files whose table of sectors, or whose directory, follows upon itself.
fn looped_messages() -> [Vec<u8>; 2] {
    let short = |bytes: &[u8], at: usize| usize::from(u16::from_le_bytes([bytes[at], bytes[at + 1]]));
    let mut sectors = msg();
    let sector = 1 << short(&sectors, 30);
    let table = sector * (1 + short(&sectors, 76));
    sectors[table..table + sector].fill(0);
    let mut directory = msg();
    let start = short(&directory, 48);
    directory[table + 4 * start..][..4].copy_from_slice(&u32::try_from(start).unwrap().to_le_bytes());
    [sectors, directory]
}

fn containers() -> Vec<Bomb> {
    let [sectors, directory] = looped_messages();
    let long = [&tnef()[..6], &[2, 0x0f, 0x80, 6, 0, 0xff, 0xff, 0xff, 0x7f]].concat();
    let active = [
        "<< /Type /Catalog /Pages 2 0 R /OpenAction << /S /JavaScript /JS (app.alert\\(1\\);) >> /AA << /WC << /S /Launch /F (cmd.exe) >> >> >>",
        "<< /Type /Pages /Count 1 /Kids [3 0 R] >>",
        "<< /Type /Page /Parent 2 0 R /MediaBox [0 0 600 800] /Annots [<< /Type /Annot /Subtype /Link /Rect [0 0 9 9] /A << /S /URI /URI (http://127.0.0.1/) >> >>] >>",
    ];
    let xml = |root: &str| {
        format!(
            "<?xml version=\"1.0\"?><!DOCTYPE l [<!ENTITY a \"{}\"><!ENTITY b \"{}\"><!ENTITY c SYSTEM \"file:///etc/passwd\">]>{root}",
            "ha".repeat(1000),
            "&a;".repeat(1000)
        )
    };
    let order = xml(
        "<Order xmlns=\"urn:oasis:names:specification:ubl:schema:xsd:Order-2\"><ID>&b;&b;&c;</ID></Order>",
    );
    let rows = "<sheetData><row r=\"1\"><c r=\"A1\" t=\"str\"><v>&b;</v></c></row></sheetData>";
    let text = zip(&[("a.txt", b"hello")]);
    vec![
        ("archives in archives", "ten levels of zip", archives_in_archives(10)),
        ("decompression", "zip whose entries overlap", overlapping()),
        ("loops", "msg whose sectors lead back", sectors),
        ("loops", "msg whose directory leads back", directory),
        ("broken inside", "winmail.dat that claims too much", long),
        ("programs inside", "PDF with JavaScript, a launch and a link", assemble(&active.map(String::from))),
        ("XML entities", "order with entities", order.into_bytes()),
        ("XML entities", "sheet with entities", sheet_xml(rows)),
        ("two kinds at once", "GIF and ZIP at once", [gif(1), text.clone()].concat()),
        ("two kinds at once", "ZIP that begins as a program", [&b"MZ\0\0"[..], &text].concat()),
        ("two kinds at once", "HTML and ZIP at once", [&b"<html>hello</html>"[..], &text].concat()),
    ]
}

/// All of them, threat by threat.
pub(crate) fn all() -> Vec<Bomb> {
    let mut all = [pdfs(), drawings(), pictures(), office(), texts(), containers()].concat();
    all.sort_by_key(|(threat, ..)| *threat);
    all
}
