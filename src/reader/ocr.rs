//! Pixels into words, with Tesseract's models: lines by their networks, which [`super::net`] runs, and whole pages by
//! Tesseract itself on the system library, which also reads lines with models that we cannot run. One warm engine for
//! each set of languages.
//!
//! Expects an upright grey page; [`super::prepare`] makes it so. Confidence is on Tesseract's scale, made honest by
//! [`calibrate`].

use super::net::{MODEL_BYTES_MAX, Net, Spoken};
use image::GrayImage;
use std::{
    collections::BTreeMap,
    fs::File,
    io::Read,
    path::{Path, PathBuf},
};
use tesseract_rs::{TessPageSegMode, TesseractAPI};

/// A word on the page that was given to Tesseract, in its pixels.
#[derive(Clone, Debug)]
pub(super) struct Seen {
    pub(super) text: String,
    /// Left, top, right, bottom.
    pub(super) bounds: [f32; 4],
    /// That of the reader, 0 to 100.
    pub(super) raw_confidence: f32,
    pub(super) by: Reader,
}

/// Who read a word.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Reader {
    /// Tesseract itself.
    Tesseract,
    /// Its network, run by ourselves.
    Network,
}

impl Seen {
    /// A word that a network read, on the scale of Tesseract's confidence.
    fn spoken(word: Spoken, height: u32) -> Self {
        Self {
            text: word.text,
            bounds: [word.start, 0.0, word.end, height as f32],
            raw_confidence: (100.0 + CONFIDENCE_SCALE * word.chance.ln()).max(0.0),
            by: Reader::Network,
        }
    }
}

/// Tesseract's confidence falls by so much where the chance of the least sure character falls by a factor of e:
/// 35 for words that it knows, 79 for others.
const CONFIDENCE_SCALE: f32 = 50.0;

/// How Tesseract is to cut the page.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Mode {
    /// A column of text of various sizes: best for tables.
    Column,
    /// One line.
    Line,
}

/// Warm OCR engines.
pub(super) struct Engines {
    tessdata: Option<PathBuf>,
    warm: BTreeMap<String, TesseractAPI>,
    /// Networks by model; none for those that only Tesseract can run.
    nets: BTreeMap<String, Option<Net>>,
    /// Lines are read by the networks, not by Tesseract.
    pub(super) fast: bool,
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
        Self { tessdata, warm: BTreeMap::new(), nets: BTreeMap::new(), fast: false }
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

    /// The words of pictures of one line each: by the model's network, many lines at once, or by Tesseract.
    pub(super) fn recognise_lines(&mut self, models: &[&str], lines: &[(&GrayImage, f32)]) -> Vec<Vec<Seen>> {
        if self.fast
            && let [model] = models
            && let Some(net) = self.net(model)
        {
            let _span = tracing::debug_span!("net").entered();
            let pictures: Vec<&GrayImage> = lines.iter().map(|(image, _)| *image).collect();
            let seen = |(image, words): (&&GrayImage, Vec<Spoken>)| {
                words.into_iter().map(|word| Seen::spoken(word, image.height())).collect()
            };
            return pictures.iter().zip(net.read(&pictures)).map(seen).collect();
        }
        let _span = tracing::debug_span!("line").entered();
        let read = |(image, dpi): &(&GrayImage, f32)| self.recognise(models, image, *dpi, Mode::Line);
        lines.iter().map(read).map(Option::unwrap_or_default).collect()
    }

    /// The network of a model. None if only Tesseract can run it.
    fn net(&mut self, model: &str) -> Option<&Net> {
        if !self.nets.contains_key(model) {
            let _span = tracing::debug_span!("load").entered();
            let net = self.open_net(model);
            self.nets.insert(model.to_owned(), net);
        }
        self.nets.get(model)?.as_ref()
    }

    fn open_net(&self, model: &str) -> Option<Net> {
        let path = self.tessdata.as_ref()?.join(format!("{model}.traineddata"));
        let mut bytes = Vec::new();
        File::open(&path).ok()?.take(MODEL_BYTES_MAX).read_to_end(&mut bytes).ok()?;
        let net = Net::open(&bytes);
        if let Err(error) = &net {
            tracing::warn!(model, %error, "Tesseract itself reads with this model, which is slower");
        }
        net.ok()
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
            by: Reader::Tesseract,
        })
    };
    tsv.lines().filter_map(word).collect()
}

/// By what a word is made of: confidence in percent, and the share of words that are right at it.
type Calibration = [(Made, &'static [(f32, f32)]); 4];

/// The same for networks that we run: half of their words are all but certain, and most of what they doubt is right.
const NETWORK_CALIBRATION: Calibration = [
    (
        Made::Letters,
        &[
            (0.0, 0.2),
            (60.0, 0.3),
            (75.0, 0.55),
            (80.0, 0.68),
            (88.0, 0.82),
            (92.0, 0.89),
            (97.0, 0.91),
            (98.5, 0.94),
            (99.7, 0.949),
            (99.8, 0.985),
            (100.0, 0.992),
        ],
    ),
    (
        Made::FewLetters,
        &[
            (0.0, 0.3),
            (60.0, 0.5),
            (80.0, 0.8),
            (90.0, 0.85),
            (94.0, 0.92),
            (97.0, 0.94),
            (99.95, 0.949),
            (100.0, 0.985),
        ],
    ),
    (
        Made::Digits,
        &[
            (0.0, 0.3),
            (50.0, 0.5),
            (75.0, 0.75),
            (80.0, 0.83),
            (88.0, 0.9),
            (94.0, 0.92),
            (97.0, 0.94),
            (99.4, 0.949),
            (99.5, 0.98),
            (100.0, 0.99),
        ],
    ),
    (
        Made::Both,
        &[
            (0.0, 0.2),
            (60.0, 0.25),
            (75.0, 0.4),
            (80.0, 0.58),
            (88.0, 0.7),
            (94.0, 0.8),
            (97.0, 0.9),
            (98.4, 0.949),
            (98.5, 0.98),
            (100.0, 0.985),
        ],
    ),
];

/// Tesseract's confidence in percent, and the share of words that are exact at it, by what a word is made of. Measured
/// on the scans, faxes and photos of the development documents: the words of `mailroom read --json` under the boxes
/// of known values, counted in bands of one to ten percent and rounded down. Tesseract is at its limit for codes:
/// nothing in `KR03296` tells a letter from a digit.
const CALIBRATION: Calibration = [
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

/// The reader's confidence as the share of words that are right at it.
pub(super) fn calibrate(raw: f32, text: &str, by: Reader) -> f32 {
    let made = made_of(text);
    let table = match by {
        Reader::Tesseract => &CALIBRATION,
        Reader::Network => &NETWORK_CALIBRATION,
    };
    let knots = table.iter().find(|(m, _)| *m == made).map_or(&[][..], |(_, knots)| knots);
    let above = knots.iter().find(|(at, _)| *at >= raw).or(knots.last());
    let below = knots.iter().rev().find(|(at, _)| *at < raw).or(knots.first());
    let (Some((x0, y0)), Some((x1, y1))) = (below, above) else { return 0.0 };
    if x1 <= x0 { *y1 } else { y0 + (y1 - y0) * (raw - x0) / (x1 - x0) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn confidence_rises_with_the_readers_and_stays_a_share() {
        for (text, by) in ["Bolt", "kg", "1,284.50", "KS-20138"]
            .into_iter()
            .flat_map(|text| [(text, Reader::Tesseract), (text, Reader::Network)])
        {
            let shares: Vec<f32> = (-10..=1010).map(|raw| calibrate(raw as f32 / 10.0, text, by)).collect();
            assert!(shares.is_sorted() && shares.iter().all(|s| (0.0..1.0).contains(s)), "{text}, {by:?}");
        }
        assert!(calibrate(95.0, "4711", Reader::Tesseract) > 0.98);
        assert!(calibrate(92.0, "KRO3296", Reader::Tesseract) < 0.98);
    }

    #[test]
    fn word_rows_are_kept() {
        let tsv = "1\t1\t0\t0\t0\t0\t0\t0\t9\t9\t-1\t\n5\t1\t2\t1\t3\t1\t10\t20\t30\t8\t96.5\tBolt\n5\t1\t2\t1\t3\t2\t50\t20\t30\t8\t95\t \n";
        let words = parse_tsv(tsv);
        assert_eq!(words.len(), 1);
        assert_eq!((words[0].text.as_str(), words[0].bounds), ("Bolt", [10., 20., 40., 28.]));
    }
}
