//! The words of the program: plain types without I/O, clock or SQL.
//!
//! # Glossary
//! - **message**: one mail, known by the hash of its bytes; a **sighting** is the message at one place on a server.
//! - **ledger**: all sightings, each with one **outcome**.
//! - **ticket**: a conversation; it stands in a **queue**.
//! - **document**: one file; **page**: what a reader made of a part of it; **word**, **ruling**, **cell**, **field**.
//! - **proposal**: one value that the program suggests; **draft**: the proposals for one business document.
//! - **record**: a draft that a person approved.
//! - **finding**: something wrong or noteworthy, said so that a clerk can act on it.
//! - **outbox**: outgoing mail; **quarantine**: what failed and waits for a person.

pub mod account;
pub mod calendar;
pub mod catalogue;
pub mod codes;
pub mod draft;
pub mod field;
pub mod finding;
pub mod ids;
pub mod ledger;
pub mod message;
pub mod number;
pub mod oauth;
pub mod openid;
pub mod outbox;
pub mod page;
pub mod secret;
pub mod text;
pub mod ticket;
