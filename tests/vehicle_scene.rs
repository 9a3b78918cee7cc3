//! Scenes of vehicles: what they mean, what is wrong with bad ones, and that they survive being written.

use flatout::base::{Actuation, Base};
use flatout::error::InputError;
use flatout::problem::JointState;
use flatout::scene::{RobotSource, Scene};
use glam::{DQuat, DVec3};
use proptest::prelude::*;
use std::path::Path;

const DRIVE: &str = "robot:
  differential_drive:
    speed: [-0.5, 1]
    turn_rate: [-2, 1.5]
    lower: [-3, -2]
    upper: [3, 2]
    body: {size: [0.6, 0.4], center: [0.1, 0], excess: 0.02}
start: {position: [-2, 0.5], heading: 0.25}
goals:
  - {position: [2, 1], heading: 3}
  - [1, 1, -0.5]
";

const SECOND_ORDER: &str = "robot:
  differential_drive:
    speed: [-0.5, 1]
    turn_rate: [-2, 2]
    acceleration: 0.5
    turn_acceleration: 3
    body: [{radius: 0.2}, {size: [0.4, 0.2]}]
start: {position: [0, 0], heading: 0.5, speed: 0.75, turn_rate: -1}
goal: [1, 2, -0.5, 0, 0]
";

const CAR: &str = "robot:
  car:
    wheelbase: 0.3
    speed: [-0.5, 1]
    steering: 0.6
    steering_rate: 2
    body: {size: [0.5, 0.25], center: [0.15, 0]}
    trailer:
      hitch_length: 0.4
      angle: 0.8
      body: {size: [0.3, 0.25]}
start: {position: [0, 0], heading: 0.5}
goal: {position: [1, 2], heading: -0.5, trailer_heading: -0.25}
";

const AIRPLANE: &str = "robot:
  airplane:
    speed: [4, 12]
    acceleration: 3
    yaw_rate: 1
    pitch_rate: 0.8
    pitch: 0.6
    lower: [0, 0, 5]
    upper: [200, 100, 60]
    body: [{size: [1.5, 0.2, 0.2]}, {size: [0.4, 2, 0.1], excess: 0.05}]
start: {position: [5, 50, 20], heading: 0.5, pitch: 0.25, speed: 8}
goal: {position: [190, 50, 30], heading: 0, speed: 6}
";

const PLANAR: &str = "robot:
  planar_quadrotor:
    mass: 0.5
    inertia: 0.004
    arm: 0.15
    thrust_to_weight: 1.8
    velocity: 4
    body_rate: 8
    lower: [0, 0]
    upper: [6, 3]
    body: {size: [0.4, 0.1]}
start: {position: [1, 1], tilt: 0.5, velocity: [1, -0.5], body_rate: 2}
goal: {position: [5, 2]}
";

const QUADROTOR: &str = "robot:
  quadrotor:
    mass: 0.8
    inertia: [0.004, 0.005, 0.008]
    rotors: {arm: 0.17, torque_by_thrust: 0.016, thrust_to_weight: 2.2}
    velocity: 5
    body_rate: 8
    lower: [-5, -5, 0]
    upper: [5, 5, 3]
    body: {radius: 0.25}
start: {position: [-4, 0, 1], rpy: [0.25, 0.5, 1], velocity: [1, 0, -1], body_rates: [1, 2, 3]}
goals:
  - {position: [4, 0, 1], heading: 0.5}
  - {position: [4, 1, 1], quaternion_xyzw: [0, 0, 0.6, 0.8]}
";

const OMNIDIRECTIONAL: &str = "robot:
  omnidirectional:
    velocity: [1, 0.8, 1.5]
    acceleration: [0.6, 0.5, 2]
    wheels: {radius: 0.1, half_length: 0.3, half_width: 0.2, rate: 12}
    lower: [-3, -2]
    upper: [3, 2]
    body: {size: [0.8, 0.6], excess: 0.03}
start: {position: [-2, 0.5], heading: 0.25, velocity: [0.5, -0.25], turn_rate: 0.125}
goals:
  - {position: [2, 1], heading: 3}
  - [1, 1, -0.5, 0, 0.25, 0]
";

/// What carries our UR5 here: a differential drive, a car and an omnidirectional base.
const CARRIERS: [&str; 2] = [
    "car:
    wheelbase: 0.5
    speed: [-0.5, 1]
    steering: 0.6
    steering_rate: 1
    acceleration: 0.5",
    "omnidirectional:
    velocity: [1, 0.8, 2]
    acceleration: [0.5, 0.5, 3]",
];

/// The same on another carrier.
fn carried_by(carrier: &str) -> String {
    let text = manipulator().replacen("heading: 0.5, speed: 0.25, ", "heading: 0.5, ", 1);
    let (head, rest) = text.split_once("    lower:").unwrap();
    let (robot, _) = head.split_once("  differential_drive:").unwrap();
    format!("{robot}  {carrier}\n    lower:{rest}")
}

/// A differential drive that carries our UR5.
fn manipulator() -> String {
    let robots = Path::new(env!("CARGO_MANIFEST_DIR")).join("robots/ur5");
    let robots = robots.display();
    format!(
        "robot:
  differential_drive:
    speed: [-0.5, 1]
    turn_rate: [-2, 2]
    acceleration: 0.5
    turn_acceleration: 3
    lower: [-3, -3]
    upper: [3, 3]
    body: {{size: [0.8, 0.6, 0.3], center: [0, 0, 0.2], excess: 0.05}}
    carries:
      urdf: {robots}/ur5.urdf
      srdf: {robots}/ur5.srdf
      joint_limits: {robots}/joint_limits.yaml
      group: manipulator
      mount: {{position: [0.2, 0, 0.42], rpy: [0, 0, 1]}}
limits:
  velocity_scaling: 0.5
  joints: {{elbow_joint: {{velocity: 2}}}}
start: {{position: [0, 0], heading: 0.5, speed: 0.25, joints: [0, -1, 1, 0, 0, 0]}}
goal:
  position: [1, 2]
  heading: -0.5
  joints: {{position: [0, -1.5, 1.5, 0, 0, 0], velocity: {{elbow_joint: 0.125}}}}
"
    )
}

fn all() -> Vec<String> {
    let scenes = [DRIVE, SECOND_ORDER, CAR, OMNIDIRECTIONAL, AIRPLANE, PLANAR, QUADROTOR];
    let mut all = scenes.map(str::to_owned).to_vec();
    all.push(manipulator());
    all.extend(CARRIERS.map(carried_by));
    all
}

fn load(text: &str) -> Result<Scene, InputError> {
    static COUNT: std::sync::atomic::AtomicUsize = std::sync::atomic::AtomicUsize::new(0);
    let number = COUNT.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
    let file = std::env::temp_dir().join(format!("flatout-vehicle-{}-{number}.yaml", std::process::id()));
    std::fs::write(&file, text).unwrap();
    let scene = Scene::load(&file).map_err(|e| InputError { file: None, ..e });
    std::fs::remove_file(&file).unwrap();
    scene
}

fn base(scene: &Scene) -> &Base {
    scene.problem.mechanism.vehicle().expect("a vehicle")
}

/// The state of the base that a flat state stands for.
fn assert_state(scene: &Scene, state: &JointState, expected: &[f64]) {
    let [position, velocity] = base(scene).configuration(expected).unwrap();
    let close = |a: &[f64], b: &[f64]| a.iter().zip(b).all(|(a, b)| (a - b).abs() < 1e-12);
    assert!(close(&state.position, &position) && close(&state.velocity, &velocity), "{state:?} {expected:?}");
}

#[test]
fn states_are_those_of_the_kind() {
    let drive = load(DRIVE).unwrap();
    assert_eq!(drive.problem.mechanism.outputs, ["x", "y", "theta"]);
    assert_eq!(drive.problem.mechanism.flat_outputs(), ["x", "y", "guide"]);
    assert_eq!(
        (drive.problem.mechanism.limits[1].lower, drive.problem.mechanism.limits[0].upper),
        (-2.0, 3.0)
    );
    assert_state(&drive, &drive.problem.start, &[-2.0, 0.5, 0.25]);
    assert_state(&drive, &drive.problem.goals[1], &[1.0, 1.0, -0.5]);
    let second = load(SECOND_ORDER).unwrap();
    assert_state(&second, &second.problem.start, &[0.0, 0.0, 0.5, 0.75, -1.0]);
    assert_state(&second, &second.problem.goals[0], &[1.0, 2.0, -0.5, 0.0, 0.0]);
    let car = load(CAR).unwrap();
    assert_state(&car, &car.problem.start, &[0.0, 0.0, 0.5, 0.5]);
    assert_state(&car, &car.problem.goals[0], &[1.0, 2.0, -0.5, -0.25]);
    let Base::Car(it) = base(&car) else { panic!() };
    assert_eq!(
        (it.steering_rate, it.acceleration, it.trailer.unwrap().hitch_length),
        (2.0, f64::INFINITY, 0.4)
    );
    let rolling = load(OMNIDIRECTIONAL).unwrap();
    assert_eq!(rolling.problem.mechanism.flat_outputs(), ["x", "y", "theta"]);
    assert_state(&rolling, &rolling.problem.start, &[-2.0, 0.5, 0.25, 0.5, -0.25, 0.125]);
    assert_state(&rolling, &rolling.problem.goals[1], &[1.0, 1.0, -0.5, 0.0, 0.25, 0.0]);
    let Base::Omnidirectional(it) = base(&rolling) else { panic!() };
    assert_eq!((it.velocity, it.acceleration), ([1.0, 0.8, 1.5], [0.6, 0.5, 2.0]));
    assert_eq!(it.wheels.unwrap().rate, 12.0);
    let airplane = load(AIRPLANE).unwrap();
    assert_state(&airplane, &airplane.problem.start, &[5.0, 50.0, 20.0, 0.5, 0.25, 8.0]);
    assert_state(&airplane, &airplane.problem.goals[0], &[190.0, 50.0, 30.0, 0.0, 0.0, 6.0]);
    let planar = load(PLANAR).unwrap();
    assert_state(&planar, &planar.problem.start, &[1.0, 1.0, 0.5, 1.0, -0.5, 2.0]);
    assert_state(&planar, &planar.problem.goals[0], &[5.0, 2.0, 0.0, 0.0, 0.0, 0.0]);
}

#[test]
fn a_quadrotor_is_turned_by_any_of_three_keys() {
    let scene = load(QUADROTOR).unwrap();
    let state = |p: [f64; 3], q: DQuat, v: [f64; 3], w: [f64; 3]| [&p[..], &q.to_array(), &v, &w].concat();
    let none = [0.0; 3];
    // URDF's roll, pitch and yaw are about fixed axes.
    let turned = DQuat::from_rotation_z(1.0) * DQuat::from_rotation_y(0.5) * DQuat::from_rotation_x(0.25);
    let start = state([-4.0, 0.0, 1.0], turned, [1.0, 0.0, -1.0], [1.0, 2.0, 3.0]);
    assert_state(&scene, &scene.problem.start, &start);
    let level = state([4.0, 0.0, 1.0], DQuat::from_rotation_z(0.5), none, none);
    assert_state(&scene, &scene.problem.goals[0], &level);
    let other = state([4.0, 1.0, 1.0], DQuat::from_xyzw(0.0, 0.0, 0.6, 0.8), none, none);
    assert_state(&scene, &scene.problem.goals[1], &other);
    let wrench = "wrench: {thrust: [0, 30], moments: [3, 3, 1]}";
    let with_wrench =
        QUADROTOR.lines().map(|l| if l.contains("rotors:") { format!("    {wrench}") } else { l.to_owned() });
    let scene = load(&with_wrench.collect::<Vec<_>>().join("\n")).unwrap();
    let Base::Quadrotor(it) = base(&scene) else { panic!() };
    let upper = [30.0, 3.0, 3.0, 1.0];
    assert_eq!(it.actuation, Actuation::Wrench { unit: [1.0; 4], lower: [0.0, -3.0, -3.0, -1.0], upper });
}

#[test]
fn a_drive_carries_an_arm() {
    let scene = load(&manipulator()).unwrap();
    let mechanism = &scene.problem.mechanism;
    assert_eq!((mechanism.dof(), mechanism.flat_dof()), (9, 9));
    assert_eq!(&mechanism.flat_outputs()[..4], ["x", "y", "guide", "shoulder_pan_joint"]);
    // Limits of its joints are scaled and replaced as those of an arm that stands; the base's are its own.
    assert_eq!((mechanism.limits[5].velocity, mechanism.limits[0].velocity), (1.0, f64::INFINITY));
    assert_eq!(scene.problem.goals[0].velocity[5], 0.125);
    assert_eq!(scene.problem.start.position[3..], [0.0, -1.0, 1.0, 0.0, 0.0, 0.0]);
    assert!((scene.problem.start.velocity[0] - 0.25 * 0.5_f64.cos()).abs() < 1e-12);
    // The body can meet the arm, but not what is bolted to it or next to that.
    let index = |name: &str| mechanism.links.iter().position(|l| l.name == name).unwrap();
    let meets = |name: &str| {
        let (a, b) = (index("body"), index(name));
        mechanism.pairs.contains(&[a.min(b), a.max(b)])
    };
    assert!(meets("forearm_link") && meets("wrist_3_link"), "{:?}", mechanism.pairs);
    assert!(!meets("base_link") && !meets("shoulder_link"), "{:?}", mechanism.pairs);
    // The arm stands where it is mounted, turned with the base.
    let mut poses = Vec::new();
    mechanism.place(&scene.problem.start.position, &mut poses);
    let body = mechanism.links[index("body")].body;
    let center = poses[body].point(mechanism.links[index("base_link")].bound.center);
    let mount = DVec3::new(0.2 * 0.5_f64.cos(), 0.2 * 0.5_f64.sin(), 0.42);
    assert!((center - mount).length() < 0.1 && (center - mount).truncate().length() < 0.03, "{center}");
}

#[test]
fn cars_and_omnidirectional_bases_carry_arms_too() {
    for (carrier, third) in CARRIERS.into_iter().zip(["guide", "theta"]) {
        let scene = load(&carried_by(carrier)).unwrap();
        let mechanism = &scene.problem.mechanism;
        assert_eq!((mechanism.dof(), mechanism.flat_dof()), (9, 9));
        assert_eq!(mechanism.flat_outputs()[2], third);
        assert_eq!(scene.problem.goals[0].velocity[5], 0.125);
        assert_eq!((mechanism.limits[5].velocity, mechanism.limits[0].velocity), (1.0, f64::INFINITY));
    }
}

/// Every spoiled line with what is said of it.
#[test]
fn errors_name_line_key_and_expectation() {
    let cases: [(&str, &str, &str, &str); 42] = [
        (
            DRIVE,
            "speed: [-0.5, 1]",
            "speed: [1, 0.5]",
            "line 3: robot.differential_drive.speed: expected two numbers, the least and the greatest",
        ),
        (
            DRIVE,
            "speed: [-0.5, 1]",
            "speed: 1",
            "line 3: robot.differential_drive.speed: expected two numbers",
        ),
        (
            DRIVE,
            "    turn_rate: [-2, 1.5]\n",
            "",
            "line 3: robot.differential_drive: missing key \"turn_rate\"",
        ),
        (
            DRIVE,
            "turn_rate",
            "turnrate",
            "line 4: robot.differential_drive.turnrate: unknown key \"turnrate\"; did you mean \"turn_rate\"?",
        ),
        (
            DRIVE,
            "lower: [-3, -2]",
            "lower: [-3]",
            "line 5: robot.differential_drive.lower: expected two numbers, x and y in metres, found a list of 1",
        ),
        (
            DRIVE,
            "size: [0.6, 0.4]",
            "size: [0.6]",
            "line 7: robot.differential_drive.body.size: expected two lengths, along x and y, or three",
        ),
        (
            DRIVE,
            "    body",
            "    body_",
            "robot.differential_drive.body_: unknown key \"body_\"; did you mean \"body\"?",
        ),
        (
            DRIVE,
            "heading: 0.25",
            "heading: north",
            "line 8: start.heading: expected a finite number, found \"north\"",
        ),
        (DRIVE, ", heading: 0.25", "", "line 8: start: missing key \"heading\""),
        (
            DRIVE,
            "heading: 0.25",
            "heading: 0, speed: 0.5",
            "line 8: start.speed: speed and turn rate of a drive without limits of acceleration are its controls",
        ),
        (
            DRIVE,
            "position: [-2, 0.5]",
            "position: [-2, 2.5]",
            "line 8: start.position[1]: joint \"y\" at 2.5 is outside its limits; expected -2.0 to 2.0",
        ),
        (
            DRIVE,
            "[1, 1, -0.5]",
            "[1, 1]",
            "line 11: goals[1]: expected a state: a map, or a list of 3 numbers: x, y, theta, found a list of 2",
        ),
        (
            DRIVE,
            "start: {position",
            "start: {joints: [], position",
            "line 8: start.joints: unknown key \"joints\"",
        ),
        (
            DRIVE,
            "start: {position: [-2, 0.5], heading: 0.25}",
            "start: ready",
            "line 8: start: expected a state: a map with position, heading, found \"ready\"",
        ),
        (
            DRIVE,
            "start:",
            "limits: {torque: true}\nstart:",
            "line 8: limits.torque: torques are not offered for vehicles",
        ),
        (
            DRIVE,
            "start:",
            "limits: {velocity_scaling: 0.5}\nstart:",
            "line 8: limits.velocity_scaling: a differential drive has no limits of joints; its own stand under robot.differential_drive",
        ),
        (
            DRIVE,
            "start:",
            "smoothness: jerk\nstart:",
            "line 8: smoothness: limits of jerk are not offered for vehicles",
        ),
        (
            DRIVE,
            "  differential_drive:",
            "  base: {}\n  differential_drive:",
            "line 2: robot.base: unknown key \"base\"; expected one of differential_drive",
        ),
        (
            DRIVE,
            "  differential_drive:",
            "  urdf: a.urdf\n  differential_drive:",
            "line 3: robot.differential_drive: \"urdf\" and \"differential_drive\" cannot stand together",
        ),
        (
            DRIVE,
            "differential_drive:",
            "diferential_drive:",
            "line 2: robot.diferential_drive: unknown key \"diferential_drive\"; did you mean \"differential_drive\"?",
        ),
        (
            SECOND_ORDER,
            "    acceleration: 0.5\n",
            "",
            "line 3: robot.differential_drive: expected \"acceleration\" and \"turn_acceleration\" together, or neither",
        ),
        (
            SECOND_ORDER,
            "speed: 0.75",
            "speed: 1.5",
            "line 8: start.speed: v at 1.5 is outside its limits; expected -0.5 to 1.0",
        ),
        (
            SECOND_ORDER,
            "-0.5, 0, 0]",
            "-0.5, 0, 3]",
            "line 9: goal[4]: w at 3.0 is outside its limits; expected -2.0 to 2.0",
        ),
        (
            CAR,
            "steering: 0.6",
            "steering: 1.6",
            "line 5: robot.car.steering: expected an angle greater than 0 and below pi/2, found 1.6",
        ),
        (
            CAR,
            "trailer_heading: -0.25",
            "trailer_heading: 1.5",
            "line 13: goal.trailer_heading: the trailer stands at -2.0 to its car, outside its limits; expected -0.8 to 0.8",
        ),
        (
            CAR,
            "trailer_heading: -0.25",
            "speed: 1",
            "line 13: goal.speed: a car's speed and steering are its controls and no part of its state",
        ),
        (CAR, "      hitch_length: 0.4\n", "", "line 9: robot.car.trailer: missing key \"hitch_length\""),
        (
            AIRPLANE,
            "speed: [4, 12]",
            "speed: [-4, 12]",
            "line 3: robot.airplane.speed: an airplane does not fly backwards",
        ),
        (AIRPLANE, ", speed: 8", "", "line 11: start: missing key \"speed\""),
        (
            AIRPLANE,
            "pitch: 0.25",
            "pitch: 0.75",
            "line 11: start.pitch: pitch at 0.75 is outside its limits; expected -0.6 to 0.6",
        ),
        (
            AIRPLANE,
            "size: [1.5, 0.2, 0.2]",
            "size: [1.5, 0.2]",
            "line 10: robot.airplane.body[0].size: expected three lengths, along x, y and z, found a list of 2",
        ),
        (
            PLANAR,
            "thrust_to_weight: 1.8",
            "thrust_to_weight: 0.8",
            "line 6: robot.planar_quadrotor.thrust_to_weight: expected a number greater than 1, found 0.8",
        ),
        (
            PLANAR,
            "velocity: [1, -0.5]",
            "velocity: [1, -5]",
            "line 12: start.velocity[1]: vz at -5.0 is outside its limits; expected -4.0 to 4.0",
        ),
        (
            OMNIDIRECTIONAL,
            "velocity: [1, 0.8, 1.5]",
            "velocity: [1, 0, 1.5]",
            "line 3: robot.omnidirectional.velocity[1]: expected a number greater than zero",
        ),
        (
            OMNIDIRECTIONAL,
            "    acceleration: [0.6, 0.5, 2]\n",
            "",
            "line 3: robot.omnidirectional: missing key \"acceleration\"",
        ),
        (
            OMNIDIRECTIONAL,
            "half_width: 0.2, ",
            "",
            "line 5: robot.omnidirectional.wheels: missing key \"half_width\"",
        ),
        (
            OMNIDIRECTIONAL,
            "velocity: [0.5, -0.25]",
            "velocity: [0.5, -0.9]",
            "line 9: start.velocity[1]: v at -0.9 is outside its limits; expected -0.8 to 0.8",
        ),
        (
            OMNIDIRECTIONAL,
            "velocity: [0.5, -0.25]",
            "velocity: [0.7, -0.6]",
            "line 9: start.velocity[0]: a wheel turns at 13.6",
        ),
        (
            OMNIDIRECTIONAL,
            ", turn_rate",
            ", speed: 1, turn_rate",
            "line 9: start.speed: unknown key \"speed\"",
        ),
        (
            QUADROTOR,
            "heading: 0.5",
            "heading: 0.5, rpy: [0, 0, 0]",
            "goals[0].rpy: \"heading\" and \"rpy\" cannot stand together",
        ),
        (
            QUADROTOR,
            "[0, 0, 0.6, 0.8]",
            "[0, 0, 0.6, 0.9]",
            "goals[1].quaternion_xyzw: expected a quaternion of length 1",
        ),
        (
            QUADROTOR,
            "start:",
            "gravity: [0, 0.5, -9.81]\nstart:",
            "line 11: gravity: the equations of a quadrotor have a gravity that points straight down; expected [0, 0, -g]",
        ),
    ];
    for (scene, from, to, message) in cases {
        assert!(scene.contains(from), "{from}");
        let error = load(&scene.replacen(from, to, 1)).expect_err(to).to_string();
        assert!(
            error.starts_with(message) || !message.starts_with("line") && error.contains(message),
            "{error}"
        );
    }
}

#[test]
fn errors_about_what_is_carried_are_located_too() {
    for (from, to, message) in [
        (
            "group: manipulator",
            "group: manipulater",
            "line 14: robot.differential_drive.carries.group: unknown group",
        ),
        (
            "group: manipulator",
            "joints: [theta]",
            "line 14: robot.differential_drive.carries.joints[0]: unknown joint \"theta\"",
        ),
        ("ur5.urdf", "ur6.urdf", "line 11: robot.differential_drive.carries.urdf: there is no file"),
        ("mount:", "base:", "line 15: robot.differential_drive.carries.base: unknown key"),
        (", joints: [0, -1, 1, 0, 0, 0]", "", "line 19: start: missing key \"joints\""),
        ("joints: [0, -1, 1, 0, 0, 0]", "joints: [0]", "line 19: start.joints: expected a named state"),
        (
            "joints: [0, -1, 1, 0, 0, 0]",
            "joints: [0, -1, 9, 0, 0, 0]",
            "line 19: start.joints[2]: joint \"elbow_joint\" at 9.0 is outside",
        ),
        (
            "elbow_joint: 0.125",
            "elbow_joint: 1.5",
            "goal.joints.velocity.elbow_joint: joint \"elbow_joint\" moving at 1.5 is beyond",
        ),
        ("velocity: 2}", "velocity: 2}, x: {velocity: 1}", "limits.joints.x: unknown joint \"x\""),
        (
            "velocity_scaling: 0.5",
            "torque: true",
            "line 17: limits.torque: torques are not offered for vehicles",
        ),
        ("start: {position", "start: [0, 0, 0, 0, 0]\nstart_: {position", "unknown key"),
    ] {
        let text = manipulator();
        assert!(text.contains(from), "{from}");
        let error = load(&text.replacen(from, to, 1)).expect_err(to).to_string();
        assert!(error.contains(message), "{error}\n{message}");
    }
}

/// Whether two states are the same but for rounding.
fn same(a: &JointState, b: &JointState) -> bool {
    let close =
        |a: &[f64], b: &[f64]| a.len() == b.len() && a.iter().zip(b).all(|(a, b)| (a - b).abs() < 1e-12);
    close(&a.position, &b.position) && close(&a.velocity, &b.velocity)
}

#[test]
fn what_is_written_reads_the_same() {
    for text in all() {
        let scene = load(&text).unwrap();
        let written = scene.to_yaml(&std::env::temp_dir());
        let again = load(&written).unwrap_or_else(|e| panic!("{e}\n{written}"));
        let (RobotSource::Vehicle(a), RobotSource::Vehicle(b)) = (&scene.robot.source, &again.robot.source)
        else {
            panic!("{written}");
        };
        assert_eq!((&a.base, &a.bounds, &a.body, &a.trailer), (&b.base, &b.bounds, &b.body, &b.trailer));
        assert_eq!(a.carries.is_some(), b.carries.is_some());
        assert_eq!((&scene.robot.planned, &scene.limits), (&again.robot.planned, &again.limits));
        assert_eq!(scene.problem.mechanism.limits, again.problem.mechanism.limits);
        assert_eq!(scene.problem.mechanism.pairs, again.problem.mechanism.pairs);
        assert!(same(&scene.problem.start, &again.problem.start), "{written}");
        assert_eq!(scene.problem.goals.len(), again.problem.goals.len());
        let goals = scene.problem.goals.iter().zip(&again.problem.goals);
        assert!(goals.into_iter().all(|(a, b)| same(a, b)), "{written}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

    /// Numbers and words put in the place of others never make it panic, and what is read can be written.
    #[test]
    fn spoiled_scenes_never_panic(
        kind in 0..7_usize,
        at in any::<prop::sample::Index>(),
        value in prop::sample::select(vec!["0", "-1", "1e-300", "1e300", ".nan", ".inf", "[]", "{}", "~", "x", "7"]),
    ) {
        let text = [DRIVE, SECOND_ORDER, CAR, OMNIDIRECTIONAL, AIRPLANE, PLANAR, QUADROTOR][kind];
        let starts: Vec<usize> = text.char_indices().filter(|&(i, c)| {
            c.is_alphanumeric() && !text[..i].ends_with(|c: char| c.is_alphanumeric() || "._-".contains(c))
        }).map(|(i, _)| i).collect();
        let start = starts[at.index(starts.len())];
        let end = text[start..].find(|c: char| !(c.is_alphanumeric() || "._-".contains(c))).unwrap() + start;
        let spoiled = format!("{}{value}{}", &text[..start], &text[end..]);
        if let Ok(scene) = load(&spoiled) {
            let written = scene.to_yaml(&std::env::temp_dir());
            let again = load(&written);
            prop_assert!(again.is_ok(), "{:?}\n{written}", again.err());
        }
    }
}

/// What flies by its thrust has the gravity of its scene, straight down; what drives knows none.
#[test]
fn quadrotors_fall_as_their_scene_says() {
    for scene in [PLANAR, QUADROTOR] {
        let with = |gravity: &str| load(&scene.replacen("start:", &format!("gravity: {gravity}\nstart:"), 1));
        let mars = with("[0, 0, -3.71]").expect("a scene on Mars");
        let base = mars.problem.mechanism.vehicle().expect("a quadrotor");
        assert_eq!((base.gravity(), mars.problem.gravity), (Some(3.71), DVec3::new(0.0, 0.0, -3.71)));
        assert_eq!(mars.problem.gravity_fault(), None);
        let again = load(&mars.to_yaml(Path::new(""))).expect("what was written");
        assert_eq!(again.problem.mechanism.base, mars.problem.mechanism.base);
        for gravity in ["[0, 0, 9.81]", "[0, 0, 0]", "[0.1, 0, -9.81]", "[0, 0, -1e-4]", "[0, 0, -1e4]"] {
            let error = with(gravity).expect_err(gravity).to_string();
            assert!(error.contains("gravity: the equations of a"), "{error}");
            assert!(error.contains("expected [0, 0, -g] with g from 0.001 to 1000 m/s^2"), "{error}");
        }
    }
    let car = load(&CAR.replacen("start:", "gravity: [1, 0, -3]\nstart:", 1)).expect("cars do not fall");
    assert_eq!(car.problem.mechanism.vehicle().expect("a car").gravity(), None);
}
