//! What became of each message of a mailbox: the table that `demo` prints.

use crate::{
    app::App,
    jobs::intake,
    mailbox,
    model::{ledger::Outcome, ledger::Sighting},
    store::{message::MessageRow, sighting::Place},
};
use anyhow::Context as _;
use serde::Serialize;
use std::collections::BTreeMap;

/// Ledger rows read at once.
const ROWS: u32 = 1_000;

/// Width of the subject column in characters.
const SUBJECT_CHARS: usize = 44;

/// One message of the ledger and everything that came of it.
#[derive(Debug, Serialize)]
pub struct Fate {
    /// Place in the mailbox: a file name, or the UID.
    pub place: String,
    /// Subject.
    pub subject: String,
    /// The ledger's outcome.
    pub outcome: Outcome,
    /// Who or what wrote it.
    pub origin: String,
    /// Whether automatic answers are held back.
    pub muted: bool,
    /// Reference of its ticket.
    pub ticket: String,
    /// Which rule joined it.
    pub rule: String,
    /// The queue that classification chose, with its confidence.
    pub queue: String,
    /// 0 to 1.
    pub queue_confidence: f32,
    /// Kinds of its drafts, with their order numbers.
    pub drafts: Vec<String>,
    /// Template and state of each answer.
    pub replies: Vec<String>,
    /// Causes in quarantine.
    pub quarantine: Vec<String>,
}

/// What became of a whole mailbox.
#[derive(Debug)]
pub struct Report {
    fates: Vec<Fate>,
    unaccounted: u64,
}

impl Report {
    /// Collects what became of the messages of all folders of a mailbox, and compares with the server.
    pub async fn of(app: &App, config: &mailbox::Config) -> anyhow::Result<Self> {
        let mut mailbox = intake::connect(app, config).await?;
        let mut fates = Vec::new();
        let mut unaccounted = 0;
        for folder in config.folders() {
            let state = mailbox.select(&folder).await?;
            let place = Place { mailbox: &config.name, folder: &folder, uidvalidity: state.uidvalidity };
            let mut after = -1;
            loop {
                let rows = app.store.read().await?.list_sightings(place, after, ROWS).await?;
                let Some(last) = rows.last() else { break };
                after = last.uid;
                for row in &rows {
                    fates.push(fate(app, row).await.context("failed to look up what became of a message")?);
                }
            }
            let found = intake::reconcile(app, config, &mut mailbox, &folder).await?;
            unaccounted += found.missing.len() as u64 + found.under_way;
        }
        fates.sort_by(|a, b| a.place.cmp(&b.place));
        Ok(Self { fates, unaccounted })
    }

    /// Messages on the server without an outcome.
    pub fn unaccounted(&self) -> u64 {
        self.unaccounted
    }

    /// Prints it, for people or for programs.
    #[expect(clippy::print_stdout, reason = "standard output is what was asked for")]
    pub fn print(&self, json: bool) -> anyhow::Result<()> {
        for fate in &self.fates {
            if json {
                println!("{}", serde_json::to_string(fate)?);
            } else {
                println!("{}", line(fate));
            }
        }
        if !json {
            let mut counts: BTreeMap<&str, u64> = BTreeMap::new();
            for fate in &self.fates {
                *counts.entry(fate.outcome.as_str()).or_default() += 1;
            }
            let counts: Vec<String> =
                counts.iter().map(|(outcome, count)| format!("{count} {outcome}")).collect();
            println!(
                "\n{} messages: {}; {} unaccounted",
                self.fates.len(),
                counts.join(", "),
                self.unaccounted
            );
        }
        Ok(())
    }
}

async fn fate(app: &App, sighting: &Sighting) -> anyhow::Result<Fate> {
    let mut db = app.store.read().await?;
    let row: Option<MessageRow> = match &sighting.message_id {
        Some(id) => db.find_message(id).await?,
        None => None,
    };
    let mut fate = Fate {
        place: if sighting.place.is_empty() { sighting.uid.to_string() } else { sighting.place.clone() },
        subject: row.as_ref().map_or_else(String::new, |row| row.subject.clone()),
        outcome: sighting.outcome,
        origin: String::new(),
        muted: false,
        ticket: String::new(),
        rule: String::new(),
        queue: String::new(),
        queue_confidence: 0.0,
        drafts: Vec::new(),
        replies: Vec::new(),
        quarantine: Vec::new(),
    };
    let Some(row) = row else { return Ok(fate) };
    fate.origin = row.origin.map_or_else(String::new, |origin| origin.as_str().to_owned());
    fate.muted = row.muted;
    fate.rule.clone_from(&row.thread_rule);
    fate.queue = row.queue.map_or_else(String::new, |queue| queue.as_str().to_owned());
    fate.queue_confidence = row.queue_confidence;
    if let Some(id) = &row.ticket_id {
        if let Some(ticket) = db.find_ticket(id).await? {
            fate.ticket = ticket.reference();
        }
        let outbox = db.list_outbox_of_ticket(id, ROWS).await?;
        let ours = outbox.iter().filter(|outbox| outbox.message_id.as_ref() == Some(&row.id));
        fate.replies = ours.map(|outbox| format!("{} {}", outbox.template, outbox.state.as_str())).collect();
    }
    for draft in db.list_drafts_of_message(&row.id).await? {
        fate.drafts.push(format!(
            "{} {} ({} lines)",
            draft.kind.as_str(),
            draft.po_number,
            draft.content.lines.len()
        ));
    }
    for entry in db.list_quarantine_of_message(&row.id, ROWS).await? {
        fate.quarantine.push(entry.entry.cause);
    }
    Ok(fate)
}

/// One line of the table.
fn line(fate: &Fate) -> String {
    let mut parts = vec![
        format!("{:<11}", fate.outcome.as_str()),
        format!("{:<8}", fate.ticket),
        format!("{:<15}", fate.queue),
        format!(
            "{:<width$}",
            fate.subject.chars().take(SUBJECT_CHARS).collect::<String>(),
            width = SUBJECT_CHARS
        ),
    ];
    if fate.muted {
        parts.push(format!("muted: {}", fate.origin));
    }
    parts.extend(fate.drafts.iter().map(|draft| format!("draft: {}", draft.trim())));
    parts.extend(fate.replies.iter().map(|reply| format!("reply: {reply}")));
    parts.extend(fate.quarantine.iter().map(|cause| format!("quarantine: {cause}")));
    parts.join("  ").trim_end().to_owned()
}
