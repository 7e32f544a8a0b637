//! Pixels into words: Tesseract on the system library, one warm handle for each set of languages.
//!
//! Expects an upright grey page; [`super::prepare`] makes it so. Confidence is Tesseract's own, made honest by
//! [`calibrate`].

use image::GrayImage;
use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};
use tesseract_rs::{TessPageSegMode, TesseractAPI};

/// A word on the page that was given to Tesseract, in its pixels.
#[derive(Clone, Debug)]
pub(super) struct Seen {
    pub(super) text: String,
    /// Left, top, right, bottom.
    pub(super) bounds: [f32; 4],
    /// Tesseract's own, 0 to 100.
    pub(super) raw_confidence: f32,
}

/// How Tesseract is to cut the page.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Mode {
    /// A column of text of various sizes: best for tables.
    Column,
    /// One even block.
    Block,
    /// One line.
    Line,
}

/// Warm OCR engines.
pub(super) struct Engines {
    tessdata: Option<PathBuf>,
    warm: BTreeMap<String, TesseractAPI>,
}

/// ISO 639-1 to the names of Tesseract's models.
pub(super) const MODELS: &[(&str, &str)] = &[
    ("en", "eng"),
    ("de", "deu"),
    ("sv", "swe"),
    ("fr", "fra"),
    ("da", "dan"),
    ("nb", "nor"),
    ("no", "nor"),
    ("fi", "fin"),
    ("nl", "nld"),
    ("it", "ita"),
    ("es", "spa"),
    ("pt", "por"),
    ("pl", "pol"),
    ("cs", "ces"),
];

/// Where distributions keep the models.
const TESSDATA_FOLDERS: &[&str] = &[
    "/usr/share/tesseract-ocr/5/tessdata",
    "/usr/share/tesseract-ocr/4.00/tessdata",
    "/usr/share/tessdata",
    "/usr/share/tesseract/tessdata",
    "/usr/local/share/tessdata",
    "/opt/homebrew/share/tessdata",
];

/// The folder of the models: the given one, or the first of the usual ones.
pub(super) fn find_tessdata(given: Option<&Path>) -> Option<PathBuf> {
    let usual = || TESSDATA_FOLDERS.iter().map(PathBuf::from).find(|p| p.is_dir());
    given.map(Path::to_path_buf).or_else(usual)
}

impl Engines {
    pub(super) fn new(tessdata: Option<PathBuf>) -> Self {
        Self { tessdata, warm: BTreeMap::new() }
    }

    /// The models for some languages, those that are installed.
    pub(super) fn models(&self, languages: &[&str]) -> Vec<&'static str> {
        let Some(folder) = &self.tessdata else { return Vec::new() };
        let mut models: Vec<&'static str> = Vec::new();
        for language in languages {
            let known = MODELS.iter().find(|(code, _)| code == language);
            if let Some((_, model)) = known
                && !models.contains(model)
                && folder.join(format!("{model}.traineddata")).is_file()
            {
                models.push(model);
            }
        }
        models
    }

    /// The words of an image. None if no model is installed or Tesseract fails.
    pub(super) fn recognise(
        &mut self,
        models: &[&str],
        image: &GrayImage,
        dpi: f32,
        cut: Mode,
    ) -> Option<Vec<Seen>> {
        let api = self.engine(models)?;
        let mode = match cut {
            Mode::Column => TessPageSegMode::PSM_SINGLE_COLUMN,
            Mode::Block => TessPageSegMode::PSM_SINGLE_BLOCK,
            Mode::Line => TessPageSegMode::PSM_SINGLE_LINE,
        };
        let (width, height) = (i32::try_from(image.width()).ok()?, i32::try_from(image.height()).ok()?);
        let words = api
            .set_page_seg_mode(mode)
            .and_then(|()| api.set_image(image.as_raw(), width, height, 1, width))
            .and_then(|()| api.set_source_resolution(dpi.round().clamp(70.0, 600.0) as i32))
            .and_then(|()| api.recognize())
            .and_then(|()| api.get_tsv_text(0))
            .map(|tsv| parse_tsv(&tsv));
        if let Err(error) = api.clear() {
            tracing::debug!(%error, "Tesseract kept its image");
        }
        words.ok()
    }

    fn engine(&mut self, models: &[&str]) -> Option<&TesseractAPI> {
        let key = models.join("+");
        if key.is_empty() {
            return None;
        }
        if !self.warm.contains_key(&key) {
            let _span = tracing::debug_span!("load").entered();
            let api = TesseractAPI::new();
            api.init(self.tessdata.as_ref()?, &key).ok()?;
            api.set_variable("tessedit_do_invert", "0").ok()?;
            self.warm.insert(key.clone(), api);
        }
        self.warm.get(&key)
    }
}

/// Word rows of Tesseract's table: level, page, block, paragraph, line, word, left, top, width, height, conf, text.
fn parse_tsv(tsv: &str) -> Vec<Seen> {
    let word = |row: &str| {
        let cells: Vec<&str> = row.split('\t').collect();
        let number = |i: usize| cells.get(i).and_then(|c| c.parse::<f32>().ok());
        let text = cells.get(11)?.trim();
        if *cells.first()? != "5" || text.is_empty() {
            return None;
        }
        let (left, top) = (number(6)?, number(7)?);
        Some(Seen {
            text: text.to_owned(),
            bounds: [left, top, left + number(8)?, top + number(9)?],
            raw_confidence: number(10)?,
        })
    };
    tsv.lines().filter_map(word).collect()
}

/// Tesseract's confidence in percent, and the share of words that are exact at it, by what a word is made of. Measured
/// on the scans, faxes and photos of the development documents: the words of `mailroom read --json` under the boxes
/// of known values, counted in bands of one to ten percent and rounded down. Tesseract is at its limit for codes:
/// nothing in `KR03296` tells a letter from a digit.
const CALIBRATION: [(Made, &[(f32, f32)]); 4] = [
    (
        Made::Letters,
        &[
            (0.0, 0.2),
            (50.0, 0.45),
            (80.0, 0.75),
            (85.0, 0.9),
            (90.0, 0.945),
            (92.0, 0.965),
            (94.0, 0.985),
            (97.0, 0.995),
        ],
    ),
    (
        Made::FewLetters,
        &[(0.0, 0.3), (50.0, 0.55), (80.0, 0.75), (90.0, 0.9), (95.0, 0.935), (96.0, 0.97), (97.0, 0.985)],
    ),
    (
        Made::Digits,
        &[
            (0.0, 0.3),
            (50.0, 0.5),
            (70.0, 0.8),
            (80.0, 0.9),
            (91.5, 0.945),
            (92.5, 0.965),
            (94.0, 0.985),
            (97.0, 0.995),
        ],
    ),
    (
        Made::Both,
        &[(0.0, 0.3), (60.0, 0.4), (75.0, 0.7), (80.0, 0.88), (85.0, 0.94), (91.0, 0.955), (93.0, 0.98)],
    ),
];

/// What a word is made of.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Made {
    Letters,
    FewLetters,
    Digits,
    Both,
}

fn made_of(text: &str) -> Made {
    const FEW: usize = 3;
    let letters = text.chars().filter(|c| c.is_alphabetic()).count();
    match (text.chars().any(|c| c.is_ascii_digit()), letters) {
        (true, 0) => Made::Digits,
        (true, _) => Made::Both,
        (false, n) if n > FEW => Made::Letters,
        (false, _) => Made::FewLetters,
    }
}

/// Tesseract's confidence as the share of words that are right at it.
pub(super) fn calibrate(raw: f32, text: &str) -> f32 {
    let made = made_of(text);
    let knots = CALIBRATION.iter().find(|(m, _)| *m == made).map_or(&[][..], |(_, knots)| knots);
    let above = knots.iter().find(|(at, _)| *at >= raw).or(knots.last());
    let below = knots.iter().rev().find(|(at, _)| *at < raw).or(knots.first());
    let (Some((x0, y0)), Some((x1, y1))) = (below, above) else { return 0.0 };
    if x1 <= x0 { *y1 } else { y0 + (y1 - y0) * (raw - x0) / (x1 - x0) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn confidence_rises_with_tesseracts_and_stays_a_share() {
        for text in ["Bolt", "kg", "1,284.50", "KS-20138"] {
            let shares: Vec<f32> = (-10..=1010).map(|raw| calibrate(raw as f32 / 10.0, text)).collect();
            assert!(shares.is_sorted() && shares.iter().all(|s| (0.0..1.0).contains(s)), "{text}");
        }
        assert!(calibrate(95.0, "4711") > 0.98 && calibrate(92.0, "KRO3296") < 0.98);
    }

    #[test]
    fn word_rows_are_kept() {
        let tsv = "1\t1\t0\t0\t0\t0\t0\t0\t9\t9\t-1\t\n5\t1\t2\t1\t3\t1\t10\t20\t30\t8\t96.5\tBolt\n5\t1\t2\t1\t3\t2\t50\t20\t30\t8\t95\t \n";
        let words = parse_tsv(tsv);
        assert_eq!(words.len(), 1);
        assert_eq!((words[0].text.as_str(), words[0].bounds), ("Bolt", [10., 20., 40., 28.]));
    }
}
