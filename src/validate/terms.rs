//! Dates and terms of an order, and what forms must bring.

use super::{check_digit, sums::money};
use crate::model::{
    account::{Account, Known},
    draft::{Content, Draft, Kind},
    finding::{Finding, Severity},
    text::{fold, squeeze},
};
use jiff::{ToSpan as _, civil::Date};
use rust_decimal::Decimal;
use std::collections::BTreeMap;

/// Days of one order that something is said about.
const DAYS_TOLD_MAX: usize = 5;

/// Days on which nothing can be delivered, terms that are not those on file, and sums above what was agreed.
pub fn check_order(draft: &Draft, known: &Known, account: Option<&Account>) -> Vec<Finding> {
    let mut findings = check_days(draft, known);
    findings.extend(check_order_date(draft, known));
    if let Some(account) = account
        && let Some(limit) = account.credit_limit
        && draft.text("currency").is_none_or(|currency| currency == account.currency)
        && let Some(total) = draft.text("total").and_then(|total| total.parse::<Decimal>().ok())
        && total > limit
    {
        let message = format!(
            "The order comes to {}, the limit of {} is {} {}: ask for payment in advance, or have it allowed.",
            money(total, draft),
            account.name,
            money(limit, draft),
            account.currency
        );
        findings.push(Finding::new("over_credit_limit", Severity::Check, message).about("total"));
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

/// Days after its date within which an order comes; what is older is a copy, or was misread.
const ORDER_AGE_MAX: i64 = 366;

/// An order date that the day on which the order came speaks against. Clocks differ by a day at most.
fn check_order_date(draft: &Draft, known: &Known) -> Option<Finding> {
    let ordered: Date = draft.text("order_date")?.parse().ok()?;
    let arrived = known.arrived?;
    if (arrived.saturating_sub(ORDER_AGE_MAX.days())..=arrived.saturating_add(1.day())).contains(&ordered) {
        return None;
    }
    let message = format!(
        "The order is dated {ordered}, but came on {arrived}: look whether its date was read right, or ask."
    );
    Some(Finding::new("order_date_unlikely", Severity::Check, message).about("order_date"))
}

/// Each day on which goods are wanted, with the path of the first value that names it.
fn wanted_days(draft: &Draft) -> BTreeMap<Date, String> {
    let of_lines = draft.lines.iter().enumerate().filter_map(|(index, line)| {
        Some((line.get("delivery_date")?.value.as_text()?, format!("lines.{index}.delivery_date")))
    });
    let mut days = BTreeMap::new();
    for (text, path) in draft
        .text("requested_date")
        .map(|text| (text, "requested_date".to_owned()))
        .into_iter()
        .chain(of_lines)
    {
        if let Ok(day) = text.parse() {
            days.entry(day).or_insert(path);
        }
    }
    days
}

/// Days before the order, days that had passed, and days on which nobody works.
fn check_days(draft: &Draft, known: &Known) -> Vec<Finding> {
    let ordered: Option<Date> = draft.text("order_date").and_then(|text| text.parse().ok());
    let check_one = |(wanted, path): (Date, String)| {
        let (code, severity, message) = if let Some(ordered) = ordered.filter(|ordered| wanted < *ordered) {
            let message = format!(
                "The goods are wanted on {wanted}, before the order of {ordered}: ask which date is right."
            );
            ("requested_before_order", Severity::Check, message)
        } else if let Some(arrived) = known.arrived.filter(|arrived| wanted < *arrived) {
            let message = format!(
                "The goods are wanted on {wanted}, which had passed when the order came on {arrived}: agree on a day."
            );
            ("requested_in_past", Severity::Check, message)
        } else if !known.calendar.is_open(wanted) {
            let next = known.calendar.next_open(wanted);
            let message = format!(
                "The goods are wanted on {wanted}, when nothing is delivered: {next} is the next day on which something is."
            );
            ("requested_on_closed_day", Severity::Note, message)
        } else {
            return None;
        };
        Some(Finding::new(code, severity, message).about(path))
    };
    wanted_days(draft).into_iter().filter_map(check_one).take(DAYS_TOLD_MAX).collect()
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
        && check_digit::is_iban(number) == Some(false)
    {
        let message = format!("The check digits of the IBAN {number} are wrong: ask for the right one.");
        findings.push(Finding::new("iban_invalid", Severity::Problem, message).about("bank_account"));
    }
    if let Some(number) = draft.text("tax_id")
        && check_digit::is_vat_number(number) == Some(false)
    {
        let message = format!(
            "The check digits of the tax number {number} are wrong: look whether it was read right, or ask."
        );
        findings.push(Finding::new("tax_id_invalid", Severity::Check, message).about("tax_id"));
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn terms_differ_by_their_days() {
        for (terms, days) in
            [("Net 30", Some(30)), ("30 Tage netto", Some(30)), ("2/10 net 30", None), ("prepaid", None)]
        {
            assert_eq!(days_of(terms), days, "{terms}");
        }
    }
}
