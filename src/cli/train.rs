//! `mailroom train`: learns confidence from documents with known truth, and shows what it is worth on layouts that
//! were left out.

use super::extract::as_json;
use crate::{
    extract::training::{self, Document, Learnt, Read, truth::Truth},
    model::{account::Known, page::Pages},
    validate::{self, master_data},
};
use anyhow::Context as _;
use clap::Args as ClapArgs;
use std::{
    collections::BTreeMap,
    fs::{self, File},
    io::{BufWriter, Cursor, Read as _, Write as _},
    path::{Path, PathBuf},
    process::ExitCode,
};

/// Learns confidence from documents with known truth.
#[derive(Debug, ClapArgs)]
#[command(
    after_help = "Example: mailroom train fixtures/training.zip --model src/extract/confidence/model.json --held-out held-out.jsonl"
)]
pub struct Args {
    /// Sets of documents: zip files with NAME.pages.json and NAME.N.truth.json, accounts.csv and catalogue.csv.
    #[arg(required = true, value_name = "ZIP")]
    pub sets: Vec<PathBuf>,

    /// Where to write the model.
    #[arg(long, value_name = "FILE")]
    pub model: Option<PathBuf>,

    /// Where to write the drafts with the confidence of models that have not seen their layout family, one JSON
    /// object a line.
    #[arg(long, value_name = "FILE")]
    pub held_out: Option<PathBuf>,

    /// Writes held-out drafts as read with master data, not blind.
    #[arg(long)]
    pub known: bool,

    /// Writes the drafts as they are read once N other documents of the same layout were confirmed to N.jsonl in this
    /// folder, for N of 0, 1 and 3, and learns nothing.
    #[arg(long, value_name = "FOLDER")]
    pub curve: Option<PathBuf>,

    /// Makes the first set from this folder of pages (`mailroom extract --save-pages`), and learns nothing.
    #[arg(long, value_name = "FOLDER", requires = "truth")]
    pub pack: Option<PathBuf>,

    /// The folder with `truth`, `accounts.csv` and `catalogue.csv` for `--pack`.
    #[arg(long, value_name = "FOLDER")]
    pub truth: Option<PathBuf>,
}

/// Bytes of one entry that are read at most.
const ENTRY_MAX: u64 = 64 << 20;
const PAGES: &str = ".pages.json";
const TRUTH: &str = ".truth.json";

/// One set of documents with its master data.
struct Set {
    documents: Vec<Document>,
    known: Known,
}

/// Learns and writes.
pub fn run(args: Args) -> anyhow::Result<ExitCode> {
    if let (Some(pages), Some(truth)) = (&args.pack, &args.truth) {
        let to = args.sets.first().context("name the zip file to make")?;
        pack(pages, truth, to)?;
        return Ok(ExitCode::SUCCESS);
    }
    let sets = args.sets.iter().map(|path| open(path)).collect::<anyhow::Result<Vec<_>>>()?;
    if let Some(folder) = &args.curve {
        write_curve(folder, &sets)?;
        return Ok(ExitCode::SUCCESS);
    }
    let blind: Vec<Vec<Read>> =
        sets.iter().map(|set| training::read(&set.documents, &Known::default())).collect();
    let known: Vec<Vec<Read>> = sets.iter().map(|set| training::read(&set.documents, &set.known)).collect();
    let all: Vec<Read> = blind.iter().chain(&known).flatten().cloned().collect();
    let learnt = training::train(&all);
    for (title, reads) in [("blind", &blind), ("with master data", &known)] {
        let reads: Vec<Read> = reads.iter().flatten().cloned().collect();
        for (carrier, figures) in training::figures::held_out(&reads, &learnt) {
            writeln!(std::io::stdout(), "{title:<17} {carrier:<14} {figures}")?;
        }
    }
    if let Some(path) = &args.model {
        let mut text = serde_json::to_string(&learnt.model)?;
        text.push('\n');
        fs::write(path, text).with_context(|| format!("failed to write {}", path.display()))?;
    }
    if let Some(path) = &args.held_out {
        let file = File::create(path).with_context(|| format!("failed to write {}", path.display()))?;
        let mut to = BufWriter::new(file);
        for (set, reads) in sets.iter().zip(if args.known { &known } else { &blind }) {
            let known = if args.known { set.known.clone() } else { Known::default() };
            write_held_out(&mut to, reads, &learnt, &known)?;
        }
        to.flush()?;
    }
    Ok(ExitCode::SUCCESS)
}

/// Numbers of confirmed documents of one layout after which a learning curve is drawn.
const EXAMPLES: [usize; 3] = [0, 1, 3];

fn write_curve(folder: &Path, sets: &[Set]) -> anyhow::Result<()> {
    fs::create_dir_all(folder).with_context(|| format!("failed to make folder {}", folder.display()))?;
    for examples in EXAMPLES {
        let path = folder.join(format!("{examples}.jsonl"));
        let file = File::create(&path).with_context(|| format!("failed to write {}", path.display()))?;
        let mut to = BufWriter::new(file);
        for (file, drafts) in sets.iter().flat_map(|set| training::after_examples(&set.documents, examples)) {
            for draft in drafts {
                writeln!(to, "{}", as_json(&file, &draft))?;
            }
        }
        to.flush()?;
    }
    Ok(())
}

fn write_held_out(
    to: &mut impl std::io::Write,
    reads: &[Read],
    learnt: &Learnt,
    known: &Known,
) -> anyhow::Result<()> {
    for read in reads {
        let model = learnt.without(&read.family);
        for mut draft in training::with_model(read, model) {
            draft.findings = validate::check(&draft, known);
            writeln!(to, "{}", as_json(&read.file, &draft))?;
        }
    }
    Ok(())
}

fn open(path: &Path) -> anyhow::Result<Set> {
    let bytes = fs::read(path).with_context(|| format!("failed to read {}", path.display()))?;
    let mut archive = zip::ZipArchive::new(Cursor::new(bytes))
        .with_context(|| format!("{} is no zip file", path.display()))?;
    let mut entries: BTreeMap<String, Vec<u8>> = BTreeMap::new();
    for index in 0..archive.len() {
        let entry = archive.by_index(index)?;
        let name = entry.name()?.into_owned();
        let mut bytes = Vec::new();
        entry.take(ENTRY_MAX).read_to_end(&mut bytes)?;
        entries.insert(name, bytes);
    }
    let mut truths: BTreeMap<String, Vec<Truth>> = BTreeMap::new();
    for (name, bytes) in entries.iter().filter(|(name, _)| name.ends_with(TRUTH)) {
        let truth: Truth = serde_json::from_slice(bytes).with_context(|| format!("{name} is no truth"))?;
        truths.entry(truth.file.clone()).or_default().push(truth);
    }
    let mut documents = Vec::new();
    for (file, truths) in truths {
        let Some(bytes) = entries.get(&format!("{file}{PAGES}")) else { continue };
        let pages: Pages = serde_json::from_slice(bytes).with_context(|| format!("{file}: no pages"))?;
        documents.push(Document { file, pages, subject: None, truths });
    }
    let none = Vec::new();
    let accounts = master_data::parse_accounts_csv(entries.get("accounts.csv").unwrap_or(&none)).0;
    let catalogue = master_data::parse_catalogue_csv(entries.get("catalogue.csv").unwrap_or(&none)).0;
    let known = Known { accounts: accounts.into(), catalogue: catalogue.into(), ..Known::default() };
    Ok(Set { documents, known })
}

/// Packs pages, truth and master data; places are rounded, so that the file stays small.
fn pack(pages: &Path, truth: &Path, to: &Path) -> anyhow::Result<()> {
    let mut entries: BTreeMap<String, Vec<u8>> = BTreeMap::new();
    for (name, bytes) in files(pages)?.into_iter().filter(|(name, _)| name.ends_with(PAGES)) {
        let mut read: Pages = serde_json::from_slice(&bytes).with_context(|| format!("{name}: no pages"))?;
        read.embedded.clear();
        for page in &mut read.pages {
            round_places(page);
        }
        entries.insert(name, serde_json::to_vec(&read)?);
    }
    for (name, bytes) in files(&truth.join("truth"))? {
        let read: serde_json::Value = serde_json::from_slice(&bytes)?;
        let packed = entries.contains_key(&format!(
            "{}{PAGES}",
            read.get("file").and_then(|f| f.as_str()).unwrap_or_default()
        ));
        if packed {
            let mut slim = read;
            if let Some(object) = slim.as_object_mut() {
                object.remove("boxes");
            }
            entries.insert(name.replace(".json", TRUTH), serde_json::to_vec(&slim)?);
        }
    }
    for name in ["accounts.csv", "catalogue.csv"] {
        let path = truth.join(name);
        entries.insert(
            name.to_owned(),
            fs::read(&path).with_context(|| format!("failed to read {}", path.display()))?,
        );
    }
    let file = File::create(to).with_context(|| format!("failed to write {}", to.display()))?;
    let mut archive = zip::ZipWriter::new(file);
    let options = zip::write::SimpleFileOptions::default()
        .compression_method(zip::CompressionMethod::Deflated)
        .compression_level(Some(9))
        .last_modified_time(zip::DateTime::default());
    for (name, bytes) in entries {
        archive.start_file(name, options)?;
        archive.write_all(&bytes)?;
    }
    archive.finish()?;
    Ok(())
}

/// The files of a folder by name.
fn files(folder: &Path) -> anyhow::Result<BTreeMap<String, Vec<u8>>> {
    let list = fs::read_dir(folder).with_context(|| format!("failed to list {}", folder.display()))?;
    let mut found = BTreeMap::new();
    for entry in list {
        let path = entry?.path();
        let name = path.file_name().map_or_else(String::new, |n| n.to_string_lossy().into_owned());
        if path.is_file() {
            found.insert(name, fs::read(&path)?);
        }
    }
    Ok(found)
}

fn round_places(page: &mut crate::model::page::Page) {
    let round = |v: &mut f32, steps: f32| *v = (*v * steps).round() / steps;
    let boxes = page
        .words
        .iter_mut()
        .map(|w| &mut w.bbox)
        .chain(page.rulings.iter_mut().map(|r| &mut r.bbox))
        .chain(page.fields.iter_mut().map(|f| &mut f.bbox));
    for place in boxes {
        for edge in [&mut place.x0, &mut place.y0, &mut place.x1, &mut place.y1] {
            round(edge, 10_000.0);
        }
    }
    for word in &mut page.words {
        round(&mut word.confidence, 1_000.0);
        round(&mut word.size_pt, 10.0);
    }
    // only vertical lines part cells
    page.rulings.retain(|r| !r.horizontal);
}
