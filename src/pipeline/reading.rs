//! How a document is to be read: by its message, or as a person chose for it.
//!
//! A choice stands for the bytes, so that the same file is read the same way wherever it comes; a password may be kept
//! for its sender, whose next encrypted document then opens by itself. Passwords are sealed by [`crate::vault`].

use super::{decision::entry, reprocess};
use crate::{
    app::App,
    clock,
    model::{ids::DocumentId, message::Message, page::Pages},
    reader::Options,
    store::reading::Reading,
};
use anyhow::Context as _;

/// A finding of the reader: the file did not open without a password.
const PASSWORD_NEEDED: &str = "password_needed";

/// What a person asks for.
#[derive(Clone, Debug, Default)]
pub struct Wish {
    /// ISO 639-1; empty: by the message.
    pub language: String,
    /// Whether its pixels are read even where a text layer looks sound.
    pub force_ocr: bool,
    /// Empty: the one chosen before, if any.
    pub password: String,
    /// Whether the password is kept for the sender's other documents.
    pub for_sender: bool,
}

/// How a file of a message is to be read.
pub(super) async fn options(app: &App, message: &Message, sha256: &str) -> anyhow::Result<Options> {
    let sender = message.from.as_ref().map_or("", |from| from.email.as_str());
    let (Reading { language, force_ocr, .. }, passwords) = find(app, sha256, sender).await?;
    let language = if language.is_empty() { message.language.clone() } else { Some(language) };
    Ok(Options { languages: language.into_iter().collect(), force_ocr, passwords })
}

/// The passwords to try on a file: the one chosen for it, then those kept for its sender.
pub async fn passwords(app: &App, sha256: &str, sender: &str) -> anyhow::Result<Vec<String>> {
    Ok(find(app, sha256, sender).await?.1)
}

/// What was chosen for a file, and the passwords to try on it.
async fn find(app: &App, sha256: &str, sender: &str) -> anyhow::Result<(Reading, Vec<String>)> {
    let mut db = app.store.read().await?;
    let chosen = db.find_reading(sha256).await.context("failed to look how a document is to be read")?;
    let chosen = chosen.unwrap_or_default();
    let kept = db.list_document_passwords(sender).await.context("failed to look for passwords")?;
    let own = app.vault.open(&chosen.password, sha256);
    let kept = kept.iter().filter_map(|sealed| app.vault.open(sealed, sender));
    let passwords = own.into_iter().chain(kept).map(|secret| secret.reveal().to_owned()).collect();
    Ok((chosen, passwords))
}

/// Notes on pages how they were read, if reading the same bytes so again would give nothing else.
pub(super) fn note(pages: &mut Pages, options: &Options) {
    let whole = pages.embedded.is_empty() && pages.findings.iter().all(|f| f.code != PASSWORD_NEEDED);
    pages.read_with = if whole { way(options) } else { String::new() };
}

/// Whether pages kept earlier are what reading would give now.
pub(super) fn is_current(pages: &Pages, options: &Options) -> bool {
    pages.read_with == way(options)
}

/// The program's version and what matters of the options.
fn way(options: &Options) -> String {
    let how = if options.force_ocr { "pixels" } else { "by content" };
    format!("{} {} {how}", env!("CARGO_PKG_VERSION"), options.languages.join("+"))
}

/// Has a document read again, with its whole message, as a person wishes; the number of its ticket, if it has one.
pub async fn read_again(app: &App, id: &DocumentId, wish: &Wish, who: &str) -> anyhow::Result<Option<i64>> {
    let mut db = app.store.read().await?;
    let document =
        db.find_document(id).await?.with_context(|| format!("there is no document {id}"))?.document;
    let message = db.find_message(&document.message_id).await?;
    let message = message.with_context(|| format!("there is no message {}", document.message_id))?;
    let ticket = match &message.ticket_id {
        Some(ticket) => db.find_ticket(ticket).await?,
        None => None,
    };
    let before = db.find_reading(&document.sha256).await?.unwrap_or_default();
    drop(db);
    let password = if wish.password.is_empty() {
        before.password
    } else {
        app.vault.seal(&wish.password, &document.sha256)
    };
    let reading = Reading { language: wish.language.clone(), force_ocr: wish.force_ocr, password };
    let now_ms = clock::now_ms();
    let mut tx = app.store.begin().await?;
    tx.save_reading(&document.sha256, &reading, who, now_ms).await?;
    let keeps = wish.for_sender && !wish.password.is_empty();
    if keeps {
        let sealed = app.vault.seal(&wish.password, &message.from_email);
        tx.insert_document_password(&message.from_email, &sealed, who, now_ms).await?;
    }
    let detail = serde_json::json!({
        "language": reading.language, "force_ocr": reading.force_ocr,
        "with_password": !reading.password.is_empty(),
        "password_kept_for": keeps.then_some(&message.from_email),
    });
    tx.audit(entry(who, "read document again", "document", id.as_str(), detail.to_string()));
    tx.commit().await.context("failed to keep how a document is to be read")?;
    reprocess(app, &document.message_id, who).await?;
    Ok(ticket.map(|ticket| ticket.number))
}

/// Forgets the passwords of the sender of a document.
pub async fn forget_passwords(app: &App, id: &DocumentId, who: &str) -> anyhow::Result<()> {
    let mut db = app.store.read().await?;
    let document =
        db.find_document(id).await?.with_context(|| format!("there is no document {id}"))?.document;
    let message = db.find_message(&document.message_id).await?;
    let sender = message.map(|message| message.from_email).unwrap_or_default();
    drop(db);
    let mut tx = app.store.begin().await?;
    let count = tx.delete_document_passwords(&sender).await?;
    let detail = serde_json::json!({ "sender": sender, "count": count }).to_string();
    tx.audit(entry(who, "forget document passwords", "document", id.as_str(), detail));
    tx.commit().await.context("failed to forget passwords")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{
        finding::{Finding, Severity},
        page::EmbeddedFile,
    };

    #[test]
    fn pages_are_used_again_only_if_reading_would_give_the_same() {
        let check = |pages: Pages, options: &Options, now: &Options, expected: bool| {
            let mut pages = pages;
            note(&mut pages, options);
            pages.embedded.clear();
            assert_eq!(is_current(&pages, now), expected, "{options:?} {now:?}");
        };
        let (plain, german) = (Options::default(), Options::languages(&["de"]));
        let pixels = Options { force_ocr: true, ..Options::default() };
        check(Pages::default(), &plain, &plain, true);
        check(Pages::default(), &plain, &german, false);
        check(Pages::default(), &plain, &pixels, false);
        let inner = EmbeddedFile { name: "order.pdf".to_owned(), bytes: Vec::new() };
        check(Pages { embedded: vec![inner], ..Pages::default() }, &plain, &plain, false);
        let locked = Finding::new(PASSWORD_NEEDED, Severity::Problem, "");
        check(Pages { findings: vec![locked], ..Pages::default() }, &plain, &plain, false);
        assert!(!is_current(&Pages::default(), &plain), "read by an earlier version");
    }
}
