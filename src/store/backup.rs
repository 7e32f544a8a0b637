//! A consistent copy of the embedded database, made while it is in use.

use super::{Result, Store};
use std::path::Path;

impl Store {
    /// Copies an SQLite database into a new file, as it is at one moment, compacted. False on PostgreSQL, which brings
    /// its own tools.
    pub async fn copy_to(&self, file: &Path) -> Result<bool> {
        if self.turn.is_none() {
            return Ok(false);
        }
        let mut db = self.read().await?;
        sqlx::query("VACUUM INTO $1").bind(file.display().to_string()).execute(db.connection()).await?;
        Ok(true)
    }
}
