//! Who is who: the buyer, the vendor, and the addresses to ship and to bill to.
//!
//! Address blocks hang below or right of their labels, also side by side. The buyer is whom the blocks name, or who
//! stands on the letterhead; the vendor is us if our name stands on the page. Does not: look addresses up.

use super::{
    confidence::from_words,
    draft::{Reading, propose},
    field::{Marked, is_form},
    label::{field_of, label_at},
    layout::{Layout, Row, Segment, Word, join},
};
use crate::{
    model::{
        account::Known,
        draft::{Kind, Proposal},
    },
    validate::account::{fold, squeeze, strsim_ratio},
};
use std::collections::{BTreeMap, HashSet};

/// Rows in one address block at most.
const BLOCK_ROWS_MAX: usize = 9;

/// Words that end the names of companies.
const SUFFIXES: &[&str] = &[
    "gmbh",
    "ag",
    "kg",
    "ohg",
    "ug",
    "se",
    "ab",
    "inc",
    "llc",
    "ltd",
    "limited",
    "corp",
    "corporation",
    "co",
    "plc",
    "llp",
    "sarl",
    "sas",
    "sa",
    "eurl",
    "bv",
    "nv",
    "oy",
    "as",
    "aps",
    "srl",
    "spa",
    "kb",
    "hb",
    "pty",
    "company",
    "industries",
    "group",
    "sasu",
    "scop",
    "pc",
    "pllc",
    "lp",
    "mbb",
    "ek",
    "gesmbh",
    "gbr",
    "kgaa",
    "eg",
    "ev",
    "sca",
    "snc",
    "sci",
    "eirl",
    "oyj",
    "asa",
    "cic",
    "ltee",
    "senc",
    "cie",
];

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
        for (index, row) in layout.rows.iter().enumerate().filter(|(i, _)| !table_rows.contains(i)) {
            for at in 0..row.segments.len() {
                let Some(marked) =
                    marks.get(index).and_then(|r| r.get(at)).and_then(Option::as_ref).filter(|m| m.whole)
                else {
                    continue;
                };
                let role = match marked.field {
                    Some(role @ ("ship_to" | "bill_to" | "vendor")) => role,
                    Some("requested_date") if marked.label.text == "delivery" => "ship_to",
                    Some("buyer_contact")
                        if marked.label.text == "buyer" || marked.label.text == "acheteur" =>
                    {
                        "buyer"
                    }
                    Some("customer_name") => "buyer",
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
            .is_some_and(|m| m.whole && (m.field.is_some() || m.is_numbered()))
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
            r.segments.iter().find(|s| s.x0() > segment.x0() - 8.0 && s.x0() < segment.x0() + 30.0)
        });
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
        let beside = |left: &Segment| left.x0() < x - 9.0 && (left.x0() - segment.x0()).abs() < 9.0;
        let other_label = next.segments.iter().enumerate().any(|(s, left)| beside(left) && is_label(i, s));
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
    let mut lines: Vec<Vec<Word>> = lines.into_iter().map(without_phone).collect();
    join_legal_form(&mut lines);
    lines.retain(|l| !l.is_empty() && !is_contact_line(l));
    (!lines.is_empty()).then_some(Block { lines })
}

/// A legal form that was broken off the name of its company: `… GmbH & Co.` over `KG`.
fn join_legal_form(lines: &mut Vec<Vec<Word>>) {
    if lines.len() >= 2 && lines.get(1).is_some_and(|l| is_legal_form(l)) {
        let second = lines.remove(1);
        if let Some(first) = lines.first_mut() {
            first.extend(second);
        }
    }
}

fn is_legal_form(words: &[Word]) -> bool {
    !words.is_empty()
        && words.iter().all(|w| {
            let text = fold(&w.text);
            text.is_empty() || SUFFIXES.contains(&squeeze(&text).as_str())
        })
}

/// The words of a segment, with the legal form that stands alone below them.
fn with_legal_form(layout: &Layout, index: usize, segment: &Segment) -> Vec<Word> {
    let mut words = segment.words.clone();
    let below = layout.rows.iter().skip(index + 1).take(3).flat_map(|r| &r.segments);
    let rest = below.filter(|s| s.page == segment.page && (s.x0() - segment.x0()).abs() < 4.0).take(1);
    for rest in rest.filter(|s| is_legal_form(&s.words) && s.y0() - segment.y1() < 0.6 * segment.height()) {
        words.extend(rest.words.iter().cloned());
    }
    words
}

/// `www.example.com`, `example.com`
fn is_domain(text: &str) -> bool {
    let parts: Vec<&str> = text.trim_matches(|c: char| !c.is_alphanumeric()).split('.').collect();
    let last = parts.last().is_some_and(|p| p.len() >= 2 && p.chars().all(|c| c.is_ascii_lowercase()));
    parts.len() >= 2 && last && parts.first().is_some_and(|p| p.len() >= 2)
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

/// Running text is no address.
fn stops(segment: &Segment) -> bool {
    segment.words.len() > 9 || segment.text().ends_with('.') && segment.words.len() > 5
}

fn is_contact_line(words: &[Word]) -> bool {
    let text = join(words);
    let digits = text.chars().filter(char::is_ascii_digit).count();
    let phone = digits >= 7 && text.chars().filter(|c| c.is_alphabetic()).count() <= 5;
    let label = label_at(words.iter().map(|w| w.text.as_str()))
        .is_some_and(|l| l.any(&["phone", "fax", "email", "web", "vatid"]));
    text.contains('@') || phone || label
}

/// Whether the words name a company by its legal form.
pub fn looks_like_company(text: &str) -> bool {
    fold(text).split(' ').any(|w| SUFFIXES.contains(&w))
        || text.split(' ').any(|w| w.contains('.') && SUFFIXES.contains(&squeeze(w).as_str()))
}

/// The name without what marks a place of the company: `- Warehouse`, `- Lager`.
fn bare_name(text: &str) -> String {
    let cut =
        [" - ", " – ", " — ", " · ", " | "].iter().fold(text, |t, mark| t.split(mark).next().unwrap_or(t));
    let cut = cut.strip_prefix("M/s ").unwrap_or(cut);
    let mut name = String::new();
    for part in cut.split(", ") {
        let suffix = SUFFIXES.contains(&squeeze(part).as_str())
            || fold(part).split(' ').next().is_some_and(|w| SUFFIXES.contains(&w));
        if !name.is_empty() && !suffix {
            break;
        }
        if !name.is_empty() {
            name.push_str(", ");
        }
        name.push_str(part);
    }
    name.trim_end_matches([',', ';', ':', '-']).trim().to_owned()
}

/// An address without a label: a company in the upper part, a postcode within the lines below it.
fn lone_block(
    layout: &Layout,
    marks: &[Vec<Option<Marked>>],
    table_rows: &HashSet<usize>,
    not: &[String],
) -> Option<Block> {
    let first = layout.rows.first()?.page;
    let upper = |r: &Row| r.page == first && r.y0() < 0.45 * layout.height;
    for (index, row) in layout.rows.iter().enumerate().filter(|(i, r)| upper(r) && !table_rows.contains(i)) {
        for segment in &row.segments {
            let text = segment.text();
            let name = fold(&bare_name(&text));
            let sender_line = text.contains(", ") && text.chars().any(|c| c.is_ascii_digit());
            let other = not.iter().any(|n| strsim_ratio(n, &name) > 0.9);
            if !looks_like_company(&text) || sender_line || other {
                continue;
            }
            let lines = lines_below(layout, marks, index, segment);
            let postcode =
                lines.iter().skip(1).any(|l| join(l).chars().filter(char::is_ascii_digit).count() >= 3);
            if lines.len() >= 3 && postcode {
                return Some(Block { lines });
            }
        }
    }
    None
}

/// A segment and those that hang below it without a gap.
fn lines_below(
    layout: &Layout,
    marks: &[Vec<Option<Marked>>],
    index: usize,
    segment: &Segment,
) -> Vec<Vec<Word>> {
    let mut lines = vec![segment.words.clone()];
    let mut bottom = segment.y1();
    for (i, next) in layout.rows.iter().enumerate().skip(index + 1).take(3 * BLOCK_ROWS_MAX) {
        let found = next.segments.iter().enumerate().find(|(_, s)| (s.x0() - segment.x0()).abs() < 6.0);
        let Some((s, found)) = found else { continue };
        let marked = marks.get(i).and_then(|m| m.get(s)).and_then(Option::as_ref);
        let labelled = marked.is_some_and(|m| m.whole && m.field.is_some());
        let far = found.y0() - bottom > 0.9 * found.height() || next.page != segment.page;
        if far || labelled || stops(found) {
            break;
        }
        lines.push(found.words.clone());
        bottom = found.y1();
    }
    lines.retain(|l| !is_contact_line(l));
    lines
}

fn name_parties(
    layout: &Layout,
    marks: &[Vec<Option<Marked>>],
    table_rows: &HashSet<usize>,
    blocks: &BTreeMap<&'static str, Block>,
    reading: &Reading,
    known: &Known,
    out: &mut BTreeMap<String, Proposal>,
) {
    let head = |role: &str| blocks.get(role).and_then(|b| b.lines.first()).cloned();
    let is_us = |text: &str| known.site_names.iter().any(|n| strsim_ratio(&fold(n), &fold(text)) > 0.93);
    let theirs = matches!(reading.kind, Kind::Invoice | Kind::DeliveryNote);
    // our own name on the page
    let searched = Searched::new(layout);
    let ours = known.site_names.iter().find_map(|n| searched.find(n).into_iter().next());
    let mut us: Option<(Vec<Word>, f32)> = ours.map(|w| (w, 0.985));
    let mut them: Option<(Vec<Word>, f32)> = None;
    for account in known.accounts.iter() {
        let names = std::iter::once(&account.name).chain(&account.aliases);
        for name in names.filter(|n| n.split_whitespace().count() >= 2) {
            for words in searched.find(name) {
                if them.as_ref().is_none_or(|(old, _)| join(old).len() < join(&words).len()) {
                    them = Some((words, 0.95));
                }
            }
        }
    }
    // the buyer's name stands over the addresses to deliver to, and in the domain of its mail
    let signs = Signs {
        heads: ["buyer", "bill_to", "ship_to"]
            .iter()
            .filter(|_| !theirs)
            .filter_map(|r| head(r))
            .map(|w| fold(&bare_name(&join(&w))))
            .collect(),
        domains: domains(layout),
    };
    if us.is_none() && !blocks.contains_key(if theirs { "bill_to" } else { "vendor" }) {
        us = super::letter::addressee(layout).and_then(|block| block.into_iter().next()).map(|w| (w, 0.88));
    }
    let addressed = us.is_some() && !theirs || blocks.contains_key(if theirs { "ship_to" } else { "vendor" });
    if !addressed && (us.is_none() || theirs) {
        let roles = ["buyer", "bill_to", "ship_to"];
        let named = roles.iter().filter(|_| !theirs).filter_map(|r| head(r));
        let not: Vec<String> =
            named.chain(letterhead(layout, None, &signs)).map(|w| fold(&bare_name(&join(&w)))).collect();
        if let Some(block) = lone_block(layout, marks, table_rows, &not) {
            let words = block.words();
            if reading.kind == Kind::DeliveryNote {
                let sure = from_words(0.85, &words, reading.trusted);
                out.insert("ship_to".to_owned(), propose(block.text(), &words, sure));
            }
            us = us.or_else(|| block.lines.first().cloned().map(|w| (w, 0.88)));
        }
    }
    if us.is_none() {
        let whole = blocks.get(if theirs { "bill_to" } else { "vendor" }).is_some_and(|b| b.lines.len() >= 3);
        us = head(if theirs { "bill_to" } else { "vendor" })
            .or_else(|| if theirs { head("ship_to") } else { None })
            .map(|w| (w, if whole { 0.93 } else { 0.85 }));
    }
    let from_blocks = ["buyer", "bill_to", "ship_to"]
        .iter()
        .filter(|_| !theirs)
        .find_map(|r| head(r))
        .filter(|w| !is_us(&join(w)));
    let our_text = us.as_ref().map(|u| fold(&bare_name(&join(&u.0))));
    let top = letterhead(layout, our_text.as_deref(), &signs);
    let labelled_buyer = head("buyer").filter(|_| !theirs);
    if let (None, Some(buyer), Some(top)) = (&us, &labelled_buyer, &top)
        && looks_like_company(&join(top))
        && strsim_ratio(&fold(&bare_name(&join(top))), &fold(&bare_name(&join(buyer)))) < 0.8
    {
        // the letterhead of a form that the buyer filled in is the vendor's
        us = Some((top.clone(), 0.85));
        them = them.or_else(|| Some((buyer.clone(), 0.9)));
    }
    if them.is_none() {
        them = match (top, from_blocks) {
            (Some(t), Some(b)) => {
                let (top_name, block_name) = (fold(&bare_name(&join(&t))), fold(&bare_name(&join(&b))));
                let company = looks_like_company(&join(&t)) && top_name.contains(' ');
                Some(if top_name == block_name {
                    (t, 0.96)
                } else if block_name.contains(&top_name) {
                    (b, 0.95)
                } else if company {
                    (t, 0.9)
                } else {
                    (b, 0.88)
                })
            }
            (Some(t), None) => Some((t.clone(), if looks_like_company(&join(&t)) { 0.88 } else { 0.6 })),
            (None, Some(b)) => Some((b, 0.9)),
            (None, None) => None,
        };
    }
    let (vendor, buyer) = if theirs { (them, us) } else { (us, them) };
    for (field, party) in [("vendor_name", vendor), ("buyer_name", buyer)] {
        let Some((words, base)) = party else { continue };
        let name = bare_name(&join(&words));
        if name.chars().filter(|c| c.is_alphabetic()).count() >= 2 {
            out.insert(field.to_owned(), propose(name, &words, from_words(base, &words, reading.trusted)));
        }
    }
}

/// The segments of a document, folded once, so that many names can be looked for.
struct Searched<'a> {
    segments: Vec<(&'a Segment, Vec<String>)>,
    /// Every folded word.
    words: HashSet<String>,
}

impl<'a> Searched<'a> {
    fn new(layout: &'a Layout) -> Self {
        let segments: Vec<(&Segment, Vec<String>)> = layout
            .rows
            .iter()
            .flat_map(|r| &r.segments)
            .map(|s| (s, s.words.iter().map(|w| fold(&w.text)).collect()))
            .collect();
        let words =
            segments.iter().flat_map(|(_, words)| words).flat_map(|w| w.split(' ')).map(str::to_owned);
        Self { words: words.collect(), segments }
    }

    /// The places of a name. One of its words must stand there without a fault.
    fn find(&self, name: &str) -> Vec<Vec<Word>> {
        let wanted: Vec<String> = fold(name).split(' ').map(str::to_owned).collect();
        if !wanted.iter().any(|w| self.words.contains(w)) {
            return Vec::new();
        }
        self.segments.iter().filter_map(|(segment, have)| name_in(segment, have, &wanted)).collect()
    }
}

/// The words of a segment that say this name.
fn name_in(segment: &Segment, have: &[String], wanted: &[String]) -> Option<Vec<Word>> {
    let compact: String = wanted.concat();
    for start in 0..have.len() {
        let mut text = String::new();
        for end in start..have.len().min(start + wanted.len() + 2) {
            text.push_str(&have.get(end)?.replace(' ', ""));
            if text.len() > compact.len() + 2 {
                break;
            }
            let close = text == compact
                || (compact.len() >= 10
                    && text.len() + 1 >= compact.len()
                    && super::label::distance_at_most(&text, &compact, 1));
            if close {
                return segment.words.get(start..=end).map(<[Word]>::to_vec);
            }
        }
    }
    None
}

/// What tells the name of whoever wrote the document from that of whom it is written to.
struct Signs {
    /// Names over the writer's own addresses, folded.
    heads: Vec<String>,
    /// Domains of mail addresses and websites, squeezed, without the last part.
    domains: Vec<String>,
}

impl Signs {
    /// How much speaks for a folded name.
    fn support(&self, name: &str) -> f32 {
        let squeezed = squeeze(name);
        let head = self.heads.iter().any(|h| h == name);
        let letters = squeezed.len().min(DOMAIN_LETTERS);
        let start = squeezed.get(..letters).unwrap_or_default();
        let domain = letters >= 5 && self.domains.iter().any(|d| d.contains(start));
        2.0 * f32::from(head) + 3.5 * f32::from(domain)
    }
}

/// Letters at the start of a name that a domain repeats.
const DOMAIN_LETTERS: usize = 9;
/// Domains of one document that are looked at at most.
const DOMAINS_MAX: usize = 20;

fn domains(layout: &Layout) -> Vec<String> {
    let words = layout.rows.iter().flat_map(|r| &r.segments).flat_map(|s| &s.words);
    let of = |text: &str| {
        let bare = text.trim_matches(|c: char| !c.is_alphanumeric());
        let domain = bare.split_once('@').map(|(_, d)| d).or_else(|| bare.strip_prefix("www."))?;
        let name = domain.rsplit_once('.').map_or(domain, |(name, _)| name);
        (name.len() >= 4).then(|| squeeze(name))
    };
    words.filter_map(|w| of(&w.text)).take(DOMAINS_MAX).collect()
}

/// The company on the letterhead: near the top, no title, not us; best in large letters and named again below.
fn letterhead(layout: &Layout, ours: Option<&str>, signs: &Signs) -> Option<Vec<Word>> {
    let first = layout.rows.first()?.page;
    let all = fold(&layout.rows.iter().map(Row::text).collect::<Vec<_>>().join(" "));
    let mut best: Option<(f32, Vec<Word>)> = None;
    for (index, row) in
        layout.rows.iter().enumerate().filter(|(_, r)| r.page == first && r.y0() < 0.3 * layout.height)
    {
        for (at, segment) in row.segments.iter().enumerate() {
            let words = with_legal_form(layout, index, segment);
            let text = join(&words);
            let name = bare_name(&text);
            let folded = fold(&name);
            let labelled = at > 0
                && row.segments.get(at - 1).is_some_and(|left| {
                    label_at(left.words.iter().map(|w| w.text.as_str()))
                        .is_some_and(|l| l.closed || l.words == left.words.len() && field_of(&l).is_some())
                });
            if folded.len() < 4
                || labelled
                || is_legal_form(&segment.words)
                || words.len() > 12
                || name.chars().any(|c| c.is_ascii_digit() || matches!(c, '@' | ':'))
                || words.iter().any(|w| is_domain(&w.text))
                || ours.is_some_and(|o| strsim_ratio(o, &folded) > 0.9)
            {
                continue;
            }
            let label = label_at(segment.words.iter().map(|w| w.text.as_str()));
            let labelled = label.as_ref().is_some_and(|l| l.words == segment.words.len() || l.closed);
            if labelled || super::letter::is_salutation(&folded) || super::kind::is_title(&folded) {
                continue;
            }
            let count = all.matches(&folded).count().min(4) as f32;
            let score = if looks_like_company(&name) { 3.0 } else { 0.0 }
                + signs.support(&folded)
                + (count - 1.0) * 1.2
                + segment.height() / 12.0
                - row.y0() / layout.height * 2.0
                - if name.split(' ').count() < 2 { 1.5 } else { 0.0 };
            if best.as_ref().is_none_or(|(s, _)| score > *s) {
                let used = name.split_whitespace().count();
                best = Some((score, words.into_iter().take(used).collect()));
            }
        }
    }
    best.filter(|(s, _)| *s > 0.5).map(|(_, w)| w)
}
