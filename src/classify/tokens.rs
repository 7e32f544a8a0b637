//! Text into words that compare well: lower case, without accents and apostrophes.

use unicode_normalization::{UnicodeNormalization, char::is_combining_mark};

/// Words of a text that are looked at; what a customer wants stands at the beginning.
const WORDS_MAX: usize = 400;
/// Characters of a text that are looked at.
const TEXT_CHARS_MAX: usize = 20_000;
/// Shorter words must be written right.
pub(super) const TYPO_BYTES_MIN: usize = 6;

/// Marks the end of a sentence among the words, so that no pattern of plain words reaches over it.
pub(super) const STOP: &str = ".";

/// The words of a text, folded, with [`STOP`] between sentences.
pub(super) fn words(text: &str) -> Vec<String> {
    let start: String = text.chars().take(TEXT_CHARS_MAX).collect();
    let folded = fold(&start);
    let mut words: Vec<String> = Vec::new();
    let mut word = String::new();
    let mut chars = folded.chars().peekable();
    while let Some(c) = chars.next() {
        if words.len() >= WORDS_MAX {
            break;
        }
        if c.is_alphanumeric() {
            word.push(c);
            continue;
        }
        // "haven't" is one word; "l'ordre" are two.
        if c == '\'' && !word.is_empty() {
            if word.chars().count() <= 2 && chars.peek().is_some_and(|c| c.is_alphabetic()) {
                words.push(std::mem::take(&mut word));
            }
            continue;
        }
        if c == '@' {
            word.clear();
            continue;
        }
        if !word.is_empty() {
            words.push(std::mem::take(&mut word));
        }
        let ends = matches!(c, '?' | '!')
            || (matches!(c, '.' | ';' | '\n') && chars.peek().is_none_or(|n| n.is_whitespace()));
        if ends && words.last().is_some_and(|w| w != STOP) {
            words.push(STOP.to_owned());
        }
    }
    if !word.is_empty() {
        words.push(word);
    }
    words
}

/// Lower case without accents.
pub(super) fn fold(text: &str) -> String {
    if text.is_ascii() {
        return text.to_ascii_lowercase();
    }
    let lower = text
        .to_lowercase()
        .replace('ß', "ss")
        .replace('’', "'")
        .replace('œ', "oe")
        .replace('æ', "ae")
        .replace('ø', "o");
    lower.nfd().filter(|c| !is_combining_mark(*c)).collect()
}

/// Whether two long words differ in one letter at most: left out, added, changed or swapped with its neighbour.
pub(super) fn is_near(word: &str, target: &str) -> bool {
    // Cheap questions first: nearly all words fail one of them.
    if target.len() < TYPO_BYTES_MIN
        || word.len().abs_diff(target.len()) > 4
        || word.as_bytes().first() != target.as_bytes().first()
    {
        return false;
    }
    // one byte is one letter
    if word.is_ascii() && target.is_ascii() {
        return differ_in_one(word.as_bytes(), target.as_bytes());
    }
    let (a, b): (Vec<char>, Vec<char>) = (word.chars().collect(), target.chars().collect());
    differ_in_one(&a, &b)
}

fn differ_in_one<T: PartialEq>(a: &[T], b: &[T]) -> bool {
    if b.len() < TYPO_BYTES_MIN || a.len().abs_diff(b.len()) > 1 || a.first() != b.first() {
        return false;
    }
    let prefix = a.iter().zip(b).take_while(|(x, y)| x == y).count();
    let suffix = a.iter().rev().zip(b.iter().rev()).take_while(|(x, y)| x == y).count();
    let longest = a.len().max(b.len());
    if prefix + suffix + 1 >= longest {
        return true;
    }
    let swapped = a.get(prefix) == b.get(prefix + 1) && a.get(prefix + 1) == b.get(prefix);
    a.len() == b.len() && swapped && prefix + suffix + 2 >= longest
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_becomes_words() {
        assert_eq!(
            words("Where's my order? L’ordre n°12"),
            ["wheres", "my", "order", ".", "l", "ordre", "n", "12"]
        );
        assert_eq!(words("Rückgabe: größe"), ["ruckgabe", "grosse"]);
        assert_eq!(words("mail a@b.example now"), ["mail", "b", "example", "now"]);
    }

    #[test]
    fn one_typing_mistake_is_forgiven_in_long_words() {
        for (word, target, near) in [
            ("recieved", "received", true),
            ("invoce", "invoice", true),
            ("delivary", "delivery", true),
            ("order", "older", false),
            ("return", "retrun", true),
            ("cancle", "cancel", true),
            ("status", "statues", true),
            ("invoice", "service", false),
        ] {
            assert_eq!(is_near(word, target), near, "{word} {target}");
        }
    }
}
