//! The company on the letterhead.

use super::name::{
    bare_name, has_postcode, is_domain, is_legal_form, looks_like_company, looks_like_institution,
    with_legal_form, without_title,
};
use crate::{
    extract::{
        field::typed,
        label::{Label, field_of, label_at},
        layout::{Layout, Row, Word, join},
    },
    validate::account::{fold, squeeze, strsim_ratio},
};

/// What tells the name of whoever wrote the document from that of whom it is written to.
pub(super) struct Signs {
    /// Names over the writer's own addresses, folded.
    pub(super) heads: Vec<String>,
    /// Domains of mail addresses and websites, squeezed, without the last part.
    pub(super) domains: Vec<String>,
}

impl Signs {
    /// How much speaks for a folded name.
    pub(super) fn support(&self, name: &str) -> f32 {
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

/// Words of a name at most.
const NAME_WORDS_MAX: usize = 12;

/// Domains of one document that are looked at at most.
const DOMAINS_MAX: usize = 20;

pub(super) fn domains(layout: &Layout) -> Vec<String> {
    let words = layout.rows.iter().flat_map(|r| &r.segments).flat_map(|s| &s.words);
    let of = |text: &str| {
        let bare = text.trim_matches(|c: char| !c.is_alphanumeric());
        let domain = bare.split_once('@').map(|(_, d)| d).or_else(|| bare.strip_prefix("www."))?;
        let name = domain.rsplit_once('.').map_or(domain, |(name, _)| name);
        (name.len() >= 4).then(|| squeeze(name))
    };
    words.filter_map(|w| of(&w.text)).take(DOMAINS_MAX).collect()
}

/// Whether a company may be the value of a label: `Purchase order date` asks for none.
fn asks_for_name(label: &Label) -> bool {
    field_of(label).is_some_and(|field| !typed(field))
}

/// The small line over the address of a letter speaks so much for whoever it names.
const RETURN_LINE: f32 = 2.0;

/// The name of the sender in the small line over an address, where a window shows both: `Mill Ltd · Mill Lane 7 · Ely
/// CB7 4AB`.
fn return_line(words: &[Word]) -> Option<&[Word]> {
    const MARKS_MIN: usize = 2;
    let is_mark = |w: &Word| !w.text.contains(char::is_alphanumeric) && w.text != "&";
    let first = words.iter().position(is_mark)?;
    let (name, rest) = words.split_at(first);
    let marks = rest.iter().filter(|w| is_mark(w)).count();
    let named = name.iter().all(|w| !w.text.contains(|c: char| c.is_ascii_digit()));
    (marks >= MARKS_MIN && named && !name.is_empty() && has_postcode(&join(rest))).then_some(name)
}

/// The company on the letterhead: near the top, no title, not us; best in large letters and named again below.
pub(super) fn letterhead(layout: &Layout, ours: Option<&str>, signs: &Signs) -> Option<Vec<Word>> {
    let first = layout.rows.first()?.page;
    let all = fold(&layout.rows.iter().map(Row::text).collect::<Vec<_>>().join(" "));
    let mut best: Option<(f32, Vec<Word>)> = None;
    for (index, row) in
        layout.rows.iter().enumerate().filter(|(_, r)| r.page == first && r.y0() < 0.3 * layout.height)
    {
        for (at, segment) in row.segments.iter().enumerate() {
            let returns = return_line(&segment.words);
            let words = match returns {
                Some(name) => name.to_vec(),
                None => without_title(with_legal_form(layout, index, segment)),
            };
            let text = join(&words);
            let name = bare_name(&text);
            let folded = fold(&name);
            let labelled = at > 0
                && row.segments.get(at - 1).is_some_and(|left| {
                    label_at(left.words.iter().map(|w| w.text.as_str()))
                        .is_some_and(|l| l.closed || l.words == left.words.len() && asks_for_name(&l))
                });
            if folded.len() < 4
                || labelled
                || is_legal_form(&segment.words)
                || name.split(' ').count() > NAME_WORDS_MAX
                || name.chars().any(|c| c.is_ascii_digit() || matches!(c, '@' | ':'))
                || words.iter().any(|w| is_domain(&w.text))
                || ours.is_some_and(|o| strsim_ratio(o, &folded) > 0.9)
            {
                continue;
            }
            let label = label_at(segment.words.iter().map(|w| w.text.as_str()));
            let address =
                |l: &Label| l.any(&["address"]) && matches!(field_of(l), Some("ship_to" | "bill_to"));
            let labelled =
                label.as_ref().is_some_and(|l| l.words == segment.words.len() || l.closed || address(l));
            if labelled
                || crate::extract::letter::is_salutation(&folded)
                || crate::extract::kind::is_title(&folded)
            {
                continue;
            }
            let count = all.matches(&folded).count().min(4) as f32;
            let named = looks_like_company(&name) || looks_like_institution(&name);
            let score = if named { 3.0 } else { 0.0 }
                + signs.support(&folded)
                + (count - 1.0) * 1.2
                + if returns.is_some() { RETURN_LINE } else { segment.height() / 12.0 }
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
