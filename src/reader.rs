//! Reader processes: hostile bytes into pages of words.
//!
//! ```text
//!  Reader::read ──► pool ──► `mailroom reader` (child) ──► decode ──► pdf | image | office | text | archive
//!   (this process: never decodes)   │ frames over a pipe       (sandboxed: memory, CPU, no network, no files)
//!                                   └── killed when it takes too much; a new one serves the next document
//! ```
//!
//! Does: finds out what the bytes are by content, reads them page by page (text layer, OCR, form, sheet, plain text)
//! and hands back [`Pages`] with findings for whatever was wrong or cut by a limit.
//! Does not: descend into embedded files (the caller does, within its own depth limit), keep anything, or know what
//! a purchase order is. Nothing from outside is decoded in the calling process.
//! Limits: [`Limits`], each with its finding; [`Config`] for the processes themselves.

pub mod child;
pub mod format;
pub mod protocol;

mod archive;
mod boxes;
mod decode;
mod flow;
mod hidden;
mod html;
mod ink;
mod light;
mod likes;
mod lines;
mod mend;
mod net;
mod ocr;
mod office;
mod outlook;
mod pack;
mod passes;
mod pdf;
mod pool;
mod prepare;
mod raster;
mod rtf;
mod rules;
mod sandbox;
mod scan;
mod sheet;
mod text;
mod tiff;
mod warp;
mod watch;

pub use decode::decode;

use crate::model::{finding::Finding, page::Pages};
use serde::{Deserialize, Serialize};
use std::{fmt, io, path::PathBuf, sync::Arc};

/// `[reader]` in `mailroom.toml`: the processes that decode documents, and what a document may cost.
#[derive(Clone, Debug, Deserialize, PartialEq)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// How many reader processes run at a time; 0 means one for each core.
    pub processes: usize,
    /// Address space of one reader process in megabytes, the OCR engine included.
    pub memory_mb: u64,
    /// Lines of scans are read by the models' networks in the program itself: 2.6 times as fast as by Tesseract, and
    /// with more words right, but with more wrong digits where a scan is poor.
    pub fast_ocr: bool,
    /// A process is replaced after so many documents, because the OCR engine grows.
    pub recycle_after_documents: u32,
    /// A process is replaced after so many pages.
    pub recycle_after_pages: u32,
    /// Folder of the OCR models (`eng.traineddata`…); none means the first of the usual places that exists.
    pub tessdata: Option<PathBuf>,
    /// The program to start as `PROGRAM reader`; none means the running program itself.
    pub program: Option<PathBuf>,
    /// What one document may cost.
    pub limits: Limits,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            processes: 0,
            memory_mb: 2048,
            fast_ocr: false,
            recycle_after_documents: 200,
            recycle_after_pages: 1000,
            tessdata: None,
            program: None,
            limits: Limits::default(),
        }
    }
}

/// What one document may cost. Whatever exceeds a limit is left out with a finding; the rest still comes.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct Limits {
    /// Size of the file in bytes; a larger one is refused.
    pub bytes: u64,
    /// Pages that are read.
    pub pages: u32,
    /// Pages that are read by OCR.
    pub ocr_pages: u32,
    /// Pixels of one image.
    pub image_pixels: u64,
    /// Bytes that a reader may answer with for one document.
    pub output_bytes: u64,
    /// Cells of one sheet file.
    pub cells: u32,
    /// Entries of an archive.
    pub archive_entries: u32,
    /// Bytes of an unpacked archive.
    pub archive_bytes: u64,
    /// How many times larger an archive's entry may be than its packed form.
    pub archive_ratio: u64,
    /// Processor time for one page in seconds; waiting for a busy machine does not count.
    pub page_seconds: u64,
    /// Processor time for the whole document in seconds.
    pub document_seconds: u64,
    /// Seconds in which a process may use no processor at all; beyond that it hangs.
    pub idle_seconds: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            bytes: 100 << 20,
            pages: 1000,
            ocr_pages: 100,
            image_pixels: 40_000_000,
            output_bytes: 256 << 20,
            cells: 200_000,
            archive_entries: 1000,
            archive_bytes: 200 << 20,
            archive_ratio: 100,
            page_seconds: 180,
            document_seconds: 900,
            idle_seconds: 120,
        }
    }
}

/// What the caller knows about a file that does not stand in it.
#[derive(Clone, Default, Deserialize, PartialEq, Serialize)]
#[serde(default)]
pub struct Options {
    /// ISO 639-1 codes of the languages that OCR should expect besides English.
    pub languages: Vec<String>,
    /// Whether every page is read from its pixels, even where its text layer looks sound.
    pub force_ocr: bool,
    /// Tried on an encrypted file, after the empty one.
    pub passwords: Vec<String>,
}

impl Options {
    /// Expecting these languages, ISO 639-1.
    pub fn languages(codes: &[&str]) -> Self {
        Self { languages: codes.iter().map(|&code| code.to_owned()).collect(), ..Self::default() }
    }
}

impl fmt::Debug for Options {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { languages, force_ocr, passwords } = self;
        write!(f, "Options {{ {languages:?}, force_ocr: {force_ocr}, {} passwords }}", passwords.len())
    }
}

/// The languages that OCR knows, ISO 639-1, whether or not their models are installed.
pub fn languages() -> impl Iterator<Item = &'static str> {
    ocr::MODELS.iter().map(|(code, _)| *code).filter(|code| *code != "no")
}

/// Why a document could not be read at all. What is merely wrong with it comes as findings in [`Pages`].
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// The process exceeded its time and was killed.
    #[error("the reader process was killed: {cause}")]
    Killed {
        /// Which limit, with its figure.
        cause: String,
    },
    /// The process died or broke down by itself: a defect of a decoder, or out of memory.
    #[error("the reader process crashed: {how}")]
    Crashed {
        /// Signal or exit code, and the last words.
        how: String,
    },
    /// Too large to be handed over at all.
    #[error("the file has {actual} bytes, more than the limit of {limit}")]
    Limit {
        /// The limit in bytes.
        limit: u64,
        /// The file's size in bytes.
        actual: u64,
    },
    /// There is nothing to show, e.g. no such page.
    #[error("unreadable: {}", finding.message)]
    Unreadable {
        /// What is wrong with it.
        finding: Finding,
    },
    /// No reader process could be started.
    #[error("no reader process could be started")]
    Start(#[source] io::Error),
}

impl ReadError {
    /// Whether the same document may well succeed later.
    pub fn is_transient(&self) -> bool {
        match self {
            Self::Start(_) => true,
            Self::Killed { .. } | Self::Crashed { .. } | Self::Limit { .. } | Self::Unreadable { .. } => {
                false
            }
        }
    }
}

/// The handle to the reader processes. Cloning shares them.
#[derive(Clone, Debug)]
pub struct Reader {
    pool: Arc<pool::Pool>,
}

impl Reader {
    /// Makes the pool; processes start when the first documents come.
    pub fn start(config: Config) -> Self {
        Self { pool: Arc::new(pool::Pool::new(config)) }
    }

    /// The pages of one file.
    pub async fn read(&self, bytes: &[u8], options: &Options) -> Result<Pages, ReadError> {
        self.pool.read(bytes, options).await
    }

    /// A page as a PNG of the given width; pages count from 1. `passwords` are tried on an encrypted file.
    pub async fn picture(
        &self,
        bytes: &[u8],
        page: u32,
        width_px: u32,
        passwords: &[String],
    ) -> Result<Vec<u8>, ReadError> {
        self.pool.picture(bytes, page, width_px, passwords).await
    }

    /// What protects this machine from documents, as a reader process reports it, one sentence each.
    pub async fn protections(&self) -> Result<Vec<String>, ReadError> {
        self.pool.protections().await
    }

    /// How many documents are read at a time.
    pub fn processes(&self) -> usize {
        self.pool.processes()
    }
}
