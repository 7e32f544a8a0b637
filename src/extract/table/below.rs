//! Rows below a line of goods that go on with it.

use super::{
    SECTION_GAP_PT,
    body::plausible,
    code::is_code,
    edge::Cells,
    item::Item,
    note::{note_column, note_in, notes_in, wraps_on},
};
use crate::extract::{
    date::parse_date,
    draft::Reading,
    layout::{Row, Word, join},
    number::parse_number,
    prose::is_usual_unit,
};

/// Takes in a further row of a line; false if the row does not belong to it.
pub(super) fn continues(
    item: &mut Item,
    row: &Row,
    cells: Cells,
    (description_x, right_edge): (Option<f32>, f32),
    lower_code: Option<&str>,
    reading: &Reading,
) -> bool {
    let words = row.words();
    let several = notes_in(&words);
    if several.len() >= 2 {
        item.notes.extend(several);
        return true;
    }
    if row.segments.iter().all(|s| note_in(&s.words).is_some()) {
        item.notes.extend(row.segments.iter().filter_map(|s| note_in(&s.words)));
        return true;
    }
    if let Some(note) = note_in(&words) {
        item.notes.push(note);
        return true;
    }
    let mut cells = cells;
    let mut taken = take_typed(item, row, reading);
    let notes = row.segments.iter().filter_map(|s| Some((note_in(&s.words)?, &s.words)));
    for (note, words) in notes
        .filter(|(_, words)| !words.iter().any(|w| taken.iter().any(|t| t.rect == w.rect)))
        .collect::<Vec<_>>()
    {
        item.notes.push(note);
        taken.extend(words.iter().cloned());
    }
    for words in cells.values_mut() {
        words.retain(|w| !taken.iter().any(|t| t.rect == w.rect));
    }
    cells.retain(|_, words| !words.is_empty());
    if cells.is_empty() && !taken.is_empty() {
        return true;
    }
    gather_text(row, &mut cells);
    let only_description = cells.keys().all(|k| *k == "description");
    if !only_description && row.segments.len() == 1 && cells.values().map(Vec::len).sum::<usize>() > 0 {
        let x = row.segments.first().map_or(0.0, crate::extract::layout::Segment::x0);
        let lone = cells.keys().next().copied().unwrap_or_default();
        let wraps = matches!(lone, "sku" | "customer_sku" | "unit" | "delivery_date" | "quantity")
            && cells.len() == 1
            && !plausible("description", &words, reading);
        if description_x.is_some_and(|d| x + SECTION_GAP_PT < d) && !wraps {
            return false;
        }
    }
    let has_unit = item.cells.contains_key("unit");
    let is_date = |words: &[Word]| parse_date(&join(words), reading.order).is_some();
    for (name, more) in cells {
        // the goods' name below their number
        let name = if under_code(item, name, &more) { "description" } else { name };
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
            // `Needed:` over its day
            Some(words) if name == "delivery_date" && !is_date(words) && is_date(&more) => *words = more,
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

/// A text is one cell, however far it runs below other columns.
fn gather_text(row: &Row, cells: &mut Cells) {
    for segment in &row.segments {
        let letters = segment.words.iter().flat_map(|w| w.text.chars()).filter(|c| c.is_alphabetic()).count();
        let holds = |words: &[Word], one: &Word| words.iter().any(|w| w.rect == one.rect);
        let Some(first) = segment.words.first().filter(|_| letters >= NAME_LETTERS_MIN) else { continue };
        let column = cells.iter().find(|(_, words)| holds(words, first)).map(|(name, _)| *name);
        let Some(name @ ("description" | "sku" | "customer_sku")) = column else { continue };
        let words: Vec<Word> =
            segment.words.iter().filter(|w| cells.values().any(|cell| holds(cell, w))).cloned().collect();
        if cells.get(name).is_some_and(|cell| cell.len() == words.len()) {
            continue;
        }
        for cell in cells.values_mut() {
            cell.retain(|w| !holds(&words, w));
        }
        let cell = cells.entry(name).or_default();
        cell.extend(words);
        cell.sort_by(|one, other| one.x0.total_cmp(&other.x0));
        cells.retain(|_, words| !words.is_empty());
    }
}

/// Whether the words are the goods' name, in the column of its number.
fn under_code(item: &Item, column: &str, words: &[Word]) -> bool {
    let (Some(first), Some(above)) = (words.first(), item.cells.get(column).and_then(|c| c.first())) else {
        return false;
    };
    let named = item.cells.get("description").and_then(|d| d.first());
    let letters = words.iter().flat_map(|w| w.text.chars()).filter(|c| c.is_alphabetic()).count();
    matches!(column, "sku" | "customer_sku")
        && is_code(&above.text)
        && letters >= NAME_LETTERS_MIN
        && (words.len() >= 2 || !is_code(&first.text))
        // further rows go on with the first
        && named.is_none_or(|n| (n.x0 - first.x0).abs() < SECTION_GAP_PT && n.y0 > above.y1)
}

/// Letters of the goods' name at least.
const NAME_LETTERS_MIN: usize = 4;

/// How far right of a line what goes on with it may end, in points.
const BESIDE_PT: f32 = 60.0;

/// Takes what its form alone tells from a row below a line that lacks it: a day, an item number, a count with its unit,
/// a labelled value behind other words. Returns the words taken.
fn take_typed(item: &mut Item, row: &Row, reading: &Reading) -> Vec<Word> {
    let figures = row.words().iter().filter(|w| parse_number(&w.text, reading.style).is_some()).count();
    let mut taken: Vec<Word> = Vec::new();
    if figures > row.segments.len() + 1 {
        return taken;
    }
    // what stands beside the table is not of it
    let line = || item.cells.values().flatten();
    let left = line().map(|w| w.x0).fold(f32::MAX, f32::min) - SECTION_GAP_PT;
    let right = line().map(|w| w.x1).fold(0.0, f32::max) + BESIDE_PT;
    for segment in row.segments.iter().filter(|s| s.x0() >= left && s.x1() <= right) {
        let words = segment.words.as_slice();
        let label = (0..words.len()).find_map(|at| {
            let note = note_in(words.get(at..)?)?;
            let money = matches!(note_column(&note.0), None | Some("amount" | "unit_price" | "gross"));
            (note.0.closed && !money).then_some((at, note))
        });
        let labelled = label.is_some();
        let words = match label {
            Some((at, note)) => {
                taken.extend(words.iter().skip(at).cloned());
                item.notes.push(note);
                words.get(..at).unwrap_or_default()
            }
            None => words,
        };
        if let Some(name) = typed(item, words, (row.segments.len(), labelled), reading) {
            taken.extend(words.iter().cloned());
            if name == "quantity" {
                item.cells.insert("quantity", words.iter().take(1).cloned().collect());
                item.cells.entry("unit").or_insert_with(|| words.iter().skip(1).cloned().collect());
            } else {
                item.cells.insert(name, words.to_vec());
            }
        }
    }
    taken
}

/// The column that these words fill by their form, if the line has nothing there.
fn typed(
    item: &Item,
    words: &[Word],
    (segments, labelled): (usize, bool),
    reading: &Reading,
) -> Option<&'static str> {
    let has = |name: &str| item.cells.contains_key(name);
    let text = join(words);
    let date = parse_date(&text, reading.order).filter(|d| d.words == words.len());
    if date.is_some() && !has("delivery_date") && !has("invoice_date") {
        return Some("delivery_date");
    }
    match words {
        [code] if date.is_none() && segments >= 2 && is_code(&code.text) => {
            let free = !has("sku") && !has("customer_sku");
            let known = reading.catalogue.has_sku(&code.text) && !has("sku");
            let figure = parse_number(&code.text, reading.style).is_some() && code.text.contains(['.', ',']);
            (known || free && !figure).then_some("sku")
        }
        [count, unit] if !has("quantity") && !has("unit") => {
            let letters = unit.text.chars().count() <= 6 && unit.text.chars().all(char::is_alphabetic);
            let counted = parse_number(&count.text, reading.style).is_some()
                && (is_usual_unit(&unit.text) || labelled && letters);
            counted.then_some("quantity")
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use crate::extract::testing::check_lines as check;

    #[test]
    fn what_stands_below_a_line_is_known_by_its_form() {
        check(
            "PURCHASE ORDER 4711\n\nLine   Description                Quantity   Unit     Unit price     Amount\n\
             1      Ear plugs SNR 37              5      CTN          24.96     124.80\n\
             \x20                436962            2026-09-24\n\
             2      Timing pulley                40      PCE          36.44   1,457.60\n\
             \x20                68/2171           2026-09-25\n",
            &["sku", "description", "delivery_date"],
            &[&["436962", "Ear plugs SNR 37", "2026-09-24"], &["68/2171", "Timing pulley", "2026-09-25"]],
        );
    }

    #[test]
    fn lines_of_two_rows_have_heads_of_two_rows() {
        check(
            "PURCHASE ORDER 4711\n\n\
             Line   Article no.          Quantity   Unit    Unit price   Amount\n\
             \x20      Description          Delivery date\n\
             10     B7420-27                    4   pcs          75.56   302.24\n\
             \x20      Bottle crate         2026-02-09\n\
             20     5926-909                    2   pcs         280.95   561.90\n\
             \x20      Pressure gauge       2026-02-10\n",
            &["line_no", "sku", "description", "quantity", "delivery_date"],
            &[
                &["10", "B7420-27", "Bottle crate", "4", "2026-02-09"],
                &["20", "5926-909", "Pressure gauge", "2", "2026-02-10"],
            ],
        );
    }
}
