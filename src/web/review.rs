//! A draft as a form, and a form back into a draft: the pure half of the review page.
//!
//! [`sheet`] says for each value how sure it is, where it came from and whether a person should look; [`apply`] puts
//! what a person typed over what stood there and leaves everything else with its proof. Inputs are named
//! `f.<field>` and `l.<line>.<column>`; lines count from 0.
//!
//! Does not: check values (that is [`crate::validate`]), nor decide anything.

use super::{text, views};
use crate::model::{
    draft::{Content, Draft, Kind, Line, Proposal, Source},
    finding::{Finding, Severity},
    page::{How, Page},
};
use rust_decimal::Decimal;
use serde::Serialize;
use std::collections::{BTreeMap, BTreeSet};

/// Values below this confidence ask for a look.
pub const LOOK_BELOW: f32 = 0.9;
/// Values below this confidence are unsure.
pub const UNSURE_BELOW: f32 = 0.6;
/// Lines taken from a form at most.
pub const LINES_MAX: usize = 2_000;
/// Words drawn on a page without a picture at most.
pub const WORDS_DRAWN_MAX: usize = 5_000;

/// Header fields by kind: first those that must be there, then those that are always shown, then those that may be.
fn field_names(kind: Kind) -> [&'static [&'static str]; 3] {
    match kind {
        Kind::PurchaseOrder => [
            &["po_number", "buyer_name"],
            &["order_date", "requested_date", "ship_to", "bill_to", "currency", "total"],
            &[
                "buyer_contact",
                "buyer_email",
                "account_no",
                "payment_terms",
                "incoterms",
                "subtotal",
                "discount",
                "shipping",
                "tax",
                "vendor_name",
                "supplier_no",
                "quote_ref",
            ],
        ],
        Kind::PurchaseOrderChange => [
            &["po_number", "buyer_name"],
            &["revision", "change_date", "reason", "requested_date", "ship_to", "currency", "total"],
            &[
                "order_date",
                "buyer_contact",
                "buyer_email",
                "account_no",
                "bill_to",
                "payment_terms",
                "incoterms",
                "subtotal",
                "discount",
                "shipping",
                "tax",
                "vendor_name",
                "supplier_no",
                "quote_ref",
            ],
        ],
        Kind::PurchaseOrderCancellation => [
            &["po_number", "buyer_name"],
            &["cancellation_date", "reason", "order_date"],
            &["buyer_contact", "buyer_email", "account_no", "ship_to", "bill_to", "currency", "total"],
        ],
        Kind::ReturnRequest => [
            &["customer_name", "return_reason"],
            &["po_number", "invoice_number", "rma_number", "request_date", "resolution"],
            &["contact_name", "email", "phone", "account_no", "signature_present", "date_signed"],
        ],
        Kind::CreditApplication => [
            &["legal_name", "address", "requested_credit_limit"],
            &["tax_id", "currency", "email", "phone", "entity_type", "references", "signature_present"],
            &[
                "trade_name",
                "website",
                "year_established",
                "employees",
                "annual_revenue",
                "bank_name",
                "bank_account",
                "signatory_name",
                "signatory_title",
                "date_signed",
            ],
        ],
        Kind::AccountApplication => [
            &["legal_name", "bill_to"],
            &["ship_to", "contact_name", "email", "phone", "tax_id", "tax_exempt", "signature_present"],
            &[
                "trade_name",
                "ap_contact",
                "industry",
                "payment_terms",
                "requested_credit_limit",
                "currency",
                "signatory_name",
                "signatory_title",
                "date_signed",
            ],
        ],
        Kind::Invoice => [
            &["invoice_number", "vendor_name"],
            &["invoice_date", "due_date", "po_number", "currency", "total"],
            &[
                "buyer_name",
                "bill_to",
                "ship_to",
                "payment_terms",
                "account_no",
                "subtotal",
                "shipping",
                "tax",
            ],
        ],
        Kind::DeliveryNote => [
            &["delivery_note_number"],
            &["shipped_date", "po_number", "buyer_name", "ship_to"],
            &["vendor_name", "carrier_name", "account_no"],
        ],
        Kind::Quotation => [
            &["buyer_name"],
            &["rfq_number", "rfq_date", "response_due", "requested_date", "buyer_email", "currency"],
            &["buyer_contact", "ship_to", "payment_terms", "incoterms", "vendor_name", "supplier_no"],
        ],
        Kind::RemittanceAdvice => [
            &["payment_reference"],
            &["payment_date", "buyer_name", "currency", "total"],
            &["vendor_name", "supplier_no"],
        ],
        Kind::Other => [&[], &[], &[]],
    }
}

/// Columns that the grid always shows, by kind.
fn column_names(kind: Kind) -> &'static [&'static str] {
    match kind {
        Kind::PurchaseOrder | Kind::PurchaseOrderCancellation | Kind::Invoice => {
            &["sku", "description", "quantity", "unit", "unit_price", "amount"]
        }
        Kind::PurchaseOrderChange => {
            &["action", "sku", "description", "quantity", "unit", "unit_price", "amount"]
        }
        Kind::ReturnRequest => &["sku", "description", "quantity", "reason"],
        Kind::DeliveryNote => &["sku", "description", "quantity", "unit"],
        Kind::Quotation => &["sku", "description", "quantity", "unit", "delivery_date"],
        Kind::RemittanceAdvice => &["invoice_number", "invoice_date", "gross", "discount", "amount"],
        Kind::CreditApplication | Kind::AccountApplication | Kind::Other => &[],
    }
}

/// Columns from left to right; unknown ones follow.
const COLUMN_ORDER: &[&str] = &[
    "line_no",
    "action",
    "invoice_number",
    "invoice_date",
    "sku",
    "customer_sku",
    "description",
    "serial_no",
    "lot",
    "previous_quantity",
    "ordered_quantity",
    "quantity",
    "unit",
    "unit_price",
    "price_per",
    "gross",
    "discount",
    "tax_rate",
    "amount",
    "delivery_date",
    "reason",
];

/// Fields and columns that hold numbers: a decimal comma that a person types becomes a dot.
const NUMBERS: &[&str] = &[
    "amount",
    "annual_revenue",
    "discount",
    "gross",
    "ordered_quantity",
    "previous_quantity",
    "price_per",
    "quantity",
    "requested_credit_limit",
    "shipping",
    "subtotal",
    "tax",
    "tax_rate",
    "total",
    "unit_price",
];

const LONG: &[&str] = &["address", "bill_to", "ship_to", "reason", "payment_terms"];
const FLAGS: &[&str] = &["signature_present"];

/// How a value stands: the name of a style, an icon and a word.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Level {
    /// At or above [`LOOK_BELOW`].
    Sure,
    /// Below it.
    Check,
    /// Below [`UNSURE_BELOW`].
    Low,
    /// A person typed it.
    Typed,
    /// Not there, but it must be.
    Missing,
    /// Not there.
    Empty,
}

/// The level of a confidence.
pub fn level(confidence: f32) -> Level {
    if confidence < UNSURE_BELOW {
        Level::Low
    } else if confidence < LOOK_BELOW {
        Level::Check
    } else {
        Level::Sure
    }
}

/// One input.
#[derive(Clone, Debug, Serialize)]
pub struct Input {
    /// Field or column.
    pub name: String,
    /// Its label.
    pub label: String,
    /// What stands in it.
    pub value: String,
    /// How it stands.
    pub level: Level,
    /// Probability that it is right.
    pub confidence: f32,
    /// Its turn among those that ask for a look.
    pub attention: Option<usize>,
    /// Findings about it.
    pub notes: Vec<Finding>,
    /// Has a box on a page.
    pub place: bool,
    /// Wants a whole row.
    pub long: bool,
    /// Yes or no.
    pub flag: bool,
    /// Cannot be edited as text.
    pub locked: bool,
    /// Where it came from, in words.
    pub origin: String,
    /// All that is known about it, in one line: for cells.
    pub title: String,
}

/// One line of the grid.
#[derive(Clone, Debug, Serialize)]
pub struct Row {
    /// From 0.
    pub number: usize,
    /// One for each column.
    pub cells: Vec<Input>,
    /// Findings about the line or its cells.
    pub notes: Vec<Finding>,
    /// Waits to be filled.
    pub spare: bool,
}

/// A column of the grid.
#[derive(Clone, Debug, Serialize)]
pub struct Column {
    /// Name.
    pub name: String,
    /// Label.
    pub label: String,
}

/// The whole form.
#[derive(Clone, Debug, Serialize)]
pub struct Sheet {
    /// Fields that are there or should be.
    pub fields: Vec<Input>,
    /// Further fields of the kind, empty.
    pub spare: Vec<Input>,
    /// Columns of the grid; none if the kind has no lines.
    pub columns: Vec<Column>,
    /// Lines.
    pub lines: Vec<Row>,
    /// Findings about the whole.
    pub findings: Vec<Finding>,
    /// Sum of the lines' amounts, if all are numbers.
    pub sum: Option<String>,
}

/// Makes the form of a draft, with `spare_lines` empty lines at the end.
pub fn sheet(draft: &Draft, spare_lines: usize) -> Sheet {
    let [required, shown, possible] = field_names(draft.kind);
    let mut names: Vec<&str> = [required, shown].concat();
    let known = possible.iter().copied().filter(|name| draft.fields.contains_key(*name));
    names.extend(known);
    let others: Vec<&str> =
        draft.fields.keys().map(String::as_str).filter(|name| !names.contains(name)).collect();
    names.extend(others);
    let about = |path: &str| -> Vec<Finding> {
        draft.findings.iter().filter(|f| f.field.as_deref() == Some(path)).cloned().collect()
    };
    let one = |name: &str| {
        let missing = required.contains(&name);
        input(name, draft.fields.get(name), missing, about(name))
    };
    let mut fields: Vec<Input> = names.iter().map(|name| one(name)).collect();
    let rest = possible.iter().filter(|name| !names.contains(name));
    let (noted, spare): (Vec<Input>, Vec<Input>) =
        rest.map(|name| one(name)).partition(|input| !input.notes.is_empty());
    fields.extend(noted);
    // short ones first: long ones take a row each
    fields.sort_by_key(|field| field.long);
    let columns = columns(draft);
    let mut lines = rows(draft, &columns);
    let blank = Line::new();
    for extra in 0..if columns.is_empty() { 0 } else { spare_lines } {
        let cells = columns.iter().map(|c| input(&c.name, blank.get(&c.name), false, Vec::new())).collect();
        lines.push(Row { number: draft.lines.len() + extra, cells, notes: Vec::new(), spare: true });
    }
    let shown: BTreeSet<String> = fields.iter().map(|f| f.name.clone()).collect();
    let findings = draft
        .findings
        .iter()
        .filter(|f| match &f.field {
            None => true,
            Some(path) => !shown.contains(path) && line_of(path).is_none_or(|n| n >= draft.lines.len()),
        })
        .cloned()
        .collect();
    rank(&mut fields, &mut lines);
    Sheet { fields, spare, columns, lines, findings, sum: sum(draft) }
}

fn columns(draft: &Draft) -> Vec<Column> {
    let mut names: BTreeSet<&str> = column_names(draft.kind).iter().copied().collect();
    names.extend(draft.lines.iter().flat_map(|line| line.keys().map(String::as_str)));
    let place = |name: &str| COLUMN_ORDER.iter().position(|n| *n == name).unwrap_or(usize::MAX);
    let mut names: Vec<&str> = names.into_iter().collect();
    names.sort_by_key(|name| (place(name), *name));
    names.into_iter().map(|name| Column { name: name.to_owned(), label: text::label(name) }).collect()
}

fn rows(draft: &Draft, columns: &[Column]) -> Vec<Row> {
    let row = |(number, line): (usize, &Line)| {
        let notes: Vec<Finding> = draft
            .findings
            .iter()
            .filter(|f| f.field.as_deref().and_then(line_of) == Some(number))
            .cloned()
            .collect();
        let cells = columns
            .iter()
            .map(|c| {
                let path = format!("lines.{number}.{}", c.name);
                let mine = notes.iter().filter(|f| f.field.as_deref() == Some(path.as_str())).cloned();
                input(&c.name, line.get(&c.name), false, mine.collect())
            })
            .collect();
        Row { number, cells, notes, spare: false }
    };
    draft.lines.iter().enumerate().map(row).collect()
}

/// The line that a path such as `lines.3.sku` is in.
fn line_of(path: &str) -> Option<usize> {
    path.strip_prefix("lines.")?.split('.').next()?.parse().ok()
}

fn input(name: &str, proposal: Option<&Proposal>, required: bool, notes: Vec<Finding>) -> Input {
    let standing = match proposal {
        None if required => Level::Missing,
        None => Level::Empty,
        Some(Proposal { source: Source::Person(_), .. }) => Level::Typed,
        Some(proposal) => level(proposal.confidence),
    };
    let confidence = proposal.map_or(0.0, |p| p.confidence);
    let telling = |p: &&Proposal| p.printed.is_some() || !matches!(p.source, Source::Page { page: 1, .. });
    let title_origin = proposal.map_or_else(String::new, origin);
    let origin = proposal.filter(telling).map_or_else(String::new, origin);
    let sure = match standing {
        Level::Sure | Level::Check | Level::Low => {
            let word = serde_json::to_value(standing).ok();
            let word = word.as_ref().and_then(|w| w.as_str()).unwrap_or_default();
            format!("{} {} %", text::choice("sure", word), views::percent(f64::from(confidence)))
        }
        _ => String::new(),
    };
    let title = [sure, title_origin].into_iter().filter(|s| !s.is_empty()).collect::<Vec<_>>().join(", ");
    Input {
        name: name.to_owned(),
        label: text::label(name),
        value: proposal.map_or_else(String::new, |p| shown(&p.value)),
        level: standing,
        confidence,
        attention: None,
        notes,
        place: matches!(proposal.map(|p| &p.source), Some(Source::Page { .. })),
        long: LONG.contains(&name),
        flag: FLAGS.contains(&name),
        locked: matches!(proposal.map(|p| &p.value), Some(Content::References(_))),
        origin,
        title,
    }
}

fn origin(proposal: &Proposal) -> String {
    let from = match &proposal.source {
        Source::Page { page, .. } => text::filled("draft.from_page", &[("page", page.to_string())]),
        Source::Rule(rule) => text::filled("draft.from_rule", &[("rule", rule.clone())]),
        Source::Person(who) => text::filled("draft.from_person", &[("who", who.clone())]),
    };
    match &proposal.printed {
        Some(printed) => {
            format!("{from}, {}", text::filled("draft.printed", &[("printed", printed.clone())]))
        }
        None => from,
    }
}

/// A value as it stands in an input.
pub fn shown(content: &Content) -> String {
    match content {
        Content::Text(text) => text.clone(),
        Content::Flag(flag) => flag.to_string(),
        Content::References(list) => list
            .iter()
            .map(|r| {
                [&r.name, &r.phone, &r.email].into_iter().flatten().cloned().collect::<Vec<_>>().join(" ")
            })
            .collect::<Vec<_>>()
            .join("; "),
    }
}

/// Numbers what asks for a look: problems, missing and unsure values first, then those to check.
fn rank(fields: &mut [Input], lines: &mut [Row]) {
    let cells = lines.iter_mut().flat_map(|row| row.cells.iter_mut());
    let mut asking: Vec<(u8, usize, &mut Input)> = fields
        .iter_mut()
        .chain(cells)
        .enumerate()
        .filter_map(|(place, input)| urgency(input).map(|urgency| (urgency, place, input)))
        .collect();
    asking.sort_by_key(|(urgency, place, _)| (*urgency, *place));
    for (turn, (_, _, input)) in asking.into_iter().enumerate() {
        input.attention = Some(turn);
    }
}

fn urgency(input: &Input) -> Option<u8> {
    let worst = input.notes.iter().map(|f| f.severity).max();
    match (input.level, worst) {
        (Level::Missing | Level::Low, _) | (_, Some(Severity::Problem)) => Some(0),
        (Level::Check, _) | (_, Some(Severity::Check)) => Some(1),
        _ => None,
    }
}

fn sum(draft: &Draft) -> Option<String> {
    let amounts: Vec<Decimal> = draft
        .lines
        .iter()
        .filter_map(|line| line.get("amount").and_then(|p| p.value.as_text()))
        .map(|amount| amount.parse().ok())
        .collect::<Option<_>>()?;
    if amounts.is_empty() {
        return None;
    }
    let mut sum = amounts.into_iter().try_fold(Decimal::ZERO, Decimal::checked_add)?;
    sum = sum.normalize();
    if sum.scale() < 2 {
        sum.rescale(2);
    }
    Some(sum.to_string())
}

/// A value's box on a page.
#[derive(Clone, Debug, Serialize)]
pub struct Placed {
    /// Unique on the page: `po_number`, `3-sku`.
    pub name: String,
    /// Id of the input.
    pub input: String,
    /// Label of the field.
    pub label: String,
    /// Its value.
    pub value: String,
    /// How it stands.
    pub level: Level,
    /// Left edge in points.
    pub x: f32,
    /// Top edge in points.
    pub y: f32,
    /// In points.
    pub width: f32,
    /// In points.
    pub height: f32,
}

/// A word drawn where there is no picture.
#[derive(Clone, Debug, Serialize)]
pub struct Drawn {
    /// The word.
    pub text: String,
    /// Left edge in points.
    pub x: f32,
    /// Base line in points.
    pub y: f32,
    /// Width to fill in points.
    pub width: f32,
    /// Size of the letters in points.
    pub size: f32,
}

/// A page to show beside the form.
#[derive(Clone, Debug, Serialize)]
pub struct Shown {
    /// From 1.
    pub number: u32,
    /// In points.
    pub width: f32,
    /// In points.
    pub height: f32,
    /// Address of its picture, if it has one.
    pub picture: Option<String>,
    /// Its words, if it has no picture.
    pub words: Vec<Drawn>,
    /// Where the values stand.
    pub boxes: Vec<Placed>,
}

/// Space around a box, in points.
const BOX_MARGIN_PT: f32 = 1.5;

/// Makes a page with the boxes of a draft; `picture` is the address of its picture.
pub fn show_page(page: &Page, draft: &Draft, picture: Option<String>) -> Shown {
    let picture = picture.filter(|_| matches!(page.how, How::TextLayer | How::Ocr));
    let (width, height) = (page.width_pt.max(1.0), page.height_pt.max(1.0));
    let words = if picture.is_some() {
        Vec::new()
    } else {
        page.words
            .iter()
            .take(WORDS_DRAWN_MAX)
            .map(|word| Drawn {
                text: word.text.clone(),
                x: tenth(word.bbox.x0 * width),
                y: tenth((word.bbox.y1 - 0.22 * word.bbox.height()) * height),
                width: tenth(word.bbox.width() * width),
                size: tenth((word.bbox.height() * height * 0.8).clamp(3.0, 40.0)),
            })
            .collect()
    };
    let heads = draft.fields.iter().map(|(name, p)| (name.clone(), format!("f-{name}"), name, p));
    let cells = draft.lines.iter().enumerate().flat_map(|(n, line)| {
        line.iter().map(move |(name, p)| (format!("{n}-{name}"), format!("l-{n}-{name}"), name, p))
    });
    let boxes = heads
        .chain(cells)
        .filter_map(|(unique, input, name, p)| match &p.source {
            Source::Page { page: number, bbox } if *number == page.number => Some(Placed {
                name: unique,
                input,
                label: text::label(name),
                value: shown(&p.value),
                level: level(p.confidence),
                x: tenth(bbox.x0 * width - BOX_MARGIN_PT),
                y: tenth(bbox.y0 * height - BOX_MARGIN_PT),
                width: tenth(bbox.width().max(0.0) * width + 2.0 * BOX_MARGIN_PT),
                height: tenth(bbox.height().max(0.0) * height + 2.0 * BOX_MARGIN_PT),
            }),
            _ => None,
        })
        .collect();
    Shown { number: page.number, width: tenth(width), height: tenth(height), picture, words, boxes }
}

fn tenth(value: f32) -> f32 {
    if value.is_finite() { (value * 10.0).round() / 10.0 } else { 0.0 }
}

/// Puts what `who` typed over a draft. Gives the new draft and the paths that changed.
pub fn apply(draft: &Draft, posted: &[(String, String)], who: &str) -> (Draft, Vec<String>) {
    let mut changed = Vec::new();
    let mut fields = draft.fields.clone();
    let mut lines: BTreeMap<usize, BTreeMap<&str, &str>> = BTreeMap::new();
    for (key, value) in posted {
        if let Some(name) = key.strip_prefix("f.").filter(|name| is_name(name)) {
            if put(&mut fields, name, value, who) {
                changed.push(name.to_owned());
            }
        } else if let Some((number, column)) = key.strip_prefix("l.").and_then(|rest| rest.split_once('.'))
            && let Ok(number) = number.parse::<usize>()
            && (column == "-" || is_name(column))
            && number < LINES_MAX
        {
            lines.entry(number).or_default().insert(column, value);
        }
    }
    let mut kept = Vec::new();
    for (number, old) in draft.lines.iter().enumerate() {
        let cells = lines.remove(&number).unwrap_or_default();
        let mut line = old.clone();
        if cells.contains_key("-") {
            changed.push(format!("lines.{number}"));
            continue;
        }
        for (column, value) in cells {
            if put(&mut line, column, value, who) {
                changed.push(format!("lines.{number}.{column}"));
            }
        }
        kept.push(line);
    }
    for (number, cells) in lines {
        let mut line = Line::new();
        for (column, value) in cells.iter().filter(|_| !cells.contains_key("-")) {
            put(&mut line, column, value, who);
        }
        if !line.is_empty() {
            changed.push(format!("lines.{number}"));
            kept.push(line);
        }
    }
    let draft = Draft { fields, lines: kept, ..draft.clone() };
    (draft, changed)
}

fn is_name(name: &str) -> bool {
    (1..=60).contains(&name.len())
        && name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_')
}

/// Sets one value; whether that changed anything.
fn put(values: &mut BTreeMap<String, Proposal>, name: &str, typed: &str, who: &str) -> bool {
    let typed = typed.replace("\r\n", "\n");
    let typed = typed.trim();
    match values.get(name) {
        Some(old) if shown(&old.value).trim() == typed || matches!(old.value, Content::References(_)) => {
            return false;
        }
        None if typed.is_empty() => return false,
        _ => {}
    }
    if typed.is_empty() {
        values.remove(name);
        return true;
    }
    let value = match typed {
        "true" | "false" if FLAGS.contains(&name) => Content::Flag(typed == "true"),
        _ => Content::Text(if NUMBERS.contains(&name) { plain_number(typed) } else { typed.to_owned() }),
    };
    let proposal = Proposal { value, confidence: 1.0, source: Source::Person(who.to_owned()), printed: None };
    let changed = values.get(name).is_none_or(|old| old.value != proposal.value);
    if changed {
        values.insert(name.to_owned(), proposal);
    }
    changed
}

/// A number as people type it, with a dot and no thousands marks; anything else stays as it is.
fn plain_number(typed: &str) -> String {
    let packed: String = typed.chars().filter(|c| !c.is_whitespace() && *c != '\'').collect();
    let plain = match (packed.rfind('.'), packed.rfind(',')) {
        (Some(dot), Some(comma)) if comma > dot => packed.replace('.', "").replace(',', "."),
        (Some(_), Some(_)) => packed.replace(',', ""),
        (None, Some(_)) if packed.matches(',').count() == 1 => packed.replace(',', "."),
        (None, Some(_)) => packed.replace(',', ""),
        (_, None) => packed,
    };
    if plain.parse::<Decimal>().is_ok() { plain } else { typed.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::page::Rect;

    fn proposal(value: &str, confidence: f32) -> Proposal {
        let bbox = Rect { x0: 0.1, y0: 0.1, x1: 0.2, y1: 0.12 };
        let source = Source::Page { page: 1, bbox };
        Proposal { value: Content::Text(value.into()), confidence, source, printed: None }
    }

    fn draft() -> Draft {
        Draft {
            kind: Kind::PurchaseOrder,
            kind_confidence: 0.98,
            language: "en".into(),
            page_range: [1, 1],
            fields: [
                ("po_number".to_owned(), proposal("4711", 0.95)),
                ("total".to_owned(), proposal("30", 0.7)),
                ("currency".to_owned(), proposal("EUR", 0.3)),
            ]
            .into(),
            lines: vec![
                [("sku".to_owned(), proposal("A-1", 0.99)), ("amount".to_owned(), proposal("10", 0.99))]
                    .into(),
                [("sku".to_owned(), proposal("A-2", 0.99)), ("amount".to_owned(), proposal("20.5", 0.5))]
                    .into(),
            ],
            findings: vec![
                Finding::new("unknown_sku", Severity::Problem, "No such item.").about("lines.0.sku"),
                Finding::new("unknown_customer", Severity::Check, "Not on file."),
            ],
        }
    }

    fn posted(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
        pairs.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect()
    }

    #[test]
    fn the_least_sure_values_come_first() {
        let sheet = sheet(&draft(), 0);
        let mut turns: Vec<(usize, &str)> = sheet
            .fields
            .iter()
            .chain(sheet.lines.iter().flat_map(|l| &l.cells))
            .filter_map(|i| i.attention.map(|turn| (turn, i.name.as_str())))
            .collect();
        turns.sort_unstable();
        let names: Vec<&str> = turns.iter().map(|(_, name)| *name).collect();
        assert_eq!(names, ["buyer_name", "currency", "sku", "amount", "total"]);
        assert_eq!(sheet.sum.as_deref(), Some("30.50"));
        assert_eq!(sheet.findings.len(), 1);
        assert_eq!(sheet.lines[0].notes.len(), 1);
    }

    #[test]
    fn untouched_values_keep_their_proof() {
        let (same, changed) =
            apply(&draft(), &posted(&[("f.po_number", " 4711 "), ("l.0.sku", "A-1")]), "ann");
        assert_eq!(same, draft());
        assert!(changed.is_empty());
    }

    #[test]
    fn typed_values_say_who_typed_them() {
        let form =
            [("f.total", "1.234,50"), ("f.currency", ""), ("f.order_date", "2026-05-06"), ("f.Bad", "x")];
        let (new, changed) = apply(&draft(), &posted(&form), "ann");
        assert_eq!(changed, ["total", "currency", "order_date"]);
        assert_eq!(new.text("total"), Some("1234.50"));
        assert_eq!(new.fields["total"].source, Source::Person("ann".into()));
        assert!(!new.fields.contains_key("currency"));
        assert_eq!(new.fields.len(), 3);
    }

    #[test]
    fn lines_are_added_and_removed() {
        let form = [
            ("l.0.-", "gone"),
            ("l.1.sku", "A-2"),
            ("l.2.sku", "A-3"),
            ("l.2.quantity", "4"),
            ("l.3.sku", ""),
            ("l.4.sku", "x"),
            ("l.4.-", "gone"),
            ("l.99999999.sku", "x"),
        ];
        let (new, changed) = apply(&draft(), &posted(&form), "ann");
        let skus: Vec<_> = new.lines.iter().map(|l| shown(&l["sku"].value)).collect();
        assert_eq!(skus, ["A-2", "A-3"]);
        assert_eq!(changed, ["lines.0", "lines.2"]);
    }

    #[test]
    fn numbers_as_people_type_them() {
        for (typed, plain) in [
            ("12,5", "12.5"),
            ("1 234.50", "1234.50"),
            ("1,234.50", "1234.50"),
            ("1.234,50", "1234.50"),
            ("1,234,567", "1234567"),
            ("ten", "ten"),
        ] {
            assert_eq!(plain_number(typed), plain);
        }
    }

    #[test]
    fn boxes_lie_on_their_page() {
        let page = Page {
            number: 1,
            width_pt: 600.0,
            height_pt: 800.0,
            how: How::TextLayer,
            words: Vec::new(),
            rulings: Vec::new(),
            fields: Vec::new(),
            cells: Vec::new(),
        };
        let shown = show_page(&page, &draft(), Some("/x.png".into()));
        assert_eq!(shown.boxes.len(), 7);
        assert!((shown.boxes[0].x - 58.5).abs() < 0.01, "{:?}", shown.boxes[0]);
        assert!(show_page(&Page { number: 2, ..page }, &draft(), None).boxes.is_empty());
    }
}
