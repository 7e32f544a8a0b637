//! Files of a folder without a detour: many into it at once, each durable, and one out of it.
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
    let hashes = in_parallel(all, |bytes| put_one(folder, bytes))?;
    let folders: BTreeSet<PathBuf> = hashes.iter().map(|sha256| folder_of(folder, sha256)).collect();
    let folders: Vec<PathBuf> = folders.into_iter().collect();
    // One after the other, the disk would be waited for as often as there are folders.
    in_parallel(&folders, |folder| File::open(folder)?.sync_all())?;
    Ok(hashes)
}

/// The bytes that lie under a hash, not checked.
pub(super) fn get(folder: &Path, sha256: &str) -> io::Result<Vec<u8>> {
    if !super::is_sha256(sha256) {
        return Err(io::Error::from(io::ErrorKind::NotFound));
    }
    fs::read(folder_of(folder, sha256).join(sha256))
}

/// Does the same with all of them, [`WRITERS`] at a time. Results are in their order.
fn in_parallel<T: Sync, R: Send>(all: &[T], one: impl Fn(&T) -> io::Result<R> + Sync) -> io::Result<Vec<R>> {
    let one = &one;
    let share = all.len().div_ceil(WRITERS).max(1);
    let done: io::Result<Vec<Vec<R>>> = std::thread::scope(|scope| {
        let writers: Vec<_> =
            all.chunks(share).map(|some| scope.spawn(move || some.iter().map(one).collect())).collect();
        writers
            .into_iter()
            .map(|writer| writer.join().unwrap_or_else(|_| Err(io::Error::other("a writer panicked"))))
            .collect()
    });
    Ok(done?.into_iter().flatten().collect())
}

fn put_one(folder: &Path, bytes: &[u8]) -> io::Result<String> {
    let sha256 = sha256_hex(bytes);
    let into = folder_of(folder, &sha256);
    let place = into.join(&sha256);
    if !fs::metadata(&place).is_ok_and(|meta| meta.len() == bytes.len() as u64) {
        let made = write_beside(&into, &sha256, bytes)?;
        fs::rename(made, place)?;
    }
    Ok(sha256)
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
