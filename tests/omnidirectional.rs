//! Plans for omnidirectional bases, and for arms on whatever drives: solved, certified, and as fast as what they are made
//! of allows.

mod common;

use common::replay::replay;
use flatout::base::{Base, Car, MecanumWheels, Omnidirectional, Trailer};
use flatout::bench::families::{FamilyKind, Vehicle};
use flatout::certify::certify;
use flatout::check::Backend;
use flatout::plan::{Departure, EndFault, PlanError, PlanOptions, Solution, plan, plan_on_threads, replan};
use flatout::pose::Pose;
use flatout::problem::{JointState, Problem, Smoothness};
use flatout::robot::{Joint, JointKind, JointLimits, Link, Mechanism, Robot, Sphere};
use flatout::scene::Scene;
use flatout::world::{Obstacle, Shape, World};
use glam::DVec3;
use proptest::prelude::*;
use rand::{RngExt, SeedableRng};
use rand_pcg::Pcg64Mcg;
use std::f64::consts::{FRAC_PI_2, PI};
use std::path::Path;

const WHEELS: MecanumWheels = MecanumWheels { radius: 0.1, half_length: 0.25, half_width: 0.2, rate: 13.0 };

fn omnidirectional() -> Base {
    Base::Omnidirectional(Omnidirectional {
        velocity: [1.0, 0.8, 1.5],
        acceleration: [0.8, 0.8, 2.5],
        wheels: Some(WHEELS),
    })
}

/// A body 0.7 m long and 0.3 m wide of three balls, perhaps with an arm of two joints that swings level above it.
fn robot(base: Base, has_arm: bool) -> Mechanism {
    let ball = |x: f64| Sphere { center: DVec3::new(x, 0.0, 0.2), radius: 0.15 };
    let mut robot = Robot::of_spheres("body", [-0.2, 0.0, 0.2].map(ball).into());
    for (parent, name) in ["upper arm", "fore arm"].into_iter().enumerate().filter(|_| has_arm) {
        let along = |x: f64| Sphere { center: DVec3::new(x, 0.0, 0.0), radius: 0.06 };
        let spheres = vec![along(0.1), along(0.2), along(0.3)];
        robot.links.push(Link { name: name.into(), spheres, ..robot.links[0].clone() });
        robot.joints.push(Joint {
            name: format!("joint of the {name}"),
            kind: JointKind::Revolute,
            parent,
            origin: Pose::from_translation([DVec3::new(0.2, 0.0, 0.6), DVec3::X * 0.35][parent]),
            axis: DVec3::Z,
            limits: JointLimits {
                lower: -2.5,
                upper: 2.5,
                velocity: 1.5,
                acceleration: 4.0,
                ..JointLimits::NONE
            },
            mimic: None,
        });
    }
    let axis = JointLimits { lower: -5.0, upper: 5.0, ..JointLimits::NONE };
    let mut limits = vec![JointLimits::NONE; base.coordinates().len()];
    limits[..2].fill(axis);
    let drawn = matches!(&base, Base::Car(car) if car.trailer.is_some());
    let robot = robot.on_base(base, &limits, if drawn { vec![ball(0.0)] } else { Vec::new() });
    Mechanism::new(&robot, &robot.independent_joints(), &robot.neutral(), Pose::IDENTITY).unwrap()
}

fn pillar(x: f64, y: f64, radius: f64) -> Obstacle {
    let shape = Shape::Cylinder { radius, half_length: 1.0 };
    Obstacle { name: "pillar".into(), shape, pose: Pose::from_translation(DVec3::new(x, y, 0.5)) }
}

fn problem(mechanism: Mechanism, obstacles: Vec<Obstacle>, start: JointState, goal: JointState) -> Problem {
    Problem {
        mechanism,
        world: World { obstacles },
        start,
        goals: vec![goal],
        smoothness: Smoothness::Acceleration,
        torque: false,
        gravity: flatout::problem::GRAVITY,
    }
}

fn open(start: JointState, goal: JointState) -> Problem {
    problem(robot(omnidirectional(), false), Vec::new(), start, goal)
}

/// By counts, not by the clock.
fn options(seed: u64) -> PlanOptions {
    PlanOptions { seed, time_limit: None, max_samples: 60_000, ..PlanOptions::default() }
}

fn planned(problem: &Problem, seed: u64) -> Result<Solution, PlanError> {
    let options = options(seed);
    let mut checker = Backend::Simd.checker(problem, options.resolution).unwrap();
    plan(problem, &mut *checker, &options)
}

fn solved(problem: &Problem, seed: u64) -> Solution {
    let solution = planned(problem, seed).unwrap_or_else(|why| panic!("seed {seed}: {why}"));
    assert_eq!(certify(problem, &solution.trajectory, &Default::default()).map(|_| ()), Ok(()));
    assert!(solution.certificate.goal < problem.goals.len());
    solution
}

fn at(x: f64, y: f64, heading: f64) -> JointState {
    JointState::at_rest(vec![x, y, heading])
}

/// How far the heading turns, rad.
fn turned(solution: &Solution) -> f64 {
    let heading = |t: f64| {
        let mut values = vec![0.0; solution.trajectory.dof()];
        solution.trajectory.evaluate(t, 0, &mut values);
        values[2]
    };
    heading(solution.trajectory.duration()) - heading(0.0)
}

/// Straight ways take what the limits in the frame of the body allow: ahead faster than to the side, and neither as
/// slowly as any heading would.
#[test]
fn straight_ways_are_as_fast_as_the_body_allows() {
    // 4 m at so much speed and acceleration: s / v + v / a.
    for (heading, speed, acceleration) in [(0.0, 1.0, 0.8), (FRAC_PI_2, 0.8, 0.8), (PI, 1.0, 0.8)] {
        let problem = open(at(-2.0, 0.0, heading), at(2.0, 0.0, heading));
        let duration = solved(&problem, 0).trajectory.duration();
        let least = 4.0 / speed + speed / acceleration;
        // It may turn a little, to where it is faster.
        assert!(duration > 0.9 * least && duration < 1.03 * least, "{heading}: {duration} of {least}");
    }
    // Along a diagonal of the body the wheels bound the speed: |u| + |v| <= 1.3.
    let problem = open(at(-1.5, -1.5, 0.0), at(1.5, 1.5, 0.0));
    let duration = solved(&problem, 0).trajectory.duration();
    let (speed, acceleration) = (1.3 / 2.0_f64.sqrt(), 0.8 * 2.0_f64.sqrt());
    let least = 18.0_f64.sqrt() / speed + speed / acceleration;
    assert!(duration > 0.85 * least && duration < 1.03 * least, "{duration} of {least}");
}

#[test]
fn headings_turn_the_short_way() {
    for (from, to, by) in
        [(3.0, -3.0, 2.0 * PI - 6.0), (0.2, 12.0, 11.8 - 4.0 * PI), (-9.0, 0.0, 9.0 - 2.0 * PI)]
    {
        let solution = solved(&open(at(0.0, 0.0, from), at(1.0, 0.0, to)), 0);
        assert!((turned(&solution) - by).abs() < 1e-6, "{from} to {to}: {}", turned(&solution));
    }
}

/// In a round corridor that is too narrow to turn in, it is turned by the corridor, whichever way that leads: by
/// half a turn to the left, or to the right, to the same goal.
#[test]
fn headings_turn_the_way_that_there_is() {
    for side in [1.0, -1.0] {
        // Half a ring of pillars inside and outside a lane of 0.44 m, which the body fills by its 0.3 m.
        let mut obstacles = Vec::new();
        for i in -6..=54 {
            let angle = f64::from(i) * PI / 48.0;
            for (radius, size) in [(1.0, 0.08), (1.6, 0.08)] {
                let (sin, cos) = angle.sin_cos();
                obstacles.push(pillar(
                    radius * sin,
                    side * radius * (1.0 - cos) + side * (1.3 - radius),
                    size,
                ));
            }
        }
        let goal = at(0.0, 2.6 * side, PI);
        let mut problem = problem(robot(omnidirectional(), false), obstacles, at(0.0, 0.0, 0.0), goal);
        // What leads around outside is closed.
        (problem.mechanism.limits[0].lower, problem.mechanism.limits[0].upper) = (-0.3, 1.5);
        let by = turned(&solved(&problem, 1));
        assert!((by - side * PI).abs() < 1e-6, "{side}: {by}");
    }
}

/// Starts and goals may move as fast as the body may at their heading, which is faster than it may at any.
#[test]
fn ends_may_move_as_fast_as_the_body() {
    let moving = |state: JointState, velocity: [f64; 3]| JointState { velocity: velocity.into(), ..state };
    let swift = moving(at(-2.0, 0.0, FRAC_PI_2), [0.0, 0.99, 0.0]);
    let solution = solved(&open(swift.clone(), at(1.0, 1.0, 0.0)), 0);
    assert!(solution.trajectory.duration() < 8.0);
    solved(&open(at(1.0, 1.0, 0.0), moving(at(-2.0, 0.0, 0.0), [-0.95, 0.1, 0.2])), 0);
    solved(&open(swift, moving(at(2.0, 1.0, 0.5), [0.3, 0.2, -0.3])), 0);
    // To the side that is too fast.
    let sideways = moving(at(-2.0, 0.0, 0.0), [0.0, 0.99, 0.0]);
    let Err(PlanError::Start(EndFault::Invalid(why))) = planned(&open(sideways, at(1.0, 0.0, 0.0)), 0) else {
        panic!("the start is too fast")
    };
    assert_eq!((why.subject.as_str(), why.bounds), ("speed to the left", (-0.8, 0.8)));
    let Err(PlanError::Goal(EndFault::Invalid(why))) =
        planned(&open(at(1.0, 0.0, 0.0), moving(at(0.0, 0.0, 0.0), [0.7, 0.7, 0.0])), 0)
    else {
        panic!("the goal is too fast for a wheel")
    };
    assert_eq!(why.subject, "front right wheel rate");
}

#[test]
fn motions_are_left_for_others() {
    let problem = open(at(-2.0, 0.0, 0.3), at(2.0, 1.0, -0.7));
    let running = solved(&problem, 0).trajectory;
    for share in [0.2, 0.5, 0.8] {
        let departure = Departure { running: &running, from: share * running.duration() };
        let mut elsewhere = problem.clone();
        elsewhere.goals = vec![at(-1.0, 2.0, 2.0)];
        let mut checker = Backend::Simd.checker(&problem, None).unwrap();
        let next = replan(&elsewhere, &mut *checker, &options(0), &departure).unwrap();
        departure.join(&elsewhere, &next.trajectory, &Default::default()).unwrap();
    }
}

/// The same seed gives the same answer, and one thread gives what `plan` gives.
#[test]
fn answers_follow_the_seed() {
    let problem = (5..).find_map(|seed| among_pillars(omnidirectional(), false, seed)).unwrap();
    let [a, b] = [solved(&problem, 3), solved(&problem, 3)];
    assert_eq!(a.trajectory, b.trajectory);
    let checker = || Backend::Simd.checker(&problem, None);
    let threaded = plan_on_threads(&problem, checker, &options(3), 1).unwrap();
    assert_eq!(threaded.trajectory, a.trajectory);
}

/// Random pillars, and a start and a goal that are clear of them; `None` where these are not.
fn among_pillars(base: Base, has_arm: bool, seed: u64) -> Option<Problem> {
    let mut rng = Pcg64Mcg::seed_from_u64(seed);
    let obstacles: Vec<Obstacle> = (0..14)
        .map(|_| {
            pillar(rng.random_range(-2.5..2.5), rng.random_range(-2.5..2.5), rng.random_range(0.1..0.35))
        })
        .collect();
    let mechanism = robot(base, has_arm);
    let mut state = |x: f64| {
        let mut position = vec![x, rng.random_range(-2.0..2.0), rng.random_range(-PI..PI)];
        // A trailer stands straight behind.
        let base = mechanism.base.as_ref().map_or(3, |base| base.coordinates().len());
        position.resize(base, 0.0);
        position.extend((base..mechanism.dof()).map(|_| rng.random_range(-1.5..1.5)));
        JointState::at_rest(position)
    };
    let (start, goal) = (state(-3.5), state(3.5));
    let problem = problem(mechanism, obstacles, start, goal);
    let valid = |state: &JointState| flatout::check::diagnose(&problem, state).is_none();
    (valid(&problem.start) && valid(&problem.goals[0])).then_some(problem)
}

/// Arms on all that drives, over random seeds: all are solved, and the controls of the base lead along its states.
#[test]
fn mobile_manipulators_find_their_way() {
    let bases = ["manipulator_doorway.yaml", "manipulator_car.yaml", "manipulator_omni.yaml"];
    let bases = bases.map(|scene| {
        let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("scenes").join(scene);
        Scene::load(&file).unwrap_or_else(|e| panic!("{e}")).problem.mechanism.base.unwrap()
    });
    let trailer = Some(Trailer { hitch_length: 0.7, angle: 0.9 });
    let drawing = match &bases[1] {
        Base::Car(car) => Base::Car(Car { trailer, ..car.clone() }),
        other => panic!("{other:?}"),
    };
    for base in bases.into_iter().chain([drawing]) {
        let mut found = 0;
        for problem in (0..).filter_map(|seed| among_pillars(base.clone(), true, seed)).take(8) {
            let solution = solved(&problem, 0);
            // What draws a trailer backwards is unstable: its controls lead astray.
            if !matches!(&base, Base::Car(car) if car.trailer.is_some()) {
                replay(&problem, &solution.trajectory);
            }
            found += 1;
        }
        assert_eq!(found, 8, "{}", base.name());
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, failure_persistence: None, ..ProptestConfig::default() })]

    /// Without wheels and with, with an arm and without, from anywhere to anywhere.
    #[test]
    fn random_problems_are_solved(seed in 0..1000_u64, has_wheels in any::<bool>(), has_arm in any::<bool>()) {
        let Base::Omnidirectional(base) = omnidirectional() else { unreachable!() };
        let base = Omnidirectional { wheels: has_wheels.then_some(WHEELS), ..base };
        let Some(problem) = among_pillars(Base::Omnidirectional(base), has_arm, seed) else { return Ok(()) };
        let solution = solved(&problem, seed);
        replay(&problem, &solution.trajectory);
    }
}

/// The families of the benchmark, a few seeds each: as they are drawn for a drive of the same body.
#[test]
fn families_are_solved() {
    for kind in FamilyKind::ALL.into_iter().filter(|kind| kind.vehicles().contains(&Vehicle::Omnidirectional))
    {
        for seed in 0..4 {
            let scene = kind.instance(Vehicle::Omnidirectional, seed).unwrap().scene;
            let mut checker = Backend::Simd.checker(&scene.problem, None).unwrap();
            let options = PlanOptions { range: scene.options.range, ..options(seed) };
            let solution = plan(&scene.problem, &mut *checker, &options);
            let solution = solution.unwrap_or_else(|why| panic!("{} {seed}: {why}", kind.name()));
            assert!(certify(&scene.problem, &solution.trajectory, &Default::default()).is_ok());
        }
    }
}
