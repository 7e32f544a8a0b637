//! `mailroom reprocess`: messages through the pipeline again.

use crate::{app::App, cli::progress, jobs, model::ids::MessageId, pipeline, store::message::MessageState};
use anyhow::bail;
use std::{process::ExitCode, sync::Arc};

/// Messages looked at together.
const PAGE_ROWS: u32 = 500;

/// Who acts, in the audit log.
const ACTOR: &str = "command line";

/// Puts messages through the pipeline again; tickets, decided drafts and answers stay.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  mailroom reprocess --quarantined\n  mailroom reprocess --ticket MR-1001"
)]
pub struct Args {
    /// All messages in quarantine.
    #[arg(long)]
    quarantined: bool,

    /// All messages of a ticket.
    #[arg(long, value_name = "REFERENCE")]
    ticket: Option<String>,

    /// One message by its id.
    #[arg(long, value_name = "ID")]
    message: Option<String>,
}

/// Queues the messages again and processes them.
#[expect(clippy::print_stdout, reason = "standard output is what was asked for")]
pub async fn run(args: Args, app: &Arc<App>) -> anyhow::Result<ExitCode> {
    let mut ids: Vec<MessageId> = args.message.iter().map(MessageId::new).collect();
    if let Some(reference) = &args.ticket {
        let digits = reference.trim_start_matches("MR-");
        let Ok(number) = digits.parse() else {
            bail!("{reference} is no ticket reference: write it like MR-1001")
        };
        let mut db = app.store.read().await?;
        let Some(ticket) = db.find_ticket_by_number(number).await? else {
            bail!("there is no ticket {reference}")
        };
        ids.extend(db.list_conversation(&ticket.id, PAGE_ROWS).await?.into_iter().map(|(row, _)| row.id));
    }
    if args.quarantined {
        let mut after = None;
        loop {
            let mut db = app.store.read().await?;
            let rows =
                db.list_messages_by_state(MessageState::Quarantined, after.as_ref(), PAGE_ROWS).await?;
            let Some(last) = rows.last() else { break };
            after = Some(last.id.clone());
            ids.extend(rows.into_iter().map(|row| row.id));
        }
    }
    if ids.is_empty() {
        bail!("nothing to do: name messages with --quarantined, --ticket or --message");
    }
    for id in &ids {
        pipeline::reprocess(app, id, ACTOR).await?;
    }
    let bar = progress::bar(ids.len() as u64, "processing");
    let done = jobs::run_until_idle(app, |done| bar.inc(done)).await?;
    bar.finish_and_clear();
    println!("{done} messages processed again");
    Ok(ExitCode::SUCCESS)
}
