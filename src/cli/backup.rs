//! `mailroom backup`: a consistent, verified copy of the site.

use crate::{app::App, backup, cli::progress, clock};
use std::{
    io::{self, Write as _},
    path::{Path, PathBuf},
    process::ExitCode,
};

/// Copies the site into a folder, while the service runs, and verifies the copy.
///
/// On one file system, bytes are second names of the same files: quick, but no help against a lost disk.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  mailroom backup /mnt/backup/mailroom")]
pub struct Args {
    /// A new or empty folder, or an earlier backup, which is brought up to date.
    #[arg(value_name = "FOLDER")]
    folder: PathBuf,
}

/// Copies, and says what was copied.
pub async fn run(args: Args, app: &App, config_file: Option<&Path>) -> anyhow::Result<ExitCode> {
    let bar = progress::bar(0, "blobs");
    let key = app.config.site.data_dir.join("signing.key");
    let config_file = config_file.unwrap_or_else(|| Path::new("mailroom.toml"));
    let extra = [key.as_path(), config_file];
    let done =
        backup::save(&app.store, &app.blob, &extra, &args.folder, clock::now_ms(), |n| bar.inc(n)).await?;
    bar.finish_and_clear();
    let manifest = &done.manifest;
    let mut out = io::stdout().lock();
    writeln!(
        out,
        "{}: {} messages, {} blobs of {} bytes, audit log of {} rows ending in {}",
        args.folder.display(),
        manifest.messages,
        manifest.blobs,
        manifest.bytes,
        manifest.audit_rows,
        manifest.last_audit_hash
    )?;
    if manifest.database_sha256.is_none() {
        writeln!(
            out,
            "The database is PostgreSQL and is not in this copy: run `pg_dump --format=custom` before each \
             `mailroom backup`, so that every byte it refers to is copied."
        )?;
    }
    for sha256 in &done.damaged {
        writeln!(out, "DAMAGED and not copied: {sha256}; `mailroom verify` says what refers to it")?;
    }
    Ok(if done.damaged.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
