//! The pages: the router on one page, one file for each noun.
//!
//! Every page but the sign-in and the assets stands behind [`session::gate`], those for administrators behind a second
//! gate. Pages read from the store and ask [`crate::pipeline::decision`] to decide: no business transaction is
//! made here. Nothing of a mail or document is ever run: HTML goes through [`html`] into a sandboxed frame, files leave
//! as downloads, pages of documents are shown as pictures that a reader process drew.
//!
//! Does not: hold words (they are in `templates/pages/text.*.toml`) nor looks (`templates/pages/assets`). All works
//! without scripts, and better with them.

pub mod assets;
pub mod error;
pub mod frame;
pub mod html;
pub mod pages {
    //! One file for each noun.
    pub mod audit;
    pub mod automation;
    pub mod document;
    pub mod draft;
    pub mod home;
    pub mod lesson;
    pub mod mailbox;
    pub mod message;
    pub mod outbox;
    pub mod quarantine;
    pub mod record;
    pub mod search;
    pub mod sign_in;
    pub mod ticket;
}
mod paging;
pub mod password;
pub mod review;
pub mod session;
mod text;
pub mod views;

use crate::app::App;
use anyhow::Context as _;
use axum::{
    Router,
    extract::Request,
    http::{HeaderName, HeaderValue, header},
    middleware::{self, Next},
    response::{IntoResponse as _, Response},
    routing::{get, post},
};
use error::PageError;
use futures::FutureExt as _;
use jiff::tz::TimeZone;
use pages::{
    audit, automation, document, draft, home, lesson, mailbox, message, outbox, quarantine, record, search,
    sign_in, ticket,
};
use std::{future::Future, net::SocketAddr, panic::AssertUnwindSafe, sync::Arc, time::Duration};
use tokio::sync::Notify;

/// What pages may do: everything from here, no scripts or styles in the page, no frames around it.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; \
                      frame-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'";

/// What the pages work with.
#[derive(Debug)]
pub struct Desk {
    app: Arc<App>,
    attempts: session::Attempts,
    pictures: document::Pictures,
}

impl Desk {
    fn base_url(&self) -> &str {
        &self.app.config.web.base_url
    }

    fn is_secure(&self) -> bool {
        self.base_url().starts_with("https:")
    }

    fn session_ms(&self) -> i64 {
        self.app.config.web.session_hours.clamp(1, 24 * 30) * 3_600_000
    }
}

/// Every address.
pub fn router(app: Arc<App>) -> Router {
    views::set_time_zone(TimeZone::get(&app.config.web.time_zone).unwrap_or(TimeZone::UTC));
    let desk = Arc::new(Desk {
        app,
        attempts: session::Attempts::default(),
        pictures: document::Pictures::default(),
    });
    let administrator = Router::new()
        .route("/audit", get(audit::list))
        .route("/automation", get(automation::show))
        .route("/mailboxes", get(mailbox::list))
        .route("/mailboxes/consent", get(mailbox::consent))
        .route("/mailboxes/{name}/sign-in", get(mailbox::sign_in))
        .route("/quarantine", get(quarantine::list))
        .route("/quarantine/{id}", post(quarantine::decide))
        .route("/quarantine/{id}/raw", get(quarantine::raw))
        .route("/outbox", get(outbox::list))
        .route("/outbox/{id}", post(outbox::decide))
        .route_layer(middleware::from_fn(session::administrators_only));
    let staff = Router::new()
        .route("/", get(home::show))
        .route("/queues/{queue}", get(ticket::list))
        .route("/tickets/{number}", get(ticket::show))
        .route("/tickets/{number}/answer", post(ticket::answer))
        .route("/tickets/{number}/state", post(ticket::set_state))
        .route("/tickets/{number}/queue", post(ticket::set_queue))
        .route("/messages/{id}/html", get(message::html))
        .route("/messages/{id}/raw", get(message::raw))
        .route("/messages/{id}/attachments/{position}", get(message::attachment))
        .route("/messages/{id}/follow-up", post(message::follow_up))
        .route("/documents/{id}", get(document::show))
        .route("/documents/{id}/read", post(document::read_again))
        .route("/documents/{id}/forget-passwords", post(document::forget_passwords))
        .route("/documents/{id}/file", get(document::file))
        .route("/documents/{id}/pages/{page}", get(document::picture))
        .route("/drafts", get(draft::list))
        .route("/drafts/{id}", get(draft::show).post(draft::change))
        .route("/drafts/{id}/words", get(draft::words))
        .route("/drafts/{id}/ask", post(draft::ask))
        .route("/drafts/{id}/reject", post(draft::reject))
        .route("/lessons", get(lesson::list))
        .route("/lessons/{id}", post(lesson::decide))
        .route("/item-references/{id}", post(lesson::forget_reference))
        .route("/records/{id}", get(record::show))
        .route("/outbox/{id}/raw", get(outbox::raw))
        .route("/search", get(search::show))
        .route("/sign-out", post(sign_in::leave));
    Router::new()
        .merge(staff)
        .merge(administrator)
        .route_layer(middleware::from_fn_with_state(Arc::clone(&desk), session::gate))
        .route("/sign-in", get(sign_in::show).post(sign_in::enter))
        .route("/assets/{version}/{name}", get(assets::show))
        .fallback(|| async { PageError::NotFound })
        .layer(middleware::from_fn(catch))
        .layer(middleware::from_fn(text::speak))
        .layer(middleware::from_fn(harden))
        .with_state(desk)
}

/// How long pages that are under way may take after the service was told to stop.
const GRACE: Duration = Duration::from_secs(10);

/// Serves the pages until `stop` is done, and then, for a while, what is under way.
pub async fn serve(
    app: Arc<App>,
    listener: tokio::net::TcpListener,
    stop: impl Future<Output = ()> + Send + 'static,
) -> anyhow::Result<()> {
    let service = router(app).into_make_service_with_connect_info::<SocketAddr>();
    let stopped = Arc::new(Notify::new());
    let late = Arc::clone(&stopped);
    let stop = async move {
        stop.await;
        stopped.notify_one();
    };
    let late = async move {
        late.notified().await;
        tokio::time::sleep(GRACE).await;
    };
    tokio::select! {
        served = axum::serve(listener, service).with_graceful_shutdown(stop) => served.context("the pages could not be served"),
        () = late => Ok(()),
    }
}

/// A page that panics is an error of ours, and costs itself.
async fn catch(request: Request, next: Next) -> Response {
    match AssertUnwindSafe(next.run(request)).catch_unwind().await {
        Ok(response) => response,
        Err(_) => PageError::Internal(anyhow::anyhow!("a page panicked")).into_response(),
    }
}

/// Puts the headers on every answer that do not depend on it.
async fn harden(request: Request, next: Next) -> Response {
    let mut response = next.run(request).await;
    let headers = response.headers_mut();
    let fixed = [
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::REFERRER_POLICY, "same-origin"),
        (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
        (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
        (HeaderName::from_static("permissions-policy"), "camera=(), microphone=(), geolocation=()"),
    ];
    for (name, value) in fixed {
        headers.insert(name, HeaderValue::from_static(value));
    }
    headers.entry(header::CONTENT_SECURITY_POLICY).or_insert(HeaderValue::from_static(POLICY));
    headers.entry(header::CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
    response
}
