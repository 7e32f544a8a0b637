//! Rows of a table cut into cells, and rows that go on with the line above.

use super::{
    Column, Table,
    align::{WAYS, aligned_edges, sense},
    below::continues,
    edge::{Cells, cells_of, edges, is_carried},
    item::Item,
    note::{condition_in, lower_code, note_in},
};
use crate::extract::{
    date::parse_date,
    draft::Reading,
    label::label_at,
    layout::{Layout, Row, Word, join},
    number::parse_number,
};

/// Columns of which three in one row make a line, also where its anchor was misread.
const STRONG: [&str; 6] = ["line_no", "sku", "invoice_number", "quantity", "unit_price", "amount"];

/// Rows with two figures or more, but for those that are left out.
fn figure_rows<'a>(rows: &[&'a Row], without: &[&Row], reading: &Reading) -> Vec<&'a Row> {
    let figure = |s: &&crate::extract::layout::Segment| {
        s.words.iter().any(|w| parse_number(&w.text, reading.style).is_some())
    };
    rows.iter()
        .filter(|r| r.segments.iter().filter(figure).count() >= 2)
        .filter(|r| !without.iter().any(|f| std::ptr::eq(*f, **r)))
        .copied()
        .collect()
}

/// Reads the rows of a table's body by its columns.
pub(crate) fn read_body(
    layout: &Layout,
    reading: &Reading,
    columns: &[Column],
    body: &[usize],
    table: &mut Table,
) {
    let rows: Vec<&Row> = body.iter().filter_map(|i| layout.rows.get(*i)).collect();
    let full: Vec<&Row> = rows.iter().filter(|r| r.segments.len() >= 2).copied().collect();
    let level = |wanted: u8| {
        let mut columns: Vec<Column> = columns.iter().filter(|c| c.level == wanted).cloned().collect();
        columns.sort_by(|a, b| a.x0.total_cmp(&b.x0));
        columns
    };
    let (upper, lower) = (level(0), level(1));
    // in a layout of two rows a line, the gaps of the upper row are seen in rows that start with a number
    let for_edges: Vec<&Row> = if lower.is_empty() {
        full
    } else {
        let numbered = |r: &&&Row| {
            r.segments.first().is_some_and(|s| s.x0() < upper.first().map_or(0.0, |c| c.x1 + 2.0))
        };
        full.iter().filter(numbered).copied().collect()
    };
    let (edges_upper, mut split) =
        cut(&upper, &rows, if for_edges.is_empty() { &rows } else { &for_edges }, layout, reading);
    let mut conditions = Vec::new();
    for (row, cells) in rows.iter().zip(&mut split) {
        let condition = condition_in(row, cells, reading);
        if condition.is_some() {
            cells.clear();
        }
        conditions.push(condition);
    }
    super::columns::name_by_content(&mut split, reading);
    super::code::part_positions(&mut split);
    let wrapped = join_wrapped(&rows, &mut split, reading);
    let first_rows = first_rows(&rows, &split, &upper, !lower.is_empty());
    let Some(anchor) = anchor(&first_rows, &upper, reading).or_else(|| anchor(&split, &upper, reading))
    else {
        return;
    };
    let leading = join_leading(&rows, &mut split, anchor, reading);
    let figures = figure_rows(&rows, &for_edges, reading);
    let edges_lower = edges(&lower, &figures, layout);
    let description_x =
        upper.iter().position(|c| c.name == "description").and_then(|i| edges_upper.get(i)).copied();
    let right_edge = split
        .iter()
        .filter_map(|c| c.get("description").filter(|_| c.len() >= 2)?.last())
        .map(|w| w.x1)
        .fold(0.0, f32::max);
    let lower_code = upper.iter().find(|c| c.name == "sku").and_then(lower_code);
    let mut lines: Vec<Item> = Vec::new();
    let mut bottom = 0.0;
    let mut page = 0;
    let mut open = false;
    for (((((row, cells), condition), index), wrapped), leading) in
        rows.iter().zip(split).zip(conditions).zip(body).zip(wrapped).zip(leading)
    {
        let height = (row.y1() - row.y0()).max(6.0);
        let carried = is_carried(row);
        if leading || wrapped && open || carried {
            table.rows.insert(*index);
            (bottom, page, open) = (row.y1(), row.page, open && !carried);
            continue;
        }
        let anchored = cells.get(anchor).is_some_and(|w| plausible(anchor, w, reading)) && cells.len() >= 2;
        let filled =
            STRONG.iter().filter(|name| cells.get(**name).is_some_and(|w| plausible(name, w, reading)));
        let taken =
            |name: &&&str| !open || lines.last().is_some_and(|item: &Item| item.cells.contains_key(**name));
        let starts = anchored || lower.is_empty() && filled.filter(taken).count() >= 3;
        let below = open && row.page == page && row.y0() - bottom < 1.7 * height;
        if open
            && let Some(item) = lines.last_mut()
            && let Some((label, words)) = condition
        {
            item.take_condition(&label, &words, reading);
        } else if starts {
            lines.push(Item { cells, notes: Vec::new() });
            open = true;
        } else if below && let Some(item) = lines.last_mut() {
            let second = if lower.is_empty() { Cells::new() } else { cells_of(row, &lower, &edges_lower) };
            if fills(item, row, &second, reading) {
                for (name, words) in second {
                    item.cells.entry(name).or_insert(words);
                }
            } else {
                open = continues(item, row, cells, (description_x, right_edge), lower_code, reading);
            }
        } else {
            open = false;
        }
        if open {
            table.rows.insert(*index);
        }
        bottom = row.y1();
        page = row.page;
    }
    for item in lines {
        let line = item.read(reading);
        if line.len() >= 2 {
            table.lines.push(line);
        }
    }
}

/// The rows that may start lines: in a layout of two rows a line, those that begin in the first column.
fn first_rows(rows: &[&Row], split: &[Cells], upper: &[Column], two: bool) -> Vec<Cells> {
    let figured = |c: &Column| matches!(c.name, "quantity" | "unit_price" | "amount");
    if !two || !upper.iter().any(figured) {
        return split.to_vec();
    }
    let right = upper.first().map_or(0.0, |c| c.x1 + 2.0);
    let numbered = |row: &Row| row.segments.first().is_some_and(|s| s.x0() < right);
    rows.iter().zip(split).filter(|(row, _)| numbered(row)).map(|(_, cells)| cells.clone()).collect()
}

/// Whether a second row of a line holds what the line lacks, under lower heads, and is no labelled remark.
fn fills(item: &Item, row: &Row, second: &Cells, reading: &Reading) -> bool {
    let words = row.words();
    let labelled = label_at(words.iter().map(|w| w.text.as_str())).is_some_and(|l| l.closed)
        || note_in(&words).is_some();
    let lacks = |(name, words): (&&str, &Vec<Word>)| {
        plausible(name, words, reading) && !item.cells.contains_key(*name)
    };
    !labelled && second.iter().any(lacks)
}

/// The edges of the columns and the rows cut by them: below their heads, or as heads and body line up best as a whole if
/// that makes more sense.
fn cut(
    columns: &[Column],
    rows: &[&Row],
    for_edges: &[&Row],
    layout: &Layout,
    reading: &Reading,
) -> (Vec<f32>, Vec<Cells>) {
    let by = |edges: &[f32]| -> Vec<Cells> { rows.iter().map(|r| cells_of(r, columns, edges)).collect() };
    let below = edges(columns, for_edges, layout);
    let split = by(&below);
    let mut most = sense(&split, reading).max(0);
    let mut best = (below, split);
    for costs in WAYS {
        let Some(edges) = aligned_edges(columns, for_edges, costs) else { continue };
        let split = by(&edges);
        let sense = sense(&split, reading);
        if sense > most {
            most = sense;
            best = (edges, split);
        }
    }
    best
}

/// Blank between two rows of one cell, in heights of a row.
const WRAP_GAP_HEIGHTS: f32 = 0.9;

/// Joins cells that were broken behind a hyphen, `NL-` over `4410`, with the row below; tells which rows went up.
fn join_wrapped(rows: &[&Row], split: &mut [Cells], reading: &Reading) -> Vec<bool> {
    let mut wrapped = vec![false; split.len()];
    let mut upper = 0;
    for at in 1..split.len() {
        let (Some(before), Some(row)) = (rows.get(at - 1), rows.get(at)) else { continue };
        let close =
            row.page == before.page && row.y0() - before.y1() < WRAP_GAP_HEIGHTS * (row.y1() - row.y0());
        let (head, tail) = split.split_at_mut(at);
        let (Some(above), Some(below)) = (head.get_mut(upper), tail.first_mut()) else { continue };
        let broken = |words: &Vec<Word>| {
            words
                .last()
                .is_some_and(|w| w.text.len() >= 3 && w.text.ends_with('-') && !w.text.starts_with('-'))
        };
        let goes_on = above.iter().any(|(name, words)| broken(words) && below.contains_key(name));
        let figures = ["quantity", "unit_price", "amount"].iter().any(|name| {
            below
                .get(name)
                .is_some_and(|words| words.iter().any(|w| parse_number(&w.text, reading.style).is_some()))
        });
        if !close || !goes_on || figures {
            upper = at;
            continue;
        }
        for (name, mut words) in std::mem::take(below) {
            let cell = above.entry(name).or_default();
            if broken(cell)
                && let Some(last) = cell.last_mut()
                && !words.is_empty()
            {
                let first = words.remove(0);
                last.text.push_str(&first.text);
                last.rect = last.rect.union(&first.rect);
                last.confidence = last.confidence.min(first.confidence);
            }
            cell.extend(words);
        }
        if let Some(place) = wrapped.get_mut(at) {
            *place = true;
        }
    }
    wrapped
}

/// Where cells are set in the middle of a line, its text begins above its figures: joins such rows with the row of the
/// figures; tells which went down. They stand nearer to what is below than to what is above, and there is as much text
/// below the figures, or none beside them.
fn join_leading(rows: &[&Row], split: &mut [Cells], anchor: &str, reading: &Reading) -> Vec<bool> {
    let mut leading = vec![false; split.len()];
    let gap = |upper: usize, lower: usize| {
        let (upper, lower) = (rows.get(upper)?, rows.get(lower)?);
        (upper.page == lower.page).then(|| lower.y0() - upper.y1())
    };
    for at in 1..split.len() {
        let (head, tail) = split.split_at_mut(at);
        let (Some(above), Some((own, below))) = (head.last_mut(), tail.split_first_mut()) else { continue };
        let only_text = |cells: &Cells| cells.len() == 1 && cells.contains_key("description");
        let anchored = own.len() >= 2 && own.get(anchor).is_some_and(|w| plausible(anchor, w, reading));
        let (Some(row), Some(near)) = (rows.get(at), gap(at - 1, at)) else { continue };
        let height = row.y1() - row.y0();
        let far = if at >= 2 { gap(at - 2, at - 1) } else { None };
        let nearer = far.is_none_or(|far| far - near > LEADING_NEARER_HEIGHTS * height);
        let alike = || {
            below.first().is_some_and(only_text)
                && gap(at, at + 1).is_some_and(|after| (after - near).abs() < LEADING_NEARER_HEIGHTS * height)
        };
        if !anchored || !only_text(above) || !nearer || near > LEADING_GAP_HEIGHTS * height {
            continue;
        }
        let beside = own.get("description").is_some_and(|words| !words.is_empty());
        if beside && (far.is_none() || !alike()) {
            continue;
        }
        let mut words = above.remove("description").unwrap_or_default();
        words.append(own.entry("description").or_default());
        own.insert("description", words);
        if let Some(place) = leading.get_mut(at - 1) {
            *place = true;
        }
    }
    leading
}

/// How much nearer a row is to the row below than to that above if it leads that, in heights of a row.
const LEADING_NEARER_HEIGHTS: f32 = 0.3;
/// How far above its figures a text begins at most, in heights of a row.
const LEADING_GAP_HEIGHTS: f32 = 0.6;

/// Line numbers that must count by one step to be trusted with where lines start.
const COUNTED_MIN: usize = 3;

/// The column whose filled rows start lines.
fn anchor(rows: &[Cells], columns: &[Column], reading: &Reading) -> Option<&'static str> {
    let count = |name: &str| {
        rows.iter()
            .filter(|c| c.len() >= 2 && c.get(name).is_some_and(|w| plausible(name, w, reading)))
            .count()
    };
    // numbers that count by one step stand at the first row of each line
    let counted: Vec<u32> = rows
        .iter()
        .filter(|c| c.len() >= 2)
        .filter_map(|c| join(c.get("line_no")?).trim_end_matches('.').parse().ok())
        .collect();
    let step = |pair: &[u32]| if let [a, b] = pair { b.checked_sub(*a).filter(|d| *d > 0) } else { None };
    let first = counted.get(..2).and_then(step);
    if counted.len() >= COUNTED_MIN && first.is_some() && counted.windows(2).all(|pair| step(pair) == first) {
        return Some("line_no");
    }
    let order: &[&'static str] = &[
        "line_no",
        "quantity",
        "amount",
        "sku",
        "invoice_number",
        "unit_price",
        "customer_sku",
        "description",
    ];
    let most = order.iter().take(6).map(|n| count(n)).max().unwrap_or(0);
    // a two-row layout fills quantity and amount one row lower than number and article
    order
        .iter()
        .filter(|n| columns.iter().any(|c| c.name == **n))
        .find(|n| {
            let filled = count(n);
            filled > 0 && (filled * 10 >= most * 8 || (**n == "line_no" && filled * 10 >= most * 7))
        })
        .copied()
        .map(|first| {
            if first == "quantity"
                && count("sku") >= count("quantity")
                && columns.iter().any(|c| c.name == "sku")
            {
                "sku"
            } else {
                first
            }
        })
}

/// `10`, `0010`, `3.`, or numbered by section: `01.002`, `01.02.0010`.
pub(super) fn is_line_number(text: &str) -> bool {
    let parts: Vec<&str> = text.trim_end_matches('.').split('.').collect();
    let digits = |part: &&str| (1..=6).contains(&part.len()) && part.chars().all(|c| c.is_ascii_digit());
    parts.iter().all(digits)
        && match parts.as_slice() {
            [_] => true,
            [section, ..] => {
                parts.len() <= 3
                    && section.len() <= 2
                    && parts.iter().all(|p| {
                        p.len() <= 3 || p.len() == 4 && p.starts_with('0') && section.starts_with('0')
                    })
            }
            [] => false,
        }
}

/// Whether a cell's text looks like what its column holds.
pub(super) fn plausible(name: &str, words: &[Word], reading: &Reading) -> bool {
    let text = join(words);
    match name {
        "line_no" => words.len() == 1 && is_line_number(&text),
        "quantity" | "amount" | "unit_price" | "gross" => {
            let unit = |w: &Word| name == "quantity" && super::cell::glued(&w.text).is_some();
            words.iter().any(|w| parse_number(&w.text, reading.style).is_some() || unit(w))
                && words.len() <= 4
        }
        "sku" | "customer_sku" | "invoice_number" => {
            words.len() <= 2
                && text.len() >= 3
                && text.chars().any(|c| c.is_ascii_digit())
                && !text.ends_with(':')
        }
        "description" => text.chars().filter(|c| c.is_alphabetic()).count() >= 3,
        "delivery_date" => parse_date(&text, reading.order).is_some(),
        _ => true,
    }
}

#[cfg(test)]
mod tests {
    use crate::extract::testing::check_lines as check;

    #[test]
    fn goods_may_begin_above_their_figures() {
        check(
            "PURCHASE ORDER 4711\n\nPos  Article no.  Description            Quantity      Price     Amount\n\n\
             \x20                 Sheet steel 5x1250\n\
             1    B7420-27                             5 pcs         6.63      33.15\n\
             \x20                 galvanised\n\n\
             2    436962       Ear plugs              12 pcs        10.00     120.00\n\n\
             \x20                 Ball valve brass\n\
             3    D1190-02                             2 pcs        17.00      34.00\n\
             \x20                 nickel plated\n",
            &["line_no", "description", "amount"],
            &[
                &["1", "Sheet steel 5x1250 galvanised", "33.15"],
                &["2", "Ear plugs", "120"],
                &["3", "Ball valve brass nickel plated", "34"],
            ],
        );
    }

    #[test]
    fn what_goes_on_with_a_line_stays_with_it() {
        check(
            "PURCHASE ORDER 4711\n\nPos  Article no.  Description            Quantity      Price     Amount\n\
             1    B7420-27     Sheet steel             5 pcs         6.63      33.15\n\
             \x20                 galvanised, 5x1250 mm, cut to size\n\n\
             2    436962       Ear plugs              12 pcs        10.00     120.00\n",
            &["line_no", "sku"],
            &[&["1", "B7420-27"], &["2", "436962"]],
        );
    }
}
