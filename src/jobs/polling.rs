//! One poller for each mailbox, in step with what the file and the pages say.
//!
//! A mailbox that was added is read within seconds, one that was changed anew, one that was paused or removed no longer. The
//! poller before has ended when the next one of that mailbox starts; none waits for another mailbox's.

use super::intake;
use crate::{app::App, mailbox::Config};
use std::{collections::BTreeMap, sync::Arc, time::Duration};
use tokio::{sync::watch, task::JoinHandle};

/// How often the settings are looked at.
const LOOK: Duration = Duration::from_secs(2);

/// A poller that runs, with what it goes by.
#[derive(Debug)]
struct Poller {
    config: Config,
    stop: watch::Sender<bool>,
    task: JoinHandle<()>,
}

impl Poller {
    fn start(app: &Arc<App>, config: &Config) -> Self {
        let (stop, stopped) = watch::channel(false);
        let task = tokio::spawn(intake::poll(Arc::clone(app), config.clone(), stopped));
        Self { config: config.clone(), stop, task }
    }
}

/// Keeps the pollers in step until told to stop; then waits for their ends.
pub(super) async fn keep(app: Arc<App>, mut stopped: watch::Receiver<bool>) {
    let mut pollers = BTreeMap::new();
    while !*stopped.borrow() {
        match app.settings().await {
            Ok(settings) => adjust(&app, &settings.config.mailbox, &mut pollers),
            Err(error) => {
                tracing::error!(error = format!("{error:#}"), "failed to ask which mailboxes are read");
            }
        }
        tokio::select! {
            () = tokio::time::sleep(LOOK) => {}
            _ = stopped.changed() => {}
        }
    }
    for poller in pollers.values() {
        poller.stop.send_replace(true);
    }
    for (name, poller) in pollers {
        if let Err(error) = poller.task.await {
            tracing::error!(mailbox = name, error = %error, "the poller of a mailbox died");
        }
    }
}

/// Stops what is no longer wanted as it is, and starts what is wanted and does not run: a poller that died, too.
fn adjust(app: &Arc<App>, configs: &[Config], pollers: &mut BTreeMap<String, Poller>) {
    let wanted = |config: &Config| !config.paused && configs.contains(config);
    for poller in pollers.values().filter(|poller| !wanted(&poller.config)) {
        poller.stop.send_replace(true);
    }
    pollers.retain(|_, poller| !poller.task.is_finished());
    for config in configs.iter().filter(|config| !config.paused) {
        pollers.entry(config.name.clone()).or_insert_with(|| Poller::start(app, config));
    }
}
