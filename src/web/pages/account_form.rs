//! The form of a customer: typed, checked, kept; what is wrong stands beside its field, and what was typed stays.

use super::account::{back, find};
use crate::{
    model::{
        account::Account,
        codes,
        finding::{Finding, Severity},
        number::Read,
    },
    pipeline::master_data::{self, Edited, differences, fingerprint},
    validate::{
        customer,
        master_data::{account_cells, unclear},
    },
    web::{
        Desk,
        error::PageError,
        finding,
        frame::Frame,
        locale,
        session::{Posted, Visit},
        text, views,
    },
};
use axum::{
    Extension,
    extract::{Path, State},
    http::StatusCode,
    response::Response,
};
use serde_json::{Map, Value, json};
use std::sync::Arc;

/// The fields with the keys of their labels, in the order of the form.
const FIELDS: [(&str, &str); 13] = [
    ("account_no", "field.account_no"),
    ("name", "accounts.name"),
    ("tax_id", "field.tax_id"),
    ("email_domain", "accounts.email_domain"),
    ("payment_terms", "field.payment_terms"),
    ("country", "accounts.country"),
    ("language", "accounts.language"),
    ("currency", "field.currency"),
    ("credit_limit", "accounts.credit_limit"),
    ("bill_to", "field.bill_to"),
    ("ship_to", "accounts.ship_to_lines"),
    ("contacts", "accounts.contacts_lines"),
    ("aliases", "accounts.aliases_lines"),
];

/// What a field of a kept customer shows.
fn shown(account: &Account, field: &str) -> String {
    match field {
        "ship_to" => account.ship_to.join("\n"),
        "contacts" => account.contacts.join("\n"),
        "aliases" => account.aliases.join("\n"),
        "credit_limit" => account
            .credit_limit
            .map_or_else(String::new, |limit| locale::number(&limit.normalize().to_string())),
        _ => {
            let cells = account_cells(account).into_iter();
            cells.filter(|(name, _)| name == field).map(|(_, cell)| cell).next().unwrap_or_default()
        }
    }
}

/// The fields of a form with what stands in them and what is wrong with it.
fn fields(value: impl Fn(&str) -> String, wrong: &[Finding], seen: &str) -> Value {
    let mut form = Map::new();
    for (name, label) in FIELDS {
        let about = wrong.iter().find(|finding| finding.field.as_deref() == Some(name));
        let said = about.map_or_else(String::new, |finding| finding::said(&finding.message));
        let may_be = about.is_some_and(|finding| finding.severity == Severity::Note);
        let field =
            json!({ "label": text::text(label), "value": value(name), "wrong": said, "may_be": may_be });
        drop(form.insert(name.to_owned(), field));
    }
    json!({ "fields": form, "seen": seen, "order": FIELDS.map(|(name, _)| name) })
}

/// The form of a customer as it is kept.
pub(super) fn kept(account: &Account) -> Value {
    fields(|name| shown(account, name), &[], &fingerprint(account))
}

/// The customer that a form describes, and what is wrong with it. Lists stand one item on a line.
fn typed(posted: &Posted, before: &Account) -> (Account, Vec<Finding>) {
    let text = |name: &str| posted.text(name).to_owned();
    let list = |name: &str| {
        // what separates items in a file cannot stand inside one
        let items = posted.text(name).lines().map(|line| line.replace('|', "/").trim().to_owned());
        items.filter(|line| !line.is_empty()).collect()
    };
    let mut account = Account {
        account_no: text("account_no"),
        name: text("name"),
        aliases: list("aliases"),
        country: text("country"),
        language: text("language"),
        currency: text("currency"),
        payment_terms: text("payment_terms"),
        bill_to: text("bill_to"),
        ship_to: list("ship_to"),
        email_domain: text("email_domain"),
        contacts: list("contacts"),
        tax_id: text("tax_id"),
        credit_limit: before.credit_limit,
    };
    customer::tidy(&mut account);
    let mut wrong = Vec::new();
    let limit = posted.text("credit_limit");
    if limit != shown(before, "credit_limit") {
        let three = codes::decimals(&account.currency) == Some(3);
        account.credit_limit = match locale::amount(limit, three) {
            Read::Number(number) => Some(number),
            Read::Either(thousands, decimals) => {
                wrong.push(unclear(limit, thousands, decimals).about("credit_limit"));
                None
            }
            Read::No if limit.is_empty() => None,
            Read::No => {
                wrong.push(customer::no_number(limit).about("credit_limit"));
                None
            }
        };
    }
    wrong.extend(customer::check(&account));
    (account, wrong)
}

/// What still holds a customer up: not what was there before, nor what its writer says is right.
fn in_the_way(mut wrong: Vec<Finding>, account: &Account, before: &Account, posted: &Posted) -> Vec<Finding> {
    let changed = differences(&account_cells(before), &account_cells(account));
    wrong.retain(|finding| {
        let field = finding.field.as_deref().unwrap_or_default();
        let sure = finding.severity == Severity::Note && posted.has("sure", field);
        let typed = matches!(finding.code.as_str(), "unclear_number" | "bad_number");
        !sure && (typed || field == "name" || changed.iter().any(|cell| cell.name == field))
    });
    wrong
}

/// What the page of the form shows besides what was typed.
struct Told<'a> {
    status: StatusCode,
    /// The customer that is changed; none: a new one.
    was: Option<(&'a str, &'a Account)>,
    wrong: Vec<Finding>,
    /// What somebody else kept meanwhile.
    changed: Option<(&'a Account, &'a Account)>,
}

async fn page(desk: &Desk, visit: &Visit, posted: &Posted, told: Told<'_>) -> Result<Response, PageError> {
    let frame = Frame::load(desk, visit, "accounts").await?;
    let seen = told.changed.map_or_else(|| posted.text("seen").to_owned(), |(now, _)| fingerprint(now));
    let form = fields(|name| posted.text(name).to_owned(), &told.wrong, &seen);
    let mine: Vec<Value> = told.changed.map_or_else(Vec::new, |(now, mine)| {
        let cells = differences(&account_cells(now), &account_cells(mine));
        let label = |name: &str| {
            FIELDS
                .iter()
                .find(|(field, _)| *field == name)
                .map_or(name, |(_, key)| text::text(key))
                .to_owned()
        };
        cells
            .iter()
            .map(|cell| json!({ "label": label(&cell.name), "theirs": cell.before, "mine": cell.after }))
            .collect()
    });
    let context = json!({
        "frame": frame, "form": form, "id": told.was.map(|(id, _)| id), "name": told.was.map(|(_, was)| &was.name),
        "changed": told.changed.is_some(), "mine": mine, "wrong": !told.wrong.is_empty(),
    });
    views::page_with(told.status, "account_form.html", context)
}

/// `POST /accounts`
pub async fn add(
    State(desk): State<Arc<Desk>>,
    Extension(visit): Extension<Visit>,
    Extension(posted): Extension<Posted>,
) -> Result<Response, PageError> {
    let before = Account::default();
    let (account, wrong) = typed(&posted, &before);
    let mut wrong = in_the_way(wrong, &account, &before, &posted);
    if account.account_no.is_empty() {
        wrong.insert(0, customer::no_account_no());
    }
    if !wrong.is_empty() {
        let told = Told { status: StatusCode::UNPROCESSABLE_ENTITY, was: None, wrong, changed: None };
        return page(&desk, &visit, &posted, told).await;
    }
    if let Some(id) = master_data::add_account(&desk.app, &account, &visit.name).await? {
        return Ok(back(&id, "account_saved"));
    }
    let wrong = vec![customer::taken(&account.account_no)];
    let told = Told { status: StatusCode::CONFLICT, was: None, wrong, changed: None };
    page(&desk, &visit, &posted, told).await
}

/// `POST /accounts/{id}`
pub async fn edit(
    State(desk): State<Arc<Desk>>,
    Extension(visit): Extension<Visit>,
    Path(id): Path<String>,
    Extension(posted): Extension<Posted>,
) -> Result<Response, PageError> {
    let id = find(&desk, id).await?;
    let before = desk.app.store.read().await?.find_account(&id).await?.ok_or(PageError::NotFound)?.account;
    let (account, wrong) = typed(&posted, &before);
    let account = Account { account_no: before.account_no.clone(), ..account };
    let wrong = in_the_way(wrong, &account, &before, &posted);
    let was = Some((id.as_str(), &before));
    if !wrong.is_empty() {
        let told = Told { status: StatusCode::UNPROCESSABLE_ENTITY, was, wrong, changed: None };
        return page(&desk, &visit, &posted, told).await;
    }
    let seen = Some(posted.text("seen")).filter(|seen| !seen.is_empty());
    match master_data::edit_account(&desk.app, &id, &account, seen, &visit.name).await? {
        Edited::Kept(_) => Ok(back(&id, "account_saved")),
        Edited::Wrong(wrong) => {
            let told = Told { status: StatusCode::UNPROCESSABLE_ENTITY, was, wrong, changed: None };
            page(&desk, &visit, &posted, told).await
        }
        Edited::Changed(now) => {
            let changed = Some((&*now, &account));
            let told = Told { status: StatusCode::CONFLICT, was, wrong: Vec::new(), changed };
            page(&desk, &visit, &posted, told).await
        }
    }
}
