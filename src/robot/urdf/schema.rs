//! The part of URDF that flatout reads, as a table, and the check of a document against it.
//! Imports `error` only.

use crate::error::InputError;
use crate::robot::xml::{attribute_fault, children, fault, required};
use roxmltree::Node;
use std::fmt::Write;

/// Checks a `<robot>` against the table and returns all of it that the table knows, as a document.
pub(super) fn plain(root: Node) -> Result<String, InputError> {
    let mut out = String::new();
    transcribe(&ROBOT, root, &mut out)?;
    Ok(out)
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
    /// So many positive numbers.
    Positive(usize),
    /// A number that is not negative.
    NonNegative,
    /// A number that is not negative, `inf` included.
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
                ("ixx", Form::NonNegative),
                ("ixy", Form::Numbers(1)),
                ("ixz", Form::Numbers(1)),
                ("iyy", Form::NonNegative),
                ("iyz", Form::Numbers(1)),
                ("izz", Form::NonNegative),
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
        leaf("sphere", Count::OneOfThese, &[("radius", Form::Positive(1))], &[]),
        leaf("box", Count::OneOfThese, &[("size", Form::Positive(3))], &[]),
        leaf(
            "cylinder",
            Count::OneOfThese,
            &[("radius", Form::Positive(1)), ("length", Form::Positive(1))],
            &[],
        ),
        leaf(
            "capsule",
            Count::OneOfThese,
            &[("radius", Form::Positive(1)), ("length", Form::Positive(1))],
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
        leaf("axis", Count::Optional, &[("xyz", Form::Numbers(3))], &[]),
        leaf(
            "limit",
            Count::Optional,
            &[("velocity", Form::Cap)],
            &[
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
            &[("soft_lower_limit", Form::Numbers(1)), ("soft_upper_limit", Form::Numbers(1))],
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

/// Checks `node` against the table and writes it to `out` as the table knows it.
fn transcribe(element: &Element, node: Node, out: &mut String) -> Result<(), InputError> {
    out.push('<');
    out.push_str(element.name);
    for &(name, form) in element.required {
        transcribe_attribute(node, name, required(node, name)?, form, out)?;
    }
    for &(name, form) in element.optional {
        if let Some(text) = node.attribute(name) {
            transcribe_attribute(node, name, text, form, out)?;
        }
    }
    out.push('>');
    let mut alternatives = 0;
    for child in element.children {
        let mut found = 0;
        for node in children(node, child.name) {
            found += 1;
            if found > 1 && child.count != Count::Any {
                return Err(fault(node, format!("<{}> stands here more than once", child.name)));
            }
            transcribe(child, node, out)?;
        }
        if found == 0 && child.count == Count::One {
            return Err(fault(node, format!("<{}> is missing in <{}>", child.name, element.name)));
        }
        alternatives += usize::from(found > 0 && child.count == Count::OneOfThese);
    }
    if alternatives != 1 && element.children.iter().any(|c| c.count == Count::OneOfThese) {
        let names: Vec<String> = element.children.iter().map(|c| format!("<{}>", c.name)).collect();
        return Err(fault(node, format!("expected exactly one of {}", names.join(", "))));
    }
    out.push_str("</");
    out.push_str(element.name);
    out.push('>');
    Ok(())
}

/// Checks an attribute and writes it to `out`.
fn transcribe_attribute(
    node: Node,
    name: &str,
    text: &str,
    form: Form,
    out: &mut String,
) -> Result<(), InputError> {
    let expected = match form {
        Form::Text => (text.trim().is_empty()).then(|| "some text".to_owned()),
        Form::Word(words) => (!words.contains(&text)).then(|| words.join(", ")),
        Form::Numbers(n) => (!numbers(text, n, f64::is_finite)).then(|| count(n, "finite number")),
        Form::Positive(n) => {
            (!numbers(text, n, |x| x.is_finite() && x > 0.0)).then(|| count(n, "positive number"))
        }
        Form::NonNegative => (!numbers(text, 1, |x| x.is_finite() && x >= 0.0))
            .then(|| "a finite number that is not negative".to_owned()),
        Form::Cap => (!numbers(text, 1, |x| x >= 0.0)).then(|| "a number that is not negative".to_owned()),
    };
    if let Some(expected) = expected {
        return Err(attribute_fault(node, name, format!("expected {expected}, found \"{text}\"")));
    }
    // Writing to a string cannot fail.
    let _ = write!(out, " {name}=\"");
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\t' | '\n' | '\r' => out.push(' '),
            _ => out.push(c),
        }
    }
    out.push('"');
    Ok(())
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
