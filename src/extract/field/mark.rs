//! Segments of a page seen as labels.

use super::schema::rename;
use crate::{
    extract::{
        label::{Label, field_of, label_at},
        layout::{Layout, Segment},
    },
    model::draft::Kind,
};

/// Blank between two rows of one cell, in heights of the letters.
const CELL_GAP_HEIGHTS: f32 = 0.5;

/// A segment seen as a label.
#[derive(Clone, Debug)]
pub struct Marked {
    /// The label.
    pub label: Label,
    /// Its field, if it has one in this document.
    pub field: Option<&'static str>,
    /// The label is the whole segment, or closed by a colon.
    pub whole: bool,
    /// Row and segment in which a label of two rows ends.
    pub tail: Option<(usize, usize)>,
}

impl Marked {
    /// The head of a numbered box of a form, whatever it asks for.
    pub fn is_numbered(&self) -> bool {
        self.label.closed && self.label.concepts.is_empty()
    }
}

/// Numbered boxes that make a document a form of such boxes.
const NUMBERED_MIN: usize = 5;

/// `8. TYPE OF ORDER`
fn is_numbered(segment: &Segment) -> bool {
    let [first, second, ..] = segment.words.as_slice() else { return false };
    let number = first.text.strip_suffix('.').is_some_and(|n| {
        n.len() <= 2 && (n.parse::<u8>().is_ok() || n.len() == 1 && n.chars().all(|c| c.is_ascii_lowercase()))
    });
    number && second.text.starts_with(char::is_uppercase) && segment.words.len() <= 9
}

/// What a label asks for that is said twice, in two languages: `Acheteur / Buyer`.
fn twin(segment: &Segment) -> Option<&'static str> {
    let at = segment.words.iter().position(|w| w.text == "/")?;
    let (first, second) = segment.words.split_at(at);
    let field = |words: &[crate::extract::layout::Word]| {
        let label = label_at(words.iter().map(|w| w.text.as_str()))?;
        (label.words == words.len()).then(|| field_of(&label)).flatten()
    };
    field(first).filter(|one| second.get(1..).and_then(field) == Some(*one))
}

/// Every segment of the layout as a label, row by row.
pub fn mark(layout: &Layout, kind: Kind) -> Vec<Vec<Option<Marked>>> {
    let mark_one = |segment: &Segment| -> Option<Marked> {
        let label = label_at(segment.words.iter().map(|w| w.text.as_str()))?;
        let all = label.words == segment.words.len();
        if !all && !label.closed && label.words > 5 {
            return None;
        }
        let field = field_of(&label).or_else(|| twin(segment)).map(|f| rename(f, &label, kind));
        Some(Marked { whole: all || label.closed, field, label, tail: None })
    };
    let mut marks: Vec<Vec<Option<Marked>>> =
        layout.rows.iter().map(|row| row.segments.iter().map(mark_one).collect()).collect();
    mark_counted(layout, &mut marks, kind);
    let numbered = || layout.rows.iter().flat_map(|r| &r.segments).filter(|s| is_numbered(s));
    if numbered().count() >= NUMBERED_MIN {
        for (row, marks) in layout.rows.iter().zip(&mut marks) {
            for (segment, mark) in row.segments.iter().zip(marks) {
                if is_numbered(segment) && mark.as_ref().is_none_or(|m| m.field.is_none()) {
                    let label = Label {
                        concepts: std::collections::BTreeSet::new(),
                        words: segment.words.len(),
                        closed: true,
                        forgiven: false,
                        text: String::new(),
                    };
                    *mark = Some(Marked { label, field: None, whole: true, tail: None });
                }
            }
        }
    }
    for index in 0..layout.rows.len() {
        join_wrapped(layout, &mut marks, index, kind);
    }
    marks
}

/// Boxes with a number before their label that make a document a form of such boxes.
const COUNTED_MIN: usize = 4;

/// `5 Kostenstelle`, `8 Lieferung bis`: labels behind the numbers of their boxes, where the boxes count up from one.
fn mark_counted(layout: &Layout, marks: &mut [Vec<Option<Marked>>], kind: Kind) {
    let mut counted: Vec<(usize, usize, usize, Marked)> = Vec::new();
    for (index, row) in layout.rows.iter().enumerate() {
        for (at, segment) in row.segments.iter().enumerate() {
            let Some((first, rest)) = segment.words.split_first() else { continue };
            let Ok(number) = first.text.parse::<usize>() else { continue };
            let label = label_at(rest.iter().map(|w| w.text.as_str())).filter(|l| l.words == rest.len());
            let Some(label) = label.filter(|_| number > 0 && first.text.len() <= 2) else { continue };
            let field = field_of(&label).map(|f| rename(f, &label, kind));
            let label = Label { words: label.words + 1, ..label };
            counted.push((index, at, number, Marked { label, field, whole: true, tail: None }));
        }
    }
    let mut numbers: Vec<usize> = counted.iter().map(|(.., number, _)| *number).collect();
    numbers.sort_unstable();
    let twice = numbers.windows(2).any(|w| w.first() == w.last());
    let asks = counted.iter().filter(|(.., m)| m.field.is_some()).count();
    if twice || asks < COUNTED_MIN {
        return;
    }
    for (index, at, _, marked) in counted {
        if let Some(place) = marks.get_mut(index).and_then(|r| r.get_mut(at)) {
            *place = Some(marked);
        }
    }
}

pub(super) fn marked_at(marks: &[Vec<Option<Marked>>], row: usize, at: usize) -> Option<&Marked> {
    marks.get(row).and_then(|r| r.get(at)).and_then(Option::as_ref)
}

/// A segment close below another that starts at the same place: the next row of one cell.
pub(super) fn next_row_of_cell(
    layout: &Layout,
    index: usize,
    x0: f32,
    y1: f32,
    height: f32,
) -> Option<(usize, usize, &Segment)> {
    let page = layout.rows.get(index)?.page;
    for below in index + 1..=index + 2 {
        let row = layout.rows.get(below).filter(|r| r.page == page)?;
        let found = row.segments.iter().enumerate().find(|(_, s)| (s.x0() - x0).abs() < 3.0);
        if let Some((at, segment)) = found {
            let gap = segment.y0() - y1;
            return (gap > -0.3 * height && gap < CELL_GAP_HEIGHTS * height).then_some((below, at, segment));
        }
    }
    None
}

/// Labels that go on in the next row of their cell: `Conditions de` over `paiement`.
fn join_wrapped(layout: &Layout, marks: &mut [Vec<Option<Marked>>], index: usize, kind: Kind) {
    let Some(row) = layout.rows.get(index) else { return };
    for (at, segment) in row.segments.iter().enumerate() {
        let Some(upper) = marked_at(marks, index, at) else { continue };
        if upper.label.closed || upper.label.words != segment.words.len() || upper.tail.is_some() {
            continue;
        }
        let found = next_row_of_cell(layout, index, segment.x0(), segment.y1(), segment.height());
        let Some((below, under, lower)) = found else { continue };
        let Some(second) =
            marked_at(marks, below, under).filter(|m| m.whole && m.label.words == lower.words.len())
        else {
            continue;
        };
        let texts = segment.words.iter().chain(&lower.words).map(|w| w.text.as_str());
        let Some(label) = label_at(texts).filter(|l| l.words == segment.words.len() + lower.words.len())
        else {
            continue;
        };
        let Some(field) = field_of(&label).map(|f| rename(f, &label, kind)) else { continue };
        let beside = layout.rows.get(below).and_then(|r| r.segments.get(under + 1));
        let own_value = beside.is_some_and(|s| {
            let label = marked_at(marks, below, under + 1).is_some_and(|m| m.whole && m.field.is_some());
            !label && s.x0() - lower.x1() < 0.3 * layout.width
        });
        let changes = upper.field != Some(field) || second.field.is_none();
        if own_value && upper.field.is_some() || !changes {
            continue;
        }
        let whole = Marked {
            label: Label { words: segment.words.len(), ..label },
            field: Some(field),
            whole: true,
            tail: Some((below, under)),
        };
        if let Some(place) = marks.get_mut(index).and_then(|r| r.get_mut(at)) {
            *place = Some(whole);
        }
        if let Some(tail) = marks.get_mut(below).and_then(|r| r.get_mut(under)).and_then(Option::as_mut) {
            tail.field = None;
            tail.label.closed = true;
        }
    }
}
