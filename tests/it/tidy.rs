//! What no compiler checks: layers, headers, where third-party types may stand, comments on dependencies.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};

/// Modules from words to surfaces; a module may use those of lower layers, and of its own where [`PEERS`] says so.
const LAYERS: &[(&str, &[&str])] = &[
    ("words", &["model"]),
    ("pure stages", &["message", "screen", "extract", "validate", "classify"]),
    (
        "effects",
        &["mailbox", "reader", "store", "blob", "search", "reply", "oauth", "webhook", "vault", "clock"],
    ),
    ("composition", &["config", "app", "pipeline", "jobs", "evidence", "backup"]),
    ("surfaces", &["cli", "web"]),
];

/// Layers whose modules may use one another. Effects may not.
const PEERS: &[&str] = &["words", "pure stages", "composition", "surfaces"];

/// The clock is an effect that every effect may ask.
const EVERYBODYS: &[&str] = &["clock"];

/// A crate stands in one module only.
const HOMES: &[(&str, &[&str])] = &[
    ("sqlx::", &["store"]),
    ("tantivy::", &["search"]),
    ("lettre::", &["reply"]),
    ("async_imap::", &["mailbox"]),
    ("axum::", &["web"]),
    ("object_store::", &["blob"]),
    ("hayro", &["reader"]),
    ("tesseract_rs::", &["reader"]),
    ("calamine::", &["reader"]),
    ("mail_parser::", &["message"]),
    ("reqwest::", &["oauth", "webhook"]),
];

fn sources() -> Vec<(PathBuf, String)> {
    let mut found = Vec::new();
    let mut folders = vec![Path::new(env!("CARGO_MANIFEST_DIR")).join("src")];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|e| e == "rs") {
                let text = fs::read_to_string(&path).unwrap();
                found.push((path, text));
            }
        }
    }
    assert!(found.len() > 30, "the sources are here");
    found.sort();
    found
}

/// The top-level module that a file belongs to: `store` for `src/store/job.rs`.
fn module(path: &Path) -> String {
    let inner = path.strip_prefix(Path::new(env!("CARGO_MANIFEST_DIR")).join("src")).unwrap();
    inner.components().next().unwrap().as_os_str().to_str().unwrap().trim_end_matches(".rs").to_owned()
}

fn layer(module: &str) -> Option<usize> {
    LAYERS.iter().position(|(_, modules)| modules.contains(&module))
}

/// The code of a file without comment lines and without what follows its tests.
fn code(text: &str) -> String {
    let body = text.split("#[cfg(test)]\nmod ").next().unwrap();
    body.lines().filter(|line| !line.trim_start().starts_with("//")).collect::<Vec<_>>().join("\n")
}

/// Top-level modules that a file names after `crate::`.
fn uses(code: &str) -> Vec<String> {
    let mut found = Vec::new();
    for part in code.split("crate::").skip(1) {
        let names: Vec<&str> = match part.strip_prefix('{') {
            None => vec![part],
            Some(group) => {
                let mut depth = 1;
                let mut start = 0;
                let mut names = Vec::new();
                for (at, c) in group.char_indices() {
                    match c {
                        '{' => depth += 1,
                        '}' => depth -= 1,
                        _ => {}
                    }
                    if depth == 0 || (depth == 1 && c == ',') {
                        names.push(group[start..at].trim());
                        start = at + 1;
                    }
                    if depth == 0 {
                        break;
                    }
                }
                names
            }
        };
        for name in names {
            let word: String = name.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect();
            if layer(&word).is_some() {
                found.push(word);
            }
        }
    }
    found
}

#[test]
fn imports_point_one_way() {
    let mut faults = Vec::new();
    for (path, text) in sources() {
        let me = module(&path);
        if ["lib", "main"].contains(&me.as_str()) {
            continue;
        }
        let Some(mine) = layer(&me) else {
            faults.push(format!("{} stands in no layer", path.display()));
            continue;
        };
        for other in uses(&code(&text)) {
            let theirs = layer(&other).unwrap();
            let peers = PEERS.contains(&LAYERS[mine].0) || EVERYBODYS.contains(&other.as_str());
            if theirs > mine || (theirs == mine && other != me && !peers) {
                faults.push(format!("{} uses crate::{other}", path.display()));
            }
        }
    }
    assert!(faults.is_empty(), "layers are crossed:\n{}", faults.join("\n"));
}

#[test]
fn third_party_types_stay_in_their_module() {
    let mut faults = Vec::new();
    for (path, text) in sources() {
        let me = module(&path);
        let code = code(&text);
        for (name, homes) in HOMES {
            if !homes.contains(&me.as_str()) && is_named(&code, name) {
                faults.push(format!("{} uses {name}", path.display()));
            }
        }
    }
    assert!(faults.is_empty(), "foreign types have escaped:\n{}", faults.join("\n"));
}

/// Whether a crate's name stands in the code as a path, not as the end of another word.
fn is_named(code: &str, name: &str) -> bool {
    code.match_indices(name).any(|(at, _)| {
        !code[..at].chars().next_back().is_some_and(|c| c.is_alphanumeric() || "_:".contains(c))
    })
}

#[test]
fn every_module_has_a_header() {
    for (path, text) in sources() {
        assert!(text.starts_with("//!"), "{} does not say what it is for", path.display());
    }
}

#[test]
fn nothing_is_left_to_do() {
    let banned = [["to", "do!("].concat(), ["unimple", "mented!("].concat(), ["FIX", "ME"].concat()];
    for (path, text) in sources() {
        for word in &banned {
            assert!(!text.contains(word.as_str()), "{} holds {word}", path.display());
        }
    }
}

#[test]
fn every_dependency_says_what_it_is_for() {
    let manifest = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("Cargo.toml")).unwrap();
    let mut section = "";
    let mut silent = Vec::new();
    for line in manifest.lines() {
        if line.starts_with('[') && line.ends_with(']') {
            section = line;
        } else if section.ends_with("dependencies]") && line.contains('=') && !line.contains('#') {
            silent.push(line);
        }
    }
    assert!(silent.is_empty(), "no reason is given for:\n{}", silent.join("\n"));
}

#[test]
fn one_file_holds_the_sql_of_a_table() {
    // Changing verbs only: joins may read across aggregates.
    let mut homes: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for (path, text) in sources() {
        if module(&path) != "store" {
            continue;
        }
        let code = code(&text);
        for verb in ["INSERT INTO ", "DELETE FROM "] {
            for part in code.split(verb).skip(1) {
                let table: String = part.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect();
                if table.is_empty() {
                    continue;
                }
                let file = path.file_name().unwrap().to_str().unwrap().to_owned();
                let files = homes.entry(table).or_default();
                if !files.contains(&file) {
                    files.push(file);
                }
            }
        }
    }
    for (table, files) in homes {
        assert!(files.len() <= 1, "table {table} is written in {files:?}");
    }
}
