//! Settings: what counts, what the file says, who changed it; queues, rules, limits and the letterhead.

use crate::{
    config::settings::{Form, Group, Setting},
    model::{draft::Kind, ticket::Queue},
    pipeline::setting::{self, Refused},
    store::setting::SettingRow,
    web::{
        Desk,
        error::PageError,
        frame::Frame,
        session::{Posted, Visit},
        views,
    },
};
use axum::{
    Extension,
    extract::{Path, State},
    http::StatusCode,
    response::{IntoResponse as _, Redirect, Response},
};
use serde_json::{Value, json};
use std::sync::Arc;

/// `GET /settings/{group}`
pub async fn show(
    State(desk): State<Arc<Desk>>,
    Extension(visit): Extension<Visit>,
    Path(group): Path<String>,
) -> Result<Response, PageError> {
    let group = Group::parse(&group).ok_or(PageError::NotFound)?;
    page(&desk, &visit, group, &Posted::default(), None).await
}

/// The page; what was typed stays if it was refused.
async fn page(
    desk: &Desk,
    visit: &Visit,
    group: Group,
    typed: &Posted,
    refused: Option<&Refused>,
) -> Result<Response, PageError> {
    let frame = Frame::load(desk, visit, group.as_str()).await?;
    let counts = desk.app.settings().await?;
    let rows = desk.app.store.read().await?.list_settings().await?;
    let shown = |setting: Setting| {
        let name = setting.name();
        let row: Option<&SettingRow> = rows.iter().find(|row| row.name == name);
        let value = typed_value(typed, &setting).unwrap_or_else(|| setting.read(&counts.config));
        let wrong = counts.wrong.iter().find(|(of, _)| *of == name).map(|(_, reason)| reason.as_str());
        let wrong = refused.filter(|refused| refused.name == name).map(|r| r.reason.as_str()).or(wrong);
        json!({
            "name": name, "key": setting.key, "queue": setting.queue, "form": form(setting.form),
            "lines": value.lines().collect::<Vec<_>>(), "value": value, "file": setting.read(&desk.app.config), "wrong": wrong,
            "changed_by": row.map(|row| &row.changed_by), "changed_ms": row.map(|row| row.changed_ms),
        })
    };
    let mut sections: Vec<Value> = Vec::new();
    let all: Vec<Setting> = Setting::all().filter(|setting| setting.group == group).collect();
    for part in all.chunk_by(|a, b| a.queue == b.queue) {
        let settings: Vec<Value> = part.iter().copied().map(shown).collect();
        sections.push(json!({ "queue": part.first().and_then(|s| s.queue), "settings": settings }));
    }
    let status = if refused.is_some() { StatusCode::UNPROCESSABLE_ENTITY } else { StatusCode::OK };
    let context = json!({
        "frame": frame, "group": group, "sections": sections, "refused": refused.is_some(),
        "kinds": Kind::ALL, "queues": Queue::ALL,
    });
    views::page_with(status, "settings.html", context)
}

/// How a value is typed, for the page.
fn form(form: Form) -> Value {
    match form {
        Form::Line => json!({ "is": "line" }),
        Form::Lines => json!({ "is": "lines" }),
        Form::Switch => json!({ "is": "switch" }),
        Form::Share(low, high) => json!({ "is": "number", "low": low, "high": high, "step": 0.01 }),
        Form::Whole(low, high) => json!({ "is": "number", "low": low, "high": high, "step": 1 }),
        Form::Kinds => json!({ "is": "kinds" }),
        Form::Queue => json!({ "is": "queue" }),
    }
}

/// What a form says of a setting: ticks are one value together.
fn typed_value(posted: &Posted, setting: &Setting) -> Option<String> {
    let name = setting.name();
    let values: Vec<&str> =
        posted.0.iter().filter(|(key, _)| *key == name).map(|(_, value)| value.as_str()).collect();
    if setting.form == Form::Kinds {
        // a field of its own says that the ticks were there, even if none was set
        return posted.has("kinds_of", &name).then(|| values.join("\n"));
    }
    values.first().map(|value| (*value).to_owned())
}

/// `POST /settings/{group}`: keeps all of the page, or leaves one setting to the file.
pub async fn change(
    State(desk): State<Arc<Desk>>,
    Extension(visit): Extension<Visit>,
    Path(group): Path<String>,
    Extension(posted): Extension<Posted>,
) -> Result<Response, PageError> {
    let group = Group::parse(&group).ok_or(PageError::NotFound)?;
    let mut values: Vec<(Setting, String)> = Vec::new();
    for setting in Setting::all().filter(|setting| setting.group == group) {
        if posted.text("reset").is_empty() {
            values.extend(typed_value(&posted, &setting).map(|value| (setting, value)));
        } else if posted.text("reset") == setting.name() {
            values.push((setting, setting.read(&desk.app.config)));
        }
    }
    match setting::save(&desk.app, &values, &visit.name).await? {
        Ok(_changed) => {
            Ok(Redirect::to(&format!("/settings/{}?done=settings_saved", group.as_str())).into_response())
        }
        Err(refused) => page(&desk, &visit, group, &posted, Some(&refused)).await,
    }
}
