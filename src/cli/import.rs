//! `mailroom import`: accounts and catalogue from CSV.

use crate::{
    app::App,
    model::finding::Severity,
    pipeline::master_data::{self, Plan},
};
use anyhow::Context as _;
use std::{
    path::{Path, PathBuf},
    process::ExitCode,
};

/// Loads customers and goods from CSV files; loading again brings them up to date.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Example:\n  mailroom import --accounts accounts.csv --catalogue catalogue.csv --dry-run\n\nColumns of accounts: account_no, name, aliases, country, language, currency, payment_terms, bill_to, ship_to, email_domain, contacts, tax_id, credit_limit\nColumns of the catalogue: sku, description, description_de…, unit, price_EUR…, customer_prices, customer_skus, packs, min_quantity, pack_size, discontinued, replaced_by\nA column that is not in the file leaves what is kept; an empty cell empties it. Cells may be parted by commas, semicolons or tabs, in UTF-8, UTF-16 or Windows-1252.\nLists inside a cell are separated by |; customer_prices and customer_skus are account_no=value, packs unit=quantity."
)]
pub struct Args {
    /// CSV file with customers.
    #[arg(long, value_name = "CSV", required_unless_present = "catalogue")]
    accounts: Option<PathBuf>,

    /// CSV file with goods.
    #[arg(long, value_name = "CSV")]
    catalogue: Option<PathBuf>,

    /// Only say what would change.
    #[arg(long)]
    dry_run: bool,
}

/// Who acts, in the audit log.
const ACTOR: &str = "command line";

/// Loads what the arguments name.
pub async fn run(args: Args, app: &App) -> anyhow::Result<ExitCode> {
    let mut complete = true;
    if let Some(path) = &args.accounts {
        let plan = if args.dry_run {
            master_data::plan_accounts(&mut app.store.read().await?, &read(path)?).await?.0
        } else {
            accounts(app, path).await?
        };
        complete &= print(&plan, "accounts", args.dry_run);
    }
    if let Some(path) = &args.catalogue {
        let plan = if args.dry_run {
            master_data::plan_catalogue(&mut app.store.read().await?, &read(path)?).await?.0
        } else {
            catalogue(app, path).await?
        };
        complete &= print(&plan, "catalogue items", args.dry_run);
    }
    Ok(if complete { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn read(path: &Path) -> anyhow::Result<Vec<u8>> {
    std::fs::read(path).with_context(|| format!("failed to read {}", path.display()))
}

/// Says what an import did or would do; whether every row could be used.
#[expect(clippy::print_stdout, clippy::print_stderr, reason = "a command line speaks to its user")]
fn print(plan: &Plan, what: &str, dry_run: bool) -> bool {
    let would = if dry_run { "would be " } else { "" };
    println!(
        "{what}: {} {would}added, {} {would}changed, {} {would}removed, {} as before",
        plan.added.len(),
        plan.changed.len(),
        plan.removed.len(),
        plan.same
    );
    for changed in plan.changed.iter().filter(|_| dry_run) {
        for cell in &changed.cells {
            println!("  {} {}: {:?} -> {:?}", changed.key, cell.name, cell.before, cell.after);
        }
    }
    for (column, rows) in plan.emptied() {
        println!("  {column}: {would}emptied in {rows} rows");
    }
    if dry_run && !plan.absent.is_empty() {
        println!("  not in the file, left as they are: {}", plan.absent.join(", "));
    }
    if !plan.unread.is_empty() {
        eprintln!("mailroom: nobody reads the columns {}; look for a slip", plan.unread.join(", "));
    }
    for finding in &plan.findings {
        eprintln!("mailroom: {}", finding.message);
    }
    plan.findings.iter().all(|finding| finding.severity == Severity::Note)
}

/// Loads customers; rows that cannot be read are findings.
pub async fn accounts(app: &App, path: &Path) -> anyhow::Result<Plan> {
    master_data::import_accounts(app, &read(path)?, ACTOR).await
}

/// Loads goods in place of those that were there; rows that cannot be read are findings.
pub async fn catalogue(app: &App, path: &Path) -> anyhow::Result<Plan> {
    master_data::import_catalogue(app, &read(path)?, ACTOR).await
}
