//! The command line: one file for each subcommand.
//!
//! Every command has an example in its help, prints one JSON object a line with `--json` where a program may read it,
//! and leaves with 0 only if all went well.

pub mod read;
pub mod reader;

use crate::reader as readers;
use clap::{Parser, Subcommand};
use std::process::ExitCode;

/// Turns a shared mailbox into finished back-office work.
#[derive(Debug, Parser)]
#[command(name = "mailroom", version, arg_required_else_help = true)]
pub struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// The subcommands are the processes and tools that there are.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// The pages of documents as the program sees them.
    Read(read::Args),
    /// A reader process, started by the program itself.
    #[command(hide = true)]
    Reader(reader::Args),
}

/// Runs one command.
pub fn run(cli: Cli) -> anyhow::Result<ExitCode> {
    match cli.command {
        Command::Read(args) => wait(read::run(args, readers::Config::default())),
        Command::Reader(args) => Ok(reader::run(args)),
    }
}

/// Runs a command's future on a runtime of its own.
fn wait<T>(future: impl Future<Output = anyhow::Result<T>>) -> anyhow::Result<T> {
    tokio::runtime::Runtime::new()?.block_on(future)
}
