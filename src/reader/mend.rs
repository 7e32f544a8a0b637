//! Words made right where the ink or the sense of them shows what OCR took for its likes.
//!
//! The ink tells of a decimal point that was passed over, and of a gap between a number and its unit. The sense tells
//! of letters that no language puts where they stand. Mended words are never sure.

use super::{
    ink::{Bounds, Index},
    likes::Digits,
    ocr::Seen,
};
use crate::model::text::shape;

/// Tesseract's confidence in a mended word is at most this.
const MENDED_AT_MOST: f32 = 80.0;
/// They may stand right behind a number.
const CURRENCIES: [char; 3] = ['€', '$', '£'];
/// The blank between a number and its unit, in inches.
const BLANK_IN: f32 = 0.1;
/// A point is at most so high and wide, as a share of the digits' height.
const POINT_MAX: f32 = 0.42;
/// A digit is at least so high, as a share of the highest.
const DIGIT_MIN: f32 = 0.7;
/// A blank is at least so wide, as a share of the height of digits.
const BLANK_MIN: f32 = 0.22;
/// The blank between any two words is at least so wide, as a share of the height of letters.
const SPACE_MIN: f32 = 0.3;

/// Mends all words of a page. The shapes are its connected ink.
pub(super) fn mend(words: Vec<Seen>, shapes: &[Bounds], dpi: f32) -> Vec<Seen> {
    let ink = ink_of_words(&words, shapes, dpi);
    let numbers = words.iter().zip(&ink).filter(|(word, _)| is_number(&word.text));
    let digits = Digits::measure(numbers.map(|(word, ink)| (word.text.as_str(), ink.as_slice())));
    // where a number ends: right edge, top, bottom
    let mut number: Option<(f32, f32, f32)> = None;
    let mut mended = Vec::with_capacity(words.len());
    for (mut word, ink) in words.into_iter().zip(ink) {
        let [x0, y0, x1, y1] = word.bounds;
        let follows_number = number.is_some_and(|(end, top, bottom)| {
            (0.0..BLANK_IN * dpi).contains(&(x0 - end)) && y0 < bottom && y1 > top
        });
        let text = with_point(&word.text, &ink).unwrap_or_else(|| mend_text(&word.text, follows_number));
        if text != word.text {
            word.text = text;
            word.raw_confidence = word.raw_confidence.min(MENDED_AT_MOST);
        }
        if let Some(text) = digits.tell_apart(&word.text, &ink) {
            word.text = text;
        }
        number = is_number(&word.text).then_some((x1, y0, y1));
        match parted(&word, &ink) {
            Some(parts) => mended.extend(parts),
            None => mended.push(word),
        }
    }
    mended
}

fn is_number(text: &str) -> bool {
    text.chars().all(|c| c.is_ascii_digit() || ".,".contains(c))
}

/// For each word the shapes inside it, from left to right.
fn ink_of_words(words: &[Seen], shapes: &[Bounds], dpi: f32) -> Vec<Vec<Bounds>> {
    let index = Index::new(words.iter().map(|w| w.bounds), dpi.max(1.0) * 0.5);
    let mut ink = vec![Vec::new(); words.len()];
    for shape in shapes {
        let [x0, y0, x1, y1] = *shape;
        let (x, y) = (f32::midpoint(x0, x1), f32::midpoint(y0, y1));
        let inside = |(_, [a, b, c, d]): &(usize, Bounds)| {
            (*a..*c).contains(&x) && (*b..d + 0.25 * (d - b)).contains(&y)
        };
        if let Some((number, _)) = index.near((x, y)).find(inside)
            && let Some(own) = ink.get_mut(number)
        {
            own.push(*shape);
        }
    }
    for own in &mut ink {
        own.sort_by(|a, b| a[0].total_cmp(&b[0]));
    }
    ink
}

fn height([_, top, _, bottom]: &Bounds) -> f32 {
    bottom - top
}

/// A number whose decimal point OCR passed over: as many digits as shapes, and one dot between two of them at their
/// foot. A unit or a currency may follow it.
fn with_point(text: &str, ink: &[Bounds]) -> Option<String> {
    let rest = text.trim_start_matches(|c: char| c.is_ascii_digit());
    let number = text.strip_suffix(rest)?.len();
    if number < 3 || rest.chars().any(|c| !c.is_alphabetic() && !CURRENCIES.contains(&c)) {
        return None;
    }
    let tall = ink.iter().map(height).fold(0.0, f32::max);
    let mut digits: Vec<&Bounds> = ink.iter().filter(|s| height(s) >= DIGIT_MIN * tall).collect();
    if !(number..=text.chars().count()).contains(&digits.len()) {
        return None;
    }
    digits.truncate(number);
    let foot = digits.iter().map(|d| d[3]).sum::<f32>() / digits.len() as f32;
    let is_point = |[x0, y0, x1, y1]: &&Bounds| {
        let size = (x1 - x0).max(1.0);
        size <= POINT_MAX * tall
            && y1 - y0 <= 1.4 * POINT_MAX * tall
            && y1 - y0 >= 0.08 * tall
            && *y0 > foot - 0.4 * tall
            && (y1 - foot).abs() < 0.3 * tall
    };
    let end = digits.last().map_or(0.0, |d| d[0]);
    let mut points = ink.iter().filter(is_point).filter(|p| p[0] < end);
    let (point, None) = (points.next()?, points.next()) else { return None };
    let before = digits.iter().filter(|d| d[2] <= point[0] + 0.1 * tall).count();
    let after = digits.iter().filter(|d| d[0] >= point[2] - 0.1 * tall).count();
    if before == 0 || after == 0 || before + after != digits.len() {
        return None;
    }
    let mark = if point[3] > foot + 0.1 * tall { "," } else { "." };
    let (whole, rest) = text.split_at_checked(before)?;
    Some(format!("{whole}{mark}{rest}"))
}

/// Two words that OCR took for one, if the ink has a blank between them: a number and its unit, or any others that are
/// not parted between digits and have a stroke for each letter.
fn parted(word: &Seen, ink: &[Bounds]) -> Option<[Seen; 2]> {
    const UNIT_LETTERS_MAX: usize = 5;
    let unit = word.text.trim_start_matches(|c: char| c.is_ascii_digit() || ".,".contains(c));
    let number = word.text.strip_suffix(unit)?;
    let letters = unit.chars().count();
    let is_unit = (1..=UNIT_LETTERS_MAX).contains(&letters)
        && unit.chars().all(char::is_alphabetic)
        && number.ends_with(|c: char| c.is_ascii_digit());
    // dots stand above or between letters: strokes that share columns are one
    let mut strokes: Vec<(f32, f32)> = Vec::new();
    for [x0, _, x1, _] in ink {
        match strokes.last_mut() {
            Some((_, end)) if *x0 < *end => *end = end.max(*x1),
            _ => strokes.push((*x0, *x1)),
        }
    }
    let tall = ink.iter().map(height).fold(0.0, f32::max);
    let gaps = || strokes.iter().zip(strokes.iter().skip(1)).map(|(a, b)| b.0 - a.1);
    let (at, widest) = gaps().enumerate().max_by(|a, b| a.1.total_cmp(&b.1))?;
    let second = gaps().enumerate().filter(|(i, _)| *i != at).map(|(_, g)| g).fold(0.0, f32::max);
    let left = at + 1;
    let fits = is_unit && (left == number.chars().count() || strokes.len() - left == letters);
    let (first, second) = if fits && widest >= BLANK_MIN * tall && widest >= 1.6 * second {
        (number, unit)
    } else if strokes.len() > 2
        && strokes.len() == word.text.chars().count()
        && widest >= SPACE_MIN * tall
        && widest >= 2.0 * second
    {
        let (place, next) = word.text.char_indices().nth(left)?;
        let before = word.text.chars().nth(at)?;
        let words_meet = before.is_alphanumeric() && next.is_alphanumeric();
        let (first, rest) = word.text.split_at_checked(place)?;
        let fits = before.is_alphabetic() || next.is_alphabetic() || are_postcode(first, rest);
        (words_meet && fits).then_some((first, rest))?
    } else {
        return None;
    };
    let (end, start) = (strokes.get(at)?.1, strokes.get(left)?.0);
    let [x0, y0, x1, y1] = word.bounds;
    let part = |text: &str, x0: f32, x1: f32| Seen {
        text: text.to_owned(),
        bounds: [x0, y0, x1, y1],
        raw_confidence: word.raw_confidence,
        by: word.by,
    };
    Some([part(first, x0, end), part(second, start, x1)])
}

/// Whether two parts are those of a postcode with a blank between two digits: `702 38` of Sweden, `HU3 2RX` of Britain.
fn are_postcode(first: &str, rest: &str) -> bool {
    let (first, rest) = (shape(first), shape(rest));
    first == "999" && rest == "99" || matches!(first.as_str(), "A9" | "A99" | "AA9" | "AA99") && rest == "9AA"
}

/// What a word can only mean: the dotless i of Turkish for a one, the raised two of an area for a question mark, the
/// l of litres for a capital I or a bar, a small L before r, n, m or s at the head of a name for a capital I, the O
/// after a digit for a zero, the Q in the middle of an address for an at sign, and the c of pieces for an e.
fn mend_text(text: &str, follows_number: bool) -> String {
    if follows_number && matches!(text, "I" | "|") {
        return "l".to_owned();
    }
    match text {
        "pes" => return "pcs".to_owned(),
        "pe" => return "pc".to_owned(),
        "Itr" => return "ltr".to_owned(),
        _ => {}
    }
    if let Some(stem) = text.strip_suffix(['?', '’', '”'])
        && let unit = stem.trim_start_matches(|c: char| c.is_ascii_digit() || ".,".contains(c))
        && (matches!(unit, "mm" | "cm" | "MM" | "CM") || unit == "m" && text.ends_with('?'))
    {
        return format!("{stem}²");
    }
    if let Some((name, domain)) = text.split_once('Q')
        && name.ends_with(char::is_lowercase)
        && domain.starts_with(char::is_lowercase)
        && domain.contains('.')
        && !text.contains('@')
    {
        return format!("{name}@{domain}");
    }
    if let Some(rest) = text.strip_prefix('l')
        && rest.starts_with(['r', 'n', 'm', 's'])
        && rest.chars().count() > 1
        && rest.chars().all(char::is_lowercase)
    {
        return format!("I{rest}");
    }
    if text.contains('O') && text.chars().any(|c| c.is_ascii_digit()) {
        return zeros_after_digits(text);
    }
    if !text.contains('ı') {
        return text.to_owned();
    }
    let is_code = text.chars().any(|c| c.is_ascii_digit() || c.is_uppercase());
    let only_one = text.chars().filter(|c| c.is_alphanumeric()).all(|c| c == 'ı');
    text.replace('ı', if is_code || only_one { "1" } else { "i" })
}

/// An O right after a digit is a zero, unless a word begins with it.
fn zeros_after_digits(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut letters = text.chars().peekable();
    while let Some(letter) = letters.next() {
        let after_digit = out.ends_with(|c: char| c.is_ascii_digit());
        let begins_word = letters.peek().is_some_and(|c| c.is_lowercase());
        out.push(if letter == 'O' && after_digit && !begins_word { '0' } else { letter });
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn likes_are_told_apart() {
        for (text, follows_number, expected) in [
            ("I", true, "l"),
            ("|", true, "l"),
            ("I", false, "I"),
            ("mm?", true, "mm²"),
            ("MM?", true, "MM²"),
            ("2.5mm’", false, "2.5mm²"),
            ("m’", true, "m’"),
            ("why?", false, "why?"),
            ("Mı6", false, "M16"),
            ("ı", true, "1"),
            ("mıt", false, "mit"),
            ("lronwood", false, "Ironwood"),
            ("lnc", false, "Inc"),
            ("lm", false, "lm"),
            ("lange", false, "lange"),
            ("M2O", false, "M20"),
            ("23OVAC", false, "230VAC"),
            ("4Ohm", false, "4Ohm"),
            ("PO46", false, "PO46"),
            ("pes", false, "pcs"),
            ("jo.obergQverkstad.example", false, "jo.oberg@verkstad.example"),
            ("FAQs", false, "FAQs"),
        ] {
            assert_eq!(mend_text(text, follows_number), expected, "{text}");
        }
    }

    /// Digits 20 high and 10 wide with the given gaps before them, and what else there is.
    fn ink(gaps: &[f32], other: Option<Bounds>) -> Vec<Bounds> {
        let mut x = 0.0;
        let mut ink: Vec<Bounds> = gaps
            .iter()
            .map(|gap| {
                x += gap + 10.0;
                [x - 10.0, 0.0, x, 20.0]
            })
            .collect();
        ink.extend(other);
        ink.sort_by(|a, b| a[0].total_cmp(&b[0]));
        ink
    }

    #[test]
    fn a_point_comes_back_before_a_currency() {
        let dot = Some([13.0, 17.0, 16.0, 20.0]);
        assert_eq!(with_point("263€", &ink(&[0.0, 9.0, 3.0, 5.0], dot)).as_deref(), Some("2.63€"));
        assert_eq!(with_point("263€", &ink(&[0.0, 9.0], dot)), None);
        assert_eq!(with_point("26-3", &ink(&[0.0, 9.0, 3.0, 5.0], dot)), None);
    }

    #[test]
    fn a_point_in_the_ink_comes_back() {
        for (text, point, expected) in [
            ("263", Some([13.0, 17.0, 16.0, 20.0]), Some("2.63")),
            ("263", Some([13.0, 17.0, 16.0, 23.0]), Some("2,63")),
            ("263", Some([13.0, 2.0, 16.0, 5.0]), None), // above
            ("263", None, None),
            ("2.63", Some([13.0, 17.0, 16.0, 20.0]), None),
            ("2634", Some([13.0, 17.0, 16.0, 20.0]), None), // a digit too many
        ] {
            assert_eq!(with_point(text, &ink(&[0.0, 9.0, 3.0], point)).as_deref(), expected, "{text}");
        }
    }

    #[test]
    fn a_number_and_its_unit_part_at_the_blank() {
        let word = |text: &str| Seen {
            text: text.into(),
            bounds: [0.0, 0.0, 60.0, 20.0],
            raw_confidence: 90.0,
            by: crate::reader::ocr::Reader::Tesseract,
        };
        let texts = |text: &str, gaps: &[f32]| {
            parted(&word(text), &ink(gaps, None)).map(|[a, b]| (a.text, b.text, a.bounds[2], b.bounds[0]))
        };
        assert_eq!(texts("40ST", &[0.0, 2.0, 7.0, 2.0]), Some(("40".into(), "ST".into(), 22.0, 29.0)));
        assert_eq!(texts("40ST", &[0.0, 2.0, 2.0, 2.0]), None);
        assert_eq!(texts("ST40", &[0.0, 2.0, 7.0, 2.0]), Some(("ST".into(), "40".into(), 22.0, 29.0)));
        assert_eq!(texts("ST40", &[0.0, 2.0, 5.0, 2.0]), None);
        assert_eq!(texts("2026", &[0.0, 2.0, 9.0, 2.0]), None);
        assert_eq!(texts("70238", &[0.0, 2.0, 2.0, 9.0, 2.0]), Some(("702".into(), "38".into(), 34.0, 43.0)));
        assert_eq!(texts("70238", &[0.0, 2.0, 9.0, 2.0, 2.0]), None);
        assert_eq!(texts("HU32RX", &[0.0, 2.0, 2.0, 9.0, 2.0, 2.0]).map(|t| t.1), Some("2RX".into()));
    }
}
