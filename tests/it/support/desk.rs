//! A small site with something in every place, behind real pages on a loopback port.

use mailroom::{
    app::App,
    clock,
    config::Config,
    jobs::index_search,
    message,
    model::{
        account::{Account, CatalogueItem, Known},
        draft::{Content, Draft, Kind, Line, Proposal, Source},
        ids::{DocumentId, DraftId, MessageId, OutboxId, QuarantineId, TicketId},
        ledger::Outcome,
        message::{Origin, Screened},
        outbox::OutboxState,
        page::{Pages, Rect},
        ticket::{Classified, Priority, Queue},
    },
    reader::Options,
    store::{
        Tx,
        change::ChangeKind,
        document::{DocumentState, NewDocument},
        draft::NewDraft,
        message::{Direction, NewMessage, Processed},
        outbox::NewOutbox,
        person::Role,
        quarantine::NewQuarantine,
        sighting::NewSighting,
        ticket::NewTicket,
    },
    validate, web,
};
use std::{fmt::Write as _, path::PathBuf, sync::Arc};
use tempfile::TempDir;
use tokio::{net::TcpListener, task::JoinHandle};

/// Everybody's password.
pub(crate) const PASSWORD: &str = "a long enough one";

/// The site.
pub(crate) struct Desk {
    _folder: TempDir,
    /// Its handles.
    pub(crate) app: Arc<App>,
    /// Where its pages are.
    pub(crate) address: String,
    /// Number of the ticket with the order.
    pub(crate) ticket: i64,
    /// The order's draft.
    pub(crate) draft: DraftId,
    /// The order's message.
    pub(crate) message: MessageId,
    /// The order's file.
    pub(crate) document: DocumentId,
    /// A mail in doubt.
    pub(crate) doubtful: OutboxId,
    /// An entry in quarantine.
    pub(crate) quarantine: QuarantineId,
    /// A message that may be a follow-up to `ticket`.
    pub(crate) stranger: MessageId,
    server: JoinHandle<()>,
}

impl Drop for Desk {
    fn drop(&mut self) {
        self.server.abort();
    }
}

impl Desk {
    /// Fills a fresh site and serves its pages.
    pub(crate) async fn open() -> Self {
        Self::open_with(|_| {}).await
    }

    /// The same, configured further.
    pub(crate) async fn open_with(configure: impl FnOnce(&mut Config)) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let mut config = Config::default();
        "Nordkomp Order Desk".clone_into(&mut config.site.name);
        config.site.names = vec!["Nordkomp Supply AB".to_owned()];
        let data = folder.path().join("data");
        config.database.url = format!("sqlite:{}", data.join("mailroom.db").display());
        config.blob.url = format!("file:{}", data.join("blob").display());
        config.search.folder = data.join("index");
        config.site.data_dir = data;
        "orders@nordkomp.example".clone_into(&mut config.mail_out.from);
        config.mail_out.directory = folder.path().join("out");
        config.reader.program = Some(PathBuf::from(env!("CARGO_BIN_EXE_mailroom")));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = format!("http://{}", listener.local_addr().unwrap());
        config.web.base_url.clone_from(&address);
        // nobody waits for what a person might take back
        config.mail_out.undo_seconds = 0;
        configure(&mut config);
        let app = Arc::new(App::open(config).await.unwrap());
        let seeded = fill(&app).await;
        while index_search::follow(&app.store, &app.blob, &app.index).await.unwrap() > 0 {}
        let pages = web::serve(Arc::clone(&app), listener, std::future::pending());
        let server = tokio::spawn(async move { pages.await.unwrap() });
        let Seeded { ticket, draft, message, document, doubtful, quarantine, stranger } = seeded;
        Self {
            _folder: folder,
            app,
            address,
            ticket,
            draft,
            message,
            document,
            doubtful,
            quarantine,
            stranger,
            server,
        }
    }
}

struct Seeded {
    ticket: i64,
    draft: DraftId,
    message: MessageId,
    document: DocumentId,
    doubtful: OutboxId,
    quarantine: QuarantineId,
    stranger: MessageId,
}

const ORDER_MAIL_HEAD: &str = "From: Ingrid Holm <ingrid.holm@vastkustmarin.example>\r\n\
To: orders@nordkomp.example\r\n\
Subject: Purchase order 45-20817\r\n\
Date: Fri, 20 Nov 2026 09:12:00 +0100\r\n\
Message-ID: <order-45-20817@vastkustmarin.example>\r\n\
MIME-Version: 1.0\r\n\
Content-Type: multipart/mixed; boundary=a\r\n\r\n\
--a\r\nContent-Type: multipart/alternative; boundary=b\r\n\r\n\
--b\r\nContent-Type: text/plain; charset=utf-8\r\n\r\n\
Good morning,\r\n\r\nplease find our order attached. We need the gaskets before the slipway closes on 4 December.\r\n\r\n\
Kind regards\r\n--\x20\r\nIngrid Holm\r\nVastkust Marin AB\r\n+46 31 555 01 20\r\n\
--b\r\nContent-Type: text/html; charset=utf-8\r\n\r\n\
<p>Good morning,</p><p>please find our <b>order</b> attached.</p><script>alert('x')</script>\
<img src=\"https://tracker.example/p.gif\">\r\n--b--\r\n\
--a\r\nContent-Type: application/pdf; name=\"PO 45-20817.pdf\"\r\n\
Content-Disposition: attachment; filename=\"PO 45-20817.pdf\"\r\nContent-Transfer-Encoding: 8bit\r\n\r\n";

const STRANGER_MAIL: &str = "From: Per Lund <per@elsewhere.example>\r\n\
To: orders@nordkomp.example\r\n\
Subject: Re: Purchase order 45-20817 [MR-1001]\r\n\
Date: Fri, 20 Nov 2026 11:40:00 +0100\r\n\
Message-ID: <s1@elsewhere.example>\r\n\r\n\
Could you send the confirmation to me as well?\r\n";

const STATUS_MAIL: &str = "From: Anna Berg <anna@bergmek.example>\r\n\
To: orders@nordkomp.example\r\n\
Subject: Where is our order 7781?\r\n\
Date: Fri, 20 Nov 2026 08:01:00 +0100\r\n\
Message-ID: <status@bergmek.example>\r\n\r\n\
Hello, the bearings were promised for Tuesday. When do they arrive?\r\n\r\n\
> On Monday you wrote:\r\n> They will leave us today.\r\n";

/// Lines of the order: item, description, quantity, price, amount.
const LINES: [[&str; 5]; 4] = [
    ["NK-20138", "Gasket DN50 PN16, EPDM", "24", "3.15", "75.60"],
    ["NK-20544", "Hose clamp 40-60 mm, A4", "60", "1.92", "115.20"],
    ["NK-31007", "Impeller kit, neoprene", "4", "58.00", "232.00"],
    ["NK-40912", "Zinc anode 1.2 kg", "12", "14.50", "174.00"],
];

async fn fill(app: &App) -> Seeded {
    let now_ms = clock::now_ms();
    let mut tx = app.store.begin().await.unwrap();
    let hash = web::password::hash(PASSWORD).unwrap();
    tx.insert_person("ann", &hash, Role::Administrator, now_ms).await.unwrap().unwrap();
    tx.insert_person("sam", &hash, Role::Reviewer, now_ms).await.unwrap().unwrap();
    tx.insert_person("tom", &hash, Role::Agent, now_ms).await.unwrap().unwrap();
    tx.insert_person("eve", &hash, Role::Auditor, now_ms).await.unwrap().unwrap();
    let account = Account {
        account_no: "C-1042".to_owned(),
        name: "Västkust Marin AB".to_owned(),
        email_domain: "vastkustmarin.example".to_owned(),
        currency: "EUR".to_owned(),
        language: "en".to_owned(),
        ship_to: vec!["Kajen 9, 451 34 Uddevalla".to_owned()],
        ..Account::default()
    };
    let item = |[sku, description, _, price, _]: [&str; 5]| {
        // one price differs from what is ordered
        let price = if sku == "NK-31007" { "61.50" } else { price };
        CatalogueItem {
            sku: sku.to_owned(),
            descriptions: [("en".to_owned(), description.to_owned())].into(),
            prices: [("EUR".to_owned(), price.parse().unwrap())].into(),
            ..CatalogueItem::default()
        }
    };
    let known = Known { accounts: [account].into(), catalogue: LINES.map(item).into(), ..Known::default() };
    tx.save_accounts(&known.accounts, now_ms).await.unwrap();
    tx.replace_catalogue(&known.catalogue, now_ms).await.unwrap();
    tx.commit().await.unwrap();

    let (ticket, draft, message, document) = order(app, &known, now_ms - 3_700_000).await;
    let stranger = plain(app, STRANGER_MAIL, Queue::Orders, now_ms - 600_000, Some(&ticket)).await;
    plain(app, STATUS_MAIL, Queue::OrderStatus, now_ms - 90_000_000, None).await;

    let mut tx = app.store.begin().await.unwrap();
    let doubtful = mail(app, &mut tx, &ticket, now_ms).await;
    let entry = NewQuarantine {
        message_id: Some(message.clone()),
        document_id: None,
        sighting_id: None,
        sha256: app.blob.put(b"%PDF-1.7 hostile").await.unwrap(),
        cause: "reader_killed".to_owned(),
        detail: "drawing.pdf: page 3 took longer than 60 s".to_owned(),
    };
    let quarantine = tx.insert_quarantine(&entry, now_ms - 400_000).await.unwrap();
    tx.record_folder_contact("orders", "INBOX", 3, now_ms - 20_000).await.unwrap();
    tx.record_folder_error("returns", "INBOX", "the server refused the password; renew it", now_ms - 60_000)
        .await
        .unwrap();
    let seen = NewSighting {
        mailbox: "orders".to_owned(),
        folder: "INBOX".to_owned(),
        uidvalidity: 1,
        uid: 1,
        place: String::new(),
        size_bytes: 900,
    };
    let sighting = tx.insert_seen(&seen, now_ms).await.unwrap();
    tx.mark_stored(&sighting.id, "00", &message, Outcome::Stored, now_ms).await.unwrap();
    tx.commit().await.unwrap();
    let lease = app.store.lease_outbox("test", now_ms + 1).await.unwrap().unwrap();
    assert_eq!(lease.id, doubtful);
    let mut tx = app.store.begin().await.unwrap();
    tx.end_attempt(&doubtful, OutboxState::InDoubt, "interrupted while it was being sent", now_ms)
        .await
        .unwrap();
    tx.commit().await.unwrap();
    let number = app.store.read().await.unwrap().find_ticket(&ticket).await.unwrap().unwrap().number;
    Seeded { ticket: number, draft, message, document, doubtful, quarantine, stranger }
}

async fn mail(app: &App, tx: &mut Tx, ticket: &TicketId, now_ms: i64) -> OutboxId {
    let id = OutboxId::new(clock::fresh_id());
    let new = NewOutbox {
        id: id.clone(),
        cause: "acknowledge:1".to_owned(),
        ticket_id: Some(ticket.clone()),
        message_id: None,
        draft_id: None,
        recipient: "ingrid.holm@vastkustmarin.example".to_owned(),
        copies: Vec::new(),
        template: "acknowledgement".to_owned(),
        language: "en".to_owned(),
        subject: "Re: Purchase order 45-20817 [MR-1001]".to_owned(),
        rfc_message_id: "mr.1@nordkomp.example".to_owned(),
        sha256: app.blob.put(b"Subject: Re: Purchase order\r\n\r\nThank you.\r\n").await.unwrap(),
        withheld: None,
        due_ms: now_ms,
    };
    assert!(tx.insert_outbox(&new, now_ms).await.unwrap());
    id
}

/// Keeps a message, parses it and puts it into a ticket of its own.
async fn take(
    app: &App,
    raw: &str,
    queue: Queue,
    at_ms: i64,
    possible: Option<&TicketId>,
) -> (TicketId, MessageId) {
    let sha256 = app.blob.put(raw.as_bytes()).await.unwrap();
    let parsed = message::parse(raw.as_bytes());
    for attachment in &parsed.attachments {
        app.blob.put(&attachment.bytes).await.unwrap();
    }
    let from = parsed.from.clone().unwrap();
    let mut tx = app.store.begin().await.unwrap();
    let new = NewMessage {
        sha256,
        size_bytes: raw.len() as i64,
        direction: Direction::In,
        historic: false,
        rfc_message_id: None,
    };
    let id = tx.insert_message(&new, at_ms).await.unwrap().id().clone();
    let ticket = NewTicket {
        subject: parsed.subject.replace("Re: ", ""),
        queue,
        queue_reason: format!("words of {}", queue.as_str()),
        priority: Priority::Normal,
        account_id: None,
        language: "en".to_owned(),
    };
    let ticket = tx.insert_ticket(&ticket, None, at_ms).await.unwrap();
    tx.add_participant(&ticket.id, &from.email).await.unwrap();
    let screened = Screened {
        origin: Origin::Person,
        muted: false,
        decided_by: "nothing objected".to_owned(),
        reason: "no sign of a machine".to_owned(),
    };
    let classified = Classified {
        queue,
        best: queue,
        confidence: 0.93,
        priority: Priority::Normal,
        reasons: vec!["subject says \"purchase order\"".to_owned(), "one order attached".to_owned()],
    };
    let found = Processed {
        message: &parsed,
        screened: &screened,
        ticket_id: Some(&ticket.id),
        thread_rule: "new ticket: no reference to an earlier message",
        possible_ticket_id: possible,
        classified: &classified,
    };
    tx.save_processed(&id, &found, at_ms).await.unwrap();
    tx.note_change(ChangeKind::Message, id.as_str());
    tx.commit().await.unwrap();
    (ticket.id, id)
}

async fn plain(app: &App, raw: &str, queue: Queue, at_ms: i64, possible: Option<&TicketId>) -> MessageId {
    take(app, raw, queue, at_ms, possible).await.1
}

async fn order(app: &App, known: &Known, at_ms: i64) -> (TicketId, DraftId, MessageId, DocumentId) {
    let pdf = order_pdf();
    let mail = format!("{ORDER_MAIL_HEAD}{}\r\n--a--\r\n", String::from_utf8(pdf.clone()).unwrap());
    let (ticket, message) = take(app, &mail, Queue::Orders, at_ms, None).await;
    let pages = app.reader.read(&pdf, &Options::default()).await.unwrap();
    let mut draft = draft(&pages);
    draft.findings = validate::check(&draft, known);
    let pages_sha256 = app.blob.put(&serde_json::to_vec(&pages).unwrap()).await.unwrap();
    let document = NewDocument {
        message_id: message.clone(),
        parent_id: None,
        position: 0,
        name: "PO 45-20817.pdf".to_owned(),
        media_type: "application/pdf".to_owned(),
        format: "pdf".to_owned(),
        size_bytes: pdf.len() as i64,
        sha256: app.blob.put(&pdf).await.unwrap(),
        state: DocumentState::Read,
        cause: String::new(),
        page_count: pages.pages.len() as i64,
        how: "text_layer".to_owned(),
        pages_sha256: Some(pages_sha256),
        findings: Vec::new(),
    };
    let mut tx = app.store.begin().await.unwrap();
    let document: DocumentId = tx.save_document(&document, at_ms).await.unwrap();
    let account = tx.find_account_by_no("C-1042").await.unwrap().unwrap();
    let new = NewDraft {
        ticket_id: &ticket,
        message_id: &message,
        document_id: &document,
        position: 0,
        account_id: Some(&account.id),
        account_reason: "mail domain vastkustmarin.example",
        draft: &draft,
    };
    let draft = tx.insert_draft(&new, at_ms).await.unwrap();
    tx.commit().await.unwrap();
    (ticket, draft, message, document)
}

/// A proposal for words that stand on the page.
fn found(pages: &Pages, text: &str, value: &str, confidence: f32) -> Proposal {
    let page = &pages.pages[0];
    let words: Vec<&str> = text.split(' ').collect();
    let place = page
        .words
        .windows(words.len())
        .find(|window| window.iter().zip(&words).all(|(word, wanted)| word.text == *wanted))
        .unwrap_or_else(|| panic!("{text} is not on the page"));
    let bbox = place.iter().map(|word| word.bbox).reduce(|a: Rect, b| a.union(&b)).unwrap();
    let printed = (text != value).then(|| text.to_owned());
    let source = Source::Page { page: 1, bbox };
    Proposal { value: Content::Text(value.to_owned()), confidence, source, printed }
}

fn draft(pages: &Pages) -> Draft {
    let fields = [
        ("po_number", "45-20817", "45-20817", 0.98),
        ("order_date", "20.11.2026", "2026-11-20", 0.96),
        ("requested_date", "2026-12-04", "2026-12-04", 0.97),
        ("buyer_name", "Vastkust Marin AB", "Vastkust Marin AB", 0.95),
        (
            "ship_to",
            "Slipway 3, Ringo varvsgata 4, 417 07 Goteborg",
            "Slipway 3, Ringo varvsgata 4, 417 07 Goteborg",
            0.72,
        ),
        ("currency", "EUR", "EUR", 0.99),
        ("payment_terms", "30 days net", "30 days net", 0.93),
        ("subtotal", "596.80", "596.80", 0.97),
        ("tax", "149.20", "149.20", 0.97),
        ("total", "746.00", "746.00", 0.55),
    ];
    let lines = LINES.map(|[sku, description, quantity, price, amount]| {
        let low = if sku == "NK-31007" { 0.41 } else { 0.97 };
        let line: Line = [
            ("sku".to_owned(), found(pages, sku, sku, 0.98)),
            ("description".to_owned(), found(pages, description, description, 0.95)),
            ("quantity".to_owned(), found(pages, quantity, quantity, low)),
            ("unit_price".to_owned(), found(pages, price, price, 0.97)),
            ("amount".to_owned(), found(pages, amount, amount, 0.97)),
        ]
        .into();
        line
    });
    Draft {
        kind: Kind::PurchaseOrder,
        kind_confidence: 0.99,
        language: "en".to_owned(),
        standard: None,
        page_range: [1, 1],
        fields: fields.map(|(name, text, value, c)| (name.to_owned(), found(pages, text, value, c))).into(),
        lines: lines.into(),
        findings: Vec::new(),
        precedents: Vec::new(),
    }
}

/// The order as a one-page PDF.
fn order_pdf() -> Vec<u8> {
    let mut content = String::from("0.6 w\n");
    let mut put = |x: f32, y: f32, size: f32, text: &str| {
        writeln!(content, "BT /F1 {size} Tf {x} {y} Td ({text}) Tj ET").unwrap();
    };
    put(56.0, 780.0, 18.0, "Vastkust Marin AB");
    put(56.0, 764.0, 9.0, "Varvsgatan 12, 414 59 Goteborg, Sweden");
    put(56.0, 720.0, 15.0, "PURCHASE ORDER");
    put(330.0, 720.0, 10.0, "Order no.");
    put(420.0, 720.0, 10.0, "45-20817");
    put(330.0, 704.0, 10.0, "Date");
    put(420.0, 704.0, 10.0, "20.11.2026");
    put(330.0, 688.0, 10.0, "Delivery");
    put(420.0, 688.0, 10.0, "2026-12-04");
    put(330.0, 672.0, 10.0, "Terms");
    put(420.0, 672.0, 10.0, "30 days net");
    put(56.0, 690.0, 10.0, "To: Nordkomp Supply AB");
    put(56.0, 660.0, 10.0, "Deliver to:");
    put(56.0, 646.0, 10.0, "Slipway 3, Ringo varvsgata 4, 417 07 Goteborg");
    for (x, head) in
        [(60.0, "Item"), (140.0, "Description"), (350.0, "Qty"), (410.0, "Price"), (480.0, "Amount")]
    {
        put(x, 604.0, 9.0, head);
    }
    for (row, [sku, description, quantity, price, amount]) in (0_u8..).zip(LINES) {
        let y = 582.0 - 22.0 * f32::from(row);
        for (x, text) in
            [(60.0, sku), (140.0, description), (350.0, quantity), (410.0, price), (480.0, amount)]
        {
            put(x, y, 10.0, text);
        }
    }
    put(410.0, 480.0, 10.0, "Net");
    put(480.0, 480.0, 10.0, "596.80");
    put(410.0, 464.0, 10.0, "VAT 25 %");
    put(480.0, 464.0, 10.0, "149.20");
    put(410.0, 446.0, 12.0, "Total");
    put(480.0, 446.0, 12.0, "746.00");
    put(530.0, 446.0, 12.0, "EUR");
    for row in 0..6_u8 {
        let y = 618.0 - 22.0 * f32::from(row);
        writeln!(content, "56 {y} m 555 {y} l S").unwrap();
    }
    pdf(&content)
}

/// A one-page PDF around a content stream.
fn pdf(content: &str) -> Vec<u8> {
    let objects = [
        "<< /Type /Catalog /Pages 2 0 R >>".to_owned(),
        "<< /Type /Pages /Kids [3 0 R] /Count 1 >>".to_owned(),
        "<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Contents 4 0 R \
         /Resources << /Font << /F1 5 0 R >> >> >>"
            .to_owned(),
        format!("<< /Length {} >>\nstream\n{content}\nendstream", content.len() + 1),
        "<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica /Encoding /WinAnsiEncoding >>".to_owned(),
    ];
    let mut file = String::from("%PDF-1.4\n");
    let mut places = Vec::new();
    for (number, object) in (1..).zip(&objects) {
        places.push(file.len());
        writeln!(file, "{number} 0 obj\n{object}\nendobj").unwrap();
    }
    let start = file.len();
    writeln!(file, "xref\n0 {}\n0000000000 65535 f ", objects.len() + 1).unwrap();
    for place in places {
        writeln!(file, "{place:010} 00000 n ").unwrap();
    }
    writeln!(file, "trailer << /Size {} /Root 1 0 R >>\nstartxref\n{start}\n%%EOF", objects.len() + 1)
        .unwrap();
    file.into_bytes()
}
