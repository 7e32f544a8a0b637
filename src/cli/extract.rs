//! `mailroom extract`: the drafts in documents and messages, with confidence and place.

use crate::{
    extract::{self, Context, memory::Lesson},
    message,
    model::{
        account::{EarlierOrder, Known},
        draft::{Content, Draft, Kind, Proposal, Source},
        page::{EmbeddedFile, Pages},
    },
    reader::{Config, Options, Reader},
    validate::{self, master_data},
};
use anyhow::Context as _;
use clap::Args as ClapArgs;
use futures::StreamExt as _;
use serde_json::{Map, Value, json};
use std::{
    collections::VecDeque,
    fs,
    io::{BufWriter, Write},
    path::{Path, PathBuf},
    process::ExitCode,
};

/// Reads business documents into drafts: fields and lines with value, confidence, page and box.
#[derive(Debug, ClapArgs)]
#[command(
    after_help = "Example: mailroom extract order.pdf mail.eml --accounts accounts.csv --catalogue catalogue.csv --site-name 'Our Company Ltd'"
)]
pub struct Args {
    /// Documents, mails (.eml, or text with a mail header), or pages as JSON (.pages.json).
    #[arg(required = true, value_name = "FILE")]
    pub files: Vec<PathBuf>,

    /// One JSON object a document found.
    #[arg(long)]
    pub json: bool,

    /// Customers on file.
    #[arg(long, value_name = "CSV")]
    pub accounts: Option<PathBuf>,

    /// Goods that we sell.
    #[arg(long, value_name = "CSV")]
    pub catalogue: Option<PathBuf>,

    /// Our own name, the vendor on orders; repeatable.
    #[arg(long, value_name = "NAME")]
    pub site_name: Vec<String>,

    /// What `mailroom learn` learnt of layouts.
    #[arg(long, value_name = "FILE")]
    pub memory: Option<PathBuf>,

    /// Keeps the pages of each document in this folder as FILE.pages.json.
    #[arg(long, value_name = "FOLDER")]
    pub save_pages: Option<PathBuf>,
}

/// Languages that OCR expects besides English.
const LANGUAGES: [&str; 3] = ["de", "sv", "fr"];
/// Files inside one file that are read.
const INNER_FILES_MAX: usize = 200;
/// Files inside files inside files.
const INNER_DEPTH_MAX: usize = 4;
/// Ending of files that hold pages.
const PAGES_ENDING: &str = ".pages.json";

/// One text or document to read, with what is known about it.
pub(super) struct Input {
    pub(super) pages: Pages,
    /// It is the own text of a mail.
    pub(super) body: bool,
    subject: Option<String>,
    sender_domain: Option<String>,
}

/// Reads all files in parallel and prints the drafts in the order of the files.
pub async fn run(args: Args) -> anyhow::Result<ExitCode> {
    let mut known = known(&args)?;
    if let Some(folder) = &args.save_pages {
        fs::create_dir_all(folder).with_context(|| format!("failed to make folder {}", folder.display()))?;
    }
    let lessons = args.memory.as_deref().map(super::learn::load).transpose()?.unwrap_or_default();
    let lessons: Vec<&Lesson> = lessons.iter().collect();
    let reader = Reader::start(Config::default());
    let mut results =
        futures::stream::iter(&args.files).map(|path| open(&reader, path)).buffered(reader.processes() * 2);
    let mut to = BufWriter::new(std::io::stdout().lock());
    let mut code = ExitCode::SUCCESS;
    for path in &args.files {
        let Some(result) = results.next().await else { break };
        let name = bare_name(path);
        let sources = match result {
            Ok(sources) => sources,
            Err(error) => {
                super::complain(&error);
                code = ExitCode::FAILURE;
                continue;
            }
        };
        if let Some(folder) = &args.save_pages {
            for source in &sources {
                let file = folder.join(format!("{name}{PAGES_ENDING}"));
                fs::write(&file, serde_json::to_vec(&source.pages)?)
                    .with_context(|| format!("failed to write {}", file.display()))?;
            }
        }
        for draft in drafts(&sources, &mut known, &lessons, &name) {
            if args.json {
                writeln!(to, "{}", as_json(&name, &draft))?;
            } else {
                print_text(&mut to, &name, &draft)?;
            }
        }
        to.flush()?;
    }
    Ok(code)
}

fn bare_name(path: &Path) -> String {
    let name = path.file_name().map_or_else(String::new, |n| n.to_string_lossy().into_owned());
    name.strip_suffix(PAGES_ENDING).map_or(name.clone(), str::to_owned)
}

fn known(args: &Args) -> anyhow::Result<Known> {
    let read = |path: &PathBuf| fs::read(path).with_context(|| format!("failed to read {}", path.display()));
    let accounts = args.accounts.as_ref().map(read).transpose()?;
    let catalogue = args.catalogue.as_ref().map(read).transpose()?;
    Ok(Known {
        accounts: accounts.map_or_else(Vec::new, |csv| master_data::parse_accounts_csv(&csv).0).into(),
        catalogue: catalogue.map_or_else(Vec::new, |csv| master_data::parse_catalogue_csv(&csv).0).into(),
        site_names: args.site_name.clone(),
        ..Known::default()
    })
}

/// Whether the bytes are a mail with its header.
fn is_mail(path: &Path, bytes: &[u8]) -> bool {
    let named = path.extension().is_some_and(|e| e.eq_ignore_ascii_case("eml"));
    let head: String =
        String::from_utf8_lossy(bytes.get(..bytes.len().min(2000)).unwrap_or_default()).into_owned();
    let has = |name: &str| head.lines().take(30).any(|line| line.to_lowercase().starts_with(name));
    named || has("from:") && has("subject:") && !bytes.starts_with(b"%PDF")
}

pub(super) async fn open(reader: &Reader, path: &Path) -> anyhow::Result<Vec<Input>> {
    let bytes = tokio::fs::read(path).await.with_context(|| format!("failed to read {}", path.display()))?;
    let name = bare_name(path);
    if path.to_string_lossy().ends_with(PAGES_ENDING) {
        let pages = serde_json::from_slice(&bytes)
            .with_context(|| format!("failed to read pages from {}", path.display()))?;
        return Ok(vec![Input { pages, body: false, subject: None, sender_domain: None }]);
    }
    if is_mail(path, &bytes) {
        return open_mail(reader, &bytes).await;
    }
    read_all(reader, bytes, &name).await
}

/// A file, and the files inside it (archives, attachments of a PDF), breadth first.
async fn read_all(reader: &Reader, bytes: Vec<u8>, name: &str) -> anyhow::Result<Vec<Input>> {
    let options = Options::languages(&LANGUAGES);
    let mut pages = reader.read(&bytes, &options).await.with_context(|| format!("failed to read {name}"))?;
    let mut waiting: VecDeque<(usize, EmbeddedFile)> =
        std::mem::take(&mut pages.embedded).into_iter().map(|file| (1, file)).collect();
    let mut inputs = vec![Input { pages, body: false, subject: None, sender_domain: None }];
    while let Some((depth, file)) = waiting.pop_front() {
        if inputs.len() >= INNER_FILES_MAX || depth > INNER_DEPTH_MAX {
            break;
        }
        match reader.read(&file.bytes, &options).await {
            Ok(mut pages) => {
                let inner = std::mem::take(&mut pages.embedded);
                waiting.extend(inner.into_iter().map(|file| (depth + 1, file)));
                inputs.push(Input { pages, body: false, subject: None, sender_domain: None });
            }
            Err(error) => {
                super::complain(&anyhow::Error::new(error).context(format!("failed to read {}", file.name)));
            }
        }
    }
    Ok(inputs)
}

/// The documents of a mail, and its body where that is an order itself.
async fn open_mail(reader: &Reader, bytes: &[u8]) -> anyhow::Result<Vec<Input>> {
    let message = message::parse(bytes);
    let subject = Some(message.subject.clone());
    let sender_domain = message.from.as_ref().map(crate::model::message::Address::domain);
    let mut sources = Vec::new();
    for attachment in message.attachments.iter().filter(|a| !a.inline) {
        for input in read_all(reader, attachment.bytes.clone(), &attachment.name).await? {
            let (subject, sender_domain) = (subject.clone(), sender_domain.clone());
            sources.push(Input { subject, sender_domain, ..input });
        }
    }
    sources.push(Input { pages: extract::message_pages(&message), body: true, subject, sender_domain });
    Ok(sources)
}

/// The drafts of one file, checked; orders that came before are remembered.
fn drafts(sources: &[Input], known: &mut Known, lessons: &[&Lesson], name: &str) -> Vec<Draft> {
    let read = |source: &Input| {
        let (subject, sender_domain) = (source.subject.as_deref(), source.sender_domain.as_deref());
        extract::extract(&source.pages, &Context { known, subject, sender_domain, lessons, alone: false })
    };
    let mut found: Vec<Vec<Draft>> = sources.iter().map(read).collect();
    extract::bundle::settle(&mut found, sources.iter().position(|source| source.body));
    let mut drafts: Vec<Draft> = found.into_iter().flatten().collect();
    for draft in &mut drafts {
        let found = validate::check(draft, known);
        draft.findings.extend(found);
        if let (Some(po_number), Kind::PurchaseOrder) = (draft.text("po_number"), draft.kind) {
            known.earlier_orders.push(EarlierOrder {
                account_no: None,
                buyer_name: draft.text("buyer_name").map(str::to_owned),
                po_number: po_number.to_owned(),
                place: name.to_owned(),
                lines: draft.lines.clone(),
                arrived: None,
            });
        }
    }
    drafts
}

fn cell(proposal: &Proposal) -> Value {
    let mut cell = json!({ "value": proposal.value, "confidence": round(proposal.confidence) });
    if let (Some(object), Source::Page { page, bbox }) = (cell.as_object_mut(), &proposal.source) {
        object.insert("page".to_owned(), json!(page));
        object.insert("box".to_owned(), json!(bbox));
    }
    cell
}

fn round(confidence: f32) -> f64 {
    (f64::from(confidence) * 10_000.0).round() / 10_000.0
}

/// One draft as the scorer reads it.
pub(super) fn as_json(name: &str, draft: &Draft) -> Value {
    let fields: Map<String, Value> = draft.fields.iter().map(|(k, p)| (k.clone(), cell(p))).collect();
    let lines: Vec<Map<String, Value>> =
        draft.lines.iter().map(|line| line.iter().map(|(k, p)| (k.clone(), cell(p))).collect()).collect();
    let findings: Vec<Value> = draft
        .findings
        .iter()
        .map(|f| json!({"code": f.code, "severity": f.severity, "field": f.field, "message": f.message}))
        .collect();
    json!({
        "file": name,
        "kind": draft.kind,
        "kind_confidence": round(draft.kind_confidence),
        "language": draft.language,
        "page_range": draft.page_range,
        "fields": fields,
        "lines": lines,
        "findings": findings,
        "defects": validate::defects(draft),
    })
}

fn shown(content: &Content) -> String {
    match content {
        Content::Text(text) => text.clone(),
        Content::Flag(flag) => if *flag { "yes" } else { "no" }.to_owned(),
        Content::References(list) => {
            let one = |r: &crate::model::draft::Reference| {
                [&r.name, &r.phone, &r.email].into_iter().flatten().cloned().collect::<Vec<_>>().join(", ")
            };
            list.iter().map(one).collect::<Vec<_>>().join("; ")
        }
    }
}

fn print_text(to: &mut impl Write, name: &str, draft: &Draft) -> anyhow::Result<()> {
    let [first, last] = draft.page_range;
    let sure = draft.kind_confidence * 100.0;
    writeln!(
        to,
        "{name}, pages {first} to {last}: {} ({sure:.0} %), {}",
        draft.kind.as_str(),
        draft.language
    )?;
    for (field, p) in &draft.fields {
        writeln!(to, "  {field:<22} {:>3.0} %  {}", p.confidence * 100.0, shown(&p.value))?;
    }
    for (number, line) in draft.lines.iter().enumerate() {
        let cells: Vec<String> = line.iter().map(|(k, p)| format!("{k}={}", shown(&p.value))).collect();
        let least = line.values().fold(1.0f32, |least, p| least.min(p.confidence));
        writeln!(to, "  line {:<17} {:>3.0} %  {}", number + 1, least * 100.0, cells.join("  "))?;
    }
    for finding in &draft.findings {
        writeln!(to, "  ! {} ({})", finding.message, finding.code)?;
    }
    Ok(())
}
