//! Many files into a folder at once, each durable.
//!
//! Every file is written beside its place, reaches the disk, and is then moved there, so that no half file ever has a
//! final name; the folders reach the disk last, each once. A crash leaves at most files that nobody looks at.

use super::sha256_hex;
use std::{
    collections::BTreeSet,
    fs::{self, File},
    io::{self, Write as _},
    path::{Path, PathBuf},
};

/// Files that are on their way to the disk at the same time.
const WRITERS: usize = 8;

/// Keeps all of these bytes under their hashes, and gives those in the same order.
pub(super) fn put_all(folder: &Path, all: &[Vec<u8>]) -> io::Result<Vec<String>> {
    let per_writer = all.len().div_ceil(WRITERS).max(1);
    let done: io::Result<Vec<Vec<String>>> = std::thread::scope(|scope| {
        let writers: Vec<_> =
            all.chunks(per_writer).map(|some| scope.spawn(move || put_some(folder, some))).collect();
        writers
            .into_iter()
            .map(|writer| writer.join().unwrap_or_else(|_| Err(io::Error::other("a writer panicked"))))
            .collect()
    });
    let hashes: Vec<String> = done?.concat();
    let folders: BTreeSet<PathBuf> = hashes.iter().map(|sha256| folder_of(folder, sha256)).collect();
    for folder in folders {
        File::open(folder)?.sync_all()?;
    }
    Ok(hashes)
}

fn put_some(folder: &Path, some: &[Vec<u8>]) -> io::Result<Vec<String>> {
    some.iter()
        .map(|bytes| {
            let sha256 = sha256_hex(bytes);
            let into = folder_of(folder, &sha256);
            let place = into.join(&sha256);
            if !fs::metadata(&place).is_ok_and(|meta| meta.len() == bytes.len() as u64) {
                let made = write_beside(&into, &sha256, bytes)?;
                fs::rename(made, place)?;
            }
            Ok(sha256)
        })
        .collect()
}

/// A new file that nobody else writes, durable, next to where it belongs.
fn write_beside(into: &Path, sha256: &str, bytes: &[u8]) -> io::Result<PathBuf> {
    // `#` marks what is not yet in its place, as it does in the names that object_store makes.
    let path = into.join(format!("{sha256}#{}", crate::clock::fresh_id()));
    let mut file = match File::create_new(&path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            fs::create_dir_all(into)?;
            if let Some(parent) = into.parent() {
                File::open(parent)?.sync_all()?;
            }
            File::create_new(&path)?
        }
        made => made?,
    };
    file.write_all(bytes)?;
    file.sync_all()?;
    Ok(path)
}

fn folder_of(folder: &Path, sha256: &str) -> PathBuf {
    folder.join(sha256.get(..2).unwrap_or_default())
}
