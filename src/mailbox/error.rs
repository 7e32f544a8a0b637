//! What can go wrong with a mailbox, said so that an administrator knows what to do.
//!
//! Does not: carry addresses, passwords or message text. What a server says is cut to [`SERVER_TEXT_CHARS_MAX`].

use std::{io, path::PathBuf};
use thiserror::Error;

/// How much of a server's own words an error repeats.
const SERVER_TEXT_CHARS_MAX: usize = 200;

/// Why a mailbox could not do what it was asked.
#[derive(Debug, Error)]
pub enum MailboxError {
    /// A key of the configuration is missing or contradicts another.
    #[error("{text}")]
    Settings {
        /// Which key, and what to write there.
        text: String,
    },
    /// The host name is not known.
    #[error("the host name {host} cannot be resolved: check `host` and the name server")]
    Unresolved {
        /// As configured.
        host: String,
        /// From the resolver.
        source: io::Error,
    },
    /// Nobody answers at the port.
    #[error(
        "{host} does not accept connections on port {port}: check `host`, `port`, and whether the server runs"
    )]
    Refused {
        /// As configured.
        host: String,
        /// As configured.
        port: u16,
        /// From the system.
        source: io::Error,
    },
    /// The server took too long.
    #[error("the mail server did not finish to {verb} within {seconds} s")]
    Timeout {
        /// What it was asked for.
        verb: &'static str,
        /// The limit.
        seconds: u64,
    },
    /// The connection ended in the middle.
    #[error("the connection to the mail server broke during {verb}")]
    Broken {
        /// What was under way.
        verb: &'static str,
        /// From the system, if it said anything.
        source: Option<io::Error>,
    },
    /// The certificate is not one that we trust for this host.
    #[error(
        "the certificate of {host} is not trusted ({reason}): set `ca_file` to the authority that signed it, or `host` to the name in the certificate"
    )]
    Untrusted {
        /// As configured.
        host: String,
        /// What is wrong with it.
        reason: String,
    },
    /// TLS failed for another reason.
    #[error(
        "{host} does not speak TLS on port {port} as configured: check `tls` and `port` (993 is implicit, 143 is starttls)"
    )]
    Tls {
        /// As configured.
        host: String,
        /// As configured.
        port: u16,
        /// From the TLS library.
        source: io::Error,
    },
    /// The server offers no STARTTLS.
    #[error("{host} does not offer STARTTLS on port {port}: set `tls = \"implicit\"` with port 993")]
    NoStarttls {
        /// As configured.
        host: String,
        /// As configured.
        port: u16,
    },
    /// User or password are wrong.
    #[error("{host} rejected the login: check `user` and `password` (the server says: {text})")]
    LoginRejected {
        /// As configured.
        host: String,
        /// The server's words.
        text: String,
    },
    /// The token is not accepted, or no longer: a fresh one may be.
    #[error(
        "{host} rejected the token: check `user`, and sign in again if it goes on (the server says: {text})"
    )]
    TokenRejected {
        /// As configured.
        host: String,
        /// The server's words.
        text: String,
    },
    /// There is no such folder.
    #[error("there is no folder {folder}: check `folders` (the server says: {text})")]
    NoFolder {
        /// As configured.
        folder: String,
        /// The server's words.
        text: String,
    },
    /// The folder was numbered anew since it was selected.
    #[error("folder {folder} was numbered anew while it was in use: select it again")]
    UidValidityChanged {
        /// The folder.
        folder: String,
    },
    /// The server understood and would not.
    #[error("the mail server refused to {verb} (it says: {text})")]
    Denied {
        /// What it was asked for.
        verb: &'static str,
        /// The server's words.
        text: String,
    },
    /// The server said something that is not IMAP, or did not understand us.
    #[error("the mail server and this program do not understand each other during {verb} ({text})")]
    Protocol {
        /// What was under way.
        verb: &'static str,
        /// The server's words, or where they ended.
        text: String,
    },
    /// The server sent more than it had announced. Fetch one message at a time and quarantine the one that does it.
    #[error("the mail server sent more than {bytes_max} bytes for one message")]
    Flooded {
        /// The limit.
        bytes_max: u64,
    },
    /// This kind of mailbox cannot do that.
    #[error("{text}")]
    Unsupported {
        /// What, and what to set instead.
        text: String,
    },
    /// A file or folder could not be read or moved.
    #[error("cannot use {}", path.display())]
    File {
        /// Which.
        path: PathBuf,
        /// From the system.
        source: io::Error,
    },
}

impl MailboxError {
    /// Whether the same call may succeed later without anybody changing the configuration.
    pub fn is_transient(&self) -> bool {
        match self {
            Self::Unresolved { .. }
            | Self::Refused { .. }
            | Self::Timeout { .. }
            | Self::Broken { .. }
            | Self::UidValidityChanged { .. }
            | Self::TokenRejected { .. }
            | Self::Denied { .. }
            | Self::File { .. } => true,
            Self::Settings { .. }
            | Self::Untrusted { .. }
            | Self::Tls { .. }
            | Self::NoStarttls { .. }
            | Self::LoginRejected { .. }
            | Self::NoFolder { .. }
            | Self::Protocol { .. }
            | Self::Flooded { .. }
            | Self::Unsupported { .. } => false,
        }
    }

    pub(super) fn settings(text: impl Into<String>) -> Self {
        Self::Settings { text: text.into() }
    }

    pub(super) fn unsupported(text: impl Into<String>) -> Self {
        Self::Unsupported { text: text.into() }
    }
}

/// A server's words, cut and on one line.
pub(super) fn server_text(text: &str) -> String {
    text.chars().take(SERVER_TEXT_CHARS_MAX).map(|c| if c.is_control() { ' ' } else { c }).collect()
}
