//! What the outputs of a network stand for.
//!
//! `unicharset` lists the characters, one a line after their count (`src/ccutil/unicharset.cpp`); the recoder gives
//! each a sequence of outputs (`src/ccutil/unicharcompress.cpp` of tesseract-ocr/tesseract), of length one in
//! alphabets. Limits: characters.

use super::traineddata::{Fields, ModelError};

/// Characters of one model.
const CHARACTERS_MAX: usize = 30_000;
/// The first characters of a set are a blank and two marks that are no text.
const SPECIAL: std::ops::Range<usize> = 1..3;
const BLANK: &str = "NULL";

/// The text of each output; none for the one that means nothing.
pub(super) fn read_charset(
    unicharset: &[u8],
    recoder: &[u8],
    outputs: usize,
) -> Result<Vec<String>, ModelError> {
    let text = String::from_utf8_lossy(unicharset);
    let mut lines = text.lines();
    let count = lines.next().and_then(|l| l.trim().parse::<usize>().ok());
    if count.is_none_or(|count| count > CHARACTERS_MAX) {
        return Err(ModelError::Broken("number of characters"));
    }
    let characters: Vec<&str> = lines.map(|line| line.split(' ').next().unwrap_or_default()).collect();
    let mut fields = Fields::new(recoder);
    let mut texts = vec![String::new(); outputs];
    for number in 0..fields.size(CHARACTERS_MAX)? {
        let (_own, length) = (fields.u8()?, fields.u32()?);
        if length != 1 {
            return Err(ModelError::Unknown("characters in several parts".to_owned()));
        }
        let output = fields.size(CHARACTERS_MAX)?;
        let text = characters.get(number).copied().unwrap_or_default();
        let place = texts.get_mut(output).ok_or(ModelError::Broken("output of a character"))?;
        if !SPECIAL.contains(&number) {
            *place = if text == BLANK { " " } else { text }.to_owned();
        }
    }
    Ok(texts)
}
