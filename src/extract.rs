//! Pages of words into drafts: fields and lines with confidence and place.
