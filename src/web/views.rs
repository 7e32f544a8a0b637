//! Templates into pages: the environment with its filters, and the response around the result.
//!
//! Undefined names are errors, everything is escaped. Times are shown in the site's time zone.

use super::{Route, assets, error::PageError, finding, locale, rights::Guard, text};
use crate::clock;
use axum::{
    http::{Method, StatusCode},
    response::{Html, IntoResponse, Response},
};
use jiff::{Timestamp, Zoned, tz::TimeZone};
use minijinja::{
    AutoEscape, Environment, Error, ErrorKind, HtmlEscape, State, UndefinedBehavior, Value,
    value::{Kwargs, Serde},
};
use serde::Serialize;
use std::sync::LazyLock;

macro_rules! templates {
    ($($name:literal),+ $(,)?) => {
        &[$(($name, include_str!(concat!("../../templates/pages/", $name)))),+]
    };
}

/// Every template, built in.
const TEMPLATES: &[(&str, &str)] = templates![
    "account.html",
    "account_duplicates.html",
    "account_form.html",
    "accounts.html",
    "audit.html",
    "automation.html",
    "base.html",
    "catalogue.html",
    "document.html",
    "draft.html",
    "draft_conflict.html",
    "drafts.html",
    "error.html",
    "home.html",
    "import.html",
    "lessons.html",
    "macros.html",
    "mailbox.html",
    "mailboxes.html",
    "me.html",
    "mentions.html",
    "outbox.html",
    "quarantine.html",
    "queue.html",
    "record.html",
    "search.html",
    "settings.html",
    "sign_in.html",
    "sign_in_code.html",
    "template.html",
    "templates.html",
    "ticket.html",
    "user.html",
    "users.html",
    "webhooks.html",
];

static ENVIRONMENT: LazyLock<Environment<'static>> = LazyLock::new(|| {
    let mut environment = Environment::new();
    environment.set_undefined_behavior(UndefinedBehavior::Strict);
    environment.set_auto_escape_callback(|_| AutoEscape::Html);
    for (name, source) in TEMPLATES {
        environment.add_template(name, source).expect("a test renders every template");
    }
    environment.add_function("t", translate);
    environment.add_function("page_language", text::language);
    environment.add_function("label", |name: &str| text::label(name));
    environment.add_function("choice", |group: &str, name: &str| text::choice(group, name));
    environment.add_function("may", may);
    environment.add_filter("said", |message: String| finding::said(&message));
    environment.add_filter("linked", |text: String| Value::from_safe_string(linked(&text)));
    environment.add_filter("because", |reasons: String| finding::because(&reasons));
    environment.add_function("asset", |name: &str| assets::address(name));
    environment.add_filter("size", size);
    environment.add_filter("percent", percent);
    environment.add_function("page_theme", text::theme);
    environment.add_function("page_languages", text::languages);
    environment.add_filter("date", |ms: i64| locale::day(&zoned(ms)));
    environment.add_filter("time", |ms: i64| locale::time(&zoned(ms)));
    environment.add_filter("day", |value: String| locale::iso_day(&value));
    environment.add_filter("number", |value: String| locale::number(&value));
    environment
        .add_filter("figure", |value: f64| locale::number(&((value * 10.0).round() / 10.0).to_string()));
    environment.add_filter("count", |value: i64| locale::number(&value.to_string()));
    environment.add_filter("instant", |ms: i64| instant(ms).to_string());
    environment.add_filter("age", |ms: i64| age(clock::now_ms() - ms));
    environment
});

/// The time zone that times are shown in; set once at start.
static ZONE: std::sync::OnceLock<TimeZone> = std::sync::OnceLock::new();

/// Fixes the time zone of all pages. Later calls change nothing.
pub(super) fn set_time_zone(zone: TimeZone) {
    drop(ZONE.set(zone));
}

/// A page.
pub(super) fn page(name: &str, context: impl Serialize) -> Result<Response, PageError> {
    page_with(StatusCode::OK, name, context)
}

/// A page with a status of its own.
pub(super) fn page_with(
    status: StatusCode,
    name: &str,
    context: impl Serialize,
) -> Result<Response, PageError> {
    let html = ENVIRONMENT.get_template(name)?.render(Serde(context))?;
    Ok((status, Html(html)).into_response())
}

/// A text as HTML, in which references of tickets lead there.
fn linked(text: &str) -> String {
    let mut html = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("MR-") {
        let digits = after.len() - after.trim_start_matches(|c: char| c.is_ascii_digit()).len();
        let (number, behind) = after.split_at(digits);
        html.push_str(&HtmlEscape(before).to_string());
        let whole_word =
            !before.ends_with(char::is_alphanumeric) && !behind.starts_with(char::is_alphanumeric);
        if whole_word && number.parse::<i64>().is_ok() {
            html.push_str(&format!("<a href=\"/tickets/{number}\">MR-{number}</a>"));
        } else {
            html.push_str(&format!("MR-{number}"));
        }
        rest = behind;
    }
    html.push_str(&HtmlEscape(rest).to_string());
    html
}

/// `t(key, name=value…)`.
#[expect(clippy::needless_pass_by_value, reason = "the template engine hands over owned arguments")]
fn translate(key: &str, kwargs: Kwargs) -> Result<String, Error> {
    if text::find(key).is_none() {
        return Err(Error::new(ErrorKind::UndefinedError, format!("no text for {key}")));
    }
    let mut values = Vec::new();
    for name in kwargs.args() {
        values.push((name, kwargs.peek::<Value>(name)?.to_string()));
    }
    Ok(text::filled(key, &values))
}

/// `may(path)`: whether the reader of this page may send a form there, by the table of routes.
fn may(state: &State<'_, '_>, path: &str) -> Result<bool, Error> {
    static ROUTES: LazyLock<Vec<Route>> = LazyLock::new(super::routes);
    let route = ROUTES.iter().find(|route| route.path == path && route.method == Method::POST);
    match route.map(|route| route.guard) {
        Some(Guard::Session(right)) => {
            let can = state.lookup("frame").map(|frame| frame.get_attr("can")).transpose()?;
            Ok(can.map(|can| can.get_attr(right.as_str())).transpose()?.is_some_and(|can| can.is_true()))
        }
        Some(_) => Ok(true),
        None => Err(Error::new(ErrorKind::UndefinedError, format!("no form is sent to {path}"))),
    }
}

/// Whole percent, rounded down so that nothing looks surer than it is.
pub(super) fn percent(share: f64) -> String {
    format!("{:.0}", ((share * 1000.0).round() / 10.0).floor())
}

fn size(bytes: i64) -> String {
    const UNITS: [&str; 4] = ["kB", "MB", "GB", "TB"];
    if bytes < 1000 {
        return format!("{bytes} B");
    }
    let mut amount = bytes as f64;
    let mut unit = "B";
    for larger in UNITS {
        if amount < 999.5 {
            break;
        }
        amount /= 1000.0;
        unit = larger;
    }
    if amount < 9.95 { format!("{amount:.1} {unit}") } else { format!("{amount:.0} {unit}") }
}

fn instant(ms: i64) -> Timestamp {
    Timestamp::from_millisecond(ms).unwrap_or(Timestamp::UNIX_EPOCH)
}

fn zoned(ms: i64) -> Zoned {
    instant(ms).to_zoned(ZONE.get().cloned().unwrap_or(TimeZone::UTC))
}

fn age(ms: i64) -> String {
    let minutes = ms.max(0) / 60_000;
    let (key, n) = match minutes {
        0 => return text::text("age.now").to_owned(),
        1..60 => ("age.minutes", minutes),
        60..2880 => ("age.hours", minutes / 60),
        2880..129_600 => ("age.days", minutes / 1440),
        _ => ("age.months", minutes / 43_200),
    };
    text::filled(key, &[("n", n.to_string())])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn references_of_tickets_lead_there() {
        for (text, expected) in [
            ("In MR-1001.", "In <a href=\"/tickets/1001\">MR-1001</a>."),
            ("<b> MR-7, MR-8", "&lt;b&gt; <a href=\"/tickets/7\">MR-7</a>, <a href=\"/tickets/8\">MR-8</a>"),
            ("XMR-1 MR-2a MR- MR-x", "XMR-1 MR-2a MR- MR-x"),
        ] {
            assert_eq!(linked(text), expected);
        }
    }

    #[test]
    fn sizes_are_readable() {
        for (bytes, said) in
            [(0, "0 B"), (999, "999 B"), (1000, "1.0 kB"), (123_456, "123 kB"), (25_000_000, "25 MB")]
        {
            assert_eq!(size(bytes), said);
        }
    }

    #[test]
    fn every_template_compiles() {
        for (name, _) in TEMPLATES {
            assert!(ENVIRONMENT.get_template(name).is_ok(), "{name}");
        }
    }
}
