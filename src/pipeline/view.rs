//! Views that people keep, share and remove: each change with its line in the log.

use super::decision::entry;
use crate::{app::App, clock, model::ids::ViewId, store::view::ViewPage};

/// Most characters of the name of a view.
pub const NAME_CHARS_MAX: usize = 80;

/// Keeps a view under a name.
pub async fn save(
    app: &App,
    page: ViewPage,
    shared: bool,
    name: &str,
    query: &str,
    who: &str,
) -> anyhow::Result<()> {
    let name: String = name.chars().take(NAME_CHARS_MAX).collect();
    let mut tx = app.store.begin().await?;
    tx.save_view(page, who, shared, &name, query, clock::now_ms()).await?;
    tx.audit(entry(who, "save_view", "view", &name, query));
    Ok(tx.commit().await?)
}

/// Removes a view of the person's own. `false` if there is none.
pub async fn remove(app: &App, id: &ViewId, who: &str) -> anyhow::Result<bool> {
    let mut tx = app.store.begin().await?;
    let Some(name) = tx.delete_view(id, who).await? else { return Ok(false) };
    tx.audit(entry(who, "remove_view", "view", &name, ""));
    tx.commit().await?;
    Ok(true)
}
