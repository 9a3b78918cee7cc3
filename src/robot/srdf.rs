//! Reads SRDF (<http://wiki.ros.org/srdf>): groups, named states, and pairs of links that need no
//! check against each other. Imports `error` only.

use super::xml::{attribute_fault, children, parse, required};
use super::{Group, NamedState, Robot, SkipReason, SkippedPair};
use crate::error::InputError;
use roxmltree::Node;
use std::collections::{BTreeMap, BTreeSet, HashMap};

/// Applies the text of an SRDF file to a robot: fills in groups, states, pairs and skipped pairs.
pub(super) fn apply(text: &str, robot: &mut Robot) -> Result<(), InputError> {
    let document = parse(text)?;
    let root = document.root_element();
    robot.groups = Groups::new(robot, root)?.read()?;
    robot.states = states(robot, root)?;
    let disabled = disabled(robot, root)?;
    super::pairs::sort_out(robot, &disabled);
    Ok(())
}

/// Names of a robot's links and joints.
struct Names<'r> {
    links: HashMap<&'r str, usize>,
    joints: HashMap<&'r str, usize>,
}

impl<'r> Names<'r> {
    fn new(robot: &'r Robot) -> Self {
        Self {
            links: robot.links.iter().enumerate().map(|(i, l)| (l.name.as_str(), i)).collect(),
            joints: robot.joints.iter().enumerate().map(|(i, j)| (j.name.as_str(), i)).collect(),
        }
    }

    fn link(&self, node: Node, attribute: &str) -> Result<usize, InputError> {
        let name = required(node, attribute)?;
        self.links
            .get(name)
            .copied()
            .ok_or_else(|| attribute_fault(node, attribute, format!("the URDF has no link \"{name}\"")))
    }

    fn joint(&self, node: Node, attribute: &str) -> Result<usize, InputError> {
        let name = required(node, attribute)?;
        self.joints
            .get(name)
            .copied()
            .ok_or_else(|| attribute_fault(node, attribute, format!("the URDF has no joint \"{name}\"")))
    }
}

/// Reads the groups, which may hold each other.
struct Groups<'r, 'a, 'i> {
    robot: &'r Robot,
    names: Names<'r>,
    /// Elements by name, and their names in the order of the file.
    elements: HashMap<&'a str, Node<'a, 'i>>,
    order: Vec<&'a str>,
    /// Joints that nothing drives; no plan can move them.
    passive: BTreeSet<&'a str>,
}

impl<'r, 'a, 'i> Groups<'r, 'a, 'i> {
    fn new(robot: &'r Robot, root: Node<'a, 'i>) -> Result<Self, InputError> {
        let passive = root.descendants().filter(|n| n.is_element() && n.tag_name().name() == "passive_joint");
        let mut this = Self {
            robot,
            names: Names::new(robot),
            elements: HashMap::new(),
            order: Vec::new(),
            passive: passive.filter_map(|n| n.attribute("name")).collect(),
        };
        for node in children(root, "group") {
            let name = required(node, "name")?;
            if this.elements.insert(name, node).is_some() {
                return Err(attribute_fault(node, "name", "a second group of this name"));
            }
            this.order.push(name);
        }
        Ok(this)
    }

    fn read(&self) -> Result<Vec<Group>, InputError> {
        self.order.iter().map(|&name| self.group(name)).collect()
    }

    /// A group with all that its sub-groups hold.
    fn group(&self, name: &str) -> Result<Group, InputError> {
        let mut joints = BTreeSet::new();
        let mut seen = BTreeSet::from([name]);
        let mut open = vec![self.elements[name]];
        while let Some(node) = open.pop() {
            self.own_joints(node, &mut joints)?;
            for sub in children(node, "group") {
                let sub_name = required(sub, "name")?;
                let Some(&element) = self.elements.get(sub_name) else {
                    return Err(attribute_fault(sub, "name", format!("there is no group \"{sub_name}\"")));
                };
                if sub_name == name {
                    return Err(attribute_fault(sub, "name", "the group holds itself"));
                }
                if seen.insert(sub_name) {
                    open.push(element);
                }
            }
        }
        let planned = |&j: &usize| {
            let joint = &self.robot.joints[j];
            joint.is_independent() && !self.passive.contains(joint.name.as_str())
        };
        Ok(Group { name: name.to_owned(), joints: joints.into_iter().filter(planned).collect() })
    }

    /// Joints that a group names by itself: joints, the joints that carry its links, and those of
    /// its chains.
    fn own_joints(&self, group: Node, joints: &mut BTreeSet<usize>) -> Result<(), InputError> {
        for node in children(group, "joint") {
            joints.insert(self.names.joint(node, "name")?);
        }
        for node in children(group, "link") {
            // Joint i carries link i + 1; nothing carries the root.
            joints.extend(self.names.link(node, "name")?.checked_sub(1));
        }
        for node in children(group, "chain") {
            let base = self.way_to_root(self.names.link(node, "base_link")?);
            let tip = self.way_to_root(self.names.link(node, "tip_link")?);
            joints.extend(base.symmetric_difference(&tip));
        }
        Ok(())
    }

    /// The joints between a link and the root.
    fn way_to_root(&self, mut link: usize) -> BTreeSet<usize> {
        let mut way = BTreeSet::new();
        while let Some(j) = link.checked_sub(1) {
            way.insert(j);
            link = self.robot.joints[j].parent;
        }
        way
    }
}

/// Reads the named states.
fn states(robot: &Robot, root: Node) -> Result<Vec<NamedState>, InputError> {
    let names = Names::new(robot);
    let mut states: Vec<NamedState> = Vec::new();
    for node in children(root, "group_state") {
        let (name, group) = (required(node, "name")?, required(node, "group")?);
        if robot.group(group).is_none() {
            return Err(attribute_fault(node, "group", format!("there is no group \"{group}\"")));
        }
        if states.iter().any(|s| s.name == name && s.group == group) {
            return Err(attribute_fault(
                node,
                "name",
                format!("a second state of this name for group \"{group}\""),
            ));
        }
        let mut values = BTreeMap::new();
        for entry in children(node, "joint") {
            let j = names.joint(entry, "name")?;
            let text = required(entry, "value")?;
            let value = text.trim().parse::<f64>().ok().filter(|v| v.is_finite());
            let value = value.ok_or_else(|| {
                attribute_fault(entry, "value", format!("expected a finite number, found \"{text}\""))
            })?;
            if values.insert(j, value).is_some() {
                return Err(attribute_fault(entry, "name", "this joint has a value already"));
            }
        }
        values.retain(|&j, _| robot.joints[j].is_independent());
        states.push(NamedState {
            group: group.to_owned(),
            name: name.to_owned(),
            values: values.into_iter().collect(),
        });
    }
    Ok(states)
}

/// Reads the pairs of links that are not checked. As in MoveIt, links that the URDF does not have
/// are passed over: generated files often name more links than one variant of a robot has.
fn disabled(robot: &Robot, root: Node) -> Result<Vec<SkippedPair>, InputError> {
    let names = Names::new(robot);
    let find = |node, attribute| required(node, attribute).map(|name| names.links.get(name).copied());
    let mut reasons = BTreeMap::new();
    for node in children(root, "disable_default_collisions") {
        if let Some(a) = find(node, "link")? {
            let others = (0..robot.links.len()).filter(|&b| b != a);
            reasons.extend(others.map(|b| ([a.min(b), a.max(b)], SkipReason::User)));
        }
    }
    for node in children(root, "enable_collisions") {
        if let (Some(a), Some(b)) = (find(node, "link1")?, find(node, "link2")?) {
            reasons.remove(&[a.min(b), a.max(b)]);
        }
    }
    for node in children(root, "disable_collisions") {
        if let (Some(a), Some(b)) = (find(node, "link1")?, find(node, "link2")?) {
            let reason = match node.attribute("reason") {
                Some("Adjacent") => SkipReason::Adjacent,
                Some("Default") => SkipReason::Default,
                Some("Always") => SkipReason::Always,
                Some("Never") => SkipReason::Never,
                _ => SkipReason::User,
            };
            reasons.insert([a.min(b), a.max(b)], reason);
        }
    }
    Ok(reasons.into_iter().map(|(links, reason)| SkippedPair { links, reason }).collect())
}
