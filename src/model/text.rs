//! Text made comparable.

use unicode_normalization::{UnicodeNormalization as _, char::is_combining_mark};

/// Letters and digits only, in lower case.
pub fn squeeze(text: &str) -> String {
    text.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect()
}

/// Digits as `9` and plain capitals as `A`, all else as it is: `HU3` is `AA9`.
pub fn shape(text: &str) -> String {
    let kind = |c: char| match c {
        '0'..='9' => '9',
        'A'..='Z' => 'A',
        other => other,
    };
    text.chars().map(kind).collect()
}

/// Lower case without accents and punctuation, single blanks.
pub fn fold(text: &str) -> String {
    let word = |c: char| if c.is_alphanumeric() { c } else { ' ' };
    let plain: String = if text.is_ascii() {
        text.chars().map(|c| word(c.to_ascii_lowercase())).collect()
    } else {
        text.nfkd().filter(|c| !is_combining_mark(*c)).flat_map(char::to_lowercase).map(word).collect()
    };
    plain.split_whitespace().collect::<Vec<_>>().join(" ")
}
