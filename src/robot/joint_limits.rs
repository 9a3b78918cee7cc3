//! Reads MoveIt's `joint_limits.yaml`. Imports `document` and `error`.
//!
//! As in MoveIt, what the file gives replaces what the URDF says; `has_..._limits: false` lifts a
//! limit; joints that the robot does not have are passed over, since robots share files.

use super::{JointKind, JointLimits, Robot};
use crate::document::{self, Map, Node, Value};
use crate::error::InputError;

/// Keys of a file. Scalings belong to a request, not to the robot: they may stand there, unused.
const FILE: [&str; 3] =
    ["joint_limits", "default_velocity_scaling_factor", "default_acceleration_scaling_factor"];

/// Keys of a joint.
const JOINT: [&str; 11] = [
    "has_position_limits",
    "min_position",
    "max_position",
    "has_velocity_limits",
    "max_velocity",
    "has_acceleration_limits",
    "max_acceleration",
    "has_jerk_limits",
    "max_jerk",
    "has_effort_limits",
    "max_effort",
];

/// Applies the text of a file to a robot.
pub(super) fn apply(text: &str, robot: &mut Robot) -> Result<(), InputError> {
    let root = document::parse(text)?;
    let file = root.map_of("a map with joint_limits", &FILE)?;
    let joints = file.require("joint_limits")?;
    if let Value::Null = joints.value {
        return Ok(());
    }
    for entry in joints.map("a map of joints")?.entries {
        let map = entry.node.map_of("a map of limits", &JOINT)?;
        let mut limits = JointLimits::NONE;
        match robot.joint(&entry.key).map(|j| &mut robot.joints[j]) {
            Some(joint) => replace(map, joint.kind, &mut joint.limits)?,
            // Nobody's limits, yet a mistake in them is one.
            None => replace(map, JointKind::Fixed, &mut limits)?,
        }
    }
    Ok(())
}

/// Replaces limits by those that stand in `map`.
fn replace(map: Map, kind: JointKind, limits: &mut JointLimits) -> Result<(), InputError> {
    let lifted = |has: &str| map.get(has).map_or(Ok(false), |node| node.boolean().map(|has| !has));
    for (limit, has, max) in [
        (&mut limits.velocity, "has_velocity_limits", "max_velocity"),
        (&mut limits.acceleration, "has_acceleration_limits", "max_acceleration"),
        (&mut limits.jerk, "has_jerk_limits", "max_jerk"),
        (&mut limits.effort, "has_effort_limits", "max_effort"),
    ] {
        if let Some(node) = map.get(max) {
            *limit = node.positive()?;
        }
        if lifted(has)? {
            *limit = f64::INFINITY;
        }
    }
    let bound = |key: &str| map.get(key).map(|node| position(node, kind)).transpose();
    let (min, max) = (bound("min_position")?, bound("max_position")?);
    if !lifted("has_position_limits")? && matches!(kind, JointKind::Revolute | JointKind::Prismatic) {
        limits.lower = min.unwrap_or(limits.lower);
        limits.upper = max.unwrap_or(limits.upper);
        if limits.lower > limits.upper {
            let (lower, upper) = (limits.lower, limits.upper);
            return Err(map
                .node
                .error(format!("expected min <= max, found positions from {lower} to {upper}")));
        }
    }
    Ok(())
}

/// A bound of a joint's position.
fn position(node: &Node, kind: JointKind) -> Result<f64, InputError> {
    match kind {
        JointKind::Continuous => Err(node.error("a continuous joint has no position limits")),
        _ => node.number(),
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
            ("joint_limits:\n  spin:\n    max_position: 3\n", 3, "continuous"),
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
