//! Who of the companies on a page buys and who sells.

use super::{
    BLOCK_ROWS_MAX, Block, is_contact_line,
    letterhead::{Signs, domains, letterhead},
    name::{bare_name, has_postcode, is_place, looks_like_company},
    search::Searched,
    stops,
};
use crate::{
    extract::{
        confidence::from_words,
        draft::{Reading, propose},
        field::Marked,
        kind::is_title,
        label::label_at,
        layout::{Layout, Row, Segment, Word, join},
    },
    model::{
        account::Known,
        draft::{Kind, Proposal},
    },
    validate::account::{fold, strsim_ratio},
};
use std::collections::{BTreeMap, HashSet};

/// An address without a label: a company in the upper part, a postcode within the lines below it; without a company, a
/// name that begins a block of its own.
fn lone_block(
    layout: &Layout,
    marks: &[Vec<Option<Marked>>],
    table_rows: &HashSet<usize>,
    not: &[String],
    writer: Option<&Word>,
) -> Option<Block> {
    let first = layout.rows.first()?.page;
    let upper = |r: &Row| r.page == first && r.y0() < 0.45 * layout.height;
    let rows = || layout.rows.iter().enumerate().filter(|(i, r)| upper(r) && !table_rows.contains(i));
    let find = |fits: &dyn Fn(usize, &Segment) -> bool| {
        rows().find_map(|(index, row)| {
            row.segments.iter().find_map(|segment| {
                let text = segment.text();
                let name = fold(&bare_name(&text));
                let sender_line = text.contains(", ") && text.chars().any(|c| c.is_ascii_digit());
                let other = not.iter().any(|n| strsim_ratio(n, &name) > 0.9);
                if sender_line || other || !fits(index, segment) {
                    return None;
                }
                let lines = lines_below(layout, marks, index, segment);
                let postcode = lines.iter().skip(1).any(|l| has_postcode(&join(l)));
                (lines.len() >= 3 && postcode).then_some(Block { lines })
            })
        })
    };
    let below = writer.filter(|w| layout.trusted && w.page == first);
    find(&|_, segment| looks_like_company(&segment.text())).or_else(|| {
        find(&|index, segment| {
            below.is_some_and(|w| segment.y0() > w.y1) && begins_block(layout, index, segment)
        })
    })
}

/// Whether a name in capitals begins a block: nothing stands right above it, no label, and it holds no figure.
fn begins_block(layout: &Layout, index: usize, segment: &Segment) -> bool {
    let text = segment.text();
    let label = label_at(segment.words.iter().map(|w| w.text.as_str()));
    let above = layout.rows.iter().take(index).rev().take(4).flat_map(|r| &r.segments).any(|s| {
        let beside = s.x1() < segment.x0() - 6.0 || s.x0() > segment.x1() + 6.0;
        s.page == segment.page && !beside && segment.y0() - s.y1() < 1.2 * segment.height()
    });
    (2..=6).contains(&segment.words.len())
        && segment.words.iter().all(|w| w.text.starts_with(char::is_uppercase) || w.text.chars().count() <= 3)
        && !text.chars().any(|c| c.is_ascii_digit() || matches!(c, ':' | '@'))
        && label.is_none_or(|l| l.words < segment.words.len() && !l.closed)
        && !is_title(&fold(&text))
        && !is_place(&text)
        && !above
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

/// Whether two printed names are one company's.
fn is_same(a: &str, b: &str) -> bool {
    strsim_ratio(&fold(&bare_name(a)), &fold(&bare_name(b))) > 0.9
}

/// What tells the writer's name: it stands over the addresses to deliver to, and in the domain of its mail.
fn signs(layout: &Layout, blocks: &BTreeMap<&'static str, Block>, theirs: bool) -> Signs {
    let head = |role: &str| blocks.get(role).and_then(|b| b.lines.first()).filter(|w| !is_place(&join(w)));
    Signs {
        heads: ["buyer", "bill_to", "ship_to"]
            .iter()
            .filter(|_| !theirs)
            .filter_map(|r| head(r))
            .map(|w| fold(&bare_name(&join(w))))
            .collect(),
        domains: domains(layout),
    }
}

/// A name that stands over an address and in the domain of a mail address is backed by so much.
const BACKED: f32 = 5.0;

/// The company on the letterhead of a form that the buyer filled in: another one than the buyer's, the first on the
/// page or over where the buyer is named.
fn over_buyer(layout: &Layout, top: Option<&[Word]>, buyer: &[Word]) -> Option<Vec<Word>> {
    let own = fold(&bare_name(&join(buyer)));
    let other = |found: &[Word]| {
        let name = join(found);
        looks_like_company(&name) && strsim_ratio(&fold(&bare_name(&name)), &own) < 0.8
    };
    if let Some(top) = top.filter(|top| other(top)) {
        return Some(top.to_vec());
    }
    let none = Signs { heads: Vec::new(), domains: Vec::new() };
    let found = letterhead(layout, Some(&own), &none)?;
    let (name, below) = (found.first()?, buyer.first()?);
    (name.page == below.page && name.y1 <= below.y0 && other(&found)).then_some(found)
}

/// Whether the letterhead is that of a shop which tells what somebody ordered: everything else names the customer.
fn is_shop(top: &[Word], payer: &[Word], signs: &Signs) -> bool {
    let support = |words: &[Word]| signs.support(&fold(&bare_name(&join(words))));
    looks_like_company(&join(top)) && support(payer) >= BACKED && support(top) == 0.0
}

/// The longest name of a customer on file that stands on the page.
fn find_account(searched: &Searched<'_>, known: &Known) -> Option<(Vec<Word>, f32)> {
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
    them
}

pub(super) fn name_parties(
    layout: &Layout,
    marks: &[Vec<Option<Marked>>],
    table_rows: &HashSet<usize>,
    blocks: &BTreeMap<&'static str, Block>,
    reading: &Reading,
    known: &Known,
    out: &mut BTreeMap<String, Proposal>,
) {
    let head =
        |role: &str| blocks.get(role).and_then(|b| b.lines.first()).filter(|w| !is_place(&join(w))).cloned();
    let is_us = |text: &str| known.site_names.iter().any(|n| strsim_ratio(&fold(n), &fold(text)) > 0.93);
    let theirs = matches!(reading.kind, Kind::Invoice | Kind::DeliveryNote);
    let signs = signs(layout, blocks, theirs);
    // our own name on the page
    let searched = Searched::new(layout);
    let ours = known.site_names.iter().find_map(|n| searched.find(n).into_iter().next());
    let mut us: Option<(Vec<Word>, f32)> = ours.map(|w| (w, 0.985));
    let mut them = find_account(&searched, known);
    if theirs && let Some(customer) = them.take() {
        // a customer on file who is not on the letterhead is whom we sold to
        let top = letterhead(layout, None, &signs).filter(|top| looks_like_company(&join(top)));
        match top.filter(|top| !is_same(&join(top), &join(&customer.0))) {
            Some(top) => {
                us = Some(customer);
                them = Some((top, 0.9));
            }
            None => them = Some(customer),
        }
    }
    if us.is_none() && !blocks.contains_key(if theirs { "bill_to" } else { "vendor" }) {
        us = crate::extract::letter::addressee(layout)
            .and_then(|block| block.into_iter().next())
            .map(|w| (w, 0.88));
    }
    let addressed = us.is_some() && !theirs || blocks.contains_key(if theirs { "ship_to" } else { "vendor" });
    if !addressed && (us.is_none() || theirs) {
        let roles = ["buyer", "bill_to", "ship_to"];
        let named = roles.iter().filter(|_| !theirs).filter_map(|r| head(r));
        let writer =
            them.as_ref().map(|(words, _)| words.clone()).or_else(|| letterhead(layout, None, &signs));
        let over = writer.as_ref().and_then(|w| w.first()).filter(|_| !theirs).cloned();
        let not: Vec<String> = named.chain(writer).map(|w| fold(&bare_name(&join(&w)))).collect();
        if let Some(block) = lone_block(layout, marks, table_rows, &not, over.as_ref()) {
            let words = block.words();
            let address = match reading.kind {
                Kind::DeliveryNote => Some("ship_to"),
                Kind::Invoice if !blocks.contains_key("bill_to") => Some("bill_to"),
                _ => None,
            };
            if let Some(address) = address {
                let sure = from_words(0.85, &words, reading.trusted);
                out.insert(address.to_owned(), propose(block.text(), &words, sure));
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
    if let (None, Some(buyer)) = (&us, &labelled_buyer)
        && let Some(seller) = over_buyer(layout, top.as_deref(), buyer)
    {
        us = Some((seller, 0.85));
        them = them.or_else(|| Some((buyer.clone(), 0.9)));
    }
    let payer = ["bill_to", "ship_to"].iter().filter(|_| !theirs).find_map(|r| head(r));
    if let (None, None, Some(top), Some(payer)) = (&us, &them, &top, payer)
        && is_shop(top, &payer, &signs)
    {
        (us, them) = (Some((top.clone(), 0.8)), Some((payer, 0.85)));
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
