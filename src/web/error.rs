//! What a page says when it cannot do what was asked: what happened and what to do next, never an inner error.

use super::{text, views};
use crate::clock;
use axum::{
    Json,
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Redirect, Response},
};
use serde_json::json;

/// What a person reads. Written, not formatted from an error.
#[derive(Debug)]
pub struct UserMessage {
    /// What happened.
    pub text: String,
    /// What to do next.
    pub hint: String,
}

impl UserMessage {
    /// The pair `<key>` and `<key>_hint` of the table of texts.
    pub(super) fn of(key: &str) -> Self {
        Self { text: text::text(key).to_owned(), hint: text::text(&format!("{key}_hint")).to_owned() }
    }
}

/// Why there is no page.
#[derive(Debug)]
pub enum PageError {
    /// Nobody is signed in; after it the person comes back here.
    SignIn {
        /// Path and query to come back to.
        next: String,
    },
    /// No such thing.
    NotFound,
    /// The request cannot be granted.
    Refused(StatusCode, UserMessage),
    /// Our side failed: logged under a reference, which is all that the page tells.
    Internal(anyhow::Error),
}

impl PageError {
    /// A refusal with the pair of texts of a key.
    pub(super) fn refused(status: StatusCode, key: &str) -> Self {
        Self::Refused(status, UserMessage::of(key))
    }
}

impl<E: Into<anyhow::Error>> From<E> for PageError {
    fn from(error: E) -> Self {
        Self::Internal(error.into())
    }
}

/// What is told of an error, and under which status.
struct Told {
    status: StatusCode,
    message: UserMessage,
    reference: Option<String>,
}

impl PageError {
    fn told(self) -> Told {
        match self {
            Self::SignIn { .. } => Told {
                status: StatusCode::UNAUTHORIZED,
                message: UserMessage::of("error.token"),
                reference: None,
            },
            Self::NotFound => Told {
                status: StatusCode::NOT_FOUND,
                message: UserMessage::of("error.not_found"),
                reference: None,
            },
            Self::Refused(status, message) => Told { status, message, reference: None },
            Self::Internal(error) => {
                let id = clock::fresh_id().replace('-', "");
                let reference: String = id.chars().skip(id.len().saturating_sub(8)).collect();
                tracing::error!(reference, error = %format!("{error:#}"), "a page failed");
                let (status, message) =
                    (StatusCode::INTERNAL_SERVER_ERROR, UserMessage::of("error.internal"));
                Told { status, message, reference: Some(reference) }
            }
        }
    }
}

impl IntoResponse for PageError {
    fn into_response(self) -> Response {
        if let Self::SignIn { next } = &self {
            let next = percent_encode(next);
            return Redirect::to(&format!("/sign-in?next={next}")).into_response();
        }
        let Told { status, message, reference } = self.told();
        let context = json!({
            "status": status.as_u16(), "text": message.text, "hint": message.hint, "reference": reference,
        });
        views::page_with(status, "error.html", context)
            .unwrap_or_else(|_| (status, text::text("error.internal").to_owned()).into_response())
    }
}

/// The same for programs, as the problem details of RFC 9457; `error` is what programs of before know.
#[derive(Debug)]
pub struct ApiError(pub PageError);

impl ApiError {
    /// A refusal in words of its own, in English: programs do not choose a language.
    pub(super) fn said(status: StatusCode, message: &str) -> Self {
        Self(PageError::Refused(status, UserMessage { text: message.to_owned(), hint: String::new() }))
    }
}

impl<E: Into<PageError>> From<E> for ApiError {
    fn from(error: E) -> Self {
        Self(error.into())
    }
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        let Told { status, message, reference } = self.0.told();
        let error = json!({
            "status": status.as_u16(), "message": message.text, "hint": message.hint, "reference": reference,
        });
        let problem = json!({
            "type": "about:blank", "title": status.canonical_reason().unwrap_or_default(), "status": status.as_u16(),
            "detail": message.text, "error": error,
        });
        let kind = (header::CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
        (status, [kind], Json(problem)).into_response()
    }
}

fn hex_digit(half: u8) -> char {
    char::from_digit(u32::from(half), 16).map_or('0', |digit| digit.to_ascii_uppercase())
}

/// Percent-encodes what is not plain in a query value or a file name.
pub(super) fn percent_encode(text: &str) -> String {
    let mut encoded = String::new();
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            encoded.push(char::from(byte));
        } else {
            encoded.extend(['%', hex_digit(byte >> 4), hex_digit(byte & 15)]);
        }
    }
    encoded
}
