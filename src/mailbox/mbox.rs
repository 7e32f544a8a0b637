//! One mbox file: messages one after the other, each after a line that begins with `From ` (RFC 4155).
//!
//! Does: undo the quoting of `>From ` lines (mboxrd), and drop the empty line that ends a message.
//! Does not: change the file, trust `Content-Length`, or read more than one message into memory.
//!
//! The UID is made of the content and of how often the same content came before in the file, so that it survives messages
//! being taken out or added anywhere. The order is that of the file.

use super::{
    Body, Config, FolderState, Listed, MailboxError, Wake, blocking, changed_at, stable_number,
    wait_for_change,
};
use sha2::{Digest as _, Sha256};
use std::{
    collections::HashMap,
    fs::File,
    io::{self, BufRead, BufReader, Read as _, Seek as _, SeekFrom},
    path::{Path, PathBuf},
    time::{Duration, SystemTime},
};

/// The longest piece of a line that is held at a time.
const PIECE_BYTES_MAX: u64 = 64 * 1024;

/// An open mbox file.
#[derive(Debug)]
pub struct Mbox {
    path: PathBuf,
    bytes_max: u64,
    entries: Vec<Entry>,
    positions: HashMap<i64, usize>,
    before: Vec<Option<(SystemTime, u64)>>,
}

/// One message in the file.
#[derive(Clone, Copy, Debug)]
struct Entry {
    uid: i64,
    /// Where its `From ` line begins.
    start: u64,
    /// Length of the message as it is handed out.
    size_bytes: u64,
}

impl Mbox {
    pub(super) async fn open(config: &Config) -> Result<Self, MailboxError> {
        let path = blocking(&config.path, |path| {
            if is_mbox(path)? { path.canonicalize() } else { Err(io::Error::other("it is no mbox file")) }
        })
        .await?;
        Ok(Self {
            path,
            bytes_max: config.bytes_max,
            entries: Vec::new(),
            positions: HashMap::new(),
            before: Vec::new(),
        })
    }

    pub(super) async fn select(&mut self) -> Result<FolderState, MailboxError> {
        self.look().await?;
        Ok(FolderState {
            uidvalidity: stable_number(&[b"mbox", self.path.as_os_str().as_encoded_bytes()]),
            exists: self.entries.len() as i64,
            uid_next: None,
            ascending: false,
        })
    }

    pub(super) async fn list(&mut self, after_uid: i64, limit: usize) -> Result<Vec<Listed>, MailboxError> {
        if !self.positions.contains_key(&after_uid) {
            self.look().await?;
        }
        let start = self.positions.get(&after_uid).map_or(0, |position| position + 1);
        let batch = self.entries.iter().enumerate().skip(start).take(limit);
        Ok(batch
            .map(|(position, entry)| Listed {
                uid: entry.uid,
                size_bytes: entry.size_bytes as i64,
                place: format!("message {}", position + 1),
            })
            .collect())
    }

    pub(super) async fn all_uids(&mut self) -> Result<Vec<i64>, MailboxError> {
        self.look().await?;
        Ok(self.entries.iter().map(|entry| entry.uid).collect())
    }

    pub(super) async fn read(&mut self, uid: i64) -> Result<Option<Body>, MailboxError> {
        // The file may have been rewritten since it was looked at.
        if changed_at(std::slice::from_ref(&self.path)) != self.before {
            self.look().await?;
        }
        let Some(entry) = self.positions.get(&uid).and_then(|position| self.entries.get(*position)).copied()
        else {
            return Ok(None);
        };
        if entry.size_bytes > self.bytes_max {
            return Ok(Some(Body::TooLarge));
        }
        let bytes = blocking(&self.path, move |path| {
            let mut file = BufReader::new(File::open(path)?);
            file.seek(SeekFrom::Start(entry.start))?;
            let mut bytes = Vec::new();
            let mut messages = Messages::new(file, entry.start);
            messages.next(|piece| bytes.extend_from_slice(piece))?;
            Ok(bytes)
        })
        .await?;
        Ok(Some(Body::Bytes(bytes)))
    }

    pub(super) async fn wait(&mut self, timeout: Duration) -> Result<Wake, MailboxError> {
        Ok(wait_for_change(std::slice::from_ref(&self.path), &self.before, timeout).await)
    }

    async fn look(&mut self) -> Result<(), MailboxError> {
        let before = changed_at(std::slice::from_ref(&self.path));
        if before == self.before && !self.entries.is_empty() {
            return Ok(());
        }
        self.entries = blocking(&self.path, |path| scan(BufReader::new(File::open(path)?))).await?;
        self.positions =
            self.entries.iter().enumerate().map(|(position, entry)| (entry.uid, position)).collect();
        self.before = before;
        Ok(())
    }
}

/// Whether a file begins as an mbox does. An empty file is one without messages.
pub(super) fn is_mbox(path: &Path) -> io::Result<bool> {
    let mut first = Vec::new();
    File::open(path)?.take(5).read_to_end(&mut first)?;
    Ok(first.is_empty() || first == b"From ")
}

fn scan(file: impl BufRead) -> io::Result<Vec<Entry>> {
    let mut entries = Vec::new();
    let mut seen: HashMap<[u8; 32], u64> = HashMap::new();
    let mut messages = Messages::new(file, 0);
    loop {
        let mut hash = Sha256::new();
        let mut size_bytes = 0;
        let found = messages.next(|piece| {
            hash.update(piece);
            size_bytes += piece.len() as u64;
        })?;
        let Some(start) = found else { return Ok(entries) };
        let digest: [u8; 32] = hash.finalize().into();
        let before = seen.entry(digest).or_insert(0);
        entries.push(Entry { uid: stable_number(&[&digest, &before.to_be_bytes()]), start, size_bytes });
        *before += 1;
    }
}

/// Splits a file into messages without holding more than a piece of a line.
struct Messages<R> {
    file: R,
    /// Offset of the next byte.
    offset: u64,
    /// Where the `From ` line that ended the last message begins.
    pending: Option<u64>,
    piece: Vec<u8>,
}

impl<R: BufRead> Messages<R> {
    fn new(file: R, offset: u64) -> Self {
        Self { file, offset, pending: None, piece: Vec::new() }
    }

    /// Hands out the next message piece by piece, and tells where it starts; none at the end of the file.
    fn next(&mut self, mut each: impl FnMut(&[u8])) -> io::Result<Option<u64>> {
        let mut start = self.pending.take();
        // An empty line is held back: before a `From ` line it belongs to the format, not to the message.
        let mut held: &'static [u8] = b"";
        let mut whole_line = true;
        loop {
            let line_start = self.offset;
            let begins = whole_line;
            self.piece.clear();
            let count = (&mut self.file).take(PIECE_BYTES_MAX).read_until(b'\n', &mut self.piece)?;
            if count == 0 {
                return Ok(start);
            }
            self.offset += count as u64;
            whole_line = self.piece.ends_with(b"\n");
            let is_from = begins && self.piece.starts_with(b"From ");
            match start {
                None if is_from => {
                    start = Some(line_start);
                    self.skip_line(&mut whole_line)?;
                }
                None => {}
                // Only a `From ` line after an empty line, or right at the start of an empty message, ends a message.
                Some(_) if is_from && !held.is_empty() => {
                    self.skip_line(&mut whole_line)?;
                    self.pending = Some(line_start);
                    return Ok(start);
                }
                Some(_) => {
                    each(held);
                    held = b"";
                    match self.piece.as_slice() {
                        b"\n" if begins => held = b"\n",
                        b"\r\n" if begins => held = b"\r\n",
                        piece if begins && is_quoted_from(piece) => each(piece.get(1..).unwrap_or_default()),
                        piece => each(piece),
                    }
                }
            }
        }
    }

    /// The rest of an overlong `From ` line.
    fn skip_line(&mut self, whole_line: &mut bool) -> io::Result<()> {
        while !*whole_line {
            self.piece.clear();
            let count = (&mut self.file).take(PIECE_BYTES_MAX).read_until(b'\n', &mut self.piece)?;
            self.offset += count as u64;
            *whole_line = count == 0 || self.piece.ends_with(b"\n");
        }
        Ok(())
    }
}

/// `>From `, `>>From `…
fn is_quoted_from(line: &[u8]) -> bool {
    let unquoted = line.iter().position(|byte| *byte != b'>').and_then(|quotes| line.get(quotes..));
    line.starts_with(b">") && unquoted.is_some_and(|rest| rest.starts_with(b"From "))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn split(file: &str) -> Vec<String> {
        let mut messages = Messages::new(file.as_bytes(), 0);
        let mut all = Vec::new();
        loop {
            let mut bytes = Vec::new();
            if messages.next(|piece| bytes.extend_from_slice(piece)).unwrap().is_none() {
                return all;
            }
            all.push(String::from_utf8(bytes).unwrap());
        }
    }

    #[test]
    fn messages_end_at_from_lines_after_an_empty_line() {
        for (file, expected) in [
            ("", vec![]),
            ("From a\nSubject: 1\n\nbody\n", vec!["Subject: 1\n\nbody\n"]),
            ("From a\nS: 1\n\nx\n\nFrom b\nS: 2\n\ny\n\n", vec!["S: 1\n\nx\n", "S: 2\n\ny\n"]),
            ("From a\r\nS: 1\r\n\r\nx\r\n\r\nFrom b\r\nS: 2\r\n\r\n", vec!["S: 1\r\n\r\nx\r\n", "S: 2\r\n"]),
            // A line that was not quoted, in the middle of a paragraph.
            ("From a\nS: 1\n\nx\nFrom here on\n", vec!["S: 1\n\nx\nFrom here on\n"]),
            ("From a\nS: 1\n\n>From x\n>>From y\n> From z\n", vec!["S: 1\n\nFrom x\n>From y\n> From z\n"]),
            ("From a\nS: 1\n\nx\n\n\n\nFrom b\nS: 2\n", vec!["S: 1\n\nx\n\n\n", "S: 2\n"]),
            ("From a\nno end", vec!["no end"]),
        ] {
            assert_eq!(split(file), expected, "{file:?}");
        }
    }

    #[test]
    fn overlong_lines_are_handed_out_in_pieces() {
        let long = "x".repeat(3 * PIECE_BYTES_MAX as usize);
        let file = format!("From {long}\nS: 1\n\n{long}From \n\nFrom b\nS: 2\n");
        assert_eq!(split(&file), vec![format!("S: 1\n\n{long}From \n"), "S: 2\n".to_owned()]);
    }

    #[test]
    fn uids_survive_taking_messages_out_and_tell_equal_ones_apart() {
        let message = |n: u32| format!("From x\nS: {n}\n\nbody\n\n");
        let uids = |file: String| scan(file.as_bytes()).unwrap().iter().map(|e| e.uid).collect::<Vec<_>>();
        let all = uids([message(1), message(2), message(1), message(3)].concat());
        assert_eq!(all.len(), 4);
        assert_ne!(all[0], all[2]);
        assert_eq!(uids([message(2), message(3)].concat()), vec![all[1], all[3]]);
    }
}
