//! What a document is, and its language.
//!
//! Titles decide: large or capital words near the top of a page. Phrases in the text and the labels that a kind needs
//! support them. Does not: look at the mail around the document.

use super::layout::Layout;
use crate::{model::draft::Kind, validate::account::fold};

/// Words of a title with their weight.
#[rustfmt::skip]
const TITLES: &[(Kind, &[&str])] = &[
    (Kind::PurchaseOrderCancellation, &["order cancellation", "cancellation", "purchase order cancellation", "cancelled purchase order", "canceled purchase order", "cancelled order", "stornierte bestellung", "commande annulee", "makulerad order", "annullerad order", "notice of cancellation", "stornierung", "storno", "bestellstorno", "bestellstornierung", "auftragsstornierung", "annullering", "avbestallning", "makulering", "annulation", "annulation de commande", "cancelled", "annulering"]),
    (Kind::PurchaseOrderChange, &["purchase order change", "change order", "order change", "amendment", "order amendment", "revised purchase order", "revised order", "po change", "bestellanderung", "anderung der bestellung", "auftragsanderung", "nachtrag", "orderandring", "andrad order", "andring av order", "bestallningsandring", "avenant", "modification de commande", "commande modifiee", "commande modificative", "modification", "anderungsbestellung", "andrad bestallning", "changement de commande", "bestellung anderung", "rev order", "commande rectificative", "purchase order revision", "change notice", "change request", "po revision", "order revision", "revised po", "revision"]),
    (Kind::ReturnRequest, &["return request", "return form", "return of goods", "returned goods", "return material", "goods return", "rma request", "return authorization", "return authorisation", "rucksendung", "retoure", "retourenschein", "retourenantrag", "rucksendeformular", "reklamation", "retur", "returbegaran", "returanmalan", "returblankett", "returformular", "demande de retour", "bon de retour", "retour marchandise", "formulaire de retour", "retourenanmeldung", "rucksendeantrag", "rma form", "return merchandise", "retouranmeldung", "returns form"]),
    (Kind::CreditApplication, &["credit application", "application for credit", "trade credit", "credit account application", "kreditantrag", "antrag auf kredit", "kreditlimit antrag", "antrag auf zahlungsziel", "kreditansokan", "ansokan om kredit", "ansokan om kundkredit", "demande de credit", "ouverture de credit", "demande d encours", "demande de credit fournisseur", "lieferantenkredit", "warenkreditantrag", "ansokan om foretagskredit", "demande d ouverture de credit", "antrag auf lieferantenkredit", "kreditansokan foretag"]),
    (Kind::AccountApplication, &["account application", "new account", "account form", "customer account", "new customer", "kundenkonto", "kundenkonto antrag", "kontoeroffnung", "neukunde", "neukundenantrag", "kundenanlage", "neukundenformular", "kundregistrering", "ansokan om kundkonto", "ny kund", "nytt kundkonto", "ouverture de compte", "demande d ouverture de compte", "nouveau client", "fiche client", "creation de compte", "kundkonto", "customer registration", "kundenstammblatt", "account opening", "new customer form", "kontoansokan", "eroffnung eines kundenkontos", "kundenregistrierung"]),
    (Kind::DeliveryNote, &["delivery note", "packing list", "packing slip", "dispatch note", "despatch note", "lieferschein", "foljesedel", "bon de livraison", "packsedel", "bordereau de livraison", "delivery docket", "advice note", "warenbegleitschein", "bordereau d expedition", "leveranssedel", "delivery advice", "shipping note"]),
    (Kind::RemittanceAdvice, &["remittance advice", "remittance", "payment advice", "zahlungsavis", "avis", "zahlungsmitteilung", "uberweisungsanzeige", "betalningsavi", "betalningsbesked", "avis de paiement", "avis de virement", "avis de reglement", "bordereau de paiement", "betalningsspecifikation", "betalningsavisering", "payment notification"]),
    (Kind::Quotation, &["request for quotation", "request for quote", "rfq", "quotation request", "inquiry", "enquiry", "anfrage", "preisanfrage", "angebotsanfrage", "offertforfragan", "forfragan", "prisforfragan", "demande de prix", "demande de devis", "appel d offres", "consultation", "demande d offre", "request for proposal", "angebotsaufforderung", "price inquiry", "anbudsforfragan"]),
    (Kind::Invoice, &["invoice", "tax invoice", "commercial invoice", "rechnung", "faktura", "facture", "facture de vente", "credit note", "gutschrift", "kreditfaktura", "avoir", "sales invoice", "vat invoice", "handelsrechnung", "factuur", "fattura", "factura", "fatura", "kopie factuur", "factuur totaal", "rechnungsstellung"]),
    (Kind::PurchaseOrder, &["purchase order", "order", "po", "p o", "bestellung", "auftrag", "einkaufsbestellung", "materialbestellung", "bestallning", "inkopsorder", "koporder", "order form", "bon de commande", "commande", "commande d achat", "commande fournisseur", "official purchase order", "abruf", "avrop", "order sheet", "bestellschein", "bestellformular", "call off order", "blanket order", "purchase order form", "standard purchase order", "einkaufsauftrag", "lieferantenbestellung", "leverantorsorder", "inkop", "local purchase order", "works order", "orderblankett", "bestallningssedel", "ordre d achat", "warenbestellung", "achat"]),
];

/// A phrase anywhere in the text that speaks for a kind.
#[rustfmt::skip]
const PHRASES: &[(Kind, f32, &str)] = &[
    (Kind::PurchaseOrder, 2.0, "our purchase order"), (Kind::PurchaseOrder, 2.0, "notre commande"), (Kind::PurchaseOrder, 2.0, "unserer bestellung"), (Kind::PurchaseOrder, 1.5, "unsere bestellung"), (Kind::PurchaseOrder, 2.0, "var bestallning"), (Kind::PurchaseOrder, 2.5, "veuillez nous fournir"), (Kind::PurchaseOrder, 2.5, "please supply"), (Kind::PurchaseOrder, 2.5, "supply the following"), (Kind::PurchaseOrder, 2.0, "bitten um lieferung"), (Kind::PurchaseOrder, 2.0, "bitten wir um lieferung"), (Kind::PurchaseOrder, 2.5, "harmed bestaller"), (Kind::PurchaseOrder, 2.0, "hiermit bestellen"), (Kind::PurchaseOrder, 2.0, "we would like to order"),
    (Kind::PurchaseOrder, 1.5, "please deliver"), (Kind::PurchaseOrder, 1.5, "hereby order"), (Kind::PurchaseOrder, 1.5, "bitte liefern sie"), (Kind::PurchaseOrder, 1.5, "wir bestellen"), (Kind::PurchaseOrder, 1.5, "bestellen wir"),
    (Kind::PurchaseOrder, 1.5, "vi bestaller"), (Kind::PurchaseOrder, 1.5, "vanligen leverera"), (Kind::PurchaseOrder, 1.5, "merci de nous livrer"), (Kind::PurchaseOrder, 1.5, "nous vous commandons"), (Kind::PurchaseOrder, 1.5, "nous vous passons commande"), (Kind::PurchaseOrder, 1.0, "confirm receipt of this order"),
    (Kind::Quotation, 6.0, "this is not an order"), (Kind::Quotation, 6.0, "not a purchase order"), (Kind::Quotation, 6.0, "dies ist keine bestellung"), (Kind::Quotation, 6.0, "keine bestellung"), (Kind::Quotation, 6.0, "ar inte en bestallning"), (Kind::Quotation, 6.0, "n est pas une commande"), (Kind::Quotation, 3.0, "best offer"), (Kind::Quotation, 3.0, "meilleure offre"), (Kind::Quotation, 3.0, "lamna offert"), (Kind::Quotation, 3.0, "ihr angebot abgeben"),
    (Kind::PurchaseOrderCancellation, 5.0, "hereby cancel"), (Kind::PurchaseOrderCancellation, 5.0, "stornieren wir"), (Kind::PurchaseOrderCancellation, 5.0, "wir stornieren"), (Kind::PurchaseOrderCancellation, 5.0, "annullerar vi"), (Kind::PurchaseOrderCancellation, 5.0, "vi annullerar"), (Kind::PurchaseOrderCancellation, 5.0, "annulons"), (Kind::PurchaseOrderCancellation, 5.0, "nothing will be shipped"),
    (Kind::PurchaseOrderChange, 5.0, "this change replaces"), (Kind::PurchaseOrderChange, 4.0, "confirm the changed lines"), (Kind::PurchaseOrderChange, 4.0, "diese anderung ersetzt"), (Kind::PurchaseOrderChange, 4.0, "geanderten positionen"), (Kind::PurchaseOrderChange, 4.0, "andringen ersatter"), (Kind::PurchaseOrderChange, 4.0, "andrade rader"), (Kind::PurchaseOrderChange, 4.0, "annule et remplace"), (Kind::PurchaseOrderChange, 4.0, "lignes modifiees"), (Kind::PurchaseOrderChange, 4.0, "replaces all earlier"), (Kind::PurchaseOrderChange, 4.0, "change our order"), (Kind::PurchaseOrderChange, 4.0, "ersetzt alle"), (Kind::PurchaseOrderChange, 4.0, "andern unsere bestellung"), (Kind::PurchaseOrderChange, 4.0, "andrar var"), (Kind::PurchaseOrderChange, 4.0, "modifions notre commande"), (Kind::PurchaseOrderChange, 3.0, "remplace"), (Kind::PurchaseOrderChange, 3.0, "ersatter tidigare"),
    (Kind::RemittanceAdvice, 5.0, "paid the following invoices"), (Kind::RemittanceAdvice, 5.0, "folgende rechnungen"), (Kind::RemittanceAdvice, 5.0, "foljande fakturor"), (Kind::RemittanceAdvice, 5.0, "factures suivantes"),
    (Kind::DeliveryNote, 3.0, "check the goods on receipt"), (Kind::DeliveryNote, 3.0, "ware bei erhalt"), (Kind::DeliveryNote, 3.0, "kontrollera godset"), (Kind::DeliveryNote, 3.0, "verifier la marchandise"),
    (Kind::Invoice, 3.0, "thank you for your business"), (Kind::Invoice, 2.0, "amount due"), (Kind::Invoice, 2.0, "bitte uberweisen"), (Kind::Invoice, 2.0, "remercions de votre confiance"), (Kind::Invoice, 3.0, "invoice number"), (Kind::Invoice, 3.0, "invoice date"), (Kind::Invoice, 3.0, "rechnungsnummer"), (Kind::Invoice, 3.0, "rechnungsdatum"), (Kind::Invoice, 3.0, "fakturanummer"), (Kind::Invoice, 3.0, "fakturadatum"), (Kind::Invoice, 3.0, "numero de facture"), (Kind::Invoice, 3.0, "date de facture"), (Kind::Invoice, 3.0, "invoice no"), (Kind::Invoice, 2.0, "facture no"), (Kind::Invoice, 2.0, "rechnungs nr"), (Kind::Invoice, 2.0, "tack for"),
    (Kind::ReturnRequest, 3.0, "items to be returned"), (Kind::ReturnRequest, 3.0, "articles a retourner"), (Kind::ReturnRequest, 3.0, "without approval will be refused"), (Kind::ReturnRequest, 1.0, "zuruckgesandt"), (Kind::ReturnRequest, 2.0, "reason for return"), (Kind::ReturnRequest, 2.0, "return reason"), (Kind::ReturnRequest, 2.5, "rucksendeformular"), (Kind::ReturnRequest, 2.5, "zuruckzusendende"), (Kind::ReturnRequest, 2.0, "ruckgabegrund"), (Kind::ReturnRequest, 2.0, "retourengrund"), (Kind::ReturnRequest, 2.5, "wish to return"), (Kind::ReturnRequest, 2.5, "return of goods"), (Kind::ReturnRequest, 2.5, "request for authorization"), (Kind::ReturnRequest, 2.0, "returorsak"), (Kind::ReturnRequest, 2.0, "anledning till retur"), (Kind::ReturnRequest, 2.5, "bon de retour"), (Kind::ReturnRequest, 2.5, "souhaitons retourner"), (Kind::ReturnRequest, 2.5, "onskar returnera"), (Kind::ReturnRequest, 2.5, "ruckgabe der"), (Kind::ReturnRequest, 2.0, "motif du retour"),
    (Kind::CreditApplication, 3.0, "subject to credit approval"), (Kind::CreditApplication, 2.0, "annual turnover"), (Kind::CreditApplication, 2.0, "annual revenue"), (Kind::CreditApplication, 2.0, "jahresumsatz"), (Kind::CreditApplication, 2.0, "arsomsattning"), (Kind::CreditApplication, 2.0, "chiffre d affaires"),
    (Kind::AccountApplication, 2.0, "tax exempt"), (Kind::AccountApplication, 2.0, "wirtschaftszweig"), (Kind::AccountApplication, 2.0, "bransch"), (Kind::AccountApplication, 2.0, "secteur"), (Kind::AccountApplication, 2.0, "branche"),
    (Kind::Other, 4.0, "dear sir"), (Kind::Other, 3.0, "special offer"), (Kind::Other, 3.0, "newsletter"), (Kind::Other, 3.0, "sonderangebot"), (Kind::Other, 3.0, "sincerely"), (Kind::Other, 3.0, "sehr geehrte"), (Kind::Other, 3.0, "med vanlig halsning"), (Kind::Other, 3.0, "madame monsieur"), (Kind::Other, 2.0, "unsubscribe"),
];

/// What the document is and how sure that is. `lines` is how many line items were found.
pub fn find_kind(layout: &Layout, subject: Option<&str>, lines: usize) -> (Kind, f32) {
    let mut scores = vec![0.0f32; Kind::ALL.len()];
    let mut add = |kind: Kind, weight: f32| {
        if let Some(at) = Kind::ALL.iter().position(|k| *k == kind).and_then(|i| scores.get_mut(i)) {
            *at += weight;
        }
    };
    let first = layout.rows.first().map_or(1, |r| r.page);
    let sizes: Vec<f32> =
        layout.rows.iter().flat_map(|r| &r.segments).flat_map(|s| &s.words).map(|w| w.y1 - w.y0).collect();
    let usual = median(sizes);
    let mut titled = false;
    for row in layout.rows.iter().filter(|r| r.page == first) {
        let place = row.y0() / layout.height.max(1.0);
        for segment in &row.segments {
            let text = fold(&segment.text());
            if text.is_empty() || segment.words.len() > 9 {
                continue;
            }
            let big = segment.height() / usual;
            let capitals = segment.text().chars().filter(|c| c.is_alphabetic()).all(char::is_uppercase);
            let bold = segment.words.iter().all(|w| w.bold);
            let mut weight = (big - 1.0).clamp(0.0, 1.5) * 4.0
                + if capitals { 1.0 } else { 0.0 }
                + if bold { 0.7 } else { 0.0 };
            weight += if place < 0.4 { 1.0 } else { 0.0 };
            if let Some((kind, part)) = title(&text).filter(|_| !asks_for_party(segment)) {
                add(kind, weight * part);
                titled |= weight * part > 2.0;
            }
        }
    }
    if let Some((kind, part)) = subject.map(fold).as_deref().and_then(title) {
        add(kind, 3.0 * part);
        titled = true;
    }
    let text =
        fold(&layout.rows.iter().take(250).map(super::layout::Row::text).collect::<Vec<_>>().join(" "));
    for (kind, weight, phrase) in PHRASES {
        if text.contains(phrase) {
            // letters without goods are letters, unless a title says what they are
            let letter = *kind == Kind::Other && (lines > 0 || titled);
            add(*kind, if letter { 0.2 * weight } else { *weight });
        }
    }
    let labels = labels(layout);
    let has = |names: &[&str]| names.iter().filter(|n| labels.contains(*n)).count() as f32;
    add(
        Kind::PurchaseOrder,
        0.25 * has(&[
            "po_number",
            "order_date",
            "requested_date",
            "ship_to",
            "bill_to",
            "payment_terms",
            "incoterms",
            "supplier_no",
            "vendor",
        ])
        .min(6.0),
    );
    add(Kind::PurchaseOrderChange, 1.5 * has(&["change_date"]) + 0.4 * has(&["revision"]));
    add(Kind::PurchaseOrderCancellation, 1.5 * has(&["cancellation_date"]));
    add(
        Kind::CreditApplication,
        0.8 * has(&["year_established", "employees", "annual_revenue", "requested_credit_limit"])
            + 0.3 * has(&["legal_name", "tax_id", "requested_credit_limit", "entity_type"]),
    );
    add(
        Kind::AccountApplication,
        1.5 * has(&["tax_exempt", "industry", "ap_contact"]) + 0.3 * has(&["legal_name", "tax_id"]),
    );
    add(Kind::ReturnRequest, 1.2 * has(&["rma_number", "resolution"]));
    add(
        Kind::Invoice,
        0.8 * has(&["invoice_number", "invoice_date", "due_date"]) - 0.3 * has(&["supplier_no"]),
    );
    add(Kind::DeliveryNote, 0.8 * has(&["delivery_note_number"]));
    add(Kind::Quotation, 0.8 * has(&["rfq_number", "response_due"]));
    if lines == 0 && labels.len() < 4 {
        for kind in [Kind::PurchaseOrder, Kind::Invoice, Kind::Quotation, Kind::DeliveryNote] {
            add(kind, -1.5);
        }
        add(Kind::Other, if titled { 1.0 } else { 2.5 });
    } else if lines > 0 {
        add(Kind::PurchaseOrder, 0.5);
    }
    choose(&scores)
}

/// `Invoice to` and `Delivery address` are labels of addresses, whatever they begin with.
fn asks_for_party(segment: &super::layout::Segment) -> bool {
    let label = super::label::label_at(segment.words.iter().map(|w| w.text.as_str()));
    label
        .filter(|l| l.words == segment.words.len() && l.any(&["to", "address", "terms", "supplier"]))
        .as_ref()
        .and_then(super::label::field_of)
        .is_some_and(|f| matches!(f, "bill_to" | "ship_to" | "vendor" | "payment_terms" | "incoterms"))
}

/// The fields that labels on the first page ask for, before the kind is known.
fn labels(layout: &Layout) -> std::collections::HashSet<&'static str> {
    let first = layout.rows.first().map_or(1, |r| r.page);
    let segments = layout.rows.iter().filter(|r| r.page == first).flat_map(|r| &r.segments);
    segments
        .filter_map(|s| {
            let label = super::label::label_at(s.words.iter().map(|w| w.text.as_str()))?;
            (label.closed || label.words == s.words.len()).then(|| super::label::field_of(&label)).flatten()
        })
        .collect()
}

fn choose(scores: &[f32]) -> (Kind, f32) {
    let mut ranked: Vec<(f32, Kind)> = scores.iter().copied().zip(Kind::ALL.iter().copied()).collect();
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

/// Share of a text that the name of a kind takes up in a title.
const TITLE_SHARE: f32 = 0.75;

/// The kind that a short text names, and how much of the text that name is.
fn title(text: &str) -> Option<(Kind, f32)> {
    let words: Vec<&str> = text.split(' ').collect();
    let mut best: Option<(usize, Kind)> = None;
    for (kind, names) in TITLES {
        for name in *names {
            let name_words: Vec<&str> = name.split(' ').collect();
            let hit = words.windows(name_words.len()).any(|w| {
                w.iter()
                    .zip(&name_words)
                    .all(|(a, b)| a == b || b.len() >= 6 && super::label::distance_at_most(a, b, 1))
            });
            if hit && best.is_none_or(|(n, _)| name.len() > n) {
                best = Some((name.len(), *kind));
            }
        }
    }
    // `Änderung zur Bestellung`, `Annulation de notre commande`
    if let Some((_, kind @ Kind::PurchaseOrder)) = &mut best
        && words.len() <= 7
    {
        let about = |concept: &str| {
            words.iter().any(|w| {
                super::label::label_at(std::iter::once(*w))
                    .is_some_and(|l| !l.forgiven && l.has(&[concept]) && !l.any(&["number", "date"]))
            })
        };
        if about("cancel") {
            *kind = Kind::PurchaseOrderCancellation;
        } else if about("change") {
            *kind = Kind::PurchaseOrderChange;
        }
    }
    best.map(|(n, kind)| (kind, (n as f32 / text.len().max(1) as f32).clamp(0.15, 1.0)))
        .or_else(|| by_concepts(&words))
}

/// A short title in words of its own: `Materialbestellung`, `Ordererkännande`, `Bestellauftrag`.
fn by_concepts(words: &[&str]) -> Option<(Kind, f32)> {
    let label = super::label::label_at(words.iter().copied())
        .filter(|l| l.words == words.len() && words.len() <= 4)?;
    let kind = if label
        .any(&["number", "date", "terms", "address", "to", "contact", "total", "amount", "price", "reason"])
    {
        return None;
    } else if label.has(&["order", "cancel"]) {
        Kind::PurchaseOrderCancellation
    } else if label.has(&["order", "change"]) || label.has(&["order", "revision"]) {
        Kind::PurchaseOrderChange
    } else if label.has(&["rma"]) {
        Kind::ReturnRequest
    } else if label.has(&["credit", "applicant"]) || label.has(&["credit", "request"]) {
        Kind::CreditApplication
    } else if label.has(&["rfq"]) {
        Kind::Quotation
    } else if label.has(&["note", "delivery"]) {
        Kind::DeliveryNote
    } else if label.has(&["order"]) && words.iter().any(|w| w.len() >= 5) {
        Kind::PurchaseOrder
    } else {
        return None;
    };
    Some((kind, 0.7))
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

/// The language of the document: `en` if nothing tells.
pub fn find_language(layout: &Layout) -> &'static str {
    let mut scores = [0usize; 4];
    for word in layout.rows.iter().take(300).flat_map(|r| &r.segments).flat_map(|s| &s.words) {
        let folded = super::label::fold_word(&word.text);
        for ((_, words), score) in SMALL_WORDS.iter().zip(&mut scores) {
            if words.contains(&folded.as_str()) {
                *score += 1;
            }
        }
    }
    let best = SMALL_WORDS.iter().zip(scores).max_by_key(|(_, n)| *n);
    best.filter(|(_, n)| *n > 0).map_or("en", |((code, _), _)| code)
}
