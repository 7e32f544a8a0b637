//! `mailroom read`: the pages as the program sees them.

use crate::{
    model::page::{How, Page, Pages},
    reader::{Config, Options, ReadError, Reader},
};
use anyhow::Context as _;
use clap::Args as ClapArgs;
use futures::StreamExt as _;
use image::{ImageFormat, Rgb, RgbImage};
use serde_json::json;
use std::{
    fs,
    io::{BufWriter, Cursor, Write},
    path::{Path, PathBuf},
    process::ExitCode,
};

/// Shows the pages of documents as the program reads them: how, which words, and where.
#[derive(Debug, ClapArgs)]
#[command(after_help = "Example: mailroom read order.pdf fax.tif --language de --picture /tmp/pages")]
pub struct Args {
    /// The documents.
    #[arg(required = true, value_name = "FILE")]
    pub files: Vec<PathBuf>,

    /// One JSON object a page: file, page, how, words with box and confidence.
    #[arg(long)]
    pub json: bool,

    /// Draws each page with the boxes of its words into this folder.
    #[arg(long, value_name = "FOLDER")]
    pub picture: Option<PathBuf>,

    /// Language that OCR expects besides English, as ISO 639-1 code; repeatable.
    #[arg(long, value_name = "CODE", default_values = ["de", "sv", "fr"])]
    pub language: Vec<String>,

    /// Reads the pixels of every page, even where a text layer looks sound.
    #[arg(long)]
    pub force_ocr: bool,

    /// Password to try on encrypted files; repeatable.
    #[arg(long, value_name = "PASSWORD")]
    pub password: Vec<String>,
}

/// Width of the pictures that `--picture` draws.
const PICTURE_WIDTH_PX: u32 = 1240;

/// Reads all files in parallel and prints them in the order given.
pub async fn run(args: Args, config: Config) -> anyhow::Result<ExitCode> {
    let reader = Reader::start(config);
    let options = Options { languages: args.language, force_ocr: args.force_ocr, passwords: args.password };
    if let Some(folder) = &args.picture {
        fs::create_dir_all(folder).with_context(|| format!("failed to make folder {}", folder.display()))?;
    }
    let mut results = futures::stream::iter(&args.files)
        .map(|path| read_one(&reader, path, &options))
        .buffered(reader.processes() * 2);
    let mut to = BufWriter::new(std::io::stdout().lock());
    let mut code = ExitCode::SUCCESS;
    for path in &args.files {
        let Some(result) = results.next().await else { break };
        let name = path.file_name().map_or_else(String::new, |n| n.to_string_lossy().into_owned());
        match result? {
            (_, Err(error)) => {
                code = ExitCode::FAILURE;
                report_failure(&mut to, &name, &error, args.json)?;
            }
            (bytes, Ok(pages)) => {
                if args.json {
                    print_json(&mut to, &name, &pages)?;
                } else {
                    print_text(&mut to, &name, &pages)?;
                }
                if let Some(folder) = &args.picture {
                    draw_pages(&reader, folder, &name, &bytes, &pages, &options.passwords).await?;
                }
            }
        }
        to.flush()?;
    }
    Ok(code)
}

async fn read_one(
    reader: &Reader,
    path: &Path,
    options: &Options,
) -> anyhow::Result<(Vec<u8>, Result<Pages, ReadError>)> {
    let bytes = tokio::fs::read(path).await.with_context(|| format!("failed to read {}", path.display()))?;
    let pages = reader.read(&bytes, options).await;
    Ok((bytes, pages))
}

fn report_failure(to: &mut impl Write, name: &str, error: &ReadError, as_json: bool) -> anyhow::Result<()> {
    if as_json {
        writeln!(to, "{}", json!({"file": name, "error": error.to_string()}))?;
    } else {
        writeln!(to, "{name}: {error}")?;
    }
    Ok(())
}

fn print_json(to: &mut impl Write, name: &str, pages: &Pages) -> anyhow::Result<()> {
    for page in &pages.pages {
        let mut line = json!({"file": name, "page": page.number, "how": page.how, "words": page.words});
        if let Some(object) = line.as_object_mut() {
            if !page.fields.is_empty() {
                object.insert("fields".to_owned(), json!(page.fields));
            }
            if page.turned != 0 {
                object.insert("turned".to_owned(), json!(page.turned));
            }
        }
        writeln!(to, "{line}")?;
    }
    if pages.pages.is_empty() {
        writeln!(to, "{}", json!({"file": name, "page": 0, "words": [], "findings": pages.findings}))?;
    }
    Ok(())
}

fn print_text(to: &mut impl Write, name: &str, pages: &Pages) -> anyhow::Result<()> {
    let count = pages.pages.len();
    writeln!(to, "{name}: {}, {count} page{}", pages.format, if count == 1 { "" } else { "s" })?;
    for finding in &pages.findings {
        writeln!(to, "  ! {} ({})", finding.message, finding.code)?;
    }
    for embedded in &pages.embedded {
        writeln!(to, "  + {} ({} bytes)", embedded.name, embedded.bytes.len())?;
    }
    for page in &pages.pages {
        let how = match page.how {
            How::TextLayer => "text layer",
            How::Ocr => "OCR",
            How::Sheet => "sheet",
            How::Text => "text",
        };
        let sure = page.words.iter().map(|w| w.confidence).sum::<f32>() / page.words.len().max(1) as f32;
        writeln!(
            to,
            "-- page {} of {count}: {how}, {} words, {:.0} % sure",
            page.number,
            page.words.len(),
            sure * 100.0
        )?;
        write!(to, "{}", lay_out(page))?;
        for field in &page.fields {
            writeln!(to, "   [{}] {:?}", field.name, field.value)?;
        }
    }
    Ok(())
}

/// The page on a grid of characters.
fn lay_out(page: &Page) -> String {
    const COLUMNS: f32 = 132.0;
    let mut words: Vec<_> = page.words.iter().collect();
    words.sort_by(|a, b| (a.bbox.y0 + a.bbox.y1).total_cmp(&(b.bbox.y0 + b.bbox.y1)));
    let mut lines: Vec<(f32, Vec<_>)> = Vec::new();
    for word in words {
        let middle = f32::midpoint(word.bbox.y0, word.bbox.y1);
        match lines.last_mut() {
            Some((bottom, line)) if middle < *bottom => line.push(word),
            _ => lines.push((word.bbox.y1, vec![word])),
        }
    }
    let mut text = String::new();
    for (_, mut line) in lines {
        line.sort_by(|a, b| a.bbox.x0.total_cmp(&b.bbox.x0));
        let mut column = 0;
        for word in line {
            let at = (word.bbox.x0 * COLUMNS) as usize;
            let blanks = at.saturating_sub(column).max(usize::from(column > 0));
            text.extend(std::iter::repeat_n(' ', blanks));
            text.push_str(&word.text);
            column += blanks + word.text.chars().count();
        }
        text.push('\n');
    }
    text
}

async fn draw_pages(
    reader: &Reader,
    folder: &Path,
    name: &str,
    bytes: &[u8],
    pages: &Pages,
    passwords: &[String],
) -> anyhow::Result<()> {
    for page in &pages.pages {
        let mut picture = match reader.picture(bytes, page.number, PICTURE_WIDTH_PX, passwords).await {
            Ok(png) => image::load_from_memory_with_format(&png, ImageFormat::Png)?.into_rgb8(),
            Err(ReadError::Unreadable { .. }) => blank_picture(page),
            Err(error) => {
                return Err(error).context(format!("failed to draw page {} of {name}", page.number));
            }
        };
        for word in &page.words {
            let doubt = ((1.0 - word.confidence) * 2.0).clamp(0.0, 1.0);
            let colour = Rgb([(220.0 * doubt) as u8, (160.0 * (1.0 - doubt)) as u8, 40]);
            draw_box(&mut picture, word.bbox.into(), colour);
        }
        for field in &page.fields {
            draw_box(&mut picture, field.bbox.into(), Rgb([20, 60, 220]));
        }
        let path = folder.join(format!("{name}-{}.png", page.number));
        let mut png = Vec::new();
        picture.write_to(&mut Cursor::new(&mut png), ImageFormat::Png)?;
        fs::write(&path, png).with_context(|| format!("failed to write {}", path.display()))?;
    }
    Ok(())
}

fn blank_picture(page: &Page) -> RgbImage {
    let height = PICTURE_WIDTH_PX as f32 * page.height_pt / page.width_pt.max(1.0);
    RgbImage::from_pixel(PICTURE_WIDTH_PX, (height as u32).clamp(1, 20_000), Rgb([255; 3]))
}

fn draw_box(picture: &mut RgbImage, [x0, y0, x1, y1]: [f32; 4], colour: Rgb<u8>) {
    let (width, height) = (picture.width(), picture.height());
    let x = |f: f32| ((f * width as f32) as u32).min(width.saturating_sub(1));
    let y = |f: f32| ((f * height as f32) as u32).min(height.saturating_sub(1));
    for column in x(x0)..=x(x1) {
        picture.put_pixel(column, y(y0), colour);
        picture.put_pixel(column, y(y1), colour);
    }
    for row in y(y0)..=y(y1) {
        picture.put_pixel(x(x0), row, colour);
        picture.put_pixel(x(x1), row, colour);
    }
}
