//! `mailroom demo`: the whole service on embedded defaults with the sample mailbox.
//!
//! Everything lies in one folder that is made anew at each start; replies are written to a folder, nothing leaves.

use crate::{
    app::App,
    cli::{import, progress, report, serve, user},
    config::Config,
    jobs,
    jobs::intake,
    mailbox, reply,
    store::person::Role,
    web::password,
};
use anyhow::{Context as _, bail};
use serde::Deserialize;
use std::{
    path::{Path, PathBuf},
    process::ExitCode,
    sync::Arc,
};

/// Marks a folder as one that this command made, and may delete.
const MARKER: &str = ".mailroom-demo";

/// Name to sign in with.
const PERSON: &str = "demo";

/// The whole service on embedded defaults with a sample mailbox.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  mailroom demo          # process the sample mailbox, then serve the pages until stopped\n  mailroom demo --exit   # stop after processing"
)]
pub struct Args {
    /// Stop after processing.
    #[arg(long)]
    exit: bool,

    /// Folder with the sample: `mailbox/`, `accounts.csv`, `catalogue.csv`, `site.json`.
    #[arg(long, value_name = "DIR", default_value = "fixtures/demo")]
    sample: PathBuf,

    /// Folder for the demonstration's data; made anew.
    #[arg(long, value_name = "DIR", default_value = "demo-data")]
    data: PathBuf,

    /// Address and port of the pages.
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:8025")]
    listen: String,

    /// Print what became of each message as JSON, one object a line.
    #[arg(long)]
    json: bool,
}

/// Who the sample's site is.
#[derive(Debug, Deserialize)]
struct SampleSite {
    name: String,
    names: Vec<String>,
    from: String,
    #[serde(default)]
    addresses: Vec<String>,
}

/// Processes the sample mailbox, prints what became of it, and serves the pages.
#[expect(clippy::print_stdout, reason = "standard output is what was asked for")]
pub async fn run(args: Args) -> anyhow::Result<ExitCode> {
    clear(&args.data)?;
    let config = configure(&args)?;
    let mailbox = config.mailbox.first().context("the demonstration has a mailbox")?.clone();
    let app = Arc::new(App::open(config).await?);
    import::accounts(&app, &args.sample.join("accounts.csv")).await?;
    import::catalogue(&app, &args.sample.join("catalogue.csv")).await?;
    let password = password::fresh();
    user::add(&app.store, PERSON, Role::Administrator, &password).await?;

    let taken = intake::poll_once(&app, &mailbox).await?;
    let bar = progress::bar(taken.stored - taken.duplicates, "processing");
    jobs::run_until_idle(&app, |done| bar.inc(done)).await?;
    bar.finish_and_clear();

    let report = report::Report::of(&app, &mailbox).await?;
    report.print(args.json)?;
    if !args.json {
        println!("\nReplies lie in {}", app.config.mail_out.directory.display());
    }
    if args.exit {
        return Ok(if report.unaccounted() == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE });
    }
    println!(
        "Pages:   {}\nSign in: {PERSON} / {}\nStop with Ctrl-C.",
        app.config.web.base_url,
        password.reveal()
    );
    serve::until_stopped(&app).await?;
    Ok(ExitCode::SUCCESS)
}

/// Deletes what an earlier demonstration left, and nothing else.
fn clear(data: &Path) -> anyhow::Result<()> {
    if data.exists() {
        if !data.join(MARKER).exists() {
            bail!(
                "{} exists and is not an earlier demonstration: choose another folder with --data",
                data.display()
            );
        }
        std::fs::remove_dir_all(data).with_context(|| format!("failed to clear {}", data.display()))?;
    }
    std::fs::create_dir_all(data).with_context(|| format!("failed to make {}", data.display()))?;
    std::fs::write(data.join(MARKER), "made by mailroom demo\n").context("failed to mark the folder")
}

fn configure(args: &Args) -> anyhow::Result<Config> {
    let path = args.sample.join("site.json");
    let text = std::fs::read_to_string(&path).with_context(|| {
        format!(
            "failed to read {}: run this in the project's folder, or name the sample with --sample",
            path.display()
        )
    })?;
    let site: SampleSite =
        serde_json::from_str(&text).with_context(|| format!("{} is not as expected", path.display()))?;
    let mut config = Config::default();
    config.site.name.clone_from(&site.name);
    config.site.names = site.names;
    config.site.addresses = site.addresses;
    config.site.data_dir.clone_from(&args.data);
    config.mailbox = vec![mailbox::Config {
        name: "sample".to_owned(),
        kind: mailbox::Kind::Maildir,
        path: args.sample.join("mailbox"),
        ..mailbox::Config::default()
    }];
    config.mail_out = reply::Config {
        kind: reply::Kind::Directory,
        directory: args.data.join("outgoing"),
        from: site.from,
        from_name: site.name,
        ..reply::Config::default()
    };
    config.web.listen.clone_from(&args.listen);
    config.web.base_url = format!("http://{}", args.listen);
    Ok(config)
}
