//! Who is who: the buyer, the vendor, and the addresses to ship and to bill to.
//!
//! Address blocks hang below or right of their labels, also side by side. The buyer is whom the blocks name, or who
//! stands on the letterhead; the vendor is us if our name stands on the page. Does not: look addresses up.

mod letterhead;
mod name;
mod role;
mod search;

use super::{
    confidence::from_words,
    draft::{Reading, propose},
    field::{Marked, is_form},
    label::label_at,
    layout::{Layout, Row, Segment, Word, join},
};
use crate::{
    model::{account::Known, draft::Proposal},
    validate::account::fold,
};
use name::join_legal_form;
pub use name::{has_postcode, looks_like_company, title_words, without_title};
use role::name_parties;
use std::collections::{BTreeMap, HashSet};

/// Rows in one address block at most.
const BLOCK_ROWS_MAX: usize = 9;

struct Block {
    lines: Vec<Vec<Word>>,
}

impl Block {
    /// A whole address in one row: `Mill Ltd, Mill Lane 7, Ely CB7 4AB`.
    fn in_one_row(&self) -> bool {
        let text = self.text();
        self.lines.len() <= 2
            && text.matches(", ").count() >= 2
            && text.chars().filter(char::is_ascii_digit).count() >= 3
    }

    fn words(&self) -> Vec<Word> {
        self.lines.iter().flatten().cloned().collect()
    }

    fn text(&self) -> String {
        self.lines
            .iter()
            .map(|l| join(l).trim_end_matches([',', ';']).to_owned())
            .collect::<Vec<_>>()
            .join(", ")
    }
}

/// Parties and addresses.
pub fn find_parties(
    layout: &Layout,
    marks: &[Vec<Option<Marked>>],
    table_rows: &HashSet<usize>,
    reading: &Reading,
    known: &Known,
) -> BTreeMap<String, Proposal> {
    let mut out = BTreeMap::new();
    let mut blocks: BTreeMap<&'static str, Block> = BTreeMap::new();
    if !is_form(reading.kind) {
        let has_vendor = has_vendor(layout, marks);
        for (index, row) in layout.rows.iter().enumerate().filter(|(i, _)| !table_rows.contains(i)) {
            for at in 0..row.segments.len() {
                let Some(marked) =
                    marks.get(index).and_then(|r| r.get(at)).and_then(Option::as_ref).filter(|m| m.whole)
                else {
                    continue;
                };
                let role = match marked.field {
                    // `To` names the place where the vendor has a label of its own
                    Some("vendor") if has_vendor && is_bare_to(&marked.label.text) => "ship_to",
                    Some(role @ ("ship_to" | "bill_to" | "vendor")) => role,
                    Some("requested_date") if marked.label.asks_only("delivery") => "ship_to",
                    Some("buyer_contact")
                        if marked.label.text == "buyer" || marked.label.text == "acheteur" =>
                    {
                        "buyer"
                    }
                    // `Firma` over an address salutes whom the letter goes to
                    Some("customer_name") if salutes(marked, row, at) && !has_vendor => "vendor",
                    Some("customer_name") => "buyer",
                    _ if is_from(marked) && answers_to(layout, marks, index, at) => "buyer",
                    // `Lev.` also stands for a delivery
                    None if is_short_vendor(&marked.label.text)
                        && row.segments.get(at + 1).is_some_and(|s| looks_like_company(&s.text())) =>
                    {
                        "vendor"
                    }
                    // `Auftraggeber` asks for the company or for a person of it
                    None | Some("buyer_contact")
                        if marked.label.any(&["buyer"])
                            && !marked.label.any(&["contact", "number", "email", "date"]) =>
                    {
                        let right = row.segments.get(at + 1).map(Segment::text).unwrap_or_default();
                        if !looks_like_company(&right) {
                            continue;
                        }
                        "buyer"
                    }
                    _ => continue,
                };
                let person = marked.field == Some("buyer_contact") && role == "buyer";
                if let Some(block) = block(layout, marks, table_rows, index, at, marked)
                    && (role == "vendor" || role == "buyer" || block.lines.len() >= 2 || block.in_one_row())
                    && (!is_from(marked) || names_sender(&block))
                    && (!person || block.lines.len() >= 3 || looks_like_company(&block.text()))
                {
                    let better =
                        blocks.get(role).is_none_or(|old| old.lines.len() < 2 && block.lines.len() >= 2);
                    if better {
                        blocks.insert(role, block);
                    }
                }
            }
        }
        for role in ["ship_to", "bill_to"] {
            if let Some(b) = blocks.get(role) {
                let words = b.words();
                let base = if b.lines.len() >= 3 {
                    0.95
                } else if b.in_one_row() {
                    0.9
                } else {
                    0.7
                };
                out.insert(
                    role.to_owned(),
                    propose(b.text(), &words, from_words(base, &words, reading.trusted)),
                );
            }
        }
    }
    name_parties(layout, marks, table_rows, &blocks, reading, known, &mut out);
    out
}

/// `Lev.`, `Lief.`: short for the vendor, if not for a delivery.
fn is_short_vendor(label: &str) -> bool {
    matches!(label, "lev" | "lief" | "fourn" | "supp")
}

/// Whether a label other than `To` names the vendor's company.
fn has_vendor(layout: &Layout, marks: &[Vec<Option<Marked>>]) -> bool {
    layout.rows.iter().zip(marks).enumerate().any(|(index, (row, marks))| {
        row.segments.iter().zip(marks).enumerate().any(|(at, (segment, marked))| {
            let asks = marked.as_ref().is_some_and(|m| {
                let label = m.label.text.as_str();
                m.whole && (m.field == Some("vendor") && !is_bare_to(label) || is_short_vendor(label))
            });
            let right = row.segments.get(at + 1);
            let below = layout.rows.get(index + 1).into_iter().flat_map(|r| &r.segments);
            let mut values = right.into_iter().chain(below.filter(|s| (s.x0() - segment.x0()).abs() < 9.0));
            asks && values.any(|s| looks_like_company(&s.text()))
        })
    })
}

/// `Firma` alone, without a colon and with nothing beside it.
fn salutes(marked: &Marked, row: &Row, at: usize) -> bool {
    let label = &marked.label;
    let alone = row.segments.get(at).is_some_and(|s| s.words.len() == 1);
    label.text == "firma" && !label.closed && alone && at == 0
}

/// `From:`, `Von:`, `Från:`, `De:` at the head of a fax, or alone in a cell.
fn is_from(marked: &Marked) -> bool {
    (marked.label.closed || marked.whole)
        && matches!(marked.label.text.as_str(), "from" | "von" | "fran" | "de")
}

/// Whether a block tells a company or a whole address, not whose mail it was.
fn names_sender(block: &Block) -> bool {
    let text = block.text();
    !text.contains('@') && (block.lines.len() >= 2 || looks_like_company(&text))
}

/// Rows between the heads `To` and `From` at most.
const TO_FROM_ROWS: usize = 6;

/// Whether a head such as `From` stands under, over or beside its `To`.
fn answers_to(layout: &Layout, marks: &[Vec<Option<Marked>>], index: usize, at: usize) -> bool {
    let place = |row: usize, at: usize| layout.rows.get(row)?.segments.get(at).map(Segment::x0);
    let rows = index.saturating_sub(TO_FROM_ROWS)..=index + TO_FROM_ROWS;
    rows.flat_map(|row| marks.get(row).into_iter().flatten().enumerate().map(move |m| (row, m)))
        .filter(|(_, (_, marked))| {
            marked.as_ref().is_some_and(|m| (m.label.closed || m.whole) && is_bare_to(&m.label.text))
        })
        .any(|(row, (other, _))| {
            row == index || place(row, other).zip(place(index, at)).is_some_and(|(a, b)| (a - b).abs() < 12.0)
        })
}

fn is_bare_to(label: &str) -> bool {
    matches!(label, "to" | "an" | "till" | "a")
}

/// How far a block may be indented below its label, in points.
const INDENT_MAX_PT: f32 = 90.0;

/// The lines of the block that belongs to a label.
fn block(
    layout: &Layout,
    marks: &[Vec<Option<Marked>>],
    table_rows: &HashSet<usize>,
    index: usize,
    at: usize,
    marked: &Marked,
) -> Option<Block> {
    let row = layout.rows.get(index)?;
    let segment = row.segments.get(at)?;
    let is_label = |r: usize, s: usize| {
        marks
            .get(r)
            .and_then(|m| m.get(s))
            .and_then(Option::as_ref)
            .is_some_and(|m| m.whole && (m.field.is_some() || m.is_numbered() || is_from(m)))
    };
    let inside = segment.words.get(marked.label.words..).unwrap_or_default();
    // a hint in brackets is part of the label
    let inside = if inside.first().is_some_and(|w| w.text.starts_with('(')) { &[] } else { inside };
    let mut lines: Vec<Vec<Word>> = Vec::new();
    let right = row
        .segments
        .get(at + 1)
        .filter(|s| !is_label(index, at + 1) && s.x0() - segment.x1() < 0.25 * layout.width);
    let under = |x: f32| {
        layout
            .rows
            .get(index + 1)
            .filter(|r| r.page == row.page && r.y0() - row.y1() < 2.2 * segment.height())
            .and_then(|r| r.segments.iter().find(|s| (s.x0() - x).abs() < 9.0))
    };
    // boxes with their labels below them
    if inside.is_empty() && !marked.label.closed && under(segment.x0()).is_none() {
        let lines = block_above(layout, table_rows, index, segment, &is_label);
        if !lines.is_empty() {
            return finish(lines);
        }
    }
    let x = if let Some(first) = inside.first() {
        lines.push(inside.to_vec());
        if under(first.x0).is_some() { first.x0 } else { segment.x0() }
    } else if let Some(right) = right.filter(|r| under(r.x0()).is_some_and(|_| under(segment.x0()).is_none()))
    {
        lines.push(right.words.clone());
        right.x0()
    } else {
        // plain text mails indent the block below its label
        let below = layout.rows.get(index + 1).filter(|r| r.page == row.page).and_then(|r| {
            let reach = if marked.label.closed && r.segments.len() == 1 { INDENT_MAX_PT } else { 30.0 };
            r.segments.iter().find(|s| s.x0() > segment.x0() - 8.0 && s.x0() < segment.x0() + reach)
        });
        let below = below.or_else(|| under_heads(layout, index, at, &is_label));
        below.map_or(segment.x0(), Segment::x0)
    };
    let mut x_value = x;
    let mut bottom = row.y1();
    let mut pitch = 2.6 * segment.height();
    for i in index + 1..(index + 1 + 3 * BLOCK_ROWS_MAX).min(layout.rows.len()) {
        let Some(next) = layout.rows.get(i).filter(|r| r.page == row.page && !table_rows.contains(&i)) else {
            break;
        };
        let Some((s, found)) = next
            .segments
            .iter()
            .enumerate()
            .find(|(_, s)| (s.x0() - x).abs() < 7.0 || (s.x0() - x_value).abs() < 7.0)
        else {
            // rows of a neighbouring block may lie between
            if next.y0() - bottom > pitch {
                break;
            }
            continue;
        };
        let gap = found.y0() - bottom;
        let part = marks
            .get(i)
            .and_then(|m| m.get(s))
            .and_then(Option::as_ref)
            .and_then(|m| part_of_address(m, found));
        // the box of a form may name its parts before they are filled in
        let named = |m: &Marked| m.is_numbered();
        if lines.is_empty() && marks.get(i).and_then(|m| m.get(s)).and_then(Option::as_ref).is_some_and(named)
        {
            bottom = found.y1();
            continue;
        }
        if gap > pitch
            || part.is_none() && is_label(i, s) && !is_attention(found)
            || lines.len() >= BLOCK_ROWS_MAX
        {
            break;
        }
        let other_label = next.segments.iter().enumerate().any(|(s, left)| {
            stands_under(left, segment, x)
                && (is_label(i, s) || left.words.last().is_some_and(|w| w.text.ends_with(':')))
        });
        if stops(found) || other_label {
            break;
        }
        if let Some(first) = part.as_ref().and_then(|p| p.first()) {
            x_value = first.x0;
        }
        lines.push(part.unwrap_or_else(|| found.words.clone()));
        bottom = found.y1();
        pitch = if lines.len() >= 2 { 1.25 * found.height() } else { 1.8 * found.height() };
    }
    finish(or_beside(lines, right))
}

/// The first line below one of several heads side by side, each set in the middle of its box: as many lines as heads.
fn under_heads<'a>(
    layout: &'a Layout,
    index: usize,
    at: usize,
    is_label: &dyn Fn(usize, usize) -> bool,
) -> Option<&'a Segment> {
    let heads = layout.rows.get(index)?;
    let next = layout.rows.get(index + 1).filter(|r| r.page == heads.page)?;
    let close = next.y0() - heads.y1() < 2.2 * (heads.y1() - heads.y0());
    let count = heads.segments.len();
    let all = (0..count).all(|s| is_label(index, s)) && (0..count).all(|s| !is_label(index + 1, s));
    (close && count >= 2 && next.segments.len() == count && all).then(|| next.segments.get(at)).flatten()
}

/// Whether a segment left of a block stands below the label of the block, at its left or right edge.
fn stands_under(left: &Segment, label: &Segment, block_x: f32) -> bool {
    let edges = [left.x0() - label.x0(), left.x1() - label.x1()];
    left.x0() < block_x - 9.0 && edges.iter().any(|apart| apart.abs() < 9.0)
}

/// The lines, or if they say nothing the whole address, or the name, in the cell beside its label.
fn or_beside(lines: Vec<Vec<Word>>, right: Option<&Segment>) -> Vec<Vec<Word>> {
    let letters = |text: &str| text.chars().filter(|c| c.is_alphabetic()).count();
    if lines.iter().flatten().any(|w| letters(&w.text) >= 2) {
        return lines;
    }
    let named = |s: &&Segment| letters(&s.text()) > s.text().chars().filter(char::is_ascii_digit).count();
    right.filter(named).map(|right| right.words.clone()).into_iter().collect()
}

/// A company without the person behind it: `Brook Supply Ltd, Ann Lee (ann@brook.example)`.
fn without_writer(mut line: Vec<Word>) -> Vec<Word> {
    let comma = line.iter().position(|w| w.text.ends_with(','));
    let mail = line.iter().position(|w| w.text.contains('@'));
    if let Some((comma, _)) = comma.zip(mail).filter(|(comma, mail)| comma < mail)
        && looks_like_company(&join(line.get(..=comma).unwrap_or_default()))
    {
        line.truncate(comma + 1);
    }
    line
}

/// A block of these lines without what is no part of an address.
fn finish(lines: Vec<Vec<Word>>) -> Option<Block> {
    let mut lines: Vec<Vec<Word>> = lines.into_iter().map(without_phone).map(without_writer).collect();
    join_legal_form(&mut lines);
    lines.retain(|l| !l.is_empty() && !is_contact_line(l));
    (!lines.is_empty()).then_some(Block { lines })
}

/// Lines of an address over the label of its box at least.
const ABOVE_ROWS_MIN: usize = 3;
/// Blank between the lines of an address over its label at most, in heights of a line.
const ABOVE_GAP_HEIGHTS: f32 = 0.9;

/// The lines of a box whose label stands below them, if no other label heads them.
fn block_above(
    layout: &Layout,
    table_rows: &HashSet<usize>,
    index: usize,
    label: &Segment,
    is_label: &dyn Fn(usize, usize) -> bool,
) -> Vec<Vec<Word>> {
    let mut lines: Vec<Vec<Word>> = Vec::new();
    let mut top = label.y0();
    for above in (index.saturating_sub(3 * BLOCK_ROWS_MAX)..index).rev() {
        let Some(row) = layout.rows.get(above).filter(|r| r.page == label.page) else { break };
        let found = row.segments.iter().enumerate().find(|(_, s)| (s.x0() - label.x0()).abs() < 4.0);
        let Some((at, segment)) = found else {
            // rows of a neighbouring block may lie between
            if top - row.y1() > ABOVE_GAP_HEIGHTS * label.height() {
                break;
            }
            continue;
        };
        if top - segment.y1() > ABOVE_GAP_HEIGHTS * segment.height() {
            break;
        }
        if is_label(above, at)
            || stops(segment)
            || table_rows.contains(&above)
            || lines.len() >= BLOCK_ROWS_MAX
        {
            return Vec::new();
        }
        lines.insert(0, segment.words.clone());
        top = segment.y0();
    }
    let figures = lines.iter().skip(1).filter(|l| join(l).chars().any(|c| c.is_ascii_digit())).count();
    if lines.len() >= ABOVE_ROWS_MIN && figures >= 1 { lines } else { Vec::new() }
}

/// The words after a label within an address block: `Name: …`, `Street: …`.
fn part_of_address(marked: &Marked, segment: &Segment) -> Option<Vec<Word>> {
    let label = &marked.label;
    let inner = label.closed
        && label.any(&["name", "company", "address"])
        && !label.any(&["delivery", "invoice", "ship"]);
    let words = segment.words.get(label.words..).unwrap_or_default();
    (inner && !words.is_empty()).then(|| words.to_vec())
}

/// A telephone number at the end of a line of an address is no part of it.
fn without_phone(words: Vec<Word>) -> Vec<Word> {
    let end = words.iter().position(|w| {
        label_at(std::iter::once(w.text.as_str()))
            .is_some_and(|l| l.closed && l.any(&["phone", "fax", "email"]))
    });
    words.into_iter().take(end.unwrap_or(usize::MAX)).collect()
}

fn is_attention(segment: &Segment) -> bool {
    let text = fold(&segment.text());
    [
        "attn",
        "att",
        "z hd",
        "zu handen",
        "c o",
        "a l att",
        "a l attention",
        "z h",
        "godsmarkning",
        "attention",
        "accounts payable",
        "accounting",
        "service compta",
        "comptabilit",
        "leverantorsresk",
        "kreditorenb",
        "buchhaltung",
        "ekonomi",
        "finance",
    ]
    .iter()
    .any(|p| text.starts_with(p))
}

/// What ends a letter, folded.
#[rustfmt::skip]
const CLOSINGS: &[&str] = &[
    "thanks", "thank you", "many thanks", "regards", "kind regards", "best regards", "yours", "sincerely", "mvh", "med vanlig", "vanliga halsningar", "tack", "halsningar", "mfg", "mit freundlichen", "viele grusse", "danke", "cordialement", "bien a vous", "merci", "salutations",
];

/// Running text, a day and the end of a letter are no address.
fn stops(segment: &Segment) -> bool {
    let text = segment.text();
    let folded = fold(&text);
    let closes = CLOSINGS.iter().any(|closing| {
        folded.strip_prefix(closing).is_some_and(|rest| rest.is_empty() || rest.starts_with(' '))
    });
    let mut ends = (1..segment.words.len()).filter_map(|at| segment.words.get(at..));
    let dated = segment.words.len() >= 3
        && ends.any(|words| super::date::parse_date(&join(words), super::date::Order::DayFirst).is_some());
    segment.words.len() > 9 || text.ends_with('.') && segment.words.len() > 5 || closes || dated
}

fn is_contact_line(words: &[Word]) -> bool {
    let text = join(words);
    let digits = text.chars().filter(char::is_ascii_digit).count();
    let phone = digits >= 7 && text.chars().filter(|c| c.is_alphabetic()).count() <= 5;
    let label = label_at(words.iter().map(|w| w.text.as_str()))
        .is_some_and(|l| l.any(&["phone", "fax", "email", "web", "vatid"]));
    text.contains('@') || phone || label
}

#[cfg(test)]
mod tests {
    use crate::extract::testing::values_of;

    fn check(text: &str, buyer: &str, vendor: &str) {
        assert_eq!(values_of(text, &["buyer_name", "vendor_name"]), [buyer, vendor], "{text}");
    }

    #[test]
    fn who_buys_and_who_sells() {
        let goods = "\n\nPos  Article no.  Description      Quantity      Price     Amount\n\
                     1    B7420-27     Bottle crate      5 pcs         6.63      33.15\n\nTotal  33.15\n";
        // the line over the window of an envelope, however long
        check(
            &format!(
                "Berghaus & Wirz Anlagenbau AG · 2. OG · Fabrikstrasse 75 · CH-5000 Aarau · Schweiz\n\n\
                 Harbour Tools Schweiz AG\nFabrikstrasse 24\nCH-5000 Aarau\n\nBestellung 4711{goods}"
            ),
            "Berghaus & Wirz Anlagenbau AG",
            "Harbour Tools Schweiz AG",
        );
        // a title and a name in one line
        check(
            &format!(
                "Purchase Order Skelwith Quarry Products Ltd\n\nVendor:  Harbour Tools Ltd\nOrder no:  4711{goods}"
            ),
            "Skelwith Quarry Products Ltd",
            "Harbour Tools Ltd",
        );
        // heads of a fax
        check(
            &format!(
                "FAX\n\nTo:      Harbour Tools Ltd\nFrom:    Skelwith Quarry\n\
                 \x20        22 Chapel Hill\n\x20        Kelso TD5 7HL\n\nPurchase order 4711{goods}"
            ),
            "Skelwith Quarry",
            "Harbour Tools Ltd",
        );
        // a shop tells of an order
        check(
            &format!(
                "Harbour Tools Ltd\n\nNew web shop order 4711{goods}\n\
                 Ship to\nSkelwith Quarry Products Ltd\n22 Chapel Hill\nKelso TD5 7HL\n\n\
                 Invoice to\nSkelwith Quarry Products Ltd\n22 Chapel Hill\nKelso TD5 7HL\n\n\
                 Ordered by: bridget@skelwithquarry.example\n"
            ),
            "Skelwith Quarry Products Ltd",
            "Harbour Tools Ltd",
        );
    }
}
