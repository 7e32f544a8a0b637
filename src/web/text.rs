//! The words of the pages: keys into `templates/pages/text.LANGUAGE.toml`.
//!
//! The language is the one that the visitor chose, else the one that the browser asks for ([`speak`]); what a table
//! lacks comes in English. The choice between a light and a dark look travels along.
//! Placeholders are `{name}`; a key with the suffix `_one` takes the place of the plain one where `n` is 1.
//! Does not: escape (templates do), nor translate what stages and checks say in findings (that is [`super::finding`]).

use super::Desk;
use crate::{app::Settings, model::ticket::Queue};
use axum::{
    extract::Request,
    http::{HeaderMap, header},
    middleware::Next,
    response::Response,
};
use std::{
    collections::BTreeMap,
    sync::{Arc, LazyLock},
};

/// Cookie with the chosen language.
pub(super) const LANGUAGE_COOKIE: &str = "language";
/// Cookie with the chosen look.
pub(super) const THEME_COOKIE: &str = "theme";

/// The looks that can be chosen; the first follows the system.
const THEMES: [&str; 3] = ["auto", "light", "dark"];

/// What the languages call themselves.
const NAMES: [(&str, &str); LANGUAGES.len()] =
    [("en", "English"), ("de", "Deutsch"), ("fr", "Français"), ("sv", "Svenska")];

/// The languages of the pages, ISO 639-1, with their words. English first: it knows every key.
const LANGUAGES: [(&str, &str); 4] = [
    ("en", include_str!("../../templates/pages/text.en.toml")),
    ("de", include_str!("../../templates/pages/text.de.toml")),
    ("fr", include_str!("../../templates/pages/text.fr.toml")),
    ("sv", include_str!("../../templates/pages/text.sv.toml")),
];

type Words = BTreeMap<String, String>;

static TABLES: LazyLock<[Words; LANGUAGES.len()]> = LazyLock::new(|| {
    LANGUAGES.map(|(_, source)| {
        let table: toml::Table = source.parse().expect("a test parses the built-in tables");
        let mut flat = BTreeMap::new();
        flatten("", &table, &mut flat);
        flat
    })
});

/// What a page is in.
#[derive(Clone, Default)]
struct Spoken {
    /// Which of [`LANGUAGES`].
    language: usize,
    /// Which of [`THEMES`].
    theme: usize,
    /// Where the site calls its queues otherwise than the language does.
    settings: Option<Arc<Settings>>,
}

tokio::task_local! {
    /// What the page under way is in.
    static SPOKEN: Spoken;
}

/// Answers a request in the language and look that were chosen, or in those that its browser asks for.
pub(super) async fn speak(request: Request, next: Next) -> Response {
    let wish = request.headers().get(header::ACCEPT_LANGUAGE).and_then(|value| value.to_str().ok());
    let language = cookie(request.headers(), LANGUAGE_COOKIE)
        .and_then(|chosen| LANGUAGES.iter().position(|(code, _)| *code == chosen))
        .unwrap_or_else(|| choose(wish.unwrap_or_default()));
    let theme = cookie(request.headers(), THEME_COOKIE)
        .and_then(|chosen| THEMES.iter().position(|theme| *theme == chosen))
        .unwrap_or(0);
    let settings = match request.extensions().get::<Arc<Desk>>() {
        // a page that needs them says itself that the database is out of reach
        Some(desk) => desk.app.settings().await.ok(),
        None => None,
    };
    SPOKEN.scope(Spoken { language, theme, settings }, next.run(request)).await
}

/// The value of a cookie.
pub(super) fn cookie<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    let lines = headers.get_all(header::COOKIE).iter().filter_map(|value| value.to_str().ok());
    let mut pairs = lines.flat_map(|line| line.split(';')).filter_map(|pair| pair.trim().split_once('='));
    pairs.find(|(known, _)| *known == name).map(|(_, value)| value)
}

/// The best of our languages for an `Accept-Language` header (RFC 9110, 12.5.4): the highest weight, else the first.
fn choose(wish: &str) -> usize {
    let mut best = (0.0, 0);
    for range in wish.split(',').take(50) {
        let mut parts = range.split(';');
        let tag = parts.next().unwrap_or_default().trim().to_ascii_lowercase();
        let weight = parts.find_map(|part| part.trim().strip_prefix("q=")).map_or(Ok(1.0), str::parse::<f32>);
        let code = tag.split('-').next().unwrap_or_default();
        let known = LANGUAGES.iter().position(|(language, _)| *language == code);
        if let (Some(index), Ok(weight)) = (known, weight)
            && weight > best.0
        {
            best = (weight, index);
        }
    }
    best.1
}

fn spoken() -> usize {
    SPOKEN.try_with(|spoken| spoken.language).unwrap_or(0)
}

/// The look of the page under way: `auto`, `light` or `dark`.
pub(super) fn theme() -> &'static str {
    let theme = SPOKEN.try_with(|spoken| spoken.theme).unwrap_or(0);
    THEMES.get(theme).copied().unwrap_or("auto")
}

/// Whether there is such a look.
pub(super) fn is_theme(name: &str) -> bool {
    THEMES.contains(&name)
}

/// Whether the pages speak a language, ISO 639-1.
pub(super) fn is_language(code: &str) -> bool {
    LANGUAGES.iter().any(|(known, _)| *known == code)
}

/// Code and own name of each language.
pub(super) fn languages() -> Vec<Vec<&'static str>> {
    NAMES.iter().map(|(code, name)| vec![*code, *name]).collect()
}

/// The language of the page under way, ISO 639-1.
pub(super) fn language() -> &'static str {
    LANGUAGES.get(spoken()).map_or("en", |(code, _)| code)
}

fn flatten(prefix: &str, table: &toml::Table, flat: &mut BTreeMap<String, String>) {
    for (key, value) in table {
        let path = if prefix.is_empty() { key.clone() } else { format!("{prefix}.{key}") };
        match value {
            toml::Value::Table(inner) => flatten(&path, inner, flat),
            toml::Value::String(text) => {
                flat.insert(path, text.clone());
            }
            _ => {}
        }
    }
}

/// Says something in another language than that of the page, ISO 639-1: a letter, say. English if it is unknown.
pub(super) fn in_language<T>(code: &str, say: impl FnOnce() -> T) -> T {
    let language = LANGUAGES.iter().position(|(known, _)| *known == code).unwrap_or(0);
    let spoken = SPOKEN.try_with(Spoken::clone).unwrap_or_default();
    SPOKEN.sync_scope(Spoken { language, ..spoken }, say)
}

/// The text of a key, if there is one.
pub(super) fn find(key: &str) -> Option<&'static str> {
    let [english, ..] = &*TABLES;
    TABLES.get(spoken()).and_then(|table| table.get(key)).or_else(|| english.get(key)).map(String::as_str)
}

/// The text of a key without placeholders; the key itself if it is missing, so that a page still shows.
pub(super) fn text(key: &str) -> &str {
    find(key).unwrap_or(key)
}

/// The text of a key with its placeholders filled in.
pub(super) fn filled(key: &str, values: &[(&str, String)]) -> String {
    let one = values.iter().any(|(name, value)| *name == "n" && value == "1");
    let plain = if one { find(&format!("{key}_one")).unwrap_or_else(|| text(key)) } else { text(key) };
    values.iter().fold(plain.to_owned(), |text, (name, value)| text.replace(&format!("{{{name}}}"), value))
}

/// The label of a field or column: from the table, or its name with blanks for what the table does not know.
pub(super) fn label(name: &str) -> String {
    find(&format!("field.{name}")).map_or_else(
        || {
            let plain = name.replace('_', " ");
            let mut letters = plain.chars();
            letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
        },
        str::to_owned,
    )
}

/// What the site calls a queue.
fn queue_label(name: &str) -> Option<String> {
    let queue = Queue::parse(name)?;
    let label = SPOKEN.try_with(|spoken| {
        let rules = spoken.settings.as_ref()?.config.queue(queue)?;
        Some(rules.label.clone()).filter(|label| !label.is_empty())
    });
    label.ok().flatten()
}

/// The label of a value from a closed list such as a queue or a state.
pub(super) fn choice(group: &str, name: &str) -> String {
    if group == "queue"
        && let Some(label) = queue_label(name)
    {
        return label;
    }
    find(&format!("{group}.{name}")).map_or_else(|| name.replace('_', " "), str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn singular_takes_its_own_text() {
        assert_eq!(filled("count.messages", &[("n", "1".into())]), "1 message");
        assert_eq!(filled("count.messages", &[("n", "2".into())]), "2 messages");
    }

    #[test]
    fn the_browser_chooses_the_language() {
        for (wish, expected) in [
            ("", "en"),
            ("de-AT,de;q=0.9,en;q=0.5", "de"),
            ("es, sv;q=0.5", "sv"),
            ("en;q=0.2, FR", "fr"),
            ("de, fr", "de"),
            ("*", "en"),
            ("de;q=0", "en"),
            ("de;q=much, sv;q=0.1", "sv"),
        ] {
            assert_eq!(LANGUAGES[choose(wish)].0, expected, "{wish:?}");
        }
    }

    #[test]
    fn every_language_says_everything() {
        let placeholders = |text: &str| {
            let mut names: Vec<String> =
                text.split('{').skip(1).filter_map(|part| Some(part.split_once('}')?.0.to_owned())).collect();
            names.sort();
            names
        };
        let [english, others @ ..] = &*TABLES;
        for ((language, _), table) in LANGUAGES.iter().skip(1).zip(others) {
            let missing: Vec<_> = english.keys().filter(|key| !table.contains_key(*key)).collect();
            let unknown: Vec<_> = table.keys().filter(|key| !english.contains_key(*key)).collect();
            assert!(
                missing.is_empty() && unknown.is_empty(),
                "{language} lacks {missing:?}, adds {unknown:?}"
            );
            for (key, text) in table {
                assert_eq!(placeholders(text), placeholders(&english[key]), "{language} {key}");
                assert!(!text.trim().is_empty(), "{language} {key}");
            }
        }
    }

    #[test]
    fn unknown_fields_are_still_readable() {
        assert_eq!(label("po_number"), "PO number");
        assert_eq!(label("odd_thing"), "Odd thing");
    }

    #[test]
    fn every_key_in_the_templates_exists() {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/templates/pages");
        let mut seen = 0;
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.extension().is_none_or(|e| e != "html") {
                continue;
            }
            let source = std::fs::read_to_string(&path).unwrap();
            for part in source.split(" t('").chain(source.split("(t('")).skip(1) {
                let Some((key, rest)) = part.split_once('\'') else { continue };
                if rest.trim_start().starts_with('~') || key.contains(['<', '\n', ' ']) {
                    continue;
                }
                seen += 1;
                assert!(find(key).is_some(), "{} uses {key}, which text.en.toml lacks", path.display());
            }
        }
        assert!(seen > 50, "found only {seen} keys");
    }
}
