//! What the database knows of the messages of a batch, asked once for all of them.
//!
//! Asked within the transaction of the batch. What its messages change of it is kept up to date here.

use super::Plain;
use crate::{
    model::{
        ids::{AccountId, MessageId},
        message::{Address, Message},
    },
    pipeline::lesson,
    store::{
        Tx,
        message::{RFC_IDS_MAX, rfc_key},
    },
};
use anyhow::Context as _;
use std::collections::{BTreeMap, BTreeSet};

/// What was found.
pub(super) struct LookedUp {
    /// Those who send what layouts are known of.
    taught: BTreeSet<String>,
    /// The first message with each `Message-ID`.
    first: BTreeMap<String, MessageId>,
    /// The first message with a `Message-ID` that waits and is not of this batch.
    others: BTreeMap<String, MessageId>,
    /// The messages of this batch that wait, by their `Message-ID`.
    own: BTreeMap<String, BTreeSet<MessageId>>,
    /// And their `Message-ID`s.
    own_keys: BTreeMap<MessageId, String>,
    /// The one account of a domain.
    accounts: BTreeMap<String, AccountId>,
}

impl LookedUp {
    /// Looks up what is asked of these messages. `batch` are all messages that were taken with them.
    pub(super) async fn of(
        tx: &mut Tx,
        plain: &[Plain],
        batch: impl Iterator<Item = &MessageId>,
    ) -> anyhow::Result<Self> {
        let batch: Vec<&MessageId> = batch.collect();
        let used: BTreeSet<String> = plain.iter().filter_map(|plain| key_of(&plain.message)).collect();
        let originals: BTreeSet<String> = plain.iter().flat_map(original_keys).collect();
        let senders: BTreeSet<String> = plain
            .iter()
            .map(|plain| lesson::sender_of(address(&plain.message)))
            .filter(|s| !s.is_empty())
            .collect();
        let domains: BTreeSet<String> =
            plain.iter().filter_map(|plain| plain.message.from.as_ref()).map(Address::domain).collect();
        let failed = "failed to look up what a batch of history refers to";
        let others = tx.list_first_waiting(&originals, &batch).await.context(failed)?;
        let own_keys = tx.list_waiting_keys(&batch).await.context(failed)?;
        let mut own: BTreeMap<String, BTreeSet<MessageId>> = BTreeMap::new();
        for (id, key) in &own_keys {
            own.entry(key.clone()).or_default().insert(id.clone());
        }
        Ok(Self {
            taught: tx.list_senders_with_lessons(&senders).await.context(failed)?,
            first: tx.list_first_by_rfc_id(&used).await.context(failed)?,
            others,
            own,
            own_keys,
            accounts: tx.list_only_accounts_of_domains(&domains).await.context(failed)?,
        })
    }

    /// Whether a message waits for another, or is read together with what is known of others.
    pub(super) fn goes_alone(&self, plain: &Plain) -> bool {
        let id = &plain.row.id;
        let is_waiting = original_keys(plain).any(|key| {
            self.others.get(&key).is_some_and(|first| first < id)
                || self.own.get(&key).and_then(BTreeSet::first).is_some_and(|first| first < id)
        });
        // Perhaps the same mail by another way, perhaps another: that takes the bytes of both.
        let is_id_used = || {
            let first = key_of(&plain.message).and_then(|key| self.first.get(&key));
            first.is_some_and(|first| first < id)
        };
        // What is known of its sender's layouts helps to read its text, too.
        is_waiting || is_id_used() || self.taught.contains(&lesson::sender_of(address(&plain.message)))
    }

    /// A message of the batch is written.
    pub(super) fn no_longer_waits(&mut self, id: &MessageId) {
        if let Some(waiting) = self.own_keys.get(id).and_then(|key| self.own.get_mut(key)) {
            waiting.remove(id);
        }
    }

    /// The customer whose domain the sender writes from, if it is one customer's.
    pub(super) fn account(&self, message: &Message) -> Option<AccountId> {
        self.accounts.get(&message.from.as_ref()?.domain().to_lowercase()).cloned()
    }
}

fn address(message: &Message) -> &str {
    message.from.as_ref().map_or("", |from| from.email.as_str())
}

fn key_of(message: &Message) -> Option<String> {
    message.rfc_message_id.as_deref().map(rfc_key)
}

/// The `Message-ID`s of what a message refers to, as the database has them.
fn original_keys(plain: &Plain) -> impl Iterator<Item = String> + '_ {
    plain.keys.rfc_ids.iter().take(RFC_IDS_MAX).map(|id| rfc_key(id))
}
