//! What others write: MoveIt's messages, descriptions of robots from anywhere, and messages of trajectories as
//! people type them. What can do no harm is read with a warning, what would mean something else is refused by name.

use flatout::certify::certify;
use flatout::exchange::{Format, NamedTrajectory};
use flatout::plan::PlanOptions;
use flatout::prelude::*;

use flatout::scene::{LimitChoice, RobotFiles, moveit};
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

/// Two links in a plane, and a finger that another mimics.
const ARM: &str = r#"<robot name="rr">
  <link name="base"/>
  <link name="l1"><collision><origin xyz="0.2 0 0"/><geometry><sphere radius="0.04"/></geometry></collision></link>
  <link name="l2"><collision><origin xyz="0.2 0 0"/><geometry><sphere radius="0.04"/></geometry></collision></link>
  <link name="f1"/><link name="f2"/>
  <joint name="q1" type="revolute"><parent link="base"/><child link="l1"/><axis xyz="0 0 1"/>
    <limit lower="-3" upper="3" velocity="1.5" effort="10"/></joint>
  <joint name="q2" type="revolute"><parent link="l1"/><child link="l2"/><origin xyz="0.4 0 0"/><axis xyz="0 0 1"/>
    <limit lower="-3" upper="3" velocity="1.5" effort="10"/></joint>
  <joint name="fa" type="prismatic"><parent link="l2"/><child link="f1"/><axis xyz="0 1 0"/>
    <limit lower="0" upper="0.04" velocity="0.1" effort="10"/></joint>
  <joint name="fb" type="prismatic"><parent link="l2"/><child link="f2"/><axis xyz="0 -1 0"/>
    <limit lower="0" upper="0.04" velocity="0.1" effort="10"/><mimic joint="fa"/></joint>
</robot>"#;

const SRDF: &str =
    r#"<robot name="rr"><group name="arm"><joint name="q1"/><joint name="q2"/></group></robot>"#;

const SCENE: &str = "robot: {urdf: rr.urdf, joints: [q1, q2], locked: {fa: 0.02}}
start: [0, 0]
goal: [0.6, -0.4]
limits: {joints: {q1: {acceleration: 4}, q2: {acceleration: 4}}}
";

/// A folder of its own for a test, with the arm in it.
fn folder(name: &str) -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("reading").join(name);
    let _ = std::fs::remove_dir_all(&folder);
    std::fs::create_dir_all(&folder).unwrap();
    write(&folder, "rr.urdf", ARM);
    write(&folder, "rr.srdf", SRDF);
    write(&folder, "s.yaml", SCENE);
    folder
}

fn write(folder: &Path, name: &str, text: &str) -> PathBuf {
    let file = folder.join(name);
    std::fs::write(&file, text).unwrap();
    file
}

fn flatout(folder: &Path, arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_flatout")).args(arguments).current_dir(folder).output().unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

const P0: &str = "{positions: [0, 0], velocities: [0, 0], time_from_start: {sec: 0, nanosec: 0}}";
const P1: &str = "{positions: [0.6, -0.4], velocities: [0, 0], time_from_start: {sec: 1, nanosec: 0}}";

/// What becomes of a JointTrajectory: exit code of `flatout check`, and what it must say.
const FORMS: &[(&str, i32, &str)] = &[
    ("joint_names: [q1, q2]\npoints: [P0, P1]", 0, "judged as  cubics"),
    (
        "joint_names: [q2, q1]\npoints: [P0, {positions: [-0.4, 0.6], velocities: [0, 0], time_from_start: {sec: 1}}]",
        0,
        "valid",
    ),
    (
        "header: {seq: 3, stamp: {secs: 0, nsecs: 0}, frame_id: ''}\njoint_names: [q1, q2]\npoints: [{positions: [0, 0], \
         velocities: [0, 0], accelerations: [], effort: [], time_from_start: {secs: 0, nsecs: 0}}, {positions: [0.6, \
         -0.4], velocities: [0, 0], accelerations: [], effort: [], time_from_start: {secs: 1, nsecs: 0}}]",
        0,
        "1.000 s in one segment",
    ),
    ("joint_names: [q1, q2]\npoints: [P0, P1, P1]", 2, "greater time_from_start"),
    ("joint_names: [q1, q2]\npoints: [P1, P0]", 2, "greater time_from_start"),
    (
        "joint_names: [q1, q2]\npoints: [{positions: [0, 0], velocities: [0, 0]}, P1]",
        0,
        "1.000 s in one segment",
    ),
    // From where the scene starts.
    ("joint_names: [q1, q2]\npoints: [P1]", 0, "1.000 s in one segment"),
    ("joint_names: [q1, q2]\npoints: [P0]", 2, "at least two points, or a time_from_start above zero"),
    (
        "joint_names: [q1, q2]\npoints: [{positions: [0, 0], velocities: [0, 0], time_from_start: {sec: 1}}, {positions: \
         [0.6, -0.4], velocities: [0, 0], time_from_start: {sec: 2}}]",
        0,
        "2.000 s in 2 segments",
    ),
    (
        "joint_names: [q1, q2]\npoints: [{positions: [0.3, -0.2], velocities: [0.9, -0.6], time_from_start: {sec: 0, \
         nanosec: 500000000}}, P1]",
        0,
        "1.000 s in 2 segments",
    ),
    (
        "joint_names: [q1, q2]\npoints: [{positions: [0, 0]}, {positions: [0.3, -0.2], time_from_start: {sec: 1}}, \
         {positions: [0.6, -0.4], time_from_start: {sec: 2}}]",
        3,
        "judged as lines",
    ),
    (
        "joint_names: [q1, q2]\npoints: [P0, {positions: [0.6, -0.4], velocities: [0.1, 0], time_from_start: {sec: 1}}]",
        3,
        "allow_nonzero_velocity_at_trajectory_end",
    ),
    (
        "joint_names: [q1, q2]\npoints: [P0, {positions: [0.6, -0.4], velocities: [0, 0], time_from_start: {sec: 0, \
         nanosec: 900000000}}]",
        3,
        "acceleration",
    ),
    (
        "joint_names: [q1, q2]\npoints: [{positions: [0, 0], velocities: [0, 0], accelerations: [0, 0]}, {positions: \
         [0.6, -0.4], velocities: [0, 0], accelerations: [0, 0], time_from_start: {sec: 1}}]",
        0,
        "judged as  quintics",
    ),
    (
        "joint_names: [q1, q2, fa, fb]\npoints: [{positions: [0, 0, 0.02, 0.02], velocities: [0, 0, 0, 0]}, {positions: \
         [0.6, -0.4, 0.02, 0.02], velocities: [0, 0, 0, 0], time_from_start: {sec: 1}}]",
        0,
        "valid",
    ),
    (
        "joint_names: [q1, q2, fa]\npoints: [{positions: [0, 0, 0.02], velocities: [0, 0, 0]}, {positions: [0.6, -0.4, \
         0.03], velocities: [0, 0, 0], time_from_start: {sec: 1}}]",
        2,
        "joint \"fa\" is held at 0.02 in the scene, and goes 1.0e-2 from there at 1 s",
    ),
    // Cubics between points that stand swing away by their velocities.
    (
        "joint_names: [q1, q2, fa]\npoints: [{positions: [0, 0, 0.02], velocities: [0, 0, 5]}, {positions: [0.6, -0.4, \
         0.02], velocities: [0, 0, 5], time_from_start: {sec: 1}}]",
        2,
        "the point at 0 s has a velocity that is 5.0 beside its own",
    ),
    (
        "joint_names: [q1, q2, fa]\npoints: [{positions: [0, 0, 0.02], velocities: [0, 0, 0], accelerations: [0, 0, 1]}, \
         {positions: [0.6, -0.4, 0.02], velocities: [0, 0, 0], accelerations: [0, 0, 0], time_from_start: {sec: 1}}]",
        2,
        "an acceleration that is 1.0 beside its own",
    ),
    (
        "joint_names: [q1, q2, fa]\npoints: [{positions: [0, 0, 0.02], velocities: [0, 0, 0.0009]}, {positions: [0.6, \
         -0.4, 0.02], velocities: [0, 0, -0.0009], time_from_start: {sec: 1}}]",
        2,
        "and goes 2.2e-4 from there at 0.5 s",
    ),
    (
        "joint_names: [q1, q2, fa]\npoints: [{positions: [0, 0, 0.02], velocities: [0, 0, 0]}, {positions: [0.6, -0.4, \
         0.02005], velocities: [0, 0, 0], time_from_start: {sec: 1}}]",
        0,
        "and goes 5.0e-5 from there at 1 s; taken for there",
    ),
    (
        "joint_names: [q1]\npoints: [{positions: [0], velocities: [0]}, {positions: [0.6], velocities: [0], \
         time_from_start: {sec: 1}}]",
        2,
        "the trajectory has no joint \"q2\"",
    ),
    ("goal: {trajectory: {joint_names: [q1, q2], points: [P0, P1]}}", 0, "valid"),
    (
        "joint_trajectory: {joint_names: [q1, q2], points: [P0, P1]}\nmulti_dof_joint_trajectory: {joint_names: [], \
         points: []}",
        0,
        "valid",
    ),
    (
        "joint_trajectory: {joint_names: [q1, q2], points: [P0, P1]}\nmulti_dof_joint_trajectory: {joint_names: [v], \
         points: [{}]}",
        2,
        "several degrees of freedom",
    ),
    (
        "model_id: rr\ntrajectory:\n- joint_trajectory: {joint_names: [q1, q2], points: [P0, P1]}\n  \
         multi_dof_joint_trajectory: {joint_names: [], points: []}\ntrajectory_start: {joint_state: {name: [q1]}}",
        0,
        "valid",
    ),
    (
        "joint_names: [q1, q2]\npoints: [P0, P1]\n---\njoint_names: [q1, q2]\npoints: [P0, P1]\n---\n",
        2,
        "t.yaml:",
    ),
    (
        "joint_names: [q1, q2]\npoints: [P0, {positions: [.nan, -0.4], velocities: [0, 0], time_from_start: {sec: 1}}]",
        2,
        "finite number",
    ),
    (
        "joint_names: [q1, q2]\npoints: [P0, {positions: [0.6, -0.4], velocities: [.nan, .nan], time_from_start: {sec: \
         1}}]",
        2,
        "finite number",
    ),
    ("joint_names: [q1, q2]\npoints: [{velocities: [0, 0]}, P1]", 2, "missing key \"positions\""),
    (
        "joint_names: [q1, q2]\npoints: [P0, {positions: [0.6], velocities: [0, 0], time_from_start: {sec: 1}}]",
        2,
        "2 numbers, one per joint",
    ),
    (
        "joint_names: [q1, q2]\npoints: [{positions: [0, 0], velocities: [0, 0], time_from_start: {sec: -1}}, P1]",
        2,
        "whole number",
    ),
    (
        "joint_names: [q1, q2]\npoints: [P0, {positions: [0.6, -0.4], velocities: [0, 0], time_from_start: {sec: 0, \
         nanosec: 1500000000}}]",
        0,
        "1.500 s",
    ),
    (
        "joint_names: [q1, q2]\npoints: [P0, {positions: [0.6, -0.4], velocities: [0, 0], effort: [1, 1], \
         time_from_start: 1}]",
        0,
        "efforts are not judged",
    ),
];

#[test]
fn joint_trajectories_are_judged_as_controllers_drive_them() {
    let folder = folder("forms");
    for (form, code, says) in FORMS {
        write(&folder, "t.yaml", &form.replace("P0", P0).replace("P1", P1));
        let run = flatout(&folder, &["check", "s.yaml", "t.yaml"]);
        let said = text(&run.stdout) + &text(&run.stderr);
        assert_eq!(run.status.code(), Some(*code), "{form}\n{said}");
        assert!(said.contains(says), "\"{says}\" is missing for {form}\n{said}");
    }
}

/// A joint that follows a planned one goes as fast as that has it go.
#[test]
fn followers_have_the_rates_that_they_follow_by() {
    let folder = folder("followers");
    let scene = SCENE.replace("joints: [q1, q2], locked: {fa: 0.02}", "joints: [q1, fa]");
    let scene = scene.replace("-0.4", "0.02").replace("q2: {", "fa: {");
    let problem = Scene::load(&write(&folder, "s.yaml", &scene)).unwrap().problem;
    let driven = |velocity: f64| {
        let text = format!(
            "joint_names: [q1, fa, fb]\npoints: [{{positions: [0, 0, 0], velocities: [0, 0.01, {velocity:?}]}}, \
             {{positions: [0.6, 0.02, 0.02], velocities: [0, 0, 0], time_from_start: 1}}]"
        );
        NamedTrajectory::parse(&text, Format::JointTrajectory).unwrap().driven(&problem)
    };
    assert_eq!(driven(0.01).unwrap().warnings, []);
    let error = driven(0.0).unwrap_err().to_string();
    assert!(error.contains("\"fb\" follows \"fa\"") && error.contains("-0.01 beside its own"), "{error}");
}

/// Descriptions with oddities that do no harm, and the warning that they get.
#[test]
fn harmless_oddities_of_robots_are_read_with_a_warning() {
    let whole = |of_b: &str, joint: &str, more: &str| {
        format!(
            "<robot name=\"r\"><link name=\"a\"/><link name=\"b\">{of_b}</link><joint name=\"j\" type=\"revolute\">\
             <parent link=\"a\"/><child link=\"b\"/>{joint}</joint>{more}</robot>"
        )
    };
    let axis = "<axis xyz=\"0 0 1\"/>";
    let joint = format!("{axis}<limit lower=\"-1\" upper=\"1\" velocity=\"1\" effort=\"1\"/>");
    let shape = |shape: &str| format!("<collision><geometry>{shape}</geometry></collision>");
    let inertia = "<inertial><mass value=\"1\"/><inertia ixx=\"-5e-20\" ixy=\"0\" ixz=\"0\" iyy=\"1e-3\" iyz=\"0\" \
                   izz=\"1e-3\"/></inertial>";
    for (urdf, says) in [
        (whole(&shape("<box size=\"0 0 0\"/>"), &joint, ""), "without any extent"),
        (whole(&shape("<sphere radius=\"0.0\"/>"), &joint, ""), "without any extent"),
        (whole(&shape("<box size=\"0.1 0.1 0\"/>"), &joint, ""), "taken as 1e-6 m"),
        (whole(inertia, &joint, ""), "taken as 0"),
        (whole("", &joint.replace("velocity=\"1\"", "velocity=\"-1.0\""), ""), "taken as not known"),
        (whole("", &joint.replace(" lower=\"-1\" upper=\"1\"", ""), ""), "does not move"),
        (whole("", &joint, "<gazebo><sensor:camera name=\"c\"/></gazebo>"), "\"sensor\""),
        (whole("", &joint, "<colision/>"), "element in <robot> \"colision\""),
        (whole("<colision/>", &joint, ""), "did you mean \"collision\"?; passed over"),
        (whole("", &joint.replace(" effort", " efort"), ""), "did you mean \"effort\"?"),
        (
            whole("", &joint, "").replace("revolute", "fixed").replace(axis, "<axis/>"),
            "fixed joint needs none",
        ),
        (whole("", &joint, "").replace("<robot", "<!-- <robot a:b=''> --><robot c:d=\"\""), "\"c\""),
    ] {
        let options = LoadOptions { missing_geometry: MissingGeometry::Allow, ..LoadOptions::default() };
        let robot = Robot::parse(&urdf, None, None, &options).unwrap_or_else(|e| panic!("{urdf}: {e}"));
        let [warning] = &robot.warnings[..] else { panic!("{urdf}: {:?}", robot.warnings) };
        assert!(warning.to_string().contains(says), "{urdf}: {warning}");
        assert!(warning.0.line.is_some(), "{warning}");
    }
    let folder = folder("oddities");
    write(&folder, "odd.urdf", &whole("", &joint.replace("velocity=\"1\"", "velocity=\"-1\""), ""));
    let run = flatout(&folder, &["robot", "info", "odd.urdf"]);
    assert!(run.status.success());
    let said = text(&run.stderr);
    assert!(said.starts_with("flatout: warning: odd.urdf:1:"), "{said}");
    assert_eq!(said.lines().count(), 1);
}

/// What would make another robot is refused, with the way out.
#[test]
fn xacro_and_unknown_shapes_are_refused() {
    let link = "<link name=\"a\"/>";
    for (urdf, says) in [
        (
            format!("<robot xmlns:xacro=\"http://www.ros.org/wiki/xacro\" name=\"r\"><xacro:macro name=\"m\"/>{link}</robot>"),
            "<xacro:macro>",
        ),
        (format!("<robot name=\"r\">{link}<xacro:include filename=\"x\"/></robot>"), "<xacro:include>"),
        ("<robot name=\"r\"><link name=\"${prefix}a\"/></robot>".to_owned(), "${...}"),
        (
            "<robot name=\"r\"><link name=\"a\"><visual><geometry><mesh filename=\"$(find p)/a.stl\"/></geometry></visual></link></robot>"
                .to_owned(),
            "$(...)",
        ),
    ] {
        let error = Robot::parse(&urdf, None, None, &LoadOptions::default()).unwrap_err().to_string();
        assert!(error.contains(says) && error.contains("xacro FILE > robot.urdf"), "{error}");
    }
    // What xacro leaves behind is no xacro.
    let expanded = format!("<robot xmlns:xacro=\"http://www.ros.org/wiki/xacro\" name=\"r\">{link}</robot>");
    assert!(Robot::parse(&expanded, None, None, &LoadOptions::default()).is_ok());
    let cone = "<robot name=\"r\"><link name=\"a\"><collision><geometry><cone/></geometry></collision></link></robot>";
    let error = Robot::parse(cone, None, None, &LoadOptions::default()).unwrap_err().to_string();
    assert!(error.contains("exactly one of") && error.contains("found <cone>"), "{error}");
}

const MOVEIT_SCENE: &str = "name: ''
robot_state: {joint_state: {name: [q1, q2, fa], position: [0, 0, 0.02]}}
fixed_frame_transforms:
- {header: {frame_id: world}, child_frame_id: table, transform: {translation: {x: 1, y: 0, z: 0}, rotation: {x: 0, y: 0, z: 0, w: 0}}}
allowed_collision_matrix: {entry_names: [], entry_values: []}
link_padding: []
link_scale: []
world:
  collision_objects:
  - {id: post, header: {frame_id: table}, operation: 0, primitives: [{type: 2, dimensions: [0.1]}], primitive_poses: [{position: [-0.35, 0.55, 0]}]}
";

const REQUEST: &str = "group_name: arm
goal_constraints:
- joint_constraints: [{joint_name: q1, position: 1.2}, {joint_name: q2, position: -0.4}]
max_cartesian_speed: 0.0
";

/// Reads a planning scene and a request for the arm.
fn import(name: &str, scene: &str, request: &str) -> Result<Scene, InputError> {
    let folder = folder(name);
    let limits = "joint_limits: {q1: {max_acceleration: 4}, q2: {max_acceleration: 4}}";
    let files = RobotFiles {
        srdf: Some(folder.join("rr.srdf")),
        joint_limits: Some(write(&folder, "limits.yaml", limits)),
        missing_geometry: MissingGeometry::Allow,
        ..RobotFiles::new(folder.join("rr.urdf"))
    };
    let (scene, request) = (write(&folder, "scene.yaml", scene), write(&folder, "request.yaml", request));
    moveit::load(&scene, &request, files)
}

#[test]
fn moveit_scenes_mean_what_they_say() {
    let plain = import("plain", MOVEIT_SCENE, REQUEST).unwrap();
    assert_eq!(plain.warnings, []);
    let post = &plain.problem.world.obstacles[0];
    assert_eq!(post.pose.translation.to_array(), [0.65, 0.55, 0.0], "the table's frame, unturned");
    let object = |more: &str| format!("{MOVEIT_SCENE}  - {{{more}}}\n");
    let ball = "primitives: [{type: 2, dimensions: [0.2]}], primitive_poses: [{position: [0, 0, 1]}]";
    let names = |scene: &Scene| -> Vec<String> {
        scene.problem.world.obstacles.iter().map(|o| o.name.clone()).collect()
    };
    for (more, expected) in [
        ("id: post, operation: 1".to_owned(), &[][..]),
        ("id: '', operation: 1".to_owned(), &[]),
        (format!("id: post, operation: 2, {ball}"), &["post 0", "post 1"]),
        (format!("id: post, operation: 0, {ball}"), &["post"]),
        (format!("id: other, {ball}"), &["post", "other"]),
        ("id: post, operation: 3, pose: {position: [0, 0, 2]}".to_owned(), &["post"]),
    ] {
        let scene = import("objects", &object(&more), REQUEST).unwrap_or_else(|e| panic!("{more}: {e}"));
        assert_eq!(names(&scene), expected, "{more}");
        assert_eq!(scene.warnings, [], "{more}");
        let first = scene.problem.world.obstacles.first().map(|o| o.pose.translation.z);
        match more.as_str() {
            m if m.contains("operation: 0") => assert_eq!(first, Some(1.0)),
            m if m.contains("operation: 3") => assert_eq!(first, Some(2.0)),
            _ => {}
        }
    }
    for (scene, request, says) in [
        (object("id: post, operation: 4"), REQUEST.to_owned(), "0 to add, 1 to remove"),
        (object("id: post, operation: 3"), REQUEST.to_owned(), "missing key \"pose\""),
        (
            object("id: post, operation: 3, pose: {}, primitive_poses: [{position: [0, 0, 1]}]"),
            REQUEST.to_owned(),
            "expected 0 poses, one for each primitive, found 1",
        ),
        (object("id: post, primitive_poses: [{position: [0, 0, 1]}]"), REQUEST.to_owned(), "found 1"),
        (
            object("id: post, mesh_poses: [{position: [0, 0, 1]}]"),
            REQUEST.to_owned(),
            "meshes cannot be read",
        ),
        (object("id: post, primitve: []"), REQUEST.to_owned(), "did you mean \"primitives\"?"),
        (
            MOVEIT_SCENE.replace("collision_objects:", "colision_objects:"),
            REQUEST.to_owned(),
            "did you mean \"collision_objects\"?",
        ),
        (format!("{MOVEIT_SCENE}  octomap: {{data: [1]}}\n"), REQUEST.to_owned(), "octomaps cannot be read"),
        (
            format!("{MOVEIT_SCENE}  octomap: {{octomap: {{data: AQ==}}}}\n"),
            REQUEST.to_owned(),
            "octomaps cannot be read",
        ),
        (object("id: none, operation: 3, pose: {position: [0, 0, 2]}"), REQUEST.to_owned(), "to move"),
        (MOVEIT_SCENE.to_owned(), REQUEST.replace("speed: 0.0", "speed: 0.1"), "max_cartesian_speed"),
        (
            MOVEIT_SCENE.replace("link_scale: []", "link_scale: [{link_name: l1, scale: 1.1}]"),
            REQUEST.to_owned(),
            "scaled by 1.1",
        ),
        (
            MOVEIT_SCENE.replace("link_padding: []", "link_padding: [{link_name: l9, padding: 0.1}]"),
            REQUEST.to_owned(),
            "unknown link \"l9\"",
        ),
        (
            MOVEIT_SCENE.to_owned(),
            format!("{REQUEST}path_constraints: {{joint_constraints: [{{}}]}}\n"),
            "path constraints",
        ),
        (MOVEIT_SCENE.replace("z: 0, w: 0", "z: 0, w: 2"), REQUEST.to_owned(), "length 2"),
    ] {
        let error = import("refused", &scene, &request).expect_err(says).to_string();
        assert!(error.contains(says), "{says}: {error}");
    }
    for (scene, request, says) in [
        (MOVEIT_SCENE.replace("z: 0, w: 0", "z: 0, w: 1.01"), REQUEST.to_owned(), "brought to length 1"),
        (object("id: none, operation: 1"), REQUEST.to_owned(), "to remove; passed over"),
        (
            MOVEIT_SCENE.replace("{frame_id: world}", "{frame_id: wrld}"),
            REQUEST.to_owned(),
            "no frame that is known; taken for the planning frame",
        ),
        (
            MOVEIT_SCENE.replace("link_padding: []", "link_padding: [{link_name: f1, padding: 0.1}]"),
            REQUEST.to_owned(),
            "\"f1\" has no collision geometry",
        ),
        (MOVEIT_SCENE.replace("name: ''", "nane: ''"), REQUEST.to_owned(), "\"nane\""),
        (MOVEIT_SCENE.to_owned(), format!("{REQUEST}reference_trajectories: [{{}}]\n"), "only advise"),
        (format!("{MOVEIT_SCENE}is_diff: true\n"), REQUEST.to_owned(), "differs from"),
        (MOVEIT_SCENE.replace("position: [0, 0, 0.02]", "position: [0, 0, 0.065]"), REQUEST.to_owned(), "held at 0.04"),
        (
            MOVEIT_SCENE.replace("entry_names: [], entry_values: []", "entry_names: [l1, l2, post], entry_values: [{enabled: [false, false, false]}, {enabled: [false, false, true]}, {enabled: [false, true, false]}]"),
            REQUEST.to_owned(),
            "post and l2",
        ),
    ] {
        let scene = import("told", &scene, &request).unwrap_or_else(|e| panic!("{says}: {e}"));
        let [warning] = &scene.warnings[..] else { panic!("{says}: {:?}", scene.warnings) };
        assert!(warning.to_string().contains(says), "{says}: {warning}");
        assert!(warning.0.file.is_some(), "{warning}");
    }
}

/// What adds no shape takes none away, as in MoveIt.
#[test]
fn objects_without_shapes_leave_what_is_there() {
    for message in ["{id: post}", "{id: post, operation: 2}", "{id: post, primitives: []}", "{id: other}"] {
        let scene = import("shapeless", &format!("{MOVEIT_SCENE}  - {message}\n"), REQUEST).unwrap();
        let [warning] = &scene.warnings[..] else { panic!("{message}: {:?}", scene.warnings) };
        assert!(warning.to_string().contains("without any shape; passed over"), "{warning}");
        let [post] = &scene.problem.world.obstacles[..] else { panic!("{message}: one obstacle") };
        assert_eq!((post.name.as_str(), post.pose.translation.x), ("post", 0.65));
    }
}

#[test]
fn a_matrix_that_has_more_checked_than_the_srdf_is_refused() {
    let folder = folder("matrix");
    let srdf = SRDF
        .replace("</robot>", "<disable_collisions link1=\"l1\" link2=\"l2\" reason=\"Adjacent\"/></robot>");
    let files = RobotFiles {
        srdf: Some(write(&folder, "rr.srdf", &srdf)),
        joint_limits: Some(write(
            &folder,
            "l.yaml",
            "joint_limits: {q1: {max_acceleration: 4}, q2: {max_acceleration: 4}}",
        )),
        missing_geometry: MissingGeometry::Allow,
        ..RobotFiles::new(folder.join("rr.urdf"))
    };
    let request = write(&folder, "request.yaml", REQUEST);
    let scene = |touch: bool| {
        let rows = format!("entry_names: [l1, l2], entry_values: [[true, {touch}], [{touch}, true]]");
        write(&folder, "scene.yaml", &MOVEIT_SCENE.replace("entry_names: [], entry_values: []", &rows))
    };
    assert!(moveit::load(&scene(true), &request, files.clone()).is_ok());
    let error = moveit::load(&scene(false), &request, files).unwrap_err().to_string();
    assert!(error.contains("take it out of the SRDF"), "{error}");
}

/// Padding is kept from obstacles at every instant, in scenes as in MoveIt's; less is not certified.
#[test]
fn padding_is_kept_and_proved() {
    let padded = MOVEIT_SCENE.replace("link_padding: []", "link_padding: [{link_name: l2, padding: 0.05}]");
    let scene = import("padded", &padded, REQUEST).unwrap();
    assert_eq!(scene.padding, LinkPadding::Links(vec![("l2".to_owned(), 0.05)]));
    // Of two of one link the greater counts, whichever comes first.
    let more = |first, second| {
        let of = |metres: f64| format!("{{link_name: l2, padding: {metres}}}");
        let twice = format!("link_padding: [{}, {}]", of(first), of(second));
        import("padded", &MOVEIT_SCENE.replace("link_padding: []", &twice), REQUEST).unwrap().padding
    };
    assert_eq!([more(0.05, 0.01), more(0.01, 0.05)], [scene.padding.clone(), scene.padding.clone()]);
    let twice = LinkPadding::Links(vec![("l2".to_owned(), 0.01), ("l2".to_owned(), 0.05)]);
    assert_eq!(twice.of("l2"), 0.05);
    let mut bare = scene.problem.clone();
    bare.mechanism.pad(&LinkPadding::default());
    let distance = |problem: &Problem, trajectory: &Trajectory| {
        let tight = CertifyOptions { world_tolerance: Some(1e-5), ..CertifyOptions::default() };
        certify(problem, trajectory, &tight).map(|c| c.world.at_least)
    };
    let plan = |problem: &Problem| {
        let mut checker = Backend::Scalar.checker(problem, None).unwrap();
        flatout::plan::plan(problem, &mut *checker, &PlanOptions::default()).unwrap().trajectory
    };
    let kept = plan(&scene.problem);
    let far = distance(&bare, &kept).unwrap();
    assert!(far > 0.05 - 1e-9, "{far}");
    let of_padded = distance(&scene.problem, &kept).unwrap();
    assert!((of_padded - (far - 0.05)).abs() < 1e-4, "{of_padded} {far}");
    // A motion that keeps less is refused, however little less it is.
    let mut wider = bare.clone();
    wider.mechanism.pad(&LinkPadding::Links(vec![("l2".to_owned(), far + 1e-3)]));
    let error = distance(&wider, &kept).unwrap_err().to_string();
    assert!(error.contains("post") && error.contains("l2"), "{error}");
    // The scene that is written keeps it too.
    let directory = folder("written");
    let text = scene.to_yaml(&directory);
    assert!(text.contains("link_padding: {l2: 0.05}"), "{text}");
    let again = Scene::load(&write(&directory, "again.yaml", &text)).unwrap();
    assert_eq!(again.problem.mechanism.links[1].padding, 0.05);
    let bare =
        Scene::load(&write(&directory, "bare.yaml", &text.replace("{l2: 0.05}", "{f1: 0.05}"))).unwrap();
    assert!(bare.warnings.iter().any(|w| w.to_string().contains("\"f1\" has no collision geometry")));
    let all = Scene::load(&write(&directory, "all.yaml", &text.replace("{l2: 0.05}", "0.01"))).unwrap();
    assert!(all.problem.mechanism.links.iter().all(|link| link.padding == 0.01));
    for (wrong, says) in
        [("{l9: 0.05}", "unknown link"), ("-0.1", "a length in metres"), ("{l2: -1}", "from 0 to")]
    {
        let file = write(&directory, "wrong.yaml", &text.replace("{l2: 0.05}", wrong));
        let error = Scene::load(&file).unwrap_err().to_string();
        assert!(error.contains(says), "{error}");
    }
}

/// Values beyond limits by rounding: the limit moves out, or a held joint stands at it; more is refused.
#[test]
fn rounding_at_limits_is_allowed_and_told() {
    let folder = folder("rounding");
    let load = |from: &str, to: &str| {
        assert!(SCENE.contains(from), "{from}");
        Scene::load(&write(&folder, "edited.yaml", &SCENE.replacen(from, to, 1)))
    };
    let scaled = 0.7 * 1.5_f64;
    for (from, to, says) in [
        ("fa: 0.02", "fa: -1e-8".to_owned(), "held at the limit"),
        (
            "start: [0, 0]",
            format!("start: {{position: [0, 0], velocity: [{:?}, 0]}}", 1.5_f64.next_up()),
            "moved out",
        ),
        (
            "start: [0, 0]\n",
            format!("start: {{position: [0, 0], velocity: [{:?}, 0]}}\n", 3.000_000_1_f64 / 2.0),
            "moved out",
        ),
        ("start: [0, 0]", "start: [3.0000001, 0]".to_owned(), "moved out"),
        ("goal: [0.6", "goal: [-3.0000001".to_owned(), "moved out"),
    ] {
        let scene = load(from, &to).unwrap_or_else(|e| panic!("{to}: {e}"));
        let [warning] = &scene.warnings[..] else { panic!("{to}: {:?}", scene.warnings) };
        assert!(warning.to_string().contains(says), "{to}: {warning}");
    }
    let scaling = "limits: {velocity_scaling: 0.7, joints:";
    let text = SCENE.replace("limits: {joints:", scaling);
    let fast = text.replace(
        "start: [0, 0]",
        &format!("start: {{position: [0, 0], velocity: [{:?}, 0]}}", scaled.next_up()),
    );
    assert_eq!(Scene::load(&write(&folder, "scaled.yaml", &fast)).unwrap().warnings.len(), 1);
    for (from, to) in [
        ("fa: 0.02", "fa: -1e-6"),
        ("start: [0, 0]", "start: {position: [0, 0], velocity: [1.50001, 0]}"),
        ("start: [0, 0]", "start: [3.0001, 0]"),
    ] {
        assert!(load(from, to).is_err(), "{to}");
    }
}

/// Goals that creep outwards are each compared with the limit that the robot's files give.
#[test]
fn many_goals_move_a_limit_by_no_more_than_one() {
    let folder = folder("creeping");
    let load = |beyond: f64| {
        let goals: Vec<String> =
            (1..=10).map(|k| format!("[{:?}, 0]", 3.0 + f64::from(k) * 0.1 * beyond)).collect();
        let goals = format!("goals: [{}]", goals.join(", "));
        Scene::load(&write(&folder, "creeping.yaml", &SCENE.replace("goal: [0.6, -0.4]", &goals)))
    };
    // The slack is a millionth of the way from -3 to 3.
    assert!(load(5.9e-6).unwrap().problem.mechanism.limits[0].upper > 3.0);
    let error = load(1.2e-5).unwrap_err().to_string();
    assert!(error.contains("goals[5]") && error.contains("outside its limits"), "{error}");
}

/// What needs no robot is told before the robot is read, which may take minutes.
#[test]
fn mistakes_are_told_before_the_robot_is_read() {
    let folder = folder("early");
    write(&folder, "rr.urdf", "<robot");
    write(&folder, "rr.srdf", "<robot");
    let load = |text: &str| Scene::load(&write(&folder, "s.yaml", text)).unwrap_err().to_string();
    assert!(load(SCENE).contains("rr.urdf"));
    for (text, says) in [
        (format!("{SCENE}world: [{{shape: cone}}]\n"), "unknown shape \"cone\""),
        (format!("{SCENE}planner: {{seed: -1}}\n"), "planner.seed"),
        (format!("{SCENE}smoothness: snap\n"), "acceleration or jerk"),
        (SCENE.replace("goal:", "# goal:"), "missing key \"goal\""),
        (SCENE.replace("start:", "# start:"), "missing key \"start\""),
    ] {
        let error = load(&text);
        assert!(error.contains(says) && error.contains("s.yaml"), "{error}");
    }
    let files = RobotFiles { srdf: Some(folder.join("rr.srdf")), ..RobotFiles::new(folder.join("rr.urdf")) };
    let import = |scene: &str, request: &str| {
        let (scene, request) = (write(&folder, "scene.yaml", scene), write(&folder, "request.yaml", request));
        moveit::load(&scene, &request, files.clone()).unwrap_err().to_string()
    };
    assert!(import(MOVEIT_SCENE, REQUEST).contains("rr."));
    for (scene, request, says) in [
        ("name: [", REQUEST, "scene.yaml:"),
        (MOVEIT_SCENE, "goal: [", "request.yaml:"),
        (MOVEIT_SCENE, "group_name: arm", "missing key \"goal_constraints\""),
        (MOVEIT_SCENE, &REQUEST.replace("speed: 0.0", "speed: 0.1"), "max_cartesian_speed"),
    ] {
        let error = import(scene, request);
        assert!(error.contains(says), "{error}");
    }
}

#[test]
fn joints_that_no_file_gives_limits_have_the_default_ones() {
    let folder = folder("defaults");
    let bare = "robot: {urdf: rr.urdf, joints: [q1, q2]}\nstart: [0, 0]\ngoal: [0.6, -0.4]\n";
    write(&folder, "bare.yaml", bare);
    let run = flatout(&folder, &["plan", "bare.yaml"]);
    assert_eq!(run.status.code(), Some(2));
    assert!(text(&run.stderr).contains("no limit of acceleration"));
    assert!(flatout(&folder, &["plan", "bare.yaml", "--default-acceleration", "4"]).status.success());
    let keys = "limits: {default_acceleration: 4, default_jerk: 50, joints: {q1: {acceleration: 2}}}\n";
    let scene = Scene::load(&write(&folder, "keys.yaml", &(bare.to_owned() + keys))).unwrap();
    let limits = &scene.problem.mechanism.limits;
    assert_eq!([limits[0].acceleration, limits[1].acceleration], [2.0, 4.0]);
    assert!(limits.iter().all(|l| l.jerk == 50.0));
    let again = Scene::load(&write(&folder, "again.yaml", &scene.to_yaml(&folder))).unwrap();
    assert_eq!(again.limits, scene.limits);
}

/// The message alone is a trajectory by itself only from its first point on.
#[test]
fn a_single_point_needs_a_start() {
    let named =
        NamedTrajectory::parse(&format!("joint_names: [q1, q2]\npoints: [{P1}]"), Format::JointTrajectory)
            .unwrap();
    assert!(named.ordered(&["q1".to_owned(), "q2".to_owned()]).is_err());
    let scene = Scene::load(&folder("single").join("s.yaml")).unwrap();
    let driven = named.driven(&scene.problem).unwrap();
    assert_eq!((driven.trajectory.duration(), driven.trajectory.degree()), (1.0, 3));
}

/// Builders hold joints and pad links by the rules of scenes.
#[test]
fn builders_keep_to_the_same_rules() {
    let options = LoadOptions { missing_geometry: MissingGeometry::Allow, ..LoadOptions::default() };
    let robot = Robot::parse(ARM, Some(SRDF), None, &options).unwrap();
    let builder = || Planner::builder(robot.clone()).group("arm").acceleration(4.0);
    let padding = LinkPadding::Links(vec![("l2".to_owned(), 0.05)]);
    let planner = builder().lock("fa", -1e-8).link_padding(padding).build().unwrap();
    let mechanism = planner.mechanism();
    assert!(mechanism.held.contains(&("fa".to_owned(), 0.0)), "{:?}", mechanism.held);
    let told: Vec<String> = planner.warnings().iter().map(ToString::to_string).collect();
    assert!(told.iter().any(|t| t.contains("\"fa\" at -1e-8 is beyond its limit")), "{told:?}");
    assert_eq!(mechanism.links.iter().map(|link| link.padding).collect::<Vec<_>>(), [0.0, 0.05]);
    let error = builder().lock("fa", -1e-3).build().err().map(|e| e.to_string()).unwrap();
    assert!(error.contains("outside its limits"), "{error}");
    let error = builder().link_padding(LinkPadding::All(-0.1)).build().err().map(|e| e.to_string()).unwrap();
    assert!(error.contains("padding"), "{error}");
}

/// Torques are those of rigid bodies: whoever describes more is told, once, where they are judged, of joints that move.
#[test]
fn friction_and_damping_are_told_where_efforts_are_judged() {
    let folder = folder("losses");
    let inertial = r#"<inertial><mass value="0.1"/><inertia ixx="1e-4" iyy="1e-4" izz="1e-4" ixy="0" ixz="0" iyz="0"/></inertial>"#;
    let mut urdf = ARM.replace("<collision>", &format!("{inertial}<collision>"));
    for finger in ["f1", "f2"] {
        let link = format!("<link name=\"{finger}\"");
        urdf = urdf.replace(&format!("{link}/>"), &format!("{link}>{inertial}</link>"));
    }
    for (joint, dynamics) in
        [("q1", r#"damping="0.5""#), ("q2", r#"damping="0" friction="0.0""#), ("fa", r#"friction="2""#)]
    {
        let begins = urdf.find(&format!("<joint name=\"{joint}\"")).unwrap();
        let ends = begins + urdf[begins..].find("</joint>").unwrap();
        urdf.insert_str(ends, &format!("\n    <dynamics {dynamics}/>"));
    }
    write(&folder, "rr.urdf", &urdf);
    let warned = |scene: &str| -> Vec<String> {
        let scene = Scene::load(&write(&folder, "s.yaml", scene)).unwrap();
        scene.warnings.iter().map(ToString::to_string).collect()
    };
    let [warning] = &warned(SCENE)[..] else { panic!("one warning") };
    let line = 1 + urdf.lines().position(|line| line.contains("<dynamics damping=\"0.5\"")).unwrap();
    let place = format!("rr.urdf:{line}:");
    assert!(warning.contains(&place) && warning.ends_with("the friction and damping of \"q1\""), "{warning}");
    assert!(warned(&SCENE.replace("limits: {", "limits: {torque: false, ")).is_empty());

    // A planner that is built in code tells the same.
    let built = |torque: bool| {
        let options = LoadOptions { missing_geometry: MissingGeometry::Allow, ..LoadOptions::default() };
        let robot = Robot::parse(&urdf, Some(SRDF), None, &options).unwrap();
        let limits = LimitChoice { torque: Some(torque), ..LimitChoice::default() };
        let planner = Planner::builder(robot).group("arm").limits(limits).acceleration(4.0).build().unwrap();
        planner.warnings().iter().filter(|w| w.to_string().contains("friction and damping of \"q1\"")).count()
    };
    assert_eq!([built(true), built(false)], [1, 0]);
}
