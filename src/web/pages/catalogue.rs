//! Goods: the list, import and export.

use super::{
    account::{matches, words},
    import::{self, Way},
};
use crate::{
    model::account::CatalogueItem,
    validate::master_data::{item_cells, write_csv},
    web::{
        Desk,
        error::{PageError, percent_encode},
        frame::Frame,
        locale,
        paging::{Part, ask},
        session::{Files, Posted, Visit},
        text, views,
    },
};
use axum::{
    Extension,
    extract::{Query, State},
    response::Response,
};
use serde::Deserialize;
use serde_json::{Value, json};
use std::sync::Arc;

/// Items on one page.
const ITEMS_PER_PAGE: u32 = 50;

/// What was typed, and which part of the list.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Asked {
    q: String,
    after: String,
}

/// `GET /catalogue`
pub async fn list(
    State(desk): State<Arc<Desk>>,
    Extension(visit): Extension<Visit>,
    Query(asked): Query<Asked>,
) -> Result<Response, PageError> {
    let frame = Frame::load(&desk, &visit, "accounts").await?;
    let known = desk.app.store.read().await?.list_all_catalogue_items().await?;
    let words = words(&asked.q);
    let wanted = |item: &&CatalogueItem| {
        let texts =
            std::iter::once(&item.sku).chain(item.descriptions.values()).chain(item.customer_skus.values());
        matches(&words, texts)
    };
    let total = known.iter().filter(wanted).count();
    let rows: Vec<&CatalogueItem> = known
        .iter()
        .filter(|item| item.sku.as_str() > asked.after.as_str())
        .filter(wanted)
        .take(ask(ITEMS_PER_PAGE) as usize)
        .collect();
    let part = Part::cut(rows, ITEMS_PER_PAGE);
    let next = part.next(|last| {
        format!("/catalogue?q={}&after={}", percent_encode(&asked.q), percent_encode(&last.sku))
    });
    let items: Vec<Value> = part.rows.iter().map(|item| shown(item)).collect();
    let context = json!({ "frame": frame, "items": items, "next": next, "q": asked.q, "total": total });
    views::page("catalogue.html", context)
}

fn shown(item: &CatalogueItem) -> Value {
    let own = item.descriptions.get(text::language()).or_else(|| item.descriptions.get("en"));
    let prices: Vec<String> = item
        .prices
        .iter()
        .map(|(currency, price)| format!("{} {currency}", locale::number(&price.to_string())))
        .collect();
    json!({
        "sku": item.sku, "description": own.or_else(|| item.descriptions.values().next()), "unit": item.unit,
        "prices": prices, "agreed": item.customer_prices.len(), "theirs": item.customer_skus.len(),
    })
}

/// `GET /catalogue.csv`
pub async fn export(State(desk): State<Arc<Desk>>) -> Result<Response, PageError> {
    let items = desk.app.store.read().await?.list_all_catalogue_items().await?;
    Ok(import::download("catalogue.csv", write_csv(&items.iter().map(item_cells).collect::<Vec<_>>())))
}

/// `POST /catalogue/import`
pub async fn load(
    State(desk): State<Arc<Desk>>,
    Extension(visit): Extension<Visit>,
    Extension(posted): Extension<Posted>,
    Extension(files): Extension<Files>,
) -> Result<Response, PageError> {
    import::run(&desk, &visit, Way::Catalogue, &posted, &files).await
}
