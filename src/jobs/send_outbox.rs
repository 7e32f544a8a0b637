//! Sends what is due: marks a row `sending` and commits, and only then speaks to the server.
//!
//! Invariants: a row found in `sending` after a crash is in doubt, never sent by itself again. Limits against loops are
//! asked for each automatic mail. Waiting doubles after each failure that will pass.

use super::{credential, save_sent};
use crate::{
    app::{App, Settings},
    clock,
    model::outbox::{Delivered, Delivery, OutboxRow, OutboxState},
    reply::{
        Envelope, Refusal, SendError,
        limits::{self, Decision, History},
        template::Name,
    },
    store::audit::Entry,
};
use anyhow::Context as _;

/// Attempts before a mail counts as failed: with these waits, more than a day.
const ATTEMPTS_MAX: i64 = 24;

/// Wait after the first attempt; doubled for each further one up to [`RETRY_MAX_MS`], so that mail leaves soon after a
/// server is back.
const RETRY_FIRST_MS: i64 = 60_000;
const RETRY_MAX_MS: i64 = 2 * 3_600_000;

/// Sends one mail, if one is due. Returns how many were taken up.
pub async fn run_due(app: &App) -> anyhow::Result<usize> {
    run_due_at(app, clock::now_ms()).await
}

/// The same at a given time, milliseconds UTC.
pub async fn run_due_at(app: &App, now_ms: i64) -> anyhow::Result<usize> {
    // asked before anything leaves: what follows the network call must not fail for want of it
    let settings = app.settings().await?;
    let keeps_copies = save_sent::mailbox(&settings.config).is_some();
    let leased =
        app.store.lease_outbox(&app.node.name, now_ms).await.context("failed to lease an outgoing mail")?;
    let Some(row) = leased else { return Ok(0) };
    let ended = match objection(app, &settings, &row, now_ms).await? {
        Some(reason) => Ended::of(&row, OutboxState::Withheld, reason, now_ms),
        None => attempt(app, &row, now_ms).await?,
    };
    let Ended { state, reason, due_ms, deliveries } = ended;
    let has_left = |deliveries: &[Delivered]| deliveries.iter().any(|d| d.delivery == Delivery::Sent);
    let mut tx = app.store.begin().await?;
    if has_left(&deliveries) {
        tx.save_deliveries(&row.id, &deliveries, Some(now_ms)).await?;
        if !has_left(&row.deliveries) && keeps_copies {
            tx.enqueue(save_sent::SAVE_SENT, row.id.as_str(), now_ms, now_ms).await?;
        }
    }
    if state == OutboxState::Sent {
        tx.mark_sent(&row.id, now_ms).await?;
    } else {
        tx.end_attempt(&row.id, state, &reason, due_ms).await?;
    }
    if state != OutboxState::Queued {
        tx.audit(Entry {
            at_ms: now_ms,
            actor: "mailroom".to_owned(),
            action: format!("outbox {}", state.as_str()),
            subject_kind: "outbox".to_owned(),
            subject_id: row.id.to_string(),
            detail: serde_json::json!({"template": row.template, "sha256": row.sha256, "reason": reason})
                .to_string(),
        });
    }
    tx.commit().await.with_context(|| format!("failed to note what became of outgoing mail {}", row.id))?;
    Ok(1)
}

/// Why an automatic mail may not leave now.
async fn objection(
    app: &App,
    settings: &Settings,
    row: &OutboxRow,
    now_ms: i64,
) -> anyhow::Result<Option<String>> {
    // What a person's word sends no limit holds back.
    if !is_automatic(row) {
        return Ok(None);
    }
    let mut db = app.store.read().await?;
    let recent = db.list_recent_sends(&row.recipient, now_ms - limits::HISTORY_MS).await?;
    let since_ms = now_ms - limits::BREAKER_MS;
    // The mail itself is being sent, and counted with the others.
    let everything = db.count_sends(since_ms).await? - i64::from(row.created_ms >= since_ms);
    drop(db);
    let others = recent.iter().filter(|sent| sent.id != row.id);
    let recipient_ms: Vec<i64> = others.clone().map(|sent| sent.at_ms).collect();
    let in_ticket_ms: Vec<i64> = others
        .filter(|sent| sent.ticket_id.is_some() && sent.ticket_id == row.ticket_id)
        .map(|sent| sent.at_ms)
        .collect();
    let history = History {
        recipient_and_ticket_ms: &in_ticket_ms,
        recipient_ms: &recipient_ms,
        everything: u64::try_from(everything).unwrap_or_default(),
    };
    let (own, breaker) = (&settings.site.addresses, settings.config.mail_out.breaker_per_hour);
    Ok(match limits::decide(now_ms, &row.recipient, own, &history, breaker) {
        Decision::Send => None,
        Decision::Withheld { reason, breaker } => {
            if breaker {
                tracing::error!(
                    reason,
                    "the breaker for automatic mail is open: someone must look at the outbox"
                );
            }
            Some(reason)
        }
    })
}

fn is_automatic(row: &OutboxRow) -> bool {
    Name::parse(&row.template).is_none_or(Name::is_automatic)
}

/// Gives the mailer a token that is good now, where it signs in by one.
pub async fn sign_in(app: &App) -> anyhow::Result<()> {
    let of = app.config.mail_out.sign_in_of.as_str();
    if of.is_empty() {
        return Ok(());
    }
    let settings = app.settings().await?;
    if let Some(mailbox) = settings.config.mailbox(of) {
        app.mailer.renew(&credential::token(app, mailbox, None).await?);
    }
    Ok(())
}

/// How an attempt ended.
struct Ended {
    state: OutboxState,
    reason: String,
    due_ms: i64,
    deliveries: Vec<Delivered>,
}

impl Ended {
    /// Nothing left.
    fn of(row: &OutboxRow, state: OutboxState, reason: String, due_ms: i64) -> Self {
        Self { state, reason, due_ms, deliveries: row.deliveries.clone() }
    }
}

/// One attempt over the network, for those who do not have the mail yet; no transaction is open.
async fn attempt(app: &App, row: &OutboxRow, now_ms: i64) -> anyhow::Result<Ended> {
    let bytes = match app.blob.get(&row.sha256).await {
        Ok(bytes) => bytes,
        Err(error) => {
            let reason = format!("its bytes cannot be read: {error:#}");
            return Ok(Ended::of(row, OutboxState::Failed, reason, now_ms));
        }
    };
    let asked = row.open_recipients();
    let Some((recipient, copies)) = asked.split_first() else {
        return Ok(Ended::of(row, OutboxState::Sent, String::new(), now_ms));
    };
    let sender = (!is_automatic(row)).then(|| app.config.mail_out.from.clone());
    let envelope = Envelope { sender, recipient: recipient.clone(), copies: copies.to_vec() };
    let sent = match sign_in(app).await {
        Ok(()) => app.mailer.send(&envelope, &bytes).await,
        Err(error) => Err(SendError::Transient { text: format!("{error:#}") }),
    };
    Ok(match sent {
        Ok(sent) => taken(row, &asked, &sent.refusals, now_ms),
        Err(error @ SendError::InDoubt { .. }) => {
            Ended::of(row, OutboxState::InDoubt, error.to_string(), now_ms)
        }
        Err(error) if error.is_transient() && row.attempts < ATTEMPTS_MAX => {
            Ended::of(row, OutboxState::Queued, error.to_string(), now_ms + wait_ms(row.attempts))
        }
        Err(error) => Ended::of(row, OutboxState::Failed, error.to_string(), now_ms),
    })
}

/// The server took the mail for those who were asked for, but not for all: the others are told of, and those whom it
/// wants to be asked for again are tried alone.
fn taken(row: &OutboxRow, asked: &[String], refusals: &[Refusal], now_ms: i64) -> Ended {
    let mut deliveries = row.deliveries.clone();
    deliveries.retain(|delivered| !asked.contains(&delivered.email));
    deliveries.extend(asked.iter().map(|email| {
        let refusal = refusals.iter().find(|refusal| refusal.email == *email);
        let delivery = match refusal {
            None => Delivery::Sent,
            Some(refusal) if refusal.is_final => Delivery::Refused,
            Some(_) => Delivery::Deferred,
        };
        let text = refusal.map(|refusal| refusal.text.clone()).unwrap_or_default();
        Delivered { email: email.clone(), delivery, text }
    }));
    let has = |wanted| deliveries.iter().any(|delivered| delivered.delivery == wanted);
    let (state, due_ms) = if has(Delivery::Deferred) && row.attempts < ATTEMPTS_MAX {
        (OutboxState::Queued, now_ms + wait_ms(row.attempts))
    } else if has(Delivery::Deferred) || has(Delivery::Refused) {
        (OutboxState::Failed, now_ms)
    } else {
        (OutboxState::Sent, now_ms)
    };
    let left: Vec<&str> =
        deliveries.iter().filter(|d| d.delivery != Delivery::Sent).map(|d| d.text.as_str()).collect();
    let reason =
        if left.is_empty() { String::new() } else { format!("not taken for all: {}", left.join("; ")) };
    Ended { state, reason, due_ms, deliveries }
}

/// How long a mail waits after so many attempts.
fn wait_ms(attempts: i64) -> i64 {
    (RETRY_FIRST_MS << (attempts - 1).clamp(0, 20)).min(RETRY_MAX_MS)
}
