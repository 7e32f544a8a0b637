//! Work that is posted under a key of the poster's choice is done once, however often and however much at the same
//! time it is posted: the key is claimed in the transaction that does the work.

use super::{
    Db, Result, Tx,
    row::{Ask as _, Columns as _, key, text},
};
use crate::clock::DAY_MS;
use sha2::{Digest as _, Sha256};

/// How long a key is remembered: longer than a page stays open, or a program tries again.
const REMEMBERED_MS: i64 = 30 * DAY_MS;
/// The longest key that is taken.
pub const KEY_CHARS_MAX: usize = 255;

/// A key and what is posted under it, both as hashes: nothing of either is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Once {
    claim: String,
    content: String,
    lenient: bool,
}

/// What is known of a key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Claim {
    /// It is new: do the work.
    New,
    /// The same was posted and done: what it caused.
    Done(String),
    /// Something else was posted under it.
    Other,
}

fn hash<'a>(parts: impl IntoIterator<Item = &'a [u8]>) -> String {
    let mut hash = Sha256::new();
    for part in parts {
        hash.update(u64::try_from(part.len()).unwrap_or(u64::MAX).to_be_bytes());
        hash.update(part);
    }
    hex::encode(hash.finalize())
}

impl Once {
    /// `who` posts `content` under a key; nothing if the key is empty or too long.
    pub fn new<'a>(who: &str, key: &str, content: impl IntoIterator<Item = &'a [u8]>) -> Option<Self> {
        let fits = !key.is_empty() && key.chars().count() <= KEY_CHARS_MAX;
        fits.then(|| Self {
            claim: hash([who.as_bytes(), key.as_bytes()]),
            content: hash(content),
            lenient: false,
        })
    }

    /// Something else under the same key is other work, not a mistake: it is done once as well.
    #[must_use]
    pub fn lenient(self) -> Self {
        Self { lenient: true, ..self }
    }

    /// The same work under a key that nothing else has.
    fn apart(&self) -> Self {
        let claim = hash([self.claim.as_bytes(), self.content.as_bytes()]);
        Self { claim, content: self.content.clone(), lenient: false }
    }
}

impl Db {
    /// What is known of a key.
    pub async fn find_claim(&mut self, once: &Once) -> Result<Claim> {
        match self.find_exact_claim(once).await? {
            Claim::Other if once.lenient => self.find_exact_claim(&once.apart()).await,
            claim => Ok(claim),
        }
    }

    /// Whether anything was done under a key.
    pub async fn is_claimed(&mut self, once: &Once) -> Result<bool> {
        Ok(self.find_exact_claim(once).await? != Claim::New)
    }

    async fn find_exact_claim(&mut self, once: &Once) -> Result<Claim> {
        let found = sqlx::query("SELECT content, outcome FROM once WHERE claim = $1")
            .bind(key(&once.claim))
            .find(self.connection(), |row| Ok((row.text("content")?, row.text("outcome")?)))
            .await?;
        Ok(match found {
            None => Claim::New,
            Some((content, outcome)) if content == once.content => Claim::Done(outcome),
            Some(_) => Claim::Other,
        })
    }
}

impl Tx {
    /// Claims a key for work that this transaction does. Anything but [`Claim::New`]: do not do it.
    ///
    /// A transaction that claims the same key at the same time waits here for the end of the first.
    pub async fn claim(&mut self, once: &Once, outcome: &str, now_ms: i64) -> Result<Claim> {
        sqlx::query("DELETE FROM once WHERE created_ms < $1")
            .bind(now_ms - REMEMBERED_MS)
            .run(self.connection())
            .await?;
        match self.claim_exactly(once, outcome, now_ms).await? {
            Claim::Other if once.lenient => self.claim_exactly(&once.apart(), outcome, now_ms).await,
            claim => Ok(claim),
        }
    }

    async fn claim_exactly(&mut self, once: &Once, outcome: &str, now_ms: i64) -> Result<Claim> {
        let done = sqlx::query(
            "INSERT INTO once (claim, content, outcome, created_ms) VALUES ($1, $2, $3, $4)
             ON CONFLICT (claim) DO NOTHING",
        )
        .bind(key(&once.claim))
        .bind(text(&once.content))
        .bind(text(outcome))
        .bind(now_ms)
        .run(self.connection())
        .await?;
        if done == 1 { Ok(Claim::New) } else { self.find_exact_claim(once).await }
    }
}
