//! One message: its HTML in a sandbox, its files and its raw bytes as downloads, and whether it is a follow-up.

use crate::{
    model::ids::MessageId,
    pipeline::decision::{self, FollowUp},
    web::{
        Desk,
        error::{PageError, percent_encode},
        html::{InlinePictures, Remote, sanitise},
        session::{Posted, Visit},
    },
};
use axum::{
    Extension,
    extract::{Path, Query, State},
    http::{HeaderMap, HeaderValue, StatusCode, header},
    response::{Html, IntoResponse as _, Redirect, Response},
};
use serde::Deserialize;
use std::sync::Arc;

/// The policy of the frame: nothing but the styles and pictures within the document itself.
const FRAME_POLICY: &str = "default-src 'none'; img-src data:; style-src 'unsafe-inline'; form-action 'none'; \
                            base-uri 'none'; frame-ancestors 'self'; \
                            sandbox allow-popups allow-popups-to-escape-sandbox";

/// The same with pictures from elsewhere, of a message whose reader asked for them.
const FRAME_POLICY_REMOTE: &str = "default-src 'none'; img-src data: https:; style-src 'unsafe-inline'; \
                                   form-action 'none'; base-uri 'none'; frame-ancestors 'self'; \
                                   sandbox allow-popups allow-popups-to-escape-sandbox";

/// How the HTML is shown.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Wish {
    /// With pictures from elsewhere.
    images: bool,
}

/// Inline pictures looked up at most.
const PICTURES_MAX: usize = 50;

/// `GET /messages/{id}/html`
pub async fn html(
    State(desk): State<Arc<Desk>>,
    Path(id): Path<String>,
    Query(wish): Query<Wish>,
) -> Result<Response, PageError> {
    let parsed = desk.app.store.read().await?.find_parsed(&MessageId::new(id)).await?;
    let Some((message, html)) = parsed.and_then(|m| m.html.clone().map(|html| (m, html))) else {
        return Err(PageError::NotFound);
    };
    let mut pictures = InlinePictures::default();
    let inline = message.attachments.iter().filter_map(|a| a.content_id.as_deref().map(|id| (a, id)));
    for (attachment, content_id) in inline.take(PICTURES_MAX) {
        // a picture that is not in the store is left out, like a remote one
        if let Ok(bytes) = desk.app.blob.get(&attachment.sha256).await {
            pictures.add(content_id, &bytes);
        }
    }
    let (remote, policy, referrer) = if wish.images {
        (Remote::Shown, FRAME_POLICY_REMOTE, "no-referrer")
    } else {
        (Remote::Hidden, FRAME_POLICY, "same-origin")
    };
    let safe = tokio::task::spawn_blocking(move || sanitise(&html, pictures, remote)).await?;
    let headers = [
        (header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(policy)),
        // who asks for a picture does not say from where
        (header::REFERRER_POLICY, HeaderValue::from_static(referrer)),
    ];
    Ok((headers, Html(safe.as_str().to_owned())).into_response())
}

/// `GET /messages/{id}/raw`
pub async fn raw(State(desk): State<Arc<Desk>>, Path(id): Path<String>) -> Result<Response, PageError> {
    let row = desk.app.store.read().await?.find_message(&MessageId::new(id)).await?;
    let row = row.ok_or(PageError::NotFound)?;
    let short: String = row.sha256.chars().take(12).collect();
    download(&desk, &row.sha256, &format!("message-{short}.eml")).await
}

/// `GET /messages/{id}/attachments/{position}`
pub async fn attachment(
    State(desk): State<Arc<Desk>>,
    Path((id, position)): Path<(String, usize)>,
) -> Result<Response, PageError> {
    let parsed = desk.app.store.read().await?.find_parsed(&MessageId::new(id)).await?;
    let parsed = parsed.ok_or(PageError::NotFound)?;
    let attachment = parsed.attachments.get(position).ok_or(PageError::NotFound)?;
    download(&desk, &attachment.sha256, &attachment.name).await
}

/// Bytes as a download: never shown by the browser, whatever they are.
pub(super) async fn download(desk: &Desk, sha256: &str, name: &str) -> Result<Response, PageError> {
    let bytes = desk.app.blob.get(sha256).await?;
    let mut headers = HeaderMap::new();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/octet-stream"));
    headers.insert(header::CONTENT_DISPOSITION, disposition(name));
    headers.insert(
        header::CONTENT_SECURITY_POLICY,
        HeaderValue::from_static("default-src 'none'; sandbox; frame-ancestors 'none'"),
    );
    Ok((headers, bytes).into_response())
}

/// `attachment` with the name in plain ASCII and, per RFC 8187, as it is.
fn disposition(name: &str) -> HeaderValue {
    let clean: String = name.chars().filter(|c| !c.is_control()).take(200).collect();
    let plain: String = clean
        .chars()
        .map(|c| if c.is_ascii_alphanumeric() || " ._-()".contains(c) { c } else { '_' })
        .collect();
    let encoded = percent_encode(&clean);
    let text = format!("attachment; filename=\"{plain}\"; filename*=UTF-8''{encoded}");
    HeaderValue::from_str(&text).unwrap_or(HeaderValue::from_static("attachment"))
}

/// `POST /messages/{id}/follow-up`
pub async fn follow_up(
    State(desk): State<Arc<Desk>>,
    Extension(visit): Extension<Visit>,
    Path(id): Path<String>,
    Extension(posted): Extension<Posted>,
) -> Result<Response, PageError> {
    let join = posted.text("decision") == "join";
    let id = MessageId::new(id);
    match decision::follow_up(&desk.app, &id, join, &visit.name).await? {
        FollowUp::In(number) => {
            let done = if join { "joined" } else { "kept" };
            Ok(Redirect::to(&format!("/tickets/{number}?done={done}")).into_response())
        }
        FollowUp::DecidedBefore => Err(PageError::refused(StatusCode::CONFLICT, "error.gone")),
    }
}

#[cfg(test)]
mod tests {
    use super::disposition;

    #[test]
    fn names_cannot_break_out() {
        let header = disposition("Bestellung \"4711\"\r\nX: y – ä.pdf");
        let text = header.to_str().unwrap();
        assert!(
            text.starts_with("attachment; filename=\"Bestellung _4711_X_ y _ _.pdf\"; filename*=UTF-8''"),
            "{text}"
        );
    }
}
