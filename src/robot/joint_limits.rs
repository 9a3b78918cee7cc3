//! Reads MoveIt's `joint_limits.yaml` and its kin. Imports `document` and `error`.
//!
//! What a file gives replaces what the URDF says; of what it says `has_..._limits: false` it gives none, whatever
//! stands beside that, and the URDF's stays. Joints that the robot does not have are passed over, since robots
//! share files. The joints stand under `joint_limits`, that under `robot_description_planning` and ROS 2's
//! `ros__parameters` where they are; `franka_description` has them at the top, each with a map `limit`.

use super::{JointKind, JointLimits, Robot};
use crate::document::{self, Entry, Map, Node, Value, unknown};
use crate::error::{InputError, Warnings, listed};

/// Factors that MoveIt's clients put into requests that say nothing.
const SCALINGS: [(&str, &str); 2] = [
    ("default_velocity_scaling_factor", "velocity_scaling"),
    ("default_acceleration_scaling_factor", "acceleration_scaling"),
];

/// What the map of joints may stand under, beside ROS 2's names of nodes.
const WRAPPERS: [&str; 2] = ["robot_description_planning", "ros__parameters"];

/// Keys of a joint whose use is not planning.
const UNUSED: [&str; 3] = ["angle_wraparound", "k_position", "k_velocity"];

/// Keys of a joint in MoveIt's files, and those that ros2_control's have beside.
const JOINT: [&str; 19] = [
    "has_position_limits",
    "min_position",
    "max_position",
    "has_velocity_limits",
    "max_velocity",
    "min_velocity",
    "has_acceleration_limits",
    "max_acceleration",
    "min_acceleration",
    "has_deceleration_limits",
    "max_deceleration",
    "has_jerk_limits",
    "max_jerk",
    "min_jerk",
    "has_effort_limits",
    "max_effort",
    "has_soft_limits",
    "soft_lower_limit",
    "soft_upper_limit",
];

/// Keys of `limit`, which are those of URDF.
const LIMIT: [&str; 7] = ["lower", "upper", "velocity", "effort", "acceleration", "deceleration", "jerk"];

/// Whose way of writing a file has.
#[derive(Clone, Copy, PartialEq)]
enum Layout {
    /// Joints under `joint_limits`, by the names that the robot has for them.
    MoveIt,
    /// Joints at the top, by names that leave out what the arm is called.
    Franka,
}

/// Applies the text of a file to a robot.
pub(super) fn apply(text: &str, robot: &mut Robot, warnings: &Warnings) -> Result<(), InputError> {
    let root = document::parse_angles(text)?;
    let Some((joints, layout)) = joints(&root, warnings)? else { return Ok(()) };
    let mut strangers = Vec::new();
    for (entry, found) in joints.entries.iter().zip(find_all(robot, &joints, layout, warnings)?) {
        let mut limits = JointLimits::NONE;
        let mut kind = JointKind::Fixed;
        if let Some(joint) = found {
            (limits, kind) = (robot.joints[joint].limits, robot.joints[joint].kind);
        } else {
            strangers.push(entry.key.as_str());
        }
        // Where they are nobody's limits a mistake in them is one all the same.
        if !matches!(entry.node.value, Value::Null) {
            Reader { kind: &mut kind, limits: &mut limits, warnings }.read(&entry.node)?;
        }
        if let Some(joint) = found {
            (robot.joints[joint].limits, robot.joints[joint].kind) = (limits, kind);
        }
    }
    if !strangers.is_empty() {
        let what = format!("the robot has no joints of these names: {}; passed over", listed(strangers));
        warnings.push(joints.node.error(what));
    }
    Ok(())
}

/// The map of joints, if it holds anything, and how it is written.
///
/// # Errors
/// Where there is none, or more than one: which of them counts nobody has said.
fn joints<'a>(root: &'a Node, warnings: &Warnings) -> Result<Option<(Map<'a>, Layout)>, InputError> {
    let map = root.map("a map with joint_limits")?;
    let mut found = Vec::new();
    collect(&map, &mut found);
    let only = match found[..] {
        [] => {
            let has_limit = |entry: &Entry| entry.node.map("").is_ok_and(|m| m.get("limit").is_some());
            let is_franka = !map.entries.is_empty() && map.entries.iter().all(has_limit);
            return if is_franka { Ok(Some((map, Layout::Franka))) } else { Err(no_joints(&map)) };
        }
        [only] => only,
        [first, second, ..] => {
            let first = first.line;
            return Err(second.error(format!("there are others at line {first}; expected one map of joints")));
        }
    };
    tell_others(&map, only, warnings)?;
    match only.node.value {
        Value::Null => Ok(None),
        _ => Ok(Some((only.node.map("a map of joints")?, Layout::MoveIt))),
    }
}

/// Finds all `joint_limits`, whatever they stand under.
fn collect<'a>(map: &Map<'a>, found: &mut Vec<&'a Entry>) {
    for entry in map.entries {
        match wrapped(entry) {
            _ if entry.key == "joint_limits" => found.push(entry),
            Some(inner) => collect(&inner, found),
            None => {}
        }
    }
}

/// The map in which joints may stand under an entry.
fn wrapped(entry: &Entry) -> Option<Map<'_>> {
    let map = entry.node.map("").ok()?;
    (WRAPPERS.contains(&entry.key.as_str()) || map.get("ros__parameters").is_some()).then_some(map)
}

fn no_joints(map: &Map) -> InputError {
    if let Some(inner) = map.entries.iter().find_map(wrapped) {
        return no_joints(&inner);
    }
    let known = ["joint_limits"].into_iter().chain(WRAPPERS).chain(SCALINGS.map(|(key, _)| key));
    match map.entries.iter().find(|e| !SCALINGS.iter().any(|(key, _)| *key == e.key)) {
        Some(entry) => entry.error(format!("{}; missing key \"joint_limits\"", unknown("key", &entry.key, known))),
        None => map.node.error("missing key \"joint_limits\""),
    }
}

/// Warns of what stands beside the joints and is not of the robot.
fn tell_others(map: &Map, joints: &Entry, warnings: &Warnings) -> Result<(), InputError> {
    for entry in map.entries.iter().filter(|entry| !std::ptr::eq(*entry, joints)) {
        if let Some(inner) = wrapped(entry) {
            tell_others(&inner, joints, warnings)?;
            continue;
        }
        match SCALINGS.iter().find(|(key, _)| *key == entry.key) {
            Some((_, ours)) => {
                let factor = entry.node.number()?;
                if factor != 1.0 {
                    let what = format!(
                        "is what MoveIt's clients put into requests, no limit of the robot; not applied: \
                         limits.{ours}: {factor} in a scene is the same"
                    );
                    warnings.push(entry.error(what));
                }
            }
            None => warnings.push(entry.error("says nothing of limits of joints; passed over")),
        }
    }
    Ok(())
}

/// The joint that each entry is about. One that is named as it is has the limits that stand there, whatever else may
/// mean it too.
///
/// # Errors
/// Where two other names mean one joint.
fn find_all(
    robot: &Robot,
    joints: &Map,
    layout: Layout,
    warnings: &Warnings,
) -> Result<Vec<Option<usize>>, InputError> {
    let mut found: Vec<Option<usize>> = joints.entries.iter().map(|entry| robot.joint(&entry.key)).collect();
    let named = found.clone();
    for (i, entry) in joints.entries.iter().enumerate().filter(|(i, _)| named[*i].is_none()) {
        let joint = alias(robot, entry, layout, warnings);
        let Some(joint) = joint.filter(|joint| !named.contains(&Some(*joint))) else { continue };
        let name = &robot.joints[joint].name;
        if let Some(first) = found.iter().position(|f| *f == Some(joint)) {
            let first = &joints.entries[first].key;
            return Err(entry.error(format!(
                "the robot has no such joint; it may be \"{name}\", and so may \"{first}\": expected one of them"
            )));
        }
        warnings.push(entry.error(format!("the robot has no such joint; taken as \"{name}\"")));
        found[i] = Some(joint);
    }
    Ok(found)
}

/// The joint that an entry means which is not the name of one: the name may lack its `_joint`, as in descriptions of
/// Universal Robots, and in Franka's layout what the arm is called before it, if only one joint can be meant. Elsewhere
/// a name within another is another joint: an arm's `joint1` is not a `gripper_joint1`.
fn alias(robot: &Robot, entry: &Entry, layout: Layout, warnings: &Warnings) -> Option<usize> {
    let key = &entry.key;
    let alike = |name: &str| {
        let name = name.strip_suffix("_joint").filter(|_| !key.ends_with("_joint")).unwrap_or(name);
        let before = name.strip_suffix(key.as_str());
        before.is_some_and(|before| before.is_empty() || layout == Layout::Franka && before.ends_with('_'))
    };
    let mut found = (0..robot.joints.len()).filter(|&j| alike(&robot.joints[j].name));
    let joint = found.next()?;
    if let Some(second) = found.next() {
        let (name, second) = (&robot.joints[joint].name, &robot.joints[second].name);
        warnings.push(entry.error(format!("may be \"{name}\" or \"{second}\" or neither; taken as neither")));
        return None;
    }
    Some(joint)
}

/// Reads limits of a joint.
struct Reader<'a> {
    kind: &'a mut JointKind,
    limits: &'a mut JointLimits,
    warnings: &'a Warnings,
}

impl Reader<'_> {
    fn read(&mut self, node: &Node) -> Result<(), InputError> {
        let map = node.map("a map of limits")?;
        match map.get("limit") {
            Some(limit) => self.franka(&limit.map_of("a map of limits", &LIMIT)?),
            None => self.moveit(&node.map_of("a map of limits", &[&JOINT[..], &UNUSED].concat())?),
        }
    }

    fn franka(&mut self, map: &Map) -> Result<(), InputError> {
        for (limit, keys) in [
            (&mut self.limits.velocity, &["velocity"][..]),
            (&mut self.limits.acceleration, &["acceleration", "deceleration"]),
            (&mut self.limits.jerk, &["jerk"]),
            (&mut self.limits.effort, &["effort"]),
        ] {
            replace(limit, keys.iter().filter_map(|key| map.get(key)), self.warnings)?;
        }
        self.positions(map, [map.get("lower"), map.get("upper")])
    }

    fn moveit(&mut self, map: &Map) -> Result<(), InputError> {
        let given = |has: &str, keys: &[&str]| -> Result<Vec<&Node>, InputError> {
            let gives = map.get(has).map_or(Ok(true), truth)?;
            let nodes: Vec<&Node> = keys.iter().filter_map(|key| map.get(key)).collect();
            // A mistake is one even where it is not to be read.
            nodes.iter().try_for_each(|node| node.number().map(drop))?;
            Ok(if gives { nodes } else { Vec::new() })
        };
        let accelerations = given("has_acceleration_limits", &["max_acceleration", "min_acceleration"])?;
        let decelerations = given("has_deceleration_limits", &["max_deceleration"])?;
        for (limit, nodes) in [
            (&mut self.limits.velocity, given("has_velocity_limits", &["max_velocity", "min_velocity"])?),
            (&mut self.limits.acceleration, [accelerations, decelerations].concat()),
            (&mut self.limits.jerk, given("has_jerk_limits", &["max_jerk", "min_jerk"])?),
            (&mut self.limits.effort, given("has_effort_limits", &["max_effort"])?),
        ] {
            replace(limit, nodes.into_iter(), self.warnings)?;
        }
        let gives = |has: &str, otherwise| map.get(has).map_or(Ok(otherwise), truth);
        if gives("has_position_limits", true)? {
            self.positions(map, [map.get("min_position"), map.get("max_position")])?;
        }
        if gives("has_soft_limits", false)? {
            let soft = |key| map.get(key).map_or(Ok(None), |node| node.number().map(Some));
            let (lower, upper) = (soft("soft_lower_limit")?, soft("soft_upper_limit")?);
            self.limits.lower = self.limits.lower.max(lower.unwrap_or(f64::NEG_INFINITY));
            self.limits.upper = self.limits.upper.min(upper.unwrap_or(f64::INFINITY));
            self.require_order(map)?;
        }
        Ok(())
    }

    /// Replaces bounds of position. One that turns without bounds turns between them then.
    fn positions(&mut self, map: &Map, [lower, upper]: [Option<&Node>; 2]) -> Result<(), InputError> {
        let [lower, upper] = [lower.map(Node::number).transpose()?, upper.map(Node::number).transpose()?];
        if *self.kind == JointKind::Fixed || (lower, upper) == (None, None) {
            return Ok(());
        }
        if *self.kind == JointKind::Continuous {
            *self.kind = JointKind::Revolute;
        }
        self.limits.lower = lower.unwrap_or(self.limits.lower);
        self.limits.upper = upper.unwrap_or(self.limits.upper);
        self.require_order(map)
    }

    fn require_order(&self, map: &Map) -> Result<(), InputError> {
        let JointLimits { lower, upper, .. } = *self.limits;
        if lower <= upper {
            return Ok(());
        }
        Err(map.node.error(format!("expected min <= max, found positions from {lower} to {upper}")))
    }
}

/// Replaces a limit by the least magnitude of what is given. Those of the other direction are negative; zero
/// stands for what is not known, as in URDF.
fn replace<'n>(
    limit: &mut f64,
    given: impl Iterator<Item = &'n Node>,
    warnings: &Warnings,
) -> Result<(), InputError> {
    let mut least: Option<f64> = None;
    for node in given {
        let is_other_way = ["max_deceleration", "deceleration", "min_velocity", "min_acceleration", "min_jerk"]
            .iter()
            .any(|key| node.path().ends_with(key));
        match node.number()? {
            0.0 => warnings.push(node.error("0 is no limit; taken as not known")),
            value if value > 0.0 || is_other_way => {
                least = Some(least.map_or(value.abs(), |least| least.min(value.abs())));
            }
            _ => return Err(node.expected("a number greater than zero")),
        }
    }
    *limit = least.unwrap_or(*limit);
    Ok(())
}

/// A truth value as YAML 1.1 has it too, which ROS reads.
fn truth(node: &Node) -> Result<bool, InputError> {
    match &node.value {
        Value::Text(text) if ["true", "yes", "on"].contains(&text.to_lowercase().as_str()) => Ok(true),
        Value::Text(text) if ["false", "no", "off"].contains(&text.to_lowercase().as_str()) => Ok(false),
        _ => node.boolean(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::robot::{LoadOptions, MissingGeometry};

    const URDF: &str = r#"<robot name="arm">
  <link name="a"/> <link name="b"/> <link name="c"/>
  <joint name="turn" type="revolute">
    <parent link="a"/><child link="b"/><limit lower="-2" upper="2" velocity="3" effort="50"/>
  </joint>
  <joint name="spin" type="continuous"><parent link="b"/><child link="c"/></joint>
</robot>"#;

    /// Limits are all that these robots have.
    fn options() -> LoadOptions {
        LoadOptions { missing_geometry: MissingGeometry::Allow, ..LoadOptions::default() }
    }

    fn read(limits: &str) -> Result<Robot, InputError> {
        Robot::parse(URDF, None, Some(limits), &options())
    }

    #[test]
    fn replaces_what_the_urdf_says() {
        let robot = read(
            "default_velocity_scaling_factor: 0.1
joint_limits:
  turn:
    has_velocity_limits: true
    max_velocity: 1
    has_acceleration_limits: true
    max_acceleration: 4.5
    has_jerk_limits: true
    max_jerk: 1e3
    has_position_limits: true
    min_position: -1.5
  spin:
    max_velocity: 2
    has_acceleration_limits: false
    max_acceleration: 9
  elsewhere:
    max_velocity: 7
",
        )
        .unwrap();
        let [turn, spin] = &robot.joints[..] else { panic!("two joints") };
        let expected = JointLimits {
            lower: -1.5,
            upper: 2.0,
            velocity: 1.0,
            acceleration: 4.5,
            jerk: 1e3,
            effort: 50.0,
        };
        assert_eq!(turn.limits, expected);
        assert_eq!(spin.limits, JointLimits { velocity: 2.0, ..JointLimits::NONE });
    }

    /// What the robot warns of, without the places.
    fn warned(robot: &Robot) -> Vec<String> {
        robot.warnings.iter().map(|w| w.0.message.clone()).collect()
    }

    /// As MoveIt's Setup Assistant writes it, and zeros as in URDF.
    #[test]
    fn what_a_file_says_it_has_not_is_the_urdfs() {
        let robot = read(
            "joint_limits:
  turn: {has_velocity_limits: false, max_velocity: 0, has_acceleration_limits: false, max_acceleration: 0}
  spin: {has_velocity_limits: True, max_velocity: 2, has_acceleration_limits: no, max_acceleration: 9, has_jerk_limits: false}
",
        )
        .unwrap();
        let [turn, spin] = &robot.joints[..] else { panic!("two joints") };
        assert_eq!((turn.limits.velocity, turn.limits.acceleration), (3.0, f64::INFINITY));
        assert_eq!(spin.limits, JointLimits { velocity: 2.0, ..JointLimits::NONE });
        assert_eq!(warned(&robot), [""; 0]);
        let robot = read("joint_limits: {turn: {max_velocity: 0, max_effort: 0.0}}").unwrap();
        assert_eq!((robot.joints[0].limits.velocity, robot.joints[0].limits.effort), (3.0, 50.0));
        assert_eq!(warned(&robot), ["0 is no limit; taken as not known"; 2]);
    }

    #[test]
    fn decelerations_and_other_directions_count() {
        let robot = read(
            "joint_limits:
  turn: {max_acceleration: 5, has_deceleration_limits: true, max_deceleration: -4}
  spin: {max_velocity: 2, min_velocity: -1, max_deceleration: 3, angle_wraparound: true, max_jerk: 10, min_jerk: -9}
",
        )
        .unwrap();
        let [turn, spin] = &robot.joints[..] else { panic!("two joints") };
        assert_eq!(turn.limits.acceleration, 4.0);
        let expected = JointLimits { velocity: 1.0, acceleration: 3.0, jerk: 9.0, ..JointLimits::NONE };
        assert_eq!(spin.limits, expected);
    }

    #[test]
    fn angles_have_units() {
        let robot = read(
            "joint_limits:
  turn: {max_velocity: !degrees 60.0, min_position: !degrees -90, max_position: !radians 1.5, max_effort: 3}
",
        )
        .unwrap();
        let limits = robot.joints[0].limits;
        assert!((limits.velocity - 60_f64.to_radians()).abs() < 1e-12);
        assert!((limits.lower + 90_f64.to_radians()).abs() < 1e-12);
        assert_eq!((limits.upper, limits.effort), (1.5, 3.0));
    }

    /// ROS 2's parameters, Franka's layout, and bounds of what the URDF lets turn freely.
    #[test]
    fn joints_are_found_wherever_they_stand() {
        for text in [
            "/**:\n  ros__parameters:\n    robot_description_planning:\n      joint_limits:\n        turn: {max_velocity: 1}\n",
            "robot_description_planning:\n  joint_limits:\n    turn: {max_velocity: 1}\n",
            "move_group:\n  ros__parameters:\n    joint_limits: {turn: {max_velocity: 1}}\n",
            "turn:\n  limit:\n    velocity: 1\n    lower: -2\n    upper: 2\n    effort: 50.0\n",
        ] {
            let robot = read(text).expect(text);
            assert_eq!(robot.joints[0].limits.velocity, 1.0, "{text}");
            assert_eq!(warned(&robot), [""; 0], "{text}");
        }
        let robot = read("joint_limits: {spin: {has_position_limits: true, min_position: -1, max_position: 4}}").unwrap();
        let spin = &robot.joints[1];
        assert_eq!((spin.kind, spin.limits.lower, spin.limits.upper), (JointKind::Revolute, -1.0, 4.0));
        let robot = read("joint_limits: {turn: {has_soft_limits: true, soft_lower_limit: -1, soft_upper_limit: 4}}").unwrap();
        assert_eq!((robot.joints[0].limits.lower, robot.joints[0].limits.upper), (-1.0, 2.0));
    }

    #[test]
    fn what_is_not_applied_is_told() {
        for (text, says, velocity) in [
            ("default_velocity_scaling_factor: 0.1\njoint_limits: {turn: {max_velocity: 1}}", "limits.velocity_scaling: 0.1", 1.0),
            ("cartesian_limits: {max_trans_vel: 1}\njoint_limits: {turn: {max_velocity: 1}}", "passed over", 1.0),
            ("joint_limits: {turn: {max_velocity: 1}, elsewhere: {max_velocity: 7}}", "\"elsewhere\"; passed over", 1.0),
            ("joint_limits: {urn: {max_velocity: 7}}", "\"urn\"; passed over", 3.0),
        ] {
            let robot = read(text).expect(text);
            assert_eq!(robot.joints[0].limits.velocity, velocity, "{text}");
            let [warning] = &warned(&robot)[..] else { panic!("{text}: {:?}", robot.warnings) };
            assert!(warning.contains(says), "{warning}");
        }
        // Descriptions leave out what the arm is called.
        let named = URDF.replace("\"turn\"", "\"left_turn_joint\"");
        let read = |limits: &str| Robot::parse(&named, None, Some(limits), &options()).unwrap();
        let robot = read("turn: {limit: {velocity: 1}}");
        assert_eq!((robot.joints[0].limits.velocity, warned(&robot).len()), (1.0, 1));
        let named = named.replace("\"spin\"", "\"right_turn_joint\"");
        let robot = Robot::parse(&named, None, Some("turn: {limit: {velocity: 1}}"), &options()).unwrap();
        assert_eq!((robot.joints[0].limits.velocity, warned(&robot).len()), (3.0, 2));
    }

    /// Velocities of `left_turn_joint`, 3 in the URDF, and of `spin_joint`, which has none there.
    #[test]
    fn other_names_of_joints_never_displace_their_own() {
        let named = URDF.replace("\"turn\"", "\"left_turn_joint\"").replace("\"spin\"", "\"spin_joint\"");
        let read = |limits: &str| Robot::parse(&named, None, Some(limits), &options());
        let none = f64::INFINITY;
        for (text, velocities) in [
            // A shared file's joint whose name ends another's.
            ("joint_limits: {turn_joint: {max_velocity: 1}}", [3.0, none]),
            ("joint_limits: {turn: {max_velocity: 1}}", [3.0, none]),
            ("joint_limits: {spin: {max_velocity: 1}, left_turn: {max_velocity: 2}}", [2.0, 1.0]),
            ("joint_limits: {left_turn_joint: {max_velocity: 1}, left_turn: {max_velocity: 9}}", [1.0, none]),
            ("joint_limits: {left_turn: {max_velocity: 9}, left_turn_joint: {max_velocity: 1}}", [1.0, none]),
            ("left_turn_joint: {limit: {velocity: 1}}\nturn: {limit: {velocity: 9}}", [1.0, none]),
            ("turn: {limit: {velocity: 9}}\nleft_turn_joint: {limit: {velocity: 1}}", [1.0, none]),
        ] {
            let robot = read(text).expect(text);
            assert_eq!([0, 1].map(|j| robot.joints[j].limits.velocity), velocities, "{text}");
            assert!(!robot.warnings.is_empty(), "{text}");
        }
        let error = read("turn: {limit: {velocity: 9}}\nleft_turn: {limit: {velocity: 1}}").unwrap_err();
        assert_eq!(error.line, Some(2));
        assert!(error.to_string().contains("\"turn\": expected one of them"), "{error}");
    }

    /// Wherever they stand they are found, and there may be but one map of them.
    #[test]
    fn joint_limits_are_looked_for_in_all_that_may_hold_them() {
        let of_node = |name: &str, limits: &str| format!("{name}: {{ros__parameters: {{{limits}}}}}\n");
        let (turn, other) = ("joint_limits: {turn: {max_velocity: 1}}", "rate: 5");
        let beside = "robot_description_planning: {cartesian_limits: {max_trans_vel: 1}}\n";
        for text in [
            format!("{beside}{turn}"),
            format!("{turn}\n{beside}"),
            of_node("first", other) + &of_node("second", turn),
            of_node("first", turn) + &of_node("second", other),
        ] {
            let robot = read(&text).expect(&text);
            assert_eq!(robot.joints[0].limits.velocity, 1.0, "{text}");
            let [warning] = &warned(&robot)[..] else { panic!("{text}: {:?}", robot.warnings) };
            assert!(warning.contains("passed over"), "{warning}");
        }
        let two = of_node("first", turn) + &of_node("second", "joint_limits: {spin: {max_velocity: 1}}");
        let error = read(&two).unwrap_err();
        assert!(error.line == Some(2) && error.to_string().contains("others at line 1"), "{error}");
    }

    #[test]
    fn no_limits_change_nothing() {
        let without = Robot::parse(URDF, None, None, &options()).unwrap();
        for text in [
            "joint_limits:",
            "joint_limits: {}",
            "default_velocity_scaling_factor: 1\njoint_limits:",
            "joint_limits:\n  turn:\n    has_velocity_limits: true\n",
        ] {
            let limits = |r: &Robot| r.joints.iter().map(|j| j.limits).collect::<Vec<_>>();
            assert_eq!(limits(&read(text).unwrap()), limits(&without), "{text}");
        }
    }

    #[test]
    fn mistakes_are_found_and_placed() {
        for (text, line, says) in [
            ("joint_limits:\n  turn:\n    max_speed: 1\n", 3, "max_speed"),
            ("limits:\n  turn:\n    max_velocity: 1\n", 1, "limits"),
            ("joint_limits:\n  turn:\n    max_velocity: fast\n", 3, "\"fast\""),
            (
                "joint_limits:\n  turn:\n    max_velocity: -1\n",
                3,
                "joint_limits.turn.max_velocity: expected a number greater than zero, found -1",
            ),
            ("joint_limits:\n  turn:\n    max_velocity: .nan\n", 3, "a finite number"),
            ("joint_limits:\n  turn:\n    max_velocity: .inf\n", 3, "finite"),
            ("joint_limits:\n  turn:\n    has_velocity_limits: maybe\n", 3, ""),
            ("joint_limits:\n  turn:\n    min_position: 3\n", 3, "min <= max"),
            ("joint_limits:\n  turn:\n    limit: {lower: 3, upper: 2}\n", 3, "min <= max"),
            ("joint_limits:\n  turn:\n    limit: {speed: 3}\n", 3, "speed"),
            ("/**:\n  ros__parameters:\n    turn: 1\n", 3, "missing key \"joint_limits\""),
            ("joint_limits:\n  turn:\n    max_velocity: !degrees fast\n", 3, ""),
            ("joint_limits:\n  turn:\n    max_jerk: 1\n    max_jerk: 2\n", 4, ""),
            ("default_velocity_scaling_factor: 1\n", 1, "missing key"),
            ("joint_limits:\n  elsewhere:\n    max_speed: 1\n", 3, "max_speed"),
        ] {
            let error = read(text).expect_err(text);
            assert_eq!(error.line, Some(line), "{text}: {error}");
            assert!(error.to_string().contains(says), "{text}: {error}");
        }
    }
}
