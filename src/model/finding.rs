//! What is wrong or noteworthy, said so that a clerk can act on it.

use serde::{Deserialize, Serialize};

/// How much a finding matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    /// Worth knowing.
    Note,
    /// A person should look before approving.
    Check,
    /// Approval needs a decision on this.
    Problem,
}

/// Something wrong with a document, a draft or a message.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Finding {
    /// Stable name in snake_case, e.g. `total_mismatch`; a key for translations.
    pub code: String,
    /// How much it matters.
    pub severity: Severity,
    /// The field it is about: `total`, `lines.3.unit_price`; none if it is about the whole.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub field: Option<String>,
    /// One English sentence with the figures in it: what is the matter and what to do.
    pub message: String,
}

impl Finding {
    /// A finding about the whole.
    pub fn new(code: &str, severity: Severity, message: impl Into<String>) -> Self {
        Self { code: code.to_owned(), severity, field: None, message: message.into() }
    }

    /// The same finding, about one field.
    #[must_use]
    pub fn about(mut self, field: impl Into<String>) -> Self {
        self.field = Some(field.into());
        self
    }
}
