//! `mailroom classify`: queue and priority of messages, with confidence and reasons.

use super::mail_file;
use crate::{
    classify::{self, Example, Experience},
    message,
    model::ticket::{Classified, Queue},
    screen,
};
use anyhow::Context as _;
use clap::Args as ClapArgs;
use serde_json::json;
use std::{
    io::{BufWriter, Write},
    path::{Path, PathBuf},
    process::ExitCode,
};

/// Says into which queue messages go, how sure that is, and why; documents in them are not opened.
#[derive(Debug, ClapArgs)]
#[command(
    after_help = "Example: mailroom classify inquiry.eml --json\n         echo 'where is my order?' | mailroom classify -"
)]
pub struct Args {
    /// Mails: .eml, .mbox, or - for standard input.
    #[arg(required = true, value_name = "FILE")]
    pub files: Vec<PathBuf>,

    /// One JSON object a message.
    #[arg(long)]
    pub json: bool,

    /// Each line of the files is a message of its own, without header.
    #[arg(long)]
    pub lines: bool,

    /// What people taught: lines of queue, tab, text.
    #[arg(long, value_name = "TSV")]
    pub examples: Option<PathBuf>,

    /// Below this confidence a message goes to triage.
    #[arg(long, value_name = "0..1", default_value_t = classify::DEFAULT_THRESHOLD)]
    pub threshold: f32,
}

/// Classifies and prints all messages; fails if a file cannot be read.
pub fn run(args: Args) -> anyhow::Result<ExitCode> {
    let mut to = BufWriter::new(std::io::stdout().lock());
    let mut code = ExitCode::SUCCESS;
    let experience = args.examples.as_deref().map(learn).transpose()?.unwrap_or_default();
    for path in &args.files {
        let read = mail_file::each_message(path, |file, number, raw| {
            if !args.lines {
                return classify_one(&mut to, file, number, raw, &experience, &args);
            }
            let lines = raw.split(|b| *b == b'\n').filter(|line| !line.trim_ascii().is_empty());
            for (number, line) in (1..).zip(lines) {
                classify_one(&mut to, file, Some(number), &headless(line), &experience, &args)?;
            }
            Ok(())
        });
        if let Err(error) = read {
            super::complain(&error);
            code = ExitCode::FAILURE;
        }
    }
    to.flush()?;
    Ok(code)
}

/// A message of this text alone.
fn headless(text: &[u8]) -> Vec<u8> {
    [b"\n\n", text].concat()
}

/// Learns from a file of examples.
fn learn(path: &Path) -> anyhow::Result<Experience> {
    let text = std::fs::read_to_string(path).with_context(|| format!("failed to read {}", path.display()))?;
    let mut examples = Vec::new();
    for (number, line) in (1..).zip(text.lines()).filter(|(_, line)| !line.trim().is_empty()) {
        let example = line.split_once('\t').and_then(|(queue, text)| Some((Queue::parse(queue)?, text)));
        let (queue, text) = example.with_context(|| {
            format!("line {number} of {} does not begin with a queue and a tab", path.display())
        })?;
        examples.push((number, queue, message::parse(&headless(text.as_bytes()))));
    }
    Ok(Experience::learn(examples.iter().map(|(number, queue, message)| Example {
        queue: *queue,
        message,
        place: format!("line {number}"),
    })))
}

fn classify_one(
    to: &mut impl Write,
    file: &str,
    number: Option<u64>,
    raw: &[u8],
    experience: &Experience,
    args: &Args,
) -> anyhow::Result<()> {
    let message = message::parse(raw);
    let screened = screen::screen(&message, &screen::Site::default());
    let Classified { queue, best, confidence, priority, reasons } =
        classify::classify(&message, &[], experience, args.threshold);
    if args.json {
        let line = json!({
            "file": file,
            "number": number,
            "subject": message.subject,
            "origin": screened.origin,
            "queue": queue,
            "best": best,
            "confidence": confidence,
            "priority": priority,
            "reasons": reasons,
        });
        writeln!(to, "{line}")?;
    } else {
        let name = number.map_or_else(|| file.to_owned(), |number| format!("{file}, message {number}"));
        writeln!(
            to,
            "{name}: {} ({:.0} %, {} priority)",
            queue.as_str(),
            confidence * 100.0,
            priority.as_str()
        )?;
        if queue != best {
            writeln!(to, "  best guess: {}", best.as_str())?;
        }
        for reason in &reasons {
            writeln!(to, "  {reason}")?;
        }
    }
    Ok(())
}
