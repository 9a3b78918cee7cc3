//! Quadrotors planned: every answer certified, and its controls replayed by the equations of motion.

mod common;

use common::replay::replay;
use common::{dynobench_instances, kinopax_problem};
use flatout::base::{Actuation, Base, GRAVITY as EARTH, PlanarQuadrotor, Quadrotor, VelocityAxes};
use flatout::bench::families::{FamilyKind, Vehicle};
use flatout::bench::kinopax::System;
use flatout::certify::{CertifyOptions, certify};
use flatout::check::Backend;
use flatout::plan::{Departure, PlanError, PlanOptions, Quality, Solution, plan, plan_on_threads, replan};
use flatout::pose::Pose;
use flatout::problem::{JointState, Problem, Smoothness};
use flatout::robot::{Joint, JointKind, JointLimits, Link, Mechanism, Robot, Sphere, rectangle_spheres};
use flatout::world::{Obstacle, Shape, World};
use glam::{DQuat, DVec2, DVec3};
use std::f64::consts::{FRAC_PI_2, PI};

/// A small planar quadrotor, a small one by rotors, one by thrust and moments that turns slowly.
fn kinds() -> [Base; 3] {
    [planar(), by_rotors(), by_wrench()]
}

fn planar() -> Base {
    Base::PlanarQuadrotor(PlanarQuadrotor {
        mass: 0.034,
        inertia: 1e-4,
        arm: 0.1,
        rotor: 1.3,
        velocity: 4.0,
        body_rate: 8.0,
        gravity: EARTH,
    })
}

fn by_rotors() -> Base {
    Base::Quadrotor(Quadrotor {
        mass: 0.034,
        inertia: DVec3::new(16.6e-6, 16.7e-6, 29.3e-6),
        actuation: Actuation::Rotors { arm: 0.046, torque_by_thrust: 0.006, most: 1.4 },
        velocity: 4.0,
        body_rate: 8.0,
        velocity_axes: VelocityAxes::World,
        gravity: EARTH,
    })
}

fn by_wrench() -> Base {
    let actuation = Actuation::Wrench {
        unit: [1.0; 4],
        lower: [0.0, -20.0, -20.0, -10.0],
        upper: [25.0, 20.0, 20.0, 10.0],
    };
    Base::Quadrotor(Quadrotor {
        mass: 1.0,
        inertia: DVec3::new(0.5, 0.6, 1.0),
        actuation,
        velocity: 6.0,
        body_rate: 10.0,
        velocity_axes: VelocityAxes::Body,
        gravity: EARTH,
    })
}

/// A room of 6 m a side, its corner at the origin, with boxes: centre and full size.
fn problem(base: &Base, boxes: &[[DVec3; 2]], start: JointState, goal: JointState) -> Problem {
    let body = match base {
        Base::PlanarQuadrotor(_) => flat_body(),
        _ => vec![Sphere { center: DVec3::ZERO, radius: 0.2 }],
    };
    let obstacle = |&[center, size]: &[DVec3; 2]| cuboid(size, Pose::from_translation(center));
    problem_of(base, body, boxes.iter().map(obstacle).collect(), [start, goal])
}

/// 0.25 m wide and 0.06 m high.
fn flat_body() -> Vec<Sphere> {
    rectangle_spheres(DVec2::new(0.25, 0.06), 0.01, true, 100).unwrap()
}

fn cuboid(size: DVec3, pose: Pose) -> Obstacle {
    Obstacle { name: "box".into(), shape: Shape::Cuboid { half_extents: size / 2.0 }, pose }
}

/// The room with other obstacles, and another body.
fn problem_of(base: &Base, body: Vec<Sphere>, obstacles: Vec<Obstacle>, ends: [JointState; 2]) -> Problem {
    let mut limits = vec![JointLimits::NONE; base.coordinates().len()];
    let axes = if matches!(base, Base::PlanarQuadrotor(_)) { 2 } else { 3 };
    limits[..axes].iter_mut().for_each(|l| (l.lower, l.upper) = (0.0, 6.0));
    let robot = Robot::of_spheres("body", body).on_base(base.clone(), &limits, Vec::new());
    let all = robot.independent_joints();
    let mechanism = Mechanism::new(&robot, &all, &robot.neutral(), Pose::IDENTITY).expect("joints");
    let [start, goal] = ends;
    Problem {
        mechanism,
        world: World { obstacles },
        start,
        goals: vec![goal],
        smoothness: Smoothness::Acceleration,
        torque: false,
        gravity: -base.gravity().unwrap_or(EARTH) * DVec3::Z,
    }
}

/// Hovering at a point, the middle of the room's depth for a planar one.
fn at(base: &Base, point: [f64; 3]) -> JointState {
    let [x, y, z] = point;
    JointState::at_rest(match base {
        Base::PlanarQuadrotor(_) => vec![x, z, 0.0],
        _ => vec![x, y, z, 0.0, 0.0, 0.0],
    })
}

/// The same, with something changed.
fn with(mut state: JointState, change: impl Fn(&mut JointState)) -> JointState {
    change(&mut state);
    state
}

fn answer(problem: &Problem, options: &PlanOptions) -> Result<Solution, PlanError> {
    let mut checker = Backend::Simd.checker(problem, options.resolution).expect("lanes");
    plan(problem, &mut *checker, options)
}

fn seeded(seed: u64) -> PlanOptions {
    PlanOptions { seed, time_limit: None, max_samples: 100_000, ..PlanOptions::default() }
}

/// An answer, certified by a certifier of its own, and replayed.
fn solve(problem: &Problem, options: &PlanOptions) -> Solution {
    let solution = answer(problem, options).unwrap_or_else(|why| panic!("{why}"));
    certify(problem, &solution.trajectory, &CertifyOptions::default()).expect("a valid answer");
    replay(problem, &solution.trajectory);
    solution
}

fn refused(problem: &Problem) -> String {
    answer(problem, &seeded(0)).expect_err("it is to be refused").to_string()
}

/// A wall across x with a gap of a metre in its middle; in the plane y = 0, only its height matters.
fn wall(base: &Base) -> Vec<[DVec3; 2]> {
    let part = |y: f64, z: f64, size: [f64; 2]| [DVec3::new(3.0, y, z), DVec3::new(0.3, size[0], size[1])];
    let below_and_above = [part(3.0, 1.25, [9.0, 2.5]), part(3.0, 4.75, [9.0, 2.5])];
    match base {
        Base::PlanarQuadrotor(_) => below_and_above.to_vec(),
        _ => [below_and_above, [part(1.25, 3.0, [2.5, 6.0]), part(4.75, 3.0, [2.5, 6.0])]].concat(),
    }
}

#[test]
fn from_hover_to_hover() {
    for base in kinds() {
        for to in [[4.0, 3.0, 2.0], [2.0, 3.0, 4.5], [2.0, 3.0, 1.0], [3.3, 1.7, 3.6], [2.02, 3.0, 2.01]] {
            let problem = problem(&base, &[], at(&base, [2.0, 3.0, 2.0]), at(&base, to));
            let solution = solve(&problem, &seeded(0));
            // There is nothing random about a straight line.
            assert_eq!(solution.trajectory, solve(&problem, &seeded(7)).trajectory);
        }
    }
}

/// Straight up and down the thrust jumps: it takes no longer than the thrust allows.
#[test]
fn climbs_are_as_fast_as_can_be() {
    let base = planar();
    let problem = problem(&base, &[], at(&base, [2.0, 3.0, 2.0]), at(&base, [2.0, 3.0, 3.0]));
    let (up, down): (f64, f64) = (0.3 * 9.81, 9.81);
    let least = (2.0 * (1.0 / up + 1.0 / down)).sqrt();
    let duration = solve(&problem, &seeded(0)).trajectory.duration();
    assert!(duration > least && duration < 1.03 * least, "{duration} {least}");
}

/// Elsewhere things fall otherwise, and a vehicle is planned for, and certified, as they do there.
#[test]
fn flights_on_other_planets() {
    for gravity in [1.62, 15.0] {
        for base in kinds().map(|base| base.with_gravity(gravity)) {
            let (here, there) = (at(&base, [1.0, 3.0, 1.0]), at(&base, [5.0, 3.0, 1.2]));
            let elsewhere = problem(&base, &wall(&base), here, there);
            assert_eq!(elsewhere.gravity, DVec3::new(0.0, 0.0, -gravity));
            let solution = solve(&elsewhere, &seeded(0));
            // What is right under the stronger gravity takes too much thrust, for its weight, or too little
            // under the weaker one.
            let earthly = problem(
                &base.clone().with_gravity(EARTH),
                &wall(&base),
                elsewhere.start.clone(),
                elsewhere.goals[0].clone(),
            );
            let options = CertifyOptions::default();
            let violation = match gravity < EARTH {
                true => certify(&elsewhere, &solve(&earthly, &seeded(0)).trajectory, &options),
                false => certify(&earthly, &solution.trajectory, &options),
            };
            assert!(violation.is_err(), "{base:?}");
            // And a vehicle cannot be in another gravity than the rest of its problem.
            let mixed = Problem { gravity: earthly.gravity, ..elsewhere };
            let violation = certify(&mixed, &solution.trajectory, &options).expect_err("two gravities");
            assert!(violation.to_string().contains("gravity"), "{violation}");
            assert!(refused(&mixed).contains("gravity is [0, 0, -9.81], but the equations of the"));
        }
    }
}

/// An overturned body falls while it is righted, slowly on the Moon.
#[test]
fn overturned_on_the_moon() {
    let base = planar().with_gravity(1.62);
    let tilted = with(at(&base, [3.0, 3.0, 4.0]), |s| s.position[2] = 2.5);
    solve(&problem(&base, &[], tilted, at(&base, [3.0, 3.0, 2.0])), &seeded(0));
}

#[test]
fn nowhere_takes_no_time() {
    for base in kinds() {
        let here = at(&base, [2.0, 3.0, 2.0]);
        assert_eq!(solve(&problem(&base, &[], here.clone(), here), &seeded(0)).trajectory.duration(), 0.0);
    }
}

#[test]
fn through_a_wall() {
    for base in kinds() {
        let problem = problem(&base, &wall(&base), at(&base, [1.0, 3.0, 1.0]), at(&base, [5.0, 3.0, 1.2]));
        for seed in 0..5 {
            solve(&problem, &seeded(seed));
        }
    }
}

/// Through floors with gaps of 0.8 to 1 times the width of the body: none of these is passed level.
#[test]
fn through_floors_narrower_than_the_body() {
    for seed in [3, 4, 9, 10, 12] {
        let instance = FamilyKind::Slot.instance(Vehicle::PlanarQuadrotor, seed).unwrap();
        solve(&instance.scene.problem, &seeded(seed));
    }
}

/// Through a wall with a window of 0.85 times the width of the body, turned by 0.6 rad.
#[test]
fn through_a_window_narrower_than_the_body() {
    let base = Base::Quadrotor(Quadrotor {
        mass: 0.8,
        inertia: DVec3::new(0.004, 0.004, 0.007),
        actuation: Actuation::Rotors { arm: 0.17, torque_by_thrust: 0.016, most: 2.2 },
        velocity: 5.0,
        body_rate: 8.0,
        velocity_axes: VelocityAxes::World,
        gravity: EARTH,
    });
    let line = (-3..=3).map(|i| 0.05 * f64::from(i));
    let grid = line.clone().flat_map(|x| line.clone().map(move |y| DVec3::new(x, y, 0.0)));
    let body: Vec<Sphere> = grid.map(|center| Sphere { center, radius: 0.05 }).collect();
    let (narrow, wide, turn) = (0.85 * 0.4, 0.85, DQuat::from_rotation_x(0.6));
    let plate = |y: f64, z: f64, size: DVec3| {
        cuboid(size, Pose::new(turn, DVec3::splat(3.0) + turn * DVec3::new(0.0, y, z)))
    };
    let mut wall = Vec::new();
    for side in [-1.0, 1.0] {
        wall.push(plate(side * (narrow / 2.0 + 3.0), 0.0, DVec3::new(0.04, 6.0, 12.0)));
        wall.push(plate(0.0, side * (wide / 2.0 + 3.0), DVec3::new(0.04, narrow, 6.0)));
    }
    let ends = [at(&base, [1.0, 3.6, 2.5]), at(&base, [5.2, 2.4, 3.4])];
    let problem = problem_of(&base, body, wall, ends);
    for seed in 0..5 {
        solve(&problem, &seeded(seed));
    }
}

#[test]
fn yaw_turns_the_near_way() {
    for base in [by_rotors(), by_wrench()] {
        for to in [[2.0, 3.0, 2.0], [4.0, 3.0, 2.5]] {
            let yawed = |point, yaw: f64| with(at(&base, point), |s| s.position[3] = yaw);
            let start = yawed([2.0, 3.0, 2.0], 3.0);
            let problem = problem(&base, &[], start, yawed(to, -3.0));
            let trajectory = solve(&problem, &seeded(0)).trajectory;
            let mut end = [0.0; 4];
            trajectory.evaluate(trajectory.duration(), 0, &mut end);
            assert!((end[3] - (2.0 * PI - 3.0)).abs() < 1e-9, "{end:?}");
        }
        let turned = with(at(&base, [1.0, 3.0, 1.0]), |s| s.position[3] = FRAC_PI_2);
        solve(&problem(&base, &wall(&base), at(&base, [5.0, 3.0, 5.0]), turned), &seeded(0));
    }
}

#[test]
fn ends_may_move() {
    for base in kinds() {
        let moving = |point, along: f64, up: f64| {
            with(at(&base, point), |s| {
                s.velocity[0] = along;
                let climb = if s.velocity.len() == 3 { 1 } else { 2 };
                s.velocity[climb] = up;
            })
        };
        let (start, goal) = (moving([1.5, 3.0, 2.0], 1.5, 0.5), moving([4.5, 3.0, 2.5], 1.0, -0.5));
        let still = at(&base, [4.0, 3.0, 3.0]);
        for boxes in [vec![], wall(&base)] {
            for (from, to) in [(&start, &still), (&at(&base, [1.0, 3.0, 2.0]), &goal), (&start, &goal)] {
                for seed in 0..3 {
                    solve(&problem(&base, &boxes, from.clone(), to.clone()), &seeded(seed));
                }
            }
        }
    }
}

#[test]
fn ends_may_lean_and_turn() {
    for base in kinds() {
        let leaning = |point, lean: f64, rate: f64| {
            with(at(&base, point), |s| {
                let angle = s.position.len() - 1;
                (s.position[angle], s.velocity[angle]) = (lean, rate);
            })
        };
        for (lean, rate) in [(0.4, 0.0), (-0.7, 1.0), (0.0, 3.0)] {
            let (start, goal) = (leaning([2.0, 3.0, 3.0], lean, rate), at(&base, [4.0, 3.0, 3.0]));
            solve(&problem(&base, &[], start, goal), &seeded(0));
        }
        let (start, goal) = (at(&base, [2.0, 3.0, 3.0]), leaning([4.0, 3.0, 3.0], 0.3, -0.5));
        solve(&problem(&base, &[], start, goal), &seeded(0));
    }
}

#[test]
fn upside_down_starts_are_recovered() {
    // The first is too weak to brake the drift of a shorter turn, the last turns too slowly to be righted
    // from upside down in a room of this height.
    let leans: [&[f64]; 3] = [&[PI, 2.9], &[PI, 2.9, -2.4], &[-2.4]];
    for (base, leans) in kinds().into_iter().zip(leans) {
        for &over in leans {
            let start = with(at(&base, [3.0, 3.0, 5.0]), |s| {
                // Theta of a planar quadrotor, roll of another.
                let angle = s.position.len() - if s.position.len() == 3 { 1 } else { 2 };
                s.position[angle] = over;
            });
            let shelf = [DVec3::new(3.0, 3.0, 5.6), DVec3::new(1.0, 1.0, 0.2)];
            let problem = problem(&base, &[shelf], start, at(&base, [3.0, 3.0, 3.0]));
            for seed in 0..2 {
                solve(&problem, &seeded(seed));
            }
        }
    }
}

#[test]
fn the_same_seed_gives_the_same_flight() {
    for base in kinds() {
        let problem = problem(&base, &wall(&base), at(&base, [1.0, 3.0, 1.0]), at(&base, [5.0, 3.0, 1.2]));
        let checker = || Backend::Simd.checker(&problem, 0.05);
        let of = |options: &PlanOptions, threads| {
            let answer = plan_on_threads(&problem, checker, options, threads);
            answer.unwrap_or_else(|why| panic!("{why}")).trajectory
        };
        let once = solve(&problem, &seeded(3)).trajectory;
        assert_eq!(once, of(&seeded(3), 1));
        assert_eq!(of(&seeded(3), 3), of(&seeded(3), 3));
        assert_ne!(once, solve(&problem, &seeded(4)).trajectory);
        let mut better = seeded(3);
        Quality::Balanced.apply(&mut better);
        assert!(of(&better, 1).duration() <= once.duration());
        let raw = PlanOptions { shortcut_tries: 0, ..seeded(3) };
        assert!(solve(&problem, &raw).trajectory.duration() >= once.duration());
    }
}

/// A quadrotor under way is sent elsewhere, at once or where it can first be levelled.
#[test]
fn a_flight_is_replanned() {
    for base in kinds() {
        let problem = problem(&base, &wall(&base), at(&base, [1.0, 3.0, 3.0]), at(&base, [5.0, 3.0, 3.0]));
        let running = solve(&problem, &seeded(0)).trajectory;
        let elsewhere = Problem { goals: vec![at(&base, [4.8, 3.0, 2.0])], ..problem.clone() };
        for share in [0.15, 0.4, 0.7] {
            let departure = Departure { running: &running, from: share * running.duration() };
            let mut checker = Backend::Simd.checker(&elsewhere, 0.05).expect("lanes");
            let next = replan(&elsewhere, &mut *checker, &seeded(0), &departure)
                .unwrap_or_else(|why| panic!("{share}: {why}"));
            let options = CertifyOptions::default();
            departure.join(&elsewhere, &next.trajectory, &options).expect("a whole flight");
        }
    }
}

#[test]
fn refusals_say_why() {
    let base = by_rotors();
    let (here, there) = (at(&base, [2.0, 3.0, 3.0]), at(&base, [4.0, 3.0, 3.0]));
    let from = |start: JointState| refused(&problem(&base, &[], start, there.clone()));
    let fast = from(with(here.clone(), |s| s.velocity[0] = 5.0));
    assert!(fast.contains("the start is invalid") && fast.contains("speed along x"), "{fast}");
    let spinning = from(with(here.clone(), |s| s.velocity[4] = 9.0));
    assert!(spinning.contains("the start is invalid") && spinning.contains("body rate"), "{spinning}");
    let tumbling = from(with(here.clone(), |s| (s.position[4], s.velocity[5]) = (2.8, 2.0)));
    assert!(tumbling.contains("turns out of the plane of its lean"), "{tumbling}");
    let beyond = from(with(here.clone(), |s| s.position[5] = 2.0));
    assert!(beyond.contains("pitch lies beyond a quarter turn"), "{beyond}");
    // Half a metre above the floor there is no room to fall.
    let low = with(at(&base, [2.0, 3.0, 0.5]), |s| s.position[4] = PI);
    let low = from(low);
    assert!(low.contains("levelling it fails: position limit"), "{low}");

    let weak = Base::PlanarQuadrotor(PlanarQuadrotor {
        mass: 1.0,
        inertia: 0.1,
        arm: 0.2,
        rotor: 1.0,
        velocity: 4.0,
        body_rate: 8.0,
        gravity: EARTH,
    });
    let weak = refused(&problem(&weak, &[], at(&weak, [2.0, 3.0, 3.0]), at(&weak, [3.0, 3.0, 3.0])));
    assert!(weak.contains("hardly carries its weight"), "{weak}");

    // Walls without a gap.
    let plate = [[DVec3::new(3.0, 3.0, 3.0), DVec3::new(0.3, 20.0, 20.0)]];
    let walled = problem(&base, &plate, here, there);
    let options = PlanOptions { max_samples: 2000, ..seeded(0) };
    assert!(matches!(answer(&walled, &options), Err(PlanError::Budget(_))));
}

#[test]
fn a_quadrotor_with_an_arm_is_refused() {
    let base = by_rotors();
    let mut tree = Robot::of_spheres("body", vec![Sphere { center: DVec3::ZERO, radius: 0.2 }]);
    tree.links.push(Link { name: "arm".into(), ..tree.links[0].clone() });
    tree.joints.push(Joint {
        name: "elbow".into(),
        kind: JointKind::Revolute,
        parent: 0,
        origin: Pose::from_translation(-0.2 * DVec3::Z),
        axis: DVec3::Y,
        limits: JointLimits {
            lower: -1.0,
            upper: 1.0,
            velocity: 1.0,
            acceleration: 5.0,
            ..JointLimits::NONE
        },
        mimic: None,
    });
    let robot = tree.on_base(base.clone(), &[JointLimits::NONE; 6], Vec::new());
    let all = robot.independent_joints();
    let mechanism = Mechanism::new(&robot, &all, &robot.neutral(), Pose::IDENTITY).expect("joints");
    let state = |x: f64| JointState::at_rest(vec![x, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0]);
    let carrying = Problem {
        mechanism,
        start: state(0.0),
        goals: vec![state(1.0)],
        ..problem(&base, &[], state(0.0), state(1.0))
    };
    let why = refused(&carrying);
    assert!(why.contains("carries joints of its own"), "{why}");
}

/// All of dynobench's quadrotors, within 1.4 times the durations of iDb-A*.
#[test]
fn quadrotors_of_dynobench() {
    let Some(instances) = dynobench_instances() else { return };
    let mut planned = 0;
    for instance in instances {
        let Ok(problem) = instance.problem().expect("within limits") else { continue };
        let Some(Base::PlanarQuadrotor(_) | Base::Quadrotor(_)) = problem.mechanism.base else { continue };
        let name = format!("{}/{}", instance.system, instance.name);
        let mut durations: Vec<f64> =
            (0..3).map(|seed| solve(&problem, &seeded(seed)).trajectory.duration()).collect();
        durations.sort_by(f64::total_cmp);
        let ratio = durations[1] / instance.reference.expect("a reference");
        assert!(ratio < 1.4, "{name}: {durations:?}, {ratio}");
        planned += 1;
    }
    assert_eq!(planned, 16);
}

#[test]
fn quadrotors_among_the_boxes_of_kinopax() {
    for name in ["quadTrees", "quadHouse"] {
        let Some(problem) = kinopax_problem(name, System::Quadrotor) else { return };
        for seed in 0..3 {
            solve(&problem, &PlanOptions { resolution: Some(2.0), range: Some(50.0), ..seeded(seed) });
        }
    }
}
