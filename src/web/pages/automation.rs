//! Automation: what passed without a person, how right it was, and what held the rest.

use crate::{
    clock,
    pipeline::straight_through::{self, Report},
    web::{Desk, error::PageError, frame::Frame, session::Visit, views},
};
use axum::{
    Extension,
    extract::{Query, State},
    response::Response,
};
use serde::Deserialize;
use serde_json::{Value, json};
use std::sync::Arc;

/// Days that can be chosen; the first is shown unless one is.
const DAYS: [i64; 4] = [30, 7, 90, 365];

/// Which time.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Span {
    days: i64,
}

/// `GET /automation`
pub async fn show(
    State(desk): State<Arc<Desk>>,
    Extension(visit): Extension<Visit>,
    Query(span): Query<Span>,
) -> Result<Response, PageError> {
    let frame = Frame::load(&desk, &visit, "automation").await?;
    let days = if DAYS.contains(&span.days) { span.days } else { DAYS[0] };
    let report = straight_through::report(&desk.app, clock::now_ms() - days * clock::DAY_MS).await?;
    let settings = desk.app.settings().await?;
    let rules = &settings.config.straight_through;
    let mut all_days = DAYS;
    all_days.sort_unstable();
    views::page(
        "automation.html",
        json!({
            "frame": frame, "days": days, "all_days": all_days, "report": report, "blockers": blockers(&report),
            "enabled": rules.enabled, "threshold": views::percent(f64::from(rules.threshold)),
            "audit_share": views::percent(rules.audit_share),
        }),
    )
}

/// The rules that held drafts, the most frequent first.
fn blockers(report: &Report) -> Vec<Value> {
    let mut all: Vec<_> = report.blockers.iter().collect();
    all.sort_by_key(|(name, [alone, all])| (std::cmp::Reverse((*all, *alone)), name.as_str()));
    let row = |(name, [alone, all]): (&String, &[usize; 2])| {
        let (rule, what) = name.split_once(' ').unwrap_or((name, ""));
        json!({ "rule": rule, "what": what, "alone": alone, "all": all })
    };
    all.into_iter().map(row).collect()
}
