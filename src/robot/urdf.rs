//! Reads URDF. Imports `error` and `pose` only.
//!
//! A file passes through three stages. `roxmltree` parses it and knows the line of every element.
//! A [table](ROBOT) of all that flatout reads of URDF checks elements and attributes against it and
//! writes down what it found as a plain document: no visuals, no extensions, nothing nested deeper
//! than the table. `urdf-rs` reads that document; what it returns is then joined into a tree.

use super::xml::{attribute_fault, children, fault, parse, required};
use super::{Inertia, Joint, JointKind, JointLimits, Link, Mimic, Robot, Sphere};
use crate::error::InputError;
use crate::pose::Pose;
use glam::{DMat3, DVec3};
use roxmltree::Node;
use std::collections::HashMap;
use std::fmt::Write;
use urdf_rs::{Geometry, JointType};

/// More links than any robot has: a file with more is a mistake, and pairs of links are quadratic.
const MAX_LINKS: usize = 2048;

/// Reads a robot from the text of a URDF file: links, joints, and spheres; no groups and no pairs.
pub(super) fn read(text: &str) -> Result<Robot, InputError> {
    let document = parse(text)?;
    let root = document.root_element();
    let mut plain = String::new();
    transcribe(&ROBOT, root, &mut plain)?;
    let urdf = urdf_rs::read_from_string(&plain).map_err(|e| fault(root, format!("not valid URDF: {e}")))?;
    let links: Vec<Node> = children(root, "link").collect();
    let joints: Vec<Node> = children(root, "joint").collect();
    Assembly { urdf: &urdf, root, links, joints }.robot()
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

/// What `urdf-rs` read, beside the elements it stems from: `links[i]` is `urdf.links[i]`'s.
struct Assembly<'a, 'i> {
    urdf: &'a urdf_rs::Robot,
    root: Node<'a, 'i>,
    links: Vec<Node<'a, 'i>>,
    joints: Vec<Node<'a, 'i>>,
}

impl Assembly<'_, '_> {
    /// Joins links and joints into a tree.
    fn robot(&self) -> Result<Robot, InputError> {
        let order = self.order()?;
        let joint_index: HashMap<&str, usize> =
            order.joints.iter().enumerate().map(|(j, &u)| (self.urdf.joints[u].name.as_str(), j)).collect();
        let mut link_index = vec![0; self.links.len()];
        for (l, &u) in order.links.iter().enumerate() {
            link_index[u] = l;
        }
        let mut joints = Vec::with_capacity(order.joints.len());
        for (&u, &parent) in order.joints.iter().zip(&order.parents) {
            joints.push(self.joint(u, link_index[parent], &joint_index)?);
        }
        self.resolve_mimics(&mut joints, &order.joints)?;
        Ok(Robot {
            name: self.urdf.name.clone(),
            links: order.links.iter().map(|&u| self.link(u)).collect::<Result<_, _>>()?,
            joints,
            groups: Vec::new(),
            states: Vec::new(),
            pairs: Vec::new(),
            skipped: Vec::new(),
        })
    }

    /// Sorts links and joints so that parents come first.
    fn order(&self) -> Result<Order, InputError> {
        if self.links.len() > MAX_LINKS {
            let found = self.links.len();
            return Err(fault(self.root, format!("{found} links; at most {MAX_LINKS} are read")));
        }
        let links = index(self.urdf.links.iter().map(|l| l.name.as_str()), &self.links, "link")?;
        index(self.urdf.joints.iter().map(|j| j.name.as_str()), &self.joints, "joint")?;
        let mut carried_by: Vec<Option<usize>> = vec![None; self.links.len()];
        let mut carries: Vec<Vec<usize>> = vec![Vec::new(); self.links.len()];
        let mut child_of = vec![0; self.joints.len()];
        for (j, joint) in self.urdf.joints.iter().enumerate() {
            let find = |end: &str, name: &str| {
                links.get(name).copied().ok_or_else(|| {
                    let node = children(self.joints[j], end).next().unwrap_or(self.joints[j]);
                    attribute_fault(node, "link", format!("there is no link \"{name}\""))
                })
            };
            let (parent, child) = (find("parent", &joint.parent.link)?, find("child", &joint.child.link)?);
            if let Some(other) = carried_by[child] {
                let (link, other) = (&joint.child.link, &self.urdf.joints[other].name);
                return Err(fault(
                    self.joints[j],
                    format!("link \"{link}\" is the child of joint \"{other}\" already; expected a tree"),
                ));
            }
            carried_by[child] = Some(j);
            carries[parent].push(j);
            child_of[j] = child;
        }
        let root = self.root_link(&carried_by)?;
        let mut order = Order { links: vec![root], joints: Vec::new(), parents: Vec::new() };
        let mut open: Vec<(usize, usize)> = carries[root].iter().rev().map(|&j| (root, j)).collect();
        while let Some((parent, j)) = open.pop() {
            let child = child_of[j];
            order.joints.push(j);
            order.parents.push(parent);
            order.links.push(child);
            open.extend(carries[child].iter().rev().map(|&j| (child, j)));
        }
        if order.links.len() < self.links.len() {
            // Every link but the root has one parent, so what the root does not reach runs in circles.
            let lost = (0..self.links.len()).find(|l| !order.links.contains(l)).unwrap_or(root);
            return Err(fault(self.links[lost], "the joints above this link form a cycle; expected a tree"));
        }
        Ok(order)
    }

    /// The only link that no joint carries.
    fn root_link(&self, carried_by: &[Option<usize>]) -> Result<usize, InputError> {
        let mut roots = (0..self.links.len()).filter(|&l| carried_by[l].is_none());
        match (roots.next(), roots.next()) {
            (Some(root), None) => Ok(root),
            (Some(first), Some(second)) => Err(fault(
                self.links[second],
                format!(
                    "no joint carries this link, nor \"{}\"; expected a single root link",
                    self.urdf.links[first].name
                ),
            )),
            _ if self.links.is_empty() => {
                Err(fault(self.root, "there is no <link>; at least one was expected"))
            }
            _ => Err(fault(
                self.root,
                "the joints form a cycle: every link is carried by one; expected a tree",
            )),
        }
    }

    fn link(&self, u: usize) -> Result<Link, InputError> {
        let (link, node) = (&self.urdf.links[u], self.links[u]);
        let inertial = &link.inertial;
        let i = &inertial.inertia;
        let matrix = DMat3::from_cols_array(&[i.ixx, i.ixy, i.ixz, i.ixy, i.iyy, i.iyz, i.ixz, i.iyz, i.izz]);
        let inertia = Inertia { mass: inertial.mass.value, com: DVec3::ZERO, matrix };
        let mut spheres = Vec::new();
        for (collision, node) in link.collision.iter().zip(children(node, "collision")) {
            let origin = pose(&collision.origin);
            let local = spheres_of(&collision.geometry, node)?;
            let placed = |s: &Sphere| Sphere { center: origin.point(s.center), radius: s.radius };
            spheres.extend(local.iter().map(placed));
        }
        Ok(Link { name: link.name.clone(), inertia: inertia.transformed(&pose(&inertial.origin)), spheres })
    }

    fn joint(&self, u: usize, parent: usize, index: &HashMap<&str, usize>) -> Result<Joint, InputError> {
        let (joint, node) = (&self.urdf.joints[u], self.joints[u]);
        let kind = match joint.joint_type {
            JointType::Revolute => JointKind::Revolute,
            JointType::Continuous => JointKind::Continuous,
            JointType::Prismatic => JointKind::Prismatic,
            _ => JointKind::Fixed,
        };
        let mut this = Joint {
            name: joint.name.clone(),
            kind,
            parent,
            origin: pose(&joint.origin),
            axis: DVec3::Z,
            limits: JointLimits::NONE,
            mimic: None,
        };
        if kind == JointKind::Fixed {
            return Ok(this);
        }
        this.axis = axis(joint, node)?;
        this.limits = self.limits(joint, node)?;
        if let Some(mimic) = &joint.mimic {
            let leader = index.get(mimic.joint.as_str()).copied().ok_or_else(|| {
                let node = children(node, "mimic").next().unwrap_or(node);
                attribute_fault(node, "joint", format!("there is no joint \"{}\"", mimic.joint))
            })?;
            let (multiplier, offset) = (mimic.multiplier.unwrap_or(1.0), mimic.offset.unwrap_or(0.0));
            this.mimic = Some(Mimic { joint: leader, multiplier, offset });
        }
        Ok(this)
    }

    /// The limits of a joint that moves. As in MoveIt, a speed or effort of zero stands for "not
    /// known", and a safety controller's soft limits count.
    fn limits(&self, joint: &urdf_rs::Joint, node: Node) -> Result<JointLimits, InputError> {
        let bounded = joint.joint_type != JointType::Continuous;
        let Some(node) = children(node, "limit").next() else {
            let message = "<limit> is missing: a revolute or prismatic joint needs lower, upper and velocity";
            return if bounded { Err(fault(node, message)) } else { Ok(JointLimits::NONE) };
        };
        let limit = &joint.limit;
        let known = |cap: f64| if cap > 0.0 { cap } else { f64::INFINITY };
        let mut limits = JointLimits {
            velocity: known(limit.velocity),
            acceleration: known(limit.acceleration.min(limit.deceleration)),
            jerk: known(limit.jerk),
            effort: known(limit.effort),
            ..JointLimits::NONE
        };
        if bounded {
            (limits.lower, limits.upper) = (limit.lower, limit.upper);
            if let Some(soft) = &joint.safety_controller
                && soft.soft_lower_limit < soft.soft_upper_limit
            {
                limits.lower = limits.lower.max(soft.soft_lower_limit);
                limits.upper = limits.upper.min(soft.soft_upper_limit);
            }
            if !(limits.lower <= limits.upper && limits.lower.is_finite() && limits.upper.is_finite()) {
                return Err(fault(
                    node,
                    format!(
                        "expected finite positions with lower <= upper, found {} and {}",
                        limits.lower, limits.upper
                    ),
                ));
            }
        }
        Ok(limits)
    }

    /// Makes every mimic follow an independent joint: chains of mimics are multiplied out, and a
    /// joint that follows one that never moves becomes fixed.
    fn resolve_mimics(&self, joints: &mut [Joint], order: &[usize]) -> Result<(), InputError> {
        for j in 0..joints.len() {
            let Some(mut mimic) = joints[j].mimic else { continue };
            let mut steps = 0;
            while let Some(next) = joints[mimic.joint].mimic {
                mimic = Mimic {
                    joint: next.joint,
                    multiplier: mimic.multiplier * next.multiplier,
                    offset: mimic.offset + mimic.multiplier * next.offset,
                };
                steps += 1;
                if steps > joints.len() {
                    return Err(fault(self.joints[order[j]], "follows itself through its chain of mimics"));
                }
            }
            if !(mimic.multiplier.is_finite() && mimic.offset.is_finite()) {
                return Err(fault(self.joints[order[j]], "the mimics multiply out to an infinite number"));
            }
            joints[j].mimic = Some(mimic);
        }
        for j in 0..joints.len() {
            if let Some(mimic) = joints[j].mimic
                && (mimic.multiplier == 0.0 || joints[mimic.joint].kind == JointKind::Fixed)
            {
                let joint = &mut joints[j];
                joint.origin = joint.origin * joint.motion(mimic.offset);
                (joint.kind, joint.mimic, joint.limits) = (JointKind::Fixed, None, JointLimits::NONE);
            }
        }
        Ok(())
    }
}

/// Links and joints of the file, parents first; `joints[i]` carries `links[i + 1]` and hangs on
/// the link `parents[i]`. All are indices into the file's own lists.
struct Order {
    links: Vec<usize>,
    joints: Vec<usize>,
    parents: Vec<usize>,
}

/// Indices by name; names must differ.
fn index<'n>(
    names: impl Iterator<Item = &'n str>,
    nodes: &[Node],
    what: &str,
) -> Result<HashMap<&'n str, usize>, InputError> {
    let mut found = HashMap::new();
    for (i, name) in names.enumerate() {
        if let Some(first) = found.insert(name, i) {
            let line = nodes[i].document().text_pos_at(nodes[first].range().start).row;
            let message = format!("a second {what} of this name (the first is on line {line})");
            return Err(attribute_fault(nodes[i], "name", message));
        }
    }
    Ok(found)
}

fn pose(pose: &urdf_rs::Pose) -> Pose {
    Pose::from_rpy(pose.rpy.0, DVec3::from_array(pose.xyz.0))
}

/// The unit axis of a joint that moves.
fn axis(joint: &urdf_rs::Joint, node: Node) -> Result<DVec3, InputError> {
    let axis = DVec3::from_array(joint.axis.xyz.0);
    let largest = axis.abs().max_element();
    if largest == 0.0 {
        let node = children(node, "axis").next().unwrap_or(node);
        return Err(attribute_fault(node, "xyz", "the axis is zero; expected a direction"));
    }
    // Scaled first, so that squares neither overflow nor vanish.
    Ok((axis / largest).normalize())
}

/// Collision geometry as spheres, in its own frame.
fn spheres_of(geometry: &Geometry, node: Node) -> Result<Vec<Sphere>, InputError> {
    match geometry {
        &Geometry::Sphere { radius } => Ok(vec![Sphere { center: DVec3::ZERO, radius }]),
        _ => Err(fault(node, "expected spheres as collision geometry")),
    }
}
