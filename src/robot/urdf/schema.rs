//! The part of URDF that flatout reads, as a table, and the check of a document against it.
//! Imports `error` only.

use crate::document::unknown;
use crate::error::{InputError, Warnings};
use crate::robot::xml::{attribute_fault, children, fault, required};
use roxmltree::Node;
use std::collections::BTreeMap;
use std::fmt::Write;

/// The least length of a shape that is flat or thin as a thread, metres: what its file gives as zero.
const THIN: f64 = 1e-6;

/// Checks a `<robot>` against the table and returns all of it that the table knows, as a document. Elements and
/// attributes that neither the table knows nor anybody is known to write are told, once for all of a kind.
pub(super) fn plain(root: Node, warnings: &Warnings) -> Result<String, InputError> {
    let mut scribe = Scribe { out: String::new(), strange: BTreeMap::new(), warnings };
    scribe.transcribe(&ROBOT, root)?;
    for (first, count) in scribe.strange.into_values() {
        let InputError { message, .. } = &first;
        let times = if count > 1 { format!(" ({count} times)") } else { String::new() };
        let message = format!("{message}; passed over{times}");
        warnings.push(InputError { message, ..first });
    }
    Ok(scribe.out)
}

/// What the text of an attribute must be. Numbers are finite unless said otherwise.
#[derive(Clone, Copy)]
enum Form {
    /// Anything but nothing.
    Text,
    /// One of these words.
    Word(&'static [&'static str]),
    /// So many numbers.
    Numbers(usize),
    /// So many lengths, of which some may be zero.
    Lengths(usize),
    /// A number that is not negative.
    NonNegative,
    /// A number, `inf` included; those below zero stand for what is not known, as zero does.
    Cap,
}

/// How often an element stands in its parent.
#[derive(Clone, Copy, PartialEq)]
enum Count {
    /// Once.
    One,
    /// Once or not at all.
    Optional,
    /// As often as one likes.
    Any,
    /// Exactly one element of this kind must be there.
    OneOfThese,
}

/// An element of URDF as far as flatout reads it.
struct Element {
    name: &'static str,
    count: Count,
    required: &'static [(&'static str, Form)],
    optional: &'static [(&'static str, Form)],
    children: &'static [Element],
}

/// An element with attributes alone.
const fn leaf(
    name: &'static str,
    count: Count,
    required: &'static [(&'static str, Form)],
    optional: &'static [(&'static str, Form)],
) -> Element {
    Element { name, count, required, optional, children: &[] }
}

const ORIGIN: Element = leaf(
    "origin",
    Count::Optional,
    &[],
    &[("xyz", Form::Numbers(3)), ("rpy", Form::Numbers(3)), ("quat_xyzw", Form::Numbers(4))],
);

const INERTIAL: Element = Element {
    name: "inertial",
    count: Count::Optional,
    required: &[],
    optional: &[],
    children: &[
        ORIGIN,
        leaf("mass", Count::One, &[("value", Form::NonNegative)], &[]),
        leaf(
            "inertia",
            Count::One,
            &[
                ("ixx", Form::Numbers(1)),
                ("ixy", Form::Numbers(1)),
                ("ixz", Form::Numbers(1)),
                ("iyy", Form::Numbers(1)),
                ("iyz", Form::Numbers(1)),
                ("izz", Form::Numbers(1)),
            ],
            &[],
        ),
    ],
};

const GEOMETRY: Element = Element {
    name: "geometry",
    count: Count::One,
    required: &[],
    optional: &[],
    children: &[
        leaf("sphere", Count::OneOfThese, &[("radius", Form::Lengths(1))], &[]),
        leaf("box", Count::OneOfThese, &[("size", Form::Lengths(3))], &[]),
        leaf(
            "cylinder",
            Count::OneOfThese,
            &[("radius", Form::Lengths(1)), ("length", Form::Lengths(1))],
            &[],
        ),
        leaf(
            "capsule",
            Count::OneOfThese,
            &[("radius", Form::Lengths(1)), ("length", Form::Lengths(1))],
            &[],
        ),
        leaf("mesh", Count::OneOfThese, &[("filename", Form::Text)], &[("scale", Form::Numbers(3))]),
    ],
};

const COLLISION: Element = Element {
    name: "collision",
    count: Count::Any,
    required: &[],
    optional: &[],
    children: &[ORIGIN, GEOMETRY],
};

const JOINT: Element = Element {
    name: "joint",
    count: Count::Any,
    required: &[
        ("name", Form::Text),
        ("type", Form::Word(&["fixed", "revolute", "continuous", "prismatic"])),
    ],
    optional: &[],
    children: &[
        ORIGIN,
        leaf("parent", Count::One, &[("link", Form::Text)], &[]),
        leaf("child", Count::One, &[("link", Form::Text)], &[]),
        leaf("axis", Count::Optional, &[], &[("xyz", Form::Numbers(3))]),
        leaf(
            "limit",
            Count::Optional,
            &[],
            &[
                ("velocity", Form::Cap),
                ("lower", Form::Numbers(1)),
                ("upper", Form::Numbers(1)),
                ("effort", Form::Cap),
                ("acceleration", Form::Cap),
                ("deceleration", Form::Cap),
                ("jerk", Form::Cap),
            ],
        ),
        leaf(
            "mimic",
            Count::Optional,
            &[("joint", Form::Text)],
            &[("multiplier", Form::Numbers(1)), ("offset", Form::Numbers(1))],
        ),
        leaf(
            "safety_controller",
            Count::Optional,
            &[("k_velocity", Form::Numbers(1))],
            &[("k_position", Form::Numbers(1)), ("soft_lower_limit", Form::Numbers(1)), ("soft_upper_limit", Form::Numbers(1))],
        ),
    ],
};

/// All that flatout reads of URDF (<http://wiki.ros.org/urdf/XML>, and version 1.2's additions).
const ROBOT: Element = Element {
    name: "robot",
    count: Count::One,
    required: &[],
    optional: &[("name", Form::Text), ("version", Form::Text)],
    children: &[
        Element {
            name: "link",
            count: Count::Any,
            required: &[("name", Form::Text)],
            optional: &[],
            children: &[INERTIAL, COLLISION],
        },
        JOINT,
    ],
};

/// Elements that stand in URDF files and that flatout has no use for, below which others.
const UNUSED: [(&str, &[&str]); 4] = [
    ("robot", &["material", "transmission", "gazebo", "ros2_control", "sensor"]),
    ("link", &["visual", "gazebo", "sensor", "material", "contact", "self_collision_checking"]),
    ("joint", &["dynamics", "calibration", "gazebo", "hardwareInterface", "transmission"]),
    ("collision", &["gazebo", "material", "contact_coefficients", "surface", "verbose"]),
];

/// Attributes of which the same is true, anywhere.
const UNUSED_ATTRIBUTES: [&str; 4] = ["name", "group", "type", "rgba"];

/// Attributes that the reader of what is written down wants, and what says there that they are not known.
const FILLED_IN: [(&str, &str, &str); 2] = [("limit", "velocity", "0"), ("axis", "xyz", "1 0 0")];

/// Writes down what the table knows of a document.
struct Scribe<'w> {
    out: String,
    /// The first element or attribute of each kind that is not known, and how many there are.
    strange: BTreeMap<(&'static str, String), (InputError, usize)>,
    warnings: &'w Warnings,
}

impl Scribe<'_> {
    /// Checks `node` against the table and writes it down as the table knows it.
    fn transcribe(&mut self, element: &Element, node: Node) -> Result<(), InputError> {
        self.out.push('<');
        self.out.push_str(element.name);
        for &(name, form) in element.required {
            self.attribute(node, name, required(node, name)?, form)?;
        }
        for &(name, form) in element.optional {
            if let Some(text) = node.attribute(name) {
                self.attribute(node, name, text, form)?;
            }
        }
        let missing = |&&(of, name, _): &&(&str, &str, &str)| of == element.name && !node.has_attribute(name);
        if let Some((_, name, text)) = FILLED_IN.iter().find(missing) {
            self.write(name, text);
        }
        self.note_strangers(element, node);
        self.out.push('>');
        let mut alternatives = 0;
        for child in element.children {
            let mut found = 0;
            for node in children(node, child.name) {
                found += 1;
                if found > 1 && child.count != Count::Any {
                    return Err(fault(node, format!("<{}> stands here more than once", child.name)));
                }
                self.transcribe(child, node)?;
            }
            if found == 0 && child.count == Count::One {
                return Err(fault(node, format!("<{}> is missing in <{}>", child.name, element.name)));
            }
            alternatives += usize::from(found > 0 && child.count == Count::OneOfThese);
        }
        if alternatives != 1 && element.children.iter().any(|c| c.count == Count::OneOfThese) {
            let names: Vec<String> = element.children.iter().map(|c| format!("<{}>", c.name)).collect();
            let found = node.children().find(|c| c.is_element() && alternatives == 0);
            let found = found.map_or(String::new(), |n| format!(", found <{}>", n.tag_name().name()));
            return Err(fault(node, format!("expected exactly one of {}{found}", names.join(", "))));
        }
        self.out.push_str("</");
        self.out.push_str(element.name);
        self.out.push('>');
        Ok(())
    }

    /// Notes elements and attributes that nobody knows; what has a namespace of its own is an extension.
    fn note_strangers(&mut self, element: &Element, node: Node) {
        let unused = UNUSED.iter().find(|(name, _)| *name == element.name).map_or(&[][..], |(_, unused)| unused);
        let known = || element.children.iter().map(|c| c.name);
        let namespace = node.tag_name().namespace();
        for child in node.children().filter(|c| c.is_element() && c.tag_name().namespace() == namespace) {
            let name = child.tag_name().name();
            if !known().any(|k| k == name) && !unused.contains(&name) {
                let what = fault(child, unknown(&format!("element in <{}>", element.name), name, known()));
                self.note(element.name, name, what);
            }
        }
        let known = || element.required.iter().chain(element.optional).map(|(name, _)| *name);
        for attribute in node.attributes().filter(|a| a.namespace().is_none()) {
            let name = attribute.name();
            if !known().any(|k| k == name) && !UNUSED_ATTRIBUTES.contains(&name) {
                let what = unknown(&format!("attribute of <{}>", element.name), name, known());
                self.note(element.name, name, attribute_fault(node, name, what));
            }
        }
    }

    fn note(&mut self, element: &'static str, name: &str, what: InputError) {
        self.strange.entry((element, name.to_owned())).or_insert((what, 0)).1 += 1;
    }

    /// Checks an attribute and writes it down.
    fn attribute(&mut self, node: Node, name: &str, text: &str, form: Form) -> Result<(), InputError> {
        let expected = match form {
            Form::Text => (text.trim().is_empty()).then(|| "some text".to_owned()),
            Form::Word(words) => (!words.contains(&text)).then(|| words.join(", ")),
            Form::Numbers(n) => (!numbers(text, n, f64::is_finite)).then(|| count(n, "finite number")),
            Form::Lengths(n) => {
                (!numbers(text, n, |x| x.is_finite() && x >= 0.0)).then(|| count(n, "positive number"))
            }
            Form::NonNegative => (!numbers(text, 1, |x| x.is_finite() && x >= 0.0))
                .then(|| "a finite number that is not negative".to_owned()),
            Form::Cap => (!numbers(text, 1, |x| !x.is_nan() && x > f64::NEG_INFINITY)).then(|| "a number".to_owned()),
        };
        if let Some(expected) = expected {
            return Err(attribute_fault(node, name, format!("expected {expected}, found \"{text}\"")));
        }
        match form {
            Form::Cap if numbers(text, 1, |x| x < 0.0) => {
                let what = format!("{text} is no limit; taken as not known, like 0");
                self.warnings.push(attribute_fault(node, name, what));
                self.write(name, "0");
            }
            // What fills nothing is left out later, with a warning of its own.
            Form::Lengths(n) if !is_a_point(node) && !numbers(text, n, |x| x > 0.0) => {
                let what = format!("a length of zero in \"{text}\"; taken as {THIN:e} m");
                self.warnings.push(attribute_fault(node, name, what));
                let lengths = text.split_whitespace().filter_map(|word| word.parse::<f64>().ok());
                let lengths: Vec<String> = lengths.map(|x| x.max(THIN).to_string()).collect();
                self.write(name, &lengths.join(" "));
            }
            _ => self.write(name, text),
        }
        Ok(())
    }

    /// Writes an attribute down.
    fn write(&mut self, name: &str, text: &str) {
        // Writing to a string cannot fail.
        let _ = write!(self.out, " {name}=\"");
        for c in text.chars() {
            match c {
                '&' => self.out.push_str("&amp;"),
                '<' => self.out.push_str("&lt;"),
                '>' => self.out.push_str("&gt;"),
                '"' => self.out.push_str("&quot;"),
                '\t' | '\n' | '\r' => self.out.push(' '),
                _ => self.out.push(c),
            }
        }
        self.out.push('"');
    }
}

/// Whether all lengths of a shape are zero: such fills nothing.
pub(super) fn is_a_point(shape: Node) -> bool {
    let mut lengths = ["radius", "length", "size"].into_iter().filter_map(|name| shape.attribute(name)).peekable();
    let zero = |text: &str| text.split_whitespace().all(|word| word.parse::<f64>() == Ok(0.0));
    lengths.peek().is_some() && lengths.all(zero)
}

/// "3 finite numbers", "1 finite number".
fn count(n: usize, what: &str) -> String {
    format!("{n} {what}{}", if n == 1 { "" } else { "s" })
}

/// Whether a text is `n` numbers, each of them `fine`.
fn numbers(text: &str, n: usize, fine: impl Fn(f64) -> bool) -> bool {
    let fine = |word: &str| word.parse::<f64>().is_ok_and(&fine);
    text.split_whitespace().count() == n && text.split_whitespace().all(fine)
}
