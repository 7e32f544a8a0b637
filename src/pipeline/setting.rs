//! What administrators set: checked with everything else that counts, kept with its line in the log.

use super::decision::entry;
use crate::{
    app::App,
    clock,
    config::settings::{self, Setting},
    reply::template::Name,
    store::setting::SettingRow,
};
use anyhow::Context as _;

/// Why nothing was changed: which setting, and what is wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refused {
    /// Its name.
    pub name: String,
    /// In words.
    pub reason: String,
}

/// Changes settings, all or none. A value that is the file's own is left to the file. How many differ from before.
pub async fn save(
    app: &App,
    values: &[(Setting, String)],
    who: &str,
) -> anyhow::Result<Result<usize, Refused>> {
    let now_ms = clock::now_ms();
    let mut tx = app.store.begin().await?;
    let mut rows = tx.list_settings().await?;
    let mailboxes = tx.list_mailboxes().await?;
    let before = settings::effective(&app.config, &rows, &mailboxes).0;
    let mut changed = Vec::new();
    for (setting, value) in values {
        let name = setting.name();
        let mut typed = app.config.clone();
        if let Err(error) = setting.write(&mut typed, value) {
            return Ok(Err(Refused { name, reason: format!("{error:#}") }));
        }
        let value = setting.read(&typed);
        let (was, file) = (setting.read(&before), setting.read(&app.config));
        if value != was {
            rows.retain(|row| row.name != name);
            let kept = (value != file).then(|| value.clone());
            if let Some(value) = &kept {
                let (value, changed_by) = (value.clone(), who.to_owned());
                rows.push(SettingRow { name: name.clone(), value, changed_by, changed_ms: now_ms });
            }
            changed.push((name, was, value, kept));
        }
    }
    // What each value allows by itself may not go together.
    let (_, wrong) = settings::effective(&app.config, &rows, &mailboxes);
    if let Some((name, reason)) = wrong.into_iter().find(|(name, _)| changed.iter().any(|c| c.0 == *name)) {
        return Ok(Err(Refused { name, reason }));
    }
    for (name, was, value, kept) in &changed {
        tx.save_setting(name, kept.as_deref(), who, now_ms).await?;
        tx.audit(entry(who, "change_setting", "setting", name, format!("from {was:?} to {value:?}")));
    }
    tx.commit().await.context("failed to keep settings")?;
    app.announce_work();
    Ok(Ok(changed.len()))
}

/// Keeps a text as the next version of a letter; an empty one leaves it to the program or the site's folder.
pub async fn save_template(
    app: &App,
    name: Name,
    language: &str,
    source: &str,
    who: &str,
) -> anyhow::Result<Result<i64, Refused>> {
    let id = format!("{}/{language}", name.as_str());
    let source = source.replace("\r\n", "\n");
    if !source.is_empty()
        && let Err(error) = app.built_in_templates().with(name, language, &source)
    {
        return Ok(Err(Refused { name: id, reason: error.to_string() }));
    }
    let mut tx = app.store.begin().await?;
    let version = tx.insert_template_version(name.as_str(), language, &source, who, clock::now_ms()).await?;
    let detail =
        if source.is_empty() { "left to the program".to_owned() } else { format!("version {version}") };
    tx.audit(entry(who, "change_template", "template", &id, detail));
    tx.commit().await.context("failed to keep a letter template")?;
    Ok(Ok(version))
}
