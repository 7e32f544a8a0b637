//! Stored raw bytes into ticket, drafts and answers.
