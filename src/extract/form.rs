//! What only forms have: check boxes, signatures, trade references.

use super::{
    draft::{Reading, propose, ruled},
    field::Marked,
    label::field_of,
    layout::{Layout, Row, Segment, Word, join},
};
use crate::{
    model::draft::{Content, Kind, Proposal, Reference},
    validate::account::fold,
};
use std::collections::BTreeMap;

/// What the words of an option stand for: field, fixed value, and the beginnings of words that speak for it, folded; `a+b`
/// wants both.
#[rustfmt::skip]
const OPTIONS: &[(&str, &str, &[&str])] = &[
    ("return_reason", "defective", &["defect", "defekt", "faulty", "fault", "doesn t+work", "not+work", "broken", "mangel", "kaputt", "schadhaft", "felaktig", "trasig", "fungerar+inte", "fonctionne+pas", "panne", "dysfonction", "funktioniert+nicht", "hors service", "quality problem"]),
    ("return_reason", "wrong_item", &["wrong+item", "wrong+product", "wrong+article", "wrong+goods", "wrong+part", "incorrect+item", "incorrect+product", "not+as ordered", "misship", "falsch+artikel", "falsch+ware", "falsch+geliefert", "falsch+produkt", "falschliefer", "fehlliefer", "fel+vara", "fel+artikel", "fel+produkt", "felleverans", "erreur+article", "erreur+livraison", "erreur+expedition", "mauvais+article", "mauvais+produit", "produit+errone", "article+errone"]),
    ("return_reason", "damaged_in_transit", &["damage", "transit", "transport", "beschadig", "skadad", "skadat", "endommag", "abim", "avarie"]),
    ("return_reason", "ordered_in_error", &["order+error", "order+mistake", "order+wrong", "order+accident", "order+too", "by mistake", "irrtum", "versehent", "fehlbestell", "falsch+bestell", "felbestall", "fel+bestall", "misstag", "erreur+command", "command+par erreur", "trompes+command"]),
    ("resolution", "credit", &["credit", "gutschrift", "kredit", "avoir", "refund", "erstatt", "aterbetal", "rembours", "money back"]),
    ("resolution", "replacement", &["replac", "ersatz", "ersatt", "utbyte", "byte", "remplac", "echang", "exchange", "umtausch", "austausch", "neuliefer", "ny vara", "nachliefer"]),
    ("resolution", "repair", &["repair", "reparatur", "reparat", "reparer", "instandsetz", "laga"]),
    ("entity_type", "corporation", &["corporation", "corp", "inc", "incorporated", "aktiengesellschaft", "ag", "publikt", "societe anonyme", "societe par actions", "sa", "sas", "plc", "se"]),
    ("entity_type", "limited_company", &["llc", "ltd", "limited", "gmbh", "ug", "aktiebolag", "ab", "sarl", "eurl", "beschrankter"]),
    ("entity_type", "partnership", &["partner", "personengesell", "personenges", "ohg", "kg", "gbr", "handelsbolag", "kommanditbolag", "hb", "kb", "snc", "societe de personnes", "offene handels", "llp", "co kg"]),
    ("entity_type", "sole_proprietor", &["sole", "proprietor", "trader", "einzel", "enskild", "individuel", "auto entrepreneur", "self employed", "selbstandig", "e k", "ei"]),
    ("tax_exempt", "yes", &["yes", "ja", "oui"]),
    ("tax_exempt", "no", &["no", "nein", "nej", "non"]),
    ("industry", "manufacturing", &["manufactur", "produktion", "production", "industri", "tillverk", "fertigung", "herstell", "fabrica", "fabrik", "verarbeit"]),
    ("industry", "construction", &["construct", "building", "baugewerbe", "bau", "hochbau", "bygg", "btp", "batiment", "contractor"]),
    ("industry", "wholesale", &["wholesal", "grosshand", "handel", "partihandel", "grossist", "negoce", "commerce", "distribut"]),
    ("industry", "service", &["service", "dienstleist", "tjanst", "prestat", "maintenance", "wartung"]),
];

/// Fields whose options are asked for by a label of their own: `yes` and `credit` say nothing without it.
const LABELLED: &[(&str, &str)] = &[("tax_exempt", "exempt")];

/// How far above or below its options a label stands, in heights of their letters.
const LABEL_ROWS: f32 = 2.6;

/// Blank after a word, in heights of its letters, that ends an option.
const OPTION_GAP_HEIGHTS: f32 = 1.1;

/// The same where words were read from pixels: the next box, read as a letter, must not join.
const READ_OPTION_GAP_HEIGHTS: f32 = 0.85;

/// The fixed value of a field for the words of an option, and how much of the words speaks for it; none if no option or
/// two options fit.
pub fn option_of(field: &str, text: &str) -> Option<(&'static str, f32)> {
    let folded = format!(" {} ", fold(text));
    let mut best: Option<(&'static str, usize)> = None;
    let mut second = 0;
    for (_, value, names) in OPTIONS.iter().filter(|(f, _, _)| *f == field) {
        let strength = names.iter().filter_map(|name| strength(&folded, name)).max().unwrap_or(0);
        match best {
            Some((_, most)) if strength <= most => second = second.max(strength),
            _ if strength > 0 => {
                second = best.map_or(0, |(_, most)| most);
                best = Some((value, strength));
            }
            _ => {}
        }
    }
    let (value, most) = best.filter(|(_, most)| *most > second)?;
    Some((value, (most as f32 / folded.trim().len().max(1) as f32).clamp(0.3, 1.0)))
}

/// The same, if no other option of the field is named: a list of boxes chooses nothing.
pub fn lone_option_of(field: &str, text: &str) -> Option<(&'static str, f32)> {
    let folded = format!(" {} ", fold(text));
    let named = |names: &[&str]| names.iter().any(|name| strength(&folded, name).is_some());
    let count = OPTIONS.iter().filter(|(f, _, names)| *f == field && named(names)).count();
    option_of(field, text).filter(|_| count == 1)
}

/// How many letters of a text speak for an option; short names must be whole words.
fn strength(folded: &str, name: &str) -> Option<usize> {
    let parts: Vec<&str> = name.split('+').collect();
    let fits = parts.iter().all(|part| {
        if part.len() <= 4 || part.contains(' ') {
            folded.contains(&format!(" {part} "))
        } else {
            folded.contains(&format!(" {part}")) || part.len() >= 7 && folded.contains(part)
        }
    });
    // two words say more than the same letters in one
    fits.then(|| parts.iter().map(|part| part.len()).sum::<usize>() + 4 * (parts.len() - 1))
}

/// Whether a word is a box: ticked, or empty.
fn is_mark(text: &str) -> Option<bool> {
    match text.trim_matches(|c| matches!(c, '[' | ']' | '(' | ')')) {
        "x" | "X" => Some(true),
        "☐" | "□" | "○" | "◯" | "▢" | "❏" | "❑" | "" | "O" => Some(false),
        bare => bare.chars().all(is_cross).then_some(true),
    }
}

/// Signs with which boxes are ticked or crossed.
fn is_cross(c: char) -> bool {
    matches!(
        c,
        '☒' | '☑'
            | '×'
            | '✓'
            | '✔'
            | '✗'
            | '✘'
            | '✕'
            | '✖'
            | '⨯'
            | '╳'
            | '☓'
            | '■'
            | '●'
            | '⊠'
            | '⊗'
            | '◉'
            | '√'
            | '⮽'
            | '🗹'
            | '🗷'
            | '✅'
    )
}

/// Chosen options, signature and references.
pub fn find_choices(
    layout: &Layout,
    marks: &[Vec<Option<Marked>>],
    reading: &Reading,
) -> BTreeMap<String, Proposal> {
    let wanted = super::field::fields_of(reading.kind);
    let mut out = BTreeMap::new();
    let mut fields: Vec<&str> = OPTIONS.iter().map(|(field, _, _)| *field).collect();
    fields.dedup();
    fields.retain(|field| wanted.contains(field));
    for (index, row) in layout.rows.iter().enumerate() {
        for (words, start) in ticked(&row.words()) {
            let text = join(words.get(start..).unwrap_or_default());
            for field in &fields {
                let concept = LABELLED.iter().find(|(f, _)| f == field).map(|(_, concept)| *concept);
                if concept.is_some_and(|concept| !is_asked(&layout.rows, index, concept)) {
                    continue;
                }
                let Some((value, share)) = option_of(field, &text) else { continue };
                let sure = if reading.trusted { 0.97 } else { 0.85 } - 0.15 * (1.0 - share);
                let new = propose(value.to_owned(), &words, sure);
                // two crosses that say different things are a question
                match out.get_mut(*field) {
                    None => drop(out.insert((*field).to_owned(), new)),
                    Some(Proposal { value, confidence, .. }) if *value != new.value => *confidence = 0.4,
                    Some(_) => {}
                }
            }
        }
    }
    if !reading.trusted {
        let rows = layout.rows.iter().enumerate();
        for (index, row, field) in rows.flat_map(|(at, row)| fields.iter().map(move |f| (at, row, *f))) {
            let concept = LABELLED.iter().find(|(f, _)| *f == field).map(|(_, concept)| *concept);
            let labelled = concept.is_none_or(|concept| is_asked(&layout.rows, index, concept));
            if !out.contains_key(field)
                && labelled
                && let Some((value, words)) = odd_one_out(&row.words(), field)
            {
                out.insert(field.to_owned(), propose(value.to_owned(), &words, 0.7));
            }
        }
    }
    if wanted.contains(&"signature_present")
        && let Some((signed, words)) = signature(layout, marks)
    {
        let sure = if reading.trusted { 0.9 } else { 0.75 };
        let mut proposal = propose(String::new(), &words, if signed { sure } else { sure - 0.1 });
        proposal.value = Content::Flag(signed);
        proposal.printed = None;
        out.insert("signature_present".to_owned(), proposal);
    }
    if reading.kind == Kind::CreditApplication {
        let references = references(layout, marks);
        if !references.is_empty() {
            out.insert(
                "references".to_owned(),
                ruled(
                    Content::References(references),
                    "labels of references",
                    if reading.trusted { 0.9 } else { 0.7 },
                ),
            );
        }
    }
    out
}

/// Whether a row, or the one above it, asks for this concept; read from pixels, label and options may be rows apart.
fn is_asked(rows: &[Row], index: usize, concept: &str) -> bool {
    let Some(row) = rows.get(index) else { return false };
    let height = row.segments.iter().map(Segment::height).fold(1.0, f32::max);
    let near = |other: &&Row| other.page == row.page && (other.y0() - row.y0()).abs() < LABEL_ROWS * height;
    let around = index.checked_sub(1).and_then(|at| rows.get(at)).into_iter().chain(rows.get(index + 1));
    asks(row, concept) || around.filter(near).any(|other| asks(other, concept) && !holds_options(other))
}

/// Whether a row has options of its own.
fn holds_options(row: &Row) -> bool {
    row.segments.iter().flat_map(|s| &s.words).any(|w| is_mark(&w.text).is_some())
}

/// Whether a row holds a label with this concept.
fn asks(row: &Row, concept: &str) -> bool {
    row.segments.iter().any(|segment| {
        (0..segment.words.len()).any(|at| {
            let words = segment.words.iter().skip(at).take(1).map(|w| w.text.as_str());
            super::label::label_at(words).is_some_and(|label| label.has(&[concept]))
        })
    })
}

/// The options of a row that are ticked: mark and words, and where the words begin.
fn ticked(words: &[Word]) -> Vec<(Vec<Word>, usize)> {
    let mut found = Vec::new();
    for (at, mark) in words.iter().enumerate() {
        let glued = mark.text.chars().next().is_some_and(is_cross) && mark.text.chars().count() > 1;
        let alone = is_mark(&mark.text) == Some(true);
        if !alone && !glued {
            continue;
        }
        let near = |last: &Word, next: &Word| {
            next.x0 - last.x1 < OPTION_GAP_HEIGHTS * (next.y1 - next.y0).max(4.0)
                && is_mark(&next.text).is_none()
        };
        if alone && stands_behind(words, at) {
            let before = words.get(..at).unwrap_or_default();
            let first = before.windows(2).rposition(|pair| !matches!(pair, [a, b] if near(a, b)));
            let option = before.get(first.map_or(0, |first| first + 1)..).unwrap_or_default();
            found.push((std::iter::once(mark).chain(option).cloned().collect(), 1));
            continue;
        }
        let mut option = vec![mark.clone()];
        for next in words.iter().skip(at + 1) {
            let first = option.len() == 1 && alone;
            let reach = first && next.x0 - mark.x1 < 25.0 && is_mark(&next.text).is_none();
            if option.len() > 12 || !(reach || option.last().is_some_and(|last| near(last, next))) {
                break;
            }
            option.push(next.clone());
        }
        if glued && let Some(first) = option.first_mut() {
            first.text = first.text.trim_start_matches(is_cross).to_owned();
        }
        if option.len() > 1 || glued {
            found.push((option, usize::from(alone)));
        }
    }
    found
}

/// How much nearer a box stands to the option before it than to the next one, if it is ticked for the former.
const NEARER: f32 = 1.5;

/// Whether a box stands behind its option, as in `Credit ☐   Repair ☒`, not before it.
fn stands_behind(words: &[Word], at: usize) -> bool {
    let is_box = |w: &&Word| is_mark(&w.text).is_some();
    let (Some(mark), Some(before)) = (words.get(at), at.checked_sub(1).and_then(|i| words.get(i))) else {
        return false;
    };
    if is_box(&before) || words.first().as_ref().is_some_and(is_box) {
        return false;
    }
    let next = words.get(at + 1).filter(|next| !is_box(next));
    next.is_none_or(|next| next.x0 - mark.x1 > NEARER * (mark.x0 - before.x1).max(0.0))
}

/// The option of a field before which a row has another sign than before its other options: text recognition makes all
/// kinds of letters out of boxes, yet of a crossed box it makes another one than of empty boxes.
fn odd_one_out(words: &[Word], field: &str) -> Option<(&'static str, Vec<Word>)> {
    let mut options: Vec<(bool, &'static str, Vec<Word>)> = Vec::new();
    for (at, sign) in words.iter().enumerate() {
        let short = sign.text.chars().count() <= 3;
        let mut option: Vec<Word> = Vec::new();
        for next in words.iter().skip(at + 1).take(6) {
            let last = option.last().unwrap_or(sign);
            let reach =
                if option.is_empty() { 25.0 } else { READ_OPTION_GAP_HEIGHTS * (next.y1 - next.y0).max(4.0) };
            if next.x0 - last.x1 > reach {
                break;
            }
            option.push(next.clone());
        }
        if !short || option.is_empty() {
            continue;
        }
        if let Some((value, _)) = option_of(field, &join(&option)).filter(|(_, share)| *share > 0.4) {
            let crossed = sign.text.chars().any(|c| is_cross(c) || "xXkK%&*#vV".contains(c));
            options.push((crossed, value, option));
        }
    }
    let mut crossed = options.iter().filter(|(crossed, ..)| *crossed);
    let (_, value, words) = crossed.next().filter(|_| options.len() >= 2)?;
    crossed.next().is_none().then(|| (*value, words.clone()))
}

/// Whether something stands where a signature is asked for.
fn signature(layout: &Layout, marks: &[Vec<Option<Marked>>]) -> Option<(bool, Vec<Word>)> {
    for (index, row) in layout.rows.iter().enumerate().rev() {
        for (at, segment) in row.segments.iter().enumerate() {
            let marked = marks.get(index).and_then(|r| r.get(at)).and_then(Option::as_ref);
            let Some(marked) = marked.filter(|m| m.whole && field_of(&m.label) == Some("signature")) else {
                continue;
            };
            // the heading `Declaration and signature` asks for nothing
            if marked.label.text.contains(' ')
                && marked.label.text.split(' ').count() > 2
                && !marked.label.closed
            {
                continue;
            }
            let inside = segment.words.len() > marked.label.words;
            let right = row.segments.get(at + 1).is_some_and(|s| {
                marks
                    .get(index)
                    .and_then(|r| r.get(at + 1))
                    .is_none_or(|m| m.as_ref().is_none_or(|m| !m.whole))
                    && s.x0() - segment.x1() < 0.2 * layout.width
            });
            let below = layout
                .rows
                .iter()
                .skip(index + 1)
                .take_while(|r| r.page == row.page && r.y0() - segment.y1() < 3.0 * segment.height())
                .any(|r| {
                    r.segments.iter().any(|s| {
                        s.words.len() <= 5
                            && s.x0() < segment.x0() + 0.35 * layout.width
                            && s.x1() > segment.x0() - 5.0
                            && s.x0() > segment.x0() - 10.0
                    })
                });
            let same_row_date = right
                && row.segments.get(at + 1).is_some_and(|s| {
                    super::date::parse_date(&s.text(), super::date::Order::DayFirst).is_some()
                });
            let by_hand =
                || layout.rows.iter().flat_map(Row::words).any(|w| signs(&w, segment, layout.width));
            return Some((inside || (right && !same_row_date) || below || by_hand(), segment.words.clone()));
        }
    }
    None
}

/// Whether a word is handwriting above, on or below the line of a label, or beside it.
fn signs(word: &Word, label: &Segment, width: f32) -> bool {
    let high = label.height();
    let middle = f32::midpoint(word.y0, word.y1);
    word.text == "✍"
        && word.page == label.page
        && (label.y0() - 3.5 * high..=label.y1() + 4.0 * high).contains(&middle)
        && (label.x0() - 10.0..=label.x1() + 0.3 * width).contains(&word.x0)
}

/// Trade references: a table with heads, or numbered labels.
fn references(layout: &Layout, marks: &[Vec<Option<Marked>>]) -> Vec<Reference> {
    let start = layout.rows.iter().position(|r| {
        let text = fold(&r.text());
        let words = text.split(' ').count();
        words <= 7 && (text.contains("reference") || text.contains("referenz") || text.contains("referens"))
    });
    let Some(start) = start else { return Vec::new() };
    let mut found: Vec<Reference> = Vec::new();
    for (index, row) in layout.rows.iter().enumerate().skip(start + 1) {
        if found.len() > 10
            || row.page != layout.rows.get(start).map_or(0, |r| r.page)
            || ends_references(&row.text())
        {
            break;
        }
        let mut current = Reference::default();
        for (at, segment) in row.segments.iter().enumerate() {
            let marked = marks.get(index).and_then(|r| r.get(at)).and_then(Option::as_ref);
            let words: Vec<Word> = match marked {
                Some(m) if m.whole && m.label.words >= segment.words.len() => continue,
                Some(m) if m.label.closed => segment.words.iter().skip(m.label.words).cloned().collect(),
                _ => segment.words.clone(),
            };
            let words = without_head(&words);
            let text = join(words);
            let digits = text.chars().filter(char::is_ascii_digit).count();
            let letters = text.chars().filter(|c| c.is_alphabetic()).count();
            if let Some((mail, _)) = super::field::email(words) {
                current.email = Some(mail);
            } else if digits >= 6 && letters <= 3 {
                current.phone = Some(text);
            } else if letters >= 4 && current.name.is_none() {
                current.name = Some(text);
            }
        }
        if current.name.is_some() {
            found.push(current);
        } else if let Some(last) = found.last_mut() {
            last.phone = last.phone.take().or(current.phone);
            last.email = last.email.take().or(current.email);
        }
    }
    // a name alone is a reference only where none has more
    if found.iter().any(|r| r.phone.is_some() || r.email.is_some()) {
        found.retain(|r| r.phone.is_some() || r.email.is_some());
    }
    found
}

/// A reference without its number in the list, `2)`, and the label of what it is, `Tel. 0751 41158`.
fn without_head(words: &[Word]) -> &[Word] {
    let counted = words.first().is_some_and(|w| {
        let number = w.text.trim_end_matches(['.', ')', ':']);
        number.len() < w.text.len() && number.len() <= 2 && number.chars().all(|c| c.is_ascii_digit())
    });
    let words = words.get(usize::from(counted && words.len() > 1)..).unwrap_or_default();
    let label = super::label::label_at(words.iter().map(|w| w.text.as_str()))
        .filter(|l| l.words < words.len() && l.any(&["phone", "email"]) && !l.forgiven);
    label.and_then(|l| words.get(l.words..)).unwrap_or(words)
}

/// Takes away what was read of the applicant and belongs to one of the references.
pub fn part_references(fields: &mut BTreeMap<String, Proposal>) {
    let Some(Content::References(list)) = fields.get("references").map(|p| p.value.clone()) else { return };
    let theirs = |name: &str, value: &str| {
        let of = |r: &Reference| if name == "email" { r.email.clone() } else { r.phone.clone() };
        list.iter().filter_map(of).any(|other| other == value)
    };
    for name in ["email", "phone"] {
        if fields.get(name).and_then(|p| p.value.as_text()).is_some_and(|value| theirs(name, value)) {
            fields.remove(name);
        }
    }
}

/// What follows the references in a form: the declaration, or who signs.
fn ends_references(text: &str) -> bool {
    let folded = fold(text);
    let starts =
        ["declaration", "erklarung", "forsakran", "by signing", "we certify", "i certify", "wir bestatigen"];
    starts.iter().any(|start| folded.starts_with(start))
        || folded.split(' ').take(5).any(|word| {
            super::label::label_at(std::iter::once(word))
                .is_some_and(|l| l.any(&["signature", "signatory"]) && !l.forgiven)
        })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::extract::layout::Row;

    #[test]
    fn a_box_belongs_to_the_option_that_it_stands_nearer_to() {
        let chosen = |text: &str| {
            let layout = crate::extract::layout::lay_out(&crate::extract::text_pages(text).pages);
            let words: Vec<Word> = layout.rows.iter().flat_map(Row::words).collect();
            ticked(&words).iter().map(|(words, start)| join(&words[*start..])).collect::<Vec<_>>()
        };
        assert_eq!(chosen("☐ Faulty      ☒ Wrong item      ☐ Damaged"), ["Wrong item"]);
        assert_eq!(chosen("Faulty ☐      Wrong item ☒      Damaged ☐"), ["Wrong item"]);
        assert_eq!(chosen("Credit        Repair ✗"), ["Repair"]);
    }

    #[test]
    fn references_lose_their_numbers_and_labels() {
        let plain = |text: &str| {
            let layout = crate::extract::layout::lay_out(&crate::extract::text_pages(text).pages);
            let words: Vec<Word> = layout.rows.iter().flat_map(Row::words).collect();
            join(without_head(&words))
        };
        assert_eq!(plain("2) Norrlake Steel"), "Norrlake Steel");
        assert_eq!(plain("Tel. 0751 41158"), "0751 41158");
    }

    #[test]
    fn options_are_known_by_their_words() {
        for (field, text, value) in [
            ("return_reason", "Doesn’t work / faulty", Some("defective")),
            ("return_reason", "Sent the wrong product", Some("wrong_item")),
            ("return_reason", "We ordered by mistake", Some("ordered_in_error")),
            ("return_reason", "Falsche Ware geliefert", Some("wrong_item")),
            ("return_reason", "Falsch bestellt", Some("ordered_in_error")),
            ("return_reason", "Beim Transport beschädigt", Some("damaged_in_transit")),
            ("return_reason", "Felbeställd", Some("ordered_in_error")),
            ("return_reason", "Erreur de commande", Some("ordered_in_error")),
            ("return_reason", "colour", None),
            ("resolution", "Send replacement", Some("replacement")),
            ("resolution", "Kreditnota", Some("credit")),
            ("resolution", "Repair & return", Some("repair")),
            ("entity_type", "GmbH / UG", Some("limited_company")),
            ("entity_type", "GmbH & Co. KG", Some("partnership")),
            ("entity_type", "Sole trader", Some("sole_proprietor")),
            ("entity_type", "Société anonyme (SA)", Some("corporation")),
            ("industry", "Bau / Handwerk", Some("construction")),
            ("tax_exempt", "Nein", Some("no")),
        ] {
            assert_eq!(option_of(field, text).map(|(value, _)| value), value, "{text}");
        }
    }
}
