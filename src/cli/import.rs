//! `mailroom import`: accounts and catalogue from CSV.

use crate::{app::App, clock, model::finding::Finding, validate::master_data};
use anyhow::Context as _;
use std::{
    path::{Path, PathBuf},
    process::ExitCode,
};

/// Loads customers and goods from CSV files; loading again brings them up to date.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Example:\n  mailroom import --accounts accounts.csv --catalogue catalogue.csv\n\nColumns of accounts: account_no, name, aliases, country, language, currency, payment_terms, bill_to, ship_to, email_domain, contacts, tax_id\nColumns of the catalogue: sku, description, description_de…, unit, price_EUR…, customer_prices, customer_skus\nLists inside a cell are separated by |; customer_prices and customer_skus are account_no=value."
)]
pub struct Args {
    /// CSV file with customers.
    #[arg(long, value_name = "CSV", required_unless_present = "catalogue")]
    accounts: Option<PathBuf>,

    /// CSV file with goods.
    #[arg(long, value_name = "CSV")]
    catalogue: Option<PathBuf>,
}

/// Loads what the arguments name.
#[expect(clippy::print_stdout, clippy::print_stderr, reason = "a command line speaks to its user")]
pub async fn run(args: Args, app: &App) -> anyhow::Result<ExitCode> {
    let mut findings = Vec::new();
    if let Some(path) = &args.accounts {
        let (count, found) = accounts(app, path).await?;
        println!("{count} accounts loaded");
        findings.extend(found);
    }
    if let Some(path) = &args.catalogue {
        let (count, found) = catalogue(app, path).await?;
        println!("{count} catalogue items loaded");
        findings.extend(found);
    }
    for finding in &findings {
        eprintln!("mailroom: {}", finding.message);
    }
    Ok(if findings.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Loads customers; rows that cannot be read are findings.
pub async fn accounts(app: &App, path: &Path) -> anyhow::Result<(usize, Vec<Finding>)> {
    let bytes = std::fs::read(path).with_context(|| format!("failed to read {}", path.display()))?;
    let (accounts, findings) = master_data::parse_accounts_csv(&bytes);
    let mut tx = app.store.begin().await?;
    tx.save_accounts(&accounts, clock::now_ms()).await?;
    tx.commit().await.context("failed to keep the accounts")?;
    Ok((accounts.len(), findings))
}

/// Loads goods in place of those that were there; rows that cannot be read are findings.
pub async fn catalogue(app: &App, path: &Path) -> anyhow::Result<(usize, Vec<Finding>)> {
    let bytes = std::fs::read(path).with_context(|| format!("failed to read {}", path.display()))?;
    let (items, findings) = master_data::parse_catalogue_csv(&bytes);
    let mut tx = app.store.begin().await?;
    tx.replace_catalogue(&items, clock::now_ms()).await?;
    tx.commit().await.context("failed to keep the catalogue")?;
    Ok((items.len(), findings))
}
