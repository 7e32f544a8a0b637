//! A person writes from a ticket: to whom, with copies to whom, with which of its files.
//!
//! Invariant: whoever gets an answer takes part in the ticket from then on, so that what they write finds the way; their
//! colleagues do not, and nobody to whom a message is passed on.
//! Does not: send (that is `jobs::send_outbox`).

use super::{
    answer::{self, Letter},
    decision::{entry, is_from_others},
};
use crate::{
    app::App,
    clock,
    message::forward,
    model::{
        ids::{MessageId, OutboxId},
        message::{Address, Message},
        ticket::{Ticket, TicketState},
    },
    reply::{
        File, limits,
        template::{Context, Name},
    },
    screen::Site,
    store::{
        change::ChangeKind,
        message::MessageRow,
        once::{Claim, Once},
        outbox::NewOutbox,
    },
};
use anyhow::Context as _;

/// Messages of a conversation looked at.
const CONVERSATION_MAX: u32 = 500;
/// Most recipients of one mail.
pub const RECIPIENTS_MAX: usize = 50;
/// Most bytes of all files of one mail: what most servers take, once they are encoded.
pub const FILES_BYTES_MAX: usize = 15_000_000;

/// What a person writes.
#[derive(Clone, Debug)]
pub struct Reply {
    /// To whom; nobody: the sender of the latest message that came in.
    pub to: Option<Address>,
    /// Who else gets it.
    pub copies: Vec<Address>,
    /// What kind of letter it is, one of [`Name::BY_PERSON`].
    pub letter: Name,
    /// In his or her own words.
    pub text: String,
    /// The text is all of the letter, not only what stands between greeting and name.
    pub whole: bool,
    /// Files of the ticket that go along: message and position of the attachment; without a position the message itself.
    pub files: Vec<(MessageId, Option<usize>)>,
    /// Files from elsewhere.
    pub uploads: Vec<File>,
    /// What becomes of the ticket; nothing: it stays as it is.
    pub then: Option<TicketState>,
    /// How much stood in the ticket when it was written, as [`Db::count_said`] counts; nothing: however much.
    ///
    /// [`Db::count_said`]: crate::store::Db::count_said
    pub seen: Option<i64>,
}

/// What became of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Replied {
    /// It is in the outbox, under that id; also if the same was posted under the same key before.
    Done(OutboxId),
    /// Something else was posted under that key before.
    Other,
    /// Somebody else answered, or wrote, since.
    Overtaken,
    /// There is nobody to write to.
    NoRecipient,
    /// A file is no file of the ticket, or they are too large together.
    BadFiles,
}

/// Addresses in a text, between commas, semicolons or blanks; nothing if one of them is none, or if there are too many.
pub fn addresses(text: &str) -> Option<Vec<Address>> {
    let words =
        text.split(|c: char| c.is_whitespace() || c == ',' || c == ';').filter(|word| !word.is_empty());
    let found: Option<Vec<Address>> = words
        .take(RECIPIENTS_MAX + 1)
        .map(|word| {
            let email = word.trim_matches(['<', '>']).to_owned();
            limits::is_address(&email).then_some(Address { email, name: None })
        })
        .collect();
    found.filter(|all| all.len() <= RECIPIENTS_MAX)
}

/// Who else got the latest message that came in, apart from ourselves and from whom it would be answered to.
pub fn others(site: &Site, conversation: &[(MessageRow, Option<Message>)]) -> Vec<String> {
    let Some((_, message)) = latest(conversation) else { return Vec::new() };
    let to = message.reply_address().map(|address| address.email.to_lowercase());
    let mut others: Vec<String> = Vec::new();
    for address in message.to.iter().chain(&message.cc).take(RECIPIENTS_MAX) {
        let email = address.email.to_lowercase();
        if !site.owns(&email)
            && Some(&email) != to.as_ref()
            && !others.contains(&email)
            && limits::is_address(&email)
        {
            others.push(email);
        }
    }
    others
}

/// Who wrote what the latest message that came in forwards to us, in its text or as a file, as it says.
pub async fn original_sender(app: &App, conversation: &[(MessageRow, Option<Message>)]) -> Option<String> {
    let (_, message) = latest(conversation)?;
    let mut found = forward::original_sender(message);
    if let (None, Some(file)) = (&found, forward::enclosed_mail(message)) {
        // Bytes that are lost name nobody; `mailroom verify` tells of them.
        let bytes = app.blob.get(&file.sha256).await.ok()?;
        found = forward::enclosed_sender(message, &bytes);
    }
    let found = found.map(|address| address.email).filter(|email| limits::is_address(email))?;
    let settings = app.settings().await.ok()?;
    (!settings.site.owns(&found)).then_some(found)
}

/// The latest message that came in and can be answered.
pub(super) fn latest(conversation: &[(MessageRow, Option<Message>)]) -> Option<(&MessageRow, &Message)> {
    let incoming = conversation.iter().rev().filter(|(row, _)| is_from_others(row));
    let mut parsed = incoming.filter_map(|(row, parsed)| Some((row, parsed.as_ref()?)));
    parsed.find(|(_, message)| message.reply_address().is_some())
}

fn already(claim: Claim) -> Option<Replied> {
    match claim {
        Claim::New => None,
        Claim::Done(id) => Some(Replied::Done(OutboxId::new(id))),
        Claim::Other => Some(Replied::Other),
    }
}

/// Puts what a person writes into the outbox: once for each key, also if it is posted twice at the same moment.
pub async fn send(
    app: &App,
    ticket: &Ticket,
    reply: Reply,
    once: Option<&Once>,
    who: &str,
) -> anyhow::Result<Replied> {
    let mut db = app.store.read().await?;
    if let Some(once) = once
        && let Some(replied) = already(db.find_claim(once).await?)
    {
        return Ok(replied);
    }
    let conversation = db.list_conversation(&ticket.id, CONVERSATION_MAX).await?;
    let drafts = db.list_drafts_of_ticket(&ticket.id).await?;
    drop(db);
    let latest = latest(&conversation);
    let recipient = reply.to.or_else(|| latest.and_then(|(_, message)| message.reply_address().cloned()));
    let Some(recipient) = recipient else { return Ok(Replied::NoRecipient) };
    let Some(files) = load(app, &conversation, &reply.files, reply.uploads).await? else {
        return Ok(Replied::BadFiles);
    };
    let attached = files.len();
    let forwards = reply.letter == Name::Forward;
    // what is passed on begins a conversation of its own
    let latest = latest.filter(|_| !forwards);
    let letter = Letter {
        template: reply.letter,
        cause: format!("answer:{}", clock::fresh_id()),
        language: ticket.language.clone(),
        recipient,
        copies: reply.copies,
        files,
        answers: latest.map(|(_, message)| message),
        message_id: latest.map(|(row, _)| row.id.clone()),
        draft_id: None,
        whole: reply.whole.then(|| format!("{}\n", reply.text)),
        automatic: false,
        context: Context {
            ticket: ticket.reference(),
            subject: ticket.subject.clone(),
            text: reply.text,
            po_number: drafts.last().map(|draft| draft.po_number.clone()).unwrap_or_default(),
            ..Context::default()
        },
    };
    let prepared = answer::prepare(app, letter).await?;
    let letter = NewOutbox { ticket_id: Some(ticket.id.clone()), ..prepared };
    let now_ms = clock::now_ms();
    let mut tx = app.store.begin().await?;
    if let Some(once) = once
        && let Some(replied) = already(tx.claim(once, letter.id.as_str(), now_ms).await?)
    {
        return Ok(replied);
    }
    // Locks the ticket: of two answers at once, the second sees the first.
    tx.touch_ticket(&ticket.id, reply.then, now_ms).await?;
    if let Some(seen) = reply.seen
        && tx.count_said(&ticket.id).await? > seen
    {
        return Ok(Replied::Overtaken);
    }
    tx.insert_outbox(&letter, now_ms).await?;
    if let Some(attention) = tx.find_attention(&ticket.id, who).await? {
        tx.attend(&ticket.id, who, true, Some(&attention.typed.without_answer()), now_ms).await?;
    }
    for email in std::iter::once(&letter.recipient).chain(&letter.copies).filter(|_| !forwards) {
        tx.invite_participant(&ticket.id, email).await?;
    }
    let detail = format!(
        "mail {} to {}, {} copies, {attached} files",
        letter.id,
        letter.recipient,
        letter.copies.len()
    );
    let action = if forwards { "forward_message" } else { "answer_ticket" };
    tx.audit(entry(who, action, "ticket", ticket.id.as_str(), detail));
    tx.note_change(ChangeKind::Ticket, ticket.id.as_str());
    tx.commit().await.context("failed to put an answer into the outbox")?;
    app.announce_work();
    Ok(Replied::Done(letter.id))
}

/// The bytes of files of a conversation; nothing if one is not of it, or if they are too large.
async fn load(
    app: &App,
    conversation: &[(MessageRow, Option<Message>)],
    wanted: &[(MessageId, Option<usize>)],
    mut files: Vec<File>,
) -> anyhow::Result<Option<Vec<File>>> {
    let uploaded: usize = files.iter().map(|file| file.bytes.len()).sum();
    let Some(mut left) = FILES_BYTES_MAX.checked_sub(uploaded) else { return Ok(None) };
    for (id, position) in wanted {
        let Some((row, parsed)) = conversation.iter().find(|(row, _)| row.id == *id) else { return Ok(None) };
        let (sha256, name, size) = match position {
            None => {
                let size = usize::try_from(row.size_bytes).unwrap_or(usize::MAX);
                (row.sha256.clone(), "message.eml".to_owned(), size)
            }
            Some(position) => {
                let attachment = parsed.as_ref().and_then(|message| message.attachments.get(*position));
                let Some(attachment) = attachment else { return Ok(None) };
                let size = usize::try_from(attachment.size_bytes).unwrap_or(usize::MAX);
                (attachment.sha256.clone(), attachment.name.clone(), size)
            }
        };
        let Some(rest) = left.checked_sub(size) else { return Ok(None) };
        left = rest;
        let bytes = app.blob.get(&sha256).await.context("failed to read a file of the ticket")?;
        files.push(File { name, bytes });
    }
    Ok(Some(files))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_all_good_or_refused() {
        for (text, expected) in [
            ("", Some("")),
            ("a@b.example, <c@d.example>;e@f.example", Some("a@b.example c@d.example e@f.example")),
            ("a@b.example nobody", None),
            ("a@b.example\r\nBcc: x@y.example", None),
        ] {
            let found = addresses(text);
            let found = found.map(|all| all.into_iter().map(|a| a.email).collect::<Vec<_>>().join(" "));
            assert_eq!(found.as_deref(), expected, "{text:?}");
        }
        assert_eq!(addresses(&"a@b.example ".repeat(RECIPIENTS_MAX + 1)), None);
    }
}
