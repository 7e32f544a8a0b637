//! `mailroom evidence`: bundles that prove themselves, made and verified.

use crate::{
    app::App,
    clock,
    config::Config,
    evidence::{self, Scope, Sources, verify::Report},
};
use anyhow::{Context as _, bail};
use std::{
    io::{self, Write as _},
    path::{Path, PathBuf},
    process::ExitCode,
};

/// Who acts, in the audit log.
const ACTOR: &str = "command line";

/// Packs everything about a ticket, an account or a search into one archive that proves itself.
#[derive(Debug, clap::Args)]
#[command(
    args_conflicts_with_subcommands = true,
    after_help = "Examples:
  mailroom evidence --ticket MR-1001 --out MR-1001.zip
  mailroom evidence --query 'from:acme.example after:2025 before:2026' --out acme-2025.zip
  mailroom evidence verify MR-1001.zip"
)]
pub struct Args {
    #[command(subcommand)]
    command: Option<Command>,

    /// A ticket.
    #[arg(long, value_name = "REFERENCE")]
    ticket: Option<String>,

    /// All tickets of a customer, by our number for it.
    #[arg(long, value_name = "NUMBER", conflicts_with = "ticket")]
    account: Option<String>,

    /// The messages that a search finds, and their tickets.
    #[arg(long, value_name = "QUERY", conflicts_with_all = ["ticket", "account"])]
    query: Option<String>,

    /// File to write; it must not exist.
    #[arg(long, value_name = "FILE.zip")]
    out: Option<PathBuf>,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    /// Checks a bundle: hashes, names, and the links of the audit chain. Needs no site.
    #[command(after_help = "Example:\n  mailroom evidence verify MR-1001.zip")]
    Verify {
        /// The bundle.
        #[arg(value_name = "FILE.zip")]
        bundle: PathBuf,

        /// Print the report as one JSON object.
        #[arg(long)]
        json: bool,
    },
}

/// Makes or verifies a bundle; only making one opens the site.
pub async fn run(args: Args, config: impl FnOnce() -> anyhow::Result<Config>) -> anyhow::Result<ExitCode> {
    if let Some(Command::Verify { bundle, json }) = &args.command {
        return verify(bundle, *json);
    }
    let (scope, out) = asked(&args)?;
    let app = App::open(config()?).await?;
    let now = app.now();
    let sources = Sources { store: &app.store, blob: &app.blob, index: &app.index, now: &now };
    let made = evidence::make(sources, &scope, ACTOR, clock::now_ms(), &out).await?;
    let mut to = io::stdout().lock();
    writeln!(to, "{}: {} messages in {} files", out.display(), made.messages, made.files)?;
    writeln!(to, "SHA-256 of its manifest, also in the audit log: {}", made.manifest_sha256)?;
    for missing in &made.missing {
        writeln!(to, "missing: {missing}")?;
    }
    Ok(if made.missing.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn asked(args: &Args) -> anyhow::Result<(Scope, PathBuf)> {
    let scope = match (&args.ticket, &args.account, &args.query) {
        (Some(reference), _, _) => {
            let digits = reference.trim_start_matches("MR-");
            let number = digits.parse();
            Scope::Ticket(
                number
                    .ok()
                    .with_context(|| format!("{reference} is no ticket reference: write it like MR-1001"))?,
            )
        }
        (_, Some(number), _) => Scope::Account(number.clone()),
        (_, _, Some(query)) => Scope::Query(query.clone()),
        _ => bail!("say what the bundle is about: --ticket MR-1001, --account NUMBER or --query QUERY"),
    };
    let out = args.out.clone().context("say where to write the bundle: --out FILE.zip")?;
    Ok((scope, out))
}

fn verify(bundle: &Path, json: bool) -> anyhow::Result<ExitCode> {
    let report = evidence::verify::verify(bundle)?;
    let mut to = io::stdout().lock();
    if json {
        writeln!(to, "{}", serde_json::to_string(&report)?)?;
    } else {
        print(&mut to, &report)?;
    }
    Ok(if report.is_sound() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn print(to: &mut impl io::Write, report: &Report) -> io::Result<()> {
    for problem in &report.problems {
        writeln!(to, "NOT AS IT WAS MADE: {problem}")?;
    }
    for missing in &report.missing {
        writeln!(to, "missing since before it was made: {missing}")?;
    }
    writeln!(to, "made {} by {}", report.made, report.program)?;
    writeln!(to, "{} files and {} messages are as they were", report.files, report.messages)?;
    writeln!(
        to,
        "{} audit rows are bound to their hashes, {} pairs to each other; {} gaps where rows about other matters are left out",
        report.audit_rows,
        report.audit_links,
        report.audit_gaps.len()
    )?;
    writeln!(to, "SHA-256 of the manifest; compare it with the site's audit log: {}", report.manifest_sha256)
}
