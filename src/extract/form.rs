//! What only forms have: check boxes, signatures, trade references.

use super::{
    draft::{Reading, propose, ruled},
    field::Marked,
    label::field_of,
    layout::{Layout, Word, join},
};
use crate::{
    model::draft::{Content, Kind, Proposal, Reference},
    validate::account::fold,
};
use std::collections::BTreeMap;

/// Printed options, folded, with their fixed values by field.
#[rustfmt::skip]
const OPTIONS: &[(&str, &str, &[&str])] = &[
    ("return_reason", "defective", &["defective", "defekt", "defectueux", "faulty", "schadhaft", "felaktig"]),
    ("return_reason", "wrong_item", &["wrong item", "falscher artikel", "falschlieferung", "fel artikel", "fel vara", "erreur d article", "mauvais article", "falsche ware", "felleverans"]),
    ("return_reason", "damaged_in_transit", &["damaged in transit", "transportschaden", "transportskada", "transportskadad", "avarie transport", "endommage", "damaged", "skadad i transport"]),
    ("return_reason", "ordered_in_error", &["ordered in error", "fehlbestellung", "falsch bestellt", "felbestalld", "felbestallt", "felbestallning", "erreur de commande", "irrtumlich bestellt"]),
    ("resolution", "credit", &["credit", "gutschrift", "kredit", "kreditering", "kreditfaktura", "avoir", "refund", "kreditnota", "erstattung"]),
    ("resolution", "replacement", &["replacement", "ersatz", "ersatzlieferung", "ersattning", "ersattningsvara", "utbyte", "remplacement", "echange", "umtausch", "ny vara", "replace"]),
    ("resolution", "repair", &["repair", "reparatur", "reparation"]),
    ("entity_type", "corporation", &["corporation", "aktiengesellschaft", "ag", "publikt aktiebolag", "societe anonyme", "sa", "corp", "publikt ab", "se"]),
    ("entity_type", "limited_company", &["llc ltd", "limited company", "llc", "ltd", "gmbh", "aktiebolag", "ab", "sarl", "sarl sas", "sas", "limited", "gmbh ug"]),
    ("entity_type", "partnership", &["partnership", "personengesellschaft", "ohg kg", "kg", "kg ohg", "handelsbolag", "kommanditbolag", "snc", "societe de personnes", "gmbh co kg", "hb kb", "handelsbolag kb", "ohg"]),
    ("entity_type", "sole_proprietor", &["sole proprietor", "sole proprietorship", "sole trader", "einzelunternehmen", "einzelkaufmann", "einzelunternehmer", "enskild firma", "entreprise individuelle", "e k", "einzelfirma", "ei", "entrepreneur individuel", "enskild naringsidkare"]),
    ("tax_exempt", "yes", &["yes", "ja", "oui"]),
    ("tax_exempt", "no", &["no", "nein", "nej", "non"]),
    ("industry", "manufacturing", &["manufacturing", "industrie", "produktion", "tillverkning", "industri", "fertigung", "fabrication", "herstellung"]),
    ("industry", "construction", &["construction", "bau", "bygg", "btp", "batiment", "baugewerbe"]),
    ("industry", "wholesale", &["wholesale", "grosshandel", "partihandel", "negoce", "handel", "grossiste", "commerce de gros", "grossist"]),
    ("industry", "service", &["service", "service maintenance", "service wartung", "dienstleistung", "tjanster", "services", "service underhall", "maintenance"]),
];

fn is_mark(text: &str) -> Option<bool> {
    match text.trim_matches(|c| matches!(c, '[' | ']' | '(' | ')')) {
        "☒" | "☑" | "×" | "x" | "X" | "✓" | "✔" | "✗" | "✘" | "■" | "●" | "⊠" | "⊗" | "◉" | "√" => {
            Some(true)
        }
        "☐" | "□" | "○" | "◯" | "" | "O" => Some(false),
        _ => None,
    }
}

/// Chosen options, signature and references.
pub fn find_choices(
    layout: &Layout,
    marks: &[Vec<Option<Marked>>],
    reading: &Reading,
) -> BTreeMap<String, Proposal> {
    let wanted = super::field::fields_of(reading.kind);
    let mut out = BTreeMap::new();
    for row in &layout.rows {
        let words = row.words();
        for (field, value, names) in OPTIONS.iter().filter(|(f, _, _)| wanted.contains(f)) {
            for name in *names {
                if let Some(chosen) = marked_option(&words, name)
                    && !out.contains_key(*field)
                {
                    out.insert(
                        (*field).to_owned(),
                        propose((*value).to_owned(), &chosen, if reading.trusted { 0.97 } else { 0.85 }),
                    );
                }
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

/// The words of an option that has a mark before it.
fn marked_option(words: &[Word], name: &str) -> Option<Vec<Word>> {
    let wanted: Vec<&str> = name.split(' ').collect();
    for start in 1..words.len() {
        let before = words.get(start - 1)?;
        let mut at = start;
        let mut text = String::new();
        while at < words.len() && text.split(' ').filter(|t| !t.is_empty()).count() < wanted.len() {
            text.push_str(&fold(&words.get(at)?.text));
            text.push(' ');
            at += 1;
        }
        if text.split_whitespace().collect::<Vec<_>>() != wanted {
            continue;
        }
        let ends = words.get(at).is_none_or(|n| {
            is_mark(&n.text).is_some() || n.x0 - words.get(at - 1).map_or(0.0, |w| w.x1) > 4.0
        });
        if ends && is_mark(&before.text) == Some(true) && words.get(start)?.x0 - before.x1 < 25.0 {
            return words.get(start - 1..at).map(<[Word]>::to_vec);
        }
    }
    // a mark that touches the option: `×LLC`
    words.iter().enumerate().find_map(|(i, word)| {
        let mark = word.text.chars().next()?;
        let rest: String = word.text.chars().skip(1).collect();
        let first = wanted.first()?;
        let marked = matches!(mark, '×' | '☒' | '☑' | '✓' | '✔' | '■' | '✗')
            && fold(&rest).split(' ').next() == Some(*first);
        marked.then(|| words.iter().skip(i).take(wanted.len()).cloned().collect())
    })
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
            return Some((inside || (right && !same_row_date) || below, segment.words.clone()));
        }
    }
    None
}

/// Trade references: a table with heads, or numbered labels.
fn references(layout: &Layout, marks: &[Vec<Option<Marked>>]) -> Vec<Reference> {
    let start = layout.rows.iter().position(|r| {
        let text = fold(&r.text());
        let words = text.split(' ').count();
        words <= 5 && (text.contains("reference") || text.contains("referenz") || text.contains("referens"))
    });
    let Some(start) = start else { return Vec::new() };
    let mut found: Vec<Reference> = Vec::new();
    for (index, row) in layout.rows.iter().enumerate().skip(start + 1) {
        let text = fold(&row.text());
        if ["declaration", "erklarung", "forsakran", "signature", "unterschrift", "underskrift"]
            .iter()
            .any(|w| text.starts_with(w))
            || found.len() > 10
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
            let text = join(&words);
            let digits = text.chars().filter(char::is_ascii_digit).count();
            let letters = text.chars().filter(|c| c.is_alphabetic()).count();
            if let Some((mail, _)) = super::field::email(&words) {
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
    found
}
