//! Whether words are a value of the type that a field needs.

use crate::{
    extract::{
        date::{Order, parse_date},
        draft::Reading,
        label::{fold_word, label_at},
        layout::{Word, join},
        number::{parse_currency, parse_number, split_currency},
    },
    model::{field::is_day, text::shape},
    validate::account::fold,
};

/// One of the three-letter codes of the Incoterms rules (ICC, 1990 to 2020).
pub(super) fn is_incoterm(text: &str) -> bool {
    let bare = text.trim_matches(|c: char| !c.is_alphanumeric());
    matches!(
        bare,
        "EXW"
            | "FCA"
            | "FAS"
            | "FOB"
            | "CFR"
            | "CIF"
            | "CPT"
            | "CIP"
            | "DAT"
            | "DAP"
            | "DPU"
            | "DDP"
            | "DDU"
            | "DAF"
    ) || matches!(text, "F.O.B." | "F.O.B" | "C.I.F.")
}

/// Whether the words say when to pay: `Net 30`, `30 Tage netto`, `45 jours fin de mois`, `2/10 N30`.
pub(crate) fn terms_of_payment(words: &[Word]) -> bool {
    let text = fold(&join(words));
    let tokens: Vec<&str> = text.split(' ').collect();
    let number =
        tokens.iter().any(|t| t.chars().all(|c| c.is_ascii_digit()) && !t.is_empty() && t.len() <= 3);
    let days = tokens.iter().any(|t| {
        matches!(
            *t,
            "days"
                | "day"
                | "tage"
                | "tagen"
                | "dagar"
                | "dgr"
                | "dag"
                | "jours"
                | "net"
                | "netto"
                | "eom"
                | "mois"
        )
    });
    let short_form =
        tokens.iter().any(|t| t.len() <= 4 && t.strip_prefix('n').is_some_and(|n| n.parse::<u8>().is_ok()));
    let at_once = [
        "due on receipt",
        "upon receipt",
        "sofort",
        "comptant",
        "kontant",
        "prepaid",
        "vorkasse",
        "immediate",
    ];
    tokens.len() <= 12 && (number && days || number && short_form || at_once.iter().any(|a| text.contains(a)))
}

/// Fields whose values have a form of their own.
pub(crate) fn typed(field: &str) -> bool {
    is_day(field)
        || matches!(
            field,
            "currency"
                | "buyer_email"
                | "email"
                | "phone"
                | "po_number"
                | "invoice_number"
                | "delivery_note_number"
                | "rfq_number"
                | "account_no"
                | "supplier_no"
                | "quote_ref"
                | "revision"
                | "payment_reference"
                | "rma_number"
                | "tax_id"
                | "requested_credit_limit"
                | "annual_revenue"
                | "employees"
                | "year_established"
        )
}

/// The value of these words if they fit the field: normalised, the words used, and how well they fit.
pub(crate) fn accept(field: &str, words: &[Word], reading: &Reading) -> Option<(String, Vec<Word>, f32)> {
    let trimmed: Vec<Word> = words
        .iter()
        .skip_while(|w| {
            !w.text.chars().any(|c| c.is_alphanumeric() || matches!(c, '€' | '$' | '£' | '+' | '('))
        })
        .cloned()
        .collect();
    let text = join(&trimmed);
    if text.is_empty() || trimmed.iter().all(|w| matches!(w.text.as_str(), "☐" | "☒")) {
        return None;
    }
    if is_day(field) {
        // `Tag 03.04.2026`: not any day of a week or month
        let day = trimmed.first().is_some_and(|w| matches!(w.text.as_str(), "Tag" | "Day" | "Dag" | "Jour"));
        let trimmed = trimmed.get(usize::from(day)..).unwrap_or_default();
        let read = parse_date(&join(trimmed), reading.order)?;
        let used: Vec<Word> = trimmed.iter().take(read.words).cloned().collect();
        return Some((read.iso, used, 1.0));
    }
    match field {
        "currency" => {
            trimmed.iter().find_map(|w| parse_currency(&w.text).map(|c| (c.to_owned(), vec![w.clone()], 1.0)))
        }
        "buyer_email" | "email" => email(&trimmed).map(|(t, w)| (t, w, 1.0)),
        "website" => (text.contains('.') && !text.contains('@') && trimmed.len() <= 2)
            .then(|| (text.replace(' ', ""), trimmed.clone(), 1.0)),
        "phone" => {
            let digits = text.chars().filter(char::is_ascii_digit).count();
            let fits = (6..=16).contains(&digits)
                && text.chars().all(|c| c.is_ascii_digit() || c.is_whitespace() || "+()-/.–xext".contains(c));
            fits.then(|| (text.clone(), trimmed.clone(), 1.0))
        }
        "requested_credit_limit" | "annual_revenue" => {
            let number = parse_number(&text, reading.style)
                .or_else(|| trimmed.iter().find_map(|w| parse_number(&w.text, reading.style)))?;
            Some((number.to_string(), trimmed.clone(), 1.0))
        }
        "employees" | "year_established" => {
            let number: String = text.chars().filter(char::is_ascii_digit).collect();
            (!number.is_empty() && number.len() <= 7 && trimmed.len() <= 3)
                .then(|| (number, trimmed.clone(), 1.0))
        }
        "tax_id" | "bank_account" => (text.chars().filter(char::is_ascii_digit).count() >= 4
            && text.len() <= 45)
            .then(|| (text.clone(), trimmed.clone(), 1.0)),
        "po_number"
        | "invoice_number"
        | "delivery_note_number"
        | "rfq_number"
        | "account_no"
        | "supplier_no"
        | "quote_ref"
        | "revision"
        | "payment_reference"
        | "rma_number" => code(field, &trimmed),
        "return_reason" | "resolution" | "entity_type" | "tax_exempt" | "industry" => None,
        "bill_to" | "ship_to" | "address" => {
            (text.chars().any(|c| c.is_ascii_digit())).then(|| (join_rows(&trimmed), trimmed.clone(), 0.95))
        }
        "buyer_contact" | "contact_name" | "signatory_name" | "ap_contact" => {
            let name: Vec<Word> = trimmed
                .iter()
                .take_while(|w| !w.text.contains('@') && !w.text.starts_with(['/', ',', '(', '|']))
                .cloned()
                .collect();
            let name_text = join(&name).trim_end_matches([',', ';']).to_owned();
            let fits = (1..=5).contains(&name.len())
                && parse_currency(&name_text).is_none()
                && !name_text.chars().any(|c| c.is_ascii_digit() || matches!(c, ':' | '#'));
            let label_words = name.iter().any(|w| {
                label_at(std::iter::once(w.text.as_str())).is_some_and(|l| !l.forgiven && !l.has(&["filler"]))
            });
            let quality = if name.len() >= 2 { 1.0 } else { 0.6 } * if label_words { 0.5 } else { 1.0 };
            fits.then(|| (name_text, name.clone(), quality))
        }
        _ => {
            let letters = text.chars().filter(|c| c.is_alphabetic()).count();
            if field == "incoterms"
                && trimmed.iter().filter(|w| w.text.chars().any(char::is_alphabetic)).all(|w| {
                    label_at(std::iter::once(w.text.as_str())).is_some_and(|l| !l.has(&["incoterm"]))
                })
            {
                return None;
            }
            // `See FOB`: the value stands elsewhere
            let elsewhere = trimmed.first().is_some_and(|w| {
                matches!(fold_word(&w.text).as_str(), "see" | "siehe" | "voir" | "cf" | "s" | "se")
            });
            if elsewhere {
                return None;
            }
            let quality = if text.contains(": ") || text.ends_with(':') { 0.5 } else { 0.97 };
            (letters >= 2 && text.len() <= 140).then(|| (text.clone(), trimmed.clone(), quality))
        }
    }
}

/// The words of an address as one line, its rows apart by commas.
fn join_rows(words: &[Word]) -> String {
    let mut text = String::new();
    for (at, word) in words.iter().enumerate() {
        let below = at
            .checked_sub(1)
            .and_then(|i| words.get(i))
            .is_some_and(|w| word.y0 > w.y0 + 0.6 * (w.y1 - w.y0));
        if below {
            text.truncate(text.trim_end_matches([',', ' ']).len());
            text.push(',');
        }
        if at > 0 {
            text.push(' ');
        }
        text.push_str(&word.text);
    }
    text
}

/// A number or code: the words from the start that hold digits.
pub(super) fn code(field: &str, words: &[Word]) -> Option<(String, Vec<Word>, f32)> {
    let start = words.iter().position(|w| w.text.chars().any(|c| c.is_ascii_digit()))?;
    let led = words.first().is_some_and(|w| {
        let bare = w.text.trim_matches(|c: char| !c.is_alphanumeric());
        bare.len() <= 3 && bare.chars().all(char::is_uppercase)
            || label_at(std::iter::once(w.text.as_str())).is_some_and(|l| l.any(&["number"]))
    });
    if start > 1 || start == 1 && !led {
        return None;
    }
    let mut used: Vec<Word> = words
        .iter()
        .skip(start)
        .take_while(|w| w.text.chars().any(|c| c.is_ascii_digit()) || w.text == "-")
        .take(3)
        .cloned()
        .collect();
    if start == 1
        && words.first().is_some_and(|w| w.text.len() <= 3 && w.text.chars().all(char::is_uppercase))
    {
        used.insert(0, words.first()?.clone());
    }
    let text = join(&used);
    let text = text.trim_matches(|c: char| !c.is_alphanumeric()).to_owned();
    let date = parse_date(&text, Order::DayFirst).is_some() && (text.matches(['/', '.', '-']).count() == 2);
    let small = field != "revision" && text.len() < 3;
    if date || small || is_postcode(&used) || text.len() > 32 || (split_currency(&text).1.is_some()) {
        return None;
    }
    let quality = if words.len() <= used.len() + 1 { 1.0 } else { 0.75 };
    Some((text, used, quality))
}

/// `SY1 2DX`, `K1A 0B1`: letters and digits of an address.
fn is_postcode(words: &[Word]) -> bool {
    let [first, second] = words else { return false };
    matches!(shape(&first.text).as_str(), "A9" | "A99" | "AA9" | "AA99" | "A9A" | "AA9A")
        && matches!(shape(&second.text).as_str(), "9AA" | "9A9")
}

/// A mail address; OCR may have put blanks into it, or read its `@` as `&`.
pub fn email(words: &[Word]) -> Option<(String, Vec<Word>)> {
    if words.iter().any(|w| w.text.contains('@')) {
        return whole_email(words).or_else(|| torn_email(words));
    }
    let mut read = words.to_vec();
    let address = read.iter_mut().find(|w| {
        let signs = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, '.' | '-' | '_');
        w.text.split_once('&').is_some_and(|(local, domain)| {
            local.len() >= 3 && domain.contains('.') && local.chars().all(signs) && domain.chars().all(signs)
        })
    })?;
    address.text = address.text.replace('&', "@");
    whole_email(&read)
}

fn whole_email(words: &[Word]) -> Option<(String, Vec<Word>)> {
    let at = words.iter().position(|w| w.text.contains('@'))?;
    let word = words.get(at)?;
    let text = word.text.trim_matches(|c: char| !c.is_alphanumeric()).to_lowercase();
    let (local, domain) = text.split_once('@')?;
    let good = !local.is_empty() && domain.contains('.') && domain.len() >= 4 && !domain.contains('@');
    if good {
        // `tom. hughes@oakridge.example`
        let before = at.checked_sub(1).and_then(|i| words.get(i)).filter(|w| {
            w.text
                .strip_suffix('.')
                .is_some_and(|t| t.len() >= 2 && t.chars().all(|c| c.is_ascii_lowercase()))
        });
        return Some(match before {
            Some(before) => (format!("{}{text}", before.text), vec![before.clone(), word.clone()]),
            None => (text.clone(), vec![word.clone()]),
        });
    }
    let joined = words.get(at..(at + 2).min(words.len()))?;
    let text = joined.iter().map(|w| w.text.as_str()).collect::<String>().to_lowercase();
    text.split_once('@')
        .is_some_and(|(l, d)| !l.is_empty() && d.contains('.'))
        .then(|| (text, joined.to_vec()))
}

/// `priya.mercer @penrose.example`: the parts of an address on both sides of a blank.
fn torn_email(words: &[Word]) -> Option<(String, Vec<Word>)> {
    let at = words.iter().position(|w| w.text.starts_with('@'))?;
    let parts = words.get(at.checked_sub(1)?..(at + 2).min(words.len()))?;
    (2..=parts.len()).find_map(|n| {
        let part = parts.get(..n)?;
        let text = part.iter().map(|w| w.text.as_str()).collect::<String>().to_lowercase();
        let (local, domain) = text.split_once('@')?;
        let signs = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_' | '+');
        let good =
            !local.is_empty() && domain.len() >= 4 && domain.contains('.') && !domain.ends_with(['.', '-']);
        (good && local.chars().all(signs) && domain.chars().all(signs)).then(|| (text.clone(), part.to_vec()))
    })
}
