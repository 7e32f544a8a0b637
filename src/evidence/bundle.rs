//! The archive itself: files, names and the manifest.

use crate::blob::sha256_hex;
use anyhow::Context as _;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::{collections::BTreeSet, fs::File, io::Write as _};
use zip::{CompressionMethod, DateTime, ZipWriter, write::SimpleFileOptions};

/// The form of the archive; another one is refused.
pub(super) const FORMAT: &str = "mailroom evidence 1";

/// Longest file name of an attachment within a bundle, in characters.
const FILE_NAME_CHARS_MAX: usize = 80;

/// `manifest.json`.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Manifest {
    pub(super) format: String,
    pub(super) program: String,
    pub(super) made: String,
    pub(super) asked: Value,
    pub(super) messages: usize,
    pub(super) chain: Value,
    pub(super) missing: Vec<Missing>,
    pub(super) files: Vec<Listed>,
}

/// A file of the bundle.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Listed {
    pub(super) path: String,
    pub(super) size_bytes: u64,
    pub(super) sha256: String,
}

/// A file that should be in the bundle, but was lost or damaged when it was made.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Missing {
    pub(super) path: String,
    pub(super) sha256: String,
    pub(super) cause: String,
}

/// What the manifest says besides the files.
pub(super) struct About {
    pub(super) asked: Value,
    pub(super) made_ms: i64,
    pub(super) messages: usize,
    pub(super) chain: Value,
}

/// An archive that is being written.
pub(super) struct Bundle {
    zip: ZipWriter<File>,
    files: Vec<Listed>,
    missing: Vec<Missing>,
    names: BTreeSet<String>,
}

impl Bundle {
    pub(super) fn new(file: File) -> Self {
        Self { zip: ZipWriter::new(file), files: Vec::new(), missing: Vec::new(), names: BTreeSet::new() }
    }

    /// Adds a file; the same input gives the same bytes, so no times and no names of machines or people.
    pub(super) fn add(&mut self, path: &str, bytes: &[u8]) -> anyhow::Result<()> {
        anyhow::ensure!(self.names.insert(path.to_owned()), "two files of the bundle are named {path}");
        self.write(path, bytes)?;
        let size_bytes = bytes.len() as u64;
        self.files.push(Listed { path: path.to_owned(), size_bytes, sha256: sha256_hex(bytes) });
        Ok(())
    }

    pub(super) fn add_json<T: Serialize>(&mut self, path: &str, value: &T) -> anyhow::Result<()> {
        let mut bytes =
            serde_json::to_vec_pretty(value).with_context(|| format!("failed to write {path}"))?;
        bytes.push(b'\n');
        self.add(path, &bytes)
    }

    pub(super) fn add_missing(&mut self, path: &str, sha256: &str, cause: &str) {
        let missing = Missing { path: path.to_owned(), sha256: sha256.to_owned(), cause: cause.to_owned() };
        self.missing.push(missing);
    }

    pub(super) fn files(&self) -> usize {
        self.files.len()
    }

    pub(super) fn missing(&self) -> Vec<String> {
        self.missing.iter().map(|missing| format!("{}: {}", missing.path, missing.cause)).collect()
    }

    /// Adds the manifest of what was added so far; its SHA-256.
    pub(super) fn add_manifest(&mut self, about: About) -> anyhow::Result<String> {
        let manifest = Manifest {
            format: FORMAT.to_owned(),
            program: concat!("mailroom ", env!("CARGO_PKG_VERSION")).to_owned(),
            made: timestamp(about.made_ms),
            asked: about.asked,
            messages: about.messages,
            chain: about.chain,
            missing: std::mem::take(&mut self.missing),
            files: std::mem::take(&mut self.files),
        };
        let mut bytes = serde_json::to_vec_pretty(&manifest).context("failed to write the manifest")?;
        bytes.push(b'\n');
        self.write("manifest.json", &bytes)?;
        Ok(sha256_hex(&bytes))
    }

    fn write(&mut self, path: &str, bytes: &[u8]) -> anyhow::Result<()> {
        let options = SimpleFileOptions::default()
            .compression_method(CompressionMethod::Deflated)
            .last_modified_time(DateTime::DEFAULT)
            .unix_permissions(0o644)
            .large_file(u32::try_from(bytes.len()).is_err());
        self.zip.start_file(path, options).with_context(|| format!("failed to write {path}"))?;
        self.zip.write_all(bytes).with_context(|| format!("failed to write {path}"))
    }

    pub(super) fn finish(self) -> anyhow::Result<File> {
        Ok(self.zip.finish()?)
    }
}

/// A moment as people and programs read it.
pub(super) fn timestamp(ms: i64) -> String {
    jiff::Timestamp::from_millisecond(ms).map_or_else(|_| format!("{ms} ms"), |time| time.to_string())
}

/// A name that a stranger gave, as a harmless file name on every system.
pub(super) fn file_name(name: &str) -> String {
    let keep = |c: char| if c.is_alphanumeric() || matches!(c, '.' | '-' | '_') { c } else { '_' };
    let safe: String = name.chars().map(keep).collect();
    let safe = safe.trim_matches(['.', '_']);
    let count = safe.chars().count();
    if count == 0 {
        return "unnamed".to_owned();
    }
    // The end holds what kind of file it is.
    safe.chars()
        .skip(count.saturating_sub(FILE_NAME_CHARS_MAX))
        .collect::<String>()
        .trim_start_matches('.')
        .to_owned()
}

#[cfg(test)]
mod tests {
    use super::file_name;

    #[test]
    fn file_names_are_harmless() {
        for (name, expected) in [
            ("PO 4711.pdf", "PO_4711.pdf"),
            ("../../etc/passwd", "etc_passwd"),
            ("C:\\x\\y.pdf", "C__x_y.pdf"),
            ("", "unnamed"),
            ("...", "unnamed"),
            ("fdp.\u{202e}exe", "fdp._exe"),
            ("Größe.xlsx", "Größe.xlsx"),
        ] {
            assert_eq!(file_name(name), expected, "{name:?}");
        }
        let long = file_name(&format!("{}.pdf", "x".repeat(500)));
        assert!(long.ends_with("x.pdf") && long.len() == 80);
    }
}
