//! `mailroom learn`: what documents with known truth teach about their layouts, as approving their drafts would.

use crate::{
    extract::{
        Context,
        memory::{self, Lesson},
        training::truth::Truth,
    },
    model::account::Known,
    reader::{Config, Reader},
};
use anyhow::Context as _;
use clap::Args as ClapArgs;
use std::{
    fs,
    io::Write as _,
    path::{Path, PathBuf},
    process::ExitCode,
};

/// Learns layouts from documents whose truth is known; `mailroom extract --memory` reads with them.
#[derive(Debug, ClapArgs)]
#[command(
    after_help = "Example: mailroom learn --from truth/d0001.json docs/d0001.pdf --memory layouts.jsonl\n         mailroom extract --memory layouts.jsonl docs/d0002.pdf"
)]
pub struct Args {
    /// Documents; without any, those that the truth names, beside it or in the folder docs next to its own.
    #[arg(value_name = "FILE")]
    pub files: Vec<PathBuf>,

    /// The truth: a JSON file for each document, or folders of them.
    #[arg(long, required = true, value_name = "TRUTH")]
    pub from: Vec<PathBuf>,

    /// Where lessons are kept, one JSON object a line; those that are there stay, but for the same document.
    #[arg(long, value_name = "FILE")]
    pub memory: PathBuf,
}

/// Learns from one document after the other.
pub async fn run(args: Args) -> anyhow::Result<ExitCode> {
    let mut lessons = if args.memory.exists() { load(&args.memory)? } else { Vec::new() };
    let truths = truths(&args.from)?;
    let reader = Reader::start(Config::default());
    let mut code = ExitCode::SUCCESS;
    let mut learnt = 0;
    let mut to = std::io::stdout().lock();
    for (place, truth) in &truths {
        let Some(file) = find_document(&args.files, place, &truth.file) else {
            if args.files.is_empty() {
                super::complain(&anyhow::anyhow!(
                    "there is no document {} beside {}",
                    truth.file,
                    place.display()
                ));
                code = ExitCode::FAILURE;
            }
            continue;
        };
        match learn(&reader, &file, truth).await {
            Ok(Some(mut lesson)) => {
                lesson.id = format!("{}#{}", truth.file, truth.page_range.map_or(1, |[first, _]| first));
                lessons.retain(|old| old.id != lesson.id);
                lessons.push(lesson);
                learnt += 1;
            }
            Ok(None) => writeln!(to, "{}: nothing to learn, it has too few words of a layout", truth.file)?,
            Err(error) => {
                super::complain(&error);
                code = ExitCode::FAILURE;
            }
        }
    }
    save(&args.memory, &lessons)?;
    writeln!(to, "{learnt} lessons learnt, {} kept in {}", lessons.len(), args.memory.display())?;
    Ok(code)
}

async fn learn(reader: &Reader, file: &Path, truth: &Truth) -> anyhow::Result<Option<Lesson>> {
    let inputs = super::extract::open(reader, file).await?;
    let known = Known::default();
    let context = Context { known: &known, subject: None, sender_domain: None, lessons: &[], alone: false };
    let pages = inputs.iter().find(|input| !input.body).or(inputs.first()).map(|input| &input.pages.pages);
    let Some(pages) = pages else { return Ok(None) };
    let confirmed = truth.confirmed(u32::try_from(pages.len()).unwrap_or(u32::MAX));
    Ok(memory::learn(pages, &confirmed, &context))
}

/// All truths in these files and folders, in the order of their names, each with its file.
fn truths(from: &[PathBuf]) -> anyhow::Result<Vec<(PathBuf, Truth)>> {
    let mut files = Vec::new();
    for path in from {
        if path.is_dir() {
            let folder = fs::read_dir(path).with_context(|| format!("failed to open {}", path.display()))?;
            let mut inside: Vec<PathBuf> = folder.filter_map(|entry| Some(entry.ok()?.path())).collect();
            inside.retain(|file| file.extension().is_some_and(|e| e == "json"));
            inside.sort();
            files.extend(inside);
        } else {
            files.push(path.clone());
        }
    }
    let read = |path: PathBuf| {
        let bytes = fs::read(&path).with_context(|| format!("failed to read {}", path.display()))?;
        let truth = serde_json::from_slice(&bytes)
            .with_context(|| format!("{} does not hold the truth of a document", path.display()))?;
        Ok((path, truth))
    };
    files.into_iter().map(read).collect()
}

/// The document that a truth is about.
fn find_document(files: &[PathBuf], truth: &Path, name: &str) -> Option<PathBuf> {
    if !files.is_empty() {
        return files.iter().find(|file| file.file_name().is_some_and(|n| n == name)).cloned();
    }
    let folder = truth.parent()?;
    let beside = [folder.join(name), folder.join("../docs").join(name)];
    beside.into_iter().find(|file| file.exists())
}

/// The lessons in a file.
pub(super) fn load(path: &Path) -> anyhow::Result<Vec<Lesson>> {
    let text = fs::read_to_string(path).with_context(|| format!("failed to read {}", path.display()))?;
    let parse = |(at, line): (usize, &str)| {
        serde_json::from_str(line)
            .with_context(|| format!("line {} of {} is no lesson", at + 1, path.display()))
    };
    text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty()).map(parse).collect()
}

/// Writes the lessons beside their place first, so that a crash leaves the old ones.
fn save(path: &Path, lessons: &[Lesson]) -> anyhow::Result<()> {
    let mut text = String::new();
    for lesson in lessons {
        text.push_str(&serde_json::to_string(lesson)?);
        text.push('\n');
    }
    let new = path.with_extension("new");
    fs::write(&new, text)
        .and_then(|()| fs::rename(&new, path))
        .with_context(|| format!("failed to write {}", path.display()))
}
