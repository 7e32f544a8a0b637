//! A draft as a person left it: checked again, what stands against approving it, and its corrections written.
//!
//! Does not: decide on it (that is [`super::decision`]).

use super::decision::entry;
use crate::{
    app::App,
    clock,
    model::{
        draft::Draft,
        finding::{Finding, Severity},
        ids::{AccountId, DraftId},
    },
    store::{
        Tx,
        change::ChangeKind,
        draft::{DraftRow, Saved, day_of_arrival},
    },
    validate::{
        self,
        remedy::{self, Remedy},
    },
};

/// A draft as a person left it.
#[derive(Clone, Debug)]
pub struct Edited {
    /// The draft.
    pub id: DraftId,
    /// The revision that the person saw.
    pub revision: i64,
    /// With his or her corrections.
    pub content: Draft,
    /// Paths of what was corrected.
    pub changed: Vec<String>,
    /// For each line that was seen its place now, if it is still there; empty if no line moved.
    pub places: Vec<Option<usize>>,
}

impl Edited {
    /// A draft that nobody touched.
    pub fn untouched(id: DraftId, revision: i64, content: Draft) -> Self {
        Self { id, revision, content, changed: Vec::new(), places: Vec::new() }
    }

    /// A finding of what was seen, about the same place now; none if that place is gone or was corrected.
    fn carry(&self, finding: &Finding) -> Option<Finding> {
        let Some(path) = &finding.field else { return Some(finding.clone()) };
        let cell = path.strip_prefix("lines.").map(|cell| cell.split_once('.').unwrap_or((cell, "")));
        let line = cell.and_then(|(line, column)| Some((line.parse::<usize>().ok()?, column)));
        if self.changed.contains(path) {
            return None;
        }
        let moved = match line {
            Some((line, column)) if !self.places.is_empty() => {
                let place = self.places.get(line).copied().flatten()?;
                format!("lines.{place}.{column}").trim_end_matches('.').to_owned()
            }
            _ => path.clone(),
        };
        Some(finding.clone().about(moved))
    }
}

/// The name by which a person accepts a finding: its code and its field.
pub fn key(finding: &Finding) -> String {
    format!("{} {}", finding.code, finding.field.as_deref().unwrap_or_default()).trim_end().to_owned()
}

/// What stands against approving a draft with these findings: values that no record can hold; else problems, and what
/// is to be checked now but was not `before`, so that nobody has seen it yet.
///
/// `accepted`: keys of the findings that a person accepts.
pub fn unsettled(findings: &[Finding], before: &[Finding], accepted: &[String]) -> Vec<Finding> {
    let malformed: Vec<Finding> =
        findings.iter().filter(|f| validate::value::is_malformed(f)).cloned().collect();
    if !malformed.is_empty() {
        return malformed;
    }
    let is_new = |f: &Finding| !before.iter().any(|seen| seen.code == f.code && seen.field == f.field);
    let held = findings.iter().filter(|f| match f.severity {
        Severity::Problem => true,
        Severity::Check => is_new(f),
        Severity::Note => false,
    });
    held.filter(|f| !accepted.contains(&key(f))).cloned().collect()
}

/// A draft checked again, with the account that it now belongs to.
#[derive(Clone, Debug)]
pub(super) struct Checked {
    pub(super) content: Draft,
    pub(super) account_id: Option<AccountId>,
    pub(super) account_reason: String,
}

/// Checks a corrected draft: findings that checks made are made anew, those of reading stay.
pub(super) async fn check(app: &App, row: &DraftRow, edited: &Edited) -> anyhow::Result<Checked> {
    let mut content = edited.content.clone();
    let master = app.master_data().await?;
    let mut db = app.store.read().await?;
    let message = db.find_message(&row.message_id).await?;
    let sender = message.as_ref().map(|message| message.from_email.as_str());
    let mut known = super::known(&*app.settings().await?, &master);
    known.arrived = message.as_ref().map(|message| day_of_arrival(message.date_ms, message.stored_ms));
    super::look_up_orders(&mut db, &mut known, &content, row.account_id.as_ref(), &row.message_id).await?;
    let read = row.content.findings.iter().filter(|f| !validate::is_made_here(f));
    content.findings = read.filter_map(|finding| edited.carry(finding)).collect();
    let after = validate::check(&content, &known);
    content.findings.retain(|f| !after.contains(f));
    content.findings.extend(after);
    let matched = validate::match_account(&content, &known, sender);
    let account_id = matched.as_ref().and_then(|m| master.account_ids.get(m.index).cloned());
    Ok(match (account_id, matched) {
        (Some(id), Some(matched)) => {
            Checked { content, account_id: Some(id), account_reason: matched.reason }
        }
        _ => Checked {
            content,
            account_id: row.account_id.clone(),
            account_reason: row.account_reason.clone(),
        },
    })
}

/// A draft as its page shows it: with what speaks against it today, which may be more than when it came.
pub async fn checked_today(app: &App, row: &DraftRow) -> anyhow::Result<Draft> {
    let seen = Edited::untouched(row.id.clone(), row.revision, row.content.clone());
    Ok(check(app, row, &seen).await?.content)
}

/// What cures the findings of a draft for certain.
pub async fn remedies(app: &App, row: &DraftRow) -> anyhow::Result<Vec<Remedy>> {
    let master = app.master_data().await?;
    let known = super::known(&*app.settings().await?, &master);
    let account = row.account_id.as_ref().and_then(|id| master.account(id));
    Ok(remedy::remedies(&row.content, &known, account))
}

/// Writes the corrections, if there are any; the revision to decide on.
pub(super) async fn write(
    tx: &mut Tx,
    before: &DraftRow,
    edited: &Edited,
    checked: &Checked,
    who: &str,
) -> anyhow::Result<Option<i64>> {
    if edited.changed.is_empty() {
        return Ok(Some(edited.revision));
    }
    tx.keep_edit(before, who, clock::now_ms()).await?;
    let saved = tx
        .update_draft(
            &edited.id,
            edited.revision,
            &checked.content,
            checked.account_id.as_ref(),
            &checked.account_reason,
        )
        .await?;
    let Saved::Yes(revision) = saved else { return Ok(None) };
    tx.audit(entry(who, "save_draft", "draft", edited.id.as_str(), edited.changed.join(", ")));
    tx.note_change(ChangeKind::Draft, edited.id.as_str());
    Ok(Some(revision))
}
