//! Home: what needs a person now, and the queues.

use crate::{
    clock,
    jobs::health,
    model::{
        draft::DraftState,
        outbox::OutboxState,
        ticket::{Queue, TicketState},
    },
    web::{Desk, error::PageError, frame::Frame, rights::Right, session::Visit, views},
};
use axum::{Extension, extract::State, response::Response};
use serde_json::{Value, json};
use std::sync::Arc;

/// Follow-ups counted at most; more are shown as this many.
const FOLLOW_UPS_MAX: u32 = 500;

/// `GET /`
pub async fn show(
    State(desk): State<Arc<Desk>>,
    Extension(visit): Extension<Visit>,
) -> Result<Response, PageError> {
    let frame = Frame::load(&desk, &visit, "home").await?;
    let mut db = desk.app.store.read().await?;
    let tickets = db.count_tickets().await?;
    let oldest = db.list_oldest_open().await?;
    let in_state = |queue: Option<Queue>, state: TicketState| -> i64 {
        let matching =
            tickets.iter().filter(|(q, s, _)| queue.is_none_or(|queue| *q == queue) && *s == state);
        matching.map(|(_, _, n)| n).sum()
    };
    let queues: Vec<Value> = Queue::ALL
        .iter()
        .map(|queue| {
            let oldest_ms = oldest.iter().find(|(q, _)| q == queue).map(|(_, ms)| ms);
            json!({
                "name": queue.as_str(),
                "open": in_state(Some(*queue), TicketState::Open),
                "waiting": in_state(Some(*queue), TicketState::Waiting),
                "oldest_ms": oldest_ms,
            })
        })
        .collect();
    let drafts = db.count_drafts().await?;
    let proposed = drafts.iter().find(|(state, _)| *state == DraftState::Proposed).map_or(0, |(_, n)| *n);
    let follow_ups = db.list_undecided_follow_ups(FOLLOW_UPS_MAX).await?.len();
    let mut cards = vec![
        json!({ "name": "drafts", "n": proposed, "address": "/drafts", "alarm": false }),
        json!({ "name": "open_tickets", "n": in_state(None, TicketState::Open), "address": "/queues/all", "alarm": false }),
        json!({ "name": "follow_ups", "n": follow_ups, "address": "/queues/follow_ups", "alarm": false }),
    ];
    if visit.may(Right::Oversee) {
        let outbox = db.count_outbox().await?;
        let mails = |state| outbox.iter().find(|(s, _)| *s == state).map_or(0, |(_, n)| *n);
        let alarms = health::health(&desk.app, clock::now_ms()).await?.alarms();
        cards.extend([
            json!({ "name": "quarantine", "n": db.count_quarantine().await?, "address": "/quarantine", "alarm": true }),
            json!({ "name": "in_doubt", "n": mails(OutboxState::InDoubt), "address": "/outbox?state=in_doubt", "alarm": true }),
            json!({ "name": "failed", "n": mails(OutboxState::Failed), "address": "/outbox?state=failed", "alarm": true }),
            json!({ "name": "alarms", "n": alarms, "address": "/mailboxes", "alarm": true }),
        ]);
    }
    cards.retain(|card| card.get("alarm") != Some(&json!(true)) || card.get("n") != Some(&json!(0)));
    views::page("home.html", json!({ "frame": frame, "cards": cards, "queues": queues }))
}
