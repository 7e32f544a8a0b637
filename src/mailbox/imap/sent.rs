//! Copies of sent mail in a folder of the mailbox: appended once, known by their `Message-ID`.

use super::{
    ANSWER_BYTES_MAX, Imap, MailboxError,
    answer::{broken, in_time, protocol, quoted},
};
use crate::mailbox::utf7;
use async_imap::{
    error::Error as ClientError,
    imap_proto::{MailboxDatum, NameAttribute, Response},
};
use std::time::Duration;
use tokio::time::timeout;

const APPEND_SECONDS: u64 = 240;
const FIND_SECONDS: u64 = 120;
const LIST_SECONDS: u64 = 120;
const CREATE_SECONDS: u64 = 60;

/// The folder that is made where a server names none for sent mail.
const SENT_FOLDER: &str = "Sent";

impl Imap {
    /// Sees to it that a folder has a copy of a sent mail, marked as read: looks for its `Message-ID` first, so that
    /// twice is once. Without a name it is the folder that the server says is for sent mail (RFC 6154), or `Sent`.
    /// False if the copy was there.
    pub(in crate::mailbox) async fn keep_sent(
        &mut self,
        folder: &str,
        rfc_message_id: &str,
        bytes: &[u8],
    ) -> Result<bool, MailboxError> {
        self.sign_in().await?;
        let folder = if folder.is_empty() { self.find_sent_folder().await? } else { folder.to_owned() };
        match self.open(&folder, false).await {
            Err(MailboxError::NoFolder { .. }) => {
                let create = format!("CREATE {}", quoted(&folder));
                self.run("make a folder", CREATE_SECONDS, &create, |_| {}).await?;
                self.open(&folder, false).await?;
            }
            opened => drop(opened?),
        }
        if self.has_message_id(rfc_message_id).await? {
            return Ok(false);
        }
        self.append(&folder, bytes).await?;
        Ok(true)
    }

    async fn find_sent_folder(&mut self) -> Result<String, MailboxError> {
        let special = if self.capabilities.contains("SPECIAL-USE") { "(SPECIAL-USE) " } else { "" };
        let command = format!("LIST {special}\"\" \"*\"");
        let mut folder = None;
        self.run("list folders", LIST_SECONDS, &command, |response| {
            if let Response::MailboxData(MailboxDatum::List(list)) = response
                && list.name_attributes.contains(&NameAttribute::Sent)
            {
                folder.get_or_insert(utf7::decode(&list.name));
            }
        })
        .await?;
        Ok(folder.unwrap_or_else(|| SENT_FOLDER.to_owned()))
    }

    /// Whether the open folder has a message with that id.
    async fn has_message_id(&mut self, rfc_message_id: &str) -> Result<bool, MailboxError> {
        let plain = rfc_message_id.chars().all(|c| c.is_ascii_graphic() && !matches!(c, '"' | '\\'));
        if !plain || rfc_message_id.is_empty() {
            return Err(protocol("look for a copy", "our own Message-ID is not one"));
        }
        let mut found = false;
        let command = format!("UID SEARCH HEADER Message-ID \"{rfc_message_id}\"");
        self.run("look for a copy", FIND_SECONDS, &command, |response| {
            if let Response::MailboxData(MailboxDatum::Search(uids)) = response {
                found |= !uids.is_empty();
            }
        })
        .await?;
        Ok(found)
    }

    async fn append(&mut self, folder: &str, bytes: &[u8]) -> Result<(), MailboxError> {
        const VERB: &str = "keep a copy";
        let mut session = self.session.take().ok_or_else(|| broken(VERB))?;
        self.meter.allow(ANSWER_BYTES_MAX);
        let name = utf7::encode(folder);
        let sending = session.append(&name, Some("(\\Seen)"), None, bytes);
        let sent = timeout(Duration::from_secs(APPEND_SECONDS), sending);
        let sent = in_time(VERB, APPEND_SECONDS, sent).await?;
        // After anything but a clear answer the connection is not used again.
        if matches!(&sent, Ok(()) | Err(ClientError::No(_))) {
            self.session = Some(session);
        }
        sent.map_err(|error| self.failed(VERB, error))
    }
}
