//! Messages by UID, one answer for all of them, taken as they come.

use super::{
    Imap, MailboxError,
    answer::{broken, denied, in_time, is_news, protocol, uid_of, uid_set},
};
use crate::mailbox::{Body, Fetched, tls::Metered};
use async_imap::{
    Session,
    error::Error as ClientError,
    imap_proto::{AttributeValue, RequestId, Response, Status},
};
use std::{collections::BTreeSet, time::Duration};
use tokio::time::timeout;

/// For each message.
const FETCH_SECONDS: u64 = 240;

/// What an answer may be longer than its message.
const ANSWER_SLACK_BYTES: u64 = 1024 * 1024;

/// Messages on their way in. Dropped early, it costs the connection.
#[derive(Debug)]
pub(in crate::mailbox) struct Incoming<'a> {
    imap: &'a mut Imap,
    /// None once the answer has ended.
    running: Option<(Session<Metered>, RequestId)>,
    wanted: BTreeSet<i64>,
}

impl Imap {
    pub(in crate::mailbox) async fn fetch<'a>(
        &'a mut self,
        folder: &str,
        uids: &[i64],
    ) -> Result<Incoming<'a>, MailboxError> {
        let wanted: BTreeSet<i64> =
            uids.iter().copied().filter(|uid| u32::try_from(*uid).is_ok_and(|uid| uid > 0)).collect();
        if wanted.is_empty() {
            return Ok(Incoming { imap: self, running: None, wanted });
        }
        self.ensure(folder, false).await?;
        let mut session = self.session.take().ok_or_else(|| broken("fetch"))?;
        // One byte more than allowed is asked for, so that what is too large can be told from what just fits.
        let bytes = self.config.bytes_max.saturating_add(1).min(u64::from(u32::MAX));
        let command = format!("UID FETCH {} (UID BODY.PEEK[]<0.{bytes}>)", uid_set(&wanted));
        let start = timeout(Duration::from_secs(FETCH_SECONDS), session.run_command(&command));
        let tag =
            in_time("fetch", FETCH_SECONDS, start).await?.map_err(|error| self.failed("fetch", error))?;
        Ok(Incoming { imap: self, running: Some((session, tag)), wanted })
    }
}

impl Incoming<'_> {
    pub(in crate::mailbox) async fn next(&mut self) -> Result<Option<Fetched>, MailboxError> {
        let allowed = self.imap.config.bytes_max.saturating_add(ANSWER_SLACK_BYTES);
        loop {
            let Some((mut session, tag)) = self.running.take() else { return Ok(None) };
            self.imap.meter.allow(allowed);
            let read = timeout(Duration::from_secs(FETCH_SECONDS), session.read_response());
            let response = match in_time("fetch", FETCH_SECONDS, read).await? {
                Ok(Some(response)) => response,
                Ok(None) => return Err(broken("fetch")),
                Err(error) => return Err(self.imap.failed("fetch", ClientError::Io(error))),
            };
            match response.parsed() {
                Response::Done { tag: ended, status, outcome } if *ended == tag => {
                    return match status {
                        Status::Ok => {
                            self.imap.session = Some(session);
                            Ok(None)
                        }
                        Status::No => {
                            self.imap.session = Some(session);
                            Err(denied("fetch", outcome))
                        }
                        _ => Err(protocol("fetch", outcome.information.as_deref().unwrap_or_default())),
                    };
                }
                Response::Fetch(_, attributes) => {
                    let fetched = self.take(attributes)?;
                    self.running = Some((session, tag));
                    if fetched.is_some() {
                        return Ok(fetched);
                    }
                }
                other => {
                    self.imap.has_news |= is_news(other);
                    self.running = Some((session, tag));
                }
            }
        }
    }

    /// The message in an answer, if it is one that was asked for; servers also tell of flags in between.
    fn take(&mut self, attributes: &[AttributeValue<'_>]) -> Result<Option<Fetched>, MailboxError> {
        let content = attributes.iter().find_map(|attribute| match attribute {
            AttributeValue::BodySection { section: None, data, .. } => Some(data),
            _ => None,
        });
        let (Some(uid), Some(data)) = (uid_of(attributes), content) else { return Ok(None) };
        if !self.wanted.remove(&uid) {
            return Ok(None);
        }
        let Some(data) = data else {
            let text = format!("there is no content for message {uid}");
            return Err(MailboxError::Denied { verb: "fetch", text });
        };
        let too_large = data.len() as u64 > self.imap.config.bytes_max;
        let body = if too_large { Body::TooLarge } else { Body::Bytes(data.to_vec()) };
        Ok(Some(Fetched { uid, body }))
    }
}
