//! Dates and terms of an order, and what forms must bring.

use super::account::{fold, squeeze};
use crate::model::{
    account::{Account, Known},
    draft::{Content, Draft, Kind},
    finding::{Finding, Severity},
};

/// Goods that are wanted before they were ordered, and terms that are not those on file.
pub fn check_order(draft: &Draft, account: Option<&Account>) -> Vec<Finding> {
    let mut findings = Vec::new();
    if let (Some(ordered), Some(wanted)) = (draft.text("order_date"), draft.text("requested_date"))
        && is_day(ordered)
        && is_day(wanted)
        && wanted < ordered
    {
        let message = format!(
            "The goods are wanted on {wanted}, before the order of {ordered}: ask which date is right."
        );
        findings
            .push(Finding::new("requested_before_order", Severity::Check, message).about("requested_date"));
    }
    if let (Some(said), Some(account)) = (draft.text("payment_terms"), account)
        && let (Some(days), Some(agreed)) = (days_of(said), days_of(&account.payment_terms))
        && days != agreed
    {
        let message = format!(
            "The order says {said}, agreed with {} is {}: confirm at the agreed terms.",
            account.name, account.payment_terms
        );
        findings.push(Finding::new("payment_terms_differ", Severity::Check, message).about("payment_terms"));
    }
    findings
}

/// Signature, bank account, and whether an applicant is a customer already.
pub fn check_form(draft: &Draft, known: &Known) -> Vec<Finding> {
    let mut findings = Vec::new();
    let signed = draft.fields.get("signature_present").map(|p| &p.value);
    if signed == Some(&Content::Flag(false)) {
        let message = "The form is not signed: ask for a signed one.";
        findings.push(Finding::new("missing_signature", Severity::Check, message).about("signature_present"));
    }
    if let Some(number) = draft.text("bank_account")
        && is_iban(number) == Some(false)
    {
        let message = format!("The check digits of the IBAN {number} are wrong: ask for the right one.");
        findings.push(Finding::new("iban_invalid", Severity::Problem, message).about("bank_account"));
    }
    if matches!(draft.kind, Kind::CreditApplication | Kind::AccountApplication)
        && let Some(account) = applicant(draft, known)
    {
        let message = format!(
            "The applicant looks like {} {}, who is on file: is this a new account at all?",
            account.account_no, account.name
        );
        findings.push(Finding::new("account_on_file", Severity::Check, message).about("legal_name"));
    }
    findings
}

fn applicant<'a>(draft: &Draft, known: &'a Known) -> Option<&'a Account> {
    let tax = draft.text("tax_id").map(squeeze).filter(|tax| tax.len() >= 6);
    let name = draft.text("legal_name").map(fold).filter(|name| !name.is_empty());
    known.accounts.iter().find(|account| {
        let names = std::iter::once(&account.name).chain(&account.aliases);
        tax.as_ref().is_some_and(|tax| squeeze(&account.tax_id) == *tax)
            || name.as_ref().is_some_and(|name| names.into_iter().any(|known| fold(known) == *name))
    })
}

/// A whole date in ISO form, so that texts compare as days do.
fn is_day(text: &str) -> bool {
    text.len() == 10
        && text
            .chars()
            .enumerate()
            .all(|(at, c)| if matches!(at, 4 | 7) { c == '-' } else { c.is_ascii_digit() })
}

/// The only number of days in terms of payment: `net 30`, `30 Tage netto`; none if there are several.
fn days_of(terms: &str) -> Option<u32> {
    let folded = fold(terms);
    let mut numbers = folded
        .split(|c: char| !c.is_ascii_digit())
        .filter(|part| (1..=3).contains(&part.len()))
        .filter_map(|part| part.parse().ok());
    let first = numbers.next()?;
    numbers.next().is_none().then_some(first)
}

/// Whether the check digits of an IBAN are right (ISO 13616, modulo 97); none if it is no IBAN.
fn is_iban(text: &str) -> Option<bool> {
    let plain: String =
        text.chars().filter(char::is_ascii_alphanumeric).map(|c| c.to_ascii_uppercase()).collect();
    let (country, rest) = plain.split_at_checked(2)?;
    let (check, account) = rest.split_at_checked(2)?;
    let shaped = country.chars().all(|c| c.is_ascii_uppercase())
        && check.chars().all(|c| c.is_ascii_digit())
        && (15..=34).contains(&plain.len());
    if !shaped {
        return None;
    }
    let turned = account.chars().chain(country.chars()).chain(check.chars());
    let rest = turned.fold(0_u32, |rest, c| {
        let value = c.to_digit(36).unwrap_or(0);
        (rest * if value >= 10 { 100 } else { 10 } + value) % 97
    });
    Some(rest == 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ibans_are_proved_by_their_check_digits() {
        for (text, expected) in [
            ("DE89 3704 0044 0532 0130 00", Some(true)),
            ("GB82WEST12345698765432", Some(true)),
            ("DE89 3704 0044 0532 0130 01", Some(false)),
            ("4079736864", None),
            ("", None),
        ] {
            assert_eq!(is_iban(text), expected, "{text}");
        }
    }

    #[test]
    fn terms_differ_by_their_days() {
        for (terms, days) in
            [("Net 30", Some(30)), ("30 Tage netto", Some(30)), ("2/10 net 30", None), ("prepaid", None)]
        {
            assert_eq!(days_of(terms), days, "{terms}");
        }
    }
}
