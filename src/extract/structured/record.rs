//! A draft in the making: values with the places where they stand in the message.
//!
//! What the standard says plainly is sure; what had to be put together or chosen is less so. A value that is not what
//! its type asks for is left out and becomes a finding.

use super::xml::Found;
use crate::{
    extract::{draft::column_name, field::fields_of},
    message::language,
    model::{
        draft::{Content, Draft, Kind, Line, Proposal, Source, TEST_MESSAGE},
        finding::{Finding, Severity},
    },
};
use jiff::civil::Date;
use rust_decimal::Decimal;
use std::{collections::BTreeMap, str::FromStr as _};

/// The standard has one element for exactly this.
pub(super) const PLAIN: f32 = 0.995;
/// Put together of several elements, as addresses are.
pub(super) const COMPOSED: f32 = 0.94;
/// One of several elements that may mean this.
pub(super) const CHOSEN: f32 = 0.85;
/// The standard has an element that is used for this by some.
pub(super) const CUSTOM: f32 = 0.75;

/// Characters of the texts that tell the language.
const LANGUAGE_CHARS_MAX: usize = 20_000;
/// Languages that documents are read in.
const LANGUAGES: [&str; 4] = ["en", "de", "sv", "fr"];
/// Characters of a number: sums of many such numbers still fit.
const NUMBER_CHARS_MAX: usize = 18;
/// Characters of a note that a finding shows.
const NOTE_CHARS_MAX: usize = 400;

/// Values by name: of the header or of one line.
#[derive(Debug)]
pub(super) struct Record {
    standard: String,
    /// What stands before the names in findings: empty, or `lines.3.`.
    about: String,
    values: BTreeMap<String, Proposal>,
    findings: Vec<Finding>,
    /// Free words of the buyer, which no field holds.
    notes: Vec<String>,
}

impl Record {
    /// The header of a message of this standard.
    pub(super) fn header(standard: &str) -> Self {
        Self {
            standard: standard.to_owned(),
            about: String::new(),
            values: BTreeMap::new(),
            findings: Vec::new(),
            notes: Vec::new(),
        }
    }

    /// The line of this index, from 0.
    pub(super) fn line(standard: &str, index: usize) -> Self {
        Self { about: format!("lines.{index}."), ..Self::header(standard) }
    }

    /// A text as it stands.
    pub(super) fn text(&mut self, name: &str, found: Option<Found>) {
        self.put(name, found, PLAIN);
    }

    /// A value as it stands, as sure as given. The first of a name counts.
    pub(super) fn put(&mut self, name: &str, found: Option<Found>, confidence: f32) {
        let Some(found) = found else { return };
        let value = found.text.clone();
        self.put_value(name, value, found, confidence);
    }

    /// A date: ISO, or `CCYYMMDD`; a time after it is left out.
    pub(super) fn date(&mut self, name: &str, found: Option<Found>, confidence: f32) {
        let Some(found) = found else { return };
        match iso_date(&found.text) {
            Some(date) => self.put_value(name, date, found, confidence),
            None => self.refuse("bad_date", name, &found, "a date"),
        }
    }

    /// A decimal number with a dot.
    pub(super) fn number(&mut self, name: &str, found: Option<Found>) {
        self.number_sure(name, found, PLAIN);
    }

    /// As [`Record::number`], as sure as given.
    pub(super) fn number_sure(&mut self, name: &str, found: Option<Found>, confidence: f32) {
        let Some(found) = found else { return };
        match decimal(&found.text) {
            Some(number) => self.put_value(name, number.normalize().to_string(), found, confidence),
            None => self.refuse("bad_amount", name, &found, "a number"),
        }
    }

    /// An ISO 4217 code.
    pub(super) fn currency(&mut self, found: Option<Found>, confidence: f32) {
        let Some(found) = found else { return };
        if found.text.len() == 3 && found.text.chars().all(|c| c.is_ascii_alphabetic()) {
            let code = found.text.to_ascii_uppercase();
            self.put_value("currency", code, found, confidence);
        } else {
            self.refuse("bad_currency", "currency", &found, "a currency code of three letters");
        }
    }

    fn put_value(&mut self, name: &str, value: String, found: Found, confidence: f32) {
        if value.is_empty() || self.values.contains_key(name) {
            return;
        }
        let printed = (found.text != value).then_some(found.text);
        let source = Source::Rule(format!("{} {}", self.standard, found.place));
        let value = Content::Text(value);
        self.values.insert(name.to_owned(), Proposal { value, confidence, source, printed });
    }

    fn refuse(&mut self, code: &str, name: &str, found: &Found, wanted: &str) {
        let message = format!(
            "{} should be {wanted}, but the file says \"{}\" at {}: ask the sender what is meant.",
            said(&self.about, name),
            shorten(&found.text, 60),
            found.place
        );
        let about = format!("{}{name}", self.about);
        self.findings.push(Finding::new(code, Severity::Problem, message).about(about));
    }

    /// Whether a value of that name is there.
    pub(super) fn has(&self, name: &str) -> bool {
        self.values.contains_key(name)
    }

    /// The number of that name.
    pub(super) fn decimal(&self, name: &str) -> Option<Decimal> {
        decimal(self.values.get(name)?.value.as_text()?)
    }

    /// Lowers how sure a value is.
    pub(super) fn doubt(&mut self, name: &str, confidence: f32) {
        if let Some(value) = self.values.get_mut(name) {
            value.confidence = value.confidence.min(confidence);
        }
    }

    /// Makes room for a surer value.
    pub(super) fn drop_if_below(&mut self, name: &str, confidence: f32) {
        if self.values.get(name).is_some_and(|value| value.confidence < confidence) {
            self.values.remove(name);
        }
    }

    /// Gives a value another name.
    pub(super) fn rename(&mut self, from: &str, to: &str) {
        if let Some(value) = self.values.remove(from) {
            self.values.entry(to.to_owned()).or_insert(value);
        }
    }

    /// Something to tell about it.
    pub(super) fn find(&mut self, code: &str, severity: Severity, message: impl Into<String>) {
        self.findings.push(Finding::new(code, severity, message));
    }

    /// Marked by its sender as a test.
    pub(super) fn mark_test(&mut self, place: &str) {
        let message = format!(
            "The sender marked this as a test ({place}): do not enter it as an order; ask the sender if in doubt."
        );
        self.find(TEST_MESSAGE, Severity::Problem, message);
    }

    /// Marked by its sender as a copy or duplicate.
    pub(super) fn mark_copy(&mut self, place: &str) {
        let message = format!(
            "The sender marked this as a copy ({place}): see whether the original is here before entering it."
        );
        self.find("copy_of_order", Severity::Check, message);
    }

    /// Free words of the buyer, which no field holds.
    pub(super) fn note(&mut self, words: &str) {
        if !words.trim().is_empty() {
            self.notes.push(words.trim().to_owned());
        }
    }

    /// A draft of the header, its lines and texts that tell the language.
    pub(super) fn finish(mut self, kind: Kind, lines: Vec<Self>, language: Option<&str>) -> Draft {
        let number = number_of(kind);
        if kind != Kind::PurchaseOrder {
            self.rename("po_number", number);
            self.rename("po_number_of_order", "po_number");
        }
        // a change that names no order may give it its own number
        self.rename("number_of_message", "po_number");
        if kind == Kind::PurchaseOrderCancellation && !self.has("po_number") {
            let message =
                "The cancellation does not say which order it means: ask the sender for its number.";
            self.find("missing_po_number", Severity::Problem, message);
        }
        let standard = self.standard.clone();
        let mut findings = self.findings;
        let mut kept = Vec::new();
        for mut line in lines {
            let dropped = line.values.get("action").is_some_and(|p| p.value.as_text() == Some("cancel"));
            if !line.has("quantity")
                && !dropped
                && kind != Kind::PurchaseOrderCancellation
                && kind != Kind::Other
            {
                let what = said(&line.about, "quantity");
                let message = format!("{what} is missing in the file: ask the sender how much is wanted.");
                let about = format!("{}quantity", line.about);
                line.findings.push(Finding::new("missing_quantity", Severity::Problem, message).about(about));
            }
            findings.append(&mut line.findings);
            self.notes.append(&mut line.notes);
            line.values.retain(|name, _| column_name(name).is_some());
            kept.push(line.values);
        }
        let wanted = fields_of(kind);
        self.values.retain(|name, _| wanted.contains(&name.as_str()));
        let notes = self.notes.join("; ");
        if !notes.is_empty() {
            let message = format!("The order carries a note: \"{}\".", shorten(&notes, NOTE_CHARS_MAX));
            findings.push(Finding::new("order_note", Severity::Note, message));
        }
        let language = language.map_or_else(|| language_of(&notes, &self.values, &kept), str::to_owned);
        if kind == Kind::Other {
            kept.clear();
            findings.clear();
        }
        Draft {
            kind,
            kind_confidence: PLAIN,
            language,
            standard: Some(standard),
            page_range: [1, 1],
            fields: self.values,
            lines: kept,
            findings,
            precedents: Vec::new(),
        }
    }
}

/// What the number of a document of this kind is called.
fn number_of(kind: Kind) -> &'static str {
    match kind {
        Kind::Invoice => "invoice_number",
        Kind::DeliveryNote => "delivery_note_number",
        Kind::Quotation => "rfq_number",
        Kind::RemittanceAdvice => "payment_reference",
        _ => "po_number",
    }
}

/// `The order date`, `The quantity of line 3`.
fn said(about: &str, name: &str) -> String {
    let name = name.replace('_', " ");
    match about.split('.').nth(1).and_then(|index| index.parse::<usize>().ok()) {
        Some(index) => format!("The {name} of line {}", index + 1),
        None => format!("The {name}"),
    }
}

/// Cut after so many characters.
pub(super) fn shorten(text: &str, chars: usize) -> String {
    let mut short: String = text.chars().take(chars).collect();
    if short.len() < text.len() {
        short.push('…');
    }
    short
}

/// The language of what buyers write: descriptions, terms, names.
fn language_of(notes: &str, fields: &BTreeMap<String, Proposal>, lines: &[Line]) -> String {
    let mut text = format!("{notes}\n");
    let values = fields.iter().filter(|(name, _)| name.ends_with("terms") || name.ends_with("reason"));
    let texts = lines.iter().filter_map(|line| line.get("description"));
    for text_value in values.map(|(_, p)| p).chain(texts).filter_map(|p| p.value.as_text()) {
        if text.len() > LANGUAGE_CHARS_MAX {
            break;
        }
        text.push_str(text_value);
        text.push('\n');
    }
    language::detect(&text)
        .filter(|code| LANGUAGES.contains(&code.as_str()))
        .unwrap_or_else(|| "en".to_owned())
}

/// A decimal number as XML Schema writes it; exponents and thousands marks are refused.
pub(super) fn decimal(text: &str) -> Option<Decimal> {
    let bare = text.strip_prefix('+').unwrap_or(text);
    let digits = bare.strip_prefix('-').unwrap_or(bare);
    let plain = !digits.is_empty()
        && digits.len() <= NUMBER_CHARS_MAX
        && digits.chars().all(|c| c.is_ascii_digit() || c == '.')
        && digits.chars().any(|c| c.is_ascii_digit());
    plain.then(|| Decimal::from_str(bare).ok()).flatten()
}

/// `2026-05-06`, with or without time and zone, or `20260506` with or without a time.
pub(super) fn iso_date(text: &str) -> Option<String> {
    let dashed = text.get(..10).filter(|t| t.as_bytes().get(4) == Some(&b'-'));
    let (year, month, day) = if let Some(date) = dashed {
        let mut parts = date.split('-');
        (parts.next()?, parts.next()?, parts.next()?)
    } else if text.len() >= 8 && text.bytes().take(8).all(|b| b.is_ascii_digit()) {
        (text.get(..4)?, text.get(4..6)?, text.get(6..8)?)
    } else {
        return None;
    };
    let date = Date::new(year.parse().ok()?, month.parse().ok()?, day.parse().ok()?).ok()?;
    (1950..=2150).contains(&date.year()).then(|| date.to_string())
}

/// The parts that are there, joined by `, `, with the place of the first.
pub(super) fn join(parts: impl IntoIterator<Item = Option<Found>>) -> Option<Found> {
    let parts: Vec<Found> = parts.into_iter().flatten().collect();
    let place = parts.first()?.place.clone();
    let mut texts: Vec<String> = Vec::new();
    for part in parts {
        if texts.last() != Some(&part.text) {
            texts.push(part.text);
        }
    }
    Some(Found { text: texts.join(", "), place })
}

/// Two parts of one printed line, such as postcode and town.
pub(super) fn beside(first: Option<Found>, second: Option<Found>) -> Option<Found> {
    match (first, second) {
        (Some(a), Some(b)) => Some(Found { text: format!("{} {}", a.text, b.text), place: a.place }),
        (one, other) => one.or(other),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_and_dates_are_exact_or_refused() {
        for (text, number) in
            [("12.50", Some("12.5")), ("-3", Some("-3")), ("1,5", None), ("1e9", None), (".", None)]
        {
            assert_eq!(decimal(text).map(|d| d.normalize().to_string()).as_deref(), number, "{text}");
        }
        for (text, date) in [
            ("2026-05-06", Some("2026-05-06")),
            ("2026-05-06T23:59:00-08:00", Some("2026-05-06")),
            ("202605061730", Some("2026-05-06")),
            ("2026-02-30", None),
            ("06.05.2026", None),
            ("", None),
        ] {
            assert_eq!(iso_date(text).as_deref(), date, "{text}");
        }
    }
}
