//! Columns named by what stands in them: where a head says nothing that is known, or arithmetic contradicts it.

use super::{cell::glued, edge::Cells};
use crate::extract::{
    date::parse_date,
    draft::Reading,
    layout::{Word, join},
    number::parse_number,
    prose::is_usual_unit,
};
use rust_decimal::Decimal;
use std::collections::{BTreeMap, BTreeSet, HashSet};

/// Share of the rows, in tenths, that must agree with what a column is taken for.
const AGREE_TENTHS: usize = 7;
/// Share of a column of units, in tenths, that are in common use.
const USUAL_TENTHS: usize = 3;
/// Columns of numbers among which quantity, price and amount are looked for at most.
const NUMBERS_MAX: usize = 8;

/// Gives unnamed columns (`?0`…) the name that their content proves, and mends names that arithmetic contradicts.
pub(super) fn name_by_content(rows: &mut [Cells], reading: &Reading) {
    let lines: Vec<usize> = (0..rows.len()).filter(|i| rows.get(*i).is_some_and(|c| c.len() >= 3)).collect();
    let body: Vec<&Cells> = lines.iter().filter_map(|i| rows.get(*i)).collect();
    if body.is_empty() {
        return;
    }
    let mut names: BTreeMap<&'static str, &'static str> = by_arithmetic(&body, reading);
    let present: BTreeSet<&'static str> = body.iter().flat_map(|c| c.keys().copied()).collect();
    names.extend(by_difference(&body, reading));
    // `Per` over units
    let letters = |w: &&Vec<Word>| join(w).chars().all(|c| c.is_alphabetic() || matches!(c, '.' | '2' | '3'));
    let per: Vec<&Vec<Word>> = body.iter().filter_map(|c| c.get("price_per")).collect();
    if !present.contains("unit") && !per.is_empty() && per.iter().all(letters) {
        names.insert("price_per", "unit");
    }
    let mut used: HashSet<&'static str> =
        present.iter().map(|name| names.get(name).copied().unwrap_or(name)).collect();
    for name in present.iter().filter(|n| n.starts_with('?')) {
        if names.contains_key(name) {
            continue;
        }
        let cells: Vec<&Vec<Word>> = body.iter().filter_map(|c| c.get(name)).collect();
        if let Some(new) = by_form(&cells, body.len(), &used, reading) {
            names.insert(name, new);
            used.insert(new);
        }
    }
    goods_by_form(&body, &mut names, &present);
    for name in ["line_no", "tax_rate"] {
        let words: Vec<&Vec<Word>> = body.iter().filter_map(|c| c.get(name)).collect();
        let cells: Vec<String> = words.iter().map(|w| join(w)).collect();
        if cells.is_empty() || names.contains_key(name) {
            continue;
        }
        let fits = |text: &String| match name {
            "line_no" => super::body::is_line_number(text),
            // amounts and codes of taxes are no rates
            _ => {
                text.split_whitespace().any(|w| w.len() >= 2 && w.ends_with('%'))
                    || parse_number(text, reading.style)
                        .is_some_and(|n| text.ends_with('%') || n.is_zero() || is_rate(n))
            }
        };
        if name == "line_no" && counts_in_letters(&cells) {
            continue;
        }
        if cells.iter().filter(|t| fits(t)).count() * 2 < cells.len() {
            let code = name == "line_no" && !used.contains("sku");
            let form = || by_form(&words, body.len(), &used, reading).filter(|_| name == "line_no");
            let new = if code { "sku" } else { form().unwrap_or("?") };
            names.insert(name, new);
            used.insert(new);
        }
    }
    // a head that only says `Article` or `Item` may stand over text, or over numbers that count
    for code in ["sku", "customer_sku"] {
        let figures = |c: &&&Cells| {
            ["quantity", "amount", "unit_price"]
                .iter()
                .any(|f| c.get(f).is_some_and(|w| number(w, reading).is_some()))
        };
        let goods = body.iter().filter(figures).filter_map(|c| c.get(code));
        let items: Vec<String> = goods.map(|w| join(w)).collect();
        if items.is_empty() || names.contains_key(code) || names.values().any(|new| *new == code) {
            continue;
        }
        let text = |t: &&String| t.contains(' ') && t.chars().filter(|c| c.is_alphabetic()).count() >= 5;
        if !used.contains("description")
            && items.iter().filter(text).count() * 10 >= items.len() * AGREE_TENTHS
        {
            names.insert(code, "description");
            used.insert("description");
        } else if !used.contains("line_no") && counts_from_start(&items) {
            names.insert(code, "line_no");
            used.insert("line_no");
        }
    }
    if !used.contains("discount")
        && let Some(off) = by_discount(&body, &names, reading)
    {
        names.insert(off, "discount");
    }
    names.retain(|old, new| old != new);
    if names.is_empty() {
        return;
    }
    for row in rows {
        let old = std::mem::take(row);
        for (name, words) in old {
            let name = names.get(name).copied().unwrap_or(name);
            row.entry(name).or_default().extend(words);
        }
    }
}

/// A column taken for the goods that holds codes gives way to one that holds text.
fn goods_by_form(
    body: &[&Cells],
    names: &mut BTreeMap<&'static str, &'static str>,
    present: &BTreeSet<&'static str>,
) {
    let texts =
        |name: &str| -> Vec<String> { body.iter().filter_map(|c| c.get(name)).map(|w| join(w)).collect() };
    let most = |texts: &[String], fits: &dyn Fn(&str) -> bool| {
        !texts.is_empty() && texts.iter().filter(|t| fits(t)).count() * 10 >= texts.len() * AGREE_TENTHS
    };
    if !most(&texts("description"), &super::code::is_code) {
        return;
    }
    let text = |t: &str| t.contains(' ') && t.chars().filter(|c| c.is_alphabetic()).count() >= 6;
    let goods = present
        .iter()
        .filter(|n| n.starts_with('?') && !matches!(names.get(*n), Some(new) if !new.starts_with('?')))
        .find(|n| most(&texts(n), &text));
    if let Some(goods) = goods {
        names.insert("description", "?");
        names.insert(goods, "description");
    }
}

/// Whether a tax may have this rate in percent: few have more than one decimal.
fn is_rate(n: Decimal) -> bool {
    let odd = [Decimal::new(9975, 3), Decimal::new(14_975, 3)];
    let n = n.normalize();
    let least = if n.scale() == 0 { Decimal::from(5) } else { Decimal::from(2) };
    n >= least && n <= Decimal::from(30) && (n.scale() <= 1 || odd.contains(&n))
}

/// `1`, `2`, `3` or `0010`, `0020`: numbers that count the lines from the first.
fn counts_from_start(texts: &[String]) -> bool {
    let short = |t: &&String| t.len() <= 5;
    let numbers: Vec<u32> =
        texts.iter().filter(short).filter_map(|t| t.trim_matches('.').parse().ok()).collect();
    if numbers.len() * 10 < texts.len() * AGREE_TENTHS {
        return false;
    }
    let Some(step) = numbers.first().copied().filter(|first| matches!(first, 1 | 10)) else { return false };
    numbers.windows(2).all(|pair| matches!(pair, [a, b] if *b == a + step))
}

fn number(words: &[Word], reading: &Reading) -> Option<Decimal> {
    parse_number(&join(words), reading.style)
        .or_else(|| words.iter().find_map(|w| parse_number(&w.text, reading.style)))
        .or_else(|| words.iter().find_map(|w| parse_number(glued(&w.text)?.0, reading.style)))
}

/// The columns that multiply to one another on nearly every row are quantity, price and amount.
fn by_arithmetic(body: &[&Cells], reading: &Reading) -> BTreeMap<&'static str, &'static str> {
    let mut columns: BTreeMap<&'static str, Vec<Option<Decimal>>> = BTreeMap::new();
    let all: BTreeSet<&'static str> = body.iter().flat_map(|c| c.keys().copied()).collect();
    for name in all.into_iter().filter(|n| {
        n.starts_with('?')
            || matches!(
                *n,
                "quantity"
                    | "unit_price"
                    | "amount"
                    | "price_per"
                    | "discount"
                    | "tax_rate"
                    | "ordered_quantity"
                    | "unit"
            )
    }) {
        let values: Vec<Option<Decimal>> =
            body.iter().map(|c| c.get(name).and_then(|w| number(w, reading))).collect();
        if values.iter().flatten().count() * 10 >= body.len() * 5 && columns.len() < NUMBERS_MAX {
            columns.insert(name, values);
        }
    }
    let agreeing = |q: &str, p: &str, a: &str| -> (usize, usize) {
        let (Some(q), Some(p), Some(a)) = (columns.get(q), columns.get(p), columns.get(a)) else {
            return (0, 0);
        };
        let (mut right, mut all) = (0, 0);
        for (row, ((quantity, price), amount)) in q.iter().zip(p).zip(a).enumerate() {
            let (Some(quantity), Some(price), Some(amount)) = (quantity, price, amount) else { continue };
            let mut others = columns.values().filter_map(|c| c.get(row).copied().flatten());
            all += 1;
            right += usize::from(multiplies(*quantity, *price, *amount, &mut others));
        }
        (right, all)
    };
    let (right, all) = agreeing("quantity", "unit_price", "amount");
    if all > 0 && right * 2 >= all {
        return BTreeMap::new();
    }
    let mut best: Option<(usize, [&'static str; 3])> = None;
    for q in columns.keys() {
        for p in columns.keys().filter(|p| *p != q) {
            for a in columns.keys().filter(|a| *a != q && *a != p) {
                let (right, all) = agreeing(q, p, a);
                // multiplication does not say which factor is the quantity: heads that do are kept
                let kept = [(q, "quantity"), (p, "unit_price"), (a, "amount")]
                    .iter()
                    .filter(|(column, name)| *column == name)
                    .count();
                let score = right * 4 + kept;
                if right >= 1
                    && right * 10 >= all * AGREE_TENTHS
                    && all * 10 >= body.len() * 5
                    && best.as_ref().is_none_or(|(s, _)| score > *s)
                {
                    best = Some((score, [q, p, a]));
                }
            }
        }
    }
    let Some((_, [q, p, a])) = best else { return BTreeMap::new() };
    let mut names = BTreeMap::from([(q, "quantity"), (p, "unit_price"), (a, "amount")]);
    // a head that lost its name to another column stands aside
    for old in ["quantity", "unit_price", "amount"] {
        if columns.contains_key(old) && !names.contains_key(old) {
            names.insert(old, "?");
        }
    }
    names
}

/// The column without a name whose numbers, in percent, are what the amounts lack.
fn by_discount(
    body: &[&Cells],
    names: &BTreeMap<&'static str, &'static str>,
    reading: &Reading,
) -> Option<&'static str> {
    let column =
        |wanted: &'static str| names.iter().find(|(_, new)| **new == wanted).map_or(wanted, |(old, _)| *old);
    let [quantity, price, amount] = ["quantity", "unit_price", "amount"].map(column);
    let of = |cells: &Cells, name: &str| number(cells.get(name)?, reading);
    let unnamed: BTreeSet<&'static str> = body.iter().flat_map(|c| c.keys().copied()).collect();
    unnamed.into_iter().filter(|n| n.starts_with('?') && !names.contains_key(n)).find(|name| {
        let proofs = body.iter().filter_map(|cells| {
            let off = number(cells.get(name)?, reading).filter(|off| !off.is_zero())?;
            let (quantity, price, amount) = (of(cells, quantity)?, of(cells, price)?, of(cells, amount)?);
            let made = |off: Option<Decimal>| multiplies(quantity, price, amount, &mut off.into_iter());
            Some(made(Some(off)) && !made(None))
        });
        let (mut right, mut all) = (0, 0);
        for proved in proofs {
            all += 1;
            right += usize::from(proved);
        }
        right >= 1 && right * 10 >= all * AGREE_TENTHS
    })
}

/// Columns of money of which the first less the second is the third, as invoices are paid: gross, discount, amount.
fn by_difference(body: &[&Cells], reading: &Reading) -> BTreeMap<&'static str, &'static str> {
    let all: BTreeSet<&'static str> = body.iter().flat_map(|c| c.keys().copied()).collect();
    let money: Vec<&'static str> = all
        .iter()
        .filter(|n| n.starts_with('?') || matches!(**n, "gross" | "discount" | "amount" | "unit_price"))
        .copied()
        .take(NUMBERS_MAX)
        .collect();
    if all.contains("quantity") || money.len() < 3 {
        return BTreeMap::new();
    }
    let value = |cells: &Cells, name: &str| number(cells.get(name)?, reading);
    let mut best: Option<(usize, BTreeMap<&'static str, &'static str>)> = None;
    for gross in &money {
        for off in money.iter().filter(|n| *n != gross) {
            for amount in money.iter().filter(|n| *n != gross && *n != off) {
                let (mut right, mut wrong) = (0, 0);
                for cells in body {
                    let (Some(g), Some(a)) = (value(cells, gross), value(cells, amount)) else { continue };
                    let off = value(cells, off).unwrap_or_default();
                    let fits = g.checked_sub(off.abs()) == Some(a);
                    right += usize::from(fits && !off.is_zero());
                    wrong += usize::from(!fits);
                }
                // what was taken off and what is left are told apart by their heads
                let names = [(*gross, "gross"), (*off, "discount"), (*amount, "amount")];
                let kept = names.iter().filter(|(column, name)| column == name).count();
                if right >= 1 && right >= wrong * 4 && best.as_ref().is_none_or(|(most, _)| kept > *most) {
                    best = Some((kept, BTreeMap::from(names)));
                }
            }
        }
    }
    if let Some((_, mut names)) = best {
        names.extend(paid_documents(body).map(|column| (column, "invoice_number")));
        return names;
    }
    BTreeMap::new()
}

/// `1/A`, `1/B`, `2/A`: short, and each greater than the one above.
fn counts_in_letters(texts: &[String]) -> bool {
    let short = |t: &String| t.chars().count() <= 4 && t.chars().any(char::is_alphanumeric);
    texts.len() >= 3
        && texts.iter().all(short)
        && texts
            .windows(2)
            .all(|pair| matches!(pair, [a, b] if a.len() < b.len() || a.len() == b.len() && a < b))
}

/// Of several columns of numbers of documents, the first: what is paid comes before what it is for.
fn paid_documents(body: &[&Cells]) -> Option<&'static str> {
    if body.iter().any(|c| c.contains_key("invoice_number")) {
        return None;
    }
    let all: BTreeSet<&'static str> = body.iter().flat_map(|c| c.keys().copied()).collect();
    let codes = all.into_iter().filter(|n| n.starts_with('?') || matches!(*n, "sku" | "customer_sku"));
    let left =
        |name: &str| body.iter().filter_map(|c| Some(c.get(name)?.first()?.x0)).fold(f32::MAX, f32::min);
    codes
        .filter(|name| {
            let cells: Vec<String> = body.iter().filter_map(|c| c.get(name)).map(|w| join(w)).collect();
            let code = |t: &&String| t.len() >= 4 && t.chars().filter(char::is_ascii_digit).count() >= 3;
            cells.len() * 10 >= body.len() * AGREE_TENTHS && cells.iter().all(|t| code(&t))
        })
        .min_by(|a, b| left(a).total_cmp(&left(b)))
}

/// Whether the amount is quantity times price, perhaps less another number of the row in percent.
fn multiplies(
    quantity: Decimal,
    price: Decimal,
    amount: Decimal,
    others: &mut dyn Iterator<Item = Decimal>,
) -> bool {
    let Some(full) = quantity.checked_mul(price).filter(|f| !f.is_zero()) else { return false };
    let cent = Decimal::new(11, 3);
    let hundred = Decimal::ONE_HUNDRED;
    let reduced = |off: Decimal| full.checked_mul(hundred - off).and_then(|r| r.checked_div(hundred));
    (full - amount).abs() <= cent
        || others
            .filter(|off| *off > Decimal::ZERO && *off < hundred)
            .any(|off| reduced(off).is_some_and(|r| (r - amount).abs() <= cent))
}

/// The name that the form of the cells suggests, if no other column has it.
fn by_form(
    cells: &[&Vec<Word>],
    rows: usize,
    used: &HashSet<&'static str>,
    reading: &Reading,
) -> Option<&'static str> {
    let texts: Vec<String> = cells.iter().map(|w| join(w)).collect();
    let most = |n: usize| n > 0 && n * 10 >= texts.len() * AGREE_TENTHS;
    let count = |fits: &dyn Fn(&str) -> bool| texts.iter().filter(|t| fits(t)).count();
    let free = |name: &'static str| (!used.contains(name)).then_some(name);
    if most(count(&|t| t.ends_with('%'))) {
        let same = texts.iter().all(|t| Some(t) == texts.first()) && texts.len() == rows && rows >= 2;
        return free(if same { "tax_rate" } else { "discount" });
    }
    if most(count(&|t| parse_date(t, reading.order).is_some())) {
        return free(if used.contains("invoice_number") { "invoice_date" } else { "delivery_date" });
    }
    let counts_up = texts.len() >= 2 && texts.windows(2).all(|w| {
        let of = |t: &String| t.trim_matches('.').parse::<u32>().ok();
        matches!((w.first().and_then(of), w.last().and_then(of)), (Some(a), Some(b)) if b > a && b - a <= 10)
    });
    if counts_up {
        return free("line_no");
    }
    // `01.0010`, `01.0020`, `02.0010`: numbered by section
    let section = |t: &String| t.starts_with('0') && t.find('.') == Some(2) && super::body::is_line_number(t);
    let ascends = texts.windows(2).all(|pair| matches!(pair, [a, b] if a < b));
    if texts.len() >= 2 && ascends && texts.iter().all(section) {
        return free("line_no");
    }
    let letters = |t: &str| t.chars().all(|c| c.is_alphabetic() || matches!(c, '.' | '/' | '²' | '³'));
    let distinct: HashSet<&String> = texts.iter().collect();
    let usual = count(&is_usual_unit) * 10 >= texts.len() * USUAL_TENTHS;
    if most(count(&|t| letters(t) && t.chars().count() <= 8))
        && (distinct.len() * 2 <= texts.len() + 2 || usual)
    {
        return free("unit");
    }
    let code = |t: &str| {
        !t.contains(' ')
            && t.len() >= 4
            && t.chars().any(|c| c.is_ascii_digit())
            && parse_number(t, reading.style)
                .is_none_or(|_| t.len() >= 5 && t.chars().all(|c| c.is_ascii_digit()))
    };
    if most(count(&code)) {
        return free("sku");
    }
    if most(count(&|t| t.chars().filter(|c| c.is_alphabetic()).count() >= 6)) {
        return free("description");
    }
    None
}
