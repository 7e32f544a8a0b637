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
/// Failed attempts to sign in from one address before a name has to wait there.
pub const ATTEMPTS_MAX: u32 = 10;
/// The same for a name from all addresses together: far above, for a stranger must not lock anybody out.
pub const ATTEMPTS_OF_NAME_MAX: u32 = 500;
/// Longest wait after one more failure.
pub const ATTEMPTS_DELAY_MAX_MS: i64 = 4 * 60 * 60 * 1000;
/// How long a name's failures at an address where it has to wait are remembered after the last one.
const ATTEMPTS_FORGOTTEN_MS: i64 = 24 * 60 * 60 * 1000;
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
        key_hash: hash(key),
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

/// What failed attempts are counted under.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Tried {
    /// One name from one network: waits longer after each failure.
    Here,
    /// One name from anywhere: far above, so that a stranger's guesses do not lock out who knows the password.
    Name,
    /// Any name from one network.
    Network,
}

/// Failures under one key.
#[derive(Clone, Copy, Debug)]
struct Failed {
    count: u32,
    since_ms: i64,
    last_ms: i64,
}

impl Failed {
    /// Whether they stand in the way of another attempt.
    fn blocks(self, tried: Tried, now_ms: i64) -> bool {
        match tried {
            Tried::Here if self.count < ATTEMPTS_MAX => false,
            Tried::Here => now_ms - self.last_ms < delay_ms(self.count),
            Tried::Name => self.count >= ATTEMPTS_OF_NAME_MAX && now_ms - self.since_ms < ATTEMPTS_WINDOW_MS,
            Tried::Network => {
                self.count >= ATTEMPTS_OF_ADDRESS_MAX && now_ms - self.since_ms < ATTEMPTS_WINDOW_MS
            }
        }
    }

    /// Whether they count no longer.
    fn is_over(self, tried: Tried, now_ms: i64) -> bool {
        match tried {
            Tried::Here if self.count >= ATTEMPTS_MAX => now_ms - self.last_ms >= ATTEMPTS_FORGOTTEN_MS,
            Tried::Here | Tried::Name | Tried::Network => now_ms - self.since_ms >= ATTEMPTS_WINDOW_MS,
        }
    }
}

/// How long the next attempt has to wait: twice as long after each one that failed, up to [`ATTEMPTS_DELAY_MAX_MS`].
fn delay_ms(failures: u32) -> i64 {
    let doublings = failures.saturating_sub(ATTEMPTS_MAX).min(16);
    (ATTEMPTS_WINDOW_MS << doublings).min(ATTEMPTS_DELAY_MAX_MS)
}

/// What stands for an address: an IPv6 customer has a whole network of 64 bits.
fn network(address: Option<IpAddr>) -> String {
    match address.map(|address| address.to_canonical()) {
        None => String::new(),
        Some(IpAddr::V4(address)) => address.to_string(),
        Some(IpAddr::V6(address)) => {
            let [a, b, c, d, ..] = address.segments();
            format!("{a:x}:{b:x}:{c:x}:{d:x}")
        }
    }
}

/// The address of whoever asks: that of the connection, or, if it comes from one of our proxies, the nearest one in
/// `X-Forwarded-For` that is none of them. What stands before that anybody could have written.
pub(super) fn client_address(
    peer: Option<IpAddr>,
    headers: &HeaderMap,
    proxies: &[IpAddr],
) -> Option<IpAddr> {
    let is_proxy =
        |address: &IpAddr| proxies.iter().any(|proxy| proxy.to_canonical() == address.to_canonical());
    let peer = peer?;
    if !is_proxy(&peer) {
        return Some(peer);
    }
    let values = headers.get_all("x-forwarded-for").iter().filter_map(|value| value.to_str().ok());
    let named: Vec<&str> = values.flat_map(|value| value.split(',')).map(str::trim).collect();
    for text in named.iter().rev() {
        match text.parse::<IpAddr>() {
            Ok(address) if is_proxy(&address) => {}
            Ok(address) => return Some(address),
            // a proxy does not write such a thing: what stands before it is not to be believed
            Err(_) => break,
        }
    }
    Some(peer)
}

/// Failed attempts to sign in, by name, by network, and by both.
///
/// Follows the OWASP Authentication Cheat Sheet, "Account Lockout": waits grow, and a name is not locked for everybody
/// by whoever knows it.
#[derive(Debug, Default)]
pub struct Attempts {
    failed: Mutex<HashMap<String, (Tried, Failed)>>,
}

impl Attempts {
    fn keys(name: &str, address: Option<IpAddr>) -> [(String, Tried); 3] {
        let (name, network) = (hash(name), network(address));
        [
            (format!("here {name} {network}"), Tried::Here),
            (format!("name {name}"), Tried::Name),
            (format!("network {network}"), Tried::Network),
        ]
    }

    /// Whether another attempt may be made now.
    pub fn may_try(&self, name: &str, address: Option<IpAddr>, now_ms: i64) -> bool {
        let kept = self.failed.lock().unwrap_or_else(PoisonError::into_inner);
        Self::keys(name, address)
            .iter()
            .all(|(key, tried)| kept.get(key).is_none_or(|(_, failed)| !failed.blocks(*tried, now_ms)))
    }

    /// Counts an attempt; it is taken back if it turns out well, so that many at once do not slip through.
    pub fn count(&self, name: &str, address: Option<IpAddr>, now_ms: i64) {
        let mut kept = self.failed.lock().unwrap_or_else(PoisonError::into_inner);
        if kept.len() >= ATTEMPTS_KEPT_MAX {
            kept.retain(|_, (tried, failed)| !failed.is_over(*tried, now_ms));
        }
        if kept.len() >= ATTEMPTS_KEPT_MAX {
            kept.clear();
        }
        for (key, tried) in Self::keys(name, address) {
            let fresh = Failed { count: 0, since_ms: now_ms, last_ms: now_ms };
            let (_, failed) = kept.entry(key).or_insert((tried, fresh));
            if failed.is_over(tried, now_ms) {
                *failed = fresh;
            }
            failed.count = failed.count.saturating_add(1);
            failed.last_ms = now_ms;
        }
    }

    /// Forgets the failures of a name here and takes back one of the name and one of the network.
    pub fn forgive(&self, name: &str, address: Option<IpAddr>) {
        let mut kept = self.failed.lock().unwrap_or_else(PoisonError::into_inner);
        for (key, tried) in Self::keys(name, address) {
            if tried == Tried::Here {
                kept.remove(&key);
            } else if let Some((_, failed)) = kept.get_mut(&key) {
                failed.count = failed.count.saturating_sub(1);
            }
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

    #[test]
    fn a_stranger_does_not_lock_a_name_for_everybody() {
        let attempts = Attempts::default();
        let [stranger, home]: [IpAddr; 2] = ["203.0.113.9", "198.51.100.4"].map(|text| text.parse().unwrap());
        let mut now_ms = 0;
        for _ in 0..ATTEMPTS_MAX {
            attempts.count("ann", Some(stranger), now_ms);
        }
        assert!(!attempts.may_try("ann", Some(stranger), now_ms));
        assert!(
            attempts.may_try("ann", Some(home), now_ms),
            "who knows the password comes in from elsewhere"
        );
        for wait in [1, 2, 4, 8, 16, 16] {
            let wait_ms = wait * ATTEMPTS_WINDOW_MS;
            assert!(!attempts.may_try("ann", Some(stranger), now_ms + wait_ms - 1), "waits grow: {wait}");
            now_ms += wait_ms;
            assert!(attempts.may_try("ann", Some(stranger), now_ms));
            attempts.count("ann", Some(stranger), now_ms);
        }
        for many in 0..ATTEMPTS_OF_NAME_MAX {
            let address = IpAddr::from(many.to_be_bytes());
            attempts.count("ann", Some(address), now_ms);
        }
        assert!(!attempts.may_try("ann", Some(home), now_ms), "a whole net of strangers guesses no faster");
        let [one, next]: [IpAddr; 2] =
            ["2001:db8:1:2::1", "2001:db8:1:2:ffff::9"].map(|text| text.parse().unwrap());
        for _ in 0..ATTEMPTS_MAX {
            attempts.count("bo", Some(one), now_ms);
        }
        assert!(!attempts.may_try("bo", Some(next), now_ms), "one network, however many addresses it has");
    }

    #[test]
    fn only_our_own_proxies_say_who_asks() {
        let ip = |text: &str| text.parse::<IpAddr>().unwrap();
        let proxies = [ip("10.0.0.1"), ip("10.0.0.2")];
        for (peer, header, expected) in [
            ("192.0.2.7", "198.51.100.4", "192.0.2.7"),
            ("10.0.0.1", "198.51.100.4", "198.51.100.4"),
            ("10.0.0.1", "1.2.3.4, 198.51.100.4, 10.0.0.2", "198.51.100.4"),
            ("10.0.0.1", "198.51.100.4, unknown", "10.0.0.1"),
            ("10.0.0.1", "", "10.0.0.1"),
            ("::ffff:10.0.0.1", "198.51.100.4", "198.51.100.4"),
        ] {
            let mut headers = HeaderMap::new();
            headers.insert("x-forwarded-for", HeaderValue::from_static(header));
            assert_eq!(
                client_address(Some(ip(peer)), &headers, &proxies),
                Some(ip(expected)),
                "{peer} {header}"
            );
        }
    }
}
