//! Whether the text layer of a page says what the page shows.
//!
//! Cheap signals first: letters against pictures and shapes, letters without a character, invisible letters, words
//! that no language knows. Only a layer that smells is put to the proof: some of its words are read by OCR and
//! compared ([`disagrees`]).

use super::text::Layer;
use crate::{
    model::page::Word,
    reader::{
        ocr::{Engines, Mode},
        raster::Frame,
    },
};
use image::imageops;

/// What to do with a page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// The layer is good.
    Trust,
    /// The layer may lie: compare some words with the pixels.
    Prove,
    /// There is no layer worth having: read the pixels.
    Ocr,
}

/// A picture that covers this share of a page may be a scan of it.
const SCAN_SHARE: f64 = 0.5;
/// Fewer letters than this beside a scan are a stamp or a header, not the page.
const STAMP_LETTERS: usize = 200;
/// More shapes than this without letters are letters drawn as outlines.
const OUTLINE_SHAPES: usize = 60;
/// Below this share of words that a language knows, a layer smells.
const KNOWN_WORDS_MIN: f32 = 0.04;
/// Fewer words than this tell nothing about the language.
const TELLING_WORDS: usize = 12;

/// Judges a layer by what it is made of.
pub(super) fn judge(layer: &Layer) -> Verdict {
    let letters = layer.visible + layer.invisible;
    let scan = layer.image_share > SCAN_SHARE;
    if letters == 0 {
        return if layer.image_share > 0.02 || layer.shapes > OUTLINE_SHAPES {
            Verdict::Ocr
        } else {
            Verdict::Trust
        };
    }
    if layer.unmapped * 5 > letters || scan && layer.visible < STAMP_LETTERS {
        return Verdict::Ocr;
    }
    if layer.shapes > OUTLINE_SHAPES && layer.shapes > letters * 3 && letters < STAMP_LETTERS {
        return Verdict::Ocr;
    }
    if knows_language(&layer.words) { Verdict::Trust } else { Verdict::Prove }
}

/// Words that stand on most business papers or in most sentences, in the languages of the program and its neighbours.
const KNOWN_WORDS: &[&str] = &[
    "the",
    "of",
    "and",
    "to",
    "for",
    "in",
    "is",
    "be",
    "no",
    "date",
    "order",
    "purchase",
    "total",
    "quantity",
    "qty",
    "unit",
    "price",
    "amount",
    "description",
    "item",
    "page",
    "delivery",
    "terms",
    "payment",
    "invoice",
    "address",
    "name",
    "phone",
    "email",
    "fax",
    "tel",
    "tax",
    "vat",
    "customer",
    "number",
    "please",
    "net",
    "from",
    "by",
    "this",
    "your",
    "our",
    "ship",
    "der",
    "die",
    "das",
    "und",
    "für",
    "von",
    "mit",
    "bitte",
    "datum",
    "bestellung",
    "menge",
    "preis",
    "gesamt",
    "summe",
    "seite",
    "lieferung",
    "rechnung",
    "telefon",
    "einheit",
    "pos",
    "artikel",
    "kunde",
    "zahlung",
    "netto",
    "adresse",
    "nr",
    "och",
    "av",
    "att",
    "på",
    "till",
    "från",
    "med",
    "är",
    "för",
    "antal",
    "pris",
    "belopp",
    "summa",
    "sida",
    "leverans",
    "beställning",
    "kund",
    "moms",
    "enhet",
    "betalning",
    "kontaktperson",
    "adress",
    "er",
    "vår",
    "le",
    "la",
    "les",
    "de",
    "du",
    "des",
    "et",
    "pour",
    "par",
    "avec",
    "commande",
    "quantité",
    "prix",
    "montant",
    "unité",
    "livraison",
    "facture",
    "adresse",
    "désignation",
    "client",
    "paiement",
    "tva",
    "téléphone",
    "page",
    "votre",
    "nous",
    "ht",
    "en",
    "van",
    "het",
    "een",
    "voor",
    "el",
    "los",
    "para",
    "por",
    "con",
    "fecha",
    "di",
    "il",
    "per",
    "og",
    "til",
    "na",
    "do",
];

fn knows_language(words: &[Word]) -> bool {
    let alphabetic = |w: &Word| {
        let text = w.text.trim_matches(|c: char| !c.is_alphanumeric()).to_lowercase();
        (text.chars().count() >= 2 && text.chars().all(char::is_alphabetic)).then_some(text)
    };
    let plain: Vec<String> = words.iter().filter_map(alphabetic).collect();
    let known = plain.iter().filter(|w| KNOWN_WORDS.contains(&w.as_str())).count();
    plain.len() < TELLING_WORDS && plain.len() * 2 < words.len().max(1)
        || known as f32 >= KNOWN_WORDS_MIN * plain.len() as f32
}

/// Reads some words from the pixels and compares: true if most differ. None if nothing could be compared.
pub(super) fn disagrees(
    words: &[Word],
    frame: &Frame,
    engines: &mut Engines,
    models: &[&str],
) -> Option<bool> {
    const PROBES: usize = 8;
    const PROBE_LETTERS: usize = 4;
    const PADDING: f32 = 0.35;
    let (width, height) = (frame.gray.width() as f32, frame.gray.height() as f32);
    let long = |w: &&Word| w.text.chars().filter(|c| c.is_alphanumeric()).count() >= PROBE_LETTERS;
    let candidates: Vec<&Word> = words.iter().filter(long).collect();
    let step = (candidates.len() / PROBES).max(1);
    let (mut compared, mut different) = (0, 0);
    for word in candidates.into_iter().step_by(step).take(PROBES) {
        let pad = word.bbox.height() * height * PADDING;
        let left = (word.bbox.x0 * width - pad).max(0.0);
        let top = (word.bbox.y0 * height - pad).max(0.0);
        let across = word.bbox.width() * width + 2.0 * pad;
        let down = word.bbox.height() * height + 2.0 * pad;
        if across < 8.0 || down < 8.0 {
            continue;
        }
        let part =
            imageops::crop_imm(&frame.gray, left as u32, top as u32, across as u32, down as u32).to_image();
        let Some(seen) = engines.recognise(models, &part, frame.dpi_x, Mode::Line) else { continue };
        let read: String = seen.iter().map(|s| s.text.as_str()).collect();
        if seen.iter().all(|s| s.raw_confidence < 50.0) {
            continue; // cannot be read: no witness
        }
        compared += 1;
        different += usize::from(similarity(&word.text, &read) < 0.5);
    }
    (compared >= 2).then_some(different * 2 > compared)
}

/// 1 for the same letters and digits, 0 for nothing in common.
fn similarity(a: &str, b: &str) -> f32 {
    let plain = |s: &str| {
        s.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect::<Vec<char>>()
    };
    let (a, b) = (plain(a), plain(b));
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.iter().enumerate() {
        let mut diagonal = i;
        let mut left = i + 1;
        let mut next = vec![left];
        for (y, above) in b.iter().zip(row.iter().skip(1)) {
            left = (left + 1).min(above + 1).min(diagonal + usize::from(x != y));
            diagonal = *above;
            next.push(left);
        }
        row = next;
    }
    1.0 - row.last().copied().unwrap_or(0) as f32 / a.len().max(b.len()).max(1) as f32
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::page::Rect;

    fn words(text: &str) -> Vec<Word> {
        let word = |t: &str| Word {
            text: t.into(),
            bbox: Rect::default(),
            confidence: 1.0,
            size_pt: 9.0,
            bold: false,
        };
        text.split_whitespace().map(word).collect()
    }

    #[test]
    fn similarity_counts_edits() {
        assert!((similarity("Bolt-12", "bolt 12") - 1.0).abs() < 1e-6);
        assert!((similarity("abcd", "abxd") - 0.75).abs() < 1e-6);
        assert!(similarity("Menge", "Xtiwz") < 0.3);
    }

    #[test]
    fn a_language_is_known_by_its_common_words() {
        assert!(knows_language(&words(
            "Purchase order number date please ship to the address below with the invoice thanks"
        )));
        assert!(!knows_language(&words(
            "Mwppwyt Ozpxtiwz VlrX Xxhwz Zwye Voffztiwz Awnftavttpxzg Bcbrbolzh Lnccpi Gxtiwy Hpl Küzexn Wunm"
        )));
        assert!(knows_language(&words("12 30.00 4711 kg")));
    }
}
