//! `mailroom restore`: a backup into an empty site.

use crate::{
    backup,
    blob::Blob,
    cli::progress,
    config::{self, Config},
};
use anyhow::Context as _;
use std::{
    io::{self, Write as _},
    path::{Path, PathBuf},
    process::ExitCode,
};

/// Puts a backup into a site that has no database yet. Overwrites nothing.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  mailroom --config /etc/mailroom.toml restore /mnt/backup/mailroom")]
pub struct Args {
    /// The backup.
    #[arg(value_name = "FOLDER")]
    folder: PathBuf,
}

/// Restores, and says what to do next.
pub async fn run(args: Args, config: Config) -> anyhow::Result<ExitCode> {
    let config = config.with_places();
    let database = config.database.url.strip_prefix("sqlite:");
    let database = database.map(|path| Path::new(path.strip_prefix("//").unwrap_or(path)));
    let secret = config.blob.secret_access_key.as_ref().map(config::resolve).transpose()?;
    let blob = Blob::open_with(&config.blob, secret.as_ref()).context("failed to open the blob store")?;
    let bar = progress::bar(0, "blobs");
    let done = backup::restore(&args.folder, database, &blob, &config.site.data_dir, |n| bar.inc(n)).await?;
    bar.finish_and_clear();
    let mut out = io::stdout().lock();
    writeln!(out, "{} messages and {} blobs are restored.", done.manifest.messages, done.manifest.blobs)?;
    for sha256 in &done.damaged {
        writeln!(out, "DAMAGED in the backup: {sha256}")?;
    }
    if database.is_none() {
        writeln!(out, "Now restore the database with pg_restore.")?;
    }
    writeln!(
        out,
        "Next: `mailroom verify` proves every byte; the search index builds itself when the service starts."
    )?;
    Ok(if done.damaged.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
