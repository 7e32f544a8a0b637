//! Drafts: what the program proposes for business documents, and what people make of them.
//!
//! The queue is what waits for a person, by the day that it is due, then the least sure first.
//! `revision` rises with each change: who saves says which revision he saw, and learns if somebody was faster.

use super::{
    Db, Result, Tx,
    row::{Ask as _, Columns as _, ROWS_AT_ONCE, fresh, json, key, places, text},
};
use crate::model::{
    account::{Amendment, EarlierOrder},
    draft::{Draft, DraftState, Kind},
    ids::{AccountId, DocumentId, DraftId, MessageId, TicketId},
};
use jiff::{Timestamp, civil::Date, tz::TimeZone};
use sqlx::{AssertSqlSafe, any::AnyRow};

/// Drafts of one ticket or message listed at most.
const DRAFTS_OF_ONE_MAX: i64 = 2_000;

/// What the program proposes, before anyone saw it.
#[derive(Clone, Debug, PartialEq)]
pub struct NewDraft<'a> {
    /// The conversation.
    pub ticket_id: &'a TicketId,
    /// The message.
    pub message_id: &'a MessageId,
    /// The file.
    pub document_id: &'a DocumentId,
    /// Number within the file, from 0.
    pub position: i64,
    /// The customer, if matched.
    pub account_id: Option<&'a AccountId>,
    /// Which rule matched it.
    pub account_reason: &'a str,
    /// The proposal.
    pub draft: &'a Draft,
}

/// A draft.
#[derive(Clone, Debug, PartialEq)]
pub struct DraftRow {
    /// Row id.
    pub id: DraftId,
    /// The conversation.
    pub ticket_id: TicketId,
    /// The message.
    pub message_id: MessageId,
    /// The file.
    pub document_id: DocumentId,
    /// Number within the file, from 0.
    pub position: i64,
    /// What it is.
    pub kind: Kind,
    /// Where it stands.
    pub state: DraftState,
    /// The customer, if known.
    pub account_id: Option<AccountId>,
    /// Which rule or person said so.
    pub account_reason: String,
    /// The customer's order number; empty if there is none.
    pub po_number: String,
    /// The buyer as printed; empty if there is none.
    pub buyer_name: String,
    /// The least sure value's confidence.
    pub least_confidence: f32,
    /// What the program proposed; never changed.
    pub proposed: Draft,
    /// With the corrections of people.
    pub content: Draft,
    /// Day on which it is due, ISO 8601; empty in rows of old versions.
    pub due_on: String,
    /// Rises with each change.
    pub revision: i64,
    /// Milliseconds UTC.
    pub created_ms: i64,
    /// When it was decided, milliseconds UTC.
    pub decided_ms: Option<i64>,
    /// By whom; empty until decided.
    pub decided_by: String,
    /// Why.
    pub decision_note: String,
    /// Who is to review it; empty: anybody.
    pub assignee: String,
}

/// Whose drafts of the queue.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Whose<'a> {
    /// All.
    All,
    /// Those handed to that person.
    Of(&'a str),
    /// Those that the person may take up: handed to him or her, or to nobody.
    For(&'a str),
}

/// Whether a change was saved.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Saved {
    /// Yes; this is the new revision.
    Yes(i64),
    /// Somebody else changed or decided the draft since; nothing was saved.
    Conflict,
}

fn draft(row: &AnyRow) -> Result<DraftRow> {
    Ok(DraftRow {
        id: row.id("id")?,
        ticket_id: row.id("ticket_id")?,
        message_id: row.id("message_id")?,
        document_id: row.id("document_id")?,
        position: row.int("position")?,
        kind: row.named("kind", Kind::parse)?,
        state: row.named("state", DraftState::parse)?,
        account_id: row.find_id("account_id")?,
        account_reason: row.text("account_reason")?,
        po_number: row.text("po_number")?,
        buyer_name: row.text("buyer_name")?,
        least_confidence: row.real("least_confidence")?,
        proposed: row.json("proposed")?,
        content: row.json("content")?,
        due_on: row.text("due_on")?,
        revision: row.int("revision")?,
        created_ms: row.int("created_ms")?,
        decided_ms: row.find_int("decided_ms")?,
        decided_by: row.text("decided_by")?,
        decision_note: row.text("decision_note")?,
        assignee: row.text("assignee")?,
    })
}

/// Where a draft stands among those that wait for a person.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// From 1.
    pub number: i64,
    /// How many wait.
    pub of: i64,
    /// The one before it.
    pub previous: Option<DraftId>,
    /// The one after it.
    pub next: Option<DraftId>,
}

fn due_on(draft: &Draft, created_ms: i64) -> String {
    let arrived = Timestamp::from_millisecond(created_ms).unwrap_or(Timestamp::UNIX_EPOCH);
    draft.due_on(arrived.to_zoned(TimeZone::UTC).date()).to_string()
}

impl Db {
    /// A draft by its row id.
    pub async fn find_draft(&mut self, id: &DraftId) -> Result<Option<DraftRow>> {
        sqlx::query("SELECT * FROM draft WHERE id = $1")
            .bind(id.as_str())
            .find(self.connection(), draft)
            .await
    }

    /// Drafts in a state, oldest first, the next `limit` after `after`.
    pub async fn list_drafts_by_state(
        &mut self,
        state: DraftState,
        after: Option<&DraftId>,
        limit: u32,
    ) -> Result<Vec<DraftRow>> {
        sqlx::query("SELECT * FROM draft WHERE state = $1 AND id > $2 ORDER BY id LIMIT $3")
            .bind(state.as_str())
            .bind(after.map_or("", DraftId::as_str))
            .bind(i64::from(limit))
            .all(self.connection(), draft)
            .await
    }

    /// Drafts approved or rejected since a time, newest first; the next `limit` before `before`.
    pub async fn list_decided_drafts(
        &mut self,
        since_ms: i64,
        before: Option<&DraftId>,
        limit: u32,
    ) -> Result<Vec<DraftRow>> {
        sqlx::query(
            "SELECT * FROM draft WHERE decided_ms >= $1 AND state IN ('approved', 'rejected') AND id < $2
             ORDER BY id DESC LIMIT $3",
        )
        .bind(since_ms)
        .bind(before.map_or("~", DraftId::as_str))
        .bind(i64::from(limit))
        .all(self.connection(), draft)
        .await
    }

    /// What waits for a person, as it is due, the next `limit` after `after`.
    pub async fn list_draft_queue(
        &mut self,
        whose: Whose<'_>,
        after: Option<&DraftId>,
        limit: u32,
    ) -> Result<Vec<DraftRow>> {
        let (person, free) = match whose {
            Whose::All => (None, 1),
            Whose::Of(person) => (Some(key(person)), 0),
            Whose::For(person) => (Some(key(person)), 1),
        };
        sqlx::query(
            "SELECT * FROM draft WHERE state = 'proposed' AND ($1 = '' OR (due_on, least_confidence, id) >
                 (SELECT due_on, least_confidence, id FROM draft WHERE id = $1))
                 AND ($3 IS NULL OR assignee = $3 OR (assignee = '' AND $4 = 1))
             ORDER BY due_on, least_confidence, id LIMIT $2",
        )
        .bind(after.map_or("", DraftId::as_str))
        .bind(i64::from(limit))
        .bind(person)
        .bind(free)
        .all(self.connection(), draft)
        .await
    }

    /// What to review after a draft, whether that one still waits or not: the next in the queue, at its end the first.
    /// What is handed to others is passed over.
    pub async fn find_next_draft(&mut self, id: &DraftId, person: &str) -> Result<Option<DraftId>> {
        let whose = Whose::For(person);
        if let Some(next) = self.list_draft_queue(whose, Some(id), 1).await?.pop() {
            return Ok(Some(next.id));
        }
        let first = self.list_draft_queue(whose, None, 1).await?.pop();
        Ok(first.map(|first| first.id).filter(|f| f != id))
    }

    /// Where a draft stands in the queue; none if it does not wait.
    pub async fn find_place_in_queue(&mut self, id: &DraftId) -> Result<Option<Place>> {
        let counts = sqlx::query(
            "SELECT COUNT(*) AS of_all, COALESCE(SUM(CASE WHEN (due_on, least_confidence, id) <=
                 (SELECT due_on, least_confidence, id FROM draft WHERE id = $1) THEN 1 ELSE 0 END), 0) AS number,
                 COALESCE(SUM(CASE WHEN id = $1 THEN 1 ELSE 0 END), 0) AS waits
             FROM draft WHERE state = 'proposed'",
        )
        .bind(id.as_str())
        .find(self.connection(), |row| Ok((row.int("number")?, row.int("of_all")?, row.int("waits")?)))
        .await?;
        let Some((number, of, 1)) = counts else { return Ok(None) };
        let previous = sqlx::query(
            "SELECT id FROM draft WHERE state = 'proposed' AND (due_on, least_confidence, id) <
                 (SELECT due_on, least_confidence, id FROM draft WHERE id = $1)
             ORDER BY due_on DESC, least_confidence DESC, id DESC LIMIT 1",
        )
        .bind(id.as_str())
        .find(self.connection(), |row| row.id("id"))
        .await?;
        let next = self.list_draft_queue(Whose::All, Some(id), 1).await?.pop().map(|row| row.id);
        Ok(Some(Place { number, of, previous, next }))
    }

    /// The drafts of a ticket, oldest first.
    pub async fn list_drafts_of_ticket(&mut self, ticket_id: &TicketId) -> Result<Vec<DraftRow>> {
        sqlx::query("SELECT * FROM draft WHERE ticket_id = $1 ORDER BY id LIMIT $2")
            .bind(ticket_id.as_str())
            .bind(DRAFTS_OF_ONE_MAX)
            .all(self.connection(), draft)
            .await
    }

    /// The drafts of a message, oldest first.
    pub async fn list_drafts_of_message(&mut self, message_id: &MessageId) -> Result<Vec<DraftRow>> {
        sqlx::query("SELECT * FROM draft WHERE message_id = $1 ORDER BY id LIMIT $2")
            .bind(message_id.as_str())
            .bind(DRAFTS_OF_ONE_MAX)
            .all(self.connection(), draft)
            .await
    }

    /// The drafts of many messages, by message, oldest first.
    pub async fn list_drafts_of(&mut self, message_ids: &[&MessageId]) -> Result<Vec<DraftRow>> {
        let mut found = Vec::new();
        for ids in message_ids.chunks(ROWS_AT_ONCE) {
            // only places are joined; values are bound
            let sql = format!(
                "SELECT * FROM draft WHERE message_id IN {} ORDER BY message_id, id",
                places(1, ids.len())
            );
            let mut query = sqlx::query(AssertSqlSafe(sql));
            for id in ids {
                query = query.bind(id.as_str());
            }
            found.extend(query.all(self.connection(), draft).await?);
        }
        Ok(found)
    }

    /// The drafts of a customer and of those that it stands for, newest first.
    pub async fn list_drafts_of_account(
        &mut self,
        id: &AccountId,
        skip: u32,
        limit: u32,
    ) -> Result<Vec<DraftRow>> {
        sqlx::query(
            "SELECT * FROM draft WHERE account_id IN (SELECT id FROM account WHERE id = $1 OR merged_into = $1)
             ORDER BY id DESC LIMIT $2 OFFSET $3",
        )
        .bind(id.as_str())
        .bind(i64::from(limit))
        .bind(i64::from(skip))
        .all(self.connection(), draft)
        .await
    }

    /// How many drafts are in each state.
    pub async fn count_drafts(&mut self) -> Result<Vec<(DraftState, i64)>> {
        sqlx::query("SELECT state, COUNT(*) AS rows_of_it FROM draft GROUP BY state ORDER BY state")
            .all(self.connection(), |row| {
                Ok((row.named("state", DraftState::parse)?, row.int("rows_of_it")?))
            })
            .await
    }

    /// New orders seen before with that number, newest first, leaving out rejected ones and those of `message_id`
    /// itself: what the check for duplicates looks at. Their place is the ticket's reference.
    pub async fn list_earlier_orders(
        &mut self,
        po_number: &str,
        message_id: &MessageId,
        limit: u32,
    ) -> Result<Vec<EarlierOrder>> {
        if po_number.is_empty() {
            return Ok(Vec::new());
        }
        self.list_orders_by("po_number", &key(po_number), message_id, limit).await
    }

    /// The customer's latest orders, newest first, leaving out rejected ones and those of `message_id` itself.
    pub async fn list_latest_orders(
        &mut self,
        account_id: &AccountId,
        message_id: &MessageId,
        limit: u32,
    ) -> Result<Vec<EarlierOrder>> {
        self.list_orders_by("account_id", account_id.as_str(), message_id, limit).await
    }

    /// Changes and cancellations of an order number that wait, newest first, leaving out those of `message_id` itself.
    /// Their place is the ticket's reference.
    pub async fn list_amendments(
        &mut self,
        po_number: &str,
        message_id: &MessageId,
        limit: u32,
    ) -> Result<Vec<Amendment>> {
        if po_number.is_empty() {
            return Ok(Vec::new());
        }
        sqlx::query(
            "SELECT draft.po_number, draft.buyer_name, draft.kind, ticket.number
             FROM draft JOIN ticket ON ticket.id = draft.ticket_id
             WHERE draft.po_number = $1 AND draft.kind IN ('purchase_order_change', 'purchase_order_cancellation')
                 AND draft.state IN ('proposed', 'asked') AND draft.message_id <> $2
             ORDER BY draft.id DESC LIMIT $3",
        )
        .bind(key(po_number))
        .bind(message_id.as_str())
        .bind(i64::from(limit))
        .all(self.connection(), |row| {
            Ok(Amendment {
                cancels: row.text("kind")? == "purchase_order_cancellation",
                buyer_name: Some(row.text("buyer_name")?).filter(|name| !name.is_empty()),
                po_number: row.text("po_number")?,
                place: format!("MR-{}", row.int("number")?),
            })
        })
        .await
    }

    async fn list_orders_by(
        &mut self,
        column: &'static str,
        value: &str,
        message_id: &MessageId,
        limit: u32,
    ) -> Result<Vec<EarlierOrder>> {
        sqlx::query(AssertSqlSafe(format!(
            "SELECT draft.po_number, draft.buyer_name, draft.content, account.account_no, ticket.number,
                 message.date_ms, message.stored_ms
             FROM draft JOIN ticket ON ticket.id = draft.ticket_id JOIN message ON message.id = draft.message_id
                 LEFT JOIN account ON account.id = draft.account_id
             WHERE draft.{column} = $1 AND draft.kind = 'purchase_order' AND draft.state <> 'rejected'
                 AND draft.message_id <> $2
             ORDER BY draft.id DESC LIMIT $3"
        )))
        .bind(value)
        .bind(message_id.as_str())
        .bind(i64::from(limit))
        .all(self.connection(), |row| {
            let content: Draft = row.json("content")?;
            Ok(EarlierOrder {
                lines: content.lines,
                account_no: row.find_id("account_no")?,
                buyer_name: Some(row.text("buyer_name")?).filter(|name| !name.is_empty()),
                po_number: row.text("po_number")?,
                place: format!("MR-{}", row.int("number")?),
                arrived: Some(day_of_arrival(row.find_int("date_ms")?, row.int("stored_ms")?)),
            })
        })
        .await
    }
}

/// The day, UTC, on which a message came: that of its `Date`, unless that claims to be later than its bytes are here.
pub fn day_of_arrival(date_ms: Option<i64>, stored_ms: i64) -> Date {
    let ms = date_ms.map_or(stored_ms, |date_ms| date_ms.min(stored_ms));
    Timestamp::from_millisecond(ms).unwrap_or(Timestamp::UNIX_EPOCH).to_zoned(TimeZone::UTC).date()
}

impl Tx {
    /// Removes the drafts of a message that nobody has changed, decided or asked about.
    pub async fn delete_undecided_drafts(&mut self, message_id: &MessageId) -> Result<()> {
        sqlx::query(
            "DELETE FROM draft WHERE message_id = $1 AND state = 'proposed' AND revision = 0
                 AND NOT EXISTS (SELECT 1 FROM outbox WHERE outbox.draft_id = draft.id)",
        )
        .bind(message_id.as_str())
        .run(self.connection())
        .await?;
        Ok(())
    }

    /// Keeps a proposal. One that is there for the same place in the same file stays as it is.
    pub async fn insert_draft(&mut self, new: &NewDraft<'_>, now_ms: i64) -> Result<DraftId> {
        let content = json(new.draft)?;
        let due_on = self.due_with_its_order(new.draft, due_on(new.draft, now_ms)).await?;
        sqlx::query(
            "INSERT INTO draft (id, ticket_id, message_id, document_id, position, kind, state, account_id,
                 account_reason, po_number, buyer_name, least_confidence, proposed, content, revision, created_ms,
                 decided_by, decision_note, due_on)
             VALUES ($1, $2, $3, $4, $5, $6, 'proposed', $7, $8, $9, $10, $11, $12, $12, 0, $13, '', '', $14)
             ON CONFLICT (document_id, position) DO NOTHING",
        )
        .bind(fresh::<String>())
        .bind(new.ticket_id.as_str())
        .bind(new.message_id.as_str())
        .bind(new.document_id.as_str())
        .bind(new.position)
        .bind(new.draft.kind.as_str())
        .bind(new.account_id.map(AccountId::as_str))
        .bind(text(new.account_reason))
        .bind(key(new.draft.text("po_number").unwrap_or_default()))
        .bind(text(new.draft.text("buyer_name").unwrap_or_default()))
        .bind(f64::from(new.draft.least_confidence()))
        .bind(content)
        .bind(now_ms)
        .bind(due_on)
        .run(self.connection())
        .await?;
        sqlx::query("SELECT id FROM draft WHERE document_id = $1 AND position = $2")
            .bind(new.document_id.as_str())
            .bind(new.position)
            .fetch_one(self.connection())
            .await?
            .id("id")
    }

    /// What changes or cancels an order that waits is due with it, so that both are seen together.
    async fn due_with_its_order(&mut self, draft: &Draft, due_on: String) -> Result<String> {
        let amends = matches!(draft.kind, Kind::PurchaseOrderChange | Kind::PurchaseOrderCancellation);
        let Some(number) = draft.text("po_number").filter(|_| amends) else { return Ok(due_on) };
        let of_order = sqlx::query(
            "SELECT MIN(due_on) AS due_on FROM draft
             WHERE po_number = $1 AND kind = 'purchase_order' AND state = 'proposed'",
        )
        .bind(key(number))
        .find(self.connection(), |row| row.find_id::<String>("due_on"))
        .await?;
        Ok(of_order.flatten().map_or(due_on.clone(), |of_order| of_order.min(due_on)))
    }

    /// Moves the drafts of a message to another ticket, because the message was joined to it.
    pub async fn move_drafts(&mut self, message_id: &MessageId, ticket_id: &TicketId) -> Result<()> {
        sqlx::query("UPDATE draft SET ticket_id = $1 WHERE message_id = $2")
            .bind(ticket_id.as_str())
            .bind(message_id.as_str())
            .run(self.connection())
            .await?;
        Ok(())
    }

    /// Saves a person's corrections to a draft that is not yet decided.
    pub async fn update_draft(
        &mut self,
        id: &DraftId,
        revision: i64,
        content: &Draft,
        account_id: Option<&AccountId>,
        account_reason: &str,
    ) -> Result<Saved> {
        let Some(before) = self.find_draft(id).await? else { return Ok(Saved::Conflict) };
        let done = sqlx::query(
            "UPDATE draft SET content = $1, kind = $2, account_id = $3, account_reason = $4, po_number = $5,
                 buyer_name = $6, least_confidence = $7, due_on = $10, revision = revision + 1
             WHERE id = $8 AND revision = $9 AND state IN ('proposed', 'asked')",
        )
        .bind(json(content)?)
        .bind(content.kind.as_str())
        .bind(account_id.map(AccountId::as_str))
        .bind(text(account_reason))
        .bind(key(content.text("po_number").unwrap_or_default()))
        .bind(text(content.text("buyer_name").unwrap_or_default()))
        .bind(f64::from(content.least_confidence()))
        .bind(id.as_str())
        .bind(revision)
        .bind(due_on(content, before.created_ms))
        .run(self.connection())
        .await?;
        Ok(if done == 1 { Saved::Yes(revision + 1) } else { Saved::Conflict })
    }

    /// A person decides: approved, rejected, or the customer is asked. What is approved or rejected stays so.
    pub async fn decide_draft(
        &mut self,
        id: &DraftId,
        revision: i64,
        state: DraftState,
        by: &str,
        note: &str,
        now_ms: i64,
    ) -> Result<Saved> {
        let done = sqlx::query(
            "UPDATE draft SET state = $1, decided_by = $2, decision_note = $3, decided_ms = $4, revision = revision + 1
             WHERE id = $5 AND revision = $6 AND state IN ('proposed', 'asked')",
        )
        .bind(state.as_str())
        .bind(text(by))
        .bind(text(note))
        .bind(now_ms)
        .bind(id.as_str())
        .bind(revision)
        .run(self.connection())
        .await?;
        Ok(if done == 1 { Saved::Yes(revision + 1) } else { Saved::Conflict })
    }
}
