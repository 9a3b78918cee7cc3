//! Nonholonomic bases, planned: every kind, on worlds of our own and of dynobench and Kino-PAX.
//! Every answer is certified anew, and its controls are replayed.

mod common;

use common::replay::replay;
use common::{dynobench_instances, kinopax_problem};
use flatout::base::{Airplane, Base, Car, DifferentialDrive, DriveAcceleration, Trailer};
use flatout::bench::families::{FamilyKind, Vehicle};
use flatout::bench::kinopax::System;
use flatout::certify::{CertifyOptions, certify};
use flatout::check::{Backend, Status};
use flatout::local_planner::PathPlanner;
use flatout::plan::{Budget, EndFault, PlanError, PlanOptions, Quality, Solution, plan, plan_on_threads};
use flatout::pose::Pose;
use flatout::problem::{GRAVITY, JointState, Problem, Smoothness};
use flatout::refine::{Route, drive_by_arcs};
use flatout::robot::{JointLimits, Mechanism, Robot, Sphere};
use flatout::scene::Scene;
use flatout::steer::{Curve, DriveDirection, EndSpeeds, PathLimits, PathState};
use flatout::world::{Obstacle, Shape, World};
use glam::DVec3;
use std::f64::consts::FRAC_PI_2;
use std::path::Path;
use std::time::Duration;

const BOTH_WAYS: DifferentialDrive =
    DifferentialDrive { speed: [-0.5, 0.5], turn_rate: [-0.8, 0.8], acceleration: None };
const ACCELERATION: DriveAcceleration = DriveAcceleration { linear: 0.4, angular: 0.6 };

fn drive(acceleration: Option<DriveAcceleration>) -> Base {
    Base::DifferentialDrive(DifferentialDrive { acceleration, ..BOTH_WAYS })
}

fn car(acceleration: f64, steering_rate: f64, trailer: Option<Trailer>) -> Base {
    let (wheelbase, speed, steering) = (0.25, [-0.3, 0.5], 0.9);
    Base::Car(Car { wheelbase, speed, steering, steering_rate, acceleration, trailer })
}

/// Through a gap in a wall across a room of 6 m by 4 m, a body of 0.2 m in radius, from `start` to `goal`:
/// states of the base.
fn through_a_gap(base: Base, start: &[f64], goal: &[f64]) -> Problem {
    let mut limits = vec![JointLimits::NONE; base.coordinates().len()];
    for (limits, upper) in limits.iter_mut().zip([6.0, 4.0, 3.0]).take(if start.len() == 6 { 3 } else { 2 }) {
        (limits.lower, limits.upper) = (0.0, upper);
    }
    let ball = vec![Sphere { center: DVec3::ZERO, radius: 0.2 }];
    let trailer =
        if matches!(&base, Base::Car(Car { trailer: Some(_), .. })) { ball.clone() } else { Vec::new() };
    let state = |state: &[f64]| {
        let [position, velocity] = base.configuration(state).expect("a regular state");
        JointState { velocity, ..JointState::at_rest(position) }
    };
    let (start, goals) = (state(start), vec![state(goal)]);
    let robot = Robot::of_spheres("body", ball).on_base(base, &limits, trailer);
    let all = robot.independent_joints();
    let wall = |name: &str, y: f64| Obstacle {
        name: name.to_owned(),
        shape: Shape::Cuboid { half_extents: DVec3::new(0.1, 1.0, 5.0) },
        pose: Pose::from_translation(DVec3::new(3.0, y, 0.0)),
    };
    Problem {
        mechanism: Mechanism::new(&robot, &all, &robot.neutral(), Pose::IDENTITY).expect("joints"),
        world: World { obstacles: vec![wall("right of the gap", 0.5), wall("left of the gap", 3.5)] },
        start,
        goals,
        smoothness: Smoothness::Acceleration,
        torque: false,
        gravity: GRAVITY,
    }
}

fn answer(problem: &Problem, options: &PlanOptions) -> Result<Solution, PlanError> {
    let mut checker = Backend::Simd.checker(problem, options.resolution).expect("lanes");
    plan(problem, &mut *checker, options)
}

fn solve(problem: &Problem, options: &PlanOptions) -> Solution {
    let solution = answer(problem, options).unwrap_or_else(|why| panic!("{why}"));
    certify(problem, &solution.trajectory, &CertifyOptions::default()).expect("a valid answer");
    solution
}

/// Samples are all that bounds a test's search, so that it passes on any machine.
fn options(seed: u64) -> PlanOptions {
    PlanOptions { seed, time_limit: None, max_samples: 200_000, ..PlanOptions::default() }
}

fn solve_and_replay(problem: &Problem, seeds: u64) {
    for seed in 0..seeds {
        replay(problem, &solve(problem, &options(seed)).trajectory);
    }
}

#[test]
fn drives_go_through_a_gap() {
    let goal = [5.0, 3.0, FRAC_PI_2];
    solve_and_replay(&through_a_gap(drive(None), &[1.0, 1.0, 2.0], &goal), 4);
    let one_way = |turn_rate| DifferentialDrive { speed: [0.25, 0.5], turn_rate, acceleration: None };
    for turn_rate in [[-0.8, 0.8], [-0.4, 0.8]] {
        let base = Base::DifferentialDrive(one_way(turn_rate));
        solve_and_replay(&through_a_gap(base, &[1.0, 1.0, FRAC_PI_2], &goal), 2);
    }
}

#[test]
fn drives_of_second_order_go_through_a_gap() {
    let base = || drive(Some(ACCELERATION));
    solve_and_replay(&through_a_gap(base(), &[1.0, 1.0, 2.0, 0.0, 0.0], &[5.0, 3.0, 0.0, 0.0, 0.0]), 3);
    // From a curve at speed to a curve in reverse, and from turning on the spot.
    solve_and_replay(&through_a_gap(base(), &[1.0, 1.0, 0.5, 0.4, 0.3], &[5.0, 3.0, 0.0, -0.2, 0.1]), 3);
    solve_and_replay(&through_a_gap(base(), &[1.0, 1.0, 0.5, 0.0, 0.5], &[5.0, 3.0, 0.0, 0.0, -0.5]), 3);
}

#[test]
fn cars_go_through_a_gap() {
    let (start, goal) = ([1.0, 1.0, 2.0], [5.0, 3.0, -FRAC_PI_2]);
    for base in [car(f64::INFINITY, f64::INFINITY, None), car(0.5, f64::INFINITY, None), car(0.5, 0.8, None)]
    {
        solve_and_replay(&through_a_gap(base, &start, &goal), 3);
    }
}

#[test]
fn trailers_go_through_a_gap() {
    let trailer = Some(Trailer { hitch_length: 0.5, angle: 0.8 });
    let goal = [5.0, 2.6, 0.5, 0.5];
    for (acceleration, steering_rate) in [(f64::INFINITY, f64::INFINITY), (0.5, 1.0)] {
        for start in [[1.2, 1.0, 1.0, 1.0], [1.2, 1.0, 1.3, 1.0]] {
            solve_and_replay(&through_a_gap(car(acceleration, steering_rate, trailer), &start, &goal), 2);
        }
    }
}

/// Ahead by 2 m and back by 1 m becomes ahead by 1 m, whatever the heading; but not where the wheels take time
/// to turn.
#[test]
fn arcs_save_a_detour() {
    let trailer = Some(Trailer { hitch_length: 0.5, angle: 0.8 });
    for (heading, steering_rate) in
        [(0.0, f64::INFINITY), (1.2, f64::INFINITY), (-2.4, f64::INFINITY), (0.0, 1.0)]
    {
        let base = car(f64::INFINITY, steering_rate, trailer);
        let problem = through_a_gap(base, &[1.5, 1.5, heading, heading], &[1.5, 1.5, heading, heading]);
        let limits = PathLimits::of(&problem.mechanism).expect("it follows a course");
        let mut checker = Backend::Simd.checker(&problem, 0.05).expect("lanes");
        let mut planner = PathPlanner::new(&problem.mechanism, &limits, &mut *checker);
        let at = |way: f64| PathState {
            place: [0.9 + way * heading.cos(), 1.9 + way * heading.sin(), 0.0],
            heading,
            curvature: Some(0.0),
            ..PathState::default()
        };
        let curves = vec![
            Curve::line(&at(0.0), &at(2.0), DriveDirection::Forward),
            Curve::line(&at(2.0), &at(1.0), DriveDirection::Reverse),
        ];
        let detour = Route { curves, ends: EndSpeeds { first: Some(0.0), last: Some(0.0) } };
        let faster = drive_by_arcs(&detour, &problem, &mut planner, 0.0).expect("lanes that work");
        assert_eq!(faster.is_some(), steering_rate.is_infinite(), "heading {heading}");
        if let Some(faster) = faster {
            let duration = faster.estimate(&limits);
            assert!(duration < 1.02 * 1.0 / 0.5, "{duration} s, heading {heading}");
            let end = faster.curves[faster.curves.len() - 1].stance(1.0);
            assert!(DVec3::from(end.place).distance(at(1.0).place.into()) < 1e-9);
        }
    }
}

#[test]
fn airplanes_go_through_a_gap() {
    let airplane = |speed| {
        Base::Airplane(Airplane { speed, acceleration: 0.5, yaw_rate: 0.8, pitch_rate: 0.8, pitch: 0.9 })
    };
    let (start, goal) = ([0.6, 2.0, 0.6, 0.3, 0.0, 0.3], [5.4, 2.5, 1.5, 0.2, 0.1, 0.4]);
    for least in [0.0, 0.2] {
        solve_and_replay(&through_a_gap(airplane([least, 0.6]), &start, &goal), 3);
    }
}

#[test]
fn scenes_of_vehicles_that_drive_and_glide() {
    for scene in
        ["drive_boxes", "drive_dock", "car_parking", "car_trailer", "airplane_gate", "manipulator_doorway"]
    {
        let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("scenes").join(format!("{scene}.yaml"));
        let Scene { problem, options, .. } = Scene::load(&file).unwrap_or_else(|e| panic!("{e}"));
        for seed in 0..2 {
            let options = PlanOptions { seed, time_limit: None, ..options.clone() };
            replay(&problem, &solve(&problem, &options).trajectory);
        }
    }
}

#[test]
fn dynobench_on_wheels() {
    let Some(instances) = dynobench_instances() else { return };
    let mut planned = 0;
    for instance in instances {
        let problem = instance.problem().expect("within limits");
        let Some(problem) = problem.ok().filter(|p| p.mechanism.vehicle().is_some_and(Base::follows_course))
        else {
            continue;
        };
        solve_and_replay(&problem, 2);
        planned += 1;
    }
    assert_eq!(planned, 8);
}

#[test]
fn kinopax_with_wings() {
    for name in ["trees", "house"] {
        let Some(problem) = kinopax_problem(name, System::Airplane) else { return };
        for seed in 0..2 {
            let options = PlanOptions { resolution: Some(0.02), range: Some(0.5), ..options(seed) };
            replay(&problem, &solve(&problem, &options).trajectory);
        }
    }
}

#[test]
fn a_seed_gives_one_trajectory() {
    let problem =
        through_a_gap(drive(Some(ACCELERATION)), &[1.0, 1.0, 2.0, 0.0, 0.0], &[5.0, 3.0, 0.0, 0.0, 0.0]);
    let trajectory = |seed| solve(&problem, &options(seed)).trajectory;
    assert_eq!(trajectory(3), trajectory(3));
    assert_ne!(trajectory(3), trajectory(4));
    let on_threads = |threads| {
        let checker = || Backend::Simd.checker(&problem, 0.05);
        let answer = plan_on_threads(&problem, checker, &options(3), threads);
        answer.unwrap_or_else(|why| panic!("{why}")).trajectory
    };
    assert_eq!(on_threads(1), trajectory(3));
    assert_eq!(on_threads(3), on_threads(3));
}

#[test]
fn more_searches_give_no_longer_answers() {
    let problem = through_a_gap(drive(None), &[1.0, 1.0, 2.0], &[5.0, 3.0, FRAC_PI_2]);
    let duration = |quality: Quality| {
        let mut options = options(1);
        quality.apply(&mut options);
        solve(&problem, &options).trajectory.duration()
    };
    assert!(duration(Quality::Balanced) <= duration(Quality::Fast));
}

#[test]
fn a_goal_that_is_the_start_takes_no_time() {
    let problem = through_a_gap(drive(None), &[1.0, 1.0, 2.0], &[1.0, 1.0, 2.0]);
    assert_eq!(solve(&problem, &options(0)).trajectory.duration(), 0.0);
}

#[test]
fn failures_say_why() {
    let inside = through_a_gap(drive(None), &[3.0, 1.0, 0.0], &[5.0, 3.0, 0.0]);
    let Err(PlanError::Start(EndFault::Invalid(why))) = answer(&inside, &options(0)) else {
        panic!("a start in a wall")
    };
    assert_eq!((why.status, why.other.as_str()), (Status::World, "right of the gap"));

    let outside = through_a_gap(drive(None), &[1.0, 1.0, 0.0], &[7.0, 3.0, 0.0]);
    let Err(PlanError::Goal(EndFault::Invalid(why))) = answer(&outside, &options(0)) else {
        panic!("a goal outside")
    };
    assert_eq!((why.status, why.subject.as_str()), (Status::Position, "x"));

    let mut walled = through_a_gap(drive(None), &[1.0, 1.0, 0.0], &[5.0, 3.0, 0.0]);
    walled.world.obstacles[0].shape = Shape::Cuboid { half_extents: DVec3::new(0.1, 9.0, 5.0) };
    let few = PlanOptions { max_samples: 500, ..options(0) };
    let Err(PlanError::Budget(unsolved)) = answer(&walled, &few) else { panic!("no way") };
    assert_eq!((unsolved.budget, unsolved.statistics.iterations), (Budget::Samples, 500));
    let brief = PlanOptions { time_limit: Some(Duration::from_millis(20)), ..options(0) };
    let Err(PlanError::Budget(unsolved)) = answer(&walled, &brief) else { panic!("no way") };
    assert_eq!(unsolved.budget, Budget::Time);
}

/// A scene in which nothing is to be touched, and how long it may take at most, seconds.
const AT_LIMITS: [(&str, &str, &str, f64); 6] = [
    (DRIVE, "{position: [0, 0], heading: 0, speed: 1.2}", "{position: [8, 0], heading: 0}", 7.8),
    (
        DRIVE,
        "{position: [0, 0], heading: 0, speed: 1.0}",
        "{position: [0.1, 0], heading: 0, speed: 1.0}",
        0.11,
    ),
    (
        GLIDER,
        "{position: [0, 0, 100], heading: 0, speed: 10}",
        "{position: [1, 0, 100], heading: 0, speed: 10}",
        0.11,
    ),
    (
        GLIDER,
        "{position: [0, 0, 100], heading: 0, speed: 10}",
        "{position: [10, 0.5, 100], heading: 0.1, speed: 10}",
        1.1,
    ),
    (
        GLIDER,
        "{position: [0, 0, 100], heading: 0, speed: 10}",
        "{position: [12, 0, 100], heading: 0, speed: 10}",
        1.25,
    ),
    (
        GLIDER,
        "{position: [0, 0, 100], heading: 0, speed: 8}",
        "{position: [12, 0, 100], heading: 0, speed: 8}",
        1.5,
    ),
];
const DRIVE: &str = "differential_drive: {speed: [-0.5, 1.2], turn_rate: [-1.2, 1.2], acceleration: 0.6, \
                     turn_acceleration: 2, lower: [-5, -5], upper: [15, 5], body: {radius: 0.2}}";
const GLIDER: &str = "airplane: {speed: [8, 12], acceleration: 2, yaw_rate: 0.5, pitch_rate: 0.5, pitch: 0.6, \
                      lower: [-100, -100, 0], upper: [200, 100, 200], body: {radius: 0.5}}";

/// Ends exactly at a limit, and goals a step ahead at speed: by every quality, no loop, and better is never worse.
#[test]
fn ends_at_limits_and_just_ahead_are_no_detours() {
    for (robot, start, goal, most) in AT_LIMITS {
        let text = format!("robot: {{{robot}}}\nworld: []\nstart: {start}\ngoal: {goal}\n");
        let Scene { problem, options, .. } = Scene::read(&text, Path::new("limits.yaml")).unwrap();
        let mut last = most;
        for quality in [Quality::Fast, Quality::Balanced, Quality::Best] {
            let mut options = PlanOptions { time_limit: None, max_samples: 10_000, ..options.clone() };
            quality.apply(&mut options);
            let solution = answer(&problem, &options).unwrap_or_else(|e| panic!("{text}: {quality:?}: {e}"));
            let duration = solution.trajectory.duration();
            assert!(duration <= last * (1.0 + 1e-3), "{text}: {quality:?} takes {duration} s after {last} s");
            last = last.min(duration);
        }
    }
}

/// Cars of 4.3 m into parallel bays a metre longer, and drives that cannot stop through mazes: every seed.
#[test]
fn narrow_places_are_passed_by_every_seed() {
    let pairs = [(FamilyKind::Parking, Vehicle::SmallCar), (FamilyKind::Maze, Vehicle::MinSpeedDrive)];
    for (kind, vehicle) in pairs {
        for seed in 0..4 {
            let instance = kind.instance(vehicle, seed).unwrap();
            let solution = answer(&instance.scene.problem, &options(0));
            assert!(solution.is_ok(), "{kind:?} {vehicle:?} {seed}: {:?}", solution.err());
        }
    }
}

/// Problems of families that were long in the search, or never certified: mazes through whose doors one shortest path
/// leads to the next, and a forest whose shortened routes left out a stop without keeping the curvature.
#[test]
fn narrow_places_lead_to_the_goal() {
    let problems = [
        (FamilyKind::Maze, Vehicle::Car, 9),
        (FamilyKind::Maze, Vehicle::Airplane, 4),
        (FamilyKind::Maze, Vehicle::Drive, 19),
        (FamilyKind::Forest, Vehicle::Drive, 0),
    ];
    for (kind, vehicle, seed) in problems {
        let problem = kind.instance(vehicle, seed).unwrap().scene.problem;
        let options = PlanOptions { seed, time_limit: None, max_samples: 4000, ..PlanOptions::default() };
        let mut checker = Backend::Simd.checker(&problem, options.resolution.unwrap_or(0.05)).unwrap();
        let solution = plan(&problem, &mut *checker, &options)
            .unwrap_or_else(|why| panic!("{kind:?} {vehicle:?}: {why}"));
        certify(&problem, &solution.trajectory, &CertifyOptions::default()).unwrap();
    }
}

/// Whatever takes longer to plan is no longer to drive.
#[test]
fn better_qualities_are_never_longer() {
    let problems = [(FamilyKind::Parking, Vehicle::SmallCar, 1), (FamilyKind::Corridor, Vehicle::Drive, 2)];
    for (kind, vehicle, seed) in problems {
        let problem = kind.instance(vehicle, seed).unwrap().scene.problem;
        let durations = Quality::ALL.map(|quality| {
            let mut options = PlanOptions { seed, time_limit: None, ..PlanOptions::default() };
            quality.apply(&mut options);
            let mut checker = Backend::Simd.checker(&problem, options.resolution.unwrap_or(0.05)).unwrap();
            plan(&problem, &mut *checker, &options).unwrap().trajectory.duration()
        });
        assert!(durations[0] >= durations[1] && durations[1] >= durations[2], "{kind:?}: {durations:?}");
    }
}
