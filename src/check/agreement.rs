//! The oracle and every fast backend on random mechanisms, worlds, states and edges: the lanes at
//! every level, and the GPU where there is one.

use super::{EdgeBatch, EdgeChecker, ScalarChecker, SimdChecker, StateBatch, Status, Verdict, simd};
use crate::pose::Pose;
use crate::problem::{FlatState, GRAVITY, Problem};
use crate::robot::{JointLimits, random};
use crate::world::{Obstacle, Shape, World};
use glam::DVec3;
use rand::{RngExt, SeedableRng};
use rand_pcg::Pcg64Mcg;

/// Distances of 1 m carry rounding errors of some 1e-6 m through a chain of ten poses in `f32`.
const DISTANCE_TOLERANCE: f64 = 2e-5;
/// Limits are compared after a cubic's evaluation, efforts after a recursion over all bodies.
const LIMIT_TOLERANCE: f64 = 2e-5;
const EFFORT_TOLERANCE: f64 = 1e-3;

fn tolerance(status: Status) -> f64 {
    match status {
        Status::World | Status::SelfCollision => DISTANCE_TOLERANCE,
        Status::Effort => EFFORT_TOLERANCE,
        _ => LIMIT_TOLERANCE,
    }
}

/// Every fast backend.
fn backends(problem: &Problem, resolution: f64) -> Vec<Box<dyn EdgeChecker>> {
    let level = |level| SimdChecker::at_level(problem, resolution, level).expect("an available level");
    let lanes = simd::levels().into_iter().map(|l| Box::new(level(l)) as Box<dyn EdgeChecker>);
    lanes.chain(on_gpu(problem, resolution)).collect()
}

/// The GPU where there is one, with all that it has and held to the least limits.
#[cfg(feature = "gpu")]
fn on_gpu(problem: &Problem, resolution: f64) -> impl Iterator<Item = Box<dyn EdgeChecker>> {
    use super::gpu::{GpuChecker, tests};
    let devices = tests::device().into_iter().chain(tests::limited_device());
    devices.map(move |gpu| Box::new(GpuChecker::new(gpu, problem, resolution).expect("a checker")) as _)
}

#[cfg(not(feature = "gpu"))]
fn on_gpu(_: &Problem, _: f64) -> Option<Box<dyn EdgeChecker>> {
    None
}

fn world(rng: &mut Pcg64Mcg, obstacles: usize) -> World {
    let obstacle = |i: usize, rng: &mut Pcg64Mcg| {
        let mut length = || rng.random_range(0.02..0.3);
        let shape = match i % 5 {
            0 => Shape::Sphere { radius: length() },
            1 => Shape::Cuboid { half_extents: DVec3::new(length(), length(), length()) },
            2 => Shape::Capsule { radius: length(), half_length: length() },
            3 => Shape::Cylinder { radius: length(), half_length: length() },
            _ => Shape::HalfSpace,
        };
        let far = Pose::from_translation(DVec3::new(0.0, 0.0, -2.5));
        let pose = random::pose(rng, 2.0);
        let pose = if shape == Shape::HalfSpace { pose * far } else { pose };
        Obstacle { name: format!("o{i}"), shape, pose }
    };
    World { obstacles: (0..obstacles).map(|i| obstacle(i, rng)).collect() }
}

fn problem(rng: &mut Pcg64Mcg) -> Problem {
    let bodies = rng.random_range(1..9);
    let mut mechanism = random::mechanism(rng, bodies);
    for limits in &mut mechanism.limits {
        *limits = JointLimits {
            lower: -2.0,
            upper: 2.0,
            velocity: 3.0,
            acceleration: 20.0,
            jerk: f64::INFINITY,
            effort: 200.0,
        };
    }
    let start = FlatState::at_rest(vec![0.0; mechanism.dof()]);
    let obstacles = rng.random_range(0..12);
    let world = world(rng, obstacles);
    Problem { mechanism, world, goals: vec![start.clone()], start, torque: true, gravity: GRAVITY }
}

fn numbers(rng: &mut Pcg64Mcg, n: usize, reach: f64) -> Vec<f64> {
    // Deliberate zeros and values at a limit among the rest.
    let number = |rng: &mut Pcg64Mcg| match rng.random_range(0..12) {
        0 => 0.0,
        1 => reach / 1.1,
        _ => rng.random_range(-reach..reach),
    };
    (0..n).map(|_| number(rng)).collect()
}

/// Panics unless a backend's verdict on a state agrees with the oracle's margins, or the margin of
/// the first stage at which they part is within the tolerance. Says whether it was that close.
fn compare(margins: &super::Margins, verdict: &Verdict, what: &str) -> bool {
    let (oracle, other) = (margins.status(), verdict.status());
    if oracle == other {
        return false;
    }
    let parted = match (oracle, other) {
        (Status::Valid, s) | (s, Status::Valid) => s,
        (a, b) => a.min(b),
    };
    let margin = margins.of(parted);
    assert!(margin.abs() < tolerance(parted), "{what}: oracle {oracle}, backend {other}, margin {margin}");
    true
}

#[test]
fn states_agree_on_every_backend() {
    let mut close = 0;
    let mut seen = [0_u32; 7];
    for seed in 0..60 {
        let mut rng = Pcg64Mcg::seed_from_u64(seed);
        let problem = problem(&mut rng);
        let dof = problem.mechanism.dof();
        let mut oracle = ScalarChecker::new(&problem, 0.05);
        let states: Vec<_> = (0..300)
            .map(|_| [numbers(&mut rng, dof, 2.2), numbers(&mut rng, dof, 3.3), numbers(&mut rng, dof, 22.0)])
            .collect();
        let mut batch = StateBatch::new(dof);
        states.iter().for_each(|[y, yd, ydd]| batch.push(y, yd, ydd));
        for mut backend in backends(&problem, 0.05) {
            let mut verdicts = Vec::new();
            backend.check_states(&batch, &mut verdicts).expect("backends do not fail");
            let name = backend.name();
            assert_eq!(verdicts.len(), states.len());
            for (i, ([y, yd, ydd], verdict)) in states.iter().zip(&verdicts).enumerate() {
                let margins = oracle.margins(y, yd, ydd);
                seen[margins.status() as usize] += 1;
                close += u32::from(compare(&margins, verdict, &format!("seed {seed} state {i} {name}")));
            }
        }
    }
    assert!(close < 200, "{close} verdicts within the tolerance are too many");
    assert!(seen.iter().all(|&n| n > 20), "every status must occur: {seen:?}");
}

/// Thousands of small obstacles, so that there is a hierarchy to walk and room between them.
#[test]
fn worlds_of_thousands_agree() {
    let (mut close, mut seen) = (0, [0_u32; 7]);
    for seed in 200..204 {
        let mut rng = Pcg64Mcg::seed_from_u64(seed);
        let mut problem = problem(&mut rng);
        problem.world = world(&mut rng, 3000);
        problem.world.obstacles.retain(|o| o.shape != Shape::HalfSpace || rng.random_bool(0.01));
        for obstacle in &mut problem.world.obstacles {
            obstacle.shape = smaller(obstacle.shape, 0.1);
        }
        let dof = problem.mechanism.dof();
        let mut batch = StateBatch::new(dof);
        let states: Vec<_> = (0..400).map(|_| numbers(&mut rng, dof, 2.0)).collect();
        let still = vec![0.0; dof];
        states.iter().for_each(|y| batch.push(y, &still, &still));
        let mut oracle = ScalarChecker::new(&problem, 0.05);
        let margins: Vec<_> = states.iter().map(|y| oracle.margins(y, &still, &still)).collect();
        for mut backend in backends(&problem, 0.05) {
            let mut verdicts = Vec::new();
            backend.check_states(&batch, &mut verdicts).expect("backends do not fail");
            let name = backend.name();
            for (i, (margins, verdict)) in margins.iter().zip(&verdicts).enumerate() {
                seen[margins.status() as usize] += 1;
                close += u32::from(compare(margins, verdict, &format!("seed {seed} state {i} {name}")));
            }
        }
    }
    assert!(close < 20, "{close} verdicts within the tolerance are too many");
    let hits = seen[Status::World as usize];
    assert!(hits > 300 && seen.iter().sum::<u32>() - hits > 300, "both kinds must occur: {seen:?}");
}

fn smaller(shape: Shape, share: f64) -> Shape {
    match shape {
        Shape::Sphere { radius } => Shape::Sphere { radius: share * radius },
        Shape::Cuboid { half_extents } => Shape::Cuboid { half_extents: half_extents * share },
        Shape::Capsule { radius, half_length } => {
            Shape::Capsule { radius: share * radius, half_length: share * half_length }
        }
        Shape::Cylinder { radius, half_length } => {
            Shape::Cylinder { radius: share * radius, half_length: share * half_length }
        }
        Shape::HalfSpace => Shape::HalfSpace,
    }
}

/// A verdict on an edge agrees if the oracle confirms what it claims at the time it claims,
/// or, for a valid one, finds no sample that fails by more than the tolerance.
#[test]
fn edges_agree_on_every_backend() {
    let (mut valid, mut invalid) = (0, 0);
    for seed in 100..160 {
        let mut rng = Pcg64Mcg::seed_from_u64(seed);
        let mut problem = problem(&mut rng);
        problem.torque = seed % 2 == 0;
        problem.world.obstacles.truncate(3);
        let dof = problem.mechanism.dof();
        let mut oracle = ScalarChecker::new(&problem, 0.05);
        let degree = [3, 5, 7][seed as usize % 3];
        let mut batch = EdgeBatch::new(dof, degree);
        for i in 0..40 {
            let (from, to) = (numbers(&mut rng, dof, 1.5), numbers(&mut rng, dof, 1.5));
            let to: Vec<f64> = from.iter().zip(&to).map(|(a, b)| a + 0.2 * (b - a)).collect();
            match i % 3 {
                0 => batch.push_at_rest(&from, &to, 1.0),
                1 => {
                    let terms = |(&a, &b): (&f64, &f64)| {
                        [a, b - a, 0.1, -0.1, -0.2, 0.3, -0.3, 0.2].into_iter().take(degree + 1)
                    };
                    batch.push(1.0, &from.iter().zip(&to).flat_map(terms).collect::<Vec<_>>());
                }
                _ => {
                    // Cubics go into batches of a higher degree as well.
                    let degree = if i % 2 == 0 { degree } else { 3 };
                    let mut trajectory = crate::trajectory::Trajectory::new(dof, degree);
                    let terms = |a: f64, v: f64, high: f64| {
                        [a, v, 0.2, high, -high, 0.5 * high, high, -high].into_iter().take(degree + 1)
                    };
                    let first: Vec<f64> = from.iter().flat_map(|&a| terms(a, 0.1, 0.1)).collect();
                    let second: Vec<f64> = from.iter().flat_map(|&a| terms(a + 0.3, 0.5, -0.2)).collect();
                    trajectory.push(1.0, &first);
                    trajectory.push(0.5, &second);
                    batch.push_trajectory(&trajectory);
                }
            }
        }
        for mut backend in backends(&problem, 0.05) {
            let mut verdicts = Vec::new();
            backend.check(&batch, &mut verdicts).expect("backends do not fail");
            let name = backend.name();
            for (i, verdict) in verdicts.iter().enumerate() {
                let what = format!("seed {seed} edge {i} {name}");
                let edge = batch.get(i);
                if verdict.is_valid() {
                    valid += 1;
                    for t in oracle.sample_times(&edge) {
                        compare(&oracle.margins_at(&edge, t), verdict, &what);
                    }
                } else {
                    invalid += 1;
                    compare(&oracle.margins_at(&edge, verdict.time), verdict, &what);
                }
            }
        }
    }
    assert!(valid > 500 && invalid > 500, "both kinds must occur: {valid} valid, {invalid} invalid");
}

/// A comparison that cannot fail is no comparison: an oracle of a slightly other world must part
/// from the lanes.
#[test]
#[should_panic(expected = "oracle")]
fn a_seeded_fault_is_caught() {
    let mut rng = Pcg64Mcg::seed_from_u64(3);
    let mut problem = problem(&mut rng);
    problem.mechanism.pairs.clear();
    let shape = Shape::Sphere { radius: 0.5 };
    problem.world.obstacles =
        vec![Obstacle { name: "ball".into(), shape, pose: random::pose(&mut rng, 0.5) }];
    let mut lanes = SimdChecker::new(&problem, 0.05);
    problem.world.obstacles[0].pose.translation += DVec3::splat(2e-3);
    let mut oracle = ScalarChecker::new(&problem, 0.05);
    let dof = problem.mechanism.dof();
    for i in 0..100_000 {
        let y = numbers(&mut rng, dof, 1.9);
        let still = vec![0.0; dof];
        let mut batch = StateBatch::new(dof);
        batch.push(&y, &still, &still);
        let mut verdicts = Vec::new();
        lanes.check_states(&batch, &mut verdicts).expect("lanes do not fail");
        compare(&oracle.margins(&y, &still, &still), &verdicts[0], &format!("state {i}"));
    }
}
