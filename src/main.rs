//! Parses arguments, starts tracing, calls [`mailroom::cli`], turns the error into an exit code; nothing else.

use clap::Parser as _;
use mailroom::cli::Cli;
use std::{io::Write as _, process::ExitCode};

fn main() -> ExitCode {
    match mailroom::cli::run(Cli::parse()) {
        Ok(code) => code,
        Err(error) => {
            let printed = writeln!(std::io::stderr(), "mailroom: {error:#}");
            if printed.is_ok() { ExitCode::FAILURE } else { ExitCode::from(2) }
        }
    }
}
