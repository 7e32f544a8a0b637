//! A whole site in a temporary folder: memory mailbox, memory mailer, embedded database. Jobs run when a test says so.

use mailroom::{
    app::App,
    config::Config,
    jobs,
    jobs::intake::{self, Manner, Taken},
    mailbox::{self, Mailbox, Memory},
    model::account::Account,
    model::ids::MessageId,
    reply::{self, Mailer},
    store::message::MessageState,
};
use std::{fmt::Write as _, sync::Arc};

/// A site under test.
pub(crate) struct TestSite {
    pub(crate) app: Arc<App>,
    pub(crate) mailbox: Memory,
    pub(crate) outgoing: reply::Memory,
    pub(crate) mailbox_config: mailbox::Config,
    _folder: tempfile::TempDir,
}

impl TestSite {
    /// An empty site with one customer on file.
    pub(crate) async fn open() -> Self {
        Self::open_with(|_| {}).await
    }

    /// The same with an address of its own.
    pub(crate) async fn open_as(address: &str) -> Self {
        Self::open_with(|config| {
            address.clone_into(&mut config.mail_out.from);
            for mailbox in &mut config.mailbox {
                address.clone_into(&mut mailbox.user);
            }
        })
        .await
    }

    /// The same, configured further.
    pub(crate) async fn open_with(configure: impl FnOnce(&mut Config)) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let mailbox_config = mailbox::Config {
            name: "orders".to_owned(),
            host: "in.memory".to_owned(),
            user: "orders@site.example".to_owned(),
            ..mailbox::Config::default()
        };
        let mut config = Config::default();
        config.site.name = "Site".to_owned();
        config.site.names = vec!["Site Supplies Ltd".to_owned()];
        config.site.data_dir = folder.path().to_owned();
        config.mail_out.from = "orders@site.example".to_owned();
        config.mailbox = vec![mailbox_config.clone()];
        config.reader.program = Some(env!("CARGO_BIN_EXE_mailroom").into());
        // nobody waits for what a person might take back
        config.mail_out.undo_seconds = 0;
        configure(&mut config);
        let mut app = App::open(config).await.unwrap();
        let outgoing = reply::Memory::new();
        app.mailer = Mailer::Memory(outgoing.clone());
        let account = Account {
            account_no: "C1".to_owned(),
            name: "Buyer Ltd".to_owned(),
            email_domain: "buyer.example".to_owned(),
            ..Account::default()
        };
        let mut tx = app.store.begin().await.unwrap();
        tx.save_accounts(&[account], 1).await.unwrap();
        tx.commit().await.unwrap();
        Self { app: Arc::new(app), mailbox: Memory::new(), outgoing, mailbox_config, _folder: folder }
    }

    /// Delivers a message to the mailbox; it is not taken in yet. Returns its UID.
    pub(crate) fn deliver(&self, raw: &str) -> i64 {
        self.mailbox.append("INBOX", raw.replace('\n', "\r\n").as_bytes())
    }

    /// How many messages are in the mailbox.
    pub(crate) async fn mailbox_count(&self) -> i64 {
        let mut mailbox = Mailbox::Memory(self.mailbox.clone());
        mailbox.all_uids("INBOX").await.unwrap().len() as i64
    }

    /// One pass over the mailbox.
    pub(crate) async fn take(&self) -> Taken {
        let mut mailbox = Mailbox::Memory(self.mailbox.clone());
        intake::take(&self.app, &self.mailbox_config, &mut mailbox, Manner::default(), |_| {}).await.unwrap()
    }

    /// Takes in what was delivered, and does everything that is due.
    pub(crate) async fn settle(&self) -> String {
        self.take().await;
        jobs::run_until_idle(&self.app, |_| {}).await.unwrap();
        self.state_text().await
    }

    /// The state of the whole site as text, without ids and times.
    pub(crate) async fn state_text(&self) -> String {
        let mut text = String::new();
        let mut db = self.app.store.read().await.unwrap();
        let mut after: Option<MessageId> = None;
        loop {
            let rows = db.list_messages(after.as_ref(), 100).await.unwrap();
            let Some(last) = rows.last() else { break };
            after = Some(last.id.clone());
            for row in rows {
                let ticket = match &row.ticket_id {
                    Some(id) => db.find_ticket(id).await.unwrap(),
                    None => None,
                };
                let possible = match &row.possible_ticket_id {
                    Some(id) => db.find_ticket(id).await.unwrap(),
                    None => None,
                };
                let origin = row.origin.map_or("-", |origin| origin.as_str());
                write!(text, "{} {:?} {origin}", row.state.as_str(), row.subject).unwrap();
                if row.muted {
                    write!(text, " muted by {}", row.screened_by).unwrap();
                }
                if let Some(ticket) = ticket {
                    write!(
                        text,
                        " -> {} {} ({})",
                        ticket.reference(),
                        ticket.state.as_str(),
                        row.thread_rule
                    )
                    .unwrap();
                }
                if let Some(possible) = possible {
                    write!(text, " perhaps {}", possible.reference()).unwrap();
                }
                text.push('\n');
                for sighting in db.list_sightings_of_message(&row.id).await.unwrap() {
                    writeln!(
                        text,
                        "  seen as {} {}: {}",
                        sighting.folder,
                        sighting.uid,
                        sighting.outcome.as_str()
                    )
                    .unwrap();
                }
                for document in db.list_documents(&row.id).await.unwrap() {
                    let document = document.document;
                    writeln!(
                        text,
                        "  file {:?} {} {}",
                        document.name,
                        document.state.as_str(),
                        document.cause
                    )
                    .unwrap();
                }
                for draft in db.list_drafts_of_message(&row.id).await.unwrap() {
                    writeln!(
                        text,
                        "  draft {} {} {:?} {} lines",
                        draft.kind.as_str(),
                        draft.state.as_str(),
                        draft.po_number,
                        draft.content.lines.len()
                    )
                    .unwrap();
                }
                for entry in db.list_quarantine_of_message(&row.id, 10).await.unwrap() {
                    writeln!(text, "  quarantine {}", entry.entry.cause).unwrap();
                }
            }
        }
        for entry in db.list_quarantine(None, 100).await.unwrap() {
            if entry.entry.message_id.is_none() {
                writeln!(text, "quarantine {}: {}", entry.entry.cause, entry.entry.detail).unwrap();
            }
        }
        for (state, count) in db.count_outbox().await.unwrap() {
            writeln!(text, "outbox {} {count}", state.as_str()).unwrap();
        }
        for (kind, count) in db.count_jobs().await.unwrap() {
            writeln!(text, "job {kind} {count}").unwrap();
        }
        text
    }

    /// How many messages are in a state.
    pub(crate) async fn count(&self, state: MessageState) -> i64 {
        let counts = self.app.store.read().await.unwrap().count_messages().await.unwrap();
        counts.into_iter().find(|(known, _)| *known == state).map_or(0, |(_, count)| count)
    }
}
