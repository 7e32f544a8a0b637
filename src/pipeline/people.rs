//! What is done about people who sign in: each change with its line in the log, in one transaction.
//!
//! The last administrator who may sign in stays one: nobody could undo the change. Passwords come here as hashes only.

use crate::{
    clock,
    config::SignIn,
    model::{ids::UserId, openid::Identity},
    reply::limits,
    store::{
        Store, Tx,
        audit::Entry,
        person::{Person, Role},
    },
};
use anyhow::Context as _;
use thiserror::Error;

/// Longest name.
const NAME_CHARS_MAX: usize = 100;

/// Why nothing was done.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum Refused {
    /// Empty, too long, or with characters that nobody sees.
    #[error("a name needs 1 to 100 visible characters, without blanks around them")]
    Name,
    /// Somebody has that name.
    #[error("somebody of that name exists already: see `mailroom user list`")]
    Taken,
    /// No mail address, or that of somebody else.
    #[error("that is no mail address, or that of somebody else")]
    Email,
    /// Nobody would be left to administer.
    #[error("this is the last administrator who may sign in")]
    LastAdministrator,
}

/// A line of the log about a person.
pub fn entry(who: &str, action: &str, person: &Person, detail: &str) -> Entry {
    named_entry(who, action, &person.name, detail)
}

fn named_entry(who: &str, action: &str, person: &str, detail: &str) -> Entry {
    Entry {
        at_ms: clock::now_ms(),
        actor: who.to_owned(),
        action: action.to_owned(),
        subject_kind: "person".to_owned(),
        subject_id: person.to_owned(),
        detail: detail.to_owned(),
    }
}

/// Adds a person who signs in, and who gets mail from us at `email` unless that is empty.
pub async fn add(
    store: &Store,
    name: &str,
    role: Role,
    email: &str,
    password_hash: &str,
    who: &str,
) -> anyhow::Result<Result<UserId, Refused>> {
    let visible = name.trim() == name && !name.is_empty() && !name.chars().any(char::is_control);
    if !visible || name.chars().count() > NAME_CHARS_MAX {
        return Ok(Err(Refused::Name));
    }
    if !email.is_empty() && !limits::is_address(email) {
        return Ok(Err(Refused::Email));
    }
    let mut tx = store.begin().await?;
    let Some(id) = tx.insert_person(name, password_hash, role, clock::now_ms()).await? else {
        return Ok(Err(Refused::Taken));
    };
    tx.audit(named_entry(who, "add_person", name, role.as_str()));
    if !email.is_empty() {
        if !tx.save_person_email(&id, email).await? {
            tx.rollback().await?;
            return Ok(Err(Refused::Email));
        }
        tx.audit(named_entry(who, "change_email", name, email));
    }
    tx.commit().await.context("failed to add a person")?;
    Ok(Ok(id))
}

/// Says where a person gets mail from us; empty: nowhere.
pub async fn set_email(
    store: &Store,
    person: &Person,
    email: &str,
    who: &str,
) -> anyhow::Result<Result<(), Refused>> {
    if !email.is_empty() && !limits::is_address(email) {
        return Ok(Err(Refused::Email));
    }
    let mut tx = store.begin().await?;
    if !tx.save_person_email(&person.id, email).await? {
        return Ok(Err(Refused::Email));
    }
    tx.audit(entry(who, "change_email", person, email));
    tx.commit().await.context("failed to save a person")?;
    Ok(Ok(()))
}

/// Commits what was done unless it leaves nobody to administer.
async fn commit_with_administrator(mut tx: Tx) -> anyhow::Result<Result<(), Refused>> {
    if tx.count_administrators().await? == 0 {
        tx.rollback().await?;
        return Ok(Err(Refused::LastAdministrator));
    }
    tx.commit().await.context("failed to save a person")?;
    Ok(Ok(()))
}

/// Lets a person sign in no more, and ends all sessions; or lets him or her in again.
pub async fn set_disabled(
    store: &Store,
    person: &Person,
    disabled: bool,
    who: &str,
) -> anyhow::Result<Result<(), Refused>> {
    let mut tx = store.begin().await?;
    tx.save_person_disabled(&person.id, disabled).await?;
    tx.audit(entry(who, if disabled { "disable_person" } else { "enable_person" }, person, ""));
    if disabled && person.role == Role::Administrator {
        return commit_with_administrator(tx).await;
    }
    tx.commit().await.context("failed to save a person")?;
    Ok(Ok(()))
}

/// Gives a person another role.
pub async fn set_role(
    store: &Store,
    person: &Person,
    role: Role,
    who: &str,
) -> anyhow::Result<Result<(), Refused>> {
    let mut tx = store.begin().await?;
    tx.save_role(&person.id, role).await?;
    tx.audit(entry(who, "change_role", person, &format!("{} → {}", person.role.as_str(), role.as_str())));
    if person.role == Role::Administrator && !person.disabled {
        return commit_with_administrator(tx).await;
    }
    tx.commit().await.context("failed to save a person")?;
    Ok(Ok(()))
}

/// Why nobody is signed in with an account elsewhere, though the provider vouches for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum Stranger {
    /// Nobody has that mail address, and nobody is added.
    #[error("nobody has that mail address")]
    Unknown,
    /// The provider does not vouch that the address is that person's.
    #[error("the provider does not vouch for the mail address")]
    Unverified,
    /// Somebody has that address, but another account at the provider.
    #[error("whoever has that mail address signs in with another account")]
    OtherAccount,
    /// May not sign in.
    #[error("this person may not sign in any more")]
    Disabled,
}

/// The person whose account at `issuer` that is.
///
/// At the first sign-in it is the person with the verified address, from then on the one whose account it is; somebody new
/// only if the rules give new people a role.
pub async fn find_by_identity(
    store: &Store,
    rules: &SignIn,
    issuer: &str,
    identity: &Identity,
) -> anyhow::Result<Result<Person, Stranger>> {
    let now_ms = clock::now_ms();
    let mut tx = store.begin().await?;
    if let Some(person) = tx.find_person_of_subject(issuer, &identity.subject).await? {
        return Ok(if person.disabled { Err(Stranger::Disabled) } else { Ok(person) });
    }
    let email = identity.email.as_str();
    if !identity.email_verified || !limits::is_address(email) {
        return Ok(Err(Stranger::Unverified));
    }
    let person = match tx.find_person_by_email(email).await? {
        Some(person) if person.disabled => return Ok(Err(Stranger::Disabled)),
        Some(person) => person,
        None => match add_by_identity(&mut tx, rules, email, now_ms).await? {
            Some(person) => person,
            None => return Ok(Err(Stranger::Unknown)),
        },
    };
    if !tx.insert_subject(issuer, &identity.subject, &person.id, now_ms).await? {
        return Ok(Err(Stranger::OtherAccount));
    }
    tx.audit(entry(&person.name, "bind_account", &person, &format!("{email} at {issuer}")));
    tx.commit().await.context("failed to keep whose account that is")?;
    Ok(Ok(person))
}

/// Adds a person named as the mail address, who has no password; `None` if the rules do not allow it or the name is taken.
async fn add_by_identity(
    tx: &mut Tx,
    rules: &SignIn,
    email: &str,
    now_ms: i64,
) -> anyhow::Result<Option<Person>> {
    let domain = email.rsplit_once('@').map_or("", |(_, domain)| domain);
    let ours = rules.new_people_domains.iter().any(|own| own.eq_ignore_ascii_case(domain));
    let Some(role) = rules.new_people.filter(|_| ours) else { return Ok(None) };
    let Some(id) = tx.insert_person(email, "", role, now_ms).await? else { return Ok(None) };
    tx.save_person_email(&id, email).await?;
    tx.audit(named_entry(email, "add_person", email, role.as_str()));
    Ok(tx.find_person(&id).await?)
}

/// Forgets with which account elsewhere a person signs in: the next one with the mail address counts. Ends all sessions.
pub async fn forget_accounts(store: &Store, person: &Person, who: &str) -> anyhow::Result<()> {
    let mut tx = store.begin().await?;
    tx.delete_subjects_of(&person.id).await?;
    tx.audit(entry(who, "forget_account", person, ""));
    tx.commit().await.context("failed to forget an account")
}

/// Changes a password, and ends all sessions. One that somebody else sets takes the keys for programs away, too.
pub async fn set_password(
    store: &Store,
    person: &Person,
    password_hash: &str,
    who: &str,
) -> anyhow::Result<()> {
    let mut tx = store.begin().await?;
    tx.save_password_hash(&person.id, password_hash).await?;
    if who != person.name {
        tx.delete_api_tokens_of(&person.id).await?;
    }
    tx.audit(entry(who, "change_password", person, ""));
    tx.commit().await.context("failed to save a password")
}

/// Takes the second factor away.
pub async fn clear_factor(store: &Store, person: &Person, who: &str) -> anyhow::Result<()> {
    let mut tx = store.begin().await?;
    tx.clear_factor(&person.id).await?;
    tx.audit(entry(who, "clear_factor", person, ""));
    tx.commit().await.context("failed to take a second factor away")
}

/// Takes a key for programs away from its owner. `false` if there is no such key.
pub async fn delete_token(store: &Store, person: &Person, id: &str, who: &str) -> anyhow::Result<bool> {
    let mut tx = store.begin().await?;
    if !tx.delete_api_token(&person.id, id).await? {
        return Ok(false);
    }
    tx.audit(entry(who, "delete_token", person, id));
    tx.commit().await.context("failed to take a key away")?;
    Ok(true)
}

/// Ends one session of a person, or all of them and with them the keys for programs. `false` if there is no such session.
pub async fn end_session(
    store: &Store,
    person: &Person,
    key_hash: Option<&str>,
    who: &str,
) -> anyhow::Result<bool> {
    let mut tx = store.begin().await?;
    match key_hash {
        Some(key_hash) if !tx.delete_session_of(&person.id, key_hash).await? => return Ok(false),
        Some(_) => {}
        None => {
            tx.delete_sessions_of(&person.id).await?;
            tx.delete_api_tokens_of(&person.id).await?;
        }
    }
    tx.audit(entry(who, "end_session", person, if key_hash.is_some() { "one" } else { "all" }));
    tx.commit().await.context("failed to end a session")?;
    Ok(true)
}
