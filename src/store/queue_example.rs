//! Messages that people put into a queue by hand: the examples that later messages are compared with.

use super::{
    Db, Result, Tx,
    row::{Ask as _, Columns as _, text},
};
use crate::model::{
    ids::{MessageId, TicketId},
    message::Message,
    ticket::Queue,
};

/// Examples that are used, the newest.
pub const EXAMPLES_MAX: i64 = 1_000;

/// A message and where it belongs.
#[derive(Clone, Debug, PartialEq)]
pub struct QueueExampleRow {
    /// Where a person put it.
    pub queue: Queue,
    /// Number of its ticket.
    pub ticket_number: i64,
    /// Who put it there.
    pub taught_by: String,
    /// The message.
    pub message: Message,
}

impl Db {
    /// Rises with each change of the examples.
    pub async fn find_queue_example_version(&mut self) -> Result<i64> {
        self.find_counter("queue_example").await
    }

    /// The examples, newest first.
    pub async fn list_queue_examples(&mut self) -> Result<Vec<QueueExampleRow>> {
        sqlx::query(
            "SELECT e.queue, e.taught_by, t.number, m.parsed FROM queue_example e
             JOIN message m ON m.id = e.message_id JOIN ticket t ON t.id = m.ticket_id
             WHERE m.parsed <> '' ORDER BY e.taught_ms DESC LIMIT $1",
        )
        .bind(EXAMPLES_MAX)
        .all(self.connection(), |row| {
            Ok(QueueExampleRow {
                queue: row.named("queue", Queue::parse)?,
                ticket_number: row.int("number")?,
                taught_by: row.text("taught_by")?,
                message: row.json("parsed")?,
            })
        })
        .await
    }
}

impl Tx {
    /// The first message of a ticket is an example of a queue; in triage it is one of none.
    pub async fn save_queue_example(
        &mut self,
        ticket_id: &TicketId,
        queue: Queue,
        who: &str,
        now_ms: i64,
    ) -> Result<()> {
        let first = self.list_message_ids(ticket_id, None, 1).await?;
        let Some(message_id) = first.first().map(MessageId::as_str) else { return Ok(()) };
        if queue == Queue::Triage {
            sqlx::query("DELETE FROM queue_example WHERE message_id = $1")
                .bind(message_id)
                .run(self.connection())
                .await?;
        } else {
            sqlx::query(
                "INSERT INTO queue_example (message_id, queue, taught_by, taught_ms) VALUES ($1, $2, $3, $4)
                 ON CONFLICT (message_id) DO UPDATE SET queue = excluded.queue, taught_by = excluded.taught_by,
                     taught_ms = excluded.taught_ms",
            )
            .bind(message_id)
            .bind(queue.as_str())
            .bind(text(who))
            .bind(now_ms)
            .run(self.connection())
            .await?;
        }
        self.raise_counter("queue_example", 1).await?;
        Ok(())
    }
}
