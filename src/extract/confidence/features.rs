//! What speaks for and against a value once the whole draft is there.

use crate::{
    extract::{
        draft::{Reading, arithmetic, number},
        field::{Marked, is_form},
        layout::{Layout, Word},
        prose::is_usual_unit,
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
pub const NAMES: [&str; 41] = [
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
    "label_left",
    "label_above",
    "labels",
    "aligned",
    "covered",
    "shares_place",
    "line_rule",
    "draft_rule",
    "same_cells",
    "form",
];

/// Features that can only speak for a value the more, the higher they are.
const RISING: [&str; 18] = [
    "rule",
    "word_least",
    "word_mean",
    "document_mean",
    "prior",
    "kind",
    "line_adds_up",
    "lines_that_add_up",
    "lines_make_sum",
    "sums_add_up",
    "on_file",
    "date_in_order",
    "label_left",
    "label_above",
    "aligned",
    "covered",
    "line_rule",
    "draft_rule",
];

/// Which of [`NAMES`] are in [`RISING`].
pub fn rising() -> [bool; NAMES.len()] {
    NAMES.map(|name| RISING.contains(&name))
}

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
    layout: &'a Layout,
    marks: &'a [Vec<Option<Marked>>],
    covered: f32,
    draft_rule: f32,
}

/// Values that master data hold, squeezed.
#[derive(Default)]
struct OnFile {
    names: BTreeSet<String>,
    addresses: Vec<String>,
}

/// The features of every value of a draft. `prior` tells how often a field's values are right.
pub fn of_draft(
    draft: &Draft,
    page: (&Layout, &[Vec<Option<Marked>>]),
    reading: &Reading,
    known: &Known,
    prior: &dyn Fn(&str) -> f32,
) -> Vec<Sample> {
    let whole = Whole::new(draft, page, reading, known);
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

/// Distance in fractions of the page within which two edges touch.
const TOUCHING: f32 = 0.003;
/// Distance in fractions of the page within which two cells begin or end at the same place.
const COLUMN_EDGE: f32 = 0.006;
/// How far above a value its label may stand, in heights of a row.
const LABEL_ABOVE_HEIGHTS: f32 = 2.5;
/// Height of a row at most, as a fraction of the page.
const LETTER_MAX: f32 = 0.02;
/// Lines that are compared with one another at most.
const SHARED_LINES_MAX: usize = 200;

/// What a label says about a field: that it asks for it, for something else, or nothing.
fn asks_for(marked: &Marked, name: &str) -> f32 {
    let Some(field) = marked.field else { return 0.0 };
    let same = field == name
        || matches!(
            (field, name),
            ("vendor", "vendor_name")
                | ("customer_name" | "buyer_contact", "buyer_name")
                | ("ship_to" | "bill_to", "address")
        );
    match (same, marked.whole) {
        (true, true) => 1.0,
        (true, false) => 0.5,
        (false, true) => -1.0,
        (false, false) => 0.0,
    }
}

/// Share of the words between the first and the last line that stand in one of their cells.
fn covered(draft: &Draft, words: &HashMap<u32, Vec<&Word>>) -> f32 {
    let mut cells: BTreeMap<u32, Vec<Rect>> = BTreeMap::new();
    for cell in draft.lines.iter().take(SHARED_LINES_MAX).flat_map(BTreeMap::values) {
        if let Source::Page { page, bbox } = &cell.source {
            cells.entry(*page).or_default().push(*bbox);
        }
    }
    let (mut inside, mut all) = (0.0f32, 0.0f32);
    for (page, cells) in cells {
        let top = cells.iter().map(|c| c.y0).fold(1.0, f32::min);
        let bottom = cells.iter().map(|c| c.y1).fold(0.0, f32::max);
        for word in words.get(&page).into_iter().flatten().take(COVERED_WORDS_MAX) {
            let (x, y) =
                (f32::midpoint(word.rect.x0, word.rect.x1), f32::midpoint(word.rect.y0, word.rect.y1));
            if y < top || y > bottom || !word.text.chars().any(char::is_alphanumeric) {
                continue;
            }
            all += 1.0;
            inside += f32::from(cells.iter().any(|c| c.x0 <= x && x <= c.x1 && c.y0 <= y && y <= c.y1));
        }
    }
    if all == 0.0 { 1.0 } else { inside / all }
}

/// Words of one page that are looked for in cells at most.
const COVERED_WORDS_MAX: usize = 2_000;

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
    fn new(
        draft: &'a Draft,
        (layout, marks): (&'a Layout, &'a [Vec<Option<Marked>>]),
        reading: &'a Reading,
        known: &'a Known,
    ) -> Self {
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
        let rules: Vec<f32> = draft
            .fields
            .values()
            .chain(draft.lines.iter().flat_map(BTreeMap::values))
            .map(|p| p.confidence)
            .collect();
        Self {
            covered: covered(draft, &words),
            draft_rule: rules.iter().sum::<f32>() / rules.len().max(1) as f32,
            layout,
            marks,
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
            line.map_or_else(|| place.map_or(0.0, |p| self.label_left(name, page, &p)), |_| 0.0),
            line.map_or_else(|| place.map_or(0.0, |p| self.label_above(name, page, &p)), |_| 0.0),
            if line.is_some() { 0.0 } else { self.labels(name) },
            place.filter(|_| line.is_some()).map_or(1.0, |p| self.aligned(name, &p)),
            self.covered,
            place.map_or(0.0, |p| self.shares_place(page, &p)),
            line.map_or(self.draft_rule, |l| {
                l.values().map(|p| p.confidence).sum::<f32>() / l.len().max(1) as f32
            }),
            self.draft_rule,
            line.map_or(1.0, |l| self.same_cells(l)),
            f32::from(is_form(self.draft.kind)),
        ]
    }

    /// Whether the label left of a value, or before it in its segment, asks for it: 1 yes, -1 for something else, 0
    /// there is none.
    fn label_left(&self, name: &str, page: u32, place: &Rect) -> f32 {
        let middle = f32::midpoint(place.y0, place.y1);
        let mut best: Option<(f32, f32)> = None;
        for (row, marks) in self.layout.rows.iter().zip(self.marks).filter(|(row, _)| row.page == page) {
            for (segment, marked) in row.segments.iter().zip(marks) {
                let (Some(first), Some(last)) = (segment.words.first(), segment.words.last()) else {
                    continue;
                };
                let level = first.rect.y0 <= middle && middle <= last.rect.y1;
                if !level || first.rect.x0 >= place.x0 - TOUCHING {
                    continue;
                }
                let gap = (place.x0 - last.rect.x1).max(0.0);
                if best.is_none_or(|(nearest, _)| gap < nearest) {
                    best = Some((gap, marked.as_ref().map_or(0.0, |m| asks_for(m, name))));
                }
            }
        }
        best.map_or(0.0, |(_, says)| says)
    }

    /// The same for the label above a value.
    fn label_above(&self, name: &str, page: u32, place: &Rect) -> f32 {
        let reach = LABEL_ABOVE_HEIGHTS * (place.y1 - place.y0).min(LETTER_MAX);
        let mut best: Option<(f32, f32)> = None;
        for (row, marks) in self.layout.rows.iter().zip(self.marks).filter(|(row, _)| row.page == page) {
            for (segment, marked) in row.segments.iter().zip(marks) {
                let (Some(first), Some(last)) = (segment.words.first(), segment.words.last()) else {
                    continue;
                };
                let gap = place.y0 - first.rect.y1;
                let over = first.rect.x0 < place.x1 && place.x0 < last.rect.x1;
                if over && gap > -TOUCHING && gap < reach && best.is_none_or(|(nearest, _)| gap < nearest) {
                    best = Some((gap, marked.as_ref().map_or(0.0, |m| asks_for(m, name))));
                }
            }
        }
        best.map_or(0.0, |(_, says)| says)
    }

    /// How many labels ask for a field.
    fn labels(&self, name: &str) -> f32 {
        let asking = self.marks.iter().flatten().flatten().filter(|m| asks_for(m, name) > 0.0);
        asking.take(5).count() as f32
    }

    /// Share of the cells of a column that begin or end where this one does.
    fn aligned(&self, name: &str, place: &Rect) -> f32 {
        let (mut same, mut all) = (0.0f32, 0.0f32);
        for other in self.draft.lines.iter().filter_map(|l| l.get(name)) {
            let Source::Page { bbox, .. } = &other.source else { continue };
            all += 1.0;
            let near = |a: f32, b: f32| (a - b).abs() < COLUMN_EDGE;
            same += f32::from(near(bbox.x0, place.x0) || near(bbox.x1, place.x1));
        }
        if all == 0.0 { 0.0 } else { same / all }
    }

    /// How many other values were read from the same words.
    fn shares_place(&self, page: u32, place: &Rect) -> f32 {
        let fields = self.draft.fields.values();
        let all = fields.chain(self.draft.lines.iter().take(SHARED_LINES_MAX).flat_map(BTreeMap::values));
        let same = all.filter(|other| match &other.source {
            Source::Page { page: on, bbox } => {
                let width = bbox.x1.min(place.x1) - bbox.x0.max(place.x0);
                let height = bbox.y1.min(place.y1) - bbox.y0.max(place.y0);
                let own = ((place.x1 - place.x0) * (place.y1 - place.y0)).max(f32::EPSILON);
                *on == page && width > 0.0 && height > 0.0 && width * height > 0.5 * own
            }
            Source::Rule(_) | Source::Person(_) => false,
        });
        same.take(4).count() as f32 - 1.0
    }

    /// Share of the lines that have the same cells as this one.
    fn same_cells(&self, line: &Line) -> f32 {
        let lines = self.draft.lines.len().max(1) as f32;
        let same = self.draft.lines.iter().take(SHARED_LINES_MAX).filter(|l| l.keys().eq(line.keys()));
        same.count() as f32 / lines.min(SHARED_LINES_MAX as f32)
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
            "sku" if goods => three_valued(Some(self.known.catalogue.has_sku(text))),
            "customer_sku" if goods => three_valued(Some(self.known.catalogue.has_customer_sku(text))),
            // a usual unit is no proof, but it speaks for the column
            "unit" if !goods => {
                if is_usual_unit(text) {
                    0.5
                } else {
                    -0.5
                }
            }
            "unit" if goods => three_valued(Some(self.known.catalogue.has_unit(text))),
            "unit_price" if goods => {
                let sku = line.and_then(|l| l.get("sku")?.value.as_text());
                let item = sku.and_then(|sku| self.known.catalogue.find(sku));
                let price = Decimal::from_str(text).ok();
                three_valued(item.zip(price).map(|(item, price)| {
                    item.prices.values().chain(item.customer_prices.values()).any(|on_file| *on_file == price)
                }))
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
        found
    }
}
