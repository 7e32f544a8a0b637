//! Mail through the whole pipeline, its result as text.

use crate::support::{
    bombs::archives_in_archives,
    files::{pdf, zip},
    site::TestSite,
};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use mailroom::{
    app::App,
    config::Config,
    jobs,
    mailbox::Mailbox,
    model::{
        account::CatalogueItem,
        draft::{Content, DraftState, Kind, Proposal, Source},
        outbox::OutboxState,
    },
    pipeline::{
        self,
        decision::{self, Decided},
        edit::{self, Edited},
        lesson,
        reading::{self, Wish},
        reply::{self, Reply},
        straight_through,
    },
    reply::{SendError, template::Name},
    store::{draft::DraftRow, lesson::LessonState, message::MessageState},
};

fn mail(from: &str, subject: &str, more: &str, body: &str) -> String {
    format!(
        "From: {from}\nTo: orders@site.example\nSubject: {subject}\nMessage-ID: <{}@test.example>\n{more}\
         Date: Mon, 2 Nov 2026 10:00:00 +0000\nContent-Type: text/plain; charset=utf-8\n\n{body}\n",
        subject.to_lowercase().replace(|c: char| !c.is_ascii_alphanumeric(), "-"),
    )
}

/// Our own `Message-ID` in the mail that went out last.
fn last_sent_id(site: &TestSite) -> String {
    let (_, bytes) = site.outgoing.sent().pop().unwrap();
    let text = String::from_utf8(bytes).unwrap();
    let line = text.lines().find(|line| line.starts_with("Message-ID:")).unwrap();
    line.trim_start_matches("Message-ID:").trim().to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn archives_in_archives_are_opened_so_many_levels_deep() {
    let site = TestSite::open().await;
    let more = "MIME-Version: 1.0\nContent-Type: multipart/mixed; boundary=b\n";
    let body = format!(
        "--b\nContent-Type: application/zip; name=a.zip\nContent-Transfer-Encoding: base64\n\n{}\n--b--",
        STANDARD.encode(archives_in_archives(10))
    );
    let raw = mail("Ann Lee <ann@buyer.example>", "Archives", more, &body);
    site.deliver(&raw.replace("Content-Type: text/plain; charset=utf-8\n", ""));
    let state = site.settle().await;
    let levels = site.app.config.limits.archive_depth as usize;
    assert_eq!(state.matches("  file ").count(), levels + 1, "{state}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_person_gets_a_ticket_and_one_acknowledgement() {
    let site = TestSite::open().await;
    site.deliver(&mail(
        "Ann Lee <ann@buyer.example>",
        "Where is my order",
        "",
        "Hello, where is order 4711?",
    ));
    let state = site.settle().await;
    assert_eq!(
        state,
        "processed \"Where is my order\" person -> MR-1001 open (new ticket)\n  seen as INBOX 1: processed\noutbox \
         sent 1\n"
    );
    let sent = site.outgoing.sent();
    let text = String::from_utf8(sent[0].1.clone()).unwrap();
    assert!(text.contains("[MR-1001]") && text.contains("Auto-Submitted: auto-replied"), "{text}");
    assert!(text.contains("In-Reply-To: <where-is-my-order@test.example>"), "{text}");
    assert_eq!((sent[0].0.sender.as_deref(), sent[0].0.recipient.as_str()), (None, "ann@buyer.example"));
    // Nothing changes when everything runs again.
    assert_eq!(site.settle().await, state);
    assert_eq!(site.outgoing.sent().len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reply_to_our_mail_joins_its_ticket_and_a_stranger_does_not() {
    let site = TestSite::open().await;
    site.deliver(&mail("ann@buyer.example", "Where is my order", "", "Hello?"));
    site.settle().await;
    let ours = last_sent_id(&site);
    let reply = format!("In-Reply-To: {ours}\nReferences: {ours}\n");
    site.deliver(&mail("ann@buyer.example", "Re: Where is my order", &reply, "I wait."));
    site.deliver(&mail("bob@buyer.example", "AW: Where is my order", &reply, "So do I."));
    site.deliver(&mail("eve@stranger.example", "Fwd: Where is my order", &reply, "Let me in."));
    site.deliver(&mail("eve@stranger.example", "About [MR-1001]", "", "And now?"));
    let state = site.settle().await;
    let lines: Vec<&str> = state.lines().filter(|line| line.starts_with("processed")).collect();
    assert!(lines[1].contains("-> MR-1001 open (own message id"), "{state}");
    assert!(lines[2].contains("-> MR-1001 open (own message id"), "a colleague: {state}");
    for stranger in &lines[3..5] {
        assert!(!stranger.contains("-> MR-1001") && stranger.contains("perhaps MR-1001"), "{state}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn whom_we_wrote_to_may_answer_and_their_colleagues_may_not() {
    let site = TestSite::open().await;
    site.deliver(&mail("ann@buyer.example", "Where is my order", "", "Hello?"));
    site.settle().await;
    let ticket = site.app.store.read().await.unwrap().find_ticket_by_number(1001).await.unwrap().unwrap();
    let copy = |letter, to: &str| Reply {
        to: reply::addresses("ann@buyer.example").unwrap().pop(),
        copies: reply::addresses(to).unwrap(),
        letter,
        text: "See below.".to_owned(),
        whole: false,
        files: Vec::new(),
        uploads: Vec::new(),
        then: None,
        seen: None,
    };
    for (letter, to) in [(Name::Answer, "carrier@freight.example"), (Name::Forward, "eve@stranger.example")] {
        reply::send(&site.app, &ticket, copy(letter, to), None, "sam").await.unwrap();
    }
    for from in ["carrier@freight.example", "boss@freight.example", "eve@stranger.example"] {
        site.deliver(&mail(from, "Re: Where is my order [MR-1001]", "", &format!("I am {from}.")));
    }
    let state = site.settle().await;
    let lines: Vec<&str> = state.lines().filter(|line| line.starts_with("processed")).collect();
    assert!(lines[1].contains("-> MR-1001 open (subject token"), "{state}");
    for stranger in &lines[2..4] {
        assert!(!stranger.contains("-> MR-1001") && stranger.contains("perhaps MR-1001"), "{state}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn machine_mail_is_kept_and_gets_no_answer() {
    let site = TestSite::open().await;
    site.deliver(&mail("ann@buyer.example", "Out of office", "Auto-Submitted: auto-replied\n", "I am away."));
    site.deliver(&mail("news@list.example", "News", "List-Unsubscribe: <mailto:x@list.example>\n", "Buy."));
    site.deliver(&mail("orders@site.example", "From ourselves", "", "Echo."));
    let state = site.settle().await;
    assert_eq!(state.matches("processed \"").count(), 3, "{state}");
    assert_eq!(state.matches("muted by").count(), 3, "{state}");
    assert!(!state.contains("outbox"), "{state}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_bytes_are_one_message_and_the_same_id_is_not() {
    let site = TestSite::open().await;
    let first = mail("ann@buyer.example", "Order", "", "Please send 4.");
    site.deliver(&first);
    site.deliver(&first);
    site.deliver(&first.replace("send 4", "send 5"));
    let state = site.settle().await;
    assert_eq!(state.matches("processed \"Order\"").count(), 2, "{state}");
    assert!(state.contains("seen as INBOX 2: duplicate"), "{state}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cut_connection_loses_nothing_at_any_call() {
    for call in 1..40 {
        let site = TestSite::open().await;
        for number in 0..3 {
            site.deliver(&mail("ann@buyer.example", &format!("Order {number}"), "", "4 bolts"));
        }
        site.mailbox.fail_at(call);
        let mut mailbox = Mailbox::Memory(site.mailbox.clone());
        let first = jobs::intake::take(
            &site.app,
            &site.mailbox_config,
            &mut mailbox,
            jobs::intake::Manner::default(),
            |_| {},
        )
        .await;
        if first.is_ok() {
            assert!(call > 5, "each pass makes several calls");
            return;
        }
        let state = site.settle().await;
        assert_eq!(state.matches("processed \"Order").count(), 3, "call {call}: {state}");
        assert_eq!(site.outgoing.sent().len(), 3, "call {call}");
    }
    panic!("taking in three messages takes fewer calls than that");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_that_the_server_refuses_costs_itself() {
    let site = TestSite::open().await;
    for number in 1..=5 {
        site.deliver(&mail("ann@buyer.example", &format!("Order {number}"), "", "4 bolts"));
    }
    site.mailbox.refuse("INBOX", 2, true);
    site.mailbox.refuse("INBOX", 4, true);
    let state = site.settle().await;
    assert_eq!(state.matches("processed \"Order").count(), 3, "the others are not held up: {state}");
    site.mailbox.refuse("INBOX", 4, false);
    let state = site.settle().await;
    assert!(state.contains("seen as INBOX 4: processed"), "it is asked for again: {state}");
    for _ in 0..4 {
        site.settle().await;
    }
    let state = site.settle().await;
    assert!(state.contains("not_fetched") && state.contains("could not be fetched in 4 tries"), "{state}");
    assert_eq!(state.matches("processed \"Order").count(), 4, "{state}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_conversation_taken_in_at_once_becomes_one_ticket() {
    let site = TestSite::open().await;
    let mut answers = String::new();
    for number in 1..=12 {
        let from = if number % 2 == 0 { "ann@buyer.example" } else { "Bob <bob@buyer.example>" };
        site.deliver(&mail(from, &format!("Turn {number}"), &answers, "And so on."));
        answers = format!("In-Reply-To: <turn-{number}@test.example>\n");
    }
    let state = site.settle().await;
    assert_eq!(state.matches("-> MR-1001").count(), 12, "{state}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_used_message_id_and_a_forged_sender_are_told_to_people() {
    let site = TestSite::open().await;
    let first = mail("ann@buyer.example", "Order", "", "Please send 4.");
    site.deliver(&first);
    site.deliver(&first.replace("send 4", "send 5"));
    site.deliver(&mail(
        "ann@buyer.example",
        "New bank details",
        "Authentication-Results: mx.site.example; dmarc=fail header.from=buyer.example\n",
        "Please pay to another account from now on.",
    ));
    site.settle().await;
    let mut db = site.app.store.read().await.unwrap();
    let mut codes = Vec::new();
    for row in db.list_messages(None, 10).await.unwrap() {
        let parsed = db.find_parsed(&row.id).await.unwrap().unwrap();
        codes.push(parsed.findings.into_iter().map(|finding| finding.code).collect::<Vec<_>>());
    }
    assert_eq!(
        codes,
        [vec![], vec!["message_id_used_before".to_owned()], vec!["sender_not_authenticated".to_owned()]]
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_mail_in_doubt_is_not_sent_again_by_itself() {
    let site = TestSite::open().await;
    site.outgoing.fail_next(SendError::InDoubt { text: "no answer".to_owned() });
    site.deliver(&mail("ann@buyer.example", "Hello", "", "Anybody there?"));
    let state = site.settle().await;
    assert!(state.contains("outbox in_doubt 1"), "{state}");
    assert_eq!(site.settle().await, state);
    assert_eq!(site.outgoing.sent().len(), 1);
    let rows =
        site.app.store.read().await.unwrap().list_outbox(OutboxState::InDoubt, None, 10).await.unwrap();
    assert!(rows[0].reason.contains("may have left"), "{}", rows[0].reason);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_cannot_be_read_costs_itself() {
    let site = TestSite::open().await;
    let broken = "From: ann@buyer.example\nTo: orders@site.example\nSubject: Broken\nMIME-Version: 1.0\n\
        Content-Type: multipart/mixed; boundary=b\n\n--b\nContent-Type: text/plain\n\nSee file.\n--b\n\
        Content-Type: application/pdf; name=\"order.pdf\"\nContent-Disposition: attachment; filename=\"order.pdf\"\n\n\
        %PDF-1.7 but nothing else\n--b--\n";
    site.deliver(broken);
    let state = site.settle().await;
    assert!(state.contains("processed \"Broken\"") && state.contains("file \"order.pdf\""), "{state}");
    assert_eq!(site.count(MessageState::Quarantined).await, 0);
    assert_eq!(site.outgoing.sent().len(), 1);
}

/// A mail with one file.
fn mail_with_file(from: &str, subject: &str, name: &str, bytes: &[u8]) -> String {
    format!(
        "From: {from}\nTo: orders@site.example\nSubject: {subject}\nMessage-ID: <{}@test.example>\n\
         Date: Mon, 2 Nov 2026 10:00:00 +0000\nMIME-Version: 1.0\nContent-Type: multipart/mixed; boundary=b\n\n\
         --b\nContent-Type: text/plain\n\nPlease see the attached file.\n\
         --b\nContent-Type: application/octet-stream; name=\"{name}\"\n\
         Content-Disposition: attachment; filename=\"{name}\"\nContent-Transfer-Encoding: base64\n\n{}\n--b--\n",
        subject.to_lowercase().replace(' ', "-"),
        STANDARD.encode(bytes),
    )
}

/// An order that opens with the password `harbour-42`.
const LOCKED: &[u8] = include_bytes!("../../fixtures/documents/locked.pdf");

#[tokio::test(flavor = "multi_thread")]
async fn a_locked_document_opens_with_its_password_and_the_next_of_its_sender_by_itself() {
    let site = TestSite::open().await;
    let order = "draft purchase_order proposed \"PO-77120\" 2 lines";
    site.deliver(&mail_with_file("ann@buyer.example", "First", "order.pdf", LOCKED));
    let state = site.settle().await;
    assert!(state.contains("file \"order.pdf\" read") && !state.contains("draft"), "{state}");
    let mut db = site.app.store.read().await.unwrap();
    let message = db.list_messages(None, 1).await.unwrap().remove(0).id;
    let document = db.list_documents(&message).await.unwrap().remove(0);
    assert_eq!(document.document.findings[0].code, "password_needed");
    drop(db);
    let wish = |password: &str| Wish { password: password.to_owned(), for_sender: true, ..Wish::default() };
    reading::read_again(&site.app, &document.id, &wish("wrong"), "ann").await.unwrap();
    let state = site.settle().await;
    assert!(!state.contains("draft"), "{state}");
    let document = site.app.store.read().await.unwrap().list_documents(&message).await.unwrap().remove(0);
    reading::read_again(&site.app, &document.id, &wish("harbour-42"), "ann").await.unwrap();
    let state = site.settle().await;
    assert_eq!(state.matches(order).count(), 1, "{state}");
    // other bytes from the same sender, and the same bytes from somebody else
    let other = [LOCKED, b"% once more\n"].concat();
    site.deliver(&mail_with_file("ann@buyer.example", "Second", "order.pdf", &other));
    let more = [LOCKED, b"% again\n"].concat();
    site.deliver(&mail_with_file("eve@stranger.example", "Third", "order.pdf", &more));
    let state = site.settle().await;
    assert_eq!(state.matches(order).count(), 2, "a stranger's document stays locked: {state}");
}

/// One line of cloths under a title.
fn cloth_order(title: &str) -> Vec<u8> {
    pdf(&[&[
        (50, 60, 16, title),
        (50, 90, 10, "Order number: PO-8811"),
        (50, 105, 10, "Order date: 2026-11-02"),
        (50, 150, 10, "Item"),
        (150, 150, 10, "Description"),
        (350, 150, 10, "Quantity"),
        (50, 170, 10, "SX-1001"),
        (150, 170, 10, "Cleaning cloth"),
        (350, 170, 10, "40"),
    ]])
}

#[tokio::test(flavor = "multi_thread")]
async fn files_in_an_archive_stay_when_it_comes_again() {
    let site = TestSite::open().await;
    let order = cloth_order("PURCHASE ORDER");
    let archive = zip(&[("order.pdf", &order)]);
    site.deliver(&mail_with_file("ann@buyer.example", "First", "order.zip", &archive));
    let first = site.settle().await;
    assert!(first.contains("file \"order.pdf\" read") && first.contains("draft purchase_order"), "{first}");
    let message = site.app.store.read().await.unwrap().list_messages(None, 1).await.unwrap().remove(0).id;
    let ids = async || {
        let documents = site.app.store.read().await.unwrap().list_documents(&message).await.unwrap();
        documents.into_iter().map(|document| document.id).collect::<Vec<_>>()
    };
    let before = ids().await;
    pipeline::reprocess(&site.app, &message, "ann").await.unwrap();
    assert_eq!(site.settle().await, first, "processed again");
    assert_eq!(ids().await, before, "links to the files hold");
    site.deliver(&mail_with_file("ann@buyer.example", "Second", "order.zip", &archive));
    let state = site.settle().await;
    assert_eq!(state.matches("file \"order.pdf\" read").count(), 2, "sent again: {state}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_test_order_is_shown_and_never_approved() {
    let site = TestSite::open().await;
    let order = include_bytes!("../../fixtures/orders/x12-850.edi");
    site.deliver(&mail_with_file("edi@buyer.example", "Order", "order.edi", order));
    let state = site.settle().await;
    assert!(state.contains("draft purchase_order proposed \"P-88001\""), "{state}");
    let mut db = site.app.store.read().await.unwrap();
    let draft = db.list_drafts_by_state(DraftState::Proposed, None, 1).await.unwrap().remove(0);
    drop(db);
    let edited = Edited::untouched(draft.id.clone(), draft.revision, draft.content.clone());
    assert_eq!(decision::approve(&site.app, edited, &[], "ann").await.unwrap(), Decided::Test);
    assert_eq!(site.settle().await, state, "nothing was written");
}

/// An order of a house that words everything its own way.
fn odd_order(reference: &str, day: &str, sku: &str, count: &str) -> Vec<u8> {
    pdf(&[&[
        (50, 40, 9, "Northgate Fittings Works, Canal Wharf"),
        (50, 70, 16, "PURCHASE ORDER"),
        (50, 100, 10, "Our file mark"),
        (220, 100, 10, reference),
        (50, 115, 10, "To be had by"),
        (220, 115, 10, day),
        (50, 130, 10, "Signed off in stores"),
        (220, 130, 10, "Kim Archer"),
        (50, 170, 10, "Item"),
        (150, 170, 10, "Description"),
        (350, 170, 10, "Quantity"),
        (50, 190, 10, sku),
        (150, 190, 10, "Cleaning cloth"),
        (350, 190, 10, count),
        (50, 240, 10, "Kindly leave everything at the porter's lodge behind the yard."),
    ]])
}

/// Approves a draft, and accepts its problems when it is asked about them.
async fn approve(app: &App, edited: &Edited) {
    let mut accepted: Vec<String> = Vec::new();
    loop {
        match decision::approve(app, edited.clone(), &accepted, "ann").await.unwrap() {
            Decided::Done(_) => return,
            Decided::Unsettled(found) if accepted.is_empty() => {
                accepted = found.iter().map(edit::key).collect();
            }
            other => panic!("{other:?}"),
        }
    }
}

/// The newest draft that waits, with these fields typed over by a person, approved.
async fn approve_with(site: &TestSite, typed: &[(&str, &str)]) -> DraftRow {
    let mut db = site.app.store.read().await.unwrap();
    let row = db.list_drafts_by_state(DraftState::Proposed, None, 50).await.unwrap().pop().unwrap();
    drop(db);
    let mut content = row.content.clone();
    for (name, value) in typed {
        let proposal = Proposal {
            value: Content::Text((*value).to_owned()),
            confidence: 1.0,
            source: Source::Person("ann".to_owned()),
            printed: None,
        };
        content.fields.insert((*name).to_owned(), proposal);
    }
    let changed = typed.iter().map(|(name, _)| (*name).to_owned()).collect();
    let edited = Edited { changed, ..Edited::untouched(row.id.clone(), row.revision, content) };
    approve(&site.app, &edited).await;
    row
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_person_corrects_is_read_right_the_next_time() {
    let site = TestSite::open().await;
    let deliver = |from: &str, subject: &str, order: &[u8]| {
        site.deliver(&mail_with_file(from, subject, "order.pdf", order));
    };
    deliver("ann@buyer.example", "First", &odd_order("NF/7781", "14 September 2026", "SX-1001", "40"));
    site.settle().await;
    let first = approve_with(&site, &[("po_number", "NF/7781"), ("requested_date", "2026-09-14")]).await;
    assert_ne!(first.content.text("po_number"), Some("NF/7781"), "no rule knows this label");

    // a colleague's next order is read by it
    deliver("bob@buyer.example", "Second", &odd_order("NF/8020", "2 October 2026", "SX-2040", "3"));
    site.settle().await;
    let second = approve_with(&site, &[]).await;
    assert_eq!(second.proposed.text("po_number"), Some("NF/8020"));
    assert_eq!(second.proposed.text("requested_date"), Some("2026-10-02"));
    assert_eq!(second.proposed.precedents.len(), 1);

    // a stranger's is not
    deliver("eve@stranger.example", "Third", &odd_order("NF/8021", "3 October 2026", "SX-2041", "4"));
    site.settle().await;
    let third = approve_with(&site, &[]).await;
    assert_eq!(third.proposed.precedents, []);

    // contradicted more often than confirmed, it retires by itself
    for (number, reference) in ["NF/8030", "NF/8040"].iter().enumerate() {
        let order = odd_order(reference, "5 October 2026", "SX-2042", "5");
        deliver("ann@buyer.example", &format!("Order {number}"), &order);
        site.settle().await;
        approve_with(&site, &[("po_number", "something else")]).await;
    }
    let lessons = site.app.store.read().await.unwrap().list_lessons(None, 50).await.unwrap();
    let of_first = lessons.iter().find(|lesson| lesson.draft_id == first.id).unwrap();
    assert_eq!((of_first.confirmed, of_first.contradicted, of_first.state), (1, 2, LessonState::Retired));

    // and a person may take it up again
    assert!(lesson::set_state(&site.app, &of_first.id, LessonState::Active, "ann").await.unwrap());
    assert!(!lesson::set_state(&site.app, &of_first.id, LessonState::Active, "ann").await.unwrap());
}

/// An order in UBL, in which every value is sure.
fn sure_order(number: &str) -> String {
    format!(
        r#"<Order xmlns="urn:oasis:names:specification:ubl:schema:xsd:Order-2"
 xmlns:cac="urn:oasis:names:specification:ubl:schema:xsd:CommonAggregateComponents-2"
 xmlns:cbc="urn:oasis:names:specification:ubl:schema:xsd:CommonBasicComponents-2">
<cbc:ID>{number}</cbc:ID><cbc:IssueDate>2026-11-02</cbc:IssueDate><cbc:OrderTypeCode>220</cbc:OrderTypeCode>
<cbc:DocumentCurrencyCode>EUR</cbc:DocumentCurrencyCode>
<cac:BuyerCustomerParty><cac:Party><cac:PartyName><cbc:Name>Buyer Ltd</cbc:Name></cac:PartyName></cac:Party></cac:BuyerCustomerParty>
<cac:SellerSupplierParty><cac:Party><cac:PartyName><cbc:Name>Site Supplies Ltd</cbc:Name></cac:PartyName></cac:Party></cac:SellerSupplierParty>
<cac:AnticipatedMonetaryTotal><cbc:LineExtensionAmount currencyID="EUR">24.00</cbc:LineExtensionAmount><cbc:PayableAmount currencyID="EUR">24.00</cbc:PayableAmount></cac:AnticipatedMonetaryTotal>
<cac:OrderLine><cac:LineItem><cbc:ID>1</cbc:ID><cbc:Quantity unitCode="C62">12</cbc:Quantity>
<cbc:LineExtensionAmount currencyID="EUR">24.00</cbc:LineExtensionAmount>
<cac:Price><cbc:PriceAmount currencyID="EUR">2.00</cbc:PriceAmount></cac:Price>
<cac:Item><cbc:Name>Hex bolt M8</cbc:Name><cac:SellersItemIdentification><cbc:ID>FP-1001</cbc:ID></cac:SellersItemIdentification></cac:Item>
</cac:LineItem></cac:OrderLine></Order>"#
    )
}

#[tokio::test(flavor = "multi_thread")]
async fn a_draft_passes_without_a_person_only_where_the_site_wants_it_and_nothing_speaks_against_it() {
    let wanting = |enabled: bool, audit_share: f64| {
        move |config: &mut Config| {
            config.straight_through.enabled = enabled;
            config.straight_through.audit_share = audit_share;
        }
    };
    for (enabled, audit_share, from, state) in [
        (true, 0.0, "ann@buyer.example", "approved"),
        (false, 0.0, "ann@buyer.example", "proposed"),
        (true, 1.0, "ann@buyer.example", "proposed"),
    ] {
        let site = TestSite::open_with(wanting(enabled, audit_share)).await;
        let order = sure_order("PO-5501");
        site.deliver(&mail_with_file(from, "Order", "order.xml", order.as_bytes()));
        let settled = site.settle().await;
        let wanted = format!("draft purchase_order {state} \"PO-5501\" 1 lines");
        assert!(settled.contains(&wanted), "{enabled} {audit_share} {from}: {settled}");
        // an acknowledgement, and a confirmation of what was approved; nothing twice
        let mails = site.outgoing.sent().len();
        assert_eq!(site.settle().await, settled);
        assert_eq!(site.outgoing.sent().len(), mails);
        // the same number again is a finding, and waits for a person
        site.deliver(&mail_with_file(from, "Again", "order.xml", format!("{order}\n").as_bytes()));
        let again = site.settle().await;
        assert!(again.contains("draft purchase_order proposed"), "{again}");
        let report = straight_through::report(&site.app, 0).await.unwrap();
        assert_eq!((report.decided, report.passed), if state == "approved" { (1, 1) } else { (0, 0) });
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_customer_calls_an_item_is_learnt_and_can_be_forgotten() {
    let site = TestSite::open().await;
    // another customer calls it so, too: that teaches nothing about this one
    let customer_skus = [("4711".to_owned(), "BOLT-8".to_owned())].into();
    let item = CatalogueItem { sku: "FP-1001".to_owned(), customer_skus, ..CatalogueItem::default() };
    let mut tx = site.app.store.begin().await.unwrap();
    tx.replace_catalogue(&[item], 1).await.unwrap();
    tx.commit().await.unwrap();
    let finds_unknown = async || {
        let mut db = site.app.store.read().await.unwrap();
        let row = db.list_drafts_by_state(DraftState::Proposed, None, 50).await.unwrap().pop().unwrap();
        row.content.findings.iter().any(|finding| finding.code == "unknown_sku")
    };
    let deliver = |number: &str| {
        let order = sure_order(number).replace("FP-1001", "BOLT-8");
        site.deliver(&mail_with_file("ann@buyer.example", number, "order.xml", order.as_bytes()));
    };
    deliver("PO-1");
    site.settle().await;
    assert!(finds_unknown().await);
    let mut db = site.app.store.read().await.unwrap();
    let row = db.list_drafts_by_state(DraftState::Proposed, None, 50).await.unwrap().pop().unwrap();
    drop(db);
    let mut content = row.content.clone();
    content.lines[0].get_mut("sku").unwrap().value = Content::Text("FP-1001".to_owned());
    let changed = vec!["lines.0.sku".to_owned()];
    approve(&site.app, &Edited { changed, ..Edited::untouched(row.id, row.revision, content) }).await;

    deliver("PO-2");
    site.settle().await;
    assert!(!finds_unknown().await, "ann said what it is");
    let learnt = site.app.store.read().await.unwrap().list_item_references(9).await.unwrap().remove(0);
    assert_eq!((&*learnt.reference.customer_sku, &*learnt.reference.sku), ("BOLT-8", "FP-1001"));
    assert!(lesson::forget_reference(&site.app, &learnt.id, "ann").await.unwrap());
    deliver("PO-3");
    site.settle().await;
    assert!(finds_unknown().await);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_order_is_held_while_its_cancellation_waits() {
    let site = TestSite::open().await;
    let waiting = async || {
        let mut db = site.app.store.read().await.unwrap();
        db.list_drafts_by_state(DraftState::Proposed, None, 50).await.unwrap()
    };
    let held = async |row: &DraftRow| {
        let today = edit::checked_today(&site.app, row).await.unwrap();
        today.findings.iter().any(|finding| finding.code == "order_cancelled")
    };
    let named = |rows: Vec<DraftRow>, kind| rows.into_iter().find(|row| row.content.kind == kind).unwrap();
    site.deliver(&mail_with_file("ann@buyer.example", "First", "order.pdf", &cloth_order("PURCHASE ORDER")));
    site.settle().await;
    let row = named(waiting().await, Kind::PurchaseOrder);
    assert!(!held(&row).await);
    let cancelled = cloth_order("PURCHASE ORDER CANCELLATION");
    site.deliver(&mail_with_file("ann@buyer.example", "Second", "order.pdf", &cancelled));
    site.settle().await;
    assert!(held(&row).await);
    let edited = Edited::untouched(row.id.clone(), row.revision, row.content.clone());
    match decision::approve(&site.app, edited, &[], "ann").await.unwrap() {
        Decided::Unsettled(found) => assert!(found.iter().any(|f| f.code == "order_cancelled"), "{found:?}"),
        other => panic!("{other:?}"),
    }
    let other = named(waiting().await, Kind::PurchaseOrderCancellation);
    assert_eq!(other.due_on, row.due_on, "both are seen together");
    assert!(other.content.findings.iter().any(|finding| finding.code == "cancels_order"));
    let edited = Edited::untouched(other.id.clone(), other.revision, other.content.clone());
    decision::reject(&site.app, edited, "It was not meant.", false, "ann").await.unwrap();
    assert!(!held(&row).await);
}
