//! The head row of a table: which words stand over which columns.

use super::{
    Column,
    chunk::{Chunk, chunks_of, head_of},
    edge::ends_table,
    note::is_sellers,
};
use crate::extract::{
    label::{field_of, label_at},
    layout::{Layout, Row, join},
};
use std::collections::HashSet;

/// Names of columns whose heads say nothing that is known, from left to right.
const UNNAMED: [&str; 12] = ["?0", "?1", "?2", "?3", "?4", "?5", "?6", "?7", "?8", "?9", "?10", "?11"];

pub(super) fn digits(row: &Row) -> usize {
    row.segments
        .iter()
        .flat_map(|s| &s.words)
        .filter(|w| w.text.chars().filter(char::is_ascii_digit).count() >= 2)
        .count()
}

/// A head row at `at`: its columns, its text, and the row after it. Heads may be two or three rows high.
pub(crate) fn head_at(layout: &Layout, at: usize) -> Option<(Vec<Column>, String, usize)> {
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
                || crate::extract::number::parse_currency(&w.text).is_some()
        });
        if row.y0() - above > 0.8 * height || digits(row) > 0 || !heads || (known == 0 && more.len() > 2) {
            break;
        }
        let (joined, apart) = if two_rows_each(layout, at + step + 1, &parts, &more) {
            (parts, more)
        } else {
            stack_apart(parts, more)
        };
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
    // what was ordered may stand under a head that says nothing known, if figures stand below those that do
    let counted = has("quantity") && (has("unit_price") || has("amount"));
    // what is paid: money of each invoice, less what is taken off
    let paid =
        (has("gross") || has("discount")) && has("amount") && (has("delivery_date") || has("invoice_date"));
    let enough = (counted || paid) && figures_below(layout, next, &columns)
        || what && figures && distinct.len() >= 3
        || what && figures && total <= 4
        || has("sku") && has("description");
    let share = if figures_below(layout, next, &columns) { 0.4 } else { 0.6 };
    if !enough || (known as f32) < share * total as f32 || is_info(&parts) {
        return None;
    }
    Some((settle(columns), text, next))
}

/// Share of the heads, in tenths, under which something stands in a row that looks like a line.
const FILLED_TENTHS: usize = 6;

/// Whether the next row looks like a line under these heads: nearly as many cells as heads, several of them figures.
fn figures_below(layout: &Layout, next: usize, columns: &[Column]) -> bool {
    let Some(row) = layout.rows.get(next) else { return false };
    let figures = row.segments.iter().filter(|s| {
        let figure = s.text().chars().any(|c| c.is_ascii_digit());
        figure && columns.iter().any(|c| c.x0 < s.x1() + 6.0 && s.x0() < c.x1 + 6.0)
    });
    columns.len() >= 4 && row.segments.len() * 10 >= columns.len() * FILLED_TENTHS && figures.count() >= 3
}

/// Whether these heads rather label single values: order number, date, account…
fn is_info(parts: &[Chunk]) -> bool {
    // labels of values end with colons, heads of columns do not
    let closed = parts.iter().filter(|c| c.words.last().is_some_and(|w| w.text.ends_with(':'))).count();
    if closed >= 2 && closed * 2 > parts.len() {
        return true;
    }
    // `Invoice` over what is paid of each
    let paid = parts.iter().any(|c| matches!(c.column, Some("amount" | "gross")));
    let single = parts.iter().filter(|c| {
        let label = label_at(c.words.iter().map(|w| w.text.as_str()));
        let figures = matches!(
            c.column,
            Some(
                "quantity"
                    | "ordered_quantity"
                    | "amount"
                    | "unit_price"
                    | "description"
                    | "delivery_date"
                    | "gross"
                    | "discount"
            )
        ) || paid && c.column == Some("invoice_number");
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

/// Whether the lines below two rows of heads have two rows each as well: what stands in the second row stands under the
/// lower heads, and the third is like the first.
fn two_rows_each(layout: &Layout, next: usize, upper: &[Chunk], lower: &[Chunk]) -> bool {
    let known = |chunks: &[Chunk]| chunks.iter().filter(|c| c.column.is_some()).count();
    let rows: Vec<&Row> = (next..next + 3).map_while(|at| layout.rows.get(at)).collect();
    let [first, second, rest @ ..] = rows.as_slice() else { return false };
    let mut columns = lower.iter().filter_map(|c| c.column);
    let other = columns.all(|name| upper.iter().all(|u| u.column != Some(name)));
    if known(upper) < 3 || known(lower) == 0 || known(lower) < lower.len() || !other {
        return false;
    }
    let below = |row: &Row, chunks: &[Chunk]| {
        let under =
            |s: &&crate::extract::layout::Segment| chunks.iter().any(|c| c.x0 < s.x1() && s.x0() < c.x1);
        row.segments.iter().filter(under).count()
    };
    let left = upper.first().map_or(0.0, |c| c.x1);
    let starts = |row: &Row| row.segments.first().is_some_and(|s| s.x0() < left);
    starts(first)
        && !starts(second)
        && second.page == first.page
        && below(second, lower) == second.segments.len()
        && second.segments.len() <= lower.len()
        && second.segments.len() < first.segments.len()
        && (lower.len() == 1 || second.segments.len() >= 2)
        && rest.first().is_none_or(|row| starts(row) || ends_table(row))
}

/// Puts the chunks of a lower head row under those above them.
fn stack(mut upper: Vec<Chunk>, lower: Vec<Chunk>) -> (Vec<Chunk>, Vec<Chunk>) {
    for low in lower {
        let over = upper.iter_mut().find(|u| u.x0 < low.x1 && low.x0 < u.x1);
        match over {
            Some(u) => {
                let both = u.words.iter().chain(&low.words).map(|w| w.text.as_str());
                let label = label_at(both.clone()).filter(|l| l.words == both.clone().count());
                let joined = label.as_ref().and_then(head_of);
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
        let theirs = |c: &Column| label_at(c.text.split_whitespace()).is_some_and(|l| is_sellers(&l));
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
    part_quantities(&mut columns);
    part_equals(&mut columns);
    columns
}

/// Of several quantities, one of which is said to be delivered: what stands before it was ordered, what follows is left to come.
fn part_quantities(columns: &mut [Column]) {
    let delivered = |c: &Column| {
        c.name == "quantity"
            && label_at(c.text.split_whitespace()).is_some_and(|l| l.any(&["delivery", "ship"]))
    };
    let Some(at) = columns.iter().position(delivered) else { return };
    let ordered = columns.iter().any(|c| c.name == "ordered_quantity");
    for (place, column) in columns.iter_mut().enumerate().filter(|(place, _)| *place != at) {
        if column.name == "quantity" && column.level == 0 {
            column.name = if place < at && !ordered { "ordered_quantity" } else { "?" };
        }
    }
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

#[cfg(test)]
mod tests {
    #[test]
    fn of_several_quantities_the_delivered_one_counts() {
        let text = "BON DE LIVRAISON 4711\n\nArticle     Libellé           Qté commandée   Qté livrée   Reliquat\n\
                    B7420-27    Bac plastique     10              5            5\n\
                    B7420-31    Vanne DN15        55              50           5\n";
        let lines = crate::extract::testing::lines_of(text, &["sku", "ordered_quantity", "quantity"]);
        assert_eq!(lines, [["B7420-27", "10", "5"], ["B7420-31", "55", "50"]]);
    }
}
