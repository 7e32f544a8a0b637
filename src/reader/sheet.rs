//! Sheets into cells: XLSX, XLSB, XLS, ODS and CSV. One page for each visible sheet.
//!
//! Every cell also stands as words on a grid whose columns are as wide as their text, so that whoever reads pages by
//! place can read sheets too. Formulas give the value that the file keeps for them. Sheets, rows and columns that are hidden
//! are left out, and a finding says so.
//! Limits: cells of the whole file, bytes of an unpacked workbook.

use super::{
    archive::too_large_unpacked,
    decode::Output,
    format::Format,
    hidden::{self, Sheets, Shown},
    text::read_charset,
};
use crate::model::{
    finding::{Finding, Severity},
    page::{Cell, How, Page, Rect, Word},
};
use calamine::{Data, DataRef, Ods, Reader, SheetVisible, Style, Xls, Xlsb, Xlsx};
use std::io::{self, Cursor};

/// Width of a character in points.
const CHARACTER_PT: f32 = 6.0;
/// Height of a row in points.
const ROW_PT: f32 = 14.0;
/// A column is at most so many characters wide; longer text reaches into the next.
const COLUMN_CHARACTERS_MAX: usize = 80;

/// Characters of one cell, as in Excel.
const CELL_CHARACTERS_MAX: usize = 32_767;

/// A sheet's cells with text: row, column, text; rows and columns from 0.
type Cells = Vec<(u32, u32, String)>;

/// Reads a workbook of Excel or OpenDocument.
pub(super) fn read_workbook(bytes: &[u8], format: Format, out: &mut Output<'_>) -> io::Result<()> {
    if format != Format::Xls
        && let Some(finding) = too_large_unpacked(bytes, out.limits.archive_bytes)
    {
        return out.finding(finding);
    }
    let bytes_max = out.limits.archive_bytes;
    let at = Cursor::new(bytes);
    match format {
        Format::Xls => read_sheets::<Xls<_>>(at, &hidden::of_xls(bytes), out),
        Format::Xlsb => read_sheets::<Xlsb<_>>(at, &Sheets::new(), out),
        Format::Ods => read_sheets::<Ods<_>>(at, &hidden::of_ods(bytes, bytes_max), out),
        _ => read_xlsx(at, &hidden::of_xlsx(bytes, bytes_max), out),
    }
}

fn broken(error: impl std::fmt::Display) -> Finding {
    let message = format!("The sheet is damaged or locked and could not be read ({error}); open it by hand.");
    Finding::new("broken_file", Severity::Problem, message)
}

/// The names of the sheets that are shown; says which are not.
fn visible_sheets(sheets: &[calamine::Sheet], out: &mut Output<'_>) -> io::Result<Vec<String>> {
    /// Sheets that are named.
    const NAMED: usize = 5;
    let (visible, hidden): (Vec<_>, Vec<_>) =
        sheets.iter().partition(|sheet| sheet.visible == SheetVisible::Visible);
    if !hidden.is_empty() {
        let names: Vec<&str> = hidden.iter().take(NAMED).map(|sheet| sheet.name.as_str()).collect();
        let more = if hidden.len() > NAMED { "…" } else { "" };
        let message = format!(
            "The file has hidden sheets, which were not read: {}{more}. Open it by hand if they matter.",
            names.join(", ")
        );
        out.finding(Finding::new("hidden_sheet", Severity::Note, message))?;
    }
    Ok(visible.into_iter().map(|sheet| sheet.name.clone()).collect())
}

/// Puts out what is shown of a sheet, and says whether something is not.
fn put_shown(
    name: &str,
    shown: &Shown,
    cells: impl Iterator<Item = (u32, u32, String)>,
    out: &mut Output<'_>,
) -> io::Result<()> {
    let mut left_out = 0_u64;
    let cells = cells.filter(|(row, column, _)| {
        let hidden = shown.hides(*row, *column);
        left_out += u64::from(hidden);
        !hidden
    });
    put_sheet(cells, out)?;
    if left_out > 0 {
        let message = format!(
            "The sheet {name} has hidden rows or columns; the {left_out} cells in them were left out, as nobody sees them. \
             Open the file by hand if they matter."
        );
        out.finding(Finding::new("hidden_cells", Severity::Check, message))?;
    }
    Ok(())
}

/// Cell by cell, because a sheet with a cell in each far corner would not fit into memory as a whole.
fn read_xlsx(bytes: Cursor<&[u8]>, sheets: &Sheets, out: &mut Output<'_>) -> io::Result<()> {
    let mut workbook = match Xlsx::new(bytes) {
        Ok(workbook) => workbook,
        Err(error) => return out.finding(broken(error)),
    };
    let all_shown = Shown::default();
    for name in visible_sheets(workbook.sheets_metadata(), out)? {
        let mut reader = match workbook.worksheet_cells_reader(&name) {
            Ok(reader) => reader,
            Err(error) => {
                out.finding(broken(error))?;
                continue;
            }
        };
        let percent: Vec<bool> = reader.styles().iter().map(is_percent).collect();
        let mut failed = None;
        let cells = std::iter::from_fn(|| match reader.next_cell_with_style_id() {
            Ok(next) => next,
            Err(error) => {
                failed = Some(error);
                None
            }
        });
        let cells = cells.filter_map(|(cell, style)| {
            let (row, column) = cell.get_position();
            let text = match cell.get_value() {
                DataRef::Float(share) if percent.get(style).copied().unwrap_or(false) => percentage(*share),
                other => cell_text(&other.clone().into()),
            };
            (!text.is_empty()).then_some((row, column, text))
        });
        put_shown(&name, sheets.get(&name).unwrap_or(&all_shown), cells, out)?;
        if let Some(error) = failed {
            out.finding(broken(error))?;
        }
    }
    Ok(())
}

/// Whether numbers are shown in percent: the formats 9 and 10 of ECMA-376 (18.8.30), or any with the sign.
fn is_percent(style: &Style) -> bool {
    style
        .number_format
        .as_ref()
        .is_some_and(|format| format.format_code.contains('%') || matches!(format.format_id, Some(9 | 10)))
}

fn read_sheets<'a, R>(bytes: Cursor<&'a [u8]>, sheets: &Sheets, out: &mut Output<'_>) -> io::Result<()>
where
    R: Reader<Cursor<&'a [u8]>>,
    R::Error: std::fmt::Display,
{
    let mut workbook = match R::new(bytes) {
        Ok(workbook) => workbook,
        Err(error) => return out.finding(broken(error)),
    };
    let all_shown = Shown::default();
    for name in visible_sheets(workbook.sheets_metadata(), out)? {
        let shown = sheets.get(&name).unwrap_or(&all_shown);
        match workbook.worksheet_range(&name) {
            Ok(range) => {
                let (top, left) = range.start().unwrap_or_default();
                let cells = range.used_cells().filter_map(|(row, column, data)| {
                    let (row, column) = (top + row as u32, left + column as u32);
                    let text = match data {
                        Data::Float(share) if shown.is_percentage(row, column) => percentage(*share),
                        other => cell_text(other),
                    };
                    (!text.is_empty()).then_some((row, column, text))
                });
                put_shown(&name, shown, cells, out)?;
            }
            Err(error) => out.finding(broken(error))?,
        }
    }
    Ok(())
}

/// Reads comma-, semicolon-, tab- or bar-separated values.
pub(super) fn read_csv(bytes: &[u8], out: &mut Output<'_>) -> io::Result<()> {
    let text = read_charset(bytes);
    let mut reader = csv::ReaderBuilder::new()
        .has_headers(false)
        .flexible(true)
        .delimiter(find_delimiter(&text))
        .from_reader(text.as_bytes());
    let rows = reader.records().filter_map(Result::ok);
    let cells = (0_u32..).zip(rows).flat_map(|(row, record)| {
        let texts: Vec<String> = record.iter().map(|t| t.trim().to_owned()).collect();
        (0_u32..).zip(texts).filter(|(_, t)| !t.is_empty()).map(move |(column, t)| (row, column, t))
    });
    put_sheet(cells, out)
}

fn find_delimiter(text: &str) -> u8 {
    let lines: Vec<&str> = text.lines().filter(|l| !l.trim().is_empty()).take(20).collect();
    let steady = |delimiter: &u8| {
        let counts: Vec<usize> = lines.iter().map(|l| l.bytes().filter(|b| b == delimiter).count()).collect();
        let least = counts.iter().min().copied().unwrap_or(0);
        (least, counts.iter().sum::<usize>())
    };
    [b';', b'\t', b'|', b','].into_iter().max_by_key(steady).unwrap_or(b',')
}

/// As it is shown: dates ISO, numbers plain with a dot.
fn cell_text(data: &Data) -> String {
    match data {
        Data::Float(number) => plain_number(*number),
        Data::DateTime(time) if time.is_duration() => plain_number(time.as_f64()),
        Data::DateTime(time) => {
            let (year, month, day, hour, minute, second, _) = time.to_ymd_hms_milli();
            // a time of day is a share of the day before the calendar begins
            if time.as_f64() < 1.0 {
                format!("{hour:02}:{minute:02}:{second:02}")
            } else if (hour, minute, second) == (0, 0, 0) {
                format!("{year:04}-{month:02}-{day:02}")
            } else {
                format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}")
            }
        }
        Data::DateTimeIso(text) => text.trim_end_matches("T00:00:00").to_owned(),
        Data::Error(_) | Data::Empty => String::new(),
        other => other.to_string().trim().to_owned(),
    }
}

/// A share as it is shown in percent.
fn percentage(share: f64) -> String {
    format!("{}%", plain_number(share * 100.0))
}

/// Without the noise of binary fractions.
fn plain_number(number: f64) -> String {
    const DIGITS: f64 = 1e9;
    let rounded = (number * DIGITS).round() / DIGITS;
    if rounded.is_finite() && number.abs() < 1e12 { rounded.to_string() } else { number.to_string() }
}

/// Text beyond what a cell of Excel holds is cut.
fn short((row, column, mut text): (u32, u32, String)) -> (u32, u32, String) {
    if text.len() > CELL_CHARACTERS_MAX {
        text = text.chars().take(CELL_CHARACTERS_MAX).collect();
    }
    (row, column, text)
}

fn put_sheet(cells: impl Iterator<Item = (u32, u32, String)>, out: &mut Output<'_>) -> io::Result<()> {
    let left = usize::try_from(out.limits.cells.saturating_sub(out.cells)).unwrap_or(usize::MAX);
    let mut kept: Cells = cells.take(left.saturating_add(1)).map(short).collect();
    if kept.len() > left {
        kept.truncate(left);
        let message = format!("The sheets hold more than {} cells; the rest was not read.", out.limits.cells);
        out.finding(Finding::new("cell_limit", Severity::Check, message))?;
    }
    if kept.is_empty() || !out.may_have_page()? {
        return Ok(());
    }
    out.cells += u32::try_from(kept.len()).unwrap_or(u32::MAX);
    let page = grid(kept, out.pages + 1);
    out.page(page)
}

/// Rows and columns that hold something, each as wide as it needs.
fn grid(cells: Cells, number: u32) -> Page {
    let mut columns: Vec<(u32, usize)> = Vec::new();
    let mut rows: Vec<u32> = Vec::new();
    for (row, column, text) in &cells {
        let width = text.chars().count().clamp(4, COLUMN_CHARACTERS_MAX) + 2;
        match columns.binary_search_by_key(column, |(c, _)| *c) {
            Ok(at) => {
                if let Some((_, w)) = columns.get_mut(at) {
                    *w = width.max(*w);
                }
            }
            Err(at) => columns.insert(at, (*column, width)),
        }
        if let Err(at) = rows.binary_search(row) {
            rows.insert(at, *row);
        }
    }
    let all_characters = columns.iter().map(|(_, w)| w).sum::<usize>().max(1) as f32;
    let all_rows = rows.len().max(1) as f32;
    let starts: Vec<usize> = columns
        .iter()
        .scan(0, |end, (_, width)| {
            let start = *end;
            *end += width;
            Some(start)
        })
        .collect();
    let mut page = Page::empty(number, all_characters * CHARACTER_PT, all_rows * ROW_PT, How::Sheet);
    for (row, column, text) in cells {
        let line = rows.binary_search(&row).unwrap_or_default() as f32;
        let index = columns.binary_search_by_key(&column, |(c, _)| *c).unwrap_or_default();
        let mut at = starts.get(index).copied().unwrap_or_default();
        let width = columns.get(index).map_or(0, |(_, w)| *w);
        let place = Rect {
            x0: at as f32 / all_characters,
            y0: line / all_rows,
            x1: (at + width) as f32 / all_characters,
            y1: (line + 1.0) / all_rows,
        };
        for word in text.split_whitespace() {
            let length = word.chars().count();
            let bbox = Rect {
                x0: at as f32 / all_characters,
                y0: line / all_rows,
                x1: ((at + length) as f32 / all_characters).min(1.0),
                y1: (line + 1.0) / all_rows,
            };
            page.words.push(Word {
                text: word.to_owned(),
                bbox,
                confidence: 1.0,
                size_pt: 10.0,
                bold: false,
            });
            at += length + 1;
        }
        page.cells.push(Cell { row, column, text, bbox: place });
    }
    page
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_plain() {
        for (number, expected) in [(12.0, "12"), (0.1 + 0.2, "0.3"), (1234.5, "1234.5"), (-3.25, "-3.25")] {
            assert_eq!(plain_number(number), expected);
        }
    }

    #[test]
    fn delimiters_are_found() {
        for (text, expected) in [("a;b,c;d\n1;2,5;3\n", b';'), ("a,b\n1,2\n", b','), ("a\tb\nc\td\n", b'\t')]
        {
            assert_eq!(find_delimiter(text), expected);
        }
    }

    #[test]
    fn cells_keep_their_columns_apart() {
        let page = grid(vec![(0, 0, "Item".into()), (0, 3, "Qty".into()), (4, 0, "Hex bolt".into())], 1);
        let words: Vec<&str> = page.words.iter().map(|w| w.text.as_str()).collect();
        assert_eq!(words, ["Item", "Qty", "Hex", "bolt"]);
        assert!(page.words[1].bbox.x0 > page.words[3].bbox.x1);
        assert!(page.words[2].bbox.y0 >= page.words[0].bbox.y1);
    }
}
