//! A connection test: the whole way to a server, one step after the other, each with what came of it. Changes nothing.

use super::{Config, Imap, MailboxError, Secret};
use crate::mailbox::{Probed, Step, StepName, Tls};

/// What a server may offer beyond IMAP4rev1 and what this program has of it.
const OFFERS: [(StepName, &str); 3] =
    [(StepName::Idle, "IDLE"), (StepName::Condstore, "CONDSTORE"), (StepName::Move, "MOVE")];

/// Tries everything up to the first step that fails.
pub(in crate::mailbox) async fn probe(config: &Config, password: Option<&Secret>) -> Vec<Step> {
    let (host, port) = (config.host.as_str(), config.port());
    let mut steps = Vec::new();
    match tokio::net::lookup_host((host, port)).await {
        Ok(found) => {
            let addresses: Vec<String> = found.map(|address| address.ip().to_string()).take(4).collect();
            steps.push(Step::ok(StepName::Resolve, format!("{host}: {}", addresses.join(", "))));
        }
        Err(source) => {
            let error = MailboxError::Unresolved { host: host.to_owned(), source };
            steps.push(Step::failed(StepName::Resolve, &error));
            return steps;
        }
    }
    let opened = Imap::connect(config, password).await;
    let reached = opened.as_ref().err().map_or(StepName::Folder, step_of);
    let way = [
        (StepName::Connect, format!("port {port} answers")),
        (StepName::Tls, "the certificate is trusted and names the server".to_owned()),
        (StepName::SignIn, format!("as {}", config.user)),
    ];
    for (name, text) in way {
        if name == reached {
            break;
        }
        if name == StepName::Tls && config.tls == Tls::Plain {
            steps.push(Step { name, probed: Probed::NotOffered, text: "tls = \"plain\"".to_owned() });
        } else {
            steps.push(Step::ok(name, text));
        }
    }
    match opened {
        Ok(imap) => look_around(imap, config, &mut steps).await,
        Err(error) => steps.push(Step::failed(reached, &error)),
    }
    steps
}

/// The step at which a sign-in stopped.
fn step_of(error: &MailboxError) -> StepName {
    match error {
        MailboxError::Untrusted { .. } | MailboxError::Tls { .. } | MailboxError::NoStarttls { .. } => {
            StepName::Tls
        }
        MailboxError::LoginRejected { .. }
        | MailboxError::TokenRejected { .. }
        | MailboxError::Denied { verb: "log in", .. }
        | MailboxError::Timeout { verb: "log in", .. }
        | MailboxError::Broken { verb: "log in", .. } => StepName::SignIn,
        _ => StepName::Connect,
    }
}

async fn look_around(mut imap: Imap, config: &Config, steps: &mut Vec<Step>) {
    for folder in &config.folders {
        match imap.select(folder).await {
            Ok(state) => {
                steps.push(Step::ok(StepName::Folder, format!("{folder} holds {} messages", state.exists)));
            }
            Err(error) => steps.push(Step::failed(StepName::Folder, &error)),
        }
    }
    for (name, capability) in OFFERS {
        let offered = imap.capabilities.contains(capability);
        let probed = if offered { Probed::Works } else { Probed::NotOffered };
        steps.push(Step { name, probed, text: String::new() });
    }
    imap.close().await;
}
