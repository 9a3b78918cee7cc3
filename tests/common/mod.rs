//! What several integration tests share: where files are, and random robots.
#![allow(dead_code, reason = "each test file uses some of it")]

pub(crate) mod command;
pub(crate) mod replay;

use flatout::bench::dynobench::{self, Instance};
use flatout::bench::kinopax::{self, System};
use flatout::pose::Pose;
use flatout::problem::Problem;
use flatout::robot::{Inertia, Joint, JointKind, JointLimits, Link, LoadOptions, Mimic, Robot, Sphere};
use glam::{DMat3, DQuat, DVec3};
use rand::{RngExt, SeedableRng};
use rand_pcg::Pcg64Mcg;
use std::io::Write;
use std::path::{Path, PathBuf};

/// The folder of the public suites and robots: `FLATOUT_DATA`, or `../shared`.
fn data() -> PathBuf {
    std::env::var_os("FLATOUT_DATA")
        .map_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared"), PathBuf::from)
}

/// A file of the shared data, or `None` (said aloud) where there is none; with `FLATOUT_REQUIRE_DATA=1` that is
/// a failure.
pub(crate) fn shared(relative: &str) -> Option<PathBuf> {
    let path = data().join(relative);
    if path.exists() {
        return Some(path);
    }
    let required = std::env::var_os("FLATOUT_REQUIRE_DATA").is_some_and(|value| value == "1");
    assert!(
        !required,
        "{} is absent, and FLATOUT_REQUIRE_DATA=1; FLATOUT_DATA names the folder",
        path.display()
    );
    let _ = writeln!(std::io::stderr(), "skipped: {} is absent", path.display());
    None
}

/// A robot of the shared data ("panda", "ur5", "fetch") with its SRDF and joint limits.
pub(crate) fn shared_robot(name: &str) -> Option<Robot> {
    let urdf = shared(&format!("robots/{name}_spherized.urdf"))?;
    let srdf = shared(&format!("robots/{name}.srdf"))?;
    let limits = shared(&format!("robots/{name}_joint_limits.yaml"))?;
    Some(Robot::load(&urdf, Some(&srdf), Some(&limits), &LoadOptions::default()).expect("a good robot"))
}

/// dynobench's instances with their models.
pub(crate) fn dynobench_instances() -> Option<Vec<Instance>> {
    Some(dynobench::load(&shared("dynobench")?, &shared("dynobench/models")?).expect("a good suite"))
}

/// Kino-PAX's problem for a system in one of its worlds.
pub(crate) fn kinopax_problem(world: &str, system: System) -> Option<Problem> {
    let world = kinopax::load(&shared(&format!("kinopax/{world}.csv"))?).expect("a good file");
    Some(system.problem(world).expect("a problem"))
}

/// A file of one of our own robots.
pub(crate) fn own_file(robot: &str, file: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("robots").join(robot).join(file)
}

/// One of our own robots ("panda", "ur5") with its SRDF and joint limits.
pub(crate) fn own_robot(name: &str) -> Robot {
    let urdf = own_file(name, &format!("{name}.urdf"));
    let srdf = own_file(name, &format!("{name}.srdf"));
    let limits = own_file(name, "joint_limits.yaml");
    Robot::load(&urdf, Some(&srdf), Some(&limits), &LoadOptions::default()).expect("a good robot")
}

/// A random tree of 1 to 12 joints of all kinds, some of them mimics, with masses, spheres and
/// limits; the same seed gives the same robot. All pairs of links with spheres are checked.
pub(crate) fn random_robot(seed: u64) -> Robot {
    let mut random = Pcg64Mcg::seed_from_u64(seed);
    let joints = random.random_range(1..=12);
    let mut robot = Robot {
        name: format!("random {seed}"),
        links: vec![random_link(&mut random, 0)],
        joints: Vec::new(),
        groups: Vec::new(),
        states: Vec::new(),
        pairs: Vec::new(),
        skipped: Vec::new(),
        always: Vec::new(),
        proved_within: Vec::new(),
        base: None,
        warnings: Vec::new(),
        losses: Vec::new(),
    };
    for j in 0..joints {
        robot.links.push(random_link(&mut random, j + 1));
        let joint = random_joint(&mut random, j, &robot.joints);
        robot.joints.push(joint);
    }
    for b in 0..robot.links.len() {
        for a in 0..b {
            if !robot.links[a].spheres.is_empty() && !robot.links[b].spheres.is_empty() {
                robot.pairs.push([a, b]);
            }
        }
    }
    robot
}

/// One value per joint, within its limits (within pi where it has none).
pub(crate) fn random_state(robot: &Robot, seed: u64) -> Vec<f64> {
    let mut random = Pcg64Mcg::seed_from_u64(seed);
    let value = |joint: &Joint| {
        let (lower, upper) = (joint.limits.lower.max(-3.2), joint.limits.upper.min(3.2));
        random.random_range(lower..=upper)
    };
    robot.joints.iter().map(value).collect()
}

fn random_link(random: &mut Pcg64Mcg, index: usize) -> Link {
    let spheres = (0..random.random_range(0..4))
        .map(|_| Sphere { center: random_point(random, 0.2), radius: random.random_range(0.01..0.1) })
        .collect();
    let side = DVec3::from_array(std::array::from_fn(|_| random.random_range(0.01..0.2)));
    let mass = random.random_range(0.0..3.0);
    // A solid box of these sides.
    let moments = DVec3::new(
        side.y * side.y + side.z * side.z,
        side.x * side.x + side.z * side.z,
        side.x * side.x + side.y * side.y,
    ) * (mass / 12.0);
    let inertia = Inertia { mass, com: DVec3::ZERO, matrix: DMat3::from_diagonal(moments) };
    Link {
        name: format!("link{index}"),
        inertia: inertia.transformed(&random_pose(random, 0.1)),
        spheres,
        visible: false,
    }
}

fn random_joint(random: &mut Pcg64Mcg, j: usize, before: &[Joint]) -> Joint {
    use JointKind::{Continuous, Fixed, Prismatic, Revolute};
    // The first joint moves, so that there is something to plan for.
    let kinds = [Revolute, Prismatic, Continuous, Revolute, Fixed];
    let kind = kinds[random.random_range(0..if j == 0 { 4 } else { 5 })];
    let reach = if kind == Prismatic { 0.4 } else { 2.9 };
    let bounds = match kind {
        Revolute | Prismatic => (-random.random_range(0.1..reach), random.random_range(0.1..reach)),
        Continuous | Fixed => (f64::NEG_INFINITY, f64::INFINITY),
    };
    let limits = JointLimits {
        lower: bounds.0,
        upper: bounds.1,
        velocity: random.random_range(0.5..3.0),
        acceleration: random.random_range(1.0..15.0),
        jerk: f64::INFINITY,
        effort: random.random_range(5.0..100.0),
    };
    let leaders: Vec<usize> = (0..j).filter(|&l| before[l].is_independent()).collect();
    let mimics = kind != Fixed && !leaders.is_empty() && random.random_bool(0.25);
    let mimic = mimics.then(|| Mimic {
        joint: leaders[random.random_range(0..leaders.len())],
        multiplier: random.random_range(0.2..1.5) * if random.random_bool(0.5) { 1.0 } else { -1.0 },
        offset: random.random_range(-0.2..0.2),
    });
    Joint {
        name: format!("joint{j}"),
        kind,
        // Mostly chains, some branches.
        parent: if random.random_bool(0.7) { j } else { random.random_range(0..=j) },
        origin: random_pose(random, 0.4),
        axis: (random_point(random, 1.0) + DVec3::splat(1e-3)).normalize(),
        limits,
        mimic,
    }
}

fn random_point(random: &mut Pcg64Mcg, reach: f64) -> DVec3 {
    DVec3::from_array(std::array::from_fn(|_| random.random_range(-reach..reach)))
}

fn random_pose(random: &mut Pcg64Mcg, reach: f64) -> Pose {
    Pose::new(DQuat::from_scaled_axis(random_point(random, 2.0)), random_point(random, reach))
}

/// The adapter of [`gpu`], held to the least that every adapter has.
#[cfg(feature = "gpu")]
pub(crate) fn limited_gpu() -> Option<&'static flatout::check::gpu::Gpu> {
    use flatout::check::gpu::Gpu;
    static DEVICE: std::sync::OnceLock<Option<Gpu>> = std::sync::OnceLock::new();
    let open = || gpu().map(|_| Gpu::open_limited(&Default::default()).expect("the adapter opens again"));
    DEVICE.get_or_init(open).as_ref()
}

/// The device that GPU tests run on, or `None` (said aloud, once) where there is none; with
/// `FLATOUT_REQUIRE_GPU` set that is a failure.
#[cfg(feature = "gpu")]
pub(crate) fn gpu() -> Option<&'static flatout::check::gpu::Gpu> {
    use flatout::check::AdapterChoice;
    use flatout::check::gpu::{Gpu, probe};
    static DEVICE: std::sync::OnceLock<Option<Gpu>> = std::sync::OnceLock::new();
    let open = || {
        let gpu = Gpu::open(&AdapterChoice::Best);
        let gpu = gpu.and_then(|gpu| probe(&gpu).map(|()| gpu));
        let said = match &gpu {
            Ok(gpu) => format!("GPU tests run on {}", gpu.name()),
            Err(e) => format!("GPU tests are skipped: {e}"),
        };
        assert!(gpu.is_ok() || std::env::var_os("FLATOUT_REQUIRE_GPU").is_none(), "{said}");
        let _ = writeln!(std::io::stderr(), "{said}");
        gpu.ok()
    };
    DEVICE.get_or_init(open).as_ref()
}
