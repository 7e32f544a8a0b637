//! A Maildir and its Maildir++ subfolders.
//!
//! Does not: move files from `new` to `cur` or change flags, except when told to by [`super::Mailbox::act`].
//!
//! The UID is made of the unique part of the file name (before `:2,`), so that it survives flags and the way from `new`
//! to `cur`. The order is that of the delivery time in the name. <https://cr.yp.to/proto/maildir.html>

use super::{
    After, Body, Config, FolderState, Listed, MailboxError, Wake, blocking, changed_at, read_bounded,
    stable_number, utf7, wait_for_change,
};
use std::{
    collections::HashMap,
    io,
    path::{Path, PathBuf},
    time::{Duration, SystemTime},
};

/// An open Maildir.
#[derive(Debug)]
pub struct Maildir {
    root: PathBuf,
    bytes_max: u64,
    /// The folder that was looked at last.
    scan: Option<Scan>,
}

/// What one look at a folder found.
#[derive(Debug)]
struct Scan {
    folder: String,
    /// Oldest first.
    files: Vec<File>,
    /// Position in `files` by UID.
    positions: HashMap<i64, usize>,
    before: Vec<Option<(SystemTime, u64)>>,
}

#[derive(Debug)]
struct File {
    uid: i64,
    /// `cur/name` or `new/name`.
    place: String,
}

impl Maildir {
    pub(super) async fn open(config: &Config) -> Result<Self, MailboxError> {
        let root = blocking(&config.path, |path| {
            let root = path.canonicalize()?;
            if root.join("cur").is_dir() || root.join("new").is_dir() {
                Ok(root)
            } else {
                Err(io::Error::other("it has neither `cur` nor `new` in it, so it is no Maildir"))
            }
        })
        .await?;
        Ok(Self { root, bytes_max: config.bytes_max, scan: None })
    }

    pub(super) async fn folders(&self) -> Result<Vec<String>, MailboxError> {
        blocking(&self.root, |root| {
            let mut names = vec!["INBOX".to_owned()];
            for entry in std::fs::read_dir(root)? {
                let entry = entry?;
                let name = entry.file_name().to_string_lossy().into_owned();
                if let Some(name) = name.strip_prefix('.')
                    && !name.is_empty()
                    && entry.path().join("cur").is_dir()
                {
                    names.push(utf7::decode(name));
                }
            }
            names.sort();
            Ok(names)
        })
        .await
    }

    pub(super) async fn select(&mut self, folder: &str) -> Result<FolderState, MailboxError> {
        let scan = self.look(folder).await?;
        let exists = scan.files.len() as i64;
        let path = self.path_of(folder)?;
        Ok(FolderState {
            uidvalidity: stable_number(&[b"maildir", path.as_os_str().as_encoded_bytes()]),
            exists,
            uid_next: None,
            ascending: false,
        })
    }

    pub(super) async fn list(
        &mut self,
        folder: &str,
        after_uid: i64,
        limit: usize,
    ) -> Result<Vec<Listed>, MailboxError> {
        let known =
            self.scan.as_ref().is_some_and(|s| s.folder == folder && s.positions.contains_key(&after_uid));
        if !known {
            self.look(folder).await?;
        }
        let Some(scan) = &self.scan else { return Ok(Vec::new()) };
        let start = scan.positions.get(&after_uid).map_or(0, |position| position + 1);
        let batch: Vec<(i64, String)> =
            scan.files.iter().skip(start).take(limit).map(|f| (f.uid, f.place.clone())).collect();
        blocking(&self.path_of(folder)?, move |path| {
            // A file that moved or went away meanwhile keeps its place in the list, with size 0: fetching decides.
            let sized = |(uid, place): (i64, String)| {
                let size_bytes = path.join(&place).metadata().map_or(0, |meta| meta.len() as i64);
                Listed { uid, size_bytes, place }
            };
            Ok(batch.into_iter().map(sized).collect())
        })
        .await
    }

    pub(super) async fn all_uids(&mut self, folder: &str) -> Result<Vec<i64>, MailboxError> {
        Ok(self.look(folder).await?.files.iter().map(|file| file.uid).collect())
    }

    pub(super) async fn read(&mut self, folder: &str, uid: i64) -> Result<Option<Body>, MailboxError> {
        let bytes_max = self.bytes_max;
        if let Some(path) = self.find(folder, uid)?
            && let Some(body) = blocking(&path, move |path| read_bounded(path, bytes_max)).await?
        {
            return Ok(Some(body));
        }
        // It may have a new name by now, with other flags.
        self.look(folder).await?;
        match self.find(folder, uid)? {
            Some(path) => blocking(&path, move |path| read_bounded(path, bytes_max)).await,
            None => Ok(None),
        }
    }

    pub(super) async fn act(&mut self, folder: &str, uid: i64, after: &After) -> Result<(), MailboxError> {
        let (target, flag) = match after {
            After::Nothing => return Ok(()),
            After::Flag(flag) => {
                let letter = letter(flag).ok_or_else(|| {
                    MailboxError::unsupported(format!(
                        "a Maildir has no flag {flag}: use one such as \\Flagged"
                    ))
                })?;
                (self.path_of(folder)?, Some(letter))
            }
            After::Move(to) => (self.path_of(to)?, None),
        };
        self.look(folder).await?;
        let Some(source) = self.find(folder, uid)? else { return Ok(()) };
        self.scan = None;
        blocking(&target, move |target| {
            for part in ["cur", "new", "tmp"] {
                std::fs::create_dir_all(target.join(part))?;
            }
            let name = source.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
            let renamed = std::fs::rename(&source, target.join("cur").join(with_flag(&name, flag)));
            match renamed {
                Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
                other => other,
            }
        })
        .await
    }

    pub(super) async fn wait(&mut self, folder: &str, timeout: Duration) -> Result<Wake, MailboxError> {
        let path = self.path_of(folder)?;
        let paths = [path.join("new"), path.join("cur")];
        let before = match &self.scan {
            Some(scan) if scan.folder == folder => scan.before.clone(),
            _ => changed_at(&paths),
        };
        Ok(wait_for_change(&paths, &before, timeout).await)
    }

    async fn look(&mut self, folder: &str) -> Result<&Scan, MailboxError> {
        let path = self.path_of(folder)?;
        let name = folder.to_owned();
        let missing = name.clone();
        let found = blocking(&path, move |path| {
            if !path.join("cur").is_dir() && !path.join("new").is_dir() {
                return Ok(None);
            }
            scan(path, name).map(Some)
        })
        .await?;
        match found {
            Some(scan) => Ok(self.scan.insert(scan)),
            None => {
                Err(MailboxError::NoFolder { folder: missing, text: "no such Maildir folder".to_owned() })
            }
        }
    }

    fn find(&self, folder: &str, uid: i64) -> Result<Option<PathBuf>, MailboxError> {
        let path = self.path_of(folder)?;
        let scan = self.scan.as_ref().filter(|scan| scan.folder == folder);
        let file = scan.and_then(|scan| scan.files.get(*scan.positions.get(&uid)?));
        Ok(file.map(|file| path.join(&file.place)))
    }

    /// Folder names become Maildir++ names: `A/B` and `A.B` are both `.A.B`.
    fn path_of(&self, folder: &str) -> Result<PathBuf, MailboxError> {
        if folder.is_empty() || folder.eq_ignore_ascii_case("INBOX") {
            return Ok(self.root.clone());
        }
        let name = utf7::encode(folder).replace('/', ".");
        if name.starts_with('.') || name.contains("..") || name.contains('\\') || name.contains('\0') {
            return Err(MailboxError::NoFolder {
                folder: folder.to_owned(),
                text: "not a folder name".to_owned(),
            });
        }
        Ok(self.root.join(format!(".{name}")))
    }
}

fn scan(path: &Path, folder: String) -> io::Result<Scan> {
    let before = changed_at(&[path.join("new"), path.join("cur")]);
    // `new` first: a file that moves to `cur` meanwhile is then seen twice, not missed. The later sight counts.
    let mut places = HashMap::new();
    for part in ["new", "cur"] {
        let entries = match std::fs::read_dir(path.join(part)) {
            Ok(entries) => entries,
            Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
            Err(error) => return Err(error),
        };
        for entry in entries {
            let entry = entry?;
            let name = entry.file_name().to_string_lossy().into_owned();
            if !name.starts_with('.') && entry.file_type().is_ok_and(|kind| !kind.is_dir()) {
                places.insert(unique_part(&name).to_owned(), format!("{part}/{name}"));
            }
        }
    }
    let mut sorted: Vec<(String, String)> = places.into_iter().collect();
    sorted.sort_by(|(a, _), (b, _)| (seconds(a), a).cmp(&(seconds(b), b)));
    let files: Vec<File> = sorted
        .into_iter()
        .map(|(unique, place)| File { uid: stable_number(&[unique.as_bytes()]), place })
        .collect();
    let positions = files.iter().enumerate().map(|(position, file)| (file.uid, position)).collect();
    Ok(Scan { folder, files, positions, before })
}

fn unique_part(name: &str) -> &str {
    name.split_once(":2,").map_or(name, |(unique, _)| unique)
}

/// The delivery time that a unique name begins with.
fn seconds(unique: &str) -> u64 {
    unique.split(|c: char| !c.is_ascii_digit()).next().and_then(|digits| digits.parse().ok()).unwrap_or(0)
}

/// The letter that stands for a flag in a file name.
pub(super) fn letter(flag: &str) -> Option<char> {
    [("\\Draft", 'D'), ("\\Flagged", 'F'), ("\\Answered", 'R'), ("\\Seen", 'S'), ("\\Deleted", 'T')]
        .into_iter()
        .find(|(name, _)| name.eq_ignore_ascii_case(flag))
        .map(|(_, letter)| letter)
}

/// The name with one flag more, letters in ASCII order as the format demands.
fn with_flag(name: &str, flag: Option<char>) -> String {
    let (unique, letters) = name.split_once(":2,").unwrap_or((name, ""));
    let mut letters: Vec<char> = letters.chars().chain(flag).collect();
    letters.sort_unstable();
    letters.dedup();
    format!("{unique}:2,{}", letters.into_iter().collect::<String>())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn flags_are_sorted_and_set_once() {
        for (name, flag, expected) in [
            ("1.a", Some('F'), "1.a:2,F"),
            ("1.a:2,S", Some('F'), "1.a:2,FS"),
            ("1.a:2,FS", Some('F'), "1.a:2,FS"),
            ("1.a:2,S", None, "1.a:2,S"),
        ] {
            assert_eq!(with_flag(name, flag), expected);
        }
    }

    #[test]
    fn age_comes_before_the_rest_of_the_name() {
        assert!(seconds("999.z") < seconds("1000.a"));
        assert_eq!(unique_part("1000.M5P7.host,S=12:2,FS"), "1000.M5P7.host,S=12");
    }
}
