//! A page of pixels into a page of words: prepared, read by OCR, and mapped back to the page as it came.
//!
//! Which way up and which language are settled by result: a part of the page is read and judged.

use super::{
    ocr::{Cut, Engines, Seen, calibrate},
    passes::read_words,
    prepare::{Ready, clean, look_at, prepare},
    raster::Frame,
    rules::take_rules,
};
use crate::model::page::{How, Page, Rect, Ruling, Sheet, Word};
use image::{GrayImage, imageops};
use whatlang::{Detector, Lang};

/// Below this share of plausible letters a page is tried another way up.
const PLAUSIBLE: f32 = 0.6;
/// Fewer letters than this do not tell which way is up.
const TELLING_LETTERS: f32 = 24.0;
/// Points in an inch.
const POINTS: f32 = 72.0;

/// Which languages a document may have, and which it has once that is known.
pub(super) struct Tongue {
    may: Vec<String>,
    model: Option<&'static str>,
}

impl Tongue {
    pub(super) fn new(languages: &[String]) -> Self {
        Self { may: languages.to_vec(), model: None }
    }

    /// The models to read with: of the one language that a part of the page turns out to be in.
    fn find_models(&mut self, engines: &Engines, sample: &[Seen]) -> Vec<&'static str> {
        if let Some(model) = self.model {
            return vec![model];
        }
        let may: Vec<&str> = self.may.iter().map(String::as_str).filter(|l| *l != "en").collect();
        let english = engines.models(&["en"]);
        if engines.models(&may).is_empty() {
            return english;
        }
        let codes = may.iter().copied().chain(["en"]).filter_map(detectable).collect();
        let text: Vec<&str> = sample.iter().filter(|w| is_wordlike(w)).map(|w| w.text.as_str()).collect();
        let found = Detector::with_allowlist(codes).detect_lang(&text.join(" "));
        let code = found.and_then(|lang| DETECTABLE.iter().find(|(_, l)| *l == lang)).map(|(code, _)| *code);
        let models = code.map_or(english, |code| engines.models(&[code]));
        if text.len() >= 8 {
            self.model = models.first().copied();
        }
        models
    }
}

/// ISO 639-1 codes and the names that the detector uses.
const DETECTABLE: &[(&str, Lang)] = &[
    ("en", Lang::Eng),
    ("de", Lang::Deu),
    ("sv", Lang::Swe),
    ("fr", Lang::Fra),
    ("da", Lang::Dan),
    ("nb", Lang::Nob),
    ("no", Lang::Nob),
    ("fi", Lang::Fin),
    ("nl", Lang::Nld),
    ("it", Lang::Ita),
    ("es", Lang::Spa),
    ("pt", Lang::Por),
    ("pl", Lang::Pol),
    ("cs", Lang::Ces),
];

fn detectable(code: &str) -> Option<Lang> {
    DETECTABLE.iter().find(|(c, _)| *c == code).map(|(_, lang)| *lang)
}

/// Reads one frame.
pub(super) fn read_frame(engines: &mut Engines, tongue: &mut Tongue, frame: Frame, number: u32) -> Page {
    let (width, height) = (frame.gray.width() as f32, frame.gray.height() as f32);
    let mut page = Page::empty(number, width / frame.dpi_x * POINTS, height / frame.dpi_y * POINTS, How::Ocr);
    let frame = clean(frame);
    let Some(Upright { mut ready, turned, sample }) = find_way_up(engines, &frame) else { return page };
    page.turned = turned;
    let models = tongue.find_models(engines, &sample);
    let rules = take_rules(&mut ready.gray, ready.dpi);
    let seen = read_words(engines, &models, &ready.gray, ready.dpi);
    let place = |[x0, y0, x1, y1]: [f32; 4]| {
        let shown = |point| {
            let (x, y) = ready.to_original(point);
            (x / width, y / height)
        };
        Rect { x0, y0, x1, y1 }.moved(shown).on_page()
    };
    page.sheet = ready.askew.then(|| find_sheet(&ready, width, height));
    page.words = seen.iter().filter_map(|word| make_word(word, place(word.bounds), ready.dpi)).collect();
    page.rulings = rules
        .iter()
        .map(|r| Ruling {
            bbox: place([r.left as f32, r.top as f32, r.right as f32, r.bottom as f32]),
            horizontal: r.horizontal == (turned % 180 == 0),
        })
        .collect();
    page
}

fn find_sheet(ready: &Ready, width: f32, height: f32) -> Sheet {
    let (right, bottom) = (ready.gray.width() as f32, ready.gray.height() as f32);
    let corners = [(0.0, 0.0), (right, 0.0), (right, bottom), (0.0, bottom)].map(|corner| {
        let (x, y) = ready.to_original(corner);
        (x / width, y / height)
    });
    Sheet { corners, width_pt: right / ready.dpi * POINTS, height_pt: bottom / ready.dpi * POINTS }
}

/// A page upright.
struct Upright {
    ready: Ready,
    /// How far the page as shown is turned clockwise, in degrees.
    turned: u16,
    /// Words of a part of the page, read as English.
    sample: Vec<Seen>,
}

/// The page upright: the likely ways up are tried on a part of it until one reads well, else the best is taken.
fn find_way_up(engines: &mut Engines, frame: &Frame) -> Option<Upright> {
    let look = look_at(frame);
    let ways: [u16; 4] = if look.sideways { [90, 270, 0, 180] } else { [0, 180, 90, 270] };
    let english = engines.models(&["en"]);
    let mut best: Option<(f32, Upright)> = None;
    for turned in ways {
        let Some(ready) = prepare(frame, &look, turned) else { continue };
        let sample = engines
            .recognise(&english, &busiest_part(&ready.gray), ready.dpi, Cut::Block)
            .unwrap_or_default();
        let letters = good_letters(&sample);
        let sure = letters >= TELLING_LETTERS && letters >= PLAUSIBLE * all_letters(&sample);
        if best.as_ref().is_none_or(|(most, _)| letters > *most) {
            best = Some((letters, Upright { ready, turned, sample }));
        }
        if sure {
            break;
        }
    }
    best.map(|(_, upright)| upright)
}

/// A band of the page with much ink on it.
fn busiest_part(gray: &GrayImage) -> GrayImage {
    const BANDS: u32 = 7;
    const DARK: u8 = 128;
    let (width, height) = gray.dimensions();
    let band = (height / BANDS).max(1);
    let ink = |top: u32| {
        let rows = (top..(top + band).min(height)).step_by(4);
        rows.map(|y| (0..width).step_by(4).filter(|x| gray.get_pixel(*x, y).0 < [DARK]).count())
            .sum::<usize>()
    };
    let tops = (0..BANDS * 2 - 1).map(|i| i * band / 2);
    let top = tops.max_by_key(|top| ink(*top)).unwrap_or(0);
    imageops::crop_imm(gray, 0, top, width, band).to_image()
}

fn is_wordlike(word: &Seen) -> bool {
    word.raw_confidence > 60.0 && word.text.chars().filter(|c| c.is_alphabetic()).count() >= 3
}

fn letters(word: &Seen) -> f32 {
    word.text.chars().filter(|c| c.is_alphanumeric()).count() as f32
}

fn all_letters(words: &[Seen]) -> f32 {
    words.iter().map(letters).sum()
}

/// How many letters stand in words that look right; lone letters are found in any noise.
fn good_letters(words: &[Seen]) -> f32 {
    words.iter().filter(|w| w.raw_confidence > 65.0 && letters(w) >= 2.0).map(letters).sum()
}

fn make_word(seen: &Seen, bbox: Rect, dpi: f32) -> Option<Word> {
    let text = seen.text.trim_matches(['|', '¦']).to_owned();
    let size_pt = (seen.bounds[3] - seen.bounds[1]) / dpi * POINTS;
    let confidence = calibrate(seen.raw_confidence, &text);
    (!text.is_empty()).then_some(Word { text, bbox, confidence, size_pt, bold: false })
}
