//! What people do with tickets beside answering them: tags, links, notes, who has read and who is at it.

use super::{
    Db, Result, Tx,
    row::{Ask as _, Columns as _, fresh, json, key, text},
};
use crate::model::ids::{NoteId, TicketId};
use sqlx::any::AnyRow;

/// Notes of one ticket listed at most.
const NOTES_MAX: i64 = 500;
/// Tags of one ticket, and links, at most.
const TAGS_MAX: i64 = 30;
/// Different tags listed at most.
const ALL_TAGS_MAX: i64 = 200;
/// Colleagues at one ticket listed at most.
const PRESENT_MAX: i64 = 20;

/// What a colleague wrote for colleagues.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct Note {
    /// Row id.
    pub id: NoteId,
    /// Who wrote it.
    pub author: String,
    /// Plain text.
    pub content: String,
    /// Names of those whom it calls.
    pub mentions: Vec<String>,
    /// Milliseconds UTC.
    pub created_ms: i64,
}

/// What a person has to do with a ticket.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Attention {
    /// Name.
    pub person: String,
    /// What happened up to then was seen: milliseconds UTC.
    pub read_ms: i64,
    /// Looked at the page at that time.
    pub present_ms: i64,
    /// Typed an answer at that time.
    pub writing_ms: i64,
    /// What is being written.
    pub typed: Typed,
}

/// What a person is writing in a ticket and has not sent.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(default)]
pub struct Typed {
    /// To whom the answer goes.
    pub to: String,
    /// Who else gets it.
    pub cc: String,
    /// The answer.
    pub text: String,
    /// The letter that it began with, by its name.
    pub letter: String,
    /// The note.
    pub note: String,
}

impl Typed {
    /// What is left once the answer has gone.
    #[must_use]
    pub fn without_answer(self) -> Self {
        Self { note: self.note, ..Self::default() }
    }
}

fn attention(row: &AnyRow) -> Result<Attention> {
    Ok(Attention {
        person: row.text("person")?,
        read_ms: row.int("read_ms")?,
        present_ms: row.int("present_ms")?,
        writing_ms: row.int("writing_ms")?,
        typed: match row.text("typed")?.as_str() {
            "" => Typed { text: row.text("draft")?, ..Typed::default() },
            _ => row.json("typed")?,
        },
    })
}

fn note(row: &AnyRow) -> Result<Note> {
    Ok(Note {
        id: row.id("id")?,
        author: row.text("author")?,
        content: row.text("content")?,
        mentions: row.json("mentions")?,
        created_ms: row.int("created_ms")?,
    })
}

impl Db {
    /// The notes of a ticket, oldest first.
    pub async fn list_notes(&mut self, ticket: &TicketId) -> Result<Vec<Note>> {
        sqlx::query("SELECT * FROM note WHERE ticket_id = $1 ORDER BY id LIMIT $2")
            .bind(ticket.as_str())
            .bind(NOTES_MAX)
            .all(self.connection(), note)
            .await
    }

    /// The notes that call somebody, newest first, each with the number and subject of its ticket.
    pub async fn list_mentions(&mut self, name: &str, limit: u32) -> Result<Vec<(Note, i64, String)>> {
        // a name is kept as JSON text, where `%` and `_` are letters like others
        let quoted = serde_json::to_string(name).unwrap_or_default();
        let escaped = quoted.replace('!', "!!").replace('%', "!%").replace('_', "!_");
        sqlx::query(
            "SELECT n.*, t.number, t.subject FROM note n JOIN ticket t ON t.id = n.ticket_id
             WHERE n.mentions LIKE $1 ESCAPE '!' ORDER BY n.id DESC LIMIT $2",
        )
        .bind(key(&format!("%{escaped}%")))
        .bind(i64::from(limit))
        .all(self.connection(), |row| Ok((note(row)?, row.int("number")?, row.text("subject")?)))
        .await
    }

    /// The tags of a ticket, in order.
    pub async fn list_tags(&mut self, ticket: &TicketId) -> Result<Vec<String>> {
        sqlx::query("SELECT tag FROM ticket_tag WHERE ticket_id = $1 ORDER BY tag LIMIT $2")
            .bind(ticket.as_str())
            .bind(TAGS_MAX)
            .all(self.connection(), |row| row.text("tag"))
            .await
    }

    /// All tags, in order.
    pub async fn list_all_tags(&mut self) -> Result<Vec<String>> {
        sqlx::query("SELECT DISTINCT tag FROM ticket_tag ORDER BY tag LIMIT $1")
            .bind(ALL_TAGS_MAX)
            .all(self.connection(), |row| row.text("tag"))
            .await
    }

    /// The tickets that a ticket is linked with.
    pub async fn list_links(&mut self, ticket: &TicketId) -> Result<Vec<TicketId>> {
        sqlx::query("SELECT other_id FROM ticket_link WHERE ticket_id = $1 ORDER BY other_id LIMIT $2")
            .bind(ticket.as_str())
            .bind(TAGS_MAX)
            .all(self.connection(), |row| row.id("other_id"))
            .await
    }

    /// What a person has to do with a ticket.
    pub async fn find_attention(&mut self, ticket: &TicketId, person: &str) -> Result<Option<Attention>> {
        sqlx::query("SELECT * FROM attention WHERE ticket_id = $1 AND person = $2")
            .bind(ticket.as_str())
            .bind(key(person))
            .find(self.connection(), attention)
            .await
    }

    /// Who else has been at a ticket since then.
    pub async fn list_present(
        &mut self,
        ticket: &TicketId,
        except: &str,
        since_ms: i64,
    ) -> Result<Vec<Attention>> {
        sqlx::query(
            "SELECT * FROM attention WHERE ticket_id = $1 AND person <> $2 AND present_ms >= $3
             ORDER BY person LIMIT $4",
        )
        .bind(ticket.as_str())
        .bind(key(except))
        .bind(since_ms)
        .bind(PRESENT_MAX)
        .all(self.connection(), attention)
        .await
    }
}

impl Tx {
    /// Adds a note.
    pub async fn insert_note(
        &mut self,
        ticket: &TicketId,
        author: &str,
        content: &str,
        mentions: &[String],
        now_ms: i64,
    ) -> Result<NoteId> {
        let id: NoteId = fresh();
        sqlx::query(
            "INSERT INTO note (id, ticket_id, author, content, mentions, created_ms) VALUES ($1, $2, $3, $4, $5, $6)",
        )
        .bind(id.as_str())
        .bind(ticket.as_str())
        .bind(text(author))
        .bind(text(content))
        .bind(json(&mentions)?)
        .bind(now_ms)
        .run(self.connection())
        .await?;
        Ok(id)
    }

    /// Adds a tag; one that is there stays.
    pub async fn add_tag(&mut self, ticket: &TicketId, tag: &str) -> Result<()> {
        sqlx::query(
            "INSERT INTO ticket_tag (ticket_id, tag)
             SELECT $1, $2 WHERE (SELECT COUNT(*) FROM ticket_tag WHERE ticket_id = $1) < $3
             ON CONFLICT (ticket_id, tag) DO UPDATE SET tag = excluded.tag",
        )
        .bind(ticket.as_str())
        .bind(key(tag))
        .bind(TAGS_MAX)
        .run(self.connection())
        .await?;
        Ok(())
    }

    /// Takes a tag away.
    pub async fn remove_tag(&mut self, ticket: &TicketId, tag: &str) -> Result<()> {
        sqlx::query("DELETE FROM ticket_tag WHERE ticket_id = $1 AND tag = $2")
            .bind(ticket.as_str())
            .bind(key(tag))
            .run(self.connection())
            .await?;
        Ok(())
    }

    /// Links two tickets, in both directions.
    pub async fn link_tickets(&mut self, one: &TicketId, other: &TicketId) -> Result<()> {
        for (from, to) in [(one, other), (other, one)] {
            sqlx::query(
                "INSERT INTO ticket_link (ticket_id, other_id) VALUES ($1, $2)
                 ON CONFLICT (ticket_id, other_id) DO UPDATE SET other_id = excluded.other_id",
            )
            .bind(from.as_str())
            .bind(to.as_str())
            .run(self.connection())
            .await?;
        }
        Ok(())
    }

    /// Takes the link between two tickets away, in both directions; `false` if there was none.
    pub async fn unlink_tickets(&mut self, one: &TicketId, other: &TicketId) -> Result<bool> {
        let done = sqlx::query(
            "DELETE FROM ticket_link WHERE (ticket_id = $1 AND other_id = $2) OR (ticket_id = $2 AND other_id = $1)",
        )
        .bind(one.as_str())
        .bind(other.as_str())
        .run(self.connection())
        .await?;
        Ok(done > 0)
    }

    /// Moves what people wrote for each other, the drafts and the mail that went out from one ticket to another.
    pub async fn move_ticket_content(&mut self, from: &TicketId, to: &TicketId) -> Result<()> {
        for sql in [
            "UPDATE message SET ticket_id = $1 WHERE ticket_id = $2",
            "UPDATE message SET possible_ticket_id = $1 WHERE possible_ticket_id = $2",
            "UPDATE draft SET ticket_id = $1 WHERE ticket_id = $2",
            "UPDATE record SET ticket_id = $1 WHERE ticket_id = $2",
            "UPDATE outbox SET ticket_id = $1 WHERE ticket_id = $2",
            "UPDATE note SET ticket_id = $1 WHERE ticket_id = $2",
            "UPDATE ticket SET merged_into = $1 WHERE merged_into = $2",
        ] {
            sqlx::query(sql).bind(to.as_str()).bind(from.as_str()).run(self.connection()).await?;
        }
        sqlx::query(
            "INSERT INTO ticket_tag (ticket_id, tag) SELECT $1, tag FROM ticket_tag WHERE ticket_id = $2
             ON CONFLICT (ticket_id, tag) DO NOTHING",
        )
        .bind(to.as_str())
        .bind(from.as_str())
        .run(self.connection())
        .await?;
        sqlx::query("UPDATE ticket SET merged_into = $1 WHERE id = $2")
            .bind(to.as_str())
            .bind(from.as_str())
            .run(self.connection())
            .await?;
        Ok(())
    }

    /// Notes that a person is at a ticket; `read`: has seen it as it is now; `writing`: what he or she is writing.
    pub async fn attend(
        &mut self,
        ticket: &TicketId,
        person: &str,
        read: bool,
        writing: Option<&Typed>,
        now_ms: i64,
    ) -> Result<()> {
        sqlx::query(
            "INSERT INTO attention (ticket_id, person, read_ms, present_ms, writing_ms, draft, typed)
             VALUES ($1, $2, $3, $4, $5, '', $7)
             ON CONFLICT (ticket_id, person) DO UPDATE SET
                 read_ms = CASE WHEN excluded.read_ms > attention.read_ms THEN excluded.read_ms ELSE attention.read_ms END,
                 present_ms = excluded.present_ms,
                 writing_ms = CASE WHEN $6 = 1 THEN excluded.writing_ms ELSE attention.writing_ms END,
                 draft = CASE WHEN $6 = 1 THEN '' ELSE attention.draft END,
                 typed = CASE WHEN $6 = 1 THEN excluded.typed ELSE attention.typed END",
        )
        .bind(ticket.as_str())
        .bind(key(person))
        .bind(if read { now_ms } else { 0 })
        .bind(now_ms)
        .bind(if writing.is_some_and(|typed| !typed.text.is_empty()) { now_ms } else { 0 })
        .bind(i64::from(writing.is_some()))
        .bind(writing.map(json).transpose()?.unwrap_or_default())
        .run(self.connection())
        .await?;
        Ok(())
    }
}
