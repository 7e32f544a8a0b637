//! The command line: one file for each subcommand.
//!
//! Every command has an example in its help, prints one JSON object a line with `--json` where a program may read it,
//! and leaves with 0 only if all went well.

pub mod automation;
pub mod backup;
pub mod check;
pub mod classify;
pub mod demo;
pub mod evidence;
pub mod extract;
pub mod import;
pub mod ingest;
pub mod mailbox;
mod mail_file;
pub mod parse;
pub mod learn;
pub mod progress;
pub mod quarantine;
pub mod read;
pub mod reader;
pub mod reindex;
pub mod user;
pub mod verify;
pub mod reconcile;
pub mod report;
pub mod reprocess;
pub mod restore;
pub mod search;
pub mod serve;
pub mod train;

use crate::{
    app::App,
    config::{self, Config},
    reader as readers,
};
use clap::{Parser, Subcommand};
use std::{io::IsTerminal as _, path::PathBuf, process::ExitCode, sync::Arc};

/// Turns a shared mailbox into finished back-office work.
#[derive(Debug, Parser)]
#[command(name = "mailroom", version, arg_required_else_help = true)]
pub struct Cli {
    /// Configuration file; without one, `mailroom.toml` here, or the embedded defaults.
    #[arg(long, global = true, value_name = "FILE", env = "MAILROOM_CONFIG")]
    pub config: Option<PathBuf>,

    /// What to log to standard error: `warn`, `info`, `mailroom=debug`…
    #[arg(long, global = true, value_name = "FILTER", env = "MAILROOM_LOG", default_value = "warn")]
    pub log: String,

    /// Log as JSON, one object a line.
    #[arg(long, global = true)]
    pub log_json: bool,

    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// The subcommands are the processes and tools that there are.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Messages as the program sees them.
    Parse(parse::Args),
    /// Queue and priority of messages, with confidence and reasons.
    Classify(classify::Args),
    /// The pages of documents as the program sees them.
    Read(read::Args),
    /// The drafts in documents and messages, with confidence and place.
    Extract(extract::Args),
    /// Learns layouts from documents with known truth.
    Learn(learn::Args),
    /// Learns confidence from documents with known truth.
    #[command(hide = true)]
    Train(train::Args),
    /// A reader process, started by the program itself.
    #[command(hide = true)]
    Reader(reader::Args),
    /// The whole service on embedded defaults with a sample mailbox.
    Demo(demo::Args),
    /// The service: polls, processes, answers, serves the pages.
    Serve(serve::Args),
    /// Takes in .eml files, mbox files, Maildirs or documents.
    Ingest(ingest::Args),
    /// Loads customers and goods from CSV files.
    Import(import::Args),
    /// Signs mailboxes in by OAuth 2.0.
    Mailbox(mailbox::Args),
    /// Compares every mailbox with the ledger.
    Reconcile(reconcile::Args),
    /// What passed without a person, and what held the rest.
    Automation(automation::Args),
    /// What failed or exceeded a limit.
    Quarantine(quarantine::Args),
    /// Puts messages through the pipeline again.
    Reprocess(reprocess::Args),
    /// Proves the audit log and every stored byte.
    Verify(verify::Args),
    /// Who may sign in to the pages.
    User(user::Args),
    /// Finds messages, and files by their text.
    Search(search::Args),
    /// Builds the search index anew.
    Reindex(reindex::Args),
    /// Bundles that prove themselves.
    Evidence(evidence::Args),
    /// Copies the site into a folder.
    Backup(backup::Args),
    /// Puts a backup into an empty site.
    Restore(restore::Args),
    /// Tries every configured part.
    Check(check::Args),
}

/// Runs one command.
pub fn run(cli: Cli) -> anyhow::Result<ExitCode> {
    let config = || Config::load(cli.config.as_deref());
    match cli.command {
        Command::Parse(args) => parse::run(args),
        Command::Classify(args) => classify::run(args),
        Command::Extract(args) => wait(extract::run(args)),
        Command::Demo(args) => wait(demo::run(args)),
        Command::Serve(args) => wait(serve::run(args, config()?)),
        Command::Ingest(args) => wait(ingest::run(args, config()?)),
        Command::Import(args) => wait(on_site(config()?, async |app| import::run(args, app).await)),
        Command::Mailbox(args) => wait(on_site(config()?, async |app| mailbox::run(args, app).await)),
        Command::Reconcile(args) => wait(on_site(config()?, async |app| reconcile::run(args, app).await)),
        Command::Automation(args) => wait(on_site(config()?, async |app| automation::run(args, app).await)),
        Command::Quarantine(args) => wait(on_site(config()?, async |app| quarantine::run(args, app).await)),
        Command::Reprocess(args) => wait(on_site(config()?, async |app| reprocess::run(args, app).await)),
        Command::Verify(args) => {
            wait(on_site(config()?, async |app| verify::run(args, &app.store, &app.blob).await))
        }
        Command::User(args) => {
            wait(on_site(config()?, async |app| user::run(args, &app.store, config::resolve).await))
        }
        Command::Search(args) => wait(on_site(config()?, async |app| search::run(args, app).await)),
        Command::Reindex(args) => wait(on_site(config()?, async |app| reindex::run(args, app).await)),
        Command::Evidence(args) => wait(evidence::run(args, config)),
        Command::Backup(args) => {
            wait(on_site(config()?, async |app| backup::run(args, app, cli.config.as_deref()).await))
        }
        Command::Restore(args) => wait(restore::run(args, config()?)),
        Command::Check(args) => wait(check::run(args, config())),
        Command::Read(args) => wait(read::run(args, readers::Config::default())),
        Command::Learn(args) => wait(learn::run(args)),
        Command::Train(args) => train::run(args),
        Command::Reader(args) => Ok(reader::run(args)),
    }
}

/// Runs a command's future on a runtime of its own.
fn wait<T>(future: impl Future<Output = anyhow::Result<T>>) -> anyhow::Result<T> {
    tokio::runtime::Runtime::new()?.block_on(future)
}

/// Opens the site, runs a command on it.
async fn on_site<T>(
    config: Config,
    command: impl AsyncFnOnce(&Arc<App>) -> anyhow::Result<T>,
) -> anyhow::Result<T> {
    let app = Arc::new(App::open(config).await?);
    command(&app).await
}

/// Prints an error with its whole chain, once.
#[expect(clippy::print_stderr, reason = "standard error is where a command line complains")]
pub fn complain(error: &anyhow::Error) {
    eprintln!("mailroom: {error:#}");
}

/// Logs go to standard error, so that standard output stays what was asked for.
pub fn start_logging(cli: &Cli) {
    let filter = tracing_subscriber::EnvFilter::try_new(&cli.log)
        .unwrap_or_else(|_| tracing_subscriber::EnvFilter::new("warn"));
    // At its lowest level the IMAP client logs whole commands, the password among them.
    let quiet = "async_imap=info".parse().expect("a directive of ours parses");
    let filter = filter.add_directive(quiet);
    let builder = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .with_ansi(std::io::stderr().is_terminal());
    if cli.log_json {
        builder.json().init();
    } else {
        builder.init();
    }
}
