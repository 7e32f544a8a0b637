//! Documents without pages of their own (Word, OpenDocument, Rich Text) laid out on pages: paragraphs as lines, tables
//! as columns with ruling lines between them, so that whoever reads pages by place can read these too.
//!
//! [`Builder`] takes what a decoder finds in reading order, forgives what does not fit together, and gives
//! [`Block`]s; [`put`] lays them out. Letters are equally wide here.
//! Limits: [`TABLE_DEPTH_MAX`], [`COLUMNS_MAX`], [`CELLS_MAX`], [`PAGE_LINES`], [`WORDS_MAX`].

use super::decode::Output;
use crate::model::page::{Cell as PageCell, How, Page, Rect, Ruling, Word};
use std::io;

/// Tables inside tables; deeper ones are text of the cell around them.
const TABLE_DEPTH_MAX: usize = 8;
/// Lines of one page.
const PAGE_LINES: f32 = 2000.0;
/// Words of one document.
const WORDS_MAX: usize = 400_000;
/// A paragraph is broken after so many characters.
const LINE_CHARACTERS: usize = 95;
/// A paragraph in a cell is broken after so many characters.
const CELL_CHARACTERS: usize = 40;
/// Characters between columns; the ruling line stands in the middle.
const GAP: usize = 2;
/// Columns of a table.
const COLUMNS_MAX: usize = 256;
/// Cells of one document; the text of further ones goes to the last.
const CELLS_MAX: usize = 200_000;
/// Width and height of a character in points, as on pages of plain text.
const CHARACTER_PT: (f32, f32) = (6.0, 12.0);
/// Space above and below the text of a row, in lines.
const ROW_PADDING: f32 = 0.25;
/// Space below a table, in lines.
const TABLE_MARGIN: f32 = 0.5;
/// Sizes of letters in points.
const BODY_PT: f32 = 10.0;
const HEADING_PT: f32 = 14.0;

/// A piece of a document.
#[derive(Debug, PartialEq)]
pub(super) enum Block {
    /// A line of any length; tabs part columns.
    Paragraph {
        text: String,
        heading: bool,
    },
    Table(Vec<Vec<Cell>>),
    PageBreak,
}

impl Block {
    fn is_empty_line(&self) -> bool {
        matches!(self, Self::Paragraph { text, .. } if text.is_empty())
    }
}

/// A cell of a table.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Cell {
    blocks: Vec<Block>,
    /// Columns that it covers, from 1.
    columns: usize,
}

/// Collects blocks in reading order.
#[derive(Default)]
pub(super) struct Builder {
    body: Vec<Block>,
    /// Rows of the tables that are open, outermost first.
    open: Vec<Vec<Vec<Cell>>>,
    /// Open tables that nest too deep to be kept apart.
    too_deep: usize,
    cells: usize,
    line: String,
    heading: bool,
}

impl Builder {
    /// Adds to the paragraph that is open; one is always open.
    pub(super) fn text(&mut self, text: &str) {
        self.line.push_str(text);
    }

    /// The paragraph that is open is a heading.
    pub(super) fn heading(&mut self) {
        self.heading = true;
    }

    /// The check box that was just added is ticked.
    pub(super) fn tick(&mut self) {
        if self.line.ends_with('☐') {
            self.line.pop();
            self.line.push('☒');
        }
    }

    /// The text of the paragraph so far, which is then empty: for a box that stands inside a paragraph.
    pub(super) fn set_aside(&mut self) -> String {
        std::mem::take(&mut self.line)
    }

    pub(super) fn end_paragraph(&mut self) {
        let text = std::mem::take(&mut self.line).trim_end().to_owned();
        let heading = std::mem::take(&mut self.heading);
        let sink = self.sink();
        // one empty line says as much as many
        if !text.is_empty() || matches!(sink.last(), Some(last) if !last.is_empty_line()) {
            sink.push(Block::Paragraph { text, heading });
        }
    }

    pub(super) fn page_break(&mut self) {
        self.end_paragraph();
        if self.open.is_empty() {
            self.body.push(Block::PageBreak);
        }
    }

    pub(super) fn open_table(&mut self) {
        self.end_paragraph();
        if self.open.len() < TABLE_DEPTH_MAX {
            self.open.push(Vec::new());
        } else {
            self.too_deep += 1;
        }
    }

    pub(super) fn open_row(&mut self) {
        self.end_paragraph();
        if let (0, Some(rows)) = (self.too_deep, self.open.last_mut()) {
            rows.push(Vec::new());
        }
    }

    pub(super) fn open_cell(&mut self, columns: usize) {
        self.end_paragraph();
        if let (0, Some(row)) = (self.too_deep, self.open.last_mut().and_then(|rows| rows.last_mut())) {
            let used: usize = row.iter().map(|cell| cell.columns).sum();
            if used < COLUMNS_MAX && self.cells < CELLS_MAX {
                self.cells += 1;
                let columns = columns.clamp(1, COLUMNS_MAX - used);
                row.push(Cell { blocks: Vec::new(), columns });
            }
        }
    }

    /// The cell that was just opened covers so many columns.
    pub(super) fn widen_cell(&mut self, columns: usize) {
        if let (0, Some(row)) = (self.too_deep, self.open.last_mut().and_then(|rows| rows.last_mut())) {
            let used: usize = row.iter().rev().skip(1).map(|cell| cell.columns).sum();
            if let Some(cell) = row.last_mut() {
                cell.columns = columns.clamp(1, COLUMNS_MAX.saturating_sub(used).max(1));
            }
        }
    }

    pub(super) fn close_table(&mut self) {
        self.end_paragraph();
        if self.too_deep > 0 {
            self.too_deep -= 1;
        } else if let Some(rows) = self.open.pop() {
            let mut table = Vec::with_capacity(rows.len());
            let mut blocks = Vec::new();
            for mut row in rows {
                match &mut row[..] {
                    [only] if only.blocks.iter().any(|block| matches!(block, Block::Table(_))) => {
                        end_table(&mut table, &mut blocks);
                        blocks.append(&mut only.blocks);
                    }
                    _ => table.push(row),
                }
            }
            end_table(&mut table, &mut blocks);
            self.sink().append(&mut blocks);
        }
    }

    pub(super) fn finish(mut self) -> Vec<Block> {
        self.end_paragraph();
        while !self.open.is_empty() {
            self.too_deep = 0;
            self.close_table();
        }
        self.body
    }

    /// Where the next block goes: into the last cell of the innermost table that has one.
    fn sink(&mut self) -> &mut Vec<Block> {
        let cell = self.open.iter_mut().rev().find_map(|rows| rows.last_mut()?.last_mut());
        match cell {
            Some(cell) => &mut cell.blocks,
            None => &mut self.body,
        }
    }
}

/// A row whose only cell holds a table serves the layout: it parts tables, and is none.
fn end_table(rows: &mut Vec<Vec<Cell>>, blocks: &mut Vec<Block>) {
    if !rows.is_empty() {
        blocks.push(Block::Table(std::mem::take(rows)));
    }
}

/// Lays blocks out and puts the pages out, as many as the limit allows.
pub(super) fn put(blocks: Vec<Block>, out: &mut Output<'_>) -> io::Result<()> {
    let blocks = tabs_as_tables(blocks);
    let width = natural_width(&blocks, LINE_CHARACTERS).max(LINE_CHARACTERS);
    let mut sheet = Sheet::default();
    let mut words = 0;
    for block in blocks {
        match block {
            Block::PageBreak => words += sheet.put_out(width, out)?,
            // a long table goes on on the next page
            Block::Table(rows) => {
                let columns = column_widths(&rows, CELL_CHARACTERS);
                for row in &rows {
                    sheet.place_row(row, &columns, 0);
                    sheet.table_row += 1;
                    if sheet.y > PAGE_LINES {
                        words += sheet.put_out(width, out)?;
                    }
                }
                sheet.table_row += 1;
                sheet.y += TABLE_MARGIN;
            }
            paragraph @ Block::Paragraph { .. } => sheet.place(&paragraph, 0, LINE_CHARACTERS),
        }
        if sheet.y > PAGE_LINES {
            words += sheet.put_out(width, out)?;
        }
        if words + sheet.words.len() > WORDS_MAX {
            break;
        }
    }
    sheet.put_out(width, out)?;
    Ok(())
}

/// Paragraphs one after another whose columns are parted by tabs, under one another.
fn tabs_as_tables(blocks: Vec<Block>) -> Vec<Block> {
    let mut done = Vec::with_capacity(blocks.len());
    let mut lines: Vec<String> = Vec::new();
    for block in blocks {
        match block {
            Block::Paragraph { text, heading: false } if text.trim().contains('\t') => lines.push(text),
            other => {
                end_tabs(&mut lines, &mut done);
                done.push(other);
            }
        }
    }
    end_tabs(&mut lines, &mut done);
    done
}

/// Several tabs in a row lead to one column, unless the rows then differ in their columns.
fn end_tabs(lines: &mut Vec<String>, done: &mut Vec<Block>) {
    let split = |line: &str, collapse: bool| -> Vec<String> {
        let cells = line.trim_end().split('\t').map(|cell| cell.trim().to_owned());
        cells
            .enumerate()
            .filter(|(at, cell)| !collapse || *at == 0 || !cell.is_empty())
            .map(|(_, c)| c)
            .collect()
    };
    let collapsed: Vec<Vec<String>> = lines.iter().map(|line| split(line, true)).collect();
    let alike = collapsed.windows(2).all(|pair| matches!(pair, [a, b] if a.len() == b.len()));
    let rows = if alike { collapsed } else { lines.iter().map(|line| split(line, false)).collect() };
    let mut widths: Vec<usize> = Vec::new();
    for row in &rows {
        for (column, cell) in row.iter().take(COLUMNS_MAX).enumerate() {
            let width = cell.chars().count().min(CELL_CHARACTERS);
            match widths.get_mut(column) {
                Some(widest) => *widest = width.max(*widest),
                None => widths.push(width),
            }
        }
    }
    for row in rows {
        let mut text = String::new();
        for (cell, width) in row.iter().zip(&widths) {
            text.push_str(cell);
            let missing = width.saturating_sub(cell.chars().count()) + 2 * GAP;
            text.extend(std::iter::repeat_n(' ', missing));
        }
        done.push(Block::Paragraph { text: text.trim_end().to_owned(), heading: false });
    }
    lines.clear();
}

/// Characters that a column of blocks takes if its paragraphs are broken after `wrap` characters.
fn natural_width(blocks: &[Block], wrap: usize) -> usize {
    let width = |block: &Block| match block {
        Block::Paragraph { text, .. } => {
            wrapped(text, wrap).iter().map(|line| line.chars().count()).max().unwrap_or(0)
        }
        Block::Table(rows) => column_widths(rows, CELL_CHARACTERS).iter().map(|w| w + GAP).sum(),
        Block::PageBreak => 0,
    };
    blocks.iter().map(width).max().unwrap_or(0)
}

/// Characters of each column: as wide as its cells need, those that cover several columns last.
fn column_widths(rows: &[Vec<Cell>], wrap: usize) -> Vec<usize> {
    let count = rows.iter().map(|row| row.iter().map(|c| c.columns).sum()).max().unwrap_or(0);
    let mut widths = vec![1; count];
    for single in [true, false] {
        for row in rows {
            let mut at = 0;
            for cell in row {
                let covered = widths.get_mut(at..at + cell.columns).unwrap_or_default();
                at += cell.columns;
                if single != (cell.columns == 1) {
                    continue;
                }
                let has = covered.iter().map(|w| *w + GAP).sum::<usize>().saturating_sub(GAP);
                let missing = natural_width(&cell.blocks, wrap).saturating_sub(has);
                if let Some(last) = covered.last_mut() {
                    *last += missing;
                }
            }
        }
    }
    widths
}

/// A paragraph in lines of at most so many characters, unless a word alone is longer. Blanks inside a line stay.
fn wrapped(text: &str, wrap: usize) -> Vec<&str> {
    let mut lines = Vec::new();
    for line in text.split('\n') {
        let mut start = 0;
        let mut last_blank = None;
        let mut count = 0;
        for (at, c) in line.char_indices() {
            if c == ' ' {
                last_blank = Some(at);
            }
            count += 1;
            if count > wrap
                && let Some(blank) = last_blank.take()
            {
                lines.push(line.get(start..blank).unwrap_or_default());
                start = blank + 1;
                count = line.get(start..at).map_or(0, |rest| rest.chars().count()) + 1;
            }
        }
        lines.push(line.get(start..).unwrap_or_default());
    }
    lines
}

/// A page that is being laid out; places in characters and lines.
#[derive(Default)]
struct Sheet {
    words: Vec<(Rect, String, bool)>,
    rulings: Vec<(Rect, bool)>,
    cells: Vec<(Rect, u32, u32, String)>,
    y: f32,
    /// Row of the next cell, over all tables.
    table_row: u32,
}

impl Sheet {
    fn place(&mut self, block: &Block, x: usize, wrap: usize) {
        match block {
            Block::Paragraph { text, heading } => {
                for line in wrapped(text, wrap) {
                    self.place_line(line, x, *heading);
                }
            }
            Block::Table(rows) => {
                let columns = column_widths(rows, CELL_CHARACTERS);
                for row in rows {
                    self.place_row(row, &columns, x);
                }
            }
            Block::PageBreak => {}
        }
    }

    fn place_line(&mut self, line: &str, x: usize, heading: bool) {
        let mut at = x as f32;
        for word in line.split(' ') {
            let length = word.chars().count() as f32;
            if !word.is_empty() {
                let bbox = Rect { x0: at, y0: self.y + 0.1, x1: at + length, y1: self.y + 0.9 };
                self.words.push((bbox, word.to_owned(), heading));
            }
            at += length + 1.0;
        }
        self.y += 1.0;
    }

    fn place_row(&mut self, row: &[Cell], widths: &[usize], x: usize) {
        let top = self.y;
        let inside = top + ROW_PADDING;
        let mut bottom = inside + 1.0;
        let mut edges = vec![x as f32];
        let (mut at, mut left) = (0, x);
        for cell in row {
            let covered = widths.get(at..at + cell.columns).unwrap_or_default();
            let width = covered.iter().map(|w| w + GAP).sum::<usize>();
            self.y = inside;
            for block in &cell.blocks {
                self.place(block, left + GAP / 2, width.saturating_sub(GAP).max(1));
            }
            bottom = bottom.max(self.y);
            let text = plain_text(&cell.blocks);
            if x == 0 && !text.is_empty() {
                let bbox = Rect { x0: left as f32, y0: top, x1: (left + width) as f32, y1: top };
                self.cells.push((bbox, self.table_row, at as u32, text));
            }
            at += cell.columns;
            left += width;
            edges.push(left as f32);
        }
        bottom += ROW_PADDING;
        let in_row = self.cells.iter_mut().rev().take_while(|(_, r, ..)| x == 0 && *r == self.table_row);
        in_row.for_each(|(bbox, ..)| bbox.y1 = bottom);
        for edge in &edges {
            self.rulings.push((Rect { x0: *edge, y0: top, x1: *edge, y1: bottom }, false));
        }
        for y in [top, bottom] {
            self.rulings.push((Rect { x0: x as f32, y0: y, x1: left as f32, y1: y }, true));
        }
        self.y = bottom;
    }

    /// Puts the page out and begins a new one; says how many words it had.
    fn put_out(&mut self, characters: usize, out: &mut Output<'_>) -> io::Result<usize> {
        let done = std::mem::take(self);
        if done.words.is_empty() || !out.may_have_page()? {
            return Ok(0);
        }
        let (width, height) = (characters as f32, done.y.max(1.0));
        let part = |r: Rect| Rect {
            x0: (r.x0 / width).min(1.0),
            y0: (r.y0 / height).min(1.0),
            x1: (r.x1 / width).min(1.0),
            y1: (r.y1 / height).min(1.0),
        };
        let mut page = Page::empty(out.pages + 1, width * CHARACTER_PT.0, height * CHARACTER_PT.1, How::Text);
        let count = done.words.len();
        page.words = done
            .words
            .into_iter()
            .map(|(bbox, text, heading)| Word {
                text,
                bbox: part(bbox),
                confidence: 1.0,
                size_pt: if heading { HEADING_PT } else { BODY_PT },
                bold: heading,
            })
            .collect();
        page.rulings =
            done.rulings.into_iter().map(|(r, horizontal)| Ruling { bbox: part(r), horizontal }).collect();
        page.cells = done
            .cells
            .into_iter()
            .map(|(bbox, row, column, text)| PageCell { row, column, text, bbox: part(bbox) })
            .collect();
        out.page(page)?;
        Ok(count)
    }
}

/// The lines of blocks, one below the other.
fn plain_text(blocks: &[Block]) -> String {
    let mut lines: Vec<&str> = Vec::new();
    let mut waiting: Vec<&Block> = blocks.iter().rev().collect();
    while let Some(block) = waiting.pop() {
        match block {
            Block::Paragraph { text, .. } => lines.push(text.trim()),
            Block::Table(rows) => {
                waiting.extend(rows.iter().flatten().flat_map(|cell| &cell.blocks).rev());
            }
            Block::PageBreak => {}
        }
    }
    lines.retain(|line| !line.is_empty());
    lines.join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::reader::{Limits, protocol::Part};

    fn pages(blocks: Vec<Block>) -> Vec<Page> {
        let mut pages = Vec::new();
        let mut collect = |part: Part, _: &[u8]| {
            if let Part::Page(page) = part {
                pages.push(page);
            }
            Ok(())
        };
        put(blocks, &mut Output::new(&Limits::default(), &mut collect)).unwrap();
        pages
    }

    fn table(rows: &[&[&str]]) -> Builder {
        let mut builder = Builder::default();
        builder.text("Order 4711");
        builder.open_table();
        for row in rows {
            builder.open_row();
            for cell in *row {
                builder.open_cell(1);
                builder.text(cell);
            }
        }
        builder.close_table();
        builder
    }

    #[test]
    fn cells_stand_between_ruling_lines() {
        let long = "hex bolt M8 zinc plated, forty-two characters and more";
        let [page] = &pages(table(&[&["Item", "Qty"], &[long, "12"]]).finish())[..] else { panic!() };
        let find = |text: &str| page.words.iter().find(|w| w.text == text).unwrap().bbox;
        assert!(find("Item").x0 < find("Qty").x0 && (find("Qty").x0 - find("12").x0).abs() < 1e-6);
        assert!(find("more").y0 > find("hex").y0, "a long cell is broken into lines");
        assert!(find("more").x1 < find("12").x0);
        let between = |r: &&Ruling| !r.horizontal && r.bbox.x0 > find("more").x1 && r.bbox.x0 < find("12").x0;
        assert_eq!(page.rulings.iter().filter(between).count(), 2);
        let cells: Vec<_> = page.cells.iter().map(|c| (c.row, c.column, c.text.as_str())).collect();
        assert_eq!(cells, [(0, 0, "Item"), (0, 1, "Qty"), (1, 0, long), (1, 1, "12")]);
    }

    #[test]
    fn what_does_not_fit_together_is_forgiven() {
        let mut builder = Builder::default();
        for _ in 0..50 {
            builder.open_table();
            builder.open_row();
            builder.open_cell(1_000_000);
            builder.text("x");
        }
        builder.close_table();
        builder.open_cell(0);
        builder.open_row();
        let [page] = &pages(builder.finish())[..] else { panic!() };
        assert_eq!(page.words.len(), 50);
        assert!(page.words.iter().all(|w| w.bbox.x1 <= 1.0));
    }

    #[test]
    fn lines_are_broken_at_blanks() {
        for (text, expected) in [
            ("one two three", &["one two", "three"][..]),
            ("onetwothree four", &["onetwothree", "four"]),
            ("a\nb", &["a", "b"]),
            ("", &[""]),
            ("åäö åäö åäö", &["åäö åäö", "åäö"]),
        ] {
            assert_eq!(wrapped(text, 8), expected);
        }
    }

    #[test]
    fn tabs_make_columns() {
        let mut builder = Builder::default();
        for line in ["Item\tQty", "Hex bolt\t\t12"] {
            builder.text(line);
            builder.end_paragraph();
        }
        let [page] = &pages(builder.finish())[..] else { panic!() };
        let find = |text: &str| page.words.iter().find(|w| w.text == text).unwrap().bbox.x0;
        assert!((find("Qty") - find("12")).abs() < 1e-6);
    }
}
