//! Keeps mailboxes signed in: a token that is good now, the next one early, and a person's consent when all else fails.
//!
//! Does: refresh well before the end, one process at a time; keep what was given before it is used; record each failure in
//! words, so that the mailbox page and the home page tell of it while the token in use is still good.
//! Does not: open a transaction across the network.

use crate::{
    app::App,
    clock, mailbox,
    model::{oauth::Config, secret::Secret},
    oauth::{self, Client, Grant},
    store::{
        audit::Entry,
        credential::{CredentialRow, Tokens},
    },
};
use anyhow::{Context as _, bail};
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// A token that ends within this time is replaced, so that there is time to tell a person before the mailbox stands still.
const REFRESH_EARLY_MS: i64 = 10 * 60_000;

/// A token with less than this left is not used: the answer may take that long, and clocks differ.
const USABLE_MS: i64 = 60_000;

/// How long one process may take to ask for the next token.
const LEASE_MS: i64 = 60_000;

/// How often one waits for another to have asked, and how long in between.
const WAITS: u32 = 150;
const WAIT: Duration = Duration::from_millis(200);

/// How long an authorisation in a browser may take.
const CONSENT_MS: i64 = 30 * 60_000;

/// Days before an end that count as soon.
pub const SOON_DAYS: i64 = 14;

/// A token that opens the mailbox now. Asks for the next one if this one ends soon, or if it is the one that the server
/// `refused`: clocks differ, and providers withdraw tokens.
pub async fn token(app: &App, config: &mailbox::Config, refused: Option<&Secret>) -> anyhow::Result<Secret> {
    let name = config.name.as_str();
    for _ in 0..WAITS {
        let row = find(app, name).await?;
        let now_ms = clock::now_ms();
        let left_ms = row.tokens.access_ms - now_ms;
        let current = app.vault.open(&row.tokens.access_token, &purpose("access", name));
        let current = current.filter(|token| refused != Some(token));
        if let Some(token) = &current
            && left_ms > REFRESH_EARLY_MS
        {
            return Ok(token.clone());
        }
        if app.store.lease_credential(name, &row.tokens, &app.node.name, now_ms, LEASE_MS).await? {
            return match refresh(app, config, &row).await {
                Ok(token) => Ok(token),
                // Good for a while longer; the failure is recorded.
                Err(error) => current.filter(|_| left_ms > USABLE_MS).ok_or(error),
            };
        }
        if let Some(token) = current.filter(|_| left_ms > USABLE_MS) {
            return Ok(token);
        }
        tokio::time::sleep(WAIT).await;
    }
    bail!(
        "another process has been asking for the token of mailbox {name} for too long; it will be tried again"
    )
}

async fn find(app: &App, name: &str) -> anyhow::Result<CredentialRow> {
    let row = app.store.read().await?.find_credential(name).await.context("failed to look for a sign-in")?;
    row.with_context(|| {
        format!("mailbox {name} is not signed in yet: sign in on the mailbox page or with `mailroom mailbox authorise {name}`")
    })
}

/// Asks for the next token under the lease, and keeps it before anybody uses it.
async fn refresh(app: &App, config: &mailbox::Config, row: &CredentialRow) -> anyhow::Result<Secret> {
    let name = config.name.as_str();
    let asked = ask(app, config, row).await;
    let now_ms = clock::now_ms();
    let mut tx = app.store.begin().await?;
    match asked {
        Ok(grant) => {
            let tokens = sealed(app, config, &grant, now_ms, row.tokens.refresh_ms)?;
            if !tx.save_refreshed(name, &app.node.name, &tokens, now_ms).await? {
                tracing::warn!(mailbox = name, "somebody signed in while the next token was asked for");
            }
            tx.commit().await.context("failed to keep a token")?;
            Ok(grant.access_token)
        }
        Err(error) => {
            let needs_person = !error.is_transient();
            if needs_person && !row.needs_person {
                tracing::error!(mailbox = name, error = %error, "a mailbox has to be signed in again by a person");
            }
            tx.record_credential_error(name, &app.node.name, &error.to_string(), needs_person, now_ms)
                .await?;
            tx.commit().await.context("failed to record that a token could not be had")?;
            Err(anyhow::Error::new(error).context(format!("mailbox {name} cannot sign in")))
        }
    }
}

async fn ask(app: &App, config: &mailbox::Config, row: &CredentialRow) -> Result<Grant, oauth::Error> {
    let name = config.name.as_str();
    let refresh_token = app.vault.open(&row.tokens.refresh_token, &purpose("refresh", name));
    let refresh_token = refresh_token.ok_or_else(|| {
        oauth::Error::Ended(
            "nothing is kept that could get the next token, or the site's signing key was changed".to_owned(),
        )
    })?;
    client(app, config)?.refresh(&refresh_token).await
}

/// What asks the provider of a mailbox.
pub fn client(app: &App, config: &mailbox::Config) -> Result<Client, oauth::Error> {
    let settings = settings(config)?;
    let secret = settings.client_secret.as_ref().map(|secret| app.secret(secret)).transpose();
    let secret = secret.map_err(|error| oauth::Error::Settings(format!("{error:#}")))?;
    Client::new(settings, secret.as_ref())
}

fn settings(config: &mailbox::Config) -> Result<&Config, oauth::Error> {
    config.oauth.as_ref().ok_or_else(|| {
        oauth::Error::Settings(format!("mailbox {} has no `oauth` section in the configuration", config.name))
    })
}

fn purpose(what: &str, mailbox: &str) -> String {
    format!("oauth {what} {mailbox}")
}

/// Tokens as they are kept. `known_ms` is the end that the provider once gave to the refresh token.
fn sealed(
    app: &App,
    config: &mailbox::Config,
    grant: &Grant,
    now_ms: i64,
    known_ms: Option<i64>,
) -> anyhow::Result<Tokens> {
    let days = settings(config)?.refresh_days();
    let told_ms = grant.refresh_seconds.map(|seconds| now_ms + seconds * 1000);
    let (access, refresh) = (purpose("access", &config.name), purpose("refresh", &config.name));
    Ok(Tokens {
        access_token: app.vault.seal(grant.access_token.reveal(), &access),
        access_ms: now_ms + grant.access_seconds * 1000,
        refresh_token: grant
            .refresh_token
            .as_ref()
            .map_or_else(String::new, |token| app.vault.seal(token.reveal(), &refresh)),
        refresh_ms: told_ms.or_else(|| days.map(|days| now_ms + days * clock::DAY_MS)).or(known_ms),
    })
}

/// A person consented: keeps the tokens.
pub async fn keep(app: &App, config: &mailbox::Config, grant: &Grant, who: &str) -> anyhow::Result<()> {
    if grant.refresh_token.is_none() {
        bail!(
            "the provider gave no refresh token, so the sign-in would end within the hour: let `scope` ask for one (offline_access)"
        );
    }
    let now_ms = clock::now_ms();
    let tokens = sealed(app, config, grant, now_ms, None)?;
    let mut tx = app.store.begin().await?;
    tx.save_credential(&config.name, &tokens, who, now_ms).await?;
    tx.audit(Entry {
        at_ms: now_ms,
        actor: who.to_owned(),
        action: "sign in mailbox".to_owned(),
        subject_kind: "mailbox".to_owned(),
        subject_id: config.name.clone(),
        detail: String::new(),
    });
    tx.commit().await.context("failed to keep a sign-in")?;
    app.announce_work();
    Ok(())
}

/// What comes back with a person's consent: sealed, so that nobody else can make one.
#[derive(Debug, Serialize, Deserialize)]
struct Consent {
    mailbox: String,
    verifier: String,
    who: String,
    ends_ms: i64,
}

const CONSENT: &str = "oauth consent";

/// The address where a person consents, who comes back to `redirect`.
pub fn consent_address(
    app: &App,
    config: &mailbox::Config,
    redirect: &str,
    who: &str,
) -> anyhow::Result<String> {
    let consent = Consent {
        mailbox: config.name.clone(),
        verifier: oauth::verifier(),
        who: who.to_owned(),
        ends_ms: clock::now_ms() + CONSENT_MS,
    };
    let state = app.vault.seal(&serde_json::to_string(&consent)?, CONSENT);
    Ok(client(app, config)?.authorise_address(
        redirect,
        &state,
        &consent.verifier,
        ("login_hint", &config.user),
    )?)
}

/// A person came back with a code: keeps the tokens, and names the mailbox.
pub async fn consented(
    app: &App,
    state: &str,
    code: &str,
    redirect: &str,
    who: &str,
) -> anyhow::Result<String> {
    let consent = app.vault.open(state, CONSENT).context("this sign-in was not begun here: begin again")?;
    let consent: Consent = serde_json::from_str(consent.reveal())?;
    if consent.who != who || consent.ends_ms < clock::now_ms() {
        bail!("this sign-in was begun by somebody else, or too long ago: begin again");
    }
    let settings = app.settings().await?;
    let config = settings.config.mailbox(&consent.mailbox);
    let config = config.with_context(|| format!("mailbox {} is no longer configured", consent.mailbox))?;
    let grant = client(app, config)?.exchange(code, redirect, &consent.verifier).await?;
    keep(app, config, &grant, who).await?;
    Ok(consent.mailbox)
}

/// Days until the sign-in of a mailbox ends if nobody does anything: of the refresh token or of the application's secret,
/// whichever ends first.
pub fn days_left(config: &mailbox::Config, row: Option<&CredentialRow>, now_ms: i64) -> Option<i64> {
    let secret_ms = config.oauth.as_ref().and_then(Config::client_secret_expires_ms);
    let refresh_ms = row.and_then(|row| row.tokens.refresh_ms);
    secret_ms.into_iter().chain(refresh_ms).min().map(|end_ms| (end_ms - now_ms).div_euclid(clock::DAY_MS))
}
