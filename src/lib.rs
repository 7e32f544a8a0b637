//! mailroom turns a shared mailbox into finished back-office work.
//!
//! ```text
//!  IMAP / Maildir / .eml          ┌── documents ── pages of words with boxes (text layer or OCR)
//!    │  raw bytes kept first      │
//!    ▼                            ▼
//!  mailbox ─► message ─► screen ─► extract ─► validate ─► classify ─► ticket + drafts ─► outbox ─► SMTP
//!               │                                                        │
//!               └──────────────── search index ◄────────────────────────┘
//!                                                   people: review drafts, answer tickets, search, prove
//! ```
//!
//! # Walkthrough: a purchase order arrives
//! 1. [`jobs::intake`] lists a folder through [`mailbox`]; for each new UID the raw bytes go to [`blob`], then the
//!    message, its ledger row and a job are committed in one transaction by [`store`]. Only then is the server touched.
//! 2. A worker leases the job and calls [`pipeline::process`]: `message::parse`, `screen::screen`, the attachments
//!    through [`reader`] processes into pages, `extract::extract`, `validate::check`, `classify::classify`.
//! 3. Ticket, drafts, the acknowledgement in the outbox, audit rows, the change log and the end of the job are
//!    committed in one transaction. A crash before it repeats the step; a crash after it repeats nothing.
//!    History goes the same way, many messages in one transaction ([`pipeline::history`]), and nothing answers it.
//! 4. [`jobs::send_outbox`] marks a row `sending`, commits, and only then speaks SMTP through [`reply`];
//!    [`jobs::save_sent`] puts a copy where people look for sent mail, if a site wants that.
//! 5. `jobs::index_search` follows the change log into the [`search`] index, which can be deleted at any time.
//! 6. A person opens the draft in [`web`], corrects and approves it: a record exists, a confirmation is due, and what
//!    was approved teaches how the sender's next document of that layout is read (`extract::memory`). Until something
//!    leaves, the decision can be taken back ([`pipeline::undo`]).
//!
//! # Layers
//! Imports point one way, from surfaces down to words; `tests/it/tidy.rs` enforces it:
//! words ([`model`]) ← pure stages ([`message`], [`screen`], [`extract`], [`validate`], [`classify`]) ← effects
//! ([`mailbox`], [`reader`], [`store`], [`blob`], [`search`], [`reply`], [`oauth`], [`webhook`], [`vault`], [`clock`]; one outside system each,
//! they do not import one another) ← composition ([`config`], [`app`], [`pipeline`], [`jobs`], [`evidence`],
//! [`backup`]) ← surfaces ([`cli`], [`web`]).
//!
//! # Invariants
//! 1. Raw bytes are durable and the ledger row committed before anything on the mail server is touched.
//! 2. Each (mailbox, folder, UIDVALIDITY, UID) has one ledger row with one outcome; `mailroom reconcile` proves it.
//! 3. Every step can be repeated after a crash at any line. A message is known by the hash of its bytes.
//! 4. Nothing inbound is dropped; signs of machine mail only mute our own answers.
//! 5. One bad message costs itself: it goes to quarantine with its cause, and holds nothing else up.
//! 6. Answers leave once, through the outbox; a row found in `sending` after a crash is in doubt, and a person decides.
//! 7. The program proposes, a person decides; every value keeps where it came from and how sure it is.
//! 8. Every automatic decision says why.
//! 9. No stranger writes into a ticket.
//! 10. The audit log is append-only and hash-chained; `mailroom verify` proves it and every stored byte.
//! 11. The index and every cache are disposable.
//! 12. Every byte from outside is hostile, and everything has a limit with a name and a unit.
//! 13. No transaction is open across network, OCR or a lock.

#![cfg_attr(
    test,
    allow(
        clippy::unwrap_used,
        clippy::indexing_slicing,
        clippy::string_slice,
        clippy::print_stderr,
        clippy::print_stdout,
        reason = "a test may fail loudly"
    )
)]

// words
pub mod model;

// pure stages
pub mod message;
pub mod screen;
pub mod extract;
pub mod validate;
pub mod vault;
pub mod classify;

// effects
pub mod mailbox;
pub mod reader;
pub mod store;
pub mod blob;
pub mod search;
pub mod reply;
pub mod oauth;
pub mod webhook;
pub mod clock;

// composition
pub mod config;
pub mod evidence;
pub mod app;
pub mod backup;
pub mod pipeline;
pub mod jobs;

// surfaces
pub mod cli;
pub mod web;
