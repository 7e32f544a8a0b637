//! A message into queue and priority, with confidence and reasons.
//!
//! Evidence is added up for each queue: phrases of a [`lexicon`] in four languages, the kinds of the drafts that its
//! documents gave, the look of the mail (a file, lines of articles, thanks only), and messages like it that people put
//! into a queue ([`Experience`]). The sums become probabilities; below
//! the threshold the message goes to triage, with the best guess kept.
//! Does not: read quoted text (an order quoted below a question is no order), unless the message only forwards it.
//! Limits: the first few hundred words decide.

mod experience;
mod lexicon;
mod tokens;

use crate::{
    message::subject,
    model::{
        draft::Kind,
        message::Message,
        ticket::{Classified, Priority, Queue},
    },
    screen::{self, Site},
};
pub use experience::{Example, Experience};
use lexicon::{LEXICON, Topic};
use std::collections::BTreeMap;

/// Below this confidence a message goes to triage, unless the site says otherwise.
pub const DEFAULT_THRESHOLD: f32 = 0.5;

/// How much evidence makes one queue `e` times as likely as another.
const TEMPERATURE: f32 = 0.85;
/// The subject weighs a little more than the text.
const SUBJECT_FACTOR: f32 = 1.25;
/// Each further phrase for the same queue weighs this much of the one before.
const NEXT_PHRASE_FACTOR: f32 = 0.6;
/// Text forwarded from somebody else weighs less than one's own.
const FORWARDED_FACTOR: f32 = 0.8;
/// A text with no more words than this, and thanks in it, only says thanks.
const THANKS_WORDS_MAX: usize = 14;
/// New text with no more words than this leaves it to the forwarded text.
const FORWARD_WORDS_MAX: usize = 25;

/// Anger about a topic that has its own queue weighs this much.
const ANGER_FACTOR: f32 = 0.3;
/// Evidence from which on a topic has its own queue.
const TOPIC_WEIGHT_MIN: f32 = 3.5;

/// One piece of evidence.
struct Evidence {
    queue: Queue,
    weight: f32,
    reason: String,
}

/// Classifies a message. `draft_kinds` are the kinds of its drafts with their confidence; `experience` is what people
/// taught at this site.
pub fn classify(
    message: &Message,
    draft_kinds: &[(Kind, f32)],
    experience: &Experience,
    threshold: f32,
) -> Classified {
    let subject = tokens::words(&subject::bare(&message.subject));
    let text = tokens::words(&message.new_text);
    let mut evidence = Vec::new();
    let mut urgent = None;
    read_phrases(&subject, "subject", SUBJECT_FACTOR, &mut evidence, &mut urgent);
    read_phrases(&text, "text", 1.0, &mut evidence, &mut urgent);
    if text.len() <= FORWARD_WORDS_MAX && (subject::is_forward(&message.subject) || text.is_empty()) {
        let forwarded = tokens::words(&message.quoted_text);
        read_phrases(&forwarded, "forwarded text", FORWARDED_FACTOR, &mut evidence, &mut urgent);
    }
    read_look(message, &text, &mut evidence);
    read_drafts(draft_kinds, &mut evidence);
    evidence.extend(experience.evidence(message));
    let origin = read_origin(message, draft_kinds, &mut evidence);
    decide(&evidence, urgent, origin, threshold)
}

/// Phrases of the lexicon in a stretch of words.
fn read_phrases(
    words: &[String],
    place: &str,
    factor: f32,
    evidence: &mut Vec<Evidence>,
    urgent: &mut Option<String>,
) {
    let mut anger = Vec::new();
    for (phrase, found) in LEXICON.find(words) {
        let quote = words.get(found).unwrap_or_default().join(" ");
        let reason = format!("{place} says \"{quote}\"");
        match phrase.topic {
            Topic::Queue(queue) => evidence.push(Evidence { queue, weight: phrase.weight * factor, reason }),
            Topic::Anger => {
                urgent.get_or_insert(reason.clone());
                anger.push(Evidence { queue: Queue::Complaints, weight: phrase.weight * factor, reason });
            }
            Topic::Urgent => {
                urgent.get_or_insert(reason);
            }
        }
    }
    let topic = evidence.iter().any(|e| e.weight >= TOPIC_WEIGHT_MIN);
    for mut piece in anger {
        piece.weight *= if topic { ANGER_FACTOR } else { 1.0 };
        evidence.push(piece);
    }
}

/// What the message looks like.
fn read_look(message: &Message, text: &[String], evidence: &mut Vec<Evidence>) {
    let words = text.iter().filter(|w| *w != tokens::STOP).count();
    let thanks = text.iter().any(|w| {
        ["thank", "thanks", "thx", "tack", "danke", "dank", "merci", "perfect", "perfekt", "parfait"]
            .contains(&w.as_str())
    });
    let asks = message.new_text.contains('?');
    let nothing_else = evidence.iter().all(|e| e.weight < 3.0);
    let mut add =
        |queue, weight, reason: &str| evidence.push(Evidence { queue, weight, reason: reason.to_owned() });
    let has_files = message.attachments.iter().any(|a| !a.inline);
    if thanks && !asks && !has_files && (1..=THANKS_WORDS_MAX).contains(&words) && nothing_else {
        add(Queue::Other, 4.0, "the text only says thanks");
    }
    if message.new_text.lines().filter(|line| is_article_line(line)).count() >= 1 && !asks {
        add(Queue::Orders, 2.0, "the text has lines of articles with quantities");
    }
    let names: String =
        message.attachments.iter().filter(|a| !a.inline).map(|a| a.name.to_lowercase() + " ").collect();
    for (queue, stems) in FILE_NAMES {
        if let Some(stem) = stems.iter().find(|s| names.contains(**s)) {
            add(*queue, 2.0, &format!("a file is named \"…{stem}…\""));
        }
    }
}

/// Parts of file names that say what a file is.
const FILE_NAMES: &[(Queue, &[&str])] = &[
    (
        Queue::Orders,
        &[
            "purchase",
            "order",
            "bestellung",
            "commande",
            "beställning",
            "bestallning",
            "inköp",
            "po-",
            "po_",
            "po ",
        ],
    ),
    (Queue::Billing, &["invoice", "rechnung", "faktura", "facture", "credit note", "mahnung", "statement"]),
    (Queue::Returns, &["rma", "retour", "retur", "return"]),
    (Queue::Applications, &["application", "antrag", "ansökan", "ansokan", "ouverture"]),
];

/// A line such as `10 x A-100` or `A-100: 25 pcs`.
fn is_article_line(line: &str) -> bool {
    const UNITS: &[&str] = &[
        "x",
        "pcs",
        "pc",
        "pieces",
        "units",
        "ea",
        "st",
        "stk",
        "stuck",
        "stycken",
        "boxes",
        "cartons",
        "kartong",
        "kartonger",
        "kartons",
        "pallets",
        "pallar",
        "paletten",
        "rolls",
        "rullar",
        "rollen",
        "rouleaux",
        "cartons",
        "pieces",
        "unites",
        "pack",
        "packs",
        "m",
        "kg",
        "liter",
        "litres",
    ];
    let words = tokens::words(line);
    let number = |w: &str| w.chars().all(|c| c.is_ascii_digit()) && w.len() <= 5;
    let glued = |w: &str| {
        let unit = w.trim_start_matches(|c: char| c.is_ascii_digit());
        unit.len() < w.len() && matches!(unit, "x" | "pcs" | "st" | "stk")
    };
    let pair = words.windows(2).any(|pair| match pair {
        [a, b] => number(a) && UNITS.contains(&b.as_str()),
        _ => false,
    });
    (2..=20).contains(&words.len()) && (pair || words.iter().any(|w| glued(w)))
}

/// The queue that a kind of document speaks for.
fn queue_of(kind: Kind) -> Option<Queue> {
    match kind {
        Kind::PurchaseOrder => Some(Queue::Orders),
        Kind::PurchaseOrderChange | Kind::PurchaseOrderCancellation => Some(Queue::OrderChanges),
        Kind::ReturnRequest => Some(Queue::Returns),
        Kind::CreditApplication | Kind::AccountApplication | Kind::EnrolmentForm => Some(Queue::Applications),
        Kind::Invoice | Kind::CreditNote | Kind::RemittanceAdvice => Some(Queue::Billing),
        Kind::DeliveryNote => Some(Queue::Delivery),
        Kind::Quotation | Kind::Contract => Some(Queue::Other),
        Kind::Other => None,
    }
}

/// Documents weigh more than words, unless the words clearly ask for something else: a copy of the order comes along
/// with many a question.
fn read_drafts(draft_kinds: &[(Kind, f32)], evidence: &mut Vec<Evidence>) {
    let asks_otherwise = |queue: Queue| {
        let best_other = evidence.iter().filter(|e| e.queue != queue).map(|e| e.weight).fold(0.0, f32::max);
        let own = evidence.iter().filter(|e| e.queue == queue).map(|e| e.weight).fold(0.0, f32::max);
        best_other >= 3.5 && best_other > own
    };
    let mut strongest: BTreeMap<Queue, (f32, Kind)> = BTreeMap::new();
    for (kind, confidence) in draft_kinds {
        if let Some(queue) = queue_of(*kind) {
            let entry = strongest.entry(queue).or_insert((*confidence, *kind));
            if *confidence > entry.0 {
                *entry = (*confidence, *kind);
            }
        }
    }
    let found: Vec<Evidence> = strongest
        .into_iter()
        .map(|(queue, (confidence, kind))| Evidence {
            queue,
            weight: confidence * if asks_otherwise(queue) { 1.0 } else { 6.0 },
            reason: format!(
                "a document is a {} ({:.0} %)",
                kind.as_str().replace('_', " "),
                confidence * 100.0
            ),
        })
        .collect();
    evidence.extend(found);
}

/// What machine mail is: no inquiry, unless it brings a document.
fn read_origin(
    message: &Message,
    draft_kinds: &[(Kind, f32)],
    evidence: &mut Vec<Evidence>,
) -> Option<Priority> {
    if draft_kinds.iter().any(|(kind, _)| *kind != Kind::Other) {
        return None;
    }
    let site = Site::default();
    let reply = message.header("Auto-Submitted").is_some_and(|v| v.to_lowercase().contains("auto-replied"));
    let (weight, verdict) = if let Some(bounce) = screen::bounce::check(message, &site) {
        (9.0, bounce)
    } else if let Some(list) = screen::list::check(message, &site) {
        (3.0, list)
    } else if let (true, Some(auto)) = (reply, screen::auto_reply::check(message, &site)) {
        (9.0, auto)
    } else {
        return None;
    };
    evidence.push(Evidence { queue: Queue::Other, weight, reason: verdict.reason });
    Some(Priority::Low)
}

/// Adds up, turns sums into probabilities, and decides.
fn decide(
    evidence: &[Evidence],
    urgent: Option<String>,
    origin: Option<Priority>,
    threshold: f32,
) -> Classified {
    let queues = || Queue::ALL.iter().copied().filter(|q| *q != Queue::Triage);
    let scores: Vec<(Queue, f32)> = queues().map(|queue| (queue, score(evidence, queue))).collect();
    let total: f32 = scores.iter().map(|(_, s)| (s / TEMPERATURE).exp()).sum();
    let (best, score) = scores
        .iter()
        .copied()
        .fold((Queue::Other, f32::NEG_INFINITY), |best, next| if next.1 > best.1 { next } else { best });
    let confidence = (score / TEMPERATURE).exp() / total;
    let best = if score <= 0.0 { Queue::Other } else { best };
    let mut own: Vec<&Evidence> = evidence.iter().filter(|e| e.queue == best).collect();
    own.sort_by(|a, b| b.weight.abs().total_cmp(&a.weight.abs()));
    let mut reasons: Vec<String> = own.iter().map(|e| e.reason.clone()).take(4).collect();
    let queue = if confidence < threshold { Queue::Triage } else { best };
    if reasons.is_empty() {
        reasons.push("no phrase that says what is wanted".to_owned());
    }
    let priority = match origin {
        Some(priority) => priority,
        None if urgent.is_some() || best == Queue::Complaints => Priority::High,
        None => Priority::Normal,
    };
    if priority == Priority::High {
        reasons.push(format!("high priority: {}", urgent.unwrap_or_else(|| "a complaint".to_owned())));
    }
    Classified { queue, best, confidence, priority, reasons }
}

/// The sum for one queue: each further phrase counts less, phrases against it count in full.
fn score(evidence: &[Evidence], queue: Queue) -> f32 {
    let mut found: Vec<&Evidence> = evidence.iter().filter(|e| e.queue == queue).collect();
    found.sort_by(|a, b| b.weight.total_cmp(&a.weight));
    let mut factor = 1.0;
    let mut sum = 0.0;
    for piece in found {
        if piece.weight < 0.0 {
            sum += piece.weight;
        } else {
            sum += piece.weight * factor;
            factor *= NEXT_PHRASE_FACTOR;
        }
    }
    sum.max(0.0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::message;

    fn body(text: &str) -> Message {
        message::parse(
            format!("From: a@b.example\nContent-Type: text/plain; charset=utf-8\n\n{text}\n").as_bytes(),
        )
    }

    #[test]
    fn inquiries_go_to_their_queues() {
        let mut wrong = Vec::new();
        let mut count = 0;
        for line in include_str!("../fixtures/inquiries.tsv").lines() {
            let (queue, rest) = line.split_once('\t').unwrap();
            let (language, text) = rest.split_once('\t').unwrap();
            let found = classify(&body(text), &[], &Experience::default(), DEFAULT_THRESHOLD);
            count += 1;
            if found.best.as_str() != queue {
                let best = found.best.as_str();
                wrong.push(format!(
                    "{queue} {language}: {text}: {best} {:.2} {:?}",
                    found.confidence, found.reasons
                ));
            }
        }
        assert!(count >= 160 && wrong.is_empty(), "{} of {count} wrong:\n{}", wrong.len(), wrong.join("\n"));
    }

    #[test]
    fn documents_decide_unless_the_words_ask_for_something_else() {
        let order = [(Kind::PurchaseOrder, 0.9)];
        for (text, kinds, expected) in [
            ("See attached.", &order[..], Queue::Orders),
            ("Hej, se bifogad fil", &order, Queue::Orders),
            ("Where is my order? Copy of the PO attached for reference.", &order, Queue::OrderStatus),
            ("Please cancel the attached order.", &order, Queue::OrderChanges),
            ("", &[(Kind::CreditApplication, 0.8)], Queue::Applications),
            ("Our invoice for March", &[(Kind::Invoice, 0.9)], Queue::Billing),
        ] {
            let found = classify(&body(text), kinds, &Experience::default(), DEFAULT_THRESHOLD);
            assert_eq!(found.queue, expected, "{text}: {:?}", found.reasons);
        }
    }

    #[test]
    fn a_quoted_order_confirmation_below_a_question_is_no_order() {
        let message = body(
            "any news on this one?\n\nOn 3 May 2024 at 10:00, Sales <sales@us.example> wrote:\n\
             > Thank you for your new purchase order 4711: 10 pcs bolts, 20 pcs nuts.",
        );
        assert_eq!(
            classify(&message, &[], &Experience::default(), DEFAULT_THRESHOLD).queue,
            Queue::OrderStatus
        );
    }

    #[test]
    fn what_is_not_clear_goes_to_triage() {
        for text in ["", "Hi", "see below", "4711", "blah blah"] {
            let found = classify(&body(text), &[], &Experience::default(), DEFAULT_THRESHOLD);
            assert_eq!(found.queue, Queue::Triage, "{text}: {:?}", found.reasons);
            assert!(found.confidence < DEFAULT_THRESHOLD && !found.reasons.is_empty());
        }
    }

    #[test]
    fn anger_and_haste_make_it_urgent_and_lists_do_not() {
        for (text, expected) in [
            ("Where is my order 8812?", Priority::Normal),
            ("URGENT: where is my order? Our line is down!", Priority::High),
            ("Wir haben Produktionsstillstand, wann kommt die Ware?", Priority::High),
            ("The pump is defective, we want to complain", Priority::High),
        ] {
            assert_eq!(
                classify(&body(text), &[], &Experience::default(), DEFAULT_THRESHOLD).priority,
                expected,
                "{text}"
            );
        }
        let list =
            message::parse(b"From: a@b.example\nList-Id: <x.example>\n\nUrgent: order today, great prices");
        assert_eq!(classify(&list, &[], &Experience::default(), DEFAULT_THRESHOLD).priority, Priority::Low);
        let order = classify(&list, &[(Kind::PurchaseOrder, 0.9)], &Experience::default(), DEFAULT_THRESHOLD);
        assert_eq!((order.queue, order.priority), (Queue::Orders, Priority::High));
    }
}
