//! What people do with tickets beside answering them: each change from its form to the database, with its line in the log.

use crate::support::{
    desk::Desk,
    visitor::{Answer, Visitor},
};
use axum::http::{StatusCode, header};
use mailroom::{
    clock,
    model::ticket::{Priority, Queue, Ticket, TicketState},
    pipeline::conversation,
};

async fn ticket(desk: &Desk, number: i64) -> Ticket {
    desk.app.store.read().await.unwrap().find_ticket_by_number(number).await.unwrap().unwrap()
}

/// Sends a form that must be taken, and follows where it leads.
async fn done(visitor: &Visitor, path: &str, fields: &[(&str, &str)]) -> String {
    let answer = visitor.post(path, fields).await;
    assert_eq!(answer.status(), StatusCode::SEE_OTHER, "{path} {fields:?}");
    let place = answer.header(header::LOCATION).to_owned();
    assert_eq!(visitor.get(&place).await.status(), StatusCode::OK, "{place}");
    place
}

async fn actions(desk: &Desk, ticket: &Ticket) -> Vec<String> {
    let rows =
        desk.app.store.read().await.unwrap().list_audit_of("ticket", ticket.id.as_str(), 50).await.unwrap();
    rows.into_iter().rev().map(|row| row.entry.action).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn one_ticket_is_assigned_moved_tagged_and_rests() {
    let desk = Desk::open().await;
    let sam = Visitor::sign_in(&desk, "sam").await;
    let path = format!("/tickets/{}/change", desk.ticket);
    for fields in [
        &[("do", "assign"), ("assign", "ann")][..],
        &[("do", "take")],
        &[("do", "queue"), ("queue", "complaints")],
        &[("do", "priority"), ("priority", "high")],
        &[("do", "tag"), ("tag", " #Slipway ")],
        &[("do", "tag"), ("tag", "second")],
        &[("do", "untag"), ("untag", "second")],
        &[("do", "snooze_day"), ("snooze_day", "2099-12-01")],
    ] {
        done(&sam, &path, fields).await;
    }
    let now = ticket(&desk, desk.ticket).await;
    assert_eq!((now.assignee.as_str(), now.queue, now.priority), ("sam", Queue::Complaints, Priority::High));
    assert_eq!(now.state, TicketState::Waiting);
    assert!(now.snoozed_until_ms.is_some_and(|until| until > clock::now_ms() + 5 * clock::DAY_MS));
    let page = sam.get(&format!("/tickets/{}", desk.ticket)).await.text().await;
    assert!(page.contains("# slipway") && !page.contains("# second"), "{page}");
    let resting = sam.get("/queues/all?rests=yes").await.text().await;
    assert!(resting.contains(&format!("/tickets/{}\"", desk.ticket)), "{resting}");
    let noted = actions(&desk, &now).await;
    let wanted = [
        "assign_ticket",
        "assign_ticket",
        "move_ticket",
        "prioritise_ticket",
        "tag_ticket",
        "tag_ticket",
        "untag_ticket",
        "snooze_ticket",
    ];
    assert!(noted.ends_with(&wanted.map(str::to_owned)), "{noted:?}");

    assert_eq!(conversation::wake(&desk.app).await.unwrap(), 0, "it rests");
    let mut tx = desk.app.store.begin().await.unwrap();
    tx.update_ticket(&Ticket { snoozed_until_ms: Some(1), ..now }, clock::now_ms()).await.unwrap();
    tx.commit().await.unwrap();
    assert_eq!(conversation::wake(&desk.app).await.unwrap(), 1);
    let now = ticket(&desk, desk.ticket).await;
    assert_eq!((now.state, now.snoozed_until_ms), (TicketState::Open, None));

    for fields in [
        &[("do", "assign"), ("assign", "stranger")][..],
        &[("do", "queue"), ("queue", "nowhere")],
        &[("do", "snooze"), ("snooze", "2001-01-01")],
        &[("do", "tag"), ("tag", " ")],
        &[("do", "destroy")],
    ] {
        assert_eq!(sam.post(&path, fields).await.status(), StatusCode::UNPROCESSABLE_ENTITY, "{fields:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn many_tickets_are_changed_at_once_and_lists_are_filtered_and_kept() {
    let desk = Desk::open().await;
    let sam = Visitor::sign_in(&desk, "sam").await;
    let list = sam.get("/queues/all?state=open").await.text().await;
    let ids: Vec<&str> =
        list.split("name=\"ticket\" value=\"").skip(1).filter_map(|rest| rest.split('"').next()).collect();
    assert!(ids.len() > 1, "{list}");
    let mut fields = vec![("do", "tag"), ("tag", "bulk"), ("query", "state=open")];
    fields.extend(ids.iter().map(|id| ("ticket", *id)));
    assert!(done(&sam, "/queues/all/change", &fields).await.ends_with("state=open&done=changed_many"));
    let tagged = sam.get("/queues/all?tag=bulk").await.text().await;
    assert_eq!(tagged.matches("name=\"ticket\"").count(), ids.len());
    assert!(done(&sam, "/queues/all/change", &fields[..3]).await.ends_with("done=none_ticked"));

    done(&sam, &format!("/tickets/{}/change", desk.ticket), &[("do", "take")]).await;
    for (query, count) in [
        ("assignee=me", 1),
        ("assignee=nobody", ids.len() - 1),
        ("assignee=ann", 0),
        ("tag=other", 0),
        ("priority=low", 0),
    ] {
        let page = sam.get(&format!("/queues/all?{query}")).await.text().await;
        assert_eq!(page.matches("name=\"ticket\"").count(), count, "{query}");
    }
    let kept = done(&sam, "/queues/all/save", &[("name", "Mine"), ("query", "state=open&assignee=me")]).await;
    assert_eq!(kept, "/queues/all?state=open&assignee=me&done=view_saved");
    let page = sam.get("/queues/all").await.text().await;
    assert!(page.contains(">Mine</a>"));
    let ann = Visitor::sign_in(&desk, "ann").await;
    assert!(!ann.get("/queues/all").await.text().await.contains(">Mine</a>"), "kept for oneself");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_read_is_no_more_news_to_that_person() {
    let desk = Desk::open().await;
    let sam = Visitor::sign_in(&desk, "sam").await;
    let ann = Visitor::sign_in(&desk, "ann").await;
    let mark = "<tr class=\"unread\">";
    let count = async |visitor: &Visitor| visitor.get("/queues/all").await.text().await.matches(mark).count();
    let before = count(&sam).await;
    assert!(before > 0);
    sam.get(&format!("/tickets/{}", desk.ticket)).await;
    assert_eq!(count(&sam).await, before - 1);
    assert_eq!(count(&ann).await, before, "others have not read it");
    done(&ann, &format!("/tickets/{}/notes", desk.ticket), &[("note", "Call them, @sam.")]).await;
    assert_eq!(count(&sam).await, before, "a note is news");
    let page = sam.get(&format!("/tickets/{}", desk.ticket)).await.text().await;
    assert!(page.contains("Call them, @sam.") && page.contains("@sam </p>"), "{page}");
    let unread = sam.get("/queues/all?unread=yes").await.text().await;
    assert_eq!(unread.matches("name=\"ticket\"").count(), before - 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_is_kept_while_it_is_written_and_others_are_warned() {
    let desk = Desk::open().await;
    let sam = Visitor::sign_in(&desk, "sam").await;
    let ann = Visitor::sign_in(&desk, "ann").await;
    let path = format!("/tickets/{}", desk.ticket);
    sam.get(&path).await;
    let page = ann.get(&path).await.text().await;
    assert!(page.contains("sam is looking at this ticket."), "{page}");
    let kept = sam.post(&format!("{path}/draft"), &[("text", "Dear <Ingrid>,")]).await;
    assert_eq!(kept.status(), StatusCode::NO_CONTENT);
    assert!(ann.get(&path).await.text().await.contains("sam is writing an answer."));
    assert!(sam.get(&path).await.text().await.contains("Dear &lt;Ingrid&gt;,</textarea>"));
    assert!(!ann.get(&path).await.text().await.contains("Dear &lt;Ingrid"), "a draft is its writer's own");
    done(&sam, &format!("{path}/answer"), &[("text", "Dear Ingrid"), ("then", "waiting")]).await;
    assert!(
        sam.get(&path).await.text().await.contains("draft\"></textarea>"),
        "sent: nothing is left to keep"
    );

    let events = ann.get(&format!("/live?ticket={}", desk.ticket)).await;
    assert_eq!(events.header(header::CONTENT_TYPE), "text/event-stream");
    assert_eq!(ann.get("/live?ticket=99").await.status(), StatusCode::NOT_FOUND);
}

#[tokio::test(flavor = "multi_thread")]
async fn tickets_are_split_merged_and_linked() {
    let desk = Desk::open().await;
    let sam = Visitor::sign_in(&desk, "sam").await;
    let order = format!("/tickets/{}", desk.ticket);
    // Not right: the order's message gets a ticket of its own, and its draft goes with it.
    let place = done(&sam, &format!("/messages/{}/move", desk.message), &[("other", "")]).await;
    let own: i64 = place.split(['/', '?']).nth(2).unwrap().parse().unwrap();
    assert_ne!(own, desk.ticket);
    let moved = ticket(&desk, own).await;
    let mut db = desk.app.store.read().await.unwrap();
    assert_eq!(db.list_drafts_of_ticket(&moved.id).await.unwrap().len(), 1);
    assert!(!db.list_participants(&moved.id).await.unwrap().is_empty(), "its sender may go on there");
    drop(db);
    assert!(actions(&desk, &moved).await.contains(&"move_message".to_owned()));

    done(&sam, &format!("/tickets/{own}/notes"), &[("note", "see the other one")]).await;
    // linked, parted, and linked again
    let (join, other) = (format!("/tickets/{own}/join"), desk.ticket.to_string());
    done(&sam, &join, &[("do", "link"), ("other", &other)]).await;
    done(&sam, &join, &[("do", "unlink"), ("other", &other)]).await;
    let parted = [("do", "unlink"), ("other", other.as_str())];
    assert_eq!(sam.post(&join, &parted).await.status(), StatusCode::UNPROCESSABLE_ENTITY);
    done(&sam, &join, &[("do", "link"), ("other", &format!("MR-{}", desk.ticket))]).await;
    assert!(sam.get(&order).await.text().await.contains(&format!("MR-{own}")));
    let place =
        done(&sam, &format!("/tickets/{own}/join"), &[("do", "merge"), ("other", &desk.ticket.to_string())])
            .await;
    assert_eq!(place, format!("{order}?done=merged"));
    let merged = ticket(&desk, own).await;
    assert_eq!(merged.state, TicketState::Closed);
    assert_eq!(merged.merged_into, Some(ticket(&desk, desk.ticket).await.id));
    let answer = sam.get(&format!("/tickets/{own}")).await;
    assert_eq!(answer.header(header::LOCATION), order, "its number leads to where it went");
    let page = sam.get(&order).await.text().await;
    assert!(page.contains("see the other one"), "notes go along");

    for (path, fields) in [
        (format!("{order}/join"), [("do", "merge"), ("other", "99")]),
        (format!("{order}/join"), [("do", "merge"), ("other", &desk.ticket.to_string())]),
        (format!("{order}/join"), [("do", "link"), ("other", "nonsense")]),
        (format!("/messages/{}/move", desk.message), [("do", ""), ("other", "99")]),
    ] {
        assert_eq!(
            sam.post(&path, &fields).await.status(),
            StatusCode::UNPROCESSABLE_ENTITY,
            "{path} {fields:?}"
        );
    }
}

/// The value of the first field of that name on a page.
fn value<'a>(page: &'a str, name: &str) -> &'a str {
    let (_, rest) = page.split_once(&format!("name=\"{name}\" value=\"")).expect("the page has the field");
    rest.split('"').next().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_is_forwarded_with_its_text_and_files_and_lets_nobody_in() {
    let desk = Desk::open().await;
    let sam = Visitor::sign_in(&desk, "sam").await;
    let before = ticket(&desk, desk.ticket).await;
    let page = sam.get(&format!("/tickets/{}?reply=forward", desk.ticket)).await.text().await;
    for file in [desk.message.to_string(), format!("{}&#x2f;0", desk.message)] {
        assert!(page.contains(&format!("name=\"file\" value=\"{file}\" checked")), "{file}: {page}");
    }
    assert!(page.contains("Forwarded message ---") && !page.contains("Dear "), "{page}");
    let (id, typed) = (desk.message.to_string(), "Can you carry this?\r\n\r\n--- Forwarded ---\r\nHello");
    let fields = [
        ("to", "carrier@freight.example"),
        ("letter", value(&page, "letter")),
        ("whole", value(&page, "whole")),
        ("text", typed),
        ("file", &id),
        ("then", "as_is"),
    ];
    done(&sam, &format!("/tickets/{}/answer", desk.ticket), &fields).await;
    let now = ticket(&desk, desk.ticket).await;
    assert_eq!(now.state, before.state);
    let mut db = desk.app.store.read().await.unwrap();
    let mail = db.list_outbox_of_ticket(&now.id, 50).await.unwrap().pop().unwrap();
    let taking_part = db.list_participants(&now.id).await.unwrap();
    drop(db);
    assert!(mail.subject.starts_with("Fwd: "), "{}", mail.subject);
    assert!(!taking_part.contains(&"carrier@freight.example".to_owned()), "{taking_part:?}");
    let sent = mailroom::message::parse(&desk.app.blob.get(&mail.sha256).await.unwrap());
    assert_eq!(sent.text.trim(), typed.replace("\r\n", "\n"));
    assert!(sent.in_reply_to.is_empty() && sent.attachments.len() == 1);
    assert!(actions(&desk, &now).await.contains(&"forward_message".to_owned()));
    let page = sam.get(&format!("/tickets/{}", desk.ticket)).await.text().await;
    assert!(page.contains("message.eml <span"), "what went along is shown: {page}");
}

#[tokio::test(flavor = "multi_thread")]
async fn of_two_who_answer_the_second_is_told_what_the_first_said() {
    let desk = Desk::open().await;
    let (sam, ann) = (Visitor::sign_in(&desk, "sam").await, Visitor::sign_in(&desk, "ann").await);
    let path = format!("/tickets/{}/answer", desk.ticket);
    let place = format!("/tickets/{}", desk.ticket);
    let (first, second) = (sam.get(&place).await.text().await, ann.get(&place).await.text().await);
    done(&sam, &path, &[("seen", value(&first, "seen")), ("text", "It leaves on Monday.")]).await;
    let fields = [("seen", value(&second, "seen")), ("text", "Never, I fear.")];
    let refused = ann.post(&path, &fields).await;
    assert_eq!(refused.status(), StatusCode::CONFLICT);
    let page = refused.text().await;
    assert!(page.contains("went on while you wrote") && page.contains("It leaves on Monday."), "{page}");
    assert!(page.contains(">Never, I fear.</textarea>"), "{page}");
    done(&ann, &path, &[("seen", value(&page, "seen")), ("text", "Never, I fear.")]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn answers_go_to_all_with_files_of_the_ticket() {
    let desk = Desk::open().await;
    let sam = Visitor::sign_in(&desk, "sam").await;
    let path = format!("/tickets/{}/answer", desk.ticket);
    let id = desk.message.to_string();
    let (file, text) = (format!("{id}/0"), "Can you carry this?\r\nIt is urgent.");
    let to = "carrier@freight.example; second@freight.example";
    let fields =
        [("to", to), ("cc", "boss@vastkustmarin.example"), ("text", text), ("file", &file), ("file", &id)];
    done(&sam, &path, &fields).await;
    let now = ticket(&desk, desk.ticket).await;
    let mut db = desk.app.store.read().await.unwrap();
    let mail = db.list_outbox_of_ticket(&now.id, 50).await.unwrap().pop().unwrap();
    assert_eq!(mail.recipient, "carrier@freight.example");
    assert_eq!(mail.copies, ["second@freight.example", "boss@vastkustmarin.example"]);
    let invited = db.list_participants_by(&now.id, true).await.unwrap();
    assert!(invited.contains(&"carrier@freight.example".to_owned()), "what they answer finds the way");
    drop(db);
    let sent = mailroom::message::parse(&desk.app.blob.get(&mail.sha256).await.unwrap());
    let names: Vec<&str> = sent.attachments.iter().map(|a| a.name.as_str()).collect();
    assert_eq!(names, ["PO 45-20817.pdf", "message.eml"]);
    assert!(sent.text.contains("Can you carry this?\nIt is urgent."));

    // what cannot leave comes back with all that was typed
    for (fields, problem) in [
        (
            [("to", "nobody"), ("cc", "a@b.example"), ("text", "Kept <1>"), ("file", "")],
            "is not a mail address",
        ),
        ([("to", ""), ("cc", ""), ("text", ""), ("file", &file)], "There is no text"),
        ([("to", ""), ("cc", ""), ("text", "x"), ("file", "elsewhere/0")], "The files cannot go along"),
        ([("to", ""), ("cc", ""), ("text", "x"), ("file", &format!("{id}/99"))], "The files cannot go along"),
    ] {
        let refused = sam.post(&path, &fields).await;
        assert_eq!(refused.status(), StatusCode::UNPROCESSABLE_ENTITY, "{fields:?}");
        let page = refused.text().await;
        assert!(page.contains(problem), "{problem}: {page}");
        assert!(page.contains(&format!("name=\"to\" value=\"{}\"", fields[0].1)), "{page}");
        assert!(page.contains(&format!("name=\"cc\" value=\"{}\"", fields[1].1)), "{page}");
        assert!(
            page.contains(&format!(">{}</textarea>", fields[2].1.replace('<', "&lt;").replace('>', "&gt;"))),
            "{page}"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn addresses_that_name_nothing_are_told_in_the_language_of_the_reader() {
    let desk = Desk::open().await;
    let sam = Visitor::sign_in(&desk, "sam").await;
    for path in ["/tickets/abc", "/drafts/%FF", "/queues/all?state=open&state=closed", "/search?page=abc"] {
        let answer = sam.get(path).await;
        let (status, kind) = (answer.status(), answer.header(header::CONTENT_TYPE).to_owned());
        let text = answer.text().await;
        assert!(kind.starts_with("text/html") && text.contains("<h1"), "{path} {status} {kind} {text}");
    }
    let answer = sam.get("/api/v1/nothing").await;
    assert!(answer.header(header::CONTENT_TYPE).starts_with("application/problem+json"));
    let place = sam.post("/queues/all/save", &[("name", "two\r\nlines"), ("query", "state=open")]).await;
    assert_eq!(place.status(), StatusCode::SEE_OTHER);
}

#[tokio::test(flavor = "multi_thread")]
async fn one_form_sends_one_answer() {
    let desk = Desk::open().await;
    let sam = Visitor::sign_in(&desk, "sam").await;
    let path = format!("/tickets/{}/answer", desk.ticket);
    let page = sam.get(&format!("/tickets/{}", desk.ticket)).await.text().await;
    let once = value(&page, "once");
    let fields = [("once", once), ("text", "It left."), ("then", "closed")];
    let (first, second) = tokio::join!(sam.post(&path, &fields), sam.post(&path, &fields));
    assert_eq!((first.status(), second.status()), (StatusCode::SEE_OTHER, StatusCode::SEE_OTHER));
    done(&sam, &path, &fields).await;
    let sent = async || {
        let found = ticket(&desk, desk.ticket).await;
        let mails = desk.app.store.read().await.unwrap().list_outbox_of_ticket(&found.id, 20).await.unwrap();
        mails.iter().filter(|mail| mail.cause.starts_with("answer:")).count()
    };
    assert_eq!(sent().await, 1);
    // other words are another answer, also from a form that was gone back to
    done(&sam, &path, &[("once", once), ("text", "It left today."), ("then", "closed")]).await;
    assert_eq!(sent().await, 2);
}

/// Sends an answer with a file as a browser does.
async fn answer_with_file(visitor: &Visitor, number: i64, fields: &[(&str, &str)], file: &[u8]) -> Answer {
    let mut body = Vec::new();
    for (name, value) in fields.iter().chain(&[("csrf", visitor.csrf.as_str())]) {
        let part = format!("--x\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n");
        body.extend_from_slice(part.as_bytes());
    }
    body.extend_from_slice(
        b"--x\r\nContent-Disposition: form-data; name=\"upload\"; filename=\"price list.pdf\"\r\n\
          Content-Type: text/html\r\n\r\n",
    );
    body.extend_from_slice(file);
    body.extend_from_slice(b"\r\n--x--\r\n");
    let request = axum::http::Request::builder()
        .method(axum::http::Method::POST)
        .uri(format!("/tickets/{number}/answer"))
        .header(header::COOKIE, &visitor.cookie)
        .header(header::HOST, &visitor.host)
        .header(header::ORIGIN, format!("http://{}", visitor.host))
        .header(header::CONTENT_TYPE, "multipart/form-data; boundary=x");
    visitor.send(request.body(axum::body::Body::from(body)).unwrap()).await
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_begins_with_a_letter_and_takes_files_along() {
    let desk = Desk::open().await;
    let sam = Visitor::sign_in(&desk, "sam").await;
    let path = format!("/tickets/{}?letter=order_status", desk.ticket);
    let page = sam.get(&path).await.text().await;
    assert!(page.contains("Dear Ingrid Holm,") && page.contains("45-20817"), "{page}");
    assert!(page.contains("Nothing is known for:"), "{page}");
    let fields = [
        ("to", "ingrid.holm@vastkustmarin.example"),
        ("letter", "order_status"),
        ("whole", "yes"),
        ("text", "Dear all,\r\n\r\nit left."),
    ];
    let too_large = vec![b'x'; 15_000_001];
    let refused = answer_with_file(&sam, desk.ticket, &fields, &too_large).await;
    assert_eq!(refused.status(), StatusCode::UNPROCESSABLE_ENTITY);
    let page = refused.text().await;
    assert!(page.contains("The files cannot go along") && page.contains("have to be chosen again"), "{page}");
    assert!(page.contains(">Dear all,\n\nit left.</textarea>") && page.contains("name=\"whole\""), "{page}");
    let answer = answer_with_file(&sam, desk.ticket, &fields, b"%PDF-1.7 prices").await;
    let place = answer.header(header::LOCATION);
    assert!(place.contains("done=answered"), "{place}");
    let found = ticket(&desk, desk.ticket).await;
    let mails = desk.app.store.read().await.unwrap().list_outbox_of_ticket(&found.id, 10).await.unwrap();
    let mail = mails.iter().find(|mail| mail.cause.starts_with("answer:")).unwrap();
    let bytes = desk.app.blob.get(&mail.sha256).await.unwrap();
    let parsed = mailroom::message::parse(&bytes);
    assert!(
        parsed.text.starts_with("Dear all,") && parsed.text.matches("Dear").count() == 1,
        "{}",
        parsed.text
    );
    let file = &parsed.attachments[0];
    assert_eq!((file.name.as_str(), &*file.bytes), ("price list.pdf", &b"%PDF-1.7 prices"[..]));
    assert_eq!(file.media_type, "application/pdf", "told by its bytes, not by who sends it");
}

#[tokio::test(flavor = "multi_thread")]
async fn pictures_from_elsewhere_wait_until_they_are_asked_for() {
    let desk = Desk::open().await;
    let sam = Visitor::sign_in(&desk, "sam").await;
    let path = format!("/messages/{}/html", desk.message);
    let plain = sam.get(&path).await;
    assert!(!plain.header(header::CONTENT_SECURITY_POLICY).contains("https:"));
    assert!(!plain.text().await.contains("tracker.example"));
    let asked = sam.get(&format!("{path}?images=true")).await;
    let policy = asked.header(header::CONTENT_SECURITY_POLICY).to_owned();
    assert!(
        policy.contains("img-src data: https:;") && policy.contains("sandbox") && !policy.contains("script"),
        "{policy}"
    );
    assert_eq!(asked.header(header::REFERRER_POLICY), "no-referrer");
    let text = asked.text().await;
    assert!(text.contains("https://tracker.example/p.gif") && !text.contains("<script"), "{text}");
    let page = sam.get(&format!("/tickets/{}", desk.ticket)).await.text().await;
    assert!(page.contains(&format!("?images={}", desk.message)), "{page}");
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_is_called_finds_where() {
    let desk = Desk::open().await;
    let sam = Visitor::sign_in(&desk, "sam").await;
    done(&sam, &format!("/tickets/{}/notes", desk.ticket), &[("note", "@ann please look at line 2")]).await;
    let ann = Visitor::sign_in(&desk, "ann").await;
    let page = ann.get("/me/mentions").await.text().await;
    assert!(
        page.contains("please look at line 2") && page.contains(&format!("MR-{}", desk.ticket)),
        "{page}"
    );
    assert!(sam.get("/me/mentions").await.text().await.contains("Nobody has called you"));
}

/// The value of a hidden input.
fn hidden(page: &str, name: &str) -> String {
    let (_, rest) = page.split_once(&format!("name=\"{name}\" value=\"")).expect("an input of that name");
    rest.split('"').next().unwrap().to_owned()
}

async fn answers(desk: &Desk) -> usize {
    let found = ticket(desk, desk.ticket).await;
    let mails = desk.app.store.read().await.unwrap().list_outbox_of_ticket(&found.id, 50).await.unwrap();
    mails.iter().filter(|mail| mail.cause.starts_with("answer:")).count()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_form_that_is_sent_twice_does_its_work_once() {
    let desk = Desk::open().await;
    let sam = Visitor::sign_in(&desk, "sam").await;
    let path = format!("/tickets/{}", desk.ticket);
    let page = sam.get(&path).await.text().await;
    let (once, note_once) = (hidden(&page, "once"), hidden(&page, "note_once"));
    let answer = format!("{path}/answer");
    let fields = [("once", once.as_str()), ("text", "It left today."), ("then", "waiting")];
    let (one, other) = tokio::join!(sam.post(&answer, &fields), sam.post(&answer, &fields));
    for posted in [one, other, sam.post(&answer, &fields).await] {
        assert_eq!(posted.status(), StatusCode::SEE_OTHER);
        assert_eq!(posted.header(header::LOCATION), format!("{path}?done=answered"));
    }
    assert_eq!(answers(&desk).await, 1);

    let notes = format!("{path}/notes");
    let fields = [("note_once", note_once.as_str()), ("note", "They called.")];
    let (one, other) = tokio::join!(sam.post(&notes, &fields), sam.post(&notes, &fields));
    assert_eq!((one.status(), other.status()), (StatusCode::SEE_OTHER, StatusCode::SEE_OTHER));
    let found = ticket(&desk, desk.ticket).await;
    assert_eq!(desk.app.store.read().await.unwrap().list_notes(&found.id).await.unwrap().len(), 1);

    // what the page still had to keep when it was left does not bring back what has gone
    let late = [("once", once.as_str()), ("text", "It left to"), ("note", "more"), ("note_once", "new")];
    sam.post(&format!("{path}/draft"), &late).await;
    let page = sam.get(&path).await.text().await;
    assert!(!page.contains("It left to</textarea>") && page.contains("more</textarea>"), "{page}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_typed_comes_back_with_the_reason() {
    let desk = Desk::open().await;
    let sam = Visitor::sign_in(&desk, "sam").await;
    let path = format!("/tickets/{}", desk.ticket);
    let file = format!("{}/0", desk.message);
    let fields = [
        ("to", "ingrid.holm@vastkustmarin.example"),
        ("cc", "nobody"),
        ("letter", "order_status"),
        ("whole", "yes"),
        ("text", "Dear <all>,\r\nit left."),
        ("file", &file),
    ];
    let refused = sam.post(&format!("{path}/answer"), &fields).await;
    assert_eq!(refused.status(), StatusCode::UNPROCESSABLE_ENTITY);
    let page = refused.text().await;
    for part in [
        "role=\"alert\"",
        "One of the recipients is not a mail address.",
        "What you typed stands below as you left it.",
        "name=\"cc\" value=\"nobody\" autocomplete=\"off\" spellcheck=\"false\" aria-invalid=\"true\"",
        "name=\"letter\" value=\"order_status\"",
        "Dear &lt;all&gt;,\nit left.</textarea>",
        &format!("name=\"file\" value=\"{}\" checked", file.replace('/', "&#x2f;")),
    ] {
        assert!(page.contains(part), "{part}: {page}");
    }
    assert!(!page.contains("have to be chosen again"), "there was no file from elsewhere");
    assert_eq!(answers(&desk).await, 0);
    // the address of the refused form leads to the ticket
    assert_eq!(sam.get(&format!("{path}/answer")).await.header(header::LOCATION), path);

    let blank = sam.post(&format!("{path}/notes"), &[("note", "  ")]).await;
    assert_eq!(blank.status(), StatusCode::UNPROCESSABLE_ENTITY);
    assert!(blank.text().await.contains("There is no text"));

    // all that is being written is kept: a letter with its recipients, and a note
    let kept = [
        ("to", "a@b.example"),
        ("cc", "c@d.example"),
        ("letter", "order_status"),
        ("text", "Half a letter"),
        ("note", "Half a note"),
    ];
    sam.post(&format!("{path}/draft"), &kept).await;
    let page = sam.get(&path).await.text().await;
    for part in [
        "name=\"to\" value=\"a@b.example\"",
        "name=\"cc\" value=\"c@d.example\"",
        "name=\"letter\" value=\"order_status\"",
        "Half a letter</textarea>",
        "Half a note</textarea>",
    ] {
        assert!(page.contains(part), "{part}: {page}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_merge_is_taken_back() {
    let desk = Desk::open().await;
    let sam = Visitor::sign_in(&desk, "sam").await;
    let place = done(&sam, &format!("/messages/{}/move", desk.message), &[("other", "")]).await;
    let own: i64 = place.split(['/', '?']).nth(2).unwrap().parse().unwrap();
    let (order, path) = (ticket(&desk, desk.ticket).await, format!("/tickets/{own}"));
    done(&sam, &format!("{path}/notes"), &[("note", "of the own one")]).await;
    done(&sam, &format!("{path}/change"), &[("do", "tag"), ("tag", "own")]).await;
    done(&sam, &format!("/tickets/{}/notes", desk.ticket), &[("note", "of the order")]).await;
    let before = ticket(&desk, own).await;
    let taking_part =
        async |of: &Ticket| desk.app.store.read().await.unwrap().list_participants(&of.id).await.unwrap();
    let took_part = taking_part(&before).await;
    let other = desk.ticket.to_string();
    done(&sam, &format!("{path}/join"), &[("do", "merge"), ("other", &other)]).await;
    // answered while they were one: that answer belongs to the message that it answers
    let answer = format!("/tickets/{}/answer", desk.ticket);
    done(&sam, &answer, &[("text", "It left."), ("then", "waiting")]).await;
    let join = format!("/tickets/{}/join", desk.ticket);
    let page = sam.get(&format!("/tickets/{}", desk.ticket)).await.text().await;
    assert!(page.contains(&format!("Part MR-{own} again")), "{page}");

    let number = own.to_string();
    let part = [("do", "unmerge"), ("other", number.as_str())];
    assert_eq!(done(&sam, &join, &part).await, format!("{path}?done=unmerged"));
    let after = ticket(&desk, own).await;
    assert_eq!((after.merged_into.clone(), after.state), (None, before.state));
    assert_eq!(taking_part(&after).await, took_part);
    let mut db = desk.app.store.read().await.unwrap();
    let messages = db.list_conversation(&after.id, 50).await.unwrap();
    assert!(messages.iter().any(|(row, _)| row.id == desk.message), "its message is back");
    assert_eq!(db.list_drafts_of_ticket(&after.id).await.unwrap().len(), 1);
    let answered = db.list_outbox_of_ticket(&after.id, 50).await.unwrap();
    assert!(answered.iter().any(|mail| mail.cause.starts_with("answer:")), "with its answer");
    let notes = |notes: Vec<mailroom::store::work::Note>| {
        notes.into_iter().map(|note| note.content).collect::<Vec<_>>()
    };
    assert_eq!(notes(db.list_notes(&after.id).await.unwrap()), ["of the own one"]);
    assert_eq!(notes(db.list_notes(&order.id).await.unwrap()), ["of the order"]);
    assert_eq!(db.list_tags(&order.id).await.unwrap(), Vec::<String>::new());
    drop(db);
    assert!(actions(&desk, &after).await.contains(&"unmerge_ticket".to_owned()));
    assert!(actions(&desk, &order).await.contains(&"unmerge_ticket".to_owned()));
    assert_eq!(sam.post(&join, &part).await.status(), StatusCode::UNPROCESSABLE_ENTITY, "once");
    // and it can be done again
    done(&sam, &format!("{path}/join"), &[("do", "merge"), ("other", &other)]).await;
    done(&sam, &join, &part).await;
}
