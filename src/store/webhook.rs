//! Webhooks: who is told what happens here, and what is to be told.
//!
//! [`Tx::announce`] writes deliveries and their jobs in the transaction of the event itself: nothing is told that did not
//! happen, and nothing that happened stays untold.

use super::{
    Db, Result, Tx,
    row::{Ask as _, Columns as _, fresh, json, text},
};
use crate::model::draft::named;
use sqlx::any::AnyRow;

/// Kind of the jobs that send deliveries; their subject is the delivery.
pub const SEND_WEBHOOK: &str = "send_webhook";

/// Webhooks listed at most.
const WEBHOOKS_MAX: i64 = 100;

named! {
    /// What can be told.
    Event {
        /// A draft was approved: a record exists.
        DraftApproved = "draft.approved",
        /// A message made a new ticket.
        TicketCreated = "ticket.created",
        /// A message was taken in and understood.
        MessageReceived = "message.received",
    }
}

named! {
    /// Where a delivery stands.
    DeliveryState {
        /// To be sent, perhaps again.
        Waiting = "waiting",
        /// The other side took it.
        Delivered = "delivered",
        /// Given up.
        Failed = "failed",
    }
}

/// Who is told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WebhookRow {
    /// Row id.
    pub id: String,
    /// Where it goes.
    pub address: String,
    /// What is told.
    pub events: Vec<Event>,
    /// Sealed; signs what is sent.
    pub secret: String,
    /// Whether it is told anything now.
    pub active: bool,
    /// Who set it up.
    pub created_by: String,
    /// Milliseconds UTC.
    pub created_ms: i64,
}

/// Something to be told to somebody.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeliveryRow {
    /// Row id; the receiver knows a repetition by it.
    pub id: String,
    /// To whom.
    pub webhook_id: String,
    /// What happened.
    pub event: Event,
    /// JSON as it is signed and sent.
    pub body: String,
    /// Where it stands.
    pub state: DeliveryState,
    /// Attempts that came to nothing.
    pub attempts: i64,
    /// Why the last one did.
    pub last_error: String,
    /// Milliseconds UTC.
    pub created_ms: i64,
    /// Milliseconds UTC.
    pub delivered_ms: Option<i64>,
}

fn webhook(row: &AnyRow) -> Result<WebhookRow> {
    Ok(WebhookRow {
        id: row.text("id")?,
        address: row.text("address")?,
        events: row.json("events")?,
        secret: row.text("secret")?,
        active: row.flag("active")?,
        created_by: row.text("created_by")?,
        created_ms: row.int("created_ms")?,
    })
}

fn delivery(row: &AnyRow) -> Result<DeliveryRow> {
    Ok(DeliveryRow {
        id: row.text("id")?,
        webhook_id: row.text("webhook_id")?,
        event: row.named("event", Event::parse)?,
        body: row.text("body")?,
        state: row.named("state", DeliveryState::parse)?,
        attempts: row.int("attempts")?,
        last_error: row.text("last_error")?,
        created_ms: row.int("created_ms")?,
        delivered_ms: row.find_int("delivered_ms")?,
    })
}

impl Db {
    /// All webhooks, oldest first.
    pub async fn list_webhooks(&mut self) -> Result<Vec<WebhookRow>> {
        sqlx::query("SELECT * FROM webhook ORDER BY id LIMIT $1")
            .bind(WEBHOOKS_MAX)
            .all(self.connection(), webhook)
            .await
    }

    /// A webhook by its row id.
    pub async fn find_webhook(&mut self, id: &str) -> Result<Option<WebhookRow>> {
        sqlx::query("SELECT * FROM webhook WHERE id = $1")
            .bind(text(id))
            .find(self.connection(), webhook)
            .await
    }

    /// A delivery by its row id.
    pub async fn find_delivery(&mut self, id: &str) -> Result<Option<DeliveryRow>> {
        sqlx::query("SELECT * FROM webhook_delivery WHERE id = $1")
            .bind(text(id))
            .find(self.connection(), delivery)
            .await
    }

    /// What was or is to be told to a webhook, newest first.
    pub async fn list_deliveries(&mut self, webhook_id: &str, limit: u32) -> Result<Vec<DeliveryRow>> {
        sqlx::query("SELECT * FROM webhook_delivery WHERE webhook_id = $1 ORDER BY id DESC LIMIT $2")
            .bind(text(webhook_id))
            .bind(i64::from(limit))
            .all(self.connection(), delivery)
            .await
    }
}

impl Tx {
    /// Removes deliveries of an event that nobody tried and no job is left for, whose text is like `pattern`.
    pub(super) async fn delete_unsent_deliveries(&mut self, event: Event, pattern: &str) -> Result<()> {
        sqlx::query(
            "DELETE FROM webhook_delivery WHERE event = $1 AND state = 'waiting' AND attempts = 0 AND body LIKE $2
                 AND NOT EXISTS (SELECT 1 FROM job WHERE job.subject_id = webhook_delivery.id)",
        )
        .bind(event.as_str())
        .bind(pattern)
        .run(self.connection())
        .await?;
        Ok(())
    }

    /// Sets a webhook up.
    pub async fn insert_webhook(
        &mut self,
        address: &str,
        events: &[Event],
        sealed: &str,
        who: &str,
        now_ms: i64,
    ) -> Result<String> {
        let id: String = fresh();
        sqlx::query(
            "INSERT INTO webhook (id, address, events, secret, active, created_by, created_ms)
             VALUES ($1, $2, $3, $4, 1, $5, $6)",
        )
        .bind(id.as_str())
        .bind(text(address))
        .bind(json(&events)?)
        .bind(sealed)
        .bind(text(who))
        .bind(now_ms)
        .run(self.connection())
        .await?;
        Ok(id)
    }

    /// Lets a webhook be told, or not. `false` if there is none.
    pub async fn save_webhook_active(&mut self, id: &str, active: bool) -> Result<bool> {
        let done = sqlx::query("UPDATE webhook SET active = $1 WHERE id = $2")
            .bind(i64::from(active))
            .bind(text(id))
            .run(self.connection())
            .await?;
        Ok(done == 1)
    }

    /// Changes where a webhook goes, what it is told and what signs it.
    pub async fn save_webhook(
        &mut self,
        id: &str,
        address: &str,
        events: &[Event],
        sealed: &str,
    ) -> Result<bool> {
        let done = sqlx::query("UPDATE webhook SET address = $1, events = $2, secret = $3 WHERE id = $4")
            .bind(text(address))
            .bind(json(&events)?)
            .bind(sealed)
            .bind(text(id))
            .run(self.connection())
            .await?;
        Ok(done == 1)
    }

    /// Removes a webhook with its deliveries; what is still to be told to it is told no more. `false` if there is none.
    pub async fn delete_webhook(&mut self, id: &str) -> Result<bool> {
        sqlx::query("DELETE FROM webhook_delivery WHERE webhook_id = $1")
            .bind(text(id))
            .run(self.connection())
            .await?;
        let done =
            sqlx::query("DELETE FROM webhook WHERE id = $1").bind(text(id)).run(self.connection()).await?;
        Ok(done == 1)
    }

    /// Tells every webhook that wants to hear of it, once this transaction is committed.
    pub async fn announce(&mut self, event: Event, data: &serde_json::Value, now_ms: i64) -> Result<()> {
        self.announce_later(event, data, now_ms, now_ms).await
    }

    /// The same, not before `due_ms`.
    pub async fn announce_later(
        &mut self,
        event: Event,
        data: &serde_json::Value,
        now_ms: i64,
        due_ms: i64,
    ) -> Result<()> {
        for webhook in self.list_webhooks().await? {
            if !webhook.active || !webhook.events.contains(&event) {
                continue;
            }
            let id: String = fresh();
            let at = jiff::Timestamp::from_millisecond(now_ms).unwrap_or_default();
            let body =
                serde_json::json!({ "type": event.as_str(), "timestamp": at.to_string(), "data": data });
            sqlx::query(
                "INSERT INTO webhook_delivery (id, webhook_id, event, body, state, attempts, last_error, created_ms)
                 VALUES ($1, $2, $3, $4, 'waiting', 0, '', $5)",
            )
            .bind(id.as_str())
            .bind(webhook.id.as_str())
            .bind(event.as_str())
            .bind(text(&body.to_string()))
            .bind(now_ms)
            .run(self.connection())
            .await?;
            self.enqueue(SEND_WEBHOOK, &id, due_ms, now_ms).await?;
        }
        Ok(())
    }

    /// The other side took a delivery.
    pub async fn mark_delivered(&mut self, id: &str, now_ms: i64) -> Result<()> {
        sqlx::query(
            "UPDATE webhook_delivery SET state = 'delivered', last_error = '', delivered_ms = $1 WHERE id = $2",
        )
        .bind(now_ms)
        .bind(text(id))
        .run(self.connection())
        .await?;
        Ok(())
    }

    /// An attempt came to nothing; it is tried again unless it is given up.
    pub async fn record_delivery_error(&mut self, id: &str, error: &str, give_up: bool) -> Result<()> {
        sqlx::query(
            "UPDATE webhook_delivery SET attempts = attempts + 1, last_error = $1, state = $2 WHERE id = $3",
        )
        .bind(text(error))
        .bind(if give_up { DeliveryState::Failed } else { DeliveryState::Waiting }.as_str())
        .bind(text(id))
        .run(self.connection())
        .await?;
        Ok(())
    }

    /// Sends a delivery again that was given up or taken. `false` if it is waiting, or there is none.
    pub async fn redeliver(&mut self, webhook_id: &str, id: &str, now_ms: i64) -> Result<bool> {
        let done = sqlx::query(
            "UPDATE webhook_delivery SET state = 'waiting', attempts = 0 WHERE id = $1 AND state <> 'waiting'
                 AND webhook_id = $2",
        )
        .bind(text(id))
        .bind(text(webhook_id))
        .run(self.connection())
        .await?;
        if done == 1 {
            self.enqueue(SEND_WEBHOOK, id, now_ms, now_ms).await?;
        }
        Ok(done == 1)
    }
}
