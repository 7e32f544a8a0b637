//! `mailroom mailbox`: the sign-in of mailboxes, and one look at one of them.

use crate::{
    app::{App, Settings},
    clock, jobs,
    jobs::credential,
    mailbox,
    oauth::{Asked, Grant},
};
use anyhow::{Context as _, bail};
use std::{process::ExitCode, time::Duration};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
};

/// Who signs in, in the audit log.
const ACTOR: &str = "command line";

/// How long the browser is waited for.
const BROWSER_SECONDS: u64 = 15 * 60;

/// The most that is read of the browser's request.
const REQUEST_BYTES_MAX: usize = 16 * 1024;

/// Signs mailboxes in by OAuth 2.0, and looks into them.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  mailroom mailbox authorise orders             # a code to type on any device\n  mailroom mailbox authorise orders --browser   # a browser on this machine"
)]
pub struct Args {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, clap::Subcommand)]
enum Action {
    /// Asks a person to consent, and keeps the tokens.
    Authorise {
        /// Configured name of the mailbox.
        name: String,
        /// With a browser on this machine instead of a code.
        #[arg(long)]
        browser: bool,
    },
    /// Keeps and accounts for what is new in a mailbox; a running service processes it.
    Fetch {
        /// Configured name of the mailbox.
        name: String,
        /// Print one JSON object with the counts.
        #[arg(long)]
        json: bool,
    },
    /// How each mailbox is signed in.
    List {
        /// Print one JSON object for each mailbox.
        #[arg(long)]
        json: bool,
    },
}

/// Does what was asked for.
pub async fn run(args: Args, app: &App) -> anyhow::Result<ExitCode> {
    match args.action {
        Action::Authorise { name, browser } => authorise(app, &name, browser).await,
        Action::Fetch { name, json } => fetch(app, &name, json).await,
        Action::List { json } => list(app, json).await,
    }
}

fn find<'a>(settings: &'a Settings, name: &str) -> anyhow::Result<&'a mailbox::Config> {
    settings.config.mailbox(name).with_context(|| {
        format!("no mailbox is named {name:?}, neither in the configuration nor on the page Mailboxes")
    })
}

#[expect(clippy::print_stdout, reason = "standard output is what was asked for")]
async fn fetch(app: &App, name: &str, json: bool) -> anyhow::Result<ExitCode> {
    let settings = app.settings().await?;
    let config = find(&settings, name)?;
    let taken = jobs::intake::poll_once(app, config).await?;
    if json {
        let counts = serde_json::json!({"seen": taken.seen, "stored": taken.stored, "duplicates": taken.duplicates, "too_large": taken.too_large});
        println!("{counts}");
    } else {
        println!(
            "{} messages kept ({} of them had come before), {} too large",
            taken.stored, taken.duplicates, taken.too_large
        );
    }
    Ok(ExitCode::SUCCESS)
}

#[expect(clippy::print_stdout, reason = "a command line speaks to its user")]
async fn authorise(app: &App, name: &str, browser: bool) -> anyhow::Result<ExitCode> {
    let settings = app.settings().await?;
    let config = find(&settings, name)?;
    if browser {
        by_browser(app, config).await?;
    } else {
        let grant = by_device(app, config).await?;
        credential::keep(app, config, &grant, ACTOR).await?;
    }
    let mut open = jobs::intake::connect(app, config)
        .await
        .context("signed in, but the mail server does not let us in")?;
    for folder in config.folders() {
        let state = open.select(&folder).await?;
        println!("Mailbox {name} is signed in: {folder} holds {} messages.", state.exists);
    }
    Ok(ExitCode::SUCCESS)
}

#[expect(clippy::print_stdout, reason = "a command line speaks to its user")]
async fn by_device(app: &App, config: &mailbox::Config) -> anyhow::Result<Grant> {
    let client = credential::client(app, config)?;
    let device = client.begin_device().await.context("add --browser to sign in with a browser")?;
    println!(
        "Open {} on any device, sign in as {}, and type the code {}",
        device.address, config.user, device.user_code
    );
    let end_ms = clock::now_ms() + i64::try_from(device.seconds).unwrap_or(900).min(3_600) * 1000;
    let mut wait = device.interval;
    while clock::now_ms() < end_ms {
        tokio::time::sleep(wait).await;
        match client.ask_device(&device).await {
            Ok(Asked::Granted(grant)) => return Ok(grant),
            Ok(Asked::Pending(next)) => wait = next,
            Err(error) if error.is_transient() => wait = (wait * 2).min(Duration::from_mins(1)),
            Err(error) => return Err(error.into()),
        }
    }
    bail!("the code was not used in time: begin again")
}

/// A browser on this machine comes back to a loopback port (RFC 8252, 7.3).
#[expect(clippy::print_stdout, reason = "a command line speaks to its user")]
async fn by_browser(app: &App, config: &mailbox::Config) -> anyhow::Result<()> {
    let listener = TcpListener::bind("127.0.0.1:0").await.context("failed to open a loopback port")?;
    let redirect = format!("http://127.0.0.1:{}/", listener.local_addr()?.port());
    println!("Open this address in a browser on this machine, and sign in as {}:", config.user);
    println!("{}", credential::consent_address(app, config, &redirect, ACTOR)?);
    let came_back = async {
        loop {
            let (stream, _) = listener.accept().await?;
            if let Some(answer) = receive(stream).await? {
                return anyhow::Ok(answer);
            }
        }
    };
    let came_back = tokio::time::timeout(Duration::from_secs(BROWSER_SECONDS), came_back).await;
    let fields = came_back.context("nobody signed in in time: begin again")??;
    let value = |name: &str| fields.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str());
    let (Some(code), Some(state)) = (value("code"), value("state")) else {
        bail!(
            "the provider refused: {}",
            value("error_description").or(value("error")).unwrap_or("no reason given")
        );
    };
    credential::consented(app, state, code, &redirect, ACTOR).await?;
    Ok(())
}

/// The fields of the one request that matters; none for others, such as for an icon.
async fn receive(mut stream: TcpStream) -> anyhow::Result<Option<Vec<(String, String)>>> {
    let mut request = Vec::new();
    let mut piece = [0; 2048];
    while !request.windows(4).any(|end| end == b"\r\n\r\n") && request.len() < REQUEST_BYTES_MAX {
        let count = stream.read(&mut piece).await?;
        if count == 0 {
            break;
        }
        request.extend_from_slice(piece.get(..count).unwrap_or_default());
    }
    let text = String::from_utf8_lossy(&request);
    let target = text.split(' ').nth(1).unwrap_or_default();
    let fields = target.strip_prefix("/?").map(|query| {
        let pairs = query.split('&').filter_map(|pair| pair.split_once('='));
        pairs.map(|(name, value)| (decoded(name), decoded(value))).collect::<Vec<_>>()
    });
    let (status, words) = match &fields {
        Some(_) => ("200 OK", "Thank you. You may close this window and go back to the command line."),
        None => ("404 Not Found", "Nothing is here."),
    };
    let answer = format!(
        "HTTP/1.1 {status}\r\nContent-Type: text/plain\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{words}",
        words.len()
    );
    stream.write_all(answer.as_bytes()).await?;
    stream.shutdown().await?;
    Ok(fields)
}

/// `%20` and `+` decoded.
fn decoded(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        match byte {
            b'+' => bytes.push(b' '),
            b'%' => {
                let digits: Vec<u8> = rest.by_ref().take(2).collect();
                bytes.extend(hex::decode(digits).unwrap_or_default());
            }
            byte => bytes.push(byte),
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

#[expect(clippy::print_stdout, reason = "standard output is what was asked for")]
async fn list(app: &App, json: bool) -> anyhow::Result<ExitCode> {
    let mut sound = true;
    for config in &app.settings().await?.config.mailbox {
        let row = app.store.read().await?.find_credential(&config.name).await?;
        let days = credential::days_left(config, row.as_ref(), clock::now_ms());
        let state = match (&config.oauth, &row) {
            (None, _) => "password".to_owned(),
            (Some(_), None) => "not signed in".to_owned(),
            (Some(_), Some(row)) if !row.last_error.is_empty() => row.last_error.clone(),
            (Some(_), Some(row)) => format!("signed in by {}", row.granted_by),
        };
        sound &= config.oauth.is_none() || row.as_ref().is_some_and(|row| row.last_error.is_empty());
        if json {
            println!("{}", serde_json::json!({"mailbox": config.name, "state": state, "days_left": days}));
        } else {
            let left = days.map_or_else(String::new, |days| format!(", {days} days left"));
            println!("{}: {state}{left}", config.name);
        }
    }
    Ok(if sound { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_decoded() {
        for (text, expected) in [("a%2Fb+c", "a/b c"), ("%C3%A4", "ä"), ("50%", "50"), ("%zz1", "1")] {
            assert_eq!(decoded(text), expected, "{text}");
        }
    }
}
