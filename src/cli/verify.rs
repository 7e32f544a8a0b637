//! `mailroom verify`: proves the audit log and every stored byte.
//!
//! Three walks: the chain of the audit log from its first row; the bytes that rows refer to, which must be there; and
//! all bytes that are kept, which must have the hash that is their name. Nothing is changed.
//!
//! Does not: notice that the last audit rows were cut off together with their counter. Keep the printed last hash
//! elsewhere, and compare.

use super::progress;
use crate::{
    blob::{Blob, BlobError},
    store::{Store, reference::Referrer},
};
use anyhow::Context as _;
use futures::{StreamExt as _, TryStreamExt as _};
use serde::Serialize;
use std::process::ExitCode;

/// Hashes read from the database at a time.
const PAGE_ROWS: u32 = 1_000;
/// Blobs looked at at the same time.
const AT_ONCE: usize = 8;

/// Proves the audit log and every stored byte.
///
/// Leaves with 1 if anything is missing or was changed.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  mailroom verify --json | jq 'select(.problem)'")]
pub struct Args {
    /// Print one JSON object for each problem, and one at the end.
    #[arg(long)]
    json: bool,
}

/// Something that is not as it was written.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "problem", rename_all = "snake_case")]
pub enum Problem {
    /// The chain of the audit log is broken.
    AuditBroken {
        /// First row that is not sound.
        row: i64,
        /// What is the matter with it.
        detail: String,
    },
    /// Bytes that a row refers to are not kept.
    Missing {
        /// Their hash.
        sha256: String,
        /// What refers to them.
        referrer: Referrer,
    },
    /// Kept bytes have another hash than they should.
    Damaged {
        /// The hash that they should have.
        sha256: String,
    },
}

/// What the walks found.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Summary {
    /// Whether all is as it was written.
    pub sound: bool,
    /// Sound rows of the audit log.
    pub audit_rows: i64,
    /// Hash of the last sound row.
    pub last_audit_hash: String,
    /// Hashes that rows refer to, counted for each kind of row.
    pub references: u64,
    /// Blobs that are kept.
    pub blobs: u64,
    /// Their bytes.
    pub bytes: u64,
    /// Problems.
    pub problems: u64,
}

/// Does what was asked.
#[expect(clippy::print_stdout, reason = "standard output is what was asked for")]
pub async fn run(args: Args, store: &Store, blob: &Blob) -> anyhow::Result<ExitCode> {
    let print = |problem: &Problem| {
        if args.json { println!("{}", serde_json::json!(problem)) } else { println!("{}", sentence(problem)) }
    };
    let summary = check_all(store, blob, print).await?;
    if args.json {
        println!("{}", serde_json::json!(summary));
    } else {
        println!("{} audit rows, last hash {}", summary.audit_rows, summary.last_audit_hash);
        println!("{} references to bytes", summary.references);
        println!("{} blobs, {} bytes", summary.blobs, summary.bytes);
        match summary.problems {
            0 => println!("all is as it was written"),
            problems => println!("{problems} problems: restore what is missing or damaged from a backup"),
        }
    }
    Ok(if summary.sound { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn sentence(problem: &Problem) -> String {
    match problem {
        Problem::AuditBroken { detail, .. } => format!("audit log: {detail}"),
        Problem::Missing { sha256, referrer } => {
            format!("missing: {sha256}, named by a {}", referrer.as_str())
        }
        Problem::Damaged { sha256 } => format!("damaged: {sha256}"),
    }
}

/// Walks over everything; `found` hears of each problem at once.
pub async fn check_all(
    store: &Store,
    blob: &Blob,
    mut found: impl FnMut(&Problem),
) -> anyhow::Result<Summary> {
    let mut summary = Summary::default();
    let chain = store.check_audit().await.context("failed to read the audit log")?;
    summary.audit_rows = chain.rows;
    summary.last_audit_hash = chain.last_hash;
    if let Some((row, detail)) = chain.broken {
        summary.problems += 1;
        found(&Problem::AuditBroken { row, detail });
    }
    check_references(store, blob, &mut summary, &mut found).await?;
    check_bytes(blob, &mut summary, &mut found).await?;
    summary.sound = summary.problems == 0;
    Ok(summary)
}

async fn check_references(
    store: &Store,
    blob: &Blob,
    summary: &mut Summary,
    found: &mut impl FnMut(&Problem),
) -> anyhow::Result<()> {
    for &referrer in Referrer::ALL {
        let mut after = String::new();
        loop {
            let mut db = store.read().await?;
            let page = db.list_references(referrer, &after, PAGE_ROWS).await?;
            drop(db);
            let Some(last) = page.last() else { break };
            after.clone_from(last);
            summary.references += page.len() as u64;
            let mut looked = futures::stream::iter(page)
                .map(|sha256| async { blob.has(&sha256).await.map(|there| (sha256, there)) })
                .buffer_unordered(AT_ONCE);
            while let Some(result) = looked.next().await {
                match result {
                    Ok((_, true)) => {}
                    Ok((sha256, false)) | Err(BlobError::Missing { sha256 }) => {
                        summary.problems += 1;
                        found(&Problem::Missing { sha256, referrer });
                    }
                    Err(error) => return Err(error).context("failed to look for bytes"),
                }
            }
        }
    }
    Ok(())
}

async fn check_bytes(
    blob: &Blob,
    summary: &mut Summary,
    found: &mut impl FnMut(&Problem),
) -> anyhow::Result<()> {
    // messages and their pages: about as many as there are references
    let bar = progress::bar(summary.references, "hashing");
    let checked = blob
        .list()
        .map_ok(|listed| {
            let blob = blob.clone();
            // a task of its own, so that hashing uses all cores
            let check = tokio::spawn(async move { blob.check(&listed.sha256).await });
            async move { Ok((listed.size_bytes, check.await)) }
        })
        .try_buffer_unordered(AT_ONCE);
    let mut checked = std::pin::pin!(checked);
    while let Some((size_bytes, result)) = checked.try_next().await.context("failed to list the bytes")? {
        summary.blobs += 1;
        summary.bytes += size_bytes;
        bar.inc(1);
        match result.context("failed to hash bytes")? {
            Ok(()) => {}
            Err(BlobError::Damaged { sha256 }) => {
                summary.problems += 1;
                bar.suspend(|| found(&Problem::Damaged { sha256 }));
            }
            Err(error) => return Err(error).context("failed to read bytes"),
        }
    }
    bar.finish_and_clear();
    Ok(())
}
