//! Searches and lists of tickets that people keep under a name, for themselves or for everybody.

use super::{
    Db, Result, Tx,
    row::{Ask as _, Columns as _, fresh, key, text},
};
use crate::model::{draft::named, ids::ViewId};

/// Views listed at most.
const VIEWS_MAX: i64 = 200;

named! {
    /// What a view shows.
    ViewPage {
        /// Hits of a search.
        Search = "search",
        /// Tickets.
        Tickets = "tickets",
    }
}

/// A view.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct View {
    /// Row id.
    pub id: ViewId,
    /// Who keeps it, and alone may remove it.
    pub owner: String,
    /// Everybody sees it.
    pub shared: bool,
    /// What people call it.
    pub name: String,
    /// What stands behind the `?` of the page's address.
    pub query: String,
}

impl Db {
    /// A person's views of a page and those that others share, by name.
    pub async fn list_views(&mut self, page: ViewPage, person: &str) -> Result<Vec<View>> {
        sqlx::query(
            "SELECT * FROM saved_view WHERE page = $1 AND (owner = $2 OR shared = 1) ORDER BY name, id LIMIT $3",
        )
        .bind(page.as_str())
        .bind(key(person))
        .bind(VIEWS_MAX)
        .all(self.connection(), |row| {
            Ok(View {
                id: row.id("id")?,
                owner: row.text("owner")?,
                shared: row.int("shared")? == 1,
                name: row.text("name")?,
                query: row.text("query")?,
            })
        })
        .await
    }
}

impl Tx {
    /// Keeps a view; one of the same person, page and name is replaced.
    pub async fn save_view(
        &mut self,
        page: ViewPage,
        owner: &str,
        shared: bool,
        name: &str,
        query: &str,
        now_ms: i64,
    ) -> Result<()> {
        sqlx::query(
            "INSERT INTO saved_view (id, page, owner, shared, name, query, created_ms)
             VALUES ($1, $2, $3, $4, $5, $6, $7)
             ON CONFLICT (page, owner, name) DO UPDATE SET query = excluded.query, shared = excluded.shared",
        )
        .bind(fresh::<String>())
        .bind(page.as_str())
        .bind(key(owner))
        .bind(i64::from(shared))
        .bind(key(name))
        .bind(text(query))
        .bind(now_ms)
        .run(self.connection())
        .await?;
        Ok(())
    }

    /// Removes a view of its owner; what it was called, or nothing if there is none.
    pub async fn delete_view(&mut self, id: &ViewId, owner: &str) -> Result<Option<String>> {
        let found = sqlx::query("DELETE FROM saved_view WHERE id = $1 AND owner = $2 RETURNING name")
            .bind(text(id.as_str()))
            .bind(key(owner))
            .find(self.connection(), |row| row.text("name"))
            .await?;
        Ok(found)
    }
}
