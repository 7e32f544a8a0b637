//! Who writes, for which company, and where the goods go.

use super::quantity::bare;
use crate::{
    extract::{
        layout::{Layout, Row, Word, join},
        party::has_postcode,
    },
    validate::account::squeeze,
};

/// The name of the sender in the first row of a mail's text, if it is that of a person.
pub fn find_sender(layout: &Layout) -> Option<(String, Vec<Word>)> {
    let words = layout.rows.first()?.words();
    let (first, rest) = words.split_first()?;
    let from = matches!(first.text.as_str(), "From:" | "Von:" | "Från:" | "De:");
    if !from || rest.iter().any(|w| is_machine(&w.text)) {
        return None;
    }
    let name: Vec<Word> = rest.iter().take_while(|w| !w.text.contains('@')).cloned().collect();
    let letters = |c: char| c.is_alphabetic() || matches!(c, '.' | '-' | '\'' | '’' | ',' | '"');
    let person = (2..=4).contains(&name.len()) && name.iter().all(|w| w.text.chars().all(letters));
    person.then(|| (first_name_first(&join(&name)), name))
}

/// `Heidt, Tamara` is Tamara Heidt.
pub fn first_name_first(name: &str) -> String {
    let name = name.trim_matches('"');
    match name.split_once(", ") {
        Some((last, first)) if !first.contains(',') => format!("{first} {last}"),
        _ => name.to_owned(),
    }
}

/// Whether nobody reads what is sent to this address.
pub fn is_machine(mail: &str) -> bool {
    let local: String = mail.to_lowercase().chars().filter(|c| c.is_alphanumeric() || *c == '@').collect();
    ["noreply", "donotreply", "mailerdaemon"].iter().any(|machine| local.starts_with(machine))
}

/// Rows of an address in a text at most.
const ADDRESS_ROWS_MAX: usize = 6;

/// The address that a sentence names: `Please ship to` over its rows, or `Lieferung an Werk 2, Weg 4, 74321 Ort.`
pub fn find_ship_to(layout: &Layout) -> Option<(String, Vec<Word>)> {
    ship_to_below(layout).or_else(|| {
        layout.rows.iter().enumerate().find_map(|(at, row)| {
            let next = layout.rows.get(at + 1).filter(|n| n.page == row.page && n.segments.len() == 1);
            let words = row.words().into_iter().chain(next.into_iter().flat_map(Row::words)).collect();
            ship_to_inside(words, row.words().len())
        })
    })
}

/// Words of an address in a sentence at most.
const ADDRESS_WORDS_MAX: usize = 22;

/// The address after `deliver to` in a sentence that begins within the first `own` words.
fn ship_to_inside(words: Vec<Word>, own: usize) -> Option<(String, Vec<Word>)> {
    let sends = |w: &Word| {
        let text = bare(w);
        [
            "ship", "deliver", "liefer", "anliefer", "livr", "lever", "send", "skick", "adress", "exped",
            "envoy",
        ]
        .iter()
        .any(|s| text.starts_with(s))
    };
    let to = |w: &Word| matches!(bare(w).as_str(), "to" | "till" | "an" | "a" | "nach" | "at" | "chez");
    let verb = words.iter().take(own).position(sends)?;
    let start = verb + 1 + words.get(verb + 1..)?.iter().take(4).position(to)? + 1;
    let rest = words.get(start..)?;
    let opens = rest.first()?.text.chars().next()?;
    let stops = |w: &Word| {
        matches!(
            bare(w).as_str(),
            "by" | "before"
                | "bis"
                | "senast"
                | "avant"
                | "pour"
                | "am"
                | "on"
                | "no"
                | "au"
                | "spatestens"
                | "spätestens"
        )
    };
    // `Co.` and `St.` end no sentence, a postcode does
    let ends = |w: &Word| {
        let figures = w.text.chars().any(|c| c.is_ascii_digit());
        w.text.ends_with(['.', ';', '!']) && (figures || w.text.chars().count() > 5)
    };
    let mut used: Vec<Word> = Vec::new();
    for word in rest.iter().take(ADDRESS_WORDS_MAX) {
        if stops(word) {
            break;
        }
        used.push(word.clone());
        if ends(word) {
            break;
        }
    }
    let text = join(&used).trim_end_matches(['.', ',', ';', '!']).to_owned();
    let place = used.iter().any(|w| w.text.chars().filter(char::is_ascii_digit).count() >= 3)
        || used.windows(2).any(|pair| has_postcode(&join(pair)));
    let fits = (opens.is_uppercase() || opens.is_ascii_digit()) && text.contains(", ") && place;
    fits.then_some((text, used))
}

/// The address that a sentence ends in: `Please ship to` over its rows.
fn ship_to_below(layout: &Layout) -> Option<(String, Vec<Word>)> {
    let leads = |row: &Row| {
        let text = crate::validate::account::fold(&row.text());
        let words: Vec<&str> = text.split(' ').collect();
        let tail = words.get(words.len().saturating_sub(6)..).unwrap_or_default();
        let sends = tail.iter().any(|w| {
            ["ship", "deliver", "liefer", "livr", "lever", "skick", "send"].iter().any(|s| w.starts_with(s))
        });
        let ends = words.last().is_some_and(|w| {
            matches!(*w, "to" | "till" | "an" | "a" | "nach" | "adresse" | "address" | "adress" | "at")
        });
        let called = row.text().trim_end().ends_with(':')
            && words.len() <= 9
            && words.windows(2).any(|w| {
                matches!(w, [a, b] if ["ship", "deliver", "send", "liefer", "livr", "lever"].iter().any(|s| a.starts_with(s))
                    && matches!(*b, "to" | "an" | "a" | "till" | "bitte" | "at"))
            });
        sends && ends || called
    };
    let at = layout.rows.iter().position(leads)?;
    let mut lines: Vec<Vec<Word>> = Vec::new();
    let mut above = layout.rows.get(at)?;
    for row in layout.rows.iter().skip(at + 1).take(ADDRESS_ROWS_MAX) {
        let height = (row.y1() - row.y0()).max(1.0);
        let gap = row.y0() - above.y1();
        let most = if lines.is_empty() { 2.5 } else { 0.9 };
        let words = row.words();
        if row.page != above.page || gap > most * height || words.len() > 8 {
            break;
        }
        lines.push(words);
        above = row;
    }
    let words: Vec<Word> = lines.iter().flatten().cloned().collect();
    let digits = words.iter().flat_map(|w| w.text.chars()).filter(char::is_ascii_digit).count();
    let text =
        lines.iter().map(|l| join(l).trim_end_matches([',', '.']).to_owned()).collect::<Vec<_>>().join(", ");
    (lines.len() >= 2 && digits >= 3).then_some((text, words))
}

/// Rows of a signature in which a company is looked for.
const SIGNATURE_ROWS: usize = 4;

/// Letters that a company's name and its domain must begin alike with.
const DOMAIN_LETTERS_MIN: usize = 5;

/// The company that signs below the name of the sender: the row that looks like a company or like the sender's domain,
/// else the first.
pub fn find_company(layout: &Layout) -> Option<(String, Vec<Word>)> {
    let (name, _) = find_sender(layout)?;
    let at = layout
        .rows
        .iter()
        .rposition(|row| row.text().trim() == name)
        .or_else(|| crate::extract::letter::closing(layout).map(|at| at + 1))?;
    let domain = layout.rows.first().map(Row::text).unwrap_or_default();
    let domain = squeeze(domain.split_once('@').map_or("", |(_, domain)| domain));
    let rows: Vec<Vec<Word>> = layout
        .rows
        .iter()
        .skip(at + 1)
        .take(SIGNATURE_ROWS)
        .map(Row::words)
        .filter(|words| {
            let text = join(words);
            (1..=7).contains(&words.len())
                && !text.chars().any(|c| c.is_ascii_digit() || matches!(c, '@' | ':'))
                && text.starts_with(char::is_uppercase)
        })
        .collect();
    let of_domain = |words: &&Vec<Word>| {
        let own = squeeze(&join(words));
        let alike = own.chars().zip(domain.chars()).take_while(|(a, b)| a == b).count();
        alike >= DOMAIN_LETTERS_MIN.min(own.chars().count()) && alike >= 3
    };
    let words = rows
        .iter()
        .find(of_domain)
        .or_else(|| rows.iter().find(|words| crate::extract::party::looks_like_company(&join(words))))
        .or_else(|| rows.first())?;
    Some((join(words), words.clone()))
}
