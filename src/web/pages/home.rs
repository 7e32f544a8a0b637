//! Home: what needs a person now, the queues, and how the last days went.

use crate::{
    clock,
    jobs::health::{self, Health, Reading},
    model::{
        outbox::OutboxState,
        ticket::{Queue, TicketState},
    },
    pipeline::straight_through::PROGRAM,
    reply::limits,
    store::{Db, figures::DayCount},
    web::{
        Desk,
        chart::{self, Chart},
        error::PageError,
        frame::Frame,
        locale,
        rights::Right,
        session::Visit,
        views,
    },
};
use axum::{Extension, extract::State, response::Response};
use serde_json::{Value, json};
use std::{collections::BTreeMap, sync::Arc};

/// Days that the charts show, today included.
const DAYS: i64 = 14;
/// Below this a draft counts as doubtful.
const DOUBTFUL_BELOW: f32 = 0.6;

/// `GET /`
pub async fn show(
    State(desk): State<Arc<Desk>>,
    Extension(visit): Extension<Visit>,
) -> Result<Response, PageError> {
    let frame = Frame::load(&desk, &visit, "home").await?;
    let now_ms = clock::now_ms();
    let mut db = desk.app.store.read().await?;
    let oversees = visit.may(Right::Oversee);
    let health = if oversees { Some(health::health(&desk.app, now_ms).await?) } else { None };
    let figures = Figures::load(&mut db, now_ms).await?;
    let cards = cards(&mut db, health.as_ref(), &figures, now_ms).await?;
    let context = json!({
        "frame": frame, "cards": cards, "queues": queues(&mut db, &figures).await?,
        "charts": charts(&mut db, &figures, now_ms).await?,
        "mailboxes": health.as_ref().map(mailboxes),
        "not_counting": health.as_ref().map(|health| &health.not_counting),
        "breaker": if oversees { Some(breaker(&desk, &mut db, now_ms).await?) } else { None },
        "any_mailbox": health.as_ref().is_none_or(|health| health.any),
        "days": DAYS, "width": chart::WIDTH, "height": chart::HEIGHT,
    });
    views::page("home.html", context)
}

/// Whether the breaker holds automatic mail back now, and how many mails it has held back that nobody decided on.
async fn breaker(desk: &Desk, db: &mut Db, now_ms: i64) -> Result<Value, PageError> {
    let most = desk.app.settings().await?.config.mail_out.breaker_per_hour;
    let open = db.count_sends(now_ms - limits::BREAKER_MS).await? >= i64::from(most);
    let held = db.count_held_back(limits::BREAKER_REASON).await?;
    Ok(json!({ "alarm": open || held > 0, "open": open, "held": held }))
}

/// What several parts of the page are made of, asked for once.
struct Figures {
    tickets: Vec<(Queue, TicketState, i64)>,
    received: Vec<DayCount>,
    /// When tickets were made, their queues, and when they were first answered.
    answers: Vec<(i64, Queue, i64)>,
}

impl Figures {
    async fn load(db: &mut Db, now_ms: i64) -> Result<Self, PageError> {
        let since_ms = since_ms(now_ms);
        Ok(Self {
            tickets: db.count_tickets().await?,
            received: db.count_received(since_ms).await?,
            answers: db.list_first_answers(since_ms).await?,
        })
    }
}

/// The beginning of the first day shown.
fn since_ms(now_ms: i64) -> i64 {
    (now_ms / clock::DAY_MS - DAYS + 1) * clock::DAY_MS
}

/// What needs a person; what is an alarm only while there is one.
async fn cards(
    db: &mut Db,
    health: Option<&Health>,
    figures: &Figures,
    now_ms: i64,
) -> Result<Vec<Value>, PageError> {
    let today = jiff::Timestamp::from_millisecond(now_ms).unwrap_or_default().to_string();
    let today = today.split('T').next().unwrap_or_default();
    let drafts = db.count_waiting_drafts(today, DOUBTFUL_BELOW).await?;
    let in_state = |state: TicketState| {
        figures.tickets.iter().filter(|(_, s, _)| *s == state).map(|(_, _, n)| n).sum::<i64>()
    };
    let follow_ups = db.count_undecided_follow_ups().await?;
    let card = |name: &str, n: i64, address: &str, alarm: bool| json!({ "name": name, "n": n, "address": address, "alarm": alarm });
    let mut cards = vec![
        card("drafts", drafts.all, "/drafts", false),
        card("due", drafts.due, "/drafts", true),
        card("doubtful", drafts.doubtful, "/drafts", false),
        card("open_tickets", in_state(TicketState::Open), "/queues/all", false),
        card("waiting_tickets", in_state(TicketState::Waiting), "/queues/all?state=waiting", false),
        card("follow_ups", follow_ups, "/queues/follow_ups", false),
    ];
    if let Some(health) = health {
        let outbox = db.count_outbox().await?;
        let mails = |state| outbox.iter().find(|(s, _)| *s == state).map_or(0, |(_, n)| *n);
        cards.extend([
            card("quarantine", db.count_quarantine().await?, "/quarantine", true),
            card("in_doubt", mails(OutboxState::InDoubt), "/outbox?state=in_doubt", true),
            card("failed", mails(OutboxState::Failed), "/outbox?state=failed", true),
            card("alarms", health.alarms() as i64, "/mailboxes", true),
        ]);
    }
    cards.retain(|card| card.get("alarm") != Some(&json!(true)) || card.get("n") != Some(&json!(0)));
    Ok(cards)
}

/// The queues with what waits in them, and how much that is of the fullest one, in percent.
async fn queues(db: &mut Db, figures: &Figures) -> Result<Vec<Value>, PageError> {
    let mut received: BTreeMap<Queue, i64> = BTreeMap::new();
    for row in &figures.received {
        *received.entry(row.queue).or_default() += row.count;
    }
    let most_received = received.values().copied().max().unwrap_or(0).max(1);
    let mut answered: BTreeMap<Queue, Vec<f64>> = BTreeMap::new();
    for (created_ms, queue, first_ms) in &figures.answers {
        answered.entry(*queue).or_default().push((first_ms - created_ms).max(0) as f64 / 3_600_000.0);
    }
    let oldest = db.list_oldest_open().await?;
    let count = |queue: Queue, state: TicketState| {
        figures.tickets.iter().find(|(q, s, _)| *q == queue && *s == state).map_or(0, |(_, _, n)| *n)
    };
    let most = Queue::ALL.iter().map(|queue| count(*queue, TicketState::Open)).max().unwrap_or(0).max(1);
    let queues = Queue::ALL.iter().map(|queue| {
        let open = count(*queue, TicketState::Open);
        let came = received.get(queue).copied().unwrap_or(0);
        let hours = answered.get(queue).cloned().and_then(chart::median);
        json!({
            "received": came, "received_share": came * 100 / most_received,
            "hours": hours.map(|hours| locale::number(&format!("{hours:.1}"))),
            "name": queue, "open": open, "waiting": count(*queue, TicketState::Waiting),
            "share": open * 100 / most, "oldest_ms": oldest.iter().find(|(q, _)| q == queue).map(|(_, ms)| ms),
        })
    });
    Ok(queues.collect())
}

async fn charts(db: &mut Db, figures: &Figures, now_ms: i64) -> Result<Vec<Chart>, PageError> {
    let today = now_ms / clock::DAY_MS;
    let days = || (today - DAYS + 1)..=today;
    let label = |day: i64| {
        let at = jiff::Timestamp::from_millisecond(day * clock::DAY_MS).unwrap_or_default();
        locale::short_day(&at.to_zoned(jiff::tz::TimeZone::UTC))
    };
    let mut received: BTreeMap<i64, [i64; 2]> = BTreeMap::new();
    for row in &figures.received {
        let orders = matches!(row.queue, Queue::Orders | Queue::OrderChanges);
        let day = received.entry(row.day).or_default();
        let [of_orders, others] = day;
        *(if orders { of_orders } else { others }) += row.count;
    }
    let mut answered: BTreeMap<i64, Vec<f64>> = BTreeMap::new();
    for (created_ms, _, first_ms) in &figures.answers {
        let hours = (first_ms - created_ms).max(0) as f64 / 3_600_000.0;
        answered.entry(created_ms / clock::DAY_MS).or_default().push(hours);
    }
    let decided: BTreeMap<i64, _> =
        db.count_decided(PROGRAM, since_ms(now_ms)).await?.into_iter().map(|row| (row.day, row)).collect();
    let volume = days().map(|day| {
        let [orders, others] = received.get(&day).copied().unwrap_or_default();
        (label(day), vec![orders as f64, others as f64])
    });
    let response = days().map(|day| {
        let hours = answered.get(&day).cloned().and_then(chart::median).unwrap_or(0.0);
        (label(day), vec![(hours * 10.0).round() / 10.0])
    });
    let drafts = days().map(|day| {
        let row = decided.get(&day).copied().unwrap_or_default();
        let touched = row.decided - row.passed - row.unchanged;
        (label(day), vec![row.passed as f64, row.unchanged as f64, touched as f64])
    });
    Ok(vec![
        chart::bars("volume", &["orders", "other"], volume.collect()),
        chart::bars("drafts", &["passed", "unchanged", "touched"], drafts.collect()),
        chart::bars("response", &["hours"], response.collect()),
    ])
}

/// How the mailboxes fare, in one line each.
fn mailboxes(health: &Health) -> Vec<Value> {
    // what no mailbox names any more is on the page of mailboxes only
    let read = health.folders.iter().filter(|folder| folder.reading != Reading::Gone);
    let folders = read.map(|folder| {
        json!({
            "mailbox": folder.row.mailbox, "folder": folder.row.name, "contact_ms": folder.row.last_contact_ms,
            "message_ms": folder.row.last_message_ms, "backlog": folder.backlog(),
            "trouble": folder.trouble.map(health::Trouble::as_str), "reading": folder.reading.as_str(),
        })
    });
    folders.collect()
}
