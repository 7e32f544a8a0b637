//! A page of pixels into a page of words: prepared, read by OCR, and mapped back to the page as it came.
//!
//! Which way up and which language are settled by result: a part of the page is read and judged.

use super::{
    boxes::{CheckBox, add_boxes, take_boxes},
    light::darken_letters,
    ocr::{Engines, Seen, calibrate},
    pack::Line,
    passes::{cut_lines, read_flipped, read_lines, read_whole, second_looks},
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
/// So many letters of a page are read to see which way is up and in what language.
const SAMPLE_LETTERS: usize = 300;
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
    let Some(Draft { cut, model, words }) = read_upright(engines, tongue, &frame, &look) else {
        return page;
    };
    let Cut { ready, turned, rules, boxes, .. } = cut;
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
    page.words = words_with_boxes(&seen, &boxes, &ready);
    page.words.iter_mut().for_each(|word| word.bbox = place(<[f32; 4]>::from(word.bbox)));
    page.rulings = rules
        .iter()
        .map(|r| Ruling {
            bbox: place([r.left as f32, r.top as f32, r.right as f32, r.bottom as f32]),
            horizontal: r.horizontal == (turned % 180 == 0),
        })
        .collect();
    page
}

/// What was read and the check boxes among it, in pixels of the upright page.
fn words_with_boxes(seen: &[Seen], boxes: &[CheckBox<[u32; 4]>], ready: &Ready) -> Vec<Word> {
    let mut words: Vec<Word> = seen.iter().filter_map(|word| make_word(word, ready.dpi)).collect();
    let boxes: Vec<_> = boxes
        .iter()
        .map(|found| CheckBox { bounds: Rect::from(found.bounds.map(|v| v as f32)), ticked: found.ticked })
        .collect();
    add_boxes(&mut words, &boxes, (ready.dpi, ready.dpi));
    words
}

fn find_sheet(ready: &Ready, width: f32, height: f32) -> Sheet {
    let (right, bottom) = (ready.gray.width() as f32, ready.gray.height() as f32);
    let corners = [(0.0, 0.0), (right, 0.0), (right, bottom), (0.0, bottom)].map(|corner| {
        let (x, y) = ready.to_original(corner);
        (x / width, y / height)
    });
    Sheet { corners, width_pt: right / ready.dpi * POINTS, height_pt: bottom / ready.dpi * POINTS }
}

/// An upright page without ruling lines, cut into lines.
struct Cut {
    ready: Ready,
    /// How far the page as shown is turned clockwise, in degrees.
    turned: u16,
    rules: Vec<Rule>,
    boxes: Vec<CheckBox<[u32; 4]>>,
    lines: Vec<Line>,
}

/// A page after its first pass.
struct Draft {
    cut: Cut,
    model: &'static str,
    words: Vec<Seen>,
}

impl Cut {
    /// The same page upside down.
    fn turn_over(mut self) -> Self {
        self.ready.turn_over();
        let (width, height) = self.ready.gray.dimensions();
        for rule in &mut self.rules {
            (rule.left, rule.right) = (width - rule.right, width - rule.left);
            (rule.top, rule.bottom) = (height - rule.bottom, height - rule.top);
        }
        for CheckBox { bounds: [x0, y0, x1, y1], .. } in &mut self.boxes {
            (*x0, *x1) = (width - *x1, width - *x0);
            (*y0, *y1) = (height - *y1, height - *y0);
        }
        self.lines = cut_lines(&self.ready.gray, self.ready.dpi);
        self.turned = (self.turned + 180) % 360;
        self
    }
}

fn cut_page(frame: &Frame, look: &Look, turned: u16) -> Option<Cut> {
    let mut ready = tracing::debug_span!("prepare").in_scope(|| prepare(frame, look, turned))?;
    let rules = tracing::debug_span!("rules").in_scope(|| take_rules(&mut ready.gray, ready.dpi));
    let boxes = tracing::debug_span!("boxes").in_scope(|| take_boxes(&mut ready.gray, ready.dpi));
    tracing::debug_span!("darken").in_scope(|| darken_letters(&mut ready.gray, ready.dpi));
    let lines = cut_lines(&ready.gray, ready.dpi);
    Some(Cut { ready, turned, rules, boxes, lines })
}

/// The first pass over a page, the right way up and in its language.
fn read_upright(engines: &mut Engines, tongue: &mut Tongue, frame: &Frame, look: &Look) -> Option<Draft> {
    let english = engines.models(&["en"]).first().copied()?;
    let mut model = tongue.model.unwrap_or(english);
    let Sample { cut, mut read, mut words } = find_way_up(engines, tongue, model, frame, look)?;
    if read.is_empty() {
        read = telling_lines(&cut.lines);
        words = read_lines(engines, &[model], pick(&cut.lines, &read));
    }
    if let Some(heard) = tongue.hear(engines, &words).filter(|heard| *heard != model) {
        model = heard;
        read.clear();
        words.clear();
    }
    let rest = cut.lines.iter().enumerate().filter(|(at, _)| !read.contains(at)).map(|(_, line)| line);
    words.extend(read_lines(engines, &[model], rest));
    // the whole page knows better than a part of it
    if let Some(heard) = tongue.hear(engines, &words) {
        if heard != model {
            words = read_lines(engines, &[heard], cut.lines.iter());
            model = heard;
        }
        tongue.model = Some(heard);
    }
    // where our cutting fails, Tesseract's own may do better
    if !reads_well(&words) {
        let others = read_whole(engines, &[model], &cut.ready.gray, cut.ready.dpi);
        if sure_letters(&others) > sure_letters(&words) {
            words = others;
        }
    }
    tongue.turned = reads_well(&words).then_some(cut.turned);
    Some(Draft { cut, model, words })
}

/// A page that is likely upright, and what was read of it to see that.
struct Sample {
    cut: Cut,
    /// The numbers of the lines that were read.
    read: Vec<usize>,
    words: Vec<Seen>,
}

/// Which way is up is told by the lines with most letters, as they are and upside down. How the page before lay is
/// tried first; the first way that reads well is taken, else the best.
fn find_way_up(
    engines: &mut Engines,
    tongue: &Tongue,
    model: &str,
    frame: &Frame,
    look: &Look,
) -> Option<Sample> {
    let _span = tracing::debug_span!("sample").entered();
    let usual = tongue.turned.filter(|turned| (turned % 180 == 90) == look.sideways);
    let first = usual.unwrap_or(if look.sideways { 90 } else { 0 });
    let mut best: Option<(f32, u16)> = None;
    for turned in [first, (first + 90) % 360] {
        let Some(cut) = cut_page(frame, look, turned) else { continue };
        let read = telling_lines(&cut.lines);
        let words = read_lines(engines, &[model], pick(&cut.lines, &read));
        if reads_well(&words) {
            return Some(Sample { cut, read, words });
        }
        let flipped = read_flipped(engines, &[model], pick(&cut.lines, &read));
        for (turned, words) in [(turned, &words), ((turned + 180) % 360, &flipped)] {
            let letters = good_letters(words);
            if best.is_none_or(|(most, _)| letters > most) {
                best = Some((letters, turned));
            }
        }
        if reads_well(&flipped) {
            return Some(Sample { cut: cut.turn_over(), read: Vec::new(), words: Vec::new() });
        }
    }
    let cut = cut_page(frame, look, best?.1)?;
    Some(Sample { cut, read: Vec::new(), words: Vec::new() })
}

fn pick<'a>(lines: &'a [Line], numbers: &[usize]) -> impl Iterator<Item = &'a Line> {
    numbers.iter().filter_map(|at| lines.get(*at))
}

/// The numbers of the lines with most letters, enough of them to tell which way is up and in what language.
fn telling_lines(lines: &[Line]) -> Vec<usize> {
    let mut by_letters: Vec<(usize, usize)> = lines.iter().map(Line::letters).enumerate().collect();
    by_letters.sort_by_key(|(_, letters)| std::cmp::Reverse(*letters));
    let mut letters = 0;
    let enough = by_letters.iter().take_while(|(_, own)| {
        let wanted = letters < SAMPLE_LETTERS;
        letters += own;
        wanted
    });
    enough.map(|(at, _)| *at).collect()
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

/// How many letters stand in words that are sure.
fn sure_letters(words: &[Seen]) -> f32 {
    const SURE: f32 = 88.0;
    words.iter().filter(|w| w.raw_confidence > SURE).map(letters).sum()
}

fn make_word(seen: &Seen, dpi: f32) -> Option<Word> {
    let bbox = Rect::from(seen.bounds);
    let text = seen.text.trim_matches(['|', '¦']).to_owned();
    let size_pt = (seen.bounds[3] - seen.bounds[1]) / dpi * POINTS;
    let confidence = calibrate(seen.raw_confidence, &text, seen.by);
    (!text.is_empty()).then_some(Word { text, bbox, confidence, size_pt, bold: false })
}
