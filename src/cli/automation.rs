//! `mailroom automation`: how drafts were decided, and what kept them from passing without a person.

use crate::{
    app::App,
    clock,
    pipeline::straight_through::{self, Report},
};
use std::process::ExitCode;

/// How many drafts passed or could have passed without a person, how many of those were wrong, and what held the rest.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  mailroom automation --days 30")]
pub struct Args {
    /// Looks at drafts decided in the last days.
    #[arg(long, default_value_t = 30, value_name = "DAYS")]
    days: i64,

    /// Print one JSON object.
    #[arg(long)]
    json: bool,
}

/// Counts and prints.
#[expect(clippy::print_stdout, reason = "a command line speaks to its user")]
pub async fn run(args: Args, app: &App) -> anyhow::Result<ExitCode> {
    let since_ms = clock::now_ms().saturating_sub(args.days.saturating_mul(clock::DAY_MS));
    let report = straight_through::report(app, since_ms).await?;
    if args.json {
        println!("{}", serde_json::to_string(&report)?);
    } else {
        print!("{}", told(&report, app.settings().await?.config.straight_through.enabled));
    }
    Ok(ExitCode::SUCCESS)
}

fn told(report: &Report, enabled: bool) -> String {
    let Report { decided, passed, unchanged, audited, audited_changed, .. } = report;
    let state = if enabled { "on" } else { "off (straight_through.enabled)" };
    let mut text = format!(
        "Straight-through approval is {state}.\n{decided} drafts decided, {passed} of them without a person, {unchanged} by a \
         person without a change.\n{audited} that could pass were decided by a person, who changed {audited_changed}.\n"
    );
    let effort = &report.effort;
    if effort.drafts > 0 {
        let seconds = effort.median_ms / 1000;
        text.push_str(&format!(
            "Half of the {} drafts that were measured took people at most {seconds} s, {} keystrokes and {} corrections.\n",
            effort.drafts, effort.median_keystrokes, effort.median_edits
        ));
    }
    let mut blockers: Vec<_> = report.blockers.iter().collect();
    blockers.sort_by_key(|(name, counts)| (std::cmp::Reverse(**counts), name.as_str()));
    for (name, [alone, all]) in blockers {
        text.push_str(&format!("  {all:>6} held by {name}, {alone} by that alone\n"));
    }
    text
}
