//! Who asks: the session cookie, the gate that every page but the sign-in stands behind, and the limit on attempts.
//!
//! [`gate`] is the one place that decides: no page behind it runs without a session, no change without a form that
//! came from our own page (`Origin`, and the session's token in the field `csrf`), and nothing without the right that
//! its route states ([`super::rights`]). The cookie holds 256 random bits; the database knows only their hash.

use super::{
    Desk,
    error::{ApiError, PageError},
    rights::{Guard, Right, Scope},
    text,
};
use crate::{
    clock,
    model::ids::UserId,
    store::{person::Role, session::Session},
};
use axum::{
    body::{Body, to_bytes},
    extract::{Form, FromRequest as _, Multipart, Request},
    http::{HeaderMap, HeaderValue, Method, StatusCode, header, request::Parts},
    middleware::Next,
    response::{IntoResponse as _, Response},
};
use sha2::{Digest as _, Sha256};
use std::{
    collections::HashMap,
    net::IpAddr,
    sync::{Arc, Mutex, PoisonError},
};

/// The largest form.
pub const FORM_BYTES_MAX: usize = 2 * 1024 * 1024;
/// The largest form with files.
pub const UPLOAD_BYTES_MAX: usize = 32 * 1024 * 1024;
/// Fields and files of a form with files.
const FORM_PARTS_MAX: usize = 1_000;
/// Failed attempts to sign in before a name has to wait.
pub const ATTEMPTS_MAX: u32 = 10;
/// The same for an address: more, because a whole office may share one.
pub const ATTEMPTS_OF_ADDRESS_MAX: u32 = 50;
/// How long failed attempts count.
pub const ATTEMPTS_WINDOW_MS: i64 = 15 * 60 * 1000;
/// Names and addresses remembered at most.
const ATTEMPTS_KEPT_MAX: usize = 20_000;

/// The signed-in person who asks.
#[derive(Clone, Debug)]
pub struct Visit {
    /// Who.
    pub person: UserId,
    /// Name: what the audit log calls him or her.
    pub name: String,
    /// What he or she may do.
    pub role: Role,
    /// What forms must send back.
    pub csrf: String,
    /// The session, by the hash of its key.
    pub key_hash: String,
    /// Key of the text that says what was just done.
    pub done: Option<String>,
}

impl Visit {
    /// Whether he or she may do that.
    pub fn may(&self, right: Right) -> bool {
        self.role.may(right)
    }
}

/// The fields of a form that passed the gate.
#[derive(Clone, Debug, Default)]
pub struct Posted(pub Vec<(String, String)>);

impl Posted {
    /// A field's text without blanks around it; empty if it is missing.
    pub fn text(&self, name: &str) -> &str {
        self.0.iter().find(|(key, _)| key == name).map_or("", |(_, value)| value.trim())
    }

    /// Whether one of the fields of that name has that value: a tick among several.
    pub fn has(&self, name: &str, value: &str) -> bool {
        self.0.iter().any(|(key, text)| key == name && text == value)
    }

    /// All values of a field that may be there several times.
    pub fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        self.0.iter().filter(move |(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    /// A field exactly as it was sent: passwords may begin with blanks.
    pub fn raw(&self, name: &str) -> &str {
        self.0.iter().find(|(key, _)| key == name).map_or("", |(_, value)| value)
    }

    /// A whole number.
    pub fn number(&self, name: &str) -> Option<i64> {
        self.text(name).parse().ok()
    }
}

/// A file of a form.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct File {
    /// Name of the field.
    pub field: String,
    /// As the sender calls it: hostile.
    pub name: String,
    /// What is in it.
    pub bytes: Vec<u8>,
}

/// The files of a form that passed the gate.
#[derive(Clone, Debug, Default)]
pub struct Files(pub Vec<File>);

impl Files {
    /// The first file of a field.
    pub fn find(&self, field: &str) -> Option<&File> {
        self.0.iter().find(|file| file.field == field)
    }
}

/// Lets a request through to its page, or says why not.
pub(super) async fn gate(guard: Guard, request: Request, next: Next) -> Response {
    let desk = request.extensions().get::<Arc<Desk>>().cloned();
    let admitted = match (guard, desk) {
        (Guard::Open, _) => Ok(request),
        (_, None) => Err(PageError::Internal(anyhow::anyhow!("a route without a desk"))),
        (Guard::Session(right), Some(desk)) => admit(&desk, right, request).await,
        (Guard::Token(scope, right), Some(desk)) => {
            return match admit_token(&desk, scope, right, request).await {
                Ok(request) => next.run(request).await,
                Err(error) => ApiError(error).into_response(),
            };
        }
    };
    match admitted {
        Ok(request) => next.run(request).await,
        Err(error) => error.into_response(),
    }
}

async fn admit(desk: &Desk, right: Right, request: Request) -> Result<Request, PageError> {
    let (mut parts, body) = request.into_parts();
    let reading = matches!(parts.method, Method::GET | Method::HEAD);
    let visit = match cookie(desk, &parts.headers) {
        Some(key) => find_visit(desk, &key).await?,
        None => None,
    };
    let Some(mut visit) = visit else {
        let next = parts.uri.path_and_query().filter(|_| reading).map_or("/", |path| path.as_str());
        return Err(PageError::SignIn { next: next.to_owned() });
    };
    visit.done = parts
        .uri
        .query()
        .and_then(|query| query.split('&').find_map(|pair| pair.strip_prefix("done=")).map(str::to_owned));
    if !reading {
        check_origin(desk, &parts.headers)?;
        let (posted, files) = read_form(&parts, body).await?;
        if hash(posted.text("csrf")) != hash(&visit.csrf) {
            return Err(PageError::refused(StatusCode::FORBIDDEN, "error.csrf"));
        }
        parts.extensions.insert(posted);
        parts.extensions.insert(files);
    }
    if !visit.may(right) {
        return Err(PageError::refused(StatusCode::FORBIDDEN, "error.role"));
    }
    parts.extensions.insert(visit);
    Ok(Request::from_parts(parts, Body::empty()))
}

/// How exactly the last use of a key is noted.
const LAST_USED_STEP_MS: i64 = 3_600_000;

/// Lets a program through that holds a key of somebody with the right. There is no cookie here, so nothing to forge.
async fn admit_token(
    desk: &Desk,
    scope: Scope,
    right: Right,
    request: Request,
) -> Result<Request, PageError> {
    let (mut parts, body) = request.into_parts();
    let key = parts.headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
    let key = key.and_then(|value| value.strip_prefix("Bearer ")).unwrap_or_default();
    let now_ms = clock::now_ms();
    let found = desk.app.store.read().await?.find_api_token(&hash(key), now_ms).await?;
    let Some((token, owner)) = found else {
        return Err(PageError::refused(StatusCode::UNAUTHORIZED, "error.token"));
    };
    if !token.scopes.iter().any(|name| name == scope.as_str()) || !owner.role.may(right) {
        return Err(PageError::refused(StatusCode::FORBIDDEN, "error.role"));
    }
    if token.last_used_ms.is_none_or(|used_ms| now_ms - used_ms >= LAST_USED_STEP_MS) {
        let mut tx = desk.app.store.begin().await?;
        tx.touch_api_token(&token.id, now_ms).await?;
        tx.commit().await?;
    }
    let bytes = to_bytes(body, FORM_BYTES_MAX)
        .await
        .map_err(|_too_large| PageError::refused(StatusCode::PAYLOAD_TOO_LARGE, "error.too_large"))?;
    parts.extensions.insert(Visit {
        person: owner.id,
        name: format!("{} ({})", owner.name, token.name),
        role: owner.role,
        csrf: String::new(),
        key_hash: String::new(),
        done: None,
    });
    Ok(Request::from_parts(parts, Body::from(bytes)))
}

/// The fields and files of a form, in either of its two encodings.
async fn read_form(parts: &Parts, body: Body) -> Result<(Posted, Files), PageError> {
    fn bad(_unreadable: impl std::error::Error) -> PageError {
        PageError::refused(StatusCode::BAD_REQUEST, "error.bad_form")
    }
    let content_type = parts.headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
    let with_files = content_type.is_some_and(|kind| kind.starts_with("multipart/form-data"));
    let bytes_max = if with_files { UPLOAD_BYTES_MAX } else { FORM_BYTES_MAX };
    let bytes = to_bytes(body, bytes_max)
        .await
        .map_err(|_too_large| PageError::refused(StatusCode::PAYLOAD_TOO_LARGE, "error.too_large"))?;
    let form = Request::from_parts(parts.clone(), Body::from(bytes));
    if !with_files {
        let Form(fields) = Form::<Vec<(String, String)>>::from_request(form, &()).await.map_err(bad)?;
        return Ok((Posted(fields), Files::default()));
    }
    let mut form = Multipart::from_request(form, &()).await.map_err(bad)?;
    let (mut posted, mut files) = (Posted::default(), Files::default());
    while let Some(part) = form.next_field().await.map_err(bad)? {
        if posted.0.len() + files.0.len() >= FORM_PARTS_MAX {
            return Err(PageError::refused(StatusCode::BAD_REQUEST, "error.bad_form"));
        }
        let field = part.name().unwrap_or_default().to_owned();
        let name = part.file_name().map(str::to_owned);
        let bytes = part.bytes().await.map_err(bad)?;
        match name {
            Some(name) if !bytes.is_empty() => files.0.push(File { field, name, bytes: bytes.to_vec() }),
            Some(_) => {}
            None => posted.0.push((field, String::from_utf8_lossy(&bytes).into_owned())),
        }
    }
    Ok((posted, files))
}

/// Refuses a form that another site's page sent.
pub(super) fn check_origin(desk: &Desk, headers: &HeaderMap) -> Result<(), PageError> {
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    let refused = || PageError::refused(StatusCode::FORBIDDEN, "error.origin");
    if text("sec-fetch-site").is_some_and(|site| !matches!(site, "same-origin" | "none")) {
        return Err(refused());
    }
    let Some(origin) = text("origin") else { return Ok(()) };
    let own = desk.base_url().trim_end_matches('/');
    let here = text("host").is_some_and(|host| {
        ["http://", "https://"].iter().any(|scheme| origin.strip_prefix(scheme) == Some(host))
    });
    if origin == own || here { Ok(()) } else { Err(refused()) }
}

/// SHA-256 in hex: what is kept of a key.
pub(super) fn hash(text: &str) -> String {
    hex::encode(Sha256::digest(text.as_bytes()))
}

fn cookie_name(desk: &Desk) -> &'static str {
    if desk.is_secure() { "__Host-mailroom" } else { "mailroom" }
}

/// The value of the session cookie.
pub(super) fn cookie(desk: &Desk, headers: &HeaderMap) -> Option<String> {
    let value = text::cookie(headers, cookie_name(desk))?;
    (value.len() == 64).then(|| value.to_owned())
}

async fn find_visit(desk: &Desk, key: &str) -> Result<Option<Visit>, PageError> {
    let key_hash = hash(key);
    let mut db = desk.app.store.read().await?;
    let session = db.find_session(&key_hash, false, clock::now_ms()).await?;
    Ok(session.map(|Session { person, csrf, .. }| Visit {
        person: person.id,
        name: person.name,
        role: person.role,
        csrf,
        key_hash,
        done: None,
    }))
}

/// Fresh random text for a cookie or a token, and its hash.
pub(super) fn fresh_key() -> (String, String) {
    let key = hex::encode(clock::random_bytes::<32>());
    let key_hash = hash(&key);
    (key, key_hash)
}

/// The header that sets the session cookie, or, without a key, takes it away.
pub(super) fn set_cookie(desk: &Desk, key: Option<&str>) -> HeaderValue {
    cookie_header(desk, cookie_name(desk), key, desk.session_ms() / 1000)
}

/// The header that sets a cookie that only we read, or, without a value, takes it away.
pub(super) fn cookie_header(desk: &Desk, name: &str, value: Option<&str>, age_s: i64) -> HeaderValue {
    let secure = if desk.is_secure() { "; Secure" } else { "" };
    let age_s = value.map_or(0, |_| age_s);
    let value = value.unwrap_or_default();
    let text = format!("{name}={value}; Path=/; HttpOnly; SameSite=Lax; Max-Age={age_s}{secure}");
    HeaderValue::from_str(&text).unwrap_or(HeaderValue::from_static(""))
}

/// Failed attempts to sign in, by name and by address.
#[derive(Debug, Default)]
pub struct Attempts {
    failed: Mutex<HashMap<String, (u32, i64)>>,
}

impl Attempts {
    fn keys(name: &str, address: Option<IpAddr>) -> [(String, u32); 2] {
        let address = address.map_or_else(String::new, |address| address.to_string());
        [
            (format!("name {}", hash(name)), ATTEMPTS_MAX),
            (format!("address {address}"), ATTEMPTS_OF_ADDRESS_MAX),
        ]
    }

    /// Whether another attempt may be made now.
    pub fn may_try(&self, name: &str, address: Option<IpAddr>, now_ms: i64) -> bool {
        let failed = self.failed.lock().unwrap_or_else(PoisonError::into_inner);
        Self::keys(name, address).iter().all(|(key, max)| {
            failed
                .get(key)
                .is_none_or(|(count, since_ms)| count < max || now_ms - since_ms >= ATTEMPTS_WINDOW_MS)
        })
    }

    /// Counts an attempt; it is taken back if it turns out well, so that many at once do not slip through.
    pub fn count(&self, name: &str, address: Option<IpAddr>, now_ms: i64) {
        let mut failed = self.failed.lock().unwrap_or_else(PoisonError::into_inner);
        if failed.len() >= ATTEMPTS_KEPT_MAX {
            failed.retain(|_, (_, since_ms)| now_ms - *since_ms < ATTEMPTS_WINDOW_MS);
        }
        if failed.len() >= ATTEMPTS_KEPT_MAX {
            failed.clear();
        }
        for (key, _) in Self::keys(name, address) {
            let entry = failed.entry(key).or_insert((0, now_ms));
            if now_ms - entry.1 >= ATTEMPTS_WINDOW_MS {
                *entry = (0, now_ms);
            }
            entry.0 += 1;
        }
    }

    /// Forgets the failures of a name and takes back one of its address.
    pub fn forgive(&self, name: &str, address: Option<IpAddr>) {
        let mut failed = self.failed.lock().unwrap_or_else(PoisonError::into_inner);
        let [(by_name, _), (by_address, _)] = Self::keys(name, address);
        failed.remove(&by_name);
        if let Some((count, _)) = failed.get_mut(&by_address) {
            *count = count.saturating_sub(1);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ten_failures_have_to_wait() {
        let attempts = Attempts::default();
        for _ in 0..ATTEMPTS_MAX {
            assert!(attempts.may_try("ann", None, 0));
            attempts.count("ann", None, 0);
        }
        assert!(!attempts.may_try("ann", None, 1));
        assert!(attempts.may_try("bob", None, 1), "others at the same address may still come in");
        for name in 0..ATTEMPTS_OF_ADDRESS_MAX {
            attempts.count(&name.to_string(), None, 1);
        }
        assert!(!attempts.may_try("bob", None, 1), "until the address has to wait too");
        assert!(attempts.may_try("ann", None, ATTEMPTS_WINDOW_MS));
    }
}
