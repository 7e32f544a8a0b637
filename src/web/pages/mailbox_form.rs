//! The form of a mailbox: typed, tried on its server, kept.

use crate::{
    config::mailboxes,
    jobs::intake,
    mailbox::{AfterKind, Config, Probed, Step, Tls},
    model::{
        oauth::{self, Provider},
        secret::{Secret, SecretRef},
    },
    pipeline::mailbox::{self, Refused},
    web::{
        Desk,
        error::PageError,
        frame::Frame,
        session::{Posted, Visit},
        views,
    },
};
use axum::{
    Extension,
    extract::{Path, State},
    http::StatusCode,
    response::{IntoResponse as _, Redirect, Response},
};
use serde_json::{Value, json};
use std::sync::Arc;

/// Folders of a server shown at most.
const FOLDERS_MAX: usize = 200;

/// Bytes in a megabyte, in which the page counts.
const MEGABYTE: u64 = 1024 * 1024;

/// Most megabytes of a message.
const MEGABYTES_MAX: u64 = 1024;

/// Between two looks at most: a day.
const POLL_SECONDS_MAX: u64 = 86_400;

/// What the form shows besides what was typed.
#[derive(Default)]
struct Told<'a> {
    /// The mailbox that is changed; none: a new one.
    was: Option<&'a str>,
    /// What a test found.
    steps: &'a [Step],
    /// Folders that the server has.
    folders: &'a [String],
    /// Why nothing was kept.
    refused: Option<Refused>,
    /// There is nothing to test before a person signed in.
    sign_in_first: bool,
}

/// `GET /mailboxes/new`
pub async fn blank(
    State(desk): State<Arc<Desk>>,
    Extension(visit): Extension<Visit>,
) -> Result<Response, PageError> {
    // Whoever connects a mailbox with years of mail in it does not want them answered.
    let today = desk.app.now().date().to_string();
    let config = Config { name: String::new(), history_before: Some(today), ..Config::default() };
    page(&desk, &visit, &config, Told::default()).await
}

/// `GET /mailboxes/{name}/edit`
pub async fn edit(
    State(desk): State<Arc<Desk>>,
    Extension(visit): Extension<Visit>,
    Path(name): Path<String>,
) -> Result<Response, PageError> {
    let rows = desk.app.store.read().await?.list_mailboxes().await?;
    let row = rows.iter().find(|row| row.name == name && row.removed_ms.is_none());
    // One that can no longer count is shown as it was kept, to be mended.
    let Ok(config) = serde_json::from_str(&row.ok_or(PageError::NotFound)?.config) else {
        return Err(PageError::refused(StatusCode::CONFLICT, "error.mailbox"));
    };
    page(&desk, &visit, &config, Told { was: Some(&name), ..Told::default() }).await
}

/// `POST /mailboxes`: tries a mailbox, or keeps it; one whose server does not let us in is kept only if that is asked for.
pub async fn save(
    State(desk): State<Arc<Desk>>,
    Extension(visit): Extension<Visit>,
    Extension(posted): Extension<Posted>,
) -> Result<Response, PageError> {
    let app = &desk.app;
    let was = Some(posted.text("was")).filter(|was| !was.is_empty());
    let told = |refused: Refused| Told { was, refused: Some(refused), ..Told::default() };
    let (config, wrong) = typed(&posted);
    let wrong = wrong.or_else(|| mailboxes::check(&config).err().map(|error| format!("{error:#}")));
    if let Some(wrong) = wrong {
        return page(&desk, &visit, &config, told(Refused::Wrong(wrong))).await;
    }
    let secret = secret(&desk, &posted, &config);
    let config = mailbox::with_secret(app, config, secret.as_ref()).await?;
    let only_test = posted.text("do") == "test";
    if only_test || (config.oauth.is_none() && posted.text("do") != "anyway") {
        if config.oauth.is_some() {
            // A person signs in first, and then the mailbox page has a test.
            return page(&desk, &visit, &config, Told { was, sign_in_first: true, ..Told::default() }).await;
        }
        if config.password.is_none() {
            return page(&desk, &visit, &config, told(Refused::NoPassword)).await;
        }
        let steps = intake::probe(app, &config).await;
        let fails = steps.iter().any(|step| step.probed == Probed::Fails);
        if only_test || fails {
            // servers count attempts to sign in: one that failed is not made again
            let folders = if fails { Vec::new() } else { folders(&desk, &config).await };
            return page(
                &desk,
                &visit,
                &config,
                Told { was, steps: &steps, folders: &folders, ..Told::default() },
            )
            .await;
        }
    }
    match mailbox::save(app, &config, was, &visit.name).await? {
        Ok(()) => Ok(Redirect::to("/mailboxes?done=mailbox_saved").into_response()),
        Err(refused) => page(&desk, &visit, &config, told(refused)).await,
    }
}

/// The folders of the server, if it lets us in.
async fn folders(desk: &Desk, config: &Config) -> Vec<String> {
    let Ok(mut open) = intake::connect(&desk.app, config).await else { return Vec::new() };
    let mut folders = open.folders().await.unwrap_or_default();
    folders.truncate(FOLDERS_MAX);
    open.close().await;
    folders
}

/// `POST /mailboxes/{name}/remove`
pub async fn remove(
    State(desk): State<Arc<Desk>>,
    Extension(visit): Extension<Visit>,
    Path(name): Path<String>,
) -> Result<Response, PageError> {
    match mailbox::remove(&desk.app, &name, &visit.name).await? {
        Ok(()) => Ok(Redirect::to("/mailboxes?done=mailbox_removed").into_response()),
        Err(Refused::Gone) => Err(PageError::NotFound),
        // outgoing mail needs it
        Err(_) => Err(PageError::refused(StatusCode::CONFLICT, "error.mailbox")),
    }
}

/// What was typed; with what is wrong with it, in words.
fn typed(posted: &Posted) -> (Config, Option<String>) {
    let text = |name: &str| posted.text(name).to_owned();
    let mut wrong = None;
    let mut number = |name: &str, least: u64, most: u64, default: u64| match posted.text(name) {
        "" => default,
        typed => typed.parse().ok().filter(|n| (least..=most).contains(n)).unwrap_or_else(|| {
            wrong.get_or_insert(format!("{name} must lie between {least} and {most}, not {typed:?}"));
            default
        }),
    };
    let defaults = Config::default();
    let port = number("port", 1, 65_535, 0);
    let poll_seconds = number("poll_seconds", 5, POLL_SECONDS_MAX, defaults.poll_seconds);
    let megabytes = number("megabytes", 1, MEGABYTES_MAX, defaults.bytes_max / MEGABYTE);
    let provider = match posted.text("sign_in") {
        "microsoft" => Some(Provider::Microsoft),
        "google" => Some(Provider::Google),
        _ => None,
    };
    let oauth = provider.map(|provider| oauth::Config {
        provider,
        tenant: text("tenant"),
        client_id: text("client_id"),
        client_secret_expires: Some(text("client_secret_expires")).filter(|day| !day.is_empty()),
        ..oauth::Config::default()
    });
    let folders: Vec<String> = posted
        .text("folders")
        .lines()
        .map(|line| line.trim().to_owned())
        .filter(|line| !line.is_empty())
        .collect();
    let config = Config {
        name: text("name"),
        host: text("host"),
        port: u16::try_from(port).ok().filter(|port| *port > 0),
        tls: named(posted.text("tls")).unwrap_or(Tls::Implicit),
        user: text("user"),
        oauth,
        folders: if folders.is_empty() { defaults.folders.clone() } else { folders },
        after: named(posted.text("after")).unwrap_or(AfterKind::Nothing),
        flag: Some(text("flag")).filter(|flag| !flag.is_empty()).unwrap_or_else(|| defaults.flag.clone()),
        move_to: text("move_to"),
        poll_seconds,
        bytes_max: megabytes * MEGABYTE,
        history_before: Some(text("history_before")).filter(|day| !day.is_empty()),
        paused: posted.has("paused", "true"),
        ..defaults
    };
    (config, wrong)
}

/// A name of the configuration file.
fn named<T: serde::de::DeserializeOwned>(name: &str) -> Option<T> {
    serde_json::from_value(Value::from(name)).ok()
}

/// The secret that was typed, now or before a test: it comes back sealed, and for the same server and account only.
fn secret(desk: &Desk, posted: &Posted, config: &Config) -> Option<Secret> {
    let field = if config.oauth.is_some() { "client_secret" } else { "password" };
    match posted.raw(field) {
        "" => desk.app.vault.open(posted.text("sealed"), &mailboxes::purpose(config)),
        typed => Some(Secret::new(typed)),
    }
}

async fn page(desk: &Desk, visit: &Visit, config: &Config, told: Told<'_>) -> Result<Response, PageError> {
    let frame = Frame::load(desk, visit, "mailboxes").await?;
    let Told { was, steps, folders, refused, sign_in_first } = told;
    let sealed = match config.secret() {
        Some(SecretRef::Sealed { text, .. }) => text.as_str(),
        _ => "",
    };
    let fails = steps.iter().any(|step| step.probed == Probed::Fails);
    let status = if fails || refused.is_some() { StatusCode::UNPROCESSABLE_ENTITY } else { StatusCode::OK };
    let refused = refused.map(|refused| match refused {
        Refused::Gone => ("gone", String::new()),
        Refused::Taken => ("taken", String::new()),
        Refused::NoPassword => ("no_password", String::new()),
        Refused::OfAccount(account) => ("of_account", account),
        Refused::Wrong(text) => ("wrong", text),
    });
    let refused = refused.map(|(why, what)| json!({ "why": why, "what": what }));
    let context = json!({
        "frame": frame, "was": was, "mailbox": config, "sealed": sealed, "megabytes": config.bytes_max / MEGABYTE,
        "steps": steps, "fails": fails, "folders": folders, "refused": refused, "sign_in_first": sign_in_first,
        "redirect": super::mailbox::redirect(desk),
    });
    views::page_with(status, "mailbox.html", context)
}
