//! `mailroom parse`: the message as the program sees it.

use super::mail_file;
use crate::{
    message,
    model::{
        finding::Finding,
        message::{Address, Message, Screened},
    },
    screen::{self, Site, bounce::Bounce},
};
use clap::Args as ClapArgs;
use serde_json::{Value, json};
use std::{
    io::{BufWriter, Write},
    path::PathBuf,
    process::ExitCode,
};

/// Shows messages as the program sees them: headers, kind, new text, quoted text, signature, attachments.
#[derive(Debug, ClapArgs)]
#[command(after_help = "Example: mailroom parse order.eml inbox.mbox --json | jq .new_text")]
pub struct Args {
    /// Mails: .eml, .mbox, or - for standard input.
    #[arg(required = true, value_name = "FILE")]
    pub files: Vec<PathBuf>,

    /// One JSON object a message.
    #[arg(long)]
    pub json: bool,

    /// An address of our own, so that our own mail is known; repeatable.
    #[arg(long, value_name = "ADDRESS")]
    pub own: Vec<String>,
}

/// Parses and prints all messages; fails if a file cannot be read.
pub fn run(args: Args) -> anyhow::Result<ExitCode> {
    let site = Site { addresses: args.own, ..Site::default() };
    let mut to = BufWriter::new(std::io::stdout().lock());
    let mut code = ExitCode::SUCCESS;
    for path in &args.files {
        let read = mail_file::each_message(path, |file, number, raw| {
            let mut message = message::parse(raw);
            let screened = screen::screen(&message, &site);
            message.findings.extend(screen::forged_sender::note(&message));
            let bounce = screen::bounce::parse(&message);
            if args.json {
                let line = json_line(file, number, &message, &screened, bounce.as_ref())?;
                writeln!(to, "{line}")?;
            } else {
                write_readable(&mut to, file, number, &message, &screened)?;
            }
            to.flush()?;
            Ok(())
        });
        if let Err(error) = read {
            super::complain(&error);
            code = ExitCode::FAILURE;
        }
    }
    Ok(code)
}

fn json_line(
    file: &str,
    number: Option<u64>,
    message: &Message,
    screened: &Screened,
    bounce: Option<&Bounce>,
) -> anyhow::Result<Value> {
    let mut line = serde_json::to_value(message)?;
    if let Some(fields) = line.as_object_mut() {
        fields.insert("file".to_owned(), json!(file));
        fields.insert("number".to_owned(), json!(number));
        fields.insert("origin".to_owned(), json!(screened.origin));
        fields.insert("muted".to_owned(), json!(screened.muted));
        fields.insert("decided_by".to_owned(), json!(screened.decided_by));
        fields.insert("reason".to_owned(), json!(screened.reason));
        if let Some(bounce) = bounce {
            let report = json!({
                "recipient": bounce.recipient,
                "status": bounce.status,
                "permanent": bounce.permanent,
                "original_message_id": bounce.original_message_id,
            });
            fields.insert("bounce".to_owned(), report);
        }
    }
    Ok(line)
}

fn write_readable(
    to: &mut impl Write,
    file: &str,
    number: Option<u64>,
    message: &Message,
    screened: &Screened,
) -> anyhow::Result<()> {
    match number {
        Some(number) => writeln!(to, "{file}, message {number}")?,
        None => writeln!(to, "{file}")?,
    }
    let list = |addresses: &[Address]| addresses.iter().map(show_address).collect::<Vec<_>>().join(", ");
    let from = message.from.as_ref().map(show_address).unwrap_or_default();
    let date = message.date_ms.and_then(|ms| jiff::Timestamp::from_millisecond(ms).ok());
    let rows = [
        ("from", from),
        ("to", list(&message.to)),
        ("cc", list(&message.cc)),
        ("date", date.map(|d| d.to_string()).unwrap_or_default()),
        ("subject", message.subject.clone()),
        ("message id", message.rfc_message_id.clone().unwrap_or_default()),
        ("language", message.language.clone().unwrap_or_default()),
        ("kind", format!("{}: {} ({})", screened.origin.as_str(), screened.reason, screened.decided_by)),
    ];
    for (name, value) in rows.iter().filter(|(_, value)| !value.is_empty()) {
        writeln!(to, "  {name:<11} {}", visible(value))?;
    }
    for attachment in &message.attachments {
        let place = if attachment.inline { "inline" } else { "attachment" };
        let name = visible(&attachment.name);
        writeln!(to, "  {place:<11} {name} ({}, {} bytes)", attachment.media_type, attachment.size_bytes)?;
        writeln!(to, "  {:<11} sha256 {}", "", attachment.sha256)?;
    }
    for Finding { code, message, .. } in &message.findings {
        writeln!(to, "  {:<11} {code}: {message}", "finding")?;
    }
    for (name, text) in [
        ("new text", &message.new_text),
        ("signature", &message.signature),
        ("quoted text", &message.quoted_text),
    ] {
        if !text.is_empty() {
            writeln!(to, "\n  {name}")?;
            for line in text.lines() {
                writeln!(to, "  │ {}", visible(line))?;
            }
        }
    }
    writeln!(to)?;
    Ok(())
}

fn show_address(address: &Address) -> String {
    match &address.name {
        Some(name) => format!("{name} <{}>", address.email),
        None => address.email.clone(),
    }
}

/// Without control characters, which could steer the terminal.
fn visible(text: &str) -> String {
    text.chars().map(|c| if c.is_control() && c != '\t' { '\u{fffd}' } else { c }).collect()
}
