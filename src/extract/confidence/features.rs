//! What speaks for and against a value once the whole draft is there.

use crate::{
    extract::{
        draft::{Reading, arithmetic, number},
        layout::{Layout, Word},
    },
    model::{
        account::Known,
        draft::{Content, Draft, Line, Proposal, Source},
        page::Rect,
    },
    validate::account::{fold, squeeze},
};
use jiff::civil::Date;
use rust_decimal::Decimal;
use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    str::FromStr as _,
};

/// Names of the features, in the order of the vectors.
pub const NAMES: [&str; 31] = [
    "rule",
    "word_least",
    "word_mean",
    "document_mean",
    "own_letters",
    "prior",
    "cell",
    "kind",
    "letters",
    "digit_share",
    "words",
    "repeated",
    "down_the_page",
    "page",
    "line_adds_up",
    "lines_that_add_up",
    "lines",
    "lines_make_sum",
    "sums_add_up",
    "filled",
    "cells_of_line",
    "master_data",
    "on_file",
    "two_decimals",
    "confusable",
    "changes",
    "same_in_column",
    "date_in_order",
    "colon",
    "from_rule",
    "same_shape",
];

/// Where a value stands in a draft.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Place {
    /// A header field.
    Field(String),
    /// A cell of a line.
    Cell(usize, String),
}

/// A value's place with its features.
pub type Sample = (Place, [f32; NAMES.len()]);

/// Calibration groups: letters of the file or read from pixels, header or line.
pub const GROUPS: usize = 4;

/// The calibration group of a value.
pub fn group(place: &Place, own_letters: bool) -> usize {
    usize::from(!own_letters) * 2 + usize::from(matches!(place, Place::Cell(..)))
}

/// What holds for all values of a draft.
struct Whole<'a> {
    draft: &'a Draft,
    reading: &'a Reading,
    known: &'a Known,
    words: HashMap<u32, Vec<&'a Word>>,
    document_mean: f32,
    text: String,
    adding_up: f32,
    lines_make_sum: f32,
    sums_add_up: f32,
    filled: BTreeMap<&'a str, f32>,
    cells_max: f32,
    on_file: OnFile,
}

/// Values that master data hold, squeezed.
#[derive(Default)]
struct OnFile {
    names: BTreeSet<String>,
    addresses: Vec<String>,
    units: BTreeSet<String>,
    prices: HashMap<String, Vec<Decimal>>,
}

/// The features of every value of a draft. `prior` tells how often a field's values are right.
pub fn of_draft(
    draft: &Draft,
    layout: &Layout,
    reading: &Reading,
    known: &Known,
    prior: &dyn Fn(&str) -> f32,
) -> Vec<Sample> {
    let whole = Whole::new(draft, layout, reading, known);
    let mut samples = Vec::new();
    for (name, proposal) in &draft.fields {
        samples.push((Place::Field(name.clone()), whole.features(name, proposal, None, prior(name))));
    }
    for (index, line) in draft.lines.iter().enumerate() {
        for (name, proposal) in line {
            let features = whole.features(name, proposal, Some(line), prior(&format!("line.{name}")));
            samples.push((Place::Cell(index, name.clone()), features));
        }
    }
    samples
}

fn decimal(draft: &Draft, name: &str) -> Option<Decimal> {
    Decimal::from_str(draft.text(name)?).ok()
}

fn three_valued(holds: Option<bool>) -> f32 {
    holds.map_or(0.0, |holds| if holds { 1.0 } else { -1.0 })
}

/// Letters and digits by kind: `KS-20138` is `AA-99999`.
fn shape(text: &str) -> String {
    text.chars()
        .map(|c| {
            if c.is_ascii_digit() {
                '9'
            } else if c.is_alphabetic() {
                'A'
            } else {
                c
            }
        })
        .collect()
}

impl<'a> Whole<'a> {
    fn new(draft: &'a Draft, layout: &'a Layout, reading: &'a Reading, known: &'a Known) -> Self {
        let mut words: HashMap<u32, Vec<&Word>> = HashMap::new();
        let (mut sum, mut count) = (0.0f32, 0usize);
        let mut text = String::new();
        for word in layout.rows.iter().flat_map(|r| &r.segments).flat_map(|s| &s.words) {
            words.entry(word.page).or_default().push(word);
            text.push_str(&squeeze(&word.text));
            sum += word.confidence;
            count += 1;
        }
        let cent = Decimal::new(2, 2);
        let proved = draft.lines.iter().filter(|l| arithmetic(l) == Some(true)).count();
        let lines = draft.lines.len().max(1) as f32;
        let amounts: Option<Decimal> = draft.lines.iter().map(|l| number(l, "amount")).sum();
        let amounts = amounts.filter(|_| !draft.lines.is_empty());
        let (subtotal, total) = (decimal(draft, "subtotal"), decimal(draft, "total"));
        let part = |name: &str| decimal(draft, name).unwrap_or_default();
        let made = subtotal.or(amounts).map(|s| s - part("discount") + part("shipping") + part("tax"));
        let mut filled: BTreeMap<&str, f32> = BTreeMap::new();
        for name in draft.lines.iter().flat_map(BTreeMap::keys) {
            *filled.entry(name.as_str()).or_default() += 1.0 / lines;
        }
        Self {
            draft,
            reading,
            known,
            words,
            document_mean: if count == 0 { 1.0 } else { sum / count as f32 },
            text,
            adding_up: proved as f32 / lines,
            lines_make_sum: three_valued(amounts.zip(subtotal.or(total)).map(|(a, s)| (a - s).abs() <= cent)),
            sums_add_up: three_valued(made.zip(total).map(|(m, t)| (m - t).abs() <= cent)),
            filled,
            cells_max: draft.lines.iter().map(BTreeMap::len).max().unwrap_or(1) as f32,
            on_file: OnFile::new(known),
        }
    }

    fn features(
        &self,
        name: &str,
        proposal: &Proposal,
        line: Option<&Line>,
        prior: f32,
    ) -> [f32; NAMES.len()] {
        let own_text;
        let text = if let Content::Text(text) = &proposal.value {
            text.as_str()
        } else {
            own_text = String::new();
            &own_text
        };
        let printed = proposal.printed.as_deref().unwrap_or(text);
        let (page, place) = match &proposal.source {
            Source::Page { page, bbox } => (*page, Some(*bbox)),
            Source::Rule(_) | Source::Person(_) => (1, None),
        };
        let (least, mean) = place.map_or((0.8, 0.8), |place| self.word_confidence(page, &place));
        let letters = printed.chars().count() as f32;
        let digits = printed.chars().filter(char::is_ascii_digit).count() as f32;
        let squeezed = squeeze(printed);
        let repeated =
            if squeezed.len() >= 3 { self.text.matches(squeezed.as_str()).take(4).count() } else { 0 };
        let factor = matches!(name, "quantity" | "unit_price" | "amount" | "discount" | "price_per");
        let adds_up = line.filter(|_| factor).map_or(0.0, |l| three_valued(arithmetic(l)));
        let column = |own: &dyn Fn(&str) -> String| -> f32 {
            let wanted = own(text);
            let all = self.draft.lines.iter().filter_map(|l| l.get(name)?.value.as_text());
            let (mut same, mut count) = (0.0f32, 0.0f32);
            for other in all {
                same += f32::from(own(other) == wanted);
                count += 1.0;
            }
            if count == 0.0 { 0.0 } else { same / count }
        };
        let number_like = printed.chars().rev().position(|c| matches!(c, '.' | ',')) == Some(2);
        let changes = printed
            .chars()
            .zip(printed.chars().skip(1))
            .filter(|(a, b)| a.is_ascii_digit() != b.is_ascii_digit())
            .count();
        [
            proposal.confidence,
            if self.reading.trusted { 1.0 } else { least },
            if self.reading.trusted { 1.0 } else { mean },
            if self.reading.trusted { 1.0 } else { self.document_mean },
            f32::from(self.reading.trusted),
            prior,
            f32::from(line.is_some()),
            self.draft.kind_confidence,
            letters,
            if letters == 0.0 { 0.0 } else { digits / letters },
            printed.split_whitespace().count() as f32,
            repeated as f32,
            place.map_or(0.5, |p| f32::midpoint(p.y0, p.y1)),
            (page - page.min(self.draft.page_range[0])) as f32,
            adds_up,
            self.adding_up,
            self.draft.lines.len() as f32,
            self.lines_make_sum,
            self.sums_add_up,
            line.map_or(self.draft.fields.len() as f32, |_| self.filled.get(name).copied().unwrap_or(0.0)),
            line.map_or(1.0, |l| l.len() as f32 / self.cells_max),
            f32::from(!self.known.accounts.is_empty()) + f32::from(!self.known.catalogue.is_empty()),
            self.on_file(name, text, line),
            f32::from(number_like),
            printed.chars().filter(|c| "O0oIl1|S5B8Z2gq".contains(*c)).count() as f32,
            changes as f32,
            if line.is_some() { column(&|t| squeeze(t)) } else { 0.0 },
            self.date_in_order(name, text),
            f32::from(printed.contains(':')),
            f32::from(place.is_none()),
            if line.is_some() { column(&|t| shape(t)) } else { 0.0 },
        ]
    }

    /// The least and the mean confidence of the words in a box.
    fn word_confidence(&self, page: u32, place: &Rect) -> (f32, f32) {
        let (mut least, mut sum, mut count) = (1.0f32, 0.0f32, 0usize);
        for word in self.words.get(&page).into_iter().flatten() {
            let (x, y) =
                (f32::midpoint(word.rect.x0, word.rect.x1), f32::midpoint(word.rect.y0, word.rect.y1));
            if x >= place.x0 && x <= place.x1 && y >= place.y0 && y <= place.y1 {
                least = least.min(word.confidence);
                sum += word.confidence;
                count += 1;
            }
        }
        if count == 0 { (0.8, 0.8) } else { (least, sum / count as f32) }
    }

    /// Whether master data hold the value: 1 yes, -1 no though they should, 0 nothing to compare.
    fn on_file(&self, name: &str, text: &str, line: Option<&Line>) -> f32 {
        let goods = !self.known.catalogue.is_empty();
        let customers = !self.known.accounts.is_empty();
        let key = squeeze(text);
        match name {
            "sku" if goods => three_valued(Some(self.reading.skus.contains_key(&key))),
            "customer_sku" if goods => three_valued(Some(self.reading.customer_skus.contains_key(&key))),
            "unit" if goods => three_valued(Some(self.on_file.units.contains(&key))),
            "unit_price" if goods => {
                let sku = line.and_then(|l| l.get("sku")?.value.as_text()).map(squeeze);
                let prices = sku.and_then(|s| self.on_file.prices.get(&s));
                let price = Decimal::from_str(text).ok();
                three_valued(prices.zip(price).map(|(all, p)| all.contains(&p)))
            }
            "buyer_name" | "vendor_name" | "customer_name" | "legal_name" if customers => {
                three_valued(Some(self.on_file.names.contains(&key)))
            }
            "ship_to" | "bill_to" if customers => three_valued(Some(
                self.on_file.addresses.iter().any(|a| a.contains(&key) || key.contains(a.as_str())),
            )),
            _ => 0.0,
        }
    }

    /// Whether a date lies between the order's date and two years after it.
    fn date_in_order(&self, name: &str, text: &str) -> f32 {
        if !(name.contains("date") || name == "response_due") {
            return 0.0;
        }
        let ordered = ["order_date", "rfq_date", "invoice_date", "request_date"]
            .iter()
            .filter(|first| **first != name)
            .find_map(|first| self.draft.text(first)?.parse::<Date>().ok());
        let both = ordered.zip(text.parse::<Date>().ok());
        three_valued(both.map(|(from, to)| {
            let days = (to - from).get_days();
            (-30..=730).contains(&days)
        }))
    }
}

impl OnFile {
    fn new(known: &Known) -> Self {
        let mut found = Self::default();
        for account in known.accounts.iter() {
            found.names.extend(std::iter::once(&account.name).chain(&account.aliases).map(|n| squeeze(n)));
            found.addresses.extend(
                account
                    .ship_to
                    .iter()
                    .chain([&account.bill_to])
                    .map(|a| squeeze(&fold(a)))
                    .filter(|a| a.len() > 8),
            );
        }
        found.names.extend(known.site_names.iter().map(|n| squeeze(n)));
        for item in known.catalogue.iter() {
            found.units.insert(squeeze(&item.unit));
            let prices = found.prices.entry(squeeze(&item.sku)).or_default();
            prices.extend(item.prices.values().chain(item.customer_prices.values()).map(Decimal::normalize));
        }
        found
    }
}
