//! Drafts that pass without a person, where a site wants it, and what kept the others from it.
//!
//! A draft passes if its kind is one that the site named, every value is at the threshold or above, nothing at all was
//! found wrong, and its customer is known. A share of those that could pass is held for a person anyway: what people
//! change in them is the measured error. Off by default; [`report`] tells beforehand what would pass.
//!
//! Invariant: a crash between processing and this step leaves the draft to a person.

use super::{
    decision::{self, Decided},
    edit::Edited,
    effort,
};
use crate::{
    app::App,
    config::StraightThrough,
    model::{
        draft::{DraftState, Kind},
        ids::{DraftId, MessageId},
    },
    store::draft::DraftRow,
};
use anyhow::Context as _;
use serde::Serialize;
use sha2::{Digest as _, Sha256};
use std::collections::BTreeMap;

/// Who decides when no person does.
pub const PROGRAM: &str = "mailroom";
/// Drafts that one report looks at, the newest.
const REPORTED_MAX: usize = 20_000;
/// Drafts read at once.
const PART: u32 = 500;

/// What keeps a draft from passing without a person.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Blocker {
    /// Stable name of the rule: `value_unsure`, `finding`…
    pub rule: &'static str,
    /// What exactly: the least sure field, the code of the finding.
    pub what: String,
}

fn blocker(rule: &'static str, what: impl Into<String>) -> Blocker {
    Blocker { rule, what: what.into() }
}

/// What keeps a draft, as it was proposed, from passing; none if it may pass.
pub fn blockers(row: &DraftRow, historic: bool, rules: &StraightThrough) -> Vec<Blocker> {
    let draft = &row.proposed;
    let mut found = Vec::new();
    if historic {
        found.push(blocker("historic", ""));
    }
    if !rules.kinds.contains(&draft.kind) {
        found.push(blocker("kind", draft.kind.as_str()));
    } else if draft.kind_confidence < rules.threshold {
        found.push(blocker("kind_unsure", draft.kind.as_str()));
    }
    if row.account_id.is_none() {
        found.push(blocker("no_account", ""));
    }
    if draft.lines.is_empty() && draft.kind == Kind::PurchaseOrder {
        found.push(blocker("no_lines", ""));
    }
    let cells = draft.lines.iter().flatten().map(|(name, p)| (format!("line.{name}"), p.confidence));
    let fields = draft.fields.iter().map(|(name, p)| (name.clone(), p.confidence));
    let least = fields.chain(cells).min_by(|a, b| a.1.total_cmp(&b.1));
    if let Some((name, _)) = least.filter(|(_, sure)| *sure < rules.threshold) {
        found.push(blocker("value_unsure", name));
    }
    if let Some(finding) = draft.findings.iter().max_by_key(|finding| finding.severity) {
        found.push(blocker("finding", finding.code.clone()));
    }
    found
}

/// Whether a draft that could pass is held for a person: always the same answer for one draft.
pub fn is_held_for_audit(id: &DraftId, share: f64) -> bool {
    let digest = Sha256::digest(id.as_str());
    let first = digest.iter().take(4).fold(0_u32, |number, byte| number << 8 | u32::from(*byte));
    f64::from(first) / (f64::from(u32::MAX) + 1.0) < share
}

/// Approves the drafts of a message that pass. Those that do not wait for a person.
pub async fn pass(app: &App, id: &MessageId) -> anyhow::Result<()> {
    let settings = app.settings().await?;
    let rules = &settings.config.straight_through;
    if !rules.enabled {
        return Ok(());
    }
    let mut db = app.store.read().await?;
    let historic = db.find_message(id).await?.is_none_or(|message| message.historic);
    let drafts = db.list_drafts_of_message(id).await.context("failed to list the drafts of a message")?;
    drop(db);
    for row in drafts.into_iter().filter(|row| row.state == DraftState::Proposed && row.revision == 0) {
        if !blockers(&row, historic, rules).is_empty() || is_held_for_audit(&row.id, rules.audit_share) {
            continue;
        }
        let edited = Edited::untouched(row.id.clone(), row.revision, row.content);
        match decision::approve(app, edited, &[], PROGRAM).await? {
            Decided::Done(record) => tracing::info!(draft = %row.id, %record, "approved without a person"),
            Decided::Conflict | Decided::NoRecipient | Decided::Test | Decided::Unsettled(_) => {}
        }
    }
    Ok(())
}

/// How drafts were decided, and what kept them from passing.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Report {
    /// Drafts decided.
    pub decided: usize,
    /// Approved without a person.
    pub passed: usize,
    /// Approved by a person as proposed.
    pub unchanged: usize,
    /// Could have passed, and a person decided: held for audit, or the site has it switched off.
    pub audited: usize,
    /// Of those, how many the person changed or rejected: the measured error.
    pub audited_changed: usize,
    /// How often each rule was the only one that held a draft, and how often it held one.
    pub blockers: BTreeMap<String, [usize; 2]>,
    /// What the drafts that people decided cost them.
    pub effort: effort::Report,
}

/// How the drafts were decided since a time.
pub async fn report(app: &App, since_ms: i64) -> anyhow::Result<Report> {
    let settings = app.settings().await?;
    let rules = &settings.config.straight_through;
    let mut report = Report { effort: effort::report(app, since_ms).await?, ..Report::default() };
    let mut before: Option<DraftId> = None;
    while report.decided < REPORTED_MAX {
        let mut db = app.store.read().await?;
        let rows = db.list_decided_drafts(since_ms, before.as_ref(), PART).await;
        let rows = rows.context("failed to list decided drafts")?;
        drop(db);
        let Some(last) = rows.last() else { break };
        before = Some(last.id.clone());
        for row in &rows {
            count(&mut report, row, rules);
        }
    }
    Ok(report)
}

fn count(report: &mut Report, row: &DraftRow, rules: &StraightThrough) {
    report.decided += 1;
    let changed = row.state == DraftState::Rejected || !row.proposed.says_the_same(&row.content);
    if row.decided_by == PROGRAM {
        report.passed += 1;
        return;
    }
    report.unchanged += usize::from(!changed);
    let found = blockers(row, false, rules);
    if found.is_empty() {
        report.audited += 1;
        report.audited_changed += usize::from(changed);
    }
    for blocker in &found {
        let name = [blocker.rule, blocker.what.as_str()].join(" ").trim_end().to_owned();
        let [alone, all] = report.blockers.entry(name).or_default();
        *alone += usize::from(found.len() == 1);
        *all += 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_share_held_for_audit_is_as_configured_and_stays_so() {
        let ids: Vec<DraftId> = (0..4000).map(|n| DraftId::new(format!("draft-{n}"))).collect();
        let held = |share: f64| ids.iter().filter(|id| is_held_for_audit(id, share)).count();
        assert_eq!((held(0.0), held(1.0)), (0, ids.len()));
        assert!((150..250).contains(&held(0.05)), "{}", held(0.05));
        assert_eq!(held(0.05), held(0.05));
    }
}
