//! The pages: the router on one page, one file for each noun.
//!
//! Every route states what stands before it ([`rights::Guard`]), and [`session::gate`] asks for that before it runs.
//! Pages read from the store and ask [`crate::pipeline::decision`] to decide: no business transaction is
//! made here. Nothing of a mail or document is ever run: HTML goes through [`html`] into a sandboxed frame, files leave
//! as downloads, pages of documents are shown as pictures that a reader process drew.
//!
//! Does not: hold words (they are in `templates/pages/text.*.toml`) nor looks (`templates/pages/assets`). All works
//! without scripts, and better with them.

pub mod assets;
pub mod chart;
pub mod error;
pub mod factor;
mod finding;
pub mod frame;
pub mod html;
pub mod pages {
    //! One file for each noun.
    pub mod account;
    pub mod account_form;
    pub mod api;
    pub mod audit;
    pub mod automation;
    pub mod catalogue;
    pub mod document;
    pub mod decide;
    pub mod draft;
    pub mod home;
    mod import;
    pub mod lesson;
    pub mod look;
    pub mod mailbox;
    pub mod mailbox_form;
    pub mod me;
    pub mod message;
    pub mod openid;
    pub mod outbox;
    pub mod quarantine;
    pub mod record;
    pub mod search;
    pub mod setting;
    pub mod sign_in;
    pub mod template;
    pub mod ticket;
    pub mod undo;
    pub mod user;
    pub mod webhook;
    pub mod work;
}
mod locale;
mod paging;
pub mod password;
pub mod review;
pub mod rights;
pub mod session;
mod table;
mod text;
pub mod views;

use crate::app::App;
use anyhow::Context as _;
use axum::{
    Extension, Router,
    extract::Request,
    http::{HeaderName, HeaderValue, Method, StatusCode, header},
    middleware::{self, Next},
    response::{IntoResponse as _, Response},
};
use error::{ApiError, PageError};
use futures::FutureExt as _;
use jiff::tz::TimeZone;
use pages::{
    account, account_form, api, audit, automation, catalogue, decide, document, draft, home, lesson, look,
    mailbox, mailbox_form, me, message, openid, outbox, quarantine, record, search, setting, sign_in,
    template, ticket, undo, user, webhook, work,
};
use rights::{Right, Scope};
use std::{future::Future, net::SocketAddr, panic::AssertUnwindSafe, sync::Arc, time::Duration};
pub use table::Route;
use table::Table;
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
    let (router, _) = table().finish();
    router
        .fallback(|| async { PageError::NotFound })
        .layer(middleware::from_fn(catch))
        .layer(middleware::from_fn(uniform))
        .layer(middleware::from_fn(text::speak))
        .layer(middleware::from_fn(harden))
        .layer(Extension(Arc::clone(&desk)))
        .with_state(desk)
}

/// Every route and what stands before it: what the tests of rights and of the API's description go by.
pub fn routes() -> Vec<Route> {
    table().finish().1
}

/// The routes, by noun.
fn table() -> Table {
    use Right::{Answer, Own, Read, Review};
    Table::default()
        .open(Method::GET, "/sign-in", sign_in::show)
        .open(Method::POST, "/sign-in", sign_in::enter)
        .open(Method::GET, "/sign-in/code", sign_in::show_code)
        .open(Method::POST, "/sign-in/code", sign_in::enter_code)
        .open(Method::GET, "/sign-in/openid", openid::begin)
        .open(Method::GET, "/sign-in/openid/back", openid::back)
        .open(Method::GET, "/sign-in/openid/out", openid::leave)
        .open(Method::GET, "/api/v1/openapi.json", || async { api::describe() })
        .open(Method::GET, "/assets/{version}/{name}", assets::show)
        .post(Own, "/sign-out", sign_in::leave)
        .get(Own, "/me", me::show)
        .get(Own, "/me/mentions", me::mentions)
        .post(Own, "/me/look", look::choose)
        .post(Own, "/me/password", me::set_password)
        .post(Own, "/me/factor", me::set_factor)
        .post(Own, "/me/sessions", me::end_session)
        .post(Own, "/me/tokens", me::set_token)
        .get(Read, "/", home::show)
        .get(Read, "/search", search::show)
        .get(Read, "/search.csv", search::csv)
        .post(Own, "/search/saved", search::save)
        .post(Own, "/search/saved/{id}/remove", search::forget)
        // tickets and messages
        .get(Read, "/queues/{queue}", ticket::list)
        .get(Read, "/tickets/{number}", ticket::show)
        .post(Answer, "/tickets/{number}/answer", work::answer)
        .get(Read, "/tickets/{number}/answer", work::to_ticket)
        .get(Read, "/tickets/{number}/notes", work::to_ticket)
        .post(Answer, "/tickets/{number}/change", work::change)
        .post(Answer, "/tickets/{number}/notes", work::note)
        .post(Answer, "/tickets/{number}/join", work::join)
        .post(Answer, "/tickets/{number}/draft", work::keep_draft)
        .post(Answer, "/queues/{queue}/change", work::change_many)
        .post(Own, "/queues/{queue}/save", work::save_view)
        .post(Own, "/views/{id}/remove", work::remove_view)
        .get(Read, "/live", work::live)
        .post(Answer, "/messages/{id}/move", work::move_message)
        .get(Read, "/messages/{id}/html", message::html)
        .get(Read, "/messages/{id}/raw", message::raw)
        .get(Read, "/messages/{id}/attachments/{position}", message::attachment)
        .post(Answer, "/messages/{id}/follow-up", message::follow_up)
        .get(Read, "/outbox/{id}/raw", outbox::raw)
        // documents, drafts and records
        .get(Read, "/documents/{id}", document::show)
        .post(Review, "/documents/{id}/read", document::read_again)
        .post(Review, "/documents/{id}/forget-passwords", document::forget_passwords)
        .get(Read, "/documents/{id}/file", document::file)
        .get(Read, "/documents/{id}/pages/{page}", document::picture)
        .get(Read, "/drafts", draft::list)
        .get(Read, "/drafts/{id}", draft::show)
        .post(Review, "/drafts/{id}", decide::change)
        .get(Read, "/drafts/{id}/words", draft::words)
        .post(Review, "/drafts/{id}/ask", decide::ask)
        .post(Review, "/drafts/{id}/reject", decide::reject)
        .post(Review, "/drafts/{id}/undo", undo::undo)
        .post(Review, "/drafts/{id}/hand-over", undo::hand_over)
        .get(Read, "/drafts/{id}/choices", undo::choices)
        .get(Read, "/lessons", lesson::list)
        .post(Review, "/lessons/{id}", lesson::decide)
        .post(Review, "/item-references/{id}", lesson::forget_reference)
        .get(Read, "/records/{id}", record::show)
        // customers and goods
        .get(Read, "/accounts", account::list)
        .post(Review, "/accounts", account_form::add)
        .get(Read, "/accounts.csv", account::export)
        .post(Review, "/accounts/import", account::load)
        .get(Read, "/accounts/duplicates", account::duplicates)
        .get(Read, "/accounts/{id}", account::show)
        .post(Review, "/accounts/{id}", account_form::edit)
        .post(Answer, "/accounts/{id}/notes", account::note)
        .post(Review, "/accounts/{id}/merge", account::merge)
        .post(Review, "/account-merges/{id}", account::undo_merge)
        .get(Read, "/catalogue", catalogue::list)
        .get(Read, "/catalogue.csv", catalogue::export)
        .post(Review, "/catalogue/import", catalogue::load)
        .group(programs)
}

/// Tickets, drafts, records and accounts for programs.
fn programs(table: Table) -> Table {
    use Right::{Answer, Read, Review};
    table
        .api(Scope::Read, Read, Method::GET, "/api/v1/tickets", api::list_tickets)
        .api(Scope::Read, Read, Method::GET, "/api/v1/tickets/{number}", api::show_ticket)
        .api(Scope::Tickets, Answer, Method::POST, "/api/v1/tickets/{number}", api::change_ticket)
        .api(Scope::Tickets, Answer, Method::POST, "/api/v1/tickets/{number}/answer", api::answer_ticket)
        .api(Scope::Read, Read, Method::GET, "/api/v1/messages/{id}", api::show_message)
        .api(Scope::Read, Read, Method::GET, "/api/v1/messages/{id}/raw", api::raw_message)
        .api(Scope::Read, Read, Method::GET, "/api/v1/drafts", api::list_drafts)
        .api(Scope::Read, Read, Method::GET, "/api/v1/drafts/{id}", api::show_draft)
        .api(Scope::Drafts, Review, Method::POST, "/api/v1/drafts/{id}/approve", api::approve_draft)
        .api(Scope::Drafts, Review, Method::POST, "/api/v1/drafts/{id}/reject", api::reject_draft)
        .api(Scope::Read, Read, Method::GET, "/api/v1/search", api::search)
        .api(Scope::Read, Read, Method::GET, "/api/v1/records", api::list_records)
        .api(Scope::Read, Read, Method::GET, "/api/v1/records/{id}", api::show_record)
        .api(Scope::Read, Read, Method::GET, "/api/v1/accounts", api::list_accounts)
        .api(Scope::Read, Read, Method::GET, "/api/v1/accounts/{id}", api::show_account)
        .api(Scope::Accounts, Review, Method::POST, "/api/v1/accounts/{id}", api::change_account)
        .group(service)
}

/// Who may sign in, and how the service runs.
fn service(table: Table) -> Table {
    use Right::{Administer, Oversee};
    table
        .get(Oversee, "/users", user::list)
        .post(Administer, "/users", user::add)
        .get(Oversee, "/users/{id}", user::show)
        .post(Administer, "/users/{id}", user::change)
        .get(Oversee, "/webhooks", webhook::list)
        .post(Administer, "/webhooks", webhook::add)
        .post(Administer, "/webhooks/{id}", webhook::change)
        .get(Oversee, "/audit", audit::list)
        .get(Oversee, "/automation", automation::show)
        .get(Oversee, "/settings/{group}", setting::show)
        .post(Administer, "/settings/{group}", setting::change)
        .get(Oversee, "/templates", template::list)
        .get(Oversee, "/templates/{name}/{language}", template::show)
        .post(Administer, "/templates/{name}/{language}", template::change)
        .get(Oversee, "/mailboxes", mailbox::list)
        .get(Administer, "/mailboxes/new", mailbox_form::blank)
        .post(Administer, "/mailboxes", mailbox_form::save)
        .get(Administer, "/mailboxes/{name}/edit", mailbox_form::edit)
        .post(Administer, "/mailboxes/{name}/remove", mailbox_form::remove)
        .post(Administer, "/mailboxes/{name}/test", mailbox::test)
        .get(Administer, "/mailboxes/consent", mailbox::consent)
        .get(Administer, "/mailboxes/{name}/sign-in", mailbox::sign_in)
        .get(Oversee, "/quarantine", quarantine::list)
        .post(Administer, "/quarantine/all", quarantine::reprocess_all)
        .post(Administer, "/quarantine/{id}", quarantine::decide)
        .get(Oversee, "/quarantine/{id}/raw", quarantine::raw)
        .get(Oversee, "/outbox", outbox::list)
        .post(Administer, "/outbox/{id}", outbox::decide)
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

/// What the layers below refuse in their own words, such as an address with letters for a number, is said as pages and
/// programs hear everything else.
async fn uniform(request: Request, next: Next) -> Response {
    let for_programs = request.uri().path().starts_with("/api/");
    let response = next.run(request).await;
    let status = response.status();
    let kind = response.headers().get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok());
    let ours = kind.is_some_and(|kind| !kind.starts_with("text/plain"));
    let page = kind.is_some_and(|kind| kind.starts_with("text/html"));
    if !status.is_client_error() || (ours && !(for_programs && page)) {
        return response;
    }
    let refusal = match status {
        StatusCode::NOT_FOUND => PageError::NotFound,
        // a part of the address that is no number names nothing that there is
        StatusCode::BAD_REQUEST if !for_programs => PageError::NotFound,
        StatusCode::METHOD_NOT_ALLOWED => PageError::refused(status, "error.method"),
        StatusCode::PAYLOAD_TOO_LARGE => PageError::refused(status, "error.too_large"),
        _ => PageError::refused(status, "error.bad_request"),
    };
    let allow = response.headers().get(header::ALLOW).cloned();
    let mut told = if for_programs { ApiError(refusal).into_response() } else { refusal.into_response() };
    if let Some(allow) = allow {
        told.headers_mut().insert(header::ALLOW, allow);
    }
    told
}

/// Puts the headers on every answer that do not depend on it.
async fn harden(request: Request, next: Next) -> Response {
    let mut response = next.run(request).await;
    let headers = response.headers_mut();
    let fixed = [
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
        (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
        (HeaderName::from_static("permissions-policy"), "camera=(), microphone=(), geolocation=()"),
    ];
    for (name, value) in fixed {
        headers.insert(name, HeaderValue::from_static(value));
    }
    headers.entry(header::REFERRER_POLICY).or_insert(HeaderValue::from_static("same-origin"));
    headers.entry(header::CONTENT_SECURITY_POLICY).or_insert(HeaderValue::from_static(POLICY));
    headers.entry(header::CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
    response
}
