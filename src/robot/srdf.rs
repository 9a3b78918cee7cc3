//! Reads SRDF (<http://wiki.ros.org/srdf>): groups, named states, and pairs of links that need no
//! check against each other. Imports `error` only.
//!
//! As MoveIt does, what names anything that the robot has not, or says nothing, is passed over, with a warning:
//! files are shared by variants of a robot, and written by hand. What is left of a group is planned for.

use super::xml::{attribute_fault, children, declared, fault, parse, required, tell_undeclared};
use super::{DisableReason, Group, NamedState, Robot};
use crate::error::{InputError, Warnings, listed};
use roxmltree::Node;
use std::collections::{BTreeMap, BTreeSet, HashMap};

/// Applies the text of an SRDF file to a robot: fills in groups, states, pairs and skipped pairs.
pub(super) fn apply(text: &str, robot: &mut Robot, warnings: &Warnings) -> Result<(), InputError> {
    let (text, undeclared) = declared(text);
    let document = parse(&text)?;
    let root = document.root_element();
    tell_undeclared(root, &undeclared, warnings);
    if let Some(name) = root.attribute("name").filter(|name| *name != robot.name) {
        let what = format!("the SRDF is of a robot \"{name}\", the URDF of \"{}\"", robot.name);
        warnings.push(attribute_fault(root, "name", what));
    }
    let names = Names::new(robot, root, warnings);
    let groups = Groups::new(robot, &names, root).read();
    let states = states(robot, &groups, &names, root)?;
    let disabled = disabled(robot, &names, root);
    (robot.groups, robot.states) = (groups, states);
    super::pairs::of_srdf(robot, &disabled);
    Ok(())
}

/// Names of a robot's links and joints, and whom to tell of others.
struct Names<'r> {
    links: HashMap<String, usize>,
    joints: HashMap<String, usize>,
    /// Joints by which the SRDF joins the robot to the world.
    virtual_joints: BTreeSet<String>,
    warnings: &'r Warnings,
}

impl<'r> Names<'r> {
    fn new(robot: &Robot, root: Node, warnings: &'r Warnings) -> Self {
        let virtual_joints = children(root, "virtual_joint").filter_map(|n| n.attribute("name"));
        Self {
            links: robot.links.iter().enumerate().map(|(i, l)| (l.name.clone(), i)).collect(),
            joints: robot.joints.iter().enumerate().map(|(i, j)| (j.name.clone(), i)).collect(),
            virtual_joints: virtual_joints.map(str::to_owned).collect(),
            warnings,
        }
    }

    /// What a reader finds, or a warning of why it does not.
    fn or_warn<T>(&self, found: Result<T, InputError>) -> Option<T> {
        found.map_err(|error| self.pass_over(error)).ok()
    }

    /// Tells that what an error is about is passed over.
    fn pass_over(&self, error: InputError) {
        let message = format!("{}; passed over", error.message);
        self.warnings.push(InputError { message, ..error });
    }

    fn link(&self, node: Node, attribute: &str) -> Option<usize> {
        let name = self.or_warn(required(node, attribute))?;
        let missing = || attribute_fault(node, attribute, format!("the URDF has no link \"{name}\""));
        self.or_warn(self.links.get(name).copied().ok_or_else(missing))
    }

    fn joint(&self, node: Node, attribute: &str) -> Option<usize> {
        let name = self.or_warn(required(node, attribute))?;
        let missing = || {
            let what = match self.virtual_joints.contains(name) {
                true => format!("virtual joint \"{name}\" cannot be planned for"),
                false => format!("the URDF has no joint \"{name}\""),
            };
            attribute_fault(node, attribute, what)
        };
        self.or_warn(self.joints.get(name).copied().ok_or_else(missing))
    }
}

/// Reads the groups, which may hold each other.
struct Groups<'r, 'a, 'i> {
    robot: &'r Robot,
    names: &'r Names<'r>,
    /// Elements by name, and their names in the order of the file.
    elements: HashMap<&'a str, Node<'a, 'i>>,
    order: Vec<&'a str>,
    /// Joints that nothing drives; no plan can move them.
    passive: BTreeSet<&'a str>,
}

impl<'r, 'a, 'i> Groups<'r, 'a, 'i> {
    fn new(robot: &'r Robot, names: &'r Names<'r>, root: Node<'a, 'i>) -> Self {
        let passive = root.descendants().filter(|n| n.is_element() && n.tag_name().name() == "passive_joint");
        let mut this = Self {
            robot,
            names,
            elements: HashMap::new(),
            order: Vec::new(),
            passive: passive.filter_map(|n| n.attribute("name")).collect(),
        };
        for node in children(root, "group") {
            let Some(name) = names.or_warn(required(node, "name")) else { continue };
            if this.elements.contains_key(name) {
                names.pass_over(attribute_fault(node, "name", "a second group of this name"));
                continue;
            }
            this.elements.insert(name, node);
            this.order.push(name);
        }
        this
    }

    fn read(&self) -> Vec<Group> {
        let own: HashMap<&str, BTreeSet<usize>> =
            self.order.iter().map(|&name| (name, self.own_joints(self.elements[name]))).collect();
        for &name in &self.order {
            self.tell_missing_groups(name);
        }
        self.order.iter().map(|&name| self.group(name, &own)).collect()
    }

    /// Warns of groups that a group holds and that are not there, and of itself.
    fn tell_missing_groups(&self, name: &str) {
        for sub in children(self.elements[name], "group") {
            let Some(held) = self.names.or_warn(required(sub, "name")) else { continue };
            if held == name {
                self.names.pass_over(attribute_fault(sub, "name", "the group holds itself"));
            } else if !self.elements.contains_key(held) {
                self.names.pass_over(attribute_fault(sub, "name", format!("there is no group \"{held}\"")));
            }
        }
    }

    /// A group with all that its sub-groups hold.
    fn group(&self, name: &'a str, own: &HashMap<&str, BTreeSet<usize>>) -> Group {
        let mut joints = BTreeSet::new();
        let mut seen = BTreeSet::from([name]);
        let mut open = vec![name];
        while let Some(name) = open.pop() {
            joints.extend(&own[name]);
            let held = children(self.elements[name], "group").filter_map(|sub| sub.attribute("name"));
            open.extend(held.filter(|held| self.elements.contains_key(held) && seen.insert(held)));
        }
        let planned = |&j: &usize| {
            let joint = &self.robot.joints[j];
            joint.is_independent() && !self.passive.contains(joint.name.as_str())
        };
        Group { name: name.to_owned(), joints: joints.into_iter().filter(planned).collect() }
    }

    /// Joints that a group names by itself: joints, the joints that carry its links, and those of
    /// its chains.
    fn own_joints(&self, group: Node) -> BTreeSet<usize> {
        let mut joints = BTreeSet::new();
        joints.extend(children(group, "joint").filter_map(|node| self.names.joint(node, "name")));
        // Joint i carries link i + 1; nothing carries the root.
        let links = children(group, "link").filter_map(|node| self.names.link(node, "name"));
        joints.extend(links.filter_map(|link| link.checked_sub(1)));
        for node in children(group, "chain") {
            let [base, tip] = ["base_link", "tip_link"].map(|end| self.names.link(node, end));
            if let (Some(base), Some(tip)) = (base, tip) {
                joints.extend(self.way_to_root(base).symmetric_difference(&self.way_to_root(tip)));
            }
        }
        joints
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

/// Reads the named states. Of several of one name the last counts.
fn states(robot: &Robot, groups: &[Group], names: &Names, root: Node) -> Result<Vec<NamedState>, InputError> {
    let mut states: Vec<NamedState> = Vec::new();
    for node in children(root, "group_state") {
        let (name, group) = (names.or_warn(required(node, "name")), names.or_warn(required(node, "group")));
        let (Some(name), Some(group)) = (name, group) else { continue };
        if !groups.iter().any(|g| g.name == group) {
            names.pass_over(attribute_fault(node, "group", format!("there is no group \"{group}\"")));
            continue;
        }
        if let Some(first) = states.iter().position(|s| s.name == name && s.group == group) {
            let what = format!("a second state of this name for group \"{group}\"; the first is passed over");
            names.warnings.push(attribute_fault(node, "name", what));
            states.remove(first);
        }
        let mut values = BTreeMap::new();
        for entry in children(node, "joint") {
            let Some(j) = names.joint(entry, "name") else { continue };
            let Some(text) = names.or_warn(required(entry, "value")) else { continue };
            if text.split_whitespace().count() > 1 {
                let what = format!("\"{text}\" is of a joint of several degrees of freedom");
                names.pass_over(attribute_fault(entry, "value", what));
                continue;
            }
            let value = text.trim().parse::<f64>().ok().filter(|v| v.is_finite());
            let value = value.ok_or_else(|| {
                attribute_fault(entry, "value", format!("expected a finite number, found \"{text}\""))
            })?;
            if values.insert(j, value).is_some() {
                names.warnings.push(attribute_fault(entry, "name", "a second value of this joint; the first is passed over"));
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

/// Reads the pairs of links that are not checked. Links that the URDF does not have are told all at once: generated
/// files often name more links than one variant of a robot has.
fn disabled(robot: &Robot, names: &Names, root: Node) -> BTreeMap<[usize; 2], DisableReason> {
    let mut missing: Vec<&str> = Vec::new();
    let mut find = |node, attribute| {
        let name = names.or_warn(required(node, attribute))?;
        let link = names.links.get(name).copied();
        if link.is_none() && !missing.contains(&name) {
            missing.push(name);
        }
        link
    };
    let mut reasons = BTreeMap::new();
    for node in children(root, "disable_default_collisions") {
        if let Some(a) = find(node, "link") {
            let others = (0..robot.links.len()).filter(|&b| b != a);
            reasons.extend(others.map(|b| ([a.min(b), a.max(b)], DisableReason::User)));
        }
    }
    for node in children(root, "enable_collisions") {
        if let (Some(a), Some(b)) = (find(node, "link1"), find(node, "link2")) {
            reasons.remove(&[a.min(b), a.max(b)]);
        }
    }
    for node in children(root, "disable_collisions") {
        if let (Some(a), Some(b)) = (find(node, "link1"), find(node, "link2")) {
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
    if !missing.is_empty() {
        let what = format!("pairs of links that the URDF does not have: {}; passed over", listed(missing));
        names.warnings.push(fault(root, what));
    }
    reasons
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
            ("value=\"0.5\"", "value=\"half\"", 8, "finite number"),
            ("value=\"0.5\"", "value=\"NaN\"", 8, "finite number"),
            ("name=\"twin\"", "name=\"${twin}\"", 1, "xacro FILE"),
            ("<robot ", "<rowboat ", 1, "XML"),
        ] {
            assert!(SRDF.contains(right), "{right}");
            let error = read(&SRDF.replacen(right, wrong, 1)).expect_err(wrong);
            assert!(error.to_string().contains(says), "{wrong}: {error}");
            if says != "XML" {
                assert_eq!(error.line, Some(line), "{wrong}: {error}");
            }
        }
    }

    /// The rest is as it was.
    #[test]
    fn what_names_nothing_of_the_robot_is_passed_over() {
        for (right, wrong, line, says) in [
            ("<joint name=\"rj1\"/>", "<joint name=\"rj1\"/><joint name=\"v\"/>", 4, "virtual joint \"v\""),
            ("<joint name=\"rj1\"/>", "<joint name=\"rj1\"/><joint name=\"rj9\"/>", 4, "no joint \"rj9\""),
            ("<link name=\"r2\"/>", "<link name=\"r9\"/>", 4, "no link \"r9\""),
            ("name=\"across\"><chain", "name=\"across\"><chain base_link=\"l2\" tip_link=\"tolo\"/><chain", 6, "no link \"tolo\""),
            ("name=\"across\"><chain", "name=\"across\"><chain base_link=\"l2\"/><chain", 6, "\"tip_link\" is missing"),
            ("<group name=\"right\"/>", "<group name=\"right\"/><group name=\"write\"/>", 2, "no group \"write\""),
            ("<joint name=\"rj1\"/>", "<joint name=\"rj1\"/><group name=\"right\"/>", 4, "holds itself"),
            ("<group name=\"wrist\">", "<group name=\"left\"/><group name=\"wrist\">", 5, "second group"),
            ("<group_state ", "<group_state name=\"home\" group=\"lift\"/><group_state ", 7, "no group \"lift\""),
            ("<group_state ", "<group_state name=\"home\" group=\"left\"/><group_state ", 7, "second state"),
            ("name=\"weld\"", "name=\"wold\"", 9, "no joint \"wold\""),
            ("name=\"weld\" value=\"1\"", "name=\"v\" value=\"1 2 3\"", 9, "virtual joint \"v\""),
            ("name=\"weld\" value=\"1\"", "name=\"lj2\" value=\"1 2 3\"", 9, "several degrees of freedom"),
            ("<joint name=\"weld\"", "<joint name=\"lj1\" value=\"0.5\"/><joint name=\"weld\"", 9, "second value"),
            ("<disable_collisions link1=\"r2\" ", "<disable_collisions link2=\"l1\"/><disable_collisions link1=\"r2\" ", 12, "\"link1\" is missing"),
            ("<robot name=\"twin\"", "<robot name=\"twins\"", 1, "of a robot \"twins\""),
        ] {
            assert!(SRDF.contains(right), "{right}");
            let robot = read(&SRDF.replacen(right, wrong, 1)).unwrap_or_else(|e| panic!("{wrong}: {e}"));
            let of_this = |w: &&crate::error::Warning| !w.0.message.contains("third_arm");
            let warnings: Vec<_> = robot.warnings.iter().filter(of_this).collect();
            let [warning] = &warnings[..] else { panic!("{wrong}: {warnings:?}") };
            assert_eq!(warning.0.line, Some(line), "{wrong}: {warning}");
            assert!(warning.to_string().contains(says), "{wrong}: {warning}");
            assert_eq!(group(&robot, "all"), ["lj1", "lj2", "rj1"], "{wrong}");
            assert_eq!(group(&robot, "across"), ["lj1", "lj2", "rj1"], "{wrong}");
            assert_eq!(robot.states.len(), 1);
            assert_eq!(robot.states[0].values, [(robot.joint("lj1").unwrap(), 0.5)], "{wrong}");
            assert_eq!((robot.pairs.len(), robot.skipped.len()), (4, 2), "{wrong}");
        }
        let plain = read(SRDF).unwrap();
        let [warning] = &plain.warnings[..] else { panic!("{:?}", plain.warnings) };
        assert!(warning.0.message.contains("\"third_arm\"; passed over"), "{warning}");
    }
}
