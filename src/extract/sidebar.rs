//! Columns of header values beside the lines: `ORDER DATE` over its value, left of the table.
//!
//! Rows run over the whole width of a page, so that what stands in a sidebar would be taken for cells of the lines beside
//! it. Where a table begins far from the left and other text goes on beside it, the rows are parted there.

use super::{
    layout::{Layout, Row, Segment},
    table::head_at,
};

/// Where a table must begin for text left of it to be a sidebar, as a share of the page's width.
const TABLE_FROM: f32 = 0.22;
/// Blank between sidebar and table in points.
const GUTTER_PT: f32 = 8.0;
/// Rows with text in the sidebar that make it one.
const ROWS_MIN: usize = 4;

/// Parts the rows of the first page at the left edge of a table that has a sidebar.
pub fn part(layout: &mut Layout) {
    let Some((from, x)) = edge(layout) else { return };
    let page = layout.rows.get(from).map_or(1, |r| r.page);
    let mut above = Vec::new();
    let (mut left, mut right, mut after) = (Vec::new(), Vec::new(), Vec::new());
    for row in std::mem::take(&mut layout.rows) {
        match row.page.cmp(&page) {
            std::cmp::Ordering::Less => above.push(row),
            std::cmp::Ordering::Greater => after.push(row),
            std::cmp::Ordering::Equal => {
                let (beside, table): (Vec<Segment>, Vec<Segment>) =
                    row.segments.into_iter().partition(|s| s.x1() < x - GUTTER_PT / 2.0);
                for (segments, to) in [(beside, &mut left), (table, &mut right)] {
                    if !segments.is_empty() {
                        to.push(Row { page, segments });
                    }
                }
            }
        }
    }
    layout.rows = above.into_iter().chain(left).chain(right).chain(after).collect();
    for (index, row) in layout.rows.iter_mut().enumerate() {
        for segment in &mut row.segments {
            segment.row = index;
        }
    }
}

/// The head row of a table with a sidebar, and where the table begins.
fn edge(layout: &Layout) -> Option<(usize, f32)> {
    let first = layout.rows.first()?.page;
    for (index, row) in layout.rows.iter().enumerate().take_while(|(_, r)| r.page == first) {
        let Some((columns, _, _)) = head_at(layout, index) else { continue };
        let x = columns.iter().map(super::table::Column::left).fold(f32::MAX, f32::min);
        if x < TABLE_FROM * layout.width {
            return None;
        }
        let near = |r: &&Row| r.page == row.page;
        let below: Vec<&Row> = layout.rows.iter().skip(index + 1).filter(near).collect();
        let segments = || below.iter().flat_map(|r| &r.segments);
        // nothing may stand across the edge
        let across = segments().filter(|s| s.x0() < x - GUTTER_PT && s.x1() > x - GUTTER_PT / 2.0).count();
        let beside = below.iter().filter(|r| r.segments.iter().any(|s| s.x1() < x - GUTTER_PT)).count();
        let in_table = below.iter().filter(|r| r.segments.iter().any(|s| s.x0() > x - GUTTER_PT)).count();
        return (across == 0 && beside >= ROWS_MIN && in_table >= 1).then_some((index, x));
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::extract::{layout::lay_out, text::text_pages};

    #[test]
    fn a_sidebar_has_rows_of_its_own() {
        let rows = [
            ("", "Article no   Description           Qty   Price   Amount"),
            ("REFERENCE", "A-1001       Bearing 6204            2    5.00    10.00"),
            ("IO-08580", "A-1002       Seal ring               4    2.00     8.00"),
            ("DATE", "A-1003       Shaft                   1    9.00     9.00"),
            ("18 Aug 2026", ""),
            ("TERMS", ""),
            ("30 days", ""),
        ];
        let text: String = rows.iter().map(|(a, b)| format!("{a:<30}{b}\n")).collect();
        let mut layout = lay_out(&text_pages(&text).pages);
        part(&mut layout);
        let texts: Vec<String> = layout.rows.iter().map(Row::text).collect();
        assert!(texts.contains(&"IO-08580".to_owned()), "{texts:?}");
        assert!(texts.iter().any(|t| t.starts_with("A-1003")), "{texts:?}");
    }
}
