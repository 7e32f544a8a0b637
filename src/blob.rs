//! Bytes by their SHA-256: a local folder, or S3-compatible storage for a larger site.
//!
//! Bytes lie under `ab/<sha256 in lower-case hex>`, where `ab` are the hash's first two digits, never change, and are
//! never removed by this program. What [`Blob::put`] returned is durable: for a folder, the file and the entry in its
//! folder have reached the disk. [`Blob::get`] checks the hash of what it reads, so that damage is found before it
//! spreads.
//!
//! One level of folders, because each new folder costs further waits for the disk: with two levels, nearly every one of
//! the first 65 536 blobs makes one, and keeping them takes twice as long. Keep several at a time: the disk waits for
//! all of them together.
//!
//! Does not: know what the bytes are, nor who refers to them.

mod folder;

use crate::model::secret::{Secret, SecretRef};
use futures::{Stream, StreamExt as _, TryStreamExt as _};
use object_store::{
    GetOptions, GetRange, ObjectStore, ObjectStoreExt as _, PutMode, PutPayload, local::LocalFileSystem,
    path::Path,
};
use serde::Deserialize;
use sha2::{Digest as _, Sha256};
use std::{ops::Range, path::PathBuf, sync::Arc};

/// Settings of `[blob]`.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// `file:FOLDER`, or `s3://BUCKET/PREFIX`; empty for a folder in `site.data_dir`.
    pub url: String,
    /// S3: region.
    pub region: String,
    /// S3: address of the service where it is not AWS, e.g. `https://minio.example:9000`.
    pub endpoint: String,
    /// S3: access key id.
    pub access_key_id: String,
    /// S3: where the secret access key is found.
    pub secret_access_key: Option<SecretRef>,
    /// S3: allow an endpoint without TLS.
    pub allow_http: bool,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            url: String::new(),
            region: "us-east-1".to_owned(),
            endpoint: String::new(),
            access_key_id: String::new(),
            secret_access_key: None,
            allow_http: false,
        }
    }
}

/// Bytes that are written at the same time: waiting for the disk is most of the work.
const PUTS_AT_ONCE: usize = 16;

/// The error beneath.
pub type Source = Box<dyn std::error::Error + Send + Sync>;

/// Bytes could not be kept or found.
#[derive(Debug, thiserror::Error)]
pub enum BlobError {
    /// The address is not one that this program knows.
    #[error("the blob address must be file:FOLDER or s3://BUCKET/PREFIX")]
    Address,
    /// This binary was built without S3.
    #[error("this program was built without S3; build it with --features s3, or use file:FOLDER")]
    NoS3,
    /// Nothing lies under that hash.
    #[error("no bytes are kept under {sha256}")]
    Missing {
        /// The hash.
        sha256: String,
    },
    /// What lies under that hash has another hash.
    #[error("the bytes kept under {sha256} are damaged: they have another hash")]
    Damaged {
        /// The hash that they should have.
        sha256: String,
    },
    /// A full disk, missing rights, or the network.
    #[error("the blob store cannot be read or written")]
    Unavailable(#[source] Source),
}

/// Result of every function here.
pub type Result<T> = std::result::Result<T, BlobError>;

impl BlobError {
    /// Whether the same may succeed if it is tried again later.
    pub fn is_transient(&self) -> bool {
        match self {
            Self::Unavailable(_) => true,
            Self::Address | Self::NoS3 | Self::Missing { .. } | Self::Damaged { .. } => false,
        }
    }
}

/// One blob in a list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listed {
    /// Its hash, by its name.
    pub sha256: String,
    /// Its size.
    pub size_bytes: u64,
}

/// The bytes of a site. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Blob {
    objects: Arc<dyn ObjectStore>,
    /// Before each name: empty, or the prefix in the bucket.
    prefix: String,
    /// Where they lie, if in a folder.
    folder: Option<PathBuf>,
}

/// SHA-256 in lower-case hex: the content address of bytes.
pub fn sha256_hex(bytes: &[u8]) -> String {
    hex::encode(Sha256::digest(bytes))
}

impl Blob {
    /// Opens the store; a folder is made if it is missing.
    pub fn open(config: &Config) -> Result<Self> {
        Self::open_with(config, None)
    }

    /// Opens the store. `secret_access_key` is the secret that the configuration names.
    pub fn open_with(config: &Config, secret_access_key: Option<&Secret>) -> Result<Self> {
        if let Some(folder) = config.url.strip_prefix("file:") {
            return Self::open_folder(folder.strip_prefix("//").unwrap_or(folder));
        }
        let Some(place) = config.url.strip_prefix("s3://") else { return Err(BlobError::Address) };
        let (bucket, prefix) = place.split_once('/').unwrap_or((place, ""));
        let objects = open_s3(config, bucket, secret_access_key)?;
        let prefix = prefix.trim_matches('/');
        let prefix = if prefix.is_empty() { String::new() } else { format!("{prefix}/") };
        Ok(Self { objects, prefix, folder: None })
    }

    fn open_folder(folder: &str) -> Result<Self> {
        if folder.is_empty() {
            return Err(BlobError::Address);
        }
        let folder = PathBuf::from(folder);
        std::fs::create_dir_all(&folder).map_err(|error| BlobError::Unavailable(error.into()))?;
        let objects = LocalFileSystem::new_with_prefix(&folder).map_err(unavailable)?.with_fsync(true);
        Ok(Self { objects: Arc::new(objects), prefix: String::new(), folder: Some(folder) })
    }

    /// Keeps bytes; they are durable when this returns. Gives their SHA-256.
    pub async fn put(&self, bytes: &[u8]) -> Result<String> {
        let sha256 = sha256_hex(bytes);
        let path = self.path(&sha256)?;
        let mode = match self.find_size(&sha256).await? {
            Some(size) if size == bytes.len() as u64 => {
                self.sync_entry(&sha256).await?;
                return Ok(sha256);
            }
            None if self.folder.is_some() => PutMode::Create,
            // cut short by a fault of the disk; or S3, where writing the same again harms nobody
            _ => PutMode::Overwrite,
        };
        match self.objects.put_opts(&path, PutPayload::from(bytes.to_vec()), mode.into()).await {
            Ok(_) => Ok(sha256),
            // somebody else kept the same bytes at the same time
            Err(object_store::Error::AlreadyExists { .. }) => {
                self.sync_entry(&sha256).await?;
                Ok(sha256)
            }
            Err(error) => Err(unavailable(error)),
        }
    }

    /// Keeps many bytes; all are durable when this returns. Gives their SHA-256 in the same order.
    ///
    /// In a folder the disk is waited for once for each file, several files at a time, and once for each of their
    /// folders; the one call costs far less than as many of [`Blob::put`].
    pub async fn put_all(&self, all: &[&[u8]]) -> Result<Vec<String>> {
        let Some(folder) = self.folder.clone() else {
            let puts: Vec<_> = all.iter().map(|bytes| self.put(bytes)).collect();
            return futures::stream::iter(puts).buffered(PUTS_AT_ONCE).try_collect().await;
        };
        let owned: Vec<Vec<u8>> = all.iter().map(|bytes| bytes.to_vec()).collect();
        let done = tokio::task::spawn_blocking(move || folder::put_all(&folder, &owned)).await;
        done.map_err(std::io::Error::other).flatten().map_err(|error| BlobError::Unavailable(error.into()))
    }

    /// The bytes under a hash, checked.
    pub async fn get(&self, sha256: &str) -> Result<Vec<u8>> {
        let result = self.objects.get(&self.path(sha256)?).await.map_err(|error| missing(error, sha256))?;
        let bytes = result.bytes().await.map_err(|error| missing(error, sha256))?;
        checked(bytes.into(), sha256)
    }

    /// The same on a thread that may wait; not on one that runs tasks. A file is read there and then.
    pub fn get_waiting(&self, sha256: &str) -> Result<Vec<u8>> {
        let Some(folder) = &self.folder else {
            return tokio::runtime::Handle::current().block_on(self.get(sha256));
        };
        let bytes = folder::get(folder, sha256).map_err(|error| match error.kind() {
            std::io::ErrorKind::NotFound => BlobError::Missing { sha256: sha256.to_owned() },
            _ => BlobError::Unavailable(error.into()),
        })?;
        checked(bytes, sha256)
    }

    /// A part of the bytes under a hash, not checked: for downloads that resume.
    pub async fn get_range(&self, sha256: &str, range: Range<u64>) -> Result<Vec<u8>> {
        let path = self.path(sha256)?;
        let bytes = self.objects.get_range(&path, range).await.map_err(|error| missing(error, sha256))?;
        Ok(bytes.into())
    }

    /// The bytes under a hash in pieces, not checked: for downloads of large files.
    pub async fn stream(&self, sha256: &str) -> Result<impl Stream<Item = Result<Vec<u8>>> + Send + use<>> {
        let result = self.objects.get(&self.path(sha256)?).await.map_err(|error| missing(error, sha256))?;
        Ok(result.into_stream().map(|piece| piece.map(Vec::from).map_err(unavailable)))
    }

    /// Reads the bytes under a hash piece by piece and compares their hash.
    pub async fn check(&self, sha256: &str) -> Result<()> {
        let mut pieces = self.stream(sha256).await?;
        let mut hasher = Sha256::new();
        while let Some(piece) = pieces.try_next().await? {
            hasher.update(&piece);
        }
        if hex::encode(hasher.finalize()) == sha256 {
            Ok(())
        } else {
            Err(BlobError::Damaged { sha256: sha256.to_owned() })
        }
    }

    /// The size of the bytes under a hash.
    pub async fn find_size(&self, sha256: &str) -> Result<Option<u64>> {
        let options = GetOptions { head: true, range: None::<GetRange>, ..GetOptions::default() };
        match self.objects.get_opts(&self.path(sha256)?, options).await {
            Ok(result) => Ok(Some(result.meta.size)),
            Err(object_store::Error::NotFound { .. }) => Ok(None),
            Err(error) => Err(unavailable(error)),
        }
    }

    /// Whether something lies under a hash.
    pub async fn has(&self, sha256: &str) -> Result<bool> {
        Ok(self.find_size(sha256).await?.is_some())
    }

    /// Everything that is kept, in no order. Files with other names are left out.
    pub fn list(&self) -> impl Stream<Item = Result<Listed>> + Send + Unpin + use<> {
        let prefix = (!self.prefix.is_empty()).then(|| Path::from(self.prefix.as_str()));
        self.objects.list(prefix.as_ref()).filter_map(|object| {
            std::future::ready(match object {
                Ok(object) => object
                    .location
                    .filename()
                    .filter(|name| is_sha256(name))
                    .map(|name| Ok(Listed { sha256: name.to_owned(), size_bytes: object.size })),
                Err(error) => Some(Err(unavailable(error))),
            })
        })
    }

    /// Takes over bytes from another folder as a second name of the same file, which costs no space. False where
    /// that cannot be: other kinds of storage, another file system. Not checked.
    pub async fn link_from(&self, source: &Self, sha256: &str) -> Result<bool> {
        self.path(sha256)?;
        let (Some(to), Some(from), Some(first)) = (&self.folder, &source.folder, sha256.get(..2)) else {
            return Ok(false);
        };
        let (from, folder) = (from.join(first).join(sha256), to.join(first));
        let to = folder.join(sha256);
        let linked = tokio::task::spawn_blocking(move || {
            std::fs::create_dir_all(&folder)?;
            std::fs::hard_link(from, to)
        });
        match linked.await.map_err(std::io::Error::other).flatten() {
            Ok(()) => self.sync_entry(sha256).await.map(|()| true),
            Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => Ok(true),
            Err(_) => Ok(false),
        }
    }

    fn path(&self, sha256: &str) -> Result<Path> {
        // hashes come from addresses of pages too: nothing else may become a path
        match sha256.get(..2) {
            Some(first) if is_sha256(sha256) => Ok(Path::from(format!("{}{first}/{sha256}", self.prefix))),
            _ => Err(BlobError::Missing { sha256: sha256.chars().take(64).collect() }),
        }
    }

    /// Makes the entry of a file that somebody else has just made durable too.
    async fn sync_entry(&self, sha256: &str) -> Result<()> {
        let (Some(folder), Some(first)) = (&self.folder, sha256.get(..2)) else { return Ok(()) };
        let folder = folder.join(first);
        let synced = tokio::task::spawn_blocking(move || std::fs::File::open(folder)?.sync_all()).await;
        synced.map_err(std::io::Error::other).flatten().map_err(|error| BlobError::Unavailable(error.into()))
    }
}

fn is_sha256(text: &str) -> bool {
    text.len() == 64 && text.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'))
}

fn unavailable(error: object_store::Error) -> BlobError {
    BlobError::Unavailable(error.into())
}

fn missing(error: object_store::Error, sha256: &str) -> BlobError {
    match error {
        object_store::Error::NotFound { .. } => BlobError::Missing { sha256: sha256.to_owned() },
        error => unavailable(error),
    }
}

#[cfg(feature = "s3")]
fn open_s3(config: &Config, bucket: &str, secret: Option<&Secret>) -> Result<Arc<dyn ObjectStore>> {
    if rustls::crypto::CryptoProvider::get_default().is_none() {
        // somebody else may be faster, with the same provider
        drop(rustls::crypto::ring::default_provider().install_default());
    }
    let mut builder = object_store::aws::AmazonS3Builder::new()
        .with_bucket_name(bucket)
        .with_region(&config.region)
        .with_allow_http(config.allow_http);
    if !config.endpoint.is_empty() {
        builder = builder.with_endpoint(&config.endpoint);
    }
    if let Some(secret) = secret {
        builder = builder.with_access_key_id(&config.access_key_id).with_secret_access_key(secret.reveal());
    }
    Ok(Arc::new(builder.build().map_err(unavailable)?))
}

#[cfg(not(feature = "s3"))]
fn open_s3(_: &Config, _: &str, _: Option<&Secret>) -> Result<Arc<dyn ObjectStore>> {
    Err(BlobError::NoS3)
}

/// The bytes, if they are those of the hash.
fn checked(bytes: Vec<u8>, sha256: &str) -> Result<Vec<u8>> {
    if sha256_hex(&bytes) == sha256 {
        Ok(bytes)
    } else {
        Err(BlobError::Damaged { sha256: sha256.to_owned() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn open(folder: &tempfile::TempDir) -> Blob {
        let url = format!("file:{}", folder.path().display());
        Blob::open(&Config { url, ..Config::default() }).unwrap()
    }

    fn file_of(folder: &tempfile::TempDir, sha: &str) -> PathBuf {
        folder.path().join(&sha[..2]).join(sha)
    }

    #[tokio::test]
    async fn bytes_are_kept_once_and_found_again() {
        let folder = tempfile::tempdir().unwrap();
        let blob = open(&folder);
        let sha = blob.put(b"hello").await.unwrap();
        assert_eq!(sha, "2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824");
        assert_eq!(blob.put(b"hello").await.unwrap(), sha);
        assert_eq!(blob.put(b"").await.unwrap(), sha256_hex(b""));
        assert_eq!(blob.get(&sha).await.unwrap(), b"hello");
        assert_eq!(blob.get_range(&sha, 1..3).await.unwrap(), b"el");
        assert_eq!(blob.find_size(&sha).await.unwrap(), Some(5));
        blob.check(&sha).await.unwrap();
        let listed: Vec<_> = blob.list().map(|item| item.unwrap().size_bytes).collect().await;
        assert_eq!(listed.iter().sum::<u64>(), 5);
        assert_eq!(listed.len(), 2);
        assert!(file_of(&folder, &sha).is_file());
    }

    #[tokio::test]
    async fn many_are_kept_together_as_they_would_be_one_by_one() {
        let (one, many) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let texts: Vec<String> = (0..50).map(|number| format!("bytes {}", number % 40)).collect();
        let all: Vec<&[u8]> = texts.iter().map(String::as_bytes).collect();
        let together = open(&many);
        let hashes = together.put_all(&all).await.unwrap();
        for (bytes, sha) in all.iter().zip(&hashes) {
            assert_eq!(&open(&one).put(bytes).await.unwrap(), sha);
            assert_eq!(&together.get(sha).await.unwrap(), bytes);
        }
        // Twice is once, and what was damaged in size is mended.
        std::fs::write(file_of(&many, &hashes[0]), b"by").unwrap();
        assert_eq!(together.put_all(&all).await.unwrap(), hashes);
        assert_eq!(together.get(&hashes[0]).await.unwrap(), all[0]);
        assert_eq!(together.get_waiting(&hashes[0]).unwrap(), all[0]);
        let listed: Vec<_> = together.list().collect().await;
        assert_eq!(listed.len(), 40);
        let names = std::fs::read_dir(many.path().join(&hashes[0][..2])).unwrap();
        assert!(names.into_iter().all(|name| name.unwrap().file_name().len() == 64), "nothing is left over");
    }

    #[tokio::test]
    async fn the_same_bytes_may_come_many_times_at_once() {
        let folder = tempfile::tempdir().unwrap();
        let blob = open(&folder);
        let puts = (0..16).map(|_| blob.put(b"one and the same"));
        for sha in futures::future::join_all(puts).await {
            assert_eq!(blob.get(&sha.unwrap()).await.unwrap(), b"one and the same");
        }
    }

    #[tokio::test]
    async fn damage_is_noticed_and_mended_by_the_same_bytes() {
        let folder = tempfile::tempdir().unwrap();
        let blob = open(&folder);
        let sha = blob.put(b"evidence").await.unwrap();
        std::fs::write(file_of(&folder, &sha), b"evid3nce").unwrap();
        assert!(matches!(blob.get(&sha).await, Err(BlobError::Damaged { .. })));
        assert!(matches!(blob.get_waiting(&sha), Err(BlobError::Damaged { .. })));
        assert!(matches!(blob.check(&sha).await, Err(BlobError::Damaged { .. })));
        std::fs::write(file_of(&folder, &sha), b"evid").unwrap();
        blob.put(b"evidence").await.unwrap();
        blob.check(&sha).await.unwrap();
    }

    #[tokio::test]
    async fn only_hashes_are_looked_up() {
        let folder = tempfile::tempdir().unwrap();
        let blob = open(&folder);
        for name in ["", "../../etc/passwd", "ÄÄ", &"A".repeat(64), &"a".repeat(64)] {
            assert!(matches!(blob.get(name).await, Err(BlobError::Missing { .. })), "{name}");
            assert!(matches!(blob.get_waiting(name), Err(BlobError::Missing { .. })), "{name}");
        }
        assert!(!blob.has(&"a".repeat(64)).await.unwrap());
    }

    #[test]
    fn other_addresses_are_refused() {
        for url in ["", "file:", "http://x", "data/blob"] {
            let config = Config { url: url.to_owned(), ..Config::default() };
            assert!(matches!(Blob::open(&config), Err(BlobError::Address)), "{url}");
        }
    }
}
