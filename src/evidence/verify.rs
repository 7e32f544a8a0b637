//! Checks a bundle anywhere, without a database: hashes, names, and the links of the audit chain.
//!
//! Does not: prove that the bundle is the one that the site made; for that, compare the SHA-256 of the manifest with
//! the site's audit log. Every byte of a bundle is hostile here: sizes are those of the manifest, or refused.

use super::bundle::{FORMAT, Manifest};
use crate::store::audit::{Entry, chain_hash};
use anyhow::Context as _;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use sha2::{Digest as _, Sha256};
use std::{
    collections::{BTreeMap, BTreeSet},
    fs::File,
    io::Read,
    path::Path,
};
use zip::ZipArchive;

/// Largest file of a bundle that is read as a whole: the manifest, the audit rows, what is said of a message.
const JSON_BYTES_MAX: u64 = 256 * 1024 * 1024;

/// What a check found.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Report {
    /// SHA-256 of the manifest: the site's audit log holds it in the row `export_evidence`.
    pub manifest_sha256: String,
    /// Program and version that made it.
    pub program: String,
    /// When.
    pub made: String,
    /// Files whose bytes are what the manifest says.
    pub files: usize,
    /// Messages whose bytes are what they are known by.
    pub messages: usize,
    /// Audit rows that are bound to their hash.
    pub audit_rows: usize,
    /// Pairs of audit rows that follow one another directly and are bound to each other.
    pub audit_links: usize,
    /// Numbers of audit rows between which others, about other matters, are left out.
    pub audit_gaps: Vec<(i64, i64)>,
    /// What is wrong. Empty if the bundle is sound.
    pub problems: Vec<String>,
    /// What was lost or damaged already when the bundle was made.
    pub missing: Vec<String>,
}

impl Report {
    /// Whether everything is as it was when the bundle was made.
    pub fn is_sound(&self) -> bool {
        self.problems.is_empty()
    }
}

/// Checks a bundle. `Err` only if the file cannot be read at all.
pub fn verify(path: &Path) -> anyhow::Result<Report> {
    let file = File::open(path).with_context(|| format!("failed to open {}", path.display()))?;
    let mut report = Report::default();
    match ZipArchive::new(file) {
        Ok(archive) => Check { archive, report: &mut report }.run(),
        Err(error) => report.problems.push(format!("this is no readable ZIP archive: {error}")),
    }
    Ok(report)
}

/// Pairs of numbers that do not follow one another.
pub(super) fn gaps(seqs: &[i64]) -> Vec<(i64, i64)> {
    let pairs = seqs.iter().zip(seqs.iter().skip(1));
    pairs.filter(|(a, b)| **b != **a + 1).map(|(a, b)| (*a, *b)).collect()
}

#[derive(Deserialize)]
struct Row {
    seq: i64,
    at_ms: i64,
    actor: String,
    action: String,
    subject_kind: String,
    subject_id: String,
    detail: String,
    previous_hash: String,
    hash: String,
}

struct Check<'a> {
    archive: ZipArchive<File>,
    report: &'a mut Report,
}

impl Check<'_> {
    fn problem(&mut self, text: String) {
        self.report.problems.push(text);
    }

    fn run(mut self) {
        let Some(bytes) = self.read("manifest.json") else { return };
        self.report.manifest_sha256 = hex::encode(Sha256::digest(&bytes));
        let manifest = match serde_json::from_slice::<Manifest>(&bytes) {
            Ok(manifest) if manifest.format == FORMAT => manifest,
            Ok(manifest) => {
                return self.problem(format!(
                    "the form “{}” is not known; this program reads “{FORMAT}”",
                    manifest.format
                ));
            }
            Err(error) => return self.problem(format!("manifest.json cannot be read: {error}")),
        };
        self.report.program.clone_from(&manifest.program);
        self.report.made.clone_from(&manifest.made);
        let missing = manifest.missing.iter().map(|m| format!("{}: {}", m.path, m.cause));
        self.report.missing = missing.collect();
        self.check_names(&manifest);
        let hashes = self.check_files(&manifest);
        let lost: BTreeSet<&str> = manifest.missing.iter().map(|m| m.path.as_str()).collect();
        for listed in &manifest.files {
            if listed.path.starts_with("messages/") && listed.path.ends_with("/message.json") {
                self.check_message(&listed.path, &hashes, &lost);
            } else if listed.path.starts_with("outbox/") && listed.path.ends_with("/mail.json") {
                self.check_mail(&listed.path, &hashes, &lost);
            }
        }
        if self.report.messages + lost_messages(&lost) != manifest.messages && self.report.problems.is_empty()
        {
            self.problem(format!("the manifest counts {} messages, but there are others", manifest.messages));
        }
        self.check_audit(&manifest);
    }

    /// The archive holds what the manifest lists, no less and no more.
    fn check_names(&mut self, manifest: &Manifest) {
        let mut listed: BTreeSet<&str> = BTreeSet::from(["manifest.json"]);
        let mut problems = Vec::new();
        for file in &manifest.files {
            if !listed.insert(&file.path) {
                problems.push(format!("the manifest lists {} twice", file.path));
            }
        }
        let mut present: BTreeSet<String> = BTreeSet::new();
        for name in self.archive.file_names() {
            match name {
                Ok(name) => drop(present.insert(name.into_owned())),
                Err(error) => problems.push(format!("a file has an unreadable name: {error}")),
            }
        }
        problems.extend(listed.iter().filter(|p| !present.contains(**p)).map(|p| format!("{p} is missing")));
        let foreign = present.iter().filter(|path| !listed.contains(path.as_str()));
        problems.extend(foreign.map(|path| format!("{path} does not belong to the bundle")));
        self.report.problems.extend(problems);
    }

    /// The SHA-256 of each file that is as the manifest says.
    fn check_files(&mut self, manifest: &Manifest) -> BTreeMap<String, String> {
        let mut hashes = BTreeMap::new();
        for listed in &manifest.files {
            if self.archive.index_for_name(&listed.path).is_none() {
                continue;
            }
            match self.hash(&listed.path, listed.size_bytes) {
                Ok((size_bytes, sha256)) if size_bytes == listed.size_bytes && sha256 == listed.sha256 => {
                    self.report.files += 1;
                    hashes.insert(listed.path.clone(), sha256);
                }
                Ok(_) => self.problem(format!("{} was changed", listed.path)),
                Err(error) => self.problem(format!("{} cannot be read: {error:#}", listed.path)),
            }
        }
        hashes
    }

    /// Size and hash of a file, read to one byte more than it should have.
    fn hash(&mut self, path: &str, size_bytes: u64) -> anyhow::Result<(u64, String)> {
        let mut reader = self.archive.by_name(path)?.take(size_bytes.saturating_add(1));
        let mut hasher = Sha256::new();
        let mut buffer = vec![0; 64 * 1024];
        let mut total = 0;
        loop {
            let count = reader.read(&mut buffer)?;
            let Some(part) = buffer.get(..count).filter(|part| !part.is_empty()) else { break };
            hasher.update(part);
            total += part.len() as u64;
        }
        Ok((total, hex::encode(hasher.finalize())))
    }

    fn read(&mut self, path: &str) -> Option<Vec<u8>> {
        let mut bytes = Vec::new();
        let read = match self.archive.by_name(path) {
            Ok(file) => {
                file.take(JSON_BYTES_MAX + 1).read_to_end(&mut bytes).map_err(|error| error.to_string())
            }
            Err(error) => Err(error.to_string()),
        };
        match read {
            Ok(count) if count as u64 <= JSON_BYTES_MAX => return Some(bytes),
            Ok(_) => self.problem(format!("{path} is too large")),
            Err(error) => self.problem(format!("{path} cannot be read: {error}")),
        }
        None
    }

    fn read_json(&mut self, path: &str) -> Option<Value> {
        let bytes = self.read(path)?;
        match serde_json::from_slice(&bytes) {
            Ok(value) => Some(value),
            Err(error) => {
                self.problem(format!("{path} cannot be read: {error}"));
                None
            }
        }
    }

    /// A message is known by the hash of its bytes, and so is each of its files.
    fn check_message(&mut self, path: &str, hashes: &BTreeMap<String, String>, lost: &BTreeSet<&str>) {
        let Some(value) = self.read_json(path) else { return };
        let eml = path.replace("/message.json", "/message.eml");
        if self.check_known_by(&eml, &value, hashes, lost) {
            self.report.messages += 1;
        }
        for document in value.get("documents").and_then(Value::as_array).into_iter().flatten() {
            match document.get("path").and_then(Value::as_str) {
                Some(file) => drop(self.check_known_by(file, document, hashes, lost)),
                None => self.problem(format!("{path} names a document without a place")),
            }
        }
    }

    fn check_mail(&mut self, path: &str, hashes: &BTreeMap<String, String>, lost: &BTreeSet<&str>) {
        let Some(value) = self.read_json(path) else { return };
        self.check_known_by(&path.replace("/mail.json", "/mail.eml"), &value, hashes, lost);
    }

    fn check_known_by(
        &mut self,
        file: &str,
        value: &Value,
        hashes: &BTreeMap<String, String>,
        lost: &BTreeSet<&str>,
    ) -> bool {
        let known_by = value.get("sha256").and_then(Value::as_str).unwrap_or_default();
        match hashes.get(file) {
            Some(sha256) if sha256 == known_by => true,
            Some(_) => {
                self.problem(format!("{file} is not the one that the rows speak of: it has another SHA-256"));
                false
            }
            None if lost.contains(file) => false,
            // Named already by the check of files, or never there.
            None => {
                self.problem(format!("{file} is not there as it was"));
                false
            }
        }
    }

    fn check_audit(&mut self, manifest: &Manifest) {
        let Some(bytes) = self.read("audit.json") else { return };
        let rows: Vec<Row> = match serde_json::from_slice(&bytes) {
            Ok(rows) => rows,
            Err(error) => return self.problem(format!("audit.json cannot be read: {error}")),
        };
        let mut before: Option<(i64, String)> = None;
        for row in rows {
            self.check_row(&row, before.as_ref());
            before = Some((row.seq, row.hash));
        }
        let chain = &manifest.chain;
        let end =
            chain.get("last_seq").and_then(Value::as_i64).zip(chain.get("last_hash").and_then(Value::as_str));
        match (end, &before) {
            (None, _) => self.problem("the manifest does not name the end of the chain".to_owned()),
            (Some((last_seq, _)), Some((seq, _))) if *seq > last_seq => {
                self.problem(format!("audit row {seq} is newer than the end of the chain"));
            }
            (Some((last_seq, last_hash)), Some((seq, hash))) if *seq == last_seq && hash != last_hash => {
                self.problem("the newest audit row is not the end of the chain".to_owned());
            }
            _ => {}
        }
        let rows = self.report.audit_rows as u64;
        if chain.get("rows").and_then(Value::as_u64) != Some(rows) && self.report.problems.is_empty() {
            self.problem(format!("audit.json has {rows} rows, but the manifest counts others"));
        }
        let gaps = serde_json::to_value(&self.report.audit_gaps).unwrap_or_default();
        if chain.get("gaps") != Some(&gaps) && self.report.problems.is_empty() {
            self.problem("rows are left out of audit.json where the manifest knows no gap".to_owned());
        }
    }

    fn check_row(&mut self, row: &Row, before: Option<&(i64, String)>) {
        let seq = row.seq;
        let entry = Entry {
            at_ms: row.at_ms,
            actor: row.actor.clone(),
            action: row.action.clone(),
            subject_kind: row.subject_kind.clone(),
            subject_id: row.subject_id.clone(),
            detail: row.detail.clone(),
        };
        if chain_hash(&row.previous_hash, seq, &entry) == row.hash {
            self.report.audit_rows += 1;
        } else {
            self.problem(format!("audit row {seq} was changed"));
        }
        match before {
            Some((last, _)) if seq <= *last => {
                self.problem(format!("audit row {seq} stands after row {last}"));
            }
            Some((last, hash)) if seq == last + 1 => {
                if *hash == row.previous_hash {
                    self.report.audit_links += 1;
                } else {
                    self.problem(format!("audit row {seq} does not continue row {last}"));
                }
            }
            Some((last, _)) => self.report.audit_gaps.push((*last, seq)),
            None => {}
        }
    }
}

fn lost_messages(lost: &BTreeSet<&str>) -> usize {
    lost.iter().filter(|path| path.starts_with("messages/") && path.ends_with("/message.eml")).count()
}
