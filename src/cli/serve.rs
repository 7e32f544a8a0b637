//! `mailroom serve`: the service.

use crate::{app::App, config::Config, jobs, jobs::intake, web};
use anyhow::Context as _;
use std::{process::ExitCode, sync::Arc};

/// The service: polls the mailboxes, processes, answers, and serves the pages until stopped.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  mailroom --config /etc/mailroom.toml serve")]
pub struct Args {
    /// Do what is due now (poll each mailbox once, process, send, index) and leave.
    #[arg(long)]
    once: bool,
}

/// Runs the service until it is told to stop.
pub async fn run(args: Args, config: Config) -> anyhow::Result<ExitCode> {
    let app = Arc::new(App::open(config).await?);
    jobs::recover(&app).await?;
    if args.once {
        let mut failed = false;
        let settings = app.settings().await?;
        for mailbox in settings.config.mailbox.iter().filter(|mailbox| !mailbox.paused) {
            if let Err(error) = intake::poll_once(&app, mailbox).await {
                tracing::error!(mailbox = mailbox.name, error = format!("{error:#}"), "intake failed");
                failed = true;
            }
        }
        jobs::run_until_idle(&app, |_| {}).await?;
        return Ok(if failed { ExitCode::FAILURE } else { ExitCode::SUCCESS });
    }
    until_stopped(&app).await?;
    Ok(ExitCode::SUCCESS)
}

/// Serves pages and background work until the process is asked to end.
pub async fn until_stopped(app: &Arc<App>) -> anyhow::Result<()> {
    let listen = &app.config.web.listen;
    let listener = tokio::net::TcpListener::bind(listen)
        .await
        .with_context(|| format!("failed to listen on {listen}; is another mailroom running there?"))?;
    let service = jobs::Service::start(app);
    tracing::info!(address = listen.as_str(), "serving");
    let served = web::serve(Arc::clone(app), listener, stop_asked()).await;
    service.stop().await;
    served
}

/// Returns when the process is interrupted or terminated.
async fn stop_asked() {
    #[cfg(unix)]
    {
        let Ok(mut terminate) = tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate())
        else {
            return;
        };
        tokio::select! {
            _ = tokio::signal::ctrl_c() => {}
            _ = terminate.recv() => {}
        }
    }
    #[cfg(not(unix))]
    if tokio::signal::ctrl_c().await.is_err() {
        std::future::pending::<()>().await;
    }
}
