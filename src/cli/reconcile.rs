//! `mailroom reconcile`: compares every mailbox with the ledger.

use crate::{app::App, jobs::intake};
use std::process::ExitCode;

/// Compares each mailbox on its server with the ledger; leaves with 0 only if every message has an outcome.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  mailroom reconcile || echo 'mail is missing'")]
pub struct Args {
    /// Print one JSON object for each folder.
    #[arg(long)]
    json: bool,
}

/// Compares and prints.
#[expect(clippy::print_stdout, clippy::print_stderr, reason = "a command line speaks to its user")]
pub async fn run(args: Args, app: &App) -> anyhow::Result<ExitCode> {
    let mut sound = true;
    for config in &app.settings().await?.config.mailbox {
        let mut mailbox = match intake::connect(app, config).await {
            Ok(mailbox) => mailbox,
            Err(error) => {
                eprintln!("mailroom: {error:#}");
                sound = false;
                continue;
            }
        };
        for folder in config.folders() {
            let found = intake::reconcile(app, config, &mut mailbox, &folder).await?;
            sound &= found.missing.is_empty() && found.under_way == 0;
            if args.json {
                println!("{}", serde_json::to_string(&found)?);
                continue;
            }
            println!(
                "{} {folder}: {} on the server, {} accounted for, {} under way, {} unaccounted",
                config.name,
                found.on_server,
                found.accounted,
                found.under_way,
                found.missing.len()
            );
            for uid in &found.missing {
                println!("  UID {uid} is on the server and not in the ledger: the next poll takes it in");
            }
        }
    }
    Ok(if sound { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
