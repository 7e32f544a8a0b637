//! What is done about customers and goods: import with a plan of what would change, edits, and merges.
//!
//! The command line and the pages go the same way: bytes of a CSV file into a [`Plan`], and, if somebody wants that, the plan
//! into rows with a line in the log. Does not: change what was decided; drafts, records and tickets keep their account.

use super::decision::entry;
use crate::{
    app::App,
    blob, clock,
    model::{
        account::{Account, AccountRow, CatalogueItem},
        finding::{Finding, Severity},
        ids::AccountId,
        text::{fold, squeeze},
    },
    screen::free_mail,
    store::{Db, account::MergeRow},
    validate::{
        customer,
        master_data::{Loaded, account_cells, item_cells, load_accounts, load_catalogue},
    },
};
use anyhow::Context as _;
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

/// Pairs of possible duplicates looked for at most.
const DUPLICATES_MAX: usize = 200;

/// A cell that would change.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct Cell {
    /// Column.
    pub name: String,
    /// What stands there.
    pub before: String,
    /// What would stand there.
    pub after: String,
}

/// A row that would change.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct Changed {
    /// Account number or item number.
    pub key: String,
    /// Its cells that differ.
    pub cells: Vec<Cell>,
}

/// What an import would do.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Plan {
    /// Keys of new rows.
    pub added: Vec<String>,
    /// Rows that differ.
    pub changed: Vec<Changed>,
    /// Keys of rows that would go.
    pub removed: Vec<String>,
    /// Rows that stay as they are.
    pub same: usize,
    /// What could not be used.
    pub findings: Vec<Finding>,
    /// Columns that the file does not have: what is kept of them stays.
    pub absent: Vec<&'static str>,
    /// Columns of the file that nobody reads.
    pub unread: Vec<String>,
}

impl Plan {
    /// How many rows lose what stands in a column, by column.
    pub fn emptied(&self) -> BTreeMap<&str, usize> {
        let mut emptied = BTreeMap::new();
        for cell in self.changed.iter().flat_map(|row| &row.cells).filter(|cell| cell.after.is_empty()) {
            *emptied.entry(cell.name.as_str()).or_default() += 1;
        }
        emptied
    }

    /// Whether there is nothing to do.
    pub fn is_empty(&self) -> bool {
        self.added.is_empty() && self.changed.is_empty() && self.removed.is_empty()
    }

    fn summary(&self, sha256: &str) -> String {
        serde_json::json!({
            "added": self.added.len(), "changed": self.changed.len(), "removed": self.removed.len(),
            "same": self.same, "left_out": self.findings.len(), "sha256": sha256,
        })
        .to_string()
    }
}

/// The cells that differ between two rows.
pub fn differences(before: &[(String, String)], after: &[(String, String)]) -> Vec<Cell> {
    let names: BTreeSet<&str> = before.iter().chain(after).map(|(name, _)| name.as_str()).collect();
    let cell = |row: &[(String, String)], name: &str| {
        row.iter().find(|(known, _)| known == name).map_or_else(String::new, |(_, cell)| cell.clone())
    };
    names
        .into_iter()
        .map(|name| Cell { name: name.to_owned(), before: cell(before, name), after: cell(after, name) })
        .filter(|cell| cell.before != cell.after)
        .collect()
}

type Row = Vec<(String, String)>;

fn key(row: &[(String, String)]) -> &str {
    row.first().map_or("", |(_, key)| key)
}

/// Compares rows by their first cell. `replaces` says whether what is missing in `after` goes.
fn compare(before: Vec<Row>, after: Vec<Row>, replaces: bool) -> Plan {
    let mut plan = Plan::default();
    let mut known: BTreeMap<String, Row> =
        before.into_iter().map(|row| (key(&row).to_owned(), row)).collect();
    for row in after {
        match known.remove(key(&row)) {
            None => plan.added.push(key(&row).to_owned()),
            Some(old) => {
                let cells = differences(&old, &row);
                if cells.is_empty() {
                    plan.same += 1;
                } else {
                    plan.changed.push(Changed { key: key(&row).to_owned(), cells });
                }
            }
        }
    }
    if replaces {
        plan.removed = known.into_keys().collect();
    }
    plan
}

/// What a CSV file means for the customers, and the customers that would be added or change.
pub async fn plan_accounts(db: &mut Db, csv: &[u8]) -> anyhow::Result<(Plan, Vec<Account>)> {
    let before: Vec<Account> = db.list_all_accounts().await?.into_iter().map(|row| row.account).collect();
    let Loaded { rows: mut accounts, mut findings, absent, unread } = load_accounts(csv, &before);
    let merged: BTreeSet<String> =
        db.list_merged_accounts().await?.into_iter().map(|(_, account_no, _)| account_no).collect();
    accounts.retain(|account| {
        let stays = !merged.contains(&account.account_no);
        if !stays {
            let message = format!(
                "{} was merged into another customer; it is left out. Take the merge back to change it.",
                account.account_no
            );
            findings.push(Finding::new("merged_account", Severity::Check, message));
        }
        stays
    });
    let rows = accounts.iter().map(account_cells).collect();
    let plan = compare(before.iter().map(account_cells).collect(), rows, false);
    let added: HashSet<&str> = plan.added.iter().map(String::as_str).collect();
    let changed: HashMap<&str, &Changed> = plan.changed.iter().map(|row| (row.key.as_str(), row)).collect();
    accounts.retain(|account| {
        let number = account.account_no.as_str();
        added.contains(number) || changed.contains_key(number)
    });
    for account in &accounts {
        let row = changed.get(account.account_no.as_str());
        let is_new = |field: Option<&str>| {
            row.is_none_or(|row| row.cells.iter().any(|cell| Some(cell.name.as_str()) == field))
        };
        let slips = customer::check(account).into_iter().filter(|slip| slip.severity == Severity::Note);
        findings.extend(slips.filter(|slip| is_new(slip.field.as_deref())));
    }
    Ok((Plan { findings, absent, unread, ..plan }, accounts))
}

/// What a CSV file means for the catalogue, and the goods in it. The catalogue becomes exactly what the file says.
pub async fn plan_catalogue(db: &mut Db, csv: &[u8]) -> anyhow::Result<(Plan, Vec<CatalogueItem>)> {
    let before = db.list_all_catalogue_items().await?;
    let Loaded { rows: items, findings, absent, unread } = load_catalogue(csv, &before);
    let before = before.iter().map(item_cells).collect();
    // a file that cannot be read at all empties nothing
    let plan = compare(before, items.iter().map(item_cells).collect(), !items.is_empty());
    Ok((Plan { findings, absent, unread, ..plan }, items))
}

/// Loads customers: new ones are added, known ones brought up to date, others stay.
pub async fn import_accounts(app: &App, csv: &[u8], who: &str) -> anyhow::Result<Plan> {
    let sha256 = app.blob.put(csv).await.context("failed to keep the file")?;
    let mut tx = app.store.begin().await?;
    tx.lock_known().await?;
    let (plan, accounts) = plan_accounts(&mut tx, csv).await?;
    tx.save_accounts(&accounts, clock::now_ms()).await?;
    tx.audit(entry(who, "import_accounts", "account", "", plan.summary(&sha256)));
    tx.commit().await.context("failed to keep the accounts")?;
    Ok(plan)
}

/// Loads goods in place of those that were there.
pub async fn import_catalogue(app: &App, csv: &[u8], who: &str) -> anyhow::Result<Plan> {
    let sha256 = app.blob.put(csv).await.context("failed to keep the file")?;
    let mut tx = app.store.begin().await?;
    tx.lock_known().await?;
    let (plan, items) = plan_catalogue(&mut tx, csv).await?;
    if items.is_empty() {
        return Ok(plan);
    }
    tx.replace_catalogue(&items, clock::now_ms()).await?;
    tx.audit(entry(who, "import_catalogue", "catalogue", "", plan.summary(&sha256)));
    tx.commit().await.context("failed to keep the catalogue")?;
    Ok(plan)
}

/// Adds a customer. `None` if the number is taken.
pub async fn add_account(app: &App, account: &Account, who: &str) -> anyhow::Result<Option<AccountId>> {
    let mut tx = app.store.begin().await?;
    let Some(id) = tx.insert_account(account, clock::now_ms()).await? else { return Ok(None) };
    tx.audit(entry(who, "add_account", "account", id.as_str(), account.account_no.clone()));
    tx.commit().await.context("failed to add a customer")?;
    Ok(Some(id))
}

/// What became of a change of a customer.
#[derive(Debug)]
pub enum Edited {
    /// It is kept: which cells changed.
    Kept(Vec<Cell>),
    /// Somebody changed the customer since it was read; this is what is kept now.
    Changed(Box<Account>),
    /// Fields that cannot be kept.
    Wrong(Vec<Finding>),
}

/// A name for what is kept of a customer: another one as soon as anything changes.
pub fn fingerprint(account: &Account) -> String {
    blob::sha256_hex(&serde_json::to_vec(account).unwrap_or_default())
}

/// Changes a customer; its number stays. `seen` is the [`fingerprint`] of what the change was made to; none replaces
/// whatever is kept. A field that stays as it is may be wrong.
pub async fn edit_account(
    app: &App,
    id: &AccountId,
    edited: &Account,
    seen: Option<&str>,
    who: &str,
) -> anyhow::Result<Edited> {
    let mut tx = app.store.begin().await?;
    // two that change it at once stand in line here
    tx.lock_known().await?;
    let row = tx.find_account(id).await?.context("the customer is gone")?;
    if seen.is_some_and(|seen| seen != fingerprint(&row.account)) {
        return Ok(Edited::Changed(Box::new(row.account)));
    }
    let mut edited = Account { account_no: row.account.account_no.clone(), ..edited.clone() };
    customer::tidy(&mut edited);
    let cells = differences(&account_cells(&row.account), &account_cells(&edited));
    let mut wrong = customer::check(&edited);
    wrong.retain(|finding| {
        finding.severity == Severity::Problem
            && cells.iter().any(|cell| Some(&cell.name) == finding.field.as_ref())
    });
    if !wrong.is_empty() {
        return Ok(Edited::Wrong(wrong));
    }
    if cells.is_empty() {
        return Ok(Edited::Kept(cells));
    }
    tx.save_accounts(std::slice::from_ref(&edited), clock::now_ms()).await?;
    tx.audit(entry(who, "edit_account", "account", id.as_str(), serde_json::to_string(&cells)?));
    tx.commit().await.context("failed to change a customer")?;
    Ok(Edited::Kept(cells))
}

/// Notes something of a customer.
pub async fn note_account(app: &App, id: &AccountId, body: &str, who: &str) -> anyhow::Result<()> {
    let mut tx = app.store.begin().await?;
    tx.insert_account_note(id, body, who, clock::now_ms()).await?;
    tx.audit(entry(who, "note_account", "account", id.as_str(), String::new()));
    tx.commit().await.context("failed to keep a note")
}

/// What a customer knows after another was merged into it: what it lacks, and everything that there can be several of.
fn merged(kept: &Account, other: &Account) -> Account {
    let or = |own: &String, theirs: &String| if own.is_empty() { theirs.clone() } else { own.clone() };
    let both = |own: &[String], theirs: &[String]| {
        let mut all = own.to_vec();
        for item in theirs {
            if !item.is_empty() && !all.iter().any(|known| squeeze(known) == squeeze(item)) {
                all.push(item.clone());
            }
        }
        all
    };
    let mut aliases = both(&kept.aliases, &other.aliases);
    if squeeze(&other.name) != squeeze(&kept.name) {
        aliases = both(&aliases, std::slice::from_ref(&other.name));
    }
    let mut ship_to = both(&kept.ship_to, &other.ship_to);
    if squeeze(&other.bill_to) != squeeze(&kept.bill_to) {
        ship_to = both(&ship_to, std::slice::from_ref(&other.bill_to));
    }
    Account {
        account_no: kept.account_no.clone(),
        name: or(&kept.name, &other.name),
        aliases,
        country: or(&kept.country, &other.country),
        language: or(&kept.language, &other.language),
        currency: or(&kept.currency, &other.currency),
        payment_terms: or(&kept.payment_terms, &other.payment_terms),
        bill_to: or(&kept.bill_to, &other.bill_to),
        ship_to,
        email_domain: or(&kept.email_domain, &other.email_domain),
        contacts: both(&kept.contacts, &other.contacts),
        tax_id: or(&kept.tax_id, &other.tax_id),
        credit_limit: kept.credit_limit.or(other.credit_limit),
    }
}

/// Lets one customer stand for another. `false` if that would make a chain of merges, or either is gone.
pub async fn merge_accounts(
    app: &App,
    kept: &AccountId,
    other: &AccountId,
    who: &str,
) -> anyhow::Result<bool> {
    let mut tx = app.store.begin().await?;
    let (Some(kept), Some(other)) = (tx.find_account(kept).await?, tx.find_account(other).await?) else {
        return Ok(false);
    };
    let after = merged(&kept.account, &other.account);
    if kept.id == other.id || !tx.merge_accounts(&kept, &other, &after, who, clock::now_ms()).await? {
        return Ok(false);
    }
    let detail = format!("{} into {}", other.account.account_no, kept.account.account_no);
    tx.audit(entry(who, "merge_accounts", "account", kept.id.as_str(), detail));
    tx.commit().await.context("failed to merge two customers")?;
    Ok(true)
}

/// Takes a merge back. `None` if somebody did so already.
pub async fn undo_merge(app: &App, merge: &str, who: &str) -> anyhow::Result<Option<MergeRow>> {
    let mut tx = app.store.begin().await?;
    let Some(row) = tx.undo_merge(merge, who, clock::now_ms()).await? else { return Ok(None) };
    let detail = format!("{} out of {}", row.merged_no, row.kept_before.account_no);
    tx.audit(entry(who, "undo_merge", "account", row.kept_id.as_str(), detail));
    tx.commit().await.context("failed to take a merge back")?;
    Ok(Some(row))
}

/// Two customers that may be one, and what they share.
#[derive(Clone, Debug, PartialEq)]
pub struct Duplicate<'a> {
    /// The one.
    pub one: &'a AccountRow,
    /// The other.
    pub other: &'a AccountRow,
    /// Stable name of what they share: `tax_id`, `name`, `email_domain`.
    pub shared: &'static str,
}

/// Stable name of what customers may share, and what a customer has of it.
type Trait = (&'static str, fn(&Account) -> Vec<String>);

/// Customers that may be one: by tax number, name, or mail domain.
pub fn duplicates(accounts: &[AccountRow]) -> Vec<Duplicate<'_>> {
    let mut found = Vec::new();
    let mut pairs = BTreeSet::new();
    let traits: [Trait; 3] = [
        ("tax_id", |account| vec![squeeze(&account.tax_id)]),
        ("name", |account| {
            std::iter::once(&account.name)
                .chain(&account.aliases)
                .map(|name| fold(name).replace(' ', ""))
                .collect()
        }),
        ("email_domain", |account| {
            let own = !free_mail::is_free_mail(&account.email_domain);
            if own { vec![account.email_domain.to_lowercase()] } else { Vec::new() }
        }),
    ];
    for (shared, values) in traits {
        let mut seen: BTreeMap<String, &AccountRow> = BTreeMap::new();
        for row in accounts {
            for value in values(&row.account).into_iter().filter(|value| value.chars().count() >= 4) {
                let first = *seen.entry(value).or_insert(row);
                let fresh = first.id != row.id && pairs.insert((first.id.clone(), row.id.clone()));
                if fresh {
                    found.push(Duplicate { one: first, other: row, shared });
                }
                if found.len() >= DUPLICATES_MAX {
                    return found;
                }
            }
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    fn account(account_no: &str, name: &str) -> Account {
        Account { account_no: account_no.to_owned(), name: name.to_owned(), ..Account::default() }
    }

    #[test]
    fn a_plan_says_what_would_change() {
        let rows = |accounts: &[Account]| accounts.iter().map(account_cells).collect::<Vec<_>>();
        let before = rows(&[account("C1", "Brook"), account("C2", "Fen"), account("C3", "Mill")]);
        let after = rows(&[account("C1", "Brook"), account("C2", "Fen AB"), account("C4", "Weir")]);
        let plan = compare(before.clone(), after.clone(), true);
        assert_eq!(
            (plan.same, &plan.added[..], &plan.removed[..]),
            (1, &["C4".to_owned()][..], &["C3".to_owned()][..])
        );
        let cell = Cell { name: "name".into(), before: "Fen".into(), after: "Fen AB".into() };
        assert_eq!(plan.changed, [Changed { key: "C2".into(), cells: vec![cell] }]);
        assert!(compare(before.clone(), after, false).removed.is_empty());
        assert!(compare(before.clone(), before, true).is_empty());
    }

    #[test]
    fn a_merge_loses_nothing() {
        let kept = Account { ship_to: vec!["1 Mill Ln".into()], ..account("C1", "Brook Ltd") };
        let other = Account {
            ship_to: vec!["1, Mill Ln.".into(), "2 Fen Rd".into()],
            currency: "GBP".into(),
            ..account("C2", "The Brook")
        };
        let both = merged(&kept, &other);
        assert_eq!((both.account_no.as_str(), both.currency.as_str()), ("C1", "GBP"));
        assert_eq!(both.aliases, ["The Brook"]);
        assert_eq!(both.ship_to, ["1 Mill Ln", "2 Fen Rd"]);
    }

    #[test]
    fn duplicates_share_something_of_weight() {
        let row = |id: &str, account: Account| AccountRow { id: AccountId::new(id), account };
        let rows = [
            row("a", Account { email_domain: "gmail.com".into(), ..account("C1", "Brook Ltd.") }),
            row("b", Account { email_domain: "gmail.com".into(), ..account("C2", "Fen") }),
            row("c", account("C3", "brook ltd")),
            row("d", Account { tax_id: "SE5566".into(), ..account("C4", "Mill") }),
            row("e", Account { tax_id: "se 55-66".into(), ..account("C5", "Weir") }),
        ];
        let found: Vec<_> =
            duplicates(&rows).iter().map(|d| (d.one.id.as_str(), d.other.id.as_str(), d.shared)).collect();
        assert_eq!(found, [("d", "e", "tax_id"), ("a", "c", "name")]);
    }
}
