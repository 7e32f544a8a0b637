//! Secrets: where they come from, and a wrapper that logs cannot print.

use serde::{Deserialize, Serialize};
use std::{fmt, path::PathBuf};

/// A secret in memory. Its `Debug` prints nothing of it.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// Wraps a secret.
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The secret itself; to be handed to the outside system and nowhere else.
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(…)")
    }
}

/// Where a secret is found. In `mailroom.toml`: an environment variable or a file, never the secret itself.
#[derive(Clone, Debug, Serialize, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum SecretRef {
    /// Name of an environment variable.
    Env(String),
    /// Path of a file whose first line is the secret.
    File(PathBuf),
    /// Typed on a page, and kept in the database sealed by the site's vault; no file can say so.
    #[serde(skip)]
    Sealed {
        /// As [`crate::vault::Vault::seal`] made it.
        text: String,
        /// What it was sealed for: it is of no use for anything else.
        purpose: String,
    },
}
