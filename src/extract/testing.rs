//! What the unit tests of drafts share.

use super::{Context, extract, text_pages};
use crate::model::{account::Known, draft::Draft};

/// The drafts in a text, read blind.
fn drafts_of(text: &str) -> Vec<Draft> {
    let context =
        Context { known: &Known::default(), subject: None, sender_domain: None, lessons: &[], alone: false };
    extract(&text_pages(text), &context)
}

/// The values of some fields of the first draft in a text; empty where there is none.
pub(super) fn values_of(text: &str, names: &[&str]) -> Vec<String> {
    let drafts = drafts_of(text);
    let value = |name: &&str| {
        drafts.first().and_then(|draft| draft.fields.get(*name)?.value.as_text()).unwrap_or_default()
    };
    names.iter().map(value).map(str::to_owned).collect()
}

/// The lines of the drafts in a text: the values of the named columns, empty where a line has none.
pub(super) fn lines_of(text: &str, names: &[&str]) -> Vec<Vec<String>> {
    let drafts = drafts_of(text);
    let lines = drafts.iter().flat_map(|draft| &draft.lines);
    lines
        .map(|line| {
            let value = |name: &&str| line.get(*name).and_then(|p| p.value.as_text()).unwrap_or_default();
            names.iter().map(value).map(str::to_owned).collect()
        })
        .collect()
}

/// The lines of a text must be these, each as the values of the named columns.
#[track_caller]
pub(super) fn check_lines(text: &str, names: &[&str], wanted: &[&[&str]]) {
    assert_eq!(lines_of(text, names), wanted, "{text}");
}
