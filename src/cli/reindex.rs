//! `mailroom reindex`: the search index built anew.

use crate::{app::App, cli::progress, jobs::index_search};
use std::{process::ExitCode, sync::Arc};

/// Builds the search index of this machine anew from the database; the service must be stopped.
///
/// Nothing is lost: until it is done, searches find less, and say so.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  mailroom reindex")]
pub struct Args {
    /// Keep what is indexed, and only add what is missing.
    #[arg(long)]
    keep: bool,
}

/// Empties the index and follows the change log to its end.
#[expect(clippy::print_stdout, reason = "standard output is what was asked for")]
pub async fn run(args: Args, app: &Arc<App>) -> anyhow::Result<ExitCode> {
    if !args.keep {
        index_search::clear(&app.index).await?;
    }
    let due = app.store.read().await?.count_changes(app.index.position()?).await?;
    let bar = progress::bar(u64::try_from(due).unwrap_or_default(), "changes");
    loop {
        let done = index_search::follow(&app.store, &app.blob, &app.index).await?;
        if done == 0 {
            break;
        }
        bar.inc(done as u64);
    }
    bar.finish_and_clear();
    let coverage = index_search::coverage(&app.store, &app.index).await?;
    println!("{} of {} messages are indexed", coverage.indexed, coverage.stored);
    Ok(ExitCode::SUCCESS)
}
