//! Pages of words into drafts: fields and lines with confidence and place.
//!
//! [`layout`] puts words into rows and segments ([`sidebar`], [`pairs`] and [`caption`] mend them), [`label`] tells labels by their concepts, [`kind`] says what the
//! document is; then [`field`], [`party`], [`form`], [`table`], [`cards`], [`schedule`], [`headless`] and [`totals`] read it, [`confidence`] says
//! how sure, from what [`training`] learnt of documents with known truth. [`bundle`] takes the documents of one
//! message together.
//! [`memory`] knows layouts that were confirmed before. [`structured`] and [`sheet`] read orders that need no picture.
//! Does not: read bytes, look anything up beyond [`Known`], or correct a value: it says what stands on the page.

pub mod bundle;
pub mod caption;
pub mod cards;
pub mod confidence;
pub mod cover;
pub mod date;
pub mod draft;
pub mod field;
pub mod form;
pub mod headless;
pub mod kind;
pub mod label;
pub mod layout;
pub mod letter;
pub mod memory;
pub mod number;
pub mod pairs;
pub mod party;
pub mod prose;
pub mod same;
pub mod schedule;
pub mod sheet;
pub mod sidebar;
pub mod split;
pub mod structured;
pub mod table;
#[cfg(test)]
mod testing;
pub mod text;
pub mod totals;
pub mod training;

use crate::{
    model::{
        account::Known,
        draft::{Content, Draft, Kind, Line, Proposal},
        page::{How, Page, Pages},
    },
    validate::account::fold,
};
use date::Order;
use draft::{Reading, ruled};
use layout::Layout;
use number::Style;
use std::collections::{BTreeMap, HashSet};
pub use text::{message_pages, text_pages};

/// Pages of one file that are read; the rest is left out.
const PAGES_MAX: usize = 200;

/// What reading a document may lean on.
#[derive(Clone, Copy, Debug)]
pub struct Context<'a> {
    /// Customers, goods and our own names; empty for a blind reading.
    pub known: &'a Known,
    /// Subject of the mail that brought it.
    pub subject: Option<&'a str>,
    /// Domain of the sender, in lower case.
    pub sender_domain: Option<&'a str>,
    /// What confirmed documents taught about layouts.
    pub lessons: &'a [&'a memory::Lesson],
    /// Nothing comes along with these pages: of what cannot stand by itself ([`bundle::stands_alone`]) only the kind
    /// is read.
    pub alone: bool,
}

/// The business documents in these pages, in their order; empty if there is no page.
pub fn extract(pages: &Pages, context: &Context<'_>) -> Vec<Draft> {
    let sheets = pages.pages.get(..pages.pages.len().min(PAGES_MAX)).unwrap_or_default();
    let mut drafts: Vec<Draft> = pages.structured.iter().flat_map(|text| structured::read(text)).collect();
    if drafts.is_empty() {
        return if sheet::is_sheet(sheets) {
            read_sheets(sheets, &pages.format, context)
        } else {
            read_pages(sheets, context)
        };
    }
    for draft in &mut drafts {
        draft.page_range = [1, u32::try_from(pages.pages.len()).unwrap_or(u32::MAX).max(1)];
    }
    if pages.format == "pdf" { beside_picture(drafts, sheets, context) } else { drafts }
}

fn read_pages(pages: &[Page], context: &Context<'_>) -> Vec<Draft> {
    split::split(pages).into_iter().map(|part| read_document(part, context)).collect()
}

/// Cells first; the layout of their page adds what they do not say, and answers if they hold no goods.
fn read_sheets(pages: &[Page], format: &str, context: &Context<'_>) -> Vec<Draft> {
    let mut drafts = sheet::read(pages, format, context);
    if drafts.is_empty() {
        return read_pages(pages, context);
    }
    sheet::complete(&mut drafts, &read_document(pages, context));
    drafts
}

/// What a PDF carries in files counts before what it shows, unless that is something else than a document of trade.
fn beside_picture(mut drafts: Vec<Draft>, pages: &[Page], context: &Context<'_>) -> Vec<Draft> {
    let shown = read_pages(pages, context);
    let own = |draft: &Draft| draft.kind != Kind::Other || draft.standard.as_deref() == Some("Order-X");
    if !drafts.iter().any(own) {
        return shown;
    }
    drafts.retain(own);
    let lines: Vec<Line> = shown.iter().flat_map(|draft| draft.lines.clone()).collect();
    for draft in drafts.iter_mut().filter(|draft| draft.kind != Kind::Other) {
        structured::picture::compare(draft, pages, &lines);
        if let Some(shown) = shown.first() {
            draft.language.clone_from(&shown.language);
        }
    }
    drafts
}

fn read_document(pages: &[Page], context: &Context<'_>) -> Draft {
    weigh_document(pages, context).draft
}

/// A document's draft with what speaks for and against each of its values.
#[derive(Clone, Debug)]
pub struct Weighed {
    /// The draft with confidence as it was learnt.
    pub draft: Draft,
    /// The features of its values.
    pub samples: Vec<confidence::features::Sample>,
    /// How sure the kind was by the rules alone.
    pub kind_rule: f32,
}

/// The documents in these pages as they look, with the features by which confidence was found: what training needs.
pub fn extract_weighed(pages: &Pages, context: &Context<'_>) -> Vec<Weighed> {
    let pages = pages.pages.get(..pages.pages.len().min(PAGES_MAX)).unwrap_or_default();
    split::split(pages).into_iter().map(|part| weigh_document(part, context)).collect()
}

/// The rows of one document, its parts side by side put one below the other.
pub(crate) fn lay_out_document(pages: &[Page]) -> Layout {
    let mut layout = layout::lay_out(cover::skip_cover(pages));
    sidebar::part(&mut layout);
    pairs::part(&mut layout);
    caption::part(&mut layout);
    if pages.iter().all(|p| p.how == How::Text) {
        text::keep_forwarded(&mut layout);
    }
    layout
}

fn weigh_document(pages: &[Page], context: &Context<'_>) -> Weighed {
    let layout = lay_out_document(pages);
    let language = kind::find_language(&layout);
    let mut reading = reading(&layout, language, context.known);
    let recalled = memory::recall(context.lessons, &layout);
    if let Some(recalled) = &recalled {
        recalled.teach(&mut reading);
    }
    let printed = text::printed_subject(&layout);
    let is_text = pages.iter().all(|p| p.how == How::Text) || printed.is_some();
    let mut table = find_goods(&layout, &reading, is_text);
    let subject = printed.as_deref().or(context.subject.filter(|_| is_text));
    let (mut kind, mut kind_confidence) = kind::find_kind(&layout, subject, &kind::Goods::of(&table.lines));
    let mut order_number = None;
    if is_text {
        order_number = find_order_number(&layout, subject, &reading);
        let text: Vec<String> = all_words(&layout).map(|w| w.text.clone()).collect();
        let text = fold(&format!("{} {}", subject.unwrap_or_default(), text.join(" ")));
        if let Some((said, sure)) = prose::find_kind(&text, table.lines.len(), order_number.is_some())
            && (kind == Kind::Other || kind_confidence < sure)
        {
            (kind, kind_confidence) = (said, sure);
        }
    }
    if let Some(recalled) = &recalled {
        (kind, kind_confidence) = recalled.kind();
        recalled.read_lines(&layout, &reading, &mut table);
    }
    reading.kind = kind;
    let page_range = [pages.first().map_or(1, |p| p.number), pages.last().map_or(1, |p| p.number)];
    let mut draft = Draft {
        kind,
        kind_confidence,
        language: language.to_owned(),
        standard: None,
        page_range,
        fields: BTreeMap::default(),
        lines: Vec::new(),
        findings: Vec::new(),
        precedents: Vec::new(),
    };
    let in_vain = context.alone && bundle::needs_lines(kind) && !table.lines.iter().any(bundle::is_whole);
    if !kind.is_record() || in_vain {
        draft.kind_confidence = confidence::of_kind(kind_confidence);
        return Weighed { draft, samples: Vec::new(), kind_rule: kind_confidence };
    }
    let marks = field::mark(&layout, kind);
    let wanted = field::fields_of(kind);
    let mut fields = field::find_fields(&layout, &marks, &table.rows, &reading);
    fields.extend(party::find_parties(&layout, &marks, &table.rows, &reading, context.known));
    if field::is_form(kind) {
        fields.extend(form::find_choices(&layout, &marks, &reading));
        form::part_references(&mut fields);
    } else {
        fields.extend(totals::find_totals(&layout, &table.rows, &table.lines, &reading));
    }
    add_unlabelled(&layout, wanted, &reading, &mut fields);
    if is_text {
        mend_text_fields(&layout, kind, &reading, &mut fields);
    }
    if let Some(number) = order_number.filter(|_| !fields.contains_key("po_number")) {
        fields.insert("po_number".to_owned(), number);
    }
    add_contact(&layout, wanted, &reading, &mut fields);
    field::part_dates(&layout, &reading, &mut fields);
    add_written(&layout, &reading, &mut fields);
    fields.retain(|name, _| wanted.contains(&name.as_str()));
    add_unclaimed(&layout, &marks, &table.rows, &reading, &mut fields);
    if field::is_form(kind) && kind != Kind::ReturnRequest {
        table.lines.clear();
    }
    for line in &mut table.lines {
        keep_columns(line, kind);
    }
    table.lines.retain(|l| !l.is_empty());
    // forms with goods printed in advance: what is ordered has a quantity
    if table.lines.iter().any(|l| l.contains_key("quantity")) {
        table.lines.retain(|l| l.contains_key("quantity") || l.contains_key("amount"));
    }
    if kind == Kind::PurchaseOrderChange {
        for line in &mut table.lines {
            line.entry("action".to_owned())
                .or_insert_with(|| ruled(Content::Text("change".to_owned()), "line of a changed order", 0.6));
        }
    }
    let mut remembered = BTreeMap::new();
    if let Some(recalled) = &recalled {
        (remembered, draft.precedents) = recalled.read_fields(&layout, &reading, &mut fields);
    }
    draft.fields = fields;
    draft.lines = table.lines;
    let samples = confidence::weigh(&mut draft, (&layout, &marks), &reading, context.known);
    confidence::doubt_lines(&mut draft, is_text);
    confidence::doubt_exchanged(&mut draft.lines);
    for (name, sure) in remembered {
        if let Some(proposal) = draft.fields.get_mut(&name) {
            proposal.confidence = proposal.confidence.max(sure);
        }
    }
    Weighed { draft, samples, kind_rule: kind_confidence }
}

/// The lines of goods, by the way of reading them that finds most.
fn find_goods(layout: &Layout, reading: &Reading, is_text: bool) -> table::Table {
    let mut table = table::find_lines(layout, reading);
    // heads of days side by side look like those of goods; nothing proves what is read below them
    if !table.lines.iter().any(|line| draft::arithmetic(line) == Some(true)) {
        let (lines, rows) = schedule::find_lines(layout, reading);
        if lines.len() > table.lines.len() {
            (table.lines, table.rows) = (lines, rows);
        }
    }
    if table.lines.is_empty() {
        (table.lines, table.rows) = headless::find_lines(layout, reading);
        let (cards, rows) = cards::find_lines(layout, reading);
        if !cards.is_empty() && cards.len() >= table.lines.len() {
            (table.lines, table.rows) = (cards, rows);
        }
        let mut said = Vec::new();
        if is_text || letter::is_letter(layout) {
            said = prose::find_lines(layout, reading);
        }
        // a letter tells of much; only whole lines are goods
        if !is_text {
            said.retain(|line| ["quantity", "unit", "sku"].iter().all(|name| line.contains_key(*name)));
        }
        if !said.is_empty() && said.len() >= table.lines.len() {
            table.lines = said;
        }
    }
    table
}

/// The currency that most amounts are in, and the only mail address, where no label says them.
fn add_unlabelled(
    layout: &Layout,
    wanted: &[&str],
    reading: &Reading,
    fields: &mut BTreeMap<String, Proposal>,
) {
    if wanted.contains(&"currency")
        && !fields.contains_key("currency")
        && let Some((code, words)) = field::vote_currency(layout, dollar(layout))
    {
        let sure = confidence::from_words(0.95, &words, reading.trusted);
        fields.insert("currency".to_owned(), draft::propose(code.to_owned(), &words, sure));
    }
    if wanted.contains(&"buyer_email")
        && !fields.contains_key("buyer_email")
        && let Some((mail, words)) = lone_email(layout)
        && !words.iter().any(|w| in_foot(layout, w))
    {
        let sure = confidence::from_words(0.85, &words, reading.trusted);
        fields.insert("buyer_email".to_owned(), draft::propose(mail, &words, sure));
    }
}

/// Who sent the mail, where nobody else is named.
/// Where running text asks for the goods.
fn add_ship_to(layout: &Layout, reading: &Reading, fields: &mut BTreeMap<String, Proposal>) {
    if !fields.contains_key("ship_to")
        && let Some((address, words)) = prose::find_ship_to(layout)
    {
        let sure = confidence::from_words(0.8, &words, reading.trusted);
        fields.insert("ship_to".to_owned(), draft::propose(address, &words, sure));
    }
}

/// What a title or a sentence says.
fn add_written(layout: &Layout, reading: &Reading, fields: &mut BTreeMap<String, Proposal>) {
    for (name, proposal) in letter::find_fields(layout, reading) {
        fields.entry(name).or_insert(proposal);
    }
    add_ship_to(layout, reading, fields);
    add_number_in_title(layout, reading, fields);
    mend_order_date(layout, reading, fields);
}

/// The number of the paper itself, beside its name.
fn add_number_in_title(layout: &Layout, reading: &Reading, fields: &mut BTreeMap<String, Proposal>) {
    let name = match reading.kind {
        Kind::Invoice => "invoice_number",
        Kind::DeliveryNote => "delivery_note_number",
        Kind::RemittanceAdvice => "payment_reference",
        Kind::Quotation => "rfq_number",
        Kind::ReturnRequest => "rma_number",
        _ => return,
    };
    if !fields.contains_key(name)
        && let Some(word) = kind::number_in_title(layout, reading.kind, reading.order)
    {
        let words = [word];
        let sure = confidence::from_words(0.85, &words, reading.trusted);
        fields.insert(name.to_owned(), draft::propose(layout::join(&words), &words, sure));
    }
}

/// Words between the number of an order and its day: `our order 4711 of 5 May`.
#[rustfmt::skip]
const OF_DAY: &[&str] = &[
    "vom", "du", "of", "dated", "from", "fran", "av", "den", "daterad", "datee", "date", "le", "am", "en", "placed", "on", "issued",
];
/// Words of a day at most.
const DAY_WORDS_MAX: usize = 4;

/// The day that stands behind the number of an order is the order's, whatever day heads the paper that changes it.
fn mend_order_date(layout: &Layout, reading: &Reading, fields: &mut BTreeMap<String, Proposal>) {
    if !matches!(reading.kind, Kind::PurchaseOrderChange | Kind::PurchaseOrderCancellation) {
        return;
    }
    let number = fields.get("po_number").and_then(|p| p.value.as_text().map(fold));
    let Some(number) = number.filter(|number| !number.is_empty()) else { return };
    let words: Vec<layout::Word> = all_words(layout).cloned().collect();
    let day = words.iter().enumerate().filter(|(_, w)| fold(&w.text) == number).find_map(|(at, _)| {
        let joined =
            words.iter().skip(at + 1).take(2).take_while(|w| OF_DAY.contains(&fold(&w.text).as_str()));
        let joined = joined.count();
        let from = at + 1 + joined;
        let longest = (1..=DAY_WORDS_MAX).rev().filter(|_| joined > 0);
        longest.filter_map(|n| words.get(from..from + n)).find_map(|part| {
            let text = layout::join(part);
            let read = date::parse_date(text.trim_end_matches(['.', ',', ';', ')']), reading.order)?;
            (read.words == part.len()).then(|| (read.iso, part.to_vec()))
        })
    });
    if let Some((iso, words)) = day {
        let sure = confidence::from_words(0.93, &words, reading.trusted);
        fields.insert("order_date".to_owned(), draft::propose(iso, &words, sure));
    }
}

/// What no label claims: the last date, and the person who wrote.
fn add_unclaimed(
    layout: &Layout,
    marks: &[Vec<Option<field::Marked>>],
    table_rows: &HashSet<usize>,
    reading: &Reading,
    fields: &mut BTreeMap<String, Proposal>,
) {
    if let Some((name, date)) = field::find_date(layout, marks, table_rows, fields, reading) {
        fields.insert(name.to_owned(), date);
    }
    if field::fields_of(reading.kind).contains(&"buyer_contact")
        && !fields.contains_key("buyer_contact")
        && let Some((name, words)) = field::find_person(layout, fields)
    {
        let sure = confidence::from_words(0.75, &words, reading.trusted);
        fields.insert("buyer_contact".to_owned(), draft::propose(name, &words, sure));
    }
}

fn add_contact(layout: &Layout, wanted: &[&str], reading: &Reading, fields: &mut BTreeMap<String, Proposal>) {
    if wanted.contains(&"buyer_contact")
        && !fields.contains_key("buyer_contact")
        && let Some((name, words)) = sender_name(layout)
    {
        let sure = confidence::from_words(0.9, &words, reading.trusted);
        fields.insert("buyer_contact".to_owned(), draft::propose(name, &words, sure));
    }
}

/// What stands otherwise in the text of a mail than on a page: the date of the mail is that of what it asks for, its
/// sender is whom to ask, and a sentence is nobody's name.
fn mend_text_fields(layout: &Layout, kind: Kind, reading: &Reading, fields: &mut BTreeMap<String, Proposal>) {
    let own_date = match kind {
        Kind::PurchaseOrderCancellation => Some("cancellation_date"),
        Kind::PurchaseOrderChange => Some("change_date"),
        _ => None,
    };
    if let Some(own) = own_date.filter(|own| !fields.contains_key(*own))
        && let Some(date) = fields.remove("order_date")
    {
        fields.insert(own.to_owned(), date);
        if let Some((day, words)) =
            prose::find_order_date(&all_words(layout).cloned().collect::<Vec<_>>(), reading)
        {
            fields.insert("order_date".to_owned(), draft::propose(day, &words, 0.88));
        }
    }
    if fields.get("buyer_name").and_then(|p| p.value.as_text()).is_some_and(prose::is_sentence) {
        fields.remove("buyer_name");
    }
    if !fields.contains_key("buyer_name")
        && let Some((name, words)) = prose::find_company(layout)
    {
        let sure = confidence::from_words(0.85, &words, reading.trusted);
        fields.insert("buyer_name".to_owned(), draft::propose(name, &words, sure));
    }
    if !fields.contains_key("requested_date")
        && let Some((day, words, ambiguous)) =
            prose::find_wanted(&all_words(layout).cloned().collect::<Vec<_>>(), reading)
    {
        let unsure = ambiguous && reading.order == Order::Unknown;
        let sure = confidence::from_words(if unsure { 0.5 } else { 0.85 }, &words, reading.trusted);
        let field = if kind == Kind::Quotation { "response_due" } else { "requested_date" };
        fields.entry(field.to_owned()).or_insert(draft::propose(day, &words, sure));
    }
    if !fields.contains_key("buyer_contact")
        && let Some((name, words)) = prose::find_sender(layout)
    {
        fields.insert("buyer_contact".to_owned(), draft::propose(name, &words, 0.85));
    }
}

/// The number of the order that a text names in its sentences, or its subject.
fn find_order_number(layout: &Layout, subject: Option<&str>, reading: &Reading) -> Option<Proposal> {
    let words: Vec<layout::Word> = all_words(layout).cloned().collect();
    if let Some((number, words)) = prose::find_order_number(&words, reading) {
        return Some(draft::propose(number, &words, confidence::from_words(0.88, &words, reading.trusted)));
    }
    let pages = text_pages(subject?);
    let words: Vec<layout::Word> = all_words(&layout::lay_out(&pages.pages)).cloned().collect();
    let (number, _) = prose::find_order_number(&words, reading)?;
    Some(prose::from_subject(number, 0.85))
}

/// Columns that a kind of document has.
fn keep_columns(line: &mut Line, kind: Kind) {
    let no: &[&str] = match kind {
        Kind::PurchaseOrder | Kind::PurchaseOrderCancellation | Kind::Quotation | Kind::Invoice => &[
            "action",
            "previous_quantity",
            "ordered_quantity",
            "lot",
            "invoice_number",
            "invoice_date",
            "gross",
            "serial_no",
            "reason",
        ],
        Kind::PurchaseOrderChange => {
            &["ordered_quantity", "lot", "invoice_number", "invoice_date", "gross", "serial_no", "reason"]
        }
        Kind::DeliveryNote => &[
            "action",
            "previous_quantity",
            "invoice_number",
            "invoice_date",
            "gross",
            "unit_price",
            "amount",
            "discount",
            "reason",
        ],
        Kind::ReturnRequest => &[
            "action",
            "previous_quantity",
            "ordered_quantity",
            "invoice_number",
            "invoice_date",
            "gross",
            "unit_price",
            "amount",
            "discount",
            "line_no",
        ],
        Kind::RemittanceAdvice => &[
            "sku",
            "customer_sku",
            "quantity",
            "unit",
            "unit_price",
            "line_no",
            "description",
            "action",
            "lot",
            "serial_no",
            "delivery_date",
            "tax_rate",
            "price_per",
        ],
        _ => &[],
    };
    if kind == Kind::RemittanceAdvice {
        // the only number and the only date of a line that is paid are its invoice's
        for (from, to) in [("sku", "invoice_number"), ("delivery_date", "invoice_date")] {
            if !line.contains_key(to)
                && let Some(proposal) = line.remove(from)
            {
                line.insert(to.to_owned(), proposal);
            }
        }
    }
    line.retain(|name, _| !no.contains(&name.as_str()));
    if kind == Kind::ReturnRequest
        && !line.contains_key("serial_no")
        && let Some(lot) = line.remove("lot")
    {
        line.insert("serial_no".to_owned(), lot);
    }
}

fn reading(layout: &Layout, language: &'static str, known: &Known) -> Reading {
    let words =
        || layout.rows.iter().flat_map(|r| &r.segments).flat_map(|s| &s.words).map(|w| w.text.as_str());
    let style = number::vote_style(words(), if language == "en" { Style::Dot } else { Style::Comma });
    let fallback = match language {
        "en" if american(layout) => Order::MonthFirst,
        "en" if british(layout) => Order::DayFirst,
        "en" => Order::Unknown,
        _ => Order::DayFirst,
    };
    let order = date::vote_order(words(), fallback);
    Reading {
        style,
        order,
        kind: Kind::PurchaseOrder,
        language,
        trusted: layout.trusted,
        catalogue: known.catalogue.clone(),
    }
}

fn all_words(layout: &Layout) -> impl Iterator<Item = &layout::Word> {
    layout.rows.iter().flat_map(|r| &r.segments).flat_map(|s| &s.words)
}

/// Signs of the United States: a state code before a ZIP code, `USA`, dollars.
fn american(layout: &Layout) -> bool {
    let zip = layout.rows.iter().flat_map(|r| &r.segments).any(|s| {
        s.words.windows(2).any(|w| {
            let [state, zip] = w else { return false };
            state.text.len() == 2
                && state.text.chars().all(char::is_uppercase)
                && zip.text.trim_end_matches(',').len() == 5
                && zip.text.trim_end_matches(',').chars().all(|c| c.is_ascii_digit())
        })
    });
    zip || all_words(layout).any(|w| matches!(w.text.as_str(), "USA" | "USD" | "Inc." | "LLC"))
        && !canadian(layout)
}

fn british(layout: &Layout) -> bool {
    all_words(layout)
        .any(|w| w.text.contains('£') || matches!(w.text.as_str(), "GBP" | "Kingdom" | "UK" | "plc" | "Ltd"))
}

/// Signs of Canada: its name, its currency, or a postcode such as `J4B 1X9`.
fn canadian(layout: &Layout) -> bool {
    let form = |text: &str, wanted: &str| {
        text.chars().count() == 3
            && text
                .chars()
                .zip(wanted.chars())
                .all(|(c, w)| if w == 'A' { c.is_ascii_uppercase() } else { c.is_ascii_digit() })
    };
    let postcode = layout.rows.iter().flat_map(|r| &r.segments).any(|s| {
        s.words
            .windows(2)
            .any(|w| matches!(w, [a, b] if form(&a.text, "A1A") && form(b.text.trim_end_matches(','), "1A1")))
    });
    postcode
        || all_words(layout)
            .any(|w| matches!(w.text.trim_matches(','), "Canada" | "CAD") || w.text.starts_with("CA$"))
}

/// What a bare dollar sign means here.
fn dollar(layout: &Layout) -> &'static str {
    if canadian(layout) && !all_words(layout).any(|w| w.text == "USD") { "CAD" } else { "USD" }
}

/// Whether a word stands at the foot of a page, where a company tells how to reach it.
fn in_foot(layout: &Layout, word: &layout::Word) -> bool {
    word.y0 > 0.88 * layout.height
}

/// The words after `From:` in the header of a mail.
fn sender(layout: &Layout) -> Option<&[layout::Word]> {
    let head = layout.rows.iter().take(6).map(|r| &r.segments);
    let from = head.filter_map(|s| s.first()).find(|s| {
        s.words.first().is_some_and(|w| matches!(w.text.as_str(), "From:" | "Von:" | "Från:" | "De:"))
    })?;
    from.words.get(1..).filter(|words| !words.iter().any(|w| prose::is_machine(&w.text)))
}

/// The name of the person who sent the mail.
fn sender_name(layout: &Layout) -> Option<(String, Vec<layout::Word>)> {
    let words: Vec<layout::Word> =
        sender(layout)?.iter().take_while(|w| !w.text.contains(['@', '<'])).cloned().collect();
    let name = layout::join(&words);
    let name = name.trim_matches(|c: char| !c.is_alphabetic()).to_owned();
    let person = (2..=4).contains(&words.len()) && !name.chars().any(|c| c.is_ascii_digit());
    let name = prose::first_name_first(&name);
    (person && !party::looks_like_company(&name)).then_some((name, words))
}

/// The sender's mail address, or the only one there is.
fn lone_email(layout: &Layout) -> Option<(String, Vec<layout::Word>)> {
    let rows = layout.rows.iter().flat_map(|r| &r.segments);
    if let Some(found) = sender(layout).and_then(field::email) {
        return Some(found);
    }
    let mut all = rows.filter_map(|s| field::email(&s.words)).filter(|(mail, _)| !prose::is_machine(mail));
    let first = all.next()?;
    all.all(|(mail, _)| mail == first.0).then_some(first)
}
