//! Accounts and catalogue from CSV and back: bytes into [`Account`]s and [`CatalogueItem`]s, and findings about rows that
//! could not be used.
//!
//! The first row names the columns, in any order; unknown ones are ignored. Lists are separated by `|`; values by
//! account are written `account_no=value`. Descriptions stand in `description` (English) and `description_CODE`
//! (ISO 639-1), list prices in `price_CODE` (ISO 4217), units that hold several units of sale in `packs` (`box=100`).
//!
//! Does not: read files, nor save anything.

use super::{customer, sheet};
use crate::model::{
    account::{Account, CatalogueItem},
    codes,
    finding::{Finding, Severity},
    number::{self, Marks, Read},
};
use rust_decimal::Decimal;
use std::collections::{BTreeMap, BTreeSet, HashMap};

/// Rows read at most from one file.
const ROWS_MAX: usize = 1_000_000;

/// What a file says.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Loaded<T> {
    /// Its rows, over what was known of them.
    pub rows: Vec<T>,
    /// What could not be used.
    pub findings: Vec<Finding>,
    /// Columns that it does not have: what is known of them stays.
    pub absent: Vec<&'static str>,
    /// Columns that nobody reads.
    pub unread: Vec<String>,
}

/// The columns of a customer's row.
const ACCOUNT_COLUMNS: [&str; 13] = [
    "account_no",
    "name",
    "aliases",
    "country",
    "language",
    "currency",
    "payment_terms",
    "bill_to",
    "ship_to",
    "email_domain",
    "contacts",
    "tax_id",
    "credit_limit",
];

/// The columns of an item's row; descriptions and prices come in several.
const ITEM_COLUMNS: [&str; 11] = [
    "sku",
    "description",
    "unit",
    "price",
    "customer_prices",
    "customer_skus",
    "packs",
    "min_quantity",
    "pack_size",
    "discontinued",
    "replaced_by",
];

/// Customers from a file alone, columns as the fields of [`Account`].
pub fn parse_accounts_csv(csv: &[u8]) -> (Vec<Account>, Vec<Finding>) {
    let loaded = load_accounts(csv, &[]);
    (loaded.rows, loaded.findings)
}

/// Customers from a file, over those that are known: a column or a cell that is not there changes nothing.
pub fn load_accounts(csv: &[u8], known: &[Account]) -> Loaded<Account> {
    let known: HashMap<&str, &Account> =
        known.iter().map(|account| (account.account_no.as_str(), account)).collect();
    let blank = Account::default();
    load(csv, &ACCOUNT_COLUMNS, |row, findings| {
        let number = row.text("account_no");
        let before = known.get(number.as_str()).copied().unwrap_or(&blank);
        let text =
            |column: &str, before: &String| row.cell(column).map_or_else(|| before.clone(), str::to_owned);
        let list = |column: &str, before: &Vec<String>| {
            row.cell(column).map_or_else(|| before.clone(), |_| row.list(column))
        };
        let mut account = Account {
            name: text("name", &before.name),
            aliases: list("aliases", &before.aliases),
            country: text("country", &before.country),
            language: text("language", &before.language),
            currency: text("currency", &before.currency),
            payment_terms: text("payment_terms", &before.payment_terms),
            bill_to: text("bill_to", &before.bill_to),
            ship_to: list("ship_to", &before.ship_to),
            email_domain: text("email_domain", &before.email_domain),
            contacts: list("contacts", &before.contacts),
            tax_id: text("tax_id", &before.tax_id),
            credit_limit: before.credit_limit,
            account_no: number,
        };
        customer::tidy(&mut account);
        if account.name.is_empty() {
            findings.push(missing(row.line, "name"));
            return None;
        }
        // three digits behind a mark are decimals only where the currency has as many
        let decimal = Some('.').filter(|_| codes::decimals(&account.currency) == Some(3));
        account.credit_limit = row.amount("credit_limit", decimal, before.credit_limit, findings);
        for finding in customer::check(&account).into_iter().filter(|f| f.severity == Severity::Problem) {
            let field = finding.field.clone().unwrap_or_default();
            keep(&mut account, before, &field);
            findings.push(in_line(row.line, &field, finding));
        }
        Some(account)
    })
}

/// A field of a customer as it was.
fn keep(account: &mut Account, before: &Account, field: &str) {
    match field {
        "country" => account.country.clone_from(&before.country),
        "language" => account.language.clone_from(&before.language),
        "currency" => account.currency.clone_from(&before.currency),
        "email_domain" => account.email_domain.clone_from(&before.email_domain),
        "credit_limit" => account.credit_limit = before.credit_limit,
        _ => {}
    }
}

/// A finding about a field, of a line in a file.
pub fn in_line(line: u64, column: &str, finding: Finding) -> Finding {
    let message = format!("Line {line} of the file, {column}: {}", finding.message);
    Finding { message, ..finding }
}

/// Goods from a file alone.
pub fn parse_catalogue_csv(csv: &[u8]) -> (Vec<CatalogueItem>, Vec<Finding>) {
    let loaded = load_catalogue(csv, &[]);
    (loaded.rows, loaded.findings)
}

/// Goods from a file, over those that are known: a column or a cell that is not there changes nothing of an item.
pub fn load_catalogue(csv: &[u8], known: &[CatalogueItem]) -> Loaded<CatalogueItem> {
    let known: HashMap<&str, &CatalogueItem> = known.iter().map(|item| (item.sku.as_str(), item)).collect();
    let blank = CatalogueItem::default();
    load(csv, &ITEM_COLUMNS, |row, findings| {
        let sku = row.text("sku");
        let before = known.get(sku.as_str()).copied().unwrap_or(&blank);
        let text =
            |column: &str, before: &String| row.cell(column).map_or_else(|| before.clone(), str::to_owned);
        let is_yes = |cell: &str| matches!(cell.to_lowercase().as_str(), "yes" | "true" | "1");
        let descriptions = row.by_suffix("description", Some("en"));
        Some(CatalogueItem {
            descriptions: over(&before.descriptions, descriptions, |text, _| Some(text.to_owned())),
            unit: text("unit", &before.unit),
            prices: over(&before.prices, row.by_suffix("price", None), |text, name| {
                row.figure(&format!("price_{name}"), text, row.decimal, findings)
            }),
            customer_prices: row.pairs_over("customer_prices", &before.customer_prices, findings),
            customer_skus: row
                .cell("customer_skus")
                .map_or_else(|| before.customer_skus.clone(), |_| row.pairs("customer_skus")),
            packs: row.pairs_over("packs", &before.packs, findings),
            min_quantity: row.amount("min_quantity", row.decimal, before.min_quantity, findings),
            pack_size: row.amount("pack_size", row.decimal, before.pack_size, findings),
            discontinued: row.cell("discontinued").map_or(before.discontinued, is_yes),
            replaced_by: text("replaced_by", &before.replaced_by),
            sku,
        })
    })
}

/// What is known, with the cells of a file over it: an empty one takes away, one that cannot be read changes nothing.
fn over<V: Clone>(
    before: &BTreeMap<String, V>,
    cells: BTreeMap<String, String>,
    mut read: impl FnMut(&str, &str) -> Option<V>,
) -> BTreeMap<String, V> {
    let mut after = before.clone();
    for (name, cell) in cells {
        if cell.is_empty() {
            drop(after.remove(&name));
        } else if let Some(value) = read(&cell, &name) {
            drop(after.insert(name, value));
        }
    }
    after
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
        ("credit_limit", optional(account.credit_limit.map(|limit| limit.normalize()))),
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
    /// The mark before decimals, where the file says it.
    decimal: Option<char>,
}

impl Row<'_> {
    /// A cell; none if the file has no such column, or the row ends before it.
    fn cell(&self, column: &str) -> Option<&str> {
        self.names.iter().position(|name| name == column).and_then(|at| self.cells.get(at))
    }

    fn text(&self, column: &str) -> String {
        self.cell(column).unwrap_or_default().to_owned()
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

    /// Numbers of a cell of pairs; one that cannot be read stays as it was.
    fn pairs_over(
        &self,
        column: &str,
        before: &BTreeMap<String, Decimal>,
        findings: &mut Vec<Finding>,
    ) -> BTreeMap<String, Decimal> {
        if self.cell(column).is_none() {
            return before.clone();
        }
        let pairs = self.pairs(column).into_iter();
        let read = pairs.filter_map(|(name, text)| {
            let figure = self.figure(&format!("{column} {name}"), &text, self.decimal, findings);
            Some((figure.or_else(|| before.get(&name).copied())?, name))
        });
        read.map(|(figure, name)| (name, figure)).collect()
    }

    /// The cells of columns `STEM_suffix` by suffix, and that of `STEM` itself under `bare`.
    fn by_suffix(&self, stem: &str, bare: Option<&str>) -> BTreeMap<String, String> {
        let suffix = |name: &str| {
            if name == stem {
                return bare.map(str::to_owned);
            }
            name.strip_prefix(stem)?.strip_prefix('_').map(str::to_owned)
        };
        let cells = self.names.iter().zip(&self.cells);
        cells.filter_map(|(name, cell)| Some((suffix(name)?, cell.to_owned()))).collect()
    }

    /// A number in a column of its own; one that cannot be read stays as it was.
    fn amount(
        &self,
        column: &str,
        decimal: Option<char>,
        before: Option<Decimal>,
        findings: &mut Vec<Finding>,
    ) -> Option<Decimal> {
        match self.cell(column) {
            None => before,
            Some("") => None,
            Some(text) => self.figure(column, text, decimal, findings).or(before),
        }
    }

    fn figure(
        &self,
        column: &str,
        text: &str,
        decimal: Option<char>,
        findings: &mut Vec<Finding>,
    ) -> Option<Decimal> {
        match number::read(text, Marks { thousands: None, decimal }) {
            Read::Number(number) if number < Decimal::ZERO && column.contains("price") => {
                let message =
                    format!("{column} {number} in line {} is below zero; it is left out.", self.line);
                findings.push(Finding::new("below_zero", Severity::Problem, message));
                None
            }
            Read::Number(number) => Some(number),
            Read::Either(thousands, decimals) => {
                findings.push(in_line(self.line, column, unclear(text, thousands, decimals)));
                None
            }
            Read::No => {
                let message =
                    format!("{column} \"{text}\" in line {} is not a number; write 12.50.", self.line);
                let code = if column.contains("price") { "bad_price" } else { "bad_number" };
                findings.push(Finding::new(code, Severity::Check, message));
                None
            }
        }
    }
}

/// What is said of a number that can be read in two ways.
pub fn unclear(text: &str, thousands: Decimal, decimals: Decimal) -> Finding {
    let message = format!(
        "\"{text}\" may be {thousands} or {decimals}: write it without a mark between thousands, or with two decimals."
    );
    Finding::new("unclear_number", Severity::Problem, message)
}

fn missing(line: u64, column: &str) -> Finding {
    let message = format!("Line {line} has no {column}; it is left out.");
    Finding::new("missing_key", Severity::Problem, message)
}

fn is_read(columns: &[&str], name: &str) -> bool {
    let stem = ["description_", "price_"].into_iter().find(|stem| name.starts_with(stem));
    columns.contains(&stem.map_or(name, |stem| stem.trim_end_matches('_')))
}

/// Reads the rows of a file; its key is the first of `columns`.
fn load<T>(
    csv: &[u8],
    columns: &[&'static str],
    mut read: impl FnMut(&Row<'_>, &mut Vec<Finding>) -> Option<T>,
) -> Loaded<T> {
    let mut loaded =
        Loaded { rows: Vec::new(), findings: Vec::new(), absent: Vec::new(), unread: Vec::new() };
    let findings = &mut loaded.findings;
    if sheet::is_workbook(csv) {
        let message =
            "This is a workbook of Excel or another program: save it there as CSV and choose that file.";
        findings.push(Finding::new("workbook", Severity::Problem, message));
        return loaded;
    }
    let key = columns.first().copied().unwrap_or_default();
    let sheet = sheet::read(csv, key);
    let mut reader = csv::ReaderBuilder::new()
        .flexible(true)
        .trim(csv::Trim::All)
        .delimiter(sheet.mark)
        .from_reader(sheet.text.as_bytes());
    let unreadable = |line: u64| {
        let message = format!("Line {line} is not readable as CSV; it is left out.");
        Finding::new("bad_row", Severity::Problem, message)
    };
    let Ok(names) = reader.headers().cloned() else {
        findings.push(unreadable(1));
        return loaded;
    };
    if !names.iter().any(|name| name == key) {
        let message = format!("The first line must name the columns, among them {key}.");
        findings.push(Finding::new("missing_column", Severity::Problem, message));
        return loaded;
    }
    let has = |column: &str| names.iter().any(|name| name == column || (is_read(&[column], name)));
    loaded.absent = columns.iter().copied().filter(|column| !has(column)).collect();
    loaded.unread =
        names.iter().filter(|name| !name.is_empty() && !is_read(columns, name)).map(str::to_owned).collect();
    // where cells are parted by commas, decimals are behind dots; other marks say nothing
    let decimal = (sheet.mark == b',').then_some('.');
    let mut keys = BTreeSet::new();
    for cells in reader.records() {
        let cells = match cells {
            Ok(cells) => cells,
            Err(error) => {
                findings.push(unreadable(error.position().map_or(0, csv::Position::line)));
                continue;
            }
        };
        let line = cells.position().map_or(0, csv::Position::line);
        let row = Row { names: &names, cells, line, decimal };
        let id = row.text(key);
        if id.is_empty() {
            findings.push(missing(line, key));
        } else if loaded.rows.len() == ROWS_MAX {
            let message = format!("Only the first {ROWS_MAX} rows are read.");
            findings.push(Finding::new("too_many_rows", Severity::Problem, message));
            break;
        } else if keys.contains(&id) {
            let message = format!("Line {line} repeats {key} {id}; it is left out.");
            findings.push(Finding::new("repeated_key", Severity::Problem, message));
        } else {
            loaded.rows.extend(read(&row, findings));
            keys.insert(id);
        }
    }
    loaded
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
    fn what_a_file_does_not_have_stays() {
        let known = [
            Account {
                account_no: "C1".into(),
                name: "Brook".into(),
                ship_to: vec!["1 Mill Ln".into()],
                currency: "EUR".into(),
                credit_limit: Some(Decimal::from(5000)),
                ..Account::default()
            },
            Account { account_no: "C2".into(), name: "Fen".into(), ..Account::default() },
        ];
        let loaded = load_accounts(b"account_no,name,colour\nC1,Brook AB,red\nC2,,blue\nC3\n", &known);
        assert_eq!(loaded.rows, [Account { name: "Brook AB".into(), ..known[0].clone() }]);
        assert_eq!(loaded.unread, ["colour"]);
        assert!(loaded.absent.contains(&"ship_to") && !loaded.absent.contains(&"name"));
        let said: Vec<_> = loaded.findings.iter().map(|finding| finding.message.as_str()).collect();
        assert_eq!(said, ["Line 3 has no name; it is left out.", "Line 4 has no name; it is left out."]);
        let loaded = load_accounts(b"account_no,ship_to,currency,credit_limit\nC1,,kr,-1\n", &known);
        assert_eq!(
            loaded.rows,
            [Account { ship_to: Vec::new(), ..known[0].clone() }],
            "an empty cell empties"
        );
        let fields: Vec<_> = loaded.findings.iter().filter_map(|f| f.field.as_deref()).collect();
        assert_eq!(fields, ["currency", "credit_limit"]);
        let item = CatalogueItem {
            sku: "A-1".into(),
            prices: [("EUR".to_owned(), Decimal::ONE), ("SEK".to_owned(), Decimal::TEN)].into(),
            customer_skus: [("C1".to_owned(), "77".to_owned())].into(),
            ..CatalogueItem::default()
        };
        let loaded = load_catalogue(b"sku,price_EUR\nA-1,2.50\n", std::slice::from_ref(&item));
        assert_eq!(loaded.rows[0].prices["EUR"], Decimal::new(250, 2));
        assert_eq!((&loaded.rows[0].customer_skus, loaded.rows[0].prices.len()), (&item.customer_skus, 2));
        let loaded = load_catalogue(b"sku,price_EUR\nA-1,\n", std::slice::from_ref(&item));
        assert_eq!(loaded.rows[0].prices.keys().collect::<Vec<_>>(), ["SEK"]);
    }

    #[test]
    fn numbers_of_a_file_with_semicolons_are_never_misread() {
        let known = Account {
            account_no: "C3".into(),
            name: "Weir".into(),
            credit_limit: Some(Decimal::from(7)),
            ..Account::default()
        };
        let csv = "account_no;name;credit_limit;currency\nC1;Brook;1.234,50;EUR\nC2;Fen;25 000;SEK\nC3;Weir;25.000;EUR\n\
                   C4;Sluice;12,5;EUR\nC5;Lock;25.125;KWD\n";
        let loaded = load_accounts(csv.as_bytes(), &[known]);
        let limits: Vec<_> = loaded.rows.iter().map(|a| a.credit_limit.unwrap().to_string()).collect();
        assert_eq!(limits, ["1234.50", "25000", "7", "12.5", "25.125"]);
        let said: Vec<_> = loaded.findings.iter().map(|finding| finding.message.as_str()).collect();
        assert_eq!(
            said,
            [
                "Line 4 of the file, credit_limit: \"25.000\" may be 25000 or 25: write it without a mark between \
              thousands, or with two decimals."
            ]
        );
        assert_eq!(load_accounts(b"account_no,name,credit_limit\nC1,x,25.000\n", &[]).findings.len(), 1);
        let (items, findings) = parse_catalogue_csv("sku;price_EUR;price_SEK\nA-1;1,25;1.250\n".as_bytes());
        assert_eq!((items[0].prices.len(), items[0].prices["EUR"]), (1, Decimal::new(125, 2)));
        assert_eq!(findings[0].code, "unclear_number");
        assert_eq!(parse_accounts_csv(b"PK\x03\x04").1[0].code, "workbook");
    }

    #[test]
    fn a_file_without_its_key_column_says_so() {
        assert_eq!(parse_accounts_csv(b"name\nx\n").1[0].code, "missing_column");
        assert_eq!(parse_catalogue_csv(b"").1[0].code, "missing_column");
    }
}
