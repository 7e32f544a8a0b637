//! Lessons: what approved drafts taught about the layouts of their senders.

use super::{
    Db, Result, Tx,
    row::{Ask as _, Columns as _, ROWS_AT_ONCE, fresh, json, key, places, text},
};
use crate::{
    extract::memory::Lesson,
    model::{
        draft::{Kind, named},
        ids::{DraftId, LessonId},
    },
};
use sqlx::{AssertSqlSafe, any::AnyRow};
use std::collections::BTreeSet;

/// Lessons of one sender that are used; older ones rest.
pub const LESSONS_OF_SENDER_MAX: i64 = 60;
/// A lesson that people contradicted this often, and more often than they confirmed it, retires.
const CONTRADICTED_MAX: i64 = 2;

named! {
    /// Whether a lesson is used.
    LessonState {
        /// It helps to read.
        Active = "active",
        /// It was contradicted, or a person took it back.
        Retired = "retired",
    }
}

/// What a draft that is being approved teaches.
#[derive(Clone, Debug, PartialEq)]
pub struct NewLesson {
    /// The draft.
    pub draft_id: DraftId,
    /// Domain of its sender, or the whole address at a provider of free mail.
    pub sender: String,
    /// What it teaches.
    pub lesson: Lesson,
}

/// A lesson.
#[derive(Clone, Debug, PartialEq)]
pub struct LessonRow {
    /// Row id.
    pub id: LessonId,
    /// The approved draft that taught it.
    pub draft_id: DraftId,
    /// Domain of its sender, or the whole address.
    pub sender: String,
    /// What that draft was.
    pub kind: Kind,
    /// What it teaches; its id is that of the row.
    pub lesson: Lesson,
    /// Whether it is used.
    pub state: LessonState,
    /// Approved drafts whose values it found rightly.
    pub confirmed: i64,
    /// Approved drafts in which a person changed what it had found.
    pub contradicted: i64,
    /// Who approved the draft.
    pub learnt_by: String,
    /// Milliseconds UTC.
    pub learnt_ms: i64,
    /// Who retired it; empty: the program, or nobody yet.
    pub decided_by: String,
}

fn lesson(row: &AnyRow) -> Result<LessonRow> {
    let id: LessonId = row.id("id")?;
    let mut lesson: Lesson = row.json("content")?;
    id.as_str().clone_into(&mut lesson.id);
    Ok(LessonRow {
        draft_id: row.id("draft_id")?,
        sender: row.text("sender")?,
        kind: row.named("kind", Kind::parse)?,
        lesson,
        state: row.named("state", LessonState::parse)?,
        confirmed: row.int("confirmed")?,
        contradicted: row.int("contradicted")?,
        learnt_by: row.text("learnt_by")?,
        learnt_ms: row.int("learnt_ms")?,
        decided_by: row.text("decided_by")?,
        id,
    })
}

impl Db {
    /// The lessons of a sender that are used, newest first.
    pub async fn list_lessons_of_sender(&mut self, sender: &str) -> Result<Vec<LessonRow>> {
        let limit = LESSONS_OF_SENDER_MAX;
        let sql = format!(
            "SELECT * FROM lesson WHERE sender = $1 AND state = 'active' ORDER BY id DESC LIMIT {limit}"
        );
        // only the limit is joined; see the header of `store`
        sqlx::query(AssertSqlSafe(sql)).bind(key(sender)).all(self.connection(), lesson).await
    }

    /// Those of these senders who taught something that is used.
    pub async fn list_senders_with_lessons(
        &mut self,
        senders: &BTreeSet<String>,
    ) -> Result<BTreeSet<String>> {
        let mut found = BTreeSet::new();
        let senders: Vec<&String> = senders.iter().collect();
        for some in senders.chunks(ROWS_AT_ONCE) {
            // only places are joined; values are bound
            let sql = format!(
                "SELECT DISTINCT sender FROM lesson WHERE sender IN {} AND state = 'active'",
                places(1, some.len())
            );
            let mut query = sqlx::query(AssertSqlSafe(sql));
            for sender in some {
                query = query.bind(key(sender));
            }
            found.extend(query.all(self.connection(), |row| row.text("sender")).await?);
        }
        Ok(found)
    }

    /// Lessons, newest first; the next `limit` before `before`.
    pub async fn list_lessons(&mut self, before: Option<&LessonId>, limit: u32) -> Result<Vec<LessonRow>> {
        sqlx::query("SELECT * FROM lesson WHERE id < $1 ORDER BY id DESC LIMIT $2")
            .bind(before.map_or("~", LessonId::as_str))
            .bind(i64::from(limit))
            .all(self.connection(), lesson)
            .await
    }

    /// A lesson by its row id.
    pub async fn find_lesson(&mut self, id: &LessonId) -> Result<Option<LessonRow>> {
        sqlx::query("SELECT * FROM lesson WHERE id = $1")
            .bind(text(id.as_str()))
            .find(self.connection(), lesson)
            .await
    }
}

impl Tx {
    /// Takes back that an approved draft confirmed or contradicted a lesson, and the end that this gave it.
    pub async fn uncount_lesson(&mut self, id: &LessonId, contradicted: bool) -> Result<()> {
        sqlx::query(
            "UPDATE lesson SET confirmed = confirmed - $1, contradicted = contradicted - $2
             WHERE id = $3 AND confirmed >= $1 AND contradicted >= $2",
        )
        .bind(i64::from(!contradicted))
        .bind(i64::from(contradicted))
        .bind(id.as_str())
        .run(self.connection())
        .await?;
        sqlx::query(
            "UPDATE lesson SET state = 'active' WHERE id = $1 AND state = 'retired' AND decided_by = ''
                 AND (contradicted < $2 OR contradicted <= confirmed)",
        )
        .bind(id.as_str())
        .bind(CONTRADICTED_MAX)
        .run(self.connection())
        .await?;
        Ok(())
    }

    /// Forgets what a draft taught.
    pub(super) async fn delete_lessons_of_draft(&mut self, id: &DraftId) -> Result<()> {
        sqlx::query("DELETE FROM lesson WHERE draft_id = $1")
            .bind(id.as_str())
            .run(self.connection())
            .await?;
        Ok(())
    }

    /// Keeps what a draft teaches. One draft teaches once.
    pub async fn insert_lesson(&mut self, new: &NewLesson, who: &str, now_ms: i64) -> Result<()> {
        sqlx::query(
            "INSERT INTO lesson (id, draft_id, sender, kind, content, state, confirmed, contradicted, learnt_by,
                 learnt_ms, decided_by)
             VALUES ($1, $2, $3, $4, $5, 'active', 0, 0, $6, $7, '')
             ON CONFLICT (draft_id) DO NOTHING",
        )
        .bind(fresh::<String>())
        .bind(new.draft_id.as_str())
        .bind(key(&new.sender))
        .bind(new.lesson.kind.as_str())
        .bind(json(&new.lesson)?)
        .bind(text(who))
        .bind(now_ms)
        .run(self.connection())
        .await?;
        Ok(())
    }

    /// Counts an approved draft that a lesson had helped to read; true if the lesson retires by that.
    pub async fn count_lesson(&mut self, id: &LessonId, contradicted: bool) -> Result<bool> {
        sqlx::query(
            "UPDATE lesson SET confirmed = confirmed + $1, contradicted = contradicted + $2 WHERE id = $3",
        )
        .bind(i64::from(!contradicted))
        .bind(i64::from(contradicted))
        .bind(id.as_str())
        .run(self.connection())
        .await?;
        let retired = sqlx::query(
            "UPDATE lesson SET state = 'retired', decided_by = ''
             WHERE id = $1 AND state = 'active' AND contradicted >= $2 AND contradicted > confirmed",
        )
        .bind(id.as_str())
        .bind(CONTRADICTED_MAX)
        .run(self.connection())
        .await?;
        Ok(retired == 1)
    }

    /// A person retires a lesson or takes it up again; false if it is in that state already.
    pub async fn set_lesson_state(&mut self, id: &LessonId, state: LessonState, who: &str) -> Result<bool> {
        let done = sqlx::query("UPDATE lesson SET state = $1, decided_by = $2 WHERE id = $3 AND state <> $1")
            .bind(state.as_str())
            .bind(text(who))
            .bind(id.as_str())
            .run(self.connection())
            .await?;
        Ok(done == 1)
    }
}
