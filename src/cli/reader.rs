//! `mailroom reader`: a reader process. Started by the program itself, never by a person.

use crate::reader::child;
use clap::Args as ClapArgs;
use std::{path::PathBuf, process::ExitCode};

/// Reads documents from standard input for the program that started it.
#[derive(Debug, ClapArgs)]
pub struct Args {
    /// Address space in megabytes.
    #[arg(long, default_value_t = 2048)]
    pub memory_mb: u64,

    /// Folder of the OCR models.
    #[arg(long, value_name = "FOLDER")]
    pub tessdata: Option<PathBuf>,

    /// Lines are read by the models' networks in the program itself, where it can run them.
    #[arg(long)]
    pub fast_ocr: bool,

    /// Tries something that the sandbox forbids: net, unix, file, read, write,
    /// exec, memory, cpu. Success means that it was denied.
    #[arg(long, value_name = "WHAT")]
    pub probe: Option<String>,
}

/// Serves until the input ends.
pub fn run(args: Args) -> ExitCode {
    match &args.probe {
        Some(what) => child::probe(args.memory_mb, args.tessdata.as_deref(), what),
        None => child::run(args.memory_mb, args.tessdata.as_deref(), args.fast_ocr),
    }
}
