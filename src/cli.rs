//! The command line: one file for each subcommand.
//!
//! Every command has an example in its help, prints one JSON object a line with `--json` where a program may read it,
//! and leaves with 0 only if all went well.

pub mod classify;
mod mail_file;
pub mod parse;
pub mod progress;
pub mod read;
pub mod reader;
pub mod user;
pub mod verify;

use crate::reader as readers;
use clap::{Parser, Subcommand};
use std::{io::IsTerminal as _, path::PathBuf, process::ExitCode};

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
    /// A reader process, started by the program itself.
    #[command(hide = true)]
    Reader(reader::Args),
}

/// Runs one command.
pub fn run(cli: Cli) -> anyhow::Result<ExitCode> {
    match cli.command {
        Command::Parse(args) => parse::run(args),
        Command::Classify(args) => classify::run(args),
        Command::Read(args) => wait(read::run(args, readers::Config::default())),
        Command::Reader(args) => Ok(reader::run(args)),
    }
}

/// Runs a command's future on a runtime of its own.
fn wait<T>(future: impl Future<Output = anyhow::Result<T>>) -> anyhow::Result<T> {
    tokio::runtime::Runtime::new()?.block_on(future)
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
