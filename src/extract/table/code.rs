//! Item numbers that stand in the cell of something else: in brackets, behind a label, over or before the goods' name.

use super::edge::Cells;
use crate::extract::{
    draft::Reading,
    label::{column_of, label_at},
    layout::{Word, join},
};

/// Words of a description in which a label is looked for at most.
const WORDS_MAX: usize = 60;

/// Takes item numbers out of cells that hold them with something else.
pub(crate) fn split(cells: &mut Cells, reading: &Reading) {
    split_square_brackets(cells);
    split_code(cells);
    split_labelled_code(cells);
    split_bracketed_code(cells);
    split_inner_code(cells, reading);
    split_text(cells);
}

/// Positions in the column of item numbers, `10 B7420-27` over `20 B7420-31`: numbers that rise from line to line.
pub(super) fn part_positions(rows: &mut [Cells]) {
    if rows.iter().any(|cells| cells.contains_key("line_no")) {
        return;
    }
    for name in ["sku", "customer_sku"] {
        let filled: Vec<&Vec<Word>> = rows.iter().filter_map(|cells| cells.get(name)).collect();
        let positions: Option<Vec<u32>> = filled.iter().map(|words| position(words)).collect();
        let Some(positions) = positions.filter(|all| all.len() >= 2) else { continue };
        if positions.windows(2).all(|pair| matches!(pair, [a, b] if a < b)) {
            for cells in rows.iter_mut() {
                let Some(words) = cells.get_mut(name) else { continue };
                let own = words.drain(..1).collect();
                cells.insert("line_no", own);
            }
            return;
        }
    }
}

/// The number before an item number.
fn position(words: &[Word]) -> Option<u32> {
    let [first, code @ ..] = words else { return None };
    let plain = first.text.len() <= 4 && first.text.chars().all(|c| c.is_ascii_digit());
    (plain && is_code(&join(code))).then(|| first.text.parse().ok()).flatten()
}

/// `[B7420-27] Bottle crate`.
fn split_square_brackets(cells: &mut Cells) {
    if let Some(words) = cells.get("description")
        && !cells.contains_key("sku")
        && let Some(first) = words.first()
        && first.text.starts_with('[')
        && let Some(end) = words.iter().position(|w| w.text.ends_with(']'))
    {
        let sku: Vec<Word> = words.iter().take(end + 1).cloned().collect();
        let rest: Vec<Word> = words.iter().skip(end + 1).cloned().collect();
        cells.insert("sku", sku);
        cells.insert("description", rest);
    }
}

/// An item number with its label behind the goods' name: `Drain pipe DN100; product code 9172-734`.
fn split_inner_code(cells: &mut Cells, reading: &Reading) {
    let Some(words) = cells.get("description") else { return };
    let found = (1..words.len().min(WORDS_MAX)).find_map(|at| {
        let rest = words.get(at..)?;
        let label = label_at(rest.iter().map(|w| w.text.as_str()))?;
        let name = column_of(&label).filter(|n| matches!(*n, "sku" | "customer_sku"))?;
        let code = rest.get(label.words)?;
        let bare = code.text.trim_end_matches([')', '.', ',', ';']);
        let known = reading.catalogue.has_sku(bare) || reading.catalogue.has_customer_sku(bare);
        let short = rest.get(label.words - 1).is_some_and(|w| w.text.ends_with('.'));
        // `Model 4000` is part of a name, `Ref. job 22-5708` a reference of the buyer
        let sided = label.any(&["supplier", "your", "our", "customer", "buyer"]);
        let said = known
            || (label.any(&["article"]) || sided && label.any(&["ref", "number"]))
                && (label.words >= 2 || label.closed || short);
        (said && is_code(bare)).then(|| (at, label.words + 1, name, label, bare.to_owned()))
    });
    let Some((at, used, name, label, bare)) = found else { return };
    let Some(code) = words.get(at + used - 1) else { return };
    let code = vec![Word { text: bare, ..code.clone() }];
    let mut rest: Vec<Word> = words.iter().take(at).chain(words.iter().skip(at + used)).cloned().collect();
    if let Some(last) = rest.get_mut(at - 1) {
        last.text.truncate(last.text.trim_end_matches([',', ';', '(', '-', '–', '/']).len());
    }
    rest.retain(|w| !w.text.is_empty());
    if cells.contains_key(name) {
        // the number that has a column of its own is the other side's
        let other = if name == "sku" { "customer_sku" } else { "sku" };
        let sided =
            label.any(if name == "sku" { &["supplier", "your"] } else { &["our", "customer", "buyer"] });
        let known = reading.catalogue.has_sku(&join(&code))
            && !cells.get(name).is_some_and(|own| reading.catalogue.has_sku(&join(own)));
        if cells.contains_key(other) || !sided && !(known && name == "sku") {
            return;
        }
        if let Some(own) = cells.remove(name) {
            let counts = super::body::is_line_number(&join(&own)) && !cells.contains_key("line_no");
            cells.insert(if counts { "line_no" } else { other }, own);
        }
    }
    cells.insert(name, code);
    if !rest.is_empty() {
        cells.insert("description", rest);
    }
}

/// Letters, digits and marks that item numbers are made of, at least one digit among them.
pub(super) fn is_code(text: &str) -> bool {
    text.len() >= 4
        && text.chars().any(|c| c.is_ascii_digit())
        && text.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '.' | '/' | '_'))
}

/// An item number in brackets with its label, `Drain pipe (your code 9172-734)`.
fn split_bracketed_code(cells: &mut Cells) {
    let Some(words) = cells.get("description") else { return };
    let open = words.iter().rposition(|w| w.text.starts_with('('));
    let Some((at, inside)) = open.and_then(|at| Some((at, words.get(at..)?))) else { return };
    let Some(label) = label_at(inside.iter().map(|w| w.text.as_str())) else { return };
    let Some(name) = column_of(&label).filter(|n| matches!(*n, "sku" | "customer_sku")) else { return };
    let Some([code]) = inside.get(label.words..) else { return };
    let bare = code.text.trim_end_matches([')', '.', ',']);
    if at == 0 || cells.contains_key(name) || !bare.chars().any(|c| c.is_ascii_digit()) {
        return;
    }
    let code = Word { text: bare.to_owned(), ..code.clone() };
    let rest = words.iter().take(at).cloned().collect();
    cells.insert(name, vec![code]);
    cells.insert("description", rest);
}

/// A column of item numbers in which the goods are named too: `R-03692  Plotter paper, 610 mm`.
fn split_text(cells: &mut Cells) {
    if cells.contains_key("description") {
        return;
    }
    for name in ["sku", "customer_sku", "line_no"] {
        let Some([code, text @ ..]) = cells.get(name).map(Vec::as_slice) else { continue };
        let letters = join(text).chars().filter(|c| c.is_alphabetic()).count();
        let coded = code.text.chars().any(|c| c.is_ascii_digit()) && !code.text.ends_with(':');
        if coded && letters >= 3 {
            let (code, text) = (vec![code.clone()], text.to_vec());
            let column =
                if name == "line_no" && code.iter().any(|w| w.text.len() >= 4) { "sku" } else { name };
            cells.remove(name);
            cells.entry(column).or_insert(code);
            cells.insert("description", text);
            return;
        }
    }
}

/// An item number with its label at the start of the description: `Catalog No. 4711`.
fn split_labelled_code(cells: &mut Cells) {
    let Some(words) = cells.get("description") else { return };
    let Some(label) = label_at(words.iter().map(|w| w.text.as_str())) else { return };
    let Some(name) = column_of(&label).filter(|n| matches!(*n, "sku" | "customer_sku")) else { return };
    let Some(code) = words.get(label.words) else { return };
    let own_row = words.get(label.words + 1).is_none_or(|w| w.y0 > f32::midpoint(code.y0, code.y1));
    let digits = code.text.chars().any(|c| c.is_ascii_digit());
    if own_row && digits && label.any(&["article", "number"]) && !cells.contains_key(name) {
        let rest: Vec<Word> = words.iter().skip(label.words + 1).cloned().collect();
        let code = vec![code.clone()];
        cells.insert(name, code);
        if rest.is_empty() {
            cells.remove("description");
        } else {
            cells.insert("description", rest);
        }
    }
}

/// An item number that stands alone in the first row of the description's cell.
fn split_code(cells: &mut Cells) {
    if cells.contains_key("sku") || cells.contains_key("customer_sku") {
        return;
    }
    let Some(words) = cells.get("description") else { return };
    let Some(first) = words.first() else { return };
    let alone = words.get(1).is_none_or(|w| w.y0 > f32::midpoint(first.y0, first.y1));
    let code = first.text.len() >= 4
        && first.text.chars().any(|c| c.is_ascii_digit())
        && first.text.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '.' | '/'));
    if alone && code && words.len() >= 2 {
        let (head, rest) = (vec![first.clone()], words.iter().skip(1).cloned().collect());
        cells.insert("sku", head);
        cells.insert("description", rest);
    }
}

#[cfg(test)]
mod tests {
    use crate::extract::testing::lines_of;

    #[test]
    fn positions_in_the_column_of_item_numbers_are_none_of_them() {
        let text = "PURCHASE ORDER 4711\n\nItem            Description      Quantity    Price    Amount\n\
                    10 B7420-27     Bottle crate     2           6.50     13.00\n\
                    20 B7420-31     Ear plugs        3           2.00      6.00\n";
        let lines = lines_of(text, &["line_no", "sku", "description"]);
        assert_eq!(lines, [["10", "B7420-27", "Bottle crate"], ["20", "B7420-31", "Ear plugs"]]);
    }

    #[test]
    fn a_labelled_number_behind_the_goods_is_theirs() {
        for (text, code) in
            [("Drain pipe; product code 9172-734", "9172-734"), ("Drain pipe, art. 516135", "516135")]
        {
            let text = format!(
                "PURCHASE ORDER 4711\n\nPos  Description                          Quantity    Price    Amount\n\
                 1    {text:<36} 2         6.50     13.00\n"
            );
            let lines = lines_of(&text, &["sku", "description"]);
            assert_eq!(lines, [[code, "Drain pipe"]], "{text}");
        }
    }
}
