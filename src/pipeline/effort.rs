//! What drafts cost people: measured by the page, kept by draft, reported as medians.
//!
//! Does not: hold a decision up. What a browser sends is bounded and believed: it proves nothing.

use crate::{app::App, clock, model::ids::DraftId, store::effort::Effort};
use anyhow::Context as _;
use serde::Serialize;

/// A visit counts for no longer than this, in milliseconds: somebody left the page open.
pub const VISIT_MS_MAX: i64 = 3_600_000;
/// Keys counted in one visit at most.
pub const KEYSTROKES_MAX: i64 = 100_000;
/// Drafts that one report looks at, the newest.
const REPORTED_MAX: u32 = 20_000;

/// Medians over the drafts that were decided and measured.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Report {
    /// Drafts measured.
    pub drafts: usize,
    /// Milliseconds in front of a draft.
    pub median_ms: i64,
    /// Keys pressed for a draft.
    pub median_keystrokes: i64,
    /// Values corrected in a draft.
    pub median_edits: i64,
}

/// Adds what a visit cost to its draft.
pub async fn add(app: &App, draft_id: &DraftId, visit: Effort) -> anyhow::Result<()> {
    let bounded = Effort {
        focus_ms: visit.focus_ms.clamp(0, VISIT_MS_MAX),
        keystrokes: visit.keystrokes.clamp(0, KEYSTROKES_MAX),
        edits: visit.edits.max(0),
    };
    let mut tx = app.store.begin().await?;
    tx.add_effort(draft_id, bounded, clock::now_ms()).await?;
    tx.commit().await.context("failed to keep what a draft cost")
}

/// What the drafts cost that were decided since a time.
pub async fn report(app: &App, since_ms: i64) -> anyhow::Result<Report> {
    let efforts = app.store.read().await?.list_efforts(since_ms, REPORTED_MAX).await?;
    Ok(summed(&efforts))
}

fn summed(efforts: &[Effort]) -> Report {
    let of = |value: fn(&Effort) -> i64| median(efforts.iter().map(value).collect());
    Report {
        drafts: efforts.len(),
        median_ms: of(|effort| effort.focus_ms),
        median_keystrokes: of(|effort| effort.keystrokes),
        median_edits: of(|effort| effort.edits),
    }
}

/// The middle value, the upper of two; 0 of none.
fn median(mut values: Vec<i64>) -> i64 {
    values.sort_unstable();
    values.get(values.len() / 2).copied().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_slow_draft_does_not_speak_for_all() {
        let effort = |keystrokes| Effort { focus_ms: keystrokes * 1000, keystrokes, edits: 1 };
        let report = summed(&[effort(400), effort(6), effort(9)]);
        assert_eq!((report.drafts, report.median_keystrokes, report.median_ms), (3, 9, 9000));
        assert_eq!(summed(&[]), Report::default());
    }
}
