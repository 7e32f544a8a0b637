//! Tickets: conversations, who takes part in them, and where they wait.

use super::{
    Db, Result, Store, Tx,
    row::{Ask as _, Columns as _, ROWS_AT_ONCE, fresh, key, places, text},
};
use crate::model::{
    ids::{AccountId, MessageId, OutboxId, TicketId},
    ticket::{Priority, Queue, Ticket, TicketState},
};
use sqlx::{AssertSqlSafe, any::AnyRow};
use std::collections::BTreeMap;

/// Participants of one ticket at most: more are not added, their mail is offered as a possible follow-up.
pub const PARTICIPANTS_MAX: i64 = 500;

/// A conversation that begins.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewTicket {
    /// Subject without reply prefixes.
    pub subject: String,
    /// Where it waits.
    pub queue: Queue,
    /// Why there.
    pub queue_reason: String,
    /// How soon.
    pub priority: Priority,
    /// The customer, if known.
    pub account_id: Option<AccountId>,
    /// ISO 639-1 code.
    pub language: String,
}

/// Which tickets to list; what is `None` does not matter.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TicketFilter {
    /// In this queue.
    pub queue: Option<Queue>,
    /// In this state.
    pub state: Option<TicketState>,
    /// Of this customer.
    pub account_id: Option<AccountId>,
    /// Of this person; empty: of nobody.
    pub assignee: Option<String>,
    /// So soon.
    pub priority: Option<Priority>,
    /// With this tag.
    pub tag: Option<String>,
    /// In which something happened that this person has not seen.
    pub unread_by: Option<String>,
    /// Only those that rest until a day.
    pub rests: bool,
}

/// Where a page of tickets ended: the next page starts behind it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TicketCursor {
    /// `updated_ms` of the last ticket.
    pub updated_ms: i64,
    /// Its id.
    pub id: TicketId,
}

impl From<&Ticket> for TicketCursor {
    fn from(ticket: &Ticket) -> Self {
        Self { updated_ms: ticket.updated_ms, id: ticket.id.clone() }
    }
}

/// A ticket as it stands in a list.
#[derive(Clone, Debug, PartialEq)]
pub struct TicketSummary {
    /// The ticket.
    pub ticket: Ticket,
    /// Who began it: the name of the first message's sender, or the address.
    pub from: String,
    /// Drafts that wait for a person.
    pub drafts: i64,
    /// The earliest day on which its waiting drafts are due; empty if there is none.
    pub due_on: String,
    /// When the first message came that nobody has answered since, milliseconds UTC.
    pub unanswered_ms: Option<i64>,
    /// Its tags.
    pub tags: Vec<String>,
    /// Something happened that the person has not seen.
    pub unread: bool,
}

fn ticket(row: &AnyRow) -> Result<Ticket> {
    Ok(Ticket {
        id: row.id("id")?,
        number: row.int("number")?,
        subject: row.text("subject")?,
        queue: row.named("queue", Queue::parse)?,
        state: row.named("state", TicketState::parse)?,
        priority: row.named("priority", Priority::parse)?,
        account_id: row.find_id("account_id")?,
        language: row.text("language")?,
        queue_reason: row.text("queue_reason")?,
        assignee: row.text("assignee")?,
        snoozed_until_ms: row.find_int("snoozed_until_ms")?,
        merged_into: row.find_id("merged_into")?,
        created_ms: row.int("created_ms")?,
        updated_ms: row.int("updated_ms")?,
    })
}

impl Db {
    /// A ticket by its row id.
    pub async fn find_ticket(&mut self, id: &TicketId) -> Result<Option<Ticket>> {
        sqlx::query("SELECT * FROM ticket WHERE id = $1")
            .bind(id.as_str())
            .find(self.connection(), ticket)
            .await
    }

    /// A ticket by the number that people say.
    pub async fn find_ticket_by_number(&mut self, number: i64) -> Result<Option<Ticket>> {
        sqlx::query("SELECT * FROM ticket WHERE number = $1")
            .bind(number)
            .find(self.connection(), ticket)
            .await
    }

    /// Tickets, the last touched first; the next `limit` behind `after`.
    pub async fn list_tickets(
        &mut self,
        filter: &TicketFilter,
        after: Option<&TicketCursor>,
        limit: u32,
    ) -> Result<Vec<Ticket>> {
        // only constant text is joined; values are bound
        let mut sql =
            "SELECT * FROM ticket WHERE (updated_ms < $1 OR (updated_ms = $1 AND id < $2))".to_owned();
        let equal = [
            ("queue", filter.queue.map(|queue| queue.as_str().to_owned())),
            ("state", filter.state.map(|state| state.as_str().to_owned())),
            ("account_id", filter.account_id.as_ref().map(|id| id.as_str().to_owned())),
            ("assignee", filter.assignee.clone()),
            ("priority", filter.priority.map(|priority| priority.as_str().to_owned())),
        ];
        let mut values = Vec::new();
        for (column, value) in equal {
            if let Some(value) = value {
                values.push(value);
                let number = values.len() + 3;
                sql.extend([" AND ", column, " = $", &number.to_string()]);
            }
        }
        let within = [
            ("id IN (SELECT ticket_id FROM ticket_tag WHERE tag = $", &filter.tag, ")"),
            (
                "NOT EXISTS (SELECT 1 FROM attention WHERE attention.ticket_id = ticket.id
                     AND attention.read_ms >= ticket.updated_ms AND attention.person = $",
                &filter.unread_by,
                ")",
            ),
        ];
        for (before, value, after) in within {
            if let Some(value) = value {
                values.push(value.clone());
                let number = values.len() + 3;
                sql.extend([" AND ", before, &number.to_string(), after]);
            }
        }
        if filter.rests {
            sql.push_str(" AND snoozed_until_ms IS NOT NULL");
        }
        sql.push_str(" ORDER BY updated_ms DESC, id DESC LIMIT $3");
        let mut query = sqlx::query(AssertSqlSafe(sql))
            .bind(after.map_or(i64::MAX, |cursor| cursor.updated_ms))
            .bind(after.map_or("", |cursor| cursor.id.as_str()))
            .bind(i64::from(limit));
        for value in values {
            query = query.bind(value);
        }
        query.all(self.connection(), ticket).await
    }

    /// The tickets of a customer and of those that it stands for, the last touched first.
    pub async fn list_tickets_of_account(
        &mut self,
        id: &AccountId,
        skip: u32,
        limit: u32,
    ) -> Result<Vec<Ticket>> {
        sqlx::query(
            "SELECT * FROM ticket WHERE account_id IN (SELECT id FROM account WHERE id = $1 OR merged_into = $1)
             ORDER BY updated_ms DESC, id DESC LIMIT $2 OFFSET $3",
        )
        .bind(id.as_str())
        .bind(i64::from(limit))
        .bind(i64::from(skip))
        .all(self.connection(), ticket)
        .await
    }

    /// Tickets as they stand in a list, the last touched first; the next `limit` behind `after`.
    pub async fn list_ticket_summaries(
        &mut self,
        filter: &TicketFilter,
        after: Option<&TicketCursor>,
        limit: u32,
        person: &str,
    ) -> Result<Vec<TicketSummary>> {
        let tickets = self.list_tickets(filter, after, limit).await?;
        self.summarise_tickets(tickets, person).await
    }

    /// Tickets as they stand in a person's lists, in their order.
    pub async fn summarise_tickets(
        &mut self,
        tickets: Vec<Ticket>,
        person: &str,
    ) -> Result<Vec<TicketSummary>> {
        let mut found = BTreeMap::new();
        let mut tags: BTreeMap<TicketId, Vec<String>> = BTreeMap::new();
        for part in tickets.chunks(ROWS_AT_ONCE) {
            // only places are joined; values are bound
            let (ids, who) = (places(1, part.len()), part.len() + 1);
            let sql = format!(
                "SELECT ticket.id,
                     COALESCE((SELECT CASE WHEN from_name <> '' THEN from_name ELSE from_email END FROM message
                         WHERE ticket_id = ticket.id ORDER BY id LIMIT 1), '') AS sender,
                     (SELECT COUNT(*) FROM draft WHERE ticket_id = ticket.id AND state = 'proposed') AS drafts,
                     COALESCE((SELECT MIN(due_on) FROM draft WHERE ticket_id = ticket.id AND state = 'proposed'), '')
                         AS due_on,
                     (SELECT MIN(stored_ms) FROM message WHERE ticket_id = ticket.id AND direction = 'in'
                         AND historic = 0 AND stored_ms > COALESCE((SELECT MAX(created_ms) FROM outbox
                             WHERE ticket_id = ticket.id AND template <> 'acknowledgement'), 0)) AS unanswered_ms,
                     COALESCE((SELECT read_ms FROM attention WHERE ticket_id = ticket.id AND person = ${who}), 0)
                         AS read_ms
                 FROM ticket WHERE id IN {ids}"
            );
            let mut query = sqlx::query(AssertSqlSafe(sql));
            for ticket in part {
                query = query.bind(ticket.id.as_str());
            }
            let rows = query.bind(key(person)).all(self.connection(), |row| {
                let waits = (row.int("drafts")?, row.text("due_on")?, row.find_int("unanswered_ms")?);
                let about = (row.text("sender")?, waits, row.int("read_ms")?);
                Ok((row.id::<TicketId>("id")?, about))
            });
            found.extend(rows.await?);
            let sql = format!("SELECT ticket_id, tag FROM ticket_tag WHERE ticket_id IN {ids} ORDER BY tag");
            let mut query = sqlx::query(AssertSqlSafe(sql));
            for ticket in part {
                query = query.bind(ticket.id.as_str());
            }
            let rows = query.all(self.connection(), |row| Ok((row.id("ticket_id")?, row.text("tag")?)));
            for (id, tag) in rows.await? {
                tags.entry(id).or_default().push(tag);
            }
        }
        let summaries = tickets.into_iter().map(|ticket| {
            let (from, (drafts, due_on, unanswered_ms), read_ms) =
                found.remove(&ticket.id).unwrap_or_default();
            let unread = read_ms < ticket.updated_ms;
            let tags = tags.remove(&ticket.id).unwrap_or_default();
            TicketSummary { ticket, from, drafts, due_on, unanswered_ms, tags, unread }
        });
        Ok(summaries.collect())
    }

    /// Tickets that have rested until then or longer.
    pub async fn list_snoozed_until(&mut self, now_ms: i64, limit: u32) -> Result<Vec<TicketId>> {
        sqlx::query(
            "SELECT id FROM ticket WHERE snoozed_until_ms IS NOT NULL AND snoozed_until_ms <= $1
             ORDER BY snoozed_until_ms LIMIT $2",
        )
        .bind(now_ms)
        .bind(i64::from(limit))
        .all(self.connection(), |row| row.id("id"))
        .await
    }

    /// When the open ticket that was touched longest ago was touched, for each queue that has one.
    pub async fn list_oldest_open(&mut self) -> Result<Vec<(Queue, i64)>> {
        sqlx::query(
            "SELECT queue, MIN(updated_ms) AS oldest_ms FROM ticket WHERE state = 'open' GROUP BY queue ORDER BY queue",
        )
        .all(self.connection(), |row| Ok((row.named("queue", Queue::parse)?, row.int("oldest_ms")?)))
        .await
    }

    /// How many tickets are in each queue and state.
    pub async fn count_tickets(&mut self) -> Result<Vec<(Queue, TicketState, i64)>> {
        sqlx::query(
            "SELECT queue, state, COUNT(*) AS rows_of_it FROM ticket GROUP BY queue, state ORDER BY queue, state",
        )
        .all(self.connection(), |row| {
            Ok((
                row.named("queue", Queue::parse)?,
                row.named("state", TicketState::parse)?,
                row.int("rows_of_it")?,
            ))
        })
        .await
    }

    /// Who may write into a ticket by quoting its reference: addresses in lower case.
    pub async fn list_participants(&mut self, id: &TicketId) -> Result<Vec<String>> {
        // only the limit is joined; see the header of `store`
        let limit = PARTICIPANTS_MAX;
        let sql = format!("SELECT email FROM participant WHERE ticket_id = $1 ORDER BY email LIMIT {limit}");
        sqlx::query(AssertSqlSafe(sql))
            .bind(id.as_str())
            .all(self.connection(), |row| row.text("email"))
            .await
    }

    /// How many messages came into a ticket, and how many answers people sent from it.
    pub async fn count_said(&mut self, id: &TicketId) -> Result<i64> {
        let row = sqlx::query(
            "SELECT (SELECT COUNT(*) FROM message WHERE ticket_id = $1 AND direction = 'in')
                  + (SELECT COUNT(*) FROM outbox WHERE ticket_id = $1 AND cause LIKE 'answer:%') AS said",
        )
        .bind(id.as_str())
        .fetch_one(self.connection())
        .await?;
        row.int("said")
    }

    /// The addresses that may write into a ticket: because we wrote to them, or because they wrote first. In order.
    pub async fn list_participants_by(&mut self, id: &TicketId, invited: bool) -> Result<Vec<String>> {
        // only the limit is joined; see the header of `store`
        let limit = PARTICIPANTS_MAX;
        let sql = format!(
            "SELECT email FROM participant WHERE ticket_id = $1 AND invited = $2 ORDER BY email LIMIT {limit}"
        );
        sqlx::query(AssertSqlSafe(sql))
            .bind(id.as_str())
            .bind(i64::from(invited))
            .all(self.connection(), |row| row.text("email"))
            .await
    }

    /// The ticket in which we sent that mail.
    pub async fn find_ticket_of_outbox(&mut self, id: &OutboxId) -> Result<Option<TicketId>> {
        let row = sqlx::query("SELECT ticket_id FROM outbox WHERE id = $1")
            .bind(text(id.as_str()))
            .fetch_optional(self.connection())
            .await?;
        Ok(row.map(|row| row.find_id("ticket_id")).transpose()?.flatten())
    }

    /// The tickets of messages that came or went with these `Message-ID`s, each once, in the order of the ids.
    /// Only the last [`RFC_IDS_MAX`](super::message::RFC_IDS_MAX) ids are looked up, and `except` is left out.
    pub async fn list_tickets_of_rfc_ids(
        &mut self,
        rfc_ids: &[String],
        except: Option<&MessageId>,
    ) -> Result<Vec<TicketId>> {
        const TICKETS_PER_ID_MAX: i64 = 10;
        let mut tickets = Vec::new();
        let skip = rfc_ids.len().saturating_sub(super::message::RFC_IDS_MAX);
        for rfc_id in rfc_ids.iter().skip(skip).filter(|id| !id.is_empty()) {
            // only the limit is joined; see the header of `store`
            let sql = format!(
                "SELECT ticket_id FROM message WHERE rfc_message_id = $1 AND id <> $2 AND ticket_id IS NOT NULL
                 UNION SELECT ticket_id FROM outbox WHERE rfc_message_id = $1 AND ticket_id IS NOT NULL
                 LIMIT {TICKETS_PER_ID_MAX}"
            );
            let rows = sqlx::query(AssertSqlSafe(sql))
                .bind(key(rfc_id))
                .bind(except.map_or("", MessageId::as_str))
                .fetch_all(self.connection())
                .await?;
            for row in &rows {
                let id: TicketId = row.id("ticket_id")?;
                if !tickets.contains(&id) {
                    tickets.push(id);
                }
            }
        }
        Ok(tickets)
    }
}

impl Store {
    /// Takes the next ticket number, for a ticket that is inserted later: a letter that goes out with it names it.
    pub async fn reserve_ticket_number(&self) -> Result<i64> {
        let mut tx = self.begin().await?;
        let number = tx.raise_counter("ticket", 1).await?;
        tx.commit().await?;
        Ok(number)
    }
}

impl Tx {
    /// Makes a ticket, open, with a number that was reserved for it, or else with the next one.
    pub async fn insert_ticket(
        &mut self,
        new: &NewTicket,
        reserved: Option<i64>,
        now_ms: i64,
    ) -> Result<Ticket> {
        let number = match reserved {
            Some(number) => number,
            None => self.next_ticket_number().await?,
        };
        let ticket = Ticket {
            id: fresh(),
            number,
            subject: text(&new.subject),
            queue: new.queue,
            state: TicketState::Open,
            priority: new.priority,
            account_id: new.account_id.clone(),
            language: text(&new.language),
            queue_reason: text(&new.queue_reason),
            assignee: String::new(),
            snoozed_until_ms: None,
            merged_into: None,
            created_ms: now_ms,
            updated_ms: now_ms,
        };
        sqlx::query(
            "INSERT INTO ticket (id, number, subject, queue, state, priority, account_id, language, queue_reason,
                 created_ms, updated_ms)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $10)",
        )
        .bind(ticket.id.as_str())
        .bind(number)
        .bind(ticket.subject.as_str())
        .bind(ticket.queue.as_str())
        .bind(ticket.state.as_str())
        .bind(ticket.priority.as_str())
        .bind(ticket.account_id.as_ref().map(AccountId::as_str))
        .bind(ticket.language.as_str())
        .bind(ticket.queue_reason.as_str())
        .bind(now_ms)
        .run(self.connection())
        .await?;
        Ok(ticket)
    }

    /// Saves what can change of a ticket (not what it was merged into), and the time.
    pub async fn update_ticket(&mut self, ticket: &Ticket, now_ms: i64) -> Result<()> {
        sqlx::query(
            "UPDATE ticket SET subject = $1, queue = $2, queue_reason = $3, state = $4, priority = $5, account_id = $6,
                 language = $7, assignee = $8, snoozed_until_ms = $9, updated_ms = $10
             WHERE id = $11",
        )
        .bind(text(&ticket.subject))
        .bind(ticket.queue.as_str())
        .bind(text(&ticket.queue_reason))
        .bind(ticket.state.as_str())
        .bind(ticket.priority.as_str())
        .bind(ticket.account_id.as_ref().map(AccountId::as_str))
        .bind(text(&ticket.language))
        .bind(key(&ticket.assignee))
        .bind(ticket.snoozed_until_ms)
        .bind(now_ms)
        .bind(ticket.id.as_str())
        .run(self.connection())
        .await?;
        Ok(())
    }

    /// Something happened in a ticket; `state` if that changes it (a new message opens a closed one).
    pub async fn touch_ticket(
        &mut self,
        id: &TicketId,
        state: Option<TicketState>,
        now_ms: i64,
    ) -> Result<()> {
        sqlx::query(
            "UPDATE ticket SET updated_ms = $1, state = COALESCE($2, state),
                 snoozed_until_ms = CASE WHEN $4 = 1 THEN NULL ELSE snoozed_until_ms END
             WHERE id = $3",
        )
        .bind(now_ms)
        .bind(state.map(TicketState::as_str))
        .bind(id.as_str())
        .bind(i64::from(state.is_some()))
        .run(self.connection())
        .await?;
        Ok(())
    }

    /// Lets an address no longer write into a ticket, unless it wrote or was written to there.
    pub(super) async fn remove_idle_participant(&mut self, id: &TicketId, email: &str) -> Result<()> {
        sqlx::query(
            "DELETE FROM participant WHERE ticket_id = $1 AND email = $2
                 AND NOT EXISTS (SELECT 1 FROM message WHERE message.ticket_id = $1 AND message.from_email = $2)
                 AND NOT EXISTS (SELECT 1 FROM outbox WHERE outbox.ticket_id = $1 AND outbox.recipient = $2)",
        )
        .bind(id.as_str())
        .bind(key(email))
        .run(self.connection())
        .await?;
        Ok(())
    }

    /// Lets an address write into a ticket, and others of its organisation. `false` if there are too many already.
    pub async fn add_participant(&mut self, id: &TicketId, email: &str) -> Result<bool> {
        self.insert_participant(id, email, false).await
    }

    /// Lets an address that we wrote to answer into a ticket: it alone, unless it takes part already.
    /// `false` if there are too many already.
    pub async fn invite_participant(&mut self, id: &TicketId, email: &str) -> Result<bool> {
        self.insert_participant(id, email, true).await
    }

    async fn insert_participant(&mut self, id: &TicketId, email: &str, invited: bool) -> Result<bool> {
        let done = sqlx::query(
            "INSERT INTO participant (ticket_id, email, invited)
             SELECT $1, $2, $4 WHERE (SELECT COUNT(*) FROM participant WHERE ticket_id = $1) < $3
             ON CONFLICT (ticket_id, email) DO UPDATE SET email = excluded.email",
        )
        .bind(id.as_str())
        .bind(key(&email.to_lowercase()))
        .bind(PARTICIPANTS_MAX)
        .bind(i64::from(invited))
        .run(self.connection())
        .await?;
        Ok(done == 1)
    }

    /// Lets whoever may write into a ticket write into another one, as before.
    pub async fn copy_participants(&mut self, from: &TicketId, to: &TicketId) -> Result<()> {
        for invited in [false, true] {
            for email in self.list_participants_by(from, invited).await? {
                self.insert_participant(to, &email, invited).await?;
            }
        }
        Ok(())
    }
}
