//! What is fuzzed: one function per reader, which reads a file of any content and uses what comes of it. None may
//! panic, or come back with what makes no sense. They are run by `cargo fuzz` (fuzz/) and by `tests/fuzz.rs`.
//!
//! Each returns a line that says what came of it, numbers and names left out: inputs that lead to another line lead
//! to other code.
#![allow(dead_code, reason = "every fuzz target uses one of them")]

use flatout::bench::dynobench::{Environment, Instance, Model};
use flatout::bench::kinopax::{self, System};
use flatout::bench::mbm::MbmSuite;
use flatout::document::{self, Node, Value};
use flatout::error::InputError;
use flatout::exchange::{Export, Format, LinearExport, NamedTrajectory};
use flatout::plan::PlanOptions;
use flatout::plan::rrt_star::{LinearPlanError, LinearPlanOptions, plan_linear};
use flatout::pose::Pose;
use flatout::problem::{GRAVITY, JointState, Problem, Smoothness};
use flatout::robot::mesh::{Mesh, Surface};
use flatout::robot::spherize::CoverOptions;
use flatout::robot::{LoadOptions, Mechanism, MissingGeometry, Robot};
use flatout::scene::moveit::{self, Text};
use flatout::scene::{LinearScene, RobotFiles, Scene};
use flatout::world::World;
use glam::DVec3;
use std::path::Path;
use std::sync::LazyLock;
use std::time::Duration;

/// A reader, and files that it reads.
pub(crate) struct Target {
    pub name: &'static str,
    pub body: fn(&[u8]) -> String,
    pub seeds: &'static [&'static [u8]],
}

/// All of them; each has a target of its name under fuzz/.
pub(crate) const TARGETS: [Target; 18] = [
    Target {
        name: "document",
        body: document,
        seeds: &[ALIASES, include_bytes!("../../scenes/panda_shelf.yaml")],
    },
    Target {
        name: "scene",
        body: scene,
        seeds: &[
            ARM_SCENE,
            include_bytes!("../../scenes/point_yard.yaml"),
            include_bytes!("../../scenes/drive_boxes.yaml"),
            include_bytes!("../../scenes/car_parking.yaml"),
            include_bytes!("../../scenes/car_trailer.yaml"),
            include_bytes!("../../scenes/airplane_gate.yaml"),
            include_bytes!("../../scenes/planar_quadrotor_gap.yaml"),
            include_bytes!("../../scenes/quadrotor_window.yaml"),
            include_bytes!("../../scenes/linear_spring.yaml"),
        ],
    },
    Target { name: "trajectory_json", body: trajectory_json, seeds: &[TRAJECTORY] },
    Target { name: "trajectory_csv", body: trajectory_csv, seeds: &[POINTS_CSV, PIECES_CSV] },
    Target { name: "joint_trajectory", body: joint_trajectory, seeds: &[POINTS_YAML] },
    Target { name: "urdf", body: urdf, seeds: &[ARM.as_bytes(), MIMICS.as_bytes()] },
    Target { name: "srdf", body: srdf, seeds: &[SRDF] },
    Target { name: "joint_limits", body: joint_limits, seeds: &[LIMITS] },
    Target { name: "moveit_scene", body: moveit_scene, seeds: &[MOVEIT_SCENE] },
    Target { name: "moveit_request", body: moveit_request, seeds: &[MOVEIT_REQUEST] },
    Target { name: "stl", body: stl, seeds: &[STL_TEXT, &STL_BINARY] },
    Target { name: "obj", body: obj, seeds: &[OBJ] },
    Target { name: "collada", body: collada, seeds: &[COLLADA] },
    Target { name: "gltf", body: gltf, seeds: &[GLTF] },
    Target { name: "dynobench_environment", body: dynobench_environment, seeds: &[ENVIRONMENT] },
    Target { name: "dynobench_model", body: dynobench_model, seeds: &[MODEL, QUADROTOR_MODEL, CAR_MODEL] },
    Target { name: "kinopax", body: kinopax, seeds: &[BOXES] },
    Target { name: "mbm", body: mbm, seeds: &[SUITE] },
];

/// Two links on two joints, with spheres and masses.
const ARM: &str = r#"<robot name="arm" version="1.2">
  <link name="base"><collision><geometry><box size="0.2 0.2 0.1"/></geometry></collision></link>
  <link name="upper">
    <inertial><origin xyz="0 0 0.2" rpy="0 0.1 0"/><mass value="2"/>
      <inertia ixx="0.02" ixy="0" ixz="0" iyy="0.02" iyz="0" izz="0.01"/></inertial>
    <collision><origin xyz="0 0 0.2"/><geometry><sphere radius="0.06"/></geometry></collision>
  </link>
  <link name="fore"><inertial><mass value="1"/><inertia ixx="0.01" ixy="0" ixz="0" iyy="0.01" iyz="0" izz="0.01"/></inertial>
    <collision><origin xyz="0 0 0.2"/><geometry><capsule radius="0.04" length="0.2"/></geometry></collision></link>
  <joint name="shoulder" type="revolute"><parent link="base"/><child link="upper"/><origin xyz="0 0 0.1"/><axis xyz="0 1 0"/>
    <limit lower="-2" upper="2" velocity="3" effort="80" acceleration="9" jerk="90"/></joint>
  <joint name="elbow" type="continuous"><parent link="upper"/><child link="fore"/><origin xyz="0 0 0.4"/><axis xyz="0 0.6 0.8"/>
    <limit velocity="3" effort="40" acceleration="9" jerk="90"/></joint>
</robot>"#;

/// Joints of the other kinds, one of which follows another.
const MIMICS: &str = r#"<robot name="hand">
  <link name="palm"/><link name="left"/><link name="right"/><link name="tip"/>
  <joint name="slide" type="prismatic"><parent link="palm"/><child link="left"/><axis xyz="1 0 0"/>
    <limit lower="0" upper="0.04" velocity="0.1" effort="20"/>
    <safety_controller k_velocity="10" soft_lower_limit="0.001" soft_upper_limit="0.039"/></joint>
  <joint name="follower" type="prismatic"><parent link="palm"/><child link="right"/><axis xyz="-1 0 0"/>
    <limit lower="0" upper="0.04" velocity="0.1" effort="20"/><mimic joint="slide" multiplier="1.5" offset="-0.01"/></joint>
  <joint name="fixed" type="fixed"><parent link="right"/><child link="tip"/><origin quat_xyzw="0 0 0 1"/></joint>
</robot>"#;

const SRDF: &[u8] = br#"<robot name="arm" version="1.2">
  <group name="all"><joint name="shoulder"/><joint name="elbow"/></group>
  <group name="chain"><chain base_link="base" tip_link="fore"/></group>
  <group name="both"><group name="chain"/><link name="upper"/></group>
  <group_state name="up" group="all"><joint name="shoulder" value="0.5"/><joint name="elbow" value="1"/></group_state>
  <passive_joint name="elbow"/>
  <disable_collisions link1="base" link2="upper" reason="Adjacent"/>
  <disable_collisions link1="base" link2="fore" reason="Never"/>
</robot>"#;

const LIMITS: &[u8] = b"default_velocity_scaling_factor: 0.1
joint_limits:
  shoulder: {has_velocity_limits: true, max_velocity: 2, has_acceleration_limits: true, max_acceleration: 4.5}
  elbow:
    has_jerk_limits: false
    max_jerk: 1e3
    has_effort_limits: true
    max_effort: 12
    has_position_limits: false
  elsewhere: {min_position: -1, max_position: 1}
";

const ARM_SCENE: &[u8] = b"robot: {urdf: arm.urdf, joints: [shoulder, elbow], base: {position: [0, 0, 1], rpy: [0, 0, 1.57]}}
world:
  - {name: table, shape: cuboid, size: [1, 1, 0.1], position: [1, 0, 0], quaternion_xyzw: [0, 0, 0, 1]}
  - {shape: half_space, normal: [0, 0, 1], position: [0, 0, -1]}
  - {shape: capsule, radius: 0.1, length: 0.5, position: [0, 2, 0]}
start: [0, 0]
goals: [[1, 1], {position: [0.5, -1], velocity: [0.1, 0]}]
limits: {velocity_scaling: 0.5, acceleration_scaling: 0.5, ramp_time: 0.1, joints: {elbow: {velocity: 2, effort: 30}}}
smoothness: jerk
planner: {seed: 3, time_limit: none, quality: best, range: 0.5, resolution: 0.05, batch: 4, moving_share: 0.5}
gravity: [0, 0, -1.62]
";

const TRAJECTORY: &[u8] =
    br#"{"format": "flatout-trajectory/1", "outputs": ["shoulder", "elbow"], "duration": 1.5, "segments": [
 {"duration": 1, "coefficients": [[0, 0, 3, -2], [1, 0, 0, 0]]},
 {"duration": 0.5, "coefficients": [[1], [1, 0.5]]}]}"#;

const POINTS_CSV: &[u8] =
    b"t,q_shoulder,q_elbow,qd_shoulder,qd_elbow\n0,0,0,0,0\n0.5,1e-1,0.2,0.3,0\n1,0.2,0.3,0,0\n";

const PIECES_CSV: &[u8] = b"t,q_shoulder,q_elbow,duration,c0_shoulder,c1_shoulder,c0_elbow,c1_elbow\n\
    0,0,1,0.5,0,2,1,0\n0.25,0.5,1,,,,,\n0.5,1,1,0.5,1,-2,1,0\n1,0,1,,,,,\n";

const POINTS_YAML: &[u8] = b"header: {stamp: {sec: 0, nanosec: 0}, frame_id: ''}
joint_names: [shoulder, elbow]
points:
- {positions: [0, 0], velocities: [0, 0], accelerations: [0, 0], effort: [], time_from_start: {sec: 0, nanosec: 0}}
- {positions: [0.1, 0.2], velocities: [0, 0.1], accelerations: [1, 0], time_from_start: {sec: 0, nanosec: 500000000}}
- {positions: [0.2, 0.2], velocities: [0, 0], time_from_start: {secs: 1, nsecs: 0}}
- {positions: [0.2, 0.3], time_from_start: 2.5}
---
";

const MOVEIT_SCENE: &[u8] = b"name: scene
robot_state:
  joint_state: {header: {frame_id: world}, name: [shoulder, elbow], position: [0.1, 0.2], velocity: []}
  multi_dof_joint_state: {joint_names: [virtual], transforms: [{translation: [0, 0, 0.5], rotation: [0, 0, 0, 1]}]}
  attached_collision_objects: []
fixed_frame_transforms:
  - {child_frame_id: /cell, transform: {translation: {x: 0, y: 1, z: 0}, rotation: {x: 0, y: 0, z: 0, w: 1}}}
world:
  collision_objects:
    - id: box
      header: {frame_id: cell}
      pose: {position: [1, 0, 0], orientation: [0, 0, 0, 1]}
      primitives: [{type: box, dimensions: [1, 1, 1]}, {type: 3, dimensions: [1, 0.2]}, {type: sphere, dimensions: [0.1]}]
      primitive_poses:
        - {position: [0, 0, 0], orientation: [0, 0, 0, 1]}
        - {position: [0, 0, 1], orientation: [0, 0, 0, 1]}
        - {position: [0, 0, 2]}
";

const MOVEIT_REQUEST: &[u8] = b"group_name: all
start_state: {joint_state: {name: [shoulder], position: [0.3]}}
goal_constraints:
  - joint_constraints:
      - {joint_name: shoulder, position: 1, tolerance_above: 0.1, tolerance_below: 0.1, weight: 1}
      - {joint_name: elbow, position: -1}
max_velocity_scaling_factor: 0.5
max_acceleration_scaling_factor: 0
allowed_planning_time: 5
workspace_parameters: {min_corner: [-1, -1, -1]}
";

const STL_TEXT: &[u8] = b"solid tetrahedron
 facet normal 0 0 -1\n  outer loop\n   vertex 0 0 0\n   vertex 0 1 0\n   vertex 1 0 0\n  endloop\n endfacet
 facet normal 0 -1 0\n  outer loop\n   vertex 0 0 0\n   vertex 1 0 0\n   vertex 0 0 1\n  endloop\n endfacet
 facet normal -1 0 0\n  outer loop\n   vertex 0 0 0\n   vertex 0 0 1\n   vertex 0 1 0\n  endloop\n endfacet
 facet normal 1 1 1\n  outer loop\n   vertex 1 0 0\n   vertex 0 1 0\n   vertex 0 0 1\n  endloop\n endfacet
endsolid tetrahedron\n";

/// Two triangles.
const STL_BINARY: [u8; 184] = {
    let mut bytes = [0; 184];
    bytes[80] = 2;
    let mut at = 84;
    while at < 180 {
        // Some coordinates are 1, the others 0.
        if at % 3 == 0 && (at - 84) % 50 < 48 {
            let one = 1.0_f32.to_le_bytes();
            let mut i = 0;
            while i < 4 {
                bytes[at + i] = one[i];
                i += 1;
            }
        }
        at += 4;
    }
    bytes
};

const OBJ: &[u8] =
    b"# a tetrahedron\no t\nv 0 0 0\nv 1 0 0 1.0\nv 0 1 0 0.1 0.2 0.3\nv 0 0 1\nvt 0 0\nvn 0 0 1\n\
f 1 3 2\nf 1/1 2/1 4/1\nf -4//1 -1//1 -2//1\nf 2/1/1 3/1/1 4/1/1\nl 1 2\ng other\nf 1 2 3 4\n";

const GLTF: &[u8] = br#"{"asset": {"version": "2.0"}, "scene": 0, "scenes": [{"nodes": [0]}], "nodes": [{"mesh": 0, "scale": [1, 2, 1], "children": [1]}, {"mesh": 0, "translation": [1, 0, 0]}], "meshes": [{"primitives": [{"attributes": {"POSITION": 0}, "indices": 1, "mode": 4}]}], "accessors": [{"bufferView": 0, "componentType": 5126, "count": 4, "type": "VEC3"}, {"bufferView": 1, "componentType": 5121, "count": 12, "type": "SCALAR"}], "bufferViews": [{"buffer": 0, "byteLength": 48}, {"buffer": 0, "byteOffset": 48, "byteLength": 12, "byteStride": 1}], "buffers": [{"byteLength": 60, "uri": "data:;base64,AAAAAAAAAAAAAAAAAACAPwAAAAAAAAAAAAAAAAAAgD8AAAAAAAAAAAAAAAAAAIA/AAIBAAEDAAMCAQID"}]}"#;

const COLLADA: &[u8] = br##"<?xml version="1.0" encoding="utf-8"?>
<COLLADA xmlns="http://www.collada.org/2005/11/COLLADASchema" version="1.4.1">
<asset><unit name="centimeter" meter="0.01"/><up_axis>Y_UP</up_axis></asset>
<library_geometries><geometry id="g"><mesh>
<source id="s"><float_array id="a" count="12">0 0 0 1 0 0 0 1 0 0 0 1</float_array>
<technique_common><accessor source="#a" count="4" stride="3"/></technique_common></source>
<vertices id="v"><input semantic="POSITION" source="#s"/></vertices>
<triangles count="2"><input semantic="VERTEX" source="#v" offset="0"/><p>0 2 1 0 1 3</p></triangles>
<polylist count="1"><input semantic="VERTEX" source="#v" offset="1"/><vcount>3</vcount><p>0 0 0 3 0 2</p></polylist>
<tristrips count="1"><input semantic="VERTEX" source="#v" offset="0"/><p>1 2 3 0</p></tristrips>
</mesh></geometry></library_geometries>
<library_nodes><node id="n"><instance_geometry url="#g"/></node></library_nodes>
<library_visual_scenes><visual_scene id="w"><node><matrix>1 0 0 2 0 1 0 0 0 0 1 0 0 0 0 1</matrix>
<node><translate>0 1 0</translate><rotate>0 0 1 90</rotate><scale>1 2 1</scale><instance_node url="#n"/></node>
</node></visual_scene></library_visual_scenes><scene><instance_visual_scene url="#w"/></scene></COLLADA>"##;

const ENVIRONMENT: &[u8] = b"name: two boxes
environment:
  min: [0, -1]
  max: [4, 3]
  obstacles:
    - {type: box, center: [1, 2], size: [0.5, 0.25]}
    - {type: box, center: [3, 0], size: [0.1, 0.1]}
robots:
  - type: unicycle1_v0
    start: [0.5, 0, 0]
    goal: [3, 1, 0.1]
";

const MODEL: &[u8] = b"dynamics: unicycle2
min_vel: -0.5
max_vel: 0.5
min_angular_vel: -0.5
max_angular_vel: 0.5
max_acc_abs: 0.25
max_angular_acc_abs: 0.25
dt: 0.1
shape: box
size: [0.5, 0.25]
";

const QUADROTOR_MODEL: &[u8] = b"dynamics: quad3d
m: 0.034
J_v: [1.6e-5, 1.6e-5, 2.9e-5]
motor_control: false
u_lb: [0, -1, -1, -1]
u_ub: [1.5, 1, 1, 1]
max_vel: 4
max_angular_vel: 8
shape: sphere
size: [0.1]
";

const CAR_MODEL: &[u8] = b"dynamics: car_with_trailers
num_trailers: 1
hitch_lengths: [0.5]
l: 0.25
diff_max_abs: 0.78
max_steering_abs: 1.04
size_trailer: [0.3, 0.25]
";

const BOXES: &[u8] = b"0.3, 0, 0.0, 0.5, 0.49, 1.0\n1,0,0,0,2,3\n";

const SUITE: &[u8] = br#"{"format": "mbm-json/1", "source": "by hand", "robot": "arm", "joints": ["shoulder", "elbow"], "problems": [
{"set": "box", "index": 2, "start": [0.0, 1e-1], "goal": [1, 2], "obstacles": [
 {"name": "can", "shape": "capsule", "radius": 0.5, "length": 2, "position": [1, 0, 0], "quaternion_xyzw": [0, 0, 0, 1]}]}
]}"#;

/// A document with all that YAML has.
const ALIASES: &[u8] = b"a: &a [1, -2.5, true, null, ~, \"7\", 'x', .nan, .inf, 0x10, 1e3]
b: {<<: {c: 1}, d: *a, \"e\\n\": [*a, *a]}
? long key
: |
  text
  over lines
f: >-
  folded
  text
";

/// Little work per robot: neither covers nor pairs are what is fuzzed.
fn options() -> LoadOptions {
    LoadOptions {
        cover: CoverOptions { max_spheres: 2, tolerance: 10.0 },
        comparisons: 1000,
        missing_geometry: MissingGeometry::Allow,
        ..LoadOptions::default()
    }
}

static ROBOT: LazyLock<Robot> = LazyLock::new(|| {
    let srdf = std::str::from_utf8(SRDF).expect("text");
    // All of its joints can be planned.
    let srdf = srdf.replace("<passive_joint name=\"elbow\"/>", "");
    Robot::parse(ARM, Some(&srdf), None, &options()).expect("a sound robot")
});

fn text(data: &[u8]) -> Option<&str> {
    std::str::from_utf8(data).ok()
}

/// What an error says, less what a user's file put there.
fn told(error: &InputError) -> String {
    let mut quoted = false;
    let plain = error.message.chars().filter(|&c| {
        quoted ^= c == '"';
        !quoted && !c.is_ascii_digit()
    });
    plain.take(32).collect()
}

fn outcome<T>(read: Result<T, InputError>, used: impl FnOnce(T) -> String) -> String {
    match read {
        Ok(read) => used(read),
        Err(error) => {
            // Whatever it is, it can be told, and in a line of sensible length.
            let line = error.to_string();
            assert!(line.len() < 200_000, "{} bytes of error", line.len());
            told(&error)
        }
    }
}

pub(crate) fn document(data: &[u8]) -> String {
    fn count(node: &Node) -> [usize; 2] {
        let below: Vec<&Node> = match &node.value {
            Value::List(list) => list.iter().collect(),
            Value::Map(entries) => entries.iter().map(|entry| &entry.node).collect(),
            _ => return [1, 1],
        };
        let counts = below.into_iter().map(count);
        counts.fold([1, 1], |[all, depth], [more, deeper]| [all + more, depth.max(deeper + 1)])
    }
    let Some(text) = text(data) else { return String::new() };
    outcome(document::parse(text), |root| {
        let [nodes, depth] = count(&root);
        assert!(root.error("x").to_string().ends_with('x') && root.path().is_empty());
        format!("{} nodes, {depth} deep", nodes.ilog2())
    })
}

/// A problem that a reader made must make sense.
fn sensible(problem: &Problem) -> String {
    if let Err(error) = problem.validate() {
        panic!("read, and makes no sense: {error}");
    }
    let Problem { mechanism, world, goals, .. } = problem;
    let bodies =
        (mechanism.dof(), mechanism.links.len().min(4), world.obstacles.len().min(4), goals.len().min(4));
    format!("{bodies:?} {:?} {}", mechanism.base.as_ref().map(flatout::base::Base::name), problem.torque)
}

pub(crate) fn scene(data: &[u8]) -> String {
    let Some(text) = text(data) else { return String::new() };
    if text.contains("linear") {
        return linear_scene(text);
    }
    // Vehicles and points describe themselves; what has files of its own is our arm.
    let read = |text: &str| match text.contains("urdf") {
        true => Scene::parse(text, Path::new("scene.yaml"), &ROBOT),
        false => Scene::read(text, Path::new("scene.yaml")),
    };
    outcome(read(text), |scene| {
        if let Err(error) = scene.options.validate() {
            panic!("options that make no sense were read: {error}");
        }
        let written = scene.to_yaml(Path::new(""));
        let again = read(&written);
        assert!(again.is_ok(), "{}\n{written}", again.unwrap_err());
        sensible(&scene.problem)
    })
}

/// A linear system that was read is one that can be planned and certified; whether there is an answer is another matter.
fn linear_scene(text: &str) -> String {
    outcome(LinearScene::read(text, Path::new("scene.yaml")), |LinearScene { problem, options }| {
        if let Err(error) = problem.validate().and_then(|()| options.validate()) {
            panic!("a problem that makes no sense was read: {error}");
        }
        let time_limit = Some(Duration::from_millis(20));
        let brief = LinearPlanOptions { max_samples: 8, samples: 8, improve: None, time_limit, ..options };
        match plan_linear(&problem, &brief) {
            Ok(solution) => {
                let text = LinearExport::new(&problem, &solution.trajectory).text(Format::Csv).unwrap();
                let again = NamedTrajectory::parse(&text, Format::Csv).unwrap().of_linear(&problem).unwrap();
                assert_eq!(again, solution.trajectory);
                format!("({}, planned)", problem.states.len())
            }
            Err(LinearPlanError::Invalid(why)) => panic!("a problem that makes no sense was read: {why}"),
            Err(_) => format!("({}, not planned)", problem.states.len()),
        }
    })
}

/// A trajectory of our arm, or of anything.
fn trajectory(data: &[u8], format: Format) -> String {
    let Some(text) = text(data) else { return String::new() };
    outcome(NamedTrajectory::parse(text, format), |named| {
        assert_eq!(named.trajectory.dof(), named.outputs.len());
        assert!(named.trajectory.duration().is_finite());
        outcome(named.driven(&arm()), |driven| {
            assert!(driven.trajectory.duration() > 0.0 && driven.trajectory.duration().is_finite());
            String::new()
        });
        let outputs = ["shoulder".to_owned(), "elbow".to_owned()];
        let ordered = named.ordered(&outputs);
        outcome(ordered, |trajectory| {
            let problem = arm();
            let certified = flatout::certify::certify(&problem, &trajectory, &Default::default());
            for format in [Format::Json, Format::Csv, Format::JointTrajectory] {
                // A file of a billion years would be long.
                if trajectory.duration() < 10.0 && trajectory.len() < 10 {
                    let _ = Export::new(&problem, &trajectory).text(format);
                }
            }
            format!("{} segments, {:?}", trajectory.len().ilog2(), certified.is_ok())
        })
    })
}

/// Our arm, on its way.
fn arm() -> Problem {
    let mechanism = Mechanism::new(&ROBOT, &[0, 1], &ROBOT.neutral(), Pose::IDENTITY).expect("our arm");
    Problem {
        mechanism,
        world: World::default(),
        start: JointState::at_rest(vec![0.0, 1.0]),
        goals: vec![JointState::at_rest(vec![1.0, 1.0])],
        smoothness: Smoothness::Acceleration,
        torque: true,
        gravity: GRAVITY,
    }
}

pub(crate) fn trajectory_json(data: &[u8]) -> String {
    trajectory(data, Format::Json)
}

pub(crate) fn trajectory_csv(data: &[u8]) -> String {
    trajectory(data, Format::Csv)
}

pub(crate) fn joint_trajectory(data: &[u8]) -> String {
    trajectory(data, Format::JointTrajectory)
}

/// A robot that was read can be reduced and told of.
fn reduced(robot: &Robot) -> String {
    if let Err(error) = robot.validate() {
        panic!("read, and makes no sense: {error}");
    }
    let _ = robot.info().to_string();
    let poses = robot.link_poses(&robot.neutral());
    assert_eq!(poses.len(), robot.links.len());
    let joints = robot.independent_joints();
    let kinds =
        (robot.links.len().min(5), joints.len().min(5), robot.groups.len().min(4), robot.states.len().min(4));
    match Mechanism::new(robot, &joints, &robot.neutral(), Pose::IDENTITY) {
        Ok(mechanism) => {
            // Products of many numbers may be too large; they must not be missed.
            let valid = mechanism.validate().is_ok();
            format!("{kinds:?} {valid} {}", mechanism.pairs.len().min(4))
        }
        Err(error) => format!("{kinds:?} {}", told(&error)),
    }
}

pub(crate) fn urdf(data: &[u8]) -> String {
    let Some(text) = text(data) else { return String::new() };
    outcome(Robot::parse(text, None, None, &options()), |robot| reduced(&robot))
}

/// Our arm with spheres in place of what takes long to be covered by them.
static BALLS: LazyLock<String> = LazyLock::new(|| {
    let ball = "<sphere radius=\"0.1\"/>";
    ARM.replace("<box size=\"0.2 0.2 0.1\"/>", ball)
        .replace("<capsule radius=\"0.04\" length=\"0.2\"/>", ball)
});

pub(crate) fn srdf(data: &[u8]) -> String {
    let Some(text) = text(data) else { return String::new() };
    outcome(Robot::parse(&BALLS, Some(text), None, &options()), |robot| reduced(&robot))
}

pub(crate) fn joint_limits(data: &[u8]) -> String {
    let Some(text) = text(data) else { return String::new() };
    outcome(Robot::parse(&BALLS, None, Some(text), &options()), |robot| reduced(&robot))
}

fn moveit(scene: &[u8], request: &[u8]) -> String {
    let (Some(scene), Some(request)) = (text(scene), text(request)) else { return String::new() };
    let files = RobotFiles {
        srdf: None,
        joint_limits: None,
        missing_geometry: Default::default(),
        ..RobotFiles::new("arm.urdf")
    };
    let scene = Text { text: scene, file: Path::new("scene.yaml") };
    let request = Text { text: request, file: Path::new("request.yaml") };
    outcome(moveit::parse(scene, request, files, &ROBOT), |scene| sensible(&scene.problem))
}

pub(crate) fn moveit_scene(data: &[u8]) -> String {
    moveit(data, MOVEIT_REQUEST)
}

pub(crate) fn moveit_request(data: &[u8]) -> String {
    moveit(MOVEIT_SCENE, data)
}

fn mesh(read: Result<Mesh, InputError>) -> String {
    outcome(read, |mesh| {
        let corners = mesh.vertices().len() as u32;
        assert!(mesh.triangles().iter().flatten().all(|&corner| corner < corners));
        if mesh.triangles().len() < 100 {
            let surface = Surface::new(&mesh);
            assert!(surface.signed_distance(DVec3::splat(0.1)).is_finite());
            assert!(!surface.volume().is_nan());
        }
        format!("{} triangles, {} vertices", mesh.triangles().len().ilog2(), corners.ilog2())
    })
}

pub(crate) fn stl(data: &[u8]) -> String {
    mesh(Mesh::from_stl(data))
}

pub(crate) fn obj(data: &[u8]) -> String {
    mesh(Mesh::from_obj(data))
}

pub(crate) fn collada(data: &[u8]) -> String {
    mesh(Mesh::from_collada(data))
}

pub(crate) fn gltf(data: &[u8]) -> String {
    let no_file = |_: &str| Err(InputError::new("no other file"));
    mesh(Mesh::from_gltf(data, &no_file))
}

fn instance(environment: Environment, model: Option<Model>) -> String {
    let instance =
        Instance { system: String::new(), name: String::new(), environment, model, reference: None };
    match instance.problem() {
        Ok(Ok(problem)) => match problem.validate() {
            Ok(()) => sensible(&problem),
            // States may be of any size, of which planners are told.
            Err(error) => error.field,
        },
        Ok(Err(reason)) => reason,
        Err(error) => told(&error),
    }
}

pub(crate) fn dynobench_environment(data: &[u8]) -> String {
    let Some(text) = text(data) else { return String::new() };
    outcome(Environment::parse(text), |environment| {
        let model = Model::parse("dynamics: unicycle1\n").expect("a sound model");
        instance(environment, Some(model))
    })
}

pub(crate) fn dynobench_model(data: &[u8]) -> String {
    let Some(text) = text(data) else { return String::new() };
    outcome(Model::parse(text), |model| {
        assert!(model.base.validate().is_ok() && !model.body.is_empty());
        let states = model.base.state_names().len();
        let mut task = vec![0.0; states];
        // A quaternion, should there be one.
        if let Some(w) = model.base.state_names().iter().position(|&name| name == "qw") {
            task[w] = 1.0;
        }
        let axes = model.axes().len();
        let list = |value: &str| vec![value; axes].join(", ");
        let state = task.iter().map(f64::to_string).collect::<Vec<_>>().join(", ");
        let text = format!(
            "environment: {{min: [{}], max: [{}]}}\nrobots: [{{type: x, start: [{state}], goal: [{state}]}}]\n",
            list("-1"),
            list("1")
        );
        instance(Environment::parse(&text).expect("a sound environment"), Some(model))
    })
}

pub(crate) fn kinopax(data: &[u8]) -> String {
    let Some(text) = text(data) else { return String::new() };
    outcome(kinopax::parse(text), |world| outcome(System::Point.problem(world), |problem| sensible(&problem)))
}

pub(crate) fn mbm(data: &[u8]) -> String {
    let Some(text) = text(data) else { return String::new() };
    outcome(MbmSuite::parse(text), |suite| {
        outcome(suite.mechanism(&ROBOT, Pose::IDENTITY), |mechanism| {
            let problems: Vec<_> = suite.problems.iter().take(10).map(|p| p.problem(&mechanism)).collect();
            // Starts and goals may be anything: planners say so.
            let valid = problems.iter().filter(|p| p.validate().is_ok()).count();
            assert!(PlanOptions::default().validate().is_ok());
            format!("{} problems, {valid} valid", problems.len())
        })
    })
}
