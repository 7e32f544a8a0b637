//! A server that speaks IMAP4rev1.

use super::{After, Config, Fetched, FolderState, Listed, MailboxError, Wake};
use crate::model::secret::Secret;
use std::{marker::PhantomData, time::Duration};

/// A session that connects when it is needed.
#[derive(Debug)]
pub struct Imap(());

/// Messages on their way in.
#[derive(Debug)]
pub struct Incoming<'a>(PhantomData<&'a ()>);

fn none<T>() -> Result<T, MailboxError> {
    Err(MailboxError::unsupported("IMAP is not there yet"))
}

impl Imap {
    pub(super) async fn connect(_: &Config, _: Option<&Secret>) -> Result<Self, MailboxError> {
        none()
    }
    pub(super) async fn folders(&mut self) -> Result<Vec<String>, MailboxError> {
        none()
    }
    pub(super) async fn select(&mut self, _: &str) -> Result<FolderState, MailboxError> {
        none()
    }
    pub(super) async fn list(&mut self, _: &str, _: i64, _: usize) -> Result<Vec<Listed>, MailboxError> {
        none()
    }
    pub(super) async fn fetch<'a>(&'a mut self, _: &str, _: &[i64]) -> Result<Incoming<'a>, MailboxError> {
        none()
    }
    pub(super) async fn act(&mut self, _: &str, _: i64, _: &After) -> Result<(), MailboxError> {
        none()
    }
    pub(super) async fn all_uids(&mut self, _: &str) -> Result<Vec<i64>, MailboxError> {
        none()
    }
    pub(super) async fn wait(&mut self, _: &str, _: Duration) -> Result<Wake, MailboxError> {
        none()
    }
    pub(super) async fn close(self) {}
}

impl Incoming<'_> {
    pub(super) async fn next(&mut self) -> Result<Option<Fetched>, MailboxError> {
        none()
    }
}
