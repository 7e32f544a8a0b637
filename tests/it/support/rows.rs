//! A site without a mailbox: rows and bytes as processing leaves them.

use mailroom::{
    blob::Blob,
    jobs::index_search::follow,
    model::{
        ids::{DocumentId, MessageId},
        message::{Address, Message, Origin, Screened},
        page::{How, Page, Pages, Rect, Word},
        ticket::{Classified, Priority, Queue, Ticket},
    },
    search::Index,
    store::{
        Store,
        change::ChangeKind,
        document::{DocumentState, NewDocument},
        message::{Direction, NewMessage, Processed},
        ticket::NewTicket,
    },
};
use std::path::Path;

pub(crate) const NOW_MS: i64 = 1_700_000_000_000;

/// A database and a folder of bytes.
pub(crate) struct Site {
    pub(crate) store: Store,
    pub(crate) blob: Blob,
}

impl Site {
    pub(crate) async fn open(folder: &Path) -> Self {
        let store = Store::open(&format!("sqlite:{}", folder.join("site.db").display())).await.unwrap();
        let url = format!("file:{}", folder.join("blob").display());
        let blob = Blob::open(&mailroom::blob::Config { url, ..Default::default() }).unwrap();
        Self { store, blob }
    }

    pub(crate) async fn follow_all(&self, index: &Index) {
        while follow(&self.store, &self.blob, index).await.unwrap() > 0 {}
    }

    /// One processed message with a file, in a ticket of its own.
    pub(crate) async fn receive(
        &self,
        subject: &str,
        body: &str,
        page_text: &str,
    ) -> (Ticket, MessageId, DocumentId) {
        let raw = format!("Subject: {subject}\r\n\r\n{body}\r\n");
        let sha256 = self.blob.put(raw.as_bytes()).await.unwrap();
        let words = page_text.split(' ').map(|text| Word {
            text: text.to_owned(),
            bbox: Rect::default(),
            confidence: 1.0,
            size_pt: 0.0,
            bold: false,
        });
        let page = Page { words: words.collect(), ..Page::empty(1, 595.0, 842.0, How::TextLayer) };
        let pages = Pages { format: "pdf".into(), pages: vec![page], ..Pages::default() };
        let pages_sha256 = self.blob.put(&serde_json::to_vec(&pages).unwrap()).await.unwrap();

        let from = Some(Address { email: "erik@acme.example".into(), name: Some("Erik".into()) });
        let message = Message { subject: subject.into(), text: body.into(), from, ..Message::default() };
        let mut tx = self.store.begin().await.unwrap();
        let new = NewMessage {
            sha256,
            size_bytes: 1,
            direction: Direction::In,
            historic: false,
            rfc_message_id: None,
        };
        let id = tx.insert_message(&new, NOW_MS).await.unwrap().id().clone();
        let ticket = NewTicket {
            subject: subject.into(),
            queue: Queue::Orders,
            queue_reason: "test".into(),
            priority: Priority::Normal,
            account_id: None,
            language: "en".into(),
        };
        let ticket = tx.insert_ticket(&ticket, None, NOW_MS).await.unwrap();
        let screened = Screened {
            origin: Origin::Person,
            muted: false,
            decided_by: "test".into(),
            reason: "test".into(),
        };
        let classified = Classified {
            queue: Queue::Orders,
            best: Queue::Orders,
            confidence: 1.0,
            priority: Priority::Normal,
            reasons: Vec::new(),
        };
        let processed = Processed {
            message: &message,
            screened: &screened,
            ticket_id: Some(&ticket.id),
            thread_rule: "new",
            possible_ticket_id: None,
            classified: &classified,
        };
        tx.save_processed(&id, &processed, NOW_MS).await.unwrap();
        let document = NewDocument {
            message_id: id.clone(),
            parent_id: None,
            position: 0,
            name: "PO.pdf".into(),
            media_type: "application/pdf".into(),
            format: "pdf".into(),
            size_bytes: 1,
            sha256: self.blob.put(page_text.as_bytes()).await.unwrap(),
            state: DocumentState::Read,
            cause: String::new(),
            page_count: 1,
            how: "text_layer".into(),
            pages_sha256: Some(pages_sha256),
            findings: Vec::new(),
        };
        let document_id = tx.save_document(&document, NOW_MS).await.unwrap();
        tx.note_change(ChangeKind::Message, id.as_str());
        tx.note_change(ChangeKind::Ticket, ticket.id.as_str());
        tx.commit().await.unwrap();
        (ticket, id, document_id)
    }
}
