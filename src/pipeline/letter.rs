//! What a letter of a ticket would say: for previews, for the answer that a person begins with, and for a test to oneself.

use super::{
    answer::{self, Letter},
    decision::{entry, is_from_others},
    reply,
};
use crate::{
    app::{App, Settings},
    clock,
    model::{
        draft::Draft,
        message::{Address, Message},
        ticket::Ticket,
    },
    reply::template::{Context, Name, OrderLine, Rendered, TemplateError, Templates},
    store::message::MessageRow,
};
use anyhow::Context as _;
use jiff::Timestamp;

/// So much of a message that is passed on stands in the letter; all of it goes along as a file.
const FORWARDED_CHARS_MAX: usize = 40_000;

/// A letter that was begun.
#[derive(Clone, Debug)]
pub struct Begun {
    /// As it would go out.
    pub rendered: Rendered,
    /// Keys that it names and that nothing is known for.
    pub missing: Vec<String>,
}

/// What an order says in a letter.
pub(super) fn of_order(content: &Draft) -> Context {
    let field = |name: &str| content.text(name).unwrap_or_default().to_owned();
    let lines = content.lines.iter().map(|line| {
        let cell = |name: &str| line.get(name).and_then(|p| p.value.as_text()).unwrap_or_default().to_owned();
        OrderLine {
            sku: cell("sku"),
            customer_sku: cell("customer_sku"),
            description: cell("description"),
            quantity: cell("quantity"),
            unit: cell("unit"),
            unit_price: cell("unit_price"),
            amount: cell("amount"),
            delivery_date: cell("delivery_date"),
        }
    });
    Context {
        po_number: field("po_number"),
        order_date: field("order_date"),
        currency: field("currency"),
        lines: lines.collect(),
        subtotal: field("subtotal"),
        tax: field("tax"),
        total: field("total"),
        payment_terms: field("payment_terms"),
        ship_to: field("ship_to"),
        ..Context::default()
    }
}

/// What is known for a letter of a ticket: its latest draft, and who wrote last.
pub async fn of_ticket(
    app: &App,
    ticket: &Ticket,
    conversation: &[(MessageRow, Option<Message>)],
) -> anyhow::Result<Context> {
    let drafts = app.store.read().await?.list_drafts_of_ticket(&ticket.id).await?;
    let order = match drafts.last() {
        Some(draft) => app.store.read().await?.find_draft(&draft.id).await?.map(|row| of_order(&row.content)),
        None => None,
    };
    let writer = reply::latest(conversation).and_then(|(_, message)| message.reply_address());
    Ok(Context {
        ticket: ticket.reference(),
        subject: ticket.subject.clone(),
        name: writer.and_then(|address| address.name.clone()).unwrap_or_default(),
        ..order.unwrap_or_default()
    })
}

/// The message that is passed on: the wanted one, otherwise the latest that came in.
pub fn forwarded<'a>(
    conversation: &'a [(MessageRow, Option<Message>)],
    wanted: &str,
) -> Option<(&'a MessageRow, &'a Message)> {
    let chosen = conversation.iter().find(|(row, _)| row.id.as_str() == wanted);
    let latest = || conversation.iter().rev().find(|(row, _)| is_from_others(row));
    let (row, message) = chosen.or_else(latest)?;
    Some((row, message.as_ref()?))
}

/// What is known for a letter that passes a message on.
pub fn with_forwarded(app: &App, (row, message): (&MessageRow, &Message), context: Context) -> Context {
    let from = message.from.as_ref();
    let name = from.and_then(|from| from.name.as_deref()).unwrap_or_default();
    let email = from.map_or("", |from| &from.email);
    let at = Timestamp::from_millisecond(row.date_ms.unwrap_or(row.stored_ms)).unwrap_or_default();
    Context {
        forwarded_from: if name.is_empty() { email.to_owned() } else { format!("{name} <{email}>") },
        forwarded_date: at.to_zoned(app.now().time_zone().clone()).date().to_string(),
        forwarded_subject: message.subject.clone(),
        forwarded_text: message.text.trim().chars().take(FORWARDED_CHARS_MAX).collect(),
        ..context
    }
}

/// Writes a letter with a context, and says what it lacks. `templates` may be others than those in use.
pub fn begin(
    app: &App,
    settings: &Settings,
    templates: &Templates,
    name: Name,
    language: &str,
    context: &Context,
) -> Result<Begun, TemplateError> {
    let mut missing = templates.missing(name, language, context)?;
    // ours, and filled in for every letter
    missing.retain(|key| !["site_name", "answer_by", "survey_link"].contains(&key.as_str()));
    if name == Name::Forward {
        missing.clear();
    }
    let rendered = answer::render(app, settings, templates, name, language, context.clone())?;
    Ok(Begun { rendered, missing })
}

/// Puts a letter as it is in use into the outbox, to whoever wants to see it.
pub async fn send_test(
    app: &App,
    name: Name,
    language: &str,
    context: Context,
    to: &str,
    who: &str,
) -> anyhow::Result<()> {
    let id = format!("{}/{language}", name.as_str());
    let letter = Letter {
        template: name,
        cause: format!("test:{}", clock::fresh_id()),
        language: language.to_owned(),
        recipient: Address {
            email: to.to_owned(),
            name: Some(context.name.clone()).filter(|n| !n.is_empty()),
        },
        copies: Vec::new(),
        files: Vec::new(),
        answers: None,
        message_id: None,
        draft_id: None,
        automatic: false,
        whole: None,
        context,
    };
    let letter = answer::prepare(app, letter).await?;
    let mut tx = app.store.begin().await?;
    tx.insert_outbox(&letter, clock::now_ms()).await?;
    tx.audit(entry(who, "test_template", "template", &id, format!("to {to}")));
    tx.commit().await.context("failed to put a test into the outbox")?;
    app.announce_work();
    Ok(())
}
