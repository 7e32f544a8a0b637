//! Words that count and measure goods.

use super::quantity::bare;
use crate::extract::{date::parse_date, label::fold_word, layout::Word};

/// Units that goods are counted in, folded.
#[rustfmt::skip]
pub(super) const UNITS: &[&str] = &[
    "pcs", "pc", "piece", "pieces", "ea", "each", "unit", "units", "box", "boxes", "bx", "pack", "packs", "packet", "packets", "pkt", "pkts",
    "carton", "cartons", "ctn", "case", "cases", "bottle", "bottles", "btl", "roll", "rolls", "bag", "bags", "can", "cans", "drum", "drums",
    "pallet", "pallets", "set", "sets", "pair", "pairs", "tube", "tubes", "tub", "tubs", "sheet", "sheets", "length", "lengths", "metre",
    "metres", "meter", "meters", "m", "kg", "litre", "litres", "liter", "liters", "ltr", "l", "dozen", "spool", "spools", "jar", "jars",
    "stk", "stck", "stuck", "stucke", "packung", "packungen", "pck", "karton", "kartons", "kiste", "kisten", "flasche", "flaschen", "rolle",
    "rollen", "beutel", "dose", "dosen", "kanister", "palette", "paletten", "satz", "satze", "paar", "tuben", "dutzend", "eimer", "fass", "gebinde",
    "ve", "schachtel", "schachteln", "st", "styck", "stycken", "forp", "forpackning", "forpackningar", "lada", "lador", "kartong", "kartonger",
    "flaska", "flaskor", "rulle", "rullar", "pase", "pasar", "burk", "burkar", "dunk", "dunkar", "pall", "pallar", "sats", "satser", "par", "paket",
    "ask", "askar", "hink", "hinkar", "tuber", "boite", "boites", "paquet", "paquets", "bouteille", "bouteilles", "flacon", "flacons", "rouleau",
    "rouleaux", "sac", "sacs", "sachet", "sachets", "bidon", "bidons", "palettes", "jeu", "jeux", "paire", "paires", "unite", "unites", "lot",
    "lots", "caisse", "caisses", "fut", "futs", "seau", "seaux", "pot", "pots", "pce", "pces", "etui", "etuis",
];

/// Measures of goods, which are no quantities of them.
pub(super) const MEASURES: &[&str] = &[
    "mm", "cm", "ml", "cl", "µm", "um", "g", "mg", "v", "w", "kw", "a", "bar", "inch", "in", "zoll", "tum",
    "%", "°c", "days", "tage", "dagar", "jours",
];

/// Words between a quantity and its goods.
pub(super) const OF: &[&str] = &["of", "av", "de", "d", "von", "à", "x", "×", "*"];

/// Words that join two lines.
pub(super) const AND: &[&str] =
    &["and", "und", "och", "samt", "et", "sowie", "plus", "&", "+", "also", "ainsi"];

/// Words before a price for one.
pub(super) const AT: &[&str] =
    &["@", "à", "á", "je", "at", "zu", "for", "for:", "till", "pris", "preis", "price", "prix"];

/// Whether the text is a unit that goods are often counted in.
pub fn is_usual_unit(text: &str) -> bool {
    UNITS.contains(&fold_word(text).as_str())
}

pub(super) fn is_unit(word: &Word) -> bool {
    let text = bare(word);
    UNITS.contains(&text.as_str())
}

pub(super) fn is_times(word: &Word) -> bool {
    matches!(word.text.as_str(), "x" | "X" | "×" | "*")
}

/// Units that say rather how large goods are than how many, folded.
pub(super) fn is_size(word: &Word) -> bool {
    matches!(bare(word).as_str(), "m" | "l" | "kg" | "meter" | "liter" | "litre" | "metre" | "ltr")
}

/// `M8x40`, `DN25`, `500ml`, `IP68`, `24VDC`, `2026-03-01`.
pub(super) fn is_measure(text: &str) -> bool {
    let folded = text.to_lowercase();
    let norms = ["dn", "ip", "pn", "iso", "din", "en", "rj"]
        .iter()
        .any(|norm| folded.strip_prefix(norm).is_some_and(|rest| rest.chars().all(|c| c.is_ascii_digit())));
    let thread = folded.strip_prefix('m').is_some_and(|rest| {
        !rest.is_empty() && rest.chars().all(|c| c.is_ascii_digit() || matches!(c, 'x' | '.' | ','))
    });
    let sized = folded.starts_with(|c: char| c.is_ascii_digit()) && {
        let tail =
            folded.trim_start_matches(|c: char| c.is_ascii_digit() || matches!(c, '.' | ',' | 'x' | '/'));
        tail.is_empty() && folded.contains('x')
            || MEASURES.contains(&tail)
            || matches!(tail, "m" | "l" | "kg" | "vdc" | "vac" | "x")
    };
    norms || thread || sized || parse_date(text, crate::extract::date::Order::DayFirst).is_some()
}
