//! Number and dates of an order in running text.

use super::{
    quantity::bare,
    unit::{is_measure, is_times, is_unit},
};
use crate::{
    extract::{
        date::parse_date,
        draft::Reading,
        layout::{Word, join},
    },
    model::draft::Proposal,
};

/// Words that name an order before its number.
const ORDER_WORDS: &[&str] = &[
    "order",
    "po",
    "p.o",
    "purchase",
    "bestellung",
    "auftrag",
    "bestellnummer",
    "auftragsnummer",
    "bestell-nr",
    "bestellnr",
    "bestallning",
    "bestallningen",
    "ordern",
    "ordernr",
    "ordernummer",
    "bestallningsnr",
    "bestallningsnummer",
    "inkopsorder",
    "commande",
    "cde",
    "bestellungsnummer",
];

/// The number of the order that the text names: `our PO 4500123`, `Bestellung VF-20933 vom 7.9.2026`.
pub fn find_order_number(words: &[Word], reading: &Reading) -> Option<(String, Vec<Word>)> {
    let filler = |w: &Word| {
        matches!(
            bare(w).as_str(),
            "no" | "nr"
                | "number"
                | "nummer"
                | "numero"
                | "n"
                | "#"
                | "order"
                | "po"
                | "is"
                | "ist"
                | "ar"
                | "est"
                | ""
                | "ref"
                | "reference"
                | "med"
                | "mit"
                | "id"
        )
    };
    for (at, word) in words.iter().enumerate() {
        let name = bare(word);
        let glued = name
            .strip_prefix("po#")
            .or_else(|| name.strip_prefix("po-"))
            .filter(|rest| rest.chars().filter(char::is_ascii_digit).count() >= 2);
        if glued.is_some() {
            let own = vec![word.clone()];
            let text = word.text.trim_matches(|c: char| !c.is_alphanumeric());
            let text = text.strip_prefix("PO#").or_else(|| text.strip_prefix("po#")).unwrap_or(text);
            return Some((text.to_owned(), own));
        }
        if !ORDER_WORDS.contains(&name.as_str()) {
            continue;
        }
        let rest = words.get(at + 1..)?;
        let skip = rest.iter().take(3).take_while(|w| filler(w)).count();
        let Some(code) = rest.get(skip) else { continue };
        let text = code.text.trim_matches(|c: char| !c.is_alphanumeric());
        let digits = text.chars().filter(char::is_ascii_digit).count();
        let counted = rest.get(skip + 1).is_some_and(|w| is_times(w) || is_unit(w)) && digits == text.len();
        let fits = digits >= 2
            && (3..=30).contains(&text.len())
            && text.chars().all(|c| c.is_alphanumeric() || matches!(c, '-' | '/' | '.' | '_'))
            && parse_date(text, reading.order).is_none()
            && !counted
            && !is_measure(text);
        if fits {
            return Some((text.to_owned(), vec![code.clone()]));
        }
    }
    None
}

/// The date behind the number of an order: `order VF-20933 of 7 Sep 2026`, `Bestellung … vom 07.09.2026`.
pub fn find_order_date(words: &[Word], reading: &Reading) -> Option<(String, Vec<Word>)> {
    let (_, number) = find_order_number(words, reading)?;
    let first = number.first()?;
    let at = words.iter().position(|w| w.rect == first.rect && w.page == first.page)?;
    let after = words.get(at + 1..)?;
    let joins = after.first().filter(|w| {
        matches!(bare(w).as_str(), "vom" | "of" | "dated" | "from" | "du" | "fran" | "av" | "den" | "le")
    });
    joins?;
    let near: Vec<Word> = after.iter().skip(1).take(5).cloned().collect();
    let read = parse_date(&join(&near), reading.order).filter(|read| !read.ambiguous)?;
    Some((read.iso, near.into_iter().take(read.words).collect()))
}

/// `24 April` or `KW 27` in a text of 13 April 2026: the first such day after it.
fn day_after(words: &[Word], written: Option<&str>, reading: &Reading) -> Option<(String, Vec<Word>)> {
    let written = written.filter(|day| day.len() == 10)?;
    let year: i16 = written.get(..4)?.parse().ok()?;
    (1..=2).rev().find_map(|n| {
        let used = words.get(..n)?;
        let text = join(used);
        let text = text.trim_end_matches(['.', ',', '!', '?', ';', ')']);
        if !text.chars().any(|c| c.is_ascii_digit()) {
            return None;
        }
        [year, year + 1].into_iter().find_map(|year| {
            ["", " ", "/", "."].iter().find_map(|mark| {
                let whole = format!("{text}{mark}{year}");
                let read = parse_date(&whole, reading.order)?;
                let later = read.iso.contains('W') || read.iso.as_str() >= written;
                (later && read.words == whole.split(' ').count()).then(|| (read.iso, used.to_vec()))
            })
        })
    })
}

/// Words that open a day of delivery.
const WANTED: &[&[&str]] = &[
    &["needed", "by"],
    &["need", "by"],
    &["required", "by"],
    &["deliver", "by"],
    &["delivered", "by"],
    &["delivery", "by"],
    &["delivery", "on"],
    &["no", "later", "than"],
    &["delivery", "before"],
    &["deliver", "before"],
    &["arrive", "by"],
    &["us", "by"],
    &["here", "by"],
    &["bis", "zum"],
    &["bis", "spatestens"],
    &["spatestens"],
    &["lieferung", "bis"],
    &["lieferung", "am"],
    &["liefertermin"],
    &["bis"],
    &["leverans", "senast"],
    &["senast"],
    &["leverans", "den"],
    &["fore", "den"],
    &["avant", "le"],
    &["pour", "le"],
    &["au", "plus", "tard", "le"],
    &["livraison", "le"],
    &["livraison", "pour", "le"],
    &["d'ici", "le"],
    &["by"],
];

/// The day until which the writer wants the goods, if it is said with its year.
pub fn find_wanted(words: &[Word], reading: &Reading) -> Option<(String, Vec<Word>, bool)> {
    let written = words.iter().take(40).enumerate().find_map(|(at, _)| {
        let tail = words.get(at..(at + 4).min(words.len()))?;
        parse_date(&join(tail), reading.order).filter(|date| !date.ambiguous).map(|date| date.iso)
    });
    for at in 0..words.len() {
        for phrase in WANTED {
            let rest = words.get(at..).unwrap_or_default();
            let hit = rest.len() > phrase.len() && phrase.iter().zip(rest).all(|(p, w)| *p == bare(w));
            if !hit {
                continue;
            }
            let after = rest.get(phrase.len()..).unwrap_or_default();
            let near = after.get(..after.len().min(6)).unwrap_or_default();
            let near: Vec<Word> = near.iter().filter(|w| w.text != ":").cloned().collect();
            if let Some(read) = parse_date(&join(&near), reading.order) {
                let used: Vec<Word> = near.iter().take(read.words).cloned().collect();
                return Some((read.iso, used, read.ambiguous));
            }
            if let Some((iso, used)) = day_after(&near, written.as_deref(), reading) {
                return Some((iso, used, true));
            }
        }
    }
    None
}

/// A value that stands in the subject of the mail, not on its page.
pub fn from_subject(value: String, sure: f32) -> Proposal {
    crate::extract::draft::ruled(crate::model::draft::Content::Text(value), "subject of the mail", sure)
}
