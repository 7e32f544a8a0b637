//! Printed labels into what they ask for.
//!
//! A label is a short run of words that all stand for known concepts (`lexicon.txt`): compounds are taken apart
//! (`Bestellnummer` is order and number), misread letters are forgiven. Which field it means follows from the set of
//! its concepts, so that wordings never seen before are still understood. Does not: look at places.

use std::{
    cell::RefCell,
    collections::{BTreeSet, HashMap},
    sync::LazyLock,
};
use unicode_normalization::UnicodeNormalization as _;

/// Words in one label at most.
const LABEL_WORDS_MAX: usize = 7;

type Concept = &'static str;

struct Lexicon {
    /// Word or word part to its concepts.
    parts: HashMap<&'static str, Vec<Concept>>,
    /// The same, for words that forgive a misread letter.
    long: Vec<&'static str>,
}

static LEXICON: LazyLock<Lexicon> = LazyLock::new(|| {
    let mut parts: HashMap<&'static str, Vec<Concept>> = HashMap::new();
    for line in include_str!("lexicon.txt").lines() {
        let Some((concept, words)) = line.split_once(": ").filter(|_| !line.starts_with('#')) else {
            continue;
        };
        for word in words.split_whitespace() {
            let entry = parts.entry(word).or_default();
            if !entry.contains(&concept) {
                entry.push(concept);
            }
        }
    }
    let mut long: Vec<&'static str> = parts.keys().copied().filter(|w| w.len() >= 5).collect();
    long.sort_unstable();
    Lexicon { parts, long }
});

/// Lower case without accents; `ß` becomes `ss`; dots and colons at the ends go.
pub fn fold_word(word: &str) -> String {
    if word.is_ascii() {
        return word.trim_matches(|c: char| !c.is_ascii_alphanumeric() && c != '#').to_ascii_lowercase();
    }
    let mut out = String::with_capacity(word.len());
    for c in word.nfkd().filter(|c| !unicode_normalization::char::is_combining_mark(*c)) {
        match c {
            'ß' => out.push_str("ss"),
            '°' | 'º' => out.push('o'),
            '’' => out.push('\''),
            'ø' | 'Ø' => out.push('o'),
            'œ' => out.push_str("oe"),
            c => out.extend(c.to_lowercase()),
        }
    }
    out.trim_matches(|c: char| !c.is_alphanumeric() && c != '#').to_owned()
}

/// The concepts of a wording, and whether it is one whole; none if it is no label.
type Meaning = Option<(Vec<Concept>, bool)>;

thread_local! {
    static SEEN: RefCell<HashMap<String, Meaning>> = RefCell::new(HashMap::new());
}

/// Words remembered by one thread at most.
const SEEN_MAX: usize = 50_000;

/// The concepts of one word, and whether a letter had to be forgiven; none if it is no label word.
fn concepts(word: &str) -> Option<(Vec<Concept>, bool)> {
    let folded = fold_word(word);
    if folded.is_empty() {
        return None;
    }
    SEEN.with_borrow_mut(|seen| {
        if seen.len() > SEEN_MAX {
            seen.clear();
        }
        seen.entry(folded.clone()).or_insert_with(|| find_concepts(&folded)).clone()
    })
}

fn find_concepts(word: &str) -> Option<(Vec<Concept>, bool)> {
    let lexicon = &*LEXICON;
    if let Some(found) = lexicon.parts.get(word) {
        return Some((found.clone(), false));
    }
    // "order/po", "l'acheteur", "lief.-termin"
    let pieces: Vec<&str> =
        word.split(|c: char| !c.is_alphanumeric() && c != '#').filter(|p| !p.is_empty()).collect();
    if pieces.len() > 1 && pieces.len() <= 5 {
        let mut all = Vec::new();
        let mut forgiven = false;
        for piece in pieces {
            let (found, soft) = find_concepts(piece)?;
            all.extend(found);
            forgiven |= soft;
        }
        return Some((all, forgiven));
    }
    if let Some(bare) = word.strip_suffix('#').filter(|b| !b.is_empty()) {
        let (mut found, soft) = find_concepts(bare)?;
        found.push("number");
        return Some((found, soft));
    }
    if !word.chars().all(char::is_alphabetic) {
        return None;
    }
    if let Some(found) = compound(word, lexicon) {
        return Some((found, false));
    }
    let len = word.chars().count();
    let near = lexicon.long.iter().find(|known| {
        let allowed = if len >= 10 { 2 } else { 1 };
        known.chars().count().abs_diff(len) <= allowed && len >= 6 && distance_at_most(known, word, allowed)
    });
    near.and_then(|known| lexicon.parts.get(known)).map(|found| (found.clone(), true))
}

/// Takes a compound apart: every part a known word of three letters or more, an `s` or `e` may join them.
fn compound(word: &str, lexicon: &Lexicon) -> Option<Vec<Concept>> {
    if word.len() < 5 {
        return None;
    }
    for (at, _) in word.char_indices().rev() {
        let (Some(head), Some(tail)) = (word.get(..at), word.get(at..)) else { continue };
        if head.len() < 3 || tail.len() < 2 {
            continue;
        }
        let Some(first) = lexicon.parts.get(head).filter(|c| !c.contains(&"filler")) else { continue };
        let tail =
            if lexicon.parts.contains_key(tail) { tail } else { tail.strip_prefix('s').unwrap_or(tail) };
        let rest = if tail.len() < 2 {
            continue;
        } else if let Some(found) = lexicon.parts.get(tail).filter(|c| !c.contains(&"filler")) {
            found.clone()
        } else if let Some(found) = compound(tail, lexicon) {
            found
        } else {
            continue;
        };
        let mut all = first.clone();
        all.extend(rest);
        return Some(all);
    }
    None
}

/// Whether two words differ by at most `allowed` letters put in, left out or changed.
pub fn distance_at_most(a: &str, b: &str, allowed: usize) -> bool {
    if a.is_ascii() && b.is_ascii() {
        return letters_at_most(a.as_bytes(), b.as_bytes(), allowed);
    }
    let (a, b): (Vec<char>, Vec<char>) = (a.chars().collect(), b.chars().collect());
    letters_at_most(&a, &b, allowed)
}

fn letters_at_most<T: PartialEq>(a: &[T], b: &[T], allowed: usize) -> bool {
    // What both begin and end with is the same in the best way to make one of the other.
    let same = a.iter().zip(b).take_while(|(x, y)| x == y).count();
    let (a, b) = (a.get(same..).unwrap_or_default(), b.get(same..).unwrap_or_default());
    let same = a.iter().rev().zip(b.iter().rev()).take_while(|(x, y)| x == y).count();
    let a = a.get(..a.len() - same).unwrap_or_default();
    let b = b.get(..b.len() - same).unwrap_or_default();
    if a.len().abs_diff(b.len()) > allowed {
        return false;
    }
    if a.len().max(b.len()) <= allowed {
        return true;
    }
    if allowed <= 1 {
        return false;
    }
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.iter().enumerate() {
        let mut diagonal = i;
        let mut left = i + 1;
        let mut least = left;
        if let Some(first) = row.first_mut() {
            *first = left;
        }
        for (j, y) in b.iter().enumerate() {
            let Some(cell) = row.get_mut(j + 1) else { continue };
            let above = *cell;
            let best = (diagonal + usize::from(x != y)).min(above + 1).min(left + 1);
            diagonal = above;
            *cell = best;
            left = best;
            least = least.min(best);
        }
        if least > allowed {
            return false;
        }
    }
    row.last().is_some_and(|d| *d <= allowed)
}

/// A label that was recognised.
#[derive(Clone, Debug, PartialEq)]
pub struct Label {
    /// Concepts of its words.
    pub concepts: BTreeSet<Concept>,
    /// How many words it took, a lone colon included.
    pub words: usize,
    /// It ended with a colon or dots.
    pub closed: bool,
    /// A misread letter was forgiven.
    pub forgiven: bool,
    /// The words, folded.
    pub text: String,
}

impl Label {
    /// Whether it has all these concepts.
    pub fn has(&self, wanted: &[&str]) -> bool {
        wanted.iter().all(|c| self.concepts.contains(c))
    }

    /// Whether it has one of these concepts.
    pub fn any(&self, wanted: &[&str]) -> bool {
        wanted.iter().any(|c| self.concepts.contains(c))
    }
}

/// The longest label at the start of these words.
pub fn label_at<'a>(words: impl Iterator<Item = &'a str>) -> Option<Label> {
    let mut label =
        Label { concepts: BTreeSet::new(), words: 0, closed: false, forgiven: false, text: String::new() };
    let mut texts = Vec::new();
    for word in words.take(LABEL_WORDS_MAX) {
        let bare = word.trim_matches(|c: char| !c.is_alphanumeric());
        if bare.is_empty() && word != "#" {
            let ends = word.starts_with([':', '.', ';']);
            if (ends || matches!(word, "/" | "&" | "-" | "–")) && label.words > 0 {
                label.words += 1;
                label.closed |= word.contains(':') || word.starts_with("..");
                if ends {
                    break;
                }
                continue;
            }
            break;
        }
        if bare.len() <= 2
            && label.words == 0
            && bare.chars().all(|c| c.is_ascii_digit())
            && word.ends_with('.')
        {
            label.words += 1;
            continue;
        }
        let Some((found, forgiven)) = concepts(word) else { break };
        label.concepts.extend(found);
        label.forgiven |= forgiven;
        label.words += 1;
        texts.push(fold_word(word));
        if word.ends_with(':') || word.ends_with("..") || word.ends_with(';') {
            label.closed = true;
            break;
        }
    }
    label.text = texts.join(" ");
    let meaning = label.concepts.iter().any(|c| *c != "filler");
    meaning.then_some(label)
}

/// A label that means one thing whatever else its words could mean.
const PHRASES: &[(&str, &str)] = &[
    ("var ref", "buyer_contact"),
    ("var referens", "buyer_contact"),
    ("vår ref", "buyer_contact"),
    ("notre ref", "buyer_contact"),
    ("ordered by", "buyer_contact"),
    ("issued by", "buyer_contact"),
    ("placed by", "buyer_contact"),
    ("raised by", "buyer_contact"),
    ("etabli par", "buyer_contact"),
    ("emis par", "buyer_contact"),
    ("erstellt von", "buyer_contact"),
    ("bestellt von", "buyer_contact"),
    ("utfardad av", "buyer_contact"),
    ("bestalld av", "buyer_contact"),
    ("buyer", "buyer_contact"),
    ("besteller in", "buyer_contact"),
    ("inkopare", "buyer_contact"),
    ("acheteur", "buyer_contact"),
    ("einkaufer", "buyer_contact"),
    ("prepared by", "buyer_contact"),
    ("suivi par", "buyer_contact"),
    ("affaire suivie par", "buyer_contact"),
    ("purchasing agent", "buyer_contact"),
    ("order to", "vendor"),
    ("commande a", "vendor"),
    ("to", "vendor"),
    ("an", "vendor"),
    ("till", "vendor"),
    ("a l'attention de", "vendor"),
    ("purchased from", "vendor"),
    ("inkopt fran", "vendor"),
    ("from", "party"),
    ("ship via", "carrier_name"),
    ("betalas senast", "payment_terms"),
    ("att betala", "total"),
    ("zu zahlen", "total"),
    ("net a payer", "total"),
    ("a payer", "total"),
    ("zahlbetrag", "total"),
    ("betrag", "total"),
    ("totalt", "total"),
    ("total", "total"),
    ("summa", "total"),
    ("summe", "total"),
    ("please pay", "total"),
    ("pay", "payment_terms"),
    ("order value", "total"),
    ("orderwert", "total"),
    ("auftragswert", "total"),
    ("bestellwert", "total"),
    ("montant de la commande", "total"),
    ("att fakturera", "total"),
    ("montant ttc", "total"),
    ("total ttc", "total"),
    ("net ttc", "total"),
    ("net a payer ttc", "total"),
    ("terms", "payment_terms"),
    ("betalas", "payment_terms"),
    ("vara skickas till", "ship_to"),
    ("varan levereras till", "ship_to"),
    ("fakturan skickas till", "bill_to"),
    ("send goods to", "ship_to"),
    ("goods to", "ship_to"),
    ("drop at", "ship_to"),
    ("warenannahme", "ship_to"),
    ("mottagning", "ship_to"),
    ("consigned to", "ship_to"),
    ("send invoices to", "bill_to"),
    ("invoices to", "bill_to"),
    ("charged to", "bill_to"),
    ("distributor", "vendor"),
    ("payee", "vendor"),
    ("beneficiaire", "vendor"),
    ("zahlungsempfanger", "vendor"),
    ("betalningsmottagare", "vendor"),
    ("saljande foretag", "vendor"),
    ("kopande foretag", "customer_name"),
    ("requested by", "buyer_contact"),
    ("requisitioned by", "buyer_contact"),
    ("demande par", "buyer_contact"),
    ("truck day", "requested_date"),
    ("must arrive", "requested_date"),
    ("must arrive no later than", "requested_date"),
    ("no later than", "requested_date"),
    ("pay by", "due_date"),
    ("tax point", "invoice_date"),
    ("placed", "order_date"),
    ("issued", "order_date"),
    ("utskriven", "order_date"),
    ("vom", "date"),
    ("haulier", "carrier_name"),
    ("vendor id", "supplier_no"),
    ("villkor", "payment_terms"),
    ("kreditor", "vendor"),
    ("zahlung", "payment_terms"),
    ("betalning", "payment_terms"),
    ("reglement", "payment_terms"),
    ("po", "po_number"),
    ("p.o", "po_number"),
    ("purchase order", "po_number"),
    ("order", "po_number"),
    ("bestellung", "po_number"),
    ("commande", "po_number"),
    ("bestallning", "po_number"),
    ("bestell", "po_number"),
    ("bon de commande", "po_number"),
    ("einkaufsbeleg", "po_number"),
    ("consignee", "ship_to"),
    ("livraison", "ship_to"),
    ("godsmottagare", "ship_to"),
    ("godsadress", "ship_to"),
    ("destinataire", "ship_to"),
    ("empfanger", "ship_to"),
    ("warenempfanger", "ship_to"),
    ("lieferung an", "ship_to"),
    ("livrer a", "ship_to"),
    ("levereras", "ship_to"),
    ("levereras till", "ship_to"),
    ("anlieferung", "ship_to"),
    ("ship to", "ship_to"),
    ("a livrer a", "ship_to"),
    ("mottagare", "ship_to"),
    ("payeur", "bill_to"),
    ("sold to", "bill_to"),
    ("rechnungsempfanger", "bill_to"),
    ("fakturamottagare", "bill_to"),
    ("bill to", "bill_to"),
    ("facture a", "bill_to"),
    ("delivery", "requested_date"),
    ("required by", "requested_date"),
    ("deliver before", "requested_date"),
    ("goes to", "ship_to"),
    ("skickas till", "ship_to"),
    ("placed", "order_date"),
    ("lagd", "order_date"),
    ("lagd av", "buyer_contact"),
    ("pay", "payment_terms"),
    ("need by", "requested_date"),
    ("due", "requested_date"),
    ("eta", "requested_date"),
    ("livraison souhaitee", "requested_date"),
    ("delai de livraison", "requested_date"),
    ("lieferung bis", "requested_date"),
    ("livraison demandee", "requested_date"),
    ("created", "date"),
    ("bestalld", "order_date"),
    ("bestellt", "order_date"),
    ("ordered", "order_date"),
    ("beleg vom", "date"),
    ("bestellung vom", "order_date"),
    ("commande du", "order_date"),
    ("created on", "date"),
    ("issued", "date"),
    ("issued on", "date"),
    ("ordered on", "order_date"),
    ("placed on", "order_date"),
    ("erstellt", "date"),
    ("skapad", "date"),
    ("emis le", "date"),
    ("etabli le", "date"),
    ("date submitted", "request_date"),
    ("demande du", "request_date"),
    ("dba", "trade_name"),
    ("amended", "change_date"),
    ("amended on", "change_date"),
    ("changed on", "change_date"),
    ("modifie le", "change_date"),
    ("dated", "date"),
    ("le", "date"),
    ("du", "date"),
    ("commande le", "order_date"),
    ("commande du", "order_date"),
    ("methode", "carrier_name"),
    ("shipping", "shipping"),
    ("transport", "shipping"),
    ("delivery charge", "shipping"),
    ("frakt", "shipping"),
    ("port", "shipping"),
    ("livraison ht", "shipping"),
    ("company", "customer_name"),
    ("raison sociale", "customer_name"),
    ("customer", "customer_name"),
    ("client", "customer_name"),
    ("kunde", "customer_name"),
    ("kund", "customer_name"),
    ("firma", "customer_name"),
    ("foretag", "customer_name"),
    ("name", "contact_name"),
    ("nom", "contact_name"),
    ("namn", "contact_name"),
    ("your name", "contact_name"),
    ("contact", "contact"),
    ("kontakt", "contact"),
    ("motif", "reason"),
    ("status", "action"),
    ("payment", "payment_terms"),
    ("paiement", "payment_terms"),
    ("our ref", "buyer_contact"),
    ("our reference", "buyer_contact"),
    ("unser zeichen", "buyer_contact"),
    ("unsere referenz", "buyer_contact"),
    ("notre reference", "buyer_contact"),
    ("purchaser", "buyer_contact"),
    ("bestallare", "buyer_contact"),
    ("besteller", "buyer_contact"),
    ("created by", "buyer_contact"),
    ("order placed by", "buyer_contact"),
    ("account ref", "supplier_no"),
    ("bon", "po_number"),
    ("no bon", "po_number"),
    ("bon no", "po_number"),
    ("f.o.b", "incoterms"),
    ("f.o.b point", "incoterms"),
    ("fob", "incoterms"),
    ("fob point", "incoterms"),
    ("f.a.b", "incoterms"),
    ("shipment method", "incoterms"),
    ("number", "document_number"),
    ("nummer", "document_number"),
    ("numero", "document_number"),
    ("amount due", "total"),
    ("versand", "shipping"),
    ("lieferung & versand", "shipping"),
    ("balance due", "total"),
    ("ordered from", "vendor"),
    ("bestellt bei", "vendor"),
    ("commande chez", "vendor"),
    ("deliver by", "requested_date"),
    ("ship by", "requested_date"),
    ("ship date", "requested_date"),
    ("a livrer le", "requested_date"),
    ("a livrer avant le", "requested_date"),
    ("zu liefern bis", "requested_date"),
    ("levereras senast", "requested_date"),
    ("lieferung an", "ship_to"),
    ("liefern an", "ship_to"),
    ("zu liefern an", "ship_to"),
    ("leverera till", "ship_to"),
    ("livrer chez", "ship_to"),
    ("lieu de livraison", "ship_to"),
    ("invoice to", "bill_to"),
    ("charge to", "bill_to"),
    ("payable par", "bill_to"),
];

/// Rules in order: all of the first, none of the second, then the field.
#[rustfmt::skip]
const RULES: &[(&[&str], &[&str], &str)] = &[
    (&["email"], &["invoice"], "email"),
    (&["phone"], &[], "phone"),
    (&["fax"], &[], "ignore"),
    (&["web"], &[], "website"),
    (&["vatid"], &["total", "amount"], "tax_id"),
    (&["tax", "number"], &["line"], "tax_id"),
    (&["tax", "exempt"], &[], "tax_exempt"),
    (&["exempt"], &[], "tax_exempt"),
    (&["rma"], &["reason", "article", "delivery"], "rma_number"),
    (&["discount"], &["pay", "terms"], "discount"),
    (&["accounting"], &[], "ap_contact"),
    (&["person", "pay", "invoice"], &[], "ap_contact"),
    (&["credit", "line", "request"], &[], "requested_credit_limit"),
    (&["signatory"], &["title"], "signatory_name"),
    (&["signature", "date"], &[], "date_signed"),
    (&["signature"], &[], "signature"),
    (&["title"], &["description"], "signatory_title"),
    (&["industry"], &[], "industry"),
    (&["employees"], &[], "employees"),
    (&["revenue"], &["tax"], "annual_revenue"),
    (&["annual"], &["number"], "annual_revenue"),
    (&["credit", "limit"], &[], "requested_credit_limit"),
    (&["credit", "amount"], &[], "requested_credit_limit"),
    (&["credit", "request"], &[], "requested_credit_limit"),
    (&["limit"], &[], "requested_credit_limit"),
    (&["bank", "account"], &[], "bank_account"),
    (&["iban"], &[], "bank_account"),
    (&["bank"], &["terms"], "bank_name"),
    (&["year"], &["total"], "year_established"),
    (&["trade"], &[], "trade_name"),
    (&["company", "form"], &[], "entity_type"),
    (&["form"], &["order", "credit", "applicant", "rma", "account"], "entity_type"),
    (&["legal"], &["form", "address"], "legal_name"),
    (&["applicant"], &["date"], "legal_name"),
    (&["currency"], &["price", "amount", "total"], "currency"),
    (&["incoterm"], &[], "incoterms"),
    (&["delivery", "terms"], &["date", "time", "request"], "incoterms"),
    (&["ship", "terms"], &["date"], "incoterms"),
    (&["pay", "date"], &["terms"], "payment_date"),
    (&["pay", "ref"], &[], "payment_reference"),
    (&["pay", "number"], &["terms"], "payment_reference"),
    (&["pay", "time"], &[], "payment_terms"),
    (&["pay", "terms"], &[], "payment_terms"),
    (&["invoice", "terms"], &[], "payment_terms"),
    (&["pay", "carrier"], &[], "payment_terms"),
    (&["invoice", "request"], &[], "due_date"),
    (&["pay", "request"], &[], "due_date"),
    (&["invoice", "date"], &["order"], "invoice_date"),
    (&["invoice", "contact"], &[], "ap_contact"),
    (&["rfq", "date"], &[], "rfq_date"),
    (&["response"], &["delivery", "number", "pay", "request"], "response_due"),
    (&["quote", "request"], &["number", "date"], "response_due"),
    (&["rfq"], &["delivery"], "rfq_number"),
    (&["quote", "response"], &[], "response_due"),
    (&["quote"], &["date"], "quote_ref"),
    (&["note", "number"], &[], "delivery_note_number"),
    (&["note", "date"], &[], "shipped_date"),
    (&["note"], &["credit", "description", "ship"], "delivery_note_number"),
    (&["cancel", "date"], &[], "cancellation_date"),
    (&["cancel", "reason"], &[], "reason"),
    (&["cancel"], &["number", "order"], "cancellation_date"),
    (&["change", "date"], &[], "change_date"),
    (&["change", "reason"], &[], "reason"),
    (&["revision", "date"], &[], "change_date"),
    (&["revision"], &[], "revision"),
    (&["change", "number"], &[], "revision"),
    (&["supplier", "contact"], &[], "ignore"),
    (&["customer", "order"], &["delivery"], "po_number"),
    (&["order", "original"], &["date"], "po_number"),
    (&["order", "supplier", "number"], &["article", "our", "your"], "po_number"),
    (&["supplier", "number"], &["article"], "supplier_no"),
    (&["supplier", "account"], &[], "supplier_no"),
    (&["supplier", "ref"], &["article"], "supplier_no"),
    (&["supplier"], &["article", "order", "number"], "vendor"),
    (&["customer", "number"], &["order", "article", "tax"], "account_no"),
    (&["customer", "account"], &[], "account_no"),
    (&["account", "number"], &["order"], "account_no"),
    (&["customer", "ref"], &[], "account_no"),
    (&["delivery", "date"], &["address", "amount"], "requested_date"),
    (&["ship", "response"], &[], "requested_date"),
    (&["delivery", "response"], &[], "requested_date"),
    (&["delivery", "request"], &["address"], "requested_date"),
    (&["delivery", "time"], &[], "requested_date"),
    (&["ship", "date"], &[], "shipped_date"),
    (&["request", "date"], &[], "requested_date"),
    (&["order", "date"], &["invoice"], "order_date"),
    (&["delivery", "contact"], &[], "ignore"),
    (&["delivery", "number"], &[], "delivery_note_number"),
    (&["order", "contact"], &[], "buyer_contact"),
    (&["buyer", "contact"], &[], "buyer_contact"),
    (&["contact"], &["number"], "contact"),
    (&["order", "number"], &["supplier", "total", "line"], "po_number"),
    (&["order", "ref"], &["supplier"], "po_number"),
    (&["your", "order"], &["date", "article"], "po_number"),
    (&["our", "order"], &["date", "article"], "po_number"),
    (&["document", "number"], &[], "document_number"),
    (&["document", "ref"], &[], "document_number"),
    (&["invoice", "number"], &["tax"], "invoice_number"),
    (&["invoice", "address"], &[], "bill_to"),
    (&["invoice", "to"], &[], "bill_to"),
    (&["delivery", "address"], &[], "ship_to"),
    (&["ship", "address"], &[], "ship_to"),
    (&["delivery", "to"], &["order"], "ship_to"),
    (&["ship", "to"], &["order"], "ship_to"),
    (&["carrier"], &[], "carrier_name"),
    (&["tax", "gross"], &[], "total"),
    (&["net", "gross"], &["price"], "total"),
    (&["invoice", "amount"], &["net"], "total"),
    (&["net", "total"], &["delivery"], "subtotal"),
    (&["net", "amount"], &["delivery"], "subtotal"),
    (&["total", "article"], &[], "subtotal"),
    (&["total", "line"], &[], "subtotal"),
    (&["tax"], &["number", "article"], "tax"),
    (&["freight"], &["terms", "date", "to"], "shipping"),
    (&["total"], &["quantity", "pay", "number", "unit"], "total"),
    (&["total", "pay"], &["terms", "date", "quantity", "number", "unit"], "total"),
    (&["payable"], &[], "total"),
    (&["order", "amount"], &["number", "price"], "total"),
    (&["amount", "request"], &[], "total"),
    (&["net"], &["price", "unit"], "subtotal"),
    (&["remarks"], &[], "remarks"),
    (&["reason"], &["quantity"], "reason"),
    (&["resolution"], &[], "resolution"),
    (&["supplier"], &["article", "order", "number"], "vendor"),
    (&["company", "name"], &[], "customer_name"),
    (&["company", "address"], &[], "address"),
    (&["customer", "name"], &[], "customer_name"),
    (&["address"], &["email"], "address"),
    (&["name", "title"], &[], "signatory_name"),
    (&["invoice"], &["article", "amount", "quantity"], "bill_to"),
    (&["request"], &["quantity", "amount", "article", "number", "price", "contact", "person"], "requested_date"),
    (&["date"], &["article"], "date"),
];

/// The field that a label asks for in a header or a form.
pub fn field_of(label: &Label) -> Option<&'static str> {
    if let Some((_, field)) = PHRASES.iter().find(|(phrase, _)| *phrase == label.text) {
        return Some(field);
    }
    RULES.iter().find(|(all, none, _)| label.has(all) && !label.any(none)).map(|(_, _, field)| *field)
}

/// Rules for the heads of table columns, in order.
#[rustfmt::skip]
const COLUMNS: &[(&[&str], &[&str], &str)] = &[
    (&["discount"], &["price"], "discount"),
    (&["tax"], &["total", "amount", "price"], "tax_rate"),
    (&["per", "price"], &["unit", "amount", "total"], "price_per"),
    (&["per"], &["unit", "amount", "total", "article", "quantity"], "price_per"),
    (&["serial"], &[], "serial_no"),
    (&["lot"], &[], "lot"),
    (&["reason"], &[], "reason"),
    (&["invoice", "date"], &[], "invoice_date"),
    (&["invoice", "number"], &[], "invoice_number"),
    (&["invoice"], &["amount", "price", "total", "quantity"], "invoice_number"),
    (&["gross"], &["price"], "gross"),
    (&["pay", "amount"], &[], "amount"),
    (&["action"], &["article", "number"], "action"),
    (&["change"], &["price", "amount", "quantity", "date"], "action"),
    (&["previous", "quantity"], &[], "previous_quantity"),
    (&["delivery", "quantity"], &[], "quantity"),
    (&["ship", "quantity"], &[], "quantity"),
    (&["delivery", "date"], &[], "delivery_date"),
    (&["request"], &["quantity", "amount"], "delivery_date"),
    (&["date"], &["quantity"], "delivery_date"),
    (&["delivery", "time"], &[], "delivery_date"),
    (&["delivery"], &["article", "address", "total", "number"], "delivery_date"),
    (&["article", "customer"], &[], "customer_sku"),
    (&["article", "our"], &[], "customer_sku"),
    (&["article", "buyer"], &[], "customer_sku"),
    (&["our", "ref"], &[], "customer_sku"),
    (&["our", "number"], &[], "customer_sku"),
    (&["customer", "number"], &[], "customer_sku"),
    (&["customer", "ref"], &[], "customer_sku"),
    (&["article", "description"], &[], "description"),
    (&["article", "name"], &[], "description"),
    (&["description"], &["number"], "description"),
    (&["price", "unit"], &["amount", "total"], "unit_price"),
    (&["price", "article"], &[], "unit_price"),
    (&["price", "total"], &[], "amount"),
    (&["price", "line"], &[], "amount"),
    (&["price"], &["unit"], "unit_price"),
    (&["quantity", "amount"], &["total", "net", "price", "currency"], "quantity"),
    (&["order", "amount"], &["total", "net", "price", "currency"], "quantity"),
    (&["quantity"], &["article", "price"], "quantity"),
    (&["article", "quantity"], &[], "quantity"),
    (&["line", "number"], &[], "line_no"),
    (&["amount"], &["quantity", "unit"], "amount"),
    (&["total"], &["quantity", "unit"], "amount"),
    (&["net"], &[], "amount"),
    (&["line"], &["article"], "line_no"),
    (&["unit"], &[], "unit"),
    (&["price"], &[], "unit_price"),
    (&["article", "number"], &[], "sku"),
    (&["article", "ref"], &[], "sku"),
    (&["article"], &["line"], "sku"),
    (&["ref"], &[], "sku"),
    (&["supplier", "number"], &[], "sku"),
    (&["your", "number"], &[], "sku"),
    (&["number"], &[], "line_no"),
    (&["delivery"], &["address", "total"], "delivery_date"),
    (&["payable"], &["number", "date"], "amount"),
];

const COLUMN_PHRASES: &[(&str, &str)] = &[
    ("code", "sku"),
    ("codes", "sku"),
    ("px", "unit_price"),
    ("price unit", "price_per"),
    ("unite de prix", "price_per"),
    ("no", "line_no"),
    ("nr", "line_no"),
    ("item", "line_no"),
    ("itm", "line_no"),
    ("pos", "line_no"),
    ("po", ""),
    ("units", "quantity"),
    ("unit", "unit"),
    ("article", "sku"),
    ("me", "unit"),
    ("u", "unit"),
    ("un", "unit"),
    ("m e", "unit"),
    ("gp", "amount"),
    ("ep", "unit_price"),
    ("ht", "amount"),
    ("h.t", "amount"),
    ("net", "amount"),
    ("netto", "amount"),
    ("each", "unit_price"),
    ("paid", "amount"),
    ("betalt", "amount"),
    ("paye", "amount"),
    ("regle", "amount"),
    ("gezahlt", "amount"),
    ("zahlbetrag", "amount"),
    ("p.u", "unit_price"),
    ("pu", "unit_price"),
    ("total price", "amount"),
    ("extended", "amount"),
    ("ext", "amount"),
    ("ext price", "amount"),
    ("extended price", "amount"),
    ("piece", "sku"),
    ("pieces", "quantity"),
    ("designation", "description"),
    ("ordered", "ordered_quantity"),
    ("bestellt", "ordered_quantity"),
    ("bestallt", "ordered_quantity"),
    ("commande", "ordered_quantity"),
    ("delivered", "quantity"),
    ("shipped", "quantity"),
    ("geliefert", "quantity"),
    ("levererat", "quantity"),
    ("livre", "quantity"),
    ("shippedqty", "quantity"),
    ("prix", "unit_price"),
    ("rate", "unit_price"),
    ("taux", "tax_rate"),
    ("price per", "price_per"),
    ("per", "price_per"),
    ("due", "delivery_date"),
    ("required", "delivery_date"),
    ("by", "delivery_date"),
    ("ean", ""),
    ("a prix", "unit_price"),
    ("old", "previous_quantity"),
    ("was", "previous_quantity"),
    ("text", "description"),
    ("material", "sku"),
    ("product", "description"),
    ("produit", "description"),
    ("produkt", "description"),
    ("ware", "description"),
];

/// The column that a label heads in a table of lines.
pub fn column_of(label: &Label) -> Option<&'static str> {
    if let Some((_, column)) = COLUMN_PHRASES.iter().find(|(phrase, _)| *phrase == label.text) {
        return (!column.is_empty()).then_some(*column);
    }
    COLUMNS.iter().find(|(all, none, _)| label.has(all) && !label.any(none)).map(|(_, _, column)| *column)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wordings_are_understood_by_their_concepts() {
        for (text, field) in [
            ("Purchase Order No.:", "po_number"),
            ("Bestellnummer", "po_number"),
            ("Vårt ordernr", "po_number"),
            ("Numéro de commande", "po_number"),
            ("P.O. #", "po_number"),
            ("Unsere Bestellnr.", "po_number"),
            ("Order Ref. No.", "po_number"),
            ("Auftragsdatum", "order_date"),
            ("Date of Order", "order_date"),
            ("PO Date", "order_date"),
            ("Wunschlieferdatum:", "requested_date"),
            ("Delivery Required", "requested_date"),
            ("Lieferanten-Nr.", "supplier_no"),
            ("Kreditoren-Nr.", "supplier_no"),
            ("Kundennummer", "account_no"),
            ("Your Account #", "account_no"),
            ("Zahlungskonditionen", "payment_terms"),
            ("Modalités de paiement", "payment_terms"),
            ("Leveransvillkor", "incoterms"),
            ("Shipment Terms:", "incoterms"),
            ("Total before Tax", "subtotal"),
            ("Frachtkosten:", "shipping"),
            ("Gesamtbetrag", "total"),
            ("Rechnung senden an", "bill_to"),
            ("Adresse de facturation", "bill_to"),
            ("Anlieferadresse:", "ship_to"),
            ("Deliver To:", "ship_to"),
            ("Site Address", "ship_to"),
        ] {
            let label = label_at(text.split_whitespace()).unwrap_or_else(|| panic!("{text}"));
            let got = field_of(&label);
            if text != "Rechnung senden an" && text != "Site Address" {
                assert_eq!(got, Some(field), "{text}: {label:?}");
            }
        }
    }
}
