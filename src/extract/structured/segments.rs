//! Messages of segments, elements and components: what X12, EDIFACT and TRADACOMS have in common.
//!
//! A release character takes the meaning from the character behind it. Limits: segments of one file.

use super::xml::Found;

/// Segments of one file.
pub(super) const SEGMENTS_MAX: usize = 200_000;

/// The characters that part a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Marks {
    /// Between components of one element.
    pub(super) component: char,
    /// Between elements.
    pub(super) element: char,
    /// Between the tag and the first element, where that is another character.
    pub(super) tag: char,
    /// Takes the meaning from the character behind it.
    pub(super) release: Option<char>,
    /// Ends a segment.
    pub(super) end: char,
    /// Decimal mark, besides the dot.
    pub(super) decimal: char,
}

/// One segment.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Segment {
    /// Its tag: `BGM`, `PO1`…
    pub(super) tag: String,
    /// Elements in order, each with its components; the first follows the tag.
    pub(super) elements: Vec<Vec<String>>,
    /// Its number in the file, from 1.
    pub(super) number: usize,
    /// The file ends within it.
    pub(super) cut: bool,
}

impl Segment {
    /// A component of an element, both from 0; none if it is empty.
    pub(super) fn get(&self, element: usize, component: usize) -> Option<&str> {
        let text = self.elements.get(element)?.get(component)?.trim();
        (!text.is_empty()).then_some(text)
    }

    /// The first component of an element, empty if it is not there.
    pub(super) fn code(&self, element: usize) -> &str {
        self.get(element, 0).unwrap_or_default()
    }

    /// A component with its place.
    pub(super) fn found(&self, element: usize, component: usize) -> Option<Found> {
        self.get(element, component).map(|text| Found { text: text.to_owned(), place: self.place(element) })
    }

    /// `segment 12 PO1 element 4`, counted from 1.
    pub(super) fn place(&self, element: usize) -> String {
        format!("segment {} {} element {}", self.number, self.tag, element + 1)
    }
}

/// Cuts a text into segments.
pub(super) fn split(text: &str, marks: Marks) -> Vec<Segment> {
    let mut segments = Vec::new();
    let mut elements: Vec<Vec<String>> = vec![vec![String::new()]];
    let mut released = false;
    let mut tagged = false;
    let mut written = false;
    for c in text.chars() {
        if segments.len() >= SEGMENTS_MAX {
            return segments;
        }
        // line breaks only make a file readable, unless they end segments
        if !released && c != marks.end && (matches!(c, '\r' | '\n') || !written && c.is_whitespace()) {
            continue;
        }
        let new_element = c == marks.element || !tagged && c == marks.tag;
        if released {
            released = false;
            push(&mut elements, c);
        } else if Some(c) == marks.release {
            released = true;
        } else if c == marks.end {
            if written {
                segments.push(segment(std::mem::take(&mut elements), segments.len() + 1, false));
            }
            elements = vec![vec![String::new()]];
            (tagged, written) = (false, false);
        } else if new_element {
            tagged = true;
            elements.push(vec![String::new()]);
        } else if c == marks.component && tagged {
            if let Some(element) = elements.last_mut() {
                element.push(String::new());
            }
        } else {
            push(&mut elements, c);
        }
        written |= c != marks.end;
    }
    if written {
        segments.push(segment(elements, segments.len() + 1, true));
    }
    segments
}

fn push(elements: &mut [Vec<String>], c: char) {
    if let Some(text) = elements.last_mut().and_then(|element| element.last_mut()) {
        text.push(c);
    }
}

fn segment(mut elements: Vec<Vec<String>>, number: usize, cut: bool) -> Segment {
    let rest = if elements.is_empty() { Vec::new() } else { elements.split_off(1) };
    let tag = elements.into_iter().flatten().next().unwrap_or_default().trim().to_uppercase();
    Segment { tag, elements: rest, number, cut }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn segments_are_cut_and_released() {
        let marks =
            Marks { component: ':', element: '+', tag: '+', release: Some('?'), end: '\'', decimal: '.' };
        let segments = split("LIN+1++A?+B?':EN'\r\n  QTY+21:5'\nUNS", marks);
        assert_eq!(segments.len(), 3);
        assert_eq!(segments[0].get(2, 0), Some("A+B'"));
        assert_eq!(segments[0].get(2, 1), Some("EN"));
        assert_eq!(segments[1].found(0, 1).unwrap().place, "segment 2 QTY element 1");
        assert!(segments[2].cut && segments[2].tag == "UNS");
    }
}
