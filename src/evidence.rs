//! Evidence bundles: everything about a ticket, a customer or a search in one archive that proves itself.
//!
//! [`make`] writes a ZIP archive whose files a person reads without this program (`index.html`, `.eml`, `.json`,
//! `.csv`), and a manifest with the SHA-256 of each. [`verify::verify`] checks an archive anywhere, without a database.
//! The same rows asked for in the same millisecond give the same bytes.
//!
//! ```text
//! index.html                           to read first
//! messages/00001/message.eml           the raw bytes; their SHA-256 is what the message is known by
//! messages/00001/message.json          what screening, threading and classification said, and why
//! messages/00001/documents/01-PO.pdf   a file as it came; 01-PO.pdf.txt and .pages.json: what was read of it
//! outbox/00001/mail.eml, mail.json     what we sent or meant to send
//! tickets/MR-1001/ticket.json          the conversation; drafts.json, records.json: each value with its source
//! ledger.csv                           where and when each message was seen on a server
//! audit.json                           who did what to any of this, in order, with the hashes of the chain
//! manifest.json                        SHA-256 and size of each file; what was asked, when, by which program
//! ```
//!
//! What the chain proves: each audit row is bound to its hash, and rows that follow one another directly are bound to
//! each other. Rows between them concern other matters and are not in the archive; the manifest names these gaps and
//! the newest hash of the site's chain. That the archive itself is the one that was made is proved by the site: its
//! audit log holds the SHA-256 of the manifest.
//!
//! Does not: decide who may ask for it, sign, or translate.
//!
//! Limits: [`MESSAGES_MAX`]; files are held in memory one at a time.

mod bundle;
mod collect;
mod page;
pub mod verify;

use crate::{
    blob::{Blob, BlobError, sha256_hex},
    model::ids::MessageId,
    search::{Index, query},
    store::{
        Store,
        audit::{AuditRow, Entry},
        document::DocumentRow,
    },
};
use anyhow::{Context as _, bail};
use bundle::Bundle;
use collect::{Found, TicketFile};
use jiff::Zoned;
use serde_json::{Value, json};
use std::{collections::BTreeMap, fs::File, path::Path};

/// Most messages in one bundle.
pub const MESSAGES_MAX: usize = 10_000;

/// What a bundle is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Scope {
    /// One ticket, by its number.
    Ticket(i64),
    /// All tickets of a customer, by our number for it.
    Account(String),
    /// The messages that a search finds, and their tickets.
    Query(String),
}

impl Scope {
    fn to_json(&self) -> Value {
        match self {
            Self::Ticket(number) => json!({ "ticket": format!("MR-{number}") }),
            Self::Account(number) => json!({ "account": number }),
            Self::Query(text) => json!({ "query": text }),
        }
    }
}

/// What became of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Made {
    /// Messages in the bundle.
    pub messages: usize,
    /// Files in it, without the manifest.
    pub files: usize,
    /// Bytes that could not be included, in words: they are lost or damaged in the blob store.
    pub missing: Vec<String>,
    /// SHA-256 of the manifest: keep it, or find it in the audit log.
    pub manifest_sha256: String,
}

/// The handles that a bundle is made with.
#[derive(Clone, Copy, Debug)]
pub struct Sources<'a> {
    /// Rows.
    pub store: &'a Store,
    /// Bytes.
    pub blob: &'a Blob,
    /// For bundles about a search.
    pub index: &'a Index,
    /// Where its relative dates count from.
    pub now: &'a Zoned,
}

/// Writes a bundle to a new file, and that it was made into the audit log.
pub async fn make(
    sources: Sources<'_>,
    scope: &Scope,
    actor: &str,
    now_ms: i64,
    out: &Path,
) -> anyhow::Result<Made> {
    if out.exists() {
        bail!("{} exists; choose another name, nothing is overwritten", out.display());
    }
    let found = collect::find(sources, scope).await?;
    let part = out.with_added_extension("part");
    let file = File::create(&part).with_context(|| format!("failed to write {}", part.display()))?;
    let mut writer = Writer { sources, bundle: Bundle::new(file), page: page::Page::new(scope, now_ms) };
    let made = writer.write(&found, scope, now_ms).await?;
    writer.bundle.finish().and_then(|file| Ok(file.sync_all()?)).context("failed to write the bundle")?;
    std::fs::rename(&part, out).with_context(|| format!("failed to write {}", out.display()))?;

    let mut tx = sources.store.begin().await?;
    let detail = json!({ "asked": scope.to_json(), "messages": made.messages }).to_string();
    tx.audit(Entry {
        at_ms: now_ms,
        actor: actor.to_owned(),
        action: "export_evidence".to_owned(),
        subject_kind: "evidence".to_owned(),
        subject_id: made.manifest_sha256.clone(),
        detail,
    });
    tx.commit().await.context("failed to note the export in the audit log")?;
    Ok(made)
}

/// The messages that a search finds; all of them, or an error.
fn search_ids(index: &Index, text: &str, now: &Zoned) -> anyhow::Result<Vec<MessageId>> {
    let query = query::parse(text, now)?;
    let hits = index.search(&query, MESSAGES_MAX, 0)?;
    if hits.total > MESSAGES_MAX {
        bail!(
            "{} messages match; a bundle holds {MESSAGES_MAX}: narrow the search, e.g. by after:",
            hits.total
        );
    }
    Ok(hits.hits.into_iter().map(|hit| hit.message_id).collect())
}

struct Writer<'a> {
    sources: Sources<'a>,
    bundle: Bundle,
    page: page::Page,
}

impl Writer<'_> {
    async fn write(&mut self, found: &Found, scope: &Scope, now_ms: i64) -> anyhow::Result<Made> {
        let mut ledger = csv::Writer::from_writer(Vec::new());
        for (number, id) in (1..).zip(&found.messages) {
            self.add_message(number, id, &mut ledger).await?;
        }
        let ledger = ledger.into_inner().context("failed to write the ledger")?;
        self.bundle.add("ledger.csv", &ledger)?;
        for ticket in &found.tickets {
            self.add_ticket(ticket)?;
        }
        let mails = found.tickets.iter().flat_map(|ticket| &ticket.outbox);
        for (number, mail) in (1..).zip(mails) {
            let folder = format!("outbox/{number:05}");
            self.add_blob(&format!("{folder}/mail.eml"), &mail.sha256).await?;
            self.bundle.add_json(&format!("{folder}/mail.json"), mail)?;
            self.page.add_mail(&folder, mail);
        }
        let audit: Vec<Value> = found.audit.iter().map(audit_json).collect();
        self.bundle.add_json("audit.json", &audit)?;
        self.page.add_audit(&found.audit);
        let page = self.page.render()?;
        self.bundle.add("index.html", page.as_bytes())?;

        let about = bundle::About {
            asked: scope.to_json(),
            made_ms: now_ms,
            messages: found.messages.len(),
            chain: chain(found),
        };
        let files = self.bundle.files();
        let missing = self.bundle.missing();
        let manifest_sha256 = self.bundle.add_manifest(about)?;
        Ok(Made { messages: found.messages.len(), files, missing, manifest_sha256 })
    }

    async fn add_message(
        &mut self,
        number: usize,
        id: &MessageId,
        ledger: &mut csv::Writer<Vec<u8>>,
    ) -> anyhow::Result<()> {
        let folder = format!("messages/{number:05}");
        let mut db = self.sources.store.read().await?;
        let row = db.find_message(id).await?.with_context(|| format!("message {id} is gone"))?;
        let parsed = db.find_parsed(id).await?;
        let documents = db.list_documents(id).await?;
        let sightings = db.list_sightings_of_message(id).await?;
        drop(db);
        self.add_blob(&format!("{folder}/message.eml"), &row.sha256).await?;
        let mut files = Vec::new();
        for (rank, document) in (1..).zip(&documents) {
            files.push(self.add_document(&folder, rank, document).await?);
        }
        let value = collect::message_json(&row, parsed.as_ref(), &files);
        self.bundle.add_json(&format!("{folder}/message.json"), &value)?;
        for sighting in &sightings {
            ledger.serialize(collect::LedgerLine::new(&folder, sighting))?;
        }
        self.page.add_message(&folder, &row, parsed.as_ref(), &files);
        Ok(())
    }

    /// A file with what was read of it; gives what is said of it in `message.json`.
    async fn add_document(&mut self, folder: &str, rank: usize, row: &DocumentRow) -> anyhow::Result<Value> {
        let document = &row.document;
        let path = format!("{folder}/documents/{rank:02}-{}", bundle::file_name(&document.name));
        self.add_blob(&path, &document.sha256).await?;
        if let Some(pages_sha256) = &document.pages_sha256 {
            let pages_path = format!("{path}.pages.json");
            if let Some(bytes) = self.add_blob(&pages_path, pages_sha256).await?
                && let Ok(pages) = serde_json::from_slice::<crate::model::page::Pages>(&bytes)
            {
                self.bundle.add(&format!("{path}.txt"), pages.plain_text().as_bytes())?;
            }
        }
        Ok(collect::document_json(row, &path))
    }

    fn add_ticket(&mut self, file: &TicketFile) -> anyhow::Result<()> {
        let folder = format!("tickets/{}", file.ticket.reference());
        let ticket = json!({ "ticket": file.ticket, "participants": file.participants });
        self.bundle.add_json(&format!("{folder}/ticket.json"), &ticket)?;
        let drafts: Vec<Value> = file.drafts.iter().map(collect::draft_json).collect();
        self.bundle.add_json(&format!("{folder}/drafts.json"), &drafts)?;
        let records: Vec<Value> = file.records.iter().map(collect::record_json).collect();
        self.bundle.add_json(&format!("{folder}/records.json"), &records)?;
        self.page.add_ticket(&folder, file);
        Ok(())
    }

    /// Bytes from the blob store; lost or damaged ones are named in the manifest.
    async fn add_blob(&mut self, path: &str, sha256: &str) -> anyhow::Result<Option<Vec<u8>>> {
        match self.sources.blob.get(sha256).await {
            Ok(bytes) => {
                debug_assert_eq!(sha256_hex(&bytes), sha256, "the blob store checks what it reads");
                self.bundle.add(path, &bytes)?;
                Ok(Some(bytes))
            }
            Err(error @ (BlobError::Missing { .. } | BlobError::Damaged { .. })) => {
                self.bundle.add_missing(path, sha256, &error.to_string());
                Ok(None)
            }
            Err(error) => Err(error).with_context(|| format!("failed to read the bytes of {path}")),
        }
    }
}

/// The newest hash of the site's chain, and between which rows of the bundle others are left out.
fn chain(found: &Found) -> Value {
    let seqs: Vec<i64> = found.audit.iter().map(|row| row.seq).collect();
    let (last_seq, last_hash) = &found.chain_end;
    json!({ "rows": seqs.len(), "gaps": verify::gaps(&seqs), "last_seq": last_seq, "last_hash": last_hash })
}

fn audit_json(row: &AuditRow) -> Value {
    json!({
        "seq": row.seq,
        "at_ms": row.entry.at_ms,
        "actor": row.entry.actor,
        "action": row.entry.action,
        "subject_kind": row.entry.subject_kind,
        "subject_id": row.entry.subject_id,
        "detail": row.entry.detail,
        "previous_hash": row.previous_hash,
        "hash": row.hash,
    })
}

/// Rows by number.
type Audit = BTreeMap<i64, AuditRow>;
