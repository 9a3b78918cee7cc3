//! Vehicles of every kind: random parameters and bodies, arms on some of them, in random worlds; random
//! states, and random edges of their flat outputs.

use super::{Tally, edges_of_batch_agree, obstacle, states_agree};
use crate::common;
use flatout::base::{
    Actuation, Airplane, Base, Car, DifferentialDrive, DriveAcceleration, GRAVITY, MecanumWheels,
    Omnidirectional, PlanarQuadrotor, Quadrotor, Trailer, VelocityAxes,
};
use flatout::check::{EdgeBatch, EdgeChecker, SimdChecker, Status, simd};
use flatout::pose::Pose;
use flatout::problem::{JointState, Problem, Smoothness};
use flatout::robot::{JointLimits, Mechanism, Robot, Sphere};
use flatout::trajectory::{Trajectory, derivative};
use flatout::world::World;
use glam::DVec3;
use rand::{RngExt, SeedableRng};
use rand_pcg::Pcg64Mcg;
use std::f64::consts::PI;

/// Kinds that go where they point: drives, cars without and with a trailer, airplanes.
const FOLLOWING: usize = 4;
/// And with planar and other quadrotors, and omnidirectional bases.
const KINDS: usize = 7;

fn base(kind: usize, rng: &mut Pcg64Mcg) -> Base {
    let mut up_to = |most: f64| most * rng.random_range(0.5..1.0);
    let (least, most) = (up_to(0.6) - 0.5, up_to(1.0));
    match kind {
        0 => {
            let turn = up_to(1.5);
            let acceleration = DriveAcceleration { linear: up_to(1.0), angular: up_to(1.0) };
            // One that never stands, in one case of four, and one that turns to one side alone.
            let speed = [[-most, most], [least.abs() + 0.1, most], [0.0, most], [-most, -0.1]];
            let turn_rate = [[-turn, turn], [-0.5 * turn, turn], [0.0, turn], [-turn, 0.1]];
            let (i, j) = (rng.random_range(0..4), rng.random_range(0..4));
            let acceleration = rng.random_bool(0.5).then_some(acceleration);
            Base::DifferentialDrive(DifferentialDrive {
                speed: speed[i],
                turn_rate: turn_rate[j],
                acceleration,
            })
        }
        1 | 2 => Base::Car(Car {
            wheelbase: up_to(0.5),
            speed: [least, most],
            steering: up_to(1.2),
            steering_rate: f64::INFINITY,
            acceleration: f64::INFINITY,
            trailer: (kind == 2).then(|| Trailer { hitch_length: up_to(0.6), angle: up_to(1.2) }),
        }),
        3 => Base::Airplane(Airplane {
            speed: [0.0, most],
            acceleration: up_to(1.0),
            yaw_rate: up_to(1.0),
            pitch_rate: up_to(1.0),
            pitch: up_to(1.2),
        }),
        4 => Base::PlanarQuadrotor(PlanarQuadrotor {
            mass: up_to(1.0),
            inertia: up_to(0.01),
            arm: up_to(0.3),
            rotor: 1.0 + up_to(1.0),
            velocity: up_to(4.0),
            body_rate: up_to(8.0),
            gravity: up_to(2.0 * GRAVITY),
        }),
        6 => {
            let wheels = MecanumWheels {
                radius: up_to(0.2),
                half_length: up_to(0.4),
                half_width: up_to(0.3),
                rate: up_to(60.0),
            };
            let velocity = [up_to(5.0), up_to(5.0), up_to(5.0)];
            let acceleration = [up_to(10.0), up_to(10.0), up_to(10.0)];
            let wheels = rng.random_bool(0.5).then_some(wheels);
            Base::Omnidirectional(Omnidirectional { velocity, acceleration, wheels })
        }
        _ => {
            let mass = up_to(1.0);
            let inertia = DVec3::new(up_to(0.01), up_to(0.01), up_to(0.02));
            let rotors =
                Actuation::Rotors { arm: up_to(0.3), torque_by_thrust: up_to(0.1), most: 1.0 + up_to(1.0) };
            let unit = [mass * GRAVITY, up_to(1.0), up_to(1.0), up_to(1.0)];
            let wrench =
                Actuation::Wrench { unit, lower: [0.0, -0.2, -0.2, -0.1], upper: [2.0, 0.2, 0.2, 0.1] };
            let (velocity, body_rate, gravity) = (up_to(4.0), up_to(8.0), up_to(2.0 * GRAVITY));
            let actuation = if rng.random_bool(0.5) { rotors } else { wrench };
            let velocity_axes = if rng.random_bool(0.5) { VelocityAxes::World } else { VelocityAxes::Body };
            Base::Quadrotor(Quadrotor {
                mass,
                inertia,
                actuation,
                velocity,
                body_rate,
                velocity_axes,
                gravity,
            })
        }
    }
}

fn body(rng: &mut Pcg64Mcg) -> Vec<Sphere> {
    let mut ball = || Sphere {
        center: DVec3::from_array([0; 3].map(|_| rng.random_range(-0.15..0.15))),
        radius: rng.random_range(0.02..0.1),
    };
    vec![ball(), ball(), ball()]
}

/// A vehicle of a kind, with an arm of random joints if asked for.
fn vehicle(kind: usize, has_arm: bool, seed: u64) -> Problem {
    let mut rng = Pcg64Mcg::seed_from_u64(seed);
    let base = base(kind, &mut rng);
    let limits: Vec<JointLimits> = base
        .coordinates()
        .iter()
        .map(|c| match c.turns {
            true => JointLimits { velocity: 3.0, acceleration: 4.0, ..JointLimits::NONE },
            false => {
                JointLimits { lower: -2.0, upper: 2.0, velocity: 3.0, acceleration: 4.0, ..JointLimits::NONE }
            }
        })
        .collect();
    let gravity = base.gravity().map_or(flatout::problem::GRAVITY, |g| -g * DVec3::Z);
    let trailer = if kind == 2 { body(&mut rng) } else { Vec::new() };
    let mut robot =
        if has_arm { common::random_robot(seed) } else { Robot::of_spheres("body", body(&mut rng)) };
    robot = robot.on_base(base, &limits, trailer);
    let joints = robot.independent_joints();
    let mut mechanism =
        Mechanism::new(&robot, &joints, &robot.neutral(), Pose::IDENTITY).expect("a mechanism");
    for limits in &mut mechanism.limits[robot.base.as_ref().expect("a base").coordinates().len()..] {
        (limits.lower, limits.upper) = (-2.0, 2.0);
        (limits.velocity, limits.acceleration) = (1.0, 2.0);
    }
    let start = JointState::at_rest(vec![0.0; mechanism.dof()]);
    let mut obstacles: Vec<_> = (0..[0, 3, 12][seed as usize % 3]).map(|i| obstacle(i, &mut rng)).collect();
    for o in &mut obstacles {
        o.pose.translation *= 1.5;
    }
    Problem {
        mechanism,
        world: World { obstacles },
        goals: vec![start.clone()],
        start,
        smoothness: Smoothness::Acceleration,
        torque: false,
        gravity,
    }
}

/// Ascending coefficients of a polynomial about a line, whose powers from `first` on are random and of
/// about `size`.
fn about_line(degree: usize, from: f64, slope: f64, first: usize, size: f64, rng: &mut Pcg64Mcg) -> Vec<f64> {
    let mut c: Vec<f64> =
        (0..=degree).map(|k| if k < first { 0.0 } else { size * rng.random_range(-1.0..1.0) }).collect();
    c[0] += from;
    c[1] += slope;
    c
}

/// How far directions of a course stay away from where they are not known, and the sine of the angle by
/// which the guide stays away from a quarter turn off. In `f32` a direction is known to some 1e-6
/// of the one and of the other.
const REGULAR: f64 = 0.1;

/// Whether a path of one second bears its vehicle: it goes on everywhere, not straight up, and never
/// across its guide.
fn is_regular(base: &Base, paths: &[Vec<f64>]) -> bool {
    (0..=100).all(|i| {
        let t = f64::from(i) / 100.0;
        let [x, y] = [0, 1].map(|axis| derivative(&paths[axis], 1, t));
        let across = match base {
            Base::Airplane(_) => 1.0,
            _ => {
                let (sin, cos) = derivative(&paths[2], 0, t).sin_cos();
                (x * cos + y * sin) / x.hypot(y)
            }
        };
        x.hypot(y) > REGULAR && across.abs() > REGULAR
    })
}

/// A path of one second: ahead or back, or a turn on the spot.
fn course(base: &Base, degree: usize, rng: &mut Pcg64Mcg) -> Vec<Vec<f64>> {
    loop {
        let heading = rng.random_range(-PI..PI);
        let (size, length) = (rng.random_range(0.0..0.2), rng.random_range(0.2..1.0));
        let mut line = |slope: f64, size: f64| {
            let from = rng.random_range(-1.3..1.3);
            about_line(degree, from, slope, 2, size, rng)
        };
        let mut paths = vec![line(length * heading.cos(), size), line(length * heading.sin(), size)];
        if let Base::Airplane(_) = base {
            let slope = rng.random_range(-1.0..1.0);
            paths.push(about_line(degree, rng.random_range(-0.5..1.0), length * slope, 2, size, rng));
        } else {
            // Some whole turns, ahead or back, not quite along the path.
            let turns = f64::from(rng.random_range(-2..3));
            let from = heading + turns * PI + rng.random_range(-0.5..0.5);
            paths.push(about_line(degree, from, rng.random_range(-0.5..0.5), 2, 0.1, rng));
        }
        if rng.random_bool(0.1) {
            // On the spot; a trailer or a wing would have to move.
            paths[..2].iter_mut().flat_map(|c| &mut c[1..]).for_each(|c| *c = 0.0);
            let turns = rng.random_bool(0.5);
            paths[2][1..].iter_mut().filter(|_| !turns).for_each(|c| *c = 0.0);
            return paths;
        }
        if is_regular(base, &paths) {
            return paths;
        }
    }
}

/// A motion of a quadrotor over one second, some of them upside down.
fn flight(base: &Base, degree: usize, rng: &mut Pcg64Mcg) -> Vec<Vec<f64>> {
    let size = 10_f64.powf(rng.random_range(-2.0..0.5));
    let outputs = base.outputs();
    let is_over = rng.random_bool(0.2);
    let path = |&name: &&str| match name {
        "yaw" => {
            about_line(degree, rng.random_range(-PI..PI), rng.random_range(-1.0..1.0), 2, 0.1 * size, rng)
        }
        _ => {
            let speed = rng.random_range(-2.0..2.0);
            let mut c = about_line(degree, rng.random_range(-1.5..1.5), speed, 2, size, rng);
            if name == "z" && is_over {
                c[2] -= rng.random_range(0.6..1.0) * GRAVITY;
            }
            c
        }
    };
    outputs.iter().map(path).collect()
}

fn edge(base: &Base, mechanism: &Mechanism, degree: usize, rng: &mut Pcg64Mcg) -> Vec<f64> {
    let mut paths = match base.follows_course() {
        true => course(base, degree, rng),
        false => flight(base, degree, rng),
    };
    for _ in paths.len()..mechanism.flat_dof() {
        paths.push(about_line(degree, rng.random_range(-2.0..2.0), rng.random_range(-0.5..0.5), 2, 0.1, rng));
    }
    paths.concat()
}

fn edges(problem: &Problem, degree: usize, count: usize, rng: &mut Pcg64Mcg) -> EdgeBatch {
    let mechanism = &problem.mechanism;
    let base = mechanism.vehicle().expect("a vehicle");
    let mut batch = EdgeBatch::new(mechanism.flat_dof(), degree);
    for i in 0..count {
        let first = edge(base, mechanism, degree, rng);
        if i % 4 > 0 {
            batch.push(1.0, &first);
            continue;
        }
        let mut two = Trajectory::new(mechanism.flat_dof(), degree);
        two.push(0.7, &first);
        two.push(1.0, &edge(base, mechanism, degree, rng));
        batch.push_trajectory(&two);
    }
    batch
}

/// All kinds, some with arms.
fn vehicles(seeds: std::ops::Range<u64>) -> impl Iterator<Item = (usize, u64, Problem)> {
    seeds.flat_map(|seed| {
        (0..KINDS).map(move |kind| {
            let has_arm = (kind < 3 || kind == 6) && seed % 4 == 0;
            (kind, seed, vehicle(kind, has_arm, 1000 * kind as u64 + seed))
        })
    })
}

#[test]
fn random_states_of_vehicles_agree() {
    let mut tally = Tally::default();
    for (kind, seed, problem) in vehicles(0..8) {
        states_agree(&format!("vehicle {kind}"), &problem, 300, seed, &mut tally);
    }
    tally.assert_few_close();
    let statuses =
        [Status::World, Status::SelfCollision, Status::Position, Status::Velocity, Status::Acceleration];
    assert!(statuses.iter().all(|&s| tally.seen[s as usize] > 100), "all kinds occur: {:?}", tally.seen);
}

#[test]
fn random_edges_of_vehicles_agree() {
    let mut tallies: [Tally; KINDS] = Default::default();
    for (kind, seed, problem) in vehicles(0..24) {
        let degree = if kind < FOLLOWING { [5, 3, 5, 7][seed as usize % 4] } else { 7 };
        let batch = edges(&problem, degree, 40, &mut Pcg64Mcg::seed_from_u64(seed));
        edges_of_batch_agree(&format!("vehicle {kind}"), &problem, &batch, seed, &mut tallies[kind]);
    }
    for (kind, tally) in tallies.iter().enumerate() {
        tally.assert_few_close();
        let statuses = [Status::Valid, Status::World, Status::Position, Status::Base];
        let occur = statuses.iter().all(|&s| tally.seen[s as usize] > 20);
        assert!(occur, "vehicle {kind}: all kinds occur: {:?}", tally.seen);
    }
    let arms: usize = tallies.iter().map(|t| t.seen[Status::SelfCollision as usize]).sum();
    assert!(arms > 10, "arms fold");
}

/// Samples lie so close that hardly any sphere moves farther than asked between two of them, though the
/// turnings of a body are estimated; nor are there many times as many as are needed.
#[test]
fn samples_are_as_close_as_asked() {
    const RESOLUTION: f64 = 0.05;
    let (mut steps, mut far, mut total) = (0_usize, 0, 0.0);
    for (_, seed, problem) in vehicles(0..8) {
        let m = &problem.mechanism;
        let base = m.vehicle().expect("a vehicle");
        let mut rng = Pcg64Mcg::seed_from_u64(seed);
        let oracle = flatout::check::ScalarChecker::new(&problem, RESOLUTION);
        for _ in 0..20 {
            let coefficients = edge(base, m, 7, &mut rng);
            let mut trajectory = Trajectory::new(m.flat_dof(), 7);
            trajectory.push(1.0, &coefficients);
            let mut batch = EdgeBatch::new(m.flat_dof(), 7);
            batch.push_trajectory(&trajectory);
            let mut times = oracle.sample_times(&batch.get(0));
            times.sort_by(f32::total_cmp);
            let centers = |&t: &f32| {
                let (segment, t) = (trajectory.segment(0), f64::from(t).min(1.0));
                let sample = base.unflatten(&base.flat(&segment, t)).ok()?;
                let tree =
                    (base.outputs().len()..m.flat_dof()).map(|i| derivative(segment.polynomial(i), 0, t));
                let joints: Vec<f64> = sample.coordinates.iter().copied().chain(tree).collect();
                let mut poses = Vec::new();
                m.place(&joints, &mut poses);
                let of_link = |l: &flatout::robot::CollisionLink| {
                    m.spheres[l.spheres.clone()]
                        .iter()
                        .map(|s| poses[l.body].point(s.center))
                        .collect::<Vec<_>>()
                };
                Some(m.links.iter().filter(|l| l.body > 0).flat_map(of_link).collect::<Vec<_>>())
            };
            let centers: Vec<_> = times.iter().filter_map(centers).collect();
            for two in centers.windows(2) {
                let moved = two[0].iter().zip(&two[1]).map(|(a, b)| a.distance(*b)).fold(0.0, f64::max);
                steps += 1;
                far += usize::from(moved > RESOLUTION);
                total += moved;
            }
        }
    }
    assert!(far * 100 < steps, "{far} of {steps} steps are too far");
    assert!(total > 0.2 * RESOLUTION * steps as f64, "of {steps} steps most are short: {total} m");
}

/// Nothing comes of what is not a number.
#[test]
fn edges_that_are_not_finite_are_invalid() {
    for (kind, seed, mut problem) in vehicles(0..2) {
        problem.world.obstacles.clear();
        problem.mechanism.pairs.clear();
        let m = &problem.mechanism;
        let mut batch = EdgeBatch::new(m.flat_dof(), 7);
        for number in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
            for place in 0..8 * m.flat_dof() {
                let mut coefficients = vec![0.0; 8 * m.flat_dof()];
                // Ahead and level, or hovering.
                coefficients[1] = 1e-3;
                coefficients[place] = number;
                batch.push(1.0, &coefficients);
            }
        }
        let mut verdicts = Vec::new();
        for level in simd::levels() {
            let mut lanes = SimdChecker::at_level(&problem, 0.05, level).expect("an available level");
            lanes.check(&batch, &mut verdicts).expect("lanes do not fail");
            assert!(verdicts.iter().all(|v| !v.is_valid()), "vehicle {kind}, seed {seed}, {level}");
        }
    }
}
