//! A visitor of the pages without a browser: signs in, keeps the cookie, sends forms as a page would.

use super::desk::{Desk, PASSWORD};
use axum::{
    body::{Body, to_bytes},
    http::{Method, Request, Response, StatusCode, header},
};
use mailroom::web;
use std::sync::Arc;
use tower::ServiceExt as _;

/// Somebody with a cookie.
pub(crate) struct Visitor {
    router: axum::Router,
    /// `name=value` of the session.
    pub(crate) cookie: String,
    pub(crate) csrf: String,
    pub(crate) host: String,
}

/// What a page answered.
pub(crate) struct Answer {
    response: Response<Body>,
}

impl Answer {
    pub(crate) fn status(&self) -> StatusCode {
        self.response.status()
    }

    pub(crate) fn header(&self, name: impl header::AsHeaderName) -> &str {
        self.response.headers().get(name).map_or("", |value| value.to_str().unwrap())
    }

    pub(crate) async fn text(self) -> String {
        String::from_utf8_lossy(&self.bytes().await).into_owned()
    }

    pub(crate) async fn bytes(self) -> Vec<u8> {
        to_bytes(self.response.into_body(), 10_000_000).await.unwrap().into()
    }
}

pub(crate) fn encode(text: &str) -> String {
    text.bytes()
        .map(|b| if b.is_ascii_alphanumeric() { char::from(b).to_string() } else { format!("%{b:02X}") })
        .collect()
}

impl Visitor {
    pub(crate) fn stranger(desk: &Desk) -> Self {
        let router = web::router(Arc::clone(&desk.app));
        let host = desk.address.replace("http://", "");
        Self { router, cookie: String::new(), csrf: String::new(), host }
    }

    pub(crate) async fn sign_in(desk: &Desk, name: &str) -> Self {
        let mut visitor = Self::stranger(desk);
        let answer = visitor.post("/sign-in", &[("name", name), ("password", PASSWORD)]).await;
        assert_eq!(answer.status(), StatusCode::SEE_OTHER);
        let cookie = answer.header(header::SET_COOKIE).to_owned();
        assert!(cookie.contains("HttpOnly") && cookie.contains("SameSite=Lax"), "{cookie}");
        cookie.split(';').next().unwrap().clone_into(&mut visitor.cookie);
        let home = visitor.get("/").await.text().await;
        let (_, rest) = home.split_once("name=\"csrf\" value=\"").expect("a token on the page");
        rest.split('"').next().unwrap().clone_into(&mut visitor.csrf);
        visitor
    }

    pub(crate) async fn send(&self, request: Request<Body>) -> Answer {
        Answer { response: self.router.clone().oneshot(request).await.unwrap() }
    }

    pub(crate) async fn get(&self, path: &str) -> Answer {
        let request = Request::builder().uri(path).header(header::COOKIE, &self.cookie);
        self.send(request.body(Body::empty()).unwrap()).await
    }

    pub(crate) async fn post(&self, path: &str, fields: &[(&str, &str)]) -> Answer {
        let mut body: Vec<String> =
            fields.iter().map(|(k, v)| format!("{}={}", encode(k), encode(v))).collect();
        body.push(format!("csrf={}", self.csrf));
        let request = Request::builder()
            .method(Method::POST)
            .uri(path)
            .header(header::COOKIE, &self.cookie)
            .header(header::HOST, &self.host)
            .header(header::ORIGIN, format!("http://{}", self.host))
            .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded");
        self.send(request.body(Body::from(body.join("&"))).unwrap()).await
    }
}
