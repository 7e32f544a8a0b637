//! The showpiece: stored raw bytes into a ticket, drafts and an answer.
//!
//! [`process`] reads like the walkthrough in the crate's header. Everything up to [`commit`](commit::commit) only reads
//! and thinks, and may be repeated; the commit happens once, in one transaction, with the end of the job.
//!
//! Invariants: nothing inbound is dropped; screening only mutes our answers; every decision keeps its reason.
//! Does not: touch the mail server, or send anything.

pub mod answer;
pub mod commit;
pub mod conversation;
pub mod decision;
pub mod documents;
pub mod edit;
pub mod history;
pub mod effort;
pub mod lesson;
pub mod letter;
pub mod mailbox;
pub mod master_data;
pub mod people;
pub mod queue_rules;
pub mod reading;
pub mod reply;
pub mod setting;
pub mod straight_through;
pub mod thread;
pub mod undo;
pub mod view;

use crate::{
    app::{App, MasterData, Settings},
    classify::{self, Experience},
    clock, extract,
    jobs::PROCESS_MESSAGE,
    message,
    model::{
        account::Known,
        draft::{Draft, Kind},
        ids::{AccountId, MessageId, TicketId},
        ledger::Outcome,
        message::{Address, Message, Screened},
        page::Pages,
        ticket::Classified,
    },
    screen::{self, follow_up::Joining},
    store::{
        Db,
        audit::Entry,
        change::ChangeKind,
        draft::day_of_arrival,
        job::Job,
        message::{MessageRow, MessageState},
        quarantine::{NewQuarantine, Resolution},
    },
    validate,
};
use anyhow::Context as _;
use documents::ReadDocument;
use std::sync::Arc;

/// Earlier orders that a draft is compared with: of the same number, and of the same customer.
const EARLIER_ORDERS_MAX: u32 = 20;

/// A draft with where it stands and whose it is.
#[derive(Debug)]
pub struct Drafted {
    /// Index of its document.
    pub document: usize,
    /// Its number among the drafts of that document.
    pub position: i64,
    /// What is proposed, with all findings.
    pub draft: Draft,
    /// The account that it was matched to.
    pub account: Option<AccountId>,
    /// Which rule matched the account.
    pub account_reason: String,
}

/// Everything that the program understood of one message, before anything is written.
#[derive(Debug)]
pub struct Understood {
    /// The stored row.
    pub row: MessageRow,
    /// The parsed message.
    pub message: Message,
    /// Who or what wrote it.
    pub screened: Screened,
    /// Its files, read.
    pub documents: Vec<ReadDocument>,
    /// What stands in them.
    pub drafts: Vec<Drafted>,
    /// Where it goes.
    pub classified: Classified,
    /// Which ticket it belongs to.
    pub joining: Joining,
    /// The customer that wrote it, by its sender or its drafts.
    pub account: Option<AccountId>,
}

/// Puts one stored message through all stages and commits what came of it.
pub async fn process(app: &App, job: &Job) -> anyhow::Result<()> {
    let id = &MessageId::new(&*job.subject_id);
    let row = find(app, id).await?;
    if row.state != MessageState::Stored {
        return end(app, job).await;
    }
    let raw = app.blob.get(&row.sha256).await.with_context(|| format!("failed to read message {id}"))?;
    let (raw, mut message) = parse(raw).await?;
    let screened = screen::screen(&message, &app.settings().await?.site);
    if let Some(ticket) = thread::ticket_of_other_way(app, id, &message, &raw).await? {
        return commit::commit(app, job, other_way(row, message, screened, ticket)).await;
    }
    drop(raw);
    let is_id_used = thread::is_id_used(&mut app.store.read().await?, id, &message).await?;
    message.findings.extend(screen::notes(&message, is_id_used));
    let mut documents = documents::read(app, id, &message).await?;
    let mut drafts = draft(app, &row, &message, &documents).await?;
    documents::settle_body(app, &message, &mut documents, &mut drafts).await?;
    let kinds: Vec<(Kind, f32)> = drafts.iter().map(|d| (d.draft.kind, d.draft.kind_confidence)).collect();
    let experience = app.experience().await?;
    let settings = app.settings().await?;
    let threshold = settings.config.classify.threshold;
    let classified = classify::classify(&message, &kinds, &experience, threshold);
    let classified = queue_rules::apply(&settings.config, &message, classified);
    let joining = thread::join(app, &settings.site, id, &message).await?;
    let account = account(&mut app.store.read().await?, &message, &drafts).await?;
    let understood = Understood { row, message, screened, documents, drafts, classified, joining, account };
    commit::commit(app, job, understood).await
}

async fn find(app: &App, id: &MessageId) -> anyhow::Result<MessageRow> {
    let found = app
        .store
        .read()
        .await?
        .find_message(id)
        .await
        .with_context(|| format!("failed to find message {id}"))?;
    found.with_context(|| format!("message {id} is not in the database"))
}

/// Ends a job whose work was done before.
async fn end(app: &App, job: &Job) -> anyhow::Result<()> {
    let mut tx = app.store.begin().await?;
    tx.finish_job(&job.id, &app.node.name).await?;
    tx.commit().await.context("failed to end a job that was done before")
}

/// A mail that came before by another way: filed beside it; its files and orders were read there.
fn other_way(row: MessageRow, message: Message, screened: Screened, ticket: TicketId) -> Understood {
    let classified = classify::classify(&message, &[], &Experience::default(), 0.0);
    let rule = "copy: the same mail came before by another way".to_owned();
    Understood {
        row,
        message,
        screened: screen::duplicate::copy(screened),
        documents: Vec::new(),
        drafts: Vec::new(),
        classified,
        joining: Joining { joins: Some(ticket), possible: None, rule },
        account: None,
    }
}

/// Parses on a thread that may block: a large message takes a while. Gives the bytes back.
async fn parse(raw: Vec<u8>) -> anyhow::Result<(Vec<u8>, Message)> {
    let parsed = tokio::task::spawn_blocking(move || {
        let message = message::parse(&raw);
        (raw, message)
    });
    parsed.await.context("parsing panicked")
}

/// What extraction and checks may lean on.
fn known(settings: &Settings, master: &MasterData) -> Known {
    Known {
        accounts: Arc::clone(&master.accounts),
        catalogue: master.catalogue.clone(),
        site_names: settings.config.site.names.clone(),
        calendar: settings.config.calendar.clone(),
        ..Known::default()
    }
}

/// What a draft is compared with: orders of the same number with what changes them, and the customer's latest.
async fn look_up_orders(
    db: &mut Db,
    known: &mut Known,
    draft: &Draft,
    account_id: Option<&AccountId>,
    message_id: &MessageId,
) -> anyhow::Result<()> {
    let failed = "failed to look for earlier orders";
    let number = draft.text("po_number").unwrap_or_default();
    let mut orders = db.list_earlier_orders(number, message_id, EARLIER_ORDERS_MAX).await.context(failed)?;
    known.amendments = match draft.kind {
        Kind::PurchaseOrder => {
            db.list_amendments(number, message_id, EARLIER_ORDERS_MAX).await.context(failed)?
        }
        _ => Vec::new(),
    };
    if let (Some(id), Kind::PurchaseOrder) = (account_id, draft.kind) {
        orders.extend(db.list_latest_orders(id, message_id, EARLIER_ORDERS_MAX).await.context(failed)?);
    }
    known.earlier_orders = orders;
    Ok(())
}

/// What stands in each document of a message; the first is the message's own text.
fn extract_all(
    message: &Message,
    documents: &[Option<&Pages>],
    known: &Known,
    lessons: &[&extract::memory::Lesson],
) -> Vec<Vec<Draft>> {
    let sender = message.from.as_ref().map(Address::domain);
    let context = extract::Context {
        known,
        subject: Some(&message.subject),
        sender_domain: sender.as_deref(),
        lessons,
        alone: documents.len() == 1,
    };
    let read = |pages: Option<&Pages>| pages.map(|pages| extract::extract(pages, &context));
    let mut found: Vec<Vec<Draft>> = documents.iter().map(|pages| read(*pages).unwrap_or_default()).collect();
    extract::bundle::settle(&mut found, Some(0));
    found
}

/// Extracts and checks the drafts in all documents that were read.
async fn draft(
    app: &App,
    row: &MessageRow,
    message: &Message,
    documents: &[ReadDocument],
) -> anyhow::Result<Vec<Drafted>> {
    let master = app.master_data().await?;
    let mut known = known(&*app.settings().await?, &master);
    known.arrived = Some(day_of_arrival(message.date_ms, row.stored_ms));
    let address = message.from.as_ref().map_or("", |from| from.email.as_str());
    let lessons = lesson::of_sender(&mut app.store.read().await?, address).await?;
    let lessons: Vec<&extract::memory::Lesson> = lessons.iter().map(|row| &row.lesson).collect();
    let pages: Vec<Option<&Pages>> = documents.iter().map(|document| document.pages.as_ref()).collect();
    let found = tokio::task::block_in_place(|| extract_all(message, &pages, &known, &lessons));
    let mut drafted = Vec::new();
    for (index, drafts) in found.into_iter().enumerate() {
        for (position, mut draft) in drafts.into_iter().enumerate() {
            if !draft.kind.is_record() {
                continue;
            }
            let matched = validate::match_account(
                &draft,
                &known,
                message.from.as_ref().map(|from| from.email.as_str()),
            );
            let account = matched.as_ref().and_then(|m| master.account_ids.get(m.index).cloned());
            let mut db = app.store.read().await?;
            look_up_orders(&mut db, &mut known, &draft, account.as_ref(), &row.id).await?;
            draft.findings.extend(validate::check(&draft, &known));
            draft.findings.extend(screen::forged_sender::note(message));
            drafted.push(Drafted {
                document: index,
                position: position as i64,
                account,
                account_reason: matched.map_or_else(String::new, |m| m.reason),
                draft,
            });
        }
    }
    Ok(drafted)
}

/// The customer: whom a draft names, else whose domain the sender writes from.
async fn account(db: &mut Db, message: &Message, drafts: &[Drafted]) -> anyhow::Result<Option<AccountId>> {
    if let Some(account) = drafts.iter().find_map(|d| d.account.clone()) {
        return Ok(Some(account));
    }
    let Some(from) = &message.from else { return Ok(None) };
    let accounts = db
        .list_accounts_by_domain(&from.domain(), 2)
        .await
        .context("failed to look up the sender's account")?;
    // Two accounts with one domain: the domain does not tell which.
    Ok(if let [only] = accounts.as_slice() { Some(only.id.clone()) } else { None })
}

/// Gives up on a message for now: it stays stored, is listed in quarantine with its cause, and holds nothing up.
pub async fn quarantine_message(
    app: &App,
    job: &Job,
    id: &MessageId,
    cause: &str,
    detail: &str,
) -> anyhow::Result<()> {
    let row = find(app, id).await?;
    let now_ms = clock::now_ms();
    let mut tx = app.store.begin().await?;
    let entry = NewQuarantine {
        message_id: Some(id.clone()),
        document_id: None,
        sighting_id: None,
        sha256: row.sha256,
        cause: cause.to_owned(),
        detail: detail.to_owned(),
    };
    tx.insert_quarantine(&entry, now_ms).await?;
    tx.save_message_state(id, MessageState::Quarantined).await?;
    tx.save_outcome(id, Outcome::Quarantined, &format!("{cause}: {detail}")).await?;
    tx.note_change(ChangeKind::Message, id.as_str());
    tx.audit(Entry {
        at_ms: now_ms,
        actor: "mailroom".to_owned(),
        action: "quarantine_message".to_owned(),
        subject_kind: "message".to_owned(),
        subject_id: id.to_string(),
        detail: format!("{cause}: {detail}"),
    });
    tx.finish_job(&job.id, &app.node.name).await?;
    tx.commit().await.context("failed to quarantine a message")
}

/// Puts a message through the pipeline again: out of quarantine, or because rules have changed.
///
/// Its ticket, decided drafts and answers stay; what nobody has decided is proposed anew.
pub async fn reprocess(app: &App, id: &MessageId, actor: &str) -> anyhow::Result<()> {
    let row = find(app, id).await?;
    let now_ms = clock::now_ms();
    let mut tx = app.store.begin().await?;
    tx.save_message_state(&row.id, MessageState::Stored).await?;
    tx.save_outcome(&row.id, Outcome::Stored, "").await?;
    tx.resolve_quarantine_of_message(&row.id, Resolution::Reprocessed, actor, now_ms).await?;
    tx.enqueue(PROCESS_MESSAGE, row.id.as_str(), now_ms, now_ms).await?;
    tx.audit(Entry {
        at_ms: now_ms,
        actor: actor.to_owned(),
        action: "reprocess_message".to_owned(),
        subject_kind: "message".to_owned(),
        subject_id: row.id.to_string(),
        detail: String::new(),
    });
    tx.commit().await.with_context(|| format!("failed to queue message {id} again"))?;
    app.announce_work();
    Ok(())
}
