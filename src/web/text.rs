//! The words of the pages: keys into `templates/pages/text.en.toml`, so that other languages can follow.
//!
//! Does not: choose a language yet (there is one), nor escape (templates do). Placeholders are `{name}`; a key with
//! the suffix `_one` takes the place of the plain one where `n` is 1.

use std::{collections::BTreeMap, sync::LazyLock};

/// English, as it is built in.
const ENGLISH: &str = include_str!("../../templates/pages/text.en.toml");

static TABLE: LazyLock<BTreeMap<String, String>> = LazyLock::new(|| {
    let table: toml::Table = ENGLISH.parse().expect("a test parses the built-in table");
    let mut flat = BTreeMap::new();
    flatten("", &table, &mut flat);
    flat
});

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

/// The text of a key, if there is one.
pub(super) fn find(key: &str) -> Option<&'static str> {
    TABLE.get(key).map(String::as_str)
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

/// The label of a value from a closed list such as a queue or a state.
pub(super) fn choice(group: &str, name: &str) -> String {
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
