//! `mailroom ingest`: mail and documents from files, through the same door as polled mail.

use crate::{
    app::App,
    blob,
    cli::progress,
    config::Config,
    jobs,
    jobs::intake::{self, Manner, Taken},
    mailbox::{self, Mailbox, Memory},
};
use anyhow::Context as _;
use base64::{Engine as _, engine::general_purpose::STANDARD};
use indicatif::ProgressBar;
use std::{
    path::{Path, PathBuf},
    process::ExitCode,
    sync::Arc,
};

/// Characters in a line of base64 (RFC 2045, 6.8).
const BASE64_LINE_BYTES: usize = 76;

/// Takes in .eml files, mbox files, Maildirs, folders of .eml files, or documents.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  mailroom ingest order.eml\n  mailroom ingest --mute archive.mbox   # history: original dates, nothing is sent\n  mailroom ingest scan.pdf              # a document as if it had come by mail"
)]
pub struct Args {
    /// Files and folders to take in.
    #[arg(required = true, value_name = "PATH")]
    paths: Vec<PathBuf>,

    /// As history: original dates are kept, nothing is ever sent.
    #[arg(long)]
    mute: bool,

    /// Only keep and account for the messages; a running service processes them.
    #[arg(long)]
    keep_only: bool,

    /// Print one JSON object with the counts.
    #[arg(long)]
    json: bool,
}

/// Keeps, accounts for and processes what the paths hold.
#[expect(clippy::print_stdout, reason = "standard output is what was asked for")]
pub async fn run(args: Args, config: Config) -> anyhow::Result<ExitCode> {
    let app = Arc::new(App::open(config).await?);
    jobs::recover(&app).await?;
    let manner = Manner { historic: args.mute, ..Manner::default() };
    let bar = progress::bar(0, "messages");
    let take = take_paths(&app, &args.paths, manner, &bar);
    let (total, processed) = if args.keep_only {
        (take.await?, 0)
    } else {
        jobs::run_beside(&app, take, |done| bar.inc(done)).await?
    };
    bar.finish_and_clear();
    if args.json {
        println!(
            "{}",
            serde_json::json!({"stored": total.stored, "duplicates": total.duplicates, "too_large": total.too_large, "processed": processed})
        );
    } else {
        println!(
            "{} messages kept ({} of them had come before), {} too large, {processed} processed",
            total.stored, total.duplicates, total.too_large
        );
    }
    Ok(if total.too_large == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Takes in what all paths hold. The bar shows how many of the messages found are done with.
async fn take_paths(
    app: &App,
    paths: &[PathBuf],
    manner: Manner,
    bar: &ProgressBar,
) -> anyhow::Result<Taken> {
    let mut total = Taken::default();
    for path in paths {
        let before = total.stored - total.duplicates;
        let progress = |taken: Taken| bar.set_length(before + taken.stored - taken.duplicates);
        let taken = take_path(app, path, manner, progress)
            .await
            .with_context(|| format!("failed to take in {}", path.display()))?;
        total.seen += taken.seen;
        total.stored += taken.stored;
        total.duplicates += taken.duplicates;
        total.too_large += taken.too_large;
    }
    Ok(total)
}

/// Takes in what one path holds: mail as it is, a document as the attachment of a message made for it.
async fn take_path(
    app: &App,
    path: &Path,
    manner: Manner,
    progress: impl Fn(Taken),
) -> anyhow::Result<Taken> {
    let mut config = mailbox::Config::of_path(path)?;
    // The ledger knows a file by the place where it was taken in from.
    config.name = format!("file:{}", std::path::absolute(path).unwrap_or_else(|_| path.to_owned()).display());
    let mut mailbox = match read_document(path)? {
        Some(message) => {
            // The content is part of its place: a file that was changed since is another message.
            config.kind = mailbox::Kind::Imap;
            config.folders = vec![blob::sha256_hex(&message)];
            let memory = Memory::new();
            for folder in &config.folders {
                memory.append(folder, &message);
            }
            Mailbox::Memory(memory)
        }
        None => intake::connect(app, &config).await?,
    };
    intake::take(app, &config, &mut mailbox, manner, progress).await
}

/// A message that carries a document, if the path is a file that holds no mail.
fn read_document(path: &Path) -> anyhow::Result<Option<Vec<u8>>> {
    const MAIL: &[&str] = &["eml", "mbox", "mbx", "txt", ""];
    let extension = path.extension().unwrap_or_default().to_string_lossy().to_lowercase();
    if path.is_dir() || MAIL.contains(&extension.as_str()) {
        return Ok(None);
    }
    let bytes = std::fs::read(path)?;
    let name: String = path
        .file_name()
        .unwrap_or_default()
        .to_string_lossy()
        .chars()
        .map(|c| if c.is_ascii_alphanumeric() || ".-_ ".contains(c) { c } else { '_' })
        .collect();
    let mut message = format!(
        "Subject: {name}\r\nMIME-Version: 1.0\r\nContent-Type: application/octet-stream; name=\"{name}\"\r\n\
         Content-Disposition: attachment; filename=\"{name}\"\r\nContent-Transfer-Encoding: base64\r\n\r\n"
    );
    let encoded = STANDARD.encode(bytes);
    for line in encoded.as_bytes().chunks(BASE64_LINE_BYTES) {
        message.push_str(&String::from_utf8_lossy(line));
        message.push_str("\r\n");
    }
    Ok(Some(message.into_bytes()))
}
