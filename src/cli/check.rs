//! `mailroom check`: tries every configured part, and says what is wrong and how to mend it.

use crate::{
    app::App,
    clock, config,
    config::Config,
    jobs::{credential, intake, send_outbox},
    oauth::openid::Provider,
};
use std::process::ExitCode;

/// Tries each configured part: database, bytes, index, readers, mailboxes, outgoing mail, templates.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  mailroom check\n  mailroom check --example > mailroom.toml   # every key, with its default and what it does"
)]
pub struct Args {
    /// Print a commented configuration with every key, and leave.
    #[arg(long)]
    example: bool,

    /// Print one JSON object for each part.
    #[arg(long)]
    json: bool,
}

/// What came of trying the parts.
struct Checked {
    json: bool,
    failed: bool,
}

impl Checked {
    #[expect(clippy::print_stdout, reason = "standard output is what was asked for")]
    fn say(&mut self, part: &str, result: anyhow::Result<String>) {
        let (ok, text) = match result {
            Ok(text) => (true, text),
            Err(error) => (false, format!("{error:#}")),
        };
        self.failed |= !ok;
        if self.json {
            println!("{}", serde_json::json!({"part": part, "ok": ok, "text": text}));
        } else {
            println!("{} {part}: {text}", if ok { "ok    " } else { "FAILED" });
        }
    }
}

/// Tries every part, and reports each.
#[expect(clippy::print_stdout, reason = "standard output is what was asked for")]
pub async fn run(args: Args, config: anyhow::Result<Config>) -> anyhow::Result<ExitCode> {
    if args.example {
        print!("{}", config::EXAMPLE);
        return Ok(ExitCode::SUCCESS);
    }
    let mut checked = Checked { json: args.json, failed: false };
    let config = match config {
        Ok(config) => {
            checked.say("configuration", Ok("every key is known".to_owned()));
            config
        }
        Err(error) => {
            checked.say("configuration", Err(error));
            return Ok(ExitCode::FAILURE);
        }
    };
    match App::open(config).await {
        Err(error) => checked.say("site", Err(error)),
        Ok(app) => {
            check_mailboxes(&mut checked, &app).await;
            checked.say("outgoing mail", check_mail_out(&app).await);
            check_dkim(&mut checked, &app).await;
            check_site(&mut checked, &app).await;
        }
    }
    Ok(if checked.failed { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}

async fn check_mailboxes(checked: &mut Checked, app: &App) {
    let settings = match app.settings().await {
        Ok(settings) => settings,
        Err(error) => return checked.say("mailboxes", Err(error)),
    };
    for mailbox in &settings.config.mailbox {
        let tried = async {
            let mut open = intake::connect(app, mailbox).await?;
            let mut counts = Vec::new();
            for folder in mailbox.folders() {
                let state = open.select(&folder).await?;
                counts.push(format!("{folder} holds {} messages", state.exists));
            }
            let row = app.store.read().await?.find_credential(&mailbox.name).await?;
            if let Some(days) = credential::days_left(mailbox, row.as_ref(), clock::now_ms()) {
                counts.push(format!("the sign-in ends in {days} days if nobody does anything"));
            }
            Ok(counts.join(", "))
        };
        checked.say(&format!("mailbox {}", mailbox.name), tried.await);
    }
}

/// What the pages changed, and whether it can still count.
async fn check_settings(app: &App) -> anyhow::Result<String> {
    let wrong = app.settings().await?.wrong.clone();
    if !wrong.is_empty() {
        let wrong: Vec<String> = wrong.iter().map(|(name, reason)| format!("{name} ({reason})")).collect();
        anyhow::bail!(
            "what was set on the pages cannot count any more, so the file counts: {}; set it anew there",
            wrong.join(", ")
        );
    }
    let mut db = app.store.read().await?;
    let mut names: Vec<String> = db.list_settings().await?.into_iter().map(|row| row.name).collect();
    let letters = db.list_templates().await?.into_iter().filter(|row| !row.source.is_empty());
    let mailboxes = db.list_mailboxes().await?.into_iter().filter(|row| row.removed_ms.is_none());
    names.extend(mailboxes.map(|row| format!("mailbox {}", row.name)));
    names.extend(letters.map(|row| format!("letter {}/{}", row.name, row.language)));
    Ok(if names.is_empty() {
        "the configuration file counts everywhere".to_owned()
    } else {
        format!("the pages count before the configuration file for: {}", names.join(", "))
    })
}

async fn check_mail_out(app: &App) -> anyhow::Result<String> {
    send_outbox::sign_in(app).await?;
    app.mailer.check().await?;
    Ok("mail could leave now".to_owned())
}

/// Whether our mail is signed, and what has to stand in the DNS for it.
async fn check_dkim(checked: &mut Checked, app: &App) {
    for signer in &app.signers {
        let record = signer.record();
        let text = format!(
            "the key loads; the DNS should have a TXT record at {} that says: {}",
            record.name, record.text
        );
        checked.say(&format!("DKIM {}", signer.domain()), Ok(text));
    }
    let unsigned = async {
        let from = app.settings().await?.config.mail_out.sender();
        if !app.signers.iter().any(|signer| signer.is_for(&from.domain())) {
            anyhow::bail!(
                "mail from {} is not signed: no mail_out.dkim has the domain {} or one above it",
                from.email,
                from.domain()
            );
        }
        Ok(format!("mail from {} is signed", from.email))
    };
    if !app.signers.is_empty() {
        checked.say("DKIM", unsigned.await);
    }
}

async fn check_site(checked: &mut Checked, app: &App) {
    let counted = async {
        let (accounts, items) = app.store.read().await?.count_known().await?;
        if accounts == 0 || items == 0 {
            return Ok(format!(
                "{accounts} accounts and {items} catalogue items: load them with `mailroom import`, so that drafts can be checked"
            ));
        }
        Ok(format!("{accounts} accounts and {items} catalogue items"))
    };
    checked.say("database", counted.await);
    checked.say("settings", check_settings(app).await);
    let probe = async {
        let sha256 = app.blob.put(b"mailroom check\n").await?;
        app.blob.get(&sha256).await?;
        Ok("bytes can be kept and read".to_owned())
    };
    checked.say("blob store", probe.await);
    if let Some(openid) = &app.config.sign_in.openid {
        let tried = async {
            let secret = openid.client_secret.as_ref().map(config::resolve).transpose()?;
            Provider::discover(openid, secret.as_ref()).await?;
            Ok(format!("{} tells how people sign in there", openid.issuer))
        };
        checked.say("sign-in", tried.await);
    }
    checked.say("search index", Ok(format!("{} messages indexed", app.index.count())));
    let protections = async { Ok(app.reader.protections().await?.join("; ")) };
    checked.say("readers", protections.await);
}
