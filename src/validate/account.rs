//! Which customer on file a draft is from: by account number, tax number, mail domain, then name and postcode.
//!
//! Does not: decide between two customers that fit equally well; then there is no match.

pub(crate) use crate::model::text::{fold, squeeze};

use crate::model::{
    account::{Account, Known},
    draft::Draft,
    finding::{Finding, Severity},
};

/// A customer on file and why it is the one.
#[derive(Clone, Debug, PartialEq)]
pub struct Matched {
    /// Place in [`Known::accounts`].
    pub index: usize,
    /// The rule with its evidence, for people.
    pub reason: String,
    /// Probability that it is right.
    pub confidence: f32,
}

/// The customer that the draft is from, if exactly one fits. `sender` is a mail address or its domain.
pub fn match_account(draft: &Draft, known: &Known, sender: Option<&str>) -> Option<Matched> {
    let accounts = &known.accounts;
    if let Some(number) = draft.text("account_no") {
        let wanted = squeeze(number);
        let hit = only(accounts, |a| !wanted.is_empty() && squeeze(&a.account_no) == wanted);
        if let Some(index) = hit {
            return Some(Matched { index, reason: format!("account number {number}"), confidence: 0.98 });
        }
    }
    if let Some(tax) = draft.text("tax_id") {
        let wanted = squeeze(tax);
        let hit = only(accounts, |a| wanted.len() >= 6 && squeeze(&a.tax_id) == wanted);
        if let Some(index) = hit {
            return Some(Matched { index, reason: format!("tax number {tax}"), confidence: 0.98 });
        }
    }
    let mails = [draft.text("buyer_email"), draft.text("email"), sender];
    for mail in mails.into_iter().flatten() {
        let domain = mail.rsplit('@').next().unwrap_or(mail).to_lowercase();
        let hit = only(accounts, |a| !domain.is_empty() && a.email_domain.eq_ignore_ascii_case(&domain));
        if let Some(index) = hit {
            return Some(Matched { index, reason: format!("mail domain {domain}"), confidence: 0.95 });
        }
    }
    by_name(draft, accounts)
}

fn by_name(draft: &Draft, accounts: &[Account]) -> Option<Matched> {
    let name = ["buyer_name", "customer_name", "legal_name"].iter().find_map(|field| draft.text(field))?;
    let wanted = fold(name);
    let place = [draft.text("bill_to"), draft.text("ship_to"), draft.text("address")];
    let mut best: Vec<(f64, usize)> = accounts
        .iter()
        .enumerate()
        .map(|(index, a)| {
            let names = std::iter::once(&a.name).chain(&a.aliases);
            let alike = names.map(|n| strsim_ratio(&fold(n), &wanted)).fold(0.0, f64::max);
            let near = place.iter().flatten().any(|p| shares_postcode(p, a));
            (alike + if near { 0.1 } else { 0.0 }, index)
        })
        .filter(|(score, _)| *score >= 0.9)
        .collect();
    best.sort_by(|a, b| b.0.total_cmp(&a.0));
    let (score, index) = *best.first()?;
    if best.get(1).is_some_and(|(second, _)| score - second < 0.04) {
        return None;
    }
    let account = accounts.get(index)?;
    let confidence = (score.min(1.0) as f32 * 0.95).min(0.95);
    Some(Matched { index, reason: format!("name {name} is {}", account.name), confidence })
}

/// Likeness of two texts, 0 to 1 (longest common subsequence over characters).
pub(crate) fn strsim_ratio(a: &str, b: &str) -> f64 {
    let (a, b): (Vec<char>, Vec<char>) = (a.chars().take(300).collect(), b.chars().take(300).collect());
    if a.is_empty() || b.is_empty() {
        return 0.0;
    }
    let mut row = vec![0usize; b.len() + 1];
    for x in &a {
        let mut diagonal = 0;
        for (j, y) in b.iter().enumerate() {
            let left = row.get(j).copied().unwrap_or(0);
            if let Some(cell) = row.get_mut(j + 1) {
                let above = *cell;
                *cell = if x == y { diagonal + 1 } else { above.max(left) };
                diagonal = above;
            }
        }
    }
    2.0 * row.last().copied().unwrap_or(0) as f64 / (a.len() + b.len()) as f64
}

fn shares_postcode(place: &str, account: &Account) -> bool {
    let digits = |text: &str| -> Vec<String> {
        text.split(|c: char| !c.is_alphanumeric())
            .filter(|t| t.len() >= 4 && t.chars().any(|c| c.is_ascii_digit()))
            .map(str::to_lowercase)
            .collect()
    };
    let own = digits(&account.bill_to);
    let more: Vec<String> = account.ship_to.iter().flat_map(|s| digits(s)).collect();
    digits(place).iter().any(|d| own.contains(d) || more.contains(d))
}

fn only(accounts: &[Account], fits: impl Fn(&Account) -> bool) -> Option<usize> {
    let mut hits = accounts.iter().enumerate().filter(|(_, a)| fits(a));
    let first = hits.next()?.0;
    hits.next().is_none().then_some(first)
}

/// Likeness from which an address is taken for one on file.
const ADDRESS_ALIKE: f64 = 0.85;

/// Customer, currency and delivery address against the account.
pub fn check(draft: &Draft, account: Option<&Account>) -> Vec<Finding> {
    let mut findings = Vec::new();
    let Some(account) = account else {
        let name = draft.text("buyer_name").unwrap_or("the buyer");
        let message = format!("No customer on file fits {name}: choose the account, or open one.");
        findings.push(Finding::new("unknown_customer", Severity::Problem, message).about("buyer_name"));
        return findings;
    };
    if let Some(currency) = draft.text("currency")
        && !account.currency.is_empty()
        && currency != account.currency
    {
        let message = format!(
            "The order is in {currency}, but {} is kept in {}: agree on the currency before confirming.",
            account.name, account.currency
        );
        findings
            .push(Finding::new("currency_differs_from_account", Severity::Check, message).about("currency"));
    }
    if let Some(place) = draft.text("ship_to")
        && !on_file(place, account)
    {
        let message = format!(
            "{place} is not a delivery address of {}: confirm it with the customer, or add it.",
            account.name
        );
        findings.push(Finding::new("ship_to_not_on_file", Severity::Check, message).about("ship_to"));
    }
    findings
}

/// Whether an address on file has the same numbers (house, postcode) and much the same words.
fn on_file(place: &str, account: &Account) -> bool {
    let numbers = |text: &str| -> Vec<String> {
        fold(text).split(' ').filter(|t| t.chars().any(|c| c.is_ascii_digit())).map(str::to_owned).collect()
    };
    let (have, place) = (numbers(place), fold(place));
    account.ship_to.iter().chain([&account.bill_to]).any(|known| {
        let wanted = numbers(known);
        let shared = wanted.iter().filter(|n| have.contains(n)).count();
        let words = fold(known);
        shared == wanted.len() && !wanted.is_empty() || strsim_ratio(&words, &place) >= ADDRESS_ALIKE
    })
}
