//! What a person does not see in a sheet: hidden rows and columns, filtered and folded ones among them, of XLSX
//! (ECMA-376), XLS (MS-XLS) and ODS (OpenDocument 1.3). The library that reads cells does not tell it.
//!
//! Also which cells of ODS show a percentage. What cannot be made out counts as shown.

use quick_xml::{
    Reader,
    events::{BytesStart, Event},
};
use std::{
    collections::BTreeMap,
    io::{BufRead, BufReader, Cursor, Read as _},
    ops::Range,
};
use zip::ZipArchive;

/// Columns of a sheet, as in Excel.
const COLUMNS_MAX: u32 = 16_384;

/// What is special about the rows and columns of one sheet; all count from 0.
#[derive(Debug, Default)]
pub(super) struct Shown {
    /// Hidden rows, upwards.
    rows: Vec<Range<u32>>,
    /// Whether each column is hidden, and how often the file told of some.
    columns: Vec<bool>,
    times: u32,
    /// Cells with percentages: rows and columns, upwards.
    percentages: Vec<(Range<u32>, Range<u32>)>,
}

/// By the names of the sheets.
pub(super) type Sheets = BTreeMap<String, Shown>;

impl Shown {
    pub(super) fn hides(&self, row: u32, column: u32) -> bool {
        holds(&self.rows, row) || self.columns.get(column as usize).copied().unwrap_or(false)
    }

    pub(super) fn is_percentage(&self, row: u32, column: u32) -> bool {
        let before = |(rows, columns): &(Range<u32>, Range<u32>)| {
            rows.end <= row || rows.start <= row && columns.end <= column
        };
        let at = self.percentages.partition_point(before);
        self.percentages
            .get(at)
            .is_some_and(|(rows, columns)| rows.contains(&row) && columns.contains(&column))
    }

    fn hide_rows(&mut self, rows: Range<u32>) {
        match self.rows.last_mut() {
            Some(last) if last.end == rows.start => last.end = rows.end,
            _ => self.rows.push(rows),
        }
    }

    fn hide_columns(&mut self, columns: Range<u32>) {
        if self.times == COLUMNS_MAX {
            return;
        }
        self.times += 1;
        let (start, end) = (columns.start.min(COLUMNS_MAX), columns.end.min(COLUMNS_MAX));
        if self.columns.len() < end as usize {
            self.columns.resize(end as usize, false);
        }
        self.columns.iter_mut().take(end as usize).skip(start as usize).for_each(|hidden| *hidden = true);
    }
}

fn holds(ranges: &[Range<u32>], at: u32) -> bool {
    let next = ranges.partition_point(|range| range.end <= at);
    ranges.get(next).is_some_and(|range| range.contains(&at))
}

type Archive<'a> = ZipArchive<Cursor<&'a [u8]>>;

/// Calls `each` with every start tag of a part of the file, and with the name of every end tag.
fn walk(archive: &mut Archive<'_>, part: &str, bytes_max: u64, mut each: impl FnMut(Tag<'_, '_>)) {
    let index = archive.file_names().position(|name| name.is_ok_and(|name| name.eq_ignore_ascii_case(part)));
    let Some(Ok(entry)) = index.map(|index| archive.by_index(index)) else { return };
    walk_xml(BufReader::new(entry.take(bytes_max)), &mut each);
}

enum Tag<'a, 'b> {
    Start(&'a BytesStart<'b>),
    End(&'a str),
}

fn walk_xml(from: impl BufRead, each: &mut impl FnMut(Tag<'_, '_>)) {
    let mut reader = Reader::from_reader(from);
    reader.config_mut().check_end_names = false;
    let mut buffer = Vec::new();
    loop {
        buffer.clear();
        match reader.read_event_into(&mut buffer) {
            Ok(Event::Start(element)) => each(Tag::Start(&element)),
            Ok(Event::Empty(element)) => {
                each(Tag::Start(&element));
                each(Tag::End(element.local_name().as_ref()));
            }
            Ok(Event::End(element)) => each(Tag::End(element.local_name().as_ref())),
            Ok(Event::Eof) | Err(_) => return,
            Ok(_) => {}
        }
    }
}

/// The value of an attribute, by its name without prefix.
fn attribute(element: &BytesStart<'_>, name: &str) -> Option<String> {
    let mut attributes = element.attributes();
    let found = attributes.with_checks(false).flatten().find(|a| a.key.local_name().as_ref() == name)?;
    Some(quick_xml::escape::unescape(found.value.as_ref()).ok()?.into_owned())
}

fn number(element: &BytesStart<'_>, name: &str) -> Option<u32> {
    attribute(element, name)?.parse().ok()
}

fn is_set(element: &BytesStart<'_>, name: &str) -> bool {
    matches!(attribute(element, name).as_deref(), Some("1" | "true"))
}

/// A width or height of nothing.
fn is_zero(element: &BytesStart<'_>, name: &str) -> bool {
    attribute(element, name).and_then(|size| size.parse::<f32>().ok()).is_some_and(|size| size <= 0.0)
}

/// Of the sheets of an XLSX file.
pub(super) fn of_xlsx(bytes: &[u8], bytes_max: u64) -> Sheets {
    let Ok(mut archive) = ZipArchive::new(Cursor::new(bytes)) else { return Sheets::new() };
    let mut names = Vec::new();
    walk(&mut archive, "xl/workbook.xml", bytes_max, |tag| {
        if let Tag::Start(element) = tag
            && element.local_name().as_ref() == "sheet"
        {
            names.extend(attribute(element, "name").zip(attribute(element, "id")));
        }
    });
    let mut parts = BTreeMap::new();
    walk(&mut archive, "xl/_rels/workbook.xml.rels", bytes_max, |tag| {
        if let Tag::Start(element) = tag {
            parts.extend(attribute(element, "Id").zip(attribute(element, "Target")));
        }
    });
    let mut sheets = Sheets::new();
    for (name, id) in names {
        let Some(target) = parts.get(&id) else { continue };
        let part = target.strip_prefix('/').map_or_else(|| format!("xl/{target}"), str::to_owned);
        let mut shown = Shown::default();
        let mut row = 0;
        walk(&mut archive, &part, bytes_max, |tag| {
            let Tag::Start(element) = tag else { return };
            match element.local_name().as_ref() {
                "col" if is_set(element, "hidden") || is_zero(element, "width") => {
                    let first = number(element, "min").unwrap_or(1).saturating_sub(1);
                    shown.hide_columns(first..number(element, "max").unwrap_or(first + 1));
                }
                "row" => {
                    row = number(element, "r").unwrap_or(row + 1);
                    if is_set(element, "hidden") || is_zero(element, "ht") {
                        shown.hide_rows(row.saturating_sub(1)..row);
                    }
                }
                _ => {}
            }
        });
        sheets.insert(name, shown);
    }
    sheets
}

/// Of the sheets of an ODS file.
pub(super) fn of_ods(bytes: &[u8], bytes_max: u64) -> Sheets {
    let Ok(mut archive) = ZipArchive::new(Cursor::new(bytes)) else { return Sheets::new() };
    let mut sheets = Sheets::new();
    let mut at = OdsPlace::default();
    walk(&mut archive, "content.xml", bytes_max, |tag| match tag {
        Tag::Start(element) => at.open(element, &mut sheets),
        Tag::End(name) => at.close(name),
    });
    sheets
}

/// Where in an ODS file the reading is.
#[derive(Default)]
struct OdsPlace {
    sheet: String,
    rows: Range<u32>,
    column: u32,
    /// Groups of rows or columns that are open: whether each is folded.
    groups: Vec<bool>,
}

impl OdsPlace {
    fn open(&mut self, element: &BytesStart<'_>, sheets: &mut Sheets) {
        let repeated = |what| number(element, what).unwrap_or(1).max(1);
        let hidden = || {
            matches!(attribute(element, "visibility").as_deref(), Some("collapse" | "filter"))
                || self.groups.contains(&true)
        };
        match element.local_name().as_ref() {
            "table" => {
                let sheet = attribute(element, "name").unwrap_or_default();
                sheets.insert(sheet.clone(), Shown::default());
                *self = Self { sheet, ..Self::default() };
            }
            "table-column-group" | "table-row-group" => {
                let folded = attribute(element, "display").as_deref() == Some("false");
                self.groups.push(folded);
            }
            "table-column" => {
                let columns = self.column..self.column.saturating_add(repeated("number-columns-repeated"));
                let hidden = hidden();
                self.column = columns.end;
                if let (true, Some(shown)) = (hidden, sheets.get_mut(&self.sheet)) {
                    shown.hide_columns(columns);
                }
            }
            "table-row" => {
                let rows = self.rows.end..self.rows.end.saturating_add(repeated("number-rows-repeated"));
                let hidden = hidden();
                (self.rows, self.column) = (rows.clone(), 0);
                if let (true, Some(shown)) = (hidden, sheets.get_mut(&self.sheet)) {
                    shown.hide_rows(rows);
                }
            }
            "table-cell" | "covered-table-cell" => {
                let columns = self.column..self.column.saturating_add(repeated("number-columns-repeated"));
                self.column = columns.end;
                if attribute(element, "value-type").as_deref() == Some("percentage")
                    && let Some(shown) = sheets.get_mut(&self.sheet)
                {
                    shown.percentages.push((self.rows.clone(), columns));
                }
            }
            _ => {}
        }
    }

    fn close(&mut self, name: &str) {
        if matches!(name, "table-column-group" | "table-row-group") {
            self.groups.pop();
        }
    }
}

/// Of the sheets of an XLS file (BIFF8).
pub(super) fn of_xls(bytes: &[u8]) -> Sheets {
    const SHEET: u16 = 0x0085;
    const END: u16 = 0x000a;
    let Some(stream) = read_workbook_stream(bytes) else { return Sheets::new() };
    let mut sheets = Sheets::new();
    for (_, data) in
        records(&stream, 0).take_while(|(kind, _)| *kind != END).filter(|(kind, _)| *kind == SHEET)
    {
        if let Some((start, name)) = read_sheet_record(data) {
            sheets.insert(name, read_sheet_rows(&stream, start));
        }
    }
    sheets
}

fn read_workbook_stream(bytes: &[u8]) -> Option<Vec<u8>> {
    let mut file = cfb::CompoundFile::open(Cursor::new(bytes)).ok()?;
    let mut stream = Vec::new();
    file.open_stream("/Workbook").ok()?.take(bytes.len() as u64).read_to_end(&mut stream).ok()?;
    Some(stream)
}

/// Records one after another: kind, and data (MS-XLS 2.1.4).
fn records(stream: &[u8], start: usize) -> impl Iterator<Item = (u16, &[u8])> {
    let mut rest = stream.get(start..).unwrap_or_default();
    std::iter::from_fn(move || {
        let (&[a, b, c, d], after) = rest.split_first_chunk()?;
        let (data, next) = after.split_at_checked(usize::from(u16::from_le_bytes([c, d])))?;
        rest = next;
        Some((u16::from_le_bytes([a, b]), data))
    })
}

/// Where a sheet starts, and its name (MS-XLS 2.4.28).
fn read_sheet_record(data: &[u8]) -> Option<(usize, String)> {
    let (&[a, b, c, d, _, _, length, flags], text) = data.split_first_chunk()?;
    let length = usize::from(length);
    let name = if flags & 1 == 1 {
        let units = text.as_chunks::<2>().0.iter().take(length).map(|unit| u16::from_le_bytes(*unit));
        char::decode_utf16(units).map(|c| c.unwrap_or(char::REPLACEMENT_CHARACTER)).collect()
    } else {
        text.iter().take(length).map(|byte| char::from(*byte)).collect()
    };
    Some((usize::try_from(u32::from_le_bytes([a, b, c, d])).ok()?, name))
}

fn read_sheet_rows(stream: &[u8], start: usize) -> Shown {
    const BEGIN: u16 = 0x0809;
    const END: u16 = 0x000a;
    const COLUMNS: u16 = 0x007d;
    const ROW: u16 = 0x0208;
    let mut shown = Shown::default();
    // charts inside the sheet begin and end, too
    let mut depth = 0_usize;
    for (kind, data) in records(stream, start) {
        let field = |at: usize| {
            data.get(at..at + 2)
                .and_then(|b| b.try_into().ok())
                .map_or(0, |b| u32::from(u16::from_le_bytes(b)))
        };
        match kind {
            BEGIN => depth += 1,
            END if depth <= 1 => break,
            END => depth -= 1,
            COLUMNS if field(8) & 1 == 1 => shown.hide_columns(field(0)..field(2) + 1),
            ROW if field(12) & 0x20 != 0 => shown.hide_rows(field(0)..field(0) + 1),
            _ => {}
        }
    }
    shown.rows.sort_by_key(|rows| rows.start);
    shown
}
