//! Letters and digits that look alike, told apart by how wide they are: the O and the zero, the I and the one.
//!
//! The digits of a face are all of one width but the one; its capital O is wider by a quarter at least, and a capital I
//! without feet is a stroke. Codes such as order numbers mix letters and digits, and no language says which stands where.
//! Limits: words whose letters each have ink of their own.

use super::ink::Bounds;

/// A letter O is at least so many times as wide as the digits beside it; a zero at most.
const WIDE_MIN: f32 = 1.22;
const WIDTH_OF_ZERO_MAX: f32 = 1.12;
/// The capital I is at most so wide, as a share of the digits beside it; a one with a flag at least.
const STROKE_MAX: f32 = 0.34;
const FLAGGED_MIN: f32 = 0.42;
/// So many ones must be seen before a face is known to give them a flag.
const ONES_MIN: usize = 3;
/// Codes have so many letters and digits at least.
const CODE_LETTERS_MIN: usize = 4;
/// Digits of the same size are at most so much taller or smaller, as a share.
const SAME_HEIGHT: f32 = 0.1;
/// Capitals and digits are at least so high, as a share of the highest.
const HIGH_MIN: f32 = 0.8;

/// The digits of a page: how wide they are.
pub(super) struct Digits {
    /// Height and width of digits other than the one, by height; in pixels.
    sizes: Vec<(f32, f32)>,
    /// Whether ones have a flag: without it, a one is a stroke like the capital I.
    ones_have_flags: bool,
}

impl Digits {
    /// Measures the digits in words that are sure to be numbers.
    pub(super) fn measure<'a>(numbers: impl Iterator<Item = (&'a str, &'a [Bounds])>) -> Self {
        let (mut sizes, mut ones) = (Vec::new(), Vec::new());
        for (text, ink) in numbers {
            let Some(strokes) = strokes_of(text, ink) else { continue };
            let digits = text.chars().zip(&strokes).filter(|(c, _)| matches!(c, '2'..='9'));
            let own: Vec<(f32, f32)> = digits.map(|(_, stroke)| (stroke.height, stroke.width())).collect();
            if let Some(width) = median(own.iter().map(|(_, width)| *width)) {
                // the first may be a letter
                let rest = text.chars().zip(&strokes).skip(1).filter(|(c, _)| *c == '1');
                ones.extend(rest.map(|(_, stroke)| stroke.width() / width));
            }
            sizes.extend(own);
        }
        sizes.sort_by(|a, b| a.0.total_cmp(&b.0));
        let enough = ones.len() >= ONES_MIN;
        let ones_have_flags = enough && median(ones.into_iter()).is_some_and(|one| one > FLAGGED_MIN);
        Self { sizes, ones_have_flags }
    }

    /// The usual width of digits of a height, in pixels.
    fn width_at(&self, height: f32) -> Option<f32> {
        let from = self.sizes.partition_point(|(own, _)| *own < height * (1.0 - SAME_HEIGHT));
        let to = self.sizes.partition_point(|(own, _)| *own <= height * (1.0 + SAME_HEIGHT));
        median(self.sizes.get(from..to)?.iter().map(|(_, width)| *width))
    }

    /// A code with its likes as the ink has them. None if it stays, or nothing can be told.
    pub(super) fn tell_apart(&self, text: &str, ink: &[Bounds]) -> Option<String> {
        let is_code =
            text.chars().all(|c| c.is_ascii_uppercase() || c.is_ascii_digit() || "-/_#".contains(c));
        let enough = text.chars().filter(char::is_ascii_alphanumeric).count() >= CODE_LETTERS_MIN;
        if !is_code
            || !enough
            || !text.contains(['0', 'O', '1', 'I'])
            || !text.contains(|c: char| c.is_ascii_digit())
        {
            return None;
        }
        let strokes = strokes_of(text, ink)?;
        let tall = strokes.iter().map(|stroke| stroke.height).fold(0.0, f32::max);
        let own = text.chars().zip(&strokes).filter(|(c, _)| matches!(c, '2'..='9'));
        let own: Vec<f32> = own.map(|(_, stroke)| stroke.width()).collect();
        let digit = if own.len() > 1 { median(own.into_iter()) } else { self.width_at(tall) }?;
        let mut out = String::with_capacity(text.len());
        let mut letters = text.chars().zip(&strokes).peekable();
        while let Some((letter, stroke)) = letters.next() {
            let (width, is_high) = (stroke.width() / digit, stroke.height >= HIGH_MIN * tall);
            let before = out.chars().last().filter(char::is_ascii_alphanumeric);
            let after = letters.peek().map(|(c, _)| *c).filter(char::is_ascii_alphanumeric);
            let is_digit = |c: Option<char>| c.is_some_and(|c| c.is_ascii_digit());
            let stands_alone = before.is_none() && !is_digit(after);
            // an I that was seen as one may be a one
            let follows_letter =
                before.is_some_and(|c| c.is_ascii_uppercase() && (c != 'I' || !text.starts_with(&out)));
            out.push(match letter {
                _ if !is_high => letter,
                '0' if width >= WIDE_MIN && (stands_alone || follows_letter) => 'O',
                'O' if width <= WIDTH_OF_ZERO_MAX && (is_digit(before) || is_digit(after)) => '0',
                '1' if width <= STROKE_MAX && self.ones_have_flags && before.is_none() => 'I',
                'I' if width >= FLAGGED_MIN && self.ones_have_flags && is_digit(before) => '1',
                _ => letter,
            });
        }
        (out != text).then_some(out)
    }
}

/// The ink of one letter.
struct Stroke {
    left: f32,
    right: f32,
    height: f32,
}

impl Stroke {
    fn width(&self) -> f32 {
        self.right - self.left
    }
}

/// The ink of each letter of a word, if it can be told apart: what shares columns is one.
fn strokes_of(text: &str, ink: &[Bounds]) -> Option<Vec<Stroke>> {
    let mut strokes: Vec<Stroke> = Vec::new();
    for [left, top, right, bottom] in ink {
        let height = bottom - top;
        match strokes.last_mut().filter(|last| *left < last.right) {
            Some(last) => {
                last.right = last.right.max(*right);
                last.height = last.height.max(height);
            }
            None => strokes.push(Stroke { left: *left, right: *right, height }),
        }
    }
    (strokes.len() == text.chars().count()).then_some(strokes)
}

fn median(values: impl Iterator<Item = f32>) -> Option<f32> {
    let mut values: Vec<f32> = values.collect();
    values.sort_by(f32::total_cmp);
    values.get(values.len() / 2).copied()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Letters 20 high, of the given widths, with gaps of 3.
    fn ink(widths: &[f32]) -> Vec<Bounds> {
        let mut x = 0.0;
        let place = |width: &f32| {
            x += width + 3.0;
            [x - width - 3.0, 0.0, x - 3.0, 20.0]
        };
        widths.iter().map(place).collect()
    }

    #[test]
    fn the_width_tells_letters_from_digits() {
        let numbers = [("4116", ink(&[10., 6., 6., 10.])), ("2310", ink(&[10., 10., 6., 11.]))];
        let seen = || numbers.iter().map(|(text, ink)| (*text, ink.as_slice()));
        let digits = Digits::measure(seen());
        for (what, text, widths, expected) in [
            ("a letter in front", "0/4694", &[14., 5., 10., 10., 10., 11.][..], Some("O/4694")),
            ("a zero in front", "0/4694", &[11., 5., 10., 10., 10., 11.], None),
            ("a zero for a letter", "POO501", &[11., 14., 10., 10., 10., 6.], Some("PO0501")),
            ("both", "10-0546", &[2., 14., 5., 11., 10., 10., 10.], Some("IO-0546")),
            ("a one", "1260788", &[6., 10., 10., 11., 10., 10., 10.], None),
            ("a stroke", "1260788", &[2., 10., 10., 11., 10., 10., 10.], Some("I260788")),
            ("a zero in a number", "KS-2250", &[11., 12., 5., 10., 10., 10., 14.], None),
            ("a zero in a day", "2026-05-27", &[10., 10., 10., 10., 5., 14., 10., 5., 10., 10.], None),
            ("letters", "C0N2438", &[12., 14., 13., 10., 10., 10., 10.], Some("CON2438")),
            ("a narrow letter among letters", "CON2438", &[12., 11., 13., 10., 10., 10., 10.], None),
            ("a word", "FOO", &[10., 14., 14.], None),
            ("letters that touch", "0/4694", &[14., 5., 20., 10.], None),
            ("a sum", "10.00", &[6., 14., 2., 11., 11.], None),
        ] {
            assert_eq!(digits.tell_apart(text, &ink(widths)).as_deref(), expected, "{what}");
        }
        let none = Digits::measure(seen().take(1));
        assert_eq!(
            none.tell_apart("1260788", &ink(&[2., 10., 10., 11., 10., 10., 10.])),
            None,
            "ones may be strokes"
        );
    }
}
