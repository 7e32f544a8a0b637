//! A letter into the outbox: rendered, composed, its bytes durable, before the transaction that sends it off.

use crate::{
    app::{App, Settings},
    clock,
    message::own_id,
    model::{
        ids::{DraftId, MessageId, OutboxId},
        message::{Address, Message},
    },
    reply::{
        Composition, File, compose,
        template::{Context, Name, Rendered, TemplateError, Templates},
    },
    store::outbox::NewOutbox,
};
use anyhow::Context as _;

/// What is to be said to whom.
#[derive(Debug)]
pub struct Letter<'a> {
    /// The template.
    pub template: Name,
    /// The decision that causes it; the same cause never sends twice.
    pub cause: String,
    /// ISO 639-1 code of the recipient's language.
    pub language: String,
    /// The one recipient whom it is written to.
    pub recipient: Address,
    /// Who else gets it, openly.
    pub copies: Vec<Address>,
    /// What goes along.
    pub files: Vec<File>,
    /// The message that it answers.
    pub answers: Option<&'a Message>,
    /// Row id of that message.
    pub message_id: Option<MessageId>,
    /// The draft that it is about.
    pub draft_id: Option<DraftId>,
    /// Sent by the program itself, not on a person's word: marked so (RFC 3834).
    pub automatic: bool,
    /// The whole text as a person left it, in place of the template's.
    pub whole: Option<String>,
    /// What it says; names of site and recipient, the day of an answer and the survey are filled in here.
    pub context: Context,
}

/// A letter as it goes out: our name in it, and below it the letterhead of the site (RFC 3676, 4.3).
pub fn render(
    app: &App,
    settings: &Settings,
    templates: &Templates,
    template: Name,
    language: &str,
    context: Context,
) -> Result<Rendered, TemplateError> {
    let site = &settings.config.site;
    let answer_by = app.config.calendar.answer_by(app.now().date());
    let context = Context {
        site_name: site.name.clone(),
        answer_by: answer_by.map_or_else(String::new, |day| day.to_string()),
        survey_link: app.config.mail_out.survey_link.replace("{ticket}", &context.ticket),
        ..context
    };
    let mut rendered = templates.render(template, language, &context)?;
    let letterhead = [site.address.as_str(), site.signature.as_str()];
    let letterhead: Vec<&str> =
        letterhead.into_iter().map(str::trim).filter(|part| !part.is_empty()).collect();
    if !letterhead.is_empty() {
        rendered.body = format!("{}\n-- \n{}\n", rendered.body, letterhead.join("\n"));
    }
    Ok(rendered)
}

/// Renders and composes a letter, and keeps its bytes. The row is the caller's to commit, with its ticket.
pub async fn prepare(app: &App, letter: Letter<'_>) -> anyhow::Result<NewOutbox> {
    let now_ms = clock::now_ms();
    let id = OutboxId::new(clock::fresh_id());
    let mut context = letter.context;
    let settings = app.settings().await?;
    context.name = letter.recipient.name.clone().unwrap_or_default();
    let mut rendered =
        render(app, &settings, &settings.templates, letter.template, &letter.language, context)
            .with_context(|| format!("failed to render the letter {}", letter.template.as_str()))?;
    if let Some(whole) = letter.whole {
        rendered.body = whole;
    }
    let rfc_message_id = own_id::make(&app.signing_key, &id, &app.config.mail_out.host_name());
    let references = letter.answers.map_or_else(Vec::new, references);
    let from = settings.config.mail_out.sender();
    let mut bytes = compose(&Composition {
        from: &from,
        to: &letter.recipient,
        copies: &letter.copies,
        files: &letter.files,
        subject: &rendered.subject,
        text: &rendered.body,
        rfc_message_id: &rfc_message_id,
        in_reply_to: letter.answers.and_then(|message| message.rfc_message_id.as_deref()),
        references: &references,
        date_ms: now_ms,
        automatic: letter.automatic,
    })
    .context("failed to compose a letter")?;
    if let Some(signer) = app.signers.iter().find(|signer| signer.is_for(&from.domain())) {
        bytes = signer.sign(&bytes, now_ms).context("failed to sign a letter")?;
    }
    let sha256 = app.blob.put(&bytes).await.context("failed to keep a letter")?;
    Ok(NewOutbox {
        id,
        cause: letter.cause,
        ticket_id: None,
        message_id: letter.message_id,
        draft_id: letter.draft_id,
        recipient: letter.recipient.email,
        copies: letter.copies.into_iter().map(|copy| copy.email).collect(),
        template: letter.template.as_str().to_owned(),
        language: rendered.language.to_owned(),
        subject: rendered.subject,
        rfc_message_id,
        sha256,
        withheld: None,
        due_ms: now_ms,
    })
}

/// The conversation up to the message that is answered, oldest first (RFC 5322, 3.6.4).
fn references(message: &Message) -> Vec<String> {
    let earlier = if message.references.is_empty() { &message.in_reply_to } else { &message.references };
    earlier.iter().chain(&message.rfc_message_id).cloned().collect()
}
