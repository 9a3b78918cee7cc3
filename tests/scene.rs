//! Scene files: what they mean, what is wrong with bad ones, and that nothing makes them panic.

mod common;

use flatout::bench::mbm::MbmSuite;
use flatout::error::InputError;
use flatout::problem::{GRAVITY, Smoothness};
use flatout::robot::{LoadOptions, MissingGeometry, Robot};
use flatout::scene::moveit::{self, Text};
use flatout::scene::{Planned, RobotFiles, RobotSource, Scene};
use flatout::world::Shape;
use glam::DVec3;
use proptest::prelude::*;
use std::path::{Path, PathBuf};
use std::sync::LazyLock;
use std::time::Duration;

const URDF: &str = r#"<robot name="little">
  <link name="base"/>
  <link name="upper"><inertial><mass value="2"/><inertia ixx="0.1" iyy="0.1" izz="0.1" ixy="0" ixz="0" iyz="0"/></inertial></link>
  <link name="lower"><inertial><mass value="1"/><inertia ixx="0.1" iyy="0.1" izz="0.1" ixy="0" ixz="0" iyz="0"/></inertial><collision><geometry><sphere radius="0.01"/></geometry></collision></link>
  <link name="hand"/><link name="left"/><link name="right"/>
  <joint name="shoulder" type="revolute"><parent link="base"/><child link="upper"/><axis xyz="0 1 0"/>
    <limit lower="-2" upper="2" velocity="1" effort="50"/></joint>
  <joint name="elbow" type="revolute"><parent link="upper"/><child link="lower"/><origin xyz="0 0 0.5"/><axis xyz="0 1 0"/>
    <limit lower="-3.14159" upper="3.14159" velocity="2" effort="20"/></joint>
  <joint name="wrist" type="continuous"><parent link="lower"/><child link="hand"/><origin xyz="0 0 0.5"/><axis xyz="0 0 1"/>
    <limit velocity="3" effort="5"/></joint>
  <joint name="left_finger" type="prismatic"><parent link="hand"/><child link="left"/><axis xyz="1 0 0"/>
    <limit lower="0" upper="0.04" velocity="0.1" effort="5"/></joint>
  <joint name="right_finger" type="prismatic"><parent link="hand"/><child link="right"/><axis xyz="-1 0 0"/>
    <limit lower="0" upper="0.04" velocity="0.1" effort="5"/><mimic joint="left_finger"/></joint>
  <link name="tool"/>
  <joint name="mount" type="fixed"><parent link="hand"/><child link="tool"/></joint>
</robot>"#;

const SRDF: &str = r#"<robot name="little">
  <group name="arm"><joint name="shoulder"/><joint name="elbow"/></group>
  <group name="hand"><joint name="left_finger"/></group>
  <group_state name="ready" group="arm"><joint name="shoulder" value="0.5"/><joint name="elbow" value="-1"/></group_state>
  <group_state name="open" group="hand"><joint name="left_finger" value="0.04"/></group_state>
</robot>"#;

const LIMITS: &str = "joint_limits:
  shoulder: {has_acceleration_limits: true, max_acceleration: 5}
  elbow: {has_acceleration_limits: true, max_acceleration: 8}
";

/// A scene that is right in every line.
const SCENE: &str = "robot:
  urdf: little.urdf
  srdf: little.srdf
  joint_limits: limits.yaml
  group: arm
  locked: {left_finger: 0.02}
  base: {position: [0, 0, 1], rpy: [0, 0, 1.5707963267948966]}
limits:
  velocity_scaling: 0.5
  acceleration_scaling: 0.25
  joints:
    elbow: {velocity: 4, upper: 2.5}
world:
  - {name: table, shape: cuboid, size: [1, 2, 0.1], position: [1, 0, 0.5]}
  - {shape: sphere, radius: 0.1}
  - {shape: capsule, radius: 0.1, length: 0.6, quaternion_xyzw: [0, 1, 0, 0]}
  - {shape: cylinder, radius: 0.2, length: 0.4, rpy: [0, 0, 0.1]}
  - {name: wall, shape: half_space, normal: [0, -2, 0], position: [0, 3, 0]}
  - {shape: cuboid, half_extents: [1, 2, 3]}
start:
  position: {elbow: 1, shoulder: 0.25}
  velocity: {elbow: -0.5}
goals:
  - ready
  - [1, -1]
  - {position: ready, velocity: [0.5, 0]}
planner:
  seed: 7
  time_limit: 2.5
  max_samples: 1000
  range: 1.5
  moving_share: 0.25
  resolution: 0.01
  shortcut_tries: 3
  batch: 16
gravity: [0, 0, -1.62]
";

static ROBOT: LazyLock<Robot> =
    LazyLock::new(|| Robot::parse(URDF, Some(SRDF), Some(LIMITS), &LoadOptions::default()).unwrap());

fn parse(text: &str) -> Result<Scene, InputError> {
    Scene::parse(text, Path::new("dir/a.yaml"), &ROBOT)
}

#[test]
fn a_scene_means_what_it_says() {
    let scene = parse(SCENE).unwrap();
    let problem = &scene.problem;
    let RobotSource::Files(files) = &scene.robot.source else { panic!("{:?}", scene.robot) };
    assert_eq!(files.urdf, PathBuf::from("dir/little.urdf"));
    assert_eq!(scene.robot.planned, Planned::Group("arm".to_owned()));
    assert_eq!(scene.robot.locked, [("left_finger".to_owned(), 0.02)]);
    assert_eq!(scene.robot.base.translation, DVec3::Z);
    assert!((scene.robot.base.vector(DVec3::X) - DVec3::Y).length() < 1e-15);
    assert_eq!(problem.mechanism.outputs, ["shoulder", "elbow"]);
    let [shoulder, elbow] = problem.mechanism.limits[..] else { panic!() };
    assert_eq!((shoulder.velocity, shoulder.acceleration), (0.5, 1.25));
    assert_eq!((elbow.velocity, elbow.acceleration, elbow.upper), (2.0, 2.0, 2.5));
    assert_eq!(
        (problem.start.position.as_slice(), problem.start.velocity.as_slice()),
        (&[0.25, 1.0][..], &[0.0, -0.5][..])
    );
    assert_eq!(problem.goals.len(), 3);
    assert_eq!(problem.goals[0].position, [0.5, -1.0]);
    assert_eq!(problem.goals[2].velocity, [0.5, 0.0]);
    assert!(problem.torque);
    assert_eq!(problem.gravity, DVec3::new(0.0, 0.0, -1.62));

    let solids = &problem.world.obstacles;
    assert_eq!(solids[0].shape, Shape::Cuboid { half_extents: DVec3::new(0.5, 1.0, 0.05) });
    assert_eq!((solids[0].name.as_str(), solids[1].name.as_str()), ("table", "sphere 1"));
    assert_eq!(solids[2].shape, Shape::Capsule { radius: 0.1, half_length: 0.3 });
    assert_eq!(solids[3].shape, Shape::Cylinder { radius: 0.2, half_length: 0.2 });
    assert!((solids[4].signed_distance(DVec3::new(5.0, 1.0, 5.0)) - 2.0).abs() < 1e-12);
    assert_eq!(solids[5].shape, Shape::Cuboid { half_extents: DVec3::new(1.0, 2.0, 3.0) });

    let options = &scene.options;
    assert_eq!((options.seed, options.max_samples, options.shortcut_tries), (7, 1000, 3));
    assert_eq!(options.batch, 16);
    assert_eq!(options.time_limit, Some(Duration::from_millis(2500)));
    assert_eq!((options.range, options.moving_share, options.resolution), (Some(1.5), 0.25, Some(0.01)));
}

#[test]
fn what_is_left_out_has_its_default() {
    let limits = "limits: {joints: {wrist: {acceleration: 1}, left_finger: {acceleration: 1}}}";
    let text = format!("robot: {{urdf: little.urdf}}\nstart: [0, 0, 100, 0]\ngoal: [0, 0, 0, 0]\n{limits}\n");
    let scene = parse(&text).unwrap();
    assert_eq!(scene.robot.planned, Planned::All);
    assert_eq!(scene.problem.mechanism.outputs, ["shoulder", "elbow", "wrist", "left_finger"]);
    assert_eq!(scene.problem.gravity, GRAVITY);
    assert_eq!(scene.options, flatout::plan::PlanOptions::default());
    assert!(scene.problem.world.obstacles.is_empty());
}

/// Every rounding of pi that robot descriptions use shall admit pi itself.
#[test]
fn bounds_give_way_to_rounding() {
    let pi = std::f64::consts::PI;
    let text = SCENE.replace("upper: 2.5", "jerk: 9").replace("[1, -1]", &format!("[1, {pi:?}]"));
    let scene = parse(&text).unwrap();
    assert_eq!(scene.problem.mechanism.limits[1].upper, pi);
    assert_eq!(
        scene.problem.mechanism.limits[1].lower,
        ROBOT.joints[ROBOT.joint("elbow").unwrap()].limits.lower
    );
}

/// Replaces one line (1-based) of the good scene, or removes it, and tells the error.
fn spoiled(line: usize, with: Option<&str>) -> String {
    let mut lines: Vec<&str> = SCENE.lines().collect();
    match with {
        Some(text) => lines[line - 1] = text,
        None => drop(lines.remove(line - 1)),
    }
    match parse(&lines.join("\n")) {
        Ok(_) => "no error".to_owned(),
        Err(e) => e.to_string(),
    }
}

#[test]
fn errors_name_file_line_key_and_expectation() {
    let table: &[(usize, Option<&str>, &str)] = &[
        // The robot.
        (2, None, "2:3: robot: missing key \"urdf\""),
        (2, Some("  urdf: [1]"), "2:9: robot.urdf: expected the path of a file, found a list of 1"),
        (3, Some("  sdrf: x"), "3:3: robot.sdrf: unknown key \"sdrf\"; did you mean \"srdf\"?"),
        (5, Some("  group: amr"), "5:10: robot.group: unknown group \"amr\"; did you mean \"arm\"?"),
        (5, Some("  group: zzzzz"), "5:10: robot.group: unknown group \"zzzzz\"; expected one of arm, hand"),
        (
            5,
            Some("  joints: [elbow, sholder]"),
            "5:19: robot.joints[1]: unknown joint \"sholder\"; did you mean \"shoulder\"?",
        ),
        (
            5,
            Some("  joints: []"),
            "5:11: robot.joints: no movable joint is chosen; at least one was expected",
        ),
        (5, Some("  joints: [elbow, elbow]"), "5:11: robot.joints: joint \"elbow\" is chosen twice"),
        (
            5,
            Some("  joints: [right_finger]"),
            "5:11: robot.joints: joint \"right_finger\" mimics \"left_finger\": plan for \"left_finger\" instead",
        ),
        (
            5,
            Some("  joints: [mount]"),
            "5:12: robot.joints[0]: joint \"mount\" is fixed; expected one that moves",
        ),
        (
            5,
            Some("  group: arm\n  joints: [elbow]"),
            "6:3: robot.joints: \"group\" and \"joints\" cannot stand together",
        ),
        (
            6,
            Some("  locked: {left_finger: 0.05}"),
            "6:25: robot.locked.left_finger: joint \"left_finger\" at 0.05 is outside its limits; expected 0.0 to 0.04",
        ),
        (
            6,
            Some("  locked: {elbow: 0}"),
            "6:12: robot.locked.elbow: joint \"elbow\" is planned and cannot be locked",
        ),
        (
            6,
            Some("  locked: {right_finger: 0}"),
            "6:12: robot.locked.right_finger: joint \"right_finger\" mimics \"left_finger\": lock \"left_finger\" instead",
        ),
        (
            6,
            Some("  locked: {left_fingr: 0}"),
            "6:12: robot.locked.left_fingr: unknown joint \"left_fingr\"; did you mean \"left_finger\"?",
        ),
        (
            7,
            Some("  base: {position: [0, 0]}"),
            "7:20: robot.base.position: expected three numbers, x, y and z in metres, found a list of 2",
        ),
        (
            7,
            Some("  base: {rpy: [0, 0, 0], quaternion_xyzw: [0, 0, 0, 1]}"),
            "7:26: robot.base.quaternion_xyzw: \"rpy\" and \"quaternion_xyzw\" cannot stand together",
        ),
        // Limits.
        (
            9,
            Some("  velocity_scaling: 1.5"),
            "9:21: limits.velocity_scaling: expected a factor greater than 0 and at most 1, found 1.5",
        ),
        (
            10,
            Some("  acceleration_scaling: 0"),
            "10:25: limits.acceleration_scaling: expected a factor greater than 0 and at most 1, found 0",
        ),
        (10, Some("  torque: maybe"), "10:11: limits.torque: expected true or false, found \"maybe\""),
        (
            12,
            Some("    elbow: {velocity: -4}"),
            "12:23: limits.joints.elbow.velocity: expected a number greater than zero, found -4",
        ),
        (
            12,
            Some("    elbow: {velocity: .inf}"),
            "12:23: limits.joints.elbow.velocity: expected a finite number, found inf",
        ),
        (
            12,
            Some("    elbow: {lower: 3, upper: 1}"),
            "12:12: limits.joints.elbow: the lower limit 3.0 is above the upper limit 1.0",
        ),
        (
            12,
            Some("    elbwo: {}"),
            "12:5: limits.joints.elbwo: unknown joint \"elbwo\"; did you mean \"elbow\"?",
        ),
        (
            12,
            Some("    elbow: {speed: 4}"),
            "12:13: limits.joints.elbow.speed: unknown key \"speed\"; expected one of lower, upper, velocity, acceleration, jerk, effort",
        ),
        // The world.
        (
            14,
            Some("  - {shape: box, size: [1, 2, 0.1]}"),
            "14:13: world[0].shape: unknown shape \"box\"; expected one of sphere, cuboid, capsule, cylinder, half_space",
        ),
        (
            14,
            Some("  - {shape: cuboid, size: [1, 0, 0.1]}"),
            "14:31: world[0].size[1]: expected a length from 1e-6 to 1e6 m, found 0",
        ),
        (
            14,
            Some("  - {shape: cuboid, size: [1, 1]}"),
            "14:27: world[0].size: expected three lengths, along x, y and z, found a list of 2",
        ),
        (14, Some("  - {shape: cuboid}"), "14:5: world[0]: missing key \"size\""),
        (
            14,
            Some("  - {shape: cuboid, size: [1, 1, 1], half_extents: [1, 1, 1]}"),
            "14:38: world[0].half_extents: \"size\" and \"half_extents\" cannot stand together",
        ),
        (
            15,
            Some("  - {shape: sphere, radius: .nan}"),
            "15:29: world[1].radius: expected a finite number, found NaN",
        ),
        (
            15,
            Some("  - {shape: sphere, radius: 1e999}"),
            "15:29: world[1].radius: expected a finite number, found inf",
        ),
        (
            15,
            Some("  - {shape: sphere, radius: 1, length: 1}"),
            "15:32: world[1].length: unknown key \"length\"; expected one of shape, name, position, rpy, quaternion_xyzw, radius",
        ),
        (15, Some("  - {radius: 1}"), "15:5: world[1]: missing key \"shape\""),
        (
            15,
            Some("  - sphere"),
            "15:5: world[1]: expected an obstacle: a map with the key shape, found \"sphere\"",
        ),
        (16, Some("  - {shape: capsule, radius: 0.1}"), "16:5: world[2]: missing key \"length\""),
        (
            17,
            Some("  - {shape: sphere, radius: 1, quaternion_xyzw: [0, 0, 0, 2]}"),
            "17:49: world[3].quaternion_xyzw: expected a quaternion of length 1, found one of length 2.0",
        ),
        (
            18,
            Some("  - {shape: half_space, normal: [0, 0, 0]}"),
            "18:33: world[4].normal: expected a direction, found a vector without one",
        ),
        // Start and goals.
        (21, Some("  position: {elbow: 1}"), "21:13: start.position: missing joint \"shoulder\""),
        (
            21,
            Some("  position: {elbow: 1, shoulder: 2.5}"),
            "21:34: start.position.shoulder: joint \"shoulder\" at 2.5 is outside its limits; expected -2.0 to 2.0",
        ),
        (
            21,
            Some("  position: {elbow: 1, shoulder: 1, wrist: 1}"),
            "21:37: start.position.wrist: joint \"wrist\" is not planned and cannot have a position here; robot.locked holds such joints",
        ),
        (
            22,
            Some("  velocity: {elbow: 2.5}"),
            "22:21: start.velocity.elbow: joint \"elbow\" moving at 2.5 is beyond its limit; expected -2.0 to 2.0",
        ),
        (
            22,
            Some("  speed: [0, 0]"),
            "22:3: start.speed: unknown key \"speed\"; expected one of position, velocity, acceleration",
        ),
        (24, Some("  - redy"), "24:5: goals[0]: unknown state \"redy\"; did you mean \"ready\"?"),
        (
            24,
            Some("  - open"),
            "24:5: goals[0]: state \"open\" of group \"hand\" says nothing of joint \"shoulder\"",
        ),
        (
            25,
            Some("  - [1, -1, 0]"),
            "25:5: goals[1]: expected a named state, a map from joints to positions, or a list of 2 numbers: shoulder, elbow, found a list of 3",
        ),
        (
            25,
            Some("  - [1, -9]"),
            "25:9: goals[1][1]: joint \"elbow\" at -9.0 is outside its limits; expected -3.14159 to 2.5",
        ),
        (25, Some("  - [1, x]"), "25:9: goals[1][1]: expected a finite number, found \"x\""),
        (
            26,
            Some("  - {position: ready, velocity: [0.5]}"),
            "26:33: goals[2].velocity: expected a map from joints to velocities, or a list of 2 numbers: shoulder, elbow, found a list of 1",
        ),
        (23, Some("goal: ready\ngoals:"), "24:1: goals: \"goal\" and \"goals\" cannot stand together"),
        // The planner and the rest.
        (28, Some("  seed: -1"), "28:9: planner.seed: expected a whole number, zero or greater, found -1"),
        (28, Some("  seed: 1.5"), "28:9: planner.seed: expected a whole number, zero or greater, found 1.5"),
        (
            29,
            Some("  time_limit: 1e300"),
            "29:15: planner.time_limit: expected a number of seconds greater than zero, or none, found 1e300",
        ),
        (32, Some("  moving_share: 2"), "32:17: planner.moving_share: expected a share from 0 to 1, found 2"),
        (
            34,
            Some("  shortcut_trys: 3"),
            "34:3: planner.shortcut_trys: unknown key \"shortcut_trys\"; did you mean \"shortcut_tries\"?",
        ),
        (
            35,
            Some("  batch: 2000000"),
            "35:10: planner.batch: expected a whole number from 0 to 1048576, found 2000000",
        ),
        (
            36,
            Some("gravity: 9.81"),
            "36:10: gravity: expected three numbers, x, y and z in m/s^2, found 9.81",
        ),
        (36, Some("gravty: [0, 0, 0]"), "36:1: gravty: unknown key \"gravty\"; did you mean \"gravity\"?"),
        (36, Some("start: ready"), "36:1: duplicate mapping key `start` is not allowed here"),
    ];
    for (line, with, expected) in table {
        assert_eq!(spoiled(*line, *with), format!("dir/a.yaml:{expected}"), "line {line}: {with:?}");
    }
}

#[test]
fn errors_in_what_is_missing_altogether() {
    let error = |text: &str| parse(text).unwrap_err().to_string();
    assert_eq!(
        error(""),
        "dir/a.yaml:1:1: expected a scene: a map of robot, world, start, goal and more, found nothing"
    );
    assert_eq!(error("robot: {urdf: x, group: arm}"), "dir/a.yaml:1:1: missing key \"start\"");
    assert_eq!(
        error("robot: {urdf: x, group: arm}\nstart: ready\n"),
        "dir/a.yaml:1:1: missing key \"goal\" (or \"goals\")"
    );
    assert_eq!(
        error("robot: {urdf: x, joints: [wrist]}\nstart: [0]\ngoal: [1]\n"),
        "dir/a.yaml:1:8: robot: joint \"wrist\" has no limit of acceleration: give limits.joints.wrist.acceleration \
         in the scene, or a file under robot.joint_limits; or effort limits of all joints and masses of all moving \
         links, by which torques bound it"
    );
    let wanted = "limits: {torque: true, joints: {wrist: {acceleration: 1}}}";
    assert_eq!(
        error(&format!("robot: {{urdf: x, joints: [wrist]}}\nstart: [0]\ngoal: [1]\n{wanted}\n")),
        "dir/a.yaml:4:18: limits.torque: torques cannot be checked: a moving link has no mass in the URDF"
    );
}

#[test]
fn torque_is_on_where_it_can_be_unless_the_scene_says_off() {
    let torque =
        |limits: &str| parse(&SCENE.replace("  velocity_scaling: 0.5", limits)).unwrap().problem.torque;
    assert!(torque("  velocity_scaling: 0.5"));
    assert!(torque("  torque: true"));
    assert!(!torque("  torque: false"));
    let massless = URDF.replace("<mass value=\"1\"/>", "<mass value=\"0\"/>");
    let robot = Robot::parse(&massless, Some(SRDF), Some(LIMITS), &LoadOptions::default()).unwrap();
    assert!(!Scene::parse(SCENE, Path::new("a.yaml"), &robot).unwrap().problem.torque);
}

#[test]
fn smooth_scenes_have_limits_of_jerk_and_accelerations() {
    let smooth = |limits: &str, velocity: &str| {
        let text =
            SCENE.replace("  velocity_scaling: 0.5", limits).replace("  velocity: {elbow: -0.5}", velocity);
        parse(&format!("{text}smoothness: jerk\n"))
    };
    let still = "  velocity: {elbow: -0.5}";
    let scene = smooth("  ramp_time: 0.1", still).unwrap();
    assert_eq!(scene.problem.smoothness, Smoothness::Jerk);
    assert_eq!(scene.problem.start.acceleration, [0.0, 0.0]);
    let [shoulder, elbow] = scene.problem.mechanism.limits[..] else { panic!() };
    assert_eq!((shoulder.jerk, elbow.jerk), (12.5, 20.0), "scaled accelerations, in a tenth of a second");
    let error = smooth("  velocity_scaling: 0.5", still).unwrap_err().to_string();
    assert!(error.starts_with("dir/a.yaml:9:3: limits: joint \"shoulder\" has no limit of jerk"), "{error}");
    assert!(error.contains("limits.joints.shoulder.jerk or limits.ramp_time"), "{error}");
    let given = "  acceleration: {elbow: -1.5}";
    let scene = smooth("  ramp_time: 0.1", given).unwrap();
    assert_eq!(scene.problem.start.acceleration, [0.0, -1.5]);
    assert!(!scene.problem.start.is_at_rest());
    let error = smooth("  ramp_time: 0.1", "  acceleration: {elbow: -2.5}").unwrap_err().to_string();
    assert!(error.contains("joint \"elbow\" accelerating at -2.5 is beyond its limit"), "{error}");
    // Without it there is no acceleration to give, and no other word for it.
    let error = parse(&SCENE.replace(still, given)).unwrap_err().to_string();
    assert!(error.contains("start.acceleration: accelerations are part of a state only with"), "{error}");
    assert_eq!(parse(SCENE).unwrap().problem.smoothness, Smoothness::Acceleration);
    let error = parse(&format!("{SCENE}smoothness: snap\n")).unwrap_err().to_string();
    assert!(error.ends_with("smoothness: expected acceleration or jerk, found \"snap\""), "{error}");
    let error = smooth("  ramp_time: 0", still).unwrap_err().to_string();
    assert!(error.ends_with("limits.ramp_time: expected a number greater than zero, found 0"), "{error}");
}

#[test]
fn a_missing_file_is_named_with_the_line_that_names_it() {
    let dir = std::env::temp_dir().join(format!("flatout-scene-{}", std::process::id()));
    std::fs::create_dir_all(&dir).unwrap();
    let file = dir.join("a.yaml");
    std::fs::write(&file, SCENE).unwrap();
    let error = Scene::load(&file).unwrap_err().to_string();
    let expected =
        format!("{}:2:9: robot.urdf: there is no file {}", file.display(), dir.join("little.urdf").display());
    assert_eq!(error, expected);
    std::fs::write(dir.join("little.urdf"), URDF).unwrap();
    std::fs::write(dir.join("little.srdf"), SRDF).unwrap();
    std::fs::write(dir.join("limits.yaml"), LIMITS).unwrap();
    assert_eq!(Scene::load(&file).unwrap().problem.mechanism.dof(), 2);
    assert!(Scene::load(&dir.join("none.yaml")).unwrap_err().to_string().contains("cannot read the file"));
    std::fs::remove_dir_all(&dir).unwrap();
}

fn assert_same(a: &Scene, b: &Scene) {
    assert_eq!((&a.limits, &a.options), (&b.limits, &b.options));
    assert_eq!((&a.robot.planned, &a.robot.locked), (&b.robot.planned, &b.robot.locked));
    assert_eq!(a.problem.start, b.problem.start);
    assert_eq!(a.problem.goals, b.problem.goals);
    assert_eq!((a.problem.torque, a.problem.gravity), (b.problem.torque, b.problem.gravity));
    assert_eq!(a.problem.smoothness, b.problem.smoothness);
    assert_eq!(a.problem.mechanism.limits, b.problem.mechanism.limits);
    let poses = |s: &Scene| {
        s.problem.world.obstacles.iter().map(|o| o.pose).chain([s.robot.base]).collect::<Vec<_>>()
    };
    for (a, b) in poses(a).iter().zip(poses(b)) {
        assert!(a.translation == b.translation && a.rotation.abs_diff_eq(b.rotation, 1e-12));
    }
    for (a, b) in a.problem.world.obstacles.iter().zip(&b.problem.world.obstacles) {
        assert_eq!((&a.name, a.shape), (&b.name, b.shape));
    }
}

#[test]
fn what_is_written_reads_the_same() {
    let named =
        SCENE.replace("name: table", "name: 'on: {true}'").replace("time_limit: 2.5", "time_limit: none");
    for text in [SCENE, &named, &SCENE.replace("group: arm", "joints: [shoulder, elbow]")] {
        let scene = parse(text).unwrap();
        let written = scene.to_yaml(Path::new("dir"));
        assert!(written.contains("urdf: little.urdf"), "{written}");
        assert_same(&scene, &parse(&written).unwrap_or_else(|e| panic!("{e}\n{written}")));
    }
}

const MOVEIT_SCENE: &str = "name: ''
robot_model_name: little
robot_state:
  joint_state: {name: [shoulder, elbow], position: [1, 1]}
fixed_frame_transforms:
  - {child_frame_id: desk, transform: {translation: [0, 0, 2], rotation: [0, 0, 0, 1]}}
world:
  octomap: {octomap: {data: []}}
  collision_objects:
    - id: can
      primitives: [{type: cylinder, dimensions: [0.14, 0.03]}]
      primitive_poses: [{position: [1, 0, 0], orientation: [0, 0, 0, 1]}]
    - id: pair
      header: {frame_id: desk}
      pose: {position: {x: 0, y: 1, z: 0}, orientation: {x: 0, y: 0, z: 1, w: 0}}
      primitives:
        - {type: box, dimensions: [1, 2, 4]}
        - {type: 2, dimensions: [0.5]}
      primitive_poses:
        - {position: [1, 0, 0], orientation: [0, 0, 0, 1]}
        - {position: [0, 0, 0], orientation: [0, 0, 0, 1]}
    - {id: hand_box, header: {frame_id: base}, pose: {position: [0, 0, 1]}, primitives: [{type: sphere, dimensions: [0.1]}]}
";

const MOVEIT_REQUEST: &str = "group_name: arm
start_state:
  joint_state:
    name: [elbow, left_finger, mount, right_finger]
    position: [0.5, 0.065, 0, 0]
  multi_dof_joint_state:
    joint_names: [virtual_joint]
    transforms: [{translation: [0, 0, 3], rotation: [0, 0, 0, 1]}]
goal_constraints:
  - joint_constraints:
      - {joint_name: elbow, position: -1, tolerance_above: 0.01}
      - {joint_name: shoulder, position: 0.5}
  - joint_constraints:
      - {joint_name: elbow, position: 2}
      - {joint_name: shoulder, position: 1.5}
max_velocity_scaling_factor: 0
max_acceleration_scaling_factor: 0.5
allowed_planning_time: 60
workspace_parameters: {min_corner: [-1, -1, -1]}
";

fn import(scene: &str, request: &str) -> Result<Scene, InputError> {
    let files = RobotFiles {
        srdf: Some("dir/little.srdf".into()),
        joint_limits: None,
        missing_geometry: MissingGeometry::Refuse,
        ..RobotFiles::new("dir/little.urdf")
    };
    let (scene, request) =
        (Text { text: scene, file: Path::new("s.yaml") }, Text { text: request, file: Path::new("r.yaml") });
    moveit::parse(scene, request, files, &ROBOT)
}

#[test]
fn a_moveit_pair_means_what_it_says() {
    let scene = import(MOVEIT_SCENE, MOVEIT_REQUEST).unwrap();
    let problem = &scene.problem;
    // The request wins over the scene, which fills the gaps.
    assert_eq!(problem.start.position, [1.0, 0.5]);
    assert_eq!(scene.robot.locked, [("left_finger".to_owned(), 0.04)]);
    assert_eq!(scene.robot.base.translation, DVec3::new(0.0, 0.0, 3.0));
    let goals: Vec<_> = problem.goals.iter().map(|g| g.position.clone()).collect();
    assert_eq!(goals, [[0.5, -1.0], [1.5, 2.0]]);
    assert_eq!(problem.mechanism.limits[1].acceleration, 4.0);
    assert_eq!(scene.options.time_limit, Some(Duration::from_secs(60)));
    let solids = &problem.world.obstacles;
    assert_eq!(solids[0].shape, Shape::Cylinder { radius: 0.03, half_length: 0.07 });
    assert_eq!(solids[1].shape, Shape::Cuboid { half_extents: DVec3::new(0.5, 1.0, 2.0) });
    assert!((solids[1].pose.translation - DVec3::new(-1.0, 1.0, 2.0)).length() < 1e-12);
    assert_eq!(solids[2].name, "pair 1");
    assert_eq!(solids[3].pose.translation, DVec3::new(0.0, 0.0, 4.0));
    assert_same(&scene, &parse(&scene.to_yaml(Path::new("dir"))).unwrap());
}

#[test]
fn moveit_errors_name_file_line_key_and_expectation() {
    let scene = |from: &str, to: &str| {
        assert!(MOVEIT_SCENE.contains(from));
        import(&MOVEIT_SCENE.replacen(from, to, 1), MOVEIT_REQUEST).unwrap_err().to_string()
    };
    let request = |from: &str, to: &str| {
        assert!(MOVEIT_REQUEST.contains(from));
        import(MOVEIT_SCENE, &MOVEIT_REQUEST.replacen(from, to, 1)).unwrap_err().to_string()
    };
    let table = [
        (
            scene("cylinder", "cone"),
            "s.yaml:11:27: world.collision_objects[0].primitives[0].type: expected box, sphere or cylinder, found \"cone\"",
        ),
        (
            scene("[0.14, 0.03]", "[0.14]"),
            "s.yaml:11:49: world.collision_objects[0].primitives[0].dimensions: expected two lengths, height and radius, found a list of 1",
        ),
        (
            scene("[0.14, 0.03]", "[0.14, -1]"),
            "s.yaml:11:56: world.collision_objects[0].primitives[0].dimensions[1]: expected a length from 1e-6 to 1e6 m, found -1",
        ),
        (
            scene("header: {frame_id: desk}", "header: {frame_id: dsk}"),
            "s.yaml:14:26: world.collision_objects[1].header.frame_id: unknown frame \"dsk\"; did you mean \"desk\"?",
        ),
        (
            scene("data: []", "data: [1]"),
            "s.yaml:8:29: world.octomap.octomap.data: octomaps cannot be read yet; expected none",
        ),
        (
            scene("id: can", "meshes: [x]"),
            "s.yaml:10:15: world.collision_objects[0].meshes: meshes cannot be read yet; expected none",
        ),
        (
            scene("position: [1, 1]", "position: [1]"),
            "s.yaml:4:52: robot_state.joint_state.position: expected 2 numbers, one for each name, found a list of 1",
        ),
        (
            scene("        - {position: [0, 0, 0], orientation: [0, 0, 0, 1]}\n", ""),
            "s.yaml:20:9: world.collision_objects[1].primitive_poses: expected 2 poses, one for each primitive, found 1",
        ),
        (
            request("group_name: arm", "group_name: hands"),
            "r.yaml:1:13: group_name: unknown group \"hands\"; did you mean \"hand\"?",
        ),
        (
            request("name: [elbow", "name: [elbwo"),
            "r.yaml:4:12: start_state.joint_state.name[0]: unknown joint \"elbwo\"; did you mean \"elbow\"?",
        ),
        (
            request("      - {joint_name: shoulder, position: 0.5}\n", ""),
            "r.yaml:10:5: goal_constraints[0]: missing joint \"shoulder\"",
        ),
        (
            request("position: -1", "position: -10"),
            "r.yaml:11:39: goal_constraints[0].joint_constraints[0].position: joint \"elbow\" at -10.0 is outside its limits; expected -3.14159 to 3.14159",
        ),
        (
            request("joint_name: elbow", "joint_name: wrist"),
            "r.yaml:11:22: goal_constraints[0].joint_constraints[0].joint_name: joint \"wrist\" is not in the group and cannot have a goal",
        ),
        (
            request("workspace_parameters: {min_corner", "path_constraints: {joint_constraints"),
            "r.yaml:19:19: path_constraints: path constraints cannot be read yet; expected none",
        ),
        (
            request("factor: 0.5", "factor: 2"),
            "r.yaml:17:34: max_acceleration_scaling_factor: expected a factor from 0 to 1, found 2",
        ),
    ];
    for (found, expected) in table {
        assert_eq!(found, expected);
    }
}

#[test]
fn the_published_files_are_read() {
    let Some(raw) = common::shared("mbm/raw") else { return };
    let Some(robots) = common::shared("robots") else { return };
    let files = RobotFiles {
        srdf: Some(robots.join("panda.srdf")),
        joint_limits: Some(robots.join("panda_joint_limits.yaml")),
        missing_geometry: MissingGeometry::Refuse,
        ..RobotFiles::new(robots.join("panda_spherized.urdf"))
    };
    for (set, obstacles) in [("box", 7), ("cage", 8), ("table_pick", 12)] {
        let path = |kind: &str| raw.join(format!("{set}_{kind}0002.yaml"));
        let scene = moveit::load(&path("scene"), &path("request"), files.clone()).unwrap();
        assert_eq!(scene.problem.mechanism.dof(), 7);
        assert_eq!(scene.problem.start.position, [0.0, -0.785, 0.0, -2.356, 0.0, 1.571, 0.785]);
        assert_eq!(scene.problem.world.obstacles.len(), obstacles, "{set}");
        assert_eq!(scene.problem.goals.len(), 1);
    }
}

#[test]
fn the_suites_are_read() {
    for (name, count, dof) in [("panda", 350, 7), ("ur5", 342, 6), ("fetch", 340, 8)] {
        let Some(file) = common::shared(&format!("mbm/{name}.json")) else { return };
        let Some(robots) = common::shared("robots") else { return };
        let suite = MbmSuite::load(&file).unwrap();
        assert_eq!((suite.problems.len(), suite.joints.len()), (count, dof));
        let robot = Robot::load(
            &robots.join(format!("{name}_spherized.urdf")),
            Some(&robots.join(format!("{name}.srdf"))),
            Some(&robots.join(format!("{name}_joint_limits.yaml"))),
            &LoadOptions::default(),
        )
        .unwrap();
        let mechanism = suite.mechanism(&robot, flatout::pose::Pose::IDENTITY).unwrap();
        for problem in &suite.problems {
            let problem = problem.problem(&mechanism);
            assert!(!problem.torque && problem.start.position.len() == dof);
        }
    }
}

const SUITE: &str = r#"{"format": "mbm-json/1", "robot": "little", "joints": ["shoulder", "elbow"], "problems": [
{"set": "box", "index": 2, "start": [0.0, 1e-1], "goal": [1, 2], "obstacles": [
 {"name": "can", "shape": "capsule", "radius": 0.5, "length": 2, "position": [1, 0, 0], "quaternion_xyzw": [0, 0, 0, 1]}]}
]}"#;

/// A way to spoil a text; the numbers choose where.
#[derive(Clone, Debug)]
enum Spoil {
    Byte(usize, u8),
    RemoveBytes(usize, usize),
    RemoveLine(usize),
    RepeatLine(usize),
    SwapLines(usize, usize),
    Value(usize, &'static str),
    Truncate(usize),
}

fn spoil() -> impl Strategy<Value = Spoil> {
    let at = || 0..10_000_usize;
    let values = [
        ".nan",
        "-.inf",
        "1e999",
        "-1",
        "0",
        "\"\"",
        "null",
        "true",
        "[]",
        "{}",
        "[[[[[[[[[[[[]]]]]]]]]]]]",
        "&a [*a]",
        "*a",
        "99999999999999999999999",
        "!!binary AAAA",
        "|",
        "é\u{0}",
        "elbow",
        "- -",
        "1e308",
        "4e-324",
    ];
    prop_oneof![
        (at(), any::<u8>()).prop_map(|(i, b)| Spoil::Byte(i, b)),
        (at(), 1..40_usize).prop_map(|(i, n)| Spoil::RemoveBytes(i, n)),
        at().prop_map(Spoil::RemoveLine),
        at().prop_map(Spoil::RepeatLine),
        (at(), at()).prop_map(|(i, j)| Spoil::SwapLines(i, j)),
        (at(), proptest::sample::select(values.to_vec())).prop_map(|(i, v)| Spoil::Value(i, v)),
        at().prop_map(Spoil::Truncate),
    ]
}

impl Spoil {
    fn apply(&self, text: &str) -> String {
        let mut bytes = text.as_bytes().to_vec();
        let mut lines: Vec<&str> = text.lines().collect();
        let (n, m) = (bytes.len().max(1), lines.len().max(1));
        match *self {
            _ if text.is_empty() => {}
            Self::Byte(i, b) => bytes[i % n] = b,
            Self::RemoveBytes(i, k) => drop(bytes.drain(i % n..(i % n + k).min(n))),
            Self::Truncate(i) => bytes.truncate(i % n),
            Self::Value(i, value) => return replace_scalar(text, i, value),
            Self::RemoveLine(i) => {
                lines.remove(i % m);
                return lines.join("\n");
            }
            Self::RepeatLine(i) => {
                lines.insert(i % m, lines[i % m]);
                return lines.join("\n");
            }
            Self::SwapLines(i, j) => {
                lines.swap(i % m, j % m);
                return lines.join("\n");
            }
        }
        String::from_utf8_lossy(&bytes).into_owned()
    }
}

/// Puts `value` in place of the word or number that is the `i`-th in the text.
fn replace_scalar(text: &str, i: usize, value: &str) -> String {
    let word = |c: char| c.is_alphanumeric() || "._-+".contains(c);
    let starts: Vec<usize> = text
        .char_indices()
        .filter(|&(at, c)| word(c) && !text[..at].chars().next_back().is_some_and(word))
        .map(|(at, _)| at)
        .collect();
    if starts.is_empty() {
        return value.to_owned();
    }
    let start = starts[i % starts.len()];
    let end = text[start..].find(|c| !word(c)).map_or(text.len(), |n| start + n);
    format!("{}{value}{}", &text[..start], &text[end..])
}

fn spoil_all(text: &str, spoils: &[Spoil]) -> String {
    spoils.iter().fold(text.to_owned(), |text, spoil| spoil.apply(&text))
}

/// What has been read must be sound, whatever it was read from.
fn assert_sound(scene: &Scene) {
    let problem = &scene.problem;
    let mechanism = &problem.mechanism;
    assert!(!problem.goals.is_empty());
    for state in problem.goals.iter().chain([&problem.start]) {
        for (i, limits) in mechanism.limits.iter().enumerate() {
            assert!(limits.velocity > 0.0 && limits.acceleration > 0.0);
            assert!((limits.lower..=limits.upper).contains(&state.position[i]));
            assert!(state.velocity[i].abs() <= limits.velocity);
        }
    }
    for obstacle in &problem.world.obstacles {
        assert!(obstacle.pose.translation.is_finite() && obstacle.pose.rotation.is_finite());
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn spoiled_scenes_never_panic(spoils in proptest::collection::vec(spoil(), 1..4)) {
        if let Ok(scene) = parse(&spoil_all(SCENE, &spoils)) {
            assert_sound(&scene);
            assert_sound(&parse(&scene.to_yaml(Path::new("dir"))).unwrap());
        }
    }

    #[test]
    fn spoiled_moveit_pairs_never_panic(
        spoils in proptest::collection::vec(spoil(), 0..3),
        more in proptest::collection::vec(spoil(), 0..3),
    ) {
        if let Ok(scene) = import(&spoil_all(MOVEIT_SCENE, &spoils), &spoil_all(MOVEIT_REQUEST, &more)) {
            assert_sound(&scene);
        }
    }

    #[test]
    fn spoiled_suites_never_panic(spoils in proptest::collection::vec(spoil(), 1..4)) {
        if let Ok(suite) = MbmSuite::parse(&spoil_all(SUITE, &spoils))
            && let Ok(mechanism) = suite.mechanism(&ROBOT, flatout::pose::Pose::IDENTITY)
        {
            for problem in &suite.problems {
                let _ = problem.problem(&mechanism);
            }
        }
    }
}

/// A scene that describes its robot itself.
const POINT: &str = "
robot:
  point:
    dimensions: 2
    velocity: 0.5
    acceleration: 2
    lower: [-1, -2]
    upper: [1, 2]
    radius: 0.1
start: [0.5, 1]
goal: {position: {y: 1.5, x: -0.5}, velocity: {x: 0.25}}
";

fn parse_point(text: &str) -> Result<Scene, InputError> {
    let file = std::env::temp_dir().join(format!("flatout-point-{}-{:p}.yaml", std::process::id(), &text));
    std::fs::write(&file, text).unwrap();
    let scene = Scene::load(&file).map_err(|e| InputError { file: None, ..e });
    std::fs::remove_file(&file).unwrap();
    scene
}

#[test]
fn a_point_is_described_in_its_scene() {
    let scene = parse_point(POINT).unwrap();
    let mechanism = &scene.problem.mechanism;
    assert_eq!(mechanism.outputs, ["x", "y"]);
    assert_eq!((mechanism.limits[1].lower, mechanism.limits[1].upper), (-2.0, 2.0));
    assert_eq!((mechanism.limits[0].velocity, mechanism.limits[0].acceleration), (0.5, 2.0));
    assert_eq!(mechanism.base.as_ref().map(|b| b.state_names()), Some(&["x", "y", "vx", "vy"][..]));
    assert_eq!((mechanism.spheres.len(), mechanism.spheres[0].radius), (1, 0.1));
    assert_eq!(scene.problem.goals[0].position, [-0.5, 1.5]);
    assert_eq!(scene.problem.goals[0].velocity, [0.25, 0.0]);
    let mut poses = Vec::new();
    mechanism.place(&[0.25, -0.5], &mut poses);
    let center = poses[mechanism.links[0].body].point(mechanism.spheres[0].center);
    assert!((center - DVec3::new(0.25, -0.5, 0.0)).length() < 1e-15);
}

#[test]
fn a_point_that_makes_no_sense_is_refused() {
    for (from, to, message) in [
        ("dimensions: 2", "dimensions: 4", "line 4: robot.point.dimensions: expected 1, 2 or 3, found 4"),
        ("    velocity: 0.5\n", "", "line 4: robot.point: missing key \"velocity\""),
        ("    radius: 0.1\n", "", "line 4: robot.point: missing key \"radius\" (or \"spheres\")"),
        (
            "radius: 0.1",
            "radius: -1",
            "line 9: robot.point.radius: expected a length from 1e-6 to 1e6 m, found -1",
        ),
        (
            "radius: 0.1",
            "spheres: []",
            "line 9: robot.point.spheres: expected at least one sphere, found a list of 0",
        ),
        (
            "    lower: [-1, -2]\n",
            "",
            "line 4: robot.point: expected \"lower\" and \"upper\" together, or neither",
        ),
        (
            "upper: [1, 2]",
            "upper: [1, -3]",
            "line 8: robot.point.upper: expected numbers no less than those of \"lower\"",
        ),
        (
            "upper: [1, 2]",
            "upper: [1]",
            "line 8: robot.point.upper: expected 2 numbers, one for each dimension, found a list of 1",
        ),
        (
            "  point:",
            "  base: {}\n  point:",
            "line 3: robot.base: unknown key \"base\"; expected one of point",
        ),
        (
            "start: [0.5, 1]",
            "start: [0.5, 3]",
            "line 10: start[1]: joint \"y\" at 3.0 is outside its limits; expected -2.0 to 2.0",
        ),
    ] {
        assert!(POINT.contains(from), "{from}");
        assert_eq!(parse_point(&POINT.replace(from, to)).unwrap_err().to_string(), message);
    }
    let both = parse_point(&POINT.replace("  point:", "  urdf: a.urdf\n  point:")).unwrap_err().to_string();
    assert_eq!(both, "line 4: robot.point: \"urdf\" and \"point\" cannot stand together");
}
