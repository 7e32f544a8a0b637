//! Hands the exact bytes of a mail to a server, a folder, or a test.
//!
//! Does: one attempt, and says whether another one is safe: see [`SendError`].
//! Does not: retry, compose, or ask whether the mail should leave.

use super::{Config, Kind, smtp::Smtp};
use crate::model::secret::Secret;
use sha2::{Digest as _, Sha256};
use std::{
    collections::VecDeque,
    io::{self, Write as _},
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
};
use thiserror::Error;

/// The outside of the letter.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Envelope {
    /// Where bounces go. None is the empty path `<>`: automatic mail shall not bounce back (RFC 3834, 3.3).
    pub sender: Option<String>,
    /// The one recipient whom it is written to.
    pub recipient: String,
    /// Who else gets it.
    pub copies: Vec<String>,
}

/// The other side took the mail, for all recipients but those that it refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sent {
    /// Its words or the file name: a receipt for the outbox row.
    pub receipt: String,
    /// For whom it did not.
    pub refusals: Vec<Refusal>,
}

/// One recipient for whom the other side did not take the mail.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// The address, as it stands on the envelope.
    pub email: String,
    /// Asking again is of no use.
    pub is_final: bool,
    /// What happened.
    pub text: String,
}

/// Nobody at all gets the mail. Another attempt is of use if it is for one of them.
pub(super) fn refused_by_all(refusals: &[Refusal]) -> SendError {
    let text = refusals.iter().map(|refusal| refusal.text.as_str()).collect::<Vec<_>>().join("; ");
    if refusals.iter().all(|refusal| refusal.is_final) {
        SendError::Permanent { text }
    } else {
        SendError::Transient { text }
    }
}

/// Why a mail did not leave, or may not have.
#[derive(Debug, Error)]
pub enum SendError {
    /// It did not leave; a later attempt may succeed.
    #[error("the mail did not leave, a later attempt may succeed: {text}")]
    Transient {
        /// What happened.
        text: String,
    },
    /// It did not leave and will not.
    #[error("the mail was refused: {text}")]
    Permanent {
        /// What happened.
        text: String,
    },
    /// The connection broke after the last byte had been handed over: it may have left. A person decides.
    #[error("the mail may have left, the server's answer is missing: {text}")]
    InDoubt {
        /// What happened.
        text: String,
    },
    /// A key of the configuration is missing or wrong; nothing left.
    #[error("{text}")]
    Settings {
        /// Which key, and what to write there.
        text: String,
    },
}

impl SendError {
    /// Whether a later attempt is safe and may succeed.
    pub fn is_transient(&self) -> bool {
        match self {
            // Settings can be mended, and nothing has left.
            Self::Transient { .. } | Self::Settings { .. } => true,
            Self::Permanent { .. } | Self::InDoubt { .. } => false,
        }
    }
}

/// Where mail goes.
#[derive(Debug)]
pub enum Mailer {
    /// To a server.
    Smtp(Box<Smtp>),
    /// Into a folder, one file a mail.
    Directory(PathBuf),
    /// Into memory: for tests.
    Memory(Memory),
}

impl Mailer {
    /// Makes a mailer; the network is not touched yet.
    pub fn open(config: &Config, password: Option<&Secret>) -> Result<Self, SendError> {
        config.check()?;
        Ok(match config.kind {
            Kind::Smtp => Self::Smtp(Box::new(Smtp::new(config, password)?)),
            Kind::Directory => Self::Directory(config.directory.clone()),
        })
    }

    /// The token to sign in with from now on, where that is how it is done.
    pub fn renew(&self, token: &Secret) {
        if let Self::Smtp(smtp) = self {
            smtp.renew(token);
        }
    }

    /// One attempt to send these bytes.
    pub async fn send(&self, envelope: &Envelope, bytes: &[u8]) -> Result<Sent, SendError> {
        match self {
            Self::Smtp(smtp) => smtp.send(envelope, bytes).await,
            Self::Directory(folder) => {
                let (folder, bytes) = (folder.clone(), bytes.to_vec());
                let written = tokio::task::spawn_blocking(move || write_file(&folder, &bytes)).await;
                match written.map_err(io::Error::other).and_then(|result| result) {
                    Ok(receipt) => Ok(Sent { receipt, refusals: Vec::new() }),
                    Err(error) => {
                        Err(SendError::Transient { text: format!("cannot write the file: {error}") })
                    }
                }
            }
            Self::Memory(memory) => memory.send(envelope, bytes),
        }
    }

    /// Whether mail could leave now: connects and signs in, sends nothing.
    pub async fn check(&self) -> Result<(), SendError> {
        match self {
            Self::Smtp(smtp) => smtp.check().await,
            Self::Directory(folder) => std::fs::create_dir_all(folder).map_err(|error| SendError::Settings {
                text: format!("mail_out: cannot make the folder {}: {error}", folder.display()),
            }),
            Self::Memory(_) => Ok(()),
        }
    }
}

/// Writes a file that is there whole or not at all. The same mail gives the same name: twice is once.
fn write_file(folder: &Path, bytes: &[u8]) -> io::Result<String> {
    std::fs::create_dir_all(folder)?;
    let hash = hex::encode(Sha256::digest(bytes));
    let name = format!("{}-{}.eml", date_of(bytes), hash.chars().take(16).collect::<String>());
    let draft = folder.join(format!(".{name}.part"));
    let mut file = std::fs::File::create(&draft)?;
    file.write_all(bytes)?;
    file.sync_all()?;
    std::fs::rename(&draft, folder.join(&name))?;
    std::fs::File::open(folder)?.sync_all()?;
    Ok(name)
}

/// The `Date` of a mail in a form that sorts, so that a folder reads in order.
fn date_of(bytes: &[u8]) -> String {
    let text = String::from_utf8_lossy(bytes);
    let header =
        text.lines().take_while(|line| !line.is_empty()).find_map(|line| line.strip_prefix("Date: "));
    header
        .and_then(|date| jiff::fmt::rfc2822::parse(date).ok())
        .map_or_else(|| "undated".to_owned(), |at| at.timestamp().strftime("%Y%m%dT%H%M%S").to_string())
}

/// Mail in memory. A handle can be cloned; all clones see the same mail.
#[derive(Clone, Debug, Default)]
pub struct Memory {
    state: Arc<Mutex<MemoryState>>,
}

#[derive(Debug, Default)]
struct MemoryState {
    sent: Vec<(Envelope, Vec<u8>)>,
    failures: VecDeque<SendError>,
    refusals: Vec<Refusal>,
    down: bool,
}

impl Memory {
    /// Nothing sent yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Everything that was taken, in order.
    pub fn sent(&self) -> Vec<(Envelope, Vec<u8>)> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner).sent.clone()
    }

    /// Makes the next attempt fail like this. What is in doubt has been taken all the same, as in reality it may.
    pub fn fail_next(&self, error: SendError) {
        self.state.lock().unwrap_or_else(PoisonError::into_inner).failures.push_back(error);
    }

    /// For whom mail is not taken from now on.
    pub fn set_refusals(&self, refusals: Vec<Refusal>) {
        self.state.lock().unwrap_or_else(PoisonError::into_inner).refusals = refusals;
    }

    /// Whether nobody can be reached from now on.
    pub fn set_down(&self, down: bool) {
        self.state.lock().unwrap_or_else(PoisonError::into_inner).down = down;
    }

    fn send(&self, envelope: &Envelope, bytes: &[u8]) -> Result<Sent, SendError> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        if state.down {
            return Err(SendError::Transient { text: "nobody answers".to_owned() });
        }
        let asked: Vec<&String> = std::iter::once(&envelope.recipient).chain(&envelope.copies).collect();
        let refusals: Vec<Refusal> =
            state.refusals.iter().filter(|refusal| asked.contains(&&refusal.email)).cloned().collect();
        if refusals.len() >= asked.len() {
            return Err(refused_by_all(&refusals));
        }
        let failure = state.failures.pop_front();
        if matches!(failure, None | Some(SendError::InDoubt { .. })) {
            state.sent.push((envelope.clone(), bytes.to_vec()));
        }
        match failure {
            Some(error) => Err(error),
            None => Ok(Sent { receipt: format!("memory {}", state.sent.len()), refusals }),
        }
    }
}
