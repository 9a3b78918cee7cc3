//! What the URDF and SRDF readers share: parsing XML, and errors that say where in it they are.
//! Imports `error` only.

use crate::error::InputError;
use roxmltree::{Document, Node, ParsingOptions};

/// Most nodes of a document: a hundred times what large robots have.
const MAX_NODES: u32 = 1_000_000;

/// Parses a document whose root element is `<robot>`.
pub(super) fn parse(text: &str) -> Result<Document<'_>, InputError> {
    let options = ParsingOptions { nodes_limit: MAX_NODES, ..ParsingOptions::default() };
    let document = Document::parse_with_options(text, options).map_err(|e| {
        let (at, message) = (e.pos(), e.to_string());
        let message = message.strip_suffix(&format!(" at {at}")).unwrap_or(&message);
        let message = format!("not well-formed XML: {message}");
        InputError::new(message).at(at.row as usize, at.col as usize)
    })?;
    let root = document.root_element();
    if root.tag_name().name() != "robot" {
        let found = root.tag_name().name();
        return Err(fault(root, format!("expected <robot> as the root element, found <{found}>")));
    }
    Ok(document)
}

/// An error about an element.
pub(super) fn fault(node: Node, message: impl Into<String>) -> InputError {
    let at = node.document().text_pos_at(node.range().start);
    InputError::new(message).at(at.row as usize, at.col as usize).for_key(key(node))
}

/// An error about an attribute of an element (of the element itself, where it has none such).
pub(super) fn attribute_fault(node: Node, attribute: &str, message: impl Into<String>) -> InputError {
    let Some(found) = node.attribute_node(attribute) else {
        return fault(node, message);
    };
    let at = node.document().text_pos_at(found.range().start);
    let key = format!("{}.{attribute}", key(node));
    InputError::new(message).at(at.row as usize, at.col as usize).for_key(key)
}

/// The text of an attribute that must be there.
pub(super) fn required<'a>(node: Node<'a, '_>, attribute: &str) -> Result<&'a str, InputError> {
    match node.attribute(attribute) {
        Some(text) if !text.trim().is_empty() => Ok(text),
        Some(_) => Err(attribute_fault(node, attribute, "is empty")),
        None => {
            let tag = node.tag_name().name();
            Err(fault(node, format!("attribute \"{attribute}\" is missing in <{tag}>")))
        }
    }
}

/// Child elements of a name, in the namespace of their parent.
pub(super) fn children<'a, 'i: 'a>(node: Node<'a, 'i>, name: &'a str) -> impl Iterator<Item = Node<'a, 'i>> {
    let namespace = node.tag_name().namespace();
    node.children().filter(move |c| {
        c.is_element() && c.tag_name().name() == name && c.tag_name().namespace() == namespace
    })
}

/// Where an element stands below the root, such as `joint "elbow".limit`.
fn key(node: Node) -> String {
    let step = |n: Node| match n.attribute("name") {
        Some(name) => format!("{} \"{name}\"", n.tag_name().name()),
        None => n.tag_name().name().to_owned(),
    };
    let mut steps: Vec<String> =
        node.ancestors().filter(|n| n.parent_element().is_some()).map(step).collect();
    if steps.is_empty() {
        steps.push("robot".to_owned());
    }
    steps.reverse();
    steps.join(".")
}
