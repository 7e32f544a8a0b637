//! Text made comparable.

use unicode_normalization::{UnicodeNormalization as _, char::is_combining_mark};

/// Letters and digits only, in lower case.
pub fn squeeze(text: &str) -> String {
    text.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect()
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
