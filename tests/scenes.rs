//! Our own scenes: each one loads, and its start and goals are what they should be.

use flatout::base::Base;
use flatout::problem::{JointState, Problem, Smoothness};
use flatout::robot::CollisionLink;
use flatout::scene::Scene;
use std::path::{Path, PathBuf};

fn files() -> Vec<PathBuf> {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("scenes");
    let mut files: Vec<PathBuf> = std::fs::read_dir(directory).unwrap().map(|e| e.unwrap().path()).collect();
    files.retain(|f| f.extension().is_some_and(|e| e == "yaml"));
    // Linear systems are no robots: tests/linear.rs.
    files.retain(|f| !f.to_string_lossy().contains("scenes/linear_"));
    files.sort();
    files
}

/// Smallest gap between the robot and the world or itself, metres.
fn clearance(problem: &Problem, state: &JointState) -> f64 {
    let robot = &problem.mechanism;
    let mut poses = Vec::new();
    robot.place(&state.position, &mut poses);
    let balls = |link: &CollisionLink| -> Vec<_> {
        let spheres = robot.spheres[link.spheres.clone()].iter();
        spheres.map(|s| (poses[link.body].point(s.center), s.radius)).collect()
    };
    let mut least = f64::INFINITY;
    for (center, radius) in robot.links.iter().flat_map(balls) {
        for obstacle in &problem.world.obstacles {
            least = least.min(obstacle.signed_distance(center) - radius);
        }
    }
    for &[a, b] in &robot.pairs {
        for (p, r) in balls(&robot.links[a]) {
            for (q, s) in balls(&robot.links[b]) {
                least = least.min(p.distance(q) - r - s);
            }
        }
    }
    least
}

#[test]
fn starts_and_goals_are_free_and_within_limits() {
    let files = files();
    assert!(files.len() >= 6, "{files:?}");
    for file in files {
        let problem = Scene::load(&file).unwrap_or_else(|e| panic!("{e}")).problem;
        for state in problem.goals.iter().chain([&problem.start]) {
            for (i, limits) in problem.mechanism.limits.iter().enumerate() {
                assert!((limits.lower..=limits.upper).contains(&state.position[i]), "{}", file.display());
                assert!(state.velocity[i].abs() <= limits.velocity, "{}", file.display());
            }
            let gap = clearance(&problem, state);
            assert!(gap > 0.002, "{}: {state:?} has a clearance of {gap} m", file.display());
        }
    }
}

/// What the scenes are there to show: if one is edited, it should still show it.
#[test]
fn scenes_cover_what_the_planner_can_do() {
    let problems: Vec<Problem> = files().iter().map(|f| Scene::load(f).unwrap().problem).collect();
    assert!(problems.iter().any(|p| !p.start.is_at_rest()));
    assert!(problems.iter().any(|p| p.goals.iter().any(|g| !g.is_at_rest())));
    assert!(problems.iter().any(|p| p.goals.len() > 1));
    assert!(problems.iter().any(|p| p.torque));
    let smooth =
        |p: &Problem| p.smoothness == Smoothness::Jerk && p.start.acceleration.iter().any(|&a| a != 0.0);
    assert!(problems.iter().any(smooth));
    for kind in ["sphere", "cuboid", "capsule", "cylinder", "half_space"] {
        let has = |p: &Problem| p.world.obstacles.iter().any(|o| o.shape.kind() == kind);
        assert!(problems.iter().any(has), "{kind}");
    }
}

/// The same state, but for rounding where attitudes and speeds were written in other numbers.
fn is_same(a: &JointState, b: &JointState) -> bool {
    let close =
        |a: &[f64], b: &[f64]| a.len() == b.len() && a.iter().zip(b).all(|(a, b)| (a - b).abs() < 1e-12);
    close(&a.position, &b.position)
        && close(&a.velocity, &b.velocity)
        && close(&a.acceleration, &b.acceleration)
}

#[test]
fn every_kind_of_base_has_a_scene() {
    let problems: Vec<Problem> = files().iter().map(|f| Scene::load(f).unwrap().problem).collect();
    let bases: Vec<&Base> = problems.iter().filter_map(|p| p.mechanism.base.as_ref()).collect();
    let kinds = [
        "point",
        "differential_drive",
        "car",
        "omnidirectional",
        "airplane",
        "planar_quadrotor",
        "quadrotor",
    ];
    for kind in kinds {
        assert!(bases.iter().any(|base| base.name() == kind), "{kind}");
    }
    let has = |wanted: fn(&Problem) -> bool| problems.iter().any(wanted);
    assert!(has(
        |p| matches!(&p.mechanism.base, Some(Base::DifferentialDrive(d)) if d.acceleration.is_none())
    ));
    assert!(has(|p| matches!(&p.mechanism.base, Some(Base::Car(car)) if car.trailer.is_some())));
    let carries =
        |p: &&Problem| p.mechanism.vehicle().is_some_and(|b| p.mechanism.dof() > b.coordinates().len());
    let carrying: Vec<&str> =
        problems.iter().filter(carries).filter_map(|p| Some(p.mechanism.vehicle()?.name())).collect();
    for kind in ["differential_drive", "car", "omnidirectional"] {
        assert!(carrying.contains(&kind), "{kind}");
    }
    assert!(has(|p| p.mechanism.vehicle().is_some() && !p.start.is_at_rest()));
}

#[test]
fn scenes_survive_being_written() {
    for file in files() {
        let scene = Scene::load(&file).unwrap();
        let directory = std::env::temp_dir().join(format!("flatout-scenes-{}", std::process::id()));
        std::fs::create_dir_all(&directory).unwrap();
        let copy = directory.join("copy.yaml");
        let text = scene.to_yaml(&directory);
        std::fs::write(&copy, &text).unwrap();
        let again = Scene::load(&copy).unwrap_or_else(|e| panic!("{e}\n{text}"));
        assert!(is_same(&again.problem.start, &scene.problem.start), "{text}");
        assert_eq!(again.problem.goals.len(), scene.problem.goals.len());
        let mut goals = again.problem.goals.iter().zip(&scene.problem.goals);
        assert!(goals.all(|(a, b)| is_same(a, b)), "{text}");
        assert_eq!(again.problem.smoothness, scene.problem.smoothness);
        assert_eq!(again.problem.mechanism.limits, scene.problem.mechanism.limits);
        assert_eq!(again.options, scene.options);
        std::fs::remove_dir_all(&directory).unwrap();
    }
}
