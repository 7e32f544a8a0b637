//! The folder of an index: its version, its lock, and what is done with one that cannot be used.
//!
//! ```text
//! folder/version   the schema version, written last: without it whatever lies here is replaced
//! folder/lock      held by the one process that writes or replaces
//! folder/index/    tantivy's files; nothing else is ever deleted
//! ```

use super::{Error, reader, schema::SCHEMA_VERSION, schema::tokenizers};
use std::{
    fs::{self, File, TryLockError},
    io::{self, Write as _},
    panic::{AssertUnwindSafe, catch_unwind},
    path::Path,
};
use tantivy::{Index, IndexReader, TantivyError, schema::Schema};

/// What [`open`] found or made.
pub(super) struct Opened {
    pub(super) index: Index,
    pub(super) reader: IndexReader,
    /// Why there was nothing to keep, if an index had to be replaced.
    pub(super) rebuilt: Option<String>,
}

/// The right to write; ends with the value or the process.
pub(super) struct Lock(#[expect(dead_code, reason = "the lock is the open file")] File);

/// Opens the index; replaces it by an empty one if it is of another version or cannot be read.
pub(super) fn open(folder: &Path, schema: &Schema) -> Result<Opened, Error> {
    let version = fs::read_to_string(folder.join("version"));
    let reason = match version {
        Ok(text) if text.trim() == SCHEMA_VERSION.to_string() => match read(folder) {
            Ok((index, reader)) => return Ok(Opened { index, reader, rebuilt: None }),
            Err(Error::Damaged(source)) => Some(format!("it could not be read: {source}")),
            Err(error) => return Err(error),
        },
        Ok(text) => Some(format!("its version is {}, this program's {SCHEMA_VERSION}", text.trim())),
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            folder.join("index").exists().then(|| "it was not made to its end".to_owned())
        }
        Err(error) => return Err(Error::Io(error)),
    };
    if let Some(reason) = &reason {
        tracing::warn!(reason, "the search index is rebuilt");
    }
    replace(folder, schema)?;
    let (index, reader) = read(folder)?;
    Ok(Opened { index, reader, rebuilt: reason })
}

fn read(folder: &Path) -> Result<(Index, IndexReader), Error> {
    guarded(|| {
        let mut index = Index::open_in_dir(folder.join("index"))?;
        index.set_tokenizers(tokenizers());
        let reader = reader(&index)?;
        Ok((index, reader))
    })
}

/// tantivy panics over some damaged files; here that is an error like any other.
pub(super) fn guarded<T>(read: impl FnOnce() -> Result<T, Error>) -> Result<T, Error> {
    catch_unwind(AssertUnwindSafe(read)).unwrap_or_else(|_panic| {
        Err(Error::Damaged(TantivyError::InternalError("panicked over the files of the index".into())))
    })
}

/// Makes an empty index; the version is written last, so that a crash in between only means doing it again.
fn replace(folder: &Path, schema: &Schema) -> Result<(), Error> {
    let _lock = lock(folder)?;
    let files = folder.join("index");
    remove(fs::remove_file(folder.join("version")))?;
    remove(fs::remove_dir_all(&files))?;
    fs::create_dir_all(&files).map_err(Error::Io)?;
    Index::create_in_dir(&files, schema.clone())?;
    let write = |mut file: File| writeln!(file, "{SCHEMA_VERSION}").and_then(|()| file.sync_all());
    File::create(folder.join("version")).and_then(write).map_err(Error::Io)
}

fn remove(removed: io::Result<()>) -> Result<(), Error> {
    match removed {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(Error::Io(error)),
        _ => Ok(()),
    }
}

/// Takes the right to write, if no other process has it.
pub(super) fn lock(folder: &Path) -> Result<Lock, Error> {
    fs::create_dir_all(folder).map_err(Error::Io)?;
    let file = File::create(folder.join("lock")).map_err(Error::Io)?;
    match file.try_lock() {
        Ok(()) => Ok(Lock(file)),
        Err(TryLockError::WouldBlock) => Err(Error::Busy),
        Err(TryLockError::Error(error)) => Err(Error::Io(error)),
    }
}
