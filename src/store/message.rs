//! Messages: one row for each distinct mail, known by the hash of its bytes.

use super::{
    Db, Result, StoreError, Tx,
    row::{Ask as _, Columns as _, ROWS_AT_ONCE, fresh, json, key, places, text},
};
use crate::model::{
    draft::named,
    ids::{MessageId, TicketId},
    message::{Message, Origin, Screened},
    ticket::{Classified, Queue},
};
use sqlx::{AssertSqlSafe, any::AnyRow};
use std::collections::{BTreeMap, BTreeSet};

/// Values that one statement looks up.
const LOOK_UP_AT_ONCE: usize = 200;

/// Ids looked up at most in one call; older references of a long thread add nothing.
pub const RFC_IDS_MAX: usize = 100;

named! {
    /// Which way a message went.
    Direction {
        /// To us.
        In = "in",
        /// From us.
        Out = "out",
    }
}

named! {
    /// How far a message has come.
    MessageState {
        /// Bytes are durable; waits for processing.
        Stored = "stored",
        /// Went through the pipeline.
        Processed = "processed",
        /// Failed or exceeded a limit.
        Quarantined = "quarantined",
    }
}

/// A message whose bytes are durable. What headers say may be empty until it is processed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewMessage {
    /// Content address of the raw bytes.
    pub sha256: String,
    /// Their size.
    pub size_bytes: i64,
    /// Which way it went.
    pub direction: Direction,
    /// Taken in as history: all answers muted.
    pub historic: bool,
    /// `Message-ID`, so that an answer which is processed at the same time finds what it answers.
    pub rfc_message_id: Option<String>,
}

/// What the pipeline found, to be kept with the message.
#[derive(Clone, Debug)]
pub struct Processed<'a> {
    /// The parsed message.
    pub message: &'a Message,
    /// Who wrote it, and whether we may answer.
    pub screened: &'a Screened,
    /// The conversation that it belongs to.
    pub ticket_id: Option<&'a TicketId>,
    /// Which rule joined it to its ticket, or made the ticket.
    pub thread_rule: &'a str,
    /// A follow-up by a stranger, for a person to decide.
    pub possible_ticket_id: Option<&'a TicketId>,
    /// Queue, confidence, reasons.
    pub classified: &'a Classified,
}

/// A message without its text.
#[derive(Clone, Debug, PartialEq)]
pub struct MessageRow {
    /// Row id.
    pub id: MessageId,
    /// Content address of the raw bytes.
    pub sha256: String,
    /// Their size.
    pub size_bytes: i64,
    /// Which way it went.
    pub direction: Direction,
    /// How far it has come.
    pub state: MessageState,
    /// Taken in as history.
    pub historic: bool,
    /// `Message-ID`: a hint.
    pub rfc_message_id: Option<String>,
    /// Address of the first `From` mailbox.
    pub from_email: String,
    /// Its display name.
    pub from_name: String,
    /// Subject.
    pub subject: String,
    /// `Date`, milliseconds UTC.
    pub date_ms: Option<i64>,
    /// When its bytes were kept, milliseconds UTC.
    pub stored_ms: i64,
    /// When it was processed, milliseconds UTC.
    pub processed_ms: Option<i64>,
    /// Who or what wrote it, once processed.
    pub origin: Option<Origin>,
    /// Automatic answers are held back.
    pub muted: bool,
    /// Which check said so.
    pub screened_by: String,
    /// And why.
    pub screened_reason: String,
    /// The conversation.
    pub ticket_id: Option<TicketId>,
    /// Which rule joined it.
    pub thread_rule: String,
    /// A ticket that it may belong to.
    pub possible_ticket_id: Option<TicketId>,
    /// Where classification put it, once processed.
    pub queue: Option<Queue>,
    /// How sure that is.
    pub queue_confidence: f32,
    /// Why.
    pub queue_reasons: Vec<String>,
}

/// Everything but `parsed`, which can be large.
macro_rules! columns {
    () => {
        "id, sha256, size_bytes, direction, state, historic, rfc_message_id, from_email, from_name, subject, date_ms,
         stored_ms, processed_ms, origin, muted, screened_by, screened_reason, ticket_id, thread_rule,
         possible_ticket_id, queue, queue_confidence, queue_reasons"
    };
}

fn message(row: &AnyRow) -> Result<MessageRow> {
    Ok(MessageRow {
        id: row.id("id")?,
        sha256: row.text("sha256")?,
        size_bytes: row.int("size_bytes")?,
        direction: row.named("direction", Direction::parse)?,
        state: row.named("state", MessageState::parse)?,
        historic: row.flag("historic")?,
        rfc_message_id: row.find_id("rfc_message_id")?,
        from_email: row.text("from_email")?,
        from_name: row.text("from_name")?,
        subject: row.text("subject")?,
        date_ms: row.find_int("date_ms")?,
        stored_ms: row.int("stored_ms")?,
        processed_ms: row.find_int("processed_ms")?,
        origin: Origin::parse(&row.text("origin")?),
        muted: row.flag("muted")?,
        screened_by: row.text("screened_by")?,
        screened_reason: row.text("screened_reason")?,
        ticket_id: row.find_id("ticket_id")?,
        thread_rule: row.text("thread_rule")?,
        possible_ticket_id: row.find_id("possible_ticket_id")?,
        queue: Queue::parse(&row.text("queue")?),
        queue_confidence: row.real("queue_confidence")?,
        queue_reasons: row.json("queue_reasons")?,
    })
}

/// A `Message-ID` as it is kept: what is longer is cut.
pub fn rfc_key(rfc_id: &str) -> String {
    key(rfc_id)
}

fn parsed(row: &AnyRow) -> Result<Option<Message>> {
    if row.text("parsed")?.is_empty() { Ok(None) } else { row.json("parsed").map(Some) }
}

impl Db {
    /// A message by its row id.
    pub async fn find_message(&mut self, id: &MessageId) -> Result<Option<MessageRow>> {
        sqlx::query(concat!("SELECT ", columns!(), " FROM message WHERE id = $1"))
            .bind(id.as_str())
            .find(self.connection(), message)
            .await
    }

    /// The messages with these ids and what was parsed of them, once processed; those that are not there are left out.
    pub async fn list_messages_by_id(
        &mut self,
        ids: &[&MessageId],
    ) -> Result<Vec<(MessageRow, Option<Message>)>> {
        let mut found = Vec::with_capacity(ids.len());
        for some in ids.chunks(ROWS_AT_ONCE) {
            // only places are joined; values are bound
            let sql = format!("SELECT * FROM message WHERE id IN {} ORDER BY id", places(1, some.len()));
            let mut query = sqlx::query(AssertSqlSafe(sql));
            for id in some {
                query = query.bind(id.as_str());
            }
            found.extend(query.all(self.connection(), |row| Ok((message(row)?, parsed(row)?))).await?);
        }
        Ok(found)
    }

    /// A message by the hash of its bytes.
    pub async fn find_message_by_sha(&mut self, sha256: &str) -> Result<Option<MessageRow>> {
        sqlx::query(concat!("SELECT ", columns!(), " FROM message WHERE sha256 = $1"))
            .bind(text(sha256))
            .find(self.connection(), message)
            .await
    }

    /// The parsed message, once processed. Attachments come without their bytes.
    pub async fn find_parsed(&mut self, id: &MessageId) -> Result<Option<Message>> {
        let row = sqlx::query("SELECT parsed FROM message WHERE id = $1")
            .bind(id.as_str())
            .fetch_optional(self.connection())
            .await?;
        Ok(row.as_ref().map(parsed).transpose()?.flatten())
    }

    /// Messages with that `Message-ID`, oldest first: usually one.
    pub async fn list_messages_by_rfc_id(&mut self, rfc_id: &str, limit: u32) -> Result<Vec<MessageRow>> {
        let select = concat!("SELECT ", columns!(), " FROM message WHERE rfc_message_id = $1 ORDER BY id");
        // only the limit is joined; see the header of `store`
        sqlx::query(AssertSqlSafe(format!("{select} LIMIT {limit}")))
            .bind(key(rfc_id))
            .all(self.connection(), message)
            .await
    }

    /// Whether a message with one of these ids, kept before `id`, still waits for the pipeline. At most [`RFC_IDS_MAX`]
    /// ids are looked up.
    pub async fn is_original_waiting(&mut self, rfc_ids: &[String], id: &MessageId) -> Result<bool> {
        let keys: Vec<String> = rfc_ids.iter().take(RFC_IDS_MAX).map(|rfc_id| key(rfc_id)).collect();
        if keys.is_empty() {
            return Ok(false);
        }
        // Only places are joined; values are bound. An expression keeps SQLite from the index of states, which would walk
        // through all that waits, for each message.
        let sql = format!(
            "SELECT id FROM message WHERE rfc_message_id IN {} AND state || '' = 'stored' AND id < ${} LIMIT 1",
            places(1, keys.len()),
            keys.len() + 1
        );
        let mut query = sqlx::query(AssertSqlSafe(sql));
        for key in keys {
            query = query.bind(key);
        }
        Ok(query.bind(id.as_str()).fetch_optional(self.connection()).await?.is_some())
    }

    /// The first message with each of these `Message-ID`s, as [`rfc_key`] gives them.
    pub async fn list_first_by_rfc_id(
        &mut self,
        keys: &BTreeSet<String>,
    ) -> Result<BTreeMap<String, MessageId>> {
        self.list_first(keys, "", &[]).await
    }

    /// The first of them that still waits for the pipeline, those left out in `except`.
    pub async fn list_first_waiting(
        &mut self,
        keys: &BTreeSet<String>,
        except: &[&MessageId],
    ) -> Result<BTreeMap<String, MessageId>> {
        // as in `is_original_waiting`, an expression keeps SQLite from the index of states
        self.list_first(keys, "AND state || '' = 'stored'", except).await
    }

    async fn list_first(
        &mut self,
        keys: &BTreeSet<String>,
        condition: &'static str,
        except: &[&MessageId],
    ) -> Result<BTreeMap<String, MessageId>> {
        let mut found = BTreeMap::new();
        let keys: Vec<&String> = keys.iter().collect();
        for some in keys.chunks(LOOK_UP_AT_ONCE) {
            // only places are joined; values are bound
            let mut sql = format!(
                "SELECT rfc_message_id, MIN(id) AS id FROM message WHERE rfc_message_id IN {} {condition}",
                places(1, some.len())
            );
            for number in some.len() + 1..=some.len() + except.len() {
                sql.push_str(if number == some.len() + 1 { " AND id NOT IN ($" } else { ", $" });
                sql.push_str(&number.to_string());
            }
            sql.push_str(if except.is_empty() { "" } else { ")" });
            sql.push_str(" GROUP BY rfc_message_id");
            let mut query = sqlx::query(AssertSqlSafe(sql));
            for value in some.iter().map(|key| key.as_str()).chain(except.iter().map(|id| id.as_str())) {
                query = query.bind(value);
            }
            let rows = query.all(self.connection(), |row| Ok((row.text("rfc_message_id")?, row.id("id")?)));
            found.extend(rows.await?);
        }
        Ok(found)
    }

    /// Those of these messages that still wait for the pipeline, with their `Message-ID`s.
    pub async fn list_waiting_keys(&mut self, ids: &[&MessageId]) -> Result<BTreeMap<MessageId, String>> {
        let mut found = BTreeMap::new();
        for some in ids.chunks(LOOK_UP_AT_ONCE) {
            // only places are joined; values are bound
            let sql = format!(
                "SELECT id, rfc_message_id FROM message WHERE id IN {} AND state = 'stored'
                     AND rfc_message_id IS NOT NULL",
                places(1, some.len())
            );
            let mut query = sqlx::query(AssertSqlSafe(sql));
            for id in some {
                query = query.bind(id.as_str());
            }
            let rows = query.all(self.connection(), |row| Ok((row.id("id")?, row.text("rfc_message_id")?)));
            found.extend(rows.await?);
        }
        Ok(found)
    }

    /// The conversation of a ticket, oldest first, with the parsed messages.
    pub async fn list_conversation(
        &mut self,
        ticket_id: &TicketId,
        limit: u32,
    ) -> Result<Vec<(MessageRow, Option<Message>)>> {
        sqlx::query("SELECT * FROM message WHERE ticket_id = $1 ORDER BY id LIMIT $2")
            .bind(ticket_id.as_str())
            .bind(i64::from(limit))
            .all(self.connection(), |row| Ok((message(row)?, parsed(row)?)))
            .await
    }

    /// The ids of a ticket's messages after that one, oldest first.
    pub async fn list_message_ids(
        &mut self,
        ticket_id: &TicketId,
        after: Option<&MessageId>,
        limit: u32,
    ) -> Result<Vec<MessageId>> {
        sqlx::query("SELECT id FROM message WHERE ticket_id = $1 AND id > $2 ORDER BY id LIMIT $3")
            .bind(ticket_id.as_str())
            .bind(after.map_or("", MessageId::as_str))
            .bind(i64::from(limit))
            .all(self.connection(), |row| row.id("id"))
            .await
    }

    /// Messages that may belong to a ticket, but whose sender is a stranger to it.
    pub async fn list_possible_follow_ups(
        &mut self,
        ticket_id: &TicketId,
        limit: u32,
    ) -> Result<Vec<MessageRow>> {
        sqlx::query(concat!(
            "SELECT ",
            columns!(),
            " FROM message WHERE possible_ticket_id = $1 ORDER BY id LIMIT $2"
        ))
        .bind(ticket_id.as_str())
        .bind(i64::from(limit))
        .all(self.connection(), message)
        .await
    }

    /// Messages that wait for a person to say whether they belong to another ticket, oldest first.
    pub async fn list_undecided_follow_ups(&mut self, limit: u32) -> Result<Vec<MessageRow>> {
        sqlx::query(concat!(
            "SELECT ",
            columns!(),
            " FROM message WHERE possible_ticket_id IS NOT NULL ORDER BY id LIMIT $1"
        ))
        .bind(i64::from(limit))
        .all(self.connection(), message)
        .await
    }

    /// Messages in a state, oldest first, the next `limit` after `after`.
    pub async fn list_messages_by_state(
        &mut self,
        state: MessageState,
        after: Option<&MessageId>,
        limit: u32,
    ) -> Result<Vec<MessageRow>> {
        sqlx::query(concat!(
            "SELECT ",
            columns!(),
            " FROM message WHERE state = $1 AND id > $2 ORDER BY id LIMIT $3"
        ))
        .bind(state.as_str())
        .bind(after.map_or("", MessageId::as_str))
        .bind(i64::from(limit))
        .all(self.connection(), message)
        .await
    }

    /// All messages, oldest first, the next `limit` after `after`: for walks over everything.
    pub async fn list_messages(&mut self, after: Option<&MessageId>, limit: u32) -> Result<Vec<MessageRow>> {
        sqlx::query(concat!("SELECT ", columns!(), " FROM message WHERE id > $1 ORDER BY id LIMIT $2"))
            .bind(after.map_or("", MessageId::as_str))
            .bind(i64::from(limit))
            .all(self.connection(), message)
            .await
    }

    /// How many messages are in each state.
    pub async fn count_messages(&mut self) -> Result<Vec<(MessageState, i64)>> {
        sqlx::query("SELECT state, COUNT(*) AS rows_of_it FROM message GROUP BY state ORDER BY state")
            .all(self.connection(), |row| {
                Ok((row.named("state", MessageState::parse)?, row.int("rows_of_it")?))
            })
            .await
    }
}

/// A message that was neither new nor known.
fn lost() -> StoreError {
    StoreError::Content { column: "message.sha256".to_owned(), source: None }
}

/// Whether bytes were new.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Inserted {
    /// A new message.
    New(MessageId),
    /// The same bytes had come before, as this message.
    Known(MessageId),
}

impl Inserted {
    /// The message, new or known.
    pub fn id(&self) -> &MessageId {
        match self {
            Self::New(id) | Self::Known(id) => id,
        }
    }
}

impl Tx {
    /// A message whose bytes are durable: new, or known by its hash.
    pub async fn insert_message(&mut self, new: &NewMessage, now_ms: i64) -> Result<Inserted> {
        let inserted = self.insert_messages(std::slice::from_ref(new), now_ms).await?;
        inserted.into_iter().next().ok_or_else(lost)
    }

    /// Messages whose bytes are durable, each new, or known by its hash. Answers in the order of `all`.
    pub async fn insert_messages(&mut self, all: &[NewMessage], now_ms: i64) -> Result<Vec<Inserted>> {
        let mut inserted = Vec::with_capacity(all.len());
        for rows in all.chunks(ROWS_AT_ONCE) {
            let ids: Vec<MessageId> = rows.iter().map(|_| fresh()).collect();
            // only places are joined; values are bound
            let sql = format!(
                "INSERT INTO message (id, sha256, size_bytes, direction, historic, rfc_message_id, stored_ms, state,
                     from_email, from_name, subject, origin, muted, screened_by, screened_reason, thread_rule, queue,
                     queue_confidence, queue_reasons, parsed)
                 SELECT column1, column2, column3, column4, column5, column6, column7, 'stored', '', '', '', '', 0, '', '',
                     '', '', 0.0, '[]', '' FROM (VALUES {}) AS new WHERE true
                 ON CONFLICT (sha256) DO NOTHING RETURNING id",
                places(rows.len(), 7)
            );
            let mut query = sqlx::query(AssertSqlSafe(sql));
            for (new, id) in rows.iter().zip(&ids) {
                query = query
                    .bind(id.as_str())
                    .bind(new.sha256.as_str())
                    .bind(new.size_bytes)
                    .bind(new.direction.as_str())
                    .bind(i64::from(new.historic))
                    .bind(new.rfc_message_id.as_deref().map(key))
                    .bind(now_ms);
            }
            let made: Vec<MessageId> = query.all(self.connection(), |row| row.id("id")).await?;
            let made: BTreeSet<MessageId> = made.into_iter().collect();
            for (new, id) in rows.iter().zip(ids) {
                inserted.push(if made.contains(&id) {
                    Inserted::New(id)
                } else {
                    let known = self.find_message_by_sha(&new.sha256).await?;
                    Inserted::Known(known.ok_or_else(lost)?.id)
                });
            }
        }
        Ok(inserted)
    }

    /// Keeps what the pipeline found; the message is then `processed`.
    pub async fn save_processed(&mut self, id: &MessageId, found: &Processed<'_>, now_ms: i64) -> Result<()> {
        let from = found.message.from.clone().unwrap_or_default();
        sqlx::query(
            "UPDATE message SET state = 'processed', rfc_message_id = $1, from_email = $2, from_name = $3,
                 subject = $4, date_ms = $5, processed_ms = $6, origin = $7, muted = $8, screened_by = $9,
                 screened_reason = $10, ticket_id = $11, thread_rule = $12, possible_ticket_id = $13, queue = $14,
                 queue_confidence = $15, queue_reasons = $16, parsed = $17
             WHERE id = $18",
        )
        .bind(found.message.rfc_message_id.as_deref().map(key))
        .bind(text(&from.email))
        .bind(text(from.name.as_deref().unwrap_or_default()))
        .bind(text(&found.message.subject))
        .bind(found.message.date_ms)
        .bind(now_ms)
        .bind(found.screened.origin.as_str())
        .bind(i64::from(found.screened.muted))
        .bind(text(&found.screened.decided_by))
        .bind(text(&found.screened.reason))
        .bind(found.ticket_id.map(TicketId::as_str))
        .bind(text(found.thread_rule))
        .bind(found.possible_ticket_id.map(TicketId::as_str))
        .bind(found.classified.queue.as_str())
        .bind(f64::from(found.classified.confidence))
        .bind(json(&found.classified.reasons)?)
        .bind(json(found.message)?)
        .bind(id.as_str())
        .run(self.connection())
        .await?;
        Ok(())
    }

    /// Moves a message to another state: into quarantine, or back to `stored` to be processed again.
    pub async fn save_message_state(&mut self, id: &MessageId, state: MessageState) -> Result<()> {
        sqlx::query("UPDATE message SET state = $1 WHERE id = $2")
            .bind(state.as_str())
            .bind(id.as_str())
            .run(self.connection())
            .await?;
        Ok(())
    }

    /// A person decided where a message belongs: joins it to a ticket and clears the doubt.
    pub async fn move_message(&mut self, id: &MessageId, ticket_id: &TicketId, rule: &str) -> Result<()> {
        sqlx::query(
            "UPDATE message SET ticket_id = $1, thread_rule = $2, possible_ticket_id = NULL WHERE id = $3",
        )
        .bind(ticket_id.as_str())
        .bind(text(rule))
        .bind(id.as_str())
        .run(self.connection())
        .await?;
        Ok(())
    }

    /// A person decided that a message is no follow-up.
    pub async fn clear_possible_follow_up(&mut self, id: &MessageId) -> Result<()> {
        sqlx::query("UPDATE message SET possible_ticket_id = NULL WHERE id = $1")
            .bind(id.as_str())
            .run(self.connection())
            .await?;
        Ok(())
    }
}
