//! The full-text index: every message with its attachments' text, found in milliseconds.
//!
//! Turns [`Entry`]s, one for each message, into an index in a folder, and a [`Query`] into [`Hits`] with highlighted
//! [`Snippet`]s. The index is disposable: it holds nothing that cannot be made again, and each commit carries the
//! place in the change log up to which it is true, so index and place never disagree. An index of another
//! [schema version](schema) and one that cannot be opened are replaced by an empty one, whose place is 0; following
//! the change log from there rebuilds it.
//!
//! Does not: read the database (the caller loads the entries), watch what changes, or check who may see a message.
//!
//! Limits: text fields are indexed up to 4 MiB each; queries up to [`query::QUERY_CLAUSES_MAX`] words; hits up
//! to [`HITS_MAX`] deep; memory of the writer as configured. All calls block: asynchronous callers use a blocking task.

mod collect;
mod compile;
mod find;
mod folder;
pub mod query;
mod schema;
mod snippet;
pub mod table;
mod tokenizer;

pub use find::{All, Facet, HITS_MAX, Hit, Hits, Wanted};
pub use query::{Has, Is, Order, Query, QueryError};
pub use snippet::Snippet;

use crate::model::{
    draft::Kind,
    ids::{DocumentId, MessageId},
    ticket::Queue,
};
use schema::{Fields, stored_text};
use serde::{Deserialize, Serialize};
use std::{
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
};
use tantivy::{
    IndexReader, IndexWriter, ReloadPolicy, TantivyDocument, TantivyError, Term, indexer::IndexWriterOptions,
};

/// Least memory that a writer works with.
const WRITER_BYTES_MIN: usize = 16_000_000;

/// Most memory that a writer works with.
const WRITER_BYTES_MAX: usize = 2_000_000_000;

/// `[search]`: where the index lies and what it may use.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// Folder of the index; empty means `index` in `site.data_dir`. It can be deleted while the service is stopped.
    pub folder: PathBuf,
    /// Memory that the writer collects changes in before it writes them, in bytes.
    pub writer_memory_bytes: usize,
}

impl Default for Config {
    fn default() -> Self {
        Self { folder: PathBuf::new(), writer_memory_bytes: 64_000_000 }
    }
}

/// Why the index could not do its work.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Another process writes to it.
    #[error("the search index is in use by another process; stop it or let it do this")]
    Busy,
    /// The file system did not do its part.
    #[error("the search index could not read or write its folder")]
    Io(#[source] std::io::Error),
    /// Its files are damaged: it has to be opened again, which rebuilds it.
    #[error("the search index is damaged; run `mailroom reindex`")]
    Damaged(#[source] TantivyError),
    /// Anything else.
    #[error("the search index failed")]
    Failed(#[source] TantivyError),
}

impl Error {
    /// Whether trying again later may help.
    pub fn is_transient(&self) -> bool {
        match self {
            Self::Busy | Self::Io(_) => true,
            Self::Damaged(_) | Self::Failed(_) => false,
        }
    }
}

impl From<TantivyError> for Error {
    fn from(error: TantivyError) -> Self {
        use std::io::{Error as Io, ErrorKind};
        use tantivy::directory::error::{OpenDirectoryError, OpenReadError};
        let (TantivyError::IoError(source)
        | TantivyError::OpenReadError(OpenReadError::IoError { io_error: source, .. })) = &error
        else {
            return match error {
                TantivyError::LockFailure(..) => Self::Busy,
                TantivyError::DataCorruption(_)
                | TantivyError::OpenReadError(_)
                | TantivyError::OpenDirectoryError(OpenDirectoryError::DoesNotExist(_))
                | TantivyError::IncompatibleIndex(_)
                | TantivyError::SchemaError(_)
                | TantivyError::InternalError(_)
                | TantivyError::DeserializeError(_)
                | TantivyError::FieldNotFound(_) => Self::Damaged(error),
                error => Self::Failed(error),
            };
        };
        match source.kind() {
            ErrorKind::NotFound
            | ErrorKind::UnexpectedEof
            | ErrorKind::InvalidData
            | ErrorKind::InvalidInput => Self::Damaged(error),
            kind => Self::Io(Io::new(kind, source.to_string())),
        }
    }
}

/// What is found: one message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// The message.
    pub message_id: MessageId,
    /// Number of its ticket, if it has one.
    pub ticket_number: Option<i64>,
    /// Queue of its ticket.
    pub queue: Option<Queue>,
    /// Number and names of the customer.
    pub account: String,
    /// Numbers of the customers alone.
    pub account_nos: Vec<String>,
    /// Sender: name and address.
    pub from: String,
    /// Recipients, open copies too: names and addresses.
    pub to: String,
    /// Subject.
    pub subject: String,
    /// All text of the body, quoted text too.
    pub body: String,
    /// Names of its files.
    pub file_names: Vec<String>,
    /// Text of its files in the same order: text layers, OCR, sheets.
    pub file_texts: Vec<String>,
    /// Row ids of its files in the same order.
    pub file_ids: Vec<DocumentId>,
    /// Date of the message, milliseconds UTC.
    pub date_ms: i64,
    /// What it has.
    pub has: Vec<Has>,
    /// What it is.
    pub is: Vec<Is>,
    /// Kinds of its drafts.
    pub kinds: Vec<Kind>,
    /// ISO 639-1 code.
    pub language: Option<String>,
    /// Numbers of its orders, as written.
    pub po_numbers: Vec<String>,
    /// Item numbers of its orders, the customer's too.
    pub skus: Vec<String>,
    /// Totals of its orders in hundredths.
    pub amounts: Vec<i64>,
}

impl Entry {
    /// An entry of a message of which nothing is known yet.
    pub fn new(message_id: MessageId) -> Self {
        Self {
            message_id,
            ticket_number: None,
            queue: None,
            account: String::new(),
            account_nos: Vec::new(),
            from: String::new(),
            to: String::new(),
            subject: String::new(),
            body: String::new(),
            file_names: Vec::new(),
            file_texts: Vec::new(),
            file_ids: Vec::new(),
            date_ms: 0,
            has: Vec::new(),
            is: Vec::new(),
            kinds: Vec::new(),
            language: None,
            po_numbers: Vec::new(),
            skus: Vec::new(),
            amounts: Vec::new(),
        }
    }
}

/// How much of the correspondence can be found.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Coverage {
    /// Messages in the index.
    pub indexed: u64,
    /// Messages in the database.
    pub stored: u64,
}

impl Coverage {
    /// Whether every message can be found.
    pub fn is_complete(self) -> bool {
        self.indexed >= self.stored
    }
}

/// An open index. Searching and writing can go on at the same time, from any thread. Cheap to clone.
#[derive(Clone)]
pub struct Index {
    config: Config,
    index: tantivy::Index,
    reader: IndexReader,
    fields: Fields,
    writer: Arc<Mutex<Option<Writer>>>,
    rebuilt: Option<Arc<str>>,
}

struct Writer {
    index: IndexWriter,
    _lock: folder::Lock,
}

impl std::fmt::Debug for Index {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Index").field("config", &self.config).finish_non_exhaustive()
    }
}

impl Index {
    /// Opens the index of a folder with default settings.
    pub fn open(folder: &Path) -> Result<Self, Error> {
        Self::open_with(&Config { folder: folder.to_owned(), ..Config::default() })
    }

    /// Opens the index of a folder; makes an empty one if there is none, or none that can be used.
    pub fn open_with(config: &Config) -> Result<Self, Error> {
        let (schema, fields) = schema::schema();
        let opened = folder::open(&config.folder, &schema)?;
        Ok(Self {
            config: config.clone(),
            index: opened.index,
            reader: opened.reader,
            fields,
            writer: Arc::default(),
            rebuilt: opened.rebuilt.map(Arc::from),
        })
    }

    /// Why the index was emptied when it was opened, if it was.
    pub fn rebuilt(&self) -> Option<&str> {
        self.rebuilt.as_deref()
    }

    /// The place in the change log up to which the index is true; 0 for an empty one.
    pub fn position(&self) -> Result<i64, Error> {
        let metas = self.index.load_metas()?;
        Ok(metas.payload.and_then(|payload| payload.parse().ok()).unwrap_or(0))
    }

    /// Messages in the index.
    pub fn count(&self) -> u64 {
        self.reader.searcher().num_docs()
    }

    /// Replaces these messages, removes those, and remembers that place of the change log: all or nothing.
    pub fn apply(&self, entries: &[Entry], removed: &[MessageId], position: i64) -> Result<(), Error> {
        self.write(position, |writer| {
            for id in entries.iter().map(|entry| &entry.message_id).chain(removed) {
                writer.delete_term(Term::from_field_text(self.fields.message_id, id.as_str()));
            }
            for entry in entries {
                writer.add_document(schema::document(&self.fields, entry))?;
            }
            Ok(())
        })
    }

    /// Forgets everything; the change log is to be followed from its beginning.
    pub fn clear(&self) -> Result<(), Error> {
        self.write(0, |writer| writer.delete_all_documents().map(drop))
    }

    /// One commit; after a failure the next one starts from the last good state.
    fn write<F>(&self, position: i64, change: F) -> Result<(), Error>
    where
        F: FnOnce(&IndexWriter) -> Result<(), TantivyError>,
    {
        let mut slot = self.writer.lock().unwrap_or_else(PoisonError::into_inner);
        let mut writer = match slot.take() {
            Some(writer) => writer,
            None => self.open_writer()?,
        };
        change(&writer.index)?;
        let mut commit = writer.index.prepare_commit()?;
        commit.set_payload(&position.to_string());
        commit.commit()?;
        *slot = Some(writer);
        self.reader.reload()?;
        Ok(())
    }

    fn open_writer(&self) -> Result<Writer, Error> {
        let lock = folder::lock(&self.config.folder)?;
        let memory = self.config.writer_memory_bytes.clamp(WRITER_BYTES_MIN, WRITER_BYTES_MAX);
        let options = IndexWriterOptions::builder()
            .num_worker_threads(1)
            .num_merge_threads(1)
            .memory_budget_per_thread(memory)
            .build();
        Ok(Writer { index: self.index.writer_with_options(options)?, _lock: lock })
    }

    /// Every id in the index, sorted: for comparing it with the database.
    pub fn list_ids(&self) -> Result<Vec<MessageId>, Error> {
        let searcher = self.reader.searcher();
        let mut ids = Vec::new();
        for segment in searcher.segment_readers() {
            let store = segment.get_store_reader(1).map_err(Error::Io)?;
            for document in store.iter::<TantivyDocument>(segment.alive_bitset()) {
                ids.push(MessageId::new(stored_text(&document?, self.fields.message_id)));
            }
        }
        ids.sort();
        Ok(ids)
    }

    /// Names of files whose bytes are not what was written; reads the whole index.
    pub fn check(&self) -> Result<Vec<PathBuf>, Error> {
        let mut damaged: Vec<PathBuf> = self.index.validate_checksum()?.into_iter().collect();
        damaged.sort();
        Ok(damaged)
    }
}

/// A reader that follows the commits of this and other processes.
fn reader(index: &tantivy::Index) -> Result<IndexReader, TantivyError> {
    index.reader_builder().reload_policy(ReloadPolicy::OnCommitWithDelay).try_into()
}
