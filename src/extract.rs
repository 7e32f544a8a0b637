//! Pages of words into drafts: fields and lines with confidence and place.
//!
//! Does not: read bytes, look anything up beyond [`Known`], or correct a value: it says what stands on the page.

pub mod text;

use crate::model::{account::Known, draft::Draft, page::Pages};
pub use text::text_pages;

/// What reading a document may lean on.
#[derive(Clone, Copy, Debug)]
pub struct Context<'a> {
    /// Customers, goods and our own names; empty for a blind reading.
    pub known: &'a Known,
    /// Subject of the mail that brought it.
    pub subject: Option<&'a str>,
    /// Domain of the sender, in lower case.
    pub sender_domain: Option<&'a str>,
}

/// The business documents in these pages, in their order; empty if there is no page.
pub fn extract(pages: &Pages, context: &Context<'_>) -> Vec<Draft> {
    let _ = (pages, context);
    Vec::new()
}
