//! Backup of a site into a folder, and restoring it into an empty one.
//!
//! ```text
//! backup.json     written last: what is here, with hashes; without it a backup is not finished
//! mailroom.db     SQLite only: the database as it was at one moment
//! blob/           every byte by its SHA-256; second names of the same files where the file system allows it
//! signing.key     the key of our Message-IDs: keep the folder as secret as the site
//! mailroom.toml   the configuration, for reading; restoring does not install it
//! ```
//!
//! The database is copied before the bytes: rows refer only to bytes that were durable before, so what the copy refers
//! to is there. Each byte is read and hashed. A later backup into the same folder adds what is new.
//!
//! Does not: copy PostgreSQL (`pg_dump` does; its dump must be made before the bytes are copied), the search index
//! (it builds itself), nor mail on servers.

use crate::{
    blob::{self, Blob, BlobError},
    store::Store,
};
use anyhow::{Context as _, bail};
use futures::{StreamExt as _, TryStreamExt as _};
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use std::{
    fs::{self, File},
    io::{self, Read as _},
    path::Path,
};

/// The form of a backup; another one is refused.
const FORMAT: &str = "mailroom backup 1";

/// Blobs copied at the same time.
const AT_ONCE: usize = 4;

/// `backup.json`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Manifest {
    /// The form of the backup.
    pub format: String,
    /// Program and version that made it.
    pub program: String,
    /// Milliseconds UTC.
    pub made_ms: i64,
    /// SHA-256 of `mailroom.db`; none for PostgreSQL.
    pub database_sha256: Option<String>,
    /// Messages in the database.
    pub messages: i64,
    /// Rows of the audit log.
    pub audit_rows: i64,
    /// Hash of the last one.
    pub last_audit_hash: String,
    /// Blobs.
    pub blobs: u64,
    /// Their bytes.
    pub bytes: u64,
}

/// What was done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Done {
    /// What the backup holds.
    pub manifest: Manifest,
    /// Hashes of bytes that are damaged, and so are not in the copy.
    pub damaged: Vec<String>,
}

/// Copies a site into a folder that is new, empty or an earlier backup.
pub async fn save(
    store: &Store,
    blob: &Blob,
    extra_files: &[&Path],
    folder: &Path,
    now_ms: i64,
    progress: impl Fn(u64),
) -> anyhow::Result<Done> {
    make_folder(folder)?;
    let database = folder.join("mailroom.db");
    let part = folder.join("mailroom.db.part");
    remove_if_there(&part)?;
    let is_sqlite = store.copy_to(&part).await.context("failed to copy the database")?;
    let (mut database_sha256, mut state) = (None, None);
    if is_sqlite {
        sync(&part)?;
        state = Some(check_database(&part).await.context("the copy of the database is not sound")?);
        database_sha256 = Some(hash_file(&part)?);
        remove_if_there(&folder.join("backup.json"))?;
        fs::rename(&part, &database).context("failed to put the copy of the database in place")?;
    }
    let state = match state {
        Some(state) => state,
        None => DatabaseState::of(store).await?,
    };
    let copy = open_blobs(folder)?;
    let (blobs, bytes, damaged) = copy_blobs(blob, &copy, true, progress).await?;
    for file in extra_files {
        if let Some(name) = file.file_name().filter(|_| file.exists()) {
            fs::copy(file, folder.join(name))
                .with_context(|| format!("failed to copy {}", file.display()))?;
        }
    }
    let manifest = Manifest {
        format: FORMAT.to_owned(),
        program: concat!("mailroom ", env!("CARGO_PKG_VERSION")).to_owned(),
        made_ms: now_ms,
        database_sha256,
        messages: state.messages,
        audit_rows: state.audit_rows,
        last_audit_hash: state.last_audit_hash,
        blobs,
        bytes,
    };
    write_whole(&folder.join("backup.json"), &serde_json::to_vec_pretty(&manifest)?)?;
    Ok(Done { manifest, damaged })
}

/// Puts a backup into a site without a database. `database` is the file to make, none for PostgreSQL.
pub async fn restore(
    folder: &Path,
    database: Option<&Path>,
    blob: &Blob,
    data_dir: &Path,
    progress: impl Fn(u64),
) -> anyhow::Result<Done> {
    let manifest = read_manifest(folder)?;
    let from = folder.join("mailroom.db");
    let target = match (&manifest.database_sha256, database) {
        (Some(sha256), Some(to)) => {
            if to.exists() {
                bail!(
                    "{} exists; a backup is restored into an empty site only, move it away first",
                    to.display()
                );
            }
            if hash_file(&from)? != *sha256 {
                bail!("{} is not what backup.json says: the backup is damaged", from.display());
            }
            Some(to)
        }
        (None, None) => None,
        (Some(_), None) => {
            bail!("this backup holds an SQLite database, but the site is configured for PostgreSQL")
        }
        (None, Some(_)) => bail!("this backup was made of a PostgreSQL site; configure database.url first"),
    };
    fs::create_dir_all(data_dir)
        .with_context(|| format!("failed to make the folder {}", data_dir.display()))?;
    let (blobs, _, damaged) = copy_blobs(&open_blobs(folder)?, blob, false, progress).await?;
    if blobs < manifest.blobs {
        bail!("the backup should hold {} blobs, but has {blobs}: it is damaged", manifest.blobs);
    }
    let key = data_dir.join("signing.key");
    if folder.join("signing.key").exists() && !key.exists() {
        fs::copy(folder.join("signing.key"), &key).context("failed to restore the signing key")?;
        sync(&key)?;
    }
    if let Some(to) = target {
        let part = to.with_added_extension("part");
        fs::copy(&from, &part).with_context(|| format!("failed to write {}", part.display()))?;
        sync(&part)?;
        let state = check_database(&part).await.context("the database of the backup is not sound")?;
        if (state.audit_rows, &state.last_audit_hash) != (manifest.audit_rows, &manifest.last_audit_hash) {
            bail!("the audit log of the restored database does not end as backup.json says");
        }
        // Last: a restore that dies before leaves a site without a database, and can be repeated.
        fs::rename(&part, to).with_context(|| format!("failed to write {}", to.display()))?;
    }
    Ok(Done { manifest, damaged })
}

struct DatabaseState {
    messages: i64,
    audit_rows: i64,
    last_audit_hash: String,
}

impl DatabaseState {
    async fn of(store: &Store) -> anyhow::Result<Self> {
        let check = store.check_audit().await?;
        if let Some((seq, why)) = check.broken {
            bail!("the audit log is broken at row {seq}: {why}");
        }
        let messages = store.read().await?.count_messages().await?.iter().map(|(_, count)| count).sum();
        Ok(Self { messages, audit_rows: check.rows, last_audit_hash: check.last_hash })
    }
}

async fn check_database(file: &Path) -> anyhow::Result<DatabaseState> {
    let store = Store::open(&format!("sqlite:{}", file.display())).await?;
    let state = DatabaseState::of(&store).await;
    store.close().await;
    state
}

/// Copies all bytes and checks each; how many there are, their size, and the hashes of damaged ones.
async fn copy_blobs(
    from: &Blob,
    to: &Blob,
    may_link: bool,
    progress: impl Fn(u64),
) -> anyhow::Result<(u64, u64, Vec<String>)> {
    let mut copies = from
        .list()
        .map_err(anyhow::Error::from)
        .map_ok(async |listed| {
            let sound = copy_blob(from, to, may_link, &listed.sha256).await;
            sound.map(|sound| (listed, sound)).context("failed to copy bytes")
        })
        .try_buffer_unordered(AT_ONCE)
        .boxed_local();
    let (mut blobs, mut bytes, mut damaged) = (0, 0, Vec::new());
    while let Some((listed, sound)) = copies.try_next().await? {
        blobs += 1;
        bytes += listed.size_bytes;
        if !sound {
            damaged.push(listed.sha256);
        }
        progress(1);
    }
    damaged.sort();
    Ok((blobs, bytes, damaged))
}

/// Whether the bytes are sound at the source.
async fn copy_blob(from: &Blob, to: &Blob, may_link: bool, sha256: &str) -> blob::Result<bool> {
    if may_link && to.link_from(from, sha256).await? && to.check(sha256).await.is_ok() {
        return Ok(true);
    }
    match from.get(sha256).await {
        Ok(bytes) => to.put(&bytes).await.map(|_| true),
        Err(BlobError::Damaged { .. } | BlobError::Missing { .. }) => Ok(false),
        Err(error) => Err(error),
    }
}

fn open_blobs(folder: &Path) -> anyhow::Result<Blob> {
    let url = format!("file:{}", folder.join("blob").display());
    Blob::open(&blob::Config { url, ..blob::Config::default() }).context("failed to open the folder of bytes")
}

/// A new or empty folder, or one that holds a backup.
fn make_folder(folder: &Path) -> anyhow::Result<()> {
    fs::create_dir_all(folder).with_context(|| format!("failed to make the folder {}", folder.display()))?;
    let started = ["backup.json", "mailroom.db.part"].iter().any(|name| folder.join(name).exists());
    let mut entries = fs::read_dir(folder).with_context(|| format!("failed to read {}", folder.display()))?;
    if !started && entries.next().is_some() {
        bail!("{} holds something else; choose an empty folder or an earlier backup", folder.display());
    }
    Ok(())
}

fn read_manifest(folder: &Path) -> anyhow::Result<Manifest> {
    let path = folder.join("backup.json");
    let bytes = fs::read(&path)
        .with_context(|| format!("failed to read {}: is this a finished backup?", path.display()))?;
    let manifest: Manifest =
        serde_json::from_slice(&bytes).with_context(|| format!("{} cannot be read", path.display()))?;
    if manifest.format != FORMAT {
        bail!("the form “{}” is not known; this program reads “{FORMAT}”", manifest.format);
    }
    Ok(manifest)
}

fn hash_file(path: &Path) -> anyhow::Result<String> {
    let mut hasher = Sha256::new();
    let mut file = File::open(path).with_context(|| format!("failed to open {}", path.display()))?;
    let mut buffer = vec![0; 64 * 1024];
    loop {
        let count = file.read(&mut buffer).with_context(|| format!("failed to read {}", path.display()))?;
        let Some(part) = buffer.get(..count).filter(|part| !part.is_empty()) else { break };
        hasher.update(part);
    }
    Ok(hex::encode(hasher.finalize()))
}

fn sync(path: &Path) -> anyhow::Result<()> {
    let synced = File::options().write(true).open(path).and_then(|file| file.sync_all());
    synced.with_context(|| format!("failed to write {}", path.display()))
}

fn write_whole(path: &Path, bytes: &[u8]) -> anyhow::Result<()> {
    let part = path.with_added_extension("part");
    fs::write(&part, bytes).with_context(|| format!("failed to write {}", part.display()))?;
    sync(&part)?;
    fs::rename(&part, path).with_context(|| format!("failed to write {}", path.display()))
}

fn remove_if_there(path: &Path) -> anyhow::Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            Err(error).with_context(|| format!("failed to remove {}", path.display()))
        }
        _ => Ok(()),
    }
}
