//! What the unit tests of drafts share.

use super::{Context, extract, text_pages};
use crate::model::account::Known;

/// The values of some fields of the first document of a text; empty where there is none.
pub(super) fn values_of(text: &str, names: &[&str]) -> Vec<String> {
    let context =
        Context { known: &Known::default(), subject: None, sender_domain: None, lessons: &[], alone: false };
    let drafts = extract(&text_pages(text), &context);
    let value = |name: &&str| {
        drafts.first().and_then(|draft| draft.fields.get(*name)?.value.as_text()).unwrap_or_default()
    };
    names.iter().map(value).map(str::to_owned).collect()
}

/// The lines of the drafts in a text, read blind: the values of the named columns, empty where a line has none.
pub(super) fn lines_of(text: &str, names: &[&str]) -> Vec<Vec<String>> {
    let context =
        Context { known: &Known::default(), subject: None, sender_domain: None, lessons: &[], alone: false };
    let drafts = extract(&text_pages(text), &context);
    let lines = drafts.iter().flat_map(|draft| &draft.lines);
    lines
        .map(|line| {
            let value = |name: &&str| line.get(*name).and_then(|p| p.value.as_text()).unwrap_or_default();
            names.iter().map(value).map(str::to_owned).collect()
        })
        .collect()
}
