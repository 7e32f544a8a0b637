//! `mailroom user`: who may sign in to the pages.
//!
//! Passwords come from a variable, from a file, or are made and printed once; only their argon2id hash is kept. A
//! changed password and a disabled person end all their sessions.

use crate::{
    clock,
    model::secret::{Secret, SecretRef},
    store::{
        Store,
        audit::Entry,
        person::{Person, Role},
    },
    web::password,
};
use anyhow::{Context as _, bail};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use clap::{Subcommand, ValueEnum};
use std::{path::PathBuf, process::ExitCode};

/// Who acts, in the audit log.
const ACTOR: &str = "command line";

/// Longest name.
const NAME_CHARS_MAX: usize = 100;

/// Random bytes of a password that the program makes: 120 bits, 20 characters.
const PASSWORD_BYTES: usize = 15;

/// Adds, lists and disables people who sign in, and changes their passwords.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  mailroom user add anna --role administrator\n  mailroom user password anna --password-file anna.txt\n  mailroom user disable anna"
)]
pub struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Adds a person; prints a fresh password unless one is given.
    Add {
        /// What is typed to sign in.
        name: String,
        /// What the person may do.
        #[arg(long, value_enum, default_value_t = RoleArg::Staff)]
        role: RoleArg,
        #[command(flatten)]
        password: PasswordArgs,
    },
    /// Lists everyone.
    List {
        /// Print one JSON object for each person.
        #[arg(long)]
        json: bool,
    },
    /// Lets a person sign in no more, and ends all sessions.
    Disable {
        /// The person.
        name: String,
    },
    /// Lets a disabled person sign in again.
    Enable {
        /// The person.
        name: String,
    },
    /// Changes a password, and ends all sessions; prints a fresh one unless one is given.
    Password {
        /// The person.
        name: String,
        #[command(flatten)]
        password: PasswordArgs,
    },
}

#[derive(Debug, clap::Args)]
struct PasswordArgs {
    /// Take the password from this environment variable.
    #[arg(long, value_name = "NAME", conflicts_with = "password_file")]
    password_env: Option<String>,
    /// Take the password from the first line of this file.
    #[arg(long, value_name = "FILE")]
    password_file: Option<PathBuf>,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum RoleArg {
    /// Everything.
    Administrator,
    /// Tickets, drafts and search.
    Staff,
}

impl From<RoleArg> for Role {
    fn from(role: RoleArg) -> Self {
        match role {
            RoleArg::Administrator => Self::Administrator,
            RoleArg::Staff => Self::Staff,
        }
    }
}

/// Does what was asked. `resolve` reads a secret from the environment or a file.
#[expect(clippy::print_stdout, reason = "standard output is what was asked for")]
pub async fn run(
    args: Args,
    store: &Store,
    resolve: impl Fn(&SecretRef) -> anyhow::Result<Secret>,
) -> anyhow::Result<ExitCode> {
    match args.command {
        Command::Add { name, role, password } => {
            let (password, made) = choose(&password, resolve)?;
            add(store, &name, role.into(), &password).await?;
            if made {
                println!("{name} signs in with {}", password.reveal());
            }
        }
        Command::List { json } => {
            for person in store.read().await?.list_people().await? {
                println!("{}", if json { as_json(&person) } else { as_text(&person) });
            }
        }
        Command::Disable { name } => disable(store, &name, true).await?,
        Command::Enable { name } => disable(store, &name, false).await?,
        Command::Password { name, password } => {
            let (password, made) = choose(&password, resolve)?;
            change_password(store, &name, &password).await?;
            if made {
                println!("{name} signs in with {}", password.reveal());
            }
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// The password that the arguments name, or a fresh one and `true`.
fn choose(
    args: &PasswordArgs,
    resolve: impl Fn(&SecretRef) -> anyhow::Result<Secret>,
) -> anyhow::Result<(Secret, bool)> {
    let named = args.password_env.clone().map(SecretRef::Env);
    match named.or_else(|| args.password_file.clone().map(SecretRef::File)) {
        Some(reference) => Ok((resolve(&reference)?, false)),
        None => Ok((make_password(), true)),
    }
}

/// A fresh password that nobody can guess.
pub fn make_password() -> Secret {
    Secret::new(URL_SAFE_NO_PAD.encode(clock::random_bytes::<PASSWORD_BYTES>()))
}

fn hash(password: &Secret) -> anyhow::Result<String> {
    let password = password.reveal();
    if password.chars().count() < password::PASSWORD_CHARS_MIN {
        bail!("a password needs {} characters or more", password::PASSWORD_CHARS_MIN);
    }
    if password.len() > password::PASSWORD_BYTES_MAX {
        bail!("a password may have {} bytes at most", password::PASSWORD_BYTES_MAX);
    }
    password::hash(password)
}

fn entry(action: &str, person: &str, detail: &str) -> Entry {
    Entry {
        at_ms: clock::now_ms(),
        actor: ACTOR.to_owned(),
        action: action.to_owned(),
        subject_kind: "person".to_owned(),
        subject_id: person.to_owned(),
        detail: detail.to_owned(),
    }
}

/// Adds a person who signs in.
pub async fn add(store: &Store, name: &str, role: Role, password: &Secret) -> anyhow::Result<()> {
    let trimmed = name.trim();
    if trimmed.is_empty() || trimmed != name || name.chars().any(char::is_control) {
        bail!("a name needs visible characters, without blanks around them");
    }
    if name.chars().count() > NAME_CHARS_MAX {
        bail!("a name may have {NAME_CHARS_MAX} characters at most");
    }
    let hash = hash(password)?;
    let mut tx = store.begin().await?;
    if tx.insert_person(name, &hash, role, clock::now_ms()).await?.is_none() {
        bail!("{name} exists already: see `mailroom user list`");
    }
    tx.audit(entry("add_person", name, role.as_str()));
    tx.commit().await.context("failed to add a person")
}

/// Lets a person sign in no more, or again.
pub async fn disable(store: &Store, name: &str, disabled: bool) -> anyhow::Result<()> {
    let person = find(store, name).await?;
    let mut tx = store.begin().await?;
    tx.save_person_disabled(&person.id, disabled).await?;
    tx.audit(entry(if disabled { "disable_person" } else { "enable_person" }, name, ""));
    tx.commit().await.context("failed to save a person")
}

/// Changes a password.
pub async fn change_password(store: &Store, name: &str, password: &Secret) -> anyhow::Result<()> {
    let hash = hash(password)?;
    let person = find(store, name).await?;
    let mut tx = store.begin().await?;
    tx.save_password_hash(&person.id, &hash).await?;
    tx.audit(entry("change_password", name, ""));
    tx.commit().await.context("failed to save a password")
}

async fn find(store: &Store, name: &str) -> anyhow::Result<Person> {
    let found = store.read().await?.find_person_by_name(name).await?;
    found.with_context(|| format!("there is no {name}: see `mailroom user list`"))
}

fn as_json(person: &Person) -> String {
    serde_json::json!({"name": person.name, "role": person.role, "disabled": person.disabled}).to_string()
}

fn as_text(person: &Person) -> String {
    let state = if person.disabled { "  disabled" } else { "" };
    format!("{}  {}{state}", person.name, person.role.as_str())
}
