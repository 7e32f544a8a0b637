//! What the writer wants: to order, to change, to cancel, to return.

use super::quantity::bare;
use crate::{extract::layout::Word, model::draft::Kind};

/// Words that say that somebody wants to have something.
pub(super) fn is_wish(word: &Word) -> bool {
    const WISHES: &[&str] = &[
        "send",
        "order",
        "ship",
        "supply",
        "deliver",
        "need",
        "want",
        "require",
        "us",
        "me",
        "following",
        "bestellen",
        "bestelle",
        "liefern",
        "senden",
        "schicken",
        "benotigen",
        "brauchen",
        "uns",
        "bestaller",
        "bestalla",
        "skicka",
        "leverera",
        "behover",
        "onskar",
        "oss",
        "commandons",
        "commander",
        "livrer",
        "envoyer",
        "faut",
        "nous",
        "souhaitons",
        "commande",
        "like",
        "get",
        "have",
    ];
    WISHES.contains(&bare(word).as_str())
}

/// Phrases, folded, with what they say that the writer wants.
#[rustfmt::skip]
pub(super) const INTENTS: &[(Kind, f32, &[&str])] = &[
    (Kind::PurchaseOrderCancellation, 4.0, &["cancel our order", "cancel the order", "cancel this order", "cancel order", "cancel po", "cancel purchase order", "cancel my order", "cancel our po", "order is cancelled", "stornieren", "stornierung", "stornieren sie", "auftrag storn", "bestellung zuruckziehen", "annullera", "avbestalla", "avbestaller", "makulera", "annulerar", "annuler notre commande", "annuler la commande", "annulons", "annulation de la commande", "annuler cette commande", "withdraw our order"]),
    (Kind::PurchaseOrderChange, 3.0, &["change our order", "change the order", "change order", "amend our order", "amend order", "change po", "amend po", "update our order", "update po", "anderung unserer bestellung", "bestellung andern", "bestellung anpassen", "andern wir", "bestellung wie folgt", "andra var bestallning", "andra bestallningen", "andra order", "modifier notre commande", "modifier la commande", "modification de notre commande"]),
    (Kind::Quotation, 3.0, &["quote for", "quote us", "quotation for", "your best price", "price for the following", "prices for", "how much", "what would", "request for quot", "send us a quote", "offer us", "angebot fur", "angebot uber", "um ein angebot", "bitte um angebot", "anfrage", "was kosten", "was kostet", "preis fur", "offert pa", "offert for", "offertforfragan", "vad kostar", "pris pa", "devis", "votre meilleur prix", "demande de prix", "quel est le prix", "combien"]),
    (Kind::ReturnRequest, 3.0, &["return the following", "want to return", "like to return", "return these", "send back", "zuruckschicken", "zurucksenden", "rucksendung", "retournieren", "returnera", "skicka tillbaka", "retourner", "renvoyer", "rma"]),
    (Kind::Other, 3.0, &["have received", "we received", "was damaged", "were damaged", "arrived damaged", "wrong item", "missing from", "in stock", "on stock", "lead time", "where is", "when will", "tracking", "haben erhalten", "beschadigt", "falsch geliefert", "fehlt", "fehlen", "auf lager", "lieferzeit", "wann kommt", "wo bleibt", "har fatt", "mottagit", "skadad", "skadade", "saknas", "i lager", "leveranstid", "nar kommer", "avons recu", "endommage", "manquant", "en stock", "delai", "ou en est", "invoice no", "credit note", "unsubscribe", "special offer"]),
    (Kind::PurchaseOrder, 3.0, &["please send", "please supply", "please deliver", "please ship", "please order", "please enter", "would like to order", "like to order", "want to order", "wish to order", "we order", "i order", "place an order", "place the following order", "please process", "purchase order", "new order", "our order", "we need", "i need", "we require", "can you send", "could you send", "following items", "following order", "order the following", "bitte liefern", "bitte senden", "bitte schicken", "bitte bestellen", "bestellen wir", "wir bestellen", "bestelle ich", "ich bestelle", "mochten bestellen", "mochte bestellen", "hiermit bestell", "wir benotigen", "wir brauchen", "benotigen wir", "brauchen wir", "unsere bestellung", "bestellung", "wir bitten um lieferung", "vi bestaller", "jag bestaller", "vill bestalla", "bestalla foljande", "onskar bestalla", "skicka oss", "skicka garna", "leverera foljande", "vi behover", "behover vi", "var bestallning", "bestallning", "vanligen leverera", "vanligen skicka", "bestaller harmed", "harmed bestall", "nous commandons", "je commande", "souhaitons commander", "souhaite commander", "voudrions commander", "passer commande", "passer la commande", "notre commande", "merci de nous livrer", "merci de nous envoyer", "merci de livrer", "merci d envoyer", "veuillez nous livrer", "veuillez livrer", "veuillez nous envoyer", "nous avons besoin", "il nous faut", "bon de commande"]),
];

/// What the writer of a text wants, by its verbs; none if nothing says so. `text` is folded.
pub fn find_kind(text: &str, lines: usize, has_number: bool) -> Option<(Kind, f32)> {
    let mut best: Option<(Kind, f32)> = None;
    for (kind, weight, phrases) in INTENTS {
        let hits = phrases.iter().filter(|phrase| text.contains(**phrase)).count();
        if hits == 0 {
            continue;
        }
        let mut score = weight + 0.4 * (hits.min(3) as f32 - 1.0);
        if matches!(kind, Kind::PurchaseOrder) {
            // a text that speaks of an order and something else rather is about the something else
            score -= 0.6;
        }
        let able = match kind {
            Kind::PurchaseOrder | Kind::Quotation => lines > 0,
            Kind::PurchaseOrderCancellation | Kind::PurchaseOrderChange => has_number,
            _ => true,
        };
        if able && best.is_none_or(|(_, b)| score > b) {
            best = Some((*kind, score));
        }
    }
    // goods and the number of an order, and nothing that speaks of something else
    let Some((kind, _)) = best else {
        let bare = lines > 1 && !text.contains('?');
        return match (lines, has_number) {
            (1.., true) => Some((Kind::PurchaseOrder, 0.8)),
            _ if bare => Some((Kind::PurchaseOrder, 0.6)),
            _ => None,
        };
    };
    let sure: f32 = match (kind, has_number) {
        (Kind::PurchaseOrder, true) => 0.92,
        (Kind::PurchaseOrder, false) => 0.85,
        (Kind::PurchaseOrderCancellation, _) => 0.88,
        _ => 0.75,
    };
    Some((kind, sure))
}
