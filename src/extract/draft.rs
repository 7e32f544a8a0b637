//! How the document at hand is read, and small steps that turn words into proposals.

use super::{
    date::Order,
    layout::{Word, bounds},
    number::Style,
};
use crate::model::{
    catalogue::Catalogue,
    draft::{Content, Kind, Line, Proposal, Source},
    text::fold,
};
use rust_decimal::Decimal;
use std::str::FromStr as _;

/// What holds for the whole document.
#[derive(Debug)]
pub struct Reading {
    /// Decimal mark.
    pub style: Style,
    /// Day or month first.
    pub order: Order,
    /// What the document is.
    pub kind: Kind,
    /// ISO 639-1.
    pub language: &'static str,
    /// Every letter comes from the file itself, none from pixels.
    pub trusted: bool,
    /// What we sell.
    pub catalogue: Catalogue,
}

/// A value with its words as its place.
pub fn propose(value: String, words: &[Word], confidence: f32) -> Proposal {
    let page = words.first().map_or(1, |w| w.page);
    let printed = super::layout::join(words);
    let printed = (printed != value).then_some(printed);
    Proposal {
        value: Content::Text(value),
        confidence,
        source: Source::Page { page, bbox: bounds(words) },
        printed,
    }
}

/// A value that a rule gave.
pub fn ruled(value: Content, rule: &str, confidence: f32) -> Proposal {
    Proposal { value, confidence, source: Source::Rule(rule.to_owned()), printed: None }
}

/// The columns of lines that the scheme knows.
const COLUMNS: [&str; 22] = [
    "line_no",
    "sku",
    "customer_sku",
    "description",
    "quantity",
    "unit",
    "unit_price",
    "price_per",
    "discount",
    "charge",
    "tax_rate",
    "amount",
    "delivery_date",
    "action",
    "previous_quantity",
    "ordered_quantity",
    "lot",
    "invoice_number",
    "invoice_date",
    "gross",
    "serial_no",
    "reason",
];

/// A column that the scheme knows, by its name.
pub fn column_name(name: &str) -> Option<&'static str> {
    COLUMNS.into_iter().find(|column| *column == name)
}

/// What is done to a line of a changed order.
pub fn action_of(text: &str) -> Option<String> {
    let text = fold(text);
    let starts = |words: &[&str]| text.split(' ').any(|t| words.iter().any(|w| t.starts_with(w)));
    let says = |words: &[&str]| text.split(' ').any(|t| words.contains(&t));
    let action = if says(&["no", "nil", "aucun", "aucune", "idem"])
        || starts(&[
            "unchang", "unverand", "oforandr", "inchang", "sans", "keine", "none", "same", "ingen", "unmod",
        ]) {
        "unchanged"
    } else if starts(&[
        "cancel", "delet", "remov", "storn", "annul", "strich", "gestrich", "loscht", "entf", "bort",
        "suppr", "stryk", "utga", "avbest", "makul",
    ]) {
        "cancel"
    } else if starts(&["add", "new", "neu", "ny", "ajout", "nouv", "tillag", "hinzu", "tillkom", "zusatz"]) {
        "add"
    } else if starts(&["chang", "amend", "ander", "geand", "andr", "modif", "revis", "mod", "updat"]) {
        "change"
    } else {
        return None;
    };
    Some(action.to_owned())
}

/// A number of a line.
pub fn number(line: &Line, name: &str) -> Option<Decimal> {
    line.get(name).and_then(|p| p.value.as_text()).and_then(|t| Decimal::from_str(t).ok())
}

fn set_confidence(line: &mut Line, names: &[&str], to: impl Fn(f32) -> f32) {
    for name in names {
        if let Some(p) = line.get_mut(*name) {
            p.confidence = to(p.confidence).clamp(0.0, 1.0);
        }
    }
}

/// quantity × price ÷ price unit × (1 − discount) against the amount: none if one of them is missing.
pub fn arithmetic(line: &Line) -> Option<bool> {
    let (quantity, price, amount) =
        (number(line, "quantity")?, number(line, "unit_price")?, number(line, "amount")?);
    let per = number(line, "price_per").filter(|p| !p.is_zero()).unwrap_or(Decimal::ONE);
    let hundred = Decimal::ONE_HUNDRED;
    let factor = (hundred - number(line, "discount").unwrap_or_default()) / hundred;
    let wanted = quantity.checked_mul(price)?.checked_div(per)?.checked_mul(factor)?;
    let wanted = wanted.checked_add(number(line, "charge").unwrap_or_default())?;
    let slack = Decimal::new(11, 3);
    Some((wanted - amount).abs() <= slack)
}

/// Uses what proves or disproves the cells of one line.
pub fn mend_line(line: &mut Line, reading: &Reading) {
    let catalogue = &reading.catalogue;
    for name in ["sku", "customer_sku"] {
        let Some(p) = line.get_mut(name) else { continue };
        let Some(text) = p.value.as_text() else { continue };
        let (known, alike) = if name == "sku" {
            (catalogue.has_sku(text), catalogue.sku_alike(text))
        } else {
            (catalogue.has_customer_sku(text), catalogue.customer_sku_alike(text))
        };
        if known {
            p.confidence = p.confidence.max(0.99);
        } else if let Some(right) = alike.filter(|_| !reading.trusted) {
            p.printed = Some(text.to_owned());
            p.value = Content::Text(right.to_owned());
            p.confidence = 0.95;
        }
    }
    // an item number in the wrong column
    if !line.contains_key("sku")
        && let Some(p) = line.get("customer_sku").cloned()
        && p.value.as_text().is_some_and(|t| catalogue.has_sku(t))
    {
        line.remove("customer_sku");
        line.insert("sku".to_owned(), p);
    }
    let cells = ["quantity", "unit_price", "amount"];
    match arithmetic(line) {
        Some(true) => {
            set_confidence(line, &cells, |c| if reading.trusted { c.max(0.995) } else { c.max(0.98) });
            set_confidence(line, &["discount", "price_per"], |c| c.max(0.98));
        }
        Some(false) => {
            set_confidence(line, &["quantity", "unit_price", "amount", "discount", "price_per"], |c| {
                if reading.trusted { c.min(0.85) } else { c.min(0.5) }
            });
        }
        None => {}
    }
}
