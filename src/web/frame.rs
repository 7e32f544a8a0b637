//! What stands around every page: who is signed in, where one can go, what waits there, and what was just done.

use super::{Desk, error::PageError, rights::Right, session::Visit, text};
use crate::model::{draft::DraftState, outbox::OutboxState};
use serde::Serialize;
use std::collections::BTreeMap;

/// The surroundings of a page.
#[derive(Clone, Debug, Serialize)]
pub struct Frame {
    /// Our name.
    pub site: String,
    /// Who is signed in.
    pub person: String,
    /// Whether he or she has each right, by its name: pages hide what would be refused.
    pub can: BTreeMap<&'static str, bool>,
    /// For forms.
    pub csrf: String,
    /// Where one can go.
    pub nav: Vec<Item>,
    /// Where one is.
    pub section: &'static str,
    /// What stands in the search box.
    pub query: String,
    /// What was just done, in words.
    pub done: Option<&'static str>,
}

/// One place to go.
#[derive(Clone, Debug, Serialize)]
pub struct Item {
    /// Its name.
    pub section: &'static str,
    /// Its address.
    pub address: &'static str,
    /// What waits there.
    pub count: i64,
    /// What waits there needs a person.
    pub alarm: bool,
}

impl Frame {
    /// Gathers the surroundings of a page in a section.
    pub async fn load(desk: &Desk, visit: &Visit, section: &'static str) -> Result<Self, PageError> {
        let mut db = desk.app.store.read().await?;
        let drafts = count(&db.count_drafts().await?, |state| *state == DraftState::Proposed);
        let can = Right::ALL.iter().map(|right| (right.as_str(), visit.may(*right))).collect();
        let mut nav = vec![
            item("home", "/", 0, false),
            item("tickets", "/queues/all", 0, false),
            item("drafts", "/drafts", drafts, false),
            item("accounts", "/accounts", 0, false),
            item("search", "/search", 0, false),
        ];
        if visit.may(Right::Oversee) {
            let troubled = |state: &OutboxState| matches!(state, OutboxState::InDoubt | OutboxState::Failed);
            let outbox = count(&db.count_outbox().await?, troubled);
            nav.extend([
                item("quarantine", "/quarantine", db.count_quarantine().await?, true),
                item("outbox", "/outbox", outbox, true),
                item("settings", "/mailboxes", 0, false),
            ]);
        }
        Ok(Self {
            site: desk.app.settings().await?.config.site.name.clone(),
            person: visit.name.clone(),
            can,
            csrf: visit.csrf.clone(),
            nav,
            section: match section {
                "automation" | "mailboxes" | "audit" | "users" | "webhooks" | "letterhead" | "queues"
                | "rules" | "limits" | "templates" => "settings",
                other => other,
            },
            query: String::new(),
            done: visit.done.as_deref().and_then(|key| text::find(&format!("done.{key}"))),
        })
    }
}

fn item(section: &'static str, address: &'static str, count: i64, alarm: bool) -> Item {
    Item { section, address, count, alarm }
}

/// Adds up the counts of the states that matter.
fn count<S>(counts: &[(S, i64)], matters: impl Fn(&S) -> bool) -> i64 {
    counts.iter().filter(|(state, _)| matters(state)).map(|(_, n)| n).sum()
}
