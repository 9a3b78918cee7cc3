//! Robots from files: counts and figures of known robots, errors, and files of all sorts of nonsense.

mod common;

use flatout::robot::{LoadOptions, Robot};

/// A robot of the shared data with its SRDF and limits.
fn shared_robot(name: &str) -> Option<Robot> {
    let urdf = common::shared(&format!("robots/{name}_spherized.urdf"))?;
    let srdf = common::shared(&format!("robots/{name}.srdf"))?;
    let limits = common::shared(&format!("robots/{name}_joint_limits.yaml"))?;
    Some(Robot::load(&urdf, Some(&srdf), Some(&limits), &LoadOptions::default()).expect("loads"))
}

fn spheres(robot: &Robot) -> usize {
    robot.links.iter().map(|l| l.spheres.len()).sum()
}

#[test]
fn shared_panda() {
    let Some(robot) = shared_robot("panda") else { return };
    assert_eq!(spheres(&robot), 59);
    assert_eq!(robot.independent_joints().len(), 7);
    assert_eq!(robot.group("panda_arm").unwrap().joints.len(), 7);
    assert_eq!(robot.group("hand").unwrap().joints, []);
    assert_eq!(robot.group("panda_arm_hand").unwrap().joints.len(), 7);
    let first = &robot.joints[robot.joint("panda_joint1").unwrap()];
    assert_eq!((first.limits.velocity, first.limits.acceleration), (2.175, 15.0));
    assert_eq!((first.limits.lower, first.limits.upper), (-2.8973, 2.8973));
    let ready = robot.states.iter().find(|s| s.name == "ready").unwrap();
    assert_eq!(ready.values.len(), 7);
    let open = robot.states.iter().find(|s| s.name == "open").unwrap();
    assert!(open.values.is_empty(), "the fingers are fixed");
}

#[test]
fn shared_ur5() {
    let Some(robot) = shared_robot("ur5") else { return };
    assert_eq!(spheres(&robot), 40);
    assert_eq!(robot.group("manipulator").unwrap().joints.len(), 6);
    assert_eq!(robot.independent_joints().len(), 6);
}

#[test]
fn shared_fetch() {
    let Some(robot) = shared_robot("fetch") else { return };
    // The file has 112 spheres; one of them is a visual.
    assert_eq!(spheres(&robot), 111);
    assert_eq!(robot.group("arm").unwrap().joints.len(), 7);
    assert_eq!(robot.group("arm_with_torso").unwrap().joints.len(), 8);
    assert_eq!(robot.independent_joints().len(), 8);
}
