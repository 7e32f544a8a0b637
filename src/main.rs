//! Parses arguments, starts tracing, calls [`mailroom::cli`], turns the error into an exit code; nothing else.
//!
//! On Linux memory comes from jemalloc: glibc keeps what one thread has let go for that thread, so that a process whose
//! work moves between threads grows for as long as it works.

use clap::Parser as _;
use mailroom::cli::{Cli, complain, start_logging};
use std::process::ExitCode;

#[cfg(target_os = "linux")]
#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

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
