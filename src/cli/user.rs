//! `mailroom user`: who may sign in to the pages.
//!
//! Passwords come from a variable, from a file, or are made and printed once; only their argon2id hash is kept. A
//! changed password and a disabled person end all their sessions.

use crate::{
    model::secret::{Secret, SecretRef},
    pipeline::people,
    store::{
        Store,
        person::{Person, Role},
    },
    web::password,
};
use anyhow::Context as _;
use clap::{Subcommand, ValueEnum};
use std::{path::PathBuf, process::ExitCode};

/// Who acts, in the audit log.
const ACTOR: &str = "command line";

/// Adds, lists and disables people who sign in, and changes their roles and passwords.
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
        #[arg(long, value_enum, default_value_t = RoleArg::Reviewer)]
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
    /// Gives a person another role.
    Role {
        /// The person.
        name: String,
        /// What the person may do.
        #[arg(value_enum)]
        role: RoleArg,
    },
    /// Takes a second factor away, for who has lost the device and the recovery codes.
    NoFactor {
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
    /// Drafts, accounts and tickets.
    Reviewer,
    /// Tickets; looks at the rest.
    Agent,
    /// Looks at everything and changes nothing.
    Auditor,
}

impl From<RoleArg> for Role {
    fn from(role: RoleArg) -> Self {
        match role {
            RoleArg::Administrator => Self::Administrator,
            RoleArg::Reviewer => Self::Reviewer,
            RoleArg::Agent => Self::Agent,
            RoleArg::Auditor => Self::Auditor,
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
        Command::Role { name, role } => change_role(store, &name, role.into()).await?,
        Command::NoFactor { name } => {
            people::clear_factor(store, &find(store, &name).await?, ACTOR).await?;
        }
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
        None => Ok((password::fresh(), true)),
    }
}

fn hash(password: &Secret) -> anyhow::Result<String> {
    password::check_fit(password.reveal())?;
    password::hash(password.reveal())
}

/// Adds a person who signs in.
pub async fn add(store: &Store, name: &str, role: Role, password: &Secret) -> anyhow::Result<()> {
    people::add(store, name, role, "", &hash(password)?, ACTOR).await??;
    Ok(())
}

/// Lets a person sign in no more, or again.
pub async fn disable(store: &Store, name: &str, disabled: bool) -> anyhow::Result<()> {
    let person = find(store, name).await?;
    Ok(people::set_disabled(store, &person, disabled, ACTOR).await??)
}

/// Gives a person another role.
pub async fn change_role(store: &Store, name: &str, role: Role) -> anyhow::Result<()> {
    let person = find(store, name).await?;
    Ok(people::set_role(store, &person, role, ACTOR).await??)
}

/// Changes a password.
pub async fn change_password(store: &Store, name: &str, password: &Secret) -> anyhow::Result<()> {
    let hash = hash(password)?;
    let person = find(store, name).await?;
    people::set_password(store, &person, &hash, ACTOR).await
}

async fn find(store: &Store, name: &str) -> anyhow::Result<Person> {
    let found = store.read().await?.find_person_by_name(name).await?;
    found.with_context(|| format!("there is no {name}: see `mailroom user list`"))
}

fn as_json(person: &Person) -> String {
    serde_json::json!({"name": person.name, "role": person.role, "disabled": person.disabled, "second_factor": person.has_factor}).to_string()
}

fn as_text(person: &Person) -> String {
    let state = if person.disabled { "  disabled" } else { "" };
    format!("{}  {}{state}", person.name, person.role.as_str())
}
