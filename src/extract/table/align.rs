//! Columns of the body matched to the heads as a whole, where heads do not stand straight above their cells.
//!
//! Words of all rows throw a shadow on the x axis; its gaps part the body into strips. Each head takes strips that
//! follow one another, so that heads and strips line up left, right or in the middle at the least cost. [`sense`] tells
//! which of two ways to cut the rows makes more of them. Does not: name columns.

use super::{
    Column,
    body::{is_line_number, plausible},
    edge::Cells,
};
use crate::extract::{
    date::parse_date,
    draft::Reading,
    layout::{Row, Word, join},
    number::parse_number,
};
use rust_decimal::Decimal;

/// Width of the page in points that is looked at.
const WIDTH_MAX_PT: usize = 3_000;
/// Blank between two strips at least, in points.
const GAP_MIN_PT: usize = 3;
/// Strips of a body at most.
const STRIPS_MAX: usize = 60;
/// Cost of a point by which a text stands off its head in another way than at its left.
const CENTRED_COST: f32 = 2.0;
/// Rows of a hundred that may lie across a gap.
const ACROSS_PERCENT: usize = 4;
/// What a row counts whose figures prove one another, in cells.
const PROVED_CELLS: i64 = 4;

/// Cost of a point of blank between a quantity and its unit.
const WITH_UNIT_COST: f32 = 0.5;

/// What it costs to leave a head without a strip, and to put two strips under one head.
#[derive(Clone, Copy)]
pub(super) struct Costs {
    /// A head without a strip, in points that it is off.
    empty: f32,
    /// A point of blank between two strips under one head that does not hold running text.
    joined: f32,
}

/// Ways to weigh: heads stand near their cells and a column may be empty, or each head has a column of its own however
/// far it is off.
pub(super) const WAYS: [Costs; 2] = [Costs { empty: 25.0, joined: 0.6 }, Costs { empty: 300.0, joined: 6.0 }];

/// Where the words of the body stand: left and right edges of its strips.
fn strips(rows: &[&Row]) -> Vec<(f32, f32)> {
    let mut shadow = vec![0_usize; WIDTH_MAX_PT];
    for word in rows.iter().flat_map(|r| &r.segments).flat_map(|s| &s.words) {
        let (from, to) = (word.x0.max(0.0) as usize, word.x1.max(0.0).ceil() as usize);
        for place in shadow.iter_mut().take(to).skip(from) {
            *place += 1;
        }
    }
    let allowed = rows.len() * ACROSS_PERCENT / 100;
    let mut strips: Vec<(usize, usize)> = Vec::new();
    for (x, _) in shadow.iter().enumerate().filter(|(_, n)| **n > allowed) {
        match strips.last_mut() {
            Some(last) if x - last.1 < GAP_MIN_PT => last.1 = x,
            _ => strips.push((x, x)),
        }
    }
    strips.into_iter().map(|(from, to)| (from as f32, to as f32 + 1.0)).collect()
}

/// How far a head and what stands below it are from standing straight.
fn misfit(column: &Column, strips: &[(f32, f32)], costs: Costs) -> f32 {
    let (Some(first), Some(last)) = (strips.first(), strips.last()) else { return costs.empty };
    let text = matches!(column.name, "description" | "reason");
    let left = (column.x0 - first.0).abs();
    let right = (column.x1 - last.1).abs();
    let middle = (f32::midpoint(column.x0, column.x1) - f32::midpoint(first.0, last.1)).abs();
    let blank: f32 = strips.windows(2).filter_map(|pair| Some(pair.get(1)?.0 - pair.first()?.1)).sum();
    if text {
        left.min(CENTRED_COST * middle)
    } else {
        // a unit may stand beside its number
        let joined = if column.name == "quantity" { WITH_UNIT_COST.min(costs.joined) } else { costs.joined };
        left.min(right).min(middle) + joined * blank
    }
}

/// Where each column begins, by the least cost over all columns; none if the body has too few strips.
pub(super) fn aligned_edges(columns: &[Column], rows: &[&Row], costs: Costs) -> Option<Vec<f32>> {
    // titles and sums would close the gaps
    let whole = |r: &&&Row| r.segments.len() >= 3 && r.segments.len() * 2 >= columns.len();
    let rows: Vec<&Row> = rows.iter().filter(whole).copied().collect();
    let strips = strips(&rows);
    if columns.len() < 2 || strips.len() < 2 || strips.len() > STRIPS_MAX {
        return None;
    }
    let wide = strips.len() + 1;
    // least cost of the heads so far with this many strips, and with how many the last head began
    let mut cost = vec![f32::INFINITY; wide];
    *cost.first_mut()? = 0.0;
    let mut began: Vec<Vec<usize>> = Vec::new();
    for column in columns {
        let mut next = vec![f32::INFINITY; wide];
        let mut from = vec![0; wide];
        for start in 0..wide {
            let Some(before) = cost.get(start).copied().filter(|c| c.is_finite()) else { continue };
            for end in start..wide {
                let sum = before + misfit(column, strips.get(start..end)?, costs);
                let best = next.get_mut(end)?;
                if sum < *best {
                    *best = sum;
                    *from.get_mut(end)? = start;
                }
            }
        }
        cost = next;
        began.push(from);
    }
    let mut edges = vec![f32::MIN; columns.len()];
    let mut end = strips.len();
    for (at, from) in began.iter().enumerate().rev() {
        end = *from.get(end)?;
        let left = end.checked_sub(1).and_then(|i| strips.get(i)).map(|s| s.1);
        let right = strips.get(end).map(|s| s.0);
        *edges.get_mut(at)? = match (left, right) {
            (Some(left), Some(right)) => f32::midpoint(left, right),
            (Some(left), None) => left + 1.0,
            (None, _) => f32::MIN,
        };
    }
    Some(edges)
}

/// How much sense the cells of a table make: cells that hold what their column asks for, and figures that prove one
/// another.
pub(super) fn sense(rows: &[Cells], reading: &Reading) -> i64 {
    rows.iter().filter(|cells| cells.len() >= 3).map(|cells| row_sense(cells, reading)).sum()
}

fn row_sense(cells: &Cells, reading: &Reading) -> i64 {
    let mut sum = 0;
    for (name, words) in cells {
        let text = join(words);
        let fits = match *name {
            "quantity" => value(words, reading).is_some(),
            "unit_price" | "amount" | "gross" | "discount" | "tax_rate" | "price_per" => {
                words.len() <= 3 && value(words, reading).is_some()
            }
            // one head over quantity and unit
            "unit" if !cells.contains_key("quantity") => {
                text.chars().any(|c| c.is_ascii_digit()) && text.chars().any(char::is_alphabetic)
            }
            "unit" => words.len() <= 2 && !text.starts_with(|c: char| c.is_ascii_digit()),
            "line_no" => is_line_number(&text),
            "delivery_date" | "invoice_date" => parse_date(&text, reading.order).is_some(),
            "sku" | "customer_sku" => plausible(name, words, reading),
            _ => continue,
        };
        sum += if fits { 1 } else { -1 };
    }
    sum + if proves(cells, reading) { PROVED_CELLS } else { 0 }
}

fn value(words: &[Word], reading: &Reading) -> Option<Decimal> {
    let text = join(words);
    parse_number(&text, reading.style).or_else(|| {
        let first = words.first()?;
        super::cell::glued(&first.text).and_then(|(number, _)| parse_number(number, reading.style)).or_else(
            || {
                // a unit or a currency beside it, not the number of another column
                let lettered = |w: &Word| parse_number(&w.text, reading.style).is_none();
                parse_number(&first.text, reading.style)
                    .filter(|_| words.len() == 2 && words.get(1).is_some_and(lettered))
            },
        )
    })
}

/// Whether quantity and price make the amount, or gross less what was taken off.
fn proves(cells: &Cells, reading: &Reading) -> bool {
    let of = |name: &str| cells.get(name).and_then(|w| value(w, reading));
    let Some(amount) = of("amount") else { return false };
    let cent = Decimal::new(11, 3);
    let off = of("discount");
    if let (Some(quantity), Some(price)) = (of("quantity"), of("unit_price")) {
        let per = of("price_per").filter(|p| !p.is_zero()).unwrap_or(Decimal::ONE);
        let made = || {
            let share = Decimal::ONE_HUNDRED.checked_sub(off.unwrap_or_default())?;
            let whole = quantity.checked_mul(price)?.checked_div(per)?;
            whole.checked_mul(share)?.checked_div(Decimal::ONE_HUNDRED)?.checked_sub(amount)
        };
        return made().is_some_and(|rest| rest.abs() <= cent);
    }
    let left = of("gross").and_then(|gross| gross.checked_sub(off.unwrap_or_default())?.checked_sub(amount));
    left.is_some_and(|rest| rest.abs() <= cent)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::extract::testing::lines_of;

    fn column(name: &'static str, x0: f32, x1: f32) -> Column {
        Column::new(name, x0, x1, 0)
    }

    #[test]
    fn heads_left_of_their_figures_find_them() {
        let columns =
            [column("gross", 207.0, 229.0), column("discount", 284.0, 309.0), column("amount", 354.0, 382.0)];
        let word = |x0: f32, x1: f32| Word {
            text: "1".to_owned(),
            page: 1,
            x0,
            x1,
            y0: 0.0,
            y1: 8.0,
            confidence: 1.0,
            size: 8.0,
            bold: false,
            rect: crate::model::page::Rect::default(),
        };
        let row = |places: &[(f32, f32)]| Row {
            page: 1,
            segments: places
                .iter()
                .map(|(a, b)| crate::extract::layout::Segment { words: vec![word(*a, *b)], page: 1, row: 0 })
                .collect(),
        };
        let rows = [
            row(&[(247.0, 276.0), (323.0, 345.0), (394.0, 423.0)]),
            row(&[(247.0, 276.0), (323.0, 345.0), (394.0, 423.0)]),
        ];
        let edges = aligned_edges(&columns, &rows.iter().collect::<Vec<_>>(), WAYS[1]).unwrap();
        let inside = |at: usize, x: f32| edges.iter().rposition(|e| x >= *e) == Some(at);
        assert!(inside(0, 260.0) && inside(1, 333.0) && inside(2, 410.0), "{edges:?}");
    }

    fn check(text: &str, name: &str, wanted: &[&str]) {
        assert_eq!(lines_of(text, &[name]).concat(), wanted, "{name} in\n{text}");
    }

    #[test]
    fn a_thin_discount_column_is_no_part_of_the_amount() {
        let text = "PURCHASE ORDER\nOrder no: 4711\n\n\
QTY UN   CODE       ARTICLE                  PRICE   D%   VALUE\n\
  4 pcs    B7420-27     Bottle crate             6.63             26.52\n\
 24 box    436962       Ear plugs               23.21      3     540.33\n\
 10 pcs    CON-7805     Conveyor idler          23.37      8     215.00\n";
        check(text, "amount", &["26.52", "540.33", "215"]);
        check(text, "unit_price", &["6.63", "23.21", "23.37"]);
        check(text, "discount", &["", "3", "8"]);
    }
}
