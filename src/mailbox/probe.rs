//! What a connection test found, step by step.

use super::{Config, Kind, Mailbox, MailboxError, imap};
use crate::model::{draft::named, secret::Secret};

named! {
    /// A step of the way to a mailbox.
    StepName {
        /// The name of the server has an address.
        Resolve = "resolve",
        /// Somebody answers there and speaks IMAP.
        Connect = "connect",
        /// The connection is protected, by the right server.
        Tls = "tls",
        /// User and password or token are right.
        SignIn = "sign_in",
        /// A folder can be opened.
        Folder = "folder",
        /// Tells of new mail by itself (RFC 2177).
        Idle = "idle",
        /// Tells of changes (RFC 7162).
        Condstore = "condstore",
        /// Moves messages in one step (RFC 6851).
        Move = "move",
        /// A folder or file on this machine.
        Source = "source",
    }
}

named! {
    /// What came of a step.
    Probed {
        /// It works.
        Works = "ok",
        /// It fails, and what comes after it was not tried.
        Fails = "no",
        /// The server has it not, or it is not wanted; the program does without.
        NotOffered = "none",
    }
}

/// One step and what came of it.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct Step {
    /// Which.
    pub name: StepName,
    /// What came of it.
    pub probed: Probed,
    /// In words; what to do if it fails.
    pub text: String,
}

impl Step {
    pub(super) fn ok(name: StepName, text: String) -> Self {
        Self { name, probed: Probed::Works, text }
    }

    pub(super) fn failed(name: StepName, error: &MailboxError) -> Self {
        Self { name, probed: Probed::Fails, text: error.to_string() }
    }
}

/// Tries the way to a mailbox and stops at the first step that fails. Nothing there is changed.
pub async fn probe(config: &Config, password: Option<&Secret>) -> Vec<Step> {
    if let Err(error) = config.check() {
        return vec![Step::failed(StepName::Source, &error)];
    }
    if config.kind == Kind::Imap {
        return imap::probe(config, password).await;
    }
    let mut steps = Vec::new();
    match Mailbox::connect(config, password).await {
        Err(error) => steps.push(Step::failed(StepName::Source, &error)),
        Ok(mut mailbox) => {
            steps.push(Step::ok(StepName::Source, config.path.display().to_string()));
            for folder in config.folders() {
                steps.push(match mailbox.select(&folder).await {
                    Ok(state) => {
                        Step::ok(StepName::Folder, format!("{folder} holds {} messages", state.exists))
                    }
                    Err(error) => Step::failed(StepName::Folder, &error),
                });
            }
        }
    }
    steps
}
