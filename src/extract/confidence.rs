//! How sure a value is, from how it was found.
//!
//! The figures were set by hand from the errors on the development documents; they are not fitted, and not proved on
//! layouts that were left out. A value that nothing proves stays below 0.95.

use super::{
    draft::Reading,
    layout::{Word, read_confidence},
};

/// A cell of a line before arithmetic and master data have been asked.
pub fn cell(name: &str, words: &[Word], reading: &Reading) -> f32 {
    let base = match name {
        "line_no" => 0.97,
        "unit" | "delivery_date" | "invoice_date" => 0.93,
        "sku" | "customer_sku" | "description" => 0.86,
        "reason" | "lot" | "serial_no" => 0.9,
        _ => 0.93,
    };
    from_words(base, words, reading.trusted)
}

/// Lowers a figure by how well the words were read.
pub fn from_words(base: f32, words: &[Word], trusted: bool) -> f32 {
    if trusted {
        return base;
    }
    let read = read_confidence(words);
    (base * (0.55 + 0.4 * read)).clamp(0.05, 0.92)
}
