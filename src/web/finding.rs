//! What stages and checks say in findings, in the language of the page.
//!
//! A finding is kept as one English sentence with its figures in it. `templates/pages/findings.toml` holds each such
//! sentence with places for its figures; the sentence that fits gives the figures back, and they are put into the same
//! sentence of the page's language, numbers and days in its form. So findings of before are translated as well.
//! Why a rule decided as it did is said the same way, with `reasons.toml` ([`because`]).
//! Does not: translate what is no sentence of the table; that stays as it is.

use super::{locale, text};
use rust_decimal::Decimal;
use serde::Deserialize;
use std::sync::LazyLock;

/// A sentence in each language; `{1}`, `{2}`… are its places, in the order of the English.
#[derive(Debug, Deserialize)]
struct Sentence {
    #[serde(flatten)]
    said: Words,
    /// How the customer is asked about it; none: that is no question for a customer.
    ask: Option<Words>,
}

#[derive(Debug, Deserialize)]
struct Words {
    en: String,
    de: String,
    fr: String,
    sv: String,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Table {
    finding: Vec<Sentence>,
    reason: Vec<Sentence>,
}

fn table(source: &str) -> Table {
    toml::from_str(source).expect("a test parses the built-in table")
}

static SENTENCES: LazyLock<Vec<Sentence>> =
    LazyLock::new(|| table(include_str!("../../templates/pages/findings.toml")).finding);

static REASONS: LazyLock<Vec<Sentence>> =
    LazyLock::new(|| table(include_str!("../../templates/pages/reasons.toml")).reason);

impl Words {
    fn in_language(&self, language: &str) -> &str {
        match language {
            "de" => &self.de,
            "fr" => &self.fr,
            "sv" => &self.sv,
            _ => &self.en,
        }
    }
}

impl Sentence {
    /// What a message has in the places of the sentence; none if it is another sentence.
    fn figures<'a>(&self, message: &'a str) -> Option<Vec<&'a str>> {
        let mut parts = parts(&self.said.en);
        let mut rest = message.strip_prefix(parts.next()?)?;
        let mut figures = Vec::new();
        let parts: Vec<&str> = parts.collect();
        let Some((last, inner)) = parts.split_last() else { return rest.is_empty().then_some(figures) };
        for part in inner {
            let (figure, after) = rest.split_once(part)?;
            figures.push(figure);
            rest = after;
        }
        figures.push(rest.strip_suffix(last)?);
        Some(figures)
    }
}

/// The text of a sentence between its places.
fn parts(sentence: &str) -> impl Iterator<Item = &str> {
    let mut pieces = sentence.split('{');
    let first = pieces.next();
    first.into_iter().chain(pieces.map(|piece| piece.split_once('}').map_or(piece, |(_, text)| text)))
}

/// A finding's message in the language of the page under way.
pub(super) fn said(message: &str) -> String {
    known(message).unwrap_or_else(|| message.to_owned())
}

fn known(message: &str) -> Option<String> {
    filled(&SENTENCES, message, |sentence| Some(&sentence.said), figure_said)
}

/// What stands in quotation marks is what was written.
fn figure_said(before: &str, figure: &str) -> String {
    let quoted = before.ends_with('"');
    if quoted { figure.to_owned() } else { known(figure).unwrap_or_else(|| in_form(figure)) }
}

/// How a customer is asked about a finding, in the language of the letter under way; none if it is nothing to ask about.
pub(super) fn asked(message: &str) -> Option<String> {
    filled(&SENTENCES, message, |sentence| sentence.ask.as_ref(), figure_said)
}

/// Why a rule decided as it did, in the language of the page under way; several reasons stand behind one another.
pub(super) fn because(reasons: &str) -> String {
    let said = reasons.split("; ").map(|reason| {
        let inner = |before: &str, figure: &str| {
            if before.ends_with(": ") {
                because(figure)
            } else if before.ends_with(" is a ") {
                text::choice("kind", &figure.replace(' ', "_"))
            } else {
                figure.to_owned()
            }
        };
        filled(&REASONS, reason, |sentence| Some(&sentence.said), inner).unwrap_or_else(|| reason.to_owned())
    });
    said.collect::<Vec<_>>().join("; ")
}

/// One reason in the language of the page under way; none if it is no sentence of the table.
pub(super) fn reason(text: &str) -> Option<String> {
    filled(&REASONS, text, |sentence| Some(&sentence.said), |_, figure| figure.to_owned())
}

/// The sentence that fits, as `words` takes it, in the language of the page under way, with what `form` makes of each
/// figure and the text before it; none if no sentence fits.
fn filled(
    sentences: &[Sentence],
    message: &str,
    words: impl Fn(&Sentence) -> Option<&Words>,
    form: impl Fn(&str, &str) -> String,
) -> Option<String> {
    let fitting = sentences.iter().filter_map(|sentence| Some((sentence, sentence.figures(message)?)));
    // of several the one that says most itself
    let own = |figures: &[&str]| message.len() - figures.iter().map(|figure| figure.len()).sum::<usize>();
    let (sentence, figures) = fitting.max_by_key(|(_, figures)| own(figures))?;
    let before: Vec<&str> = parts(&sentence.said.en).collect();
    let mut said = String::new();
    let mut pieces = words(sentence)?.in_language(text::language()).split('{');
    said.push_str(pieces.next().unwrap_or_default());
    for piece in pieces {
        let (place, text) = piece.split_once('}').unwrap_or(("", piece));
        let at = place.parse::<usize>().ok().and_then(|place| place.checked_sub(1));
        let figure = at.and_then(|at| Some(form(before.get(at)?, figures.get(at)?)));
        said.push_str(&figure.unwrap_or_default());
        said.push_str(text);
    }
    Some(said)
}

/// Sums and days of a figure as the reader writes them; whole numbers may be names of something, and stay.
fn in_form(figure: &str) -> String {
    let words = figure.split(' ').map(|word| {
        let is_sum = word.contains('.') && word.parse::<Decimal>().is_ok();
        if is_sum { locale::number(word) } else { locale::iso_day(word) }
    });
    words.collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::reply::limits;
    use std::path::{Path, PathBuf};

    #[test]
    fn findings_are_said_in_the_language_of_the_page() {
        let sum =
            "Line 3: quantity times price is 1234.50, but the line says 1230.00: ask which of them holds.";
        let price = "Line 1: NK-4711 is ordered at 58.00 EUR, our price is 61.50: agree on the price before confirming.";
        for (language, message, expected) in [
            (
                "en",
                sum,
                "Line 3: quantity times price is 1,234.50, but the line says 1,230.00: ask which of them holds.",
            ),
            (
                "de",
                sum,
                "Zeile 3: Menge mal Preis ist 1.234,50, in der Zeile steht aber 1.230,00: Fragen Sie, was gilt.",
            ),
            (
                "sv",
                price,
                "Rad 1: NK-4711 är beställd till 58,00 EUR, vårt pris är 61,50: kom överens om priset innan ni bekräftar.",
            ),
            (
                "fr",
                "The form is not signed: ask for a signed one.",
                "Le formulaire n’est pas signé : demandez-en un signé.",
            ),
            ("de", "Something else.", "Something else."),
        ] {
            assert_eq!(text::in_language(language, || said(message)), expected);
        }
    }

    #[test]
    fn reasons_are_said_in_the_language_of_the_page() {
        for (language, reasons, expected) in [
            ("en", "subject says \"order\"; no rule", "subject says \"order\"; no rule"),
            (
                "de",
                "text says \"text\"; high priority: subject says \"urgent\"",
                "im Text steht „text“; dringend: im Betreff steht „urgent“",
            ),
            (
                "sv",
                "new ticket; subject token: but the sender has no part in the ticket, so a person decides",
                "nytt ärende; nummer i ämnet: men avsändaren deltar inte i ärendet, så en människa avgör",
            ),
            ("fr", "mail domain seeblick.example", "domaine de messagerie seeblick.example"),
            (
                "de",
                "references: the sender takes part in the ticket",
                "Bezüge der Mail: der Absender ist am Vorgang beteiligt",
            ),
        ] {
            assert_eq!(text::in_language(language, || because(reasons)), expected);
        }
    }

    #[test]
    fn what_holds_mail_back_is_said_in_the_language_of_the_page() {
        let history = |everything, ms: &'static [i64]| limits::History {
            recipient_and_ticket_ms: ms,
            recipient_ms: ms,
            everything,
        };
        let many: &'static [i64] = &[1_000_000; 500];
        for (recipient, history) in [
            ("no address", history(0, &[])),
            ("us@site.example", history(0, &[])),
            ("noreply@brook.example", history(0, &[])),
            ("ann@brook.example", history(500, &[])),
            ("ann@brook.example", history(0, many)),
            ("ann@brook.example", limits::History { recipient_ms: many, ..history(0, &[]) }),
        ] {
            let own = ["us@site.example".to_owned()];
            let decided = limits::decide(1_000_001, recipient, &own, &history, 500);
            let limits::Decision::Withheld { reason: text, .. } = decided else {
                panic!("{recipient} is written to")
            };
            for language in ["de", "fr", "sv"] {
                let said = text::in_language(language, || reason(&text));
                assert!(said.as_ref().is_some_and(|said| *said != text), "{language} lacks {text}");
            }
        }
        for text in ["interrupted while it was being sent", "given up by ann", "sent again by ann"] {
            assert!(reason(text).is_some(), "{text}");
        }
        assert_eq!(reason("550 5.1.1 no such user"), None);
    }

    fn places(sentence: &str) -> Vec<&str> {
        let mut names: Vec<&str> =
            sentence.split('{').skip(1).filter_map(|part| Some(part.split_once('}')?.0)).collect();
        names.sort_unstable();
        names
    }

    #[test]
    fn every_language_has_every_place() {
        for sentence in SENTENCES.iter().chain(&*REASONS) {
            for language in ["de", "fr", "sv"] {
                let said = sentence.said.in_language(language);
                assert_eq!(places(said), places(&sentence.said.en), "{language}: {said}");
            }
        }
    }

    /// The sentences in the sources of stages and checks, each place filled with `x`.
    fn written() -> Vec<String> {
        let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
        let mut files: Vec<PathBuf> = [
            "validate.rs",
            "message.rs",
            "extract/bundle.rs",
            "extract/structured.rs",
            "pipeline/master_data.rs",
            "pipeline/documents.rs",
        ]
        .map(|name| source.join(name))
        .to_vec();
        let mut folders = ["validate", "message", "reader", "screen", "extract/structured"]
            .map(|n| source.join(n))
            .to_vec();
        while let Some(folder) = folders.pop() {
            for entry in std::fs::read_dir(folder).unwrap() {
                let path = entry.unwrap().path();
                if path.is_dir() { folders.push(path) } else { files.push(path) }
            }
        }
        let mut found = Vec::new();
        for file in files {
            let text = std::fs::read_to_string(file).unwrap();
            let code = text.split("#[cfg(test)]\nmod ").next().unwrap();
            let code: String = code
                .lines()
                .filter(|line| !line.trim_start().starts_with("//"))
                .map(|line| format!("{line}\n"))
                .collect();
            let plain = code.replace("'\"'", "").replace("\\\"", "\u{1}");
            for literal in plain.split('"').skip(1).step_by(2) {
                let joined: Vec<&str> = literal.split("\\\n").map(str::trim_start).collect();
                let joined = joined.concat().replace('\u{1}', "\"");
                found.push(parts(&joined).collect::<Vec<_>>().join("x"));
            }
        }
        found
    }

    #[test]
    fn the_table_has_every_sentence_and_no_other() {
        let written = written();
        let is_sentence = |text: &&String| {
            text.ends_with(['.', '?'])
                && text.matches(' ').count() >= 3
                && text.starts_with(|c: char| c.is_ascii_uppercase() || c == 'x')
        };
        let known = |text: &String| SENTENCES.iter().any(|sentence| sentence.figures(text).is_some());
        let missing: Vec<_> = written.iter().filter(is_sentence).filter(|text| !known(text)).collect();
        assert!(missing.is_empty(), "findings.toml lacks {missing:#?}");
        let unused: Vec<_> = SENTENCES
            .iter()
            .filter(|sentence| !written.iter().any(|text| sentence.figures(text).is_some()))
            .map(|sentence| &sentence.said.en)
            .collect();
        assert!(unused.is_empty(), "no stage and no check says {unused:#?}");
    }
}
