//! Names of companies: legal forms, and what is no part of a name.

use crate::{
    extract::{
        kind::is_title,
        layout::{Layout, Segment, Word, join},
    },
    validate::account::{fold, squeeze},
};

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
    "ggmbh",
    "gug",
    "ewiv",
    "stiftung",
    "trust",
    "lllp",
    "scic",
    "sasp",
];

/// Words of places where goods arrive, which are no company's name.
#[rustfmt::skip]
const PLACES: &[&str] = &[
    "warehouse", "store", "stores", "stockroom", "receiving", "dock", "goods", "in", "inwards", "main", "central", "site", "plant", "factory", "gate", "depot",
    "lager", "zentrallager", "hauptlager", "wareneingang", "warenannahme", "werk", "halle", "tor", "rampe",
    "centrallager", "huvudlager", "godsmottagning", "godsmottagningen", "varumottagning", "varumottagningen", "mottagning", "forrad", "centralforrad",
    "magasin", "centrale", "entrepot", "quai", "reception", "marchandises", "livraison", "livraisons", "usine", "atelier", "no", "n", "nr", "the", "de", "la", "le", "des",
];

/// `Magasin central`, `Warehouse 2`: a place, not whose it is.
pub(super) fn is_place(text: &str) -> bool {
    let folded = fold(text);
    let figures = |w: &str| w.len() <= 3 && w.chars().any(|c| c.is_ascii_digit()) || w.len() == 1;
    !folded.is_empty() && folded.split(' ').all(|w| PLACES.contains(&w) || figures(w))
}

/// Whether a line holds a postcode: three figures or more, or `SA1 8QY`.
pub fn has_postcode(text: &str) -> bool {
    let letters = |w: &str| w.chars().all(|c| c.is_ascii_uppercase() || c.is_ascii_digit());
    let outward = |w: &str| {
        (2..=4).contains(&w.len())
            && letters(w)
            && w.starts_with(|c: char| c.is_ascii_uppercase())
            && w.contains(|c: char| c.is_ascii_digit())
    };
    let inward = |w: &str| {
        let (figure, rest) = w.split_at_checked(1).unwrap_or_default();
        w.len() == 3
            && figure.chars().all(|c| c.is_ascii_digit())
            && rest.chars().all(|c| c.is_ascii_uppercase())
    };
    let words: Vec<&str> = text.split_whitespace().map(|w| w.trim_end_matches([',', '.'])).collect();
    text.chars().filter(char::is_ascii_digit).count() >= 3
        || words.windows(2).any(|pair| matches!(pair, [a, b] if outward(a) && inward(b)))
}

/// A legal form that was broken off the name of its company: `… GmbH & Co.` over `KG`.
pub(super) fn join_legal_form(lines: &mut Vec<Vec<Word>>) {
    if lines.len() >= 2 && lines.get(1).is_some_and(|l| is_legal_form(l)) {
        let second = lines.remove(1);
        if let Some(first) = lines.first_mut() {
            first.extend(second);
        }
    }
}

pub(super) fn is_legal_form(words: &[Word]) -> bool {
    !words.is_empty()
        && words.iter().all(|w| {
            let text = fold(&w.text);
            text.is_empty() || SUFFIXES.contains(&squeeze(&text).as_str())
        })
}

/// The words of a segment, with the legal form that stands alone below them.
pub(super) fn with_legal_form(layout: &Layout, index: usize, segment: &Segment) -> Vec<Word> {
    let mut words = segment.words.clone();
    let below = layout.rows.iter().skip(index + 1).take(3).flat_map(|r| &r.segments);
    let rest = below.filter(|s| s.page == segment.page && (s.x0() - segment.x0()).abs() < 4.0).take(1);
    for rest in rest.filter(|s| is_legal_form(&s.words) && s.y0() - segment.y1() < 0.6 * segment.height()) {
        words.extend(rest.words.iter().cloned());
    }
    words
}

/// The name of a company behind the title of its paper: `Purchase order Harbour Tools Ltd`.
pub fn without_title(mut words: Vec<Word>) -> Vec<Word> {
    words.drain(..title_words(&words));
    words
}

/// How many words at the start are the title of a paper, with the name of a company behind them.
pub fn title_words(words: &[Word]) -> usize {
    // What does not look like a company as a whole has no part that does.
    if !looks_like_company(&join(words)) {
        return 0;
    }
    let title = (1..words.len().min(TITLE_WORDS_MAX + 1)).rev().find(|at| {
        let (head, name) = words.split_at(*at);
        name.len() >= 2 && looks_like_company(&join(name)) && is_title(&fold(&join(head)))
    });
    title.unwrap_or_default()
}

/// Words of a title at most.
const TITLE_WORDS_MAX: usize = 4;

/// `www.example.com`, `example.com`
pub(super) fn is_domain(text: &str) -> bool {
    let parts: Vec<&str> = text.trim_matches(|c: char| !c.is_alphanumeric()).split('.').collect();
    let last = parts.last().is_some_and(|p| p.len() >= 2 && p.chars().all(|c| c.is_ascii_lowercase()));
    parts.len() >= 2 && last && parts.first().is_some_and(|p| p.len() >= 2)
}

/// Whether the words name a company by its legal form.
pub fn looks_like_company(text: &str) -> bool {
    fold(text).split(' ').any(|w| SUFFIXES.contains(&w))
        || text.split(' ').any(|w| w.contains('.') && SUFFIXES.contains(&squeeze(w).as_str()))
}

/// A dot, a dash or a bar between the name and the address of a sender, and what OCR takes for one. Names have others.
fn is_mark(word: &str) -> bool {
    !word.contains(char::is_alphanumeric) && !matches!(word, "&" | "+" | "/")
}

/// Words of the names of schools, hospitals, towns and the like, which have no legal form.
#[rustfmt::skip]
const INSTITUTIONS: &[&str] = &[
    "hospital", "hospitals", "university", "college", "school", "schools", "academy", "council", "county", "district", "borough", "municipality", "ministry", "institute", "authority", "commission",
    "clinic", "museum", "library", "church", "parish", "foundation", "association", "society",
    "hochschule", "universitat", "klinik", "klinikum", "kliniken", "krankenhaus", "spital", "gemeinde", "stadt", "landkreis", "kreis", "gymnasium", "schule", "institut", "verein", "verband",
    "ministerium", "stadtwerke", "museum", "kirche", "pfarrei", "feuerwehr",
    "kommun", "region", "landsting", "sjukhus", "skola", "universitet", "hogskola", "forening", "stiftelse", "forsamling",
    "hopital", "clinique", "lycee", "universite", "ecole", "mairie", "commune", "ville", "departement", "conseil", "association", "syndicat", "communaute", "centre",
];

/// Ends of such words.
const INSTITUTION_ENDS: &[&str] = &[
    "klinik",
    "schule",
    "spital",
    "gemeinde",
    "krankenhaus",
    "verbund",
    "verband",
    "verein",
    "skolan",
    "sjukhuset",
];

/// Whether the words may name a school, a hospital, a town or the like.
pub(super) fn looks_like_institution(text: &str) -> bool {
    let folded = fold(text);
    let mut words = folded.split(' ');
    let named =
        words.any(|w| INSTITUTIONS.contains(&w) || INSTITUTION_ENDS.iter().any(|end| w.ends_with(end)));
    named && (2..=6).contains(&folded.split(' ').count()) && text.starts_with(char::is_uppercase)
}

/// The name without what marks a place of the company: `- Warehouse`, `- Lager`.
pub(super) fn bare_name(text: &str) -> String {
    let words: Vec<&str> = text.split_whitespace().collect();
    let mut cut = String::new();
    for (at, word) in words.iter().enumerate() {
        let end = at > 0 && (is_mark(word) || word.strip_prefix('-').is_some_and(is_place));
        if end {
            break;
        }
        if at > 0 {
            cut.push(' ');
        }
        cut.push_str(word);
        if cut.ends_with('-') && words.get(at + 1).is_some_and(|next| is_place(next)) {
            break;
        }
    }
    let cut = cut.strip_prefix("M/s ").unwrap_or(&cut);
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_stand_without_their_places() {
        for (text, expected) in [
            ("Quarry Ltd - Warehouse", "Quarry Ltd"),
            ("Quarry Ltd . Mill Lane 7 . Ely", "Quarry Ltd"),
            ("Renard SA = Dépôt", "Renard SA"),
            ("Iribarne & Fils- Dépôt", "Iribarne & Fils"),
            ("Söhne AG -Lager", "Söhne AG"),
            ("Klein- und Großhandel Meier GmbH", "Klein- und Großhandel Meier GmbH"),
            ("Meier + Co. / Schulz GmbH", "Meier + Co. / Schulz GmbH"),
            ("Quarry, Inc., Mill Lane", "Quarry, Inc."),
        ] {
            assert_eq!(bare_name(text), expected, "{text}");
        }
    }
}
