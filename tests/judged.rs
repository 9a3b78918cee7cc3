//! What is judged for collisions, and what is not and said to be so: small robots that a guess would pass.

mod common;

use flatout::certify::{Certificate, CertifyOptions, Violation, certify};
use flatout::check::{Backend, EdgeBatch, ScalarChecker, Status};
use flatout::error::InputError;
use flatout::plan::{EndFault, PlanError, Solution, plan};
use flatout::problem::Problem;
use flatout::robot::{LoadOptions, MissingGeometry, Robot};
use flatout::scene::Scene;
use flatout::trajectory::Trajectory;
use std::path::{Path, PathBuf};
use std::process::Command;

/// A folder with a robot and a scene in it.
struct Case(PathBuf);

impl Case {
    fn new(name: &str, urdf: &str, scene: &str) -> Self {
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("judged").join(name);
        let _ = std::fs::remove_dir_all(&folder);
        std::fs::create_dir_all(&folder).unwrap();
        let case = Self(folder);
        case.write("robot.urdf", urdf);
        case.write("scene.yaml", scene);
        case
    }

    fn write(&self, name: &str, text: &str) {
        std::fs::write(self.0.join(name), text).unwrap();
    }

    fn load(&self) -> Result<Scene, InputError> {
        Scene::load(&self.0.join("scene.yaml"))
    }

    fn scene(&self) -> Scene {
        self.load().expect("a good scene")
    }

    /// Runs a command on the scene; its exit code, and all that it says.
    fn run(&self, arguments: &[&str]) -> (Option<i32>, String) {
        let output = Command::new(env!("CARGO_BIN_EXE_flatout"))
            .args(arguments)
            .current_dir(&self.0)
            .output()
            .expect("the command runs");
        let said = [output.stdout, output.stderr].map(|said| String::from_utf8_lossy(&said).into_owned());
        (output.status.code(), said.concat())
    }
}

fn answer(scene: &Scene, backend: Backend) -> Result<Solution, PlanError> {
    let mut checker = backend.checker(&scene.problem, scene.options.resolution).expect("a checker");
    plan(&scene.problem, &mut *checker, &scene.options)
}

/// The backends of this machine, by name.
fn backends() -> Vec<Backend> {
    #[cfg(feature = "gpu")]
    if common::gpu().is_some() {
        return vec![Backend::Scalar, Backend::Simd, Backend::Gpu];
    }
    vec![Backend::Scalar, Backend::Simd]
}

/// That the goal is refused on every backend because these links overlap there.
#[track_caller]
fn assert_goal_overlaps(scene: &Scene, links: [&str; 2]) {
    for backend in backends() {
        match answer(scene, backend) {
            Err(PlanError::Goal(EndFault::Invalid(why))) => {
                assert_eq!((why.status, [&*why.subject, &*why.other]), (Status::SelfCollision, links));
            }
            other => panic!("{backend:?}: {other:?}"),
        }
    }
}

/// The motion of one segment from rest to rest that moves each output of a start to that of a goal.
fn swing(from: &[f64], to: &[f64]) -> Trajectory {
    let cubic = |(p, q): (&f64, &f64)| [*p, 0.0, 3.0 * (q - p) / 1e4, -2.0 * (q - p) / 1e6];
    let mut trajectory = Trajectory::new(from.len(), 3);
    trajectory.push(100.0, &from.iter().zip(to).flat_map(cubic).collect::<Vec<_>>());
    trajectory
}

/// That the certificate, every backend and the oracle find that two links meet on the way from start to
/// goal, though they do at neither.
#[track_caller]
fn assert_meet_on_the_way(problem: &Problem, links: [&str; 2]) {
    let (start, goal) = (&problem.start.position, &problem.goals[0].position);
    let trajectory = swing(start, goal);
    match certify(problem, &trajectory, &CertifyOptions::default()) {
        Err(Violation::SelfCollision { links: found, .. }) => assert_eq!(found, links.map(str::to_owned)),
        other => panic!("{other:?}"),
    }
    let mut batch = EdgeBatch::new(problem.mechanism.flat_dof(), 3);
    batch.push_trajectory(&trajectory);
    for backend in backends() {
        let mut checker = backend.checker(problem, 0.01).expect("a checker");
        let mut verdicts = Vec::new();
        checker.check(&batch, &mut verdicts).expect("a checker that works");
        assert_eq!(verdicts[0].status(), Status::SelfCollision, "{backend:?}");
    }
    let mut oracle = ScalarChecker::new(problem, 0.01);
    let ends = [0.0, 100.0].map(|t| oracle.margins_at(&batch.get(0), t).status());
    assert_eq!(ends, [Status::Valid; 2]);
}

fn joint(kind: &str, name: &str, ends: [&str; 2], origin: &str, axis: &str, limits: [f64; 2]) -> String {
    let ([parent, child], [lower, upper]) = (ends, limits);
    format!(
        "<joint name=\"{name}\" type=\"{kind}\"><parent link=\"{parent}\"/><child link=\"{child}\"/>\
         <origin xyz=\"{origin}\"/><axis xyz=\"{axis}\"/><limit lower=\"{lower}\" upper=\"{upper}\" \
         velocity=\"2\" effort=\"0\" acceleration=\"5\"/></joint>\n"
    )
}

fn link(name: &str, spheres: &[([f64; 3], f64)]) -> String {
    let sphere = |([x, y, z], radius): &([f64; 3], f64)| {
        format!(
            "<collision><origin xyz=\"{x} {y} {z}\"/><geometry><sphere radius=\"{radius}\"/></geometry></collision>"
        )
    };
    format!("<link name=\"{name}\">{}</link>\n", spheres.iter().map(sphere).collect::<String>())
}

/// Versions 1.2 of URDF know limits of acceleration.
fn robot(parts: &[String]) -> String {
    format!("<robot name=\"small\" version=\"1.2\">\n{}</robot>\n", parts.concat())
}

/// Two arms whose pins can meet in one state of millions.
fn twins() -> String {
    let mut parts = vec![link("base", &[([0.0, 0.0, -1.5], 0.1)])];
    for (side, x) in [("l", "-0.5"), ("r", "0.5")] {
        let name = |part: &str| format!("{side}_{part}");
        let (one, two, pin) = (name("one"), name("two"), name("pin"));
        let turn = |number: &str, ends: [&str; 2], origin: &str, axis: &str| {
            joint("revolute", &name(number), ends, origin, axis, [-3.2, 3.2])
        };
        parts.extend([
            link(&one, &[([0.0; 3], 0.01)]),
            link(&two, &[([0.0; 3], 0.01)]),
            link(&pin, &[([0.5, 0.0, 0.0], 0.01)]),
            turn("a", ["base", &one], &format!("{x} 0 0"), "0 0 1"),
            turn("b", [&one, &two], "0 0 0", "0 1 0"),
            turn("c", [&two, &pin], "0.5 0 0", "0 1 0"),
        ]);
    }
    robot(&parts)
}

#[test]
fn pins_that_are_hardly_ever_seen_to_meet_are_judged() {
    let scene = "robot: {urdf: robot.urdf}
start: [1, -1.0471976, 2.0943951, 2.1, -1.0471976, 2.0943951]
goal: [0, -1.0471976, 2.0943951, 3.1415927, -1.0471976, 2.0943951]
";
    let case = Case::new("twins", &twins(), scene);
    assert_goal_overlaps(&case.scene(), ["l_pin", "r_pin"]);
    let (code, said) = case.run(&["plan", "scene.yaml"]);
    assert_eq!(code, Some(3), "{said}");
    assert!(said.contains("links \"l_pin\" and \"r_pin\" overlap"), "{said}");
}

/// Two bars of spheres in a plane, the second folding onto the first about a stub between them. The spheres
/// at the stub always touch.
fn fold_parts() -> Vec<String> {
    let bar: Vec<([f64; 3], f64)> = (0..6).map(|i| ([0.05 + 0.1 * f64::from(i), 0.0, 0.0], 0.06)).collect();
    vec![
        link("upper", &bar),
        link("stub", &[([0.0; 3], 0.01)]),
        link("fore", &bar),
        joint("revolute", "twist", ["upper", "stub"], "0.6 0 0", "0 0 1", [-3.0, 3.0]),
        joint("revolute", "bend", ["stub", "fore"], "0 0 0", "0 0 1", [-0.1, 0.1]),
    ]
}

fn fold() -> String {
    robot(&fold_parts())
}

const FOLD_SRDF: &str = "<robot name=\"small\">
  <disable_collisions link1=\"upper\" link2=\"stub\" reason=\"Adjacent\"/>
  <disable_collisions link1=\"stub\" link2=\"fore\" reason=\"Adjacent\"/>
</robot>";

fn fold_scene(files: &str) -> String {
    format!("robot: {{{files}, joints: [twist]}}\nstart: [0]\ngoal: [2.9]\n")
}

#[test]
fn links_of_which_some_spheres_always_touch_are_judged() {
    for (name, files) in [("fold", "urdf: robot.urdf"), ("fold_srdf", "urdf: robot.urdf, srdf: robot.srdf")] {
        let case = Case::new(name, &fold(), &fold_scene(files));
        case.write("robot.srdf", FOLD_SRDF);
        let scene = case.scene();
        assert_goal_overlaps(&scene, ["upper", "fore"]);
        // Only the two at the stub are left out: as near as it can be bent, it is certified, and said.
        case.write("scene.yaml", &fold_scene(files).replace("2.9", "1.2"));
        let solution = answer(&case.scene(), Backend::Simd).expect(name);
        let unjudged = &solution.certificate.not_judged;
        assert_eq!(unjudged.always_touching.len(), 1);
        assert_eq!(unjudged.always_touching[0].links, ["upper", "fore"].map(str::to_owned));
        assert_eq!(unjudged.always_touching[0].spheres, [[5, 0]]);
        let neighbours =
            if files.contains("srdf") { "2 pairs disabled by the SRDF" } else { "2 pairs adjacent" };
        let expected = format!("{neighbours}, 1 pair of spheres that always touch");
        assert_eq!(unjudged.to_string(), expected);
        let (code, said) = case.run(&["plan", "scene.yaml", "-o", "plan.json"]);
        assert!(code == Some(0) && said.contains(&format!("  not judged {expected}\n")), "{said}");
        let (code, said) = case.run(&["check", "scene.yaml", "plan.json"]);
        assert!(code == Some(0) && said.contains(&format!("  not judged {expected}\n")), "{said}");
        let (_, said) = case.run(&["check", "scene.yaml", "plan.json", "--json"]);
        let report: serde_json::Value = serde_json::from_str(&said).expect("JSON");
        let told = &report["certificate"]["not_judged"];
        assert_eq!(told["always_touching"][0]["spheres"], serde_json::json!([[5, 0]]), "{told}");
        assert_eq!(told["pairs"].as_array().map(Vec::len), Some(2), "{told}");
    }
}

/// On the way from one side to the other the forearm passes through the upper arm.
#[test]
fn certificate_and_backends_judge_the_same_spheres() {
    let urdf = fold().replace("lower=\"-3\" upper=\"3\"", "lower=\"-1.3\" upper=\"5\"");
    let scene = fold_scene("urdf: robot.urdf").replace("[0]", "[1.2]").replace("2.9", "5");
    let problem = Case::new("fold_through", &urdf, &scene).scene().problem;
    assert_meet_on_the_way(&problem, ["upper", "fore"]);
}

/// Joints that are not planned for: what they hold is judged where they hold it.
#[test]
fn links_whose_joints_are_locked_are_judged_where_they_stand() {
    let mut parts = fold_parts();
    parts.extend([
        link("hand", &[([0.2, 0.0, 0.0], 0.02)]),
        joint("revolute", "wave", ["fore", "hand"], "0.6 0 0", "0 0 1", [-2.0, 2.0]),
    ]);
    let scene = |twist: f64| {
        format!(
            "robot: {{urdf: robot.urdf, joints: [wave], locked: {{twist: {twist}}}}}\nstart: [0]\ngoal: [0.5]\n"
        )
    };
    let case = Case::new("locked", &robot(&parts), &scene(0.5));
    answer(&case.scene(), Backend::Simd).expect("locked where the bars are apart");
    case.write("scene.yaml", &scene(2.9));
    let scene = case.scene();
    for backend in backends() {
        match answer(&scene, backend) {
            Err(PlanError::Start(EndFault::Invalid(why))) => assert_eq!(
                (why.status, [&*why.subject, &*why.other]),
                (Status::SelfCollision, ["upper", "fore"]),
            ),
            other => panic!("{backend:?}: {other:?}"),
        }
    }
    match certify(&scene.problem, &swing(&[0.0], &[0.5]), &CertifyOptions::default()) {
        Err(Violation::SelfCollision { links, .. }) => {
            assert_eq!(links, ["upper", "fore"].map(str::to_owned));
        }
        other => panic!("{other:?}"),
    }
}

/// A scene may let joints go farther than the URDF does: what was proved of the links is proved anew.
#[test]
fn limits_of_a_scene_are_those_that_pairs_are_proved_for() {
    // Within these bounds the bars never touch but at the stub.
    let urdf = fold().replace("lower=\"-3\" upper=\"3\"", "lower=\"-1\" upper=\"1\"");
    let case = Case::new("wider", &urdf, &fold_scene("urdf: robot.urdf").replace("2.9", "0.9"));
    let pairs = |scene: &Scene| scene.problem.mechanism.pairs.len();
    assert_eq!(pairs(&case.scene()), 0);
    let wider = fold_scene("urdf: robot.urdf") + "limits: {joints: {twist: {upper: 3}}}\n";
    case.write("scene.yaml", &wider);
    assert_eq!(pairs(&case.scene()), 1);
    assert_goal_overlaps(&case.scene(), ["upper", "fore"]);
}

/// Whoever widens limits of a mechanism itself gets no certificate beyond what was proved.
#[test]
fn no_certificate_beyond_what_was_proved() {
    let urdf = fold().replace("lower=\"-3\" upper=\"3\"", "lower=\"-1\" upper=\"1\"");
    let case = Case::new("beyond", &urdf, &fold_scene("urdf: robot.urdf").replace("2.9", "0.9"));
    let mut problem = case.scene().problem;
    problem.mechanism.limits[0].upper = 3.0;
    problem.goals[0].position[0] = 2.9;
    let options = CertifyOptions { limit_tolerance: 10.0, ..CertifyOptions::default() };
    match certify(&problem, &swing(&[0.0], &[2.9]), &options) {
        Err(Violation::Limit { bound, value, .. }) => {
            assert!((1.0..1.001).contains(&bound) && (value - 2.9).abs() < 1e-9, "{value} {bound}");
        }
        other => panic!("{other:?}"),
    }
}

/// An arm that is only seen, in front of a block.
const GHOST: &str = r#"<robot name="ghost" version="1.2">
  <link name="base"/>
  <link name="arm"><visual><origin xyz="0.5 0 0"/><geometry><box size="1 0.1 0.1"/></geometry></visual></link>
  <joint name="j" type="revolute"><parent link="base"/><child link="arm"/><axis xyz="0 0 1"/>
    <limit lower="-3" upper="3" velocity="2" effort="0" acceleration="5"/></joint>
</robot>"#;

const GHOST_SCENE: &str = "robot: {urdf: robot.urdf}
world:
  - {name: block, shape: cuboid, size: [1, 1, 1], position: [0.8, 0, 0]}
start: [-1.5]
goal: [1.5]
";

#[test]
fn an_arm_without_collision_geometry_is_refused_unless_that_is_allowed() {
    let case = Case::new("ghost", GHOST, GHOST_SCENE);
    let error = case.load().expect_err("nothing is known of the arm").to_string();
    assert!(error.contains("robot.urdf") && error.contains("no collision geometry: \"arm\";"), "{error}");
    let (code, said) = case.run(&["plan", "scene.yaml"]);
    assert!(code == Some(2) && said.contains("missing_geometry: allow"), "{said}");
    case.write("scene.yaml", &GHOST_SCENE.replace("robot.urdf}", "robot.urdf, missing_geometry: allow}"));
    let scene = case.scene();
    let solution = answer(&scene, Backend::Simd).expect("nothing is in its way");
    let Certificate { not_judged, .. } = &solution.certificate;
    assert_eq!(not_judged.without_geometry, ["arm"]);
    assert_eq!(not_judged.to_string(), "visible links without collision geometry: arm");
    assert!(scene.to_yaml(&case.0).contains("missing_geometry: allow"), "it is written again");
    case.write("scene.yaml", &GHOST_SCENE.replace("robot.urdf}", "robot.urdf, missing_geometry: yes}"));
    let error = case.load().expect_err("neither word").to_string();
    assert!(error.contains("robot.missing_geometry: expected refuse or allow"), "{error}");
    // Whoever asks what the robot is like is told.
    let (code, said) = case.run(&["robot", "info", "robot.urdf"]);
    assert!(code == Some(0) && said.contains("Visible links without collision geometry: arm"), "{said}");
}

#[test]
fn a_piece_has_the_geometry_of_any_of_its_links() {
    let read = |urdf: &str| Robot::parse(urdf, None, None, &LoadOptions::default());
    // A cover that is bolted to the arm and only seen: the arm's geometry is taken to hold it.
    let covered = GHOST.replace("</robot>", "<link name=\"rod\"><collision><geometry><sphere radius=\"1\"/></geometry>\
         </collision></link><joint name=\"bolt\" type=\"fixed\"><parent link=\"arm\"/><child link=\"rod\"/></joint></robot>");
    let robot = read(&covered).expect("the rod has geometry");
    assert_eq!(robot.links_without_geometry().map(|link| &*link.name).collect::<Vec<_>>(), ["arm"]);
    let error =
        read(&covered.replace("type=\"fixed\"", "type=\"continuous\"")).expect_err("it turns by itself");
    assert!(
        error.to_string().contains("visible links that move have no collision geometry: \"arm\""),
        "{error}"
    );
    // Nothing to be seen, and nothing to be hit.
    let bare = GHOST.replace("<visual>", "<!--").replace("</visual>", "-->");
    let error = read(&bare).expect_err("it has no geometry at all").to_string();
    assert!(error.contains("no link that moves has collision geometry: \"arm\""), "{error}");
    let allow = LoadOptions { missing_geometry: MissingGeometry::Allow, ..LoadOptions::default() };
    assert!(Robot::parse(&bare, None, None, &allow).is_ok());
}

/// A drive that carries an arm of one bar on a turret.
fn mobile() -> (String, String) {
    let bar: Vec<_> = (1..7).map(|i| ([0.1 * f64::from(i), 0.0, 0.0], 0.04)).collect();
    let urdf = robot(&[
        link("post", &[([0.0; 3], 0.03)]),
        link("turret", &[([0.0, 0.0, 0.02], 0.03)]),
        link("bar", &bar),
        joint("revolute", "pan", ["post", "turret"], "0 0 0.05", "0 0 1", [-3.0, 3.0]),
        joint("revolute", "lift", ["turret", "bar"], "0 0 0.05", "0 1 0", [-1.0, 4.0]),
    ]);
    let scene = "robot:
  differential_drive:
    speed: [-0.5, 0.5]
    turn_rate: [-1, 1]
    acceleration: 1
    turn_acceleration: 2
    body: {size: [0.6, 0.4, 0.2], center: [0, 0, 0.1], excess: 0.03}
    carries: {urdf: robot.urdf, mount: {position: [0, 0, 0.3]}}
start: {position: [0, 0], heading: 0, joints: [0, -0.1]}
goal: {position: [0, 0], heading: 0, joints: [0, 3.2]}
";
    (urdf, scene.to_owned())
}

#[test]
fn the_arm_of_a_mobile_manipulator_is_judged_against_its_vehicle() {
    let (urdf, scene) = mobile();
    let case = Case::new("mobile", &urdf, &scene.replace("joints: [0, 3.2]", "joints: [0, 1.4]"));
    // Folded down, the bar is in the vehicle that carries it.
    assert_goal_overlaps(&case.scene(), ["body", "bar"]);
    // From one side to the other it would go through it.
    case.write("scene.yaml", &scene);
    assert_meet_on_the_way(&case.scene().problem, ["body", "bar"]);
    // Over the roof there is nothing in the way, and the certificate says what it takes for granted.
    case.write("scene.yaml", &scene.replace("joints: [0, 3.2]", "joints: [2, 0]"));
    let solution = answer(&case.scene(), Backend::Simd).expect("above the roof");
    let said = solution.certificate.not_judged.to_string();
    assert_eq!(said, "2 pairs adjacent, 1 pair rigidly joined, 1 pair proved never to touch");
}
