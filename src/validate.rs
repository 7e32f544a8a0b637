//! A draft against what we know into findings. Never edits the draft.
//!
//! Arithmetic is three-valued: proved, contradicted, or not applicable; only a contradiction is a finding. Every
//! finding is a sentence with its figures that a clerk can act on.

pub mod account;
pub mod master_data;

use crate::model::{account::Known, draft::Draft, finding::Finding};
pub use account::{Matched, match_account};

/// Everything about the draft that a person should look at before approving it.
pub fn check(draft: &Draft, known: &Known) -> Vec<Finding> {
    let _ = (draft, known);
    Vec::new()
}
