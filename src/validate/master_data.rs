//! Accounts and catalogue from CSV and back: bytes into [`Account`]s and [`CatalogueItem`]s, and findings about rows that
//! could not be used.
//!
//! The first row names the columns, in any order; unknown ones are ignored. Lists are separated by `|`; values by
//! account are written `account_no=value`. Descriptions stand in `description` (English) and `description_CODE`
//! (ISO 639-1), list prices in `price_CODE` (ISO 4217), units that hold several units of sale in `packs` (`box=100`).
//!
//! Does not: read files, nor save anything.

use crate::model::{
    account::{Account, CatalogueItem},
    finding::{Finding, Severity},
};
use rust_decimal::Decimal;
use std::collections::{BTreeMap, BTreeSet};

/// Rows read at most from one file.
const ROWS_MAX: usize = 1_000_000;

/// Customers from CSV, columns as the fields of [`Account`].
pub fn parse_accounts_csv(csv: &[u8]) -> (Vec<Account>, Vec<Finding>) {
    parse(csv, "account_no", |row, findings| Account {
        account_no: row.text("account_no"),
        name: row.text("name"),
        aliases: row.list("aliases"),
        country: row.text("country"),
        language: row.text("language"),
        currency: row.text("currency"),
        payment_terms: row.text("payment_terms"),
        bill_to: row.text("bill_to"),
        ship_to: row.list("ship_to"),
        email_domain: row.text("email_domain").to_lowercase(),
        contacts: row.list("contacts"),
        tax_id: row.text("tax_id"),
        credit_limit: amount(row, "credit_limit", findings),
    })
}

/// Goods from CSV.
pub fn parse_catalogue_csv(csv: &[u8]) -> (Vec<CatalogueItem>, Vec<Finding>) {
    parse(csv, "sku", |row, findings| CatalogueItem {
        sku: row.text("sku"),
        descriptions: row.by_suffix("description", Some("en")),
        unit: row.text("unit"),
        prices: amounts(row, &row.by_suffix("price", None), findings),
        customer_prices: amounts(row, &row.pairs("customer_prices"), findings),
        customer_skus: row.pairs("customer_skus"),
        packs: amounts(row, &row.pairs("packs"), findings),
        min_quantity: amount(row, "min_quantity", findings),
        pack_size: amount(row, "pack_size", findings),
        discontinued: matches!(row.text("discontinued").to_lowercase().as_str(), "yes" | "true" | "1"),
        replaced_by: row.text("replaced_by"),
    })
}

/// The columns of a customer's row with their cells.
pub fn account_cells(account: &Account) -> Vec<(String, String)> {
    let list = |items: &[String]| items.join("|");
    [
        ("account_no", account.account_no.clone()),
        ("name", account.name.clone()),
        ("aliases", list(&account.aliases)),
        ("country", account.country.clone()),
        ("language", account.language.clone()),
        ("currency", account.currency.clone()),
        ("payment_terms", account.payment_terms.clone()),
        ("bill_to", account.bill_to.clone()),
        ("ship_to", list(&account.ship_to)),
        ("email_domain", account.email_domain.clone()),
        ("contacts", list(&account.contacts)),
        ("tax_id", account.tax_id.clone()),
        ("credit_limit", optional(account.credit_limit)),
    ]
    .map(|(name, cell)| (name.to_owned(), cell))
    .into()
}

fn optional(number: Option<Decimal>) -> String {
    number.map_or_else(String::new, |number| number.to_string())
}

/// The filled columns of an item's row with their cells.
pub fn item_cells(item: &CatalogueItem) -> Vec<(String, String)> {
    fn pairs<V: ToString>(values: &BTreeMap<String, V>) -> String {
        values
            .iter()
            .map(|(name, value)| format!("{name}={}", value.to_string()))
            .collect::<Vec<_>>()
            .join("|")
    }
    let mut cells = vec![("sku".to_owned(), item.sku.clone())];
    for (language, text) in &item.descriptions {
        let name =
            if language == "en" { "description".to_owned() } else { format!("description_{language}") };
        cells.push((name, text.clone()));
    }
    cells.push(("unit".to_owned(), item.unit.clone()));
    cells
        .extend(item.prices.iter().map(|(currency, price)| (format!("price_{currency}"), price.to_string())));
    cells.push(("customer_prices".to_owned(), pairs(&item.customer_prices)));
    cells.push(("customer_skus".to_owned(), pairs(&item.customer_skus)));
    let rare = [
        ("packs", pairs(&item.packs)),
        ("min_quantity", optional(item.min_quantity)),
        ("pack_size", optional(item.pack_size)),
        ("discontinued", if item.discontinued { "yes".to_owned() } else { String::new() }),
        ("replaced_by", item.replaced_by.clone()),
    ];
    cells.extend(
        rare.into_iter().filter(|(_, cell)| !cell.is_empty()).map(|(name, cell)| (name.to_owned(), cell)),
    );
    cells
}

/// Rows as CSV in the form that is read here; columns stand in the order in which rows first fill them.
pub fn write_csv(rows: &[Vec<(String, String)>]) -> Vec<u8> {
    let mut names: Vec<&str> = Vec::new();
    let mut known = BTreeSet::new();
    for (name, _) in rows.iter().flatten() {
        if known.insert(name.as_str()) {
            names.push(name);
        }
    }
    let mut writer = csv::Writer::from_writer(Vec::new());
    let mut write = |cells: &[&str]| writer.write_record(cells).expect("writing to memory does not fail");
    if !names.is_empty() {
        write(&names);
    }
    for row in rows {
        let cell =
            |name: &&str| row.iter().find(|(known, _)| known == name).map_or("", |(_, cell)| cell.as_str());
        write(&names.iter().map(cell).collect::<Vec<_>>());
    }
    writer.into_inner().unwrap_or_default()
}

/// One row with the names of its columns.
struct Row<'a> {
    names: &'a csv::StringRecord,
    cells: csv::StringRecord,
    /// Line in the file, for findings.
    line: u64,
}

impl Row<'_> {
    fn text(&self, column: &str) -> String {
        let cell = self.names.iter().position(|name| name == column).and_then(|at| self.cells.get(at));
        cell.unwrap_or_default().to_owned()
    }

    fn list(&self, column: &str) -> Vec<String> {
        let text = self.text(column);
        text.split('|').map(str::trim).filter(|item| !item.is_empty()).map(str::to_owned).collect()
    }

    /// `C1=x|C2=y`
    fn pairs(&self, column: &str) -> BTreeMap<String, String> {
        let pair = |item: &str| {
            let (name, value) = item.split_once('=')?;
            Some((name.trim().to_owned(), value.trim().to_owned()))
        };
        self.list(column).iter().filter_map(|item| pair(item)).collect()
    }

    /// The filled cells of columns `STEM_suffix` by suffix, and that of `STEM` itself under `bare`.
    fn by_suffix(&self, stem: &str, bare: Option<&str>) -> BTreeMap<String, String> {
        let suffix = |name: &str| {
            if name == stem {
                return bare.map(str::to_owned);
            }
            name.strip_prefix(stem)?.strip_prefix('_').map(str::to_owned)
        };
        let cells = self.names.iter().zip(&self.cells).filter(|(_, cell)| !cell.is_empty());
        cells.filter_map(|(name, cell)| Some((suffix(name)?, cell.to_owned()))).collect()
    }
}

/// A number in a column of its own.
fn amount(row: &Row<'_>, column: &str, findings: &mut Vec<Finding>) -> Option<Decimal> {
    let text = row.text(column);
    let found = text.parse().ok();
    if found.is_none() && !text.is_empty() {
        let message = format!("{column} \"{text}\" in line {} is not a number; write 12.50.", row.line);
        findings.push(Finding::new("bad_number", Severity::Check, message));
    }
    found
}

fn amounts(
    row: &Row<'_>,
    texts: &BTreeMap<String, String>,
    findings: &mut Vec<Finding>,
) -> BTreeMap<String, Decimal> {
    let mut amounts = BTreeMap::new();
    for (name, text) in texts {
        match text.parse() {
            Ok(amount) => drop(amounts.insert(name.clone(), amount)),
            Err(_) => findings.push(Finding::new(
                "bad_price",
                Severity::Check,
                format!("The price \"{text}\" for {name} in line {} is not a number; write 12.50.", row.line),
            )),
        }
    }
    amounts
}

fn parse<T>(
    csv: &[u8],
    key: &str,
    read: impl Fn(&Row<'_>, &mut Vec<Finding>) -> T,
) -> (Vec<T>, Vec<Finding>) {
    let csv = csv.strip_prefix(b"\xef\xbb\xbf").unwrap_or(csv);
    let mut reader = csv::ReaderBuilder::new().flexible(true).trim(csv::Trim::All).from_reader(csv);
    let (mut items, mut findings, mut keys) = (Vec::new(), Vec::new(), BTreeSet::new());
    let unreadable = |line: u64| {
        let message = format!("Line {line} is not readable as CSV in UTF-8; it is left out.");
        Finding::new("bad_row", Severity::Problem, message)
    };
    let Ok(names) = reader.headers().cloned() else {
        return (items, vec![unreadable(1)]);
    };
    if !names.iter().any(|name| name == key) {
        let message = format!("The first line must name the columns, among them {key}.");
        return (items, vec![Finding::new("missing_column", Severity::Problem, message)]);
    }
    for cells in reader.records() {
        let cells = match cells {
            Ok(cells) => cells,
            Err(error) => {
                findings.push(unreadable(error.position().map_or(0, csv::Position::line)));
                continue;
            }
        };
        let line = cells.position().map_or(0, csv::Position::line);
        let row = Row { names: &names, cells, line };
        let id = row.text(key);
        if id.is_empty() {
            let message = format!("Line {line} has no {key}; it is left out.");
            findings.push(Finding::new("missing_key", Severity::Problem, message));
        } else if items.len() == ROWS_MAX {
            let message = format!("Only the first {ROWS_MAX} rows are read.");
            findings.push(Finding::new("too_many_rows", Severity::Problem, message));
            break;
        } else if keys.contains(&id) {
            let message = format!("Line {line} repeats {key} {id}; it is left out.");
            findings.push(Finding::new("repeated_key", Severity::Problem, message));
        } else {
            items.push(read(&row, &mut findings));
            keys.insert(id);
        }
    }
    (items, findings)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn accounts_come_from_rows() {
        let csv = "\u{feff}account_no,name,aliases,ship_to,email_domain,extra\n\
                   C1,\"Brook, Ltd\",Brook|The Brook,\"1 Mill Ln, Ely | 2 Fen Rd\",Brook.Example,x\n\
                   ,nameless,,,,\nC1,again,,,,\nC2,short\n";
        let (accounts, findings) = parse_accounts_csv(csv.as_bytes());
        assert_eq!(accounts.len(), 2);
        assert_eq!(accounts[0].name, "Brook, Ltd");
        assert_eq!(accounts[0].aliases, ["Brook", "The Brook"]);
        assert_eq!(accounts[0].ship_to, ["1 Mill Ln, Ely", "2 Fen Rd"]);
        assert_eq!(accounts[0].email_domain, "brook.example");
        assert_eq!(accounts[1].name, "short");
        let codes: Vec<_> = findings.iter().map(|f| f.code.as_str()).collect();
        assert_eq!(codes, ["missing_key", "repeated_key"]);
    }

    #[test]
    fn goods_come_from_rows() {
        let csv = "sku,description,description_sv,unit,price_EUR,price_SEK,customer_prices,customer_skus\n\
                   A-1,Bolt,Bult,pcs,1.25,,C1=1.10|C2=x,C1=77\n";
        let (items, findings) = parse_catalogue_csv(csv.as_bytes());
        let item = &items[0];
        assert_eq!(item.descriptions["en"], "Bolt");
        assert_eq!(item.descriptions["sv"], "Bult");
        assert_eq!(item.prices.len(), 1);
        assert_eq!(item.prices["EUR"], Decimal::new(125, 2));
        assert_eq!(item.customer_prices["C1"], Decimal::new(110, 2));
        assert_eq!(item.customer_skus["C1"], "77");
        assert_eq!(findings[0].code, "bad_price");
    }

    #[test]
    fn what_is_written_reads_the_same() {
        let csv = "account_no,name,aliases,ship_to,email_domain\n\
                   C1,\"Brook, Ltd\",Brook|The Brook,\"1 Mill Ln, Ely|2 \"\"Fen\"\" Rd\",brook.example\nC2,short,,,\n";
        let (accounts, _) = parse_accounts_csv(csv.as_bytes());
        let written = write_csv(&accounts.iter().map(account_cells).collect::<Vec<_>>());
        assert_eq!(parse_accounts_csv(&written), (accounts, Vec::new()));
        let csv = "sku,description,description_sv,unit,price_EUR,price_SEK,customer_prices,customer_skus\n\
                   A-1,Bolt,Bult,pcs,1.25,,C1=1.10,C1=77\nA-2,,Mutter,pcs,,9,,\n";
        let csv =
            csv.replacen("customer_skus\n", "customer_skus,packs,min_quantity,discontinued,replaced_by\n", 1);
        let csv = csv.replacen("C1=77\n", "C1=77,box=100|pallet=4800,50,yes,A-2\n", 1);
        let csv = csv.as_str();
        let (items, _) = parse_catalogue_csv(csv.as_bytes());
        let written = write_csv(&items.iter().map(item_cells).collect::<Vec<_>>());
        assert_eq!(parse_catalogue_csv(&written), (items, Vec::new()));
        assert!(write_csv(&[]).is_empty());
    }

    #[test]
    fn a_file_without_its_key_column_says_so() {
        assert_eq!(parse_accounts_csv(b"name\nx\n").1[0].code, "missing_column");
        assert_eq!(parse_catalogue_csv(b"").1[0].code, "missing_column");
    }
}
