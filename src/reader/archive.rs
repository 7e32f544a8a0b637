//! ZIP archives and mail messages into the files inside them. The caller reads those in turn, within its own depth.
//!
//! Limits: entries, bytes unpacked, and how many times larger than its packed form an entry may be.

use super::{decode::Output, text};
use crate::{
    message,
    model::finding::{Finding, Severity},
};
use std::io::{self, Cursor, Read as _};
use zip::{ZipArchive, result::ZipError};

/// Small entries may be packed as well as they like.
const RATIO_FREE_BYTES: u64 = 1 << 20;

type Archive<'a> = ZipArchive<Cursor<&'a [u8]>>;

/// One entry, unpacked within limits.
pub(super) fn read_entry(
    archive: &mut Archive<'_>,
    index: usize,
    bytes_max: u64,
    ratio_max: u64,
    passwords: &[String],
) -> Result<Vec<u8>, Finding> {
    let broken = |error: &dyn std::fmt::Display| {
        let message = format!(
            "An entry of the archive could not be unpacked ({error}); open it by hand, or ask the sender for it."
        );
        Finding::new("broken_file", Severity::Check, message)
    };
    let locked = archive.by_index_raw(index).is_ok_and(|entry| entry.encrypted());
    let fits = |archive: &mut Archive<'_>, password: &&String| {
        archive.by_index_decrypt(index, password.as_bytes()).is_ok()
    };
    let entry = match (locked, passwords.iter().find(|password| fits(archive, password))) {
        (false, _) => archive.by_index(index),
        (true, Some(password)) => archive.by_index_decrypt(index, password.as_bytes()),
        (true, None) => {
            let message = "The archive opens only with a password. Ask the sender for it, then read the document again with it.";
            return Err(Finding::new("password_needed", Severity::Problem, message));
        }
    };
    let entry = entry.map_err(|error| match error {
        ZipError::CompressionMethodNotSupported(method) => packed_otherwise(method),
        other => broken(&other),
    })?;
    // What the header claims is not to be trusted: unpacking stops at the limit.
    let ratio_bytes = entry.compressed_size().saturating_mul(ratio_max).max(RATIO_FREE_BYTES);
    let limit = bytes_max.min(ratio_bytes);
    let mut bytes = Vec::new();
    entry.take(limit + 1).read_to_end(&mut bytes).map_err(|e| broken(&e))?;
    if bytes.len() as u64 > limit {
        let message = format!(
            "An entry of the archive unpacks to more than {limit} bytes; it was left out. Ask the sender for it by itself."
        );
        return Err(Finding::new("archive_limit", Severity::Problem, message));
    }
    Ok(bytes)
}

/// Packed by a method that is not known here (APPNOTE.TXT 4.4.5).
fn packed_otherwise(method: u16) -> Finding {
    const METHODS: &[(u16, &str)] = &[
        (1, "Shrink"),
        (6, "Implode"),
        (10, "PKWARE Implode"),
        (94, "MP3"),
        (96, "JPEG"),
        (97, "WavPack"),
        (98, "PPMd"),
    ];
    let name = METHODS.iter().find(|(number, _)| *number == method).map(|(_, name)| *name);
    let name = name.map_or_else(|| format!("method {method}"), str::to_owned);
    let message = format!(
        "An entry of the archive is packed as {name}, which cannot be unpacked here; ask the sender for an ordinary ZIP \
         archive (Deflate), or for the file by itself."
    );
    Finding::new("unsupported_format", Severity::Problem, message)
}

/// A finding if what an archive says of its entries is more than so many bytes.
pub(super) fn too_large_unpacked(bytes: &[u8], bytes_max: u64) -> Option<Finding> {
    let archive = ZipArchive::new(Cursor::new(bytes)).ok()?;
    let unpacked = archive.decompressed_size().unwrap_or(0);
    (unpacked > u128::from(bytes_max)).then(|| {
        let message = format!(
            "The file unpacks to {unpacked} bytes, more than the limit of {bytes_max}; it was not read. Ask the sender for a smaller one."
        );
        Finding::new("archive_limit", Severity::Problem, message)
    })
}

/// Puts out the files of an archive.
pub(super) fn read_zip(bytes: &[u8], out: &mut Output<'_>) -> io::Result<()> {
    let mut archive = match ZipArchive::new(Cursor::new(bytes)) {
        Ok(archive) => archive,
        Err(error) => {
            let message = format!("The archive is damaged ({error}); ask the sender for it again.");
            return out.finding(Finding::new("broken_file", Severity::Problem, message));
        }
    };
    let limits = out.limits;
    let entries = usize::try_from(limits.archive_entries).unwrap_or(usize::MAX);
    if archive.len() > entries {
        let message = format!(
            "The archive holds {} entries; only the first {entries} were read. Open it by hand.",
            archive.len()
        );
        out.finding(Finding::new("archive_limit", Severity::Check, message))?;
    }
    let mut left = limits.archive_bytes;
    for index in 0..archive.len().min(entries) {
        let name = match archive.by_index_raw(index) {
            Ok(entry) if entry.is_dir() => continue,
            Ok(entry) => entry.name().map_or_else(|_| format!("entry {index}"), std::borrow::Cow::into_owned),
            Err(_) => format!("entry {index}"),
        };
        match read_entry(&mut archive, index, left, limits.archive_ratio, out.passwords) {
            Ok(unpacked) => {
                left = left.saturating_sub(unpacked.len() as u64);
                out.embedded(&name, &unpacked)?;
            }
            Err(finding) => out.finding(finding)?,
        }
    }
    Ok(())
}

/// Puts out the new text of a message as a page, and its attachments as files.
pub(super) fn read_mail(bytes: &[u8], out: &mut Output<'_>) -> io::Result<()> {
    let message = message::parse(bytes);
    text::put_pages(&message.new_text, out)?;
    for attachment in &message.attachments {
        out.embedded(&attachment.name, &attachment.bytes)?;
    }
    Ok(())
}
