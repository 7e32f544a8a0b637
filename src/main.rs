//! Parses arguments, starts tracing, calls [`mailroom::cli`], turns the error into an exit code; nothing else.

use clap::Parser as _;
use mailroom::cli::{Cli, complain, start_logging};
use std::process::ExitCode;

fn main() -> ExitCode {
    let cli = Cli::parse();
    start_logging(&cli);
    match mailroom::cli::run(cli) {
        Ok(code) => code,
        Err(error) => {
            complain(&error);
            ExitCode::FAILURE
        }
    }
}
