//! The cover sheet of a fax: who sends it to whom and how many pages. The document begins behind it.

use super::layout::lay_out;
use crate::{model::page::Page, validate::account::fold};

/// Words on a cover sheet at most.
const WORDS_MAX: usize = 80;

/// The pages without the cover sheet before them.
pub(super) fn skip_cover(pages: &[Page]) -> &[Page] {
    match pages {
        [first, rest @ ..] if !rest.is_empty() && is_cover(first) => rest,
        pages => pages,
    }
}

/// A page of few words that is headed `Fax` and says how many pages it has, or from whom it comes and to whom it goes.
fn is_cover(page: &Page) -> bool {
    if page.words.len() > WORDS_MAX {
        return false;
    }
    let layout = lay_out(std::slice::from_ref(page));
    let texts: Vec<String> = layout.rows.iter().flat_map(|r| &r.segments).map(|s| fold(&s.text())).collect();
    let headed = texts.iter().any(|t| {
        ["fax", "telefax", "telecopie", "telefaks"].iter().any(|name| t.starts_with(name))
            && t.split(' ').count() <= 4
            && !t.contains(|c: char| c.is_ascii_digit())
    });
    let says = |names: &[&str]| texts.iter().any(|t| t.split(' ').next().is_some_and(|w| names.contains(&w)));
    let counts = says(&["pages", "seiten", "seitenzahl", "sidor", "nombre"]);
    headed && (counts || says(&["to", "an", "till", "a"]) && says(&["from", "von", "fran", "de"]))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::extract::text::text_pages;

    fn check(text: &str, covers: bool) {
        let pages = text_pages(text).pages;
        assert_eq!(pages.first().is_some_and(is_cover), covers, "{text}");
    }

    #[test]
    fn cover_sheets_are_told_from_documents() {
        check("TELEFAX\n\nTill: Kestrel AB\n\nFrån: Sjöviken AB\n\nSidor: 2", true);
        check("FAX\n\nTo: Kestrel Inc.\n\nFrom: Larkfield Corp.", true);
        check("FAX 749 3302\n\nPurchase order 4711\n\nTo: Kestrel Inc.\n\nFrom: Larkfield Corp.", false);
    }
}
