//! The JSON API: rights of keys, the description against the routes, and webhooks.

use crate::support::{
    desk::Desk,
    visitor::{Answer, Visitor},
};
use axum::{
    body::Body,
    http::{Method, Request, StatusCode, header},
};
use mailroom::{
    clock,
    jobs::send_webhook,
    model::secret::Secret,
    store::{person::Role, webhook::DeliveryState},
    web::{
        self,
        pages::api::OPENAPI,
        rights::{Guard, Scope},
    },
    webhook,
};
use serde_json::{Value, json};
use std::{
    collections::BTreeSet,
    io::{Read as _, Write as _},
    net::TcpListener,
    sync::mpsc,
    thread,
};

/// Makes a key on the page.
async fn key(visitor: &Visitor, scopes: &[Scope]) -> String {
    let mut fields = vec![("name", "test"), ("days", "1")];
    fields.extend(scopes.iter().map(|scope| ("scope", scope.as_str())));
    let page = visitor.post("/me/tokens", &fields).await.text().await;
    let (_, rest) = page.split_once("<code>mailroom_").expect("the key is shown once");
    format!("mailroom_{}", rest.split('<').next().unwrap())
}

async fn call(visitor: &Visitor, key: &str, method: &Method, path: &str, body: Option<Value>) -> Answer {
    let request = Request::builder()
        .method(method)
        .uri(path)
        .header(header::AUTHORIZATION, format!("Bearer {key}"))
        .header(header::CONTENT_TYPE, "application/json");
    let body = body.map_or_else(Body::empty, |body| Body::from(body.to_string()));
    visitor.send(request.body(body).unwrap()).await
}

async fn value(answer: Answer) -> Value {
    serde_json::from_str(&answer.text().await).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_may_what_its_scopes_and_its_owner_may() {
    let desk = Desk::open().await;
    let routes = web::routes();
    let people =
        [("ann", Role::Administrator), ("sam", Role::Reviewer), ("tom", Role::Agent), ("eve", Role::Auditor)];
    for (name, role) in people {
        let visitor = Visitor::sign_in(&desk, name).await;
        for scope in Scope::ALL {
            let key = key(&visitor, &[*scope]).await;
            for route in &routes {
                let Guard::Token(wanted, right) = route.guard else { continue };
                let path = route.path.replace("{number}", "999999").replace("{id}", "none");
                let status = call(&visitor, &key, &route.method, &path, None).await.status();
                let refused = wanted != *scope || !role.may(right);
                assert_eq!(
                    status == StatusCode::FORBIDDEN,
                    refused,
                    "{name} with {} asks {} {path}: {status}",
                    scope.as_str(),
                    route.method
                );
                assert!(!status.is_server_error(), "{path}: {status}");
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn keys_end() {
    let desk = Desk::open().await;
    let sam = Visitor::sign_in(&desk, "sam").await;
    let key = key(&sam, &[Scope::Read]).await;
    let ask = async |key: &str| call(&sam, key, &Method::GET, "/api/v1/tickets", None).await.status();
    assert_eq!(ask(&key).await, StatusCode::OK);
    for wrong in ["", "mailroom_", "nonsense", &key[1..]] {
        assert_eq!(ask(wrong).await, StatusCode::UNAUTHORIZED, "{wrong:?}");
    }
    assert_eq!(sam.get("/api/v1/tickets").await.status(), StatusCode::UNAUTHORIZED, "a cookie is no key");
    let page = sam.get("/me").await.text().await;
    assert!(!page.contains(&key), "shown once");
    let id = page.split("name=\"token\" value=\"").nth(1).unwrap().split('"').next().unwrap();
    sam.post("/me/tokens", &[("do", "delete"), ("token", id)]).await;
    assert_eq!(ask(&key).await, StatusCode::UNAUTHORIZED);

    let other = super::api::key(&sam, &[Scope::Read]).await;
    let mut tx = desk.app.store.begin().await.unwrap();
    let owner = tx.find_person_by_name("sam").await.unwrap().unwrap();
    tx.save_person_disabled(&owner.id, true).await.unwrap();
    tx.commit().await.unwrap();
    assert_eq!(ask(&other).await, StatusCode::UNAUTHORIZED, "a key ends with its owner");
}

#[test]
fn the_description_names_every_call_and_no_other() {
    let described: Value = serde_json::from_str(OPENAPI).unwrap();
    let mut found = BTreeSet::new();
    for (path, operations) in described["paths"].as_object().unwrap() {
        for (method, operation) in operations.as_object().unwrap() {
            let scope = operation["security"][0]["token"][0].as_str().unwrap();
            let places = path.matches('{').count();
            let named = operation["parameters"].as_array().map_or(0, |list| {
                list.iter()
                    .filter(|p| {
                        p["in"] == "path" && path.contains(&format!("{{{}}}", p["name"].as_str().unwrap()))
                    })
                    .count()
            });
            assert_eq!(places, named, "{path} names its places");
            assert_eq!(operation.get("requestBody").is_some(), method == "post", "{method} {path}");
            found.insert((method.to_uppercase(), path.clone(), scope.to_owned()));
        }
    }
    let stated: BTreeSet<_> = web::routes()
        .into_iter()
        .filter_map(|route| match route.guard {
            Guard::Token(scope, _) => {
                Some((route.method.to_string(), route.path.to_owned(), scope.as_str().to_owned()))
            }
            _ => None,
        })
        .collect();
    assert_eq!(found, stated);
}

#[tokio::test(flavor = "multi_thread")]
async fn programs_read_and_decide() {
    let desk = Desk::open().await;
    let sam = Visitor::sign_in(&desk, "sam").await;
    let key = key(&sam, Scope::ALL).await;
    let get = async |path: &str| value(call(&sam, &key, &Method::GET, path, None).await).await;
    let post = async |path: &str, body: Value| call(&sam, &key, &Method::POST, path, Some(body)).await;

    let tickets = get("/api/v1/tickets?queue=orders").await;
    let number = desk.ticket;
    assert!(tickets["data"].as_array().unwrap().iter().any(|ticket| ticket["number"] == number), "{tickets}");
    let ticket = get(&format!("/api/v1/tickets/{number}")).await;
    assert_eq!(ticket["messages"][0]["subject"], "Purchase order 45-20817");
    assert_eq!(get("/api/v1/tickets?queue=nonsense").await["error"]["status"], 422);
    let message = get(&format!("/api/v1/messages/{}", desk.message)).await;
    assert!(message["new_text"].as_str().unwrap().contains("slipway"), "{message}");
    let raw = call(&sam, &key, &Method::GET, &format!("/api/v1/messages/{}/raw", desk.message), None).await;
    assert_eq!(raw.header(header::CONTENT_TYPE), "message/rfc822");
    let drafts = get("/api/v1/drafts").await;
    assert_eq!(drafts["data"][0]["id"], desk.draft.as_str());
    let draft = get(&format!("/api/v1/drafts/{}", desk.draft)).await;
    assert_eq!(draft["content"]["fields"]["po_number"]["value"], "45-20817", "{draft}");
    let accounts = get("/api/v1/accounts").await;
    assert_eq!(accounts["data"][0]["account"]["account_no"], "C-1042");

    let found = get("/api/v1/search?q=slipway").await;
    assert_eq!(found["data"][0]["message_id"], desk.message.as_str(), "{found}");

    let change = post(&format!("/api/v1/tickets/{number}"), json!({ "queue": "complaints" })).await;
    assert_eq!(value(change).await["queue"], "complaints");
    let answer =
        post(&format!("/api/v1/tickets/{number}/answer"), json!({ "text": "It is on its way." })).await;
    assert_eq!(answer.status(), StatusCode::OK);
    // the same request again, as programs do when a connection breaks, leaves once; another with its key is refused
    let again = async |text: &str| {
        let request = Request::builder()
            .method(Method::POST)
            .uri(format!("/api/v1/tickets/{number}/answer"))
            .header(header::AUTHORIZATION, format!("Bearer {key}"))
            .header(header::CONTENT_TYPE, "application/json")
            .header("Idempotency-Key", "order 7");
        let body = Body::from(json!({ "text": text }).to_string());
        sam.send(request.body(body).unwrap()).await.status()
    };
    assert_eq!((again("Again.").await, again("Again.").await), (StatusCode::OK, StatusCode::OK));
    assert_eq!(again("Other words.").await, StatusCode::UNPROCESSABLE_ENTITY);
    let found = desk.app.store.read().await.unwrap().find_ticket_by_number(number).await.unwrap().unwrap();
    let mails = desk.app.store.read().await.unwrap().list_outbox_of_ticket(&found.id, 20).await.unwrap();
    assert_eq!(mails.iter().filter(|mail| mail.cause.starts_with("answer:")).count(), 2, "{mails:?}");
    let approve = format!("/api/v1/drafts/{}/approve", desk.draft);
    assert_eq!(post(&approve, json!({ "revision": 7 })).await.status(), StatusCode::CONFLICT);
    assert_eq!(post(&approve, json!({ "revison": 0 })).await.status(), StatusCode::UNPROCESSABLE_ENTITY);
    let problem = post(&approve, json!({ "revision": 0 })).await;
    assert_eq!(problem.status(), StatusCode::OK);
    let record = value(problem).await;
    let record = get(&format!("/api/v1/records/{}", record["record_id"].as_str().unwrap())).await;
    assert_eq!(
        (record["po_number"].as_str(), record["approved_by"].as_str()),
        (Some("45-20817"), Some("sam (test)"))
    );
    assert_eq!(get("/api/v1/records").await["data"].as_array().unwrap().len(), 1);
}

/// Takes requests on a loopback port, answering each with the next status; hands on what came.
fn receiver(statuses: Vec<u16>) -> (String, mpsc::Receiver<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("http://{}/in", listener.local_addr().unwrap());
    let (sender, received) = mpsc::channel();
    thread::spawn(move || {
        for status in statuses {
            let (mut stream, _) = listener.accept().unwrap();
            let mut text = String::new();
            let mut buffer = [0; 4096];
            loop {
                let n = stream.read(&mut buffer).unwrap();
                text.push_str(&String::from_utf8_lossy(&buffer[..n]));
                let Some((head, body)) = text.split_once("\r\n\r\n") else { continue };
                let length = head.lines().find_map(|line| {
                    line.to_lowercase().strip_prefix("content-length: ").map(|n| n.parse::<usize>().unwrap())
                });
                if n == 0 || body.len() >= length.unwrap_or(0) {
                    break;
                }
            }
            let answer = format!("HTTP/1.1 {status} x\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
            stream.write_all(answer.as_bytes()).unwrap();
            sender.send(text).unwrap();
        }
    });
    (address, received)
}

#[tokio::test(flavor = "multi_thread")]
async fn webhooks_tell_what_happened_signed_and_until_it_is_taken() {
    let desk = Desk::open().await;
    let ann = Visitor::sign_in(&desk, "ann").await;
    let (address, received) = receiver(vec![503, 200]);
    for (address, event) in [("ftp://x.example", "draft.approved"), (address.as_str(), "nonsense")] {
        let status = ann.post("/webhooks", &[("address", address), ("event", event)]).await.status();
        assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY);
    }
    let page =
        ann.post("/webhooks", &[("address", &address), ("event", "draft.approved")]).await.text().await;
    let secret = format!("whsec_{}", page.split("<code>whsec_").nth(1).unwrap().split('<').next().unwrap());
    let secret = Secret::new(secret.replace("&#x2f;", "/").replace("&#x3d;", "="));
    assert_eq!(send_webhook::run_due(&desk.app).await.unwrap(), 0);
    ann.post(&format!("/drafts/{}", desk.draft), &[("revision", "0"), ("do", "approve")]).await;
    assert_eq!(send_webhook::run_due(&desk.app).await.unwrap(), 1);

    let hook = desk.app.store.read().await.unwrap().list_webhooks().await.unwrap().remove(0);
    let delivery = async || {
        let mut db = desk.app.store.read().await.unwrap();
        db.list_deliveries(&hook.id, 9).await.unwrap().remove(0)
    };
    let first = delivery().await;
    assert_eq!(
        (first.state, first.attempts, first.last_error.as_str()),
        (DeliveryState::Waiting, 1, "it answers 503")
    );
    let job =
        desk.app.store.read().await.unwrap().find_job("send_webhook", &first.id).await.unwrap().unwrap();
    assert!(job.due_ms > clock::now_ms(), "it is tried again later");
    let text = received.recv().unwrap();
    let (head, body) = text.split_once("\r\n\r\n").unwrap();
    let header = |name: &str| {
        let line = head.lines().find(|line| line.to_lowercase().starts_with(&format!("{name}: "))).unwrap();
        line.split_once(": ").unwrap().1.to_owned()
    };
    assert_eq!(header("webhook-id"), first.id);
    let seconds: i64 = header("webhook-timestamp").parse().unwrap();
    assert_eq!(header("webhook-signature"), webhook::sign(&secret, &first.id, seconds, body).unwrap());
    let told: Value = serde_json::from_str(body).unwrap();
    assert_eq!(
        (told["type"].as_str(), told["data"]["po_number"].as_str()),
        (Some("draft.approved"), Some("45-20817"))
    );

    // the same worker comes back once the wait is over
    let mut tx = desk.app.store.begin().await.unwrap();
    tx.finish_job(&job.id, "").await.unwrap();
    tx.enqueue("send_webhook", &first.id, 0, 0).await.unwrap();
    tx.commit().await.unwrap();
    assert_eq!(send_webhook::run_due(&desk.app).await.unwrap(), 1);
    assert!(received.recv().unwrap().contains(&first.id), "a repetition has the same id");
    assert_eq!(delivery().await.state, DeliveryState::Delivered);
    assert!(
        desk.app.store.read().await.unwrap().find_job("send_webhook", &first.id).await.unwrap().is_none()
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn webhooks_are_changed_and_removed() {
    let desk = Desk::open().await;
    let ann = Visitor::sign_in(&desk, "ann").await;
    let (address, received) = receiver(vec![200]);
    let secret_of = |page: &str| {
        let secret = page.split("<code>whsec_").nth(1).unwrap().split('<').next().unwrap().to_owned();
        Secret::new(format!("whsec_{secret}").replace("&#x2f;", "/").replace("&#x3d;", "="))
    };
    let first = [("address", "http://127.0.0.1:9/old"), ("event", "ticket.created")];
    let old = secret_of(&ann.post("/webhooks", &first).await.text().await);
    let hook = async || desk.app.store.read().await.unwrap().list_webhooks().await.unwrap().pop();
    let path = format!("/webhooks/{}", hook().await.unwrap().id);
    let bad = [("do", "save"), ("address", "ftp://x.example"), ("event", "draft.approved")];
    assert_eq!(ann.post(&path, &bad).await.status(), StatusCode::UNPROCESSABLE_ENTITY);
    let save = [("do", "save"), ("address", address.as_str()), ("event", "draft.approved")];
    assert_eq!(ann.post(&path, &save).await.status(), StatusCode::SEE_OTHER);
    let row = hook().await.unwrap();
    assert_eq!((row.address.as_str(), row.events.len()), (address.as_str(), 1));
    let kept = desk.app.vault.open(&row.secret, &row.address).unwrap();
    assert_eq!(kept.reveal(), old.reveal(), "another address keeps the secret");

    let fresh = secret_of(&ann.post(&path, &[("do", "secret")]).await.text().await);
    assert_ne!(fresh.reveal(), old.reveal());
    ann.post(&format!("/drafts/{}", desk.draft), &[("revision", "0"), ("do", "approve")]).await;
    assert_eq!(send_webhook::run_due(&desk.app).await.unwrap(), 1);
    let text = received.recv().unwrap();
    let (head, body) = text.split_once("\r\n\r\n").unwrap();
    let header = |name: &str| {
        let line = head.lines().find(|line| line.to_lowercase().starts_with(&format!("{name}: "))).unwrap();
        line.split_once(": ").unwrap().1.to_owned()
    };
    let seconds = header("webhook-timestamp").parse().unwrap();
    let signature = webhook::sign(&fresh, &header("webhook-id"), seconds, body).unwrap();
    assert_eq!(header("webhook-signature"), signature);

    let unsure = ann.post(&path, &[("do", "delete")]).await.status();
    assert_eq!(unsure, StatusCode::UNPROCESSABLE_ENTITY, "it is asked whether that is meant");
    let delivery = desk.app.store.read().await.unwrap().list_deliveries(&row.id, 1).await.unwrap().remove(0);
    let again = [("do", "again"), ("delivery", delivery.id.as_str())];
    assert_eq!(ann.post(&path, &again).await.status(), StatusCode::SEE_OTHER);
    assert_eq!(ann.post(&path, &[("do", "delete"), ("sure", "yes")]).await.status(), StatusCode::SEE_OTHER);
    assert!(hook().await.is_none());
    assert_eq!(send_webhook::run_due(&desk.app).await.unwrap(), 1, "nobody is left to tell");
    assert_eq!(send_webhook::run_due(&desk.app).await.unwrap(), 0);
    let log = desk.app.store.read().await.unwrap().list_audit_of("webhook", &row.id, 9).await.unwrap();
    let actions: Vec<_> = log.iter().map(|row| row.entry.action.as_str()).collect();
    for action in ["edit_webhook", "rotate_webhook", "delete_webhook"] {
        assert!(actions.contains(&action), "{action} is not in the log: {actions:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_leaves_once_for_each_idempotency_key() {
    let desk = Desk::open().await;
    let sam = Visitor::sign_in(&desk, "sam").await;
    let (one, two) = (key(&sam, Scope::ALL).await, key(&sam, Scope::ALL).await);
    let path = format!("/api/v1/tickets/{}/answer", desk.ticket);
    let post = async |key: &str, once: &str, text: &str| {
        let request = Request::builder()
            .method(Method::POST)
            .uri(&path)
            .header(header::AUTHORIZATION, format!("Bearer {key}"))
            .header(header::CONTENT_TYPE, "application/json")
            .header("Idempotency-Key", once);
        let body = json!({ "text": text }).to_string();
        let answer = sam.send(request.body(Body::from(body)).unwrap()).await;
        (answer.status(), value(answer).await)
    };
    let (first, second) = tokio::join!(post(&one, "abc", "It left."), post(&one, "abc", "It left."));
    assert_eq!(first.0, StatusCode::OK, "{first:?}");
    assert_eq!(first, second, "the same answer");
    assert_eq!(post(&one, "\"abc\"", "It left.").await, first, "in quotes, as a structured field");
    let other = post(&one, "abc", "It did not leave.").await;
    assert_eq!(other.0, StatusCode::UNPROCESSABLE_ENTITY, "{other:?}");
    let own = post(&two, "abc", "It left.").await;
    assert_ne!(own.1["mail_id"], first.1["mail_id"], "keys are each access key's own");
    assert_eq!(post(&one, "", "x").await.0, StatusCode::BAD_REQUEST);
    assert_eq!(post(&one, &"k".repeat(256), "x").await.0, StatusCode::BAD_REQUEST);
    let mut db = desk.app.store.read().await.unwrap();
    let found = db.find_ticket_by_number(desk.ticket).await.unwrap().unwrap();
    let mails = db.list_outbox_of_ticket(&found.id, 50).await.unwrap();
    assert_eq!(mails.iter().filter(|mail| mail.cause.starts_with("answer:")).count(), 2);
}

/// Where a value does not fit a schema, by the words of JSON Schema that the description uses; others fail the test.
fn misfits(described: &Value, schema: &Value, value: &Value, at: &str, found: &mut Vec<String>) {
    for (word, rule) in schema.as_object().unwrap() {
        let fits = match word.as_str() {
            "$ref" => {
                let name = rule.as_str().unwrap().strip_prefix("#/components/schemas/").unwrap();
                let named = &described["components"]["schemas"][name];
                assert!(named.is_object(), "there is no schema {name}");
                misfits(described, named, value, at, found);
                true
            }
            "anyOf" => rule.as_array().unwrap().iter().any(|one| {
                let mut misfit = Vec::new();
                misfits(described, one, value, at, &mut misfit);
                misfit.is_empty()
            }),
            "type" => {
                let is = |name: &Value| match name.as_str().unwrap() {
                    "object" => value.is_object(),
                    "array" => value.is_array(),
                    "string" => value.is_string(),
                    "integer" => value.is_i64() || value.is_u64(),
                    "number" => value.is_number(),
                    "boolean" => value.is_boolean(),
                    "null" => value.is_null(),
                    other => panic!("no type {other}"),
                };
                rule.as_array().map_or_else(|| is(rule), |names| names.iter().any(is))
            }
            "enum" => rule.as_array().unwrap().contains(value),
            "const" => rule == value,
            "required" => {
                rule.as_array().unwrap().iter().all(|name| value.get(name.as_str().unwrap()).is_some())
            }
            "properties" => {
                for (name, schema) in rule.as_object().unwrap() {
                    if let Some(value) = value.get(name) {
                        misfits(described, schema, value, &format!("{at}.{name}"), found);
                    }
                }
                true
            }
            "additionalProperties" => {
                let named = schema["properties"].as_object();
                let more = value.as_object().into_iter().flatten();
                for (name, value) in more.filter(|(name, _)| !named.is_some_and(|n| n.contains_key(*name))) {
                    if rule == &Value::Bool(false) {
                        found.push(format!("{at}.{name} is not described"));
                    } else {
                        misfits(described, rule, value, &format!("{at}.{name}"), found);
                    }
                }
                true
            }
            "items" => {
                for (n, value) in value.as_array().into_iter().flatten().enumerate() {
                    misfits(described, rule, value, &format!("{at}[{n}]"), found);
                }
                true
            }
            "minimum" => value.as_f64().is_none_or(|number| number >= rule.as_f64().unwrap()),
            "maximum" => value.as_f64().is_none_or(|number| number <= rule.as_f64().unwrap()),
            "minLength" => value.as_str().is_none_or(|text| text.len() as u64 >= rule.as_u64().unwrap()),
            "description" | "format" | "default" => true,
            other => panic!("the test does not know the word {other}"),
        };
        if !fits {
            found.push(format!("{at}: {value} is not {word} {rule}"));
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn answers_fit_their_schemas() {
    let desk = Desk::open().await;
    let sam = Visitor::sign_in(&desk, "sam").await;
    let key = key(&sam, Scope::ALL).await;
    let described: Value = serde_json::from_str(OPENAPI).unwrap();
    let asked = async |method: Method, template: &str, path: &str, body: Option<Value>| {
        let operation = &described["paths"][template][method.as_str().to_lowercase()];
        if let Some(body) = &body {
            let schema = &operation["requestBody"]["content"]["application/json"]["schema"];
            let mut found = Vec::new();
            misfits(&described, schema, body, "", &mut found);
            assert!(found.is_empty(), "{method} {path}: {found:?}");
        }
        let answer = call(&sam, &key, &method, path, body).await;
        assert_eq!(answer.status(), StatusCode::OK, "{method} {path}");
        let schema = &operation["responses"]["200"]["content"]["application/json"]["schema"];
        assert!(schema.is_object(), "{method} {template} has a schema");
        let (answer, mut found) = (value(answer).await, Vec::new());
        misfits(&described, schema, &answer, "", &mut found);
        assert!(found.is_empty(), "{method} {path}: {found:?}");
        answer
    };
    let (get, post) = (Method::GET, Method::POST);
    let ticket = format!("/api/v1/tickets/{}", desk.ticket);
    let list = asked(get.clone(), "/api/v1/tickets", "/api/v1/tickets", None).await;
    assert!(!list["data"].as_array().unwrap().is_empty());
    let shown = asked(get.clone(), "/api/v1/tickets/{number}", &ticket, None).await;
    assert!(!shown["messages"].as_array().unwrap().is_empty());
    let change = json!({ "state": "open" });
    asked(post.clone(), "/api/v1/tickets/{number}", &ticket, Some(change)).await;
    let said = json!({ "text": "It left." });
    asked(post.clone(), "/api/v1/tickets/{number}/answer", &format!("{ticket}/answer"), Some(said)).await;
    let message = format!("/api/v1/messages/{}", desk.message);
    asked(get.clone(), "/api/v1/messages/{id}", &message, None).await;
    asked(get.clone(), "/api/v1/drafts", "/api/v1/drafts", None).await;
    let draft = format!("/api/v1/drafts/{}", desk.draft);
    let shown = asked(get.clone(), "/api/v1/drafts/{id}", &draft, None).await;
    let verdict = json!({ "revision": shown["revision"] });
    let approved =
        asked(post.clone(), "/api/v1/drafts/{id}/approve", &format!("{draft}/approve"), Some(verdict)).await;
    asked(get.clone(), "/api/v1/records", "/api/v1/records", None).await;
    let record = format!("/api/v1/records/{}", approved["record_id"].as_str().unwrap());
    asked(get.clone(), "/api/v1/records/{id}", &record, None).await;
    let accounts = asked(get.clone(), "/api/v1/accounts", "/api/v1/accounts", None).await;
    let account = format!("/api/v1/accounts/{}", accounts["data"][0]["id"].as_str().unwrap());
    let shown = asked(get.clone(), "/api/v1/accounts/{id}", &account, None).await;
    asked(post.clone(), "/api/v1/accounts/{id}", &account, Some(shown["account"].clone())).await;
    asked(get.clone(), "/api/v1/search", "/api/v1/search?q=pump", None).await;

    // what is refused is a problem, whoever refuses it
    let problem = &described["components"]["responses"]["error"]["content"]["application/problem+json"];
    let refused = async |method: Method, path: &str, kind: &str, body: &str| {
        let request = Request::builder()
            .method(&method)
            .uri(path)
            .header(header::AUTHORIZATION, format!("Bearer {key}"))
            .header(header::CONTENT_TYPE, kind);
        let answer = sam.send(request.body(Body::from(body.to_owned())).unwrap()).await;
        assert_eq!(answer.header(header::CONTENT_TYPE), "application/problem+json", "{method} {path}");
        let status = answer.status();
        let (answer, mut found) = (value(answer).await, Vec::new());
        misfits(&described, &problem["schema"], &answer, "", &mut found);
        assert!(found.is_empty(), "{method} {path}: {found:?} {answer}");
        assert_eq!(answer["status"], status.as_u16());
        status
    };
    let json = "application/json";
    for (method, path, kind, body, status) in [
        (get.clone(), "/api/v1/tickets/abc", json, "", StatusCode::BAD_REQUEST),
        (get.clone(), "/api/v1/search?page=abc", json, "", StatusCode::BAD_REQUEST),
        (get.clone(), "/api/v1/tickets?state=a&state=b", json, "", StatusCode::BAD_REQUEST),
        (get.clone(), "/api/v1/tickets/99", json, "", StatusCode::NOT_FOUND),
        (get.clone(), "/api/v1/nothing", json, "", StatusCode::NOT_FOUND),
        (Method::DELETE, ticket.as_str(), json, "", StatusCode::METHOD_NOT_ALLOWED),
        (post.clone(), &ticket, "text/plain", "{}", StatusCode::UNSUPPORTED_MEDIA_TYPE),
        (post.clone(), &ticket, json, "{", StatusCode::BAD_REQUEST),
        (post.clone(), &ticket, json, "{\"colour\":1}", StatusCode::UNPROCESSABLE_ENTITY),
    ] {
        assert_eq!(refused(method.clone(), path, kind, body).await, status, "{method} {path}");
    }
    let large = format!("{{\"text\":\"{}\"}}", "x".repeat(3_000_000));
    let status = refused(post.clone(), &format!("{ticket}/answer"), json, &large).await;
    assert_eq!(status, StatusCode::PAYLOAD_TOO_LARGE);
}
