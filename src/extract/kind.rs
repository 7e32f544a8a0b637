//! What a document is, and its language.
//!
//! Titles decide: large or capital words near the top of a page, or the line that says what a letter is about. What the
//! text says, the columns of its table and the labels that a kind needs support them. `kinds.txt` holds the names and
//! phrases. Does not: look at the mail around the document.

mod names;

use super::layout::{Layout, Segment, join};
use crate::{
    model::draft::{Kind, Line},
    validate::account::fold,
};
use names::Names;
use std::{
    collections::{BTreeMap, BTreeSet, HashMap, HashSet},
    sync::LazyLock,
};

/// What a paper is: the name of a kind, or `other/…` for papers of trade that hold nothing to take out.
type Paper = &'static str;

/// Names and phrases of `kinds.txt`.
struct Lexicon {
    names: Names,
    phrases: Vec<(Paper, f32, &'static str)>,
    /// The phrases that begin with a word.
    begun: HashMap<&'static str, Vec<usize>>,
}

impl Lexicon {
    /// The phrases that stand in a folded text, whole words, each once, in their order.
    fn said(&self, text: &str) -> impl Iterator<Item = (Paper, f32)> {
        let mut found: BTreeSet<usize> = BTreeSet::new();
        let mut rest = text;
        loop {
            let (word, after) = rest.split_once(' ').unwrap_or((rest, ""));
            let stands = |phrase: &str| {
                rest.strip_prefix(phrase).is_some_and(|after| after.is_empty() || after.starts_with(' '))
            };
            let begun = self.begun.get(word).into_iter().flatten();
            found.extend(
                begun.filter(|at| self.phrases.get(**at).is_some_and(|(_, _, phrase)| stands(phrase))),
            );
            if after.is_empty() {
                break;
            }
            rest = after;
        }
        found.into_iter().filter_map(|at| self.phrases.get(at)).map(|(paper, weight, _)| (*paper, *weight))
    }
}

static LEXICON: LazyLock<Lexicon> = LazyLock::new(|| {
    let mut lexicon = Lexicon { names: Names::default(), phrases: Vec::new(), begun: HashMap::new() };
    for line in include_str!("kinds.txt").lines().filter(|line| !line.starts_with('#')) {
        let Some((head, texts)) = line.split_once(": ") else { continue };
        let texts = texts.split(" | ").map(str::trim);
        match head.split(' ').collect::<Vec<_>>().as_slice() {
            ["title", paper] => {
                texts.for_each(|text| lexicon.names.add(paper, text));
            }
            ["says", paper, weight] => {
                let weight = weight.parse().unwrap_or(0.0);
                for text in texts {
                    let first = text.split(' ').next().unwrap_or_default();
                    lexicon.begun.entry(first).or_default().push(lexicon.phrases.len());
                    lexicon.phrases.push((*paper, weight, text));
                }
            }
            _ => {}
        }
    }
    lexicon
});

fn kind_of(paper: Paper) -> Kind {
    Kind::parse(paper).unwrap_or(Kind::Other)
}

/// What was found of a document before its kind is known.
#[derive(Clone, Debug, Default)]
pub struct Goods {
    /// Line items.
    pub lines: usize,
    /// Columns that most of them have.
    pub columns: BTreeSet<String>,
}

impl Goods {
    /// Of these lines.
    pub fn of(lines: &[Line]) -> Self {
        let mut count: BTreeMap<&String, usize> = BTreeMap::new();
        for name in lines.iter().flat_map(BTreeMap::keys) {
            *count.entry(name).or_default() += 1;
        }
        let usual = count.into_iter().filter(|(_, n)| 2 * n >= lines.len());
        Self { lines: lines.len(), columns: usual.map(|(name, _)| name.clone()).collect() }
    }

    fn has(&self, column: &str) -> bool {
        self.columns.contains(column)
    }
}

/// Points for and against each paper.
#[derive(Default)]
struct Scores(BTreeMap<Paper, f32>);

impl Scores {
    fn add(&mut self, paper: Paper, weight: f32) {
        *self.0.entry(paper).or_default() += weight;
    }

    /// The strongest sign counts whole, each further one half as much as the one before.
    fn add_all(&mut self, paper: Paper, mut weights: Vec<f32>) {
        weights.sort_by(|a, b| b.abs().total_cmp(&a.abs()));
        let mut share = 1.0;
        for weight in weights.into_iter().take(6) {
            self.add(paper, share * weight);
            share *= 0.5;
        }
    }
}

/// Words before what a letter is about, folded.
const ABOUT: &[&str] = &[
    "objet", "betreff", "betr", "betrifft", "subject", "re", "angaende", "ang", "arende", "concerne", "ref",
    "rubrik",
];

/// Rows above the salutation of a letter that may say what it is about.
const ABOUT_ROWS: usize = 3;
/// Heights of usual letters from which a text stands out.
const TITLE_HEIGHTS: f32 = 1.15;
/// Rows at the top in which a name with its number heads the page.
const HEAD_ROWS: usize = 3;
/// What a name counts that does not stand out: it may be a label.
const PLAIN_SHARE: f32 = 0.6;
/// Words of one title at most.
const TITLE_WORDS_MAX: usize = 12;

/// What the document is and how sure that is.
pub fn find_kind(layout: &Layout, subject: Option<&str>, goods: &Goods) -> (Kind, f32) {
    let mut scores = Scores::default();
    let titled = weigh_titles(layout, subject, &mut scores);
    let text = layout.rows.iter().take(250).map(super::layout::Row::text).collect::<Vec<_>>().join(" ");
    let mut said: BTreeMap<Paper, Vec<f32>> = BTreeMap::new();
    for (paper, weight) in LEXICON.said(&fold(&text)) {
        // letters without goods are letters, unless a title says what they are
        let letter = paper == "other/letter" && (goods.lines > 0 || titled);
        said.entry(paper).or_default().push(if letter { 0.2 * weight } else { weight });
    }
    let clear =
        said.iter().any(|(paper, weights)| *paper != "other/letter" && weights.iter().any(|w| *w >= 2.0));
    for (paper, weights) in said {
        scores.add_all(paper, weights);
    }
    weigh_labels(&labels(layout), titled || clear, goods, &mut scores);
    weigh_columns(goods, &mut scores);
    choose(&scores)
}

/// Names of papers in short texts of the first page; whether one stands out.
fn weigh_titles(layout: &Layout, subject: Option<&str>, scores: &mut Scores) -> bool {
    let first = layout.rows.first().map_or(1, |r| r.page);
    let sizes: Vec<f32> =
        layout.rows.iter().flat_map(|r| &r.segments).flat_map(|s| &s.words).map(|w| w.y1 - w.y0).collect();
    let usual = median(sizes);
    // a letter says what it is about right above `Dear Sirs`
    let greeting = layout.rows.iter().position(|row| super::letter::is_salutation(&fold(&row.text())));
    let above = greeting.map_or(0..0, |at| at.saturating_sub(ABOUT_ROWS)..at);
    let mut found: BTreeMap<Paper, Vec<f32>> = BTreeMap::new();
    for (index, row) in layout.rows.iter().enumerate().filter(|(_, r)| r.page == first) {
        let place = row.y0() / layout.height.max(1.0);
        for segment in &row.segments {
            if segment.words.len() > TITLE_WORDS_MAX {
                continue;
            }
            let text = fold(&segment.text());
            let Some(whole) = title(&text).filter(|_| !asks_for_party(segment)) else { continue };
            let about = text.split(' ').next().is_some_and(|w| ABOUT.contains(&w))
                || above.contains(&index) && row.segments.len() == 1;
            // `Purchase order Harbour Tools Ltd`
            let head = super::party::title_words(&segment.words);
            let head = fold(&join(segment.words.get(..head).unwrap_or_default()));
            let head = Some(head).filter(|head| !head.is_empty());
            // `Order acknowledgement` is no order of a company called Acknowledgement
            let same = head.as_deref().and_then(title).filter(|(paper, _)| *paper == whole.0);
            let (paper, part) = same.unwrap_or(whole);
            let big = segment.height() / usual;
            let capitals = segment.text().chars().filter(|c| c.is_alphabetic()).all(char::is_uppercase);
            let bold = segment.words.iter().all(|w| w.bold);
            let weight = (big - 1.0).clamp(0.0, 1.5) * 4.0
                + if capitals { 1.0 } else { 0.0 }
                + if bold { 0.7 } else { 0.0 }
                + if about { 2.5 } else { 0.0 }
                + if place < 0.4 { 1.0 } else { 0.0 };
            // `Order 061-0930` heads a note that somebody typed or wrote
            let heads = index < HEAD_ROWS
                && segment.words.len() <= 3
                && segment
                    .words
                    .last()
                    .is_some_and(|w| w.text.chars().filter(char::is_ascii_digit).count() >= 3);
            let weight = weight + if heads { 1.5 } else { 0.0 };
            let plain = big < TITLE_HEIGHTS && !capitals && !bold && !about && !heads;
            found.entry(paper).or_default().push(weight * part * if plain { PLAIN_SHARE } else { 1.0 });
        }
    }
    if let Some((paper, part)) = subject.map(fold).as_deref().and_then(title) {
        found.entry(paper).or_default().push(3.0 * part);
    }
    let titled = found.values().flatten().any(|w| *w > 2.0);
    for (paper, weights) in found {
        scores.add_all(paper, weights);
    }
    titled
}

fn weigh_labels(labels: &HashSet<&'static str>, named: bool, goods: &Goods, scores: &mut Scores) {
    let has = |names: &[&str]| names.iter().filter(|n| labels.contains(*n)).count() as f32;
    let ordered = [
        "po_number",
        "order_date",
        "requested_date",
        "ship_to",
        "bill_to",
        "payment_terms",
        "incoterms",
        "supplier_no",
        "vendor",
    ];
    // what asks for an order's particulars asks for those of its change or cancellation too
    let score = |paper: Paper| scores.0.get(paper).copied().unwrap_or(0.0);
    let order = score("purchase_order");
    let more =
        ["purchase_order_change", "purchase_order_cancellation"].into_iter().filter(|p| score(p) > order);
    let family: Vec<Paper> = more.chain(["purchase_order"]).collect();
    for paper in family {
        scores.add(paper, 0.25 * has(&ordered).min(6.0));
    }
    scores.add("purchase_order_change", 1.5 * has(&["change_date"]) + 0.4 * has(&["revision"]));
    scores.add("purchase_order_cancellation", 1.5 * has(&["cancellation_date"]));
    scores.add(
        "credit_application",
        0.8 * has(&["year_established", "employees", "annual_revenue", "requested_credit_limit"])
            + 0.3 * has(&["legal_name", "tax_id", "requested_credit_limit", "entity_type"]),
    );
    scores.add(
        "account_application",
        1.5 * has(&["tax_exempt", "industry", "ap_contact"]) + 0.3 * has(&["legal_name", "tax_id"]),
    );
    scores.add("return_request", 1.2 * has(&["rma_number", "resolution"]));
    scores.add(
        "invoice",
        0.8 * has(&["invoice_number", "invoice_date", "due_date"]) - 0.3 * has(&["supplier_no"]),
    );
    scores.add("delivery_note", 0.8 * has(&["delivery_note_number"]));
    scores.add("quotation", 0.8 * has(&["rfq_number", "response_due"]));
    if goods.lines == 0 && labels.len() < 4 {
        for paper in ["purchase_order", "invoice", "quotation", "delivery_note"] {
            scores.add(paper, if named { -1.0 } else { -1.5 });
        }
        scores.add("other/letter", if named { 0.5 } else { 2.5 });
    } else if goods.lines > 0 {
        let whole = goods.has("quantity") && (goods.has("unit_price") || goods.has("amount"));
        scores.add("purchase_order", if whole { 1.0 } else { 0.5 });
    }
}

/// Invoices without quantities are paid, quantities without prices are delivered or asked for.
fn weigh_columns(goods: &Goods, scores: &mut Scores) {
    let (asked, priced) = (goods.has("quantity"), goods.has("unit_price") || goods.has("amount"));
    if goods.has("invoice_number") && !asked {
        scores.add("remittance_advice", 2.0);
        scores.add("other/statement", 1.0);
        // an invoice has one number, and it heads no column
        scores.add("invoice", -4.0);
    }
    if goods.has("previous_quantity") {
        scores.add("purchase_order_change", 2.0);
    }
    if goods.has("ordered_quantity") {
        scores.add("delivery_note", if priced { 0.5 } else { 2.0 });
    }
    if goods.has("lot") {
        scores.add("delivery_note", 0.7);
    }
    if goods.has("reason") || goods.has("serial_no") {
        scores.add("return_request", 1.5);
    }
    if asked && !priced {
        scores.add("quotation", 0.4);
        scores.add("delivery_note", 0.4);
    }
}

/// `Invoice to` and `Delivery address` are labels of addresses, whatever they begin with.
fn asks_for_party(segment: &Segment) -> bool {
    let label = super::label::label_at(segment.words.iter().map(|w| w.text.as_str()));
    label
        .filter(|l| l.words == segment.words.len() && l.any(&["to", "address", "terms", "supplier"]))
        .as_ref()
        .and_then(super::label::field_of)
        .is_some_and(|f| matches!(f, "bill_to" | "ship_to" | "vendor" | "payment_terms" | "incoterms"))
}

/// The fields that labels on the first page ask for, before the kind is known.
fn labels(layout: &Layout) -> HashSet<&'static str> {
    let first = layout.rows.first().map_or(1, |r| r.page);
    let segments = layout.rows.iter().filter(|r| r.page == first).flat_map(|r| &r.segments);
    segments
        .filter_map(|s| {
            let label = super::label::label_at(s.words.iter().map(|w| w.text.as_str()))?;
            (label.closed || label.words == s.words.len()).then(|| super::label::field_of(&label)).flatten()
        })
        .collect()
}

fn choose(scores: &Scores) -> (Kind, f32) {
    let mut kinds: BTreeMap<Kind, f32> = BTreeMap::new();
    for (paper, score) in &scores.0 {
        let best = kinds.entry(kind_of(paper)).or_insert(f32::MIN);
        *best = best.max(*score);
    }
    let mut ranked: Vec<(f32, Kind)> = kinds.into_iter().map(|(kind, score)| (score, kind)).collect();
    ranked.sort_by(|a, b| b.0.total_cmp(&a.0));
    let best = ranked.first().copied().unwrap_or((0.0, Kind::Other));
    if best.0 < 0.8 {
        return (Kind::Other, 0.6);
    }
    let second = ranked.get(1).map_or(0.0, |s| s.0.max(0.0));
    (best.1, (0.55 + 0.1 * (best.0 - second)).clamp(0.3, 0.98))
}

/// Whether a folded text is little else than the name of a kind.
pub fn is_title(text: &str) -> bool {
    title(text).is_some_and(|(_, part)| part >= TITLE_SHARE)
}

/// Share of a page in which the title of its paper stands.
const TITLE_WITHIN: f32 = 0.45;
/// Digits of the number of a paper at least.
const NUMBER_DIGITS_MIN: usize = 3;

/// The number behind the name of a paper of this kind, in the head of the first page: `Facture 862131`.
pub fn number_in_title(
    layout: &Layout,
    kind: Kind,
    order: super::date::Order,
) -> Option<super::layout::Word> {
    let first = layout.rows.first()?.page;
    let rows = layout.rows.iter().filter(|r| r.page == first && r.y0() < TITLE_WITHIN * layout.height);
    let mut found = rows.flat_map(|row| &row.segments).filter_map(|segment| {
        let (number, head) = segment.words.split_last()?;
        let digits = number.text.chars().filter(char::is_ascii_digit).count();
        let one =
            number.text.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '/' | '.' | '#'));
        let dated = super::date::parse_date(&number.text, order).is_some();
        if digits < NUMBER_DIGITS_MIN || !one || dated || head.len() > CONCEPT_WORDS_MAX + 2 {
            return None;
        }
        let (paper, part) = title(&fold(&join(head)))?;
        (kind_of(paper) == kind && part >= TITLE_SHARE).then(|| number.clone())
    });
    found.next()
}

/// Share of a text that the name of a kind takes up in a title.
const TITLE_SHARE: f32 = 0.75;

/// Words that say nothing in a title: numbers of papers, whose they are and when.
#[rustfmt::skip]
const FILLERS: &[&str] = &[
    "no", "nr", "number", "nummer", "numero", "n", "num", "vom", "of", "du", "de", "den", "le", "la", "les", "dated", "date", "from", "der", "des", "av", "our", "unserer",
    "unsere", "notre", "var", "vart", "to", "for", "the", "d", "l", "zu", "zur", "a", "and", "und", "och", "et", "zum", "till", "pa", "auf", "fur",
];

/// Words by which a writer speaks of what the reader has written.
const YOURS: &[&str] = &[
    "your", "ihre", "ihrer", "ihr", "ihres", "er", "ert", "era", "din", "votre", "vos", "customer",
    "kundens", "client", "clients",
];

/// The paper that a short folded text names, and how much of the text that name is.
fn title(text: &str) -> Option<(Paper, f32)> {
    let words: Vec<&str> = text.split(' ').collect();
    let mut best: Option<(usize, usize, Paper)> = None;
    for (paper, name) in LEXICON.names.find(&words) {
        let len = name.iter().map(|w| w.len() + 1).sum::<usize>();
        // `Anpassung der Bestellung`: that it is about an order says less than what is done to it
        let rank = if paper == "purchase_order" && name.len() == 1 { 0 } else { len };
        if best.is_none_or(|(r, n, _)| (rank, len) > (r, n)) {
            best = Some((rank, len, paper));
        }
    }
    if words.len() > 1
        && words.iter().any(|w| YOURS.contains(w))
        && best.is_none_or(|(_, _, p)| p == "purchase_order")
    {
        return None;
    }
    // `Änderung zur Bestellung`, `Annulation de notre commande`
    if let Some((_, _, paper)) = best.as_mut().filter(|(_, _, paper)| *paper == "purchase_order")
        && words.len() <= 8
    {
        let about = |concept: &str| {
            words.iter().any(|w| {
                super::label::label_at(std::iter::once(*w))
                    .is_some_and(|l| !l.forgiven && l.has(&[concept]) && !l.any(&["number", "date"]))
            })
        };
        if about("cancel") {
            *paper = "purchase_order_cancellation";
        } else if about("change") {
            *paper = "purchase_order_change";
        }
    }
    let says =
        |w: &&&str| !FILLERS.contains(*w) && !ABOUT.contains(*w) && !w.contains(|c: char| c.is_ascii_digit());
    let all: usize = words.iter().filter(says).map(|w| w.len() + 1).sum();
    best.map(|(_, n, paper)| (paper, (n as f32 / all.max(1) as f32).clamp(0.15, 1.0)))
        .or_else(|| by_concepts(&words))
}

/// Words of a title in words of its own at most.
const CONCEPT_WORDS_MAX: usize = 4;

/// A short title in words of its own: `Materialbestellung`, `Ordererkännande`, `Bestellauftrag`.
fn by_concepts(words: &[&str]) -> Option<(Paper, f32)> {
    if words.len() > CONCEPT_WORDS_MAX {
        return None;
    }
    let label = super::label::label_at(words.iter().copied()).filter(|l| l.words == words.len())?;
    let paper = if label
        .any(&["number", "date", "terms", "address", "to", "contact", "total", "amount", "price", "reason"])
    {
        return None;
    } else if label.has(&["order", "cancel"]) {
        "purchase_order_cancellation"
    } else if label.has(&["order", "change"]) || label.has(&["order", "revision"]) {
        "purchase_order_change"
    } else if label.has(&["rma"]) {
        "return_request"
    } else if label.has(&["credit", "applicant"]) || label.has(&["credit", "request"]) {
        "credit_application"
    } else if label.has(&["rfq"]) {
        "quotation"
    } else if label.has(&["note", "delivery"]) {
        "delivery_note"
    } else if label.has(&["order"]) && words.iter().any(|w| w.len() >= 5) {
        "purchase_order"
    } else {
        return None;
    };
    Some((paper, 0.7))
}

fn median(mut values: Vec<f32>) -> f32 {
    values.sort_by(f32::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(10.0).max(1.0)
}

/// Small words that only one of the languages has.
#[rustfmt::skip]
const SMALL_WORDS: &[(&str, &[&str])] = &[
    ("en", &["the", "of", "and", "please", "to", "for", "delivery", "order", "date", "unit", "price", "quantity", "qty", "terms", "your", "our", "this", "with", "address", "amount", "payment", "vendor", "supplier", "ship", "bill", "tax", "number", "item", "is", "be", "by", "on", "are", "customer"]),
    ("de", &["der", "die", "das", "und", "bitte", "nr", "menge", "preis", "bestellung", "lieferung", "datum", "mit", "auf", "fur", "von", "wir", "sie", "netto", "tage", "gesamt", "einheit", "zahlung", "ihre", "unsere", "zeichnung", "deutschland", "steuer", "auftrag", "lieferdatum", "betrag", "rechnung", "stk", "pos", "mwst", "den", "ist", "artikel", "beschreibung", "bezeichnung", "anschrift", "kunden", "schweiz", "osterreich", "gmbh", "strasse", "firma"]),
    ("sv", &["och", "att", "av", "pris", "antal", "leverans", "moms", "vart", "ert", "vanligen", "benamning", "summa", "betalning", "dagar", "netto", "kr", "sek", "for", "till", "pa", "med", "ritning", "leverantor", "adress", "ordernr", "belopp", "enhet", "inte", "ar", "sverige", "ab", "datum", "order", "rabatt", "vill", "bestallning", "kopare", "moms", "som", "den", "artikelnr", "foretag", "kund"]),
    ("fr", &["le", "la", "les", "de", "des", "du", "et", "en", "commande", "prix", "quantite", "qte", "montant", "livraison", "adresse", "reglement", "tva", "ht", "merci", "nous", "vous", "fournisseur", "designation", "unite", "jours", "fin", "mois", "rue", "france", "facture", "a", "votre", "notre", "conditions", "paiement", "avec", "pour", "client", "remise", "devise", "article", "sarl", "sur", "une"]),
];

/// The places in [`SMALL_WORDS`] of the languages that have a word.
static LANGUAGES_OF: LazyLock<HashMap<&str, BTreeSet<usize>>> = LazyLock::new(|| {
    let mut found: HashMap<&str, BTreeSet<usize>> = HashMap::new();
    for (at, (_, words)) in SMALL_WORDS.iter().enumerate() {
        for word in *words {
            found.entry(*word).or_default().insert(at);
        }
    }
    found
});

/// The language of the document: `en` if nothing tells.
pub fn find_language(layout: &Layout) -> &'static str {
    let mut scores = [0usize; 4];
    for word in layout.rows.iter().take(300).flat_map(|r| &r.segments).flat_map(|s| &s.words) {
        let folded = super::label::fold_word(&word.text);
        for at in LANGUAGES_OF.get(folded.as_str()).into_iter().flatten() {
            if let Some(score) = scores.get_mut(*at) {
                *score += 1;
            }
        }
    }
    let best = SMALL_WORDS.iter().zip(scores).max_by_key(|(_, n)| *n);
    best.filter(|(_, n)| *n > 0).map_or("en", |((code, _), _)| code)
}
