//! What the fields of a customer may hold, whether they come from a form, a file or a program.
//!
//! A `Problem` is never kept; a `Note` is a likely slip that a person may know better.

use super::check_digit::is_vat_number;
use crate::model::{
    account::Account,
    codes,
    finding::{Finding, Severity},
};
use rust_decimal::Decimal;

/// Longest name of a host (RFC 1035, section 2.3.4), in bytes.
const DOMAIN_BYTES_MAX: usize = 253;
/// Longest part of it, in bytes.
const LABEL_BYTES_MAX: usize = 63;

/// Codes in the letters in which they are kept.
pub fn tidy(account: &mut Account) {
    account.country = account.country.to_uppercase();
    account.currency = account.currency.to_uppercase();
    account.language = account.language.to_lowercase();
    account.email_domain = account.email_domain.to_lowercase();
}

/// What is wrong with the fields of a customer, each finding about its field.
pub fn check(account: &Account) -> Vec<Finding> {
    let mut findings = Vec::new();
    let mut wrong = |field: &str, message: String| {
        findings.push(Finding::new("bad_field", Severity::Problem, message).about(field));
    };
    if account.name.is_empty() {
        wrong("name", "A customer needs a name.".to_owned());
    }
    let Account { country, currency, language, email_domain, tax_id, .. } = account;
    if !country.is_empty() && !codes::is_country(country) {
        wrong(
            "country",
            format!("\"{country}\" is not the code of a country: write two letters, such as SE (ISO 3166)."),
        );
    }
    if !language.is_empty() && !codes::is_language(language) {
        wrong(
            "language",
            format!("\"{language}\" is not the code of a language: write two letters, such as sv (ISO 639)."),
        );
    }
    if !currency.is_empty() && !codes::is_currency(currency) {
        wrong(
            "currency",
            format!(
                "\"{currency}\" is not the code of a currency: write three letters, such as SEK (ISO 4217)."
            ),
        );
    }
    if !email_domain.is_empty() && !is_domain(email_domain) {
        wrong(
            "email_domain",
            format!(
                "\"{email_domain}\" is not a mail domain: write what follows the @, such as brook.example."
            ),
        );
    }
    if account.credit_limit.is_some_and(|limit| limit < Decimal::ZERO) {
        wrong("credit_limit", "A credit limit is 0 or more; leave it empty where there is none.".to_owned());
    }
    if is_vat_number(tax_id) == Some(false) {
        let message = format!("The check digits of \"{tax_id}\" are wrong: look for a slip.");
        findings.push(Finding::new("tax_id", Severity::Note, message).about("tax_id"));
    }
    findings
}

/// What is said of a text that should be a number.
pub fn no_number(text: &str) -> Finding {
    let message = format!("\"{text}\" is not a number: write it in figures.");
    Finding::new("bad_number", Severity::Problem, message)
}

/// What is said of a customer without a number.
pub fn no_account_no() -> Finding {
    Finding::new("missing_key", Severity::Problem, "A customer needs a number of its own.")
        .about("account_no")
}

/// What is said of a number that is another customer's.
pub fn taken(account_no: &str) -> Finding {
    let message = format!("\"{account_no}\" is another customer's number: choose one that is free.");
    Finding::new("account_taken", Severity::Problem, message).about("account_no")
}

/// Whether mail can have such a domain; letters of all languages may stand in it.
fn is_domain(text: &str) -> bool {
    let label = |label: &str| {
        (1..=LABEL_BYTES_MAX).contains(&label.len())
            && !label.starts_with('-')
            && !label.ends_with('-')
            && label.chars().all(|c| c.is_alphanumeric() || c == '-')
    };
    text.len() <= DOMAIN_BYTES_MAX
        && text.split('.').all(label)
        && text.rsplit_once('.').is_some_and(|(_, last)| !last.chars().all(|c| c.is_ascii_digit()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_field_is_checked_at_once() {
        let good = Account {
            name: "Brook".into(),
            country: "SE".into(),
            language: "sv".into(),
            currency: "SEK".into(),
            email_domain: "mail.brook-1.example".into(),
            tax_id: "42-7719035".into(),
            credit_limit: Some(Decimal::ZERO),
            ..Account::default()
        };
        assert_eq!(check(&good), []);
        assert_eq!(check(&Account { name: "Brook".into(), ..Account::default() }), []);
        let bad = Account {
            country: "Sverige".into(),
            language: "swedish".into(),
            currency: "kr".into(),
            email_domain: "ann@brook.example".into(),
            tax_id: "DE123456780".into(),
            credit_limit: Some(Decimal::NEGATIVE_ONE),
            ..Account::default()
        };
        let fields: Vec<_> = check(&bad).iter().map(|finding| finding.field.clone().unwrap()).collect();
        assert_eq!(
            fields,
            ["name", "country", "language", "currency", "email_domain", "credit_limit", "tax_id"]
        );
        for domain in ["brook", "brook.", ".example", "a b.example", "-a.example", "10.0.0.1", "a..example"] {
            assert!(!is_domain(domain), "{domain}");
        }
        assert!(is_domain("bücher.example"));
    }

    #[test]
    fn codes_are_kept_in_their_letters() {
        let mut account = Account {
            country: "se".into(),
            currency: "sek".into(),
            language: "SV".into(),
            ..Account::default()
        };
        tidy(&mut account);
        assert_eq!((&*account.country, &*account.currency, &*account.language), ("SE", "SEK", "sv"));
    }
}
