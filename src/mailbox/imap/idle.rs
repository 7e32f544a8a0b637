//! Waiting for news: IDLE (RFC 2177), or only time where a server has no such thing.

use super::{
    ANSWER_BYTES_MAX, Imap, MailboxError,
    answer::{broken, in_time, is_news},
};
use crate::mailbox::{Wake, tls::Metered};
use async_imap::{
    Session,
    error::Error as ClientError,
    imap_proto::{RequestId, Response},
};
use std::time::Duration;
use tokio::time::{Instant, timeout, timeout_at};

const IDLE_START_SECONDS: u64 = 30;
/// One IDLE lasts no longer: routers forget quiet connections (RFC 2177 allows 29 minutes).
const IDLE_SECONDS_MAX: u64 = 9 * 60;

impl Imap {
    pub(in crate::mailbox) async fn wait(
        &mut self,
        folder: &str,
        limit: Duration,
    ) -> Result<Wake, MailboxError> {
        self.ensure(folder, false).await?;
        if self.has_news {
            return Ok(Wake::News);
        }
        let end = Instant::now() + limit.min(Duration::from_secs(IDLE_SECONDS_MAX));
        if !self.config.idle || !self.capabilities.contains("IDLE") {
            tokio::time::sleep_until(end).await;
            return Ok(Wake::Timeout);
        }
        let mut session = self.session.take().ok_or_else(|| broken("wait"))?;
        self.meter.allow(ANSWER_BYTES_MAX);
        let start = timeout(Duration::from_secs(IDLE_START_SECONDS), start_idle(&mut session));
        let (tag, mut has_news) = match in_time("start to wait", IDLE_START_SECONDS, start).await? {
            Ok(Idle::Started { tag, has_news }) => (tag, has_news),
            Ok(Idle::Refused) => {
                self.session = Some(session);
                self.capabilities.remove("IDLE");
                tokio::time::sleep_until(end).await;
                return Ok(Wake::Timeout);
            }
            Err(error) => return Err(self.failed("wait", error)),
        };
        while !has_news {
            match timeout_at(end, session.read_response()).await {
                Ok(Ok(Some(response))) => has_news = is_news(response.parsed()),
                Ok(Ok(None)) => return Err(broken("wait")),
                Ok(Err(error)) => return Err(self.failed("wait", ClientError::Io(error))),
                Err(_elapsed) => break,
            }
        }
        let stop = timeout(Duration::from_secs(IDLE_START_SECONDS), stop_idle(&mut session, &tag));
        has_news |= in_time("stop to wait", IDLE_START_SECONDS, stop)
            .await?
            .map_err(|error| self.failed("wait", error))?;
        self.session = Some(session);
        Ok(if has_news { Wake::News } else { Wake::Timeout })
    }
}

enum Idle {
    Started { tag: RequestId, has_news: bool },
    Refused,
}

async fn start_idle(session: &mut Session<Metered>) -> Result<Idle, ClientError> {
    let tag = session.run_command("IDLE").await?;
    let mut has_news = false;
    loop {
        let response = session.read_response().await?.ok_or(ClientError::ConnectionLost)?;
        match response.parsed() {
            Response::Continue(_) => return Ok(Idle::Started { tag, has_news }),
            Response::Done { tag: ended, .. } if *ended == tag => return Ok(Idle::Refused),
            other => has_news |= is_news(other),
        }
    }
}

async fn stop_idle(session: &mut Session<Metered>, tag: &RequestId) -> Result<bool, ClientError> {
    session.run_command_untagged("DONE").await?;
    let mut has_news = false;
    loop {
        let response = session.read_response().await?.ok_or(ClientError::ConnectionLost)?;
        match response.parsed() {
            Response::Done { tag: ended, .. } if ended == tag => return Ok(has_news),
            other => has_news |= is_news(other),
        }
    }
}
