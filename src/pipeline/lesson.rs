//! What people approve teaches how the next document of the same sender and layout is read.
//!
//! A lesson is learnt when a draft is approved, and counted each time that a draft it helped to read is approved: what
//! people contradict retires, and a person can take any lesson back. Does not: keep the values of a draft.

use super::decision::entry;
use crate::{
    app::App,
    extract::{Context, memory},
    model::{
        account::Known,
        draft::{Draft, Line, Precedent},
        ids::{AccountId, ItemReferenceId, LessonId},
        page::Pages,
        text::squeeze,
    },
    screen::free_mail::is_free_mail,
    store::{
        Db, Tx,
        draft::DraftRow,
        item_reference::NewItemReference,
        lesson::{LessonRow, LessonState, NewLesson},
    },
};
use anyhow::Context as _;

/// Who shares layouts with a sender: the domain, or nobody at a provider of free mail.
pub(super) fn sender_of(address: &str) -> String {
    let address = address.to_lowercase();
    match address.rsplit_once('@') {
        Some((_, domain)) if !is_free_mail(domain) => domain.to_owned(),
        _ => address,
    }
}

/// The lessons that help to read what an address sends.
pub(super) async fn of_sender(db: &mut Db, address: &str) -> anyhow::Result<Vec<LessonRow>> {
    let sender = sender_of(address);
    if sender.is_empty() {
        return Ok(Vec::new());
    }
    let found = db.list_lessons_of_sender(&sender).await;
    found.with_context(|| format!("failed to look for what is known of the layouts of {sender}"))
}

/// What a draft teaches that is about to be approved with this content; none if its document has no layout, or if
/// lessons of before read it rightly.
pub(super) async fn learn(app: &App, row: &DraftRow, content: &Draft) -> anyhow::Result<Option<NewLesson>> {
    let known_already = !row.proposed.precedents.is_empty() && row.proposed.says_the_same(content);
    if content.standard.is_some() || known_already {
        return Ok(None);
    }
    let mut db = app.store.read().await?;
    let message = db.find_message(&row.message_id).await?.context("the message of the draft is gone")?;
    let document = db.find_document(&row.document_id).await?.context("the document of the draft is gone")?;
    drop(db);
    let Some(sha256) = document.document.pages_sha256 else { return Ok(None) };
    let bytes = app.blob.get(&sha256).await.context("failed to open the pages of the draft")?;
    let content = content.clone();
    let lesson = tokio::task::spawn_blocking(move || -> anyhow::Result<Option<memory::Lesson>> {
        let pages: Pages = serde_json::from_slice(&bytes).context("failed to read the pages of the draft")?;
        let known = Known::default();
        let context =
            Context { known: &known, subject: None, sender_domain: None, lessons: &[], alone: false };
        Ok(memory::learn(&pages.pages, &content, &context))
    })
    .await
    .context("learning a layout panicked")??;
    Ok(lesson.map(|lesson| NewLesson {
        draft_id: row.id.clone(),
        sender: sender_of(&message.from_email),
        lesson,
    }))
}

/// What a draft that is about to be approved teaches of the customer's item numbers: the customer's number that stands
/// beside ours, or that a person put ours in the place of.
pub(super) async fn references(
    app: &App,
    row: &DraftRow,
    content: &Draft,
    account_id: &AccountId,
) -> anyhow::Result<Vec<NewItemReference>> {
    let master = app.master_data().await?;
    let Some(account) = master.account(account_id) else { return Ok(Vec::new()) };
    // lines that a person added or took away no longer stand beside those of before
    let same_lines = row.proposed.lines.len() == content.lines.len();
    let text = |line: &Line, name: &str| line.get(name).and_then(|p| p.value.as_text()).map(str::to_owned);
    let mut found = Vec::new();
    for (at, line) in content.lines.iter().enumerate() {
        let Some(item) = text(line, "sku").and_then(|sku| master.catalogue.find(&sku)) else { continue };
        let old = row.proposed.lines.get(at).filter(|old| same_lines && is_same_line(old, line));
        let printed = old.and_then(|old| text(old, "sku"));
        let replaced = printed.filter(|printed| !master.catalogue.has_sku(printed));
        let Some(theirs) = text(line, "customer_sku").or(replaced) else { continue };
        let on_file = item.customer_skus.get(&account.account_no);
        if squeeze(&theirs) != squeeze(&item.sku) && on_file != Some(&theirs) {
            found.push(NewItemReference {
                account_id: account_id.clone(),
                customer_sku: theirs,
                sku: item.sku.clone(),
                draft_id: row.id.clone(),
            });
        }
    }
    Ok(found)
}

/// Whether two lines are one line read and corrected: most of what both have besides their items is the same.
fn is_same_line(one: &Line, other: &Line) -> bool {
    let both = one.iter().filter(|(name, _)| !matches!(name.as_str(), "sku" | "customer_sku"));
    let same: Vec<bool> = both.filter_map(|(name, p)| Some(other.get(name)?.value == p.value)).collect();
    same.iter().filter(|same| **same).count() * 2 > same.len()
}

/// A person takes back what a customer calls an item; false if it is gone already.
pub async fn forget_reference(app: &App, id: &ItemReferenceId, who: &str) -> anyhow::Result<bool> {
    let mut tx = app.store.begin().await?;
    let done = tx.delete_item_reference(id).await?;
    if done {
        tx.audit(entry(who, "forget_item_reference", "item_reference", id.as_str(), ""));
        tx.commit().await.context("failed to forget an item number")?;
    }
    Ok(done)
}

/// Whether what a person approved differs from what a lesson had found.
pub(super) fn is_contradicted(precedent: &Precedent, proposed: &Draft, approved: &Draft) -> bool {
    let value = |draft: &Draft, name: &String| draft.fields.get(name).map(|p| p.value.clone());
    let changed = |name: &String| value(proposed, name) != value(approved, name);
    proposed.kind != approved.kind || precedent.fields.iter().any(changed)
}

/// Keeps what was learnt, and counts the lessons that the draft was read with.
pub(super) async fn keep(
    tx: &mut Tx,
    row: &DraftRow,
    content: &Draft,
    new: Option<&NewLesson>,
    who: &str,
    now_ms: i64,
) -> anyhow::Result<()> {
    for precedent in &row.proposed.precedents {
        let contradicted = is_contradicted(precedent, &row.proposed, content);
        let id = LessonId::new(precedent.lesson.clone());
        if tx.count_lesson(&id, contradicted).await? {
            tx.audit(entry("mailroom", "retire_lesson", "lesson", id.as_str(), "people contradicted it"));
        }
    }
    if let Some(new) = new {
        tx.insert_lesson(new, who, now_ms).await.context("failed to keep what a draft teaches")?;
    }
    Ok(())
}

/// A person retires a lesson, or takes it up again; false if it is so already.
pub async fn set_state(app: &App, id: &LessonId, state: LessonState, who: &str) -> anyhow::Result<bool> {
    let mut tx = app.store.begin().await?;
    let done = tx.set_lesson_state(id, state, who).await?;
    if done {
        let action = match state {
            LessonState::Active => "restore_lesson",
            LessonState::Retired => "retire_lesson",
        };
        tx.audit(entry(who, action, "lesson", id.as_str(), ""));
        tx.commit().await.context("failed to change a lesson")?;
    }
    Ok(done)
}
