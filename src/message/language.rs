//! The language of a customer's text: English, Swedish, German, French, or another.
//!
//! Short texts are judged by their function words, longer ones by trigrams too; in doubt there is no answer.
//! Does not: tell dialects or mixed texts apart.

use std::{collections::HashMap, sync::LazyLock};
use whatlang::{Detector, Lang};

/// Characters that are looked at.
const TEXT_CHARS_MAX: usize = 4_000;
/// Shorter texts are judged by function words only.
const TRIGRAM_CHARS_MIN: usize = 60;

/// Function words and greetings that only one of the languages has.
const WORDS: &[(&str, &[&str])] = &[
    (
        "en",
        &[
            "the", "and", "is", "are", "you", "your", "we", "our", "please", "hi", "hello", "dear", "would",
            "could", "have", "has", "with", "this", "that", "thanks", "thank", "of", "to", "for", "when",
            "where", "what", "my", "it", "regards", "not", "will", "can", "been", "still", "order",
            "attached", "from", "it's",
        ],
    ),
    (
        "sv",
        &[
            "och",
            "är",
            "att",
            "det",
            "hej",
            "vi",
            "jag",
            "ni",
            "er",
            "på",
            "för",
            "med",
            "som",
            "inte",
            "tack",
            "kan",
            "av",
            "vänlig",
            "hälsning",
            "mvh",
            "har",
            "när",
            "vår",
            "min",
            "ej",
            "vill",
            "till",
            "ett",
            "godmorgon",
            "beställning",
            "bifogat",
            "bifogad",
            "skulle",
            "från",
            "åt",
            "hälsningar",
        ],
    ),
    (
        "de",
        &[
            "und",
            "der",
            "die",
            "das",
            "ist",
            "wir",
            "ich",
            "sie",
            "bitte",
            "hallo",
            "mit",
            "für",
            "nicht",
            "auf",
            "guten",
            "tag",
            "grüße",
            "eine",
            "einen",
            "den",
            "dem",
            "wann",
            "haben",
            "unsere",
            "unser",
            "anbei",
            "ihre",
            "ihr",
            "geehrte",
            "zu",
            "von",
            "bestellung",
            "noch",
            "wird",
            "bei",
            "danke",
            "moin",
        ],
    ),
    (
        "da",
        &[
            "jeg", "ikke", "og", "af", "til", "tak", "hilsen", "venlig", "fra", "hvornår", "hvor", "gerne",
            "mvh", "hej", "vi", "har", "det", "er", "en", "på", "kan", "med", "dig", "min", "din",
        ],
    ),
    (
        "nl",
        &[
            "het",
            "een",
            "van",
            "niet",
            "wij",
            "graag",
            "met",
            "voor",
            "de",
            "groet",
            "bedankt",
            "wanneer",
            "hallo",
            "wat",
            "alle",
            "ik",
            "onze",
            "uw",
            "bestelling",
        ],
    ),
    (
        "fr",
        &[
            "le",
            "la",
            "les",
            "et",
            "est",
            "nous",
            "vous",
            "je",
            "bonjour",
            "merci",
            "une",
            "pour",
            "dans",
            "avec",
            "pas",
            "notre",
            "votre",
            "sur",
            "qui",
            "que",
            "cordialement",
            "commande",
            "ci-joint",
            "madame",
            "monsieur",
            "quand",
            "avons",
            "avez",
            "ne",
            "pouvez",
            "bonsoir",
            "du",
            "mon",
            "ma",
            "des",
            "s'il",
        ],
    ),
];

/// ISO 639-1 code of the text's language, if it is clear enough.
pub(crate) fn detect(text: &str) -> Option<String> {
    let text: String = text.chars().take(TEXT_CHARS_MAX).collect();
    let scores = count_words(&text);
    let mut ranked: Vec<(usize, &str)> = scores.into_iter().map(|(code, count)| (count, code)).collect();
    ranked.sort_unstable_by_key(|(score, _)| std::cmp::Reverse(*score));
    let (best, code) = ranked.first().copied()?;
    let second = ranked.get(1).map_or(0, |r| r.0);
    let letters = text.chars().filter(|c| c.is_alphabetic()).count();
    if best > second && best >= 1 && (letters < TRIGRAM_CHARS_MIN || (best >= 3 && best >= second * 2)) {
        return Some(code.to_owned());
    }
    if letters < TRIGRAM_CHARS_MIN {
        return None;
    }
    let info = Detector::new().detect(&text)?;
    if info.is_reliable() || info.confidence() > 0.5 {
        return short_code(info.lang());
    }
    let four = Detector::with_allowlist(vec![Lang::Eng, Lang::Swe, Lang::Deu, Lang::Fra]).detect(&text)?;
    if best > second { Some(code.to_owned()) } else { short_code(four.lang()) }
}

fn count_words(text: &str) -> Vec<(&'static str, usize)> {
    let lower = text.to_lowercase();
    let words =
        lower.split(|c: char| !(c.is_alphanumeric() || c == '\'' || c == '-')).filter(|w| !w.is_empty());
    let mut counts: Vec<(&'static str, usize)> = WORDS.iter().map(|(code, _)| (*code, 0)).collect();
    for word in words {
        for at in LANGUAGES_OF.get(word).into_iter().flatten() {
            if let Some((_, count)) = counts.get_mut(*at) {
                *count += 1;
            }
        }
    }
    counts
}

/// The places in [`WORDS`] of the languages that have a word.
static LANGUAGES_OF: LazyLock<HashMap<&str, Vec<usize>>> = LazyLock::new(|| {
    let mut found: HashMap<&str, Vec<usize>> = HashMap::new();
    for (at, (_, list)) in WORDS.iter().enumerate() {
        for word in *list {
            let places = found.entry(*word).or_default();
            if places.last() != Some(&at) {
                places.push(at);
            }
        }
    }
    found
});

/// Languages that are told apart, with their codes of ISO 639-1.
const CODES: [(Lang, &str); 28] = [
    (Lang::Eng, "en"),
    (Lang::Swe, "sv"),
    (Lang::Deu, "de"),
    (Lang::Fra, "fr"),
    (Lang::Dan, "da"),
    (Lang::Nob, "no"),
    (Lang::Fin, "fi"),
    (Lang::Nld, "nl"),
    (Lang::Spa, "es"),
    (Lang::Ita, "it"),
    (Lang::Por, "pt"),
    (Lang::Pol, "pl"),
    (Lang::Ces, "cs"),
    (Lang::Slk, "sk"),
    (Lang::Hun, "hu"),
    (Lang::Ron, "ro"),
    (Lang::Tur, "tr"),
    (Lang::Rus, "ru"),
    (Lang::Ukr, "uk"),
    (Lang::Ell, "el"),
    (Lang::Est, "et"),
    (Lang::Lav, "lv"),
    (Lang::Lit, "lt"),
    (Lang::Jpn, "ja"),
    (Lang::Cmn, "zh"),
    (Lang::Kor, "ko"),
    (Lang::Ara, "ar"),
    (Lang::Heb, "he"),
];

/// Whether texts can be told to be in the language of a code.
pub(crate) fn is_known(code: &str) -> bool {
    CODES.iter().any(|(_, known)| *known == code)
}

fn short_code(lang: Lang) -> Option<String> {
    CODES.iter().find(|(known, _)| *known == lang).map(|(_, code)| (*code).to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn languages_are_told_apart() {
        for (text, expected) in [
            ("", None),
            ("4711 / 22", None),
            ("OK", None),
            ("Where is my order?", Some("en")),
            ("Thanks!", Some("en")),
            ("Hej! När kommer vår leverans?", Some("sv")),
            ("Tack!", Some("sv")),
            ("Anbei unsere Bestellung.", Some("de")),
            ("Guten Tag, wann wird geliefert?", Some("de")),
            ("Bonjour, quand arrive ma commande ?", Some("fr")),
            ("Merci d'avance", Some("fr")),
            (
                "Goedemorgen, wij hebben de factuur nog niet ontvangen en willen graag weten wanneer deze verstuurd wordt.",
                Some("nl"),
            ),
        ] {
            assert_eq!(detect(text).as_deref(), expected, "{text}");
        }
    }
}
