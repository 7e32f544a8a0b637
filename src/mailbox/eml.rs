//! One file with one message, or a folder of `.eml` files with its subfolders.
//!
//! The UID is made of the path below the folder; the order is that of the names.
//! Limits: [`DEPTH_MAX`] folders deep; symbolic links are not followed.

use super::{
    After, Body, Config, FolderState, Listed, MailboxError, Wake, blocking, changed_at, read_bounded,
    stable_number, wait_for_change,
};
use std::{
    collections::HashMap,
    io,
    path::{Path, PathBuf},
    time::{Duration, SystemTime},
};

/// How deep folders are searched.
const DEPTH_MAX: usize = 16;

/// An open folder of messages.
#[derive(Debug)]
pub struct Eml {
    root: PathBuf,
    bytes_max: u64,
    /// UIDs and paths below the root, in order.
    files: Vec<(i64, String)>,
    positions: HashMap<i64, usize>,
    folders: Vec<PathBuf>,
    before: Vec<Option<(SystemTime, u64)>>,
}

impl Eml {
    pub(super) async fn open(config: &Config) -> Result<Self, MailboxError> {
        let root = blocking(&config.path, Path::canonicalize).await?;
        let mut eml = Self {
            root,
            bytes_max: config.bytes_max,
            files: Vec::new(),
            positions: HashMap::new(),
            folders: Vec::new(),
            before: Vec::new(),
        };
        eml.look().await?;
        Ok(eml)
    }

    pub(super) async fn select(&mut self) -> Result<FolderState, MailboxError> {
        self.look().await?;
        Ok(FolderState {
            uidvalidity: stable_number(&[b"eml", self.root.as_os_str().as_encoded_bytes()]),
            exists: self.files.len() as i64,
            uid_next: None,
            ascending: false,
        })
    }

    pub(super) async fn list(&mut self, after_uid: i64, limit: usize) -> Result<Vec<Listed>, MailboxError> {
        if !self.positions.contains_key(&after_uid) {
            self.look().await?;
        }
        let start = self.positions.get(&after_uid).map_or(0, |position| position + 1);
        let batch: Vec<_> = self.files.iter().skip(start).take(limit).cloned().collect();
        blocking(&self.root, move |root| {
            let sized = |(uid, place): (i64, String)| {
                let size_bytes = join(root, &place).metadata().map_or(0, |meta| meta.len() as i64);
                Listed { uid, size_bytes, place }
            };
            Ok(batch.into_iter().map(sized).collect())
        })
        .await
    }

    pub(super) async fn all_uids(&mut self) -> Result<Vec<i64>, MailboxError> {
        self.look().await?;
        Ok(self.files.iter().map(|(uid, _)| *uid).collect())
    }

    pub(super) async fn read(&mut self, uid: i64) -> Result<Option<Body>, MailboxError> {
        if !self.positions.contains_key(&uid) {
            self.look().await?;
        }
        let bytes_max = self.bytes_max;
        match self.find(uid) {
            Some(path) => blocking(&path, move |path| read_bounded(path, bytes_max)).await,
            None => Ok(None),
        }
    }

    pub(super) async fn act(&mut self, uid: i64, after: &After) -> Result<(), MailboxError> {
        match after {
            After::Nothing => Ok(()),
            After::Flag(_) => {
                Err(MailboxError::unsupported("files have no flags: set `after` to \"nothing\" or \"move\""))
            }
            After::Move(to) => {
                self.look().await?;
                let Some(source) = self.find(uid) else { return Ok(()) };
                let beside = if self.root.is_dir() { self.root.parent() } else { None };
                let target =
                    beside.map_or_else(|| self.root.with_extension("done"), |parent| parent.join(to));
                blocking(&target, move |target| {
                    std::fs::create_dir_all(target)?;
                    match std::fs::rename(&source, target.join(source.file_name().unwrap_or_default())) {
                        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
                        other => other,
                    }
                })
                .await
            }
        }
    }

    pub(super) async fn wait(&mut self, timeout: Duration) -> Result<Wake, MailboxError> {
        Ok(wait_for_change(&self.folders, &self.before, timeout).await)
    }

    async fn look(&mut self) -> Result<(), MailboxError> {
        let (folders, before, mut places) = blocking(&self.root, |root| {
            let (mut folders, mut places) = (vec![root.to_owned()], Vec::new());
            if root.is_dir() {
                walk(root, "", 0, &mut folders, &mut places)?;
            } else {
                places.push(String::new());
            }
            let before = changed_at(&folders);
            Ok((folders, before, places))
        })
        .await?;
        places.sort();
        let one = self.root.file_name().unwrap_or_default().as_encoded_bytes();
        let uid = |place: &String| stable_number(&[if place.is_empty() { one } else { place.as_bytes() }]);
        self.files = places.iter().map(|place| (uid(place), place.clone())).collect();
        self.positions = self.files.iter().enumerate().map(|(position, (uid, _))| (*uid, position)).collect();
        (self.folders, self.before) = (folders, before);
        Ok(())
    }

    fn find(&self, uid: i64) -> Option<PathBuf> {
        let (_, place) = self.files.get(*self.positions.get(&uid)?)?;
        Some(join(&self.root, place))
    }
}

/// A path below the root; the root itself if it is the file.
fn join(root: &Path, place: &str) -> PathBuf {
    if place.is_empty() { root.to_owned() } else { root.join(place) }
}

fn walk(
    folder: &Path,
    below: &str,
    depth: usize,
    folders: &mut Vec<PathBuf>,
    places: &mut Vec<String>,
) -> io::Result<()> {
    for entry in std::fs::read_dir(folder)? {
        let entry = entry?;
        let name = entry.file_name().to_string_lossy().into_owned();
        let kind = entry.file_type()?;
        if name.starts_with('.') {
            continue;
        }
        if kind.is_dir() && depth < DEPTH_MAX {
            folders.push(entry.path());
            walk(&entry.path(), &format!("{below}{name}/"), depth + 1, folders, places)?;
        } else if kind.is_file()
            && Path::new(&name).extension().is_some_and(|e| e.eq_ignore_ascii_case("eml"))
        {
            places.push(format!("{below}{name}"));
        }
    }
    Ok(())
}
