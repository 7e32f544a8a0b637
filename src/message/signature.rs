//! The end of new text: closing phrase, name, contact lines, "Sent from my…", legal notice.
//!
//! Does not: cut when in doubt, nor leave nothing: a mail that only says "Thanks, Ben" keeps it as new text.
//! Limits: a signature has at most [`SIGNATURE_LINES_MAX`] lines behind its first.

mod closing;

use super::quote::{Line, Mark};
use closing::{is_closing, is_thanks};

/// Filled lines of a signature.
const SIGNATURE_LINES_MAX: usize = 14;
/// Filled lines behind a closing phrase.
const CLOSING_LINES_MAX: usize = 12;
/// A line of a name or an address is no longer than this.
const LINE_CHARS_MAX: usize = 90;

/// Splits new lines into text and signature.
pub(super) fn split<'a>(lines: &[&'a Line], sender: &str) -> (Vec<&'a str>, Vec<&'a str>) {
    let texts: Vec<&str> = lines.iter().map(|l| l.text.as_str()).collect();
    let end = texts.iter().rposition(|t| !t.trim().is_empty()).map_or(0, |at| at + 1);
    let body = texts.get(..end).unwrap_or_default();
    let mut cut = without_notices(body);
    for find in [marked_by_delimiter, marked_by_program, marked_by_closing] {
        if let Some(at) = find(body.get(..cut).unwrap_or_default()) {
            cut = cut.min(at);
        }
    }
    if let Some(at) = marked_by_markup(lines.get(..cut).unwrap_or_default()) {
        cut = cut.min(at);
    }
    if let Some(at) = marked_by_contact(body.get(..cut).unwrap_or_default()) {
        cut = cut.min(at);
    }
    if let Some(at) = marked_by_closing(body.get(..cut).unwrap_or_default()) {
        cut = cut.min(at);
    }
    if let Some(at) = marked_by_name(body.get(..cut).unwrap_or_default(), sender) {
        cut = cut.min(at);
    }
    let (new, signature) = body.split_at_checked(cut).unwrap_or((body, &[]));
    if new.iter().all(|t| t.trim().is_empty()) && !marked_by_delimiter(body).is_some_and(|at| at == cut) {
        // Only a greeting: that is the message.
        let keep = marked_by_program(body).unwrap_or(end);
        let (new, signature) = body.split_at_checked(keep).unwrap_or((body, &[]));
        return (new.to_vec(), signature.to_vec());
    }
    (new.to_vec(), signature.to_vec())
}

/// Where legal notices at the end begin: paragraphs, their headings, and rules between them.
fn without_notices(lines: &[&str]) -> usize {
    let mut cut = lines.len();
    let mut seen = false;
    while let Some(at) = lines.get(..cut).and_then(|l| l.iter().rposition(|t| !t.trim().is_empty())) {
        let text = lines.get(at).map(|t| t.trim()).unwrap_or_default();
        let rule = text.len() >= 3 && text.chars().all(|c| matches!(c, '_' | '-' | '—' | '=' | '*'));
        let heading = [
            "disclaimer",
            "disclaimer:",
            "confidentiality notice",
            "confidentiality notice:",
            "haftungsausschluss",
        ]
        .contains(&text.to_lowercase().as_str());
        let long_notice = is_notice(text) && text.chars().count() > 80;
        // A long paragraph between notices is one of them.
        let between = seen && text.chars().count() > 250;
        if !(rule || heading || long_notice || between) {
            break;
        }
        seen |= long_notice;
        cut = at;
    }
    if seen { cut } else { lines.len() }
}

fn filled(lines: &[&str]) -> usize {
    lines.iter().filter(|t| !t.trim().is_empty()).count()
}

/// Lines that markup marks, if nothing else follows them.
fn marked_by_markup(lines: &[&Line]) -> Option<usize> {
    let first = lines.iter().position(|l| l.mark == Mark::Signature)?;
    let plain =
        lines.iter().skip(first).filter(|l| l.mark != Mark::Signature && !l.text.trim().is_empty()).count();
    (plain == 0).then_some(first)
}

/// `-- ` and its kin (RFC 3676 §4.3).
fn marked_by_delimiter(lines: &[&str]) -> Option<usize> {
    let is = |t: &str| {
        let text = t.trim();
        matches!(text, "--" | "—" | "–" | "---" | "- -" | "-- --")
            || (text.len() >= 5 && text.chars().all(|c| matches!(c, '_' | '—')))
    };
    let at = lines.iter().rposition(|t| is(t))?;
    let after = lines.get(at + 1..).unwrap_or_default();
    // The last but one may be the true one: a logo block inside a signature.
    let exact = lines.iter().position(|t| *t == "-- ");
    if let Some(exact) = exact {
        let after = lines.get(exact + 1..).unwrap_or_default();
        if filled(after) <= SIGNATURE_LINES_MAX * 2 {
            return Some(exact);
        }
    }
    (filled(after) > 0
        && filled(after) <= SIGNATURE_LINES_MAX
        && after.iter().all(|t| t.chars().count() <= 400))
    .then_some(at)
}

/// "Sent from my iPhone" and its kin, with what little follows.
fn marked_by_program(lines: &[&str]) -> Option<usize> {
    const STARTS: &[&str] = &[
        "sent from my",
        "sent from mail",
        "sent from outlook",
        "sent from yahoo",
        "sent via",
        "sent from a",
        "sent on the",
        "sent by my",
        "sent with",
        "get outlook for",
        "skickat från min",
        "skickat från mitt",
        "skickat från e-post",
        "skickat från outlook",
        "skickat från yahoo",
        "skickat från mail",
        "hämta outlook för",
        "von meinem",
        "gesendet von",
        "gesendet mit",
        "diese nachricht wurde von meinem",
        "holen sie sich outlook",
        "outlook für",
        "laden sie outlook",
        "envoyé de mon",
        "envoyé depuis",
        "envoyé à partir",
        "obtenez outlook",
        "télécharger outlook",
        "enviado desde mi",
        "enviado do meu",
        "inviato da",
        "verzonden vanaf",
        "verzonden met",
        "verstuurd vanaf",
        "verstuurd met",
        "outlook voor",
        "sendt fra min",
        "sendt via",
        "hent outlook",
        "skickat via",
        "gesendet aus",
        "gesendet über",
        "envoyé via",
        "envoyé avec",
        "enviado con",
        "enviado a partir",
        "enviada do meu",
        "obtener outlook",
        "obter o outlook",
        "scarica outlook",
        "hanki outlook",
        "pobierz program outlook",
        "lähetetty",
        "from my iphone",
        "sent using",
        "mit freundlichen grüßen von meinem",
        "отправлено с",
        "wysłane z",
    ];
    let at = lines.iter().rposition(|t| {
        let lower = t.trim().trim_start_matches(['-', '*', '_', ' ', '(', '<']).to_lowercase();
        let sentence =
            lower.contains(", is ") || lower.contains(" is ") || lower.split_whitespace().count() > 10;
        t.chars().count() <= 120 && !sentence && STARTS.iter().any(|s| lower.starts_with(s))
    })?;
    (filled(lines.get(at + 1..).unwrap_or_default()) <= 3).then_some(at)
}

/// A closing phrase with little behind it.
fn marked_by_closing(lines: &[&str]) -> Option<usize> {
    let closings: Vec<usize> =
        lines.iter().enumerate().filter(|(_, t)| is_closing(t)).map(|(at, _)| at).collect();
    let fits = |at: usize| {
        let after = lines.get(at + 1..).unwrap_or_default();
        let short = after.iter().filter(|t| t.chars().count() > LINE_CHARS_MAX && !is_notice(t)).count() == 0;
        let before_notice = after.iter().take_while(|t| !is_notice(t)).count();
        let something_before = filled(lines.get(..at).unwrap_or_default()) > 0;
        let thanks_alone = filled(after) == 0
            && lines.get(at).is_some_and(|t| {
                t.split_whitespace().count() <= 4
                    && is_thanks(&t.trim().to_lowercase())
                    && !t.trim().contains(',')
            });
        something_before
            && !thanks_alone
            && filled(after.get(..before_notice).unwrap_or_default()) <= CLOSING_LINES_MAX
            && short
            && !after.iter().any(|t| is_request(t))
    };
    // "Thanks" above "Best regards": the first of neighbours.
    let mut found = None;
    for at in closings.into_iter().rev() {
        match found {
            None if fits(at) => found = Some(at),
            None => break,
            Some(last) if last - at <= 2 && filled(lines.get(at + 1..last).unwrap_or_default()) == 0 => {
                found = Some(at);
            }
            Some(_) => break,
        }
    }
    found
}

/// A line that asks or tells something: no part of a signature.
fn is_request(text: &str) -> bool {
    let lower = text.trim().to_lowercase();
    let postscript = ["ps", "p.s", "nb:", "obs"]
        .iter()
        .any(|p| lower.starts_with(p) && lower.chars().count() > 8 && !lower.starts_with("psychol"));
    postscript || (lower.ends_with('?') && lower.split_whitespace().count() >= 3)
}

/// A legal notice.
fn is_notice(text: &str) -> bool {
    const WORDS: &[&str] = &[
        "confidential",
        "intended recipient",
        "disclaimer",
        "vertraulich",
        "konfidentiell",
        "sekretess",
        "confidentiel",
        "virus",
        "think before you print",
        "before printing",
        "miljön",
        "umwelt",
        "destinataire",
        "gdpr",
        "personuppgifter",
        "privacy",
    ];
    let lower = text.to_lowercase();
    text.chars().count() > 40 && WORDS.iter().any(|w| lower.contains(w))
}

/// The last paragraph holds telephone numbers, addresses and the like, and nothing else.
fn marked_by_contact(lines: &[&str]) -> Option<usize> {
    let end = lines.iter().rposition(|t| !t.trim().is_empty())? + 1;
    let start = lines.get(..end)?.iter().rposition(|t| t.trim().is_empty()).map_or(0, |at| at + 1);
    let block = lines.get(start..end)?;
    let small =
        block.len() <= SIGNATURE_LINES_MAX && block.iter().all(|t| t.chars().count() <= LINE_CHARS_MAX);
    let contacts = block.iter().filter(|t| is_contact(t)).count();
    let business = block.iter().any(|t| is_business(t));
    let notice = block.iter().all(|t| t.trim().is_empty() || is_notice(t)) && start > 0;
    (start > 0 && ((small && contacts >= 2 && contacts * 2 >= block.len() && !business) || notice))
        .then_some(start)
}

fn is_contact(text: &str) -> bool {
    const STARTS: &[&str] = &[
        "tel",
        "phone",
        "mobile",
        "mob",
        "cell",
        "fax",
        "direct",
        "office",
        "telefon",
        "växel",
        "e-post",
        "epost",
        "email",
        "e-mail",
        "mail",
        "www.",
        "http",
        "web",
        "t:",
        "m:",
        "e:",
        "f:",
        "p:",
        "w:",
        "ph:",
        "org.nr",
        "org nr",
        "ust-id",
        "siret",
        "vat",
        "handy",
        "durchwahl",
        "portable",
        "tél",
        "besöksadress",
        "twitter",
        "linkedin",
    ];
    let lower = text.trim().trim_start_matches(['*', '|', '-', ' ']).to_lowercase();
    let digits = lower.chars().filter(char::is_ascii_digit).count();
    let phone = digits >= 7
        && lower.chars().all(|c| c.is_ascii_digit() || matches!(c, ' ' | '+' | '-' | '(' | ')' | '/' | '.'));
    let only_mail = lower.contains('@') && lower.split_whitespace().count() <= 2;
    phone || only_mail || STARTS.iter().any(|s| lower.starts_with(s))
}

fn is_business(text: &str) -> bool {
    const WORDS: &[&str] = &[
        "deliver",
        "ship to",
        "order",
        "lieferadresse",
        "lieferung",
        "bestell",
        "leverans",
        "beställ",
        "livraison",
        "commande",
        "invoice",
        "qty",
        "antal",
        "menge",
        "quantité",
        "artikel",
        "item",
        "new address",
        "neue",
        "ny adress",
        "nouvelle",
        "iban",
        "contact person",
        "ansprechpartner",
        "kontaktperson",
    ];
    let lower = text.to_lowercase();
    WORDS.iter().any(|w| lower.contains(w))
}

/// The end is the sender's name, perhaps with a few short lines of company and telephone below it.
fn marked_by_name(lines: &[&str], sender: &str) -> Option<usize> {
    let end = lines.iter().rposition(|t| !t.trim().is_empty())? + 1;
    let start = lines.get(..end)?.iter().rposition(|t| t.trim().is_empty()).map_or(0, |at| at + 1);
    let block = lines.get(start..end)?;
    let small =
        |lines: &[&str]| lines.len() <= SIGNATURE_LINES_MAX && lines.iter().all(|t| t.chars().count() <= 60);
    let names: Vec<String> = sender
        .split(|c: char| !c.is_alphanumeric())
        .filter(|w| w.chars().count() >= 2)
        .map(str::to_lowercase)
        .collect();
    // A line with the sender's name, and short lines that are no sentences below it.
    let named = block.iter().position(|line| {
        let words = name_words(line);
        (1..=4).contains(&words.len())
            && words.iter().any(|w| names.contains(w))
            && line.chars().count() <= 40
    });
    if let Some(at) = named
        && start + at > 0
    {
        let below = block.get(at..).unwrap_or_default();
        if small(below) && !below.iter().any(|t| is_business(t) || is_sentence(t)) {
            return Some(start + at);
        }
    }
    let last = block.last()?.trim();
    let words = name_words(last);
    let core = last.trim_matches(|c: char| !c.is_alphanumeric());
    let is_name = (1..=3).contains(&words.len())
        && core.chars().count() <= 30
        && is_capitalised(core)
        && !is_business(last);
    let dashed = last.starts_with(['/', '-', '–', '—', '~']) && !last.starts_with("- ");
    let alone = block.len() == 1
        && words.len() <= 2
        && !last.ends_with(['.', ':', '?', '!'])
        && !is_greeting(last)
        && {
            let before = lines.get(..start)?.iter().rev().find(|t| !t.trim().is_empty()).map(|t| t.trim())?;
            before.ends_with(['.', '?', '!', ',', ')']) && before.split_whitespace().count() >= 3
        };
    (end > 1 && is_name && (dashed || alone)).then_some(end - 1)
}

fn name_words(line: &str) -> Vec<String> {
    line.split_whitespace()
        .map(|w| w.trim_matches(|c: char| !c.is_alphanumeric()).to_lowercase())
        .filter(|w| !w.is_empty())
        .collect()
}

fn is_capitalised(text: &str) -> bool {
    text.split_whitespace().all(|w| w.starts_with(char::is_uppercase))
        && !text.chars().any(|c| c.is_ascii_digit())
}

fn is_sentence(text: &str) -> bool {
    text.split_whitespace().count() >= 6 && text.trim().ends_with(['.', '?', '!'])
}

/// Thanks and yeses that stand alone are no names.
fn is_greeting(text: &str) -> bool {
    let lower = text.to_lowercase();
    is_thanks(&lower)
        || [
            "ok", "okay", "yes", "no", "ja", "nej", "nein", "oui", "non", "bra", "great", "perfect", "danke",
            "urgent", "asap",
        ]
        .contains(&lower.trim_matches(|c: char| !c.is_alphanumeric()))
}
