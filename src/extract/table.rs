//! Line items: the head row of a table, its columns, its rows, and what the cells say.
//!
//! Columns are named by their heads; where one column ends and the next begins is where the fewest words of the body
//! stand. A line starts at each row that fills the anchor column; other rows go on with the line above. Does not:
//! read tables without a head row.

use super::{
    confidence,
    date::{self, parse_date},
    draft::{Reading, propose},
    label::{Label, column_of, field_of, label_at},
    layout::{Layout, Row, Word, join},
    number::{parse_number, split_currency},
};
use crate::model::draft::{Line, Proposal};
use std::collections::{BTreeMap, HashSet};

mod columns;

/// Lines of one document at most.
const LINES_MAX: usize = 5_000;
/// Blank between two words of one head, in heights of the letters.
const HEAD_GAP_HEIGHTS: f32 = 0.7;
/// Ruling lines between two heads that are looked at at most.
const RULINGS_MAX: usize = 200;
/// Length of a section's text that may stand between lines without being part of one.
const SECTION_GAP_PT: f32 = 6.0;

/// A named column.
#[derive(Clone, Debug)]
pub(super) struct Column {
    name: &'static str,
    x0: f32,
    x1: f32,
    /// The head's words.
    text: String,
    /// 0, or 1 in the lower row of a layout that gives each line two rows.
    level: u8,
}

impl Column {
    /// A column by its name, its edges in points and its row within a line.
    pub(super) fn new(name: &'static str, x0: f32, x1: f32, level: u8) -> Self {
        Self { name, x0, x1, text: String::new(), level }
    }

    /// Left edge of the head in points.
    pub(super) fn left(&self) -> f32 {
        self.x0
    }
}

/// A table that was found.
#[derive(Debug, Default)]
pub struct Table {
    /// The lines.
    pub lines: Vec<Line>,
    /// Rows of the layout that belong to the table, head included.
    pub rows: HashSet<usize>,
    /// Text under the heads in which a currency stands.
    pub head_text: String,
}

/// Head words that belong together, with where they stand.
#[derive(Clone, Debug)]
struct Chunk {
    words: Vec<Word>,
    x0: f32,
    x1: f32,
    column: Option<&'static str>,
}

/// Finds the lines of a document.
pub fn find_lines(layout: &Layout, reading: &Reading) -> Table {
    let mut table = Table::default();
    let mut at = 0;
    let mut columns: Option<Vec<Column>> = None;
    let mut body: Vec<usize> = Vec::new();
    let mut ended = false;
    let mut titles: Vec<Title> = Vec::new();
    while at < layout.rows.len() {
        if let Some((found, head, next)) = head_at(layout, at) {
            let same = columns.as_ref().is_some_and(|c| same_head(c, &found));
            if let Some(old) = columns.take() {
                if same {
                    columns = Some(old);
                } else if !body.is_empty() {
                    read_body(layout, reading, &old, &std::mem::take(&mut body), &mut table);
                }
            }
            if columns.is_none() {
                columns = Some(found);
            }
            table.head_text.push_str(&head);
            table.rows.extend(at..next);
            ended = false;
            at = next;
            continue;
        }
        if let Some(title) = title_of(layout, at) {
            table.rows.insert(at);
            titles.push(title);
            ended = true;
        }
        if let (Some(_), Some(row), false) = (&columns, layout.rows.get(at), ended) {
            if ends_table(row) {
                ended = true;
            } else {
                body.push(at);
            }
        }
        at += 1;
    }
    if let Some(columns) = columns {
        read_body(layout, reading, &columns, &body, &mut table);
    }
    for line in &mut table.lines {
        give_title(line, &titles, reading);
    }
    table.lines.truncate(LINES_MAX);
    table
}

/// `Line 2 Wall paint` over a table of one line.
struct Title {
    number: Word,
    text: Vec<Word>,
}

/// Rows between the title of a line and the heads of its table at most.
const TITLE_REACH: usize = 3;

/// The title of a line, if its heads follow.
fn title_of(layout: &Layout, at: usize) -> Option<Title> {
    let row = layout.rows.get(at)?;
    let words = row.words();
    let label = label_at(words.iter().take(1).map(|w| w.text.as_str()))?;
    let number =
        words.get(1).filter(|w| w.text.len() <= 4 && is_line_number(w.text.trim_end_matches(':')))?;
    let text = words.get(2..).filter(|t| join(t).chars().filter(|c| c.is_alphabetic()).count() >= 3)?;
    let heads = || (at + 1..=at + TITLE_REACH).any(|next| head_at(layout, next).is_some());
    (column_of(&label) == Some("line_no") && heads())
        .then(|| Title { number: number.clone(), text: text.to_vec() })
}

/// What the nearest title above a line says of it.
fn give_title(line: &mut Line, titles: &[Title], reading: &Reading) {
    let place = line.values().find_map(|p| match &p.source {
        crate::model::draft::Source::Page { page, bbox } => Some((*page, bbox.y0)),
        _ => None,
    });
    let Some((page, y)) = place else { return };
    let above = titles.iter().rev().find(|t| t.number.page == page && t.number.rect.y0 < y);
    let Some(title) = above else { return };
    if !line.contains_key("line_no") {
        put(line, "line_no", std::slice::from_ref(&title.number), reading);
    }
    if !line.contains_key("description") {
        put(line, "description", &title.text, reading);
    }
}

fn same_head(a: &[Column], b: &[Column]) -> bool {
    let names = |c: &[Column]| c.iter().map(|c| c.name).collect::<Vec<_>>();
    names(a) == names(b)
}

/// Names of columns whose heads say nothing that is known, from left to right.
const UNNAMED: [&str; 12] = ["?0", "?1", "?2", "?3", "?4", "?5", "?6", "?7", "?8", "?9", "?10", "?11"];

/// Cuts a row into chunks that name columns.
fn chunks_of(row: &Row) -> Vec<Chunk> {
    let mut out: Vec<Chunk> = Vec::new();
    for segment in &row.segments {
        let mut apart = true;
        for chunk in chunks(&segment.words) {
            // words that say nothing belong to the head that they stand beside
            if let Some(last) = out.last_mut().filter(|_| !apart) {
                let near = chunk.x0 - last.x1 <= HEAD_GAP_HEIGHTS * segment.height();
                if near && (chunk.column.is_none() || last.column.is_none()) {
                    last.column = last.column.or(chunk.column);
                    last.x1 = chunk.x1;
                    last.words.extend(chunk.words);
                    continue;
                }
            }
            out.push(chunk);
            apart = false;
        }
    }
    out
}

/// Cuts the words of a row into chunks that name columns.
fn chunks(words: &[Word]) -> Vec<Chunk> {
    let mut out = Vec::new();
    let mut at = 0;
    while at < words.len() {
        let rest = words.get(at..).unwrap_or_default();
        // words that stand together
        let mut near = 1;
        while let (Some(a), Some(b)) = (rest.get(near - 1), rest.get(near)) {
            if b.x0 - a.x1 > HEAD_GAP_HEIGHTS * (a.y1 - a.y0).max(6.0) || near >= 5 {
                break;
            }
            near += 1;
        }
        let mut take = 1;
        let mut column = None;
        for n in (1..=near).rev() {
            let part = rest.get(..n).unwrap_or_default();
            if let Some(label) =
                label_at(part.iter().map(|w| w.text.as_str())).filter(|l| l.words == n || n == 1)
                && let Some(name) = column_of(&label)
                && (n == 1 || one_head(part, &label))
            {
                take = n;
                column = Some(name);
                break;
            }
        }
        let part = rest.get(..take).unwrap_or_default().to_vec();
        let (x0, x1) = (part.first().map_or(0.0, |w| w.x0), part.last().map_or(0.0, |w| w.x1));
        out.push(Chunk { words: part, x0, x1, column });
        at += take;
    }
    out
}

/// Concepts that never head one column together.
const APART: &[(&str, &str)] = &[
    ("unit", "article"),
    ("unit", "description"),
    ("unit", "request"),
    ("unit", "date"),
    ("unit", "amount"),
    ("unit", "total"),
    ("unit", "discount"),
    ("quantity", "unit"),
    ("quantity", "description"),
    ("quantity", "price"),
    ("quantity", "date"),
    ("quantity", "our"),
    ("quantity", "article"),
    ("price", "discount"),
    ("price", "tax"),
    ("price", "date"),
    ("price", "description"),
    ("discount", "tax"),
    ("discount", "line"),
    ("discount", "article"),
    ("description", "date"),
    ("description", "request"),
    ("description", "delivery"),
    ("article", "date"),
    ("article", "request"),
    ("article", "our"),
    ("article", "line"),
    ("line", "ref"),
    ("line", "our"),
    ("our", "your"),
];

/// Whether several words are one head: no two of them head columns that exclude each other.
fn one_head(part: &[Word], label: &Label) -> bool {
    let alone: Vec<Label> = part.iter().filter_map(|w| label_at(std::iter::once(w.text.as_str()))).collect();
    let (Some(first), Some(last)) = (alone.first(), alone.last()) else { return true };
    if alone.iter().filter(|l| l.any(&["article"])).count() >= 2 && part.len() >= 3 {
        return false;
    }
    // `Our item` is one head, `Item our` is two
    if first.any(&["our", "your", "customer", "supplier"]) && last.any(&["article", "ref", "number"]) {
        return !label.any(&["unit", "quantity", "price", "date"]);
    }
    let between = |a: &str, b: &str| {
        alone.iter().any(|l| l.any(&[a]) && !l.any(&[b])) && alone.iter().any(|l| l.any(&[b]) && !l.any(&[a]))
    };
    if first.any(&["price"])
        && last.any(&["total", "amount", "unit"])
        && !first.any(&["total", "unit"])
        && !label.any(&["per"])
    {
        return false;
    }
    !APART.iter().any(|(a, b)| label.has(&[a, b]) && between(a, b))
}

fn digits(row: &Row) -> usize {
    row.segments
        .iter()
        .flat_map(|s| &s.words)
        .filter(|w| w.text.chars().filter(char::is_ascii_digit).count() >= 2)
        .count()
}

/// A head row at `at`: its columns, its text, and the row after it. Heads may be two or three rows high.
pub(super) fn head_at(layout: &Layout, at: usize) -> Option<(Vec<Column>, String, usize)> {
    let first = layout.rows.get(at)?;
    if digits(first) > 1 || first.segments.iter().any(|s| s.words.len() > 9) {
        return None;
    }
    let mut parts = chunks_of(first);
    let mut text = first.text();
    let mut next = at + 1;
    let own = parts.iter().filter(|c| c.column.is_some()).count();
    if own == 0 {
        return None;
    }
    if let Some(above) = at.checked_sub(1).and_then(|i| layout.rows.get(i)).filter(|r| r.page == first.page) {
        let close = first.y0() - above.y1() < 0.6 * (first.y1() - first.y0());
        let words = above.words();
        let heads = words.iter().all(|w| label_at(std::iter::once(w.text.as_str())).is_some());
        if close && heads && words.len() <= 6 && above.segments.len() <= 5 {
            parts = stack(chunks_of(above), parts).0;
        }
    }
    let mut lower: Vec<Chunk> = Vec::new();
    for step in 1..=2 {
        let Some(row) = layout.rows.get(at + step).filter(|r| r.page == first.page) else { break };
        let height = (first.y1() - first.y0()).max(6.0);
        let above = layout.rows.get(at + step - 1).map_or(0.0, Row::y1);
        let more = chunks_of(row);
        let known = more.iter().filter(|c| c.column.is_some()).count();
        let heads = row.words().iter().all(|w| {
            label_at(std::iter::once(w.text.as_str())).is_some()
                || w.text.chars().count() <= 2 && !w.text.chars().any(|c| c.is_ascii_digit())
                || super::number::parse_currency(&w.text).is_some()
        });
        if row.y0() - above > 0.8 * height || digits(row) > 0 || !heads || (known == 0 && more.len() > 2) {
            break;
        }
        let (joined, apart) = stack_apart(parts, more);
        parts = joined;
        lower.extend(apart);
        text.push(' ');
        text.push_str(&row.text());
        next = at + step + 1;
    }
    let mut columns: Vec<Column> = Vec::new();
    let mut unnamed = UNNAMED.into_iter();
    let mut known = 0;
    let total = parts.iter().chain(&lower).map(|c| c.words.len()).sum::<usize>();
    for (level, chunk) in parts.iter().map(|c| (0, c)).chain(lower.iter().map(|c| (1, c))) {
        if let Some(name) = chunk.column {
            known += chunk.words.len();
            columns.push(Column { name, x0: chunk.x0, x1: chunk.x1, text: join(&chunk.words), level });
        } else if let Some(name) = unnamed.next().filter(|_| level == 0) {
            columns.push(Column { name, x0: chunk.x0, x1: chunk.x1, text: join(&chunk.words), level });
        }
    }
    let distinct: HashSet<&str> =
        columns.iter().map(|c| c.name).filter(|name| !name.starts_with('?')).collect();
    let has = |name: &str| distinct.contains(name);
    let what = has("description") || has("sku") || has("invoice_number") || has("customer_sku");
    let figures =
        ["quantity", "amount", "unit_price", "ordered_quantity", "gross"].iter().any(|name| has(name));
    let enough = what && figures && distinct.len() >= 3
        || what && figures && total <= 4
        || has("sku") && has("description");
    let share = if figures_below(layout, next, &columns) { 0.4 } else { 0.6 };
    if !enough || (known as f32) < share * total as f32 || is_info(&parts) {
        return None;
    }
    Some((settle(columns), text, next))
}

/// Whether the next row looks like a line under these heads: as many cells as heads, several of them figures.
fn figures_below(layout: &Layout, next: usize, columns: &[Column]) -> bool {
    let Some(row) = layout.rows.get(next) else { return false };
    let figures = row.segments.iter().filter(|s| {
        let figure = s.text().chars().any(|c| c.is_ascii_digit());
        figure && columns.iter().any(|c| c.x0 < s.x1() + 6.0 && s.x0() < c.x1 + 6.0)
    });
    columns.len() >= 4 && row.segments.len() + 1 >= columns.len() && figures.count() >= 3
}

/// Whether these heads rather label single values: order number, date, account…
fn is_info(parts: &[Chunk]) -> bool {
    let single = parts.iter().filter(|c| {
        let label = label_at(c.words.iter().map(|w| w.text.as_str()));
        let figures = matches!(
            c.column,
            Some("quantity" | "ordered_quantity" | "amount" | "unit_price" | "description" | "delivery_date")
        );
        if figures || label.as_ref().is_some_and(|l| l.any(&["article"])) {
            return false;
        }
        let field = label.as_ref().and_then(field_of);
        matches!(
            field,
            Some(
                "po_number"
                    | "order_date"
                    | "account_no"
                    | "supplier_no"
                    | "currency"
                    | "incoterms"
                    | "payment_terms"
                    | "buyer_contact"
                    | "ship_to"
                    | "bill_to"
                    | "vendor"
                    | "subtotal"
                    | "tax"
                    | "shipping"
            )
        ) && c.column.is_none_or(|c| c != "tax_rate")
    });
    single.count() >= 2
}

/// Lower heads under upper ones; a lower row with several figures of its own is a second level.
fn stack_apart(upper: Vec<Chunk>, lower: Vec<Chunk>) -> (Vec<Chunk>, Vec<Chunk>) {
    let figures = |c: &[Chunk]| {
        c.iter()
            .filter(|c| {
                matches!(
                    c.column,
                    Some(
                        "quantity" | "unit_price" | "amount" | "unit" | "delivery_date" | "ordered_quantity"
                    )
                )
            })
            .count()
    };
    let names = |c: &[Chunk]| c.iter().any(|c| matches!(c.column, Some("sku" | "description")));
    if figures(&upper) == 0 && figures(&lower) >= 1 && names(&upper) && !names(&lower) {
        return (upper, lower);
    }
    stack(upper, lower)
}

/// Puts the chunks of a lower head row under those above them.
fn stack(mut upper: Vec<Chunk>, lower: Vec<Chunk>) -> (Vec<Chunk>, Vec<Chunk>) {
    for low in lower {
        let over = upper.iter_mut().find(|u| u.x0 < low.x1 && low.x0 < u.x1);
        match over {
            Some(u) => {
                let both = u.words.iter().chain(&low.words).map(|w| w.text.as_str());
                let label = label_at(both.clone()).filter(|l| l.words == both.clone().count());
                let joined = label.as_ref().and_then(column_of);
                u.column = joined.or(u.column).or(low.column);
                u.x0 = u.x0.min(low.x0);
                u.x1 = u.x1.max(low.x1);
                u.words.extend(low.words);
            }
            None => upper.push(low),
        }
    }
    upper.sort_by(|a, b| a.x0.total_cmp(&b.x0));
    (upper, Vec::new())
}

/// Two columns of one name: the second amount is the amount, the first a price, and so on.
fn settle(mut columns: Vec<Column>) -> Vec<Column> {
    let has = |c: &[Column], name: &str| c.iter().filter(|c| c.name == name).count();
    if has(&columns, "amount") >= 2
        && has(&columns, "unit_price") == 0
        && let Some(first) = columns.iter_mut().find(|c| c.name == "amount")
    {
        first.name = "unit_price";
    }
    if has(&columns, "description") >= 1 && has(&columns, "sku") == 2 && has(&columns, "customer_sku") == 0 {
        // of two item numbers, the one that is said to be the other side's is the seller's
        let theirs =
            |c: &Column| label_at(c.text.split_whitespace()).is_some_and(|l| l.any(&["your", "supplier"]));
        let named: Vec<bool> = columns.iter().filter(|c| c.name == "sku").map(theirs).collect();
        if let [first, second] = named[..]
            && first != second
        {
            let mut codes = columns.iter_mut().filter(|c| c.name == "sku");
            let own = if first { codes.nth(1) } else { codes.next() };
            if let Some(own) = own {
                own.name = "customer_sku";
            }
        }
    }
    if has(&columns, "description") == 0
        && has(&columns, "sku") >= 2
        && let Some(last) = columns.iter_mut().rev().find(|c| c.name == "sku")
    {
        last.name = "description";
    }
    if has(&columns, "line_no") >= 2
        && let Some(second) = columns.iter_mut().filter(|c| c.name == "line_no").nth(1)
    {
        second.name = "sku";
    }
    if has(&columns, "quantity") == 0
        && has(&columns, "ordered_quantity") == 1
        && let Some(c) = columns.iter_mut().find(|c| c.name == "ordered_quantity")
    {
        c.name = "quantity";
    }
    part_equals(&mut columns);
    columns
}

/// Of several columns of one name that cannot be one column, the one with the longest head keeps it.
fn part_equals(columns: &mut [Column]) {
    for name in [
        "line_no",
        "sku",
        "customer_sku",
        "description",
        "quantity",
        "unit",
        "unit_price",
        "amount",
        "delivery_date",
    ] {
        let equal = |c: &Column| c.name == name && c.level == 0;
        let longest = columns.iter().filter(|c| equal(c)).map(|c| c.text.len()).max().unwrap_or(0);
        let mut kept = false;
        for at in 0..columns.len() {
            let Some(column) = columns.get(at).filter(|c| equal(c)) else { continue };
            if column.text.len() == longest && !kept {
                kept = true;
                continue;
            }
            let free = UNNAMED.iter().find(|free| columns.iter().all(|c| c.name != **free)).copied();
            if let (Some(column), Some(free)) = (columns.get_mut(at), free) {
                column.name = free;
            }
        }
    }
}

/// Whether this row is past the lines: a total with money, or a signature.
pub(super) fn ends_table(row: &Row) -> bool {
    let Some(first) = row.segments.first() else { return false };
    if row.segments.len() <= 2 && row.segments.iter().any(is_sum) {
        return true;
    }
    let label = label_at(first.words.iter().map(|w| w.text.as_str()));
    let Some(label) = label else { return false };
    let field = field_of(&label);
    let money = row.segments.iter().skip(1).any(|s| super::totals::money(&s.text()).is_some());
    let whole = label.words == first.words.len() || label.closed;
    let sums = row.segments.iter().filter(|s| {
        let label = label_at(s.words.iter().map(|w| w.text.as_str()));
        label
            .as_ref()
            .and_then(field_of)
            .is_some_and(|f| matches!(f, "subtotal" | "total" | "tax" | "shipping" | "discount"))
    });
    if sums.count() >= 2 && row.segments.len() <= 6 {
        return true;
    }
    // a remark beside the sums
    let sum_beside =
        row.segments.iter().skip(1).any(|s| {
            super::totals::sum_name(s).is_some_and(|(name, _)| matches!(name, "subtotal" | "total"))
        });
    if sum_beside && first.words.len() > 5 && row.segments.len() <= 3 {
        return true;
    }
    matches!(field, Some("subtotal" | "total" | "tax" | "shipping"))
        && (money && row.segments.len() <= 4 || row.segments.len() <= 2 && whole && !label.has(&["line"]))
        || matches!(field, Some("signature" | "date_signed")) && whole
        || label.any(&["total"]) && money && row.segments.len() <= 3
}

/// `Nettosumme 822,50`: a sum with its name in one run of words.
fn is_sum(segment: &super::layout::Segment) -> bool {
    let Some((name, used)) = super::totals::sum_name(segment) else { return false };
    let rest = segment.words.get(used..).unwrap_or_default();
    matches!(name, "subtotal" | "total" | "tax")
        && (1..=4).contains(&rest.len())
        && (0..rest.len()).any(|at| rest.get(at..).is_some_and(|w| super::totals::money(&join(w)).is_some()))
}

/// Where each column begins: the gap with the fewest words of the body in it.
fn edges(columns: &[Column], rows: &[&Row], layout: &Layout) -> Vec<f32> {
    let mut edges = vec![f32::MIN];
    for pair in columns.windows(2) {
        let [a, b] = pair else { continue };
        if let Some(x) = ruled_edge(a, b, rows, layout) {
            edges.push(x);
            continue;
        }
        let (mut from, mut to) = (a.x0 + (a.x1 - a.x0) * 0.3, b.x1 - (b.x1 - b.x0) * 0.1);
        if to <= from {
            (from, to) = (from.min(to), from.max(to) + 1.0);
        }
        let steps = ((to - from).ceil() as usize).clamp(1, 1500);
        let crossed = |x: f32| {
            rows.iter()
                .flat_map(|r| &r.segments)
                .flat_map(|s| &s.words)
                .filter(|w| w.x0 < x - 0.3 && w.x1 > x + 0.3)
                .count()
        };
        let counts: Vec<(f32, usize)> =
            (0..=steps).map(|i| from + i as f32).map(|x| (x, crossed(x))).collect();
        let least = counts.iter().map(|c| c.1).min().unwrap_or(0);
        // runs of the least count; prefer the run that contains the middle between the heads
        let middle = if a.x1 < b.x0 { f32::midpoint(a.x1, b.x0) } else { b.x0 };
        let mut runs: Vec<(f32, f32)> = Vec::new();
        for (x, n) in counts {
            if n > least {
                continue;
            }
            match runs.last_mut() {
                Some(run) if x - run.1 < 1.5 => run.1 = x,
                _ => runs.push((x, x)),
            }
        }
        let best = runs.iter().max_by(|p, q| {
            let score = |r: &(f32, f32)| {
                let width = (r.1 - r.0).min(20.0);
                let off = (f32::midpoint(r.0, r.1) - middle).abs() - (r.1 - r.0) / 2.0;
                width - 0.4 * off.max(0.0)
            };
            score(p).total_cmp(&score(q))
        });
        edges.push(best.map_or(middle, |r| f32::midpoint(r.0, r.1)));
    }
    edges
}

/// A vertical ruling line between two heads that runs beside most rows of the body.
fn ruled_edge(a: &Column, b: &Column, rows: &[&Row], layout: &Layout) -> Option<f32> {
    if a.x1 > b.x0 + 1.0 || rows.is_empty() {
        return None;
    }
    let from = layout.uprights.iter().filter(|u| u.x >= a.x1 - 1.5 && u.x <= b.x0 + 1.5);
    let mut beside: Vec<(f32, usize)> = Vec::new();
    for upright in from.take(RULINGS_MAX) {
        let along = rows.iter().filter(|r| {
            let middle = f32::midpoint(r.y0(), r.y1());
            r.page == upright.page && upright.y0 < middle && upright.y1 > middle
        });
        let along = along.count();
        match beside.iter_mut().find(|(x, _)| (*x - upright.x).abs() < 2.0) {
            Some((_, n)) => *n += along,
            None => beside.push((upright.x, along)),
        }
    }
    let (x, n) = beside.into_iter().max_by_key(|(_, n)| *n)?;
    (n * 10 >= rows.len() * 7).then_some(x)
}

type Cells = BTreeMap<&'static str, Vec<Word>>;

fn cells_of(row: &Row, columns: &[Column], edges: &[f32]) -> Cells {
    let mut cells = Cells::new();
    for word in row.segments.iter().flat_map(|s| &s.words) {
        let middle = f32::midpoint(word.x0, word.x1);
        let at = edges.iter().rposition(|edge| middle >= *edge).unwrap_or(0);
        if let Some(column) = columns.get(at) {
            cells.entry(column.name).or_default().push(word.clone());
        }
    }
    cells
}

/// Columns of which three in one row make a line, also where its anchor was misread.
const STRONG: [&str; 6] = ["line_no", "sku", "invoice_number", "quantity", "unit_price", "amount"];

/// Rows with two figures or more, but for those that are left out.
fn figure_rows<'a>(rows: &[&'a Row], without: &[&Row], reading: &Reading) -> Vec<&'a Row> {
    let figure =
        |s: &&super::layout::Segment| s.words.iter().any(|w| parse_number(&w.text, reading.style).is_some());
    rows.iter()
        .filter(|r| r.segments.iter().filter(figure).count() >= 2)
        .filter(|r| !without.iter().any(|f| std::ptr::eq(*f, **r)))
        .copied()
        .collect()
}

/// Reads the rows of a table's body by its columns.
pub(super) fn read_body(
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
    let edges_upper = edges(&upper, if for_edges.is_empty() { &rows } else { &for_edges }, layout);
    let mut split: Vec<Cells> = rows.iter().map(|r| cells_of(r, &upper, &edges_upper)).collect();
    let mut conditions = Vec::new();
    for (row, cells) in rows.iter().zip(&mut split) {
        let condition = condition_in(row, cells, reading);
        if condition.is_some() {
            cells.clear();
        }
        conditions.push(condition);
    }
    columns::name_by_content(&mut split, reading);
    let wrapped = join_wrapped(&rows, &mut split, reading);
    let Some(anchor) = anchor(&split, &upper, reading) else { return };
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
    for ((((row, cells), condition), index), wrapped) in
        rows.iter().zip(split).zip(conditions).zip(body).zip(wrapped)
    {
        let height = (row.y1() - row.y0()).max(6.0);
        if wrapped && open {
            table.rows.insert(*index);
            bottom = row.y1();
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
            let figures = second.iter().any(|(name, words)| {
                plausible(name, words, reading)
                    && matches!(*name, "quantity" | "unit_price" | "amount" | "ordered_quantity")
                    && !item.cells.contains_key(name)
            });
            let labelled = label_at(row.words().iter().map(|w| w.text.as_str())).is_some_and(|l| l.closed);
            if figures && !labelled {
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

/// The column whose filled rows start lines.
fn anchor(rows: &[Cells], columns: &[Column], reading: &Reading) -> Option<&'static str> {
    let count = |name: &str| {
        rows.iter()
            .filter(|c| c.len() >= 2 && c.get(name).is_some_and(|w| plausible(name, w, reading)))
            .count()
    };
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

/// `10`, `0010`, `3.` or `01.002`, numbered by section.
fn is_line_number(text: &str) -> bool {
    let parts: Vec<&str> = text.trim_end_matches('.').split('.').collect();
    let digits = |part: &&str| (1..=6).contains(&part.len()) && part.chars().all(|c| c.is_ascii_digit());
    parts.iter().all(digits)
        && match parts.as_slice() {
            [_] => true,
            [section, ..] => parts.len() <= 3 && section.len() <= 2 && parts.iter().all(|p| p.len() <= 3),
            [] => false,
        }
}

/// Whether a cell's text looks like what its column holds.
fn plausible(name: &str, words: &[Word], reading: &Reading) -> bool {
    let text = join(words);
    match name {
        "line_no" => words.len() == 1 && is_line_number(&text),
        "quantity" | "amount" | "unit_price" | "gross" => {
            words.iter().any(|w| parse_number(&w.text, reading.style).is_some()) && words.len() <= 4
        }
        "sku" | "customer_sku" | "invoice_number" => {
            words.len() <= 2
                && text.len() >= 3
                && text.chars().any(|c| c.is_ascii_digit())
                && !text.ends_with(':')
        }
        "description" => text.chars().filter(|c| c.is_alphabetic()).count() >= 3,
        _ => true,
    }
}

/// One line while its rows are gathered.
struct Item {
    cells: Cells,
    notes: Vec<(Label, Vec<Word>)>,
}

/// Several labels with their values in one row: `yours 4711 · ours M-12`; none if the row holds anything else.
fn notes_in(words: &[Word]) -> Vec<(Label, Vec<Word>)> {
    let mut notes: Vec<(Label, Vec<Word>)> = Vec::new();
    let mut at = 0;
    while let Some(rest) = words.get(at..).filter(|rest| !rest.is_empty()) {
        let label = label_at(rest.iter().map(|w| w.text.as_str())).filter(|l| note_column(l).is_some());
        if let Some(label) = label.filter(|l| l.words < rest.len()) {
            at += label.words;
            notes.push((label, Vec::new()));
            continue;
        }
        let Some(word) = rest.first() else { break };
        let Some((_, value)) = notes.last_mut() else { return Vec::new() };
        if word.text.chars().any(char::is_alphanumeric) {
            value.push(word.clone());
        }
        at += 1;
    }
    let whole = notes.iter().all(|(_, value)| {
        (1..=4).contains(&value.len()) && value.iter().any(|w| w.text.chars().any(|c| c.is_ascii_digit()))
    });
    if whole { notes } else { Vec::new() }
}

/// The column of a note below a line. `Yours` and `ours` alone name item numbers.
fn note_column(label: &Label) -> Option<&'static str> {
    let alone = label.concepts.len() == 1 && label.words == 1;
    // `Bestellnr.` below goods is what they are ordered by
    if label.has(&["order", "number"]) && !label.any(&["our", "date", "line", "customer"]) {
        return Some("sku");
    }
    column_of(label)
        .or_else(|| (alone && label.any(&["your"])).then_some("sku"))
        .or_else(|| (alone && label.any(&["our"])).then_some("customer_sku"))
        .or_else(|| field_of(label).filter(|f| *f == "requested_date").map(|_| "delivery_date"))
}

/// Whether a text goes on in the next row because its next word did not fit, and is not another remark.
fn wraps_on(words: &[Word], more: &[Word], right_edge: f32) -> bool {
    let (Some(last), Some(next)) = (words.last(), more.first()) else { return true };
    if words.len() == 1 && last.text.chars().any(|c| c.is_ascii_digit()) {
        // an item number in the first row of the description's cell
        return true;
    }
    let height = (last.y1 - last.y0).max(4.0);
    last.x1 + 0.25 * height + (next.x1 - next.x0) > right_edge - 0.5 * height
}

/// A label and its value below a line: `Your item no. 4711`, `Delivery: 5 May`, `Price per 100`.
fn note_in(words: &[Word]) -> Option<(Label, Vec<Word>)> {
    let label = label_at(words.iter().map(|w| w.text.as_str())).filter(|l| l.words < words.len())?;
    let rest = words.get(label.words..)?;
    let column = note_column(&label);
    let figure = rest.len() <= 3 && rest.iter().any(|w| w.text.chars().any(|c| c.is_ascii_digit()));
    let known = match column {
        Some("delivery_date" | "price_per") => true,
        Some("sku" | "customer_sku") => figure && label.any(&["article", "order"]),
        Some("lot" | "serial_no" | "discount") => figure,
        _ => false,
    };
    (label.closed && column != Some("sku") || known).then(|| (label, rest.to_vec()))
}

/// A condition of the price below a line, as SAP prints them: `Gross price 9,42 EUR / 100 PCE 141,30`.
fn condition_in(row: &Row, cells: &Cells, reading: &Reading) -> Option<(Label, Vec<Word>)> {
    if ["line_no", "sku"].iter().any(|name| cells.get(name).is_some_and(|w| plausible(name, w, reading))) {
        return None;
    }
    let words = row.words();
    let label = label_at(words.iter().map(|w| w.text.as_str()))?;
    let rest = words.get(label.words..)?;
    let figure = rest.first().is_some_and(|w| w.text.starts_with(|c: char| c.is_ascii_digit()));
    let column = column_of(&label)?;
    let fits = matches!(column, "unit_price" | "discount" | "amount" | "gross")
        && !label.any(&["total", "tax", "pay", "quantity"])
        && row.segments.len() >= 2;
    (figure && fits).then(|| (label, rest.to_vec()))
}

/// Whose item number stands lower in a column with a head like `Item Number / Vendor Item Number`.
fn lower_code(column: &Column) -> Option<&'static str> {
    let words: Vec<&str> = column.text.split_whitespace().collect();
    let lower = words.get(words.len() / 2..).filter(|_| words.len() >= 3)?;
    let says = |concepts: &[&str]| {
        lower.iter().any(|w| label_at(std::iter::once(*w)).is_some_and(|l| l.any(concepts)))
    };
    if says(&["supplier", "your"]) {
        Some("sku")
    } else if says(&["our", "customer", "buyer"]) {
        Some("customer_sku")
    } else {
        None
    }
}

/// Takes in a further row of a line; false if the row does not belong to it.
fn continues(
    item: &mut Item,
    row: &Row,
    cells: Cells,
    (description_x, right_edge): (Option<f32>, f32),
    lower_code: Option<&str>,
    reading: &Reading,
) -> bool {
    let words = row.words();
    if row.segments.iter().all(|s| note_in(&s.words).is_some()) {
        item.notes.extend(row.segments.iter().filter_map(|s| note_in(&s.words)));
        return true;
    }
    let several = notes_in(&words);
    if several.len() >= 2 {
        item.notes.extend(several);
        return true;
    }
    if let Some(note) = note_in(&words) {
        item.notes.push(note);
        return true;
    }
    let only_description = cells.keys().all(|k| *k == "description");
    if !only_description && row.segments.len() == 1 && cells.values().map(Vec::len).sum::<usize>() > 0 {
        let x = row.segments.first().map_or(0.0, super::layout::Segment::x0);
        let lone = cells.keys().next().copied().unwrap_or_default();
        let wraps = matches!(lone, "sku" | "customer_sku" | "unit" | "delivery_date" | "quantity")
            && cells.len() == 1
            && !plausible("description", &words, reading);
        if description_x.is_some_and(|d| x + SECTION_GAP_PT < d) && !wraps {
            return false;
        }
    }
    let has_unit = item.cells.contains_key("unit");
    for (name, more) in cells {
        match item.cells.get_mut(name) {
            Some(words) if name == "description" => {
                if wraps_on(words, &more, right_edge) {
                    words.extend(more);
                }
            }
            Some(_)
                if name == "quantity"
                    && more.len() == 1
                    && !has_unit
                    && more.iter().all(|w| w.text.chars().all(|c| c.is_alphabetic() || c == '.')) =>
            {
                item.cells.insert("unit", more);
            }
            Some(words) if name == "sku" && join(words).ends_with('-') => words.extend(more),
            // two item numbers in one column: its head says whose the lower one is
            Some(upper) if name == "sku" && lower_code.is_some() && plausible("sku", &more, reading) => {
                let upper = std::mem::replace(upper, more.clone());
                if lower_code == Some("sku") {
                    item.cells.entry("customer_sku").or_insert(upper);
                } else {
                    item.cells.insert("sku", upper);
                    item.cells.entry("customer_sku").or_insert(more);
                }
            }
            Some(_) => {}
            None => {
                item.cells.insert(name, more);
            }
        }
    }
    true
}

impl Item {
    /// Price, discount and amount that stand in a row of their own.
    fn take_condition(&mut self, label: &Label, words: &[Word], reading: &Reading) {
        let number = |w: &&Word| parse_number(w.text.trim_end_matches('-'), reading.style).is_some();
        let bare = |w: &Word| Word { text: w.text.trim_end_matches('-').to_owned(), ..w.clone() };
        let Some(first) = words.first() else { return };
        let last = words.iter().rev().find(number).filter(|w| w.x0 > first.x1);
        let slash = words.iter().position(|w| w.text == "/");
        match column_of(label) {
            Some("unit_price" | "gross") => {
                self.cells.insert("unit_price", vec![bare(first)]);
                if let Some(per) = slash.and_then(|at| words.get(at + 1)).filter(number) {
                    self.cells.insert("price_per", vec![bare(per)]);
                }
                let per_at = slash.map_or(0.0, |at| words.get(at + 1).map_or(0.0, |w| w.x1));
                if let Some(amount) = last.filter(|w| w.x0 > per_at) {
                    self.cells.entry("amount").or_insert_with(|| vec![amount.clone()]);
                }
            }
            Some("discount") => {
                if words.iter().any(|w| w.text.contains('%')) {
                    self.cells.insert("discount", vec![bare(first)]);
                }
            }
            // the net value comes after what makes it
            _ => {
                self.cells.insert("amount", vec![last.unwrap_or(first).clone()]);
            }
        }
    }

    fn read(mut self, reading: &Reading) -> Line {
        let mut line = Line::new();
        self.split_joined(reading);
        for (name, words) in &self.cells {
            put(&mut line, name, words, reading);
        }
        for (label, words) in &self.notes {
            let name = match note_column(label).or_else(|| field_of(label)) {
                Some("requested_date") => "delivery_date",
                Some("quantity") if line.contains_key("quantity") && !label.any(&["previous"]) => {
                    "ordered_quantity"
                }
                Some("quantity") if label.any(&["previous"]) => "previous_quantity",
                Some(name) => name,
                None => continue,
            };
            // the buyer's own number heads the column where a note names the seller's
            if name == "sku"
                && label.any(&["your", "supplier"])
                && !line.contains_key("customer_sku")
                && let Some(own) = line.remove("sku")
            {
                line.insert("customer_sku".to_owned(), own);
            }
            if !line.contains_key(name) && super::draft::column_name(name).is_some() {
                put(&mut line, name, words, reading);
            }
        }
        super::draft::mend_line(&mut line, reading);
        line
    }

    /// Cells that hold two things: `[SKU] text`, `12 pcs`, `1.20 / 100`.
    fn split_joined(&mut self, reading: &Reading) {
        if let Some(words) = self.cells.get("description")
            && !self.cells.contains_key("sku")
            && let Some(first) = words.first()
            && first.text.starts_with('[')
            && let Some(end) = words.iter().position(|w| w.text.ends_with(']'))
        {
            let sku: Vec<Word> = words.iter().take(end + 1).cloned().collect();
            let rest: Vec<Word> = words.iter().skip(end + 1).cloned().collect();
            self.cells.insert("sku", sku);
            self.cells.insert("description", rest);
        }
        self.split_code();
        self.split_labelled_code();
        if let Some([word]) = self.cells.get("quantity").map(Vec::as_slice)
            && let Some((number, unit)) = word.text.split_once('/')
            && parse_number(number, reading.style).is_some()
            && unit.chars().all(|c| c.is_alphabetic() || c == '.')
            && !unit.is_empty()
            && !self.cells.contains_key("unit")
        {
            let with = |text: &str| vec![Word { text: text.to_owned(), ..word.clone() }];
            let (number, unit) = (with(number), with(unit));
            self.cells.insert("quantity", number);
            self.cells.insert("unit", unit);
        }
        if let Some([word]) = self.cells.get("quantity").map(Vec::as_slice)
            && !self.cells.contains_key("unit")
            && let Some((number, unit)) = glued(&word.text)
        {
            let with = |text: &str| vec![Word { text: text.to_owned(), ..word.clone() }];
            let (number, unit) = (with(number), with(unit));
            self.cells.insert("quantity", number);
            self.cells.insert("unit", unit);
        }
        if let Some(words) = self.cells.get("quantity").cloned()
            && words.len() >= 2
        {
            let (numbers, others): (Vec<Word>, Vec<Word>) =
                words.into_iter().partition(|w| parse_number(&w.text, reading.style).is_some());
            if !numbers.is_empty()
                && !others.is_empty()
                && others.len() <= 2
                && others.iter().all(|w| w.text.chars().any(char::is_alphabetic))
            {
                self.cells.insert("quantity", numbers);
                self.cells.entry("unit").or_insert(others);
            }
        }
        if let Some(words) = self.cells.get("unit").cloned()
            && words.len() >= 2
            && let Some(first) = words.first()
            && parse_number(&first.text, reading.style).is_some()
            && !self.cells.contains_key("quantity")
        {
            self.cells.insert("quantity", words.iter().take(1).cloned().collect());
            self.cells.insert("unit", words.iter().skip(1).cloned().collect());
        }
        if let Some(words) = self.cells.get("unit_price").cloned() {
            let text = join(&words);
            if let Some((price, per)) =
                text.split_once('/').or_else(|| text.split_once(" per ")).or_else(|| text.split_once(" je "))
                && let (Some(_), Some(per_words)) = (
                    parse_number(price.trim(), reading.style),
                    (!per.trim().is_empty()).then_some(per.trim()),
                )
            {
                let number: String =
                    per_words.chars().take_while(|c| c.is_ascii_digit() || matches!(c, '.' | ',')).collect();
                let mut head = words.first().cloned();
                if let Some(word) = head.as_mut() {
                    word.text = price.trim().to_owned();
                }
                let mut tail = words.last().cloned();
                if let Some(word) = tail.as_mut() {
                    word.text = number.clone();
                }
                self.cells.insert("unit_price", head.into_iter().collect());
                if !number.is_empty() && number != "1" {
                    self.cells.entry("price_per").or_insert(tail.into_iter().collect());
                }
            }
        }
    }
}

impl Item {
    /// An item number with its label at the start of the description: `Catalog No. 4711`.
    fn split_labelled_code(&mut self) {
        let Some(words) = self.cells.get("description") else { return };
        let Some(label) = label_at(words.iter().map(|w| w.text.as_str())) else { return };
        let Some(name) = column_of(&label).filter(|n| matches!(*n, "sku" | "customer_sku")) else { return };
        let Some(code) = words.get(label.words) else { return };
        let own_row = words.get(label.words + 1).is_none_or(|w| w.y0 > f32::midpoint(code.y0, code.y1));
        let digits = code.text.chars().any(|c| c.is_ascii_digit());
        if own_row && digits && label.any(&["article", "number"]) && !self.cells.contains_key(name) {
            let rest: Vec<Word> = words.iter().skip(label.words + 1).cloned().collect();
            let code = vec![code.clone()];
            self.cells.insert(name, code);
            if rest.is_empty() {
                self.cells.remove("description");
            } else {
                self.cells.insert("description", rest);
            }
        }
    }

    /// An item number that stands alone in the first row of the description's cell.
    fn split_code(&mut self) {
        if self.cells.contains_key("sku") || self.cells.contains_key("customer_sku") {
            return;
        }
        let Some(words) = self.cells.get("description") else { return };
        let Some(first) = words.first() else { return };
        let alone = words.get(1).is_none_or(|w| w.y0 > f32::midpoint(first.y0, first.y1));
        let code = first.text.len() >= 4
            && first.text.chars().any(|c| c.is_ascii_digit())
            && first.text.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '.' | '/'));
        if alone && code && words.len() >= 2 {
            let (head, rest) = (vec![first.clone()], words.iter().skip(1).cloned().collect());
            self.cells.insert("sku", head);
            self.cells.insert("description", rest);
        }
    }
}

/// Number and unit of `12pcs`.
fn glued(text: &str) -> Option<(&str, &str)> {
    let at = text.find(|c: char| !(c.is_ascii_digit() || matches!(c, '.' | ',')))?;
    let (number, unit) = text.split_at_checked(at)?;
    let fits = number.ends_with(|c: char| c.is_ascii_digit())
        && unit.chars().all(|c| c.is_alphabetic() || c == '.')
        && super::prose::is_usual_unit(unit);
    fits.then_some((number, unit))
}

/// What the words of one cell say, by the type of their column.
pub(super) fn cell(name: &str, words: &[Word], reading: &Reading) -> Option<Proposal> {
    let name = super::draft::column_name(name)?;
    let mut line = Line::new();
    put(&mut line, name, words, reading);
    line.remove(name)
}

/// Reads one cell by the type of its column.
fn put(line: &mut Line, name: &'static str, words: &[Word], reading: &Reading) {
    let text = join(words);
    let base = confidence::cell(name, words, reading);
    let value = match name {
        "quantity" | "ordered_quantity" | "previous_quantity" | "unit_price" | "amount" | "gross"
        | "tax_rate" | "discount" | "price_per" => {
            let number = parse_number(&text, reading.style)
                .or_else(|| words.iter().find_map(|w| parse_number(&w.text, reading.style)))
                .or_else(|| parse_number(split_currency(&text.replace(' ', "")).0, reading.style));
            // `(100)` is how many are in a pack
            let packed = matches!(name, "quantity" | "ordered_quantity") && text.starts_with('(');
            let share = matches!(name, "discount" | "tax_rate");
            let number = number.filter(|n| !share || n.abs() <= rust_decimal::Decimal::ONE_HUNDRED);
            number.filter(|_| !packed).map(|n| n.normalize().to_string())
        }
        "delivery_date" | "invoice_date" => (0..words.len().min(3)).find_map(|from| {
            let text = join(words.get(from..).unwrap_or_default());
            parse_date(&text, reading.order).map(|d| d.iso)
        }),
        "sku" | "customer_sku" | "lot" | "serial_no" | "invoice_number" => {
            let code = text.trim_matches(|c| matches!(c, '[' | ']' | '(' | ')' | ',' | ';' | ':')).to_owned();
            (code.chars().any(char::is_alphanumeric) && words.len() <= 4).then_some(code)
        }
        "line_no" => (text.len() <= 8 && text.chars().any(|c| c.is_ascii_digit()))
            .then(|| text.trim_end_matches(['.', ')']).to_owned()),
        "action" => super::draft::action_of(&text),
        _ => text.chars().any(char::is_alphanumeric).then(|| text.clone()),
    };
    let Some(value) = value else { return };
    if name == "price_per" && value == "1" {
        return;
    }
    let ambiguous = name.ends_with("_date")
        && parse_date(&text, reading.order).is_some_and(|d| d.ambiguous)
        && reading.order == date::Order::Unknown;
    let sure = if ambiguous { base.min(0.5) } else { base };
    line.insert(name.to_owned(), propose(value, words, sure));
}
