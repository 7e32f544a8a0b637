//! `mailroom quarantine`: what failed or exceeded a limit, and what to do with it.

use crate::{
    app::App,
    clock,
    model::ids::QuarantineId,
    pipeline::decision,
    store::{audit::Entry, quarantine::Resolution},
};
use anyhow::{Context as _, bail};
use clap::Subcommand;
use std::{path::PathBuf, process::ExitCode};

/// Entries listed at once.
const PAGE_ROWS: u32 = 200;

/// Who acts, in the audit log.
const ACTOR: &str = "command line";

/// Shows what failed or exceeded a limit; exports, reprocesses or dismisses it.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  mailroom quarantine list\n  mailroom quarantine export 0199… message.eml\n  mailroom quarantine reprocess --all --cause too_large\n  mailroom quarantine dismiss 0199…"
)]
pub struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Lists the open entries, newest first.
    List {
        /// Print one JSON object for each entry.
        #[arg(long)]
        json: bool,
    },
    /// Writes the bytes of an entry to a file.
    Export {
        /// Id of the entry.
        id: String,
        /// File to write; it must not exist yet.
        path: PathBuf,
    },
    /// Processes the message of an entry again, or fetches it again if it never came.
    Reprocess {
        /// Id of the entry.
        #[arg(required_unless_present = "all")]
        id: Option<String>,
        /// Every open entry, after what was wrong is mended.
        #[arg(long, conflicts_with = "id")]
        all: bool,
        /// Only entries with this cause, as `list` shows it.
        #[arg(long, requires = "all")]
        cause: Option<String>,
    },
    /// Ends an entry without doing anything.
    Dismiss {
        /// Id of the entry.
        id: String,
    },
}

/// Does what was asked.
pub async fn run(args: Args, app: &App) -> anyhow::Result<ExitCode> {
    match args.command {
        Command::List { json } => list(app, json).await?,
        Command::Export { id, path } => export(app, &id, &path).await?,
        Command::Reprocess { id, cause, .. } => {
            let count = match id {
                Some(id) => {
                    find(app, &id).await?;
                    usize::from(decision::reprocess(app, &QuarantineId::new(id), ACTOR).await?)
                }
                None => decision::reprocess_all(app, cause.as_deref(), ACTOR).await?,
            };
            tracing::info!(count, "entries of quarantine are processed again");
        }
        Command::Dismiss { id } => dismiss(app, &id).await?,
    }
    Ok(ExitCode::SUCCESS)
}

async fn find(app: &App, id: &str) -> anyhow::Result<crate::store::quarantine::NewQuarantine> {
    let found = app.store.read().await?.find_quarantine(&QuarantineId::new(id)).await?;
    Ok(found.with_context(|| format!("there is no entry {id}: see `mailroom quarantine list`"))?.entry)
}

#[expect(clippy::print_stdout, reason = "standard output is what was asked for")]
async fn list(app: &App, json: bool) -> anyhow::Result<()> {
    let mut before = None;
    loop {
        let rows = app.store.read().await?.list_quarantine(before.as_ref(), PAGE_ROWS).await?;
        let Some(last) = rows.last() else { return Ok(()) };
        before = Some(last.id.clone());
        for row in rows {
            let time = jiff::Timestamp::from_millisecond(row.created_ms).unwrap_or_default();
            if json {
                println!(
                    "{}",
                    serde_json::json!({"id": row.id, "cause": row.entry.cause, "detail": row.entry.detail, "message": row.entry.message_id, "document": row.entry.document_id, "sha256": row.entry.sha256, "at": time.to_string()})
                );
            } else {
                println!(
                    "{}  {}  {}  {}",
                    row.id,
                    time.strftime("%Y-%m-%d %H:%M"),
                    row.entry.cause,
                    row.entry.detail
                );
            }
        }
    }
}

async fn export(app: &App, id: &str, path: &std::path::Path) -> anyhow::Result<()> {
    use std::io::Write as _;
    let entry = find(app, id).await?;
    if entry.sha256.is_empty() {
        bail!("this message was never fetched ({}): it is still on the mail server", entry.cause);
    }
    let bytes = app.blob.get(&entry.sha256).await.context("failed to read the bytes")?;
    let mut file =
        std::fs::File::create_new(path).with_context(|| format!("failed to make {}", path.display()))?;
    file.write_all(&bytes).with_context(|| format!("failed to write {}", path.display()))
}

async fn dismiss(app: &App, id: &str) -> anyhow::Result<()> {
    find(app, id).await?;
    let now_ms = clock::now_ms();
    let mut tx = app.store.begin().await?;
    if !tx.resolve_quarantine(&QuarantineId::new(id), Resolution::Dismissed, ACTOR, now_ms).await? {
        bail!("entry {id} was ended before");
    }
    tx.audit(Entry {
        at_ms: now_ms,
        actor: ACTOR.to_owned(),
        action: "dismiss_quarantine".to_owned(),
        subject_kind: "quarantine".to_owned(),
        subject_id: id.to_owned(),
        detail: String::new(),
    });
    tx.commit().await.context("failed to end the entry")
}
