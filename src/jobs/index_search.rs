//! Follows the change log of the database into the search index of this node.
//!
//! What changed is loaded again and replaced in the index; the commit of the index carries the place in the log. A
//! crash repeats a batch, which changes nothing. An index that is ahead of the log (the database was restored) and one
//! that was emptied are followed from the beginning, which visits everything once.
//!
//! Does not: index messages that are not processed yet (processing notes a change), nor notice renamed accounts.
//!
//! Limits: [`BATCH_CHANGES`], [`LOAD_MESSAGES`], [`BATCH_BYTES`].

use crate::{
    blob::{Blob, BlobError},
    clock,
    model::{
        account::Account,
        draft::Kind,
        ids::{AccountId, MessageId, TicketId},
        message::{Address, Message, Origin},
        page::Pages,
        ticket::{Ticket, TicketState},
    },
    search::{self, Coverage, Entry, Has, Index, Is},
    store::{
        Db, Store,
        change::{Change, ChangeKind},
        document::{DocumentRow, DocumentState},
        draft::DraftRow,
        message::{Direction, MessageRow},
    },
};
use anyhow::Context as _;
use rust_decimal::{Decimal, prelude::ToPrimitive as _};
use std::collections::{BTreeMap, BTreeSet};

/// Changes that are read at once.
const BATCH_CHANGES: u32 = 4_000;

/// Messages that are loaded with one question.
const LOAD_MESSAGES: usize = 50;

/// Text that is held before it is given to the index, in bytes.
const BATCH_BYTES: usize = 16 * 1024 * 1024;

/// Messages of one ticket that are listed at once.
const TICKET_PAGE: u32 = 1_000;

/// Does one batch; how many changes it was, 0 if the index is up to date or another process keeps it so.
pub async fn follow(store: &Store, blob: &Blob, index: &Index) -> anyhow::Result<usize> {
    match follow_batch(store, blob, index).await {
        Err(error) if matches!(error.downcast_ref(), Some(search::Error::Busy)) => Ok(0),
        done => done,
    }
}

async fn follow_batch(store: &Store, blob: &Blob, index: &Index) -> anyhow::Result<usize> {
    let mut since = index.position()?;
    let mut db = store.read().await?;
    if since > db.find_last_change().await? {
        tracing::warn!("the search index is ahead of the database and is built anew");
        clear(index).await?;
        since = 0;
    }
    let changes = db.list_changes(since, BATCH_CHANGES).await.context("failed to read the change log")?;
    let Some(last) = changes.last().map(|change| change.seq) else { return Ok(0) };
    let ids = changed_messages(&mut db, &changes).await?;
    let mut loader = Loader { db, blob, tickets: BTreeMap::new(), accounts: BTreeMap::new() };
    let (mut entries, mut removed, mut bytes) = (Vec::new(), Vec::new(), 0);
    let ids: Vec<MessageId> = ids.into_iter().collect();
    for some in ids.chunks(LOAD_MESSAGES) {
        let loaded = loader.load_all(some).await.context("failed to load messages for the index")?;
        let found: BTreeSet<&MessageId> = loaded.iter().map(|entry| &entry.message_id).collect();
        removed.extend(some.iter().filter(|id| !found.contains(id)).cloned());
        bytes += loaded.iter().map(size_bytes).sum::<usize>();
        entries.extend(loaded);
        if bytes >= BATCH_BYTES {
            apply(index, std::mem::take(&mut entries), std::mem::take(&mut removed), since).await?;
            bytes = 0;
        }
    }
    apply(index, entries, removed, last).await?;
    Ok(changes.len())
}

/// Empties the index; following builds it anew.
pub async fn clear(index: &Index) -> anyhow::Result<()> {
    let index = index.clone();
    tokio::task::spawn_blocking(move || index.clear()).await?.context("failed to empty the search index")
}

async fn apply(
    index: &Index,
    entries: Vec<Entry>,
    removed: Vec<MessageId>,
    place: i64,
) -> anyhow::Result<()> {
    let index = index.clone();
    tokio::task::spawn_blocking(move || index.apply(&entries, &removed, place))
        .await?
        .context("failed to write the search index")
}

/// How much of the correspondence can be found.
pub async fn coverage(store: &Store, index: &Index) -> anyhow::Result<Coverage> {
    let counts = store.read().await?.count_messages().await?;
    let stored = counts.iter().map(|(_, count)| u64::try_from(*count).unwrap_or_default()).sum();
    Ok(Coverage { indexed: index.count(), stored })
}

fn size_bytes(entry: &Entry) -> usize {
    entry.body.len() + entry.file_texts.iter().map(String::len).sum::<usize>()
}

/// The messages whose entries the changes concern.
async fn changed_messages(db: &mut Db, changes: &[Change]) -> anyhow::Result<BTreeSet<MessageId>> {
    let mut ids = BTreeSet::new();
    for change in changes {
        match change.kind {
            ChangeKind::Message => {
                ids.insert(MessageId::new(change.subject_id.as_str()));
            }
            ChangeKind::Ticket => {
                let ticket = TicketId::new(change.subject_id.as_str());
                let mut after = None;
                loop {
                    let page = db.list_message_ids(&ticket, after.as_ref(), TICKET_PAGE).await?;
                    let full = page.len() >= TICKET_PAGE as usize;
                    after = page.last().cloned();
                    ids.extend(page);
                    if !full {
                        break;
                    }
                }
            }
            ChangeKind::Draft => {
                let draft = db.find_draft(&change.subject_id.clone().into()).await?;
                ids.extend(draft.map(|draft| draft.message_id));
            }
        }
    }
    Ok(ids)
}

/// Loads entries; remembers what many messages share.
struct Loader<'a> {
    db: Db,
    blob: &'a Blob,
    tickets: BTreeMap<TicketId, Option<Ticket>>,
    accounts: BTreeMap<AccountId, Option<Account>>,
}

impl Loader<'_> {
    /// The entries of messages; those of which there is nothing to find yet are left out.
    async fn load_all(&mut self, ids: &[MessageId]) -> anyhow::Result<Vec<Entry>> {
        let ids: Vec<&MessageId> = ids.iter().collect();
        let messages = self.db.list_messages_by_id(&ids).await?;
        let mut documents: BTreeMap<MessageId, Vec<DocumentRow>> = BTreeMap::new();
        for row in self.db.list_documents_of(&ids).await? {
            documents.entry(row.document.message_id.clone()).or_default().push(row);
        }
        let mut drafts: BTreeMap<MessageId, Vec<DraftRow>> = BTreeMap::new();
        for row in self.db.list_drafts_of(&ids).await? {
            drafts.entry(row.message_id.clone()).or_default().push(row);
        }
        let mut entries = Vec::with_capacity(messages.len());
        for (row, message) in messages {
            let Some(message) = message else { continue };
            let documents = documents.remove(&row.id).unwrap_or_default();
            let drafts = drafts.remove(&row.id).unwrap_or_default();
            entries.push(self.entry(&row, message, &documents, &drafts).await?);
        }
        Ok(entries)
    }

    async fn entry(
        &mut self,
        row: &MessageRow,
        message: Message,
        documents: &[DocumentRow],
        drafts: &[DraftRow],
    ) -> anyhow::Result<Entry> {
        let ticket = match &row.ticket_id {
            Some(ticket_id) => self.ticket(ticket_id).await?,
            None => None,
        };
        let mut entry = Entry::new(row.id.clone());
        let accounts: BTreeSet<AccountId> = ticket
            .iter()
            .filter_map(|ticket| ticket.account_id.clone())
            .chain(drafts.iter().filter_map(|draft| draft.account_id.clone()))
            .collect();
        for account in &accounts {
            let Some(account) = self.account(account).await? else { continue };
            let names = format!("{} {} {}\n", account.account_no, account.name, account.aliases.join(" "));
            entry.account.push_str(&names);
            entry.account_nos.push(account.account_no);
        }
        for document in documents {
            entry.file_names.push(document.document.name.clone());
            entry.file_texts.push(text(self.blob, document).await?);
            entry.file_ids.push(document.id.clone());
        }
        entry.queue = ticket.as_ref().map_or(row.queue, |ticket| Some(ticket.queue));
        entry.is = nature(row, ticket.as_ref());
        entry.ticket_number = ticket.map(|ticket| ticket.number);
        entry.has = possessions(&message, documents, drafts);
        for draft in drafts {
            order_of(&mut entry, draft);
        }
        fill(&mut entry, row, message);
        Ok(entry)
    }

    async fn ticket(&mut self, id: &TicketId) -> anyhow::Result<Option<Ticket>> {
        if let Some(ticket) = self.tickets.get(id) {
            return Ok(ticket.clone());
        }
        let ticket = self.db.find_ticket(id).await?;
        self.tickets.insert(id.clone(), ticket.clone());
        Ok(ticket)
    }

    async fn account(&mut self, id: &AccountId) -> anyhow::Result<Option<Account>> {
        if let Some(account) = self.accounts.get(id) {
            return Ok(account.clone());
        }
        let account = self.db.find_account(id).await?.map(|row| row.account);
        self.accounts.insert(id.clone(), account.clone());
        Ok(account)
    }
}

/// What was read of a file. Lost or damaged pages cost their text only; `mailroom verify` tells of them.
async fn text(blob: &Blob, document: &DocumentRow) -> anyhow::Result<String> {
    let Some(sha256) = &document.document.pages_sha256 else { return Ok(String::new()) };
    let bytes = match blob.get(sha256).await {
        Ok(bytes) => bytes,
        Err(error @ (BlobError::Missing { .. } | BlobError::Damaged { .. })) => {
            tracing::error!(document = %document.id, error = %error, "pages cannot be indexed");
            return Ok(String::new());
        }
        Err(error) => return Err(error.into()),
    };
    match serde_json::from_slice::<Pages>(&bytes) {
        Ok(pages) => Ok(pages.plain_text()),
        Err(error) => {
            tracing::error!(document = %document.id, error = %error, "pages cannot be indexed");
            Ok(String::new())
        }
    }
}

fn fill(entry: &mut Entry, row: &MessageRow, message: Message) {
    entry.from = message.from.iter().map(addressed).collect();
    entry.to = message.to.iter().chain(&message.cc).map(addressed).collect::<Vec<_>>().join("\n");
    entry.language = message.language;
    entry.subject = message.subject;
    entry.body = message.text;
    // Anyone can write any date into a header; none lies in the future.
    entry.date_ms = row.date_ms.filter(|date| *date < row.stored_ms + clock::DAY_MS).unwrap_or(row.stored_ms);
}

fn addressed(address: &Address) -> String {
    format!("{} <{}>", address.name.as_deref().unwrap_or_default(), address.email)
}

/// Numbers and sums of one draft. A value that is no sum is not found as one.
fn order_of(entry: &mut Entry, draft: &DraftRow) {
    if !entry.kinds.contains(&draft.kind) {
        entry.kinds.push(draft.kind);
    }
    if !draft.po_number.is_empty() {
        entry.po_numbers.push(draft.po_number.clone());
    }
    let hundred = Decimal::ONE_HUNDRED;
    let total = draft.content.text("total").and_then(|total| total.parse::<Decimal>().ok());
    entry.amounts.extend(total.and_then(|total| total.checked_mul(hundred)?.round().to_i64()));
    let cells =
        draft.content.lines.iter().flat_map(|line| ["sku", "customer_sku"].map(|name| line.get(name)));
    let numbers: BTreeSet<&str> = cells.flatten().filter_map(|cell| cell.value.as_text()).collect();
    entry.skus.extend(numbers.into_iter().map(str::to_owned));
}

fn nature(row: &MessageRow, ticket: Option<&Ticket>) -> Vec<Is> {
    let mut is = vec![match row.direction {
        Direction::In => Is::In,
        Direction::Out => Is::Out,
    }];
    is.extend(ticket.map(|ticket| match ticket.state {
        TicketState::Open => Is::Open,
        TicketState::Waiting => Is::Waiting,
        TicketState::Closed => Is::Closed,
    }));
    is.extend(row.origin.map(|origin| match origin {
        Origin::Person | Origin::Own => Is::Person,
        Origin::AutoReply | Origin::Bounce | Origin::List => Is::Machine,
    }));
    is.extend(row.historic.then_some(Is::Historic));
    is
}

fn possessions(message: &Message, documents: &[DocumentRow], drafts: &[DraftRow]) -> Vec<Has> {
    let mut has = BTreeSet::new();
    let attached = || message.attachments.iter().filter(|attachment| !attachment.inline);
    has.extend(attached().next().map(|_| Has::Attachment));
    let declared = attached().map(|a| a.media_type.clone());
    let found: Vec<String> = declared.chain(documents.iter().map(|d| d.document.format.clone())).collect();
    for format in &found {
        has.extend(match format.as_str() {
            "pdf" | "application/pdf" => Some(Has::Pdf),
            "xlsx" | "xls" | "xlsm" | "xlsb" | "ods" | "csv" | "text/csv" => Some(Has::Sheet),
            "tiff" | "png" | "jpeg" | "gif" | "webp" | "bmp" => Some(Has::Image),
            format if format.starts_with("image/") => Some(Has::Image),
            _ => None,
        });
    }
    if documents.iter().any(|d| d.document.state == DocumentState::Failed) {
        has.insert(Has::Unread);
    }
    if !drafts.is_empty() {
        has.insert(Has::Draft);
    }
    if drafts.iter().any(|draft| matches!(draft.kind, Kind::PurchaseOrder | Kind::PurchaseOrderChange)) {
        has.insert(Has::Order);
    }
    has.into_iter().collect()
}
