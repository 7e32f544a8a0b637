//! Sign-in by OpenID Connect: against a real provider, and against one that lies.

use crate::support::{
    desk::{Desk, PASSWORD},
    glewlwyd::{Glewlwyd, consent},
    http::redirected,
    openid_server::{Flaw, OpenIdServer},
    visitor::{Answer, Visitor},
};
use axum::http::{StatusCode, header};
use mailroom::{pipeline::people, store::person::Role};
use std::sync::Arc;

/// Begins a sign-in: the address at the provider. The visitor keeps the cookie.
async fn begin(visitor: &mut Visitor) -> String {
    let begun = visitor.get("/sign-in/openid?next=%2Fqueues%2Fall").await;
    assert_eq!(begun.status(), StatusCode::SEE_OTHER);
    let cookie = begun.header(header::SET_COOKIE);
    assert!(cookie.contains("HttpOnly") && cookie.contains("SameSite=Lax"), "{cookie}");
    cookie.split(';').next().unwrap().clone_into(&mut visitor.cookie);
    begun.header(header::LOCATION).to_owned()
}

/// Comes back from the provider at that address.
async fn come_back(desk: &Desk, visitor: &Visitor, address: &str) -> Answer {
    visitor.get(address.strip_prefix(&desk.address).unwrap()).await
}

/// The whole way at a provider that asks nothing.
async fn sign_in(desk: &Desk) -> Answer {
    let mut visitor = Visitor::stranger(desk);
    let address = begin(&mut visitor).await;
    let back = tokio::task::spawn_blocking(move || redirected(&address)).await.unwrap();
    come_back(desk, &visitor, &back).await
}

/// Who has the session that an answer gives.
async fn signed_in(desk: &Desk, answer: &Answer) -> String {
    let mut visitor = Visitor::stranger(desk);
    answer.header(header::SET_COOKIE).split(';').next().unwrap().clone_into(&mut visitor.cookie);
    let home = visitor.get("/").await;
    assert_eq!(home.status(), StatusCode::OK);
    let mut db = desk.app.store.read().await.unwrap();
    let log = db.list_recent_audit(i64::MAX, 1).await.unwrap();
    assert_eq!(log[0].entry.action, "sign_in");
    log[0].entry.actor.clone()
}

async fn set_email(desk: &Desk, name: &str, email: &str) {
    let person = desk.app.store.read().await.unwrap().find_person_by_name(name).await.unwrap().unwrap();
    people::set_email(&desk.app.store, &person, email, "test").await.unwrap().unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn people_sign_in_with_their_account_at_a_real_provider() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let pages = format!("http://{}", listener.local_addr().unwrap());
    let provider = Glewlwyd::start(&pages).await;
    let desk = Desk::open_with(|config| {
        config.web.base_url.clone_from(&pages);
        config.sign_in.openid = Some(provider.config());
        config.sign_in.passwords = false;
    })
    .await;
    set_email(&desk, "sam", "Sam@Nordkomp.example").await;
    let way = async |cookie: &str| {
        let mut visitor = Visitor::stranger(&desk);
        let address = begin(&mut visitor).await;
        let back = consent(&address, cookie);
        visitor.get(back.strip_prefix(&pages).unwrap()).await
    };
    let (sam, foreign, doubtful) = (
        provider.add("sam.there", "sam@nordkomp.example", true),
        provider.add("nobody", "nobody@nordkomp.example", true),
        provider.add("tom.there", "tom@nordkomp.example", false),
    );
    for time in ["the first time, by the address", "again, by the account"] {
        let answer = way(&sam).await;
        assert_eq!(answer.header(header::LOCATION), "/queues/all", "{time}");
        assert_eq!(signed_in(&desk, &answer).await, "sam", "{time}");
        set_email(&desk, "sam", "moved@nordkomp.example").await;
    }
    for (cookie, words) in [(&foreign, "nobody here has that address"), (&doubtful, "does not vouch")] {
        let answer = way(cookie).await;
        assert_eq!(answer.status(), StatusCode::FORBIDDEN);
        let page = answer.text().await;
        assert!(page.contains(words) && page.contains("Glewlwyd"), "{page}");
    }
    // passwords are of no use here
    let page = Visitor::stranger(&desk).get("/sign-in").await.text().await;
    assert!(!page.contains("type=\"password\"") && page.contains("Sign in with Glewlwyd"), "{page}");
    let refused = Visitor::stranger(&desk).post("/sign-in", &[("name", "ann"), ("password", PASSWORD)]).await;
    assert_eq!(refused.status(), StatusCode::FORBIDDEN);
    assert!(refused.text().await.contains("Passwords are not used here"));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_provider_says_falsely_signs_nobody_in_and_is_told() {
    let provider = OpenIdServer::start();
    let desk = Desk::open_with(|config| config.sign_in.openid = Some(provider.config())).await;
    set_email(&desk, "sam", "sam@nordkomp.example").await;
    for (flaw, words) in [
        (Flaw::Nonce, "does not hold"),
        (Flaw::Audience, "does not hold"),
        (Flaw::Issuer, "does not hold"),
        (Flaw::Expired, "does not hold"),
        (Flaw::Unsigned, "does not hold"),
        (Flaw::UnknownKey, "does not hold"),
        (Flaw::NoToken, "does not hold"),
        (Flaw::Declined, "was declined"),
        (Flaw::Unverified, "does not vouch"),
    ] {
        provider.expect(flaw);
        let answer = sign_in(&desk).await;
        assert!(!answer.status().is_success() && !answer.status().is_redirection(), "{flaw:?}");
        assert!(!answer.header(header::SET_COOKIE).starts_with("mailroom="), "{flaw:?}");
        let page = answer.text().await;
        assert!(page.contains(words) && page.contains("role=\"alert\""), "{flaw:?}: {page}");
        let log = desk.app.store.read().await.unwrap().list_recent_audit(i64::MAX, 1).await.unwrap();
        assert_eq!(log[0].entry.action, "refuse_openid", "{flaw:?}");
        assert!(!log[0].entry.detail.is_empty(), "{flaw:?}");
    }
    provider.expect(Flaw::Broken);
    let answer = Visitor::stranger(&desk).get("/sign-in/openid").await;
    assert_eq!(answer.status(), StatusCode::BAD_GATEWAY);
    assert!(answer.text().await.contains("cannot be reached"));
    provider.expect(Flaw::None);
    assert_eq!(signed_in(&desk, &sign_in(&desk).await).await, "sam");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_counts_once_and_in_the_browser_that_asked() {
    let provider = OpenIdServer::start();
    let desk = Desk::open_with(|config| config.sign_in.openid = Some(provider.config())).await;
    set_email(&desk, "sam", "sam@nordkomp.example").await;
    let mut visitor = Visitor::stranger(&desk);
    let address = begin(&mut visitor).await;
    let back = tokio::task::spawn_blocking(move || redirected(&address)).await.unwrap();
    let mut other = Visitor::stranger(&desk);
    begin(&mut other).await;
    for stranger in [&Visitor::stranger(&desk), &other] {
        let answer = come_back(&desk, stranger, &back).await;
        assert_eq!(answer.status(), StatusCode::BAD_REQUEST);
        assert!(answer.text().await.contains("another browser"));
    }
    assert_eq!(come_back(&desk, &visitor, &back).await.status(), StatusCode::SEE_OTHER);
    assert_eq!(
        come_back(&desk, &visitor, &back).await.status(),
        StatusCode::BAD_GATEWAY,
        "the code was used"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn whose_account_it_is_stays_so_until_an_administrator_forgets_it() {
    let provider = OpenIdServer::start();
    let desk = Desk::open_with(|config| {
        config.sign_in.openid = Some(provider.config());
        config.sign_in.new_people = Some(Role::Agent);
        config.sign_in.new_people_domains = vec!["Nordkomp.example".to_owned()];
    })
    .await;
    set_email(&desk, "sam", "sam@nordkomp.example").await;
    assert_eq!(signed_in(&desk, &sign_in(&desk).await).await, "sam");
    // the address is given to somebody else there
    provider.know("subject-2", "sam@nordkomp.example");
    assert!(sign_in(&desk).await.text().await.contains("another account"));
    let store = &desk.app.store;
    let sam = store.read().await.unwrap().find_person_by_name("sam").await.unwrap().unwrap();
    let ann = Visitor::sign_in(&desk, "ann").await;
    let path = format!("/users/{}", sam.id);
    assert!(ann.get(&path).await.text().await.contains("Forget that account"));
    let forgotten = ann.post(&path, &[("do", "forget_account")]).await;
    assert_eq!(forgotten.status(), StatusCode::SEE_OTHER);
    assert_eq!(signed_in(&desk, &sign_in(&desk).await).await, "sam");
    people::set_disabled(store, &sam, true, "test").await.unwrap().unwrap();
    assert!(sign_in(&desk).await.text().await.contains("may not sign in here any more"));
    // somebody new, of our domain and of another
    provider.know("subject-3", "new@nordkomp.example");
    assert_eq!(signed_in(&desk, &sign_in(&desk).await).await, "new@nordkomp.example");
    let new =
        store.read().await.unwrap().find_person_by_email("new@nordkomp.example").await.unwrap().unwrap();
    assert_eq!(new.role, Role::Agent);
    for password in ["", PASSWORD] {
        let by_password =
            Visitor::stranger(&desk).post("/sign-in", &[("name", &new.name), ("password", password)]).await;
        assert_eq!(by_password.status(), StatusCode::UNAUTHORIZED, "nobody knows a password");
    }
    provider.know("subject-4", "new@elsewhere.example");
    assert!(sign_in(&desk).await.text().await.contains("nobody here has that address"));
    // out, here and there
    let out = ann.post("/sign-out", &[]).await;
    assert_eq!(out.header(header::LOCATION), "/sign-in?out=1");
    assert!(ann.get("/sign-in?out=1").await.text().await.contains("href=\"/sign-in/openid/out\""));
    let there = ann.get("/sign-in/openid/out").await;
    assert!(there.header(header::LOCATION).contains("post_logout_redirect_uri="));
    assert!(Arc::clone(&desk.app).store.check_audit().await.unwrap().broken.is_none());
}
