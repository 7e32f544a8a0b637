//! What administrators change on the pages: settings, and the versions of letter templates.

use super::{
    Db, Result, Tx,
    row::{Ask as _, Columns as _, key, text},
};

/// Settings and templates read at most.
const ROWS_MAX: i64 = 10_000;
/// Versions of one template listed at most.
const VERSIONS_MAX: i64 = 100;

/// A setting that differs from the configuration file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SettingRow {
    /// As in the file: `site.name`.
    pub name: String,
    /// As text.
    pub value: String,
    /// Who changed it.
    pub changed_by: String,
    /// Milliseconds UTC.
    pub changed_ms: i64,
}

/// One version of a letter's text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TemplateRow {
    /// Which letter.
    pub name: String,
    /// ISO 639-1 code.
    pub language: String,
    /// Counts from 1.
    pub version: i64,
    /// The text; empty: what the program or the site's folder has.
    pub source: String,
    /// Who wrote it.
    pub changed_by: String,
    /// Milliseconds UTC.
    pub changed_ms: i64,
}

fn template(row: &sqlx::any::AnyRow) -> Result<TemplateRow> {
    Ok(TemplateRow {
        name: row.text("name")?,
        language: row.text("language")?,
        version: row.int("version")?,
        source: row.text("source")?,
        changed_by: row.text("changed_by")?,
        changed_ms: row.int("changed_ms")?,
    })
}

impl Db {
    /// Rises with each change of a setting or template.
    pub async fn find_setting_version(&mut self) -> Result<i64> {
        self.find_counter("setting").await
    }

    /// The settings that differ from the file, by name.
    pub async fn list_settings(&mut self) -> Result<Vec<SettingRow>> {
        sqlx::query("SELECT * FROM setting ORDER BY name LIMIT $1")
            .bind(ROWS_MAX)
            .all(self.connection(), |row| {
                Ok(SettingRow {
                    name: row.text("name")?,
                    value: row.text("value")?,
                    changed_by: row.text("changed_by")?,
                    changed_ms: row.int("changed_ms")?,
                })
            })
            .await
    }

    /// The latest version of each template that ever had one.
    pub async fn list_templates(&mut self) -> Result<Vec<TemplateRow>> {
        sqlx::query(
            "SELECT t.* FROM template_version t WHERE t.version = (SELECT MAX(v.version) FROM template_version v
                 WHERE v.name = t.name AND v.language = t.language) ORDER BY t.name, t.language LIMIT $1",
        )
        .bind(ROWS_MAX)
        .all(self.connection(), template)
        .await
    }

    /// The versions of one template, newest first.
    pub async fn list_template_versions(&mut self, name: &str, language: &str) -> Result<Vec<TemplateRow>> {
        sqlx::query(
            "SELECT * FROM template_version WHERE name = $1 AND language = $2 ORDER BY version DESC LIMIT $3",
        )
        .bind(text(name))
        .bind(text(language))
        .bind(VERSIONS_MAX)
        .all(self.connection(), template)
        .await
    }
}

impl Tx {
    /// Sets a value, or, without one, leaves it to the file.
    pub async fn save_setting(
        &mut self,
        name: &str,
        value: Option<&str>,
        who: &str,
        now_ms: i64,
    ) -> Result<()> {
        if let Some(value) = value {
            sqlx::query(
                "INSERT INTO setting (name, value, changed_by, changed_ms) VALUES ($1, $2, $3, $4)
                 ON CONFLICT (name) DO UPDATE SET value = excluded.value, changed_by = excluded.changed_by,
                     changed_ms = excluded.changed_ms",
            )
            .bind(key(name))
            .bind(text(value))
            .bind(text(who))
            .bind(now_ms)
            .run(self.connection())
            .await?;
        } else {
            sqlx::query("DELETE FROM setting WHERE name = $1").bind(key(name)).run(self.connection()).await?;
        }
        self.raise_counter("setting", 1).await?;
        Ok(())
    }

    /// Adds a version of a template and returns its number. The text of an empty one is left to the program or the site's folder.
    pub async fn insert_template_version(
        &mut self,
        name: &str,
        language: &str,
        source: &str,
        who: &str,
        now_ms: i64,
    ) -> Result<i64> {
        // The counter's row lock lets one writer after the other number versions.
        self.raise_counter("setting", 1).await?;
        let (version,): (i64,) = sqlx::query_as(
            "SELECT COALESCE(MAX(version), 0) + 1 FROM template_version WHERE name = $1 AND language = $2",
        )
        .bind(name)
        .bind(language)
        .fetch_one(self.connection())
        .await?;
        sqlx::query(
            "INSERT INTO template_version (name, language, version, source, changed_by, changed_ms)
             VALUES ($1, $2, $3, $4, $5, $6)",
        )
        .bind(name)
        .bind(language)
        .bind(version)
        .bind(text(source))
        .bind(text(who))
        .bind(now_ms)
        .run(self.connection())
        .await?;
        Ok(version)
    }
}
