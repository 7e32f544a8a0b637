//! The HTML of a mail into HTML that is safe to show: [`SafeHtml`] exists only as the work of the sanitiser.
//!
//! Scripts, forms, style sheets, frames and remote pictures are taken out; inline pictures of the same mail become
//! data links, within a limit. The result is still served only into a sandboxed frame under a policy that forbids
//! everything but those pictures.

use ammonia::{Builder, UrlRelative};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use std::{borrow::Cow, collections::BTreeMap};

/// Inline pictures beyond this many bytes together are left out.
pub const INLINE_PICTURES_BYTES_MAX: usize = 8 * 1024 * 1024;
/// HTML beyond this many bytes is cut before it is sanitised.
pub const HTML_BYTES_MAX: usize = 2 * 1024 * 1024;

/// Properties of `style` that colour and align, but do not place, hide or load.
const STYLES: &[&str] = &[
    "background-color",
    "border",
    "border-bottom",
    "border-collapse",
    "border-color",
    "border-left",
    "border-right",
    "border-style",
    "border-top",
    "border-width",
    "color",
    "font-family",
    "font-size",
    "font-style",
    "font-weight",
    "line-height",
    "margin-left",
    "padding",
    "padding-bottom",
    "padding-left",
    "padding-right",
    "padding-top",
    "text-align",
    "text-decoration",
    "vertical-align",
    "white-space",
    "width",
];

/// Sanitised HTML: a whole document for a sandboxed frame.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SafeHtml(String);

impl SafeHtml {
    /// The document.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Pictures of a mail by `Content-ID`, as data links.
#[derive(Clone, Debug, Default)]
pub struct InlinePictures {
    links: BTreeMap<String, String>,
    bytes: usize,
}

impl InlinePictures {
    /// Adds a picture if its bytes are one that browsers show, and if it fits.
    pub fn add(&mut self, content_id: &str, bytes: &[u8]) {
        let Some(media_type) = picture_type(bytes) else { return };
        if self.bytes + bytes.len() > INLINE_PICTURES_BYTES_MAX {
            return;
        }
        self.bytes += bytes.len();
        let link = format!("data:{media_type};base64,{}", STANDARD.encode(bytes));
        self.links.insert(content_id.to_owned(), link);
    }
}

/// The media type of a raster picture, by its first bytes.
fn picture_type(bytes: &[u8]) -> Option<&'static str> {
    match bytes {
        [0x89, b'P', b'N', b'G', ..] => Some("image/png"),
        [0xFF, 0xD8, 0xFF, ..] => Some("image/jpeg"),
        [b'G', b'I', b'F', b'8', ..] => Some("image/gif"),
        [b'R', b'I', b'F', b'F', _, _, _, _, b'W', b'E', b'B', b'P', ..] => Some("image/webp"),
        _ => None,
    }
}

/// What becomes of pictures from elsewhere.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Remote {
    /// They are left out: whoever sent the mail does not learn that it was opened.
    Hidden,
    /// A person asked for them; over TLS only.
    Shown,
}

/// Makes hostile HTML safe.
pub fn sanitise(html: &str, pictures: InlinePictures, remote: Remote) -> SafeHtml {
    let mut end = html.len().min(HTML_BYTES_MAX);
    while !html.is_char_boundary(end) {
        end -= 1;
    }
    let html = html.get(..end).unwrap_or_default();
    let links = pictures.links;
    let mut builder = Builder::default();
    builder
        .add_tags(["font"])
        .add_tag_attributes("font", ["color", "face", "size"])
        .add_tag_attributes("table", ["bgcolor", "border", "cellpadding", "cellspacing", "width"])
        .add_tag_attributes("td", ["bgcolor", "valign", "width"])
        .add_tag_attributes("th", ["bgcolor", "valign", "width"])
        .add_tag_attributes("tr", ["bgcolor", "valign"])
        .add_generic_attributes(["style", "dir"])
        .add_clean_content_tags(["title", "head", "object", "svg", "math", "textarea", "select", "template"])
        .filter_style_properties(STYLES.iter().copied().collect())
        .url_schemes(["http", "https", "mailto", "tel", "cid", "data"].into())
        .url_relative(UrlRelative::Deny)
        .set_tag_attribute_value("a", "target", "_blank")
        .attribute_filter(move |element, attribute, value| match (element, attribute) {
            ("img", "src") => {
                if remote == Remote::Shown && value.starts_with("https://") {
                    return Some(Cow::Borrowed(value));
                }
                let id = value.strip_prefix("cid:")?;
                links.get(id).map(|link| Cow::Owned(link.clone()))
            }
            (_, "href" | "cite") => {
                let scheme = value.split_once(':').map(|(scheme, _)| scheme.to_ascii_lowercase())?;
                ["http", "https", "mailto", "tel"].contains(&scheme.as_str()).then_some(Cow::Borrowed(value))
            }
            (_, "style") if value.contains("url(") || value.contains("expression") => None,
            _ => Some(Cow::Borrowed(value)),
        });
    let body = builder.clean(html).to_string();
    SafeHtml(format!(
        "<!doctype html><html><head><meta charset=\"utf-8\"><title>mail</title><style>{FRAME_STYLE}</style></head>\
         <body>{body}</body></html>"
    ))
}

/// How the frame looks where the mail says nothing.
const FRAME_STYLE: &str = "body{margin:12px;font:15px/1.5 system-ui,sans-serif;color:#1b2430;background:#fff;\
                           overflow-wrap:anywhere}img{max-width:100%;height:auto}table{max-width:100%}\
                           blockquote{margin:0 0 0 8px;padding-left:10px;border-left:3px solid #cfd6df}";

#[cfg(test)]
mod tests {
    use super::*;

    fn body(html: &str) -> String {
        let safe = sanitise(html, InlinePictures::default(), Remote::Hidden).0;
        safe.split_once("<body>").unwrap().1.replace("</body></html>", "")
    }

    #[test]
    fn nothing_active_or_remote_survives() {
        for hostile in [
            "<script>alert(1)</script>",
            "<img src=https://tracker.example/x.gif>",
            "<img src=x onerror=alert(1)>",
            "<a href='javascript:alert(1)'>x</a>",
            "<a href=' java\nscript:alert(1)'>x</a>",
            "<a href='data:text/html,<script>'>x</a>",
            "<iframe src=https://a.example></iframe>",
            "<form action=https://a.example><input name=password></form>",
            "<style>body{background:url(https://a.example)}</style>",
            "<p style='background-image:url(https://a.example)'>x</p>",
            "<p style='color:red;position:fixed;top:0'>x</p>",
            "<svg><script>alert(1)</script></svg>",
            "<math><mi xlink:href='javascript:alert(1)'></mi></math>",
            "<meta http-equiv=refresh content='0;url=https://a.example'>",
            "<base href=https://a.example>",
            "<link rel=stylesheet href=https://a.example>",
            "<img src='data:image/svg+xml,<svg onload=alert(1)>'>",
        ] {
            let safe = body(hostile).to_lowercase();
            for bad in
                ["script", "a.example", "tracker", "onerror", "<form", "<input", "url(", "position", "data:"]
            {
                assert!(!safe.contains(bad), "{hostile} became {safe}");
            }
        }
    }

    #[test]
    fn text_links_and_tables_stay() {
        let safe = body("<p style='color:red'>Hello <b>you</b></p><a href=\"https://a.example/x\">x</a>");
        assert!(safe.contains("<p style=\"color:red\">Hello <b>you</b></p>"), "{safe}");
        assert!(safe.contains("href=\"https://a.example/x\"") && safe.contains("noopener"), "{safe}");
    }

    #[test]
    fn remote_pictures_are_shown_when_asked_for() {
        let html =
            "<img src=https://a.example/x.gif onload=x()><img src=http://a.example/y.gif><img src=data:x>";
        let safe = sanitise(html, InlinePictures::default(), Remote::Shown).0;
        assert!(
            safe.contains("src=\"https://a.example/x.gif\"") && safe.matches("src=").count() == 1,
            "{safe}"
        );
        assert!(!safe.contains("onload"), "{safe}");
    }

    #[test]
    fn own_pictures_become_data_links() {
        let mut pictures = InlinePictures::default();
        pictures.add("logo@x", &[0x89, b'P', b'N', b'G', 1, 2, 3]);
        pictures.add("page@x", b"<html>");
        let safe = sanitise("<img src='cid:logo@x'><img src='cid:page@x'>", pictures, Remote::Hidden).0;
        assert_eq!(safe.matches("src=").count(), 1, "{safe}");
        assert!(safe.contains("data:image/png;base64,"));
    }
}
