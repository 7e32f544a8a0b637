//! A page of pixels into a page of words: prepared, read by OCR, and mapped back to the page as it came.
//!
//! Which way up and which language are settled by result: a part of the page is read and judged.

use super::{
    ocr::{Cut, Engines, Seen, calibrate},
    passes::{first_pass, second_looks},
    prepare::{Look, Ready, clean, look_at, prepare},
    raster::Frame,
    rules::{Rule, take_rules},
};
use crate::model::page::{How, Page, Rect, Ruling, Sheet, Word};
use whatlang::{Detector, Lang};

/// Below this share of plausible letters a page is tried another way up.
const PLAUSIBLE: f32 = 0.6;
/// Fewer letters than this do not tell which way is up.
const TELLING_LETTERS: f32 = 24.0;
/// Fewer words than this do not tell the language.
const TELLING_WORDS: usize = 8;
/// Points in an inch.
const POINTS: f32 = 72.0;

/// Which languages a document may have, and what its pages so far have shown.
pub(super) struct Tongue {
    may: Vec<String>,
    /// The model of the language that the pages are in.
    model: Option<&'static str>,
    /// How the page before lay.
    turned: Option<u16>,
}

impl Tongue {
    pub(super) fn new(languages: &[String]) -> Self {
        Self { may: languages.to_vec(), model: None, turned: None }
    }

    /// The model of the language that some words are in; none if they do not tell.
    fn hear(&self, engines: &Engines, words: &[Seen]) -> Option<&'static str> {
        let may: Vec<&str> = self.may.iter().map(String::as_str).filter(|l| *l != "en").collect();
        if engines.models(&may).is_empty() {
            return None;
        }
        let codes = may.iter().copied().chain(["en"]).filter_map(detectable).collect();
        let text: Vec<&str> = words.iter().filter(|w| is_wordlike(w)).map(|w| w.text.as_str()).collect();
        if text.len() < TELLING_WORDS {
            return None;
        }
        let found = Detector::with_allowlist(codes).detect_lang(&text.join(" "))?;
        let (code, _) = DETECTABLE.iter().find(|(_, lang)| *lang == found)?;
        engines.models(&[code]).first().copied()
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
    let frame = tracing::debug_span!("clean").in_scope(|| clean(frame));
    let look = tracing::debug_span!("look").in_scope(|| look_at(&frame));
    let Some(Draft { ready, turned, model, words, rules }) = read_upright(engines, tongue, &frame, &look)
    else {
        return page;
    };
    page.turned = turned;
    let seen = second_looks(engines, &[model], &ready.gray, ready.dpi, words);
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

/// A page after its first pass.
struct Draft {
    /// Upright, without ruling lines.
    ready: Ready,
    /// How far the page as shown is turned clockwise, in degrees.
    turned: u16,
    model: &'static str,
    words: Vec<Seen>,
    rules: Vec<Rule>,
}

/// The first pass over a page, the right way up and in its language. What the pages before have shown is tried first;
/// a part of the page tells if there is nothing to go by, or if that goes wrong.
fn read_upright(engines: &mut Engines, tongue: &mut Tongue, frame: &Frame, look: &Look) -> Option<Draft> {
    let english = engines.models(&["en"]).first().copied()?;
    let usual = tongue.turned.filter(|turned| (turned % 180 == 90) == look.sideways).zip(tongue.model);
    let mut draft = match usual {
        Some((turned, model)) => {
            read_whole(engines, frame, look, turned, model).filter(|draft| reads_well(&draft.words))
        }
        None => None,
    };
    if draft.is_none() {
        let (turned, sample) = find_way_up(engines, english, frame, look);
        let model = tongue.hear(engines, &sample).or(tongue.model).unwrap_or(english);
        draft = read_whole(engines, frame, look, turned, model);
    }
    let mut draft = draft?;
    // the whole page knows better than a part of it
    if let Some(model) = tongue.hear(engines, &draft.words) {
        if model != draft.model {
            draft.words = first_pass(engines, &[model], &draft.ready.gray, draft.ready.dpi);
            draft.model = model;
        }
        tongue.model = Some(model);
    }
    tongue.turned = reads_well(&draft.words).then_some(draft.turned);
    Some(draft)
}

fn read_whole(
    engines: &mut Engines,
    frame: &Frame,
    look: &Look,
    turned: u16,
    model: &'static str,
) -> Option<Draft> {
    let mut ready = tracing::debug_span!("prepare").in_scope(|| prepare(frame, look, turned, 0.0..1.0))?;
    let rules = tracing::debug_span!("rules").in_scope(|| take_rules(&mut ready.gray, ready.dpi));
    let words = first_pass(engines, &[model], &ready.gray, ready.dpi);
    Some(Draft { ready, turned, model, words, rules })
}

/// How far a page is turned clockwise, and a part of it read that way: the likely ways are tried on the rows with
/// most letters until one reads well, else the best is taken.
fn find_way_up(engines: &mut Engines, model: &str, frame: &Frame, look: &Look) -> (u16, Vec<Seen>) {
    let _span = tracing::debug_span!("sample").entered();
    let ways: [u16; 4] = if look.sideways { [90, 270, 0, 180] } else { [0, 180, 90, 270] };
    let mut best: Option<(f32, u16, Vec<Seen>)> = None;
    for turned in ways {
        let Some(mut ready) = prepare(frame, look, turned, look.busiest_rows(turned)) else { continue };
        take_rules(&mut ready.gray, ready.dpi);
        let sample = engines.recognise(&[model], &ready.gray, ready.dpi, Cut::Block).unwrap_or_default();
        let letters = good_letters(&sample);
        let sure = reads_well(&sample);
        if best.as_ref().is_none_or(|(most, ..)| letters > *most) {
            best = Some((letters, turned, sample));
        }
        if sure {
            break;
        }
    }
    best.map_or((0, Vec::new()), |(_, turned, sample)| (turned, sample))
}

/// Whether words look like text that is the right way up.
fn reads_well(words: &[Seen]) -> bool {
    let letters = good_letters(words);
    letters >= TELLING_LETTERS && letters >= PLAUSIBLE * all_letters(words)
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

/// How many letters stand in words that look right; lone letters and pairs of them are found in any noise.
fn good_letters(words: &[Seen]) -> f32 {
    words.iter().filter(|w| w.raw_confidence > 65.0 && letters(w) >= 3.0).map(letters).sum()
}

fn make_word(seen: &Seen, bbox: Rect, dpi: f32) -> Option<Word> {
    let text = seen.text.trim_matches(['|', '¦']).to_owned();
    let size_pt = (seen.bounds[3] - seen.bounds[1]) / dpi * POINTS;
    let confidence = calibrate(seen.raw_confidence, &text);
    (!text.is_empty()).then_some(Word { text, bbox, confidence, size_pt, bold: false })
}
