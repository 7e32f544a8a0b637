//! A message's attachments, and the files inside them, through reader processes into pages.
//!
//! A body that may hold an order counts as a document of its own. A file that cannot be read costs itself only.
//! Limits: `limits.archive_depth`, `limits.documents_per_message`, and those of [`crate::reader`].

use super::{Drafted, reading};
use crate::{
    app::App,
    clock,
    config::Limits,
    extract,
    model::{
        finding::{Finding, Severity},
        ids::{DocumentId, MessageId},
        message::Message,
        page::Pages,
    },
    reader::{Options, ReadError},
};
use anyhow::Context as _;
use std::collections::VecDeque;

/// Name of the document that is the message's own text.
pub const BODY_NAME: &str = "message body";

/// Pictures in a body below this size are logos and the like.
const INLINE_PICTURE_BYTES_MIN: usize = 40 * 1024;

/// Tries of a document whose reader dies.
const READ_TRIES: u32 = 2;

/// One file of a message.
#[derive(Debug)]
pub struct ReadDocument {
    /// Row id, made before the row.
    pub id: DocumentId,
    /// The document that it was found in.
    pub parent: Option<DocumentId>,
    /// As given by the sender.
    pub name: String,
    /// As declared.
    pub media_type: String,
    /// Content address of the bytes, already durable.
    pub sha256: String,
    /// Size of the bytes.
    pub size_bytes: u64,
    /// What was read; none if it failed or was skipped.
    pub pages: Option<Pages>,
    /// Content address of the pages as JSON.
    pub pages_sha256: Option<String>,
    /// Why it could not be read, with a stable name: goes to quarantine.
    pub failure: Option<(&'static str, String)>,
    /// Why it was not read on purpose.
    pub skipped: Option<&'static str>,
}

/// A file that waits to be read.
struct Waiting {
    parent: Option<DocumentId>,
    name: String,
    media_type: String,
    bytes: Vec<u8>,
    skip: Option<&'static str>,
    depth: u32,
}

/// Keeps and reads all files of a message, breadth first. The first document is the message's own text, not yet kept:
/// see [`settle_body`].
///
/// A message that was processed before is read anew, because whoever has it processed again expects better.
pub async fn read(app: &App, id: &MessageId, message: &Message) -> anyhow::Result<Vec<ReadDocument>> {
    let before = app.store.read().await?.list_documents(id).await;
    let anew = !before.context("failed to look for earlier documents")?.is_empty();
    let limits = app.settings().await?.config.limits.clone();
    let mut waiting: VecDeque<Waiting> = attachments(message).collect();
    let mut documents = vec![body(message)];
    while let Some(file) = waiting.pop_front() {
        let beyond = documents.len() >= limits.documents_per_message;
        let (document, inner) = read_one(app, message, file, &limits, beyond, anew).await?;
        waiting.extend(inner);
        documents.push(document);
    }
    Ok(documents)
}

fn attachments(message: &Message) -> impl Iterator<Item = Waiting> {
    message.attachments.iter().map(|attachment| Waiting {
        parent: None,
        name: attachment.name.clone(),
        media_type: attachment.media_type.clone(),
        bytes: attachment.bytes.clone(),
        skip: (attachment.inline
            && attachment.media_type.starts_with("image/")
            && attachment.bytes.len() < INLINE_PICTURE_BYTES_MIN)
            .then_some("a small picture inside the text"),
        depth: 0,
    })
}

/// The message's new text as a document: an order may stand there.
fn body(message: &Message) -> ReadDocument {
    ReadDocument {
        id: DocumentId::new(clock::fresh_id()),
        parent: None,
        name: BODY_NAME.to_owned(),
        media_type: "text/plain".to_owned(),
        sha256: String::new(),
        size_bytes: message.new_text.len() as u64,
        pages: Some(extract::message_pages(message)),
        pages_sha256: None,
        failure: None,
        skipped: None,
    }
}

/// Keeps the message's own text if a draft stands on it; otherwise it is no document, and is taken out.
pub async fn settle_body(
    app: &App,
    message: &Message,
    documents: &mut Vec<ReadDocument>,
    drafts: &mut [Drafted],
) -> anyhow::Result<()> {
    if drafts.iter().all(|drafted| drafted.document > 0) {
        documents.remove(0);
        for drafted in drafts {
            drafted.document -= 1;
        }
    } else if let Some(body) = documents.first_mut() {
        let kept = app.blob.put(message.new_text.as_bytes()).await;
        body.sha256 = kept.context("failed to keep the message's text")?;
        if let Some(pages) = &body.pages {
            body.pages_sha256 = Some(keep_pages(app, pages).await?);
        }
    }
    Ok(())
}

async fn keep_pages(app: &App, pages: &Pages) -> anyhow::Result<String> {
    let json = serde_json::to_vec(pages).context("failed to write pages as JSON")?;
    app.blob.put(&json).await.context("failed to keep pages")
}

/// Keeps and reads one file; returns it and the files found inside it.
async fn read_one(
    app: &App,
    message: &Message,
    file: Waiting,
    limits: &Limits,
    beyond: bool,
    anew: bool,
) -> anyhow::Result<(ReadDocument, Vec<Waiting>)> {
    let sha256 = app
        .blob
        .put(&file.bytes)
        .await
        .with_context(|| format!("failed to keep attachment {:?}", file.name))?;
    let mut document = ReadDocument {
        id: DocumentId::new(clock::fresh_id()),
        parent: file.parent.clone(),
        name: file.name.clone(),
        media_type: file.media_type.clone(),
        sha256,
        size_bytes: file.bytes.len() as u64,
        pages: None,
        pages_sha256: None,
        failure: None,
        skipped: file.skip,
    };
    if beyond {
        document.failure = Some((
            "too_many_documents",
            format!("the message holds more than {} documents", limits.documents_per_message),
        ));
    } else if document.skipped.is_none() {
        read_bytes(app, message, &file, &mut document, anew).await?;
    }
    let mut inner = Vec::new();
    if let Some(pages) = &mut document.pages {
        inner = open_inner(limits, &document.id, &file, pages);
        document.pages_sha256 = Some(keep_pages(app, pages).await?);
    }
    Ok((document, inner))
}

/// The same bytes read before are not read again; a reader that dies is tried once more, then the document has failed.
async fn read_bytes(
    app: &App,
    message: &Message,
    file: &Waiting,
    document: &mut ReadDocument,
    anew: bool,
) -> anyhow::Result<()> {
    let options = reading::options(app, message, &document.sha256).await?;
    if !anew && let Some(pages) = find_pages(app, &document.sha256, &options).await? {
        document.pages = Some(pages);
        return Ok(());
    }
    for attempt in 1..=READ_TRIES {
        match app.reader.read(&file.bytes, &options).await {
            Ok(mut pages) => {
                reading::note(&mut pages, &options);
                document.pages = Some(pages);
                return Ok(());
            }
            Err(error @ (ReadError::Killed { .. } | ReadError::Crashed { .. })) if attempt < READ_TRIES => {
                tracing::warn!(error = %error, attempt, "a reader died; the document is tried again");
            }
            Err(ReadError::Start(error)) => return Err(error).context("failed to start a reader process"),
            Err(error) => {
                document.failure = Some((cause(&error), error.to_string()));
                return Ok(());
            }
        }
    }
    Ok(())
}

/// The pages of the same bytes, if they were read the same way before.
async fn find_pages(app: &App, sha256: &str, options: &Options) -> anyhow::Result<Option<Pages>> {
    let mut db = app.store.read().await?;
    let earlier = db.list_documents_by_sha(sha256, 10).await.context("failed to look for earlier pages")?;
    drop(db);
    let Some(kept) = earlier.into_iter().find_map(|row| row.document.pages_sha256) else {
        return Ok(None);
    };
    let json = app.blob.get(&kept).await.context("failed to read earlier pages")?;
    let pages = serde_json::from_slice(&json).ok();
    Ok(pages.filter(|pages| reading::is_current(pages, options)))
}

/// Takes the files inside a file out of its pages, unless archives nest too deep.
fn open_inner(limits: &Limits, id: &DocumentId, file: &Waiting, pages: &mut Pages) -> Vec<Waiting> {
    let depth = file.depth + 1;
    let embedded = std::mem::take(&mut pages.embedded);
    if embedded.is_empty() {
        return Vec::new();
    }
    if depth > limits.archive_depth {
        pages.findings.push(Finding::new(
            "archive_too_deep",
            Severity::Check,
            format!(
                "files inside files are opened {} levels deep; this one goes deeper and was not opened",
                limits.archive_depth
            ),
        ));
        return Vec::new();
    }
    embedded
        .into_iter()
        .map(|embedded| Waiting {
            parent: Some(id.clone()),
            name: embedded.name,
            media_type: "application/octet-stream".to_owned(),
            bytes: embedded.bytes,
            skip: None,
            depth,
        })
        .collect()
}

/// The stable name of a failure in quarantine.
fn cause(error: &ReadError) -> &'static str {
    match error {
        ReadError::Killed { .. } => "reader_killed",
        ReadError::Crashed { .. } => "reader_crashed",
        ReadError::Limit { .. } => "document_too_large",
        ReadError::Unreadable { .. } => "unreadable",
        ReadError::Start(_) => "no_reader",
    }
}
