//! Passwords into hashes and back to yes or no: argon2id with a random salt, as PHC text.
//!
//! Both take tens of milliseconds of computing on purpose, so they run beside the runtime. An unknown name costs as
//! much time as a wrong password.

use crate::{clock, model::secret::Secret};
use anyhow::Context as _;
use argon2::{
    Argon2,
    password_hash::{PasswordHasher, PasswordVerifier, phc::PasswordHash},
};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use std::sync::LazyLock;
use thiserror::Error;
use tokio::sync::Semaphore;

/// Shorter ones are refused when they are set.
pub const PASSWORD_CHARS_MIN: usize = 10;
/// Longer ones are refused before they cost time.
pub const PASSWORD_BYTES_MAX: usize = 1024;

/// Random bytes of a password that the program makes: 120 bits, 20 characters.
const PASSWORD_BYTES: usize = 15;

/// Why a password is not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum Unfit {
    /// Fewer than [`PASSWORD_CHARS_MIN`].
    #[error("a password needs {PASSWORD_CHARS_MIN} characters or more")]
    Short,
    /// More than [`PASSWORD_BYTES_MAX`].
    #[error("a password may have {PASSWORD_BYTES_MAX} bytes at most")]
    Long,
}

/// Whether a new password may be used.
pub fn check_fit(password: &str) -> Result<(), Unfit> {
    if password.chars().count() < PASSWORD_CHARS_MIN {
        return Err(Unfit::Short);
    }
    if password.len() > PASSWORD_BYTES_MAX { Err(Unfit::Long) } else { Ok(()) }
}

/// A fresh password that nobody can guess.
pub fn fresh() -> Secret {
    Secret::new(URL_SAFE_NO_PAD.encode(clock::random_bytes::<PASSWORD_BYTES>()))
}

/// Passwords checked at the same time: each takes about 20 MB and all of a core.
const CHECKS_AT_ONCE_MAX: usize = 2;

static CHECKS: Semaphore = Semaphore::const_new(CHECKS_AT_ONCE_MAX);

/// What unknown names are checked against.
static NOBODY: LazyLock<String> = LazyLock::new(|| make("nobody knows this one").unwrap_or_default());

fn make(password: &str) -> Result<String, argon2::password_hash::Error> {
    let salt: [u8; 16] = clock::random_bytes();
    Ok(Argon2::default().hash_password_with_salt(password.as_bytes(), &salt)?.to_string())
}

/// The hash to keep for a password.
pub fn hash(password: &str) -> anyhow::Result<String> {
    make(password).ok().context("failed to hash a password")
}

/// Whether the password belongs to the hash; without a hash it takes as long and says no.
pub async fn verify(password: String, hash: Option<String>) -> bool {
    let _turn = CHECKS.acquire().await.ok();
    tokio::task::spawn_blocking(move || {
        let known = hash.is_some();
        let text = hash.unwrap_or_else(|| NOBODY.clone());
        PasswordHash::new(&text)
            .is_ok_and(|parsed| Argon2::default().verify_password(password.as_bytes(), &parsed).is_ok())
            && known
    })
    .await
    .unwrap_or(false)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn only_the_right_password_opens() {
        let kept = hash("correct horse").unwrap();
        assert!(kept.starts_with("$argon2id$"));
        assert!(verify("correct horse".into(), Some(kept.clone())).await);
        assert!(!verify("wrong horse".into(), Some(kept)).await);
        assert!(!verify("nobody knows this one".into(), None).await);
    }
}
