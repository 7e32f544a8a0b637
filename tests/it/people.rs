//! People who sign in: the second factor, sessions, and what administrators do about them.

use crate::support::{
    desk::{Desk, PASSWORD},
    visitor::Visitor,
};
use axum::http::{StatusCode, header};
use mailroom::{
    clock,
    model::secret::Secret,
    store::person::{Person, Role},
    web::{self, factor},
};

async fn person(desk: &Desk, name: &str) -> Person {
    desk.app.store.read().await.unwrap().find_person_by_name(name).await.unwrap().unwrap()
}

/// The secret that a page or the database offers to a device.
async fn offered(desk: &Desk, name: &str) -> Secret {
    let id = person(desk, name).await.id;
    let kept = desk.app.store.read().await.unwrap().find_factor(&id).await.unwrap().unwrap();
    desk.app.vault.open(&kept.pending, id.as_str()).unwrap()
}

/// Sets a second factor up; the secret and the recovery codes.
async fn set_up(desk: &Desk, visitor: &Visitor, name: &str) -> (Secret, Vec<String>) {
    let offer = visitor.post("/me/factor", &[("do", "offer"), ("password", PASSWORD)]).await;
    assert_eq!(offer.status(), StatusCode::SEE_OTHER);
    let secret = offered(desk, name).await;
    let page = visitor.get("/me").await.text().await;
    assert!(page.contains(secret.reveal()) && page.contains("class=\"qr\""), "{page}");
    let code = factor::code(&secret, clock::now_ms() - 30_000).unwrap();
    let page = visitor.post("/me/factor", &[("do", "prove"), ("code", &code)]).await.text().await;
    let codes: Vec<String> =
        page.split("<li><code>").skip(1).map(|part| part.split('<').next().unwrap().to_owned()).collect();
    assert_eq!(codes.len(), factor::RECOVERY_CODES);
    (secret, codes)
}

/// The first step of a sign-in; the visitor holds half a session afterwards.
async fn half(desk: &Desk, name: &str) -> Visitor {
    let mut visitor = Visitor::stranger(desk);
    let answer = visitor.post("/sign-in", &[("name", name), ("password", PASSWORD)]).await;
    assert!(answer.header(header::LOCATION).starts_with("/sign-in/code"));
    answer.header(header::SET_COOKIE).split(';').next().unwrap().clone_into(&mut visitor.cookie);
    visitor
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_factor_stands_behind_the_password() {
    let desk = Desk::open().await;
    let sam = Visitor::sign_in(&desk, "sam").await;
    assert_eq!(
        sam.post("/me/factor", &[("do", "offer"), ("password", "wrong")]).await.status(),
        StatusCode::UNPROCESSABLE_ENTITY
    );
    let (secret, recovery) = set_up(&desk, &sam, "sam").await;
    let kept = person(&desk, "sam").await;
    let factor_kept = desk.app.store.read().await.unwrap().find_factor(&kept.id).await.unwrap().unwrap();
    assert!(!factor_kept.secret.contains(secret.reveal()), "the secret is sealed at rest");

    let visitor = half(&desk, "sam").await;
    assert_eq!(visitor.get("/").await.status(), StatusCode::SEE_OTHER, "half a session opens nothing");
    let enter = |visitor: Visitor, code: String| async move {
        visitor.post("/sign-in/code", &[("code", &code)]).await.status()
    };
    assert_eq!(enter(half(&desk, "sam").await, "000000".into()).await, StatusCode::UNAUTHORIZED);
    let code = factor::code(&secret, clock::now_ms() + 30_000).unwrap();
    assert_eq!(enter(half(&desk, "sam").await, code.clone()).await, StatusCode::SEE_OTHER);
    assert_eq!(enter(half(&desk, "sam").await, code).await, StatusCode::UNAUTHORIZED, "a code is good once");
    assert_eq!(enter(half(&desk, "sam").await, recovery[0].to_uppercase()).await, StatusCode::SEE_OTHER);
    assert_eq!(enter(half(&desk, "sam").await, recovery[0].clone()).await, StatusCode::UNAUTHORIZED);
    let guesser = half(&desk, "sam").await;
    for _ in 0..web::session::ATTEMPTS_MAX {
        let answer = guesser.post("/sign-in/code", &[("code", "123456")]).await;
        assert_eq!(answer.status(), StatusCode::UNAUTHORIZED);
    }
    guesser.post("/sign-in", &[("name", "sam"), ("password", PASSWORD)]).await;
    let answer = guesser.post("/sign-in/code", &[("code", &recovery[1])]).await;
    assert_eq!(
        answer.status(),
        StatusCode::TOO_MANY_REQUESTS,
        "a right password does not forgive wrong codes"
    );
    let nobody = Visitor::stranger(&desk);
    assert_eq!(nobody.post("/sign-in/code", &[("code", &recovery[2])]).await.status(), StatusCode::SEE_OTHER);

    let ann = Visitor::sign_in(&desk, "ann").await;
    let address = format!("/users/{}", kept.id);
    assert_eq!(ann.post(&address, &[("do", "no_factor")]).await.status(), StatusCode::SEE_OTHER);
    assert!(!person(&desk, "sam").await.has_factor);
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_is_added_with_an_address_that_cannot_be() {
    let desk = Desk::open().await;
    let ann = Visitor::sign_in(&desk, "ann").await;
    let add = |email: &'static str| [("name", "new"), ("role", "reviewer"), ("email", email)];
    for email in ["new at site", "@site.example"] {
        let answer = ann.post("/users", &add(email)).await;
        assert_eq!(answer.status(), StatusCode::CONFLICT);
        let page = answer.text().await;
        assert!(page.contains("value=\"new\"") && page.contains("id=\"add-wrong\""), "{page}");
        let known = desk.app.store.read().await.unwrap().find_person_by_name("new").await.unwrap();
        assert!(known.is_none(), "nobody is there halfway");
    }
    let page = ann.post("/users", &add("new@site.example")).await.text().await;
    assert!(
        page.contains("class=\"alert once\"") || page.contains("<code>"),
        "the password is shown: {page}"
    );
    let taken = [("name", "newer"), ("role", "reviewer"), ("email", "new@site.example")];
    assert_eq!(ann.post("/users", &taken).await.status(), StatusCode::CONFLICT);
    assert!(desk.app.store.read().await.unwrap().find_person_by_name("newer").await.unwrap().is_none());
}

#[tokio::test(flavor = "multi_thread")]
async fn sessions_are_seen_and_ended() {
    let desk = Desk::open().await;
    let (here, there) = (Visitor::sign_in(&desk, "sam").await, Visitor::sign_in(&desk, "sam").await);
    let page = here.get("/me").await.text().await;
    let other = page.split("name=\"session\" value=\"").nth(1).unwrap().split('"').next().unwrap();
    assert_eq!(here.post("/me/sessions", &[("session", other)]).await.status(), StatusCode::SEE_OTHER);
    assert_eq!(there.get("/").await.status(), StatusCode::SEE_OTHER, "ended from the other one");
    assert_eq!(here.get("/").await.status(), StatusCode::OK);
    assert_eq!(here.post("/me/sessions", &[("session", other)]).await.status(), StatusCode::CONFLICT);

    let ann = Visitor::sign_in(&desk, "ann").await;
    let sam = person(&desk, "sam").await.id;
    let address = format!("/users/{sam}");
    here.post("/me/tokens", &[("name", "Till"), ("scope", "read")]).await;
    assert!(ann.get(&address).await.text().await.contains(">Till<"), "an administrator sees the keys");
    assert_eq!(ann.post(&address, &[("do", "end_sessions")]).await.status(), StatusCode::SEE_OTHER);
    assert_eq!(here.get("/").await.status(), StatusCode::SEE_OTHER);
    let keys = desk.app.store.read().await.unwrap().list_api_tokens_of(&sam).await.unwrap();
    assert!(keys.is_empty(), "{keys:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn administrators_add_and_change_people() {
    let desk = Desk::open().await;
    let ann = Visitor::sign_in(&desk, "ann").await;
    let page = ann.post("/users", &[("name", "kim"), ("role", "agent")]).await.text().await;
    let password = page.split("<code>").nth(1).unwrap().split('<').next().unwrap().to_owned();
    let stranger = Visitor::stranger(&desk);
    let entered = stranger.post("/sign-in", &[("name", "kim"), ("password", &password)]).await;
    assert_eq!(entered.status(), StatusCode::SEE_OTHER);
    for (name, status) in [("kim", StatusCode::CONFLICT), (" ", StatusCode::CONFLICT)] {
        assert_eq!(
            ann.post("/users", &[("name", name), ("role", "agent")]).await.status(),
            status,
            "{name:?}"
        );
    }

    let tom = Visitor::sign_in(&desk, "tom").await;
    assert_eq!(tom.get("/audit").await.status(), StatusCode::FORBIDDEN);
    let address = format!("/users/{}", person(&desk, "tom").await.id);
    ann.post(&address, &[("do", "role"), ("role", "auditor")]).await;
    assert_eq!(tom.get("/audit").await.status(), StatusCode::OK, "a role counts from the next request on");
    ann.post(&address, &[("do", "disable")]).await;
    assert_eq!(tom.get("/").await.status(), StatusCode::SEE_OTHER);

    let own = format!("/users/{}", person(&desk, "ann").await.id);
    for change in [&[("do", "disable")][..], &[("do", "role"), ("role", "agent")]] {
        assert_eq!(
            ann.post(&own, change).await.status(),
            StatusCode::CONFLICT,
            "the last administrator stays"
        );
    }
    let kept = person(&desk, "ann").await;
    assert_eq!((kept.role, kept.disabled), (Role::Administrator, false));
    let mut db = desk.app.store.read().await.unwrap();
    let log: Vec<String> =
        db.list_audit_of("person", "tom", 9).await.unwrap().into_iter().map(|row| row.entry.action).collect();
    assert_eq!(log, ["disable_person", "change_role"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_password_is_changed_by_its_owner() {
    let desk = Desk::open().await;
    let sam = Visitor::sign_in(&desk, "sam").await;
    let change = |present: &'static str, fresh: &'static str, again: &'static str| {
        let fields = [("password", present), ("fresh", fresh), ("again", again)];
        let sam = &sam;
        async move { sam.post("/me/password", &fields).await.status() }
    };
    let refused = StatusCode::UNPROCESSABLE_ENTITY;
    assert_eq!(change(PASSWORD, "short", "short").await, refused);
    assert_eq!(change(PASSWORD, "a brand new one", "another new one").await, refused);
    assert_eq!(change("not the present one", "a brand new one", "a brand new one").await, refused);
    assert_eq!(change(PASSWORD, "a brand new one", "a brand new one").await, StatusCode::SEE_OTHER);
    assert_eq!(sam.get("/").await.status(), StatusCode::SEE_OTHER, "all sessions are over");
    let stranger = Visitor::stranger(&desk);
    let entered = stranger.post("/sign-in", &[("name", "sam"), ("password", PASSWORD)]).await;
    assert_eq!(entered.status(), StatusCode::UNAUTHORIZED);
}
