//! The reader process itself: `mailroom reader`. Reads requests from standard input, answers on standard output.
//!
//! Invariant: the sandbox stands before the first byte of a request is looked at. A decoder that panics ends its
//! document and, after its answer, the process.

use super::{
    decode::{Output, Workshop, decode_into, draw},
    ocr::find_tessdata,
    protocol::{Hello, Part, Request, Task, VERSION, read_frame, write_frame},
    sandbox,
};
use std::{
    io::{self, BufReader, BufWriter, Read, Write},
    panic::{AssertUnwindSafe, catch_unwind},
    path::Path,
    process::ExitCode,
    thread,
};

/// Decoders of nested formats recurse: a roomy stack, of which only what is used costs memory.
const STACK_BYTES: usize = 64 << 20;

/// Serves requests until the input ends.
pub fn run(memory_mb: u64, tessdata: Option<&Path>, fast_ocr: bool) -> ExitCode {
    let tessdata = find_tessdata(tessdata);
    let protections = sandbox::enter(memory_mb, tessdata.as_deref());
    let serving = thread::Builder::new().stack_size(STACK_BYTES).spawn(move || {
        let input = BufReader::new(io::stdin().lock());
        let output = BufWriter::new(io::stdout().lock());
        let mut workshop = Workshop::new(tessdata.as_deref());
        workshop.engines.fast = fast_ocr;
        serve(input, output, &mut workshop, protections)
    });
    match serving.map(thread::JoinHandle::join) {
        Ok(Ok(Ok(()))) => ExitCode::SUCCESS,
        _ => ExitCode::FAILURE,
    }
}

/// Enters the sandbox and tries something forbidden in it: success means that it was denied.
pub fn probe(memory_mb: u64, tessdata: Option<&Path>, what: &str) -> ExitCode {
    sandbox::enter(memory_mb, find_tessdata(tessdata).as_deref());
    let (code, text) = match sandbox::probe(what) {
        Ok(text) => (ExitCode::SUCCESS, text),
        Err(text) => (ExitCode::FAILURE, text),
    };
    let told = writeln!(io::stdout(), "{text}");
    if told.is_ok() { code } else { ExitCode::FAILURE }
}

fn serve(
    mut input: impl Read,
    mut output: impl Write,
    workshop: &mut Workshop,
    protections: Vec<String>,
) -> io::Result<()> {
    write_frame(&mut output, &Hello { version: VERSION, protections }, &[])?;
    while let Some((request, bytes)) = read_frame::<Request>(&mut input)? {
        let end = catch_unwind(AssertUnwindSafe(|| answer(workshop, &request, bytes, &mut output)));
        match end {
            Ok(sent) => sent?,
            Err(panic) => {
                let how = panic_text(panic.as_ref());
                write_frame(&mut output, &Part::Failed { how }, &[])?;
                return Ok(());
            }
        }
    }
    Ok(())
}

fn answer(workshop: &mut Workshop, request: &Request, bytes: Vec<u8>, to: &mut impl Write) -> io::Result<()> {
    sandbox::allow_cpu(request.limits.document_seconds);
    match &request.task {
        Task::Read(options) => {
            let mut send = |part: Part, body: &[u8]| write_frame(to, &part, body);
            let mut out = Output::new(&request.limits, &mut send);
            out.passwords = &options.passwords;
            let format = decode_into(workshop, bytes, options, &mut out)?;
            write_frame(to, &Part::Done { format: format.to_owned() }, &[])
        }
        Task::Picture { page, width_px, passwords } => {
            match draw(bytes, *page, *width_px, passwords, &request.limits) {
                Ok(png) => write_frame(to, &Part::Picture, &png)?,
                Err(finding) => write_frame(to, &Part::Finding(finding), &[])?,
            }
            write_frame(to, &Part::Done { format: "png".to_owned() }, &[])
        }
    }
}

/// The message of a panic, as far as it is text.
pub(super) fn panic_text(panic: &(dyn std::any::Any + Send)) -> String {
    let text = panic.downcast_ref::<String>().cloned();
    text.or_else(|| panic.downcast_ref::<&str>().map(|s| (*s).to_owned()))
        .unwrap_or_else(|| "panic".to_owned())
}
