//! `index.html`: what a person reads first. Links to the files beside it, holds no script, loads nothing.
//!
//! Limits: long texts are cut at [`TEXT_CHARS_MAX`]; the whole lies in the file that is linked.

use super::{Scope, bundle::timestamp, collect::TicketFile};
use crate::{
    model::{
        draft::{Content, Draft, Proposal, Source},
        message::Message,
        outbox::OutboxRow,
    },
    store::{audit::AuditRow, message::MessageRow},
};
use anyhow::Context as _;
use minijinja::{Environment, UndefinedBehavior};
use serde::Serialize;
use serde_json::{Value, json};

/// Most characters of a message's text on the page.
const TEXT_CHARS_MAX: usize = 20_000;

/// The page, as far as it is known.
#[derive(Serialize)]
pub(super) struct Page {
    program: &'static str,
    asked: String,
    made: String,
    tickets: Vec<Value>,
    messages: Vec<Value>,
    mails: Vec<Value>,
    audit: Vec<Value>,
}

impl Page {
    pub(super) fn new(scope: &Scope, now_ms: i64) -> Self {
        let asked = match scope {
            Scope::Ticket(number) => format!("Ticket MR-{number}"),
            Scope::Account(number) => format!("Account {number}"),
            Scope::Query(text) => format!("Search: {text}"),
        };
        Self {
            program: concat!("mailroom ", env!("CARGO_PKG_VERSION")),
            asked,
            made: timestamp(now_ms),
            tickets: Vec::new(),
            messages: Vec::new(),
            mails: Vec::new(),
            audit: Vec::new(),
        }
    }

    pub(super) fn add_message(
        &mut self,
        folder: &str,
        row: &MessageRow,
        parsed: Option<&Message>,
        files: &[Value],
    ) {
        let text = parsed.map(|message| cut(&message.text)).unwrap_or_default();
        let to = parsed
            .map(|message| message.to.iter().map(|to| to.email.as_str()).collect::<Vec<_>>().join(", "));
        self.messages.push(json!({
            "folder": folder,
            "direction": row.direction.as_str(),
            "date": timestamp(row.date_ms.unwrap_or(row.stored_ms)),
            "stored": timestamp(row.stored_ms),
            "from": format!("{} <{}>", row.from_name, row.from_email),
            "to": to.unwrap_or_default(),
            "subject": row.subject,
            "sha256": row.sha256,
            "thread_rule": row.thread_rule,
            "screened": row.screened_reason,
            "queue_reasons": row.queue_reasons,
            "text": text,
            "files": files,
        }));
    }

    pub(super) fn add_ticket(&mut self, folder: &str, file: &TicketFile) {
        let drafts = file.drafts.iter().map(|draft| {
            json!({
                "kind": draft.kind.as_str(),
                "state": draft.state.as_str(),
                "account_reason": draft.account_reason,
                "decided_by": draft.decided_by,
                "decided": draft.decided_ms.map(timestamp),
                "fields": values(&draft.content),
            })
        });
        let records = file.records.iter().map(|record| {
            json!({
                "kind": record.kind.as_str(),
                "po_number": record.po_number,
                "approved": timestamp(record.approved_ms),
                "approved_by": record.approved_by,
            })
        });
        self.tickets.push(json!({
            "folder": folder,
            "reference": file.ticket.reference(),
            "subject": file.ticket.subject,
            "queue": file.ticket.queue.as_str(),
            "queue_reason": file.ticket.queue_reason,
            "state": file.ticket.state.as_str(),
            "created": timestamp(file.ticket.created_ms),
            "participants": file.participants,
            "drafts": drafts.collect::<Vec<_>>(),
            "records": records.collect::<Vec<_>>(),
        }));
    }

    pub(super) fn add_mail(&mut self, folder: &str, mail: &OutboxRow) {
        self.mails.push(json!({
            "folder": folder,
            "recipient": mail.recipient,
            "subject": mail.subject,
            "state": mail.state.as_str(),
            "reason": mail.reason,
            "created": timestamp(mail.created_ms),
            "sent": mail.sent_ms.map(timestamp),
        }));
    }

    pub(super) fn add_audit(&mut self, rows: &[AuditRow]) {
        self.audit.extend(rows.iter().map(|row| {
            json!({
                "seq": row.seq,
                "at": timestamp(row.entry.at_ms),
                "actor": row.entry.actor,
                "action": row.entry.action,
                "subject": row.entry.subject_kind,
                "detail": row.entry.detail,
                "hash": row.hash,
            })
        }));
    }

    pub(super) fn render(&self) -> anyhow::Result<String> {
        let mut environment = Environment::new();
        environment.set_undefined_behavior(UndefinedBehavior::Strict);
        environment
            .add_template("index.html", include_str!("../../templates/evidence/index.html"))
            .context("the template of the bundle's page is broken")?;
        let template = environment.get_template("index.html").context("the page's template is gone")?;
        template.render(minijinja::value::Serde(self)).context("failed to render the bundle's page")
    }
}

fn cut(text: &str) -> String {
    let end = text.char_indices().nth(TEXT_CHARS_MAX).map_or(text.len(), |(at, _)| at);
    text.get(..end).unwrap_or_default().to_owned()
}

/// Every value of a draft with its source, in the order of the form.
fn values(draft: &Draft) -> Vec<Value> {
    let header = draft.fields.iter().map(|(name, proposal)| value(name, proposal));
    let lines = (1..).zip(&draft.lines).flat_map(|(number, line)| {
        line.iter().map(move |(name, proposal)| value(&format!("lines.{number}.{name}"), proposal))
    });
    header.chain(lines).collect()
}

fn value(name: &str, proposal: &Proposal) -> Value {
    let text = match &proposal.value {
        Content::Text(text) => text.clone(),
        Content::Flag(flag) => flag.to_string(),
        Content::References(references) => {
            references.iter().filter_map(|r| r.name.clone()).collect::<Vec<_>>().join("; ")
        }
    };
    let source = match &proposal.source {
        Source::Page { page, .. } => format!("page {page}"),
        Source::Rule(rule) => rule.clone(),
        Source::Person(person) => format!("typed by {person}"),
    };
    let percent = (proposal.confidence * 100.0).round();
    json!({ "name": name, "value": text, "confidence": format!("{percent} %"), "source": source })
}
