//! What the URDF and SRDF readers share: parsing XML, and errors that say where in it they are.
//! Imports `error` only.

use crate::error::{InputError, Warnings, listed};
use roxmltree::{Document, Error, Node, ParsingOptions};
use std::borrow::Cow;
use std::ops::Range;

/// Most nodes of a document: a hundred times what large robots have.
const MAX_NODES: u32 = 1_000_000;

/// Most prefixes that are declared for a file.
const MAX_PREFIXES: usize = 64;

/// What the namespaces of prefixes that a file does not declare begin with.
const UNDECLARED: &str = "undeclared:";

/// How xacro is turned into what it stands for.
pub(super) const EXPAND: &str =
    "expand it first, by `xacro FILE > robot.urdf` (ROS 2: `ros2 run xacro xacro FILE > robot.urdf`)";

/// The text with all prefixes declared that it uses and does not declare, as files from before XML had
/// namespaces do; and which these are. They are declared where the root begins, so that lines stay.
pub(super) fn declared(text: &str) -> (Cow<'_, str>, Vec<String>) {
    let (mut text, mut prefixes) = (Cow::Borrowed(text), Vec::new());
    while prefixes.len() < MAX_PREFIXES
        && let Err(Error::UnknownNamespace(prefix, _)) = parse_xml(&text)
        && let Some(at) = end_of_root_name(&text)
    {
        let declaration = format!(" xmlns:{prefix}=\"{UNDECLARED}{prefix}\"");
        text.to_mut().insert_str(at, &declaration);
        prefixes.push(prefix);
    }
    (text, prefixes)
}

/// Where the name of the root element ends, behind comments and what else may stand before it.
fn end_of_root_name(text: &str) -> Option<usize> {
    let mut at = text.find('<')?;
    for (open, close) in [("<!--", "-->"), ("<?", "?>"), ("<!", ">")].into_iter().cycle() {
        let rest = &text[at..];
        if rest.starts_with(open) && (open != "<!" || !rest.starts_with("<!--")) {
            at += rest.find(close)?;
            at += text[at..].find('<')?;
        } else if !rest.starts_with("<!") && !rest.starts_with("<?") {
            break;
        }
    }
    let name = text[at..].find(|c: char| c.is_whitespace() || c == '>' || c == '/')?;
    Some(at + name)
}

fn parse_xml(text: &str) -> Result<Document<'_>, Error> {
    let options = ParsingOptions { nodes_limit: MAX_NODES, ..ParsingOptions::default() };
    Document::parse_with_options(text, options)
}

/// Parses any document.
pub(super) fn well_formed(text: &str) -> Result<Document<'_>, InputError> {
    parse_xml(text).map_err(|e| {
        let (at, message) = (e.pos(), e.to_string());
        let message = message.strip_suffix(&format!(" at {at}")).unwrap_or(&message);
        let message = format!("not well-formed XML: {message}");
        InputError::new(message).at(at.row as usize, at.col as usize)
    })
}

/// Parses a document whose root element is `<robot>`, with all prefixes [`declared`].
pub(super) fn parse(text: &str) -> Result<Document<'_>, InputError> {
    let document = well_formed(text)?;
    let root = document.root_element();
    if root.tag_name().name() != "robot" {
        let found = root.tag_name().name();
        return Err(fault(root, format!("expected <robot> as the root element, found <{found}>")));
    }
    refuse_xacro(root)?;
    Ok(document)
}

/// Refuses what xacro would have to expand: macros, and `${...}` and `$(...)` in attributes. Without them the robot
/// would be another one. What simulators and drivers are told below elements that nobody here reads may hold
/// anything but macros.
fn refuse_xacro(root: Node) -> Result<(), InputError> {
    const NOT_READ: [&str; 3] = ["gazebo", "ros2_control", "transmission"];
    // Where the last element ends that is not read, in the text.
    let mut unread = 0;
    for node in root.descendants().filter(Node::is_element) {
        let name = node.tag_name();
        if name.namespace().is_some_and(|namespace| namespace.contains("xacro")) {
            let message = format!("<xacro:{}> stands here: this is xacro that was not expanded; {EXPAND}", name.name());
            return Err(fault(node, message));
        }
        let Range { start, end } = node.range();
        if NOT_READ.contains(&name.name()) {
            unread = unread.max(end);
        }
        if start < unread {
            continue;
        }
        let macros = |text: &str| ["${", "$("].into_iter().find(|open| text.contains(open));
        if let Some((attribute, open)) = node.attributes().find_map(|a| Some((a, macros(a.value())?))) {
            let close = if open == "${" { "}" } else { ")" };
            let message = format!("{open}...{close} stands here: this is xacro that was not expanded; {EXPAND}");
            return Err(attribute_fault(node, attribute.name(), message));
        }
    }
    Ok(())
}

/// Says that prefixes were [`declared`] for the file.
pub(super) fn tell_undeclared(root: Node, prefixes: &[String], warnings: &Warnings) {
    if !prefixes.is_empty() {
        let names = listed(prefixes.iter().map(String::as_str));
        warnings.push(fault(root, format!("prefixes of XML that the file does not declare: {names}; what has them is passed over")));
    }
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
