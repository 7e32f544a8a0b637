//! A draft against what we know into findings. Never edits the draft.

pub mod master_data;
