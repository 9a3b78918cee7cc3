//! Robots on bases: the suites of others read and understood, points planned, their controls replayed.

mod common;

use common::replay::replay;
use common::{dynobench_instances, kinopax_problem};
use flatout::base::{Actuation, Base, Quadrotor};
use flatout::bench::dynobench::{self, Model};
use flatout::bench::kinopax::System;
use flatout::certify::{CertifyOptions, certify};
use flatout::check::Backend;
use flatout::plan::{Departure, EndFault, PlanError, PlanOptions, Solution, plan};
use flatout::pose::Pose;
use flatout::problem::{JointState, Problem};
use flatout::robot::{JointLimits, Mechanism, Robot};
use flatout::scene::Scene;
use flatout::world::{Obstacle, Shape, World};
use glam::DVec3;
use std::path::Path;

/// A control that holds the state where flight needs one, else none.
fn holding(base: &Base) -> Vec<f64> {
    match base {
        Base::PlanarQuadrotor(_) => vec![1.0; 2],
        Base::Quadrotor(Quadrotor { actuation: Actuation::Rotors { .. }, .. }) => vec![1.0; 4],
        Base::Quadrotor(_) => vec![1.0, 0.0, 0.0, 0.0],
        _ => vec![0.0; base.control_names().len()],
    }
}

/// Smallest gap between the body in a state and the world, metres.
fn clearance(model: &Model, world: &World, state: &[f64]) -> f64 {
    let base = &model.base;
    let flat = base.flatten(state, &holding(base), [0.0; 2]).expect("a regular state");
    // A differential drive that stands is turned by its guide; a car that stands has a course still.
    let sample = base.unflatten(&flat).expect("a regular state");
    let limits = vec![JointLimits::NONE; base.coordinates().len()];
    let robot =
        Robot::of_spheres("body", model.body.clone()).on_base(base.clone(), &limits, model.trailer.clone());
    let all = robot.independent_joints();
    let mechanism = Mechanism::new(&robot, &all, &robot.neutral(), Pose::IDENTITY).expect("joints");
    let mut poses = Vec::new();
    mechanism.place(&sample.coordinates, &mut poses);
    let mut least = f64::INFINITY;
    for link in &mechanism.links {
        for sphere in &mechanism.spheres[link.spheres.clone()] {
            let center = poses[link.body].point(sphere.center);
            let gap = |o: &Obstacle| o.signed_distance(center) - sphere.radius;
            least = world.obstacles.iter().map(gap).fold(least, f64::min);
        }
    }
    least
}

#[test]
fn dynobench_is_read_whole() {
    let Some(instances) = dynobench_instances() else { return };
    let counted = |system: &str| instances.iter().filter(|i| i.system == system).count();
    let systems = ["unicycle1_v0", "unicycle2_v0", "car1_v0", "quad2d_v0", "quadrotor_v0", "quadrotor_v1"];
    assert_eq!(systems.map(counted), [3, 3, 2, 6, 5, 5]);
    assert_eq!(counted("integrator2_2d_v0"), 2);
    assert_eq!(instances.iter().filter(|i| i.reference.is_some()).count(), 24);
    for instance in &instances {
        let name = format!("{}/{}", instance.system, instance.name);
        let Some(model) = &instance.model else {
            assert_eq!(instance.system, "integrator1_2d_v0");
            continue;
        };
        let (environment, task) = (&instance.environment, instance.environment.robot.as_ref().unwrap());
        for state in [&task.start, &task.goal] {
            let gap = clearance(model, &environment.world(model.axes()), state);
            assert!(gap > 0.0, "{name}: {state:?} has a clearance of {gap} m");
            for ((&p, &lower), &upper) in state.iter().zip(&environment.lower).zip(&environment.upper) {
                assert!((lower..=upper).contains(&p), "{name}: {state:?}");
            }
        }
    }
}

#[test]
fn kinopax_is_read_whole() {
    let boxes = [
        ("trees", 158, System::Point),
        ("house", 81, System::Airplane),
        ("narrowPassage", 2, System::Point),
        ("quadTrees", 158, System::Quadrotor),
        ("quadHouse", 81, System::Quadrotor),
    ];
    for (name, count, system) in boxes {
        let Some(Problem { world, .. }) = kinopax_problem(name, system) else { return };
        assert_eq!(world.obstacles.len(), count, "{name}");
        let free = |p| world.obstacles.iter().all(|o| o.signed_distance(p) > 0.0);
        assert!(free(system.start()) && free(system.goal().0), "{name}");
    }
}

fn solve(problem: &Problem, options: &PlanOptions) -> Solution {
    let mut checker = Backend::Simd.checker(problem, options.resolution).expect("lanes");
    let solution = plan(problem, &mut *checker, options).unwrap_or_else(|why| panic!("{why}"));
    certify(problem, &solution.trajectory, &CertifyOptions::default()).expect("a valid answer");
    solution
}

/// Every seed, and every answer replayed.
fn solve_and_replay(problem: &Problem, options: &PlanOptions, seeds: u64) {
    for seed in 0..seeds {
        let solution = solve(problem, &PlanOptions { seed, ..options.clone() });
        replay(problem, &solution.trajectory);
    }
}

#[test]
fn points_among_the_boxes_of_kinopax() {
    for name in ["trees", "house", "narrowPassage"] {
        let Some(problem) = kinopax_problem(name, System::Point) else { return };
        let options = PlanOptions { resolution: Some(0.02), range: Some(0.5), ..PlanOptions::default() };
        solve_and_replay(&problem, &options, 5);
    }
}

/// A body without size has no distance from a box that it is in.
#[test]
fn a_point_within_a_box_collides() {
    let shape = Shape::Cuboid { half_extents: DVec3::ONE };
    let world = World { obstacles: vec![Obstacle { name: "box".into(), shape, pose: Pose::IDENTITY }] };
    for system in [System::Point, System::Quadrotor] {
        let mut problem = system.problem(world.clone()).expect("a problem");
        problem.start.position[..3].copy_from_slice(&[0.3, 0.2, 0.1]);
        for backend in [Backend::Scalar, Backend::Simd] {
            let mut checker = backend.checker(&problem, 0.02).expect("a backend of the CPU");
            let answer = plan(&problem, &mut *checker, &PlanOptions::default());
            assert!(matches!(answer, Err(PlanError::Start(EndFault::Invalid(_)))), "{answer:?}");
        }
    }
}

#[test]
fn integrators_of_dynobench() {
    let Some(instances) = dynobench_instances() else { return };
    let mut planned = 0;
    for instance in instances {
        // Of one type there is no model.
        let Ok(problem) = instance.problem().expect("within limits") else { continue };
        if problem.mechanism.vehicle().is_none() {
            solve_and_replay(&problem, &PlanOptions::default(), 5);
            planned += 1;
        }
    }
    assert_eq!(planned, 2);
}

/// How long answers take to be driven and flown, beside the reference: the median of a few seeds. Another level of
/// SIMD gives other routes, hence more room than the table of the README leaves.
#[test]
fn durations_on_dynobench_are_near_the_reference() {
    const MOST: f64 = 1.45;
    let Some(instances) = dynobench_instances() else { return };
    let mut compared = 0;
    for instance in instances.iter().filter(|instance| instance.model.is_some()) {
        let Some(reference) = instance.reference else { continue };
        let problem = instance.problem().expect("within limits").expect("a model");
        let options = PlanOptions { time_limit: None, ..dynobench::options() };
        let duration = |seed| solve(&problem, &PlanOptions { seed, ..options.clone() }).trajectory.duration();
        let mut durations: Vec<f64> = (0..5).map(duration).collect();
        durations.sort_by(f64::total_cmp);
        let ratio = durations[2] / reference;
        assert!(ratio < MOST, "{}/{}: {ratio:.3} of {reference} s", instance.system, instance.name);
        compared += 1;
    }
    assert_eq!(compared, 24);
}

#[test]
fn a_scene_with_a_point_is_planned_and_replayed() {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("scenes/point_yard.yaml");
    let scene = Scene::load(&file).expect("a good scene");
    solve_and_replay(&scene.problem, &scene.options, 5);
}

/// Our own scenes of what drives and flies.
#[test]
fn scenes_with_vehicles_are_planned_and_replayed() {
    for name in [
        "drive_boxes",
        "drive_dock",
        "car_parking",
        "car_trailer",
        "airplane_gate",
        "planar_quadrotor_gap",
        "quadrotor_window",
        "manipulator_doorway",
    ] {
        let file = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("scenes/{name}.yaml"));
        let scene = Scene::load(&file).expect("a good scene");
        let options = PlanOptions { time_limit: None, max_samples: 200_000, ..scene.options };
        solve_and_replay(&scene.problem, &options, 2);
    }
}

/// Anew on the way, from the state that a drive has there.
#[test]
fn a_drive_turns_to_another_goal() {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("scenes/drive_dock.yaml");
    let scene = Scene::load(&file).expect("a good scene");
    let first = solve(&scene.problem, &scene.options);
    let changed = Problem { goals: vec![JointState::at_rest(vec![3.0, 1.0, 0.5])], ..scene.problem.clone() };
    let departure = Departure { running: &first.trajectory, from: 2.0 };
    assert_eq!(departure.refusal(&changed), None);
    let next = solve(&departure.problem(&changed), &scene.options);
    let (whole, _) = departure
        .join(&changed, &next.trajectory, &CertifyOptions::default())
        .unwrap_or_else(|violation| panic!("{violation}"));
    assert!((whole.duration() - 2.0 - next.trajectory.duration()).abs() < 1e-9);
    replay(&Problem { goals: changed.goals.clone(), ..scene.problem }, &whole);
}
