//! Where one column ends and the next begins, and where a table ends.

use super::{Column, RULINGS_MAX};
use crate::extract::{
    label::{field_of, label_at},
    layout::{Layout, Row, Word, join},
};
use std::collections::BTreeMap;

/// Whether this row is past the lines: a total with money, or a signature.
pub(crate) fn ends_table(row: &Row) -> bool {
    let Some(first) = row.segments.first() else { return false };
    if row.segments.len() <= 2 && row.segments.iter().any(is_sum) {
        return true;
    }
    let label = label_at(first.words.iter().map(|w| w.text.as_str()));
    let Some(label) = label else { return false };
    let field = field_of(&label);
    let money = row.segments.iter().skip(1).any(|s| crate::extract::totals::money(&s.text()).is_some());
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
    let sum_beside = row.segments.iter().skip(1).any(|s| {
        crate::extract::totals::sum_name(s).is_some_and(|(name, _)| matches!(name, "subtotal" | "total"))
    });
    if sum_beside && first.words.len() > 5 && row.segments.len() <= 3 {
        return true;
    }
    matches!(field, Some("subtotal" | "total" | "tax" | "shipping"))
        && (money && row.segments.len() <= 4 || row.segments.len() <= 2 && whole && !label.has(&["line"]))
        || matches!(field, Some("signature" | "date_signed")) && whole
        || label.any(&["total"]) && money && row.segments.len() <= 3
}

/// Words at the foot and the head of pages beside the sum so far, folded.
#[rustfmt::skip]
const CARRIED: &[&str] = &[
    "ubertrag", "carried forward", "carried over", "carry forward", "brought forward", "balance forward", "report", "a reporter", "total reporte", "att overfora", "overfort", "transport", "zwischensumme", "subtotal carried", "continued", "fortsetzung", "suite", "forts",
];

/// Whether a row says how far the sum has come where a page ends or begins: no goods stand in it.
pub(super) fn is_carried(row: &Row) -> bool {
    let text = crate::validate::account::fold(&row.text());
    let rest = CARRIED.iter().find_map(|name| text.strip_prefix(name));
    rest.is_some_and(|rest| {
        (rest.is_empty() || rest.starts_with(' ')) && !rest.chars().any(char::is_alphabetic)
    })
}

/// `Nettosumme 822,50`: a sum with its name in one run of words.
fn is_sum(segment: &crate::extract::layout::Segment) -> bool {
    let Some((name, used)) = crate::extract::totals::sum_name(segment) else { return false };
    let rest = segment.words.get(used..).unwrap_or_default();
    matches!(name, "subtotal" | "total" | "tax")
        && (1..=4).contains(&rest.len())
        && (0..rest.len())
            .any(|at| rest.get(at..).is_some_and(|w| crate::extract::totals::money(&join(w)).is_some()))
}

/// Where each column begins: the gap with the fewest words of the body in it.
pub(super) fn edges(columns: &[Column], rows: &[&Row], layout: &Layout) -> Vec<f32> {
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

pub(super) type Cells = BTreeMap<&'static str, Vec<Word>>;

pub(super) fn cells_of(row: &Row, columns: &[Column], edges: &[f32]) -> Cells {
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
