//! Reads SRDF (<http://wiki.ros.org/srdf>): groups, named states, and pairs of links that need no
//! check against each other. Imports `error` only.

use super::xml::{attribute_fault, children, parse, required};
use super::{DisableReason, Group, NamedState, Robot};
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
    super::pairs::of_srdf(robot, &disabled);
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
fn disabled(robot: &Robot, root: Node) -> Result<BTreeMap<[usize; 2], DisableReason>, InputError> {
    let names = Names::new(robot);
    let find = |node, attribute| required(node, attribute).map(|name| names.links.get(name).copied());
    let mut reasons = BTreeMap::new();
    for node in children(root, "disable_default_collisions") {
        if let Some(a) = find(node, "link")? {
            let others = (0..robot.links.len()).filter(|&b| b != a);
            reasons.extend(others.map(|b| ([a.min(b), a.max(b)], DisableReason::User)));
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
                Some("Adjacent") => DisableReason::Adjacent,
                Some("Default") => DisableReason::Default,
                Some("Always") => DisableReason::Always,
                Some("Never") => DisableReason::Never,
                _ => DisableReason::User,
            };
            reasons.insert([a.min(b), a.max(b)], reason);
        }
    }
    Ok(reasons)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::robot::{LoadOptions, SkipReason};

    /// A trunk with two arms of two joints each; the right arm's second joint mimics the first.
    const URDF: &str = r#"<robot name="twin">
  <link name="trunk"><collision><geometry><sphere radius="0.1"/></geometry></collision></link>
  <link name="l1"><collision><geometry><sphere radius="0.1"/></geometry></collision></link>
  <link name="l2"><collision><geometry><sphere radius="0.1"/></geometry></collision></link>
  <link name="r1"/>
  <link name="r2"><collision><geometry><sphere radius="0.1"/></geometry></collision></link>
  <link name="tool"/>
  <joint name="lj1" type="continuous"><parent link="trunk"/><child link="l1"/><origin xyz="0 1 0"/></joint>
  <joint name="lj2" type="continuous"><parent link="l1"/><child link="l2"/><origin xyz="0 1 0"/></joint>
  <joint name="rj1" type="continuous"><parent link="trunk"/><child link="r1"/><origin xyz="0 -1 0"/></joint>
  <joint name="rj2" type="continuous"><parent link="r1"/><child link="r2"/><mimic joint="rj1"/></joint>
  <joint name="weld" type="fixed"><parent link="l2"/><child link="tool"/></joint>
</robot>"#;

    const SRDF: &str = r#"<robot name="twin">
  <group name="all"><group name="left"/><group name="right"/></group>
  <group name="left"><chain base_link="trunk" tip_link="tool"/></group>
  <group name="right"><joint name="rj1"/><link name="r2"/></group>
  <group name="wrist"><chain base_link="l1" tip_link="l2"/></group>
  <group name="across"><chain base_link="l2" tip_link="r1"/></group>
  <group_state name="home" group="left">
    <joint name="lj1" value="0.5"/>
    <joint name="weld" value="1"/>
  </group_state>
  <disable_collisions link1="trunk" link2="l1" reason="Adjacent"/>
  <disable_collisions link1="r2" link2="trunk"/>
  <disable_collisions link1="trunk" link2="third_arm" reason="Never"/>
  <end_effector name="e" parent_link="tool" group="left"/>
  <virtual_joint name="v" type="floating" parent_frame="world" child_link="trunk"/>
</robot>"#;

    fn read(srdf: &str) -> Result<Robot, InputError> {
        // Without proofs, so that what is judged is what the SRDF leaves.
        Robot::parse(URDF, Some(srdf), None, &LoadOptions { comparisons: 0, ..LoadOptions::default() })
    }

    fn group(robot: &Robot, name: &str) -> Vec<String> {
        let joints = &robot.group(name).unwrap().joints;
        joints.iter().map(|&j| robot.joints[j].name.clone()).collect()
    }

    #[test]
    fn reads_groups_states_and_pairs() {
        let robot = read(SRDF).unwrap();
        assert_eq!(group(&robot, "all"), ["lj1", "lj2", "rj1"]);
        assert_eq!(group(&robot, "left"), ["lj1", "lj2"]);
        assert_eq!(group(&robot, "right"), ["rj1"], "the mimic goes along by itself");
        assert_eq!(group(&robot, "wrist"), ["lj2"], "the joint above the base link stays out");
        assert_eq!(group(&robot, "across"), ["lj1", "lj2", "rj1"]);
        let home = &robot.states[0];
        assert_eq!(home.values, [(robot.joint("lj1").unwrap(), 0.5)], "a fixed joint has no value");
        let names = |&[a, b]: &[usize; 2]| format!("{}-{}", robot.links[a].name, robot.links[b].name);
        let pairs: Vec<String> = robot.pairs.iter().map(names).collect();
        assert_eq!(pairs, ["trunk-l2", "l1-l2", "l1-r2", "l2-r2"]);
        let skipped: Vec<_> = robot.skipped.iter().map(|s| (names(&s.links), s.reason)).collect();
        let expected = [
            ("trunk-l1", SkipReason::Disabled(DisableReason::Adjacent)),
            ("trunk-r2", SkipReason::Disabled(DisableReason::User)),
        ];
        assert_eq!(skipped, expected.map(|(n, r)| (n.to_owned(), r)));
    }

    #[test]
    fn passive_joints_are_not_planned_for() {
        let robot = read(&SRDF.replace("</robot>", "<passive_joint name=\"lj2\"/></robot>")).unwrap();
        assert_eq!(group(&robot, "left"), ["lj1"]);
    }

    #[test]
    fn whole_links_are_disabled_and_pairs_enabled_again() {
        let tags =
            "<disable_default_collisions link=\"l2\"/><enable_collisions link1=\"l2\" link2=\"r2\"/></robot>";
        let robot = read(&SRDF.replace("</robot>", tags)).unwrap();
        let l2 = robot.link("l2").unwrap();
        let with_l2: Vec<_> = robot.pairs.iter().filter(|p| p.contains(&l2)).collect();
        assert_eq!(with_l2, [&[l2, robot.link("r2").unwrap()]]);
    }

    #[test]
    fn mistakes_are_found_and_placed() {
        for (right, wrong, line, says) in [
            ("<joint name=\"rj1\"/>", "<joint name=\"rj9\"/>", 4, "no joint \"rj9\""),
            ("<link name=\"r2\"/>", "<link name=\"r9\"/>", 4, "no link \"r9\""),
            ("tip_link=\"tool\"", "tip_link=\"tolo\"", 3, "no link \"tolo\""),
            (" tip_link=\"tool\"", "", 3, "\"tip_link\" is missing"),
            ("<group name=\"right\"/>", "<group name=\"write\"/>", 2, "no group \"write\""),
            ("<joint name=\"rj1\"/>", "<group name=\"all\"/>", 4, "holds itself"),
            ("<group name=\"wrist\">", "<group name=\"left\">", 5, "second group"),
            ("group=\"left\">", "group=\"lift\">", 7, "no group \"lift\""),
            ("value=\"0.5\"", "value=\"half\"", 8, "finite number"),
            ("value=\"0.5\"", "value=\"NaN\"", 8, "finite number"),
            ("name=\"weld\"", "name=\"wold\"", 9, "no joint \"wold\""),
            ("name=\"weld\"", "name=\"lj1\"", 9, "has a value already"),
            ("<disable_collisions link1=\"r2\" ", "<disable_collisions ", 12, "\"link1\" is missing"),
            ("<robot ", "<rowboat ", 1, "XML"),
        ] {
            assert!(SRDF.contains(right), "{right}");
            let error = read(&SRDF.replacen(right, wrong, 1)).expect_err(wrong);
            assert!(error.to_string().contains(says), "{wrong}: {error}");
            if says == "holds itself" {
                // The group is met first from "all", which holds it.
                assert!(error.line.is_some());
            } else if says != "XML" {
                assert_eq!(error.line, Some(line), "{wrong}: {error}");
            }
        }
    }
}
