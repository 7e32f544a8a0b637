//! Who may ask what: every route as every role, and as nobody.

use crate::support::{
    desk::Desk,
    visitor::{Answer, Visitor},
};
use axum::http::{Method, StatusCode, header};
use mailroom::{
    store::person::Role,
    web::{
        self, Route,
        rights::{Guard, Right},
    },
};

/// Somebody in each role, by the name that the desk knows.
const PEOPLE: [(&str, Role); 4] =
    [("ann", Role::Administrator), ("sam", Role::Reviewer), ("tom", Role::Agent), ("eve", Role::Auditor)];

/// The address of a route with something real in every place.
fn address(route: &Route, desk: &Desk) -> String {
    let id = match route.path.split('/').nth(1).unwrap_or_default() {
        "drafts" => desk.draft.to_string(),
        "documents" => desk.document.to_string(),
        "outbox" => desk.doubtful.to_string(),
        "quarantine" => desk.quarantine.to_string(),
        "messages" => desk.message.to_string(),
        _ => "none".to_owned(),
    };
    let ticket = desk.ticket.to_string();
    [
        ("{number}", ticket.as_str()),
        ("{id}", &id),
        ("{queue}", "all"),
        ("{page}", "1.png"),
        ("{position}", "0"),
    ]
    .iter()
    .fold(route.path.to_owned(), |path, (name, value)| path.replace(name, value))
    .replace(['{', '}'], "")
}

async fn ask(visitor: &Visitor, route: &Route, path: &str) -> Answer {
    if route.method == Method::GET { visitor.get(path).await } else { visitor.post(path, &[]).await }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_route_asks_for_the_right_that_it_states() {
    let desk = Desk::open().await;
    let routes = web::routes();
    assert!(routes.len() > 40, "the table of routes is here");
    let stranger = Visitor::stranger(&desk);
    for route in &routes {
        let path = address(route, &desk);
        let answer = ask(&stranger, route, &path).await;
        let sent_away = answer.status() == StatusCode::SEE_OTHER
            && answer.header(header::LOCATION).starts_with("/sign-in");
        if matches!(route.guard, Guard::Session(_)) {
            assert!(sent_away, "nobody asks {} {path}", route.method);
        }
    }
    for (name, role) in PEOPLE {
        let visitor = Visitor::sign_in(&desk, name).await;
        // what ends the session comes last
        let (last, others): (Vec<_>, Vec<_>) = routes.iter().partition(|route| route.path == "/sign-out");
        for route in others.into_iter().chain(last) {
            let Guard::Session(right) = route.guard else { continue };
            let path = address(route, &desk);
            let status = ask(&visitor, route, &path).await.status();
            assert_eq!(
                status == StatusCode::FORBIDDEN,
                !role.may(right),
                "{name} asks {} {path}: {status}",
                route.method
            );
            assert!(!status.is_server_error(), "{name} asks {} {path}: {status}", route.method);
        }
    }
}

/// Whether an address is one of a route.
fn is_at(route: &Route, address: &str) -> bool {
    let path = address.split(['?', '#']).next().unwrap_or_default();
    let (wanted, found): (Vec<_>, Vec<_>) = (route.path.split('/').collect(), path.split('/').collect());
    let same = |(wanted, found): (&&str, &&str)| wanted == found || wanted.starts_with('{');
    wanted.len() == found.len() && wanted.iter().zip(&found).all(same)
}

#[tokio::test(flavor = "multi_thread")]
async fn no_page_shows_a_form_that_its_reader_may_not_send() {
    let desk = Desk::open().await;
    let routes = web::routes();
    let posts: Vec<&Route> = routes.iter().filter(|route| route.method == Method::POST).collect();
    let (mut seen, mut faults) = (0, Vec::new());
    for (name, role) in PEOPLE {
        let visitor = Visitor::sign_in(&desk, name).await;
        let person = desk.app.store.read().await.unwrap().find_person_by_name(name).await.unwrap().unwrap();
        let pages = routes.iter().filter(|route| route.method == Method::GET && route.path != "/live");
        for route in pages.filter(|route| matches!(route.guard, Guard::Session(right) if role.may(right))) {
            let path = if route.path == "/users/{id}" {
                format!("/users/{}", person.id)
            } else {
                address(route, &desk)
            };
            let path = if route.path == "/settings/{group}" { "/settings/rules".to_owned() } else { path };
            let page = visitor.get(&path).await;
            assert!(!page.status().is_server_error(), "{path} fails");
            let page = page.text().await;
            for form in page.split("<form ").skip(1) {
                let head = form.split('>').next().unwrap_or_default();
                let Some(action) = head.split("action=\"").nth(1).and_then(|rest| rest.split('"').next())
                else {
                    continue;
                };
                if !head.contains("method=\"post\"") {
                    continue;
                }
                seen += 1;
                let action = action.replace("&#x2f;", "/");
                let target = posts.iter().find(|route| is_at(route, &action));
                match target.map(|route| route.guard) {
                    Some(Guard::Open) => {}
                    Some(Guard::Session(right)) if role.may(right) => {}
                    _ => faults.push(format!("{name} sees a form for {action} on {path}")),
                }
            }
        }
    }
    faults.sort();
    faults.dedup();
    assert!(seen > 100, "found only {seen} forms");
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

#[test]
fn no_route_stands_beside_the_table() {
    let source = include_str!("../../src/web.rs");
    for way in [".route(", ".nest(", ".merge(", ".route_service(", ".nest_service("] {
        assert!(!source.contains(way), "src/web.rs adds a route by {way} instead of the table");
    }
}

#[test]
fn nobody_sees_more_than_the_way_in() {
    let open: Vec<_> = web::routes()
        .into_iter()
        .filter(|route| route.guard == Guard::Open)
        .map(|route| route.path)
        .collect();
    assert_eq!(
        open,
        [
            "/sign-in",
            "/sign-in",
            "/sign-in/code",
            "/sign-in/code",
            "/sign-in/openid",
            "/sign-in/openid/back",
            "/sign-in/openid/out",
            "/api/v1/openapi.json",
            "/assets/{version}/{name}"
        ]
    );
}

#[test]
fn changes_are_stated_as_changes() {
    for route in web::routes() {
        if route.method == Method::POST
            && let Guard::Session(right) = route.guard
        {
            assert!(
                !matches!(right, Right::Read | Right::Oversee),
                "{} is a change behind a right to read",
                route.path
            );
            assert!(right == Right::Own || !Role::Auditor.may(right), "an auditor changes {}", route.path);
        }
    }
}
