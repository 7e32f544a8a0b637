//! XML into a tree of elements, for documents that are read by their paths.
//!
//! Nothing from outside is fetched and no entity is expanded but the five of XML: a document type is skipped unread.
//! Elements are known by their local names; the root also by its namespace. Limits: elements, depth.

use quick_xml::{
    Reader, XmlVersion,
    escape::resolve_xml_entity,
    events::{BytesRef, BytesStart, Event},
};
use std::collections::HashMap;

/// Elements of one document.
const ELEMENTS_MAX: usize = 500_000;
/// Elements inside elements.
const DEPTH_MAX: usize = 64;
/// Namespace declarations that hold at one place.
const PREFIXES_MAX: usize = 64;
/// How deep documents may stand in envelopes, whose namespaces are asked for.
const ENVELOPE_DEPTH_MAX: usize = 4;

/// What is wrong with the XML itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fault {
    /// It breaks off, or its tags do not match.
    Broken,
    /// More elements, or deeper, than is read.
    TooLarge,
    /// It refers to an entity that it would have to load or expand.
    Entity,
}

/// One element.
#[derive(Debug, Default)]
struct Node {
    name: String,
    attributes: Vec<(String, String)>,
    text: String,
    parent: Option<usize>,
    children: Vec<usize>,
    /// Its number among the siblings of its name, from 1.
    ordinal: u32,
}

/// A document; the root is the first node.
#[derive(Debug)]
pub(super) struct Tree {
    nodes: Vec<Node>,
    /// Namespace of each element that declares or inherits one for its own prefix; only roots are asked.
    namespaces: HashMap<usize, String>,
    /// What was wrong, each fault once.
    pub(super) faults: Vec<Fault>,
}

/// An element of a tree.
#[derive(Clone, Copy, Debug)]
pub(super) struct Element<'a> {
    tree: &'a Tree,
    index: usize,
}

/// A value and where it stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Found {
    /// The text as it stands, without blanks around it.
    pub(super) text: String,
    /// Path of the element, or place in the message.
    pub(super) place: String,
}

impl Tree {
    /// Reads as much as there is; what is wrong stands in `faults`.
    pub(super) fn parse(xml: &str) -> Self {
        let mut reader = Reader::from_str(xml.trim_start_matches('\u{feff}').trim_start());
        reader.config_mut().expand_empty_elements = true;
        let mut tree = Self { nodes: Vec::new(), namespaces: HashMap::new(), faults: Vec::new() };
        let mut open: Vec<usize> = Vec::new();
        let mut counts: Vec<HashMap<String, u32>> = vec![HashMap::new()];
        let mut prefixes: Vec<(usize, String, String)> = Vec::new();
        loop {
            match reader.read_event() {
                Ok(Event::Start(start)) => {
                    if tree.nodes.len() >= ELEMENTS_MAX || open.len() >= DEPTH_MAX {
                        tree.fault(Fault::TooLarge);
                        break;
                    }
                    tree.open(&start, &mut open, &mut counts, &mut prefixes);
                }
                Ok(Event::End(_)) => {
                    open.pop();
                    counts.pop();
                    prefixes.retain(|(depth, ..)| *depth <= open.len());
                }
                Ok(Event::Text(text)) => tree.write(&open, &text.xml10_content()),
                Ok(Event::CData(text)) => tree.write(&open, &text.xml10_content()),
                Ok(Event::GeneralRef(reference)) => match resolve(&reference) {
                    Some(text) => tree.write(&open, &text),
                    None => tree.fault(Fault::Entity),
                },
                Ok(Event::Eof) => break,
                Ok(_) => {}
                Err(_) => {
                    tree.fault(Fault::Broken);
                    break;
                }
            }
        }
        if !open.is_empty() {
            tree.fault(Fault::Broken);
        }
        tree
    }

    fn open(
        &mut self,
        start: &BytesStart<'_>,
        open: &mut Vec<usize>,
        counts: &mut Vec<HashMap<String, u32>>,
        prefixes: &mut Vec<(usize, String, String)>,
    ) {
        let index = self.nodes.len();
        let name = start.local_name().as_ref().to_owned();
        let ordinal = counts.last_mut().map_or(1, |counts| {
            let count = counts.entry(name.clone()).or_insert(0);
            *count += 1;
            *count
        });
        let mut attributes = Vec::new();
        for attribute in start.attributes().with_checks(false).flatten() {
            let key = attribute.key.as_ref().to_owned();
            let Ok(value) = attribute.normalized_value(XmlVersion::Implicit1_0) else {
                self.fault(Fault::Entity);
                continue;
            };
            if key == "xmlns" || key.starts_with("xmlns:") {
                let prefix = key.strip_prefix("xmlns:").unwrap_or_default().to_owned();
                if prefixes.len() < PREFIXES_MAX {
                    prefixes.push((open.len() + 1, prefix, value.into_owned()));
                }
            } else {
                let local = key.rsplit(':').next().unwrap_or_default().to_owned();
                attributes.push((local, value.trim().to_owned()));
            }
        }
        let full = start.name().as_ref().to_owned();
        let prefix = full.split_once(':').map_or("", |(prefix, _)| prefix);
        if let Some((.., namespace)) = prefixes.iter().rev().find(|(_, p, _)| p == prefix)
            && open.len() <= ENVELOPE_DEPTH_MAX
        {
            self.namespaces.insert(index, namespace.clone());
        }
        let parent = open.last().copied();
        if let Some(parent) = parent.and_then(|p| self.nodes.get_mut(p)) {
            parent.children.push(index);
        }
        self.nodes.push(Node { name, attributes, parent, ordinal, ..Node::default() });
        open.push(index);
        counts.push(HashMap::new());
    }

    fn write(&mut self, open: &[usize], text: &str) {
        if let Some(node) = open.last().and_then(|index| self.nodes.get_mut(*index)) {
            node.text.push_str(text);
        }
    }

    fn fault(&mut self, fault: Fault) {
        if !self.faults.contains(&fault) {
            self.faults.push(fault);
        }
    }

    /// The root element.
    pub(super) fn root(&self) -> Option<Element<'_>> {
        (!self.nodes.is_empty()).then_some(Element { tree: self, index: 0 })
    }

    fn node(&self, index: usize) -> Option<&Node> {
        self.nodes.get(index)
    }
}

/// What a character reference or one of the five entities of XML stands for; all others are not followed.
fn resolve(reference: &BytesRef<'_>) -> Option<String> {
    let character = reference.resolve_char_ref().ok().flatten();
    character.map(String::from).or_else(|| resolve_xml_entity(reference).map(str::to_owned))
}

impl<'a> Element<'a> {
    fn node(self) -> Option<&'a Node> {
        self.tree.node(self.index)
    }

    /// Local name.
    pub(super) fn name(self) -> &'a str {
        self.node().map_or("", |node| &node.name)
    }

    /// Namespace, known for elements near the root.
    pub(super) fn namespace(self) -> &'a str {
        self.tree.namespaces.get(&self.index).map_or("", String::as_str)
    }

    /// The elements inside.
    pub(super) fn children(self) -> impl Iterator<Item = Self> + use<'a> {
        let tree = self.tree;
        self.node().into_iter().flat_map(|node| &node.children).map(move |&index| Self { tree, index })
    }

    /// The elements of that name inside.
    pub(super) fn all(self, name: &'static str) -> impl Iterator<Item = Self> + use<'a> {
        self.children().filter(move |child| child.name() == name)
    }

    /// The first element at a path of names parted by slashes; every branch is tried.
    pub(super) fn at(self, path: &'static str) -> Option<Self> {
        match path.split_once('/') {
            None => self.all(path).next(),
            Some((head, rest)) => self.all(head).find_map(|child| child.at(rest)),
        }
    }

    /// The text of this element, if there is any.
    pub(super) fn found(self) -> Option<Found> {
        let text = self.node()?.text.split_whitespace().collect::<Vec<_>>().join(" ");
        (!text.is_empty()).then(|| Found { text, place: self.place() })
    }

    /// The text at a path: the first that is not empty.
    pub(super) fn text(self, path: &'static str) -> Option<Found> {
        match path.split_once('/') {
            None => self.all(path).find_map(Self::found),
            Some((head, rest)) => self.all(head).find_map(|child| child.text(rest)),
        }
    }

    /// An attribute of this element.
    pub(super) fn attribute(self, name: &str) -> Option<Found> {
        let (_, value) = self.node()?.attributes.iter().find(|(key, _)| key == name)?;
        (!value.is_empty()).then(|| Found { text: value.clone(), place: format!("{}/@{name}", self.place()) })
    }

    /// Where it stands: the names from the root, with numbers where a name comes again.
    pub(super) fn place(self) -> String {
        let mut names = Vec::new();
        let mut at = Some(self.index);
        while let Some(node) = at.and_then(|index| self.tree.node(index)) {
            names.push(if node.ordinal > 1 {
                format!("{}[{}]", node.name, node.ordinal)
            } else {
                node.name.clone()
            });
            at = node.parent;
        }
        names.reverse();
        format!("/{}", names.join("/"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_found_by_their_paths() {
        let tree =
            Tree::parse("\u{feff}<a:o xmlns:a=\"urn:o\"><l/><l q='2 &amp; 3'><n> x&#65;\n y</n></l></a:o>");
        let root = tree.root().unwrap();
        assert_eq!((root.name(), root.namespace()), ("o", "urn:o"));
        let found = root.text("l/n").unwrap();
        assert_eq!((found.text.as_str(), found.place.as_str()), ("xA y", "/o/l[2]/n"));
        assert_eq!(root.all("l").nth(1).unwrap().attribute("q").unwrap().text, "2 & 3");
        assert!(tree.faults.is_empty());
    }

    #[test]
    fn what_is_hostile_is_a_fault() {
        let deep = "<a>".repeat(DEPTH_MAX + 1);
        for (xml, fault) in [
            ("<!DOCTYPE x [<!ENTITY a \"aaaa\">]><x><p>&a;</p></x>", Fault::Entity),
            ("<x><p>", Fault::Broken),
            ("<x></y>", Fault::Broken),
            (deep.as_str(), Fault::TooLarge),
        ] {
            assert!(Tree::parse(xml).faults.contains(&fault), "{xml}");
        }
    }
}
