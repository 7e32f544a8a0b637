//! Names of people that no label asks for: beside their own mail address, under the closing of a letter, signed and
//! printed.

use crate::extract::{
    label::{Label, field_of, label_at},
    layout::{Layout, Segment, Word, join},
    letter::closing,
    party::looks_like_company,
};
use crate::{
    model::draft::Proposal,
    validate::account::{fold, squeeze},
};
use std::collections::BTreeMap;

/// Mail addresses of one document that are looked at at most.
const MAILS_MAX: usize = 20;
/// Rows under the closing of a letter in which its writer signs.
const SIGNED_ROWS: usize = 4;
/// Between a signature and the name printed below it at most, in points.
const SIGNED_PT: f32 = 45.0;
/// What a name needs to be taken.
const ENOUGH: u8 = 2;

/// The person who wrote the document, if a mail address, a closing or a signature says which name is a person's.
pub fn find_person(layout: &Layout, fields: &BTreeMap<String, Proposal>) -> Option<(String, Vec<Word>)> {
    let mails = mail_names(layout);
    let named: Vec<String> = fields.values().filter_map(|p| p.value.as_text()).map(fold).collect();
    let signed = closing(layout).map(|row| row + 1..=row + SIGNED_ROWS);
    let mut found: BTreeMap<String, (u8, Vec<Word>)> = BTreeMap::new();
    for (index, row) in layout.rows.iter().enumerate() {
        for segment in &row.segments {
            for from in 0..segment.words.len() {
                for count in [2, 3] {
                    let Some(words) = segment.words.get(from..from + count).filter(|w| is_name(w)) else {
                        continue;
                    };
                    let alone = count == segment.words.len();
                    let own_mail = mails.iter().any(|mail| is_mail_of(mail, words));
                    let beside = segment.words.get(from + count).is_some_and(|w| w.text.contains('@'));
                    let under = alone && signed.as_ref().is_some_and(|rows| rows.contains(&index));
                    let introduced = is_asked_for(segment.words.get(..from).unwrap_or_default());
                    let says = 3 * u8::from(introduced || own_mail)
                        + 2 * u8::from(beside)
                        + 2 * u8::from(under)
                        + u8::from(alone);
                    let name = fold(&join(words));
                    if named.iter().any(|field| field.contains(&name)) {
                        continue;
                    }
                    let entry = found.entry(name).or_insert_with(|| (0, words.to_vec()));
                    let here = words.first().map_or(0.0, |w| w.y0);
                    // signed, and printed below
                    let again = alone
                        && entry.0 > 0
                        && entry.1.first().is_some_and(|w| (w.y0 - here).abs() < SIGNED_PT);
                    entry.0 = entry.0.max(says).saturating_add(u8::from(again));
                }
            }
        }
    }
    let (_, (says, words)) = found.into_iter().max_by_key(|(_, (says, _))| *says)?;
    (says >= ENOUGH).then(|| (clean(&join(&words)), words))
}

/// Whether these words ask for whom to contact, and for nothing else: `Raised by`, `Enquiries:`.
fn is_asked_for(words: &[Word]) -> bool {
    let label = label_at(words.iter().map(|w| w.text.as_str()));
    label.is_some_and(|l| l.words == words.len() && field_of(&l) == Some("buyer_contact"))
}

fn clean(name: &str) -> String {
    name.trim_matches(|c: char| !c.is_alphabetic()).to_owned()
}

/// What stands before the `@` of the addresses, squeezed.
fn mail_names(layout: &Layout) -> Vec<String> {
    let words = layout.rows.iter().flat_map(|r| &r.segments).flat_map(|s| &s.words);
    let local = |w: &Word| w.text.split_once('@').map(|(local, _)| squeeze(local)).filter(|l| l.len() >= 4);
    words.filter_map(local).take(MAILS_MAX).collect()
}

/// `anna.berg`, `aberg`, `a.berg` and `berg` belong to Anna Berg.
fn is_mail_of(local: &str, words: &[Word]) -> bool {
    let parts: Vec<String> = words.iter().map(|w| squeeze(&w.text)).collect();
    let (Some(first), Some(last)) = (parts.first(), parts.last()) else { return false };
    let initial: String = first.chars().take(1).collect();
    local == *last
        || local == format!("{initial}{last}")
        || local == parts.concat()
        || local == format!("{last}{first}")
}

/// Whether a person is named right after a label that no colon closes: `Planner Anna Berg`.
pub(super) fn follows(label: &Label, words: &[Word]) -> bool {
    let name: Vec<Word> =
        words.iter().take_while(|w| !w.text.contains('@') && !w.text.starts_with('(')).cloned().collect();
    let capital = |w: &Word| w.text.chars().next().is_some_and(char::is_uppercase);
    (2..=3).contains(&name.len())
        && name.iter().all(capital)
        && (label.words >= 2 || !label.forgiven && is_name(&name))
}

/// `Ref  Anna Berg`: a reference that is a person's name.
pub(super) fn is_asked_by(label: &Label, right: Option<&Segment>) -> bool {
    let ref_only =
        label.has(&["ref"]) && label.concepts.iter().all(|c| matches!(*c, "ref" | "our" | "filler"));
    ref_only && right.is_some_and(|s| (2..=3).contains(&s.words.len()) && is_name(&s.words))
}

/// Two or three words in capitals that name neither a company nor anything that labels ask for.
fn is_name(words: &[Word]) -> bool {
    let word = |w: &Word| {
        let text = w.text.trim_end_matches([',', ';']);
        text.chars().next().is_some_and(char::is_uppercase)
            && text.chars().count() >= 2
            && text.chars().all(|c| c.is_alphabetic() || matches!(c, '-' | '\'' | '’'))
            && label_at(std::iter::once(text)).is_none_or(|l| l.forgiven)
    };
    let inner_comma = words.iter().rev().skip(1).any(|w| w.text.ends_with([',', ';']));
    words.iter().all(word) && !inner_comma && !looks_like_company(&join(words))
}
