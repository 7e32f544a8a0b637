//! Words read from pixels, as high as the lines that they were set in.
//!
//! OCR boxes the ink: `sum` is half as high as `Menge`, and the letters of both stand on one line. Text layers box the
//! line. Rows, blanks and distances are measured by heights, so that both must mean the same.

use super::Word;

/// From the base line to the top of a capital, as a share of the size of the letters.
const CAPITAL: f32 = 0.72;
/// From the base line to the top of a capital with an accent.
const ACCENTED: f32 = 0.92;
/// From the base line to the top of a small letter without an upper stroke.
const SMALL: f32 = 0.52;
/// From the base line down to the foot of a letter that reaches below it.
const FOOT: f32 = 0.21;
/// From the base line down to the foot of a comma, a stroke or a bracket, which fonts draw more or less deep.
const MARK_FOOT: f32 = 0.12;

/// Gives each word the height of its line of letters.
pub(super) fn fit_lines(words: &mut [Word]) {
    for word in words {
        if !word.text.chars().any(char::is_alphanumeric) {
            continue;
        }
        let ink = word.y1 - word.y0;
        let top = word.text.chars().map(top_of).fold(SMALL, f32::max);
        let foot = word.text.chars().map(foot_of).fold(0.0, f32::max);
        let size = ink / (top + foot);
        let base = word.y1 - foot * size;
        word.y0 = base - CAPITAL * size;
        word.y1 = base + FOOT * size;
    }
}

/// How far a sign reaches above the base line.
fn top_of(c: char) -> f32 {
    match c {
        'À'..='Þ' => ACCENTED,
        'a' | 'c' | 'e' | 'g' | 'm'..='s' | 'u'..='z' | '.' | ',' | ';' | ':' | '-' | '–' | '_' => SMALL,
        _ => CAPITAL,
    }
}

/// How far a sign reaches below the base line.
fn foot_of(c: char) -> f32 {
    match c {
        'g' | 'j' | 'p' | 'q' | 'y' | 'ç' => FOOT,
        'Q' | '(' | ')' | '[' | ']' | '{' | '}' | '/' | '|' | ',' | ';' | '@' | '§' | '$' => MARK_FOOT,
        _ => 0.0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::page::Rect;

    fn word(text: &str, y0: f32, y1: f32) -> Word {
        let rect = Rect::default();
        Word {
            text: text.to_owned(),
            page: 1,
            x0: 0.0,
            y0,
            x1: 9.0,
            y1,
            confidence: 1.0,
            size: 0.0,
            bold: false,
            rect,
        }
    }

    #[test]
    fn words_of_one_line_are_as_high_as_each_other() {
        let size = 10.0;
        let base = 100.0;
        let mut words = [
            word("Summe", base - 7.2, base),
            word("Vergütung", base - 7.2, base + 2.1),
            word("sum", base - 5.2, base),
            word("1.498,75", base - 7.2, base + 1.2),
            word("Équipe", base - 9.2, base + 2.1),
        ];
        fit_lines(&mut words);
        for word in words {
            assert!((word.y0 - (base - 0.72 * size)).abs() < 0.1, "{word:?}");
            assert!((word.y1 - (base + 0.21 * size)).abs() < 0.1, "{word:?}");
        }
    }
}
