//! Language and look of the pages: a choice of each browser, kept in two cookies.

use crate::web::{Desk, error::PageError, session::Posted, text};
use axum::{
    Extension,
    extract::State,
    http::{HeaderMap, HeaderValue, StatusCode, header},
    response::{IntoResponse as _, Redirect, Response},
};
use std::sync::Arc;

/// Seconds that a choice is kept.
const KEPT_S: i64 = 365 * 86_400;

/// `POST /me/look`: back to the page that it was chosen on.
pub async fn choose(
    State(desk): State<Arc<Desk>>,
    headers: HeaderMap,
    Extension(posted): Extension<Posted>,
) -> Result<Response, PageError> {
    let (language, theme) = (posted.text("language"), posted.text("theme"));
    if !text::is_language(language) || !text::is_theme(theme) {
        return Err(PageError::refused(StatusCode::UNPROCESSABLE_ENTITY, "error.bad_form"));
    }
    let from = headers.get(header::REFERER).and_then(|value| value.to_str().ok());
    let back = from
        .and_then(|from| from.strip_prefix(desk.base_url()))
        .filter(|path| path.starts_with('/') && !path.starts_with("//"));
    let mut response = Redirect::to(back.unwrap_or("/")).into_response();
    let secure = if desk.is_secure() { "; Secure" } else { "" };
    for (name, value) in [(text::LANGUAGE_COOKIE, language), (text::THEME_COOKIE, theme)] {
        let cookie = format!("{name}={value}; Path=/; HttpOnly; SameSite=Lax; Max-Age={KEPT_S}{secure}");
        if let Ok(cookie) = HeaderValue::from_str(&cookie) {
            response.headers_mut().append(header::SET_COOKIE, cookie);
        }
    }
    Ok(response)
}
