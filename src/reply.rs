//! Templates into mail, and mail out of the house.
//!
//! [`template`] turns a letter into subject and text in the customer's language, [`compose()`] turns these into the exact
//! bytes of a mail, [`Signer`] signs them, [`limits`] decides whether an automatic mail may leave, and [`Mailer`] hands bytes to a server.
//!
//! Does not: know the outbox. The caller stores the bytes, marks the row `sending`, commits, and only then calls
//! [`Mailer::send`]. Nothing here is repeated by itself: [`SendError`] says whether repeating is safe.

mod compose;
mod config;
mod dkim;
mod html;
pub mod limits;
mod mailer;
mod smtp;
pub mod template;

pub use compose::{ComposeError, Composition, File, compose};
pub use config::{Config, Kind, Tls};
pub use dkim::{Config as DkimConfig, Signer};
pub use mailer::{Envelope, Mailer, Memory, Refusal, SendError, Sent};
